//! What is told at the end.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::plan::{Fate, Item, Shown};
use super::source::Source;
use crate::cli::host::Known;
use crate::cli::output::{Answer, Table, printable};
use crate::object::attribute;

/// What was done with a source's objects.
pub struct Report<'a> {
    /// The source.
    pub source: &'a dyn Source,
    /// The token, if there is one.
    pub target: Option<&'a Known>,
    /// Every object.
    pub items: &'a [Item],
    /// False for a dry run, and where something kept all objects from moving.
    pub written: bool,
    /// The last line, for stderr.
    pub failure: Option<String>,
}

/// The word for a fate, and why, where there is a why.
fn fate(fate: &Fate, written: bool) -> (&'static str, Option<&str>) {
    match fate {
        Fate::Move if written => ("moved", None),
        Fate::Move => ("movable", None),
        Fate::There => ("there", None),
        Fate::Unsupported(why) => ("unsupported", Some(why)),
        Fate::Damaged(why) => ("damaged", Some(why)),
        Fate::Unfinished(why) => ("unfinished", Some(why)),
    }
}

/// How an object is named in a line.
fn named(item: &Item) -> String {
    let Shown { class, kind, label, id } = &item.shown;
    let mut words = vec![class.clone(), kind.clone()];
    words.push(if label.is_empty() { String::new() } else { format!("\"{label}\"") });
    words.push(if id.is_empty() { String::new() } else { format!("ID {id}") });
    words.push(format!("({})", item.place));
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

impl Report<'_> {
    /// Both renderings.
    pub fn answer(self) -> Answer {
        Answer { text: self.text(), json: self.json(), failure: self.failure }
    }

    fn text(&self) -> String {
        let target = self.target.map(|token| format!(" into {}", token.name())).unwrap_or_default();
        let moved = self.items.iter().any(|item| item.fate == Fate::Move);
        let head = match self.written {
            true if moved => format!("Moved the {}{target}", self.source.name()),
            true => format!("Nothing was left to move. The {}{target}:", self.source.name()),
            false => format!("Nothing was written. The {}{target}:", self.source.name()),
        };
        let mut lines = vec![printable(&head), self.table()];
        let keys = self.items.iter().filter(|item| item.key.is_some() && item.fate == Fate::Move).count();
        let used = self.items.iter().filter(|item| item.used && item.fate == Fate::Move).count();
        if keys > 0 {
            let when = if self.written { "before and after" } else { "as the source has them" };
            lines.push(format!("Keys used {when}: {used} of {keys}{}", lone(keys - used)));
        }
        lines.extend(self.changes());
        lines.extend(self.left_out());
        lines.join("\n")
    }

    /// Objects per class and type.
    fn table(&self) -> String {
        let mut counts: BTreeMap<(&str, &str), [usize; 4]> = BTreeMap::new();
        for item in self.items {
            let count = counts.entry((&item.shown.class, &item.shown.kind)).or_default();
            let column = match item.fate {
                Fate::Move => 1,
                Fate::There => 2,
                Fate::Unsupported(_) | Fate::Damaged(_) | Fate::Unfinished(_) => 3,
            };
            for at in [0, column] {
                if let Some(count) = count.get_mut(at) {
                    *count += 1;
                }
            }
        }
        let moved = if self.written { "moved" } else { "movable" };
        let mut table = Table::new(&["class", "type", "found", moved, "there", "left out"]);
        for ((class, kind), count) in counts {
            let words = [class, kind].map(str::to_owned);
            table.row(words.into_iter().chain(count.map(|n| n.to_string())));
        }
        table.render("No objects")
    }

    /// What changed on the way, the same change of several objects in one line.
    fn changes(&self) -> Vec<String> {
        let mut changes: BTreeMap<(String, &str), Vec<String>> = BTreeMap::new();
        for item in self.items.iter().filter(|item| item.fate == Fate::Move) {
            for (id, why) in &item.adapted {
                changes.entry((attribute::name(*id).into_owned(), why)).or_default().push(named(item));
            }
        }
        let line = |((name, why), of): ((String, &str), Vec<String>)| {
            printable(&format!("Adapted: {name} {why}: {}", of.join(", ")))
        };
        changes.into_iter().map(line).collect()
    }

    fn left_out(&self) -> Vec<String> {
        let line = |item: &Item| {
            let (word, why) = fate(&item.fate, self.written);
            Some(printable(&format!("Left out, {word}: {}: {}", named(item), why?)))
        };
        self.items.iter().filter_map(line).collect()
    }

    fn json(&self) -> Json {
        let objects = self.items.iter().map(|item| {
            let (word, why) = fate(&item.fate, self.written);
            let adapted =
                item.adapted.iter().map(|(id, why)| json!({ "attribute": attribute::name(*id), "why": why }));
            json!({
                "place": item.place,
                "class": item.shown.class,
                "type": item.shown.kind,
                "label": item.shown.label,
                "id": item.shown.id,
                "result": word,
                "why": why,
                "used": item.used,
                "adapted": adapted.collect::<Vec<Json>>(),
            })
        });
        json!({
            "source": {
                "kind": self.source.kind(),
                "label": self.source.label(),
                "serial": self.source.serial(),
            },
            "token": self.target.map(|token| json!({ "label": token.label, "serial": token.serial, "slot": token.slot })),
            "written": self.written,
            "objects": objects.collect::<Vec<Json>>(),
        })
    }
}

fn lone(count: usize) -> String {
    match count {
        0 => String::new(),
        _ => format!(" ({count} public, compared only: the source lacks the private half)"),
    }
}
