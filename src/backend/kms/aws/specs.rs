//! KMS's key specs and algorithms, in PKCS#11's terms.

use super::refused;
use super::words::PublicKey;
use crate::backend::kms::client::{Act, Cipher, KeySpec, NewKey, Offer, Service, Signing};
use crate::cloud::Result;
use crate::crypto::{Curve, Hash, MlDsaSet, MlKemSet};
use crate::types::ck;

/// What the specs of ML-DSA keys begin with.
pub(super) const ML_DSA: &str = "ML_DSA_";

/// What the specs of ML-KEM keys begin with.
const ML_KEM: &str = "ML_KEM_";

const RSA: &str = "RSA 2048, 3072, 4096";
const CURVES: &str = "P-256, P-384, P-521, secp256k1; digests of any length";
const SIGN: ck::CK_FLAGS = ck::CKF_SIGN;
const MAC: ck::CK_FLAGS = ck::CKF_SIGN | ck::CKF_VERIFY;

const fn offer(mechanism: ck::CK_MECHANISM_TYPE, flags: ck::CK_FLAGS, limits: &'static str) -> Offer {
    Offer { mechanism, flags, limits }
}

/// What is known of AWS KMS before it is asked.
pub static SERVICE: Service = Service {
    provider: "aws",
    manufacturer: "Amazon Web Services",
    model: "AWS KMS",
    offers: &[
        offer(ck::CKM_RSA_PKCS, SIGN, "RSA 2048, 3072, 4096; a DigestInfo of SHA-256, SHA-384 or SHA-512"),
        offer(ck::CKM_SHA256_RSA_PKCS, SIGN, RSA),
        offer(ck::CKM_SHA384_RSA_PKCS, SIGN, RSA),
        offer(ck::CKM_SHA512_RSA_PKCS, SIGN, RSA),
        offer(
            ck::CKM_RSA_PKCS_PSS,
            SIGN,
            "RSA 2048, 3072, 4096; SHA-256, SHA-384, SHA-512; a salt as long as the hash",
        ),
        offer(ck::CKM_SHA256_RSA_PKCS_PSS, SIGN, "RSA 2048, 3072, 4096; a salt as long as the hash"),
        offer(ck::CKM_SHA384_RSA_PKCS_PSS, SIGN, "RSA 2048, 3072, 4096; a salt as long as the hash"),
        offer(ck::CKM_SHA512_RSA_PKCS_PSS, SIGN, "RSA 2048, 3072, 4096; a salt as long as the hash"),
        offer(
            ck::CKM_RSA_PKCS_OAEP,
            ck::CKF_DECRYPT | ck::CKF_UNWRAP,
            "RSA 2048, 3072, 4096; SHA-1 or SHA-256, the same in MGF1, no label",
        ),
        offer(
            ck::CKM_RSA_PKCS_KEY_PAIR_GEN,
            ck::CKF_GENERATE_KEY_PAIR,
            "2048, 3072, 4096; signs or decrypts",
        ),
        offer(ck::CKM_ECDSA, SIGN, CURVES),
        offer(ck::CKM_ECDSA_SHA1, SIGN, CURVES),
        offer(ck::CKM_ECDSA_SHA224, SIGN, CURVES),
        offer(ck::CKM_ECDSA_SHA256, SIGN, CURVES),
        offer(ck::CKM_ECDSA_SHA384, SIGN, CURVES),
        offer(ck::CKM_ECDSA_SHA512, SIGN, CURVES),
        offer(ck::CKM_ECDH1_DERIVE, ck::CKF_DERIVE, "P-256, P-384, P-521 made for key agreement"),
        offer(
            ck::CKM_EC_KEY_PAIR_GEN,
            ck::CKF_GENERATE_KEY_PAIR,
            "P-256, P-384, P-521: signs or agrees; secp256k1: signs",
        ),
        offer(ck::CKM_EDDSA, SIGN, "Ed25519; messages up to 4096 bytes"),
        offer(ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, ck::CKF_GENERATE_KEY_PAIR, "Ed25519"),
        offer(ck::CKM_ML_DSA, SIGN, "ML-DSA-44, 65, 87; messages of any length, and a context"),
        offer(ck::CKM_ML_DSA_KEY_PAIR_GEN, ck::CKF_GENERATE_KEY_PAIR, "ML-DSA-44, 65, 87"),
        offer(ck::CKM_ML_KEM, ck::CKF_DECAPSULATE, "ML-KEM-512, 768, 1024"),
        offer(ck::CKM_ML_KEM_KEY_PAIR_GEN, ck::CKF_GENERATE_KEY_PAIR, "ML-KEM-512, 768, 1024"),
        offer(ck::CKM_SHA224_HMAC, MAC, "messages up to 4096 bytes"),
        offer(ck::CKM_SHA256_HMAC, MAC, "messages up to 4096 bytes"),
        offer(ck::CKM_SHA384_HMAC, MAC, "messages up to 4096 bytes"),
        offer(ck::CKM_SHA512_HMAC, MAC, "messages up to 4096 bytes"),
        offer(
            ck::CKM_GENERIC_SECRET_KEY_GEN,
            ck::CKF_GENERATE,
            "28, 32, 48 or 64 bytes: for HMAC with the hash of that length",
        ),
    ],
    permissions: &[
        (Act::Sign, "kms:Sign"),
        (Act::Read, "kms:GetPublicKey"),
        // Of HMAC keys.
        (Act::Read, "kms:DescribeKey"),
        (Act::Mac, "kms:GenerateMac"),
        (Act::Decrypt, "kms:Decrypt"),
        (Act::Agree, "kms:DeriveSharedSecret"),
        (Act::Decapsulate, "kms:Decapsulate"),
        (Act::Random, "kms:GenerateRandom"),
        (Act::List, "kms:ListAliases"),
        // Keys without an alias.
        (Act::List, "kms:ListKeys"),
        (Act::Create, "kms:CreateKey"),
        (Act::Create, "kms:CreateAlias"),
        (Act::Destroy, "kms:ScheduleKeyDeletion"),
    ],
};

/// The mechanisms of each algorithm that a key's list may name.
const ALGORITHMS: &[(&str, &[ck::CK_MECHANISM_TYPE])] = &[
    ("RSASSA_PKCS1_V1_5_SHA_256", &[ck::CKM_RSA_PKCS, ck::CKM_SHA256_RSA_PKCS]),
    ("RSASSA_PKCS1_V1_5_SHA_384", &[ck::CKM_RSA_PKCS, ck::CKM_SHA384_RSA_PKCS]),
    ("RSASSA_PKCS1_V1_5_SHA_512", &[ck::CKM_RSA_PKCS, ck::CKM_SHA512_RSA_PKCS]),
    ("RSASSA_PSS_SHA_256", &[ck::CKM_RSA_PKCS_PSS, ck::CKM_SHA256_RSA_PKCS_PSS]),
    ("RSASSA_PSS_SHA_384", &[ck::CKM_RSA_PKCS_PSS, ck::CKM_SHA384_RSA_PKCS_PSS]),
    ("RSASSA_PSS_SHA_512", &[ck::CKM_RSA_PKCS_PSS, ck::CKM_SHA512_RSA_PKCS_PSS]),
    ("ECDSA_SHA_256", ECDSA),
    ("ECDSA_SHA_384", ECDSA),
    ("ECDSA_SHA_512", ECDSA),
    ("ED25519_SHA_512", &[ck::CKM_EDDSA]),
    ("ML_DSA_SHAKE_256", &[ck::CKM_ML_DSA]),
    ("RSAES_OAEP_SHA_1", &[ck::CKM_RSA_PKCS_OAEP]),
    ("RSAES_OAEP_SHA_256", &[ck::CKM_RSA_PKCS_OAEP]),
];

const ECDSA: &[ck::CK_MECHANISM_TYPE] = &[
    ck::CKM_ECDSA,
    ck::CKM_ECDSA_SHA1,
    ck::CKM_ECDSA_SHA224,
    ck::CKM_ECDSA_SHA256,
    ck::CKM_ECDSA_SHA384,
    ck::CKM_ECDSA_SHA512,
];

const EC_SPECS: [(&str, Curve); 4] = [
    ("ECC_NIST_P256", Curve::P256),
    ("ECC_NIST_P384", Curve::P384),
    ("ECC_NIST_P521", Curve::P521),
    ("ECC_SECG_P256K1", Curve::Secp256k1),
];

const HMAC_SPECS: [(&str, Hash, ck::CK_MECHANISM_TYPE); 4] = [
    ("HMAC_224", Hash::Sha224, ck::CKM_SHA224_HMAC),
    ("HMAC_256", Hash::Sha256, ck::CKM_SHA256_HMAC),
    ("HMAC_384", Hash::Sha384, ck::CKM_SHA384_HMAC),
    ("HMAC_512", Hash::Sha512, ck::CKM_SHA512_HMAC),
];

/// What a pair is for: its mechanisms, and the flags of their use. Empty for what is of no use here.
pub(super) fn uses(key: &PublicKey) -> (Vec<ck::CK_MECHANISM_TYPE>, ck::CK_FLAGS) {
    let (listed, usage) = match key.key_usage.as_str() {
        "SIGN_VERIFY" => (&key.signing_algorithms, ck::CKF_SIGN),
        "ENCRYPT_DECRYPT" => (&key.encryption_algorithms, ck::CKF_DECRYPT | ck::CKF_UNWRAP),
        "KEY_AGREEMENT" if order_len(&key.key_spec).is_some() => {
            return (vec![ck::CKM_ECDH1_DERIVE], ck::CKF_DERIVE);
        }
        "ENCAPSULATE_DECAPSULATE" if key.key_spec.starts_with(ML_KEM) => {
            return (vec![ck::CKM_ML_KEM], ck::CKF_DECAPSULATE);
        }
        _ => return (Vec::new(), 0),
    };
    let mut mechanisms: Vec<ck::CK_MECHANISM_TYPE> = Vec::new();
    for algorithm in listed.iter().flatten() {
        let row = ALGORITHMS.iter().find(|(name, _)| name == algorithm);
        for mechanism in row.iter().flat_map(|(_, mechanisms)| *mechanisms) {
            if !mechanisms.contains(mechanism) {
                mechanisms.push(*mechanism);
            }
        }
    }
    (mechanisms, usage)
}

/// An HMAC key's length in bytes and its mechanism.
pub(super) fn secret(spec: &str) -> Option<(usize, ck::CK_MECHANISM_TYPE)> {
    let row = HMAC_SPECS.iter().find(|(name, ..)| *name == spec);
    row.map(|(_, hash, mechanism)| (hash.len(), *mechanism))
}

/// Whether a key has a public half that is of use here.
pub(super) fn is_pair(spec: &str) -> bool {
    ["RSA_", "ECC_", ML_DSA, ML_KEM].iter().any(|prefix| spec.starts_with(prefix))
}

/// Bytes of one half of a signature on the spec's curve.
pub(super) fn order_len(spec: &str) -> Option<usize> {
    EC_SPECS.iter().find(|(name, _)| *name == spec).map(|(_, curve)| curve.order_len())
}

/// Whole seconds of a time with a fraction.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(super) fn seconds(time: f64) -> Option<u64> {
    (0.0..1e12).contains(&time).then_some(time as u64)
}

/// What Sign and GenerateMac are told.
pub(super) struct Way<'a> {
    pub algorithm: &'static str,
    pub message: &'a [u8],
    pub message_type: &'static str,
}

/// The algorithm for what is to be signed. [`crate::cloud::Kind::Refused`].
pub(super) fn signing(signing: Signing<'_>) -> Result<Way<'_>> {
    const RAW: &str = "RAW";
    const DIGEST: &str = "DIGEST";
    let hashed = |hash: Hash, names: [&'static str; 4]| match hash {
        Hash::Sha1 => Err(refused("no SHA-1")),
        Hash::Sha224 => Ok(names[0]),
        Hash::Sha256 => Ok(names[1]),
        Hash::Sha384 => Ok(names[2]),
        Hash::Sha512 => Ok(names[3]),
        _ => Err(refused("no hash but SHA-2's")),
    };
    let known = |name: &'static str| match name {
        "" => Err(refused("no SHA-224")),
        name => Ok(name),
    };
    let (algorithm, message, message_type) = match signing {
        Signing::RsaPkcs1 { hash, digest } => {
            let names =
                ["", "RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512"];
            (known(hashed(hash, names)?)?, digest, DIGEST)
        }
        Signing::RsaPss { hash, digest, salt_len } if salt_len == hash.len() => {
            let names = ["", "RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512"];
            (known(hashed(hash, names)?)?, digest, DIGEST)
        }
        Signing::RsaPss { .. } => return Err(refused("a salt as long as the hash only")),
        Signing::RsaPkcs1Raw { .. } => return Err(refused("no PKCS #1 over anything but a digest")),
        Signing::Ecdsa { digest } => {
            let name = match digest.len() {
                32 => "ECDSA_SHA_256",
                48 => "ECDSA_SHA_384",
                64 => "ECDSA_SHA_512",
                _ => return Err(refused("a digest of 32, 48 or 64 bytes only")),
            };
            (name, digest, DIGEST)
        }
        Signing::Ed25519 { message } => ("ED25519_SHA_512", message, RAW),
        Signing::MlDsa { message } => ("ML_DSA_SHAKE_256", message, RAW),
        Signing::MlDsaMu { mu } => ("ML_DSA_SHAKE_256", mu.as_slice(), "EXTERNAL_MU"),
        Signing::Hmac { hash, message } => {
            (hashed(hash, ["HMAC_SHA_224", "HMAC_SHA_256", "HMAC_SHA_384", "HMAC_SHA_512"])?, message, RAW)
        }
    };
    Ok(Way { algorithm, message, message_type })
}

/// The algorithm of a ciphertext. [`crate::cloud::Kind::Refused`].
pub(super) fn decryption(cipher: Cipher<'_>) -> Result<&'static str> {
    match cipher {
        Cipher::RsaOaep { hash: Hash::Sha1 } => Ok("RSAES_OAEP_SHA_1"),
        Cipher::RsaOaep { hash: Hash::Sha256 } => Ok("RSAES_OAEP_SHA_256"),
        _ => Err(refused("it decrypts RSA-OAEP with SHA-1 or SHA-256 only")),
    }
}

/// KeySpec and KeyUsage of a new key. [`crate::cloud::Kind::Refused`].
pub(super) fn to_make(key: &NewKey) -> Result<(&'static str, &'static str)> {
    let (spec, decrypts, derives) = match key.spec {
        KeySpec::Rsa(2048) => ("RSA_2048", true, false),
        KeySpec::Rsa(3072) => ("RSA_3072", true, false),
        KeySpec::Rsa(4096) => ("RSA_4096", true, false),
        KeySpec::Rsa(_) => return Err(refused("RSA keys have 2048, 3072 or 4096 bits")),
        KeySpec::Ec(Curve::P256) => ("ECC_NIST_P256", false, true),
        KeySpec::Ec(Curve::P384) => ("ECC_NIST_P384", false, true),
        KeySpec::Ec(Curve::P521) => ("ECC_NIST_P521", false, true),
        KeySpec::Ec(Curve::Secp256k1) => ("ECC_SECG_P256K1", false, false),
        KeySpec::Ec(_) => return Err(refused("EC keys are on P-256, P-384, P-521 or secp256k1")),
        KeySpec::Ed25519 => ("ECC_NIST_EDWARDS25519", false, false),
        KeySpec::MlDsa(MlDsaSet::MlDsa44) => ("ML_DSA_44", false, false),
        KeySpec::MlDsa(MlDsaSet::MlDsa65) => ("ML_DSA_65", false, false),
        KeySpec::MlDsa(MlDsaSet::MlDsa87) => ("ML_DSA_87", false, false),
        KeySpec::MlKem(set) => {
            let spec = match set {
                MlKemSet::MlKem512 => "ML_KEM_512",
                MlKemSet::MlKem768 => "ML_KEM_768",
                MlKemSet::MlKem1024 => "ML_KEM_1024",
            };
            return Ok((spec, "ENCAPSULATE_DECAPSULATE"));
        }
        KeySpec::Aes(_) => return Err(refused("its AES keys do not encrypt as PKCS #11 means it")),
        // The length says which hash a generic secret is for: a template can't.
        KeySpec::Hmac(_, len) => {
            return match HMAC_SPECS.iter().find(|(_, of, _)| len == of.len()) {
                Some((spec, ..)) => Ok((spec, "GENERATE_VERIFY_MAC")),
                None => Err(refused("HMAC keys have 28, 32, 48 or 64 bytes")),
            };
        }
    };
    // A key here has one use. Templates that leave it open, or name all, get what most want.
    match key {
        NewKey { signs: true, .. } => Ok((spec, "SIGN_VERIFY")),
        NewKey { decrypts: true, .. } if decrypts => Ok((spec, "ENCRYPT_DECRYPT")),
        NewKey { derives: true, .. } if derives => Ok((spec, "KEY_AGREEMENT")),
        _ => Err(refused("keys of this type do not do what the template asks")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Kind;

    fn public(usage: &str, spec: &str, signing: &[&str], encryption: &[&str]) -> PublicKey {
        let owned = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        PublicKey {
            key_id: String::new(),
            public_key: String::new(),
            key_spec: spec.to_owned(),
            key_usage: usage.to_owned(),
            signing_algorithms: owned(signing),
            encryption_algorithms: owned(encryption),
        }
    }

    #[test]
    fn every_mechanism_of_a_key_is_offered() {
        let offered =
            |kind: &ck::CK_MECHANISM_TYPE| SERVICE.offers.iter().any(|offer| offer.mechanism == *kind);
        assert!(ALGORITHMS.iter().flat_map(|(_, kinds)| *kinds).all(offered));
        assert!(HMAC_SPECS.iter().all(|(.., kind)| offered(kind)));
    }

    #[test]
    fn usage_follows_the_key() {
        let (mechanisms, usage) =
            uses(&public("SIGN_VERIFY", "RSA_2048", &["RSASSA_PSS_SHA_256", "NEW"], &[]));
        assert_eq!((mechanisms.len(), usage), (2, ck::CKF_SIGN));
        let (mechanisms, usage) = uses(&public("KEY_AGREEMENT", "ECC_NIST_P256", &[], &[]));
        assert_eq!((mechanisms, usage), (vec![ck::CKM_ECDH1_DERIVE], ck::CKF_DERIVE));
        let (mechanisms, usage) = uses(&public("ENCAPSULATE_DECAPSULATE", "ML_KEM_768", &[], &[]));
        assert_eq!((mechanisms, usage), (vec![ck::CKM_ML_KEM], ck::CKF_DECAPSULATE));
        assert!(uses(&public("ENCRYPT_DECRYPT", "SM2", &[], &["SM2PKE"])).0.is_empty());
    }

    #[test]
    fn what_is_not_done_is_refused() {
        let digest = [0; 20];
        for refused in [
            Signing::RsaPkcs1 { hash: Hash::Sha1, digest: &digest },
            Signing::RsaPkcs1 { hash: Hash::Sha224, digest: &digest },
            Signing::RsaPss { hash: Hash::Sha256, digest: &digest, salt_len: 20 },
            Signing::RsaPkcs1Raw { data: &digest },
            Signing::Ecdsa { digest: &digest },
            Signing::Hmac { hash: Hash::Sha1, message: &digest },
        ] {
            assert_eq!(signing(refused).err().map(|error| error.kind()), Some(Kind::Refused), "{refused:?}");
        }
        assert!(
            decryption(Cipher::RsaPkcs1).is_err()
                && decryption(Cipher::RsaOaep { hash: Hash::Sha384 }).is_err()
        );
    }

    #[test]
    fn new_keys_have_one_use() {
        let key =
            |spec, signs, decrypts, derives| NewKey { label: String::new(), spec, signs, decrypts, derives };
        let p256 = KeySpec::Ec(Curve::P256);
        for (key, expected) in [
            (key(KeySpec::Rsa(2048), true, true, false), Some(("RSA_2048", "SIGN_VERIFY"))),
            (key(KeySpec::Rsa(4096), false, true, false), Some(("RSA_4096", "ENCRYPT_DECRYPT"))),
            (key(p256, false, false, true), Some(("ECC_NIST_P256", "KEY_AGREEMENT"))),
            (key(KeySpec::Ec(Curve::Secp256k1), false, false, true), None),
            (key(KeySpec::Rsa(1024), true, false, false), None),
            (
                key(KeySpec::Hmac(Hash::Sha256, 32), true, false, false),
                Some(("HMAC_256", "GENERATE_VERIFY_MAC")),
            ),
            (key(KeySpec::Hmac(Hash::Sha256, 16), true, false, false), None),
            (key(KeySpec::Aes(32), false, true, false), None),
            (
                key(KeySpec::MlKem(MlKemSet::MlKem1024), false, false, false),
                Some(("ML_KEM_1024", "ENCAPSULATE_DECAPSULATE")),
            ),
        ] {
            assert_eq!(to_make(&key).ok(), expected, "{key:?}");
        }
    }
}
