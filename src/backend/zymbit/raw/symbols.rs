//! The vendor's functions that keyward calls, one row each, looked up by name when the library is loaded.

use std::ffi::CStr;

use libc::{c_char, c_int, c_uint, c_void};

/// zkCTX.
pub(super) type Context = *mut c_void;

macro_rules! symbols {
    ($($field:ident: $name:literal ($($argument:ty),*);)*) => {
        /// Every function, or `None` where this version of the library lacks it.
        pub(super) struct Symbols {
            $(pub(super) $field: Option<unsafe extern "C" fn($($argument),*) -> c_int>,)*
        }

        impl Symbols {
            /// # Safety
            /// `look_up` answers with the address of the vendor's function of that name, or null.
            pub(super) unsafe fn resolve(look_up: impl Fn(&CStr) -> *mut c_void) -> Symbols {
                Symbols {
                    // SAFETY: null becomes `None`; any other address is the function whose signature, as the
                    // vendor's header gives it, stands in the row (the caller's promise).
                    $($field: unsafe {
                        std::mem::transmute::<*mut c_void, Option<unsafe extern "C" fn($($argument),*) -> c_int>>(
                            look_up($name),
                        )
                    },)*
                }
            }
        }
    };
}

// C's bool comes back through pointers to u8, the same size here: a byte of a foreign library may be neither 0 nor 1.
// ZK_EC_KEY_TYPE is an enum without negative values: an unsigned int.
symbols! {
    open: c"zkOpen"(*mut Context);
    close: c"zkClose"(Context);

    model: c"zkGetModelNumberString"(Context, *mut *mut c_char);
    firmware: c"zkGetFirmwareVersionString"(Context, *mut *mut c_char);
    serial: c"zkGetSerialNumberString"(Context, *mut *mut c_char);
    cpu_temp: c"zkGetCPUTemp"(Context, *mut f32);
    rtc_drift: c"zkGetRTCDrift"(Context, *mut f32);
    battery_voltage: c"zkGetBatteryVoltage"(Context, *mut f32);
    time: c"zkGetTime"(Context, *mut u32, bool);
    binding: c"zkGetCurrentBindingInfo"(Context, *mut u8, *mut u8);

    perimeter: c"zkGetPerimeterDetectInfo"(Context, *mut *mut u32, *mut c_int);
    wait_for_perimeter: c"zkWaitForPerimeterEvent"(Context, u32);

    random: c"zkGetRandBytes"(Context, *mut *mut u8, c_int);
    sign: c"zkGenECDSASigFromDigest"(Context, *const u8, c_int, *mut *mut u8, *mut c_int);
    sign_recoverable: c"zkGenECDSASigFromDigestWithRecID"(
        Context, *const u8, c_int, *mut *mut u8, *mut c_int, *mut u8
    );
    export_public_key: c"zkExportPubKey"(Context, *mut *mut u8, *mut c_int, c_int, bool);
    old_public_key: c"zkGetECDSAPubKey"(Context, *mut *mut u8, *mut c_int, c_int);
    allocated: c"zkGetAllocSlotsList"(Context, bool, *mut c_int, *mut *mut c_int, *mut c_int);
    generate: c"zkGenKeyPair"(Context, c_uint);
    remove: c"zkRemoveKey"(Context, c_int, bool);
    store_foreign: c"zkStoreForeignPubKey"(Context, c_uint, *mut u8, c_int);
    ecdh: c"zkDoRawECDH"(Context, c_int, *const u8, c_int, *mut *mut u8);

    wallet_master: c"zkGenWalletMasterSeedWithBIP39"(
        Context, c_uint, *const c_char, *const c_char, *const u8, c_int, *const c_char, *mut *mut c_char
    );
    wallet_child: c"zkGenWalletChildKey"(Context, c_int, u32, bool, bool, *mut *mut u8);
    wallet_node: c"zkGetWalletNodeAddrFromKeySlot"(
        Context, c_int, *mut *mut c_char, *mut *mut c_char, *mut c_int
    );
    wallet_slot: c"zkGetWalletKeySlotFromNodeAddr"(Context, *const c_char, *const c_char, c_int, *mut c_int);

    lock_binding: c"zkLockBinding"(Context);
    clear_perimeter: c"zkClearPerimeterDetectEvents"(Context);
}
