//! What a device tells about itself.

use std::fmt::Display;
use std::time::Duration;

use der::DateTime;
use serde_json::{Map, Value, json};

use super::super::error::Result;
use super::super::output::{Answer, printable};
use super::{DeviceArg, Opened, at};
use crate::backend::zymbit::raw;

/// A perimeter breach.
pub struct Event {
    pub serial: String,
    pub channel: usize,
    /// Seconds since 1970, by the device's clock.
    pub time: u32,
}

impl Event {
    /// What the device remembers: the first breach of each channel since they were cleared.
    pub fn remembered(opened: &Opened) -> Result<Vec<Event>> {
        let fail = |error: raw::Error| at(&opened.library, &error);
        let serial = opened.device.serial().map_err(fail)?;
        let times = opened.device.perimeter_info().map_err(fail)?;
        let breached = times.into_iter().enumerate().filter(|(_, time)| *time != 0);
        Ok(breached.map(|(channel, time)| Event { serial: serial.clone(), channel, time }).collect())
    }

    pub fn text(&self) -> String {
        format!("{}  perimeter channel {} breached, device {}", utc(self.time), self.channel, self.serial)
    }

    pub fn json(&self) -> Value {
        json!({
            "event": "perimeter_breach",
            "serial": self.serial,
            "channel": self.channel,
            "time": self.time,
            "utc": utc(self.time),
        })
    }
}

/// `device status`.
pub fn status(which: &DeviceArg) -> Result<Answer> {
    let reports: Vec<Report> = which.open()?.iter().map(Report::read).collect();
    let text: Vec<String> = reports.iter().map(Report::text).collect();
    let json: Vec<Value> = reports.into_iter().map(|report| Value::Object(report.json)).collect();
    Ok(Answer::new(text.join("\n\n"), json!({ "devices": json })))
}

/// Everything that one device tells, in the order in which it is shown.
#[derive(Default)]
struct Report {
    lines: Vec<(&'static str, String)>,
    json: Map<String, Value>,
    /// JSON keys of what the model has not, and of what could not be read and why.
    missing: Vec<Value>,
    errors: Map<String, Value>,
}

const UNSUPPORTED: &str = "not on this model";

impl Report {
    fn read(opened: &Opened) -> Report {
        let device = &opened.device;
        let mut report = Report::default();
        report.line("library", opened.library.display());
        report.json.insert("library".to_owned(), json!(opened.library.display().to_string()));
        report.value("model", "model", device.model(), String::clone);
        report.value("serial number", "serial", device.serial(), String::clone);
        report.value("firmware", "firmware", device.firmware(), String::clone);
        report.binding(device.binding_info());
        report.value("temperature", "temperature_celsius", device.cpu_temp(), |t| format!("{t:.1} °C"));
        report.value("battery", "battery_volts", device.battery_voltage(), |v| format!("{v:.2} V"));
        report.value("clock drift", "rtc_drift", device.rtc_drift(), f32::to_string);
        report.value("device time", "time", device.time(), |t| utc(*t));
        report.perimeter(device.perimeter_info());
        report.json.insert("not_on_this_model".to_owned(), Value::Array(std::mem::take(&mut report.missing)));
        report.json.insert("errors".to_owned(), Value::Object(std::mem::take(&mut report.errors)));
        report
    }

    fn text(&self) -> String {
        let line = |(name, value): &(&str, String)| format!("{name:<14} {}", printable(value));
        self.lines.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn line(&mut self, name: &'static str, value: impl Display) {
        self.lines.push((name, value.to_string()));
    }

    /// A value that was read, or why not: null in JSON, with its key in the list that fits.
    fn value<T: Clone + Into<Value>>(
        &mut self,
        name: &'static str,
        key: &'static str,
        read: raw::Result<T>,
        show: impl FnOnce(&T) -> String,
    ) {
        let shown = match read {
            Ok(value) => {
                self.line(name, show(&value));
                value.into()
            }
            Err(error) => self.unread(name, key, &error),
        };
        self.json.insert(key.to_owned(), shown);
    }

    fn unread(&mut self, name: &'static str, key: &'static str, error: &raw::Error) -> Value {
        if error.is_unsupported() {
            self.line(name, UNSUPPORTED);
            self.missing.push(key.into());
        } else {
            self.line(name, format!("unknown: {error}"));
            self.errors.insert(key.to_owned(), error.to_string().into());
        }
        Value::Null
    }

    fn binding(&mut self, read: raw::Result<raw::Binding>) {
        let shown = match read {
            Ok(binding) => {
                let bound = if binding.bound { "bound to this host" } else { "not bound" };
                self.line(
                    "binding",
                    format!("{bound}, {}", if binding.locked { "locked" } else { "not locked" }),
                );
                json!({ "bound": binding.bound, "locked": binding.locked })
            }
            Err(error) => self.unread("binding", "binding", &error),
        };
        self.json.insert("binding".to_owned(), shown);
    }

    fn perimeter(&mut self, read: raw::Result<Vec<u32>>) {
        const NAME: &str = "perimeter";
        let shown = match read {
            Ok(times) => {
                for (channel, time) in times.iter().enumerate() {
                    let state =
                        if *time == 0 { "intact".to_owned() } else { format!("BREACHED {}", utc(*time)) };
                    self.line(NAME, format!("channel {channel} {state}"));
                }
                let channel = |(channel, time): (usize, &u32)| match time {
                    0 => json!({ "channel": channel, "breached": false, "time": null, "utc": null }),
                    _ => json!({ "channel": channel, "breached": true, "time": time, "utc": utc(*time) }),
                };
                Value::Array(times.iter().enumerate().map(channel).collect())
            }
            Err(error) => self.unread(NAME, NAME, &error),
        };
        self.json.insert(NAME.to_owned(), shown);
    }
}

/// A time of the device's as people write it.
pub fn utc(seconds: u32) -> String {
    match DateTime::from_unix_duration(Duration::from_secs(seconds.into())) {
        Ok(time) => time.to_string(),
        Err(_) => format!("{seconds} s after 1970"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(utc(1_700_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(utc(u32::MAX), "2106-02-07T06:28:15Z");
    }

    #[test]
    fn what_is_missing_is_not_what_failed() {
        let mut report = Report::default();
        report.value(
            "battery",
            "battery_volts",
            Err::<f32, _>(raw::Error::Missing("zkGetBatteryVoltage")),
            f32::to_string,
        );
        let failed = raw::Error::Failed { function: "zkGetCPUTemp", errno: libc::EIO };
        report.value("temperature", "temperature_celsius", Err::<f32, _>(failed), f32::to_string);
        assert_eq!(report.lines[0].1, UNSUPPORTED);
        assert!(report.lines[1].1.starts_with("unknown: zkGetCPUTemp"), "{}", report.lines[1].1);
        assert_eq!(report.missing, ["battery_volts"]);
        assert!(report.errors.contains_key("temperature_celsius"));
    }
}
