//! The field's tutorial through the command line: fits, tables and scores against independent values.

use serde_json::Value;

use crate::table::Table;
use crate::{HISTORY, INSTANTANEOUS, Place, data, json, number, numbers, relative, texts, tutorial};

fn golden() -> Value {
    json(data("reference_tutorial.json").as_ref())
}

/// Fits the first `Noise 1` into `out`.
fn fit(place: &Place, feature: &str, more: &[&str]) -> Value {
    let file = tutorial();
    let words =
        ["fit", &file, "--epochs", "Noise 1", "--epoch", "0", "--unit", "0", "--bin", "1ms", "--feature"];
    let run = place.run(&[&words[..], &[feature, "--out", "out", "--json"], more].concat()).ended(0);
    let listed = json(&place.path("out/fit.json"))["files"].as_object().unwrap().len();
    assert_eq!(run.stderr, format!("{} files written to out\n", listed + 1));
    run.json()
}

fn check(fit: &Value, expected: &Value) {
    let target = &fit["targets"][0];
    assert_eq!(target["status"], "converged");
    assert_eq!(target["name"], "0");
    let errors = numbers(&expected["standard_errors_intercept_then_coef"]);
    assert!(relative(&numbers(&target["coef"]), &numbers(&expected["polished_coef"])) < 1e-8);
    assert!(relative(&numbers(&target["standard_errors"]), &errors[1..]) < 1e-6);
    let near = |name: &str, expected: f64, tolerance: f64| {
        let found = number(&target[name]);
        assert!((found / expected - 1.0).abs() < tolerance, "{name}: {found} {expected}");
    };
    near("intercept", number(&expected["polished_intercept"]), 1e-8);
    near("intercept_standard_error", errors[0], 1e-6);
    near("log_likelihood", number(&expected["loglik_mean"]), 1e-12);
    near("log_likelihood_sum", number(&expected["loglik_sum"]), 1e-12);
    near("deviance", number(&expected["deviance_model_sum"]), 1e-10);
    near("pseudo_r2_mcfadden", number(&expected["pseudo_r2_mcfadden"]), 1e-10);
    near("pseudo_r2_cohen", number(&expected["pseudo_r2_cohen"]), 1e-10);
    assert_eq!(target["gap_from"], "hessian");
    assert!(number(&target["kkt_residual"]) < 1e-12, "{target}");
    assert!(number(&target["loss_gap"]) < 1e-18 * number(&target["loss"]).abs(), "{target}");
    assert_eq!(target["n_bins_used"], expected["n"]);
    assert_eq!(texts(&target["aliased"]).len() + texts(&target["warnings"]).len(), 0);
}

fn counts(fit: &Value) -> [u64; 4] {
    ["n_bins", "n_bins_used", "n_bins_edge", "n_bins_dropped"].map(|name| fit[name].as_u64().unwrap())
}

#[test]
fn the_instantaneous_model_by_every_solver() {
    let place = Place::new();
    let golden = golden();
    for solver in ["auto", "newton", "lbfgs"] {
        let fit = fit(&place, INSTANTANEOUS, &["--solver", solver]);
        check(&fit, &golden["glm_instantaneous"]);
        assert_eq!(counts(&fit), [28020, 28020, 0, 0]);
        assert_eq!(fit["solver"], if solver == "lbfgs" { "lbfgs" } else { "newton" });
    }
    let rates = Table::read(&place.path("out/tables/bins.csv")).numbers("rate_hz_0");
    for (bin, expected) in golden["glm_instantaneous"]["predicted_rate_hz"].as_object().unwrap() {
        let found = rates[bin.parse::<usize>().unwrap()];
        assert!((found / number(expected) - 1.0).abs() < 1e-8, "bin {bin}: {found} {expected}");
    }
}

#[test]
fn the_history_model_by_every_solver() {
    let place = Place::new();
    let golden = golden();
    for solver in ["auto", "newton", "lbfgs"] {
        let fit = fit(&place, HISTORY, &["--solver", solver]);
        check(&fit, &golden["glm_history"]);
        assert_eq!(counts(&fit), [28020, 27820, 200, 0]);
        let labels: Vec<String> = (1..=8).map(|k| format!("stimulus.{k}")).collect();
        assert_eq!(texts(&fit["labels"]), labels);
        assert_eq!(fit["features"], serde_json::json!([{ "name": "stimulus", "columns": [0, 8] }]));
        let filters = Table::read(&place.path("out/tables/filters.csv"));
        assert_eq!(filters.names(), ["target", "channel", "lag_s", "value", "filter", "standard_error"]);
        let expected = numbers(&golden["glm_history"]["filter_200"]);
        assert_eq!(filters.n_rows(), 200);
        // the golden filter has 12 decimals, and coefficients of 0.03 are good to 1e-8
        for (lag, (found, expected)) in filters.numbers("filter").iter().zip(expected).enumerate() {
            assert!((found - expected).abs() < 1e-11, "{solver}, lag {lag}: {found} {expected}");
            let lag_s = filters.numbers("lag_s")[lag];
            assert!((lag_s - 0.001 * (lag + 1) as f64).abs() < 1e-12, "{lag}: {lag_s}");
        }
        // sqrt of kernel x covariance x kernel', the covariance inverted by numpy from the tables of bins and features
        for (lag, expected) in [
            (0, 0.013_521_182_855_797),
            (1, 0.005_977_124_166_940),
            (10, 0.002_903_436_482_809),
            (50, 0.000_674_661_117_397),
            (150, 7.431_915_102_575e-5),
        ] {
            let found = filters.numbers("standard_error")[lag];
            assert!((found / expected - 1.0).abs() < 1e-6, "{solver}, lag {lag}: {found} {expected}");
        }
    }
}

#[test]
fn the_table_of_bins() {
    let place = Place::new();
    let golden = golden();
    fit(&place, HISTORY, &[]);
    let bins = Table::read(&place.path("out/tables/bins.csv"));
    assert_eq!(bins.names(), ["bin", "t_s", "epoch", "used", "count_0", "rate_hz_0"]);
    assert_eq!(bins.n_rows(), 28020);
    let (t, used, counts) = (bins.numbers("t_s"), bins.numbers("used"), bins.numbers("count_0"));
    for (bin, expected) in golden["count"]["t"].as_object().unwrap() {
        assert_eq!(t[bin.parse::<usize>().unwrap()], number(expected));
    }
    let spiking: Vec<f64> = (0..28020).filter(|&bin| counts[bin] != 0.0).map(|bin| bin as f64).collect();
    assert_eq!(spiking, numbers(&golden["count"]["nonzero_bins"]));
    assert_eq!(counts.iter().sum::<f64>(), number(&golden["count"]["sum"]));
    assert!((0..28020).all(|bin| (used[bin] == 0.0) == (bin < 200)));
    assert!(bins.numbers("epoch").iter().all(|&epoch| epoch == 0.0));
    let rates = bins.numbers("rate_hz_0");
    assert!(
        rates[..200].iter().all(|rate| rate.is_nan()) && rates[200..].iter().all(|rate| rate.is_finite())
    );
    for (bin, expected) in golden["glm_history"]["predicted_rate_hz"].as_object().unwrap() {
        let (found, expected) = (rates[bin.parse::<usize>().unwrap()], number(expected));
        assert!((found / expected - 1.0).abs() < 1e-8 || (found.is_nan() && expected.is_nan()), "{bin}");
    }
}

#[test]
fn the_table_of_features() {
    let place = Place::new();
    let golden = golden();
    fit(&place, INSTANTANEOUS, &[]);
    let features = Table::read(&place.path("out/tables/features.csv"));
    assert_eq!(features.names(), ["bin", "t_s", "stimulus"]);
    let current = features.numbers("stimulus");
    for (bin, expected) in golden["bin_average"]["pA"].as_object().unwrap() {
        assert!((current[bin.parse::<usize>().unwrap()] - number(expected)).abs() < 1e-9, "{bin}");
    }
    let largest = number(&golden["bin_average"]["max"]);
    assert!((current.iter().fold(0.0, |a: f64, &b| a.max(b)) / largest - 1.0).abs() < 1e-12);

    fit(&place, HISTORY, &[]);
    let features = Table::read(&place.path("out/tables/features.csv"));
    let sums = numbers(&golden["glm_history"]["basis"]["kernel_column_sums"]);
    for (k, sum) in sums.iter().enumerate() {
        let column = features.numbers(&format!("stimulus.{}", k + 1));
        assert!(column[..200].iter().all(|x| x.is_nan()));
        for (bin, expected) in golden["glm_history"]["feature_rows"].as_object().unwrap() {
            let (found, expected) = (column[bin.parse::<usize>().unwrap()], numbers(expected)[k]);
            let bound = 1e-12 * largest * sum.max(1.0);
            assert!((found - expected).abs() <= bound, "bin {bin}, column {k}: {found} {expected}");
        }
    }
}

#[test]
fn the_table_of_tuning_curves() {
    let place = Place::new();
    let golden = golden();
    fit(&place, INSTANTANEOUS, &[]);
    let tuning = Table::read(&place.path("out/tables/tuning.csv"));
    let names = ["feature", "target", "from", "to", "centre", "occupancy_samples", "spikes", "hz"];
    assert_eq!(tuning.names()[..8], names);
    assert_eq!(tuning.names()[8..], ["model_hz", "model_smoothed_hz", "model"]);
    assert_eq!(tuning.n_rows(), 15);
    assert!(tuning.texts("feature").iter().all(|name| name == "stimulus"));
    assert!(tuning.texts("target").iter().all(|name| name == "0"));
    let expected = &golden["tuning_curve"];
    let edges = numbers(&expected["bin_edges"]);
    assert!(relative(&tuning.numbers("from"), &edges[..15]) < 1e-12);
    assert!(relative(&tuning.numbers("to"), &edges[1..]) < 1e-12);
    assert!(relative(&tuning.numbers("centre"), &numbers(&expected["centres"])) < 1e-12);
    assert_eq!(tuning.numbers("occupancy_samples"), numbers(&expected["occupancy"]));
    assert_eq!(tuning.numbers("spikes"), numbers(&expected["spike_counts"]));
    assert!(relative(&tuning.numbers("hz"), &numbers(&expected["hz"])) < 1e-9);
    // the curve of the prediction takes one value per bin
    let model = numbers(&golden["glm_instantaneous"]["tuning_curve_of_prediction_hz"]);
    same_curve(&tuning.numbers("model_hz"), &model);
    fit(&place, HISTORY, &[]);
    let tuning = Table::read(&place.path("out/tables/tuning.csv"));
    let model = numbers(&golden["glm_history"]["tuning_curve_of_smoothed_prediction_hz"]);
    same_curve(&tuning.numbers("model_smoothed_hz"), &model);
}

/// No bin of the fit falls into the second bin of the curve: the reference shows it as 0.
fn same_curve(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (bin, (found, expected)) in found.iter().zip(expected).enumerate() {
        let same = if bin == 1 {
            found.is_nan() && *expected == 0.0
        } else {
            (found - expected).abs() < 1e-8 * expected
        };
        assert!(same, "bin {bin}: {found} {expected}");
    }
}

#[test]
fn detected_spikes_are_the_sorted_ones() {
    let place = Place::new();
    let file = tutorial();
    let words = ["fit", &file, "--epochs", "Noise 1", "--bin", "1ms", "--feature", INSTANTANEOUS, "--json"];
    let more = ["--detect-spikes", "response", "--unit", "detected"];
    let run = place.run(&[&words[..], &more].concat()).ended(0);
    assert!(run.stderr.contains("note: ") && run.stderr.contains(" spikes detected in response"), "{run:?}");
    let detected = run.json();
    assert_eq!(detected["targets"][0]["name"], "detected");
    let sorted = place.run(&words).ended(0).json();
    let coef = |fit: &Value| number(&fit["targets"][0]["coef"][0]);
    assert!((coef(&detected) / coef(&sorted) - 1.0).abs() < 0.02);
}

#[test]
fn one_thread_or_two_give_the_same_bits() {
    let place = Place::new();
    let one = fit(&place, HISTORY, &["--threads", "1"]);
    let two = fit(&place, HISTORY, &["--threads", "2"]);
    assert_eq!(one["targets"], two["targets"]);
}

#[test]
fn several_epochs_at_once() {
    let (place, file) = (Place::new(), tutorial());
    let fit = |epochs: &[&str]| {
        let mut words = vec!["fit", &file, "--unit", "0", "--bin", "1ms", "--feature", HISTORY, "--json"];
        words.extend(epochs.iter().flat_map(|&epochs| ["--epochs", epochs]));
        place.run(&[&words[..], &["--out", "out"]].concat()).ended(0).json()
    };
    // three repeats and the ramp, whatever their order and how often they are named
    let both = fit(&["Ramp", "Noise 1"]);
    assert_eq!(counts(&both), [34020 + 3 * 28020, 34020 + 3 * 28020 - 4 * 200, 4 * 200, 0]);
    let bins = Table::read(&place.path("out/tables/bins.csv"));
    let epochs = bins.numbers("epoch");
    let n_in = |k: usize| epochs.iter().filter(|&&epoch| epoch == k as f64).count();
    assert_eq!([n_in(0), n_in(1), n_in(2), n_in(3)], [34020, 28020, 28020, 28020]);
    assert!(bins.numbers("t_s").is_sorted());
    let again = fit(&["Noise 1", "Ramp", "epochs:tags=Ramp"]);
    assert_eq!(both["targets"], again["targets"]);
    let whole = fit(&["epochs"]);
    assert_eq!(whole["n_bins"].as_u64(), Some(148_128));
    assert_eq!(whole["n_bins_edge"].as_u64(), Some(6 * 200));
}
