//! What keyward's own tool does on another library's token, in parsed templates and mechanisms.

use std::borrow::Cow;

use super::session::PassSession;
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::Mechanism;
use crate::mechanism::op::{Cipher, Producer, Verifier};
use crate::object::{Attributes, RawAttribute, RawValue, Template, Value};
use crate::token::{Access, Encapsulated, Foreign, ObjectHandle, Prepared, Revealed, TokenSession};
use crate::types::ck;
use crate::types::functions::Effect;

/// A template's values as the ABI has them.
struct Encoded(Vec<(ck::CK_ATTRIBUTE_TYPE, EncodedValue)>);

enum EncodedValue {
    Bytes(Vec<u8>),
    Nested(Encoded),
}

impl Encoded {
    fn new<'a>(attributes: impl Iterator<Item = (ck::CK_ATTRIBUTE_TYPE, &'a Value)>) -> Encoded {
        let encode = |value: &Value| match value {
            Value::Template(inner) => EncodedValue::Nested(Encoded::new(inner.iter())),
            value => EncodedValue::Bytes(Cow::into_owned(value.to_bytes())),
        };
        Encoded(attributes.map(|(kind, value)| (kind, encode(value))).collect())
    }

    fn raw(&self) -> Vec<RawAttribute<'_>> {
        self.0.iter().map(|(kind, encoded)| RawAttribute { kind: *kind, value: encoded.raw() }).collect()
    }
}

impl EncodedValue {
    fn raw(&self) -> RawValue<'_> {
        match self {
            EncodedValue::Bytes(bytes) => RawValue::Bytes(bytes),
            EncodedValue::Nested(inner) => RawValue::Nested(inner.raw()),
        }
    }
}

fn encoded(template: Template) -> Encoded {
    let attributes: Attributes = template.into_iter().collect();
    Encoded::new(attributes.iter())
}

/// A value as its attribute's type has it.
fn value(kind: ck::CK_ATTRIBUTE_TYPE, bytes: &[u8]) -> Revealed {
    let raw = vec![RawAttribute { kind, value: RawValue::Bytes(bytes) }];
    let parsed = Template::parse(raw).ok().and_then(|template| template.get(kind).cloned());
    parsed.ok_or(ErrorKind::AttributeTypeInvalid)
}

impl PassSession {
    /// Makes an object below; its handle here.
    fn make(&mut self, work: impl Fn(&mut Self) -> Result<ObjectHandle>) -> Result<ObjectHandle> {
        let below = work(self)?;
        self.note_made();
        Ok(self.token.handles.here(below))
    }
}

impl TokenSession for PassSession {
    fn foreign(&mut self) -> Option<&mut dyn Foreign> {
        Some(self)
    }

    fn create_object(&mut self, _access: Access, template: Template) -> Result<ObjectHandle> {
        let template = encoded(template);
        self.make(|own| own.below(Effect::Make, |_, api, session| api.create(session, &template.raw())))
    }

    fn copy_object(
        &mut self,
        _access: Access,
        object: ObjectHandle,
        template: Template,
    ) -> Result<ObjectHandle> {
        let template = encoded(template);
        self.make(|own| {
            own.below(Effect::Make, |own, api, session| {
                api.copy(session, own.token.handles.below(object), &template.raw())
            })
        })
    }

    fn destroy_object(&mut self, _access: Access, object: ObjectHandle) -> Result<()> {
        self.below(Effect::Change, |own, api, session| {
            api.destroy(session, own.token.handles.below(object))
        })?;
        self.token.finds.forget();
        self.token.handles.forget(object);
        Ok(())
    }

    fn object_size(&mut self, _access: Access, object: ObjectHandle) -> Result<usize> {
        self.below(Effect::Use, |own, api, session| api.size(session, own.token.handles.below(object)))
    }

    fn attributes(
        &mut self,
        _access: Access,
        object: ObjectHandle,
        wanted: &[ck::CK_ATTRIBUTE_TYPE],
    ) -> Result<Vec<Revealed>> {
        let values = self.below(Effect::Use, |own, api, session| {
            api.attributes(session, own.token.handles.below(object), wanted)
        })?;
        let reveal = |(kind, bytes): (&ck::CK_ATTRIBUTE_TYPE, Option<_>)| -> Revealed {
            let bytes: zeroize::Zeroizing<Vec<u8>> = bytes.ok_or(ErrorKind::AttributeTypeInvalid)?;
            value(*kind, &bytes)
        };
        Ok(wanted.iter().zip(values).map(reveal).collect())
    }

    fn set_attributes(&mut self, _access: Access, object: ObjectHandle, template: Template) -> Result<()> {
        let template = encoded(template);
        self.below(Effect::Change, |own, api, session| {
            api.set(session, own.token.handles.below(object), &template.raw())
        })?;
        self.token.finds.forget();
        Ok(())
    }

    fn find_objects(&mut self, access: Access, template: &Template) -> Result<Vec<ObjectHandle>> {
        let template = encoded(template.clone());
        self.find(access, &template.raw())
    }

    fn digest(&mut self, _mechanism: &Mechanism) -> Result<Box<dyn Producer>> {
        Err(not_for_the_tool())
    }

    fn sign(
        &mut self,
        _access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Producer>> {
        let operation = self.below(Effect::Begin(ck::CKF_SIGN), |own, api, session| {
            own.token.permits(mechanism.kind)?;
            api.sign(session, mechanism, own.token.handles.below(key))
        })?;
        self.note_begun(ck::CKF_SIGN);
        Ok(Prepared { operation: Box::new(operation), authenticate: false })
    }

    fn verify(
        &mut self,
        _access: Access,
        mechanism: &Mechanism,
        key: ObjectHandle,
    ) -> Result<Prepared<dyn Verifier>> {
        let operation = self.below(Effect::Begin(ck::CKF_VERIFY), |own, api, session| {
            own.token.permits(mechanism.kind)?;
            api.verify(session, mechanism, own.token.handles.below(key))
        })?;
        self.note_begun(ck::CKF_VERIFY);
        Ok(Prepared { operation: Box::new(operation), authenticate: false })
    }

    fn encrypt(
        &mut self,
        _access: Access,
        _mechanism: &Mechanism,
        _key: ObjectHandle,
    ) -> Result<Prepared<dyn Cipher>> {
        Err(not_for_the_tool())
    }

    fn decrypt(
        &mut self,
        _access: Access,
        _mechanism: &Mechanism,
        _key: ObjectHandle,
    ) -> Result<Prepared<dyn Cipher>> {
        Err(not_for_the_tool())
    }

    fn digest_key(
        &mut self,
        _access: Access,
        _mechanism: ck::CK_MECHANISM_TYPE,
        _key: ObjectHandle,
        _digest: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        Err(not_for_the_tool())
    }

    fn sign_recover(
        &mut self,
        _access: Access,
        _mechanism: &Mechanism,
        _key: ObjectHandle,
    ) -> Result<Prepared<dyn Producer>> {
        Err(not_for_the_tool())
    }

    fn verify_recover(
        &mut self,
        _access: Access,
        _mechanism: &Mechanism,
        _key: ObjectHandle,
    ) -> Result<Prepared<dyn Cipher>> {
        Err(not_for_the_tool())
    }

    fn generate_key(
        &mut self,
        _access: Access,
        mechanism: &Mechanism,
        template: Template,
    ) -> Result<ObjectHandle> {
        let template = encoded(template);
        self.make(|own| {
            own.below(Effect::Make, |own, api, session| {
                own.token.permits(mechanism.kind)?;
                api.generate(session, mechanism, &template.raw())
            })
        })
    }

    fn generate_key_pair(
        &mut self,
        _access: Access,
        mechanism: &Mechanism,
        public: Template,
        private: Template,
    ) -> Result<(ObjectHandle, ObjectHandle)> {
        let (public, private) = (encoded(public), encoded(private));
        let (public, private) = self.below(Effect::Make, |own, api, session| {
            own.token.permits(mechanism.kind)?;
            api.generate_pair(session, mechanism, &public.raw(), &private.raw())
        })?;
        self.note_made();
        let handles = &self.token.handles;
        Ok((handles.here(public), handles.here(private)))
    }

    fn wrap_key(
        &mut self,
        _access: Access,
        mechanism: &Mechanism,
        wrapping_key: ObjectHandle,
        key: ObjectHandle,
    ) -> Result<Vec<u8>> {
        self.below(Effect::Use, |own, api, session| {
            own.token.permits(mechanism.kind)?;
            let handles = &own.token.handles;
            api.wrap(session, mechanism, handles.below(wrapping_key), handles.below(key))
        })
    }

    fn unwrap_key(
        &mut self,
        _access: Access,
        mechanism: &Mechanism,
        unwrapping_key: ObjectHandle,
        wrapped: &[u8],
        template: Template,
    ) -> Result<ObjectHandle> {
        let template = encoded(template);
        self.make(|own| {
            own.below(Effect::Make, |own, api, session| {
                own.token.permits(mechanism.kind)?;
                let key = own.token.handles.below(unwrapping_key);
                api.unwrap(session, mechanism, key, wrapped, &template.raw())
            })
        })
    }

    fn derive_key(
        &mut self,
        _access: Access,
        mechanism: &Mechanism,
        base_key: ObjectHandle,
        template: Template,
    ) -> Result<ObjectHandle> {
        let template = encoded(template);
        self.make(|own| {
            own.below(Effect::Make, |own, api, session| {
                own.token.permits(mechanism.kind)?;
                api.derive(session, mechanism, own.token.handles.below(base_key), &template.raw())
            })
        })
    }

    fn encapsulate_key(
        &mut self,
        _access: Access,
        _mechanism: &Mechanism,
        _public_key: ObjectHandle,
        _template: Template,
        _ciphertext: Option<&mut [u8]>,
    ) -> Result<Encapsulated> {
        Err(not_for_the_tool())
    }

    fn decapsulate_key(
        &mut self,
        _access: Access,
        _mechanism: &Mechanism,
        _private_key: ObjectHandle,
        _ciphertext: &[u8],
        _template: Template,
    ) -> Result<ObjectHandle> {
        Err(not_for_the_tool())
    }

    fn random(&mut self, out: &mut [u8]) -> Result<()> {
        self.below(Effect::Use, |_, api, session| api.random(session, out))
    }

    fn seed_random(&mut self, seed: &[u8]) -> Result<()> {
        self.below(Effect::Use, |_, api, session| api.seed_random(session, seed))
    }
}

/// Applications do all this below by calls that are passed on; the tool has no use for it.
fn not_for_the_tool() -> Error {
    let why =
        "keyward's tool neither digests, encrypts, recovers nor encapsulates on another library's token";
    Error::new(ErrorKind::FunctionNotSupported, why)
}
