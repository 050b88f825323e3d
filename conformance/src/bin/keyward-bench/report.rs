//! What was measured, as Markdown and as JSON. [`USAGE`](crate::options::USAGE) describes the JSON.

use serde_json::{Map, Value, json};

use crate::goal::Verdict;
use crate::options::{BARE, Options};
use crate::rows::Case;
use crate::shown::digits;
use crate::stopwatch::median;

/// One line's result.
pub struct Measured {
    /// What was measured.
    pub case: Case,
    /// One per column.
    columns: Vec<Column>,
    /// The row's goals, judged.
    verdicts: Vec<Verdict>,
}

/// One column of a line.
struct Column {
    name: String,
    /// One number per round in the row's unit, or why there are none.
    samples: Result<Vec<f64>, String>,
    /// How far the first column is ahead; none for itself and for rows without a better and a worse.
    ratio: Option<f64>,
}

impl Measured {
    /// Samples of each column. A ratio is taken between the measurements of one round, which a slow minute of the
    /// machine hit alike, and then the median of all rounds.
    pub fn new(case: Case, samples: Vec<(String, Result<Vec<f64>, String>)>, earlier: &[Measured]) -> Self {
        let first = samples.first().and_then(|(_, values)| values.as_ref().ok()).cloned().unwrap_or_default();
        let column = |(index, (name, samples)): (usize, (String, Result<Vec<f64>, String>))| {
            let ratios =
                samples.iter().flatten().zip(&first).map(|(peer, ours)| case.row.ratio(*peer, *ours));
            let ratio = ratios.collect::<Option<Vec<f64>>>().filter(|ratios| index > 0 && !ratios.is_empty());
            Column { name, samples, ratio: ratio.map(median) }
        };
        let columns = samples.into_iter().enumerate().map(column).collect();
        let mut measured = Self { case, columns, verdicts: Vec::new() };
        measured.verdicts =
            measured.case.row.goals.iter().filter_map(|goal| goal.judge(&measured, earlier)).collect();
        measured
    }

    /// A column's median.
    pub fn value(&self, column: usize) -> Option<f64> {
        self.columns.get(column)?.value()
    }

    /// How far the first column is ahead of this one.
    pub fn ratio(&self, column: usize) -> Option<f64> {
        self.columns.get(column)?.ratio
    }

    /// The column without a module.
    pub fn bare(&self) -> Option<usize> {
        self.columns.iter().position(|column| column.name == BARE)
    }

    /// How much more the first column's numbers are than the bare ones: the median of the rounds' differences.
    pub fn over_bare(&self) -> Option<f64> {
        let samples = |column: usize| self.columns.get(column)?.samples.as_ref().ok();
        let (ours, bare) = (samples(0)?, samples(self.bare()?)?);
        Some(median(ours.iter().zip(bare).map(|(ours, bare)| ours - bare).collect()))
    }

    /// How many times what the first column of `other` is, a line measured in the same rounds: the rounds' median.
    pub fn over(&self, other: &Measured) -> Option<f64> {
        let samples = |measured: &Self| measured.columns.first()?.samples.as_ref().ok().cloned();
        let (ours, others) = (samples(self)?, samples(other)?);
        Some(median(ours.iter().zip(others).map(|(ours, other)| ours / other).collect()))
    }

    /// The smallest ratio to another module.
    pub fn worst_peer(&self) -> Option<f64> {
        let peers = self.columns.iter().filter(|column| column.name != BARE);
        peers.filter_map(|column| column.ratio).min_by(f64::total_cmp)
    }

    /// Columns without numbers, and why.
    pub fn missing(&self) -> impl Iterator<Item = (&str, &str)> {
        self.columns
            .iter()
            .filter_map(|c| c.samples.as_ref().err().map(|why| (c.name.as_str(), why.as_str())))
    }

    /// The Markdown table's head.
    pub fn head(names: &[&str]) -> String {
        format!("| | {} | goal |\n| --- |{} --- |", names.join(" | "), " ---: |".repeat(names.len()))
    }

    /// The Markdown table's line: the first column's value, each other's value and how many times it is behind, and
    /// the goals.
    pub fn line(&self) -> String {
        let mut cells = vec![self.case.title()];
        cells.extend(self.columns.iter().map(|column| match (column.value(), column.ratio) {
            (Some(value), Some(ratio)) => format!("{} ({}×)", self.shown(value), digits(ratio)),
            (Some(value), None) => self.shown(value),
            (None, _) => "–".to_owned(),
        }));
        cells.push(Verdict::cell(&self.verdicts));
        format!("| {} |", cells.join(" | "))
    }

    fn shown(&self, value: f64) -> String {
        format!("{} {}", digits(value), self.case.row.unit).trim_end().to_owned()
    }

    fn json(&self) -> Value {
        let row = self.case.row;
        let samples = |column: &Column| column.samples.as_ref().map_or(Value::Null, |values| json!(values));
        let missing: Map<_, _> = self.missing().map(|(name, why)| (name.to_owned(), json!(why))).collect();
        let goals: Vec<_> =
            self.verdicts.iter().map(|v| json!({ "goal": v.goal, "got": v.got, "met": v.met })).collect();
        json!({
            "name": row.name,
            "title": self.case.title(),
            "objects": self.case.objects(),
            "unit": row.unit,
            "better": row.better.name(),
            "values": self.by_column(|column| json!(column.value())),
            "samples": self.by_column(samples),
            "ratios": self.by_column(|column| json!(column.ratio)),
            "missing": missing,
            "goals": goals,
        })
    }

    fn by_column(&self, of: impl Fn(&Column) -> Value) -> Map<String, Value> {
        self.columns.iter().map(|column| (column.name.clone(), of(column))).collect()
    }
}

impl Column {
    fn value(&self) -> Option<f64> {
        self.samples.as_ref().ok().map(|values| median(values.clone()))
    }
}

/// The whole table.
pub fn json(names: &[&str], table: &[Measured], options: &Options) -> String {
    // A row is a line: the file can be read, and compared, as text too.
    let rows: Vec<_> = table.iter().map(|measured| measured.json().to_string()).collect();
    let (columns, rounds, millis) = (json!(names), options.rounds, options.millis);
    let rows = rows.join(",\n");
    format!("{{\"columns\":{columns},\"rounds\":{rounds},\"millis\":{millis},\"rows\":[\n{rows}\n]}}\n")
}
