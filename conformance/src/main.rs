//! `keyward-conformance`: judges a PKCS#11 module.
#![allow(clippy::print_stdout, reason = "a program: its report goes to standard output")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use keyward_conformance::runner::isolate::{self, Isolation};
use keyward_conformance::runner::{Context, Failure, Suite, Tally};
use keyward_conformance::suites;
use keyward_conformance::{Kind, Lower};

const USAGE: &str =
    "usage: keyward-conformance --module PATH [--kind keyward|softhsm|kryoptic|nss|tpm2|opencryptoki]
                           [--lower PATH [--slot LINE]...] [--suite NAME]... [--case PART]...
                           [--vectors FOLDER] [--outcomes FILE] [--jobs N] [--timeout SECONDS] [--list] [--verbose]

Runs every case of the chosen suites (all by default), each in its own process.
--lower judges keyward with one passthrough slot over another library: --kind is that library's then, and
--slot adds a line to the [[slot]], such as 'isolate = true'.
--vectors names the folder that scripts/vectors made, for the suite nist.
--case keeps the cases whose names contain PART; --verbose also lists what was skipped.
--outcomes writes a line for each verdict: passed, failed or skipped, SUITE/CASE, the reason.";

#[derive(Default)]
struct Options {
    module: Option<PathBuf>,
    kind: Option<Kind>,
    lower: Option<PathBuf>,
    slot: Vec<String>,
    vectors: Option<PathBuf>,
    outcomes: Option<PathBuf>,
    suites: Vec<String>,
    cases: Vec<String>,
    jobs: Option<usize>,
    timeout: Option<u64>,
    list: bool,
    verbose: bool,
    run_case: Option<String>,
    report: Option<PathBuf>,
}

fn main() -> ExitCode {
    let outcome = parse(std::env::args().skip(1)).and_then(run);
    match outcome {
        Ok(code) => code,
        Err(message) => {
            eprintln!("keyward-conformance: {message}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--module" => options.module = Some(PathBuf::from(value()?)),
            "--kind" => {
                let name = value()?;
                options.kind = Some(Kind::from_name(&name).ok_or(format!("unknown kind {name}"))?);
            }
            "--lower" => options.lower = Some(PathBuf::from(value()?)),
            "--slot" => options.slot.push(value()?),
            "--vectors" => options.vectors = Some(PathBuf::from(value()?)),
            "--outcomes" => options.outcomes = Some(PathBuf::from(value()?)),
            "--suite" => options.suites.push(value()?),
            "--case" => options.cases.push(value()?),
            "--jobs" => options.jobs = value()?.parse().ok(),
            "--timeout" => options.timeout = value()?.parse().ok(),
            "--run-case" => options.run_case = Some(value()?),
            "--report" => options.report = Some(PathBuf::from(value()?)),
            "--list" => options.list = true,
            "--verbose" => options.verbose = true,
            other => return Err(format!("unknown argument {other}")),
        }
    }
    Ok(options)
}

fn run(options: Options) -> Result<ExitCode, String> {
    let suites = chosen(&options)?;
    if options.list {
        for suite in &suites {
            suite.cases.iter().for_each(|case| println!("{}/{}", suite.name, case.name));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let path = canonical(options.module.as_deref().ok_or("--module is missing")?)?;
    let lower = options.lower.as_deref().map(canonical).transpose()?;
    let kind = options.kind.unwrap_or_else(|| Kind::guess(lower.as_ref().unwrap_or(&path)));
    let lower = lower.map(|path| Lower { path, kind, lines: options.slot.join("\n") });
    let vectors = options.vectors.as_deref().map(canonical).transpose()?;
    let context = Context { path, kind, lower, vectors, isolated: true };
    if let Some(case) = &options.run_case {
        let (suite, case) = case.split_once('/').ok_or("--run-case wants SUITE/CASE")?;
        let suite = suites.iter().find(|known| known.name == suite).ok_or("no such suite")?;
        let report = options.report.as_deref().ok_or("--report is missing")?;
        isolate::run_case(suite, case, &context, report)?;
        return Ok(ExitCode::SUCCESS);
    }
    judge(&suites, &context, &options)
}

fn canonical(path: &Path) -> Result<PathBuf, String> {
    path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))
}

fn chosen(options: &Options) -> Result<Vec<Suite>, String> {
    let mut suites = suites::all();
    if let Some(unknown) = options.suites.iter().find(|name| suites.iter().all(|suite| suite.name != **name))
    {
        let known: Vec<&str> = suites.iter().map(|suite| suite.name).collect();
        return Err(format!("unknown suite {unknown}; there are {}", known.join(", ")));
    }
    suites.retain(|suite| options.suites.is_empty() || options.suites.iter().any(|name| name == suite.name));
    Ok(suites)
}

/// Runs the suites and prints the report; the last line is the sum.
fn judge(suites: &[Suite], context: &Context, options: &Options) -> Result<ExitCode, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let jobs = options.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let timeout = Duration::from_secs(options.timeout.unwrap_or(300));
    let isolation = Isolation { program: &program, jobs, timeout };
    let wanted =
        |name: &str| options.cases.is_empty() || options.cases.iter().any(|part| name.contains(part));
    let (mut total, mut outcomes) = (Tally::default(), String::new());
    for suite in suites {
        let tally = isolate::run(suite, context, &wanted, &isolation);
        print_notes(suite, &tally, options.verbose);
        println!("{}: {}", suite.name, counts(&tally));
        outcomes
            .extend(tally.verdicts.iter().map(|verdict| verdict.line(&format!("{}/", suite.name)) + "\n"));
        total.merge(tally);
    }
    if let Some(path) = &options.outcomes {
        std::fs::write(path, outcomes).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    println!("{}", counts(&total));
    Ok(if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn counts(tally: &Tally) -> String {
    format!("{} passed, {} failed, {} skipped", tally.passed, tally.failed, tally.skipped)
}

/// One line per failure; vectors of one file that fail alike share a line unless `verbose`.
fn print_notes(suite: &Suite, tally: &Tally, verbose: bool) {
    let mut alike: Vec<(&str, &str, &str, usize)> = Vec::new();
    for note in &tally.verdicts {
        let file = note.name.split('#').next().unwrap_or_default();
        match &note.failure {
            Some(Failure::Skipped(reason)) if verbose => {
                println!("skipped {}/{}: {reason}", suite.name, note.name);
            }
            Some(Failure::Failed(reason)) if verbose => {
                println!("FAILED {}/{}: {reason}", suite.name, note.name);
            }
            Some(Failure::Failed(reason)) => {
                match alike.iter_mut().find(|(known, _, why, _)| *known == file && why == reason) {
                    Some((_, _, _, count)) => *count += 1,
                    None => alike.push((file, &note.name, reason, 1)),
                }
            }
            _ => {}
        }
    }
    for (_, name, reason, count) in alike {
        let more = if count > 1 { format!(" [{} more alike]", count - 1) } else { String::new() };
        println!("FAILED {}/{name}: {reason}{more}", suite.name);
    }
}
