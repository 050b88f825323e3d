//! NIST's vectors through the C ABI: ACVP for the post-quantum schemes, CAVP for digests and key derivation.
//!
//! They lie in a folder of their own, which `scripts/vectors` makes out of pinned packages: without `--vectors` every
//! case is skipped. Vectors that PKCS#11 cannot express are skipped one by one: the randomness of a hedged signature or
//! an encapsulation cannot be given, and FIPS 204 and 205's internal interface is not there.

mod acvp;
mod digests;
mod kdf;
mod mlkem;
mod response;
mod signatures;

use std::path::{Path, PathBuf};

use crate::runner::{Check, Context, Failure, Suite};

/// The suite.
pub fn suite() -> Suite {
    let cases = [signatures::cases(), mlkem::cases(), digests::cases(), kdf::cases()];
    Suite { name: "nist", cases: cases.into_iter().flatten().collect() }
}

/// A file in the folder of vectors; skips the case where there is no folder.
fn file(context: &Context, name: &str) -> Check<PathBuf> {
    match &context.vectors {
        Some(folder) => Ok(folder.join(name)),
        None => Err(Failure::Skipped("--vectors names no folder".to_owned())),
    }
}

fn read(path: &Path) -> Check<Vec<u8>> {
    std::fs::read(path).map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))
}

/// Hexadecimal, of either case.
fn unhex(text: &str) -> Check<Vec<u8>> {
    let nibble = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2).map(|pair| match *pair {
        [high, low] => Some(nibble(high)? << 4 | nibble(low)?),
        _ => None,
    });
    pairs.collect::<Option<_>>().ok_or_else(|| Failure::Failed(format!("not hexadecimal: {text:.20}")))
}
