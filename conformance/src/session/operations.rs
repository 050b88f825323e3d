//! Cryptographic operations: digest, sign, verify, encrypt, decrypt, recover, and the dual functions.
//!
//! The short name of an operation runs it whole (`sign` is C_SignInit and C_Sign); `x_init`, `x_once`,
//! `x_update` and `x_final` are the single calls.

use super::{Object, Session, input, output};
use crate::{Mech, Rv, call};

/// The calls of a family whose steps all produce output: encryption and decryption.
macro_rules! cipher {
    ($whole:ident $init:ident $once:ident $update:ident $finish:ident
     $c_init:ident $c_once:ident $c_update:ident $c_final:ident) => {
        #[doc = concat!(stringify!($c_init), " and ", stringify!($c_once), ".")]
        pub fn $whole(&self, mech: &Mech, key: Object, data: &[u8]) -> Result<Vec<u8>, Rv> {
            self.$init(mech, key)?;
            self.$once(data)
        }

        #[doc = concat!(stringify!($c_init), ".")]
        pub fn $init(&self, mech: &Mech, key: Object) -> Result<(), Rv> {
            Rv::check(call!(self.module, $c_init(self.handle, &mut mech.raw(), key)).0)
        }

        #[doc = concat!(stringify!($c_once), ".")]
        pub fn $once(&self, data: &[u8]) -> Result<Vec<u8>, Rv> {
            let (input, len) = input(data);
            output(data.len(), |out, out_len| {
                call!(self.module, $c_once(self.handle, input, len, out, out_len))
            })
        }

        #[doc = concat!(stringify!($c_update), ".")]
        pub fn $update(&self, data: &[u8]) -> Result<Vec<u8>, Rv> {
            let (input, len) = input(data);
            output(data.len(), |out, out_len| {
                call!(self.module, $c_update(self.handle, input, len, out, out_len))
            })
        }

        #[doc = concat!(stringify!($c_final), ".")]
        pub fn $finish(&self) -> Result<Vec<u8>, Rv> {
            output(0, |out, out_len| call!(self.module, $c_final(self.handle, out, out_len)))
        }
    };
}

/// The dual-function calls: one input, one output.
macro_rules! dual {
    ($($name:ident $c_name:ident),*) => {$(
        #[doc = concat!(stringify!($c_name), ".")]
        pub fn $name(&self, data: &[u8]) -> Result<Vec<u8>, Rv> {
            let (input, len) = input(data);
            output(data.len(), |out, out_len| call!(self.module, $c_name(self.handle, input, len, out, out_len)))
        }
    )*};
}

/// Initialization calls that take a mechanism and a key.
macro_rules! init {
    ($($name:ident $c_name:ident),*) => {$(
        #[doc = concat!(stringify!($c_name), ".")]
        pub fn $name(&self, mech: &Mech, key: Object) -> Result<(), Rv> {
            Rv::check(call!(self.module, $c_name(self.handle, &mut mech.raw(), key)).0)
        }
    )*};
}

/// Calls that take data and give nothing back.
macro_rules! feed {
    ($($name:ident $c_name:ident),*) => {$(
        #[doc = concat!(stringify!($c_name), ".")]
        pub fn $name(&self, data: &[u8]) -> Result<(), Rv> {
            let (data, len) = input(data);
            Rv::check(call!(self.module, $c_name(self.handle, data, len)).0)
        }
    )*};
}

impl Session {
    cipher!(encrypt encrypt_init encrypt_once encrypt_update encrypt_final
            C_EncryptInit C_Encrypt C_EncryptUpdate C_EncryptFinal);
    cipher!(decrypt decrypt_init decrypt_once decrypt_update decrypt_final
            C_DecryptInit C_Decrypt C_DecryptUpdate C_DecryptFinal);
    dual!(
        digest_encrypt_update C_DigestEncryptUpdate,
        decrypt_digest_update C_DecryptDigestUpdate,
        sign_encrypt_update C_SignEncryptUpdate,
        decrypt_verify_update C_DecryptVerifyUpdate,
        digest_once C_Digest,
        sign_once C_Sign,
        sign_recover_once C_SignRecover,
        verify_recover_once C_VerifyRecover
    );
    init!(
        sign_init C_SignInit,
        verify_init C_VerifyInit,
        sign_recover_init C_SignRecoverInit,
        verify_recover_init C_VerifyRecoverInit
    );
    feed!(
        digest_update C_DigestUpdate,
        sign_update C_SignUpdate,
        verify_update C_VerifyUpdate,
        verify_final C_VerifyFinal,
        verify_signature_once C_VerifySignature,
        verify_signature_update C_VerifySignatureUpdate
    );

    /// C_DigestInit and C_Digest.
    pub fn digest(&self, mech: &Mech, data: &[u8]) -> Result<Vec<u8>, Rv> {
        self.digest_init(mech)?;
        self.digest_once(data)
    }

    /// C_DigestInit.
    pub fn digest_init(&self, mech: &Mech) -> Result<(), Rv> {
        Rv::check(call!(self.module, C_DigestInit(self.handle, &mut mech.raw())).0)
    }

    /// C_DigestKey.
    pub fn digest_key(&self, key: Object) -> Result<(), Rv> {
        Rv::check(call!(self.module, C_DigestKey(self.handle, key)).0)
    }

    /// C_DigestFinal.
    pub fn digest_final(&self) -> Result<Vec<u8>, Rv> {
        output(0, |out, len| call!(self.module, C_DigestFinal(self.handle, out, len)))
    }

    /// C_SignInit and C_Sign.
    pub fn sign(&self, mech: &Mech, key: Object, data: &[u8]) -> Result<Vec<u8>, Rv> {
        self.sign_init(mech, key)?;
        self.sign_once(data)
    }

    /// C_SignFinal.
    pub fn sign_final(&self) -> Result<Vec<u8>, Rv> {
        output(0, |out, len| call!(self.module, C_SignFinal(self.handle, out, len)))
    }

    /// C_VerifyInit and C_Verify.
    pub fn verify(&self, mech: &Mech, key: Object, data: &[u8], signature: &[u8]) -> Result<(), Rv> {
        self.verify_init(mech, key)?;
        self.verify_once(data, signature)
    }

    /// C_Verify.
    pub fn verify_once(&self, data: &[u8], signature: &[u8]) -> Result<(), Rv> {
        let ((data, len), (signature, signature_len)) = (input(data), input(signature));
        Rv::check(call!(self.module, C_Verify(self.handle, data, len, signature, signature_len)).0)
    }

    /// C_SignRecoverInit and C_SignRecover.
    pub fn sign_recover(&self, mech: &Mech, key: Object, data: &[u8]) -> Result<Vec<u8>, Rv> {
        self.sign_recover_init(mech, key)?;
        self.sign_recover_once(data)
    }

    /// C_VerifyRecoverInit and C_VerifyRecover.
    pub fn verify_recover(&self, mech: &Mech, key: Object, signature: &[u8]) -> Result<Vec<u8>, Rv> {
        self.verify_recover_init(mech, key)?;
        self.verify_recover_once(signature)
    }

    /// C_VerifySignatureInit.
    pub fn verify_signature_init(&self, mech: &Mech, key: Object, signature: &[u8]) -> Result<(), Rv> {
        let (signature, len) = input(signature);
        let rv = call!(self.module, C_VerifySignatureInit(self.handle, &mut mech.raw(), key, signature, len));
        Rv::check(rv.0)
    }

    /// C_VerifySignatureFinal.
    pub fn verify_signature_final(&self) -> Result<(), Rv> {
        Rv::check(call!(self.module, C_VerifySignatureFinal(self.handle)).0)
    }
}
