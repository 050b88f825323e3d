//! The table as a whole.

use std::collections::HashSet;

use super::super::params::KdfKind;
use super::super::{ParamKind, all, descriptor};
use crate::types::ck;

const TIER_1: &str = "
    SHA_1 SHA224 SHA256 SHA384 SHA512
    SHA_1_HMAC SHA224_HMAC SHA256_HMAC SHA384_HMAC SHA512_HMAC GENERIC_SECRET_KEY_GEN
    RSA_PKCS_KEY_PAIR_GEN RSA_PKCS RSA_X_509 RSA_PKCS_OAEP RSA_PKCS_PSS
    SHA1_RSA_PKCS SHA224_RSA_PKCS SHA256_RSA_PKCS SHA384_RSA_PKCS SHA512_RSA_PKCS
    SHA1_RSA_PKCS_PSS SHA224_RSA_PKCS_PSS SHA256_RSA_PKCS_PSS SHA384_RSA_PKCS_PSS SHA512_RSA_PKCS_PSS
    EC_KEY_PAIR_GEN ECDSA ECDSA_SHA1 ECDSA_SHA224 ECDSA_SHA256 ECDSA_SHA384 ECDSA_SHA512 ECDH1_DERIVE
    EC_EDWARDS_KEY_PAIR_GEN EDDSA EC_MONTGOMERY_KEY_PAIR_GEN
    AES_KEY_GEN AES_ECB AES_CBC AES_CBC_PAD AES_CTR AES_GCM AES_CMAC
    AES_KEY_WRAP AES_KEY_WRAP_PAD AES_KEY_WRAP_KWP
    ML_DSA_KEY_PAIR_GEN ML_DSA
    HOTP_KEY_GEN HOTP";

const KEY_DERIVATION: &str = "
    CONCATENATE_BASE_AND_KEY CONCATENATE_BASE_AND_DATA CONCATENATE_DATA_AND_BASE XOR_BASE_AND_DATA
    EXTRACT_KEY_FROM_KEY PUB_KEY_FROM_PRIV_KEY HKDF_DERIVE HKDF_DATA HKDF_KEY_GEN PKCS5_PBKD2
    SP800_108_COUNTER_KDF SP800_108_FEEDBACK_KDF SP800_108_DOUBLE_PIPELINE_KDF
    TLS12_MASTER_KEY_DERIVE TLS12_MASTER_KEY_DERIVE_DH TLS12_EXTENDED_MASTER_KEY_DERIVE
    TLS12_EXTENDED_MASTER_KEY_DERIVE_DH TLS12_KEY_AND_MAC_DERIVE TLS12_KEY_SAFE_DERIVE
    TLS_KDF TLS12_KDF TLS_MAC TLS12_MAC TLS_PRE_MASTER_KEY_GEN
    IKE_PRF_DERIVE IKE1_PRF_DERIVE IKE1_EXTENDED_DERIVE IKE2_PRF_PLUS_DERIVE";
/// Hashes, what is made of them, and the signatures that only need the hash.
const HASHES: &str = "
    SHA512_224 SHA512_256 SHA3_224 SHA3_256 SHA3_384 SHA3_512 MD5
    BLAKE2B_160 BLAKE2B_256 BLAKE2B_384 BLAKE2B_512 KEYWARD_KECCAK_256 KEYWARD_BLAKE3
    SHA512_224_HMAC SHA512_256_HMAC SHA3_224_HMAC SHA3_256_HMAC SHA3_384_HMAC SHA3_512_HMAC
    SHA_1_HMAC_GENERAL SHA224_HMAC_GENERAL SHA256_HMAC_GENERAL SHA384_HMAC_GENERAL SHA512_HMAC_GENERAL
    SHA512_224_HMAC_GENERAL SHA512_256_HMAC_GENERAL
    SHA3_224_HMAC_GENERAL SHA3_256_HMAC_GENERAL SHA3_384_HMAC_GENERAL SHA3_512_HMAC_GENERAL
    SHA_1_KEY_GEN SHA224_KEY_GEN SHA256_KEY_GEN SHA384_KEY_GEN SHA512_KEY_GEN SHA512_224_KEY_GEN SHA512_256_KEY_GEN
    SHA3_224_KEY_GEN SHA3_256_KEY_GEN SHA3_384_KEY_GEN SHA3_512_KEY_GEN
    SHA1_KEY_DERIVATION SHA224_KEY_DERIVATION SHA256_KEY_DERIVATION SHA384_KEY_DERIVATION SHA512_KEY_DERIVATION
    SHA512_224_KEY_DERIVATION SHA512_256_KEY_DERIVATION
    SHA3_224_KEY_DERIVATION SHA3_256_KEY_DERIVATION SHA3_384_KEY_DERIVATION SHA3_512_KEY_DERIVATION
    SHAKE_128_KEY_DERIVATION SHAKE_256_KEY_DERIVATION
    BLAKE2B_160_HMAC BLAKE2B_256_HMAC BLAKE2B_384_HMAC BLAKE2B_512_HMAC
    BLAKE2B_160_HMAC_GENERAL BLAKE2B_256_HMAC_GENERAL BLAKE2B_384_HMAC_GENERAL BLAKE2B_512_HMAC_GENERAL
    BLAKE2B_160_KEY_GEN BLAKE2B_256_KEY_GEN BLAKE2B_384_KEY_GEN BLAKE2B_512_KEY_GEN
    BLAKE2B_160_KEY_DERIVE BLAKE2B_256_KEY_DERIVE BLAKE2B_384_KEY_DERIVE BLAKE2B_512_KEY_DERIVE
    MD5_HMAC MD5_HMAC_GENERAL KEYWARD_BLAKE3_MAC
    SHA3_224_RSA_PKCS SHA3_256_RSA_PKCS SHA3_384_RSA_PKCS SHA3_512_RSA_PKCS MD5_RSA_PKCS
    SHA3_224_RSA_PKCS_PSS SHA3_256_RSA_PKCS_PSS SHA3_384_RSA_PKCS_PSS SHA3_512_RSA_PKCS_PSS
    ECDSA_SHA3_224 ECDSA_SHA3_256 ECDSA_SHA3_384 ECDSA_SHA3_512";
const SYMMETRIC: &str = "
    AES_CCM AES_CTS AES_OFB AES_CFB1 AES_CFB8 AES_CFB64 AES_CFB128 AES_XTS AES_XTS_KEY_GEN
    AES_CMAC_GENERAL AES_MAC AES_MAC_GENERAL AES_XCBC_MAC AES_XCBC_MAC_96 AES_GMAC
    AES_ECB_ENCRYPT_DATA AES_CBC_ENCRYPT_DATA
    CHACHA20_KEY_GEN CHACHA20 CHACHA20_POLY1305 POLY1305_KEY_GEN POLY1305
    DES2_KEY_GEN DES3_KEY_GEN DES3_ECB DES3_CBC DES3_CBC_PAD
    DES3_CMAC DES3_CMAC_GENERAL DES3_MAC DES3_MAC_GENERAL DES3_ECB_ENCRYPT_DATA DES3_CBC_ENCRYPT_DATA";
/// Post-quantum mechanisms of v3.2.
const POST_QUANTUM: &str = "
    ML_KEM_KEY_PAIR_GEN ML_KEM SLH_DSA_KEY_PAIR_GEN SLH_DSA
    HASH_ML_DSA HASH_ML_DSA_SHA224 HASH_ML_DSA_SHA256 HASH_ML_DSA_SHA384 HASH_ML_DSA_SHA512
    HASH_ML_DSA_SHA3_224 HASH_ML_DSA_SHA3_256 HASH_ML_DSA_SHA3_384 HASH_ML_DSA_SHA3_512
    HASH_ML_DSA_SHAKE128 HASH_ML_DSA_SHAKE256
    HASH_SLH_DSA HASH_SLH_DSA_SHA224 HASH_SLH_DSA_SHA256 HASH_SLH_DSA_SHA384 HASH_SLH_DSA_SHA512
    HASH_SLH_DSA_SHA3_224 HASH_SLH_DSA_SHA3_256 HASH_SLH_DSA_SHA3_384 HASH_SLH_DSA_SHA3_512
    HASH_SLH_DSA_SHAKE128 HASH_SLH_DSA_SHAKE256";

/// Asymmetric ones of the further tiers.
const ASYMMETRIC: &str = "
    ECDH1_COFACTOR_DERIVE RSA_AES_KEY_WRAP ECDH_AES_KEY_WRAP ECDH_COF_AES_KEY_WRAP ECDH_X_AES_KEY_WRAP
    DH_PKCS_PARAMETER_GEN DH_PKCS_KEY_PAIR_GEN DH_PKCS_DERIVE
    DSA_PARAMETER_GEN DSA_KEY_PAIR_GEN DSA DSA_SHA1 DSA_SHA224 DSA_SHA256 DSA_SHA384 DSA_SHA512
    KEYWARD_ECDSA_RECOVERABLE";

/// keyward's own wallets and password hashing.
const VENDOR: &str = "
    KEYWARD_BIP32_MASTER_GEN KEYWARD_BIP32_CHILD_DERIVE KEYWARD_BIP32_MASTER_DERIVE KEYWARD_BIP39_SEED_IMPORT
    KEYWARD_ARGON2ID";

#[test]
fn every_mechanism_of_the_first_tier_is_there_and_no_other() {
    let names: HashSet<String> = all().map(|row| row.name.to_owned()).collect();
    let wanted: HashSet<String> =
        [TIER_1, KEY_DERIVATION, HASHES, SYMMETRIC, POST_QUANTUM, ASYMMETRIC, VENDOR]
            .iter()
            .flat_map(|names| names.split_whitespace())
            .map(|name| format!("CKM_{name}"))
            .collect();
    assert_eq!(names, wanted);
    assert_eq!(names.len(), all().count(), "a name occurs twice");
}

#[test]
fn rows_are_sorted_and_found() {
    let rows: Vec<_> = all().collect();
    assert!(rows.is_sorted_by(|a, b| a.kind < b.kind));
    for row in rows {
        assert_eq!(descriptor(row.kind).map(|found| found.name), Some(row.name));
    }
    assert!(descriptor(ck::CKM_VENDOR_DEFINED).is_none());
    assert!(descriptor(ck::CKM_MD2).is_none());
}

#[test]
fn flags_follow_from_the_functions() {
    for row in all() {
        let ops = &row.ops;
        let signs = ops.sign.is_some() || ops.sign_counting.is_some();
        let pairs = [
            (ck::CKF_DIGEST, ops.digest.is_some()),
            (ck::CKF_SIGN, signs),
            (ck::CKF_VERIFY, ops.verify.is_some()),
            (ck::CKF_ENCRYPT, ops.encrypt.is_some()),
            (ck::CKF_DECRYPT, ops.decrypt.is_some()),
            (ck::CKF_GENERATE, ops.generate.is_some() || ops.generate_parameters.is_some()),
            (ck::CKF_GENERATE_KEY_PAIR, ops.generate_pair.is_some() || ops.generate_node.is_some()),
            (ck::CKF_WRAP, ops.wrap.is_some()),
            (ck::CKF_UNWRAP, ops.unwrap.is_some()),
            (ck::CKF_DERIVE, ops.derive.is_some()),
            (ck::CKF_ENCAPSULATE, ops.encapsulate.is_some()),
            (ck::CKF_DECAPSULATE, ops.decapsulate.is_some()),
            (ck::CKF_SIGN_RECOVER, ops.sign_recover.is_some()),
            (ck::CKF_VERIFY_RECOVER, ops.verify_recover.is_some()),
            (ck::CKF_MESSAGE_SIGN, signs),
            (ck::CKF_MESSAGE_VERIFY, ops.verify.is_some()),
            (ck::CKF_MESSAGE_ENCRYPT, ops.message.is_some() && ops.encrypt.is_some()),
            (ck::CKF_MESSAGE_DECRYPT, ops.message.is_some() && ops.decrypt.is_some()),
            (ck::CKF_MULTI_MESSAGE, (signs && !ops.single_part) || ops.message.is_some()),
        ];
        for (flag, there) in pairs {
            assert_eq!(row.flags() & flag != 0, there, "{} {flag:#x}", row.name);
        }
        assert!(pairs.iter().any(|(_, there)| *there), "{} does nothing", row.name);
        assert_eq!(row.flags() & ck::CKF_SIGN != 0, ops.verify.is_some(), "{}", row.name);
        assert_eq!(ops.encrypt.is_some(), ops.decrypt.is_some(), "{}", row.name);
        assert_eq!(ops.wrap.is_some(), ops.unwrap.is_some(), "{}", row.name);
        assert_eq!(ops.encapsulate.is_some(), ops.decapsulate.is_some(), "{}", row.name);
        assert_eq!(row.flags() & ck::CKF_EC_F_P != 0, row.key_types.iter().any(is_curve), "{}", row.name);
    }
}

fn is_curve(key_type: &ck::CK_KEY_TYPE) -> bool {
    [ck::CKK_EC, ck::CKK_EC_EDWARDS, ck::CKK_EC_MONTGOMERY].contains(key_type)
}

#[test]
fn keys_and_sizes_are_plausible() {
    for row in all() {
        let keyless = row.ops.digest.is_some();
        assert_eq!(row.key_types.is_empty(), keyless, "{}", row.name);
        assert_eq!(row.max_key_size == 0, keyless, "{}", row.name);
        assert!(row.min_key_size <= row.max_key_size, "{}", row.name);
        let passwords = [ck::CKM_PKCS5_PBKD2, ck::CKM_KEYWARD_ARGON2ID, ck::CKM_KEYWARD_BIP39_SEED_IMPORT];
        let of_a_password = passwords.contains(&row.kind);
        if !of_a_password && (row.ops.generate.is_some() || row.ops.generate_pair.is_some()) {
            let version = ParamKind::Kdf(KdfKind::TlsVersion);
            assert!([ParamKind::None, version].contains(&row.param), "{}", row.name);
            assert_eq!(row.key_types.len(), 1, "{}: generation makes one type of key", row.name);
        }
    }
    let sizes = |kind| descriptor(kind).map(|row| (row.min_key_size, row.max_key_size));
    assert_eq!(sizes(ck::CKM_RSA_PKCS), Some((512, 16384)), "bits");
    assert_eq!(sizes(ck::CKM_ECDSA), Some((256, 521)), "bits");
    assert_eq!(sizes(ck::CKM_EDDSA), Some((255, 448)), "bits");
    assert_eq!(sizes(ck::CKM_AES_GCM), Some((16, 32)), "bytes");
    assert_eq!(sizes(ck::CKM_ML_DSA), Some((1312, 2592)), "bytes of the public key");
    assert_eq!(sizes(ck::CKM_ML_KEM), Some((800, 1568)), "bytes of the public key");
}

#[test]
fn sha_1_signatures_md5_des_and_dsa_are_legacy_and_nothing_else_is() {
    for row in all() {
        let sha1_signature = row.name.contains("SHA1_RSA") || row.name == "CKM_ECDSA_SHA1";
        let md5 = row.name.contains("_MD5");
        let broken = ["CKM_DES", "CKM_DSA"].iter().any(|start| row.name.starts_with(start));
        assert_eq!(row.legacy, sha1_signature || md5 || broken, "{}", row.name);
        assert!(!(row.legacy && row.fips), "{}", row.name);
    }
}
