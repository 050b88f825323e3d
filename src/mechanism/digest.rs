//! Message digests (PKCS#11 v3.2, section 6 "Digests"), and keyward's own: Keccak-256 and BLAKE3. Also the one place that pairs CKM_, CKG_ and CKD_ with a hash.

use crate::crypto::{Digest, Hash};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{SecretBytes, ck};

use super::descriptor::{Descriptor, Ops, Provider};
use super::errors;
use super::op::Producer;
use super::params::ParamKind;

macro_rules! row {
    ($kind:ident, $hash:expr) => {
        Descriptor {
            kind: ck::$kind,
            name: stringify!($kind),
            key_types: &[],
            min_key_size: 0,
            max_key_size: 0,
            param: ParamKind::None,
            ops: Ops { digest: Some(|_| Ok(Box::new(Running(Digest::new($hash))))), ..Ops::NONE },
            extra_flags: 0,
            legacy: false,
            fips: true,
            provider: Provider::OfBuild,
            vectors: "CAVP, FIPS 180-4",
        }
    };
}

/// A hash that FIPS does not have, by a crate of its own.
macro_rules! other {
    ($kind:ident, $hash:expr, $vectors:expr) => {
        Descriptor { fips: false, provider: Provider::RustCrypto, vectors: $vectors, ..row!($kind, $hash) }
    };
}

pub(super) const ROWS: &[Descriptor] = &[
    row!(CKM_SHA_1, Hash::Sha1),
    row!(CKM_SHA224, Hash::Sha224),
    row!(CKM_SHA256, Hash::Sha256),
    row!(CKM_SHA384, Hash::Sha384),
    row!(CKM_SHA512, Hash::Sha512),
    row!(CKM_SHA512_224, Hash::Sha512_224),
    row!(CKM_SHA512_256, Hash::Sha512_256),
    Descriptor {
        fips: false,
        provider: Provider::RustCrypto,
        vectors: "CAVP, FIPS 202",
        ..row!(CKM_SHA3_224, Hash::Sha3_224)
    },
    Descriptor { vectors: "CAVP, FIPS 202", ..row!(CKM_SHA3_256, Hash::Sha3_256) },
    Descriptor { vectors: "CAVP, FIPS 202", ..row!(CKM_SHA3_384, Hash::Sha3_384) },
    Descriptor { vectors: "CAVP, FIPS 202", ..row!(CKM_SHA3_512, Hash::Sha3_512) },
    Descriptor { legacy: true, fips: false, vectors: "RFC 1321", ..row!(CKM_MD5, Hash::Md5) },
    other!(CKM_BLAKE2B_160, Hash::Blake2b160, "Python hashlib"),
    other!(CKM_BLAKE2B_256, Hash::Blake2b256, "Python hashlib"),
    other!(CKM_BLAKE2B_384, Hash::Blake2b384, "Python hashlib"),
    other!(CKM_BLAKE2B_512, Hash::Blake2b512, "RFC 7693"),
    other!(CKM_KEYWARD_KECCAK_256, Hash::Keccak256, "the Keccak team's and PyCryptodome"),
    other!(CKM_KEYWARD_BLAKE3, Hash::Blake3, "the BLAKE3 team's"),
];

struct Running(Digest);

impl Producer for Running {
    fn output_len(&self) -> usize {
        self.0.hash().len()
    }
    fn update(&mut self, part: &[u8]) -> Result<()> {
        self.0.update(part);
        Ok(())
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        self.0.finish(out).map_err(errors::data)
    }
    fn once(&mut self, data: &[u8], out: &mut [u8]) -> Result<()> {
        self.0.finish_with(data, out).map_err(errors::data)
    }
    fn takes_keys(&self) -> bool {
        true
    }
    fn save(&self) -> Option<SecretBytes> {
        self.0.save()
    }
    fn restore(&mut self, saved: &[u8]) -> Result<()> {
        self.0 = Digest::restore(self.0.hash(), saved).ok_or(ErrorKind::SavedStateInvalid)?;
        Ok(())
    }
}

/// A hash and the numbers by which parameters name it; `None` where there is no such number.
struct Names {
    hash: Hash,
    /// `CKM_`, where RSA's padding and the like may be made of the hash.
    mechanism: Option<ck::CK_MECHANISM_TYPE>,
    mgf: Option<ck::CK_RSA_PKCS_MGF_TYPE>,
    /// X9.63's key derivation function.
    x963: Option<ck::CK_EC_KDF_TYPE>,
    /// SP 800-56A's.
    sp800_56a: Option<ck::CK_EC_KDF_TYPE>,
}

/// A hash that has all four.
macro_rules! names {
    ($hash:expr, $mechanism:ident, $mgf:ident, $x963:ident, $sp800_56a:ident) => {
        Names {
            hash: $hash,
            mechanism: Some(ck::$mechanism),
            mgf: Some(ck::$mgf),
            x963: Some(ck::$x963),
            sp800_56a: Some(ck::$sp800_56a),
        }
    };
}

/// SHA-512/t: only by itself.
const fn truncated(hash: Hash, mechanism: ck::CK_MECHANISM_TYPE) -> Names {
    Names { hash, mechanism: Some(mechanism), mgf: None, x963: None, sp800_56a: None }
}

/// BLAKE2b: one key derivation function, SP 800-56A's, without that in its name.
const fn blake2b(hash: Hash, kdf: ck::CK_EC_KDF_TYPE) -> Names {
    Names { hash, mechanism: None, mgf: None, x963: None, sp800_56a: Some(kdf) }
}

const NAMES: &[Names] = &[
    names!(Hash::Sha1, CKM_SHA_1, CKG_MGF1_SHA1, CKD_SHA1_KDF, CKD_SHA1_KDF_SP800),
    names!(Hash::Sha224, CKM_SHA224, CKG_MGF1_SHA224, CKD_SHA224_KDF, CKD_SHA224_KDF_SP800),
    names!(Hash::Sha256, CKM_SHA256, CKG_MGF1_SHA256, CKD_SHA256_KDF, CKD_SHA256_KDF_SP800),
    names!(Hash::Sha384, CKM_SHA384, CKG_MGF1_SHA384, CKD_SHA384_KDF, CKD_SHA384_KDF_SP800),
    names!(Hash::Sha512, CKM_SHA512, CKG_MGF1_SHA512, CKD_SHA512_KDF, CKD_SHA512_KDF_SP800),
    names!(Hash::Sha3_224, CKM_SHA3_224, CKG_MGF1_SHA3_224, CKD_SHA3_224_KDF, CKD_SHA3_224_KDF_SP800),
    names!(Hash::Sha3_256, CKM_SHA3_256, CKG_MGF1_SHA3_256, CKD_SHA3_256_KDF, CKD_SHA3_256_KDF_SP800),
    names!(Hash::Sha3_384, CKM_SHA3_384, CKG_MGF1_SHA3_384, CKD_SHA3_384_KDF, CKD_SHA3_384_KDF_SP800),
    names!(Hash::Sha3_512, CKM_SHA3_512, CKG_MGF1_SHA3_512, CKD_SHA3_512_KDF, CKD_SHA3_512_KDF_SP800),
    truncated(Hash::Sha512_224, ck::CKM_SHA512_224),
    truncated(Hash::Sha512_256, ck::CKM_SHA512_256),
    blake2b(Hash::Blake2b160, ck::CKD_BLAKE2B_160_KDF),
    blake2b(Hash::Blake2b256, ck::CKD_BLAKE2B_256_KDF),
    blake2b(Hash::Blake2b384, ck::CKD_BLAKE2B_384_KDF),
    blake2b(Hash::Blake2b512, ck::CKD_BLAKE2B_512_KDF),
];

/// The hash that a parameter's `hashAlg` names. Not MD5, whose signatures are forged, and no hash that AWS-LC makes no
/// HMAC and no RSA padding of.
pub(super) fn by_mechanism(kind: ck::CK_MECHANISM_TYPE) -> Result<Hash> {
    by(|names| names.mechanism == Some(kind), "hashAlg names no hash that this mechanism takes")
}

/// The hash under an MGF1.
pub(super) fn by_mgf(mgf: ck::CK_RSA_PKCS_MGF_TYPE) -> Result<Hash> {
    by(|names| names.mgf == Some(mgf), "mgf names no mask generation function of this token")
}

/// The hash under a key derivation function, and whether the function is SP 800-56A's (else X9.63's).
pub(super) fn by_kdf(kdf: ck::CK_EC_KDF_TYPE) -> Result<(Hash, bool)> {
    let is = |names: &Names| names.x963 == Some(kdf) || names.sp800_56a == Some(kdf);
    let hash = by(is, "kdf names no key derivation function of this token")?;
    Ok((hash, NAMES.iter().any(|names| names.sp800_56a == Some(kdf))))
}

fn by(is: impl Fn(&Names) -> bool, otherwise: &'static str) -> Result<Hash> {
    let found = NAMES.iter().find(|names| is(names)).map(|names| names.hash);
    found.ok_or_else(|| Error::new(ErrorKind::MechanismParamInvalid, otherwise))
}
