//! Two operations at once (PKCS#11 v3.2, section 5.17): a cipher, and a digest, signature or verification beside it.

use zeroize::Zeroize;

use super::{Answer, Output, Slot, exact};
use crate::error::{ErrorKind, Result};
use crate::mechanism::op::{Cipher, Producer, Verifier};

/// What a dual function feeds beside its cipher: a digest, a signature, a verification.
pub trait Sink {
    /// CKR_OPERATION_NOT_INITIALIZED, CKR_USER_NOT_LOGGED_IN.
    fn expect_running(&self) -> Result<()>;
    /// Feeds a part.
    fn feed(&mut self, part: &[u8]) -> Result<()>;
    /// Ends it.
    fn end(&mut self);
}

macro_rules! sink {
    ($($operation:ty),*) => { $(
        impl Sink for Slot<$operation> {
            fn expect_running(&self) -> Result<()> {
                self.running().map(drop)
            }
            fn feed(&mut self, part: &[u8]) -> Result<()> {
                self.update(part)
            }
            fn end(&mut self) {
                self.cancel();
            }
        }
    )* };
}
sink!(dyn Producer, dyn Verifier);

impl Slot<dyn Cipher> {
    /// C_DigestEncryptUpdate, C_SignEncryptUpdate: the same part into both. Both go on or both end; a size query and
    /// CKR_BUFFER_TOO_SMALL move neither.
    pub fn update_beside(&mut self, sink: &mut dyn Sink, part: &[u8], output: Output<'_>) -> Result<Answer> {
        self.both(sink, |cipher, sink| {
            let running = cipher.running()?;
            running.expect_nothing_pending()?;
            let len = running.operation.update_len(part.len());
            match exact(output, len) {
                Err(answer) => Ok(answer),
                Ok(out) => {
                    sink.feed(part)?;
                    cipher.update(part, Output::Buffer(out))
                }
            }
        })
    }

    /// C_DecryptDigestUpdate, C_DecryptVerifyUpdate: what comes out of the cipher goes into the other. Likewise.
    pub fn update_before(&mut self, sink: &mut dyn Sink, part: &[u8], output: Output<'_>) -> Result<Answer> {
        self.both(sink, |cipher, sink| {
            let running = cipher.running()?;
            running.expect_nothing_pending()?;
            let len = running.operation.update_len(part.len());
            match exact(output, len) {
                Err(answer) => Ok(answer),
                Ok(out) => {
                    let answer = cipher.update(part, Output::Buffer(&mut *out))?;
                    if let Answer::Written(len) = answer {
                        sink.feed(out.get(..len).unwrap_or_default()).inspect_err(|_| out.zeroize())?;
                    }
                    Ok(answer)
                }
            }
        })
    }

    /// Works with both operations. Where one of them is not there, the other stays as it is; any other error ends both.
    fn both(
        &mut self,
        sink: &mut dyn Sink,
        work: impl FnOnce(&mut Self, &mut dyn Sink) -> Result<Answer>,
    ) -> Result<Answer> {
        let ready = self.running().map(drop).and_then(|()| sink.expect_running());
        let answer = ready.and_then(|()| {
            let answer = work(self, sink);
            if answer.is_err() {
                self.cancel();
                sink.end();
            }
            answer
        });
        if matches!(&answer, Err(error) if error.kind() == ErrorKind::UserNotLoggedIn) {
            self.cancel();
            sink.end();
        }
        answer
    }
}
