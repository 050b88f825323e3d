//! The table: one row per kind of work, with its goals.

use crate::algorithm::{Bulk, Signature};
use crate::fault::Fault;
use crate::goal::Goal::{self, *};
use crate::rows::{Bare, Better, Fixture, Row, Sharing, Work};
use crate::worker::Worker;
use crate::{changes, durable, search, sessions, start};

type Measure = fn(&mut Worker) -> Result<f64, Fault>;

const fn sign(name: &'static str, signature: Signature, goals: &'static [Goal]) -> Row {
    let work = Work::Sign(signature);
    Row { name, unit: "µs", better: Better::Lower, fixture: Fixture::Keys, work, goals }
}

const fn verify(name: &'static str, signature: Signature, goals: &'static [Goal]) -> Row {
    let work = Work::Verify(signature);
    Row { name, unit: "µs", better: Better::Lower, fixture: Fixture::Keys, work, goals }
}

/// Not for ML-DSA: its signatures cost what chance wants, and the best slices would be the lucky ones.
const fn threads(name: &'static str, signature: Signature, sharing: Sharing) -> Row {
    let work = Work::Threads(signature, sharing);
    Row { name, unit: "", better: Better::Higher, fixture: Fixture::Keys, work, goals: &[AtLeast(1.9)] }
}

/// One message at once, or in four parts.
const fn bulk(name: &'static str, bulk: Bulk, len: usize, parts: usize) -> Row {
    let work = Work::Bulk(bulk, len, parts);
    let goals: &[Goal] = if len < KIB_16 { &[AbovePeers] } else { &[OfBare(0.9)] };
    Row { name, unit: "MB/s", better: Better::Higher, fixture: Fixture::Keys, work, goals }
}

/// A cost that is a token's alone.
const fn cost(
    name: &'static str,
    unit: &'static str,
    fixture: Fixture,
    work: Measure,
    goals: &'static [Goal],
) -> Row {
    Row { name, unit, better: Better::Lower, fixture, work: Work::Token(work, Bare::Nothing), goals }
}

/// A rate that is a token's alone.
const fn rate(name: &'static str, fixture: Fixture, work: Measure, goals: &'static [Goal]) -> Row {
    Row { name, unit: "/s", better: Better::Higher, fixture, work: Work::Token(work, Bare::Nothing), goals }
}

/// Two objects match, or one, or none, whatever the size.
const fn find(name: &'static str, fixture: Fixture, work: Measure) -> Row {
    cost(name, "µs", fixture, work, &[AtMost(50.0), Flat(2.0)])
}

/// A part of a program's start.
const fn part(name: &'static str, work: Measure) -> Row {
    cost(name, "ms", Fixture::Pairs, work, &[Flat(2.0)])
}

impl Row {
    const fn beside(mut self, bare: Bare) -> Self {
        if let Work::Token(work, _) = self.work {
            self.work = Work::Token(work, bare);
        }
        self
    }

    /// A value of which neither more nor less is better.
    const fn on_purpose(mut self) -> Self {
        self.better = Better::Neither;
        self
    }
}

const KIB_16: usize = 16 << 10;
const MIB: usize = 1 << 20;
const NEAR_BARE: &[Goal] = &[OfBare(0.95), AbovePeers];
const SESSIONS: &str = "sessions opened and closed";
const CLOSED_100: &str = "sessions closed by C_CloseAllSessions, 100 open";
const ONE_PROCESS: &str = "durable P-256 pairs, one process";

/// Every row, in the table's order.
pub const ROWS: &[Row] = &[
    sign("RSA-2048 sign", Signature::Rsa2048, NEAR_BARE),
    sign("RSA-3072 sign", Signature::Rsa3072, NEAR_BARE),
    sign("RSA-4096 sign", Signature::Rsa4096, NEAR_BARE),
    sign("P-256 sign", Signature::P256, &[OfBare(0.92), AbovePeers]),
    sign("P-384 sign", Signature::P384, NEAR_BARE),
    sign("P-521 sign", Signature::P521, &[AbovePeers]),
    sign("Ed25519 sign", Signature::Ed25519, &[OfBare(0.85), AbovePeers]),
    sign("ML-DSA-44 sign", Signature::MlDsa44, NEAR_BARE),
    sign("ML-DSA-65 sign", Signature::MlDsa65, NEAR_BARE),
    sign("ML-DSA-87 sign", Signature::MlDsa87, NEAR_BARE),
    verify("RSA-2048 verify", Signature::Rsa2048, NEAR_BARE),
    verify("RSA-3072 verify", Signature::Rsa3072, NEAR_BARE),
    verify("RSA-4096 verify", Signature::Rsa4096, NEAR_BARE),
    verify("P-256 verify", Signature::P256, &[OfBare(0.92), AbovePeers]),
    verify("P-384 verify", Signature::P384, NEAR_BARE),
    verify("P-521 verify", Signature::P521, &[AbovePeers]),
    verify("Ed25519 verify", Signature::Ed25519, &[OfBare(0.85), AbovePeers]),
    verify("ML-DSA-44 verify", Signature::MlDsa44, NEAR_BARE),
    verify("ML-DSA-65 verify", Signature::MlDsa65, NEAR_BARE),
    verify("ML-DSA-87 verify", Signature::MlDsa87, NEAR_BARE),
    threads("P-256 sign, two threads over one, own keys", Signature::P256, Sharing::OwnKeys),
    threads("P-256 sign, two threads over one, one key", Signature::P256, Sharing::OneKey),
    threads("RSA-2048 sign, two threads over one, own keys", Signature::Rsa2048, Sharing::OwnKeys),
    threads("RSA-2048 sign, two threads over one, one key", Signature::Rsa2048, Sharing::OneKey),
    threads("Ed25519 sign, two threads over one, own keys", Signature::Ed25519, Sharing::OwnKeys),
    threads("Ed25519 sign, two threads over one, one key", Signature::Ed25519, Sharing::OneKey),
    bulk("AES-256-GCM encrypt, 64 B", Bulk::AesGcm, 64, 1),
    bulk("AES-256-GCM encrypt, 16 KiB", Bulk::AesGcm, KIB_16, 1),
    bulk("AES-256-GCM encrypt, 1 MiB", Bulk::AesGcm, MIB, 1),
    bulk("AES-256-GCM encrypt, 64 B in 4 parts", Bulk::AesGcm, 64, 4),
    bulk("AES-256-GCM encrypt, 16 KiB in 4 parts", Bulk::AesGcm, KIB_16, 4),
    bulk("AES-256-GCM encrypt, 1 MiB in 4 parts", Bulk::AesGcm, MIB, 4),
    bulk("AES-256-CBC encrypt, 64 B", Bulk::AesCbc, 64, 1),
    bulk("AES-256-CBC encrypt, 16 KiB", Bulk::AesCbc, KIB_16, 1),
    bulk("AES-256-CBC encrypt, 1 MiB", Bulk::AesCbc, MIB, 1),
    bulk("AES-256-CBC encrypt, 64 B in 4 parts", Bulk::AesCbc, 64, 4),
    bulk("AES-256-CBC encrypt, 16 KiB in 4 parts", Bulk::AesCbc, KIB_16, 4),
    bulk("AES-256-CBC encrypt, 1 MiB in 4 parts", Bulk::AesCbc, MIB, 4),
    bulk("SHA-256, 64 B", Bulk::Sha256, 64, 1),
    bulk("SHA-256, 16 KiB", Bulk::Sha256, KIB_16, 1),
    bulk("SHA-256, 1 MiB", Bulk::Sha256, MIB, 1),
    bulk("SHA-256, 64 B in 4 parts", Bulk::Sha256, 64, 4),
    bulk("SHA-256, 16 KiB in 4 parts", Bulk::Sha256, KIB_16, 4),
    bulk("SHA-256, 1 MiB in 4 parts", Bulk::Sha256, MIB, 4),
    bulk("HMAC-SHA-256, 64 B", Bulk::HmacSha256, 64, 1),
    bulk("HMAC-SHA-256, 16 KiB", Bulk::HmacSha256, KIB_16, 1),
    bulk("HMAC-SHA-256, 1 MiB", Bulk::HmacSha256, MIB, 1),
    bulk("HMAC-SHA-256, 64 B in 4 parts", Bulk::HmacSha256, 64, 4),
    bulk("HMAC-SHA-256, 16 KiB in 4 parts", Bulk::HmacSha256, KIB_16, 4),
    bulk("HMAC-SHA-256, 1 MiB in 4 parts", Bulk::HmacSha256, MIB, 4),
    find("find both keys by CKA_ID alone", Fixture::Pairs, search::by_id),
    find("find both keys by CKA_LABEL alone", Fixture::Pairs, search::by_label),
    find("find the private key by class and CKA_ID", Fixture::Pairs, search::private_by_id),
    find("find the public key by class and CKA_ID", Fixture::Pairs, search::public_by_id),
    find("find nothing by CKA_ID alone", Fixture::Pairs, search::nothing),
    find("find a session key by CKA_ID alone", Fixture::SessionObjects, search::by_session_id),
    find("find a session key by CKA_LABEL alone", Fixture::SessionObjects, search::by_session_label),
    find("find a session key by class and CKA_ID", Fixture::SessionObjects, search::by_session_class_and_id),
    part("C_Initialize", start::initialize),
    part("slot list, token info and session after it", start::open),
    part("C_Login, cheapest KDF", start::login),
    part("first find, private key by class and CKA_ID", start::find),
    part("first C_SignInit and C_Sign, P-256", start::sign),
    part("all of that and C_Finalize", start::all),
    cost(
        "cold start to a signature, cheapest KDF",
        "ms",
        Fixture::Pairs,
        start::cold,
        &[AbovePeers, Flat(2.0)],
    )
    .beside(Bare::Process),
    cost("cold start to a signature, default KDF", "ms", Fixture::DefaultKdf, start::cold, &[BarePlus(4.0)])
        .beside(Bare::Argon2id)
        .on_purpose(),
    cost("C_Login, default KDF", "ms", Fixture::DefaultKdf, start::login_again, &[BarePlus(2.0)])
        .beside(Bare::Argon2id)
        .on_purpose(),
    cost(
        "memory over a process without the module, all used",
        "MiB",
        Fixture::Pairs,
        start::memory,
        &[AtMostUpTo(&[(10_000, 20.0), (100_000, 60.0)])],
    ),
    rate(ONE_PROCESS, Fixture::Growing, |worker| durable::pairs(worker, 1), &[OfBare(0.8)])
        .beside(Bare::Sqlite(1)),
    rate(
        "durable P-256 pairs, four processes",
        Fixture::Growing,
        |worker| durable::pairs(worker, 4),
        &[OfRow(1.0, ONE_PROCESS)],
    )
    .beside(Bare::Sqlite(4)),
    rate(SESSIONS, Fixture::Keys, sessions::open_and_close, &[AtLeast(500_000.0)]),
    rate(
        "sessions opened and closed, 1,000 others open",
        Fixture::Keys,
        sessions::open_and_close_among_others,
        &[AtLeast(500_000.0), OfRow(0.5, SESSIONS)],
    ),
    rate(
        "1,000 sessions opened, used, closed",
        Fixture::Keys,
        sessions::open_use_close,
        &[AtLeast(500_000.0)],
    ),
    rate(CLOSED_100, Fixture::Keys, |worker| sessions::close_all(worker, 100), &[]),
    rate(
        "sessions closed by C_CloseAllSessions, 1,000 open",
        Fixture::Keys,
        |worker| sessions::close_all(worker, 1000),
        &[OfRow(0.5, CLOSED_100)],
    ),
    cost("C_GetAttributeValue, session object", "µs", Fixture::Keys, changes::session_object, &[]),
    cost("C_GetAttributeValue, token object", "µs", Fixture::Keys, changes::token_object, &[]),
    cost(
        "C_GetAttributeValue, token over session object: looking for others' changes",
        "µs",
        Fixture::Keys,
        changes::difference,
        &[AtMost(2.0)],
    )
    .on_purpose(),
    cost("find what another process has just made", "µs", Fixture::Growing, changes::find_foreign, &[]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        // The worker is asked by name.
        let mut names: Vec<_> = ROWS.iter().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ROWS.len());
    }

    #[test]
    fn rows_that_goals_name_come_earlier() {
        for (at, row) in ROWS.iter().enumerate() {
            for goal in row.goals {
                let Goal::OfRow(_, name) = goal else { continue };
                assert!(ROWS[..at].iter().any(|earlier| earlier.name == *name), "{}: {name}", row.name);
            }
        }
    }
}
