//! Soft tokens on sources that no real service is in time.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use super::source::{Source, TokenFile};
use super::token::{Opened, SoftToken};
use crate::config::{Config, Environment};
use crate::error::ErrorKind;
use crate::store::pin::authenticate;
use crate::store::{Error, Header, Options, PinPolicy, PinRecord, Result, Role, SqliteStore, Store};
use crate::token::Token;
use crate::types::{Kdf, LockedKey};

/// A service that takes its time to say nothing.
struct Hanging {
    asked: Arc<AtomicUsize>,
    hangs: Duration,
    patience: Duration,
}

impl Source for Hanging {
    fn description(&self) -> String {
        "hanging".into()
    }

    fn place(&self) -> String {
        "hanging".into()
    }

    fn known(&self) -> bool {
        true
    }

    fn assumed_label(&self) -> Option<[u8; 32]> {
        None
    }

    fn open(&self) -> Result<Box<dyn Store>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(self.hangs);
        Err(Error::Unreached { place: "hanging".into(), why: "no answer".into() })
    }

    fn create(&self, _: &Header) -> Result<Box<dyn Store>> {
        self.open()
    }

    fn patience(&self) -> Duration {
        self.patience
    }

    fn identity(&self) -> Option<(u64, u64)> {
        None
    }
}

/// How often a service is asked by many threads at once, of which none gets an answer.
fn asked(hangs: Duration, patience: Duration) -> usize {
    const THREADS: usize = 8;
    let asked = Arc::<AtomicUsize>::default();
    let source = Hanging { asked: asked.clone(), hangs, patience };
    let nowhere = Path::new("/nonexistent");
    let config = Config::load(&Environment::fixed(&[], Some(nowhere), nowhere), None).unwrap();
    let serial = "0123456789abcdef".to_owned();
    let token = SoftToken::new(Arc::new(config), serial, Box::new(source), Arc::new([]));
    let together = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                together.wait();
                assert_eq!(token.info().unwrap_err().kind(), ErrorKind::TokenNotPresent);
            });
        }
    });
    let of_all = asked.load(Ordering::SeqCst);
    // Who comes later asks anew.
    token.info().unwrap_err();
    assert_eq!(asked.load(Ordering::SeqCst), of_all + 1);
    of_all
}

#[test]
fn those_who_waited_for_a_service_share_its_failure() {
    let most = asked(Duration::from_millis(500), Duration::from_secs(60));
    assert!(most < 4, "{most}");
}

#[test]
fn nobody_waits_for_ever() {
    let most = asked(Duration::from_millis(500), Duration::from_millis(50));
    assert!(most < 4, "{most}");
}

#[test]
fn wrong_pins_that_nobody_counts_delay_the_next() {
    let dir = tempfile::TempDir::new().unwrap();
    let path = dir.path().join("token");
    let key = LockedKey::from_slice(&[7; 32]);
    let serial = "0123456789abcdef";
    let so = PinRecord::new(b"so-pin", Kdf::new(8, 1, 1).unwrap(), &key, Role::So, serial).unwrap();
    let header = Header::new(serial.to_owned(), "a token", so).unwrap();
    drop(SqliteStore::create(&path, &Options::default(), &header).unwrap());
    let options = Options { read_only: true, ..Options::default() };
    let source = TokenFile { path: path.clone(), options: options.clone() };
    let store = SqliteStore::open(&path, &options).unwrap();
    let open = Opened::new(Box::new(store), &source).unwrap();
    let policy = PinPolicy::default();
    let attempt = |pin: &[u8]| open.tried(Role::So, &authenticate(&*open.store, policy, Role::So, pin));
    assert_eq!(open.delay(policy, Role::So).unwrap(), Duration::ZERO);
    (0..5).for_each(|_| attempt(b"wrong"));
    assert!(!open.delay(policy, Role::So).unwrap().is_zero());
    assert_eq!(open.delay(policy, Role::User).unwrap(), Duration::ZERO);
    attempt(b"so-pin");
    assert_eq!(open.delay(policy, Role::So).unwrap(), Duration::ZERO);
}
