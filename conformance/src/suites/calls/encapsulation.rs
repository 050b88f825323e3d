//! C_EncapsulateKey and C_DecapsulateKey (PKCS#11 v3.2, section 5.18).

use std::ptr::null_mut;

use cryptoki_sys::*;

use super::super::fixture::with;
use crate::runner::{Case, Check, Context, expect, expect_rv};
use crate::{Attr, Mech, Object, RawTemplate, Rv, Session, TestToken, cases, der, ensure};

pub(super) fn cases() -> Vec<Case> {
    cases![
        ml_kem_agrees,
        ml_kem_size_query,
        ml_kem_secret_attributes,
        ml_kem_length_is_fixed,
        ml_kem_errors,
        encapsulation_templates,
        ecdh_agrees,
        rsa_agrees,
    ]
}

/// An ML-KEM-768 pair; `public` and `private` are added to its templates.
fn pair(token: &TestToken, s: &Session, public: &[Attr], private: &[Attr]) -> Check<(Object, Object)> {
    token.need(CKM_ML_KEM_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR)?;
    token.need(CKM_ML_KEM, CKF_ENCAPSULATE)?;
    token.need(CKM_ML_KEM, CKF_DECAPSULATE)?;
    Ok(s.generate_pair(
        &Mech::new(CKM_ML_KEM_KEY_PAIR_GEN),
        &with(
            vec![
                Attr::token(false),
                Attr::ulong(CKA_PARAMETER_SET, CKP_ML_KEM_768),
                Attr::bool(CKA_ENCAPSULATE, true),
            ],
            public,
        ),
        &with(vec![Attr::token(false), Attr::bool(CKA_DECAPSULATE, true)], private),
    )?)
}

fn secret() -> Vec<Attr> {
    vec![
        Attr::class(CKO_SECRET_KEY),
        Attr::key_type(CKK_GENERIC_SECRET),
        Attr::token(false),
        Attr::bool(CKA_SENSITIVE, false),
        Attr::bool(CKA_EXTRACTABLE, true),
    ]
}

fn ml_kem_agrees(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (public, private) = pair(&token, &s, &[], &[])?;
    let mech = Mech::new(CKM_ML_KEM);
    let (ciphertext, sent) = s.encapsulate(&mech, public, &secret())?;
    ensure!(ciphertext.len() == 1088, "a ciphertext of {} bytes", ciphertext.len());
    let got = s.decapsulate(&mech, private, &ciphertext, &secret())?;
    let value = s.get(sent, CKA_VALUE)?;
    ensure!(value.len() == 32 && value == s.get(got, CKA_VALUE)?, "the two sides have different secrets");
    let (_, again) = s.encapsulate(&mech, public, &secret())?;
    ensure!(value != s.get(again, CKA_VALUE)?, "two encapsulations make the same secret");
    let mut other = ciphertext;
    if let Some(byte) = other.first_mut() {
        *byte ^= 1;
    }
    let rejected = s.decapsulate(&mech, private, &other, &secret())?;
    ensure!(value != s.get(rejected, CKA_VALUE)?, "a changed ciphertext leads to the same secret");
    // A key for what comes next, named by nothing but its type.
    let aes = vec![Attr::key_type(CKK_AES), Attr::token(false), Attr::bool(CKA_ENCRYPT, true)];
    let (_, aes) = s.encapsulate(&mech, public, &aes)?;
    ensure!(s.get_ulong(aes, CKA_VALUE_LEN)? == 32, "an AES key of another length");
    Ok(())
}

fn secrets(s: &Session) -> Result<usize, Rv> {
    s.find(&[Attr::class(CKO_SECRET_KEY)]).map(|found| found.len())
}

fn ml_kem_size_query(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (public, private) = pair(&token, &s, &[], &[])?;
    let (mech, before) = (Mech::new(CKM_ML_KEM), secrets(&s)?);
    let attributes = secret();
    let (mut raw, mut template) = (mech.raw(), RawTemplate::new(&attributes));
    let (m, h, t, n) = (s.module(), s.handle(), template.as_mut_ptr(), template.count());
    for target in [true, false] {
        let (mut len, mut key) = (0, CK_INVALID_HANDLE);
        let place = if target { &raw mut key } else { null_mut() };
        let rv = crate::call!(m, C_EncapsulateKey(h, &mut raw, public, t, n, null_mut(), &mut len, place));
        Rv::check(rv.0)?;
        ensure!(len == 1088, "the size query gives {len}");
        ensure!(key == CK_INVALID_HANDLE, "the size query gives a handle");
    }
    let (mut buffer, mut key) = ([0_u8; 2048], CK_INVALID_HANDLE);
    let mut short = 1087;
    let rv = crate::call!(
        m,
        C_EncapsulateKey(h, &mut raw, public, t, n, buffer.as_mut_ptr(), &mut short, &mut key)
    );
    expect_rv(rv, &[CKR_BUFFER_TOO_SMALL])?;
    ensure!(short == 1088, "CKR_BUFFER_TOO_SMALL asks for {short}");
    ensure!(buffer == [0; 2048], "CKR_BUFFER_TOO_SMALL wrote something");
    ensure!(secrets(&s)? == before, "a size query made a key");
    let mut exact = 1088;
    let rv = crate::call!(
        m,
        C_EncapsulateKey(h, &mut raw, public, t, n, buffer.as_mut_ptr(), &mut exact, &mut key)
    );
    Rv::check(rv.0)?;
    let got = s.decapsulate(&mech, private, &buffer[..1088], &secret())?;
    ensure!(s.get(got, CKA_VALUE)? == s.get(key, CKA_VALUE)?, "the two sides have different secrets");
    ensure!(buffer[1088..] == [0; 960], "more was written than the ciphertext");
    let nowhere = null_mut();
    let rv = crate::call!(
        m,
        C_EncapsulateKey(h, &mut raw, public, t, n, buffer.as_mut_ptr(), &mut exact, nowhere)
    );
    expect_rv(rv, &[CKR_ARGUMENTS_BAD])
}

fn ml_kem_secret_attributes(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (public, private) = pair(&token, &s, &[], &[])?;
    let mech = Mech::new(CKM_ML_KEM);
    let hidden = [Attr::key_type(CKK_AES), Attr::token(false), Attr::bool(CKA_SENSITIVE, true)];
    let (ciphertext, sent) = s.encapsulate(&mech, public, &hidden)?;
    let got = s.decapsulate(&mech, private, &ciphertext, &hidden)?;
    for key in [sent, got] {
        for (attribute, expected) in [
            (CKA_ALWAYS_SENSITIVE, false),
            (CKA_NEVER_EXTRACTABLE, false),
            (CKA_EXTRACTABLE, true),
            (CKA_LOCAL, false),
            (CKA_SENSITIVE, true),
        ] {
            let value = s.get_bool(key, attribute)?;
            ensure!(value == expected, "attribute {attribute:#x} of a shared secret is {value}");
        }
        expect(s.get(key, CKA_VALUE), &[CKR_ATTRIBUTE_SENSITIVE])?;
        ensure!(!s.get(key, CKA_UNIQUE_ID)?.is_empty(), "no CKA_UNIQUE_ID");
    }
    let closed = with(secret(), &[Attr::bool(CKA_EXTRACTABLE, false)]);
    let (_, key) = s.encapsulate(&mech, public, &closed)?;
    ensure!(!s.get_bool(key, CKA_EXTRACTABLE)?, "CKA_EXTRACTABLE of the template is not kept");
    Ok(())
}

fn ml_kem_length_is_fixed(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (public, private) = pair(&token, &s, &[], &[])?;
    let mech = Mech::new(CKM_ML_KEM);
    let (ciphertext, _) = s.encapsulate(&mech, public, &with(secret(), &[Attr::value_len(32)]))?;
    // The mechanism gives 32 bytes; nothing is said of cutting them.
    let refused = &[CKR_TEMPLATE_INCONSISTENT, CKR_KEY_SIZE_RANGE, CKR_ATTRIBUTE_VALUE_INVALID];
    for len in [16, 31, 33, 64] {
        let template = with(secret(), &[Attr::value_len(len)]);
        expect(s.encapsulate(&mech, public, &template), refused)?;
        expect(s.decapsulate(&mech, private, &ciphertext, &template), refused)?;
    }
    Ok(())
}

fn ml_kem_errors(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (public, private) = pair(&token, &s, &[], &[])?;
    let mech = Mech::new(CKM_ML_KEM);
    let (ciphertext, shared) = s.encapsulate(&mech, public, &secret())?;
    let bad_length = &[CKR_WRAPPED_KEY_LEN_RANGE];
    for wrong in [&ciphertext[1..], &[], &[ciphertext.clone(), vec![0]].concat()] {
        expect(s.decapsulate(&mech, private, wrong, &secret()), bad_length)?;
    }
    expect(s.encapsulate(&mech, 0x7fff_fff0, &secret()), &[CKR_KEY_HANDLE_INVALID])?;
    expect(s.decapsulate(&mech, 0x7fff_fff0, &ciphertext, &secret()), &[CKR_UNWRAPPING_KEY_HANDLE_INVALID])?;
    // The halves, and a secret key, in each other's place.
    let not_this = &[CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_HANDLE_INVALID];
    for key in [private, shared] {
        expect(s.encapsulate(&mech, key, &secret()), not_this)?;
    }
    let (closed_public, closed) =
        pair(&token, &s, &[Attr::bool(CKA_ENCAPSULATE, false)], &[Attr::bool(CKA_DECAPSULATE, false)])?;
    let closed_key = &[CKR_KEY_FUNCTION_NOT_PERMITTED];
    expect(s.encapsulate(&mech, closed_public, &secret()), closed_key)?;
    expect(s.decapsulate(&mech, closed, &ciphertext, &secret()), closed_key)?;
    let with_parameter = Mech::bytes(CKM_ML_KEM, &[1]);
    expect(s.encapsulate(&with_parameter, public, &secret()), &[CKR_MECHANISM_PARAM_INVALID])?;
    let other_class = with(secret(), &[Attr::class(CKO_PRIVATE_KEY)]);
    expect(s.encapsulate(&mech, public, &other_class), &[CKR_TEMPLATE_INCONSISTENT])?;
    expect(s.decapsulate(&mech, private, &ciphertext, &other_class), &[CKR_TEMPLATE_INCONSISTENT])?;
    let computed = with(secret(), &[Attr::value(&[1; 32])]);
    let not_given = &[CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_READ_ONLY];
    expect(s.encapsulate(&mech, public, &computed), not_given)?;
    expect(s.decapsulate(&mech, private, &ciphertext, &computed), not_given)
}

fn encapsulation_templates(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let prescribed = vec![Attr::bool(CKA_SENSITIVE, true)];
    let (public, private) = pair(
        &token,
        &s,
        &[Attr::template(CKA_ENCAPSULATE_TEMPLATE, prescribed.clone())],
        &[Attr::template(CKA_DECAPSULATE_TEMPLATE, prescribed.clone())],
    )?;
    let mech = Mech::new(CKM_ML_KEM);
    let matching = with(secret(), &prescribed);
    expect(s.encapsulate(&mech, public, &secret()), &[CKR_KEY_HANDLE_INVALID])?;
    let (ciphertext, _) = s.encapsulate(&mech, public, &matching)?;
    expect(s.decapsulate(&mech, private, &ciphertext, &secret()), &[CKR_TEMPLATE_INCONSISTENT])?;
    // What the template does not say, CKA_DECAPSULATE_TEMPLATE adds.
    let silent: Vec<Attr> =
        secret().into_iter().filter(|attribute| attribute.kind() != CKA_SENSITIVE).collect();
    let key = s.decapsulate(&mech, private, &ciphertext, &silent)?;
    ensure!(s.get_bool(key, CKA_SENSITIVE)?, "CKA_DECAPSULATE_TEMPLATE was not applied");
    Ok(())
}

fn ecdh_agrees(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_ECDH1_DERIVE, CKF_ENCAPSULATE)?;
    let s = token.user_session()?;
    let (public, private) = s.generate_pair(
        &Mech::new(CKM_EC_KEY_PAIR_GEN),
        &[
            Attr::bytes(CKA_EC_PARAMS, der::curve_oid("secp256r1")),
            Attr::token(false),
            Attr::bool(CKA_ENCAPSULATE, true),
        ],
        &[Attr::token(false), Attr::bool(CKA_DECAPSULATE, true), Attr::bool(CKA_DERIVE, true)],
    )?;
    let mech = Mech::ecdh(CKM_ECDH1_DERIVE, CKD_NULL, &[], &[]);
    for len in [16, 32] {
        let template = with(secret(), &[Attr::value_len(len)]);
        let (ciphertext, sent) = s.encapsulate(&mech, public, &template)?;
        ensure!(ciphertext.len() == 65, "a public value of {} bytes", ciphertext.len());
        let got = s.decapsulate(&mech, private, &ciphertext, &template)?;
        let value = s.get(sent, CKA_VALUE)?;
        ensure!(value == s.get(got, CKA_VALUE)?, "the two sides have different secrets");
        let derive = Mech::ecdh(CKM_ECDH1_DERIVE, CKD_NULL, &[], &ciphertext);
        let derived = s.derive(&derive, private, &template)?;
        ensure!(value == s.get(derived, CKA_VALUE)?, "C_DeriveKey with the ciphertext gives another secret");
    }
    let named = Mech::ecdh(CKM_ECDH1_DERIVE, CKD_NULL, &[], &[4; 65]);
    expect(s.encapsulate(&named, public, &secret()), &[CKR_MECHANISM_PARAM_INVALID])
}

fn rsa_agrees(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_RSA_PKCS_OAEP, CKF_ENCAPSULATE)?;
    let s = token.user_session()?;
    let (public, private) = s.generate_pair(
        &Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN),
        &[Attr::ulong(CKA_MODULUS_BITS, 2048), Attr::token(false), Attr::bool(CKA_ENCAPSULATE, true)],
        &[Attr::token(false), Attr::bool(CKA_DECAPSULATE, true)],
    )?;
    let oaep = || Mech::oaep(CKM_SHA256, CKG_MGF1_SHA256, &[]);
    for (mech, len) in [(Mech::new(CKM_RSA_PKCS), 32), (oaep(), 32), (Mech::new(CKM_RSA_X_509), 256)] {
        if !token.offers(mech.kind, CKF_ENCAPSULATE) {
            continue;
        }
        let template = with(secret(), &[Attr::value_len(len)]);
        let (ciphertext, sent) = s.encapsulate(&mech, public, &template)?;
        ensure!(ciphertext.len() == 256, "a ciphertext of {} bytes", ciphertext.len());
        let got = s.decapsulate(&mech, private, &ciphertext, &template)?;
        let value = s.get(sent, CKA_VALUE)?;
        ensure!(value.len() == len, "a secret of {} bytes", value.len());
        ensure!(value == s.get(got, CKA_VALUE)?, "the two sides have different secrets");
    }
    let bad = &[CKR_KEY_SIZE_RANGE, CKR_TEMPLATE_INCONSISTENT];
    expect(s.encapsulate(&oaep(), public, &with(secret(), &[Attr::value_len(191)])), bad)?;
    expect(s.encapsulate(&oaep(), public, &secret()), &[CKR_TEMPLATE_INCOMPLETE])
}
