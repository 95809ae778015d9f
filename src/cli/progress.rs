//! Progress on stderr: a spinner that says what is being done and hides itself when stderr is no terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::solver;

/// A spinner.
pub(super) struct Spinner(ProgressBar);

impl Spinner {
    /// A spinner, invisible if `quiet` or stderr is no terminal.
    pub(super) fn new(quiet: bool) -> Self {
        let bar = ProgressBar::new_spinner();
        if quiet {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    /// Says what is being done.
    pub(super) fn say(&self, what: impl Into<String>) {
        self.0.set_message(what.into());
    }

    /// Says where a solver stands.
    pub(super) fn solver(&self, progress: solver::Progress) {
        self.say(format!(
            "iteration {}, {} targets to go, largest relative loss gap {:.1e}",
            progress.iteration, progress.n_active, progress.worst_gap
        ));
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
