//! One row per attribute of PKCS#11 v3.2: its identifier, its `CKA_` name and what kind of value it carries.
//!
//! The kind decides how a template's bytes are checked and kept. Which attributes an object of some class may
//! have, and who may set them when, is `class`'s table.

use std::borrow::Cow;

use crate::types::ck;

/// What an attribute's value is, and so which bytes a template may give for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `CK_BBOOL`: one byte, CK_FALSE or CK_TRUE.
    Bool,
    /// Any type that is a `CK_ULONG`: classes, key types, mechanisms, lengths, flags.
    Ulong,
    /// Any bytes: DER, identifiers, key values. DER is not parsed, because Java writes serial numbers bare.
    Bytes,
    /// Text in UTF-8 by the specification; not enforced, because applications write other encodings.
    Text,
    /// An unsigned integer of any length, most significant byte first; leading zeros do not count in a
    /// search.
    BigInteger,
    /// `CK_DATE`: eight ASCII digits YYYYMMDD, or empty for no date.
    Date,
    /// `CK_VERSION`: two bytes, kept as bytes.
    Version,
    /// An array of `CK_ULONG`: mechanisms, parameter sets.
    Ulongs,
    /// An array of `CK_ATTRIBUTE`.
    Template,
}

/// One attribute of the specification.
#[derive(Debug)]
pub struct Row {
    /// The identifier, `CKA_...`.
    pub id: ck::CK_ATTRIBUTE_TYPE,
    /// The specification's name, with its prefix.
    pub name: &'static str,
    /// What its value is.
    pub kind: Kind,
}

/// The kind of an attribute's value; `None` for attributes that keyward does not know, vendor-defined ones
/// too.
pub fn kind(id: ck::CK_ATTRIBUTE_TYPE) -> Option<Kind> {
    row(id).map(|row| row.kind)
}

/// The attribute's name for logs and errors: `CKA_LABEL`, or `attribute 0x80000001` where there is none.
pub fn name(id: ck::CK_ATTRIBUTE_TYPE) -> Cow<'static, str> {
    match row(id) {
        Some(row) => Cow::Borrowed(row.name),
        None => Cow::Owned(format!("attribute {id:#x}")),
    }
}

/// The identifier behind a name, with or without its `CKA_` prefix.
pub fn by_name(name: &str) -> Option<ck::CK_ATTRIBUTE_TYPE> {
    let bare = name.strip_prefix("CKA_").unwrap_or(name);
    ROWS.iter().find(|row| row.name.strip_prefix("CKA_") == Some(bare)).map(|row| row.id)
}

/// Every attribute, in the order of the identifiers.
pub fn all() -> impl Iterator<Item = &'static Row> {
    ROWS.iter()
}

fn row(id: ck::CK_ATTRIBUTE_TYPE) -> Option<&'static Row> {
    ROWS.binary_search_by_key(&id, |row| row.id).ok().and_then(|at| ROWS.get(at))
}

macro_rules! attributes {
    ($($name:ident = $kind:ident),* $(,)?) => {
        /// Sorted by identifier, as `row` searches it; a test keeps it so.
        static ROWS: &[Row] = &[$(Row { id: ck::$name, name: stringify!($name), kind: Kind::$kind }),*];
    };
}

attributes! {
    CKA_CLASS = Ulong,
    CKA_TOKEN = Bool,
    CKA_PRIVATE = Bool,
    CKA_LABEL = Text,
    CKA_UNIQUE_ID = Text,
    CKA_APPLICATION = Text,
    CKA_VALUE = Bytes,
    CKA_OBJECT_ID = Bytes,
    CKA_CERTIFICATE_TYPE = Ulong,
    CKA_ISSUER = Bytes,
    CKA_SERIAL_NUMBER = Bytes,
    CKA_AC_ISSUER = Bytes,
    CKA_OWNER = Bytes,
    CKA_ATTR_TYPES = Bytes,
    CKA_TRUSTED = Bool,
    CKA_CERTIFICATE_CATEGORY = Ulong,
    CKA_JAVA_MIDP_SECURITY_DOMAIN = Ulong,
    CKA_URL = Text,
    CKA_HASH_OF_SUBJECT_PUBLIC_KEY = Bytes,
    CKA_HASH_OF_ISSUER_PUBLIC_KEY = Bytes,
    CKA_NAME_HASH_ALGORITHM = Ulong,
    CKA_CHECK_VALUE = Bytes,
    CKA_KEY_TYPE = Ulong,
    CKA_SUBJECT = Bytes,
    CKA_ID = Bytes,
    CKA_SENSITIVE = Bool,
    CKA_ENCRYPT = Bool,
    CKA_DECRYPT = Bool,
    CKA_WRAP = Bool,
    CKA_UNWRAP = Bool,
    CKA_SIGN = Bool,
    CKA_SIGN_RECOVER = Bool,
    CKA_VERIFY = Bool,
    CKA_VERIFY_RECOVER = Bool,
    CKA_DERIVE = Bool,
    CKA_START_DATE = Date,
    CKA_END_DATE = Date,
    CKA_MODULUS = BigInteger,
    CKA_MODULUS_BITS = Ulong,
    CKA_PUBLIC_EXPONENT = BigInteger,
    CKA_PRIVATE_EXPONENT = BigInteger,
    CKA_PRIME_1 = BigInteger,
    CKA_PRIME_2 = BigInteger,
    CKA_EXPONENT_1 = BigInteger,
    CKA_EXPONENT_2 = BigInteger,
    CKA_COEFFICIENT = BigInteger,
    CKA_PUBLIC_KEY_INFO = Bytes,
    CKA_PRIME = BigInteger,
    CKA_SUBPRIME = BigInteger,
    CKA_BASE = BigInteger,
    CKA_PRIME_BITS = Ulong,
    CKA_SUBPRIME_BITS = Ulong,
    CKA_VALUE_BITS = Ulong,
    CKA_VALUE_LEN = Ulong,
    CKA_EXTRACTABLE = Bool,
    CKA_LOCAL = Bool,
    CKA_NEVER_EXTRACTABLE = Bool,
    CKA_ALWAYS_SENSITIVE = Bool,
    CKA_KEY_GEN_MECHANISM = Ulong,
    CKA_MODIFIABLE = Bool,
    CKA_COPYABLE = Bool,
    CKA_DESTROYABLE = Bool,
    CKA_EC_PARAMS = Bytes,
    CKA_EC_POINT = Bytes,
    CKA_SECONDARY_AUTH = Bool,
    CKA_AUTH_PIN_FLAGS = Ulong,
    CKA_ALWAYS_AUTHENTICATE = Bool,
    CKA_WRAP_WITH_TRUSTED = Bool,
    CKA_OTP_FORMAT = Ulong,
    CKA_OTP_LENGTH = Ulong,
    CKA_OTP_TIME_INTERVAL = Ulong,
    CKA_OTP_USER_FRIENDLY_MODE = Bool,
    CKA_OTP_CHALLENGE_REQUIREMENT = Ulong,
    CKA_OTP_TIME_REQUIREMENT = Ulong,
    CKA_OTP_COUNTER_REQUIREMENT = Ulong,
    CKA_OTP_PIN_REQUIREMENT = Ulong,
    CKA_OTP_USER_IDENTIFIER = Text,
    CKA_OTP_SERVICE_IDENTIFIER = Text,
    CKA_OTP_SERVICE_LOGO = Bytes,
    CKA_OTP_SERVICE_LOGO_TYPE = Text,
    CKA_OTP_COUNTER = Bytes,
    CKA_OTP_TIME = Text,
    CKA_GOSTR3410_PARAMS = Bytes,
    CKA_GOSTR3411_PARAMS = Bytes,
    CKA_GOST28147_PARAMS = Bytes,
    CKA_HW_FEATURE_TYPE = Ulong,
    CKA_RESET_ON_INIT = Bool,
    CKA_HAS_RESET = Bool,
    CKA_PIXEL_X = Ulong,
    CKA_PIXEL_Y = Ulong,
    CKA_RESOLUTION = Ulong,
    CKA_CHAR_ROWS = Ulong,
    CKA_CHAR_COLUMNS = Ulong,
    CKA_COLOR = Bool,
    CKA_BITS_PER_PIXEL = Ulong,
    CKA_CHAR_SETS = Text,
    CKA_ENCODING_METHODS = Text,
    CKA_MIME_TYPES = Text,
    CKA_MECHANISM_TYPE = Ulong,
    CKA_REQUIRED_CMS_ATTRIBUTES = Bytes,
    CKA_DEFAULT_CMS_ATTRIBUTES = Bytes,
    CKA_SUPPORTED_CMS_ATTRIBUTES = Bytes,
    CKA_PROFILE_ID = Ulong,
    CKA_X2RATCHET_BAG = Bytes,
    CKA_X2RATCHET_BAGSIZE = Ulong,
    CKA_X2RATCHET_BOBS1STMSG = Bytes,
    CKA_X2RATCHET_CKR = Bytes,
    CKA_X2RATCHET_CKS = Bytes,
    CKA_X2RATCHET_DHP = Bytes,
    CKA_X2RATCHET_DHR = Bytes,
    CKA_X2RATCHET_DHS = Bytes,
    CKA_X2RATCHET_HKR = Bytes,
    CKA_X2RATCHET_HKS = Bytes,
    CKA_X2RATCHET_ISALICE = Bool,
    CKA_X2RATCHET_NHKR = Bytes,
    CKA_X2RATCHET_NHKS = Bytes,
    CKA_X2RATCHET_NR = Ulong,
    CKA_X2RATCHET_NS = Ulong,
    CKA_X2RATCHET_PNS = Ulong,
    CKA_X2RATCHET_RK = Bytes,
    CKA_HSS_LEVELS = Ulong,
    CKA_HSS_LMS_TYPE = Ulong,
    CKA_HSS_LMOTS_TYPE = Ulong,
    CKA_HSS_LMS_TYPES = Ulongs,
    CKA_HSS_LMOTS_TYPES = Ulongs,
    CKA_HSS_KEYS_REMAINING = Ulong,
    CKA_PARAMETER_SET = Ulong,
    CKA_OBJECT_VALIDATION_FLAGS = Ulong,
    CKA_VALIDATION_TYPE = Ulong,
    CKA_VALIDATION_VERSION = Version,
    CKA_VALIDATION_LEVEL = Ulong,
    CKA_VALIDATION_MODULE_ID = Text,
    CKA_VALIDATION_FLAG = Ulong,
    CKA_VALIDATION_AUTHORITY_TYPE = Ulong,
    CKA_VALIDATION_COUNTRY = Text,
    CKA_VALIDATION_CERTIFICATE_IDENTIFIER = Text,
    CKA_VALIDATION_CERTIFICATE_URI = Text,
    CKA_VALIDATION_VENDOR_URI = Text,
    CKA_VALIDATION_PROFILE = Text,
    CKA_ENCAPSULATE_TEMPLATE = Template,
    CKA_DECAPSULATE_TEMPLATE = Template,
    CKA_TRUST_SERVER_AUTH = Ulong,
    CKA_TRUST_CLIENT_AUTH = Ulong,
    CKA_TRUST_CODE_SIGNING = Ulong,
    CKA_TRUST_EMAIL_PROTECTION = Ulong,
    CKA_TRUST_IPSEC_IKE = Ulong,
    CKA_TRUST_TIME_STAMPING = Ulong,
    CKA_TRUST_OCSP_SIGNING = Ulong,
    CKA_ENCAPSULATE = Bool,
    CKA_DECAPSULATE = Bool,
    CKA_HASH_OF_CERTIFICATE = Bytes,
    CKA_PUBLIC_CRC64_VALUE = Bytes,
    CKA_SEED = Bytes,
    CKA_WRAP_TEMPLATE = Template,
    CKA_UNWRAP_TEMPLATE = Template,
    CKA_DERIVE_TEMPLATE = Template,
    CKA_ALLOWED_MECHANISMS = Ulongs,
    CKA_KEYWARD_WALLET_NAME = Text,
    CKA_KEYWARD_WALLET_ADDRESS = Text,
    CKA_KEYWARD_CHAIN_CODE = Bytes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_unique() {
        for pair in ROWS.windows(2) {
            assert!(pair[0].id < pair[1].id, "{} before {}", pair[0].name, pair[1].name);
        }
    }

    #[test]
    fn names_lead_both_ways() {
        assert_eq!(name(ck::CKA_LABEL), "CKA_LABEL");
        assert_eq!(name(0x8000_0001), "attribute 0x80000001");
        for row in all() {
            assert_eq!(by_name(row.name), Some(row.id));
            assert_eq!(kind(row.id), Some(row.kind));
        }
        assert_eq!(by_name("ID"), Some(ck::CKA_ID));
        assert_eq!(by_name("CKA_NOTHING"), None);
    }

    #[test]
    fn arrays_of_attributes_carry_the_array_bit() {
        for row in all().filter(|row| row.kind == Kind::Template) {
            let older = row.id & ck::CKF_ARRAY_ATTRIBUTE != 0;
            let newer = [ck::CKA_ENCAPSULATE_TEMPLATE, ck::CKA_DECAPSULATE_TEMPLATE].contains(&row.id);
            assert!(older || newer, "{}", row.name);
        }
    }
}
