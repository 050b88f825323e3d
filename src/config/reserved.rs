//! `CK_C_INITIALIZE_ARGS.pReserved`: a path to a file, or parameters as NSS writes them.
//!
//! `conf=/etc/a.toml dir='/with blanks' log=debug soft.max_pin_failures=3`: values in single or double quotes or bare, a backslash
//! takes the next character as it is.

use std::path::PathBuf;

use super::{Error, Origin, Result};

/// What `pReserved` said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reserved {
    /// The file to read.
    pub(super) file: Option<PathBuf>,
    /// `section.key` and value, in order.
    pub(super) settings: Vec<(String, String)>,
}

impl Reserved {
    pub(super) fn parse(text: &str) -> Result<Reserved> {
        let text = text.trim();
        let mut reserved = Reserved::default();
        if text.is_empty() {
            return Ok(reserved);
        }
        if !is_parameters(text) {
            reserved.file = Some(PathBuf::from(text));
            return Ok(reserved);
        }
        let mut rest = text;
        while !rest.is_empty() {
            let (name, after) =
                rest.split_once('=').ok_or_else(|| refused(format!("{rest:?} lacks a value")))?;
            let (value, after) = value(after)?;
            reserved.take(name.trim(), value)?;
            rest = after.trim_start();
        }
        Ok(reserved)
    }

    fn take(&mut self, name: &str, value: String) -> Result<()> {
        let key = match name {
            "conf" => {
                self.file = Some(PathBuf::from(value));
                return Ok(());
            }
            "dir" => "soft.dir",
            "kdf" => "soft.kdf",
            "log" if value.parse::<crate::observe::Level>().is_ok() => "log.level",
            "log" => "log.target",
            name if name.contains('.') => name,
            name => {
                return Err(refused(format!(
                    "unknown parameter {name:?}; known: conf, dir, kdf, log, and section.key of keyward.toml"
                )));
            }
        };
        self.settings.push((key.to_owned(), value));
        Ok(())
    }
}

/// A path may hold `=` too, but seldom behind letters, dots and underscores alone.
fn is_parameters(text: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
    };
    text.split_once('=').is_some_and(|(name, _)| is_name(name.trim_end()))
}

/// One value, and what follows it.
fn value(text: &str) -> Result<(String, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'));
    let mut chars = text.char_indices().skip(usize::from(quote.is_some()));
    let mut value = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c if Some(c) == quote => return Ok((value, text.get(at + 1..).unwrap_or_default())),
            c if quote.is_none() && c.is_whitespace() => {
                return Ok((value, text.get(at..).unwrap_or_default()));
            }
            c => value.push(c),
        }
    }
    match quote {
        Some(quote) => Err(refused(format!("a value lacks its closing {quote}"))),
        None => Ok((value, "")),
    }
}

fn refused(why: String) -> Error {
    Error::at(&Origin::Reserved, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Vec<(String, String)> {
        Reserved::parse(text).unwrap().settings
    }

    #[test]
    fn a_path_is_a_file() {
        for path in ["/etc/keyward.toml", "/a b/k=v.toml", "./x"] {
            assert_eq!(Reserved::parse(path).unwrap().file, Some(path.into()));
        }
        assert_eq!(Reserved::parse("  ").unwrap(), Reserved::default());
    }

    #[test]
    fn parameters_are_quoted_as_nss_does() {
        let found = settings(
            r#"dir='/a b' soft.kdf="fast" log=debug log=file:/x soft.min_pin_len=8 slots.free=a\ b"#,
        );
        let found: Vec<_> = found.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let wanted = [
            ("soft.dir", "/a b"),
            ("soft.kdf", "fast"),
            ("log.level", "debug"),
            ("log.target", "file:/x"),
            ("soft.min_pin_len", "8"),
            ("slots.free", "a b"),
        ];
        assert_eq!(found, wanted);
        assert_eq!(Reserved::parse("conf=/x").unwrap().file, Some("/x".into()));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["dir='/a", "what=1", "dir=/a oops", "dir='/a'oops"] {
            assert!(Reserved::parse(text).is_err(), "{text}");
        }
    }
}
