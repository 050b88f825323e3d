//! Both providers on the same input: AWS-LC, which keyward runs on, and the RustCrypto crates as a second opinion.
//!
//! Inputs follow from a seed, which a failure prints, and which `KEYWARD_SEED` sets (64 hexadecimal digits).

mod asymmetric;
mod symmetric;

use super::super::{Error, Result, random, shake256};
use super::hex;

/// Random input of one round.
struct Source {
    seed: Vec<u8>,
    drawn: u64,
    what: &'static str,
    round: usize,
}

impl Source {
    fn bytes(&mut self, len: usize) -> Vec<u8> {
        let place =
            [&self.seed[..], self.what.as_bytes(), &self.round.to_le_bytes(), &self.drawn.to_le_bytes()];
        self.drawn += 1;
        let mut out = vec![0; len];
        shake256(&place.concat(), &mut out);
        out
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        self.bytes(N).try_into().unwrap()
    }

    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(u64::from_le_bytes(self.array()) % end as u64).unwrap()
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// Whether one round in `many` is meant.
    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    /// A message: often of a few blocks, sometimes of a few kilobytes.
    fn message(&mut self) -> Vec<u8> {
        let end = self.one_of(&[4, 34, 70, 300, 5000]);
        let len = self.below(end);
        self.bytes(len)
    }

    /// The same message in parts, some of them empty.
    fn parts<'a>(&mut self, message: &'a [u8]) -> Vec<&'a [u8]> {
        let (mut parts, mut rest) = (Vec::new(), message);
        let most = self.one_of(&[2, 20, 100, 2000]);
        while !rest.is_empty() {
            let (part, after) = rest.split_at(self.below(most + 1).min(rest.len()));
            parts.push(part);
            rest = after;
        }
        parts
    }
}

/// Says which input failed.
impl Drop for Source {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let seed: String = self.seed.iter().map(|byte| format!("{byte:02x}")).collect();
            eprintln!("{}, round {}: KEYWARD_SEED={seed}", self.what, self.round);
        }
    }
}

/// Runs a comparison on so many inputs.
fn rounds(what: &'static str, count: usize, mut compare: impl FnMut(&mut Source)) {
    let seed = std::env::var("KEYWARD_SEED").map(|seed| hex(&seed)).unwrap_or_else(|_| {
        let mut seed = vec![0; 32];
        random(&mut seed).unwrap();
        seed
    });
    for round in 0..count {
        compare(&mut Source { seed: seed.clone(), drawn: 0, what, round });
    }
}

/// The same result, or errors of one kind.
#[track_caller]
fn same<T: PartialEq + std::fmt::Debug>(lc: &Result<T>, rust: &Result<T>, what: &str) {
    let kind = |error: &Error| std::mem::discriminant(error);
    match (lc, rust) {
        (Ok(lc), Ok(rust)) => assert_eq!(lc, rust, "{what}"),
        (Err(lc_error), Err(rust_error)) => {
            assert_eq!(kind(lc_error), kind(rust_error), "{what}: {lc_error:?} and {rust_error:?}");
        }
        _ => panic!("{what}: AWS-LC says {lc:?}, RustCrypto {rust:?}"),
    }
}

/// The same expression over each provider's module, named `$provider` in it.
macro_rules! both {
    ($provider:ident => $body:expr) => {{
        let lc = {
            use crate::crypto::aws_lc as $provider;
            $body
        };
        let rust = {
            use crate::crypto::rustcrypto as $provider;
            $body
        };
        (lc, rust)
    }};
}
use both;
