//! Keys and certificate chains out of a token, as far as the attributes of a key let it go.

use super::error::{Error, Result, failed};
use super::formats::Fields;
use super::host::Session;
use super::select::Shown;
use crate::calls;
use crate::crypto::PrivateKey;
use crate::mechanism::{Mechanism, Params, material};
use crate::module::operation::{Answer as Produced, Output};
use crate::object::{Attributes, Template, attribute};
use crate::token::ObjectHandle;
use crate::types::{SecretBytes, ck};

/// No chain of certificates is as long as this.
const MAX_CHAIN: usize = 16;

/// A private key that may leave the token; one that is sensitive only if what is written is `encrypted`.
pub fn private_key(session: &Session<'_>, key: &Shown, encrypted: bool) -> Result<PrivateKey> {
    if !key.attributes.flag(ck::CKA_EXTRACTABLE) {
        return failed("the key is not extractable: it stays in the token");
    }
    let attributes = match (key.attributes.flag(ck::CKA_SENSITIVE), encrypted) {
        (false, _) => everything(session, key.handle)?,
        (true, true) => through_wrapping(session, key)?,
        (true, false) => return failed("the key is sensitive: it leaves the token under a passphrase only"),
    };
    Ok(PrivateKey::from_pkcs8(&material::wrap_encoding(&attributes)?)?)
}

/// The value of a secret key that may be seen.
pub fn secret_key(session: &Session<'_>, key: &Shown) -> Result<SecretBytes> {
    if key.attributes.flag(ck::CKA_SENSITIVE) || !key.attributes.flag(ck::CKA_EXTRACTABLE) {
        return failed("the key is sensitive or not extractable: its value stays in the token");
    }
    Ok(material::wrap_encoding(&everything(session, key.handle)?)?)
}

fn everything(session: &Session<'_>, object: ObjectHandle) -> Result<Attributes> {
    let all: Vec<ck::CK_ATTRIBUTE_TYPE> = attribute::all().map(|row| row.id).collect();
    session.attributes(object, &all)
}

/// A sensitive key as any application gets at it that may wrap it: C_WrapKey with a key of this session, and
/// C_UnwrapKey into a session object that shows its value. CKA_WRAP_WITH_TRUSTED forbids it.
fn through_wrapping(session: &Session<'_>, key: &Shown) -> Result<Attributes> {
    let (module, handle) = (session.module, session.handle);
    let none = |kind| Mechanism { kind, params: Params::None };
    let template = Template::new()
        .with(ck::CKA_CLASS, ck::CKO_SECRET_KEY)
        .with(ck::CKA_KEY_TYPE, ck::CKK_AES)
        .with(ck::CKA_VALUE_LEN, 32)
        .with(ck::CKA_TOKEN, false)
        .with(ck::CKA_WRAP, true)
        .with(ck::CKA_UNWRAP, true);
    let wrapping = calls::key::generate(module, handle, &none(ck::CKM_AES_KEY_GEN), template)?;
    let mechanism = none(ck::CKM_AES_KEY_WRAP_KWP);
    let wrap =
        |output: Output<'_>| calls::key::wrap(module, handle, &mechanism, wrapping, key.handle, output);
    let mut wrapped = match wrap(Output::Size)? {
        Produced::Size(len) | Produced::TooSmall(len) | Produced::Written(len) => vec![0; len],
    };
    wrap(Output::Buffer(&mut wrapped))?;
    let template = Template::new()
        .with(ck::CKA_CLASS, ck::CKO_PRIVATE_KEY)
        .with(ck::CKA_KEY_TYPE, key.attributes.key_type().unwrap_or(ck::CKK_VENDOR_DEFINED))
        .with(ck::CKA_TOKEN, false)
        .with(ck::CKA_SENSITIVE, false)
        .with(ck::CKA_EXTRACTABLE, true);
    let copy = calls::key::unwrap(module, handle, &mechanism, wrapping, &wrapped, template)?;
    let attributes = everything(session, copy)?;
    for object in [copy, wrapping] {
        calls::object::destroy(module, handle, object)?;
    }
    Ok(attributes)
}

/// The certificates for a private key: its own and those of its issuers; none if the token has none for it.
pub fn chain_of_key(session: &Session<'_>, key: &PrivateKey) -> Result<Vec<Vec<u8>>> {
    let own = Template::new()
        .with(ck::CKA_CLASS, ck::CKO_CERTIFICATE)
        .with(ck::CKA_PUBLIC_KEY_INFO, key.public().to_spki()?);
    match session.find(&own)?.first() {
        Some(leaf) => match certificate(session, *leaf)? {
            Some(leaf) => chain(session, &leaf),
            None => Ok(Vec::new()),
        },
        None => Ok(Vec::new()),
    }
}

/// A certificate and those of its issuers that the token has.
pub fn chain(session: &Session<'_>, leaf: &[u8]) -> Result<Vec<Vec<u8>>> {
    let mut chain = vec![leaf.to_vec()];
    while let Some(last) = chain.last().filter(|_| chain.len() < MAX_CHAIN) {
        let fields = Fields::of(last)
            .map_err(|error| Error::Failed(format!("the certificate can't be read: {error}")))?;
        if fields.is_self_issued() {
            break;
        }
        let issuer = Template::new()
            .with(ck::CKA_CLASS, ck::CKO_CERTIFICATE)
            .with(ck::CKA_SUBJECT, fields.issuer.as_slice());
        let found = session.find(&issuer)?;
        let next = found.first().map(|issuer| certificate(session, *issuer)).transpose()?.flatten();
        match next {
            Some(next) if !chain.contains(&next) => chain.push(next),
            _ => break,
        }
    }
    Ok(chain)
}

fn certificate(session: &Session<'_>, object: ObjectHandle) -> Result<Option<Vec<u8>>> {
    let value = session.attributes(object, &[ck::CKA_VALUE])?;
    Ok(value.bytes(ck::CKA_VALUE).map(<[u8]>::to_vec))
}
