//! RSA (PKCS#11 v3.2, section 6 "RSA"): generation, PKCS #1 v1.5, raw, OAEP and PSS.

use crate::crypto::{self, Hash, MAX_DIGEST_LEN, Oaep, PrivateKey, Pss, RsaPrivate, RsaPublic};
use crate::error::{Error, ErrorKind, Result};
use crate::object::Attributes;
use crate::types::{SecretBytes, ck, length};

use super::descriptor::{Descriptor, Ops, Provider};
use super::digest::{by_mechanism, by_mgf};
use super::encapsulation::{Encrypting, Rsasve, exact_len};
use super::errors;
use super::key::Key;
use super::params::{ParamKind, Params};
use super::shapes::{
    Checker, Hashing, HashingCheck, Signer, SinglePart, SinglePartCheck, SinglePartCipher, Transform,
};
use super::shapes::{put, zeroed};

/// Modulus sizes in bits. Below 2048 is legacy, which is for policy to judge, not for the row.
pub(super) const BITS: (ck::CK_ULONG, ck::CK_ULONG) = (512, 16384);

/// What the rows of this family share; each names what differs.
const fn base(kind: ck::CK_MECHANISM_TYPE, name: &'static str, param: ParamKind, ops: Ops) -> Descriptor {
    Descriptor {
        kind,
        name,
        key_types: &[ck::CKK_RSA],
        min_key_size: BITS.0,
        max_key_size: BITS.1,
        param,
        ops,
        extra_flags: 0,
        legacy: false,
        fips: true,
        provider: Provider::OfBuild,
        vectors: "Wycheproof",
    }
}

const fn unapproved(row: Descriptor) -> Descriptor {
    Descriptor { fips: false, ..row }
}

macro_rules! row {
    ($kind:ident, $param:ident, { $($op:ident: $function:expr),* $(,)? }) => {
        base(ck::$kind, stringify!($kind), ParamKind::$param, Ops { $($op: Some($function),)* ..Ops::NONE })
    };
}

/// Signatures over these are forged, or nearly so.
const fn is_old(hash: Hash) -> bool {
    matches!(hash, Hash::Sha1 | Hash::Md5)
}

/// Whether hash and signature are both approved, and AWS-LC's.
const fn is_fips(hash: Hash) -> bool {
    !is_old(hash) && !matches!(hash, Hash::Sha3_224)
}

/// PKCS #1 v1.5 over a hash of the data.
macro_rules! hashed {
    ($kind:ident, $hash:expr) => {
        Descriptor {
            legacy: is_old($hash),
            fips: is_fips($hash),
            ..row!($kind, None, {
                sign: |key, _| {
                    let primitive = DigestInfo { hash: $hash, inner: Pkcs1(key.rsa_private()?.clone()) };
                    Ok(Box::new(Hashing::new($hash, primitive)))
                },
                verify: |key, _| {
                    let primitive = DigestInfo { hash: $hash, inner: Pkcs1(key.rsa_public()?.clone()) };
                    Ok(Box::new(HashingCheck(Hashing::new($hash, primitive))))
                },
            })
        }
    };
}

/// PSS over a hash of the data; `hashAlg` in the parameter has to be that hash.
macro_rules! hashed_pss {
    ($kind:ident, $hash:expr) => {
        Descriptor {
            legacy: is_old($hash),
            fips: is_fips($hash),
            ..row!($kind, Pss, {
                sign: |key, params| {
                    let key = key.rsa_private()?;
                    let primitive = PssOver { pss: pss(params, Some($hash), key.bits())?, key: key.clone() };
                    Ok(Box::new(Hashing::new($hash, primitive)))
                },
                verify: |key, params| {
                    let key = key.rsa_public()?;
                    let primitive = PssOver { pss: pss(params, Some($hash), key.bits())?, key: key.clone() };
                    Ok(Box::new(HashingCheck(Hashing::new($hash, primitive))))
                },
            })
        }
    };
}

pub(super) const ROWS: &[Descriptor] = &[
    row!(CKM_RSA_PKCS_KEY_PAIR_GEN, None, { generate_pair: generate }),
    // Encrypting with this padding is not approved any more (SP 800-131A), and what it signs has been hashed elsewhere, with
    // whatever function.
    unapproved(row!(CKM_RSA_PKCS, None, {
        sign: |key, _| Ok(Box::new(SinglePart(Pkcs1(key.rsa_private()?.clone())))),
        verify: |key, _| Ok(Box::new(SinglePartCheck(Pkcs1(key.rsa_public()?.clone())))),
        encrypt: |key, _| Ok(Box::new(SinglePartCipher(Pkcs1(key.rsa_public()?.clone())))),
        decrypt: |key, _| Ok(Box::new(SinglePartCipher(Pkcs1(key.rsa_private()?.clone())))),
        wrap: |key, _, encoding| wrap(&Pkcs1(key.rsa_public()?.clone()), encoding),
        unwrap: |key, _, wrapped, _| unwrap(&Pkcs1(key.rsa_private()?.clone()), wrapped),
        encapsulate: |key, _| Ok(Box::new(Encrypting(Pkcs1(key.rsa_public()?.clone())))),
        decapsulate: |key, _, ciphertext, _| unwrap(&Pkcs1(key.rsa_private()?.clone()), ciphertext),
        sign_recover: |key, _| Ok(Box::new(SinglePart(Pkcs1(key.rsa_private()?.clone())))),
        verify_recover: |key, _| Ok(Box::new(SinglePartCipher(Recover { key: key.rsa_public()?.clone(), pkcs1: true }))),
    }))
    .single_part(),
    Descriptor {
        fips: false,
        ..row!(CKM_RSA_X_509, None, {
            sign: |key, _| Ok(Box::new(SinglePart(Raw(key.rsa_private()?.clone())))),
            verify: |key, _| Ok(Box::new(SinglePartCheck(Raw(key.rsa_public()?.clone())))),
            encrypt: |key, _| Ok(Box::new(SinglePartCipher(Raw(key.rsa_public()?.clone())))),
            decrypt: |key, _| Ok(Box::new(SinglePartCipher(Raw(key.rsa_private()?.clone())))),
            wrap: |key, _, encoding| wrap(&Raw(key.rsa_public()?.clone()), encoding),
            unwrap: unwrap_raw,
            encapsulate: |key, _| Ok(Box::new(Rsasve(key.rsa_public()?.clone()))),
            decapsulate: |key, _, ciphertext, wanted| {
                let block = unwrap(&Raw(key.rsa_private()?.clone()), ciphertext)?;
                exact_len(wanted, block.len())?;
                Ok(block)
            },
            sign_recover: |key, _| Ok(Box::new(SinglePart(Raw(key.rsa_private()?.clone())))),
            verify_recover: |key, _| Ok(Box::new(SinglePartCipher(Recover { key: key.rsa_public()?.clone(), pkcs1: false }))),
        })
        .single_part()
    },
    row!(CKM_RSA_PKCS_OAEP, Oaep, {
        encrypt: |key, params| Ok(Box::new(SinglePartCipher(OaepOver::new(key.rsa_public()?.clone(), params)?))),
        decrypt: |key, params| Ok(Box::new(SinglePartCipher(OaepOver::new(key.rsa_private()?.clone(), params)?))),
        wrap: oaep_wrap,
        unwrap: |key, params, wrapped, _| oaep_unwrap(key, params, wrapped),
        encapsulate: |key, params| Ok(Box::new(Encrypting(OaepOver::new(key.rsa_public()?.clone(), params)?))),
        decapsulate: |key, params, ciphertext, _| oaep_unwrap(key, params, ciphertext),
    }),
    row!(CKM_RSA_PKCS_PSS, Pss, {
        sign: |key, params| {
            let key = key.rsa_private()?;
            Ok(Box::new(SinglePart(PssOver { pss: pss(params, None, key.bits())?, key: key.clone() })))
        },
        verify: |key, params| {
            let key = key.rsa_public()?;
            Ok(Box::new(SinglePartCheck(PssOver { pss: pss(params, None, key.bits())?, key: key.clone() })))
        },
    })
    .single_part(),
    hashed!(CKM_SHA1_RSA_PKCS, Hash::Sha1),
    hashed!(CKM_SHA224_RSA_PKCS, Hash::Sha224),
    hashed!(CKM_SHA256_RSA_PKCS, Hash::Sha256),
    hashed!(CKM_SHA384_RSA_PKCS, Hash::Sha384),
    hashed!(CKM_SHA512_RSA_PKCS, Hash::Sha512),
    hashed_pss!(CKM_SHA1_RSA_PKCS_PSS, Hash::Sha1),
    hashed_pss!(CKM_SHA224_RSA_PKCS_PSS, Hash::Sha224),
    hashed_pss!(CKM_SHA256_RSA_PKCS_PSS, Hash::Sha256),
    hashed_pss!(CKM_SHA384_RSA_PKCS_PSS, Hash::Sha384),
    hashed_pss!(CKM_SHA512_RSA_PKCS_PSS, Hash::Sha512),
    hashed!(CKM_SHA3_224_RSA_PKCS, Hash::Sha3_224),
    hashed!(CKM_SHA3_256_RSA_PKCS, Hash::Sha3_256),
    hashed!(CKM_SHA3_384_RSA_PKCS, Hash::Sha3_384),
    hashed!(CKM_SHA3_512_RSA_PKCS, Hash::Sha3_512),
    Descriptor { vectors: "OpenSSL", ..hashed_pss!(CKM_SHA3_224_RSA_PKCS_PSS, Hash::Sha3_224) },
    Descriptor { vectors: "OpenSSL", ..hashed_pss!(CKM_SHA3_256_RSA_PKCS_PSS, Hash::Sha3_256) },
    Descriptor { vectors: "OpenSSL", ..hashed_pss!(CKM_SHA3_384_RSA_PKCS_PSS, Hash::Sha3_384) },
    Descriptor { vectors: "OpenSSL", ..hashed_pss!(CKM_SHA3_512_RSA_PKCS_PSS, Hash::Sha3_512) },
    Descriptor { vectors: "OpenSSL", ..hashed!(CKM_MD5_RSA_PKCS, Hash::Md5) },
];

/// F4, the exponent where the template names none.
const DEFAULT_EXPONENT: &[u8] = &[1, 0, 1];

fn generate(_: &Params, public: &Attributes, _: &Attributes) -> Result<PrivateKey> {
    let bits = public.ulong(ck::CKA_MODULUS_BITS).ok_or_else(|| {
        Error::new(
            ErrorKind::TemplateIncomplete,
            "CKA_MODULUS_BITS is missing: it gives the key's size in bits",
        )
    })?;
    if !(BITS.0..=BITS.1).contains(&bits) {
        return Err(Error::new(
            ErrorKind::AttributeValueInvalid,
            "CKA_MODULUS_BITS is outside the sizes of this mechanism",
        ));
    }
    let exponent =
        public.bytes(ck::CKA_PUBLIC_EXPONENT).filter(|e| !e.is_empty()).unwrap_or(DEFAULT_EXPONENT);
    RsaPrivate::generate(length(bits), exponent).map(PrivateKey::Rsa).map_err(|e| match e {
        crypto::Error::Key(why) | crypto::Error::Param(why) => {
            Error::new(ErrorKind::AttributeValueInvalid, why)
        }
        other => errors::template(other),
    })
}

/// PKCS #1 v1.5 blocks: type 01 to sign, type 02 to encrypt.
struct Pkcs1<K>(K);

impl Signer for Pkcs1<RsaPrivate> {
    fn signature_len(&self) -> usize {
        self.0.len()
    }
    fn sign(&self, data: &[u8], out: &mut [u8]) -> Result<()> {
        self.0.pkcs1_sign(data, out).map_err(errors::data)
    }
}

impl Checker for Pkcs1<RsaPublic> {
    fn check(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        self.0.pkcs1_verify(data, signature).map_err(errors::verify)
    }
}

/// What a PKCS #1 v1.5 block leaves for the data.
fn pkcs1_room(modulus_len: usize) -> usize {
    modulus_len.saturating_sub(11)
}

impl Transform for Pkcs1<RsaPublic> {
    fn bound(&self, _input: usize) -> usize {
        self.0.len()
    }
    fn run(&self, data: &[u8], out: &mut [u8]) -> Result<usize> {
        let out = exactly(out, self.0.len())?;
        self.0.pkcs1_encrypt(data, out).map_err(errors::data)?;
        Ok(out.len())
    }
}

impl Transform for Pkcs1<RsaPrivate> {
    fn bound(&self, _input: usize) -> usize {
        pkcs1_room(self.0.len())
    }
    fn run(&self, data: &[u8], out: &mut [u8]) -> Result<usize> {
        put(&self.0.pkcs1_decrypt(data).map_err(errors::decrypt)?, out)
    }
}

/// Puts RFC 8017's DigestInfo around a digest, in front of [`Pkcs1`].
struct DigestInfo<P> {
    hash: Hash,
    inner: P,
}

impl<P> DigestInfo<P> {
    fn encode<'a>(&self, digest: &[u8], room: &'a mut [u8; 32 + MAX_DIGEST_LEN]) -> &'a [u8] {
        let prefix = self.hash.digest_info_prefix();
        let len = prefix.len() + digest.len();
        room.iter_mut().zip(prefix.iter().chain(digest)).for_each(|(to, from)| *to = *from);
        room.get(..len).unwrap_or_default()
    }
}

impl<P: Signer> Signer for DigestInfo<P> {
    fn signature_len(&self) -> usize {
        self.inner.signature_len()
    }
    fn sign(&self, digest: &[u8], out: &mut [u8]) -> Result<()> {
        self.inner.sign(self.encode(digest, &mut [0; 32 + MAX_DIGEST_LEN]), out).map_err(too_small_for_hash)
    }
}

impl<P: Checker> Checker for DigestInfo<P> {
    fn check(&self, digest: &[u8], signature: &[u8]) -> Result<()> {
        self.inner
            .check(self.encode(digest, &mut [0; 32 + MAX_DIGEST_LEN]), signature)
            .map_err(too_small_for_hash)
    }
}

/// The caller may feed any amount of data: what does not fit is the hash into the key.
fn too_small_for_hash(error: Error) -> Error {
    match error.kind() {
        ErrorKind::DataLenRange => {
            Error::new(ErrorKind::KeySizeRange, "the modulus is too short for this hash")
        }
        _ => error,
    }
}

/// The bare permutation ("X.509 (raw) RSA").
struct Raw<K>(K);

impl Signer for Raw<RsaPrivate> {
    fn signature_len(&self) -> usize {
        self.0.len()
    }
    fn sign(&self, data: &[u8], out: &mut [u8]) -> Result<()> {
        self.0.raw(data, out).map_err(errors::data)
    }
}

impl Checker for Raw<RsaPublic> {
    fn check(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        self.0.raw_verify(data, signature).map_err(errors::verify)
    }
}

impl Transform for Raw<RsaPublic> {
    fn bound(&self, _input: usize) -> usize {
        self.0.len()
    }
    fn run(&self, data: &[u8], out: &mut [u8]) -> Result<usize> {
        let out = exactly(out, self.0.len())?;
        self.0.raw(data, out).map_err(errors::data)?;
        Ok(out.len())
    }
}

impl Transform for Raw<RsaPrivate> {
    fn bound(&self, _input: usize) -> usize {
        self.0.len()
    }
    fn run(&self, data: &[u8], out: &mut [u8]) -> Result<usize> {
        if data.len() != self.0.len() {
            return Err(errors::decrypt(crypto::Error::CiphertextLength));
        }
        let out = exactly(out, self.0.len())?;
        self.0.raw(data, out).map_err(errors::decrypt)?;
        Ok(out.len())
    }
}

/// What a signature signed: with `pkcs1` the content of the block of type 01, else the whole block.
struct Recover {
    key: RsaPublic,
    pkcs1: bool,
}

impl Transform for Recover {
    fn bound(&self, _input: usize) -> usize {
        if self.pkcs1 { pkcs1_room(self.key.len()) } else { self.key.len() }
    }
    fn run(&self, signature: &[u8], out: &mut [u8]) -> Result<usize> {
        let recover = if self.pkcs1 { RsaPublic::pkcs1_recover } else { RsaPublic::raw_recover };
        put(&recover(&self.key, signature).map_err(errors::verify)?, out)
    }
}

/// The hash and digest of a DigestInfo in RFC 8017's DER; `None` for any other bytes.
pub(super) fn digest_info(data: &[u8]) -> Option<(Hash, &[u8])> {
    let named = Hash::ALL.into_iter().filter(|hash| !hash.digest_info_prefix().is_empty());
    named.into_iter().find_map(|hash| {
        let digest = data.strip_prefix(hash.digest_info_prefix())?;
        (digest.len() == hash.len()).then_some((hash, digest))
    })
}

/// The hash of OAEP parameters that name it twice and have no label: what services take.
pub(super) fn plain_oaep(params: &Params) -> Result<Hash> {
    let oaep = OaepOver::new((), params)?;
    match oaep.hash == oaep.mgf_hash && oaep.label.is_empty() {
        true => Ok(oaep.hash),
        false => Err(Error::new(
            ErrorKind::MechanismParamInvalid,
            "where this key is, OAEP has one hash for both purposes, and no label",
        )),
    }
}

/// OAEP with the parameters of its Init.
struct OaepOver<K> {
    key: K,
    hash: Hash,
    mgf_hash: Hash,
    label: Vec<u8>,
}

impl<K> OaepOver<K> {
    fn new(key: K, params: &Params) -> Result<Self> {
        let Params::Oaep { hash, mgf, label } = params else { return Err(errors::wrong_param()) };
        Ok(OaepOver { key, hash: by_mechanism(*hash)?, mgf_hash: by_mgf(*mgf)?, label: label.clone() })
    }

    fn oaep(&self) -> Oaep<'_> {
        Oaep { hash: self.hash, mgf_hash: self.mgf_hash, label: &self.label }
    }
}

impl Transform for OaepOver<RsaPublic> {
    fn bound(&self, _input: usize) -> usize {
        self.key.len()
    }
    fn run(&self, data: &[u8], out: &mut [u8]) -> Result<usize> {
        let out = exactly(out, self.key.len())?;
        self.key.oaep_encrypt(&self.oaep(), data, out).map_err(errors::data)?;
        Ok(out.len())
    }
}

impl Transform for OaepOver<RsaPrivate> {
    fn bound(&self, _input: usize) -> usize {
        self.key.len().saturating_sub(2 + 2 * self.hash.len())
    }
    fn run(&self, data: &[u8], out: &mut [u8]) -> Result<usize> {
        put(&self.key.oaep_decrypt(&self.oaep(), data).map_err(errors::decrypt)?, out)
    }
}

/// PSS over a digest of the parameter's hash.
struct PssOver<K> {
    pss: Pss,
    key: K,
}

impl<K> PssOver<K> {
    fn check_digest(&self, digest: &[u8]) -> Result<()> {
        match digest.len() == self.pss.hash.len() {
            true => Ok(()),
            false => Err(Error::new(
                ErrorKind::DataLenRange,
                "the data is not a digest of the hash that hashAlg names",
            )),
        }
    }
}

impl Signer for PssOver<RsaPrivate> {
    fn signature_len(&self) -> usize {
        self.key.len()
    }
    fn sign(&self, digest: &[u8], out: &mut [u8]) -> Result<()> {
        self.check_digest(digest)?;
        self.key.pss_sign(&self.pss, digest, out).map_err(errors::data)
    }
}

impl Checker for PssOver<RsaPublic> {
    fn check(&self, digest: &[u8], signature: &[u8]) -> Result<()> {
        self.check_digest(digest)?;
        self.key.pss_verify(&self.pss, digest, signature).map_err(errors::verify)
    }
}

/// The parameters, checked against the mechanism's own hash, if it has one, and against the key's size.
pub(super) fn pss(params: &Params, own: Option<Hash>, modulus_bits: usize) -> Result<Pss> {
    let Params::Pss { hash, mgf, salt_len } = params else { return Err(errors::wrong_param()) };
    let (hash, mgf_hash) = (by_mechanism(*hash)?, by_mgf(*mgf)?);
    if own.is_some_and(|own| own != hash) {
        return Err(Error::new(
            ErrorKind::MechanismParamInvalid,
            "hashAlg is another hash than the mechanism's",
        ));
    }
    if cfg!(feature = "fips") && is_old(hash) {
        let why = "hashAlg: FIPS 140-3 has no signatures over this hash";
        return Err(Error::new(ErrorKind::MechanismParamInvalid, why));
    }
    // The encoded message has one bit less than the modulus; two bytes of it are fixed.
    let room = modulus_bits.saturating_sub(1).div_ceil(8).checked_sub(2 + hash.len());
    let room =
        room.ok_or_else(|| Error::new(ErrorKind::KeySizeRange, "the modulus is too short for this hash"))?;
    match length(*salt_len) <= room {
        true => Ok(Pss { hash, mgf_hash, salt_len: length(*salt_len) }),
        false => Err(Error::new(
            ErrorKind::MechanismParamInvalid,
            "sLen is more than the key and hash leave room for",
        )),
    }
}

fn wrap(cipher: &impl Transform, encoding: &[u8]) -> Result<Vec<u8>> {
    let mut wrapped = vec![0; cipher.bound(encoding.len())];
    let len = cipher.run(encoding, &mut wrapped).map_err(errors::wrap)?;
    wrapped.truncate(len);
    Ok(wrapped)
}

fn unwrap(cipher: &impl Transform, wrapped: &[u8]) -> Result<SecretBytes> {
    let mut key = zeroed(cipher.bound(wrapped.len()))?;
    let len = cipher.run(wrapped, &mut key).map_err(errors::unwrap)?;
    key.truncate(len);
    Ok(key)
}

/// CKM_RSA_PKCS_OAEP around a key.
pub(super) fn oaep_wrap(key: &Key, params: &Params, encoding: &[u8]) -> Result<Vec<u8>> {
    wrap(&OaepOver::new(key.rsa_public()?.clone(), params)?, encoding)
}

/// The reverse.
pub(super) fn oaep_unwrap(key: &Key, params: &Params, wrapped: &[u8]) -> Result<SecretBytes> {
    unwrap(&OaepOver::new(key.rsa_private()?.clone(), params)?, wrapped)
}

/// Raw RSA says nothing about the key's length: the template must, and the key is the end of the block.
fn unwrap_raw(key: &Key, _: &Params, wrapped: &[u8], wanted: Option<usize>) -> Result<SecretBytes> {
    let wanted = wanted.ok_or_else(|| {
        Error::new(
            ErrorKind::TemplateIncomplete,
            "CKA_VALUE_LEN is missing: CKM_RSA_X_509 does not carry the length",
        )
    })?;
    let block = unwrap(&Raw(key.rsa_private()?.clone()), wrapped)?;
    let start = block.len().checked_sub(wanted).ok_or_else(|| {
        Error::new(
            ErrorKind::TemplateInconsistent,
            "CKA_VALUE_LEN is more than the unwrapping key's modulus holds",
        )
    })?;
    Ok(SecretBytes::from(block.get(start..).unwrap_or_default()))
}

/// The first `len` bytes of a caller's buffer, which the session has sized by the bound.
fn exactly(out: &mut [u8], len: usize) -> Result<&mut [u8]> {
    out.get_mut(..len).ok_or_else(|| ErrorKind::BufferTooSmall.into())
}
