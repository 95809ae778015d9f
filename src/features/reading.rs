//! Where the reading of a study stands, for whoever waits for it.

/// A step of [`super::Dataset::read_watched`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Samples of a series are read.
    Reading {
        /// The series or the feature that needs it.
        name: &'a str,
        /// Bytes in memory so far.
        n_bytes: u64,
        /// Bytes at the end.
        of_bytes: u64,
    },
    /// A feature is built from its binned signals.
    Building {
        /// The feature.
        name: &'a str,
        /// Features that are done.
        n_features: usize,
        /// Features at the end.
        of_features: usize,
    },
}

/// Whoever is told about the steps.
pub type Watcher<'a> = &'a mut dyn FnMut(Step);
