//! What is known of particular libraries, a row each.

use crate::config::{Error, SlotReader};

/// What a library needs beyond what the specification asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quirks {
    /// One call at a time, whatever it says of threads.
    pub serialize: bool,
    /// C_Finalize is not called: the library crashes there, or stops what the host uses itself.
    pub no_finalize: bool,
    /// Sessions are closed with ours instead of kept for the next: the library leaves something behind in them.
    pub no_pool: bool,
    /// Serial numbers tell no token from another: the label does.
    pub shared_serial: bool,
}

/// A quirk's name in the configuration, and how it is set.
type Quirk = (&'static str, fn(&mut Quirks));

const QUIRKS: &[Quirk] = &[
    ("serialize", |quirks| quirks.serialize = true),
    ("no-finalize", |quirks| quirks.no_finalize = true),
    ("no-pool", |quirks| quirks.no_pool = true),
    ("shared-serial", |quirks| quirks.shared_serial = true),
];

/// Libraries that are known to need some, by a part of their file's name.
const KNOWN: &[(&str, &[&str])] = &[
    // tpm2-pkcs11 answers the second of two threads that start a session at once with an error of the TPM's; the
    // serial number of each of its tokens is 0000000000000000.
    ("tpm2_pkcs11", &["serialize", "shared-serial"]),
    // openCryptoki 3.8 loses objects where two threads make and destroy some at once.
    ("opencryptoki", &["serialize"]),
    // Zymbit's library talks to one device through one daemon.
    ("zk_pkcs11", &["serialize"]),
];

impl Quirks {
    /// Those of a library of this file name, and those that the entry's `quirks` names.
    pub fn read(file_name: &str, slot: &mut SlotReader<'_>) -> Result<Quirks, Error> {
        let mut quirks = Quirks::default();
        let known = KNOWN.iter().filter(|(part, _)| file_name.contains(part)).flat_map(|(_, names)| *names);
        let named = slot.texts("quirks")?;
        for name in known.copied().chain(named.iter().map(String::as_str)) {
            match QUIRKS.iter().find(|(known, _)| *known == name) {
                Some((_, set)) => set(&mut quirks),
                None => {
                    let names: Vec<_> = QUIRKS.iter().map(|(name, _)| *name).collect();
                    return Err(slot.refuse(format!("quirks: {name:?} is none of {}", names.join(", "))));
                }
            }
        }
        Ok(quirks)
    }
}
