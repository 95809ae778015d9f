//! The labels of a classifier.

use super::SAVE_AGAIN;
use super::source::Source;
use crate::Result;
use crate::read::npz_entries::{Entry, EntryValues};

/// Labels of classes, ascending.
#[derive(Clone, Debug, PartialEq)]
pub enum NemosLabels {
    /// Whole numbers.
    Integers(Vec<i64>),
    /// Numbers of any kind.
    Numbers(Vec<f64>),
    /// Texts.
    Texts(Vec<String>),
}

impl Default for NemosLabels {
    fn default() -> Self {
        Self::Integers(Vec::new())
    }
}

impl NemosLabels {
    /// How many there are.
    pub fn n(&self) -> usize {
        match self {
            Self::Integers(labels) => labels.len(),
            Self::Numbers(labels) => labels.len(),
            Self::Texts(labels) => labels.len(),
        }
    }

    /// The values of an array as labels; `None` for truth values, which are no labels of any csv or array.
    fn of_entry(entry: &Entry) -> Option<Self> {
        match &entry.values {
            EntryValues::Numbers(values) => Some(Self::Numbers(values.clone())),
            EntryValues::Integers(values) => Some(Self::Integers(values.clone())),
            EntryValues::Texts(values) => Some(Self::Texts(values.clone())),
            EntryValues::Flags(_) => None,
        }
    }

    /// Whether every label is another one, in their order; NaN has no place in it.
    fn are_ascending(&self) -> bool {
        match self {
            Self::Integers(labels) => labels.is_sorted_by(|a, b| a < b),
            Self::Numbers(labels) => labels.is_sorted_by(|a, b| a < b),
            Self::Texts(labels) => labels.is_sorted_by(|a, b| a < b),
        }
    }
}

/// The number of classes.
///
/// # Errors
/// [`crate::Error::Object`] for one that is none.
pub(super) fn n_classes(source: &Source) -> Result<usize> {
    const N: &str = "item::strkey:n_classes";
    let expected = "the number of classes, 2 or more";
    let entry = source.need(N, expected)?;
    let n = entry.number().filter(|n| *n >= 2.0 && n.fract() == 0.0 && *n <= u32::MAX.into());
    Ok(n.ok_or_else(|| source.wrong(N, expected, &entry.describe(), SAVE_AGAIN))? as usize)
}

/// The labels of so many classes; `None` for a model that was given coefficients without being told its labels: these are the numbers
/// of the classes, to be made once there are coefficients of so many.
///
/// # Errors
/// [`crate::Error::Object`] for labels of another number, and labels that are not ascending.
pub(super) fn labels(source: &Source, n: usize) -> Result<Option<NemosLabels>> {
    const LABELS: &str = "item::strkey:_classes_";
    match source.find(LABELS) {
        Some(entry) if !entry.is_nothing() => {
            let labels = NemosLabels::of_entry(entry);
            let labels = labels.filter(|labels| entry.shape == [n] && labels.are_ascending());
            let expected = format!("{n} different labels, ascending");
            let labels = labels.ok_or_else(|| source.wrong(LABELS, &expected, &entry.describe(), SAVE_AGAIN));
            labels.map(Some)
        }
        _ => Ok(None),
    }
}
