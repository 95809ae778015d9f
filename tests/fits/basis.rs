//! Bases against the values of the tutorial's data path; the registry. The golden values are in `bases_goldens.rs`.

use ndarray::Array2;
use rheobase::basis::{Basis, Expand, RaisedCosineLog, Use, Value};
use serde_json::Value as Json;

const TOLERANCE: f64 = 1e-12;

fn reference(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
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

#[test]
fn kernels_of_the_tutorial() {
    let tutorial = reference(include_str!("../data/reference_tutorial.json"));
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
            .map(|parameter| match &parameter.default {
                Value::Count(_) if parameter.required => Value::Count(5),
                Value::Numbers(_) => Value::Numbers(vec![1.0, 3.0]),
                Value::Frequencies(_) => Value::Frequencies(vec![0, 1, 2]),
                default => default.clone(),
            })
            .collect();
        let basis = Basis::by_name(name, &values).unwrap().unwrap();
        assert_eq!(basis.name(), *name);
        let listed: Vec<Value> = basis.parameters().into_iter().map(|(_, value)| value).collect();
        assert_eq!(listed, values);
        let stored = serde_json::to_string(&basis).unwrap();
        assert!(stored.starts_with(&format!("{{\"{name}\":")), "{stored}");
        assert_eq!(serde_json::from_str::<Basis>(&stored).unwrap(), basis);
        if basis.usage() != Use::Evaluated {
            assert_eq!(basis.kernel(7).unwrap().dim(), (7, basis.n_functions_over(7)), "{name}");
        }
        if basis.usage() != Use::Convolved {
            let mut out = Array2::zeros((3, basis.n_functions()));
            basis.expand(&[0.0, 0.5, 1.0], &mut out).unwrap();
            assert!(out.iter().all(|x| x.is_finite()), "{name}");
            assert!(basis.expand(&[0.5], &mut Array2::zeros((2, basis.n_functions()))).is_err(), "{name}");
        }
        assert!(Basis::by_name(name, &[Value::Flag(true)]).unwrap().is_err(), "{name}");
    }
    assert_eq!(Basis::NAMES.len(), 9);
    assert!(Basis::by_name("sine", &[]).is_none() && Basis::parameters_of("sine").is_none());
}
