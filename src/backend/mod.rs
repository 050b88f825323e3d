//! The backends: each implements the traits of `token`, none knows another.

pub mod held;
#[cfg(feature = "kms")]
pub mod kms;
pub mod passthrough;
pub mod soft;
pub mod zymbit;

use std::sync::Arc;

use self::passthrough::PassProvider;
use self::zymbit::{Way, ZymbitProvider};
use crate::config::{Config, SlotEntry};
use crate::error::Result;
use crate::token::Provider;

/// The backends that the configuration asks for. Nothing is opened yet.
pub fn providers(config: &Arc<Config>) -> Result<Vec<Box<dyn Provider>>> {
    let mut providers: Vec<Box<dyn Provider>> = vec![Box::new(soft::SoftProvider::new(config.clone()))];
    for entry in &config.slot {
        providers.push(provider(config, entry)?);
    }
    Ok(providers)
}

fn provider(config: &Arc<Config>, entry: &SlotEntry) -> Result<Box<dyn Provider>> {
    match entry.backend.as_str() {
        "passthrough" => Ok(Box::new(PassProvider::new(config.clone(), entry)?)),
        "zymbit" => match Way::of(entry)? {
            Way::Native => Ok(Box::new(ZymbitProvider::new(config.clone(), entry)?)),
            Way::Pkcs11(found) => {
                Ok(Box::new(PassProvider::for_backend(config.clone(), entry, found, &["via"])?))
            }
        },
        #[cfg(feature = "kms")]
        "soft" => Ok(Box::new(soft::RemoteProvider::new(config.clone(), entry)?)),
        #[cfg(feature = "kms")]
        "kms" => Ok(Box::new(kms::KmsProvider::new(config.clone(), entry)?)),
        #[cfg(feature = "kms")]
        "group" => Ok(Box::new(kms::KmsProvider::group(config.clone(), entry)?)),
        other => Err(entry.reader().refuse(format!("there is no backend {other:?} in this build")).into()),
    }
}
