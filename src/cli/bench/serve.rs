//! `rheobase bench serve`: a warm engine for others to time.
//!
//! A program that is timed from outside pays for its start and for reading files, which is not what a library in the
//! same process pays. So the data are read once, and then every line of stdin is one fit, from the data in memory on:
//! scaling, solver and certificate are made anew each time. A line is empty or `{}`; whoever sends the lines decides
//! about pauses and about what runs between the fits. Each answer is one line of JSON:
//!
//! ```text
//! {"fit": 1, "seconds": {"fit": .., "inference": .., "total": ..}, "solver": .., "precision": .., "tolerance": ..,
//!  "converged": true, "peak_memory_bytes": .., "targets": [as `rheobase fit --json` has them]}
//! ```
//!
//! `seconds.fit` is data in memory to certified coefficients, `seconds.inference` the standard errors, `seconds.total`
//! both with scores and everything else; writing the answer is in none of them. The end of stdin ends the program,
//! with exit code 4 if some fit did not arrive.

use std::io::{self, BufRead, Write};
use std::time::Instant;

use serde_json::{Map, Value, json};

use super::super::args::FitArgs;
use super::super::data::Data;
use super::super::engine::Engine;
use super::super::machine::{default_memory_limit_bytes, peak_memory_bytes};
use super::super::progress::Progress;
use super::super::run::{Report, settle_threads};
use super::super::{fit, merge, plan_file, result};
use super::args::REFUSED;
use crate::glm::{CheckedSpec, FittedGlm};
use crate::{Error, Result};

/// Seconds of one fit.
struct Seconds {
    fit: f64,
    inference: f64,
    total: f64,
}

/// Loads the data, then fits once for each line of stdin.
pub(super) fn serve(args: &FitArgs) -> Result<Report> {
    settle_threads(args.common.threads)?;
    refuse(args)?;
    let limit_bytes = args.common.memory_limit.or_else(default_memory_limit_bytes);
    fit::check_numbers(args)?;
    let progress = Progress::new(args.common.quiet);
    progress.stage("reading", None);
    let data = fit::load(args, limit_bytes, &progress)?;
    let spec = fit::specification(args, &data, limit_bytes)?;
    drop(progress);
    // kept between the fits, with its scratch
    let mut on = Engine::new(&args.common, spec.get())?;
    let mut converged = true;
    for (index, line) in io::stdin().lock().lines().enumerate() {
        check_line(index + 1, line)?;
        let fitted = fit_once(&mut on, &data, args, &spec);
        let (fitted, seconds) = fitted.map_err(|error| plan_file::in_file(args, error))?;
        converged &= fitted.converged();
        if !answered(&answer(index + 1, &fitted, &seconds))? {
            break;
        }
    }
    Ok(Report { text: String::new(), converged })
}

/// Refuses options of `fit` that would do nothing here.
fn refuse(args: &FitArgs) -> Result<()> {
    let are_given = [
        args.common.out.is_some(),
        args.write_nwb.is_some(),
        !args.compare.is_empty(),
        !args.test_epochs.is_empty(),
        args.explain,
        args.print_config,
        args.cv.cv.is_some(),
        args.test_against.is_some(),
        args.true_couplings.is_some(),
        args.checkpoint.resume,
        args.checkpoint.checkpoint.is_some(),
        args.checkpoint.checkpoint_every.is_some(),
    ];
    for (field, is_given) in REFUSED.into_iter().zip(are_given) {
        if is_given {
            let (option, help) =
                (format!("--{}", field.replace('_', "-")), "leave it out, or use `rheobase fit`");
            return Err(Error::argument(option, "`bench serve` without it", "both", help));
        }
    }
    Ok(())
}

/// A line that asks for a fit.
fn check_line(number: usize, line: io::Result<String>) -> Result<()> {
    let help = "send an empty line or {} for every fit, and end the input to stop";
    let wrong =
        |found: String| Error::argument(format!("stdin, line {number}"), "an empty line or {}", found, help);
    let line = line.map_err(|error| wrong(error.to_string()))?;
    match line.trim() {
        "" | "{}" => Ok(()),
        other => Err(wrong(format!("`{other}`"))),
    }
}

/// One fit of all targets.
fn fit_once(
    on: &mut Engine,
    data: &Data,
    args: &FitArgs,
    spec: &CheckedSpec,
) -> Result<(FittedGlm, Seconds)> {
    let started = Instant::now();
    let mut seconds = Seconds { fit: 0.0, inference: 0.0, total: 0.0 };
    let mut fits = Vec::with_capacity(data.parts.len());
    for (group, part) in data.parts.iter().enumerate() {
        let mut own = spec.get().clone();
        own.regularizer = args.penalty.of_part(data, part)?;
        own.plan_from = plan_file::of_group(&own.plan_from, group, data.parts.len())?;
        let own = own.check()?;
        let planning = Instant::now();
        let plan = part.plan(data, spec.get().memory_limit_bytes)?;
        let planned_s = planning.elapsed().as_secs_f64();
        let fitted = fit::fit_part(on, data, part, &plan, (&own, None), &mut |_| {})?;
        seconds.fit += planned_s + fitted.seconds.fit;
        seconds.inference += fitted.seconds.inference;
        fits.push(fitted);
    }
    let fitted = merge::merge(data, fits)?;
    seconds.total = started.elapsed().as_secs_f64();
    Ok((fitted, seconds))
}

fn answer(number: usize, fitted: &FittedGlm, seconds: &Seconds) -> Value {
    let mut answer = Map::new();
    let mut add = |name: &str, value: Value| {
        answer.insert(name.into(), value);
    };
    add("fit", number.into());
    add("seconds", json!({ "fit": seconds.fit, "inference": seconds.inference, "total": seconds.total }));
    add("solver", fitted.solver.clone().into());
    add("precision", fitted.plan.storage.clone().into());
    add("tolerance", fitted.tolerance.into());
    add("converged", fitted.converged().into());
    add("peak_memory_bytes", json!(peak_memory_bytes()));
    add("targets", fitted.targets.iter().map(result::target).collect());
    answer.into()
}

/// Writes a line at once; whether somebody still reads.
pub(super) fn answered(answer: &Value) -> Result<bool> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{answer}").and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Error::io("standard output".as_ref(), error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_empty_or_an_empty_object() {
        for line in ["", "  ", "{}", " {} "] {
            check_line(1, Ok(line.into())).unwrap();
        }
        let error = check_line(3, Ok("fit".into())).unwrap_err();
        assert_eq!(error.to_string(), "stdin, line 3: expected an empty line or {}, found `fit`");
        assert!(error.help().contains("an empty line"));
    }
}
