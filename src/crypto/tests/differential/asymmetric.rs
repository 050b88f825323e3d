//! Key pairs: what one provider makes the other takes, what is determined is the same, and what is hostile is refused by
//! both for the same reason.

mod curves;
mod edwards;
mod finite;
mod lattices;
mod rsa;
mod rsa_blocks;

use crate::crypto::{Error, Result, aws_lc as aws, rustcrypto as rust};

/// Runs a macro over both directions: whose key it is, and who else uses it.
macro_rules! both_ways {
    ($check:ident $(, $argument:expr)*) => {
        $check!(aws, rust $(, $argument)*);
        $check!(rust, aws $(, $argument)*);
    };
}
use both_ways;

/// Compares outcomes: the bytes, or the reason why there are none.
fn alike<A: AsRef<[u8]>, B: AsRef<[u8]>>(what: &str, aws: Result<A>, rust: Result<B>) {
    let aws = aws.map(|bytes| bytes.as_ref().to_vec());
    let rust = rust.map(|bytes| bytes.as_ref().to_vec());
    assert_eq!(aws, rust, "{what}: AWS-LC left, RustCrypto right");
}

/// Compares whether both were content, or why not.
fn alike_checks<A, B>(what: &str, aws: Result<A>, rust: Result<B>) -> bool {
    let accepted = aws.is_ok();
    alike(what, aws.map(|_| []), rust.map(|_| []));
    accepted
}

/// What an operation wrote into a buffer of its own.
fn written(len: usize, run: impl FnOnce(&mut [u8]) -> Result<()>) -> Result<Vec<u8>> {
    let mut out = vec![0xa5; len];
    run(&mut out)?;
    Ok(out)
}

/// A big-endian number plus another one, in as many bytes as the first; what is carried out is lost.
fn plus(number: &[u8], other: &[u8]) -> Vec<u8> {
    let mut sum = number.to_vec();
    let padded = std::iter::repeat_n(&0u8, number.len().saturating_sub(other.len())).chain(other);
    let digits: Vec<u8> = padded.copied().collect();
    let mut carry = 0u16;
    for (to, digit) in sum.iter_mut().zip(digits).rev() {
        carry += u16::from(*to) + u16::from(digit);
        *to = u8::try_from(carry & 0xff).unwrap();
        carry >>= 8;
    }
    sum
}

/// A copy with one bit turned.
fn turned(bytes: &[u8], at: usize, bit: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= bit;
    bytes
}
