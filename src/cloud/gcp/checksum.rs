//! CRC-32C (Castagnoli; RFC 3720, appendix B.4), which Google sends and expects with everything that is signed,
//! encrypted or exported. Against damage, not against attackers.

use serde::{Deserialize, Deserializer};

use crate::cloud::{Error, Kind, Result};

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0_u32;
    while byte < 256 {
        let (mut value, mut bit) = (byte, 0);
        while bit < 8 {
            value = if value & 1 == 1 { value >> 1 ^ 0x82f6_3b78 } else { value >> 1 };
            bit += 1;
        }
        table[byte as usize] = value;
        byte += 1;
    }
    table
}

/// The checksum.
pub fn crc32c(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, byte| {
        let [low, ..] = crc.to_le_bytes();
        TABLE.get(usize::from(low ^ byte)).unwrap_or(&0) ^ crc >> 8
    })
}

/// A checksum in an answer. Protocol buffers write 64-bit numbers as text in JSON, and other writers don't.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checksum(u64);

impl Checksum {
    /// Compares. [`Kind::Corrupt`] where the checksum is another, or missing: this service always sends it.
    pub fn check(sum: Option<Checksum>, field: &str, data: &[u8]) -> Result<()> {
        match sum {
            Some(Checksum(sum)) if sum == u64::from(crc32c(data)) => Ok(()),
            Some(_) => Err(Error::new(Kind::Corrupt, format!("the answer's {field} came damaged (CRC32C)"))),
            None => Err(Error::new(Kind::Corrupt, format!("the answer's {field} came without its CRC32C"))),
        }
    }
}

impl<'de> Deserialize<'de> for Checksum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(number) => Ok(Checksum(number)),
            Written::Text(text) => {
                text.parse().map(Checksum).map_err(|_| serde::de::Error::custom("not a number"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_values_come_out() {
        // RFC 3720, appendix B.4, and the catalogue's check value.
        let rising: Vec<u8> = (0..32).collect();
        for (data, sum) in [
            (&[][..], 0),
            (b"123456789", 0xe306_9283),
            (&[0; 32], 0x8a91_36aa),
            (&[0xff; 32], 0x62a8_ab43),
            (&rising, 0x46dd_794e),
        ] {
            assert_eq!(crc32c(data), sum, "{data:02x?}");
        }
    }

    #[test]
    fn checksums_are_text_or_numbers_and_have_to_fit() {
        let read = |json: &str| serde_json::from_str::<Checksum>(json).ok();
        assert_eq!(read("\"3808858755\""), Some(Checksum(0xe306_9283)));
        assert_eq!(read("3808858755"), Some(Checksum(0xe306_9283)));
        assert_eq!(read("\"x\""), None);
        assert!(Checksum::check(read("3808858755"), "mac", b"123456789").is_ok());
        assert_eq!(
            Checksum::check(read("3808858755"), "mac", b"12345678").unwrap_err().kind(),
            Kind::Corrupt
        );
        assert_eq!(Checksum::check(None, "mac", b"").unwrap_err().kind(), Kind::Corrupt);
    }
}
