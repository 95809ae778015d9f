//! Asking work to stop: a token that long work looks at.
//!
//! The library handles no signals. Whoever calls it keeps a clone of a [`Stop`], gives another to what is to be stoppable
//! ([`crate::glm::GlmSpec::stop`]) and asks, from any thread, with [`Stop::request`]. Passes over the rows look between tiles,
//! solvers between steps.
//!
//! ```
//! use rheobase::stop::Stop;
//!
//! let stop = Stop::new();
//! let elsewhere = stop.clone();
//! assert!(stop.check().is_ok());
//! std::thread::spawn(move || elsewhere.request()).join().unwrap();
//! assert!(stop.is_requested() && stop.check().is_err());
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::{Error, Result};

/// A request to stop that may come, shared by all clones; by default one that never comes.
#[derive(Clone, Debug, Default)]
pub struct Stop(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    requested: Arc<AtomicBool>,
    made: Instant,
    /// Until how many nanoseconds after `made` work goes on all the same.
    until: AtomicU64,
}

impl Stop {
    /// A token whose clones share one request.
    pub fn new() -> Self {
        Self::at(Arc::default())
    }

    /// One whose request is that this becomes true: for flags that a signal handler sets.
    pub fn at(requested: Arc<AtomicBool>) -> Self {
        Self(Some(Arc::new(Shared { requested, made: Instant::now(), until: AtomicU64::new(0) })))
    }

    /// Whether a request can come at all.
    pub fn is_possible(&self) -> bool {
        self.0.is_some()
    }

    /// Asks all who hold a clone to stop; nothing for one that never comes.
    pub fn request(&self) {
        self.0.iter().for_each(|shared| shared.requested.store(true, Ordering::Relaxed));
    }

    /// Whether somebody asked.
    pub fn is_requested(&self) -> bool {
        self.0.as_ref().is_some_and(|shared| shared.requested.load(Ordering::Relaxed))
    }

    /// Lets work that finds out where it had come to go on for so long, although somebody asked to stop.
    pub fn grant(&self, time: Duration) {
        if let Some(shared) = &self.0 {
            let until = shared.made.elapsed().saturating_add(time).as_nanos();
            shared.until.store(u64::try_from(until).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// Nothing while work may go on.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if somebody asked to stop.
    pub fn check(&self) -> Result<()> {
        match &self.0 {
            Some(shared) if shared.requested.load(Ordering::Relaxed) && shared.is_over() => {
                Err(Error::Interrupted)
            }
            _ => Ok(()),
        }
    }
}

impl Shared {
    fn is_over(&self) -> bool {
        self.made.elapsed().as_nanos() >= u128::from(self.until.load(Ordering::Relaxed))
    }
}

/// Whether a time limit of work that began `since` is over.
pub(crate) fn is_over(limit_s: Option<f64>, since: Instant) -> bool {
    limit_s.is_some_and(|limit| since.elapsed().as_secs_f64() >= limit)
}

/// What is left of a time limit of work that began `since`, in seconds; hardly anything where it is over.
pub(crate) fn time_left(limit_s: Option<f64>, since: Instant) -> Option<f64> {
    limit_s.map(|limit| (limit - since.elapsed().as_secs_f64()).max(f64::MIN_POSITIVE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_a_request_and_others_do_not() {
        let (stop, never) = (Stop::new(), Stop::default());
        let clone = stop.clone();
        never.request();
        assert!(never.check().is_ok() && !never.is_possible() && !clone.is_requested());
        stop.request();
        assert!(clone.is_requested() && matches!(clone.check(), Err(Error::Interrupted)));
        assert!(Stop::new().check().is_ok());
    }

    #[test]
    fn granted_time_ends() {
        let stop = Stop::new();
        stop.request();
        stop.grant(Duration::from_secs(3600));
        assert!(stop.check().is_ok() && stop.is_requested());
        stop.grant(Duration::ZERO);
        assert!(stop.check().is_err());
    }
}
