//! `rheobase fit --observation categorical`.

use std::sync::Arc;
use std::time::Instant;

use super::super::applied::mixed;
use super::super::args::{FitArgs, Precision};
use super::super::array_columns::column_list;
use super::super::arrays::{Format, arrays};
use super::super::beside::{Beside, Compared, HeldOut};
use super::super::checkpoint::{self, Keeper};
use super::super::comparable::Observed;
use super::super::data::{self, Data, Targets};
use super::super::ended::{self, Ended};
use super::super::engine::{Device, Engine};
use super::super::fit::{MOST_HISTORIES, recording_choices, refuse_for_arrays, study_toml};
use super::super::fit_words::{command_line, study};
use super::super::machine::default_memory_limit_bytes;
use super::super::penalty_args::Penalty;
use super::super::progress::{Progress, Total};
use super::super::run::{Report, pretty, say};
use super::super::score_rows::{self, Scored};
use super::super::tested::Tested;
use super::super::{filters, fit_text, mask, merge, outputs, plan_file, signals, surfaces, write_back};
use super::applied::{Probabilities, of_classes, probabilities};
use super::labels::{Labels, of_csv, only_labelled};
use super::scored::ClassScores;
use super::view::view;
use super::{result, tested};
use crate::glm::{CategoricalSpec, ClassWork, GlmSpec, PlanFrom, TOLERANCE_F32, TOLERANCE_F64, confusion};
use crate::regularizer::Regularizer;
use crate::solver::Status;
use crate::stop::time_left;
use crate::write::categorical::CategoricalFile;
use crate::write::json::json_bytes;
use crate::write::save::{PendingFile, check_writable};
use crate::{Error, Result, solver};

/// A fit with its data, before anything is printed or written.
pub(super) struct Fitting {
    /// What tables call the model: the name of the folder that it is written to.
    pub(super) name: String,
    pub(super) data: Data,
    pub(super) model: CategoricalFile,
    pub(super) labels: Labels,
    /// Of every bin, one entry per target.
    pub(super) probabilities: Vec<Probabilities>,
    /// Of the bins that were fitted, one entry per target.
    pub(super) scores: Vec<ClassScores>,
    /// Other models on the same bins.
    pub(super) compared: Vec<Compared<CategoricalFile>>,
    /// The fit on epochs that it has not seen.
    pub(super) held_out: Vec<HeldOut<CategoricalFile>>,
    /// Tests against a smaller model.
    pub(super) tested: Option<Tested>,
    pub(super) device: Device,
    pub(super) seconds_total: f64,
    /// What can go on from where it stopped.
    pub(super) keeper: Arc<Keeper>,
    /// The signal that stopped it, if one did: then nothing beside the fit was computed.
    pub(super) stopped_by: Option<String>,
}

/// Fits, and makes what is printed and written.
pub(in super::super) fn fit(args: &FitArgs) -> Result<Report> {
    if let Some(folder) = &args.common.out {
        check_writable(folder)?;
    }
    write_back::check(args)?;
    checkpoint::check(args)?;
    let progress = Progress::new(args.common.quiet);
    let fitting = run(args, &progress)?;
    let command = command_line(args);
    let mut document = result::document(&fitting, &command, &study_toml(args));
    let keeper = Arc::clone(&fitting.keeper);
    if let Some(by) = &fitting.stopped_by {
        let text = if args.common.json { String::new() } else { result::text(&fitting, &document) };
        let ended = Ended { by, keeper: &keeper, progress };
        return ended.report(args, document, &json_bytes(&fitting.model)?, text);
    }
    let is_late = fitting.model.fit.targets.iter().any(|target| target.status == Status::Stopped);
    if is_late {
        keeper.write();
        ended::mark(&mut document, "--time-limit", &keeper);
    }
    let mut text =
        if args.common.json { pretty(&document.clone().into()) } else { result::text(&fitting, &document) };
    if !args.common.json {
        let scored = scored(&fitting);
        text.push_str(&score_rows::text_of(&scored));
        let tests = fitting.tested.iter().flat_map(|own| own.lines(scored.titles.iter().cloned()));
        tests.for_each(|line| text.extend([line.as_str(), "\n"]));
    }
    if args.explain && !args.common.json {
        text.push_str(&result::explanation(&fitting.model.fit, &fitting.device.title));
    }
    let (converged, mut said) = (fitting.model.fit.converged(), told(&fitting));
    if args.common.out.is_some() || args.write_nwb.is_some() {
        let view = view(fitting);
        let copy = write_back::prepare(args, &view, &command, &mut document)?;
        if let Some(folder) = &args.common.out {
            let written = outputs::write(folder, &view, document, copy, &progress)?;
            said.push(format!("{} files written to {}", written.len(), folder.display()));
        } else {
            copy.map(PendingFile::commit).transpose()?;
        }
    }
    signals::is_done();
    if is_late {
        said.push(keeper.remark());
    } else {
        keeper.finish();
    }
    if let Some(path) = &args.write_nwb {
        said.push(format!("copy with filters and predicted probabilities written to {}", path.display()));
    }
    drop(progress);
    if !args.common.quiet {
        said.iter().for_each(|line| say(line));
    }
    Ok(Report { text, converged })
}

/// Notes and warnings.
fn told(fitting: &Fitting) -> Vec<String> {
    let mut said: Vec<String> = fitting.data.notices.iter().map(|notice| format!("note: {notice}")).collect();
    let of_sets = fitting.held_out.iter().flat_map(|set| set.own_notices(&fitting.data));
    said.extend(of_sets.map(|notice| format!("note: {notice}")));
    for target in &fitting.model.fit.targets {
        let title = fitting.data.title(&target.name);
        let unfinished = fit_text::unfinished_of((target.status, target.iterations, target.loss_gap));
        let warnings = target.warnings.iter().chain(&unfinished);
        said.extend(warnings.map(|warning| format!("warning: {title}: {warning}")));
    }
    said
}

/// The fit with what stands beside it.
pub(super) fn scored(fitting: &Fitting) -> Scored<'_, CategoricalFile> {
    let targets = &fitting.model.fit.targets;
    Scored {
        name: &fitting.name,
        study: &fitting.model.study,
        data: &fitting.data,
        titles: targets.iter().map(|target| fitting.data.title(&target.name)).collect(),
        scores: fitting.scores.iter().collect(),
        compared: &fitting.compared,
        held_out: &fitting.held_out,
    }
}

/// Refuses options that fits of classes do not have.
fn refuse(args: &FitArgs) -> Result<()> {
    let given = [(
        "--true-couplings",
        args.true_couplings.is_some(),
        "leave it out: it is for counts of coupled units",
    )];
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
    let named = |error| plan_file::in_file(args, error);
    let plan_from = plan_file::plan_from(args)?;
    let typed = typed(args, plan_from.clone())?;
    let mut on = Engine::new(&args.common, typed.get()).map_err(named)?;
    let name = outputs::model_name(args.common.out.as_deref());
    let beside = Beside::<CategoricalFile>::check(args, &name, limit_bytes)?;
    let smaller = tested::read(args)?;
    let (mut data, labels) = read(args, limit_bytes, progress)?;
    if let Some(path) = &args.mask {
        mask::apply(path, &mut data)?;
    }
    data.notices.extend(args.penalty.notice(&data));
    data.notices.extend(args.compare.iter().chain(&args.test_against).filter_map(|model| mixed(model)));
    if args.common.out.is_some() {
        let notices = outputs::notices(&data);
        data.notices.extend(notices);
    }
    let is_single = data.is_f32() || args.common.precision == Precision::F32;
    check_offset(args, &data)?;
    let beside = beside.read(&Observed { data: &data, response: &labels }, progress)?;
    let tolerance = if is_single { TOLERANCE_F32 } else { TOLERANCE_F64 };
    let left_bytes = data.left_of(limit_bytes)?;
    let keeper = Arc::new(Keeper::begin(args, &data.input.sha256)?);
    let fitting = Instant::now();
    let n_targets = data.names.len();
    progress.stage("fitting", (n_targets > 1).then_some(Total::Items(n_targets as u64)));
    let mut fits = Vec::with_capacity(n_targets);
    signals::goes_on(Arc::clone(&keeper));
    for (n_done, part) in data.parts.iter().enumerate() {
        let regularizer = args.penalty.of_part(&data, part)?;
        let plan_from = plan_file::of_group(&plan_from, n_done, data.parts.len()).map_err(named)?;
        let own = (time_left(args.time_limit, fitting), regularizer);
        let mut own = specification(args, tolerance, left_bytes, own, plan_from);
        if args.common.out.is_some() {
            own.n_histories = usize::from(n_done < MOST_HISTORIES);
        }
        if args.common.out.is_some() || args.write_nwb.is_some() {
            own.covariance_of = filters::blocks(&data, part);
            own.covariance_of.extend(surfaces::blocks(&data, part));
        }
        (own.stop, own.journal) = (signals::stop(), keeper.journal().within(format!("group {n_done}")));
        let spec = CategoricalSpec::new(own).map_err(named)?;
        let goal = spec.get().tolerance;
        let mut watcher = |at: solver::Progress| {
            progress.solver(at, goal);
            keeper.write_in_time();
        };
        let target = part.group.targets[0];
        let response = labels.of(&data, target);
        let plan = part.plan(&data, left_bytes)?;
        let how = args.cv.of_part(args.penalty.strength.as_ref(), &data, part)?;
        let work = ClassWork { spec, how: how.as_ref(), plan: &plan, response: &response };
        fits.push(on.fit(work, &mut watcher).map_err(|error| named(data.with_held(error)))?);
        progress.reach(n_done as u64 + 1);
    }
    let fit = merge::merge_classes(&data, fits)?;
    let whole =
        specification(args, tolerance, left_bytes, (args.time_limit, Regularizer::None), PlanFrom::Sizes);
    let is_stopped = signals::is_stopped();
    let smaller = smaller.filter(|_| !is_stopped);
    let tested =
        smaller.map(|smaller| tested::test(smaller, &mut on, (&data, &labels), &fit, &whole)).transpose()?;
    data.notices.extend(on.notices());
    let device = on.device();
    let model = CategoricalFile::new(study(args, &data), fit);
    progress.stage("scoring", None);
    // of a fit that was stopped nothing else is computed
    let scored = if is_stopped { 0 } else { n_targets };
    let probabilities = probabilities(&model.fit, &(0..scored).collect::<Vec<_>>(), &data)?;
    let of_target = |(target, own): (usize, &Probabilities)| ClassScores {
        scores: model.fit.targets[target].scores.clone(),
        confusion: confusion(&labels.of(&data, target), &own.logarithms, data.used(target)),
    };
    let scores = if is_stopped {
        model.fit.targets.iter().map(|own| ClassScores::unknown(&own.scores)).collect()
    } else {
        probabilities.iter().enumerate().map(of_target).collect()
    };
    let fitted = Observed { data: &data, response: &labels };
    let (compared, held_out) =
        if is_stopped { <_>::default() } else { beside.score(&model, &fitted, &probabilities)? };
    Ok(Fitting {
        name,
        data,
        model,
        labels,
        probabilities,
        scores,
        compared,
        held_out,
        tested,
        device,
        seconds_total: started.elapsed().as_secs_f64(),
        keeper,
        stopped_by: signals::stopped_by().filter(|_| is_stopped),
    })
}

/// What was typed, checked before anything is read.
fn typed(args: &FitArgs, plan_from: PlanFrom) -> Result<CategoricalSpec> {
    refuse(args)?;
    args.model.check_categorical()?;
    args.penalty.check()?;
    args.cv.check(args.penalty.strength.as_ref())?;
    let regularizer = match args.penalty.regularizer {
        Penalty::Lasso => Regularizer::Lasso { strength: 1.0.into() },
        Penalty::ElasticNet => Regularizer::ElasticNet { strength: 1.0.into(), ratio: 1.0 },
        _ => Regularizer::None,
    };
    let spec = specification(args, TOLERANCE_F64, None, (None, regularizer), plan_from);
    CategoricalSpec::new(spec).map_err(|error| plan_file::in_file(args, error))
}

fn specification(
    args: &FitArgs,
    tolerance: f64,
    limit_bytes: Option<u64>,
    (time_limit_s, regularizer): (Option<f64>, Regularizer),
    plan_from: PlanFrom,
) -> GlmSpec {
    GlmSpec {
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
    }
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
