//! The arrays of a model file, found by their paths.

use std::path::Path;

use super::SAVE_AGAIN;
use crate::read::npz_entries::{Entry, read_entries};
use crate::{Error, Result};

/// The arrays of one file.
pub(super) struct Source<'a> {
    path: &'a Path,
    entries: Vec<(String, Entry)>,
}

impl<'a> Source<'a> {
    /// Reads all of them.
    pub(super) fn read(path: &'a Path) -> Result<Self> {
        Ok(Self { path, entries: read_entries(path)? })
    }

    /// The array of this name, if there is one.
    pub(super) fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|(own, _)| own == name).map(|(_, entry)| entry)
    }

    /// The array of this name, which must be there.
    pub(super) fn need(&self, name: &str, expected: &str) -> Result<&Entry> {
        self.find(name).ok_or_else(|| self.wrong(name, expected, "no such array in the file", SAVE_AGAIN))
    }

    /// The text of this name, which must be there.
    pub(super) fn text(&self, name: &str, expected: &str) -> Result<&str> {
        let entry = self.need(name, expected)?;
        entry.text().ok_or_else(|| self.wrong(name, expected, &entry.describe(), SAVE_AGAIN))
    }

    /// The arrays whose names begin like this, with the keys that follow (without `item::strkey:` where it is a plain one),
    /// in the order of the file.
    pub(super) fn below(&self, begin: &str) -> Vec<(String, Entry)> {
        let key = |name: &str| {
            let rest = name.strip_prefix(begin)?;
            Some(rest.strip_prefix("item::strkey:").unwrap_or(rest).to_string())
        };
        self.entries.iter().filter_map(|(name, entry)| Some((key(name)?, entry.clone()))).collect()
    }

    /// An error about one array.
    pub(super) fn wrong(&self, name: &str, expected: &str, found: &str, help: &str) -> Error {
        Error::object(self.path, name, format!("expected {expected}, found {found}"), help)
    }
}
