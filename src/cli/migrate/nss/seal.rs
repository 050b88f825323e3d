//! How NSS seals: the password becomes a key by SHA-1 over the database's salt and itself; each sealed value is a
//! PBES2 structure of its own under that key, and each value that must not change has a PBMAC1 beside it.

use crate::cli::migrate::pbe::{Der, Pbkdf2, oid};
use crate::cli::migrate::source::Damage;
use crate::cli::migrate::sqlite::Copy;
use crate::crypto::{Hash, digest, equal, hmac_sha256};
use crate::object::{Attributes, Value, attribute};
use crate::types::{SecretBytes, ck};

use super::super::open::cbc_pad;

type Answer<T> = std::result::Result<T, Damage>;

/// What a sealed text opens to where the password is right.
const CHECK: &[u8] = b"password-check";

/// The attributes of keys that are sealed.
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

/// The attributes that NSS itself takes only with their MAC.
const SIGNED: [ck::CK_ATTRIBUTE_TYPE; 2] = [ck::CKA_MODULUS, ck::CKA_PUBLIC_EXPONENT];

/// NSS's own attributes of trust, which it takes only with their MAC: from the first to the last.
pub const TRUST: std::ops::RangeInclusive<ck::CK_ATTRIBUTE_TYPE> = 0xce53_6350..=0xce53_63ff;

/// A table of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// In cert9.db.
    Certificates,
    /// In key4.db.
    Keys,
}

impl Table {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Table::Certificates => "nssPublic",
            Table::Keys => "nssPrivate",
        }
    }

    /// What the names of its MACs say.
    fn short(self) -> &'static str {
        match self {
            Table::Certificates => "cert",
            Table::Keys => "key",
        }
    }
}

/// The database's salt, and a text that is sealed under the password.
pub struct Check {
    salt: Vec<u8>,
    sealed: Vec<u8>,
}

/// The key that a password became.
#[derive(Clone)]
pub struct Password(SecretBytes);

/// The password's check; `None` for a database that never had a password, and so no keys.
pub fn check(keys: &Copy) -> Answer<Option<Check>> {
    keys.expect_tables(&[Table::Keys.name(), "metaData"])?;
    let mut statement =
        keys.connection().prepare("SELECT item1, item2 FROM metaData WHERE id = 'password'")?;
    let mut rows = statement.query([])?;
    match rows.next()? {
        Some(row) => Ok(Some(Check { salt: row.get(0)?, sealed: row.get(1)? })),
        None => Ok(None),
    }
}

impl Check {
    /// The password's key; `None` for a wrong one.
    pub fn open(&self, password: &[u8]) -> Answer<Option<Password>> {
        let joined = zeroize::Zeroizing::new([&self.salt, password].concat());
        let key = Password(SecretBytes::from(&*digest(Hash::Sha1, &joined)));
        match key.open(&self.sealed)? {
            Some(text) if equal(&text, CHECK) => Ok(Some(key)),
            _ => Ok(None),
        }
    }
}

impl Password {
    /// Opens a sealed value; `None` where the padding is wrong, which is what a wrong password leads to.
    fn open(&self, sealed: &[u8]) -> Answer<Option<SecretBytes>> {
        let mut outer = Der::sequence(sealed)?;
        let mut algorithm = outer.enter()?;
        let name = algorithm.oid()?;
        if name == oid::PBE_SHA1_3DES {
            return Err("it is sealed with triple DES by an NSS before 3.49: set its password anew, \
                        `certutil -W -d sql:DIR` on a copy, and NSS seals it with AES"
                .into());
        }
        if name != oid::PBES2 {
            return Err("it is sealed by other means than PBES2".into());
        }
        let mut params = algorithm.enter()?;
        let derivation = Pbkdf2::read(&mut params)?;
        let mut cipher = params.enter()?;
        let name = cipher.oid()?;
        let key_len = oid::AES_CBC.iter().zip([16, 24, 32]).find(|(known, _)| **known == name);
        let (_, key_len) = key_len.ok_or(Damage::from("it is sealed by another cipher than AES-CBC"))?;
        let iv = iv(cipher.octets()?)?;
        let ciphertext = outer.octets()?;
        let key = derivation.key(&self.0, key_len)?;
        match cbc_pad(&key, &[&iv[..], ciphertext].concat()) {
            Ok(plain) => Ok(Some(plain)),
            Err(crate::crypto::Error::Ciphertext) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Holds a value against its MAC.
    fn verify(&self, mac: &[u8], row: u32, id: ck::CK_ATTRIBUTE_TYPE, value: &[u8]) -> Answer<()> {
        let mut outer = Der::sequence(mac)?;
        let mut algorithm = outer.enter()?;
        if algorithm.oid()? != oid::PBMAC1 {
            return Err("its MAC is none of PBMAC1".into());
        }
        let mut params = algorithm.enter()?;
        let derivation = Pbkdf2::read(&mut params)?;
        if params.enter()?.oid()? != oid::HMAC_SHA256 {
            return Err("its MAC is none of HMAC-SHA-256".into());
        }
        let key = derivation.key(&self.0, 32)?;
        let id = u32::try_from(id).map_err(|_| Damage::from("an attribute's number is too large"))?;
        let expected = hmac_sha256(&key, &[&row.to_be_bytes(), &id.to_be_bytes(), value]);
        match equal(outer.octets()?, &expected) {
            true => Ok(()),
            false => Err("its MAC is wrong: the database was changed by somebody else than NSS".into()),
        }
    }
}

/// NSS writes an IV of 16 bytes as the OCTET STRING that its first two bytes happen to say, tag and length included.
fn iv(octets: &[u8]) -> Answer<[u8; 16]> {
    let whole = match octets.len() {
        14 => [&[0x04, 14], octets].concat(),
        _ => octets.to_vec(),
    };
    whole.try_into().map_err(|_| "its IV has another length than 16 bytes".into())
}

/// The object in the clear, every value with a MAC held against it.
pub fn unseal(
    mut object: Attributes,
    table: Table,
    row: u32,
    keys: &Copy,
    password: Option<&Password>,
) -> Answer<Attributes> {
    let Some(password) = password else {
        return match table {
            Table::Certificates => Ok(object),
            Table::Keys => Err("it is sealed, and the database has no password".into()),
        };
    };
    let present: Vec<ck::CK_ATTRIBUTE_TYPE> = object.iter().map(|(id, _)| id).collect();
    for id in present {
        let named = |Damage(why)| Damage(format!("{}: {why}", attribute::name(id)));
        let Some(value) = object.get(id) else { continue };
        let bytes = SecretBytes::from(as_stored(value));
        let sealed = table == Table::Keys && SEALED.contains(&id) && !bytes.is_empty();
        let value = match sealed {
            true => {
                let opened = password.open(&bytes).map_err(named)?;
                let opened = opened.ok_or_else(|| named("it does not open: it was damaged".into()))?;
                object.set(id, opened.clone());
                opened
            }
            false => bytes,
        };
        let needs_mac = SIGNED.contains(&id) || TRUST.contains(&id);
        match mac(keys, table, row, id)? {
            // What is sealed has its MAC without the row's number.
            Some(mac) => password.verify(&mac, if sealed { 0 } else { row }, id, &value).map_err(named)?,
            None if needs_mac && !value.is_empty() => return Err(named("its MAC is missing".into())),
            None => {}
        }
    }
    Ok(object)
}

/// The bytes that NSS computes a value's MAC over.
fn as_stored(value: &Value) -> Vec<u8> {
    match value {
        // Its numbers have 32 bits, all ones for CK_UNAVAILABLE_INFORMATION.
        Value::Ulong(number) => u32::try_from(*number).unwrap_or(u32::MAX).to_be_bytes().to_vec(),
        value => value.to_bytes().into_owned(),
    }
}

fn mac(keys: &Copy, table: Table, row: u32, id: ck::CK_ATTRIBUTE_TYPE) -> Answer<Option<Vec<u8>>> {
    let name = format!("sig_{}_{row:08x}_{id:08x}", table.short());
    let mut statement = keys.connection().prepare_cached("SELECT item1 FROM metaData WHERE id = ?1")?;
    let mut rows = statement.query([name])?;
    match rows.next()? {
        Some(row) => Ok(row.get(0)?),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_write_an_iv() {
        assert_eq!(iv(&[7; 14]).unwrap()[..3], [4, 14, 7]);
        assert_eq!(iv(&[7; 16]).unwrap(), [7; 16]);
        assert!(iv(&[7; 15]).is_err());
    }

    #[test]
    fn malformed_structures_do_no_harm() {
        let password = Password(SecretBytes::from(vec![1; 20]));
        let noise: Vec<u8> = (0..200u8).map(|n| n.wrapping_mul(37) ^ 0x30).collect();
        for end in 0..noise.len() {
            assert!(password.open(&noise[..end]).is_err());
            assert!(password.verify(&noise[..end], 1, ck::CKA_MODULUS, b"x").is_err());
        }
    }
}
