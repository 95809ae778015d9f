//! The report of a fit, put together from the fit and its data.

use std::fmt::Write;

use super::categorical::ClassTargets;
use super::certificates::{certificates, words};
use super::data::Data;
use super::fit::Fitting;
use super::fit_text;
use super::machine::{peak_memory_bytes, processor};
use super::score_rows::score_rows;
use crate::backend::DeviceEvent;
use crate::glm::{ClassFit, Confusion};
use crate::report::{Bins, Classes, Computed, Epoch, FigureSvg, Report, WrittenFile};
use crate::write::model::Study;

/// What the page shows beside the fit.
pub(super) struct Beside {
    /// The command that repeats the fit.
    pub(super) command: String,
    /// The study with all its choices.
    pub(super) study_toml: Option<String>,
    /// What happened to the device of the fit.
    pub(super) events: Vec<DeviceEvent>,
    pub(super) figures: Vec<FigureSvg>,
    /// Names of the other files in the folder.
    pub(super) files: Vec<String>,
}

/// The page.
pub(super) fn html(fitting: &Fitting, beside: Beside) -> String {
    let (data, fit) = (&fitting.data, &fitting.model.fit);
    let report = Report {
        model: fitting.name.clone(),
        input: data.input.path.display().to_string(),
        sha256: data.input.sha256.clone(),
        epochs_asked: epochs_asked(&fitting.model.study),
        features_typed: data.features.iter().map(|feature| feature.text.clone()).collect(),
        fit,
        certificates: certificates(fitting),
        words: words(fitting),
        classes: classes(fitting),
        scores: score_rows(fitting),
        tests: tests(fitting),
        figures: beside.figures,
        lags_ms: fit_text::lags_ms(data),
        bins: Bins {
            n: data.n_bins(),
            n_used: data.parts.iter().map(|part| part.used.len()).min().unwrap_or(0),
            n_edge: data.n_edge,
            n_dropped: data.n_dropped,
            left_out: data.left_out.iter().map(|own| (own.reason.into(), own.n_bins)).collect(),
            bin_s: data.bin_s.is_finite().then_some(data.bin_s),
        },
        epochs: epochs(data),
        notices: data.notices.clone(),
        computed: Computed {
            version: env!("CARGO_PKG_VERSION").into(),
            device: processor(),
            events: beside.events,
            n_threads: rayon::current_num_threads(),
            peak_memory_bytes: peak_memory_bytes(),
            read_s: data.seconds.read,
            features_s: data.seconds.features,
            total_s: fitting.seconds_total,
        },
        study_toml: beside.study_toml,
        command: beside.command,
        files: beside.files.into_iter().map(|name| WrittenFile { what: what(&name).into(), name }).collect(),
    };
    report.html()
}

/// Tests against a smaller model.
fn tests(fitting: &Fitting) -> Vec<String> {
    let titles = || fitting.data.responses().into_iter().map(|name| fitting.data.title(name));
    fitting.tested.as_ref().map_or(Vec::new(), |tested| tested.lines(titles()))
}

/// The classes of each target; none of other models.
fn classes(fitting: &Fitting) -> Vec<Classes> {
    let Some(of_classes) = &fitting.of_classes else { return Vec::new() };
    let of_target = |((own, found), place): ((&ClassFit, &Confusion), &ClassTargets)| Classes {
        names: own.classes.iter().map(ToString::to_string).collect(),
        titles: place
            .targets
            .clone()
            .map(|class| fit_text::title(&fitting.data, &fitting.model.fit.targets[class]))
            .collect(),
        accuracy: found.accuracy,
        confusion: found.confusion.clone(),
    };
    let targets = of_classes.model.fit.targets.iter().zip(&of_classes.confusions);
    targets.zip(&fitting.data.classes).map(of_target).collect()
}

/// The epochs as asked for.
pub(super) fn epochs_asked(study: &Study) -> String {
    let Study::Recording(study) = study else { return String::new() };
    let mut text = study.selectors.join(", ");
    if let Some(k) = study.epoch {
        let comma = if text.is_empty() { "" } else { ", " };
        // writing to a string cannot fail
        let _ = write!(text, "{comma}epoch {k}");
    }
    text
}

/// Every epoch with its bins and events.
fn epochs(data: &Data) -> Vec<Epoch> {
    let new = |epoch: &Vec<f64>| Epoch {
        start_s: epoch[0],
        stop_s: epoch[1],
        n_bins: 0,
        n_used: usize::MAX,
        n_events: vec![0.0; data.names.len()],
    };
    let mut epochs: Vec<Epoch> = data.epochs_s.iter().map(new).collect();
    if epochs.is_empty() {
        return epochs;
    }
    (0..data.n_bins()).for_each(|bin| epochs[data.epoch_of(bin)].n_bins += 1);
    for part in &data.parts {
        let mut n_used = vec![0; epochs.len()];
        for &bin in &part.used {
            let epoch = data.epoch_of(bin);
            n_used[epoch] += 1;
            for &target in &part.group.targets {
                epochs[epoch].n_events[target] += data.y.get(bin, target);
            }
        }
        // of the target with the fewest
        epochs.iter_mut().zip(n_used).for_each(|(epoch, n_used)| epoch.n_used = epoch.n_used.min(n_used));
    }
    epochs
}

/// What a file of the folder holds.
fn what(name: &str) -> &'static str {
    match name {
        "fit.json" => "everything that was found, with the digests of the other files",
        "model.json" => "the model with its study, for use on other data",
        "tables/bins.csv" => "every bin: time, epoch, whether it was used, response, prediction",
        "tables/filters.csv" => "filters and response curves of all features with a basis, point by point",
        "tables/surfaces.csv" => "surfaces of products of two bases over both values, cell by cell",
        "tables/couplings.csv" => "couplings between units: the area under each filter",
        "tables/coefficients.csv" => "coefficients and intercepts of every class with their errors",
        "tables/confusion.csv" => "bins of every label by their most probable class",
        "tables/calibration.csv" => "share of bins of every class by its probability",
        "tables/tuning.csv" => "tuning curves of the data and of the models",
        name if name.starts_with("tables/features") => "the features of every bin",
        name if name.starts_with("figures/") => "a figure of this report",
        _ => "a result of this fit",
    }
}
