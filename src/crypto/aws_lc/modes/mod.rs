//! The modes of AES that are not everybody's: with feedback, with ciphertext stealing, XTS and CCM.

mod ccm;
mod collected;
mod feedback;
mod stealing;
mod tail;
mod xts;

pub use ccm::Ccm;
pub(super) use collected::{Collected, Message};
pub use feedback::{Feedback, Segment};
pub use stealing::Cts;
pub use xts::Xts;

use super::super::{Error, Result};

/// A cipher that is what it holds.
macro_rules! crypter_within {
    ($name:ident) => {
        impl $crate::crypto::Crypter for $name {
            fn update_len(&self, input: usize) -> usize {
                self.0.update_len(input)
            }
            fn finish_len(&self) -> usize {
                self.0.finish_len()
            }
            fn once_len(&self, input: usize) -> usize {
                self.0.once_len(input)
            }
            fn update(&mut self, input: &[u8], out: &mut [u8]) -> $crate::crypto::Result<usize> {
                self.0.update(input, out)
            }
            fn finish(&mut self, out: &mut [u8]) -> $crate::crypto::Result<usize> {
                self.0.finish(out)
            }
            fn once(&mut self, input: &[u8], out: &mut [u8]) -> $crate::crypto::Result<usize> {
                self.0.once(input, out)
            }
        }
    };
}
pub(super) use crypter_within;

pub(super) const SHORT: Error = Error::Internal("cipher output buffer is too short");

/// A length that this direction does not take.
fn wrong_len(encrypt: bool) -> Error {
    if encrypt { Error::DataLength } else { Error::CiphertextLength }
}

/// Writes `a` XOR `b` to `out`, as far as the shortest reaches.
fn xor(out: &mut [u8], a: &[u8], b: &[u8]) {
    for ((to, a), b) in out.iter_mut().zip(a).zip(b) {
        *to = a ^ b;
    }
}

/// XORs `mask` onto `data`, as far as the shorter reaches.
pub(super) fn xor_onto(data: &mut [u8], mask: &[u8]) {
    for (to, from) in data.iter_mut().zip(mask) {
        *to ^= from;
    }
}
