//! How a token is written into documents. What is read is checked: it is input from outside.
//!
//! Every document is `KWRT`, a format byte, a kind byte, the body, and 16 bytes of the SHA-256 of all that: damage is
//! told from data. Numbers are big-endian; lengths come first.

use super::super::pin::PinRecord;
use super::super::{Failures, Header, MAX_SEALED, NewRow, RowId, Tag};
use crate::crypto::{self, Hash};

const MAGIC: &[u8; 4] = b"KWRT";
/// The layout of documents. An older keyward refuses a newer one.
pub(super) const FORMAT: u8 = 1;
const MANIFEST: u8 = b'm';
const CHUNK: u8 = b'c';

/// What frames a body.
const FRAME: usize = MAGIC.len() + 2 + DIGEST;
const DIGEST: usize = 16;
/// The bytes of a tag.
const TAG: usize = std::mem::size_of::<Tag>();

/// Commits that a manifest remembers, so that a writer whose answer was lost finds its own.
pub(super) const REMEMBERED: usize = 32;

/// The start of a document's SHA-256.
pub(super) type DocumentDigest = [u8; DIGEST];

/// Why a document can't be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Not one of ours at all.
    Foreign,
    /// Of a newer keyward.
    Newer(u8),
    /// One of ours, and broken.
    Damaged(String),
}

type Result<T> = std::result::Result<T, Fault>;

fn damaged<T>(why: impl Into<String>) -> Result<T> {
    Err(Fault::Damaged(why.into()))
}

/// A document of rows, as the manifest names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChunkRef {
    /// Drawn at random: its name.
    pub(super) id: u64,
    /// Of the whole document.
    pub(super) digest: DocumentDigest,
}

/// The one document that changes: what it names is the token's state.
pub(super) struct Manifest {
    /// Drawn when the token was made.
    pub(super) lineage: u64,
    /// How many commits there were; wraps.
    pub(super) commits: u32,
    /// The last commits' own numbers, drawn at random, the newest last.
    pub(super) recent: Vec<u64>,
    /// The next row number.
    pub(super) next: RowId,
    pub(super) header: Header,
    pub(super) chunks: Vec<ChunkRef>,
    /// Rows that are kept in the manifest itself.
    pub(super) tail: Vec<NewRow>,
}

/// The bytes that a row takes in a document.
pub(super) fn row_size(row: &NewRow) -> usize {
    8 + 1 + 4 + 4 + row.tags.len() * TAG + row.sealed.len()
}

/// The bytes of a document with rows of so many bytes.
pub(super) fn chunk_size(rows: usize) -> usize {
    FRAME + 4 + rows
}

/// The name of a document of rows.
pub(super) fn chunk_name(id: u64) -> String {
    format!("rows-{id:016x}")
}

impl Manifest {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new(MANIFEST);
        out.u64(self.lineage);
        out.u32(self.commits);
        out.count(self.recent.len());
        self.recent.iter().for_each(|commit| out.u64(*commit));
        out.u64(self.next);
        out.header(&self.header);
        out.count(self.chunks.len());
        for chunk in &self.chunks {
            out.u64(chunk.id);
            out.raw(&chunk.digest);
        }
        out.rows(self.tail.iter());
        out.finish()
    }

    pub(super) fn decode(document: &[u8]) -> Result<Manifest> {
        let mut from = Reader::new(document, MANIFEST)?;
        let manifest = Manifest {
            lineage: from.u64()?,
            commits: from.u32()?,
            recent: from.list(8, Reader::u64)?,
            next: from.u64()?,
            header: from.header()?,
            chunks: from.list(8 + DIGEST, |from| Ok(ChunkRef { id: from.u64()?, digest: from.array()? }))?,
            tail: from.rows()?,
        };
        from.finish()?;
        match manifest.next {
            0 => damaged("next row number 0"),
            _ => Ok(manifest),
        }
    }
}

/// A document of rows.
pub(super) fn encode_chunk<'a>(rows: impl ExactSizeIterator<Item = &'a NewRow>) -> Vec<u8> {
    let mut out = Writer::new(CHUNK);
    out.rows(rows);
    out.finish()
}

/// The rows of a document.
pub(super) fn decode_chunk(document: &[u8]) -> Result<Vec<NewRow>> {
    let mut from = Reader::new(document, CHUNK)?;
    let rows = from.rows()?;
    from.finish()?;
    Ok(rows)
}

/// What the manifest knows a document by.
pub(super) fn digest(bytes: &[u8]) -> DocumentDigest {
    let full = crypto::digest(Hash::Sha256, bytes);
    let mut digest = [0; DIGEST];
    digest.iter_mut().zip(full.iter()).for_each(|(to, from)| *to = *from);
    digest
}

struct Writer(Vec<u8>);

impl Writer {
    fn new(kind: u8) -> Writer {
        let mut out = MAGIC.to_vec();
        out.extend([FORMAT, kind]);
        Writer(out)
    }

    fn finish(mut self) -> Vec<u8> {
        let digest = digest(&self.0);
        self.0.extend(digest);
        self.0
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn u32(&mut self, number: u32) {
        self.raw(&number.to_be_bytes());
    }

    fn u64(&mut self, number: u64) {
        self.raw(&number.to_be_bytes());
    }

    /// Lengths are far below 2^32: a document is.
    fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).unwrap_or(u32::MAX));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.raw(bytes);
    }

    fn rows<'a>(&mut self, rows: impl ExactSizeIterator<Item = &'a NewRow>) {
        self.count(rows.len());
        for row in rows {
            self.u64(row.id);
            self.raw(&[row.private.into()]);
            self.count(row.tags.len());
            self.raw(row.tags.as_flattened());
            self.bytes(&row.sealed);
        }
    }

    fn header(&mut self, header: &Header) {
        self.bytes(header.serial.as_bytes());
        self.raw(&header.label);
        self.bytes(&header.so.encode());
        self.bytes(&header.user.as_ref().map(PinRecord::encode).unwrap_or_default());
        for failures in [header.so_failures, header.user_failures] {
            self.u32(failures.count);
            self.u64(failures.last);
        }
        self.raw(&header.public_key);
        self.u64(header.created);
        self.raw(&[header.login_required.into(), header.user_pin_to_be_changed.into()]);
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn new(document: &'a [u8], kind: u8) -> Result<Reader<'a>> {
        let Some((format, rest)) = document.strip_prefix(MAGIC).and_then(<[u8]>::split_first) else {
            return Err(Fault::Foreign);
        };
        if *format != FORMAT {
            return Err(Fault::Newer(*format));
        }
        let Some((body, sum)) = document.split_last_chunk::<DIGEST>() else {
            return damaged("it is cut off");
        };
        if digest(body) != *sum {
            return damaged("its digest is not that of its content");
        }
        match rest.split_first() {
            Some((found, _)) if *found == kind => Ok(Reader(body.get(MAGIC.len() + 2..).unwrap_or_default())),
            _ => damaged("it is another kind of document"),
        }
    }

    fn finish(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { damaged("something follows its end") }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        match self.0.split_at_checked(len) {
            Some((taken, rest)) => {
                self.0 = rest;
                Ok(taken)
            }
            None => damaged("a length that leads beyond its end"),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// A count of things that take at least `each` bytes: no more than there can be.
    fn count(&mut self, each: usize) -> Result<usize> {
        let count = self.u32()?;
        match usize::try_from(count) {
            Ok(count) if count <= self.0.len() / each.max(1) => Ok(count),
            _ => damaged("a count that leads beyond its end"),
        }
    }

    fn list<T>(&mut self, each: usize, read: impl Fn(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        (0..self.count(each)?).map(|_| read(self)).collect()
    }

    fn bytes(&mut self, most: usize) -> Result<&'a [u8]> {
        match self.count(1)? {
            len if len <= most => self.take(len),
            len => damaged(format!("a field of {len} bytes")),
        }
    }

    fn flag(&mut self) -> Result<bool> {
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => damaged(format!("a flag of {other}")),
        }
    }

    fn rows(&mut self) -> Result<Vec<NewRow>> {
        self.list(17, |from| {
            Ok(NewRow {
                id: from.u64()?,
                private: from.flag()?,
                tags: from.list(TAG, Reader::array)?,
                sealed: from.bytes(MAX_SEALED)?.to_vec(),
            })
        })
    }

    fn pin(&mut self) -> Result<Option<PinRecord>> {
        match self.bytes(PinRecord::ENCODED_LEN)? {
            [] => Ok(None),
            bytes => PinRecord::decode(bytes).map(Some).map_err(Fault::Damaged),
        }
    }

    fn failures(&mut self) -> Result<Failures> {
        Ok(Failures { count: self.u32()?, last: self.u64()? })
    }

    fn header(&mut self) -> Result<Header> {
        let serial = self.bytes(16)?;
        if serial.is_empty() || !serial.iter().all(u8::is_ascii_alphanumeric) {
            return damaged("its serial is not 1 to 16 letters and digits");
        }
        Ok(Header {
            serial: String::from_utf8_lossy(serial).into_owned(),
            label: self.array()?,
            so: match self.pin()? {
                Some(record) => record,
                None => return damaged("it has no SO PIN record"),
            },
            user: self.pin()?,
            so_failures: self.failures()?,
            user_failures: self.failures()?,
            public_key: self.array()?,
            created: self.u64()?,
            login_required: self.flag()?,
            user_pin_to_be_changed: self.flag()?,
        })
    }
}
