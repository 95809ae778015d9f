//! The result of a fit to labels, as JSON and for people.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::super::beside::{compared_json, held_out_json};
use super::super::data::Data;
use super::super::fit_text::{SHOWN_WHOLE, labelled_bins_line, overview_of, proven, verdict_of};
use super::super::left_out;
use super::super::machine::peak_memory_bytes;
use super::super::model_text::{penalty, row_terms, strength_line};
use super::super::not_determined;
use super::super::plan_text::plan_text;
use super::super::result::{bins, head, numbers};
use super::fit::Fitting;
use super::scored::ClassScores;
use crate::glm::{ClassFit, Confusion, FittedCategorical, GapFrom};
use crate::number;
use crate::observation::Label;
use crate::regularizer::Regularizer;
use crate::write::table::terminal_table;

/// Most classes that have a column each.
const COLUMNS: usize = 5;
/// Most classes whose confusion is printed; the result has all.
const CONFUSED: usize = 10;

/// The result of a fit, in the order people read it.
pub(super) fn document(fitting: &Fitting, command: &str, study_toml: &str) -> Map<String, Value> {
    let (data, model, fit) = (&fitting.data, &fitting.model, &fitting.model.fit);
    let mut document = head(data, command);
    document.insert("study_toml".into(), study_toml.into());
    let mut add = |name: &str, value: Value| {
        document.insert(name.into(), value);
    };
    add("seed", Value::Null);
    add("backend", if fit.plan.backend == "gpu" { "gpu" } else { "cpu" }.into());
    add("device", fitting.device.title.clone().into());
    add("device_events", json!(fitting.device.events));
    add("observation", model.observation.clone().into());
    add("link", model.link.clone().into());
    add("regularizer", fit.regularizer.name().into());
    // chosen for each target, it stands there
    if let Some(strength) = fit.regularizer.strength().filter(|_| fit.n_folds().is_none()) {
        add("strength", strength.into());
    }
    if !fit.has_intercept {
        add("has_intercept", false.into());
    }
    let row_terms = model.study.row_terms();
    row_terms.weights.into_iter().for_each(|weights| add("weights", weights.into()));
    row_terms.offset.into_iter().for_each(|offset| add("offset", offset.into()));
    add("solver", fit.solver.clone().into());
    add("precision", fit.plan.storage.clone().into());
    add("tolerance", fit.tolerance.into());
    bins(data, &mut add);
    add("features", json!(fit.features));
    add("labels", json!(fit.labels));
    add("targets", fit.targets.iter().zip(&fitting.scores).map(target).collect());
    if !fitting.compared.is_empty() {
        add("compared", compared_json(&fitting.compared, data));
    }
    if let Some(tested) = &fitting.tested {
        add("tested", tested.json());
    }
    if !fitting.held_out.is_empty() {
        add("held_out", held_out_json(&fitting.held_out));
    }
    add(
        "seconds",
        json!({
            "read": data.seconds.read,
            "features": data.seconds.features,
            "fit": fit.seconds.fit,
            "inference": fit.seconds.inference,
            "history": fit.seconds.history,
            "total": fitting.seconds_total,
        }),
    );
    add("peak_memory_bytes", json!(peak_memory_bytes()));
    add("condition", number::to_value(fit.condition));
    add("rank", fit.rank.into());
    if let Some(found) = &fit.identifiability {
        add("identifiability", json!(found));
    }
    if let Some(reason) = &fit.inference_left_out {
        add("inference_left_out", reason.clone().into());
    }
    add("plan", json!(fit.plan));
    add("notices", json!(data.notices));
    document
}

fn target((target, scores): (&ClassFit, &ClassScores)) -> Value {
    let mut fields = json!(target);
    fields["z"] = numbers(&target.z());
    fields["p_value"] = numbers(&target.p_values());
    if let (Value::Object(fields), Value::Object(of_confusion)) = (&mut fields, json!(scores.confusion)) {
        fields.extend(of_confusion);
    }
    fields
}

/// Everything that is printed about a fit.
pub(super) fn text(fitting: &Fitting, result: &Map<String, Value>) -> String {
    let (data, model, fit) = (&fitting.data, &fitting.model, &fitting.model.fit);
    let mut text = labelled_bins_line(data);
    let penalty = penalty(&fit.regularizer, fit.n_folds());
    // writing to a string cannot fail, here and below
    let terms = row_terms(&model.study.row_terms(), fit.has_intercept);
    let _ = writeln!(
        text,
        "model: {} observations, {} inverse link{penalty}{terms}",
        model.observation, model.link
    );
    if fit.targets.len() <= SHOWN_WHOLE {
        for (own, scores) in fit.targets.iter().zip(&fitting.scores) {
            text.push_str(&whole(data, fit, own, &scores.confusion));
        }
    } else {
        text.push_str(&overview(fit, &fitting.scores));
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

/// Many targets, a row each.
fn overview(fit: &FittedCategorical, scores: &[ClassScores]) -> String {
    let cells = |(target, scores): (&ClassFit, &ClassScores)| {
        let mut cells = vec![
            target.name.clone(),
            target.status.name().into(),
            target.n_classes().to_string(),
            format!("{:.9}", target.scores.log_likelihood),
            format!("{:.4}", target.scores.pseudo_r2_mcfadden),
            format!("{:.4}", scores.confusion.accuracy),
            format!("{:.1e}", target.kkt_residual),
            format!("{:.1e}", target.loss_gap),
        ];
        cells.extend(target.strength.map(|strength| format!("{strength:.3e}")));
        cells
    };
    let rows: Vec<Vec<String>> = fit.targets.iter().zip(scores).map(cells).collect();
    let mut header = vec![
        "target",
        "status",
        "classes",
        "log-likelihood",
        "pseudo-R2",
        "accuracy",
        "KKT residual",
        "loss gap",
    ];
    if fit.n_folds().is_some() {
        header.push("strength");
    }
    let certificates: Vec<_> =
        fit.targets.iter().map(|own| (own.status, own.kkt_residual, own.loss_gap)).collect();
    overview_of(&header, &rows, &proven(&certificates, fit.tolerance))
}

/// One target with its coefficients: a column for each class, or a row for each feature and class.
fn whole(data: &Data, fit: &FittedCategorical, target: &ClassFit, confusion: &Confusion) -> String {
    let n_classes = target.n_classes();
    let mut text = format!("\n{}: {}, {n_classes} classes\n", data.title(&target.name), target.status.name());
    let number = |value: f64| format!("{:.6e}", value + 0.0);
    let error = |value: f64| if value.is_nan() { "-".into() } else { format!("{value:.3e}") };
    let cells = |values: &[f64], errors: &[f64], class: usize| [number(values[class]), error(errors[class])];
    let mut all = Vec::new();
    if fit.has_intercept {
        all.push(("intercept", &target.intercept[..], &target.intercept_standard_error[..]));
    }
    for (k, label) in fit.labels.iter().enumerate() {
        let own = k * n_classes..(k + 1) * n_classes;
        all.push((label, &target.coef[own.clone()], &target.standard_errors[own]));
    }
    let (header, rows): (Vec<String>, Vec<Vec<String>>) = if n_classes <= COLUMNS {
        let of_classes = target.classes.iter().map(|class| format!("class {class} (standard error)"));
        let row = |(name, values, errors): &(&str, &[f64], &[f64])| {
            let of_class = |class: usize| {
                let [value, error] = cells(values, errors, class);
                format!("{value} ({error})")
            };
            std::iter::once((*name).to_string()).chain((0..n_classes).map(of_class)).collect()
        };
        (std::iter::once("feature".into()).chain(of_classes).collect(), all.iter().map(row).collect())
    } else {
        let row = |(name, values, errors): &(&str, &[f64], &[f64]), class: usize| {
            let [value, error] = cells(values, errors, class);
            vec![(*name).to_string(), target.classes[class].to_string(), value, error]
        };
        let rows = all.iter().flat_map(|own| (0..n_classes).map(move |class| row(own, class)));
        (["feature", "class", "coefficient", "standard error"].map(String::from).to_vec(), rows.collect())
    };
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    text.push_str(terminal_table(&header, &rows, None).trim_end());
    let scores = &target.scores;
    let _ = writeln!(
        text,
        "\nlog-likelihood {:.9} per bin, pseudo-R2 {:.4} (McFadden, Cohen), accuracy {:.4}",
        scores.log_likelihood, scores.pseudo_r2_mcfadden, confusion.accuracy
    );
    text.extend(confusion_text(&target.classes, confusion));
    let _ = writeln!(
        text,
        "{}: KKT residual {:.1e}, loss gap {:.1e} (by the {}) of a loss of {:.4e} (minus the log-likelihood{}), {} iterations",
        verdict_of(target.status, 0.0),
        target.kkt_residual,
        target.loss_gap,
        if target.gap_from == GapFrom::Hessian { "Hessian" } else { "flat Gram" },
        target.loss,
        if fit.regularizer == Regularizer::None { "" } else { ", the penalty included" },
        target.iterations
    );
    text.push_str(&strength_line(target.strength, target.cv.as_ref()));
    text
}

/// Bins by their labels and most probable classes, for people; `None` of more classes than anybody reads.
pub(super) fn confusion_text(classes: &[Label], confusion: &Confusion) -> Option<String> {
    let texts: Vec<String> = classes.iter().map(ToString::to_string).collect();
    let rows: Vec<Vec<String>> = texts
        .iter()
        .zip(&confusion.confusion)
        .map(|(label, row)| {
            std::iter::once(label.clone()).chain(row.iter().map(ToString::to_string)).collect()
        })
        .collect();
    let header: Vec<String> =
        std::iter::once("label".into()).chain(texts.iter().map(|text| format!("taken for {text}"))).collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    (classes.len() <= CONFUSED).then(|| format!("{}\n", terminal_table(&header, &rows, None).trim_end()))
}

/// How a fit was carried out and why.
pub(super) fn explanation(fit: &FittedCategorical, device: &str) -> String {
    let plan = &fit.plan;
    let n_parameters = plan.n_columns + 1;
    plan_text(plan, device, &format!("{} rows x {n_parameters} parameters", plan.n_rows))
}
