//! TLS over a socket, with rustls.
//!
//! It gets its records from our buffers and decrypts in them, so that they are wiped. What it copies out of them for us
//! is on the heap until it was taken, and wiped then (`types::wiping`).

use std::io::{self, ErrorKind};
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, InsufficientSizeError};

use super::buffer::Buffer;
use super::stream::Tcp;
use crate::cloud::Deadline;

/// The plaintext of one record in bytes.
const RECORD: usize = 16 << 10;
/// What waits for its rest at most, in bytes: chains of certificates come near it.
const LONGEST: usize = 256 << 10;

/// One connection's state.
pub(super) struct Tls {
    connection: UnbufferedClientConnection,
    /// Records as they came.
    sealed: Buffer,
    /// Records to send: no secrets.
    outgoing: Vec<u8>,
    /// The server said that nothing more comes.
    ended: bool,
}

/// What a turn is for.
#[derive(Clone, Copy)]
enum Want<'a> {
    Handshake,
    Write(&'a [u8]),
    Read,
}

/// What has to be done before the next turn.
enum Next {
    Turn,
    Read,
    Done,
}

impl Tls {
    /// Shakes hands with a server of this name or IP address.
    pub fn start(
        config: Arc<ClientConfig>,
        host: &str,
        tcp: &mut Tcp,
        deadline: Deadline,
    ) -> io::Result<Tls> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let connection = UnbufferedClientConnection::new(config, name).map_err(io::Error::other)?;
        let mut tls = Tls { connection, sealed: Buffer::new(), outgoing: Vec::new(), ended: false };
        tls.run(Want::Handshake, tcp, &mut Buffer::new(), deadline)?;
        Ok(tls)
    }

    /// Sends all of this; what comes meanwhile goes to `input`.
    pub fn write(
        &mut self,
        bytes: &[u8],
        tcp: &mut Tcp,
        input: &mut Buffer,
        deadline: Deadline,
    ) -> io::Result<()> {
        bytes.chunks(RECORD).try_for_each(|piece| self.run(Want::Write(piece), tcp, input, deadline))
    }

    /// Waits for more and puts it into `input`; nothing at the end.
    pub fn read(&mut self, tcp: &mut Tcp, input: &mut Buffer, deadline: Deadline) -> io::Result<usize> {
        let before = input.filled().len();
        self.run(Want::Read, tcp, input, deadline)?;
        Ok(input.filled().len() - before)
    }

    /// Whether more may come.
    pub fn is_open(&self) -> bool {
        !self.ended
    }

    fn run(
        &mut self,
        want: Want<'_>,
        tcp: &mut Tcp,
        input: &mut Buffer,
        deadline: Deadline,
    ) -> io::Result<()> {
        let before = input.filled().len();
        loop {
            let next = self.turn(want, tcp, input, deadline);
            match next.inspect_err(|error| self.tell(error, tcp, deadline))? {
                Next::Done => return Ok(()),
                _ if matches!(want, Want::Read) && (self.ended || input.filled().len() > before) => {
                    return Ok(());
                }
                Next::Turn if self.ended => return Err(ErrorKind::ConnectionAborted.into()),
                Next::Turn => {}
                Next::Read if self.sealed.filled().len() > LONGEST => {
                    return Err(io::Error::new(ErrorKind::InvalidData, "a TLS message without an end"));
                }
                // Without a farewell it may have been cut off by anybody.
                Next::Read if tcp.read(&mut self.sealed, deadline)? == 0 => {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                Next::Read => {}
            }
        }
    }

    fn turn(
        &mut self,
        want: Want<'_>,
        tcp: &mut Tcp,
        input: &mut Buffer,
        deadline: Deadline,
    ) -> io::Result<Next> {
        let status = self.connection.process_tls_records(self.sealed.filled_mut());
        let mut discard = status.discard;
        let next = match status.state {
            Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                while let Some(record) = traffic.next_record() {
                    let record = record.map_err(io::Error::other)?;
                    input.push(record.payload);
                    discard += record.discard;
                }
                Next::Turn
            }
            Ok(ConnectionState::EncodeTlsData(mut data)) => {
                append(&mut self.outgoing, |room| match data.encode(room) {
                    Err(EncodeError::InsufficientSize(size)) => Err(Ok(size)),
                    other => other.map_err(|error| Err(io::Error::other(error))),
                })?;
                Next::Turn
            }
            Ok(ConnectionState::TransmitTlsData(data)) => {
                tcp.write(&self.outgoing, deadline)?;
                self.outgoing.clear();
                data.done();
                Next::Turn
            }
            Ok(ConnectionState::WriteTraffic(mut traffic)) => match want {
                Want::Handshake => Next::Done,
                Want::Read => Next::Read,
                Want::Write(piece) => {
                    append(&mut self.outgoing, |room| match traffic.encrypt(piece, room) {
                        Err(EncryptError::InsufficientSize(size)) => Err(Ok(size)),
                        other => other.map_err(|error| Err(io::Error::other(error))),
                    })?;
                    tcp.write(&self.outgoing, deadline)?;
                    self.outgoing.clear();
                    Next::Done
                }
            },
            Ok(ConnectionState::BlockedHandshake) => Next::Read,
            Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => {
                self.ended = true;
                Next::Turn
            }
            Ok(_) => return Err(ErrorKind::Unsupported.into()),
            Err(error) => return Err(io::Error::other(error)),
        };
        self.sealed.consume(discard);
        Ok(next)
    }

    /// Tells the server why it is left, if rustls has something to say: what is wrong with its certificate.
    fn tell(&mut self, error: &io::Error, tcp: &mut Tcp, deadline: Deadline) {
        if !error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) {
            return;
        }
        if let Ok(ConnectionState::EncodeTlsData(mut alert)) =
            self.connection.process_tls_records(&mut []).state
        {
            let mut room = [0; 64];
            if let Some(alert) = alert.encode(&mut room).ok().and_then(|len| room.get(..len)) {
                let _ = tcp.write(alert, deadline);
            }
        }
    }
}

/// Puts what `write` makes behind the other bytes; it says how much room it needs.
fn append(
    to: &mut Vec<u8>,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, Result<InsufficientSizeError, io::Error>>,
) -> io::Result<()> {
    let start = to.len();
    loop {
        let written = write(to.get_mut(start..).unwrap_or_default());
        match written {
            Ok(len) => {
                to.truncate(start + len);
                return Ok(());
            }
            Err(Ok(size)) => to.resize(start + size.required_size, 0),
            Err(Err(error)) => return Err(error),
        }
    }
}
