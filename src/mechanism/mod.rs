//! One row per mechanism: what it is called, which keys and parameters it takes, and the function for each operation.
//!
//! C_GetMechanismList, C_GetMechanismInfo, dispatch, the CLI's listing and `docs/mechanisms.md` all read the same rows.

pub mod op;
pub mod params;

pub use params::{Mechanism, ParamKind, Params};
