//! Encryption, wrapping and generation of secret keys.

use super::super::{CipherFn, Params};
use super::*;
use ErrorKind::*;

pub(super) fn encryptor(kind: ck::CK_MECHANISM_TYPE) -> Option<CipherFn> {
    row(kind).ops.encrypt
}

pub(super) fn decryptor(kind: ck::CK_MECHANISM_TYPE) -> Option<CipherFn> {
    row(kind).ops.decrypt
}

fn gcm(iv: &[u8], aad: &[u8], tag_bits: ck::CK_ULONG) -> Params {
    Params::Gcm { iv: iv.into(), aad: aad.to_vec(), tag_bits }
}

fn ctr(counter_bits: ck::CK_ULONG, block: [u8; 16]) -> Params {
    Params::Ctr { counter_bits, block }
}

/// One call and parts of every size give `ciphertext`, and back.
pub(super) fn both_ways(
    kind: ck::CK_MECHANISM_TYPE,
    key: &Key,
    params: &Params,
    plain: &[u8],
    ciphertext: &[u8],
) {
    let name = row(kind).name;
    assert_eq!(crypt(encryptor(kind), key, params, plain).unwrap(), ciphertext, "{name}");
    assert_eq!(crypt(decryptor(kind), key, params, ciphertext).unwrap(), plain, "{name}");
    for step in [1, 3, 15, 16, 17, 33] {
        assert_eq!(
            crypt_parts(encryptor(kind), key, params, plain, step).unwrap(),
            ciphertext,
            "{name} by {step}"
        );
        assert_eq!(
            crypt_parts(decryptor(kind), key, params, ciphertext, step).unwrap(),
            plain,
            "{name} by {step}"
        );
    }
}

const KEY: &str = "2b7e151628aed2a6abf7158809cf4f3c";
const PLAIN: &str = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51";

#[test]
fn modes_of_sp_800_38a() {
    let (key, plain) = (aes(&hex(KEY)), hex(PLAIN));
    let ecb = hex("3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf");
    both_ways(ck::CKM_AES_ECB, &key, &Params::None, &plain, &ecb);
    let iv = Params::Iv((0..16).collect());
    let cbc = hex("7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2");
    both_ways(ck::CKM_AES_CBC, &key, &iv, &plain, &cbc);
    let block = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff").try_into().unwrap();
    let counted = hex("874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff");
    both_ways(ck::CKM_AES_CTR, &key, &ctr(128, block), &plain, &counted);
    both_ways(ck::CKM_AES_CTR, &key, &ctr(128, block), &plain[..21], &counted[..21]);
}

#[test]
fn padding() {
    let (key, iv) = (aes(&hex(KEY)), Params::Iv(vec![9; 16].into()));
    for len in [0, 1, 15, 16, 17, 32, 100] {
        let plain = vec![0xa5; len];
        let ciphertext = crypt(encryptor(ck::CKM_AES_CBC_PAD), &key, &iv, &plain).unwrap();
        assert_eq!(ciphertext.len(), len / 16 * 16 + 16);
        both_ways(ck::CKM_AES_CBC_PAD, &key, &iv, &plain, &ciphertext);
    }
    let decrypt = |data: &[u8]| crypt(decryptor(ck::CKM_AES_CBC_PAD), &key, &iv, data).unwrap_err();
    assert_eq!(decrypt(&[0; 15]), EncryptedDataLenRange);
    assert_eq!(decrypt(&[]), EncryptedDataLenRange);
    assert_eq!(decrypt(&[0; 32]), EncryptedDataInvalid);
    for kind in [ck::CKM_AES_ECB, ck::CKM_AES_CBC] {
        let params = if kind == ck::CKM_AES_ECB { Params::None } else { iv.clone() };
        assert_eq!(crypt(encryptor(kind), &key, &params, &[0; 17]), Err(DataLenRange));
        assert_eq!(crypt_parts(encryptor(kind), &key, &params, &[0; 17], 4), Err(DataLenRange));
        assert_eq!(crypt(decryptor(kind), &key, &params, &[0; 17]), Err(EncryptedDataLenRange));
        assert_eq!(crypt_parts(decryptor(kind), &key, &params, &[0; 17], 4), Err(EncryptedDataLenRange));
    }
}

#[test]
fn counters_do_not_overflow() {
    let key = aes(&hex(KEY));
    let mut block = [0; 16];
    block[15] = 1;
    // Two counter bits, starting at 1: three blocks and no more ("AES with Counter").
    let params = ctr(2, block);
    for start in [encryptor(ck::CKM_AES_CTR), decryptor(ck::CKM_AES_CTR)] {
        assert!(crypt(start, &key, &params, &[0; 48]).is_ok());
        assert!(crypt_parts(start, &key, &params, &[0; 48], 5).is_ok());
        assert_eq!(crypt(start, &key, &params, &[0; 49]), Err(DataLenRange));
        assert_eq!(crypt_parts(start, &key, &params, &[0; 49], 5), Err(DataLenRange));
        assert_eq!(crypt(start, &key, &ctr(128, [0xff; 16]), &[0; 17]), Err(DataLenRange));
        assert!(crypt(start, &key, &ctr(128, [0xff; 16]), &[0; 16]).is_ok());
        assert_eq!(crypt(start, &key, &ctr(0, block), b""), Err(MechanismParamInvalid));
        assert_eq!(crypt(start, &key, &ctr(129, block), b""), Err(MechanismParamInvalid));
    }
}

#[test]
fn gcm_of_its_specification() {
    let key = aes(&hex("feffe9928665731c6d6a8f9467308308"));
    let plain = hex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
    );
    let params = gcm(&hex("cafebabefacedbaddecaf888"), &hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"), 128);
    let ciphertext = hex(
        "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47",
    );
    both_ways(ck::CKM_AES_GCM, &key, &params, &plain, &ciphertext);
    for cut in [96, 64, 32] {
        let shorter =
            gcm(&hex("cafebabefacedbaddecaf888"), &hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"), cut);
        let cut = plain.len() + usize::try_from(cut).unwrap() / 8;
        both_ways(ck::CKM_AES_GCM, &key, &shorter, &plain, &ciphertext[..cut]);
    }
}

#[test]
fn gcm_refuses() {
    let key = aes(&[1; 32]);
    for iv in [1, 12, 16, 257] {
        let params = gcm(&vec![3; iv], b"aad", 128);
        let mut ciphertext = crypt(encryptor(ck::CKM_AES_GCM), &key, &params, b"plain").unwrap();
        both_ways(ck::CKM_AES_GCM, &key, &params, b"plain", &ciphertext);
        ciphertext[0] ^= 1;
        assert_eq!(crypt(decryptor(ck::CKM_AES_GCM), &key, &params, &ciphertext), Err(EncryptedDataInvalid));
        assert_eq!(
            crypt_parts(decryptor(ck::CKM_AES_GCM), &key, &params, &ciphertext, 4),
            Err(EncryptedDataInvalid)
        );
        assert_eq!(
            crypt(decryptor(ck::CKM_AES_GCM), &key, &params, &ciphertext[..15]),
            Err(EncryptedDataLenRange)
        );
    }
    assert_eq!(crypt(encryptor(ck::CKM_AES_GCM), &key, &gcm(b"", b"", 128), b""), Err(MechanismParamInvalid));
    for bits in [0, 8, 40, 88, 127, 129, 136, ck::CK_ULONG::MAX] {
        let params = gcm(&[0; 12], b"", bits);
        assert_eq!(
            crypt(encryptor(ck::CKM_AES_GCM), &key, &params, b""),
            Err(MechanismParamInvalid),
            "{bits}"
        );
    }
    assert_eq!(
        crypt(encryptor(ck::CKM_AES_CBC), &key, &Params::Iv(vec![0; 15].into()), b""),
        Err(MechanismParamInvalid)
    );
    assert_eq!(
        crypt(encryptor(ck::CKM_AES_CBC), &aes(&[0; 15]), &Params::Iv(vec![0; 16].into()), b""),
        Err(KeySizeRange)
    );
}

#[test]
fn rsa_encryption() {
    let (private, public) = rsa();
    let oaep = Params::Oaep { hash: ck::CKM_SHA256, mgf: ck::CKG_MGF1_SHA1, label: b"label".to_vec() };
    let outside = hex(vectors::RSA_OAEP);
    assert_eq!(crypt(decryptor(ck::CKM_RSA_PKCS_OAEP), &private, &oaep, &outside).unwrap(), b"sample");
    for (kind, params, most) in [
        (ck::CKM_RSA_PKCS, Params::None, 117),
        (ck::CKM_RSA_PKCS_OAEP, oaep, 62),
        (ck::CKM_RSA_X_509, Params::None, 127),
    ] {
        let name = row(kind).name;
        let plain = vec![0x42; most];
        let mut ciphertext = crypt(encryptor(kind), &public, &params, &plain).unwrap();
        assert_eq!(ciphertext.len(), 128);
        let back = crypt(decryptor(kind), &private, &params, &ciphertext).unwrap();
        assert_eq!(&back[back.len() - most..], plain, "{name}");
        assert_eq!(crypt(encryptor(kind), &public, &params, &[1; 129]), Err(DataLenRange), "{name}");
        assert_eq!(
            crypt_parts(encryptor(kind), &public, &params, b"xy", 1),
            Err(OperationNotInitialized),
            "{name}"
        );
        for len in [0, 127, 129] {
            let wrong = vec![1; len];
            assert_eq!(
                crypt(decryptor(kind), &private, &params, &wrong),
                Err(EncryptedDataLenRange),
                "{name} {len}"
            );
        }
        assert_eq!(
            crypt(decryptor(kind), &private, &params, &[0xff; 128]),
            Err(EncryptedDataInvalid),
            "{name}"
        );
        if kind != ck::CKM_RSA_X_509 {
            assert_eq!(
                crypt(encryptor(kind), &public, &params, &vec![1; most + 1]),
                Err(DataLenRange),
                "{name}"
            );
            ciphertext[100] ^= 1;
            let started = decryptor(kind).unwrap()(&private, &params).unwrap();
            assert_eq!(started.once_len(128), most, "the bound tells nothing about the data");
            let mut running = started;
            let refusal = running.once(&ciphertext, &mut vec![0; most]).unwrap_err();
            assert_eq!((refusal.kind(), refusal.detail()), (EncryptedDataInvalid, ""), "{name}");
        }
    }
}

pub(super) fn wrap(
    kind: ck::CK_MECHANISM_TYPE,
    key: &Key,
    params: &Params,
    encoding: &[u8],
) -> Result<Vec<u8>, ErrorKind> {
    row(kind).ops.wrap.unwrap()(key, params, encoding).map_err(|e| e.kind())
}

pub(super) fn unwrap(
    kind: ck::CK_MECHANISM_TYPE,
    key: &Key,
    params: &Params,
    wrapped: &[u8],
    wanted: Option<usize>,
) -> Result<Vec<u8>, ErrorKind> {
    row(kind).ops.unwrap.unwrap()(key, params, wrapped, wanted).map(|key| key.to_vec()).map_err(|e| e.kind())
}

#[test]
fn key_wrap_of_rfc_3394_and_rfc_5649() {
    let kek = aes(&hex("000102030405060708090a0b0c0d0e0f"));
    let key = hex("00112233445566778899aabbccddeeff");
    let wrapped = hex("1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5");
    assert_eq!(wrap(ck::CKM_AES_KEY_WRAP, &kek, &Params::None, &key).as_ref(), Ok(&wrapped));
    assert_eq!(unwrap(ck::CKM_AES_KEY_WRAP, &kek, &Params::None, &wrapped, None).as_ref(), Ok(&key));
    let standard = Params::Iv(vec![0xa6; 8].into());
    assert_eq!(wrap(ck::CKM_AES_KEY_WRAP, &kek, &standard, &key).as_ref(), Ok(&wrapped));
    assert_eq!(crypt(encryptor(ck::CKM_AES_KEY_WRAP), &kek, &Params::None, &key).as_ref(), Ok(&wrapped));
    assert_eq!(crypt(decryptor(ck::CKM_AES_KEY_WRAP), &kek, &Params::None, &wrapped).as_ref(), Ok(&key));

    let kek = aes(&hex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8"));
    for kind in [ck::CKM_AES_KEY_WRAP_KWP, ck::CKM_AES_KEY_WRAP_PAD] {
        for (key, wrapped) in [
            (
                "c37b7e6492584340bed12207808941155068f738",
                "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
            ),
            ("466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"),
        ] {
            let (key, wrapped) = (hex(key), hex(wrapped));
            assert_eq!(wrap(kind, &kek, &Params::None, &key).as_ref(), Ok(&wrapped));
            assert_eq!(unwrap(kind, &kek, &Params::None, &wrapped, None).as_ref(), Ok(&key));
            assert_eq!(crypt(encryptor(kind), &kek, &Params::None, &key).as_ref(), Ok(&wrapped));
            assert_eq!(crypt(decryptor(kind), &kek, &Params::None, &wrapped).as_ref(), Ok(&key));
        }
    }
}

#[test]
fn key_wrap_refuses() {
    let kek = aes(&[1; 16]);
    let kw = ck::CKM_AES_KEY_WRAP;
    assert_eq!(crypt(encryptor(kw), &kek, &Params::None, &[0; 17]), Err(DataLenRange));
    assert_eq!(wrap(kw, &kek, &Params::Iv(vec![0; 7].into()), &[0; 16]), Err(MechanismParamInvalid));
    for kind in [kw, ck::CKM_AES_KEY_WRAP_KWP] {
        let wrapped = wrap(kind, &kek, &Params::None, &[5; 20]).unwrap();
        let mut wrong = wrapped.clone();
        wrong[3] ^= 1;
        assert_eq!(unwrap(kind, &kek, &Params::None, &wrong, None), Err(WrappedKeyInvalid));
        assert_eq!(crypt(decryptor(kind), &kek, &Params::None, &wrong), Err(EncryptedDataInvalid));
        for len in [0, 7, 8, 31] {
            assert_eq!(
                unwrap(kind, &kek, &Params::None, &wrapped[..len], None),
                Err(WrappedKeyLenRange),
                "{len}"
            );
            let decrypted = crypt(decryptor(kind), &kek, &Params::None, &wrapped[..len]);
            assert_eq!(decrypted, Err(EncryptedDataLenRange), "{len}");
        }
    }
    // KW fills a key of 20 bytes up to 24; the template brings the 20 back.
    let wrapped = wrap(kw, &kek, &Params::None, &[5; 20]).unwrap();
    assert_eq!(unwrap(kw, &kek, &Params::None, &wrapped, Some(20)), Ok(vec![5; 20]));
    assert_eq!(unwrap(kw, &kek, &Params::None, &wrapped, None).map(|key| key.len()), Ok(24));
    assert_eq!(unwrap(kw, &kek, &Params::None, &wrapped, Some(16)), Err(WrappedKeyLenRange));
    assert_eq!(unwrap(kw, &kek, &Params::None, &wrapped, Some(25)), Err(WrappedKeyLenRange));
    assert_eq!(unwrap(kw, &kek, &Params::None, &wrapped, Some(19)), Err(WrappedKeyInvalid));
}

#[test]
fn wrapping_with_ciphers() {
    let kek = aes(&[1; 32]);
    let iv = Params::Iv(vec![2; 16].into());
    for (kind, params, padded) in [
        (ck::CKM_AES_ECB, Params::None, true),
        (ck::CKM_AES_CBC, iv.clone(), true),
        (ck::CKM_AES_CBC_PAD, iv, false),
        (ck::CKM_AES_CTR, ctr(64, [0; 16]), false),
        (ck::CKM_AES_GCM, gcm(&[0; 12], b"a", 128), false),
    ] {
        let name = row(kind).name;
        let wrapped = wrap(kind, &kek, &params, &[6; 20]).unwrap();
        let wanted = padded.then_some(20);
        assert_eq!(unwrap(kind, &kek, &params, &wrapped, wanted), Ok(vec![6; 20]), "{name}");
        if padded {
            assert_eq!(unwrap(kind, &kek, &params, &wrapped, Some(33)), Err(WrappedKeyLenRange), "{name}");
            assert_eq!(unwrap(kind, &kek, &params, &wrapped[1..], None), Err(WrappedKeyLenRange), "{name}");
        }
    }
    let (private, public) = rsa();
    for (kind, params) in [
        (ck::CKM_RSA_PKCS, Params::None),
        (ck::CKM_RSA_X_509, Params::None),
        (
            ck::CKM_RSA_PKCS_OAEP,
            Params::Oaep { hash: ck::CKM_SHA_1, mgf: ck::CKG_MGF1_SHA1, label: Vec::new() },
        ),
    ] {
        let name = row(kind).name;
        let wrapped = wrap(kind, &public, &params, &[6; 20]).unwrap();
        assert_eq!(unwrap(kind, &private, &params, &wrapped, Some(20)), Ok(vec![6; 20]), "{name}");
        assert_eq!(wrap(kind, &public, &params, &[6; 129]), Err(KeySizeRange), "{name}");
        assert_eq!(
            unwrap(kind, &private, &params, &wrapped[1..], Some(20)),
            Err(WrappedKeyLenRange),
            "{name}"
        );
    }
    let gcm = gcm(&[0; 12], b"", 128);
    assert_eq!(unwrap(ck::CKM_AES_GCM, &kek, &gcm, &[0; 40], None), Err(WrappedKeyInvalid));
}

#[test]
fn generation_follows_the_template() {
    let generate = |kind, template: &Attributes| {
        row(kind).ops.generate.unwrap()(&Params::None, template).map(|key| key.len()).map_err(|e| e.kind())
    };
    let of = |len| Attributes::new().with(ck::CKA_VALUE_LEN, wanted(len));
    for len in [16, 24, 32] {
        assert_eq!(generate(ck::CKM_AES_KEY_GEN, &of(len)), Ok(len));
    }
    assert_eq!(generate(ck::CKM_AES_KEY_GEN, &of(20)), Err(AttributeValueInvalid));
    assert_eq!(generate(ck::CKM_AES_KEY_GEN, &Attributes::new()), Err(TemplateIncomplete));
    assert_eq!(generate(ck::CKM_GENERIC_SECRET_KEY_GEN, &of(1)), Ok(1));
    assert_eq!(generate(ck::CKM_GENERIC_SECRET_KEY_GEN, &of(0)), Err(AttributeValueInvalid));
    assert_eq!(generate(ck::CKM_GENERIC_SECRET_KEY_GEN, &of(usize::MAX)), Err(AttributeValueInvalid));
}
