//! Models that come back: scores on the data of the fit, on other epochs and on other files.

use std::fs;

use serde_json::Value;

use crate::array_fit::arrays;
use crate::recording_file::write_recording;
use crate::{HISTORY, INSTANTANEOUS, Place, assert_near, files_under, json, number, tutorial};

/// Fields that a score shares with a fit.
const SCORES: [&str; 5] =
    ["log_likelihood", "log_likelihood_sum", "deviance", "pseudo_r2_mcfadden", "pseudo_r2_cohen"];

const EVALUATED: &str = "stimulus*1e12 : raised-cosine-log(5)";

/// Fits the first `Noise 1` of the tutorial into `out`.
fn fitted(feature: &str) -> Place {
    let (place, file) = (Place::new(), tutorial());
    let mut words = vec!["fit", &file, "--epochs", "Noise 1", "--epoch", "0", "--unit", "0", "--bin", "1ms"];
    words.extend(["--feature", feature, "--out", "out"]);
    // a basis of the current has functions without a spike
    place.run(&words).ended(if feature == EVALUATED { 4 } else { 0 });
    place
}

fn assert_same_scores(score: &Value, fit: &Value) {
    let (score, fit) = (score["targets"].as_array().unwrap(), fit["targets"].as_array().unwrap());
    assert_eq!(score.len(), fit.len());
    for (score, fit) in score.iter().zip(fit) {
        assert_eq!((&score["name"], &score["n_bins_used"]), (&fit["name"], &fit["n_bins_used"]));
        for field in SCORES {
            assert_near(&score[field], &fit[field], field);
        }
    }
}

#[test]
fn a_model_scores_its_own_data_like_its_fit() {
    let file = tutorial();
    for feature in [INSTANTANEOUS, HISTORY, EVALUATED] {
        let place = fitted(feature);
        let fit = json(&place.path("out/fit.json"));
        let words = ["score", "out/model.json", &file, "--json"];
        // without a choice of its own, the epochs of the fit
        let score = place.run(&words).ended(0);
        let note = "note: scored on the epochs that were fitted; --epochs TAG chooses others\n";
        let separated = "note: the model of 0 is not at an optimum (separated): its scores mean little\n";
        let expected = if feature == EVALUATED { format!("{separated}{note}") } else { note.to_string() };
        assert_eq!(score.stderr, expected);
        assert_same_scores(&score.json(), &fit);
        let score =
            place.run(&[&words[..], &["--epochs", "Noise 1", "--epoch", "0", "--unit", "0"]].concat());
        let score = score.ended(0).json();
        assert_same_scores(&score, &fit);
        for count in ["n_bins", "n_bins_used", "n_bins_edge", "n_bins_dropped", "bin_s", "schema", "version"]
        {
            assert_eq!(score[count], fit[count], "{count}");
        }
        assert_eq!(score["input"], fit["input"]);
    }
}

#[test]
fn a_model_of_arrays_scores_its_own_data_like_its_fit() {
    let place = arrays();
    place.run(&["fit", "d.npz", "--out", "npz"]).ended(0);
    let fit = json(&place.path("npz/fit.json"));
    assert_same_scores(&place.run(&["score", "npz/model.json", "d.npz", "--json"]).ended(0).json(), &fit);
    place.run(&["fit", "X.npy", "--y", "y.npy", "--out", "npy"]).ended(0);
    let words = ["score", "npy/model.json", "X.npy", "--y", "y.npy", "--json"];
    assert_same_scores(&place.run(&words).ended(0).json(), &fit);
    // the same columns from the other kind of file
    let words = ["score", "npz/model.json", "X.npy", "--y", "y.npy", "--json"];
    assert_same_scores(&place.run(&words).ended(0).json(), &fit);
    place.refused(
        &["score", "npy/model.json", "X.npy"],
        2,
        &["--y: expected the npy file that holds the counts"],
    );
}

#[test]
fn the_model_holds_the_numbers_of_the_fit() {
    let place = fitted(HISTORY);
    let (fit, model) = (json(&place.path("out/fit.json")), json(&place.path("out/model.json")));
    // but for the tests, which follow from them
    let mut target = fit["targets"][0].clone();
    let tests = ["z", "p_value"].map(|field| target.as_object_mut().unwrap().remove(field).unwrap());
    assert!(tests.iter().all(|test| test.as_array().unwrap().len() == 8));
    assert_eq!(model["fit"]["targets"], serde_json::json!([target]));
    assert_eq!(model["fit"]["labels"], fit["labels"]);
    assert_eq!((&model["schema"], &model["version"]), (&fit["schema"], &fit["version"]));
    let study = &model["study"];
    assert_eq!(study["kind"], "recording");
    assert_eq!(study["features"][0]["text"], HISTORY);
    assert_eq!(number(&study["bin_s"]), 0.001);
    assert_eq!(study["epochs_s"], serde_json::json!([[39.02, 67.04]]));
    assert_eq!((&study["input"], &study["selectors"]), (&fit["input"], &serde_json::json!(["Noise 1"])));
}

#[test]
fn a_model_meets_epochs_that_it_has_not_seen() {
    let file = tutorial();
    let place = fitted(HISTORY);
    let score = |choice: &[&str]| {
        let words = ["score", "out/model.json", &file, "--json"];
        place.run(&[&words[..], choice].concat()).ended(0).json()
    };
    for (choice, n_events, n_used) in [
        (&["--epochs", "Noise 1", "--epoch", "1"][..], 40, 27820),
        (&["--epochs", "Noise 1", "--epoch", "2"], 40, 27820),
        (&["--epoch", "1"], 40, 27820),
        (&["--epochs", "Noise 1"], 120, 83460),
    ] {
        let target = &score(choice)["targets"][0];
        assert_eq!(
            (number(&target["n_events"]) as u64, target["n_bins_used"].as_u64()),
            (n_events, Some(n_used))
        );
        let (likelihood, r2) = (number(&target["log_likelihood"]), number(&target["pseudo_r2_mcfadden"]));
        assert!((-0.009..-0.006).contains(&likelihood) && (0.2..0.4).contains(&r2), "{choice:?}: {target}");
    }
    let noise = &score(&["--epochs", "Noise 2"])["targets"][0];
    let ramp = &score(&["--epochs", "Ramp"])["targets"][0];
    assert!(number(&noise["pseudo_r2_mcfadden"]) > 0.1, "{noise}");
    assert!(number(&ramp["pseudo_r2_mcfadden"]) > 0.1, "{ramp}");
    assert_ne!(noise["log_likelihood"], ramp["log_likelihood"]);
}

#[test]
fn a_score_for_people_and_in_a_file() {
    let file = tutorial();
    let place = fitted(INSTANTANEOUS);
    let words = ["score", "out/model.json", &file, "--epochs", "Noise 1", "--epoch", "1", "--out", "score"];
    let run = place.run(&words).ended(0);
    assert!(run.stdout.contains("1 epoch, 28.02 s, 28020 bins of 1 ms, 28020 used"), "{run:?}");
    assert!(run.stdout.contains("log-likelihood per bin") && run.stdout.contains("McFadden R2"), "{run:?}");
    assert_eq!(files_under(&place.path("score")), ["score.json".to_string()].into());
    let score = json(&place.path("score/score.json"));
    assert_eq!(score["model"]["path"], "out/model.json");
    let command = score["command"].as_str().unwrap();
    assert!(command.ends_with("--epochs 'Noise 1' --epoch 1 --nan drop"), "{command}");
    assert_eq!(score, place.run(&[&words[..words.len() - 2], &["--json"]].concat()).ended(0).json());
}

#[test]
fn a_remembered_range_leaves_out_what_lies_outside() {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let words =
        ["fit", "r.nwb", "--unit", "3", "--bin", "10ms", "--feature", "current : raised-cosine-log(4)"];
    // the first functions of the basis see few samples, and none with a spike
    place.run(&[&words[..], &["--epochs", "rest", "--out", "out"]].concat()).ended(4);
    let score = place.run(&["score", "out/model.json", "r.nwb", "--epochs", "run", "--json"]).ended(0).json();
    let model = json(&place.path("out/model.json"));
    let range = &model["study"]["features"][0]["ranges"]["current"];
    let ends: Vec<f64> = range.as_object().unwrap().values().map(number).collect();
    let (lo, hi) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
    let words = ["fit", "r.nwb", "--unit", "3", "--bin", "10ms", "--feature", "current"];
    place.run(&[&words[..], &["--epochs", "run", "--out", "plain"]].concat()).ended(0);
    let current = crate::table::Table::read(&place.path("plain/tables/features.csv")).numbers("current");
    let n_outside = current.iter().filter(|&&x| x < lo || x > hi).count() as u64;
    assert!(n_outside > 0);
    assert_eq!((score["n_bins_edge"].as_u64(), score["n_bins_dropped"].as_u64()), (Some(n_outside), Some(0)));
    assert_eq!(score["n_bins_used"].as_u64(), Some(3950 - n_outside));
}

#[test]
fn a_model_of_another_run_than_its_folder_is_told() {
    let place = arrays();
    place.run(&["fit", "d.npz", "--out", "out"]).ended(0);
    place.run(&["fit", "d.npz", "--out", "other", "--tolerance", "1e-4"]).ended(0);
    fs::copy(place.path("other/model.json"), place.path("out/model.json")).unwrap();
    let run = place.run(&["score", "out/model.json", "d.npz"]).ended(0);
    let said = "note: out/model.json is not the file that the fit.json beside it lists";
    assert!(run.stderr.contains(said), "{run:?}");
    fs::remove_file(place.path("out/fit.json")).unwrap();
    assert_eq!(place.run(&["score", "out/model.json", "d.npz"]).ended(0).stderr, "");
}
