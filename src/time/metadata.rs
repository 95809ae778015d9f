//! Named columns with one value per row of an [`IntervalSet`](super::IntervalSet) or unit of a group.
//!
//! A row can be *missing* a value: merging two overlapping epochs with different tags leaves no tag that is
//! true of the whole. Missing is NaN, the empty text, or no tags.

use crate::{Error, Result};

/// The values of one column.
#[derive(Clone, Debug, PartialEq)]
pub enum MetadataColumn {
    /// One number per row.
    Numbers(Vec<f64>),
    /// One text per row.
    Texts(Vec<String>),
    /// Any number of tags per row.
    Tags(Vec<Vec<String>>),
}

impl MetadataColumn {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(v) => v.len(),
            Self::Texts(v) => v.len(),
            Self::Tags(v) => v.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Per row whether it equals `value`: numbers by value, texts by text, tags when any tag does.
    pub fn equals(&self, value: &str) -> Vec<bool> {
        match self {
            Self::Numbers(v) => {
                let wanted = value.trim().parse::<f64>().ok();
                v.iter().map(|x| Some(*x) == wanted).collect()
            }
            Self::Texts(v) => v.iter().map(|x| x == value).collect(),
            Self::Tags(v) => v.iter().map(|tags| tags.iter().any(|tag| tag == value)).collect(),
        }
    }

    /// One row per group of rows: the value that all of its rows share, else missing.
    fn gather(&self, groups: &[Vec<usize>]) -> Self {
        match self {
            Self::Numbers(v) => {
                Self::Numbers(groups.iter().map(|g| shared(v, g).unwrap_or(f64::NAN)).collect())
            }
            Self::Texts(v) => Self::Texts(groups.iter().map(|g| shared(v, g).unwrap_or_default()).collect()),
            Self::Tags(v) => Self::Tags(groups.iter().map(|g| shared(v, g).unwrap_or_default()).collect()),
        }
    }
}

/// The value that all rows of `group` have, if there is one.
fn shared<T: Clone + PartialEq>(values: &[T], group: &[usize]) -> Option<T> {
    let first = values.get(*group.first()?)?;
    group.iter().all(|&row| &values[row] == first).then(|| first.clone())
}

/// Named columns of equal length, in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    columns: Vec<(String, MetadataColumn)>,
}

impl Metadata {
    /// No columns.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `column` under `name`, in place of a column of that name.
    ///
    /// # Errors
    /// [`Error::Length`] when its length differs from that of the other columns.
    pub fn insert(&mut self, name: impl Into<String>, column: MetadataColumn) -> Result<()> {
        let name = name.into();
        let others = self.columns.iter().find(|(other, _)| *other != name);
        if let Some((_, other)) = others
            && other.len() != column.len()
        {
            let what = format!("metadata column {name:?}");
            return Err(Error::Length { what, expected: other.len(), found: column.len() });
        }
        match self.columns.iter_mut().find(|(other, _)| *other == name) {
            Some((_, old)) => *old = column,
            None => self.columns.push((name, column)),
        }
        Ok(())
    }

    /// The columns with their names.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &MetadataColumn)> {
        self.columns.iter().map(|(name, column)| (name.as_str(), column))
    }

    /// The column `name`.
    pub fn get(&self, name: &str) -> Option<&MetadataColumn> {
        self.columns.iter().find(|(other, _)| other == name).map(|(_, column)| column)
    }

    /// Whether there are no columns.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The given rows, in that order; a row may repeat.
    pub(super) fn select(&self, rows: &[usize]) -> Self {
        let groups: Vec<Vec<usize>> = rows.iter().map(|&row| vec![row]).collect();
        self.gather(&groups)
    }

    /// One row per group of rows, holding what its rows share.
    pub(super) fn gather(&self, groups: &[Vec<usize>]) -> Self {
        let columns = self.columns.iter().map(|(name, column)| (name.clone(), column.gather(groups)));
        Self { columns: columns.collect() }
    }

    /// The columns of both; a name that both have is left out.
    pub(super) fn join(&self, other: &Self) -> Self {
        let mine = self.columns.iter().filter(|(name, _)| other.get(name).is_none());
        let theirs = other.columns.iter().filter(|(name, _)| self.get(name).is_none());
        Self { columns: mine.chain(theirs).cloned().collect() }
    }

    /// Fails unless every column has `n_rows` rows.
    pub(super) fn check_rows(&self, n_rows: usize) -> Result<()> {
        match self.columns.iter().find(|(_, column)| column.len() != n_rows) {
            None => Ok(()),
            Some((name, column)) => Err(Error::Length {
                what: format!("metadata column {name:?}"),
                expected: n_rows,
                found: column.len(),
            }),
        }
    }

    /// Fails with the names present unless there is a column `name`.
    pub(super) fn require(&self, name: &str, place: &str) -> Result<&MetadataColumn> {
        self.get(name).ok_or_else(|| Error::Unknown {
            kind: "metadata column",
            name: name.to_string(),
            place: place.to_string(),
            present: self.columns.iter().map(|(other, _)| other.clone()).collect(),
        })
    }
}
