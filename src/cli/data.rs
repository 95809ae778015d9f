//! Data for a fit or a score: a recording or arrays, with the bins that can be used.

use std::path::Path;
use std::time::Instant;

use ndarray::{Array1, Array2, Axis, Slice};

use super::args::{DataArgs, NanPolicy};
use super::feature;
use super::progress::Progress;
use crate::design::{DesignPlan, Source};
use crate::features::{Dataset, FeatureBlock, FeatureSpec, Group, Piece, Request, StudyFeature};
use crate::glm::FittedGlm;
use crate::read::{npz, nwb};
use crate::time::IntervalSet;
use crate::write::digest::digest_file;
use crate::write::model::Input;
use crate::{Error, Result};

/// Targets that see the same columns, and the bins they use.
pub(super) struct Part {
    pub(super) group: Group,
    pub(super) used: Vec<usize>,
}

/// Responses and features, ready to fit or score.
pub(super) struct Data {
    pub(super) input: Input,
    /// Centre of every bin, seconds; empty for arrays.
    pub(super) centres_s: Vec<f64>,
    /// Start and stop of the epochs, seconds; empty for arrays.
    pub(super) epochs_s: Vec<Vec<f64>>,
    /// Spike times of each target in the epochs, seconds; empty for arrays.
    pub(super) spike_times_s: Vec<Vec<f64>>,
    /// NaN for arrays, which have no bin width.
    pub(super) bin_s: f64,
    pub(super) names: Vec<String>,
    pub(super) y: Array2<f64>,
    /// One block per feature.
    pub(super) blocks: Vec<FeatureBlock>,
    pub(super) parts: Vec<Part>,
    pub(super) features: Vec<StudyFeature>,
    pub(super) labels: Vec<Vec<String>>,
    /// File and array of the response, for messages.
    pub(super) response: String,
    pub(super) n_edge: usize,
    pub(super) n_dropped: usize,
    pub(super) was_f32: bool,
    pub(super) notices: Vec<String>,
    pub(super) seconds: Reading,
}

/// Seconds of getting the data ready.
#[derive(Clone, Copy, Default)]
pub(super) struct Reading {
    pub(super) read: f64,
    pub(super) features: f64,
}

/// Whether a file holds arrays, by its ending.
pub(super) fn is_arrays(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "npz" || ending == "npy")
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

/// Reads a recording and builds its features.
pub(super) fn recording(
    args: &DataArgs,
    bin_s: f64,
    detect_spikes: Option<&String>,
    features: Vec<StudyFeature>,
    limit_bytes: Option<u64>,
    progress: &Progress,
) -> Result<Data> {
    let started = Instant::now();
    for (name, value) in [("x", &args.x), ("y", &args.y)] {
        if let Some(value) = value {
            let help = "leave it out: the counts come from --unit, the features from --feature";
            return Err(Error::argument(
                format!("--{name}"),
                "arrays",
                format!("{value:?} for an NWB file"),
                help,
            ));
        }
    }
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
        features,
        memory_limit_bytes: limit_bytes,
    };
    let dataset = Dataset::read_watched(&file, request, &mut |step| progress.step(step))?;
    let features_s = started.elapsed().as_secs_f64();
    progress.stage("taking the digest of the file", None);
    let input = Input { path: args.data.clone(), sha256: digest_file(&args.data)? };
    let read_s = started.elapsed().as_secs_f64() - features_s;
    let n_bins = dataset.grid.n_bins();
    let (mut n_edge, mut n_dropped) = (0, 0);
    let mut parts = Vec::new();
    for group in dataset.groups {
        let (used, edge, dropped) = group.used_bins(&dataset.blocks, n_bins);
        if args.nan == NanPolicy::Error && dropped > 0 {
            return Err(first_bad(&args.data, &group, &dataset.blocks, n_bins));
        }
        if used.is_empty() {
            return Err(nothing_left(&args.data, n_bins, edge, dropped));
        }
        (n_edge, n_dropped) = (n_edge.max(edge), n_dropped.max(dropped));
        parts.push(Part { group, used });
    }
    Ok(Data {
        input,
        centres_s: dataset.grid.centres().to_vec(),
        // those of the grid: epochs that overlap are joined
        epochs_s: dataset.grid.support().iter().map(|(start, stop)| vec![start, stop]).collect(),
        spike_times_s: dataset.spike_times_s,
        bin_s,
        names: dataset.names,
        y: dataset.y,
        blocks: dataset.blocks,
        parts,
        features: dataset.features,
        labels: dataset.labels,
        response: format!("{}: spikes", args.data.display()),
        n_edge,
        n_dropped,
        was_f32: false,
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

/// The error of the first bin that is no edge and has a value that is not finite.
fn first_bad(path: &Path, group: &Group, blocks: &[FeatureBlock], n_bins: usize) -> Error {
    let candidates = (0..n_bins).filter(|&bin| !group.is_edge(blocks, bin));
    let mut bad = candidates.filter_map(|bin| Some((bin, group.first_bad(blocks, bin)?)));
    let (row, (column, label, value)) = bad.next().unwrap_or((0, (0, "", f64::NAN)));
    Error::NonFinite { what: format!("{}: feature {label} by bins", path.display()), row, column, value }
}

fn nothing_left(path: &Path, n_bins: usize, n_edge: usize, n_dropped: usize) -> Error {
    Error::Empty {
        what: path.display().to_string(),
        problem: format!(
            "of {n_bins} bins, {n_edge} lie at window edges or outside a range and {n_dropped} have data that are not \
             finite"
        ),
        help: "check the signals with `rheobase inspect --check`, and the window against the epochs".into(),
    }
}

/// Reads arrays: an npz file, or an npy file of features with another of counts.
pub(super) fn arrays(args: &DataArgs, limit_bytes: Option<u64>) -> Result<Data> {
    let started = Instant::now();
    let limit = limit_bytes.unwrap_or(u64::MAX);
    for (option, given) in [
        ("--epochs", !args.epochs.is_empty()),
        ("--epoch", args.epoch.is_some()),
        ("--unit", !args.unit.is_empty()),
        ("--detect-spikes", args.detect_spikes.is_some()),
    ] {
        if given {
            let found = args.data.display().to_string();
            return Err(Error::argument(option, "an NWB file", found, "leave it out for arrays"));
        }
    }
    let (x, y) = if is_npz(&args.data) {
        let name = |given: &Option<String>, default: &str| given.clone().unwrap_or_else(|| default.into());
        (
            npz::read_npz(&args.data, &name(&args.x, "X"), limit)?,
            npz::read_npz(&args.data, &name(&args.y, "y"), limit)?,
        )
    } else {
        if let Some(x) = &args.x {
            let help = "leave it out: an npy file holds one array";
            return Err(Error::argument("--x", "an npz file", format!("{x:?} for an npy file"), help));
        }
        let Some(y) = &args.y else {
            let help = "give the counts: --y y.npy";
            return Err(Error::argument("--y", "the npy file that holds the counts", "nothing", help));
        };
        (npz::read_npy(&args.data, limit)?, npz::read_npy(Path::new(y), limit)?)
    };
    let n_bins = x.values.nrows();
    if y.values.nrows() != n_bins {
        let what = format!("{}: rows, as the features have", response_name(args));
        return Err(Error::Length { what, expected: n_bins, found: y.values.nrows() });
    }
    if y.values.ncols() == 0 {
        let problem = "there is no column, so there is nothing to fit".into();
        let help = "give one column of counts per target".into();
        return Err(Error::Empty { what: response_name(args), problem, help });
    }
    let bad = |row: usize| {
        let find = |values: &Array2<f64>| values.row(row).iter().position(|value| !value.is_finite());
        find(&x.values)
            .map(|column| (feature_name(args), column, x.values[(row, column)]))
            .or_else(|| find(&y.values).map(|column| (response_name(args), column, y.values[(row, column)])))
    };
    let mut used = Vec::with_capacity(n_bins);
    for row in 0..n_bins {
        match bad(row) {
            None => used.push(row),
            Some(_) if args.nan == NanPolicy::Drop => {}
            Some((what, column, value)) => {
                return Err(Error::NonFinite { what, row, column, value });
            }
        }
    }
    let n_dropped = n_bins - used.len();
    if used.is_empty() {
        let problem = format!("of {n_bins} rows, {n_dropped} have data that are not finite, so none is left");
        let help = "check how the arrays were made".into();
        return Err(Error::Empty { what: args.data.display().to_string(), problem, help });
    }
    let name = args.x.clone().unwrap_or_else(|| "X".into());
    let labels: Vec<String> = (0..x.values.ncols()).map(|column| format!("{name}[{column}]")).collect();
    let names = match y.values.ncols() {
        1 => vec!["y".to_string()],
        n => (0..n).map(|column| format!("y[{column}]")).collect(),
    };
    let targets = (0..names.len()).collect();
    let block = FeatureBlock { name, labels: labels.clone(), x: x.values, edge: vec![false; n_bins] };
    let piece = Piece { block: 0, columns: 0..labels.len(), labels: labels.clone() };
    let features_s = started.elapsed().as_secs_f64();
    Ok(Data {
        input: Input { path: args.data.clone(), sha256: digest_file(&args.data)? },
        centres_s: Vec::new(),
        epochs_s: Vec::new(),
        spike_times_s: Vec::new(),
        bin_s: f64::NAN,
        names,
        y: y.values,
        blocks: vec![block],
        parts: vec![Part { group: Group { targets, pieces: vec![piece] }, used }],
        features: Vec::new(),
        labels: vec![labels],
        response: response_name(args),
        n_edge: 0,
        n_dropped,
        was_f32: x.was_f32,
        notices: Vec::new(),
        seconds: Reading { read: features_s, features: 0.0 },
    })
}

fn is_npz(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "npz")
}

/// File and array of the features.
fn feature_name(args: &DataArgs) -> String {
    let file = args.data.display();
    if is_npz(&args.data) {
        format!("{file}: {}", args.x.as_deref().unwrap_or("X"))
    } else {
        file.to_string()
    }
}

/// File and array of the counts.
fn response_name(args: &DataArgs) -> String {
    let y = args.y.as_deref().unwrap_or("y");
    if is_npz(&args.data) { format!("{}: {y}", args.data.display()) } else { y.into() }
}

impl Part {
    /// The columns that these targets see.
    pub(super) fn sources<'b>(&self, blocks: &'b [FeatureBlock]) -> Vec<Source<'b>> {
        let source = |piece: &Piece| {
            let block = &blocks[piece.block];
            let columns = Slice::from(piece.columns.clone());
            let x = block.x.slice_axis(Axis(1), columns);
            Source { name: block.name.clone(), labels: piece.labels.clone(), x }
        };
        self.group.pieces.iter().map(source).collect()
    }

    /// The design of the used bins.
    pub(super) fn plan<'b>(&self, blocks: &'b [FeatureBlock]) -> Result<DesignPlan<'b>> {
        DesignPlan::new(self.sources(blocks), self.used.clone())
    }
}

impl Data {
    /// Bins of the grid.
    pub(super) fn n_bins(&self) -> usize {
        self.y.nrows()
    }

    /// The bins that a target uses, ascending.
    pub(super) fn used(&self, target: usize) -> &[usize] {
        let part = self.parts.iter().find(|part| part.group.targets.contains(&target));
        part.map_or(&[], |part| &part.used)
    }

    /// Events of a target in its used bins.
    pub(super) fn n_events(&self, target: usize) -> f64 {
        self.used(target).iter().map(|&bin| self.y[(bin, target)]).sum()
    }

    /// Counts that a fit to these data expects in every bin, one entry per target, NaN where a feature is unknown.
    pub(super) fn expected(&self, fit: &FittedGlm) -> Vec<Array1<f64>> {
        let mut expected = vec![Array1::zeros(0); self.names.len()];
        for part in &self.parts {
            let sources = part.sources(&self.blocks);
            for &target in &part.group.targets {
                expected[target] = fit.expected_counts(target, &sources).into();
            }
        }
        expected
    }
}
