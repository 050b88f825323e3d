//! What every cloud slot promises, on OpenBao behind a proxy: who is asked when, what happens on a bad day, and what
//! stands in the log.

use std::sync::OnceLock;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, Object, RO, Session};
use serde_json::json;

use crate::support::desk::{Desk, one, private, public};
use crate::support::openbao::OpenBao;
use crate::support::proxy::{Fault, Proxy};

/// One server for all tests of this file; each has a mount of its own.
fn bao() -> &'static OpenBao {
    static BAO: OnceLock<OpenBao> = OnceLock::new();
    BAO.get_or_init(OpenBao::start)
}

/// A mount with a P-256 key "tls" and an RSA key "rsa", and a proxy before it.
struct Stage {
    mount: &'static str,
    proxy: Proxy,
}

impl Stage {
    fn new(mount: &'static str) -> Stage {
        let bao = bao();
        bao.write(&format!("sys/mounts/{mount}"), json!({ "type": "transit" }));
        for (name, kind) in [("tls", "ecdsa-p256"), ("rsa", "rsa-2048")] {
            bao.write(&format!("{mount}/keys/{name}"), json!({ "type": kind }));
        }
        let address = bao.address();
        let port = address.rsplit_once(':').unwrap().1.parse().unwrap();
        Stage { mount, proxy: Proxy::start(port) }
    }

    /// An entry of this mount with further keys.
    fn entry(&self, keys: &str) -> String {
        let token = bao().write_file("root-token", bao().root_token());
        format!(
            "[[slot]]\nbackend = \"kms\"\nprovider = \"vault\"\nlabel = \"{}\"\nmount = \"{}\"\naddress = \"{}\"\n\
             token_file = \"{}\"\n{keys}\n",
            self.mount,
            self.mount,
            self.proxy.address(),
            token.display()
        )
    }

    fn desk(&self, keys: &str) -> Desk {
        Desk::start(&self.entry(keys))
    }

    fn session(&self, desk: &Desk) -> Session {
        desk.session(self.mount)
    }
}

fn ecdsa() -> Mech {
    Mech::new(CKM_ECDSA_SHA256)
}

/// Signs, and verifies with the public half.
#[track_caller]
fn sign(session: &Session, key: Object, public: Object) {
    let signature = session.sign(&ecdsa(), key, b"message").unwrap();
    session.verify(&ecdsa(), public, b"message", &signature).unwrap();
}

#[test]
fn nobody_is_asked_before_somebody_looks() {
    let stage = Stage::new("quiet");
    let desk = stage.desk("");
    let slot = desk.slot("quiet");
    assert!((1..=0x7fff_ffff).contains(&slot));
    let info = desk.module.token_info(slot).unwrap();
    let operations = CKF_DUAL_CRYPTO_OPERATIONS | CKF_RESTORE_KEY_NOT_NEEDED;
    assert_eq!(info.flags, CKF_TOKEN_INITIALIZED | CKF_RNG | operations);
    assert!(desk.module.offers(slot, CKM_ECDSA, CKF_SIGN | CKF_VERIFY));
    assert!(!desk.module.offers(slot, CKM_ML_DSA, CKF_SIGN));
    let session = stage.session(&desk);
    assert!(session.find(&[Attr::class(CKO_CERTIFICATE)]).unwrap().is_empty());
    assert_eq!(stage.proxy.asked(), [""; 0]);

    // A list, and the one key whose name can match.
    let key = private(&session, "tls");
    let public = public(&session, "tls");
    let asked = stage.proxy.asked();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked[0].contains("/v1/quiet/keys?") && asked[1] == "GET /v1/quiet/keys/tls", "{asked:?}");

    // What can be answered here is.
    session.sign_init(&ecdsa(), key).unwrap();
    let mut len = 0;
    // SAFETY: a size query with a place for the size.
    let rv = unsafe {
        let sign = desk.module.functions().C_Sign.unwrap();
        sign(session.handle(), b"m".as_ptr().cast_mut(), 1, std::ptr::null_mut(), &mut len)
    };
    assert_eq!((rv, len), (CKR_OK, 64));
    let mut small = [0; 63];
    len = 63;
    // SAFETY: the buffer has the length that is said.
    let rv = unsafe {
        let sign = desk.module.functions().C_Sign.unwrap();
        sign(session.handle(), b"m".as_ptr().cast_mut(), 1, small.as_mut_ptr(), &mut len)
    };
    assert_eq!((rv, len), (CKR_BUFFER_TOO_SMALL, 64));
    assert_eq!(stage.proxy.asked(), [""; 0]);
    let signature = session.sign_once(b"message").unwrap();
    assert_eq!(stage.proxy.asked(), ["POST /v1/quiet/sign/tls"]);
    session.verify(&ecdsa(), public, b"message", &signature).unwrap();
    session.verify(&ecdsa(), public, b"another", &signature).unwrap_err();
    let other = session.sign(&Mech::new(CKM_SHA256_RSA_PKCS), key, b"").unwrap_err();
    assert_eq!(other, CKR_KEY_TYPE_INCONSISTENT);
    assert_eq!(stage.proxy.asked(), [""; 0]);

    // The same slot in another process.
    let again = stage.desk("");
    assert_eq!(again.slot("quiet"), slot);
}

#[test]
fn a_named_key_takes_two_round_trips() {
    let stage = Stage::new("named");
    let desk = stage.desk("[[slot.key]]\nname = \"tls\"\nlabel = \"web\"\nid = \"0a0b\"\n");
    let session = stage.session(&desk);
    let key = one(&session, &[Attr::class(CKO_PRIVATE_KEY), Attr::id(&[10, 11])]);
    session.sign(&ecdsa(), key, b"message").unwrap();
    assert_eq!(stage.proxy.asked(), ["GET /v1/named/keys/tls", "POST /v1/named/sign/tls"]);
    assert!(session.find(&[Attr::label("tls")]).unwrap().is_empty());
    assert_eq!(session.find(&[Attr::label("web")]).unwrap().len(), 2);
}

#[test]
fn objects_have_the_whole_set_of_attributes() {
    let stage = Stage::new("attributes");
    let desk = stage.desk("");
    let session = stage.session(&desk);
    let (key, public) = (private(&session, "rsa"), public(&session, "rsa"));
    for (attribute, value) in [
        (CKA_TOKEN, true),
        (CKA_PRIVATE, false),
        (CKA_SENSITIVE, true),
        (CKA_EXTRACTABLE, false),
        (CKA_SIGN, true),
        (CKA_DECRYPT, true),
        (CKA_UNWRAP, true),
        (CKA_DERIVE, false),
        (CKA_MODIFIABLE, false),
        (CKA_DESTROYABLE, false),
        (CKA_LOCAL, false),
    ] {
        assert_eq!(session.get(key, attribute).unwrap(), [u8::from(value)], "{attribute:#x}");
    }
    for same in [CKA_ID, CKA_LABEL, CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_PUBLIC_KEY_INFO, CKA_KEY_TYPE] {
        assert_eq!(session.get(key, same).unwrap(), session.get(public, same).unwrap(), "{same:#x}");
    }
    assert_eq!(session.get(public, CKA_MODULUS).unwrap().len(), 256);
    let info = session.get(public, CKA_PUBLIC_KEY_INFO).unwrap();
    let digest = keyward::crypto::digest(keyward::crypto::Hash::Sha256, &info);
    assert_eq!(session.get(key, CKA_ID).unwrap(), digest[..20]);
    assert_ne!(session.get(key, CKA_UNIQUE_ID).unwrap(), session.get(public, CKA_UNIQUE_ID).unwrap());
    assert_eq!(session.get(key, CKA_PRIVATE_EXPONENT).unwrap_err(), CKR_ATTRIBUTE_SENSITIVE);
    assert_eq!(session.find(&[Attr::id(&digest[..20])]).unwrap(), [public, key]);
    assert_eq!(session.destroy(key).unwrap_err(), CKR_ACTION_PROHIBITED);
}

#[test]
fn temporary_trouble_is_overcome() {
    let stage = Stage::new("trouble");
    let desk = stage.desk("");
    let session = stage.session(&desk);
    let (key, public) = (private(&session, "tls"), public(&session, "tls"));
    for faults in [
        vec![Fault::Reset],
        vec![Fault::HalfBody],
        vec![Fault::Status(503, None), Fault::Status(500, None)],
        vec![Fault::Status(429, None), Fault::Status(429, Some(1))],
        vec![Fault::Late(Duration::from_millis(300))],
    ] {
        stage.proxy.asked();
        let (told, count) =
            (format!("{faults:?}"), faults.iter().filter(|fault| !matches!(fault, Fault::Late(_))).count());
        stage.proxy.next(faults);
        sign(&session, key, public);
        assert_eq!((stage.proxy.asked().len(), stage.proxy.pending()), (count + 1, 0), "{told}");
    }
}

#[test]
fn trouble_that_stays_has_its_name() {
    let stage = Stage::new("stays");
    let desk = stage.desk("");
    let session = stage.session(&desk);
    let (key, public) = (private(&session, "tls"), public(&session, "tls"));
    let decrypt = {
        let rsa = private(&session, "rsa");
        move |session: &Session| {
            let oaep = Mech::oaep(CKM_SHA256, CKG_MGF1_SHA256, b"");
            session.decrypt(&oaep, rsa, &[1; 256]).unwrap_err()
        }
    };
    // Throttled beyond the call's time.
    stage.proxy.next([Fault::Status(429, Some(60))]);
    assert_eq!(session.sign(&ecdsa(), key, b"m").unwrap_err(), CKR_FUNCTION_FAILED);
    stage.proxy.next([Fault::Status(403, None)]);
    assert_eq!(session.sign(&ecdsa(), key, b"m").unwrap_err(), CKR_KEY_FUNCTION_NOT_PERMITTED);
    // A ciphertext that the key did not make is no reason to try again.
    stage.proxy.asked();
    assert_eq!(decrypt(&session), CKR_ENCRYPTED_DATA_INVALID);
    assert_eq!(stage.proxy.asked().len(), 1);
    // An answer for another version, and one that is no JSON.
    stage.proxy.next([Fault::Replaced("vault:v1:", "vault:v7:")]);
    assert_eq!(session.sign(&ecdsa(), key, b"m").unwrap_err(), CKR_DEVICE_ERROR);
    // The session goes on.
    sign(&session, key, public);
}

#[test]
fn answers_that_are_too_late_are_none() {
    let stage = Stage::new("late");
    let desk = stage.desk("timeout_ms = 4000\nattempt_timeout_ms = 3000\n");
    let session = stage.session(&desk);
    let key = private(&session, "tls");
    stage.proxy.next(vec![Fault::Late(Duration::from_secs(8)); 3]);
    let begin = Instant::now();
    assert_eq!(session.sign(&ecdsa(), key, b"m").unwrap_err(), CKR_DEVICE_ERROR);
    assert!(begin.elapsed() >= Duration::from_secs(3), "it did not wait");
    stage.proxy.clear();
}

#[test]
fn a_service_that_was_never_there_is_no_token() {
    let proxy = Proxy::start(1);
    let address = proxy.address();
    drop(proxy);
    let entry =
        "[[slot]]\nbackend = \"kms\"\nprovider = \"vault\"\nlabel = \"nowhere\"\ntoken_env = \"HOME\"\n";
    let desk = Desk::start(&format!("{entry}address = \"{address}\"\n"));
    let session = desk.session("nowhere");
    assert_eq!(session.find(&[]).unwrap_err(), CKR_TOKEN_NOT_PRESENT);
}

#[test]
fn what_was_known_is_shown_while_the_service_is_away() {
    let stage = Stage::new("away");
    let desk = stage.desk("cache_s = 0\n");
    let session = stage.session(&desk);
    let (key, public) = (private(&session, "tls"), public(&session, "tls"));
    let signature = session.sign(&ecdsa(), key, b"message").unwrap();
    stage.proxy.next(vec![Fault::Status(503, None); 40]);
    assert_eq!(session.find(&[Attr::label("tls")]).unwrap(), [public, key]);
    // Public keys work here.
    session.verify(&ecdsa(), public, b"message", &signature).unwrap();
    assert_eq!(session.sign(&ecdsa(), key, b"m").unwrap_err(), CKR_DEVICE_ERROR);
    assert!(desk.log().contains("may be out of date"));
}

#[test]
fn a_key_that_is_gone_is_forgotten() {
    let stage = Stage::new("gone");
    let desk = stage.desk("");
    let session = stage.session(&desk);
    let key = private(&session, "tls");
    bao().write("gone/keys/tls/config", json!({ "deletion_allowed": true }));
    bao().delete("gone/keys/tls");
    assert_eq!(session.sign(&ecdsa(), key, b"m").unwrap_err(), CKR_KEY_HANDLE_INVALID);
    assert_eq!(session.get(key, CKA_LABEL).unwrap_err(), CKR_OBJECT_HANDLE_INVALID);
    assert!(session.find(&[Attr::label("tls")]).unwrap().is_empty());
}

#[test]
fn a_key_that_was_looked_for_in_vain_can_be_made() {
    const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let stage = Stage::new("made");
    let desk = stage.desk("[[slot.key]]\nname = \"fresh\"\n");
    let session = stage.session(&desk);
    assert!(session.find(&[Attr::label("fresh")]).unwrap().is_empty());
    let template = [Attr::token(true), Attr::label("fresh")];
    let public = [&template[..], &[Attr::bytes(CKA_EC_PARAMS, &P256)]].concat();
    let made = session.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), &public, &template).unwrap();
    sign(&session, made.1, made.0);
    assert_eq!(session.find(&[Attr::label("fresh")]).unwrap(), [made.0, made.1]);
    // The name is taken, and no other key has it.
    let again = session.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), &public, &template);
    assert_eq!(again.unwrap_err(), CKR_ATTRIBUTE_VALUE_INVALID);
    // What the service does not make is refused as such.
    let bits = [&template[..], &[Attr::ulong(CKA_MODULUS_BITS, 1024)]].concat();
    let refused = session.generate_pair(&Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN), &bits, &template);
    assert_eq!(refused.unwrap_err(), CKR_TEMPLATE_INCONSISTENT);
}

#[test]
fn parameters_that_the_service_does_not_take_are_refused_at_once() {
    let stage = Stage::new("refused");
    let desk = stage.desk("");
    let session = stage.session(&desk);
    let rsa = private(&session, "rsa");
    stage.proxy.asked();
    for mechanism in [
        Mech::oaep(CKM_SHA_1, CKG_MGF1_SHA1, b""),
        Mech::oaep(CKM_SHA256, CKG_MGF1_SHA1, b""),
        Mech::oaep(CKM_SHA256, CKG_MGF1_SHA256, b"label"),
    ] {
        assert_eq!(session.decrypt_init(&mechanism, rsa).unwrap_err(), CKR_MECHANISM_PARAM_INVALID);
    }
    assert_eq!(stage.proxy.asked(), [""; 0]);
}

#[test]
fn one_bad_key_does_not_hide_the_others() {
    let stage = Stage::new("bad");
    bao().policy("one-key", &[("bad/keys", "list"), ("bad/keys/tls", "read"), ("bad/sign/tls", "update")]);
    let token = bao().write_file("one-key-token", &bao().token(&["one-key"], "1h"));
    let entry = stage.entry("").replace("root-token", "one-key-token");
    assert!(entry.contains(token.to_str().unwrap()));
    let desk = Desk::start(&entry);
    let session = stage.session(&desk);
    let keys = session.find(&[Attr::class(CKO_PRIVATE_KEY)]).unwrap();
    assert_eq!(keys, [private(&session, "tls")]);
    sign(&session, keys[0], public(&session, "tls"));
    assert!(desk.log().contains("rsa is left out"));
}

#[test]
fn a_slow_call_keeps_nobody_waiting() {
    let stage = Stage::new("slow");
    let desk = stage.desk("");
    let (slow, quick) = (stage.session(&desk), stage.session(&desk));
    let (key, public) = (private(&slow, "tls"), public(&slow, "tls"));
    let (done, ended) = mpsc::channel();
    stage.proxy.asked();
    stage.proxy.next([Fault::Late(Duration::from_secs(6))]);
    thread::scope(|scope| {
        scope.spawn(|| {
            sign(&slow, key, public);
            done.send(()).unwrap();
        });
        while stage.proxy.pending() > 0 {
            thread::sleep(Duration::from_millis(5));
        }
        for _ in 0..3 {
            sign(&quick, key, public);
            quick.find(&[Attr::label("rsa")]).unwrap();
        }
        assert!(ended.try_recv().is_err(), "the quick calls waited for the slow one");
        ended.recv().unwrap();
    });
}

#[test]
fn a_hundred_threads_sign_at_once() {
    let stage = Stage::new("crowd");
    let desk = stage.desk("");
    let first = stage.session(&desk);
    let public = public(&first, "tls");
    thread::scope(|scope| {
        for at in 0..100u8 {
            let (desk, stage) = (&desk, &stage);
            scope.spawn(move || {
                let session = desk.module.open_session(desk.slot("crowd"), RO).unwrap();
                let key = private(&session, "tls");
                for turn in 0..3 {
                    let message = [at, turn];
                    let signature = session.sign(&ecdsa(), key, &message).unwrap();
                    session.verify(&ecdsa(), public, &message, &signature).unwrap();
                }
                let _ = stage;
            });
        }
    });
    // The list was asked for once, for all of them.
    let lists = stage.proxy.asked().iter().filter(|asked| asked.contains("/keys?")).count();
    assert_eq!(lists, 1);
}

#[test]
fn a_child_has_connections_of_its_own() {
    let stage = Stage::new("child");
    let desk = stage.desk("");
    let session = stage.session(&desk);
    let (key, public) = (private(&session, "tls"), public(&session, "tls"));
    sign(&session, key, public);
    for turn in 0..20 {
        // SAFETY: the child calls the library and `_exit`, nothing of the test harness.
        let pid = unsafe { libc::fork() };
        assert!(pid >= 0);
        if pid == 0 {
            let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                assert_eq!(session.info().unwrap_err(), CKR_CRYPTOKI_NOT_INITIALIZED);
                desk.initialize().unwrap();
                let own = stage.session(&desk);
                sign(&own, private(&own, "tls"), self::public(&own, "tls"));
            }));
            // SAFETY: ends the child without the parent's handlers.
            unsafe { libc::_exit(i32::from(code.is_err())) };
        }
        sign(&session, key, public);
        let mut status = 0;
        // SAFETY: waits for the own child.
        assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
        assert_eq!(status, 0, "turn {turn}");
    }
}

#[test]
fn a_gate_asks_for_its_own_pin() {
    let stage = Stage::new("gate");
    let file = bao().write_file("gate-pin", "12345\n");
    let desk = stage.desk(&format!("pin = \"gate\"\npin_file = \"{}\"\n", file.display()));
    let info = desk.module.token_info(desk.slot("gate")).unwrap();
    assert_eq!(info.flags & CKF_LOGIN_REQUIRED, CKF_LOGIN_REQUIRED);
    let session = stage.session(&desk);
    assert!(session.find(&[Attr::class(CKO_PRIVATE_KEY)]).unwrap().is_empty());
    assert_eq!(session.login(CKU_USER, "1234").unwrap_err(), CKR_PIN_INCORRECT);
    session.login(CKU_USER, "12345").unwrap();
    sign(&session, private(&session, "tls"), public(&session, "tls"));
    session.logout().unwrap();
    assert!(session.find(&[Attr::class(CKO_PRIVATE_KEY)]).unwrap().is_empty());
}

#[test]
fn the_log_tells_who_signed_and_no_secret() {
    let stage = Stage::new("log");
    let desk = stage.desk("");
    let session = stage.session(&desk);
    sign(&session, private(&session, "tls"), public(&session, "tls"));
    let secret = b"a plaintext that nobody shall read";
    let oaep = || Mech::oaep(CKM_SHA256, CKG_MGF1_SHA256, b"");
    let sealed = session.encrypt(&oaep(), public(&session, "rsa"), secret).unwrap();
    assert_eq!(session.decrypt(&oaep(), private(&session, "rsa"), &sealed).unwrap(), secret);
    stage.proxy.next([Fault::Status(500, None)]);
    let _ = session.decrypt(&oaep(), private(&session, "rsa"), &sealed);
    let random = session.random(32).unwrap();
    let log = desk.log();
    assert!(log.contains("log/keys/tls:1") && log.contains("sign") && log.contains("decrypt"), "{log}");
    let base64 = |bytes: &[u8]| keyward::cloud::text::base64(bytes);
    for planted in [
        bao().root_token().to_owned(),
        String::from_utf8(secret.to_vec()).unwrap(),
        base64(secret),
        base64(&sealed),
        base64(&random),
        "X-Vault-Token".to_owned(),
    ] {
        assert!(!log.to_lowercase().contains(&planted.to_lowercase()), "the log has {planted}");
    }
}

#[test]
fn configuration_mistakes_have_their_place() {
    for (keys, told) in [
        ("provider = \"vault\"\nregoin = \"x\"", "regoin"),
        ("provider = \"wault\"", "wault"),
        ("label = \"x\"", "provider"),
        ("provider = \"vault\"\npin = \"gate\"", "pin_hash"),
        ("provider = \"vault\"\naddress = \"vault:8200\"", "https://"),
        ("provider = \"vault\"\n[[slot.key]]\nlabel = \"x\"", "name"),
    ] {
        let desk = Desk::idle(&format!("[[slot]]\nbackend = \"kms\"\n{keys}\n"));
        assert_eq!(desk.initialize().unwrap_err(), CKR_FUNCTION_FAILED, "{keys}");
        assert!(desk.log().contains(told), "{keys}: {}", desk.log());
    }
}
