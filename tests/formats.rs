//! Import and export judged by the programs that make and read such files: OpenSSL, OpenSSH, Java's keytool, Python's
//! cryptography. What a token signs with an imported key, the file's own public key verifies; what is exported, the
//! other program reads.

#![allow(clippy::unwrap_used)]

#[path = "common/place.rs"]
mod place;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use place::{Place, Run};

/// The passphrase of every encrypted file here, in $PW.
const PASSPHRASE: &str = "pass phrase 1";

/// True if the programs are installed; says so if not.
fn has(programs: &[&str]) -> bool {
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
fn python() -> Option<PathBuf> {
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
fn sh(place: &Place, script: &str) -> String {
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
fn object(place: &Place, line: &str) -> Run {
    let words: Vec<String> = format!("object {line} --pin-env PIN")
        .split(' ')
        .map(|word| word.strip_prefix('@').map_or(word.to_owned(), |name| place.path(name)))
        .collect();
    place.run_with(&words.iter().map(String::as_str).collect::<Vec<_>>(), "")
}

#[track_caller]
fn import(place: &Place, line: &str) -> serde_json::Value {
    object(place, &format!("import {line} --json")).json()["imported"].take()
}

/// Signs with the token's key of this label and verifies with OpenSSL and the public key in PEM.
#[track_caller]
fn proves(place: &Place, label: &str, public: &str) {
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

#[test]
fn openssl_private_keys_in_every_encoding() {
    if !has(&["openssl"]) {
        return;
    }
    let place = Place::with_token();
    let kinds = [
        ("rsa", "RSA -pkeyopt rsa_keygen_bits:2048"),
        ("p256", "EC -pkeyopt ec_paramgen_curve:P-256"),
        ("p384", "EC -pkeyopt ec_paramgen_curve:P-384"),
        ("p521", "EC -pkeyopt ec_paramgen_curve:P-521"),
        ("k256", "EC -pkeyopt ec_paramgen_curve:secp256k1"),
        ("ed", "ED25519"),
    ];
    let encodings = [
        ("pem", "pkey -in key"),
        ("der", "pkey -in key -outform der"),
        ("trad", "pkey -in key -traditional"),
        ("tradder", "pkey -in key -traditional -outform der"),
        ("enc", "pkcs8 -topk8 -in key -passout env:PW"),
        ("encder", "pkcs8 -topk8 -in key -passout env:PW -outform der"),
        ("scrypt", "pkcs8 -topk8 -in key -passout env:PW -scrypt"),
        ("aes128", "pkcs8 -topk8 -in key -passout env:PW -v2 aes-128-cbc -v2prf hmacWithSHA512"),
        ("3des", "pkcs8 -topk8 -in key -passout env:PW -v2 des3 -v2prf hmacWithSHA1"),
    ];
    fs::write(place.path("pw"), PASSPHRASE).unwrap();
    for (kind, algorithm) in kinds {
        sh(
            &place,
            &format!(
                "openssl genpkey -algorithm {algorithm} -out key; openssl pkey -in key -pubout -out pub"
            ),
        );
        // Wrapping is the same for every algorithm; the traditional forms are RSA's and EC's own.
        let all = ["rsa", "p256"].contains(&kind);
        for (encoding, command) in encodings.iter().filter(|(name, _)| all || ["pem", "enc"].contains(name)) {
            sh(&place, &format!("openssl {command} -out file"));
            let label = format!("{kind}-{encoding}");
            let made = import(&place, &format!("@file --label {label} --passphrase-file @pw"));
            assert_eq!(made.as_array().unwrap().len(), 2, "{label}: {made:#}");
            proves(&place, &label, "pub");
        }
        // The public key alone, in both encodings, verifies what its private key signed.
        sh(&place, "openssl pkey -pubin -in pub -outform der -out pub.der");
        for (at, file) in ["pub", "pub.der"].iter().enumerate() {
            let made = import(&place, &format!("@{file} --label alone{at}-{kind} --id 0{at}"));
            assert_eq!((made[0]["class"].as_str(), made.as_array().unwrap().len()), (Some("public"), 1));
            let (data, sig) = (place.path("data"), place.path("sig"));
            place.run(&format!("verify --key alone{at}-{kind} --in {data} --signature {sig}")).ok();
            place
                .run(&format!("verify --key alone{at}-{kind} --in {sig} --signature {sig}"))
                .refused(1, "not valid");
        }
    }
}

#[test]
fn x25519_and_pkcs1_public_keys_come_in() {
    if !has(&["openssl"]) {
        return;
    }
    let place = Place::with_token();
    sh(&place, "openssl genpkey -algorithm X25519 -out x; openssl pkey -in x -pubout -out x.pub");
    import(&place, "@x --label x");
    assert_eq!(object(&place, "export --label x").ok().out, fs::read_to_string(place.path("x.pub")).unwrap());
    sh(
        &place,
        "openssl genrsa -out r 2048; openssl rsa -in r -RSAPublicKey_out -out r1; openssl rsa -in r -pubout -out r2",
    );
    import(&place, "@r1 --label r");
    assert_eq!(object(&place, "export --label r").ok().out, fs::read_to_string(place.path("r2")).unwrap());
    // A key's ID finds its way to the bare public key that comes later.
    import(&place, "@r --label p --id 0a --no-public-key");
    assert_eq!(import(&place, "@r2 --label q")[0]["id"], "0a");
}

#[test]
fn ecdsa_signatures_in_both_encodings() {
    let place = Place::with_token();
    let data = place.path("data");
    fs::write(&data, "x").unwrap();
    for kind in ["ec:p256", "ec:p521", "ed25519"] {
        place.run(&format!("key generate --type {kind} --label {kind} --pin-env PIN")).ok();
    }
    for kind in ["ec:p256", "ec:p521"] {
        for (form, other) in [("der", "raw"), ("raw", "der")] {
            let sig = place.path(&format!("{kind}.{form}"));
            place
                .run(&format!("sign --key {kind} --in {data} --out {sig} --format {form} --pin-env PIN"))
                .ok();
            let verify = format!("verify --key {kind} --in {data} --signature {sig}");
            place.run(&verify).ok();
            place.run(&format!("{verify} --format {form}")).ok();
            place.run(&format!("{verify} --format {other}")).refused(1, "not valid");
        }
    }
    place.run(&format!("sign --key ed25519 --in {data} --format der --pin-env PIN")).refused(2, "ECDSA");
}

/// A root, an intermediate and a server with its key: root.pem, ca.pem, leaf.pem, leaf.key.
fn authority(place: &Place) {
    sh(
        place,
        "for n in root ca leaf; do openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $n.key; done
         openssl req -x509 -key root.key -subj '/CN=The root' -days 9 -out root.pem
         printf 'basicConstraints=CA:TRUE\n' >ca.ext
         openssl req -new -key ca.key -subj '/O=Org/CN=The intermediate' -out ca.csr
         openssl x509 -req -in ca.csr -CA root.pem -CAkey root.key -CAcreateserial -extfile ca.ext -days 9 -out ca.pem
         openssl req -new -key leaf.key -subj /CN=server.example -out leaf.csr
         openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 9 -out leaf.pem
         openssl pkey -in leaf.key -pubout -out leaf.pub
         cat leaf.pem ca.pem root.pem >chain.pem",
    );
}

/// (class, label, ID) of what was imported.
fn names(made: &serde_json::Value) -> Vec<(&str, &str, &str)> {
    made.as_array()
        .unwrap()
        .iter()
        .map(|made| {
            (made["class"].as_str().unwrap(), made["label"].as_str().unwrap(), made["id"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn certificates_find_their_keys() {
    if !has(&["openssl"]) {
        return;
    }
    let place = Place::with_token();
    authority(&place);
    import(&place, "@leaf.key --label web --id 0b");
    let made = import(&place, "@chain.pem --label web");
    let made = names(&made);
    assert_eq!(made[0], ("cert", "web", "0b"));
    assert_eq!((made[1].1, made[2].1), ("The intermediate", "The root"));
    assert!(made[1].2.len() == 40 && made[1].2 != made[2].2);
    object(&place, "import @chain.pem --label web").refused(1, "there already");
    let chain = object(&place, "export --label web --class cert --chain").ok().out;
    assert_eq!(chain, fs::read_to_string(place.path("chain.pem")).unwrap());
    object(&place, "export --label web --class cert --format der --out @leaf.der").ok();
    let shown = sh(&place, "openssl x509 -inform der -in leaf.der -noout -subject");
    assert!(shown.contains("server.example"));
    // DER, several in a file, and one that openssl marked as trusted.
    let second = Place::with_token();
    authority(&second);
    sh(
        &second,
        "for n in leaf ca; do openssl x509 -in $n.pem -outform der; done >two.der
         openssl x509 -in root.pem -trustout -addtrust serverAuth -out trusted.pem; grep -q TRUSTED trusted.pem",
    );
    assert_eq!(import(&second, "@two.der").as_array().unwrap().len(), 2);
    let trusted = import(&second, "@trusted.pem");
    assert_eq!((names(&trusted)[0].1, trusted[0]["flags"].as_array().unwrap().len()), ("The root", 0));
}

#[test]
fn nothing_is_left_of_a_file_that_fails_halfway() {
    if !has(&["openssl"]) {
        return;
    }
    let place = Place::with_token();
    authority(&place);
    sh(&place, "cat leaf.key ca.key >two.pem; { cat leaf.key; echo -----BEGIN CERTIFICATE-----; } >cut.pem");
    object(&place, "import @two.pem --label web --id 01").refused(2, "2 keys");
    import(&place, "@ca.key --label web");
    object(&place, "import @two.pem --label web").refused(1, "there already");
    object(&place, "import @cut.pem --label cut").refused(1, "cut off");
    let listed = place.run("object list --pin-env PIN --json").json();
    assert_eq!(listed["objects"].as_array().unwrap().len(), 2);
    import(&place, "@leaf.key --label web");
}

#[test]
fn pkcs12_of_openssl() {
    if !has(&["openssl"]) {
        return;
    }
    let place = Place::with_token();
    authority(&place);
    sh(
        &place,
        "cat ca.pem root.pem >others.pem
         p12() { out=$1; shift; openssl pkcs12 -export -inkey leaf.key -in leaf.pem -certfile others.pem -out $out \"$@\"; }
         p12 modern.p12 -name 'My server' -passout env:PW
         p12 legacy.p12 -legacy -name 'Legacy server' -passout env:PW
         p12 empty.p12 -name empty -passout pass:
         p12 nomac.p12 -name nomac -nomac -passout env:PW
         p12 plain.p12 -name plain -keypbe NONE -certpbe NONE -passout env:PW",
    );
    fs::write(place.path("pw"), format!("{PASSPHRASE}\n")).unwrap();
    let made = import(&place, "@modern.p12 --passphrase-file @pw");
    let made = names(&made);
    let classes: Vec<&str> = made.iter().map(|made| made.0).collect();
    assert_eq!(classes, ["private", "public", "cert", "cert", "cert"]);
    assert!(made[..3].iter().all(|object| object.1 == "My server" && object.2 == made[0].2));
    // localKeyId is what OpenSSL makes it: the SHA-1 of the certificate.
    let print = sh(&place, "openssl x509 -in leaf.pem -noout -fingerprint -sha1");
    assert_eq!(print.trim().split('=').nth(1).unwrap().replace(':', "").to_lowercase(), made[0].2);
    assert_eq!((made[3].1, made[4].1), ("The intermediate", "The root"));
    place.run_with(&["object", "list", "--label", "My server", "--pin-env", "PIN"], "").ok();
    for (file, label) in
        [("legacy.p12", "legacy"), ("nomac.p12", "nomac"), ("plain.p12", "plain"), ("empty.p12", "empty")]
    {
        // The empty passphrase is not asked for.
        let passphrase = if label == "empty" { "" } else { " --passphrase-file @pw" };
        let made = import(&place, &format!("@{file} --label {label}{passphrase}"));
        assert_eq!(made.as_array().unwrap().len(), 2, "{file}");
        proves(&place, label, "leaf.pub");
    }
    object(&place, "import @modern.p12 --label x --passphrase-env OTHER").refused(1, "wrong passphrase");
    object(&place, "import @modern.p12 --label x").refused(2, "--passphrase-file");
}

#[test]
fn pkcs12_of_java_and_to_java() {
    if !has(&["openssl", "keytool"]) {
        return;
    }
    let place = Place::with_token();
    sh(
        &place,
        "keytool -genkeypair -alias server -keyalg RSA -keysize 2048 -dname CN=java.example -storetype PKCS12 \
           -keystore java.p12 -storepass:env PW 2>/dev/null
         keytool -genseckey -alias aes -keyalg AES -keysize 256 -storetype PKCS12 -keystore java.p12 -storepass:env PW 2>/dev/null
         keytool -exportcert -rfc -alias server -keystore java.p12 -storepass:env PW 2>/dev/null | openssl x509 -pubkey -noout >pub",
    );
    fs::write(place.path("pw"), PASSPHRASE).unwrap();
    let made = import(&place, "@java.p12 --passphrase-file @pw --extractable");
    let made = names(&made);
    assert_eq!(
        made.iter().map(|made| (made.0, made.1)).collect::<Vec<_>>(),
        [("private", "server"), ("public", "server"), ("secret", "aes"), ("cert", "server"),]
    );
    proves(&place, "server", "pub");
    object(&place, "export --label server --format pkcs12 --out @out.p12 --passphrase-file @pw").ok();
    let listed = sh(&place, "keytool -list -v -keystore out.p12 -storepass:env PW 2>/dev/null");
    assert!(listed.contains("Alias name: server") && listed.contains("PrivateKeyEntry"), "{listed}");
    assert!(listed.contains("CN=java.example"), "{listed}");
}

#[test]
fn exports_are_encrypted_and_openssl_reads_them() {
    if !has(&["openssl"]) {
        return;
    }
    let place = Place::with_token();
    authority(&place);
    fs::write(place.path("pw"), PASSPHRASE).unwrap();
    // Extractable and sensitive: it leaves under a passphrase only.
    import(&place, "@leaf.key --label web --id 01 --extractable");
    import(&place, "@chain.pem --label web");
    let export = |line: &str| object(&place, &format!("export --label web {line}"));
    export("--class private --out @k.pem").refused(2, "--passphrase-file");
    export("--class private --out @k.pem --plain").refused(1, "under a passphrase only");
    export("--class private --passphrase-file @pw").refused(2, "--out");
    export("--class private --format jwk --out @k --passphrase-file @pw").refused(2, "--plain");
    export("--format pkcs12 --out @k --plain").refused(2, "always under a passphrase");
    export("--class public --format pkcs12 --out @k").refused(2, "pkcs12");
    export("--class cert --format ssh").refused(2, "ssh");
    let wanted = sh(&place, "openssl pkey -in leaf.key -pubout");
    for (format, read) in [
        ("pem", "openssl pkey -in k -passin env:PW -pubout"),
        ("der", "openssl pkey -in k -inform der -passin env:PW -pubout"),
        ("pkcs12", "openssl pkcs12 -in k -passin env:PW -nodes -nocerts 2>/dev/null | openssl pkey -pubout"),
    ] {
        export(&format!("--class private --format {format} --out @k --passphrase-file @pw")).ok();
        assert_eq!(fs::metadata(place.path("k")).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(sh(&place, read), wanted, "{format}");
        export(&format!("--class private --format {format} --out @k --passphrase-file @pw"))
            .refused(1, "exists");
        // Nothing of the session keys that helped is left.
        let listed = place.run("object list --pin-env PIN --json").json();
        assert_eq!(listed["objects"].as_array().unwrap().len(), 5);
        fs::rename(place.path("k"), place.path(format)).unwrap();
    }
    let chain = sh(&place, "openssl pkcs12 -in pkcs12 -passin env:PW -nokeys");
    assert_eq!(chain.matches("BEGIN CERTIFICATE").count(), 3);
    assert!(sh(&place, "openssl asn1parse -in pem").contains("hmacWithSHA256"));
    // Not extractable at all.
    import(&place, "@ca.key --label stays");
    object(&place, "export --label stays --class private --out @s --passphrase-file @pw")
        .refused(1, "stays in the token");
    // In clear only where nothing forbids it, and with a warning.
    import(&place, "@root.key --label open --extractable --not-sensitive");
    let run = object(&place, "export --label open --class private --out @open --plain").ok();
    assert!(run.err.contains("warning"), "{}", run.err);
    assert_eq!(sh(&place, "openssl pkey -in open -pubout"), sh(&place, "openssl pkey -in root.key -pubout"));
}

#[test]
fn the_passphrase_comes_before_the_pin_on_stdin() {
    let place = Place::with_token();
    place.run("key generate --type ed25519 --label k --extractable --pin-env PIN").ok();
    let file = place.path("k.pem");
    let line = ["object", "export", "--label", "k", "--class", "private", "--out", &file];
    let stdin = ["--passphrase-stdin", "--pin-stdin"];
    place.run_with(&[&line[..], &stdin].concat(), &format!("{PASSPHRASE}\nuser-pin-1\n")).ok();
    let line = ["object", "import", &file, "--label", "k2"];
    place.run_with(&[&line[..], &stdin].concat(), &format!("{PASSPHRASE}\nuser-pin-1\n")).ok();
    place.run_with(&["object", "import", "-", "--label", "x", "--passphrase-stdin"], "").refused(2, "stdin");
}

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

/// Reads keys in PEM and writes JWKs, or the other way round; signs and verifies ML-DSA.
const PYTHON: &str = r#"
import base64, json, sys, warnings
warnings.simplefilter("ignore")
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519, rsa, mldsa
from cryptography.hazmat.primitives import serialization as s

def enc(data): return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
def num(n, size=None): return enc(n.to_bytes(size or (n.bit_length() + 7) // 8, "big"))
def dec(text): return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
def integer(text): return int.from_bytes(dec(text), "big")
CURVES = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1, "secp256k1": ec.SECP256K1}

def raw(key): return enc(key.private_bytes(s.Encoding.Raw, s.PrivateFormat.Raw, s.NoEncryption()))
def raw_public(key): return enc(key.public_bytes(s.Encoding.Raw, s.PublicFormat.Raw))

def jwk(key):
    if isinstance(key, rsa.RSAPrivateKey):
        n = key.private_numbers()
        return dict(kty="RSA", n=num(n.public_numbers.n), e=num(n.public_numbers.e), d=num(n.d), p=num(n.p), q=num(n.q),
                    dp=num(n.dmp1), dq=num(n.dmq1), qi=num(n.iqmp))
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = (key.curve.key_size + 7) // 8
        n = key.private_numbers()
        name = next(name for name, curve in CURVES.items() if curve.name == key.curve.name)
        return dict(kty="EC", crv=name, x=num(n.public_numbers.x, size), y=num(n.public_numbers.y, size), d=num(n.private_value, size))
    name = "Ed25519" if isinstance(key, ed25519.Ed25519PrivateKey) else "X25519"
    return dict(kty="OKP", crv=name, x=raw_public(key.public_key()), d=raw(key))

def key(jwk):
    if jwk["kty"] == "RSA":
        public = rsa.RSAPublicNumbers(integer(jwk["e"]), integer(jwk["n"]))
        if "d" not in jwk: return public.public_key()
        return rsa.RSAPrivateNumbers(*(integer(jwk[m]) for m in ("p", "q", "d", "dp", "dq", "qi")), public).private_key()
    if jwk["kty"] == "EC":
        public = ec.EllipticCurvePublicNumbers(integer(jwk["x"]), integer(jwk["y"]), CURVES[jwk["crv"]]())
        return public.public_key() if "d" not in jwk else ec.EllipticCurvePrivateNumbers(integer(jwk["d"]), public).private_key()
    kinds = {"Ed25519": (ed25519.Ed25519PublicKey, ed25519.Ed25519PrivateKey), "X25519": (x25519.X25519PublicKey, x25519.X25519PrivateKey)}
    public, private = kinds[jwk["crv"]]
    return private.from_private_bytes(dec(jwk["d"])) if "d" in jwk else public.from_public_bytes(dec(jwk["x"]))

def pem(key):
    public = key.public_key() if hasattr(key, "private_bytes") else key
    return public.public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo).decode()

what, path = sys.argv[1:3]
if what == "to-jwk":
    private = s.load_pem_private_key(open(path, "rb").read(), None)
    print(json.dumps(dict(jwk(private), kid=sys.argv[3], use="sig")))
elif what == "jwk-public":
    print(pem(key(json.load(open(path)))), end="")
elif what == "pem-public":
    print(pem(s.load_pem_private_key(open(path, "rb").read(), sys.argv[3].encode())), end="")
elif what == "ml-dsa":
    private = getattr(mldsa, sys.argv[3]).generate()
    open(path, "wb").write(private.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()))
elif what == "ml-dsa-verify":
    s.load_pem_private_key(open(path, "rb").read(), None).public_key().verify(open("sig", "rb").read(), open("data", "rb").read())
"#;

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

#[test]
fn refusals_say_what_the_file_is() {
    if !has(&["openssl"]) {
        return;
    }
    let place = Place::with_token();
    authority(&place);
    sh(
        &place,
        "openssl genrsa -out r 2048
         openssl rsa -in r -traditional -aes128 -passout env:PW -out traditional
         openssl pkcs8 -topk8 -in r -v1 PBE-SHA1-3DES -passout env:PW -out pbes1
         openssl crl2pkcs7 -nocrl -certfile chain.pem -out p7b
         openssl crl2pkcs7 -nocrl -certfile chain.pem -outform der -out p7b.der
         printf '\\xfe\\xed\\xfe\\xed\\0\\0\\0\\2' >jks
         printf 'PuTTY-User-Key-File-3: ssh-ed25519\\n' >ppk
         : >empty
         head -c 700 /dev/zero >zeros
         head -c 300 leaf.der 2>/dev/null >none || openssl x509 -in leaf.pem -outform der | head -c 300 >cut.der
         openssl genpkey -algorithm X448 -out x448",
    );
    for (file, why) in [
        ("traditional", "openssl pkcs8 -topk8"),
        ("pbes1", "PBE-SHA1-3DES"),
        ("p7b", "openssl pkcs7"),
        ("p7b.der", "no key, certificate or PKCS#12"),
        ("leaf.csr", "certificate request"),
        ("jks", "keytool -importkeystore"),
        ("ppk", "puttygen"),
        ("empty", "empty"),
        ("zeros", "neither PEM"),
        ("cut.der", "cut off"),
        ("x448", "not supported"),
        ("nowhere", "nowhere"),
    ] {
        object(&place, &format!("import @{file} --label x --passphrase-env OTHER")).refused(1, why);
    }
    object(&place, "import @leaf.pem --label x --format jwk").refused(1, "JWK");
    object(&place, "import @leaf.key").refused(2, "--label");
}

/// The blocks of docs/operations.md that are said to be tested, each after "<!-- test: NAME needs COMMAND... -->".
fn examples() -> Vec<(String, String)> {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md")).unwrap();
    let blocks = page.split("<!-- test: ").skip(1);
    blocks
        .map(|rest| {
            let (needs, rest) = rest.split_once(" -->").unwrap();
            let block = rest.split("```").nth(1).unwrap().strip_prefix("sh\n").unwrap();
            (needs.to_owned(), block.to_owned())
        })
        .collect()
}

#[test]
fn the_examples_of_the_documentation_run() {
    let examples = examples();
    assert!(examples.len() >= 2);
    for (line, block) in examples {
        let needs: Vec<&str> = line.split(' ').skip(2).collect();
        if !has(&needs) {
            continue;
        }
        let place = Place::with_token();
        let bin = PathBuf::from(env!("CARGO_BIN_EXE_keyward"));
        let settings = format!(
            "export PATH={}:$PATH KEYWARD_DIR={} KEYWARD_SOFT__KDF=fast PIN=user-pin-1 PASSPHRASE='{PASSPHRASE}'",
            bin.parent().unwrap().display(),
            place.path("tokens")
        );
        sh(&place, &format!("{settings}\n{block}"));
    }
}
