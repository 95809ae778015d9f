//! The list of what a file holds, and how a name finds its entry.

use std::path::PathBuf;

use crate::error::{Error, Result};

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A time series of numbers.
    Series,
    /// Texts at points in time.
    Annotations,
    /// A table of intervals.
    Intervals,
    /// A table of units with spike times.
    Units,
    /// Something that could not even be opened.
    Unreadable,
}

impl Kind {
    /// The kind in a word, as error messages name it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Series => "series",
            Self::Annotations => "annotations",
            Self::Intervals => "interval table",
            Self::Units => "units table",
            Self::Unreadable => "object",
        }
    }
}

/// Why an entry cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// Expected and found.
    pub problem: String,
    /// What to do.
    pub help: String,
}

/// One object of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Short name, unique in the file.
    pub key: String,
    /// Full path in the file.
    pub path: String,
    /// Type as the file names it.
    pub type_name: String,
    /// Description as the file gives it.
    pub description: String,
    /// What it is.
    pub kind: Kind,
    /// Why it cannot be used, if it cannot.
    pub defect: Option<Defect>,
}

/// What one file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// The file.
    pub path: PathBuf,
    /// Version of the format, as the file says.
    pub version: String,
    /// Identifier of the session.
    pub identifier: String,
    /// Description of the session.
    pub description: String,
    /// Start of the session, as the file says.
    pub session_start: String,
    /// Its objects.
    pub entries: Vec<Entry>,
    /// What was noticed while listing them.
    pub notices: Vec<String>,
}

impl Recording {
    /// Entries of one kind, the unusable ones included.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.kind == kind)
    }

    /// The entry under a key or a full path (with or without the leading `/`), if it is of that kind and usable.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the names present, [`Error::Argument`] for an entry of another kind,
    /// [`Error::Object`] for one that cannot be used.
    pub fn find(&self, name: &str, kind: Kind) -> Result<&Entry> {
        let path = format!("/{}", name.trim_start_matches('/'));
        let by_key = self.entries.iter().find(|entry| entry.key == name);
        let Some(entry) = by_key.or_else(|| self.entries.iter().find(|entry| entry.path == path)) else {
            return Err(Error::Unknown {
                kind: kind.word(),
                name: name.to_string(),
                place: self.path.display().to_string(),
                present: self.of_kind(kind).map(|entry| entry.key.clone()).collect(),
            });
        };
        if let Some(defect) = &entry.defect {
            return Err(Error::object(&self.path, &entry.path, &defect.problem, &defect.help));
        }
        if entry.kind != kind {
            let present: Vec<&str> = self.of_kind(kind).map(|entry| entry.key.as_str()).collect();
            return Err(Error::argument(
                format!("{name:?} in {}", self.path.display()),
                format!("the name of a {}", kind.word()),
                format!("a {} ({})", entry.kind.word(), entry.type_name),
                format!("present are: {}", present.join(", ")),
            ));
        }
        Ok(entry)
    }
}
