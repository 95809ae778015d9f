//! `rheobase fit --observation categorical`.

use std::time::Instant;

use super::super::args::{FitArgs, Precision};
use super::super::array_columns::column_list;
use super::super::arrays::{Format, arrays};
use super::super::data::{self, Data, Targets};
use super::super::engine::Engine;
use super::super::fit::{command_line, recording_choices, refuse_for_arrays, study, study_toml};
use super::super::machine::default_memory_limit_bytes;
use super::super::penalty_args::Penalty;
use super::super::progress::{Progress, Total};
use super::super::run::{Report, pretty, say};
use super::super::{fit_text, mask, merge, plan_file};
use super::applied::of_classes;
use super::device::ClassWork;
use super::labels::{Labels, of_csv, only_labelled};
use super::{outputs, result};
use crate::glm::{CategoricalSpec, GlmSpec, PlanFrom, TOLERANCE_F32, TOLERANCE_F64};
use crate::regularizer::Regularizer;
use crate::write::categorical::CategoricalFile;
use crate::write::save::check_writable;
use crate::{Error, Result, solver};

/// A fit with its data, before anything is printed or written.
pub(super) struct Fitting {
    pub(super) data: Data,
    pub(super) model: CategoricalFile,
    pub(super) labels: Labels,
    pub(super) device: String,
    pub(super) seconds_total: f64,
}

/// Fits, and makes what is printed and written.
pub(in super::super) fn fit(args: &FitArgs) -> Result<Report> {
    if let Some(folder) = &args.common.out {
        check_writable(folder)?;
    }
    let progress = Progress::new(args.common.quiet);
    let fitting = run(args, &progress)?;
    let fit = &fitting.model.fit;
    let document = result::document(&fitting, &command_line(args), &study_toml(args));
    let mut text = if args.common.json { pretty(&document.clone().into()) } else { result::text(&fitting) };
    if args.explain && !args.common.json {
        text.push_str(&result::explanation(fit));
    }
    let written = match &args.common.out {
        Some(folder) => outputs::write(folder, &fitting, document, &progress)?,
        None => Vec::new(),
    };
    drop(progress);
    if !args.common.quiet {
        fitting.data.notices.iter().for_each(|notice| say(&format!("note: {notice}")));
        for target in &fit.targets {
            let title = result::title(&fitting.data, &target.name);
            target.warnings.iter().for_each(|warning| say(&format!("warning: {title}: {warning}")));
            let end = (target.status, target.iterations, target.loss_gap);
            fit_text::unfinished_of(end)
                .iter()
                .for_each(|warning| say(&format!("warning: {title}: {warning}")));
        }
        if let Some(folder) = &args.common.out {
            say(&format!("{} files written to {}", written.len(), folder.display()));
        }
    }
    Ok(Report { text, converged: fit.converged() })
}

/// Refuses options that fits of classes do not have.
fn refuse(args: &FitArgs) -> Result<()> {
    let given = [
        (
            "--test-epochs",
            !args.test_epochs.is_empty(),
            "score other epochs with `rheobase score MODEL DATA --epochs TAG`",
        ),
        ("--compare", !args.compare.is_empty(), "score every model with `rheobase score MODEL DATA`"),
        ("--test-against", args.test_against.is_some(), "compare the log-likelihoods of two fits"),
        (
            "--write-nwb",
            args.write_nwb.is_some(),
            "use --out DIR, which writes probabilities to tables/bins.csv",
        ),
        (
            "--true-couplings",
            args.true_couplings.is_some(),
            "leave it out: it is for counts of coupled units",
        ),
    ];
    match given.into_iter().find(|(_, is_given, _)| *is_given) {
        None => Ok(()),
        Some((option, _, help)) => {
            let expected = "another observation model: categorical fits do not have it";
            Err(Error::argument(option, expected, "categorical", help))
        }
    }
}

fn run(args: &FitArgs, progress: &Progress) -> Result<Fitting> {
    let started = Instant::now();
    let limit_bytes = args.common.memory_limit.or_else(default_memory_limit_bytes);
    progress.stage("reading", None);
    // what was typed is checked before anything is read
    refuse(args)?;
    args.model.check_categorical()?;
    args.penalty.check()?;
    args.cv.check(args.penalty.strength.as_ref())?;
    let typed = match args.penalty.regularizer {
        Penalty::Lasso => Regularizer::Lasso { strength: 1.0.into() },
        Penalty::ElasticNet => Regularizer::ElasticNet { strength: 1.0.into(), ratio: 1.0 },
        _ => Regularizer::None,
    };
    let named = |error| plan_file::in_file(args, error);
    let plan_from = plan_file::plan_from(args)?;
    let typed = specification(args, TOLERANCE_F64, None, (None, typed), plan_from.clone()).map_err(named)?;
    let mut on = Engine::new(&args.common, typed.get()).map_err(named)?;
    let (mut data, labels) = read(args, limit_bytes, progress)?;
    if let Some(path) = &args.mask {
        mask::apply(path, &mut data)?;
    }
    let is_single = data.is_f32() || args.common.precision == Precision::F32;
    check_offset(args, &data)?;
    let tolerance = if is_single { TOLERANCE_F32 } else { TOLERANCE_F64 };
    let fitting = Instant::now();
    let n_targets = data.names.len();
    progress.stage("fitting", (n_targets > 1).then_some(Total::Items(n_targets as u64)));
    let mut fits = Vec::with_capacity(n_targets);
    for (n_done, part) in data.parts.iter().enumerate() {
        let left = |limit: f64| (limit - fitting.elapsed().as_secs_f64()).max(f64::MIN_POSITIVE);
        let regularizer = args.penalty.of_part(&data, part)?;
        let plan_from = plan_file::of_group(&plan_from, n_done, data.parts.len()).map_err(named)?;
        let own = (args.time_limit.map(left), regularizer);
        let spec = specification(args, tolerance, limit_bytes, own, plan_from).map_err(named)?;
        let goal = spec.get().tolerance;
        let mut watcher = |at: solver::Progress| progress.solver(at, goal);
        let target = part.group.targets[0];
        let response = labels.of(&data, target);
        let plan = part.plan(&data, limit_bytes)?;
        let how = args.cv.of_part(args.penalty.strength.as_ref(), &data, part)?;
        let work = ClassWork { spec, how: how.as_ref(), plan: &plan, response: &response };
        fits.push(on.fit(work, &mut watcher).map_err(named)?);
        progress.reach(n_done as u64 + 1);
    }
    data.notices.extend(on.notices());
    let device = on.device();
    let fit = merge::merge_classes(&data, fits)?;
    let model = CategoricalFile::new(study(args, &data), fit);
    let seconds_total = started.elapsed().as_secs_f64();
    Ok(Fitting { data, model, labels, device, seconds_total })
}

fn specification(
    args: &FitArgs,
    tolerance: f64,
    limit_bytes: Option<u64>,
    (time_limit_s, regularizer): (Option<f64>, Regularizer),
    plan_from: PlanFrom,
) -> Result<CategoricalSpec> {
    CategoricalSpec::new(GlmSpec {
        regularizer,
        has_intercept: !args.model.no_intercept,
        solver: args.solver.into(),
        plan_from,
        tolerance: args.tolerance.unwrap_or(tolerance),
        max_iterations: args.max_iterations,
        time_limit_s: time_limit_s.or(args.time_limit),
        standard_errors: args.standard_errors.into(),
        memory_limit_bytes: limit_bytes,
        ..GlmSpec::default()
    })
}

fn read(args: &FitArgs, limit_bytes: Option<u64>, progress: &Progress) -> Result<(Data, Labels)> {
    let choice = &of_classes(&args.data);
    let mut data = match Format::of(choice) {
        Some(format) => {
            refuse_for_arrays(args)?;
            if format == Format::Csv {
                return of_csv(choice, limit_bytes);
            }
            arrays(format, choice, &Targets::Counted, limit_bytes)?
        }
        None => {
            let (bin_s, features) = recording_choices(args)?;
            let detect = args.data.detect_spikes.as_ref();
            data::recording(choice, &Targets::Counted, bin_s, detect, features, limit_bytes, progress)?
        }
    };
    only_labelled(&mut data, &Labels::Numbers, args.data.nan)?;
    Ok((data, Labels::Numbers))
}

/// Refuses an offset of several targets, whose classes need not be the same.
fn check_offset(args: &FitArgs, data: &Data) -> Result<()> {
    match &args.data.offset {
        Some(offset) if data.names.len() > 1 => {
            let found = format!("{offset} for {} ({})", data.names.len(), column_list(&data.names));
            let help = "fit one target at a time (--y COL or --unit ID), each with a column for each of its classes in their order";
            Err(Error::argument("--offset", "one target, whose classes its columns are of", found, help))
        }
        _ => Ok(()),
    }
}
