//! The JSON that vaults speak. Bytes are in Base64 for URLs.

use serde::{Deserialize, Serialize};

use super::algorithms;
use crate::cloud::text::from_base64_url;
use crate::cloud::{Error, Kind, Result, SecretText};
use crate::crypto::{EcPublic, PublicKey, RsaPublic};
use crate::types::SecretBytes;
use crate::types::unix_now;

fn corrupt(why: &str) -> Error {
    Error::new(Kind::Corrupt, why)
}

/// A page of keys, or of a key's versions.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    #[serde(default)]
    pub(super) value: Vec<Item>,
    pub(super) next_link: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Item {
    pub(super) kid: String,
    #[serde(default)]
    pub(super) attributes: Attributes,
}

#[derive(Deserialize, Default)]
pub(super) struct Attributes {
    enabled: Option<bool>,
    nbf: Option<u64>,
    exp: Option<u64>,
    pub(super) created: Option<u64>,
}

impl Attributes {
    /// Whether the service lets it be used at this time.
    pub(super) fn is_usable(&self) -> bool {
        let now = unix_now();
        self.enabled != Some(false)
            && self.nbf.is_none_or(|begin| begin <= now)
            && self.exp.is_none_or(|end| now < end)
    }
}

/// Name and version of a key identifier, `https://HOST/keys/NAME/VERSION`. A list of keys has no versions.
pub(super) fn parts(kid: &str) -> Option<(&str, &str)> {
    let (_, path) = kid.split_once("/keys/")?;
    let (name, version) = path.split_once('/').unwrap_or((path, ""));
    (!name.is_empty() && !version.contains('/')).then_some((name, version))
}

/// What `get` and `create` answer.
#[derive(Deserialize)]
pub(super) struct Bundle {
    pub(super) key: WebKey,
    #[serde(default)]
    pub(super) attributes: Attributes,
}

/// A JSON web key (RFC 7517), without its private part.
#[derive(Deserialize)]
pub(super) struct WebKey {
    pub(super) kid: String,
    #[serde(default)]
    pub(super) kty: String,
    pub(super) key_ops: Option<Vec<String>>,
    n: Option<String>,
    e: Option<String>,
    pub(super) crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    /// Bits of a secret key, which not every answer says.
    pub(super) key_size: Option<usize>,
}

impl WebKey {
    /// Whether the key may be used so; everything is allowed where nothing is said.
    pub(super) fn may(&self, operation: &str) -> bool {
        self.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op.eq_ignore_ascii_case(operation)))
    }

    /// The SubjectPublicKeyInfo of an RSA key. [`Kind::Corrupt`].
    pub(super) fn rsa_spki(&self) -> Result<Vec<u8>> {
        let (n, e) = (field("n", self.n.as_deref())?, field("e", self.e.as_deref())?);
        let public = RsaPublic::new(&n, &e).map_err(|error| corrupt(&error.to_string()))?;
        PublicKey::Rsa(public).to_spki().map_err(|error| corrupt(&error.to_string()))
    }

    /// The same of an EC key; `None` for a curve that is not known here. [`Kind::Corrupt`].
    pub(super) fn ec_spki(&self) -> Result<Option<(&str, Vec<u8>)>> {
        let Some((name, curve)) = self.crv.as_deref().and_then(|name| Some((name, algorithms::curve(name)?)))
        else {
            return Ok(None);
        };
        let mut point = vec![4];
        for (which, text) in [("x", &self.x), ("y", &self.y)] {
            let number = field(which, text.as_deref())?;
            // Fixed-length by RFC 7518, and padded for writers that don't know it.
            let zeros = curve.field_len().checked_sub(number.len()).ok_or_else(|| corrupt("a long point"))?;
            point.resize(point.len() + zeros, 0);
            point.extend_from_slice(&number);
        }
        let public = EcPublic::from_point(curve, &point).map_err(|error| corrupt(&error.to_string()))?;
        let spki = PublicKey::Ec(public).to_spki().map_err(|error| corrupt(&error.to_string()))?;
        Ok(Some((name, spki)))
    }
}

fn field(name: &str, text: Option<&str>) -> Result<SecretBytes> {
    from_base64_url(name, text.ok_or_else(|| corrupt(&format!("the key lacks {name}")))?)
}

/// `sign`, `decrypt`, `encrypt` and `unwrapkey`.
#[derive(Serialize)]
pub(super) struct Operation<'a> {
    pub(super) alg: &'a str,
    pub(super) value: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) iv: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) aad: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tag: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Done {
    #[serde(default)]
    kid: String,
    #[serde(default)]
    value: SecretText,
}

impl Done {
    /// The result, if it is of this key. [`Kind::Corrupt`].
    pub(super) fn result(&self, name: &str, version: &str) -> Result<SecretBytes> {
        match parts(&self.kid) {
            Some((of, at)) if of.eq_ignore_ascii_case(name) && at == version => {
                from_base64_url("value", &self.value)
            }
            _ => Err(corrupt("the answer is about another key")),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Count {
    pub(super) count: usize,
}

#[derive(Deserialize)]
pub(super) struct Random {
    pub(super) value: SecretText,
}

/// A key to make.
#[derive(Serialize)]
pub(super) struct Create {
    pub(super) kty: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key_size: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) crv: Option<&'static str>,
    pub(super) key_ops: Vec<&'static str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_taken_apart() {
        assert_eq!(parts("https://v.vault.azure.net/keys/web/0123"), Some(("web", "0123")));
        assert_eq!(parts("https://v.vault.azure.net:443/keys/web"), Some(("web", "")));
        for wrong in ["https://v/secrets/web", "https://v/keys/", "https://v/keys/a/b/c"] {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn times_decide_whether_a_key_is_usable() {
        let usable = |json: &str| serde_json::from_str::<Attributes>(json).unwrap().is_usable();
        assert!(usable("{}") && usable(r#"{"enabled": true, "nbf": 1, "exp": 99999999999}"#));
        assert!(
            !usable(r#"{"enabled": false}"#)
                && !usable(r#"{"nbf": 99999999999}"#)
                && !usable(r#"{"exp": 1}"#)
        );
    }
}
