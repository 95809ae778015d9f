//! Names and ranges of the columns of a design.

use serde::{Deserialize, Serialize};

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
    /// Appends a feature with these column names.
    pub fn push(&mut self, name: &str, labels: impl IntoIterator<Item = String>) {
        let first = self.labels.len();
        self.labels.extend(labels);
        self.features.push(FeatureColumns { name: name.into(), columns: [first, self.labels.len()] });
    }
}
