//! Message-based operations (v3.0) and authenticated wrapping (v3.2).
//!
//! A message's parameter travels as a [`Mech`]: its struct and buffers are lent to the call, its mechanism
//! type is not used. Modules write generated IVs and tags into those buffers ([`Mech::buffer`]).

use cryptoki_sys::*;

use super::{Object, Session, input, output};
use crate::{Attr, Mech, RawTemplate, Rv, call};

macro_rules! init {
    ($($name:ident $c_name:ident),*) => {$(
        #[doc = concat!(stringify!($c_name), ".")]
        pub fn $name(&self, mech: &Mech, key: Object) -> Result<(), Rv> {
            Rv::check(call!(self.module, $c_name(self.handle, &mut mech.raw(), key)).0)
        }
    )*};
}

macro_rules! finish {
    ($($name:ident $c_name:ident),*) => {$(
        #[doc = concat!(stringify!($c_name), ".")]
        pub fn $name(&self) -> Result<(), Rv> {
            Rv::check(call!(self.module, $c_name(self.handle)).0)
        }
    )*};
}

/// C_EncryptMessage and C_DecryptMessage.
macro_rules! whole {
    ($($name:ident $c_name:ident),*) => {$(
        #[doc = concat!(stringify!($c_name), ".")]
        pub fn $name(&self, parameter: &Mech, aad: &[u8], data: &[u8]) -> Result<Vec<u8>, Rv> {
            let (pointer, len) = parameter.parameter();
            let ((aad, aad_len), (bytes, bytes_len)) = (input(aad), input(data));
            output(data.len(), |out, out_len| {
                call!(
                    self.module,
                    $c_name(self.handle, pointer, len, aad, aad_len, bytes, bytes_len, out, out_len)
                )
            })
        }
    )*};
}

/// C_EncryptMessageBegin and C_DecryptMessageBegin.
macro_rules! begin {
    ($($name:ident $c_name:ident),*) => {$(
        #[doc = concat!(stringify!($c_name), ".")]
        pub fn $name(&self, parameter: &Mech, aad: &[u8]) -> Result<(), Rv> {
            let ((pointer, len), (aad, aad_len)) = (parameter.parameter(), input(aad));
            Rv::check(call!(self.module, $c_name(self.handle, pointer, len, aad, aad_len)).0)
        }
    )*};
}

/// C_EncryptMessageNext and C_DecryptMessageNext.
macro_rules! next {
    ($($name:ident $c_name:ident),*) => {$(
        #[doc = concat!(stringify!($c_name), "; `last` is CKF_END_OF_MESSAGE.")]
        pub fn $name(&self, parameter: &Mech, data: &[u8], last: bool) -> Result<Vec<u8>, Rv> {
            let ((pointer, len), (bytes, bytes_len)) = (parameter.parameter(), input(data));
            let flags = if last { CKF_END_OF_MESSAGE } else { 0 };
            output(data.len(), |out, out_len| {
                call!(
                    self.module,
                    $c_name(self.handle, pointer, len, bytes, bytes_len, out, out_len, flags)
                )
            })
        }
    )*};
}

impl Session {
    init!(
        message_encrypt_init C_MessageEncryptInit,
        message_decrypt_init C_MessageDecryptInit,
        message_sign_init C_MessageSignInit,
        message_verify_init C_MessageVerifyInit
    );
    finish!(
        message_encrypt_final C_MessageEncryptFinal,
        message_decrypt_final C_MessageDecryptFinal,
        message_sign_final C_MessageSignFinal,
        message_verify_final C_MessageVerifyFinal
    );
    whole!(encrypt_message C_EncryptMessage, decrypt_message C_DecryptMessage);
    begin!(encrypt_message_begin C_EncryptMessageBegin, decrypt_message_begin C_DecryptMessageBegin);
    next!(encrypt_message_next C_EncryptMessageNext, decrypt_message_next C_DecryptMessageNext);

    /// C_SignMessage.
    pub fn sign_message(&self, parameter: &Mech, data: &[u8]) -> Result<Vec<u8>, Rv> {
        let ((pointer, len), (data, data_len)) = (parameter.parameter(), input(data));
        output(0, |out, out_len| {
            call!(self.module, C_SignMessage(self.handle, pointer, len, data, data_len, out, out_len))
        })
    }

    /// C_VerifyMessage.
    pub fn verify_message(&self, parameter: &Mech, data: &[u8], signature: &[u8]) -> Result<(), Rv> {
        let ((pointer, len), (data, data_len)) = (parameter.parameter(), input(data));
        let (signature, signature_len) = input(signature);
        let rv = call!(
            self.module,
            C_VerifyMessage(self.handle, pointer, len, data, data_len, signature, signature_len)
        );
        Rv::check(rv.0)
    }

    /// C_WrapKeyAuthenticated.
    pub fn wrap_authenticated(
        &self,
        mech: &Mech,
        wrapping: Object,
        key: Object,
        aad: &[u8],
    ) -> Result<Vec<u8>, Rv> {
        let (aad, aad_len) = input(aad);
        output(0, |out, len| {
            call!(
                self.module,
                C_WrapKeyAuthenticated(self.handle, &mut mech.raw(), wrapping, key, aad, aad_len, out, len)
            )
        })
    }

    /// C_UnwrapKeyAuthenticated.
    pub fn unwrap_authenticated(
        &self,
        mech: &Mech,
        unwrapping: Object,
        wrapped: &[u8],
        template: &[Attr],
        aad: &[u8],
    ) -> Result<Object, Rv> {
        let (mut raw, mut key) = (RawTemplate::new(template), CK_INVALID_HANDLE);
        let ((wrapped, len), (aad, aad_len)) = (input(wrapped), input(aad));
        let rv = call!(
            self.module,
            C_UnwrapKeyAuthenticated(
                self.handle,
                &mut mech.raw(),
                unwrapping,
                wrapped,
                len,
                raw.as_mut_ptr(),
                raw.count(),
                aad,
                aad_len,
                &mut key,
            )
        );
        Rv::check(rv.0).map(|()| key)
    }
}
