//! The keys of a `[[slot]]` that say how a service is reached, the same for every provider.

use std::time::Duration;

use super::{HttpSettings, Limits};
use crate::config::{Result, SlotReader};

/// How to reach a service.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// `address`: the endpoint instead of the provider's own, without a slash at its end.
    pub address: Option<String>,
    /// `ca_file` and `connect_timeout_ms`.
    pub http: HttpSettings,
    /// `attempt_timeout_ms` and `timeout_ms`.
    pub limits: Limits,
    /// `pin = "secret"`: C_Login's PIN is the provider's own secret.
    pub secret_pin: bool,
}

impl Connection {
    /// Reads them, but not `pin`, which the slot's reader knows.
    pub fn read(reader: &mut SlotReader<'_>) -> Result<Connection> {
        let milliseconds = |number: u32| Duration::from_millis(number.into());
        let address = reader.text("address")?.map(|text| text.trim_end_matches('/').to_owned());
        if address
            .as_deref()
            .is_some_and(|address| !address.starts_with("https://") && !address.starts_with("http://"))
        {
            return Err(reader.refuse("address has to begin with https:// or http://"));
        }
        Ok(Connection {
            address,
            http: HttpSettings {
                ca_file: reader.path("ca_file")?,
                connect_timeout: milliseconds(reader.number("connect_timeout_ms", 1, 600_000, 3_000)?),
                ..HttpSettings::default()
            },
            limits: Limits {
                attempt: milliseconds(reader.number("attempt_timeout_ms", 1, 600_000, 10_000)?),
                total: milliseconds(reader.number("timeout_ms", 1, 600_000, 30_000)?),
            },
            secret_pin: false,
        })
    }
}
