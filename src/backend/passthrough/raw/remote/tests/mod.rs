//! Tests of the codec on bytes, of the process with scripts that misbehave, and of the whole over SoftHSM.

mod codec;
mod misbehaviour;
mod softhsm;

use std::ffi::c_void;

use super::Argument;
use crate::types::ck;

fn number(value: ck::CK_ULONG) -> Argument {
    Argument::Number(value)
}

fn pointer<T>(place: &mut T) -> Argument {
    Argument::Pointer((&raw mut *place).cast())
}

fn array<T>(values: &mut [T]) -> Argument {
    Argument::Pointer(values.as_mut_ptr().cast())
}

fn constant(bytes: &[u8]) -> Argument {
    Argument::Pointer(bytes.as_ptr().cast_mut().cast())
}

const NULL: Argument = Argument::Pointer(std::ptr::null_mut());

fn attribute<T>(kind: ck::CK_ATTRIBUTE_TYPE, value: &mut [T]) -> ck::CK_ATTRIBUTE {
    let size = std::mem::size_of_val(value) as ck::CK_ULONG;
    ck::CK_ATTRIBUTE { type_: kind, pValue: value.as_mut_ptr().cast(), ulValueLen: size }
}

fn asked(kind: ck::CK_ATTRIBUTE_TYPE) -> ck::CK_ATTRIBUTE {
    ck::CK_ATTRIBUTE { type_: kind, pValue: std::ptr::null_mut(), ulValueLen: 0 }
}

fn mechanism(kind: ck::CK_MECHANISM_TYPE) -> ck::CK_MECHANISM {
    ck::CK_MECHANISM { mechanism: kind, pParameter: std::ptr::null_mut(), ulParameterLen: 0 }
}

fn mechanism_with<T>(kind: ck::CK_MECHANISM_TYPE, parameter: &mut T) -> ck::CK_MECHANISM {
    let size = size_of::<T>() as ck::CK_ULONG;
    ck::CK_MECHANISM {
        mechanism: kind,
        pParameter: (&raw mut *parameter).cast::<c_void>(),
        ulParameterLen: size,
    }
}
