//! Which of Zymbit's two ways in an entry takes.

use std::path::PathBuf;

use super::raw::Library;
use crate::config::{Result, SlotEntry};

/// A way to the device.
#[derive(Debug, PartialEq, Eq)]
pub enum Way {
    /// Its own keys, over `libzk_app_utils.so`.
    Native,
    /// The vendor's PKCS#11 library, with the tokens that its own tool made.
    Pkcs11(Option<PathBuf>),
}

/// The vendor's PKCS#11 library.
const PKCS11: &str = "libzk_pkcs11.so";
/// Keys that only the native way has.
const NATIVE_KEYS: &[&str] =
    &["label", "tamper", "tamper_interval_s", "pin", "pin_hash", "pin_env", "pin_file", "key"];

impl Way {
    /// `via = "native" | "pkcs11"`; without it, what `library` is, else what the entry's other keys belong to, else
    /// the vendor's PKCS#11 library where it is installed.
    pub fn of(entry: &SlotEntry) -> Result<Way> {
        let mut reader = entry.reader();
        let library = reader.path("library")?;
        let installed = || Library::default_places(PKCS11).find(|path| path.exists());
        let is_pkcs11 = |library: &PathBuf| {
            library.file_name().is_some_and(|name| name.to_string_lossy().contains("pkcs11"))
        };
        let native_keys = NATIVE_KEYS.iter().any(|key| entry.table.contains_key(*key));
        Ok(match (reader.one_of("via", &[("native", true), ("pkcs11", false)])?, library) {
            (Some(true), _) => Way::Native,
            (Some(false), _) => Way::Pkcs11(installed()),
            (None, Some(library)) if is_pkcs11(&library) => Way::Pkcs11(None),
            (None, Some(_)) => Way::Native,
            (None, None) if native_keys => Way::Native,
            (None, None) => installed().map_or(Way::Native, |path| Way::Pkcs11(Some(path))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Origin;

    fn way(text: &str) -> Way {
        let table: toml::Table = toml::from_str(text).unwrap();
        Way::of(&SlotEntry::new("zymbit".to_owned(), table, Origin::Default)).unwrap()
    }

    #[test]
    fn the_entry_says_which() {
        assert_eq!(way("library = '/opt/libzk_pkcs11.so'"), Way::Pkcs11(None));
        assert_eq!(way("library = '/opt/libzk_app_utils.so'"), Way::Native);
        assert_eq!(way("library = '/opt/libzk_pkcs11.so'\nvia = 'native'"), Way::Native);
        assert_eq!(way("tamper = false"), Way::Native);
        assert!(matches!(way("via = 'pkcs11'"), Way::Pkcs11(_)));
    }
}
