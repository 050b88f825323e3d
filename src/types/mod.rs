//! What every layer may use: the C types of the specification and the containers of secrets.

pub mod functions;

mod kdf;
mod pages;
mod secret;
mod vendor;
#[cfg(feature = "kms")]
mod wiping;

pub use kdf::{Kdf, KdfError};
pub use pages::Pages;
pub use secret::{LockedKey, SecretBytes};
#[cfg(feature = "kms")]
pub use wiping::{Wiping, wiping};

/// The C types and constants of PKCS#11 v3.2 and keyward's own, under one name.
pub mod ck {
    pub use super::vendor::*;
    pub use cryptoki_sys::*;
}

/// A `CK_ULONG` from a length in memory. Lossless: `CK_ULONG` is as wide as a pointer on every supported target.
pub const fn ulong(n: usize) -> ck::CK_ULONG {
    n as ck::CK_ULONG
}

/// A length in memory from a `CK_ULONG`. Lossless, as [`ulong`]; says nothing about whether it is sane.
#[allow(clippy::cast_possible_truncation)]
pub const fn length(n: ck::CK_ULONG) -> usize {
    n as usize
}

/// Seconds since 1970; zero for a clock before that.
pub fn unix_now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A time, in seconds since 1970, as CK_TOKEN_INFO and clock objects write it: YYYYMMDDhhmmss00 in UTC (PKCS#11 v3.2,
/// section 3.2 and "Clock"). Blank from the year 10000 on.
pub fn utc_time(seconds: u64) -> [u8; 16] {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let text =
        format!("{year:04}{month:02}{day:02}{:02}{:02}{:02}00", second / 3600, second / 60 % 60, second % 60);
    text.as_bytes().try_into().unwrap_or([b' '; 16])
}

/// Year, month and day of so many days after 1970-01-01.
pub fn civil(days: u64) -> (u64, u64, u64) {
    // Counted from 0000-03-01, 719,468 days earlier, so that a leap day ends its year.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day + 2) / 153;
    let (month, day) =
        (if shifted < 10 { shifted + 3 } else { shifted - 9 }, day - (153 * shifted + 2) / 5 + 1);
    (era * 400 + year + u64::from(month <= 2), month, day)
}

/// `text` in a fixed field, blank-padded and cut at a character's end (PKCS#11 v3.2, section 3.1).
pub fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [b' '; N];
    let end = text.floor_char_boundary(N);
    for (target, byte) in field.iter_mut().zip(text.as_bytes().iter().take(end)) {
        *target = *byte;
    }
    field
}

/// Shown as manufacturer of the library and of what is made of software.
pub const MANUFACTURER: &str = "keyward";

/// The crate's version as PKCS#11 tells it.
pub const VERSION: ck::CK_VERSION = ck::CK_VERSION {
    major: version_part(env!("CARGO_PKG_VERSION_MAJOR")),
    minor: version_part(env!("CARGO_PKG_VERSION_MINOR")),
};

const fn version_part(digits: &str) -> u8 {
    let digits = digits.as_bytes();
    let mut value = 0;
    let mut at = 0;
    while at < digits.len() {
        value = value * 10 + (digits[at] - b'0');
        at += 1;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_specification_has_them() {
        // By `date -u -d @N +%Y%m%d%H%M%S`.
        for (seconds, text) in [
            (0, b"1970010100000000"),
            (951_825_599, b"2000022911595900"),
            (1_798_761_599, b"2026123123595900"),
            (4_107_542_399, b"2100022823595900"),
        ] {
            assert_eq!(&utc_time(seconds), text);
        }
        assert_eq!(utc_time(u64::MAX), [b' '; 16]);
    }
}
