//! The search's state machine and what it finds.

use cryptoki_sys::*;

use super::super::fixture::{self, with};
use crate::runner::{Case, Check, Context, expect, expect_ok};
use crate::{Attr, RW, cases, ensure};

pub(super) fn cases() -> Vec<Case> {
    cases![
        search_without_init,
        search_twice,
        search_in_pages,
        search_by_every_attribute,
        search_for_unknown_attribute,
        search_never_matches_sensitive_values,
        search_beside_other_operations,
        destroyed_during_search,
    ]
}

fn search_without_init(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.session(RW)?;
    expect(session.find_next(1), &[CKR_OPERATION_NOT_INITIALIZED])?;
    expect(session.find_final(), &[CKR_OPERATION_NOT_INITIALIZED])
}

fn search_twice(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.session(RW)?;
    session.find_init(&[])?;
    expect(session.find_init(&[]), &[CKR_OPERATION_ACTIVE])?;
    session.find_final()?;
    expect_ok(session.find_init(&[]))?;
    // Another session has a search of its own.
    expect_ok(token.session(RW)?.find(&[]))
}

fn search_in_pages(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    for number in 0..25_u8 {
        session.create(&with(fixture::data_template("page", &[number]), &[Attr::token(number % 2 == 0)]))?;
    }
    session.find_init(&[Attr::label("page")])?;
    let mut found = Vec::new();
    loop {
        let page = session.find_next(4)?;
        ensure!(page.len() <= 4, "C_FindObjects gives {} of at most 4", page.len());
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    ensure!(session.find_next(4)?.is_empty(), "the search starts again after its end");
    session.find_final()?;
    found.sort_unstable();
    found.dedup();
    ensure!(found.len() == 25, "{} of 25 objects found", found.len());
    Ok(())
}

fn search_by_every_attribute(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let key =
        fixture::aes(&session, &[Attr::label("k"), Attr::id(b"\x00\x01"), Attr::bool(CKA_WRAP, false)])?;
    for attribute in [
        Attr::class(CKO_SECRET_KEY),
        Attr::key_type(CKK_AES),
        Attr::label("k"),
        Attr::id(b"\x00\x01"),
        Attr::token(false),
        Attr::bool(CKA_WRAP, false),
        Attr::bool(CKA_LOCAL, true),
        Attr::value_len(32),
    ] {
        let found = session.find(std::slice::from_ref(&attribute))?;
        ensure!(found.contains(&key), "not found by {attribute:?}");
    }
    for attribute in [Attr::id(b"\x01"), Attr::label("K"), Attr::label("k "), Attr::bool(CKA_WRAP, true)] {
        let found = session.find(std::slice::from_ref(&attribute))?;
        ensure!(!found.contains(&key), "found by {attribute:?}");
    }
    Ok(())
}

fn search_for_unknown_attribute(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    fixture::aes(&session, &[])?;
    match session.find(&[Attr::bool(0x7fff_1234, true)]) {
        Ok(found) => ensure!(found.is_empty(), "an unknown attribute matches"),
        Err(rv) => expect::<()>(Err(rv), &[CKR_ATTRIBUTE_TYPE_INVALID])?,
    }
    Ok(())
}

fn search_never_matches_sensitive_values(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let hidden = with(fixture::aes_template(&[9; 16], &[]), &[Attr::bool(CKA_SENSITIVE, true)]);
    session.create(&hidden)?;
    let found = session.find(&[Attr::value(&[9; 16])])?;
    ensure!(found.is_empty(), "a guess of CKA_VALUE finds a sensitive key");
    Ok(())
}

fn search_beside_other_operations(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let key = fixture::aes(&session, &[Attr::label("busy")])?;
    session.digest_init(&crate::Mech::new(CKM_SHA256))?;
    super::combined::beside(session.find_init(&[Attr::label("busy")]))?;
    session.digest_update(b"abc")?;
    ensure!(session.find_next(8)? == [key], "the search is disturbed");
    ensure!(session.digest_final()?.starts_with(&[0xba, 0x78, 0x16, 0xbf]), "the digest is disturbed");
    expect_ok(session.find_final())
}

fn destroyed_during_search(context: &Context) -> Check {
    let token = context.token()?;
    let session = token.user_session()?;
    let mut objects = Vec::new();
    for number in 0..4_u8 {
        objects.push(session.create(&fixture::data_template("doomed", &[number]))?);
    }
    session.find_init(&[Attr::label("doomed")])?;
    let first = session.find_next(1)?;
    for object in objects.iter().filter(|object| !first.contains(object)) {
        session.destroy(*object)?;
    }
    expect_ok(session.find_next(8))?;
    expect_ok(session.find_final())
}
