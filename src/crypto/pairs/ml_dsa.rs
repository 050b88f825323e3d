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

/// Whether every coefficient of s1 and s2 in FIPS 204's private key encoding is one that skEncode writes (algorithm 24).
/// AWS-LC's FIPS module does not look. Takes the same time for every key of the set.
fn secrets_in_range(set: MlDsaSet, key: &[u8]) -> bool {
    // They begin behind ρ, K and tr: k + l polynomials of 256 coefficients, each η less the coefficient, 0 to 2η.
    let secrets = key.get(128..).unwrap_or_default();
    let bad = match set {
        MlDsaSet::MlDsa44 => above_4(secrets, 8),
        MlDsaSet::MlDsa65 => above_8(secrets, 11),
        MlDsaSet::MlDsa87 => above_4(secrets, 15),
    };
    bad == 0
}

/// η = 2: three bits each, so that three bytes hold eight. A bit is set in the result for what is 5, 6 or 7.
fn above_4(secrets: &[u8], polynomials: usize) -> u32 {
    const LOWEST: u32 = 0o1111_1111;
    secrets.chunks(3).take(polynomials * 32).fold(0, |bad, eight| {
        let bits = eight.iter().rev().fold(0, |bits, byte| bits << 8 | u32::from(*byte));
        bad | bits >> 2 & (bits >> 1 | bits) & LOWEST
    })
}

/// η = 4: four bits each. A bit is set in the result for what is above 8.
fn above_8(secrets: &[u8], polynomials: usize) -> u32 {
    secrets.iter().take(polynomials * 128).fold(0, |bad, two| {
        let bits = u32::from(*two);
        bad | bits >> 3 & (bits >> 2 | bits >> 1 | bits) & 0x11
    })
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
        if !secrets_in_range(set, key) {
            return Err(Error::Key(
                "ML-DSA: the private key's s1 or s2 has a coefficient that is out of range",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_coefficient_of_the_secrets_has_its_range() {
        for (set, polynomials, bits) in
            [(MlDsaSet::MlDsa44, 8, 3), (MlDsaSet::MlDsa65, 11, 4), (MlDsaSet::MlDsa87, 15, 3)]
        {
            let most: u16 = if bits == 3 { 4 } else { 8 };
            // The rest of the encoding is anything at all.
            let mut key = vec![0xff; set.private_len()];
            let put = |key: &mut [u8], at: usize, value: u16| {
                for bit in 0..bits {
                    let (place, mask) = (128 + (at * bits + bit) / 8, 1 << ((at * bits + bit) % 8));
                    let byte = &mut key[place];
                    *byte = if value >> bit & 1 == 1 { *byte | mask } else { *byte & !mask };
                }
            };
            let count = 256 * polynomials;
            for at in 0..count {
                put(&mut key, at, u16::try_from(at).unwrap() % (most + 1));
            }
            assert!(secrets_in_range(set, &key), "{set:?}");
            for at in 0..count {
                for value in 0..1 << bits {
                    put(&mut key, at, value);
                    assert_eq!(secrets_in_range(set, &key), value <= most, "{set:?}, {at}: {value}");
                }
                put(&mut key, at, most);
            }
        }
    }
}
