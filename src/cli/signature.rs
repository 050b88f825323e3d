//! The two encodings of an ECDSA signature: r ‖ s, which PKCS#11 makes, and DER, which everybody else reads (RFC 3279).

use clap::ValueEnum;
use der::asn1::UintRef;
use der::{Decode, Encode, Reader, SliceReader, Tag};

use crate::object::Attributes;
use crate::types::ck;

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Encoding {
    /// As the mechanism makes it; for ECDSA r and s one after the other
    Raw,
    /// ECDSA: the DER SEQUENCE that OpenSSL, Java and X.509 use
    Der,
}

/// The length of r and of s for a key of this curve; `None` for keys whose signatures have one encoding only.
pub fn half_len(key: &Attributes) -> Option<usize> {
    let curve = key.bytes(ck::CKA_EC_PARAMS).filter(|_| key.key_type() == Some(ck::CKK_EC))?;
    Some(crate::crypto::Curve::from_oid_der(curve).ok()?.order_len())
}

/// r ‖ s as DER.
pub fn to_der(raw: &[u8]) -> der::Result<Vec<u8>> {
    let (r, s) = raw.split_at_checked(raw.len() / 2).unwrap_or_default();
    let body = [UintRef::new(r)?.to_der()?, UintRef::new(s)?.to_der()?].concat();
    der::asn1::AnyRef::new(Tag::Sequence, &body)?.to_der()
}

/// DER as r ‖ s, each of `half` bytes; `None` for what is no such signature.
pub fn from_der(signature: &[u8], half: usize) -> Option<Vec<u8>> {
    let outer = der::asn1::AnyRef::from_der(signature).ok()?;
    let outer = Some(outer).filter(|outer| der::Tagged::tag(outer) == Tag::Sequence)?;
    let mut reader = SliceReader::new(outer.value()).ok()?;
    let (r, s) = (UintRef::decode(&mut reader).ok()?, UintRef::decode(&mut reader).ok()?);
    let mut raw = Vec::new();
    for number in [r.as_bytes(), s.as_bytes()] {
        raw.resize(raw.len() + half.checked_sub(number.len())?, 0);
        raw.extend_from_slice(number);
    }
    reader.is_finished().then_some(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let mut raw = [0x81; 64];
        raw[32] = 0;
        raw[33] = 1;
        let der = to_der(&raw).unwrap();
        assert_eq!(der[..5], [0x30, 68, 2, 33, 0]);
        assert_eq!(from_der(&der, 32).unwrap(), raw);
        assert_eq!(from_der(&der, 31), None);
        assert_eq!(from_der(&raw, 32), None);
        for len in 0..der.len() {
            assert_eq!(from_der(&der[..len], 32), None);
        }
        assert_eq!(from_der(&[&der[..], &[0]].concat(), 32), None);
    }
}
