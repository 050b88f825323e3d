//! Counts the instructions of single calls and compares them with a committed table.
//!
//! Time says how fast a machine is at a moment; the number of instructions says what the code does, and is the same on
//! a busy machine. The program runs itself under callgrind (Debian's package valgrind), reads the profiles, leaves out
//! what AWS-LC took ([`profile`]), and judges the rest by the table ([`limits`]).
//!
//! gungraun and its like count whole functions and compare with the run before; a limit that is committed, and a count
//! without the primitive, they have not.

use std::fs::{self, File};
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

mod limits;
mod profile;
mod work;

use limits::{Limits, Verdict};
use profile::Instructions;
use work::{COUNTED, REPETITIONS, ROWS, Row};

const USAGE: &str = "usage: keyward-count --module PATH --limits FILE [--update]

--limits: the table to judge by; --update: write the counts into it instead.";

/// What the command line asks for.
#[derive(Default)]
struct Options {
    module: PathBuf,
    limits: PathBuf,
    update: bool,
    worker: bool,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        while let Some(flag) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{flag} wants a value"));
            match flag.as_str() {
                "--module" => options.module = value()?.into(),
                "--limits" => options.limits = value()?.into(),
                "--update" => options.update = true,
                // Not for people: the work itself, under callgrind.
                "--worker" => options.worker = true,
                _ => return Err(format!("unknown option {flag}")),
            }
        }
        if options.module.as_os_str().is_empty() || options.limits.as_os_str().is_empty() && !options.worker {
            return Err("--module and --limits are needed".to_owned());
        }
        Ok(options)
    }
}

/// Callgrind's profile of each row, summed up.
fn profiles(module: &Path) -> Result<Vec<Instructions>, String> {
    let text = |error: std::io::Error| error.to_string();
    let program = std::env::current_exe().and_then(fs::canonicalize).map_err(text)?;
    let module = fs::canonicalize(module).map_err(|error| format!("{}: {error}", module.display()))?;
    let directory = tempfile::tempdir().map_err(text)?;
    let out = directory.path().join("out");
    let output = Command::new("valgrind")
        .args(["--quiet", "--tool=callgrind", "--compress-strings=no", "--compress-pos=no"])
        .args(["--toggle-collect", "--dump-after"].map(|option| format!("{option}={COUNTED}")))
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(&program)
        .arg("--worker")
        .arg("--module")
        .arg(&module)
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    if !output.status.success() {
        return Err(format!("under valgrind: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let read = |(index, row): (usize, &Row)| {
        let path = out.with_extension((index + 1).to_string());
        let file = File::open(&path).map_err(|error| format!("no profile of {:?}: {error}", row.name))?;
        let sum = profile::read(BufReader::new(file), &program.to_string_lossy(), &module.to_string_lossy())?;
        if sum.module == 0 || row.primitive && sum.primitive == 0 {
            return Err(format!(
                "{:?}: no calls into the module or into AWS-LC are seen: stripped?",
                row.name
            ));
        }
        Ok(sum)
    };
    ROWS.iter().enumerate().map(read).collect()
}

/// One repetition's instructions around the primitive.
fn per_call(sum: &Instructions) -> u64 {
    (sum.module - sum.primitive) / u64::from(REPETITIONS)
}

/// Judges every row; whether none is above its limit.
fn judge(
    limits: &Limits,
    counts: &[(&str, u64)],
    table: &Path,
    out: &mut impl Write,
) -> std::io::Result<bool> {
    let (mut passed, mut failed) = (0, 0);
    for (name, count) in counts {
        let Some(limit) = limits.of(name) else {
            failed += 1;
            writeln!(out, "FAIL {name}: {count} instructions, and no limit in {}", table.display())?;
            continue;
        };
        let (accepted, tolerance) = (limit.instructions, limit.tolerance);
        match limit.judge(*count) {
            Verdict::Same => {
                writeln!(out, "ok   {name}: {count} instructions (accepted: {accepted} ± {tolerance} %)")?
            }
            Verdict::Below => writeln!(
                out,
                "ok   {name}: {count} instructions, fewer than the {accepted} accepted: --update tightens the table"
            )?,
            Verdict::Above => writeln!(
                out,
                "FAIL {name}: {count} instructions, were {accepted} ± {tolerance} %. If that is meant: \
                 scripts/check-instructions --update, and commit {}",
                table.display()
            )?,
        }
        if limit.judge(*count) == Verdict::Above { failed += 1 } else { passed += 1 }
    }
    writeln!(out, "{passed} passed, {failed} failed, 0 skipped")?;
    Ok(failed == 0)
}

fn run(options: &Options) -> Result<bool, String> {
    if options.worker {
        return work::run(&options.module).map(|()| true);
    }
    let table = |error: std::io::Error| format!("{}: {error}", options.limits.display());
    let limits = Limits::parse(fs::read_to_string(&options.limits).map_err(table)?)?;
    let sums = profiles(&options.module)?;
    let counts: Vec<_> = ROWS.iter().map(|row| row.name).zip(sums.iter().map(per_call)).collect();
    if options.update {
        fs::write(&options.limits, limits.with(&counts)).map_err(table)?;
    }
    let limits = if options.update { Limits::parse(limits.with(&counts))? } else { limits };
    judge(&limits, &counts, &options.limits, &mut std::io::stdout().lock()).map_err(|error| error.to_string())
}

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(reason) => {
            eprintln!("keyward-count: {reason}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => {
            eprintln!("keyward-count: {reason}");
            ExitCode::FAILURE
        }
    }
}
