//! Ed448 (RFC 8032: with any context, prehashed) and X448 (RFC 7748), which AWS-LC lacks, from the RustCrypto crates.
//! Their scalar multiplications, inversions and reductions take the same time for every secret.
//!
//! The crates read some encodings that the RFCs exclude; what is checked here first makes every key and signature
//! have one encoding.

use std::fmt;
use std::sync::Arc;

use ed448_goldilocks::{PreHash, Signature, SigningKey, VerifyingKey};
use shake::Shake256;
use shake::digest::{ExtendableOutput, Update, XofReader};
use zeroize::Zeroizing;

use super::{Error, Result, equal, random};
use crate::types::SecretBytes;

const ED_PUBLIC: Error = Error::Key("Ed448: a public key is a point of 57 bytes");
const ED_PRIVATE_LEN: Error = Error::Key("Ed448: a private key has 57 bytes");
const CONTEXT_LEN: Error = Error::Param("Ed448: a context has at most 255 bytes");
const X_LEN: Error = Error::Key("X448: a key has 56 bytes");
const X_SMALL_ORDER: Error = Error::Key("X448: the peer's public value has small order");

/// Length of an Ed448 key in bytes.
const ED_LEN: usize = 57;
/// Length of an X448 key in bytes.
const X_LEN_BYTES: usize = 56;
/// Length of a signature in bytes.
const SIGNATURE_LEN: usize = 2 * ED_LEN;

/// An Ed448 public key.
#[derive(Clone)]
pub struct Ed448Public(Arc<VerifyingKey>);

/// An Ed448 private key. Cloning shares it; the last clone wipes it.
#[derive(Clone)]
pub struct Ed448Private {
    key: Arc<SigningKey>,
    public: Ed448Public,
}

/// An X448 public key.
#[derive(Debug, Clone)]
pub struct X448Public([u8; X_LEN_BYTES]);

/// An X448 private key. Cloning shares it; the last clone wipes it.
#[derive(Clone)]
pub struct X448Private {
    key: Arc<Zeroizing<[u8; X_LEN_BYTES]>>,
    public: X448Public,
}

impl fmt::Debug for Ed448Public {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ed448Public({:?})", self.bytes())
    }
}

impl fmt::Debug for Ed448Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ed448Private")
    }
}

impl fmt::Debug for X448Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("X448Private")
    }
}

/// The value that Ed448ph signs: 64 bytes of SHAKE256 over the message.
struct Prehashed([u8; 64]);

impl Prehashed {
    fn of(message: &[u8]) -> Prehashed {
        let mut hash = Shake256::default();
        hash.update(message);
        let mut value = [0; 64];
        hash.finalize_xof().read(&mut value);
        Prehashed(value)
    }
}

impl PreHash for Prehashed {
    fn fill_bytes(&mut self, out: &mut [u8]) {
        out.copy_from_slice(&self.0);
    }
}

/// Whether 57 bytes encode a point as RFC 8032, section 5.2.3 has it: y below the field's prime, and nothing beside
/// the sign of x in the last byte.
fn is_canonical(point: &[u8; ED_LEN]) -> bool {
    let [y @ .., sign] = point;
    // 2^448 - 2^224 - 1 has all bits but one.
    let digits = y.iter().rev().enumerate().map(|(at, byte)| byte.cmp(&if at == 27 { 0xfe } else { 0xff }));
    sign & 0x7f == 0 && digits.fold(std::cmp::Ordering::Equal, |order, digit| order.then(digit)).is_lt()
}

impl Ed448Public {
    /// From the 57 bytes of RFC 8032 ([`Error::Key`] where they are no point of the prime-order group, or its
    /// neutral element).
    pub fn new(key: &[u8]) -> Result<Ed448Public> {
        let key: &[u8; ED_LEN] = key.try_into().map_err(|_| ED_PUBLIC)?;
        if !is_canonical(key) {
            return Err(ED_PUBLIC);
        }
        VerifyingKey::from_bytes(key).map(|key| Ed448Public(Arc::new(key))).map_err(|_| ED_PUBLIC)
    }

    /// The 57 bytes of RFC 8032.
    pub fn bytes(&self) -> &[u8; ED_LEN] {
        self.0.as_bytes()
    }

    /// Ed448 with a context of 0 to 255 bytes, an empty one being the plain scheme.
    pub fn verify(&self, message: &[u8], context: &[u8], signature: &[u8]) -> Result<()> {
        let signature = read_signature(signature, context)?;
        self.0.verify_ctx(&signature, context, message).map_err(|_| Error::Signature)
    }

    /// Ed448ph with a context of 0 to 255 bytes.
    pub fn verify_ph(&self, message: &[u8], context: &[u8], signature: &[u8]) -> Result<()> {
        let signature = read_signature(signature, context)?;
        let verdict = self.0.verify_prehashed(&signature, Some(context), Prehashed::of(message));
        verdict.map_err(|_| Error::Signature)
    }
}

/// A signature whose R is encoded as it has to be, for a context of a length that there is.
fn read_signature(signature: &[u8], context: &[u8]) -> Result<Signature> {
    if context.len() > 255 {
        return Err(CONTEXT_LEN);
    }
    let signature: &[u8; SIGNATURE_LEN] = signature.try_into().map_err(|_| Error::SignatureLength)?;
    let signature = Signature::from_bytes(signature);
    match is_canonical(signature.r_bytes()) {
        true => Ok(signature),
        false => Err(Error::Signature),
    }
}

impl Ed448Private {
    /// A random key.
    pub fn generate() -> Result<Ed448Private> {
        let mut seed = Zeroizing::new([0; ED_LEN]);
        random(&mut *seed)?;
        Ed448Private::from_seed(&*seed)
    }

    /// From the 57 bytes that are RFC 8032's private key ([`Error::Key`]).
    pub fn from_seed(seed: &[u8]) -> Result<Ed448Private> {
        let key = SigningKey::try_from(seed).map_err(|_| ED_PRIVATE_LEN)?;
        let public = Ed448Public(Arc::new(key.verifying_key()));
        Ok(Ed448Private { key: Arc::new(key), public })
    }

    /// RFC 8032's private key, 57 bytes.
    pub fn seed(&self) -> SecretBytes {
        SecretBytes::from(self.key.as_bytes().as_slice())
    }

    /// The public half.
    pub fn public(&self) -> Ed448Public {
        self.public.clone()
    }

    /// Ed448 with a context of 0 to 255 bytes ([`Error::Param`]), an empty one being the plain scheme.
    pub fn sign(&self, message: &[u8], context: &[u8]) -> Result<[u8; SIGNATURE_LEN]> {
        self.key.sign_ctx(context, message).map(|signature| signature.to_bytes()).map_err(|_| CONTEXT_LEN)
    }

    /// Ed448ph with a context of 0 to 255 bytes ([`Error::Param`]).
    pub fn sign_ph(&self, message: &[u8], context: &[u8]) -> Result<[u8; SIGNATURE_LEN]> {
        let signature = self.key.sign_prehashed(Some(context), Prehashed::of(message));
        signature.map(|signature| signature.to_bytes()).map_err(|_| CONTEXT_LEN)
    }
}

impl X448Public {
    /// From the 56 bytes of RFC 7748 ([`Error::Key`]); every value is one.
    pub fn new(key: &[u8]) -> Result<X448Public> {
        key.try_into().map(X448Public).map_err(|_| X_LEN)
    }

    /// The 56 bytes of RFC 7748.
    pub fn bytes(&self) -> &[u8; X_LEN_BYTES] {
        &self.0
    }
}

impl X448Private {
    /// A random key.
    pub fn generate() -> Result<X448Private> {
        let mut key = Zeroizing::new([0; X_LEN_BYTES]);
        random(&mut *key)?;
        X448Private::from_bytes(&*key)
    }

    /// From 56 bytes ([`Error::Key`]), which are kept as given and clamped where they are used.
    pub fn from_bytes(key: &[u8]) -> Result<X448Private> {
        let key = Zeroizing::new(<[u8; X_LEN_BYTES]>::try_from(key).map_err(|_| X_LEN)?);
        let public = X448Public(x448::x448_unchecked(*key, x448::X448_BASEPOINT_BYTES));
        Ok(X448Private { key: Arc::new(key), public })
    }

    /// The 56 bytes as given.
    pub fn bytes(&self) -> SecretBytes {
        SecretBytes::from(self.key.as_slice())
    }

    /// The public half.
    pub fn public(&self) -> X448Public {
        self.public.clone()
    }

    /// The 56 bytes shared with a peer's public key. All zero (a peer of small order) is [`Error::Key`].
    pub fn agree(&self, peer: &[u8]) -> Result<SecretBytes> {
        let peer = peer.try_into().map_err(|_| X_LEN)?;
        let shared = Zeroizing::new(x448::x448_unchecked(**self.key, peer));
        match equal(&*shared, &[0; X_LEN_BYTES]) {
            true => Err(X_SMALL_ORDER),
            false => Ok(SecretBytes::from(shared.as_slice())),
        }
    }
}
