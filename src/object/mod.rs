//! Objects: the attribute table, object classes, templates and the access policy.
//!
//! Chapter 4, "Objects", of PKCS#11 v3.2. The room decides what may be created, read, changed, used
//! and exported; it stores nothing, does no cryptography and holds no locks: every function takes the
//! attributes it decides on and returns new ones.
//!
//! - `attribute` has one row per attribute, `class` one row per object class and key type with the footnotes
//!   of the specification's tables. Adding an attribute or key type adds rows.
//! - `Template` is what a caller gave, parsed; `Attributes` is what an object has.
//! - `adopt` takes an object over from another token's store, its past included.
//! - `create`, `generate_*`, `unwrap`, `derive`, `encapsulate`, `decapsulate` turn a template into a new
//!   object's attributes; key material comes from `mechanism::material` afterwards, the unique identifier by
//!   `finish`.
//! - `copy` and `modify` turn an object's attributes into changed ones.
//! - `reveal` is the one place where values are released to a caller; `permits` and `wrappable` decide on
//!   use.

pub mod attribute;
mod change;
mod class;
mod codec;
mod create;
mod date;
mod policy;
mod template;
mod value;

pub use change::{copy, modify};
pub use create::{
    Inherit, adopt, builtin, create, decapsulate, derive, derive_data, derive_private, derive_public,
    encapsulate, finish, generate_pair, generate_parameters, generate_secret, has_class, unwrap,
};
pub use date::Date;
pub use policy::{
    Usage, expect_allowed, expect_in_force, is_copyable, is_destroyable, is_modifiable, is_private, is_token,
    matches, may_write, permits, reveal, wrappable,
};
pub use template::{RawAttribute, RawValue, Template};
pub use value::{Attributes, Value};

/// Who is logged in to the token. A token that needs no login counts as having its user logged in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Caller {
    /// The security officer is.
    pub so: bool,
    /// The normal user is.
    pub user: bool,
}

#[cfg(test)]
mod tests;
