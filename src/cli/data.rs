//! Data for a fit, a score or a prediction, with the bins that can be used; those of a recording are read here.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use ndarray::Array1;

use super::args::{DataArgs, NanPolicy};
use super::arrays::refuse_names_of_arrays;
use super::categorical::ClassTargets;
use super::feature;
use super::left_out::{self, LeftOut, weightless};
use super::progress::Progress;
use super::row_terms::RowTerms;
use crate::basis::Scale;
use crate::design::{DesignPlan, Source};
use crate::features::{
    Columns, Dataset, FeatureBlock, FeatureSpec, Group, Piece, Request, Step, StudyFeature,
};
use crate::glm::FittedGlm;
use crate::objective::OwnedCounts;
use crate::observation::ObservationModel;
use crate::read::nwb;
use crate::time::IntervalSet;
use crate::write::digest::digest_file;
use crate::write::model::Input;
use crate::{Error, Result};

/// Targets that see the same columns, and the bins they use.
pub(super) struct Part {
    pub(super) group: Group,
    pub(super) used: Vec<usize>,
}

/// The columns of one feature.
pub(super) struct Block {
    pub(super) name: String,
    /// One per column.
    pub(super) labels: Vec<String>,
    /// Shape (bins, columns), NaN where unknown.
    pub(super) x: Columns,
}

impl From<FeatureBlock<Columns>> for Block {
    fn from(block: FeatureBlock<Columns>) -> Self {
        Self { name: block.name, labels: block.labels, x: block.x }
    }
}

/// Responses and features, ready to fit or score.
pub(super) struct Data {
    pub(super) input: Input,
    /// Centre of every bin, seconds; empty for arrays.
    pub(super) centres_s: Vec<f64>,
    /// Start and stop of the epochs, seconds; empty for arrays.
    pub(super) epochs_s: Vec<Vec<f64>>,
    /// Spike times of each response in the epochs, seconds; empty for arrays.
    pub(super) spike_times_s: Vec<Vec<f64>>,
    /// NaN for arrays, which have no bin width.
    pub(super) bin_s: f64,
    pub(super) names: Vec<String>,
    /// Of which responses targets are the classes; empty where each is a response of its own.
    pub(super) classes: Vec<ClassTargets>,
    pub(super) y: OwnedCounts,
    /// What the response is taken for.
    pub(super) observation: ObservationModel,
    /// One block per feature.
    pub(super) blocks: Vec<Block>,
    pub(super) parts: Vec<Part>,
    /// Weights and offsets of all bins.
    pub(super) row_terms: RowTerms,
    pub(super) features: Vec<StudyFeature>,
    pub(super) labels: Vec<Vec<String>>,
    /// File and array of the response, for messages.
    pub(super) response: String,
    /// Line of the file that each row is on, from 1; empty for files that have no lines.
    pub(super) lines: Vec<usize>,
    pub(super) n_edge: usize,
    pub(super) n_dropped: usize,
    /// Bins of weight 0 that could be used otherwise.
    pub(super) n_weightless: usize,
    /// Why bins are left out.
    pub(super) left_out: Vec<LeftOut>,
    pub(super) notices: Vec<String>,
    pub(super) seconds: Reading,
}

/// Seconds of getting the data ready.
#[derive(Clone, Copy, Default)]
pub(super) struct Reading {
    /// Of reading and binning signals and spikes, and of the file's digest.
    pub(super) read: f64,
    /// Of expanding what was binned, as far as it is written out before the fit.
    pub(super) features: f64,
}

/// Where targets come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Targets {
    /// From the data, with their counts.
    Counted,
    /// From the model to predict with. Counts are NaN where no feature needs them.
    Named(Vec<String>),
}

/// The features that were typed.
pub(super) fn typed_features(texts: &[String]) -> Result<Vec<StudyFeature>> {
    let specs: Vec<FeatureSpec> = texts.iter().map(|text| feature::parse(text)).collect::<Result<_>>()?;
    let names = FeatureSpec::names(&specs);
    let join = |((text, spec), name): ((&String, FeatureSpec), String)| StudyFeature {
        text: text.clone(),
        name,
        spec,
        ranges: std::collections::BTreeMap::new(),
    };
    Ok(texts.iter().zip(specs).zip(names).map(join).collect())
}

/// Reads a recording and builds its features. Targets that are named are the units.
pub(super) fn recording(
    args: &DataArgs,
    targets: &Targets,
    bin_s: f64,
    detect_spikes: Option<&String>,
    features: Vec<StudyFeature>,
    limit_bytes: Option<u64>,
    progress: &Progress,
) -> Result<Data> {
    let started = Instant::now();
    refuse_names_of_arrays(args)?;
    let file = match limit_bytes {
        Some(limit_bytes) => nwb::open_with_limit(&args.data, limit_bytes)?,
        None => nwb::open(&args.data)?,
    };
    let request = Request {
        epochs: args.epochs.clone(),
        epoch: args.epoch,
        except: except(args)?,
        units: args.unit.clone(),
        detect_spikes: detect_spikes.cloned(),
        bin_s,
        features: features.into_iter().chain(RowTerms::signals(args)?).collect(),
        memory_limit_bytes: limit_bytes,
    };
    let mut building = None;
    let mut watcher = |step: Step| {
        if matches!(step, Step::Building { .. }) {
            building.get_or_insert_with(Instant::now);
        }
        progress.step(step);
    };
    let mut dataset = match targets {
        Targets::Counted => Dataset::read_watched(&file, request, &mut watcher)?,
        Targets::Named(names) => {
            Dataset::read_features(&file, Request { units: names.clone(), ..request }, &mut watcher)?
        }
    };
    let features_s = building.map_or(0.0, |building: Instant| building.elapsed().as_secs_f64());
    progress.stage("taking the digest of the file", None);
    let input = Input { path: args.data.clone(), sha256: digest_file(&args.data)? };
    let read_s = started.elapsed().as_secs_f64() - features_s;
    let row_terms = RowTerms::of_recording(args, &mut dataset, limit_bytes.unwrap_or(u64::MAX))?;
    let (parts, left_out, [n_edge, n_dropped, n_weightless]) = parts(args, &dataset, &row_terms)?;
    Ok(Data {
        row_terms,
        observation: ObservationModel::default(),
        input,
        centres_s: dataset.grid.centres().to_vec(),
        // those of the grid: epochs that overlap are joined
        epochs_s: dataset.grid.support().iter().map(|(start, stop)| vec![start, stop]).collect(),
        spike_times_s: dataset.spike_times_s,
        bin_s,
        names: dataset.names,
        classes: Vec::new(),
        y: dataset.y.into(),
        blocks: dataset.blocks.into_iter().map(Block::from).collect(),
        parts,
        features: dataset.features,
        labels: dataset.labels,
        response: format!("{}: spikes", args.data.display()),
        lines: Vec::new(),
        n_edge,
        n_dropped,
        n_weightless,
        left_out,
        notices: dataset.notices,
        seconds: Reading { read: read_s, features: features_s },
    })
}

/// The times that are left out.
fn except(args: &DataArgs) -> Result<IntervalSet> {
    let start: Vec<f64> = args.except_s.iter().map(|times| times[0]).collect();
    let stop: Vec<f64> = args.except_s.iter().map(|times| times[1]).collect();
    if start.is_empty() { Ok(IntervalSet::empty()) } else { IntervalSet::new(&start, &stop) }
}

/// Parts of the data; why bins are left out; how many at edges, to bad data and for their weight.
type Parted = (Vec<Part>, Vec<LeftOut>, [usize; 3]);

/// The bins that each group of targets can use, and the most that any of them loses at edges and to bad data.
fn parts(args: &DataArgs, dataset: &Dataset, row_terms: &RowTerms) -> Result<Parted> {
    let n_bins = dataset.grid.n_bins();
    let (mut n_edge, mut n_dropped, mut n_weightless, mut left_out) = (0, 0, 0, Vec::new());
    let mut parts = Vec::with_capacity(dataset.groups.len());
    for group in &dataset.groups {
        let (mut used, edge, mut dropped) = group.used_bins(&dataset.blocks, n_bins);
        let [unknown, weightless] = row_terms.strike(&mut used, args.nan, &[])?;
        let n_window = left_out::n_window_edges(&dataset.features, group, &dataset.grid).min(edge);
        let of_edges = [(left_out::WINDOW, n_window), (left_out::OUTSIDE, edge - n_window)];
        left_out::note(&mut left_out, of_edges);
        let others =
            [(left_out::FEATURE, dropped), (left_out::TERM, unknown), (left_out::WEIGHT, weightless)];
        left_out::note(&mut left_out, others);
        dropped += unknown;
        if args.nan == NanPolicy::Error && dropped > 0 {
            return Err(first_bad(&args.data, group, &dataset.blocks, n_bins));
        }
        if used.is_empty() {
            return Err(nothing_left(&args.data, dataset, group, [n_bins, edge, dropped, weightless]));
        }
        (n_edge, n_dropped) = (n_edge.max(edge), n_dropped.max(dropped));
        n_weightless = n_weightless.max(weightless);
        parts.push(Part { group: group.clone(), used });
    }
    Ok((parts, left_out, [n_edge, n_dropped, n_weightless]))
}

/// The error of the first bin that is no edge and has a value that is not finite.
fn first_bad(path: &Path, group: &Group, blocks: &[FeatureBlock<Columns>], n_bins: usize) -> Error {
    let candidates = (0..n_bins).filter(|&bin| !group.is_edge(blocks, bin));
    let mut bad = candidates.filter_map(|bin| Some((bin, group.first_bad(blocks, bin)?)));
    let (row, (column, label, value)) = bad.next().unwrap_or((0, (0, "", f64::NAN)));
    Error::NonFinite { what: format!("{}: feature {label} by bins", path.display()), row, column, value }
}

fn nothing_left(
    path: &Path,
    dataset: &Dataset,
    group: &Group,
    [n_bins, n_edge, n_dropped, n_weightless]: [usize; 4],
) -> Error {
    let what = path.display().to_string();
    // a range leaves out what lies outside of it, whatever the epochs
    let is_outside = |piece: &&Piece| {
        let block = &dataset.blocks[piece.block];
        let has_range = !dataset.features[piece.block].ranges.is_empty();
        has_range && block.edge.iter().all(|edge| *edge)
    };
    if let Some(piece) = group.pieces.iter().find(is_outside) {
        let feature = &dataset.features[piece.block];
        let ranges = feature.ranges.values().filter_map(Scale::range);
        let ranges: Vec<String> = ranges.map(|range| format!("{} to {}", range.lo(), range.hi())).collect();
        return Error::Empty {
            what,
            problem: format!(
                "in all of {n_bins} bins {} lies outside its range ({}) or at a window edge",
                feature.name,
                ranges.join(", ")
            ),
            help: format!(
                "range= is in the units of {:?} after its factor; leave it out for that of the data",
                feature.text
            ),
        };
    }
    Error::Empty {
        what,
        problem: format!(
            "of {n_bins} bins, {n_edge} lie at window edges or outside a range and {n_dropped} have data that are not \
             finite{}",
            weightless(n_weightless)
        ),
        help: "check the signals with `rheobase inspect --check`, and the window against the epochs".into(),
    }
}

impl Part {
    /// The columns that these targets see.
    pub(super) fn sources<'b>(&self, blocks: &'b [Block]) -> Result<Vec<Source<'b>>> {
        let source = |piece: &Piece| -> Result<Source<'b>> {
            let block = &blocks[piece.block];
            let x = block.x.some(&piece.columns)?;
            Ok(Source { name: block.name.clone(), labels: piece.labels.clone(), x })
        };
        self.group.pieces.iter().map(source).collect()
    }

    /// The design of the used bins.
    pub(super) fn plan<'d>(&self, data: &'d Data, limit_bytes: Option<u64>) -> Result<DesignPlan<'d>> {
        let mut plan =
            DesignPlan::new(self.sources(&data.blocks)?, self.used.clone())?.with_limit(limit_bytes);
        if let Some(weights) = &data.row_terms.weights {
            plan = plan.with_weights(Arc::clone(weights))?;
        }
        if let Some(offset) = &data.row_terms.offset {
            plan = match data.row_terms.n_offsets {
                1 => plan.with_offset(Arc::clone(offset))?,
                n => plan.with_class_offset(Arc::clone(offset), n)?,
            };
        }
        Ok(plan)
    }
}

impl Data {
    /// What a target of this name is called: a unit of a recording, or a column of an array.
    pub(super) fn title(&self, name: &str) -> String {
        if self.epochs_s.is_empty() { name.into() } else { format!("unit {name}") }
    }

    /// Bins of the grid.
    pub(super) fn n_bins(&self) -> usize {
        self.y.nrows()
    }

    /// Whether any feature came in single precision.
    pub(super) fn is_f32(&self) -> bool {
        self.blocks.iter().any(|block| block.x.is_f32())
    }

    /// The bins that a target uses, ascending.
    pub(super) fn used(&self, target: usize) -> &[usize] {
        let part = self.parts.iter().find(|part| part.group.targets.contains(&target));
        part.map_or(&[], |part| &part.used)
    }

    /// The columns that each target sees: not its own spikes among those of others, and not what a mask keeps from it.
    pub(super) fn seen(&self) -> Vec<HashSet<&String>> {
        let of_target = |target: usize| {
            let own = self.parts.iter().filter(|part| part.group.targets.contains(&target));
            own.flat_map(|part| &part.group.pieces).flat_map(|piece| &piece.labels).collect()
        };
        (0..self.names.len()).map(of_target).collect()
    }

    /// The epoch of a bin of a recording, from 0.
    pub(super) fn epoch_of(&self, bin: usize) -> usize {
        // they are in the order of time and do not overlap
        let after = self.epochs_s.partition_point(|epoch| epoch[1] < self.centres_s[bin]);
        after.min(self.epochs_s.len().saturating_sub(1))
    }

    /// The epoch of every bin, from 0; none for arrays.
    pub(super) fn epoch_of_bins(&self) -> Vec<i64> {
        (0..self.centres_s.len()).map(|bin| self.epoch_of(bin) as i64).collect()
    }

    /// The response of a target, for messages: with its column where columns have names.
    pub(super) fn response_of(&self, target: usize) -> String {
        let column = || format!("{}: column {:?}", self.response, self.names[target]);
        if self.lines.is_empty() { self.response.clone() } else { column() }
    }

    /// What people call a row: its line in the file, or its number from 0.
    pub(super) fn row(&self, row: usize) -> usize {
        self.lines.get(row).copied().unwrap_or(row)
    }

    /// Whether the response counts events: of a recording it always does.
    pub(super) fn has_events(&self) -> bool {
        !self.epochs_s.is_empty() || self.observation.has_events()
    }

    /// What a response and its expectation are called in tables.
    pub(super) fn quantities(&self) -> [&'static str; 2] {
        if self.has_events() { ["count", "expected_count"] } else { ["response", "expected"] }
    }

    /// Events of a target in its used bins; the sum of a response that counts none.
    pub(super) fn n_events(&self, target: usize) -> f64 {
        self.used(target).iter().map(|&bin| self.y.get(bin, target)).sum()
    }

    /// Counts that a fit to these data expects in every bin, one entry per target, NaN where a feature is unknown.
    ///
    /// # Errors
    /// None of columns that a part has.
    pub(super) fn expected(&self, fit: &FittedGlm) -> Result<Vec<Array1<f64>>> {
        let mut expected = vec![Array1::zeros(0); self.names.len()];
        for part in &self.parts {
            let sources = part.sources(&self.blocks)?;
            for &target in &part.group.targets {
                let offset = self.row_terms.offset.as_ref().map(|offset| offset.as_slice());
                expected[target] = fit.expected_counts(target, &sources, offset)?.into();
            }
        }
        Ok(expected)
    }
}
