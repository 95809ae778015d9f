//! Several units at once.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::recording_file::{UNITS, write_recording};
use crate::table::Table;
use crate::{Place, assert_near, files_under, json, number, numbers, relative, texts};

const OWN: &str = "spikes : raised-cosine-log(3, window=50ms)";
const ALL: &str = "units : raised-cosine-log(2, window=50ms)";
pub(crate) const OTHERS: &str = "units-others : raised-cosine-log(2, window=50ms)";

fn recording() -> Place {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    place
}

fn fit(place: &Place, units: &[&str], features: &[&str], more: &[&str]) -> Value {
    let mut words = vec!["fit", "r.nwb", "--epochs", "run", "--bin", "10ms", "--json"];
    words.extend(units.iter().flat_map(|&unit| ["--unit", unit]));
    words.extend(features.iter().flat_map(|&feature| ["--feature", feature]));
    place.run(&[&words[..], more].concat()).ended(0).json()
}

/// A target alone and among others, whose columns are those of the whole population.
fn assert_same(joined: &Value, k: usize, alone: &Value) {
    let (labels, own) = (texts(&joined["labels"]), texts(&alone["labels"]));
    let (joined, alone) = (&joined["targets"][k], &alone["targets"][0]);
    assert_eq!(joined["name"], alone["name"]);
    assert_eq!((&joined["status"], &alone["status"]), (&"converged".into(), &"converged".into()));
    let place = |label: &&str| labels.iter().position(|known| known == label).unwrap();
    let places: Vec<usize> = own.iter().map(place).collect();
    for field in ["coef", "standard_errors"] {
        let found = numbers(&joined[field]);
        let found: Vec<f64> = places.iter().map(|&place| found[place]).collect();
        let far = relative(&found, &numbers(&alone[field]));
        assert!(far < 1e-8, "{} {field}: {far}", joined["name"]);
    }
    for field in ["intercept", "log_likelihood", "pseudo_r2_cohen"] {
        let (found, expected) = (number(&joined[field]), number(&alone[field]));
        assert!((found / expected - 1.0).abs() < 1e-8, "{field}: {found} {expected}");
    }
    assert_eq!(joined["n_bins_used"], alone["n_bins_used"]);
    // columns that belong to others are 0 without an error
    for k in (0..labels.len()).filter(|k| !places.contains(k)) {
        assert_eq!(number(&joined["coef"][k]), 0.0, "{}", labels[k]);
        assert_eq!(joined["standard_errors"][k], "NaN", "{}", labels[k]);
    }
}

#[test]
fn every_target_equals_its_own_fit() {
    let place = recording();
    for features in [
        &["current"][..],
        &["current", ALL],
        &["current : raised-cosine-log(3, window=100ms)", OWN],
        &["current", OTHERS],
        &["current", OWN, OTHERS],
        &["position", "position[1] : raised-cosine-log(4)"],
    ] {
        let joined = fit(&place, &["all"], features, &[]);
        assert_eq!(joined["targets"].as_array().unwrap().len(), 3);
        for (k, unit) in UNITS.into_iter().enumerate() {
            assert_same(&joined, k, &fit(&place, &[unit], features, &[]));
        }
    }
}

#[test]
fn columns_are_named_after_the_units() {
    let place = recording();
    let names = |units: &[&str], feature: &str| {
        let fit = fit(&place, units, &[feature], &[]);
        texts(&fit["labels"]).into_iter().map(String::from).collect::<Vec<_>>()
    };
    let of = |signal: &str, units: &[&str]| -> Vec<String> {
        units.iter().flat_map(|unit| [1, 2].map(|k| format!("{signal}[{unit}].{k}"))).collect()
    };
    assert_eq!(names(&["all"], ALL), of("units", &["3", "5", "9"]));
    assert_eq!(names(&["5"], ALL), of("units", &["3", "5", "9"]));
    assert_eq!(names(&["all"], OTHERS), of("units-others", &["3", "5", "9"]));
    assert_eq!(names(&["5"], OTHERS), of("units-others", &["3", "9"]));
    // the others are all units of the file, whether they are fitted or not
    assert_eq!(names(&["3", "5"], OTHERS), of("units-others", &["3", "5", "9"]));
    assert_eq!(names(&["all"], OWN), ["spikes.1", "spikes.2", "spikes.3"]);
    assert_eq!(names(&["3"], "position"), ["position[0]", "position[1]"]);
    assert_eq!(names(&["3"], "position[1]"), ["position[1]"]);
}

#[test]
fn a_unit_does_not_see_itself_among_the_others() {
    let place = recording();
    let fit = fit(&place, &["all"], &["current", OTHERS], &[]);
    let labels = texts(&fit["labels"]);
    for (target, unit) in fit["targets"].as_array().unwrap().iter().zip(UNITS) {
        for (k, label) in labels.iter().enumerate() {
            let own = label.starts_with(&format!("units-others[{unit}]"));
            assert_eq!(target["standard_errors"][k] == "NaN", own, "{unit}: {label}");
            assert_eq!(number(&target["coef"][k]) == 0.0, own, "{unit}: {label}");
        }
    }
}

#[test]
fn units_come_in_the_order_they_are_named_and_once() {
    let place = recording();
    let names = |units: &[&str]| {
        let fit = fit(&place, units, &["current"], &[]);
        let targets = fit["targets"].as_array().unwrap().clone();
        targets.iter().map(|target| target["name"].as_str().unwrap().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(&["9", "3"]), ["9", "3"]);
    assert_eq!(names(&["5", "5"]), ["5"]);
    assert_eq!(names(&["9", "all"]), ["9", "3", "5"]);
}

#[test]
fn tables_of_a_population() {
    let place = recording();
    let filters = fit(&place, &["all"], &["current", OWN, OTHERS], &["--out", "own"]);
    let tables: BTreeSet<String> = files_under(&place.path("own/tables"));
    let expected = ["bins", "couplings", "features-3", "features-5", "features-9", "filters", "tuning"];
    assert_eq!(tables, expected.map(|name| format!("{name}.csv")).into());
    let bins = Table::read(&place.path("own/tables/bins.csv"));
    assert_eq!(bins.n_rows(), 3950);
    assert!(bins.names().contains(&"rate_hz_9") && bins.names().contains(&"count_3"));
    let of_five = Table::read(&place.path("own/tables/features-5.csv"));
    assert!(
        !of_five.names().contains(&"units-others[5].1") && of_five.names().contains(&"units-others[9].2")
    );
    let table = Table::read(&place.path("own/tables/filters.csv"));
    // per target: its own past, and one channel per other unit, five lags of 10 ms each
    assert_eq!(table.n_rows(), 3 * (1 + 2) * 5);
    let channels: BTreeSet<&String> = table.texts("channel").iter().collect();
    assert_eq!(
        channels.into_iter().collect::<Vec<_>>(),
        ["spikes", "units-others[3]", "units-others[5]", "units-others[9]"]
    );
    for row in 0..table.n_rows() {
        let own = table.texts("channel")[row] == format!("units-others[{}]", table.texts("target")[row]);
        assert!(!own, "a filter of what the target does not see");
    }
    let tuning = Table::read(&place.path("own/tables/tuning.csv"));
    assert_eq!(tuning.n_rows(), 3 * 15);
    assert_eq!(filters["targets"], json(&place.path("own/fit.json"))["targets"]);
}

#[test]
fn a_population_scores_like_its_fit() {
    let place = recording();
    for features in [&["current"][..], &["current", OWN, OTHERS], &["current", ALL]] {
        let fit = fit(&place, &["all"], features, &["--out", "out"]);
        let score = place.run(&["score", "out/model.json", "r.nwb", "--json"]).ended(0).json();
        for (score, fit) in
            score["targets"].as_array().unwrap().iter().zip(fit["targets"].as_array().unwrap())
        {
            assert_eq!(score["name"], fit["name"]);
            assert_near(&score["log_likelihood"], &fit["log_likelihood"], "log-likelihood");
        }
        let one = place.run(&["score", "out/model.json", "r.nwb", "--unit", "5", "--json"]).ended(0).json();
        assert_eq!(one["targets"].as_array().unwrap().len(), 1);
        assert_eq!(one["targets"][0], score["targets"][1]);
    }
}

#[test]
fn a_model_of_one_unit_is_tried_on_another_only_if_it_has_the_columns() {
    let place = recording();
    fit(&place, &["3"], &["current", OWN], &["--out", "own"]);
    let other = place.run(&["score", "own/model.json", "r.nwb", "--unit", "5", "--json"]).ended(0).json();
    assert_eq!(other["targets"][0]["name"], "5");
    fit(&place, &["3"], &["current", OTHERS], &["--out", "others"]);
    let words = ["score", "others/model.json", "r.nwb", "--unit", "5"];
    place.refused(&words, 3, &["expected the columns of the model, found none called units-others[5].1"]);
}

#[test]
fn slower_series_are_interpolated_and_it_is_said() {
    let place = recording();
    let words = ["fit", "r.nwb", "--epochs", "run", "--unit", "3", "--bin", "10ms", "--feature"];
    let run = place.run(&[&words[..], &["position[0]"]].concat()).ended(0);
    let said = "note: position[0] is sampled more sparsely than the bins: interpolated linearly\n";
    assert_eq!(run.stderr, said);
    let run = place.run(&[&words[..], &["position[0]@nearest"]].concat()).ended(0);
    assert_eq!(run.stderr, "");
    // the mean leaves every bin without a sample
    let run = place.run(&[&words[..], &["position[0]@mean", "--json"]].concat()).ended(0).json();
    assert_eq!(run["n_bins_used"].as_u64().unwrap() + run["n_bins_dropped"].as_u64().unwrap(), 3950);
    assert!(run["n_bins_used"].as_u64().unwrap() < 250, "{}", run["n_bins_used"]);
}

#[test]
fn epochs_that_overlap_are_joined() {
    let place = recording();
    let words = ["fit", "r.nwb", "--unit", "3", "--bin", "10ms", "--feature", "current", "--out", "out"];
    let run = place.run(&[&words[..], &["--epochs", "blocks"]].concat()).ended(0);
    assert!(run.stdout.starts_with("r.nwb: 2 epochs, 6.00 s, 600 bins of 10 ms, 600 used"), "{run:?}");
    assert!(run.stderr.starts_with("note: joined 3 epochs that overlap into 2\n"), "{run:?}");
    let bins = Table::read(&place.path("out/tables/bins.csv"));
    assert_eq!((bins.n_rows(), bins.numbers("t_s")[0]), (600, 2.005));
    let tuning = Table::read(&place.path("out/tables/tuning.csv"));
    let n_spikes: f64 = tuning.numbers("spikes").iter().sum();
    assert_eq!(n_spikes, bins.numbers("count_3").iter().sum::<f64>());
}
