//! Tamper detection: the device's perimeter is asked about before its private keys are used.
//!
//! Whoever opened the case has the device; what it signs afterwards must not count. So a breach, and a perimeter that
//! can't be read, stop every private operation until a person has cleared the events on the device. Nothing here
//! clears them.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::link::{Link, Repeat};
use crate::error::{Error, ErrorKind, Result};

/// What is known of a device's perimeter.
pub struct Perimeter {
    /// How long an answer lasts; `None` where the configuration asks for no questions.
    interval: Option<Duration>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the perimeter was last seen intact.
    intact: Option<Instant>,
    /// What was wrong at the last look: for each channel the time of its breach, or that nothing could be read.
    trouble: Option<Trouble>,
    /// A breach that C_WaitForSlotEvent has not told yet.
    untold: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Trouble {
    /// Channel and time of each breach.
    Breached(Vec<(usize, u32)>),
    Unreadable(String),
}

impl Perimeter {
    /// Nothing is known yet.
    pub fn new(interval: Option<Duration>) -> Self {
        Perimeter { interval, state: Mutex::default() }
    }

    /// Before a private operation: CKR_DEVICE_ERROR after a breach, and where nobody can tell. Trouble is asked about
    /// each time, so that it ends as soon as a person has cleared it.
    pub fn check(&self, link: &Link) -> Result<()> {
        self.look(link, self.interval)
    }

    /// At C_Login: asks anew, whenever it was asked last.
    pub fn check_now(&self, link: &Link) -> Result<()> {
        self.look(link, self.interval.map(|_| Duration::ZERO))
    }

    fn look(&self, link: &Link, lasts: Option<Duration>) -> Result<()> {
        let Some(lasts) = lasts else { return Ok(()) };
        let mut state = self.state.lock();
        if state.intact.is_some_and(|seen| seen.elapsed() < lasts) {
            return Ok(());
        }
        let now = Instant::now();
        let answer = link.try_call(Repeat::Yes, |device| device.perimeter_info());
        let trouble = match answer {
            Ok(times) => {
                let breached: Vec<_> = times.into_iter().enumerate().filter(|(_, time)| *time != 0).collect();
                (!breached.is_empty()).then_some(Trouble::Breached(breached))
            }
            // The absent device is the link's event and error.
            Err(error) if error.is_absent() => {
                state.intact = None;
                return Err(super::link::device_error(error));
            }
            Err(error) => Some(Trouble::Unreadable(error.to_string())),
        };
        state.intact = trouble.is_none().then_some(now);
        if state.trouble != trouble {
            state.tell(trouble.as_ref());
            state.trouble = trouble;
        }
        match &state.trouble {
            None => Ok(()),
            Some(trouble) => Err(Error::new(ErrorKind::DeviceError, trouble.refusal())),
        }
    }

    /// Whether there was a breach since the last question.
    pub fn event(&self) -> bool {
        std::mem::take(&mut self.state.lock().untold)
    }

    /// Whether anybody asks the device at all.
    pub fn is_watched(&self) -> bool {
        self.interval.is_some()
    }
}

impl State {
    /// One line of log, and an event, for what is new.
    fn tell(&mut self, trouble: Option<&Trouble>) {
        match trouble {
            None => tracing::warn!("the device's perimeter is intact again: private keys may be used"),
            Some(Trouble::Breached(channels)) => {
                self.untold = true;
                for (channel, time) in channels {
                    tracing::error!(
                        channel,
                        time,
                        "PERIMETER BREACH on channel {channel} at {time} seconds since 1970: private keys are not \
                         used until an operator has looked at the device and run \"keyward device clear\""
                    );
                }
            }
            Some(Trouble::Unreadable(why)) => tracing::error!(
                "the device's perimeter can't be read, so its private keys are not used: {why}; a device without \
                 perimeter detection needs tamper = false"
            ),
        }
    }
}

impl Trouble {
    fn refusal(&self) -> String {
        match self {
            Trouble::Breached(channels) => {
                let channels: Vec<_> = channels.iter().map(|(channel, _)| channel.to_string()).collect();
                let channels = channels.join(", ");
                format!(
                    "perimeter breach on channel {channels}; after a look at the device: keyward device clear"
                )
            }
            Trouble::Unreadable(why) => format!("the perimeter can't be read: {why}"),
        }
    }
}
