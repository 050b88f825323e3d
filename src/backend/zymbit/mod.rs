//! Zymbit's devices, natively: hardware keys served over the vendor's `libzk_app_utils.so`.

pub mod raw;
