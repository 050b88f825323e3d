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

/// Counts and verdicts.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many passed.
    pub passed: usize,
    /// How many failed.
    pub failed: usize,
    /// How many were skipped.
    pub skipped: usize,
    /// All of them, in order.
    pub verdicts: Vec<Verdict>,
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
            let _ = writeln!(sink, "{}", line(name, outcome.as_ref().err()));
        }
        self.count(Verdict { name: name.to_owned(), failure: outcome.err() });
    }

    /// Adds another tally's counts and verdicts.
    pub fn merge(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.verdicts.extend(other.verdicts);
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
        self.verdicts.push(verdict);
    }
}

impl Verdict {
    /// "passed", "failed" or "skipped", the name after `prefix`, and the reason, with tabs between them.
    pub fn line(&self, prefix: &str) -> String {
        line(&format!("{prefix}{}", self.name), self.failure.as_ref())
    }
}

fn line(name: &str, failure: Option<&Failure>) -> String {
    let (mark, reason) = match failure {
        None => ("passed", ""),
        Some(Failure::Failed(reason)) => ("failed", reason.as_str()),
        Some(Failure::Skipped(reason)) => ("skipped", reason.as_str()),
    };
    format!("{mark}\t{name}\t{}", reason.replace(['\n', '\t'], " "))
}
