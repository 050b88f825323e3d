//! A sign of life on stderr while something takes long; nothing where stderr is no terminal.

use std::time::Duration;

use indicatif::ProgressBar;

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
