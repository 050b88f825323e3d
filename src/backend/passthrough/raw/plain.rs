//! The calls of keyward's own tool on another library's token: objects, keys, signatures.

use std::sync::Arc;

use super::api::{Api, OpenedSession, answer, zeroed};
use super::build::{BuiltMechanism, Template};
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::Mechanism;
use crate::mechanism::op::{Producer, Verifier};
use crate::object::RawAttribute;
use crate::token::ObjectHandle;
use crate::types::{ck, length, ulong};

type Attributes<'a> = [RawAttribute<'a>];

fn input(bytes: &[u8]) -> (*mut u8, ck::CK_ULONG) {
    (bytes.as_ptr().cast_mut(), ulong(bytes.len()))
}

// SAFETY: throughout, arrays, mechanisms and inputs outlive the calls they are passed to and have the lengths that are
// passed with them; results have room for what is said.
impl Api {
    /// C_CreateObject.
    pub fn create(&self, session: OpenedSession, template: &Attributes<'_>) -> Result<ObjectHandle> {
        let _alone = self.alone();
        let template = Template::new(template);
        let mut object = 0;
        // SAFETY: see above.
        let rv = unsafe {
            self.library.C_CreateObject(session.0, template.pointer(), template.count(), &raw mut object)
        };
        answer(rv, "C_CreateObject").map(|()| object)
    }

    /// C_CopyObject.
    pub fn copy(
        &self,
        session: OpenedSession,
        object: ObjectHandle,
        template: &Attributes<'_>,
    ) -> Result<ObjectHandle> {
        let _alone = self.alone();
        let template = Template::new(template);
        let mut copy = 0;
        // SAFETY: see above.
        let rv = unsafe {
            self.library.C_CopyObject(session.0, object, template.pointer(), template.count(), &raw mut copy)
        };
        answer(rv, "C_CopyObject").map(|()| copy)
    }

    /// C_GetObjectSize.
    pub fn size(&self, session: OpenedSession, object: ObjectHandle) -> Result<usize> {
        let _alone = self.alone();
        let mut size = 0;
        // SAFETY: see above.
        answer(unsafe { self.library.C_GetObjectSize(session.0, object, &raw mut size) }, "C_GetObjectSize")?;
        Ok(length(size))
    }

    /// C_SetAttributeValue.
    pub fn set(&self, session: OpenedSession, object: ObjectHandle, template: &Attributes<'_>) -> Result<()> {
        let _alone = self.alone();
        let template = Template::new(template);
        // SAFETY: see above.
        let rv = unsafe {
            self.library.C_SetAttributeValue(session.0, object, template.pointer(), template.count())
        };
        answer(rv, "C_SetAttributeValue")
    }

    /// C_GenerateKey.
    pub fn generate(
        &self,
        session: OpenedSession,
        mechanism: &Mechanism,
        template: &Attributes<'_>,
    ) -> Result<ObjectHandle> {
        let _alone = self.alone();
        let (mut mechanism, template) = (BuiltMechanism::new(mechanism), Template::new(template));
        let mut key = 0;
        // SAFETY: see above.
        let rv = unsafe {
            self.library.C_GenerateKey(
                session.0,
                mechanism.pointer(),
                template.pointer(),
                template.count(),
                &raw mut key,
            )
        };
        answer(rv, "C_GenerateKey").map(|()| key)
    }

    /// C_GenerateKeyPair: public key first.
    pub fn generate_pair(
        &self,
        session: OpenedSession,
        mechanism: &Mechanism,
        public: &Attributes<'_>,
        private: &Attributes<'_>,
    ) -> Result<(ObjectHandle, ObjectHandle)> {
        let _alone = self.alone();
        let mut mechanism = BuiltMechanism::new(mechanism);
        let (public, private) = (Template::new(public), Template::new(private));
        let mut keys = [0; 2];
        let [public_key, private_key] = &mut keys;
        // SAFETY: see above.
        let rv = unsafe {
            self.library.C_GenerateKeyPair(
                session.0,
                mechanism.pointer(),
                public.pointer(),
                public.count(),
                private.pointer(),
                private.count(),
                public_key,
                private_key,
            )
        };
        answer(rv, "C_GenerateKeyPair").map(|()| keys.into())
    }

    /// C_WrapKey.
    pub fn wrap(
        &self,
        session: OpenedSession,
        mechanism: &Mechanism,
        wrapping_key: ObjectHandle,
        key: ObjectHandle,
    ) -> Result<Vec<u8>> {
        let _alone = self.alone();
        let mut mechanism = BuiltMechanism::new(mechanism);
        let mut wrap = |out: *mut u8, len: &mut ck::CK_ULONG| {
            // SAFETY: see above.
            let rv = unsafe {
                self.library.C_WrapKey(session.0, mechanism.pointer(), wrapping_key, key, out, len)
            };
            answer(rv, "C_WrapKey")
        };
        let mut len = 0;
        wrap(std::ptr::null_mut(), &mut len)?;
        let mut wrapped: Vec<u8> = zeroed(length(len))?;
        wrap(wrapped.as_mut_ptr(), &mut len)?;
        wrapped.truncate(length(len));
        Ok(wrapped)
    }

    /// C_UnwrapKey.
    pub fn unwrap(
        &self,
        session: OpenedSession,
        mechanism: &Mechanism,
        unwrapping_key: ObjectHandle,
        wrapped: &[u8],
        template: &Attributes<'_>,
    ) -> Result<ObjectHandle> {
        let _alone = self.alone();
        let (mut mechanism, template) = (BuiltMechanism::new(mechanism), Template::new(template));
        let (wrapped, len) = input(wrapped);
        let mut key = 0;
        // SAFETY: see above.
        let rv = unsafe {
            self.library.C_UnwrapKey(
                session.0,
                mechanism.pointer(),
                unwrapping_key,
                wrapped,
                len,
                template.pointer(),
                template.count(),
                &raw mut key,
            )
        };
        answer(rv, "C_UnwrapKey").map(|()| key)
    }

    /// C_DeriveKey.
    pub fn derive(
        &self,
        session: OpenedSession,
        mechanism: &Mechanism,
        base_key: ObjectHandle,
        template: &Attributes<'_>,
    ) -> Result<ObjectHandle> {
        let _alone = self.alone();
        let (mut mechanism, template) = (BuiltMechanism::new(mechanism), Template::new(template));
        let mut key = 0;
        // SAFETY: see above.
        let rv = unsafe {
            self.library.C_DeriveKey(
                session.0,
                mechanism.pointer(),
                base_key,
                template.pointer(),
                template.count(),
                &raw mut key,
            )
        };
        answer(rv, "C_DeriveKey").map(|()| key)
    }

    /// C_GenerateRandom.
    pub fn random(&self, session: OpenedSession, out: &mut [u8]) -> Result<()> {
        let _alone = self.alone();
        // SAFETY: see above.
        let rv = unsafe { self.library.C_GenerateRandom(session.0, out.as_mut_ptr(), ulong(out.len())) };
        answer(rv, "C_GenerateRandom")
    }

    /// C_SeedRandom.
    pub fn seed_random(&self, session: OpenedSession, seed: &[u8]) -> Result<()> {
        let _alone = self.alone();
        let (seed, len) = input(seed);
        // SAFETY: see above.
        answer(unsafe { self.library.C_SeedRandom(session.0, seed, len) }, "C_SeedRandom")
    }

    /// C_SignInit, and how long the signature will be.
    pub fn sign(
        self: &Arc<Self>,
        session: OpenedSession,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Signing> {
        let _alone = self.alone();
        let mut mechanism = BuiltMechanism::new(mechanism);
        // SAFETY: see above.
        answer(unsafe { self.library.C_SignInit(session.0, mechanism.pointer(), key) }, "C_SignInit")?;
        let mut len = 0;
        // Some libraries want to see data even for its size.
        let (data, data_len) = input(&[0; 32]);
        let nothing = std::ptr::null_mut();
        // SAFETY: see above; null asks for the size.
        let rv = unsafe { self.library.C_Sign(session.0, data, data_len, nothing, &raw mut len) };
        answer(rv, "C_Sign")?;
        Ok(Signing { api: self.clone(), session, len: length(len) })
    }

    /// C_VerifyInit.
    pub fn verify(
        self: &Arc<Self>,
        session: OpenedSession,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Verifying> {
        let _alone = self.alone();
        let mut mechanism = BuiltMechanism::new(mechanism);
        // SAFETY: see above.
        answer(unsafe { self.library.C_VerifyInit(session.0, mechanism.pointer(), key) }, "C_VerifyInit")?;
        Ok(Verifying { api: self.clone(), session })
    }
}

/// A signature that is being made below.
pub struct Signing {
    api: Arc<Api>,
    session: OpenedSession,
    len: usize,
}

/// A signature that is being judged below.
pub struct Verifying {
    api: Arc<Api>,
    session: OpenedSession,
}

impl Signing {
    fn written(&self, out: &[u8], len: ck::CK_ULONG) -> Result<()> {
        match length(len) == out.len() {
            true => Ok(()),
            false => {
                Err(Error::new(ErrorKind::DeviceError, "the signature below has another size than was told"))
            }
        }
    }
}

impl Producer for Signing {
    fn output_len(&self) -> usize {
        self.len
    }

    fn update(&mut self, part: &[u8]) -> Result<()> {
        let _alone = self.api.alone();
        let (part, len) = input(part);
        // SAFETY: an input of its length.
        answer(unsafe { self.api.library.C_SignUpdate(self.session.0, part, len) }, "C_SignUpdate")
    }

    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        let _alone = self.api.alone();
        let mut len = ulong(out.len());
        // SAFETY: room of the length that is told.
        let rv = unsafe { self.api.library.C_SignFinal(self.session.0, out.as_mut_ptr(), &raw mut len) };
        answer(rv, "C_SignFinal")?;
        self.written(out, len)
    }

    fn once(&mut self, data: &[u8], out: &mut [u8]) -> Result<()> {
        let _alone = self.api.alone();
        let (data, data_len) = input(data);
        let mut len = ulong(out.len());
        // SAFETY: an input of its length, room of the length that is told.
        let rv = unsafe {
            self.api.library.C_Sign(self.session.0, data, data_len, out.as_mut_ptr(), &raw mut len)
        };
        answer(rv, "C_Sign")?;
        self.written(out, len)
    }
}

impl Verifier for Verifying {
    fn update(&mut self, part: &[u8]) -> Result<()> {
        let _alone = self.api.alone();
        let (part, len) = input(part);
        // SAFETY: an input of its length.
        answer(unsafe { self.api.library.C_VerifyUpdate(self.session.0, part, len) }, "C_VerifyUpdate")
    }

    fn finish(&mut self, signature: &[u8]) -> Result<()> {
        let _alone = self.api.alone();
        let (signature, len) = input(signature);
        // SAFETY: an input of its length.
        answer(unsafe { self.api.library.C_VerifyFinal(self.session.0, signature, len) }, "C_VerifyFinal")
    }

    fn once(&mut self, data: &[u8], signature: &[u8]) -> Result<()> {
        let _alone = self.api.alone();
        let ((data, data_len), (signature, len)) = (input(data), input(signature));
        // SAFETY: inputs of their lengths.
        let rv = unsafe { self.api.library.C_Verify(self.session.0, data, data_len, signature, len) };
        answer(rv, "C_Verify")
    }
}
