//! The parameters of key derivation functions.

use super::Reply;
use crate::object::Template;
use crate::types::{SecretBytes, ck};

/// Which structure a key derivation's `pParameter` points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KdfKind {
    /// `CK_OBJECT_HANDLE`.
    KeyHandle,
    /// `CK_KEY_DERIVATION_STRING_DATA`.
    StringData,
    /// `CK_EXTRACT_PARAMS`.
    ExtractBit,
    /// `CK_HKDF_PARAMS`.
    Hkdf,
    /// `CK_PKCS5_PBKD2_PARAMS2`, or `CK_PKCS5_PBKD2_PARAMS`.
    Pbkdf2,
    /// `CK_SP800_108_KDF_PARAMS`.
    Sp800108,
    /// `CK_SP800_108_FEEDBACK_KDF_PARAMS`.
    Sp800108Feedback,
    /// `CK_VERSION`.
    TlsVersion,
    /// `CK_TLS12_MASTER_KEY_DERIVE_PARAMS`.
    TlsMaster,
    /// `CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS`.
    TlsExtendedMaster,
    /// `CK_TLS12_KEY_MAT_PARAMS`.
    TlsKeyMaterial,
    /// `CK_TLS_KDF_PARAMS`.
    TlsKdf,
    /// `CK_TLS_MAC_PARAMS`.
    TlsMac,
    /// `CK_IKE_PRF_DERIVE_PARAMS`.
    IkePrf,
    /// `CK_IKE1_PRF_DERIVE_PARAMS`.
    Ike1Prf,
    /// `CK_IKE1_EXTENDED_DERIVE_PARAMS`.
    Ike1Extended,
    /// `CK_IKE2_PRF_PLUS_DERIVE_PARAMS`.
    Ike2PrfPlus,
    /// `CK_KEYWARD_ARGON2ID_PARAMS`.
    Argon2id,
    /// `CK_KEYWARD_BIP39_SEED_PARAMS`.
    Bip39Seed,
}

/// The structures' values.
#[derive(Debug, Clone)]
#[allow(missing_docs)] // the types say it
pub enum Kdf {
    /// The key to append.
    KeyHandle(ck::CK_OBJECT_HANDLE),
    /// The string to append, prepend or add.
    StringData(SecretBytes),
    /// The first bit, counted from the base key's most significant one.
    ExtractBit(ck::CK_ULONG),
    Hkdf(Hkdf),
    Pbkdf2(Pbkdf2),
    Sp800108(Sp800108),
    /// The client's version: major, minor.
    TlsVersion([u8; 2]),
    TlsMaster(TlsMaster),
    TlsExtendedMaster(TlsExtendedMaster),
    TlsKeyMaterial(TlsKeyMaterial),
    TlsKdf(TlsKdf),
    TlsMac(TlsMac),
    IkePrf(IkePrf),
    Ike1Prf(Ike1Prf),
    Ike1Extended(Ike1Extended),
    Ike2PrfPlus(Ike2PrfPlus),
    Argon2id(Argon2id),
    Bip39Seed(Bip39Seed),
}

/// `CK_HKDF_PARAMS`.
#[derive(Debug, Clone)]
pub struct Hkdf {
    /// Whether to extract.
    pub extract: bool,
    /// Whether to expand.
    pub expand: bool,
    /// `CKM_` of the hash.
    pub hash: ck::CK_MECHANISM_TYPE,
    /// The salt of the extraction.
    pub salt: Salt,
    /// The info of the expansion.
    pub info: Vec<u8>,
}

/// Where HKDF's salt comes from.
#[derive(Debug, Clone)]
pub enum Salt {
    /// There is none.
    Null,
    /// The parameter.
    Data(Vec<u8>),
    /// A key's value.
    Key(ck::CK_OBJECT_HANDLE),
}

/// `CK_PKCS5_PBKD2_PARAMS2`, whose salt is given and whose PRF has no data of its own.
#[derive(Debug, Clone)]
pub struct Pbkdf2 {
    /// The salt.
    pub salt: Vec<u8>,
    /// How many iterations.
    pub iterations: ck::CK_ULONG,
    /// `CKP_PKCS5_PBKD2_...`
    pub prf: ck::CK_PKCS5_PBKD2_PSEUDO_RANDOM_FUNCTION_TYPE,
    /// The password.
    pub password: SecretBytes,
}

/// `CK_SP800_108_KDF_PARAMS` and `CK_SP800_108_FEEDBACK_KDF_PARAMS`.
#[derive(Debug, Clone)]
pub struct Sp800108 {
    /// `CKM_..._HMAC` or `CKM_..._CMAC`.
    pub prf: ck::CK_MECHANISM_TYPE,
    /// What the PRF's input is made of.
    pub segments: Vec<Segment>,
    /// The feedback mode's IV; empty where there is none.
    pub iv: Vec<u8>,
    /// The keys after the one of C_DeriveKey's own template.
    pub additional: Vec<AdditionalKey>,
}

/// `CK_PRF_DATA_PARAM`: a segment of the PRF's input.
#[derive(Debug, Clone)]
pub enum Segment {
    /// The iteration variable; the counter mode's has a format.
    Iteration(Option<NumberFormat>),
    /// The counter.
    Counter(NumberFormat),
    /// The length of all that is derived, in bits.
    Length {
        /// `CK_SP800_108_DKM_LENGTH_...`
        method: ck::CK_SP800_108_DKM_LENGTH_METHOD,
        /// How it is written.
        format: NumberFormat,
    },
    /// These bytes.
    Bytes(Vec<u8>),
    /// A key's value.
    Key(ck::CK_OBJECT_HANDLE),
}

/// How a number is written into the PRF's input.
#[derive(Debug, Clone, Copy)]
pub struct NumberFormat {
    /// Least significant byte first.
    pub little_endian: bool,
    /// How many bits.
    pub bits: ck::CK_ULONG,
}

/// `CK_DERIVED_KEY`.
#[derive(Debug, Clone)]
pub struct AdditionalKey {
    /// The key's template.
    pub template: Template,
    /// Where its handle goes; CK_INVALID_HANDLE if the template is to blame for a failure.
    pub handle: Reply<ck::CK_OBJECT_HANDLE>,
}

/// `CK_SSL3_RANDOM_DATA`.
#[derive(Debug, Clone)]
pub struct Randoms {
    /// The client's.
    pub client: Vec<u8>,
    /// The server's.
    pub server: Vec<u8>,
}

/// `CK_TLS12_MASTER_KEY_DERIVE_PARAMS`.
#[derive(Debug, Clone)]
pub struct TlsMaster {
    /// `CKM_` of the PRF's hash.
    pub hash: ck::CK_MECHANISM_TYPE,
    /// The hellos' random values.
    pub randoms: Randoms,
    /// Where the version inside the pre-master secret goes.
    pub version: Option<Reply<[u8; 2]>>,
}

/// `CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS`.
#[derive(Debug, Clone)]
pub struct TlsExtendedMaster {
    /// `CKM_` of the PRF's hash.
    pub hash: ck::CK_MECHANISM_TYPE,
    /// The hash of the handshake so far.
    pub session_hash: Vec<u8>,
    /// Where the version inside the pre-master secret goes.
    pub version: Option<Reply<[u8; 2]>>,
}

/// `CK_TLS12_KEY_MAT_PARAMS`.
#[derive(Debug, Clone)]
pub struct TlsKeyMaterial {
    /// `CKM_` of the PRF's hash.
    pub hash: ck::CK_MECHANISM_TYPE,
    /// Length of a MAC key in bits; 0 for none.
    pub mac_bits: ck::CK_ULONG,
    /// Length of a write key in bits.
    pub key_bits: ck::CK_ULONG,
    /// Length of an IV in bits; 0 for none.
    pub iv_bits: ck::CK_ULONG,
    /// Whether an export cipher suite is meant.
    pub export: bool,
    /// The hellos' random values.
    pub randoms: Randoms,
    /// The client's and the server's place for a MAC key.
    pub macs: [Reply<ck::CK_OBJECT_HANDLE>; 2],
    /// The client's and the server's place for a write key.
    pub keys: [Reply<ck::CK_OBJECT_HANDLE>; 2],
    /// The client's and the server's place for an IV.
    pub ivs: [Reply; 2],
}

/// `CK_TLS_KDF_PARAMS`.
#[derive(Debug, Clone)]
pub struct TlsKdf {
    /// `CKM_` of the PRF's hash, or CKM_TLS_PRF for TLS 1.0 and 1.1.
    pub prf: ck::CK_MECHANISM_TYPE,
    /// The label.
    pub label: Vec<u8>,
    /// The hellos' random values.
    pub randoms: Randoms,
    /// The context, which may be there and empty.
    pub context: Option<Vec<u8>>,
}

/// `CK_TLS_MAC_PARAMS`.
#[derive(Debug, Clone, Copy)]
pub struct TlsMac {
    /// `CKM_` of the PRF's hash, or CKM_TLS_PRF for TLS 1.0 and 1.1.
    pub prf: ck::CK_MECHANISM_TYPE,
    /// Length of the MAC in bytes.
    pub len: ck::CK_ULONG,
    /// 1 for the server's Finished, 2 for the client's.
    pub side: ck::CK_ULONG,
}

/// `CK_IKE_PRF_DERIVE_PARAMS`.
#[derive(Debug, Clone)]
pub struct IkePrf {
    /// `CKM_..._HMAC` or another MAC.
    pub prf: ck::CK_MECHANISM_TYPE,
    /// Whether the nonces are the PRF's key and the base key its data.
    pub data_as_key: bool,
    /// The initiator's nonce and the responder's.
    pub nonces: [Vec<u8>; 2],
    /// The new shared secret of a rekeying.
    pub new_key: Option<ck::CK_OBJECT_HANDLE>,
}

/// `CK_IKE1_PRF_DERIVE_PARAMS`.
#[derive(Debug, Clone)]
pub struct Ike1Prf {
    /// `CKM_..._HMAC` or another MAC.
    pub prf: ck::CK_MECHANISM_TYPE,
    /// The shared secret.
    pub shared: ck::CK_OBJECT_HANDLE,
    /// The key before this one.
    pub previous: Option<ck::CK_OBJECT_HANDLE>,
    /// The initiator's cookie and the responder's.
    pub cookies: [Vec<u8>; 2],
    /// The key's number.
    pub number: u8,
}

/// `CK_IKE1_EXTENDED_DERIVE_PARAMS`.
#[derive(Debug, Clone)]
pub struct Ike1Extended {
    /// `CKM_..._HMAC` or another MAC.
    pub prf: ck::CK_MECHANISM_TYPE,
    /// The shared secret.
    pub shared: Option<ck::CK_OBJECT_HANDLE>,
    /// Further data.
    pub extra: Vec<u8>,
}

/// `CK_IKE2_PRF_PLUS_DERIVE_PARAMS`.
#[derive(Debug, Clone)]
pub struct Ike2PrfPlus {
    /// `CKM_..._HMAC` or another MAC.
    pub prf: ck::CK_MECHANISM_TYPE,
    /// The key whose value the seed begins with.
    pub seed_key: Option<ck::CK_OBJECT_HANDLE>,
    /// The seed's rest.
    pub seed: Vec<u8>,
}

/// `CK_KEYWARD_ARGON2ID_PARAMS`.
#[derive(Debug, Clone)]
pub struct Argon2id {
    /// The password; empty where the base key is the password.
    pub password: SecretBytes,
    /// The salt.
    pub salt: Vec<u8>,
    /// KiB of memory.
    pub memory: ck::CK_ULONG,
    /// How often it is gone over.
    pub passes: ck::CK_ULONG,
    /// Lanes.
    pub lanes: ck::CK_ULONG,
}

/// `CK_KEYWARD_BIP39_SEED_PARAMS`.
#[derive(Debug, Clone)]
pub struct Bip39Seed {
    /// The recovery sentence.
    pub sentence: SecretBytes,
    /// The passphrase, which may be empty.
    pub passphrase: SecretBytes,
}

impl Kdf {
    /// The keys that the parameter names by handle: in the order of the segments, or of the structure's fields.
    pub fn keys(&self) -> Vec<ck::CK_OBJECT_HANDLE> {
        match self {
            Kdf::KeyHandle(key) => vec![*key],
            Kdf::Hkdf(Hkdf { extract: true, salt: Salt::Key(key), .. }) => vec![*key],
            Kdf::Sp800108(params) => params.segments.iter().filter_map(Segment::key).collect(),
            Kdf::IkePrf(params) => params.new_key.into_iter().collect(),
            Kdf::Ike1Prf(params) => [params.shared].into_iter().chain(params.previous).collect(),
            Kdf::Ike1Extended(params) => params.shared.into_iter().collect(),
            Kdf::Ike2PrfPlus(params) => params.seed_key.into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// Whether every handle goes into the structure.
    pub fn takes_handles(&self) -> bool {
        matches!(self, Kdf::TlsKeyMaterial(_))
    }
}

impl Segment {
    fn key(&self) -> Option<ck::CK_OBJECT_HANDLE> {
        match self {
            Segment::Key(key) => Some(*key),
            _ => None,
        }
    }
}
