//! The rarer modes, ChaCha20, triple DES, their MACs and derivations: published vectors, and values that OpenSSL 3.0,
//! PyCryptodome 3 or Python cryptography gave.

use super::ciphers::{both_ways, decryptor, encryptor, unwrap, wrap};
use super::*;
use ErrorKind::*;

fn iv(bytes: &[u8]) -> Params {
    Params::Iv(bytes.into())
}

/// The IV of SP 800-38A.
fn counting_iv() -> Params {
    Params::Iv((0..16).collect())
}

fn ccm(data_len: usize, nonce: &[u8], aad: &[u8], mac_len: ck::CK_ULONG) -> Params {
    Params::Ccm { data_len: ulong(data_len), nonce: nonce.into(), aad: aad.to_vec(), mac_len }
}

fn des(value: &[u8]) -> Key {
    secret(if value.len() == 16 { ck::CKK_DES2 } else { ck::CKK_DES3 }, value)
}

const KEY: &str = "2b7e151628aed2a6abf7158809cf4f3c";
const PLAIN: &str = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51";
const DES_KEY: &str = "0123456789abcdef23456789abcdef01456789abcdef0123";
const FOX: &[u8] = b"The qufck brown fox jump";
const SUNSCREEN: &[u8] = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";

#[test]
fn feedback_of_sp_800_38a() {
    let (key, plain) = (aes(&hex(KEY)), hex(PLAIN));
    for (kind, ciphertext) in [
        (ck::CKM_AES_OFB, "3b3fd92eb72dad20333449f8e83cfb4a7789508d16918f03f53c52dac54ed825"),
        (ck::CKM_AES_CFB1, "68b3a264f838f5f8c3101070d1ab4c2e22e7f950383a0b71ade4fad0095cb188"),
        (ck::CKM_AES_CFB8, "3b79424c9c0dd436bace9e0ed4586a4f32b9ded50ae3ba69d472e88267fb5052"),
        (ck::CKM_AES_CFB64, "3b3fd92eb72dad20764bc8b40ee0de40f857ab76f3e7bc33332265ff0594b12e"),
        (ck::CKM_AES_CFB128, "3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b"),
    ] {
        let ciphertext = hex(ciphertext);
        both_ways(kind, &key, &counting_iv(), &plain, &ciphertext);
        // Any length, and what comes before does not depend on what follows.
        for len in [0, 1, 7, 8, 9, 21] {
            both_ways(kind, &key, &counting_iv(), &plain[..len], &ciphertext[..len]);
        }
        assert_eq!(crypt(encryptor(kind), &key, &iv(&[0; 8]), b""), Err(MechanismParamInvalid));
        assert_eq!(crypt(encryptor(kind), &aes(&[0; 17]), &counting_iv(), b""), Err(KeySizeRange));
    }
    let long: Vec<u8> = (0..32).collect();
    let half = hex("31afbab526bbee0092f5c0f0fc24afee2a01229d5789ed6d82c2d46cbc48e84d");
    both_ways(ck::CKM_AES_CFB64, &aes(&long), &counting_iv(), &plain, &half);
}

/// RFC 3962, appendix B, with the last two blocks in the order of CS1, as OpenSSL's AES-128-CBC-CTS has them.
#[test]
fn ciphertext_stealing() {
    let (key, zeros) = (aes(b"chicken teriyaki"), iv(&[0; 16]));
    let plain = b"I would like the General Gau's Chicken, please, and wonton soup.";
    for ciphertext in [
        "97687268d6ecccc0c07b25e25ecfe584",
        "97c6353568f2bf8cb4d8a580362da7ff7f",
        "97687268d6ecccc0c07b25e25ecfe5fc00783e0efdb2c1d445d4c8eff7ed22",
        "97687268d6ecccc0c07b25e25ecfe58439312523a78662d5be7fcbcc98ebf5a8",
        "97687268d6ecccc0c07b25e25ecfe58439312523a78662d5be7fcbcc98ebf5b3fffd940c16a18c1b5549d2f838029e",
        "97687268d6ecccc0c07b25e25ecfe58439312523a78662d5be7fcbcc98ebf5a89dad8bbb96c4cdc03bc103e1a194bbd84807efe836ee89a526730dbc2f7bc840",
    ] {
        let ciphertext = hex(ciphertext);
        both_ways(ck::CKM_AES_CTS, &key, &zeros, &plain[..ciphertext.len()], &ciphertext);
    }
    for len in [0, 1, 15] {
        let short = vec![0; len];
        assert_eq!(crypt(encryptor(ck::CKM_AES_CTS), &key, &zeros, &short), Err(DataLenRange));
        assert_eq!(crypt(decryptor(ck::CKM_AES_CTS), &key, &zeros, &short), Err(EncryptedDataLenRange));
        assert_eq!(crypt_parts(encryptor(ck::CKM_AES_CTS), &key, &zeros, &short, 4), Err(DataLenRange));
    }
}

#[test]
fn ccm_of_rfc_3610() {
    let key = aes(&hex("c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"));
    let (nonce, aad) = (hex("00000003020100a0a1a2a3a4a5"), hex("0001020304050607"));
    let plain: Vec<u8> = (8..31).collect();
    let ciphertext = hex("588c979a61c663d2f066d0c2c0f989806d5f6b61dac38417e8d12cfdf926e0");
    both_ways(ck::CKM_AES_CCM, &key, &ccm(23, &nonce, &aad, 8), &plain, &ciphertext);
    let (encrypt, decrypt) = (encryptor(ck::CKM_AES_CCM), decryptor(ck::CKM_AES_CCM));

    let mut forged = ciphertext.clone();
    forged[30] ^= 1;
    assert_eq!(crypt(decrypt, &key, &ccm(23, &nonce, &aad, 8), &forged), Err(EncryptedDataInvalid));
    assert_eq!(crypt_parts(decrypt, &key, &ccm(23, &nonce, &aad, 8), &forged, 5), Err(EncryptedDataInvalid));
    // The total length must be ulDataLen, without the tag.
    for wrong in [0, 22, 24, 31] {
        let params = ccm(wrong, &nonce, &aad, 8);
        assert_eq!(crypt(encrypt, &key, &params, &plain), Err(DataLenRange), "{wrong}");
        assert_eq!(crypt_parts(encrypt, &key, &params, &plain, 5), Err(DataLenRange), "{wrong}");
        assert_eq!(crypt(decrypt, &key, &params, &ciphertext), Err(EncryptedDataLenRange), "{wrong}");
        assert_eq!(
            crypt_parts(decrypt, &key, &params, &ciphertext, 5),
            Err(EncryptedDataLenRange),
            "{wrong}"
        );
    }
    assert_eq!(crypt(decrypt, &key, &ccm(0, &nonce, &aad, 8), &[0; 7]), Err(EncryptedDataLenRange));
    // One part too many is refused when it comes, not only at the end.
    let mut running = encrypt.unwrap()(&key, &ccm(3, &nonce, &aad, 8)).unwrap();
    assert_eq!(running.update(b"four", &mut []).map_err(|e| e.kind()), Err(DataLenRange));

    for mac_len in [0, 2, 3, 5, 7, 15, 17, 18, ck::CK_ULONG::MAX] {
        assert_eq!(
            crypt(encrypt, &key, &ccm(0, &nonce, &aad, mac_len), b""),
            Err(MechanismParamInvalid),
            "{mac_len}"
        );
    }
    for len in [0, 6, 14, 16] {
        assert_eq!(crypt(encrypt, &key, &ccm(0, &vec![0; len], &aad, 8), b""), Err(MechanismParamInvalid));
    }
    for data_len in [1 << 16, usize::MAX] {
        assert_eq!(
            crypt(encrypt, &key, &ccm(data_len, &[0; 13], &aad, 8), b""),
            Err(MechanismParamInvalid),
            "more than the counter has room for"
        );
    }
    assert_eq!(crypt(encrypt, &aes(&[0; 20]), &ccm(0, &nonce, &aad, 8), b""), Err(KeySizeRange));
}

/// IEEE 1619: vectors 2 and 15; the rest from Python cryptography.
#[test]
fn xts_of_ieee_1619() {
    let key = secret(ck::CKK_AES_XTS, &[[0x11; 16], [0x22; 16]].concat());
    let unit = iv(&hex("33333333330000000000000000000000"));
    let ciphertext = hex("c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0");
    both_ways(ck::CKM_AES_XTS, &key, &unit, &[0x44; 32], &ciphertext);

    let halves = "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0bfbebdbcbbbab9b8b7b6b5b4b3b2b1b0";
    let key = secret(ck::CKK_AES_XTS, &hex(halves));
    let unit = iv(&hex("9a785634120000000000000000000000"));
    for ciphertext in [
        "6c1625db4671522d3d7599601de7ca09ed",
        "edbf9dace45d6f6a7306e64be5dd824bd97664618cdc61663450da4bc5be6d762538f5724fcf24249ac111ab45ad39",
    ] {
        let ciphertext = hex(ciphertext);
        let plain: Vec<u8> = (0..47).take(ciphertext.len()).collect();
        both_ways(ck::CKM_AES_XTS, &key, &unit, &plain, &ciphertext);
    }
    assert_eq!(crypt(encryptor(ck::CKM_AES_XTS), &key, &unit, &[0; 15]), Err(DataLenRange));
    assert_eq!(crypt(decryptor(ck::CKM_AES_XTS), &key, &unit, &[0; 15]), Err(EncryptedDataLenRange));
    let short = secret(ck::CKK_AES_XTS, &hex(halves)[..24]);
    assert_eq!(crypt(encryptor(ck::CKM_AES_XTS), &short, &unit, &[0; 16]), Err(KeySizeRange));
}

fn chacha(counter: u64, counter_bits: ck::CK_ULONG, nonce: &str) -> Params {
    Params::ChaCha20 { counter, counter_bits, nonce: hex(nonce).into() }
}

/// RFC 8439, section 2.4.2, and PyCryptodome for the other two variants.
#[test]
fn chacha20_in_three_variants() {
    let counted: Vec<u8> = (0..32).collect();
    let draft: Vec<u8> = (0x80..0xa0).collect();
    for (key, params, ciphertext) in [
        (
            &counted,
            chacha(1, 32, "000000000000004a00000000"),
            "6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0bf91b65c5524733ab8f593dabcd62b3571639d624e65152ab8f530c359f0861d807ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab77937365af90bbf74a35be6b40b8eedf2785e42874d",
        ),
        (
            &counted,
            chacha(0, 64, "0001020304050607"),
            "bbf9c5e094e6c608ec747fbc0165c3191a3af8cd366d9ab39869c9769b36a2b247843b1d531c7f780a6280222000370a6aa6d23dca7335973c643525449d0475566cf2ba49d250b46a4d34371ae5ac46fdb6f0062ff3ad2dfb9e4cc8355ca7cef928ae79af38c9394bd5d784c617d8477d89",
        ),
        (
            &draft,
            chacha(1, 64, "404142434445464748494a4b4c4d4e4f5051525354555658"),
            "65032f227e672aaf3d102e073e4f1c386abab35ee19a50deb91a4ae3aeb7c687bf89e39fc459675deb350c69bb5b7b372bea9b0561a5046c7aeedcd2456faa4a301a137209d61da415499a44cbf6d867e019831b89bea709a3a706026c910c523f814911e77b826af350a9fd2a93097fa84b",
        ),
    ] {
        both_ways(ck::CKM_CHACHA20, &secret(ck::CKK_CHACHA20, key), &params, SUNSCREEN, &hex(ciphertext));
    }
    let key = secret(ck::CKK_CHACHA20, &counted);
    let encrypt = |params| crypt(encryptor(ck::CKM_CHACHA20), &key, &params, &[0; 65]);
    let ietf = "000000000000004a00000000";
    assert_eq!(encrypt(chacha(u64::from(u32::MAX), 32, ietf)), Err(DataLenRange), "the counter would wrap");
    assert_eq!(
        encrypt(chacha(0, 64, ietf)),
        Err(MechanismParamInvalid),
        "the variants have their own counters"
    );
    assert_eq!(encrypt(chacha(0, 32, "0001020304050607")), Err(MechanismParamInvalid));
    assert_eq!(encrypt(chacha(0, 32, "00")), Err(MechanismParamInvalid));
}

#[test]
fn chacha20_poly1305() {
    let key = secret(ck::CKK_CHACHA20, &(0x80..0xa0).collect::<Vec<u8>>());
    let params = |nonce: &str| Params::ChaCha20Poly1305 {
        nonce: hex(nonce).into(),
        aad: hex("50515253c0c1c2c3c4c5c6c7"),
    };
    // RFC 8439, section 2.8.2, and draft-irtf-cfrg-xchacha, appendix A.3.1.
    for (nonce, ciphertext) in [
        (
            "070000004041424344454647",
            "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691",
        ),
        (
            "404142434445464748494a4b4c4d4e4f5051525354555657",
            "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49",
        ),
    ] {
        let ciphertext = hex(ciphertext);
        both_ways(ck::CKM_CHACHA20_POLY1305, &key, &params(nonce), SUNSCREEN, &ciphertext);
        let decrypt = decryptor(ck::CKM_CHACHA20_POLY1305);
        for at in [0, 113, 114, 129] {
            let mut forged = ciphertext.clone();
            forged[at] ^= 0x80;
            assert_eq!(crypt(decrypt, &key, &params(nonce), &forged), Err(EncryptedDataInvalid), "{at}");
            assert_eq!(crypt_parts(decrypt, &key, &params(nonce), &forged, 9), Err(EncryptedDataInvalid));
        }
        assert_eq!(crypt(decrypt, &key, &params(nonce), &ciphertext[..15]), Err(EncryptedDataLenRange));
    }
    for nonce in ["", "0001020304050607", "000102030405060708090a0b0c"] {
        let refused = crypt(encryptor(ck::CKM_CHACHA20_POLY1305), &key, &params(nonce), b"");
        assert_eq!(refused, Err(MechanismParamInvalid), "{nonce}");
    }
    let short = secret(ck::CKK_CHACHA20, &[0; 16]);
    let refused =
        crypt(encryptor(ck::CKM_CHACHA20_POLY1305), &short, &params("000000000000000000000000"), b"");
    assert_eq!(refused, Err(KeySizeRange));
}

/// SP 800-67, appendix B, for ECB under three keys; OpenSSL for the rest.
#[test]
fn triple_des() {
    let three = hex(DES_KEY);
    let (key, two) = (des(&three), des(&three[..16]));
    let counted = iv(&[0, 1, 2, 3, 4, 5, 6, 7]);
    let ecb = hex("a826fd8ce53b855fcce21c8112256fe668d5c05dd9b6b900");
    both_ways(ck::CKM_DES3_ECB, &key, &Params::None, FOX, &ecb);
    let ecb = hex("c44862f70cf2fbdc9077d0909fa91b884cabd61fc58e0cbb");
    both_ways(ck::CKM_DES3_ECB, &two, &Params::None, FOX, &ecb);
    let cbc = hex("f368d06f3bbd614e60f2d0245cad3f818d5c69f2cb3fd5c7");
    both_ways(ck::CKM_DES3_CBC, &key, &counted, FOX, &cbc);
    let padded = hex("f368d06f3bbd614e60f2d0245cad3f81ccbe878da19b3bad");
    both_ways(ck::CKM_DES3_CBC_PAD, &key, &counted, &FOX[..21], &padded);

    for (kind, params) in [(ck::CKM_DES3_ECB, Params::None), (ck::CKM_DES3_CBC, counted.clone())] {
        assert_eq!(crypt(encryptor(kind), &key, &params, &[0; 9]), Err(DataLenRange));
        assert_eq!(crypt(decryptor(kind), &key, &params, &[0; 9]), Err(EncryptedDataLenRange));
        assert_eq!(crypt_parts(encryptor(kind), &key, &params, &[0; 9], 5), Err(DataLenRange));
    }
    for len in [0, 1, 7, 8, 9, 16, 30] {
        let plain = vec![0xa5; len];
        let ciphertext = crypt(encryptor(ck::CKM_DES3_CBC_PAD), &key, &counted, &plain).unwrap();
        assert_eq!(ciphertext.len(), len / 8 * 8 + 8);
        both_ways(ck::CKM_DES3_CBC_PAD, &key, &counted, &plain, &ciphertext);
    }
    let decrypt = |data: &[u8]| crypt(decryptor(ck::CKM_DES3_CBC_PAD), &key, &counted, data).unwrap_err();
    assert_eq!(decrypt(&[0; 7]), EncryptedDataLenRange);
    assert_eq!(decrypt(&[]), EncryptedDataLenRange);
    assert_eq!(decrypt(&cbc), EncryptedDataInvalid);
    assert_eq!(crypt(encryptor(ck::CKM_DES3_CBC), &key, &iv(&[0; 16]), b""), Err(MechanismParamInvalid));
    assert_eq!(crypt(encryptor(ck::CKM_DES3_ECB), &des(&[1; 8]), &Params::None, b""), Err(KeySizeRange));
}

/// Parameters and key for a MAC of these families.
pub(super) fn mac_material(name: &str) -> Option<(Params, Key)> {
    let general = |len| Params::MacGeneral(len);
    Some(match name {
        "CKM_AES_GMAC" => {
            let params = Params::Gcm { iv: (&[9; 12][..]).into(), aad: Vec::new(), tag_bits: 96 };
            (params, aes(&[7; 32]))
        }
        "CKM_POLY1305" => (Params::None, secret(ck::CKK_POLY1305, &[7; 32])),
        _ if name.starts_with("CKM_DES3") => {
            let params = if name.ends_with("_GENERAL") { general(8) } else { Params::None };
            (params, des(&[7; 24]))
        }
        _ if name.starts_with("CKM_AES") && name.ends_with("_GENERAL") => (general(11), aes(&[7; 16])),
        "CKM_AES_MAC" | "CKM_AES_XCBC_MAC" | "CKM_AES_XCBC_MAC_96" => (Params::None, aes(&[7; 16])),
        _ => return None,
    })
}

/// Signs in one call and in parts, truncates, verifies, and refuses what is not the MAC.
fn mac(kind: ck::CK_MECHANISM_TYPE, key: &Key, params: &Params, data: &[u8], expected: &[u8]) {
    let name = row(kind).name;
    assert_eq!(sign(kind, key, params, data).unwrap(), expected, "{name}");
    assert_eq!(sign_parts(kind, key, params, data).unwrap(), expected, "{name}");
    assert_eq!(verify(kind, key, params, data, expected), Ok(()), "{name}");
    let mut forged = expected.to_vec();
    forged[0] ^= 1;
    assert_eq!(verify(kind, key, params, data, &forged), Err(SignatureInvalid), "{name}");
    assert_eq!(verify(kind, key, params, data, &forged[1..]), Err(SignatureLenRange), "{name}");
}

/// The same for the mechanism whose parameter gives the length, for every length up to a block.
fn general(kind: ck::CK_MECHANISM_TYPE, key: &Key, data: &[u8], whole: &[u8]) {
    for len in 1..=whole.len() {
        mac(kind, key, &Params::MacGeneral(ulong(len)), data, &whole[..len]);
    }
    for len in [0, ulong(whole.len()) + 1, ck::CK_ULONG::MAX] {
        assert_eq!(sign(kind, key, &Params::MacGeneral(len), data), Err(MechanismParamInvalid), "{len}");
    }
}

#[test]
fn cbc_macs() {
    let (key, two_blocks) = (aes(&hex(KEY)), hex(PLAIN));
    for (len, expected) in [
        (1, "de7676f065818c2070d758abe6870eb6"),
        (16, "3ad77bb40d7a3660a89ecaf32466ef97"),
        (20, "6e88a8636087aac6a0507cfa4d958581"),
        (32, "b148c17f309ee692287ae57cf12add49"),
    ] {
        let (data, expected) = (&two_blocks[..len], hex(expected));
        mac(ck::CKM_AES_MAC, &key, &Params::None, data, &expected[..8]);
        general(ck::CKM_AES_MAC_GENERAL, &key, data, &expected);
    }
    let key = des(&hex(DES_KEY));
    for (len, expected) in [
        (1, "e228e5eb9c54dacb"),
        (16, "a66687569156f45a"),
        (20, "90c96c6b060f46ed"),
        (32, "6182cfb8dfff20bb"),
    ] {
        let (data, expected) = (&two_blocks[..len], hex(expected));
        mac(ck::CKM_DES3_MAC, &key, &Params::None, data, &expected[..4]);
        general(ck::CKM_DES3_MAC_GENERAL, &key, data, &expected);
    }
}

#[test]
fn cmac_of_sp_800_38b() {
    let data = hex(PLAIN);
    for (key, macs) in [
        (
            "8aa83bf8cbda10620bc1bf19fbb6cd58bc313d4a371ca8b5",
            ["b7a688e122ffaf95", "8e8f293136283797", "743ddbe0ce2dc2ed", "33e6b1092400eae5"],
        ),
        (
            "4cf15134a2850dd58a3d10ba80570d38",
            ["bd2ebf9a3ba00361", "4ff2ab813c53ce83", "62dd1b471902bd4e", "31b1e431dabc4eb8"],
        ),
    ] {
        let key = des(&hex(key));
        for (len, expected) in [0, 8, 20, 32].into_iter().zip(macs) {
            mac(ck::CKM_DES3_CMAC, &key, &Params::None, &data[..len], &hex(expected));
            general(ck::CKM_DES3_CMAC_GENERAL, &key, &data[..len], &hex(expected));
        }
    }
    let whole = hex("070a16b46b4d4144f79bdd9dd04a287c");
    general(ck::CKM_AES_CMAC_GENERAL, &aes(&hex(KEY)), &data[..16], &whole);
}

#[test]
fn xcbc_of_rfc_3566() {
    let (key, counted): (Vec<u8>, Vec<u8>) = ((0..16).collect(), (0..34).collect());
    let key = aes(&key);
    for (data, expected) in [
        (&counted[..0], "75f0251d528ac01c4573dfd584d79f29"),
        (&counted[..3], "5b376580ae2f19afe7219ceef172756f"),
        (&counted[..16], "d2a246fa349b68a79998a4394ff7a263"),
        (&counted[..20], "47f51b4564966215b8985c63055ed308"),
        (&counted[..32], "f54f0ec8d2b9f3d36807734bd5283fd4"),
        (&counted[..34], "becbb3bccdb518a30677d5481fb6b4d8"),
        (&[0; 1000], "f0dafee895db30253761103b5d84528f"),
    ] {
        let expected = hex(expected);
        mac(ck::CKM_AES_XCBC_MAC, &key, &Params::None, data, &expected);
        mac(ck::CKM_AES_XCBC_MAC_96, &key, &Params::None, data, &expected[..12]);
    }
    assert_eq!(sign(ck::CKM_AES_XCBC_MAC, &aes(&[0; 32]), &Params::None, b""), Err(KeySizeRange));
}

#[test]
fn poly1305_of_rfc_8439() {
    let key = hex("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b");
    let key = secret(ck::CKK_POLY1305, &key);
    let expected = hex("a8061dc1305136c6c22b8baf0c0127a9");
    mac(ck::CKM_POLY1305, &key, &Params::None, b"Cryptographic Forum Research Group", &expected);
    assert_eq!(
        sign(ck::CKM_POLY1305, &secret(ck::CKK_POLY1305, &[0; 31]), &Params::None, b""),
        Err(KeySizeRange)
    );
}

#[test]
fn gmac() {
    let params = |iv: &[u8], aad: &[u8], tag_bits| Params::Gcm { iv: iv.into(), aad: aad.to_vec(), tag_bits };
    // Wycheproof's first: no message.
    let key = aes(&hex("98b08a72ffde0ded4bec9d2a8db57235"));
    let nonce = hex("1595248735310eb710519c2b");
    let tag = hex("5118cc71501c8273a43662b981191750");
    for bits in [128, 120, 96, 64, 32] {
        let len = usize::try_from(bits).unwrap() / 8;
        mac(ck::CKM_AES_GMAC, &key, &params(&nonce, b"", bits), b"", &tag[..len]);
    }
    // GCM of nothing, with the message as its associated data, is the same.
    let message = hex(PLAIN);
    for iv in [1, 12, 16] {
        let iv = vec![5; iv];
        let gcm = crypt(encryptor(ck::CKM_AES_GCM), &key, &params(&iv, &message, 128), b"").unwrap();
        mac(ck::CKM_AES_GMAC, &key, &params(&iv, b"", 128), &message, &gcm);
    }
    for bad in [
        params(b"", b"", 128),
        params(&nonce, b"data", 128),
        params(&nonce, b"", 0),
        params(&nonce, b"", 136),
    ] {
        assert_eq!(sign(ck::CKM_AES_GMAC, &key, &bad, b""), Err(MechanismParamInvalid));
    }
}

#[test]
fn derivation_by_encryption() {
    let derive = |kind, key: &Key, params: &Params, wanted| {
        value(kind, key, params, wanted).map(|key| key.to_vec()).map_err(|e| e.kind())
    };
    let (key, three, data) = (aes(&hex(KEY)), des(&hex(DES_KEY)), hex(PLAIN));
    let cbc = |iv: &[u8], data: &[u8]| Params::CbcData { iv: iv.into(), data: data.to_vec() };
    let counted: Vec<u8> = (0..16).collect();
    for (kind, key, params, expected) in [
        (
            ck::CKM_AES_ECB_ENCRYPT_DATA,
            &key,
            kdf::string_data(data.clone()),
            "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf",
        ),
        (
            ck::CKM_AES_CBC_ENCRYPT_DATA,
            &key,
            cbc(&counted, &data),
            "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2",
        ),
        (
            ck::CKM_DES3_ECB_ENCRYPT_DATA,
            &three,
            kdf::string_data(FOX.to_vec()),
            "a826fd8ce53b855fcce21c8112256fe668d5c05dd9b6b900",
        ),
        (
            ck::CKM_DES3_CBC_ENCRYPT_DATA,
            &three,
            cbc(&counted[..8], FOX),
            "f368d06f3bbd614e60f2d0245cad3f818d5c69f2cb3fd5c7",
        ),
    ] {
        let expected = hex(expected);
        assert_eq!(derive(kind, key, &params, None), Ok(expected.clone()));
        assert_eq!(
            derive(kind, key, &params, Some(16)),
            Ok(expected[..16].to_vec()),
            "cut at the trailing end"
        );
        assert_eq!(derive(kind, key, &params, Some(expected.len() + 1)), Err(DataLenRange));
    }
    let ecb = ck::CKM_AES_ECB_ENCRYPT_DATA;
    assert_eq!(derive(ecb, &key, &kdf::string_data(vec![0; 17]), Some(16)), Err(MechanismParamInvalid));
    assert_eq!(derive(ecb, &key, &kdf::string_data(Vec::new()), None), Err(DataLenRange));
    let short = cbc(&counted[..8], &data);
    assert_eq!(derive(ck::CKM_AES_CBC_ENCRYPT_DATA, &key, &short, None), Err(MechanismParamInvalid));
}

#[test]
fn wrapping() {
    let (kek, three, xts) =
        (aes(&hex(KEY)), des(&hex(DES_KEY)), secret(ck::CKK_AES_XTS, &(0..64).collect::<Vec<u8>>()));
    let chacha_key = secret(ck::CKK_CHACHA20, &[8; 32]);
    let eight = iv(&[2; 8]);
    for (kind, key, params, padded) in [
        (ck::CKM_AES_OFB, &kek, counting_iv(), false),
        (ck::CKM_AES_CFB1, &kek, counting_iv(), false),
        (ck::CKM_AES_CFB8, &kek, counting_iv(), false),
        (ck::CKM_AES_CFB64, &kek, counting_iv(), false),
        (ck::CKM_AES_CFB128, &kek, counting_iv(), false),
        (ck::CKM_AES_CTS, &kek, counting_iv(), false),
        (ck::CKM_AES_CCM, &kek, ccm(0, &[1; 12], b"a", 16), false),
        (ck::CKM_AES_CCM, &kek, ccm(99, &[1; 13], b"", 4), false),
        (ck::CKM_AES_XTS, &xts, counting_iv(), false),
        (ck::CKM_CHACHA20, &chacha_key, chacha(0, 32, "000000000000000000000000"), false),
        (ck::CKM_DES3_ECB, &three, Params::None, true),
        (ck::CKM_DES3_CBC, &three, eight.clone(), true),
        (ck::CKM_DES3_CBC_PAD, &three, eight, false),
    ] {
        let name = row(kind).name;
        let wrapped = wrap(kind, key, &params, &[6; 20]).unwrap();
        let wanted = padded.then_some(20);
        assert_eq!(unwrap(kind, key, &params, &wrapped, wanted), Ok(vec![6; 20]), "{name}");
        if padded {
            assert_eq!(wrapped.len(), 24, "{name}");
            assert_eq!(unwrap(kind, key, &params, &wrapped, Some(25)), Err(WrappedKeyLenRange), "{name}");
            assert_eq!(unwrap(kind, key, &params, &wrapped[1..], None), Err(WrappedKeyLenRange), "{name}");
        }
    }
    assert_eq!(wrap(ck::CKM_AES_CTS, &kek, &counting_iv(), &[1; 15]), Err(KeySizeRange));
    assert_eq!(unwrap(ck::CKM_AES_CTS, &kek, &counting_iv(), &[1; 15], None), Err(WrappedKeyLenRange));
    let sealed = ccm(0, &[1; 12], b"", 16);
    assert_eq!(unwrap(ck::CKM_AES_CCM, &kek, &sealed, &[0; 40], None), Err(WrappedKeyInvalid));
    assert_eq!(unwrap(ck::CKM_AES_CCM, &kek, &sealed, &[0; 15], None), Err(WrappedKeyLenRange));
}

#[test]
fn generation() {
    let generate = |kind, template: &Attributes| {
        row(kind).ops.generate.unwrap()(&Params::None, template).map(|key| key.len()).map_err(|e| e.kind())
    };
    let of = |len| Attributes::new().with(ck::CKA_VALUE_LEN, wanted(len));
    for (kind, len) in [
        (ck::CKM_DES2_KEY_GEN, 16),
        (ck::CKM_DES3_KEY_GEN, 24),
        (ck::CKM_CHACHA20_KEY_GEN, 32),
        (ck::CKM_POLY1305_KEY_GEN, 32),
    ] {
        assert_eq!(generate(kind, &Attributes::new()), Ok(len));
        assert_eq!(generate(kind, &of(len)), Ok(len));
        assert_eq!(generate(kind, &of(len - 1)), Err(AttributeValueInvalid));
    }
    for len in [32, 64] {
        assert_eq!(generate(ck::CKM_AES_XTS_KEY_GEN, &of(len)), Ok(len));
    }
    assert_eq!(generate(ck::CKM_AES_XTS_KEY_GEN, &of(48)), Err(AttributeValueInvalid));
    assert_eq!(generate(ck::CKM_AES_XTS_KEY_GEN, &Attributes::new()), Err(TemplateIncomplete));
}

#[test]
fn objects_of_these_types() {
    let created = |key_type, value: &[u8]| {
        let mut key = object(ck::CKO_SECRET_KEY, key_type).with(ck::CKA_VALUE, value);
        attributes::complete_created(&mut key).map(|()| key).map_err(|e| e.kind())
    };
    let check = |key: &Attributes| key.bytes(ck::CKA_CHECK_VALUE).map(<[u8]>::to_vec);
    let three = hex(DES_KEY);
    let key = created(ck::CKK_DES3, &three).unwrap();
    assert_eq!(check(&key), Some(hex("4eba73")));
    assert_eq!(key.ulong(ck::CKA_VALUE_LEN), Some(24));
    assert_eq!(check(&created(ck::CKK_DES2, &three[..16]).unwrap()), Some(hex("86e965")));
    // "Attempting to create or unwrap a DES3 key with incorrect parity will return an error."
    let mut even = three.clone();
    even[23] ^= 1;
    assert_eq!(created(ck::CKK_DES3, &even), Err(AttributeValueInvalid));
    assert_eq!(created(ck::CKK_DES3, &three[..16]), Err(AttributeValueInvalid));
    assert_eq!(created(ck::CKK_DES2, &three), Err(AttributeValueInvalid));
    let unwrapped = |value: &[u8]| {
        let mut key = object(ck::CKO_SECRET_KEY, ck::CKK_DES3);
        attributes::unwrap_into(&mut key, SecretBytes::from(value)).map_err(|e| e.kind())
    };
    assert_eq!(unwrapped(&three), Ok(()));
    assert_eq!(unwrapped(&even), Err(WrappedKeyInvalid));
    // What is generated or derived gets its parity.
    let mut key = object(ck::CKO_SECRET_KEY, ck::CKK_DES3);
    attributes::fill_secret(&mut key, SecretBytes::from(&even[..])).unwrap();
    assert_eq!(key.bytes(ck::CKA_VALUE), Some(&three[..]));

    for key_type in [ck::CKK_CHACHA20, ck::CKK_POLY1305] {
        let key = created(key_type, &[1; 32]).unwrap();
        assert_eq!(key.ulong(ck::CKA_VALUE_LEN), Some(32));
        assert_eq!(check(&key), Some(hex("d4a347")), "the start of the SHA-1");
        assert_eq!(created(key_type, &[1; 31]), Err(AttributeValueInvalid));
        assert_eq!(attributes::wanted_len(&object(ck::CKO_SECRET_KEY, key_type)).unwrap(), Some(32));
    }
    let halves: Vec<u8> = (0..64).collect();
    assert!(created(ck::CKK_AES_XTS, &halves).is_ok());
    assert!(created(ck::CKK_AES_XTS, &halves[..32]).is_ok());
    assert_eq!(created(ck::CKK_AES_XTS, &halves[..48]), Err(AttributeValueInvalid));
    assert_eq!(created(ck::CKK_AES_XTS, &[7; 64]), Err(AttributeValueInvalid), "the halves are the same");
    assert_eq!(attributes::wanted_len(&object(ck::CKO_SECRET_KEY, ck::CKK_AES)).unwrap(), None);
    assert_eq!(attributes::wanted_len(&object(ck::CKO_SECRET_KEY, ck::CKK_DES3)).unwrap(), Some(24));
}
