//! Objects: what every object has, and what never changes.

use cryptoki_sys::*;

use super::super::fixture::{self, with};
use crate::runner::{Case, Check, Context, expect, expect_ok};
use crate::{Attr, RO, cases, der, ensure, skip};

pub(super) fn cases() -> Vec<Case> {
    cases![
        unique_id_is_missing,
        profile_objects_are_missing,
        class_and_key_type_change,
        copy_without_template,
        unsupported_curve_at_import,
        unknown_trust_attribute,
        public_key_info_is_missing,
    ]
}

fn is_version_three(token: &crate::TestToken) -> Check {
    if token.module.info()?.cryptokiVersion.major < 3 {
        skip!("the module is older than v3");
    }
    Ok(())
}

fn unique_id_is_missing(context: &Context) -> Check {
    let token = context.token()?;
    is_version_three(&token)?;
    let s = token.user_session()?;
    let first = s.create(&with(fixture::data_template("one", b"x"), &[Attr::token(true)]))?;
    let second = s.copy(first, &[])?;
    let (one, two) = (s.get(first, CKA_UNIQUE_ID)?, s.get(second, CKA_UNIQUE_ID)?);
    ensure!(
        !one.is_empty() && one != two,
        "two objects share the CKA_UNIQUE_ID {:?}",
        String::from_utf8_lossy(&one)
    );
    ensure!(
        s.find(&[Attr::bytes(CKA_UNIQUE_ID, &one)])? == [first],
        "an object is not found by its CKA_UNIQUE_ID"
    );
    let fixed = &[CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_TYPE_INVALID, CKR_TEMPLATE_INCONSISTENT];
    let own = Attr::string(CKA_UNIQUE_ID, "mine");
    expect(s.set(first, std::slice::from_ref(&own)), &[CKR_ATTRIBUTE_READ_ONLY])?;
    expect(s.create(&with(fixture::data_template("two", b"x"), &[own])), fixed)
}

fn profile_objects_are_missing(context: &Context) -> Check {
    let token = context.token()?;
    is_version_three(&token)?;
    let s = token.session(RO)?;
    let profiles = s.find(&[Attr::class(CKO_PROFILE)])?;
    ensure!(!profiles.is_empty(), "no CKO_PROFILE object");
    let ids: Vec<CK_ULONG> =
        profiles.iter().map(|profile| s.get_ulong(*profile, CKA_PROFILE_ID)).collect::<Result<_, _>>()?;
    ensure!(ids.contains(&CKP_BASELINE_PROVIDER), "profiles {ids:?} lack the baseline provider");
    Ok(())
}

fn class_and_key_type_change(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let key = fixture::aes(&s, &[])?;
    let fixed = &[CKR_ATTRIBUTE_READ_ONLY];
    expect(s.set(key, &[Attr::class(CKO_DATA)]), fixed)?;
    expect(s.set(key, &[Attr::key_type(CKK_GENERIC_SECRET)]), fixed)?;
    let refused = &[CKR_ATTRIBUTE_READ_ONLY, CKR_TEMPLATE_INCONSISTENT];
    expect(s.copy(key, &[Attr::class(CKO_DATA)]), refused)?;
    expect(s.copy(key, &[Attr::key_type(CKK_GENERIC_SECRET)]), refused)?;
    ensure!(s.get_ulong(key, CKA_CLASS)? == CKO_SECRET_KEY, "CKA_CLASS changed");
    ensure!(s.get_ulong(key, CKA_KEY_TYPE)? == CKK_AES, "CKA_KEY_TYPE changed");
    Ok(())
}

/// NSS's TLS server calls C_CopyObject(key, NULL, 0).
fn copy_without_template(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let key = fixture::aes(&s, &[Attr::label("original")])?;
    let copy = s.copy(key, &[])?;
    ensure!(copy != key, "the copy has the handle of the original");
    ensure!(s.get(copy, CKA_LABEL)? == b"original", "the copy's label differs");
    let mech = crate::Mech::bytes(CKM_AES_CBC_PAD, &[0; 16]);
    let sealed = s.encrypt(&mech, key, b"message")?;
    s.destroy(key)?;
    ensure!(s.decrypt(&mech, copy, &sealed)? == b"message", "the copy is another key");
    expect_ok(s.copy(copy, &[Attr::token(true)]))
}

fn unsupported_curve_at_import(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let unknown = Attr::bytes(CKA_EC_PARAMS, &[0x06, 0x03, 0x2a, 0x03, 0x04]);
    let point = Attr::bytes(CKA_EC_POINT, &der::octet_string(&[4; 65]));
    let public = [Attr::class(CKO_PUBLIC_KEY), Attr::key_type(CKK_EC), unknown.clone(), point];
    expect(s.create(&public), &[CKR_CURVE_NOT_SUPPORTED])?;
    let private = [Attr::class(CKO_PRIVATE_KEY), Attr::key_type(CKK_EC), unknown, Attr::value(&[1; 32])];
    expect(s.create(&private), &[CKR_CURVE_NOT_SUPPORTED])
}

/// SunPKCS11 copes with a module that does not know CKA_TRUSTED on certificates, if it says so.
fn unknown_trust_attribute(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let certificate = s.create(&[
        Attr::class(CKO_CERTIFICATE),
        Attr::ulong(CKA_CERTIFICATE_TYPE, CKC_X_509),
        Attr::bytes(CKA_SUBJECT, &[0x30, 0x00]),
        Attr::value(&[0x30, 0x00]),
    ])?;
    expect(s.get(certificate, CKA_TRUSTED), &[CKR_OK, CKR_ATTRIBUTE_TYPE_INVALID])
}

/// OpenSSL's provider reads CKA_PUBLIC_KEY_INFO of private keys.
fn public_key_info_is_missing(context: &Context) -> Check {
    let token = context.token()?;
    is_version_three(&token)?;
    let s = token.user_session()?;
    for (public, private) in [fixture::rsa(&s, &[])?, fixture::ec(&s, &[])?] {
        let info = s.get(public, CKA_PUBLIC_KEY_INFO)?;
        ensure!(der::spki_key(&info).is_some(), "CKA_PUBLIC_KEY_INFO is no SubjectPublicKeyInfo");
        ensure!(
            s.get(private, CKA_PUBLIC_KEY_INFO)? == info,
            "the two keys of a pair differ in CKA_PUBLIC_KEY_INFO"
        );
    }
    Ok(())
}
