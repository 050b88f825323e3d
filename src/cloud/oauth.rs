//! What Google's and Microsoft's token endpoints have in common (RFC 6749, RFC 7523, RFC 8693).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::bearer::Fetched;
use super::text::{base64_url, from_json, percent};
use super::{Deadline, Error, Http, Kind, Request, Response, Result, SecretText};
use crate::crypto::{self, Hash, PrivateKey, RsaPrivate};
use crate::types::{SecretBytes, unix_now};

/// `application/x-www-form-urlencoded`.
pub fn form(fields: &[(&str, &str)]) -> Zeroizing<String> {
    let room = fields.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
    let mut form = Zeroizing::new(String::with_capacity(room));
    for (at, (name, value)) in fields.iter().enumerate() {
        if at > 0 {
            form.push('&');
        }
        form.push_str(name);
        form.push('=');
        form.push_str(&Zeroizing::new(percent(value)));
    }
    form
}

/// What a token endpoint answers. Microsoft's managed identities write numbers as text.
#[derive(Deserialize)]
struct Granted {
    access_token: SecretText,
    #[serde(default)]
    expires_in: Option<Number>,
    #[serde(default)]
    expires_on: Option<Number>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Number(u64),
    Text(String),
}

impl Number {
    fn value(&self) -> Option<u64> {
        match self {
            Number::Number(number) => Some(*number),
            Number::Text(text) => text.trim().parse().ok(),
        }
    }
}

#[derive(Deserialize, Default)]
struct Refused {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

/// The token of an answer. [`Kind::Unauthenticated`] where it was refused.
pub fn granted(who: &str, answer: &Response) -> Result<Fetched> {
    if !answer.is_success() {
        return Err(refusal(who, answer));
    }
    let granted: Granted = from_json(who, &answer.body)?;
    let value = |number: &Option<Number>| number.as_ref().and_then(Number::value);
    let lasts = value(&granted.expires_in)
        .or_else(|| value(&granted.expires_on).map(|end| end.saturating_sub(unix_now())))
        .ok_or_else(|| Error::new(Kind::Corrupt, format!("{who}: a token without its time")))?;
    Ok(Fetched { token: granted.access_token, lasts: Duration::from_secs(lasts) })
}

/// Why there is no token, in the service's words: the error's name and the first line of what it says.
pub fn refusal(who: &str, answer: &Response) -> Error {
    let kind = match answer.status {
        429 => Kind::Throttled,
        500.. => Kind::Unavailable,
        _ => Kind::Unauthenticated,
    };
    let said: Refused = serde_json::from_slice(&answer.body).unwrap_or_default();
    let first = said.error_description.lines().next().unwrap_or_default();
    let first: String = first.chars().take(200).collect();
    let why = format!("{who}: no access token (HTTP {}): {} {first}", answer.status, said.error);
    Error::new(kind, why.trim_end()).after(answer.retry_after())
}

/// Asks a token endpoint with a form.
pub fn exchange(http: &Http, url: &str, fields: &[(&str, &str)], deadline: Deadline) -> Result<Fetched> {
    let body = form(fields);
    let request = Request::new("POST", url, body.as_bytes())
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept", "application/json");
    granted("the token endpoint", &http.send(&request, deadline.left())?)
}

/// A JSON web token signed with RSA, PKCS #1 v1.5 and SHA-256.
pub fn jwt_rs256(header: &impl Serialize, claims: &impl Serialize, key: &RsaPrivate) -> Result<SecretText> {
    let failed = |what: &str| Error::new(Kind::Configuration, format!("the assertion is not signed: {what}"));
    let part = |value: serde_json::Result<Vec<u8>>| {
        value.map(|json| base64_url(&json)).map_err(|_| failed("no JSON"))
    };
    let signed = format!("{}.{}", part(serde_json::to_vec(header))?, part(serde_json::to_vec(claims))?);
    let mut info = Hash::Sha256.digest_info_prefix().to_vec();
    info.extend_from_slice(&crypto::digest(Hash::Sha256, signed.as_bytes()));
    let mut signature = vec![0; key.len()];
    key.pkcs1_sign(&info, &mut signature).map_err(|error| failed(&error.to_string()))?;
    Ok(SecretText::from(format!("{signed}.{}", base64_url(&signature))))
}

/// The RSA key of a PEM text. [`Kind::Configuration`].
pub fn rsa_key(what: &str, pem: &str) -> Result<RsaPrivate> {
    let refused = |why: &str| Error::new(Kind::Configuration, format!("{what}: {why}"));
    let key = match (pem_block(pem, "PRIVATE KEY"), pem_block(pem, "RSA PRIVATE KEY")) {
        (Some(der), _) => PrivateKey::from_pkcs8(&der),
        (None, Some(der)) => PrivateKey::from_pkcs1(&der),
        (None, None) => return Err(refused("no private key in PEM, or an encrypted one")),
    };
    match key.map_err(|error| refused(&error.to_string()))? {
        PrivateKey::Rsa(key) => Ok(key),
        _ => Err(refused("not an RSA key")),
    }
}

/// The content of the first block with this label, whatever stands around it.
pub fn pem_block(pem: &str, label: &str) -> Option<SecretBytes> {
    use base64ct::Encoding;
    let begin = format!("-----BEGIN {label}-----");
    let inside = pem.get(pem.find(&begin)? + begin.len()..)?;
    let inside = inside.get(..inside.find("-----END ")?)?;
    let mut text = Zeroizing::new(String::with_capacity(inside.len()));
    text.extend(inside.chars().filter(|c| !c.is_ascii_whitespace()));
    base64ct::Base64::decode_vec(&text).ok().map(SecretBytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_encoded() {
        assert_eq!(*form(&[("a", "b c"), ("grant_type", "urn:x")]), "a=b%20c&grant_type=urn%3Ax");
    }

    #[test]
    fn numbers_may_be_text() {
        let read = |json: &str| serde_json::from_str::<Number>(json).unwrap().value();
        assert_eq!([read("3599"), read("\"3599\""), read("\"x\"")], [Some(3599), Some(3599), None]);
    }

    #[test]
    fn an_assertion_verifies_and_its_key_may_have_either_label() {
        let key = RsaPrivate::generate(1024, &[1, 0, 1]).unwrap();
        let der = PrivateKey::Rsa(key.clone()).to_pkcs8().unwrap();
        let pem = |label: &str| {
            format!(
                "x\n-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
                super::super::text::base64(&der)
            )
        };
        assert_eq!(rsa_key("a file", &pem("PRIVATE KEY")).unwrap().public().n(), key.public().n());
        assert_eq!(rsa_key("a file", &pem("RSA PRIVATE KEY")).unwrap_err().kind(), Kind::Configuration);
        assert_eq!(rsa_key("a file", "").unwrap_err().kind(), Kind::Configuration);

        let jwt = jwt_rs256(&[("alg", "RS256")], &[("iss", "me")], &key).unwrap();
        let (signed, signature) = jwt.rsplit_once('.').unwrap();
        let mut info = Hash::Sha256.digest_info_prefix().to_vec();
        info.extend_from_slice(&crypto::digest(Hash::Sha256, signed.as_bytes()));
        let signature = super::super::text::from_base64_url("signature", signature).unwrap();
        key.public().pkcs1_verify(&info, &signature).unwrap();
    }
}
