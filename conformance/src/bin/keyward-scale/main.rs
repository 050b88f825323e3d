//! What a token costs as it grows: 10 objects, then 1,000, 10,000, 100,000 and 1,000,000.
//!
//! Works on any module. Each step (filling, a program's start, searches, threads) is a process of its own, so that
//! memory and caches are those of a program that opens such a token, not of the one that made it. The token's keys are
//! AES-256 keys made by C_CreateObject; keyward derives its PIN keys with its cheapest parameters here, since what the
//! default costs does not depend on the number of objects.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use keyward_conformance::scale::{Report, Size, Threads};

mod report;
mod steps;
mod token;

use steps::{STEPS, Task};

const USAGE: &str =
    "usage: keyward-scale --module NAME=PATH [--objects N] [--date YYYY-MM-DD] [--dir DIR] [--json FILE]

--objects: the largest token (1000000); --date: what the report says of the day; --dir: make the token below DIR
instead of the directory for temporary files; --json: also write the numbers to FILE.";

const SIZES: [u32; 5] = [10, 1000, 10_000, 100_000, 1_000_000];
const THREADS: [u32; 3] = [1, 2, 4];
/// Processes of which the median start counts.
const STARTS: u32 = 7;

/// What the command line asks for.
#[derive(Default)]
struct Options {
    name: String,
    module: PathBuf,
    objects: u32,
    date: String,
    directory: Option<PathBuf>,
    json: Option<PathBuf>,
    step: Option<String>,
    from: u32,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { objects: 1_000_000, ..Self::default() };
        while let Some(flag) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{flag} wants a value"));
            let number =
                |value: String| value.parse().map_err(|_| format!("{flag} wants a number, not {value:?}"));
            match flag.as_str() {
                "--module" => {
                    let value = value()?;
                    let (name, path) = value.split_once('=').unwrap_or((&value, &value));
                    (options.name, options.module) = (name.to_owned(), path.into());
                }
                "--objects" => options.objects = number(value()?)?,
                "--date" => options.date = value()?,
                "--dir" => options.directory = Some(value()?.into()),
                "--json" => options.json = Some(value()?.into()),
                // Not for people: one step, in a directory that is there.
                "--step" => options.step = Some(value()?),
                "--from" => options.from = number(value()?)?,
                _ => return Err(format!("unknown option {flag}")),
            }
        }
        if options.module.as_os_str().is_empty() { Err("--module is needed".to_owned()) } else { Ok(options) }
    }
}

/// Runs a step in a process of its own.
struct Steps<'a> {
    options: &'a Options,
    directory: &'a Path,
}

impl Steps<'_> {
    fn run(&self, step: &str, from: u32, to: u32) -> Result<HashMap<String, f64>, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let output = Command::new(program)
            .arg("--module")
            .arg(&self.options.module)
            .arg("--dir")
            .arg(self.directory)
            .args(["--step", step, "--from", &from.to_string(), "--objects", &to.to_string()])
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(format!("the step {step:?} with {to} objects: {}", output.status));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let number = |line: &str| {
            let (name, value) = line.split_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        text.lines()
            .map(|line| number(line).ok_or_else(|| format!("the step {step:?} prints {line:?}")))
            .collect()
    }

    /// Grows the token from `from` keys to `to`, and measures it there.
    fn grow(&self, from: u32, to: u32) -> Result<Size, String> {
        let mut numbers = self.run("fill", from, to)?;
        let file_kib = bytes_below(self.directory).map_err(|error| error.to_string())? / 1024.0;
        let starts = (0..STARTS).map(|_| self.run("start", to, to)).collect::<Result<Vec<_>, _>>()?;
        for name in ["initialize_ms", "open_ms", "login_ms", "first_find_ms"] {
            numbers
                .insert(name.to_owned(), median(starts.iter().filter_map(|start| start.get(name).copied())));
        }
        numbers.extend(self.run("use", to, to)?);
        numbers.extend(self.run("durable", to, to)?);
        let of = |name: &str| numbers.get(name).copied().unwrap_or(f64::NAN);
        Ok(Size {
            objects: to,
            created_per_second: numbers.get("created_per_second").copied(),
            durable_per_second: of("durable_per_second"),
            initialize_ms: of("initialize_ms"),
            open_ms: of("open_ms"),
            login_ms: of("login_ms"),
            first_find_ms: of("first_find_ms"),
            find_id_us: of("find_id_us"),
            find_label_us: of("find_label_us"),
            find_all_ms: of("find_all_ms"),
            sign_us: of("sign_us"),
            memory_kib: of("memory_kib"),
            touched_memory_kib: numbers.get("touched_memory_kib").copied(),
            touch_us: numbers.get("touch_us").copied(),
            file_kib,
        })
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The sizes of all files in the directory and below.
fn bytes_below(directory: &Path) -> std::io::Result<f64> {
    let mut sum = 0.0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        sum += if metadata.is_dir() {
            bytes_below(&entry.path())?
        } else {
            // Exact up to 2^53 bytes.
            #[allow(clippy::cast_precision_loss, reason = "no token is that large")]
            let bytes = metadata.len() as f64;
            bytes
        };
    }
    Ok(sum)
}

fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or("unknown processor".to_owned(), |(_, name)| name.trim().to_owned())
}

fn drive(options: &Options, out: &mut impl Write) -> Result<(), String> {
    let io = |error: std::io::Error| error.to_string();
    let parent = options.directory.clone().unwrap_or_else(std::env::temp_dir);
    let directory = tempfile::Builder::new().prefix("scale-").tempdir_in(parent).map_err(io)?;
    let steps = Steps { options, directory: directory.path() };
    let mut report = Report {
        module: options.name.clone(),
        date: options.date.clone(),
        cpu: processor(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        ..Report::default()
    };
    steps.run("create", 0, 0)?;
    for threads in THREADS {
        let numbers = steps.run("threads", 0, threads)?;
        let signed_per_second = numbers.get("signed_per_second").copied().unwrap_or(f64::NAN);
        report
            .threads
            .push(Threads { threads: usize::try_from(threads).unwrap_or(usize::MAX), signed_per_second });
    }
    let mut sizes: Vec<_> = SIZES.into_iter().filter(|size| *size < options.objects).collect();
    sizes.push(options.objects);
    let mut before = 0;
    for size in sizes {
        report.sizes.push(steps.grow(before, size)?);
        before = size;
        eprintln!("keyward-scale: {size} objects measured");
        // After each: who loses patience keeps what there is.
        if let Some(path) = &options.json {
            let text = serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?;
            std::fs::write(path, text + "\n").map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    writeln!(out, "{}", report::markdown(&report)).map_err(io)
}

/// One step; its numbers go to standard output.
fn step(name: &str, options: &Options, out: &mut impl Write) -> Result<(), String> {
    let (_, run) = STEPS.iter().find(|(known, _)| *known == name).ok_or("no such step")?;
    let directory = options.directory.as_deref().ok_or("a step wants --dir")?;
    let task = Task { module: &options.module, directory, from: options.from, to: options.objects };
    for (name, value) in run(&task)? {
        writeln!(out, "{name} {value}").map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(reason) => {
            eprintln!("keyward-scale: {reason}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let mut out = std::io::stdout().lock();
    let done = match &options.step {
        Some(name) => step(name, &options, &mut out),
        None => drive(&options, &mut out),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("keyward-scale: {reason}");
            ExitCode::FAILURE
        }
    }
}
