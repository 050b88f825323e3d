//! ML-DSA (FIPS 204). Deterministic signatures, which AWS-LC cannot make, come from `crate::crypto::pure`.

use super::super::{Error, Hedge, MlDsaMu, MlDsaSet, PreHash, Result, pure, random};
use super::raw;
use crate::types::SecretBytes;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

const SEED_LEN: usize = 32;
const MAX_CONTEXT_LEN: usize = 255;
/// Whether contexts go through µ, since AWS-LC's FIPS module takes none with a message.
const CONTEXT_IN_MU: bool = cfg!(feature = "fips");
const CONTEXT: Error = Error::Param("ML-DSA: the context has at most 255 bytes");

const DETERMINISTIC: Error = Error::Param(
    "ML-DSA: AWS-LC's FIPS module makes no deterministic signatures, and no other code may here",
);

/// An ML-DSA public key. Cloning shares it.
#[derive(Clone)]
pub struct MlDsaPublic(Arc<Public>);

struct Public {
    set: MlDsaSet,
    key: raw::MlDsaKey,
    bytes: Vec<u8>,
}

/// An ML-DSA private key. Cloning shares it; the last clone wipes it.
#[derive(Clone)]
pub struct MlDsaPrivate(Arc<Private>);

type Seed = Zeroizing<[u8; SEED_LEN]>;

struct Private {
    key: raw::MlDsaKey,
    seed: Option<Seed>,
    public: MlDsaPublic,
}

impl fmt::Debug for MlDsaPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MlDsaPublic({})", self.set().name())
    }
}

impl fmt::Debug for MlDsaPrivate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MlDsaPrivate({})", self.set().name())
    }
}

impl MlDsaPublic {
    /// From FIPS 204's encoding, of `set.public_len()` bytes ([`Error::Key`]).
    pub fn new(set: MlDsaSet, key: &[u8]) -> Result<MlDsaPublic> {
        if key.len() != set.public_len() {
            return Err(Error::Key("ML-DSA: the public key has the wrong length for its parameter set"));
        }
        let bytes = key.to_vec();
        Ok(MlDsaPublic(Arc::new(Public { set, key: raw::MlDsaKey::ml_dsa_public(set, key)?, bytes })))
    }

    /// The parameter set.
    pub fn set(&self) -> MlDsaSet {
        self.0.set
    }

    /// FIPS 204's encoding.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.bytes.clone()
    }

    /// Pure ML-DSA with a context of at most 255 bytes ([`Error::Param`]).
    pub fn verify(&self, message: &[u8], context: &[u8], signature: &[u8]) -> Result<()> {
        if context.len() > MAX_CONTEXT_LEN {
            return Err(CONTEXT);
        }
        if signature.len() != self.set().signature_len() {
            return Err(Error::SignatureLength);
        }
        if CONTEXT_IN_MU && !context.is_empty() {
            return self.0.key.ml_dsa_verify_mu(&self.mu_of_message(message, context), signature);
        }
        self.0.key.ml_dsa_verify(message, context, signature)
    }

    /// HashML-DSA over a digest of this hash ([`Error::DataLength`]), with a context as for `verify`.
    pub fn verify_prehashed(
        &self,
        hash: PreHash,
        digest: &[u8],
        context: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        let mu = self.mu(hash, digest, context)?;
        if signature.len() != self.set().signature_len() {
            return Err(Error::SignatureLength);
        }
        self.0.key.ml_dsa_verify_mu(&mu, signature)
    }

    fn mu_of_message(&self, message: &[u8], context: &[u8]) -> [u8; 64] {
        let mut mu = MlDsaMu::new(&self.0.bytes, context);
        mu.update(message);
        mu.value()
    }

    fn mu(&self, hash: PreHash, digest: &[u8], context: &[u8]) -> Result<[u8; 64]> {
        match digest.len() == hash.digest_len() {
            _ if context.len() > MAX_CONTEXT_LEN => Err(CONTEXT),
            true => Ok(MlDsaMu::of_digest(&self.0.bytes, context, hash, digest)),
            false => Err(Error::DataLength),
        }
    }
}

impl MlDsaPrivate {
    /// A random key, with its seed.
    pub fn generate(set: MlDsaSet) -> Result<MlDsaPrivate> {
        let mut seed = Zeroizing::new([0; SEED_LEN]);
        random(&mut *seed)?;
        MlDsaPrivate::from_seed(set, &*seed)
    }

    /// From FIPS 204's 32-byte seed ([`Error::Key`]).
    pub fn from_seed(set: MlDsaSet, seed: &[u8]) -> Result<MlDsaPrivate> {
        let seed = <[u8; SEED_LEN]>::try_from(seed).map_err(|_| Error::Key("ML-DSA: a seed has 32 bytes"))?;
        let seed = Zeroizing::new(seed);
        let key = raw::MlDsaKey::ml_dsa_private(set, &*seed)?;
        MlDsaPrivate::wrap(set, key, Some(seed))
    }

    /// From FIPS 204's private key encoding, of `set.private_len()` bytes, whose parts must agree ([`Error::Key`]).
    pub fn from_expanded(set: MlDsaSet, key: &[u8]) -> Result<MlDsaPrivate> {
        if key.len() != set.private_len() {
            return Err(Error::Key(
                "ML-DSA: the expanded private key has the wrong length for its parameter set",
            ));
        }
        MlDsaPrivate::wrap(set, raw::MlDsaKey::ml_dsa_private(set, key)?, None)
    }

    fn wrap(set: MlDsaSet, key: raw::MlDsaKey, seed: Option<Seed>) -> Result<MlDsaPrivate> {
        // A key of its own for the public half, so that it never keeps the private one alive.
        let public = MlDsaPublic::new(set, &key.raw_public(set.public_len())?)?;
        Ok(MlDsaPrivate(Arc::new(Private { key, seed, public })))
    }

    /// The parameter set.
    pub fn set(&self) -> MlDsaSet {
        self.0.public.set()
    }

    /// The seed, if the key came with one.
    pub fn seed(&self) -> Option<SecretBytes> {
        self.0.seed.as_ref().map(|seed| SecretBytes::from(seed.to_vec()))
    }

    /// FIPS 204's private key encoding, of `private_len()` bytes.
    pub fn expanded(&self) -> Result<SecretBytes> {
        Ok(SecretBytes::from(self.0.key.raw_private(self.set().private_len())?))
    }

    /// The public half.
    pub fn public(&self) -> MlDsaPublic {
        self.0.public.clone()
    }

    /// Pure ML-DSA with a context of at most 255 bytes ([`Error::Param`]), into `out` of exactly `signature_len()`
    /// bytes. Every choice but [`Hedge::Deterministic`] gives a hedged signature.
    pub fn sign(&self, message: &[u8], context: &[u8], hedge: Hedge, out: &mut [u8]) -> Result<()> {
        if out.len() != self.set().signature_len() {
            return Err(Error::Param("output buffer must be exactly as long as the signature"));
        }
        if context.len() > MAX_CONTEXT_LEN {
            return Err(CONTEXT);
        }
        match hedge {
            Hedge::Preferred | Hedge::Required if CONTEXT_IN_MU && !context.is_empty() => {
                self.0.key.ml_dsa_sign_mu(&self.0.public.mu_of_message(message, context), out)
            }
            Hedge::Preferred | Hedge::Required => self.0.key.ml_dsa_sign(message, context, out),
            Hedge::Deterministic if cfg!(feature = "fips") => Err(DETERMINISTIC),
            Hedge::Deterministic => {
                pure::ml_dsa_sign_deterministic(self.set(), &self.expanded()?, message, context, out)
            }
        }
    }

    /// HashML-DSA over a digest of this hash ([`Error::DataLength`]); the rest as for `sign`.
    pub fn sign_prehashed(
        &self,
        hash: PreHash,
        digest: &[u8],
        context: &[u8],
        hedge: Hedge,
        out: &mut [u8],
    ) -> Result<()> {
        if out.len() != self.set().signature_len() {
            return Err(Error::Param("output buffer must be exactly as long as the signature"));
        }
        let mu = self.0.public.mu(hash, digest, context)?;
        match hedge {
            Hedge::Preferred | Hedge::Required => self.0.key.ml_dsa_sign_mu(&mu, out),
            Hedge::Deterministic if cfg!(feature = "fips") => Err(DETERMINISTIC),
            Hedge::Deterministic => {
                pure::ml_dsa_sign_mu_deterministic(self.set(), &self.expanded()?, &mu, out)
            }
        }
    }
}
