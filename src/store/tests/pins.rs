//! PIN records, counting, delays, the lock.

use std::time::Duration;

use super::super::pin::{PinPolicy, authenticate};
use super::*;

fn policy(max_failures: u32) -> PinPolicy {
    PinPolicy { max_failures, delay: true }
}

#[test]
fn a_record_opens_with_its_pin_role_and_serial() {
    let record = PinRecord::new(b"1234", kdf(), &token_key(), Role::User, "aa").unwrap();
    assert_eq!(record.open(b"1234", Role::User, "aa").unwrap().as_bytes(), &[7; 32]);
    for (pin, role, serial) in
        [(&b"1235"[..], Role::User, "aa"), (b"1234", Role::So, "aa"), (b"1234", Role::User, "ab")]
    {
        assert_eq!(record.open(pin, role, serial).unwrap_err(), Error::WrongPin);
    }
    assert_eq!(PinRecord::decode(&record.encode()).unwrap(), record);
    assert_ne!(PinRecord::new(b"1234", kdf(), &token_key(), Role::User, "aa").unwrap(), record);
}

#[test]
fn a_hostile_record_is_refused_before_it_costs_anything() {
    let record = PinRecord::new(b"1234", kdf(), &token_key(), Role::User, "aa").unwrap().encode();
    for (at, value) in [(0, 2), (4, 0xff), (8, 0xff), (12, 0xff), (5, 0), (1, 9)] {
        let mut hostile = record.clone();
        hostile[at] = value;
        let decoded = PinRecord::decode(&hostile);
        assert_eq!(decoded.is_err(), at != 1, "{at}");
    }
    for len in 0..record.len() {
        assert!(PinRecord::decode(&record[..len]).is_err());
    }
}

#[test]
fn the_state_tells_the_truth() {
    let state = |count, max| policy(max).state(Failures { count, last: 100 }, 100);
    assert_eq!(state(0, 3), PinState::default());
    let one = state(1, 3);
    assert!(one.count_low && !one.final_try && !one.locked);
    let two = state(2, 3);
    assert!(two.count_low && two.final_try && !two.locked);
    assert!(state(3, 3).locked && !state(3, 3).final_try && state(9, 3).locked);
    assert!(!state(u32::MAX, 0).locked && !state(u32::MAX, 0).final_try);
    assert!(state(0, 1).final_try);
}

#[test]
fn the_delay_grows_to_a_bound_and_time_pays_for_it() {
    let delay = |count, now| policy(0).state(Failures { count, last: 100 }, now).delay;
    let grown: Vec<_> = (0..7).map(|n| delay(n, 100).as_millis()).collect();
    assert_eq!(grown, [0, 100, 200, 400, 800, 1600, 2000]);
    assert_eq!(delay(u32::MAX, 100), Duration::from_secs(2));
    assert_eq!(delay(9, 103), Duration::ZERO);
    assert_eq!(delay(9, 3), Duration::from_secs(2), "a clock that was set back");
    assert_eq!(
        PinPolicy { max_failures: 0, delay: false }.state(Failures { count: 9, last: 9 }, 9).delay,
        Duration::ZERO
    );
}

#[test]
fn wrong_pins_are_counted_until_the_lock_and_a_right_one_clears_them() {
    each(|store| {
        let try_pin = |pin: &[u8]| authenticate(store, policy(3), Role::User, pin).map(drop);
        assert_eq!(try_pin(b"wrong"), Err(Error::WrongPin));
        assert_eq!(try_pin(b"wrong"), Err(Error::WrongPin));
        assert!(policy(3).state_of(&store.header().unwrap(), Role::User).final_try);
        assert_eq!(try_pin(b"user-pin"), Ok(()));
        assert_eq!(store.header().unwrap().user_failures, Failures::default());
        for _ in 0..3 {
            assert_eq!(try_pin(b"wrong"), Err(Error::WrongPin));
        }
        assert_eq!(try_pin(b"user-pin"), Err(Error::Locked));
        assert_eq!(store.header().unwrap().user_failures.count, 3);
        authenticate(store, policy(3), Role::So, b"so-pin").unwrap();
    });
}

#[test]
fn a_right_pin_on_a_clean_count_writes_nothing() {
    each(|store| {
        let before = store.generation().unwrap();
        authenticate(store, policy(3), Role::User, b"user-pin").unwrap();
        assert_eq!(store.generation().unwrap(), before);
    });
}

#[test]
fn a_missing_user_pin_is_its_own_error() {
    each(|store| {
        store
            .update_header(&mut |h| {
                h.user = None;
                Ok(())
            })
            .unwrap();
        assert_eq!(authenticate(store, policy(3), Role::User, b"x").unwrap_err(), Error::NoPin);
    });
}

#[test]
fn no_failure_is_lost_between_processes() {
    let file = TokenFile::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let store = file.open();
                for _ in 0..5 {
                    assert!(authenticate(&store, policy(0), Role::User, b"wrong").is_err());
                }
            });
        }
    });
    assert_eq!(file.open().header().unwrap().user_failures.count, 20);
}
