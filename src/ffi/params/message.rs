//! The parameters of messages (`CK_GCM_MESSAGE_PARAMS` and its like), and what encryption leaves in them.

use super::symmetric::poly1305_nonce;
use super::{MAX_DATA, MAX_SMALL, bytes, invalid, iv_bytes, structure};
use crate::error::{Error, ErrorKind, Result};
use crate::ffi::memory;
use crate::mechanism::{self, Iv, Message, MessageKind};
use crate::types::{ck, length, ulong};

/// A message's parameter, and where in the caller's memory IV and tag are.
pub(in crate::ffi) struct Raw {
    /// What was read.
    pub(in crate::ffi) message: Message,
    iv: *mut u8,
    tag: *mut u8,
}

impl Raw {
    /// Reads a parameter. The tag is not looked at yet: see [`Raw::read_tag`] and [`Raw::expect_room_for_tag`].
    /// CKR_MECHANISM_PARAM_INVALID.
    ///
    /// # Safety
    /// `parameter` is null or leads to `len` readable bytes, and the IV in it to as many bytes as it says.
    pub(in crate::ffi) unsafe fn read(
        kind: MessageKind,
        parameter: *mut std::ffi::c_void,
        len: ck::CK_ULONG,
    ) -> Result<Raw> {
        match kind {
            // SAFETY: the caller's promise.
            MessageKind::Gcm => unsafe { gcm(parameter, len) },
            // SAFETY: the caller's promise.
            MessageKind::Ccm => unsafe { ccm(parameter, len) },
            // SAFETY: the caller's promise.
            MessageKind::ChaCha20Poly1305 => unsafe { chacha20_poly1305(parameter, len) },
        }
    }

    /// Reads the tag, for a decryption.
    ///
    /// # Safety
    /// The parameter's tag is null or leads to as many readable bytes as it says.
    pub(in crate::ffi) unsafe fn read_tag(&mut self) -> Result<()> {
        let len = ulong(self.message.tag_len);
        // SAFETY: the caller's promise.
        self.message.tag = unsafe { iv_bytes(self.tag, len, MAX_TAG, "the tag is null") }?;
        Ok(())
    }

    /// Whether the tag of an encryption has a place to go to, before any work is done for its sake.
    pub(in crate::ffi) fn expect_room_for_tag(&self) -> Result<()> {
        match self.tag.is_null() {
            false => Ok(()),
            true => Err(invalid("no place for the tag")),
        }
    }

    /// Gives the IV that was made to the caller; the caller's own is only read.
    ///
    /// # Safety
    /// The parameter's IV leads to as many writable bytes as it said.
    pub(in crate::ffi) unsafe fn write_iv(&self) -> Result<()> {
        if self.message.generator == ck::CKG_NO_GENERATE {
            return Ok(());
        }
        // SAFETY: the caller's promise; the IV has as many bytes as were read.
        unsafe { give(self.iv, &self.message.iv) }
    }

    /// Gives the tag to the caller.
    ///
    /// # Safety
    /// The parameter's tag leads to as many writable bytes as it said.
    pub(in crate::ffi) unsafe fn write_tag(&self) -> Result<()> {
        // SAFETY: the caller's promise; the tag has as many bytes as its length in the parameter.
        unsafe { give(self.tag, &self.message.tag) }
    }
}

/// A mechanism of C_WrapKeyAuthenticated or C_UnwrapKeyAuthenticated, whose parameter is a message's.
/// CKR_ARGUMENTS_BAD, CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID.
///
/// # Safety
/// `pointer` is null or leads to a mechanism whose parameter has the length it says, and what that points to in turn.
pub(in crate::ffi) unsafe fn of_mechanism(
    pointer: *const ck::CK_MECHANISM,
) -> Result<(ck::CK_MECHANISM_TYPE, Raw)> {
    if pointer.is_null() {
        return Err(Error::new(ErrorKind::ArgumentsBad, "no mechanism"));
    }
    memory::check_target(pointer)?;
    // SAFETY: not null and aligned; the caller vouches for the memory.
    let raw = unsafe { pointer.read() };
    let row = mechanism::descriptor(raw.mechanism).filter(|row| row.ops.wrap.is_some());
    let form = row.and_then(|row| row.ops.message).ok_or_else(|| {
        Error::new(ErrorKind::MechanismInvalid, "the mechanism does not wrap with associated data")
    })?;
    // SAFETY: the caller's promise.
    Ok((raw.mechanism, unsafe { Raw::read(form.kind, raw.pParameter, raw.ulParameterLen) }?))
}

/// The same for C_WrapKey and C_UnwrapKey, whose parameter may be one that lets the token make the IV
/// (`CK_GCM_WRAP_PARAMS`, `CK_CCM_WRAP_PARAMS`): with it, the associated data. `None` for a mechanism with another parameter.
///
/// # Safety
/// As [`of_mechanism`].
pub(in crate::ffi) unsafe fn of_wrapping(
    pointer: *const ck::CK_MECHANISM,
) -> Result<Option<(ck::CK_MECHANISM_TYPE, Raw, Vec<u8>)>> {
    if pointer.is_null() || !pointer.is_aligned() {
        return Ok(None);
    }
    // SAFETY: not null and aligned; the caller vouches for the memory.
    let raw = unsafe { pointer.read() };
    let Some(form) = mechanism::descriptor(raw.mechanism).and_then(|row| row.ops.message) else {
        return Ok(None);
    };
    if wrapping_len(form.kind) != Some(length(raw.ulParameterLen)) {
        return Ok(None);
    }
    let (read, aad) = match form.kind {
        // SAFETY: the caller's promise.
        MessageKind::Ccm => unsafe { ccm_wrapping(&raw) }?,
        // SAFETY: the caller's promise.
        _ => unsafe { gcm_wrapping(&raw) }?,
    };
    Ok(Some((raw.mechanism, read, aad)))
}

unsafe fn gcm_wrapping(raw: &ck::CK_MECHANISM) -> Result<(Raw, Vec<u8>)> {
    // SAFETY: the caller's promise.
    let p: ck::CK_GCM_WRAP_PARAMS = unsafe { structure(raw) }?;
    let message = ck::CK_GCM_MESSAGE_PARAMS {
        pIv: p.pIv,
        ulIvLen: p.ulIvLen,
        ulIvFixedBits: p.ulIvFixedBits,
        ivGenerator: p.ivGenerator,
        pTag: std::ptr::null_mut(),
        ulTagBits: p.ulTagBits,
    };
    // SAFETY: the caller's promise, for both.
    unsafe {
        let aad = bytes(p.pAAD, p.ulAADLen, MAX_DATA, "the AAD is null or too long")?;
        Ok((of_gcm(&message)?, aad))
    }
}

unsafe fn ccm_wrapping(raw: &ck::CK_MECHANISM) -> Result<(Raw, Vec<u8>)> {
    // SAFETY: the caller's promise.
    let p: ck::CK_CCM_WRAP_PARAMS = unsafe { structure(raw) }?;
    let message = ck::CK_CCM_MESSAGE_PARAMS {
        ulDataLen: p.ulDataLen,
        pNonce: p.pNonce,
        ulNonceLen: p.ulNonceLen,
        ulNonceFixedBits: p.ulNonceFixedBits,
        nonceGenerator: p.nonceGenerator,
        pMAC: std::ptr::null_mut(),
        ulMACLen: p.ulMACLen,
    };
    // SAFETY: the caller's promise, for both.
    unsafe {
        let aad = bytes(p.pAAD, p.ulAADLen, MAX_DATA, "the AAD is null or too long")?;
        Ok((of_ccm(&message)?, aad))
    }
}

/// The size of the structure for C_WrapKey that corresponds to a message's.
const fn wrapping_len(kind: MessageKind) -> Option<usize> {
    match kind {
        MessageKind::Gcm => Some(size_of::<ck::CK_GCM_WRAP_PARAMS>()),
        MessageKind::Ccm => Some(size_of::<ck::CK_CCM_WRAP_PARAMS>()),
        MessageKind::ChaCha20Poly1305 => None,
    }
}

/// No tag is longer.
const MAX_TAG: usize = 16;

/// # Safety
/// `to` leads to as many writable bytes as `from` has.
unsafe fn give(to: *mut u8, from: &Iv) -> Result<()> {
    // SAFETY: the caller's promise.
    unsafe { memory::output_array(to, ulong(from.len())) }?.copy_from_slice(from);
    Ok(())
}

unsafe fn gcm(parameter: *mut std::ffi::c_void, len: ck::CK_ULONG) -> Result<Raw> {
    let raw = ck::CK_MECHANISM { mechanism: ck::CKM_AES_GCM, pParameter: parameter, ulParameterLen: len };
    // SAFETY: the caller's promise.
    unsafe { of_gcm(&structure(&raw)?) }
}

unsafe fn of_gcm(p: &ck::CK_GCM_MESSAGE_PARAMS) -> Result<Raw> {
    if !p.ulTagBits.is_multiple_of(8) || length(p.ulTagBits) > 8 * MAX_TAG {
        return Err(invalid("ulTagBits is no tag length of SP 800-38D: 128 is usual"));
    }
    // SAFETY: the caller's promise.
    let iv = unsafe { iv_bytes(p.pIv, p.ulIvLen, MAX_SMALL, "the IV is null or too long") }?;
    let message = Message {
        data_len: 0,
        iv,
        fixed_bits: length(p.ulIvFixedBits),
        generator: p.ivGenerator,
        tag_len: length(p.ulTagBits) / 8,
        tag: Iv::new(),
    };
    Ok(Raw { message, iv: p.pIv, tag: p.pTag })
}

unsafe fn ccm(parameter: *mut std::ffi::c_void, len: ck::CK_ULONG) -> Result<Raw> {
    let raw = ck::CK_MECHANISM { mechanism: ck::CKM_AES_CCM, pParameter: parameter, ulParameterLen: len };
    // SAFETY: the caller's promise.
    unsafe { of_ccm(&structure(&raw)?) }
}

unsafe fn of_ccm(p: &ck::CK_CCM_MESSAGE_PARAMS) -> Result<Raw> {
    if length(p.ulMACLen) > MAX_TAG {
        return Err(invalid("ulMACLen is not 4, 6, 8, 10, 12, 14 or 16"));
    }
    // SAFETY: the caller's promise.
    let iv =
        unsafe { iv_bytes(p.pNonce, p.ulNonceLen, 13, "CCM: the nonce is null or longer than 13 bytes") }?;
    let message = Message {
        data_len: length(p.ulDataLen),
        iv,
        fixed_bits: length(p.ulNonceFixedBits),
        generator: p.nonceGenerator,
        tag_len: length(p.ulMACLen),
        tag: Iv::new(),
    };
    Ok(Raw { message, iv: p.pNonce, tag: p.pMAC })
}

/// "The application must provide 16 bytes of space for the tag"; the nonce is always the caller's.
unsafe fn chacha20_poly1305(parameter: *mut std::ffi::c_void, len: ck::CK_ULONG) -> Result<Raw> {
    let kind = ck::CKM_CHACHA20_POLY1305;
    let raw = ck::CK_MECHANISM { mechanism: kind, pParameter: parameter, ulParameterLen: len };
    // SAFETY: the caller's promise.
    let p: ck::CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS = unsafe { structure(&raw) }?;
    let nonce_len = poly1305_nonce(p.ulNonceLen)?;
    // SAFETY: the caller's promise.
    let iv = unsafe { iv_bytes(p.pNonce, nonce_len, 24, "ChaCha20-Poly1305: the nonce is null") }?;
    let (generator, tag) = (ck::CKG_NO_GENERATE, Iv::new());
    let message = Message { data_len: 0, iv, fixed_bits: 0, generator, tag_len: MAX_TAG, tag };
    Ok(Raw { message, iv: p.pNonce, tag: p.pTag })
}
