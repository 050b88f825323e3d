//! The provider of pure Rust, on the RustCrypto and dalek crates: what keyward is built on where AWS-LC can't be, and the
//! second opinion that differential tests ask where it is.

// Key pairs: their files are compiled once for each provider, over its own `raw`.
mod raw;

#[path = "../pairs/dh.rs"]
mod dh;
#[path = "../pairs/dsa.rs"]
mod dsa;
#[path = "../pairs/ec.rs"]
mod ec;
#[path = "../pairs/edwards.rs"]
mod edwards;
#[path = "../pairs/ml_dsa.rs"]
mod ml_dsa;
#[path = "../pairs/ml_kem.rs"]
mod ml_kem;
#[path = "../pairs/rsa/mod.rs"]
mod rsa;

pub use dh::{DhGroup, DhPrivate, DhPublic};
pub use dsa::{DsaGroup, DsaPrivate, DsaPublic};
pub use ec::{EcPrivate, EcPublic};
pub use edwards::{Ed25519Private, Ed25519Public, X25519Private, X25519Public};
pub use ml_dsa::{MlDsaPrivate, MlDsaPublic};
pub use ml_kem::{MlKemPrivate, MlKemPublic};
pub use rsa::{RsaPrivate, RsaPublic};
