//! Attributes: how a value travels depends on its attribute's type, and both sides must agree on that.
//!
//! A type that neither side knows travels as bytes. An attribute that is itself a template crosses from version 1 of
//! the protocol on.

use std::ffi::c_void;

use crate::types::{ck, length, ulong};

use super::memory::{element, input, load, output, store};
use super::wire::{Reader, Result, Stop, Writer};

/// Templates within templates, at most.
const DEPTH: usize = 4;
/// Attributes in one template, at most.
const MOST: usize = 4096;

/// How a value travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Byte,
    Number,
    Numbers,
    Date,
    Template,
    Bytes,
}

const BYTES: &[ck::CK_ATTRIBUTE_TYPE] = &[
    ck::CKA_TOKEN,
    ck::CKA_PRIVATE,
    ck::CKA_TRUSTED,
    ck::CKA_SENSITIVE,
    ck::CKA_ENCRYPT,
    ck::CKA_DECRYPT,
    ck::CKA_WRAP,
    ck::CKA_UNWRAP,
    ck::CKA_SIGN,
    ck::CKA_SIGN_RECOVER,
    ck::CKA_VERIFY,
    ck::CKA_VERIFY_RECOVER,
    ck::CKA_DERIVE,
    ck::CKA_EXTRACTABLE,
    ck::CKA_LOCAL,
    ck::CKA_NEVER_EXTRACTABLE,
    ck::CKA_ALWAYS_SENSITIVE,
    ck::CKA_MODIFIABLE,
    ck::CKA_COPYABLE,
    SECONDARY_AUTH,
    ck::CKA_ALWAYS_AUTHENTICATE,
    ck::CKA_WRAP_WITH_TRUSTED,
    ck::CKA_RESET_ON_INIT,
    ck::CKA_HAS_RESET,
    ck::CKA_COLOR,
];

const NUMBERS: &[ck::CK_ATTRIBUTE_TYPE] = &[
    ck::CKA_CLASS,
    ck::CKA_CERTIFICATE_TYPE,
    ck::CKA_CERTIFICATE_CATEGORY,
    ck::CKA_JAVA_MIDP_SECURITY_DOMAIN,
    ck::CKA_KEY_TYPE,
    ck::CKA_MODULUS_BITS,
    ck::CKA_PRIME_BITS,
    ck::CKA_SUB_PRIME_BITS,
    ck::CKA_VALUE_BITS,
    ck::CKA_VALUE_LEN,
    ck::CKA_KEY_GEN_MECHANISM,
    AUTH_PIN_FLAGS,
    ck::CKA_HW_FEATURE_TYPE,
    ck::CKA_PIXEL_X,
    ck::CKA_PIXEL_Y,
    ck::CKA_RESOLUTION,
    ck::CKA_CHAR_ROWS,
    ck::CKA_CHAR_COLUMNS,
    ck::CKA_BITS_PER_PIXEL,
    ck::CKA_MECHANISM_TYPE,
];

const TEMPLATES: &[ck::CK_ATTRIBUTE_TYPE] =
    &[ck::CKA_WRAP_TEMPLATE, ck::CKA_UNWRAP_TEMPLATE, ck::CKA_DERIVE_TEMPLATE];

// Deprecated types, still known to the protocol.
const SECONDARY_AUTH: ck::CK_ATTRIBUTE_TYPE = 0x200;
const AUTH_PIN_FLAGS: ck::CK_ATTRIBUTE_TYPE = 0x201;

/// Types of one vendor that version 1 knows by their numbers.
const VENDOR_BYTES: &[ck::CK_ATTRIBUTE_TYPE] =
    &[0x8001_0001, 0x8001_0002, 0x8001_0003, 0x8001_0004, 0x8001_0008, 0x8001_000c, 0x8001_000d];
const VENDOR_NUMBERS: &[ck::CK_ATTRIBUTE_TYPE] = &[0x8001_0005, 0x8001_000a, 0x800d_0001];

fn kind_of(kind: ck::CK_ATTRIBUTE_TYPE, version: u8) -> Kind {
    let listed = |list: &[ck::CK_ATTRIBUTE_TYPE]| list.contains(&kind);
    if listed(BYTES) || (version >= 1 && listed(VENDOR_BYTES)) {
        Kind::Byte
    } else if listed(NUMBERS) || (version >= 1 && listed(VENDOR_NUMBERS)) {
        Kind::Number
    } else if listed(TEMPLATES) {
        Kind::Template
    } else if kind == ck::CKA_ALLOWED_MECHANISMS {
        Kind::Numbers
    } else if kind == ck::CKA_START_DATE || kind == ck::CKA_END_DATE {
        Kind::Date
    } else {
        Kind::Bytes
    }
}

/// False for an attribute that this version cannot carry.
fn can_cross(kind: ck::CK_ATTRIBUTE_TYPE, version: u8) -> bool {
    u32::try_from(kind).is_ok() && (version >= 1 || kind_of(kind, version) != Kind::Template)
}

fn number_of(kind: ck::CK_ATTRIBUTE_TYPE) -> Result<u32> {
    u32::try_from(kind).map_err(|_| Stop::Answer(ck::CKR_ATTRIBUTE_TYPE_INVALID))
}

/// The count of a template, checked.
fn counted(template: *const c_void, count: ck::CK_ULONG) -> Result<usize> {
    let count = length(count);
    if count > MOST || (template.is_null() && count > 0) {
        return Err(Stop::Answer(ck::CKR_ARGUMENTS_BAD));
    }
    Ok(count)
}

/// Writes a template.
///
/// # Safety
/// A pointer that is not null leads to `count` valid attributes.
pub(super) unsafe fn write(
    template: *mut c_void,
    count: ck::CK_ULONG,
    version: u8,
    message: &mut Writer,
) -> Result<()> {
    let count = counted(template, count)?;
    message.count(count)?;
    // SAFETY: passed on.
    unsafe { write_all(template, count, version, DEPTH, message) }
}

/// # Safety
/// As [`write`].
unsafe fn write_all(
    template: *mut c_void,
    count: usize,
    version: u8,
    depth: usize,
    message: &mut Writer,
) -> Result<()> {
    for index in 0..count {
        // SAFETY: the caller's promise of `count` attributes.
        let attribute: ck::CK_ATTRIBUTE = unsafe { load(element::<ck::CK_ATTRIBUTE>(template, index)) }?;
        if !can_cross(attribute.type_, version) {
            tracing::debug!("attribute {:#x} does not cross to the isolated library", attribute.type_);
            return Err(Stop::Answer(ck::CKR_ATTRIBUTE_TYPE_INVALID));
        }
        message.word(number_of(attribute.type_)?)?;
        if attribute.ulValueLen == ck::CK_UNAVAILABLE_INFORMATION {
            message.byte(0)?;
            continue;
        }
        message.byte(1)?;
        message.count(length(attribute.ulValueLen))?;
        // SAFETY: the attribute is the caller's, valid by its promise.
        unsafe { write_value(&attribute, version, depth, message) }?;
    }
    Ok(())
}

/// # Safety
/// The attribute's value is valid for its type.
unsafe fn write_value(
    attribute: &ck::CK_ATTRIBUTE,
    version: u8,
    depth: usize,
    message: &mut Writer,
) -> Result<()> {
    const INVALID: Stop = Stop::Answer(ck::CKR_ATTRIBUTE_VALUE_INVALID);
    // SAFETY: the caller's promise.
    let value = unsafe { input(attribute.pValue, attribute.ulValueLen) }.map_err(|_| INVALID)?;
    let bytes = value.unwrap_or(&[]);
    match kind_of(attribute.type_, version) {
        Kind::Bytes => message.array(value),
        // The server takes a value that is not as long as its type for the end of the conversation.
        Kind::Byte => message.byte(*bytes.first().filter(|_| bytes.len() == 1).ok_or(INVALID)?),
        Kind::Number => message.number(number(bytes).ok_or(INVALID)?),
        Kind::Date => match bytes.len() {
            0 => message.array(None),
            8 => message.array(Some(bytes)),
            _ => Err(INVALID),
        },
        Kind::Numbers => {
            let chunks = bytes.chunks_exact(size_of::<ck::CK_ULONG>());
            message.count(chunks.len())?;
            chunks.clone().try_for_each(|chunk| message.number(number(chunk).unwrap_or(0)))?;
            if chunks.remainder().is_empty() { Ok(()) } else { Err(INVALID) }
        }
        Kind::Template if depth > 0 && bytes.len().is_multiple_of(size_of::<ck::CK_ATTRIBUTE>()) => {
            let count = counted(attribute.pValue, ulong(bytes.len() / size_of::<ck::CK_ATTRIBUTE>()))?;
            message.count(count)?;
            // SAFETY: the value of such an attribute is an array of attributes, valid by the caller's promise.
            unsafe { write_all(attribute.pValue, count, version, depth - 1, message) }
        }
        Kind::Template => Err(INVALID),
    }
}

/// The number that the bytes of a `CK_ULONG` are.
fn number(bytes: &[u8]) -> Option<ck::CK_ULONG> {
    bytes.try_into().ok().map(ck::CK_ULONG::from_ne_bytes)
}

/// Writes which attributes are asked for and how much room each has, and returns how much room there is. Those that
/// cannot cross are marked as unavailable.
///
/// # Safety
/// As [`write`]; the attributes are writable.
pub(super) unsafe fn write_query(
    template: *mut c_void,
    count: ck::CK_ULONG,
    version: u8,
    message: &mut Writer,
) -> Result<usize> {
    let count = counted(template, count)?;
    let mut asked = Vec::new();
    for index in 0..count {
        let place = element::<ck::CK_ATTRIBUTE>(template, index);
        // SAFETY: the caller's promise of `count` writable attributes.
        let mut attribute: ck::CK_ATTRIBUTE = unsafe { load(place) }?;
        if can_cross(attribute.type_, version) {
            asked.push(attribute);
        } else {
            attribute.ulValueLen = ck::CK_UNAVAILABLE_INFORMATION;
            // SAFETY: as above.
            unsafe { store(place, attribute) }?;
        }
    }
    if asked.is_empty() && count > 0 {
        return Err(Stop::Answer(ck::CKR_ATTRIBUTE_TYPE_INVALID));
    }
    message.count(asked.len())?;
    let mut total: usize = 0;
    for attribute in &asked {
        let room = room_of(attribute);
        total = total.saturating_add(room).saturating_add(64);
        message.word(number_of(attribute.type_)?)?;
        message.count(room)?;
        if room > 0 && kind_of(attribute.type_, version) == Kind::Template {
            // SAFETY: the value of such an attribute is an array of attributes, valid by the caller's promise.
            total = total.saturating_add(unsafe { write_inner_rooms(attribute, message) }?);
        }
    }
    Ok(total)
}

fn room_of(attribute: &ck::CK_ATTRIBUTE) -> usize {
    if attribute.pValue.is_null() { 0 } else { length(attribute.ulValueLen) }
}

/// The same for a template that is a value. Its types are the token's to write, so anything may be in them; but there
/// are libraries that look for what the caller put there.
///
/// # Safety
/// The value is an array of attributes, whose pointers lead to the room that is named beside them, or are null.
unsafe fn write_inner_rooms(outer: &ck::CK_ATTRIBUTE, message: &mut Writer) -> Result<usize> {
    let count = counted(outer.pValue, ulong(room_of(outer) / size_of::<ck::CK_ATTRIBUTE>()))?;
    message.count(count)?;
    let mut total: usize = 0;
    for index in 0..count {
        // SAFETY: the caller's promise.
        let attribute: ck::CK_ATTRIBUTE = unsafe { load(element::<ck::CK_ATTRIBUTE>(outer.pValue, index)) }?;
        let room = room_of(&attribute);
        total = total.saturating_add(room).saturating_add(64);
        let kind = u32::try_from(attribute.type_).ok();
        message.word(kind.filter(|_| !TEMPLATES.contains(&attribute.type_)).unwrap_or(0))?;
        message.count(room)?;
    }
    Ok(total)
}

/// Reads the answer to a query into the template, and the return value that came with it.
///
/// # Safety
/// As [`write_query`], with the same template.
pub(super) unsafe fn read_query(
    template: *mut c_void,
    count: ck::CK_ULONG,
    version: u8,
    message: &mut Reader<'_>,
) -> Result<ck::CK_RV> {
    let count = counted(template, count)?;
    let mut own = ck::CKR_OK;
    let mut left = message.count()?;
    for index in 0..count {
        let place = element::<ck::CK_ATTRIBUTE>(template, index);
        // SAFETY: the caller's promise of `count` writable attributes.
        let mut attribute: ck::CK_ATTRIBUTE = unsafe { load(place) }?;
        if !can_cross(attribute.type_, version) {
            own = ck::CKR_ATTRIBUTE_TYPE_INVALID;
            continue;
        }
        left = left.checked_sub(1).ok_or(Stop::Broken("an attribute is missing"))?;
        if message.word()? != number_of(attribute.type_)? {
            return Err(Stop::Broken("the attributes have another order"));
        }
        // SAFETY: the attribute is the caller's, with the room that it names.
        if !unsafe { read_one(&mut attribute, version, true, message) }? {
            own = ck::CKR_BUFFER_TOO_SMALL;
        }
        // SAFETY: as above.
        unsafe { store(place, attribute) }?;
    }
    if left > 0 {
        return Err(Stop::Broken("there are more attributes than asked for"));
    }
    match message.number()? {
        ck::CKR_OK => Ok(own),
        theirs => Ok(theirs),
    }
}

/// Reads one attribute's length and value; false if there is room, but not enough.
///
/// # Safety
/// The attribute's pointer leads to the room that its length names, or is null.
unsafe fn read_one(
    attribute: &mut ck::CK_ATTRIBUTE,
    version: u8,
    outer: bool,
    message: &mut Reader<'_>,
) -> Result<bool> {
    if message.byte()? == 0 {
        attribute.ulValueLen = ck::CK_UNAVAILABLE_INFORMATION;
        return Ok(true);
    }
    let size = message.count()?;
    let room = room_of(attribute);
    let pointer = attribute.pValue;
    let place = |bytes: &[u8]| {
        if size > 0 && size <= room {
            let bytes = bytes.get(..size).ok_or(Stop::Broken("a value is shorter than its length"))?;
            // SAFETY: the caller's room, which has at least `size` bytes.
            unsafe { output(pointer, bytes) };
        }
        Ok(())
    };
    match kind_of(attribute.type_, version) {
        Kind::Byte => place(&[message.byte()?])?,
        Kind::Number => place(&message.number()?.to_ne_bytes())?,
        Kind::Bytes | Kind::Date => place(message.array()?.unwrap_or(&[]))?,
        Kind::Numbers => {
            let count = message.count()?;
            // Without room the server sends the count and not the numbers.
            if room > 0 {
                place(&native(message.raw(count.saturating_mul(size_of::<u64>()))?)?)?;
            }
        }
        Kind::Template => {
            let count = message.count()?;
            if count > 0 {
                if !outer || size > room || count != size / size_of::<ck::CK_ATTRIBUTE>() {
                    return Err(Stop::Broken("a template is larger than asked for"));
                }
                // SAFETY: the room is an array of attributes, and `count` of them lie within it.
                unsafe { read_inner(pointer, count, version, message) }?;
            }
        }
    }
    attribute.ulValueLen = ulong(size);
    Ok(size <= room || pointer.is_null())
}

/// Reads a template that is a value.
///
/// # Safety
/// The array has `count` writable attributes, whose pointers are null or lead to the room named beside them.
unsafe fn read_inner(array: *mut c_void, count: usize, version: u8, message: &mut Reader<'_>) -> Result<()> {
    for index in 0..count {
        let place = element::<ck::CK_ATTRIBUTE>(array, index);
        // SAFETY: the caller's promise.
        let mut attribute: ck::CK_ATTRIBUTE = unsafe { load(place) }?;
        attribute.type_ = message.word()?.into();
        // SAFETY: as above.
        unsafe { read_one(&mut attribute, version, false, message) }?;
        // SAFETY: as above.
        unsafe { store(place, attribute) }?;
    }
    Ok(())
}

/// Numbers of eight bytes as the machine's `CK_ULONG`s.
fn native(numbers: &[u8]) -> Result<Vec<u8>> {
    let mut reader = Reader::new(numbers);
    let mut bytes = Vec::with_capacity(numbers.len());
    while reader.remaining() > 0 {
        bytes.extend_from_slice(&reader.number()?.to_ne_bytes());
    }
    Ok(bytes)
}
