//! What a report is made of.

use super::Certificate;
use crate::backend::DeviceEvent;
use crate::glm::{FittedGlm, Scores};

/// Everything that the page of a fit says.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// Name of the model.
    pub model: String,
    /// Path of the input, as it was given.
    pub input: String,
    /// SHA-256 of the input.
    pub sha256: String,
    /// The epochs as asked for: `Noise 1, number 0 of those that match`; empty for arrays.
    pub epochs_asked: String,
    /// The features as they were typed, in the order of [`FittedGlm::features`]; empty for arrays.
    pub features_typed: Vec<String>,
    /// The fit.
    pub fit: &'a FittedGlm,
    /// What was proven of each target, in their order; of all classes of a target together.
    pub certificates: Vec<Certificate<'a>>,
    /// What there is to say about each of them.
    pub words: Vec<TargetWords>,
    /// The classes of each of them, if the targets of the fit are their classes; else empty.
    pub classes: Vec<Classes>,
    /// Scores: all targets on the fitted data, then on each held-out part.
    pub scores: Vec<ScoreRow>,
    /// Tests against a smaller model, a line for each target.
    pub tests: Vec<String>,
    /// The figures, in the order of the page.
    pub figures: Vec<FigureSvg>,
    /// For every column of the fit, the lag at which its function is largest, milliseconds.
    pub lags_ms: Vec<Option<f64>>,
    /// The bins and what became of them.
    pub bins: Bins,
    /// The epochs in the order of time; empty for arrays.
    pub epochs: Vec<Epoch>,
    /// What was noticed while the data were read.
    pub notices: Vec<String>,
    /// How it was computed.
    pub computed: Computed,
    /// The study with all its choices, as TOML.
    pub study_toml: Option<String>,
    /// The command that repeats the fit.
    pub command: String,
    /// The files beside the report.
    pub files: Vec<WrittenFile>,
}

/// The classes of one target, which are targets of the fit of a report.
#[derive(Clone, Debug, PartialEq)]
pub struct Classes {
    /// Their names.
    pub names: Vec<String>,
    /// What they are called as targets: `turn=left`.
    pub titles: Vec<String>,
    /// The part of the fitted bins whose most probable class is their label.
    pub accuracy: f64,
    /// Bins, shape (classes, classes): a row for each label, a column for each most probable class.
    pub confusion: Vec<Vec<usize>>,
}

/// One target in words.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetWords {
    /// What people call it: `unit 3`.
    pub title: String,
    /// How its fit ended: `at the optimum, with proof`.
    pub verdict: String,
    /// What to do if it is not at an optimum for want of time or steps.
    pub remedy: Option<String>,
    /// Events in its used bins; of no meaning where the target has classes.
    pub n_events: f64,
}

/// The scores of one target by one model on one set of bins.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreRow {
    /// Which data: `Noise 2`.
    pub data: String,
    /// Whether the model was fitted to them.
    pub is_fitted: bool,
    /// The model.
    pub model: String,
    /// The target.
    pub target: String,
    /// Events in the bins.
    pub n_events: f64,
    /// Bins.
    pub n_bins: usize,
    /// The scores.
    pub scores: Scores,
    /// The part of the bins whose most probable class is the label, of a model of classes.
    pub accuracy: Option<f64>,
}

/// A figure as the report shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureSvg {
    /// Its name, which decides the section: `tuning`, `filter`.
    pub name: String,
    /// What it shows, in a few words.
    pub title: String,
    /// How to read it.
    pub caption: String,
    /// An SVG document that may stand in a page beside others: its ids are its own.
    pub svg: String,
}

/// The bins (rows of arrays) and what became of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Bins {
    /// All of them.
    pub n: usize,
    /// Those that were fitted, of the target with the fewest.
    pub n_used: usize,
    /// Those whose window begins before their epoch, or whose value lies outside a remembered range.
    pub n_edge: usize,
    /// Those whose data are not finite.
    pub n_dropped: usize,
    /// Why bins were left out, and how many for each reason.
    pub left_out: Vec<(String, usize)>,
    /// Width, seconds; `None` for arrays.
    pub bin_s: Option<f64>,
}

/// One epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Epoch {
    /// Its start, seconds.
    pub start_s: f64,
    /// Its end, seconds.
    pub stop_s: f64,
    /// Its bins.
    pub n_bins: usize,
    /// Those that were fitted.
    pub n_used: usize,
    /// Events of each target of the fit in them; of a class its bins.
    pub n_events: Vec<f64>,
}

/// How a fit was computed.
#[derive(Clone, Debug, PartialEq)]
pub struct Computed {
    /// Version of the program.
    pub version: String,
    /// The processor.
    pub device: String,
    /// What happened to the device of the fit on the way.
    pub events: Vec<DeviceEvent>,
    /// Threads.
    pub n_threads: usize,
    /// Largest resident memory, bytes; `None` where the system does not say.
    pub peak_memory_bytes: Option<u64>,
    /// Seconds of reading the data.
    pub read_s: f64,
    /// Seconds of building the features.
    pub features_s: f64,
    /// Seconds of everything up to the end of the fit.
    pub total_s: f64,
}

/// A file beside the report.
#[derive(Clone, Debug, PartialEq)]
pub struct WrittenFile {
    /// Its path from the report, with `/` between the parts.
    pub name: String,
    /// What it holds.
    pub what: String,
}

impl Report<'_> {
    /// What an event is called.
    pub(super) fn events(&self) -> &'static str {
        if self.is_recording() { "spikes" } else { "events" }
    }

    /// Whether the response counts events: of a recording it always does, unless it is taken for labels.
    pub(super) fn has_events(&self) -> bool {
        !self.is_of_classes() && (self.is_recording() || self.fit.model.observation.has_events())
    }

    /// Whether the targets of the fit are classes.
    pub(super) fn is_of_classes(&self) -> bool {
        !self.classes.is_empty()
    }

    /// What the targets of the fit are called.
    pub(super) fn titles(&self) -> Vec<&str> {
        if self.is_of_classes() {
            self.classes.iter().flat_map(|own| &own.titles).map(String::as_str).collect()
        } else {
            self.words.iter().map(|words| words.title.as_str()).collect()
        }
    }

    /// What a row of the data is called, with its number.
    pub(super) fn rows(&self, n: usize) -> &'static str {
        match (self.is_recording(), n) {
            (true, 1) => "bin",
            (true, _) => "bins",
            (false, 1) => "row",
            (false, _) => "rows",
        }
    }

    /// Whether the data have times.
    pub(super) fn is_recording(&self) -> bool {
        self.bins.bin_s.is_some()
    }

    /// Name of the input without its folders.
    pub(super) fn file_name(&self) -> &str {
        self.input.rsplit(['/', '\\']).next().unwrap_or(&self.input)
    }

    /// The targets in a few words: the only one's title, or how many there are.
    pub(super) fn targets_title(&self) -> String {
        match &self.words[..] {
            [only] => only.title.clone(),
            all if self.is_recording() => format!("{} units", all.len()),
            all => format!("{} targets", all.len()),
        }
    }
}
