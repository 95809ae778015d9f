//! The table of sorted units: the spike times of each and what is known about it.

use super::column::Column;
use crate::error::{Error, Result};

/// Units with their spike times.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitsTable {
    /// Key of the table, usually `units`.
    pub key: String,
    /// Identifier of each unit.
    pub ids: Vec<i64>,
    /// Spike times of each unit, seconds, ascending and finite.
    pub spike_times: Vec<Vec<f64>>,
    /// Where each unit was observed, seconds, if the file says it.
    pub obs_intervals: Option<Vec<Vec<[f64; 2]>>>,
    /// Metadata with one value per unit.
    pub columns: Vec<Column>,
    /// What was changed while reading: sorted times, dropped NaN.
    pub notices: Vec<String>,
}

impl UnitsTable {
    /// Number of units.
    pub fn n_units(&self) -> usize {
        self.ids.len()
    }

    /// Number of spikes of all units together.
    pub fn n_spikes(&self) -> usize {
        self.spike_times.iter().map(Vec::len).sum()
    }

    /// Positions of the units named by their identifiers, in the order asked for; `all` stands for every unit.
    ///
    /// # Errors
    /// [`Error::Unknown`] for an identifier that is not there, with those that are.
    pub fn rows_of(&self, names: &[String]) -> Result<Vec<usize>> {
        let mut rows = Vec::new();
        for name in names {
            if name == "all" {
                rows.extend(0..self.n_units());
                continue;
            }
            let id = name.trim().parse::<i64>().ok();
            let Some(row) = self.ids.iter().position(|&present| Some(present) == id) else {
                return Err(Error::Unknown {
                    kind: "unit",
                    name: name.clone(),
                    place: format!("table {}", self.key),
                    present: self.ids.iter().map(ToString::to_string).collect(),
                });
            };
            rows.push(row);
        }
        let mut seen = std::collections::HashSet::new();
        rows.retain(|row| seen.insert(*row));
        Ok(rows)
    }
}
