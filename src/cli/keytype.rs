//! The words for types of keys: `rsa:3072`, `ec:p256`, `ml-dsa-65`, `aes:256`. One row per word.

use std::str::FromStr;

use crate::crypto::{Curve, OkpCurve};
use crate::object::{Attributes, Template, Value};
use crate::types::ck;

/// What a key may do, as `--usage` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Usage {
    /// Sign and verify
    Sign,
    /// Encrypt and decrypt
    Encrypt,
    /// Wrap and unwrap other keys
    Wrap,
    /// Derive other keys
    Derive,
    /// Encapsulate and decapsulate secrets
    Encapsulate,
}

/// Which attribute lets a key do what: of a public, a private and a secret key.
type UsageRow = (Usage, &'static [ck::CK_ATTRIBUTE_TYPE], &'static [ck::CK_ATTRIBUTE_TYPE]);
const USAGES: &[UsageRow] = &[
    (Usage::Sign, &[ck::CKA_VERIFY], &[ck::CKA_SIGN]),
    (Usage::Encrypt, &[ck::CKA_ENCRYPT], &[ck::CKA_DECRYPT]),
    (Usage::Wrap, &[ck::CKA_WRAP], &[ck::CKA_UNWRAP]),
    (Usage::Derive, &[], &[ck::CKA_DERIVE]),
];

/// The same for what only pairs do.
const PAIR_USAGES: &[UsageRow] = &[(Usage::Encapsulate, &[ck::CKA_ENCAPSULATE], &[ck::CKA_DECAPSULATE])];

/// Adds every usage attribute that keys of a class have, true or false as `usages` says.
pub fn with_usages(mut template: Template, class: ck::CK_OBJECT_CLASS, usages: &[Usage]) -> Template {
    // Libraries below that are older than v3.2 know no encapsulation: it is named where it is wanted.
    let of_pairs = PAIR_USAGES.iter().filter(|row| class != ck::CKO_SECRET_KEY && usages.contains(&row.0));
    for (usage, public, private) in USAGES.iter().chain(of_pairs) {
        let (of_public, of_private) = (class != ck::CKO_PRIVATE_KEY, class != ck::CKO_PUBLIC_KEY);
        let attributes = public.iter().filter(|_| of_public).chain(private.iter().filter(|_| of_private));
        for attribute in attributes {
            template = template.with(*attribute, usages.contains(usage));
        }
    }
    template
}

/// Attributes that a type of key gives to a template.
pub type Given = Vec<(ck::CK_ATTRIBUTE_TYPE, Value)>;

/// One word, and what it stands for.
#[derive(Debug)]
pub struct Family {
    /// The word.
    pub word: &'static str,
    /// What may follow a colon; empty for nothing.
    parameters: &'static str,
    /// CKM_ of its generation.
    pub generation: ck::CK_MECHANISM_TYPE,
    /// CKK_ of its keys.
    pub key_type: ck::CK_KEY_TYPE,
    /// True for a public and a private key, false for a secret one.
    pub pair: bool,
    /// What its keys may do unless `--usage` says otherwise.
    pub usages: &'static [Usage],
    /// The attributes that the text after the colon stands for.
    attributes: fn(&str) -> Option<Given>,
}

const fn pair(
    word: &'static str,
    generation: ck::CK_MECHANISM_TYPE,
    key_type: ck::CK_KEY_TYPE,
    usages: &'static [Usage],
    attributes: fn(&str) -> Option<Given>,
) -> Family {
    Family { word, parameters: "", generation, key_type, pair: true, usages, attributes }
}

const SIGN: &[Usage] = &[Usage::Sign];
const ENCAPSULATE: &[Usage] = &[Usage::Encapsulate];

/// Every word.
pub const FAMILIES: &[Family] = &[
    Family {
        parameters: "2048|3072|4096|... bits",
        ..pair("rsa", ck::CKM_RSA_PKCS_KEY_PAIR_GEN, ck::CKK_RSA, &[Usage::Sign, Usage::Encrypt], rsa)
    },
    Family {
        parameters: "p256|p384|p521|secp256k1|brainpoolP256r1|brainpoolP384r1|brainpoolP512r1",
        ..pair("ec", ck::CKM_EC_KEY_PAIR_GEN, ck::CKK_EC, &[Usage::Sign, Usage::Derive], curve)
    },
    pair("ed25519", ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, ck::CKK_EC_EDWARDS, SIGN, |none| {
        okp(none, OkpCurve::Ed25519)
    }),
    pair("x25519", ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, ck::CKK_EC_MONTGOMERY, &[Usage::Derive], |none| {
        okp(none, OkpCurve::X25519)
    }),
    pair("ed448", ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, ck::CKK_EC_EDWARDS, SIGN, |none| {
        okp(none, OkpCurve::Ed448)
    }),
    pair("x448", ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, ck::CKK_EC_MONTGOMERY, &[Usage::Derive], |none| {
        okp(none, OkpCurve::X448)
    }),
    pair("ml-dsa-44", ck::CKM_ML_DSA_KEY_PAIR_GEN, ck::CKK_ML_DSA, SIGN, |none| set(none, ck::CKP_ML_DSA_44)),
    pair("ml-dsa-65", ck::CKM_ML_DSA_KEY_PAIR_GEN, ck::CKK_ML_DSA, SIGN, |none| set(none, ck::CKP_ML_DSA_65)),
    pair("ml-dsa-87", ck::CKM_ML_DSA_KEY_PAIR_GEN, ck::CKK_ML_DSA, SIGN, |none| set(none, ck::CKP_ML_DSA_87)),
    pair("ml-kem-512", ck::CKM_ML_KEM_KEY_PAIR_GEN, ck::CKK_ML_KEM, ENCAPSULATE, |none| {
        set(none, ck::CKP_ML_KEM_512)
    }),
    pair("ml-kem-768", ck::CKM_ML_KEM_KEY_PAIR_GEN, ck::CKK_ML_KEM, ENCAPSULATE, |none| {
        set(none, ck::CKP_ML_KEM_768)
    }),
    pair("ml-kem-1024", ck::CKM_ML_KEM_KEY_PAIR_GEN, ck::CKK_ML_KEM, ENCAPSULATE, |none| {
        set(none, ck::CKP_ML_KEM_1024)
    }),
    pair("slh-dsa-sha2-128s", ck::CKM_SLH_DSA_KEY_PAIR_GEN, ck::CKK_SLH_DSA, SIGN, |none| {
        set(none, ck::CKP_SLH_DSA_SHA2_128S)
    }),
    pair("slh-dsa-shake-128s", ck::CKM_SLH_DSA_KEY_PAIR_GEN, ck::CKK_SLH_DSA, SIGN, |none| {
        set(none, ck::CKP_SLH_DSA_SHAKE_128S)
    }),
    pair("slh-dsa-sha2-128f", ck::CKM_SLH_DSA_KEY_PAIR_GEN, ck::CKK_SLH_DSA, SIGN, |none| {
        set(none, ck::CKP_SLH_DSA_SHA2_128F)
    }),
    pair("slh-dsa-shake-128f", ck::CKM_SLH_DSA_KEY_PAIR_GEN, ck::CKK_SLH_DSA, SIGN, |none| {
        set(none, ck::CKP_SLH_DSA_SHAKE_128F)
    }),
    pair("slh-dsa-sha2-192s", ck::CKM_SLH_DSA_KEY_PAIR_GEN, ck::CKK_SLH_DSA, SIGN, |none| {
        set(none, ck::CKP_SLH_DSA_SHA2_192S)
    }),
    pair("slh-dsa-shake-192s", ck::CKM_SLH_DSA_KEY_PAIR_GEN, ck::CKK_SLH_DSA, SIGN, |none| {
        set(none, ck::CKP_SLH_DSA_SHAKE_192S)
    }),
    pair("slh-dsa-sha2-192f", ck::CKM_SLH_DSA_KEY_PAIR_GEN, ck::CKK_SLH_DSA, SIGN, |none| {
        set(none, ck::CKP_SLH_DSA_SHA2_192F)
    }),
    pair("slh-dsa-shake-192f", ck::CKM_SLH_DSA_KEY_PAIR_GEN, ck::CKK_SLH_DSA, SIGN, |none| {
        set(none, ck::CKP_SLH_DSA_SHAKE_192F)
    }),
    pair("slh-dsa-sha2-256s", ck::CKM_SLH_DSA_KEY_PAIR_GEN, ck::CKK_SLH_DSA, SIGN, |none| {
        set(none, ck::CKP_SLH_DSA_SHA2_256S)
    }),
    pair("slh-dsa-shake-256s", ck::CKM_SLH_DSA_KEY_PAIR_GEN, ck::CKK_SLH_DSA, SIGN, |none| {
        set(none, ck::CKP_SLH_DSA_SHAKE_256S)
    }),
    pair("slh-dsa-sha2-256f", ck::CKM_SLH_DSA_KEY_PAIR_GEN, ck::CKK_SLH_DSA, SIGN, |none| {
        set(none, ck::CKP_SLH_DSA_SHA2_256F)
    }),
    pair("slh-dsa-shake-256f", ck::CKM_SLH_DSA_KEY_PAIR_GEN, ck::CKK_SLH_DSA, SIGN, |none| {
        set(none, ck::CKP_SLH_DSA_SHAKE_256F)
    }),
    Family {
        parameters: "128|192|256 bits",
        pair: false,
        ..pair("aes", ck::CKM_AES_KEY_GEN, ck::CKK_AES, &[Usage::Encrypt], bits)
    },
    Family {
        parameters: "8|16|...|524288 bits",
        pair: false,
        ..pair(
            "generic",
            ck::CKM_GENERIC_SECRET_KEY_GEN,
            ck::CKK_GENERIC_SECRET,
            &[Usage::Sign, Usage::Derive],
            bits,
        )
    },
];

/// Names of curves, the one to show first.
const CURVES: &[(&str, Curve)] = &[
    ("p256", Curve::P256),
    ("p384", Curve::P384),
    ("p521", Curve::P521),
    ("secp256k1", Curve::Secp256k1),
    ("brainpoolP256r1", Curve::BrainpoolP256r1),
    ("brainpoolP384r1", Curve::BrainpoolP384r1),
    ("brainpoolP512r1", Curve::BrainpoolP512r1),
    ("secp256r1", Curve::P256),
    ("secp384r1", Curve::P384),
    ("secp521r1", Curve::P521),
    ("prime256v1", Curve::P256),
];

fn rsa(parameter: &str) -> Option<Given> {
    let bits: ck::CK_ULONG = parameter.parse().ok()?;
    Some(vec![(ck::CKA_MODULUS_BITS, bits.into()), (ck::CKA_PUBLIC_EXPONENT, (&[1, 0, 1]).into())])
}

fn curve(parameter: &str) -> Option<Given> {
    let (_, curve) = CURVES.iter().find(|(name, _)| *name == parameter)?;
    Some(vec![(ck::CKA_EC_PARAMS, curve.oid_der().into())])
}

fn okp(none: &str, curve: OkpCurve) -> Option<Given> {
    none.is_empty().then(|| vec![(ck::CKA_EC_PARAMS, curve.oid_der().into())])
}

fn set(none: &str, set: ck::CK_ULONG) -> Option<Given> {
    none.is_empty().then(|| vec![(ck::CKA_PARAMETER_SET, set.into())])
}

fn bits(parameter: &str) -> Option<Given> {
    let bits: ck::CK_ULONG = parameter.parse().ok().filter(|bits| bits % 8 == 0)?;
    Some(vec![(ck::CKA_VALUE_LEN, (bits / 8).into())])
}

/// Types of keys that are imported and never generated, and their words.
const IMPORTED: &[(ck::CK_KEY_TYPE, &str)] = &[
    (ck::CKK_SHA_1_HMAC, "sha1-hmac"),
    (ck::CKK_SHA224_HMAC, "sha224-hmac"),
    (ck::CKK_SHA256_HMAC, "sha256-hmac"),
    (ck::CKK_SHA384_HMAC, "sha384-hmac"),
    (ck::CKK_SHA512_HMAC, "sha512-hmac"),
    (ck::CKK_SHA512_224_HMAC, "sha512-224-hmac"),
    (ck::CKK_SHA512_256_HMAC, "sha512-256-hmac"),
    (ck::CKK_SHA3_224_HMAC, "sha3-224-hmac"),
    (ck::CKK_SHA3_256_HMAC, "sha3-256-hmac"),
    (ck::CKK_SHA3_384_HMAC, "sha3-384-hmac"),
    (ck::CKK_SHA3_512_HMAC, "sha3-512-hmac"),
    (ck::CKK_MD5_HMAC, "md5-hmac"),
    (ck::CKK_BLAKE2B_160_HMAC, "blake2b-160-hmac"),
    (ck::CKK_BLAKE2B_256_HMAC, "blake2b-256-hmac"),
    (ck::CKK_BLAKE2B_384_HMAC, "blake2b-384-hmac"),
    (ck::CKK_BLAKE2B_512_HMAC, "blake2b-512-hmac"),
];

/// What keys of a type may do unless `--usage` says otherwise.
pub fn usages(key_type: ck::CK_KEY_TYPE) -> &'static [Usage] {
    let family = FAMILIES.iter().find(|family| family.key_type == key_type);
    family.map_or(SIGN, |family| family.usages)
}

/// A `--type`.
#[derive(Debug, Clone)]
pub struct KeySpec {
    /// As it was given.
    pub name: String,
    /// Its row.
    pub family: &'static Family,
    /// The attributes that tell this type from others of the family.
    pub attributes: Given,
}

impl FromStr for KeySpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, parameter) = text.split_once(':').unwrap_or((text, ""));
        let family = FAMILIES.iter().find(|family| family.word == word);
        let spec = family.and_then(|family| Some((family, (family.attributes)(parameter)?)));
        let (family, attributes) = spec.ok_or_else(|| format!("one of {}", words()))?;
        Ok(KeySpec { name: text.to_owned(), family, attributes })
    }
}

/// Every type, as help and errors list them.
pub fn words() -> String {
    let words = FAMILIES.iter().map(|family| match family.parameters {
        "" => family.word.to_owned(),
        parameters => format!("{}:{parameters}", family.word),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// What `described` looks at.
pub const DESCRIBING: &[ck::CK_ATTRIBUTE_TYPE] = &[
    ck::CKA_KEY_TYPE,
    ck::CKA_MODULUS,
    ck::CKA_EC_PARAMS,
    ck::CKA_PARAMETER_SET,
    ck::CKA_VALUE_LEN,
    ck::CKA_CERTIFICATE_TYPE,
];

/// The type of an object in the same words; `0x...` for a key type that has none.
pub fn described(object: &Attributes) -> String {
    if let Some(kind) = object.ulong(ck::CKA_CERTIFICATE_TYPE) {
        return if kind == ck::CKC_X_509 { "x509".to_owned() } else { format!("{kind:#x}") };
    }
    let Some(key_type) = object.key_type() else { return String::new() };
    // A family without parameters is told by its attributes; Edwards and Montgomery curves have several names.
    let okp = object.bytes(ck::CKA_EC_PARAMS).and_then(|params| OkpCurve::from_oid_der(params).ok());
    let is = |(id, value): &(ck::CK_ATTRIBUTE_TYPE, Value)| match okp {
        Some(curve) if *id == ck::CKA_EC_PARAMS => *value == Value::from(curve.oid_der()),
        _ => object.get(*id) == Some(value),
    };
    let exact = |family: &&Family| {
        family.key_type == key_type && (family.attributes)("").is_none_or(|own| own.iter().all(is))
    };
    let imported = IMPORTED.iter().find(|(known, _)| *known == key_type).map(|(_, word)| *word);
    let word = FAMILIES.iter().find(exact).map(|family| family.word).or(imported);
    let Some(word) = word else { return format!("{key_type:#x}") };
    let parameter = match (object.bytes(ck::CKA_MODULUS), object.bytes(ck::CKA_EC_PARAMS)) {
        (Some(modulus), _) => modulus_bits(modulus).to_string(),
        (_, Some(params)) if key_type == ck::CKK_EC => curve_name(params),
        _ => object.ulong(ck::CKA_VALUE_LEN).map(|len| (len * 8).to_string()).unwrap_or_default(),
    };
    if parameter.is_empty() { word.to_owned() } else { format!("{word}:{parameter}") }
}

fn modulus_bits(modulus: &[u8]) -> usize {
    let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    let first = modulus.get(zeros).map_or(0, |byte| byte.leading_zeros());
    ((modulus.len() - zeros) * 8).saturating_sub(first as usize)
}

fn curve_name(params: &[u8]) -> String {
    let Ok(curve) = Curve::from_oid_der(params) else { return "?".to_owned() };
    CURVES
        .iter()
        .find(|(_, known)| *known == curve)
        .map_or_else(|| curve.name().to_owned(), |(name, _)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_and_described_alike() {
        for text in [
            "ec:p256",
            "ec:secp256k1",
            "ec:brainpoolP512r1",
            "ed25519",
            "x25519",
            "ed448",
            "x448",
            "ml-dsa-44",
            "ml-dsa-87",
            "ml-kem-512",
            "ml-kem-1024",
            "slh-dsa-sha2-128s",
            "slh-dsa-shake-256f",
            "aes:256",
            "generic:160",
        ] {
            let spec: KeySpec = text.parse().unwrap();
            let mut object: Attributes = spec.attributes.iter().cloned().collect();
            object.set(ck::CKA_KEY_TYPE, spec.family.key_type);
            assert_eq!(described(&object), text);
        }
        let named = Attributes::new()
            .with(ck::CKA_KEY_TYPE, ck::CKK_EC_EDWARDS)
            .with(ck::CKA_EC_PARAMS, b"\x13\x0cedwards25519");
        assert_eq!(described(&named), "ed25519");
        let modulus = [&[0u8, 0x80][..], &[0; 255]].concat();
        let rsa = Attributes::new().with(ck::CKA_KEY_TYPE, ck::CKK_RSA).with(ck::CKA_MODULUS, modulus);
        assert_eq!(described(&rsa), "rsa:2048");
    }

    #[test]
    fn what_is_no_type_is_refused_with_the_list() {
        for text in ["", "rsa", "rsa:x", "ec:p255", "ed25519:1", "aes:7", "ml-dsa"] {
            let error = text.parse::<KeySpec>().unwrap_err();
            assert!(error.contains("ml-dsa-65") && error.contains("ec:p256"), "{error}");
        }
        assert_eq!("rsa:3072".parse::<KeySpec>().unwrap().attributes.len(), 2);
    }

    #[test]
    fn usages_are_said_either_way() {
        let private = with_usages(Template::new(), ck::CKO_PRIVATE_KEY, &[Usage::Sign]);
        assert_eq!(private.flag(ck::CKA_SIGN), Some(true));
        assert_eq!(private.flag(ck::CKA_DECRYPT), Some(false));
        assert_eq!(private.flag(ck::CKA_VERIFY), None);
        let secret = with_usages(Template::new(), ck::CKO_SECRET_KEY, &[Usage::Wrap]);
        assert_eq!((secret.flag(ck::CKA_WRAP), secret.flag(ck::CKA_UNWRAP)), (Some(true), Some(true)));
        let public = with_usages(Template::new(), ck::CKO_PUBLIC_KEY, &[Usage::Encapsulate]);
        assert_eq!(
            (public.flag(ck::CKA_ENCAPSULATE), public.flag(ck::CKA_VERIFY)),
            (Some(true), Some(false))
        );
        assert_eq!((private.flag(ck::CKA_DECAPSULATE), public.flag(ck::CKA_DECAPSULATE)), (None, None));
    }
}
