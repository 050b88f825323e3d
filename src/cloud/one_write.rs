//! A request's head and body in one write: the client hands them over apart, and two writes are two packets, two wake-ups
//! of the server, and with TLS two records.

use std::fmt;

use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};
use zeroize::Zeroizing;

/// What is held back at most, in bytes; what is longer goes as it comes.
const MOST: usize = 16 << 10;

/// Puts [`OneWrite`] over a transport.
#[derive(Debug)]
pub(super) struct OneWriteConnector;

impl<In: Transport> Connector<In> for OneWriteConnector {
    type Out = OneWrite<In>;

    fn connect(
        &self,
        _details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<OneWrite<In>>, Error> {
        Ok(chained.map(|inner| OneWrite { inner, held: Zeroizing::new(Vec::with_capacity(MOST)) }))
    }
}

/// A transport that writes when an answer is waited for.
pub(super) struct OneWrite<T> {
    inner: T,
    /// Wiped, and never grown: it holds credentials.
    held: Zeroizing<Vec<u8>>,
}

impl<T> fmt::Debug for OneWrite<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneWrite")
    }
}

impl<T: Transport> OneWrite<T> {
    fn flush(&mut self, timeout: NextTimeout) -> Result<(), Error> {
        let mut rest = self.held.as_slice();
        while !rest.is_empty() {
            let room = self.inner.buffers().output();
            let len = room.len().min(rest.len());
            let (now, later) = rest.split_at(len);
            match room.get_mut(..len) {
                Some(room) if len > 0 => room.copy_from_slice(now),
                _ => return Err(Error::ConnectionFailed),
            }
            self.inner.transmit_output(len, timeout)?;
            rest = later;
        }
        self.held.clear();
        Ok(())
    }
}

impl<T: Transport> Transport for OneWrite<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let fits = self.held.len() + amount <= MOST;
        let written = self.inner.buffers().output().get(..amount).unwrap_or_default();
        if fits {
            self.held.extend_from_slice(written);
            return Ok(());
        }
        if self.held.is_empty() {
            return self.inner.transmit_output(amount, timeout);
        }
        // The buffer is needed for what was held back: what was just written to it waits.
        let written = Zeroizing::new(written.to_vec());
        self.flush(timeout)?;
        match self.inner.buffers().output().get_mut(..amount) {
            Some(room) => room.copy_from_slice(&written),
            None => return Err(Error::ConnectionFailed),
        }
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.flush(timeout)?;
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}
