//! [`IntervalSet`]: the epochs in which something was observed.

use super::metadata::Metadata;
use crate::{Error, Result};

/// What is taken off the end of an epoch that touches the next one, so that a sample on the common border
/// belongs to the later epoch only.
pub(super) const TRIM_S: f64 = 1e-6;

/// Disjoint epochs `[start, end]` in seconds, in increasing order, with metadata columns.
///
/// Always `start[i] < end[i] < start[i + 1]`. A row is closed at both ends.
///
/// # Source
/// pynapple's `IntervalSet`, except that rows stay rows: sorting moves start, end and metadata together, and one
/// bad row does not cost the other rows their metadata.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IntervalSet {
    start: Vec<f64>,
    end: Vec<f64>,
    metadata: Metadata,
}

/// One epoch under construction and the rows that it was made of.
struct Joined {
    start: f64,
    end: f64,
    rows: Vec<usize>,
}

impl IntervalSet {
    /// Epochs from starts and ends, cleaned as [`IntervalSet::with_metadata`] says.
    ///
    /// ```
    /// use rheobase::time::IntervalSet;
    /// let epochs = IntervalSet::new(&[0.0, 2.0, 6.0], &[4.0, 6.0, 8.0])?;
    /// assert_eq!(epochs.start(), [0.0, 6.0]);
    /// assert_eq!(epochs.end(), [5.999999, 8.0]);
    /// # Ok::<(), rheobase::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] when the lengths differ.
    pub fn new(start: &[f64], end: &[f64]) -> Result<Self> {
        Ok(Self::with_metadata(start, end, Metadata::new())?.0)
    }

    /// Epochs with metadata, and a notice for each kind of repair that was made.
    ///
    /// In this order: rows with NaN are dropped; rows are sorted by start; rows whose end does not exceed their
    /// start are dropped; rows that overlap are joined (metadata: what the joined rows share, else missing);
    /// where an end equals the next start, 1 µs is taken off the end, and a row that this empties is dropped.
    ///
    /// # Errors
    /// [`Error::Length`] when starts, ends or a metadata column differ in length.
    pub fn with_metadata(start: &[f64], end: &[f64], metadata: Metadata) -> Result<(Self, Vec<String>)> {
        if start.len() != end.len() {
            let what = "ends of epochs, one per start".to_string();
            return Err(Error::Length { what, expected: start.len(), found: end.len() });
        }
        metadata.check_rows(start.len())?;
        let mut notices = Vec::new();

        let mut rows: Vec<usize> =
            (0..start.len()).filter(|&i| !start[i].is_nan() && !end[i].is_nan()).collect();
        if rows.len() < start.len() {
            notices.push(format!("dropped {} epochs whose start or end is NaN", start.len() - rows.len()));
        }
        if rows.windows(2).any(|pair| start[pair[1]] < start[pair[0]]) {
            rows.sort_by(|&a, &b| start[a].total_cmp(&start[b]));
            notices.push("sorted the epochs by their start".to_string());
        }
        let n_sound = rows.len();
        rows.retain(|&i| start[i] < end[i]);
        if rows.len() < n_sound {
            notices
                .push(format!("dropped {} epochs that do not end after their start", n_sound - rows.len()));
        }
        let joined = join_overlaps(start, end, rows, &mut notices);
        let groups: Vec<Vec<usize>> = joined.iter().map(|epoch| epoch.rows.clone()).collect();
        let as_given =
            groups.len() == start.len() && groups.iter().enumerate().all(|(i, group)| group[..] == [i]);
        let set = Self {
            start: joined.iter().map(|epoch| epoch.start).collect(),
            end: joined.iter().map(|epoch| epoch.end).collect(),
            metadata: if as_given { metadata } else { metadata.gather(&groups) },
        };
        Ok((set, notices))
    }

    /// No epochs.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The epoch `[start, end]`; no epoch where `start < end` does not hold.
    pub(super) fn single(start: f64, end: f64) -> Self {
        if start < end {
            Self { start: vec![start], end: vec![end], metadata: Metadata::new() }
        } else {
            Self::empty()
        }
    }

    /// Rows of this set with new bounds: row `i` of the result takes its metadata from row `rows[i]`.
    pub(super) fn from_pieces(start: &[f64], end: &[f64], metadata: Metadata) -> Self {
        // Lengths agree by construction of the callers, so the constructor has nothing to refuse.
        Self::with_metadata(start, end, metadata).map(|(set, _)| set).unwrap_or_default()
    }

    /// First times, seconds.
    pub fn start(&self) -> &[f64] {
        &self.start
    }

    /// Last times, seconds.
    pub fn end(&self) -> &[f64] {
        &self.end
    }

    /// The columns that go with the rows.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Number of epochs.
    pub fn len(&self) -> usize {
        self.start.len()
    }

    /// Whether there is no epoch.
    pub fn is_empty(&self) -> bool {
        self.start.is_empty()
    }

    /// The epochs as `(start, end)`.
    pub fn iter(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.start.iter().copied().zip(self.end.iter().copied())
    }

    /// Sum of `end - start`, seconds.
    pub fn tot_length(&self) -> f64 {
        self.iter().map(|(start, end)| end - start).sum()
    }

    /// Per epoch the rows of the sorted times `t` in it, closed at both ends.
    pub fn sample_ranges(&self, t: &[f64]) -> Vec<std::ops::Range<usize>> {
        self.iter()
            .map(|(start, end)| {
                let first = t.partition_point(|&x| x < start);
                first..first + t[first..].partition_point(|&x| x <= end)
            })
            .collect()
    }

    /// The given rows with their metadata, in increasing order of `rows`.
    ///
    /// # Errors
    /// [`Error::Argument`] when there is no such row.
    pub fn select(&self, rows: &[usize]) -> Result<Self> {
        if let Some(row) = rows.iter().find(|&&row| row >= self.len()) {
            return Err(Error::argument(
                "epoch number",
                format!("less than {}", self.len()),
                row.to_string(),
                "epochs are counted from 0",
            ));
        }
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        rows.dedup();
        Ok(self.rows(&rows))
    }

    /// The rows where `mask` is true, with their metadata.
    ///
    /// # Errors
    /// [`Error::Length`] when the mask has not one entry per row.
    pub fn select_mask(&self, mask: &[bool]) -> Result<Self> {
        if mask.len() != self.len() {
            let what = "mask over epochs".to_string();
            return Err(Error::Length { what, expected: self.len(), found: mask.len() });
        }
        let rows: Vec<usize> = (0..self.len()).filter(|&i| mask[i]).collect();
        Ok(self.rows(&rows))
    }

    /// The rows whose metadata `column` equals `value` (for tags: that have the tag).
    ///
    /// # Errors
    /// [`Error::Unknown`] when there is no such column.
    pub fn select_where(&self, column: &str, value: &str) -> Result<Self> {
        self.select_mask(&self.metadata.require(column, "the epochs")?.equals(value))
    }

    /// Rows that exist, in increasing order.
    pub(super) fn rows(&self, rows: &[usize]) -> Self {
        Self {
            start: rows.iter().map(|&i| self.start[i]).collect(),
            end: rows.iter().map(|&i| self.end[i]).collect(),
            metadata: self.metadata.select(rows),
        }
    }
}

/// Joins rows (sorted by start) that overlap and trims those that touch.
fn join_overlaps(start: &[f64], end: &[f64], rows: Vec<usize>, notices: &mut Vec<String>) -> Vec<Joined> {
    let n_rows = rows.len();
    let mut joined: Vec<Joined> = Vec::with_capacity(n_rows);
    for row in rows {
        match joined.last_mut() {
            Some(last) if start[row] < last.end => {
                last.end = last.end.max(end[row]);
                last.rows.push(row);
            }
            _ => joined.push(Joined { start: start[row], end: end[row], rows: vec![row] }),
        }
    }
    if joined.len() < n_rows {
        notices.push(format!("joined {n_rows} epochs that overlap into {}", joined.len()));
    }
    let mut n_trimmed = 0;
    for i in 1..joined.len() {
        if joined[i - 1].end == joined[i].start {
            let end = joined[i - 1].end;
            joined[i - 1].end = (end - TRIM_S).min(end.next_down());
            n_trimmed += 1;
        }
    }
    if n_trimmed > 0 {
        notices.push(format!("took 1 µs off the end of {n_trimmed} epochs that touch the next one"));
    }
    let n_before = joined.len();
    joined.retain(|epoch| epoch.start < epoch.end);
    if joined.len() < n_before {
        notices.push(format!(
            "dropped {} epochs shorter than 1 µs that touch the next one",
            n_before - joined.len()
        ));
    }
    joined
}
