//! The signals of features on their grid: what is read of a recording before anything is expanded.

use super::block::Channel;
use super::dataset::{Request, StudyFeature};
use super::epochs::{refuse_long_bin, support};
use super::units::Units;
use super::{Resample, Signal, Step, Term, Watcher, binned_signal};
use crate::design::Course;
use crate::read::nwb::{NwbFile, Series};
use crate::recording::{Epoch, Samples};
use crate::time::{BinGrid, IntervalSet};
use crate::{Error, Result};

/// Epochs, units and the channels of every term of every feature.
pub(super) struct Binned {
    pub(super) epochs: Vec<Epoch>,
    pub(super) support: IntervalSet,
    pub(super) grid: BinGrid,
    pub(super) units: Units,
    /// How their series became bins is decided.
    pub(super) features: Vec<StudyFeature>,
    pub(super) channels: Vec<Vec<Channels>>,
}

/// The signals of the features of a study, binned and not yet scaled or expanded.
#[derive(Clone, Debug)]
pub struct Signals {
    /// The bins.
    pub grid: BinGrid,
    /// The features.
    pub features: Vec<StudyFeature>,
    /// For every feature and each of its terms the channels, one value per bin.
    pub channels: Vec<Vec<Vec<Channel>>>,
}

impl Signals {
    /// Reads and bins the signals that a request is about.
    ///
    /// # Errors
    /// Those of [`super::Dataset::read`]; [`Error::Memory`] if the values of all channels take more than the limit.
    pub fn read(file: &NwbFile, request: Request, watcher: Watcher) -> Result<Self> {
        let limit_bytes = request.memory_limit_bytes;
        let with_units = request.features.iter().any(|feature| feature.spec.units().is_some());
        let Binned { grid, features, channels, .. } =
            Binned::read(file, request, with_units, &mut Vec::new(), watcher)?;
        let n_bins = grid.n_bins();
        let n_channels: usize = channels.iter().flatten().map(Vec::len).sum();
        let needed_bytes = (n_channels as u64).saturating_mul(n_bins as u64).saturating_mul(8);
        if let Some(limit_bytes) = limit_bytes.filter(|limit| needed_bytes > *limit) {
            let what = format!("the values of {n_channels} channels in {n_bins} bins");
            return Err(Error::Memory { what, needed_bytes, limit_bytes });
        }
        let written = |c: Channel<Course>| -> Result<Channel> {
            c.values.check(n_bins)?;
            Ok(Channel { label: c.label, values: c.values.into_values(n_bins, 1.0) })
        };
        let of_term = |own: Channels| own.into_iter().map(written).collect::<Result<Vec<Channel>>>();
        let of_feature = |own: Vec<Channels>| own.into_iter().map(of_term).collect::<Result<Vec<_>>>();
        let channels = channels.into_iter().map(of_feature).collect::<Result<Vec<_>>>()?;
        Ok(Self { grid, features, channels })
    }
}

impl Binned {
    /// Reads and bins what a request is about; units only if they are wanted.
    pub(super) fn read(
        file: &NwbFile,
        request: Request,
        with_units: bool,
        notices: &mut Vec<String>,
        watcher: Watcher,
    ) -> Result<Self> {
        let (epochs, support) = support(file, &request, notices)?;
        let grid = BinGrid::new(&support, request.bin_s)?;
        refuse_long_bin(&grid)?;
        let units = if with_units {
            Units::read(file, &request, notices, watcher)?.counted(&grid, &request.features)
        } else {
            Units::unread(&request.units, &grid)
        };
        let mut features = request.features;
        let mut channels = Vec::with_capacity(features.len());
        for feature in &mut features {
            let mut of_terms = Vec::new();
            let names = feature.spec.term_names(&feature.name);
            for (term, name) in feature.spec.terms_mut().zip(&names) {
                of_terms.push(match term.signal {
                    Signal::Series { .. } => series_channels(file, &grid, (term, name), notices, watcher)?
                        .into_iter()
                        .map(|channel| Channel { label: channel.label, values: channel.values.into() })
                        .collect(),
                    _ => unit_channels(&units, &term.signal, name)?,
                });
            }
            channels.push(of_terms);
        }
        Ok(Self { epochs, support, grid, units, features, channels })
    }
}

/// The channels of the signal of one term.
pub(super) type Channels = Vec<Channel<Course>>;

/// The binned channels of a term of a series, which is called `label`; none for a term of spikes.
fn series_channels(
    file: &NwbFile,
    grid: &BinGrid,
    (term, label): (&mut Term, &str),
    notices: &mut Vec<String>,
    watcher: Watcher,
) -> Result<Vec<Channel>> {
    let Signal::Series { name, column, resample } = &mut term.signal else { return Ok(Vec::new()) };
    let series = file.series(name)?;
    let column = match column {
        Some(column) => Some(series.facts().column(column)?),
        None => None,
    };
    let columns: Vec<usize> = column.map_or_else(|| (0..series.n_columns()).collect(), |column| vec![column]);
    let mut channels: Vec<Channel> = columns
        .iter()
        .map(|&k| Channel {
            label: match column {
                None if series.n_columns() > 1 => format!("{label}[{}]", series.facts().column_names[k]),
                _ => label.to_owned(),
            },
            values: Vec::with_capacity(grid.n_bins()),
        })
        .collect();
    let how = match *resample {
        Some(how) => how,
        None => {
            let how = Resample::for_spacing(spacing_s(&series, grid)?, grid.bin_s());
            if how == Resample::Linear {
                notices
                    .push(format!("{label} is sampled more sparsely than the bins: interpolated linearly"));
            }
            *resample.insert(how)
        }
    };
    let mut n_rows = 0;
    for (start, end) in grid.support().iter() {
        n_rows += series.rows_between(start, end)?.len();
    }
    let row_bytes = (channels.len() * size_of::<f64>()) as u64;
    let of_bytes = n_rows as u64 * row_bytes;
    let mut n_bytes = 0;
    for (start, end) in grid.support().iter() {
        let samples: Samples = series.read_range_watched(start, end, column, &mut |n_rows| {
            n_bytes += n_rows as u64 * row_bytes;
            watcher(Step::Reading { name: label, n_bytes, of_bytes });
        })?;
        // bins restart at every epoch, so each can be filled by itself
        let own = BinGrid::new(&IntervalSet::new(&[start], &[end])?, grid.bin_s())?;
        for (channel, values) in channels.iter_mut().zip(samples.values.columns()) {
            channel.values.extend(binned_signal(&own, &samples.t, &values.to_vec(), how)?);
        }
    }
    Ok(channels)
}

/// The middle of the spacings of a series' samples in the epochs; `None` if no epoch has two samples.
fn spacing_s(series: &Series, grid: &BinGrid) -> Result<Option<f64>> {
    let mut spacings = Vec::new();
    for (start, end) in grid.support().iter() {
        spacings.extend(series.read_spacing(start, end)?);
    }
    spacings.sort_by(f64::total_cmp);
    Ok(spacings.get(spacings.len().saturating_sub(1) / 2).copied())
}

/// The channels of a term of spikes: one for each unit that some target needs, in the order of the units.
fn unit_channels(units: &Units, signal: &Signal, name: &str) -> Result<Channels> {
    if *signal == Signal::UnitsOthers && units.names.len() == 1 {
        return Err(alone(&units.names[0]));
    }
    let channel =
        |k: usize| Channel { label: format!("{name}[{}]", units.names[k]), values: units.events[k].clone() };
    Ok(match signal {
        Signal::Spikes => units.targets.iter().map(|&k| channel(k)).collect(),
        _ => (0..units.names.len()).map(channel).collect(),
    })
}

fn alone(unit: &str) -> Error {
    Error::argument(
        "feature",
        "another unit in the recording for `units-others`",
        format!("unit {unit} alone"),
        "use its own past: spikes : raised-cosine-log(8, window=200ms)",
    )
}
