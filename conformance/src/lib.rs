//! Loads any PKCS#11 module by path and judges it.
