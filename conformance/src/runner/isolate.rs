//! Runs each case in a process of its own: this program again, told one case and a file for its verdicts.

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{Context, Failure, Suite, Tally};

/// How cases are isolated.
pub struct Isolation<'a> {
    /// The program that understands `--run-case SUITE/CASE --report FILE`.
    pub program: &'a Path,
    /// How many cases run at a time.
    pub jobs: usize,
    /// How long one case may take.
    pub timeout: Duration,
}

/// The last line of a report: without it the process ended early.
const END: &str = "end";

/// Runs the cases of `suite` whose names pass `filter`, each in its own process; verdicts come in order.
pub fn run(
    suite: &Suite,
    context: &Context,
    filter: &dyn Fn(&str) -> bool,
    isolation: &Isolation<'_>,
) -> Tally {
    let names: Vec<&str> = suite.cases.iter().map(|case| case.name.as_str()).filter(|n| filter(n)).collect();
    let results: Vec<Mutex<Option<Tally>>> = names.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..isolation.jobs.max(1) {
            scope.spawn(|| {
                while let Some((name, result)) = pick(&next, &names, &results) {
                    let tally = one(suite.name, name, context, isolation);
                    if let Ok(mut slot) = result.lock() {
                        *slot = Some(tally);
                    }
                }
            });
        }
    });
    let mut total = Tally::default();
    for result in results {
        if let Ok(Some(tally)) = result.into_inner() {
            total.merge(tally);
        }
    }
    total
}

fn pick<'a, T>(next: &AtomicUsize, names: &[&'a str], results: &'a [T]) -> Option<(&'a str, &'a T)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    Some((names.get(index)?, results.get(index)?))
}

/// Runs one case in a child process and judges how the process ended.
fn one(suite: &str, case: &str, context: &Context, isolation: &Isolation<'_>) -> Tally {
    let mut tally = Tally::default();
    if let Err(error) = attempt(suite, case, context, isolation, &mut tally) {
        tally.record(case, Err(Failure::Failed(error)));
    }
    tally
}

fn attempt(
    suite: &str,
    case: &str,
    context: &Context,
    isolation: &Isolation<'_>,
    tally: &mut Tally,
) -> Result<(), String> {
    let report = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    let output = tempfile::tempfile().map_err(|error| error.to_string())?;
    // A home of its own: what a module writes by default, and what a crashed case leaves, vanishes with it.
    let home = tempfile::Builder::new().prefix("case-").tempdir().map_err(|error| error.to_string())?;
    let mut child = Command::new(isolation.program)
        .arg("--module")
        .arg(&context.path)
        .args(["--kind", context.kind.name(), "--run-case", &format!("{suite}/{case}"), "--report"])
        .arg(report.path())
        .args(lower_arguments(context))
        .args(context.vectors.iter().flat_map(|folder| ["--vectors".as_ref(), folder.as_os_str()]))
        .env("HOME", home.path())
        .env("TMPDIR", home.path())
        .env_remove("XDG_DATA_HOME")
        .env_remove("XDG_CONFIG_HOME")
        .stdin(Stdio::null())
        .stdout(output.try_clone().map_err(|error| error.to_string())?)
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", isolation.program.display()))?;
    let status = wait(&mut child, isolation.timeout);
    let text = std::fs::read_to_string(report.path()).unwrap_or_default();
    text.lines().for_each(|line| tally.read_line(line));
    let verdicts = tally.total();
    match status {
        None => {
            Err(format!("still running after {} s ({verdicts} verdicts before)", isolation.timeout.as_secs()))
        }
        Some(status) if !text.lines().any(|line| line == END) => {
            Err(format!("{} after {verdicts} verdicts", ending(status)))
        }
        Some(status) if !status.success() => Err(format!("{} at exit", ending(status))),
        Some(_) if output.metadata().is_ok_and(|file| file.len() > 0) => {
            Err("the module writes to standard output".to_owned())
        }
        Some(_) if verdicts == 0 => Err("no verdict: the case judged nothing".to_owned()),
        Some(_) => Ok(()),
    }
}

/// What tells the child of the library below.
fn lower_arguments(context: &Context) -> Vec<OsString> {
    let Some(lower) = &context.lower else { return Vec::new() };
    vec!["--lower".into(), lower.path.clone().into(), "--slot".into(), lower.lines.clone().into()]
}

/// The child's status, or `None` where it had to be killed.
fn wait(child: &mut Child, timeout: Duration) -> Option<ExitStatus> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    while start.elapsed() < timeout {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) => std::thread::sleep(pause),
            Err(_) => break,
        }
        pause = (pause * 2).min(Duration::from_millis(50));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

fn ending(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match status.signal() {
        Some(signal) => format!("crashed by signal {signal}"),
        None => format!("ended with {status}"),
    }
}

/// The other side: runs one case in this process and writes its verdicts to `report`.
pub fn run_case(suite: &Suite, case: &str, context: &Context, report: &Path) -> Result<(), String> {
    let case = suite.cases.iter().find(|known| known.name == case).ok_or("no such case")?;
    let file = File::options().append(true).create(true).open(report).map_err(|error| error.to_string())?;
    let mut end = file.try_clone().map_err(|error| error.to_string())?;
    case.run(context, &mut Tally::into_file(file));
    std::io::Write::write_all(&mut end, format!("{END}\n").as_bytes()).map_err(|error| error.to_string())
}
