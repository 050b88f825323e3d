//! softhsm2.conf: `name = value` lines. Four names are honoured, the rest means nothing to us.

use std::path::Path;

use super::table::read_text;
use super::{Config, Error, Origin, Result, settings};

pub(super) fn read(config: &mut Config, path: &Path) -> Result<()> {
    let text = read_text(path)?;
    let base = path.parent().unwrap_or(Path::new(""));
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let origin = Origin::SoftHsm { path: path.to_owned(), line: index + 1 };
        if line.is_empty() {
            continue;
        }
        let (name, value) = line.split_once('=').ok_or_else(|| Error::at(&origin, "a line without \"=\""))?;
        let (key, value) = match (name.trim(), value.trim()) {
            ("directories.tokendir", dir) => ("soft.dir", dir.to_owned()),
            ("log.level", level) => ("log.level", level.to_lowercase()),
            ("slots.removable", removable) => ("slots.removable", removable.to_owned()),
            ("slots.mechanisms", mechanisms) => ("slots.mechanisms", mechanisms.to_owned()),
            _ => continue,
        };
        settings::set(config, key, &value, origin, base)?;
    }
    Ok(())
}
