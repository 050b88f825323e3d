//! Every format: there and back, and every way to cut or damage a file.

use super::*;
use crate::crypto::{
    Curve, EcPrivate, Ed25519Private, MlDsaPrivate, MlDsaSet, MlKemPrivate, MlKemSet, OkpCurve, RsaPrivate,
    X25519Private,
};

const PASSPHRASE: &str = "pass phrase";

/// A certificate of P-256: O=Example, CN=unit test.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBpDCCAUmgAwIBAgIUMjpCxE5EUJkSdlLiRB6Oumip8gcwCgYIKoZIzj0EAwIw
JjEQMA4GA1UECgwHRXhhbXBsZTESMBAGA1UEAwwJdW5pdCB0ZXN0MCAXDTI2MTEy
MzIyMDUxN1oYDzIxMjYxMDMwMjIwNTE3WjAmMRAwDgYDVQQKDAdFeGFtcGxlMRIw
EAYDVQQDDAl1bml0IHRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATBfUtb
F7TrBvYcqSudeJbUqT8HFiSaN4Q4v1XNrcckJH+O4L5larOIy/xnsfiSWNvKhenF
LCfrhmfyYYmqFOQto1MwUTAdBgNVHQ4EFgQU3zNyHp+n7wlAmwOjq3AoFFVnYzYw
HwYDVR0jBBgwFoAU3zNyHp+n7wlAmwOjq3AoFFVnYzYwDwYDVR0TAQH/BAUwAwEB
/zAKBggqhkjOPQQDAgNJADBGAiEAns74YM5nkiGYqraD6AZ4+Yy33g3bGdPyQR03
vONdy0YCIQDUkBSUPs/ralh1KEVI37B1ua9+rjO7Idq/0BODFfAlVQ==
-----END CERTIFICATE-----
";

fn passphrase() -> Passphrase<'static> {
    Passphrase::given(Some(PASSPHRASE), "--passphrase")
}

fn read_all(content: &[u8]) -> std::result::Result<Vec<Item>, String> {
    read(content, Told::default(), &passphrase()).map_err(|refused| match refused {
        Refused::Content(why) => why,
        Refused::Other(error) => error.to_string(),
    })
}

fn keys() -> Vec<PrivateKey> {
    vec![
        PrivateKey::Rsa(RsaPrivate::generate(2048, &[1, 0, 1]).unwrap()),
        PrivateKey::Ec(EcPrivate::generate(Curve::P256).unwrap()),
        PrivateKey::Ec(EcPrivate::generate(Curve::P521).unwrap()),
        PrivateKey::Ec(EcPrivate::generate(Curve::Secp256k1).unwrap()),
        PrivateKey::Ed25519(Ed25519Private::generate().unwrap()),
        PrivateKey::X25519(X25519Private::generate().unwrap()),
        PrivateKey::MlDsa(MlDsaPrivate::generate(MlDsaSet::MlDsa44).unwrap()),
        PrivateKey::MlKem(MlKemPrivate::generate(MlKemSet::MlKem768).unwrap()),
        PrivateKey::Ec(EcPrivate::generate(Curve::BrainpoolP256r1).unwrap()),
        PrivateKey::generate_okp(OkpCurve::Ed448).unwrap(),
        PrivateKey::generate_okp(OkpCurve::X448).unwrap(),
    ]
}

fn certificate() -> Vec<u8> {
    let (_, der) = ::der::pem::decode_vec(CERTIFICATE.as_bytes()).unwrap();
    der
}

/// Every file that a private key can be written as: in clear, and under the passphrase.
fn files(key: &PrivateKey) -> (Vec<SecretBytes>, Vec<SecretBytes>) {
    let der = key.to_pkcs8().unwrap();
    let encrypted = encrypt_pkcs8(&der, PASSPHRASE.as_bytes()).unwrap();
    let bundle = Bundle { key, label: "label", id: &[1, 2], chain: &[certificate()] };
    let clear = [
        Ok(der.clone()),
        pem("PRIVATE KEY", &der),
        ssh_private(key, "label", None),
        jwk_private(key, "label"),
    ];
    let under = [
        pem("ENCRYPTED PRIVATE KEY", &encrypted),
        Ok(encrypted),
        ssh_private(key, "label", Some(PASSPHRASE.as_bytes())),
        super::pkcs12::encode(&bundle, PASSPHRASE.as_bytes()),
    ];
    // Not every key has every format: those two lists end shorter then.
    (clear.into_iter().flatten().collect(), under.into_iter().flatten().collect())
}

#[test]
fn what_is_written_is_read() {
    for key in keys() {
        let (clear, under) = files(&key);
        assert!(clear.len() >= 2 && under.len() >= 3);
        for file in clear.iter().chain(&under) {
            let items = read_all(file).unwrap();
            let Material::Private(read) = &items[0].material else { panic!("{items:?}") };
            assert_eq!(read.to_pkcs8().unwrap(), key.to_pkcs8().unwrap());
            // PKCS#8 has no name for its key, the others have.
            assert!(items[0].label.as_deref().is_none_or(|label| label == "label"));
        }
        let spki = key.public().to_spki().unwrap();
        let public = [
            pem("PUBLIC KEY", &spki),
            ssh_public(&key.public(), "label"),
            jwk_public(&key.public(), "label"),
        ];
        for file in public.iter().flatten() {
            let items = read_all(file).unwrap();
            let Material::Public(read) = &items[0].material else { panic!("{items:?}") };
            assert_eq!(read.to_spki().unwrap(), spki);
        }
    }
}

#[test]
fn a_wrong_passphrase_is_named_as_one() {
    let key = PrivateKey::Ed25519(Ed25519Private::generate().unwrap());
    for file in files(&key).1 {
        let wrong = Passphrase::given(Some("wrong"), "--passphrase");
        let Err(Refused::Content(why)) = read(&file, Told::default(), &wrong) else { panic!() };
        assert!(why.contains("wrong passphrase"), "{why}");
        let none = Passphrase::given(None, "--passphrase");
        let Err(Refused::Other(error)) = read(&file, Told::default(), &none) else { panic!() };
        assert!(error.to_string().contains("--passphrase"), "{error}");
    }
}

#[test]
fn no_cut_file_is_taken() {
    for key in keys().iter().take(2) {
        let (clear, under) = files(key);
        for file in clear.iter().chain(&under) {
            let end = file.trim_ascii_end().len();
            // The last bytes matter most, and an RSA key has thousands: not each of them.
            for len in (0..end).filter(|len| len % 13 == 0 || end - len < 40 || *len < 40) {
                let why = read_all(&file[..len]).map(|_| len).unwrap_err();
                assert!(!why.is_empty());
            }
        }
    }
    let certificate = certificate();
    for len in 0..certificate.len() {
        assert!(read_all(&certificate[..len]).is_err(), "{len}");
        // Told to be anything, it is still cut off.
        for format in [Format::Der, Format::Pem, Format::Pkcs12, Format::Ssh, Format::Jwk] {
            let told = Told { format: Some(format), secret: None };
            assert!(read(&certificate[..len], told, &passphrase()).is_err(), "{format:?} {len}");
        }
    }
}

#[test]
fn damage_is_refused_or_read_but_never_a_panic() {
    let key = PrivateKey::Ec(EcPrivate::from_scalar(Curve::P256, &[5; 32]).unwrap());
    let (mut files, _) = files(&key);
    files.push(SecretBytes::from(certificate()));
    files.push(ssh_public(&key.public(), "label").unwrap());
    for file in files {
        for at in 0..file.len() {
            for flip in [0x01, 0x20, 0x80, 0xff] {
                let mut damaged = file.to_vec();
                damaged[at] ^= flip;
                let _ = read_all(&damaged);
            }
        }
    }
    // Under a passphrase only the frame around the ciphertext: what it is, and what it costs.
    let encrypted = encrypt_pkcs8(&key.to_pkcs8().unwrap(), PASSPHRASE.as_bytes()).unwrap();
    for at in (0..100).filter(|at| !(54..57).contains(at)) {
        let mut damaged = encrypted.to_vec();
        damaged[at] ^= 0x80;
        assert!(read_all(&damaged).is_err(), "{at}");
    }
}

#[test]
fn a_file_that_costs_too_much_is_not_opened() {
    let key = PrivateKey::Ed25519(Ed25519Private::generate().unwrap());
    let mut encrypted = encrypt_pkcs8(&key.to_pkcs8().unwrap(), PASSPHRASE.as_bytes()).unwrap().to_vec();
    // PBKDF2's iterations, 600,000, in three bytes: 0x7927c0 are eight million, which is bearable and takes its time.
    let at = encrypted.windows(5).position(|window| window == [2, 3, 9, 0x27, 0xc0]).unwrap();
    encrypted[at + 1] = 4;
    encrypted.splice(at + 2..at + 5, [0x7f, 0xff, 0xff, 0xff]);
    // The lengths of the four SEQUENCEs around it.
    let headers: Vec<usize> = (0..at).filter(|at| encrypted[*at] == 0x30).collect();
    for header in headers {
        let len = header + if encrypted[header + 1] == 0x81 { 2 } else { 1 };
        encrypted[len] += 1;
    }
    assert!(read_all(&encrypted).unwrap_err().contains("beyond all measure"));
}

#[test]
fn a_certificate_names_its_subject() {
    let fields = Fields::of(&certificate()).unwrap();
    assert_eq!(fields.name().as_deref(), Some("unit test"));
    assert!(fields.is_self_issued());
    assert!(PublicKey::from_spki(&fields.public_key).is_ok());
}

#[test]
fn json_strings_are_escaped() {
    let key = PrivateKey::Ed25519(Ed25519Private::generate().unwrap());
    let label = "a \"quoted\"\nlabel\u{1}";
    let items = read_all(&jwk_public(&key.public(), label).unwrap()).unwrap();
    assert_eq!(items[0].label.as_deref(), Some(label));
    // A line's end would begin another line of authorized_keys.
    let line = ssh_public(&key.public(), label).unwrap();
    assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
}
