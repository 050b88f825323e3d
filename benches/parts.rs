//! What the parts cost, through the C ABI of the library that cargo built: `cargo bench`. Comparisons with other
//! modules are `scripts/bench-peers`' work.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;

use common::{ec_pair, token_with};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use keyward::store::{Header, Options, PinRecord, Role, Row, SqliteStore, Store, TokenKeys};
use keyward::types::{Kdf, LockedKey};
use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, RO, RW, Session};

const ED25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];

/// C_SignInit and C_Sign, as programs call them for each signature.
fn signing(criterion: &mut Criterion) {
    let token = token_with("");
    let session = token.user_session().unwrap();
    let rsa = (Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN), vec![Attr::ulong(CKA_MODULUS_BITS, 2048)]);
    let edwards = (Mech::new(CKM_EC_EDWARDS_KEY_PAIR_GEN), vec![Attr::bytes(CKA_EC_PARAMS, &ED25519)]);
    let pair =
        |(mechanism, public): (Mech, Vec<Attr>)| session.generate_pair(&mechanism, &public, &[]).unwrap().1;
    let keys = [
        ("P-256", ec_pair(&session, b"k").unwrap().1, CKM_ECDSA),
        ("RSA-2048", pair(rsa), CKM_SHA256_RSA_PKCS),
        ("Ed25519", pair(edwards), CKM_EDDSA),
    ];
    let mut group = criterion.benchmark_group("sign");
    for (name, key, mechanism) in keys {
        let mechanism = Mech::new(mechanism);
        group.bench_function(name, |bench| {
            bench.iter(|| {
                session.sign_init(&mechanism, key).unwrap();
                black_box(session.sign_once(&[7; 32]).unwrap())
            });
        });
    }
}

/// A search by CKA_ID among 10 and 10,000 token objects, public and private.
fn finding(criterion: &mut Criterion) {
    let token = token_with("soft.synchronous=normal");
    let session = token.user_session().unwrap();
    let mut group = criterion.benchmark_group("find by CKA_ID");
    let mut stored = 0u32;
    for count in [10, 10_000] {
        while stored < count {
            store(&session, stored);
            stored += 1;
        }
        group.bench_function(BenchmarkId::from_parameter(count), |bench| {
            bench.iter(|| black_box(session.find(&[Attr::id(&(count / 2).to_be_bytes())]).unwrap()));
        });
    }
}

fn store(session: &Session, number: u32) {
    let template = [
        Attr::class(CKO_SECRET_KEY),
        Attr::key_type(CKK_GENERIC_SECRET),
        Attr::token(true),
        Attr::private(number.is_multiple_of(2)),
        Attr::id(&number.to_be_bytes()),
        Attr::value(b"sixteen bytes...."),
    ];
    session.create(&template).unwrap();
}

/// C_OpenSession and C_CloseSession.
fn sessions(criterion: &mut Criterion) {
    let token = token_with("");
    let _keeps_the_token_open = token.session(RW).unwrap();
    criterion.bench_function("open and close a session", |bench| {
        bench.iter(|| token.session(RO).unwrap().close().unwrap());
    });
}

/// What lies under a durable object: its row sealed and opened, and the question whether anyone has committed.
fn storing(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let (serial, key) = (Header::random_serial().unwrap(), LockedKey::from_slice(&[7; 32]));
    let so = PinRecord::new(b"so-pin", Kdf::new(8, 1, 1).unwrap(), &key, Role::So, &serial).unwrap();
    let header = Header::new(serial, "parts", so).unwrap();
    let store = SqliteStore::create(&dir.path().join("parts.token"), &Options::default(), &header).unwrap();
    let keys = TokenKeys::private(&header, &key).unwrap();
    let object = [0x5a; 1024];
    criterion.bench_function("seal a row of 1 KiB", |bench| {
        bench.iter(|| black_box(keys.row(1, &object, Vec::new()).unwrap()));
    });
    let sealed = keys.row(1, &object, Vec::new()).unwrap();
    let row = Row { id: sealed.id, private: sealed.private, sealed: sealed.sealed };
    criterion
        .bench_function("open a row of 1 KiB", |bench| bench.iter(|| black_box(keys.open(&row).unwrap())));
    criterion.bench_function("look for others' commits", |bench| {
        bench.iter(|| black_box(store.generation().unwrap()));
    });
}

criterion_group!(parts, signing, finding, sessions, storing);
criterion_main!(parts);
