//! A sign of life on stderr while something takes long; nothing where stderr is no terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Shows `what` until dropped.
pub struct Spinner(ProgressBar);

impl Spinner {
    /// Starts turning.
    pub fn new(what: &str) -> Spinner {
        // indicatif draws to stderr, and draws nothing where that is not a terminal.
        let bar = ProgressBar::new_spinner().with_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        Spinner(bar)
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Counts the steps of `what` until dropped.
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar of so many steps.
    pub fn new(what: &str, steps: usize) -> Bar {
        let bar = ProgressBar::new(steps as u64).with_message(what.to_owned());
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}") {
            bar.set_style(style);
        }
        Bar(bar)
    }

    /// One step is done.
    pub fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
