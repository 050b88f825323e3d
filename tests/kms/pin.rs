//! Soft tokens whose PIN a cloud key decrypts: a transit key of a real OpenBao.

use std::path::PathBuf;
use std::process::Command;

use keyward_conformance::ck::*;
use keyward_conformance::token::{SO_PIN, USER_PIN};
use keyward_conformance::{Attr, RW, Rv, Session};
use serde_json::json;
use tempfile::TempDir;

use crate::common::{ec_pair, sign};
use crate::support::desk::{Desk, one};
use crate::support::openbao::OpenBao;

/// A server with an RSA key, and a directory for what outlives a desk.
struct Unlocking {
    bao: OpenBao,
    dir: TempDir,
}

impl Unlocking {
    fn new() -> Unlocking {
        let bao = OpenBao::start();
        bao.write("sys/mounts/transit", json!({ "type": "transit" }));
        bao.write("transit/keys/unlock", json!({ "type": "rsa-2048" }));
        bao.write("transit/keys/other", json!({ "type": "rsa-2048" }));
        bao.write_file("token", bao.root_token());
        Unlocking { bao, dir: TempDir::new().unwrap() }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The slot that decrypts.
    fn transit(&self) -> String {
        format!(
            "[[slot]]\nbackend = \"kms\"\nprovider = \"vault\"\nlabel = \"transit\"\naddress = \"{}\"\ntoken_file = \"{}\"\n\
             attempt_timeout_ms = 6000\ntimeout_ms = 8000\n",
            self.bao.address(),
            self.bao.file("token").display()
        )
    }

    /// What follows `[soft]` on a desk, and the slot.
    fn configuration(&self, pin: &str) -> String {
        let ciphertext = self.file("pin.enc");
        format!(
            "dir = \"{}\"\nmax_pin_failures = 3\npin_delay = false\n[[soft.pin]]\ntoken = \"web\"\nkms = \"transit\"\n\
             key = \"unlock\"\nciphertext = \"{}\"\n{pin}{}",
            self.file("tokens").display(),
            ciphertext.display(),
            self.transit()
        )
    }

    fn desk(&self, pin: &str) -> Desk {
        let desk = Desk::idle("");
        let (log, soft) = (desk.path("log"), self.configuration(pin));
        let text = format!(
            "[log]\ntarget = \"file:{}\"\nlevel = \"trace\"\n[soft]\nkdf = \"fast\"\n{soft}",
            log.display()
        );
        std::fs::write(desk.configuration(), text).unwrap();
        desk.initialize().unwrap();
        desk
    }

    /// A token "web" with both PINs, made without the PIN's help.
    fn make_token(&self) {
        let desk = self.desk("");
        let free =
            |slot: &CK_SLOT_ID| desk.module.token_info(*slot).unwrap().flags & CKF_TOKEN_INITIALIZED == 0;
        let slot = desk.module.slots(false).unwrap().into_iter().find(free).unwrap();
        desk.module.init_token(slot, SO_PIN, "web").unwrap();
        let session = desk.module.open_session(slot, RW).unwrap();
        session.login(CKU_SO, SO_PIN).unwrap();
        session.init_pin(USER_PIN).unwrap();
    }

    /// `keyward kms encrypt-pin`
    fn encrypt(&self, desk: &Desk, pin: &str, key: &str) -> bool {
        let out = self.file("pin.enc").display().to_string();
        let arguments =
            ["kms", "encrypt-pin", "--slot", "transit", "--key", key, "--pin-env", "PIN", "--out", &out];
        self.tool(desk, &arguments, pin).status.success()
    }

    fn tool(&self, desk: &Desk, arguments: &[&str], pin: &str) -> std::process::Output {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_keyward"));
        tool.env_clear().env("HOME", desk.dir.path()).env("KEYWARD_CONF", desk.configuration());
        tool.env("PIN", pin).args(arguments).output().unwrap()
    }
}

/// C_Login with a null pointer.
fn log_in(session: &Session) -> Result<(), Rv> {
    let login = session.module().functions().C_Login.unwrap();
    // SAFETY: no PIN is a null pointer of length 0.
    Rv::check(unsafe { login(session.handle(), CKU_USER, std::ptr::null_mut(), 0) })
}

fn flags(desk: &Desk) -> CK_FLAGS {
    desk.module.token_info(desk.slot("web")).unwrap().flags
}

fn state(session: &Session) -> CK_STATE {
    session.info().unwrap().state
}

#[test]
fn a_login_without_a_pin_gets_it_from_the_service() {
    let setting = Unlocking::new();
    setting.make_token();
    let desk = setting.desk("");
    assert!(setting.encrypt(&desk, USER_PIN, "unlock"));
    let path = CKF_PROTECTED_AUTHENTICATION_PATH | CKF_LOGIN_REQUIRED;
    assert_eq!(flags(&desk) & path, path);
    let session = desk.session("web");
    log_in(&session).unwrap();
    let (_, key) = ec_pair(&session, b"1").unwrap();
    sign(&session, key).unwrap();
    session.logout().unwrap();
    // An empty PIN is none; one that is given is the one that counts.
    session.login(CKU_USER, "").unwrap();
    session.logout().unwrap();
    session.login(CKU_USER, USER_PIN).unwrap();
    session.logout().unwrap();
    assert_eq!(session.login(CKU_USER, "wrong").unwrap_err().0, CKR_PIN_INCORRECT);
    log_in(&session).unwrap();
    session.logout().unwrap();
    // The SO's is nobody else's business.
    assert_eq!(session.login(CKU_SO, "").unwrap_err().0, CKR_PIN_INCORRECT);
    session.login(CKU_SO, SO_PIN).unwrap();
    session.logout().unwrap();
    // After a rotation of the key the old ciphertext opens, and so does a new one.
    setting.bao.write("transit/keys/unlock/rotate", json!({}));
    let later = setting.desk("");
    log_in(&later.session("web")).unwrap_or_else(|_| panic!("{}", later.log()));
    assert!(setting.encrypt(&later, USER_PIN, "unlock"));
    log_in(&later.session("web")).unwrap();
    // What OpenBao itself encrypts is read too.
    let plain = keyward::cloud::text::base64(USER_PIN.as_bytes());
    let made = setting.bao.write("transit/encrypt/unlock", json!({ "plaintext": plain }));
    std::fs::write(setting.file("pin.enc"), made["data"]["ciphertext"].as_str().unwrap()).unwrap();
    log_in(&later.session("web")).unwrap();
    for log in [desk.log(), later.log()] {
        assert!(!log.is_empty() && !log.contains(USER_PIN) && !log.contains(&plain));
    }
    // The tool needs no PIN either.
    let arguments = ["key", "generate", "--token", "web", "--type", "ec:p256", "--label", "by the tool"];
    assert!(setting.tool(&desk, &arguments, "").status.success());
}

#[test]
fn what_is_wrong_locks_nobody_out() {
    let mut setting = Unlocking::new();
    setting.make_token();
    let desk = setting.desk("");
    let session = desk.session("web");
    // No file, and one that the key did not make.
    assert_eq!(log_in(&session).unwrap_err().0, CKR_FUNCTION_FAILED);
    assert!(setting.encrypt(&desk, USER_PIN, "other"));
    assert_eq!(log_in(&session).unwrap_err().0, CKR_FUNCTION_FAILED);
    std::fs::write(setting.file("pin.enc"), "short").unwrap();
    assert_eq!(log_in(&session).unwrap_err().0, CKR_FUNCTION_FAILED);
    assert_eq!(flags(&desk) & CKF_USER_PIN_COUNT_LOW, 0);
    // A wrong PIN is tried once, however often somebody comes.
    assert!(setting.encrypt(&desk, "not the PIN", "unlock"));
    for _ in 0..5 {
        assert_eq!(log_in(&session).unwrap_err().0, CKR_PIN_INCORRECT);
    }
    assert_eq!(flags(&desk) & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_LOCKED), CKF_USER_PIN_COUNT_LOW);
    assert!(setting.encrypt(&desk, USER_PIN, "unlock"));
    log_in(&session).unwrap();
    session.logout().unwrap();
    // A service that is away is not the PIN's fault.
    setting.bao.stop();
    for _ in 0..4 {
        let error = log_in(&session).unwrap_err().0;
        assert!([CKR_DEVICE_ERROR, CKR_TOKEN_NOT_PRESENT].contains(&error), "{error:#x}");
    }
    session.login(CKU_USER, USER_PIN).unwrap();
}

#[test]
fn sessions_log_in_by_themselves() {
    let mut setting = Unlocking::new();
    setting.make_token();
    let desk = setting.desk("login = \"auto\"\n");
    assert!(setting.encrypt(&desk, USER_PIN, "unlock"));
    assert_eq!(flags(&desk) & CKF_LOGIN_REQUIRED, 0);
    let session = desk.session("web");
    assert_eq!(state(&session), CKS_RW_USER_FUNCTIONS);
    let (_, key) = ec_pair(&session, b"1").unwrap();
    sign(&session, key).unwrap();
    // Who logs out stays out, until all is closed.
    session.logout().unwrap();
    let second = desk.session("web");
    assert_eq!((state(&session), state(&second)), (CKS_RW_PUBLIC_SESSION, CKS_RW_PUBLIC_SESSION));
    session.login(CKU_SO, SO_PIN).unwrap();
    drop((session, second));
    let session = desk.session("web");
    one(&session, &[Attr::class(CKO_PRIVATE_KEY), Attr::id(b"1")]);
    drop(session);
    // The tool does without a PIN, and with the SO's.
    let generate = ["key", "generate", "--token", "web", "--type", "ec:p256", "--label", "tool"];
    assert!(setting.tool(&desk, &generate, "").status.success());
    std::fs::write(setting.file("so"), SO_PIN).unwrap();
    let so = setting.file("so").display().to_string();
    let unlock = ["pin", "unlock", "--token", "web", "--so-pin-file", &so, "--new-pin-env", "PIN"];
    assert!(setting.tool(&desk, &unlock, USER_PIN).status.success());
    // Without the service the session is a public one, and the next one tries again.
    setting.bao.stop();
    let public = desk.session("web");
    assert_eq!(state(&public), CKS_RW_PUBLIC_SESSION);
    assert!(desk.log().contains("could not log in by itself"));
    setting.bao.resume();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while state(&public) != CKS_RW_USER_FUNCTIONS {
        assert!(std::time::Instant::now() < end, "{}", desk.log());
        drop(desk.session("web"));
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}

#[test]
fn a_token_in_a_service_gets_its_pin_from_it() {
    let setting = Unlocking::new();
    setting.bao.write("sys/mounts/secret", json!({ "type": "kv", "options": { "version": "2" } }));
    let entry = |pin: &str| {
        format!(
            "{}[[slot]]\nbackend = \"soft\"\nstore = \"vault\"\nlabel = \"web\"\npath = \"fleet\"\naddress = \"{}\"\n\
             token_file = \"{}\"\n{pin}",
            setting.transit(),
            setting.bao.address(),
            setting.bao.file("token").display()
        )
    };
    let first = Desk::start(&entry(""));
    crate::stores::initialize_token(&first);
    assert!(setting.encrypt(&first, USER_PIN, "unlock"));
    let pin = format!(
        "pin = {{ kms = \"transit\", key = \"unlock\", ciphertext = \"{}\", login = \"auto\" }}\n",
        setting.file("pin.enc").display()
    );
    let desk = Desk::start(&entry(&pin));
    assert_eq!(
        flags(&desk) & (CKF_PROTECTED_AUTHENTICATION_PATH | CKF_LOGIN_REQUIRED),
        CKF_PROTECTED_AUTHENTICATION_PATH
    );
    // By the entry's label before, by the token's own after.
    let session = desk.session("web");
    assert_eq!(state(&session), CKS_RW_USER_FUNCTIONS);
    let (_, key) = ec_pair(&session, b"1").unwrap();
    sign(&session, key).unwrap();
    assert_ne!(
        desk.module.token_info(desk.slot("fleet")).unwrap().flags & CKF_PROTECTED_AUTHENTICATION_PATH,
        0
    );
}

#[test]
fn entries_are_checked() {
    let refused = |text: &str| {
        let desk = Desk::idle(text);
        let error = desk.initialize();
        assert!(error.is_err(), "{text}");
    };
    let slot = "[[slot]]\nbackend = \"kms\"\nprovider = \"vault\"\nlabel = \"transit\"\naddress = \"http://127.0.0.1:1\"\n";
    let pin = |kms: &str, more: &str| format!("[[soft.pin]]\ntoken = \"web\"\nkms = \"{kms}\"\n{more}");
    let file = "ciphertext = \"pin.enc\"\n";
    refused(&format!("{}{slot}", pin("transit", "")));
    refused(&format!("{}{slot}", pin("elsewhere", file)));
    refused(&format!("{}{slot}", pin("transit", &format!("{file}typo = 1\n"))));
    refused(&format!("{}{slot}", pin("transit", &format!("{file}login = \"always\"\n"))));
    refused(&format!("{}{slot}pin = \"secret\"\n", pin("transit", file)));
    refused(&format!("[[soft.pin]]\nkms = \"transit\"\n{file}{slot}"));
    Desk::start(&format!("{}{slot}", pin("transit", file)));
}
