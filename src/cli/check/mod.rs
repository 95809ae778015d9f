//! `rheobase check`: the certificate of a fitted model once more, from scratch.

mod rows;
mod text;

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};

use super::args::{Common, DataArgs, When};
use super::categorical;
use super::data::{Data, Targets};
use super::examples::CHECK_HELP;
use super::machine::default_memory_limit_bytes;
use super::progress::{Progress, Total};
use super::result;
use super::run::{Report, pretty, say};
use super::shell::{option_words, shell_word};
use super::study_data::{Known, data_of};
use crate::check::{Found, MOST_PARTS, Moments, Problem, Rows, Stored, Verdict, certify};
use crate::glm::{FittedGlm, GapFrom, LEAST_DISPERSION, TargetFit};
use crate::inverse_link::InverseLink;
use crate::number;
use crate::observation::{ObservationModel, Observe};
use crate::regularizer::Regularizer;
use crate::solver::Status;
use crate::write::categorical::CategoricalFile;
use crate::write::digest::digest_file;
use crate::write::model::{Input, ModelFile, Study};
use crate::write::save::{check_writable, is_mixed, save_bytes};
use crate::{Error, Result};

pub(super) use rows::{OwnColumns, PartRows, Plain, as_fitted};

/// Largest rows x parameters x (parameters + 1) x targets for which Hessians are computed without asking, as of a fit.
const MOST_WORK: f64 = 1e11;

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(after_help = CHECK_HELP)]
pub struct CheckArgs {
    /// A model.json that `fit --out` wrote, or a copy that `fit --write-nwb` wrote
    pub model: PathBuf,
    #[command(flatten)]
    /// Which data.
    pub data: DataArgs,
    /// Loss gap, standard errors and rank, which need the Hessian: auto leaves them out of large fits (rows x columns² x targets
    /// above 1e11, or 128 x columns² bytes above the memory limit)
    #[arg(long, default_value = "auto")]
    pub standard_errors: When,
    #[command(flatten)]
    /// Common ones.
    pub common: Common,
}

/// One target that was checked.
pub(super) struct Checked {
    pub(super) name: String,
    pub(super) stored: Stored,
    /// `None` of a target without events.
    pub(super) found: Option<Found>,
    /// The column of the largest component of the gradient.
    pub(super) worst: Option<String>,
    pub(super) verdict: Verdict,
}

impl Checked {
    /// Whether it is at its optimum, as far as that was computed, and was said to be.
    pub(super) fn is_proven(&self) -> bool {
        self.verdict.agrees() && !self.verdict.is_hidden && self.stored.status == Status::Converged
    }

    fn json(&self) -> Value {
        let word = if self.verdict.agrees() { "agrees" } else { "disagrees" };
        let mut fields = json!({ "name": self.name, "status": self.stored.status, "verdict": word });
        if let Some(found) = &self.found {
            fields["kkt_residual"] = number::to_value(found.kkt_residual);
            fields["kkt_rounding"] = number::to_value(found.kkt_rounding);
            fields["kkt_column"] = self.worst.clone().into();
            fields["loss_gap"] = found.loss_gap.map_or(Value::Null, number::to_value);
            fields["loss"] = number::to_value(found.loss);
            fields["log_likelihood"] = number::to_value(found.log_likelihood);
            fields["log_likelihood_sum"] = number::to_value(found.log_likelihood_sum);
            fields["condition"] = number::to_value(found.condition);
            fields["rank"] = json!(found.rank);
            if let Some(errors) = &found.standard_errors {
                fields["standard_errors"] = result::numbers(errors);
            }
        }
        if let (Value::Object(fields), Value::Object(of_verdict)) = (&mut fields, json!(self.verdict)) {
            fields.extend(of_verdict);
        }
        fields
    }
}

/// What a run of the command knows.
pub(super) struct Run<'a> {
    pub(super) args: &'a CheckArgs,
    pub(super) limit_bytes: Option<u64>,
    pub(super) progress: &'a Progress,
}

/// The targets of a model that were checked, and on what.
pub(super) struct Outcome {
    pub(super) data: Data,
    pub(super) study: Study,
    pub(super) tolerance: f64,
    pub(super) targets: Vec<Checked>,
    /// Whether responses are labels.
    pub(super) is_labelled: bool,
}

/// Checks a model file on the data that it was fitted to.
pub(super) fn check(args: &CheckArgs) -> Result<Report> {
    if let Some(folder) = &args.common.out {
        check_writable(folder)?;
    }
    let progress = Progress::new(args.common.quiet);
    progress.stage("reading", None);
    let limit_bytes = args.common.memory_limit.or_else(default_memory_limit_bytes);
    let run = Run { args, limit_bytes, progress: &progress };
    let mut outcome =
        if CategoricalFile::is_one(&args.model) { categorical::check(&run)? } else { of_means(&run)? };
    let others = other_data(&outcome.study, &outcome.data);
    for other in &others {
        let said = format!("{other}: a certificate belongs to the data of the fit");
        outcome.data.notices.push(said);
    }
    for target in outcome.targets.iter_mut().filter(|target| !target.verdict.agrees()) {
        target.verdict.disagreements.extend(others.iter().cloned());
    }
    if is_mixed(&args.model) {
        let path = args.model.display();
        outcome.data.notices.push(format!(
            "{path} is not the file that the fit.json beside it lists: it was changed, or they are of different runs"
        ));
    }
    drop(progress);
    if !args.common.quiet {
        outcome.data.notices.iter().for_each(|notice| say(&format!("note: {notice}")));
    }
    let document = document(args, &outcome, others.is_empty())?;
    let text = if args.common.json { pretty(&document.clone().into()) } else { text::text(&outcome) };
    if let Some(folder) = &args.common.out {
        save_bytes(&folder.join("check.json"), pretty(&document.into()).as_bytes())?;
    }
    Ok(Report { text, converged: outcome.targets.iter().all(Checked::is_proven) })
}

/// Why these are not the data of the fit.
fn other_data(study: &Study, data: &Data) -> Vec<String> {
    let mut others = Vec::new();
    let input = match study {
        Study::Recording(study) => &study.input,
        Study::Arrays(study) => &study.input,
        Study::Nemos => return others,
    };
    if input.sha256 != data.input.sha256 {
        others
            .push(format!("{} is another file than was fitted (by its SHA-256)", data.input.path.display()));
    }
    let digests = |files: &[Input]| -> Vec<String> { files.iter().map(|file| file.sha256.clone()).collect() };
    let of_fit = digests(&study.row_terms().files);
    // a model of an earlier version does not say
    if !of_fit.is_empty() && of_fit != digests(&data.row_terms.names.files) {
        others.push("response, weights or offset are in other files than those that were fitted".into());
    }
    if let Study::Recording(study) = study
        && study.epochs_s != data.epochs_s
    {
        others.push("the epochs are others than those that were fitted".into());
    }
    others
}

/// Whether the Hessian is wanted for so many rows, parameters and targets.
///
/// # Errors
/// [`Error::Memory`] if it is asked for, and its sums are larger than the limit.
pub(super) fn wants_hessian(run: &Run, [n_rows, n_parameters, n_targets]: [usize; 3]) -> Result<bool> {
    let p = n_parameters as f64;
    let needed_bytes = (n_parameters as u64).saturating_pow(2).saturating_mul(8 * MOST_PARTS as u64);
    let too_large = run.limit_bytes.filter(|limit| needed_bytes > *limit);
    match (run.args.standard_errors, too_large) {
        (When::On, Some(limit_bytes)) => {
            let what = format!("the Hessian of {n_parameters} parameters, in {MOST_PARTS} partial sums");
            Err(Error::Memory { what, needed_bytes, limit_bytes })
        }
        (When::On, None) => Ok(true),
        (When::Off, _) | (When::Auto, Some(_)) => Ok(false),
        (When::Auto, None) => Ok(n_rows as f64 * p * (p + 1.0) * n_targets as f64 <= MOST_WORK),
    }
}

/// Compares the condition that a model of so many targets says is the largest of them, and notes where that cannot be done.
pub(super) fn compare_condition(stored: f64, n_targets: usize, has_none: bool, checked: &mut [Checked]) {
    let n_checked = checked.len();
    let n_noisy = checked.iter().filter(|own| own.found.is_some()).count();
    let condition = |own: &Checked| own.found.as_ref().map_or(f64::NEG_INFINITY, |found| found.condition);
    let is_plain = checked.iter().filter_map(|own| own.found.as_ref()).all(|found| found.is_plain);
    let has_proof = checked.iter().all(|own| own.stored.status == Status::Converged);
    let farthest = checked.iter_mut().max_by(|a, b| condition(a).total_cmp(&condition(b)));
    let Some(own) = farthest.filter(|_| n_noisy > 0) else { return };
    let found = condition(own);
    let left_out = if found.is_nan() {
        Some("the Hessian was left out")
    } else if n_checked < n_targets {
        Some("the stored one is the largest of all targets, not all of which were checked")
    } else if stored.is_nan() && (has_none || !has_proof) {
        Some("the fit has none")
    } else if !is_plain {
        Some("columns that are close to combinations of others have another in a fit")
    } else {
        None
    };
    let verdict = &mut own.verdict;
    match left_out {
        Some(why) => verdict.left_out.push(format!("condition: {why}")),
        None if !Verdict::has_digits(found) => {
            verdict.left_out.push(format!("condition: {found:.1e} has too few digits"));
        }
        None => verdict.condition(stored, found),
    }
}

/// Refuses a model that says nothing that could be checked.
pub(super) fn refuse_foreign(study: &Study, model: &std::path::Path) -> Result<()> {
    if !matches!(study, Study::Nemos) {
        return Ok(());
    }
    let found = format!("{}, a model of NeMoS, which has none", model.display());
    let help = "fit the same data with `rheobase fit .. --out DIR` and check DIR/model.json";
    Err(Error::argument("model", "a model with a certificate", found, help))
}

/// Checks a model of means.
fn of_means(run: &Run) -> Result<Outcome> {
    let model = ModelFile::load(&run.args.model)?;
    refuse_foreign(&model.study, &run.args.model)?;
    let names: Vec<String> = model.fit.targets.iter().map(|target| target.name.clone()).collect();
    let choice = as_fitted(&run.args.data, &model.study, &names);
    let known = Known { study: &model.study, labels: &model.fit.labels, names };
    let data = data_of(&known, &choice, &Targets::Counted, run.limit_bytes, run.progress)?;
    let data = Data { observation: model.fit.model.observation, ..data };
    let plain = Plain::read(&model.study, &choice, run)?;
    let targets = data.names.iter().enumerate();
    let fitted: Vec<usize> = targets.map(|(k, name)| known.target_of(k, name)).collect::<Result<_>>()?;
    run.progress.stage("computing again", Some(Total::Items(data.names.len() as u64)));
    let mut checked: Vec<Option<Checked>> = data.names.iter().map(|_| None).collect();
    for part in &data.parts {
        let mut of_last: Option<(OwnColumns, Moments)> = None;
        for &target in &part.group.targets {
            let own = &model.fit.targets[fitted[target]];
            let apart = own.apart.as_ref();
            let columns = OwnColumns::new(
                (&part.group.pieces, apart.map_or(&[][..], |apart| &apart.unseen)),
                (&model.fit.labels, &model.fit.features),
                &data,
            )?;
            let rows = PartRows { plain: &plain, data: &data, pieces: &columns.pieces, used: &part.used };
            // targets with the same columns share their moments
            let moments = match of_last.take() {
                Some((of, moments)) if of.pieces == columns.pieces => moments,
                _ => Moments::of(&rows, model.fit.has_intercept)?,
            };
            let is_alone = data.parts.len() == 1;
            checked[target] = Some(of_mean(
                run,
                (&model.fit, own, is_alone),
                (&data, target),
                (&columns, &rows, &moments),
            )?);
            of_last = Some((columns, moments));
            run.progress.advance(1);
        }
    }
    let mut targets: Vec<Checked> = checked.into_iter().flatten().collect();
    let (fit, has_none) = (&model.fit, model.fit.inference_left_out.is_some());
    compare_condition(fit.condition, fit.targets.len(), has_none, &mut targets);
    Ok(Outcome { data, tolerance: model.fit.tolerance, study: model.study, targets, is_labelled: false })
}

fn of_mean(
    run: &Run,
    (fit, own, is_alone): (&FittedGlm, &TargetFit, bool),
    (data, target): (&Data, usize),
    (columns, rows, moments): (&OwnColumns, &PartRows, &Moments),
) -> Result<Checked> {
    let y: Vec<f64> = rows.used.iter().map(|&bin| data.y.get(bin, target)).collect();
    if let Some((k, expected)) =
        y.iter().enumerate().find_map(|(k, &y)| Some((k, fit.model.observation.outside(y)?)))
    {
        let (what, row) = (data.response_of(target), data.row(rows.used[k]));
        return Err(Error::Domain { what, row, column: target, expected, value: y[k] });
    }
    let regularizer = match &own.apart {
        Some(apart) => columns.regularizer(&apart.regularizer, [None; 2], &fit.features)?,
        None => {
            let strengths = [own.strength, fit.targets.first().and_then(|first| first.strength)];
            columns.regularizer(&fit.regularizer, strengths, &fit.features)?
        }
    };
    let coef = columns.of(&own.coef);
    let mut standard_errors = columns.of(&own.standard_errors);
    standard_errors.push(own.intercept_standard_error);
    let stored = Stored {
        status: own.status,
        tolerance: fit.tolerance,
        kkt_residual: own.kkt_residual,
        loss_gap: own.loss_gap,
        by_hessian: own.gap_from == GapFrom::Hessian,
        gap_scale: own.gap_scale,
        loss: own.loss,
        log_likelihood: own.scores.log_likelihood,
        log_likelihood_sum: own.scores.log_likelihood_sum,
        // a model of an earlier version says neither
        dof_resid: Some(own.dof_resid).filter(|dof| *dof > 0 || own.gap_scale.is_some()),
        deviance: own.scores.deviance,
        pseudo_r2: [own.scores.pseudo_r2_mcfadden, own.scores.pseudo_r2_cohen],
        scale: own.scale,
        standard_errors,
        has_no_errors: fit.inference_left_out.is_some() || own.status != Status::Converged,
        labels: columns.labels.clone(),
        aliased: own.aliased.clone(),
        rests: coef.iter().map(|w| *w == 0.0 && regularizer.selects()).collect(),
        intercept: own.intercept,
        scale_standard_error: own.scale_standard_error,
        n_rows: own.n_bins_used,
        rank: Some(fit.rank).filter(|_| is_alone && regularizer == Regularizer::None),
    };
    let name = data.names[target].clone();
    if own.status == Status::NoEvents {
        let is_sure = fit.model.observation == ObservationModel::Bernoulli && y.iter().all(|y| *y == 1.0);
        let is_silent = (is_sure || y.iter().all(|y| *y == 0.0)) && coef.iter().all(|w| *w == 0.0);
        let intercept = match fit.model.inverse_link {
            InverseLink::Identity => 0.0,
            _ if is_sure => f64::INFINITY,
            _ => f64::NEG_INFINITY,
        };
        let verdict = Verdict::silent(&stored, y.len(), (is_silent, intercept));
        return Ok(Checked { name, stored, found: None, worst: None, verdict });
    }
    let [weights, offset] = data.row_terms.of_bins(rows.used);
    let problem = Problem {
        has_own_dispersion: !own.scale_standard_error.is_nan(),
        rows,
        moments,
        y: &y,
        weights: weights.as_deref(),
        offset: offset.as_deref(),
        model: fit.model_of(own),
        has_intercept: fit.has_intercept,
        regularizer: &regularizer,
        features: &columns.features,
        coef: &coef,
        intercept: own.intercept,
    };
    let size = [y.len(), 1 + rows.n_columns(), data.names.len()];
    let found = certify(&problem, wants_hessian(run, size)?)?;
    let worst = found.worst_column.map(|column| columns.labels[column].clone());
    let mut verdict = Verdict::new(&stored, &found);
    if !fit.has_intercept && own.intercept != 0.0 {
        let problem = format!("the model has no intercept, but there is one: {}", own.intercept);
        verdict.disagreements.push(problem);
    }
    let is_dispersed = matches!(fit.model.observation, ObservationModel::NegativeBinomial(_));
    if is_dispersed && own.scale <= LEAST_DISPERSION && own.scale_standard_error.is_nan() {
        verdict.left_out.push("dispersion: at its limit 0, whether a larger one is more likely".into());
    }
    Ok(Checked { name, stored, found: Some(found), worst, verdict })
}

fn document(args: &CheckArgs, outcome: &Outcome, is_same: bool) -> Result<Map<String, Value>> {
    let mut words = vec!["rheobase".into(), "check".into(), shell_word(&args.model.display().to_string())];
    words.extend(args.data.words());
    words.extend(option_words("--standard-errors", &format!("{:?}", args.standard_errors).to_lowercase()));
    let mut document = result::head(&outcome.data, &words.join(" "));
    let mut add = |name: &str, value: Value| {
        document.insert(name.into(), value);
    };
    add("model", json!(Input { path: args.model.clone(), sha256: digest_file(&args.model)? }));
    add("same_data", is_same.into());
    add("tolerance", outcome.tolerance.into());
    result::bins(&outcome.data, &mut add);
    add("agrees", outcome.targets.iter().all(|target| target.verdict.agrees()).into());
    add("at_optimum", outcome.targets.iter().all(Checked::is_proven).into());
    add("targets", outcome.targets.iter().map(Checked::json).collect());
    add("notices", json!(outcome.data.notices));
    Ok(document)
}
