//! A request's head and body in one write, and nothing of either left behind.
//!
//! The client hands head and body over apart, and two writes are two packets, two wake-ups of the server, and with TLS two
//! records. Its buffers live as long as a connection is kept: they are wiped when a request is out, and when its answer
//! was read.

use std::fmt;

use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};
use zeroize::{Zeroize, Zeroizing};

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
        // What is held, and not the whole of its room.
        self.held.as_mut_slice().zeroize();
        self.held.clear();
        // The buffer lives on, so that no compiler leaves this out.
        self.inner.buffers().output().fill(0);
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

    /// Asked when a request is over, before the connection is kept, and when it is taken again.
    fn is_open(&mut self) -> bool {
        let buffers = self.inner.buffers();
        if buffers.input().is_empty() {
            // All of the buffer then: nothing in it is waited for.
            buffers.input_append_buf().fill(0);
        }
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ureq::Timeout;
    use ureq::unversioned::transport::LazyBuffers;
    use ureq::unversioned::transport::time::Duration;

    /// Remembers each write, and answers with one text.
    struct Inner {
        buffers: LazyBuffers,
        writes: Vec<Vec<u8>>,
    }

    impl fmt::Debug for Inner {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Inner")
        }
    }

    impl Transport for Inner {
        fn buffers(&mut self) -> &mut dyn Buffers {
            &mut self.buffers
        }
        fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
            self.writes.push(self.buffers.output()[..amount].to_vec());
            Ok(())
        }
        fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
            self.buffers.input_append_buf()[..6].copy_from_slice(b"answer");
            self.buffers.input_appended(6);
            Ok(true)
        }
        fn is_open(&mut self) -> bool {
            true
        }
    }

    fn transport() -> OneWrite<Inner> {
        let inner = Inner { buffers: LazyBuffers::new(MOST, MOST), writes: Vec::new() };
        OneWrite { inner, held: Zeroizing::new(Vec::with_capacity(MOST)) }
    }

    fn later() -> NextTimeout {
        NextTimeout {
            after: Duration::NotHappening,
            reason: Timeout::Global,
            per_read: None,
            per_write: None,
        }
    }

    fn write(to: &mut OneWrite<Inner>, bytes: &[u8]) {
        to.buffers().output()[..bytes.len()].copy_from_slice(bytes);
        to.transmit_output(bytes.len(), later()).unwrap();
    }

    #[test]
    fn what_is_short_goes_out_at_once_and_leaves_nothing() {
        let mut transport = transport();
        write(&mut transport, b"head");
        write(&mut transport, b"body");
        assert!(transport.inner.writes.is_empty());
        transport.await_input(later()).unwrap();
        assert_eq!(transport.inner.writes, [b"headbody"]);
        assert!(transport.buffers().output().iter().all(|byte| *byte == 0));

        // What is not read yet stays.
        assert!(transport.is_open());
        assert_eq!(transport.buffers().input(), b"answer");
        transport.buffers().input_consume(6);
        assert!(transport.is_open());
        let kept = transport.buffers().input_append_buf();
        assert!(kept.len() == MOST && kept.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn what_is_long_goes_in_its_order() {
        let mut transport = transport();
        write(&mut transport, b"head");
        write(&mut transport, &[7; MOST]);
        write(&mut transport, b"end");
        transport.await_input(later()).unwrap();
        assert_eq!(transport.inner.writes, [b"head".to_vec(), vec![7; MOST], b"end".to_vec()]);
    }
}
