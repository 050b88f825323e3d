//! What the models have, where the device can't be asked.

use super::raw::Slot;

/// The first slot of keys that were not made in the factory.
pub const FIRST_GENERATED: Slot = 16;

/// One family of models.
#[derive(Debug, PartialEq, Eq)]
pub struct Model {
    /// What the device's name has in it, letters and digits only, in capitals.
    names: &'static [&'static str],
    /// Factory key pairs on P-256, from slot 0.
    pub factory: Slot,
    /// Keys of other types, generation, removal, foreign public keys, agreement, wallets.
    pub rich: bool,
    /// A reboot loses generated keys that are not a wallet's.
    pub forgets: bool,
}

const MODELS: [Model; 3] = [
    Model { names: &["SCM", "SECURECOMPUTE"], factory: 12, rich: true, forgets: true },
    Model { names: &["HSM6"], factory: 12, rich: true, forgets: false },
    Model { names: &["HSM4", "ZYMKEY"], factory: 3, rich: false, forgets: false },
];

/// A model that is not known: what every model has.
const UNKNOWN: Model = Model { names: &[], factory: 3, rich: false, forgets: false };

impl Model {
    /// The model of the name that the device gives itself.
    pub fn of(name: &str) -> &'static Model {
        let bare: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let bare = bare.to_ascii_uppercase();
        MODELS.iter().find(|model| model.names.iter().any(|name| bare.contains(name))).unwrap_or(&UNKNOWN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_models() {
        for (name, factory, rich, forgets) in [
            ("ZYMKEY4", 3, false, false),
            ("Zymkey 4i", 3, false, false),
            ("HSM4", 3, false, false),
            ("HSM6", 12, true, false),
            ("HSM-64", 12, true, false),
            ("hsm60", 12, true, false),
            ("SCM", 12, true, true),
            ("Toaster", 3, false, false),
        ] {
            let model = Model::of(name);
            assert_eq!((model.factory, model.rich, model.forgets), (factory, rich, forgets), "{name}");
        }
    }
}
