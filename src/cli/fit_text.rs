//! The result of a fit for people.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::data::Data;
use super::fit::Fitting;
use super::left_out::{self, weightless};
use super::model_text::{penalty, row_terms, strength_line};
use super::not_determined;
use super::plan_text::plan_text;
use crate::backend::Model;
use crate::basis::Expand;
use crate::features::{Causality, Expansion, StudyFeature, Window};
use crate::glm::{FittedGlm, GapFrom, TargetFit};
use crate::observation::ObservationModel;
use crate::regularizer::Regularizer;
use crate::solver::Status;
use crate::write::table::terminal_table;

/// Most targets that are shown coefficient by coefficient.
pub(super) const SHOWN_WHOLE: usize = 3;

/// Everything that is printed about a fit.
pub(super) fn text(fitting: &Fitting, result: &Map<String, Value>) -> String {
    let (data, fit) = (&fitting.data, &fitting.model.fit);
    let mut text = bins_line(data);
    // writing to a string cannot fail, here and below
    let terms = row_terms(&fitting.model.study.row_terms(), fit.has_intercept);
    if fit.model != Model::default() || fit.regularizer != Regularizer::None || !terms.is_empty() {
        let penalty = penalty(&fit.regularizer, fit.n_folds());
        let _ = writeln!(
            text,
            "model: {} observations, {} inverse link{penalty}{terms}",
            fit.model.observation.name(),
            fit.model.inverse_link.name()
        );
    }
    if fit.targets.len() <= SHOWN_WHOLE {
        for (k, target) in fit.targets.iter().enumerate() {
            let events = match data.n_events(k) {
                _ if !data.has_events() => String::new(),
                1.0 => ", 1 event".into(),
                n => format!(", {n} events"),
            };
            text.push_str(&whole(data, fit, target, &events));
        }
    } else {
        text.push_str(&overview(data, fit));
    }
    let _ = writeln!(
        text,
        "{} on {} in {}, {:.0} ms (with standard errors {:.0} ms){}",
        fit.solver,
        if fit.plan.backend == "gpu" { fitting.device.title.as_str() } else { "the CPU" },
        fit.plan.arithmetic(),
        fit.seconds.fit * 1e3,
        (fit.seconds.fit + fit.seconds.inference) * 1e3,
        if fit.condition.is_finite() { format!(", condition {:.1e}", fit.condition) } else { String::new() }
    );
    let _ = writeln!(text, "rank {} of {} columns", fit.rank, fit.labels.len());
    text.push_str(&left_out::device_text(&left_out::device_events(result)));
    if let Some(reason) = &fit.inference_left_out {
        let _ = writeln!(text, "standard errors left out: {reason}");
    }
    text.push_str(&not_determined::text(fit.identifiability.as_ref(), &fit.features));
    text
}

/// What was binned.
pub(super) fn bins_line(data: &Data) -> String {
    bins_line_of(data, "with data that are not finite")
}

/// The same of data with labels, which bins may lack.
pub(super) fn labelled_bins_line(data: &Data) -> String {
    bins_line_of(data, "with data that are not finite or without a label")
}

/// The same where bins were left out that are `without` something.
fn bins_line_of(data: &Data, without: &str) -> String {
    let n_used = data.parts.iter().map(|part| part.used.len()).min().unwrap_or(0);
    let what = if data.epochs_s.is_empty() {
        format!("{} {}", data.n_bins(), if data.n_bins() == 1 { "row" } else { "rows" })
    } else {
        let seconds: f64 = data.epochs_s.iter().map(|epoch| epoch[1] - epoch[0]).sum();
        let n = data.epochs_s.len();
        let epochs = if n == 1 { "1 epoch".into() } else { format!("{n} epochs") };
        format!("{epochs}, {seconds:.2} s, {} bins of {} ms", data.n_bins(), data.bin_s * 1e3)
    };
    let mut text = format!("{}: {what}, {n_used} used (", data.input.path.display());
    if !data.epochs_s.is_empty() {
        // writing to a string cannot fail
        let _ = write!(text, "{} at window edges, ", data.n_edge);
    }
    let weightless = weightless(data.n_weightless);
    let _ = writeln!(text, "{} {without}{weightless})", data.n_dropped);
    text.push_str(&left_out::text(&data.left_out));
    text
}

/// One target with its coefficients.
fn whole(data: &Data, fit: &FittedGlm, target: &TargetFit, events: &str) -> String {
    let mut text = format!("\n{}: {}{events}\n", title(data, target), target.status.name());
    // of the intercept nobody asks whether it is 0
    let intercept = [target.intercept, target.intercept_standard_error, f64::NAN, f64::NAN];
    let mut rows = Vec::new();
    if fit.has_intercept {
        rows.push(row("intercept", String::new(), intercept));
    }
    let lags = lags_ms(data);
    let (z, p) = (target.z(), target.p_values());
    for (k, label) in fit.labels.iter().enumerate() {
        let lag = lags.get(k).copied().flatten().map_or(String::new(), |lag| format!("{lag:.0}"));
        rows.push(row(label, lag, [target.coef[k], target.standard_errors[k], z[k], p[k]]));
    }
    let mut header = vec!["feature", "peak lag (ms)", "coefficient", "standard error", "z", "p"];
    // a penalty moves estimates towards 0, which no test knows of
    if fit.regularizer != Regularizer::None || z.iter().all(|z| z.is_nan()) {
        header.truncate(4);
        rows.iter_mut().for_each(|row| row.truncate(4));
    }
    if lags.iter().all(Option::is_none) {
        header.remove(1);
        rows.iter_mut().for_each(|row| drop(row.remove(1)));
    }
    text.push_str(&terminal_table(&header, &rows, None));
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&scores_line(fit.model, target));
    text.push_str(&proof_line(fit, target));
    text.push_str(&strength_line(target.strength, target.cv.as_ref()));
    text
}

/// What a target is called: a unit of a recording, or a column of an array.
pub(super) fn title(data: &Data, target: &TargetFit) -> String {
    data.title(&target.name)
}

/// Cells of a column: coefficient, standard error, z and p.
fn row(label: &str, lag: String, [coef, error, z, p]: [f64; 4]) -> Vec<String> {
    let known = |number: f64, text: String| if number.is_nan() { "-".into() } else { text };
    let small = if p < 1e-3 { format!("{p:.1e}") } else { format!("{p:.3}") };
    // a zero without a sign
    let numbers = [format!("{:.6e}", coef + 0.0), known(error, format!("{error:.3e}"))];
    [vec![label.into(), lag], numbers.into(), vec![known(z, format!("{:.2}", z + 0.0)), known(p, small)]]
        .concat()
}

/// Scores in one line.
pub(super) fn scores_line(model: Model, target: &TargetFit) -> String {
    let scale = match (model.observation, target.scale) {
        (ObservationModel::NegativeBinomial(_), scale) if target.scale_standard_error.is_finite() => {
            format!(", dispersion {scale:.6e} (standard error {:.1e})", target.scale_standard_error)
        }
        (ObservationModel::NegativeBinomial(_), scale) => format!(", dispersion {scale:.6e}"),
        (ObservationModel::Gamma, scale) => format!(", squared coefficient of variation {scale:.6e}"),
        (_, 1.0) => String::new(),
        (_, scale) => format!(", variance of the noise {scale:.6e}"),
    };
    format!(
        "log-likelihood {:.9} per bin, pseudo-R2 {:.4} (McFadden) {:.4} (Cohen){scale}\n",
        target.scores.log_likelihood, target.scores.pseudo_r2_mcfadden, target.scores.pseudo_r2_cohen
    )
}

/// How the fit of a target ended, in words.
pub(super) fn verdict(target: &TargetFit) -> &'static str {
    verdict_of(target.status, target.intercept)
}

/// The same from a status and an intercept.
pub(super) fn verdict_of(status: Status, intercept: f64) -> &'static str {
    match status {
        Status::Converged => "at the optimum, with proof",
        Status::NoEvents if intercept > 0.0 => "the probability is 1: there is an event in every bin",
        Status::NoEvents => "the rate is 0: there is no event to explain",
        _ => "not at an optimum",
    }
}

fn proof_line(fit: &FittedGlm, target: &TargetFit) -> String {
    let from = match target.gap_from {
        GapFrom::Hessian => "Hessian",
        GapFrom::FlatGram => "flat Gram",
    };
    let verdict = verdict(target);
    if target.status == Status::NoEvents {
        return format!("{verdict}\n");
    }
    format!(
        "{verdict}: KKT residual {:.1e}, loss gap {:.1e} (by the {from}) of a loss of {:.4e} ({}{}), {} iterations\n",
        target.kkt_residual,
        target.loss_gap,
        target.loss,
        match fit.model.observation {
            ObservationModel::Poisson | ObservationModel::NegativeBinomial(_) => {
                "terms free of the rate left out"
            }
            ObservationModel::Gamma => "terms free of the mean left out",
            ObservationModel::Gaussian => "the mean squared residual",
            ObservationModel::Bernoulli => "minus the log-likelihood",
        },
        if fit.regularizer == Regularizer::None { "" } else { ", the penalty included" },
        target.iterations
    )
}

/// What to say about a target that did not arrive for want of time or steps.
pub(super) fn unfinished(target: &TargetFit) -> Option<String> {
    unfinished_of((target.status, target.iterations, target.loss_gap))
}

/// The same from a status, iterations and a loss gap.
pub(super) fn unfinished_of((status, iterations, loss_gap): (Status, usize, f64)) -> Option<String> {
    let (what, help) = match status {
        Status::MaxIterations => ("out of iterations", "raise --max-iterations"),
        Status::Stopped => ("stopped", "go on with --resume, or raise --time-limit"),
        Status::Stalled => {
            ("no step lowers the loss any further", "scale the features, or raise --tolerance")
        }
        Status::Failed => ("numbers that are not finite", "check and scale the features"),
        Status::Converged | Status::Separated | Status::NoEvents => return None,
    };
    Some(format!(
        "not at the optimum ({what} after {iterations} iterations, loss gap {loss_gap:.1e}): {help}"
    ))
}

/// How many targets are at the optimum, and how near the farthest of these is: from status, KKT residual and loss gap of each.
pub(super) fn proven(targets: &[(Status, f64, f64)], tolerance: f64) -> String {
    let converged = || targets.iter().filter(|(status, ..)| *status == Status::Converged);
    let (n_proven, n) = (converged().count(), targets.len());
    if n_proven == 0 {
        return format!("none of {n} at the optimum");
    }
    let (kkt_residual, loss_gap) = converged()
        .fold((0.0_f64, 0.0_f64), |most, (_, residual, gap)| (most.0.max(*residual), most.1.max(*gap)));
    format!(
        "{n_proven} of {n} at the optimum, with proof: KKT residuals up to {kkt_residual:.1e}, loss gaps up to {loss_gap:.1e} \
         (tolerance {tolerance:.0e})"
    )
}

/// A table of many targets, a row each, with what is proven and where the rest is.
pub(super) fn overview_of(header: &[&str], rows: &[Vec<String>], proven: &str) -> String {
    format!(
        "\n{}\n{proven}\ncoefficients and standard errors of every target: --json, or --out DIR\n",
        terminal_table(header, rows, None).trim_end()
    )
}

/// Many targets, a row each.
fn overview(data: &Data, fit: &FittedGlm) -> String {
    let cells = |(k, target): (usize, &TargetFit)| {
        let mut cells = vec![
            target.name.clone(),
            target.status.name().into(),
            data.n_events(k).to_string(),
            format!("{:.3}", target.intercept),
            format!("{:.9}", target.scores.log_likelihood),
            format!("{:.4}", target.scores.pseudo_r2_mcfadden),
            format!("{:.1e}", target.kkt_residual),
            format!("{:.1e}", target.loss_gap),
        ];
        if !data.has_events() {
            cells.remove(2);
        }
        cells.extend(target.strength.map(|strength| format!("{strength:.3e}")));
        cells
    };
    let rows: Vec<Vec<String>> = fit.targets.iter().enumerate().map(cells).collect();
    let mut header = vec![
        "target",
        "status",
        "events",
        "intercept",
        "log-likelihood",
        "pseudo-R2",
        "KKT residual",
        "loss gap",
    ];
    if !data.has_events() {
        header.remove(2);
    }
    if fit.n_folds().is_some() {
        header.push("strength");
    }
    let certificates: Vec<(Status, f64, f64)> =
        fit.targets.iter().map(|own| (own.status, own.kkt_residual, own.loss_gap)).collect();
    overview_of(&header, &rows, &proven(&certificates, fit.tolerance))
}

/// For every column of a convolved feature, the lag at which its function is largest.
pub(super) fn lags_ms(data: &Data) -> Vec<Option<f64>> {
    let mut lags = Vec::new();
    for (feature, labels) in data.features.iter().zip(&data.labels) {
        let own = peak_lags_ms(feature, data.bin_s);
        lags.extend((0..labels.len()).map(|k| own.as_ref().and_then(|own| own.get(k % own.len()).copied())));
    }
    lags
}

fn peak_lags_ms(feature: &StudyFeature, bin_s: f64) -> Option<Vec<f64>> {
    let Expansion::Convolved { basis, window_s, causality: Causality::Causal, include_present } =
        &feature.spec.single()?.expansion
    else {
        return None;
    };
    let window = Window::from_duration(*window_s, bin_s).ok()?;
    let kernel = basis.kernel(window.n_bins()).ok()?;
    let peak = |function: ndarray::ArrayView1<f64>| {
        let largest = function.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        // row 0 of the kernel is the present bin, or the one before where that is left out
        largest.map_or(0.0, |(lag, _)| (lag + usize::from(!include_present)) as f64 * bin_s * 1e3)
    };
    Some(kernel.columns().into_iter().map(peak).collect())
}

/// How a fit was carried out and why.
pub(super) fn explanation(fit: &FittedGlm, device: &str) -> String {
    let plan = &fit.plan;
    let first = format!(
        "{} rows x {} columns x {} targets, {:.1} {} per parameter",
        plan.n_rows,
        plan.n_columns,
        plan.n_targets,
        plan.events_per_parameter,
        if fit.model.observation.has_events() { "events" } else { "rows" }
    );
    plan_text(plan, device, &first)
}
