//! Argon2id and sealing.

use super::super::*;
use super::hex;

#[test]
fn argon2id_vector() {
    // Reference implementation: echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 32 -r.
    let key = argon2id(b"password", b"somesalt", 65536, 2, 1).unwrap();
    assert_eq!(key.as_bytes()[..], hex("09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"));
}

#[test]
fn argon2id_bounds() {
    assert!(argon2id(b"pin", &[0; 16], 8, 1, 1).is_ok());
    for (m, t, p, salt_len) in [
        (7, 1, 1, 16),
        (u32::MAX, 1, 1, 16),
        (4 * 1024 * 1024 + 1, 1, 1, 16),
        (8, 0, 1, 16),
        (8, u32::MAX, 1, 16),
        (8, 1, 0, 16),
        (8, 1, u32::MAX, 16),
        (8, 1, 1, 7),
    ] {
        assert!(matches!(argon2id(b"pin", &vec![0; salt_len], m, t, p), Err(Error::Param(_))));
    }
}

#[test]
fn seal_and_open() {
    let key = SealKey::new(&argon2id(b"pin", b"saltsalt", 8, 1, 1).unwrap()).unwrap();
    for plain in [&b""[..], b"x", &[9; 1000]] {
        let sealed = key.seal(b"row 1", plain).unwrap();
        assert_eq!(sealed.len(), plain.len() + SealKey::OVERHEAD);
        assert_ne!(sealed, key.seal(b"row 1", plain).unwrap());
        assert_eq!(key.open(b"row 1", &sealed).unwrap()[..], *plain);
        assert_eq!(key.open(b"row 2", &sealed).err(), Some(Error::Ciphertext));
        for at in 0..sealed.len().min(40) {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(key.open(b"row 1", &changed).err(), Some(Error::Ciphertext));
        }
        let short = key.open(b"row 1", &sealed[..SealKey::OVERHEAD - 1]).err();
        assert_eq!(short, Some(Error::CiphertextLength));
    }
}

/// RFC 7914, section 11, and what follows from it: an output of any length, no output and no iteration refused.
#[test]
fn pbkdf2_vector() {
    let mut out = [0; 64];
    pbkdf2(Hash::Sha256, b"passwd", b"salt", 1, &mut out).unwrap();
    let expected = [
        "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc",
        "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
    ];
    assert_eq!(out[..], hex(&expected.concat())[..]);
    assert!(pbkdf2(Hash::Sha256, b"passwd", b"salt", 0, &mut out).is_err());
    assert!(pbkdf2(Hash::Sha256, b"passwd", b"salt", 1, &mut []).is_err());
}

/// RFC 5869, appendix A.1, its first 32 bytes.
#[test]
fn hkdf_expand_vector() {
    let key = hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
    let expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf";
    assert_eq!(hkdf_expand(&key, &hex("f0f1f2f3f4f5f6f7f8f9")).unwrap()[..], hex(expected)[..]);
}
