//! ACVP's files: what is asked in one, what is expected in another, matched by group and test.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{file, read, unhex};
use crate::runner::{Check, Context, Failure};

/// One test with what its group says of all.
pub(super) struct Vector {
    group: Map<String, Value>,
    asked: Map<String, Value>,
    expected: Map<String, Value>,
}

impl Vector {
    fn value(&self, name: &str) -> Option<&Value> {
        [&self.expected, &self.asked, &self.group].into_iter().find_map(|part| part.get(name))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.value(name)?.as_str()
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.value(name)?.as_bool()
    }

    pub(super) fn bytes(&self, name: &str) -> Check<Vec<u8>> {
        self.text(name).ok_or_else(|| Failure::Failed(format!("the vector has no {name}"))).and_then(unhex)
    }

    /// The number within the file.
    pub(super) fn number(&self) -> u64 {
        number(&self.asked, "tcId")
    }
}

fn number(part: &Map<String, Value>, name: &str) -> u64 {
    part.get(name).and_then(Value::as_u64).unwrap_or_default()
}

/// The tests of one parameter set: `asked` is the file's name in the algorithm's folder, beside expectedResults.json.
pub(super) fn vectors(context: &Context, algorithm: &str, asked: &str, set: &str) -> Check<Vec<Vector>> {
    let groups = |name: &str| -> Check<Vec<Value>> {
        let path = file(context, algorithm)?.join(name);
        let mut whole: Map<String, Value> = serde_json::from_slice(&read(&path)?)
            .map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))?;
        Ok(listed(&mut whole, "testGroups"))
    };
    let mut expected = HashMap::new();
    for group in groups("expectedResults.json")? {
        let Value::Object(mut group) = group else { continue };
        for test in listed(&mut group, "tests") {
            if let Value::Object(test) = test {
                expected.insert(number(&test, "tcId"), test);
            }
        }
    }
    let mut vectors = Vec::new();
    for group in groups(asked)? {
        let Value::Object(mut group) = group else { continue };
        if group.get("parameterSet").and_then(Value::as_str) != Some(set) {
            continue;
        }
        for test in listed(&mut group, "tests") {
            let Value::Object(asked) = test else { continue };
            let expected = expected.remove(&number(&asked, "tcId")).unwrap_or_default();
            vectors.push(Vector { group: group.clone(), asked, expected });
        }
    }
    if vectors.is_empty() {
        return Err(Failure::Failed(format!("{algorithm} has no vectors for {set}")));
    }
    Ok(vectors)
}

/// Takes a list out of an object.
fn listed(part: &mut Map<String, Value>, name: &str) -> Vec<Value> {
    match part.remove(name) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    }
}
