//! What a cloud key service does for a slot, in words that fit all of them.
//!
//! A [`KmsClient`] turns them into one provider's requests. It keeps no keys and no cache: the catalogue does. Time
//! limits, retries and credentials are its own business, within the [`Deadline`] that each call carries.

use crate::cloud::{Deadline, Result};
use crate::crypto::Hash;
pub use crate::mechanism::external::{Cipher, Signing};
use crate::types::{SecretBytes, ck};

/// What is known of a provider before anybody asks it.
#[derive(Debug)]
pub struct Service {
    /// `provider` in the configuration: `aws`, `gcp`, `azure`, `vault`.
    pub provider: &'static str,
    /// CK_TOKEN_INFO's manufacturerID, at most 32 bytes.
    pub manufacturer: &'static str,
    /// CK_TOKEN_INFO's model, at most 16 bytes.
    pub model: &'static str,
    /// What it does itself, one row per mechanism.
    pub offers: &'static [Offer],
    /// The permissions that each act takes, in the provider's own words, least first.
    pub permissions: &'static [(Act, &'static str)],
}

/// What a slot does with a service, as far as permissions tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the methods of `KmsClient` say it
pub enum Act {
    Read,
    List,
    Sign,
    Mac,
    Decrypt,
    Encrypt,
    Agree,
    Decapsulate,
    Random,
    Create,
    Destroy,
}

/// What a provider does with a mechanism, where its keys are needed. Verification and encryption with public keys,
/// hashing, and what session objects are used for, is done here and is in no row.
#[derive(Debug, Clone, Copy)]
pub struct Offer {
    /// `CKM_...`
    pub mechanism: ck::CK_MECHANISM_TYPE,
    /// CKF_SIGN, CKF_VERIFY (of MACs), CKF_ENCRYPT (secret keys), CKF_DECRYPT, CKF_UNWRAP, CKF_DERIVE, CKF_DECAPSULATE,
    /// CKF_GENERATE, CKF_GENERATE_KEY_PAIR.
    pub flags: ck::CK_FLAGS,
    /// What it is limited to, for people: key types, sizes. One line, in Markdown.
    pub limits: &'static str,
}

/// A key as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What the service is asked with: a key's name, ID or ARN, and a version if the configuration pins one.
    pub name: String,
    /// CKA_LABEL: the alias, or the key's name.
    pub label: String,
}

/// One version of a key: what a pair of objects, or one secret key, stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyVersion {
    /// The service's full name of this version: unique for ever.
    pub resource: String,
    /// What requests name the key by.
    pub name: String,
    /// The version in the service's own words; empty where keys have none.
    pub version: String,
    /// What the key is.
    pub material: Material,
    /// What the service does with it: CKA_ALLOWED_MECHANISMS.
    pub mechanisms: Vec<ck::CK_MECHANISM_TYPE>,
    /// What for, since one mechanism may do several things: CKF_SIGN (MACs too), CKF_DECRYPT, CKF_UNWRAP, CKF_DERIVE,
    /// CKF_DECAPSULATE, and for secret keys CKF_VERIFY and CKF_ENCRYPT. The usage attributes of both halves follow from it.
    pub usage: ck::CK_FLAGS,
    /// RSA: whether [`Signing::RsaPkcs1Raw`] may be asked for.
    pub raw_pkcs1: bool,
    /// ML-DSA: whether [`Signing::MlDsaMu`] is asked for, and not [`Signing::MlDsa`].
    pub mu: bool,
    /// The service's own word for its type or algorithm, for the client to know it by.
    pub algorithm: String,
    /// When it was made, in seconds since 1970, where that is known.
    pub created: Option<u64>,
}

/// What is known of a key's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Material {
    /// A pair: the SubjectPublicKeyInfo in DER.
    Pair(Vec<u8>),
    /// A secret key: its CKK_ and its length in bytes.
    Secret(ck::CK_KEY_TYPE, usize),
}

/// A key to make, from a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// The name or alias that it gets.
    pub label: String,
    /// Its type.
    pub spec: KeySpec,
    /// Whether it shall sign, or MAC.
    pub signs: bool,
    /// Whether it shall decrypt, or unwrap.
    pub decrypts: bool,
    /// Whether it shall agree on secrets.
    pub derives: bool,
}

/// Types of key that services make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySpec {
    /// Bits of the modulus.
    Rsa(u32),
    /// A short Weierstrass curve.
    Ec(crate::crypto::Curve),
    /// Ed25519.
    Ed25519,
    /// ML-DSA.
    MlDsa(crate::crypto::MlDsaSet),
    /// ML-KEM: such a key decapsulates, whatever [`NewKey`] says beside.
    MlKem(crate::crypto::MlKemSet),
    /// AES, with the key's bytes.
    Aes(usize),
    /// HMAC with this hash, and the key's bytes.
    Hmac(Hash, usize),
}

/// What requests a provider takes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Traits {
    /// PSS with any salt length but zero.
    pub any_pss_salt: bool,
    /// The longest message of [`Signing::Ed25519`], [`Signing::MlDsa`] and [`Signing::Hmac`] in bytes.
    pub max_message: usize,
    /// The longest plaintext or ciphertext of secret keys in bytes.
    pub max_data: usize,
    /// Random bytes of one request; 0 where the service gives none.
    pub max_random: usize,
    /// Whether C_Login's PIN can be the provider's own secret (`pin = "secret"`).
    pub secret_pin: bool,
}

/// A provider's keys of one configured place: an account's region, a key ring, a vault, a mount.
///
/// Every method but the first three talks to the service. Errors are [`crate::cloud::Kind`]s; nothing is retried above.
pub trait KmsClient: Send + Sync {
    /// The provider.
    fn service(&self) -> &'static Service;
    /// What it takes.
    fn traits(&self) -> Traits;
    /// What tells this place from every other, for the serial number: the same in every process. No network, no secret.
    fn identity(&self) -> String;

    /// The keys, every page. Those whose name alone shows that they are of no use may be left out.
    fn list(&self, deadline: Deadline) -> Result<Vec<Listed>>;
    /// The enabled versions of a key, the newest first, with their public keys. Empty for a key of a kind that no
    /// mechanism here fits, or that is disabled. [`crate::cloud::Kind::NotFound`] where it is gone.
    fn read(&self, name: &str, deadline: Deadline) -> Result<Vec<KeyVersion>>;

    /// False while a list or what was read may lack something, since a member of a group is away: it is not believed
    /// for long then.
    fn is_whole(&self) -> bool {
        true
    }

    /// Signs or MACs. ECDSA signatures are r‖s, each padded to the order's length.
    fn sign(&self, key: &KeyVersion, signing: Signing<'_>, deadline: Deadline) -> Result<Vec<u8>>;
    /// Whether a cipher's parameters are ones that the key takes; no network. [`crate::cloud::Kind::Refused`].
    fn expect_cipher(&self, key: &KeyVersion, cipher: Cipher<'_>) -> Result<()>;
    /// Decrypts. [`crate::cloud::Kind::BadCiphertext`].
    fn decrypt(
        &self,
        key: &KeyVersion,
        cipher: Cipher<'_>,
        ciphertext: &[u8],
        deadline: Deadline,
    ) -> Result<SecretBytes>;
    /// Encrypts with a secret key.
    fn encrypt(
        &self,
        key: &KeyVersion,
        cipher: Cipher<'_>,
        plaintext: &[u8],
        deadline: Deadline,
    ) -> Result<Vec<u8>>;
    /// The raw ECDH secret (the x coordinate) with a peer's SubjectPublicKeyInfo.
    fn agree(&self, key: &KeyVersion, peer_spki: &[u8], deadline: Deadline) -> Result<SecretBytes>;
    /// The shared secret behind a ciphertext, whose length is right for the key's parameter set.
    fn decapsulate(&self, key: &KeyVersion, ciphertext: &[u8], deadline: Deadline) -> Result<SecretBytes>;
    /// At most [`Traits::max_random`] bytes, all of `out`.
    fn random(&self, out: &mut [u8], deadline: Deadline) -> Result<()>;

    /// Makes a key whose name is free. [`crate::cloud::Kind::Conflict`] for one that is taken,
    /// [`crate::cloud::Kind::Refused`] for a type that the service does not make.
    fn create(&self, key: &NewKey, deadline: Deadline) -> Result<Listed>;
    /// Destroys a version, or schedules that.
    fn destroy(&self, key: &KeyVersion, deadline: Deadline) -> Result<()>;

    /// Takes the secret of `pin = "secret"` and asks the service whether it is right.
    /// [`crate::cloud::Kind::Unauthenticated`].
    fn authenticate(&self, secret: &[u8], deadline: Deadline) -> Result<()>;
    /// Forgets that secret, and what was got for it.
    fn forget(&self);
}

/// `r‖s`, each of `width` bytes, from the DER that most services answer. [`crate::cloud::Kind::Corrupt`].
pub fn ecdsa_from_der(der: &[u8], width: usize) -> Result<Vec<u8>> {
    #[derive(der::Sequence)]
    struct Pair<'a> {
        r: der::asn1::UintRef<'a>,
        s: der::asn1::UintRef<'a>,
    }
    let corrupt =
        || crate::cloud::Error::new(crate::cloud::Kind::Corrupt, "the signature is no ECDSA signature");
    let pair = <Pair<'_> as der::Decode>::from_der(der).map_err(|_| corrupt())?;
    let mut signature = Vec::with_capacity(2 * width);
    for number in [pair.r.as_bytes(), pair.s.as_bytes()] {
        let padding = width.checked_sub(number.len()).ok_or_else(corrupt)?;
        signature.resize(signature.len() + padding, 0);
        signature.extend_from_slice(number);
    }
    Ok(signature)
}
