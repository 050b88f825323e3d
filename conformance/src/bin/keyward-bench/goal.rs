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
    /// What the goal bounds, where this run has the numbers: a value, a ratio or a difference.
    pub got: Option<f64>,
    /// Whether the goal is met.
    pub met: Option<bool>,
    /// Whether `got` stands nowhere else in the line.
    is_derived: bool,
}

impl Verdict {
    /// The table's cell for all of a row's goals.
    pub fn cell(verdicts: &[Verdict]) -> String {
        verdicts.iter().map(Verdict::text).collect::<Vec<_>>().join("; ")
    }

    fn text(&self) -> String {
        let mark = match self.met {
            Some(true) => "✓",
            Some(false) => "✗",
            None => "–",
        };
        match self.got {
            Some(got) if self.is_derived => format!("{} {mark} ({})", self.goal, digits(got)),
            _ => format!("{} {mark}", self.goal),
        }
    }
}

impl Goal {
    /// The verdict on `measured`; `earlier` are the rows before it. `None` where the goal says nothing of this size.
    pub fn judge(self, measured: &Measured, earlier: &[Measured]) -> Option<Verdict> {
        let (row, pairs) = (measured.case.row, measured.case.pairs);
        let got = match self {
            Self::AtLeast(_) | Self::AtMost(_) => measured.value(0),
            Self::AtMostUpTo(_) => self.bound(pairs).and_then(|_| measured.value(0)),
            Self::OfBare(_) => measured.bare().and_then(|bare| measured.ratio(bare)),
            Self::BarePlus(_) => measured.over_bare(),
            Self::AbovePeers => measured.worst_peer(),
            Self::Flat(_) => measured.over(earlier.iter().find(|other| std::ptr::eq(other.case.row, row))?),
            Self::OfRow(_, name) => {
                let other = earlier.iter().find(|other| other.case.row.name == name);
                measured
                    .value(0)
                    .zip(other.and_then(|other| other.value(0)))
                    .map(|(ours, other)| ours / other)
            }
        };
        let is_met = |got: f64| match self {
            Self::AtLeast(bound) | Self::OfBare(bound) | Self::OfRow(bound, _) => got >= bound,
            Self::AtMost(bound) | Self::BarePlus(bound) | Self::Flat(bound) => got <= bound,
            Self::AtMostUpTo(_) => self.bound(pairs).is_some_and(|bound| got <= bound),
            Self::AbovePeers => got > 1.0,
        };
        let is_derived = matches!(self, Self::BarePlus(_) | Self::Flat(_) | Self::OfRow(..));
        Some(Verdict { goal: self.text(row, pairs), got, met: got.map(is_met), is_derived })
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
            Self::AtMostUpTo(_) => match self.bound(pairs) {
                Some(bound) => format!("≤ {}", amount(bound)),
                None => "none at this size".to_owned(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::options::BARE;
    use crate::report::Measured;
    use crate::rows::Case;
    use crate::table::ROWS;

    /// A line with these numbers, one round each.
    fn line(name: &str, pairs: Option<usize>, numbers: &[(&str, f64)], earlier: &[Measured]) -> Measured {
        let row = ROWS.iter().find(|row| row.name == name).unwrap();
        let samples = numbers.iter().map(|(name, number)| ((*name).to_owned(), Ok(vec![*number]))).collect();
        Measured::new(Case { row, pairs }, samples, earlier)
    }

    fn goals(measured: &Measured) -> String {
        measured.line().rsplit('|').nth(1).unwrap().trim().to_owned()
    }

    #[test]
    fn the_first_column_is_judged_by_the_others() {
        let numbers = |ours, peer| [("ours", ours), ("peer", peer), (BARE, 9.0)];
        let sign = |ours, peer| goals(&line("P-256 sign", None, &numbers(ours, peer), &[]));
        assert_eq!(sign(9.5, 20.0), "≥ 0.92 bare ✓; below peers ✓");
        assert_eq!(sign(10.0, 8.0), "≥ 0.92 bare ✗; below peers ✗");
        let alone = line("P-256 sign", None, &[("ours", 1.0)], &[]);
        assert_eq!(goals(&alone), "≥ 0.92 bare –; below peers –");
    }

    #[test]
    fn a_rate_is_better_when_it_is_higher() {
        let hash = |ours| goals(&line("SHA-256, 16 KiB", None, &[("ours", ours), (BARE, 1000.0)], &[]));
        assert_eq!((hash(950.0).as_str(), hash(850.0).as_str()), ("≥ 0.90 bare ✓", "≥ 0.90 bare ✗"));
    }

    #[test]
    fn sizes_are_compared_with_the_smallest() {
        let find = |pairs, micros, earlier: &[Measured]| {
            line("find nothing by CKA_ID alone", Some(pairs), &[("ours", micros)], earlier)
        };
        let smallest = [find(5, 20.0, &[])];
        assert_eq!(goals(&smallest[0]), "≤ 50 µs ✓");
        assert_eq!(goals(&find(50, 30.0, &smallest)), "≤ 50 µs ✓; ≤ 2 × smallest ✓ (1.50)");
        assert_eq!(goals(&find(500, 60.0, &smallest)), "≤ 50 µs ✗; ≤ 2 × smallest ✗ (3.00)");
    }

    #[test]
    fn memory_may_grow_with_the_token() {
        let memory = |pairs| {
            line("memory over a process without the module, all used", Some(pairs), &[("ours", 30.0)], &[])
        };
        let all = [10_000, 100_000, 1_000_000].map(|pairs| goals(&memory(pairs)));
        assert_eq!(all, ["≤ 20 MiB ✗", "≤ 60 MiB ✓", "none at this size –"]);
    }

    #[test]
    fn a_default_kdf_may_cost_what_the_kdf_costs() {
        let login = |ours| goals(&line("C_Login, default KDF", None, &[("ours", ours), (BARE, 25.0)], &[]));
        assert_eq!([login(26.0), login(28.0)], ["≤ bare + 2 ms ✓ (1.00)", "≤ bare + 2 ms ✗ (3.00)"]);
    }
}
