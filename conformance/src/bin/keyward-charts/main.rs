//! Draws what `keyward-scale` measured: cost and size against the number of objects, signatures against threads.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use keyward_conformance::scale::{Report, Size};
use plotters::prelude::*;

mod panel;
mod theme;

use panel::{Area, Axis, Fault, Panel, Scale, marker, text};
use theme::{GROUND, INK, MUTED};

const USAGE: &str = "usage: keyward-charts --out DIR REPORT.json [REPORT.json ...]

Each report is one module's, from keyward-scale --json. Writes objects.svg, size.svg and threads.svg into DIR.";

const OBJECTS: Axis = Axis { title: "objects in the token", scale: Scale::Logarithmic };

/// A drawing: its file, its title, its panels side by side.
struct Chart {
    file: &'static str,
    title: &'static str,
    note: &'static str,
    width: u32,
    panels: fn(&[Report]) -> Vec<Panel>,
}

const CHARTS: &[Chart] = &[
    Chart {
        file: "objects.svg",
        title: "What a token costs as it grows",
        note: "medians; keyward with its cheapest PIN derivation",
        width: 960,
        panels: |reports| {
            vec![
                by_objects(reports, "Find by class and CKA_ID", "µs", |size| Some(size.find_id_us)),
                by_objects(reports, "C_Initialize to C_OpenSession", "ms", |size| {
                    Some(size.initialize_ms + size.open_ms)
                }),
                by_objects(reports, "C_Login", "ms", |size| Some(size.login_ms)),
            ]
        },
    },
    Chart {
        file: "size.svg",
        title: "What a token takes",
        note: "AES-256 keys; memory after 4,000 searches, over an empty process",
        width: 720,
        panels: |reports| {
            vec![
                by_objects(reports, "Memory", "MiB", |size| Some(size.memory_kib / 1024.0)),
                by_objects(reports, "Files", "MiB", |size| Some(size.file_kib / 1024.0)),
            ]
        },
    },
    Chart {
        file: "threads.svg",
        title: "P-256 signatures with one key",
        note: "a session per thread, best 5 ms",
        width: 520,
        panels: |reports| {
            let points = |report: &Report| {
                let rows = report.threads.iter();
                rows.filter_map(|row| {
                    Some((f64::from(u32::try_from(row.threads).ok()?), row.signed_per_second))
                })
                .collect()
            };
            vec![Panel {
                title: "All threads together",
                x: Axis { title: "threads", scale: Scale::Steps(&[1.0, 2.0, 4.0]) },
                y: Axis { title: "signatures per second", scale: Scale::Linear },
                lines: reports.iter().map(points).collect(),
            }]
        },
    },
];

fn by_objects(
    reports: &[Report],
    title: &'static str,
    unit: &'static str,
    value: fn(&Size) -> Option<f64>,
) -> Panel {
    // A logarithmic axis has no place for zero.
    let point = |size: &Size| Some((f64::from(size.objects), value(size).filter(|value| *value > 0.0)?));
    Panel {
        title,
        x: OBJECTS,
        y: Axis { title: unit, scale: Scale::Logarithmic },
        lines: reports.iter().map(|report| report.sizes.iter().filter_map(point).collect()).collect(),
    }
}

impl Chart {
    /// The whole drawing.
    fn svg(&self, reports: &[Report]) -> Result<String, Fault> {
        const HEIGHT: u32 = 340;
        const HEAD: u32 = 62;
        const FOOT: u32 = 26;
        let mut svg = String::new();
        {
            let root: Area<'_> = SVGBackend::with_string(&mut svg, (self.width, HEIGHT)).into_drawing_area();
            root.fill(&GROUND.light)?;
            let (head, rest) = root.split_vertically(HEAD);
            let (body, foot) = rest.split_vertically(HEIGHT - HEAD - FOOT);
            head.draw(&Text::new(self.title, (16, 10), text(17.0, INK)))?;
            legend(&head, reports)?;
            let panels = (self.panels)(reports);
            for (area, panel) in body.split_evenly((1, panels.len())).iter().zip(&panels) {
                panel.draw(area)?;
            }
            foot.draw(&Text::new(self.caption(reports), (16, 6), text(11.0, MUTED)))?;
            root.present()?;
        }
        Ok(theme::finish(&svg, self.title))
    }

    fn caption(&self, reports: &[Report]) -> String {
        let mut where_and_when: Vec<_> = reports
            .iter()
            .map(|report| format!("{} on {} cores of {}", report.date, report.cores, report.cpu))
            .collect();
        where_and_when.dedup();
        format!("Measured {}; {}.", where_and_when.join(", "), self.note)
    }
}

/// Each module's sign and name, in a row.
fn legend(area: &Area<'_>, reports: &[Report]) -> Result<(), Fault> {
    let mut x = 20;
    for (number, report) in reports.iter().enumerate() {
        area.draw(&marker(number, (x, 46)))?;
        area.draw(&Text::new(report.module.clone(), (x + 10, 40), text(12.0, INK)))?;
        x += 40 + 7 * i32::try_from(report.module.chars().count())?;
    }
    Ok(())
}

fn draw(out: &Path, files: &[PathBuf]) -> Result<(), Fault> {
    let read = |path: &PathBuf| -> Result<Report, Fault> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?)
    };
    let reports = files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    for chart in CHARTS {
        std::fs::write(out.join(chart.file), chart.svg(&reports)?)?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (flag, out) = (arguments.next(), arguments.next());
    let files: Vec<_> = arguments.map(PathBuf::from).collect();
    let (Some("--out"), Some(out), false) = (flag.as_deref(), out, files.is_empty()) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match draw(Path::new(&out), &files) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("keyward-charts: {reason}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../../../data/scale/sample.json");

    fn sample() -> Vec<Report> {
        serde_json::from_str(SAMPLE).unwrap()
    }

    #[test]
    fn every_chart_is_a_small_drawing_that_says_what_when_and_where() {
        for chart in CHARTS {
            let svg = chart.svg(&sample()).unwrap();
            let drawing = roxmltree::Document::parse(&svg).unwrap();
            let texts: Vec<_> = drawing.descendants().filter_map(|node| node.text()).map(str::trim).collect();
            assert!(svg.len() < 60_000, "{}: {} bytes", chart.file, svg.len());
            assert!(!svg.contains("NaN"), "{}", chart.file);
            for wanted in [chart.title, "first & foremost", "second"] {
                assert!(texts.contains(&wanted), "{}: {wanted}", chart.file);
            }
            for panel in (chart.panels)(&sample()) {
                assert!(texts.contains(&panel.title) && texts.contains(&panel.x.title), "{}", chart.file);
                assert!(texts.contains(&panel.y.title), "{}", chart.file);
            }
            let caption = "2020-02-29 on 2 cores of A processor, 2020-03-01 on 2 cores of A processor";
            assert!(texts.iter().any(|text| text.contains(caption)), "{}", chart.file);
        }
    }

    #[test]
    fn every_colour_has_a_counterpart_for_dark_screens() {
        let svg = CHARTS.first().unwrap().svg(&sample()).unwrap();
        let (_, drawn) = svg.split_once("</style>").unwrap();
        for colour in drawn.split('"').filter(|text| text.starts_with('#')) {
            assert!(svg.contains(&format!("[fill=\"{colour}\"]")), "{colour}");
        }
    }

    #[test]
    fn nothing_measured_is_an_error() {
        let reports = [Report::default()];
        assert!(CHARTS.iter().all(|chart| chart.svg(&reports).is_err()));
    }

    #[test]
    fn reports_are_read_one_per_file() {
        let directory = tempfile::tempdir().unwrap();
        let files = [directory.path().join("a.json"), directory.path().join("b.json")];
        for (file, report) in files.iter().zip(sample()) {
            std::fs::write(file, serde_json::to_string(&report).unwrap()).unwrap();
        }
        draw(directory.path(), &files).unwrap();
        assert!(CHARTS.iter().all(|chart| directory.path().join(chart.file).exists()));
        assert!(draw(directory.path(), &[directory.path().join("none.json")]).is_err());
    }
}
