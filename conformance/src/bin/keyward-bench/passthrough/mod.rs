//! What a call costs more through keyward's passthrough backend than when the lower library is called directly.
//!
//! For each lower library three processes, two that call it and one that calls keyward above it, are asked in turn for a
//! short measurement of each row. What counts is the median of the differences within the rounds, per C_ call; the
//! difference of the two that do the same says how much of it is chance.

mod rows;
mod side;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::fault::Fault;
use crate::shown::{digits, float};
use crate::stopwatch::median;
use rows::{ROWS, Row};
use side::Side;

/// The most that a call may cost more, in microseconds.
const GOAL: f64 = 1.0;

struct Options {
    keyward: PathBuf,
    lower: Vec<(String, PathBuf)>,
    rounds: usize,
    millis: usize,
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let (mut lower, mut rounds, mut millis) = (Vec::new(), 9, 100);
    let mut rest = arguments.iter();
    let keyward = rest.next().ok_or("--passthrough wants keyward's library")?.into();
    while let Some(argument) = rest.next() {
        let mut number = || {
            let value = rest.next().and_then(|value| value.parse::<usize>().ok());
            value.filter(|value| *value > 0).ok_or(format!("{argument} wants a number"))
        };
        match argument.as_str() {
            "--rounds" => rounds = number()?,
            "--millis" => millis = number()?,
            named => {
                let (name, path) = named.split_once('=').ok_or(format!("{named:?} is not NAME=LOWER"))?;
                lower.push((name.to_owned(), path.into()));
            }
        }
    }
    Ok(Options { keyward, lower, rounds, millis })
}

/// Prints a table for the lower libraries that the arguments name.
pub fn drive(arguments: &[String]) -> Result<(), String> {
    let options = parse(arguments)?;
    let mut out = std::io::stdout();
    let mut lines = vec![
        "| over | calls | directly | through keyward | more per call | chance | |".to_owned(),
        "| --- | --- | ---: | ---: | ---: | ---: | --- |".to_owned(),
    ];
    for (name, path) in &options.lower {
        let start = |keyward| {
            Process::start(path, keyward, &options).map_err(|Fault(reason)| format!("{name}: {reason}"))
        };
        let mut sides = [start(None)?, start(Some(&options.keyward))?, start(None)?];
        for row in ROWS {
            lines.push(match compare(row, &mut sides, options.rounds) {
                Ok(compared) => compared.line(name, row),
                Err(Fault(reason)) => format!("| {name} | {} | – | – | – | – | {reason} |", row.name),
            });
        }
    }
    writeln!(out, "{}", lines.join("\n")).map_err(|error| error.to_string())
}

/// Medians of all rounds, in microseconds.
struct Compared {
    direct: f64,
    through: f64,
    /// The difference per C_ call, and that of the two direct processes.
    more: f64,
    chance: f64,
}

impl Compared {
    fn line(&self, over: &str, row: &Row) -> String {
        let numbers = [self.direct, self.through, self.more, self.chance].map(|value| digits(value) + " µs");
        let met = if self.more <= GOAL { "✓" } else { "✗" };
        format!("| {over} | {} | {} | {met} |", row.name, numbers.join(" | "))
    }
}

fn compare(row: &Row, sides: &mut [Process; 3], rounds: usize) -> Result<Compared, Fault> {
    let (mut direct, mut through, mut more, mut chance) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let [one, above, other] = sides;
    for _ in 0..rounds {
        let (below, passed, again) = (one.ask(row)?, above.ask(row)?, other.ask(row)?);
        direct.push(f64::midpoint(below, again));
        through.push(passed);
        more.push((passed - f64::midpoint(below, again)) / float(row.calls));
        chance.push((again - below) / float(row.calls));
    }
    Ok(Compared {
        direct: median(direct),
        through: median(through),
        more: median(more),
        chance: median(chance),
    })
}

/// One side in a process of its own.
struct Process {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Process {
    fn start(lower: &Path, keyward: Option<&Path>, options: &Options) -> Result<Self, Fault> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(WORKER)
            .arg(options.millis.to_string())
            .arg(lower)
            .args(keyward)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let answers = BufReader::new(child.stdout.take().ok_or("the worker has no output")?);
        Ok(Self { questions: child.stdin.take(), child, answers })
    }

    fn ask(&mut self, row: &Row) -> Result<f64, Fault> {
        let questions = self.questions.as_mut().ok_or("no worker")?;
        writeln!(questions, "{}", row.name)?;
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err("the worker died".into());
        }
        line.trim().parse().map_err(|_| Fault(line.trim().to_owned()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.questions.take());
        let _ = self.child.wait();
    }
}

/// The first argument of a worker.
pub const WORKER: &str = "--passthrough-worker";

/// Answers each row's name on standard input with one measurement, or the reason that there is none.
pub fn serve(arguments: &[String]) -> Result<(), String> {
    let side = start(arguments);
    let mut out = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let name = line.map_err(|error| error.to_string())?;
        let row = ROWS.iter().find(|row| row.name == name).ok_or("no such row")?;
        let answer = match &side {
            Ok((side, duration)) => (row.work)(side, *duration).map(|value| value.to_string()),
            Err(Fault(reason)) => Err(Fault(reason.clone())),
        };
        let answer = answer.unwrap_or_else(|Fault(reason)| reason);
        writeln!(out, "{}", answer.replace('\n', " ")).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn start(arguments: &[String]) -> Result<(Side, Duration), Fault> {
    let (millis, lower, keyward) = match arguments {
        [millis, lower] => (millis, lower, None),
        [millis, lower, keyward] => (millis, lower, Some(Path::new(keyward))),
        _ => return Err("a worker wants two or three arguments".into()),
    };
    let lower = Path::new(lower);
    let side = match keyward {
        None => Side::direct(lower)?,
        Some(keyward) => Side::through(lower, keyward)?,
    };
    Ok((side, Duration::from_millis(millis.parse()?)))
}
