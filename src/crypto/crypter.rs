//! What a running cipher looks like from outside, whatever its algorithm.

use super::Result;

/// A running encryption or decryption of one message.
pub trait Crypter: Send {
    /// Exactly how many bytes [`Crypter::update`] writes for `input` more bytes.
    fn update_len(&self, input: usize) -> usize;
    /// The most that [`Crypter::finish`] writes, in bytes; exact but for decryption with padding.
    fn finish_len(&self) -> usize;
    /// The most that [`Crypter::once`] writes for `input` bytes; exact but for decryption with padding.
    fn once_len(&self, input: usize) -> usize;
    /// Feeds a part; `out` takes at least `update_len(input.len())` bytes. Returns how many were written.
    fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize>;
    /// Ends the message; `out` takes at least `finish_len()` bytes, or as many as the plaintext turns out to have.
    ///
    /// A message of a length that the algorithm does not take is [`super::Error::DataLength`] (encrypting) or
    /// [`super::Error::CiphertextLength`] (decrypting); wrong padding or a wrong tag is [`super::Error::Ciphertext`].
    fn finish(&mut self, out: &mut [u8]) -> Result<usize>;
    /// The whole message in one call, instead of `update` and `finish`; `out` takes at least `once_len` bytes, or as
    /// many as the plaintext turns out to have. An AEAD leaves nothing there if the tag is wrong.
    fn once(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        let written = self.update(input, out)?;
        let rest = out.get_mut(written..).unwrap_or_default();
        Ok(written + self.finish(rest)?)
    }
}
