//! What a fit writes down while it runs, so that another one can go on from there.
//!
//! A [`Journal`] is shared by whoever fits ([`super::GlmSpec::journal`]) and whoever keeps it ([`Journal::entries`], on a disk, say). The
//! solver notes the best point of every target a few times a second; a cross-validation and the estimate of a dispersion note
//! what they have done with. A fit whose journal has entries goes on from them: targets begin at their points, with the iterations that
//! these took, and what is done with is not done again. Its answer is that of a fit that was never interrupted, as near as the tolerance
//! brings any two fits from different starts. What is not in a journal begins again: columns that repeat one another, for which a point
//! in the user's coefficients is none of the solver's, and the last strength or batch of folds of a cross-validation.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::solve::Solved;
use super::start::StartPoint;
use crate::number;
use crate::solver::Status;

/// Where one target stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waypoint {
    /// Column of the response, or of what is fitted side by side.
    pub target: usize,
    /// One per column of the design, of labels (columns, classes) row after row.
    #[serde(with = "number")]
    pub coef: Vec<f64>,
    /// The intercept, of labels one for each class.
    #[serde(with = "number")]
    pub intercept: Vec<f64>,
    /// Steps taken to get there.
    pub iterations: usize,
    /// Passes over the rows.
    pub passes: usize,
    /// How it ended, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The scale or the dispersion there.
    #[serde(with = "number")]
    pub scale: f64,
}

/// What was written down.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Entries {
    /// Of fits that go on: the best point of each target.
    pub open: BTreeMap<String, BTreeMap<usize, Waypoint>>,
    /// What is done with.
    pub done: BTreeMap<String, Vec<Waypoint>>,
}

/// Where a fit writes down how far it has come, shared by all clones; by default nowhere.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    entries: Option<Arc<Mutex<Entries>>>,
    /// Of which part of the work this one is.
    scope: String,
}

impl Journal {
    /// One that keeps what is written, and begins with these entries.
    pub fn new(entries: Entries) -> Self {
        Self { entries: Some(Arc::new(Mutex::new(entries))), scope: "fit".into() }
    }

    /// The same for a part of the work.
    #[must_use]
    pub fn within(&self, part: impl Display) -> Self {
        if self.entries.is_none() {
            return Self::default();
        }
        Self { entries: self.entries.clone(), scope: format!("{}/{part}", self.scope) }
    }

    /// Whether anything is kept.
    pub fn is_kept(&self) -> bool {
        self.entries.is_some()
    }

    /// What was written down so far, by all parts.
    pub fn entries(&self) -> Entries {
        self.lock().map(|entries| entries.clone()).unwrap_or_default()
    }

    fn lock(&self) -> Option<MutexGuard<'_, Entries>> {
        // entries are put in whole: also a thread that died left good ones
        self.entries.as_ref().map(|entries| entries.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Where the targets of this part stand, by their numbers.
    pub(super) fn points(&self) -> BTreeMap<usize, Waypoint> {
        self.lock().and_then(|entries| entries.open.get(&self.scope).cloned()).unwrap_or_default()
    }

    /// Notes where targets of this part stand.
    pub(super) fn note(&self, points: impl IntoIterator<Item = Waypoint>) {
        if let Some(mut entries) = self.lock() {
            let own = entries.open.entry(self.scope.clone()).or_default();
            own.extend(points.into_iter().map(|point| (point.target, point)));
        }
    }

    /// What this part came to, if it is done with.
    pub(super) fn done(&self) -> Option<Vec<Waypoint>> {
        self.lock()?.done.get(&self.scope).cloned()
    }

    /// Notes that this part is done with; what its own parts noted is dropped.
    pub(super) fn finish(&self, points: Vec<Waypoint>) {
        if let Some(mut entries) = self.lock() {
            let below = format!("{}/", self.scope);
            entries.open.retain(|key, _| *key != self.scope && !key.starts_with(&below));
            entries.done.retain(|key, _| !key.starts_with(&below));
            entries.done.insert(self.scope.clone(), points);
        }
    }
}

impl Waypoint {
    /// What a fit that is only scored came to.
    pub(super) fn of(target: usize, solved: &Solved) -> Self {
        Self {
            target,
            coef: solved.point.coef.clone(),
            intercept: vec![solved.point.intercept],
            iterations: 0,
            passes: 0,
            status: Some(solved.status),
            scale: solved.scale,
        }
    }

    /// The same back; `None` if that is not what it is.
    pub(super) fn solved(&self) -> Option<Solved> {
        Some(Solved { point: self.start(), status: self.status?, scale: self.scale })
    }

    /// As a start of a fit of one target.
    pub(super) fn start(&self) -> StartPoint {
        let intercept = self.intercept.first().copied().unwrap_or(f64::NAN);
        StartPoint { coef: self.coef.clone(), intercept }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(target: usize, coef: f64) -> Waypoint {
        Waypoint {
            target,
            coef: vec![coef, f64::NAN],
            intercept: vec![f64::NEG_INFINITY],
            iterations: 3,
            passes: 4,
            status: None,
            scale: 1.0,
        }
    }

    #[test]
    fn parts_write_into_one_journal_and_what_is_done_replaces_its_parts() {
        let journal = Journal::new(Entries::default());
        let part = journal.within("group 0");
        let (first, second) = (part.within("strength 0"), part.within("strength 1"));
        first.note([point(0, 1.0), point(1, 2.0)]);
        first.note([point(1, 3.0)]);
        second.finish(vec![point(0, 4.0)]);
        assert_eq!(first.points()[&1].coef[0], 3.0);
        assert!(second.points().is_empty() && second.done().is_some() && first.done().is_none());
        journal.within("group 00").note([point(0, 5.0)]);
        part.finish(vec![point(0, 6.0)]);
        assert!(first.points().is_empty() && second.done().is_none());
        assert_eq!(journal.within("group 00").points().len(), 1, "another part, of a longer name");
        assert!(!Journal::default().within("x").is_kept() && Journal::default().done().is_none());
    }

    #[test]
    fn entries_read_back_bit_by_bit() {
        let journal = Journal::new(Entries::default());
        journal.note([point(2, 0.1 + 0.2)]);
        journal.within("x").finish(vec![Waypoint { status: Some(Status::Separated), ..point(0, 1e-310) }]);
        let text = serde_json::to_string(&journal.entries()).unwrap();
        let back: Entries = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), text);
        assert_eq!(back.open["fit"][&2].coef[0].to_bits(), (0.1_f64 + 0.2).to_bits());
        assert!(back.open["fit"][&2].coef[1].is_nan());
    }
}
