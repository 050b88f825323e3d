//! Which objects a verb works on, and what they look like.

use std::str::FromStr;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::error::{Result, failed};
use super::host::Session;
use super::keytype;
use super::output::{Table, hex};
use crate::object::{Attributes, Template};
use crate::token::ObjectHandle;
use crate::types::ck;

/// An object's ID on the command line: hexadecimal digits, with or without colons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Id(pub Vec<u8>);

impl FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
        let (pairs, rest) = digits.as_chunks::<2>();
        let byte = |pair: &[u8; 2]| {
            let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
            u8::try_from(high? * 16 + low?).ok()
        };
        let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
        match bytes {
            Some(bytes) if !bytes.is_empty() && rest.is_empty() => Ok(Id(bytes)),
            _ => Err("an even number of hexadecimal digits".to_owned()),
        }
    }
}

/// Classes of objects, as `--class` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Class {
    Private,
    Public,
    Secret,
    Cert,
    Data,
}

const CLASSES: &[(Class, ck::CK_OBJECT_CLASS, &str)] = &[
    (Class::Private, ck::CKO_PRIVATE_KEY, "private"),
    (Class::Public, ck::CKO_PUBLIC_KEY, "public"),
    (Class::Secret, ck::CKO_SECRET_KEY, "secret"),
    (Class::Cert, ck::CKO_CERTIFICATE, "cert"),
    (Class::Data, ck::CKO_DATA, "data"),
];

/// The word for a class; a number for one that has no word.
pub fn class_word(class: ck::CK_OBJECT_CLASS) -> String {
    let row = CLASSES.iter().find(|(_, number, _)| *number == class);
    row.map_or_else(|| format!("{class:#x}"), |(_, _, word)| (*word).to_owned())
}

/// Objects by label, ID and class.
#[derive(Args, Debug, Clone, Default)]
pub struct Selection {
    /// Objects with this label
    #[arg(long, short)]
    pub label: Option<String>,
    /// Objects with this ID
    #[arg(long, value_name = "HEX")]
    pub id: Option<Id>,
    /// Objects of this class
    #[arg(long, value_enum)]
    pub class: Option<Class>,
}

impl Selection {
    /// True if it leaves nothing out.
    pub fn is_everything(&self) -> bool {
        self.label.is_none() && self.id.is_none() && self.class.is_none()
    }

    /// The search for it.
    pub fn template(&self) -> Template {
        let class =
            CLASSES.iter().find(|(class, _, _)| Some(*class) == self.class).map(|(_, number, _)| *number);
        template(class, self.label.as_deref(), self.id.as_ref())
    }
}

/// A search by what is given.
pub fn template(class: Option<ck::CK_OBJECT_CLASS>, label: Option<&str>, id: Option<&Id>) -> Template {
    let mut template = Template::new();
    if let Some(class) = class {
        template = template.with(ck::CKA_CLASS, class);
    }
    if let Some(label) = label {
        template = template.with(ck::CKA_LABEL, label);
    }
    match id {
        Some(id) => template.with(ck::CKA_ID, id.0.as_slice()),
        None => template,
    }
}

/// A key by label or ID: `--key` and `--id` of `sign` and `verify`.
#[derive(Args, Debug, Clone)]
#[group(required = true, multiple = true)]
pub struct KeyArg {
    /// Label of the key
    #[arg(long, short, value_name = "LABEL")]
    pub key: Option<String>,
    /// ID of the key
    #[arg(long, value_name = "HEX")]
    pub id: Option<Id>,
}

impl KeyArg {
    /// How messages name it.
    pub fn name(&self) -> String {
        let label = self.key.as_ref().map(|label| format!("label \"{label}\""));
        let id = self.id.as_ref().map(|id| format!("ID {}", hex(&id.0)));
        label.into_iter().chain(id).collect::<Vec<_>>().join(" and ")
    }

    /// The one key of these classes, the first class that has any.
    pub fn find(
        &self,
        session: &Session<'_>,
        classes: &[ck::CK_OBJECT_CLASS],
    ) -> Result<Option<ObjectHandle>> {
        for class in classes {
            let found = session.find(&template(Some(*class), self.key.as_deref(), self.id.as_ref()))?;
            match found[..] {
                [] => {}
                [key] => return Ok(Some(key)),
                _ => {
                    let (n, class) = (found.len(), class_word(*class));
                    return failed(format!(
                        "{n} {class} keys have {}: give both --key and --id",
                        self.name()
                    ));
                }
            }
        }
        Ok(None)
    }
}

/// CKA_ booleans worth showing, and how.
const FLAGS: &[(ck::CK_ATTRIBUTE_TYPE, &str)] = &[
    (ck::CKA_SIGN, "sign"),
    (ck::CKA_VERIFY, "verify"),
    (ck::CKA_ENCRYPT, "encrypt"),
    (ck::CKA_DECRYPT, "decrypt"),
    (ck::CKA_WRAP, "wrap"),
    (ck::CKA_UNWRAP, "unwrap"),
    (ck::CKA_DERIVE, "derive"),
    (ck::CKA_ENCAPSULATE, "encapsulate"),
    (ck::CKA_DECAPSULATE, "decapsulate"),
    (ck::CKA_TRUSTED, "trusted"),
    (ck::CKA_PRIVATE, "private"),
    (ck::CKA_SENSITIVE, "sensitive"),
    (ck::CKA_EXTRACTABLE, "extractable"),
    (ck::CKA_ALWAYS_AUTHENTICATE, "always-authenticate"),
];

/// An object with what is worth showing of it.
pub struct Shown {
    /// For `calls`.
    pub handle: ObjectHandle,
    /// What it shows.
    pub attributes: Attributes,
}

impl Shown {
    /// Every object of a selection.
    pub fn all(session: &Session<'_>, selection: &Selection) -> Result<Vec<Shown>> {
        let found = session.find(&selection.template())?;
        found.into_iter().map(|handle| Shown::one(session, handle)).collect()
    }

    /// One object.
    pub fn one(session: &Session<'_>, handle: ObjectHandle) -> Result<Shown> {
        let mut wanted = vec![ck::CKA_CLASS, ck::CKA_LABEL, ck::CKA_ID, ck::CKA_UNIQUE_ID];
        wanted.extend_from_slice(keytype::DESCRIBING);
        wanted.extend(FLAGS.iter().map(|(kind, _)| *kind));
        Ok(Shown { handle, attributes: session.attributes(handle, &wanted)? })
    }

    /// CKA_LABEL.
    pub fn label(&self) -> String {
        String::from_utf8_lossy(self.attributes.bytes(ck::CKA_LABEL).unwrap_or_default()).into_owned()
    }

    fn id(&self) -> String {
        hex(self.attributes.bytes(ck::CKA_ID).unwrap_or_default())
    }

    fn flags(&self) -> Vec<&'static str> {
        FLAGS.iter().filter(|(kind, _)| self.attributes.flag(*kind)).map(|(_, word)| *word).collect()
    }

    /// For `--json`.
    pub fn json(&self) -> Value {
        json!({
            "class": class_word(self.attributes.class()),
            "type": keytype::described(&self.attributes),
            "label": self.label(),
            "id": self.id(),
            "unique_id": String::from_utf8_lossy(self.attributes.bytes(ck::CKA_UNIQUE_ID).unwrap_or_default()),
            "flags": self.flags(),
        })
    }

    /// A table of objects.
    pub fn table(objects: &[Shown]) -> String {
        let mut table = Table::new(&["class", "type", "label", "id", "flags"]);
        for object in objects {
            let kind = keytype::described(&object.attributes);
            let class = class_word(object.attributes.class());
            table.row([class, kind, object.label(), object.id(), object.flags().join(",")]);
        }
        table.render("No objects")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_hexadecimal() {
        assert_eq!("01aB".parse(), Ok(Id(vec![1, 0xab])));
        assert_eq!("01:ab".parse(), Ok(Id(vec![1, 0xab])));
        for text in ["", "1", "0g", "é1", ":"] {
            assert!(text.parse::<Id>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_selection_becomes_a_search() {
        let selection =
            Selection { label: Some("x".to_owned()), id: Some(Id(vec![1])), class: Some(Class::Cert) };
        let template = selection.template();
        assert_eq!(template.ulong(ck::CKA_CLASS), Some(ck::CKO_CERTIFICATE));
        assert_eq!(template.bytes(ck::CKA_LABEL), Some(&b"x"[..]));
        assert_eq!(template.len(), 3);
        assert!(Selection::default().is_everything() && !selection.is_everything());
    }
}
