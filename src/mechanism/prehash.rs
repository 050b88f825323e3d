//! HashML-DSA and HashSLH-DSA (PKCS#11 v3.2, section 6 "ML-DSA" and "SLH-DSA"): a digest is signed, which the caller
//! gives, or which is made here over the parts of the message.

use crate::crypto::{
    self, Hedge, MlDsaPrivate, MlDsaPublic, PreHash, PreHashing, SlhDsaPrivate, SlhDsaPublic,
};
use crate::error::{Error, ErrorKind, Result};
use crate::types::ck;

use super::errors;
use super::ml_dsa::{context, context_of};
use super::op::{Producer, Verifier};
use super::params::Params;
use super::shapes::{Checker, Signer, SinglePart, SinglePartCheck};

/// A private key that signs digests by one of the two schemes.
pub(super) trait SignsDigests: Send + 'static {
    fn signature_len(&self) -> usize;
    fn sign(
        &self,
        hash: PreHash,
        digest: &[u8],
        context: &[u8],
        hedge: Hedge,
        out: &mut [u8],
    ) -> crypto::Result<()>;
}

/// A public key that verifies them.
pub(super) trait VerifiesDigests: Send + 'static {
    fn verify(&self, hash: PreHash, digest: &[u8], context: &[u8], signature: &[u8]) -> crypto::Result<()>;
}

macro_rules! keys {
    ($($private:ident $public:ident;)*) => { $(
        impl SignsDigests for $private {
            fn signature_len(&self) -> usize {
                self.set().signature_len()
            }
            fn sign(
                &self,
                hash: PreHash,
                digest: &[u8],
                context: &[u8],
                hedge: Hedge,
                out: &mut [u8],
            ) -> crypto::Result<()> {
                self.sign_prehashed(hash, digest, context, hedge, out)
            }
        }

        impl VerifiesDigests for $public {
            fn verify(
                &self,
                hash: PreHash,
                digest: &[u8],
                context: &[u8],
                signature: &[u8],
            ) -> crypto::Result<()> {
                self.verify_prehashed(hash, digest, context, signature)
            }
        }
    )* };
}

keys! {
    MlDsaPrivate MlDsaPublic;
    SlhDsaPrivate SlhDsaPublic;
}

/// A key with the hash and parameters of its Init.
struct OverDigest<K> {
    key: K,
    hash: PreHash,
    context: Vec<u8>,
    hedge: Hedge,
}

impl<K: SignsDigests> Signer for OverDigest<K> {
    fn signature_len(&self) -> usize {
        self.key.signature_len()
    }
    fn sign(&self, digest: &[u8], out: &mut [u8]) -> Result<()> {
        self.key.sign(self.hash, digest, &self.context, self.hedge, out).map_err(errors::data)
    }
}

impl<K: VerifiesDigests> Checker for OverDigest<K> {
    fn check(&self, digest: &[u8], signature: &[u8]) -> Result<()> {
        self.key.verify(self.hash, digest, &self.context, signature).map_err(errors::verify)
    }
}

/// Hashes the parts, the digest to the primitive.
struct Prehashing<P> {
    running: PreHashing,
    primitive: P,
}

impl<P: Signer> Producer for Prehashing<P> {
    fn output_len(&self) -> usize {
        self.primitive.signature_len()
    }
    fn update(&mut self, part: &[u8]) -> Result<()> {
        self.running.update(part);
        Ok(())
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        self.primitive.sign(&self.running.value(), out)
    }
}

struct PrehashingCheck<P>(Prehashing<P>);

impl<P: Checker> Verifier for PrehashingCheck<P> {
    fn update(&mut self, part: &[u8]) -> Result<()> {
        self.0.running.update(part);
        Ok(())
    }
    fn finish(&mut self, signature: &[u8]) -> Result<()> {
        let digest = self.0.running.value();
        self.0.primitive.check(&digest, signature)
    }
}

/// Signs messages with this hash.
pub(super) fn signing<K: SignsDigests>(key: K, hash: PreHash, params: &Params) -> Result<Box<dyn Producer>> {
    let (hedge, context) = context(params)?;
    let primitive = OverDigest { key, hash, context, hedge };
    Ok(Box::new(Prehashing { running: PreHashing::new(hash), primitive }))
}

/// Verifies them.
pub(super) fn verifying<K: VerifiesDigests>(
    key: K,
    hash: PreHash,
    params: &Params,
) -> Result<Box<dyn Verifier>> {
    let (hedge, context) = context(params)?;
    let primitive = OverDigest { key, hash, context, hedge };
    Ok(Box::new(PrehashingCheck(Prehashing { running: PreHashing::new(hash), primitive })))
}

/// Signs digests of the hash that the parameter names.
pub(super) fn signing_digests<K: SignsDigests>(key: K, params: &Params) -> Result<Box<dyn Producer>> {
    let (hash, hedge, context) = digest_params(params)?;
    Ok(Box::new(SinglePart(OverDigest { key, hash, context, hedge })))
}

/// Verifies them.
pub(super) fn verifying_digests<K: VerifiesDigests>(key: K, params: &Params) -> Result<Box<dyn Verifier>> {
    let (hash, hedge, context) = digest_params(params)?;
    Ok(Box::new(SinglePartCheck(OverDigest { key, hash, context, hedge })))
}

/// What `hash` of CK_HASH_SIGN_ADDITIONAL_CONTEXT may name. The headers have no CKM_ for SHAKE as a hash.
const HASHES: &[(ck::CK_MECHANISM_TYPE, PreHash)] = &[
    (ck::CKM_SHA224, PreHash::Sha224),
    (ck::CKM_SHA256, PreHash::Sha256),
    (ck::CKM_SHA384, PreHash::Sha384),
    (ck::CKM_SHA512, PreHash::Sha512),
    (ck::CKM_SHA512_224, PreHash::Sha512_224),
    (ck::CKM_SHA512_256, PreHash::Sha512_256),
    (ck::CKM_SHA3_224, PreHash::Sha3_224),
    (ck::CKM_SHA3_256, PreHash::Sha3_256),
    (ck::CKM_SHA3_384, PreHash::Sha3_384),
    (ck::CKM_SHA3_512, PreHash::Sha3_512),
];

fn digest_params(params: &Params) -> Result<(PreHash, Hedge, Vec<u8>)> {
    let Params::HashSignContext { hedge, context, hash } = params else { return Err(errors::wrong_param()) };
    let known = HASHES.iter().find(|(number, _)| number == hash);
    let (_, hash) = known.ok_or_else(|| {
        Error::new(ErrorKind::MechanismParamInvalid, "hash names none that a signature of this kind is over")
    })?;
    let (hedge, context) = context_of(*hedge, context)?;
    Ok((*hash, hedge, context))
}
