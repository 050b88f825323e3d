//! CAVP's response files: `[NAME = VALUE]` for what follows, `NAME = VALUE` for one vector.

use std::collections::HashMap;

use super::{file, read, unhex};
use crate::runner::{Check, Context, Failure};

/// The lines of a vector and the bracketed ones that hold for it.
#[derive(Clone, Default)]
pub(super) struct Vector {
    fields: HashMap<String, String>,
}

impl Vector {
    pub(super) fn text(&self, name: &str) -> Check<&str> {
        self.fields.get(name).map(String::as_str).ok_or_else(|| Failure::Failed(format!("no {name}")))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    pub(super) fn bytes(&self, name: &str) -> Check<Vec<u8>> {
        unhex(self.text(name)?)
    }

    pub(super) fn number(&self, name: &str) -> Check<usize> {
        let text = self.text(name)?;
        text.parse().map_err(|_| Failure::Failed(format!("{name} is {text}")))
    }
}

/// The vectors of a file; the line `last` ends each.
pub(super) fn vectors(context: &Context, name: &str, last: &str) -> Check<Vec<Vector>> {
    let text = String::from_utf8(read(&file(context, name)?)?)
        .map_err(|error| Failure::Failed(format!("{name}: {error}")))?;
    let (mut vectors, mut standing, mut current) = (Vec::new(), Vector::default(), Vector::default());
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let bracketed = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
        let Some((field, value)) = bracketed.unwrap_or(line).split_once('=') else { continue };
        let (field, value) = (field.trim(), value.trim().to_owned());
        let into = if bracketed.is_some() { &mut standing } else { &mut current };
        into.fields.insert(field.to_owned(), value);
        if bracketed.is_none() && field == last {
            let Vector { fields } = std::mem::take(&mut current);
            let mut whole = standing.clone();
            whole.fields.extend(fields);
            vectors.push(whole);
        }
    }
    if vectors.is_empty() {
        return Err(Failure::Failed(format!("{name} has no vectors")));
    }
    Ok(vectors)
}
