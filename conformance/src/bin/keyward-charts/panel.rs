//! One pair of axes with a line per module.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::theme::{GRID, INK, MUTED, SERIES, Tone};

/// A place to draw on.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// Why something could not be drawn.
pub type Fault = Box<dyn std::error::Error>;

/// How values lie along an axis.
#[derive(Clone, Copy, PartialEq)]
pub enum Scale {
    /// Decade by decade.
    Logarithmic,
    /// From zero.
    Linear,
    /// At these values and nowhere else.
    Steps(&'static [f64]),
}

/// What one axis says.
#[derive(Clone, Copy)]
pub struct Axis {
    /// What, and its unit.
    pub title: &'static str,
    /// How.
    pub scale: Scale,
}

/// A line's points.
pub type Points = Vec<(f64, f64)>;

/// A panel: its title, its axes, a line per module in the order of the reports.
pub struct Panel {
    /// What it shows.
    pub title: &'static str,
    /// To the right.
    pub x: Axis,
    /// Upwards.
    pub y: Axis,
    /// Empty where a module was not measured.
    pub lines: Vec<Points>,
}

/// Plotters divides SVG's sizes by this.
const POINT: f64 = 1.24;

/// Text of a size in pixels, at its upper left corner.
pub fn text(size: f64, tone: Tone) -> TextStyle<'static> {
    ("system-ui, sans-serif", size * POINT)
        .into_font()
        .color(&tone.light)
        .pos(Pos::new(HPos::Left, VPos::Top))
}

impl Scale {
    /// Where a value lies, in numbers that the drawing divides evenly.
    fn place(self, value: f64) -> f64 {
        if self == Self::Logarithmic { value.log10() } else { value }
    }

    /// Ticks that enclose the values.
    fn ticks(self, values: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
        let (low, high) =
            values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        match self {
            Self::Steps(steps) => steps.to_vec(),
            Self::Logarithmic => {
                let first = 10_f64.powf(low.log10().floor());
                upwards(first, high.max(10.0 * first), |tick| 10.0 * tick)
            }
            Self::Linear => {
                let step = pleasant(high / 5.0);
                upwards(0.0, high.max(step), |tick| tick + step)
            }
        }
    }
}

/// From `first` until `end` is reached, but for what rounding does to a tick.
fn upwards(first: f64, end: f64, next: impl Fn(f64) -> f64) -> Vec<f64> {
    let mut ticks = vec![first];
    let mut tick = first;
    while tick < end * 0.999_999 {
        tick = next(tick);
        ticks.push(tick);
    }
    ticks
}

/// The next of 1, 2, 5, 10, 20, … that is not below `step`.
fn pleasant(step: f64) -> f64 {
    let decade = 10_f64.powf(step.max(f64::MIN_POSITIVE).log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|factor| factor * decade)
        .find(|next| *next >= step)
        .unwrap_or(10.0 * decade)
}

/// An axis of the drawing.
struct Ruler {
    scale: Scale,
    ticks: Vec<f64>,
    /// The part of the axis that lies outside the outermost ticks, at each end.
    margin: f64,
}

impl Ranged for Ruler {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let place = |value: f64| self.scale.place(value);
        let (first, last) = (place(self.range().start), place(self.range().end));
        let part = self.margin + (place(*value) - first) / (last - first) * (1.0 - 2.0 * self.margin);
        let pixels = part * f64::from(limit.1 - limit.0);
        #[allow(clippy::cast_possible_truncation, reason = "a drawing has less than 2^31 pixels")]
        let pixels = pixels.round() as i32;
        limit.0 + pixels
    }

    fn key_points<H: KeyPointHint>(&self, hint: H) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> Range<f64> {
        let end = |tick: Option<&f64>| tick.copied().unwrap_or_default();
        end(self.ticks.first())..end(self.ticks.last())
    }
}

impl ValueFormatter<f64> for Ruler {
    fn format(value: &f64) -> String {
        let (value, suffix) = match *value {
            value if value >= 0.999e6 => (value / 1e6, "M"),
            value if value >= 0.999e3 => (value / 1e3, "k"),
            value => (value, ""),
        };
        // Two decimals, but none at the end that are zero.
        let number = format!("{value:.2}");
        let number =
            if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { &number };
        format!("{number}{suffix}")
    }
}

impl Panel {
    /// Draws it into the whole of `area`.
    pub fn draw(&self, area: &Area<'_>) -> Result<(), Fault> {
        let points = || self.lines.iter().flatten();
        if points().next().is_none() {
            return Err(format!("{}: nothing was measured", self.title).into());
        }
        let columns = self.x.scale.ticks(points().map(|(value, _)| *value));
        let rows = self.y.scale.ticks(points().map(|(_, value)| *value));
        let (wide, high) = (columns.len(), rows.len());
        area.draw(&Text::new(self.title, (16, 0), text(13.0, INK)))?;
        let mut chart = ChartBuilder::on(area)
            .margin_top(26)
            .margin_left(12)
            .margin_right(16)
            .x_label_area_size(42)
            .y_label_area_size(54)
            .build_cartesian_2d(
                Ruler { scale: self.x.scale, ticks: columns, margin: 0.04 },
                Ruler { scale: self.y.scale, ticks: rows, margin: 0.0 },
            )?;
        chart
            .configure_mesh()
            .max_light_lines(0)
            .bold_line_style(GRID.light)
            .axis_style(GRID.light)
            .label_style(text(11.0, MUTED))
            .axis_desc_style(text(11.0, MUTED))
            .x_labels(wide)
            .y_labels(high)
            .x_desc(self.x.title)
            .y_desc(self.y.title)
            .draw()?;
        for (number, (line, tone)) in self.lines.iter().zip(SERIES).enumerate() {
            chart.draw_series(LineSeries::new(line.iter().copied(), tone.light.stroke_width(2)))?;
            chart.draw_series(line.iter().map(|place| marker(number, *place)))?;
        }
        Ok(())
    }
}

/// The sign of a module's points: they differ in shape too, for who sees no colours.
pub fn marker<'a, C: Clone + 'static>(number: usize, place: C) -> DynElement<'static, SVGBackend<'a>, C> {
    let colour = SERIES.get(number).map_or(MUTED, |tone| *tone).light;
    match number {
        0 => Circle::new(place, 4, colour.filled()).into_dyn(),
        1 => TriangleMarker::new(place, 6, colour.filled()).into_dyn(),
        2 => Circle::new(place, 4, colour.stroke_width(2)).into_dyn(),
        _ => Cross::new(place, 4, colour.stroke_width(2)).into_dyn(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_enclose_the_values() {
        assert_eq!(Scale::Logarithmic.ticks([9.0, 22.0, 150.0].into_iter()), [1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(Scale::Logarithmic.ticks([10.0, 1e6].into_iter()).len(), 6);
        assert_eq!(Scale::Logarithmic.ticks([10.0].into_iter()), [10.0, 100.0]);
        assert_eq!(Scale::Linear.ticks([66_000.0, 130_000.0].into_iter()).last(), Some(&150_000.0));
    }

    #[test]
    fn labels_are_short() {
        let labels = [1e6, 1e3, 150e3, 10.0, 0.01, 0.0].map(|value| Ruler::format(&value));
        assert_eq!(labels, ["1M", "1k", "150k", "10", "0.01", "0"]);
    }
}
