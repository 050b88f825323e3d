//! The columns' processes: the driver's side and the worker's.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::fault::Fault;
use crate::options::{Options, Subject};
use crate::rows::{Case, Fixture, Row};
use crate::table::ROWS;
use crate::worker::Worker;

/// Stands for a module's path where there is none.
const NO_MODULE: &str = "";

/// Every process that rows have needed so far: one for each column, fixture and size.
pub struct Processes<'a> {
    options: &'a Options,
    running: HashMap<(usize, Fixture, usize), Process>,
}

impl<'a> Processes<'a> {
    /// None yet.
    pub fn new(options: &'a Options) -> Self {
        Self { options, running: HashMap::new() }
    }

    /// One measurement by a column: the value in the row's unit, or why there is none.
    pub fn ask(&mut self, column: usize, case: Case) -> Result<f64, Fault> {
        let pairs = case.pairs.unwrap_or(0);
        let (_, subject) = self.options.subjects.get(column).ok_or("no such column")?;
        if column > 0 && matches!(subject, Subject::Module(_)) && pairs > self.options.peer_pairs {
            return Err(TOO_LARGE.into());
        }
        let key = (column, case.row.fixture, pairs);
        if !self.running.contains_key(&key) {
            self.running.insert(key, Process::start(subject, key.1, pairs, self.options.millis)?);
        }
        let process = self.running.get_mut(&key).ok_or("no such process")?;
        let line = process.ask(case.row)?;
        if line.is_empty() {
            // The next row gets a new one.
            self.running.remove(&key);
            return Err("the worker died".into());
        }
        line.parse().map_err(|_| Fault(line))
    }
}

/// Why a peer is not asked.
pub const TOO_LARGE: &str = "more pairs than --peer-pairs";

/// One worker; it answers each row's name with a line.
struct Process {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Process {
    fn start(subject: &Subject, fixture: Fixture, pairs: usize, millis: usize) -> Result<Self, Fault> {
        let module = match subject {
            Subject::Module(path) => path.as_path(),
            Subject::Bare => Path::new(NO_MODULE),
        };
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--worker")
            .arg(module)
            .args([fixture.name(), pairs.to_string(), millis.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let answers = BufReader::new(child.stdout.take().ok_or("the worker has no output")?);
        Ok(Self { questions: child.stdin.take(), child, answers })
    }

    /// The answer; empty where the worker is dead.
    fn ask(&mut self, row: &Row) -> Result<String, Fault> {
        if let Some(questions) = &mut self.questions
            && writeln!(questions, "{}", row.name).is_err()
        {
            return Ok(String::new());
        }
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Process {
    /// The worker ends, and takes its token with it, when there are no more questions; unless its module hangs.
    fn drop(&mut self) {
        drop(self.questions.take());
        let patience = Instant::now() + Duration::from_secs(10);
        while Instant::now() < patience {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

type Measure = dyn FnMut(&Row) -> Result<f64, Fault>;

/// Answers each row's name on standard input with one measurement, or the reason that there is none, on standard
/// output, until the end of input. The arguments are a module's path, a fixture, its pairs and a measurement's length.
pub fn serve(arguments: &[String]) -> Result<(), String> {
    let mut measure: Result<Box<Measure>, Fault> =
        parse(arguments).and_then(|(module, fixture, pairs, duration)| {
            Ok(match module {
                NO_MODULE => bare(duration)?,
                path => {
                    let mut worker = Worker::new(Path::new(path), fixture, pairs, duration)?;
                    Box::new(move |row: &Row| worker.measure(row.work))
                }
            })
        });
    let mut out = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let name = line.map_err(|error| error.to_string())?;
        let row = ROWS.iter().find(|row| row.name == name).ok_or("no such row")?;
        let answer = match &mut measure {
            Ok(measure) => measure(row).map(|value| value.to_string()),
            Err(Fault(reason)) => Err(Fault(reason.clone())),
        };
        let answer = answer.unwrap_or_else(|Fault(reason)| reason);
        writeln!(out, "{}", answer.replace('\n', " ")).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn parse(arguments: &[String]) -> Result<(&str, Fixture, usize, Duration), Fault> {
    let [module, fixture, pairs, millis] = arguments else {
        return Err("a worker wants four arguments".into());
    };
    let fixture = Fixture::from_name(fixture).ok_or("no such fixture")?;
    Ok((module, fixture, pairs.parse()?, Duration::from_millis(millis.parse()?)))
}

#[cfg(feature = "bare")]
fn bare(duration: Duration) -> Result<Box<Measure>, Fault> {
    let bare = crate::bare::Bare::new(duration)?;
    Ok(Box::new(move |row: &Row| bare.measure(row.work)))
}

#[cfg(not(feature = "bare"))]
fn bare(_: Duration) -> Result<Box<Measure>, Fault> {
    Err("built without the feature `bare`".into())
}
