//! A library in a process of its own, called like one in this process.

use std::ffi::c_void;

use super::remote::{Argument, Remote};
use crate::types::ck;
use crate::types::functions::{Library, Parameter, for_each_function, kind};

/// A C argument by its type.
trait IntoArgument {
    fn argument(self) -> Argument;
}

impl<T> IntoArgument for *mut T {
    fn argument(self) -> Argument {
        Argument::Pointer(self.cast::<c_void>())
    }
}

impl IntoArgument for ck::CK_ULONG {
    fn argument(self) -> Argument {
        Argument::Number(self)
    }
}

impl IntoArgument for ck::CK_BBOOL {
    fn argument(self) -> Argument {
        Argument::Number(self.into())
    }
}

impl IntoArgument for ck::CK_NOTIFY {
    /// A callback cannot cross.
    fn argument(self) -> Argument {
        Argument::Pointer(std::ptr::null_mut())
    }
}

macro_rules! over_the_wire {
    ($($group:ident { $($name:ident ( $($parameter:ident : $kind:ty),* $(,)? ) => $handler:ident $(:: $function:ident)? $(/ $effect:expr)?;)* })*) => {
        #[allow(non_snake_case, clippy::too_many_arguments)]
        impl Library for Remote {
            $($(
                unsafe fn $name(&self, $($parameter: <$kind as Parameter>::C),*) -> ck::CK_RV {
                    // SAFETY: the caller vouches for a valid call of this function.
                    unsafe { self.call(stringify!($name), &[$($parameter.argument()),*]) }
                }
            )*)*
        }
    };
}

for_each_function!(over_the_wire);
