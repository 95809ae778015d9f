//! Feedback: which columns of a model are made of the spikes of its own targets, and the filters through which a draw acts on
//! the bins after it.

use std::collections::{HashMap, HashSet};

use ndarray::{Array2, Array3};

use super::super::applied::Applied;
use super::super::couplings::channel_unit;
use super::super::data::Data;
use crate::basis::Expand;
use crate::features::{Causality, Expansion, Signal, StudyFeature, Term, Window};
use crate::{Error, Result};

/// The filters between targets.
pub(super) struct Feedback {
    /// Shape (receiving targets, sending targets, lags), lag 0 the bin before.
    pub(super) filters: Array3<f64>,
    /// Labels of the columns that they stand for, by target.
    pub(super) columns: Vec<HashSet<String>>,
    /// The features whose columns they are.
    pub(super) features: Vec<String>,
}

/// A column block that a target's draws act through: receiving and sending target, and the filter.
struct Way {
    pair: (usize, usize),
    filter: Vec<f64>,
}

impl Feedback {
    /// The feedback of a model on data; `None` where no feature is made of spikes of the targets.
    ///
    /// # Errors
    /// [`Error::Argument`] for features of the targets' spikes that are no sums over past bins: products, and windows with the
    /// present or the future.
    pub(super) fn of(applied: &Applied) -> Result<Option<Self>> {
        let n = applied.data.names.len();
        let (mut ways, mut features) = (Vec::new(), Vec::new());
        let mut columns = vec![HashSet::new(); n];
        for Channel { feature, pair, labels } in channels(&applied.data)? {
            let filter = filter(applied, feature, pair.0, labels)?;
            ways.push(Way { pair, filter });
            columns[pair.0].extend(labels.iter().cloned());
            if !features.contains(&feature.name) {
                features.push(feature.name.clone());
            }
        }
        if ways.is_empty() {
            return Ok(None);
        }
        let n_lags = ways.iter().map(|way| way.filter.len()).max().unwrap_or(0);
        let mut filters = Array3::zeros((n, n, n_lags));
        for Way { pair: (receiving, sending), filter } in ways {
            for (lag, value) in filter.into_iter().enumerate() {
                filters[(receiving, sending, lag)] += value;
            }
        }
        Ok(Some(Self { filters, columns, features }))
    }
}

/// Columns of a feature that hold the spikes of a target: receiving and sending target, and the labels.
struct Channel<'d> {
    feature: &'d StudyFeature,
    pair: (usize, usize),
    labels: &'d [String],
}

/// Everything that is made of spikes of the targets.
fn channels(data: &Data) -> Result<Vec<Channel<'_>>> {
    let mut channels = Vec::new();
    for (receiving, group) in data
        .parts
        .iter()
        .flat_map(|part| part.group.targets.iter().map(move |&receiving| (receiving, &part.group)))
    {
        for piece in &group.pieces {
            let Some(feature) = data.features.get(piece.block) else { continue };
            let Some(signal) = feature.spec.units() else { continue };
            let n_functions = feature.spec.n_functions(data.bin_s)?.max(1);
            for labels in piece.labels.chunks(n_functions) {
                if let Some(sending) = sender(feature, signal, &labels[0], receiving, &data.names) {
                    channels.push(Channel { feature, pair: (receiving, sending), labels });
                }
            }
        }
    }
    Ok(channels)
}

/// A feature that is made of spikes of the targets, if there is one.
///
/// # Errors
/// None of features that were built.
pub(in super::super) fn fed_back(data: &Data) -> Result<Option<String>> {
    Ok(channels(data)?.first().map(|channel| channel.feature.name.clone()))
}

/// The target whose spikes a channel holds, by the label of its first column; `None` for a unit that is no target.
fn sender(
    feature: &StudyFeature,
    signal: &Signal,
    label: &str,
    receiving: usize,
    targets: &[String],
) -> Option<usize> {
    if *signal == Signal::Spikes {
        return Some(receiving);
    }
    let unit = channel_unit(feature, label)?;
    targets.iter().position(|target| *target == unit)
}

/// The filter of one channel: what a spike adds to the linear predictor in each bin after it.
fn filter(
    applied: &Applied,
    feature: &StudyFeature,
    receiving: usize,
    labels: &[String],
) -> Result<Vec<f64>> {
    let fit = &applied.model.fit;
    let Some(term) = feature.spec.single() else {
        return Err(no_feedback(feature, "a feature of one term", "a product with spikes of the targets"));
    };
    let kernel = past(feature, term, applied.data.bin_s)?;
    let own = &fit.targets[applied.fitted[receiving]];
    let known: HashMap<&String, f64> = fit.labels.iter().zip(own.coef.iter().copied()).collect();
    let coef: Vec<f64> = labels.iter().map(|label| known.get(label).copied().unwrap_or(0.0)).collect();
    let at = |row: ndarray::ArrayView1<f64>| -> f64 {
        term.scale * row.iter().zip(&coef).map(|(value, coef)| coef * value).sum::<f64>()
    };
    Ok(kernel.rows().into_iter().map(at).collect())
}

/// The kernel of a term that looks at the past alone.
fn past(feature: &StudyFeature, term: &Term, bin_s: f64) -> Result<Array2<f64>> {
    match &term.expansion {
        Expansion::Convolved { basis, window_s, causality: Causality::Causal, include_present: false } => {
            basis.kernel(Window::from_duration(*window_s, bin_s)?.n_bins())
        }
        _ => Err(no_feedback(feature, "a window in the past", "one that sees the present or the future")),
    }
}

fn no_feedback(feature: &StudyFeature, expected: &str, found: &str) -> Error {
    Error::argument(
        format!("feature {}", feature.name),
        format!("{expected}, for draws that act on later bins"),
        found,
        "fit the spikes as a feature of their own with a causal window, as in spikes : raised-cosine-log(8, window=200ms)",
    )
}
