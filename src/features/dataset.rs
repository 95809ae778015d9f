//! Responses and features of a recording on one grid of bins.
//!
//! Only what is asked for is read, epoch by epoch. Targets that see the same features share them as one [`Group`];
//! a feature that means something else for every target (its own spikes, the spikes of the others) gives each
//! target a group of its own.

use std::collections::BTreeMap;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::units::Units;
use super::{Channel, Expansion, FeatureBlock, FeatureSpec, Resample, Signal, binned_signal};
use crate::basis::{Expand, Range};
use crate::read::nwb::NwbFile;
use crate::recording::{Epoch, Kind, Samples};
use crate::time::{BinGrid, IntervalSet};
use crate::{Error, Result};

/// A feature and everything that was decided about it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StudyFeature {
    /// As it was asked for.
    pub text: String,
    /// Its name in results.
    pub name: String,
    /// The feature; how its series became bins is decided here.
    pub spec: FeatureSpec,
    /// Ranges of the channels of an evaluated feature, by the name of the channel.
    #[serde(default)]
    pub ranges: BTreeMap<String, Range>,
}

/// What to take from a recording.
#[derive(Clone, Debug)]
pub struct Request {
    /// Tags, tables or `table:column=value`; all of the recording if it has no interval tables.
    pub epochs: Vec<String>,
    /// Which of the matching epochs, from 0; all of them without it.
    pub epoch: Option<usize>,
    /// Unit ids, or `all`; may be left out if there is one unit.
    pub units: Vec<String>,
    /// The voltage series in which to detect spikes.
    pub detect_spikes: Option<String>,
    /// Width of a bin, seconds.
    pub bin_s: f64,
    /// The features; those with ranges are expanded on them.
    pub features: Vec<StudyFeature>,
    /// Bytes that all features together may take.
    pub memory_limit_bytes: Option<u64>,
}

/// Targets that see the same features.
#[derive(Clone, Debug)]
pub struct Group {
    /// Columns of the response.
    pub targets: Vec<usize>,
    /// One block per feature.
    pub blocks: Vec<FeatureBlock>,
}

/// Responses and features on one grid.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The bins.
    pub grid: BinGrid,
    /// The epochs that were used, in order.
    pub epochs: Vec<Epoch>,
    /// Names of the targets.
    pub names: Vec<String>,
    /// Spike counts, shape (bins, targets).
    pub y: Array2<f64>,
    /// Spike times of each target in the epochs, seconds.
    pub spike_times_s: Vec<Vec<f64>>,
    /// Features, for each group of targets.
    pub groups: Vec<Group>,
    /// The features with what was decided.
    pub features: Vec<StudyFeature>,
    /// Names of all columns of each feature, those that a target does not see included.
    pub labels: Vec<Vec<String>>,
    /// What a user should know.
    pub notices: Vec<String>,
}

impl Dataset {
    /// Reads, bins and expands.
    ///
    /// # Errors
    /// [`Error::Unknown`] for an epoch, unit or series that is not there, with those that are; [`Error::Argument`]
    /// for a bin or window longer than every epoch, or a choice that is missing; [`Error::Memory`] for features that
    /// take more than allowed; whatever reading returns.
    pub fn read(file: &NwbFile, request: Request) -> Result<Self> {
        let mut notices = Vec::new();
        let (epochs, support) = support(file, &request, &mut notices)?;
        let grid = BinGrid::new(&support, request.bin_s)?;
        refuse_long_bin(&grid)?;
        let units = Units::read(file, &request, &grid, &mut notices)?;
        let mut features = request.features;
        let mut series = Vec::with_capacity(features.len());
        for feature in &mut features {
            series.push(series_channels(file, &grid, feature, &mut notices)?);
        }
        let own =
            |feature: &StudyFeature| matches!(feature.spec.signal, Signal::Spikes | Signal::UnitsOthers);
        let columns: Vec<usize> = (0..units.targets.len()).collect();
        let shares = if features.iter().any(own) {
            columns.into_iter().map(|target| vec![target]).collect()
        } else {
            vec![columns]
        };
        if let Some(limit_bytes) = request.memory_limit_bytes {
            refuse_large(&features, &series, &units, grid.n_bins() * shares.len(), limit_bytes)?;
        }
        let mut groups = Vec::with_capacity(shares.len());
        for targets in shares {
            let blocks = blocks(&grid, &mut features, &series, &units, targets[0])?;
            groups.push(Group { targets, blocks });
        }
        let labels = all_labels(&features, &groups, &units);
        let y = Array2::from_shape_fn((grid.n_bins(), units.targets.len()), |(bin, target)| {
            units.counts[units.targets[target]][bin]
        });
        let names = units.targets.iter().map(|&unit| units.names[unit].clone()).collect();
        let inside = |&unit: &usize| -> Vec<f64> {
            let times = &units.times_s[unit];
            support.sample_ranges(times).into_iter().flat_map(|rows| times[rows].to_vec()).collect()
        };
        let spike_times_s = units.targets.iter().map(inside).collect();
        Ok(Self { grid, epochs, names, y, spike_times_s, groups, features, labels, notices })
    }
}

impl Group {
    /// Which bins can be used, the bins left out at edges, and those left out because a feature is not finite.
    pub fn used_bins(&self, n_bins: usize) -> (Vec<usize>, usize, usize) {
        let (mut used, mut n_edge, mut n_dropped) = (Vec::with_capacity(n_bins), 0, 0);
        for bin in 0..n_bins {
            if self.blocks.iter().any(|block| block.edge[bin]) {
                n_edge += 1;
            } else if self.first_bad(bin).is_some() {
                n_dropped += 1;
            } else {
                used.push(bin);
            }
        }
        (used, n_edge, n_dropped)
    }

    /// The first column of a bin that is not finite, and its value.
    pub fn first_bad(&self, bin: usize) -> Option<(usize, f64)> {
        let values = self.blocks.iter().flat_map(|block| block.x.row(bin).to_vec());
        values.enumerate().find(|(_, value)| !value.is_finite())
    }
}

/// The epochs asked for, in order, and their union.
fn support(
    file: &NwbFile,
    request: &Request,
    notices: &mut Vec<String>,
) -> Result<(Vec<Epoch>, IntervalSet)> {
    let mut epochs: Vec<Epoch> = Vec::new();
    for selector in &request.epochs {
        for epoch in file.epochs(selector)? {
            if !epochs.contains(&epoch) {
                epochs.push(epoch);
            }
        }
    }
    if request.epochs.is_empty() {
        epochs.push(whole(file, request)?);
    }
    epochs.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    if let Some(k) = request.epoch {
        if k >= epochs.len() {
            return Err(Error::argument(
                "epoch",
                format!("a number below {} (they count from 0)", epochs.len()),
                k.to_string(),
                "leave --epoch out to use all matching epochs",
            ));
        }
        epochs = vec![epochs.swap_remove(k)];
    }
    let start: Vec<f64> = epochs.iter().map(|epoch| epoch.start_s).collect();
    let stop: Vec<f64> = epochs.iter().map(|epoch| epoch.stop_s).collect();
    let (support, told) = IntervalSet::with_metadata(&start, &stop, crate::time::Metadata::default())?;
    notices.extend(told);
    Ok((epochs, support))
}

/// Refuses a bin that is longer than every epoch. A grid keeps a bin whose centre lies inside, but counts over
/// half of a bin are no rate.
fn refuse_long_bin(grid: &BinGrid) -> Result<()> {
    let longest_s = grid.support().iter().map(|(start, end)| end - start).fold(0.0, f64::max);
    // an epoch that is as long as the bin may differ from it by rounding
    if grid.n_bins() > 0 && grid.bin_s() <= longest_s * (1.0 + 1e-9) {
        return Ok(());
    }
    Err(Error::argument(
        "bin",
        format!("at most the longest epoch, which lasts {} s", (longest_s * 1e9).round() / 1e9),
        format!("{} s", grid.bin_s()),
        "make the bin shorter, or choose longer epochs",
    ))
}

/// The whole recording as one epoch, for a file without interval tables.
fn whole(file: &NwbFile, request: &Request) -> Result<Epoch> {
    let tables: Vec<&str> =
        file.recording().of_kind(Kind::Intervals).map(|entry| entry.key.as_str()).collect();
    if !tables.is_empty() {
        let tags = file.intervals("epochs").map(|table| table.tags()).unwrap_or_default();
        let present = tags.into_iter().chain(tables.into_iter().map(String::from)).collect::<Vec<_>>();
        return Err(Error::argument(
            "epochs",
            "which epochs to use",
            "nothing",
            format!("give --epochs one of: {}", present.join(", ")),
        ));
    }
    let named = request.features.iter().find_map(|feature| match &feature.spec.signal {
        Signal::Series { name, .. } => Some(name.as_str()),
        _ => None,
    });
    let span = match named.or(request.detect_spikes.as_deref()) {
        Some(name) => file.signal(name)?.series.span()?,
        None => {
            let times = file.units()?.spike_times;
            let times = times.iter().flatten();
            let (lo, hi) =
                times.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), &t| (lo.min(t), hi.max(t)));
            (lo < hi).then_some((lo, hi))
        }
    };
    let Some((start_s, stop_s)) = span else {
        return Err(Error::Empty {
            what: file.recording().path.display().to_string(),
            problem:
                "there are no interval tables, and no samples or spikes that tell when the recording was"
                    .into(),
            help: "add an epochs table to the file".into(),
        });
    };
    Ok(Epoch { table: "recording".into(), file_row: 0, start_s, stop_s })
}

/// The binned channels of a feature of a series; none for a feature of spikes.
fn series_channels(
    file: &NwbFile,
    grid: &BinGrid,
    feature: &mut StudyFeature,
    notices: &mut Vec<String>,
) -> Result<Vec<Channel>> {
    let label = feature.name.clone();
    let Signal::Series { name, column, resample } = &mut feature.spec.signal else { return Ok(Vec::new()) };
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
                _ => label.clone(),
            },
            values: Vec::with_capacity(grid.n_bins()),
        })
        .collect();
    for (start, end) in grid.support().iter() {
        let samples: Samples = series.read_range(start, end, column)?;
        let how = *resample.get_or_insert_with(|| {
            let how = Resample::automatic(&samples.t, grid.bin_s());
            if how == Resample::Linear {
                notices
                    .push(format!("{label} is sampled more sparsely than the bins: interpolated linearly"));
            }
            how
        });
        // bins restart at every epoch, so each can be filled by itself
        let own = BinGrid::new(&IntervalSet::new(&[start], &[end])?, grid.bin_s())?;
        for (channel, values) in channels.iter_mut().zip(samples.values.columns()) {
            channel.values.extend(binned_signal(&own, &samples.t, &values.to_vec(), how)?);
        }
    }
    Ok(channels)
}

/// The blocks of all features for one target.
fn blocks(
    grid: &BinGrid,
    features: &mut [StudyFeature],
    series: &[Vec<Channel>],
    units: &Units,
    target: usize,
) -> Result<Vec<FeatureBlock>> {
    let own = units.targets[target];
    let unit = |k: usize, feature: &str| Channel {
        label: unit_label(feature, &units.names[k]),
        values: units.counts[k].clone(),
    };
    let mut blocks = Vec::with_capacity(features.len());
    for (feature, series) in features.iter_mut().zip(series) {
        let name = &feature.name;
        let channels: Vec<Channel> = match feature.spec.signal {
            Signal::Series { .. } => series.clone(),
            Signal::Spikes => vec![Channel { label: name.clone(), values: units.counts[own].clone() }],
            Signal::Units => (0..units.names.len()).map(|k| unit(k, name)).collect(),
            Signal::UnitsOthers if units.names.len() == 1 => return Err(alone(&units.names[own])),
            Signal::UnitsOthers => {
                (0..units.names.len()).filter(|&k| k != own).map(|k| unit(k, name)).collect()
            }
        };
        let labels: Vec<String> = channels.iter().map(|channel| channel.label.clone()).collect();
        let remembered: Option<Vec<Range>> =
            labels.iter().map(|label| feature.ranges.get(label).copied()).collect();
        let (block, ranges) = feature.spec.build(grid, &feature.name, channels, remembered.as_deref())?;
        feature.ranges.extend(labels.into_iter().zip(ranges));
        blocks.push(block);
    }
    Ok(blocks)
}

/// Refuses features that would take more than allowed, before any of them is made.
fn refuse_large(
    features: &[StudyFeature],
    series: &[Vec<Channel>],
    units: &Units,
    n_rows: usize,
    limit_bytes: u64,
) -> Result<()> {
    let n_columns = |(feature, series): (&StudyFeature, &Vec<Channel>)| {
        let n_channels = match feature.spec.signal {
            Signal::Series { .. } => series.len(),
            Signal::Spikes => 1,
            Signal::Units | Signal::UnitsOthers => units.names.len(),
        };
        let n_functions = match &feature.spec.expansion {
            Expansion::Plain => 1,
            Expansion::Evaluated { basis, .. } | Expansion::Convolved { basis, .. } => basis.n_functions(),
        };
        n_channels.saturating_mul(n_functions)
    };
    let n_columns = features.iter().zip(series).map(n_columns).fold(0, usize::saturating_add);
    let needed_bytes = (n_rows as u64).saturating_mul(n_columns as u64).saturating_mul(8);
    if needed_bytes <= limit_bytes {
        return Ok(());
    }
    Err(Error::Memory { what: format!("the table of {n_columns} features"), needed_bytes, limit_bytes })
}

fn alone(unit: &str) -> Error {
    Error::argument(
        "feature",
        "another unit in the recording for `units-others`",
        format!("unit {unit} alone"),
        "use its own past: spikes : raised-cosine-log(8, window=200ms)",
    )
}

fn unit_label(feature: &str, unit: &str) -> String {
    format!("{feature}[{unit}]")
}

/// Names of the columns of every feature over all groups, in the order of the units.
fn all_labels(features: &[StudyFeature], groups: &[Group], units: &Units) -> Vec<Vec<String>> {
    let of_feature = |(k, feature): (usize, &StudyFeature)| {
        let seen = &groups[0].blocks[k].labels;
        if feature.spec.signal != Signal::UnitsOthers {
            return seen.clone();
        }
        let mut labels = Vec::new();
        for unit in &units.names {
            let channel = unit_label(&feature.name, unit);
            let belongs = |label: &&String| {
                label.strip_prefix(&channel).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            let mut own = groups.iter().map(|group| group.blocks[k].labels.iter().filter(belongs));
            if let Some(found) =
                own.find_map(|own| Some(own.cloned().collect::<Vec<_>>()).filter(|own| !own.is_empty()))
            {
                labels.extend(found);
            }
        }
        labels
    };
    features.iter().enumerate().map(of_feature).collect()
}
