//! ML-DSA by the `ml-dsa` crate.

use super::{Error, Result};
use crate::crypto::{MlDsaSet, equal, shake256};
use getrandom::SysRng;
use ml_dsa::{
    EncodedSignature, EncodedVerifyingKey, ExpandedSigningKey, ExpandedSigningKeyBytes, MlDsa44, MlDsa65,
    MlDsa87, MlDsaParams, Signature, VerifyingKey,
};
use std::ops::Range;
use zeroize::Zeroizing;

const PRIVATE: Error = Error::Key("ML-DSA: the private key is neither a seed nor a consistent expanded key");
const SIGNATURE: Error = Error::Internal("ML-DSA signature");
const PUBLIC_ONLY: Error = Error::Internal("ML-DSA private key");

/// A key with its public key, and the private key if it is private; immutable once made.
pub(in crate::crypto::rustcrypto) struct MlDsaKey(Box<dyn Operations>);

/// What a key of any parameter set does.
trait Operations: Send + Sync {
    fn public(&self) -> Vec<u8>;
    fn private(&self) -> Result<Vec<u8>>;
    fn sign(&self, message: &[u8], context: &[u8], out: &mut [u8]) -> Result<()>;
    fn sign_mu(&self, mu: &[u8; 64], out: &mut [u8]) -> Result<()>;
    fn verify(&self, message: &[u8], context: &[u8], signature: &[u8]) -> bool;
    fn verify_mu(&self, mu: &[u8; 64], signature: &[u8]) -> bool;
}

/// How keys of a parameter set are made; `None` for encodings that are none.
struct Makers {
    from_seed: fn(&[u8; 32]) -> MlDsaKey,
    from_expanded: fn(&[u8]) -> Option<MlDsaKey>,
    public: fn(&[u8]) -> Option<MlDsaKey>,
}

fn makers(set: MlDsaSet) -> Makers {
    match set {
        MlDsaSet::MlDsa44 => Key::<MlDsa44>::MAKERS,
        MlDsaSet::MlDsa65 => Key::<MlDsa65>::MAKERS,
        MlDsaSet::MlDsa87 => Key::<MlDsa87>::MAKERS,
    }
}

impl MlDsaKey {
    /// A private key from its 32-byte seed, or from its expanded form, whose parts must agree; that s1 and s2 are in
    /// range, which the crate does not look at, the caller has seen. What may stay unseen is a small change of s2 or of
    /// t0, where the rounded public key stays the same: the crate gives nobody the t0 that follows from the rest. Such a
    /// key makes a wrong signature now and then, and gives nothing away.
    pub(in crate::crypto::rustcrypto) fn ml_dsa_private(set: MlDsaSet, key: &[u8]) -> Result<MlDsaKey> {
        if let Ok(seed) = key.try_into() {
            return Ok((makers(set).from_seed)(seed));
        }
        if key.len() != set.private_len() {
            return Err(PRIVATE);
        }
        let made = (makers(set).from_expanded)(key).ok_or(PRIVATE)?;
        let mut hash = [0; 64];
        shake256(&made.0.public(), &mut hash);
        if !key.get(TR).is_some_and(|tr| equal(tr, &hash)) {
            return Err(PRIVATE);
        }
        let mut signature = super::buffer(set.signature_len())?;
        made.ml_dsa_sign(&hash, &[], &mut signature).map_err(|_| PRIVATE)?;
        made.ml_dsa_verify(&hash, &[], &signature).map_err(|_| PRIVATE)?;
        Ok(made)
    }

    /// A public key.
    pub(in crate::crypto::rustcrypto) fn ml_dsa_public(set: MlDsaSet, key: &[u8]) -> Result<MlDsaKey> {
        const WHY: Error = Error::Key("ML-DSA: the public key has the wrong length for its parameter set");
        (makers(set).public)(key).ok_or(WHY)
    }

    /// The public key encoding of FIPS 204.
    pub(in crate::crypto::rustcrypto) fn raw_public(&self, _: usize) -> Result<Vec<u8>> {
        Ok(self.0.public())
    }

    /// The private key encoding of FIPS 204.
    pub(in crate::crypto::rustcrypto) fn raw_private(&self, _: usize) -> Result<Vec<u8>> {
        self.0.private()
    }

    /// A hedged signature into `out`, exactly as long as one.
    pub(in crate::crypto::rustcrypto) fn ml_dsa_sign(
        &self,
        message: &[u8],
        context: &[u8],
        out: &mut [u8],
    ) -> Result<()> {
        self.0.sign(message, context, out)
    }

    /// Checks a signature; every failure is [`Error::Signature`].
    pub(in crate::crypto::rustcrypto) fn ml_dsa_verify(
        &self,
        message: &[u8],
        context: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        self.0.verify(message, context, signature).then_some(()).ok_or(Error::Signature)
    }

    /// A hedged signature over the message representative µ into `out`, exactly as long as one.
    pub(in crate::crypto::rustcrypto) fn ml_dsa_sign_mu(&self, mu: &[u8; 64], out: &mut [u8]) -> Result<()> {
        self.0.sign_mu(mu, out)
    }

    /// Checks a signature over µ; every failure is [`Error::Signature`].
    pub(in crate::crypto::rustcrypto) fn ml_dsa_verify_mu(
        &self,
        mu: &[u8; 64],
        signature: &[u8],
    ) -> Result<()> {
        self.0.verify_mu(mu, signature).then_some(()).ok_or(Error::Signature)
    }
}

/// Where FIPS 204's private key encoding (algorithm 24) has the public key's hash, and where s1 begins.
const TR: Range<usize> = 64..128;

struct Key<P: MlDsaParams> {
    public: VerifyingKey<P>,
    private: Option<ExpandedSigningKey<P>>,
}

impl<P> Key<P>
where
    P: MlDsaParams,
    Key<P>: Operations + 'static,
{
    const MAKERS: Makers =
        Makers { from_seed: Self::from_seed, from_expanded: Self::from_expanded, public: Self::from_public };

    fn with(private: ExpandedSigningKey<P>) -> MlDsaKey {
        MlDsaKey(Box::new(Key { public: private.verifying_key(), private: Some(private) }))
    }

    fn from_seed(seed: &[u8; 32]) -> MlDsaKey {
        Self::with(ExpandedSigningKey::from_seed(&Zeroizing::new((*seed).into())))
    }

    fn from_expanded(key: &[u8]) -> Option<MlDsaKey> {
        let bytes = <&ExpandedSigningKeyBytes<P>>::try_from(key).ok()?;
        // Deprecated because it trusts its input: the caller checks it.
        #[allow(deprecated)]
        Some(Self::with(ExpandedSigningKey::from_expanded(bytes)))
    }

    fn from_public(key: &[u8]) -> Option<MlDsaKey> {
        let bytes = <&EncodedVerifyingKey<P>>::try_from(key).ok()?;
        Some(MlDsaKey(Box::new(Key { public: VerifyingKey::<P>::decode(bytes), private: None })))
    }

    fn write(signature: Signature<P>, out: &mut [u8]) -> Result<()> {
        let signature: EncodedSignature<P> = signature.encode();
        if out.len() != signature.len() {
            return Err(SIGNATURE);
        }
        out.copy_from_slice(&signature);
        Ok(())
    }

    fn read(signature: &[u8]) -> Option<Signature<P>> {
        Signature::decode(<&EncodedSignature<P>>::try_from(signature).ok()?)
    }
}

impl<P> Operations for Key<P>
where
    P: MlDsaParams + Send + Sync + 'static,
    VerifyingKey<P>: Send + Sync,
    ExpandedSigningKey<P>: Send + Sync,
{
    fn public(&self) -> Vec<u8> {
        self.public.encode().to_vec()
    }

    fn private(&self) -> Result<Vec<u8>> {
        // Deprecated for its form, which is the one that is asked for.
        #[allow(deprecated)]
        let encoded = self.private.as_ref().ok_or(PUBLIC_ONLY)?.to_expanded();
        Ok(Zeroizing::new(encoded).to_vec())
    }

    fn sign(&self, message: &[u8], context: &[u8], out: &mut [u8]) -> Result<()> {
        let private = self.private.as_ref().ok_or(PUBLIC_ONLY)?;
        let signature = private.sign_randomized(message, context, &mut SysRng).map_err(|_| SIGNATURE)?;
        Self::write(signature, out)
    }

    fn sign_mu(&self, mu: &[u8; 64], out: &mut [u8]) -> Result<()> {
        let private = self.private.as_ref().ok_or(PUBLIC_ONLY)?;
        let signature = private.sign_mu_randomized(&(*mu).into(), &mut SysRng).map_err(|_| SIGNATURE)?;
        Self::write(signature, out)
    }

    fn verify(&self, message: &[u8], context: &[u8], signature: &[u8]) -> bool {
        Self::read(signature)
            .is_some_and(|signature| self.public.verify_with_context(message, context, &signature))
    }

    fn verify_mu(&self, mu: &[u8; 64], signature: &[u8]) -> bool {
        Self::read(signature).is_some_and(|signature| self.public.verify_mu(&(*mu).into(), &signature))
    }
}
