//! Ciphers of keys that are elsewhere. What such a key takes whole is gathered.

use zeroize::Zeroize;

use super::words::{self, Remote};
use crate::crypto::{Hash, PublicKey};
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::op::Cipher;
use crate::mechanism::params::{Iv, Params};
use crate::mechanism::shapes::{SinglePartCipher, Transform, gather, put};
use crate::mechanism::{aes, errors, rsa};
use crate::types::{SecretBytes, ck};

/// A mechanism with its parameters checked: owned, since the operation outlives the call that starts it.
enum Way {
    RsaPkcs1,
    RsaOaep(Hash),
    AesGcm { iv: Iv, aad: Vec<u8>, tag_len: usize },
    AesCbc(Iv),
    AesCtr([u8; BLOCK]),
}

const BLOCK: usize = 16;

impl Way {
    /// `None` for a mechanism that is no cipher here. CKR_MECHANISM_PARAM_INVALID for parameters that no service takes.
    fn of(kind: ck::CK_MECHANISM_TYPE, params: &Params) -> Result<Option<Way>> {
        Ok(Some(match kind {
            ck::CKM_RSA_PKCS => Way::RsaPkcs1,
            ck::CKM_RSA_PKCS_OAEP => Way::RsaOaep(rsa::plain_oaep(params)?),
            ck::CKM_AES_GCM => {
                let (iv, aad, tag_len) = aes::gcm_parts(params)?;
                Way::AesGcm { iv: Iv::from_slice(iv), aad: aad.to_vec(), tag_len }
            }
            ck::CKM_AES_CBC => Way::AesCbc(Iv::from_slice(aes::iv(params)?)),
            ck::CKM_AES_CTR => match params {
                Params::Ctr { counter_bits: 128, block } => Way::AesCtr(*block),
                Params::Ctr { .. } => {
                    return Err(refused("ulCounterBits: where this key is, all 128 bits count"));
                }
                _ => return Err(errors::wrong_param()),
            },
            _ => return Ok(None),
        }))
    }

    fn words(&self) -> words::Cipher<'_> {
        match self {
            Way::RsaPkcs1 => words::Cipher::RsaPkcs1,
            Way::RsaOaep(hash) => words::Cipher::RsaOaep { hash: *hash },
            Way::AesGcm { iv, aad, tag_len } => words::Cipher::AesGcm { iv, aad, tag_len: *tag_len },
            Way::AesCbc(iv) => words::Cipher::AesCbc { iv },
            Way::AesCtr(iv) => words::Cipher::AesCtr { iv },
        }
    }

    /// How much longer a ciphertext is than its plaintext.
    fn overhead(&self) -> usize {
        match self {
            Way::AesGcm { tag_len, .. } => *tag_len,
            _ => 0,
        }
    }
}

fn refused(why: &'static str) -> Error {
    Error::new(ErrorKind::MechanismParamInvalid, why)
}

/// Decryption by a private key whose public half is `public`. `None` for a mechanism that such keys don't decrypt with.
pub fn decryption<R: Remote>(
    kind: ck::CK_MECHANISM_TYPE,
    params: &Params,
    public: &PublicKey,
    key: R,
) -> Result<Option<Box<dyn Cipher>>> {
    let PublicKey::Rsa(rsa) = public else { return Ok(None) };
    let Some(way) = Way::of(kind, params)? else { return Ok(None) };
    key.expect_cipher(way.words())?;
    Ok(Some(Box::new(SinglePartCipher(Rsa { key, way, len: rsa.len() }))))
}

/// What a wrapped key unwraps to. `None` as for [`decryption`]. CKR_WRAPPED_KEY_INVALID, CKR_WRAPPED_KEY_LEN_RANGE.
pub fn unwrapping<R: Remote>(
    kind: ck::CK_MECHANISM_TYPE,
    params: &Params,
    public: Option<&PublicKey>,
    key: &R,
    wrapped: &[u8],
) -> Result<Option<SecretBytes>> {
    let Some(way) = Way::of(kind, params)? else { return Ok(None) };
    let rsa = public.and_then(|public| match public {
        PublicKey::Rsa(rsa) => Some(rsa),
        _ => None,
    });
    key.expect_cipher(way.words())?;
    if rsa.is_some_and(|rsa| wrapped.len() != rsa.len()) {
        let why = "the wrapped key is not as long as the modulus";
        return Err(Error::new(ErrorKind::WrappedKeyLenRange, why));
    }
    key.decrypt(way.words(), wrapped).map(Some).map_err(errors::unwrap)
}

/// Encryption or decryption by a secret key. `None` for a mechanism that is no cipher here.
pub fn secret<R: Remote>(
    kind: ck::CK_MECHANISM_TYPE,
    params: &Params,
    encrypts: bool,
    key: R,
) -> Result<Option<Box<dyn Cipher>>> {
    let Some(way) = Way::of(kind, params)? else { return Ok(None) };
    key.expect_cipher(way.words())?;
    Ok(Some(Box::new(Whole { key, way, encrypts, data: Vec::new() })))
}

struct Rsa<R> {
    key: R,
    way: Way,
    len: usize,
}

impl<R: Remote> Transform for Rsa<R> {
    fn bound(&self, _input: usize) -> usize {
        match self.way {
            Way::RsaOaep(hash) => self.len.saturating_sub(2 + 2 * hash.len()),
            _ => self.len.saturating_sub(11),
        }
    }
    fn run(&self, data: &[u8], out: &mut [u8]) -> Result<usize> {
        if data.len() != self.len {
            let why = "the ciphertext is not as long as the modulus";
            return Err(Error::new(ErrorKind::EncryptedDataLenRange, why));
        }
        put(&self.key.decrypt(self.way.words(), data)?, out)
    }
}

/// A cipher that gets its data whole.
struct Whole<R> {
    key: R,
    way: Way,
    encrypts: bool,
    data: Vec<u8>,
}

impl<R> Whole<R> {
    fn out_len(&self, input: usize) -> usize {
        match self.encrypts {
            true => input.saturating_add(self.way.overhead()),
            false => input.saturating_sub(self.way.overhead()),
        }
    }

    fn wrong_len(&self, why: String) -> Error {
        let kind = if self.encrypts { ErrorKind::DataLenRange } else { ErrorKind::EncryptedDataLenRange };
        Error::new(kind, why)
    }
}

impl<R: Remote> Whole<R> {
    fn run(&self, data: &[u8], out: &mut [u8]) -> Result<usize> {
        let limit = self.key.limits().max_data;
        if data.len() > limit {
            return Err(self
                .wrong_len(format!("the data goes to the key whole, and may be {limit} bytes long there")));
        }
        let whole = !matches!(self.way, Way::AesCbc(_)) || data.len().is_multiple_of(BLOCK);
        if !whole || (!self.encrypts && data.len() < self.way.overhead()) {
            return Err(self.wrong_len("no whole blocks, or no tag".to_owned()));
        }
        match self.encrypts {
            true => put(&self.key.encrypt(self.way.words(), data)?, out),
            false => put(&self.key.decrypt(self.way.words(), data)?, out),
        }
    }
}

impl<R: Remote> Cipher for Whole<R> {
    fn update_len(&self, _input: usize) -> usize {
        0
    }
    fn finish_len(&self) -> usize {
        self.out_len(self.data.len())
    }
    fn once_len(&self, input: usize) -> usize {
        self.out_len(input)
    }
    fn update(&mut self, part: &[u8], _out: &mut [u8]) -> Result<usize> {
        if self.data.len().saturating_add(part.len()) > self.key.limits().max_data {
            return Err(self.wrong_len("the data goes to the key whole, and is too long for that".to_owned()));
        }
        gather(&mut self.data, part)?;
        Ok(0)
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        let data = SecretBytes::from(std::mem::take(&mut self.data));
        self.run(&data, out)
    }
    fn once(&mut self, data: &[u8], out: &mut [u8]) -> Result<usize> {
        self.run(data, out)
    }
}

impl<R> Drop for Whole<R> {
    fn drop(&mut self) {
        self.data.zeroize();
    }
}
