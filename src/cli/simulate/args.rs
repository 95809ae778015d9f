//! Arguments of `rheobase simulate` as they are typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::super::args::{DataArgs, bin, duration, size, threads};
use super::super::quantity;
use crate::simulate::NetworkParameters;
use crate::{Error, Result};

/// What the help of `simulate` ends with.
const SIMULATE_HELP: &str = "\
Data are chosen as for `rheobase predict`. A model without features of the targets' spikes is
drawn bin by bin at the mean that `predict` gives. A model with them (`spikes`, `units`,
`units-others`) is simulated: what is drawn acts on the bins after it, through the filters of the
fit. In bins that `predict` leaves out (at the start of each epoch, and where a signal is missing)
nothing is drawn: what was recorded there is the past of what follows. Units that are not
simulated act as they were recorded.

The file has a row for each repeat and bin: repeat, t_s, epoch and, for each target, count_NAME
(the draw) and expected_count_NAME (the mean that it was drawn at). FILE.npz has the arrays t,
epoch, count and expected_count, (repeats, bins, targets), and targets. A categorical model gives
label_NAME and probability_NAME_CLASS instead (npz: label_NAME, (repeats, bins), probability_NAME,
(bins, classes), and classes_NAME); with features of the targets' spikes it is refused. The draws are those of the
observation model with the scale of the fit; the same seed gives the same draws, and repeat k is
the same however many there are.

Examples:
  rheobase simulate out/model.json FILE.nwb --epochs 'Noise 2' --out spikes.csv
  rheobase simulate out/model.json FILE.nwb --seed 7 --repeats 100 --out spikes.npz
  rheobase simulate out/model.json NEW.csv --out draws.csv
  rheobase simulate coupled --units 12 --duration 600s --out coupled.nwb";

/// What the help of `simulate coupled` ends with.
const COUPLED_HELP: &str = "\
Each unit has an intercept, a filter by which its own spikes keep it quiet, and filters of the other
units that act on it: rises and falls of its log rate that peak after 5 ms and end after 50 ms. A
coupling is the area of its filter, in log rate times time: 10 ms is a log rate that is higher by 1
for 10 ms, or by 0.5 for 20 ms. Half of the couplings are negative.

Beside FILE.nwb are written the true couplings: FILE-couplings.csv (receiving, sending, area_s) and
FILE-filters.csv (receiving, sending, lag_s, filter). `fit --true-couplings FILE-couplings.csv`
compares them with those of a fit.

Examples:
  rheobase simulate coupled --out coupled.nwb
  rheobase simulate coupled --units 12 --duration 600s --bin 1ms --seed 1 --out coupled.nwb
  rheobase fit coupled.nwb --epochs simulated --unit all --bin 1ms --out out \\
      --feature 'units : raised-cosine-log(5, window=50ms)' --true-couplings coupled-couplings.csv";

/// Arguments of `simulate`.
#[derive(Debug, Args)]
#[command(after_help = SIMULATE_HELP, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct SimulateArgs {
    /// Something else than responses of a fitted model.
    #[command(subcommand)]
    pub other: Option<Other>,
    /// A model.json that `fit --out` wrote, a copy that `fit --write-nwb` wrote, or an npz file of nemos
    #[arg(required = true)]
    pub model: Option<PathBuf>,
    #[command(flatten)]
    /// Which data.
    pub data: Option<DataArgs>,
    /// Seed of the draws
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How often everything is drawn
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub repeats: usize,
    /// Rates of a recording above this, in Hz, are held there, and counted; of models of counts or events alone [default: 1000]
    #[arg(long, value_name = "HZ", value_parser = rate)]
    pub max_rate: Option<f64>,
    /// Write the draws into this file, .csv or .npz
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,
    /// No progress and no notices
    #[arg(long)]
    pub quiet: bool,
    /// Threads; all cores without it
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
    /// Memory that may be used, with its unit: 4GB; half of the machine's without it
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub memory_limit: Option<u64>,
}

/// What else can be simulated.
#[derive(Debug, Subcommand)]
pub enum Other {
    /// Simulate a recording of units that act on each other, and write it with its true couplings
    Coupled(CoupledArgs),
}

/// Arguments of `simulate coupled`.
#[derive(Debug, Args)]
#[command(after_help = COUPLED_HELP)]
pub struct CoupledArgs {
    /// Units
    #[arg(long, value_name = "N", default_value_t = 12)]
    pub units: usize,
    /// Length of the recording, with its unit: 600s
    #[arg(long, value_name = "TIME", default_value = "600s", value_parser = duration)]
    pub duration: f64,
    /// Width of the bins in which it is simulated, with its unit: 1ms
    #[arg(long, value_name = "TIME", default_value = "1ms", value_parser = bin)]
    pub bin: f64,
    /// Rate about which the units fire, Hz
    #[arg(long, value_name = "HZ", default_value = "10", value_parser = rate)]
    pub rate: f64,
    /// Other units that act on a unit, on average; 4 without it, all of them where there are fewer
    #[arg(long, value_name = "N")]
    pub inputs: Option<f64>,
    /// Size of the strongest couplings: area of the filter, log rate times this time
    #[arg(long, value_name = "TIME", default_value = "10ms", value_parser = duration)]
    pub strength: f64,
    /// Rates above this, in Hz, are held there, and counted
    #[arg(long, value_name = "HZ", default_value = "1000", value_parser = rate)]
    pub max_rate: f64,
    /// Seed of couplings and spikes
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The NWB file to write; the true couplings are written beside it
    #[arg(long, value_name = "FILE.nwb")]
    pub out: PathBuf,
    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,
    /// No progress and no notices
    #[arg(long)]
    pub quiet: bool,
    /// Memory that may be used, with its unit: 4GB; half of the machine's without it
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub memory_limit: Option<u64>,
}

impl CoupledArgs {
    /// What the network is made by.
    ///
    /// # Errors
    /// Those of [`NetworkParameters::check`]; [`Error::Argument`] for a largest rate below the rates that are asked for.
    pub(super) fn parameters(&self) -> Result<NetworkParameters> {
        let parameters = NetworkParameters {
            n_units: self.units,
            rate_hz: self.rate,
            n_inputs: self.inputs.unwrap_or_else(|| 4.0_f64.min(self.units.saturating_sub(1) as f64)),
            strength_s: self.strength,
            bin_s: self.bin,
        };
        parameters.check()?;
        let needed_hz = NetworkParameters::HIGHEST * self.rate;
        if self.max_rate < needed_hz {
            let expected =
                format!("{needed_hz} Hz or more: units fire at up to 1.4 times --rate {}", self.rate);
            let help = "raise --max-rate, or lower --rate";
            return Err(Error::argument("--max-rate", expected, format!("{} Hz", self.max_rate), help));
        }
        Ok(parameters)
    }
}

impl SimulateArgs {
    /// The largest rate of what has rates.
    pub(super) fn most_hz(&self) -> f64 {
        self.max_rate.unwrap_or(1000.0)
    }

    /// Refuses a largest rate of what has none: what was found, and why it has none.
    ///
    /// # Errors
    /// [`Error::Argument`] if one was typed.
    pub(in super::super) fn refuse_max_rate(&self, found: &str, why: &str) -> Result<()> {
        match self.max_rate {
            None => Ok(()),
            Some(_) => {
                let (expected, help) =
                    ("a model of counts or events in a recording", format!("leave it out: {why}"));
                Err(Error::argument("--max-rate", expected, found, help))
            }
        }
    }

    /// How often everything is drawn.
    ///
    /// # Errors
    /// [`Error::Argument`] for 0.
    pub(in super::super) fn n_repeats(&self) -> Result<usize> {
        match self.repeats {
            0 => Err(Error::argument("--repeats", "1 or more", "0", "leave it out to draw once")),
            n => Ok(n),
        }
    }
}

/// A rate above 0.
fn rate(text: &str) -> Result<f64> {
    let help = "write it in Hz, like 10 or 0.5";
    match quantity::number("rate", text) {
        Ok(hz) if hz > 0.0 => Ok(hz),
        _ => Err(Error::argument("rate", "a number above 0", format!("`{}`", text.trim()), help)),
    }
}
