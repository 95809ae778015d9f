//! `rheobase fit`: data in, certified model out.

use std::sync::Arc;
use std::time::Instant;

use ndarray::Array1;

use super::applied::mixed;
use super::args::{FitArgs, Precision};
use super::arrays::{Format, arrays};
use super::beside::{Beside, Compared, HeldOut};
use super::categorical::OfClasses;
use super::checkpoint::{self, Keeper};
use super::comparable::Observed;
use super::couplings::{self, Truth};
use super::data::{self, Data, Part, Targets, typed_features};
use super::ended::{self, Ended};
use super::engine::{Device, Engine, TargetWork};
use super::fit_words::{command_line, study};
use super::goodness::Goodness;
use super::machine::default_memory_limit_bytes;
use super::progress::{Progress, Total};
use super::run::{Report, pretty, say};
use super::tested::{Smaller, Tested};
use super::{
    filters, fit_text, mask, merge, outputs, plan_file, result, score_rows, signals, surfaces, write_back,
};
use crate::design::DesignPlan;
use crate::glm::{CheckedSpec, CrossValidation, FittedGlm, GlmSpec, Response, TOLERANCE_F32, TOLERANCE_F64};
use crate::objective::OwnedCounts;
use crate::regularizer::Regularizer;
use crate::solver::Status;
use crate::stop::time_left;
use crate::write::json::json_bytes;
use crate::write::model::ModelFile;
use crate::write::save::{PendingFile, check_writable};
use crate::{Error, Result, solver};

/// Targets whose way to the optimum is kept and drawn: each costs a pass over the rows at every step.
pub(super) const MOST_HISTORIES: usize = 12;

/// A fit with its data, before anything is printed or written.
pub(super) struct Fitting {
    /// What tables and figures call the model: the name of the folder that it is written to.
    pub(super) name: String,
    pub(super) data: Data,
    pub(super) model: ModelFile,
    /// What computed it.
    pub(super) device: Device,
    /// Counts that the fit expects in every bin, one entry per target, NaN where a feature is unknown.
    pub(super) expected: Vec<Array1<f64>>,
    /// Other models on the same bins.
    pub(super) compared: Vec<Compared>,
    /// The fit on epochs that it has not seen.
    pub(super) held_out: Vec<HeldOut>,
    /// Tests against a smaller model.
    pub(super) tested: Option<Tested>,
    /// Couplings that are known.
    pub(super) truth: Option<Truth>,
    /// What belongs to all classes of a target together, where targets are classes.
    pub(super) of_classes: Option<OfClasses>,
    pub(super) seconds_total: f64,
    /// What can go on from where it stopped.
    pub(super) keeper: Arc<Keeper>,
    /// The signal that stopped it, if one did: then nothing beside the fit was computed.
    pub(super) stopped_by: Option<String>,
}

/// Fits, and makes what is printed and written.
pub(super) fn fit(args: &FitArgs) -> Result<Report> {
    if let Some(folder) = &args.common.out {
        check_writable(folder)?;
    }
    write_back::check(args)?;
    checkpoint::check(args)?;
    let progress = Progress::new(args.common.quiet);
    let fitting = run(args, &progress)?;
    let command = command_line(args);
    let mut document = result::document(&fitting, &command, &study_toml(args));
    if let Some(by) = &fitting.stopped_by {
        let text = if args.common.json { String::new() } else { fit_text::text(&fitting, &document) };
        let ended = Ended { by, keeper: &fitting.keeper, progress };
        return ended.report(args, document, &json_bytes(&fitting.model)?, text);
    }
    let is_late = fitting.model.fit.targets.iter().any(|target| target.status == Status::Stopped);
    if is_late {
        fitting.keeper.write();
        ended::mark(&mut document, "--time-limit", &fitting.keeper);
    }
    if args.common.out.is_some() {
        Goodness::new(&fitting).map(|own| document.insert("goodness".into(), own.document()));
    }
    let compared = couplings::Compared::of(&fitting)?;
    compared.iter().for_each(|compared| drop(document.insert("couplings".into(), compared.json())));
    let copy = write_back::prepare(args, &fitting, &command, &mut document)?;
    let mut text =
        if args.common.json { pretty(&document.clone().into()) } else { fit_text::text(&fitting, &document) };
    if !args.common.json {
        text.push_str(&score_rows::text(&fitting));
        if let Some(tested) = &fitting.tested {
            let targets = fitting.model.fit.targets.iter();
            let lines = tested.lines(targets.map(|target| fit_text::title(&fitting.data, target)));
            lines.iter().for_each(|line| text.extend([line, "\n"]));
        }
    }
    if let Some(compared) = compared.filter(|_| !args.common.json) {
        text.push_str(&compared.text());
    }
    if args.explain && !args.common.json {
        text.push_str(&fit_text::explanation(&fitting.model.fit, &fitting.device.title));
    }
    let written = match &args.common.out {
        Some(folder) => outputs::write(folder, &fitting, document, copy, &progress)?,
        None => {
            copy.map(PendingFile::commit).transpose()?;
            Vec::new()
        }
    };
    signals::is_done();
    if !is_late {
        fitting.keeper.finish();
    }
    drop(progress);
    if !args.common.quiet {
        fitting.data.notices.iter().for_each(|notice| say(&format!("note: {notice}")));
        for set in &fitting.held_out {
            set.own_notices(&fitting.data).for_each(|notice| say(&format!("note: {notice}")));
        }
        for target in &fitting.model.fit.targets {
            for warning in &target.warnings {
                say(&format!("warning: {}: {warning}", fit_text::title(&fitting.data, target)));
            }
            if let Some(warning) = fit_text::unfinished(target) {
                say(&format!("warning: {}: {warning}", fit_text::title(&fitting.data, target)));
            }
        }
        if let Some(folder) = &args.common.out {
            say(&format!("{} files written to {}", written.len(), folder.display()));
        }
        if let Some(path) = &args.write_nwb {
            say(&format!("copy with filters and predicted rates written to {}", path.display()));
        }
        if is_late {
            say(&fitting.keeper.remark());
        }
    }
    Ok(Report { text, converged: fitting.model.fit.converged() })
}

/// The study that a fit would carry out, which is all of `--print-config`.
pub(super) fn print_study(args: &FitArgs) -> Result<Report> {
    if let Some(key) = args.study.no_text() {
        let help = "rename it, or fit without --print-config";
        return Err(Error::argument(key, "a value in UTF-8, for TOML", "other bytes", help));
    }
    Ok(Report { text: args.study.with_comments(), converged: true })
}

/// The resolved study of a fit: every option that has a value, as TOML that reads back to the same fit.
pub(super) fn study_toml(args: &FitArgs) -> String {
    args.study.toml()
}

/// Reads, builds the features and fits.
pub(super) fn run(args: &FitArgs, progress: &Progress) -> Result<Fitting> {
    let started = Instant::now();
    let limit_bytes = args.common.memory_limit.or_else(default_memory_limit_bytes);
    progress.stage("reading", None);
    // what was typed is checked before anything is read
    check_numbers(args)?;
    let name = outputs::model_name(args.common.out.as_deref());
    let beside = Beside::check(args, &name, limit_bytes)?;
    let smaller = Smaller::read(args)?;
    let truth = Truth::read(args, limit_bytes)?;
    let mut data = load(args, limit_bytes, progress)?;
    truth.iter().try_for_each(|truth| truth.check(&data))?;
    data.observation = args.model.model()?.observation;
    let mut notices: Vec<String> = args.penalty.notice(&data).into_iter().collect();
    notices.extend(args.compare.iter().chain(&args.test_against).filter_map(|model| mixed(model)));
    if args.common.out.is_some() {
        notices.extend(outputs::notices(&data));
    }
    data.notices.extend(notices);
    let beside = beside.read(&Observed { data: &data, response: &() }, progress)?;
    let left_bytes = data.left_of(limit_bytes)?;
    let spec = specification(args, &data, left_bytes)?;
    let keeper = Arc::new(Keeper::begin(args, &data.input.sha256)?);
    let fitting = Instant::now();
    let mut fits = Vec::with_capacity(data.parts.len());
    let n_targets = data.names.len();
    progress.stage("fitting", (n_targets > 1).then_some(Total::Items(n_targets as u64)));
    let mut n_done = 0;
    let named = |error| plan_file::in_file(args, error);
    let mut on = Engine::new(&args.common, spec.get())?;
    signals::goes_on(Arc::clone(&keeper));
    for (group, part) in data.parts.iter().enumerate() {
        // one time limit for all
        let mut own = spec.get().clone();
        own.time_limit_s = time_left(own.time_limit_s, fitting);
        own.regularizer = args.penalty.of_part(&data, part)?;
        own.plan_from = plan_file::of_group(&own.plan_from, group, data.parts.len()).map_err(named)?;
        if args.common.out.is_some() {
            own.n_histories = MOST_HISTORIES.saturating_sub(n_done);
        }
        if args.common.out.is_some() || args.write_nwb.is_some() {
            own.covariance_of = filters::blocks(&data, part);
            own.covariance_of.extend(surfaces::blocks(&data, part));
        }
        (own.stop, own.journal) = (signals::stop(), keeper.journal().within(format!("group {group}")));
        let goal = own.tolerance;
        let mut watcher = |at: solver::Progress| {
            progress.solver(at, goal);
            progress.reach((n_done + part.group.targets.len() - at.n_active) as u64);
            keeper.write_in_time();
        };
        let plan = part.plan(&data, left_bytes)?;
        let own = own.check().map_err(named)?;
        let how = args.cv.of_part(args.penalty.strength.as_ref(), &data, part)?;
        let fitted = if group > 0 && signals::is_stopped() {
            Err(Error::Interrupted)
        } else {
            fit_part(&mut on, &data, part, &plan, (&own, how.as_ref()), &mut watcher)
        };
        fits.push(match fitted {
            // where an earlier part has something to say, this one has no more than its start
            Err(Error::Interrupted) if group > 0 => not_begun(&data, part, &plan, &own)?,
            fitted => fitted.map_err(named)?,
        });
        n_done += part.group.targets.len();
        progress.reach(n_done as u64);
    }
    let fit = merge::merge(&data, fits)?;
    let stopped_by = if signals::is_stopped() { signals::stopped_by() } else { None };
    let (mut tested, mut expected, mut of_others) = (None, Vec::new(), (Vec::new(), Vec::new()));
    if stopped_by.is_none() {
        tested = smaller.map(|smaller| smaller.test(&mut on, &data, &fit, spec.get())).transpose()?;
    }
    data.notices.extend(on.notices());
    let device = on.device();
    let model = ModelFile::new(study(args, &data), fit);
    if stopped_by.is_none() {
        progress.stage("scoring", None);
        expected = data.expected(&model.fit)?;
        let fitted = Observed { data: &data, response: &() };
        of_others = beside.score(&model, &fitted, &expected)?;
    }
    let (compared, held_out) = of_others;
    let seconds_total = started.elapsed().as_secs_f64();
    let of_classes = None;
    Ok(Fitting {
        name,
        data,
        model,
        device,
        expected,
        compared,
        held_out,
        tested,
        truth,
        of_classes,
        seconds_total,
        keeper,
        stopped_by,
    })
}

/// Reads the data of a fit and builds their features; each target with those that it may use.
pub(super) fn load(args: &FitArgs, limit_bytes: Option<u64>, progress: &Progress) -> Result<Data> {
    let mut data = read(args, limit_bytes, progress)?;
    if let Some(path) = &args.mask {
        mask::apply(path, &mut data)?;
    }
    Ok(data)
}

fn read(args: &FitArgs, limit_bytes: Option<u64>, progress: &Progress) -> Result<Data> {
    match Format::of(&args.data) {
        Some(format) => {
            refuse_for_arrays(args)?;
            arrays(format, &args.data, &Targets::Counted, limit_bytes)
        }
        None => {
            let (bin_s, features) = recording_choices(args)?;
            let detect = args.data.detect_spikes.as_ref();
            data::recording(&args.data, &Targets::Counted, bin_s, detect, features, limit_bytes, progress)
        }
    }
}

/// Checks the numbers that were typed, which needs no data.
pub(super) fn check_numbers(args: &FitArgs) -> Result<()> {
    args.penalty.check()?;
    args.cv.check(args.penalty.strength.as_ref())?;
    with_tolerance(args, TOLERANCE_F64, None, Regularizer::None).map(drop)
}

/// What to fit and how far, with the penalty of the first part of the data: every part has columns of its own.
pub(super) fn specification(args: &FitArgs, data: &Data, limit_bytes: Option<u64>) -> Result<CheckedSpec> {
    let is_single = data.is_f32() || args.common.precision == Precision::F32;
    let tolerance = if is_single { TOLERANCE_F32 } else { TOLERANCE_F64 };
    let regularizer = match data.parts.first() {
        Some(part) => args.penalty.of_part(data, part)?,
        None => Regularizer::None,
    };
    with_tolerance(args, tolerance, limit_bytes, regularizer)
}

fn with_tolerance(
    args: &FitArgs,
    tolerance: f64,
    limit_bytes: Option<u64>,
    regularizer: Regularizer,
) -> Result<CheckedSpec> {
    GlmSpec {
        model: args.model.model()?,
        dispersion: args.model.dispersion_from(),
        regularizer,
        has_intercept: !args.model.no_intercept,
        solver: args.solver.into(),
        plan_from: plan_file::plan_from(args)?,
        tolerance: args.tolerance.unwrap_or(tolerance),
        max_iterations: args.max_iterations,
        time_limit_s: args.time_limit,
        standard_errors: args.standard_errors.into(),
        memory_limit_bytes: limit_bytes,
        ..GlmSpec::default()
    }
    .check()
    .map_err(|error| plan_file::in_file(args, error))
}

pub(super) fn refuse_for_arrays(args: &FitArgs) -> Result<()> {
    if args.bin.is_some() || !args.feature.is_empty() {
        return Err(Error::argument(
            if args.bin.is_some() { "--bin" } else { "--feature" },
            "an NWB file",
            args.data.data.display().to_string(),
            "leave it out: the columns of the array are the features, its rows the bins",
        ));
    }
    Ok(())
}

pub(super) fn recording_choices(args: &FitArgs) -> Result<(f64, Vec<crate::features::StudyFeature>)> {
    // a file that cannot be read is the first thing to be told about
    crate::read::nwb::open(&args.data.data)?;
    let file = args.data.data.display();
    let Some(bin_s) = args.bin else {
        return Err(Error::argument(
            "bin",
            "the width of a bin",
            "nothing",
            "add --bin 1ms (in a study, bin = \"1ms\")",
        ));
    };
    if args.feature.is_empty() {
        let help = format!("add --feature 'NAME'; `rheobase inspect {file}` ends with a line to paste");
        return Err(Error::argument("feature", "at least one feature", "nothing", help));
    }
    Ok((bin_s, typed_features(&args.feature)?))
}

/// Fits the targets of one part, with strengths by cross-validation if that is how.
pub(super) fn fit_part(
    on: &mut Engine,
    data: &Data,
    part: &Part,
    plan: &DesignPlan,
    (spec, how): (&CheckedSpec, Option<&CrossValidation>),
    watcher: &mut (dyn FnMut(solver::Progress) + Send),
) -> Result<FittedGlm> {
    let mut selected = None;
    let response = response_of(data, part, &mut selected);
    let work = TargetWork { spec: spec.clone(), how, plan, response: &response };
    on.fit(work, watcher).map_err(|error| match error {
        // which array of which file
        Error::Domain { row, column, expected, value, .. } => {
            let what = data.response_of(part.group.targets[column]);
            Error::Domain { what, row: data.row(row), column: part.group.targets[column], expected, value }
        }
        other => data.with_held(other),
    })
}

/// What there is of the targets of one part whose fit was asked to stop before its first step.
fn not_begun(data: &Data, part: &Part, plan: &DesignPlan, spec: &CheckedSpec) -> Result<FittedGlm> {
    spec.not_begun(plan, &response_of(data, part, &mut None))
}

/// The response of one part, whose counts are copied only where they are not all of them in their order.
fn response_of<'a>(data: &'a Data, part: &Part, selected: &'a mut Option<OwnedCounts>) -> Response<'a> {
    let own = &part.group.targets;
    let are_all = own.iter().copied().eq(0..data.y.ncols());
    let names = own.iter().map(|&target| data.names[target].clone()).collect();
    let y = if are_all { &data.y } else { selected.insert(data.y.select(own)) };
    Response { y: y.view(), names }
}
