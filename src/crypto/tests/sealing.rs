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
