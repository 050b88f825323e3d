//! Object management: creation, attributes, access rules.

use cryptoki_sys::*;

use super::super::fixture::{self, with};
use crate::runner::{Case, Check, Context, expect, expect_ok, expect_rv};
use crate::token::USER_PIN;
use crate::{Attr, Kind, RO, RW, Rv, UNAVAILABLE, call, cases, ensure};

pub(super) fn cases() -> Vec<Case> {
    cases![
        data_object_round_trip,
        token_object_survives_restart,
        destroyed_object_is_gone,
        bad_object_handles,
        read_only_session_keeps_token_objects,
        public_session_sees_no_private_objects,
        so_sees_no_private_objects,
        template_incomplete,
        template_with_unknown_attribute,
        template_with_wrong_sizes,
        template_with_conflicting_duplicates,
        template_with_attributes_of_the_token,
        key_values_of_wrong_length,
        sensitive_value_is_not_revealed,
        unextractable_value_is_not_revealed,
        sensitivity_only_grows,
        copy_may_not_weaken,
        history_attributes,
        partial_results,
        attribute_sizes,
        unmodifiable_object,
        uncopyable_object,
        indestructible_object,
        set_attributes,
        certificate_object,
        trusted_is_for_the_so,
        object_size,
    ]
}

fn data_object_round_trip(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.session(RW)?;
    let object = session.create(&fixture::data_template("note", b"contents"))?;
    ensure!(session.get(object, CKA_VALUE)? == b"contents", "CKA_VALUE differs");
    ensure!(session.get(object, CKA_LABEL)? == b"note", "CKA_LABEL differs");
    ensure!(session.get_ulong(object, CKA_CLASS)? == CKO_DATA, "CKA_CLASS differs");
    ensure!(!session.get_bool(object, CKA_TOKEN)?, "CKA_TOKEN differs");
    ensure!(session.get_bool(object, CKA_MODIFIABLE)?, "CKA_MODIFIABLE is true by default");
    ensure!(session.get(object, CKA_OBJECT_ID)?.is_empty(), "CKA_OBJECT_ID is empty by default");
    let copy = session.copy(object, &[Attr::label("copy")])?;
    ensure!(copy != object, "the copy has the handle of the original");
    ensure!(session.get(copy, CKA_VALUE)? == b"contents", "the copy's CKA_VALUE differs");
    ensure!(session.get(object, CKA_LABEL)? == b"note", "copying changed the original");
    Ok(())
}

fn token_object_survives_restart(context: &Context) -> Check {
    let mut token = context.token()?;
    let session = token.user_session()?;
    session.create(&with(fixture::data_template("kept", b"x"), &[Attr::token(true)]))?;
    let private =
        with(fixture::data_template("kept private", b"y"), &[Attr::token(true), Attr::private(true)]);
    session.create(&private)?;
    session.create(&fixture::data_template("lost", b"z"))?;
    drop(session);
    token.restart()?;
    let session = token.user_session()?;
    for (label, count) in [("kept", 1), ("kept private", 1), ("lost", 0)] {
        let found = session.find(&[Attr::label(label)])?.len();
        ensure!(found == count, "{found} objects called {label:?} after C_Finalize, expected {count}");
    }
    Ok(())
}

fn destroyed_object_is_gone(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let object = session.create(&fixture::data_template("gone", b"x"))?;
    session.destroy(object)?;
    expect(session.get(object, CKA_VALUE), &[CKR_OBJECT_HANDLE_INVALID])?;
    expect(session.destroy(object), &[CKR_OBJECT_HANDLE_INVALID])?;
    ensure!(session.find(&[Attr::label("gone")])?.is_empty(), "a destroyed object is found");
    Ok(())
}

fn bad_object_handles(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    for bad in [0, 0x0fff_ffff, CK_ULONG::MAX] {
        expect(session.copy(bad, &[]), &[CKR_OBJECT_HANDLE_INVALID])?;
        expect(session.destroy(bad), &[CKR_OBJECT_HANDLE_INVALID])?;
        expect(session.object_size(bad), &[CKR_OBJECT_HANDLE_INVALID])?;
        expect_rv(session.fetch(bad, &[(CKA_CLASS, 8)]).0, &[CKR_OBJECT_HANDLE_INVALID])?;
        expect(session.set(bad, &[Attr::label("x")]), &[CKR_OBJECT_HANDLE_INVALID])?;
    }
    Ok(())
}

fn read_only_session_keeps_token_objects(context: &Context) -> Check {
    let token = context.token()?;
    let (rw, ro) = (token.user_session()?, token.session(RO)?);
    let template = with(fixture::data_template("fixed", b"x"), &[Attr::token(true)]);
    let object = rw.create(&template)?;
    let bad = &[CKR_SESSION_READ_ONLY];
    expect(ro.create(&template), bad)?;
    expect(ro.destroy(object), bad)?;
    expect(ro.set(object, &[Attr::label("x")]), bad)?;
    expect(ro.copy(object, &[Attr::label("x")]), bad)?;
    expect(fixture::aes(&ro, &[Attr::token(true)]), bad)?;
    expect_ok(ro.copy(object, &[Attr::token(false)]))?;
    expect_ok(ro.create(&fixture::data_template("volatile", b"x")))
}

/// What a caller without the user's login must not be able to do with private objects.
fn private_objects_are_hidden(session: &crate::Session, object: crate::Object) -> Check {
    ensure!(session.find(&[Attr::label("secret note")])?.is_empty(), "a private object is found");
    ensure!(!session.find(&[])?.contains(&object), "a private object is found by an empty template");
    let bad = &[CKR_OBJECT_HANDLE_INVALID, CKR_USER_NOT_LOGGED_IN];
    expect(session.get(object, CKA_VALUE), bad)?;
    expect(session.destroy(object), bad)?;
    expect(session.copy(object, &[Attr::private(false)]), bad)?;
    let private = with(fixture::data_template("x", b"x"), &[Attr::private(true)]);
    expect(session.create(&private), &[CKR_USER_NOT_LOGGED_IN])?;
    expect(fixture::aes(session, &[Attr::private(true)]), &[CKR_USER_NOT_LOGGED_IN])
}

fn private_token_object(session: &crate::Session) -> Result<crate::Object, Rv> {
    let extra = [Attr::private(true), Attr::token(true)];
    session.create(&with(fixture::data_template("secret note", b"x"), &extra))
}

fn public_session_sees_no_private_objects(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let object = private_token_object(&session)?;
    session.logout()?;
    private_objects_are_hidden(&session, object)?;
    session.login(CKU_USER, USER_PIN)?;
    ensure!(session.find(&[Attr::label("secret note")])?.len() == 1, "the private object is lost");
    Ok(())
}

fn so_sees_no_private_objects(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let object = private_token_object(&session)?;
    session.logout()?;
    session.login(CKU_SO, token.kind().so_pin())?;
    private_objects_are_hidden(&session, object)
}

fn template_incomplete(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let bad = &[CKR_TEMPLATE_INCOMPLETE];
    expect(session.create(&[]), &[CKR_TEMPLATE_INCOMPLETE, CKR_ARGUMENTS_BAD])?;
    expect(session.create(&[Attr::label("no class")]), bad)?;
    expect(session.create(&[Attr::class(CKO_SECRET_KEY), Attr::value(&[0; 16])]), bad)?;
    expect(session.create(&[Attr::class(CKO_SECRET_KEY), Attr::key_type(CKK_AES)]), bad)?;
    let public =
        [Attr::class(CKO_PUBLIC_KEY), Attr::key_type(CKK_RSA), Attr::bytes(CKA_MODULUS, &[0xc1; 256])];
    expect(session.create(&public), bad)?;
    let curve = Attr::bytes(CKA_EC_PARAMS, crate::der::curve_oid("secp256r1"));
    expect(session.create(&[Attr::class(CKO_PUBLIC_KEY), Attr::key_type(CKK_EC), curve]), bad)?;
    expect(session.create(&[Attr::class(CKO_CERTIFICATE), Attr::value(b"0")]), bad)
}

fn template_with_unknown_attribute(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let unknown = Attr::bool(0x7fff_1234, true);
    let template = with(fixture::data_template("x", b"x"), &[unknown]);
    expect(session.create(&template), &[CKR_ATTRIBUTE_TYPE_INVALID])?;
    // Known, but not of this class.
    let template = with(fixture::data_template("x", b"x"), &[Attr::bytes(CKA_MODULUS, &[1])]);
    expect(session.create(&template), &[CKR_ATTRIBUTE_TYPE_INVALID, CKR_TEMPLATE_INCONSISTENT])
}

fn template_with_wrong_sizes(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let bad = &[CKR_ATTRIBUTE_VALUE_INVALID];
    let wrong = [
        Attr::bytes(CKA_TOKEN, &[0, 0]),
        Attr::bytes(CKA_PRIVATE, &[]),
        Attr::bytes(CKA_CLASS, &[0; 4]),
        Attr::bytes(CKA_CLASS, &[0; 16]),
    ];
    for attribute in wrong {
        expect(session.create(&with(fixture::data_template("x", b"x"), &[attribute])), bad)?;
    }
    let key = with(fixture::aes_template(&[0; 16], &[]), &[Attr::bytes(CKA_KEY_TYPE, &[0; 3])]);
    expect(session.create(&key), bad)?;
    let key = with(fixture::aes_template(&[0; 16], &[]), &[Attr::bytes(CKA_START_DATE, b"2020")]);
    expect(session.create(&key), bad)?;
    expect(session.create(&[Attr::class(0x7fff_4321), Attr::token(false)]), bad)
}

fn template_with_conflicting_duplicates(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let mut template = fixture::data_template("one", b"x");
    template.push(Attr::label("two"));
    expect(session.create(&template), &[CKR_TEMPLATE_INCONSISTENT])
}

/// Attributes that only the token sets.
fn template_with_attributes_of_the_token(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let bad = &[CKR_ATTRIBUTE_READ_ONLY, CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_TYPE_INVALID];
    let wrong = [
        Attr::bool(CKA_LOCAL, true),
        Attr::ulong(CKA_KEY_GEN_MECHANISM, CKM_AES_KEY_GEN),
        Attr::bool(CKA_ALWAYS_SENSITIVE, true),
        Attr::bool(CKA_NEVER_EXTRACTABLE, true),
    ];
    for attribute in wrong {
        let template = with(fixture::aes_template(&[0; 16], &[]), std::slice::from_ref(&attribute));
        expect(session.create(&template), bad).map_err(|failure| failure.at(&format!("{attribute:?}")))?;
    }
    Ok(())
}

fn key_values_of_wrong_length(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let bad = &[CKR_ATTRIBUTE_VALUE_INVALID, CKR_KEY_SIZE_RANGE];
    for length in [0, 1, 15, 17, 33] {
        expect(session.create(&fixture::aes_template(&vec![1; length], &[])), bad)
            .map_err(|failure| failure.at(&format!("AES key of {length} bytes")))?;
    }
    Ok(())
}

fn hidden(session: &crate::Session, key: crate::Object) -> Check {
    let (rv, rows) = session.fetch(key, &[(CKA_VALUE, 64), (CKA_VALUE, 0), (CKA_KEY_TYPE, 8)]);
    expect_rv(rv, &[CKR_ATTRIBUTE_SENSITIVE])?;
    for row in rows.iter().take(2) {
        ensure!(
            row.len == UNAVAILABLE,
            "CKA_VALUE's length is {:#x}, expected CK_UNAVAILABLE_INFORMATION",
            row.len
        );
    }
    ensure!(rows.get(2).is_some_and(|row| row.value == CKK_AES.to_ne_bytes()), "CKA_KEY_TYPE is not given");
    Ok(())
}

fn sensitive_value_is_not_revealed(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let key = fixture::aes(&session, &[Attr::bool(CKA_SENSITIVE, true), Attr::bool(CKA_EXTRACTABLE, true)])?;
    hidden(&session, key)
}

fn unextractable_value_is_not_revealed(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let key =
        fixture::aes(&session, &[Attr::bool(CKA_SENSITIVE, false), Attr::bool(CKA_EXTRACTABLE, false)])?;
    hidden(&session, key)
}

fn sensitivity_only_grows(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let key = fixture::aes(&session, &[Attr::bool(CKA_SENSITIVE, true), Attr::bool(CKA_EXTRACTABLE, false)])?;
    let bad = &[CKR_ATTRIBUTE_READ_ONLY];
    expect(session.set(key, &[Attr::bool(CKA_SENSITIVE, false)]), bad)?;
    expect(session.set(key, &[Attr::bool(CKA_EXTRACTABLE, true)]), bad)?;
    let open = session.create(&fixture::aes_template(&[3; 16], &[]))?;
    session.set(open, &[Attr::bool(CKA_SENSITIVE, true), Attr::bool(CKA_EXTRACTABLE, false)])?;
    hidden(&session, open)
}

fn copy_may_not_weaken(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let key = fixture::aes(&session, &[Attr::bool(CKA_SENSITIVE, true), Attr::bool(CKA_EXTRACTABLE, false)])?;
    let bad = &[CKR_ATTRIBUTE_READ_ONLY, CKR_TEMPLATE_INCONSISTENT];
    expect(session.copy(key, &[Attr::bool(CKA_SENSITIVE, false)]), bad)?;
    expect(session.copy(key, &[Attr::bool(CKA_EXTRACTABLE, true)]), bad)?;
    let copy = session.copy(key, &[Attr::label("copy")])?;
    hidden(&session, copy)
}

fn history_attributes(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let generated =
        fixture::aes(&session, &[Attr::bool(CKA_SENSITIVE, true), Attr::bool(CKA_EXTRACTABLE, false)])?;
    let created = session.create(&fixture::aes_template(&[1; 16], &[]))?;
    session.set(created, &[Attr::bool(CKA_SENSITIVE, true), Attr::bool(CKA_EXTRACTABLE, false)])?;
    for (key, truth) in [(generated, true), (created, false)] {
        for (kind, name) in [
            (CKA_LOCAL, "CKA_LOCAL"),
            (CKA_ALWAYS_SENSITIVE, "CKA_ALWAYS_SENSITIVE"),
            (CKA_NEVER_EXTRACTABLE, "CKA_NEVER_EXTRACTABLE"),
        ] {
            let value = session.get_bool(key, kind)?;
            ensure!(value == truth, "{name} is {value} for a key with local = {truth}");
        }
    }
    let mechanism = session.get_ulong(generated, CKA_KEY_GEN_MECHANISM)?;
    ensure!(mechanism == CKM_AES_KEY_GEN, "CKA_KEY_GEN_MECHANISM is {mechanism:#x}");
    let mechanism = session.get_ulong(created, CKA_KEY_GEN_MECHANISM)?;
    ensure!(mechanism == UNAVAILABLE, "CKA_KEY_GEN_MECHANISM of a created key is {mechanism:#x}");
    Ok(())
}

fn partial_results(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let key = fixture::aes(
        &session,
        &[Attr::bool(CKA_SENSITIVE, true), Attr::label("partial"), Attr::id(b"12345678")],
    )?;
    let wanted = [(CKA_VALUE, 32), (CKA_MODULUS, 32), (CKA_ID, 4), (CKA_LABEL, 32), (CKA_CLASS, 8)];
    let (rv, rows) = session.fetch(key, &wanted);
    expect_rv(rv, &[CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID, CKR_BUFFER_TOO_SMALL])?;
    for row in rows.iter().take(3) {
        let name = crate::names::name(crate::names::CKA, row.kind);
        ensure!(row.unavailable(), "{name} says length {}, expected CK_UNAVAILABLE_INFORMATION", row.len);
    }
    ensure!(rows.get(3).is_some_and(|row| row.value == b"partial"), "CKA_LABEL is not given");
    ensure!(
        rows.get(4).is_some_and(|row| row.value == CKO_SECRET_KEY.to_ne_bytes()),
        "CKA_CLASS is not given"
    );
    expect_rv(session.fetch(key, &[(CKA_ID, 4)]).0, &[CKR_BUFFER_TOO_SMALL])?;
    expect_rv(session.fetch(key, &[(CKA_MODULUS, 4)]).0, &[CKR_ATTRIBUTE_TYPE_INVALID])
}

fn attribute_sizes(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let object = session.create(&fixture::data_template("sizes", b"0123456789"))?;
    let (rv, rows) =
        session.fetch(object, &[(CKA_VALUE, 0), (CKA_CLASS, 0), (CKA_TOKEN, 0), (CKA_VALUE, 99)]);
    expect_rv(rv, &[CKR_OK])?;
    let lengths: Vec<CK_ULONG> = rows.iter().map(|row| row.len).collect();
    ensure!(lengths == [10, 8, 1, 10], "lengths {lengths:?}");
    Ok(())
}

fn unmodifiable_object(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let extra = [Attr::bool(CKA_MODIFIABLE, false)];
    let object = session.create(&with(fixture::data_template("fixed", b"x"), &extra))?;
    let refused = &[CKR_ACTION_PROHIBITED, CKR_ATTRIBUTE_READ_ONLY];
    expect(session.set(object, &[Attr::label("changed")]), refused)?;
    ensure!(session.get(object, CKA_LABEL)? == b"fixed", "the refused change was made");
    Ok(())
}

fn uncopyable_object(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let extra = [Attr::bool(CKA_COPYABLE, false)];
    let object = session.create(&with(fixture::data_template("single", b"x"), &extra))?;
    expect(session.copy(object, &[Attr::label("copy")]), &[CKR_ACTION_PROHIBITED])?;
    expect(session.set(object, &[Attr::bool(CKA_COPYABLE, true)]), &[CKR_ATTRIBUTE_READ_ONLY])
}

fn indestructible_object(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let extra = [Attr::bool(CKA_DESTROYABLE, false)];
    let object = session.create(&with(fixture::data_template("rock", b"x"), &extra))?;
    expect(session.destroy(object), &[CKR_ACTION_PROHIBITED])?;
    expect_ok(session.get(object, CKA_VALUE))
}

fn set_attributes(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let key = fixture::aes(&session, &[Attr::label("old"), Attr::token(true)])?;
    session.set(key, &[Attr::label("new"), Attr::id(b"\x01\x02")])?;
    ensure!(session.find(&[Attr::label("new"), Attr::id(b"\x01\x02")])? == [key], "the change is not found");
    ensure!(session.find(&[Attr::label("old")])?.is_empty(), "the old label is found");
    let bad = &[CKR_ATTRIBUTE_READ_ONLY];
    expect(session.set(key, &[Attr::token(false)]), bad)?;
    expect(session.set(key, &[Attr::bool(CKA_LOCAL, false)]), bad)?;
    expect(session.set(key, &[Attr::value(&[0; 32])]), bad)?;
    // All or nothing: the label must not change when another attribute is refused.
    expect(session.set(key, &[Attr::label("half"), Attr::bool(CKA_LOCAL, false)]), bad)?;
    ensure!(session.get(key, CKA_LABEL)? == b"new", "a refused C_SetAttributeValue changed the label");
    Ok(())
}

fn certificate_object(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let certificate = session.create(&[
        Attr::class(CKO_CERTIFICATE),
        Attr::ulong(CKA_CERTIFICATE_TYPE, CKC_X_509),
        Attr::token(true),
        Attr::private(false),
        Attr::label("server"),
        Attr::id(b"\x07"),
        Attr::bytes(CKA_SUBJECT, &[0x30, 0x00]),
        // Java writes raw integer bytes here, not DER.
        Attr::bytes(CKA_SERIAL_NUMBER, &[0x12, 0x34]),
        Attr::value(&[0x30, 0x03, 0x02, 0x01, 0x05]),
    ])?;
    ensure!(session.get(certificate, CKA_SERIAL_NUMBER)? == [0x12, 0x34], "CKA_SERIAL_NUMBER differs");
    session.set(certificate, &[Attr::id(b"\x08")])?;
    drop(session);
    let public = token.session(RO)?;
    ensure!(
        public.find(&[Attr::class(CKO_CERTIFICATE), Attr::id(b"\x08")])?.len() == 1,
        "a public certificate is hidden"
    );
    Ok(())
}

fn trusted_is_for_the_so(context: &Context) -> Check {
    let token = context.token()?;
    if token.kind() == Kind::Nss {
        crate::skip!("NSS keeps trust in objects of its own");
    }
    let session = token.user_session()?;
    let template =
        with(fixture::aes_template(&[0; 32], &[CKA_WRAP]), &[Attr::private(false), Attr::token(true)]);
    let refused = &[CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_TYPE_INVALID, CKR_TEMPLATE_INCONSISTENT];
    expect(session.create(&with(template.clone(), &[Attr::bool(CKA_TRUSTED, true)])), refused)?;
    let key = session.create(&template)?;
    expect(session.set(key, &[Attr::bool(CKA_TRUSTED, true)]), refused)?;
    ensure!(!session.get_bool(key, CKA_TRUSTED)?, "CKA_TRUSTED became true");
    session.logout()?;
    session.login(CKU_SO, token.kind().so_pin())?;
    let [found] = session.find(&[Attr::class(CKO_SECRET_KEY)])?[..] else {
        crate::fail!("the SO does not see a public key")
    };
    expect_ok(session.set(found, &[Attr::bool(CKA_TRUSTED, true)]))
}

fn object_size(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.session(RW)?;
    let object = session.create(&fixture::data_template("sized", &[0; 100]))?;
    let size = session.object_size(object)?;
    ensure!(size == UNAVAILABLE || size >= 100, "C_GetObjectSize gives {size} for 100 bytes of value");
    let null = std::ptr::null_mut();
    expect_rv(call!(token.module, C_GetObjectSize(session.handle(), object, null)), &[CKR_ARGUMENTS_BAD])
}
