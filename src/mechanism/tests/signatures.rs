//! Digests, MACs and signatures.

use super::super::params::{Kdf, TlsMac};
use super::super::{Params, all};
use super::*;
use ErrorKind::*;

fn digest(kind: ck::CK_MECHANISM_TYPE, data: &[u8]) -> Vec<u8> {
    let mut running = row(kind).ops.digest.unwrap()(&Params::None).unwrap();
    let mut once = vec![0; running.output_len()];
    running.once(data, &mut once).unwrap();
    let mut running = row(kind).ops.digest.unwrap()(&Params::None).unwrap();
    data.chunks(7).for_each(|part| running.update(part).unwrap());
    let mut parts = vec![0; running.output_len()];
    running.finish(&mut parts).unwrap();
    assert_eq!(once, parts);
    once
}

#[test]
fn digests_of_fips_180() {
    let abc = [
        (ck::CKM_SHA_1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (ck::CKM_SHA224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
        (ck::CKM_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            ck::CKM_SHA384,
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            ck::CKM_SHA512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
    ];
    for (kind, expected) in abc {
        assert_eq!(digest(kind, b"abc"), hex(expected), "{}", row(kind).name);
    }
}

#[test]
fn macs_of_rfc_4231_and_rfc_4493() {
    let jefe = secret(ck::CKK_GENERIC_SECRET, b"Jefe");
    let data = b"what do ya want for nothing?";
    let mac = hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_eq!(sign(ck::CKM_SHA256_HMAC, &jefe, &Params::None, data), Ok(mac.clone()));
    assert_eq!(sign_parts(ck::CKM_SHA256_HMAC, &jefe, &Params::None, data), Ok(mac));

    let key = aes(&hex("2b7e151628aed2a6abf7158809cf4f3c"));
    let data = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411");
    let mac = hex("dfa66747de9ae63030ca32611497c827");
    assert_eq!(sign(ck::CKM_AES_CMAC, &key, &Params::None, &data), Ok(mac.clone()));
    assert_eq!(verify(ck::CKM_AES_CMAC, &key, &Params::None, &data, &mac), Ok(()));
}

fn pss(hash: ck::CK_MECHANISM_TYPE, mgf: ck::CK_RSA_PKCS_MGF_TYPE, salt_len: ck::CK_ULONG) -> Params {
    Params::Pss { hash, mgf, salt_len }
}

#[test]
fn signatures_of_another_implementation() {
    let (private, public) = rsa();
    let pkcs1 = hex(vectors::RSA_PKCS1_SHA256);
    assert_eq!(sign(ck::CKM_SHA256_RSA_PKCS, &private, &Params::None, b"sample"), Ok(pkcs1.clone()));
    assert_eq!(sign_parts(ck::CKM_SHA256_RSA_PKCS, &private, &Params::None, b"sample"), Ok(pkcs1.clone()));
    assert_eq!(verify(ck::CKM_SHA256_RSA_PKCS, &public, &Params::None, b"sample", &pkcs1), Ok(()));

    let params = pss(ck::CKM_SHA256, ck::CKG_MGF1_SHA1, 20);
    let signature = hex(vectors::RSA_PSS);
    assert_eq!(verify(ck::CKM_SHA256_RSA_PKCS_PSS, &public, &params, b"sample", &signature), Ok(()));
    let hashed = digest(ck::CKM_SHA256, b"sample");
    assert_eq!(verify(ck::CKM_RSA_PKCS_PSS, &public, &params, &hashed, &signature), Ok(()));

    let (_, public) = ec();
    let signature = hex(vectors::EC_SIGNATURE);
    assert_eq!(verify(ck::CKM_ECDSA_SHA256, &public, &Params::None, b"sample", &signature), Ok(()));
    assert_eq!(verify(ck::CKM_ECDSA, &public, &Params::None, &hashed, &signature), Ok(()));

    let (private, public) = ed25519();
    let signature = hex(vectors::ED25519_SIGNATURE);
    assert_eq!(sign(ck::CKM_EDDSA, &private, &Params::None, b"sample"), Ok(signature.clone()));
    assert_eq!(sign_parts(ck::CKM_EDDSA, &private, &Params::None, b"sample"), Ok(signature.clone()));
    assert_eq!(verify(ck::CKM_EDDSA, &public, &Params::None, b"sample", &signature), Ok(()));
}

/// Parameters and keys for a row that signs.
fn material_for(name: &str) -> (Params, Key, Key) {
    let hash = |name: &str| all().find(|row| row.name == name).unwrap().kind;
    if let Some((params, key)) = symmetric::mac_material(name) {
        return (params, key.clone(), key);
    }
    if name.contains("HMAC") || name == "CKM_KEYWARD_BLAKE3_MAC" {
        let key = secret(ck::CKK_GENERIC_SECRET, &[7; 32]);
        let params = if name.ends_with("_GENERAL") { Params::MacGeneral(10) } else { Params::None };
        return (params, key.clone(), key);
    }
    if name.contains("CMAC") {
        return (Params::None, aes(&[7; 24]), aes(&[7; 24]));
    }
    if name.starts_with("CKM_TLS") {
        let key = secret(ck::CKK_GENERIC_SECRET, &[7; 48]);
        let params = TlsMac { prf: ck::CKM_SHA256, len: 12, side: 1 };
        return (super::kdf::kdf(Kdf::TlsMac(params)), key.clone(), key);
    }
    let (private, public) = match name {
        "CKM_EDDSA" => ed25519(),
        _ if name.contains("SLH_DSA") => keys(&generated(
            ck::CKM_SLH_DSA_KEY_PAIR_GEN,
            ck::CKK_SLH_DSA,
            &[(ck::CKA_PARAMETER_SET, Value::Ulong(ck::CKP_SLH_DSA_SHA2_128F))],
        )),
        _ if name.contains("ML_DSA") => keys(&generated(
            ck::CKM_ML_DSA_KEY_PAIR_GEN,
            ck::CKK_ML_DSA,
            &[(ck::CKA_PARAMETER_SET, Value::Ulong(ck::CKP_ML_DSA_44))],
        )),
        "CKM_KEYWARD_ECDSA_RECOVERABLE" => keys(&generated(
            ck::CKM_EC_KEY_PAIR_GEN,
            ck::CKK_EC,
            &[(ck::CKA_EC_PARAMS, asymmetric::SECP256K1.into())],
        )),
        _ if name.contains("ECDSA") => ec(),
        _ if name.contains("DSA") => asymmetric::dsa(),
        _ => rsa(),
    };
    let params = match name {
        "CKM_RSA_PKCS_PSS" => pss(ck::CKM_SHA256, ck::CKG_MGF1_SHA384, 7),
        _ if name.ends_with("_PSS") => {
            let own = name.trim_end_matches("_RSA_PKCS_PSS").replace("SHA1", "SHA_1");
            pss(hash(&own), ck::CKG_MGF1_SHA256, 20)
        }
        "CKM_HASH_ML_DSA" | "CKM_HASH_SLH_DSA" => Params::HashSignContext {
            hedge: ck::CKH_HEDGE_PREFERRED,
            context: b"c".to_vec(),
            hash: ck::CKM_SHA3_256,
        },
        _ => Params::None,
    };
    (params, private, public)
}

#[test]
fn every_signing_mechanism_signs_verifies_and_tells_forgeries() {
    for row in all().filter(|row| row.ops.sign.is_some()) {
        let (params, private, public) = material_for(row.name);
        // 32 bytes, so that the mechanisms without a hash take it as a digest of SHA-256.
        let data = [0x5a; 32];
        let signature = sign(row.kind, &private, &params, &data).unwrap();
        assert_eq!(verify(row.kind, &public, &params, &data, &signature), Ok(()), "{}", row.name);
        let mut wrong = signature.clone();
        *wrong.last_mut().unwrap() ^= 1;
        assert_eq!(verify(row.kind, &public, &params, &data, &wrong), Err(SignatureInvalid), "{}", row.name);
        assert_eq!(
            verify(row.kind, &public, &params, &[1; 32], &signature),
            Err(SignatureInvalid),
            "{}",
            row.name
        );
        for cut in [0, 1, signature.len() - 1] {
            let verdict = verify(row.kind, &public, &params, &data, &signature[..cut]);
            assert_eq!(verdict, Err(SignatureLenRange), "{} cut to {cut}", row.name);
        }
        let long = [signature.as_slice(), &[0]].concat();
        assert_eq!(verify(row.kind, &public, &params, &data, &long), Err(SignatureLenRange), "{}", row.name);
        match sign_parts(row.kind, &private, &params, &data) {
            Ok(parts) => {
                assert_eq!(verify(row.kind, &public, &params, &data, &parts), Ok(()), "{}", row.name)
            }
            Err(kind) => {
                let bare = [
                    "CKM_RSA_PKCS",
                    "CKM_RSA_X_509",
                    "CKM_RSA_PKCS_PSS",
                    "CKM_ECDSA",
                    "CKM_DSA",
                    "CKM_HASH_ML_DSA",
                    "CKM_HASH_SLH_DSA",
                    "CKM_KEYWARD_ECDSA_RECOVERABLE",
                ];
                assert!(bare.contains(&row.name), "{}", row.name);
                assert_eq!(kind, OperationNotInitialized);
            }
        }
    }
}

#[test]
fn data_that_does_not_fit() {
    let (private, public) = rsa();
    let data_error = |kind, data: &[u8]| sign(kind, &private, &Params::None, data).unwrap_err();
    assert_eq!(data_error(ck::CKM_RSA_PKCS, &[0; 118]), DataLenRange);
    assert_eq!(data_error(ck::CKM_RSA_X_509, &[0; 129]), DataLenRange);
    assert_eq!(data_error(ck::CKM_RSA_X_509, &[0xff; 128]), DataInvalid);
    let params = pss(ck::CKM_SHA256, ck::CKG_MGF1_SHA256, 32);
    assert_eq!(sign(ck::CKM_RSA_PKCS_PSS, &private, &params, &[0; 20]), Err(DataLenRange));
    assert_eq!(verify(ck::CKM_RSA_PKCS_PSS, &public, &params, &[0; 20], &[0; 128]), Err(DataLenRange));
}

#[test]
fn pss_parameters() {
    let (private, _) = rsa();
    let start = |kind, params: &Params| sign(kind, &private, params, &[0; 32]).unwrap_err();
    let other_hash = pss(ck::CKM_SHA384, ck::CKG_MGF1_SHA256, 32);
    assert_eq!(start(ck::CKM_SHA256_RSA_PKCS_PSS, &other_hash), MechanismParamInvalid);
    let salt_too_long = pss(ck::CKM_SHA256, ck::CKG_MGF1_SHA256, 128 - 32 - 2 + 1);
    assert_eq!(start(ck::CKM_RSA_PKCS_PSS, &salt_too_long), MechanismParamInvalid);
    assert_eq!(start(ck::CKM_RSA_PKCS_PSS, &pss(ck::CKM_SHA256, 99, 32)), MechanismParamInvalid);
    assert_eq!(start(ck::CKM_RSA_PKCS_PSS, &pss(ck::CKM_MD5, ck::CKG_MGF1_SHA1, 16)), MechanismParamInvalid);
    assert_eq!(start(ck::CKM_RSA_PKCS_PSS, &Params::None), MechanismParamInvalid);
    let longest = pss(ck::CKM_SHA256, ck::CKG_MGF1_SHA256, 128 - 32 - 2);
    assert!(sign(ck::CKM_RSA_PKCS_PSS, &private, &longest, &[0; 32]).is_ok());
    let greatest = pss(ck::CKM_SHA256, ck::CKG_MGF1_SHA256, ck::CK_ULONG::MAX);
    assert_eq!(start(ck::CKM_RSA_PKCS_PSS, &greatest), MechanismParamInvalid);
}

#[test]
fn ed25519_schemes() {
    let (private, public) = ed25519();
    let scheme = |prehash, context: &[u8]| Params::Eddsa { prehash, context: context.to_vec() };
    let schemes =
        [Params::None, scheme(false, b"a"), scheme(false, b"b"), scheme(true, b""), scheme(true, b"a")];
    let signatures: Vec<_> =
        schemes.iter().map(|params| sign(ck::CKM_EDDSA, &private, params, b"x").unwrap()).collect();
    for (i, params) in schemes.iter().enumerate() {
        assert_eq!(sign_parts(ck::CKM_EDDSA, &private, params, b"x").as_ref(), Ok(&signatures[i]));
        for (j, signature) in signatures.iter().enumerate() {
            let expected = if i == j { Ok(()) } else { Err(SignatureInvalid) };
            assert_eq!(verify(ck::CKM_EDDSA, &public, params, b"x", signature), expected, "{i} {j}");
        }
    }
    assert_eq!(sign(ck::CKM_EDDSA, &private, &scheme(false, b""), b"x").as_ref(), Ok(&signatures[0]));
    assert_eq!(sign(ck::CKM_EDDSA, &private, &scheme(true, &[0; 256]), b"x"), Err(MechanismParamInvalid));
}

#[test]
fn ed25519ph_of_rfc_8032() {
    let seed = hex("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42");
    let private = object(ck::CKO_PRIVATE_KEY, ck::CKK_EC_EDWARDS)
        .with(ck::CKA_EC_PARAMS, ED25519)
        .with(ck::CKA_VALUE, seed);
    let key = attributes::key(&private).unwrap();
    let params = Params::Eddsa { prehash: true, context: Vec::new() };
    let expected = hex(
        "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406",
    );
    assert_eq!(sign(ck::CKM_EDDSA, &key, &params, b"abc"), Ok(expected));
}

#[test]
fn ml_dsa_contexts_and_hedging() {
    for set in [ck::CKP_ML_DSA_44, ck::CKP_ML_DSA_65, ck::CKP_ML_DSA_87] {
        let set = [(ck::CKA_PARAMETER_SET, Value::Ulong(set))];
        let (private, public) = keys(&generated(ck::CKM_ML_DSA_KEY_PAIR_GEN, ck::CKK_ML_DSA, &set));
        let with = |hedge, context: &[u8]| Params::SignContext { hedge, context: context.to_vec() };
        let deterministic = with(ck::CKH_DETERMINISTIC_REQUIRED, b"c");
        let first = sign(ck::CKM_ML_DSA, &private, &deterministic, b"x").unwrap();
        assert_eq!(sign_parts(ck::CKM_ML_DSA, &private, &deterministic, b"x").as_ref(), Ok(&first));
        let hedged = with(ck::CKH_HEDGE_REQUIRED, b"c");
        let second = sign(ck::CKM_ML_DSA, &private, &hedged, b"x").unwrap();
        assert_ne!(first, second);
        // Verification takes no notice of hedging, but of the context.
        assert_eq!(verify(ck::CKM_ML_DSA, &public, &hedged, b"x", &first), Ok(()));
        assert_eq!(verify(ck::CKM_ML_DSA, &public, &Params::None, b"x", &first), Err(SignatureInvalid));
        assert_eq!(sign(ck::CKM_ML_DSA, &private, &with(9, b""), b"x"), Err(MechanismParamInvalid));
        assert_eq!(sign(ck::CKM_ML_DSA, &private, &with(0, &[0; 256]), b"x"), Err(MechanismParamInvalid));
    }
}

#[test]
fn pre_hashed_signatures() {
    for (generation, key_type, set, digests, whole) in [
        (
            ck::CKM_ML_DSA_KEY_PAIR_GEN,
            ck::CKK_ML_DSA,
            ck::CKP_ML_DSA_65,
            ck::CKM_HASH_ML_DSA,
            ck::CKM_HASH_ML_DSA_SHA384,
        ),
        (
            ck::CKM_SLH_DSA_KEY_PAIR_GEN,
            ck::CKK_SLH_DSA,
            ck::CKP_SLH_DSA_SHA2_128F,
            ck::CKM_HASH_SLH_DSA,
            ck::CKM_HASH_SLH_DSA_SHA384,
        ),
    ] {
        let set = [(ck::CKA_PARAMETER_SET, Value::Ulong(set))];
        let (private, public) = keys(&generated(generation, key_type, &set));
        let with =
            |hash, hedge, context: &[u8]| Params::HashSignContext { hedge, context: context.to_vec(), hash };
        let context = |hedge| Params::SignContext { hedge, context: b"c".to_vec() };
        let hashed = digest(ck::CKM_SHA384, b"message");
        // The two mechanisms sign alike.
        let params = with(ck::CKM_SHA384, ck::CKH_DETERMINISTIC_REQUIRED, b"c");
        let signature = sign(digests, &private, &params, &hashed).unwrap();
        let same = sign_parts(whole, &private, &context(ck::CKH_DETERMINISTIC_REQUIRED), b"message");
        assert_eq!(same.as_ref(), Ok(&signature));
        assert_eq!(verify(whole, &public, &context(ck::CKH_HEDGE_REQUIRED), b"message", &signature), Ok(()));
        assert_eq!(verify(whole, &public, &Params::None, b"message", &signature), Err(SignatureInvalid));
        assert_eq!(verify(digests, &public, &params, &hashed, &signature), Ok(()));
        let other = with(ck::CKM_SHA3_384, ck::CKH_HEDGE_PREFERRED, b"c");
        assert_eq!(
            verify(digests, &public, &other, &hashed, &signature),
            Err(SignatureInvalid),
            "the OID counts"
        );
        assert_eq!(sign(digests, &private, &params, b"message"), Err(DataLenRange));
        assert_eq!(verify(digests, &public, &params, b"message", &signature), Err(DataLenRange));
        for wrong in [
            with(ck::CKM_SHA_1, 0, b""),
            with(ck::CKM_SHA384, 9, b""),
            with(ck::CKM_SHA384, 0, &[0; 256]),
            context(0),
            Params::None,
        ] {
            assert_eq!(sign(digests, &private, &wrong, &hashed), Err(MechanismParamInvalid), "{wrong:?}");
        }
    }
}

#[test]
fn a_key_of_another_type_is_refused() {
    let (private, public) = ec();
    assert_eq!(sign(ck::CKM_RSA_PKCS, &private, &Params::None, b"x"), Err(KeyTypeInconsistent));
    assert_eq!(sign(ck::CKM_ECDSA, &public, &Params::None, b"x"), Err(KeyTypeInconsistent));
    assert_eq!(sign(ck::CKM_SHA256_HMAC, &private, &Params::None, b"x"), Err(KeyTypeInconsistent));
}
