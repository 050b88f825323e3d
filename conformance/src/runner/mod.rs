//! Suites, cases and their verdicts.
//!
//! A case is one named test; a case over vectors (Wycheproof) gives a verdict per vector. Cases run either
//! in this process or, through [`isolate`], each in a process of its own, so that a crash, a hang or a fork
//! is the failure of one case.

pub mod isolate;
mod tally;

use std::path::PathBuf;

use cryptoki_sys::{CK_FLAGS, CK_MECHANISM_TYPE, CK_RV, CKR_OK};

use crate::token::Bench;
use crate::{Kind, Lower, Module, Rv, TestToken, answers, names, rv};

pub use tally::{Tally, Verdict};

/// Why a case did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The module did something else than the specification says.
    Failed(String),
    /// The module lacks what the case is about.
    Skipped(String),
}

/// The result of a case or of one of its steps.
pub type Check<T = ()> = Result<T, Failure>;

impl Failure {
    /// Says where in a case it happened.
    pub fn at(self, place: &str) -> Self {
        match self {
            Failure::Failed(reason) => Failure::Failed(format!("{place}: {reason}")),
            skipped => skipped,
        }
    }
}

impl From<Rv> for Failure {
    /// An error that the case did not ask for.
    fn from(value: Rv) -> Self {
        Failure::Failed(format!("{} answers {value}", rv::last_call()))
    }
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Failure::Failed(reason)
    }
}

/// Fails the case with a formatted reason.
#[macro_export]
macro_rules! fail {
    ($($argument:tt)*) => { return Err($crate::runner::Failure::Failed(format!($($argument)*))) };
}

/// Skips the case with a formatted reason.
#[macro_export]
macro_rules! skip {
    ($($argument:tt)*) => { return Err($crate::runner::Failure::Skipped(format!($($argument)*))) };
}

/// Fails the case unless a condition holds.
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $($argument:tt)*) => {
        if !$condition {
            return Err($crate::runner::Failure::Failed(format!($($argument)*)));
        }
    };
}

/// Checks that a call answered one of `allowed` (CKR_OK included where it is listed).
pub fn expect<T>(result: Result<T, Rv>, allowed: &[CK_RV]) -> Check {
    let got = Rv::of(&result);
    if got.is_one_of(allowed) {
        return Ok(());
    }
    let wanted: Vec<String> = allowed.iter().map(|rv| Rv(*rv).to_string()).collect();
    Err(Failure::Failed(format!("{} answers {got}, expected {}", rv::last_call(), wanted.join(" or "))))
}

/// Checks that a bare return value is one of `allowed`.
pub fn expect_rv(got: Rv, allowed: &[CK_RV]) -> Check {
    expect(Rv::check(got.0), allowed)
}

/// Checks that a call succeeded.
pub fn expect_ok<T>(result: Result<T, Rv>) -> Check {
    expect(result, &[CKR_OK])
}

/// What a case works with.
#[derive(Debug, Clone)]
pub struct Context {
    /// The module's path.
    pub path: PathBuf,
    /// How its tokens behave; how it is configured, unless there is a library below.
    pub kind: Kind,
    /// The library below: the module is keyward, and serves nothing but this.
    pub lower: Option<Lower>,
    /// Whether the process belongs to this case, so that the module may be loaded as it is.
    pub isolated: bool,
}

impl Context {
    /// The module, loaded and configured but not initialized.
    pub fn bench(&self) -> Check<Bench> {
        let module = if self.isolated || (self.kind != Kind::Keyward && self.lower.is_none()) {
            Module::load(&self.path)
        } else {
            Module::load_private(&self.path)
        }?;
        Ok(match &self.lower {
            Some(lower) => Bench::over(module, lower, "")?,
            None => Bench::new(module, self.kind, "")?,
        })
    }

    /// A prepared token.
    pub fn token(&self) -> Check<TestToken> {
        Ok(TestToken::on(self.bench()?)?)
    }
}

impl TestToken {
    /// Skips the case unless the token offers `mechanism` with all of `flags`.
    pub fn need(&self, mechanism: CK_MECHANISM_TYPE, flags: CK_FLAGS) -> Check {
        if self.offers(mechanism, flags) {
            return Ok(());
        }
        Err(Failure::Skipped(format!("no {}", names::name(names::CKM, mechanism))))
    }
}

type Body = Box<dyn Fn(&Context, &mut Tally) -> Check>;

/// A named test.
pub struct Case {
    /// Its name, unique within the suite.
    pub name: String,
    body: Body,
}

impl Case {
    /// A case with one verdict.
    pub fn single(name: &str, run: fn(&Context) -> Check) -> Self {
        let label = name.to_owned();
        let body = move |context: &Context, tally: &mut Tally| {
            tally.record(&label, run(context));
            Ok(())
        };
        Self { name: name.to_owned(), body: Box::new(body) }
    }

    /// A case that records a verdict per vector; an error of the case as a whole counts as one verdict.
    pub fn many(name: &str, run: impl Fn(&Context, &mut Tally) -> Check + 'static) -> Self {
        Self { name: name.to_owned(), body: Box::new(run) }
    }

    /// Runs it in this process. Answers that the specification does not list are one failure more.
    pub fn run(&self, context: &Context, tally: &mut Tally) {
        if let Err(failure) = (self.body)(context, tally) {
            tally.record(&self.name, Err(failure));
        }
        if let Some(sentence) = answers::take_unlisted() {
            tally.record(&format!("{}#return_values", self.name), Err(Failure::Failed(sentence)));
        }
    }
}

/// A named list of cases.
pub struct Suite {
    /// Its name on the command line.
    pub name: &'static str,
    /// The cases, in the order in which they run.
    pub cases: Vec<Case>,
}

impl Suite {
    /// Runs every case in this process, one after the other.
    pub fn run(&self, context: &Context) -> Tally {
        let mut tally = Tally::default();
        for case in &self.cases {
            case.run(context, &mut tally);
        }
        tally
    }
}

/// A list of cases with one verdict each, named after their functions.
#[macro_export]
macro_rules! cases {
    ($($function:ident),* $(,)?) => {
        vec![$($crate::runner::Case::single(stringify!($function), $function)),*]
    };
}
