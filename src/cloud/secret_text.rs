//! Text that must not stay in memory: tokens, keys and passwords of services, plaintexts in Base64.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Visitor};
use zeroize::Zeroize;

use crate::types::Pages;

/// A secret string in memory that is locked, in no core dump, and wiped when the last copy goes: copies are one.
#[derive(Clone)]
pub struct SecretText(Arc<Pages>);

impl Default for SecretText {
    fn default() -> Self {
        "".into()
    }
}

impl From<String> for SecretText {
    fn from(mut text: String) -> Self {
        let secret = text.as_str().into();
        text.zeroize();
        secret
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        let mut pages = Pages::locked(text.len());
        pages.copy_from_slice(text.as_bytes());
        SecretText(Arc::new(pages))
    }
}

impl Deref for SecretText {
    type Target = str;
    fn deref(&self) -> &str {
        // It was a string, and in a forked child it is zeros.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl PartialEq for SecretText {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for SecretText {}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText")
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = SecretText;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<SecretText, E> {
                Ok(text.into())
            }
            fn visit_string<E: serde::de::Error>(self, text: String) -> Result<SecretText, E> {
                Ok(text.into())
            }
        }
        deserializer.deserialize_str(Text)
    }
}
