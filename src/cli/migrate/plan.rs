//! What becomes of each object of a source: decided before anything is written.

use std::collections::{BTreeMap, HashSet};

use super::prove;
use super::source::{Damage, Found};
use crate::cli::output::hex;
use crate::cli::progress::Bar;
use crate::cli::{keytype, select};
use crate::error::{Error, ErrorKind};
use crate::mechanism::{Key, material};
use crate::object::{self, Attributes, Value, attribute};
use crate::types::ck;

/// What becomes of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It moves.
    Move,
    /// The token has it already.
    There,
    /// keyward has no such objects.
    Unsupported(String),
    /// It can't be read, or its key does not work.
    Damaged(String),
    /// A call that failed left it behind; it was never an object that anyone could use.
    Unfinished(String),
}

/// One object of the source.
#[derive(Debug)]
pub struct Item {
    /// Where it is in the source.
    pub place: String,
    /// For people: class, type, label and ID, as far as they are known.
    pub shown: Shown,
    /// What becomes of it.
    pub fate: Fate,
    /// Attributes that are not what they were, and why.
    pub adapted: Vec<(ck::CK_ATTRIBUTE_TYPE, String)>,
    /// What will be written.
    pub attributes: Attributes,
    /// The key, as the source has it.
    pub key: Option<Key>,
    /// True once the key was used.
    pub used: bool,
}

/// What tells objects apart.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// The class's word.
    pub class: String,
    /// The type's word, empty for objects that have none.
    pub kind: String,
    /// CKA_LABEL.
    pub label: String,
    /// CKA_ID in hexadecimal.
    pub id: String,
}

/// Words for types of keys that other tokens have and keyward does not.
const FOREIGN: &[(ck::CK_KEY_TYPE, &str)] = &[
    (ck::CKK_DSA, "dsa"),
    (ck::CKK_DH, "dh"),
    (ck::CKK_X9_42_DH, "x9.42-dh"),
    (ck::CKK_DES, "des"),
    (ck::CKK_DES2, "des2"),
    (ck::CKK_DES3, "des3"),
    (ck::CKK_CAMELLIA, "camellia"),
    (ck::CKK_GOSTR3410, "gost"),
];

fn class_word(object: &Attributes) -> String {
    match object.class() {
        ck::CKO_TRUST => "trust".to_owned(),
        ck::CKO_DOMAIN_PARAMETERS => "domain".to_owned(),
        ck::CK_UNAVAILABLE_INFORMATION => String::new(),
        class => select::class_word(class),
    }
}

fn kind_word(object: &Attributes) -> String {
    let foreign = FOREIGN.iter().find(|(known, _)| Some(*known) == object.key_type());
    foreign.map_or_else(|| keytype::described(object), |(_, word)| (*word).to_owned())
}

impl Shown {
    fn of(object: &Attributes) -> Shown {
        Shown {
            class: class_word(object),
            kind: kind_word(object),
            label: String::from_utf8_lossy(object.bytes(ck::CKA_LABEL).unwrap_or_default()).into_owned(),
            id: hex(object.bytes(ck::CKA_ID).unwrap_or_default()),
        }
    }
}

impl Item {
    fn new(found: Found) -> Item {
        let mut item = Item {
            place: found.place,
            shown: Shown::default(),
            fate: Fate::Move,
            adapted: Vec::new(),
            attributes: Attributes::new(),
            key: None,
            used: false,
        };
        match found.content {
            Ok(given) => {
                item.shown = Shown::of(&given);
                match item.take(&given) {
                    Ok(()) => item.shown = Shown::of(&item.attributes),
                    Err(fate) => item.fate = fate,
                }
            }
            Err(Damage(why)) => {
                item.shown = Shown::of(&found.seen);
                item.fate = Fate::Damaged(why);
            }
        }
        item
    }

    /// Makes an object of keyward's of what a source has.
    fn take(&mut self, given: &Attributes) -> Result<(), Fate> {
        if given.get(ck::CKA_TOKEN) == Some(&Value::Bool(false)) {
            let why = "CKA_TOKEN is CK_FALSE: a call that failed left it behind";
            return Err(Fate::Unfinished(why.to_owned()));
        }
        if !object::has_class(given) || !material::has_type(given) {
            let kind = if self.shown.kind.is_empty() { &self.shown.class } else { &self.shown.kind };
            return Err(Fate::Unsupported(format!("keyward has no objects of this class and type ({kind})")));
        }
        let mut given = given.clone();
        // keyward computes it from what moves; another checksum would be another key.
        let check_value = given.remove(ck::CKA_CHECK_VALUE).filter(|value| !value.is_empty());
        let mut object = object::adopt(&given).map_err(refused)?;
        material::complete_created(&mut object).map_err(refused)?;
        if let Some(value) = check_value {
            given.set(ck::CKA_CHECK_VALUE, value);
        }
        self.key = match given.class() {
            ck::CKO_PUBLIC_KEY | ck::CKO_PRIVATE_KEY | ck::CKO_SECRET_KEY => {
                Some(material::key(&given).map_err(refused)?)
            }
            _ => None,
        };
        self.adapted = adapted(&given, &object);
        self.attributes = object;
        Ok(())
    }

    /// What the object is found again by in a token that has it.
    fn fingerprint(object: &Attributes) -> Vec<u8> {
        const SAME: [ck::CK_ATTRIBUTE_TYPE; 9] = [
            ck::CKA_CLASS,
            ck::CKA_KEY_TYPE,
            ck::CKA_CERTIFICATE_TYPE,
            ck::CKA_ID,
            ck::CKA_LABEL,
            ck::CKA_APPLICATION,
            ck::CKA_OBJECT_ID,
            ck::CKA_ISSUER,
            ck::CKA_SERIAL_NUMBER,
        ];
        // The public half stands for a pair's private key, whose encodings differ.
        let value = match object.bytes(ck::CKA_PUBLIC_KEY_INFO).filter(|info| !info.is_empty()) {
            Some(_) if object.class() != ck::CKO_CERTIFICATE => ck::CKA_PUBLIC_KEY_INFO,
            _ => ck::CKA_VALUE,
        };
        let same: Attributes = SAME
            .into_iter()
            .chain([value])
            .filter_map(|id| Some((id, object.get(id).filter(|value| !value.is_empty())?.clone())))
            .collect();
        crate::crypto::digest(crate::crypto::Hash::Sha256, &same.encode()).to_vec()
    }
}

/// A refusal as a fate: what a token lacks is not damage.
fn refused(error: Error) -> Fate {
    match error.kind() {
        ErrorKind::CurveNotSupported | ErrorKind::ParameterSetNotSupported | ErrorKind::KeySizeRange => {
            Fate::Unsupported(error.to_string())
        }
        _ => Fate::Damaged(error.to_string()),
    }
}

/// Why some attributes change on the way.
const REASONS: &[(ck::CK_ATTRIBUTE_TYPE, &str)] = &[
    (ck::CKA_EC_POINT, "kept as PKCS#11 v3 writes it for this type of key"),
    (ck::CKA_CHECK_VALUE, "computed anew: the source's was no checksum of this value"),
    (ck::CKA_PUBLIC_KEY_INFO, "written in its usual encoding"),
];

/// The attributes that are not what they were. What was empty and is filled now, or the other way round, says the same.
fn adapted(given: &Attributes, object: &Attributes) -> Vec<(ck::CK_ATTRIBUTE_TYPE, String)> {
    let reason = |id| REASONS.iter().find(|(known, _)| *known == id).map_or("changed", |(_, why)| *why);
    let changed = given.iter().filter_map(|(id, before)| match object.get(id) {
        Some(after) if after == before || before.is_empty() => None,
        Some(_) => Some((id, reason(id).to_owned())),
        None if before.is_empty() => None,
        None if attribute::kind(id).is_none() => Some((id, "left out: keyward does not know it".to_owned())),
        None => Some((id, "left out: such objects do not have it in keyward".to_owned())),
    });
    changed.collect()
}

/// Decides on every object, and uses every key that moves.
pub fn plan(found: Vec<Found>) -> Vec<Item> {
    let bar = Bar::new("Checking", found.len());
    let mut items: Vec<Item> = found
        .into_iter()
        .map(|found| {
            let item = Item::new(found);
            bar.step();
            item
        })
        .collect();
    let private = private_halves(&items);
    let proofs: Vec<Option<crate::error::Result<()>>> = items
        .iter()
        .map(|item| {
            let key = item.key.as_ref().filter(|_| item.fate == Fate::Move)?;
            proof(key, &private)
        })
        .collect();
    for (item, proof) in items.iter_mut().zip(proofs) {
        match proof {
            Some(Ok(())) => item.used = true,
            Some(Err(error)) => item.fate = Fate::Damaged(error.to_string()),
            None => {}
        }
    }
    items
}

/// The source's private keys by their public halves.
pub fn private_halves(items: &[Item]) -> BTreeMap<Vec<u8>, Key> {
    let keys = items.iter().filter_map(|item| item.key.clone());
    let private = keys.filter(|key| matches!(key, Key::Private(_)));
    private.filter_map(|key| Some((spki(&key)?, key))).collect()
}

/// A key pair's public half, encoded.
pub fn spki(key: &Key) -> Option<Vec<u8>> {
    prove::public(key)?.to_spki().ok()
}

/// Uses a key by itself; a public key with its private half, `None` where the source does not have that.
fn proof(key: &Key, private: &BTreeMap<Vec<u8>, Key>) -> Option<crate::error::Result<()>> {
    match key {
        Key::Secret { .. } => Some(prove::same_key(key, key)),
        Key::Private(own) => Some(prove::same_key(key, &Key::Public(own.public()))),
        Key::Otp(_) => None,
        Key::Public(_) => Some(prove::same_key(private.get(&spki(key)?)?, key)),
    }
}

/// Marks what a token with these objects has already.
pub fn mark_there<'a>(items: &mut [Item], kept: impl IntoIterator<Item = &'a Attributes>) {
    let kept: HashSet<Vec<u8>> = kept.into_iter().map(Item::fingerprint).collect();
    for item in items.iter_mut().filter(|item| item.fate == Fate::Move) {
        if kept.contains(&Item::fingerprint(&item.attributes)) {
            item.fate = Fate::There;
        }
    }
}

/// How many objects can't move.
pub fn blocked(items: &[Item]) -> (usize, usize) {
    let count = |is: fn(&Fate) -> bool| items.iter().filter(|item| is(&item.fate)).count();
    (count(|fate| matches!(fate, Fate::Unsupported(_))), count(|fate| matches!(fate, Fate::Damaged(_))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{Curve, EcPrivate, PrivateKey};

    fn found(attributes: Attributes) -> Found {
        Found::open("x", Ok(attributes), Ok)
    }

    fn data(label: &str) -> Attributes {
        Attributes::new()
            .with(ck::CKA_CLASS, ck::CKO_DATA)
            .with(ck::CKA_LABEL, label)
            .with(ck::CKA_VALUE, b"v")
    }

    fn secret(value: &[u8]) -> Attributes {
        Attributes::new()
            .with(ck::CKA_CLASS, ck::CKO_SECRET_KEY)
            .with(ck::CKA_KEY_TYPE, ck::CKK_AES)
            .with(ck::CKA_VALUE, value)
            .with(ck::CKA_LOCAL, true)
            .with(ck::CKA_ALWAYS_SENSITIVE, true)
            .with(ck::CKA_KEY_GEN_MECHANISM, ck::CKM_AES_KEY_GEN)
    }

    fn pair() -> (Attributes, Attributes) {
        let key = PrivateKey::Ec(EcPrivate::generate(Curve::P256).unwrap());
        let empty = |class| Attributes::new().with(ck::CKA_CLASS, class).with(ck::CKA_KEY_TYPE, ck::CKK_EC);
        let (mut public, mut private) = (empty(ck::CKO_PUBLIC_KEY), empty(ck::CKO_PRIVATE_KEY));
        material::fill_pair(&mut public, &mut private, &key).unwrap();
        (public, private)
    }

    #[test]
    fn keys_keep_their_past() {
        let items = plan(vec![found(secret(&[1; 32]))]);
        let object = &items[0].attributes;
        assert_eq!(items[0].fate, Fate::Move);
        assert!(items[0].used && items[0].adapted.is_empty(), "{:?}", items[0].adapted);
        assert!(object.flag(ck::CKA_LOCAL) && object.flag(ck::CKA_ALWAYS_SENSITIVE));
        assert!(!object.flag(ck::CKA_NEVER_EXTRACTABLE));
        assert_eq!(object.ulong(ck::CKA_KEY_GEN_MECHANISM), Some(ck::CKM_AES_KEY_GEN));
    }

    #[test]
    fn pairs_are_used_and_lone_public_keys_only_read() {
        let (public, private) = pair();
        let items = plan(vec![found(public.clone()), found(private)]);
        assert!(items.iter().all(|item| item.used && item.fate == Fate::Move));
        let items = plan(vec![found(public)]);
        assert!(!items[0].used && items[0].fate == Fate::Move);
    }

    #[test]
    fn a_key_that_is_not_what_it_says_is_damaged() {
        let ((public, _), (_, private)) = (pair(), pair());
        let point = public.get(ck::CKA_EC_POINT).unwrap().clone();
        let items = plan(vec![found(private.with(ck::CKA_EC_POINT, point)), found(secret(&[1; 31]))]);
        assert!(items.iter().all(|item| matches!(item.fate, Fate::Damaged(_))));
    }

    #[test]
    fn what_keyward_lacks_is_told_from_what_is_damaged() {
        let items = plan(vec![
            found(secret(&[1; 8]).with(ck::CKA_KEY_TYPE, ck::CKK_DES)),
            found(Attributes::new().with(ck::CKA_CLASS, ck::CKO_DOMAIN_PARAMETERS)),
            found(data("x").with(ck::CKA_TOKEN, false)),
            Found::open("y", Err("cut off".into()), Ok),
        ]);
        let kinds = items.iter().map(|item| match item.fate {
            Fate::Unsupported(_) => 'u',
            Fate::Damaged(_) => 'd',
            Fate::Unfinished(_) => 'f',
            _ => '-',
        });
        assert_eq!(kinds.collect::<String>(), "uufd");
        assert_eq!(blocked(&items), (2, 1));
    }

    #[test]
    fn changes_are_told() {
        let items = plan(vec![found(data("x").with(0x8000_1234, b"vendor").with(ck::CKA_ID, b"1"))]);
        let adapted: Vec<_> = items[0].adapted.iter().map(|(id, _)| *id).collect();
        assert_eq!(adapted, [ck::CKA_ID, 0x8000_1234]);
        let items = plan(vec![found(secret(&[1; 16]).with(ck::CKA_CHECK_VALUE, b"abc"))]);
        assert_eq!(items[0].adapted[0].0, ck::CKA_CHECK_VALUE);
    }

    #[test]
    fn what_is_there_is_known_by_its_content() {
        let mut items = plan(vec![found(data("x")), found(data("y")), found(secret(&[1; 16]))]);
        let kept =
            [items[0].attributes.clone(), items[2].attributes.clone().with(ck::CKA_VALUE, vec![2u8; 16])];
        mark_there(&mut items, &kept);
        let fates: Vec<bool> = items.iter().map(|item| item.fate == Fate::There).collect();
        assert_eq!(fates, [true, false, false]);
    }
}
