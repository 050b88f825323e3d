//! Keys: generation, wrapping, derivation, encapsulation.

use cryptoki_sys::*;

use super::{Row, row};
use crate::runner::Check;
use crate::suites::arguments::call::{Arg, KeyArg};
use crate::suites::arguments::faults::OUTPUT;
use crate::suites::arguments::scene::Scene;
use crate::{Attr, Mech, Object, der};

const WRAP: &[(CK_MECHANISM_TYPE, CK_FLAGS)] = &[(CKM_AES_KEY_WRAP, CKF_WRAP | CKF_UNWRAP)];
const SEAL: &[(CK_MECHANISM_TYPE, CK_FLAGS)] = &[(CKM_AES_GCM, CKF_WRAP | CKF_UNWRAP)];
const KEM: &[(CK_MECHANISM_TYPE, CK_FLAGS)] =
    &[(CKM_ML_KEM_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR), (CKM_ML_KEM, CKF_ENCAPSULATE | CKF_DECAPSULATE)];

const WRAPPING: (CK_RV, &[CK_RV]) = (CKR_WRAPPING_KEY_HANDLE_INVALID, &[CKR_WRAPPING_KEY_TYPE_INCONSISTENT]);
const UNWRAPPING: (CK_RV, &[CK_RV]) =
    (CKR_UNWRAPPING_KEY_HANDLE_INVALID, &[CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT]);

/// A secret key that is made, of whatever the call makes it of.
fn template() -> Vec<Attr> {
    vec![
        Attr::class(CKO_SECRET_KEY),
        Attr::key_type(CKK_GENERIC_SECRET),
        Attr::token(false),
        Attr::private(false),
        Attr::bool(CKA_SENSITIVE, false),
        Attr::bool(CKA_EXTRACTABLE, true),
    ]
}

fn made() -> Arg {
    Arg::Template(template())
}

/// The key that is wrapped.
fn target(scene: &Scene) -> Arg {
    Arg::Key(KeyArg { key: scene.secret, other: None, denied: None, invalid: CKR_KEY_HANDLE_INVALID })
}

fn sealing() -> Mech {
    Mech::gcm_message(&[6; 12], 0, CKG_NO_GENERATE, &[0; 16])
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = generation();
    rows.extend(wrapping());
    rows.extend(authenticated());
    rows.extend(encapsulation());
    rows
}

fn generation() -> Vec<Row> {
    vec![
        row("C_GenerateKey", |_, _| {
            let mut template = template();
            template.retain(|attribute| attribute.kind() != CKA_KEY_TYPE);
            template.push(Attr::value_len(32));
            let mechanism = Arg::Mechanism(Mech::new(CKM_AES_KEY_GEN), CKM_SHA256);
            Ok(vec![Arg::Session, mechanism, Arg::Template(template), Arg::Place(1)])
        })
        .needs(&[(CKM_AES_KEY_GEN, CKF_GENERATE)]),
        row("C_GenerateKeyPair", |_, _| {
            let part = |class, extra: Attr| {
                Arg::Template(vec![Attr::class(class), Attr::token(false), Attr::private(false), extra])
            };
            Ok(vec![
                Arg::Session,
                Arg::Mechanism(Mech::new(CKM_EC_KEY_PAIR_GEN), CKM_SHA256),
                part(CKO_PUBLIC_KEY, Attr::bytes(CKA_EC_PARAMS, der::curve_oid("secp256r1"))),
                part(CKO_PRIVATE_KEY, Attr::bool(CKA_SIGN, true)),
                Arg::Place(1),
                Arg::Place(1),
            ])
        })
        .needs(&[(CKM_EC_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR)]),
        row("C_DeriveKey", |scene, _| {
            let mut template = template();
            template.push(Attr::value_len(32));
            Ok(vec![
                Arg::Session,
                Arg::Mechanism(Mech::string_data(CKM_AES_ECB_ENCRYPT_DATA, &[3; 32]), CKM_SHA256),
                scene.plain_key(),
                Arg::Template(template),
                Arg::Place(1),
            ])
        })
        .needs(&[(CKM_AES_ECB_ENCRYPT_DATA, CKF_DERIVE)]),
    ]
}

fn wrapping() -> Vec<Row> {
    // The parameter of this mechanism may be left out.
    fn mechanism() -> Arg {
        Arg::Message(CKM_AES_KEY_WRAP, CKM_SHA256)
    }
    vec![
        row("C_WrapKey", |scene, _| {
            Ok(vec![
                Arg::Session,
                mechanism(),
                scene.aes_key(WRAPPING.0, WRAPPING.1),
                target(scene),
                Arg::Out(OUTPUT),
            ])
        })
        .needs(WRAP),
        row("C_UnwrapKey", |scene, s| {
            let wrapped = s.wrap(&Mech::new(CKM_AES_KEY_WRAP), scene.aes, scene.secret)?;
            Ok(vec![
                Arg::Session,
                mechanism(),
                scene.aes_key(UNWRAPPING.0, UNWRAPPING.1),
                Arg::In(wrapped),
                made(),
                Arg::Place(1),
            ])
        })
        .needs(WRAP),
    ]
}

fn authenticated() -> Vec<Row> {
    vec![
        row("C_WrapKeyAuthenticated", |scene, _| {
            Ok(vec![
                Arg::Session,
                Arg::Mechanism(sealing(), CKM_SHA256),
                scene.aes_key(WRAPPING.0, WRAPPING.1),
                target(scene),
                Arg::In(b"header".to_vec()),
                Arg::Out(OUTPUT),
            ])
        })
        .needs(SEAL),
        row("C_UnwrapKeyAuthenticated", |scene, s| {
            let parameter = sealing();
            let wrapped = s.wrap_authenticated(&parameter, scene.aes, scene.secret, b"header")?;
            let tag = parameter.buffer(1);
            Ok(vec![
                Arg::Session,
                Arg::Mechanism(Mech::gcm_message(&[6; 12], 0, CKG_NO_GENERATE, tag), CKM_SHA256),
                scene.aes_key(UNWRAPPING.0, UNWRAPPING.1),
                Arg::In(wrapped),
                made(),
                Arg::In(b"header".to_vec()),
                Arg::Place(1),
            ])
        })
        .needs(SEAL),
    ]
}

/// An ML-KEM pair: public, private.
fn kem(scene: &Scene, may: bool) -> Check<(Object, Object)> {
    let common = [Attr::token(false), Attr::private(false)];
    let public = [Attr::ulong(CKA_PARAMETER_SET, CKP_ML_KEM_768), Attr::bool(CKA_ENCAPSULATE, may)];
    let private = [Attr::bool(CKA_DECAPSULATE, may)];
    let mech = Mech::new(CKM_ML_KEM_KEY_PAIR_GEN);
    Ok(scene.owner.generate_pair(
        &mech,
        &[&common[..], &public].concat(),
        &[&common[..], &private].concat(),
    )?)
}

fn encapsulation() -> Vec<Row> {
    vec![
        row("C_EncapsulateKey", |scene, _| {
            let key = KeyArg {
                key: kem(scene, true)?.0,
                other: Some((scene.secret, &[CKR_KEY_TYPE_INCONSISTENT])),
                denied: Some(kem(scene, false)?.0),
                invalid: CKR_KEY_HANDLE_INVALID,
            };
            Ok(vec![
                Arg::Session,
                Arg::Mechanism(Mech::new(CKM_ML_KEM), CKM_SHA256),
                Arg::Key(key),
                made(),
                Arg::Out(OUTPUT),
                Arg::Place(1),
            ])
        })
        .needs(KEM),
        row("C_DecapsulateKey", |scene, s| {
            let (public, private) = kem(scene, true)?;
            let (ciphertext, _) = s.encapsulate(&Mech::new(CKM_ML_KEM), public, &template())?;
            let key = KeyArg {
                key: private,
                other: Some((scene.secret, UNWRAPPING.1)),
                denied: Some(kem(scene, false)?.1),
                invalid: UNWRAPPING.0,
            };
            Ok(vec![
                Arg::Session,
                Arg::Mechanism(Mech::new(CKM_ML_KEM), CKM_SHA256),
                Arg::Key(key),
                made(),
                Arg::In(ciphertext),
                Arg::Place(1),
            ])
        })
        .needs(KEM),
    ]
}
