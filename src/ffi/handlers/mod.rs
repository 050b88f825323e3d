//! One handler per C_ function: pointers in, a call of `calls`, results out.
//!
//! Every handler is `unsafe` for one reason: its caller, the entry point, was called by the host, which vouches that
//! each pointer that is not null leads to memory of the length that goes with it. Lengths, nulls and alignment are
//! checked in `memory`, `templates` and `params`.

pub(super) mod general;
pub(super) mod key;
pub(super) mod message;
pub(super) mod object;
pub(super) mod operation;
pub(super) mod operation_state;
pub(super) mod session;
pub(super) mod slot;
