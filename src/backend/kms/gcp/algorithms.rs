//! Google's algorithms: a version of a key has exactly one, with its padding and hash.

use crate::backend::kms::client::{KeySpec, NewKey, Offer};
use crate::crypto::{self, Curve, Hash, MlDsaPublic, MlDsaSet, MlKemPublic, MlKemSet, PublicKey};
use crate::types::ck;

use Hash::{Sha1, Sha224, Sha256, Sha384, Sha512};

/// What a version does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    Pkcs1(Hash),
    /// PKCS #1 v1.5 over what the caller made: any hash.
    Pkcs1Any,
    Pss(Hash),
    /// With the bytes of the digest that it takes, which are the order's too.
    Ecdsa(usize),
    Ed25519,
    MlDsa(MlDsaSet),
    MlDsaMu(MlDsaSet),
    MlKem(MlKemSet),
    Oaep(Hash),
    Hmac(Hash),
    Gcm(usize),
    Cbc(usize),
    Ctr(usize),
}

/// Every algorithm that a mechanism fits. Left out: Google's own symmetric encryption, whose ciphertexts are opaque,
/// X-Wing, SLH-DSA and key wrapping.
const ALGORITHMS: &[(&str, Does)] = &[
    ("RSA_SIGN_PKCS1_2048_SHA256", Does::Pkcs1(Sha256)),
    ("RSA_SIGN_PKCS1_3072_SHA256", Does::Pkcs1(Sha256)),
    ("RSA_SIGN_PKCS1_4096_SHA256", Does::Pkcs1(Sha256)),
    ("RSA_SIGN_PKCS1_4096_SHA512", Does::Pkcs1(Sha512)),
    ("RSA_SIGN_RAW_PKCS1_2048", Does::Pkcs1Any),
    ("RSA_SIGN_RAW_PKCS1_3072", Does::Pkcs1Any),
    ("RSA_SIGN_RAW_PKCS1_4096", Does::Pkcs1Any),
    ("RSA_SIGN_PSS_2048_SHA256", Does::Pss(Sha256)),
    ("RSA_SIGN_PSS_3072_SHA256", Does::Pss(Sha256)),
    ("RSA_SIGN_PSS_4096_SHA256", Does::Pss(Sha256)),
    ("RSA_SIGN_PSS_4096_SHA512", Does::Pss(Sha512)),
    ("RSA_DECRYPT_OAEP_2048_SHA256", Does::Oaep(Sha256)),
    ("RSA_DECRYPT_OAEP_3072_SHA256", Does::Oaep(Sha256)),
    ("RSA_DECRYPT_OAEP_4096_SHA256", Does::Oaep(Sha256)),
    ("RSA_DECRYPT_OAEP_4096_SHA512", Does::Oaep(Sha512)),
    ("RSA_DECRYPT_OAEP_2048_SHA1", Does::Oaep(Sha1)),
    ("RSA_DECRYPT_OAEP_3072_SHA1", Does::Oaep(Sha1)),
    ("RSA_DECRYPT_OAEP_4096_SHA1", Does::Oaep(Sha1)),
    ("EC_SIGN_P256_SHA256", Does::Ecdsa(32)),
    ("EC_SIGN_P384_SHA384", Does::Ecdsa(48)),
    ("EC_SIGN_SECP256K1_SHA256", Does::Ecdsa(32)),
    ("EC_SIGN_ED25519", Does::Ed25519),
    ("PQ_SIGN_ML_DSA_44", Does::MlDsa(MlDsaSet::MlDsa44)),
    ("PQ_SIGN_ML_DSA_65", Does::MlDsa(MlDsaSet::MlDsa65)),
    ("PQ_SIGN_ML_DSA_87", Does::MlDsa(MlDsaSet::MlDsa87)),
    ("PQ_SIGN_ML_DSA_44_EXTERNAL_MU", Does::MlDsaMu(MlDsaSet::MlDsa44)),
    ("PQ_SIGN_ML_DSA_65_EXTERNAL_MU", Does::MlDsaMu(MlDsaSet::MlDsa65)),
    ("PQ_SIGN_ML_DSA_87_EXTERNAL_MU", Does::MlDsaMu(MlDsaSet::MlDsa87)),
    ("ML_KEM_768", Does::MlKem(MlKemSet::MlKem768)),
    ("ML_KEM_1024", Does::MlKem(MlKemSet::MlKem1024)),
    ("HMAC_SHA1", Does::Hmac(Sha1)),
    ("HMAC_SHA224", Does::Hmac(Sha224)),
    ("HMAC_SHA256", Does::Hmac(Sha256)),
    ("HMAC_SHA384", Does::Hmac(Sha384)),
    ("HMAC_SHA512", Does::Hmac(Sha512)),
    ("AES_128_GCM", Does::Gcm(16)),
    ("AES_256_GCM", Does::Gcm(32)),
    ("AES_128_CBC", Does::Cbc(16)),
    ("AES_256_CBC", Does::Cbc(32)),
    ("AES_128_CTR", Does::Ctr(16)),
    ("AES_256_CTR", Does::Ctr(32)),
];

/// What RSA keys that are made here sign with: a template does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RsaPadding {
    Pkcs1,
    /// Digests of every hash. To make such a key takes a role of its own.
    RawPkcs1,
    Pss,
}

/// What an algorithm does; `None` for one that no mechanism here fits.
pub(super) fn does(algorithm: &str) -> Option<Does> {
    ALGORITHMS.iter().find(|(name, _)| *name == algorithm).map(|(_, does)| *does)
}

impl Does {
    /// The type and the bytes of a secret key; `None` for a pair.
    pub(super) fn secret(self) -> Option<(ck::CK_KEY_TYPE, usize)> {
        match self {
            Does::Hmac(Sha1) => Some((ck::CKK_SHA_1_HMAC, 20)),
            Does::Hmac(Sha224) => Some((ck::CKK_SHA224_HMAC, 28)),
            Does::Hmac(Sha256) => Some((ck::CKK_SHA256_HMAC, 32)),
            Does::Hmac(Sha384) => Some((ck::CKK_SHA384_HMAC, 48)),
            Does::Hmac(Sha512) => Some((ck::CKK_SHA512_HMAC, 64)),
            Does::Gcm(len) | Does::Cbc(len) | Does::Ctr(len) => Some((ck::CKK_AES, len)),
            _ => None,
        }
    }

    /// Whether the public half is exported in NIST's encoding only.
    pub(super) fn is_post_quantum(self) -> bool {
        matches!(self, Does::MlDsa(_) | Does::MlDsaMu(_) | Does::MlKem(_))
    }

    /// The public key of that encoding.
    pub(super) fn public(self, bytes: &[u8]) -> crypto::Result<PublicKey> {
        match self {
            Does::MlDsa(set) | Does::MlDsaMu(set) => MlDsaPublic::new(set, bytes).map(PublicKey::MlDsa),
            Does::MlKem(set) => MlKemPublic::new(set, bytes).map(PublicKey::MlKem),
            _ => Err(crypto::Error::Key("no key that has an encoding of NIST's")),
        }
    }

    /// What for, as CKF_ flags.
    pub(super) fn usage(self) -> ck::CK_FLAGS {
        match self {
            Does::Oaep(_) => ck::CKF_DECRYPT | ck::CKF_UNWRAP,
            Does::Hmac(_) => ck::CKF_SIGN | ck::CKF_VERIFY,
            // Google chooses the nonce.
            Does::Gcm(_) => ck::CKF_DECRYPT,
            Does::Cbc(_) | Does::Ctr(_) => ck::CKF_ENCRYPT | ck::CKF_DECRYPT,
            Does::MlKem(_) => ck::CKF_DECAPSULATE,
            _ => ck::CKF_SIGN,
        }
    }

    /// CKA_ALLOWED_MECHANISMS.
    pub(super) fn mechanisms(self) -> &'static [ck::CK_MECHANISM_TYPE] {
        match self {
            Does::Pkcs1(Sha512) => &[ck::CKM_RSA_PKCS, ck::CKM_SHA512_RSA_PKCS],
            Does::Pkcs1(_) => &[ck::CKM_RSA_PKCS, ck::CKM_SHA256_RSA_PKCS],
            Does::Pkcs1Any => &[
                ck::CKM_RSA_PKCS,
                ck::CKM_SHA1_RSA_PKCS,
                ck::CKM_SHA224_RSA_PKCS,
                ck::CKM_SHA256_RSA_PKCS,
                ck::CKM_SHA384_RSA_PKCS,
                ck::CKM_SHA512_RSA_PKCS,
            ],
            Does::Pss(Sha512) => &[ck::CKM_RSA_PKCS_PSS, ck::CKM_SHA512_RSA_PKCS_PSS],
            Does::Pss(_) => &[ck::CKM_RSA_PKCS_PSS, ck::CKM_SHA256_RSA_PKCS_PSS],
            Does::Ecdsa(_) => &[
                ck::CKM_ECDSA,
                ck::CKM_ECDSA_SHA1,
                ck::CKM_ECDSA_SHA224,
                ck::CKM_ECDSA_SHA256,
                ck::CKM_ECDSA_SHA384,
                ck::CKM_ECDSA_SHA512,
            ],
            Does::Ed25519 => &[ck::CKM_EDDSA],
            Does::MlDsa(_) | Does::MlDsaMu(_) => &[ck::CKM_ML_DSA],
            Does::MlKem(_) => &[ck::CKM_ML_KEM],
            Does::Oaep(_) => &[ck::CKM_RSA_PKCS_OAEP],
            Does::Hmac(Sha1) => &[ck::CKM_SHA_1_HMAC],
            Does::Hmac(Sha224) => &[ck::CKM_SHA224_HMAC],
            Does::Hmac(Sha256) => &[ck::CKM_SHA256_HMAC],
            Does::Hmac(Sha384) => &[ck::CKM_SHA384_HMAC],
            Does::Hmac(Sha512) => &[ck::CKM_SHA512_HMAC],
            // Google has no others: `ALGORITHMS`.
            Does::Hmac(_) => &[],
            Does::Gcm(_) => &[ck::CKM_AES_GCM],
            Does::Cbc(_) => &[ck::CKM_AES_CBC],
            Does::Ctr(_) => &[ck::CKM_AES_CTR],
        }
    }
}

/// Purpose and algorithm of a key to make, and whether only HSMs make it; the reason where Google makes no such key.
/// `rsa` is the word for the padding of RSA keys that sign.
pub(super) fn to_make(key: &NewKey, rsa: RsaPadding) -> Result<(&'static str, String, bool), &'static str> {
    const SIGN: &str = "ASYMMETRIC_SIGN";
    const ENCAPSULATE: &str = "KEY_ENCAPSULATION";
    let both = key.signs && key.decrypts;
    let sign = |algorithm: &str| Ok((SIGN, algorithm.to_owned(), false));
    match key.spec {
        _ if key.derives => Err("Google has no key that derives"),
        KeySpec::Rsa(_) if both => {
            Err("a key of Google's signs or decrypts: give the private key one of CKA_SIGN and CKA_DECRYPT")
        }
        KeySpec::Rsa(bits @ (2048 | 3072 | 4096)) if key.decrypts => {
            Ok(("ASYMMETRIC_DECRYPT", format!("RSA_DECRYPT_OAEP_{bits}_SHA256"), false))
        }
        KeySpec::Rsa(bits @ (2048 | 3072 | 4096)) => sign(&match rsa {
            RsaPadding::Pkcs1 => format!("RSA_SIGN_PKCS1_{bits}_SHA256"),
            RsaPadding::RawPkcs1 => format!("RSA_SIGN_RAW_PKCS1_{bits}"),
            RsaPadding::Pss => format!("RSA_SIGN_PSS_{bits}_SHA256"),
        }),
        KeySpec::Rsa(_) => Err("Google makes RSA keys of 2048, 3072 and 4096 bits"),
        KeySpec::Ec(Curve::P256) => sign("EC_SIGN_P256_SHA256"),
        KeySpec::Ec(Curve::P384) => sign("EC_SIGN_P384_SHA384"),
        KeySpec::Ec(Curve::Secp256k1) => Ok((SIGN, "EC_SIGN_SECP256K1_SHA256".to_owned(), true)),
        KeySpec::Ec(Curve::P521) => Err("Google has no keys on P-521"),
        KeySpec::Ec(_) => Err("Google has keys on P-256, P-384 and secp256k1 only"),
        KeySpec::Ed25519 => sign("EC_SIGN_ED25519"),
        KeySpec::MlDsa(MlDsaSet::MlDsa44) => sign("PQ_SIGN_ML_DSA_44_EXTERNAL_MU"),
        KeySpec::MlDsa(MlDsaSet::MlDsa65) => sign("PQ_SIGN_ML_DSA_65_EXTERNAL_MU"),
        KeySpec::MlDsa(MlDsaSet::MlDsa87) => sign("PQ_SIGN_ML_DSA_87_EXTERNAL_MU"),
        KeySpec::MlKem(MlKemSet::MlKem768) => Ok((ENCAPSULATE, "ML_KEM_768".to_owned(), false)),
        KeySpec::MlKem(MlKemSet::MlKem1024) => Ok((ENCAPSULATE, "ML_KEM_1024".to_owned(), false)),
        KeySpec::MlKem(MlKemSet::MlKem512) => Err("Google makes ML-KEM-768 and ML-KEM-1024 keys"),
        KeySpec::Hmac(hash, len) if len == hash.len() => {
            Ok(("MAC", format!("HMAC_{}", hash.name().replace('-', "")), false))
        }
        KeySpec::Hmac(..) => Err("Google's HMAC keys are as long as the hash"),
        KeySpec::Aes(_) => {
            Err("an AES key of Google's has one mode, which no template names: make it with gcloud")
        }
    }
}

const fn signs(mechanism: ck::CK_MECHANISM_TYPE, limits: &'static str) -> Offer {
    Offer { mechanism, flags: ck::CKF_SIGN, limits }
}

const fn macs(mechanism: ck::CK_MECHANISM_TYPE, limits: &'static str) -> Offer {
    Offer { mechanism, flags: ck::CKF_SIGN | ck::CKF_VERIFY, limits }
}

const RAW: &str = "keys `RSA_SIGN_RAW_PKCS1_*`";
const PKCS1_256: &str = "keys `RSA_SIGN_PKCS1_*_SHA256`, `RSA_SIGN_RAW_PKCS1_*`";
const PKCS1_512: &str = "keys `RSA_SIGN_PKCS1_4096_SHA512`, `RSA_SIGN_RAW_PKCS1_*`";
const ECDSA: &str = "P-256, P-384, secp256k1 (HSM)";
const MAC: &str = "at most 64 KiB; the key is as long as the hash";
const MAKES: ck::CK_FLAGS = ck::CKF_GENERATE_KEY_PAIR;

/// What docs/kms.md says, and C_GetMechanismInfo.
pub(super) const OFFERS: &[Offer] = &[
    Offer {
        mechanism: ck::CKM_RSA_PKCS_KEY_PAIR_GEN,
        flags: MAKES,
        limits: "2048, 3072, 4096 bits: `RSA_SIGN_*` as `rsa_padding` says, or `RSA_DECRYPT_OAEP_*_SHA256`",
    },
    Offer { mechanism: ck::CKM_EC_KEY_PAIR_GEN, flags: MAKES, limits: ECDSA },
    Offer { mechanism: ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, flags: MAKES, limits: "Ed25519" },
    Offer { mechanism: ck::CKM_ML_DSA_KEY_PAIR_GEN, flags: MAKES, limits: "`PQ_SIGN_ML_DSA_*_EXTERNAL_MU`" },
    Offer { mechanism: ck::CKM_ML_KEM_KEY_PAIR_GEN, flags: MAKES, limits: "ML-KEM-768, ML-KEM-1024" },
    Offer { mechanism: ck::CKM_GENERIC_SECRET_KEY_GEN, flags: ck::CKF_GENERATE, limits: "HMAC keys" },
    signs(ck::CKM_RSA_PKCS, "a DigestInfo of the key's hash; any data with `RSA_SIGN_RAW_PKCS1_*`"),
    signs(ck::CKM_SHA1_RSA_PKCS, RAW),
    signs(ck::CKM_SHA224_RSA_PKCS, RAW),
    signs(ck::CKM_SHA256_RSA_PKCS, PKCS1_256),
    signs(ck::CKM_SHA384_RSA_PKCS, RAW),
    signs(ck::CKM_SHA512_RSA_PKCS, PKCS1_512),
    signs(ck::CKM_RSA_PKCS_PSS, "the key's hash, MGF1 of the same, a salt as long"),
    signs(ck::CKM_SHA256_RSA_PKCS_PSS, "keys `RSA_SIGN_PSS_*_SHA256`"),
    signs(ck::CKM_SHA512_RSA_PKCS_PSS, "keys `RSA_SIGN_PSS_4096_SHA512`"),
    signs(ck::CKM_ECDSA, ECDSA),
    signs(ck::CKM_ECDSA_SHA1, ECDSA),
    signs(ck::CKM_ECDSA_SHA224, ECDSA),
    signs(ck::CKM_ECDSA_SHA256, ECDSA),
    signs(ck::CKM_ECDSA_SHA384, ECDSA),
    signs(ck::CKM_ECDSA_SHA512, ECDSA),
    signs(ck::CKM_EDDSA, "Ed25519; at most 64 KiB"),
    signs(ck::CKM_ML_DSA, "at most 64 KiB; any length and a context with `*_EXTERNAL_MU`"),
    macs(ck::CKM_SHA_1_HMAC, MAC),
    macs(ck::CKM_SHA224_HMAC, MAC),
    macs(ck::CKM_SHA256_HMAC, MAC),
    macs(ck::CKM_SHA384_HMAC, MAC),
    macs(ck::CKM_SHA512_HMAC, MAC),
    Offer {
        mechanism: ck::CKM_RSA_PKCS_OAEP,
        flags: ck::CKF_DECRYPT | ck::CKF_UNWRAP,
        limits: "the key's hash (SHA-1, SHA-256, SHA-512), MGF1 of the same, no label",
    },
    Offer {
        mechanism: ck::CKM_ML_KEM,
        flags: ck::CKF_DECAPSULATE,
        limits: "keys `ML_KEM_768`, `ML_KEM_1024`",
    },
    Offer {
        mechanism: ck::CKM_AES_GCM,
        flags: ck::CKF_DECRYPT,
        limits: "decryption only: Google chooses the nonce; at most 64 KiB",
    },
    Offer {
        mechanism: ck::CKM_AES_CBC,
        flags: ck::CKF_ENCRYPT | ck::CKF_DECRYPT,
        limits: "at most 64 KiB; a chosen IV needs `roles/cloudkms.expertRawAesCbc`",
    },
    Offer {
        mechanism: ck::CKM_AES_CTR,
        flags: ck::CKF_ENCRYPT | ck::CKF_DECRYPT,
        limits: "at most 64 KiB; a chosen IV needs `roles/cloudkms.expertRawAesCtr`",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_versions_do_is_offered() {
        for (name, does) in ALGORITHMS {
            for mechanism in does.mechanisms() {
                assert!(OFFERS.iter().any(|offer| offer.mechanism == *mechanism), "{name}: {mechanism:#x}");
            }
        }
    }

    #[test]
    fn what_is_made_is_known() {
        let specs = [
            KeySpec::Rsa(2048),
            KeySpec::Rsa(4096),
            KeySpec::Ec(Curve::P256),
            KeySpec::Ec(Curve::P384),
            KeySpec::Ec(Curve::Secp256k1),
            KeySpec::Ed25519,
            KeySpec::MlDsa(MlDsaSet::MlDsa44),
            KeySpec::MlDsa(MlDsaSet::MlDsa65),
            KeySpec::MlDsa(MlDsaSet::MlDsa87),
            KeySpec::MlKem(MlKemSet::MlKem768),
            KeySpec::MlKem(MlKemSet::MlKem1024),
        ];
        let hmacs = [Sha1, Sha224, Sha256, Sha384, Sha512].map(|hash| KeySpec::Hmac(hash, hash.len()));
        for spec in specs.into_iter().chain(hmacs) {
            for signs in [true, false] {
                let key = NewKey { label: "k".to_owned(), spec, signs, decrypts: !signs, derives: false };
                for rsa in [RsaPadding::Pkcs1, RsaPadding::RawPkcs1, RsaPadding::Pss] {
                    let (_, algorithm, _) = to_make(&key, rsa).unwrap();
                    assert!(does(&algorithm).is_some(), "{algorithm}");
                }
            }
        }
    }
}
