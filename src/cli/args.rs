//! Arguments as they are typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::bench::BenchArgs;
use super::check::CheckArgs;
use super::checkpoint::CheckpointArgs;
use super::cv_args::CvArgs;
use super::demo::DemoArgs;
use super::devices::DevicesArgs;
use super::environment::Environment;
use super::examples::{FIT_HELP, SCORE_HELP};
use super::export::ExportArgs;
use super::inspect::InspectArgs;
use super::model_args::ModelArgs;
use super::penalty_args::PenaltyArgs;
use super::predict::PredictArgs;
use super::quantity;
use super::shell::{option_words, shell_word};
use super::shell_help::{CompletionsArgs, ManArgs};
use super::simulate::SimulateArgs;
use super::study_text::StudyText;
use super::tuning::TuningArgs;
use crate::glm::{SolverChoice, StandardErrors};
use crate::{Error, Result};

/// Encoding models for spike trains, fitted to a certified optimum.
#[derive(Debug, Parser)]
#[command(name = "rheobase", version, propagate_version = true, subcommand_required = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Simulate a recording, fit two models to it and report filters, figures and the proof of optimality
    Demo(DemoArgs),
    /// Show what an NWB file holds, ending with a `fit` line to paste
    Inspect(InspectArgs),
    /// Fit a model to an NWB file or to arrays in npz, npy, csv or HDF5 files
    Fit(Box<FitArgs>),
    /// Score a fitted model on other data
    Score(Box<ScoreArgs>),
    /// Compute the certificate of a fitted model again, from scratch, and say whether it was right
    Check(Box<CheckArgs>),
    /// Predict rates of other data, or probabilities of classes, with a fitted model
    Predict(Box<PredictArgs>),
    /// Draw responses of a fitted model, or simulate a recording of coupled units (`simulate coupled`)
    Simulate(Box<SimulateArgs>),
    /// Write a fitted model as a file of another program
    Export(ExportArgs),
    /// Tuning curves: spikes per second while a series of the file had each value
    Tuning(Box<TuningArgs>),
    /// List the GPUs of this machine and whether fits can use them
    Devices(DevicesArgs),
    /// Time built-in workloads on this machine, or fits of your own data (`bench serve`)
    Bench(Box<BenchArgs>),
    /// Print a script that completes commands and options in a shell
    Completions(CompletionsArgs),
    /// Print the manual page of the program or of a command
    Man(ManArgs),
}

/// Which data.
#[derive(Clone, Debug, Args)]
pub struct DataArgs {
    /// An NWB file, or arrays: npz, npy, csv (tsv) or h5 (hdf5); `fit` takes a study (FILE.toml) as well
    pub data: PathBuf,
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
    /// Features: columns of a csv file (COL,COL; without it all but --y), array of an npz, dataset (/path) of an h5 file
    #[arg(long, value_name = "NAME")]
    pub x: Option<String>,
    /// Counts or labels: columns of a csv file (COL,COL), array of an npz file, dataset of an HDF5 file, or the npy file that
    /// holds them; a column whose name holds a comma goes in quotes ('"a,b",c')
    #[arg(long, value_name = "NAME")]
    pub y: Option<String>,
    /// What bins count for, one number each: column, array or dataset of the data, signal of a recording
    /// (NAME or NAME*scale), or FILE.npy; a bin of weight 2 is two bins
    #[arg(long, value_name = "NAME|FILE.npy")]
    pub weights: Option<String>,
    /// A given part of the linear predictor, one number per bin, from where weights may come from: of counts with an
    /// exponential link the logarithm of the exposure; of classes a column for each (of a csv file a,b,c)
    #[arg(long, value_name = "NAME|FILE.npy")]
    pub offset: Option<String>,
    /// Whether the offset has a column for each class.
    #[arg(skip)]
    pub offset_of_classes: bool,
    /// Rows whose data are not finite, or that have no label of a class: leave them out and count them, or fail
    #[arg(long, default_value = "drop")]
    pub nan: NanPolicy,
    /// Start and stop of times that are left out of the epochs, seconds.
    #[arg(skip)]
    pub except_s: Vec<Vec<f64>>,
}

/// Arguments of `fit`.
#[derive(Debug, Args)]
#[command(after_help = FIT_HELP)]
pub struct FitArgs {
    #[command(flatten)]
    /// All options as a study; the first field, because it looks at what the others take.
    pub study: StudyText,
    #[command(flatten)]
    /// Which data.
    pub data: DataArgs,
    /// Width of a bin, with its unit: 1ms
    #[arg(long, value_name = "TIME", value_parser = bin)]
    pub bin: Option<f64>,
    /// A feature, `signal [*scale] [: basis(args)]`, or a product of such terms, `TERM x TERM` (repeatable)
    #[arg(long, value_name = "F")]
    pub feature: Vec<String>,
    /// Score the fit on these epochs too, without what was fitted; written as --epochs (repeatable)
    #[arg(long, value_name = "TAG")]
    pub test_epochs: Vec<String>,
    /// Score this model on the same bins, and draw it beside the fit (repeatable)
    #[arg(long, value_name = "MODEL")]
    pub compare: Vec<PathBuf>,
    /// Test the fit against this smaller model by likelihood ratios, both on the bins of the fit
    #[arg(long, value_name = "MODEL")]
    pub test_against: Option<PathBuf>,
    /// Compare the couplings of the fit with those of a simulation: FILE-couplings.csv
    #[arg(long, value_name = "FILE.csv")]
    pub true_couplings: Option<PathBuf>,
    #[command(flatten)]
    /// Which model.
    pub model: ModelArgs,
    /// Which targets may use which features: a table of 0 and 1, a row for each feature (or column), a column for each target
    #[arg(long, value_name = "FILE.csv")]
    pub mask: Option<PathBuf>,
    #[command(flatten)]
    /// Which penalty.
    pub penalty: PenaltyArgs,
    #[command(flatten)]
    /// How its strength is chosen.
    pub cv: CvArgs,
    /// Solver
    #[arg(long, default_value = "auto")]
    pub solver: Solver,
    /// Carry the fit out as an earlier one was: its fit.json, or the plan in it
    #[arg(long, value_name = "FILE", conflicts_with = "cost_constants")]
    pub plan: Option<PathBuf>,
    /// Estimate costs by the speeds that `bench --calibrate FILE` measured, not by those that are compiled in
    #[arg(long, value_name = "FILE")]
    pub cost_constants: Option<PathBuf>,
    /// Standard errors: auto leaves them out of large fits (rows x columns² x targets above 1e11)
    #[arg(long, default_value = "auto")]
    pub standard_errors: When,
    /// Largest loss gap of a converged target, relative to its loss; 1e-16 without it, 1e-10 for float32 data and
    /// --precision f32
    #[arg(long, value_name = "T")]
    pub tolerance: Option<f64>,
    /// Most iterations; 200 of newton and 2000 of lbfgs without it
    #[arg(long, value_name = "N")]
    pub max_iterations: Option<usize>,
    /// Longest time for the solver, with its unit: 30s; no limit without it
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub time_limit: Option<f64>,
    #[command(flatten)]
    /// Where a fit that is stopped goes on from.
    pub checkpoint: CheckpointArgs,
    /// Copy the NWB file to this path with the fitted filters and predicted rates, or probabilities of classes, in processing/rheobase
    #[arg(long, value_name = "COPY")]
    pub write_nwb: Option<PathBuf>,
    /// Print how the fit was carried out and why
    #[arg(long)]
    pub explain: bool,
    /// Print all options with their values as a study file (TOML) and do nothing else
    #[arg(long)]
    pub print_config: bool,
    #[command(flatten)]
    /// Common ones.
    pub common: Common,
}

/// Arguments of `score`.
#[derive(Debug, Args)]
#[command(after_help = SCORE_HELP)]
pub struct ScoreArgs {
    /// A model.json that `fit --out` wrote, a copy that `fit --write-nwb` wrote, or an npz file of nemos
    pub model: PathBuf,
    #[command(flatten)]
    /// Which data.
    pub data: DataArgs,
    #[command(flatten)]
    /// Common ones.
    pub common: Common,
}

/// What several commands take.
#[derive(Clone, Debug, Args)]
pub struct Common {
    #[command(flatten)]
    /// Which of them came from the environment; the first field, because it looks at what the others take.
    pub environment: Environment,
    /// Write results into this folder; nothing is written without it
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// No progress, notices and warnings on stderr; the results hold them all the same
    #[arg(long)]
    pub quiet: bool,
    /// Threads; all cores without it
    #[arg(long, value_name = "N", env = "RHEOBASE_THREADS", hide_env_values = true, value_parser = threads)]
    pub threads: Option<usize>,
    /// Where to compute
    #[arg(long, default_value = "auto", env = "RHEOBASE_BACKEND", hide_env_values = true)]
    pub backend: BackendChoice,
    /// Adapter of the gpu backend, a part of its name or its number
    #[arg(long, value_name = "NAME", env = "RHEOBASE_DEVICE", hide_env_values = true)]
    pub device: Option<String>,
    /// Storage of the features for the steps of a fit; its end and its proof are in f64 all the same
    #[arg(long, default_value = "auto", env = "RHEOBASE_PRECISION", hide_env_values = true)]
    pub precision: Precision,
    /// Memory that may be used, with its unit: 4GB; half of the machine's without it
    #[arg(long, value_name = "SIZE", env = "RHEOBASE_MEMORY_LIMIT", hide_env_values = true, value_parser = size)]
    pub memory_limit: Option<u64>,
}

/// Which solver.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Solver {
    /// By estimated cost
    Auto,
    /// L-BFGS preconditioned by the flat Gram
    Lbfgs,
    /// Newton's method
    Newton,
}

/// Whether to do something.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum When {
    /// If it is cheap
    Auto,
    /// Always
    On,
    /// Never
    Off,
}

/// What happens to rows whose data are not finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NanPolicy {
    /// Left out and counted
    Drop,
    /// An error
    Error,
}

/// Where to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BackendChoice {
    /// The best there is
    Auto,
    /// The CPU
    Cpu,
    /// A GPU, or an error
    Gpu,
}

/// Storage of the features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    /// f32, unless the columns are nearly dependent
    Auto,
    /// Single precision, and the tolerance of float32 data
    F32,
    /// Double precision
    F64,
}

impl From<Solver> for SolverChoice {
    fn from(solver: Solver) -> Self {
        match solver {
            Solver::Auto => Self::Auto,
            Solver::Lbfgs => Self::Lbfgs,
            Solver::Newton => Self::Newton,
        }
    }
}

impl From<When> for StandardErrors {
    fn from(when: When) -> Self {
        match when {
            When::Auto => Self::Auto,
            When::On => Self::On,
            When::Off => Self::Off,
        }
    }
}

impl DataArgs {
    /// The words that say the same.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = vec![shell_word(&self.data.display().to_string())];
        let mut add = |option: &str, value: &str| words.extend(option_words(option, value));
        self.epochs.iter().for_each(|tag| add("--epochs", tag));
        self.epoch.iter().for_each(|k| add("--epoch", &k.to_string()));
        self.unit.iter().for_each(|unit| add("--unit", unit));
        self.detect_spikes.iter().for_each(|series| add("--detect-spikes", series));
        self.x.iter().for_each(|x| add("--x", x));
        self.y.iter().for_each(|y| add("--y", y));
        self.weights.iter().for_each(|weights| add("--weights", weights));
        self.offset.iter().for_each(|offset| add("--offset", offset));
        add("--nan", if self.nan == NanPolicy::Drop { "drop" } else { "error" });
        words
    }
}

pub(super) fn duration(text: &str) -> Result<f64> {
    quantity::duration_s("time", text)
}

pub(super) fn bin(text: &str) -> Result<f64> {
    let bin_s = quantity::duration_s("bin", text)?;
    if bin_s > 0.0 {
        return Ok(bin_s);
    }
    Err(Error::argument("bin", "a time above 0", format!("`{text}`"), "write it like --bin 1ms"))
}

pub(super) fn threads(text: &str) -> Result<usize> {
    let help = "leave it out to use all cores";
    match text.parse() {
        Ok(0) => Err(Error::argument("threads", "1 or more", "0", help)),
        Ok(n_threads) => Ok(n_threads),
        Err(_) => Err(Error::argument("threads", "a whole number, 1 or more", format!("`{text}`"), help)),
    }
}

pub(super) fn size(text: &str) -> Result<u64> {
    quantity::size_bytes("memory limit", text)
}
