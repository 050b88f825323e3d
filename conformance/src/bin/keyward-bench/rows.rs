//! The work that is measured: one row per line of the table.

use std::time::Duration;

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Kind, Mech, Object, RW, Rv, Session, call, ulen};

use crate::worker::{Worker, default_token, id, pair, pair_p256, sign, time};

/// Which values are the good ones.
pub enum Better {
    /// A cost.
    Lower,
    /// A rate.
    Higher,
    /// Neither: a cost that is paid on purpose.
    Neither,
}

/// One line of the table.
pub struct Row {
    /// Its name; `N` in it stands for the large token's number of pairs.
    pub name: &'static str,
    /// The unit of what `work` returns.
    pub unit: &'static str,
    /// Which values are the good ones.
    pub better: Better,
    /// Whether it is measured once, because it changes what it measures or takes long.
    pub once: bool,
    /// One measurement.
    pub work: fn(&mut Worker) -> Result<f64, Rv>,
}

impl Row {
    const fn cost(name: &'static str, work: fn(&mut Worker) -> Result<f64, Rv>) -> Self {
        Self { name, unit: "µs", better: Better::Lower, once: false, work }
    }

    /// The name with the number of pairs in it.
    pub fn title(&self, pairs: usize) -> String {
        self.name.replace("N pairs", &format!("{pairs} pairs"))
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

/// Every row, in the table's order; the large token's come last, since they fill it.
pub const ROWS: &[Row] = &[
    Row::cost("P-256 sign", |worker| {
        let key = worker.key("p256", |session| pair_p256(session, false, b"p256"))?;
        signs(worker, CKM_ECDSA, key)
    }),
    Row { name: "P-256 sign, 2 threads", unit: "µs", better: Better::Lower, once: false, work: two_threads },
    Row::cost("RSA-2048 sign", |worker| rsa(worker, "rsa2048", 2048)),
    Row::cost("RSA-4096 sign", |worker| rsa(worker, "rsa4096", 4096)),
    Row::cost("Ed25519 sign", |worker| {
        let key = worker.key("ed25519", |session| {
            let curve = Attr::bytes(CKA_EC_PARAMS, b"\x13\x0cedwards25519");
            pair(session, CKM_EC_EDWARDS_KEY_PAIR_GEN, vec![curve], false, b"ed25519")
        })?;
        signs(worker, CKM_EDDSA, key)
    }),
    Row::cost("ML-DSA-65 sign", |worker| {
        let key = worker.key("ml-dsa-65", |session| {
            let set = Attr::ulong(CKA_PARAMETER_SET, CKP_ML_DSA_65);
            pair(session, CKM_ML_DSA_KEY_PAIR_GEN, vec![set], false, b"ml-dsa-65")
        })?;
        signs(worker, CKM_ML_DSA, key)
    }),
    Row { name: "AES-256-GCM encrypt, 16 KiB", unit: "MB/s", better: Better::Higher, once: false, work: gcm },
    Row { name: "SHA-256, 16 KiB", unit: "MB/s", better: Better::Higher, once: false, work: sha256 },
    Row::cost("find by CKA_ID, 10 pairs", |worker| find(worker, 10)),
    Row { name: "durable P-256 pairs", unit: "/s", better: Better::Higher, once: false, work: durable },
    Row::cost("find by CKA_ID, N pairs", |worker| find(worker, worker.pairs)),
    Row {
        name: "C_Initialize, login, find, sign, C_Finalize, N pairs, cheapest KDF",
        unit: "ms",
        better: Better::Lower,
        once: false,
        work: open,
    },
    Row { name: "login, default KDF", unit: "ms", better: Better::Neither, once: false, work: default_login },
];

fn signs(worker: &Worker, mechanism: CK_MECHANISM_TYPE, key: Object) -> Result<f64, Rv> {
    let mech = Mech::new(mechanism);
    worker.time(|session| sign(session, &mech, key, &[0x5a; 32]))
}

fn rsa(worker: &mut Worker, name: &'static str, bits: CK_ULONG) -> Result<f64, Rv> {
    let key = worker.key(name, |session| {
        let size = Attr::ulong(CKA_MODULUS_BITS, bits);
        let exponent = Attr::bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1]);
        pair(session, CKM_RSA_PKCS_KEY_PAIR_GEN, vec![size, exponent], false, name.as_bytes())
    })?;
    signs(worker, CKM_SHA256_RSA_PKCS, key)
}

/// Two threads with a session each and one key: half of one thread's cost is perfect scaling.
fn two_threads(worker: &mut Worker) -> Result<f64, Rv> {
    let key = worker.key("p256", |session| pair_p256(session, false, b"p256"))?;
    let (duration, token) = (worker.duration, &worker.token);
    let one = |session: Session| {
        let mech = Mech::new(CKM_ECDSA);
        time(duration, || sign(&session, &mech, key, &[0x5a; 32]))
    };
    let (first, second) = (token.session(RW)?, token.session(RW)?);
    let costs = std::thread::scope(|scope| {
        let threads = [scope.spawn(|| one(first)), scope.spawn(|| one(second))];
        threads.map(|thread| thread.join().unwrap_or(Err(Rv(CKR_GENERAL_ERROR))))
    });
    let mut rate = 0.0;
    for cost in costs {
        rate += 1.0 / cost?;
    }
    Ok(1.0 / rate)
}

const BLOCK: usize = 16 * 1024;

/// Megabytes per second, from the microseconds that one block takes.
fn throughput(micros: f64) -> f64 {
    16_384.0 / micros
}

fn gcm(worker: &mut Worker) -> Result<f64, Rv> {
    let key = worker.key("aes", |session| {
        let template = [Attr::value_len(32), Attr::bool(CKA_ENCRYPT, true)];
        session.generate_key(&Mech::new(CKM_AES_KEY_GEN), &template)
    })?;
    let mech = Mech::gcm(&[7; 12], b"", 128);
    let (mut data, mut out) = (vec![0_u8; BLOCK], vec![0_u8; BLOCK + 16]);
    let cost = worker.time(|session| {
        let (module, handle) = (session.module(), session.handle());
        let (mut raw, mut length) = (mech.raw(), ulen(out.len()));
        Rv::check(call!(module, C_EncryptInit(handle, &mut raw, key)).0)?;
        let rv = call!(
            module,
            C_Encrypt(handle, data.as_mut_ptr(), ulen(data.len()), out.as_mut_ptr(), &mut length)
        );
        Rv::check(rv.0)
    })?;
    Ok(throughput(cost))
}

fn sha256(worker: &mut Worker) -> Result<f64, Rv> {
    let mech = Mech::new(CKM_SHA256);
    let (mut data, mut out) = (vec![0_u8; BLOCK], [0_u8; 32]);
    let cost = worker.time(|session| {
        let (module, handle) = (session.module(), session.handle());
        let (mut raw, mut length) = (mech.raw(), ulen(out.len()));
        Rv::check(call!(module, C_DigestInit(handle, &mut raw)).0)?;
        let rv = call!(
            module,
            C_Digest(handle, data.as_mut_ptr(), ulen(data.len()), out.as_mut_ptr(), &mut length)
        );
        Rv::check(rv.0)
    })?;
    Ok(throughput(cost))
}

/// C_FindObjectsInit with class and CKA_ID, C_FindObjects, C_FindObjectsFinal; another key each time.
fn find(worker: &mut Worker, pairs: usize) -> Result<f64, Rv> {
    worker.store_pairs(pairs)?;
    let mut number = 0;
    worker.time(|session| {
        number = (number + 7) % pairs.max(1);
        session.find_init(&[Attr::class(CKO_PRIVATE_KEY), Attr::id(&id(number))])?;
        let found = session.find_next(2)?;
        session.find_final()?;
        if found.len() == 1 { Ok(()) } else { Err(Rv(CKR_OBJECT_HANDLE_INVALID)) }
    })
}

fn durable(worker: &mut Worker) -> Result<f64, Rv> {
    let before = worker.stored();
    let (start, duration) = (std::time::Instant::now(), worker.duration.max(Duration::from_millis(500)));
    while start.elapsed() < duration {
        worker.store_pair()?;
    }
    let made = u32::try_from(worker.stored() - before).unwrap_or(u32::MAX);
    Ok(f64::from(made) / start.elapsed().as_secs_f64())
}

/// What a short-lived program pays: from C_Finalize on a used module to its next signature.
fn open(worker: &mut Worker) -> Result<f64, Rv> {
    worker.store_pairs(worker.pairs)?;
    let wanted = id(worker.pairs / 2);
    let cost = time(worker.duration, || {
        worker.reopen()?;
        let found = worker.session.find(&[Attr::class(CKO_PRIVATE_KEY), Attr::id(&wanted)])?;
        let key = found.first().copied().ok_or(Rv(CKR_OBJECT_HANDLE_INVALID))?;
        sign(&worker.session, &Mech::new(CKM_ECDSA), key, &[0x5a; 32])
    })?;
    Ok(cost / 1000.0)
}

/// C_Login alone. Tokens here are made with keyward's cheapest PIN derivation; this row makes one with its default.
fn default_login(worker: &mut Worker) -> Result<f64, Rv> {
    if worker.token.kind() == Kind::Keyward {
        let (module, slot, _dir) = default_token(&worker.path).map_err(|_| Rv(CKR_DEVICE_ERROR))?;
        let session = module.open_session(slot, RW)?;
        let cost = time(worker.duration, || {
            session.login(CKU_USER, "user-pin")?;
            session.logout()
        })?;
        drop(session);
        module.finalize()?;
        return Ok(cost / 1000.0);
    }
    worker.reopen()?;
    let cost = worker.time(|session| {
        session.logout()?;
        session.login(CKU_USER, keyward_conformance::token::USER_PIN)
    })?;
    Ok(cost / 1000.0)
}
