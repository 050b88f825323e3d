//! What a row is, and the lines that it becomes.

use crate::algorithm::{Bulk, Signature};
use crate::fault::Fault;
use crate::goal::Goal;
use crate::options::Options;
use crate::shown::{float, thousands};
use crate::table::ROWS;
use crate::worker::Worker;

/// Which values are the good ones.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// A cost.
    Lower,
    /// A rate.
    Higher,
    /// Neither: a cost that is paid on purpose, or a difference around zero.
    Neither,
}

impl Better {
    /// Its name in the JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Higher => "higher",
            Self::Neither => "neither",
        }
    }
}

/// The token that a row works on. Rows with the same one, at the same size, share a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fixture {
    /// The keys that rows ask for, and no others.
    Keys,
    /// A token of its own for rows that leave objects behind.
    Growing,
    /// [`Fixture::SMALLEST`] pairs, the PIN derived at keyward's default cost. Other tokens have its cheapest one.
    DefaultKdf,
    /// So many durable pairs.
    Pairs,
    /// Twice so many session objects.
    SessionObjects,
}

impl Fixture {
    const ALL: [Self; 5] = [Self::Keys, Self::Growing, Self::DefaultKdf, Self::Pairs, Self::SessionObjects];
    /// How many pairs there are in a token that has some but no size.
    pub const SMALLEST: usize = 5;

    /// Whether its rows are measured once for each size.
    pub fn is_sized(self) -> bool {
        matches!(self, Self::Pairs | Self::SessionObjects)
    }

    /// Its name between driver and worker.
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    /// The fixture with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fixture| fixture.name() == name)
    }
}

/// What is measured.
#[derive(Clone, Copy)]
pub enum Work {
    /// Microseconds per C_SignInit and C_Sign, another message each time.
    Sign(Signature),
    /// Microseconds per C_VerifyInit and C_Verify.
    Verify(Signature),
    /// Signatures per second of two threads, a session each, over one thread's.
    Threads(Signature, Sharing),
    /// Megabytes per second in messages of so many bytes, each in so many parts; one part is the single call.
    Bulk(Bulk, usize, usize),
    /// What only a token does, and what stands beside it in the bare column.
    Token(
        fn(&mut Worker) -> Result<f64, Fault>,
        #[cfg_attr(
            not(feature = "bare"),
            expect(dead_code, reason = "read by the column that is not built")
        )]
        Bare,
    ),
}

/// Whether two threads sign with one key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// They do.
    OneKey,
    /// Each has its own.
    OwnKeys,
}

/// The bare column of a row that is a token's alone.
#[derive(Clone, Copy)]
pub enum Bare {
    /// There is no such thing.
    Nothing,
    /// Milliseconds of Argon2id with the parameters of keyward's default.
    Argon2id,
    /// Milliseconds of a process that does nothing.
    Process,
    /// Transactions per second of so many processes that insert what a pair is in keyward's token.
    #[cfg_attr(not(feature = "bare"), expect(dead_code, reason = "read by the column that is not built"))]
    Sqlite(usize),
}

/// One row of the table.
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// The unit of what is measured.
    pub unit: &'static str,
    /// Which values are the good ones.
    pub better: Better,
    /// Where it is measured.
    pub fixture: Fixture,
    /// What is measured.
    pub work: Work,
    /// What the first column has to reach.
    pub goals: &'static [Goal],
}

impl Row {
    /// How far the first module is ahead: above 1 it is.
    pub fn ratio(&self, peer: f64, ours: f64) -> Option<f64> {
        match self.better {
            Better::Lower => Some(peer / ours),
            Better::Higher => Some(ours / peer),
            Better::Neither => None,
        }
    }
}

/// A row at a size: one line of the table.
#[derive(Clone, Copy)]
pub struct Case {
    /// The row.
    pub row: &'static Row,
    /// The token's pairs, where the row depends on them.
    pub pairs: Option<usize>,
}

impl Case {
    /// Every line that the options ask for, in the table's order.
    pub fn all(options: &Options) -> Vec<Case> {
        let sizes = |row: &Row| match row.fixture.is_sized() {
            true => options.pairs.iter().copied().map(Some).collect(),
            false => vec![None],
        };
        let cases = ROWS.iter().flat_map(|row| sizes(row).into_iter().map(move |pairs| Case { row, pairs }));
        cases.filter(|case| options.wants(&case.title())).collect()
    }

    /// How many objects there are, where the row depends on them: two per pair.
    pub fn objects(&self) -> Option<usize> {
        self.pairs.map(|pairs| 2 * pairs)
    }

    /// The line's name.
    pub fn title(&self) -> String {
        match self.objects() {
            Some(objects) => format!("{}, {} objects", self.row.name, thousands(float(objects))),
            None => self.row.name.to_owned(),
        }
    }
}
