//! `rheobase simulate`: responses that a fitted model would give, and recordings of populations whose couplings are known.
//!
//! Where a feature is made of spikes of the targets themselves, the responses are drawn bin by bin and act on what comes
//! after them ([`feedback`]); otherwise every bin is drawn by itself at the mean that `predict` gives.
//! Models of classes draw labels.

mod args;
mod coupled;
mod draws;
mod feedback;
mod output;

pub(super) use args::SimulateArgs;
pub(super) use feedback::fed_back;
pub(super) use output::command_words;

use super::applied::Applied;
use super::categorical;
use super::machine::default_memory_limit_bytes;
use super::predict::{Format, checked_out, refuse_weights};
use super::progress::Progress;
use super::run::{Report, pretty, say, settle_threads};
use crate::simulate::CoupledPopulation;
use crate::write::categorical::CategoricalFile;
use crate::write::model::ModelFile;
use crate::write::save::save_bytes;
use crate::{Error, Result};
use args::Other;
use draws::{Chance, Draws};

/// Simulates what was asked for.
pub(super) fn simulate(args: &SimulateArgs) -> Result<Report> {
    match &args.other {
        Some(Other::Coupled(args)) => coupled::coupled(args),
        None => {
            settle_threads(args.threads)?;
            of_model(args)
        }
    }
}

/// Responses of a fitted model.
fn of_model(args: &SimulateArgs) -> Result<Report> {
    let (Some(model), Some(data)) = (&args.model, &args.data) else {
        // the parser asks for both
        return Err(Error::argument(
            "simulate",
            "a model and data",
            "neither",
            "see `rheobase simulate --help`",
        ));
    };
    if CategoricalFile::is_one(model) {
        return categorical::simulate(args, (model, data));
    }
    let out = args.out.as_ref().map(|path| checked_out(path, &[model, &data.data])).transpose()?;
    let (seed, n_repeats, most_hz) = (args.seed, args.n_repeats()?, args.most_hz());
    let chance = Chance { seed, n_repeats, most_hz, format: out };
    refuse_weights(data)?;
    let progress = Progress::new(args.quiet);
    progress.stage("reading", None);
    let limit_bytes = args.memory_limit.or_else(default_memory_limit_bytes);
    let model_file = ModelFile::load(model)?;
    let observation = model_file.fit.model.observation;
    if !observation.has_events() {
        let name = observation.name();
        args.refuse_max_rate(&format!("a {name} model"), &format!("{name} responses have no rate"))?;
    }
    let mut applied = Applied::predict(model_file, data, limit_bytes, &progress)?;
    if !applied.data.bin_s.is_finite() {
        args.refuse_max_rate("arrays", "arrays have no time, hence no rates")?;
    }
    let notices = applied.notices(model, data, ["drawn", "responses"]);
    applied.data.notices.extend(notices);
    progress.stage("drawing responses", None);
    let draws = Draws::new(&applied, chance, limit_bytes)?;
    let text = if args.json {
        pretty(&output::document(args, (model, data), &applied, &draws)?.into())
    } else {
        output::text(&applied, &draws)
    };
    if let (Some(path), Some(format)) = (&args.out, out) {
        let bytes = match format {
            Format::Csv => output::csv(&applied.data, &draws)?,
            Format::Npz => output::npz(&applied.data, &draws)?,
        };
        save_bytes(path, &bytes)?;
    }
    drop(progress);
    if !args.quiet {
        applied.data.notices.iter().for_each(|notice| say(&format!("note: {notice}")));
        draws.warnings().iter().for_each(|warning| say(&format!("warning: {warning}")));
        args.out.iter().for_each(|path| say(&format!("responses written to {}", path.display())));
    }
    Ok(Report { text, converged: true })
}

/// The largest expected count of a bin under `--max-rate`.
///
/// # Errors
/// [`Error::Argument`] for more than what a population may expect in a bin.
fn most_expected(most_hz: f64, bin_s: f64) -> Result<f64> {
    let largest_hz = CoupledPopulation::LARGEST_EXPECTED / bin_s;
    if most_hz <= largest_hz {
        return Ok(most_hz * bin_s);
    }
    let expected = format!("at most {largest_hz:e} Hz, a million events in a bin");
    Err(Error::argument("--max-rate", expected, format!("{most_hz} Hz"), "write it like --max-rate 1000"))
}

/// What is said of a growth of excitation: nothing good of one below 1 where rates were held, since its rates are not those of the
/// model.
fn growth_line(growth: f64, n_held: usize) -> String {
    let means = match (growth < 1.0, n_held) {
        (true, 0) => "below 1, small disturbances die out",
        (true, _) => "below 1 at the mean rates, but rates were held: it may run away",
        (false, _) => "not below 1, may run away",
    };
    format!("growth of excitation from one generation of spikes to the next: {growth:.3} ({means})\n")
}

/// The warnings of a simulation in which rates of `unit` were held at the largest.
fn held_warning(n_held: usize, unit: &str, most_hz: f64) -> Option<String> {
    (n_held > 0).then(|| {
        format!(
            "{n_held} {unit} at {most_hz} Hz, the largest rate: what follows them is not what the model says; see --max-rate"
        )
    })
}
