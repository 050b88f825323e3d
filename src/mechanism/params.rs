//! Mechanism parameters as owned Rust values. `ffi::params` reads them out of the caller's memory, by the
//! [`ParamKind`] that the mechanism's row names; from there on nothing holds a raw pointer.

mod kdf;

use std::sync::Arc;

use parking_lot::Mutex;

use crate::types::{SecretBytes, ck};

pub use kdf::*;

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
    /// `CK_HASH_SIGN_ADDITIONAL_CONTEXT`.
    HashSignContext,
    /// `CK_KEYWARD_BIP32_MASTER_PARAMS`, or none.
    Bip32Master,
    /// `CK_KEYWARD_BIP32_CHILD_PARAMS`.
    Bip32Child,
    /// One of the key derivation functions' structures.
    Kdf(KdfKind),
    /// Plain bytes: the other party's public value, a big integer.
    PublicValue,
    /// `CK_RSA_AES_KEY_WRAP_PARAMS`.
    RsaAesWrap,
    /// `CK_ECDH_AES_KEY_WRAP_PARAMS`.
    EcdhAesWrap,
    /// `CK_MAC_GENERAL_PARAMS`.
    MacGeneral,
    /// `CK_CCM_PARAMS`.
    Ccm,
    /// `CK_GCM_PARAMS` without associated data, or plain bytes: an IV of 12 bytes, as PKCS#11 v2.40 had it.
    Gmac,
    /// `CK_AES_CBC_ENCRYPT_DATA_PARAMS`.
    AesCbcData,
    /// `CK_DES_CBC_ENCRYPT_DATA_PARAMS`.
    DesCbcData,
    /// `CK_CHACHA20_PARAMS`.
    ChaCha20,
    /// `CK_SALSA20_CHACHA20_POLY1305_PARAMS`.
    ChaCha20Poly1305,
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
    /// `CK_HASH_SIGN_ADDITIONAL_CONTEXT`.
    HashSignContext {
        /// `CKH_HEDGE_...`
        hedge: ck::CK_HEDGE_TYPE,
        /// The context, at most 255 bytes.
        context: Vec<u8>,
        /// `CKM_` of the hash that the data is a digest of.
        hash: ck::CK_MECHANISM_TYPE,
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
    /// `CK_CCM_PARAMS`.
    Ccm {
        /// Length of the plaintext in bytes.
        data_len: ck::CK_ULONG,
        /// The nonce, 7 to 13 bytes.
        nonce: Iv,
        /// Additional authenticated data.
        aad: Vec<u8>,
        /// Length of the tag in bytes.
        mac_len: ck::CK_ULONG,
    },
    /// `CK_AES_CBC_ENCRYPT_DATA_PARAMS` and `CK_DES_CBC_ENCRYPT_DATA_PARAMS`.
    CbcData {
        /// The IV, as long as the cipher's block.
        iv: Iv,
        /// The data.
        data: Vec<u8>,
    },
    /// `CK_CHACHA20_PARAMS`.
    ChaCha20 {
        /// Number of the first block.
        counter: u64,
        /// How many bits it has.
        counter_bits: ck::CK_ULONG,
        /// The nonce, 8, 12 or 24 bytes.
        nonce: Iv,
    },
    /// `CK_SALSA20_CHACHA20_POLY1305_PARAMS`.
    ChaCha20Poly1305 {
        /// The nonce, at most 24 bytes.
        nonce: Iv,
        /// Additional authenticated data.
        aad: Vec<u8>,
    },
    /// `CK_MAC_GENERAL_PARAMS`: how many bytes of the MAC are wanted.
    MacGeneral(ck::CK_ULONG),
    /// The other party's public value, most significant byte first.
    PublicValue(Vec<u8>),
    /// `CK_RSA_AES_KEY_WRAP_PARAMS`.
    RsaAesWrap {
        /// Length of the AES key in bits.
        aes_bits: ck::CK_ULONG,
        /// How the AES key is wrapped: [`Params::Oaep`].
        oaep: Box<Params>,
    },
    /// `CK_ECDH_AES_KEY_WRAP_PARAMS`.
    EcdhAesWrap {
        /// Length of the AES key in bits.
        aes_bits: ck::CK_ULONG,
        /// `CKD_...`
        kdf: ck::CK_EC_KDF_TYPE,
        /// SharedInfo of the KDF.
        shared: Vec<u8>,
    },
    /// `CK_OTP_PARAMS`.
    Otp(OtpParams),
    /// One of the key derivation functions' structures.
    Kdf(Box<Kdf>),
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

impl Params {
    /// The keys that the parameter names by handle, in a fixed order.
    pub fn keys(&self) -> Vec<ck::CK_OBJECT_HANDLE> {
        match self {
            Params::Kdf(kdf) => kdf.keys(),
            _ => Vec::new(),
        }
    }

    /// Whether every handle that a derivation gives goes into the parameter, and none to C_DeriveKey's caller.
    pub fn takes_handles(&self) -> bool {
        matches!(self, Params::Kdf(kdf) if kdf.takes_handles())
    }
}

/// A place in a parameter for what the caller gets back. A clone is the same place.
#[derive(Debug, Clone)]
pub struct Reply<T = SecretBytes>(Arc<Mutex<Option<T>>>);

impl<T> Default for Reply<T> {
    fn default() -> Self {
        Reply(Arc::default())
    }
}

impl<T> Reply<T> {
    /// Leaves the answer.
    pub fn put(&self, answer: T) {
        *self.0.lock() = Some(answer);
    }

    /// Takes the answer out.
    pub fn take(&self) -> Option<T> {
        self.0.lock().take()
    }
}
