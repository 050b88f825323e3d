//! What a key slot looks like as objects.

use std::sync::Arc;

use super::model::{FIRST_GENERATED, Model};
use super::raw::{KeyType, Slot, WalletNode};
use super::settings::KeySettings;
use crate::backend::held::{self, Object};
use crate::crypto::{Curve, EcPublic, Ed25519Public, OkpCurve, PublicKey, X25519Public};
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::material;
use crate::object::{self, Attributes, Caller, Template};
use crate::token::ObjectHandle;
use crate::types::ck;

/// Everything is allowed to whoever builds the token's own objects.
const OWNER: Caller = Caller { so: true, user: true };

/// What a key is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// CKA_LABEL.
    pub label: String,
    /// CKA_ID.
    pub id: Vec<u8>,
}

impl Name {
    /// The name of a key that nobody gave one, but for what the configuration says.
    pub fn of(slot: Slot, foreign: bool, configured: Option<&KeySettings>) -> Name {
        let kind = if foreign { "zymbit-foreign" } else { "zymbit-slot" };
        let label = configured.and_then(|key| key.label.clone());
        let id = configured.and_then(|key| key.id.clone());
        Name {
            label: label.unwrap_or_else(|| format!("{kind}-{slot}")),
            id: id.unwrap_or(default_id(slot, foreign)),
        }
    }
}

/// One byte, or two from 256 on; behind an F for foreign keys, which have numbers of their own.
fn default_id(slot: Slot, foreign: bool) -> Vec<u8> {
    let [.., high, low] = slot.to_be_bytes();
    let number: &[u8] = if high == 0 { &[low] } else { &[high, low] };
    let kind: &[u8] = if foreign { b"F" } else { b"" };
    [kind, number].concat()
}

/// A slot's key, read from the device.
pub struct DeviceKey {
    /// Its slot.
    pub slot: Slot,
    /// Whether it is somebody else's public key.
    pub foreign: bool,
    /// The public half.
    pub key: PublicKey,
    /// Where it is in a wallet.
    pub wallet: Option<WalletNode>,
}

/// Its objects.
pub struct Pair {
    /// The public key.
    pub public: Arc<Object>,
    /// The private key; none for a foreign key.
    pub private: Option<Arc<Object>>,
}

/// A public key as the device shows it. `None` for 64 bytes that are on neither curve.
pub fn weierstrass(coordinates: &[u8]) -> Option<PublicKey> {
    let point = [&[0x04], coordinates].concat();
    // No point is on both: each curve's equation excludes nearly every point of the other.
    [Curve::P256, Curve::Secp256k1]
        .into_iter()
        .find_map(|curve| EcPublic::from_point(curve, &point).ok())
        .map(PublicKey::Ec)
}

/// 32 bytes of this type.
pub fn okp(key_type: KeyType, bytes: &[u8]) -> Option<PublicKey> {
    match key_type {
        KeyType::Ed25519 => Ed25519Public::new(bytes).ok().map(PublicKey::Ed25519),
        _ => X25519Public::new(bytes).ok().map(PublicKey::X25519),
    }
}

/// A public key as the device takes it.
pub fn to_device(key: &PublicKey) -> Option<(KeyType, Vec<u8>)> {
    match key {
        PublicKey::Ec(key) => {
            let key_type = curve_type(key.curve())?;
            Some((key_type, key.point().get(1..)?.to_vec()))
        }
        PublicKey::Ed25519(key) => Some((KeyType::Ed25519, key.bytes().to_vec())),
        PublicKey::X25519(key) => Some((KeyType::X25519, key.bytes().to_vec())),
        _ => None,
    }
}

/// The device's type of a short Weierstrass curve.
pub fn curve_type(curve: Curve) -> Option<KeyType> {
    match curve {
        Curve::P256 => Some(KeyType::P256),
        Curve::Secp256k1 => Some(KeyType::Secp256k1),
        _ => None,
    }
}

/// How PKCS#11 calls a key: its type, the mechanism that makes one, CKA_EC_PARAMS.
fn terms(key: &PublicKey) -> Option<(ck::CK_KEY_TYPE, ck::CK_MECHANISM_TYPE, &'static [u8])> {
    Some(match key {
        PublicKey::Ec(key) => (ck::CKK_EC, ck::CKM_EC_KEY_PAIR_GEN, key.curve().oid_der()),
        PublicKey::Ed25519(_) => {
            (ck::CKK_EC_EDWARDS, ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, OkpCurve::Ed25519.oid_der())
        }
        PublicKey::X25519(_) => {
            (ck::CKK_EC_MONTGOMERY, ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, OkpCurve::X25519.oid_der())
        }
        _ => return None,
    })
}

/// What a key of the device may be used with.
fn allowed(key: &DeviceKey, model: &Model) -> Vec<ck::CK_MECHANISM_TYPE> {
    let signs = [ck::CKM_ECDSA, ck::CKM_ECDSA_SHA256];
    let mut allowed = Vec::new();
    match &key.key {
        PublicKey::Ec(_) if model.rich => {
            allowed.extend(signs);
            allowed.extend([ck::CKM_KEYWARD_ECDSA_RECOVERABLE, ck::CKM_ECDH1_DERIVE]);
        }
        PublicKey::Ec(_) => allowed.extend(signs),
        PublicKey::X25519(_) => allowed.push(ck::CKM_ECDH1_DERIVE),
        _ => {}
    }
    if key.wallet.is_some() {
        allowed.push(ck::CKM_KEYWARD_BIP32_CHILD_DERIVE);
    }
    allowed
}

/// What a key's objects have in common with those of other keys.
pub struct Builder<'a> {
    /// The device's model.
    pub model: &'a Model,
    /// The device's serial number, for CKA_UNIQUE_ID.
    pub serial: &'a str,
    /// Whether private keys are CKA_PRIVATE: only where there is a login.
    pub private: bool,
}

impl Builder<'_> {
    /// The objects of a key, with these handles.
    pub fn pair(
        &self,
        key: &DeviceKey,
        name: &Name,
        public: ObjectHandle,
        private: ObjectHandle,
    ) -> Result<Pair> {
        let (mut public_half, mut private_half) = self.templates(key, name)?;
        material::write_public(&mut public_half, &key.key)?;
        for id in [ck::CKA_EC_PARAMS, ck::CKA_EC_POINT, ck::CKA_PUBLIC_KEY_INFO] {
            if let Some(value) = public_half.get(id) {
                private_half.set(id, value.clone());
            }
        }
        for half in [&mut public_half, &mut private_half] {
            if let Some(wallet) = &key.wallet {
                half.set(ck::CKA_KEYWARD_WALLET_NAME, wallet.wallet.as_str());
                half.set(ck::CKA_KEYWARD_WALLET_ADDRESS, wallet.address.as_str());
            }
            let unique = self.unique_id(key, half);
            object::finish(half, &unique);
        }
        if key.foreign {
            public_half.set(ck::CKA_LOCAL, false);
            public_half.set(ck::CKA_KEY_GEN_MECHANISM, ck::CK_UNAVAILABLE_INFORMATION);
        }
        Ok(Pair {
            public: Arc::new(Object::new(public, public_half)),
            private: (!key.foreign).then(|| Arc::new(Object::new(private, private_half))),
        })
    }

    fn templates(&self, key: &DeviceKey, name: &Name) -> Result<(Attributes, Attributes)> {
        let no_type = || Error::new(ErrorKind::DeviceError, "a key of a type that no device has");
        let (key_type, made_by, params) = terms(&key.key).ok_or_else(no_type)?;
        let allowed = allowed(key, self.model);
        let signs = allowed.contains(&ck::CKM_ECDSA);
        let derives =
            allowed.contains(&ck::CKM_ECDH1_DERIVE) || allowed.contains(&ck::CKM_KEYWARD_BIP32_CHILD_DERIVE);
        let removable = self.model.rich && (key.foreign || key.slot >= FIRST_GENERATED);
        let common = Template::new()
            .with(ck::CKA_TOKEN, true)
            .with(ck::CKA_LABEL, name.label.as_str())
            .with(ck::CKA_ID, name.id.as_slice())
            .with(ck::CKA_MODIFIABLE, false)
            .with(ck::CKA_COPYABLE, false);
        let mut public = common
            .clone()
            .with(ck::CKA_PRIVATE, false)
            // Removing a pair removes both halves: it is done by the private one.
            .with(ck::CKA_DESTROYABLE, removable && key.foreign)
            .with(ck::CKA_EC_PARAMS, params);
        if !matches!(key.key, PublicKey::X25519(_)) {
            public = public.with(ck::CKA_VERIFY, true);
        }
        let mut private = common
            .with(ck::CKA_PRIVATE, self.private)
            .with(ck::CKA_DESTROYABLE, removable)
            .with(ck::CKA_SENSITIVE, true)
            .with(ck::CKA_EXTRACTABLE, false)
            .with(ck::CKA_DERIVE, derives)
            .with(ck::CKA_ALLOWED_MECHANISMS, allowed);
        if !matches!(key.key, PublicKey::X25519(_)) {
            private = private.with(ck::CKA_SIGN, signs);
        }
        object::generate_pair(public, private, made_by, &[key_type], &OWNER)
    }

    /// The same in every process, another one for another key in the slot.
    fn unique_id(&self, key: &DeviceKey, half: &Attributes) -> String {
        let what = format!("{} {} {} {} ", self.serial, key.foreign, key.slot, half.class());
        let info = half.bytes(ck::CKA_PUBLIC_KEY_INFO).unwrap_or_default();
        held::hash_text(&[what.as_bytes(), info].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_have_names() {
        let name = |slot, foreign| Name::of(slot, foreign, None);
        assert_eq!(name(0, false), Name { label: "zymbit-slot-0".to_owned(), id: vec![0] });
        assert_eq!(name(255, false).id, [255]);
        assert_eq!(name(256, false).id, [1, 0]);
        assert_eq!(name(3, true), Name { label: "zymbit-foreign-3".to_owned(), id: vec![b'F', 3] });
        let configured = KeySettings {
            slot: 0,
            foreign: false,
            label: Some("tls".to_owned()),
            id: None,
            key_type: None,
            certificate: None,
        };
        assert_eq!(Name::of(0, false, Some(&configured)), Name { label: "tls".to_owned(), id: vec![0] });
    }

    #[test]
    fn curves_are_told_apart_by_the_point() {
        for curve in [Curve::P256, Curve::Secp256k1] {
            let key = crate::crypto::EcPrivate::generate(curve).unwrap().public();
            let PublicKey::Ec(found) = weierstrass(&key.point()[1..]).unwrap() else { panic!() };
            assert_eq!(found.curve(), curve);
        }
        assert!(weierstrass(&[7; 64]).is_none());
    }
}
