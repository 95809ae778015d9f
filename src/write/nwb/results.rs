//! The results of a fit as a processing module of an NWB file.
//!
//! ```text
//! processing/rheobase     ProcessingModule
//!   glm                   DynamicTable, a row per neuron: unit (a region of the units table), target,
//!                         status, coef ..
//!   features              DynamicTable, a row per coefficient: feature, label, definition
//!   filters               DynamicTable, a row per neuron, channel and lag; only with features that see the past
//!   model                 DynamicTable, one row: version, command, input, and the whole model file as text
//!   predicted_rate        TimeSeries (bins, neurons) in Hz, NaN where a feature is unknown
//! ```
//!
//! Of classes `glm` has a row per neuron and class (and `filters` the column `class`), and instead of rates there is
//! `predicted_probability`, a `TimeSeries` (bins, classes of all neurons).

use std::path::Path;

use hdf5::types::VarLenUnicode;
use hdf5::{Dataset, Group, ObjectReference1};
use ndarray::{Array1, Array2};
use uuid::Uuid;

use super::{
    Nwb, StoredModel, dataset, describe_table, put, put_series, put_timestamps, set_attribute, set_text,
    unicode,
};
use crate::glm::{FittedGlm, GapFrom, TargetFit};
use crate::inverse_link::InverseLink;
use crate::read::h5;
use crate::write::digest::digest_bytes;
use crate::write::model::Input;
use crate::{Error, Result};

/// Where the results stand in the file.
pub(super) const MODULE: &str = "processing/rheobase";

/// Column of the table `model` that holds the model file.
const MODEL_TEXT: &str = "model/model_json";

/// What bins may differ from a regular series and still be one, seconds: the rounding of their edges.
const REGULAR_S: f64 = 1e-9;

/// What a fit adds to a copy of its recording.
#[derive(Clone, Debug)]
pub struct Results<'a> {
    /// The recording, and the digest that it had when it was fitted.
    pub input: &'a Input,
    /// The model file.
    pub model: StoredModel<'a>,
    /// The fit, with a target for each class if it is one of classes.
    pub fit: &'a FittedGlm,
    /// The neuron of each target of the fit.
    pub names: Vec<String>,
    /// The class that each target of the fit is; empty for other models.
    pub classes: Vec<String>,
    /// Names and definitions of the features, in the order of their columns.
    pub definitions: Vec<String>,
    /// The command that made the fit.
    pub command: &'a str,
    /// Width of a bin, seconds.
    pub bin_s: f64,
    /// Centre of every bin, seconds.
    pub centres_s: &'a [f64],
    /// Expected counts of every bin, of classes their probabilities, one entry per target; NaN where a feature is unknown.
    pub expected: &'a [Array1<f64>],
    /// The targets in the units table; none if their spikes were detected.
    pub units: Option<UnitRows>,
    /// Filters of the features that see the past.
    pub filters: Option<FilterRows>,
}

/// Which rows of which units table the targets are.
#[derive(Clone, Debug)]
pub struct UnitRows {
    /// Path of the table in the file.
    pub table: String,
    /// Row of each target.
    pub rows: Vec<i64>,
}

/// Filters over lags, one row per target, channel and lag.
#[derive(Clone, Debug, Default)]
pub struct FilterRows {
    /// The target of each row.
    pub targets: Vec<String>,
    /// Which class of it; empty for other models.
    pub classes: Vec<String>,
    /// The channel of the feature.
    pub channels: Vec<String>,
    /// How long before the bin, seconds; negative after it.
    pub lags_s: Vec<f64>,
    /// The filter there, per unit of the feature.
    pub values: Vec<f64>,
    /// Its standard error; NaN where there is none.
    pub standard_errors: Vec<f64>,
}

/// The text of the model file that a copy of a recording holds; `None` if there is none.
///
/// # Errors
/// [`Error::Format`] for a file that HDF5 cannot read.
pub fn model_text(path: &Path) -> Result<Option<String>> {
    let unreadable = |e: hdf5::Error| Error::Format {
        path: path.to_path_buf(),
        expected: "a readable HDF5 file".into(),
        found: e.to_string(),
        help: "copy it again, or write it again with `rheobase fit --write-nwb`".into(),
    };
    h5::check(path)?;
    let file = hdf5::File::open(path).map_err(unreadable)?;
    let Ok(module) = file.group(MODULE) else { return Ok(None) };
    let Ok(column) = module.dataset(MODEL_TEXT) else { return Ok(None) };
    // nothing else is read as text: a type that a file makes up may be anything
    if column.size() != 1 || !column.dtype().is_ok_and(|dtype| dtype.is::<VarLenUnicode>()) {
        return Ok(None);
    }
    let texts = column.read_raw::<VarLenUnicode>().map_err(unreadable)?;
    Ok(texts.first().map(|text| String::from_utf8_lossy(text.as_bytes()).into_owned()))
}

impl Results<'_> {
    /// Adds the module to a file that has none.
    pub(super) fn write(&self, root: &Group) -> hdf5::Result<()> {
        let model_json = self.model.json().map_err(|e| hdf5::Error::from(e.to_string()))?;
        let nwb = Nwb { ids: self.ids(&model_json), root };
        let module = nwb.group(MODULE)?;
        nwb.identify(&module, "core", "ProcessingModule")?;
        set_text(
            &module,
            "description",
            if self.is_of_classes() {
                "models of labels fitted by rheobase: coefficients, filters, predicted probabilities"
            } else {
                "encoding models fitted by rheobase: coefficients, filters, predicted rates"
            },
        )?;
        nwb.write_glm(self)?;
        nwb.write_features(self)?;
        if let Some(filters) = &self.filters {
            nwb.write_filters(filters, self)?;
        }
        nwb.write_model(self, &String::from_utf8_lossy(&model_json))?;
        nwb.write_rates(self)
    }

    /// Whether targets of the fit are classes.
    fn is_of_classes(&self) -> bool {
        !self.classes.is_empty()
    }

    /// What the series of predictions is called.
    pub(super) fn series_name(&self) -> &'static str {
        if self.is_of_classes() { "predicted_probability" } else { "predicted_rate" }
    }

    /// What the rows of the table of models are.
    fn description(&self) -> String {
        if self.is_of_classes() {
            return "categorical models (multinomial logistic regression), one row per neuron and class: the probability of a \
                    class in a bin is exp(eta) over the sum of those of all classes of the neuron, eta is intercept + sum over the \
                    rows of the table `features` of coef x feature; status and what proves it are those of all classes together"
                .into();
        }
        let model = self.fit.model;
        let link = match model.inverse_link {
            InverseLink::Identity => "",
            InverseLink::OneOverX => "1 / ",
            InverseLink::Probit => "Phi",
            other => other.name(),
        };
        format!(
            "{}{} generalized linear models, one row per neuron: the expected count of a bin is {}(intercept + sum over \
             the rows of the table `features` of coef x feature)",
            model.observation.name()[..1].to_uppercase(),
            &model.observation.name()[1..],
            link
        )
    }

    /// The namespace of the identifiers: the input and the fit without the time that it took.
    fn ids(&self, model_json: &[u8]) -> Uuid {
        let timeless = self.model.timeless_json();
        let of_fit = timeless.map_or_else(|_| digest_bytes(model_json), |bytes| digest_bytes(&bytes));
        let name = format!("{} {of_fit}", self.input.sha256);
        Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())
    }
}

impl Nwb<'_> {
    /// A table with these columns, one value per row.
    fn table(&self, name: &str, description: &str, columns: &[&str], n_rows: usize) -> hdf5::Result<Group> {
        let table = self.group(&format!("{MODULE}/{name}"))?;
        self.identify(&table, "hdmf-common", "DynamicTable")?;
        describe_table(&table, description, columns)?;
        self.put_ids(&table, n_rows)?;
        Ok(table)
    }

    fn put_texts<'t>(
        &self,
        table: &Group,
        name: &str,
        description: &str,
        texts: impl IntoIterator<Item = &'t str>,
    ) -> hdf5::Result<Dataset> {
        let texts = texts.into_iter().map(unicode).collect::<hdf5::Result<Vec<_>>>()?;
        self.put_column(table, name, description, &texts)
    }

    fn write_glm(&self, results: &Results) -> hdf5::Result<()> {
        let targets = &results.fit.targets;
        let mut columns = vec!["target", "status"];
        columns.extend(NUMBERS.map(|(name, ..)| name));
        columns.extend(COUNTS.map(|(name, ..)| name));
        columns.extend(["gap_from", "coef", "standard_errors"]);
        if results.is_of_classes() {
            columns.insert(1, "class");
        }
        if results.units.is_some() {
            columns.insert(0, "unit");
        }
        let table = self.table("glm", &results.description(), &columns, targets.len())?;
        if let Some(units) = &results.units {
            self.put_region(&table, units)?;
        }
        self.put_texts(&table, "target", "name of the neuron", results.names.iter().map(String::as_str))?;
        if results.is_of_classes() {
            self.put_texts(&table, "class", "the label", results.classes.iter().map(String::as_str))?;
        }
        let status = "how the fit ended; converged means at the optimum, with the proof in this row";
        self.put_texts(&table, "status", status, targets.iter().map(|target| target.status.name()))?;
        for (name, description, of) in NUMBERS {
            self.put_column(&table, name, description, &targets.iter().map(of).collect::<Vec<f64>>())?;
        }
        for (name, description, of) in COUNTS {
            self.put_column(&table, name, description, &targets.iter().map(of).collect::<Vec<i64>>())?;
        }
        let gap_from = targets.iter().map(|target| match target.gap_from {
            GapFrom::Hessian => "hessian",
            GapFrom::FlatGram => "flat_gram",
        });
        self.put_texts(&table, "gap_from", "the matrix that the loss gap was estimated with", gap_from)?;
        let errors = "standard errors of the coefficients; NaN where the data do not determine one";
        self.put_ragged(
            &table,
            "coef",
            "coefficients, in the order of the rows of `features`",
            targets,
            |t| &t.coef,
        )?;
        self.put_ragged(&table, "standard_errors", errors, targets, |target| &target.standard_errors)
    }

    /// The rows of the units table that the rows of a table are about.
    fn put_region(&self, table: &Group, units: &UnitRows) -> hdf5::Result<()> {
        let region = put(table, "unit", &units.rows)?;
        self.identify(&region, "hdmf-common", "DynamicTableRegion")?;
        set_text(&region, "description", "the neuron in the table of units")?;
        set_attribute(&region, "table", &self.root.reference::<ObjectReference1>(&units.table)?)
    }

    fn put_ragged(
        &self,
        table: &Group,
        name: &str,
        description: &str,
        targets: &[TargetFit],
        of: impl Fn(&TargetFit) -> &Vec<f64>,
    ) -> hdf5::Result<()> {
        let flat: Vec<f64> = targets.iter().flat_map(|target| of(target).iter().copied()).collect();
        let mut end = 0;
        let ends = targets.iter().map(|target| {
            end += of(target).len() as u32;
            end
        });
        let ends: Vec<u32> = ends.collect();
        self.put_column(table, name, description, &flat)?;
        self.put_index(table, name, &ends)
    }

    fn write_features(&self, results: &Results) -> hdf5::Result<()> {
        let fit = results.fit;
        let columns = ["feature", "label", "definition"];
        let table = self.table("features", "what each coefficient stands for", &columns, fit.labels.len())?;
        let mut features = vec![("", ""); fit.labels.len()];
        for (feature, definition) in fit.features.iter().zip(&results.definitions) {
            let [first, end] = feature.columns;
            features[first..end].fill((&feature.name, definition));
        }
        self.put_texts(&table, "feature", "name of the feature", features.iter().map(|feature| feature.0))?;
        self.put_texts(&table, "label", "name of the column", fit.labels.iter().map(String::as_str))?;
        let definition =
            "signal, scale and basis of the feature; a coefficient is per unit of the scaled signal";
        self.put_texts(&table, "definition", definition, features.iter().map(|feature| feature.1)).map(drop)
    }

    fn write_filters(&self, filters: &FilterRows, results: &Results) -> hdf5::Result<()> {
        let of_classes = results.is_of_classes();
        let description = match (of_classes, results.fit.regularizer.centres_classes()) {
            (true, true) => {
                "basis functions x coefficients: what a value at that lag adds to the log odds of the class against the geometric \
                 mean of the probabilities of all classes"
            }
            (true, false) => {
                "basis functions x coefficients: what a value at that lag adds to the linear predictor of the class; differences \
                 between two classes are their log odds"
            }
            (false, _) => {
                "basis functions x coefficients: what a value at that lag adds to the log of the rate"
            }
        };
        let mut columns = vec!["target", "channel", "lag_s", "filter", "standard_error"];
        if of_classes {
            columns.insert(1, "class");
        }
        let table = self.table("filters", description, &columns, filters.values.len())?;
        self.put_texts(&table, "target", "name of the neuron", filters.targets.iter().map(String::as_str))?;
        if of_classes {
            self.put_texts(&table, "class", "the label", filters.classes.iter().map(String::as_str))?;
        }
        let channel = "channel of the feature";
        self.put_texts(&table, "channel", channel, filters.channels.iter().map(String::as_str))?;
        self.put_column(
            &table,
            "lag_s",
            "how long before the bin, seconds; negative after it",
            &filters.lags_s,
        )?;
        self.put_column(&table, "filter", "the filter, per unit of the scaled signal", &filters.values)?;
        self.put_column(&table, "standard_error", "standard error of the filter", &filters.standard_errors)?;
        Ok(())
    }

    fn write_model(&self, results: &Results, model_json: &str) -> hdf5::Result<()> {
        let input_path = results.input.path.display().to_string();
        let columns = [
            ("rheobase_version", "version of the program", results.model.version()),
            ("command", "the command that made the fit", results.command),
            ("input_path", "the recording that was fitted", &input_path),
            ("input_sha256", "its SHA-256", &results.input.sha256),
            ("model_json", "the model file, which `rheobase score` takes", model_json),
        ];
        let table = self.table("model", "where the fit comes from", &columns.map(|column| column.0), 1)?;
        for (name, description, text) in columns {
            self.put_texts(&table, name, description, [text])?;
        }
        Ok(())
    }

    fn write_rates(&self, results: &Results) -> hdf5::Result<()> {
        let Results { bin_s, centres_s, expected, .. } = results;
        let series = self.group(&format!("{MODULE}/{}", results.series_name()))?;
        let (description, unit, per) = if results.is_of_classes() {
            ("predicted probability of the class, one column per row of the table `glm`", "probability", 1.0)
        } else {
            ("predicted firing rate, one column per row of the table `glm`", "Hz", *bin_s)
        };
        let comments = format!(
            "at the centres of bins of {bin_s} s in the epochs that were fitted; NaN where a feature is unknown, as \
             where its window begins before the epoch"
        );
        self.describe_series(&series, description, &comments)?;
        let rates =
            Array2::from_shape_fn((centres_s.len(), expected.len()), |(bin, k)| expected[k][bin] / per);
        put_series(&series, rates.view(), unit)?;
        let start_s = centres_s.first().copied().unwrap_or(0.0);
        let rate_hz = 1.0 / bin_s;
        let off = |(bin, t): (usize, &f64)| (start_s + bin as f64 / rate_hz - t).abs();
        if centres_s.iter().enumerate().map(off).all(|off| off < REGULAR_S) {
            let starting_time = dataset(&series).empty::<f64>().shape(()).create("starting_time")?;
            starting_time.write_scalar(&start_s)?;
            set_attribute(&starting_time, "rate", &rate_hz)?;
            return set_text(&starting_time, "unit", "seconds");
        }
        put_timestamps(&series, centres_s)
    }
}

/// A column of numbers: name, description, value.
type Number<T> = (&'static str, &'static str, fn(&TargetFit) -> T);

const NUMBERS: [Number<f64>; 10] = [
    ("intercept", "the linear predictor where all features are 0", |target| target.intercept),
    ("intercept_standard_error", "standard error of the intercept", |target| target.intercept_standard_error),
    ("kkt_residual", "largest component of the gradient relative to its terms", |target| target.kkt_residual),
    ("loss_gap", "estimate of how much the mean loss exceeds its minimum", |target| target.loss_gap),
    ("loss", "mean loss per bin", |target| target.loss),
    ("log_likelihood", "mean log-likelihood per bin, natural logarithm", |target| {
        target.scores.log_likelihood
    }),
    ("log_likelihood_sum", "log-likelihood of all used bins", |target| target.scores.log_likelihood_sum),
    ("deviance", "deviance of all used bins", |target| target.scores.deviance),
    ("pseudo_r2_mcfadden", "McFadden's pseudo-R2", |target| target.scores.pseudo_r2_mcfadden),
    ("pseudo_r2_cohen", "Cohen's pseudo-R2", |target| target.scores.pseudo_r2_cohen),
];

const COUNTS: [Number<i64>; 2] = [
    ("n_bins_used", "bins that were fitted", |target| target.n_bins_used as i64),
    ("iterations", "steps of the solver", |target| target.iterations as i64),
];
