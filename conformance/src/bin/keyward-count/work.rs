//! What is counted, and the process that does it under callgrind.

use std::hint::black_box;
use std::path::Path;

use keyward_conformance::ck::*;
use keyward_conformance::token::Bench as Prepared;
use keyward_conformance::{Attr, Kind, Mech, Module, RW, Rv, Session, TestToken};

/// How often each row's work is done while callgrind counts: enough that a hash table that grows or a signature that
/// is a byte shorter disappears in the mean.
pub const REPETITIONS: u32 = 2000;
/// The whole name of [`counted`]: callgrind attaches only one option to a pattern with wildcards.
pub const COUNTED: &str = "keyward_count::work::counted";
/// How many keys the token has that searches look among.
const KEYS: u32 = 1000;

const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const MESSAGE: [u8; 64] = [0x5a; 64];

/// One kind of work, done once.
type Work<'a> = Box<dyn FnMut() -> Result<(), Rv> + 'a>;

/// One line of the table.
pub struct Row {
    /// Its name in the table of limits.
    pub name: &'static str,
    /// Whether AWS-LC does the work proper, so that some of the instructions must be its.
    pub primitive: bool,
    prepare: for<'a> fn(&'a Bench) -> Result<Work<'a>, Rv>,
}

/// Every row. Callgrind's profiles come in this order.
pub const ROWS: &[Row] = &[
    Row { name: "sign, P-256", primitive: true, prepare: sign },
    Row { name: "encrypt 64 B, AES-256-GCM", primitive: true, prepare: encrypt },
    Row { name: "digest 64 B, SHA-256", primitive: true, prepare: digest },
    Row { name: "find by class and CKA_ID, 1,000 objects", primitive: true, prepare: find },
    Row { name: "read CKA_LABEL and CKA_ID", primitive: false, prepare: read },
    Row { name: "open and close a session", primitive: false, prepare: open },
];

/// A token with keys in it, and a session of its user.
struct Bench {
    session: Session,
    token: TestToken,
}

/// Does each row's work in [`counted`], after as many repetitions outside it: by then every key is parsed, every
/// object cached and every lazy table built.
pub fn run(module: &Path) -> Result<(), String> {
    // Not a private copy: the profile tells the module by its path.
    let token =
        TestToken::on(Prepared::new(Module::load(module)?, Kind::guess(module), "soft.synchronous=normal")?)?;
    let prepared = || -> Result<(), Rv> {
        let bench = Bench { session: token.user_session()?, token };
        for number in 0..KEYS {
            bench.session.create(&aes_key(number))?;
        }
        for row in ROWS {
            let mut work = (row.prepare)(&bench)?;
            for _ in 0..REPETITIONS {
                work()?;
            }
            counted(&mut work)?;
        }
        Ok(())
    };
    prepared().map_err(|rv| format!("{} answers {rv}", keyward_conformance::rv::last_call()))
}

/// Callgrind collects in here only, and writes a profile each time that this function returns: it knows it as [`COUNTED`].
#[inline(never)]
fn counted(work: &mut Work<'_>) -> Result<(), Rv> {
    for _ in 0..REPETITIONS {
        work()?;
    }
    black_box(Ok(()))
}

fn id(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

fn aes_key(number: u32) -> [Attr; 7] {
    [
        Attr::class(CKO_SECRET_KEY),
        Attr::key_type(CKK_AES),
        Attr::token(true),
        Attr::bool(CKA_ENCRYPT, true),
        Attr::value(&[7; 32]),
        Attr::id(&id(number)),
        Attr::label(&format!("key {number}")),
    ]
}

fn sign(bench: &Bench) -> Result<Work<'_>, Rv> {
    let public = [Attr::bytes(CKA_EC_PARAMS, P256), Attr::token(true)];
    let private = [Attr::token(true), Attr::private(true), Attr::bool(CKA_SIGN, true)];
    let (_, key) = bench.session.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), &public, &private)?;
    let mechanism = Mech::new(CKM_ECDSA);
    Ok(Box::new(move || bench.session.sign(&mechanism, key, &MESSAGE[..32]).map(drop)))
}

fn encrypt(bench: &Bench) -> Result<Work<'_>, Rv> {
    let key = bench.session.find(&[Attr::id(&id(0))])?.first().copied().unwrap_or(CK_INVALID_HANDLE);
    let mechanism = Mech::gcm(&[7; 12], b"", 128);
    Ok(Box::new(move || bench.session.encrypt(&mechanism, key, &MESSAGE).map(drop)))
}

fn digest(bench: &Bench) -> Result<Work<'_>, Rv> {
    let mechanism = Mech::new(CKM_SHA256);
    Ok(Box::new(move || bench.session.digest(&mechanism, &MESSAGE).map(drop)))
}

/// Another key each time.
fn find(bench: &Bench) -> Result<Work<'_>, Rv> {
    let mut number = 0;
    Ok(Box::new(move || {
        number = (number + 7) % KEYS;
        bench.session.find_init(&[Attr::class(CKO_SECRET_KEY), Attr::id(&id(number))])?;
        let found = bench.session.find_next(2)?;
        bench.session.find_final()?;
        if found.len() == 1 { Ok(()) } else { Err(Rv(CKR_OBJECT_HANDLE_INVALID)) }
    }))
}

fn read(bench: &Bench) -> Result<Work<'_>, Rv> {
    let keys = bench.session.find(&[Attr::class(CKO_SECRET_KEY)])?;
    let mut keys = keys.into_iter().cycle();
    Ok(Box::new(move || {
        let key = keys.next().unwrap_or(CK_INVALID_HANDLE);
        let (rv, _) = bench.session.fetch(key, &[(CKA_LABEL, 64), (CKA_ID, 64)]);
        Rv::check(rv.0)
    }))
}

fn open(bench: &Bench) -> Result<Work<'_>, Rv> {
    Ok(Box::new(|| bench.token.session(RW)?.close()))
}
