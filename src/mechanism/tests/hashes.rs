//! Hashes beyond SHA-2, and what is made of hashes: HMAC in any length, keys for it, derivation by hash, signatures.

use super::super::{Params, all};
use super::hash_vectors as made;
use super::*;
use crate::object::Template;
use ErrorKind::*;

fn digest(kind: ck::CK_MECHANISM_TYPE, data: &[u8]) -> Vec<u8> {
    let mut running = row(kind).ops.digest.unwrap()(&Params::None).unwrap();
    let mut out = vec![0; running.output_len()];
    running.once(data, &mut out).unwrap();
    out
}

/// Digest, HMAC, its general form, key generation, derivation, type of key, and the digest of "abc": the examples of
/// FIPS 180-4 and FIPS 202, RFC 7693's for BLAKE2b-512, Python's hashlib for the rest of BLAKE2b.
type Family = ([ck::CK_MECHANISM_TYPE; 5], ck::CK_KEY_TYPE, &'static str);

macro_rules! families {
    ($($digest:ident $mac:ident $general:ident $key_gen:ident $derive:ident $key_type:ident $abc:expr;)*) => {
        &[$(([ck::$digest, ck::$mac, ck::$general, ck::$key_gen, ck::$derive], ck::$key_type, $abc)),*]
    };
}

const FAMILIES: &[Family] = families! {
    CKM_SHA_1 CKM_SHA_1_HMAC CKM_SHA_1_HMAC_GENERAL CKM_SHA_1_KEY_GEN CKM_SHA1_KEY_DERIVATION CKK_SHA_1_HMAC
        "a9993e364706816aba3e25717850c26c9cd0d89d";
    CKM_SHA224 CKM_SHA224_HMAC CKM_SHA224_HMAC_GENERAL CKM_SHA224_KEY_GEN CKM_SHA224_KEY_DERIVATION CKK_SHA224_HMAC
        "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7";
    CKM_SHA256 CKM_SHA256_HMAC CKM_SHA256_HMAC_GENERAL CKM_SHA256_KEY_GEN CKM_SHA256_KEY_DERIVATION CKK_SHA256_HMAC
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    CKM_SHA384 CKM_SHA384_HMAC CKM_SHA384_HMAC_GENERAL CKM_SHA384_KEY_GEN CKM_SHA384_KEY_DERIVATION CKK_SHA384_HMAC
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7";
    CKM_SHA512 CKM_SHA512_HMAC CKM_SHA512_HMAC_GENERAL CKM_SHA512_KEY_GEN CKM_SHA512_KEY_DERIVATION CKK_SHA512_HMAC
        concat!(
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a",
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        );
    CKM_SHA512_224 CKM_SHA512_224_HMAC CKM_SHA512_224_HMAC_GENERAL CKM_SHA512_224_KEY_GEN
        CKM_SHA512_224_KEY_DERIVATION CKK_SHA512_224_HMAC
        "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa";
    CKM_SHA512_256 CKM_SHA512_256_HMAC CKM_SHA512_256_HMAC_GENERAL CKM_SHA512_256_KEY_GEN
        CKM_SHA512_256_KEY_DERIVATION CKK_SHA512_256_HMAC
        "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23";
    CKM_SHA3_224 CKM_SHA3_224_HMAC CKM_SHA3_224_HMAC_GENERAL CKM_SHA3_224_KEY_GEN
        CKM_SHA3_224_KEY_DERIVATION CKK_SHA3_224_HMAC
        "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf";
    CKM_SHA3_256 CKM_SHA3_256_HMAC CKM_SHA3_256_HMAC_GENERAL CKM_SHA3_256_KEY_GEN
        CKM_SHA3_256_KEY_DERIVATION CKK_SHA3_256_HMAC
        "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532";
    CKM_SHA3_384 CKM_SHA3_384_HMAC CKM_SHA3_384_HMAC_GENERAL CKM_SHA3_384_KEY_GEN
        CKM_SHA3_384_KEY_DERIVATION CKK_SHA3_384_HMAC
        "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25";
    CKM_SHA3_512 CKM_SHA3_512_HMAC CKM_SHA3_512_HMAC_GENERAL CKM_SHA3_512_KEY_GEN
        CKM_SHA3_512_KEY_DERIVATION CKK_SHA3_512_HMAC
        concat!(
            "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e",
            "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
        );
    CKM_BLAKE2B_160 CKM_BLAKE2B_160_HMAC CKM_BLAKE2B_160_HMAC_GENERAL CKM_BLAKE2B_160_KEY_GEN
        CKM_BLAKE2B_160_KEY_DERIVE CKK_BLAKE2B_160_HMAC
        "384264f676f39536840523f284921cdc68b6846b";
    CKM_BLAKE2B_256 CKM_BLAKE2B_256_HMAC CKM_BLAKE2B_256_HMAC_GENERAL CKM_BLAKE2B_256_KEY_GEN
        CKM_BLAKE2B_256_KEY_DERIVE CKK_BLAKE2B_256_HMAC
        "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319";
    CKM_BLAKE2B_384 CKM_BLAKE2B_384_HMAC CKM_BLAKE2B_384_HMAC_GENERAL CKM_BLAKE2B_384_KEY_GEN
        CKM_BLAKE2B_384_KEY_DERIVE CKK_BLAKE2B_384_HMAC
        "6f56a82c8e7ef526dfe182eb5212f7db9df1317e57815dbda46083fc30f54ee6c66ba83be64b302d7cba6ce15bb556f4";
    CKM_BLAKE2B_512 CKM_BLAKE2B_512_HMAC CKM_BLAKE2B_512_HMAC_GENERAL CKM_BLAKE2B_512_KEY_GEN
        CKM_BLAKE2B_512_KEY_DERIVE CKK_BLAKE2B_512_HMAC
        concat!(
            "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1",
            "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
        );
};

#[test]
fn digests_of_abc() {
    for ([kind, ..], _, abc) in FAMILIES {
        assert_eq!(digest(*kind, b"abc"), hex(abc), "{}", row(*kind).name);
    }
    let others = [
        (ck::CKM_MD5, "900150983cd24fb0d6963f7d28e17f72"),
        (ck::CKM_KEYWARD_KECCAK_256, "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
        (ck::CKM_KEYWARD_BLAKE3, "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"),
    ];
    for (kind, abc) in others {
        assert_eq!(digest(kind, b"abc"), hex(abc), "{}", row(kind).name);
    }
    let tested = FAMILIES.len() + others.len();
    assert_eq!(all().filter(|row| row.ops.digest.is_some()).count(), tested, "one has no vector");
}

#[test]
fn macs_are_cut_at_their_end() {
    let key = secret(ck::CKK_GENERIC_SECRET, b"Jefe");
    for ([_, mac, general, ..], key_type, abc) in FAMILIES {
        let name = row(*general).name;
        let whole = sign(*mac, &key, &Params::None, b"data").unwrap();
        assert_eq!(whole.len() * 2, abc.len(), "{name}");
        for len in 1..=whole.len() {
            let params = Params::MacGeneral(ulong(len));
            assert_eq!(sign(*general, &key, &params, b"data").as_deref(), Ok(&whole[..len]), "{name}");
            assert_eq!(sign_parts(*general, &key, &params, b"data").as_deref(), Ok(&whole[..len]), "{name}");
            assert_eq!(verify(*general, &key, &params, b"data", &whole[..len]), Ok(()), "{name}");
        }
        for len in [0, ulong(whole.len() + 1), ck::CK_ULONG::MAX] {
            let params = Params::MacGeneral(len);
            assert_eq!(sign(*general, &key, &params, b"data"), Err(MechanismParamInvalid), "{name} {len}");
            let refused = verify(*general, &key, &params, b"data", &whole);
            assert_eq!(refused, Err(MechanismParamInvalid), "{name} {len}");
        }
        assert_eq!(sign(*general, &key, &Params::None, b"data"), Err(MechanismParamInvalid), "{name}");
        for kind in [*mac, *general] {
            assert!(row(kind).takes(*key_type) && row(kind).takes(ck::CKK_GENERIC_SECRET), "{name}");
            let others = FAMILIES.iter().filter(|family| family.1 != *key_type);
            assert!(others.into_iter().all(|other| !row(kind).takes(other.1)), "{name}");
        }
    }
}

#[test]
fn keys_are_made_for_one_hash() {
    for ([_, mac, _, key_gen, _], key_type, _) in FAMILIES {
        let row = row(*key_gen);
        assert_eq!(row.key_types, [*key_type], "{}", row.name);
        let generate = |len| {
            let mut key = object(ck::CKO_SECRET_KEY, *key_type);
            if let Some(len) = len {
                key.set(ck::CKA_VALUE_LEN, wanted(len));
            }
            let value = row.ops.generate.unwrap()(&Params::None, &key).map_err(|e| e.kind())?;
            attributes::fill_secret(&mut key, value).map_err(|e| e.kind())?;
            Ok(key)
        };
        for len in [1, 32, 200] {
            let keys = [generate(Some(len)).unwrap(), generate(Some(len)).unwrap()];
            assert!(keys.iter().all(|key| key.bytes(ck::CKA_VALUE).map(<[u8]>::len) == Some(len)));
            assert!(len == 1 || keys[0] != keys[1], "{}: twice the same key", row.name);
            let key = attributes::key(&keys[0]).unwrap();
            assert!(sign(*mac, &key, &Params::None, b"x").is_ok(), "{}", row.name);
        }
        assert_eq!(generate(Some(0)), Err(AttributeValueInvalid), "{}", row.name);
        assert_eq!(generate(Some(1 << 20)), Err(AttributeValueInvalid), "{}", row.name);
        assert_eq!(generate(None), Err(TemplateIncomplete), "{}", row.name);
    }
}

/// What C_DeriveKey does with a template: its key type and length.
fn derive(
    kind: ck::CK_MECHANISM_TYPE,
    key_type: ck::CK_KEY_TYPE,
    len: Option<usize>,
) -> Result<Vec<u8>, ErrorKind> {
    let mut template = Template::new().with(ck::CKA_KEY_TYPE, key_type);
    if let Some(len) = len {
        template = template.with(ck::CKA_VALUE_LEN, wanted(len));
    }
    kdf::value_of(kdf::derive(kind, (&kdf::generic(b"abc"), &[]), Params::None, &template))
}

#[test]
fn derivation_by_hash() {
    let shake = [
        (
            ck::CKM_SHAKE_128_KEY_DERIVATION,
            "5881092dd818bf5cf8a3ddb793fbcba74097d5c526a6d35f97b83351940f2cc8",
        ),
        (
            ck::CKM_SHAKE_256_KEY_DERIVATION,
            concat!(
                "483366601360a8771c6863080cc4114d8db44530f8f1e1ee4f94ea37e78b5739",
                "d5a15bef186a5386c75744c0527e1faa9f8726e462a12a4feb06bd8801e751e4",
            ),
        ),
    ];
    let hashes = FAMILIES.iter().map(|([.., kind], _, abc)| (*kind, *abc));
    for (kind, abc) in hashes.chain(shake) {
        let (name, abc) = (row(kind).name, hex(abc));
        assert_eq!(derive(kind, ck::CKK_GENERIC_SECRET, None).as_ref(), Ok(&abc), "{name}: the whole digest");
        for len in [1, 10, abc.len()] {
            let derived = derive(kind, ck::CKK_GENERIC_SECRET, Some(len));
            assert_eq!(derived.as_deref(), Ok(&abc[..len]), "{name}: its start");
        }
        let longer = derive(kind, ck::CKK_GENERIC_SECRET, Some(abc.len() + 1));
        assert_eq!(longer, Err(KeySizeRange), "{name}");
        assert_eq!(derive(kind, ck::CKK_AES, Some(16)).as_deref(), Ok(&abc[..16]), "{name}");
        assert_eq!(derive(kind, ck::CKK_AES, Some(17)), Err(AttributeValueInvalid), "{name}");
        assert_eq!(derive(kind, ck::CKK_AES, None), Err(TemplateIncomplete), "{name}: 16, 24 or 32?");
        assert_eq!(derive(kind, ck::CKK_SHA256_HMAC, None), Err(TemplateIncomplete), "{name}");
        assert!(!row(kind).takes(ck::CKK_EC) && row(kind).takes(ck::CKK_AES), "{name}");
    }
}

#[test]
fn keys_of_every_hmac_are_objects() {
    let types = FAMILIES.iter().map(|family| family.1).chain([ck::CKK_MD5_HMAC]);
    for key_type in types {
        let given = object(ck::CKO_SECRET_KEY, key_type);
        assert!(attributes::has_type(&given) && crate::object::has_class(&given), "{key_type:#x}");
        let mut key = given.with(ck::CKA_VALUE, &[0; 5]);
        attributes::complete_created(&mut key).unwrap();
        assert_eq!(key.bytes(ck::CKA_CHECK_VALUE), Some(&hex("a10909")[..]), "SHA-1 of five zeros");
    }
}

#[test]
fn rsa_signatures_of_openssl() {
    let (private, public) = rsa();
    let pkcs1 = [
        (ck::CKM_SHA3_224_RSA_PKCS, made::RSA_PKCS1_SHA3_224),
        (ck::CKM_SHA3_256_RSA_PKCS, made::RSA_PKCS1_SHA3_256),
        (ck::CKM_SHA3_384_RSA_PKCS, made::RSA_PKCS1_SHA3_384),
        (ck::CKM_SHA3_512_RSA_PKCS, made::RSA_PKCS1_SHA3_512),
        (ck::CKM_MD5_RSA_PKCS, made::RSA_PKCS1_MD5),
    ];
    for (kind, signature) in pkcs1 {
        let name = row(kind).name;
        assert_eq!(sign(kind, &private, &Params::None, b"sample"), Ok(hex(signature)), "{name}");
        assert_eq!(verify(kind, &public, &Params::None, b"sample", &hex(signature)), Ok(()), "{name}");
    }
    let (sha3_224, sha3_256) = (ck::CKM_SHA3_224, ck::CKM_SHA3_256);
    let (sha3_384, sha3_512) = (ck::CKM_SHA3_384, ck::CKM_SHA3_512);
    let pss = [
        (ck::CKM_SHA3_224_RSA_PKCS_PSS, sha3_224, ck::CKG_MGF1_SHA3_512, 28, made::RSA_PSS_SHA3_224),
        (ck::CKM_SHA3_256_RSA_PKCS_PSS, sha3_256, ck::CKG_MGF1_SHA3_256, 32, made::RSA_PSS_SHA3_256),
        (ck::CKM_SHA3_384_RSA_PKCS_PSS, sha3_384, ck::CKG_MGF1_SHA3_224, 20, made::RSA_PSS_SHA3_384),
        (ck::CKM_SHA3_512_RSA_PKCS_PSS, sha3_512, ck::CKG_MGF1_SHA3_384, 0, made::RSA_PSS_SHA3_512),
    ];
    for (kind, hash, mgf, salt_len, signature) in pss {
        let (name, params) = (row(kind).name, Params::Pss { hash, mgf, salt_len });
        assert_eq!(verify(kind, &public, &params, b"sample", &hex(signature)), Ok(()), "{name}");
        let hashed = digest(hash, b"sample");
        let bare = verify(ck::CKM_RSA_PKCS_PSS, &public, &params, &hashed, &hex(signature));
        assert_eq!(bare, Ok(()), "{name}");
        let other_mgf = Params::Pss { hash, mgf: ck::CKG_MGF1_SHA1, salt_len };
        assert_eq!(
            verify(kind, &public, &other_mgf, b"sample", &hex(signature)),
            Err(SignatureInvalid),
            "{name}"
        );
    }
    let params = Params::Pss { hash: ck::CKM_SHA512_256, mgf: ck::CKG_MGF1_SHA1, salt_len: 7 };
    let hashed = digest(ck::CKM_SHA512_256, b"sample");
    let signature = hex(made::RSA_PSS_SHA512_256);
    assert_eq!(verify(ck::CKM_RSA_PKCS_PSS, &public, &params, &hashed, &signature), Ok(()));
}

#[test]
fn oaep_of_openssl() {
    let (private, public) = rsa();
    let oaep = [
        (ck::CKM_SHA3_224, ck::CKG_MGF1_SHA3_512, made::RSA_OAEP_SHA3_224),
        (ck::CKM_SHA3_256, ck::CKG_MGF1_SHA3_384, made::RSA_OAEP_SHA3_256),
        (ck::CKM_SHA512_256, ck::CKG_MGF1_SHA3_256, made::RSA_OAEP_SHA512_256),
    ];
    let ops = &row(ck::CKM_RSA_PKCS_OAEP).ops;
    for (hash, mgf, ciphertext) in oaep {
        let params = Params::Oaep { hash, mgf, label: b"label".to_vec() };
        assert_eq!(crypt(ops.decrypt, &private, &params, &hex(ciphertext)).unwrap(), b"sample", "{hash:#x}");
        let ours = crypt(ops.encrypt, &public, &params, b"again").unwrap();
        assert_eq!(crypt(ops.decrypt, &private, &params, &ours).unwrap(), b"again", "{hash:#x}");
    }
}

#[test]
fn parameters_name_no_hash_that_rsa_lacks() {
    let (private, _) = rsa();
    let unknown = [ck::CKM_MD5, ck::CKM_BLAKE2B_256, ck::CKM_KEYWARD_KECCAK_256, ck::CKM_KEYWARD_BLAKE3];
    for hash in unknown.into_iter().chain([0, ck::CK_ULONG::MAX]) {
        let params = Params::Pss { hash, mgf: ck::CKG_MGF1_SHA256, salt_len: 1 };
        let refused = sign(ck::CKM_RSA_PKCS_PSS, &private, &params, &[0; 32]);
        assert_eq!(refused, Err(MechanismParamInvalid), "{hash:#x}");
        let params = Params::Oaep { hash, mgf: ck::CKG_MGF1_SHA256, label: Vec::new() };
        let refused = crypt(row(ck::CKM_RSA_PKCS_OAEP).ops.decrypt, &private, &params, &[0; 128]);
        assert_eq!(refused, Err(MechanismParamInvalid), "{hash:#x}");
    }
    for mgf in [0, ck::CK_ULONG::MAX] {
        let params = Params::Pss { hash: ck::CKM_SHA512_256, mgf, salt_len: 1 };
        let refused = sign(ck::CKM_RSA_PKCS_PSS, &private, &params, &[0; 32]);
        assert_eq!(refused, Err(MechanismParamInvalid), "{mgf:#x}");
    }
}

#[test]
fn ecdsa_of_openssl() {
    let (_, public) = ec();
    for (kind, signature) in [
        (ck::CKM_ECDSA_SHA3_224, made::EC_SIGNATURE_SHA3_224),
        (ck::CKM_ECDSA_SHA3_256, made::EC_SIGNATURE_SHA3_256),
        (ck::CKM_ECDSA_SHA3_384, made::EC_SIGNATURE_SHA3_384),
        (ck::CKM_ECDSA_SHA3_512, made::EC_SIGNATURE_SHA3_512),
    ] {
        let name = row(kind).name;
        assert_eq!(verify(kind, &public, &Params::None, b"sample", &hex(signature)), Ok(()), "{name}");
        let verdict = verify(kind, &public, &Params::None, b"simple", &hex(signature));
        assert_eq!(verdict, Err(SignatureInvalid), "{name}");
    }
}

#[test]
fn key_derivation_functions_of_ecdh() {
    let (private, _) = ec();
    let derive = |kdf, len| {
        let params = Params::Ecdh { kdf, shared: b"info".to_vec(), public: hex(vectors::ECDH_PEER) };
        let derived = value(ck::CKM_ECDH1_DERIVE, &private, &params, Some(len));
        derived.map(|key| key.to_vec()).map_err(|e| e.kind())
    };
    assert_eq!(derive(ck::CKD_SHA3_256_KDF, 40), Ok(hex(made::ECDH_X963_SHA3_256)));
    assert_eq!(derive(ck::CKD_SHA3_512_KDF_SP800, 80), Ok(hex(made::ECDH_SP800_56A_SHA3_512)));
    assert_eq!(derive(ck::CKD_BLAKE2B_160_KDF, 40), Ok(hex(made::ECDH_BLAKE2B_160)));
    let kdfs = [
        ck::CKD_SHA3_224_KDF,
        ck::CKD_SHA3_224_KDF_SP800,
        ck::CKD_SHA3_256_KDF_SP800,
        ck::CKD_SHA3_384_KDF,
        ck::CKD_SHA3_384_KDF_SP800,
        ck::CKD_SHA3_512_KDF,
        ck::CKD_BLAKE2B_256_KDF,
        ck::CKD_BLAKE2B_384_KDF,
        ck::CKD_BLAKE2B_512_KDF,
    ];
    let keys: Vec<_> = kdfs.iter().map(|kdf| derive(*kdf, 100).unwrap()).collect();
    for (at, key) in keys.iter().enumerate() {
        assert!(key.len() == 100 && !keys[..at].contains(key), "{:#x}", kdfs[at]);
    }
}

#[test]
fn keyed_blake3() {
    let key = secret(ck::CKK_GENERIC_SECRET, b"whats the Elvish word for friend");
    let mac = hex("6d7878dfff2f485635d39013278ae14f1454b8c0a3a2d34bc1ab38228a80c95b");
    assert_eq!(sign(ck::CKM_KEYWARD_BLAKE3_MAC, &key, &Params::None, &[0]), Ok(mac.clone()));
    assert_eq!(verify(ck::CKM_KEYWARD_BLAKE3_MAC, &key, &Params::None, &[0], &mac), Ok(()));
    let short = secret(ck::CKK_GENERIC_SECRET, &[7; 31]);
    assert_eq!(sign(ck::CKM_KEYWARD_BLAKE3_MAC, &short, &Params::None, &[0]), Err(KeySizeRange));
}
