//! One-time passwords through the C ABI: HOTP keys, their counters, and the structure that C_Sign answers.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;

use common::{second_instance, token, user_session};
use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, Object, RO, Session};

/// Appendix D of RFC 4226.
const SECRET: &[u8] = b"12345678901234567890";
const PASSWORDS: [&str; 10] =
    ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
const WORD: usize = size_of::<CK_ULONG>();

fn template(more: &[Attr]) -> Vec<Attr> {
    let key = [Attr::class(CKO_OTP_KEY), Attr::key_type(CKK_HOTP), Attr::value(SECRET)];
    [&key[..], more].concat()
}

/// CKM_HOTP with these parameters.
fn hotp(params: &[(CK_ULONG, &[u8])]) -> Mech {
    let mut buffers: Vec<Vec<u8>> = params.iter().map(|(_, value)| value.to_vec()).collect();
    let list = params.iter().zip(&buffers).flat_map(|((kind, _), value)| {
        [*kind, value.as_ptr() as CK_ULONG, value.len() as CK_ULONG]
            .into_iter()
            .flat_map(CK_ULONG::to_ne_bytes)
    });
    let mut list: Vec<u8> = list.collect();
    let whole = CK_OTP_PARAMS { pParams: list.as_mut_ptr().cast(), ulCount: params.len() as CK_ULONG };
    buffers.push(list);
    Mech::with_struct(CKM_HOTP, &whole, buffers)
}

/// Follows the addresses in a CK_OTP_SIGNATURE_INFO, all of which have to lead into its block.
fn read(block: &[u8]) -> (String, u64) {
    let base = block.as_ptr() as usize;
    let word = |at: usize| usize::from_ne_bytes(block[at..at + WORD].try_into().unwrap());
    let (list, count) = (word(0) - base, word(WORD));
    let params: Vec<(CK_ULONG, &[u8])> = (0..count)
        .map(|at| list + at * size_of::<CK_OTP_PARAM>())
        .map(|at| (word(at) as CK_ULONG, &block[word(at + WORD) - base..][..word(at + 2 * WORD)]))
        .collect();
    let find = |wanted| params.iter().find(|(kind, _)| *kind == wanted).unwrap().1;
    let counter = u64::from_be_bytes(find(CK_OTP_COUNTER).try_into().unwrap());
    (String::from_utf8(find(CK_OTP_VALUE).to_vec()).unwrap(), counter)
}

fn next(session: &Session, key: Object) -> (String, u64) {
    read(&session.sign(&Mech::new(CKM_HOTP), key, b"").unwrap())
}

fn counter(session: &Session, key: Object) -> u64 {
    u64::from_be_bytes(session.get(key, CKA_OTP_COUNTER).unwrap().try_into().unwrap())
}

#[test]
fn passwords_follow_the_key_s_counter() {
    let mut token = token();
    let session = token.user_session().unwrap();
    let key = session.create(&template(&[Attr::token(true), Attr::label("otp")])).unwrap();
    for (count, password) in (0..5).zip(PASSWORDS) {
        assert_eq!(counter(&session, key), count);
        assert_eq!(next(&session, key), (password.to_owned(), count));
    }
    // What was used stays used, whoever asks, and in a read-only session, too.
    token.restart().unwrap();
    let session = token.session(RO).unwrap();
    session.login(CKU_USER, keyward_conformance::token::USER_PIN).unwrap();
    let key = session.find(&[Attr::class(CKO_OTP_KEY), Attr::label("otp")]).unwrap()[0];
    for (count, password) in (5..10).zip(&PASSWORDS[5..]) {
        assert_eq!(next(&session, key), ((*password).to_owned(), count));
    }
    let session = token.session(keyward_conformance::RW).unwrap();
    let set = session.set(key, &[Attr::bytes(CKA_OTP_COUNTER, &[0; 8])]);
    assert_eq!(set.unwrap_err(), CKR_ATTRIBUTE_READ_ONLY);
    let own = session.create(&template(&[Attr::bytes(CKA_OTP_COUNTER, &7u64.to_be_bytes())])).unwrap();
    assert_eq!(next(&session, own), (PASSWORDS[7].to_owned(), 7));
    assert_eq!(next(&session, own), (PASSWORDS[8].to_owned(), 8));
}

#[test]
fn no_number_is_used_twice() {
    let token = token();
    let session = token.user_session().unwrap();
    let key = session.create(&template(&[Attr::token(true), Attr::label("otp")])).unwrap();
    let used: Vec<u64> = std::thread::scope(|scope| {
        let work = [(); 3].map(|()| {
            scope.spawn(|| {
                let session = token.session(RO).unwrap();
                (0..10).map(|_| next(&session, key).1).collect::<Vec<_>>()
            })
        });
        work.into_iter().flat_map(|work| work.join().unwrap()).collect()
    });
    let seen: BTreeSet<u64> = used.iter().copied().collect();
    assert!(seen.iter().copied().eq(0..30), "{used:?}");
    // Another process takes up where this one left off, and this one where the other did. Not at once: within one
    // process, SQLite's locks don't hold between two copies of the library.
    let other = second_instance(token.dir());
    let elsewhere = user_session(&other);
    let there = elsewhere.find(&[Attr::class(CKO_OTP_KEY)]).unwrap()[0];
    for count in (30..40).step_by(2) {
        assert_eq!(next(&elsewhere, there).1, count);
        assert_eq!(next(&session, key).1, count + 1);
    }
    other.finalize().unwrap();
}

#[test]
fn a_size_query_uses_nothing_up() {
    let token = token();
    let session = token.user_session().unwrap();
    let key = session.create(&template(&[])).unwrap();
    let functions = token.module.functions();
    let sign = functions.C_Sign.unwrap();
    session.sign_init(&Mech::new(CKM_HOTP), key).unwrap();
    let mut len = 0;
    let null = std::ptr::null_mut();
    // SAFETY: no data, no buffer, and a length to write to.
    assert_eq!(unsafe { sign(session.handle(), null, 0, null, &mut len) }, CKR_OK);
    let mut block = vec![0; keyward_conformance::size(len)];
    let mut short = len - 1;
    // SAFETY: a buffer of at least that length.
    let answer = unsafe { sign(session.handle(), null, 0, block.as_mut_ptr(), &mut short) };
    assert_eq!(answer, CKR_BUFFER_TOO_SMALL);
    assert_eq!(counter(&session, key), 0);
    // SAFETY: the same with its whole length.
    assert_eq!(unsafe { sign(session.handle(), null, 0, block.as_mut_ptr(), &mut len) }, CKR_OK);
    assert_eq!(read(&block), (PASSWORDS[0].to_owned(), 0));
    assert_eq!(counter(&session, key), 1);
    session.sign_init(&Mech::new(CKM_HOTP), key).unwrap();
    assert_eq!(session.sign_once(b"data").unwrap_err(), CKR_DATA_LEN_RANGE);
    assert_eq!(counter(&session, key), 1);
    session.sign_init(&Mech::new(CKM_HOTP), key).unwrap();
    assert_eq!(read(&session.sign_final().unwrap()), (PASSWORDS[1].to_owned(), 1));
}

#[test]
fn passwords_are_verified_with_the_caller_s_counter() {
    let token = token();
    let session = token.user_session().unwrap();
    let key = session.create(&template(&[])).unwrap();
    for (count, password) in (0u64..).zip(PASSWORDS) {
        let given = |count: u64| hotp(&[(CK_OTP_COUNTER, &count.to_be_bytes())]);
        session.verify(&given(count), key, b"", password.as_bytes()).unwrap();
        let wrong = session.verify(&given(count + 1), key, b"", password.as_bytes());
        assert_eq!(wrong.unwrap_err(), CKR_SIGNATURE_INVALID);
        let short = session.verify(&given(count), key, b"", &password.as_bytes()[1..]);
        assert_eq!(short.unwrap_err(), CKR_SIGNATURE_LEN_RANGE);
        assert_eq!(read(&session.sign(&given(count), key, b"").unwrap()), (password.to_owned(), count));
    }
    assert_eq!(counter(&session, key), 0, "the caller's counter is not the key's");
    assert_eq!(session.verify_init(&Mech::new(CKM_HOTP), key).unwrap_err(), CKR_MECHANISM_PARAM_INVALID);
    let eight = hotp(&[(CK_OTP_OUTPUT_LENGTH, &(8 as CK_ULONG).to_ne_bytes()), (CK_OTP_PIN, b"ignored")]);
    assert_eq!(read(&session.sign(&eight, key, b"").unwrap()).0, "84755224");
}

#[test]
fn parameters_that_make_no_sense_are_refused() {
    let token = token();
    let session = token.user_session().unwrap();
    let key = session.create(&template(&[])).unwrap();
    let list = |count: CK_ULONG, pointer: *mut CK_OTP_PARAM| {
        Mech::with_struct(CKM_HOTP, &CK_OTP_PARAMS { pParams: pointer, ulCount: count }, Vec::new())
    };
    let mut huge =
        CK_OTP_PARAM { type_: CK_OTP_PIN, pValue: std::ptr::null_mut(), ulValueLen: CK_ULONG::MAX };
    for wrong in [
        list(1, std::ptr::null_mut()),
        list(CK_ULONG::MAX, &raw mut huge),
        list(1, &raw mut huge),
        hotp(&[(CK_OTP_COUNTER, b"4 by")]),
        hotp(&[(CK_OTP_FLAGS, b"1")]),
        hotp(&[(CK_OTP_FLAGS, &CKF_NEXT_OTP.to_ne_bytes())]),
        hotp(&[(CK_OTP_OUTPUT_FORMAT, &CK_OTP_FORMAT_BINARY.to_ne_bytes())]),
        hotp(&[(CK_OTP_VALUE, b"755224")]),
        hotp(&[(77, b"")]),
        hotp(&[(CK_OTP_PIN, &b"1"[..]); 9]),
        Mech::bytes(CKM_HOTP, b"short"),
    ] {
        assert_eq!(session.sign_init(&wrong, key).unwrap_err(), CKR_MECHANISM_PARAM_INVALID);
    }
    session.sign_init(&list(0, std::ptr::null_mut()), key).unwrap();
}

#[test]
fn keys_are_generated_and_hold_back_their_value() {
    let token = token();
    let session = token.user_session().unwrap();
    let generate = |more: &[Attr]| session.generate_key(&Mech::new(CKM_HOTP_KEY_GEN), more);
    let key =
        generate(&[Attr::token(true), Attr::string(CKA_OTP_SERVICE_IDENTIFIER, "example.org")]).unwrap();
    let number = |kind| session.get_ulong(key, kind).unwrap();
    assert_eq!((number(CKA_CLASS), number(CKA_KEY_TYPE), number(CKA_VALUE_LEN)), (CKO_OTP_KEY, CKK_HOTP, 20));
    assert_eq!((number(CKA_OTP_FORMAT), number(CKA_OTP_LENGTH)), (CK_OTP_FORMAT_DECIMAL, 6));
    assert_eq!(number(CKA_KEY_GEN_MECHANISM), CKM_HOTP_KEY_GEN);
    assert!(session.get_bool(key, CKA_LOCAL).unwrap());
    assert_eq!(session.get(key, CKA_VALUE).unwrap_err(), CKR_ATTRIBUTE_SENSITIVE);
    assert_eq!(session.get(key, CKA_OTP_SERVICE_IDENTIFIER).unwrap(), b"example.org");
    let (password, count) = next(&session, key);
    let given = hotp(&[(CK_OTP_COUNTER, &count.to_be_bytes())]);
    session.verify(&given, key, b"", password.as_bytes()).unwrap();
    let open = generate(&[Attr::value_len(32), Attr::bool(CKA_EXTRACTABLE, true)]).unwrap();
    assert_eq!(session.get(open, CKA_VALUE).unwrap().len(), 32);
    assert_eq!(generate(&[Attr::value_len(15)]).unwrap_err(), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_eq!(generate(&[Attr::class(CKO_SECRET_KEY)]).unwrap_err(), CKR_TEMPLATE_INCONSISTENT);
    // An OTP key is none of the others', nor theirs its.
    let mac = session.sign_init(&Mech::new(CKM_SHA_1_HMAC), key);
    assert_eq!(mac.unwrap_err(), CKR_KEY_TYPE_INCONSISTENT);
    let generic =
        session.generate_key(&Mech::new(CKM_GENERIC_SECRET_KEY_GEN), &[Attr::value_len(20)]).unwrap();
    assert_eq!(session.sign_init(&Mech::new(CKM_HOTP), generic).unwrap_err(), CKR_KEY_TYPE_INCONSISTENT);
    let silent = generate(&[Attr::bool(CKA_SIGN, false)]).unwrap();
    assert_eq!(session.sign_init(&Mech::new(CKM_HOTP), silent).unwrap_err(), CKR_KEY_FUNCTION_NOT_PERMITTED);
}
