//! Bases against the values of `NeMoS` 0.2.8 (`tests/data/reference_nemos.json`) and of the tutorial's data path.

use ndarray::Array2;
use rheobase::basis::{Basis, Declare, Expand, RaisedCosineLog, Range, Value};
use rheobase::features::{Channel, evaluated};
use rheobase::time::{BinGrid, IntervalSet};
use serde_json::Value as Json;

const TOLERANCE: f64 = 1e-12;

fn reference(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

fn nemos() -> Json {
    reference(include_str!("data/reference_nemos.json"))
}

/// A number, `null` being NaN.
fn number(value: &Json) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn vector(value: &Json) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn matrix(value: &Json) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = value.as_array().unwrap().iter().map(vector).collect();
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

fn assert_near(found: &Array2<f64>, expected: &Array2<f64>, what: &str) {
    assert_eq!(found.dim(), expected.dim(), "{what}");
    for ((at, a), b) in found.indexed_iter().zip(expected) {
        assert!(a.is_nan() == b.is_nan(), "{what} {at:?}: {a} {b}");
        assert!(a.is_nan() || (a - b).abs() <= TOLERANCE, "{what} {at:?}: {a} {b}");
    }
}

fn raised_cosine_log(arguments: &Json) -> RaisedCosineLog {
    let optional = |name: &str, default: f64| arguments.get(name).map_or(default, number);
    let decays = arguments.get("enforce_decay_to_zero").is_none_or(|flag| flag.as_bool().unwrap());
    RaisedCosineLog::from_values(&[
        Value::Count(arguments["n_basis_funcs"].as_u64().unwrap() as usize),
        Value::Number(optional("width", 2.0)),
        Value::Number(optional("time_scaling", 50.0)),
        Value::Flag(decays),
    ])
    .unwrap()
}

#[test]
fn evaluated_bases() {
    let mut n_cases = 0;
    for case in nemos()["eval_bases"].as_array().unwrap() {
        if case["basis"] != "RaisedCosineLogEval" || case["kwargs"].get("fill_value").is_some() {
            continue; // a bin outside the range has no features here, so there is nothing to fill in
        }
        let arguments = &case["kwargs"];
        let basis = raised_cosine_log(arguments);
        let values = vector(&case["inputs"][0]);
        let grid =
            BinGrid::new(&IntervalSet::new(&[0.0], &[values.len() as f64 - 0.25]).unwrap(), 1.0).unwrap();
        let bounds =
            arguments.get("bounds").map(|pair| Range::new(number(&pair[0]), number(&pair[1])).unwrap());
        let channels = [Channel { label: "x".into(), values }];
        let (block, _) =
            evaluated(&grid, "x", &channels, &basis, bounds.as_ref().map(std::slice::from_ref)).unwrap();
        assert_near(&block.x, &matrix(&case["features"]), &arguments.to_string());
        n_cases += 1;
    }
    assert_eq!(n_cases, 5);
}

#[test]
fn convolution_kernels() {
    let mut n_cases = 0;
    for case in nemos()["conv_kernels"].as_array().unwrap() {
        if case["basis"] == "RaisedCosineLogConv" {
            let window_bins = case["kwargs"]["window_size"].as_u64().unwrap() as usize;
            let kernel = raised_cosine_log(&case["kwargs"]).kernel(window_bins).unwrap();
            assert_near(&kernel, &matrix(&case["kernel"]), &case["kwargs"].to_string());
            n_cases += 1;
        }
    }
    assert_eq!(n_cases, 2);
}

#[test]
fn kernels_of_the_tutorial() {
    let tutorial = reference(include_str!("data/reference_tutorial.json"));
    let expected = matrix(&tutorial["glm_history"]["basis"]["kernels_200x8"]);
    assert_eq!(expected.dim(), (200, 8));
    let kernel = RaisedCosineLog::new(8).unwrap().kernel(200).unwrap();
    assert_near(&kernel, &expected, "kernel");
    let sums = vector(&tutorial["glm_history"]["basis"]["kernel_column_sums"]);
    for (column, sum) in kernel.columns().into_iter().zip(sums) {
        assert!((column.sum() - sum).abs() <= 1e-12 * sum, "{} {sum}", column.sum());
    }
}

#[test]
fn the_registry_knows_every_name_and_stores_every_member() {
    for name in Basis::NAMES {
        let parameters = Basis::parameters_of(name).unwrap();
        let values: Vec<Value> = parameters
            .iter()
            .map(|parameter| match parameter.default {
                Value::Count(_) if parameter.required => Value::Count(5),
                default => default,
            })
            .collect();
        let basis = Basis::by_name(name, &values).unwrap().unwrap();
        assert_eq!(basis.name(), *name);
        let listed: Vec<Value> = basis.parameters().into_iter().map(|(_, value)| value).collect();
        assert_eq!(listed, values);
        let stored = serde_json::to_string(&basis).unwrap();
        assert!(stored.starts_with(&format!("{{\"{name}\":")), "{stored}");
        assert_eq!(serde_json::from_str::<Basis>(&stored).unwrap(), basis);
        assert_eq!(basis.kernel(7).unwrap().dim(), (7, basis.n_functions()));
        assert!(Basis::by_name(name, &[]).unwrap().is_err());
    }
    assert!(Basis::by_name("sine", &[]).is_none() && Basis::parameters_of("sine").is_none());
}
