//! The few DER shapes that PKCS#11 values and test vectors need.

/// DER of the namedCurve OIDs, by the names that test vectors use.
const CURVES: &[(&str, &[u8], usize)] = &[
    ("secp256r1", &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], 32),
    ("secp384r1", &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22], 48),
    ("secp521r1", &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23], 66),
    ("secp256k1", &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a], 32),
    ("brainpoolP256r1", &[0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07], 32),
    ("brainpoolP384r1", &[0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b], 48),
    ("brainpoolP512r1", &[0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0d], 64),
    ("secp224r1", &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x21], 28),
    ("ed25519", &[0x06, 0x03, 0x2b, 0x65, 0x70], 32),
    ("x25519", &[0x06, 0x03, 0x2b, 0x65, 0x6e], 32),
    ("ed448", &[0x06, 0x03, 0x2b, 0x65, 0x71], 57),
    ("x448", &[0x06, 0x03, 0x2b, 0x65, 0x6f], 56),
];

/// CKA_EC_PARAMS of a curve by its name; empty where the name is not known here.
pub fn curve_oid(name: &str) -> &'static [u8] {
    CURVES.iter().find(|(known, _, _)| *known == name).map_or(&[], |(_, oid, _)| oid)
}

/// Bytes of a coordinate (and of the order) of a curve by its name; 0 where the name is not known here.
pub fn field_len(name: &str) -> usize {
    CURVES.iter().find(|(known, _, _)| *known == name).map_or(0, |(_, _, len)| *len)
}

/// The tag, its contents and what follows, of one DER element with the minimal length encoding.
pub fn element(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = input.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (len, rest) = match *first {
        short @ 0..=0x7f => (usize::from(short), rest),
        long @ 0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            let len = bytes.iter().fold(0_usize, |len, byte| len << 8 | usize::from(*byte));
            if bytes.first() == Some(&0) || len < 0x80 {
                return None;
            }
            (len, rest)
        }
        _ => return None,
    };
    let (contents, rest) = rest.split_at_checked(len)?;
    Some((*tag, contents, rest))
}

/// One DER element.
pub fn encode(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let len = contents.len().to_be_bytes();
    let significant: Vec<u8> = len.into_iter().skip_while(|byte| *byte == 0).collect();
    match significant.as_slice() {
        [] => out.push(0),
        [short] if *short < 0x80 => out.push(*short),
        long => {
            out.push(0x80 | u8::try_from(long.len()).unwrap_or(8));
            out.extend_from_slice(long);
        }
    }
    out.extend_from_slice(contents);
    out
}

/// An OCTET STRING, as CKA_EC_POINT wants around a point.
pub fn octet_string(contents: &[u8]) -> Vec<u8> {
    encode(0x04, contents)
}

/// A non-negative INTEGER in its minimal form, without the sign byte.
fn unsigned(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (0x02, contents, rest) = element(input)? else { return None };
    match contents {
        [] => None,
        [0, next, ..] if *next < 0x80 => None,
        [0] => Some((&[], rest)),
        [0, magnitude @ ..] => Some((magnitude, rest)),
        [first, ..] if *first >= 0x80 => None,
        magnitude => Some((magnitude, rest)),
    }
}

/// r||s, each of `len` bytes, from a strict DER ECDSA signature; `None` where the DER is not valid or a
/// number does not fit, so that PKCS#11 cannot express the signature.
pub fn ecdsa_to_fixed(signature: &[u8], len: usize) -> Option<Vec<u8>> {
    let (0x30, contents, []) = element(signature)? else { return None };
    let (r, rest) = unsigned(contents)?;
    let (s, []) = unsigned(rest)? else { return None };
    let mut out = vec![0; len.checked_sub(r.len())?];
    out.extend_from_slice(r);
    out.resize(len + len.checked_sub(s.len())?, 0);
    out.extend_from_slice(s);
    Some(out)
}

/// The bytes of the BIT STRING of a SubjectPublicKeyInfo.
pub fn spki_key(spki: &[u8]) -> Option<&[u8]> {
    let (0x30, contents, _) = element(spki)? else { return None };
    let (_, _, rest) = element(contents)?;
    let (0x03, bits, _) = element(rest)? else { return None };
    bits.split_first().map(|(_, key)| key)
}

/// The DER prefix of a DigestInfo with this hash (mechanism value), for signing a digest with CKM_RSA_PKCS.
pub fn digest_info(oid: &[u8], digest: &[u8]) -> Vec<u8> {
    let algorithm = encode(0x30, &[encode(0x06, oid), vec![0x05, 0x00]].concat());
    encode(0x30, &[algorithm, encode(0x04, digest)].concat())
}

/// OID contents of SHA-256.
pub const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converts_a_signature_and_refuses_padding() {
        let der = [0x30, 0x07, 0x02, 0x02, 0x00, 0x80, 0x02, 0x01, 0x05];
        assert_eq!(ecdsa_to_fixed(&der, 2), Some(vec![0, 0x80, 0, 5]));
        assert_eq!(ecdsa_to_fixed(&[0x30, 0x07, 0x02, 0x02, 0x00, 0x01, 0x02, 0x01, 0x05], 2), None);
        assert_eq!(ecdsa_to_fixed(&[der.as_slice(), &[0]].concat(), 2), None);
    }

    #[test]
    fn encodes_long_lengths() {
        assert_eq!(octet_string(&[1]), [4, 1, 1]);
        assert_eq!(octet_string(&[0; 200])[..3], [4, 0x81, 200]);
        assert_eq!(element(&octet_string(&[7; 300])).map(|(_, inner, _)| inner.len()), Some(300));
    }
}
