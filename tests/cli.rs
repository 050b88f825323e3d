//! The command-line tool as scripts see it: its verbs, exit codes and JSON, each test in a directory of its own.

#![allow(clippy::unwrap_used)]

#[path = "common/place.rs"]
mod place;

use std::path::{Path, PathBuf};

use serde_json::Value;

use place::{Place, openssl};

#[test]
fn tokens_are_made_listed_and_deleted() {
    let place = Place::new();
    assert_eq!(place.run("token list --json").json()["tokens"], Value::Array(Vec::new()));
    let made = place.init("web").json();
    assert_eq!(made["label"], "web");
    let listed = place.run("token list --json").json();
    let token = &listed["tokens"][0];
    assert_eq!((&token["serial"], &token["user_pin_set"]), (&made["serial"], &Value::Bool(true)));
    assert_eq!(token["slot"], made["slot"]);
    // The token and the free slot.
    assert_eq!(place.run("slot list --json").json()["slots"].as_array().unwrap().len(), 2);
    place.run("token delete --token web").refused(2, "--yes");
    place.run("token delete --token nope --yes").refused(1, "no token has the label");
    place.run("token delete --token web --yes").ok();
    assert_eq!(place.run("token list --json").json()["tokens"], Value::Array(Vec::new()));
}

#[test]
fn a_token_is_made_anew_only_on_demand() {
    let place = Place::with_token();
    place.run("key generate --type ec:p256 --label k --pin-env PIN").ok();
    let slot = place.run("token list --json").json()["tokens"][0]["slot"].clone();
    place
        .run(&format!("token init --label x --slot {slot} --so-pin-env SO --pin-env PIN"))
        .refused(2, "--token");
    place.run("token init --label x --token web --so-pin-env SO --pin-env PIN").refused(2, "--yes");
    place.run("token init --label x --token web --so-pin-env OTHER --pin-env PIN --yes").refused(1, "PIN");
    place.run("token init --label x --token web --so-pin-env SO --pin-env PIN --yes").ok();
    let after = place.run("token list --json").json();
    assert_eq!((&after["tokens"][0]["label"], &after["tokens"][0]["slot"]), (&Value::from("x"), &slot));
    let objects = place.run("object list --pin-env PIN --json").json();
    assert_eq!(objects["objects"], Value::Array(Vec::new()));
}

#[test]
fn pins_come_from_stdin_files_and_variables() {
    let place = Place::new();
    let init = ["token", "init", "--label", "a", "--pin-stdin"];
    place.run_with(&init, "so-pin-1\nuser-pin-1\n").ok();
    place.run("token init --label b --so-pin-env SO --pin-env NOT_SET").refused(1, "NOT_SET");
    place.run("token init --label b --so-pin-env SO").refused(2, "--pin-file, --pin-env or --pin-stdin");
    place.run_with(&init, "so-pin-1\nx\n").refused(1, "4 to 255");
    assert_eq!(place.run("token list --json").json()["tokens"].as_array().unwrap().len(), 1);
    let file = place.path("pin");
    std::fs::write(&file, "user-pin-1\n").unwrap();
    place.run(&format!("object list --pin-file {file}")).ok();
    place.run("object list --pin-env OTHER").refused(1, "PIN");
    place.run("object list --pin-file /nowhere").refused(1, "/nowhere");
}

#[test]
fn pins_change_and_unlock() {
    let place = Place::with_token();
    place.run("key generate --type ed25519 --label k --pin-env PIN").ok();
    place.run("pin change --pin-env PIN --new-pin-env OTHER").ok();
    place.run("object list --pin-env PIN").refused(1, "PIN");
    for _ in 0..9 {
        assert_eq!(place.run("object list --pin-env PIN").code, 1);
    }
    place.run("object list --pin-env OTHER").refused(1, "pin unlock");
    assert_eq!(place.run("token list --json").json()["tokens"][0]["user_pin_locked"], true);
    let doctor = place.run("doctor");
    assert_eq!(doctor.code, 1);
    assert!(doctor.out.contains("PROBLEM") && doctor.err.contains("1 problem(s) found"), "{}", doctor.out);
    place.run("pin unlock --so-pin-env OTHER --new-pin-env PIN").refused(1, "PIN");
    place.run("pin unlock --so-pin-env SO --new-pin-env PIN").ok();
    let objects = place.run("object list --pin-env PIN --json").json();
    assert_eq!(objects["objects"].as_array().unwrap().len(), 2);
    place.run("pin change --so --so-pin-env SO --new-pin-env OTHER").ok();
    place.run("pin unlock --so-pin-env OTHER --new-pin-env PIN").ok();
}

#[test]
fn keys_of_every_type_sign_and_verify() {
    let place = Place::with_token();
    let (data, signature) = (place.path("data"), place.path("signature"));
    std::fs::write(&data, "to be signed").unwrap();
    for kind in
        ["rsa:2048", "ec:p256", "ec:p521", "ec:secp256k1", "ed25519", "ml-dsa-44", "ml-dsa-65", "generic:256"]
    {
        let made =
            place.run(&format!("key generate --type {kind} --label {kind} --pin-env PIN --json")).json();
        place.run(&format!("sign --key {kind} --in {data} --out {signature} --pin-env PIN")).ok();
        let id = made["id"].as_str().unwrap();
        let valid =
            place.run(&format!("verify --id {id} --in {data} --signature {signature} --pin-env PIN --json"));
        assert_eq!(valid.json()["valid"], true, "{kind}");
        let forged =
            place.run(&format!("verify --key {kind} --in {signature} --signature {signature} --pin-env PIN"));
        forged.refused(1, "not valid");
    }
    for kind in ["x25519", "aes:128"] {
        place.run(&format!("key generate --type {kind} --label {kind} --id 0a --pin-env PIN")).ok();
    }
    place
        .run("key generate --type aes:128 --label aes:128 --id 0a --pin-env PIN")
        .refused(1, "there already");
    let pss = format!("sign --key rsa:2048 --mechanism SHA256_RSA_PKCS_PSS --in {data} --pin-env PIN");
    assert_eq!(place.run(&pss).ok().out.trim().len(), 512);
    place.run(&format!("sign --key nope --in {data} --pin-env PIN")).refused(1, "nope");
    place
        .run(&format!("sign --key rsa:2048 --mechanism ROT13 --in {data} --pin-env PIN"))
        .refused(2, "ROT13");
}

#[test]
fn objects_are_listed_exported_and_deleted() {
    let place = Place::with_token();
    place.run("key generate --type ec:p256 --label k --id 01 --pin-env PIN").ok();
    let seen = place.run("object list --public --json").json();
    assert_eq!(seen["objects"].as_array().unwrap().len(), 1);
    assert_eq!(seen["objects"][0]["type"], "ec:p256");
    let pem = place.run("object export --label k").ok().out;
    assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----\n") && pem.ends_with("-----END PUBLIC KEY-----\n"));
    let out = place.path("k.pem");
    place
        .run(&format!("object export --label k --class private --out {out} --pin-env PIN"))
        .refused(2, "--passphrase-file");
    let plain = format!("object export --label k --class private --plain --out {out} --pin-env PIN");
    place.run(&plain).refused(1, "stays in the token");
    assert!(!Path::new(&out).exists());
    place.run("object delete --pin-env PIN --yes").refused(2, "--label");
    place.run("object delete --id 01 --class public --pin-env PIN --yes").ok();
    let left = place.run("object list --pin-env PIN --json").json();
    assert_eq!(left["objects"][0]["class"], "private");
}

#[test]
fn openssl_keys_and_certificates_come_and_go() {
    let place = Place::with_token();
    let (key, cert, both) = (place.path("key.pem"), place.path("cert.pem"), place.path("both.pem"));
    let request =
        ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", &key, "-out", &cert, "-subj", "/CN=x"];
    if openssl(&request).is_none() {
        eprintln!("skipped: no openssl");
        return;
    }
    let chain = std::fs::read_to_string(&cert).unwrap() + &std::fs::read_to_string(&key).unwrap();
    std::fs::write(&both, chain).unwrap();
    let imported = place.run(&format!("object import {both} --label web --pin-env PIN --json")).json();
    let ids: Vec<&Value> =
        imported["imported"].as_array().unwrap().iter().map(|object| &object["id"]).collect();
    assert!(ids.len() == 3 && ids[0] == ids[1] && ids[1] == ids[2], "{imported:#}");
    place.run(&format!("object import {both} --label web --pin-env PIN")).refused(1, "there already");
    let public = place.run("object export --label web --class public").ok().out;
    assert_eq!(Some(public), openssl(&["pkey", "-in", &key, "-pubout"]));
    assert_eq!(
        place.run("object export --label web --class cert").ok().out,
        std::fs::read_to_string(&cert).unwrap()
    );
    // What the token signs, openssl verifies.
    let (signature, public) = (place.path("sig"), place.path("pub.pem"));
    place.run(&format!("sign --key web --in {cert} --out {signature} --pin-env PIN")).ok();
    place.run(&format!("object export --label web --class public --out {public}")).ok();
    let verified = openssl(&["dgst", "-sha256", "-verify", &public, "-signature", &signature, &cert]);
    assert_eq!(verified.as_deref(), Some("Verified OK\n"));
    // An extractable key comes out as it went in.
    let ec = place.path("ec.pem");
    openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", &ec]).unwrap();
    place.run(&format!("object import {ec} --label ec --extractable --not-sensitive --pin-env PIN")).ok();
    let out = place.path("out.pem");
    place.run(&format!("object export --label ec --class private --plain --out {out} --pin-env PIN")).ok();
    assert_eq!(openssl(&["pkey", "-in", &out, "-pubout"]), openssl(&["pkey", "-in", &ec, "-pubout"]));
    let traditional = place.path("rsa.pem");
    openssl(&["rsa", "-traditional", "-in", &key, "-out", &traditional]).unwrap();
    place.run(&format!("object import {traditional} --label t --pin-env PIN")).ok();
}

#[test]
fn mechanisms_are_listed() {
    let place = Place::new();
    let listed = place.run("mechanism list --json").json();
    let has = |name: &str| listed["mechanisms"].as_array().unwrap().iter().any(|row| row["name"] == name);
    assert!(has("CKM_ML_DSA") && has("CKM_AES_GCM"));
    assert!(
        place.run("mechanism list --markdown").ok().out.contains("| `CKM_ECDSA_SHA256` | sign, verify |")
    );
}

#[test]
fn demo_and_doctor_are_content_with_a_new_installation() {
    let place = Place::new();
    let demo = place.run("demo").ok();
    assert!(demo.out.contains("ml-dsa-65") && demo.out.contains("Removed"), "{}", demo.out);
    assert_eq!(place.run("demo --json").json()["keys"].as_array().unwrap().len(), 4);
    let doctor = place.run("doctor --json").json();
    assert_eq!(doctor["problems"], 0);
    let kdf =
        doctor["settings"].as_array().unwrap().iter().find(|setting| setting["key"] == "soft.kdf").unwrap();
    assert_eq!(
        (&kdf["value"], &kdf["origin"]),
        (&"fast".into(), &"environment variable KEYWARD_SOFT__KDF".into())
    );
}

#[test]
fn doctor_sees_damage_and_loose_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let file = PathBuf::from(place.init("web").json()["file"].as_str().unwrap());
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    let doctor = place.run("doctor");
    assert!(doctor.code == 1 && doctor.out.contains("others can write"), "{}", doctor.out);
    std::fs::write(&file, vec![7; 8192]).unwrap();
    let doctor = place.run("doctor");
    assert!(doctor.code == 1 && doctor.out.contains("PROBLEM"), "{}", doctor.out);
    assert_eq!(doctor.err.lines().count(), 1, "{}", doctor.err);
}

#[test]
fn usage_is_2_and_help_is_0() {
    let place = Place::new();
    assert_eq!(place.run("frobnicate").code, 2);
    assert_eq!(place.run("token init").code, 2);
    assert_eq!(place.run("key generate --type rsa --label x").code, 2);
    for help in ["--help", "token init --help", "key generate --help", "object import --help", "--version"] {
        let run = place.run(help).ok();
        assert!(!run.out.is_empty() && run.err.is_empty());
    }
    place.run("object list").refused(1, "keyward token init");
}

#[test]
fn several_tokens_have_to_be_told_apart() {
    let place = Place::with_token();
    let second = place.init("other").json();
    place.run("object list --public").refused(2, "--token");
    place.run("object list --public --token other").ok();
    place.run(&format!("object list --public --token {}", second["serial"].as_str().unwrap())).ok();
}
