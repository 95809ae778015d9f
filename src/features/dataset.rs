//! Responses and features of a recording on one grid of bins.
//!
//! Only what is asked for is read, epoch by epoch, and every feature is built once. Targets that see the same columns
//! are one [`Group`]; a feature that means something else for every target (its own spikes, the spikes of the others)
//! gives each target a group of its own, which is a choice of columns and not a copy.

use std::collections::BTreeMap;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::binned::{Binned, Channels};
use super::group::{Group, all_labels, groups};
use super::spec::is_large;
use super::{Built, Columns, Expansion, FeatureBlock, FeatureSpec, Step, Term, Watcher, Window};
use crate::basis::Scale;
use crate::read::nwb::NwbFile;
use crate::recording::Epoch;
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
    /// Ranges of the channels of evaluated terms, and how their functions are mixed, by the name of the channel.
    #[serde(default)]
    pub ranges: BTreeMap<String, Scale>,
}

/// What to take from a recording.
#[derive(Clone, Debug)]
pub struct Request {
    /// Tags, tables or `table:column=value`; all of the recording if it has no interval tables.
    pub epochs: Vec<String>,
    /// Which of the matching epochs, from 0; all of them without it.
    pub epoch: Option<usize>,
    /// Times that are left out of the epochs, those that a model was fitted to; empty to keep everything.
    pub except: IntervalSet,
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
    pub blocks: Vec<FeatureBlock<Columns>>,
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
        Self::read_for(file, request, true, &mut |_| {})
    }

    /// As [`Dataset::read`], with someone who is told about every step.
    ///
    /// # Errors
    /// As [`Dataset::read`].
    pub fn read_watched(file: &NwbFile, request: Request, watcher: Watcher) -> Result<Self> {
        Self::read_for(file, request, true, watcher)
    }

    /// The same for a prediction: units are read only if a feature is made of their spikes. Without such a feature
    /// `units` of the request are the names of the targets, whatever the file holds, and their counts are NaN.
    ///
    /// # Errors
    /// Those of [`Dataset::read`].
    pub fn read_features(file: &NwbFile, request: Request, watcher: Watcher) -> Result<Self> {
        let with_units = request.features.iter().any(|feature| feature.spec.units().is_some());
        Self::read_for(file, request, with_units, watcher)
    }

    fn read_for(file: &NwbFile, request: Request, with_units: bool, watcher: Watcher) -> Result<Self> {
        let (limit_bytes, mut notices) = (request.memory_limit_bytes, Vec::new());
        let Binned { epochs, support, grid, units, mut features, channels } =
            Binned::read(file, request, with_units, &mut notices, watcher)?;
        refuse_memory(&features, &channels, &grid, limit_bytes)?;
        let mut blocks = Vec::with_capacity(features.len());
        let of_features = features.len();
        for (n_features, (feature, channels)) in features.iter_mut().zip(channels).enumerate() {
            watcher(Step::Building { name: &feature.name, n_features, of_features });
            blocks.push(build(&grid, feature, channels, &mut notices)?);
        }
        let groups = groups(&features, &blocks, &units);
        let labels = all_labels(&features, &blocks, &groups);
        let y = Array2::from_shape_fn((grid.n_bins(), units.targets.len()), |(bin, target)| {
            units.counts[units.targets[target]][bin]
        });
        let (names, spike_times_s) = (units.target_names(), units.times_inside(&support));
        Ok(Self { grid, epochs, names, y, spike_times_s, blocks, groups, features, labels, notices })
    }
}

/// Refuses features that would not fit, twice: as they are, and as the design of a fit.
fn refuse_memory(
    features: &[StudyFeature],
    channels: &[Vec<Channels>],
    grid: &BinGrid,
    limit_bytes: Option<u64>,
) -> Result<()> {
    let n_bins = grid.n_bins();
    // channels, and functions of each
    let mut sizes = Vec::with_capacity(features.len());
    for (feature, channels) in features.iter().zip(channels) {
        sizes.push((channels.first().map_or(0, Vec::len), feature.spec.n_functions(grid.bin_s())?));
    }
    let n_columns_of = |&(n_channels, n_functions): &(usize, usize)| n_channels.saturating_mul(n_functions);
    let columns = sizes.iter().map(n_columns_of).fold(0, usize::saturating_add);
    // what is computed when it is needed asks for its memory later, but a fit has a number for each pair of columns
    let n_values_of = |(feature, own): (&StudyFeature, &(usize, usize))| {
        let is_plain = feature.spec.single().is_some_and(|term| term.expansion == Expansion::Plain);
        let is_large = !is_plain && is_large(n_bins, own.0, own.1);
        let of_terms = if is_large { kept_of_product(&feature.spec, own.0, grid.bin_s()) } else { 0 };
        let of_columns = n_columns_of(own).saturating_mul(if is_large { columns } else { n_bins });
        let of_kernels = kernel_values(&feature.spec, grid.bin_s());
        of_columns.saturating_add(of_terms.saturating_mul(n_bins)).saturating_add(of_kernels)
    };
    let values = features.iter().zip(&sizes).map(n_values_of).fold(0, usize::saturating_add);
    let needed_bytes = (values as u64).saturating_mul(2 * 8);
    match limit_bytes {
        Some(limit_bytes) if needed_bytes > limit_bytes => {
            let what = format!("{columns} columns of features in {n_bins} bins");
            Err(Error::Memory { what, needed_bytes, limit_bytes })
        }
        _ => Ok(()),
    }
}

/// Values of the kernels of the convolved terms of a feature: lags times functions.
fn kernel_values(spec: &FeatureSpec, bin_s: f64) -> usize {
    let of_term = |term: &Term| {
        let Expansion::Convolved { window_s, .. } = term.expansion else { return Some(0) };
        let window_bins = Window::from_duration(window_s, bin_s).ok()?.n_bins();
        Some(window_bins.saturating_mul(term.n_functions(bin_s).ok()?))
    };
    spec.terms().filter_map(of_term).fold(0, usize::saturating_add)
}

/// Columns of the convolved terms of a product, which are written out whatever becomes of the product.
fn kept_of_product(spec: &FeatureSpec, n_channels: usize, bin_s: f64) -> usize {
    let is_convolved = |term: &&Term| matches!(term.expansion, Expansion::Convolved { .. });
    let terms = spec.terms().filter(|term| spec.single().is_none() && is_convolved(term));
    terms.filter_map(|term| term.n_functions(bin_s).ok()).map(|n| n.saturating_mul(n_channels)).sum()
}

/// The block of one feature. A feature that remembers ranges is expanded on them, and must know every channel.
fn build(
    grid: &BinGrid,
    feature: &mut StudyFeature,
    channels: Vec<Channels>,
    notices: &mut Vec<String>,
) -> Result<FeatureBlock<Columns>> {
    let labels_of = |own: &Channels| -> Vec<String> { own.iter().map(|c| c.label.clone()).collect() };
    let labels: Vec<Vec<String>> = channels.iter().map(labels_of).collect();
    let mut remembered = Vec::with_capacity(labels.len());
    for (term, labels) in feature.spec.terms().zip(&labels) {
        remembered.push(remembered_of(feature, term, labels)?);
    }
    let Built { block, scales, n_outside } =
        feature.spec.build(grid, &feature.name, channels, &remembered)?;
    if n_outside > 0 {
        notices.push(outside(feature, &scales, n_outside, grid.n_bins()));
    }
    for (labels, scales) in labels.into_iter().zip(scales) {
        let bounded = labels.into_iter().zip(scales).filter(|(_, scale)| *scale != Scale::unbounded());
        feature.ranges.extend(bounded);
    }
    Ok(block)
}

/// What was remembered of the channels of a term; `None` on the first data.
fn remembered_of(feature: &StudyFeature, term: &Term, labels: &[String]) -> Result<Option<Vec<Scale>>> {
    if feature.ranges.is_empty() || !term.remembers() {
        return Ok(None);
    }
    let scale = |label: &String| match feature.ranges.get(label) {
        Some(scale) => Ok(scale.clone()),
        None => Err(Error::Unknown {
            kind: "channel",
            name: label.clone(),
            place: format!("the ranges that the model remembers of {}", feature.name),
            present: feature.ranges.keys().cloned().collect(),
        }),
    };
    labels.iter().map(scale).collect::<Result<Vec<Scale>>>().map(Some)
}

/// What a user should know of bins that lie outside a range.
fn outside(feature: &StudyFeature, scales: &[Vec<Scale>], n_outside: usize, n_bins: usize) -> String {
    let ranges = scales.iter().flatten().filter_map(Scale::range);
    let ranges: Vec<String> = ranges.map(|range| format!("{} to {}", range.lo(), range.hi())).collect();
    let (name, ranges) = (&feature.name, ranges.join(", "));
    let is_filled = |term: &Term| matches!(term.expansion, Expansion::Evaluated { fill: Some(_), .. });
    if feature.spec.terms().any(is_filled) {
        return format!(
            "in {n_outside} of {n_bins} bins {name} lies outside its range ({ranges}); where fill= is given they are \
             filled, elsewhere they count as edge bins"
        );
    }
    format!(
        "{n_outside} of {n_bins} bins are left out because {name} lies outside its range ({ranges}); they count as \
         edge bins"
    )
}
