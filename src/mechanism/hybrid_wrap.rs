//! Wrapping under an AES key that is made for one key, and is itself wrapped by RSA or agreed on by Diffie-Hellman
//! (PKCS#11 v3.2, sections 6 "RSA AES KEY WRAP" and "ECDH AES KEY WRAP"). The key goes into RFC 5649's wrapping.
//!
//! What comes out of the RSA and the ECDH mechanisms is what their parts give, one behind the other: the AES key in
//! OAEP, or the public key of the one-time pair. A Weierstrass point is written as the DER OCTET STRING of
//! CKA_EC_POINT, which CKM_ECDH_COF_AES_KEY_WRAP asks for and CKM_ECDH_AES_KEY_WRAP leaves open, a Montgomery value
//! bare.

use zeroize::Zeroizing;

use crate::crypto::{EcPrivate, PrivateKey, PublicKey, aes, random};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{SecretBytes, ck};

use super::descriptor::{Descriptor, Ops, Provider};
use super::ec;
use super::edwards;
use super::errors;
use super::key::{Key, wrong_type};
use super::material::{octet_string, point_lens};
use super::params::{ParamKind, Params};
use super::{derive, rsa};

const fn ecdh(
    kind: ck::CK_MECHANISM_TYPE,
    name: &'static str,
    key_types: &'static [ck::CK_KEY_TYPE],
    (min_key_size, max_key_size): (ck::CK_ULONG, ck::CK_ULONG),
) -> Descriptor {
    Descriptor {
        kind,
        name,
        key_types,
        min_key_size,
        max_key_size,
        param: ParamKind::EcdhAesWrap,
        ops: Ops { wrap: Some(ecdh_wrap), unwrap: Some(ecdh_unwrap), ..Ops::NONE },
        extra_flags: ec::FLAGS,
        legacy: false,
        fips: true,
        provider: Provider::OfBuild,
        vectors: "Python cryptography",
    }
}

pub(super) const ROWS: &[Descriptor] = &[
    Descriptor {
        kind: ck::CKM_RSA_AES_KEY_WRAP,
        name: "CKM_RSA_AES_KEY_WRAP",
        key_types: &[ck::CKK_RSA],
        min_key_size: rsa::BITS.0,
        max_key_size: rsa::BITS.1,
        param: ParamKind::RsaAesWrap,
        ops: Ops { wrap: Some(rsa_wrap), unwrap: Some(rsa_unwrap), ..Ops::NONE },
        extra_flags: 0,
        legacy: false,
        fips: true,
        provider: Provider::OfBuild,
        vectors: "OpenSSL",
    },
    ecdh(
        ck::CKM_ECDH_AES_KEY_WRAP,
        "CKM_ECDH_AES_KEY_WRAP",
        &[ck::CKK_EC, ck::CKK_EC_MONTGOMERY],
        (edwards::BITS.0, ec::BITS.1),
    ),
    ecdh(ck::CKM_ECDH_COF_AES_KEY_WRAP, "CKM_ECDH_COF_AES_KEY_WRAP", &[ck::CKK_EC], ec::BITS),
    Descriptor {
        // X25519 and X448 are no key agreement of SP 800-56A.
        fips: false,
        ..ecdh(
            ck::CKM_ECDH_X_AES_KEY_WRAP,
            "CKM_ECDH_X_AES_KEY_WRAP",
            &[ck::CKK_EC_MONTGOMERY],
            edwards::BITS,
        )
    },
];

/// ulAESKeyBits in bytes. CKR_MECHANISM_PARAM_INVALID.
fn aes_len(bits: ck::CK_ULONG) -> Result<usize> {
    match bits {
        128 => Ok(16),
        192 => Ok(24),
        256 => Ok(32),
        _ => Err(Error::new(ErrorKind::MechanismParamInvalid, "ulAESKeyBits is 128, 192 or 256")),
    }
}

/// RFC 5649 around the encoding of a key.
fn wrap_under(key: &[u8], encoding: &[u8]) -> Result<Vec<u8>> {
    aes::wrap_pad(key, None, encoding).map_err(errors::data).map_err(errors::wrap)
}

fn unwrap_under(key: &[u8], wrapped: &[u8]) -> Result<SecretBytes> {
    aes::unwrap_pad(key, None, wrapped).map_err(errors::decrypt).map_err(errors::unwrap)
}

fn wrong_len() -> Error {
    Error::new(ErrorKind::WrappedKeyLenRange, "the wrapped key has not the length of its two parts")
}

fn rsa_params(params: &Params) -> Result<(usize, &Params)> {
    match params {
        Params::RsaAesWrap { aes_bits, oaep } => Ok((aes_len(*aes_bits)?, oaep)),
        _ => Err(errors::wrong_param()),
    }
}

fn rsa_wrap(key: &Key, params: &Params, encoding: &[u8]) -> Result<Vec<u8>> {
    let (len, oaep) = rsa_params(params)?;
    let mut aes_key = Zeroizing::new(vec![0; len]);
    random(&mut aes_key).map_err(errors::data)?;
    let head = rsa::oaep_wrap(key, oaep, &aes_key)?;
    Ok([head, wrap_under(&aes_key, encoding)?].concat())
}

fn rsa_unwrap(key: &Key, params: &Params, wrapped: &[u8], _: Option<usize>) -> Result<SecretBytes> {
    let (len, oaep) = rsa_params(params)?;
    let (head, rest) = wrapped.split_at_checked(key.rsa_private()?.len()).ok_or_else(wrong_len)?;
    let aes_key = rsa::oaep_unwrap(key, oaep, head)?;
    if aes_key.len() != len {
        return Err(ErrorKind::WrappedKeyInvalid.into());
    }
    unwrap_under(&aes_key, rest)
}

/// The AES key of an agreement: the beginning of what CKM_ECDH1_DERIVE derives.
fn agreed(own: &PrivateKey, params: &Params, public: &[u8]) -> Result<SecretBytes> {
    let Params::EcdhAesWrap { aes_bits, kdf, shared } = params else { return Err(errors::wrong_param()) };
    let len = aes_len(*aes_bits)?;
    let ecdh = Params::Ecdh { kdf: *kdf, shared: shared.clone(), public: public.to_vec() };
    // Without a key derivation function the whole secret is derived, and cut here at its other end.
    let wanted = (*kdf != ck::CKD_NULL).then_some(len);
    let mut key = derive::derive(&Key::Private(own.clone()), &ecdh, wanted)?;
    key.truncate(len);
    match key.len() == len {
        true => Ok(key),
        false => Err(Error::new(
            ErrorKind::MechanismParamInvalid,
            "ulAESKeyBits is more than the curve's shared secret has",
        )),
    }
}

/// A fresh private key of the same curve.
fn one_time(key: &PublicKey) -> Result<PrivateKey> {
    match (key, key.as_okp()) {
        (PublicKey::Ec(key), _) => EcPrivate::generate(key.curve()).map(PrivateKey::Ec),
        (_, Some((curve, _))) => PrivateKey::generate_okp(curve),
        _ => return Err(wrong_type()),
    }
    .map_err(errors::data)
}

/// A public key as it stands before the wrapped key.
fn head(key: &PublicKey) -> Result<Vec<u8>> {
    match (key, key.as_okp()) {
        (PublicKey::Ec(key), _) => Ok(octet_string(&key.point())),
        (_, Some((_, bytes))) => Ok(bytes.to_vec()),
        _ => Err(wrong_type()),
    }
}

/// The peer's value as CKM_ECDH1_DERIVE takes it.
fn bare(key: &PublicKey) -> Result<Vec<u8>> {
    match (key, key.as_okp()) {
        (PublicKey::Ec(key), _) => Ok(key.point()),
        (_, Some((_, bytes))) => Ok(bytes.to_vec()),
        _ => Err(wrong_type()),
    }
}

fn ecdh_wrap(key: &Key, params: &Params, encoding: &[u8]) -> Result<Vec<u8>> {
    let Key::Public(theirs) = key else { return Err(wrong_type()) };
    let transport = one_time(theirs)?;
    let aes_key = agreed(&transport, params, &bare(theirs)?)?;
    Ok([head(&transport.public())?, wrap_under(&aes_key, encoding)?].concat())
}

fn ecdh_unwrap(key: &Key, params: &Params, wrapped: &[u8], _: Option<usize>) -> Result<SecretBytes> {
    let Key::Private(own) = key else { return Err(wrong_type()) };
    let (public, rest) = wrapped.split_at_checked(head_len(own, wrapped)?).ok_or_else(wrong_len)?;
    let aes_key = agreed(own, params, public).map_err(|error| match error.kind() {
        ErrorKind::PublicKeyInvalid => error.with_kind(ErrorKind::WrappedKeyInvalid),
        _ => error,
    })?;
    unwrap_under(&aes_key, rest)
}

/// How many bytes of a wrapped key are the one-time public key. Others write a Weierstrass point bare. How it begins does
/// not tell, since a bare point may begin like a DER OCTET STRING; its length does: RFC 5649's wrapping has whole blocks
/// of 8 bytes, and a header is shorter than one.
fn head_len(own: &PrivateKey, wrapped: &[u8]) -> Result<usize> {
    match (own, own.public().as_okp()) {
        (PrivateKey::Ec(own), _) => {
            let [_, point_len] = point_lens(own.curve());
            let in_der = octet_string(&vec![0x04; point_len]).len();
            let whole_blocks = |rest: usize| rest.is_multiple_of(8);
            let fits = |head: &usize| wrapped.len().checked_sub(*head).is_some_and(whole_blocks);
            [in_der, point_len].into_iter().find(fits).ok_or_else(wrong_len)
        }
        (_, Some((curve, _))) => Ok(curve.key_len()),
        _ => Err(wrong_type()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Curve;

    #[test]
    fn the_length_tells_a_bare_point_from_one_in_der() {
        for (curve, bare, in_der) in [(Curve::P256, 65, 67), (Curve::P384, 97, 99), (Curve::P521, 133, 136)] {
            let own = PrivateKey::Ec(EcPrivate::generate(curve).unwrap());
            // A point that begins like DER, with either header.
            let begin = octet_string(&vec![0x04; bare]);
            for head in [bare, in_der] {
                let wrapped = [&begin[..head.min(begin.len())], &[0; 24]].concat();
                assert_eq!(head_len(&own, &wrapped).unwrap(), head, "{curve:?}");
            }
        }
    }
}
