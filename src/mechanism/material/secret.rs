//! Secret keys: CKA_VALUE, CKA_VALUE_LEN and CKA_CHECK_VALUE (PKCS#11 v3.2, section 4 "Secret key objects").

use crate::crypto::aes::{AesCipher, Direction, Mode};
use crate::crypto::{self, Crypter, Des3, Des3Mode, Hash};
use crate::error::{Error, ErrorKind, Result};
use crate::object::Attributes;
use crate::types::{SecretBytes, ck, length, ulong};

use super::{incomplete, invalid, required};
use crate::mechanism::secret::MAX_BYTES;
use crate::mechanism::{errors, otp};

/// A type of secret key: which lengths it has, and what its check value is made of.
struct Kind {
    key_type: ck::CK_KEY_TYPE,
    /// Whether a value of so many bytes is a key of this type.
    has_len: fn(usize) -> bool,
    checksum: fn(&[u8]) -> Result<[u8; 3]>,
    /// The length in bytes, if there is only one: no template needs to name it.
    only_len: Option<usize>,
    /// What values made here go through to become keys.
    adjust: fn(&mut [u8]),
    /// Refuses given values that are no keys in spite of their length: CKR_ATTRIBUTE_VALUE_INVALID.
    check: fn(&[u8]) -> Result<()>,
}

const fn generic(key_type: ck::CK_KEY_TYPE) -> Kind {
    Kind {
        key_type,
        has_len: |len| len >= 1 && len <= length(MAX_BYTES),
        checksum: |value| Ok(sha1_checksum(value)),
        only_len: None,
        adjust: |_| {},
        check: |_| Ok(()),
    }
}

/// ChaCha20 and Poly1305.
const fn of_32_bytes(key_type: ck::CK_KEY_TYPE) -> Kind {
    Kind { has_len: |len| len == 32, only_len: Some(32), ..generic(key_type) }
}

/// Triple DES: every byte of a key has odd parity.
const fn des(key_type: ck::CK_KEY_TYPE, has_len: fn(usize) -> bool, only_len: usize) -> Kind {
    Kind {
        has_len,
        checksum: des_checksum,
        only_len: Some(only_len),
        adjust: |value| value.iter_mut().for_each(|byte| *byte ^= u8::from(byte.count_ones() % 2 == 0)),
        check: |value| match value.iter().all(|byte| byte.count_ones() % 2 == 1) {
            true => Ok(()),
            false => Err(invalid("CKA_VALUE: the bytes of a DES key have odd parity")),
        },
        ..generic(key_type)
    }
}

const KINDS: &[Kind] = &[
    generic(ck::CKK_GENERIC_SECRET),
    Kind { has_len: |len| matches!(len, 16 | 24 | 32), checksum: aes_checksum, ..generic(ck::CKK_AES) },
    generic(ck::CKK_SHA_1_HMAC),
    generic(ck::CKK_SHA224_HMAC),
    generic(ck::CKK_SHA256_HMAC),
    generic(ck::CKK_SHA384_HMAC),
    generic(ck::CKK_SHA512_HMAC),
    generic(ck::CKK_HKDF),
    generic(ck::CKK_SHA512_224_HMAC),
    generic(ck::CKK_SHA512_256_HMAC),
    generic(ck::CKK_SHA3_224_HMAC),
    generic(ck::CKK_SHA3_256_HMAC),
    generic(ck::CKK_SHA3_384_HMAC),
    generic(ck::CKK_SHA3_512_HMAC),
    generic(ck::CKK_MD5_HMAC),
    generic(ck::CKK_BLAKE2B_160_HMAC),
    generic(ck::CKK_BLAKE2B_256_HMAC),
    generic(ck::CKK_BLAKE2B_384_HMAC),
    generic(ck::CKK_BLAKE2B_512_HMAC),
    Kind {
        has_len: |len| matches!(len, 32 | 64),
        check: |value| crypto::Xts::check_key(value).map_err(errors::template),
        ..generic(ck::CKK_AES_XTS)
    },
    of_32_bytes(ck::CKK_CHACHA20),
    of_32_bytes(ck::CKK_POLY1305),
    des(ck::CKK_DES2, |len| len == 16, 16),
    des(ck::CKK_DES3, |len| len == 24, 24),
    Kind { has_len: |len| (otp::LEAST..=otp::MOST).contains(&len), ..generic(ck::CKK_HOTP) },
];

/// Every type of secret key; generic secrets are the first, because that is what a template gets that names none.
pub(in crate::mechanism) const TYPES: [ck::CK_KEY_TYPE; KINDS.len()] = {
    let mut types = [0; KINDS.len()];
    let mut at = 0;
    while at < KINDS.len() {
        types[at] = KINDS[at].key_type;
        at += 1;
    }
    types
};

fn kind(attributes: &Attributes) -> Result<&'static Kind> {
    let key_type = attributes.key_type().ok_or_else(|| incomplete("CKA_KEY_TYPE is missing"))?;
    let found = KINDS.iter().find(|known| known.key_type == key_type);
    found.ok_or_else(|| invalid("CKA_KEY_TYPE names no type of secret key that this token has"))
}

/// True for a type of secret key that there is a row for.
pub(super) fn has_type(attributes: &Attributes) -> bool {
    kind(attributes).is_ok()
}

/// The first three bytes of the SHA-1 of the value.
pub(super) fn sha1_checksum(value: &[u8]) -> [u8; 3] {
    let digest = crypto::digest(Hash::Sha1, value);
    let mut checksum = [0; 3];
    checksum.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
    checksum
}

/// The first three bytes of a block of zeros under the key.
fn aes_checksum(value: &[u8]) -> Result<[u8; 3]> {
    let mut block = [0; 16];
    let cipher = AesCipher::new(Mode::Ecb, Direction::Encrypt, &SecretBytes::from(value).into());
    cipher.and_then(|mut cipher| cipher.once(&[0; 16], &mut block)).map_err(errors::data)?;
    let [a, b, c, ..] = block;
    Ok([a, b, c])
}

/// The same of triple DES.
fn des_checksum(value: &[u8]) -> Result<[u8; 3]> {
    let mut block = [0; 8];
    let cipher = Des3::new(Des3Mode::Ecb, Direction::Encrypt, value);
    cipher.and_then(|mut cipher| cipher.once(&[0; 8], &mut block)).map_err(errors::data)?;
    let [a, b, c, ..] = block;
    Ok([a, b, c])
}

/// Checks an imported key and fills in what follows from its value.
pub(super) fn complete(attributes: &mut Attributes) -> Result<()> {
    let value = SecretBytes::from(required(attributes, ck::CKA_VALUE, "CKA_VALUE is missing")?);
    check_given(attributes, &value)?;
    write(attributes, value)
}

/// CKR_ATTRIBUTE_VALUE_INVALID unless the type of key has this value and the template asks for no other length.
pub(super) fn check_given(attributes: &Attributes, value: &[u8]) -> Result<()> {
    check_len(attributes, value.len())?;
    (kind(attributes)?.check)(value)
}

/// A value that was made here as a key: parity bits are set where the type of key has them.
/// CKR_ATTRIBUTE_VALUE_INVALID as [`check_given`].
pub(super) fn made(attributes: &Attributes, mut value: SecretBytes) -> Result<SecretBytes> {
    (kind(attributes)?.adjust)(&mut value);
    check_given(attributes, &value)?;
    Ok(value)
}

/// CKR_ATTRIBUTE_VALUE_INVALID unless the type of key has this length and the template asks for no other.
fn check_len(attributes: &Attributes, len: usize) -> Result<()> {
    if !(kind(attributes)?.has_len)(len) {
        return Err(invalid("CKA_VALUE: this type of key has no such length"));
    }
    match attributes.ulong(ck::CKA_VALUE_LEN) {
        Some(wanted) if wanted != ulong(len) => {
            Err(invalid("CKA_VALUE_LEN differs from the length of CKA_VALUE"))
        }
        _ => Ok(()),
    }
}

/// Writes a value that was checked.
pub(super) fn write(attributes: &mut Attributes, value: SecretBytes) -> Result<()> {
    check_value(attributes, (kind(attributes)?.checksum)(&value)?)?;
    attributes.set(ck::CKA_VALUE_LEN, ulong(value.len()));
    attributes.set(ck::CKA_VALUE, value);
    Ok(())
}

/// Fills CKA_CHECK_VALUE, or holds a given one against the checksum. A given empty one says: none, please.
pub(super) fn check_value(attributes: &mut Attributes, checksum: [u8; 3]) -> Result<()> {
    match attributes.bytes(ck::CKA_CHECK_VALUE) {
        None => attributes.set(ck::CKA_CHECK_VALUE, checksum.as_slice()),
        Some(given) if given.is_empty() || given == checksum => {}
        Some(_) => return Err(invalid("CKA_CHECK_VALUE is not the checksum of CKA_VALUE")),
    }
    Ok(())
}

/// CKA_VALUE_LEN of a template, if it is a length its type of key has; the one length of a type that has no other.
pub(super) fn wanted_len(attributes: &Attributes) -> Result<Option<usize>> {
    let Some(wanted) = attributes.ulong(ck::CKA_VALUE_LEN) else {
        return Ok(kind(attributes).ok().and_then(|kind| kind.only_len));
    };
    match (kind(attributes)?.has_len)(length(wanted)) {
        true => Ok(Some(length(wanted))),
        false => Err(Error::new(
            ErrorKind::AttributeValueInvalid,
            "CKA_VALUE_LEN: this type of key has no such length",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_length_of_a_type_is_one_that_it_has() {
        for kind in KINDS {
            let mut lens = (1..=length(MAX_BYTES)).filter(|len| (kind.has_len)(*len));
            let (first, second) = (lens.next(), lens.next());
            assert_eq!(kind.only_len, first.filter(|_| second.is_none()), "{:#x}", kind.key_type);
        }
    }
}
