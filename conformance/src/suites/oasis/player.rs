//! The interpreter's state and its reading of the XML's values.

use cryptoki_sys::*;
use roxmltree::Node;

use super::calls;
use crate::names::{self, Table};
use crate::runner::{Check, Failure, expect};
use crate::token::USER_PIN;
use crate::{Attr, Module, Object, Rv, Session, TestToken, unhex};

/// What the symbolic identifiers of a case stand for.
pub(super) struct Player {
    pub(super) module: Module,
    pub(super) reserved: Option<String>,
    pub(super) slot: CK_SLOT_ID,
    pub(super) session: Option<Session>,
    /// Every object of the last search; the index of an identifier is bound by what the case expects.
    pub(super) found: Vec<Object>,
    pub(super) bound: Vec<(usize, Object)>,
    /// The key, mechanism and message of the signature under way.
    pub(super) signing: Option<(CK_MECHANISM_TYPE, Object)>,
}

impl Player {
    pub(super) fn new(token: &TestToken) -> Self {
        Self {
            module: token.module.clone(),
            reserved: token.reserved().map(str::to_owned),
            slot: token.slot,
            session: None,
            found: Vec::new(),
            bound: Vec::new(),
            signing: None,
        }
    }

    /// Makes one call and compares what the response fixes.
    pub(super) fn play(&mut self, request: Node<'_, '_>, response: Node<'_, '_>) -> Check {
        let name = request.tag_name().name();
        let Some((_, handler)) = calls::HANDLERS.iter().find(|(known, _)| *known == name) else {
            return Err(Failure::Failed("the interpreter does not know this function".into()));
        };
        let wanted =
            response.attribute("rv").ok_or_else(|| Failure::Failed("the response has no rv".into()))?;
        let wanted = constant(names::CKR, "CKR_", wanted)?;
        let got = handler(self, request, response)?;
        expect(Rv::check(got.0), &[wanted])
    }

    pub(super) fn session(&self) -> Check<&Session> {
        self.session.as_ref().ok_or_else(|| Failure::Failed("no session is open".into()))
    }

    /// The object that an identifier such as `${Object.Object[1]}` names.
    pub(super) fn object(&self, node: Node<'_, '_>) -> Check<Object> {
        let index = index(value(node)?)?;
        let bound = self.bound.iter().find(|(known, _)| *known == index).map(|(_, object)| *object);
        bound
            .or_else(|| self.found.get(index).copied())
            .ok_or_else(|| Failure::Failed(format!("object {index} was not found")))
    }

    /// The slot or the PIN where the value is symbolic, else the text itself.
    pub(super) fn pin(&self, node: Node<'_, '_>) -> Check<String> {
        let text = value(node)?;
        Ok(if text.starts_with("${") { USER_PIN.to_owned() } else { text.to_owned() })
    }
}

/// The child element called `name`.
pub(super) fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Check<Node<'a, 'i>> {
    node.children()
        .find(|inner| inner.has_tag_name(name))
        .ok_or_else(|| Failure::Failed(format!("{name} is missing in the case")))
}

/// An element's `value`.
pub(super) fn value<'a>(node: Node<'a, '_>) -> Check<&'a str> {
    node.attribute("value").ok_or_else(|| Failure::Failed(format!("{} has no value", node.tag_name().name())))
}

/// The number between the brackets of a symbolic identifier; 0 where it has none.
pub(super) fn index(text: &str) -> Check<usize> {
    let Some((_, rest)) = text.split_once('[') else { return Ok(0) };
    let digits = rest.split(']').next().unwrap_or_default();
    digits.parse().map_err(|_| Failure::Failed(format!("{text} has no index")))
}

/// A number, in decimal or hexadecimal.
pub(super) fn number(text: &str) -> Option<CK_ULONG> {
    match text.strip_prefix("0x") {
        Some(digits) => CK_ULONG::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// A constant by its name without prefix, or a number.
pub(super) fn constant(table: Table, prefix: &str, text: &str) -> Check<CK_ULONG> {
    number(text)
        .or_else(|| names::value(table, &format!("{prefix}{text}")))
        .ok_or_else(|| Failure::Failed(format!("the case's {prefix}{text} is not known")))
}

/// Flags separated by blanks or bars.
pub(super) fn flags(text: &str) -> Check<CK_FLAGS> {
    text.split(['|', ' '])
        .filter(|part| !part.is_empty())
        .try_fold(0, |all, part| constant(names::CKF, "CKF_", part).map(|flag| all | flag))
}

/// Attributes of a search template.
pub(super) fn template(node: Node<'_, '_>) -> Check<Vec<Attr>> {
    node.children().filter(|inner| inner.has_tag_name("Attribute")).map(attribute).collect()
}

pub(super) fn attribute_type(node: Node<'_, '_>) -> Check<CK_ATTRIBUTE_TYPE> {
    constant(names::CKA, "CKA_", node.attribute("type").unwrap_or_default())
}

fn attribute(node: Node<'_, '_>) -> Check<Attr> {
    let (kind, text) = (attribute_type(node)?, value(node)?);
    Ok(match (kind, text.to_ascii_uppercase().as_str()) {
        (CKA_CLASS, _) => Attr::class(constant(names::CKO, "CKO_", text)?),
        (CKA_KEY_TYPE, _) => Attr::key_type(constant(names::CKK, "CKK_", text)?),
        (CKA_LABEL, _) => Attr::label(text),
        (_, "TRUE") => Attr::bool(kind, true),
        (_, "FALSE") => Attr::bool(kind, false),
        _ => Attr::bytes(
            kind,
            &unhex(text).ok_or_else(|| Failure::Failed(format!("{text} is not hexadecimal")))?,
        ),
    })
}
