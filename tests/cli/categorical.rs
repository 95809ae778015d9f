//! `--observation categorical`: labels in, probabilities out.

use std::fmt::Write as _;

use serde_json::Value;

use crate::device::{adapter, seeing};
use crate::{Place, json, number, numbers, relative, tutorial};

/// Rows of two features and a label that depends on them: of one of `names`, or missing in every 50th row.
pub(crate) fn table(place: &Place, file: &str, names: [&str; 3], seed: u64) {
    let mut state = seed;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let mut text = String::from("speed,angle,\"turn, last\"\n");
    for row in 0..300 {
        let (a, b) = (2.0 * uniform() - 1.0, 2.0 * uniform() - 1.0);
        let weights = [(1.5 * a).exp(), (b - a).exp(), 1.0];
        let mut left = uniform() * weights.iter().sum::<f64>();
        let class = weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        let label = if row % 50 == 7 { "NA" } else { names[class.unwrap_or(2)] };
        writeln!(text, "{a},{b},{label}").unwrap();
    }
    std::fs::write(place.path(file), text).unwrap();
}

pub(crate) const Y: &str = "\"turn, last\"";
pub(crate) const NAMES: [&str; 3] = ["left", "right", "stop"];

#[test]
fn labels_are_fitted_predicted_and_scored() {
    let place = Place::new();
    table(&place, "turns.csv", NAMES, 1);
    let words = ["fit", "turns.csv", "--y", Y, "--observation", "categorical", "--regularizer", "ridge"];
    let words = [&words[..], &["--strength", "0.01", "--out", "out"]].concat();
    let text = place.run(&words).ended(0);
    assert!(
        text.stdout.contains("class left (standard error)") && text.stdout.contains("log-softmax"),
        "{text:?}"
    );
    assert!(text.stdout.contains("at the optimum, with proof"), "{text:?}");
    let document = json(&place.path("out/fit.json"));
    assert_eq!((&document["observation"], &document["link"]), (&"categorical".into(), &"log-softmax".into()));
    assert_eq!((&document["n_bins_used"], &document["n_bins_dropped"]), (&294.into(), &6.into()));
    let target = &document["targets"][0];
    assert_eq!((&target["name"], &target["status"]), (&"turn, last".into(), &"converged".into()));
    assert_eq!(target["classes"], serde_json::json!(NAMES));
    for (field, length) in [("coef", 6), ("intercept", 3), ("standard_errors", 6), ("z", 6), ("p_value", 6)] {
        assert_eq!(numbers(&target[field]).len(), length, "{field}");
    }
    assert_eq!(numbers(&target["intercept_standard_error"]).len(), 3);
    let files = document["files"].as_object().unwrap();
    assert!(
        ["model.json", "tables/bins.csv", "tables/coefficients.csv"]
            .iter()
            .all(|file| files.contains_key(*file))
    );
    // the same data are scored the same
    let score = place.run(&["score", "out/model.json", "turns.csv", "--json"]).ended(0).json();
    for field in ["log_likelihood", "log_likelihood_sum", "deviance", "pseudo_r2_mcfadden", "pseudo_r2_cohen"]
    {
        let (found, expected) = (number(&score["targets"][0][field]), number(&target[field]));
        assert!((found / expected - 1.0).abs() < 1e-11, "{field}: {found} {expected}");
    }
    assert_eq!(score["targets"][0]["n_bins_used"], 294);
    // labels of other names are not those of the model
    table(&place, "others.csv", ["left", "right", "up"], 2);
    place.refused(&["score", "out/model.json", "others.csv"], 3, &["found \"up\"", "left"]);
    // features alone are enough for a prediction
    let summary =
        place.run(&["predict", "out/model.json", "turns.csv", "--out", "p.csv", "--json"]).ended(0).json();
    assert_eq!(summary["targets"][0]["classes"][0]["label"], "left");
    let predicted = std::fs::read_to_string(place.path("p.csv")).unwrap();
    let header = "row,\"label_turn, last\",\"probability_turn, last_left\",\"probability_turn, last_right\"";
    assert!(predicted.starts_with(header), "{}", &predicted[..200]);
    assert_eq!(predicted.lines().count(), 301);
    for line in predicted.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let p: Vec<f64> = cells[2..].iter().map(|cell| cell.parse().unwrap()).collect();
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-14);
        let most = NAMES[(0..3).fold(0, |a, b| if p[b] > p[a] { b } else { a })];
        assert_eq!(cells[1], most);
    }
    place.run(&["predict", "out/model.json", "turns.csv", "--out", "p.npz"]).ended(0);
    let names =
        rheobase::read::npz::read_npz(&place.path("p.npz"), "probability_turn, last", 1 << 20).unwrap();
    assert_eq!(names.values.dim(), (300, 3));
}

#[test]
fn numbers_are_labels_and_threads_change_no_bit() {
    let place = Place::new();
    table(&place, "numbers.csv", ["3", "1", "2.0"], 3);
    let words = |threads: &'static str| {
        [
            "fit",
            "numbers.csv",
            "--y",
            Y,
            "--observation",
            "categorical",
            "--link",
            "log-softmax",
            "--json",
            "--threads",
            threads,
        ]
    };
    let [one, two] = ["1", "2"].map(|threads| place.run(&words(threads)).ended(0).json());
    assert_eq!(one["targets"][0]["classes"], serde_json::json!([1, 2, 3]));
    assert_eq!(one["targets"], two["targets"]);
    let study = "data = \"numbers.csv\"\ny = '\"turn, last\"'\nobservation = \"categorical\"\n";
    std::fs::write(place.path("study.toml"), study).unwrap();
    let by_study = place.run(&["fit", "study.toml", "--json"]).ended(0).json();
    assert_eq!(by_study["targets"], one["targets"]);
}

#[test]
fn counts_of_a_recording_are_labels() {
    let place = Place::new();
    let words = [
        "fit",
        &tutorial(),
        "--epochs",
        "Noise 1",
        "--unit",
        "0",
        "--bin",
        "5ms",
        "--feature",
        "stimulus*1e12",
    ];
    let words = [&words[..], &["--observation", "categorical", "--json", "--out", "out"]].concat();
    let fit = place.run(&words).ended(0).json();
    let target = &fit["targets"][0];
    assert_eq!(target["classes"], serde_json::json!([0, 1]));
    // of none and one it is a logistic regression, with half the coefficient
    let words: Vec<&str> =
        words.iter().map(|word| if *word == "categorical" { "bernoulli" } else { word }).collect();
    let other = place.run(&words[..words.len() - 2]).ended(0).json();
    let halves: Vec<f64> = numbers(&other["targets"][0]["coef"]).iter().map(|w| 0.5 * w).collect();
    assert!(relative(&[numbers(&target["coef"])[1]], &halves) < 1e-8);
    let out = ["predict", "out/model.json", &tutorial(), "--epochs", "Noise 2", "--out", "p.csv"];
    place.run(&out).ended(0);
    let text = std::fs::read_to_string(place.path("p.csv")).unwrap();
    assert!(text.starts_with("t_s,epoch,label_0,probability_0_0,probability_0_1\n"), "{}", &text[..80]);
}

#[test]
fn a_device_that_is_asked_for_ends_where_the_cpu_does() {
    let place = Place::new();
    let Some(number) = adapter(&place) else { return };
    table(&place, "turns.csv", NAMES, 5);
    let fit = ["fit", "turns.csv", "--y", Y, "--observation", "categorical", "--json"];
    let on_cpu = place.run(&fit).ended(0).json();
    let there = seeing(&place, &[&fit[..], &["--device", &number]].concat()).ended(0).json();
    assert_eq!((&there["backend"], &on_cpu["backend"]), (&"gpu".into(), &"cpu".into()));
    let coef = |document: &Value| numbers(&document["targets"][0]["coef"]);
    assert!(relative(&coef(&there), &coef(&on_cpu)) < 1e-10);
}

#[test]
fn separated_labels_end_in_a_status() {
    let place = Place::new();
    let rows: Vec<String> = (0..60).map(|k| format!("{k},{}", ["a", "b", "c"][k / 20])).collect();
    std::fs::write(place.path("apart.csv"), format!("x,y\n{}\n", rows.join("\n"))).unwrap();
    let run = place.run(&["fit", "apart.csv", "--y", "y", "--observation", "categorical", "--json"]).ended(4);
    assert_eq!(run.json()["targets"][0]["status"], "separated");
    assert!(run.stderr.contains("separated: the likelihood rises for ever"), "{run:?}");
    assert!(
        run.stderr.contains("for the classes a, b, c") || run.stderr.contains("for the classes a, c"),
        "{run:?}"
    );
}

#[test]
fn single_coefficients_of_classes_become_0() {
    let place = Place::new();
    table(&place, "turns.csv", NAMES, 1);
    let fit = |more: &[&str]| {
        let words = ["fit", "turns.csv", "--y", Y, "--observation", "categorical", "--json", "--quiet"];
        place.run(&[&words[..], more].concat()).ended(0).json()
    };
    let lasso = fit(&["--regularizer", "lasso", "--strength", "0.02"]);
    assert_eq!((&lasso["regularizer"], &lasso["solver"]), (&"lasso".into(), &"newton".into()));
    let target = &lasso["targets"][0];
    assert_eq!(target["status"], "converged");
    let coef = numbers(&target["coef"]);
    // of three coefficients of a column the one in the middle is 0, exactly
    assert!(coef.chunks(3).all(|row| row.contains(&0.0)), "{coef:?}");
    let n_others = coef.iter().filter(|w| **w != 0.0).count();
    assert!(n_others > 1);
    assert_eq!(target["dof_resid"], 294 - 2 - n_others);
    // the elastic net with all of it magnitudes is the lasso, with less it is another answer
    let net = |ratio: &str| {
        let document = fit(&["--regularizer", "elastic-net", "--strength", "0.02", "--ratio", ratio]);
        numbers(&document["targets"][0]["coef"])
    };
    assert_eq!(net("1"), coef);
    assert!(relative(&net("0.5"), &coef) > 1e-3);
    let strong = fit(&["--regularizer", "lasso", "--strength", "3"]);
    assert!(numbers(&strong["targets"][0]["coef"]).iter().all(|w| *w == 0.0));
}

#[test]
fn what_does_not_apply_is_refused_with_a_remedy() {
    let place = Place::new();
    table(&place, "turns.csv", NAMES, 1);
    std::fs::write(place.path("one.csv"), "x,y\n1,a\n2,a\n3,a\n").unwrap();
    std::fs::write(place.path("none.csv"), "x,y\n1,\n2,NA\n").unwrap();
    let fit = ["fit", "turns.csv", "--y", Y, "--observation", "categorical"];
    for (words, said) in [
        (&["--dispersion", "ml"][..], "negative-binomial"),
        (&["--link", "exp"], "log-softmax"),
        (&["--cv", "kfold", "--regularizer", "ridge", "--strength", "0.1"], "--cv"),
        (&["--regularizer", "lasso", "--strength", "0.1", "--solver", "lbfgs"], "leave the solver out"),
        (&["--write-nwb", "c.nwb"], "--out DIR"),
        (&["--true-couplings", "t.csv"], "--true-couplings: expected another observation model"),
        (&["--true-couplings", "t.csv"], "leave it out: it is for counts of coupled units"),
    ] {
        place.refused(&[&fit[..], words].concat(), 2, &[said]);
    }
    place.refused(&[&fit[..], &["--backend", "gpu"]].concat(), 5, &["GPU"]);
    let other = ["fit", "one.csv", "--y", "y", "--observation"];
    place.refused(&[&other[..], &["categorical"]].concat(), 3, &["every used row is of class a"]);
    place.refused(
        &[&other[..], &["poisson", "--link", "log-softmax"]].concat(),
        2,
        &["--observation categorical"],
    );
    place.refused(
        &["fit", "none.csv", "--y", "y", "--observation", "categorical"],
        3,
        &["no used row has a label"],
    );
    let strict = [&fit[..], &["--nan", "error"]].concat();
    place.refused(&strict, 3, &["row 9", "expected a label"]);
    place.refused(&["fit", "turns.csv", "--observation", "categorical"], 2, &["--y COL"]);
    let numbers: Vec<String> = (0..300).map(|k| format!("{},{}.5", k % 7, k)).collect();
    std::fs::write(place.path("numbers.csv"), format!("x,y\n{}\n", numbers.join("\n"))).unwrap();
    let many = ["fit", "numbers.csv", "--y", "y", "--observation", "categorical"];
    place.refused(&many, 2, &["at most 256 classes", "another observation model"]);
    place.refused(&[&fit[..], &["--x", Y]].concat(), 2, &["in both"]);
    assert_eq!(place.run(&[&fit[..], &["--json"]].concat()).ended(0).json()["seed"], Value::Null);
}

/// Rows of x and two labels, which depend on x a little.
fn pairs(place: &Place, file: &str, names: [&str; 2], cells: [[&str; 2]; 2], n_rows: usize) {
    let mut text = format!("x,{},{}\n", names[0], names[1]);
    for row in 0..n_rows {
        let [first, second] = [usize::from(row % 5 > 1), usize::from(row % 7 > 3)];
        writeln!(text, "{},{},{}", row % 11, cells[0][first], cells[1][second]).unwrap();
    }
    std::fs::write(place.path(file), text).unwrap();
}

#[test]
fn some_targets_are_scored_and_no_columns_have_one_name() {
    let place = Place::new();
    pairs(&place, "two.csv", ["a", "a_b"], [["b_c", "d"], ["c", "e"]], 300);
    let fit = ["fit", "two.csv", "--y", "a,a_b", "--x", "x", "--observation", "categorical", "--out", "out"];
    place.run(&fit).ended(0);
    let all = place.run(&["score", "out/model.json", "two.csv", "--json"]).ended(0).json();
    let one = place.run(&["score", "out/model.json", "two.csv", "--y", "a_b", "--json"]).ended(0).json();
    assert_eq!(one["targets"].as_array().unwrap().len(), 1);
    assert_eq!(one["targets"][0], all["targets"][1]);
    place.refused(&["score", "out/model.json", "two.csv", "--y", "x"], 2, &["a_b"]);
    place.run(&["predict", "out/model.json", "two.csv", "--out", "p.csv"]).ended(0);
    for file in ["p.csv", "out/tables/bins.csv"] {
        let text = std::fs::read_to_string(place.path(file)).unwrap();
        // one comma stands within names
        let header = text.lines().next().unwrap().replace(", class", " class");
        let mut names: Vec<&str> = header.split(',').collect();
        let n = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), n, "{file}: {names:?}");
        assert_eq!(names.contains(&"used_a_b"), file != "p.csv");
    }
}

#[test]
fn large_labels_are_told_apart_and_wrong_cells_are_named() {
    let place = Place::new();
    let large = ["9007199254740992", "9007199254740993"];
    pairs(&place, "large.csv", ["y", "z"], [large, ["0", "1"]], 200);
    let fit = ["fit", "large.csv", "--y", "y,z", "--x", "x", "--observation", "categorical", "--out", "out"];
    place.run(&fit).ended(0);
    let model = json(&place.path("out/model.json"));
    let classes = serde_json::json!([9_007_199_254_740_992_i64, 9_007_199_254_740_993_i64]);
    assert_eq!(model["fit"]["targets"][0]["classes"], classes);
    let text = std::fs::read_to_string(place.path("large.csv")).unwrap();
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    lines[50] = format!("1,{},x1", large[0]);
    std::fs::write(place.path("cell.csv"), lines.join("\n")).unwrap();
    place.refused(&["score", "out/model.json", "cell.csv", "--y", "z"], 3, &["row 51", "found \"x1\""]);
}

/// Probabilities that no number can hold have logarithms.
#[test]
fn scores_are_finite_where_probabilities_underflow() {
    let place = Place::new();
    pairs(&place, "two.csv", ["y", "z"], [["a", "b"], ["0", "1"]], 300);
    let fit = ["fit", "two.csv", "--y", "y", "--x", "x", "--observation", "categorical", "--out", "out"];
    place.run(&fit).ended(0);
    let steep = number(&json(&place.path("out/model.json"))["fit"]["targets"][0]["coef"][0]).abs();
    let far = 2000.0 / steep;
    std::fs::write(place.path("far.csv"), format!("x,y\n{far},a\n{far},b\n-{far},a\n-{far},b\n")).unwrap();
    let score = place.run(&["score", "out/model.json", "far.csv", "--json"]).ended(0).json();
    let found = number(&score["targets"][0]["log_likelihood"]);
    assert!(found.is_finite() && found < -1000.0, "{found}");
}

#[test]
fn labels_of_arrays_that_were_rounded_are_refused() {
    use ndarray::Array2;
    use rheobase::write::npz::{Array, npz_bytes};

    let place = Place::new();
    let x = Array2::from_shape_fn((20, 1), |(row, _)| row as f64);
    let y = Array2::from_shape_fn((20, 1), |(row, _)| if row == 7 { 9_007_199_254_740_992.0 } else { 1.0 });
    let arrays = [("X", Array::Table(x.view())), ("y", Array::Table(y.view()))];
    std::fs::write(place.path("d.npz"), npz_bytes(&arrays).unwrap()).unwrap();
    let said = ["row 7", "2^53", "number the classes from 0"];
    place.refused(&["fit", "d.npz", "--observation", "categorical"], 3, &said);
}
