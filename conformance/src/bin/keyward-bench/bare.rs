//! The same work directly on AWS-LC, in a process of its own: what a module's calls can at best come to.
//!
//! Each measurement does what a program without PKCS#11 does with a key at hand: one signature with a parsed key; for
//! bulk work the one-shot function, or a cipher context made, keyed, run and freed for each message. Keys live until
//! the process ends.

use std::ffi::{c_int, c_uint};
use std::ptr::{null, null_mut};
use std::time::Duration;

use aws_lc_sys as sys;

use crate::algorithm::{Bulk, Signature};
use crate::rows::Work;
use crate::stopwatch::{scaling, time};
use crate::worker::{MESSAGE, throughput};

/// Why there is no number.
type Fault = String;

/// 1 is AWS-LC's success.
fn check(status: c_int) -> Result<(), Fault> {
    if status == 1 { Ok(()) } else { Err("AWS-LC failed".to_owned()) }
}

/// One measurement in the row's unit.
pub fn measure(work: Work, duration: Duration) -> Result<f64, Fault> {
    match work {
        Work::Sign(signature) => {
            let (key, mut out) = (Key::generate(signature)?, vec![0; 4096]);
            time(duration, || key.sign(&mut out).map(drop))
        }
        Work::Verify(signature) => {
            let (key, mut out) = (Key::generate(signature)?, vec![0; 4096]);
            let len = key.sign(&mut out)?;
            out.truncate(len);
            time(duration, || key.verify(&out))
        }
        Work::Threads(signature) => {
            let (key, mut first, mut second) = (Key::generate(signature)?, vec![0; 4096], vec![0; 4096]);
            scaling(duration, || key.sign(&mut first).map(drop), || key.sign(&mut second).map(drop))
        }
        Work::Bulk(bulk, len) => {
            let (data, mut out) = (vec![0x5a; len], vec![0; bulk.room(len)]);
            Ok(throughput(len, time(duration, || run(bulk, &data, &mut out))?))
        }
        Work::Token(_) => Err("AWS-LC has no tokens".to_owned()),
    }
}

/// A key pair, never freed and never changed once made.
enum Key {
    Ec(*mut sys::EC_KEY),
    Rsa(*mut sys::RSA),
    Ed25519 { public: [u8; 32], private: [u8; 64] },
    MlDsa(*mut sys::EVP_PKEY),
}

// SAFETY: AWS-LC's keys are shared by threads as long as nobody changes them, and nobody does.
unsafe impl Sync for Key {}

impl Key {
    fn generate(signature: Signature) -> Result<Self, Fault> {
        match signature {
            Signature::P256 => ec(sys::NID_X9_62_prime256v1),
            Signature::P384 => ec(sys::NID_secp384r1),
            Signature::Rsa2048 => rsa(2048),
            Signature::Rsa4096 => rsa(4096),
            Signature::Ed25519 => {
                let (mut public, mut private) = ([0; 32], [0; 64]);
                // SAFETY: both buffers have the lengths that the function writes.
                unsafe { sys::ED25519_keypair(public.as_mut_ptr(), private.as_mut_ptr()) };
                Ok(Self::Ed25519 { public, private })
            }
            Signature::MlDsa65 => ml_dsa(sys::NID_MLDSA65),
        }
    }

    /// Signs [`MESSAGE`] into a buffer of 4 KiB; the signature's length.
    fn sign(&self, out: &mut [u8]) -> Result<usize, Fault> {
        let (message, message_len, to) = (MESSAGE.as_ptr(), MESSAGE.len(), out.as_mut_ptr());
        let (mut short, mut long): (c_uint, usize) = (0, out.len());
        // SAFETY: live private keys; `out` has room for every signature here.
        unsafe {
            match self {
                Self::Ec(key) => check(sys::ECDSA_sign(0, message, message_len, to, &mut short, *key))?,
                Self::Rsa(key) => {
                    let mut digest = [0; 32];
                    sys::SHA256(message, message_len, digest.as_mut_ptr());
                    check(sys::RSA_sign(
                        sys::NID_sha256,
                        digest.as_ptr(),
                        digest.len(),
                        to,
                        &mut short,
                        *key,
                    ))?;
                }
                Self::Ed25519 { private, .. } => {
                    check(sys::ED25519_sign(to, message, message_len, private.as_ptr()))?;
                    short = 64;
                }
                Self::MlDsa(key) => {
                    let context = sys::EVP_MD_CTX_new();
                    let done = check(sys::EVP_DigestSignInit(context, null_mut(), null(), null_mut(), *key))
                        .and_then(|()| {
                            check(sys::EVP_DigestSign(context, to, &mut long, message, message_len))
                        });
                    sys::EVP_MD_CTX_free(context);
                    done?;
                    return Ok(long);
                }
            }
        }
        usize::try_from(short).map_err(|error| error.to_string())
    }

    fn verify(&self, signature: &[u8]) -> Result<(), Fault> {
        let (message, message_len) = (MESSAGE.as_ptr(), MESSAGE.len());
        let (signed, signed_len) = (signature.as_ptr(), signature.len());
        // SAFETY: live public keys; every length is its buffer's, and Ed25519's signature was made with 64 bytes.
        unsafe {
            match self {
                Self::Ec(key) => check(sys::ECDSA_verify(0, message, message_len, signed, signed_len, *key)),
                Self::Rsa(key) => {
                    let mut digest = [0; 32];
                    sys::SHA256(message, message_len, digest.as_mut_ptr());
                    let (digest, digest_len) = (digest.as_ptr(), digest.len());
                    check(sys::RSA_verify(sys::NID_sha256, digest, digest_len, signed, signed_len, *key))
                }
                Self::Ed25519 { public, .. } => {
                    check(sys::ED25519_verify(message, message_len, signed, public.as_ptr()))
                }
                Self::MlDsa(key) => {
                    let context = sys::EVP_MD_CTX_new();
                    let done =
                        check(sys::EVP_DigestVerifyInit(context, null_mut(), null(), null_mut(), *key))
                            .and_then(|()| {
                                check(sys::EVP_DigestVerify(
                                    context,
                                    signed,
                                    signed_len,
                                    message,
                                    message_len,
                                ))
                            });
                    sys::EVP_MD_CTX_free(context);
                    done
                }
            }
        }
    }
}

fn ec(curve: c_int) -> Result<Key, Fault> {
    // SAFETY: a fresh key, checked for null.
    unsafe {
        let key = sys::EC_KEY_new_by_curve_name(curve);
        if key.is_null() {
            return Err("no such curve".to_owned());
        }
        check(sys::EC_KEY_generate_key(key))?;
        Ok(Key::Ec(key))
    }
}

fn rsa(bits: c_int) -> Result<Key, Fault> {
    // SAFETY: fresh objects of AWS-LC's; it answers null arguments with a failure.
    unsafe {
        let (key, exponent) = (sys::RSA_new(), sys::BN_new());
        check(sys::BN_set_word(exponent, 65537))?;
        check(sys::RSA_generate_key_ex(key, bits, exponent, null_mut()))?;
        Ok(Key::Rsa(key))
    }
}

fn ml_dsa(set: c_int) -> Result<Key, Fault> {
    let mut key = null_mut();
    // SAFETY: a fresh context; AWS-LC answers a null one with a failure.
    unsafe {
        let context = sys::EVP_PKEY_CTX_new_id(sys::EVP_PKEY_PQDSA, null_mut());
        check(sys::EVP_PKEY_CTX_pqdsa_set_params(context, set))?;
        check(sys::EVP_PKEY_keygen_init(context))?;
        check(sys::EVP_PKEY_keygen(context, &mut key))?;
    }
    Ok(Key::MlDsa(key))
}

/// One message.
fn run(bulk: Bulk, data: &[u8], out: &mut [u8]) -> Result<(), Fault> {
    const KEY: [u8; 32] = [3; 32];
    // SAFETY: `out` has the room that `Bulk::room` gives; keys and IVs have the lengths of their ciphers.
    unsafe {
        match bulk {
            Bulk::AesGcm => encrypt(sys::EVP_aes_256_gcm(), data, out, true),
            Bulk::AesCbc => encrypt(sys::EVP_aes_256_cbc(), data, out, false),
            Bulk::Sha256 => {
                sys::SHA256(data.as_ptr(), data.len(), out.as_mut_ptr());
                Ok(())
            }
            Bulk::HmacSha256 => {
                let (mut len, hash, key) = (0, sys::EVP_sha256(), KEY.as_ptr().cast());
                sys::HMAC(hash, key, KEY.len(), data.as_ptr(), data.len(), out.as_mut_ptr(), &mut len);
                Ok(())
            }
        }
    }
}

/// # Safety
/// `cipher` takes a key of 32 bytes and an IV of at most 16, and does not write more than `out` holds.
unsafe fn encrypt(
    cipher: *const sys::EVP_CIPHER,
    data: &[u8],
    out: &mut [u8],
    tag: bool,
) -> Result<(), Fault> {
    let (key, iv) = ([3_u8; 32], [7_u8; 16]);
    let len = c_int::try_from(data.len()).map_err(|error| error.to_string())?;
    let (mut written, mut rest) = (0, 0);
    // SAFETY: a fresh context; `out` holds the data and, where there is one, a tag of 16 bytes behind it.
    unsafe {
        let context = sys::EVP_CIPHER_CTX_new();
        let done = (|| {
            check(sys::EVP_EncryptInit_ex(context, cipher, null_mut(), key.as_ptr(), iv.as_ptr()))?;
            check(sys::EVP_CIPHER_CTX_set_padding(context, 0))?;
            check(sys::EVP_EncryptUpdate(context, out.as_mut_ptr(), &mut written, data.as_ptr(), len))?;
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
