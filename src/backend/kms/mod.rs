//! Cloud keys: AWS KMS, Google Cloud KMS, Azure Key Vault, Vault and OpenBao transit.
//!
//! [`client`] is what every provider does; `aws`, `gcp`, `azure` and `vault` do it.

pub mod azure;
pub mod client;
pub mod gcp;
