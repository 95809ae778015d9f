//! The JSON of a result.

use serde_json::{Map, Value, json};

use super::beside::{compared_json, held_out_json};
use super::data::Data;
use super::fit::Fitting;
use super::machine::peak_memory_bytes;
use crate::glm::TargetFit;
use crate::number;
use crate::write::model::SCHEMA;

/// The result of a fit, in the order people read it.
pub(super) fn document(fitting: &Fitting, command: &str, study_toml: &str) -> Map<String, Value> {
    let (data, fit) = (&fitting.data, &fitting.model.fit);
    let mut document = head(data, command);
    document.insert("study_toml".into(), study_toml.into());
    let mut add = |name: &str, value: Value| {
        document.insert(name.into(), value);
    };
    add("seed", Value::Null);
    add("backend", if fit.plan.backend == "gpu" { "gpu" } else { "cpu" }.into());
    add("device", fitting.device.title.clone().into());
    add("device_events", json!(fitting.device.events));
    add("observation", fit.model.observation.name().into());
    add("link", fit.model.inverse_link.name().into());
    add("regularizer", fit.regularizer.name().into());
    // chosen for each target, it stands there
    if let Some(strength) = fit.regularizer.strength().filter(|_| fit.n_folds().is_none()) {
        add("strength", strength.into());
    }
    if !fit.has_intercept {
        add("has_intercept", false.into());
    }
    let row_terms = fitting.model.study.row_terms();
    row_terms.weights.into_iter().for_each(|weights| add("weights", weights.into()));
    row_terms.offset.into_iter().for_each(|offset| add("offset", offset.into()));
    add("solver", fit.solver.clone().into());
    add("precision", fit.plan.storage.clone().into());
    add("tolerance", fit.tolerance.into());
    bins(data, &mut add);
    add("features", json!(fit.features));
    add("labels", json!(fit.labels));
    add("targets", fit.targets.iter().map(target).collect());
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

/// A target with its tests.
pub(super) fn target(target: &TargetFit) -> Value {
    let mut fields = json!(target);
    fields["z"] = numbers(&target.z());
    fields["p_value"] = numbers(&target.p_values());
    fields
}

/// Numbers, of which some may not be finite.
pub(super) fn numbers(values: &[f64]) -> Value {
    values.iter().map(|&value| number::to_value(value)).collect()
}

/// What every result begins with.
pub(super) fn head(data: &Data, command: &str) -> Map<String, Value> {
    let mut document = Map::new();
    document.insert("schema".into(), SCHEMA.into());
    document.insert("version".into(), env!("CARGO_PKG_VERSION").into());
    document.insert("command".into(), command.into());
    document.insert("input".into(), json!(data.input));
    document
}

/// Counts of the bins.
pub(super) fn bins(data: &Data, add: &mut impl FnMut(&str, Value)) {
    let n_used = data.parts.iter().map(|part| part.used.len()).min().unwrap_or(0);
    add("n_bins", data.n_bins().into());
    add("n_bins_used", n_used.into());
    add("n_bins_edge", data.n_edge.into());
    add("n_bins_dropped", data.n_dropped.into());
    if data.row_terms.weights.is_some() {
        add("n_bins_weightless", data.n_weightless.into());
    }
    add("left_out", json!(data.left_out));
    add("bin_s", number::to_value(data.bin_s));
}
