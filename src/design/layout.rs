//! Names and ranges of the columns of a design.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The columns of one feature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureColumns {
    /// The feature, as it was asked for.
    pub name: String,
    /// First column and the one after the last.
    pub columns: [usize; 2],
}

/// Names and ranges of all columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// The features in the order of their columns.
    pub features: Vec<FeatureColumns>,
    /// One name per column.
    pub labels: Vec<String>,
}

impl Layout {
    /// Appends a feature, or a further piece of the last one, with these column names.
    ///
    /// # Errors
    /// [`Error::Argument`] for a name that another column has: coefficients are found by it.
    pub fn push(&mut self, name: &str, labels: impl IntoIterator<Item = String>) -> Result<()> {
        let first = self.labels.len();
        self.labels.extend(labels);
        let mut known = HashSet::with_capacity(self.labels.len());
        if let Some(label) = self.labels.iter().find(|label| !known.insert(label.as_str())) {
            let found = format!("{label:?} twice");
            return Err(Error::argument(
                "columns",
                "a name of its own for each",
                found,
                "rename one of them",
            ));
        }
        match self.features.last_mut() {
            // a feature may come in pieces
            Some(last) if last.name == name => last.columns[1] = self.labels.len(),
            _ => {
                self.features.push(FeatureColumns { name: name.into(), columns: [first, self.labels.len()] });
            }
        }
        Ok(())
    }
}
