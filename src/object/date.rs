//! `CK_DATE`: eight ASCII digits, YYYYMMDD. Ordering is by calendar.

use crate::types::civil;

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date([u8; 8]);

impl Date {
    /// A date from its eight digits; `None` for anything else, such as a thirteenth month.
    pub fn parse(bytes: &[u8]) -> Option<Date> {
        let digits: [u8; 8] = bytes.try_into().ok()?;
        let number = |from: usize, to: usize| {
            digits.get(from..to)?.iter().try_fold(0u32, |sum, digit| {
                digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0'))
            })
        };
        number(0, 4)?;
        let valid = (1..=12).contains(&number(4, 6)?) && (1..=31).contains(&number(6, 8)?);
        valid.then_some(Date(digits))
    }

    /// The UTC day of a Unix time in seconds; `None` from the year 10000 on.
    pub fn from_unix(seconds: u64) -> Option<Date> {
        let (year, month, day) = civil(seconds / 86_400);
        Date::parse(format!("{year:04}{month:02}{day:02}").as_bytes())
    }

    /// The eight digits.
    pub fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_only_dates() {
        assert!(Date::parse(b"20260131").is_some());
        for wrong in [&b"20261301"[..], b"20260100", b"20260132", b"2026 101", b"202601", b"", b"202601011"] {
            assert!(Date::parse(wrong).is_none(), "{wrong:?}");
        }
        assert!(Date::parse(b"20251231") < Date::parse(b"20260101"));
    }

    #[test]
    fn knows_the_calendar() {
        for (seconds, digits) in [
            (0, b"19700101"),
            (951_782_399, b"20000228"),
            (951_782_400, b"20000229"),
            (951_868_800, b"20000301"),
            (1_798_675_200, b"20261231"),
            (4_107_542_400, b"21000301"),
        ] {
            assert_eq!(Date::from_unix(seconds).unwrap().as_bytes(), digits);
        }
        assert_eq!(Date::from_unix(u64::MAX), None);
    }
}
