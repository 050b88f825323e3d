//! What a device does with its private keys for an operation: signing, agreement; making pairs and wallets.

use std::sync::Arc;

use super::link::{Repeat, device_error};
use super::objects::{Name, curve_type, to_device};
use super::raw::{self, Device, KeyType, NewWallet, Slot};
use super::ring::{Entry, public_of};
use super::token::ZymbitToken;
use crate::backend::held;
use crate::crypto::{Curve, PublicKey};
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::external::Signer;
use crate::mechanism::{Params, material};
use crate::object::{self, Attributes, Template, Value};
use crate::token::{Access, ObjectHandle};
use crate::types::{SecretBytes, ck};

const SIGNATURE_LEN: usize = 64;

/// A label and an ID, of which a template may give one.
type GivenName = (Option<String>, Option<Vec<u8>>);

/// Signs digests with a slot's key.
pub(super) struct DeviceSigner {
    pub(super) token: Arc<ZymbitToken>,
    pub(super) entry: Arc<Entry>,
    /// Whether the recovery ID is wanted behind the signature.
    pub(super) recoverable: bool,
}

impl Signer for DeviceSigner {
    fn signature_len(&self) -> usize {
        SIGNATURE_LEN + usize::from(self.recoverable)
    }

    fn sign(&self, data: &[u8], out: &mut [u8]) -> Result<()> {
        let digest: &[u8; 32] = data.try_into().map_err(|_| {
            Error::new(
                ErrorKind::DataLenRange,
                "the device signs digests of exactly 32 bytes, such as SHA-256's",
            )
        })?;
        self.token.expect_intact()?;
        let slot = self.entry.key.slot;
        let (signature, id) = self.token.link.call(Repeat::Yes, |device| match self.recoverable {
            true => device.sign_digest_recoverable(slot, digest),
            false => device.sign_digest(slot, digest).map(|signature| (signature, 0)),
        })?;
        self.expect_own(digest, &signature)?;
        let (target, rest) = out.split_at_mut_checked(SIGNATURE_LEN).ok_or(ErrorKind::BufferTooSmall)?;
        target.copy_from_slice(&signature);
        if let Some(target) = rest.first_mut() {
            *target = id;
        }
        Ok(())
    }
}

impl DeviceSigner {
    /// A look at the signature costs little beside the device: it finds garbled answers, and slots whose key another
    /// process has replaced.
    fn expect_own(&self, digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> Result<()> {
        let PublicKey::Ec(key) = public_of(&self.entry) else {
            return Err(ErrorKind::KeyTypeInconsistent.into());
        };
        if key.verify(digest, signature).is_ok() {
            return Ok(());
        }
        let slot = self.entry.key.slot;
        self.token.ring().forget(false, slot);
        let why = format!("slot {slot} signed with another key than it showed, or the signature was garbled");
        Err(Error::new(ErrorKind::DeviceError, why))
    }
}

impl ZymbitToken {
    /// The raw secret of a slot's key and a checked peer's.
    pub(super) fn agree(&self, slot: Slot, peer: &PublicKey) -> Result<SecretBytes> {
        let (_, peer) = to_device(peer).ok_or(ErrorKind::PublicKeyInvalid)?;
        self.expect_intact()?;
        self.link.call(Repeat::Yes, |device| device.ecdh(slot, &peer))
    }

    /// Lets the device make a key and takes it up under a name. What can't be taken up is removed again.
    pub(super) fn make(
        &self,
        key_type: KeyType,
        name: Option<GivenName>,
        make: impl Fn(&Device) -> raw::Result<Slot>,
    ) -> Result<Arc<Entry>> {
        self.expect_intact()?;
        let slot = self.link.try_call(Repeat::No, make).map_err(full)?;
        let name = name.map(|(label, id)| {
            let default = Name::of(slot, false, None);
            Name { label: label.unwrap_or(default.label), id: id.unwrap_or(default.id) }
        });
        if let Some(name) = &name {
            let id: String = name.id.iter().map(|byte| format!("{byte:02x}")).collect();
            tracing::warn!(
                "slot {slot} of {}: the device keeps no names, so {:?} lasts as long as this process; to keep it: \
                 [[slot.key]] slot = {slot}, label = {:?}, id = \"{id}\"",
                self.name(),
                name.label,
                name.label,
            );
        }
        let made = self.with_ring(|ring, device| ring.add(device, false, slot, key_type, name));
        match made {
            Ok(entry) => {
                if self.model.forgets && entry.key.wallet.is_none() {
                    tracing::warn!("slot {slot} of {}: this model loses the key at a reboot", self.name());
                }
                Ok(entry)
            }
            Err(error) => {
                let _ = self.link.call(Repeat::No, |device| device.remove_key(slot, false));
                Err(error)
            }
        }
    }

    /// CKM_KEYWARD_BIP32_CHILD_DERIVE: the child's private key. One that is there already is the same key.
    pub(super) fn derive_child(
        &self,
        access: Access,
        parent: &Entry,
        index: u32,
        hardened: bool,
        template: &Template,
    ) -> Result<ObjectHandle> {
        let Some(node) = &parent.key.wallet else {
            return Err(Error::new(ErrorKind::KeyTypeInconsistent, "the key is in no wallet"));
        };
        expect_child(template)?;
        if !access.read_write {
            return Err(Error::new(ErrorKind::SessionReadOnly, "a wallet's child is a token object"));
        }
        let (key_type, _) = to_device(public_of(parent)).ok_or(ErrorKind::KeyTypeInconsistent)?;
        let mark = if hardened { "'" } else { "" };
        let address = format!("{}/{index}{mark}", node.address);
        let name = template_name(|id| template.bytes(id));
        self.expect_intact()?;
        // Only a device that knows wallets answers with a slot, and then with this child's.
        let there = self.link.try_call(Repeat::Yes, |device| device.wallet_slot(&address, &node.wallet));
        let entry = match there {
            Ok(slot) => self.with_ring(|ring, device| ring.at(device, slot))?,
            Err(error) if error.lost_connection() => return Err(device_error(error)),
            Err(_) => self.make(key_type, name, |device| {
                device.gen_wallet_child_key(parent.key.slot, index, hardened)
            })?,
        };
        let private = entry.pair.private.as_ref().ok_or(ErrorKind::DeviceError)?;
        Ok(private.handle)
    }
}

/// A wallet's master key; its recovery sentence goes where the caller wants it.
pub(super) fn make_wallet(device: &Device, key_type: KeyType, params: &Params) -> raw::Result<Slot> {
    let (name, reply) = match params {
        Params::Bip32Master { name, mnemonic } => (name.as_str(), mnemonic.as_ref()),
        _ => ("", None),
    };
    let own;
    let name = match name {
        "" => {
            let id = held::unique_id().map_err(|_| raw::Error::Argument("no random name for the wallet"))?;
            own = format!("keyward-{}", id.get(..8).unwrap_or(&id));
            &own
        }
        name => name,
    };
    let wallet = NewWallet { key_type, variant: "", name, mnemonic: reply.is_some() };
    let (slot, sentence) = device.gen_wallet_master_seed_bip39(&wallet)?;
    if let (Some(reply), Some(sentence)) = (reply, sentence) {
        reply.put(sentence);
    }
    Ok(slot)
}

/// What a failure to make a key is.
fn full(error: raw::Error) -> Error {
    match error.errno() {
        Some(libc::ENOSPC) => Error::new(ErrorKind::DeviceMemory, "no key slot of the device is free"),
        Some(libc::EEXIST) => {
            Error::new(ErrorKind::FunctionRejected, "the device has a wallet of this name already")
        }
        _ => device_error(error),
    }
}

/// The device's type of the pair that a public key's template asks for. CKR_CURVE_NOT_SUPPORTED.
pub(super) fn key_type(public: &Attributes) -> Result<KeyType> {
    let params = public.bytes(ck::CKA_EC_PARAMS).unwrap_or_default();
    let found = match public.key_type() {
        Some(ck::CKK_EC) => Curve::from_oid_der(params).ok().and_then(curve_type),
        Some(ck::CKK_EC_EDWARDS) => material::is_okp(public).then_some(KeyType::Ed25519),
        Some(ck::CKK_EC_MONTGOMERY) => material::is_okp(public).then_some(KeyType::X25519),
        _ => None,
    };
    found
        .ok_or_else(|| Error::new(ErrorKind::CurveNotSupported, "CKA_EC_PARAMS names no curve of the device"))
}

/// What the templates of a pair ask for that a device can't do. CKR_TEMPLATE_INCONSISTENT.
pub(super) fn expect_possible(public: &Attributes, private: &Attributes) -> Result<()> {
    let refuse = |why| Err(Error::new(ErrorKind::TemplateInconsistent, why));
    match () {
        () if !object::is_token(public) || !object::is_token(private) => {
            refuse("CKA_TOKEN has to be true in both templates: pairs are made in the device and stay there")
        }
        () if private.flag(ck::CKA_EXTRACTABLE) => refuse("CKA_EXTRACTABLE: keys never leave the device"),
        () if !private.flag(ck::CKA_SENSITIVE) => refuse("CKA_SENSITIVE: keys never leave the device"),
        () => Ok(()),
    }
}

/// What a wallet's child can be asked to be. CKR_TEMPLATE_INCONSISTENT for anything else.
fn expect_child(template: &Template) -> Result<()> {
    let fixed: [(ck::CK_ATTRIBUTE_TYPE, Value); 7] = [
        (ck::CKA_CLASS, ck::CKO_PRIVATE_KEY.into()),
        (ck::CKA_KEY_TYPE, ck::CKK_EC.into()),
        (ck::CKA_TOKEN, true.into()),
        (ck::CKA_SENSITIVE, true.into()),
        (ck::CKA_EXTRACTABLE, false.into()),
        (ck::CKA_SIGN, true.into()),
        (ck::CKA_DERIVE, true.into()),
    ];
    for (id, value) in template.iter() {
        let fits = match fixed.iter().find(|(of, _)| *of == id) {
            Some((_, only)) => only == value,
            None => [ck::CKA_LABEL, ck::CKA_ID, ck::CKA_PRIVATE].contains(&id),
        };
        if !fits {
            let why = format!("{} of a wallet's child is not for the template", object::attribute::name(id));
            return Err(Error::new(ErrorKind::TemplateInconsistent, why));
        }
    }
    match template.flag(ck::CKA_TOKEN) {
        Some(true) => Ok(()),
        _ => Err(Error::new(
            ErrorKind::TemplateInconsistent,
            "CKA_TOKEN has to be true: a wallet's child is made in the device and stays there",
        )),
    }
}

/// The label and ID that a template gives, if it gives any.
fn template_name<'a>(get: impl Fn(ck::CK_ATTRIBUTE_TYPE) -> Option<&'a [u8]>) -> Option<GivenName> {
    let given = |id| get(id).filter(|value| !value.is_empty());
    let label = given(ck::CKA_LABEL).map(|label| String::from_utf8_lossy(label).into_owned());
    let id = given(ck::CKA_ID).map(<[u8]>::to_vec);
    (label.is_some() || id.is_some()).then_some((label, id))
}

pub(super) fn name_of(private: &Attributes) -> Option<GivenName> {
    template_name(|id| private.bytes(id))
}
