//! Curves and parameter sets: one row each.

use super::{Error, Result};

/// A short Weierstrass curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Curve {
    /// NIST P-256, secp256r1.
    P256,
    /// NIST P-384, secp384r1.
    P384,
    /// NIST P-521, secp521r1.
    P521,
    /// secp256k1 (SEC 2).
    Secp256k1,
    /// brainpoolP256r1 (RFC 5639).
    BrainpoolP256r1,
    /// brainpoolP384r1 (RFC 5639).
    BrainpoolP384r1,
    /// brainpoolP512r1 (RFC 5639).
    BrainpoolP512r1,
}

/// A curve of RFC 7748 or RFC 8032.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OkpCurve {
    /// edwards25519, for Ed25519 signatures.
    Ed25519,
    /// curve25519, for X25519 key agreement.
    X25519,
    /// edwards448, for Ed448 signatures.
    Ed448,
    /// curve448, for X448 key agreement.
    X448,
}

/// What is fixed about a named curve. `oids` are complete DER OBJECT IDENTIFIERs; the first one is written.
struct Row {
    names: &'static [&'static str],
    oids: &'static [&'static [u8]],
    field_len: usize,
}

const P256: Row = Row {
    names: &["secp256r1", "prime256v1", "P-256"],
    oids: &[&[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]],
    field_len: 32,
};
const P384: Row = Row {
    names: &["secp384r1", "P-384"],
    oids: &[&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22]],
    field_len: 48,
};
const P521: Row = Row {
    names: &["secp521r1", "P-521"],
    oids: &[&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23]],
    field_len: 66,
};
const SECP256K1: Row =
    Row { names: &["secp256k1"], oids: &[&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a]], field_len: 32 };
const BRAINPOOL_P256R1: Row = Row {
    names: &["brainpoolP256r1"],
    oids: &[&[0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07]],
    field_len: 32,
};
const BRAINPOOL_P384R1: Row = Row {
    names: &["brainpoolP384r1"],
    oids: &[&[0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b]],
    field_len: 48,
};
const BRAINPOOL_P512R1: Row = Row {
    names: &["brainpoolP512r1"],
    oids: &[&[0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0d]],
    field_len: 64,
};
// The second OIDs come from an expired draft (1.3.6.1.4.1.11591.15.1, 1.3.6.1.4.1.3029.1.5.1) that older PKCS#11
// consumers still send.
const ED25519: Row = Row {
    names: &["edwards25519", "Ed25519", "id-Ed25519"],
    oids: &[
        &[0x06, 0x03, 0x2b, 0x65, 0x70],
        &[0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01],
    ],
    field_len: 32,
};
const X25519: Row = Row {
    names: &["curve25519", "X25519", "id-X25519"],
    oids: &[
        &[0x06, 0x03, 0x2b, 0x65, 0x6e],
        &[0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x97, 0x55, 0x01, 0x05, 0x01],
    ],
    field_len: 32,
};
const ED448: Row = Row {
    names: &["edwards448", "Ed448", "id-Ed448"],
    oids: &[&[0x06, 0x03, 0x2b, 0x65, 0x71]],
    field_len: 57,
};
const X448: Row =
    Row { names: &["curve448", "X448", "id-X448"], oids: &[&[0x06, 0x03, 0x2b, 0x65, 0x6f]], field_len: 56 };

impl Row {
    /// True if `der` is one of the OIDs, or a PrintableString or UTF8String of one of the names.
    fn is(&self, der: &[u8]) -> bool {
        match der {
            [0x13 | 0x0c, len, name @ ..] if usize::from(*len) == name.len() && *len < 0x80 => {
                self.names.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name))
            }
            _ => self.oids.contains(&der),
        }
    }

    fn oid(&self) -> &'static [u8] {
        self.oids.first().copied().unwrap_or_default()
    }
}

impl Curve {
    /// Every curve.
    pub const ALL: [Curve; 7] = [
        Curve::P256,
        Curve::P384,
        Curve::P521,
        Curve::Secp256k1,
        Curve::BrainpoolP256r1,
        Curve::BrainpoolP384r1,
        Curve::BrainpoolP512r1,
    ];

    const fn row(self) -> &'static Row {
        match self {
            Curve::P256 => &P256,
            Curve::P384 => &P384,
            Curve::P521 => &P521,
            Curve::Secp256k1 => &SECP256K1,
            Curve::BrainpoolP256r1 => &BRAINPOOL_P256R1,
            Curve::BrainpoolP384r1 => &BRAINPOOL_P384R1,
            Curve::BrainpoolP512r1 => &BRAINPOOL_P512R1,
        }
    }

    /// The curve that DER parameters name: a namedCurve OID, or a PrintableString as "secp256r1" or "prime256v1".
    /// [`Error::Curve`] for any other, explicit parameters among them.
    pub fn from_oid_der(der: &[u8]) -> Result<Curve> {
        Curve::ALL.into_iter().find(|curve| curve.row().is(der)).ok_or(Error::Curve)
    }

    /// The DER OBJECT IDENTIFIER, tag and length included.
    pub fn oid_der(self) -> &'static [u8] {
        self.row().oid()
    }

    /// The name of SEC 2 or RFC 5639.
    pub fn name(self) -> &'static str {
        self.row().names.first().copied().unwrap_or_default()
    }

    /// Size of the field in bits: what PKCS#11 counts as the key size.
    pub const fn bits(self) -> usize {
        match self {
            Curve::P521 => 521,
            _ => self.row().field_len * 8,
        }
    }

    /// Length of a coordinate in bytes; an uncompressed point has `1 + 2 * field_len()`.
    pub const fn field_len(self) -> usize {
        self.row().field_len
    }

    /// Length of a scalar in bytes; a signature has `2 * order_len()`. The same as the field's on every curve here.
    pub const fn order_len(self) -> usize {
        self.row().field_len
    }
}

impl OkpCurve {
    /// Every curve.
    pub const ALL: [OkpCurve; 4] = [OkpCurve::Ed25519, OkpCurve::X25519, OkpCurve::Ed448, OkpCurve::X448];

    /// The curves of signatures.
    pub const EDWARDS: [OkpCurve; 2] = [OkpCurve::Ed25519, OkpCurve::Ed448];

    /// The curves of key agreement.
    pub const MONTGOMERY: [OkpCurve; 2] = [OkpCurve::X25519, OkpCurve::X448];

    const fn row(self) -> &'static Row {
        match self {
            OkpCurve::Ed25519 => &ED25519,
            OkpCurve::X25519 => &X25519,
            OkpCurve::Ed448 => &ED448,
            OkpCurve::X448 => &X448,
        }
    }

    /// The curve that DER parameters name: an OID (RFC 8410's, or the older draft's), or a PrintableString as
    /// "edwards25519". [`Error::Curve`] for any other.
    pub fn from_oid_der(der: &[u8]) -> Result<OkpCurve> {
        OkpCurve::ALL.into_iter().find(|curve| curve.row().is(der)).ok_or(Error::Curve)
    }

    /// RFC 8410's DER OBJECT IDENTIFIER, tag and length included.
    pub fn oid_der(self) -> &'static [u8] {
        self.row().oid()
    }

    /// The curve's name in PKCS#11's PrintableString form.
    pub fn name(self) -> &'static str {
        self.row().names.first().copied().unwrap_or_default()
    }

    /// Length of a key in bytes, public and private alike; an EdDSA signature has twice as many.
    pub const fn key_len(self) -> usize {
        self.row().field_len
    }
}

/// An ML-DSA parameter set (FIPS 204).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MlDsaSet {
    /// Category 2.
    MlDsa44,
    /// Category 3.
    MlDsa65,
    /// Category 5.
    MlDsa87,
}

impl MlDsaSet {
    /// Every parameter set.
    pub const ALL: [MlDsaSet; 3] = [MlDsaSet::MlDsa44, MlDsaSet::MlDsa65, MlDsaSet::MlDsa87];

    /// FIPS 204's name.
    pub const fn name(self) -> &'static str {
        match self {
            MlDsaSet::MlDsa44 => "ML-DSA-44",
            MlDsaSet::MlDsa65 => "ML-DSA-65",
            MlDsaSet::MlDsa87 => "ML-DSA-87",
        }
    }

    /// Public key, expanded private key and signature in bytes.
    const fn lens(self) -> (usize, usize, usize) {
        match self {
            MlDsaSet::MlDsa44 => (1312, 2560, 2420),
            MlDsaSet::MlDsa65 => (1952, 4032, 3309),
            MlDsaSet::MlDsa87 => (2592, 4896, 4627),
        }
    }

    /// Length of a public key in bytes.
    pub const fn public_len(self) -> usize {
        self.lens().0
    }

    /// Length of an expanded private key in bytes.
    pub const fn private_len(self) -> usize {
        self.lens().1
    }

    /// Length of a signature in bytes.
    pub const fn signature_len(self) -> usize {
        self.lens().2
    }

    /// The set whose public keys have `len` bytes.
    pub fn from_public_len(len: usize) -> Option<MlDsaSet> {
        MlDsaSet::ALL.into_iter().find(|set| set.public_len() == len)
    }

    /// The DER OBJECT IDENTIFIER of keys (RFC 9881): 2.16.840.1.101.3.4.3.17 to 19.
    pub(super) const fn oid_der(self) -> [u8; 11] {
        [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, self.oid_arc()]
    }

    const fn oid_arc(self) -> u8 {
        match self {
            MlDsaSet::MlDsa44 => 17,
            MlDsaSet::MlDsa65 => 18,
            MlDsaSet::MlDsa87 => 19,
        }
    }
}

/// Whether an ML-DSA signature mixes fresh randomness in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hedge {
    /// Hedged; a deterministic signature would do.
    Preferred,
    /// Hedged, or not at all.
    Required,
    /// Deterministic: the same message gives the same signature.
    Deterministic,
}
