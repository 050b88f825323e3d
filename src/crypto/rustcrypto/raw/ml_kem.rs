//! ML-KEM by the `ml-kem` crate.

use super::{Error, Result, fill};
use crate::crypto::MlKemSet;
// Deprecated for what it is: a form that needs checks, which `ml_kem_pair` makes.
#[allow(deprecated)]
use ml_kem::ExpandedKeyEncoding;
use ml_kem::kem::{Decapsulate, KeyExport};
use ml_kem::{B32, Seed, ml_kem_512, ml_kem_768, ml_kem_1024};
use zeroize::Zeroizing;

const FAILED: Error = Error::Internal("ML-KEM");

/// A key with its encapsulation key, and the decapsulation key if it is private; immutable once made.
pub(in crate::crypto::rustcrypto) struct MlKemKey(Box<dyn Operations>);

/// What a key of any parameter set does.
trait Operations: Send + Sync {
    fn public(&self) -> Vec<u8>;
    fn private(&self) -> Result<&[u8]>;
    fn encapsulate(&self, m: &B32, ciphertext: &mut [u8], secret: &mut [u8; 32]) -> Result<()>;
    fn decapsulate(&self, ciphertext: &[u8], secret: &mut [u8; 32]) -> Result<()>;
}

/// How keys of a parameter set are made; `None` for encodings that are none.
struct Makers {
    from_seed: fn(Seed) -> MlKemKey,
    from_expanded: fn(&[u8]) -> Option<MlKemKey>,
    public: fn(&[u8]) -> Option<MlKemKey>,
}

/// Keys of one parameter set: the crate keeps the traits to be generic over them with to itself.
macro_rules! parameter_set {
    ($name:ident, $set:ident) => {
        struct $name {
            public: $set::EncapsulationKey,
            private: Option<($set::DecapsulationKey, Zeroizing<Vec<u8>>)>,
        }

        impl $name {
            const MAKERS: Makers = Makers {
                from_seed: Self::from_seed,
                from_expanded: Self::from_expanded,
                public: Self::from_public,
            };

            fn with(private: $set::DecapsulationKey, encoded: Zeroizing<Vec<u8>>) -> MlKemKey {
                let public = private.encapsulation_key().clone();
                MlKemKey(Box::new($name { public, private: Some((private, encoded)) }))
            }

            fn from_seed(seed: Seed) -> MlKemKey {
                let private = $set::DecapsulationKey::from_seed(seed);
                #[allow(deprecated)]
                let encoded = Zeroizing::new(Zeroizing::new(private.to_expanded_bytes()).to_vec());
                $name::with(private, encoded)
            }

            fn from_expanded(key: &[u8]) -> Option<MlKemKey> {
                #[allow(deprecated)]
                let private = $set::DecapsulationKey::from_expanded(key.try_into().ok()?).ok()?;
                Some($name::with(private, Zeroizing::new(key.to_vec())))
            }

            fn from_public(key: &[u8]) -> Option<MlKemKey> {
                let public = $set::EncapsulationKey::new(key.try_into().ok()?).ok()?;
                Some(MlKemKey(Box::new($name { public, private: None })))
            }
        }

        impl Operations for $name {
            fn public(&self) -> Vec<u8> {
                self.public.to_bytes().to_vec()
            }

            fn private(&self) -> Result<&[u8]> {
                self.private.as_ref().map(|(_, encoded)| encoded.as_slice()).ok_or(FAILED)
            }

            fn encapsulate(&self, m: &B32, ciphertext: &mut [u8], secret: &mut [u8; 32]) -> Result<()> {
                let (made, shared) = self.public.encapsulate_deterministic(m);
                let shared = Zeroizing::new(shared);
                if made.len() != ciphertext.len() {
                    return Err(FAILED);
                }
                ciphertext.copy_from_slice(&made);
                secret.copy_from_slice(&shared);
                Ok(())
            }

            fn decapsulate(&self, ciphertext: &[u8], secret: &mut [u8; 32]) -> Result<()> {
                let (private, _) = self.private.as_ref().ok_or(FAILED)?;
                let ciphertext = ciphertext.try_into().map_err(|_| Error::CiphertextLength)?;
                secret.copy_from_slice(&Zeroizing::new(private.decapsulate(ciphertext)));
                Ok(())
            }
        }
    };
}

parameter_set!(Key512, ml_kem_512);
parameter_set!(Key768, ml_kem_768);
parameter_set!(Key1024, ml_kem_1024);

fn makers(set: MlKemSet) -> Makers {
    match set {
        MlKemSet::MlKem512 => Key512::MAKERS,
        MlKemSet::MlKem768 => Key768::MAKERS,
        MlKemSet::MlKem1024 => Key1024::MAKERS,
    }
}

impl MlKemKey {
    /// A pair from its seed, d and z.
    pub(in crate::crypto::rustcrypto) fn ml_kem_from_seed(
        set: MlKemSet,
        seed: &[u8; 64],
    ) -> Result<MlKemKey> {
        Ok((makers(set).from_seed)((*seed).into()))
    }

    /// A pair from both of its encodings, checked as FIPS 203, section 7, has it, and by a secret that goes to and fro.
    pub(in crate::crypto::rustcrypto) fn ml_kem_pair(
        set: MlKemSet,
        public: &[u8],
        private: &[u8],
    ) -> Result<MlKemKey> {
        const WHY: Error = Error::Key("ML-KEM: the decapsulation key does not agree with itself");
        let key = (makers(set).from_expanded)(private).ok_or(WHY)?;
        let mut ciphertext = super::buffer(set.ciphertext_len())?;
        let (mut sent, mut received) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
        key.encapsulate(&mut ciphertext, &mut sent)?;
        key.decapsulate(&ciphertext, &mut received)?;
        match crate::crypto::equal(&*sent, &*received) && key.0.public() == public {
            true => Ok(key),
            false => Err(WHY),
        }
    }

    /// A public key, whose numbers are below the modulus.
    pub(in crate::crypto::rustcrypto) fn ml_kem_public(set: MlKemSet, key: &[u8]) -> Result<MlKemKey> {
        const WHY: Error =
            Error::Key("ML-KEM: the encapsulation key has a number that is not below the modulus");
        (makers(set).public)(key).ok_or(WHY)
    }

    /// The public key encoding of FIPS 203.
    pub(in crate::crypto::rustcrypto) fn raw_public(&self, _: usize) -> Result<Vec<u8>> {
        Ok(self.0.public())
    }

    /// The private key encoding of FIPS 203.
    pub(in crate::crypto::rustcrypto) fn raw_private(&self, _: usize) -> Result<Vec<u8>> {
        self.0.private().map(<[u8]>::to_vec)
    }

    /// ML-KEM.Encaps: the ciphertext into `ciphertext`, exactly as long as one, and the shared secret.
    pub(in crate::crypto::rustcrypto) fn encapsulate(
        &self,
        ciphertext: &mut [u8],
        secret: &mut [u8; 32],
    ) -> Result<()> {
        let mut m = Zeroizing::new(B32::default());
        fill(&mut m)?;
        self.0.encapsulate(&m, ciphertext, secret)
    }

    /// The same with the randomness m given, as test vectors have it.
    #[cfg(test)]
    pub(in crate::crypto::rustcrypto) fn encapsulate_with(
        &self,
        m: &[u8],
        ciphertext: &mut [u8],
        secret: &mut [u8; 32],
    ) -> Result<()> {
        self.0.encapsulate(m.try_into().map_err(|_| FAILED)?, ciphertext, secret)
    }

    /// ML-KEM.Decaps. [`Error::CiphertextLength`]; any other ciphertext gives a secret.
    pub(in crate::crypto::rustcrypto) fn decapsulate(
        &self,
        ciphertext: &[u8],
        secret: &mut [u8; 32],
    ) -> Result<()> {
        self.0.decapsulate(ciphertext, secret)
    }
}
