//! Everything that can be done with a file of each kind: what the fuzz targets run and what the tests replay.
#![allow(dead_code, reason = "each fuzz target uses a part of it")]
#![allow(unreachable_pub, reason = "a module of several programs, none of which exports it")]

use std::path::Path;

use ndarray::Array2;
use rheobase::cli::{feature as language, inspect, study as studies};
use rheobase::design::{FeatureColumns, Source};
use rheobase::features::{Dataset, Request, StudyFeature};
use rheobase::glm::Plan;
use rheobase::read::csv::CsvFile;
use rheobase::read::{h5, nemos, npz, npz_entries, nwb};
use rheobase::recording::Kind;
use rheobase::regularizer::Regularizer;
use rheobase::time::IntervalSet;
use rheobase::write::categorical::CategoricalFile;
use rheobase::write::json::{json_bytes, read_json};
use rheobase::write::model::{ModelFile, Study};
use rheobase::{Error, Result};

/// What a single read may take. A reader may hold what it reads twice, and in another form.
pub const LIMIT_BYTES: u64 = 64 << 20;

/// What became of a file.
#[derive(Default)]
pub struct Outcome {
    /// Readings that gave something.
    pub n_read: usize,
    /// The errors of the others.
    pub errors: Vec<Error>,
}

impl Outcome {
    fn note<T>(&mut self, result: Result<T>) -> Option<T> {
        match result {
            Ok(read) => {
                self.n_read += 1;
                Some(read)
            }
            Err(error) => {
                self.errors.push(error);
                None
            }
        }
    }
}

/// Every error says what to do, on one line, after one line that says what is wrong.
///
/// # Panics
/// If one does not.
pub fn expect_help(outcome: &Outcome) {
    for error in &outcome.errors {
        let (said, help) = (error.to_string(), error.help());
        assert!(help.trim().len() > 8 && !help.contains('\n'), "{error:?}: {help:?}");
        assert!(said.trim().len() > 8 && said.len() < 10_000, "{error:?}");
    }
}

/// The same, and every error names the file.
///
/// # Panics
/// If one does not.
pub fn expect_clear(outcome: &Outcome, path: &Path) {
    expect_help(outcome);
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    for error in &outcome.errors {
        assert!(error.to_string().contains(&name), "{error:?} does not name {name}");
    }
}

/// A recording: listed, read to the last value, checked and described; and as a file of arrays.
pub fn nwb(path: &Path) -> Outcome {
    let mut all = Outcome::default();
    if let Some(file) = all.note(nwb::open_with_limit(path, LIMIT_BYTES)) {
        for entry in &file.recording().entries {
            match entry.kind {
                Kind::Series => {
                    let Some(series) = all.note(file.series(&entry.path)) else { continue };
                    let Some(Some((first, last))) = all.note(series.span()) else { continue };
                    all.note(series.read_spacing(first, last));
                    all.note(series.read_range(first, last, None));
                }
                Kind::Intervals => {
                    let Some(table) = all.note(file.intervals(&entry.path)) else { continue };
                    // a tag of another table than the epochs is a wrong request, not a fault of the file
                    for error in table.tags().iter().take(8).filter_map(|tag| file.epochs(tag).err()) {
                        assert!(!error.help().is_empty(), "{error:?}");
                    }
                }
                Kind::Units => {
                    all.note(file.units_named(&entry.path));
                }
                Kind::Annotations | Kind::Unreadable => {}
            }
        }
        let findings = file.check();
        let inspection = inspect::inspect(&file, Some(&findings));
        all.note(inspection.json());
        assert!(!inspection.text().is_empty());
    }
    // the error of a dataset that cannot be there lists those that are
    if let Err(Error::Unknown { present, .. }) = h5::read_h5(path, "no such dataset", LIMIT_BYTES) {
        for object in present.iter().take(16) {
            all.note(h5::read_h5(path, object, LIMIT_BYTES));
        }
    }
    all
}

/// A file of numpy: an array, an archive of arrays, or a model of `NeMoS`.
pub fn arrays(path: &Path) -> Outcome {
    let mut all = Outcome::default();
    if std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"\x93NUMPY")) {
        all.note(npz::read_npy(path, LIMIT_BYTES));
        return all;
    }
    if let Some(names) = all.note(npz::npz_names(path)) {
        let is_nemos = nemos::is_nemos(path).unwrap_or(false);
        // texts and single values are no matrices, but entries
        for name in names.iter().take(32) {
            let read = npz::read_npz(path, name, LIMIT_BYTES);
            expect_help(&Outcome { n_read: 0, errors: read.err().into_iter().collect() });
        }
        all.note(npz_entries::read_entries(path));
        let model = nemos::read_nemos(path);
        if is_nemos {
            all.note(model);
        }
    }
    all
}

/// A table: all columns as numbers, and as texts.
pub fn csv(path: &Path) -> Outcome {
    let mut all = Outcome::default();
    if let Some(file) = all.note(CsvFile::open(path, LIMIT_BYTES)) {
        let columns: Vec<usize> = (0..file.names().len()).collect();
        all.note(file.read(&columns, LIMIT_BYTES));
        all.note(file.read_texts(&columns, LIMIT_BYTES));
        for column in columns.into_iter().take(8) {
            all.note(file.read(&[column], LIMIT_BYTES));
        }
    }
    all
}

/// A model file of either kind, or the result of a fit as a plan: what can be read is used and written again.
pub fn model(path: &Path) -> Outcome {
    let mut all = Outcome::default();
    let (of_means, of_classes) = (ModelFile::load(path), CategoricalFile::load(path));
    for error in [of_means.as_ref().err(), of_classes.as_ref().err()].into_iter().flatten() {
        assert!(!error.help().is_empty() && error.to_string().len() < 10_000, "{error:?}");
    }
    let document = read_json::<serde_json::Value>(path);
    let plan = document.as_ref().ok().and_then(|document| document.get("plan")).cloned();
    if CategoricalFile::is_one(path) {
        all.note(of_classes).iter().for_each(|model| use_of_classes(model, &mut all));
    } else if let Some(plan) = plan {
        match serde_json::from_value::<Plan>(plan) {
            Ok(plan) => drop(all.note(json_bytes(&plan))),
            Err(error) => all.errors.push(Error::Format {
                path: path.to_path_buf(),
                expected: "a plan".into(),
                found: error.to_string().chars().take(1000).collect(),
                help: "give the result of a fit".into(),
            }),
        }
    } else {
        all.note(of_means).iter().for_each(|model| use_of_means(model, &mut all));
    }
    all
}

/// The terms of a penalty on the columns of a model, which has them all.
fn use_of_penalty(regularizer: &Regularizer, labels: &[String], features: &[FeatureColumns]) {
    let features: Vec<[usize; 2]> = features.iter().map(|feature| feature.columns).collect();
    let value = regularizer.value(&vec![0.0; labels.len()], &features);
    assert!(value == 0.0, "{value}");
}

fn use_of_means(model: &ModelFile, all: &mut Outcome) {
    all.note(json_bytes(model));
    print_features(&model.study);
    use_of_penalty(&model.fit.regularizer, &model.fit.labels, &model.fit.features);
    let x = Array2::from_elem((3, model.fit.labels.len()), 0.5);
    let source = Source { name: "x".into(), labels: model.fit.labels.clone(), x: x.view().into() };
    let offset = model.fit.has_offset.then_some(&[0.0; 3][..]);
    for (target, fit) in model.fit.targets.iter().enumerate().take(8) {
        assert_eq!(fit.z().len(), fit.coef.len());
        let counts = model.fit.expected_counts(target, std::slice::from_ref(&source), offset);
        assert!(counts.is_ok_and(|counts| counts.len() == 3));
    }
}

fn use_of_classes(model: &CategoricalFile, all: &mut Outcome) {
    all.note(json_bytes(model));
    print_features(&model.study);
    use_of_penalty(&model.fit.regularizer, &model.fit.labels, &model.fit.features);
    let x = Array2::from_elem((3, model.fit.labels.len()), 0.5);
    let source = Source { name: "x".into(), labels: model.fit.labels.clone(), x: x.view().into() };
    for target in 0..model.fit.targets.len().min(8) {
        // a fit with an offset says that it wants one
        if let Ok(found) = model.fit.probabilities(target, std::slice::from_ref(&source)) {
            assert_eq!(found.nrows(), 3);
        }
    }
}

/// The features of a study as they would be typed: they read back.
fn print_features(study: &Study) {
    if let Study::Recording(study) = study {
        for feature in study.features.iter().filter(|feature| feature.spec.check().is_ok()) {
            assert!(!feature.spec.to_string().is_empty());
        }
    }
}

/// A study: its words.
pub fn study(path: &Path) -> Outcome {
    let mut all = Outcome::default();
    all.note(studies::words(path));
    all
}

/// A feature of the recording: read, printed and read back, and its columns in bins of 10 ms.
pub fn feature(text: &str, recording: &Path) -> Outcome {
    let mut all = Outcome::default();
    let Some(spec) = all.note(language::parse(text)) else { return all };
    let printed = spec.to_string();
    let again = language::parse(&printed);
    assert!(
        again.as_ref().is_ok_and(|again| *again == spec),
        "{text:?} is printed as {printed:?}: {again:?}"
    );
    let Some(file) = all.note(nwb::open_with_limit(recording, LIMIT_BYTES)) else { return all };
    let feature = StudyFeature {
        text: text.into(),
        name: "feature".into(),
        spec,
        ranges: std::collections::BTreeMap::new(),
    };
    let request = Request {
        epochs: vec!["run".into()],
        epoch: None,
        except: IntervalSet::empty(),
        units: vec!["all".into()],
        detect_spikes: None,
        bin_s: 0.01,
        features: vec![feature],
        memory_limit_bytes: Some(LIMIT_BYTES),
    };
    if let Some(dataset) = all.note(Dataset::read(&file, request)) {
        assert_eq!(dataset.blocks.len(), 1);
        assert!(json_bytes(&dataset.features).is_ok());
    }
    all
}
