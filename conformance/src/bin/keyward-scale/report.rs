//! The report as Markdown tables.

use keyward_conformance::scale::{Report, Size};

type Cell = fn(&Size) -> Option<f64>;

/// A line of the table: what, unit, value.
const LINES: &[(&str, &str, Cell)] = &[
    ("C_CreateObject, without waiting for the disk", "/s", |size| size.created_per_second),
    ("C_CreateObject, durable", "/s", |size| Some(size.durable_per_second)),
    ("C_Initialize", "ms", |size| Some(size.initialize_ms)),
    ("C_GetSlotList to C_OpenSession", "ms", |size| Some(size.open_ms)),
    ("C_Login, cheapest KDF", "ms", |size| Some(size.login_ms)),
    ("first find after that", "ms", |size| Some(size.first_find_ms)),
    ("find by CKA_ID", "µs", |size| Some(size.find_id_us)),
    ("find by CKA_LABEL", "µs", |size| Some(size.find_label_us)),
    ("find all", "ms", |size| Some(size.find_all_ms)),
    ("C_GetAttributeValue, object after object", "µs", |size| size.touch_us),
    ("P-256 sign", "µs", |size| Some(size.sign_us)),
    ("memory, after finds and signatures", "MiB", |size| Some(size.memory_kib / 1024.0)),
    ("memory, after reading every object", "MiB", |size| size.touched_memory_kib.map(|kib| kib / 1024.0)),
    ("files", "MiB", |size| Some(size.file_kib / 1024.0)),
];

/// A column per number of objects, then a table of threads.
pub fn markdown(report: &Report) -> String {
    let heads = report.sizes.iter().map(|size| thousands(size.objects));
    let mut text = row(&format!("{}, objects", report.module), heads);
    text.push_str(&row("---", report.sizes.iter().map(|_| "---:".to_owned())));
    for (name, unit, cell) in LINES {
        let cells = report.sizes.iter().map(|size| cell(size).map_or("–".to_owned(), digits));
        text.push_str(&row(&format!("{name}, {unit}"), cells));
    }
    text.push('\n');
    text.push_str(&row("threads", report.threads.iter().map(|row| row.threads.to_string())));
    text.push_str(&row("---", report.threads.iter().map(|_| "---:".to_owned())));
    text.push_str(&row(
        "P-256 signatures, /s",
        report.threads.iter().map(|row| digits(row.signed_per_second)),
    ));
    text.push_str(&format!("\nMeasured {} on {} threads of {}.", report.date, report.cores, report.cpu));
    text
}

fn row(first: &str, cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<_> = cells.collect();
    format!("| {first} | {} |\n", cells.join(" | "))
}

fn thousands(number: u32) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// About three significant digits.
fn digits(value: f64) -> String {
    let decimals = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward_conformance::scale::Threads;

    #[test]
    fn a_table_has_a_column_per_size_and_a_dash_where_nothing_was_measured() {
        let size = |objects, touch_us| Size { objects, touch_us, find_id_us: 12.34, ..Size::default() };
        let report = Report {
            module: "keyward".to_owned(),
            sizes: vec![size(10, Some(1.0)), size(1_000_000, None)],
            threads: vec![Threads { threads: 2, signed_per_second: 1e5 }],
            ..Report::default()
        };
        let text = markdown(&report);
        assert!(text.starts_with("| keyward, objects | 10 | 1,000,000 |\n| --- | ---: | ---: |\n"), "{text}");
        assert!(text.contains("| find by CKA_ID, µs | 12.3 | 12.3 |\n"), "{text}");
        assert!(text.contains("object after object, µs | 1.00 | – |\n"), "{text}");
        assert!(text.contains("| P-256 signatures, /s | 100000 |\n"), "{text}");
    }
}
