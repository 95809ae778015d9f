//! A time series on disk: its facts, and its samples by range.
//!
//! Values come in the unit that the file names: stored · conversion (· channel conversion) + offset. Ignoring
//! these factors is wrong by 1e9 on real patch-clamp files that store nanoamperes.

use std::ops::Range;

use hdf5::{Dataset, Group};
use ndarray::{Array2, Axis, Slice};

use super::clock::Clock;
use super::element::{attribute_number, attribute_text, description};
use super::storage::Storage;
use super::table;
use crate::error::{Error, Result};
use crate::recording::{Entry, Samples, SeriesFacts, Timing, median_spacing};

/// Rows of a piece of a long range: 8 MB of one column.
const PIECE_ROWS: usize = 1 << 20;
/// Columns of the widest series: probes have thousands of channels, images more regions.
const MOST_COLUMNS: usize = 1 << 20;
/// Rows whose median spacing stands for the series.
const SPACING_ROWS: usize = 10_001;

/// A time series whose samples stay on disk until a range of them is asked for.
#[derive(Clone, Debug)]
pub struct Series {
    facts: SeriesFacts,
    object: String,
    storage: Storage,
    data: Dataset,
    clock: Clock,
}

impl Series {
    pub(super) fn open(storage: &Storage, entry: &Entry) -> Result<Self> {
        let base = entry.path.as_str();
        let group = storage.group(base)?;
        let object = format!("{base}/data");
        let data = storage.dataset(&group, base, "data")?;
        let shape = data.shape();
        if shape.is_empty() || shape.len() > 2 {
            return Err(storage.error(
                &object,
                format!("expected 1 or 2 dimensions (samples, columns), found {} ({shape:?})", shape.len()),
                "images and other many-dimensional data are not read; reduce them to columns",
            ));
        }
        storage.expect_numbers(&data, &object)?;
        storage.check_layout(&data, &object)?;
        let n_columns = shape.get(1).copied().unwrap_or(1);
        if n_columns > MOST_COLUMNS {
            return Err(storage.error(
                &object,
                format!("expected at most {MOST_COLUMNS} columns, found {n_columns}"),
                "the file may be damaged; the data of a series are (samples, columns)",
            ));
        }
        let clock = open_clock(storage, &group, base, &shape)?;
        let factor = |name: &str, otherwise: f64| match attribute_number(&data, name) {
            Ok(number) => Ok(number.unwrap_or(otherwise)),
            Err(found) => Err(storage.error(
                &object,
                format!("expected a number as the attribute `{name}`, found {found}"),
                "values would be wrong without it: write it as one number",
            )),
        };
        let (conversion, offset) = (factor("conversion", 1.0)?, factor("offset", 0.0)?);
        if !conversion.is_finite() || !offset.is_finite() {
            return Err(storage.error(
                &object,
                format!("expected finite conversion and offset, found {conversion} and {offset}"),
                "set the attributes `conversion` and `offset` of the data",
            ));
        }
        let timing = match &clock {
            Clock::Rate { start_s, rate_hz, .. } => Timing::Rate { start_s: *start_s, rate_hz: *rate_hz },
            Clock::Stamps { .. } => Timing::Stamps,
        };
        let facts = SeriesFacts {
            key: entry.key.clone(),
            unit: attribute_text(&data, "unit").unwrap_or_default(),
            n_samples: shape[0],
            column_names: column_names(storage, &group, base, &entry.type_name, n_columns),
            conversion,
            offset,
            channel_conversion: channel_conversion(storage, &group, base, n_columns)?,
            stored_type: stored_type(&data),
            timing,
        };
        Ok(Self { facts, object, storage: storage.clone(), data, clock })
    }

    /// What the series is.
    pub fn facts(&self) -> &SeriesFacts {
        &self.facts
    }

    /// Number of samples.
    pub fn n_samples(&self) -> usize {
        self.facts.n_samples
    }

    /// Number of columns.
    pub fn n_columns(&self) -> usize {
        self.facts.n_columns()
    }

    /// Unit of the values that are read.
    pub fn unit(&self) -> &str {
        &self.facts.unit
    }

    /// First and last sample time, seconds; none for a series without samples.
    ///
    /// # Errors
    /// [`Error::Object`] where either is not finite or they are in the wrong order.
    pub fn span(&self) -> Result<Option<(f64, f64)>> {
        self.clock.span(&self.storage)
    }

    /// Rows with `start_s <= t <= stop_s`, found by bisection on disk.
    ///
    /// # Errors
    /// [`Error::Object`] where a time met on the way is not finite.
    pub fn rows_between(&self, start_s: f64, stop_s: f64) -> Result<Range<usize>> {
        self.clock.rows_between(&self.storage, start_s, stop_s)
    }

    /// Samples with `start_s <= t <= stop_s`; `column` picks one column, none of it all columns.
    ///
    /// Only this range is read; its times and the neighbour on each side are checked. NaN values are kept.
    ///
    /// # Errors
    /// [`Error::Object`] for times that are not finite or not ascending, [`Error::Memory`] for a range larger
    /// than the read limit, [`Error::Argument`] for a column that is not there.
    pub fn read_range(&self, start_s: f64, stop_s: f64, column: Option<usize>) -> Result<Samples> {
        self.read_rows(self.rows_between(start_s, stop_s)?, column)
    }

    /// As [`Series::read_range`], with someone who is told after every piece of a long range how many rows it had.
    ///
    /// # Errors
    /// As [`Series::read_range`].
    pub fn read_range_watched(
        &self,
        start_s: f64,
        stop_s: f64,
        column: Option<usize>,
        told: &mut dyn FnMut(usize),
    ) -> Result<Samples> {
        let rows = self.rows_between(start_s, stop_s)?;
        let n_rows = rows.len();
        let piece_rows = self.piece_rows(PIECE_ROWS);
        if n_rows <= piece_rows {
            let samples = self.read_rows(rows, column)?;
            told(n_rows);
            return Ok(samples);
        }
        let n_columns = if column.is_some() { 1 } else { self.n_columns() };
        let n_items = n_rows.saturating_mul(n_columns);
        self.storage.check_readable(&self.data, &self.object, n_items, size_of::<f64>())?;
        let (mut t, mut values) = (Vec::with_capacity(n_rows), Array2::zeros((n_rows, n_columns)));
        for start in rows.clone().step_by(piece_rows) {
            let piece = self.read_rows(start..(start + piece_rows).min(rows.end), column)?;
            told(piece.t.len());
            values
                .slice_axis_mut(Axis(0), Slice::from(t.len()..t.len() + piece.t.len()))
                .assign(&piece.values);
            t.extend(piece.t);
        }
        Ok(Samples { t, values })
    }

    /// Samples of these rows.
    ///
    /// # Errors
    /// As [`Series::read_range`].
    pub fn read_rows(&self, rows: Range<usize>, column: Option<usize>) -> Result<Samples> {
        if rows.end > self.n_samples() || rows.start > rows.end {
            return Err(Error::argument(
                format!("rows of {}", self.object),
                format!("0..{}", self.n_samples()),
                format!("{rows:?}"),
                "ask for rows that are there",
            ));
        }
        let values = self.values(rows.clone(), column)?;
        let t = self.clock.checked_times(&self.storage, rows)?;
        Ok(Samples { t, values })
    }

    /// Gives all samples in pieces of at most `n_rows` rows, in order, with the row each piece starts at.
    ///
    /// # Errors
    /// As [`Series::read_range`], and whatever `body` returns.
    pub fn for_each_piece(
        &self,
        n_rows: usize,
        column: Option<usize>,
        mut body: impl FnMut(usize, &Samples) -> Result<()>,
    ) -> Result<()> {
        let n_rows = n_rows.max(1);
        for start in (0..self.n_samples()).step_by(n_rows) {
            let rows = start..(start + n_rows).min(self.n_samples());
            body(start, &self.read_rows(rows, column)?)?;
        }
        Ok(())
    }

    /// Median spacing of the samples between two times, seconds; none for fewer than two of them.
    ///
    /// At most 10 001 samples from the start of the range are looked at.
    ///
    /// # Errors
    /// As [`Series::rows_between`].
    pub fn read_spacing(&self, start_s: f64, stop_s: f64) -> Result<Option<f64>> {
        let rows = self.rows_between(start_s, stop_s)?;
        if let Timing::Rate { rate_hz, .. } = self.facts.timing {
            return Ok((rows.len() > 1).then(|| 1.0 / rate_hz));
        }
        let rows = rows.start..rows.end.min(rows.start + SPACING_ROWS);
        Ok(median_spacing(&self.clock.checked_times(&self.storage, rows)?))
    }

    /// Times of these rows as stored, unchecked.
    pub(super) fn raw_times(&self, rows: Range<usize>) -> Result<Vec<f64>> {
        self.clock.times(&self.storage, rows)
    }

    /// Whether most of its samples, or their times, were never written.
    pub(super) fn is_hollow(&self) -> bool {
        let stamps_are = matches!(&self.clock, Clock::Stamps { set, .. } if self.storage.is_hollow(set));
        stamps_are || self.storage.is_hollow(&self.data)
    }

    /// About `n_rows` rows, as whole chunks, so that going through the series unpacks each of them once.
    pub(super) fn piece_rows(&self, n_rows: usize) -> usize {
        self.storage.whole_chunks(&self.data, n_rows, self.n_columns())
    }

    /// The same for its times.
    pub(super) fn piece_rows_of_times(&self, n_rows: usize) -> usize {
        match &self.clock {
            Clock::Rate { .. } => n_rows,
            Clock::Stamps { set, .. } => self.storage.whole_chunks(set, n_rows, 1),
        }
    }

    pub(super) fn values(&self, rows: Range<usize>, column: Option<usize>) -> Result<Array2<f64>> {
        let n_columns = if column.is_some() { 1 } else { self.n_columns() };
        if let Some(column) = column.filter(|&column| column >= self.n_columns()) {
            return Err(Error::argument(
                format!("column of {}", self.object),
                format!("below {}", self.n_columns()),
                column.to_string(),
                format!("columns are: {}", self.facts.column_names.join(", ")),
            ));
        }
        let n_items = rows.len().saturating_mul(n_columns);
        self.storage.check_readable(&self.data, &self.object, n_items, size_of::<f64>())?;
        let read = if self.data.ndim() == 1 {
            self.data.read_slice_1d::<f64, _>(rows).map(|v| v.insert_axis(Axis(1)))
        } else if let Some(column) = column {
            self.data.read_slice_1d::<f64, _>((rows, column)).map(|v| v.insert_axis(Axis(1)))
        } else {
            self.data.read_slice_2d::<f64, _>((rows, ..))
        };
        let mut values = read.map_err(|e| self.storage.hdf5_error(&self.object, &e))?;
        self.convert(&mut values, column);
        Ok(values)
    }

    fn convert(&self, values: &mut Array2<f64>, only: Option<usize>) {
        let SeriesFacts { conversion, offset, channel_conversion, .. } = &self.facts;
        if *conversion == 1.0 && *offset == 0.0 && channel_conversion.is_none() {
            return;
        }
        for (i, mut column) in values.columns_mut().into_iter().enumerate() {
            let channel = channel_conversion.as_ref().map_or(1.0, |factors| factors[only.unwrap_or(i)]);
            column.mapv_inplace(|stored| stored * conversion * channel + offset);
        }
    }
}

fn open_clock(storage: &Storage, group: &Group, base: &str, shape: &[usize]) -> Result<Clock> {
    let n = shape[0];
    let object = format!("{base}/timestamps");
    if let Some(set) = storage.optional(group, base, "timestamps")? {
        storage.expect_numbers(&set, &object)?;
        storage.check_layout(&set, &object)?;
        if set.ndim() != 1 || set.size() != n {
            let help = if shape.get(1) == Some(&set.size()) {
                "the data look transposed: write them as (samples, columns)"
            } else {
                "write one time per sample"
            };
            let found = format!("expected {n} times (one per sample of data), found {}", set.size());
            return Err(storage.error(&object, found, help));
        }
        return Ok(Clock::Stamps { set, object });
    }
    let object = format!("{base}/starting_time");
    let Some(set) = storage.optional(group, base, "starting_time")? else {
        return Err(storage.error(
            base,
            "expected timestamps, or starting_time with a rate; found neither",
            "write one of them; without sample times the series cannot be used",
        ));
    };
    let start_s = storage.numbers::<f64>(&set, &object)?.first().copied().unwrap_or(f64::NAN);
    let rate_hz = attribute_number(&set, "rate").unwrap_or(Some(f64::NAN));
    match rate_hz {
        Some(rate_hz) if rate_hz > 0.0 && rate_hz.is_finite() && start_s.is_finite() => {
            Ok(Clock::Rate { start_s, rate_hz, n })
        }
        _ => Err(storage.error(
            &object,
            format!(
                "expected a finite start and a rate above 0 Hz, found start {start_s} and rate {}",
                rate_hz.map_or("none".to_string(), |rate| rate.to_string())
            ),
            "set the attribute `rate` of starting_time to the sampling rate in Hz",
        )),
    }
}

fn channel_conversion(
    storage: &Storage,
    group: &Group,
    base: &str,
    n_columns: usize,
) -> Result<Option<Vec<f64>>> {
    let object = format!("{base}/channel_conversion");
    let Some(set) = storage.optional(group, base, "channel_conversion")? else { return Ok(None) };
    let factors = storage.numbers::<f64>(&set, &object)?;
    if factors.len() != n_columns {
        return Err(storage.error(
            &object,
            format!("expected {n_columns} factors (one per column), found {}", factors.len()),
            "write one factor per channel",
        ));
    }
    if factors.iter().any(|factor| !factor.is_finite()) {
        return Err(storage.error(
            &object,
            format!("expected finite factors, found {factors:?}"),
            "correct the factors",
        ));
    }
    Ok(Some(factors))
}

/// Names of columns: axes of a spatial series, identifiers of electrodes or ROIs, else 0 .. n-1.
fn column_names(
    storage: &Storage,
    group: &Group,
    base: &str,
    type_name: &str,
    n_columns: usize,
) -> Vec<String> {
    if type_name == "SpatialSeries" && (1..=3).contains(&n_columns) {
        return ["x", "y", "z"][..n_columns].iter().map(ToString::to_string).collect();
    }
    let regions = ["electrodes", "rois"].into_iter().filter(|name| group.link_exists(name));
    for region in regions {
        let ids = table::region_ids(storage, group, base, region);
        // identifiers name columns only where there is one for each and no two are equal
        let distinct: std::collections::HashSet<_> = ids.iter().collect();
        if ids.len() == n_columns && distinct.len() == n_columns {
            return ids.iter().map(ToString::to_string).collect();
        }
    }
    (0..n_columns).map(|column| column.to_string()).collect()
}

fn stored_type(set: &Dataset) -> String {
    description(set).map_or_else(|_| "unknown".into(), |descriptor| descriptor.to_string())
}
