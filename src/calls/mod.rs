//! One safe function per C_ function, one file per family of the specification. No pointers, no crypto.

pub mod general;
pub mod key;
pub mod object;
pub mod operation;
pub mod session;
pub mod slot;

/// `text` in a fixed field, blank-padded and cut at a character's end (PKCS#11 v3.2, section 3.1).
pub fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [b' '; N];
    let end = text.floor_char_boundary(N);
    for (target, byte) in field.iter_mut().zip(text.as_bytes().iter().take(end)) {
        *target = *byte;
    }
    field
}
