//! The messages: a buffer that is written front to back, and one that is read so. Numbers are big-endian.
//!
//! A message may hold a PIN or a key, so whatever memory one occupied is wiped. What the helper wrote is checked like
//! a stranger's: a length is believed only as far as there are bytes.

use zeroize::{Zeroize, Zeroizing};

use crate::types::ck;

/// Why a call does not go its usual way.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// This is the answer; nothing is wrong with the helper.
    Answer(ck::CK_RV),
    /// The helper sent what the protocol does not allow.
    Broken(&'static str),
}

/// The result of reading or writing a part of a message.
pub(super) type Result<T> = std::result::Result<T, Stop>;

/// Call code, length of the options, length of the message.
pub(super) const HEADER: usize = 12;

/// The server refuses an array or a message of 2 GiB.
pub(super) const LARGEST: usize = i32::MAX as usize;

/// Marks a null array on the wire.
const NULL: u32 = u32::MAX;

/// A message that grows.
#[derive(Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Makes room without leaving a copy of what was written behind.
    fn room(&mut self, more: usize) -> Result<()> {
        let full = self.bytes.len().checked_add(more).filter(|n| *n < LARGEST);
        let full = full.ok_or(Stop::Answer(ck::CKR_ARGUMENTS_BAD))?;
        if full > self.bytes.capacity() {
            let mut larger = Vec::new();
            let size = full.saturating_mul(2).clamp(256, LARGEST);
            larger.try_reserve_exact(size).map_err(|_| Stop::Answer(ck::CKR_HOST_MEMORY))?;
            larger.extend_from_slice(&self.bytes);
            self.bytes.zeroize();
            self.bytes = larger;
        }
        Ok(())
    }

    /// Bytes as they are.
    pub(super) fn raw(&mut self, bytes: &[u8]) -> Result<()> {
        self.room(bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// One byte.
    pub(super) fn byte(&mut self, value: u8) -> Result<()> {
        self.raw(&[value])
    }

    /// A count or a length.
    pub(super) fn count(&mut self, value: usize) -> Result<()> {
        let value = u32::try_from(value).map_err(|_| Stop::Answer(ck::CKR_ARGUMENTS_BAD))?;
        self.raw(&value.to_be_bytes())
    }

    /// Four bytes.
    pub(super) fn word(&mut self, value: u32) -> Result<()> {
        self.raw(&value.to_be_bytes())
    }

    /// A `CK_ULONG`, eight bytes on every machine.
    #[allow(clippy::useless_conversion, clippy::unnecessary_cast)]
    pub(super) fn number(&mut self, value: ck::CK_ULONG) -> Result<()> {
        self.raw(&(value as u64).to_be_bytes())
    }

    /// A length with its bytes, or the mark of a null array.
    pub(super) fn array(&mut self, bytes: Option<&[u8]>) -> Result<()> {
        match bytes {
            None => self.word(NULL),
            Some(bytes) => {
                self.count(bytes.len())?;
                self.raw(bytes)
            }
        }
    }

    /// A byte array argument: one byte tells that the array and not only its length follows.
    pub(super) fn argument(&mut self, bytes: Option<&[u8]>) -> Result<()> {
        self.byte(1)?;
        self.array(bytes)
    }

    /// Writes the frame's header into the first [`HEADER`] bytes, which were left free for it.
    pub(super) fn frame(&mut self, code: u32) -> Result<()> {
        let length = u32::try_from(self.bytes.len().saturating_sub(HEADER)).unwrap_or(NULL);
        let mut header = [0; HEADER];
        let words = [code, 0, length];
        for (target, word) in header.chunks_exact_mut(4).zip(words) {
            target.copy_from_slice(&word.to_be_bytes());
        }
        match self.bytes.get_mut(..HEADER) {
            Some(place) => place.copy_from_slice(&header),
            None => return Err(Stop::Answer(ck::CKR_GENERAL_ERROR)),
        }
        Ok(())
    }

    /// What was written.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// `length` zero bytes for an answer, wiped on drop. The caller bounded the length.
pub(super) fn space(length: usize) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| Stop::Answer(ck::CKR_HOST_MEMORY))?;
    bytes.resize(length, 0);
    Ok(Zeroizing::new(bytes))
}

/// A message that is read.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the first byte on.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes }
    }

    /// The next bytes.
    pub(super) fn raw(&mut self, length: usize) -> Result<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Stop::Broken("it ends early"))?;
        self.rest = rest;
        Ok(bytes)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or(Stop::Broken("it ends early"))?;
        self.rest = rest;
        Ok(*bytes)
    }

    /// One byte.
    pub(super) fn byte(&mut self) -> Result<u8> {
        Ok(self.fixed::<1>()?[0])
    }

    /// Four bytes.
    pub(super) fn word(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.fixed()?))
    }

    /// A count or a length; not more than a message can have.
    pub(super) fn count(&mut self) -> Result<usize> {
        let count = usize::try_from(self.word()?).ok().filter(|n| *n < LARGEST);
        count.ok_or(Stop::Broken("it has an impossible length"))
    }

    /// A `CK_ULONG`.
    #[allow(clippy::useless_conversion)]
    pub(super) fn number(&mut self) -> Result<ck::CK_ULONG> {
        let value = u64::from_be_bytes(self.fixed()?);
        value.try_into().map_err(|_| Stop::Broken("it has a number that is too large"))
    }

    /// A length with its bytes, or nothing for a null array.
    pub(super) fn array(&mut self) -> Result<Option<&'a [u8]>> {
        match self.word()? {
            NULL => Ok(None),
            length => {
                let length =
                    usize::try_from(length).map_err(|_| Stop::Broken("it has an impossible length"))?;
                self.raw(length).map(Some)
            }
        }
    }

    /// How much is left.
    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }
}
