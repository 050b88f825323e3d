//! ML-KEM (FIPS 203).

use super::super::{Error, MlKemSet, Result, random};
use super::raw;
use crate::types::SecretBytes;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

const SEED_LEN: usize = 64;
/// H(ek) and z, which follow the encapsulation key at the end of a decapsulation key.
const TAIL_LEN: usize = 64;

/// An ML-KEM encapsulation key. Cloning shares it.
#[derive(Clone)]
pub struct MlKemPublic(Arc<Public>);

struct Public {
    set: MlKemSet,
    key: raw::MlKemKey,
    bytes: Vec<u8>,
}

/// An ML-KEM decapsulation key. Cloning shares it; the last clone wipes it.
#[derive(Clone)]
pub struct MlKemPrivate(Arc<Private>);

type Seed = Zeroizing<[u8; SEED_LEN]>;

struct Private {
    key: raw::MlKemKey,
    seed: Option<Seed>,
    public: MlKemPublic,
}

impl fmt::Debug for MlKemPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MlKemPublic({})", self.set().name())
    }
}

impl fmt::Debug for MlKemPrivate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MlKemPrivate({})", self.set().name())
    }
}

impl MlKemPublic {
    /// The length of a shared secret in bytes.
    pub const SECRET_LEN: usize = 32;

    /// From FIPS 203's encoding, checked for its length and modulus as section 7.2 has it ([`Error::Key`]).
    pub fn new(set: MlKemSet, key: &[u8]) -> Result<MlKemPublic> {
        if key.len() != set.public_len() {
            return Err(Error::Key(
                "ML-KEM: the encapsulation key has the wrong length for its parameter set",
            ));
        }
        let bytes = key.to_vec();
        Ok(MlKemPublic(Arc::new(Public { set, key: raw::MlKemKey::ml_kem_public(set, key)?, bytes })))
    }

    /// The parameter set.
    pub fn set(&self) -> MlKemSet {
        self.0.set
    }

    /// FIPS 203's encoding.
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// A fresh shared secret, and its ciphertext into `ciphertext`, of exactly `set().ciphertext_len()` bytes
    /// ([`Error::Param`]).
    pub fn encapsulate(&self, ciphertext: &mut [u8]) -> Result<SecretBytes> {
        let mut secret = Zeroizing::new([0; MlKemPublic::SECRET_LEN]);
        self.0.key.encapsulate(self.room(ciphertext)?, &mut secret)?;
        Ok(SecretBytes::from(&secret[..]))
    }

    /// The same with the 32 bytes of randomness m that test vectors give.
    #[cfg(test)]
    pub fn encapsulate_with(&self, m: &[u8], ciphertext: &mut [u8]) -> Result<SecretBytes> {
        let mut secret = Zeroizing::new([0; MlKemPublic::SECRET_LEN]);
        self.0.key.encapsulate_with(m, self.room(ciphertext)?, &mut secret)?;
        Ok(SecretBytes::from(&secret[..]))
    }

    fn room<'a>(&self, ciphertext: &'a mut [u8]) -> Result<&'a mut [u8]> {
        match ciphertext.len() == self.set().ciphertext_len() {
            true => Ok(ciphertext),
            false => Err(Error::Param("output buffer must be exactly as long as the ciphertext")),
        }
    }
}

impl MlKemPrivate {
    /// A random key, with its seed.
    pub fn generate(set: MlKemSet) -> Result<MlKemPrivate> {
        let mut seed = Zeroizing::new([0; SEED_LEN]);
        random(&mut *seed)?;
        MlKemPrivate::from_seed(set, &*seed)
    }

    /// From FIPS 203's 64-byte seed, d and z ([`Error::Key`]).
    pub fn from_seed(set: MlKemSet, seed: &[u8]) -> Result<MlKemPrivate> {
        let seed = <[u8; SEED_LEN]>::try_from(seed).map_err(|_| Error::Key("ML-KEM: a seed has 64 bytes"))?;
        let seed = Zeroizing::new(seed);
        let key = raw::MlKemKey::ml_kem_from_seed(set, &seed)?;
        let public = key.raw_public(set.public_len())?;
        MlKemPrivate::wrap(set, key, &public, Some(seed))
    }

    /// From FIPS 203's decapsulation key, checked for its length and hash as section 7.3 has it, and for its halves to
    /// belong together ([`Error::Key`]).
    pub fn from_expanded(set: MlKemSet, key: &[u8]) -> Result<MlKemPrivate> {
        if key.len() != set.private_len() {
            return Err(Error::Key(
                "ML-KEM: the decapsulation key has the wrong length for its parameter set",
            ));
        }
        let end = set.private_len() - TAIL_LEN;
        let public = key.get(end - set.public_len()..end).unwrap_or_default();
        MlKemPrivate::wrap(set, raw::MlKemKey::ml_kem_pair(set, public, key)?, public, None)
    }

    fn wrap(set: MlKemSet, key: raw::MlKemKey, public: &[u8], seed: Option<Seed>) -> Result<MlKemPrivate> {
        // A key of its own for the public half, so that it never keeps the private one alive.
        let public = MlKemPublic::new(set, public)?;
        Ok(MlKemPrivate(Arc::new(Private { key, seed, public })))
    }

    /// The parameter set.
    pub fn set(&self) -> MlKemSet {
        self.0.public.set()
    }

    /// The seed, if the key came with one.
    pub fn seed(&self) -> Option<SecretBytes> {
        self.0.seed.as_ref().map(|seed| SecretBytes::from(&seed[..]))
    }

    /// FIPS 203's decapsulation key, of `set().private_len()` bytes.
    pub fn expanded(&self) -> Result<SecretBytes> {
        Ok(SecretBytes::from(self.0.key.raw_private(self.set().private_len())?))
    }

    /// The public half.
    pub fn public(&self) -> MlKemPublic {
        self.0.public.clone()
    }

    /// The shared secret of a ciphertext. [`Error::CiphertextLength`] for one of the wrong length; any other gives a
    /// secret, which is nobody's where the ciphertext was not made with this key (implicit rejection).
    pub fn decapsulate(&self, ciphertext: &[u8]) -> Result<SecretBytes> {
        if ciphertext.len() != self.set().ciphertext_len() {
            return Err(Error::CiphertextLength);
        }
        let mut secret = Zeroizing::new([0; MlKemPublic::SECRET_LEN]);
        self.0.key.decapsulate(ciphertext, &mut secret)?;
        Ok(SecretBytes::from(&secret[..]))
    }
}
