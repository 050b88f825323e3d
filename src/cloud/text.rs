//! How services write bytes as text.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};

use super::{Error, Kind, Result};
use crate::types::{SecretBytes, wiping};

/// Base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// Base64 for URLs, without padding.
pub fn base64_url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// The bytes of a field in Base64. [`Kind::Corrupt`].
pub fn from_base64(field: &str, text: &str) -> Result<SecretBytes> {
    Base64::decode_vec(text).map(SecretBytes::from).map_err(|_| not_base64(field))
}

/// The bytes of a field in Base64 for URLs, with or without padding. [`Kind::Corrupt`].
pub fn from_base64_url(field: &str, text: &str) -> Result<SecretBytes> {
    let text = text.trim_end_matches('=');
    Base64UrlUnpadded::decode_vec(text).map(SecretBytes::from).map_err(|_| not_base64(field))
}

fn not_base64(field: &str) -> Error {
    Error::new(Kind::Corrupt, format!("the answer's {field} is not Base64"))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A path segment or query value: everything but RFC 3986's unreserved characters as %XX.
pub fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// What a JSON answer says. [`Kind::Corrupt`] for one of another shape; the answer itself is not shown.
pub fn from_json<'a, T: serde::Deserialize<'a>>(what: &str, body: &'a [u8]) -> Result<T> {
    // Texts with escapes are copied on their way.
    wiping(|| serde_json::from_slice(body)).map_err(|error: serde_json::Error| {
        // Category and place: the message of a type error would quote the value.
        let why = format!(
            "{what}: the answer is not as expected ({:?} error, column {})",
            error.classify(),
            error.column()
        );
        Error::new(Kind::Corrupt, why)
    })
}
