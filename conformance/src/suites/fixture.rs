//! Keys and objects that many cases start from; all are session objects unless a case adds CKA_TOKEN.

use cryptoki_sys::*;

use crate::{Attr, Mech, Object, Rv, Session, der};

/// `base` with the attributes of `extra` added or, where the type is there already, replaced.
pub fn with(mut base: Vec<Attr>, extra: &[Attr]) -> Vec<Attr> {
    for attribute in extra {
        base.retain(|known| known.kind() != attribute.kind());
        base.push(attribute.clone());
    }
    base
}

/// Generates an AES-256 key that may do everything an AES key can; not extractable.
pub fn aes(session: &Session, extra: &[Attr]) -> Result<Object, Rv> {
    let uses = [CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP];
    let mut template: Vec<Attr> = uses.iter().map(|usage| Attr::bool(*usage, true)).collect();
    template.extend([Attr::value_len(32), Attr::token(false)]);
    session.generate_key(&Mech::new(CKM_AES_KEY_GEN), &with(template, extra))
}

/// The template of a readable generic secret, for C_CreateObject.
pub fn secret_template(value: &[u8]) -> Vec<Attr> {
    vec![
        Attr::class(CKO_SECRET_KEY),
        Attr::key_type(CKK_GENERIC_SECRET),
        Attr::token(false),
        Attr::bool(CKA_SENSITIVE, false),
        Attr::bool(CKA_EXTRACTABLE, true),
        Attr::bool(CKA_SIGN, true),
        Attr::bool(CKA_VERIFY, true),
        Attr::value(value),
    ]
}

/// A readable generic secret.
pub fn secret(session: &Session, value: &[u8]) -> Result<Object, Rv> {
    session.create(&secret_template(value))
}

/// The template of a readable AES key with the given uses, for C_CreateObject.
pub fn aes_template(value: &[u8], uses: &[CK_ATTRIBUTE_TYPE]) -> Vec<Attr> {
    let mut template = vec![
        Attr::class(CKO_SECRET_KEY),
        Attr::key_type(CKK_AES),
        Attr::token(false),
        Attr::bool(CKA_SENSITIVE, false),
        Attr::bool(CKA_EXTRACTABLE, true),
        Attr::value(value),
    ];
    template.extend(uses.iter().map(|usage| Attr::bool(*usage, true)));
    template
}

/// A public data object's template.
pub fn data_template(label: &str, value: &[u8]) -> Vec<Attr> {
    vec![
        Attr::class(CKO_DATA),
        Attr::token(false),
        Attr::private(false),
        Attr::label(label),
        Attr::string(CKA_APPLICATION, "conformance"),
        Attr::value(value),
    ]
}

/// Generates an RSA-2048 key pair that signs, decrypts and wraps.
pub fn rsa(session: &Session, private: &[Attr]) -> Result<(Object, Object), Rv> {
    session.generate_pair(
        &Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN),
        &[
            Attr::ulong(CKA_MODULUS_BITS, 2048),
            Attr::bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1]),
            Attr::token(false),
            Attr::bool(CKA_VERIFY, true),
            Attr::bool(CKA_ENCRYPT, true),
            Attr::bool(CKA_WRAP, true),
        ],
        &with(
            vec![
                Attr::token(false),
                Attr::bool(CKA_SIGN, true),
                Attr::bool(CKA_DECRYPT, true),
                Attr::bool(CKA_UNWRAP, true),
            ],
            private,
        ),
    )
}

/// Generates a P-256 key pair that signs and derives.
pub fn ec(session: &Session, private: &[Attr]) -> Result<(Object, Object), Rv> {
    session.generate_pair(
        &Mech::new(CKM_EC_KEY_PAIR_GEN),
        &[
            Attr::bytes(CKA_EC_PARAMS, der::curve_oid("secp256r1")),
            Attr::token(false),
            Attr::bool(CKA_VERIFY, true),
        ],
        &with(vec![Attr::token(false), Attr::bool(CKA_SIGN, true), Attr::bool(CKA_DERIVE, true)], private),
    )
}

/// The raw point of an EC public key object.
pub fn point(session: &Session, public: Object) -> Result<Vec<u8>, Rv> {
    let value = session.get(public, CKA_EC_POINT)?;
    match der::element(&value) {
        Some((0x04, point, [])) => Ok(point.to_vec()),
        _ => Ok(value),
    }
}
