//! `rheobase demo`: from nothing to certified models and a report, on a simulated recording.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Parser};

use super::args::{Cli, Command, FitArgs};
use super::examples::DEMO_HELP;
use super::progress::Progress;
use super::run::{Report, settle_threads};
use super::shell::shell_word;
use super::{fit, signals, usage};
use crate::simulate::simulate;
use crate::write::nwb::write_session;
use crate::write::save::check_writable;
use crate::{Error, Result};

/// Arguments of `demo`.
#[derive(Debug, Args)]
#[command(after_help = DEMO_HELP)]
pub struct DemoArgs {
    /// Seed of the simulation
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Write the recording, the models and their reports into this folder
    #[arg(long, value_name = "DIR", default_value = "rheobase-demo")]
    pub out: PathBuf,
    /// No progress
    #[arg(long)]
    pub quiet: bool,
}

/// The two models of the field's tutorial: the current now, and its past 200 ms.
const MODELS: [(&str, &str); 2] =
    [("instantaneous", "stimulus*1e12"), ("history", "stimulus*1e12 : raised-cosine-log(8, window=200ms)")];

/// Epochs that the models have not seen: repeats of the same stimulus, another noise, a ramp.
const HELD_OUT: [&str; 3] = ["Noise 1", "Noise 2", "Ramp"];

/// Simulates, fits, compares, reports.
pub(super) fn demo(args: &DemoArgs) -> Result<Report> {
    let folder = &args.out;
    let file = folder.join("recording.nwb");
    // the settings of the environment, wrong ones before anything is written
    settle_threads(fit_arguments(&file, MODELS[0].1, folder, MODELS[0].0, None)?.common.threads)?;
    check_writable(folder)?;
    let progress = Progress::new(args.quiet);
    progress.stage("simulating a recording", None);
    let session = simulate(args.seed);
    write_session(&file, &session)?;
    let mut text = format!(
        "A simulated recording (seed {}): {} epochs, {} spikes, current and voltage at 20 kHz.\n",
        args.seed,
        session.epochs.len(),
        session.spike_times_s.len()
    );
    let mut converged = true;
    let mut before: Option<&str> = None;
    for (name, feature) in MODELS {
        let fit_args = fit_arguments(&file, feature, folder, name, before)?;
        progress.stage(format!("fitting the {name} model"), None);
        let report = fit::fit(&fit_args)?;
        signals::stop().check()?;
        // writing to a string cannot fail, here and below
        let _ = writeln!(
            text,
            "\n== The {name} model, fitted to the first `Noise 1`: --feature '{feature}'\n\n{}",
            report.text.trim_end()
        );
        converged &= report.converged;
        before = Some(name);
    }
    drop(progress);
    let _ = writeln!(
        text,
        "\nNext: rheobase inspect {}\nThe report, for your browser: {}",
        shell_word(&file.display().to_string()),
        folder.join(MODELS[1].0).join("report.html").display()
    );
    Ok(Report { text, converged })
}

/// Arguments as if typed, so that the demo runs what a user would: the model is compared with the one before it.
fn fit_arguments(
    file: &Path,
    feature: &str,
    folder: &Path,
    name: &str,
    before: Option<&str>,
) -> Result<FitArgs> {
    let words =
        ["--epochs", "Noise 1", "--epoch", "0", "--unit", "0", "--bin", "1ms", "--quiet", "--feature"];
    let mut line: Vec<OsString> = vec!["rheobase".into(), "fit".into(), file.into()];
    line.extend(words.map(Into::into));
    line.extend([feature.into(), "--out".into(), folder.join(name).into()]);
    if let Some(before) = before {
        line.extend(["--compare".into(), folder.join(before).join("model.json").into()]);
        HELD_OUT.iter().for_each(|tag| line.extend(["--test-epochs".into(), tag.into()]));
    }
    let words: Vec<String> = line.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let not_a_fit = || {
        let found = folder.display().to_string();
        Error::argument("--out", "a folder that the command line accepts", found, "choose a plain name")
    };
    match Cli::try_parse_from(line).map(|cli| cli.command) {
        Ok(Command::Fit(args)) => Ok(*args),
        Ok(_) => Err(not_a_fit()),
        // a wrong setting of the environment is the one thing that a user can do about it
        Err(error) => Err(usage::error(&error, &words).unwrap_or_else(not_a_fit)),
    }
}
