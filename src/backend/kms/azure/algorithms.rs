//! What keys of Azure's do.

use crate::backend::kms::client::Offer;
use crate::crypto::{Curve, Hash};
use crate::types::ck;

/// The curves by their names in JSON web keys.
const CURVES: [(&str, Curve); 4] =
    [("P-256", Curve::P256), ("P-384", Curve::P384), ("P-521", Curve::P521), ("P-256K", Curve::Secp256k1)];

/// The curve of a name.
pub(super) fn curve(name: &str) -> Option<Curve> {
    CURVES.iter().find(|(of, _)| *of == name).map(|(_, curve)| *curve)
}

/// Its name; `None` for a curve that Azure does not have.
pub(super) fn curve_name(curve: Curve) -> Option<&'static str> {
    CURVES.iter().find(|(_, of)| *of == curve).map(|(name, _)| *name)
}

/// How a curve signs, and the digest's bytes that it takes; `None` for a curve that Azure does not have.
pub(super) fn ecdsa(curve: Curve) -> Option<(&'static str, usize)> {
    match curve {
        Curve::P256 => Some(("ES256", 32)),
        Curve::P384 => Some(("ES384", 48)),
        Curve::P521 => Some(("ES512", 64)),
        Curve::Secp256k1 => Some(("ES256K", 32)),
        Curve::BrainpoolP256r1 | Curve::BrainpoolP384r1 | Curve::BrainpoolP512r1 => None,
    }
}

/// PKCS #1 v1.5 with a hash; `None` for SHA-1 and SHA-224.
pub(super) fn pkcs1(hash: Hash) -> Option<&'static str> {
    match hash {
        Hash::Sha256 => Some("RS256"),
        Hash::Sha384 => Some("RS384"),
        Hash::Sha512 => Some("RS512"),
        _ => None,
    }
}

/// PSS with a hash, MGF1 of the same and a salt as long.
pub(super) fn pss(hash: Hash) -> Option<&'static str> {
    match hash {
        Hash::Sha256 => Some("PS256"),
        Hash::Sha384 => Some("PS384"),
        Hash::Sha512 => Some("PS512"),
        _ => None,
    }
}

/// OAEP with a hash.
pub(super) fn oaep(hash: Hash) -> Option<&'static str> {
    match hash {
        Hash::Sha1 => Some("RSA-OAEP"),
        Hash::Sha256 => Some("RSA-OAEP-256"),
        _ => None,
    }
}

/// What RSA keys sign with.
pub(super) const RSA_SIGN: &[ck::CK_MECHANISM_TYPE] = &[
    ck::CKM_RSA_PKCS,
    ck::CKM_SHA256_RSA_PKCS,
    ck::CKM_SHA384_RSA_PKCS,
    ck::CKM_SHA512_RSA_PKCS,
    ck::CKM_RSA_PKCS_PSS,
    ck::CKM_SHA256_RSA_PKCS_PSS,
    ck::CKM_SHA384_RSA_PKCS_PSS,
    ck::CKM_SHA512_RSA_PKCS_PSS,
];

/// What RSA keys decrypt with.
pub(super) const RSA_DECRYPT: &[ck::CK_MECHANISM_TYPE] = &[ck::CKM_RSA_PKCS, ck::CKM_RSA_PKCS_OAEP];

/// What EC keys sign with.
pub(super) const EC_SIGN: &[ck::CK_MECHANISM_TYPE] = &[
    ck::CKM_ECDSA,
    ck::CKM_ECDSA_SHA1,
    ck::CKM_ECDSA_SHA224,
    ck::CKM_ECDSA_SHA256,
    ck::CKM_ECDSA_SHA384,
    ck::CKM_ECDSA_SHA512,
];

/// What AES keys of managed HSMs do.
pub(super) const AES: &[ck::CK_MECHANISM_TYPE] = &[ck::CKM_AES_CBC, ck::CKM_AES_GCM];

const fn signs(mechanism: ck::CK_MECHANISM_TYPE, limits: &'static str) -> Offer {
    Offer { mechanism, flags: ck::CKF_SIGN, limits }
}

const RSA: &str = "2048, 3072, 4096 bits";
const PSS: &str = "MGF1 of the same hash, a salt as long as the hash";
const EC: &str = "P-256, P-384, P-521, secp256k1";
const DECRYPTS: ck::CK_FLAGS = ck::CKF_DECRYPT | ck::CKF_UNWRAP;

/// What docs/kms.md says, and C_GetMechanismInfo.
pub(super) const OFFERS: &[Offer] = &[
    Offer { mechanism: ck::CKM_RSA_PKCS_KEY_PAIR_GEN, flags: ck::CKF_GENERATE_KEY_PAIR, limits: RSA },
    Offer { mechanism: ck::CKM_EC_KEY_PAIR_GEN, flags: ck::CKF_GENERATE_KEY_PAIR, limits: EC },
    Offer { mechanism: ck::CKM_AES_KEY_GEN, flags: ck::CKF_GENERATE, limits: "managed HSMs; 256 bits" },
    Offer {
        mechanism: ck::CKM_RSA_PKCS,
        flags: ck::CKF_SIGN | DECRYPTS,
        limits: "signs DigestInfos of SHA-256, SHA-384 and SHA-512",
    },
    signs(ck::CKM_SHA256_RSA_PKCS, RSA),
    signs(ck::CKM_SHA384_RSA_PKCS, RSA),
    signs(ck::CKM_SHA512_RSA_PKCS, RSA),
    signs(ck::CKM_RSA_PKCS_PSS, "SHA-256, SHA-384 and SHA-512, MGF1 of the same, a salt as long"),
    signs(ck::CKM_SHA256_RSA_PKCS_PSS, PSS),
    signs(ck::CKM_SHA384_RSA_PKCS_PSS, PSS),
    signs(ck::CKM_SHA512_RSA_PKCS_PSS, PSS),
    Offer {
        mechanism: ck::CKM_RSA_PKCS_OAEP,
        flags: DECRYPTS,
        limits: "SHA-1 and SHA-256, MGF1 of the same, no label",
    },
    signs(ck::CKM_ECDSA, EC),
    signs(ck::CKM_ECDSA_SHA1, EC),
    signs(ck::CKM_ECDSA_SHA224, EC),
    signs(ck::CKM_ECDSA_SHA256, EC),
    signs(ck::CKM_ECDSA_SHA384, EC),
    signs(ck::CKM_ECDSA_SHA512, EC),
    Offer { mechanism: ck::CKM_AES_CBC, flags: ck::CKF_ENCRYPT | ck::CKF_DECRYPT, limits: "managed HSMs" },
    Offer {
        mechanism: ck::CKM_AES_GCM,
        flags: ck::CKF_DECRYPT,
        limits: "managed HSMs; decryption only: the HSM chooses the nonce; tags of 16 bytes",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keys_do_is_offered() {
        for mechanism in [RSA_SIGN, RSA_DECRYPT, EC_SIGN, AES].concat() {
            assert!(OFFERS.iter().any(|offer| offer.mechanism == mechanism), "{mechanism:#x}");
        }
    }
}
