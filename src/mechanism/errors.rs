//! What a primitive's error means for the call that ran it: one function per family of operation.

use crate::crypto;
use crate::error::{Error, ErrorKind};

/// The answers that do not depend on the operation. `None` where the operation has to say.
fn common(error: &crypto::Error) -> Option<Error> {
    use crypto::Error as E;
    Some(match *error {
        E::KeySize(why) => Error::new(ErrorKind::KeySizeRange, why),
        E::Curve => Error::new(ErrorKind::CurveNotSupported, "the curve is not one this token has"),
        E::Param(why) => Error::new(ErrorKind::MechanismParamInvalid, why),
        E::Random => Error::new(ErrorKind::FunctionFailed, "the random number generator failed"),
        E::Memory => Error::new(ErrorKind::HostMemory, "the operation does not fit in memory"),
        E::Internal(why) => Error::new(ErrorKind::FunctionFailed, why),
        _ => return None,
    })
}

fn unexpected() -> Error {
    Error::new(ErrorKind::FunctionFailed, "the primitive failed in a way this operation does not have")
}

/// C_Sign and C_Encrypt: the data is the caller's plaintext.
pub(super) fn data(error: crypto::Error) -> Error {
    use crypto::Error as E;
    common(&error).unwrap_or_else(|| match error {
        E::DataLength => {
            Error::new(ErrorKind::DataLenRange, "the data has a length this mechanism or key cannot take")
        }
        E::Data => Error::new(ErrorKind::DataInvalid, "the data is out of range for this key"),
        E::Key(why) => Error::new(ErrorKind::FunctionFailed, why),
        _ => unexpected(),
    })
}

/// C_Verify: whatever the signature is, the answer is one of two.
pub(super) fn verify(error: crypto::Error) -> Error {
    use crypto::Error as E;
    match error {
        E::SignatureLength => {
            Error::new(ErrorKind::SignatureLenRange, "the signature has another length than this key's")
        }
        E::Signature => ErrorKind::SignatureInvalid.into(),
        other => data(other),
    }
}

/// C_Decrypt. One answer for every fault in the padding or tag, without detail: telling them apart would help forgers.
pub(super) fn decrypt(error: crypto::Error) -> Error {
    use crypto::Error as E;
    common(&error).unwrap_or_else(|| match error {
        E::CiphertextLength | E::DataLength => Error::new(
            ErrorKind::EncryptedDataLenRange,
            "no ciphertext of this mechanism and key has this length",
        ),
        _ => ErrorKind::EncryptedDataInvalid.into(),
    })
}

/// C_UnwrapKey, from what decryption answered.
pub(super) fn unwrap(error: Error) -> Error {
    match error.kind() {
        ErrorKind::EncryptedDataInvalid => error.with_kind(ErrorKind::WrappedKeyInvalid),
        ErrorKind::EncryptedDataLenRange => error.with_kind(ErrorKind::WrappedKeyLenRange),
        ErrorKind::KeySizeRange => error.with_kind(ErrorKind::UnwrappingKeySizeRange),
        ErrorKind::KeyTypeInconsistent => error.with_kind(ErrorKind::UnwrappingKeyTypeInconsistent),
        _ => error,
    }
}

/// C_DecapsulateKey of a key agreement, from what the derivation answered: the other party's value is the ciphertext.
pub(super) fn decapsulate(error: Error) -> Error {
    match error.kind() {
        ErrorKind::PublicKeyInvalid => error.with_kind(ErrorKind::WrappedKeyInvalid),
        ErrorKind::KeyTypeInconsistent => error.with_kind(ErrorKind::UnwrappingKeyTypeInconsistent),
        ErrorKind::KeySizeRange => error.with_kind(ErrorKind::TemplateInconsistent),
        _ => error,
    }
}

/// C_WrapKey, from what encryption answered: the data is the key to be wrapped, whose size does not fit.
pub(super) fn wrap(error: Error) -> Error {
    match error.kind() {
        ErrorKind::DataLenRange | ErrorKind::DataInvalid => Error::new(
            ErrorKind::KeySizeRange,
            "the key to be wrapped does not fit this mechanism and wrapping key",
        ),
        ErrorKind::KeySizeRange => error.with_kind(ErrorKind::WrappingKeySizeRange),
        ErrorKind::KeyTypeInconsistent => error.with_kind(ErrorKind::WrappingKeyTypeInconsistent),
        _ => error,
    }
}

/// C_GenerateKey, C_GenerateKeyPair and C_CreateObject: the template's values are what the primitive refuses.
pub(super) fn template(error: crypto::Error) -> Error {
    use crypto::Error as E;
    match error {
        E::KeySize(why) | E::Key(why) | E::Param(why) => Error::new(ErrorKind::AttributeValueInvalid, why),
        other => data(other),
    }
}

/// C_DeriveKey: the other party's value came in the parameter.
pub(super) fn derive(error: crypto::Error) -> Error {
    use crypto::Error as E;
    match error {
        E::Key(why) => Error::new(ErrorKind::PublicKeyInvalid, why),
        other => data(other),
    }
}

/// A parameter of another shape than the row's `ParamKind`: only a caller inside the library can bring it here.
pub(super) fn wrong_param() -> Error {
    Error::new(ErrorKind::MechanismParamInvalid, "the parameter is not the structure this mechanism takes")
}
