//! The one error enum.
//!
//! Wrong input is an error with fields; not converging is a status of the fit, not an error; a panic is a bug.
//! An error is shown as two lines: what is wrong, where, what was expected and found; then what to do ([`Error::help`]).

mod device;
mod short;

use std::path::{Path, PathBuf};

pub use device::{DeviceError, Reached};
pub(crate) use short::shortened;

/// Result with this crate's [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// Whose fault an error is, which decides the exit code of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The machine: disk full, unwritable, out of memory.
    Machine,
    /// What was typed: an unknown name, a bin of zero.
    Request,
    /// What a file or array contains.
    Data,
    /// A device that was asked for is absent.
    Device,
}

/// Everything that can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument outside its domain.
    #[error("{what}: expected {expected}, found {found}")]
    Argument {
        /// The argument, as the user knows it.
        what: String,
        /// Its domain.
        expected: String,
        /// What was given.
        found: String,
        /// What to do.
        help: String,
    },
    /// Numbers of a file that are not what an option takes them for.
    #[error("{what}: expected {expected}, found {found}")]
    Content {
        /// The option that names them.
        what: String,
        /// What they should be.
        expected: String,
        /// What they are.
        found: String,
        /// What to do.
        help: String,
    },
    /// An error met on the way to something that was asked for beside the main thing.
    #[error("{what}: {source}")]
    Within {
        /// What was asked for, as it was typed.
        what: String,
        /// What went wrong.
        source: Box<Error>,
    },
    /// A name that nothing carries.
    #[error("{kind} {:?} does not exist in {place}", shortened(name.as_str()))]
    Unknown {
        /// Kind of thing: `epoch`, `unit`, `series`, `basis`.
        kind: &'static str,
        /// The name that was asked for.
        name: String,
        /// Where it was looked up.
        place: String,
        /// The names that are there.
        present: Vec<String>,
    },
    /// A file that is not there or cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file that is not what it was taken for.
    #[error("{}: expected {expected}, found {found}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
        /// What to do.
        help: String,
    },
    /// An object inside a file that cannot be used.
    #[error("{}: {object}: {problem}", path.display())]
    Object {
        /// The file.
        path: PathBuf,
        /// Path of the object inside the file (or row or key).
        object: String,
        /// Expected and found.
        problem: String,
        /// What to do.
        help: String,
    },
    /// Arrays whose lengths should agree.
    #[error("{what}: expected length {expected}, found {found}")]
    Length {
        /// The arrays.
        what: String,
        /// Length of the first.
        expected: usize,
        /// Length of the second.
        found: usize,
    },
    /// Times that go back.
    #[error("{what}: expected times that never go back, found {value} after {previous} at row {row}")]
    Unsorted {
        /// The times.
        what: String,
        /// First row that goes back.
        row: usize,
        /// The time before it.
        previous: f64,
        /// The time there.
        value: f64,
    },
    /// A NaN or infinity where a number is needed.
    #[error("{what}: row {row}, column {column} is {value}; every value must be finite")]
    NonFinite {
        /// The array.
        what: String,
        /// First such row.
        row: usize,
        /// Its column.
        column: usize,
        /// The value.
        value: f64,
    },
    /// A value that the observation model excludes.
    #[error("{what}: row {row}, target {column}: expected {expected}, found {value}")]
    Domain {
        /// The array.
        what: String,
        /// First such row.
        row: usize,
        /// Its column.
        column: usize,
        /// The domain.
        expected: &'static str,
        /// The value.
        value: f64,
    },
    /// Nothing left to work with.
    #[error("{what}: {problem}")]
    Empty {
        /// What is empty.
        what: String,
        /// Why.
        problem: String,
        /// What to do.
        help: String,
    },
    /// A device that was asked for is absent.
    #[error("{device}: {problem}")]
    Device {
        /// The device as named.
        device: String,
        /// Why it cannot be used.
        problem: String,
    },
    /// A GPU that is absent, refuses or fails.
    #[error(transparent)]
    Gpu(DeviceError),
    /// A GPU that failed while it fitted, and how far the fit had come: a start for another one.
    #[error("{source}")]
    Unfinished {
        /// What failed.
        source: DeviceError,
        /// The last points that were taken.
        reached: Vec<Reached>,
    },
    /// Work that was asked to stop, see [`crate::stop::Stop`], before it had an answer.
    #[error("stopped before there was an answer")]
    Interrupted,
    /// More memory than allowed.
    #[error("{what} needs {needed_bytes} bytes, {limit_bytes} are allowed")]
    Memory {
        /// What asks for it.
        what: String,
        /// How much.
        needed_bytes: u64,
        /// The limit.
        limit_bytes: u64,
    },
}

impl Error {
    /// An [`Error::Io`] about `path`.
    pub fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), source }
    }

    /// An [`Error::Argument`].
    pub fn argument(
        what: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::Argument {
            what: shortened(what),
            expected: expected.into(),
            found: shortened(found),
            help: help.into(),
        }
    }

    /// An [`Error::Content`].
    pub fn content(
        what: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::Content {
            what: shortened(what),
            expected: expected.into(),
            found: shortened(found),
            help: help.into(),
        }
    }

    /// An [`Error::Object`] about `object` in the file `path`.
    pub fn object(
        path: &Path,
        object: impl Into<String>,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::Object {
            path: path.to_path_buf(),
            object: shortened(object),
            problem: shortened(problem),
            help: help.into(),
        }
    }

    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Within { source, .. } => source.blame(),
            Self::Argument { .. } | Self::Unknown { .. } => Blame::Request,
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => Blame::Data,
            Self::Io { .. } | Self::Memory { .. } | Self::Interrupted => Blame::Machine,
            Self::Device { .. } | Self::Gpu(_) | Self::Unfinished { .. } => Blame::Device,
            Self::Content { .. }
            | Self::Format { .. }
            | Self::Object { .. }
            | Self::Length { .. }
            | Self::Unsorted { .. }
            | Self::NonFinite { .. }
            | Self::Domain { .. }
            | Self::Empty { .. } => Blame::Data,
        }
    }

    /// What to do about it, one line.
    pub fn help(&self) -> String {
        match self {
            Self::Within { source, .. } => source.help(),
            Self::Argument { help, .. }
            | Self::Content { help, .. }
            | Self::Format { help, .. }
            | Self::Object { help, .. }
            | Self::Empty { help, .. } => help.clone(),
            Self::Unknown { kind, present, .. } if present.is_empty() => {
                format!("there is no {kind} here at all")
            }
            Self::Unknown { name, present, .. } => {
                let meant =
                    nearest(name, present).map_or(String::new(), |near| format!("did you mean {near}? "));
                format!("{meant}present are: {}", present.join(", "))
            }
            Self::Io { source, .. } => match source.kind() {
                std::io::ErrorKind::NotFound => "check the path".into(),
                std::io::ErrorKind::PermissionDenied => {
                    "check the permissions of the file and its folder".into()
                }
                std::io::ErrorKind::NotADirectory | std::io::ErrorKind::IsADirectory => {
                    "choose another path".into()
                }
                std::io::ErrorKind::StorageFull => "free some space or choose another folder".into(),
                _ => "check the file and its disk".into(),
            },
            Self::Length { .. } => "give arrays that have one entry per bin each".into(),
            Self::Unsorted { .. } => {
                "sort times and values together; a reset to a lower time means that times restart per trial"
                    .into()
            }
            Self::NonFinite { .. } => {
                "remove or fill these rows; on the command line `--nan drop` leaves them out and counts them"
                    .into()
            }
            Self::Domain { .. } => {
                "check how the response was made: counts are for --observation poisson and negative-binomial, 0 or 1 for \
                 bernoulli, any numbers for gaussian, numbers above 0 for gamma"
                    .into()
            }
            Self::Device { .. } => "use `--backend cpu`, or `--backend auto` to fall back by itself".into(),
            Self::Gpu(error) | Self::Unfinished { source: error, .. } => error.help(),
            Self::Interrupted => "run it again; nothing was written".into(),
            Self::Memory { .. } => "raise `--memory-limit`, widen the bins or use fewer features, units or repeats".into(),
        }
    }
}

/// The name that was probably meant: the nearest of those known, if it takes few changes of one character.
pub(crate) fn nearest<'k>(name: &str, known: &'k [String]) -> Option<&'k str> {
    let plain = |name: &str| name.to_lowercase().replace('_', "-");
    let distances = known.iter().map(|known| (n_changes(&plain(name), &plain(known)), known));
    let (n, near) = distances.min_by_key(|(n, _)| *n)?;
    // two characters are too few to tell
    let shorter = near.chars().count().min(name.chars().count());
    (shorter > 2 && n <= (shorter + 1) / 3).then_some(near)
}

/// How many characters must be added, left out or replaced to turn one word into another.
fn n_changes(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_one_character_are_counted() {
        for (from, to, n) in [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2)] {
            assert_eq!((n_changes(from, to), n_changes(to, from)), (n, n), "{from} {to}");
        }
    }

    #[test]
    fn a_name_is_meant_if_few_changes_make_it() {
        let known = ["bin", "epoch", "epochs", "detect-spikes", "max-iterations"].map(String::from);
        for (name, near) in [
            ("binn", Some("bin")),
            ("Epoch", Some("epoch")),
            ("detect_spikes", Some("detect-spikes")),
            ("max-iteration", Some("max-iterations")),
            ("nothing", None),
            ("x", None),
        ] {
            assert_eq!(nearest(name, &known), near, "{name}");
        }
        assert_eq!(nearest("bin", &[]), None);
    }
}
