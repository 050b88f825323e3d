//! What the configuration says of mechanisms and keys, for every backend: the one place that asks it.
//!
//! What follows from a key's own attributes (its usage flags, CKA_ALLOWED_MECHANISMS, its dates) is `object`'s to say,
//! and is asked here together with the rest. No operation gets at a parsed key but by a [`UsableKey`], and no object
//! into a token but as an [`Admitted`] one: who adds an operation can't forget the policy.

use std::ops::Deref;
use std::sync::Arc;

use super::object::Object;
use crate::config::{Config, Mechanisms, TokenEntry};
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::material::{self, Size};
use crate::mechanism::{self, Descriptor, Key};
use crate::object::{self, Attributes, Date, Usage};
use crate::types::{ck, unix_now};

/// What `policy.legacy = "deny"` leaves of RSA and of the primes of DH and DSA, in bits.
const LEGACY_BITS: usize = 2048;

/// Which mechanisms configuration and policy leave a token: `policy.legacy`, `slots.mechanisms` and every `[[token]]`
/// that names it.
pub struct Offer<'a> {
    config: &'a Config,
    /// Those of the token; empty, and not even asked for, where there is no `[[token]]`.
    own: Vec<&'a Mechanisms>,
}

impl<'a> Offer<'a> {
    /// Of the token with this label and serial number, which `names` tells where they matter.
    pub fn of(config: &'a Config, names: impl FnOnce() -> Result<[String; 2]>) -> Result<Offer<'a>> {
        if config.token.is_empty() {
            return Ok(Offer { config, own: Vec::new() });
        }
        let [label, serial] = names()?;
        let meant = config.token.iter().filter(|entry| entry.is_of(&label, &serial));
        Ok(Offer { config, own: meant.map(TokenEntry::mechanisms).collect() })
    }

    /// Whether a mechanism of this name is left on.
    fn allows_name(&self, name: &str) -> bool {
        self.config.slots.mechanisms.allows(name) && self.own.iter().all(|own| own.allows(name))
    }

    /// Whether the mechanism of a row is left on.
    pub fn allows(&self, row: &Descriptor) -> bool {
        row.is_of_build() && (self.config.policy.legacy || !row.legacy) && self.allows_name(row.name)
    }

    /// The row of a mechanism that is on. CKR_MECHANISM_INVALID.
    pub fn row(&self, kind: ck::CK_MECHANISM_TYPE) -> Result<&'static Descriptor> {
        let row = mechanism::descriptor(kind).ok_or(ErrorKind::MechanismInvalid)?;
        match self.allows(row) {
            true => Ok(row),
            false if !row.is_of_build() => Err(not_approved(row.name)),
            false => Err(switched_off(row.name)),
        }
    }

    /// That a mechanism of another library is on, with a row here or without. CKR_MECHANISM_INVALID.
    pub fn expect_elsewhere(&self, kind: ck::CK_MECHANISM_TYPE) -> Result<()> {
        if let Some(row) = mechanism::descriptor(kind) {
            return self.row(row.kind).map(drop);
        }
        let name = format!("{kind:#x}");
        if cfg!(feature = "fips") {
            return Err(not_approved(&name));
        }
        match (self.config.policy.legacy || !mechanism::is_legacy(kind)) && self.allows_name(&name) {
            true => Ok(()),
            false => Err(switched_off(&name)),
        }
    }
}

fn switched_off(name: &str) -> Error {
    let why = format!("{name} is switched off by policy.legacy, slots.mechanisms or [[token]]");
    Error::new(ErrorKind::MechanismInvalid, why)
}

fn not_approved(name: &str) -> Error {
    let why = format!("{name} is not approved under FIPS 140-3, and this build has approved mechanisms only");
    Error::new(ErrorKind::MechanismInvalid, why)
}

/// A key that may be used for what it was asked for: the only way to its parsed form.
pub struct UsableKey(Arc<Object>);

impl Deref for UsableKey {
    type Target = Object;

    fn deref(&self) -> &Object {
        &self.0
    }
}

impl UsableKey {
    /// The key, if [`expect_usable`] holds.
    pub fn new(
        config: &Config,
        object: Arc<Object>,
        row: &'static Descriptor,
        usage: Usage,
        invalid: ErrorKind,
    ) -> Result<UsableKey> {
        expect_usable(config, &object.attributes, row, usage, invalid)?;
        Ok(UsableKey(object))
    }

    /// A private key of which only the public half is wanted: its usage flags and dates don't matter then.
    /// CKR_KEY_TYPE_INCONSISTENT for another object, CKR_MECHANISM_INVALID where the key does not list the mechanism.
    pub fn for_public_half(
        config: &Config,
        object: Arc<Object>,
        row: &'static Descriptor,
    ) -> Result<UsableKey> {
        let key = &object.attributes;
        let is_private = key.class() == ck::CKO_PRIVATE_KEY;
        if !(is_private && key.key_type().is_some_and(|key_type| row.takes(key_type))) {
            let why = format!("{} takes a private key, and not of this type", row.name);
            return Err(Error::new(ErrorKind::KeyTypeInconsistent, why));
        }
        object::expect_allowed(key, row.kind)?;
        expect_strong(config, key)?;
        Ok(UsableKey(object))
    }

    /// The parsed key. CKR_KEY_HANDLE_INVALID for an object that is none.
    pub fn key(&self) -> Result<&Key> {
        self.0.parsed()
    }
}

/// Whether a key may be used so with a mechanism: its usage flag, its allowed mechanisms, its type; its dates and its
/// size, where the configuration is about them. `invalid` is the CKR of an object that is no key.
pub fn expect_usable(
    config: &Config,
    key: &Attributes,
    row: &'static Descriptor,
    usage: Usage,
    invalid: ErrorKind,
) -> Result<()> {
    let Some(key_type) = key.key_type().filter(|_| key.class() != ck::CKO_DOMAIN_PARAMETERS) else {
        return Err(Error::new(invalid, "the object is not a key"));
    };
    // Before the usage flag: section 5.1.6 gives this error the higher priority.
    if !row.takes(key_type) {
        let why = format!("{} does not work with a key of this type", row.name);
        return Err(Error::new(ErrorKind::KeyTypeInconsistent, why));
    }
    object::permits(key, usage, row.kind, today(config))?;
    expect_strong(config, key).map_err(|error| match usage {
        Usage::Wrap => error.with_kind(ErrorKind::WrappingKeySizeRange),
        Usage::Unwrap | Usage::Decapsulate => error.with_kind(ErrorKind::UnwrappingKeySizeRange),
        _ => error,
    })
}

/// Whether a key may go into a digest by this mechanism: no usage flag speaks of it, the rest counts. CKR_KEY_INDIGESTIBLE.
pub fn expect_digestible(config: &Config, key: &Attributes, mechanism: ck::CK_MECHANISM_TYPE) -> Result<()> {
    object::expect_allowed(key, mechanism)
        .and_then(|()| object::expect_in_force(key, today(config)))
        .and_then(|()| expect_strong(config, key))
        .map_err(|error| error.with_kind(ErrorKind::KeyIndigestible))
}

/// The day that CKA_START_DATE and CKA_END_DATE are held against, if `policy.dates` has them enforced: the
/// specification itself attaches no meaning to them ("Key objects").
fn today(config: &Config) -> Option<Date> {
    config.policy.dates.then(|| Date::from_unix(unix_now())).flatten()
}

/// Whether the configuration, or the build, has anything to say of keys' sizes.
pub fn judges_sizes(config: &Config) -> bool {
    let policy = &config.policy;
    let least = [policy.min_rsa_bits, policy.min_ec_bits, policy.min_dh_bits, policy.min_secret_bits];
    cfg!(feature = "fips") || !policy.legacy || least.iter().any(|bits| *bits > 0)
}

/// That a key, or domain parameters, are not smaller than `policy` wants them: keys that are there, and keys that are
/// about to be made, as far as their template tells; and that they are approved, in the build with the feature `fips`.
/// Other objects pass. CKR_KEY_SIZE_RANGE, CKR_CURVE_NOT_SUPPORTED.
pub fn expect_strong(config: &Config, key: &Attributes) -> Result<()> {
    if !judges_sizes(config) {
        return Ok(());
    }
    if cfg!(feature = "fips") {
        material::expect_approved(key)?;
    }
    let policy = &config.policy;
    let Some(size) = material::size(key) else { return Ok(()) };
    let (bits, least, old, what, setting) = match size {
        Size::Rsa(bits) => (bits, policy.min_rsa_bits, true, "RSA keys", "policy.min_rsa_bits"),
        Size::Prime(bits) => (bits, policy.min_dh_bits, true, "DH and DSA primes", "policy.min_dh_bits"),
        Size::Curve(bits) => (bits, policy.min_ec_bits, false, "curves", "policy.min_ec_bits"),
        Size::Secret(bits) => (bits, policy.min_secret_bits, false, "secret keys", "policy.min_secret_bits"),
    };
    let legacy = if old && !policy.legacy { LEGACY_BITS } else { 0 };
    if bits >= least.max(legacy) {
        return Ok(());
    }
    let (least, setting) = if least >= legacy { (least, setting) } else { (legacy, "policy.legacy") };
    let why = format!("{what} below {least} bits are switched off by {setting}, this one has {bits}");
    Err(Error::new(ErrorKind::KeySizeRange, why))
}

/// A new object that the configuration lets into the token.
pub struct Admitted(Attributes);

impl Admitted {
    /// Judges a new object, however it was made. CKR_KEY_SIZE_RANGE.
    pub fn new(config: &Config, attributes: Attributes) -> Result<Admitted> {
        expect_strong(config, &attributes)?;
        Ok(Admitted(attributes))
    }

    /// The object, for who keeps it.
    pub fn into_attributes(self) -> Attributes {
        self.0
    }
}
