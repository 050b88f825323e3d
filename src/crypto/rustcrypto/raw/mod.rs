//! The crates of key pairs behind the interface that AWS-LC's `raw` has: what `pairs/` is compiled over.

mod bn;
mod bp512;
mod dh;
mod dh_digits;
mod dsa;
mod ec;
mod edwards;
mod ml_dsa;
mod ml_kem;
mod oaep;
mod padding;
mod rsa;

pub(super) use bn::Bn;
pub(super) use dh::{Dh, modp_prime, named_group};
pub(super) use dsa::Dsa;
pub(super) use ec::EcKey;
pub(super) use edwards::{
    ed25519_expand, ed25519_sign, ed25519_sign_ctx, ed25519_sign_ph, ed25519_verify, ed25519_verify_ctx,
    ed25519_verify_ph, x25519, x25519_public,
};
pub(super) use ml_dsa::MlDsaKey;
pub(super) use ml_kem::MlKemKey;
pub(super) use oaep::OaepKey;
pub(super) use rsa::{CrtParts, Part, Rsa};

use super::super::{Error, Hash, Result};
use getrandom::SysRng;
use getrandom::rand_core::TryRng;

/// A zeroed buffer of `len` bytes, or [`Error::Memory`].
pub(super) fn buffer(len: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| Error::Memory)?;
    bytes.resize(len, 0);
    Ok(bytes)
}

/// Fills `out` from the operating system's generator.
fn fill(out: &mut [u8]) -> Result<()> {
    SysRng.try_fill_bytes(out).map_err(|_| Error::Random)
}

/// Writes `bytes` to the end of `out`, with zeros before it. [`Error::Internal`] where it has more digits than fit.
fn right_aligned(bytes: &[u8], out: &mut [u8]) -> Result<()> {
    const LONG: Error = Error::Internal("a number is longer than its place");
    let (head, bytes) = bytes.split_at(bytes.len().saturating_sub(out.len()));
    if head.iter().fold(0, |any, byte| any | byte) != 0 {
        return Err(LONG);
    }
    let (zeros, end) = out.split_at_mut_checked(out.len() - bytes.len()).ok_or(LONG)?;
    zeros.fill(0);
    end.copy_from_slice(bytes);
    Ok(())
}
