//! The table as a whole.

use std::collections::HashSet;

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
    ML_DSA_KEY_PAIR_GEN ML_DSA";

/// Asymmetric ones of the further tiers.
const ASYMMETRIC: &str = "
    ECDH1_COFACTOR_DERIVE RSA_AES_KEY_WRAP ECDH_AES_KEY_WRAP ECDH_COF_AES_KEY_WRAP ECDH_X_AES_KEY_WRAP
    DH_PKCS_PARAMETER_GEN DH_PKCS_KEY_PAIR_GEN DH_PKCS_DERIVE
    DSA_PARAMETER_GEN DSA_KEY_PAIR_GEN DSA DSA_SHA1 DSA_SHA224 DSA_SHA256 DSA_SHA384 DSA_SHA512
    KEYWARD_ECDSA_RECOVERABLE";

#[test]
fn every_mechanism_of_the_first_tier_is_there_and_no_other() {
    let names: HashSet<String> = all().map(|row| row.name.to_owned()).collect();
    let wanted = [TIER_1, ASYMMETRIC];
    let wanted: HashSet<String> =
        wanted.iter().flat_map(|names| names.split_whitespace()).map(|name| format!("CKM_{name}")).collect();
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
    assert!(descriptor(ck::CKM_MD5).is_none());
}

#[test]
fn flags_follow_from_the_functions() {
    for row in all() {
        let ops = &row.ops;
        let pairs = [
            (ck::CKF_DIGEST, ops.digest.is_some()),
            (ck::CKF_SIGN, ops.sign.is_some()),
            (ck::CKF_VERIFY, ops.verify.is_some()),
            (ck::CKF_ENCRYPT, ops.encrypt.is_some()),
            (ck::CKF_DECRYPT, ops.decrypt.is_some()),
            (ck::CKF_GENERATE, ops.generate.is_some() || ops.generate_parameters.is_some()),
            (ck::CKF_GENERATE_KEY_PAIR, ops.generate_pair.is_some()),
            (ck::CKF_WRAP, ops.wrap.is_some()),
            (ck::CKF_UNWRAP, ops.unwrap.is_some()),
            (ck::CKF_DERIVE, ops.derive.is_some()),
        ];
        for (flag, there) in pairs {
            assert_eq!(row.flags() & flag != 0, there, "{} {flag:#x}", row.name);
        }
        assert!(pairs.iter().any(|(_, there)| *there), "{} does nothing", row.name);
        assert_eq!(ops.sign.is_some(), ops.verify.is_some(), "{}", row.name);
        assert_eq!(ops.encrypt.is_some(), ops.decrypt.is_some(), "{}", row.name);
        assert_eq!(ops.wrap.is_some(), ops.unwrap.is_some(), "{}", row.name);
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
        if row.ops.generate.is_some() || row.ops.generate_pair.is_some() {
            assert_eq!(row.param, ParamKind::None, "{}", row.name);
            assert_eq!(row.key_types.len(), 1, "{}: generation makes one type of key", row.name);
        }
    }
    let sizes = |kind| descriptor(kind).map(|row| (row.min_key_size, row.max_key_size));
    assert_eq!(sizes(ck::CKM_RSA_PKCS), Some((512, 16384)), "bits");
    assert_eq!(sizes(ck::CKM_ECDSA), Some((256, 521)), "bits");
    assert_eq!(sizes(ck::CKM_EDDSA), Some((255, 448)), "bits");
    assert_eq!(sizes(ck::CKM_AES_GCM), Some((16, 32)), "bytes");
    assert_eq!(sizes(ck::CKM_ML_DSA), Some((1312, 2592)), "bytes of the public key");
}

#[test]
fn sha_1_signatures_and_dsa_are_legacy_and_nothing_else_is() {
    for row in all() {
        let sha1_signature = row.name.contains("SHA1_RSA") || row.name == "CKM_ECDSA_SHA1";
        let dsa = row.name == "CKM_DSA" || row.name.starts_with("CKM_DSA_");
        assert_eq!(row.legacy, sha1_signature || dsa, "{}", row.name);
        assert!(!(row.legacy && row.fips), "{}", row.name);
    }
}
