//! The command line.

use std::path::PathBuf;

/// Printed where the command line is not understood, and by `--help`.
pub const USAGE: &str = "usage: keyward-bench --module NAME=PATH [--module NAME=PATH ...] [--bare] [--pairs N,N,...] [--peer-pairs N]
                     [--rounds N] [--millis N] [--row TEXT ...] [--json FILE]
       keyward-bench --passthrough KEYWARD NAME=LOWER [NAME=LOWER ...] [--rounds N] [--millis N]

The first module is the one that the ratios compare with and that the goals judge. A row that depends on the number
of objects is measured once for each size.

  --module NAME=PATH  a column: the module at PATH; its kind is guessed from the file's name
  --bare              one more column: the same work without a module (needs the feature `bare`). AWS-LC, called
                      directly; for durable pairs a loop of SQLite transactions; for logins Argon2id alone; for the
                      cold start a process that does nothing
  --pairs N,N,...     key pairs in the sized tokens, two objects each (5,500); session objects: as many objects
  --peer-pairs N      the largest of these sizes for modules other than the first (500); above it they print a dash
  --rounds N          measurements per row and column, of which the median counts (5)
  --millis N          length of one measurement (200)
  --row TEXT          only rows whose line in the table contains one of the TEXTs
  --json FILE         also write the numbers to FILE:

    {\"columns\": [NAME, ...], \"rounds\": N, \"millis\": N, \"rows\": [{
       \"name\": the row, without its size      \"title\": the table's line
       \"objects\": objects there, or null      \"unit\": \"µs\", \"MB/s\", ...    \"better\": \"lower\", \"higher\" or \"neither\"
       \"values\": {NAME: the median or null}   \"samples\": {NAME: [one number per round]}
       \"ratios\": {NAME: how many times the first column is ahead, or null}
       \"missing\": {NAME: why there is no number}
       \"goals\": [{\"goal\": TEXT, \"got\": the number that it bounds, \"met\": true or false; null where not known}]}]}

    A chart of cost against objects: the rows of one \"name\", \"objects\" across and \"values\" up.

With --passthrough: what a call to the library LOWER costs more through a passthrough slot of KEYWARD than directly.";

/// Who does the work of a column.
pub enum Subject {
    /// The module at this path.
    Module(PathBuf),
    /// The libraries without a module.
    Bare,
}

/// What the command line asks for.
pub struct Options {
    /// The columns, with their names.
    pub subjects: Vec<(String, Subject)>,
    /// Key pairs in the sized tokens, in ascending order.
    pub pairs: Vec<usize>,
    /// The most pairs that a column other than the first is filled with.
    pub peer_pairs: usize,
    /// Measurements per row and column.
    pub rounds: usize,
    /// Length of one measurement.
    pub millis: usize,
    /// Parts of the wanted rows' titles; none: all.
    pub rows: Vec<String>,
    /// Where the numbers go.
    pub json: Option<PathBuf>,
}

/// The name of [`Subject::Bare`]'s column.
pub const BARE: &str = "bare";

impl Options {
    /// The options, or what is wrong with them.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            subjects: Vec::new(),
            pairs: vec![5, 500],
            peer_pairs: 500,
            rounds: 5,
            millis: 200,
            rows: Vec::new(),
            json: None,
        };
        let mut bare = false;
        while let Some(flag) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{flag} wants a value"));
            match flag.as_str() {
                "--module" => options.subjects.push(named(&value()?)),
                "--bare" if cfg!(feature = "bare") => bare = true,
                "--bare" => return Err("--bare wants a build with the feature `bare`".to_owned()),
                "--pairs" => options.pairs = numbers(&flag, &value()?)?,
                "--peer-pairs" => options.peer_pairs = number(&flag, &value()?)?,
                "--rounds" => options.rounds = number(&flag, &value()?)?.max(1),
                "--millis" => options.millis = number(&flag, &value()?)?,
                "--row" => options.rows.push(value()?),
                "--json" => options.json = Some(value()?.into()),
                _ => return Err(format!("unknown option {flag}")),
            }
        }
        if options.subjects.is_empty() {
            return Err("at least one --module is needed".to_owned());
        }
        if bare {
            options.subjects.push((BARE.to_owned(), Subject::Bare));
        }
        Ok(options)
    }

    /// Whether the row with this line is asked for.
    pub fn wants(&self, title: &str) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|text| title.contains(text))
    }
}

fn named(value: &str) -> (String, Subject) {
    let (name, path) = value.split_once('=').unwrap_or((value, value));
    (name.to_owned(), Subject::Module(path.into()))
}

fn number(flag: &str, value: &str) -> Result<usize, String> {
    value.parse().map_err(|_| format!("{flag} wants a number, not {value:?}"))
}

fn numbers(flag: &str, value: &str) -> Result<Vec<usize>, String> {
    let mut numbers = value.split(',').map(|part| number(flag, part)).collect::<Result<Vec<_>, _>>()?;
    numbers.sort_unstable();
    numbers.dedup();
    match numbers.first() {
        Some(0) | None => Err(format!("{flag} wants numbers above 0")),
        _ => Ok(numbers),
    }
}
