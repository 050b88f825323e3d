//! The table: one row per kind of work.

use keyward_conformance::Rv;

use crate::algorithm::{Bulk, Signature};
use crate::token;
use crate::worker::Worker;

/// Which values are the good ones.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// A cost.
    Lower,
    /// A rate.
    Higher,
    /// Neither: a cost that is paid on purpose.
    Neither,
}

/// What is measured.
#[derive(Clone, Copy)]
pub enum Work {
    /// Microseconds per C_SignInit and C_Sign.
    Sign(Signature),
    /// Microseconds per C_VerifyInit and C_Verify.
    Verify(Signature),
    /// Signatures per second of two threads, one key and a session each, over one thread's.
    Threads(Signature),
    /// Megabytes per second in messages of so many bytes: `*Init` and the single-part call.
    Bulk(Bulk, usize),
    /// What only a token does.
    Token(fn(&mut Worker) -> Result<f64, Rv>),
}

/// One line of the table.
pub struct Row {
    /// Its name; `N` in it stands for the large token's number of objects or pairs.
    pub name: &'static str,
    /// The unit of what is measured.
    pub unit: &'static str,
    /// Which values are the good ones.
    pub better: Better,
    /// What is measured.
    pub work: Work,
}

impl Row {
    /// The name with the number of key pairs in it.
    pub fn title(&self, pairs: usize) -> String {
        let objects = format!("{} objects", 2 * pairs);
        self.name
            .replace("N pairs", &format!("{pairs} pairs"))
            .replace("N objects", &objects)
            .replace("N session", &format!("{} session", 2 * pairs))
    }

    /// How far the first module is ahead: above 1 it is.
    pub fn ratio(&self, peer: f64, ours: f64) -> Option<f64> {
        match self.better {
            Better::Lower => Some(peer / ours),
            Better::Higher => Some(ours / peer),
            Better::Neither => None,
        }
    }
}

const fn sign(name: &'static str, signature: Signature) -> Row {
    Row { name, unit: "µs", better: Better::Lower, work: Work::Sign(signature) }
}

const fn verify(name: &'static str, signature: Signature) -> Row {
    Row { name, unit: "µs", better: Better::Lower, work: Work::Verify(signature) }
}

const fn threads(name: &'static str, signature: Signature) -> Row {
    Row { name, unit: "", better: Better::Higher, work: Work::Threads(signature) }
}

const fn bulk(name: &'static str, bulk: Bulk, len: usize) -> Row {
    Row { name, unit: "MB/s", better: Better::Higher, work: Work::Bulk(bulk, len) }
}

const fn token(
    name: &'static str,
    unit: &'static str,
    better: Better,
    work: fn(&mut Worker) -> Result<f64, Rv>,
) -> Row {
    Row { name, unit, better, work: Work::Token(work) }
}

const fn find(name: &'static str, work: fn(&mut Worker) -> Result<f64, Rv>) -> Row {
    token(name, "µs", Better::Lower, work)
}

/// Every row, in the table's order: the small token's come first and the large one's last, which fill it.
pub const ROWS: &[Row] = &[
    token("sessions opened and closed", "/s", Better::Higher, token::sessions),
    find("find by CKA_ID, 10 objects", |worker| token::find_by_id(worker, 5)),
    find("find by CKA_LABEL, 10 objects", |worker| token::find_by_label(worker, 5)),
    find("find by CKA_LABEL, 10 session objects", |worker| token::find_in_session(worker, 5)),
    token(OPEN_SMALL, "ms", Better::Lower, |worker| token::open(worker, 5)),
    sign("P-256 sign", Signature::P256),
    sign("P-384 sign", Signature::P384),
    sign("RSA-2048 sign", Signature::Rsa2048),
    sign("RSA-4096 sign", Signature::Rsa4096),
    sign("Ed25519 sign", Signature::Ed25519),
    sign("ML-DSA-65 sign", Signature::MlDsa65),
    verify("P-256 verify", Signature::P256),
    verify("P-384 verify", Signature::P384),
    verify("RSA-2048 verify", Signature::Rsa2048),
    verify("Ed25519 verify", Signature::Ed25519),
    verify("ML-DSA-65 verify", Signature::MlDsa65),
    threads("P-256 sign, two threads over one", Signature::P256),
    threads("RSA-2048 sign, two threads over one", Signature::Rsa2048),
    threads("Ed25519 sign, two threads over one", Signature::Ed25519),
    bulk("AES-256-GCM encrypt, 64 B", Bulk::AesGcm, 64),
    bulk("AES-256-GCM encrypt, 16 KiB", Bulk::AesGcm, 16 << 10),
    bulk("AES-256-GCM encrypt, 1 MiB", Bulk::AesGcm, 1 << 20),
    bulk("AES-256-CBC encrypt, 64 B", Bulk::AesCbc, 64),
    bulk("AES-256-CBC encrypt, 16 KiB", Bulk::AesCbc, 16 << 10),
    bulk("AES-256-CBC encrypt, 1 MiB", Bulk::AesCbc, 1 << 20),
    bulk("SHA-256, 64 B", Bulk::Sha256, 64),
    bulk("SHA-256, 16 KiB", Bulk::Sha256, 16 << 10),
    bulk("SHA-256, 1 MiB", Bulk::Sha256, 1 << 20),
    bulk("HMAC-SHA-256, 64 B", Bulk::HmacSha256, 64),
    bulk("HMAC-SHA-256, 16 KiB", Bulk::HmacSha256, 16 << 10),
    bulk("HMAC-SHA-256, 1 MiB", Bulk::HmacSha256, 1 << 20),
    token("durable P-256 pairs", "/s", Better::Higher, token::durable),
    find("find by CKA_ID, N objects", |worker| token::find_by_id(worker, worker.pairs)),
    find("find by CKA_LABEL, N objects", |worker| token::find_by_label(worker, worker.pairs)),
    find("find by CKA_LABEL, N session objects", |worker| token::find_in_session(worker, worker.pairs)),
    token(OPEN_LARGE, "ms", Better::Lower, |worker| token::open(worker, worker.pairs)),
    token("login, default KDF", "ms", Better::Neither, token::default_login),
];

const OPEN_SMALL: &str = "C_Initialize, login, find, sign, C_Finalize, 10 objects, cheapest KDF";
const OPEN_LARGE: &str = "C_Initialize, login, find, sign, C_Finalize, N objects, cheapest KDF";
