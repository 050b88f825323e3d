//! What AWS's errors mean: by their code, not by the status, which is 400 for nearly all.

use serde::Deserialize;

use crate::cloud::{Error, Kind, Response};

/// Codes without `Exception` at their end, which some services add and others don't.
const CODES: &[(Kind, &[&str])] = &[
    (Kind::NotFound, &["NotFound", "ResourceNotFound"]),
    (
        Kind::Denied,
        &["AccessDenied", "KMSAccessDenied", "NotAuthorized", "OptInRequired", "UnauthorizedOperation"],
    ),
    (Kind::Disabled, &["Disabled", "KMSInvalidState"]),
    (
        Kind::Throttled,
        &[
            "BandwidthLimitExceeded",
            "LimitExceeded",
            "PriorRequestNotComplete",
            "RequestLimitExceeded",
            "RequestThrottled",
            "SlowDown",
            "Throttled",
            "Throttling",
            "TooManyRequests",
        ],
    ),
    (
        Kind::Unauthenticated,
        &[
            "AuthFailure",
            "ExpiredToken",
            "IncompleteSignature",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidIdentityToken",
            "InvalidSignature",
            "InvalidToken",
            "MissingAuthenticationToken",
            "RequestExpired",
            "RequestTimeTooSkewed",
            "SignatureDoesNotMatch",
            "TokenRefreshRequired",
            "UnrecognizedClient",
        ],
    ),
    (Kind::BadCiphertext, &["IncorrectKey", "InvalidCiphertext"]),
    (Kind::Conflict, &["AlreadyExists", "ResourceExists"]),
    (
        Kind::Unavailable,
        &[
            "CloudHsmClusterNotActive",
            "DependencyTimeout",
            "IDPCommunicationError",
            "InternalError",
            "InternalFailure",
            "InternalServiceError",
            "KMSInternal",
            "KeyUnavailable",
            "RequestTimeout",
            "ServiceUnavailable",
            "XksProxyUriUnreachable",
        ],
    ),
];

/// An error answer of the JSON protocols.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(rename = "__type", default)]
    code: &'a str,
    #[serde(default, alias = "Message")]
    message: String,
}

/// The error that an answer stands for: in JSON, or in the XML of STS and of what stands before services.
pub(super) fn of(what: &str, response: &Response) -> Error {
    let said: Option<Said<'_>> = serde_json::from_slice(&response.body).ok();
    if let Some(said) = said {
        let header = response.header("x-amzn-errortype").unwrap_or_default();
        let code = if said.code.is_empty() { header } else { said.code };
        return error(what, response, code, &said.message);
    }
    let text = std::str::from_utf8(&response.body).unwrap_or_default();
    let part = |tag| super::sts::element(text, tag).unwrap_or_default();
    error(what, response, part("Code"), part("Message"))
}

fn error(what: &str, response: &Response, code: &str, message: &str) -> Error {
    let code = bare(code);
    let kind = kind(code, response.status);
    let code = if code.is_empty() { format!("HTTP status {}", response.status) } else { code.to_owned() };
    let message = shown(kind, message);
    let colon = if message.is_empty() { "" } else { ": " };
    Error::new(kind, format!("AWS {what}: {code}{colon}{message}")).after(response.retry_after())
}

/// `com.amazonaws.kms#NotFoundException:http://...` is a NotFoundException.
fn bare(code: &str) -> &str {
    let code = code.rsplit_once('#').map_or(code, |(_, code)| code);
    code.split_once(':').map_or(code, |(code, _)| code)
}

fn kind(code: &str, status: u16) -> Kind {
    let name = code.strip_suffix("Exception").unwrap_or(code);
    let known = CODES.iter().find(|(_, codes)| codes.contains(&name)).map(|(kind, _)| *kind);
    known.unwrap_or(match status {
        429 => Kind::Throttled,
        401 => Kind::Unauthenticated,
        403 => Kind::Denied,
        500.. => Kind::Unavailable,
        _ => Kind::Refused,
    })
}

/// What may be shown of a message. One about a signature quotes the request with its session token, one about a
/// parameter may quote its value.
fn shown(kind: Kind, message: &str) -> &str {
    match kind {
        Kind::Unauthenticated => "",
        _ => match message.find(" at '") {
            Some(at) => message.get(at + 1..).unwrap_or_default(),
            None => message,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_a_meaning() {
        for (code, status, expected) in [
            ("NotFoundException", 400, Kind::NotFound),
            ("com.amazonaws.kms#DisabledException", 400, Kind::Disabled),
            ("ThrottlingException:http://internal.amazon.com/", 400, Kind::Throttled),
            ("ExpiredTokenException", 400, Kind::Unauthenticated),
            ("ExpiredToken", 403, Kind::Unauthenticated),
            ("ValidationException", 400, Kind::Refused),
            ("KMSInternalException", 500, Kind::Unavailable),
            ("", 502, Kind::Unavailable),
            ("SomethingNew", 400, Kind::Refused),
        ] {
            assert_eq!(kind(bare(code), status), expected, "{code}");
        }
        let codes: Vec<_> = CODES.iter().flat_map(|(_, codes)| *codes).collect();
        let mut once = codes.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), codes.len(), "each code once");
    }

    #[test]
    fn messages_show_no_secret() {
        let signature = "The Canonical String should have been 'POST\nx-amz-security-token:PLANTED'";
        assert_eq!(shown(Kind::Unauthenticated, signature), "");
        let value = "1 validation error detected: Value 'PLANTED' at 'message' failed to satisfy constraint";
        assert_eq!(shown(Kind::Refused, value), "at 'message' failed to satisfy constraint");
        assert_eq!(
            shown(Kind::Denied, "User: arn:aws:iam::1:user/a is not"),
            "User: arn:aws:iam::1:user/a is not"
        );
    }
}
