//! What Google's errors mean: `google.rpc.Status`.

use std::time::Duration;

use serde::Deserialize;

use crate::cloud::{Error, Kind, Response};

#[derive(Deserialize, Default)]
struct Failed {
    #[serde(default)]
    error: Status,
}

#[derive(Deserialize, Default)]
struct Status {
    #[serde(default)]
    message: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    details: Vec<Detail>,
}

/// Of the many kinds of detail only `RetryInfo` has this field.
#[derive(Deserialize)]
struct Detail {
    #[serde(default, rename = "retryDelay")]
    retry_delay: Option<String>,
}

/// google.rpc.Code, by name.
const CODES: &[(&str, Kind)] = &[
    ("NOT_FOUND", Kind::NotFound),
    ("PERMISSION_DENIED", Kind::Denied),
    ("UNAUTHENTICATED", Kind::Unauthenticated),
    ("RESOURCE_EXHAUSTED", Kind::Throttled),
    // A version that is disabled, destroyed, or still being generated.
    ("FAILED_PRECONDITION", Kind::Disabled),
    ("INVALID_ARGUMENT", Kind::Refused),
    ("OUT_OF_RANGE", Kind::Refused),
    ("UNIMPLEMENTED", Kind::Refused),
    ("ALREADY_EXISTS", Kind::Conflict),
    ("ABORTED", Kind::Unavailable),
    ("CANCELLED", Kind::Unavailable),
    ("UNAVAILABLE", Kind::Unavailable),
    ("INTERNAL", Kind::Unavailable),
    ("UNKNOWN", Kind::Unavailable),
    ("DEADLINE_EXCEEDED", Kind::Unavailable),
];

/// The error of an answer that is no success.
pub(super) fn of(answer: &Response) -> Error {
    let Failed { error } = serde_json::from_slice(&answer.body).unwrap_or_default();
    let kind = CODES.iter().find(|(name, _)| *name == error.status).map(|(_, kind)| *kind);
    let kind = kind.unwrap_or(by_http(answer.status));
    let message: String = error.message.chars().take(300).collect();
    let delay = error.details.iter().find_map(|detail| seconds(detail.retry_delay.as_deref()?));
    let what = format!("Google answered {} {}: {message}", answer.status, error.status);
    Error::new(kind, what).after(answer.retry_after().or(delay))
}

/// What comes from something between us and the service has no status of its.
fn by_http(status: u16) -> Kind {
    match status {
        401 => Kind::Unauthenticated,
        403 => Kind::Denied,
        404 => Kind::NotFound,
        409 => Kind::Conflict,
        429 => Kind::Throttled,
        500.. => Kind::Unavailable,
        _ => Kind::Refused,
    }
}

/// A `google.protobuf.Duration` as JSON has it: "1.5s".
fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        assert_eq!(seconds("1.5s"), Some(Duration::from_millis(1500)));
        assert_eq!(seconds("0s"), Some(Duration::ZERO));
        assert_eq!([seconds("-1s"), seconds("1"), seconds("1e99s")], [None; 3]);
    }
}
