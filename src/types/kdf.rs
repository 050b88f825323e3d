//! The cost of turning a PIN into a key: chosen in the configuration, stored beside each PIN.

use std::fmt;
use std::str::FromStr;

/// Argon2id parameters, always within bounds that a hostile file or setting cannot leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kdf {
    m_kib: u32,
    t: u32,
    p: u32,
}

/// Why parameters were refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KdfError(String);

impl Kdf {
    /// The default: 19 MiB, two passes, one lane (OWASP's first recommendation).
    pub const DEFAULT: Kdf = Kdf { m_kib: 19456, t: 2, p: 1 };
    /// For throw-away CI tokens: as good as no stretching at all.
    pub const FAST: Kdf = Kdf { m_kib: 256, t: 1, p: 1 };

    /// The most memory one derivation may take, in KiB (1 GiB): a token file is input from outside.
    pub const MAX_M_KIB: u32 = 1 << 20;
    /// The most passes.
    pub const MAX_T: u32 = 64;
    /// The most lanes.
    pub const MAX_P: u32 = 16;

    /// Parameters within bounds: `8p <= m <= 1 GiB`, `1 <= t <= 64`, `1 <= p <= 16`.
    pub fn new(m_kib: u32, t: u32, p: u32) -> Result<Kdf, KdfError> {
        let within = |name: &str, value: u32, low: u32, high: u32| match (low..=high).contains(&value) {
            true => Ok(()),
            false => Err(KdfError(format!("{name}={value} is outside {low}..={high}"))),
        };
        within("p", p, 1, Self::MAX_P)?;
        within("t", t, 1, Self::MAX_T)?;
        within("m", m_kib, 8 * p, Self::MAX_M_KIB)?;
        Ok(Kdf { m_kib, t, p })
    }

    /// Memory in KiB.
    pub fn m_kib(&self) -> u32 {
        self.m_kib
    }

    /// Passes over the memory.
    pub fn t(&self) -> u32 {
        self.t
    }

    /// Lanes.
    pub fn p(&self) -> u32 {
        self.p
    }

    /// Whether it costs less than the default: `doctor` says so.
    pub fn is_weak(&self) -> bool {
        u64::from(self.m_kib) * u64::from(self.t)
            < u64::from(Self::DEFAULT.m_kib) * u64::from(Self::DEFAULT.t)
    }
}

impl Default for Kdf {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for Kdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self == Self::FAST {
            true => f.write_str("fast"),
            false => write!(f, "argon2id:m={},t={},p={}", self.m_kib, self.t, self.p),
        }
    }
}

impl FromStr for Kdf {
    type Err = KdfError;

    /// `fast`, `argon2id`, or `argon2id:m=KIB,t=PASSES,p=LANES` with any of the three left at its default.
    fn from_str(text: &str) -> Result<Self, KdfError> {
        let help =
            || KdfError(format!("{text:?} is neither \"fast\" nor \"argon2id:m=KIB,t=PASSES,p=LANES\""));
        if text == "fast" {
            return Ok(Self::FAST);
        }
        let rest = text.strip_prefix("argon2id").ok_or_else(help)?;
        let Kdf { mut m_kib, mut t, mut p } = Self::DEFAULT;
        if rest.is_empty() {
            return Ok(Self::DEFAULT);
        }
        for part in rest.strip_prefix(':').ok_or_else(help)?.split(',') {
            let (name, value) = part.split_once('=').ok_or_else(help)?;
            let value: u32 = value.trim().parse().map_err(|_| help())?;
            match name.trim() {
                "m" => m_kib = value,
                "t" => t = value,
                "p" => p = value,
                _ => return Err(help()),
            }
        }
        Self::new(m_kib, t, p)
    }
}

impl fmt::Display for KdfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for KdfError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        for kdf in [Kdf::DEFAULT, Kdf::FAST, Kdf::new(65536, 3, 4).unwrap()] {
            assert_eq!(kdf.to_string().parse::<Kdf>().unwrap(), kdf);
        }
        assert_eq!("argon2id:t=4".parse::<Kdf>().unwrap(), Kdf::new(19456, 4, 1).unwrap());
    }

    #[test]
    fn nonsense_and_excess_are_refused() {
        for text in
            ["", "pbkdf2", "argon2id:", "argon2id:m", "argon2id:x=1", "argon2id:m=4294967295", "argon2id:m=1"]
        {
            assert!(text.parse::<Kdf>().is_err(), "{text}");
        }
        assert!(Kdf::new(1 << 19, 65, 1).is_err());
        assert!(Kdf::new(64, 1, 9).is_err());
    }

    #[test]
    fn weakness_is_relative_to_the_default() {
        assert!(Kdf::FAST.is_weak());
        assert!(!Kdf::DEFAULT.is_weak());
    }
}
