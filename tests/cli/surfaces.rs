//! Surfaces of products of two evaluated bases: table, figure and what has none.

use rheobase::basis::{BSpline, Expand, RaisedCosineLinear, Range};

use crate::html::read;
use crate::recording_file::write_recording;
use crate::table::Table;
use crate::{Place, files_under, json, numbers};
use ndarray::Array2;

const PRODUCT: &str = "current : bspline(4, range=-2:2) x position[0] : raised-cosine-linear(3)";

fn fitted(feature: &str, more: &[&str]) -> (Place, String) {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let words = ["fit", "r.nwb", "--bin", "50ms", "--epochs", "run", "--feature", feature, "--out", "out"];
    let run = place.run(&[&words[..], more].concat());
    assert!(run.code == 0 || run.code == 4, "{run:?}");
    (place, run.stderr)
}

/// The functions of a basis at values of a range.
fn functions(basis: &dyn Expand, range: Range, values: &[f64]) -> Array2<f64> {
    let mut out = Array2::zeros((values.len(), basis.n_functions()));
    basis.expand(&range.rescale(values), &mut out).unwrap();
    out
}

#[test]
fn a_surface_is_the_products_of_functions_times_their_coefficients() {
    let (place, said) = fitted(PRODUCT, &["--unit", "all", "--regularizer", "ridge", "--strength", "0.01"]);
    assert!(!said.contains("has no surface"), "{said}");
    let table = Table::read(&place.path("out/tables/surfaces.csv"));
    let model = json(&place.path("out/model.json"));
    let n_targets = model["fit"]["targets"].as_array().unwrap().len();
    let ranges = &model["study"]["features"][0]["ranges"];
    let range = |channel: &str| {
        let own = &ranges[channel];
        Range::new(own["lo"].as_f64().unwrap(), own["hi"].as_f64().unwrap()).unwrap()
    };
    let [x, y] = ["value_1", "value_2"].map(|column| table.numbers(column));
    let (values, errors) = (table.numbers("surface"), table.numbers("standard_error"));
    assert_eq!((values.len(), n_targets), (3 * 1600, 3));
    assert!((x[0] + 1.95).abs() < 1e-12 && (x[1599] - 1.95).abs() < 1e-12);
    let first = functions(&BSpline::new(4).unwrap(), range("current"), &x);
    let second = functions(&RaisedCosineLinear::new(3).unwrap(), range("position[0]"), &y);
    for (row, (value, error)) in values.iter().zip(&errors).enumerate() {
        let coef = numbers(&model["fit"]["targets"][row / 1600]["coef"]);
        let expected: f64 = (0..12).map(|k| first[(row, k / 3)] * second[(row, k % 3)] * coef[k]).sum();
        assert!((value - expected).abs() < 1e-12 * expected.abs().max(1.0), "{row}: {value} {expected}");
        assert!(*error > 0.0 && error.is_finite(), "{row}: {error}");
    }
    let page = std::fs::read_to_string(place.path("out/report.html")).unwrap();
    assert!(page.contains("id=\"figure-surface\""));
    let page = read(&page);
    assert!(
        page.text.contains("Tuning surface")
            && page.text.contains("Panels of one feature have one range of colours")
    );
    let drawn = std::fs::read_to_string(place.path("out/figures/surface.svg")).unwrap();
    for words in ["current", "position[0]", "log rate", "unit 3"] {
        assert!(drawn.contains(words), "{words}");
    }
    let fit = json(&place.path("out/fit.json"));
    assert!(fit["files"].as_object().unwrap().contains_key("tables/surfaces.csv"));
}

/// Where the data leave coefficients open the surface is what it is, and has no errors.
#[test]
fn a_surface_of_coefficients_that_are_not_determined_has_no_errors() {
    let product = "current : bspline(4, range=-2:2) x position[0] : bspline(4)";
    let (place, _) = fitted(product, &["--unit", "3"]);
    let table = Table::read(&place.path("out/tables/surfaces.csv"));
    let (values, errors) = (table.numbers("surface"), table.numbers("standard_error"));
    assert_eq!(values.len(), 1600);
    assert!(values.iter().all(|value| value.is_finite()));
    assert!(errors.iter().any(|error| error.is_nan()));
}

#[test]
fn products_without_a_surface_are_told() {
    for (feature, why) in [
        ("current : bspline(4) x position[0]", "a signal as it is"),
        ("current : raised-cosine-log(3, window=200ms) x position[0] : bspline(4)", "sees the past"),
        (
            "current : bspline(3, order=2) x position[0] : bspline(3, order=2) x position[1] : bspline(3, order=2)",
            "more than two terms",
        ),
    ] {
        let (place, said) = fitted(feature, &["--unit", "3", "--regularizer", "ridge", "--strength", "0.1"]);
        let note = said.lines().find(|line| line.contains("has no surface in tables and figures"));
        assert!(
            note.is_some_and(|note| note.starts_with("note: the product current x ") && note.contains(why)),
            "{said}"
        );
        let files = files_under(&place.path("out"));
        assert!(
            !files.contains("tables/surfaces.csv") && !files.contains("figures/surface.svg"),
            "{files:?}"
        );
    }
}
