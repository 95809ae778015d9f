//! Responses and features of a recording on one grid of bins.
//!
//! Only what is asked for is read, epoch by epoch, and every feature is built once. Targets that see the same columns
//! are one [`Group`]; a feature that means something else for every target (its own spikes, the spikes of the others)
//! gives each target a group of its own, which is a choice of columns and not a copy.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::units::Units;
use super::{Channel, Expansion, FeatureBlock, FeatureSpec, Resample, Signal, binned_signal};
use crate::basis::{self, Expand};
use crate::read::nwb::{NwbFile, Series};
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
    pub ranges: BTreeMap<String, basis::Range>,
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
    /// Bytes that features and design may take.
    pub memory_limit_bytes: Option<u64>,
}

/// Targets that see the same columns.
#[derive(Clone, Debug)]
pub struct Group {
    /// Columns of the response.
    pub targets: Vec<usize>,
    /// The columns, in their order.
    pub pieces: Vec<Piece>,
}

/// A run of columns of one feature's block.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The block.
    pub block: usize,
    /// Its columns.
    pub columns: Range<usize>,
    /// What they are called for these targets.
    pub labels: Vec<String>,
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
    /// One block per feature, with the columns of all targets.
    pub blocks: Vec<FeatureBlock>,
    /// Which columns which targets see.
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
    /// for a bin or window longer than every epoch, or a choice that is missing; whatever reading returns.
    pub fn read(file: &NwbFile, request: Request) -> Result<Self> {
        let mut notices = Vec::new();
        let (epochs, support) = support(file, &request, &mut notices)?;
        let grid = BinGrid::new(&support, request.bin_s)?;
        refuse_long_bin(&grid)?;
        let units = Units::read(file, &request, &grid, &mut notices)?;
        let mut features = request.features;
        let mut channels = Vec::with_capacity(features.len());
        for feature in &mut features {
            channels.push(match feature.spec.signal {
                Signal::Series { .. } => series_channels(file, &grid, feature, &mut notices)?,
                _ => unit_channels(&units, feature)?,
            });
        }
        refuse_memory(&features, &channels, grid.n_bins(), request.memory_limit_bytes)?;
        let mut blocks = Vec::with_capacity(features.len());
        for (feature, channels) in features.iter_mut().zip(channels) {
            blocks.push(build(&grid, feature, channels, &mut notices)?);
        }
        let groups = groups(&features, &blocks, &units);
        let labels = all_labels(&features, &blocks, &groups);
        let y = Array2::from_shape_fn((grid.n_bins(), units.targets.len()), |(bin, target)| {
            units.counts[units.targets[target]][bin]
        });
        let names = units.targets.iter().map(|&unit| units.names[unit].clone()).collect();
        let inside = |&unit: &usize| -> Vec<f64> {
            let times = &units.times_s[unit];
            support.sample_ranges(times).into_iter().flat_map(|rows| times[rows].to_vec()).collect()
        };
        let spike_times_s = units.targets.iter().map(inside).collect();
        Ok(Self { grid, epochs, names, y, spike_times_s, blocks, groups, features, labels, notices })
    }
}

impl Group {
    /// Which bins can be used, the bins left out at edges, and those left out because a feature is not finite.
    pub fn used_bins(&self, blocks: &[FeatureBlock], n_bins: usize) -> (Vec<usize>, usize, usize) {
        let (mut used, mut n_edge, mut n_dropped) = (Vec::with_capacity(n_bins), 0, 0);
        for bin in 0..n_bins {
            if self.is_edge(blocks, bin) {
                n_edge += 1;
            } else if self.first_bad(blocks, bin).is_some() {
                n_dropped += 1;
            } else {
                used.push(bin);
            }
        }
        (used, n_edge, n_dropped)
    }

    /// Whether a bin is left out by design.
    pub fn is_edge(&self, blocks: &[FeatureBlock], bin: usize) -> bool {
        self.pieces.iter().any(|piece| blocks[piece.block].edge[bin])
    }

    /// The first column of a bin that is not finite: its number, name and value.
    pub fn first_bad(&self, blocks: &[FeatureBlock], bin: usize) -> Option<(usize, &str, f64)> {
        let mut first = 0;
        for piece in &self.pieces {
            let row = blocks[piece.block].x.row(bin);
            let bad = (0..piece.labels.len()).find(|k| !row[piece.columns.start + k].is_finite());
            if let Some(k) = bad {
                return Some((first + k, &piece.labels[k], row[piece.columns.start + k]));
            }
            first += piece.labels.len();
        }
        None
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
    for (start, end) in grid.support().iter() {
        let samples: Samples = series.read_range(start, end, column)?;
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

/// The channels of a feature of spikes: one for each unit that some target needs, in the order of the units.
fn unit_channels(units: &Units, feature: &StudyFeature) -> Result<Vec<Channel>> {
    let signal = &feature.spec.signal;
    if *signal == Signal::UnitsOthers && units.names.len() == 1 {
        return Err(alone(&units.names[0]));
    }
    let channel = |k: usize| Channel {
        label: format!("{}[{}]", feature.name, units.names[k]),
        values: units.counts[k].clone(),
    };
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

/// Functions of a feature per channel.
fn n_functions(feature: &StudyFeature) -> usize {
    match &feature.spec.expansion {
        Expansion::Plain => 1,
        Expansion::Evaluated { basis, .. } | Expansion::Convolved { basis, .. } => basis.n_functions(),
    }
}

/// Refuses features that would not fit, twice: as they are, and as the design of a fit.
fn refuse_memory(
    features: &[StudyFeature],
    channels: &[Vec<Channel>],
    n_bins: usize,
    limit_bytes: Option<u64>,
) -> Result<()> {
    let of_feature = |(feature, channels): (&StudyFeature, &Vec<Channel>)| {
        channels.len().saturating_mul(n_functions(feature))
    };
    let columns = features.iter().zip(channels).map(of_feature).fold(0, usize::saturating_add);
    let needed_bytes = (columns as u64).saturating_mul(n_bins as u64).saturating_mul(2 * 8);
    match limit_bytes {
        Some(limit_bytes) if needed_bytes > limit_bytes => {
            let what = format!("{columns} columns of features in {n_bins} bins");
            Err(Error::Memory { what, needed_bytes, limit_bytes })
        }
        _ => Ok(()),
    }
}

/// The block of one feature. A feature that remembers ranges is expanded on them, and must know every channel.
fn build(
    grid: &BinGrid,
    feature: &mut StudyFeature,
    channels: Vec<Channel>,
    notices: &mut Vec<String>,
) -> Result<FeatureBlock> {
    let labels: Vec<String> = channels.iter().map(|channel| channel.label.clone()).collect();
    let mut remembered = Vec::new();
    for label in labels.iter().filter(|_| !feature.ranges.is_empty()) {
        let Some(range) = feature.ranges.get(label) else {
            return Err(Error::Unknown {
                kind: "channel",
                name: label.clone(),
                place: format!("the ranges that the model remembers of {}", feature.name),
                present: feature.ranges.keys().cloned().collect(),
            });
        };
        remembered.push(*range);
    }
    let ranges = if remembered.is_empty() { None } else { Some(remembered.as_slice()) };
    let (block, ranges) = feature.spec.build(grid, &feature.name, channels, ranges)?;
    if matches!(feature.spec.expansion, Expansion::Evaluated { .. }) && block.n_edge() > 0 {
        notices.push(format!(
            "{} of {} bins are left out because {} lies outside the range of the fit ({}); they count as edge bins",
            block.n_edge(),
            grid.n_bins(),
            feature.name,
            ranges.iter().map(|range| format!("{} to {}", range.lo(), range.hi())).collect::<Vec<_>>().join(", ")
        ));
    }
    feature.ranges.extend(labels.into_iter().zip(ranges));
    Ok(block)
}

/// Which columns which targets see.
fn groups(features: &[StudyFeature], blocks: &[FeatureBlock], units: &Units) -> Vec<Group> {
    let own = |feature: &StudyFeature| matches!(feature.spec.signal, Signal::Spikes | Signal::UnitsOthers);
    let columns: Vec<usize> = (0..units.targets.len()).collect();
    let shares: Vec<Vec<usize>> = if features.iter().any(own) {
        columns.into_iter().map(|target| vec![target]).collect()
    } else {
        vec![columns]
    };
    let group = |targets: Vec<usize>| {
        let first = targets[0];
        let pieces = (features.iter().zip(blocks).enumerate())
            .flat_map(|(k, (feature, block))| pieces(k, feature, block, units, first))
            .collect();
        Group { targets, pieces }
    };
    shares.into_iter().map(group).collect()
}

/// The columns of one feature that one target sees.
fn pieces(
    k: usize,
    feature: &StudyFeature,
    block: &FeatureBlock,
    units: &Units,
    target: usize,
) -> Vec<Piece> {
    let n_columns = block.labels.len();
    let n = n_functions(feature);
    let piece =
        |columns: Range<usize>| Piece { block: k, labels: block.labels[columns.clone()].to_vec(), columns };
    match feature.spec.signal {
        Signal::Spikes => {
            let mut own = piece(target * n..(target + 1) * n);
            // every target calls its own spikes by the same name
            let unit = format!("[{}]", units.names[units.targets[target]]);
            own.labels.iter_mut().for_each(|label| *label = label.replacen(&unit, "", 1));
            vec![own]
        }
        Signal::UnitsOthers => {
            let own = units.targets[target];
            let around = [0..own * n, (own + 1) * n..n_columns];
            around.into_iter().filter(|columns| !columns.is_empty()).map(piece).collect()
        }
        _ => vec![piece(0..n_columns)],
    }
}

/// Names of the columns of every feature that some target sees, in their order.
fn all_labels(features: &[StudyFeature], blocks: &[FeatureBlock], groups: &[Group]) -> Vec<Vec<String>> {
    let of_feature = |(k, (feature, block)): (usize, (&StudyFeature, &FeatureBlock))| -> Vec<String> {
        let mut seen = groups.iter().map(|group| group.pieces.iter().filter(move |piece| piece.block == k));
        if feature.spec.signal == Signal::Spikes {
            return seen.next().map_or(Vec::new(), |pieces| pieces.flat_map(|p| p.labels.clone()).collect());
        }
        let seen: BTreeSet<&String> = seen.flatten().flat_map(|piece| &piece.labels).collect();
        block.labels.iter().filter(|label| seen.contains(label)).cloned().collect()
    };
    features.iter().zip(blocks).enumerate().map(of_feature).collect()
}
