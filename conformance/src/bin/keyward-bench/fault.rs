//! Why a measurement gave no number: a line of text, whatever failed.

/// The line.
pub struct Fault(pub String);

/// Every error that can be shown becomes one; `Fault` itself is not `Display`, or this would overlap with itself.
impl<T: std::fmt::Display> From<T> for Fault {
    fn from(reason: T) -> Self {
        Self(reason.to_string())
    }
}
