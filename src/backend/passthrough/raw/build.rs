//! Templates and mechanisms as C structures.

mod symmetric;

use std::ffi::c_void;
use std::marker::PhantomData;

use crate::mechanism::{Mechanism, Params};
use crate::object::{RawAttribute, RawValue};
use crate::types::{ck, ulong};

/// An array of attributes, and the arrays nested in it.
pub(super) struct Template {
    attributes: Vec<ck::CK_ATTRIBUTE>,
    /// What the attributes above point to.
    _nested: Vec<Template>,
}

impl Template {
    /// Borrows the values: the array is good while `attributes` is.
    pub(super) fn new(attributes: &[RawAttribute<'_>]) -> Self {
        let mut nested = Vec::new();
        let attributes = attributes
            .iter()
            .map(|attribute| {
                let (pointer, len): (*mut c_void, usize) = match &attribute.value {
                    RawValue::Bytes(bytes) => (bytes.as_ptr().cast_mut().cast(), bytes.len()),
                    RawValue::Nested(inner) => {
                        let inner = Template::new(inner);
                        let place =
                            (inner.pointer().cast(), inner.attributes.len() * size_of::<ck::CK_ATTRIBUTE>());
                        nested.push(inner);
                        place
                    }
                };
                ck::CK_ATTRIBUTE { type_: attribute.kind, pValue: pointer, ulValueLen: ulong(len) }
            })
            .collect();
        Template { attributes, _nested: nested }
    }

    /// For a library that reads it. PKCS#11 has no `const`.
    pub(super) fn pointer(&self) -> *mut ck::CK_ATTRIBUTE {
        self.attributes.as_ptr().cast_mut()
    }

    pub(super) fn count(&self) -> ck::CK_ULONG {
        ulong(self.attributes.len())
    }
}

/// A `CK_MECHANISM` made of parsed parameters, which it borrows.
pub(super) struct BuiltMechanism<'a> {
    raw: ck::CK_MECHANISM,
    /// What `raw` points to, where that is not the borrowed value itself.
    _block: Block,
    _borrowed: PhantomData<&'a Params>,
}

enum Block {
    None,
    Ctr(Box<ck::CK_AES_CTR_PARAMS>),
    Gcm(Box<ck::CK_GCM_PARAMS>),
    Pss(Box<ck::CK_RSA_PKCS_PSS_PARAMS>),
    Oaep(Box<ck::CK_RSA_PKCS_OAEP_PARAMS>),
    Ecdh(Box<ck::CK_ECDH1_DERIVE_PARAMS>),
    Eddsa(Box<ck::CK_EDDSA_PARAMS>),
    SignContext(Box<ck::CK_SIGN_ADDITIONAL_CONTEXT>),
    Symmetric(symmetric::Block),
    HashSignContext(Box<ck::CK_HASH_SIGN_ADDITIONAL_CONTEXT>),
}

/// Bytes as a parameter structure has them.
fn bytes(value: &[u8]) -> (*mut u8, ck::CK_ULONG) {
    (value.as_ptr().cast_mut(), ulong(value.len()))
}

fn block(params: &Params) -> Block {
    match params {
        Params::Ctr { counter_bits, block } => {
            Block::Ctr(Box::new(ck::CK_AES_CTR_PARAMS { ulCounterBits: *counter_bits, cb: *block }))
        }
        Params::Gcm { iv, aad, tag_bits } => {
            let ((iv, iv_len), (aad, aad_len)) = (bytes(iv), bytes(aad));
            Block::Gcm(Box::new(ck::CK_GCM_PARAMS {
                pIv: iv,
                ulIvLen: iv_len,
                ulIvBits: iv_len * 8,
                pAAD: aad,
                ulAADLen: aad_len,
                ulTagBits: *tag_bits,
            }))
        }
        Params::Pss { hash, mgf, salt_len } => {
            Block::Pss(Box::new(ck::CK_RSA_PKCS_PSS_PARAMS { hashAlg: *hash, mgf: *mgf, sLen: *salt_len }))
        }
        Params::Oaep { hash, mgf, label } => {
            let (label, len) = bytes(label);
            Block::Oaep(Box::new(ck::CK_RSA_PKCS_OAEP_PARAMS {
                hashAlg: *hash,
                mgf: *mgf,
                source: ck::CKZ_DATA_SPECIFIED,
                pSourceData: label.cast(),
                ulSourceDataLen: len,
            }))
        }
        Params::Ecdh { kdf, shared, public } => {
            let ((shared, shared_len), (public, public_len)) = (bytes(shared), bytes(public));
            Block::Ecdh(Box::new(ck::CK_ECDH1_DERIVE_PARAMS {
                kdf: *kdf,
                ulSharedDataLen: shared_len,
                pSharedData: shared,
                ulPublicDataLen: public_len,
                pPublicData: public,
            }))
        }
        Params::Eddsa { prehash, context } => {
            let (context, len) = bytes(context);
            Block::Eddsa(Box::new(ck::CK_EDDSA_PARAMS {
                phFlag: (*prehash).into(),
                ulContextDataLen: len,
                pContextData: context,
            }))
        }
        Params::SignContext { hedge, context } => {
            let (context, len) = bytes(context);
            Block::SignContext(Box::new(ck::CK_SIGN_ADDITIONAL_CONTEXT {
                hedgeVariant: *hedge,
                pContext: context,
                ulContextLen: len,
            }))
        }
        Params::HashSignContext { hedge, context, hash } => {
            let (context, len) = bytes(context);
            Block::HashSignContext(Box::new(ck::CK_HASH_SIGN_ADDITIONAL_CONTEXT {
                hedgeVariant: *hedge,
                pContext: context,
                ulContextLen: len,
                hash: *hash,
            }))
        }
        // keyward's own mechanisms are no other library's.
        _ => symmetric::block(params).map_or(Block::None, Block::Symmetric),
    }
}

fn place<T>(block: &mut T) -> (*mut c_void, usize) {
    (std::ptr::from_mut(block).cast(), size_of::<T>())
}

impl<'a> BuiltMechanism<'a> {
    pub(super) fn new(mechanism: &'a Mechanism) -> Self {
        let mut block = block(&mechanism.params);
        let (pointer, len) = match (&mut block, &mechanism.params) {
            (Block::Ctr(block), _) => place(&mut **block),
            (Block::Gcm(block), _) => place(&mut **block),
            (Block::Pss(block), _) => place(&mut **block),
            (Block::Oaep(block), _) => place(&mut **block),
            (Block::Ecdh(block), _) => place(&mut **block),
            (Block::Eddsa(block), _) => place(&mut **block),
            (Block::SignContext(block), _) => place(&mut **block),
            (Block::Symmetric(block), _) => block.place(),
            (Block::HashSignContext(block), _) => place(&mut **block),
            (Block::None, Params::Iv(iv)) => (iv.as_ptr().cast_mut().cast(), iv.len()),
            (Block::None, _) => (std::ptr::null_mut(), 0),
        };
        let raw =
            ck::CK_MECHANISM { mechanism: mechanism.kind, pParameter: pointer, ulParameterLen: ulong(len) };
        BuiltMechanism { raw, _block: block, _borrowed: PhantomData }
    }

    pub(super) fn pointer(&mut self) -> *mut ck::CK_MECHANISM {
        &raw mut self.raw
    }
}
