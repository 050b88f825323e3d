//! Import and export judged by the programs that make and read such files: OpenSSL, OpenSSH, Java's keytool, Python's
//! cryptography. What a token signs with an imported key, the file's own public key verifies; what is exported, the
//! other program reads.

#![allow(clippy::unwrap_used)]

#[path = "common/outside.rs"]
mod outside;
#[path = "common/place.rs"]
mod place;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use outside::{PASSPHRASE, has, import, names, object, proves, sh};
use place::Place;

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
fn pkcs12_of_nss() {
    if !has(&["openssl", "certutil", "pk12util"]) {
        return;
    }
    // NSS writes BER: what Firefox exports looks like this.
    let place = Place::with_token();
    authority(&place);
    sh(
        &place,
        "openssl pkcs12 -export -inkey leaf.key -in leaf.pem -certfile ca.pem -name server -passout env:PW -out in.p12
         mkdir db; certutil -N -d sql:db --empty-password
         pk12util -i in.p12 -d sql:db -W \"$PW\" -K ''; pk12util -o nss.p12 -n server -d sql:db -W \"$PW\" -K ''
         [ \"$(head -c 2 nss.p12 | od -An -tx1)\" = ' 30 80' ]
         head -c 900 nss.p12 >cut.p12",
    );
    fs::write(place.path("pw"), PASSPHRASE).unwrap();
    let made = import(&place, "@nss.p12 --passphrase-file @pw");
    assert_eq!(names(&made)[0].1, "server");
    proves(&place, "server", "leaf.pub");
    object(&place, "import @nss.p12 --passphrase-env OTHER").refused(1, "wrong passphrase");
    object(&place, "import @cut.p12 --passphrase-env OTHER").refused(1, "cut off");
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
         openssl ecparam -name secp224r1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out p224",
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
        ("p224", "not supported"),
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
