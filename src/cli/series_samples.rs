//! Samples of the series that features name, as they are in the file: what tuning curves are taken over.
//!
//! A curve over one feature reads them in pieces; a map over two has both series in memory.

use ndarray::{Array2, Axis};

use crate::Result;
use crate::features::{Signal, Term};
use crate::read::nwb::{NwbFile, Series};
use crate::recording::Samples;
use crate::time::{IntervalSet, Lookup, Metadata, Ts, TsGroup, TsdFrame, matches};
use crate::tuning::{FeatureBins, FeatureRange, TuningCurves};

/// Numbers of a piece: 4 MB.
const PIECE_ITEMS: usize = 1 << 19;

/// The series of a term, to be read in pieces.
struct SeriesPieces {
    series: Series,
    column: Option<usize>,
    scale: f64,
}

impl SeriesPieces {
    /// None for a term of spikes.
    fn open(file: &NwbFile, term: &Term) -> Result<Option<Self>> {
        let Signal::Series { name, column, .. } = &term.signal else { return Ok(None) };
        let series = file.series(name)?;
        let column = column.as_ref().map(|column| series.facts().column(column)).transpose()?;
        Ok(Some(Self { series, column, scale: term.scale }))
    }

    /// The term's name for each column.
    fn labels(&self, term: &str) -> Vec<String> {
        let names = &self.series.facts().column_names;
        if self.column.is_some() || names.len() == 1 {
            return vec![term.to_owned()];
        }
        names.iter().map(|name| format!("{term}[{name}]")).collect()
    }

    /// Gives all samples in the epochs, scaled, in pieces.
    fn visit(&self, support: &IntervalSet, mut found: impl FnMut(&Samples) -> Result<()>) -> Result<()> {
        let n_columns = if self.column.is_some() { 1 } else { self.series.n_columns() };
        let n_rows = (PIECE_ITEMS / n_columns.max(1)).max(1);
        for (start, stop) in support.iter() {
            let rows = self.series.rows_between(start, stop)?;
            for first in rows.clone().step_by(n_rows) {
                let mut piece = self.series.read_rows(first..(first + n_rows).min(rows.end), self.column)?;
                piece.values *= self.scale;
                found(&piece)?;
            }
        }
        Ok(())
    }
}

/// The curves over one column of a series.
pub(super) struct ColumnCurves {
    /// The feature's name, with the column where there are several.
    pub(super) label: String,
    /// Samples that are numbers: one that is not belongs to no bin.
    pub(super) n_samples: usize,
    pub(super) of_events: TuningCurves,
    /// Of each signal.
    pub(super) of_signals: Vec<TuningCurves>,
}

/// The curves over each column of a term's series in the epochs; none for a term of spikes.
pub(super) fn curves(
    file: &NwbFile,
    (term, name): (&Term, &str),
    support: &IntervalSet,
    bins: &FeatureBins,
    units: &TsGroup,
    signals: &[&TsdFrame],
) -> Result<Vec<ColumnCurves>> {
    let Some(pieces) = SeriesPieces::open(file, term)? else { return Ok(Vec::new()) };
    let labels = pieces.labels(name);
    let mut ranges = vec![FeatureRange::new(support); labels.len()];
    pieces.visit(support, |piece| {
        let mut columns = ranges.iter_mut().zip(piece.values.columns());
        columns.try_for_each(|(range, values)| range.add(&piece.t, values))
    })?;
    let n_samples: Vec<usize> = ranges.iter().map(FeatureRange::n_samples).collect();
    let curves = ranges.into_iter().map(|range| range.curves(bins, units, signals));
    let mut curves = curves.collect::<Result<Vec<_>>>()?;
    pieces.visit(support, |piece| {
        let mut columns = curves.iter_mut().zip(piece.values.columns());
        columns.try_for_each(|(curves, values)| curves.add(&piece.t, values))
    })?;
    let finished = labels.into_iter().zip(n_samples).zip(curves).map(|((label, n_samples), curves)| {
        let (of_events, of_signals) = curves.finish()?;
        Ok(ColumnCurves { label, n_samples, of_events, of_signals })
    });
    finished.collect()
}

/// The samples of a term's series in the epochs, scaled: one frame per column; none for a term of spikes.
pub(super) fn samples(
    file: &NwbFile,
    (term, name): (&Term, &str),
    support: &IntervalSet,
) -> Result<Vec<TsdFrame>> {
    let Some(pieces) = SeriesPieces::open(file, term)? else { return Ok(Vec::new()) };
    let labels = pieces.labels(name);
    let (mut t, mut columns) = (Vec::new(), vec![Vec::new(); labels.len()]);
    pieces.visit(support, |piece| {
        t.extend_from_slice(&piece.t);
        columns.iter_mut().zip(piece.values.columns()).for_each(|(column, values)| column.extend(values));
        Ok(())
    })?;
    let frame = |(label, values): (String, Vec<f64>)| {
        let values = Array2::from_shape_fn((values.len(), 1), |(row, _)| values[row]);
        TsdFrame::new(t.clone(), values, vec![label], Some(support.clone()))
    };
    labels.into_iter().zip(columns).map(frame).collect()
}

/// The samples whose values are all numbers: one that is not belongs to no bin.
pub(super) fn finite(samples: &TsdFrame) -> Result<TsdFrame> {
    let is_finite = |row: &usize| samples.d().row(*row).iter().all(|value| value.is_finite());
    let rows: Vec<usize> = (0..samples.len()).filter(is_finite).collect();
    let t = rows.iter().map(|&row| samples.t()[row]).collect();
    let values = samples.d().select(Axis(0), &rows);
    TsdFrame::new(t, values, samples.columns().to_vec(), Some(samples.support().clone()))
}

/// Two series side by side at the times of the first; the second gives its nearest sample in the same epoch.
pub(super) fn beside(first: &TsdFrame, second: &TsdFrame) -> Result<TsdFrame> {
    let found = matches(first.t(), second.t(), first.support(), Lookup::Closest);
    let mut values = Array2::from_elem((found.len(), 2), f64::NAN);
    for (mut row, found) in values.rows_mut().into_iter().zip(&found) {
        row[0] = first.d()[[found.row, 0]];
        row[1] = found.sample.map_or(f64::NAN, |sample| second.d()[[sample, 0]]);
    }
    let t = found.iter().map(|found| first.t()[found.row]).collect();
    let labels = [first, second].map(|frame| frame.columns()[0].clone()).to_vec();
    TsdFrame::new(t, values, labels, Some(first.support().clone()))
}

/// The spikes of units in the epochs, keyed by the numbers of the units.
pub(super) fn spikes(spike_times_s: &[Vec<f64>], support: &IntervalSet) -> Result<TsGroup> {
    let units: Vec<(i64, Ts)> = (0i64..)
        .zip(spike_times_s)
        .map(|(key, times)| Ok((key, Ts::new(times.clone(), Some(support.clone()))?)))
        .collect::<Result<_>>()?;
    Ok(TsGroup::new(units, Some(support.clone()), &Metadata::default())?.0)
}
