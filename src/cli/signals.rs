//! Ctrl-C and the like: how a command ends when it is asked to.
//!
//! The first signal (SIGINT, SIGTERM, SIGHUP) asks the command to stop: [`stop`] is what fits look at. A thread of its own sees to it that
//! the command ends within a second. While a fit [`goes on`](goes_on), it has most of that time to end by itself, with the best
//! coefficients so far; whatever else is being done is given up at once: the checkpoint is written, temporary files
//! are removed, and the exit code is 1. A second signal ends the process where it stands, with 128 and the number of the signal.
//!
//! Signals that were ignored when the command began (`nohup`) stay so. SIGXFSZ becomes an error of the write that is too long.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::{consts, flag, low_level};

use super::checkpoint::Keeper;
use super::run::say;
use crate::Error;
use crate::stop::Stop;
use crate::write::save::INDEX_NAME;
use crate::write::temporaries::{Renamed, abandon, end_renaming};

/// How often the thread looks for a signal.
const TICK: Duration = Duration::from_millis(20);
/// How long a fit has to end by itself.
const TO_END: Duration = Duration::from_millis(500);
/// How long the end of what is being printed is waited for.
const TO_PRINT: Duration = Duration::from_millis(100);

/// The signals that end a command, with their names and what people call them.
#[cfg(unix)]
const SIGNALS: [(i32, &str, &str); 3] = [
    (consts::SIGINT, "SIGINT", "Ctrl-C"),
    (consts::SIGTERM, "SIGTERM", "a request to end"),
    (consts::SIGHUP, "SIGHUP", "the end of the terminal"),
];
#[cfg(not(unix))]
const SIGNALS: [(i32, &str, &str); 2] =
    [(consts::SIGINT, "SIGINT", "Ctrl-C"), (consts::SIGTERM, "SIGTERM", "a request to end")];

/// What this process knows of signals.
struct State {
    stop: Stop,
    /// Which of [`SIGNALS`] have come.
    came: [Arc<AtomicBool>; SIGNALS.len()],
    /// Whether a fit goes on, and who keeps its checkpoint.
    work: Mutex<Work>,
}

#[derive(Default)]
struct Work {
    goes_on: bool,
    /// Whether all is written.
    is_done: bool,
    keeper: Option<Arc<Keeper>>,
}

impl State {
    fn came(&self) -> impl Iterator<Item = (i32, &'static str, &'static str)> {
        SIGNALS
            .into_iter()
            .zip(&self.came)
            .filter(|(_, came)| came.load(Ordering::SeqCst))
            .map(|(signal, _)| signal)
    }

    /// Ends the process if signals of two kinds came at once: then the handler of each, in a thread of its own, may have taken its
    /// signal for the first.
    fn end_at_the_second(&self) {
        if let Some((number, ..)) = self.came().nth(1) {
            low_level::exit(128 + number);
        }
    }
}

static STATE: OnceLock<State> = OnceLock::new();

/// Handles signals from now on.
pub(super) fn handle() {
    STATE.get_or_init(|| {
        let requested = Arc::default();
        let came: [Arc<AtomicBool>; SIGNALS.len()] = Default::default();
        for ((number, ..), came) in
            SIGNALS.into_iter().zip(&came).filter(|((number, ..), _)| !is_ignored(*number))
        {
            // where the system refuses, the signal does what it always did
            let _ = flag::register_conditional_shutdown(number, 128 + number, Arc::clone(&requested));
            let _ = flag::register(number, Arc::clone(came));
            let _ = flag::register(number, Arc::clone(&requested));
        }
        #[cfg(unix)]
        let _ = flag::register(consts::SIGXFSZ, Arc::default());
        thread::spawn(watch);
        State { stop: Stop::at(requested), came, work: Mutex::default() }
    });
}

/// Whether a signal was ignored when the command began, as far as the system tells.
fn is_ignored(number: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| (mask >> (number - 1)) & 1 == 1)
}

/// What asks fits to stop; it never comes where nobody handles signals.
pub(super) fn stop() -> Stop {
    STATE.get().map(|state| state.stop.clone()).unwrap_or_default()
}

/// What a command was stopped by, if it was: `Ctrl-C (SIGINT)`.
pub(super) fn stopped_by() -> Option<String> {
    let state = STATE.get().filter(|state| state.stop.is_requested())?;
    Some(state.came().next().map_or("a signal".into(), |(_, name, title)| format!("{title} ({name})")))
}

/// A fit goes on from now on, and ends by itself when it is asked to stop; `keeper` has its checkpoint.
pub(super) fn goes_on(keeper: Arc<Keeper>) {
    if let Some(state) = STATE.get() {
        *lock(&state.work) = Work { goes_on: true, is_done: false, keeper: Some(keeper) };
    }
}

/// The fit has ended: whether because somebody asked to stop. If not, what follows is given up at once if somebody does.
pub(super) fn is_stopped() -> bool {
    let Some(state) = STATE.get() else { return false };
    let mut work = lock(&state.work);
    if state.stop.is_requested() {
        state.end_at_the_second();
        return true;
    }
    work.goes_on = false;
    false
}

/// All is written: there is no checkpoint any more.
pub(super) fn is_done() {
    let done = || Work { is_done: true, ..Work::default() };
    STATE.get().iter().for_each(|state| *lock(&state.work) = done());
}

fn lock(work: &Mutex<Work>) -> MutexGuard<'_, Work> {
    work.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether an error is that of a fit that was stopped. Then that is said, with what there is to go on from.
pub(super) fn was_the_reason(error: &Error) -> bool {
    let mut error = error;
    while let Error::Within { source, .. } = error {
        error = source;
    }
    let Some(state) = STATE.get().filter(|_| matches!(error, Error::Interrupted)) else { return false };
    let work = lock(&state.work);
    give_up(&work);
    // the thread that watches has nothing to do any more
    std::mem::forget(work);
    true
}

/// Ends all renaming, writes the checkpoint, and says what is written and what is not.
fn give_up(work: &Work) {
    STATE.get().into_iter().for_each(State::end_at_the_second);
    let renamed = end_renaming();
    if io::stderr().is_terminal() {
        // over the line that shows progress
        let _ = write!(io::stderr(), "\r\x1b[K");
    }
    let by = stopped_by().unwrap_or_default();
    let written = renamed.as_deref().copied();
    // held to the end: from here on nothing gets its name
    std::mem::forget(renamed);
    match (&work.keeper, written) {
        (_, None) => say(&format!(
            "stopped by {by} while files were being replaced: each is old or new, and those that {INDEX_NAME} does not list are of different runs"
        )),
        (Some(_), Some(Renamed { sets: 1.., .. })) => say(&format!("stopped by {by}: all files are written")),
        (Some(keeper), Some(Renamed { files, .. })) => {
            keeper.write_last();
            let result = if files > 0 { "no result but --write-nwb" } else { "no result" };
            say(&format!("stopped by {by}: {result} was written\n{}", keeper.remark()));
        }
        (None, _) if work.is_done => say(&format!("stopped by {by}: all files are written")),
        (None, _) => say(&format!("stopped by {by}: files are complete or as they were")),
    }
}

/// Waits for a signal, and ends the process if it does not end by itself.
fn watch() {
    let state = loop {
        match STATE.get() {
            Some(state) if state.stop.is_requested() => break state,
            _ => thread::sleep(TICK),
        }
    };
    let asked = Instant::now();
    let ends_by_itself = || {
        let work = lock(&state.work);
        work.goes_on || work.is_done
    };
    state.end_at_the_second();
    while ends_by_itself() && asked.elapsed() < TO_END {
        thread::sleep(TICK);
        state.end_at_the_second();
    }
    // held to the end: from here on nothing else is written
    let work = lock(&state.work);
    give_up(&work);
    abandon();
    // a line that is being printed is not cut
    let (done, told) = channel();
    thread::spawn(move || {
        let _printing = io::stdout().lock();
        let _ = done.send(());
        thread::sleep(Duration::from_secs(1));
    });
    let _ = told.recv_timeout(TO_PRINT);
    low_level::exit(1);
}
