//! The structures that the C_Get…Info functions fill.

use std::ffi::c_void;

use crate::types::ck;

use super::calls::Part;
use super::memory::store;
use super::wire::{Reader, Result, Stop};

/// A blank-padded field: it comes with its length, which must be the field's.
fn text<const N: usize>(message: &mut Reader<'_>) -> Result<[u8; N]> {
    let bytes = message.array()?.unwrap_or(&[]);
    bytes.try_into().map_err(|_| Stop::Broken("a field has the wrong length"))
}

fn version(message: &mut Reader<'_>) -> Result<ck::CK_VERSION> {
    Ok(ck::CK_VERSION { major: message.byte()?, minor: message.byte()? })
}

/// Reads the structure that `part` names to where `pointer` leads. Nothing is written unless all of it is there.
///
/// # Safety
/// The pointer is null or leads to memory for the structure.
pub(super) unsafe fn read(part: Part, pointer: *mut c_void, message: &mut Reader<'_>) -> Result<()> {
    // SAFETY: the caller's promise about the structure that the part names.
    unsafe {
        match part {
            Part::Info => store(pointer, library(message)?),
            Part::SlotInfo => store(pointer, slot(message)?),
            Part::TokenInfo => store(pointer, token(message)?),
            Part::MechanismInfo => store(pointer, mechanism(message)?),
            Part::SessionInfo => store(pointer, session(message)?),
            _ => Ok(()),
        }
    }
}

// The fields of a structure expression are evaluated in the order in which they are written, which is the protocol's.

fn library(message: &mut Reader<'_>) -> Result<ck::CK_INFO> {
    Ok(ck::CK_INFO {
        cryptokiVersion: version(message)?,
        manufacturerID: text(message)?,
        flags: message.number()?,
        libraryDescription: text(message)?,
        libraryVersion: version(message)?,
    })
}

fn slot(message: &mut Reader<'_>) -> Result<ck::CK_SLOT_INFO> {
    Ok(ck::CK_SLOT_INFO {
        slotDescription: text(message)?,
        manufacturerID: text(message)?,
        flags: message.number()?,
        hardwareVersion: version(message)?,
        firmwareVersion: version(message)?,
    })
}

fn token(message: &mut Reader<'_>) -> Result<ck::CK_TOKEN_INFO> {
    Ok(ck::CK_TOKEN_INFO {
        label: text(message)?,
        manufacturerID: text(message)?,
        model: text(message)?,
        serialNumber: text(message)?,
        flags: message.number()?,
        ulMaxSessionCount: message.number()?,
        ulSessionCount: message.number()?,
        ulMaxRwSessionCount: message.number()?,
        ulRwSessionCount: message.number()?,
        ulMaxPinLen: message.number()?,
        ulMinPinLen: message.number()?,
        ulTotalPublicMemory: message.number()?,
        ulFreePublicMemory: message.number()?,
        ulTotalPrivateMemory: message.number()?,
        ulFreePrivateMemory: message.number()?,
        hardwareVersion: version(message)?,
        firmwareVersion: version(message)?,
        utcTime: text(message)?,
    })
}

fn mechanism(message: &mut Reader<'_>) -> Result<ck::CK_MECHANISM_INFO> {
    Ok(ck::CK_MECHANISM_INFO {
        ulMinKeySize: message.number()?,
        ulMaxKeySize: message.number()?,
        flags: message.number()?,
    })
}

fn session(message: &mut Reader<'_>) -> Result<ck::CK_SESSION_INFO> {
    Ok(ck::CK_SESSION_INFO {
        slotID: message.number()?,
        state: message.number()?,
        flags: message.number()?,
        ulDeviceError: message.number()?,
    })
}
