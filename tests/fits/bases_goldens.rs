//! The whole basis family against the values of `NeMoS` 0.2.8 (`tests/data/reference_nemos.json`).
//!
//! Every record of the sections `eval_bases`, `evaluate_only`, `conv_kernels`, `conv`, `conv_epochs`, `composite` and
//! `grid` is taken; a record that no rule below knows fails the test.

mod bases;
mod compositions;
mod convolutions;

use ndarray::{Array2, Axis, concatenate};
use rheobase::basis::{BSpline, CyclicBSpline, MSpline, RaisedCosineLinear, RaisedCosineLog};
use rheobase::basis::{Basis, Fourier, History, Identity, OrthExponential, Range};
use rheobase::features::{Channel, Expansion, FeatureSpec, Signal, Term};
use rheobase::time::{BinGrid, IntervalSet};
use serde_json::Value as Json;

const TOLERANCE: f64 = 1e-12;

/// The records of a section.
fn section(name: &str) -> Vec<Json> {
    crate::common::golden("reference_nemos.json")[name].as_array().unwrap().clone()
}

/// A number, `null` being NaN.
fn number(value: &Json) -> f64 {
    if value.is_null() { f64::NAN } else { crate::common::number(value) }
}

fn numbers(value: &Json) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

/// A table, rows first; a list of numbers is one column.
fn table(value: &Json) -> Array2<f64> {
    let row = |row: &Json| if row.is_array() { numbers(row) } else { vec![number(row)] };
    let rows: Vec<Vec<f64>> = value.as_array().unwrap().iter().map(row).collect();
    let n_columns = rows.first().map_or(0, Vec::len);
    Array2::from_shape_vec((rows.len(), n_columns), rows.concat()).unwrap()
}

/// Fails unless the two agree, NaN with NaN.
fn assert_near(found: &Array2<f64>, expected: &Array2<f64>, what: &str) {
    assert_eq!(found.dim(), expected.dim(), "{what}");
    for ((at, a), b) in found.indexed_iter().zip(expected) {
        assert!(a.is_nan() == b.is_nan(), "{what} {at:?}: {a}, expected {b}");
        assert!(a.is_nan() || (a - b).abs() <= TOLERANCE, "{what} {at:?}: {a}, expected {b}");
    }
}

/// `F F'`, by which functions are compared whose signs and axes are arbitrary.
fn projector(functions: &Array2<f64>) -> Array2<f64> {
    functions.dot(&functions.t())
}

/// The basis of a record, whether it is called `..Eval` or `..Conv` there.
fn basis(name: &str, arguments: &Json) -> Basis {
    let n = arguments["n_basis_funcs"].as_u64().unwrap_or(0) as usize;
    let order = arguments["order"].as_u64().unwrap_or(4) as usize;
    let width = arguments["width"].as_f64().unwrap_or(2.0);
    match name.trim_end_matches("Eval").trim_end_matches("Conv") {
        "RaisedCosineLinear" => RaisedCosineLinear::new(n).unwrap().with_width(width).unwrap().into(),
        "RaisedCosineLog" => {
            let scaling = arguments["time_scaling"].as_f64().unwrap_or(50.0);
            let basis = RaisedCosineLog::new(n).unwrap().with_width(width).unwrap();
            let basis = basis.with_time_scaling(scaling).unwrap();
            let decays = arguments["enforce_decay_to_zero"].as_bool().unwrap_or(true);
            if decays { basis } else { basis.without_decay_to_zero() }.into()
        }
        "BSpline" => BSpline::of_order(n, order).unwrap().into(),
        "CyclicBSpline" => CyclicBSpline::of_order(n, order).unwrap().into(),
        "MSpline" => MSpline::of_order(n, order).unwrap().into(),
        "OrthExponential" => OrthExponential::new(numbers(&arguments["decay_rates"])).unwrap().into(),
        "Identity" => Identity {}.into(),
        "History" => History {}.into(),
        "Fourier" => {
            let frequencies: Vec<usize> = match &arguments["frequencies"] {
                Json::Array(ends) => {
                    (ends[0].as_u64().unwrap() as usize..ends[1].as_u64().unwrap() as usize).collect()
                }
                count => (0..count.as_u64().unwrap() as usize).collect(),
            };
            let basis = Fourier::new(frequencies).unwrap();
            if arguments["frequency_mask"] == "all" { basis.with_zero() } else { basis }.into()
        }
        other => panic!("no basis is called {other}"),
    }
}

/// One bin per sample, in epochs of these lengths.
fn grid(lengths: &[usize]) -> BinGrid {
    let (mut start, mut end, mut now) = (Vec::new(), Vec::new(), 0.0);
    for &length in lengths {
        start.push(now);
        end.push(now + length as f64 - 0.25);
        now += length as f64 + 10.0;
    }
    BinGrid::new(&IntervalSet::new(&start, &end).unwrap(), 1.0).unwrap()
}

/// A term of a series with this expansion.
fn term(name: &str, expansion: Expansion) -> Term {
    Term { signal: Signal::Series { name: name.into(), column: None, resample: None }, scale: 1.0, expansion }
}

/// The channels of an input: the columns of its table.
fn channels(name: &str, input: &Json) -> Vec<Channel> {
    let columns = table(input);
    let channel = |(k, column): (usize, ndarray::ArrayView1<f64>)| Channel {
        label: format!("{name}[{k}]"),
        values: column.to_vec(),
    };
    columns.columns().into_iter().enumerate().map(channel).collect()
}

/// The columns of a feature of these terms on the channels of each, bins side by side in one epoch.
fn built(terms: Vec<Term>, channels: Vec<Vec<Channel>>) -> rheobase::features::Built {
    let n_bins = channels[0][0].values.len();
    let mut terms = terms.into_iter();
    let mut feature = FeatureSpec::from(terms.next().unwrap());
    feature.times.extend(terms);
    let name = FeatureSpec::names(std::slice::from_ref(&feature)).remove(0);
    feature.build(&grid(&[n_bins]), &name, channels, &[]).unwrap()
}

fn values(block: &rheobase::features::FeatureBlock<rheobase::features::Columns>) -> Array2<f64> {
    let (n_bins, n_columns) = block.x.dim();
    Array2::from_shape_fn((n_bins, n_columns), |(bin, column)| block.x.get(bin, column))
}

/// Tables side by side.
fn beside(parts: &[Array2<f64>]) -> Array2<f64> {
    let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
    concatenate(Axis(1), &views).unwrap()
}

fn bounds(arguments: &Json) -> Option<Range> {
    let bounds = arguments.get("bounds")?;
    Some(Range::new(number(&bounds[0]), number(&bounds[1])).unwrap())
}
