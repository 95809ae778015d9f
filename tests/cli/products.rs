//! Products of terms, from the command line to a prediction on new data.

use serde_json::Value;

use crate::recording_file::write_recording;
use crate::table::Table;
use crate::{Place, json, number};

const PRODUCT: &str = "current : bspline(3, order=2) x position[0] : raised-cosine-linear(2)";

/// Fits unit 3 in these epochs into `out`.
fn fitted(features: &[&str], epochs: &str) -> (Place, Value) {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let mut words = vec!["fit", "r.nwb", "--bin", "50ms", "--epochs", epochs, "--out", "out", "--quiet"];
    words.extend(features.iter().flat_map(|feature| ["--feature", feature]));
    words.extend(["--unit", "3"]);
    let run = place.run(&words);
    assert!(run.code == 0 || run.code == 4, "{run:?}");
    let fit = json(&place.path("out/fit.json"));
    (place, fit)
}

fn labels(fit: &Value) -> Vec<String> {
    let texts = fit["labels"].as_array().unwrap().iter();
    texts.map(|label| label.as_str().unwrap().to_owned()).collect()
}

/// The value of a raised cosine or hat function is checked by the library's tests; here it is which column is which.
#[test]
fn columns_are_products_of_the_columns_of_the_terms() {
    let (place, _) = fitted(&[PRODUCT], "run");
    let model = json(&place.path("out/model.json"));
    let names = labels(&model["fit"]);
    let expected: Vec<String> =
        (1..=3).flat_map(|i| (1..=2).map(move |j| format!("current.{i} x position[0].{j}"))).collect();
    assert_eq!(names, expected);
    let feature = &model["fit"]["features"][0];
    assert_eq!(
        (&feature["name"], &feature["columns"]),
        (&"current x position[0]".into(), &serde_json::json!([0, 6]))
    );
    let product = Table::read(&place.path("out/tables/features.csv"));
    let terms = ["current : bspline(3, order=2)", "position[0] : raised-cosine-linear(2)"];
    let (alone, _) = fitted(&terms, "run");
    let alone = Table::read(&alone.path("out/tables/features.csv"));
    let mut n_compared = 0;
    for (i, j) in (1..=3).flat_map(|i| (1..=2).map(move |j| (i, j))) {
        let (first, second) =
            (alone.numbers(&format!("current.{i}")), alone.numbers(&format!("position[0].{j}")));
        let found = product.numbers(&format!("current.{i} x position[0].{j}"));
        for ((a, b), x) in first.iter().zip(&second).zip(&found) {
            assert!((a * b - x).abs() <= 1e-15 || (x.is_nan() && (a * b).is_nan()), "{a} {b} {x}");
            n_compared += usize::from(x.is_finite());
        }
    }
    assert!(n_compared > 1000, "{n_compared}");
}

/// A model is put on new data on the ranges of its training data, of every term: what lies outside is an edge.
#[test]
fn a_prediction_expands_every_term_on_the_ranges_of_the_fit() {
    let (place, fit) = fitted(&[PRODUCT], "rest");
    let words = ["predict", "out/model.json", "r.nwb", "--epochs", "run", "--quiet", "--out", "run.csv"];
    place.run(&words).ended(0);
    let model = json(&place.path("out/model.json"));
    let ranges = &model["study"]["features"][0]["ranges"];
    let range = |name: &str| [number(&ranges[name]["lo"]), number(&ranges[name]["hi"])];
    let (current, position) = (range("current"), range("position[0]"));
    // the signals of the new epochs, as they are
    let plain = fitted(&["current", "position[0]"], "run").0;
    let signals = Table::read(&plain.path("out/tables/features.csv"));
    let found = Table::read(&place.path("run.csv")).numbers("expected_count_3");
    let (x, y) = (signals.numbers("current"), signals.numbers("position[0]"));
    assert_eq!(x.len(), found.len());
    let target = &fit["targets"][0];
    let coef: Vec<f64> = target["coef"].as_array().unwrap().iter().map(number).collect();
    let intercept = number(&target["intercept"]);
    let mut n_outside = 0;
    for (bin, found) in found.iter().enumerate() {
        let (x, y) = (x[bin], y[bin]);
        if !(current[0]..=current[1]).contains(&x) || !(position[0]..=position[1]).contains(&y) {
            n_outside += 1;
            assert!(found.is_nan(), "bin {bin} lies outside: {found}");
            continue;
        }
        let on = |x: f64, [lo, hi]: [f64; 2]| (x - lo) / (hi - lo);
        let (u, v) = (on(x, current), on(y, position));
        let hats = [(1.0 - 2.0 * u).max(0.0), 1.0 - (2.0 * u - 1.0).abs(), (2.0 * u - 1.0).max(0.0)];
        let cosine = |centre: f64| f64::midpoint(1.0, (std::f64::consts::FRAC_PI_2 * (v - centre)).cos());
        let columns = hats.iter().flat_map(|hat| [hat * cosine(0.0), hat * cosine(1.0)]);
        let eta = intercept + columns.zip(&coef).map(|(x, w)| x * w).sum::<f64>();
        assert!((found / eta.exp() - 1.0).abs() < 1e-9, "bin {bin}: {found}, expected {}", eta.exp());
    }
    assert!(n_outside > 0 && n_outside < found.len() / 2, "{n_outside} of {}", found.len());
    // a score counts the same bins as edges
    let words = ["score", "out/model.json", "r.nwb", "--epochs", "run", "--json"];
    let score = place.run(&words).ended(0);
    assert_eq!(score.json()["n_bins_edge"].as_u64(), Some(n_outside as u64));
    assert!(score.stderr.contains("current x position[0] lies outside its range"), "{}", score.stderr);
}

#[test]
fn a_fill_value_stands_for_what_lies_outside() {
    let feature = "current : bspline(4, range=-1:1, fill=0)";
    let (place, fit) = fitted(&[feature], "run");
    assert_eq!(fit["n_bins_edge"].as_u64(), Some(0));
    let columns = Table::read(&place.path("out/tables/features.csv"));
    let plain = fitted(&["current"], "run").0;
    let current = Table::read(&plain.path("out/tables/features.csv")).numbers("current");
    let mut n_filled = 0;
    for k in 1..=4 {
        let column = columns.numbers(&format!("current.{k}"));
        for (x, found) in current.iter().zip(&column).filter(|(x, _)| x.abs() > 1.0) {
            assert_eq!(*found, 0.0, "{x}");
            n_filled += 1;
        }
    }
    assert!(n_filled > 0);
}

/// Spikes beside a series: each unit sees its own spikes, under one name.
#[test]
fn a_product_with_spikes_is_paired_with_the_channels_of_the_targets() {
    let (_, fit) = fitted(&["spikes : history(window=100ms) x current"], "run");
    let names = labels(&fit);
    assert_eq!(names, ["spikes.1 x current", "spikes.2 x current"]);
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let words = ["fit", "r.nwb", "--bin", "50ms", "--epochs", "run", "--unit", "all"];
    let feature = ["--feature", "spikes : history(window=100ms) x current"];
    let said = ["as many channels of current as of spikes", "1 and 3", "choose one column of each"];
    place.refused(&[&words[..], &feature].concat(), 2, &said);
    let words =
        [&words[..], &["--feature", "spikes : history(window=100ms) x units", "--out", "out"]].concat();
    place.refused(&words, 2, &["predict itself"]);
}

#[test]
fn a_tuning_curve_is_taken_over_one_series() {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let words = ["tuning", "r.nwb", "--epochs", "run", "--unit", "3", "--feature", "current x position[0]"];
    place.refused(&words, 2, &["a series, `signal [*scale]`", "give the two series as two features"]);
}

/// Every basis from the command line; all of them are stored and read back.
#[test]
fn every_basis_fits_and_scores_its_own_data_alike() {
    for feature in [
        "current : raised-cosine-linear(4)",
        "current : bspline(4)",
        "current : cyclic-bspline(4, order=3)",
        "current : mspline(4, order=3)",
        "current : orth-exponential([1, 3])",
        "current : fourier(3)",
        "current : identity(range=-1:1)",
        "current : history(window=150ms)",
        "current : orth-exponential([1, 3], window=500ms)",
        "current : mspline(4, window=500ms, causality=acausal)",
    ] {
        let (place, fit) = fitted(&[feature], "run");
        let words = ["score", "out/model.json", "r.nwb", "--json"];
        let score = place.run(&words).ended(0).json();
        for field in ["log_likelihood", "deviance"] {
            let [a, b] = [&score, &fit].map(|result| number(&result["targets"][0][field]));
            assert!((a / b - 1.0).abs() < 1e-12, "{feature} {field}: {a} {b}");
        }
        assert_eq!(score["n_bins_used"], fit["n_bins_used"], "{feature}");
        let model = json(&place.path("out/model.json"));
        assert_eq!(model["study"]["features"][0]["text"], feature);
    }
}
