//! Digests, MACs and encryption with AWS-LC: the one-shot function where there is one, or a context made, keyed, run
//! and freed for each message.

use std::ffi::c_int;
use std::ptr::null_mut;
use std::time::Duration;

use aws_lc_sys as sys;

use super::check;
use crate::algorithm::{Bulk, throughput};
use crate::fault::Fault;
use crate::stopwatch::time;

const KEY: [u8; 32] = [3; 32];

/// Megabytes per second in messages of `len` bytes, each in so many equal parts.
pub fn run(bulk: Bulk, len: usize, parts: usize, duration: Duration) -> Result<f64, Fault> {
    let (data, mut out) = (vec![0x5a; len], vec![0; bulk.room(len)]);
    let part = len / parts.max(1);
    let micros = time(duration, || match (bulk, parts) {
        (Bulk::AesGcm, _) => encrypt(sys::EVP_aes_256_gcm, &data, part, &mut out, true),
        (Bulk::AesCbc, _) => encrypt(sys::EVP_aes_256_cbc, &data, part, &mut out, false),
        (Bulk::Sha256, 1) => sha256(&data, &mut out),
        (Bulk::Sha256, _) => sha256_in_parts(&data, part, &mut out),
        (Bulk::HmacSha256, 1) => hmac(&data, &mut out),
        (Bulk::HmacSha256, _) => hmac_in_parts(&data, part, &mut out),
    })?;
    Ok(throughput(len, micros))
}

fn sha256(data: &[u8], out: &mut [u8]) -> Result<(), Fault> {
    // SAFETY: `Bulk::room` gives `out` the digest's 32 bytes.
    unsafe { sys::SHA256(data.as_ptr(), data.len(), out.as_mut_ptr()) };
    Ok(())
}

fn sha256_in_parts(data: &[u8], part: usize, out: &mut [u8]) -> Result<(), Fault> {
    let mut context = std::mem::MaybeUninit::uninit();
    // SAFETY: initialized before it is used, on this stack; `Bulk::room` gives `out` the digest's 32 bytes.
    unsafe {
        check(sys::SHA256_Init(context.as_mut_ptr()))?;
        for part in data.chunks(part) {
            check(sys::SHA256_Update(context.as_mut_ptr(), part.as_ptr().cast(), part.len()))?;
        }
        check(sys::SHA256_Final(out.as_mut_ptr(), context.as_mut_ptr()))
    }
}

fn hmac(data: &[u8], out: &mut [u8]) -> Result<(), Fault> {
    let (mut len, key) = (0, KEY.as_ptr().cast());
    // SAFETY: `Bulk::room` gives `out` the digest's 32 bytes.
    unsafe {
        sys::HMAC(sys::EVP_sha256(), key, KEY.len(), data.as_ptr(), data.len(), out.as_mut_ptr(), &mut len);
    }
    Ok(())
}

fn hmac_in_parts(data: &[u8], part: usize, out: &mut [u8]) -> Result<(), Fault> {
    let (mut len, key) = (0, KEY.as_ptr().cast());
    // SAFETY: a fresh context, freed once; AWS-LC answers a null one with a failure. `Bulk::room` gives `out` the
    // digest's 32 bytes.
    unsafe {
        let context = sys::HMAC_CTX_new();
        let done = (|| {
            check(sys::HMAC_Init_ex(context, key, KEY.len(), sys::EVP_sha256(), null_mut()))?;
            for part in data.chunks(part) {
                check(sys::HMAC_Update(context, part.as_ptr(), part.len()))?;
            }
            check(sys::HMAC_Final(context, out.as_mut_ptr(), &mut len))
        })();
        sys::HMAC_CTX_free(context);
        done
    }
}

/// `cipher` takes [`KEY`] and an IV of at most 16 bytes, and gives as many bytes as it takes.
fn encrypt(
    cipher: unsafe extern "C" fn() -> *const sys::EVP_CIPHER,
    data: &[u8],
    part: usize,
    out: &mut [u8],
    tag: bool,
) -> Result<(), Fault> {
    let iv = [7_u8; 16];
    let (mut written, mut rest) = (0, 0);
    // SAFETY: a fresh context, freed once; `Bulk::room` gives `out` room for the data and, where there is one, for a
    // tag of 16 bytes behind it.
    unsafe {
        let context = sys::EVP_CIPHER_CTX_new();
        let done = (|| {
            check(sys::EVP_EncryptInit_ex(context, cipher(), null_mut(), KEY.as_ptr(), iv.as_ptr()))?;
            check(sys::EVP_CIPHER_CTX_set_padding(context, 0))?;
            for (from, to) in data.chunks(part).zip(out.chunks_mut(part)) {
                let len = c_int::try_from(from.len())?;
                check(sys::EVP_EncryptUpdate(context, to.as_mut_ptr(), &mut written, from.as_ptr(), len))?;
            }
            let end = out.as_mut_ptr().add(data.len());
            check(sys::EVP_EncryptFinal_ex(context, end, &mut rest))?;
            if tag {
                check(sys::EVP_CIPHER_CTX_ctrl(context, sys::EVP_CTRL_AEAD_GET_TAG, 16, end.cast()))?;
            }
            Ok(())
        })();
        sys::EVP_CIPHER_CTX_free(context);
        done
    }
}
