//! What the models have.

/// One model.
#[derive(Debug)]
pub struct Model {
    pub name: &'static str,
    /// Factory key pairs, P-256, from slot 0.
    pub factory: i32,
    /// Keys can be made: also foreign keys, agreement, wallets, temperature, battery, drift of the clock.
    pub rich: bool,
    /// It has a binding that can be locked ("HSM series products").
    pub binding: bool,
    /// A secure compute module: supervised boot, a further temperature, and generated keys that a reboot loses.
    pub scm: bool,
}

/// The first slot of keys that are generated.
pub const FIRST_GENERATED: i32 = 16;
/// How many keys can be generated.
pub const GENERATED: i32 = 512;
/// How many foreign public keys there can be.
pub const FOREIGN: i32 = 128;
/// Perimeter channels.
pub const CHANNELS: usize = 2;

const MODELS: &[Model] = &[
    Model { name: "ZYMKEY4", factory: 3, rich: false, binding: false, scm: false },
    Model { name: "HSM4", factory: 3, rich: false, binding: true, scm: false },
    Model { name: "HSM6", factory: 12, rich: true, binding: true, scm: false },
    Model { name: "HSM60", factory: 12, rich: true, binding: true, scm: false },
    Model { name: "HSM64", factory: 12, rich: true, binding: true, scm: false },
    Model { name: "SCM", factory: 12, rich: true, binding: true, scm: true },
];

/// The model of this name.
pub fn find(name: &str) -> Option<&'static Model> {
    MODELS.iter().find(|model| model.name.eq_ignore_ascii_case(name))
}
