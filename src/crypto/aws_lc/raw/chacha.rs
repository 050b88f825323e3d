//! ChaCha20's keystream and Poly1305 (RFC 8439), each by itself.

use super::sys;
use zeroize::Zeroize;

/// XORs the keystream of block `counter` and the next ones over `input` into `out`; as much as the shorter of both
/// has. The counter wraps after 2^32 blocks without touching the nonce.
pub(in crate::crypto::aws_lc) fn chacha20(
    key: &[u8; 32],
    nonce: &[u8; 12],
    counter: u32,
    input: &[u8],
    out: &mut [u8],
) {
    let len = input.len().min(out.len());
    // SAFETY: AWS-LC reads 32 bytes of key, 12 of nonce and `len` of `input`, and writes `len` to `out`; the two do not
    // overlap, because `out` is borrowed alone.
    unsafe {
        sys::CRYPTO_chacha_20(out.as_mut_ptr(), input.as_ptr(), len, key.as_ptr(), nonce.as_ptr(), counter)
    }
}

/// A running Poly1305. AWS-LC aligns its state within the buffer, which therefore must not move.
pub(in crate::crypto::aws_lc) struct Poly1305(Box<sys::poly1305_state>);

impl Poly1305 {
    pub(in crate::crypto::aws_lc) fn new(key: &[u8; 32]) -> Poly1305 {
        let mut state = Box::new([0; size_of::<sys::poly1305_state>()]);
        // SAFETY: AWS-LC writes the state, which is ours and stays where it is, and reads 32 bytes of key.
        unsafe { sys::CRYPTO_poly1305_init(&mut *state, key.as_ptr()) };
        Poly1305(state)
    }

    pub(in crate::crypto::aws_lc) fn update(&mut self, part: &[u8]) {
        // SAFETY: a state that was begun and has not moved; AWS-LC reads `part`.
        unsafe { sys::CRYPTO_poly1305_update(&mut *self.0, part.as_ptr(), part.len()) }
    }

    pub(in crate::crypto::aws_lc) fn finish(mut self) -> [u8; 16] {
        let mut tag = [0; 16];
        // SAFETY: a state that was begun, has not moved and is not used again; AWS-LC writes 16 bytes to `tag`.
        unsafe { sys::CRYPTO_poly1305_finish(&mut *self.0, tag.as_mut_ptr()) };
        tag
    }
}

impl Drop for Poly1305 {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
