//! The committed table of what each row may take.
//!
//! A line is a row's name, its instructions and a tolerance, in columns: `find by CKA_ID    12345    10 %`. Lines that
//! begin with `#` are comments.

/// What one row may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    name: String,
    /// As last accepted.
    pub instructions: u64,
    /// How far from it a count may be, in percent.
    pub tolerance: u64,
}

/// What a row that is new in the table gets.
const TOLERANCE: u64 = 5;

/// How a count compares with its limit.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Within the tolerance.
    Same,
    /// More than that above: a regression.
    Above,
    /// More than that below: the table could be tighter.
    Below,
}

impl Limit {
    /// Compares without rounding.
    pub fn judge(&self, count: u64) -> Verdict {
        let (scaled, accepted) = (count * 100, self.instructions);
        if scaled > accepted * (100 + self.tolerance) {
            Verdict::Above
        } else if scaled < accepted * (100_u64.saturating_sub(self.tolerance)) {
            Verdict::Below
        } else {
            Verdict::Same
        }
    }
}

/// The table's text, kept as it is but for the numbers.
pub struct Limits(String);

impl Limits {
    /// Takes the table's text; an error names the line that is none.
    pub fn parse(text: String) -> Result<Self, String> {
        match text.lines().find(|line| !is_comment(line) && entry(line).is_none()) {
            Some(line) => Err(format!("neither a comment nor name, instructions, tolerance: {line:?}")),
            None => Ok(Self(text)),
        }
    }

    /// The row's limit.
    pub fn of(&self, name: &str) -> Option<Limit> {
        self.0.lines().filter_map(entry).find(|limit| limit.name == name)
    }

    /// The text with these counts: comments and tolerances stay, rows that are missing come last, others go.
    pub fn with(&self, counts: &[(&str, u64)]) -> String {
        let mut text = String::new();
        for line in self.0.lines().filter(|line| is_comment(line)) {
            text.push_str(line);
            text.push('\n');
        }
        for (name, count) in counts {
            let tolerance = self.of(name).map_or(TOLERANCE, |limit| limit.tolerance);
            text.push_str(&format!("{name:<44} {count:>8} {tolerance:>4} %\n"));
        }
        text
    }
}

fn is_comment(line: &str) -> bool {
    line.starts_with('#') || line.trim().is_empty()
}

fn entry(line: &str) -> Option<Limit> {
    if is_comment(line) {
        return None;
    }
    let (rest, tolerance) = line.trim_end().strip_suffix('%')?.trim_end().rsplit_once(' ')?;
    let (name, instructions) = rest.trim_end().rsplit_once(' ')?;
    Some(Limit {
        name: name.trim().to_owned(),
        instructions: instructions.parse().ok()?,
        tolerance: tolerance.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Limits.\n\nsign, P-256    1000    5 %\nfind   2000 10 %\n";

    #[test]
    fn a_count_is_judged_by_its_rows_tolerance() {
        let limits = Limits::parse(TEXT.to_owned()).unwrap();
        let limit = limits.of("sign, P-256").unwrap();
        assert_eq!((limit.instructions, limit.tolerance), (1000, 5));
        assert_eq!(limit.judge(1050), Verdict::Same);
        assert_eq!(limit.judge(1051), Verdict::Above);
        assert_eq!(limit.judge(950), Verdict::Same);
        assert_eq!(limit.judge(949), Verdict::Below);
        assert_eq!(limits.of("sign"), None);
    }

    #[test]
    fn an_update_keeps_comments_and_tolerances() {
        let text = Limits::parse(TEXT.to_owned()).unwrap().with(&[("find", 1900), ("digest", 10)]);
        let limits = Limits::parse(text.clone()).unwrap();
        assert!(text.starts_with("# Limits.\n\n"));
        assert_eq!(limits.of("find").map(|limit| (limit.instructions, limit.tolerance)), Some((1900, 10)));
        assert_eq!(limits.of("digest").map(|limit| limit.tolerance), Some(TOLERANCE));
        assert_eq!(limits.of("sign, P-256"), None);
    }

    #[test]
    fn a_line_that_is_no_limit_is_refused() {
        for line in ["sign", "sign 10", "sign 10 5", "sign many 5 %", "10 5 %"] {
            assert!(Limits::parse(format!("{line}\n")).is_err(), "{line}");
        }
    }
}
