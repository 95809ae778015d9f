//! Results in a copy of the recording: every value comes back, the input stays as it was, and a copy is whole or
//! not there.
//!
//! With `RHEOBASE_KEEP_COPY=FOLDER` a copy with its input and `fit.json` is also kept in FOLDER, for
//! `tests/check_nwb_with_pynwb.py`.

use std::fs;
use std::path::Path;

use hdf5::types::VarLenUnicode;
use hdf5::{File, H5Type, ObjectReference1, ReferencedObject};
use rheobase::read::nwb;
use rheobase::recording::Kind;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::population::OTHERS;
use crate::recording_file::{write_recording, write_without_units};
use crate::table::Table;
use crate::{HISTORY, Place, files_under, json, number, numbers, texts, tutorial};

pub(crate) const MODULE: &str = "processing/rheobase";
const RUN: [&str; 10] =
    ["fit", "r.nwb", "--epochs", "run", "--unit", "all", "--bin", "10ms", "--feature", "current"];
/// Numbers of the table `glm` that `fit.json` has under the same name.
const NUMBERS: [&str; 12] = [
    "intercept",
    "intercept_standard_error",
    "kkt_residual",
    "loss_gap",
    "loss",
    "log_likelihood",
    "log_likelihood_sum",
    "deviance",
    "pseudo_r2_mcfadden",
    "pseudo_r2_cohen",
    "n_bins_used",
    "iterations",
];

pub(crate) fn recording() -> Place {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    place
}

/// Words of a fit of all units with these further ones.
pub(crate) fn run<'w>(more: &[&'w str]) -> Vec<&'w str> {
    [&RUN[..], more].concat()
}

pub(crate) fn sha256(path: &Path) -> String {
    let digits: Vec<String> =
        Sha256::digest(fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

pub(crate) fn column<T: H5Type>(file: &File, path: &str) -> Vec<T> {
    file.dataset(&format!("{MODULE}/{path}")).unwrap_or_else(|e| panic!("{path}: {e}")).read_raw().unwrap()
}

pub(crate) fn text_column(file: &File, path: &str) -> Vec<String> {
    column::<VarLenUnicode>(file, path).iter().map(ToString::to_string).collect()
}

pub(crate) fn attribute(file: &File, path: &str, name: &str) -> String {
    let location = file.loc_info_by_name(path).and_then(|info| file.open_by_token(info.token)).unwrap();
    location.attr(name).unwrap().read_scalar::<VarLenUnicode>().unwrap().to_string()
}

fn same(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan()), "{what}");
    }
}

/// Checks the tables of a copy against the result, and its rates against the table of bins.
pub(crate) fn assert_holds(copy: &Path, out: &Path) {
    let (file, fit) = (File::open(copy).unwrap(), json(&out.join("fit.json")));
    let targets = fit["targets"].as_array().unwrap();
    let of = |field: &str| targets.iter().map(|target| number(&target[field])).collect::<Vec<f64>>();
    NUMBERS.iter().for_each(|name| same(&column(&file, &format!("glm/{name}")), &of(name), name));
    for (column, name) in [("target", "name"), ("status", "status"), ("gap_from", "gap_from")] {
        let expected: Vec<&str> = targets.iter().map(|target| target[name].as_str().unwrap()).collect();
        assert_eq!(text_column(&file, &format!("glm/{column}")), expected);
    }
    for name in ["coef", "standard_errors"] {
        let flat: Vec<f64> = targets.iter().flat_map(|target| numbers(&target[name])).collect();
        same(&column(&file, &format!("glm/{name}")), &flat, name);
        let n_columns = texts(&fit["labels"]).len() as u32;
        let ends: Vec<u32> = (1..=targets.len() as u32).map(|row| row * n_columns).collect();
        assert_eq!(column::<u32>(&file, &format!("glm/{name}_index")), ends);
    }
    assert_eq!(text_column(&file, "features/label"), texts(&fit["labels"]));
    let bins = Table::read(&out.join("tables/bins.csv"));
    let rates = column::<f64>(&file, "predicted_rate/data");
    for (k, target) in targets.iter().enumerate() {
        let own: Vec<f64> = rates.iter().skip(k).step_by(targets.len()).copied().collect();
        let written = bins.numbers(&format!("rate_hz_{}", target["name"].as_str().unwrap()));
        let far = own.iter().zip(&written).filter(|(a, b)| !(**a - **b).abs().le(&(1e-14 * b.abs())));
        assert!(far.into_iter().all(|(a, b)| a.is_nan() && b.is_nan()));
        assert_eq!(own.len(), written.len());
    }
    if out.join("tables/filters.csv").exists() {
        let filters = Table::read(&out.join("tables/filters.csv"));
        same(&column(&file, "filters/lag_s"), &filters.numbers("lag_s"), "lags");
        same(&column(&file, "filters/filter"), &filters.numbers("filter"), "filters");
        same(
            &column(&file, "filters/standard_error"),
            &filters.numbers("standard_error"),
            "standard errors of filters",
        );
        assert_eq!(text_column(&file, "filters/target"), filters.texts("target"));
        assert_eq!(text_column(&file, "filters/channel"), filters.texts("channel"));
    }
    let model = fs::read_to_string(out.join("model.json")).unwrap();
    assert_eq!(text_column(&file, "model/model_json"), [model]);
    assert_eq!(text_column(&file, "model/input_sha256"), [fit["input"]["sha256"].as_str().unwrap()]);
    assert_eq!(text_column(&file, "model/command"), [fit["command"].as_str().unwrap()]);
    assert_eq!(fit["write_nwb"]["sha256"], sha256(copy));
}

/// Everything but the results reads the same from both files.
fn assert_same_recording(input: &Path, copy: &Path) {
    let (a, b) = (nwb::open(input).unwrap(), nwb::open(copy).unwrap());
    for entry in &a.recording().entries {
        match entry.kind {
            Kind::Series => {
                let (a, b) = (a.series(&entry.path).unwrap(), b.series(&entry.path).unwrap());
                let (a, b) = (
                    a.read_rows(0..a.n_samples(), None).unwrap(),
                    b.read_rows(0..b.n_samples(), None).unwrap(),
                );
                same(&a.t, &b.t, &entry.path);
                same(a.values.as_slice().unwrap(), b.values.as_slice().unwrap(), &entry.path);
            }
            Kind::Units => assert_eq!(a.units().unwrap(), b.units().unwrap()),
            Kind::Intervals => {
                let debug = |file: &nwb::NwbFile| format!("{:?}", file.intervals(&entry.path).unwrap());
                assert_eq!(debug(&a), debug(&b));
            }
            _ => {}
        }
    }
    let added = b.recording().entries.len() - a.recording().entries.len();
    assert_eq!(added, 1, "the predicted rate and nothing else");
}

#[test]
fn every_value_comes_back_from_the_copy() {
    let (place, file) = (Place::new(), tutorial());
    let before = sha256(Path::new(&file));
    let mut words = vec!["fit", &file, "--epochs", "Noise 1", "--epoch", "0", "--unit", "0", "--bin", "1ms"];
    words.extend(["--feature", HISTORY, "--out", "out", "--write-nwb", "new/copy.nwb"]);
    let run = place.run(&words).ended(0);
    assert!(
        run.stderr.ends_with("copy with filters and predicted rates written to new/copy.nwb\n"),
        "{run:?}"
    );
    assert_eq!(sha256(Path::new(&file)), before);
    let copy = place.path("new/copy.nwb");
    assert_eq!(files_under(&place.path("new")), ["copy.nwb".to_string()].into());
    assert_eq!(json(&place.path("out/fit.json"))["write_nwb"]["path"], "new/copy.nwb");
    assert_holds(&copy, &place.path("out"));
    assert_same_recording(Path::new(&file), &copy);
    if let Some(keep) = std::env::var_os("RHEOBASE_KEEP_COPY") {
        fs::create_dir_all(&keep).unwrap();
        let kept = |name: &str| Path::new(&keep).join(name);
        fs::copy(&copy, kept("copy.nwb")).unwrap();
        fs::copy(&file, kept("input.nwb")).unwrap();
        fs::copy(place.path("out/fit.json"), kept("fit.json")).unwrap();
    }
    let file = File::open(&copy).unwrap();
    // one epoch is regular
    let start = file.dataset(&format!("{MODULE}/predicted_rate/starting_time")).unwrap();
    assert!((start.read_scalar::<f64>().unwrap() - 39.0205).abs() < 1e-12);
    assert_eq!(start.attr("rate").unwrap().read_scalar::<f64>().unwrap(), 1000.0);
    assert!(!file.link_exists(&format!("{MODULE}/predicted_rate/timestamps")));
    let data = file.dataset(&format!("{MODULE}/predicted_rate/data")).unwrap();
    assert_eq!((data.shape(), data.filters().len()), (vec![28020, 1], 2));
    let rates = data.read_raw::<f64>().unwrap();
    assert_eq!(rates.iter().filter(|rate| rate.is_nan()).count(), 200);
    assert_eq!(attribute(&file, &format!("{MODULE}/predicted_rate/data"), "unit"), "Hz");
}

#[test]
fn references_lead_to_the_units_and_the_ragged_columns() {
    let place = recording();
    place.run(&run(&["--feature", OTHERS, "--write-nwb", "c.nwb"])).ended(0);
    let file = File::open(place.path("c.nwb")).unwrap();
    assert_eq!(column::<i64>(&file, "glm/unit"), [0, 1, 2]);
    let reference = |path: &str, name: &str| -> ObjectReference1 {
        let set = file.dataset(&format!("{MODULE}/glm/{path}")).unwrap();
        set.attr(name).unwrap().read_scalar().unwrap()
    };
    let ReferencedObject::Group(units) = file.dereference(&reference("unit", "table")).unwrap() else {
        panic!("no group")
    };
    assert_eq!(units.name(), "/units");
    let index = reference("coef_index", "target");
    let ReferencedObject::Dataset(coef) = file.dereference(&index).unwrap() else { panic!("no dataset") };
    assert_eq!(coef.name(), format!("/{MODULE}/glm/coef"));
    let types = [
        ("", "core", "ProcessingModule"),
        ("/glm", "hdmf-common", "DynamicTable"),
        ("/glm/id", "hdmf-common", "ElementIdentifiers"),
        ("/glm/unit", "hdmf-common", "DynamicTableRegion"),
        ("/glm/coef", "hdmf-common", "VectorData"),
        ("/glm/coef_index", "hdmf-common", "VectorIndex"),
        ("/predicted_rate", "core", "TimeSeries"),
    ];
    for (path, namespace, neurodata_type) in types {
        let path = format!("{MODULE}{path}");
        assert_eq!(attribute(&file, &path, "namespace"), namespace, "{path}");
        assert_eq!(attribute(&file, &path, "neurodata_type"), neurodata_type, "{path}");
    }
    // the order asked for is the order of the rows
    let words = ["fit", "r.nwb", "--epochs", "run", "--bin", "10ms", "--feature", "current", "--unit", "9"];
    place.run(&[&words[..], &["--unit", "3", "--write-nwb", "c.nwb"]].concat()).ended(0);
    let file = File::open(place.path("c.nwb")).unwrap();
    assert_eq!(text_column(&file, "glm/target"), ["9", "3"]);
    assert_eq!(column::<i64>(&file, "glm/unit"), [2, 0]);
}

#[test]
fn several_units_and_epochs_come_back() {
    let place = recording();
    place.run(&run(&["--feature", OTHERS, "--out", "out", "--write-nwb", "c.nwb"])).ended(0);
    assert_holds(&place.path("c.nwb"), &place.path("out"));
    assert_same_recording(&place.path("r.nwb"), &place.path("c.nwb"));
    let file = File::open(place.path("c.nwb")).unwrap();
    // there is time between the epochs, so every bin has its own
    let times = Table::read(&place.path("out/tables/bins.csv")).numbers("t_s");
    same(&column(&file, "predicted_rate/timestamps"), &times, "times");
    assert!(!file.link_exists(&format!("{MODULE}/predicted_rate/starting_time")));
    let definitions = text_column(&file, "features/definition");
    assert_eq!((definitions[0].as_str(), definitions[1].as_str()), ("current", OTHERS));
    // a unit that no bin holds a spike of
    place
        .run(
            &[
                "fit",
                "r.nwb",
                "--epochs",
                "silence",
                "--unit",
                "all",
                "--bin",
                "10ms",
                "--feature",
                "current",
            ]
            .into_iter()
            .chain(["--out", "silent", "--write-nwb", "s.nwb"])
            .collect::<Vec<_>>(),
        )
        .ended(4);
    assert_holds(&place.path("s.nwb"), &place.path("silent"));
    let file = File::open(place.path("s.nwb")).unwrap();
    assert_eq!(column::<f64>(&file, "glm/intercept"), [f64::NEG_INFINITY; 3]);
}

#[test]
fn detected_spikes_have_no_row_in_a_table_of_units() {
    let place = Place::new();
    write_without_units(&place.path("r.nwb"));
    let words = ["fit", "r.nwb", "--epochs", "run", "--detect-spikes", "constant", "--bin", "10ms"];
    let run = place.run(&[&words[..], &["--feature", "current", "--write-nwb", "c.nwb"]].concat()).ended(4);
    assert!(run.stderr.contains("no event in the used bins"), "{run:?}");
    let file = File::open(place.path("c.nwb")).unwrap();
    assert_eq!(text_column(&file, "glm/target"), ["detected"]);
    assert!(!file.link_exists(&format!("{MODULE}/glm/unit")));
    let names = file.group(&format!("{MODULE}/glm")).unwrap().attr("colnames").unwrap();
    assert_eq!(names.read_raw::<VarLenUnicode>().unwrap()[0].as_str(), "target");
}

#[test]
fn the_copy_is_a_model_to_score_with() {
    let place = recording();
    place.run(&run(&["--out", "out", "--write-nwb", "c.nwb"])).ended(0);
    let score = |model: &str| {
        place.run(&["score", model, "r.nwb", "--epochs", "rest", "--json", "--quiet"]).ended(0).json()["targets"].clone()
    };
    assert_eq!(score("c.nwb"), score("out/model.json"));
    let said = ["r.nwb: expected a model file, found HDF5 without a fit of this program", "--write-nwb"];
    place.refused(&["score", "r.nwb", "r.nwb"], 3, &said);
}

#[test]
fn without_out_nothing_but_the_copy_is_written() {
    let place = recording();
    let before = files_under(&place.path(""));
    let document = place.run(&run(&["--json", "--write-nwb", "c.nwb"])).ended(0).json();
    assert_eq!(document["write_nwb"]["sha256"], sha256(&place.path("c.nwb")));
    let mut expected = before;
    expected.insert("c.nwb".into());
    assert_eq!(files_under(&place.path("")), expected);
    let quiet = place.run(&run(&["--quiet", "--write-nwb", "c.nwb"])).ended(0);
    assert_eq!(quiet.stderr, "");
    assert_eq!(place.run(&run(&["--json"])).ended(0).json().get("write_nwb"), None);
}

#[test]
fn the_same_fit_has_the_same_identifiers() {
    let place = recording();
    let ids = |feature: &str| -> Vec<String> {
        place.run(&run(&["--feature", feature, "--write-nwb", "c.nwb"])).ended(0);
        let file = File::open(place.path("c.nwb")).unwrap();
        ["", "/glm", "/glm/coef", "/predicted_rate"]
            .map(|path| attribute(&file, &format!("{MODULE}{path}"), "object_id"))
            .to_vec()
    };
    let first = ids("holes");
    assert_eq!(first, ids("holes"));
    assert!(first.iter().all(|id| id.len() == 36 && id.as_bytes()[14] == b'5'), "{first:?}");
    assert!(first.iter().zip(ids("constant*2 : raised-cosine-log(2, window=50ms)")).all(|(a, b)| *a != b));
}

/// The results tell nothing that the program would read as a recording of its own.
#[test]
fn a_copy_is_fitted_like_its_input() {
    let place = recording();
    place.run(&run(&["--write-nwb", "c.nwb"])).ended(0);
    let fit = |file: &str| -> Value {
        let mut words = run(&["--json", "--quiet"]);
        words[1] = file;
        let mut targets = place.run(&words).ended(0).json()["targets"].take();
        targets.as_array_mut().unwrap().iter_mut().for_each(|target| target["warnings"] = Value::Null);
        targets
    };
    assert_eq!(fit("c.nwb"), fit("r.nwb"));
    // and the prediction is a series like any other
    place
        .run(&[
            "fit",
            "c.nwb",
            "--epochs",
            "run",
            "--unit",
            "3",
            "--bin",
            "10ms",
            "--feature",
            "predicted_rate[0]",
        ])
        .ended(0);
}
