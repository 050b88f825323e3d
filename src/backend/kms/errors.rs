//! A service's trouble as the CKR that fits the call (docs/kms.md lists them).

use crate::cloud::{Error as CloudError, Kind};
use crate::error::{Error, ErrorKind};

/// What a call asked of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// To look: lists, public keys, random bytes.
    Look,
    /// To use a key.
    Use,
    /// To make or destroy one.
    Change,
    /// Whether a secret is right.
    Login,
}

/// The CKR of a kind of trouble. `reached`: whether the service ever answered this process.
fn ckr(kind: Kind, asked: Asked, reached: bool) -> ErrorKind {
    match (kind, asked) {
        (Kind::Unreachable, _) if !reached => ErrorKind::TokenNotPresent,
        (Kind::Sealed, _) => ErrorKind::TokenNotPresent,
        (Kind::Unreachable | Kind::Broken | Kind::Unavailable | Kind::Corrupt, _) => ErrorKind::DeviceError,
        // A type, a size or a name that the service does not make.
        (Kind::Refused, Asked::Change) => ErrorKind::TemplateInconsistent,
        (Kind::Throttled | Kind::Configuration | Kind::Refused, _) => ErrorKind::FunctionFailed,
        (Kind::Unauthenticated | Kind::Denied, Asked::Login) => ErrorKind::PinIncorrect,
        (Kind::Unauthenticated, _) => ErrorKind::DeviceError,
        (Kind::NotFound, Asked::Use) => ErrorKind::KeyHandleInvalid,
        (Kind::NotFound, Asked::Change) => ErrorKind::ObjectHandleInvalid,
        (Kind::NotFound, _) => ErrorKind::FunctionFailed,
        (Kind::Denied | Kind::Disabled, Asked::Use) => ErrorKind::KeyFunctionNotPermitted,
        (Kind::Denied | Kind::Disabled, Asked::Change) => ErrorKind::ActionProhibited,
        (Kind::Denied | Kind::Disabled, _) => ErrorKind::FunctionFailed,
        (Kind::BadCiphertext, _) => ErrorKind::EncryptedDataInvalid,
        (Kind::Conflict, _) => ErrorKind::AttributeValueInvalid,
    }
}

/// The error of a call.
pub fn error(error: &CloudError, asked: Asked, reached: bool) -> Error {
    Error::new(ckr(error.kind(), asked, reached), error.to_string())
}

/// Whether the trouble is the service's or the way's, and not one key's.
pub fn is_general(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Unreachable
            | Kind::Broken
            | Kind::Unavailable
            | Kind::Sealed
            | Kind::Throttled
            | Kind::Unauthenticated
            | Kind::Configuration
    )
}
