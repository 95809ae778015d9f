//! Progress on stderr: what is being done, how far it is and, where that can be known, how much time is left.
//!
//! Nothing is shown for the first half second, nothing at all if stderr is no terminal or `--quiet` was given, and
//! nothing is left behind. A command makes one [`Progress`] and names its stages:
//!
//! ```text
//! progress.stage("drawing figures", Some(Total::Items(n)));
//! for figure in figures {
//!     draw(figure);
//!     progress.advance(1);
//! }
//! ```

use std::fmt::Write;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::features::Step;
use crate::solver;

/// How long a command runs before it shows where it stands.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often the time is drawn anew.
const TICK: Duration = Duration::from_millis(100);

/// The size of a stage whose end is known.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Total {
    /// Bytes to read or write.
    Bytes(u64),
    /// Things to do.
    Items(u64),
}

/// Where a command stands.
pub(super) struct Progress {
    bar: ProgressBar,
    waiting: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Progress that is shown after half a second, unless `quiet` or stderr is no terminal.
    pub(super) fn new(quiet: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if quiet || ProgressDrawTarget::stderr().is_hidden() {
            return Self { bar, waiting: None };
        }
        let (done, told) = channel();
        let shown = bar.clone();
        let waiting = thread::spawn(move || {
            // an answer, or the end of the sender, means that the command is over
            if told.recv_timeout(PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                shown.set_draw_target(ProgressDrawTarget::stderr());
                shown.enable_steady_tick(TICK);
            }
        });
        Self { bar, waiting: Some((done, waiting)) }
    }

    /// Begins a stage; without a total the time that it has taken is shown.
    pub(super) fn stage(&self, what: impl Into<String>, total: Option<Total>) {
        let (template, length) = match total {
            Some(Total::Bytes(n)) => ("{spinner} {msg} {bar:10} {bytes} of {total_bytes}{left}", Some(n)),
            Some(Total::Items(n)) => ("{spinner} {msg} {bar:10} {pos} of {len}{left}", Some(n)),
            None => ("{spinner} {msg} ({elapsed})", None),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style.with_key("left", left));
        }
        match length {
            Some(length) => self.bar.set_length(length),
            None => self.bar.unset_length(),
        }
        self.bar.set_message(what.into());
        self.bar.reset();
    }

    /// So many more bytes or items are done.
    pub(super) fn advance(&self, n: u64) {
        self.bar.inc(n);
    }

    /// So many bytes or items are done.
    pub(super) fn reach(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// Where the reading of a recording stands.
    pub(super) fn step(&self, step: Step) {
        let (what, total, position) = match step {
            Step::Reading { name, n_bytes, of_bytes } => {
                (format!("reading {name}"), Total::Bytes(of_bytes), n_bytes)
            }
            Step::Building { name, n_features, of_features } => {
                (format!("building {name}"), Total::Items(of_features as u64), n_features as u64)
            }
        };
        if self.bar.message() != what {
            self.stage(what, Some(total));
        }
        self.reach(position);
    }

    /// Where a solver stands: its iteration and its gap against the goal, which tells no time.
    pub(super) fn solver(&self, progress: solver::Progress, goal: f64) {
        self.bar.set_message(format!(
            "fitting: iteration {}, loss gap {:.0e}, goal {goal:.0e}",
            progress.iteration, progress.worst_gap
        ));
    }
}

/// The time left by the speed so far; nothing before there is one.
fn left(state: &ProgressState, out: &mut dyn Write) {
    if state.pos() > 0 {
        // writing to the line of a bar cannot fail
        let _ = write!(out, ", {:#} left", HumanDuration(state.eta()));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((done, waiting)) = self.waiting.take() {
            drop(done);
            // it does not panic, and nothing is to be done if it did
            drop(waiting.join());
        }
        self.bar.finish_and_clear();
    }
}
