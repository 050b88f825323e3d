//! The backends: each implements the traits of `token`, none knows another.

pub mod held;
pub mod soft;
pub mod zymbit;

use std::sync::Arc;

use crate::config::Config;
use crate::error::Result;
use crate::token::Provider;

/// The backends that the configuration asks for. Nothing is opened yet.
pub fn providers(config: &Arc<Config>) -> Result<Vec<Box<dyn Provider>>> {
    if let Some(entry) = config.slot.first() {
        let why = format!("there is no backend {:?} in this build", entry.backend);
        return Err(entry.reader().refuse(why).into());
    }
    Ok(vec![Box::new(soft::SoftProvider::new(config.clone()))])
}
