//! What was measured, as Markdown and as JSON.

use crate::rows::Row;
use crate::stopwatch::median;

/// One row's result.
pub struct Measured {
    row: &'static Row,
    /// For each column the numbers, or why there are none.
    pub columns: Vec<Result<Column, String>>,
}

/// One column of a row.
pub struct Column {
    /// In the row's unit.
    value: f64,
    /// How far the first column is ahead; none for itself and for rows without a better and a worse.
    ratio: Option<f64>,
}

impl Measured {
    /// Medians of `samples`, one list per column. A ratio is taken between the measurements of one round, which a slow
    /// minute of the machine hit alike, and then the median of all rounds.
    pub fn new(row: &'static Row, samples: Vec<Result<Vec<f64>, String>>) -> Self {
        let first = samples.first().and_then(|values| values.as_ref().ok()).cloned().unwrap_or_default();
        let column = |index: usize, values: Vec<f64>| {
            let ratios: Option<Vec<f64>> =
                values.iter().zip(&first).map(|(peer, ours)| row.ratio(*peer, *ours)).collect();
            let ratio = ratios.filter(|ratios| index > 0 && !ratios.is_empty()).map(median);
            Column { value: median(values), ratio }
        };
        let columns =
            samples.into_iter().enumerate().map(|(index, values)| values.map(|values| column(index, values)));
        Self { row, columns: columns.collect() }
    }

    /// The Markdown table's line: the first column's value, then each other's value and how many times it is behind.
    pub fn line(&self, pairs: usize) -> String {
        let mut cells = vec![self.row.title(pairs)];
        cells.extend(self.columns.iter().map(|column| match column {
            Ok(Column { value, ratio: Some(ratio) }) => {
                format!("{} ({}×)", self.shown(*value), digits(*ratio))
            }
            Ok(Column { value, ratio: None }) => self.shown(*value),
            Err(_) => "–".to_owned(),
        }));
        format!("| {} |", cells.join(" | "))
    }

    fn shown(&self, value: f64) -> String {
        format!("{} {}", digits(value), self.row.unit).trim_end().to_owned()
    }

    fn json(&self, names: &[&str], pairs: usize) -> String {
        let list = |of: fn(&Column) -> Option<f64>| {
            let entries = names.iter().zip(&self.columns).map(|(name, column)| {
                let number = column.as_ref().ok().and_then(of);
                format!("{name:?}:{}", number.map_or("null".to_owned(), |number| number.to_string()))
            });
            entries.collect::<Vec<_>>().join(",")
        };
        let (values, ratios) = (list(|column| Some(column.value)), list(|column| column.ratio));
        let (title, unit) = (self.row.title(pairs), self.row.unit);
        format!("{{\"name\":{title:?},\"unit\":{unit:?},\"values\":{{{values}}},\"ratios\":{{{ratios}}}}}")
    }
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

/// The whole table.
pub fn json(names: &[&str], table: &[Measured], pairs: usize) -> String {
    let rows: Vec<_> = table.iter().map(|measured| measured.json(names, pairs)).collect();
    format!("{{\"pairs\":{pairs},\"rows\":[\n{}\n]}}\n", rows.join(",\n"))
}
