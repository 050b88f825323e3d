//! `CK_ATTRIBUTE` arrays: read as raw attributes, written back for C_GetAttributeValue.

use super::memory;
use crate::error::{Error, ErrorKind, Result};
use crate::object::attribute::{self, Kind};
use crate::object::{Attributes, RawAttribute, RawValue, Template, Value};
use crate::token::Revealed;
use crate::types::{ck, length, ulong};

/// More attributes than any template has, nested ones included; a count beyond it is a stray value, or arrays that
/// share their elements.
pub(super) const MAX_ATTRIBUTES: ck::CK_ULONG = 4096;
/// Templates within templates end here.
const MAX_DEPTH: usize = 4;
/// What C_GetAttributeValue puts where there is no length to tell.
const UNAVAILABLE: ck::CK_ULONG = ck::CK_UNAVAILABLE_INFORMATION;

/// A template to create, change or generate by.
///
/// # Safety
/// `pointer` is null or leads to `count` attributes, each with a value of its length (null with 0).
pub(super) unsafe fn template(pointer: *const ck::CK_ATTRIBUTE, count: ck::CK_ULONG) -> Result<Template> {
    // SAFETY: the caller's promise.
    Template::parse(unsafe { raw(pointer, count, MAX_DEPTH, &mut { MAX_ATTRIBUTES }) }?)
}

/// A template to search by: an unknown attribute is no error there.
///
/// # Safety
/// As [`template`].
pub(super) unsafe fn search(pointer: *const ck::CK_ATTRIBUTE, count: ck::CK_ULONG) -> Result<Template> {
    // SAFETY: the caller's promise.
    Template::parse_search(unsafe { raw(pointer, count, MAX_DEPTH, &mut { MAX_ATTRIBUTES }) }?)
}

/// A template as it came, for another library to read.
///
/// # Safety
/// As [`template`]; the attributes borrow the caller's memory.
pub(super) unsafe fn unparsed<'a>(
    pointer: *const ck::CK_ATTRIBUTE,
    count: ck::CK_ULONG,
) -> Result<Vec<RawAttribute<'a>>> {
    // SAFETY: the caller's promise.
    unsafe { raw(pointer, count, MAX_DEPTH, &mut { MAX_ATTRIBUTES }) }
}

/// The attributes of an array, unparsed, borrowing the caller's memory; at most `left` in all that one call reads.
unsafe fn raw<'a>(
    pointer: *const ck::CK_ATTRIBUTE,
    count: ck::CK_ULONG,
    depth: usize,
    left: &mut ck::CK_ULONG,
) -> Result<Vec<RawAttribute<'a>>> {
    *left = left
        .checked_sub(count)
        .ok_or_else(|| Error::new(ErrorKind::ArgumentsBad, "more attributes than a template can have"))?;
    // SAFETY: the caller of `template` vouches for the array.
    let attributes = unsafe { memory::input_array(pointer, count) }?;
    let read = |attribute: &ck::CK_ATTRIBUTE| {
        // SAFETY: the caller of `template` vouches for each value.
        let value = unsafe { raw_value(attribute, depth, left) }?;
        Ok(RawAttribute { kind: attribute.type_, value })
    };
    attributes.iter().map(read).collect()
}

unsafe fn raw_value<'a>(
    attribute: &ck::CK_ATTRIBUTE,
    depth: usize,
    left: &mut ck::CK_ULONG,
) -> Result<RawValue<'a>> {
    let invalid = |_| {
        let name = attribute::name(attribute.type_);
        Error::new(ErrorKind::AttributeValueInvalid, format!("{name}: a null or impossible value"))
    };
    if attribute::kind(attribute.type_) != Some(Kind::Template) {
        // SAFETY: the caller of `template` vouches for the value.
        return unsafe { memory::input(attribute.pValue.cast(), attribute.ulValueLen) }
            .map(RawValue::Bytes)
            .map_err(invalid);
    }
    let size = ulong(size_of::<ck::CK_ATTRIBUTE>());
    if depth == 0 || !attribute.ulValueLen.is_multiple_of(size) {
        let name = attribute::name(attribute.type_);
        return Err(Error::new(
            ErrorKind::AttributeValueInvalid,
            format!("{name}: not an array of attributes"),
        ));
    }
    // SAFETY: an attribute of this kind holds an array of attributes (PKCS#11 v3.2, section 4.2).
    unsafe { raw(attribute.pValue.cast(), attribute.ulValueLen / size, depth - 1, left) }
        .map(RawValue::Nested)
}

/// The attribute array of C_GetAttributeValue, to read the types from and write the values to.
///
/// # Safety
/// `pointer` is null or leads to `count` writable attributes, each with room for its length or null.
pub(super) unsafe fn slots<'a>(
    pointer: *mut ck::CK_ATTRIBUTE,
    count: ck::CK_ULONG,
) -> Result<&'a mut [ck::CK_ATTRIBUTE]> {
    if count > MAX_ATTRIBUTES {
        return Err(Error::new(ErrorKind::ArgumentsBad, "more attributes than a template can have"));
    }
    // SAFETY: the caller's promise.
    unsafe { memory::output_array(pointer, count) }
}

/// Writes every answer that can be given; the first reason why one could not is the call's result (PKCS#11 v3.2,
/// section 5.7.5: the others are still written).
///
/// # Safety
/// As [`slots`].
pub(super) unsafe fn write(slots: &mut [ck::CK_ATTRIBUTE], answers: &[Revealed]) -> Result<()> {
    let mut outcome = Ok(());
    for (slot, answer) in slots.iter_mut().zip(answers) {
        let written = match answer {
            // SAFETY: the caller vouches for the slot's room.
            Ok(value) => unsafe { write_value(slot, value) },
            Err(kind) => Err(*kind),
        };
        if let Err(kind) = written {
            slot.ulValueLen = UNAVAILABLE;
            outcome = outcome.and(Err(kind.into()));
        }
    }
    outcome
}

unsafe fn write_value(slot: &mut ck::CK_ATTRIBUTE, value: &Value) -> std::result::Result<(), ErrorKind> {
    if let Value::Template(attributes) = value {
        // SAFETY: passed on.
        return unsafe { write_nested(slot, attributes) };
    }
    let bytes = value.to_bytes();
    let room = length(std::mem::replace(&mut slot.ulValueLen, ulong(bytes.len())));
    if slot.pValue.is_null() {
        return Ok(());
    }
    if room < bytes.len() {
        return Err(ErrorKind::BufferTooSmall);
    }
    // SAFETY: the caller vouches for `room` bytes, and there are at most as many; alignment is that of bytes.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), slot.pValue.cast::<u8>(), bytes.len()) };
    Ok(())
}

unsafe fn write_nested(
    slot: &mut ck::CK_ATTRIBUTE,
    attributes: &Attributes,
) -> std::result::Result<(), ErrorKind> {
    let count = attributes.iter().count();
    let needed = ulong(count * size_of::<ck::CK_ATTRIBUTE>());
    let room = std::mem::replace(&mut slot.ulValueLen, needed);
    if slot.pValue.is_null() {
        return Ok(());
    }
    if room < needed {
        return Err(ErrorKind::BufferTooSmall);
    }
    // SAFETY: the caller vouches for an array of attributes with this room.
    let inner = unsafe { memory::output_array(slot.pValue.cast::<ck::CK_ATTRIBUTE>(), ulong(count)) }
        .map_err(|error| error.kind())?;
    let mut outcome = Ok(());
    for (target, (kind, value)) in inner.iter_mut().zip(attributes.iter()) {
        target.type_ = kind;
        // SAFETY: as above, one level down.
        let written = unsafe { write_value(target, value) };
        if written.is_err() {
            target.ulValueLen = UNAVAILABLE;
        }
        outcome = outcome.and(written);
    }
    outcome
}
