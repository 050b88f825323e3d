//! The C ABI: the only room besides the raw parts of backends and `crypto` where pointers live.
//!
//! `table` lists the functions; `guard` turns a handler's `Result` into a `CK_RV` and keeps panics inside; `memory`,
//! `templates` and `params` check every pointer and length and copy what must outlive the call; `handlers` hold one
//! short function per C_ function, which converts and calls `calls`. No decision about keys is made here.

mod birth;
mod guard;
mod handlers;
mod interfaces;
mod memory;
mod params;
mod passing;
mod refusal;
mod state;
mod templates;

pub use interfaces::{
    C_GetFunctionList, C_GetInterface, C_GetInterfaceList, FUNCTIONS, VERSIONS, unsupported,
};
