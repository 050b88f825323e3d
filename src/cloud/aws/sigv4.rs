//! AWS Signature Version 4, in headers: what is signed with whose key, and for which service at what time.
//!
//! Only what requests here have: no query, and a path without dot segments.

use zeroize::Zeroizing;

use super::clock::basic_format;
use super::credentials::Credentials;
use crate::cloud::text::{hex, percent};
use crate::crypto::{Hash, digest, hmac_sha256};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The request, as far as a signature covers it.
pub(super) struct Unsigned<'a> {
    pub method: &'a str,
    /// From the first slash, as it is sent.
    pub path: &'a str,
    /// Names in lower case, `host` among them; not the date and the session token.
    pub headers: &'a [(&'static str, &'a str)],
    pub body: &'a [u8],
}

/// Where and when a signature is valid.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub region: &'a str,
    pub service: &'a str,
    /// Seconds since 1970.
    pub time: i64,
}

/// The headers to send besides those that were signed. Each may hold a secret.
pub(super) fn sign(
    request: &Unsigned<'_>,
    scope: Scope<'_>,
    credentials: &Credentials,
) -> Vec<(&'static str, Zeroizing<String>)> {
    let time = basic_format(scope.time);
    let mut added = vec![("x-amz-date", Zeroizing::new(time.clone()))];
    if let Some(token) = &credentials.session_token {
        added.push(("x-amz-security-token", Zeroizing::new((**token).to_owned())));
    }
    let mut headers = request.headers.to_vec();
    headers.extend(added.iter().map(|(name, value)| (*name, value.as_str())));
    headers.sort_by_key(|(name, _)| *name);
    let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");

    let date = time.get(..8).unwrap_or_default();
    let place = format!("{date}/{}/{}/aws4_request", scope.region, scope.service);
    let hashed = hex(&digest(Hash::Sha256, canonical(request, &headers, &names).as_bytes()));
    let signature = signature(date, scope, credentials, &format!("{ALGORITHM}\n{time}\n{place}\n{hashed}"));
    let authorization = format!(
        "{ALGORITHM} Credential={}/{place}, SignedHeaders={names}, Signature={signature}",
        credentials.access_key_id
    );
    added.push(("authorization", Zeroizing::new(authorization)));
    added
}

/// The canonical request. It holds the session token.
fn canonical(request: &Unsigned<'_>, headers: &[(&str, &str)], names: &str) -> Zeroizing<String> {
    // With its final length from the start: a growing buffer leaves copies behind.
    let values: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
    let len = request.method.len() + 3 * request.path.len() + values + names.len() + 80;
    let mut text = Zeroizing::new(String::with_capacity(len));
    text.push_str(request.method);
    text.push('\n');
    // Encoded once more than it is sent: a % becomes %25.
    let segments: Vec<_> = request.path.split('/').map(percent).collect();
    text.push_str(&segments.join("/"));
    text.push_str("\n\n");
    for (name, value) in headers {
        text.push_str(name);
        text.push(':');
        for (at, word) in value.split(' ').filter(|word| !word.is_empty()).enumerate() {
            if at > 0 {
                text.push(' ');
            }
            text.push_str(word);
        }
        text.push('\n');
    }
    text.push('\n');
    text.push_str(names);
    text.push('\n');
    text.push_str(&hex(&digest(Hash::Sha256, request.body)));
    text
}

fn signature(date: &str, scope: Scope<'_>, credentials: &Credentials, text: &str) -> String {
    let secret = &credentials.secret_access_key;
    let mut first = Zeroizing::new(Vec::with_capacity(4 + secret.len()));
    first.extend_from_slice(b"AWS4");
    first.extend_from_slice(secret.as_bytes());
    let mut key = Zeroizing::new(hmac_sha256(&first, &[date.as_bytes()]));
    for part in [scope.region, scope.service, "aws4_request"] {
        *key = hmac_sha256(&*key, &[part.as_bytes()]);
    }
    hex(&hmac_sha256(&*key, &[text.as_bytes()]))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The official suite's cases without a query and without dot segments.
    const CASES: [&str; 13] = [
        "get-header-value-trim",
        "get-space-unnormalized",
        "get-unreserved",
        "get-utf8",
        "get-vanilla",
        "get-vanilla-with-session-token",
        "post-header-key-case",
        "post-header-key-sort",
        "post-header-value-case",
        "post-sts-header-before",
        "post-vanilla",
        "post-x-www-form-urlencoded",
        "post-x-www-form-urlencoded-parameters",
    ];

    #[derive(serde::Deserialize)]
    struct Context {
        credentials: Keys,
        region: String,
        service: String,
        timestamp: String,
        sign_body: bool,
    }

    #[derive(serde::Deserialize)]
    struct Keys {
        access_key_id: String,
        secret_access_key: String,
        token: Option<String>,
    }

    #[test]
    fn the_official_vectors_agree() {
        for case in CASES {
            let directory =
                Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/aws-signing-test-suite").join(case);
            let read = |name: &str| std::fs::read_to_string(directory.join(name)).unwrap();
            let context: Context = serde_json::from_str(&read("context.json")).unwrap();
            let request = read("request.txt");
            let (head, body) = request.split_once("\n\n").unwrap_or((request.trim_end(), ""));
            let mut lines = head.lines();
            let (method, target) = lines.next().unwrap().split_once(' ').unwrap();
            let path = target.strip_suffix(" HTTP/1.1").unwrap();
            let mut headers: Vec<(&'static str, &str)> = lines
                .map(|line| line.split_once(':').unwrap())
                .map(|(name, value)| (&*name.to_ascii_lowercase().leak(), value))
                .collect();
            let hash = hex(&digest(Hash::Sha256, body.as_bytes()));
            if context.sign_body {
                headers.push(("x-amz-content-sha256", &hash));
            }
            let credentials = Credentials {
                access_key_id: context.credentials.access_key_id,
                secret_access_key: context.credentials.secret_access_key.into(),
                session_token: context.credentials.token.map(Into::into),
                expires: None,
            };
            let unsigned = Unsigned { method, path, headers: &headers, body: body.as_bytes() };
            let time = super::super::clock::from_rfc3339(&context.timestamp).unwrap();
            let scope = Scope { region: &context.region, service: &context.service, time };
            let signed = sign(&unsigned, scope, &credentials);
            let (_, authorization) = signed.last().unwrap();
            let expected = read("header-signed-request.txt");
            let expected = expected.lines().find_map(|line| line.strip_prefix("Authorization:")).unwrap();
            assert_eq!(**authorization, expected, "{case}");
        }
    }
}
