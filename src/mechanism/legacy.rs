//! Mechanisms of the past that only other libraries have: `policy.legacy = "deny"` hides them there.

use crate::types::ck;

/// The first and last mechanism of each family; the specification numbers them in blocks.
const FAMILIES: &[[ck::CK_MECHANISM_TYPE; 2]] = &[
    [ck::CKM_MD2_RSA_PKCS, ck::CKM_MD5_RSA_PKCS],
    [ck::CKM_RIPEMD128_RSA_PKCS, ck::CKM_RIPEMD160_RSA_PKCS],
    [ck::CKM_RSA_X9_31_KEY_PAIR_GEN, ck::CKM_SHA1_RSA_X9_31],
    [ck::CKM_DSA_KEY_PAIR_GEN, ck::CKM_DSA_SHA512],
    [ck::CKM_DSA_SHA3_224, ck::CKM_DSA_SHA3_512],
    [ck::CKM_RC2_KEY_GEN, ck::CKM_RC2_CBC_PAD],
    [ck::CKM_RC4_KEY_GEN, ck::CKM_RC4],
    // DES in all its forms, and CDMF.
    [ck::CKM_DES_KEY_GEN, ck::CKM_DES_CFB8],
    [ck::CKM_MD2, ck::CKM_MD5_HMAC_GENERAL],
    [ck::CKM_RIPEMD128, ck::CKM_RIPEMD128_HMAC_GENERAL],
    // CAST, RC5, IDEA.
    [ck::CKM_CAST_KEY_GEN, ck::CKM_IDEA_CBC_PAD],
    [ck::CKM_SSL3_PRE_MASTER_KEY_GEN, ck::CKM_SSL3_KEY_AND_MAC_DERIVE],
    [ck::CKM_SSL3_MD5_MAC, ck::CKM_MD2_KEY_DERIVATION],
    [ck::CKM_PBE_MD2_DES_CBC, ck::CKM_PBE_SHA1_RC2_40_CBC],
    [ck::CKM_PBA_SHA1_WITH_SHA1_HMAC, ck::CKM_PBA_SHA1_WITH_SHA1_HMAC],
    // The ciphers of Fortezza, between which elliptic curves have their block.
    [ck::CKM_SKIPJACK_KEY_GEN, ck::CKM_BATON_WRAP],
    [ck::CKM_JUNIPER_KEY_GEN, ck::CKM_FASTHASH],
    [ck::CKM_DES_ECB_ENCRYPT_DATA, ck::CKM_DES3_CBC_ENCRYPT_DATA],
    [ck::CKM_DSA_PARAMETER_GEN, ck::CKM_DSA_PARAMETER_GEN],
    [ck::CKM_DSA_PROBABILISTIC_PARAMETER_GEN, ck::CKM_DSA_FIPS_G_GEN],
];

/// Whether a mechanism that has no row here is one of the past.
pub(super) fn is_old_elsewhere(kind: ck::CK_MECHANISM_TYPE) -> bool {
    FAMILIES.iter().any(|[first, last]| (*first..=*last).contains(&kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mechanism::{all, is_legacy};

    #[test]
    fn the_past_is_told_from_the_present() {
        for old in [
            ck::CKM_MD5,
            ck::CKM_MD5_RSA_PKCS,
            ck::CKM_DES_CBC,
            ck::CKM_DES3_CBC_PAD,
            ck::CKM_DES3_CMAC,
            ck::CKM_DSA,
            ck::CKM_DSA_SHA256,
            ck::CKM_RC4,
            ck::CKM_RC5_CBC,
            ck::CKM_SHA1_RSA_PKCS,
            ck::CKM_ECDSA_SHA1,
            ck::CKM_SKIPJACK_CBC64,
            ck::CKM_SSL3_MD5_MAC,
        ] {
            assert!(is_legacy(old), "{old:#x}");
        }
        for new in [
            ck::CKM_RSA_PKCS,
            ck::CKM_SHA_1,
            ck::CKM_SHA256_HMAC_GENERAL,
            ck::CKM_AES_CCM,
            ck::CKM_AES_CTS,
            ck::CKM_TLS12_KDF,
            ck::CKM_PKCS5_PBKD2,
            ck::CKM_CAMELLIA_CBC,
            ck::CKM_ECDSA_SHA3_256,
            ck::CKM_DH_PKCS_DERIVE,
            ck::CKM_ML_KEM,
            ck::CKM_VENDOR_DEFINED | 1,
        ] {
            assert!(!is_legacy(new), "{new:#x}");
        }
        let ours: Vec<_> =
            all().filter(|row| !row.legacy && is_old_elsewhere(row.kind)).map(|row| row.name).collect();
        assert!(ours.is_empty(), "{ours:?}");
    }
}
