//! The encodings of keys in prime fields: Diffie-Hellman as PKCS #3 has it, DSA as RFC 3279 does.

use super::encoding::{Buffer, Reader, SEQUENCE, element, unsigned};
use super::{
    DhGroup, DhPrivate, DhPublic, DsaGroup, DsaPrivate, DsaPublic, Error, PrivateKey, PublicKey, Result,
};

/// pkcs-3 dhKeyAgreement.
pub(super) const DH_OID: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x03, 0x01];
/// id-dsa.
pub(super) const DSA_OID: [u8; 9] = [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01];

/// A group of either kind.
pub(super) enum Field {
    Dh(DhGroup),
    Dsa(DsaGroup),
}

impl Field {
    /// From an AlgorithmIdentifier's OID and parameters; `None` for another OID.
    pub(super) fn read(oid: &[u8], parameters: &[u8]) -> Result<Option<Field>> {
        if oid != DH_OID && oid != DSA_OID {
            return Ok(None);
        }
        let mut outer = Reader::new(parameters);
        let mut numbers = outer.enter(SEQUENCE)?;
        outer.end()?;
        let (first, second) = (numbers.unsigned()?, numbers.unsigned()?);
        if oid == DH_OID {
            // How long private values should be may follow; theirs is known.
            return DhGroup::new(first, second).map(|group| Some(Field::Dh(group))).map_err(as_key);
        }
        let third = numbers.unsigned()?;
        numbers.end()?;
        DsaGroup::new(first, second, third).map(|group| Some(Field::Dsa(group))).map_err(as_key)
    }

    /// The AlgorithmIdentifier.
    pub(super) fn write(&self) -> Result<Buffer> {
        Ok(match self {
            Field::Dh(group) => {
                let parameters = element(SEQUENCE, &[&unsigned(&group.p()?), &unsigned(&group.g()?)]);
                element(SEQUENCE, &[&DH_OID, &parameters])
            }
            Field::Dsa(group) => {
                let numbers = [unsigned(&group.p()?), unsigned(&group.q()?), unsigned(&group.g()?)];
                let [p, q, g] = &numbers;
                element(SEQUENCE, &[&DSA_OID, &element(SEQUENCE, &[p, q, g])])
            }
        })
    }

    /// A public key of the group, from its INTEGER.
    pub(super) fn public(&self, der: &[u8]) -> Result<PublicKey> {
        let y = integer(der)?;
        match self {
            Field::Dh(group) => DhPublic::new(group, y).map(PublicKey::Dh),
            Field::Dsa(group) => DsaPublic::new(group, y).map(PublicKey::Dsa),
        }
    }

    /// A private key of the group, from its INTEGER.
    pub(super) fn private(&self, der: &[u8]) -> Result<PrivateKey> {
        let x = integer(der)?;
        match self {
            Field::Dh(group) => DhPrivate::from_value(group, x).map(PrivateKey::Dh),
            Field::Dsa(group) => DsaPrivate::from_value(group, x).map(PrivateKey::Dsa),
        }
    }
}

/// An encoding's contents are its key, whatever is wrong with them.
fn as_key(error: Error) -> Error {
    match error {
        Error::KeySize(why) => Error::Key(why),
        other => other,
    }
}

fn integer(der: &[u8]) -> Result<&[u8]> {
    let mut reader = Reader::new(der);
    let number = reader.unsigned()?;
    reader.end()?;
    Ok(number)
}
