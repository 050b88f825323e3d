//! The backends: each implements the traits of `token`, none knows another.

pub mod held;
pub mod passthrough;
pub mod soft;
pub mod zymbit;

use std::sync::Arc;

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
        "passthrough" => Ok(Box::new(passthrough::PassProvider::new(config.clone(), entry, None)?)),
        "zymbit" => Ok(Box::new(zymbit::ZymbitProvider::new(config.clone(), entry)?)),
        other => Err(entry.reader().refuse(format!("there is no backend {other:?} in this build")).into()),
    }
}
