//! Random sequences of calls on one soft token, beside a plain model of what the specification says to them.
//!
//! Each case starts with a fresh token and compares every call's return value and output with the model's. A sequence
//! that differs is cut down to a short one and printed. `PROPTEST_CASES` sets how many there are.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod oracle;
mod real;
mod state;
mod step;

use keyward_conformance::{Module, Rv};
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use real::Real;
use state::Model;
use step::Step;

/// Takes the steps on both sides; the first difference as text.
fn replay(module: &Module, steps: &[Step]) -> Result<(), String> {
    let (mut real, mut model) = (Real::new(module), Model::default());
    for (number, step) in steps.iter().enumerate() {
        let got = real.take(step, &model);
        let wanted = model.take(step, &got.out);
        if got != wanted {
            let (got_rv, wanted_rv) = (Rv(got.rv), Rv(wanted.rv));
            return Err(format!(
                "step {number}, {step:?}: {got_rv} {:?}, the model says {wanted_rv} {:?}",
                got.out, wanted.out
            ));
        }
    }
    Ok(())
}

#[test]
fn random_calls_do_what_the_model_says() {
    let module = Module::load_private(common::library()).unwrap();
    let mut config = Config { failure_persistence: None, max_shrink_iters: 4096, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 150;
    }
    let outcome = TestRunner::new(config)
        .run(&step::steps(), |steps| replay(&module, &steps).map_err(TestCaseError::fail));
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, steps)) => {
            let lines: Vec<String> = steps.iter().map(|step| format!("    {step:?}")).collect();
            panic!("{reason}\n{}", lines.join("\n"));
        }
        Err(other) => panic!("{other}"),
    }
}
