//! One row per object class and key or certificate type: which attributes it has, who may set them when, and
//! what they are when nobody sets them.
//!
//! A row lists groups of rules, the particular ones first: the first rule found for an attribute counts. The
//! groups and the numbers F1 to F12 are the tables of PKCS#11 v3.2 and the footnotes of its "Common
//! attributes". Adding a key type adds a row.
//!
//! Defaults that the specification leaves to the token (footnote 9 and CKA_PRIVATE) are SoftHSM's where
//! programs rely on them, measured on its release 2.6:
//! - CKA_PRIVATE is true for data objects, private and secret keys, false for the rest.
//! - A key is usable for what its type can do: CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_WRAP and
//!   CKA_UNWRAP are true for such keys. SoftHSM sets them for every key, an EC key's CKA_DECRYPT too; here
//!   they say what works, and `systemd-cryptenroll` and its like choose by them. CKA_DERIVE is false, as
//!   specified.
//! - CKA_EXTRACTABLE is false, except where the specification says true: after C_UnwrapKey, C_EncapsulateKey
//!   and C_DecapsulateKey.
//! - CKA_SENSITIVE is false for secret keys, as specified; such a key shows its value only if its creator
//!   asked for CKA_EXTRACTABLE. For private keys it is true, unlike SoftHSM's: a private key that shall be
//!   read must be asked for.

use super::attribute;
use super::template::fault;
use super::{Attributes, Value};
use crate::error::{Error, ErrorKind, Result};
use crate::types::ck;

/// A set of footnotes.
pub(super) type Notes = u16;

/// Must be given to C_CreateObject.
pub(super) const F1: Notes = 1 << 1;
/// Must not be given to C_CreateObject.
pub(super) const F2: Notes = 1 << 2;
/// Must be given to C_GenerateKey or C_GenerateKeyPair.
pub(super) const F3: Notes = 1 << 3;
/// Must not be given to C_GenerateKey or C_GenerateKeyPair.
pub(super) const F4: Notes = 1 << 4;
/// Must be given to C_UnwrapKey.
pub(super) const F5: Notes = 1 << 5;
/// Must not be given to C_UnwrapKey.
pub(super) const F6: Notes = 1 << 6;
/// Not revealed of a sensitive or unextractable key.
pub(super) const F7: Notes = 1 << 7;
/// May be changed by C_SetAttributeValue and C_CopyObject.
pub(super) const F8: Notes = 1 << 8;
/// Set to true by the SO only.
pub(super) const F10: Notes = 1 << 10;
/// Stays true once true.
pub(super) const F11: Notes = 1 << 11;
/// Stays false once false.
pub(super) const F12: Notes = 1 << 12;
/// May be changed by C_CopyObject only (section 4.1.3).
pub(super) const ON_COPY: Notes = 1 << 13;
/// May be changed to the empty value only (CKA_CHECK_VALUE).
pub(super) const TO_EMPTY: Notes = 1 << 14;

/// What an attribute is when nobody sets it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unset {
    /// The object lacks it, or the mechanism supplies it.
    Absent,
    Bool(bool),
    Ulong(ck::CK_ULONG),
    Bytes(&'static [u8]),
}

impl Unset {
    pub(super) fn value(self) -> Option<Value> {
        match self {
            Unset::Absent => None,
            Unset::Bool(flag) => Some(Value::Bool(flag)),
            Unset::Ulong(n) => Some(Value::Ulong(n)),
            Unset::Bytes(bytes) => Some(Value::from(bytes)),
        }
    }
}

/// One attribute of a class.
#[derive(Debug)]
pub(super) struct Rule {
    pub id: ck::CK_ATTRIBUTE_TYPE,
    notes: Notes,
    pub default: Unset,
}

impl Rule {
    /// True if any of these footnotes applies.
    pub(super) const fn has(&self, notes: Notes) -> bool {
        self.notes & notes != 0
    }
}

/// An object class, or one type of keys or certificates in it.
#[derive(Debug)]
pub(super) struct Class {
    /// For messages, with its article: "an AES key".
    pub name: &'static str,
    pub class: ck::CK_OBJECT_CLASS,
    /// CKA_KEY_TYPE or CKA_CERTIFICATE_TYPE, where the class has one.
    pub subtype: Option<ck::CK_ULONG>,
    /// What such a key can do: these flags are true by default.
    uses: &'static [ck::CK_ATTRIBUTE_TYPE],
    groups: &'static [&'static [Rule]],
}

impl Class {
    /// The rule that counts for an attribute; `None` if such objects do not have it.
    pub(super) fn rule(&self, id: ck::CK_ATTRIBUTE_TYPE) -> Option<&'static Rule> {
        self.groups.iter().flat_map(|group| group.iter()).find(|rule| rule.id == id)
    }

    /// The rules that count, one per attribute.
    pub(super) fn rules(&self) -> impl Iterator<Item = &'static Rule> {
        let all = self.groups.iter().flat_map(|group| group.iter());
        all.filter(|rule| self.rule(rule.id).is_some_and(|counts| std::ptr::eq(counts, *rule)))
    }

    /// An attribute's default.
    pub(super) fn default(&self, rule: &Rule) -> Option<Value> {
        match self.uses.contains(&rule.id) {
            true => Some(Value::Bool(true)),
            false => rule.default.value(),
        }
    }

    /// The row of an existing object; `None` if it was made by a keyward that knew more.
    pub(super) fn of(attributes: &Attributes) -> Option<&'static Class> {
        let class = attributes.class();
        let subtype = subtype_attribute(class).and_then(|id| attributes.ulong(id));
        CLASSES.iter().find(|row| row.class == class && row.subtype == subtype)
    }

    /// The row for a new object.
    ///
    /// # Errors
    /// CKR_TEMPLATE_INCOMPLETE without the type that the class needs, CKR_ATTRIBUTE_VALUE_INVALID for a class
    /// or type that cannot be created, CKR_TEMPLATE_INCONSISTENT for a key type of another class.
    pub(super) fn resolve(
        class: ck::CK_OBJECT_CLASS,
        subtype: impl Fn(ck::CK_ATTRIBUTE_TYPE) -> Option<ck::CK_ULONG>,
    ) -> Result<&'static Class> {
        if !CLASSES.iter().any(|row| row.class == class) {
            let why = format!("is {class:#x}, a class of objects that cannot be created here");
            return Err(fault(ErrorKind::AttributeValueInvalid, ck::CKA_CLASS, why));
        }
        let Some(id) = subtype_attribute(class) else {
            return Self::find(class, None).ok_or_else(|| unknown_type(ck::CKA_CLASS, class));
        };
        let subtype = subtype(id).ok_or_else(|| {
            fault(ErrorKind::TemplateIncomplete, id, "is missing: it says which kind of object this is")
        })?;
        Self::find(class, Some(subtype)).ok_or_else(|| unknown_type(id, subtype))
    }

    fn find(class: ck::CK_OBJECT_CLASS, subtype: Option<ck::CK_ULONG>) -> Option<&'static Class> {
        CLASSES.iter().find(|row| row.class == class && row.subtype == subtype)
    }

    /// Every row, for tests.
    #[cfg(test)]
    pub(super) fn all() -> impl Iterator<Item = &'static Class> {
        CLASSES.iter()
    }
}

/// The attribute that tells the types of a class apart.
fn subtype_attribute(class: ck::CK_OBJECT_CLASS) -> Option<ck::CK_ATTRIBUTE_TYPE> {
    match class {
        ck::CKO_CERTIFICATE => Some(ck::CKA_CERTIFICATE_TYPE),
        ck::CKO_PUBLIC_KEY
        | ck::CKO_PRIVATE_KEY
        | ck::CKO_SECRET_KEY
        | ck::CKO_OTP_KEY
        | ck::CKO_DOMAIN_PARAMETERS => Some(ck::CKA_KEY_TYPE),
        _ => None,
    }
}

fn unknown_type(id: ck::CK_ATTRIBUTE_TYPE, value: ck::CK_ULONG) -> Error {
    let elsewhere =
        CLASSES.iter().any(|row| subtype_attribute(row.class) == Some(id) && row.subtype == Some(value));
    match elsewhere {
        true => fault(
            ErrorKind::TemplateInconsistent,
            id,
            format_args!(
                "is {value:#x}, which does not go with the template's {}",
                attribute::name(ck::CKA_CLASS)
            ),
        ),
        false => {
            fault(ErrorKind::AttributeValueInvalid, id, format_args!("is {value:#x}, which keyward lacks"))
        }
    }
}

impl Class {
    /// Public, private, secret or OTP key.
    pub(super) fn is_key(&self) -> bool {
        matches!(self.class, ck::CKO_PUBLIC_KEY | ck::CKO_PRIVATE_KEY | ck::CKO_SECRET_KEY | ck::CKO_OTP_KEY)
    }

    /// The class of keys that C_GenerateKey makes of a key type; a secret key unless the type has another.
    pub(super) fn of_generated(key_type: Option<ck::CK_KEY_TYPE>) -> ck::CK_OBJECT_CLASS {
        let is_otp = |row: &&Class| row.class == ck::CKO_OTP_KEY && row.subtype == key_type;
        CLASSES.iter().find(is_otp).map_or(ck::CKO_SECRET_KEY, |row| row.class)
    }
}

const fn rule(id: ck::CK_ATTRIBUTE_TYPE, notes: Notes, default: Unset) -> Rule {
    Rule { id, notes, default }
}

const ABSENT: Unset = Unset::Absent;
const EMPTY: Unset = Unset::Bytes(&[]);
const FALSE: Unset = Unset::Bool(false);
const TRUE: Unset = Unset::Bool(true);
const ZERO: Unset = Unset::Ulong(0);

/// "Common attributes" and "Storage objects".
const STORAGE: &[Rule] = &[
    rule(ck::CKA_CLASS, F1, ABSENT),
    rule(ck::CKA_UNIQUE_ID, F2 | F4 | F6, ABSENT),
    rule(ck::CKA_TOKEN, ON_COPY, FALSE),
    rule(ck::CKA_PRIVATE, ON_COPY, TRUE),
    rule(ck::CKA_MODIFIABLE, ON_COPY, TRUE),
    rule(ck::CKA_LABEL, F8, EMPTY),
    rule(ck::CKA_COPYABLE, F12, TRUE),
    rule(ck::CKA_DESTROYABLE, ON_COPY, TRUE),
];

/// For the classes whose objects everybody may see.
const PUBLIC_BY_DEFAULT: &[Rule] = &[rule(ck::CKA_PRIVATE, ON_COPY, FALSE)];

/// "Data objects". Not to be changed, as in the specification's table and SoftHSM: an application replaces
/// the object.
const DATA: &[Rule] =
    &[rule(ck::CKA_APPLICATION, 0, EMPTY), rule(ck::CKA_OBJECT_ID, 0, EMPTY), rule(ck::CKA_VALUE, 0, EMPTY)];

/// "Certificate objects". CKA_CHECK_VALUE is computed where it is not given.
const CERTIFICATE: &[Rule] = &[
    rule(ck::CKA_CERTIFICATE_TYPE, F1, ABSENT),
    rule(ck::CKA_TRUSTED, F10, FALSE),
    rule(ck::CKA_CERTIFICATE_CATEGORY, 0, ZERO),
    rule(ck::CKA_CHECK_VALUE, 0, ABSENT),
    rule(ck::CKA_START_DATE, 0, EMPTY),
    rule(ck::CKA_END_DATE, 0, EMPTY),
    rule(ck::CKA_PUBLIC_KEY_INFO, 0, EMPTY),
];

const CERTIFICATE_URL: &[Rule] = &[
    rule(ck::CKA_URL, 0, EMPTY),
    rule(ck::CKA_HASH_OF_SUBJECT_PUBLIC_KEY, 0, EMPTY),
    rule(ck::CKA_HASH_OF_ISSUER_PUBLIC_KEY, 0, EMPTY),
    rule(ck::CKA_NAME_HASH_ALGORITHM, 0, ABSENT),
];

const X509: &[Rule] = &[
    rule(ck::CKA_SUBJECT, F1, ABSENT),
    rule(ck::CKA_ID, F8, EMPTY),
    rule(ck::CKA_ISSUER, F8, EMPTY),
    rule(ck::CKA_SERIAL_NUMBER, F8, EMPTY),
    rule(ck::CKA_VALUE, F1, ABSENT),
    rule(ck::CKA_JAVA_MIDP_SECURITY_DOMAIN, 0, ZERO),
];

const WTLS: &[Rule] =
    &[rule(ck::CKA_SUBJECT, F1, ABSENT), rule(ck::CKA_ISSUER, F8, EMPTY), rule(ck::CKA_VALUE, F1, ABSENT)];

const X509_ATTRIBUTES: &[Rule] = &[
    rule(ck::CKA_OWNER, F1, ABSENT),
    rule(ck::CKA_AC_ISSUER, F8, EMPTY),
    rule(ck::CKA_SERIAL_NUMBER, F8, EMPTY),
    rule(ck::CKA_ATTR_TYPES, F8, EMPTY),
    rule(ck::CKA_VALUE, F1, ABSENT),
];

/// "Trust objects". Trust is there to be changed: NSS edits it in place.
const TRUST: &[Rule] = &[
    rule(ck::CKA_ISSUER, F1, ABSENT),
    rule(ck::CKA_SERIAL_NUMBER, F1, ABSENT),
    rule(ck::CKA_HASH_OF_CERTIFICATE, 0, EMPTY),
    rule(ck::CKA_NAME_HASH_ALGORITHM, 0, ABSENT),
    rule(ck::CKA_TRUST_SERVER_AUTH, F8, ABSENT),
    rule(ck::CKA_TRUST_CLIENT_AUTH, F8, ABSENT),
    rule(ck::CKA_TRUST_CODE_SIGNING, F8, ABSENT),
    rule(ck::CKA_TRUST_EMAIL_PROTECTION, F8, ABSENT),
    rule(ck::CKA_TRUST_IPSEC_IKE, F8, ABSENT),
    rule(ck::CKA_TRUST_TIME_STAMPING, F8, ABSENT),
    rule(ck::CKA_TRUST_OCSP_SIGNING, F8, ABSENT),
];

/// "Key objects". CKA_ALLOWED_MECHANISMS is left out where unrestricted.
const KEY: &[Rule] = &[
    rule(ck::CKA_KEY_TYPE, F1 | F5, ABSENT),
    rule(ck::CKA_ID, F8, EMPTY),
    rule(ck::CKA_START_DATE, F8, EMPTY),
    rule(ck::CKA_END_DATE, F8, EMPTY),
    rule(ck::CKA_DERIVE, F8, FALSE),
    rule(ck::CKA_LOCAL, F2 | F4 | F6, ABSENT),
    rule(ck::CKA_KEY_GEN_MECHANISM, F2 | F4 | F6, ABSENT),
    rule(ck::CKA_ALLOWED_MECHANISMS, 0, ABSENT),
    rule(ck::CKA_OBJECT_VALIDATION_FLAGS, F2 | F4 | F6, ABSENT),
];

/// "Public key objects". CKA_PUBLIC_CRC64_VALUE (footnotes 1 and 13) is not demanded: no application gives
/// it.
const PUBLIC: &[Rule] = &[
    rule(ck::CKA_SUBJECT, F8, EMPTY),
    rule(ck::CKA_ENCRYPT, F8, FALSE),
    rule(ck::CKA_VERIFY, F8, FALSE),
    rule(ck::CKA_VERIFY_RECOVER, F8, FALSE),
    rule(ck::CKA_WRAP, F8, FALSE),
    rule(ck::CKA_ENCAPSULATE, F8, FALSE),
    rule(ck::CKA_TRUSTED, F10, FALSE),
    rule(ck::CKA_WRAP_TEMPLATE, 0, ABSENT),
    rule(ck::CKA_ENCAPSULATE_TEMPLATE, 0, ABSENT),
    rule(ck::CKA_PUBLIC_KEY_INFO, F4, ABSENT),
    rule(ck::CKA_PUBLIC_CRC64_VALUE, F4, ABSENT),
];

/// "Private key objects".
const PRIVATE: &[Rule] = &[
    rule(ck::CKA_SUBJECT, F8, EMPTY),
    rule(ck::CKA_SENSITIVE, F8 | F11, TRUE),
    rule(ck::CKA_DECRYPT, F8, FALSE),
    rule(ck::CKA_SIGN, F8, FALSE),
    rule(ck::CKA_SIGN_RECOVER, F8, FALSE),
    rule(ck::CKA_UNWRAP, F8, FALSE),
    rule(ck::CKA_DECAPSULATE, F8, FALSE),
    rule(ck::CKA_EXTRACTABLE, F8 | F12, FALSE),
    rule(ck::CKA_ALWAYS_SENSITIVE, F2 | F4 | F6, ABSENT),
    rule(ck::CKA_NEVER_EXTRACTABLE, F2 | F4 | F6, ABSENT),
    rule(ck::CKA_WRAP_WITH_TRUSTED, F11, FALSE),
    rule(ck::CKA_UNWRAP_TEMPLATE, 0, ABSENT),
    rule(ck::CKA_DECAPSULATE_TEMPLATE, 0, ABSENT),
    rule(ck::CKA_ALWAYS_AUTHENTICATE, 0, FALSE),
    rule(ck::CKA_PUBLIC_KEY_INFO, F8 | F4, ABSENT),
    rule(ck::CKA_DERIVE_TEMPLATE, 0, ABSENT),
    rule(ck::CKA_PUBLIC_CRC64_VALUE, F4, ABSENT),
];

/// "Secret key objects".
const SECRET: &[Rule] = &[
    rule(ck::CKA_SENSITIVE, F8 | F11, FALSE),
    rule(ck::CKA_ENCRYPT, F8, FALSE),
    rule(ck::CKA_DECRYPT, F8, FALSE),
    rule(ck::CKA_SIGN, F8, FALSE),
    rule(ck::CKA_VERIFY, F8, FALSE),
    rule(ck::CKA_WRAP, F8, FALSE),
    rule(ck::CKA_UNWRAP, F8, FALSE),
    rule(ck::CKA_EXTRACTABLE, F8 | F12, FALSE),
    rule(ck::CKA_ALWAYS_SENSITIVE, F2 | F4 | F6, ABSENT),
    rule(ck::CKA_NEVER_EXTRACTABLE, F2 | F4 | F6, ABSENT),
    rule(ck::CKA_CHECK_VALUE, TO_EMPTY, ABSENT),
    rule(ck::CKA_WRAP_WITH_TRUSTED, F11, FALSE),
    rule(ck::CKA_TRUSTED, F10, FALSE),
    rule(ck::CKA_WRAP_TEMPLATE, 0, ABSENT),
    rule(ck::CKA_UNWRAP_TEMPLATE, 0, ABSENT),
    rule(ck::CKA_DERIVE_TEMPLATE, 0, ABSENT),
];

/// "RSA public key objects". The exponent is 65537 where C_GenerateKeyPair is not told another.
const RSA_PUBLIC: &[Rule] = &[
    rule(ck::CKA_MODULUS, F1 | F4, ABSENT),
    rule(ck::CKA_MODULUS_BITS, F2 | F3, ABSENT),
    rule(ck::CKA_PUBLIC_EXPONENT, F1, Unset::Bytes(&[1, 0, 1])),
];

/// "RSA private key objects". The public exponent is not demanded, as it was not before v2.40, and Java omits
/// it for keys without CRT parts; whether the rest suffices is decided with the key in hand.
const RSA_PRIVATE: &[Rule] = &[
    rule(ck::CKA_MODULUS, F1 | F4 | F6, ABSENT),
    rule(ck::CKA_PUBLIC_EXPONENT, F4 | F6, ABSENT),
    rule(ck::CKA_PRIVATE_EXPONENT, F1 | F4 | F6 | F7, ABSENT),
    rule(ck::CKA_PRIME_1, F4 | F6 | F7, ABSENT),
    rule(ck::CKA_PRIME_2, F4 | F6 | F7, ABSENT),
    rule(ck::CKA_EXPONENT_1, F4 | F6 | F7, ABSENT),
    rule(ck::CKA_EXPONENT_2, F4 | F6 | F7, ABSENT),
    rule(ck::CKA_COEFFICIENT, F4 | F6 | F7, ABSENT),
];

/// Short Weierstrass, Edwards and Montgomery curves.
const EC_PUBLIC: &[Rule] = &[
    rule(ck::CKA_EC_PARAMS, F1 | F3, ABSENT),
    rule(ck::CKA_EC_POINT, F1 | F4, ABSENT),
    rule(ck::CKA_KEYWARD_WALLET_NAME, F2 | F4, ABSENT),
    rule(ck::CKA_KEYWARD_WALLET_ADDRESS, F2 | F4, ABSENT),
];

/// The same, and the public point, which many modules keep with the private key.
const EC_PRIVATE: &[Rule] = &[
    rule(ck::CKA_EC_PARAMS, F1 | F4 | F6, ABSENT),
    rule(ck::CKA_VALUE, F1 | F4 | F6 | F7, ABSENT),
    rule(ck::CKA_EC_POINT, F4 | F6, ABSENT),
    rule(ck::CKA_KEYWARD_WALLET_NAME, F2 | F4 | F6, ABSENT),
    rule(ck::CKA_KEYWARD_WALLET_ADDRESS, F2 | F4 | F6, ABSENT),
];

/// What makes a private key one of a wallet. It can be imported with the key, and leaves as the key's value does.
const CHAIN_CODE: &[Rule] = &[rule(ck::CKA_KEYWARD_CHAIN_CODE, F4 | F6 | F7, ABSENT)];

/// ML-DSA, ML-KEM and SLH-DSA.
const PARAMETER_SET_PUBLIC: &[Rule] =
    &[rule(ck::CKA_PARAMETER_SET, F1 | F3, ABSENT), rule(ck::CKA_VALUE, F1 | F4, ABSENT)];

const PARAMETER_SET_PRIVATE: &[Rule] =
    &[rule(ck::CKA_PARAMETER_SET, F1 | F4 | F6, ABSENT), rule(ck::CKA_VALUE, F1 | F4 | F6 | F7, ABSENT)];

/// The seed alone is a key as well: CKA_VALUE is then computed from it.
const SEEDED_PRIVATE: &[Rule] =
    &[rule(ck::CKA_SEED, F4 | F6 | F7, ABSENT), rule(ck::CKA_VALUE, F4 | F6 | F7, ABSENT)];

/// "Diffie-Hellman public key objects".
const DH_PUBLIC: &[Rule] = &[
    rule(ck::CKA_PRIME, F1 | F3, ABSENT),
    rule(ck::CKA_BASE, F1 | F3, ABSENT),
    rule(ck::CKA_VALUE, F1 | F4, ABSENT),
];

/// "Diffie-Hellman private key objects". CKA_VALUE_BITS may be given to C_GenerateKeyPair, for a short exponent.
const DH_PRIVATE: &[Rule] = &[
    rule(ck::CKA_PRIME, F1 | F4 | F6, ABSENT),
    rule(ck::CKA_BASE, F1 | F4 | F6, ABSENT),
    rule(ck::CKA_VALUE, F1 | F4 | F6 | F7, ABSENT),
    rule(ck::CKA_VALUE_BITS, F2, ABSENT),
];

/// "DSA public key objects" and "X9.42 Diffie-Hellman public key objects".
const SUBGROUP_PUBLIC: &[Rule] = &[
    rule(ck::CKA_PRIME, F1 | F3, ABSENT),
    rule(ck::CKA_SUBPRIME, F1 | F3, ABSENT),
    rule(ck::CKA_BASE, F1 | F3, ABSENT),
    rule(ck::CKA_VALUE, F1 | F4, ABSENT),
];

/// "DSA private key objects" and "X9.42 Diffie-Hellman private key objects".
const SUBGROUP_PRIVATE: &[Rule] = &[
    rule(ck::CKA_PRIME, F1 | F4 | F6, ABSENT),
    rule(ck::CKA_SUBPRIME, F1 | F4 | F6, ABSENT),
    rule(ck::CKA_BASE, F1 | F4 | F6, ABSENT),
    rule(ck::CKA_VALUE, F1 | F4 | F6 | F7, ABSENT),
];

/// "Domain parameter objects".
const DOMAIN: &[Rule] = &[rule(ck::CKA_KEY_TYPE, F1, ABSENT), rule(ck::CKA_LOCAL, F2 | F4, ABSENT)];

/// "Diffie-Hellman domain parameter objects".
const DH_DOMAIN: &[Rule] = &[
    rule(ck::CKA_PRIME, F1 | F4, ABSENT),
    rule(ck::CKA_BASE, F1 | F4, ABSENT),
    rule(ck::CKA_PRIME_BITS, F2 | F3, ABSENT),
];

/// "DSA domain parameter objects". CKA_SUBPRIME_BITS follows from CKA_PRIME_BITS where it is not given.
const DSA_DOMAIN: &[Rule] = &[
    rule(ck::CKA_PRIME, F1 | F4, ABSENT),
    rule(ck::CKA_SUBPRIME, F1 | F4, ABSENT),
    rule(ck::CKA_BASE, F1 | F4, ABSENT),
    rule(ck::CKA_PRIME_BITS, F2 | F3, ABSENT),
    rule(ck::CKA_SUBPRIME_BITS, F2, ABSENT),
];

/// "X9.42 Diffie-Hellman domain parameters objects".
const X9_42_DOMAIN: &[Rule] = &[
    rule(ck::CKA_PRIME, F1 | F4, ABSENT),
    rule(ck::CKA_BASE, F1 | F4, ABSENT),
    rule(ck::CKA_SUBPRIME, F1 | F4, ABSENT),
    rule(ck::CKA_PRIME_BITS, F2 | F3, ABSENT),
    rule(ck::CKA_SUBPRIME_BITS, F2 | F3, ABSENT),
];

/// Secret keys of a length that the template chooses.
const SIZED_SECRET: &[Rule] =
    &[rule(ck::CKA_VALUE, F1 | F4 | F6 | F7, ABSENT), rule(ck::CKA_VALUE_LEN, F2 | F3, ABSENT)];

/// Secret keys of one length. Applications give CKA_VALUE_LEN all the same; it must then be the right one.
const FIXED_SECRET: &[Rule] =
    &[rule(ck::CKA_VALUE, F1 | F4 | F6 | F7, ABSENT), rule(ck::CKA_VALUE_LEN, F2, ABSENT)];

/// "OTP Key objects" and "OATH HOTP secret key objects". Who generates a key need not give its length. What footnote 9
/// leaves to the token: an OTP is six digits, for people to read; a counter may be given to C_SignInit. The counter moves
/// by use only: set back, it would give passwords away that were used.
const HOTP: &[Rule] = &[
    rule(ck::CKA_OTP_FORMAT, 0, Unset::Ulong(ck::CK_OTP_FORMAT_DECIMAL)),
    rule(ck::CKA_OTP_LENGTH, 0, Unset::Ulong(6)),
    rule(ck::CKA_OTP_USER_FRIENDLY_MODE, 0, TRUE),
    rule(ck::CKA_OTP_CHALLENGE_REQUIREMENT, 0, Unset::Ulong(ck::CK_OTP_PARAM_IGNORED)),
    rule(ck::CKA_OTP_TIME_REQUIREMENT, 0, Unset::Ulong(ck::CK_OTP_PARAM_IGNORED)),
    rule(ck::CKA_OTP_COUNTER_REQUIREMENT, 0, Unset::Ulong(ck::CK_OTP_PARAM_OPTIONAL)),
    rule(ck::CKA_OTP_PIN_REQUIREMENT, 0, Unset::Ulong(ck::CK_OTP_PARAM_IGNORED)),
    rule(ck::CKA_OTP_COUNTER, 0, EMPTY),
    rule(ck::CKA_OTP_TIME, 0, EMPTY),
    rule(ck::CKA_OTP_USER_IDENTIFIER, 0, EMPTY),
    rule(ck::CKA_OTP_SERVICE_IDENTIFIER, 0, EMPTY),
    rule(ck::CKA_OTP_SERVICE_LOGO, 0, EMPTY),
    rule(ck::CKA_OTP_SERVICE_LOGO_TYPE, 0, EMPTY),
];

const fn object(name: &'static str, class: ck::CK_OBJECT_CLASS, groups: &'static [&'static [Rule]]) -> Class {
    Class { name, class, subtype: None, uses: &[], groups }
}

const fn certificate(
    name: &'static str,
    kind: ck::CK_CERTIFICATE_TYPE,
    groups: &'static [&'static [Rule]],
) -> Class {
    Class { name, class: ck::CKO_CERTIFICATE, subtype: Some(kind), uses: &[], groups }
}

const fn public(
    name: &'static str,
    kind: ck::CK_KEY_TYPE,
    uses: &'static [ck::CK_ATTRIBUTE_TYPE],
    groups: &'static [&'static [Rule]],
) -> Class {
    Class { name, class: ck::CKO_PUBLIC_KEY, subtype: Some(kind), uses, groups }
}

const fn private(
    name: &'static str,
    kind: ck::CK_KEY_TYPE,
    uses: &'static [ck::CK_ATTRIBUTE_TYPE],
    groups: &'static [&'static [Rule]],
) -> Class {
    Class { name, class: ck::CKO_PRIVATE_KEY, subtype: Some(kind), uses, groups }
}

const fn domain(name: &'static str, kind: ck::CK_KEY_TYPE, groups: &'static [&'static [Rule]]) -> Class {
    Class { name, class: ck::CKO_DOMAIN_PARAMETERS, subtype: Some(kind), uses: &[], groups }
}

/// Secret keys differ only in whether their length is chosen and in what they can do.
const fn sized(name: &'static str, kind: ck::CK_KEY_TYPE, uses: &'static [ck::CK_ATTRIBUTE_TYPE]) -> Class {
    let groups = const { &[SIZED_SECRET, SECRET, KEY, STORAGE] };
    Class { name, class: ck::CKO_SECRET_KEY, subtype: Some(kind), uses, groups }
}

const fn fixed(name: &'static str, kind: ck::CK_KEY_TYPE, uses: &'static [ck::CK_ATTRIBUTE_TYPE]) -> Class {
    let groups = const { &[FIXED_SECRET, SECRET, KEY, STORAGE] };
    Class { name, class: ck::CKO_SECRET_KEY, subtype: Some(kind), uses, groups }
}

const RSA_PUBLIC_USES: &[ck::CK_ATTRIBUTE_TYPE] =
    &[ck::CKA_ENCRYPT, ck::CKA_VERIFY, ck::CKA_VERIFY_RECOVER, ck::CKA_WRAP];
const RSA_PRIVATE_USES: &[ck::CK_ATTRIBUTE_TYPE] =
    &[ck::CKA_DECRYPT, ck::CKA_SIGN, ck::CKA_SIGN_RECOVER, ck::CKA_UNWRAP];
const VERIFY: &[ck::CK_ATTRIBUTE_TYPE] = &[ck::CKA_VERIFY];
const SIGN: &[ck::CK_ATTRIBUTE_TYPE] = &[ck::CKA_SIGN];
const MAC: &[ck::CK_ATTRIBUTE_TYPE] = &[ck::CKA_SIGN, ck::CKA_VERIFY];
const CIPHER: &[ck::CK_ATTRIBUTE_TYPE] = &[ck::CKA_ENCRYPT, ck::CKA_DECRYPT];
const BLOCK_CIPHER: &[ck::CK_ATTRIBUTE_TYPE] =
    &[ck::CKA_ENCRYPT, ck::CKA_DECRYPT, ck::CKA_SIGN, ck::CKA_VERIFY, ck::CKA_WRAP, ck::CKA_UNWRAP];

/// The table. Profiles, mechanisms and validations are not in it: they are built in, `create::builtin` makes
/// them.
static CLASSES: &[Class] = &[
    object("a data object", ck::CKO_DATA, &[DATA, STORAGE]),
    object("a trust object", ck::CKO_TRUST, &[TRUST, PUBLIC_BY_DEFAULT, STORAGE]),
    certificate(
        "an X.509 certificate",
        ck::CKC_X_509,
        &[X509, CERTIFICATE_URL, CERTIFICATE, PUBLIC_BY_DEFAULT, STORAGE],
    ),
    certificate(
        "a WTLS certificate",
        ck::CKC_WTLS,
        &[WTLS, CERTIFICATE_URL, CERTIFICATE, PUBLIC_BY_DEFAULT, STORAGE],
    ),
    certificate(
        "an attribute certificate",
        ck::CKC_X_509_ATTR_CERT,
        &[X509_ATTRIBUTES, CERTIFICATE, PUBLIC_BY_DEFAULT, STORAGE],
    ),
    public(
        "an RSA public key",
        ck::CKK_RSA,
        RSA_PUBLIC_USES,
        &[RSA_PUBLIC, PUBLIC, KEY, PUBLIC_BY_DEFAULT, STORAGE],
    ),
    private("an RSA private key", ck::CKK_RSA, RSA_PRIVATE_USES, &[RSA_PRIVATE, PRIVATE, KEY, STORAGE]),
    public("an EC public key", ck::CKK_EC, VERIFY, &[EC_PUBLIC, PUBLIC, KEY, PUBLIC_BY_DEFAULT, STORAGE]),
    private("an EC private key", ck::CKK_EC, SIGN, &[EC_PRIVATE, CHAIN_CODE, PRIVATE, KEY, STORAGE]),
    public(
        "an Edwards public key",
        ck::CKK_EC_EDWARDS,
        VERIFY,
        &[EC_PUBLIC, PUBLIC, KEY, PUBLIC_BY_DEFAULT, STORAGE],
    ),
    private(
        "an Edwards private key",
        ck::CKK_EC_EDWARDS,
        SIGN,
        &[EC_PRIVATE, CHAIN_CODE, PRIVATE, KEY, STORAGE],
    ),
    public(
        "a Montgomery public key",
        ck::CKK_EC_MONTGOMERY,
        &[],
        &[EC_PUBLIC, PUBLIC, KEY, PUBLIC_BY_DEFAULT, STORAGE],
    ),
    private("a Montgomery private key", ck::CKK_EC_MONTGOMERY, &[], &[EC_PRIVATE, PRIVATE, KEY, STORAGE]),
    public(
        "an ML-DSA public key",
        ck::CKK_ML_DSA,
        VERIFY,
        &[PARAMETER_SET_PUBLIC, PUBLIC, KEY, PUBLIC_BY_DEFAULT, STORAGE],
    ),
    private(
        "an ML-DSA private key",
        ck::CKK_ML_DSA,
        SIGN,
        &[SEEDED_PRIVATE, PARAMETER_SET_PRIVATE, PRIVATE, KEY, STORAGE],
    ),
    public(
        "an ML-KEM public key",
        ck::CKK_ML_KEM,
        &[ck::CKA_ENCAPSULATE],
        &[PARAMETER_SET_PUBLIC, PUBLIC, KEY, PUBLIC_BY_DEFAULT, STORAGE],
    ),
    private(
        "an ML-KEM private key",
        ck::CKK_ML_KEM,
        &[ck::CKA_DECAPSULATE],
        &[SEEDED_PRIVATE, PARAMETER_SET_PRIVATE, PRIVATE, KEY, STORAGE],
    ),
    public(
        "an SLH-DSA public key",
        ck::CKK_SLH_DSA,
        VERIFY,
        &[PARAMETER_SET_PUBLIC, PUBLIC, KEY, PUBLIC_BY_DEFAULT, STORAGE],
    ),
    private("an SLH-DSA private key", ck::CKK_SLH_DSA, SIGN, &[PARAMETER_SET_PRIVATE, PRIVATE, KEY, STORAGE]),
    sized("a generic secret", ck::CKK_GENERIC_SECRET, MAC),
    sized("an AES key", ck::CKK_AES, BLOCK_CIPHER),
    sized("an AES-XTS key", ck::CKK_AES_XTS, CIPHER),
    sized("an HKDF key", ck::CKK_HKDF, &[]),
    sized("an MD5-HMAC key", ck::CKK_MD5_HMAC, MAC),
    sized("a SHA-1-HMAC key", ck::CKK_SHA_1_HMAC, MAC),
    sized("a RIPEMD-160-HMAC key", ck::CKK_RIPEMD160_HMAC, MAC),
    sized("a SHA-224-HMAC key", ck::CKK_SHA224_HMAC, MAC),
    sized("a SHA-256-HMAC key", ck::CKK_SHA256_HMAC, MAC),
    sized("a SHA-384-HMAC key", ck::CKK_SHA384_HMAC, MAC),
    sized("a SHA-512-HMAC key", ck::CKK_SHA512_HMAC, MAC),
    sized("a SHA-512/224-HMAC key", ck::CKK_SHA512_224_HMAC, MAC),
    sized("a SHA-512/256-HMAC key", ck::CKK_SHA512_256_HMAC, MAC),
    sized("a SHA-512/t-HMAC key", ck::CKK_SHA512_T_HMAC, MAC),
    sized("a SHA3-224-HMAC key", ck::CKK_SHA3_224_HMAC, MAC),
    sized("a SHA3-256-HMAC key", ck::CKK_SHA3_256_HMAC, MAC),
    sized("a SHA3-384-HMAC key", ck::CKK_SHA3_384_HMAC, MAC),
    sized("a SHA3-512-HMAC key", ck::CKK_SHA3_512_HMAC, MAC),
    sized("a BLAKE2b-160-HMAC key", ck::CKK_BLAKE2B_160_HMAC, MAC),
    sized("a BLAKE2b-256-HMAC key", ck::CKK_BLAKE2B_256_HMAC, MAC),
    sized("a BLAKE2b-384-HMAC key", ck::CKK_BLAKE2B_384_HMAC, MAC),
    sized("a BLAKE2b-512-HMAC key", ck::CKK_BLAKE2B_512_HMAC, MAC),
    fixed("a DES key", ck::CKK_DES, BLOCK_CIPHER),
    fixed("a double-length DES key", ck::CKK_DES2, BLOCK_CIPHER),
    fixed("a triple-length DES key", ck::CKK_DES3, BLOCK_CIPHER),
    fixed("a ChaCha20 key", ck::CKK_CHACHA20, CIPHER),
    fixed("a Poly1305 key", ck::CKK_POLY1305, MAC),
    public(
        "a DSA public key",
        ck::CKK_DSA,
        VERIFY,
        &[SUBGROUP_PUBLIC, PUBLIC, KEY, PUBLIC_BY_DEFAULT, STORAGE],
    ),
    private("a DSA private key", ck::CKK_DSA, SIGN, &[SUBGROUP_PRIVATE, PRIVATE, KEY, STORAGE]),
    public("a DH public key", ck::CKK_DH, &[], &[DH_PUBLIC, PUBLIC, KEY, PUBLIC_BY_DEFAULT, STORAGE]),
    private("a DH private key", ck::CKK_DH, &[], &[DH_PRIVATE, PRIVATE, KEY, STORAGE]),
    public(
        "an X9.42 DH public key",
        ck::CKK_X9_42_DH,
        &[],
        &[SUBGROUP_PUBLIC, PUBLIC, KEY, PUBLIC_BY_DEFAULT, STORAGE],
    ),
    private("an X9.42 DH private key", ck::CKK_X9_42_DH, &[], &[SUBGROUP_PRIVATE, PRIVATE, KEY, STORAGE]),
    Class {
        name: "an HOTP key",
        class: ck::CKO_OTP_KEY,
        subtype: Some(ck::CKK_HOTP),
        uses: MAC,
        groups: &[HOTP, FIXED_SECRET, SECRET, KEY, STORAGE],
    },
    domain("DSA domain parameters", ck::CKK_DSA, &[DSA_DOMAIN, DOMAIN, PUBLIC_BY_DEFAULT, STORAGE]),
    domain("DH domain parameters", ck::CKK_DH, &[DH_DOMAIN, DOMAIN, PUBLIC_BY_DEFAULT, STORAGE]),
    domain(
        "X9.42 DH domain parameters",
        ck::CKK_X9_42_DH,
        &[X9_42_DOMAIN, DOMAIN, PUBLIC_BY_DEFAULT, STORAGE],
    ),
];
