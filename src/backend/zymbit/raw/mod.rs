//! Zymbit's C library, `libzk_app_utils.so`, in safe words: the only `unsafe` of this backend.
//!
//! [`Library`] is the loaded library, [`Device`] one open context on it. What the library lacks, because it is older
//! or the model has no such thing, is [`Error::Missing`] when it is called, not when the library is loaded. Buffers
//! come from the library by malloc and go back by free, after their size was checked and their content copied;
//! whatever is secret is wiped first.
//!
//! [`Device::operator`] leads to the calls that lock the device or clear evidence. Only an explicit command of a
//! person may make them; nothing in this backend does. The calls that change a device's reaction (zkSet...Action, I2C
//! address, boot policy) are not here at all.
//!
//! A [`Device`] is used by one thread at a time: it is not `Sync`, so it has to be in a mutex to be shared.

mod device;
mod error;
mod keys;
mod library;
mod memory;
mod operator;
mod symbols;
mod wallet;

#[cfg(test)]
mod tests;

pub use device::{Binding, Device};
pub use error::{Error, Result};
pub use keys::{AllocatedSlots, KeyType, Slot};
pub use library::Library;
pub use operator::Operator;
pub use wallet::{NewWallet, WalletNode};
