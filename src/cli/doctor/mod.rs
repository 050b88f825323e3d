//! `keyward doctor`: what is configured, what is there, and what is wrong with it. It changes nothing.

mod files;
mod system;

use serde_json::{Value, json};

use super::error::Result;
use super::host::Host;
use super::output::{Answer, Table};
use crate::config::{Config, SlotEntry};

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Info,
    /// Works, and should be looked at.
    Warning,
    /// Broken: exit code 1.
    Problem,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Info => "info",
            Level::Warning => "WARNING",
            Level::Problem => "PROBLEM",
        }
    }
}

/// What was found so far.
#[derive(Debug, Default)]
pub struct Report(Vec<(Level, String, String)>);

impl Report {
    /// Adds a finding about `subject`.
    pub fn add(&mut self, level: Level, subject: &str, text: impl Into<String>) {
        self.0.push((level, subject.to_owned(), text.into()));
    }

    /// Adds `good` as it should be, or `bad` at its level.
    pub fn check(&mut self, good: bool, subject: &str, text: impl Into<String>, bad: (Level, &str)) {
        let text = text.into();
        match good {
            true => self.add(Level::Ok, subject, text),
            false => self.add(bad.0, subject, format!("{text}: {}", bad.1)),
        }
    }

    fn count(&self, level: Level) -> usize {
        self.0.iter().filter(|(found, _, _)| *found == level).count()
    }

    fn table(&self) -> String {
        let mut table = Table::new(&["", "subject", "finding"]);
        for (level, subject, text) in &self.0 {
            table.row([level.word().to_owned(), subject.clone(), text.clone()]);
        }
        table.render("")
    }

    fn json(&self) -> Vec<Value> {
        let finding = |(level, subject, text): &(Level, String, String)| json!({ "level": level.word().to_lowercase(), "subject": subject, "finding": text });
        self.0.iter().map(finding).collect()
    }
}

/// Runs the verb.
pub fn run() -> Result<Answer> {
    let mut report = Report::default();
    let mut settings = (String::new(), Vec::new());
    match Host::start() {
        Ok(host) => {
            let config = &*host.config;
            settings = show(config);
            configuration(&mut report, config);
            files::directory(&mut report, &config.soft);
            files::tokens(&mut report, &host);
            system::slots(&mut report, &host);
        }
        Err(error) => report.add(Level::Problem, "configuration", error.to_string()),
    }
    system::interfaces(&mut report);
    system::library(&mut report);
    system::limits(&mut report);
    Ok(answer(&report, settings))
}

fn answer(report: &Report, (settings, listed): (String, Vec<Value>)) -> Answer {
    let (problems, warnings) = (report.count(Level::Problem), report.count(Level::Warning));
    let json = json!({
        "settings": listed,
        "findings": report.json(),
        "problems": problems,
        "warnings": warnings,
    });
    let text = [settings, report.table()].join("\n\n");
    let mut answer =
        Answer::new(format!("{}\n\n{problems} problem(s), {warnings} warning(s)", text.trim_start()), json);
    answer.failure = (problems > 0).then(|| format!("{problems} problem(s) found"));
    answer
}

fn show(config: &Config) -> (String, Vec<Value>) {
    let mut table = Table::new(&["setting", "value", "from"]);
    let mut listed = Vec::new();
    for shown in config.show() {
        listed.push(json!({ "key": shown.key, "value": shown.value, "origin": shown.origin.to_string() }));
        table.row([shown.key.to_owned(), shown.value, shown.origin.to_string()]);
    }
    (table.render(""), listed)
}

fn configuration(report: &mut Report, config: &Config) {
    match &config.file {
        Some(file) => report.add(Level::Ok, "configuration", format!("read from {}", file.display())),
        None => report.add(Level::Info, "configuration", "no file: defaults and environment only"),
    }
    for note in &config.notes {
        report.add(Level::Warning, "configuration", note.clone());
    }
    config.slot.iter().for_each(|entry| backend(report, entry));
    let kdf = config.soft.kdf;
    let bad = "new PINs can be guessed fast by whoever gets the file; for throw-away tokens only";
    report.check(!kdf.is_weak(), "soft.kdf", kdf.to_string(), (Level::Warning, bad));
    if config.soft.max_pin_failures == 0 {
        report.add(Level::Warning, "soft.max_pin_failures", "0: wrong PINs never lock a token");
    }
    if !config.soft.synchronous {
        report.add(Level::Warning, "soft.synchronous", "normal: a power failure may lose the last changes");
    }
}

/// The library of a `[[slot]]` that has one. What it says of its tokens is in the list of slots, why it has none in the
/// log. A cloud's service is not asked: `keyward kms test` does that.
fn backend(report: &mut Report, entry: &SlotEntry) {
    let subject = format!("[[slot]] {}", entry.backend);
    if !matches!(entry.backend.as_str(), "passthrough" | "zymbit") {
        let label = entry.reader().text("label").ok().flatten().unwrap_or("without a label");
        return report.add(Level::Info, &subject, label.to_owned());
    }
    match entry.reader().path("library") {
        Ok(Some(library)) => {
            let bad = (Level::Problem, "there is no such file; correct library");
            report.check(library.exists(), &subject, library.display().to_string(), bad);
        }
        Ok(None) => report.add(Level::Info, &subject, "library: where it is usually installed"),
        Err(error) => report.add(Level::Problem, &subject, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_fail_and_warnings_do_not() {
        let mut report = Report::default();
        report.check(true, "a", "fine", (Level::Problem, "bad"));
        report.check(false, "b", "weak", (Level::Warning, "strengthen it"));
        let shown = answer(&report, (String::new(), Vec::new()));
        assert!(shown.failure.is_none() && shown.text.contains("weak: strengthen it"));
        report.check(false, "c", "gone", (Level::Problem, "restore it"));
        let shown = answer(&report, (String::new(), Vec::new()));
        assert_eq!(shown.failure.as_deref(), Some("1 problem(s) found"));
        assert_eq!(shown.json["findings"][2]["level"], "problem");
    }
}
