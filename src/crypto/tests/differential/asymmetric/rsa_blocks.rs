//! RSA's paddings where they are broken: blocks made byte by byte, which only raw operations let through.

use super::rsa::Twins;
use super::*;
use crate::crypto::{Hash, Oaep, Pss, digest};

fn twins() -> Twins {
    Twins::generate(1024, &[1, 0, 1])
}

/// Blocks around PKCS#1 v1.5's padding of a type, with what it fills with.
fn pkcs1_blocks(kind: u8, fill: u8) -> Vec<Vec<u8>> {
    let block = |head: &[u8], fills: usize, end: &[u8]| {
        let mut block = [head, &vec![fill; fills], end].concat();
        block.resize(128, 0x33);
        block
    };
    let mut blocks = Vec::new();
    for head in [[0, kind], [0, kind ^ 3], [0, 0], [1, kind], [0, 0xff]] {
        for fills in [0, 1, 7, 8, 9, 124, 125] {
            blocks.push(block(&head, fills, &[0]));
            blocks.push(block(&head, fills, &[0, 0]));
            blocks.push(block(&head, fills, &[1]));
        }
        blocks.push(block(&head, 126, &[]));
    }
    blocks.extend((0..12).map(|at| turned(&block(&[0, kind], 8, &[0]), at, 1)));
    blocks.push(vec![0; 128]);
    blocks
}

#[test]
fn pkcs1_signatures() {
    let twins = twins();
    let (aws, rust) = (twins.aws.public(), twins.rust.public());
    let mut accepted = 0;
    for block in pkcs1_blocks(1, 0xff) {
        let Ok(signature) = written(128, |out| twins.aws.raw(&block, out)) else { continue };
        let what = format!("{block:02x?}");
        let recovered = aws.pkcs1_recover(&signature);
        alike(&what, recovered.clone(), rust.pkcs1_recover(&signature));
        alike(&what, aws.raw_recover(&signature), rust.raw_recover(&signature));
        for data in [recovered.unwrap_or_default(), vec![0x33; 117], vec![]] {
            let verdict = aws.pkcs1_verify(&data, &signature);
            accepted += usize::from(alike_checks(&what, verdict, rust.pkcs1_verify(&data, &signature)));
        }
    }
    assert!(accepted > 3);
}

#[test]
fn pkcs1_ciphertexts() {
    let twins = twins();
    let mut accepted = 0;
    for block in pkcs1_blocks(2, 0x77) {
        let Ok(ciphertext) = written(128, |out| twins.aws.public().raw(&block, out)) else { continue };
        let plain = twins.aws.pkcs1_decrypt(&ciphertext);
        accepted += usize::from(plain.is_ok());
        alike(&format!("{block:02x?}"), plain, twins.rust.pkcs1_decrypt(&ciphertext));
    }
    assert!(accepted > 3);
    for ciphertext in
        [vec![], vec![0; 127], vec![0; 128], vec![0; 129], vec![0xff; 128], twins.aws.public().n()]
    {
        alike("bytes", twins.aws.pkcs1_decrypt(&ciphertext), twins.rust.pkcs1_decrypt(&ciphertext));
        let oaep = Oaep { hash: Hash::Sha1, mgf_hash: Hash::Sha1, label: b"" };
        alike(
            "bytes",
            twins.aws.oaep_decrypt(&oaep, &ciphertext),
            twins.rust.oaep_decrypt(&oaep, &ciphertext),
        );
    }
}

#[test]
fn oaep_ciphertexts() {
    let twins = twins();
    let oaep = Oaep { hash: Hash::Sha256, mgf_hash: Hash::Sha1, label: b"label" };
    for data in [&b""[..], b"secret", &[1; 62], &[0; 62]] {
        let ciphertext = written(128, |out| twins.aws.public().oaep_encrypt(&oaep, data, out)).unwrap();
        let block = written(128, |out| twins.rust.raw(&ciphertext, out)).unwrap();
        for at in 0..128 {
            let changed = turned(&block, at, 1);
            let Ok(ciphertext) = written(128, |out| twins.rust.public().raw(&changed, out)) else { continue };
            let plain = twins.aws.oaep_decrypt(&oaep, &ciphertext);
            alike(&format!("{at}"), plain, twins.rust.oaep_decrypt(&oaep, &ciphertext));
        }
    }
    // A hash that is too long for the key.
    let oaep = Oaep { hash: Hash::Sha512, mgf_hash: Hash::Sha1, label: b"" };
    alike("long", twins.aws.oaep_decrypt(&oaep, &[1; 128]), twins.rust.oaep_decrypt(&oaep, &[1; 128]));
}

/// The data block behind OAEP's mask, changed at every place: with no seed to find, only the hash and the 1 matter.
#[test]
fn oaep_data_blocks() {
    let twins = twins();
    let oaep = Oaep { hash: Hash::Sha1, mgf_hash: Hash::Sha256, label: b"" };
    let mask = |seed: &[u8], len: usize| {
        let parts =
            (0..8u32).flat_map(|at| digest(Hash::Sha256, &[seed, &at.to_be_bytes()].concat()).to_vec());
        parts.take(len).collect::<Vec<u8>>()
    };
    let xor = |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| a ^ b).collect::<Vec<u8>>();
    let seed = [0x5c; 20];
    let good = [&digest(Hash::Sha1, b"")[..], &[0; 40], &[1], &[9; 46]].concat();
    let mut variants =
        vec![good.clone(), [&good[..20], &[0; 87]].concat(), [&good[..20], &[0; 86], &[1]].concat()];
    variants.push([&good[..20], &[1], &[9; 86]].concat());
    variants.push([&good[..20], &[2], &[1; 86]].concat());
    variants.push([&good[..20], &[0; 86], &[2]].concat());
    variants.extend((0..good.len()).map(|at| turned(&good, at, 1)));
    variants.extend((15..65).map(|at| turned(&good, at, 0x80)));
    let mut accepted = 0;
    for db in variants {
        let masked = xor(&db, &mask(&seed, db.len()));
        let block = [&[0], &xor(&seed, &mask(&masked, 20))[..], &masked].concat();
        let ciphertext = written(128, |out| twins.aws.public().raw(&block, out)).unwrap();
        let plain = twins.aws.oaep_decrypt(&oaep, &ciphertext);
        accepted += usize::from(plain.is_ok());
        alike(&format!("{db:02x?}"), plain, twins.rust.oaep_decrypt(&oaep, &ciphertext));
    }
    assert!((20..160).contains(&accepted), "{accepted}");
}

#[test]
fn pss_signatures() {
    let twins = twins();
    let (aws, rust) = (twins.aws.public(), twins.rust.public());
    let pss = Pss { hash: Hash::Sha256, mgf_hash: Hash::Sha1, salt_len: 20 };
    let value = digest(Hash::Sha256, b"message");
    let signature = written(128, |out| twins.rust.pss_sign(&pss, &value, out)).unwrap();
    let block = aws.raw_recover(&signature).unwrap();
    for at in 0..128 {
        for bit in [1, 0x80] {
            let Ok(signature) = written(128, |out| twins.aws.raw(&turned(&block, at, bit), out)) else {
                continue;
            };
            let verdict = aws.pss_verify(&pss, &value, &signature);
            let accepted = alike_checks(&format!("{at}"), verdict, rust.pss_verify(&pss, &value, &signature));
            assert!(!accepted, "{at} {bit}");
        }
    }
    for (value, signature) in [(&value[..], &signature[1..]), (&value[1..], &signature[..]), (&[], &[])] {
        alike_checks(
            "length",
            aws.pss_verify(&pss, value, signature),
            rust.pss_verify(&pss, value, signature),
        );
    }
}
