//! Mechanism parameters as owned Rust values. `ffi::params` reads them out of the caller's memory, by the
//! [`ParamKind`] that the mechanism's row names; from there on nothing holds a raw pointer.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::types::{SecretBytes, ck};

/// A mechanism with its parameters, as one call's `CK_MECHANISM` carried them.
#[derive(Debug, Clone)]
pub struct Mechanism {
    /// `CKM_...`
    pub kind: ck::CK_MECHANISM_TYPE,
    /// The parameters, already checked for shape but not yet for sense.
    pub params: Params,
}

/// Which C type a mechanism's `pParameter` points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamKind {
    /// No parameter: anything but an absent one is CKR_MECHANISM_PARAM_INVALID.
    None,
    /// Plain bytes: an IV of exactly this many bytes.
    Iv(usize),
    /// Plain bytes, or none: AES key wrap's optional IV.
    OptionalIv(usize),
    /// `CK_AES_CTR_PARAMS`.
    Ctr,
    /// `CK_GCM_PARAMS`.
    Gcm,
    /// `CK_RSA_PKCS_PSS_PARAMS`.
    Pss,
    /// `CK_RSA_PKCS_OAEP_PARAMS`.
    Oaep,
    /// `CK_ECDH1_DERIVE_PARAMS`.
    Ecdh,
    /// `CK_EDDSA_PARAMS`, or none for pure Ed25519.
    Eddsa,
    /// `CK_SIGN_ADDITIONAL_CONTEXT`, or none.
    SignContext,
    /// `CK_KEYWARD_BIP32_MASTER_PARAMS`, or none.
    Bip32Master,
    /// `CK_KEYWARD_BIP32_CHILD_PARAMS`.
    Bip32Child,
    /// `CK_OTP_PARAMS`, or none.
    Otp,
}

/// An IV or nonce: allocated only where it is longer than a block.
pub type Iv = smallvec::SmallVec<[u8; 16]>;

/// The parameters' values.
#[derive(Debug, Clone)]
pub enum Params {
    /// No parameter.
    None,
    /// An IV.
    Iv(Iv),
    /// `CK_AES_CTR_PARAMS`: how many low bits of the block count, and the first counter block.
    Ctr {
        /// 1 to 128.
        counter_bits: ck::CK_ULONG,
        /// The first counter block.
        block: [u8; 16],
    },
    /// `CK_GCM_PARAMS`.
    Gcm {
        /// The nonce, any length from 1 byte.
        iv: Iv,
        /// Additional authenticated data.
        aad: Vec<u8>,
        /// Tag length in bits.
        tag_bits: ck::CK_ULONG,
    },
    /// `CK_RSA_PKCS_PSS_PARAMS`.
    Pss {
        /// `CKM_` of the message hash.
        hash: ck::CK_MECHANISM_TYPE,
        /// `CKG_MGF1_...`
        mgf: ck::CK_RSA_PKCS_MGF_TYPE,
        /// Salt length in bytes.
        salt_len: ck::CK_ULONG,
    },
    /// `CK_RSA_PKCS_OAEP_PARAMS`.
    Oaep {
        /// `CKM_` of the label hash.
        hash: ck::CK_MECHANISM_TYPE,
        /// `CKG_MGF1_...`
        mgf: ck::CK_RSA_PKCS_MGF_TYPE,
        /// The label, empty where none was given.
        label: Vec<u8>,
    },
    /// `CK_ECDH1_DERIVE_PARAMS`.
    Ecdh {
        /// `CKD_...`
        kdf: ck::CK_EC_KDF_TYPE,
        /// SharedInfo of the KDF.
        shared: Vec<u8>,
        /// The other party's public value: a raw point or a DER OCTET STRING around it.
        public: Vec<u8>,
    },
    /// `CK_EDDSA_PARAMS`.
    Eddsa {
        /// True for Ed25519ph.
        prehash: bool,
        /// The context, at most 255 bytes.
        context: Vec<u8>,
    },
    /// `CK_SIGN_ADDITIONAL_CONTEXT`.
    SignContext {
        /// `CKH_HEDGE_...`
        hedge: ck::CK_HEDGE_TYPE,
        /// The context, at most 255 bytes.
        context: Vec<u8>,
    },
    /// `CK_KEYWARD_BIP32_MASTER_PARAMS`.
    Bip32Master {
        /// The wallet's name; empty where none was given.
        name: String,
        /// Where the recovery sentence goes, if it is wanted.
        mnemonic: Option<Reply>,
    },
    /// `CK_KEYWARD_BIP32_CHILD_PARAMS`.
    Bip32Child {
        /// The child's number, below 2^31.
        index: u32,
        /// Whether it is a hardened one.
        hardened: bool,
    },
    /// `CK_OTP_PARAMS`.
    Otp(OtpParams),
}

/// What `CK_OTP_PARAMS` says, as far as anybody asks.
#[derive(Debug, Clone, Copy, Default)]
pub struct OtpParams {
    /// `CK_OTP_COUNTER`.
    pub counter: Option<u64>,
    /// `CK_OTP_FLAGS`: CKF_ bits.
    pub flags: ck::CK_FLAGS,
    /// `CK_OTP_OUTPUT_LENGTH`, in characters.
    pub length: Option<ck::CK_ULONG>,
    /// `CK_OTP_OUTPUT_FORMAT`: CK_OTP_FORMAT_.
    pub format: Option<ck::CK_ULONG>,
}

/// A place in a parameter for what the caller gets back. A clone is the same place.
#[derive(Debug, Clone, Default)]
pub struct Reply(Arc<Mutex<Option<SecretBytes>>>);

impl Reply {
    /// Leaves the answer.
    pub fn put(&self, answer: SecretBytes) {
        *self.0.lock() = Some(answer);
    }

    /// Takes the answer out.
    pub fn take(&self) -> Option<SecretBytes> {
        self.0.lock().take()
    }
}
