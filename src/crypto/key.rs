//! Key pairs of any algorithm, and their standard encodings: SubjectPublicKeyInfo (RFC 5280) and PKCS#8 (RFC 5208,
//! RFC 5958) with the algorithms of PKCS #3, RFC 3279, RFC 5915, RFC 8410 and RFC 9881.

use super::encoding::{
    BIT_STRING, Buffer, CONTEXT_0, EXPLICIT_0, EXPLICIT_1, NULL, OCTET_STRING, OID, Reader, SEQUENCE,
    bit_string, element, unsigned,
};
use super::finite::Field;
use super::{
    Curve, DhPrivate, DhPublic, DsaPrivate, DsaPublic, EcPrivate, EcPublic, Ed448Private, Ed448Public,
    Ed25519Private, Ed25519Public, Error, MlDsaPrivate, MlDsaPublic, MlDsaSet, OkpCurve, Result,
    RsaComponents, RsaPrivate, RsaPublic, X448Private, X448Public, X25519Private, X25519Public, equal,
};
use crate::types::SecretBytes;

/// A public key. Cloning shares it.
#[derive(Debug, Clone)]
pub enum PublicKey {
    /// RSA.
    Rsa(RsaPublic),
    /// A short Weierstrass curve.
    Ec(EcPublic),
    /// Ed25519.
    Ed25519(Ed25519Public),
    /// X25519.
    X25519(X25519Public),
    /// ML-DSA.
    MlDsa(MlDsaPublic),
    /// Ed448.
    Ed448(Ed448Public),
    /// X448.
    X448(X448Public),
    /// Diffie-Hellman in a prime field.
    Dh(DhPublic),
    /// DSA.
    Dsa(DsaPublic),
}

/// A private key. Cloning shares it; the last clone wipes it.
#[derive(Debug, Clone)]
pub enum PrivateKey {
    /// RSA.
    Rsa(RsaPrivate),
    /// A short Weierstrass curve.
    Ec(EcPrivate),
    /// Ed25519.
    Ed25519(Ed25519Private),
    /// X25519.
    X25519(X25519Private),
    /// ML-DSA.
    MlDsa(MlDsaPrivate),
    /// Ed448.
    Ed448(Ed448Private),
    /// X448.
    X448(X448Private),
    /// Diffie-Hellman in a prime field.
    Dh(DhPrivate),
    /// DSA.
    Dsa(DsaPrivate),
}

/// What an AlgorithmIdentifier says about the key behind it.
enum Algorithm {
    Rsa,
    Ec(Curve),
    Okp(OkpCurve),
    MlDsa(MlDsaSet),
    Field(Field),
}

const RSA_OID: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const RSA_PSS_OID: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const EC_OID: [u8; 9] = [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

const UNKNOWN: Error = Error::Key("the key algorithm of the encoding is not supported");
const VERSION: Error = Error::Key("the version of the encoding is not supported");
const MISMATCH: Error = Error::Key("the public part of the encoding belongs to another private key");

impl Algorithm {
    fn read(reader: &mut Reader<'_>) -> Result<Algorithm> {
        let mut id = reader.enter(SEQUENCE)?;
        let oid = if id.peek() == Some(OID) { id.raw()? } else { return Err(UNKNOWN) };
        let parameters = id.raw()?;
        id.end()?;
        if oid == EC_OID {
            return Curve::from_oid_der(parameters).map(Algorithm::Ec);
        }
        // Parameters of RSA-PSS restrict the use of a key; the key itself is the same.
        if oid == RSA_OID || oid == RSA_PSS_OID {
            return Ok(Algorithm::Rsa);
        }
        if let Some(set) = MlDsaSet::ALL.into_iter().find(|set| set.oid_der() == *oid) {
            return Ok(Algorithm::MlDsa(set));
        }
        if let Some(field) = Field::read(oid, parameters)? {
            return Ok(Algorithm::Field(field));
        }
        OkpCurve::from_oid_der(oid).map(Algorithm::Okp).map_err(|_| UNKNOWN)
    }

    fn write(&self) -> Result<Buffer> {
        Ok(match self {
            Algorithm::Rsa => element(SEQUENCE, &[&RSA_OID, &element(NULL, &[])]),
            Algorithm::Ec(curve) => element(SEQUENCE, &[&EC_OID, curve.oid_der()]),
            Algorithm::Okp(curve) => element(SEQUENCE, &[curve.oid_der()]),
            Algorithm::MlDsa(set) => element(SEQUENCE, &[&set.oid_der()]),
            Algorithm::Field(field) => field.write()?,
        })
    }
}

impl PublicKey {
    /// Parses and validates a DER SubjectPublicKeyInfo.
    pub fn from_spki(der: &[u8]) -> Result<PublicKey> {
        let mut outer = Reader::new(der);
        let mut info = outer.enter(SEQUENCE)?;
        outer.end()?;
        let algorithm = Algorithm::read(&mut info)?;
        let key = info.bit_string()?;
        info.end()?;
        Ok(match algorithm {
            Algorithm::Rsa => PublicKey::Rsa(rsa_public(key)?),
            Algorithm::Ec(curve) => PublicKey::Ec(EcPublic::from_point(curve, key)?),
            Algorithm::Okp(curve) => PublicKey::okp(curve, key)?,
            Algorithm::Field(field) => field.public(key)?,
            Algorithm::MlDsa(set) => PublicKey::MlDsa(MlDsaPublic::new(set, key)?),
        })
    }

    /// A key of a curve of RFC 7748 or RFC 8032, from its bytes ([`Error::Key`]).
    pub fn okp(curve: OkpCurve, key: &[u8]) -> Result<PublicKey> {
        match curve {
            OkpCurve::Ed25519 => Ed25519Public::new(key).map(PublicKey::Ed25519),
            OkpCurve::X25519 => X25519Public::new(key).map(PublicKey::X25519),
            OkpCurve::Ed448 => Ed448Public::new(key).map(PublicKey::Ed448),
            OkpCurve::X448 => X448Public::new(key).map(PublicKey::X448),
        }
    }

    /// The curve of RFC 7748 or RFC 8032, and the key's bytes; `None` for other algorithms.
    pub fn as_okp(&self) -> Option<(OkpCurve, &[u8])> {
        match self {
            PublicKey::Ed25519(key) => Some((OkpCurve::Ed25519, key.bytes())),
            PublicKey::X25519(key) => Some((OkpCurve::X25519, key.bytes())),
            PublicKey::Ed448(key) => Some((OkpCurve::Ed448, key.bytes())),
            PublicKey::X448(key) => Some((OkpCurve::X448, key.bytes())),
            _ => None,
        }
    }

    /// The DER SubjectPublicKeyInfo.
    pub fn to_spki(&self) -> Result<Vec<u8>> {
        let key = match self {
            PublicKey::Rsa(key) => {
                bit_string(&element(SEQUENCE, &[&unsigned(&key.n()), &unsigned(&key.e())]))
            }
            PublicKey::Ec(key) => bit_string(&key.point()),
            PublicKey::Ed25519(key) => bit_string(key.bytes()),
            PublicKey::X25519(key) => bit_string(key.bytes()),
            PublicKey::Ed448(key) => bit_string(key.bytes()),
            PublicKey::X448(key) => bit_string(key.bytes()),
            PublicKey::Dh(key) => bit_string(&unsigned(&key.y()?)),
            PublicKey::Dsa(key) => bit_string(&unsigned(key.y())),
            PublicKey::MlDsa(key) => bit_string(&key.bytes()),
        };
        Ok(element(SEQUENCE, &[&self.algorithm().write()?, &key]).to_vec())
    }

    fn algorithm(&self) -> Algorithm {
        match self {
            PublicKey::Rsa(_) => Algorithm::Rsa,
            PublicKey::Ec(key) => Algorithm::Ec(key.curve()),
            PublicKey::Ed25519(_) => Algorithm::Okp(OkpCurve::Ed25519),
            PublicKey::X25519(_) => Algorithm::Okp(OkpCurve::X25519),
            PublicKey::Ed448(_) => Algorithm::Okp(OkpCurve::Ed448),
            PublicKey::X448(_) => Algorithm::Okp(OkpCurve::X448),
            PublicKey::Dh(key) => Algorithm::Field(Field::Dh(key.group().clone())),
            PublicKey::Dsa(key) => Algorithm::Field(Field::Dsa(key.group().clone())),
            PublicKey::MlDsa(key) => Algorithm::MlDsa(key.set()),
        }
    }
}

pub(super) fn rsa_public(der: &[u8]) -> Result<RsaPublic> {
    let mut outer = Reader::new(der);
    let mut numbers = outer.enter(SEQUENCE)?;
    outer.end()?;
    let (n, e) = (numbers.unsigned()?, numbers.unsigned()?);
    numbers.end()?;
    RsaPublic::new(n, e)
}

impl PrivateKey {
    /// Parses and validates a DER PKCS#8 PrivateKeyInfo (not encrypted) or OneAsymmetricKey.
    ///
    /// Of RFC 9881's three ML-DSA forms each is taken. An unsupported curve is [`Error::Curve`], anything else
    /// [`Error::Key`].
    pub fn from_pkcs8(der: &[u8]) -> Result<PrivateKey> {
        let mut outer = Reader::new(der);
        let mut info = outer.enter(SEQUENCE)?;
        outer.end()?;
        if !matches!(info.unsigned()?, [0 | 1]) {
            return Err(VERSION);
        }
        let algorithm = Algorithm::read(&mut info)?;
        // Attributes and a public key may follow; nothing in them is needed.
        let key = info.take(OCTET_STRING)?;
        Ok(match algorithm {
            Algorithm::Rsa => PrivateKey::Rsa(rsa_private(key)?),
            Algorithm::Ec(curve) => PrivateKey::Ec(ec_private(curve, key)?),
            Algorithm::Okp(curve) => PrivateKey::okp(curve, octets(key)?)?,
            Algorithm::Field(field) => field.private(key)?,
            Algorithm::MlDsa(set) => PrivateKey::MlDsa(ml_dsa_private(set, key)?),
        })
    }

    /// A key of a curve of RFC 7748 or RFC 8032, from its bytes ([`Error::Key`]).
    pub fn okp(curve: OkpCurve, key: &[u8]) -> Result<PrivateKey> {
        match curve {
            OkpCurve::Ed25519 => Ed25519Private::from_seed(key).map(PrivateKey::Ed25519),
            OkpCurve::X25519 => X25519Private::from_bytes(key).map(PrivateKey::X25519),
            OkpCurve::Ed448 => Ed448Private::from_seed(key).map(PrivateKey::Ed448),
            OkpCurve::X448 => X448Private::from_bytes(key).map(PrivateKey::X448),
        }
    }

    /// A random key of a curve of RFC 7748 or RFC 8032.
    pub fn generate_okp(curve: OkpCurve) -> Result<PrivateKey> {
        match curve {
            OkpCurve::Ed25519 => Ed25519Private::generate().map(PrivateKey::Ed25519),
            OkpCurve::X25519 => X25519Private::generate().map(PrivateKey::X25519),
            OkpCurve::Ed448 => Ed448Private::generate().map(PrivateKey::Ed448),
            OkpCurve::X448 => X448Private::generate().map(PrivateKey::X448),
        }
    }

    /// The bytes of a key of a curve of RFC 7748 or RFC 8032; `None` for other algorithms.
    pub fn okp_bytes(&self) -> Option<SecretBytes> {
        match self {
            PrivateKey::Ed25519(key) => Some(key.seed()),
            PrivateKey::X25519(key) => Some(key.bytes()),
            PrivateKey::Ed448(key) => Some(key.seed()),
            PrivateKey::X448(key) => Some(key.bytes()),
            _ => None,
        }
    }

    /// The DER PKCS#8 PrivateKeyInfo. An EC key carries its public point; an ML-DSA key is written as its seed if
    /// that is known, else expanded.
    pub fn to_pkcs8(&self) -> Result<SecretBytes> {
        let key = match self {
            PrivateKey::Rsa(key) => write_rsa(&key.components()?)?,
            PrivateKey::Ec(key) => write_ec(key),
            PrivateKey::Ed25519(key) => element(OCTET_STRING, &[&key.seed()]),
            PrivateKey::X25519(key) => element(OCTET_STRING, &[&key.bytes()]),
            PrivateKey::Ed448(key) => element(OCTET_STRING, &[&key.seed()]),
            PrivateKey::X448(key) => element(OCTET_STRING, &[&key.bytes()]),
            PrivateKey::Dh(key) => unsigned(&key.value()),
            PrivateKey::Dsa(key) => unsigned(&key.value()),
            PrivateKey::MlDsa(key) => match key.seed() {
                Some(seed) => element(CONTEXT_0, &[&seed]),
                None => element(OCTET_STRING, &[&key.expanded()?]),
            },
        };
        let algorithm = self.public().algorithm().write()?;
        let mut der = element(SEQUENCE, &[&unsigned(&[0]), &algorithm, &element(OCTET_STRING, &[&key])]);
        Ok(SecretBytes::from(std::mem::take(&mut *der)))
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        match self {
            PrivateKey::Rsa(key) => PublicKey::Rsa(key.public()),
            PrivateKey::Ec(key) => PublicKey::Ec(key.public()),
            PrivateKey::Ed25519(key) => PublicKey::Ed25519(key.public()),
            PrivateKey::X25519(key) => PublicKey::X25519(key.public()),
            PrivateKey::Ed448(key) => PublicKey::Ed448(key.public()),
            PrivateKey::X448(key) => PublicKey::X448(key.public()),
            PrivateKey::Dh(key) => PublicKey::Dh(key.public()),
            PrivateKey::Dsa(key) => PublicKey::Dsa(key.public()),
            PrivateKey::MlDsa(key) => PublicKey::MlDsa(key.public()),
        }
    }
}

/// RFC 8410's CurvePrivateKey: an OCTET STRING.
fn octets(der: &[u8]) -> Result<&[u8]> {
    let mut reader = Reader::new(der);
    let key = reader.take(OCTET_STRING)?;
    reader.end()?;
    Ok(key)
}

/// RFC 8017's RSAPrivateKey with two primes.
pub(super) fn rsa_private(der: &[u8]) -> Result<RsaPrivate> {
    let mut outer = Reader::new(der);
    let mut numbers = outer.enter(SEQUENCE)?;
    outer.end()?;
    if numbers.unsigned()? != [0] {
        return Err(Error::Key("RSA: keys of more than two primes are not supported"));
    }
    let (n, e, d) = (numbers.unsigned()?, numbers.unsigned()?, numbers.unsigned()?);
    let mut part = || numbers.unsigned().map(|number| Some(SecretBytes::from(number)));
    let (p, q, dp, dq, qi) = (part()?, part()?, part()?, part()?, part()?);
    numbers.end()?;
    let parts = RsaComponents { n: n.to_vec(), e: Some(e.to_vec()), d: d.into(), p, q, dp, dq, qi };
    RsaPrivate::from_components(&parts)
}

fn write_rsa(parts: &RsaComponents) -> Result<Buffer> {
    const INCOMPLETE: Error = Error::Internal("RSA key without its primes");
    let secret = |part: &Option<SecretBytes>| part.as_deref().map(unsigned).ok_or(INCOMPLETE);
    let e = parts.e.as_deref().map(unsigned).ok_or(INCOMPLETE)?;
    Ok(element(
        SEQUENCE,
        &[
            &unsigned(&[0]),
            &unsigned(&parts.n),
            &e,
            &unsigned(&parts.d),
            &secret(&parts.p)?,
            &secret(&parts.q)?,
            &secret(&parts.dp)?,
            &secret(&parts.dq)?,
            &secret(&parts.qi)?,
        ],
    ))
}

/// RFC 5915's ECPrivateKey. Its curve and public point are optional, and must agree where they are there.
pub(super) fn ec_private(curve: Curve, der: &[u8]) -> Result<EcPrivate> {
    let mut outer = Reader::new(der);
    let mut parts = outer.enter(SEQUENCE)?;
    outer.end()?;
    if parts.unsigned()? != [1] {
        return Err(VERSION);
    }
    let key = EcPrivate::from_scalar(curve, parts.take(OCTET_STRING)?)?;
    if let Some(parameters) = parts.take_optional(EXPLICIT_0)?
        && Curve::from_oid_der(parameters)? != curve
    {
        return Err(Error::Key("EC: the encoding names two curves"));
    }
    if let Some(public) = parts.take_optional(EXPLICIT_1)? {
        let mut public = Reader::new(public);
        let point = EcPublic::from_point(curve, public.bit_string()?)?;
        public.end()?;
        if point.point() != key.public().point() {
            return Err(MISMATCH);
        }
    }
    parts.end()?;
    Ok(key)
}

fn write_ec(key: &EcPrivate) -> Buffer {
    let public = element(BIT_STRING, &[&[0], &key.public().point()]);
    element(
        SEQUENCE,
        &[&unsigned(&[1]), &element(OCTET_STRING, &[&key.scalar()]), &element(EXPLICIT_1, &[&public])],
    )
}

/// RFC 9881's ML-DSA-PrivateKey: `[0]` seed, OCTET STRING expanded, or SEQUENCE of both, which must agree.
fn ml_dsa_private(set: MlDsaSet, der: &[u8]) -> Result<MlDsaPrivate> {
    let mut reader = Reader::new(der);
    let key = match reader.peek() {
        Some(CONTEXT_0) => MlDsaPrivate::from_seed(set, reader.take(CONTEXT_0)?)?,
        Some(OCTET_STRING) => MlDsaPrivate::from_expanded(set, reader.take(OCTET_STRING)?)?,
        _ => {
            let mut both = reader.enter(SEQUENCE)?;
            let key = MlDsaPrivate::from_seed(set, both.take(OCTET_STRING)?)?;
            let expanded = both.take(OCTET_STRING)?;
            both.end()?;
            if !equal(&key.expanded()?, expanded) {
                return Err(Error::Key("ML-DSA: seed and expanded key do not belong together"));
            }
            key
        }
    };
    reader.end()?;
    Ok(key)
}
