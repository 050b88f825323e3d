//! A connection's memory: bytes that were read or are to be written, and nothing of those that were used.

use zeroize::Zeroize;

use crate::types::Pages;

/// Enough for any request or answer but the longest, and for a TLS record.
const FIRST: usize = 32 << 10;

/// A queue of bytes that no core dump shows and that forgets what was taken.
pub(super) struct Buffer {
    pages: Pages,
    start: usize,
    end: usize,
}

impl Buffer {
    pub fn new() -> Buffer {
        Buffer { pages: Pages::new(FIRST), start: 0, end: 0 }
    }

    /// What is there.
    pub fn filled(&self) -> &[u8] {
        self.pages.get(self.start..self.end).unwrap_or_default()
    }

    /// The same, for TLS, which decrypts in place.
    pub fn filled_mut(&mut self) -> &mut [u8] {
        self.pages.get_mut(self.start..self.end).unwrap_or_default()
    }

    /// Takes the first `count` bytes, and wipes them.
    pub fn consume(&mut self, count: usize) {
        let taken = self.start..(self.start + count).min(self.end);
        self.start = taken.end;
        self.pages.get_mut(taken).unwrap_or_default().zeroize();
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Takes all.
    pub fn clear(&mut self) {
        self.consume(self.end - self.start);
    }

    /// Room for at least `count` more bytes; [`Buffer::filled`] says how many of it are used.
    pub fn room(&mut self, count: usize) -> &mut [u8] {
        if self.pages.len() - self.end < count {
            let len = self.end - self.start;
            if self.pages.len() < len + count {
                let mut more = Pages::new((len + count).next_power_of_two());
                for (new, old) in more.iter_mut().zip(self.filled()) {
                    *new = *old;
                }
                self.pages = more;
            } else {
                self.pages.copy_within(self.start..self.end, 0);
                self.pages.get_mut(len.max(self.start)..self.end).unwrap_or_default().zeroize();
            }
            (self.start, self.end) = (0, len);
        }
        self.pages.get_mut(self.end..).unwrap_or_default()
    }

    /// The first `count` bytes of the room were filled.
    pub fn fill(&mut self, count: usize) {
        self.end = (self.end + count).min(self.pages.len());
    }

    /// More bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if let Some(room) = self.room(bytes.len()).get_mut(..bytes.len()) {
            room.copy_from_slice(bytes);
            self.fill(bytes.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in_and_leave_nothing() {
        let mut buffer = Buffer::new();
        let long: Vec<u8> = (0..70_000u32).map(|at| at.to_be_bytes()[3]).collect();
        buffer.push(b"head");
        buffer.push(&long);
        assert_eq!(buffer.filled(), [b"head", &long[..]].concat());
        buffer.consume(4);
        // Moved to the front: there is room then.
        let size = buffer.pages.len();
        let room = size - buffer.filled().len();
        assert!(buffer.room(room).len() >= room);
        assert_eq!((buffer.pages.len(), buffer.filled()), (size, &long[..]));
        buffer.consume(60_000);
        assert_eq!(buffer.filled(), &long[60_000..]);
        buffer.clear();
        assert!(buffer.filled().is_empty() && buffer.pages.iter().all(|byte| *byte == 0));
        buffer.consume(1);
        assert_eq!((buffer.start, buffer.end), (0, 0));
    }
}
