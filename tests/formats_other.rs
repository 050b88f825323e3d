//! Import and export beside OpenSSL's formats: OpenSSH's keys, JWK, bare secret keys, ML-DSA. See tests/formats.rs.

#![allow(clippy::unwrap_used)]

#[path = "common/outside.rs"]
mod outside;
#[path = "common/place.rs"]
mod place;

use std::fs;

use outside::{PASSPHRASE, has, import, names, object, proves, python, sh};
use place::Place;

/// What Python is asked to do.
const PYTHON: &str = include_str!("common/jwk.py");

#[test]
fn openssh_keys_both_ways() {
    if !has(&["openssl", "ssh-keygen"]) {
        return;
    }
    let place = Place::with_token();
    fs::write(place.path("pw"), PASSPHRASE).unwrap();
    for (kind, bits) in [("rsa", 2048), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521), ("ed25519", 256)] {
        let label = format!("{kind}-{bits}");
        sh(
            &place,
            &format!(
                "rm -f k k.pub e e.pub; ssh-keygen -q -t {kind} -b {bits} -N '' -C {label} -f k
                 cp k e; chmod 600 e; ssh-keygen -q -p -N \"$PW\" -f e
                 ssh-keygen -y -f k >line"
            ),
        );
        // The comment is the label.
        assert_eq!(names(&import(&place, "@k --extractable"))[0].1, label);
        import(&place, &format!("@e --label {label}-e --passphrase-file @pw"));
        import(&place, &format!("@k.pub --label {label}-p"));
        let line = object(&place, &format!("export --label {label} --format ssh")).ok().out;
        assert_eq!(line, fs::read_to_string(place.path("line")).unwrap());
        fs::write(place.path("pub"), object(&place, &format!("export --label {label}-p")).ok().out).unwrap();
        proves(&place, &label, "pub");
        proves(&place, &format!("{label}-e"), "pub");
        let _ = fs::remove_file(place.path("out"));
        object(
            &place,
            &format!("export --label {label} --class private --format ssh --out @out --passphrase-file @pw"),
        )
        .ok();
        assert_eq!(sh(&place, "ssh-keygen -y -P \"$PW\" -f out"), line);
    }
    object(&place, "import @e --label x --passphrase-env OTHER").refused(1, "wrong passphrase");
    // authorized_keys: options, comments, several keys.
    sh(&place, "{ echo '# mine'; echo; printf 'command=\"ls\",no-pty '; cat k.pub; } >authorized_keys");
    assert_eq!(names(&import(&place, "@authorized_keys --id 77"))[0].1, "ed25519-256");
}

#[test]
fn jwk_both_ways() {
    let Some(python) = python() else { return };
    if !has(&["openssl"]) {
        return;
    }
    let place = Place::with_token();
    fs::write(place.path("tool.py"), PYTHON).unwrap();
    let python = python.display();
    let kinds = [
        ("rsa", "RSA -pkeyopt rsa_keygen_bits:2048"),
        ("p256", "EC -pkeyopt ec_paramgen_curve:P-256"),
        ("p521", "EC -pkeyopt ec_paramgen_curve:P-521"),
        ("k256", "EC -pkeyopt ec_paramgen_curve:secp256k1"),
        ("ed", "ED25519"),
        ("x", "X25519"),
    ];
    let mut all = Vec::new();
    for (kind, algorithm) in kinds {
        sh(
            &place,
            &format!(
                "openssl genpkey -algorithm {algorithm} -out key; openssl pkey -in key -pubout -out pub"
            ),
        );
        let public = fs::read_to_string(place.path("pub")).unwrap();
        let jwk = sh(&place, &format!("{python} tool.py to-jwk key {kind}"));
        fs::write(place.path("jwk"), &jwk).unwrap();
        all.push(jwk);
        // The kid is the label.
        assert_eq!(names(&import(&place, "@jwk --extractable --not-sensitive"))[0].1, kind);
        if kind != "x" {
            proves(&place, kind, "pub");
        }
        let written = object(&place, &format!("export --label {kind} --format jwk")).ok().out;
        fs::write(place.path("out"), written).unwrap();
        assert_eq!(sh(&place, &format!("{python} tool.py jwk-public out")), public);
        object(
            &place,
            &format!("export --label {kind} --class private --format jwk --plain --out @{kind}.jwk"),
        )
        .ok();
        assert_eq!(sh(&place, &format!("{python} tool.py jwk-public {kind}.jwk")), public);
        object(
            &place,
            &format!("export --label {kind} --class private --out @{kind}.pem --passphrase-env OTHER"),
        )
        .ok();
        assert_eq!(sh(&place, &format!("{python} tool.py pem-public {kind}.pem other-pin-2")), public);
    }
    let second = Place::with_token();
    fs::write(second.path("set"), format!("{{\"keys\":[{}]}}", all.join(","))).unwrap();
    assert_eq!(import(&second, "@set").as_array().unwrap().len(), 2 * kinds.len());
}

#[test]
fn the_rfcs_own_jwk() {
    // RFC 8037, appendix A: the key, and the signature it makes, which is the only one there is.
    let place = Place::with_token();
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    fs::write(place.path("jwk"), jwk).unwrap();
    import(&place, "@jwk --label rfc");
    fs::write(place.path("data"), "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc").unwrap();
    let signed = place.run(&format!("sign --key rfc --in {} --pin-env PIN", place.path("data"))).ok().out;
    assert_eq!(
        signed.trim(),
        "860c98d2297f3060a33f42739672d61b53cf3adefed3d3c672f320dc021b411e9d59b8628dc351e248b88b29468e0e41855b0fb7d83bb15be902bfccb8cd0a02"
    );
    // Contradictions and omissions.
    for (bad, why) in [
        (jwk.replace("11qYA", "21qYA"), ""),
        (jwk.replace("Ed25519", "Ed448"), "Ed448"),
        (jwk.replace("OKP", "AKP"), "not supported"),
        (jwk.replace("\"x\"", "\"z\""), "\\\"x\\\" is missing"),
        (jwk.replace("nWG", "nW!"), "base64url"),
        ("{\"a\":1}".to_owned(), "neither a JWK nor a JWK Set"),
        ("{\"keys\":[]}".to_owned(), "no key"),
    ] {
        fs::write(place.path("bad"), bad).unwrap();
        object(&place, "import @bad --label bad").refused(1, &why.replace('\\', ""));
    }
}

#[test]
fn secret_keys_as_bytes_digits_base64_and_jwk() {
    let place = Place::with_token();
    let value: Vec<u8> = (0..32).map(|at| at * 7 + 1).collect();
    fs::write(place.path("raw"), &value).unwrap();
    import(&place, "@raw --secret aes --label raw --id 01 --extractable --not-sensitive");
    for format in ["hex", "base64", "jwk"] {
        object(
            &place,
            &format!("export --label raw --class secret --format {format} --plain --out @{format}"),
        )
        .ok();
        // A JWK is told by its looks, even where it is said what key is in it.
        let told = if format == "jwk" { String::new() } else { format!(" --format {format}") };
        let told = format!(" --secret aes{told}");
        let made = import(&place, &format!("@{format}{told} --label {format} --extractable --not-sensitive"));
        assert_eq!(made[0]["type"], "aes:256", "{format}");
        object(&place, &format!("export --label {format} --class secret --plain --out @{format}.raw")).ok();
        assert_eq!(fs::read(place.path(&format!("{format}.raw"))).unwrap(), value, "{format}");
    }
    object(&place, "import @hex --secret aes --label x").refused(1, "--format hex");
    object(&place, "import @raw --label x").refused(1, "--secret");
    object(&place, "import @raw --label x --format raw").refused(1, "--secret");
    object(&place, "export --label raw --class secret --out @x").refused(2, "--plain");
    import(&place, "@raw --secret generic --label kept");
    object(&place, "export --label kept --class secret --plain --out @x").refused(1, "stays in the token");
    if has(&["openssl"]) {
        // HMAC: the same tag as OpenSSL's with the same key.
        fs::write(place.path("data"), "to be signed").unwrap();
        let key: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
        let tag =
            sh(&place, &format!("openssl dgst -sha256 -mac HMAC -macopt hexkey:{key} data | sed 's/.* //'"));
        import(&place, "@raw --secret sha256-hmac --label hmac");
        for label in ["kept", "hmac"] {
            let data = place.path("data");
            let line = format!("sign --key {label} --mechanism SHA256_HMAC --in {data} --pin-env PIN");
            assert_eq!(place.run(&line).ok().out, tag, "{label}");
        }
    }
}

#[test]
fn ml_dsa_seeds_of_another_implementation() {
    let Some(python) = python() else { return };
    let place = Place::with_token();
    fs::write(place.path("tool.py"), PYTHON).unwrap();
    fs::write(place.path("data"), "to be signed").unwrap();
    let python = python.display();
    for (name, kind) in [
        ("MLDSA44PrivateKey", "ml-dsa-44"),
        ("MLDSA65PrivateKey", "ml-dsa-65"),
        ("MLDSA87PrivateKey", "ml-dsa-87"),
    ] {
        sh(&place, &format!("{python} tool.py ml-dsa key {name}"));
        assert_eq!(import(&place, &format!("@key --label {kind}"))[0]["type"], kind);
        let (data, sig) = (place.path("data"), place.path("sig"));
        place.run(&format!("sign --key {kind} --in {data} --out {sig} --pin-env PIN")).ok();
        sh(&place, &format!("{python} tool.py ml-dsa-verify key"));
    }
}
