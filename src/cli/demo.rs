//! `rheobase demo`: from nothing to certified models, on a simulated recording.

use std::fmt::Write;
use std::path::Path;

use clap::Parser;
use tempfile::TempDir;

use super::args::{Cli, Command, DemoArgs, FitArgs, ScoreArgs};
use super::progress::Progress;
use super::run::Report;
use super::{fit, score, usage};
use crate::simulate::simulate;
use crate::write::nwb::write_session;
use crate::write::save::check_writable;
use crate::{Error, Result};

/// The two models of the field's tutorial: the current now, and its past 200 ms.
const MODELS: [(&str, &str); 2] =
    [("instantaneous", "stimulus*1e12"), ("history", "stimulus*1e12 : raised-cosine-log(8, window=200ms)")];

/// Epochs that the models have not seen: a repeat of the same stimulus, another noise, a ramp.
const HELD_OUT: [(&str, Option<&str>); 4] =
    [("Noise 1", Some("1")), ("Noise 1", Some("2")), ("Noise 2", None), ("Ramp", None)];

/// Simulates, fits, scores.
pub(super) fn demo(args: &DemoArgs) -> Result<Report> {
    if let Some(folder) = &args.out {
        check_writable(folder)?;
    }
    let progress = Progress::new(args.quiet);
    progress.stage("simulating a recording", None);
    let session = simulate(args.seed);
    let temporary = TempDir::new().map_err(|e| Error::io(&std::env::temp_dir(), e))?;
    let folder = args.out.as_deref().unwrap_or(temporary.path());
    let file = folder.join("recording.nwb");
    write_session(&file, &session)?;
    let mut text = format!(
        "A simulated recording (seed {}): {} epochs, {} spikes, current and voltage at 20 kHz.\n\n",
        args.seed,
        session.epochs.len(),
        session.spike_times_s.len()
    );
    let mut converged = true;
    for (name, feature) in MODELS {
        let fit_args = fit_arguments(&file, feature, &folder.join(name))?;
        progress.stage(format!("fitting the {name} model"), None);
        let report = fit::fit(&fit_args)?;
        let _ = writeln!(text, "== The {name} model, fitted to the first `Noise 1`: --feature '{feature}'\n");
        text.push_str(&report.text.replace(&file.display().to_string(), "recording.nwb"));
        converged &= report.converged;
        text.push_str("\nOn epochs that it has not seen:\n");
        for (epochs, k) in HELD_OUT {
            let scores = score_text(&folder.join(name).join("model.json"), &file, epochs, k, &progress)?;
            let number = k.map_or(String::new(), |k| format!(" --epoch {k}"));
            let _ = writeln!(text, "  --epochs '{epochs}'{number}: {scores}");
        }
        text.push('\n');
    }
    drop(progress);
    if args.out.is_some() {
        let _ = writeln!(
            text,
            "Everything is in {}; next: rheobase inspect {}",
            folder.display(),
            file.display()
        );
    } else {
        // the folder is gone when this is read
        text = text.replace(&format!("{}/", folder.display()), "");
        text.push_str(
            "Nothing was kept; `rheobase demo --out DIR` writes the recording, models and tables.\n",
        );
    }
    Ok(Report { text, converged })
}

/// Arguments as if typed, so that the demo runs what a user would.
fn fit_arguments(file: &Path, feature: &str, out: &Path) -> Result<FitArgs> {
    let words = ["--epochs", "Noise 1", "--epoch", "0", "--unit", "0", "--bin", "1ms", "--quiet"];
    let mut line = vec!["rheobase".into(), "fit".into(), file.as_os_str().to_owned()];
    line.extend(words.map(Into::into));
    line.extend(["--feature".into(), feature.into(), "--out".into(), out.as_os_str().to_owned()]);
    match parse(line)? {
        Command::Fit(args) => Ok(*args),
        _ => Err(not_a_command()),
    }
}

fn score_text(
    model: &Path,
    file: &Path,
    epochs: &str,
    k: Option<&str>,
    progress: &Progress,
) -> Result<String> {
    let mut line = vec!["rheobase".into(), "score".into(), model.as_os_str().to_owned()];
    line.extend([file.as_os_str().to_owned(), "--epochs".into(), epochs.into(), "--quiet".into()]);
    if let Some(k) = k {
        line.extend(["--epoch".into(), k.into()]);
    }
    match parse(line)? {
        Command::Score(args) => summary(&args, progress),
        _ => Err(not_a_command()),
    }
}

fn summary(args: &ScoreArgs, progress: &Progress) -> Result<String> {
    let targets = score::targets(args, progress)?.1;
    let line = |target: &score::TargetScores| {
        format!(
            "{} spikes, log-likelihood {:.6} per bin, pseudo-R2 {:.3} (McFadden)",
            target.n_events, target.scores.log_likelihood, target.scores.pseudo_r2_mcfadden
        )
    };
    Ok(targets.iter().map(line).collect::<Vec<_>>().join("; "))
}

fn parse(line: Vec<std::ffi::OsString>) -> Result<Command> {
    let words: Vec<String> = line.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    // a wrong setting of the environment is the one thing that a user can do about it
    let refuse = |error: clap::Error| usage::error(&error, &words).unwrap_or_else(not_a_command);
    Cli::try_parse_from(line).map(|cli| cli.command).map_err(refuse)
}

fn not_a_command() -> Error {
    Error::argument(
        "demo",
        "a line that the command line accepts",
        "another",
        "choose a plain path for --out",
    )
}
