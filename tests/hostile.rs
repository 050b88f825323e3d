//! Calls out of order and arguments that no well-meant program gives.

#![allow(clippy::unwrap_used)]

mod common;

use common::token;
use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, Object, RW, Rv, Session};

/// One call with exactly this room for its result.
type Call<'a> = &'a dyn Fn(*mut CK_BYTE, *mut CK_ULONG) -> CK_RV;

fn with_room(room: CK_ULONG, call: Call) -> Result<Vec<u8>, Rv> {
    let mut buffer = vec![0; usize::try_from(room).unwrap()];
    let mut len = room;
    match call(buffer.as_mut_ptr(), &mut len) {
        CKR_OK => {
            buffer.truncate(usize::try_from(len).unwrap());
            Ok(buffer)
        }
        rv => Err(Rv(rv)),
    }
}

fn decrypt(session: &Session, data: &[u8], room: CK_ULONG) -> Result<Vec<u8>, Rv> {
    let function = session.module().functions().C_Decrypt.unwrap();
    let (pointer, data_len) = (data.as_ptr().cast_mut(), CK_ULONG::try_from(data.len()).unwrap());
    // SAFETY: pointers and lengths of live buffers.
    with_room(room, &|out, len| unsafe { function(session.handle(), pointer, data_len, out, len) })
}

fn decrypt_final(session: &Session, room: CK_ULONG) -> Result<Vec<u8>, Rv> {
    let function = session.module().functions().C_DecryptFinal.unwrap();
    // SAFETY: pointers and lengths of live buffers.
    with_room(room, &|out, len| unsafe { function(session.handle(), out, len) })
}

fn aes(session: &Session) -> Object {
    session.generate_key(&Mech::new(CKM_AES_KEY_GEN), &[Attr::value_len(16)]).unwrap()
}

#[test]
fn a_result_that_waits_for_room_is_for_the_same_call_only() {
    let token = token();
    let session = token.user_session().unwrap();
    let (key, mech) = (aes(&session), Mech::bytes(CKM_AES_CBC_PAD, &[0; 16]));
    let texts = [b"the first text, 23 byte", b"a second text, 23 bytes"];
    let sealed = texts.map(|text| session.encrypt(&mech, key, text).unwrap());

    // The same call again gets it.
    session.decrypt_init(&mech, key).unwrap();
    assert_eq!(decrypt(&session, &sealed[0], 5).unwrap_err(), CKR_BUFFER_TOO_SMALL);
    assert_eq!(decrypt(&session, &sealed[0], 23).unwrap(), texts[0]);

    // Other data does not get the first data's plaintext.
    session.decrypt_init(&mech, key).unwrap();
    assert_eq!(decrypt(&session, &sealed[0], 5).unwrap_err(), CKR_BUFFER_TOO_SMALL);
    assert_eq!(decrypt(&session, &sealed[1], 32).unwrap_err(), CKR_OPERATION_NOT_INITIALIZED);

    // Nor do the multi-part functions; the cipher has come to its end.
    session.decrypt_init(&mech, key).unwrap();
    assert_eq!(decrypt(&session, &sealed[0], 5).unwrap_err(), CKR_BUFFER_TOO_SMALL);
    assert_eq!(decrypt_final(&session, 32).unwrap_err(), CKR_OPERATION_NOT_INITIALIZED);

    session.decrypt_init(&mech, key).unwrap();
    assert_eq!(session.decrypt_update(&sealed[0]).unwrap(), texts[0][..16]);
    assert_eq!(decrypt_final(&session, 5).unwrap_err(), CKR_BUFFER_TOO_SMALL);
    assert_eq!(decrypt_final(&session, 7).unwrap(), texts[0][16..]);

    session.decrypt_init(&mech, key).unwrap();
    session.decrypt_update(&sealed[0]).unwrap();
    assert_eq!(decrypt_final(&session, 5).unwrap_err(), CKR_BUFFER_TOO_SMALL);
    assert_eq!(session.decrypt_update(&sealed[1]).unwrap_err(), CKR_OPERATION_NOT_INITIALIZED);
    assert_eq!(decrypt_final(&session, 32).unwrap_err(), CKR_OPERATION_NOT_INITIALIZED);
}

#[test]
fn a_seed_of_impossible_length_is_not_copied() {
    let token = token();
    let session = token.session(RW).unwrap();
    let seed_random = session.module().functions().C_SeedRandom.unwrap();
    let mut seed = [0u8; 8];
    // SAFETY: the length is a lie, and the seed is not read.
    assert_eq!(unsafe { seed_random(session.handle(), seed.as_mut_ptr(), 1 << 46) }, CKR_OK);
}

/// Arrays that share their elements' values: 2 KiB of the caller's memory, a million attributes.
#[test]
fn nested_templates_cost_no_more_than_flat_ones() {
    const WIDTH: usize = 16;
    const LEVELS: usize = 5;
    let token = token();
    let session = token.session(RW).unwrap();
    let mut innermost = [CK_TRUE];
    let (mut value, mut len, mut kind) = (innermost.as_mut_ptr().cast(), 1, CKA_SIGN);
    let mut levels = Vec::new();
    for _ in 0..LEVELS {
        let mut level = vec![CK_ATTRIBUTE { type_: kind, pValue: value, ulValueLen: len }; WIDTH];
        (value, kind) = (level.as_mut_ptr().cast(), CKA_WRAP_TEMPLATE);
        len = CK_ULONG::try_from(size_of_val(&level[..])).unwrap();
        levels.push(level);
    }
    let (count, mut object) = (CK_ULONG::try_from(WIDTH).unwrap(), 0);
    let functions = session.module().functions();
    // SAFETY: every pointer leads to a level, all of which live on; nothing writes to them.
    unsafe {
        let create = functions.C_CreateObject.unwrap();
        assert_eq!(create(session.handle(), value.cast(), count, &mut object), CKR_ARGUMENTS_BAD);
        let find = functions.C_FindObjectsInit.unwrap();
        assert_eq!(find(session.handle(), value.cast(), count), CKR_ARGUMENTS_BAD);
    }
}
