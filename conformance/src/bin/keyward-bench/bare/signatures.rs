//! Signing and verifying with AWS-LC: one signature with a parsed key.

use std::ffi::{c_int, c_uint};
use std::ptr::{null, null_mut};
use std::time::Duration;

use aws_lc_sys as sys;

use super::check;
use crate::algorithm::{Message, SIGNATURE_ROOM, Signature};
use crate::fault::Fault;
use crate::rows::Sharing;
use crate::stopwatch::{scaling, time};

/// Microseconds per signature.
pub fn sign(signature: Signature, duration: Duration) -> Result<f64, Fault> {
    let key = Key::generate(signature)?;
    let mut signer = Signer::new(&key);
    time(duration, || signer.sign().map(drop))
}

/// Microseconds per verification of one signature.
pub fn verify(signature: Signature, duration: Duration) -> Result<f64, Fault> {
    let (key, message, mut out) =
        (Key::generate(signature)?, *Message::default().next(), vec![0; SIGNATURE_ROOM]);
    let len = key.sign(&message, &mut out)?;
    out.truncate(len);
    time(duration, || key.verify(&message, &out))
}

/// The rate of two threads over one's.
pub fn threads(signature: Signature, sharing: Sharing, duration: Duration) -> Result<f64, Fault> {
    let (one, other) = (Key::generate(signature)?, Key::generate(signature)?);
    let two = if sharing == Sharing::OneKey { &one } else { &other };
    let (mut first, mut second) = (Signer::new(&one), Signer::new(two));
    scaling(duration, || first.sign().map(drop), || second.sign().map(drop))
}

/// A key with its next message and room for the signature.
struct Signer<'a> {
    key: &'a Key,
    message: Message,
    out: Vec<u8>,
}

impl<'a> Signer<'a> {
    fn new(key: &'a Key) -> Self {
        Self { key, message: Message::default(), out: vec![0; SIGNATURE_ROOM] }
    }

    fn sign(&mut self) -> Result<usize, Fault> {
        self.key.sign(self.message.next(), &mut self.out)
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
            Signature::P521 => ec(sys::NID_secp521r1),
            Signature::Rsa2048 => rsa(2048),
            Signature::Rsa3072 => rsa(3072),
            Signature::Rsa4096 => rsa(4096),
            Signature::Ed25519 => {
                let (mut public, mut private) = ([0; 32], [0; 64]);
                // SAFETY: both buffers have the lengths that the function writes.
                unsafe { sys::ED25519_keypair(public.as_mut_ptr(), private.as_mut_ptr()) };
                Ok(Self::Ed25519 { public, private })
            }
            Signature::MlDsa44 => ml_dsa(sys::NID_MLDSA44),
            Signature::MlDsa65 => ml_dsa(sys::NID_MLDSA65),
            Signature::MlDsa87 => ml_dsa(sys::NID_MLDSA87),
        }
    }

    /// Signs into a buffer of [`SIGNATURE_ROOM`] bytes; the signature's length.
    fn sign(&self, message: &[u8; 32], out: &mut [u8]) -> Result<usize, Fault> {
        let (message, message_len, to) = (message.as_ptr(), message.len(), out.as_mut_ptr());
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
        Ok(usize::try_from(short)?)
    }

    fn verify(&self, message: &[u8; 32], signature: &[u8]) -> Result<(), Fault> {
        let (message, message_len) = (message.as_ptr(), message.len());
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
            return Err("no such curve".into());
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
