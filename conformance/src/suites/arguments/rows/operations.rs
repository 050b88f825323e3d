//! Encryption, decryption, digests, signatures, verification, and the functions that do two of these.

use cryptoki_sys::*;

use super::{Row, row};
use crate::Mech;
use crate::Session;
use crate::runner::Check;
use crate::suites::arguments::call::{Arg, KeyArg};
use crate::suites::arguments::faults::OUTPUT;
use crate::suites::arguments::scene::Scene;

const CIPHER: &[(CK_MECHANISM_TYPE, CK_FLAGS)] = &[(CKM_AES_CBC, CKF_ENCRYPT | CKF_DECRYPT)];
const PADDED: &[(CK_MECHANISM_TYPE, CK_FLAGS)] = &[(CKM_AES_CBC_PAD, CKF_ENCRYPT | CKF_DECRYPT)];
const DIGEST: &[(CK_MECHANISM_TYPE, CK_FLAGS)] = &[(CKM_SHA256, CKF_DIGEST)];
const MAC: &[(CK_MECHANISM_TYPE, CK_FLAGS)] = &[(CKM_AES_CMAC, CKF_SIGN | CKF_VERIFY)];
const RECOVER: &[(CK_MECHANISM_TYPE, CK_FLAGS)] = &[(CKM_RSA_PKCS, CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER)];
const RSA: &[(CK_MECHANISM_TYPE, CK_FLAGS)] = &[(CKM_SHA256_RSA_PKCS, CKF_SIGN | CKF_VERIFY)];
const BOTH: &[(CK_MECHANISM_TYPE, CK_FLAGS)] = &[
    (CKM_AES_CBC, CKF_ENCRYPT | CKF_DECRYPT),
    (CKM_SHA256, CKF_DIGEST),
    (CKM_AES_CMAC, CKF_SIGN | CKF_VERIFY),
];

fn cbc() -> Mech {
    Mech::bytes(CKM_AES_CBC, &[9; 16])
}

fn padded() -> Mech {
    Mech::bytes(CKM_AES_CBC_PAD, &[9; 16])
}

fn cmac() -> Mech {
    Mech::new(CKM_AES_CMAC)
}

fn sha256() -> Mech {
    Mech::new(CKM_SHA256)
}

fn encrypting(scene: &Scene, s: &Session) -> Check {
    Ok(s.encrypt_init(&cbc(), scene.aes)?)
}

fn decrypting(scene: &Scene, s: &Session) -> Check {
    Ok(s.decrypt_init(&cbc(), scene.aes)?)
}

fn digesting(_: &Scene, s: &Session) -> Check {
    Ok(s.digest_init(&sha256())?)
}

fn signing(scene: &Scene, s: &Session) -> Check {
    Ok(s.sign_init(&cmac(), scene.aes)?)
}

fn verifying(scene: &Scene, s: &Session) -> Check {
    Ok(s.verify_init(&cmac(), scene.aes)?)
}

/// Two blocks of input.
fn input() -> Arg {
    Arg::In(vec![4; 32])
}

fn transform(_: &Scene, _: &Session) -> Check<Vec<Arg>> {
    Ok(vec![Arg::Session, input(), Arg::Out(OUTPUT)])
}

fn feed(_: &Scene, _: &Session) -> Check<Vec<Arg>> {
    Ok(vec![Arg::Session, input()])
}

fn finish(_: &Scene, _: &Session) -> Check<Vec<Arg>> {
    Ok(vec![Arg::Session, Arg::Out(OUTPUT)])
}

pub(super) fn rows() -> Vec<Row> {
    let families =
        [ciphers(), digests(), signatures(), verifications(), recovery(), given_first(), combined()];
    families.into_iter().flatten().collect()
}

fn ciphers() -> Vec<Row> {
    let init = |scene: &Scene, _: &Session| -> Check<Vec<Arg>> {
        Ok(vec![Arg::Session, Arg::Mechanism(cbc(), CKM_SHA256), scene.plain_key()])
    };
    vec![
        row("C_EncryptInit", init).needs(CIPHER).begins(),
        row("C_Encrypt", transform).needs(CIPHER).after(encrypting).ends(),
        row("C_EncryptUpdate", transform).needs(CIPHER).after(encrypting).ends(),
        row("C_EncryptFinal", finish).needs(PADDED).ends().after(|scene, s| {
            s.encrypt_init(&padded(), scene.aes)?;
            s.encrypt_update(b"begun").map(drop)?;
            Ok(())
        }),
        row("C_DecryptInit", init).needs(CIPHER).begins(),
        row("C_Decrypt", transform).needs(CIPHER).after(decrypting).ends(),
        row("C_DecryptUpdate", transform).needs(CIPHER).after(decrypting).ends(),
        row("C_DecryptFinal", finish).needs(PADDED).ends().after(|scene, s| {
            let sealed = s.encrypt(&padded(), scene.aes, b"begun")?;
            s.decrypt_init(&padded(), scene.aes)?;
            s.decrypt_update(&sealed).map(drop)?;
            Ok(())
        }),
    ]
}

fn digests() -> Vec<Row> {
    vec![
        row("C_DigestInit", |_, _| Ok(vec![Arg::Session, Arg::Mechanism(sha256(), CKM_AES_ECB)]))
            .needs(DIGEST)
            .begins(),
        row("C_Digest", transform).needs(DIGEST).after(digesting).ends(),
        row("C_DigestUpdate", feed).needs(DIGEST).after(digesting).ends(),
        row("C_DigestKey", |scene, _| {
            let invalid = CKR_KEY_HANDLE_INVALID;
            Ok(vec![Arg::Session, Arg::Key(KeyArg { key: scene.secret, other: None, denied: None, invalid })])
        })
        .needs(DIGEST)
        .after(digesting),
        row("C_DigestFinal", finish).needs(DIGEST).after(digesting).ends(),
    ]
}

fn mac_init(scene: &Scene, _: &Session) -> Check<Vec<Arg>> {
    Ok(vec![Arg::Session, Arg::Mechanism(cmac(), CKM_SHA256), scene.plain_key()])
}

fn signatures() -> Vec<Row> {
    vec![
        row("C_SignInit", mac_init).needs(MAC).begins(),
        row("C_Sign", transform).needs(MAC).after(signing).ends(),
        row("C_SignUpdate", feed).needs(MAC).after(signing).ends(),
        row("C_SignFinal", finish).needs(MAC).ends().after(|scene, s| {
            signing(scene, s)?;
            Ok(s.sign_update(b"begun")?)
        }),
    ]
}

fn verifications() -> Vec<Row> {
    vec![
        row("C_VerifyInit", mac_init).needs(MAC).begins(),
        row("C_Verify", |scene, _| {
            let tag = scene.owner.sign(&cmac(), scene.aes, &[4; 32])?;
            Ok(vec![Arg::Session, input(), Arg::In(tag)])
        })
        .needs(MAC)
        .after(verifying)
        .ends(),
        row("C_VerifyUpdate", feed).needs(MAC).after(verifying).ends(),
        row("C_VerifyFinal", |scene, _| {
            Ok(vec![Arg::Session, Arg::In(scene.owner.sign(&cmac(), scene.aes, b"begun")?)])
        })
        .needs(MAC)
        .ends()
        .after(|scene, s| {
            verifying(scene, s)?;
            Ok(s.verify_update(b"begun")?)
        }),
    ]
}

/// A key argument of the RSA pair, where a secret key is of another type.
fn rsa_key(scene: &Scene, key: crate::Object) -> Arg {
    let other = Some((scene.secret, &[CKR_KEY_TYPE_INCONSISTENT][..]));
    Arg::Key(KeyArg { key, other, denied: None, invalid: CKR_KEY_HANDLE_INVALID })
}

fn recovery() -> Vec<Row> {
    fn pkcs() -> Mech {
        Mech::new(CKM_RSA_PKCS)
    }
    vec![
        row("C_SignRecoverInit", |scene, _| {
            let key = rsa_key(scene, scene.rsa()?.1);
            Ok(vec![Arg::Session, Arg::Mechanism(pkcs(), CKM_SHA256), key])
        })
        .needs(RECOVER)
        .begins(),
        row("C_SignRecover", transform).needs(RECOVER).ends().after(|scene, s| {
            let mut mechanism = pkcs().raw();
            let rv = crate::call!(s.module(), C_SignRecoverInit(s.handle(), &mut mechanism, scene.rsa()?.1));
            Ok(crate::Rv::check(rv.0)?)
        }),
        row("C_VerifyRecoverInit", |scene, _| {
            let key = rsa_key(scene, scene.rsa()?.0);
            Ok(vec![Arg::Session, Arg::Mechanism(pkcs(), CKM_SHA256), key])
        })
        .needs(RECOVER)
        .begins(),
        row("C_VerifyRecover", |scene, _| {
            let signature = scene.owner.sign_recover(&pkcs(), scene.rsa()?.1, &[4; 32])?;
            Ok(vec![Arg::Session, Arg::In(signature), Arg::Out(OUTPUT)])
        })
        .needs(RECOVER)
        .ends()
        .after(|scene, s| {
            let mut mechanism = pkcs().raw();
            let rv =
                crate::call!(s.module(), C_VerifyRecoverInit(s.handle(), &mut mechanism, scene.rsa()?.0));
            Ok(crate::Rv::check(rv.0)?)
        }),
    ]
}

/// C_VerifySignature and its family, which get the signature before the data.
fn given_first() -> Vec<Row> {
    fn hashed() -> Mech {
        Mech::new(CKM_SHA256_RSA_PKCS)
    }
    fn begin(scene: &Scene, s: &Session) -> Check {
        let (public, private) = scene.rsa()?;
        let signature = scene.owner.sign(&hashed(), private, &[4; 32])?;
        Ok(s.verify_signature_init(&hashed(), public, &signature)?)
    }
    vec![
        row("C_VerifySignatureInit", |scene, _| {
            let (public, private) = scene.rsa()?;
            let signature = scene.owner.sign(&hashed(), private, &[4; 32])?;
            Ok(vec![
                Arg::Session,
                Arg::Mechanism(hashed(), CKM_SHA256),
                rsa_key(scene, public),
                Arg::In(signature),
            ])
        })
        .needs(RSA)
        .begins(),
        row("C_VerifySignature", feed).needs(RSA).after(begin).ends(),
        row("C_VerifySignatureUpdate", feed).needs(RSA).after(begin).ends(),
        row("C_VerifySignatureFinal", |_, _| Ok(vec![Arg::Session])).needs(RSA).ends().after(|scene, s| {
            begin(scene, s)?;
            Ok(s.verify_signature_update(&[4; 32])?)
        }),
    ]
}

/// Two operations at once are for tokens that say they can.
fn both(
    scene: &Scene,
    s: &Session,
    first: fn(&Scene, &Session) -> Check,
    second: fn(&Scene, &Session) -> Check,
) -> Check {
    if scene.token.module.token_info(scene.token.slot)?.flags & CKF_DUAL_CRYPTO_OPERATIONS == 0 {
        crate::skip!("no two operations at once");
    }
    first(scene, s)?;
    second(scene, s)
}

fn combined() -> Vec<Row> {
    vec![
        row("C_DigestEncryptUpdate", transform)
            .needs(BOTH)
            .after(|scene, s| both(scene, s, digesting, encrypting)),
        row("C_DecryptDigestUpdate", transform)
            .needs(BOTH)
            .after(|scene, s| both(scene, s, decrypting, digesting)),
        row("C_SignEncryptUpdate", transform)
            .needs(BOTH)
            .after(|scene, s| both(scene, s, signing, encrypting)),
        row("C_DecryptVerifyUpdate", transform)
            .needs(BOTH)
            .after(|scene, s| both(scene, s, decrypting, verifying)),
    ]
}
