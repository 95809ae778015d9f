//! `--observation categorical` with what rows and targets have: weights, offsets, no intercepts, masks and strengths to choose from.

use std::fmt::Write as _;

use serde_json::Value;

use crate::array_file::Array;
use crate::device::{adapter, seeing};
use crate::report::report_without_intercept;
use crate::table::Table;
use crate::{Place, json, number, numbers, relative};

pub(crate) const FIT: [&str; 6] = ["fit", "d.csv", "--y", "turn", "--observation", "categorical"];

/// Rows of two features, a weight of 0 to 2, an offset of each class and a label that depends on them.
pub(crate) fn table(place: &Place, file: &str, seed: u64, n_times: impl Fn(usize) -> usize) {
    let mut state = seed;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let mut text = String::from("speed,angle,count,left,right,stop,turn\n");
    for row in 0..300 {
        let (a, b) = (2.0 * uniform() - 1.0, 2.0 * uniform() - 1.0);
        let given: Vec<f64> = (0..3).map(|_| uniform() - 0.5).collect();
        let weights = [(1.5 * a + given[0]).exp(), (b - a + given[1]).exp(), given[2].exp()];
        let mut left = uniform() * weights.iter().sum::<f64>();
        let class = weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        let label = ["left", "right", "stop"][class.unwrap_or(2)];
        for _ in 0..n_times(row) {
            writeln!(text, "{a},{b},{},{},{},{},{label}", row % 3, given[0], given[1], given[2]).unwrap();
        }
    }
    std::fs::write(place.path(file), text).unwrap();
}

fn coef(document: &Value) -> Vec<f64> {
    numbers(&document["targets"][0]["coef"])
}

#[test]
fn a_row_of_weight_2_is_two_rows_and_one_of_0_is_none() {
    let place = Place::new();
    table(&place, "d.csv", 1, |_| 1);
    table(&place, "long.csv", 1, |row| row % 3);
    let own = ["--x", "speed,angle", "--json", "--out", "out"];
    let weighted = place.run(&[&FIT[..], &own, &["--weights", "count"]].concat()).ended(0).json();
    let long: Vec<&str> = FIT.iter().map(|word| if *word == "d.csv" { "long.csv" } else { word }).collect();
    let truth = place.run(&[&long[..], &own[..3]].concat()).ended(0).json();
    assert_eq!((&weighted["n_bins_used"], &weighted["n_bins_weightless"]), (&200.into(), &100.into()));
    assert_eq!((&weighted["n_bins_dropped"], &weighted["weights"]), (&0.into(), &"count".into()));
    assert_eq!(weighted["targets"][0]["total_weight"], 300.0);
    let fields = ["coef", "intercept", "standard_errors", "intercept_standard_error"];
    for field in fields {
        let [found, truth] = [&weighted, &truth].map(|document| numbers(&document["targets"][0][field]));
        assert!(relative(&found, &truth) < 1e-8, "{field}: {found:?} {truth:?}");
    }
    assert_eq!(weighted["targets"][0]["dof_resid"], truth["targets"][0]["dof_resid"]);
    // the model remembers its weights, which --weights none leaves out
    let score = place.run(&["score", "out/model.json", "d.csv", "--json"]).ended(0);
    assert!(score.stderr.contains("scored with the weights count"), "{score:?}");
    let score = score.json();
    for field in ["log_likelihood", "log_likelihood_sum", "deviance", "pseudo_r2_mcfadden"] {
        let (found, fitted) = (number(&score["targets"][0][field]), number(&truth["targets"][0][field]));
        assert!((found / fitted - 1.0).abs() < 1e-9, "{field}: {found} {fitted}");
    }
    let all = place.run(&["score", "out/model.json", "d.csv", "--weights", "none", "--json"]).ended(0).json();
    assert_eq!((&all["n_bins_used"], all.get("weights")), (&300.into(), None));
    // without --x the columns of weights and offset are no features
    let given = ["--weights", "count", "--offset", "left,right,stop", "--json"];
    let rest = place.run(&[&FIT[..], &given].concat()).ended(0).json();
    assert_eq!(rest["labels"], serde_json::json!(["speed", "angle"]));
    place.refused(&[&FIT[..], &["--weights", "counts"]].concat(), 2, &["counts"]);
}

#[test]
fn an_offset_has_a_column_for_each_class() {
    let place = Place::new();
    table(&place, "d.csv", 3, |_| 1);
    let own = ["--x", "speed,angle", "--json"];
    let by_name = [&FIT[..], &own, &["--offset", "left,right,stop", "--out", "out"]].concat();
    let fitted = place.run(&by_name).ended(0).json();
    assert_eq!(fitted["offset"], "left,right,stop");
    // the same from a file, and with what is common to all classes of a row
    let text = std::fs::read_to_string(place.path("d.csv")).unwrap();
    let cells = |line: &str| -> Vec<f64> {
        line.split(',').skip(3).take(3).map(|cell| cell.parse().unwrap()).collect()
    };
    let rows: Vec<Vec<f64>> = text.lines().skip(1).map(cells).collect();
    let shift = |row: usize| move |own: &f64| own + (row as f64).sin();
    let shifted: Vec<f64> =
        rows.iter().enumerate().flat_map(|(row, own)| own.iter().map(shift(row))).collect();
    std::fs::write(place.path("o.npy"), Array::matrix(3, &shifted).bytes()).unwrap();
    let by_file = place.run(&[&FIT[..], &own, &["--offset", "o.npy"]].concat()).ended(0).json();
    assert!(relative(&coef(&by_file), &coef(&fitted)) < 1e-9);
    // a score finds the columns of the model, a prediction too
    let score = place.run(&["score", "out/model.json", "d.csv", "--json"]).ended(0).json();
    for field in ["log_likelihood", "pseudo_r2_mcfadden"] {
        let (found, own) = (number(&score["targets"][0][field]), number(&fitted["targets"][0][field]));
        assert!((found / own - 1.0).abs() < 1e-9, "{field}: {found} {own}");
    }
    place.run(&["predict", "out/model.json", "d.csv", "--out", "p.csv"]).ended(0);
    let predicted = std::fs::read_to_string(place.path("p.csv")).unwrap();
    let bins = std::fs::read_to_string(place.path("out/tables/bins.csv")).unwrap();
    let [first, fitted] = [&predicted, &bins].map(|text| {
        let line: Vec<&str> = text.lines().nth(1).unwrap().rsplit(',').take(3).collect();
        line.into_iter().map(|cell| cell.parse::<f64>().unwrap()).collect::<Vec<_>>()
    });
    assert!(relative(&first, &fitted) < 1e-12);
    for (offset, said) in [
        ("left", &["a column for each class", "left with 1 column", "changes no probability"][..]),
        ("left,right", &["3 numbers per bin, one for each class", "2 per bin"]),
        ("left,right,stops", &["stops"]),
    ] {
        place.refused(&[&FIT[..], &["--x", "speed", "--offset", offset]].concat(), 2, said);
    }
    let score = ["score", "out/model.json", "d.csv", "--offset", "left,right"];
    place.refused(&score, 2, &["each of the 3 classes of turn", "left, right, stop"]);
    let two = ["fit", "d.csv", "--y", "turn,count", "--x", "speed", "--observation", "categorical"];
    place.refused(&[&two[..], &["--offset", "left,right,stop"]].concat(), 2, &["--offset", "one target"]);
    // another model has one number per bin
    let counts = ["fit", "d.csv", "--y", "count", "--x", "speed", "--offset", "left,right,stop"];
    place.refused(&counts, 2, &["left,right,stop"]);
}

#[test]
fn without_intercepts_all_classes_are_equal_where_features_are_0() {
    let place = Place::new();
    table(&place, "d.csv", 5, |_| 1);
    std::fs::write(place.path("zero.csv"), "speed,angle\n0,0\n").unwrap();
    let own = ["--x", "speed,angle", "--no-intercept", "--out", "out"];
    let run = place.run(&[&FIT[..], &own].concat()).ended(0);
    assert!(run.stdout.contains("no intercept"), "{run:?}");
    // there is no row of what was not fitted
    let is_row = |line: &str| line.trim_start_matches('│').trim_start().starts_with("intercept");
    assert!(!run.stdout.lines().any(is_row), "{run:?}");
    let coefficients = Table::read(&place.path("out/tables/coefficients.csv"));
    assert_eq!(coefficients.texts("feature"), ["speed", "speed", "speed", "angle", "angle", "angle"]);
    assert!(report_without_intercept(&place, "out"));
    place.run(&[&FIT[..], &["--x", "speed,angle", "--out", "with"]].concat()).ended(0);
    assert!(!report_without_intercept(&place, "with"));
    let fit = json(&place.path("out/fit.json"));
    assert_eq!(
        (&fit["has_intercept"], &fit["targets"][0]["intercept"]),
        (&false.into(), &vec![0.0; 3].into())
    );
    assert!(fit["command"].as_str().unwrap().contains("--no-intercept"));
    place.run(&["predict", "out/model.json", "zero.csv", "--out", "p.csv"]).ended(0);
    let text = std::fs::read_to_string(place.path("p.csv")).unwrap();
    let p: Vec<f64> = text.lines().nth(1).unwrap().rsplit(',').take(3).map(|p| p.parse().unwrap()).collect();
    assert!(relative(&p, &[1.0 / 3.0; 3]) < 1e-14, "{p:?}");
}

#[test]
fn a_mask_keeps_features_from_targets() {
    let place = Place::new();
    table(&place, "d.csv", 7, |_| 1);
    std::fs::write(place.path("mask.csv"), "feature,turn,count\nspeed,1,0\nangle,0,1\n").unwrap();
    let fit = ["fit", "d.csv", "--y", "turn,count", "--x", "speed,angle", "--observation", "categorical"];
    let both =
        place.run(&[&fit[..], &["--mask", "mask.csv", "--json", "--out", "out"]].concat()).ended(0).json();
    assert_eq!(both["labels"], serde_json::json!(["speed", "angle"]));
    let alone = place.run(&[&FIT[..], &["--x", "speed", "--json"]].concat()).ended(0).json();
    assert_eq!(coef(&both), [coef(&alone), vec![0.0; 3]].concat());
    let errors = both["targets"][0]["standard_errors"].as_array().unwrap();
    assert!(errors[3..].iter().all(|error| *error == "NaN") && errors[0].is_number(), "{errors:?}");
    assert_eq!(both["targets"][0]["dof_resid"], 300 - 4);
    assert_eq!(numbers(&both["targets"][1]["coef"])[..3], [0.0; 3]);
    // new data have all columns
    let score = place.run(&["score", "out/model.json", "d.csv", "--json"]).ended(0).json();
    for target in 0..2 {
        let [found, own] = [&score, &both].map(|own| number(&own["targets"][target]["log_likelihood"]));
        assert!((found / own - 1.0).abs() < 1e-11, "{found} {own}");
    }
}

/// What other units did, for every unit without its own spikes.
#[test]
fn couplings_leave_own_spikes_out() {
    let place = Place::new();
    let made = ["simulate", "coupled", "--out", "c.nwb", "--quiet", "--units", "3", "--duration", "20s"];
    place.run(&made).ended(0);
    let fit = ["fit", "c.nwb", "--epochs", "simulated", "--unit", "all", "--bin", "10ms", "--feature"];
    let own = [
        "units-others : raised-cosine-log(2, window=100ms)",
        "--observation",
        "categorical",
        "--regularizer",
    ];
    let rest = ["ridge", "--strength", "1e-3", "--json", "--out", "out"];
    let fitted = place.run(&[&fit[..], &own, &rest].concat()).ended(0).json();
    assert_eq!(fitted["labels"].as_array().unwrap().len(), 6);
    for (k, target) in fitted["targets"].as_array().unwrap().iter().enumerate() {
        let n_classes = target["classes"].as_array().unwrap().len();
        let of_unit: Vec<f64> =
            numbers(&target["coef"]).chunks(2 * n_classes).map(|own| own[0].abs()).collect();
        assert_eq!(of_unit.iter().position(|own| *own == 0.0), Some(k), "{of_unit:?}");
    }
    let score = place.run(&["score", "out/model.json", "c.nwb", "--json"]).ended(0).json();
    for target in 0..3 {
        let [found, own] = [&score, &fitted].map(|own| number(&own["targets"][target]["log_likelihood"]));
        assert!((found / own - 1.0).abs() < 1e-10, "{found} {own}");
    }
}

#[test]
fn the_strength_that_predicts_best_is_found() {
    let place = Place::new();
    table(&place, "d.csv", 9, |_| 1);
    let own = ["--x", "speed,angle", "--regularizer", "ridge", "--strength", "1e-4:1:5", "--cv", "kfold"];
    let run = place.run(&[&FIT[..], &own, &["--folds", "4", "--out", "out"]].concat()).ended(0);
    assert!(run.stdout.contains("its strength by 4-fold cross-validation"), "{run:?}");
    assert!(run.stdout.contains("held-out log-likelihood"), "{run:?}");
    let fit = json(&place.path("out/fit.json"));
    let (target, curve) = (&fit["targets"][0], &fit["targets"][0]["cv"]);
    assert_eq!((numbers(&curve["strengths"]).len(), curve["by_fold"].as_array().unwrap().len()), (5, 4));
    let best = curve["best"].as_u64().unwrap() as usize;
    assert_eq!(target["strength"], curve["strengths"][best]);
    assert!(curve["one_se"].as_u64().unwrap() as usize >= best);
    let strength = number(&target["strength"]).to_string();
    let one = ["--x", "speed,angle", "--regularizer", "ridge", "--strength", &strength, "--json"];
    let alone = place.run(&[&FIT[..], &one].concat()).ended(0).json();
    assert!(relative(&coef(&fit), &coef(&alone)) < 1e-8);
    let score = place.run(&["score", "out/model.json", "d.csv", "--json"]).ended(0).json();
    let [found, own] = [&score, &fit].map(|own| number(&own["targets"][0]["log_likelihood"]));
    assert!((found / own - 1.0).abs() < 1e-11);
    // labels in stretches of one class: no fold has a bin of each to fit
    let rows: Vec<String> = (0..90).map(|k| format!("{},{}", k % 7, ["a", "b", "c"][k / 30])).collect();
    std::fs::write(place.path("s.csv"), format!("x,y\n{}\n", rows.join("\n"))).unwrap();
    let blocked = ["fit", "s.csv", "--y", "y", "--observation", "categorical", "--regularizer", "ridge"];
    let cv = ["--strength", "0.01:1:3", "--cv", "blocked", "--folds", "3"];
    place.refused(&[&blocked[..], &cv].concat(), 3, &["in every fold", "--cv kfold"]);
}

#[test]
fn weights_and_offsets_on_a_device_end_where_the_cpu_does() {
    let place = Place::new();
    let Some(number) = adapter(&place) else { return };
    table(&place, "d.csv", 11, |_| 1);
    let own = ["--x", "speed,angle", "--weights", "count", "--offset", "left,right,stop", "--json"];
    for more in [&[][..], &["--no-intercept"]] {
        let fit = [&FIT[..], &own, more].concat();
        let on_cpu = place.run(&fit).ended(0).json();
        let there = seeing(&place, &[&fit[..], &["--device", &number]].concat()).ended(0).json();
        assert_eq!((&there["backend"], &on_cpu["backend"]), (&"gpu".into(), &"cpu".into()));
        assert!(relative(&coef(&there), &coef(&on_cpu)) < 1e-9);
    }
}
