//! Other models of classes, held-out epochs and smaller models beside a fit to labels.

use serde_json::Value;

use crate::categorical::{NAMES, Y, table};
use crate::{HISTORY, INSTANTANEOUS, Place, json, number, numbers, tutorial};

const SCORES: [&str; 8] = [
    "n_bins_used",
    "log_likelihood",
    "log_likelihood_sum",
    "deviance",
    "pseudo_r2_mcfadden",
    "pseudo_r2_cohen",
    "accuracy",
    "confusion",
];

/// Fits the counts in the first `Noise 1` as labels.
fn words<'a>(file: &'a str, feature: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let words = ["fit", file, "--epochs", "Noise 1", "--epoch", "0", "--bin", "5ms", "--feature", feature];
    [&words[..], &["--observation", "categorical"], more].concat()
}

fn assert_same_scores(found: &Value, expected: &Value) {
    for name in SCORES {
        assert!(!found[name].is_null() && found[name] == expected[name], "{name}: {found} {expected}");
    }
}

/// Cells of the table of scores.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let table = text.lines().skip_while(|line| !line.contains("│ epochs"));
    table
        .filter(|line| line.contains('┆') && !line.contains('╪'))
        .map(|line| line.split(['│', '┆']).map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect()
}

#[test]
fn held_out_epochs_are_scored_as_by_score() {
    let (place, file) = (Place::new(), tutorial());
    let more = ["--test-epochs", "Noise 2", "--test-epochs", "Noise 1", "--out", "out", "--json"];
    let run = place.run(&words(&file, HISTORY, &more)).ended(0);
    assert!(
        run.stderr.contains("note: --test-epochs 'Noise 1': 28.02 s that were fitted are left out\n"),
        "{run:?}"
    );
    let fit = run.json();
    assert_eq!(fit["held_out"].as_array().unwrap().len(), 2);
    let score = ["score", "out/model.json", &file, "--epochs", "Noise 2", "--json"];
    let score = place.run(&score).ended(0).json();
    let set = &fit["held_out"][0];
    assert_eq!((&set["epochs"], &set["n_bins_edge"]), (&"Noise 2".into(), &score["n_bins_edge"]));
    assert_same_scores(&set["targets"][0], &score["targets"][0]);
    assert!(set["targets"][0].get("n_events").is_none());
    // the other two repeats
    assert_eq!(fit["held_out"][1]["epochs_s"], serde_json::json!([[105.06, 133.08], [138.08, 166.1]]));
    assert_eq!(json(&place.path("out/fit.json"))["held_out"], fit["held_out"]);
}

#[test]
fn another_model_is_scored_on_the_bins_of_both() {
    let (place, file) = (Place::new(), tutorial());
    let history = place.run(&words(&file, HISTORY, &["--out", "history", "--json"])).ended(0).json();
    let more = ["--compare", "history/model.json", "--test-epochs", "Noise 2", "--out", "now"];
    let run = place.run(&words(&file, INSTANTANEOUS, &more)).ended(0);
    let fit = json(&place.path("now/fit.json"));
    let other = &fit["compared"][0];
    assert_eq!((&other["name"], &other["model"]["path"]), (&"history".into(), &"history/model.json".into()));
    let theirs = &other["targets"][0];
    for name in SCORES {
        let (found, expected) = (&theirs[name], &history["targets"][0][name]);
        let is_same =
            found == expected || (number(found) - number(expected)).abs() < 1e-12 * number(expected).abs();
        assert!(is_same, "{name}: {found} {expected}");
    }
    // the fit itself has 40 bins more
    let (own, shared) = (&fit["targets"][0], &theirs["scores_of_fit"]);
    assert_eq!((&own["n_bins_used"], &theirs["n_bins_used"]), (&5604.into(), &5564.into()));
    let counted =
        |scores: &Value| -> f64 { scores["confusion"].as_array().unwrap().iter().flat_map(numbers).sum() };
    assert_eq!((counted(own), counted(shared)), (5604.0, 5564.0));
    assert!(number(&shared["log_likelihood_sum"]) > number(&own["log_likelihood_sum"]));
    let score = ["score", "history/model.json", &file, "--epochs", "Noise 2", "--json"];
    let score = place.run(&score).ended(0).json();
    assert_same_scores(&fit["held_out"][0]["compared"][0]["targets"][0], &score["targets"][0]);
    let printed = rows(&run.stdout);
    let header = ["epochs", "model", "bins", "log-likelihood per bin", "McFadden R2", "Cohen R2", "accuracy"];
    assert_eq!(printed[0], header, "{}", run.stdout);
    let models: Vec<&[&str]> = printed[1..].iter().map(|row| &row[..3]).collect();
    let expected = [
        ["fitted", "now", "5604"],
        ["fitted", "now on the bins of history", "5564"],
        ["fitted", "history", "5564"],
        ["Noise 2", "now", "5604"],
        ["Noise 2", "now on the bins of history", "5564"],
        ["Noise 2", "history", "5564"],
    ];
    assert_eq!(models, expected);
    assert_eq!(printed[3][6], format!("{:.4}", number(&theirs["accuracy"])));
}

#[test]
fn texts_are_compared_and_other_classes_and_kinds_are_refused() {
    let place = Place::new();
    table(&place, "turns.csv", NAMES, 1);
    table(&place, "others.csv", ["left", "right", "up"], 2);
    let fit = ["fit", "turns.csv", "--y", Y, "--observation", "categorical"];
    place.run(&[&fit[..], &["--x", "speed", "--out", "small"]].concat()).ended(0);
    let both = place.run(&[&fit[..], &["--compare", "small/model.json", "--json"]].concat()).ended(0).json();
    let small = &json(&place.path("small/fit.json"))["targets"][0];
    let theirs = &both["compared"][0]["targets"][0];
    assert!((number(&theirs["log_likelihood"]) - number(&small["log_likelihood"])).abs() < 1e-12);
    assert_eq!(theirs["confusion"], small["confusion"]);
    let scores = &theirs["scores_of_fit"];
    assert!(number(&scores["log_likelihood"]) > number(&small["log_likelihood"]) + 0.01);
    assert_eq!(scores["confusion"], both["targets"][0]["confusion"]);
    let other = ["fit", "others.csv", "--y", Y, "--observation", "categorical", "--out", "other"];
    place.run(&other).ended(0);
    let said = ["--compare other/model.json", "left, right, stop", "left, right, up", "the same labels"];
    place.refused(&[&fit[..], &["--compare", "other/model.json"]].concat(), 2, &said);
    // models of one mean and of classes have no score in common
    std::fs::write(place.path("counts.csv"), "x,n\n1,0\n2,1\n3,1\n4,3\n5,2\n6,4\n").unwrap();
    let count = ["fit", "counts.csv", "--y", "n"];
    place.run(&[&count[..], &["--out", "poisson"]].concat()).ended(0);
    let said = ["poisson/model.json", "expected a model file of classes", "a model of one mean"];
    place.refused(&[&fit[..], &["--compare", "poisson/model.json"]].concat(), 3, &said);
    let said = ["small/model.json", "expected a model of one mean", "categorical"];
    place.refused(&[&count[..], &["--compare", "small/model.json"]].concat(), 3, &said);
    let said = ["--test-epochs", "an NWB file", "rheobase score"];
    place.refused(&[&fit[..], &["--test-epochs", "Noise 2"]].concat(), 2, &said);
}

/// Counts of a bin that only later epochs have are no labels of the fit.
#[test]
fn labels_of_held_out_epochs_that_the_fit_has_not_are_told_before_it() {
    let (place, file) = (Place::new(), tutorial());
    let wide = |epochs: &'static str, more: &[&'static str]| -> Vec<String> {
        let words = ["fit", &file, "--epochs", epochs, "--bin", "100ms", "--feature", INSTANTANEOUS];
        let words = [&words[..], &["--observation", "categorical", "--quiet"], more].concat();
        words.into_iter().map(String::from).collect()
    };
    let classes = |epochs: &'static str| {
        let words = wide(epochs, &["--json"]);
        let run = place.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
        numbers(&run.json()["targets"][0]["classes"])
    };
    let (few, many) = (classes("Ramp"), classes("Noise 1"));
    assert!(many.len() > few.len(), "{few:?} {many:?}");
    let words = wide("Ramp", &["--test-epochs", "Noise 1", "--out", "out"]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let said = [
        "--test-epochs 'Noise 1'",
        "expected a class of the model",
        "fit epochs in which every label occurs",
    ];
    place.refused(&words, 3, &said);
}

#[test]
fn a_smaller_model_of_classes_is_tested_by_likelihood_ratios() {
    let place = Place::new();
    table(&place, "turns.csv", NAMES, 1);
    let fit = ["fit", "turns.csv", "--y", Y, "--observation", "categorical"];
    place.run(&[&fit[..], &["--x", "speed", "--out", "small"]].concat()).ended(0);
    let words = [&fit[..], &["--test-against", "small/model.json"]].concat();
    let larger = place.run(&[&words[..], &["--json"]].concat()).ended(0).json();
    assert!(larger["command"].as_str().unwrap().contains("--test-against small/model.json"));
    let test = &larger["tested"]["targets"][0];
    let small = json(&place.path("small/fit.json"));
    let sum = |fit: &Value| number(&fit["targets"][0]["log_likelihood_sum"]);
    let expected = 2.0 * (sum(&larger) - sum(&small));
    assert!((number(&test["statistic"]) - expected).abs() < 1e-9 * expected, "{test} {expected}");
    // one column more, for all but one of three classes
    assert_eq!((&test["name"], &test["degrees_of_freedom"]), (&"turn, last".into(), &2.into()));
    // of a chi-squared number with two degrees of freedom
    assert!((number(&test["p_value"]) - (-0.5 * expected).exp()).abs() < 1e-12);
    let text = place.run(&words).ended(0).stdout;
    assert!(text.contains("turn, last against small/model.json: likelihood ratio "), "{text}");
    place.run(&[&fit[..], &["--out", "all"]].concat()).ended(0);
    let against = |model: &'static str| ["--test-against", model];
    for (words, code, said) in [
        ([&fit[..], &against("all/model.json")].concat(), 2, "test against a model with fewer features"),
        (
            [&fit[..], &against("small/model.json"), &["--regularizer", "ridge", "--strength", "1"]].concat(),
            2,
            "leave --regularizer out",
        ),
        ([&fit[..], &["--x", "speed"], &against("all/model.json")].concat(), 2, "the column angle"),
        ([&fit[..], &against("none.json")].concat(), 3, "none.json"),
    ] {
        place.refused(&words, code, &[said]);
    }
    std::fs::write(place.path("counts.csv"), "x,n\n1,0\n2,1\n3,1\n4,3\n5,2\n6,4\n").unwrap();
    let count = ["fit", "counts.csv", "--y", "n"];
    place.run(&[&count[..], &["--out", "poisson"]].concat()).ended(0);
    let words = [&fit[..], &against("poisson/model.json")].concat();
    place.refused(&words, 3, &["expected a model file of classes"]);
}
