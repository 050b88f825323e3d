//! The same work on several PKCS#11 modules, interleaved, with medians and ratios.
//!
//! Each module lives in a worker process of its own, since some are configured by the environment and none
//! should share a heap with another. The driver asks each worker in turn for one measurement of one row, round
//! after round (A B A B), so that a slow minute of the machine falls on all of them alike.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::time::Duration;

mod algorithm;
#[cfg(feature = "bare")]
mod bare;
mod report;
mod rows;
mod stopwatch;
mod token;
mod worker;

use report::{Measured, json};
use rows::{ROWS, Row};
use worker::Worker;

const USAGE: &str = "usage: keyward-bench --module NAME=PATH [--module NAME=PATH ...] [--bare] [--pairs N] [--rounds N]
                     [--millis N] [--row TEXT ...] [--json FILE]

The first module is the one that the ratios compare with. --bare: also the same work directly on AWS-LC (needs
the feature `bare`); --pairs: key pairs in the large token (1000), two objects each; --rounds: measurements per
row and module, of which the median counts (5); --millis: length of one measurement (200); --row: only rows whose
name contains one of the TEXTs; --json: also write the numbers to FILE.";

/// The column of the library without a module.
const BARE: &str = "bare AWS-LC";

/// Who does the work of a column.
enum Subject {
    Module(PathBuf),
    Bare,
}

/// What the command line asks for.
struct Options {
    subjects: Vec<(String, Subject)>,
    pairs: usize,
    rounds: usize,
    millis: u64,
    rows: Vec<String>,
    json: Option<PathBuf>,
    worker: bool,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            subjects: Vec::new(),
            pairs: 1000,
            rounds: 5,
            millis: 200,
            rows: Vec::new(),
            json: None,
            worker: false,
        };
        let mut bare = false;
        while let Some(flag) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{flag} wants a value"));
            match flag.as_str() {
                "--module" => options.subjects.push(named(&value()?)),
                "--bare" if cfg!(feature = "bare") => bare = true,
                "--bare" => return Err("--bare wants a build with the feature `bare`".to_owned()),
                "--pairs" => options.pairs = number(&flag, &value()?)?,
                "--rounds" => options.rounds = number(&flag, &value()?)?.max(1),
                "--millis" => options.millis = u64::try_from(number(&flag, &value()?)?).unwrap_or(200),
                "--row" => options.rows.push(value()?),
                "--json" => options.json = Some(value()?.into()),
                // Not for people: one column's work, asked for on standard input.
                "--worker" => options.worker = true,
                _ => return Err(format!("unknown option {flag}")),
            }
        }
        if bare {
            options.subjects.push((BARE.to_owned(), Subject::Bare));
        }
        if options.subjects.is_empty() {
            return Err("at least one --module is needed".to_owned());
        }
        Ok(options)
    }

    fn wants(&self, row: &Row) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|text| row.name.contains(text))
    }
}

fn named(value: &str) -> (String, Subject) {
    let (name, path) = value.split_once('=').unwrap_or((value, value));
    (name.to_owned(), Subject::Module(path.into()))
}

fn number(flag: &str, value: &str) -> Result<usize, String> {
    value.parse().map_err(|_| format!("{flag} wants a number, not {value:?}"))
}

/// One column's process; it answers each row's name with a line.
struct Process {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Process {
    fn start(subject: &Subject, options: &Options) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command = Command::new(program);
        match subject {
            Subject::Module(path) => command.arg("--module").arg(path),
            Subject::Bare => command.arg("--bare"),
        };
        let mut child = command
            .arg("--worker")
            .args(["--pairs", &options.pairs.to_string(), "--millis", &options.millis.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let (Some(questions), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the worker has no pipes".to_owned());
        };
        Ok(Self { child, questions, answers: BufReader::new(answers) })
    }

    /// One measurement: the value in the row's unit, or why there is none.
    fn ask(&mut self, row: &Row) -> Result<f64, String> {
        writeln!(self.questions, "{}", row.name).map_err(|error| error.to_string())?;
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(|error| error.to_string())?;
        let line = line.trim();
        line.parse().map_err(|_| if line.is_empty() { "the worker died".to_owned() } else { line.to_owned() })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

type Measure = dyn FnMut(&Row) -> Result<f64, String>;

/// Answers each row's name on standard input with one measurement on standard output, until the end of input.
fn serve(options: &Options) -> Result<(), String> {
    let duration = Duration::from_millis(options.millis);
    let mut measure: Box<Measure> = match options.subjects.first() {
        Some((_, Subject::Module(path))) => {
            let mut worker = Worker::new(path, options.pairs, duration)?;
            Box::new(move |row| worker.measure(row.work).map_err(|rv| rv.to_string()))
        }
        #[cfg(feature = "bare")]
        Some((_, Subject::Bare)) => Box::new(move |row| bare::measure(row.work, duration)),
        _ => return Err("nothing to measure".to_owned()),
    };
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let name = line.map_err(|error| error.to_string())?;
        let row = ROWS.iter().find(|row| row.name == name).ok_or("no such row")?;
        match measure(row) {
            Ok(value) => writeln!(out, "{value}"),
            Err(reason) => writeln!(out, "{reason}"),
        }
        .and_then(|()| out.flush())
        .map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// One row's measurements, round after round.
fn measure(row: &'static Row, processes: &mut [Process], rounds: usize) -> Measured {
    let mut samples: Vec<Result<Vec<f64>, String>> = processes.iter().map(|_| Ok(Vec::new())).collect();
    for _ in 0..rounds {
        for (process, sample) in processes.iter_mut().zip(&mut samples) {
            // Who cannot do the work once is not asked again.
            if let Ok(values) = sample {
                match process.ask(row) {
                    Ok(value) => values.push(value),
                    Err(reason) => *sample = Err(reason),
                }
            }
        }
    }
    Measured::new(row, samples)
}

fn drive(options: &Options, out: &mut impl Write) -> Result<(), String> {
    let io = |error: std::io::Error| error.to_string();
    let mut workers = options
        .subjects
        .iter()
        .map(|(_, subject)| Process::start(subject, options))
        .collect::<Result<Vec<_>, _>>()?;
    let names: Vec<_> = options.subjects.iter().map(|(name, _)| name.as_str()).collect();
    writeln!(out, "| | {} |\n| --- |{}", names.join(" | "), " ---: |".repeat(names.len())).map_err(io)?;
    let mut table = Vec::new();
    let mut notes = Vec::new();
    for row in ROWS.iter().filter(|row| options.wants(row)) {
        let measured = measure(row, &mut workers, options.rounds);
        writeln!(out, "{}", measured.line(options.pairs)).map_err(io)?;
        for (name, column) in names.iter().zip(&measured.columns) {
            if let Err(reason) = column
                && *name != BARE
            {
                notes.push(format!("{name}, {}: {reason}", row.title(options.pairs)));
            }
        }
        table.push(measured);
    }
    writeln!(
        out,
        "\n(N×): the peer's cost over {0}'s, or {0}'s rate over the peer's: above 1, {0} is ahead. Values and ratios are \
         medians, each ratio one of two measurements in a row.",
        names.first().unwrap_or(&"")
    )
    .map_err(io)?;
    for note in notes {
        writeln!(out, "– {note}").map_err(io)?;
    }
    if let Some(path) = &options.json {
        std::fs::write(path, json(&names, &table, options.pairs))
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(reason) => {
            eprintln!("keyward-bench: {reason}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let done = match options.worker {
        true => serve(&options),
        false => drive(&options, &mut std::io::stdout().lock()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("keyward-bench: {reason}");
            ExitCode::FAILURE
        }
    }
}
