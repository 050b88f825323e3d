//! Other programs that make and read files of keys, and what they are asked to do.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::place::{Place, Run};

/// The passphrase of every encrypted file here, in $PW.
pub const PASSPHRASE: &str = "pass phrase 1";

/// True if the programs are installed; says so if not.
pub fn has(programs: &[&str]) -> bool {
    let missing = programs.iter().find(|program| {
        let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
        !found.status.success()
    });
    if let Some(program) = missing {
        eprintln!("skipped: no {program}");
    }
    missing.is_none()
}

/// The interpreter that has the package cryptography, as scripts/setup installs it.
pub fn python() -> Option<PathBuf> {
    let venv = std::env::var_os("VENV").map(PathBuf::from);
    let venv = venv.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/venv"));
    let python = venv.join("bin/python");
    let found = Command::new(&python).args(["-c", "import cryptography"]).output();
    if !found.is_ok_and(|found| found.status.success()) {
        eprintln!("skipped: no Python with cryptography (scripts/setup)");
        return None;
    }
    Some(python)
}

/// Runs a script in the place's directory and returns what it printed.
#[track_caller]
pub fn sh(place: &Place, script: &str) -> String {
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(place.dir.path())
        .env("PW", PASSPHRASE)
        .env("HOME", place.dir.path())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{script}\n{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// `keyward object VERB ...` with paths in the place's directory: words that begin with @.
pub fn object(place: &Place, line: &str) -> Run {
    let words: Vec<String> = format!("object {line} --pin-env PIN")
        .split(' ')
        .map(|word| word.strip_prefix('@').map_or(word.to_owned(), |name| place.path(name)))
        .collect();
    place.run_with(&words.iter().map(String::as_str).collect::<Vec<_>>(), "")
}

#[track_caller]
pub fn import(place: &Place, line: &str) -> serde_json::Value {
    object(place, &format!("import {line} --json")).json()["imported"].take()
}

/// Signs with the token's key of this label and verifies with OpenSSL and the public key in PEM.
#[track_caller]
pub fn proves(place: &Place, label: &str, public: &str) {
    fs::write(place.path("data"), "to be signed").unwrap();
    let _ = fs::remove_file(place.path("sig"));
    let (data, sig) = (place.path("data"), place.path("sig"));
    let kind = sh(place, &format!("openssl pkey -pubin -in {public} -noout -text"));
    let form = if kind.contains("ASN1 OID") || kind.contains("NIST CURVE") { "der" } else { "raw" };
    place.run(&format!("sign --key {label} --in {data} --out {sig} --format {form} --pin-env PIN")).ok();
    let verify = match kind.contains("ED25519") {
        true => format!("openssl pkeyutl -verify -rawin -pubin -inkey {public} -in data -sigfile sig"),
        false => format!("openssl dgst -sha256 -verify {public} -signature sig data"),
    };
    sh(place, &verify);
}

/// (class, label, ID) of what was imported.
pub fn names(made: &serde_json::Value) -> Vec<(&str, &str, &str)> {
    made.as_array()
        .unwrap()
        .iter()
        .map(|made| {
            (made["class"].as_str().unwrap(), made["label"].as_str().unwrap(), made["id"].as_str().unwrap())
        })
        .collect()
}
