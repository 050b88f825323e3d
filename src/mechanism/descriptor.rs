//! The row of a mechanism, and the functions a row may carry.

use crate::crypto::PrivateKey;
use crate::error::Result;
use crate::object::Attributes;
use crate::types::{SecretBytes, ck};

use super::derivation::Derive;
use super::key::Key;
use super::message::MessageForm;
use super::op::{Cipher, Counter, Encapsulation, Producer, Verifier};
use super::params::{ParamKind, Params};

/// Everything keyward knows about one mechanism. Adding a mechanism is one such row and its functions.
///
/// The functions check sizes, parameters and data. That the key's type is one of `key_types`, that its usage
/// attribute is set and its dates are met, is asked before, where the key's attributes are at hand.
#[derive(Debug, Clone, Copy)]
pub struct Descriptor {
    /// `CKM_...`
    pub kind: ck::CK_MECHANISM_TYPE,
    /// The specification's name, with its prefix.
    pub name: &'static str,
    /// The types of key it works with (for generation: the types it makes); empty where it takes no key.
    pub key_types: &'static [ck::CK_KEY_TYPE],
    /// Smallest key, in the unit the specification gives for this mechanism; 0 where it takes no key.
    pub min_key_size: ck::CK_ULONG,
    /// Largest key, in the same unit; 0 where it takes no key.
    pub max_key_size: ck::CK_ULONG,
    /// What `pParameter` points to.
    pub param: ParamKind,
    /// What it can do.
    pub ops: Ops,
    /// Flags of `CK_MECHANISM_INFO` that do not follow from `ops`: `CKF_EC_...`.
    pub extra_flags: ck::CK_FLAGS,
    /// Kept for keys and signatures of the past; `policy.legacy = "deny"` hides it.
    pub legacy: bool,
    /// Approved under FIPS 140-3.
    pub fips: bool,
    /// Whose code does the work.
    pub provider: Provider,
    /// Where the test vectors come from that cover it, or the implementation that it is compared with; empty where
    /// there is neither.
    pub vectors: &'static str,
}

/// Whose code a mechanism runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// The crypto provider of the build.
    OfBuild,
    /// The RustCrypto crates and their like, whatever the crypto provider of the build.
    RustCrypto,
}

impl Provider {
    /// As the documentation calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Provider::OfBuild if cfg!(feature = "aws-lc") => "AWS-LC",
            Provider::OfBuild => "RustCrypto",
            Provider::RustCrypto => "RustCrypto",
        }
    }
}

/// Starts a digest.
pub type DigestFn = fn(&Params) -> Result<Box<dyn Producer>>;
/// Starts a signature or MAC.
pub type SignFn = fn(&Key, &Params) -> Result<Box<dyn Producer>>;
/// Starts a signature whose key counts its uses: the last argument hands the numbers out.
pub type SignCountingFn = fn(&Key, &Params, Box<dyn Counter>) -> Result<Box<dyn Producer>>;
/// Starts a verification.
pub type VerifyFn = fn(&Key, &Params) -> Result<Box<dyn Verifier>>;
/// Starts an encryption or decryption.
pub type CipherFn = fn(&Key, &Params) -> Result<Box<dyn Cipher>>;
/// Makes the value of a secret key after its template.
pub type GenerateFn = fn(&Params, &Attributes) -> Result<SecretBytes>;
/// Makes domain parameters after their template: the attributes to add to it, such as CKA_PRIME and CKA_BASE.
pub type GenerateParametersFn = fn(&Params, &Attributes) -> Result<Attributes>;
/// Makes a key pair after the public key's template and the private key's template.
pub type GeneratePairFn = fn(&Params, &Attributes, &Attributes) -> Result<PrivateKey>;
/// The same, with what else the two objects keep.
pub type GenerateNodeFn = fn(&Params, &Attributes, &Attributes) -> Result<MadePair>;
/// Encrypts the encoding of a key (`material::wrap_encoding`).
pub type WrapFn = fn(&Key, &Params, &[u8]) -> Result<Vec<u8>>;
/// Decrypts a wrapped key. The last argument is the length in bytes that the template asks for
/// (`material::wanted_len`), for the mechanisms that pad with zeros and leave the length to the caller.
pub type UnwrapFn = fn(&Key, &Params, &[u8], Option<usize>) -> Result<SecretBytes>;

/// Prepares an encapsulation to a public key.
pub type EncapsulateFn = fn(&Key, &Params) -> Result<Box<dyn Encapsulation>>;
/// Finds the secret behind a ciphertext. The last argument is the wanted length in bytes (`material::wanted_len`).
pub type DecapsulateFn = fn(&Key, &Params, &[u8], Option<usize>) -> Result<SecretBytes>;

/// A key pair, and the attributes that its objects get beside those of the material.
#[derive(Debug)]
pub struct MadePair {
    /// The pair.
    pub key: PrivateKey,
    /// Further attributes of the public key.
    pub public: Attributes,
    /// Further attributes of the private key.
    pub private: Attributes,
}

impl From<PrivateKey> for MadePair {
    fn from(key: PrivateKey) -> Self {
        MadePair { key, public: Attributes::new(), private: Attributes::new() }
    }
}

/// A mechanism's functions, one slot per operation.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)] // the types say it
pub struct Ops {
    pub digest: Option<DigestFn>,
    pub sign: Option<SignFn>,
    pub sign_counting: Option<SignCountingFn>,
    pub verify: Option<VerifyFn>,
    pub encrypt: Option<CipherFn>,
    pub decrypt: Option<CipherFn>,
    pub generate: Option<GenerateFn>,
    pub generate_parameters: Option<GenerateParametersFn>,
    pub generate_pair: Option<GeneratePairFn>,
    pub generate_node: Option<GenerateNodeFn>,
    pub wrap: Option<WrapFn>,
    pub unwrap: Option<UnwrapFn>,
    pub derive: Option<Derive>,
    pub encapsulate: Option<EncapsulateFn>,
    pub decapsulate: Option<DecapsulateFn>,
    pub sign_recover: Option<SignFn>,
    pub verify_recover: Option<CipherFn>,
    pub message: Option<MessageForm>,
    /// True where signatures take the data in one call only.
    pub single_part: bool,
}

impl Ops {
    /// No operation: rows name what they have over this.
    pub const NONE: Ops = Ops {
        digest: None,
        sign: None,
        sign_counting: None,
        verify: None,
        encrypt: None,
        decrypt: None,
        generate: None,
        generate_parameters: None,
        generate_pair: None,
        generate_node: None,
        wrap: None,
        unwrap: None,
        derive: None,
        encapsulate: None,
        decapsulate: None,
        sign_recover: None,
        verify_recover: None,
        message: None,
        single_part: false,
    };
}

impl Descriptor {
    /// The same row, whose signatures take the data in one call only.
    pub(super) const fn single_part(self) -> Descriptor {
        Descriptor { ops: Ops { single_part: true, ..self.ops }, ..self }
    }

    /// The flags of `CK_MECHANISM_INFO`, from the functions that are there.
    pub const fn flags(&self) -> ck::CK_FLAGS {
        let ops = &self.ops;
        let table = [
            (ops.digest.is_some(), ck::CKF_DIGEST),
            (ops.sign.is_some() || ops.sign_counting.is_some(), ck::CKF_SIGN),
            (ops.verify.is_some(), ck::CKF_VERIFY),
            (ops.encrypt.is_some(), ck::CKF_ENCRYPT),
            (ops.decrypt.is_some(), ck::CKF_DECRYPT),
            (ops.generate.is_some() || ops.generate_parameters.is_some(), ck::CKF_GENERATE),
            (ops.generate_pair.is_some() || ops.generate_node.is_some(), ck::CKF_GENERATE_KEY_PAIR),
            (ops.wrap.is_some(), ck::CKF_WRAP),
            (ops.unwrap.is_some(), ck::CKF_UNWRAP),
            (ops.derive.is_some(), ck::CKF_DERIVE),
            (ops.encapsulate.is_some(), ck::CKF_ENCAPSULATE),
            (ops.decapsulate.is_some(), ck::CKF_DECAPSULATE),
            (ops.sign_recover.is_some(), ck::CKF_SIGN_RECOVER),
            (ops.verify_recover.is_some(), ck::CKF_VERIFY_RECOVER),
        ];
        let mut flags = self.extra_flags;
        let mut i = 0;
        while i < table.len() {
            if table[i].0 {
                flags |= table[i].1;
            }
            i += 1;
        }
        self.with_messages(flags)
    }

    /// The same flags with those of the message-based functions, which follow from them: whatever signs, signs messages;
    /// whatever takes a nonce with each message, encrypts them.
    pub const fn with_messages(&self, flags: ck::CK_FLAGS) -> ck::CK_FLAGS {
        let aead = self.ops.message.is_some();
        let table = [
            (true, ck::CKF_SIGN, ck::CKF_MESSAGE_SIGN),
            (true, ck::CKF_VERIFY, ck::CKF_MESSAGE_VERIFY),
            (aead, ck::CKF_ENCRYPT, ck::CKF_MESSAGE_ENCRYPT),
            (aead, ck::CKF_DECRYPT, ck::CKF_MESSAGE_DECRYPT),
        ];
        let mut messages = 0;
        let mut i = 0;
        while i < table.len() {
            if table[i].0 && flags & table[i].1 != 0 {
                messages |= table[i].2;
            }
            i += 1;
        }
        if messages != 0 && !self.ops.single_part {
            messages |= ck::CKF_MULTI_MESSAGE;
        }
        flags | messages
    }

    /// Whether private keys come out of C_DeriveKey, whatever goes in.
    pub const fn derives_private_keys(&self) -> bool {
        matches!(self.ops.derive, Some(Derive::Private(_)))
    }

    /// Whether the build offers it: with the feature `fips` only what is approved.
    pub const fn is_of_build(&self) -> bool {
        self.fips || !cfg!(feature = "fips")
    }

    /// Whether a key of this type may be used with the mechanism.
    pub fn takes(&self, key_type: ck::CK_KEY_TYPE) -> bool {
        self.key_types.contains(&key_type)
    }
}
