//! The sources against each other, and the error texts.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        Place { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn load(&self, variables: &[(&str, &str)], reserved: Option<&str>) -> Result<Config> {
        let environment = Environment::fixed(variables, Some(self.dir.path()), &self.path("etc.toml"));
        Config::load(&environment, reserved)
    }

    fn refusal(&self, text: &str) -> String {
        let file = self.write("c.toml", text);
        self.load(&[("KEYWARD_CONF", &file)], None).unwrap_err().to_string().replace(&file, "FILE")
    }
}

#[test]
fn nothing_set_means_the_defaults() {
    let place = Place::new();
    let config = place.load(&[], None).unwrap();
    assert_eq!(config.soft.dir, place.path(".local/share/keyward"));
    assert_eq!(config.soft.kdf, Kdf::DEFAULT);
    assert_eq!(config.origin("soft.dir"), Origin::Default);
    assert_eq!(config.file, None);
    assert!(config.show().iter().all(|s| s.origin == Origin::Default));
}

#[test]
fn every_key_of_the_file_is_taken_and_shown() {
    let place = Place::new();
    let file = place.write(
        "c.toml",
        r#"
[log]
level = "debug"
target = "file:k.log"
[soft]
dir = "tokens"
kdf = "fast"
busy_timeout_ms = 1_500
synchronous = "normal"
max_pin_failures = 3
pin_delay = false
min_pin_len = 8
file_mode = 0o660
edwards_point = "der"
login_required = false
[slots]
free = "never"
removable = true
mechanisms = ["CKM_RSA_PKCS", "CKM_ECDSA"]
[policy]
legacy = "deny"
dates = "enforce"
min_rsa_bits = 3072
min_ec_bits = 256
min_dh_bits = 2048
min_secret_bits = 128
"#,
    );
    let config = place.load(&[("KEYWARD_CONF", &file)], None).unwrap();
    assert_eq!(config.log.target, Target::File(place.path("k.log")));
    assert_eq!(config.soft.dir, place.path("tokens"));
    assert_eq!(config.soft.file_mode, 0o660);
    assert_eq!(config.soft.busy_timeout_ms, 1500);
    assert!(config.slots.mechanisms.allows("CKM_ECDSA") && !config.slots.mechanisms.allows("CKM_MD5"));
    let shown = config.show();
    assert!(shown.iter().all(|s| matches!(s.origin, Origin::File { .. })), "{shown:?}");
    // What is shown can be given back.
    for setting in shown {
        let again = place.load(&[(&settings::variable(setting.key), &setting.value)], None).unwrap();
        let now = again.show().into_iter().find(|s| s.key == setting.key).unwrap();
        assert_eq!(now.value, setting.value);
        assert_eq!(now.origin, Origin::Env(settings::variable(setting.key)));
    }
}

#[test]
fn the_strongest_source_wins() {
    let place = Place::new();
    let file = place.write("c.toml", "[soft]\ndir = '/file'\n");
    let mut variables = vec![("KEYWARD_CONF", file.as_str())];
    assert_eq!(place.load(&variables, None).unwrap().soft.dir, Path::new("/file"));
    variables.push(("KEYWARD_DIR", "/short"));
    assert_eq!(place.load(&variables, None).unwrap().soft.dir, Path::new("/short"));
    variables.push(("KEYWARD_SOFT__DIR", "/long"));
    assert_eq!(place.load(&variables, None).unwrap().soft.dir, Path::new("/long"));
    let config = place.load(&variables, Some("dir=/reserved log=error")).unwrap();
    assert_eq!(config.soft.dir, Path::new("/reserved"));
    assert_eq!(config.log.level, Level::Error);
    let other = place.write("other.toml", "[log]\nlevel = 'trace'\n");
    assert_eq!(place.load(&[("KEYWARD_CONF", &file)], Some(&other)).unwrap().log.level, Level::Trace);
}

#[test]
fn files_are_found_in_their_places() {
    let place = Place::new();
    place.write("etc.toml", "[log]\nlevel = 'error'\n");
    assert_eq!(place.load(&[], None).unwrap().log.level, Level::Error);
    place.write(".config/keyward/keyward.toml", "[log]\nlevel = 'info'\n");
    assert_eq!(place.load(&[], None).unwrap().log.level, Level::Info);
    place.write("xdg/keyward/keyward.toml", "[log]\nlevel = 'debug'\n");
    let xdg = place.path("xdg");
    let config = place.load(&[("XDG_CONFIG_HOME", xdg.to_str().unwrap())], None).unwrap();
    assert_eq!(config.log.level, Level::Debug);
    let error = place.load(&[("KEYWARD_CONF", "/nowhere/c.toml")], None).unwrap_err();
    assert!(error.to_string().starts_with("/nowhere/c.toml: "), "{error}");
}

#[test]
fn softhsm_scripts_work_alone() {
    let place = Place::new();
    let conf = place.write(
        "softhsm2.conf",
        "# SoftHSM v2\ndirectories.tokendir = tokens/ \nobjectstore.backend = file\nlog.level = ERROR\n\
         slots.removable = true # or not\nslots.mechanisms = -CKM_MD5,CKM_SHA_1\n",
    );
    let config = place.load(&[("SOFTHSM2_CONF", &conf)], None).unwrap();
    assert_eq!(config.soft.dir, place.path("tokens/"));
    assert_eq!(config.log.level, Level::Error);
    assert!(config.slots.removable && !config.slots.mechanisms.allows("CKM_SHA_1"));
    assert!(matches!(config.origin("soft.dir"), Origin::SoftHsm { line: 2, .. }));
    let file = place.write("c.toml", "");
    let config = place.load(&[("SOFTHSM2_CONF", &conf), ("KEYWARD_CONF", &file)], None).unwrap();
    assert_eq!(config.soft.dir, place.path(".local/share/keyward"));
    assert_eq!(config.notes.len(), 1);
}

#[test]
fn a_refusal_names_file_line_and_key() {
    let place = Place::new();
    for (text, wanted) in [
        ("[soft]\n\ndri = 'x'\n", "FILE:3: unknown key soft.dri; known: soft.dir, soft.kdf"),
        ("[sofd]\ndir = 'x'\n", "FILE:1: unknown key sofd; known: [log], [soft]"),
        ("[soft]\nkdf = 'md5'\n", "FILE:2: soft.kdf: \"md5\" is neither"),
        ("[soft]\ndir = '~/x'\n", "FILE:2: soft.dir: ~/x: \"~\" is not expanded"),
        ("[soft]\nbusy_timeout_ms = -1\n", "FILE:2: soft.busy_timeout_ms: \"-1\" is no number from 0"),
        ("[soft]\nfile_mode = '0777'\n", "FILE:2: soft.file_mode: \"0777\" is no octal mode"),
        ("[soft]\ndir = { a = 1 }\n", "FILE:2: soft.dir has to be one value"),
        ("log = 3\n", "FILE:1: log has to be a table"),
        ("[log]\nlevel = 'x'\nlevel = 'y'\n", "FILE:3: "),
        ("[[slot]]\nlibrary = 'x'\n", "FILE:1: [[slot]] lacks backend"),
        ("[policy]\ndates = 'obey'\n", "FILE:2: policy.dates: \"obey\" is none of ignore, enforce"),
        ("[policy]\nmin_rsa_bits = -1\n", "FILE:2: policy.min_rsa_bits: \"-1\" is no number from 0"),
        ("[[token]]\nmechanisms = ['CKM_ECDSA']\n", "FILE:1: [[token]]: lacks label = \"...\" or serial"),
        ("\n[[token]]\nlabel = 'x'\n", "FILE:2: [[token]]: mechanisms: an empty list"),
        ("[[token]]\nlabel = 'x'\nmechanism = 'ALL'\n", "FILE:1: [[token]]: "),
        ("[token]\nlabel = 'x'\n", "FILE:1: token has to be a table"),
    ] {
        let refusal = place.refusal(text);
        assert!(refusal.starts_with(wanted), "{refusal}");
    }
    let error = place.load(&[("KEYWARD_SOFT__DRI", "x")], None).unwrap_err().to_string();
    assert!(error.starts_with("environment variable KEYWARD_SOFT__DRI: unknown key soft.dri"), "{error}");
    let error: crate::error::Error = place.load(&[], Some("soft.kdf=md5")).unwrap_err().into();
    assert_eq!(error.kind(), crate::error::ErrorKind::ArgumentsBad);
}

#[test]
fn slots_are_kept_whole() {
    let place = Place::new();
    let file = place.write(
        "c.toml",
        "[[slot]]\nbackend = 'passthrough'\nlibrary = '/x.so'\ntokens = ['a']\n[[slot]]\nbackend = 'zymbit'\n",
    );
    let config = place.load(&[("KEYWARD_CONF", &file)], None).unwrap();
    let line = |line| Origin::File { path: PathBuf::from(&file), line };
    let backends: Vec<_> = config.slot.iter().map(|s| (s.backend.as_str(), s.origin.clone())).collect();
    assert_eq!(backends, [("passthrough", line(1)), ("zymbit", line(5))]);
    assert_eq!(config.slot[0].table["library"].as_str(), Some("/x.so"));
}

#[test]
fn tokens_have_mechanisms_of_their_own() {
    let place = Place::new();
    let file = place.write(
        "c.toml",
        "[[token]]\nlabel = 'web'\nmechanisms = ['CKM_ECDSA', 'CKM_EDDSA']\n\
         [[token]]\nlabel = 'old'\nserial = '0123'\nmechanisms = '-CKM_SHA_1, CKM_MD5'\n",
    );
    let config = place.load(&[("KEYWARD_CONF", &file)], None).unwrap();
    let [web, old] = &config.token[..] else { panic!() };
    assert!(web.is_of("web", "any") && !web.is_of("old", "web"));
    assert!(old.is_of("old", "0123") && !old.is_of("old", "0124") && !old.is_of("web", "0123"));
    assert!(web.mechanisms().allows("CKM_EDDSA") && !web.mechanisms().allows("CKM_RSA_PKCS"));
    assert!(old.mechanisms().allows("CKM_RSA_PKCS"));
    assert!(!old.mechanisms().allows("CKM_SHA_1") && !old.mechanisms().allows("CKM_MD5"));
}

#[test]
fn no_home_is_an_error_with_advice() {
    let environment = Environment::fixed(&[], None, Path::new("/nowhere"));
    let error = Config::load(&environment, None).unwrap_err().to_string();
    assert!(error.contains("set KEYWARD_DIR"), "{error}");
    let environment = Environment::fixed(&[("KEYWARD_DIR", "/x")], None, Path::new("/nowhere"));
    assert_eq!(Config::load(&environment, None).unwrap().soft.dir, Path::new("/x"));
}

#[test]
fn the_process_has_an_environment() {
    assert!(Environment::process().xdg("XDG_DATA_HOME", ".local/share").is_some());
}

#[test]
fn a_slot_is_read_key_by_key() {
    let place = Place::new();
    let file = place.write(
        "c.toml",
        "[[slot]]\nbackend = 'x'\nlibrary = 'a.so'\ntokens = ['a', 'b']\nisolate = true\ntimeout_ms = 5\nmode = 'two'\n\
         [[slot.key]]\nslot = 3\n",
    );
    let config = place.load(&[("KEYWARD_CONF", &file)], None).unwrap();
    let mut slot = config.slot[0].reader();
    assert_eq!(slot.path("library").unwrap(), Some(place.path("a.so")));
    assert_eq!(slot.texts("tokens").unwrap(), ["a", "b"]);
    assert!(slot.flag("isolate", false).unwrap() && !slot.flag("absent", false).unwrap());
    assert_eq!(slot.number("timeout_ms", 1, 10, 7).unwrap(), 5);
    assert_eq!(slot.one_of("mode", &[("one", 1), ("two", 2)]).unwrap(), Some(2));
    let refusals = [
        slot.number("timeout_ms", 6, 10, 7).unwrap_err(),
        slot.text("isolate").unwrap_err(),
        slot.one_of("mode", &[("one", 1)]).unwrap_err(),
        slot.required_text("name").unwrap_err(),
        config.slot[0].reader().finish().unwrap_err(),
    ];
    let wanted = [
        "timeout_ms has to be a number from 6 to 10",
        "isolate has to be a string that is not empty",
        "mode: \"two\" is none of one",
        "lacks name = \"...\"",
        "unknown key isolate; known: backend",
    ];
    for (refusal, wanted) in refusals.iter().zip(wanted) {
        assert_eq!(refusal.to_string(), format!("{file}:1: [[slot]]: {wanted}"));
    }
    let mut keys = slot.tables("key").unwrap();
    assert_eq!(keys[0].number("slot", 0, 10, 0).unwrap(), 3);
    keys.into_iter().for_each(|key| key.finish().unwrap());
    slot.finish().unwrap();
}
