//! How kryoptic seals. Everything sealed is a DER structure of its own: a version of the token key, a key derivation,
//! AES-256-GCM, the ciphertext. The token key lies under a key from PBKDF2 over the PIN, once for each role; an
//! object's values lie under keys from HKDF over the token key and the object's CKA_UNIQUE_ID.

use crate::cli::migrate::open::gcm;
use crate::cli::migrate::pbe::{Der, Pbkdf2, oid};
use crate::cli::migrate::source::Damage;
use crate::crypto::hkdf_expand;
use crate::object::{Attributes, attribute};
use crate::types::{SecretBytes, ck};

type Answer<T> = std::result::Result<T, Damage>;

/// Red Hat's arcs: the structure, and its key derivation by HKDF-Expand.
const PROTECTION: &[u8] = &[0x2b, 6, 1, 4, 1, 0x92, 0x08, 20, 2, 1];
const DERIVATION: &[u8] = &[0x2b, 6, 1, 4, 1, 0x92, 0x08, 20, 1, 1];

const KEY: usize = 32;
/// GCM's tags are that short.
const TAG: usize = 8;

/// What of a private or secret key is sealed.
const SEALED: [ck::CK_ATTRIBUTE_TYPE; 8] = [
    ck::CKA_VALUE,
    ck::CKA_PRIVATE_EXPONENT,
    ck::CKA_PRIME_1,
    ck::CKA_PRIME_2,
    ck::CKA_EXPONENT_1,
    ck::CKA_EXPONENT_2,
    ck::CKA_COEFFICIENT,
    ck::CKA_SEED,
];

/// Whose PIN.
#[derive(Debug, Clone, Copy)]
pub enum Role {
    /// CKU_SO.
    So,
    /// CKU_USER.
    User,
}

impl Role {
    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Role::So => "SO",
            Role::User => "USER",
        }
    }
}

/// The key that seals a token's objects.
pub struct TokenKey {
    version: u32,
    key: SecretBytes,
}

/// A sealed structure, its key not yet derived.
struct Sealed<'a> {
    version: u32,
    derivation: Der<'a>,
    iv: &'a [u8],
    tag: &'a [u8],
    ciphertext: &'a [u8],
}

impl<'a> Sealed<'a> {
    fn read(der: &'a [u8]) -> Answer<Sealed<'a>> {
        let mut outer = Der::sequence(der)?;
        let mut algorithm = outer.enter()?;
        if algorithm.oid()? != PROTECTION {
            return Err("it is sealed in a way that kryoptic 1.5 does not have".into());
        }
        let mut params = algorithm.enter()?;
        let version = params.number()?;
        // Kept whole, because what is in it depends on what is sealed.
        let derivation = params.clone();
        params.enter()?;
        let mut cipher = params.enter()?;
        if cipher.oid()? != oid::AES_256_GCM {
            return Err("it is sealed by another cipher than AES-256-GCM".into());
        }
        let mut gcm = cipher.enter()?;
        Ok(Sealed { version, derivation, iv: gcm.octets()?, tag: gcm.octets()?, ciphertext: outer.octets()? })
    }

    fn open(&self, key: &[u8], name: &str) -> crate::crypto::Result<SecretBytes> {
        if self.tag.len() != TAG {
            return Err(crate::crypto::Error::Param("the tag has another length than 8 bytes"));
        }
        gcm(key, self.iv, name.as_bytes(), TAG, &[self.ciphertext, self.tag].concat())
    }
}

impl TokenKey {
    /// Opens the token key with a PIN; `None` for a wrong one.
    pub fn open(sealed: &[u8], role: Role, pin: &[u8]) -> Answer<Option<TokenKey>> {
        let mut sealed = Sealed::read(sealed)?;
        let key = Pbkdf2::read(&mut sealed.derivation)?.key(pin, KEY)?;
        match sealed.open(&key, role.name()) {
            Ok(key) if key.len() == KEY => Ok(Some(TokenKey { version: sealed.version, key })),
            Ok(_) => Err("the token key has another length than 32 bytes".into()),
            Err(crate::crypto::Error::Ciphertext) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn unseal(&self, sealed: &[u8], name: &str) -> Answer<SecretBytes> {
        let mut sealed = Sealed::read(sealed)?;
        if sealed.version != self.version {
            return Err("it is sealed under an earlier key of the token".into());
        }
        let mut derivation = sealed.derivation.enter()?;
        if derivation.oid()? != DERIVATION {
            return Err("its key is derived in a way that kryoptic 1.5 does not have".into());
        }
        let mut params = derivation.enter()?;
        params.enter()?;
        let key = hkdf_expand(&self.key, params.octets()?)?;
        Ok(sealed.open(&key, name)?)
    }
}

/// The object in the clear.
pub fn unseal(mut object: Attributes, key: Option<&TokenKey>) -> Answer<Attributes> {
    if !matches!(object.class(), ck::CKO_PRIVATE_KEY | ck::CKO_SECRET_KEY) {
        return Ok(object);
    }
    let Some(key) = key else { return Err("it is sealed, and the token has no user PIN".into()) };
    let unique =
        object.bytes(ck::CKA_UNIQUE_ID).and_then(|id| std::str::from_utf8(id).ok()).map(str::to_owned);
    let name = unique.ok_or(Damage::from("it has no CKA_UNIQUE_ID, and its values are sealed by that"))?;
    for id in SEALED {
        let Some(sealed) = object.bytes(id).filter(|bytes| !bytes.is_empty()) else { continue };
        let named = |Damage(why)| Damage(format!("{}: {why}", attribute::name(id)));
        let plain = key.unseal(sealed, &name).map_err(named)?;
        object.set(id, plain);
    }
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_structures_do_no_harm() {
        let noise: Vec<u8> = (0..200u8).map(|n| n.wrapping_mul(37) ^ 0x30).collect();
        let key = TokenKey { version: 1, key: SecretBytes::from(vec![1; KEY]) };
        for end in 0..noise.len() {
            assert!(TokenKey::open(&noise[..end], Role::User, b"1234").is_err());
            assert!(key.unseal(&noise[..end], "x").is_err());
        }
    }
}
