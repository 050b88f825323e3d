//! Secret keys as bytes, hexadecimal digits or Base64.

use base64ct::{Base64, Base64Url, Encoding};
use clap::ValueEnum;
use zeroize::Zeroizing;

use super::{Format, Item, Material, Result};
use crate::types::{SecretBytes, ck};

/// Types of secret keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SecretKind {
    /// AES
    Aes,
    /// Generic secrets, HMAC keys among them
    Generic,
    /// HMAC with SHA-1 only
    Sha1Hmac,
    /// HMAC with SHA-224 only
    Sha224Hmac,
    /// HMAC with SHA-256 only
    Sha256Hmac,
    /// HMAC with SHA-384 only
    Sha384Hmac,
    /// HMAC with SHA-512 only
    Sha512Hmac,
}

impl SecretKind {
    /// CKK_.
    pub fn key_type(self) -> ck::CK_KEY_TYPE {
        match self {
            SecretKind::Aes => ck::CKK_AES,
            SecretKind::Generic => ck::CKK_GENERIC_SECRET,
            SecretKind::Sha1Hmac => ck::CKK_SHA_1_HMAC,
            SecretKind::Sha224Hmac => ck::CKK_SHA224_HMAC,
            SecretKind::Sha256Hmac => ck::CKK_SHA256_HMAC,
            SecretKind::Sha384Hmac => ck::CKK_SHA384_HMAC,
            SecretKind::Sha512Hmac => ck::CKK_SHA512_HMAC,
        }
    }
}

/// The secret key of a file that is nothing else.
pub(super) fn read(content: &[u8], format: Format, kind: Option<SecretKind>) -> Result<Item> {
    let Some(kind) = kind else {
        return Err("bytes alone don't say what key they are: --secret TYPE does".into());
    };
    let value = match format {
        Format::Hex => from_hex(content).ok_or("not an even number of hexadecimal digits")?,
        Format::Base64 => from_base64(content).ok_or("not Base64")?,
        _ => SecretBytes::from(content),
    };
    if kind == SecretKind::Aes && ![16, 24, 32].contains(&value.len()) {
        let (len, hint) = (value.len(), hint(content, format));
        return Err(format!("an AES key has 16, 24 or 32 bytes, and this one {len}{hint}").into());
    }
    Ok(Material::Secret(kind.key_type(), value).into())
}

/// What a file of the wrong length probably is.
fn hint(content: &[u8], format: Format) -> &'static str {
    let fits = |value: Option<SecretBytes>| value.is_some_and(|value| [16, 24, 32].contains(&value.len()));
    match format {
        Format::Raw if fits(from_hex(content)) => ": it looks like --format hex",
        Format::Raw if fits(from_base64(content)) => ": it looks like --format base64",
        _ => "",
    }
}

fn from_hex(content: &[u8]) -> Option<SecretBytes> {
    let digits = content.strip_prefix(b"0x").unwrap_or(content);
    let digits = digits.iter().filter(|byte| !byte.is_ascii_whitespace() && **byte != b':');
    let digits: Option<Vec<u8>> =
        digits.map(|byte| u8::try_from(char::from(*byte).to_digit(16)?).ok()).collect();
    let digits = Zeroizing::new(digits?);
    let (pairs, rest) = digits.as_chunks::<2>();
    let value = SecretBytes::from(pairs.iter().map(|[high, low]| high << 4 | low).collect::<Vec<u8>>());
    Some(value).filter(|value| !value.is_empty() && rest.is_empty())
}

fn from_base64(content: &[u8]) -> Option<SecretBytes> {
    let text = content.iter().filter(|byte| !byte.is_ascii_whitespace());
    let text: Zeroizing<String> = Zeroizing::new(text.map(|byte| char::from(*byte)).collect());
    let value = Base64::decode_vec(&text).or_else(|_| Base64Url::decode_vec(&text)).ok();
    value.map(SecretBytes::from).filter(|value| !value.is_empty())
}

/// A secret key as a line of hexadecimal digits.
pub fn hex(value: &[u8]) -> SecretBytes {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    let mut text = Vec::with_capacity(2 * value.len() + 1);
    text.extend(value.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
    text.push(b'\n');
    SecretBytes::from(text)
}

/// A secret key as a line of Base64.
pub fn base64(value: &[u8]) -> SecretBytes {
    let mut text = Base64::encode_string(value);
    text.reserve_exact(1);
    text.push('\n');
    SecretBytes::from(text.into_bytes())
}
