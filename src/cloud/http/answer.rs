//! Reading an answer (RFC 9112): its head, and its body however its end is marked.

use httparse::Status;
use zeroize::{Zeroize, Zeroizing};

use super::stream::Stream;
use crate::cloud::Deadline;

/// The longest head in bytes, and the most lines in it.
const MAX_HEAD: usize = 64 << 10;
const MAX_HEADERS: usize = 96;
/// The largest body in bytes. The longest real ones are pages of key lists.
const MAX_BODY: usize = 16 << 20;
/// Room for a body whose length is not known.
const SOME: usize = 16 << 10;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection, or the time.
    Io(std::io::Error),
    /// What came is no answer.
    Damaged(&'static str),
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure::Io(error)
    }
}

/// How a body's end is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunks,
    /// The connection's.
    End,
}

/// An answer's head.
pub(super) struct Head {
    pub status: u16,
    /// Its lines, the first among them.
    pub text: Zeroizing<Vec<u8>>,
    framing: Framing,
    /// Whether the connection goes on afterwards.
    pub keeps_alive: bool,
}

/// Reads a head; those before the final one (1xx) are passed over.
pub(super) fn head(stream: &mut Stream, method: &str, deadline: Deadline) -> Result<Head, Failure> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Response::new(&mut headers);
        let came = stream.input.filled();
        match parsed.parse(came).map_err(|_| Failure::Damaged("it is no HTTP"))? {
            Status::Complete(len) => {
                let text = came.get(..len).unwrap_or_default();
                let head = judge(method, &parsed, Zeroizing::new(text.to_vec()))?;
                stream.input.consume(len);
                match head.status {
                    101 => return Err(Failure::Damaged("another protocol")),
                    100..200 => {}
                    _ => return Ok(head),
                }
            }
            Status::Partial if came.len() > MAX_HEAD => return Err(Failure::Damaged("its head has no end")),
            Status::Partial => more(stream, deadline)?,
        }
    }
}

fn judge(
    method: &str,
    parsed: &httparse::Response<'_, '_>,
    text: Zeroizing<Vec<u8>>,
) -> Result<Head, Failure> {
    let status = parsed.code.unwrap_or_default();
    let values = |name: &'static str| {
        let named = parsed.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
        named.map(|header| header.value.trim_ascii())
    };
    let has = |name, word: &[u8]| {
        values(name)
            .any(|value| value.split(|b| *b == b',').any(|w| w.trim_ascii().eq_ignore_ascii_case(word)))
    };
    let mut lengths = values("content-length").flat_map(|value| value.split(|b| *b == b',')).map(|value| {
        let digits = std::str::from_utf8(value.trim_ascii()).ok();
        let digits = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        digits.and_then(|digits| digits.parse::<usize>().ok()).ok_or(Failure::Damaged("its length is none"))
    });
    let length = lengths.next().transpose()?;
    for other in lengths {
        if Some(other?) != length {
            return Err(Failure::Damaged("it has two lengths"));
        }
    }
    let is_coded = values("transfer-encoding").next().is_some();
    let is_bodiless = method == "HEAD" || matches!(status, 100..200 | 204 | 304);
    let framing = match length {
        _ if is_bodiless => Framing::Length(0),
        _ if is_coded && values("transfer-encoding").any(|value| !value.eq_ignore_ascii_case(b"chunked")) => {
            return Err(Failure::Damaged("its body is encoded"));
        }
        Some(_) if is_coded => return Err(Failure::Damaged("it has a length, and chunks")),
        None if is_coded => Framing::Chunks,
        Some(length) => Framing::Length(length),
        None => Framing::End,
    };
    let is_new = parsed.version == Some(1);
    // A server that sends a body all the same would have it read for the next answer.
    let promises_more = is_bodiless && (is_coded || length.is_some_and(|length| length > 0));
    let keeps_alive = framing != Framing::End
        && !promises_more
        && (if is_new { !has("connection", b"close") } else { has("connection", b"keep-alive") });
    Ok(Head { status, text, framing, keeps_alive })
}

/// Reads a body.
pub(super) fn body(
    stream: &mut Stream,
    head: &Head,
    deadline: Deadline,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let room = if let Framing::Length(len) = head.framing { len } else { SOME };
    if room > MAX_BODY {
        return Err(Failure::Damaged("it has over 16 MiB"));
    }
    let mut body = Zeroizing::new(Vec::with_capacity(room));
    match head.framing {
        Framing::Length(len) => take(stream, len, &mut body, deadline)?,
        Framing::Chunks => chunks(stream, &mut body, deadline)?,
        Framing::End => loop {
            let came = stream.input.filled().len();
            take(stream, came, &mut body, deadline)?;
            if stream.read(deadline)? == 0 {
                break;
            }
        },
    }
    Ok(body)
}

fn chunks(stream: &mut Stream, body: &mut Zeroizing<Vec<u8>>, deadline: Deadline) -> Result<(), Failure> {
    let damaged = |_| Failure::Damaged("its chunks are none");
    loop {
        match httparse::parse_chunk_size(stream.input.filled()).map_err(damaged)? {
            Status::Complete((line, size)) => {
                stream.input.consume(line);
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                if size == 0 {
                    return trailers(stream, deadline);
                }
                take(stream, size, body, deadline)?;
                line_end(stream, deadline)?;
            }
            Status::Partial if stream.input.filled().len() > MAX_HEAD => {
                return Err(Failure::Damaged("a chunk's first line has no end"));
            }
            Status::Partial => more(stream, deadline)?,
        }
    }
}

fn line_end(stream: &mut Stream, deadline: Deadline) -> Result<(), Failure> {
    while stream.input.filled().len() < 2 {
        more(stream, deadline)?;
    }
    if !stream.input.filled().starts_with(b"\r\n") {
        return Err(Failure::Damaged("a chunk is longer than it says"));
    }
    stream.input.consume(2);
    Ok(())
}

/// What follows the last chunk: lines until an empty one.
fn trailers(stream: &mut Stream, deadline: Deadline) -> Result<(), Failure> {
    let mut len = 0;
    loop {
        match stream.input.filled().windows(2).position(|pair| pair == b"\r\n") {
            Some(0) => {
                stream.input.consume(2);
                return Ok(());
            }
            Some(at) => {
                len += at;
                stream.input.consume(at + 2);
            }
            None => more(stream, deadline)?,
        }
        if len + stream.input.filled().len() > MAX_HEAD {
            return Err(Failure::Damaged("its trailers have no end"));
        }
    }
}

/// Moves so many bytes to the body. It grows without leaving copies.
fn take(
    stream: &mut Stream,
    mut count: usize,
    body: &mut Zeroizing<Vec<u8>>,
    deadline: Deadline,
) -> Result<(), Failure> {
    if count > MAX_BODY - body.len() {
        return Err(Failure::Damaged("it has over 16 MiB"));
    }
    while count > 0 {
        let came = stream.input.filled();
        let now = came.get(..count.min(came.len())).unwrap_or_default();
        if body.capacity() - body.len() < now.len() {
            let mut longer = Zeroizing::new(Vec::with_capacity(2 * (body.len() + now.len())));
            longer.extend_from_slice(body);
            body.zeroize();
            *body = longer;
        }
        body.extend_from_slice(now);
        let len = now.len();
        stream.input.consume(len);
        count -= len;
        if count > 0 {
            more(stream, deadline)?;
        }
    }
    Ok(())
}

/// Waits for more; the end is none that was expected.
fn more(stream: &mut Stream, deadline: Deadline) -> Result<(), Failure> {
    match stream.read(deadline)? {
        0 => Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the connection ended").into()),
        _ => Ok(()),
    }
}
