//! Tables of intervals (epochs, trials, invalid times, any other) and the choice of rows by label.
//!
//! The raw rows are kept, overlaps and touching borders included: a merged set of intervals has no labels, and
//! labels are what a user asks for.

use super::column::Column;
use crate::error::{Error, Result};

/// A table of intervals with its labels; rows in order of their start.
#[derive(Clone, Debug, PartialEq)]
pub struct IntervalTable {
    /// Key of the table (`epochs`, `trials`).
    pub key: String,
    /// Starts, seconds, ascending.
    pub start_s: Vec<f64>,
    /// Ends, seconds; each later than its start.
    pub stop_s: Vec<f64>,
    /// Row number of each row in the file (rows are sorted here, and unusable ones are left out).
    pub file_rows: Vec<usize>,
    /// The other columns, one value per row.
    pub columns: Vec<Column>,
    /// What was changed while reading: dropped rows, sorted rows.
    pub notices: Vec<String>,
}

/// One row of an [`IntervalTable`]: the closed interval from `start_s` to `stop_s`.
#[derive(Clone, Debug, PartialEq)]
pub struct Epoch {
    /// Key of its table.
    pub table: String,
    /// Its row in the file, from 0.
    pub file_row: usize,
    /// Start, seconds.
    pub start_s: f64,
    /// End, seconds.
    pub stop_s: f64,
}

impl IntervalTable {
    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.start_s.len()
    }

    /// Row `row` (in order of start) as an epoch, if there is one.
    pub fn epoch(&self, row: usize) -> Option<Epoch> {
        Some(Epoch {
            table: self.key.clone(),
            file_row: *self.file_rows.get(row)?,
            start_s: *self.start_s.get(row)?,
            stop_s: *self.stop_s.get(row)?,
        })
    }

    /// The column of that name, if there is one.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Rows whose `tags` contain `tag`, in order of start; empty without such a tag.
    pub fn rows_tagged(&self, tag: &str) -> Vec<usize> {
        self.column("tags")
            .map_or_else(Vec::new, |tags| (0..self.n_rows()).filter(|&row| tags.holds(row, tag)).collect())
    }

    /// The tags of this table, each once, in order of appearance.
    pub fn tags(&self) -> Vec<String> {
        self.column("tags").map_or_else(Vec::new, |tags| {
            tags.distinct(self.n_rows()).into_iter().map(|(tag, _)| tag).collect()
        })
    }

    /// Rows whose `column` holds `value`, in order of start.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a column or a value that the table does not have, with those it has.
    pub fn rows_where(&self, column: &str, value: &str) -> Result<Vec<usize>> {
        let Some(found) = self.column(column) else {
            return Err(Error::Unknown {
                kind: "column",
                name: column.to_string(),
                place: format!("table {}", self.key),
                present: self.columns.iter().map(|column| column.name.clone()).collect(),
            });
        };
        let rows: Vec<usize> = (0..self.n_rows()).filter(|&row| found.holds(row, value)).collect();
        if rows.is_empty() {
            return Err(Error::Unknown {
                kind: "value",
                name: value.to_string(),
                place: format!("column {column} of table {}", self.key),
                present: at_most(
                    found.distinct(self.n_rows()).into_iter().map(|(value, _)| value).collect(),
                    40,
                ),
            });
        }
        Ok(rows)
    }

    /// Rows that a selector names, in order of start: a tag of this table (`Noise 1`), the table itself
    /// (`trials`: every row) or a label (`trials:correct=1`).
    ///
    /// # Errors
    /// [`Error::Unknown`] for anything that is not there, with what is.
    pub fn rows_matching(&self, selector: &str) -> Result<Vec<usize>> {
        let tagged = self.rows_tagged(selector);
        if !tagged.is_empty() {
            return Ok(tagged);
        }
        if selector == self.key {
            return Ok((0..self.n_rows()).collect());
        }
        if let Some(label) = selector.strip_prefix(&self.key).and_then(|rest| rest.strip_prefix(':')) {
            return self.rows_labelled(label);
        }
        Err(Error::Unknown {
            kind: "epoch",
            name: selector.to_string(),
            place: format!("table {}", self.key),
            present: self.tags(),
        })
    }

    /// Rows with a label given as `column=value`, in order of start.
    ///
    /// # Errors
    /// [`Error::Argument`] without `=`; otherwise as [`IntervalTable::rows_where`].
    pub fn rows_labelled(&self, label: &str) -> Result<Vec<usize>> {
        match label.split_once('=') {
            Some((column, value)) => self.rows_where(column.trim(), value.trim()),
            None => Err(Error::argument(
                format!("rows {label:?} of table {}", self.key),
                "column=value",
                "no `=`",
                format!("its columns are: {}", self.column_names().join(", ")),
            )),
        }
    }

    /// Names of the columns besides start and stop.
    pub fn column_names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    /// Sum of the lengths of these rows, seconds (overlaps count twice).
    pub fn duration_s(&self, rows: &[usize]) -> f64 {
        rows.iter().filter_map(|&row| Some(self.stop_s.get(row)? - self.start_s.get(row)?)).sum()
    }
}

/// The first `n` names and how many more there are.
fn at_most(mut names: Vec<String>, n: usize) -> Vec<String> {
    let n_more = names.len().saturating_sub(n);
    names.truncate(n);
    if n_more > 0 {
        names.push(format!("and {n_more} more"));
    }
    names
}
