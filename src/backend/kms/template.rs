//! What a template asks a service to make.

use super::client::{KeySpec, NewKey};
use crate::backend::held;
use crate::crypto::Hash;
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::material;
use crate::object::{self, Attributes, Template};
use crate::types::{ck, length};

const HMACS: [(ck::CK_KEY_TYPE, Hash); 5] = [
    (ck::CKK_SHA_1_HMAC, Hash::Sha1),
    (ck::CKK_SHA224_HMAC, Hash::Sha224),
    (ck::CKK_SHA256_HMAC, Hash::Sha256),
    (ck::CKK_SHA384_HMAC, Hash::Sha384),
    (ck::CKK_SHA512_HMAC, Hash::Sha512),
];

fn inconsistent(why: &'static str) -> Error {
    Error::new(ErrorKind::TemplateInconsistent, why)
}

/// The pair of two templates, completed; `asked` is the private one as the caller gave it. CKR_TEMPLATE_INCOMPLETE, CKR_TEMPLATE_INCONSISTENT,
/// CKR_CURVE_NOT_SUPPORTED, CKR_PARAMETER_SET_NOT_SUPPORTED.
pub fn pair(public: &Attributes, private: &Attributes, asked: &Template) -> Result<NewKey> {
    if !object::is_token(private) || !object::is_token(public) {
        return Err(inconsistent("CKA_TOKEN: key pairs are made in the service, and stay there"));
    }
    let spec = match public.key_type() {
        Some(ck::CKK_RSA) => {
            let bits = public.ulong(ck::CKA_MODULUS_BITS);
            let missing = || Error::new(ErrorKind::TemplateIncomplete, "CKA_MODULUS_BITS is missing");
            let bits = u32::try_from(bits.ok_or_else(missing)?);
            KeySpec::Rsa(bits.map_err(|_| Error::new(ErrorKind::AttributeValueInvalid, "CKA_MODULUS_BITS"))?)
        }
        Some(ck::CKK_EC) => KeySpec::Ec(material::weierstrass(public)?),
        Some(ck::CKK_EC_EDWARDS) if material::is_okp(public) => KeySpec::Ed25519,
        Some(ck::CKK_ML_DSA) => KeySpec::MlDsa(material::parameter_set(public)?),
        Some(ck::CKK_ML_KEM) => KeySpec::MlKem(material::ml_kem_set(public)?),
        _ => return Err(inconsistent("the service makes no key pairs of this type")),
    };
    new_key(spec, private, asked)
}

/// The secret key of a template, completed; `asked` is as the caller gave it. CKR_TEMPLATE_INCOMPLETE, CKR_TEMPLATE_INCONSISTENT.
pub fn secret(key: &Attributes, asked: &Template) -> Result<NewKey> {
    let len = key.ulong(ck::CKA_VALUE_LEN).map(length);
    let hmac = |hash: Hash| KeySpec::Hmac(hash, len.unwrap_or(hash.len()));
    let spec = match key.key_type() {
        Some(ck::CKK_AES) => KeySpec::Aes(len.ok_or_else(|| {
            Error::new(ErrorKind::TemplateIncomplete, "CKA_VALUE_LEN is missing: 16, 24 or 32 bytes")
        })?),
        Some(ck::CKK_GENERIC_SECRET) => hmac(Hash::Sha256),
        other => match HMACS.iter().find(|(key_type, _)| Some(*key_type) == other) {
            Some((_, hash)) => hmac(*hash),
            None => return Err(inconsistent("the service makes no secret keys of this type")),
        },
    };
    new_key(spec, key, asked)
}

/// Usages that the caller's template names, or all that it does not exclude: a service's keys sign, or agree, or decrypt,
/// so that what is left open is signing.
fn new_key(spec: KeySpec, own: &Attributes, asked: &Template) -> Result<NewKey> {
    let names = |usage| asked.flag(usage) == Some(true);
    let named = [ck::CKA_SIGN, ck::CKA_DECRYPT, ck::CKA_UNWRAP, ck::CKA_DERIVE].into_iter().any(names);
    let is_for = |usage| if named { names(usage) } else { own.flag(usage) };
    let (signs, decrypts) = (is_for(ck::CKA_SIGN), is_for(ck::CKA_DECRYPT) || is_for(ck::CKA_UNWRAP));
    let derives = is_for(ck::CKA_DERIVE);
    let named = |label: &[u8]| String::from_utf8(label.to_vec()).ok();
    let label = match own.bytes(ck::CKA_LABEL).filter(|label| !label.is_empty()) {
        Some(label) => named(label)
            .ok_or_else(|| Error::new(ErrorKind::AttributeValueInvalid, "CKA_LABEL is no UTF-8"))?,
        None => format!("keyward-{}", held::unique_id()?.get(..12).unwrap_or("key")),
    };
    if own.flag(ck::CKA_EXTRACTABLE) {
        return Err(inconsistent("CKA_EXTRACTABLE: a service's keys never leave it"));
    }
    let signs = !matches!(spec, KeySpec::MlKem(_)) && (signs || !(decrypts || derives));
    Ok(NewKey { label, spec, signs, decrypts, derives })
}

/// CKR_TEMPLATE_INCONSISTENT for a token object: nothing is brought into a service.
pub fn expect_session_object(key: &Attributes) -> Result<()> {
    match object::is_token(key) {
        false => Ok(()),
        true => Err(inconsistent(
            "CKA_TOKEN: a cloud slot stores no objects of callers; CKA_TOKEN false makes a session object",
        )),
    }
}
