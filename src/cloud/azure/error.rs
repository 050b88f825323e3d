//! What a vault's errors mean.

use serde::Deserialize;

use crate::cloud::{Error, Kind, Response};

#[derive(Deserialize, Default)]
struct Failed {
    #[serde(default)]
    error: Code,
}

#[derive(Deserialize, Default)]
struct Code {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
    innererror: Option<Box<Code>>,
}

/// Codes within a 403 that are about the key and not about who asks.
const DISABLED: [&str; 3] = ["KeyDisabled", "KeyExpired", "KeyNotYetValid"];

/// The error of an answer that is no success.
pub(super) fn of(answer: &Response) -> Error {
    let Failed { error } = serde_json::from_slice(&answer.body).unwrap_or_default();
    let inner = error.innererror.map(|inner| inner.code).unwrap_or_default();
    let kind = match answer.status {
        401 => Kind::Unauthenticated,
        403 if DISABLED.contains(&&*inner) => Kind::Disabled,
        403 => Kind::Denied,
        404 => Kind::NotFound,
        409 => Kind::Conflict,
        429 => Kind::Throttled,
        408 | 500.. => Kind::Unavailable,
        _ => Kind::Refused,
    };
    // The first line: those behind it repeat who asked, from where, for what.
    let message: String = error.message.lines().next().unwrap_or_default().chars().take(300).collect();
    let what = format!("Azure answered {} {} {inner}: {message}", answer.status, error.code);
    Error::new(kind, what).after(answer.retry_after())
}
