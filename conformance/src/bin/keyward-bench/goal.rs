//! What the first column has to reach, judged by the numbers of the same run.

use crate::report::Measured;
use crate::rows::{Better, Row};
use crate::shown::{digits, thousands};

/// A goal of a row.
#[derive(Clone, Copy)]
pub enum Goal {
    /// At least so many of the row's unit.
    AtLeast(f64),
    /// At most so many of the row's unit.
    AtMost(f64),
    /// At least this part of the bare library's speed.
    OfBare(f64),
    /// At most so many of the row's unit more than the bare library.
    BarePlus(f64),
    /// Ahead of every other module.
    AbovePeers,
    /// At most so many times what the same row costs at the smallest size.
    Flat(f64),
    /// At least this part of another row's rate, one that comes earlier and has no size.
    OfRow(f64, &'static str),
    /// At most so many of the row's unit up to so many key pairs: the first that applies.
    AtMostUpTo(&'static [(usize, f64)]),
}

/// A goal and how it went.
pub struct Verdict {
    /// The goal in words.
    pub goal: String,
    /// Whether it is met; `None` where the numbers to tell are missing.
    pub met: Option<bool>,
}

impl Verdict {
    /// The table's cell for all of a row's goals.
    pub fn cell(verdicts: &[Verdict]) -> String {
        let mark = |met| match met {
            Some(true) => "✓",
            Some(false) => "✗",
            None => "–",
        };
        let cells: Vec<_> = verdicts.iter().map(|v| format!("{} {}", v.goal, mark(v.met))).collect();
        cells.join("; ")
    }
}

impl Goal {
    /// The verdict on `measured`; `earlier` are the rows before it. `None` where the goal says nothing of this size.
    pub fn judge(self, measured: &Measured, earlier: &[Measured]) -> Option<Verdict> {
        let ours = measured.value(0);
        let met = match self {
            Self::AtLeast(bound) => ours.map(|ours| ours >= bound),
            Self::AtMost(bound) => ours.map(|ours| ours <= bound),
            Self::OfBare(part) => measured.bare().and_then(|bare| measured.ratio(bare)).map(|r| r >= part),
            Self::BarePlus(more) => measured.over_bare().map(|over| over <= more),
            Self::AbovePeers => measured.worst_peer().map(|ratio| ratio > 1.0),
            Self::Flat(factor) => {
                let smallest =
                    earlier.iter().find(|other| std::ptr::eq(other.case.row, measured.case.row))?;
                ours.zip(smallest.value(0)).map(|(ours, smallest)| ours <= factor * smallest)
            }
            Self::OfRow(part, name) => {
                let other = earlier.iter().find(|other| other.case.row.name == name);
                ours.zip(other.and_then(|other| other.value(0))).map(|(ours, other)| ours >= part * other)
            }
            Self::AtMostUpTo(_) => {
                let bound = self.bound(measured.case.pairs)?;
                ours.map(|ours| ours <= bound)
            }
        };
        Some(Verdict { goal: self.text(measured.case.row, measured.case.pairs), met })
    }

    /// The bound of [`Goal::AtMostUpTo`] at this size.
    fn bound(self, pairs: Option<usize>) -> Option<f64> {
        let Self::AtMostUpTo(bounds) = self else { return None };
        bounds.iter().find(|(most, _)| pairs.unwrap_or(0) <= *most).map(|(_, bound)| *bound)
    }

    fn text(self, row: &Row, pairs: Option<usize>) -> String {
        let amount = |value: f64| format!("{} {}", thousands(value), row.unit).trim_end().to_owned();
        match self {
            Self::AtLeast(bound) => format!("≥ {}", amount(bound)),
            Self::AtMost(bound) => format!("≤ {}", amount(bound)),
            Self::OfBare(part) => format!("≥ {part:.2} bare"),
            Self::BarePlus(more) => format!("≤ bare + {}", amount(more)),
            Self::AbovePeers if row.better == Better::Lower => "below peers".to_owned(),
            Self::AbovePeers => "above peers".to_owned(),
            Self::Flat(factor) => format!("≤ {} × smallest", thousands(factor)),
            Self::OfRow(part, name) => format!("≥ {} × {name}", digits(part)),
            Self::AtMostUpTo(_) => format!("≤ {}", amount(self.bound(pairs).unwrap_or(f64::NAN))),
        }
    }
}
