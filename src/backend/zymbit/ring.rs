//! The keys of a device: which slots hold one, read anew as they may have changed, and the public halves, read once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::link::{Link, Repeat, device_error};
use super::model::{FIRST_GENERATED, Model};
use super::objects::{Builder, DeviceKey, Name, Pair, okp, weierstrass};
use super::raw::{KeyType, Slot};
use super::settings::Settings;
use crate::backend::held::{self, Object, Target};
use crate::crypto::PublicKey;
use crate::error::{Error, ErrorKind, Result};
use crate::object::{self, Attributes, Template};
use crate::token::{Access, ObjectHandle};
use crate::types::ck;

/// How long a list of slots is believed: other processes make and remove keys as well.
const LIST_LASTS: Duration = Duration::from_secs(1);

/// Private keys and foreign public keys are numbered apart.
type Place = (bool, Slot);

/// Which of a slot's objects a handle means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Public,
    Private,
}

/// A key and its objects.
pub struct Entry {
    /// The key.
    pub key: DeviceKey,
    /// Its objects.
    pub pair: Pair,
}

/// What is known of a slot that holds a key.
struct Known {
    public: ObjectHandle,
    private: ObjectHandle,
    name: Name,
    /// What 32 bytes of public key are, where this process made the key.
    key_type: Option<KeyType>,
    entry: Option<Arc<Entry>>,
}

/// The keys.
#[derive(Default)]
pub struct Ring {
    known: BTreeMap<Place, Known>,
    handles: BTreeMap<ObjectHandle, (Place, Half)>,
    certificates: Option<Vec<Arc<Object>>>,
    listed: Option<Instant>,
    /// The device has no list of its slots: the model says which there are.
    no_list: bool,
    /// Names that C_GenerateKeyPair gave: the device has no room for any, so that they end with the process.
    given: BTreeMap<Place, Name>,
    made: ObjectHandle,
}

/// What the ring asks of its token.
pub struct Device<'a> {
    /// The way to the device.
    pub link: &'a Link,
    /// The model.
    pub model: &'a Model,
    /// The configuration.
    pub settings: &'a Settings,
    /// What every object has.
    pub builder: Builder<'a>,
    /// Whether private keys may be used.
    pub intact: &'a dyn Fn() -> Result<()>,
}

impl Ring {
    /// Forgets which slots hold a key, but not what is in them.
    pub fn list_again(&mut self) {
        self.listed = None;
    }

    /// Takes a slot's key for another one.
    pub fn forget(&mut self, foreign: bool, slot: Slot) {
        if let Some(known) = self.known.remove(&(foreign, slot)) {
            self.handles.remove(&known.public);
            self.handles.remove(&known.private);
        }
        self.listed = None;
    }

    /// A key that was just made or stored; its objects.
    pub fn add(
        &mut self,
        device: &Device<'_>,
        foreign: bool,
        slot: Slot,
        key_type: KeyType,
        name: Option<Name>,
    ) -> Result<Arc<Entry>> {
        self.forget(foreign, slot);
        let place = (foreign, slot);
        match name {
            Some(name) => self.given.insert(place, name),
            None => self.given.remove(&place),
        };
        self.take_up(device, place);
        if let Some(known) = self.known.get_mut(&place) {
            known.key_type = Some(key_type);
        }
        self.entry(device, place)?.ok_or_else(|| no_public_key(slot))
    }

    /// The private key of a slot that holds one already; its objects.
    pub fn at(&mut self, device: &Device<'_>, slot: Slot) -> Result<Arc<Entry>> {
        let place = (false, slot);
        if !self.known.contains_key(&place) {
            self.take_up(device, place);
        }
        self.entry(device, place)?.ok_or_else(|| no_public_key(slot))
    }

    fn take_up(&mut self, device: &Device<'_>, place: Place) {
        let (foreign, slot) = place;
        let configured = device.settings.key(slot, foreign);
        let name = match (configured, self.given.get(&place)) {
            (None, Some(given)) => given.clone(),
            _ => Name::of(slot, foreign, configured),
        };
        // Counted, not made from the slot: a handle must not lead to a later key in the same slot.
        let (public, private) = (self.made + 1, self.made + 2);
        self.made += 2;
        self.handles.insert(public, (place, Half::Public));
        if !foreign {
            self.handles.insert(private, (place, Half::Private));
        }
        let key_type = configured.and_then(|key| key.key_type);
        self.known.insert(place, Known { public, private, name, key_type, entry: None });
    }

    /// Looks which slots hold a key, if it is time.
    fn list(&mut self, device: &Device<'_>) -> Result<()> {
        if self.listed.is_some_and(|at| at.elapsed() < LIST_LASTS) {
            return Ok(());
        }
        let now = Instant::now();
        let mut there: Vec<Place> =
            self.allocated(device, false)?.into_iter().map(|slot| (false, slot)).collect();
        if !there.iter().any(|(_, slot)| *slot < FIRST_GENERATED) {
            // Some lists leave the factory's keys out.
            there.extend((0..device.model.factory).map(|slot| (false, slot)));
        }
        if device.model.rich {
            there.extend(self.allocated(device, true)?.into_iter().map(|slot| (true, slot)));
        }
        let gone: Vec<Place> = self.known.keys().filter(|place| !there.contains(place)).copied().collect();
        for (foreign, slot) in gone {
            self.forget(foreign, slot);
        }
        for place in there {
            if !self.known.contains_key(&place) {
                self.take_up(device, place);
            }
        }
        self.listed = Some(now);
        Ok(())
    }

    /// The slots that the device lists; none where it has no list.
    fn allocated(&mut self, device: &Device<'_>, foreign: bool) -> Result<Vec<Slot>> {
        if self.no_list {
            return Ok(Vec::new());
        }
        match device.link.try_call(Repeat::Yes, |device| device.alloc_slots(foreign)) {
            Ok(list) => Ok(list.slots),
            Err(error) if error.is_unsupported() || !device.model.rich && !error.lost_connection() => {
                self.no_list = true;
                Ok(Vec::new())
            }
            Err(error) => Err(device_error(error)),
        }
    }

    /// A slot's key. `None` for one that can't be shown: its export is disabled, or it went in the meantime.
    fn entry(&mut self, device: &Device<'_>, place: Place) -> Result<Option<Arc<Entry>>> {
        let Some(known) = self.known.get(&place) else { return Ok(None) };
        if let Some(entry) = &known.entry {
            return Ok(Some(entry.clone()));
        }
        let Some(key) = read(device, place, known.key_type)? else { return Ok(None) };
        let pair = device.builder.pair(&key, &known.name, known.public, known.private)?;
        let entry = Arc::new(Entry { key, pair });
        if let Some(known) = self.known.get_mut(&place) {
            known.entry = Some(entry.clone());
        }
        Ok(Some(entry))
    }

    fn certificates(&mut self, device: &Device<'_>) -> &[Arc<Object>] {
        let made = &mut self.made;
        self.certificates.get_or_insert_with(|| {
            let with_certificate = |key: &super::settings::KeySettings| {
                let name = Name::of(key.slot, key.foreign, Some(key));
                *made += 1;
                match certificate(key.certificate.as_ref()?, &name, device.builder.serial) {
                    Ok(attributes) => Some(Arc::new(Object::new(*made, attributes))),
                    Err(error) => {
                        tracing::warn!("slot {}: {error}; it is left out", key.slot);
                        None
                    }
                }
            };
            device.settings.keys.iter().filter_map(with_certificate).collect()
        })
    }

    /// What a handle leads to. CKR_OBJECT_HANDLE_INVALID.
    pub fn get(
        &mut self,
        device: &Device<'_>,
        access: Access,
        handle: ObjectHandle,
    ) -> Result<Target<Entry>> {
        let no_object = || Error::from(ErrorKind::ObjectHandleInvalid);
        let found = match self.handles.get(&handle).copied() {
            Some((place, half)) => {
                let entry = self.entry(device, place)?.ok_or_else(no_object)?;
                let object = match half {
                    Half::Public => Some(entry.pair.public.clone()),
                    Half::Private => entry.pair.private.clone(),
                };
                Target::half(entry, object.ok_or_else(no_object)?)
            }
            None => {
                let mut all = self.certificates.iter().flatten();
                Target::here(all.find(|object| object.handle == handle).cloned().ok_or_else(no_object)?)
            }
        };
        match held::visible(&found.object.attributes, access) {
            true => Ok(found),
            false => Err(no_object()),
        }
    }

    /// The objects that match and that the caller may see, in the order of the slots. A key is read from the device
    /// only where its name and class don't already exclude it.
    pub fn find(
        &mut self,
        device: &Device<'_>,
        access: Access,
        template: &Template,
    ) -> Result<Vec<ObjectHandle>> {
        self.list(device)?;
        let mut found = Vec::new();
        let places: Vec<Place> = self.known.keys().copied().collect();
        for place in places {
            let Some(known) = self.known.get(&place) else { continue };
            if ![ck::CKO_PUBLIC_KEY, ck::CKO_PRIVATE_KEY]
                .iter()
                .any(|class| may_match(known, *class, template))
            {
                continue;
            }
            let Some(entry) = self.entry(device, place)? else { continue };
            let halves = [Some(&entry.pair.public), entry.pair.private.as_ref()];
            let matching = halves.into_iter().flatten().filter(|object| matches(object, access, template));
            found.extend(matching.map(|object| object.handle));
        }
        let certificates =
            self.certificates(device).iter().filter(|object| matches(object, access, template));
        found.extend(certificates.map(|object| object.handle));
        Ok(found)
    }
}

/// The first certificate of a file, under a key's name.
fn certificate(path: &Path, name: &Name, serial: &str) -> Result<Attributes> {
    let found = held::certificates_in(path)?;
    held::certificate(found.first().map_or(&[], Vec::as_slice), &name.label, &name.id, serial)
}

fn no_public_key(slot: Slot) -> Error {
    Error::new(ErrorKind::DeviceError, format!("slot {slot} shows no public key"))
}

fn matches(object: &Object, access: Access, template: &Template) -> bool {
    held::visible(&object.attributes, access) && object::matches(&object.attributes, template)
}

/// Whether a key that was not read yet may be meant: by what is known without it.
fn may_match(known: &Known, class: ck::CK_OBJECT_CLASS, template: &Template) -> bool {
    let outline = Attributes::new()
        .with(ck::CKA_CLASS, class)
        .with(ck::CKA_TOKEN, true)
        .with(ck::CKA_LABEL, known.name.label.as_str())
        .with(ck::CKA_ID, known.name.id.as_slice());
    template.iter().all(|(id, wanted)| outline.get(id).is_none_or(|value| value == wanted))
}

/// Reads a slot's public key. `None` for a key that the device does not show.
fn read(device: &Device<'_>, (foreign, slot): Place, key_type: Option<KeyType>) -> Result<Option<DeviceKey>> {
    let bytes = match device.link.try_call(Repeat::Yes, |device| device.export_public_key(slot, foreign)) {
        Ok(bytes) => bytes,
        Err(error) if error.lost_connection() => return Err(device_error(error)),
        Err(error) => {
            tracing::debug!(slot, foreign, "left out, its public key is not shown: {error}");
            return Ok(None);
        }
    };
    let key = match bytes.len() {
        32 => match key_type.filter(|key_type| key_type.public_len() == 32) {
            Some(key_type) => okp(key_type, &bytes),
            None => match kind_of_32_bytes(device, (foreign, slot), &bytes)? {
                Some(key_type) => okp(key_type, &bytes),
                // Nobody may ask now.
                None => return Ok(None),
            },
        },
        _ => weierstrass(&bytes),
    };
    let Some(key) = key else {
        tracing::warn!(
            slot,
            foreign,
            "left out: what the device shows is no public key of a type that it can have"
        );
        return Ok(None);
    };
    let wallet = wallet_of(device, (foreign, slot))?;
    Ok(Some(DeviceKey { slot, foreign, key, wallet }))
}

fn wallet_of(device: &Device<'_>, (foreign, slot): Place) -> Result<Option<super::raw::WalletNode>> {
    if foreign || slot < FIRST_GENERATED || !device.model.rich {
        return Ok(None);
    }
    match device.link.try_call(Repeat::Yes, |device| device.wallet_node(slot)) {
        Ok(node) => Ok(Some(node)),
        Err(error) if error.lost_connection() => Err(device_error(error)),
        // An ordinary key.
        Err(_) => Ok(None),
    }
}

/// Ed25519 or X25519: the device does not say. X25519 with the base point gives the public key again, and nothing else
/// does; that is a use of the private key, so that it waits for an intact perimeter. A foreign key can't be asked.
fn kind_of_32_bytes(device: &Device<'_>, (foreign, slot): Place, public: &[u8]) -> Result<Option<KeyType>> {
    const BASE: [u8; 32] = {
        let mut base = [0; 32];
        base[0] = 9;
        base
    };
    if foreign {
        return Ok(Some(KeyType::Ed25519));
    }
    if (device.intact)().is_err() {
        return Ok(None);
    }
    match device.link.try_call(Repeat::Yes, |device| device.ecdh(slot, &BASE)) {
        Ok(secret) if *secret == *public => Ok(Some(KeyType::X25519)),
        Err(error) if error.lost_connection() => Err(device_error(error)),
        _ => Ok(Some(KeyType::Ed25519)),
    }
}

/// The public key's own form, for checks of what the device answers.
pub fn public_of(entry: &Entry) -> &PublicKey {
    &entry.key.key
}
