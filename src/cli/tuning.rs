//! `rheobase tuning`: how often units spike while series of the file have each value.

use std::path::PathBuf;

use clap::Args;

use super::args::size;
use super::data::typed_features;
use super::machine::default_memory_limit_bytes;
use super::progress::Progress;
use super::quantity;
use super::run::{Report, pretty, say};
use super::series_samples::{ColumnCurves, beside, curves, finite, samples, spikes};
use super::shell::shell_word;
use super::tuning_report;
use crate::features::{Expansion, Request, Selection, Signal, StudyFeature};
use crate::read::nwb::{self, NwbFile};
use crate::time::{IntervalSet, TsGroup};
use crate::tuning::{
    FeatureBins, Information, TuningCurves, TuningPlan, mutual_information, tuning_curves_of_events,
};
use crate::write::digest::digest_file;
use crate::write::model::Input;
use crate::write::save::{check_writable, save_bytes};
use crate::{Error, Result};

/// What the help of `tuning` ends with.
const TUNING_HELP: &str = "\
A feature is a series of the file, `name`, `name[x]` or 'a name with spaces', with a scale if you
like: stimulus*1e12. One --feature gives a curve for each unit (and for each column of the series),
two give a map; the second series is taken at the times of the first, its nearest sample. Bins are
half-open, the last one is closed.

Examples:
  rheobase tuning FILE.nwb --epochs 'Noise 1' --unit 0 --feature 'stimulus*1e12' --bins 15
  rheobase tuning FILE.nwb --epochs 'Noise 1' --unit all --feature 'stimulus*1e12' \\
      --range -50:150 --json
  rheobase tuning FILE.nwb --epochs run --unit 3 --bins 20 --out map \\
      --feature 'position[x]' --feature 'position[y]'";

/// Arguments of `tuning`.
#[derive(Debug, Args)]
#[command(after_help = TUNING_HELP)]
pub struct TuningArgs {
    /// An NWB file
    pub file: PathBuf,
    /// Epochs with this tag; TABLE or TABLE:column=value for other interval tables (repeatable)
    #[arg(long, value_name = "TAG")]
    pub epochs: Vec<String>,
    /// Only the K-th of the matching epochs, from 0
    #[arg(long, value_name = "K")]
    pub epoch: Option<usize>,
    /// Unit by its id, or `all` (repeatable)
    #[arg(long, value_name = "ID")]
    pub unit: Vec<String>,
    /// Detect spikes in this voltage series of a file without a units table
    #[arg(long, value_name = "SERIES")]
    pub detect_spikes: Option<String>,
    /// A series, `signal [*scale]`; twice for a map
    #[arg(long, value_name = "F")]
    pub feature: Vec<String>,
    /// Number of bins along the features; once, or once for each feature
    #[arg(long, value_name = "N", default_value = "15")]
    pub bins: Vec<usize>,
    /// Values from a to b, once for each feature; from the least to the greatest without it
    #[arg(long, value_name = "a:b", value_parser = range, allow_hyphen_values = true)]
    pub range: Vec<(f64, f64)>,
    /// Write tuning.csv and tuning.json into this folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// No progress and no notices
    #[arg(long)]
    pub quiet: bool,
    /// Memory that may be used, with its unit: 4GB; half of the machine's without it
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub memory_limit: Option<u64>,
}

fn range(text: &str) -> Result<(f64, f64)> {
    quantity::range("range", text)
}

/// The curves of all units over one series, or the maps over two.
pub(super) struct Tuned {
    /// The features, one or two.
    pub(super) labels: Vec<String>,
    /// Samples of the features that are numbers.
    pub(super) n_samples: usize,
    pub(super) curves: TuningCurves,
    /// What each unit's spikes say about the features.
    pub(super) information: Vec<Information>,
}

/// Everything that `tuning` found.
pub(super) struct Tuning {
    pub(super) input: Input,
    pub(super) command: String,
    pub(super) selection: Selection,
    pub(super) tuned: Vec<Tuned>,
}

/// Computes tuning curves, prints them and writes them.
pub(super) fn tuning(args: &TuningArgs) -> Result<Report> {
    let bins = bins(args)?;
    if let Some(folder) = &args.out {
        check_writable(folder)?;
    }
    let progress = Progress::new(args.quiet);
    progress.stage("reading", None);
    let tuning = compute(args, &bins, &progress)?;
    let document = tuning_report::document(&tuning);
    let text = if args.json { pretty(&document.clone().into()) } else { tuning_report::text(&tuning) };
    if let Some(folder) = &args.out {
        save_bytes(&folder.join("tuning.csv"), &tuning_report::csv(&tuning)?)?;
        save_bytes(&folder.join("tuning.json"), pretty(&document.into()).as_bytes())?;
    }
    drop(progress);
    if !args.quiet {
        tuning.selection.notices.iter().for_each(|notice| say(&format!("note: {notice}")));
        if let Some(folder) = &args.out {
            say(&format!("tuning.csv and tuning.json written to {}", folder.display()));
        }
    }
    Ok(Report { text, converged: true })
}

fn compute(args: &TuningArgs, bins: &[FeatureBins], progress: &Progress) -> Result<Tuning> {
    let limit_bytes = args.memory_limit.or_else(default_memory_limit_bytes);
    let file = match limit_bytes {
        Some(limit_bytes) => nwb::open_with_limit(&args.file, limit_bytes)?,
        None => nwb::open(&args.file)?,
    };
    let features = features(args)?;
    let request = Request {
        epochs: args.epochs.clone(),
        epoch: args.epoch,
        except: IntervalSet::empty(),
        units: args.unit.clone(),
        detect_spikes: args.detect_spikes.clone(),
        bin_s: f64::NAN,
        features,
        memory_limit_bytes: limit_bytes,
    };
    let selection = Selection::read(&file, &request, &mut |step| progress.step(step))?;
    refuse_memory(&selection, args, limit_bytes)?;
    let units = spikes(&selection.spike_times_s, &selection.support)?;
    let tuned = match &request.features[..] {
        [first, second] => vec![map(&file, [first, second], bins, &selection, &units)?],
        features => {
            let mut tuned = Vec::new();
            for (feature, bins) in features.iter().zip(bins) {
                let found = curves(
                    &file,
                    (&feature.spec.first, &feature.name),
                    &selection.support,
                    bins,
                    &units,
                    &[],
                )?;
                tuned.extend(found.into_iter().map(curve).collect::<Result<Vec<_>>>()?);
            }
            tuned
        }
    };
    let input = Input { path: args.file.clone(), sha256: digest_file(&args.file)? };
    Ok(Tuning { input, command: command_line(args), selection, tuned })
}

/// The bins along each feature.
fn bins(args: &TuningArgs) -> Result<Vec<FeatureBins>> {
    let n_features = args.feature.len();
    if !(1..=2).contains(&n_features) {
        let found = if n_features == 0 { "nothing".into() } else { n_features.to_string() };
        let help =
            "give a series of the file, as in --feature 'stimulus*1e12'; `rheobase inspect` lists them";
        return Err(Error::argument("feature", "one feature, or two for a map", found, help));
    }
    if args.bins.contains(&0) {
        return Err(Error::argument("bins", "1 or more", "0", "give the number of bins, as in --bins 15"));
    }
    let once_or_each = |what: &str, n: usize, least: usize| {
        if n == n_features || n == least {
            return Ok(());
        }
        let expected = format!("one for each of {n_features} features");
        Err(Error::argument(what, expected, n.to_string(), format!("give --{what} once for each --feature")))
    };
    once_or_each("bins", args.bins.len(), 1)?;
    once_or_each("range", args.range.len(), 0)?;
    let along = |k: usize| FeatureBins::Equal {
        n_bins: args.bins[k.min(args.bins.len() - 1)],
        range: args.range.get(k).copied(),
    };
    Ok((0..n_features).map(along).collect())
}

/// The features as typed; a tuning curve is taken over the samples themselves.
fn features(args: &TuningArgs) -> Result<Vec<StudyFeature>> {
    let features = typed_features(&args.feature)?;
    for feature in &features {
        let found = || format!("`{}`", feature.text);
        let refuse =
            |help: &str| Err(Error::argument("feature", "a series, `signal [*scale]`", found(), help));
        let Some(term) = feature.spec.single() else {
            return refuse("give the two series as two features: the map over both is made of them");
        };
        match (&term.signal, &term.expansion) {
            (Signal::Series { resample: None, .. }, Expansion::Plain) => {}
            (Signal::Series { .. }, Expansion::Plain) => {
                return refuse("leave out what follows the @: the samples are taken as they are");
            }
            (Signal::Series { .. }, _) => {
                return refuse("leave out the basis: the samples are taken as they are");
            }
            _ => return refuse("name a series; spikes have no value to be tuned to"),
        }
    }
    Ok(features)
}

/// A curve over one series.
fn curve(found: ColumnCurves) -> Result<Tuned> {
    let ColumnCurves { label, n_samples, of_events, .. } = found;
    let information = mutual_information(&of_events, None)?;
    Ok(Tuned { labels: vec![label], n_samples, curves: of_events, information })
}

/// The map over two series side by side.
fn map(
    file: &NwbFile,
    features: [&StudyFeature; 2],
    bins: &[FeatureBins],
    selection: &Selection,
    units: &TsGroup,
) -> Result<Tuned> {
    let mut sides = Vec::with_capacity(2);
    for feature in features {
        let mut found = samples(file, (&feature.spec.first, &feature.name), &selection.support)?;
        if found.len() != 1 {
            let labels: Vec<String> = found.iter().flat_map(|frame| frame.columns().to_vec()).collect();
            let help = format!("name one column: {}", labels.join(", "));
            let found = format!("{} columns of {}", found.len(), feature.name);
            return Err(Error::argument("feature", "one column for each side of a map", found, help));
        }
        sides.append(&mut found);
    }
    let samples = finite(&beside(&sides[0], &sides[1])?)?;
    let plan = TuningPlan { bins: bins.to_vec(), epochs: None, fs_hz: None, zero_fill: false };
    let curves = tuning_curves_of_events(units, &samples, &plan)?;
    let information = mutual_information(&curves, None)?;
    Ok(Tuned { labels: samples.columns().to_vec(), n_samples: samples.len(), curves, information })
}

/// Refuses maps that would not fit.
fn refuse_memory(selection: &Selection, args: &TuningArgs, limit_bytes: Option<u64>) -> Result<()> {
    let along = |k: usize| args.bins[k.min(args.bins.len() - 1)] as u64;
    let n_cells = (0..args.feature.len()).map(along).fold(1, u64::saturating_mul);
    // counts and rates of each unit, and the occupancy
    let needed_bytes = n_cells.saturating_mul(8 * (2 * selection.names.len() as u64 + 2));
    match limit_bytes {
        Some(limit_bytes) if needed_bytes > limit_bytes => {
            let what = format!("a curve or map of {n_cells} bins for each unit");
            Err(Error::Memory { what, needed_bytes, limit_bytes })
        }
        _ => Ok(()),
    }
}

/// The command with everything that decides the result.
fn command_line(args: &TuningArgs) -> String {
    let mut words = vec!["rheobase".into(), "tuning".into(), shell_word(&args.file.display().to_string())];
    let mut add = |option: &str, value: &str| words.extend([option.to_string(), shell_word(value)]);
    args.epochs.iter().for_each(|tag| add("--epochs", tag));
    args.epoch.iter().for_each(|k| add("--epoch", &k.to_string()));
    args.unit.iter().for_each(|unit| add("--unit", unit));
    args.detect_spikes.iter().for_each(|series| add("--detect-spikes", series));
    args.feature.iter().for_each(|feature| add("--feature", feature));
    args.bins.iter().for_each(|n| add("--bins", &n.to_string()));
    args.range.iter().for_each(|(lo, hi)| add("--range", &format!("{lo}:{hi}")));
    words.join(" ")
}
