//! [`TsGroup`]: the events of several units on one support.

use std::collections::BTreeMap;

use ndarray::Array2;

use super::grid::BinGrid;
use super::interval_set::IntervalSet;
use super::metadata::Metadata;
use super::ts::Ts;
use super::tsd::Tsd;
use super::tsd_frame::TsdFrame;
use crate::{Error, Result};

/// Units by key, in ascending order, all restricted to one support; one metadata row per unit.
///
/// # Source
/// pynapple's `TsGroup`.
#[derive(Clone, Debug, PartialEq)]
pub struct TsGroup {
    units: BTreeMap<i64, Ts>,
    support: IntervalSet,
    metadata: Metadata,
}

impl TsGroup {
    /// Units in any order, with the rows of `metadata` in the same order; and what to know.
    ///
    /// Every unit is restricted to `support`. Without one it is the union of the units' own supports (first to
    /// last event of each): gaps that all units share are not part of it, and a unit of one event keeps the event
    /// only where another unit's span covers it; a notice says when events are lost. If no unit has a support
    /// all events are kept, on an empty support with rate NaN, with a notice. [`TsGroup::spanning`] loses none.
    ///
    /// # Errors
    /// [`Error::Argument`] when a key occurs twice, [`Error::Length`] when a metadata column has not one row per
    /// unit.
    pub fn new(
        units: Vec<(i64, Ts)>,
        support: Option<IntervalSet>,
        metadata: &Metadata,
    ) -> Result<(Self, Vec<String>)> {
        metadata.check_rows(units.len())?;
        let mut order: Vec<usize> = (0..units.len()).collect();
        order.sort_by_key(|&i| units[i].0);
        if let Some(pair) = order.windows(2).find(|pair| units[pair[0]].0 == units[pair[1]].0) {
            let key = units[pair[0]].0.to_string();
            return Err(Error::argument(
                "keys of the units",
                "each once",
                key,
                "give every unit its own key",
            ));
        }
        let metadata = metadata.select(&order);
        let units: BTreeMap<i64, Ts> = units.into_iter().collect();
        let given = support.is_some();
        let support = support
            .unwrap_or_else(|| IntervalSet::union_of(&units.values().map(Ts::support).collect::<Vec<_>>()));
        let n_events: usize = units.values().map(Ts::len).sum();
        if !given && support.is_empty() {
            let mut notices = Vec::new();
            if n_events > 0 {
                notices.push("no unit spans any time: rates are NaN; give a support".to_string());
            }
            return Ok((Self { units, support, metadata }, notices));
        }
        let mut notices = Vec::new();
        let mut kept = BTreeMap::new();
        for (key, unit) in units {
            let inside = unit.restrict(&support);
            if !given && inside.len() < unit.len() {
                let n_lost = unit.len() - inside.len();
                notices.push(format!(
                    "unit {key}: {n_lost} event(s) lie outside the spans of all units and were dropped; \
                     give a support to keep them"
                ));
            }
            kept.insert(key, inside);
        }
        Ok((Self { units: kept, support, metadata }, notices))
    }

    /// [`TsGroup::new`] on the span from the earliest to the latest event of all units: no event is lost.
    ///
    /// # Errors
    /// Those of [`TsGroup::new`].
    pub fn spanning(units: Vec<(i64, Ts)>, metadata: &Metadata) -> Result<(Self, Vec<String>)> {
        let first = units.iter().filter_map(|(_, unit)| unit.t().first().copied()).reduce(f64::min);
        let last = units.iter().filter_map(|(_, unit)| unit.t().last().copied()).reduce(f64::max);
        let span = first.zip(last).map(|(first, last)| IntervalSet::single(first, last));
        Self::new(units, span.filter(|span| !span.is_empty()), metadata)
    }

    /// The units by key.
    pub fn units(&self) -> &BTreeMap<i64, Ts> {
        &self.units
    }

    /// The unit `key`.
    ///
    /// # Errors
    /// [`Error::Unknown`] when there is none.
    pub fn unit(&self, key: i64) -> Result<&Ts> {
        self.units.get(&key).ok_or_else(|| Error::Unknown {
            kind: "unit",
            name: key.to_string(),
            place: "the group".to_string(),
            present: self.units.keys().map(ToString::to_string).collect(),
        })
    }

    /// Number of units.
    pub fn len(&self) -> usize {
        self.units.len()
    }

    /// Whether there is no unit.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// The epochs in which all units were observed.
    pub fn support(&self) -> &IntervalSet {
        &self.support
    }

    /// One row per unit, in the order of the keys.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// `N / total length of the support` of every unit, Hz; NaN on an empty support.
    pub fn rates(&self) -> Vec<f64> {
        self.units.values().map(|unit| super::epoch_rows::rate(unit.len(), &self.support)).collect()
    }

    /// Every unit inside `epochs`, which become the support.
    #[must_use]
    pub fn restrict(&self, epochs: &IntervalSet) -> Self {
        Self {
            units: self.units.iter().map(|(&key, unit)| (key, unit.restrict(epochs))).collect(),
            support: epochs.clone(),
            metadata: self.metadata.clone(),
        }
    }

    /// The units with these keys.
    ///
    /// # Errors
    /// [`Error::Unknown`] when there is no such unit.
    pub fn select(&self, keys: &[i64]) -> Result<Self> {
        for &key in keys {
            self.unit(key)?;
        }
        let rows: Vec<usize> =
            self.units.keys().enumerate().filter(|(_, key)| keys.contains(key)).map(|(row, _)| row).collect();
        let units = self.units.iter().filter(|(key, _)| keys.contains(key));
        Ok(Self {
            units: units.map(|(&key, unit)| (key, unit.clone())).collect(),
            support: self.support.clone(),
            metadata: self.metadata.select(&rows),
        })
    }

    /// Events per bin over `epochs` (default: the support), one column per unit, labelled by key.
    ///
    /// # Errors
    /// Those of [`BinGrid::new`].
    pub fn count(&self, bin_s: f64, epochs: Option<&IntervalSet>) -> Result<TsdFrame> {
        let grid = BinGrid::new(epochs.unwrap_or(&self.support), bin_s)?;
        let counts =
            self.units.values().map(|unit| grid.count(unit.t()).into_iter().map(f64::from).collect());
        Ok(self.frame(grid.centres().to_vec(), &counts.collect::<Vec<Vec<f64>>>(), grid.support()))
    }

    /// Events per epoch (default: of the support), closed at both ends, one column per unit.
    #[must_use]
    pub fn count_epochs(&self, epochs: Option<&IntervalSet>) -> TsdFrame {
        let epochs = epochs.unwrap_or(&self.support);
        let counts: Vec<Vec<f64>> =
            self.units.values().map(|unit| unit.count_epochs(Some(epochs)).d().to_vec()).collect();
        self.frame(epochs.centers(0.5), &counts, epochs)
    }

    /// A frame from one column per unit.
    fn frame(&self, t: Vec<f64>, columns: &[Vec<f64>], support: &IntervalSet) -> TsdFrame {
        let d = Array2::from_shape_fn((t.len(), columns.len()), |(row, column)| columns[column][row]);
        let labels = self.units.keys().map(ToString::to_string).collect();
        TsdFrame::from_parts(t, d, labels, support.clone())
    }

    /// All events in one series, sorted by time and then key; the value is the key, or `values[i]` of unit `i`.
    ///
    /// # Errors
    /// [`Error::Length`] when there is not one value per unit.
    pub fn to_tsd(&self, values: Option<&[f64]>) -> Result<Tsd> {
        if let Some(values) = values
            && values.len() != self.len()
        {
            let what = "values of the events, one per unit".to_string();
            return Err(Error::Length { what, expected: self.len(), found: values.len() });
        }
        let mut events: Vec<(f64, f64)> = Vec::new();
        for (i, (&key, unit)) in self.units.iter().enumerate() {
            let value = values.map_or(key as f64, |values| values[i]);
            events.extend(unit.t().iter().map(|&t| (t, value)));
        }
        events.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (t, d) = events.into_iter().unzip();
        Ok(Tsd::from_parts(t, d, self.support.clone()))
    }
}

impl Tsd {
    /// Times grouped by value truncated toward zero, on the support of the series.
    ///
    /// # Errors
    /// [`Error::NonFinite`] when a value is NaN or infinite.
    pub fn to_tsgroup(&self) -> Result<TsGroup> {
        if let Some(row) = self.d().iter().position(|value| !value.is_finite()) {
            let (what, value) = ("values of the series".to_string(), self.d()[row]);
            return Err(Error::NonFinite { what, row, column: 0, value });
        }
        let mut units: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        for (&t, &value) in self.t().iter().zip(self.d()) {
            units.entry(value.trunc() as i64).or_default().push(t);
        }
        let units = units.into_iter().map(|(key, t)| Ok((key, Ts::new(t, Some(self.support().clone()))?)));
        Ok(TsGroup::new(units.collect::<Result<_>>()?, Some(self.support().clone()), &Metadata::new())?.0)
    }
}
