//! Arguments of `rheobase bench` as they are typed.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::super::args::{FitArgs, threads};
use super::super::examples::{BENCH_HELP, SERVE_HELP};

/// Arguments of `bench`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
#[command(after_help = BENCH_HELP, args_conflicts_with_subcommands = true)]
pub struct BenchArgs {
    /// Something else than the built-in workloads.
    #[command(subcommand)]
    pub other: Option<Other>,
    /// Workloads by their letters, with commas between them; all without it
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub workload: Vec<Workload>,
    /// Fewer rows (a tenth, of all workloads but a and e) and fewer repetitions; marked in the results
    #[arg(long)]
    pub quick: bool,
    /// Time each workload with 1, 2, 4, .. threads up to all cores
    #[arg(long, conflicts_with = "threads")]
    pub threads_sweep: bool,
    /// Time once for each line of stdin, and answer each with a line of JSON
    #[arg(long, conflicts_with_all = ["threads_sweep", "json", "out", "write_data"])]
    pub each_line: bool,
    /// Only write the data of the workloads into this folder, for other programs
    #[arg(long, value_name = "DIR", conflicts_with_all = ["threads_sweep", "json", "out"])]
    pub write_data: Option<PathBuf>,
    /// Only measure the speeds that the costs of fits are estimated by, into this file, for `fit --cost-constants`
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "workload", "quick", "threads_sweep", "each_line", "write_data", "no_roofs", "out",
    ])]
    pub calibrate: Option<PathBuf>,
    /// Only time the kernels, each against what this machine can do at most
    #[arg(long, conflicts_with_all = [
        "workload", "quick", "threads_sweep", "each_line", "write_data", "calibrate", "no_roofs", "out",
    ])]
    pub kernels: bool,
    /// Only time the CPU against a GPU, kernel by kernel, each against what the device can do at most
    #[cfg(feature = "gpu")]
    #[arg(long, group = "processors", conflicts_with_all = [
        "workload", "threads_sweep", "each_line", "write_data", "calibrate", "kernels", "no_roofs", "out",
    ])]
    pub gpu: bool,
    /// Only time the rows of --gpu, without any GPU
    #[arg(long, group = "processors", conflicts_with_all = [
        "workload", "threads_sweep", "each_line", "write_data", "calibrate", "kernels", "no_roofs", "out",
    ])]
    pub cpu_only: bool,
    /// Parts of --gpu or --cpu-only, with commas between them; all without it
    #[arg(long, value_name = "PART,PART", value_delimiter = ',', requires = "processors")]
    pub part: Vec<Part>,
    /// The adapter of --gpu, a part of its name or its number
    #[cfg(feature = "gpu")]
    #[arg(long, value_name = "NAME", requires = "gpu")]
    pub device: Option<String>,
    /// Leave out measuring what the machine can do at most
    #[arg(long)]
    pub no_roofs: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Write the table and the JSON into this folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Threads; all cores without it
    #[arg(long, value_name = "N", env = "RHEOBASE_THREADS", hide_env_values = true, value_parser = threads)]
    pub threads: Option<usize>,
}

impl BenchArgs {
    /// Whether processors are compared.
    pub(super) fn compares(&self) -> bool {
        #[cfg(feature = "gpu")]
        return self.gpu || self.cpu_only;
        #[cfg(not(feature = "gpu"))]
        return self.cpu_only;
    }
}

/// Options of `fit` that would do nothing in `bench serve`, by their fields, as [`super::serve`] looks at them.
pub(super) const REFUSED: [&str; 12] = [
    "out",
    "write_nwb",
    "compare",
    "test_epochs",
    "explain",
    "print_config",
    "cv",
    "test_against",
    "true_couplings",
    "resume",
    "checkpoint",
    "checkpoint_every",
];

/// What `bench` does beside its own workloads.
#[derive(Debug, Subcommand)]
pub enum Other {
    /// Load data once, then fit for each line of stdin and answer with a line of JSON
    #[command(after_help = SERVE_HELP, mut_args = |arg| {
        let is_refused = REFUSED.contains(&arg.get_id().as_str());
        arg.hide(is_refused)
    })]
    Serve(Box<FitArgs>),
}

/// Parts of the comparison of processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Designs of one target
    Dense,
    /// Designs of several targets
    Populations,
    /// Channels that are convolved
    Convolved,
    /// Whole fits
    Fits,
    /// The same work in other ways, on a GPU
    Variants,
    /// What a GPU is, how exact it computes, what compiling takes
    Record,
}

/// The built-in workloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    /// One neuron under current clamp: 27,820 bins, 8 badly scaled columns of its stimulus' past, f64
    A,
    /// 500,000 rows of 100 standard normal columns, f32
    B,
    /// Features only: 1,000,000 bins of 10 spike trains, 200 bins of their past through 8 functions
    C,
    /// The same into memory that is there already
    CGiven,
    /// A fit to these features, which are not written out
    CFit,
    /// 20 targets that share 100,000 rows of 160 columns of spike history, f32
    D1,
    /// 100 targets that share 200,000 rows of 800 columns of spike history, f32
    D2,
    /// From an NWB file to the scores of two models, each in a process of its own
    E,
    /// One spike train, 200 bins of its past through 8 functions: 100,000 bins
    F5,
    /// 1,000,000 bins
    F6,
    /// 10,000,000 bins
    F7,
    /// 100,000,000 bins
    F8,
    /// 1,000,000 bins, 30 targets
    F30,
    /// 1,000,000 bins, 300 targets
    F300,
    /// 1,000,000 bins of 100 spike trains, each through 8 functions: features of 3.2 GB, which are not written out
    G,
}

impl Workload {
    /// Its letter.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
            Self::C => "c",
            Self::D1 => "d1",
            Self::D2 => "d2",
            Self::E => "e",
            Self::CGiven => "c-given",
            Self::CFit => "c-fit",
            Self::F5 => "f5",
            Self::F6 => "f6",
            Self::F7 => "f7",
            Self::F8 => "f8",
            Self::F30 => "f30",
            Self::F300 => "f300",
            Self::G => "g",
        }
    }
}
