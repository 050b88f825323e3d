//! Objects and keys: creation, attributes, search, generation, wrapping, derivation.

use cryptoki_sys::*;

use super::{Object, Session, input, output};
use crate::attr::Request;
use crate::{Attr, Fetched, Mech, RawTemplate, Rv, call, size, ulen};

impl Session {
    /// C_CreateObject.
    pub fn create(&self, template: &[Attr]) -> Result<Object, Rv> {
        let mut raw = RawTemplate::new(template);
        self.one(|object| {
            call!(self.module, C_CreateObject(self.handle, raw.as_mut_ptr(), raw.count(), object))
        })
    }

    /// C_CopyObject; an empty template is passed as (NULL, 0).
    pub fn copy(&self, object: Object, template: &[Attr]) -> Result<Object, Rv> {
        let mut raw = RawTemplate::new(template);
        self.one(|copy| {
            call!(self.module, C_CopyObject(self.handle, object, raw.as_mut_ptr(), raw.count(), copy))
        })
    }

    /// C_DestroyObject.
    pub fn destroy(&self, object: Object) -> Result<(), Rv> {
        Rv::check(call!(self.module, C_DestroyObject(self.handle, object)).0)
    }

    /// C_GetObjectSize.
    pub fn object_size(&self, object: Object) -> Result<CK_ULONG, Rv> {
        let mut bytes = 0;
        Rv::check(call!(self.module, C_GetObjectSize(self.handle, object, &mut bytes)).0).map(|()| bytes)
    }

    /// C_SetAttributeValue.
    pub fn set(&self, object: Object, template: &[Attr]) -> Result<(), Rv> {
        let mut raw = RawTemplate::new(template);
        let rv = call!(self.module, C_SetAttributeValue(self.handle, object, raw.as_mut_ptr(), raw.count()));
        Rv::check(rv.0)
    }

    /// One attribute's value: a size query, then the value.
    pub fn get(&self, object: Object, kind: CK_ATTRIBUTE_TYPE) -> Result<Vec<u8>, Rv> {
        let (rv, sizes) = self.fetch(object, &[(kind, 0)]);
        Rv::check(rv.0)?;
        let Some(length) = sizes.first().map(|row| size(row.len)).filter(|length| *length <= 1 << 24) else {
            return Err(Rv(CKR_ATTRIBUTE_TYPE_INVALID));
        };
        if length == 0 {
            return Ok(Vec::new());
        }
        let (rv, mut rows) = self.fetch(object, &[(kind, length)]);
        Rv::check(rv.0)?;
        Ok(rows.pop().map(|row| row.value).unwrap_or_default())
    }

    /// One CK_BBOOL attribute.
    pub fn get_bool(&self, object: Object, kind: CK_ATTRIBUTE_TYPE) -> Result<bool, Rv> {
        self.get(object, kind).map(|value| value.first().is_some_and(|byte| *byte != 0))
    }

    /// One CK_ULONG attribute; CKR_ATTRIBUTE_VALUE_INVALID where the module gives another length.
    pub fn get_ulong(&self, object: Object, kind: CK_ATTRIBUTE_TYPE) -> Result<CK_ULONG, Rv> {
        let value = self.get(object, kind)?;
        let bytes = value.as_slice().try_into().map_err(|_| Rv(CKR_ATTRIBUTE_VALUE_INVALID))?;
        Ok(CK_ULONG::from_ne_bytes(bytes))
    }

    /// C_GetAttributeValue as it is: each type with a buffer of the given bytes (0: null pointer), the
    /// return value and what the call left in the template.
    pub fn fetch(&self, object: Object, wanted: &[(CK_ATTRIBUTE_TYPE, usize)]) -> (Rv, Vec<Fetched>) {
        let mut request = Request::new(wanted);
        let rv = call!(
            self.module,
            C_GetAttributeValue(
                self.handle,
                object,
                request.attributes.as_mut_ptr(),
                ulen(request.attributes.len())
            )
        );
        (rv, request.finish())
    }

    /// C_FindObjectsInit.
    pub fn find_init(&self, template: &[Attr]) -> Result<(), Rv> {
        let mut raw = RawTemplate::new(template);
        Rv::check(call!(self.module, C_FindObjectsInit(self.handle, raw.as_mut_ptr(), raw.count())).0)
    }

    /// C_FindObjects: at most `limit` handles.
    pub fn find_next(&self, limit: usize) -> Result<Vec<Object>, Rv> {
        let mut objects = vec![CK_INVALID_HANDLE; limit];
        let mut count = 0;
        let rv =
            call!(self.module, C_FindObjects(self.handle, objects.as_mut_ptr(), ulen(limit), &mut count));
        Rv::check(rv.0)?;
        objects.truncate(size(count));
        Ok(objects)
    }

    /// C_FindObjectsFinal.
    pub fn find_final(&self) -> Result<(), Rv> {
        Rv::check(call!(self.module, C_FindObjectsFinal(self.handle)).0)
    }

    /// A whole search: every object that matches.
    pub fn find(&self, template: &[Attr]) -> Result<Vec<Object>, Rv> {
        self.find_init(template)?;
        let mut found = Vec::new();
        loop {
            let page = self.find_next(64).inspect_err(|_| {
                let _ = self.find_final();
            })?;
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        self.find_final()?;
        Ok(found)
    }

    /// C_GenerateKey.
    pub fn generate_key(&self, mech: &Mech, template: &[Attr]) -> Result<Object, Rv> {
        let (mut mech, mut raw) = (mech.raw(), RawTemplate::new(template));
        self.one(|key| {
            call!(self.module, C_GenerateKey(self.handle, &mut mech, raw.as_mut_ptr(), raw.count(), key))
        })
    }

    /// C_GenerateKeyPair: the public key, then the private key.
    pub fn generate_pair(
        &self,
        mech: &Mech,
        public: &[Attr],
        private: &[Attr],
    ) -> Result<(Object, Object), Rv> {
        let mut mech = mech.raw();
        let (mut public, mut private) = (RawTemplate::new(public), RawTemplate::new(private));
        let (mut public_key, mut private_key) = (CK_INVALID_HANDLE, CK_INVALID_HANDLE);
        let rv = call!(
            self.module,
            C_GenerateKeyPair(
                self.handle,
                &mut mech,
                public.as_mut_ptr(),
                public.count(),
                private.as_mut_ptr(),
                private.count(),
                &mut public_key,
                &mut private_key,
            )
        );
        Rv::check(rv.0).map(|()| (public_key, private_key))
    }

    /// C_WrapKey.
    pub fn wrap(&self, mech: &Mech, wrapping: Object, key: Object) -> Result<Vec<u8>, Rv> {
        output(0, |wrapped, len| {
            call!(self.module, C_WrapKey(self.handle, &mut mech.raw(), wrapping, key, wrapped, len))
        })
    }

    /// C_UnwrapKey.
    pub fn unwrap(
        &self,
        mech: &Mech,
        unwrapping: Object,
        wrapped: &[u8],
        template: &[Attr],
    ) -> Result<Object, Rv> {
        let (mut mech, mut raw) = (mech.raw(), RawTemplate::new(template));
        let (wrapped, len) = input(wrapped);
        self.one(|key| {
            call!(
                self.module,
                C_UnwrapKey(
                    self.handle,
                    &mut mech,
                    unwrapping,
                    wrapped,
                    len,
                    raw.as_mut_ptr(),
                    raw.count(),
                    key
                )
            )
        })
    }

    /// C_DeriveKey.
    pub fn derive(&self, mech: &Mech, base: Object, template: &[Attr]) -> Result<Object, Rv> {
        let (mut mech, mut raw) = (mech.raw(), RawTemplate::new(template));
        self.one(|key| {
            call!(self.module, C_DeriveKey(self.handle, &mut mech, base, raw.as_mut_ptr(), raw.count(), key))
        })
    }

    /// C_EncapsulateKey: the ciphertext and the shared secret's key.
    pub fn encapsulate(
        &self,
        mech: &Mech,
        public: Object,
        template: &[Attr],
    ) -> Result<(Vec<u8>, Object), Rv> {
        let (mut mech, mut raw) = (mech.raw(), RawTemplate::new(template));
        let mut ciphertext = vec![0; 8192];
        let (mut len, mut key) = (ulen(ciphertext.len()), CK_INVALID_HANDLE);
        let rv = call!(
            self.module,
            C_EncapsulateKey(
                self.handle,
                &mut mech,
                public,
                raw.as_mut_ptr(),
                raw.count(),
                ciphertext.as_mut_ptr(),
                &mut len,
                &mut key,
            )
        );
        Rv::check(rv.0)?;
        ciphertext.truncate(size(len));
        Ok((ciphertext, key))
    }

    /// C_DecapsulateKey.
    pub fn decapsulate(
        &self,
        mech: &Mech,
        private: Object,
        ciphertext: &[u8],
        template: &[Attr],
    ) -> Result<Object, Rv> {
        let (mut mech, mut raw) = (mech.raw(), RawTemplate::new(template));
        let (ciphertext, len) = input(ciphertext);
        self.one(|key| {
            call!(
                self.module,
                C_DecapsulateKey(
                    self.handle,
                    &mut mech,
                    private,
                    raw.as_mut_ptr(),
                    raw.count(),
                    ciphertext,
                    len,
                    key
                )
            )
        })
    }

    /// Runs a call that gives one handle.
    fn one(&self, mut call: impl FnMut(*mut Object) -> Rv) -> Result<Object, Rv> {
        let mut object = CK_INVALID_HANDLE;
        Rv::check(call(&mut object).0).map(|()| object)
    }
}
