//! The labels of a classifier.

use super::SAVE_AGAIN;
use super::source::Source;
use crate::Result;
use crate::observation::Label;
use crate::read::npz_entries::{Entry, EntryValues};

/// The labels, ascending. A model that was given coefficients without being told its labels has the numbers of the classes.
///
/// # Errors
/// [`crate::Error::Object`] for a number of classes that is none, labels of another number, and labels that are not ascending.
pub(super) fn classes(source: &Source) -> Result<Vec<Label>> {
    const N: &str = "item::strkey:n_classes";
    const LABELS: &str = "item::strkey:_classes_";
    let expected = "the number of classes, 2 or more";
    let entry = source.need(N, expected)?;
    let n = entry.number().filter(|n| *n >= 2.0 && n.fract() == 0.0 && *n <= u32::MAX.into());
    let n = n.ok_or_else(|| source.wrong(N, expected, &entry.describe(), SAVE_AGAIN))? as usize;
    let labels = match source.find(LABELS) {
        Some(entry) if !entry.is_nothing() => {
            let labels = of_entry(entry).filter(|labels| {
                entry.shape == [n] && labels.iter().all(Label::is_one) && labels.is_sorted_by(|a, b| a < b)
            });
            let expected = format!("{n} different labels, ascending");
            labels.ok_or_else(|| source.wrong(LABELS, &expected, &entry.describe(), SAVE_AGAIN))?
        }
        _ => (0..n as i64).map(Label::from).collect(),
    };
    Ok(labels)
}

/// The values as labels; `None` for truth values, which are no labels of any csv or array.
fn of_entry(entry: &Entry) -> Option<Vec<Label>> {
    match &entry.values {
        EntryValues::Numbers(values) => Some(values.iter().copied().map(Label::from).collect()),
        EntryValues::Integers(values) => Some(values.iter().copied().map(Label::from).collect()),
        EntryValues::Texts(values) => Some(values.iter().map(|text| Label::from(text.as_str())).collect()),
        EntryValues::Flags(_) => None,
    }
}
