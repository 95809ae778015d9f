use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Which coefficients vanish together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Groups {
    /// Those of each feature.
    #[default]
    Features,
    /// These columns; a column in none is not penalised.
    Columns(Vec<Vec<usize>>),
}

impl Groups {
    /// The columns of every group, of a design whose features have these columns.
    pub fn of<'a>(&'a self, features: &'a [[usize; 2]]) -> Vec<Vec<usize>> {
        match self {
            Self::Features => features.iter().map(|&[first, end]| (first..end).collect()).collect(),
            Self::Columns(groups) => groups.clone(),
        }
    }

    /// Checks that every column exists and is in one group at most.
    ///
    /// # Errors
    /// [`Error::Argument`] with the first that is not.
    pub(super) fn check(&self, n_columns: usize) -> Result<()> {
        let Self::Columns(groups) = self else { return Ok(()) };
        let mut group_of = vec![None; n_columns];
        for (number, &column) in
            groups.iter().enumerate().flat_map(|(k, own)| own.iter().map(move |c| (k, c)))
        {
            let (expected, found) = match group_of.get(column) {
                None => (format!("columns below {n_columns}"), column.to_string()),
                Some(Some(other)) => (
                    "each column in one group".into(),
                    format!("column {column} in groups {other} and {number}"),
                ),
                Some(None) => {
                    group_of[column] = Some(number);
                    continue;
                }
            };
            return Err(Error::argument(
                "groups",
                expected,
                found,
                "give every column to one group, or to none",
            ));
        }
        Ok(())
    }
}
