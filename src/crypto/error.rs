//! What can go wrong in a crypto operation. No variant carries secret data.

use std::fmt;

/// The outcome of a crypto operation.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a crypto operation failed.
///
/// `Signature` and `Ciphertext` are deliberately mute: how a signature, tag or padding was wrong is nobody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// Key material is malformed or inconsistent; the text names the part.
    Key(&'static str),
    /// A key of a size that this algorithm or provider does not take; the text states the limits.
    KeySize(&'static str),
    /// The curve is not supported.
    Curve,
    /// The signature or MAC has the wrong length.
    SignatureLength,
    /// The signature or MAC is wrong.
    Signature,
    /// The data to sign, encrypt or wrap has a length that the algorithm does not take.
    DataLength,
    /// The data is not acceptable for another reason than its length (a number not below the RSA modulus).
    Data,
    /// The ciphertext or wrapped key has a length that the algorithm does not take.
    CiphertextLength,
    /// The ciphertext, its padding or its tag is wrong.
    Ciphertext,
    /// A parameter is out of range; the text names it.
    Param(&'static str),
    /// The random number generator failed.
    Random,
    /// Memory for the operation could not be had.
    Memory,
    /// The provider refused what it should have taken; the text names the step.
    Internal(&'static str),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Key(why) => write!(f, "key material is invalid: {why}"),
            Error::KeySize(why) => write!(f, "key size is not supported: {why}"),
            Error::Curve => f.write_str("curve is not supported"),
            Error::SignatureLength => f.write_str("signature has the wrong length"),
            Error::Signature => f.write_str("signature is invalid"),
            Error::DataLength => f.write_str("data has a length that the mechanism does not take"),
            Error::Data => f.write_str("data is out of the range that the mechanism takes"),
            Error::CiphertextLength => {
                f.write_str("encrypted data has a length that the mechanism does not take")
            }
            Error::Ciphertext => f.write_str("encrypted data is invalid"),
            Error::Param(why) => write!(f, "parameter is invalid: {why}"),
            Error::Random => f.write_str("random number generator failed"),
            Error::Memory => f.write_str("out of memory"),
            Error::Internal(step) => write!(f, "crypto provider failed: {step}"),
        }
    }
}

impl std::error::Error for Error {}
