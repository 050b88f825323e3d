//! Message-based operations.

use cryptoki_sys::*;

use super::{Row, row};
use crate::runner::Check;
use crate::suites::arguments::call::{Arg, KeyArg};
use crate::suites::arguments::faults::OUTPUT;
use crate::suites::arguments::scene::Scene;
use crate::{Mech, Session};

const CIPHER: &[(CK_MECHANISM_TYPE, CK_FLAGS)] = &[(CKM_AES_GCM, CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT)];
const MAC: &[(CK_MECHANISM_TYPE, CK_FLAGS)] = &[(CKM_SHA256_HMAC, CKF_MESSAGE_SIGN | CKF_MESSAGE_VERIFY)];

/// The parameter of one message with the tag of [`DATA`] and no associated data, or room for it.
fn message(tag: &[u8]) -> Mech {
    Mech::gcm_message(&[6; 12], 0, CKG_NO_GENERATE, tag)
}

const DATA: &[u8] = &[4; 20];

fn aad() -> Arg {
    Arg::In(b"header".to_vec())
}

fn encrypting(scene: &Scene, s: &Session) -> Check {
    Ok(s.message_encrypt_init(&Mech::new(CKM_AES_GCM), scene.aes)?)
}

fn decrypting(scene: &Scene, s: &Session) -> Check {
    Ok(s.message_decrypt_init(&Mech::new(CKM_AES_GCM), scene.aes)?)
}

fn signing(scene: &Scene, s: &Session) -> Check {
    Ok(s.message_sign_init(&Mech::new(CKM_SHA256_HMAC), scene.secret)?)
}

fn verifying(scene: &Scene, s: &Session) -> Check {
    Ok(s.message_verify_init(&Mech::new(CKM_SHA256_HMAC), scene.secret)?)
}

fn cipher_init(scene: &Scene, _: &Session) -> Check<Vec<Arg>> {
    Ok(vec![Arg::Session, Arg::Message(CKM_AES_GCM, CKM_SHA256), scene.plain_key()])
}

fn mac_init(scene: &Scene, _: &Session) -> Check<Vec<Arg>> {
    let invalid = CKR_KEY_HANDLE_INVALID;
    let key = KeyArg { key: scene.secret, other: None, denied: Some(scene.mute), invalid };
    Ok(vec![Arg::Session, Arg::Message(CKM_SHA256_HMAC, CKM_SHA256), Arg::Key(key)])
}

/// What [`DATA`] is when it is encrypted, and its tag.
fn sealed(scene: &Scene) -> Check<(Vec<u8>, Vec<u8>)> {
    let session = scene.token.session(crate::RW)?;
    let mut sealed = session.encrypt(&Mech::gcm(&[6; 12], b"header", 128), scene.aes, DATA)?;
    let tag = sealed.split_off(DATA.len());
    Ok((sealed, tag))
}

fn session_only(_: &Scene, _: &Session) -> Check<Vec<Arg>> {
    Ok(vec![Arg::Session])
}

pub(super) fn rows() -> Vec<Row> {
    let families = [encryption(), decryption(), signatures(), verification()];
    families.into_iter().flatten().collect()
}

fn encryption() -> Vec<Row> {
    vec![
        row("C_MessageEncryptInit", cipher_init).needs(CIPHER).begins(),
        row("C_EncryptMessage", |_, _| {
            Ok(vec![
                Arg::Session,
                Arg::Parameter(message(&[0; 16])),
                aad(),
                Arg::In(DATA.to_vec()),
                Arg::Out(OUTPUT),
            ])
        })
        .needs(CIPHER)
        .after(encrypting),
        row("C_EncryptMessageBegin", |_, _| Ok(vec![Arg::Session, Arg::Parameter(message(&[0; 16])), aad()]))
            .needs(CIPHER)
            .after(encrypting),
        row("C_EncryptMessageNext", |_, _| {
            Ok(vec![
                Arg::Session,
                Arg::Parameter(message(&[0; 16])),
                Arg::In(DATA.to_vec()),
                Arg::Out(OUTPUT),
                Arg::Value(CKF_END_OF_MESSAGE),
            ])
        })
        .needs(CIPHER)
        .after(|scene, s| {
            encrypting(scene, s)?;
            Ok(s.encrypt_message_begin(&message(&[0; 16]), b"header")?)
        }),
        row("C_MessageEncryptFinal", session_only).needs(CIPHER).after(encrypting),
    ]
}

fn decryption() -> Vec<Row> {
    vec![
        row("C_MessageDecryptInit", cipher_init).needs(CIPHER).begins(),
        row("C_DecryptMessage", |scene, _| {
            let (ciphertext, tag) = sealed(scene)?;
            Ok(vec![
                Arg::Session,
                Arg::Parameter(message(&tag)),
                aad(),
                Arg::In(ciphertext),
                Arg::Out(OUTPUT),
            ])
        })
        .needs(CIPHER)
        .after(decrypting),
        row("C_DecryptMessageBegin", |_, _| Ok(vec![Arg::Session, Arg::Parameter(message(&[0; 16])), aad()]))
            .needs(CIPHER)
            .after(decrypting),
        row("C_DecryptMessageNext", |scene, _| {
            let (ciphertext, tag) = sealed(scene)?;
            Ok(vec![
                Arg::Session,
                Arg::Parameter(message(&tag)),
                Arg::In(ciphertext),
                Arg::Out(OUTPUT),
                Arg::Value(CKF_END_OF_MESSAGE),
            ])
        })
        .needs(CIPHER)
        .after(|scene, s| {
            let (_, tag) = sealed(scene)?;
            decrypting(scene, s)?;
            Ok(s.decrypt_message_begin(&message(&tag), b"header")?)
        }),
        row("C_MessageDecryptFinal", session_only).needs(CIPHER).after(decrypting),
    ]
}

fn signatures() -> Vec<Row> {
    vec![
        row("C_MessageSignInit", mac_init).needs(MAC).begins(),
        row("C_SignMessage", |_, _| {
            Ok(vec![Arg::Session, no_parameter(), Arg::In(DATA.to_vec()), Arg::Out(OUTPUT)])
        })
        .needs(MAC)
        .after(signing),
        row("C_SignMessageBegin", |_, _| Ok(vec![Arg::Session, no_parameter()])).needs(MAC).after(signing),
        row("C_SignMessageNext", |_, _| {
            Ok(vec![Arg::Session, no_parameter(), Arg::In(DATA.to_vec()), Arg::LastOut(OUTPUT)])
        })
        .needs(MAC)
        .after(|scene, s| {
            signing(scene, s)?;
            let rv = crate::call!(s.module(), C_SignMessageBegin(s.handle(), std::ptr::null_mut(), 0));
            Ok(crate::Rv::check(rv.0)?)
        }),
        row("C_MessageSignFinal", session_only).needs(MAC).after(signing),
    ]
}

fn no_parameter() -> Arg {
    Arg::Parameter(Mech::new(CKM_SHA256_HMAC))
}

fn verification() -> Vec<Row> {
    fn tag(scene: &Scene) -> Check<Vec<u8>> {
        let session = scene.token.session(crate::RW)?;
        Ok(session.sign(&Mech::new(CKM_SHA256_HMAC), scene.secret, DATA)?)
    }
    vec![
        row("C_MessageVerifyInit", mac_init).needs(MAC).begins(),
        row("C_VerifyMessage", |scene, _| {
            Ok(vec![Arg::Session, no_parameter(), Arg::In(DATA.to_vec()), Arg::In(tag(scene)?)])
        })
        .needs(MAC)
        .after(verifying),
        row("C_VerifyMessageBegin", |_, _| Ok(vec![Arg::Session, no_parameter()]))
            .needs(MAC)
            .after(verifying),
        row("C_VerifyMessageNext", |scene, _| {
            Ok(vec![Arg::Session, no_parameter(), Arg::In(DATA.to_vec()), Arg::LastIn(tag(scene)?)])
        })
        .needs(MAC)
        .after(|scene, s| {
            verifying(scene, s)?;
            let rv = crate::call!(s.module(), C_VerifyMessageBegin(s.handle(), std::ptr::null_mut(), 0));
            Ok(crate::Rv::check(rv.0)?)
        }),
        row("C_MessageVerifyFinal", session_only).needs(MAC).after(verifying),
    ]
}
