//! Reading the reference files: numbers, series and epochs as their generators encode them; comparisons.
#![allow(dead_code)] // each test file uses its part

use rheobase::time::{IntervalSet, Metadata, MetadataColumn, Ts, TsGroup, Tsd, TsdFrame};
use serde_json::Value;

/// The file `name` of `tests/data`.
pub(crate) fn load(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    serde_json::from_slice(&std::fs::read(path).expect("reference file")).expect("JSON")
}

pub(crate) fn number(v: &Value) -> f64 {
    match v.as_str() {
        Some("NaN") => f64::NAN,
        Some("Infinity") => f64::INFINITY,
        Some("-Infinity") => f64::NEG_INFINITY,
        Some(other) => panic!("{other:?} is no number"),
        None => v.as_f64().unwrap_or_else(|| panic!("{v} is no number")),
    }
}

pub(crate) fn numbers(v: &Value) -> Vec<f64> {
    v.as_array().unwrap_or_else(|| panic!("{v} is no list")).iter().map(number).collect()
}

/// All numbers of nested lists in row-major order.
pub(crate) fn flat(v: &Value) -> Vec<f64> {
    match v.as_array() {
        Some(list) => list.iter().flat_map(flat).collect(),
        None => vec![number(v)],
    }
}

/// Labels, be they numbers or texts.
pub(crate) fn labels(v: &Value) -> Vec<String> {
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_string);
    v.as_array().expect("labels").iter().map(text).collect()
}

pub(crate) fn metadata(v: &Value) -> Metadata {
    let mut metadata = Metadata::new();
    for (name, values) in v.as_object().into_iter().flatten() {
        let text = |v: &Value| v.as_str().map(str::to_string);
        let texts: Option<Vec<String>> = values.as_array().expect("column").iter().map(text).collect();
        let column = texts.map_or_else(|| MetadataColumn::Numbers(numbers(values)), MetadataColumn::Texts);
        metadata.insert(name, column).expect("columns of one length");
    }
    metadata
}

/// Epochs as `{start, end, metadata}` or as a list of pairs.
pub(crate) fn epochs(v: &Value) -> IntervalSet {
    let (start, end): (Vec<f64>, Vec<f64>) = match v.as_array() {
        Some(rows) => rows.iter().map(|row| (number(&row[0]), number(&row[1]))).unzip(),
        None => (numbers(&v["start"]), numbers(&v["end"])),
    };
    let (set, notices) = IntervalSet::with_metadata(&start, &end, metadata(&v["metadata"])).expect("epochs");
    assert!(notices.is_empty(), "{v}: {notices:?}");
    set
}

/// Epochs, or `None` for null.
pub(crate) fn maybe_epochs(v: &Value) -> Option<IntervalSet> {
    (!v.is_null()).then(|| epochs(v))
}

/// A list of times, or `{t, support}`.
pub(crate) fn ts(v: &Value) -> Ts {
    let (t, support) = if v.is_array() { (v, &Value::Null) } else { (&v["t"], &v["support"]) };
    Ts::new(numbers(t), maybe_epochs(support)).expect("times")
}

pub(crate) fn tsd(v: &Value) -> Tsd {
    Tsd::new(numbers(&v["t"]), numbers(&v["d"]), maybe_epochs(&v["support"])).expect("series")
}

pub(crate) fn frame(v: &Value) -> TsdFrame {
    let rows = v["d"].as_array().expect("rows");
    let n_columns = rows.first().map_or(0, |row| row.as_array().map_or(1, Vec::len));
    let d = ndarray::Array2::from_shape_vec((rows.len(), n_columns), flat(&v["d"])).expect("a table");
    let columns = if v["columns"].is_null() { Vec::new() } else { labels(&v["columns"]) };
    TsdFrame::new(numbers(&v["t"]), d, columns, maybe_epochs(&v["support"])).expect("frame")
}

pub(crate) fn units(v: &Value) -> Vec<(i64, Ts)> {
    let units = v["units"].as_object().expect("units");
    units.iter().map(|(key, t)| (key.parse().expect("a key"), ts(t))).collect()
}

pub(crate) fn group(v: &Value) -> TsGroup {
    TsGroup::new(units(v), maybe_epochs(&v["support"]), &metadata(&v["metadata"])).expect("group").0
}

/// Fails unless the two agree exactly (NaN equals NaN).
pub(crate) fn exact(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}: {found:?}, expected {expected:?}");
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!(a == b || (a.is_nan() && b.is_nan()), "{what}[{i}]: {a}, expected {b}");
    }
}

/// Fails unless the two agree to `tolerance` times the expected magnitude (NaN equals NaN).
pub(crate) fn relative(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: {found:?}, expected {expected:?}");
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        let agree = a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance * b.abs();
        assert!(agree, "{what}[{i}]: {a}, expected {b} to {tolerance} relative");
    }
}

/// Fails unless the two agree to `tolerance` (NaN equals NaN).
pub(crate) fn absolute(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: {found:?}, expected {expected:?}");
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        let agree = (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance;
        assert!(agree, "{what}[{i}]: {a}, expected {b} to {tolerance}");
    }
}
