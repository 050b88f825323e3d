//! Signatures and MACs of keys that are elsewhere: what is hashed, padded or cut is so here.

use super::words::{Remote, Signing};
use crate::crypto::{DigestValue, Hash, MAX_DIGEST_LEN, MlDsaMu, PublicKey};
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::op::{Producer, Verifier};
use crate::mechanism::params::Params;
use crate::mechanism::shapes::{Gathering, Hashing, MacCheck, Signer, SinglePart};
use crate::mechanism::{edwards, ml_dsa, rsa};
use crate::types::ck;

/// What a mechanism does, with its own hash if it has one.
#[derive(Clone, Copy)]
enum Scheme {
    Pkcs1(Option<Hash>),
    Pss(Option<Hash>),
    Ecdsa(Option<Hash>),
    Eddsa,
    MlDsa,
    Hmac(Hash),
}

use Hash::{Sha1, Sha224, Sha256, Sha384, Sha512};

const SCHEMES: &[(ck::CK_MECHANISM_TYPE, Scheme)] = &[
    (ck::CKM_RSA_PKCS, Scheme::Pkcs1(None)),
    (ck::CKM_SHA1_RSA_PKCS, Scheme::Pkcs1(Some(Sha1))),
    (ck::CKM_SHA224_RSA_PKCS, Scheme::Pkcs1(Some(Sha224))),
    (ck::CKM_SHA256_RSA_PKCS, Scheme::Pkcs1(Some(Sha256))),
    (ck::CKM_SHA384_RSA_PKCS, Scheme::Pkcs1(Some(Sha384))),
    (ck::CKM_SHA512_RSA_PKCS, Scheme::Pkcs1(Some(Sha512))),
    (ck::CKM_RSA_PKCS_PSS, Scheme::Pss(None)),
    (ck::CKM_SHA1_RSA_PKCS_PSS, Scheme::Pss(Some(Sha1))),
    (ck::CKM_SHA224_RSA_PKCS_PSS, Scheme::Pss(Some(Sha224))),
    (ck::CKM_SHA256_RSA_PKCS_PSS, Scheme::Pss(Some(Sha256))),
    (ck::CKM_SHA384_RSA_PKCS_PSS, Scheme::Pss(Some(Sha384))),
    (ck::CKM_SHA512_RSA_PKCS_PSS, Scheme::Pss(Some(Sha512))),
    (ck::CKM_ECDSA, Scheme::Ecdsa(None)),
    (ck::CKM_ECDSA_SHA1, Scheme::Ecdsa(Some(Sha1))),
    (ck::CKM_ECDSA_SHA224, Scheme::Ecdsa(Some(Sha224))),
    (ck::CKM_ECDSA_SHA256, Scheme::Ecdsa(Some(Sha256))),
    (ck::CKM_ECDSA_SHA384, Scheme::Ecdsa(Some(Sha384))),
    (ck::CKM_ECDSA_SHA512, Scheme::Ecdsa(Some(Sha512))),
    (ck::CKM_EDDSA, Scheme::Eddsa),
    (ck::CKM_ML_DSA, Scheme::MlDsa),
    (ck::CKM_SHA_1_HMAC, Scheme::Hmac(Sha1)),
    (ck::CKM_SHA224_HMAC, Scheme::Hmac(Sha224)),
    (ck::CKM_SHA256_HMAC, Scheme::Hmac(Sha256)),
    (ck::CKM_SHA384_HMAC, Scheme::Hmac(Sha384)),
    (ck::CKM_SHA512_HMAC, Scheme::Hmac(Sha512)),
];

fn scheme(kind: ck::CK_MECHANISM_TYPE) -> Option<Scheme> {
    SCHEMES.iter().find(|(of, _)| *of == kind).map(|(_, scheme)| *scheme)
}

/// The mechanism that signs with this hash as `kind` does without one.
fn with_hash(is: impl Fn(Scheme) -> bool) -> Option<ck::CK_MECHANISM_TYPE> {
    SCHEMES.iter().find(|(_, scheme)| is(*scheme)).map(|(kind, _)| *kind)
}

/// A signature of a key whose public half is `public`. `None` for a mechanism that is none of signatures.
/// CKR_MECHANISM_PARAM_INVALID, CKR_KEY_TYPE_INCONSISTENT.
pub fn signature<R: Remote>(
    kind: ck::CK_MECHANISM_TYPE,
    params: &Params,
    public: &PublicKey,
    key: R,
) -> Result<Option<Box<dyn Producer>>> {
    let Some(scheme) = scheme(kind) else { return Ok(None) };
    Ok(Some(match (scheme, public) {
        (Scheme::Pkcs1(hash), PublicKey::Rsa(rsa)) => shaped(hash, Pkcs1 { key, hash, len: rsa.len() }),
        (Scheme::Pss(own), PublicKey::Rsa(rsa)) => {
            let pss = rsa::pss(params, own, rsa.bits())?;
            expect_pss(&key, &pss, own)?;
            shaped(own, Pss { key, hash: pss.hash, salt_len: pss.salt_len, len: rsa.len() })
        }
        (Scheme::Ecdsa(hash), PublicKey::Ec(ec)) => {
            shaped(hash, Ecdsa { key, order_len: ec.curve().order_len() })
        }
        (Scheme::Eddsa, PublicKey::Ed25519(_)) => {
            edwards::expect_pure(params)?;
            Box::new(Gathering::new(Ed25519 { key }))
        }
        (Scheme::MlDsa, PublicKey::MlDsa(public)) => {
            let context = ml_dsa::external_context(params)?;
            let len = public.set().signature_len();
            match key.limits().mu {
                true => Box::new(MlDsaByMu { mu: MlDsaMu::new(&public.bytes(), &context), key, len }),
                false if context.is_empty() => Box::new(Gathering::new(MlDsa { key, len })),
                false => {
                    return Err(refused("a context needs a key that signs the message's representative (µ)"));
                }
            }
        }
        _ => return Err(crate::mechanism::key::wrong_type()),
    }))
}

/// A MAC by a secret key. `None` for a mechanism that is none of MACs.
pub fn mac<R: Remote>(kind: ck::CK_MECHANISM_TYPE, key: R) -> Option<Box<dyn Producer>> {
    Some(Box::new(Gathering::new(hmac_of(kind, key)?)))
}

/// The check of a MAC: it is made again and compared here.
pub fn mac_check<R: Remote>(kind: ck::CK_MECHANISM_TYPE, key: R) -> Option<Box<dyn Verifier>> {
    Some(Box::new(MacCheck(Gathering::new(hmac_of(kind, key)?))))
}

fn hmac_of<R: Remote>(kind: ck::CK_MECHANISM_TYPE, key: R) -> Option<Hmac<R>> {
    match scheme(kind)? {
        Scheme::Hmac(hash) => Some(Hmac { key, hash }),
        _ => None,
    }
}

/// The data hashed in parts, or taken as it is in one call.
fn shaped<S: Signer>(hash: Option<Hash>, signer: S) -> Box<dyn Producer> {
    match hash {
        Some(hash) => Box::new(Hashing::new(hash, signer)),
        None => Box::new(SinglePart(signer)),
    }
}

fn refused(why: &'static str) -> Error {
    Error::new(ErrorKind::MechanismParamInvalid, why)
}

/// The parameters that every service takes, or that this one does. CKR_MECHANISM_PARAM_INVALID.
fn expect_pss<R: Remote>(key: &R, pss: &crate::crypto::Pss, own: Option<Hash>) -> Result<()> {
    if pss.mgf_hash != pss.hash {
        return Err(refused("mgf: where this key is, MGF1 has the same hash as the message"));
    }
    if pss.salt_len != pss.hash.len() && !key.limits().any_pss_salt {
        return Err(refused("sLen: where this key is, the salt is as long as the hash"));
    }
    if pss.salt_len == 0 {
        return Err(refused("sLen: where this key is, there has to be a salt"));
    }
    let combined = with_hash(|scheme| matches!(scheme, Scheme::Pss(Some(hash)) if hash == pss.hash));
    match own.is_some() || combined.is_some_and(|kind| key.allows(kind)) {
        true => Ok(()),
        false => Err(refused("hashAlg: the key does not sign digests of this hash")),
    }
}

/// A signature into its place. CKR_DEVICE_ERROR for one of another length.
fn put(signature: &[u8], out: &mut [u8]) -> Result<()> {
    if signature.len() != out.len() {
        return Err(Error::new(ErrorKind::DeviceError, "the signature that came back has another length"));
    }
    out.copy_from_slice(signature);
    Ok(())
}

fn expect_message<R: Remote>(key: &R, message: &[u8]) -> Result<()> {
    let limit = key.limits().max_message;
    match message.len() <= limit {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::DataLenRange,
            format!("the message goes to the key whole, and may be {limit} bytes long there"),
        )),
    }
}

struct Pkcs1<R> {
    key: R,
    /// The mechanism's own; without one the data is a DigestInfo.
    hash: Option<Hash>,
    len: usize,
}

impl<R: Remote> Pkcs1<R> {
    /// Data without a hash of the mechanism: a DigestInfo that says which, or bytes that are padded as they are.
    fn sign_given(&self, data: &[u8]) -> Result<Vec<u8>> {
        if data.len() + 11 > self.len {
            return Err(Error::new(ErrorKind::DataLenRange, "the data leaves no room for PKCS #1's padding"));
        }
        let of_hash = |hash| with_hash(|scheme| matches!(scheme, Scheme::Pkcs1(Some(of)) if of == hash));
        match rsa::digest_info(data) {
            Some((hash, digest)) if of_hash(hash).is_some_and(|kind| self.key.allows(kind)) => {
                self.key.sign(Signing::RsaPkcs1 { hash, digest })
            }
            _ if self.key.limits().raw_pkcs1 => self.key.sign(Signing::RsaPkcs1Raw { data }),
            Some((hash, _)) => Err(Error::new(
                ErrorKind::DataInvalid,
                format!("the key does not sign digests of {}", hash.name()),
            )),
            None => Err(Error::new(
                ErrorKind::DataInvalid,
                "CKM_RSA_PKCS: where this key is, the data has to be the DigestInfo of a hash that it signs",
            )),
        }
    }
}

impl<R: Remote> Signer for Pkcs1<R> {
    fn signature_len(&self) -> usize {
        self.len
    }
    fn sign(&self, data: &[u8], out: &mut [u8]) -> Result<()> {
        let signature = match self.hash {
            Some(hash) => self.key.sign(Signing::RsaPkcs1 { hash, digest: data }),
            None => self.sign_given(data),
        };
        put(&signature?, out)
    }
}

struct Pss<R> {
    key: R,
    hash: Hash,
    salt_len: usize,
    len: usize,
}

impl<R: Remote> Signer for Pss<R> {
    fn signature_len(&self) -> usize {
        self.len
    }
    fn sign(&self, digest: &[u8], out: &mut [u8]) -> Result<()> {
        if digest.len() != self.hash.len() {
            let why = "the data is not a digest of the hash that hashAlg names";
            return Err(Error::new(ErrorKind::DataLenRange, why));
        }
        let signing = Signing::RsaPss { hash: self.hash, digest, salt_len: self.salt_len };
        put(&self.key.sign(signing)?, out)
    }
}

struct Ecdsa<R> {
    key: R,
    order_len: usize,
}

/// A digest as ECDSA takes it (FIPS 186-5, section 6.4.1), in the length of the hash that services bind to the curve:
/// leading zeros change nothing, and neither do bits behind the order's length.
fn fitted(digest: &[u8], order_len: usize) -> Result<DigestValue> {
    let wanted = if order_len > MAX_DIGEST_LEN { MAX_DIGEST_LEN } else { order_len };
    if digest.is_empty() || (digest.len() > wanted && order_len > MAX_DIGEST_LEN) {
        // P-521 takes 521 bits: what is beyond 512 can't be expressed.
        return Err(Error::new(ErrorKind::DataLenRange, "the key signs digests of 1 to 64 bytes"));
    }
    let digest = digest.get(..wanted).unwrap_or(digest);
    let mut padded = [0; MAX_DIGEST_LEN];
    let place = padded.get_mut(wanted - digest.len()..wanted).ok_or(ErrorKind::DataLenRange)?;
    place.copy_from_slice(digest);
    Ok(DigestValue::new(padded.get(..wanted).unwrap_or_default()))
}

impl<R: Remote> Signer for Ecdsa<R> {
    fn signature_len(&self) -> usize {
        2 * self.order_len
    }
    fn sign(&self, data: &[u8], out: &mut [u8]) -> Result<()> {
        put(&self.key.sign(Signing::Ecdsa { digest: &fitted(data, self.order_len)? })?, out)
    }
}

struct Ed25519<R> {
    key: R,
}

impl<R: Remote> Signer for Ed25519<R> {
    fn signature_len(&self) -> usize {
        edwards::SIGNATURE_LEN
    }
    fn sign(&self, message: &[u8], out: &mut [u8]) -> Result<()> {
        expect_message(&self.key, message)?;
        put(&self.key.sign(Signing::Ed25519 { message })?, out)
    }
}

struct MlDsa<R> {
    key: R,
    len: usize,
}

impl<R: Remote> Signer for MlDsa<R> {
    fn signature_len(&self) -> usize {
        self.len
    }
    fn sign(&self, message: &[u8], out: &mut [u8]) -> Result<()> {
        expect_message(&self.key, message)?;
        put(&self.key.sign(Signing::MlDsa { message })?, out)
    }
}

/// The message's representative runs over the parts, so that a message of any length costs 64 bytes to send.
struct MlDsaByMu<R> {
    mu: MlDsaMu,
    key: R,
    len: usize,
}

impl<R: Remote> Producer for MlDsaByMu<R> {
    fn output_len(&self) -> usize {
        self.len
    }
    fn update(&mut self, part: &[u8]) -> Result<()> {
        self.mu.update(part);
        Ok(())
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        put(&self.key.sign(Signing::MlDsaMu { mu: &self.mu.value() })?, out)
    }
}

struct Hmac<R> {
    key: R,
    hash: Hash,
}

impl<R: Remote> Signer for Hmac<R> {
    fn signature_len(&self) -> usize {
        self.hash.len()
    }
    fn sign(&self, message: &[u8], out: &mut [u8]) -> Result<()> {
        expect_message(&self.key, message)?;
        put(&self.key.sign(Signing::Hmac { hash: self.hash, message })?, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_fitted_to_the_curve() {
        let lens = [(20, 32), (28, 32), (32, 32), (48, 32), (64, 32)];
        for (given, expected) in lens {
            let digest: Vec<u8> = (1..=given).collect();
            let fitted = fitted(&digest, 32).unwrap();
            assert_eq!(fitted.len(), expected);
            let kept = digest.len().min(32);
            assert_eq!(&fitted[32 - kept..], &digest[..kept]);
            assert!(fitted[..32 - kept].iter().all(|byte| *byte == 0));
        }
        assert_eq!(fitted(&[1; 64], 48).unwrap().len(), 48);
        assert_eq!(fitted(&[1; 20], 66).unwrap().len(), 64);
        assert_eq!(fitted(&[1; 65], 66).unwrap_err().kind(), ErrorKind::DataLenRange);
        assert_eq!(fitted(&[], 32).unwrap_err().kind(), ErrorKind::DataLenRange);
    }
}
