//! Keys in prime fields and on further curves through the C ABI, and what OpenSSL makes of them.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;
use std::process::Command;

use common::token;
use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, Object, Session};

const SHOWN: [(CK_ATTRIBUTE_TYPE, bool); 3] =
    [(CKA_TOKEN, false), (CKA_SENSITIVE, false), (CKA_EXTRACTABLE, true)];

/// A template for an object of the session that may be read.
fn shown(more: &[Attr]) -> Vec<Attr> {
    let mut template: Vec<Attr> = SHOWN.iter().map(|(kind, value)| Attr::bool(*kind, *value)).collect();
    template.extend_from_slice(more);
    template
}

/// Runs a script in a directory.
#[track_caller]
fn sh(dir: &Path, script: &str) {
    let output =
        Command::new("bash").args(["-euo", "pipefail", "-c", script]).current_dir(dir).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{script}\n{}{}", text(&output.stdout), text(&output.stderr));
}

fn generic(len: usize) -> Vec<Attr> {
    shown(&[Attr::class(CKO_SECRET_KEY), Attr::key_type(CKK_GENERIC_SECRET), Attr::value_len(len)])
}

fn info(session: &Session, key: Object) -> Vec<u8> {
    session.get(key, CKA_PUBLIC_KEY_INFO).unwrap()
}

/// What clouds call "bring your own key": OAEP around an AES key, RFC 5649 around the key.
#[test]
fn openssl_and_rsa_aes_key_wrap_understand_each_other() {
    let token = token();
    let session = token.user_session().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let (wrapping, unwrapping) = session
        .generate_pair(
            &Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN),
            &[Attr::ulong(CKA_MODULUS_BITS, 2048), Attr::bool(CKA_WRAP, true)],
            &shown(&[Attr::bool(CKA_UNWRAP, true)]),
        )
        .unwrap();
    // OpenSSL gets the private key by another wrapping.
    let kek = [Attr::class(CKO_SECRET_KEY), Attr::key_type(CKK_AES), Attr::value(&[9; 32])];
    let kek = session.create(&kek).unwrap();
    let wrapped = session.wrap(&Mech::bytes(CKM_AES_CBC_PAD, &[0; 16]), kek, unwrapping).unwrap();
    std::fs::write(path("rsa.enc"), wrapped).unwrap();
    std::fs::write(path("rsa.spki"), info(&session, wrapping)).unwrap();
    sh(
        dir.path(),
        "openssl enc -d -aes-256-cbc -K $(printf '09%.0s' {1..32}) -iv 00000000000000000000000000000000 -in rsa.enc -out rsa.der
         openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 | openssl pkcs8 -topk8 -nocrypt -outform DER -out key.der
         openssl rand -out aes.bin 32
         openssl pkeyutl -encrypt -pubin -keyform DER -inkey rsa.spki -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256 -in aes.bin -out head.bin
         openssl enc -id-aes256-wrap-pad -K $(xxd -p -c 64 aes.bin) -iv A65959A6 -in key.der -out body.bin
         cat head.bin body.bin > theirs.bin",
    );
    let mech = Mech::rsa_aes_wrap(256, CKM_SHA256, CKG_MGF1_SHA256);
    let theirs = std::fs::read(path("theirs.bin")).unwrap();
    let template = shown(&[Attr::class(CKO_PRIVATE_KEY), Attr::key_type(CKK_EC), Attr::bool(CKA_SIGN, true)]);
    let key = session.unwrap(&mech, unwrapping, &theirs, &template).unwrap();
    let ours = session.wrap(&mech, wrapping, key).unwrap();
    std::fs::write(path("ours.bin"), &ours).unwrap();
    std::fs::write(path("ours.spki"), info(&session, key)).unwrap();
    sh(
        dir.path(),
        "head -c 256 ours.bin > head2.bin; tail -c +257 ours.bin > body2.bin
         openssl pkeyutl -decrypt -keyform DER -inkey rsa.der -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256 -in head2.bin -out aes2.bin
         openssl enc -d -id-aes256-wrap-pad -K $(xxd -p -c 64 aes2.bin) -iv A65959A6 -in body2.bin -out key2.der
         openssl pkey -inform DER -in key2.der -pubout -outform DER | cmp - ours.spki
         openssl pkey -inform DER -in key.der -pubout -outform DER | cmp - ours.spki",
    );
    let mut damaged = ours;
    damaged[300] ^= 1;
    assert_eq!(session.unwrap(&mech, unwrapping, &damaged, &template).unwrap_err(), CKR_WRAPPED_KEY_INVALID);
    let short = session.unwrap(&mech, unwrapping, &damaged[..255], &template).unwrap_err();
    assert_eq!(short, CKR_WRAPPED_KEY_LEN_RANGE);
}

#[test]
fn dh_domain_parameters_make_keys_that_openssl_agrees_with() {
    let token = token();
    let session = token.user_session().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let parameters = session
        .generate_key(
            &Mech::new(CKM_DH_PKCS_PARAMETER_GEN),
            &[Attr::token(false), Attr::ulong(CKA_PRIME_BITS, 2048)],
        )
        .unwrap();
    assert_eq!(session.get_ulong(parameters, CKA_CLASS).unwrap(), CKO_DOMAIN_PARAMETERS);
    assert!(session.get_bool(parameters, CKA_LOCAL).unwrap());
    let number = |kind| Attr::bytes(kind, &session.get(parameters, kind).unwrap());
    let domain = [Attr::token(false), number(CKA_PRIME), number(CKA_BASE)];
    let derives = shown(&[Attr::bool(CKA_DERIVE, true)]);
    let (public, private) =
        session.generate_pair(&Mech::new(CKM_DH_PKCS_KEY_PAIR_GEN), &domain, &derives).unwrap();
    std::fs::write(path("ours.spki"), info(&session, public)).unwrap();
    sh(
        dir.path(),
        "openssl genpkey -algorithm DH -pkeyopt group:ffdhe2048 -out theirs.pem
         openssl pkey -in theirs.pem -pubout -outform DER -out theirs.spki
         openssl pkey -pubin -inform DER -in ours.spki -pubout -out ours.pem
         openssl pkeyutl -derive -inkey theirs.pem -peerkey ours.pem -out shared.bin",
    );
    // The public value is the last INTEGER of the SubjectPublicKeyInfo, of 256 bytes or one less.
    let spki = std::fs::read(path("theirs.spki")).unwrap();
    let at = spki.len() - 256;
    let peer = if spki[at] == 0x81 { &spki[at + 1..] } else { &spki[at..] };
    let mech = Mech::bytes(CKM_DH_PKCS_DERIVE, peer);
    let secret = session.derive(&mech, private, &generic(256)).unwrap();
    let shared = std::fs::read(path("shared.bin")).unwrap();
    assert_eq!(session.get(secret, CKA_VALUE).unwrap(), shared);
    let key =
        session.derive(&mech, private, &shown(&[Attr::key_type(CKK_AES), Attr::value_len(32)])).unwrap();
    assert_eq!(session.get(key, CKA_VALUE).unwrap(), shared[224..], "the trailing end");
    for bad in [&[][..], &[0], &[1], &[0xff; 257]] {
        let refusal =
            session.derive(&Mech::bytes(CKM_DH_PKCS_DERIVE, bad), private, &generic(32)).unwrap_err();
        assert_eq!(refusal, CKR_MECHANISM_PARAM_INVALID, "{bad:x?}");
    }
    // A pair may be taken elsewhere, and used there.
    let mut import = derives;
    import.extend([
        Attr::class(CKO_PRIVATE_KEY),
        Attr::key_type(CKK_DH),
        number(CKA_PRIME),
        number(CKA_BASE),
    ]);
    import.push(Attr::value(&session.get(private, CKA_VALUE).unwrap()));
    let again = session.create(&import).unwrap();
    let secret = session.derive(&mech, again, &generic(256)).unwrap();
    assert_eq!(session.get(secret, CKA_VALUE).unwrap(), shared);
    let odd =
        session.generate_key(&Mech::new(CKM_DH_PKCS_PARAMETER_GEN), &[Attr::ulong(CKA_PRIME_BITS, 2049)]);
    assert_eq!(odd.unwrap_err(), CKR_ATTRIBUTE_VALUE_INVALID);
}

/// r || s in the DER that OpenSSL reads.
fn in_der(signature: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let digits: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
        let sign: &[u8] = if digits[0] >= 0x80 { &[0] } else { &[] };
        let length = u8::try_from(sign.len() + digits.len()).unwrap();
        [&[2, length], sign, &digits].concat()
    };
    let (r, s) = signature.split_at(signature.len() / 2);
    let body = [integer(r), integer(s)].concat();
    [&[0x30, u8::try_from(body.len()).unwrap()], &body[..]].concat()
}

/// OpenSSL takes the signature over "message" for one of the key in the file `spki`.
fn openssl_verifies(dir: &Path, hash: &str, signature: &[u8]) {
    std::fs::write(dir.join("sig"), in_der(signature)).unwrap();
    sh(
        dir,
        &format!(
            "printf message > m; openssl pkey -pubin -inform DER -in spki -pubout -out pub.pem
             openssl dgst -{hash} -verify pub.pem -signature sig m"
        ),
    );
}

#[test]
fn ecdsa_with_each_hash_of_sha_2_and_sha_3_that_openssl_verifies() {
    let token = token();
    let session = token.user_session().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let p256 = Attr::bytes(CKA_EC_PARAMS, &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]);
    let sign = [Attr::bool(CKA_SIGN, true)];
    let (public, private) = session.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), &[p256], &sign).unwrap();
    std::fs::write(dir.path().join("spki"), info(&session, public)).unwrap();
    let mechanisms = [
        (CKM_ECDSA_SHA1, "sha1"),
        (CKM_ECDSA_SHA224, "sha224"),
        (CKM_ECDSA_SHA256, "sha256"),
        (CKM_ECDSA_SHA384, "sha384"),
        (CKM_ECDSA_SHA512, "sha512"),
        (CKM_ECDSA_SHA3_224, "sha3-224"),
        (CKM_ECDSA_SHA3_256, "sha3-256"),
        (CKM_ECDSA_SHA3_384, "sha3-384"),
        (CKM_ECDSA_SHA3_512, "sha3-512"),
    ];
    for (mechanism, hash) in mechanisms {
        let signature = session.sign(&Mech::new(mechanism), private, b"message").unwrap();
        openssl_verifies(dir.path(), hash, &signature);
    }
}

#[test]
fn dsa_signatures_that_openssl_verifies() {
    let token = token();
    let session = token.user_session().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let parameters = session
        .generate_key(
            &Mech::new(CKM_DSA_PARAMETER_GEN),
            &[Attr::token(true), Attr::ulong(CKA_PRIME_BITS, 1024)],
        )
        .unwrap();
    assert_eq!(session.get_ulong(parameters, CKA_SUBPRIME_BITS).unwrap(), 160);
    let number = |kind| Attr::bytes(kind, &session.get(parameters, kind).unwrap());
    let domain = [number(CKA_PRIME), number(CKA_SUBPRIME), number(CKA_BASE)];
    let (public, private) = session
        .generate_pair(&Mech::new(CKM_DSA_KEY_PAIR_GEN), &domain, &[Attr::bool(CKA_SIGN, true)])
        .unwrap();
    std::fs::write(path("spki"), info(&session, public)).unwrap();
    let mechanisms = [
        (CKM_DSA_SHA1, "sha1"),
        (CKM_DSA_SHA224, "sha224"),
        (CKM_DSA_SHA256, "sha256"),
        (CKM_DSA_SHA384, "sha384"),
        (CKM_DSA_SHA512, "sha512"),
    ];
    for (mechanism, hash) in mechanisms {
        let signature = session.sign(&Mech::new(mechanism), private, b"message").unwrap();
        session.verify(&Mech::new(mechanism), public, b"message", &signature).unwrap();
        assert_eq!(signature.len(), 40);
        openssl_verifies(dir.path(), hash, &signature);
    }
    let of = |bits, q_bits| {
        let sizes = [Attr::ulong(CKA_PRIME_BITS, bits), Attr::ulong(CKA_SUBPRIME_BITS, q_bits)];
        session.generate_key(&Mech::new(CKM_DSA_PARAMETER_GEN), &sizes)
    };
    assert_eq!(of(1024, 256).unwrap_err(), CKR_ATTRIBUTE_VALUE_INVALID);
    let nothing = session.generate_key(&Mech::new(CKM_DSA_PARAMETER_GEN), &[]);
    assert_eq!(nothing.unwrap_err(), CKR_TEMPLATE_INCOMPLETE);
}

#[test]
fn keys_on_further_curves_that_openssl_reads() {
    let token = token();
    let session = token.user_session().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let curve = |name: &str| Attr::bytes(CKA_EC_PARAMS, keyward_conformance::der::curve_oid(name));
    let sign = [Attr::bool(CKA_SIGN, true)];
    std::fs::write(path("m"), b"message").unwrap();

    let ed448 = Mech::new(CKM_EC_EDWARDS_KEY_PAIR_GEN);
    let (public, private) = session.generate_pair(&ed448, &[curve("ed448")], &sign).unwrap();
    let signature = session.sign(&Mech::new(CKM_EDDSA), private, b"message").unwrap();
    std::fs::write(path("sig"), signature).unwrap();
    std::fs::write(path("spki"), info(&session, public)).unwrap();
    sh(dir.path(), "openssl pkeyutl -verify -pubin -keyform DER -inkey spki -rawin -in m -sigfile sig");

    let derive = [Attr::bool(CKA_DERIVE, true)];
    let x448 = Mech::new(CKM_EC_MONTGOMERY_KEY_PAIR_GEN);
    let (public, private) = session.generate_pair(&x448, &[curve("x448")], &derive).unwrap();
    std::fs::write(path("ours.spki"), info(&session, public)).unwrap();
    sh(
        dir.path(),
        "openssl genpkey -algorithm X448 -out x.pem; openssl pkey -in x.pem -pubout -outform DER -out x.spki
         openssl pkeyutl -derive -inkey x.pem -peerkey ours.spki -peerform DER -out shared.bin",
    );
    let spki = std::fs::read(path("x.spki")).unwrap();
    let mech = Mech::ecdh(CKM_ECDH1_DERIVE, CKD_NULL, b"", &spki[spki.len() - 56..]);
    let secret = session.derive(&mech, private, &generic(56)).unwrap();
    assert_eq!(session.get(secret, CKA_VALUE).unwrap(), std::fs::read(path("shared.bin")).unwrap());

    for (name, len) in [("brainpoolP256r1", 32), ("brainpoolP384r1", 48), ("brainpoolP512r1", 64)] {
        let (public, private) =
            session.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), &[curve(name)], &derive).unwrap();
        std::fs::write(path("ours.spki"), info(&session, public)).unwrap();
        sh(
            dir.path(),
            &format!(
                "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:{name} -out b.pem
                 openssl pkey -in b.pem -pubout -outform DER -out b.spki
                 openssl pkeyutl -derive -inkey b.pem -peerkey ours.spki -peerform DER -out shared.bin"
            ),
        );
        let spki = std::fs::read(path("b.spki")).unwrap();
        let point = &spki[spki.len() - 2 * len - 1..];
        let expected = std::fs::read(path("shared.bin")).unwrap();
        for kind in [CKM_ECDH1_DERIVE, CKM_ECDH1_COFACTOR_DERIVE] {
            let secret =
                session.derive(&Mech::ecdh(kind, CKD_NULL, b"", point), private, &generic(len)).unwrap();
            assert_eq!(session.get(secret, CKA_VALUE).unwrap(), expected, "{name}");
        }
    }
}
