//! Times as AWS writes them, and a clock that follows the service's where the machine's is wrong.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// How far the machine's clock may be off before it is corrected. Services take five minutes.
const TOLERATED: i64 = 60;

/// Seconds since 1970, corrected by what the service said.
#[derive(Debug, Default)]
pub(super) struct Clock {
    offset: AtomicI64,
}

impl Clock {
    pub(super) fn now(&self) -> i64 {
        machine().saturating_add(self.offset.load(Ordering::Relaxed))
    }

    /// Takes the service's time from an answer's Date header. False where the clock was right, or there is no time.
    pub(super) fn correct(&self, date: Option<&str>) -> bool {
        let Some(theirs) = date.and_then(from_http_date) else { return false };
        if (theirs - self.now()).abs() <= TOLERATED {
            return false;
        }
        self.offset.store(theirs - machine(), Ordering::Relaxed);
        true
    }
}

fn machine() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// A time as signatures want it: `20150830T123600Z`.
pub(super) fn basic_format(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// The seconds of `2026-11-26T10:28:00Z`; fractions are cut, an offset is honoured.
pub(super) fn from_rfc3339(text: &str) -> Option<i64> {
    let (date, time) = text.trim().split_once(['T', ' '])?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, zone) = time.split_at(time.find(['Z', 'z', '+', '-'])?);
    let offset = match zone.get(1..) {
        Some("") => 0,
        Some(zone) => {
            let (hours, minutes) = zone.split_once(':')?;
            hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60
        }
        None => return None,
    };
    let offset = if time.contains('-') { -offset } else { offset };
    Some(seconds(year, month, day, clock)? - offset)
}

/// The seconds of `Thu, 26 Nov 2026 10:28:00 GMT`.
fn from_http_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_once(", ")?.1.split(' ');
    let day = words.next()?.parse().ok()?;
    let name = words.next()?;
    let month = i64::try_from(MONTHS.iter().position(|month| *month == name)?).ok()? + 1;
    let year = words.next()?.parse().ok()?;
    seconds(year, month, day, words.next()?)
}

fn seconds(year: i64, month: i64, day: i64, clock: &str) -> Option<i64> {
    let valid = (1970..10_000).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    let mut parts = clock.split(':');
    let (hour, minute) = (parts.next()?.parse::<i64>().ok()?, parts.next()?.parse::<i64>().ok()?);
    let second = parts.next()?.split('.').next()?.parse::<i64>().ok()?;
    let valid = valid && hour < 24 && minute < 60 && second <= 60;
    valid.then(|| days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Days since 1970. Years begin in March, so that the leap day ends them.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The reverse of [`days`].
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_read_and_written() {
        for (seconds, basic, rfc, http) in [
            (951_782_400, "20000229T000000Z", "2000-02-29T00:00:00Z", "Tue, 29 Feb 2000 00:00:00 GMT"),
            (
                1_440_938_160,
                "20150830T123600Z",
                "2015-08-30T14:36:00.25+02:00",
                "Sun, 30 Aug 2015 12:36:00 GMT",
            ),
            (1_735_689_599, "20241231T235959Z", "2024-12-31T18:59:59-05:00", "Tue, 31 Dec 2024 23:59:59 GMT"),
        ] {
            assert_eq!(basic_format(seconds), basic);
            assert_eq!(from_rfc3339(rfc), Some(seconds), "{rfc}");
            assert_eq!(from_http_date(http), Some(seconds), "{http}");
        }
        for wrong in ["", "2024", "2024-13-01T00:00:00Z", "2024-01-01T00:00Z", "2024-01-01T00:00:00"] {
            assert_eq!(from_rfc3339(wrong), None, "{wrong}");
        }
        assert_eq!(from_http_date("yesterday"), None);
    }

    #[test]
    fn the_clock_follows_the_service() {
        let clock = Clock::default();
        assert!(!clock.correct(None) && !clock.correct(Some("never")));
        assert!(clock.correct(Some("Sun, 30 Aug 2015 12:36:00 GMT")));
        assert!((1_440_938_160..1_440_938_200).contains(&clock.now()));
        assert!(!clock.correct(Some("Sun, 30 Aug 2015 12:36:30 GMT")));
    }
}
