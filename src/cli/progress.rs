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
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{DecimalBytes, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::time_left::Gaps;
use crate::features::Step;
use crate::solver::{self, Part};

/// How long a command runs before it shows where it stands.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often the line is drawn anew.
const TICK: Duration = Duration::from_millis(100);
/// Characters of a bar.
const WIDTH: u64 = 10;

/// The size of a stage whose end is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Total {
    /// Bytes to read or write.
    Bytes(u64),
    /// Things to do.
    Items(u64),
}

/// Where a command stands.
pub(super) struct Progress {
    stage: Arc<Mutex<Stage>>,
    line: ProgressBar,
    waiting: Option<(Sender<()>, JoinHandle<()>)>,
}

/// What is being done.
struct Stage {
    what: String,
    detail: String,
    total: Option<Total>,
    position: u64,
    started: Instant,
    gaps: Gaps,
    /// How long the solver may still take, as far as that can be known.
    left: Option<Duration>,
}

impl Progress {
    /// Progress that is shown after half a second, unless `quiet` or stderr is no terminal.
    pub(super) fn new(quiet: bool) -> Self {
        let stage = Arc::new(Mutex::new(Stage::new(String::new(), None)));
        let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if quiet || ProgressDrawTarget::stderr().is_hidden() {
            return Self { stage, line, waiting: None };
        }
        let (shown, drawn) = (line.clone(), Arc::clone(&stage));
        let draw = move |_: &ProgressState, out: &mut dyn Write| {
            // writing to the line cannot fail
            let _ = out.write_str(&lock(&drawn).line(Instant::now()));
        };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {stage}") {
            line.set_style(style.with_key("stage", draw));
        }
        let (done, told) = channel();
        let waiting = thread::spawn(move || {
            // the end of the sender means that the command is over
            if told.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                shown.set_draw_target(ProgressDrawTarget::stderr());
                shown.enable_steady_tick(TICK);
            }
        });
        Self { stage, line, waiting: Some((done, waiting)) }
    }

    /// Begins a stage; without a total the time that it has taken is shown.
    pub(super) fn stage(&self, what: impl Into<String>, total: Option<Total>) {
        *lock(&self.stage) = Stage::new(what.into(), total);
    }

    /// So many more bytes or items are done.
    pub(super) fn advance(&self, n: u64) {
        lock(&self.stage).position += n;
    }

    /// So many bytes or items are done.
    pub(super) fn reach(&self, position: u64) {
        lock(&self.stage).position = position;
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
        if lock(&self.stage).what != what {
            self.stage(what, Some(total));
        }
        self.reach(position);
    }

    /// Where a solver stands: iteration, passes over the rows, and the gap of the worst open target against the goal, whose course
    /// may tell the time.
    pub(super) fn solver(&self, progress: solver::Progress, goal: f64) {
        let mut stage = lock(&self.stage);
        stage.gaps.add(progress.iteration, Instant::now(), progress.worst_gap);
        // of targets that follow one another the course of one says nothing about the others, nor does one fit of many
        let tells = progress.n_waiting == 0 && progress.part == Part::Whole;
        stage.left = tells.then(|| stage.gaps.left(goal)).flatten();
        stage.detail = format!(
            "{}: iteration {}, pass {}, loss gap {:.0e}, goal {goal:.0e}",
            part(progress.part),
            progress.iteration,
            progress.passes,
            progress.worst_gap
        );
    }
}

/// Which of several fits, in words.
fn part(part: Part) -> String {
    match part {
        Part::Whole => String::new(),
        Part::Strength { number, of } => format!(", strength {number} of {of}"),
        Part::Folds { first, last, of, n_strengths, of_strengths } => {
            let folds =
                if first == last { format!("fold {first}") } else { format!("folds {first} to {last}") };
            format!(", {folds} of {of}, {n_strengths} of {of_strengths} strengths done")
        }
    }
}

/// The stage, also after a thread that held it has died.
fn lock(stage: &Mutex<Stage>) -> MutexGuard<'_, Stage> {
    stage.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stage {
    fn new(what: String, total: Option<Total>) -> Self {
        let (detail, started, gaps) = (String::new(), Instant::now(), Gaps::default());
        Self { what, detail, total, position: 0, started, gaps, left: None }
    }

    /// What is shown: a bar, what is done of how much and the time left by the speed so far, or the time taken.
    fn line(&self, now: Instant) -> String {
        let taken = now.saturating_duration_since(self.started);
        let (total, done) = match self.total {
            Some(Total::Bytes(n)) if n > 0 => {
                (n, format!("{} of {}", DecimalBytes(self.position), DecimalBytes(n)))
            }
            Some(Total::Items(n)) if n > 0 => (n, format!("{} of {n}", self.position)),
            _ => {
                let left =
                    self.left.map_or(String::new(), |left| format!(", {:#} left", HumanDuration(left)));
                return format!("{}{} ({:#}{left})", self.what, self.detail, HumanDuration(taken));
            }
        };
        let filled = (WIDTH * self.position.min(total) / total) as usize;
        let bar = "█".repeat(filled) + &"░".repeat(WIDTH as usize - filled);
        let by_speed = (self.position > 0 && self.position < total)
            .then(|| taken.mul_f64((total - self.position) as f64 / self.position as f64));
        // targets that are done say little about those that take longest
        let left = by_speed.max(self.left);
        let left = left.map_or(String::new(), |left| format!(", {:#} left", HumanDuration(left)));
        format!("{}{} {bar} {done}{left}", self.what, self.detail)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((done, waiting)) = self.waiting.take() {
            drop(done);
            // it does not panic, and nothing is to be done if it did
            drop(waiting.join());
        }
        self.line.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(total: Option<Total>, position: u64, seconds: u64) -> String {
        let mut stage = Stage::new("reading".into(), total);
        stage.position = position;
        stage.line(stage.started + Duration::from_secs(seconds))
    }

    #[test]
    fn a_line_tells_what_can_be_known() {
        assert_eq!(line(None, 0, 3), "reading (3s)");
        assert_eq!(line(Some(Total::Items(40)), 0, 3), "reading ░░░░░░░░░░ 0 of 40");
        assert_eq!(line(Some(Total::Items(40)), 10, 3), "reading ██░░░░░░░░ 10 of 40, 9s left");
        assert_eq!(line(Some(Total::Items(40)), 40, 3), "reading ██████████ 40 of 40");
        assert_eq!(
            line(Some(Total::Bytes(2_000_000)), 500_000, 60),
            "reading ██░░░░░░░░ 500.00 kB of 2.00 MB, 3m left"
        );
        assert_eq!(line(Some(Total::Bytes(0)), 0, 1), "reading (1s)");
    }

    #[test]
    fn a_solver_is_shown_with_what_its_course_tells() {
        let progress = Progress::new(true);
        progress.stage("fitting", None);
        let mut at = solver::Progress {
            iteration: 0,
            n_active: 1,
            n_waiting: 0,
            passes: 1,
            worst_gap: 1.0,
            part: Part::Whole,
        };
        progress.solver(at, 1e-16);
        let line = |progress: &Progress, seconds: u64| {
            let stage = lock(&progress.stage);
            stage.line(stage.started + Duration::from_secs(seconds))
        };
        assert_eq!(line(&progress, 2), "fitting: iteration 0, pass 1, loss gap 1e0, goal 1e-16 (2s)");
        {
            let mut stage = lock(&progress.stage);
            let started = stage.started;
            for k in 0..9 {
                stage.gaps.add(k, started + Duration::from_secs(k as u64), 0.01_f64.powi(k as i32));
            }
            stage.left = stage.gaps.left(1e-20);
        }
        assert!(line(&progress, 8).ends_with(" (8s, 2s left)"), "{}", line(&progress, 8));
        at.part = Part::Strength { number: 3, of: 20 };
        progress.solver(at, 1e-8);
        assert_eq!(
            line(&progress, 2),
            "fitting, strength 3 of 20: iteration 0, pass 1, loss gap 1e0, goal 1e-8 (2s)"
        );
        at.part = Part::Folds { first: 1, last: 5, of: 10, n_strengths: 0, of_strengths: 20 };
        progress.solver(at, 1e-8);
        assert!(line(&progress, 2).starts_with("fitting, folds 1 to 5 of 10, 0 of 20 strengths done: "));
        at.part = Part::Folds { first: 2, last: 2, of: 10, n_strengths: 7, of_strengths: 20 };
        progress.solver(at, 1e-8);
        assert!(line(&progress, 2).starts_with("fitting, fold 2 of 10, 7 of 20 strengths done: "));
    }

    #[test]
    fn stages_replace_one_another_and_steps_continue() {
        let progress = Progress::new(true);
        progress.stage("drawing", Some(Total::Items(3)));
        progress.advance(1);
        progress.advance(1);
        assert_eq!(lock(&progress.stage).position, 2);
        progress.step(Step::Reading { name: "x", n_bytes: 8, of_bytes: 16 });
        let started = lock(&progress.stage).started;
        progress.step(Step::Reading { name: "x", n_bytes: 16, of_bytes: 16 });
        let stage = lock(&progress.stage);
        assert_eq!((stage.what.as_str(), stage.position, stage.started), ("reading x", 16, started));
    }
}
