//! HMAC (PKCS#11 v3.2, section 6 "Hash-Based Message Authentication Codes"): whole and cut, and the generation of its
//! keys. BLAKE3's keyed mode, which is keyward's own.

use zeroize::Zeroizing;

use crate::crypto::{Blake3Mac, Hash, Hmac, MAX_DIGEST_LEN};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{ck, length};

use super::descriptor::{Descriptor, Ops, Provider};
use super::errors;
use super::key::Key;
use super::op::Producer;
use super::params::{ParamKind, Params};
use super::secret::{MAX_BYTES, random, value_len};
use super::shapes::MacCheck;

/// What the rows of a hash share. The specification gives no unit for the sizes of MAC keys; bytes, as for the
/// `_KEY_GEN` that makes them.
const fn base(kind: ck::CK_MECHANISM_TYPE, name: &'static str, ops: Ops) -> Descriptor {
    Descriptor {
        kind,
        name,
        key_types: &[],
        min_key_size: 1,
        max_key_size: MAX_BYTES,
        param: ParamKind::None,
        ops,
        extra_flags: 0,
        legacy: false,
        fips: true,
        provider: Provider::OfBuild,
        vectors: "Wycheproof",
    }
}

macro_rules! whole {
    ($kind:ident, $key_type:ident, $hash:expr) => {
        Descriptor {
            key_types: &[ck::CKK_GENERIC_SECRET, ck::$key_type],
            ..base(
                ck::$kind,
                stringify!($kind),
                Ops {
                    sign: Some(|key, _| Ok(Box::new(Running::new($hash, key)?))),
                    verify: Some(|key, _| Ok(Box::new(MacCheck(Running::new($hash, key)?)))),
                    ..Ops::NONE
                },
            )
        }
    };
}

macro_rules! general {
    ($kind:ident, $key_type:ident, $hash:expr) => {
        Descriptor {
            key_types: &[ck::CKK_GENERIC_SECRET, ck::$key_type],
            param: ParamKind::MacGeneral,
            ..base(
                ck::$kind,
                stringify!($kind),
                Ops {
                    sign: Some(|key, params| Ok(Box::new(Cut::new($hash, key, params)?))),
                    verify: Some(|key, params| Ok(Box::new(MacCheck(Cut::new($hash, key, params)?)))),
                    ..Ops::NONE
                },
            )
        }
    };
}

macro_rules! key_gen {
    ($kind:ident, $key_type:ident) => {
        Descriptor {
            key_types: &[ck::$key_type],
            vectors: "",
            ..base(
                ck::$kind,
                stringify!($kind),
                Ops {
                    generate: Some(|_, template| random(value_len(template, 1..=MAX_BYTES)?)),
                    ..Ops::NONE
                },
            )
        }
    };
}

/// Three rows for each hash: the whole MAC, one of any length, and the generation of keys.
macro_rules! hashes {
    ($($hash:expr, $key_type:ident: $whole:ident, $general:ident, $key_gen:ident;)*) => {
        &[$(
            whole!($whole, $key_type, $hash),
            general!($general, $key_type, $hash),
            key_gen!($key_gen, $key_type),
        )*]
    };
}

pub(super) const ROWS: &[Descriptor] = hashes! {
    Hash::Sha1, CKK_SHA_1_HMAC: CKM_SHA_1_HMAC, CKM_SHA_1_HMAC_GENERAL, CKM_SHA_1_KEY_GEN;
    Hash::Sha224, CKK_SHA224_HMAC: CKM_SHA224_HMAC, CKM_SHA224_HMAC_GENERAL, CKM_SHA224_KEY_GEN;
    Hash::Sha256, CKK_SHA256_HMAC: CKM_SHA256_HMAC, CKM_SHA256_HMAC_GENERAL, CKM_SHA256_KEY_GEN;
    Hash::Sha384, CKK_SHA384_HMAC: CKM_SHA384_HMAC, CKM_SHA384_HMAC_GENERAL, CKM_SHA384_KEY_GEN;
    Hash::Sha512, CKK_SHA512_HMAC: CKM_SHA512_HMAC, CKM_SHA512_HMAC_GENERAL, CKM_SHA512_KEY_GEN;
    Hash::Sha512_224, CKK_SHA512_224_HMAC:
        CKM_SHA512_224_HMAC, CKM_SHA512_224_HMAC_GENERAL, CKM_SHA512_224_KEY_GEN;
    Hash::Sha512_256, CKK_SHA512_256_HMAC:
        CKM_SHA512_256_HMAC, CKM_SHA512_256_HMAC_GENERAL, CKM_SHA512_256_KEY_GEN;
    Hash::Sha3_224, CKK_SHA3_224_HMAC: CKM_SHA3_224_HMAC, CKM_SHA3_224_HMAC_GENERAL, CKM_SHA3_224_KEY_GEN;
    Hash::Sha3_256, CKK_SHA3_256_HMAC: CKM_SHA3_256_HMAC, CKM_SHA3_256_HMAC_GENERAL, CKM_SHA3_256_KEY_GEN;
    Hash::Sha3_384, CKK_SHA3_384_HMAC: CKM_SHA3_384_HMAC, CKM_SHA3_384_HMAC_GENERAL, CKM_SHA3_384_KEY_GEN;
    Hash::Sha3_512, CKK_SHA3_512_HMAC: CKM_SHA3_512_HMAC, CKM_SHA3_512_HMAC_GENERAL, CKM_SHA3_512_KEY_GEN;
};

/// A hash that FIPS does not have.
macro_rules! other {
    ($row:expr, $vectors:expr) => {
        Descriptor { fips: false, provider: Provider::RustCrypto, vectors: $vectors, ..$row }
    };
}

macro_rules! blake2b {
    ($($hash:expr, $key_type:ident: $whole:ident, $general:ident, $key_gen:ident;)*) => {
        &[$(
            other!(whole!($whole, $key_type, $hash), "Python hmac"),
            other!(general!($general, $key_type, $hash), "Python hmac"),
            Descriptor { fips: false, ..key_gen!($key_gen, $key_type) },
        )*]
    };
}

pub(super) const BLAKE2B_ROWS: &[Descriptor] = blake2b! {
    Hash::Blake2b160, CKK_BLAKE2B_160_HMAC:
        CKM_BLAKE2B_160_HMAC, CKM_BLAKE2B_160_HMAC_GENERAL, CKM_BLAKE2B_160_KEY_GEN;
    Hash::Blake2b256, CKK_BLAKE2B_256_HMAC:
        CKM_BLAKE2B_256_HMAC, CKM_BLAKE2B_256_HMAC_GENERAL, CKM_BLAKE2B_256_KEY_GEN;
    Hash::Blake2b384, CKK_BLAKE2B_384_HMAC:
        CKM_BLAKE2B_384_HMAC, CKM_BLAKE2B_384_HMAC_GENERAL, CKM_BLAKE2B_384_KEY_GEN;
    Hash::Blake2b512, CKK_BLAKE2B_512_HMAC:
        CKM_BLAKE2B_512_HMAC, CKM_BLAKE2B_512_HMAC_GENERAL, CKM_BLAKE2B_512_KEY_GEN;
};

pub(super) const OTHER_ROWS: &[Descriptor] = &[
    Descriptor {
        legacy: true,
        fips: false,
        vectors: "RFC 2202",
        ..whole!(CKM_MD5_HMAC, CKK_MD5_HMAC, Hash::Md5)
    },
    Descriptor {
        legacy: true,
        fips: false,
        vectors: "RFC 2202",
        ..general!(CKM_MD5_HMAC_GENERAL, CKK_MD5_HMAC, Hash::Md5)
    },
    Descriptor {
        key_types: &[ck::CKK_GENERIC_SECRET],
        min_key_size: 32,
        max_key_size: 32,
        fips: false,
        provider: Provider::RustCrypto,
        vectors: "the BLAKE3 team's",
        ..base(
            ck::CKM_KEYWARD_BLAKE3_MAC,
            "CKM_KEYWARD_BLAKE3_MAC",
            Ops {
                sign: Some(|key, _| Ok(Box::new(KeyedBlake3::new(key)?))),
                verify: Some(|key, _| Ok(Box::new(MacCheck(KeyedBlake3::new(key)?)))),
                ..Ops::NONE
            },
        )
    },
];

struct Running(Hmac);

impl Running {
    fn new(hash: Hash, key: &Key) -> Result<Self> {
        Hmac::new(hash, key.secret()?).map(Running).map_err(errors::data)
    }
}

impl Producer for Running {
    fn output_len(&self) -> usize {
        self.0.len()
    }
    fn update(&mut self, part: &[u8]) -> Result<()> {
        self.0.update(part).map_err(errors::data)
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        self.0.finish(out).map_err(errors::data)
    }
}

/// The start of an HMAC, in the length of its Init's parameter.
struct Cut {
    mac: Hmac,
    len: usize,
}

impl Cut {
    fn new(hash: Hash, key: &Key, params: &Params) -> Result<Self> {
        let Params::MacGeneral(len) = params else { return Err(errors::wrong_param()) };
        if !(1..=hash.len()).contains(&length(*len)) {
            let why = "CK_MAC_GENERAL_PARAMS is zero or more than the hash's length in bytes";
            return Err(Error::new(ErrorKind::MechanismParamInvalid, why));
        }
        Ok(Cut { mac: Hmac::new(hash, key.secret()?).map_err(errors::data)?, len: length(*len) })
    }
}

impl Producer for Cut {
    fn output_len(&self) -> usize {
        self.len
    }
    fn update(&mut self, part: &[u8]) -> Result<()> {
        self.mac.update(part).map_err(errors::data)
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        let mut whole = Zeroizing::new([0; MAX_DIGEST_LEN]);
        let whole = whole.get_mut(..self.mac.len()).unwrap_or_default();
        self.mac.finish(whole).map_err(errors::data)?;
        out.copy_from_slice(whole.get(..out.len()).ok_or(ErrorKind::BufferTooSmall)?);
        Ok(())
    }
}

struct KeyedBlake3(Blake3Mac);

impl KeyedBlake3 {
    fn new(key: &Key) -> Result<Self> {
        Blake3Mac::new(key.secret()?).map(KeyedBlake3).map_err(errors::data)
    }
}

impl Producer for KeyedBlake3 {
    fn output_len(&self) -> usize {
        Blake3Mac::LEN
    }
    fn update(&mut self, part: &[u8]) -> Result<()> {
        self.0.update(part);
        Ok(())
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        super::shapes::put(&self.0.finish(), out).map(|_| ())
    }
}
