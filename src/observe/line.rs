//! One line of log: `2026-05-04T03:02:01.123456Z WARN keyward[812] C_Login CKR_PIN_INCORRECT: the PIN is wrong`.

use std::fmt::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tracing::field::{Field, Visit};

/// What an event's fields become, in the line's order.
#[derive(Default)]
pub(super) struct Fields {
    function: Option<String>,
    rv: Option<String>,
    message: String,
    others: String,
}

impl Fields {
    fn put(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        match field.name() {
            "function" => self.function = Some(value.to_string()),
            "rv" => self.rv = Some(value.to_string()),
            "message" => self.message = value.to_string(),
            // Writing to a String does not fail.
            name => drop(write!(self.others, " {name}={value}")),
        }
    }

    /// Everything after the time, on one line.
    pub(super) fn text(&self) -> String {
        let mut text = format!("keyward[{}]", std::process::id());
        for part in [&self.function, &self.rv].into_iter().flatten() {
            text.push(' ');
            text.push_str(part);
        }
        if !self.message.is_empty() {
            text.push_str(if self.function.is_some() || self.rv.is_some() { ": " } else { " " });
            text.push_str(&self.message);
        }
        text.push_str(&self.others);
        one_line(&text)
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format_args!("{value:?}"));
    }
}

/// Labels and paths come from outside: nothing in them may start a line of its own or steer a terminal.
fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_control() {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
    out
}

/// The time in UTC, to the microsecond.
pub(super) fn timestamp(now: SystemTime) -> String {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (days, seconds) = (since.as_secs() / 86400, since.as_secs() % 86400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:06}Z", since.subsec_micros())
}

/// Year, month and day of a number of days since 1970, in the Gregorian calendar.
///
/// Counts from 1 March of year 0, so that the leap day ends a year and every era of 400 years is alike.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_civil() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399, "2000-02-28T23:59:59.000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000Z"),
        ] {
            assert_eq!(timestamp(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn nothing_starts_a_line_of_its_own() {
        assert_eq!(one_line("a\nb\u{1b}[2J é"), "a\\nb\\u{1b}[2J é");
    }
}
