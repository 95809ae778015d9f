//! Held-out epochs and other models beside a fit.

use serde_json::Value;

use crate::{HISTORY, INSTANTANEOUS, Place, assert_near, number, tutorial};

/// Fits the first `Noise 1`.
fn words<'a>(file: &'a str, feature: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let words = ["fit", file, "--epochs", "Noise 1", "--epoch", "0", "--bin", "1ms", "--feature", feature];
    [&words[..], more].concat()
}

const SCORES: [&str; 6] = [
    "n_bins_used",
    "log_likelihood",
    "log_likelihood_sum",
    "deviance",
    "pseudo_r2_mcfadden",
    "pseudo_r2_cohen",
];

fn assert_same_scores(found: &Value, expected: &Value) {
    for name in SCORES {
        assert!(!found[name].is_null() && found[name] == expected[name], "{name}: {found} {expected}");
    }
}

#[test]
fn held_out_epochs_are_scored_as_by_score() {
    let (place, file) = (Place::new(), tutorial());
    let more = ["--test-epochs", "Noise 2", "--test-epochs", "Ramp", "--out", "out", "--json"];
    let fit = place.run(&words(&file, HISTORY, &more)).ended(0).json();
    assert_eq!(fit["held_out"].as_array().unwrap().len(), 2);
    for (set, selector) in fit["held_out"].as_array().unwrap().iter().zip(["Noise 2", "Ramp"]) {
        assert_eq!(set["epochs"], selector);
        let score = ["score", "out/model.json", &file, "--epochs", selector, "--json"];
        let score = place.run(&score).ended(0).json();
        assert_same_scores(&set["targets"][0], &score["targets"][0]);
        assert_eq!(set["targets"][0]["n_events"], score["targets"][0]["n_events"]);
        assert_eq!(set["n_bins_edge"], score["n_bins_edge"]);
    }
}

#[test]
fn what_was_fitted_is_not_held_out() {
    let (place, file) = (Place::new(), tutorial());
    let fit = place.run(&words(&file, INSTANTANEOUS, &["--test-epochs", "Noise 1", "--json"])).ended(0);
    assert_eq!(fit.stderr, "note: --test-epochs 'Noise 1': 28.02 s that were fitted are left out\n");
    let set = &fit.json()["held_out"][0];
    // the other two repeats
    assert_eq!(set["epochs_s"], serde_json::json!([[105.06, 133.08], [138.08, 166.1]]));
    assert_eq!((&set["n_bins_used"], &set["targets"][0]["n_events"]), (&56040.into(), &80.0.into()));
}

#[test]
fn another_model_is_scored_on_the_bins_of_both() {
    let (place, file) = (Place::new(), tutorial());
    let history = ["--out", "history", "--json"];
    let history = place.run(&words(&file, HISTORY, &history)).ended(0).json();
    let more = ["--compare", "history/model.json", "--test-epochs", "Noise 2", "--json"];
    let fit = place.run(&words(&file, INSTANTANEOUS, &more)).ended(0).json();
    let other = &fit["compared"][0];
    assert_eq!((&other["name"], &other["model"]["path"]), (&"history".into(), &"history/model.json".into()));
    for name in SCORES {
        assert_near(&other["targets"][0][name], &history["targets"][0][name], name);
    }
    // the fit itself has 200 bins more, so its scores on the shared ones are others
    let (own, shared) = (&fit["targets"][0], &other["targets"][0]["scores_of_fit"]);
    assert_eq!((&own["n_bins_used"], &other["targets"][0]["n_bins_used"]), (&28020.into(), &27820.into()));
    let [own, shared] = [own, shared].map(|scores| number(&scores["log_likelihood_sum"]));
    // every bin left out costs what a bin without a spike and without current costs
    let quiet = number(&fit["targets"][0]["intercept"]).exp();
    assert!((shared - own - 200.0 * quiet).abs() < 1e-9, "{shared} {own} {quiet}");
    let held_out = &fit["held_out"][0]["compared"][0]["targets"][0];
    let score = ["score", "history/model.json", &file, "--epochs", "Noise 2", "--json"];
    assert_same_scores(held_out, &place.run(&score).ended(0).json()["targets"][0]);
}

#[test]
fn scores_are_one_table() {
    let (place, file) = (Place::new(), tutorial());
    place.run(&words(&file, INSTANTANEOUS, &["--out", "now"])).ended(0);
    let more = ["--compare", "now/model.json", "--test-epochs", "Ramp", "--out", "past", "--quiet"];
    let run = place.run(&words(&file, HISTORY, &more)).ended(0);
    let rows: Vec<Vec<&str>> = run
        .stdout
        .lines()
        .skip_while(|line| !line.contains("McFadden R2"))
        .collect::<Vec<_>>()
        .into_iter()
        .filter(|line| line.contains('┆') && !line.contains('╪'))
        .map(|line| line.split(['│', '┆']).map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect();
    let expected = [
        ["epochs", "model", "bins", "events", "log-likelihood per bin", "McFadden R2", "Cohen R2"],
        ["fitted", "past", "27820", "40", "-0.007666815", "0.2932", "0.3380"],
        ["fitted", "now", "27820", "40", "-0.007967394", "0.2655", "0.3061"],
        ["Ramp", "past", "33820", "44", "-0.008521020", "0.1432", "0.1648"],
        ["Ramp", "now", "33820", "44", "-0.009234667", "0.0715", "0.0822"],
    ];
    assert_eq!(rows, expected);
}

#[test]
fn mistakes_are_told_before_anything_is_fitted() {
    let (place, file) = (Place::new(), tutorial());
    place.run(&words(&file, INSTANTANEOUS, &["--out", "now"])).ended(0);
    let refused = |more: &[&str], code: i32, text: &str| {
        let run = place.run(&words(&file, INSTANTANEOUS, more)).ended(code);
        assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", text));
    };
    refused(
        &["--test-epochs", "Noise 3"],
        2,
        &format!(
            "error: epoch \"Noise 3\" does not exist in {file}\nhelp: did you mean Noise 1? present are: Ramp, \
             Noise 1, Noise 2, Test, epochs\n"
        ),
    );
    let whole = [
        "fit",
        &file,
        "--epochs",
        "Ramp",
        "--bin",
        "1ms",
        "--feature",
        INSTANTANEOUS,
        "--test-epochs",
        "Ramp",
    ];
    let run = place.run(&whole).ended(2);
    assert_eq!(
        run.stderr,
        "error: --test-epochs 'Ramp': epochs: expected some that were not fitted, found Ramp, all of which were\nhelp: fit fewer \
         epochs (--epoch K), or test on others\n"
    );
    let wider = [
        "fit",
        &file,
        "--epochs",
        "Ramp",
        "--bin",
        "2ms",
        "--feature",
        INSTANTANEOUS,
        "--compare",
        "now/model.json",
    ];
    let run = place.run(&wider).ended(2);
    assert_eq!(
        run.stderr,
        "error: --compare: expected a model with bins of 2 ms, found now/model.json with bins of 1 ms\nhelp: fit both \
         with the same --bin\n"
    );
    let none = place.run(&words(&file, INSTANTANEOUS, &["--compare", "nowhere/model.json"])).ended(3);
    assert!(none.stderr.starts_with("error: nowhere/model.json: "), "{}", none.stderr);
    // what goes wrong with the held-out epochs or another model says which, before the fit
    let window = "stimulus*1e12 : raised-cosine-log(2, window=20s)";
    let long =
        ["fit", &file, "--epochs", "Noise 1", "--bin", "1ms", "--feature", window, "--test-epochs", "Test"];
    let run = place.run(&long).ended(2);
    assert!(
        run.stderr.starts_with("error: --test-epochs 'Test': window: expected at most "),
        "{}",
        run.stderr
    );
    let spikes =
        ["fit", &file, "--epochs", "Ramp", "--bin", "1ms", "--feature", INSTANTANEOUS, "--out", "no"];
    let other = place.path("other.json");
    let model =
        std::fs::read_to_string(place.path("now/model.json")).unwrap().replace("stimulus", "position");
    std::fs::write(other, model).unwrap();
    let run = place.run(&[&spikes[..], &["--compare", "other.json"]].concat()).ended(2);
    assert!(run.stderr.starts_with("error: --compare other.json: series \"position\" "), "{}", run.stderr);
    assert!(!place.path("no").exists());
}

#[test]
fn models_of_one_name_are_told_apart() {
    let (place, file) = (Place::new(), tutorial());
    for folder in ["a/m", "b/m"] {
        place.run(&words(&file, INSTANTANEOUS, &["--out", folder])).ended(0);
    }
    let more = ["--compare", "a/m/model.json", "--compare", "b/m/model.json", "--compare", "b/m/model.json"];
    let fit =
        place.run(&words(&file, HISTORY, &[&more[..], &["--out", "m", "--json"]].concat())).ended(0).json();
    let names: Vec<&str> =
        fit["compared"].as_array().unwrap().iter().map(|other| other["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a/m", "b/m", "m (2)"]);
}
