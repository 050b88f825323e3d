//! `keyward device watch`: perimeter events as they come.

use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::Value;

use super::super::error::{Error, Result};
use super::super::output::{self, Answer};
use super::report::Event;
use super::{DeviceArg, Opened, at};

/// How long one wait lasts. A device notifies the host only of channels that were set so, therefore what it remembers
/// is looked at after each wait, whatever came of it.
const WAIT_MS: u32 = 1000;

/// Print perimeter events as they come, the remembered ones first
#[derive(Args, Debug)]
pub struct Watch {
    #[command(flatten)]
    device: DeviceArg,
    /// End after this many events
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// End after this many seconds
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

/// Runs the verb until it has printed or waited enough, or the process is told to end.
pub fn run(args: &Watch, json: bool) -> Result<Answer> {
    let opened = args.device.open_one()?;
    let started = Instant::now();
    let mut left = args.count.unwrap_or(u64::MAX);
    let mut known = Vec::new();
    loop {
        for event in unknown(&opened, &mut known)? {
            if left == 0 {
                break;
            }
            let line = if json { event.json().to_string() } else { event.text() };
            output::line(&line).map_err(|error| Error::Failed(format!("stdout: {error}")))?;
            left -= 1;
        }
        let rest = match args.timeout {
            Some(seconds) => Duration::from_secs(seconds).saturating_sub(started.elapsed()),
            None => Duration::MAX,
        };
        if left == 0 || rest.is_zero() {
            return Ok(Answer::new("", Value::Null));
        }
        wait(&opened, rest)?;
    }
}

/// The events that the device did not remember the last time.
fn unknown(opened: &Opened, known: &mut Vec<(usize, u32)>) -> Result<Vec<Event>> {
    let remembered = Event::remembered(opened)?;
    let now: Vec<(usize, u32)> = remembered.iter().map(|event| (event.channel, event.time)).collect();
    let before = std::mem::replace(known, now);
    Ok(remembered.into_iter().filter(|event| !before.contains(&(event.channel, event.time))).collect())
}

fn wait(opened: &Opened, rest: Duration) -> Result<()> {
    let most = rest.min(Duration::from_millis(WAIT_MS.into()));
    let milliseconds = u32::try_from(most.as_millis()).unwrap_or(WAIT_MS).max(1);
    match opened.device.wait_for_perimeter_event(milliseconds) {
        Ok(_) => Ok(()),
        Err(error) if error.is_unsupported() => {
            thread::sleep(most);
            Ok(())
        }
        Err(error) => Err(at(&opened.library, &error)),
    }
}
