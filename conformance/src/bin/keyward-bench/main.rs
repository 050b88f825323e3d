//! The same work on several PKCS#11 modules, interleaved, with medians, ratios and goals.
//!
//! Each module lives in worker processes of its own, since some are configured by the environment and none should
//! share a heap with another; each worker has a token of its own, with as many objects as its rows want. The driver
//! asks the columns in turn for one measurement of one row at one size, round after round (A B A B), so that a slow
//! minute of the machine falls on all of them alike.
//!
//! [`table`] holds the rows. `--help` describes the options and the JSON.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;

mod algorithm;
#[cfg(feature = "bare")]
mod bare;
mod bulk;
mod changes;
mod durable;
mod errand;
mod fault;
mod goal;
mod options;
mod passthrough;
mod process;
mod report;
mod rows;
mod search;
mod sessions;
mod shown;
mod signatures;
mod start;
mod stopwatch;
mod table;
mod worker;

use fault::Fault;
use options::{BARE, Options, USAGE};
use process::{Processes, TOO_LARGE};
use report::{Measured, json};
use rows::Case;

/// The samples of one row at each of its sizes, by column.
type Samples = Vec<(String, Result<Vec<f64>, String>)>;

/// Measures one row at all its sizes, round after round.
fn measure(cases: &[Case], names: &[&str], processes: &mut Processes<'_>, rounds: usize) -> Vec<Samples> {
    let none = || names.iter().map(|name| ((*name).to_owned(), Ok(Vec::new()))).collect();
    let mut samples: Vec<Samples> = cases.iter().map(|_| none()).collect();
    for _ in 0..rounds {
        for (case, columns) in cases.iter().zip(&mut samples) {
            for (column, (_, sample)) in columns.iter_mut().enumerate() {
                // Who cannot do the work once is not asked again.
                if let Ok(values) = sample {
                    match processes.ask(column, *case) {
                        Ok(value) => values.push(value),
                        Err(Fault(reason)) => *sample = Err(reason),
                    }
                }
            }
        }
    }
    samples
}

fn drive(options: &Options, out: &mut impl Write) -> std::io::Result<()> {
    let names: Vec<_> = options.subjects.iter().map(|(name, _)| name.as_str()).collect();
    let mut processes = Processes::new(options);
    let mut table: Vec<Measured> = Vec::new();
    writeln!(out, "{}", Measured::head(&names))?;
    for row in Case::all(options).chunk_by(|one, other| std::ptr::eq(one.row, other.row)) {
        let samples = measure(row, &names, &mut processes, options.rounds);
        for (case, samples) in row.iter().zip(samples) {
            let measured = Measured::new(*case, samples, &table);
            writeln!(out, "{}", measured.line())?;
            table.push(measured);
        }
    }
    writeln!(out, "\n{}", legend(names.first().unwrap_or(&"")))?;
    for ((name, reason), rows) in missing(&table) {
        writeln!(out, "\n– {name}: {reason}: {}.", rows.join("; "))?;
    }
    if let Some(path) = &options.json {
        std::fs::write(path, json(&names, &table, options))?;
    }
    Ok(())
}

/// The lines without a number by column and reason, but those that were not to have one.
fn missing(table: &[Measured]) -> BTreeMap<(&str, &str), Vec<String>> {
    let mut all = BTreeMap::<_, Vec<_>>::new();
    for measured in table {
        for (name, reason) in measured.missing().filter(|(name, why)| *name != BARE && *why != TOO_LARGE) {
            all.entry((name, reason)).or_default().push(measured.case.title());
        }
    }
    all
}

fn legend(first: &str) -> String {
    format!(
        "(N×): the other's cost over {first}'s, or {first}'s rate over the other's: above 1, {first} is ahead. Values and \
         ratios are medians, each ratio one of two measurements in a row. A dash: no number, or a goal that cannot be \
         judged. The last column says what {first} has to reach, and whether it did in this run."
    )
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.split_first() {
        // Not for people: processes that this program starts itself.
        Some((first, rest)) if first == "--worker" => process::serve(rest),
        Some((first, rest)) if first == "--errand" => errand::run(rest),
        Some((first, rest)) if first == passthrough::WORKER => passthrough::serve(rest),
        Some((first, rest)) if first == "--passthrough" => passthrough::drive(rest),
        Some((first, _)) if first == "--help" => {
            writeln!(std::io::stdout(), "{USAGE}").map_err(|error| error.to_string())
        }
        _ => match Options::parse(arguments.into_iter()) {
            Ok(options) => drive(&options, &mut std::io::stdout().lock()).map_err(|error| error.to_string()),
            Err(reason) => {
                eprintln!("keyward-bench: {reason}\n{USAGE}");
                return ExitCode::from(2);
            }
        },
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("keyward-bench: {reason}");
            ExitCode::FAILURE
        }
    }
}
