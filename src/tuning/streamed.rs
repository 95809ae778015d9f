//! Tuning curves over a feature that is longer than the memory: its samples come in pieces, twice.
//!
//! The first time for the range of the values and the sampling rate ([`FeatureRange`]), the second time for the
//! counts ([`StreamedCurves`]). A piece may be cut anywhere: what an event next to a cut needs to know of the
//! samples before it is carried over. Nothing is kept but that and the counts.

use std::ops::Range;

use ndarray::{ArrayView1, ArrayView2};

use super::curve::{Cells, TuningCurves, never_recorded};
use super::edges::{self, FeatureBins};
use crate::time::{IntervalSet, TsGroup, TsdFrame};
use crate::{Error, Result};

/// The first time: values and spacing of a feature inside epochs. Samples that are not finite are left out.
///
/// ```
/// use ndarray::aview1;
/// use rheobase::time::{IntervalSet, Metadata, Ts, TsGroup};
/// use rheobase::tuning::{FeatureBins, FeatureRange};
///
/// let epochs = IntervalSet::new(&[0.0], &[4.0])?;
/// let events = Ts::new(vec![0.9, 2.6], Some(epochs.clone()))?;
/// let (units, _) = TsGroup::new(vec![(7, events)], Some(epochs.clone()), &Metadata::new())?;
/// let pieces = [([0.0, 1.0], [5.0, 6.0]), ([2.0, 3.0], [5.0, 6.0])];
///
/// let mut range = FeatureRange::new(&epochs);
/// for (t, x) in &pieces {
///     range.add(t, aview1(x))?;
/// }
/// let mut curves = range.curves(&FeatureBins::equal(2), &units, &[])?;
/// for (t, x) in &pieces {
///     curves.add(t, aview1(x))?;
/// }
/// let (of_events, _) = curves.finish()?;
/// assert_eq!(of_events.occupancy.as_slice(), Some(&[2.0, 2.0][..]));
/// assert_eq!(of_events.values.as_slice(), Some(&[0.0, 1.0][..]));
/// # Ok::<(), rheobase::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FeatureRange {
    pieces: Pieces,
    /// Epoch of the latest sample, and the first and the latest sample of that epoch.
    epoch: Option<(usize, f64, f64)>,
    n_samples: usize,
    n_pairs: usize,
    /// Sum of the spans of the epochs before the latest one, seconds.
    span_s: f64,
    least: f64,
    greatest: f64,
}

impl FeatureRange {
    /// Nothing so far.
    pub fn new(epochs: &IntervalSet) -> Self {
        Self {
            pieces: Pieces::new(epochs),
            epoch: None,
            n_samples: 0,
            n_pairs: 0,
            span_s: 0.0,
            least: f64::INFINITY,
            greatest: f64::NEG_INFINITY,
        }
    }

    /// Takes the next piece: times in seconds, and one value for each.
    ///
    /// # Errors
    /// [`Error::Length`] unless there is one value per time, [`Error::NonFinite`] and [`Error::Unsorted`] for
    /// times that are not finite or go back, also behind the piece before.
    pub fn add(&mut self, t: &[f64], values: ArrayView1<f64>) -> Result<()> {
        for (epoch, rows) in self.pieces.cut(t, values.len())? {
            for row in rows.filter(|&row| values[row].is_finite()) {
                self.n_samples += 1;
                self.least = self.least.min(values[row]);
                self.greatest = self.greatest.max(values[row]);
                match &mut self.epoch {
                    Some((here, _, latest)) if *here == epoch => {
                        *latest = t[row];
                        self.n_pairs += 1;
                    }
                    _ => {
                        self.span_s += self.latest_span_s();
                        self.epoch = Some((epoch, t[row], t[row]));
                    }
                }
            }
        }
        Ok(())
    }

    /// Finite samples inside the epochs so far.
    pub fn n_samples(&self) -> usize {
        self.n_samples
    }

    fn latest_span_s(&self) -> f64 {
        self.epoch.map_or(0.0, |(_, first, latest)| latest - first)
    }

    /// Ready for the second time: the curves of units and of signals over these bins.
    ///
    /// # Errors
    /// [`Error::Argument`] for bad bins, or where the sampling rate cannot be told from the samples;
    /// [`Error::Empty`] without a finite sample in the epochs.
    pub fn curves<'a>(
        self,
        bins: &FeatureBins,
        units: &'a TsGroup,
        signals: &[&'a TsdFrame],
    ) -> Result<StreamedCurves<'a>> {
        if self.n_samples == 0 {
            return Err(never_recorded());
        }
        let edges = bins.edges(&[self.least, self.greatest])?;
        let spacing_s = (self.span_s + self.latest_span_s()) / self.n_pairs as f64;
        let fs_hz = (self.n_pairs > 0).then(|| 1.0 / spacing_s).filter(|fs| fs.is_finite());
        let n_cells = edges.len() - 1;
        let epochs = self.pieces.epochs;
        let pieces = Pieces::new(&epochs);
        let cells = Cells { epochs, edges: vec![edges], occupancy: vec![0.0; n_cells], fs_hz };
        cells.known_fs_hz()?;
        let events = units.units().values().map(|unit| Placed::new(unit.t(), None, n_cells));
        let samples = signals.iter().map(|signal| Placed::new(signal.t(), Some(signal.d().view()), n_cells));
        let placed = events.chain(samples).collect();
        Ok(StreamedCurves { pieces, cells, units, signals: signals.to_vec(), placed, carried: None })
    }
}

/// The second time: the same pieces, or others of the same samples, sorted into bins.
pub struct StreamedCurves<'a> {
    pieces: Pieces,
    cells: Cells,
    units: &'a TsGroup,
    signals: Vec<&'a TsdFrame>,
    /// Events of each unit, then samples of each signal.
    placed: Vec<Placed<'a>>,
    carried: Option<Carried>,
}

/// The latest sample of the pieces so far.
#[derive(Clone, Copy)]
struct Carried {
    epoch: usize,
    t: f64,
    cell: Option<usize>,
}

impl StreamedCurves<'_> {
    /// Takes the next piece: times in seconds, and one value for each.
    ///
    /// # Errors
    /// Those of [`FeatureRange::add`].
    pub fn add(&mut self, t: &[f64], values: ArrayView1<f64>) -> Result<()> {
        for (epoch, rows) in self.pieces.cut(t, values.len())? {
            let finite: Vec<usize> = rows.filter(|&row| values[row].is_finite()).collect();
            let Some(&last) = finite.last() else { continue };
            let times: Vec<f64> = finite.iter().map(|&row| t[row]).collect();
            let bin = |&row: &usize| edges::bin_of(&self.cells.edges[0], values[row]);
            let cells: Vec<Option<usize>> = finite.iter().map(bin).collect();
            cells.iter().flatten().for_each(|&cell| self.cells.occupancy[cell] += 1.0);
            if self.carried.is_some_and(|carried| carried.epoch != epoch) {
                self.close_epoch();
            }
            let start_s = self.cells.epochs.start()[epoch];
            for placed in &mut self.placed {
                placed.place(start_s, self.carried, &times, &cells);
            }
            self.carried = Some(Carried { epoch, t: t[last], cell: cells[cells.len() - 1] });
        }
        Ok(())
    }

    /// What comes after the last sample of an epoch takes that sample.
    fn close_epoch(&mut self) {
        if let Some(Carried { epoch, cell, .. }) = self.carried.take() {
            let end_s = self.cells.epochs.end()[epoch];
            self.placed.iter_mut().for_each(|placed| placed.place_rest(end_s, cell));
        }
    }

    /// The curves of the units, and those of each signal: what [`tuning_curves_of_events`] and
    /// [`tuning_curves_of_signal`] (without `zero_fill`) find over the finite samples.
    ///
    /// # Errors
    /// [`Error::Length`] if the counts do not fill the bins.
    ///
    /// [`tuning_curves_of_events`]: super::tuning_curves_of_events
    /// [`tuning_curves_of_signal`]: super::tuning_curves_of_signal
    pub fn finish(mut self) -> Result<(TuningCurves, Vec<TuningCurves>)> {
        self.close_epoch();
        let of_signals = self.placed.split_off(self.units.len());
        let counts = self.placed.iter().flat_map(|placed| placed.counts.iter().copied()).collect();
        let of_events = self.cells.curves_of_events(self.units, counts)?;
        let curve = |(placed, signal): (Placed, &&TsdFrame)| {
            self.cells.curves_of_signal(signal.columns(), placed.counts, &placed.sums, false)
        };
        let of_signals = of_signals.into_iter().zip(&self.signals).map(curve).collect::<Result<_>>()?;
        Ok((of_events, of_signals))
    }
}

/// Events or samples on their way into the cells.
struct Placed<'a> {
    t: &'a [f64],
    /// Values of a signal, (times, columns); none for events.
    signal: Option<ArrayView2<'a, f64>>,
    /// First time that has no cell yet.
    next: usize,
    /// Events, or samples of each column, in each cell.
    counts: Vec<f64>,
    /// Sums of the samples of each column in each cell; empty for events.
    sums: Vec<f64>,
}

impl<'a> Placed<'a> {
    fn new(t: &'a [f64], signal: Option<ArrayView2<'a, f64>>, n_cells: usize) -> Self {
        let n_columns = signal.map_or(0, |signal| signal.ncols());
        let counts = vec![0.0; n_cells * if signal.is_some() { n_columns } else { 1 }];
        Self { t, signal, next: 0, counts, sums: vec![0.0; n_cells * n_columns] }
    }

    /// Places the times up to the last sample: each takes the closest one, the later one in a tie.
    fn place(&mut self, start_s: f64, carried: Option<Carried>, times: &[f64], cells: &[Option<usize>]) {
        self.next += self.t[self.next..].partition_point(|&t| t < start_s);
        while let Some(&at) = self.t.get(self.next).filter(|&at| times.last().is_some_and(|last| at <= last))
        {
            let after = times.partition_point(|&t| t < at);
            let before = match after.checked_sub(1) {
                Some(row) => Some((times[row], cells[row])),
                None => carried.map(|carried| (carried.t, carried.cell)),
            };
            let cell = match before {
                Some((t, cell)) if at - t < times[after] - at => cell,
                _ => cells[after],
            };
            self.count(cell);
        }
    }

    /// Places the times up to the end of an epoch, which no other sample follows.
    fn place_rest(&mut self, end_s: f64, cell: Option<usize>) {
        while self.t.get(self.next).is_some_and(|&t| t <= end_s) {
            self.count(cell);
        }
    }

    /// Counts the next time.
    fn count(&mut self, cell: Option<usize>) {
        let row = self.next;
        self.next += 1;
        let Some(cell) = cell else { return };
        let Some(signal) = &self.signal else {
            self.counts[cell] += 1.0;
            return;
        };
        let n_cells = self.counts.len() / signal.ncols().max(1);
        for (column, &value) in signal.row(row).iter().enumerate() {
            if !value.is_nan() {
                self.counts[column * n_cells + cell] += 1.0;
                self.sums[column * n_cells + cell] += value;
            }
        }
    }
}

/// Cuts the pieces of a series into the rows of each epoch.
#[derive(Clone, Debug)]
struct Pieces {
    epochs: IntervalSet,
    /// Epoch of the latest sample, or the first that begins after it.
    epoch: usize,
    latest_s: f64,
}

impl Pieces {
    fn new(epochs: &IntervalSet) -> Self {
        Self { epochs: epochs.clone(), epoch: 0, latest_s: f64::NEG_INFINITY }
    }

    /// Epochs that have samples in the next piece, with their rows.
    fn cut(&mut self, t: &[f64], n_values: usize) -> Result<Vec<(usize, Range<usize>)>> {
        if t.len() != n_values {
            let what = "values of the feature, one per time".to_string();
            return Err(Error::Length { what, expected: t.len(), found: n_values });
        }
        let what = || "times of the feature".to_string();
        for (row, &value) in t.iter().enumerate() {
            if !value.is_finite() {
                return Err(Error::NonFinite { what: what(), row, column: 0, value });
            }
            if value < self.latest_s {
                return Err(Error::Unsorted { what: what(), row, previous: self.latest_s, value });
            }
            self.latest_s = value;
        }
        let (mut found, mut row) = (Vec::new(), 0);
        while row < t.len() && self.epoch < self.epochs.len() {
            let (start_s, end_s) = (self.epochs.start()[self.epoch], self.epochs.end()[self.epoch]);
            let first = row + t[row..].partition_point(|&t| t < start_s);
            row = first + t[first..].partition_point(|&t| t <= end_s);
            if first < row {
                found.push((self.epoch, first..row));
            }
            if row < t.len() {
                self.epoch += 1;
            }
        }
        Ok(found)
    }
}
