//! A connection: TCP, with TLS over it where that is wanted, and time limits.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use super::buffer::Buffer;
use super::tls::Tls;
use crate::cloud::Deadline;

/// What is read at once, in bytes: a TLS record fits.
pub(super) const PIECE: usize = 17 << 10;

/// A connection to a server or a proxy.
pub(super) struct Stream {
    tcp: Tcp,
    tls: Option<Box<Tls>>,
    /// Bytes that were read and not yet taken.
    pub input: Buffer,
    /// A request's head, with its body if that is short.
    pub output: Buffer,
}

impl Stream {
    /// A connection without TLS.
    pub fn connect(host: &str, port: u16, deadline: Deadline) -> io::Result<Stream> {
        let tcp = Tcp::connect(host, port, deadline)?;
        Ok(Stream { tcp, tls: None, input: Buffer::new(), output: Buffer::new() })
    }

    /// Speaks TLS from now on, with a server of this name or IP address.
    pub fn secure(&mut self, config: Arc<ClientConfig>, host: &str, deadline: Deadline) -> io::Result<()> {
        self.tls = Some(Box::new(Tls::start(config, host, &mut self.tcp, deadline)?));
        Ok(())
    }

    /// Sends what is in `output`, and then this.
    pub fn send(&mut self, more: &[u8], deadline: Deadline) -> io::Result<()> {
        let Stream { tcp, tls, input, output } = self;
        let mut sent = Ok(());
        for bytes in [output.filled(), more].into_iter().filter(|bytes| !bytes.is_empty()) {
            sent = sent.and_then(|()| match tls {
                Some(tls) => tls.write(bytes, tcp, input, deadline),
                None => tcp.write(bytes, deadline),
            });
        }
        output.clear();
        sent
    }

    /// Reads some more into `input`; nothing at the connection's end.
    pub fn read(&mut self, deadline: Deadline) -> io::Result<usize> {
        match &mut self.tls {
            Some(tls) => tls.read(&mut self.tcp, &mut self.input, deadline),
            None => self.tcp.read(&mut self.input, deadline),
        }
    }

    /// Whether nothing came since the last answer, not even the end: then it may carry another request.
    pub fn is_idle(&self) -> bool {
        let (stream, mut byte) = (&self.tcp.stream, [0]);
        let looked = stream.set_nonblocking(true).and_then(|()| {
            let peeked = stream.peek(&mut byte);
            stream.set_nonblocking(false).and(peeked)
        });
        matches!(looked, Err(error) if error.kind() == ErrorKind::WouldBlock) && self.is_drained()
    }

    /// Whether all that was read was taken. What TLS itself has to say may come at any time.
    pub fn is_drained(&self) -> bool {
        self.input.filled().is_empty() && self.tls.as_ref().is_none_or(|tls| tls.is_open())
    }
}

/// A socket that keeps deadlines.
pub(super) struct Tcp {
    stream: TcpStream,
    /// The socket's time limits as they are set.
    read_limit: Option<Duration>,
    write_limit: Option<Duration>,
}

impl Tcp {
    /// Connects to the first address of a host that answers. The name is looked up in the caller's thread, since the
    /// library starts none: a slow name server is waited for, as by every other program (`options timeout` in
    /// resolv.conf).
    fn connect(host: &str, port: u16, deadline: Deadline) -> io::Result<Tcp> {
        let addresses: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
        let mut failure = io::Error::new(ErrorKind::NotFound, "the name has no address");
        for (at, address) in addresses.iter().enumerate() {
            // One that does not answer leaves half of the time to the others.
            let shared = if at + 1 < addresses.len() { 2 } else { 1 };
            match TcpStream::connect_timeout(address, left(deadline)? / shared) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(Tcp { stream, read_limit: None, write_limit: None });
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Reads some bytes; nothing at the end.
    pub fn read(&mut self, to: &mut Buffer, deadline: Deadline) -> io::Result<usize> {
        loop {
            let left = left(deadline)?;
            if is_far(self.read_limit, left) {
                self.stream.set_read_timeout(Some(left))?;
                self.read_limit = Some(left);
            }
            match self.stream.read(to.room(PIECE)) {
                Ok(count) => {
                    to.fill(count);
                    return Ok(count);
                }
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes all bytes.
    pub fn write(&mut self, mut bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        while !bytes.is_empty() {
            let left = left(deadline)?;
            if is_far(self.write_limit, left) {
                self.stream.set_write_timeout(Some(left))?;
                self.write_limit = Some(left);
            }
            match self.stream.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// What is left until a deadline. [`ErrorKind::TimedOut`] where that is nothing.
fn left(deadline: Deadline) -> io::Result<Duration> {
    match deadline.left() {
        Duration::ZERO => Err(io::Error::new(ErrorKind::TimedOut, "the time is over")),
        left => Ok(left),
    }
}

/// Whether a time limit that is set needs to be set anew for what is left. One that is a little long, or ends early and
/// is then followed by another, saves the system call.
fn is_far(set: Option<Duration>, left: Duration) -> bool {
    set.is_none_or(|set| set > left + left / 64 + Duration::from_millis(1) || set < left / 8)
}

/// Whether a call is to be made again: the deadline decides, not the socket's own limit.
fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
