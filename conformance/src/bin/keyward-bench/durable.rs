//! Key pairs that are on the disk when the call returns.

use crate::errand::{Errand, together};
use crate::fault::Fault;
use crate::worker::Worker;

/// A measurement is at least this long: some disks need a while per transaction.
pub const LEAST_MILLIS: u128 = 500;

/// Pairs per second that so many processes make at once, all together.
pub fn pairs(worker: &mut Worker, processes: usize) -> Result<f64, Fault> {
    let millis = usize::try_from(worker.duration.as_millis().max(LEAST_MILLIS))?;
    let commands = (0..processes).map(|_| worker.errand(Errand::Produce, millis));
    together(commands.collect::<Result<_, _>>()?)
}
