//! Tokens in services through the C ABI. Every desk has a copy of the library of its own, as a process has.

use std::time::Duration;

use keyward_conformance::ck::*;
use keyward_conformance::token::{SO_PIN, USER_PIN};
use keyward_conformance::{Attr, Mech, RW, Session};

use super::Service;
use super::documents::contains;
use crate::common::{ec_pair, sign};
use crate::support::desk::{Desk, one};
use crate::support::proxy::{Fault, Proxy};

const EVERY_TIME: &str = "refresh_ms = 0\n";

/// The slot of the service's token, whatever it is called.
pub fn slot(desk: &Desk) -> CK_SLOT_ID {
    let text = keyward_conformance::module::text;
    let is_ours = |slot: &CK_SLOT_ID| {
        let description = text(&desk.module.slot_info(*slot).unwrap().slotDescription);
        description.starts_with("soft token in ")
    };
    desk.module.slots(false).unwrap().into_iter().find(is_ours).unwrap()
}

/// C_InitToken, and both PINs.
pub fn initialize_token(desk: &Desk) {
    let slot = slot(desk);
    desk.module.init_token(slot, SO_PIN, "fleet").unwrap();
    let session = desk.module.open_session(slot, RW).unwrap();
    session.login(CKU_SO, SO_PIN).unwrap();
    session.init_pin(USER_PIN).unwrap();
    session.logout().unwrap();
}

fn user(desk: &Desk) -> Session {
    let session = desk.module.open_session(slot(desk), RW).unwrap();
    session.login(CKU_USER, USER_PIN).unwrap();
    session
}

fn shares_keys(service: &Service) {
    let entry = service.entry(EVERY_TIME);
    let (here, there) = (Desk::start(&entry), Desk::start(&entry));
    // Before it is initialised.
    assert_eq!(slot(&here), slot(&there));
    assert_eq!(here.module.token_info(slot(&here)).unwrap().flags & CKF_TOKEN_INITIALIZED, 0);
    assert_eq!(here.module.open_session(slot(&here), RW).err().unwrap().0, CKR_TOKEN_NOT_RECOGNIZED);
    initialize_token(&here);
    let info = there.module.token_info(slot(&there)).unwrap();
    assert_eq!(keyward_conformance::module::text(&info.label), "fleet");
    let ready = CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED | CKF_LOGIN_REQUIRED;
    assert_eq!(info.flags & ready, ready);
    assert_eq!(info.serialNumber, here.module.token_info(slot(&here)).unwrap().serialNumber);
    // Made here, used there.
    let (ours, theirs) = (user(&here), user(&there));
    let (public, _) = ec_pair(&ours, b"one").unwrap();
    let key = one(&theirs, &[Attr::class(CKO_PRIVATE_KEY), Attr::id(b"one")]);
    let signature = sign(&theirs, key).unwrap();
    ours.verify(&Mech::new(CKM_ECDSA), public, &[7; 32], &signature).unwrap();
    // What lies there shows nothing.
    let value = b"planted value of a secret key 32";
    let planted = [
        Attr::class(CKO_SECRET_KEY),
        Attr::key_type(CKK_GENERIC_SECRET),
        Attr::token(true),
        Attr::private(true),
        Attr::label("planted label"),
        Attr::id(b"planted id"),
        Attr::value(value),
    ];
    let secret = ours.create(&planted).unwrap();
    let point = ours.get(public, CKA_EC_POINT).unwrap();
    for (name, content) in service.dump() {
        for part in [&value[..], b"planted", USER_PIN.as_bytes(), SO_PIN.as_bytes(), &point] {
            assert!(!contains(&content, part), "{name}");
        }
    }
    for desk in [&here, &there] {
        assert!(!contains(desk.log().as_bytes(), b"planted") && !desk.log().contains(USER_PIN));
    }
    // A change and a deletion are seen.
    let found = one(&theirs, &[Attr::label("planted label")]);
    theirs.set(found, &[Attr::label("renamed")]).unwrap();
    assert_eq!(ours.get(secret, CKA_LABEL).unwrap(), b"renamed");
    ours.destroy(secret).unwrap();
    assert!(theirs.find(&[Attr::label("renamed")]).unwrap().is_empty());
    assert_eq!(theirs.get(found, CKA_LABEL).unwrap_err().0, CKR_OBJECT_HANDLE_INVALID);
    // Wrong PINs are counted for all.
    ours.logout().unwrap();
    assert_eq!(ours.login(CKU_USER, "wrong").unwrap_err().0, CKR_PIN_INCORRECT);
    assert_ne!(there.module.token_info(slot(&there)).unwrap().flags & CKF_USER_PIN_COUNT_LOW, 0);
    ours.login(CKU_USER, USER_PIN).unwrap();
    assert_eq!(there.module.token_info(slot(&there)).unwrap().flags & CKF_USER_PIN_COUNT_LOW, 0);
    // Initialised anew, it is another token: what is open on the old one ends.
    drop(ours);
    here.module.init_token(slot(&here), SO_PIN, "anew").unwrap();
    assert_eq!(theirs.find(&[]).unwrap_err().0, CKR_DEVICE_REMOVED);
    theirs.close().unwrap();
    let fresh = there.module.open_session(slot(&there), RW).unwrap();
    assert!(fresh.find(&[]).unwrap().is_empty());
    assert_eq!(fresh.login(CKU_USER, USER_PIN).unwrap_err().0, CKR_USER_PIN_NOT_INITIALIZED);
}

#[test]
fn vault_shares_keys() {
    shares_keys(&Service::vault());
}

#[test]
fn aws_shares_keys() {
    shares_keys(&Service::moto());
}

#[test]
fn nobody_is_asked_before_it_is_needed() {
    let service = Service::vault();
    initialize_token(&Desk::start(&service.entry("")));
    let Service::Vault(bao) = &service else { unreachable!() };
    let port = bao.address().rsplit(':').next().unwrap().parse().unwrap();
    let proxy = Proxy::start(port);
    let entry =
        |keys: &str| format!("[[slot]]\nbackend = \"soft\"\n{}{keys}", service.keys_at(&proxy.address()));
    let desk = Desk::start(&entry("label = \"by name\"\nrefresh_ms = 3600000\n"));
    let slot = slot(&desk);
    assert!(desk.module.slots(true).unwrap().contains(&slot));
    // The entry says how the token is called, so that it is found without the service.
    assert_eq!(desk.slot("by name"), slot);
    assert!(proxy.asked().is_empty());
    // The service says how it really is called.
    let session = desk.module.open_session(slot, RW).unwrap();
    assert_eq!(proxy.asked(), ["GET /v1/secret/data/keyward/fleet/manifest"]);
    assert_eq!(desk.slot("fleet"), slot);
    session.login(CKU_USER, USER_PIN).unwrap();
    let (_, key) = ec_pair(&session, b"1").unwrap();
    let write = ["GET /v1/secret/data/keyward/fleet/manifest", "POST /v1/secret/data/keyward/fleet/manifest"];
    assert_eq!(proxy.asked(), write);
    for _ in 0..100 {
        sign(&session, key).unwrap();
        one(&session, &[Attr::class(CKO_PRIVATE_KEY), Attr::id(b"1")]);
    }
    assert!(proxy.asked().is_empty());
    drop(session);
    // Without a label it takes one request.
    let desk = Desk::start(&entry(""));
    desk.slot("fleet");
    assert_eq!(proxy.asked().len(), 1);
}

#[test]
fn a_service_that_is_away_stops_writes_only() {
    let mut service = Service::vault();
    let entry = service.entry("refresh_ms = 0\nattempt_timeout_ms = 6000\ntimeout_ms = 8000\n");
    let desk = Desk::start(&entry);
    initialize_token(&desk);
    let session = user(&desk);
    let (_, key) = ec_pair(&session, b"1").unwrap();
    let Service::Vault(bao) = &mut service else { unreachable!() };
    bao.stop();
    sign(&session, key).unwrap();
    one(&session, &[Attr::class(CKO_PRIVATE_KEY), Attr::id(b"1")]);
    assert_eq!(ec_pair(&session, b"2").unwrap_err().0, CKR_DEVICE_ERROR);
    assert!(desk.log().contains("going on with what is known of the token"));
    // Nothing is known to a process that comes now.
    let late = Desk::start(&entry);
    assert_eq!(late.module.token_info(slot(&late)).unwrap_err().0, CKR_TOKEN_NOT_PRESENT);
    assert_eq!(late.module.open_session(slot(&late), RW).err().unwrap().0, CKR_TOKEN_NOT_PRESENT);
    bao.resume();
    // The one that saw it fail several times in a row leaves it alone for some seconds.
    let end = std::time::Instant::now() + Duration::from_secs(60);
    while let Err(error) = ec_pair(&session, b"3") {
        assert_eq!(error.0, CKR_DEVICE_ERROR);
        assert!(std::time::Instant::now() < end);
        std::thread::sleep(Duration::from_millis(200));
    }
    let fresh = Desk::start(&entry);
    assert_eq!(user(&fresh).find(&[Attr::class(CKO_PRIVATE_KEY)]).unwrap().len(), 2);
}

#[test]
fn a_slow_service_keeps_nobody_waiting() {
    let service = Service::vault();
    initialize_token(&Desk::start(&service.entry("")));
    let proxy = Proxy::start(service.address().rsplit(':').next().unwrap().parse().unwrap());
    let keys = service.keys_at(&proxy.address());
    let desk = Desk::start(&format!("[[slot]]\nbackend = \"soft\"\n{keys}refresh_ms = 100\n"));
    let (waiting, working) = (user(&desk), desk.module.open_session(slot(&desk), RW).unwrap());
    let (_, key) = ec_pair(&working, b"1").unwrap();
    std::thread::sleep(Duration::from_millis(150));
    proxy.asked();
    proxy.next([Fault::Late(Duration::from_secs(6))]);
    std::thread::scope(|scope| {
        let find = scope.spawn(|| waiting.find(&[Attr::class(CKO_PRIVATE_KEY)]).unwrap().len());
        while proxy.asked().is_empty() {
            std::thread::sleep(Duration::from_millis(1));
        }
        for _ in 0..20 {
            sign(&working, key).unwrap();
            one(&working, &[Attr::class(CKO_PRIVATE_KEY), Attr::id(b"1")]);
        }
        assert!(!find.is_finished());
        assert_eq!(find.join().unwrap(), 1);
    });
}

#[test]
fn who_may_only_read_uses_the_token() {
    let service = Service::vault();
    let desk = Desk::start(&service.entry(EVERY_TIME));
    initialize_token(&desk);
    let (_, key) = ec_pair(&user(&desk), b"1").unwrap();
    let Service::Vault(bao) = &service else { unreachable!() };
    bao.policy("reader", &[("secret/data/keyward/fleet/*", "read")]);
    bao.write_file("token", &bao.token(&["reader"], "1h"));
    let reader = Desk::start(&service.entry(EVERY_TIME));
    let session = reader.module.open_session(slot(&reader), RW).unwrap();
    assert_eq!(session.login(CKU_USER, "wrong").unwrap_err().0, CKR_PIN_INCORRECT);
    let flags = reader.module.token_info(slot(&reader)).unwrap().flags;
    assert_eq!(flags & (CKF_WRITE_PROTECTED | CKF_USER_PIN_COUNT_LOW), CKF_WRITE_PROTECTED);
    session.login(CKU_USER, USER_PIN).unwrap();
    sign(&session, key).unwrap();
    assert_eq!(ec_pair(&session, b"2").unwrap_err().0, CKR_TOKEN_WRITE_PROTECTED);
    // Others still count, and the reader still gets in.
    let other = desk.module.open_session(slot(&desk), RW).unwrap();
    assert_eq!(other.login(CKU_USER, "wrong").unwrap_err().0, CKR_PIN_INCORRECT);
    session.logout().unwrap();
    session.login(CKU_USER, USER_PIN).unwrap();
}

#[test]
fn entries_are_checked() {
    let refused = |entry: &str| {
        let desk = Desk::idle(&format!("[[slot]]\nbackend = \"soft\"\n{entry}"));
        desk.initialize().unwrap_err();
    };
    refused("");
    refused("store = \"etcd\"\n");
    refused("store = \"vault\"\n");
    refused("store = \"vault\"\npath = \"a//b\"\n");
    refused("store = \"vault\"\npath = \"a\"\nprefix = \"b\"\n");
    refused("store = \"aws\"\nprefix = \"with blanks \"\n");
    let desk = Desk::idle("[[slot]]\nbackend = \"soft\"\nstore = \"vault\"\npath = \"a\"\nlabel = \"x\"\n");
    desk.initialize().unwrap();
}
