//! The harness itself, tried on SoftHSM where it is installed.

use std::path::Path;

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, RO, Rv, TestToken};

const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";

#[test]
fn token_keys_and_errors() {
    if !Path::new(SOFTHSM).exists() {
        return;
    }
    let mut token = TestToken::new(SOFTHSM).unwrap();
    let session = token.user_session().unwrap();
    let key = session
        .generate_key(
            &Mech::new(CKM_AES_KEY_GEN),
            &[
                Attr::value_len(32),
                Attr::token(true),
                Attr::label("sealing"),
                Attr::bool(CKA_ENCRYPT, true),
                Attr::bool(CKA_DECRYPT, true),
            ],
        )
        .unwrap();
    let mech = Mech::gcm(&[7; 12], b"header", 128);
    let sealed = session.encrypt(&mech, key, b"message").unwrap();
    assert_eq!(sealed.len(), 7 + 16);
    assert_eq!(session.decrypt(&mech, key, &sealed).unwrap(), b"message");
    assert_eq!(session.find(&[Attr::label("sealing")]).unwrap(), [key]);
    assert_eq!(session.get_ulong(key, CKA_VALUE_LEN).unwrap(), 32);
    assert_eq!(session.get(key, CKA_VALUE).unwrap_err(), CKR_ATTRIBUTE_SENSITIVE);
    assert_eq!(session.find_final().unwrap_err(), CKR_OPERATION_NOT_INITIALIZED);
    assert_eq!(Rv(CKR_PIN_INCORRECT).to_string(), "CKR_PIN_INCORRECT");
    drop(session);
    token.restart().unwrap();
    assert!(token.session(RO).unwrap().find(&[Attr::label("sealing")]).unwrap().is_empty());
    assert_eq!(token.user_session().unwrap().find(&[Attr::label("sealing")]).unwrap().len(), 1);
}
