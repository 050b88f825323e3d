//! Verdicts, counted and (in an isolated process) written down at once, so that a crash loses none.

use std::fs::File;
use std::io::Write;

use super::{Check, Failure};

/// One verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The case, or the vector of a case.
    pub name: String,
    /// Why it did not pass; `None` where it did.
    pub failure: Option<Failure>,
}

/// Counts and the verdicts that are not "passed".
#[derive(Debug, Default)]
pub struct Tally {
    /// How many passed.
    pub passed: usize,
    /// How many failed.
    pub failed: usize,
    /// How many were skipped.
    pub skipped: usize,
    /// Failures and skips in order.
    pub notes: Vec<Verdict>,
    sink: Option<File>,
}

impl Tally {
    /// A tally that also writes each verdict to `sink` as one line.
    pub fn into_file(sink: File) -> Self {
        Self { sink: Some(sink), ..Self::default() }
    }

    /// Counts one verdict.
    pub fn record(&mut self, name: &str, outcome: Check) {
        if let Some(sink) = &mut self.sink {
            // Where the file cannot be written, the parent notices the missing end.
            let _ = writeln!(sink, "{}", line(name, &outcome));
        }
        self.count(Verdict { name: name.to_owned(), failure: outcome.err() });
    }

    /// Adds another tally's counts and notes.
    pub fn merge(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.notes.extend(other.notes);
    }

    /// How many verdicts there are.
    pub fn total(&self) -> usize {
        self.passed + self.failed + self.skipped
    }

    /// Reads one line that [`Tally::record`] wrote; ignores anything else.
    pub fn read_line(&mut self, text: &str) {
        let mut fields = text.splitn(3, '\t');
        let (Some(mark), Some(name)) = (fields.next(), fields.next()) else { return };
        let reason = fields.next().unwrap_or_default().to_owned();
        let failure = match mark {
            "passed" => None,
            "failed" => Some(Failure::Failed(reason)),
            "skipped" => Some(Failure::Skipped(reason)),
            _ => return,
        };
        self.count(Verdict { name: name.to_owned(), failure });
    }

    fn count(&mut self, verdict: Verdict) {
        match verdict.failure {
            None => self.passed += 1,
            Some(Failure::Failed(_)) => self.failed += 1,
            Some(Failure::Skipped(_)) => self.skipped += 1,
        }
        if verdict.failure.is_some() {
            self.notes.push(verdict);
        }
    }
}

fn line(name: &str, outcome: &Check) -> String {
    let (mark, reason) = match outcome {
        Ok(()) => ("passed", ""),
        Err(Failure::Failed(reason)) => ("failed", reason.as_str()),
        Err(Failure::Skipped(reason)) => ("skipped", reason.as_str()),
    };
    format!("{mark}\t{name}\t{}", reason.replace(['\n', '\t'], " "))
}
