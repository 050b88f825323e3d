//! Keys in the form the operations use: parsed and validated once, cheap to clone.

use crate::crypto::{EcPrivate, EcPublic, MlDsaPrivate, MlDsaPublic};
use crate::crypto::{MlKemPrivate, MlKemPublic, SlhDsaPrivate, SlhDsaPublic};
use crate::crypto::{PrivateKey, PublicKey, RsaPrivate, RsaPublic, SecretKey};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{SecretBytes, ck};

/// A parsed key. A clone shares the material.
#[derive(Debug, Clone)]
pub enum Key {
    /// A secret key: its value, and the type that says what it is for.
    Secret {
        /// `CKK_...`
        key_type: ck::CK_KEY_TYPE,
        /// CKA_VALUE.
        value: SecretKey,
    },
    /// A private key.
    Private(PrivateKey),
    /// A public key.
    Public(PublicKey),
    /// A key of one-time passwords.
    Otp(OtpKey),
}

/// A key of one-time passwords, and what its attributes say of them.
#[derive(Debug, Clone)]
pub struct OtpKey {
    /// CKA_VALUE.
    pub(super) value: SecretKey,
    /// CKA_OTP_LENGTH.
    pub(super) digits: usize,
    /// CKA_OTP_COUNTER_REQUIREMENT: CK_OTP_PARAM_.
    pub(super) counter_requirement: ck::CK_ULONG,
    /// CKA_OTP_USER_FRIENDLY_MODE.
    pub(super) user_friendly: bool,
}

macro_rules! typed {
    ($($name:ident: $outer:ident, $variant:ident => $type:ty;)*) => { $(
        pub(super) fn $name(&self) -> Result<&$type> {
            match self {
                Key::$outer($outer::$variant(key)) => Ok(key),
                _ => Err(wrong_type()),
            }
        }
    )* };
}

use {PrivateKey as Private, PublicKey as Public};

impl Key {
    /// The value of a secret key; CKR_KEY_TYPE_INCONSISTENT for any other.
    pub fn secret(&self) -> Result<&SecretBytes> {
        self.secret_key().map(SecretKey::value)
    }

    /// A secret key; CKR_KEY_TYPE_INCONSISTENT for any other.
    pub(super) fn secret_key(&self) -> Result<&SecretKey> {
        match self {
            Key::Secret { value, .. } => Ok(value),
            _ => Err(wrong_type()),
        }
    }

    /// A key of one-time passwords; CKR_KEY_TYPE_INCONSISTENT for any other.
    pub(super) fn otp(&self) -> Result<&OtpKey> {
        match self {
            Key::Otp(key) => Ok(key),
            _ => Err(wrong_type()),
        }
    }

    /// Whether the key is of a kind kept for the past: RSA and DH below 2048 bits. `policy.legacy = "deny"` refuses its use.
    pub fn is_legacy(&self) -> bool {
        let bits = match self {
            Key::Private(Private::Rsa(key)) => key.bits(),
            Key::Public(Public::Rsa(key)) => key.bits(),
            Key::Private(Private::Dh(key)) => key.public().group().bits(),
            Key::Public(Public::Dh(key)) => key.group().bits(),
            _ => return false,
        };
        bits < 2048
    }

    typed! {
        rsa_private: Private, Rsa => RsaPrivate;
        rsa_public: Public, Rsa => RsaPublic;
        ec_private: Private, Ec => EcPrivate;
        ec_public: Public, Ec => EcPublic;
        ml_dsa_private: Private, MlDsa => MlDsaPrivate;
        ml_dsa_public: Public, MlDsa => MlDsaPublic;
        ml_kem_private: Private, MlKem => MlKemPrivate;
        ml_kem_public: Public, MlKem => MlKemPublic;
        slh_dsa_private: Private, SlhDsa => SlhDsaPrivate;
        slh_dsa_public: Public, SlhDsa => SlhDsaPublic;
    }
}

/// The key's class or type was to be checked before; this answer keeps a forgotten check harmless.
pub(super) fn wrong_type() -> Error {
    Error::new(ErrorKind::KeyTypeInconsistent, "the mechanism needs a key of another class or type")
}
