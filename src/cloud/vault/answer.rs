//! What the server's answers mean.

use serde::Deserialize;

use crate::cloud::{Error, Kind, Response, Result};

/// The longest part of the server's own words that is repeated.
const LONGEST: usize = 300;

/// Words by which the server tells apart what it answers 400 and 500 to; the first that fits counts.
const WORDS: [(&str, Kind); 17] = [
    ("signing key not found", Kind::NotFound),
    ("encryption key not found", Kind::NotFound),
    ("no existing key named", Kind::NotFound),
    ("could not delete key; not found", Kind::NotFound),
    ("higher than the latest key version", Kind::NotFound),
    ("key version does not exist", Kind::NotFound),
    ("version is too new", Kind::NotFound),
    ("less than the minimum encryption key version", Kind::Disabled),
    ("disallowed by policy", Kind::Disabled),
    ("soft-deleted key", Kind::Disabled),
    ("deletion is not allowed", Kind::Denied),
    ("message authentication failed", Kind::BadCiphertext),
    ("failed to RSA decrypt", Kind::BadCiphertext),
    ("invalid ciphertext", Kind::BadCiphertext),
    ("check-and-set", Kind::Conflict),
    ("missing client token", Kind::Unauthenticated),
    ("crypto/rsa: ", Kind::Refused),
];

/// The answer if it is a success, else what it means:
///
/// 404 [`Kind::NotFound`]; 403 [`Kind::Denied`], or [`Kind::Unauthenticated`] where it is the token that the server does
/// not know; 429 [`Kind::Throttled`]; 503 [`Kind::Sealed`] or [`Kind::Unavailable`]; other 4xx [`Kind::Refused`] and 5xx
/// [`Kind::Unavailable`], unless their [`WORDS`] tell more.
pub(super) fn judge(path: &str, answer: Response) -> Result<Response> {
    match answer.is_success() {
        true => Ok(answer),
        false => Err(error(path, &answer, &messages(&answer))),
    }
}

/// The same for a list, where 404 without a word means that it is empty.
pub(super) fn judge_list(path: &str, answer: Response) -> Result<Response> {
    match answer.status {
        404 if messages(&answer).is_empty() => Ok(answer),
        _ => judge(path, answer),
    }
}

/// The same for a document of a KV engine, version 2. 404 is a success where the engine itself says that there is none: by
/// an empty list of errors, or by telling of a version that was deleted. A 404 of something before the server is
/// [`Kind::Unavailable`]: it says nothing of the document. Where the server says that there is no such engine, it stays
/// [`Kind::NotFound`].
pub(super) fn judge_document(path: &str, answer: Response) -> Result<Response> {
    if answer.status == 404 && (is_empty(&answer) || is_deleted(&answer)) {
        return Ok(answer);
    }
    let is_foreign = answer.status == 404 && messages(&answer).is_empty();
    judge(path, answer).map_err(|error| if is_foreign { error.with_kind(Kind::Unavailable) } else { error })
}

fn is_empty(answer: &Response) -> bool {
    serde_json::from_slice::<Errors>(&answer.body).is_ok_and(|answer| answer.errors.is_empty())
}

fn is_deleted(answer: &Response) -> bool {
    #[derive(Deserialize)]
    struct Deleted {
        data: Data,
    }
    #[derive(Deserialize)]
    struct Data {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    struct Metadata {
        deletion_time: String,
        destroyed: bool,
    }
    serde_json::from_slice::<Deleted>(&answer.body).is_ok_and(|Deleted { data: Data { metadata } }| {
        metadata.destroyed || !metadata.deletion_time.is_empty()
    })
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<String>,
}

fn messages(answer: &Response) -> Vec<String> {
    // Something between may have answered in HTML: the status says enough then.
    serde_json::from_slice::<Errors>(&answer.body).map(|answer| answer.errors).unwrap_or_default()
}

fn error(path: &str, answer: &Response, messages: &[String]) -> Error {
    let status = answer.status;
    let path = path.split('?').next().unwrap_or_default();
    let told = told(messages);
    let what = match told.is_empty() {
        true => format!("{path}: HTTP {status}"),
        false => format!("{path}: HTTP {status}, {told}"),
    };
    Error::new(kind(status, messages), what).after(answer.retry_after())
}

pub(super) fn kind(status: u16, messages: &[String]) -> Kind {
    let says = |words: &str| messages.iter().any(|message| message.contains(words));
    match status {
        403 if is_token_unknown(messages) => Kind::Unauthenticated,
        401 => Kind::Unauthenticated,
        403 => Kind::Denied,
        404 => Kind::NotFound,
        429 => Kind::Throttled,
        503 if says("sealed") || says("not initialized") => Kind::Sealed,
        // A standby that sends elsewhere, or one that has not caught up with what was written.
        307 | 308 | 412 | 472 | 473 | 503 => Kind::Unavailable,
        _ => match WORDS.iter().find(|(words, _)| says(words)) {
            Some((_, kind)) => *kind,
            None if status >= 500 => Kind::Unavailable,
            None => Kind::Refused,
        },
    }
}

/// A policy that denies comes in a list of "1 error occurred", a token that is not known does not; newer Vaults also
/// say so.
fn is_token_unknown(messages: &[String]) -> bool {
    messages.iter().any(|message| message == "permission denied" || message.contains("invalid token"))
}

/// The server's words in one line.
pub(super) fn told(messages: &[String]) -> String {
    let mut told = String::new();
    for message in messages {
        for line in message.lines().map(|line| line.trim_matches(['\t', ' ', '*'])) {
            let is_heading = line.ends_with("occurred:");
            if !line.is_empty() && !is_heading {
                if !told.is_empty() {
                    told.push_str("; ");
                }
                told.push_str(line);
            }
        }
    }
    told.truncate(told.floor_char_boundary(LONGEST));
    told
}
