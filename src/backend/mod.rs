//! The backends: each implements the traits of `token`, none knows another.

pub mod held;
#[cfg(feature = "kms")]
pub mod kms;
pub mod passthrough;
pub mod soft;
mod unlock;
pub mod zymbit;

use std::sync::Arc;

use self::passthrough::PassProvider;
use self::unlock::Slots;
use self::zymbit::{Way, ZymbitProvider};
use crate::config::{Config, SlotEntry};
use crate::error::Result;
use crate::token::Provider;

/// The backends that the configuration asks for. Nothing is opened yet.
pub fn providers(config: &Arc<Config>) -> Result<Vec<Box<dyn Provider>>> {
    let mut providers = Vec::new();
    let mut slots = Slots::default();
    for entry in config.slot.iter().filter(|entry| entry.backend != SOFT) {
        let provider = provider(config, entry)?;
        if matches!(entry.backend.as_str(), "kms" | "group") {
            provider.tokens()?.into_iter().try_for_each(|token| slots.add(token))?;
        }
        providers.push(provider);
    }
    let pins = config.soft.pins.iter().map(|entry| slots.pin(entry)).collect::<Result<_>>()?;
    let mut all: Vec<Box<dyn Provider>> = vec![Box::new(soft::SoftProvider::new(config.clone(), pins))];
    for entry in config.slot.iter().filter(|entry| entry.backend == SOFT) {
        all.push(remote(config, entry, &slots)?);
    }
    all.append(&mut providers);
    Ok(all)
}

/// `backend` of soft tokens that are kept in a service.
const SOFT: &str = "soft";

#[cfg(feature = "kms")]
fn remote(config: &Arc<Config>, entry: &SlotEntry, slots: &Slots) -> Result<Box<dyn Provider>> {
    Ok(Box::new(soft::RemoteProvider::new(config.clone(), entry, |pin| slots.pin(pin))?))
}

#[cfg(not(feature = "kms"))]
fn remote(_: &Arc<Config>, entry: &SlotEntry, _: &Slots) -> Result<Box<dyn Provider>> {
    Err(entry.reader().refuse("there are no secret stores in this build").into())
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
        "kms" => Ok(Box::new(kms::KmsProvider::new(config.clone(), entry)?)),
        #[cfg(feature = "kms")]
        "group" => Ok(Box::new(kms::KmsProvider::group(config.clone(), entry)?)),
        other => Err(entry.reader().refuse(format!("there is no backend {other:?} in this build")).into()),
    }
}
