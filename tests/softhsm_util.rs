//! The tool under the name `softhsm2-util`: what SoftHSM's users have in their scripts, and the same script on SoftHSM's
//! own tool where that is installed.

#![allow(clippy::unwrap_used)]

#[path = "common/place.rs"]
mod place;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use place::{Place, Run, openssl};

/// SoftHSM's own tool.
const REAL: &str = "/usr/bin/softhsm2-util";

impl Run {
    /// Failed, with these words on stderr; SoftHSM's tool says on stdout what it found before it fails.
    #[track_caller]
    fn failed(self, words: &str) {
        assert_eq!(self.code, 1, "{}{}", self.out, self.err);
        assert!(self.err.contains(words), "{}", self.err);
    }
}

#[test]
fn scripts_run() {
    let place = Place::new().called("softhsm2-util");
    let run = |line: &str| place.run(line);
    let made = run("--init-token --free --label t --so-pin 1234 --pin 5678").ok().out;
    let slot = made.trim().rsplit(' ').next().unwrap().to_owned();
    assert!(made.contains("is reassigned to slot ") && slot.parse::<u64>().is_ok(), "{made}");
    let shown = run("--show-slots").ok().out;
    assert!(
        shown.contains(&format!("Slot {slot}\n")) && shown.contains("        Label:            t"),
        "{shown}"
    );
    // SoftHSM's number of the free slot beside one token.
    run("--init-token --slot 1 --label u --so-pin 1234 --pin 5678").ok();
    run(&format!("--init-token --slot {slot} --label t2 --so-pin 9999 --pin 5678"))
        .failed("CKR_PIN_INCORRECT");
    let anew = run(&format!("--init-token --slot {slot} --label t2 --so-pin 1234 --pin 5678")).ok().out;
    assert_eq!(anew, format!("The token has been initialized on slot {slot}\n"));
    run("--delete-token --token t2").ok();
    run("--delete-token --token t2").failed("Could not find a token");
    assert_eq!(run("--frob").code, 1);
    run("--version").ok();
}

#[test]
fn every_type_of_import() {
    let place = Place::new().called("softhsm2-util");
    let run = |line: &str| place.run(line);
    run("--init-token --free --label t --so-pin 1234 --pin 5678").ok();
    let (key, cert, aes) = (place.path("key.pem"), place.path("cert.pem"), place.path("aes"));
    let request = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-passout",
        "pass:abcd",
        "-keyout",
        &key,
        "-out",
        &cert,
        "-subj",
        "/CN=x",
    ];
    if openssl(&request).is_none() {
        eprintln!("skipped: no openssl");
        return;
    }
    fs::write(&aes, [7; 32]).unwrap();
    let import = |file: &str, rest: &str| run(&format!("--import {file} --token t --pin 5678 {rest}"));
    import(&key, "--label k --id A1").failed("--file-pin");
    import(&key, "--label k --id A1 --file-pin wrong").failed("wrong passphrase");
    import(&key, "--label k --id A1 --file-pin abcd").ok();
    import(&key, "--label k --id A1 --file-pin abcd").failed("Use --force to override this message.");
    import(&key, "--label k --id A1 --file-pin abcd --force").ok();
    // A certificate has the ID of its key; SoftHSM minds IDs among objects of one class.
    import(&cert, "--import-type cert --label c --id A1").ok();
    import(&aes, "--import-type aes --label a --id A2").ok();
    import(&aes, "--aes --label a --id A3 --no-public-key").ok();
    import(&cert, "--label c --id A4").failed("no such object");
    run("--show-config frob").failed("Invalid configuration key 'frob'");
    let keyward = Place { program: env!("CARGO_BIN_EXE_keyward").into(), ..place };
    let listed = keyward.run_with(&["object", "list", "--pin-stdin", "--json"], "5678\n").json();
    let ids = |class: &str| {
        let of = |object: &&serde_json::Value| object["class"] == class;
        let objects = listed["objects"].as_array().unwrap().iter().filter(of);
        objects.map(|object| object["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        (ids("private"), ids("cert"), ids("secret")),
        (
            vec!["a1".to_owned(), "a1".to_owned()],
            vec!["a1".to_owned()],
            vec!["a2".to_owned(), "a3".to_owned()],
        )
    );
}

#[test]
fn the_library_is_found_beside_the_tool() {
    let place = Place::new();
    let dir = place.dir.path().join("bin");
    fs::create_dir(&dir).unwrap();
    let tool = dir.join("softhsm2-util");
    fs::copy(env!("CARGO_BIN_EXE_keyward"), &tool).unwrap();
    let library = dir.join("libkeyward.so");
    fs::write(&library, "").unwrap();
    let shown = Place { program: tool, ..place };
    let shown = shown.run("--show-config default-pkcs11-lib").ok().out;
    assert_eq!(Path::new(shown.trim()), fs::canonicalize(library).unwrap());
}

/// One line of a script, and whether both tools have to print the same.
const SCRIPT: &[(&str, bool)] = &[
    ("", false),
    ("--show-slots", false),
    ("--init-token --free --label t --so-pin 1234 --pin 5678", true),
    ("--init-token --slot 99 --label x --so-pin 1234 --pin 5678", true),
    ("--init-token --slot 1 --so-pin 1234 --pin 5678", true),
    ("--init-token --label x --so-pin 1234 --pin 5678", true),
    ("--init-token --token nope --label x --so-pin 1234 --pin 5678", true),
    ("--init-token --token t --label t --so-pin 9999 --pin 5678", true),
    ("--init-token --token t --label t --so-pin 1234 --pin 5678", true),
    ("--init-token --token t --label xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx --so-pin 1234 --pin 5678", true),
    ("--import KEY --token t --label k --id A1B2 --pin 5678", true),
    ("--import KEY --token t --label k --id A1B2 --pin 5678", true),
    ("--import KEY --token t --label k --id A1B2 --pin 5678 --force", true),
    ("--import KEY --token t --label k --id A1B --pin 5678", false),
    ("--import KEY --token t --label k --id XX --pin 5678", false),
    ("--import KEY --token t --label k --pin 5678", true),
    ("--import KEY --token t --id A1 --pin 5678", true),
    ("--import KEY --token t --label k --id E7 --pin 9999", true),
    ("--import KEY --token nope --label k --id E7 --pin 5678", true),
    ("--import KEY --label k --id E7 --pin 5678", true),
    ("--import ENCRYPTED --token t --label e --id E1 --pin 5678", false),
    ("--import ENCRYPTED --token t --label e --id E1 --pin 5678 --file-pin wrong", false),
    ("--import ENCRYPTED --token t --label e --id E1 --pin 5678 --file-pin abcd", true),
    ("--import /nowhere --token t --label e --id E2 --pin 5678", false),
    ("--import AES --aes --token t --label a --id F1 --pin 5678", false),
    ("--delete-token", true),
    ("--delete-token --token nope", true),
    ("--delete-token --token t", false),
    ("--show-slots --init-token", false),
    ("--version", false),
    ("--help", false),
];

/// What a run prints, with the numbers that differ between any two installations left out.
fn shape(out: &str, err: &str) -> String {
    let word = |word: &str| {
        if word.len() > 2 && word.parse::<u64>().is_ok() { "N".to_owned() } else { word.to_owned() }
    };
    let words = |text: &str| text.split_ascii_whitespace().map(word).collect::<Vec<_>>().join(" ");
    // SoftHSM counts its free slots, here they have their token's number already.
    format!("{} | {}", words(out), words(err)).replace("Slot 0 has", "Slot N has")
}

#[test]
fn the_same_script_ends_the_same_on_softhsms_own_tool() {
    let place = Place::new().called("softhsm2-util");
    let files = [("KEY", place.path("key")), ("ENCRYPTED", place.path("enc")), ("AES", place.path("aes"))];
    fs::write(&files[2].1, [9; 32]).unwrap();
    let made =
        openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", &files[0].1]);
    if made.is_none() || !Path::new(REAL).exists() {
        eprintln!("skipped: no openssl, or no {REAL}");
        return;
    }
    openssl(&["pkcs8", "-topk8", "-in", &files[0].1, "-passout", "pass:abcd", "-out", &files[1].1]).unwrap();
    let tokens = place.dir.path().join("softhsm");
    fs::create_dir(&tokens).unwrap();
    let conf: PathBuf = place.dir.path().join("softhsm2.conf");
    fs::write(&conf, format!("directories.tokendir = {}\n", tokens.display())).unwrap();
    for (line, same) in SCRIPT {
        let line = files.iter().fold((*line).to_owned(), |line, (name, path)| line.replace(name, path));
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let ours = place.run_with(&words, "");
        let real = Command::new(REAL)
            .args(&words)
            .env_clear()
            .env("SOFTHSM2_CONF", &conf)
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&real.stdout), text(&real.stderr));
        assert_eq!(Some(ours.code), real.status.code(), "{line}\n{}{}\n{out}{err}", ours.out, ours.err);
        if *same {
            assert_eq!(shape(&ours.out, &ours.err), shape(&out, &err), "{line}");
        }
    }
}
