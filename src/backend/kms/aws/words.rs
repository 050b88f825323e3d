//! KMS's requests and answers, as far as they are used here.

use serde::{Deserialize, Serialize};

use crate::cloud::SecretText;

/// Every parameter that some operation takes. None is a secret.
#[derive(Serialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_algorithm: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac_algorithm: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ciphertext_blob: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_algorithm: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_agreement_algorithm: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared_secret_ciphertext_blob: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encapsulation_algorithm: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number_of_bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_spec: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_usage: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_key_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_window_in_days: Option<u32>,
}

impl<'a> Request<'a> {
    pub(super) fn of_key(name: &'a str) -> Request<'a> {
        Request { key_id: Some(name), ..Request::default() }
    }
}

/// One page of a list.
pub(super) trait Page {
    type Item;
    /// What is on it, and where the next one begins.
    fn parts(self) -> (Vec<Self::Item>, Option<String>);
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Aliases {
    aliases: Vec<Alias>,
    #[serde(default)]
    truncated: bool,
    next_marker: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Alias {
    pub alias_name: String,
    pub target_key_id: Option<String>,
}

impl Page for Aliases {
    type Item = Alias;
    fn parts(self) -> (Vec<Alias>, Option<String>) {
        (self.aliases, self.next_marker.filter(|_| self.truncated))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Keys {
    keys: Vec<KeyEntry>,
    #[serde(default)]
    truncated: bool,
    next_marker: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct KeyEntry {
    pub key_id: String,
}

impl Page for Keys {
    type Item = KeyEntry;
    fn parts(self) -> (Vec<KeyEntry>, Option<String>) {
        (self.keys, self.next_marker.filter(|_| self.truncated))
    }
}

/// GetPublicKey's. What a key does not do may be missing, or empty.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PublicKey {
    /// The ARN.
    pub key_id: String,
    pub public_key: String,
    pub key_spec: String,
    pub key_usage: String,
    #[serde(default)]
    pub signing_algorithms: Option<Vec<String>>,
    #[serde(default)]
    pub encryption_algorithms: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Described {
    pub key_metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Metadata {
    pub arn: String,
    pub key_spec: String,
    pub key_state: String,
    /// Seconds since 1970, with a fraction.
    pub creation_date: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Created {
    pub key_metadata: KeyEntry,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Signed {
    pub signature: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Maced {
    pub mac: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Decrypted {
    pub plaintext: SecretText,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Random {
    pub plaintext: SecretText,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Secret {
    pub shared_secret: SecretText,
}
