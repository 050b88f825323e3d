//! MACs of block ciphers beside AES-CMAC (PKCS#11 v3.2, section 6 "AES", "AES CMAC", "Additional AES Mechanisms",
//! "Double and Triple-length DES" and its CMAC), and Poly1305.
//!
//! The specification's table lists CKM_POLY1305 as a cipher; its text says C_Sign and C_Verify, which it is.

use crate::crypto::{self, BlockMac, Cmac, Gmac, Poly1305};
use crate::error::Result;
use crate::object::Attributes;
use crate::types::{SecretBytes, ck, length};

use super::aes::{gcm_parts, invalid};
use super::descriptor::{Descriptor, Ops, Provider};
use super::errors;
use super::key::Key;
use super::op::Producer;
use super::params::{ParamKind, Params};
use super::secret::{fixed_len, random};
use super::shapes::{MacCheck, put};

const AES: &[ck::CK_KEY_TYPE] = &[ck::CKK_AES];
const DES: &[ck::CK_KEY_TYPE] = &[ck::CKK_DES2, ck::CKK_DES3];

/// How long the MAC is.
enum Len {
    /// As the mechanism says.
    Fixed(usize),
    /// As the parameter says: 1 to so many bytes.
    UpTo(usize),
}
use Len::{Fixed, UpTo};

/// How a MAC stands with the rules of today.
enum Standing {
    /// Approved under FIPS 140-3.
    Approved,
    Unapproved,
    /// Kept for the past.
    Legacy,
}

/// A MAC: `$start` makes what runs, of the key's value.
macro_rules! mac {
    ($kind:ident, $keys:ident $min:literal..=$max:literal, $start:expr, $len:expr, $standing:ident, $vectors:literal) => {
        Descriptor {
            kind: ck::$kind,
            name: stringify!($kind),
            key_types: $keys,
            min_key_size: $min,
            max_key_size: $max,
            param: match $len {
                Fixed(_) => ParamKind::None,
                UpTo(_) => ParamKind::MacGeneral,
            },
            ops: Ops {
                sign: Some(|key, params| Ok(Box::new(start($start, key, params, $len)?))),
                verify: Some(|key, params| Ok(Box::new(MacCheck(start($start, key, params, $len)?)))),
                ..Ops::NONE
            },
            extra_flags: 0,
            legacy: matches!(Standing::$standing, Standing::Legacy),
            fips: matches!(Standing::$standing, Standing::Approved),
            provider: Provider::OfBuild,
            vectors: $vectors,
        }
    };
}

const POLY1305: &[ck::CK_KEY_TYPE] = &[ck::CKK_POLY1305];

pub(super) const ROWS: &[Descriptor] = &[
    mac!(CKM_AES_CMAC_GENERAL, AES 16..=32, Cmac::new, UpTo(16), Approved, "Wycheproof"),
    mac!(CKM_AES_MAC, AES 16..=32, BlockMac::aes_cbc, Fixed(8), Unapproved, "OpenSSL"),
    mac!(CKM_AES_MAC_GENERAL, AES 16..=32, BlockMac::aes_cbc, UpTo(16), Unapproved, "OpenSSL"),
    mac!(CKM_AES_XCBC_MAC, AES 16..=16, BlockMac::aes_xcbc, Fixed(16), Unapproved, "RFC 3566"),
    mac!(CKM_AES_XCBC_MAC_96, AES 16..=16, BlockMac::aes_xcbc, Fixed(12), Unapproved, "RFC 3566"),
    mac!(CKM_DES3_CMAC, DES 16..=24, BlockMac::des3_cmac, Fixed(8), Legacy, "NIST SP 800-38B"),
    mac!(CKM_DES3_CMAC_GENERAL, DES 16..=24, BlockMac::des3_cmac, UpTo(8), Legacy, "NIST SP 800-38B"),
    mac!(CKM_DES3_MAC, DES 16..=24, BlockMac::des3_cbc, Fixed(4), Legacy, "OpenSSL"),
    mac!(CKM_DES3_MAC_GENERAL, DES 16..=24, BlockMac::des3_cbc, UpTo(8), Legacy, "OpenSSL"),
    mac!(CKM_POLY1305, POLY1305 32..=32, Once::poly1305, Fixed(16), Unapproved, "RFC 8439"),
    Descriptor {
        kind: ck::CKM_AES_GMAC,
        name: "CKM_AES_GMAC",
        key_types: AES,
        min_key_size: 16,
        max_key_size: 32,
        param: ParamKind::Gmac,
        ops: Ops {
            sign: Some(|key, params| Ok(Box::new(gmac(key, params)?))),
            verify: Some(|key, params| Ok(Box::new(MacCheck(gmac(key, params)?)))),
            ..Ops::NONE
        },
        extra_flags: 0,
        legacy: false,
        fips: true,
        provider: Provider::OfBuild,
        vectors: "Wycheproof",
    },
    Descriptor {
        kind: ck::CKM_POLY1305_KEY_GEN,
        name: "CKM_POLY1305_KEY_GEN",
        key_types: POLY1305,
        min_key_size: 32,
        max_key_size: 32,
        param: ParamKind::None,
        ops: Ops { generate: Some(generate_poly1305), ..Ops::NONE },
        extra_flags: 0,
        legacy: false,
        fips: false,
        provider: Provider::OfBuild,
        vectors: "",
    },
];

fn generate_poly1305(_: &Params, template: &Attributes) -> Result<SecretBytes> {
    random(fixed_len(template, 32)?)
}

/// A running MAC of at most 16 bytes.
trait Mac: Send + 'static {
    fn update(&mut self, part: &[u8]) -> crypto::Result<()>;
    /// Ends the message.
    fn finish(&mut self) -> crypto::Result<[u8; 16]>;
}

impl Mac for Cmac {
    fn update(&mut self, part: &[u8]) -> crypto::Result<()> {
        Cmac::update(self, part)
    }
    fn finish(&mut self) -> crypto::Result<[u8; 16]> {
        Cmac::finish(self)
    }
}

impl Mac for BlockMac {
    fn update(&mut self, part: &[u8]) -> crypto::Result<()> {
        BlockMac::update(self, part)
    }
    fn finish(&mut self) -> crypto::Result<[u8; 16]> {
        BlockMac::finish(self)
    }
}

impl Mac for Gmac {
    fn update(&mut self, part: &[u8]) -> crypto::Result<()> {
        Gmac::update(self, part)
    }
    fn finish(&mut self) -> crypto::Result<[u8; 16]> {
        Gmac::finish(self)
    }
}

/// Poly1305, which its end consumes.
struct Once(Option<Poly1305>);

impl Once {
    fn poly1305(key: &[u8]) -> crypto::Result<Once> {
        Poly1305::new(key).map(|mac| Once(Some(mac)))
    }
}

impl Mac for Once {
    fn update(&mut self, part: &[u8]) -> crypto::Result<()> {
        self.0.as_mut().map(|mac| mac.update(part)).ok_or(crypto::Error::Internal("Poly1305 is over"))
    }
    fn finish(&mut self) -> crypto::Result<[u8; 16]> {
        self.0.take().map(Poly1305::finish).ok_or(crypto::Error::Internal("Poly1305 is over"))
    }
}

/// The leading bytes of a MAC.
struct Running<M> {
    mac: M,
    len: usize,
}

impl<M: Mac> Producer for Running<M> {
    fn output_len(&self) -> usize {
        self.len
    }
    fn update(&mut self, part: &[u8]) -> Result<()> {
        self.mac.update(part).map_err(errors::data)
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        let mac = self.mac.finish().map_err(errors::data)?;
        put(mac.get(..self.len).unwrap_or_default(), out).map(|_| ())
    }
}

fn start<M: Mac>(
    start: fn(&[u8]) -> crypto::Result<M>,
    key: &Key,
    params: &Params,
    len: Len,
) -> Result<Running<M>> {
    let len = match (len, params) {
        (Fixed(len), Params::None) => len,
        (UpTo(most), Params::MacGeneral(wanted)) => match length(*wanted) {
            len if (1..=most).contains(&len) => len,
            _ => return Err(invalid("the length of the MAC is not 1 byte to a block")),
        },
        _ => return Err(errors::wrong_param()),
    };
    Ok(Running { mac: start(key.secret()?).map_err(errors::data)?, len })
}

/// The message is what GCM calls associated data; the parameter may name none.
fn gmac(key: &Key, params: &Params) -> Result<Running<Gmac>> {
    let (iv, aad, len) = gcm_parts(params)?;
    if !aad.is_empty() {
        return Err(invalid("GMAC: the data to be signed is the associated data; the parameter has none"));
    }
    Ok(Running { mac: Gmac::new(key.secret()?, iv, len).map_err(errors::data)?, len })
}
