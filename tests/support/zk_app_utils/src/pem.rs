//! Public keys as PEM files (SubjectPublicKeyInfo).

use base64ct::{Base64, Encoding};

use crate::curve::Kind;
use crate::files::unhex;
use crate::slots::Key;

pub fn public(key: &Key) -> String {
    // What stands before the bits of the key.
    let head = match key.kind {
        Kind::P256 => "3059301306072a8648ce3d020106082a8648ce3d03010703420004",
        Kind::Secp256k1 => "3056301006072a8648ce3d020106052b8104000a03420004",
        Kind::Ed25519 => "302a300506032b6570032100",
        Kind::X25519 => "302a300506032b656e032100",
    };
    let text = Base64::encode_string(&[unhex(head), key.public.clone()].concat());
    let lines: Vec<&str> =
        (0..text.len()).step_by(64).filter_map(|at| text.get(at..text.len().min(at + 64))).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}
