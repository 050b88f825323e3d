//! The encodings of keys from before PKCS#8, one per algorithm: PKCS#1 (RFC 8017, appendix A.1) and SEC 1 (RFC 5915).

use super::encoding::{EXPLICIT_0, OCTET_STRING, Reader, SEQUENCE};
use super::key::{ec_private, rsa_private, rsa_public};
use super::{Curve, Error, PrivateKey, PublicKey, Result};

impl PrivateKey {
    /// Parses and validates a DER RSAPrivateKey of two primes.
    pub fn from_pkcs1(der: &[u8]) -> Result<PrivateKey> {
        rsa_private(der).map(PrivateKey::Rsa)
    }

    /// Parses and validates a DER ECPrivateKey that names its curve. An unsupported curve is [`Error::Curve`].
    pub fn from_sec1(der: &[u8]) -> Result<PrivateKey> {
        let mut parts = Reader::new(der).enter(SEQUENCE)?;
        parts.unsigned()?;
        parts.take(OCTET_STRING)?;
        let parameters = parts.take_optional(EXPLICIT_0)?;
        let parameters = parameters.ok_or(Error::Key("EC: the encoding does not name its curve"))?;
        ec_private(Curve::from_oid_der(parameters)?, der).map(PrivateKey::Ec)
    }
}

impl PublicKey {
    /// Parses and validates a DER RSAPublicKey.
    pub fn from_pkcs1(der: &[u8]) -> Result<PublicKey> {
        rsa_public(der).map(PublicKey::Rsa)
    }
}
