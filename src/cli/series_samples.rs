//! Samples of the series that features name, as they are in the file: what tuning curves are taken over.

use ndarray::{Array2, Axis};

use crate::Result;
use crate::features::{Signal, StudyFeature};
use crate::read::nwb::NwbFile;
use crate::time::{IntervalSet, Lookup, TsGroup, TsdFrame, matches};
use crate::time::{Metadata, Ts};

/// The samples of a feature's series in the epochs, scaled: one frame per column; none for a feature of spikes.
pub(super) fn samples(
    file: &NwbFile,
    feature: &StudyFeature,
    support: &IntervalSet,
) -> Result<Vec<TsdFrame>> {
    let Signal::Series { name, column, .. } = &feature.spec.signal else { return Ok(Vec::new()) };
    let series = file.series(name)?;
    let column = column.as_ref().map(|column| series.facts().column(column)).transpose()?;
    let (mut t, mut pieces) = (Vec::new(), Vec::new());
    for (start, end) in support.iter() {
        let samples = series.read_range(start, end, column)?;
        t.extend(samples.t);
        pieces.push(samples.values);
    }
    let n_columns = pieces.first().map_or(0, Array2::ncols);
    let frame = |k: usize| {
        let values = pieces.iter().flat_map(|piece| piece.index_axis(Axis(1), k));
        let values: Vec<f64> = values.map(|x| x * feature.spec.scale).collect();
        let label = if n_columns == 1 {
            feature.name.clone()
        } else {
            format!("{}[{}]", feature.name, series.facts().column_names[k])
        };
        let values = Array2::from_shape_fn((values.len(), 1), |(row, _)| values[row]);
        TsdFrame::new(t.clone(), values, vec![label], Some(support.clone()))
    };
    (0..n_columns).map(frame).collect()
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
