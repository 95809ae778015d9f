//! `rheobase export`, and models of `NeMoS` that predict and score.

use std::fs;

use rheobase::read::nemos::read_nemos;
use rheobase::read::npz::read_npz;
use rheobase::read::npz_entries::Entry;
use rheobase::write::nemos::nemos_bytes;

use crate::array_file::{Array, N_ROWS, random_data, write_npz};
use crate::array_fit::arrays;
use crate::csv_fit::tables;
use crate::population::OTHERS;
use crate::table::Table;
use crate::{HISTORY, Place, assert_near, json, number, numbers, texts, tutorial};

const SCORES: [&str; 5] =
    ["log_likelihood", "log_likelihood_sum", "deviance", "pseudo_r2_mcfadden", "pseudo_r2_cohen"];

/// The arrays with a model of them in `out` and as `nemos.npz`.
fn exported() -> Place {
    let place = arrays();
    place.run(&["fit", "d.npz", "--out", "out", "--quiet"]).ended(0);
    place.run(&["export", "out/model.json", "--to", "nemos", "nemos.npz", "--quiet"]).ended(0);
    place
}

#[test]
fn an_exported_model_says_its_columns_and_is_the_same_every_time() {
    let place = exported();
    let run = place.run(&["export", "out/model.json", "--to", "nemos", "new/again.npz"]).ended(0);
    assert_eq!(
        run.stdout,
        "GLM, PoissonObservations, jax.numpy.exp\ncolumns of X, in this order:\n  0..2: X\n"
    );
    assert_eq!(run.stderr, "model written to new/again.npz\n");
    assert_eq!(fs::read(place.path("new/again.npz")).unwrap(), fs::read(place.path("nemos.npz")).unwrap());
    let fit = json(&place.path("out/fit.json"));
    let model = read_nemos(&place.path("nemos.npz")).unwrap();
    assert_eq!(model.coef_of(0), numbers(&fit["targets"][0]["coef"]));
    assert_eq!(model.intercept, [number(&fit["targets"][0]["intercept"])]);
    let words = ["export", "out/model.json", "--to", "nemos", "nemos.npz", "--json", "--quiet"];
    let run = place.run(&words).ended(0);
    assert_eq!(run.stderr, "");
    let said = run.json();
    assert_eq!(said["model_class"], "nemos.glm.glm.GLM");
    assert_eq!(said["observation_model"], "nemos.observation_models.PoissonObservations");
    assert_eq!(said["inverse_link_function"], "jax.numpy.exp");
    assert_eq!((texts(&said["columns"]), texts(&said["targets"])), (vec!["X[0]", "X[1]", "X[2]"], vec!["y"]));
    assert_eq!(said["command"], "rheobase export out/model.json --to nemos nemos.npz");
    let digest = rheobase::write::digest::digest_file(&place.path("nemos.npz")).unwrap();
    assert_eq!(said["output"]["sha256"].as_str(), Some(digest.as_str()));
}

#[test]
fn an_exported_model_predicts_and_scores_as_the_fit() {
    let place = exported();
    let note = "note: nemos.npz is of NeMoS: it does not say whether it is at an optimum\n";
    let own = place.run(&["score", "out/model.json", "d.npz", "--json"]).ended(0).json();
    let run = place.run(&["score", "nemos.npz", "d.npz", "--json"]).ended(0);
    assert_eq!(run.stderr, note);
    let score = run.json();
    assert_eq!((&score["targets"], &score["n_bins_used"]), (&own["targets"], &own["n_bins_used"]));
    assert_eq!(score["model"]["path"], "nemos.npz");
    let by_name = ["score", "nemos.npz", "X.npy", "--y", "y.npy", "--json", "--quiet"];
    assert_eq!(place.run(&by_name).ended(0).json()["targets"], own["targets"]);
    for model in ["out/model.json", "nemos.npz"] {
        let words = ["predict", model, "d.npz", "--out", "r.npz", "--json", "--quiet"];
        let predicted = place.run(&words).ended(0).json();
        assert_eq!(predicted["targets"][0]["name"], "y");
        fs::rename(place.path("r.npz"), place.path(&format!("{}.npz", model.len()))).unwrap();
    }
    let read = |name: &str| read_npz(&place.path(name), "expected_count", 1 << 20).unwrap();
    assert_eq!(read("14.npz"), read("9.npz"));
    // no rates: the file knows no width of a bin
    place.run(&["predict", "nemos.npz", "X.npy", "--out", "r.csv"]).ended(0);
    assert_eq!(Table::read(&place.path("r.csv")).names(), ["row", "expected_count_y"]);
}

#[test]
fn columns_and_targets_of_a_csv_file_are_taken_by_their_order() {
    let place = tables();
    let words = ["fit", "d.csv", "--y", "count,licks", "--out", "out", "--quiet"];
    place.run(&words).ended(0);
    place.run(&["export", "out/model.json", "--to", "nemos", "m.npz", "--quiet"]).ended(0);
    let own = place.run(&["score", "out/model.json", "d.csv", "--json"]).ended(0).json();
    let score = place.run(&["score", "m.npz", "d.csv", "--y", "count,licks", "--json"]).ended(0).json();
    assert_eq!(score["targets"], own["targets"]);
    let run = place.run(&["export", "out/model.json", "--to", "nemos", "m.npz"]).ended(0);
    assert!(run.stdout.starts_with("PopulationGLM, PoissonObservations, jax.numpy.exp\n"), "{run:?}");
    assert!(run.stdout.ends_with("neurons, in this order: count, licks\n"), "{run:?}");
    let one = ["score", "m.npz", "d.csv", "--y", "count", "--x", "speed,\"a,b\",c c"];
    let said = "d.csv: counts: expected as many columns as the model has targets (2), found 1";
    place.refused(&one, 3, &[said, "choose them with --y"]);
    let other = ["score", "m.npz", "d.csv", "--y", "count,licks", "--x", "speed"];
    place.refused(&other, 3, &["d.csv: features: expected the 3 columns of the model, found 1"]);
    // without --x all columns of a csv file are features
    place.refused(&["predict", "m.npz", "d.csv"], 3, &["expected the 3 columns of the model, found 5"]);
}

#[test]
fn other_models_and_a_scale_come_along() {
    let place = arrays();
    for (name, options) in [
        ("softplus", &["--link", "softplus", "--regularizer", "ridge", "--strength", "0.1"][..]),
        ("gaussian", &["--observation", "gaussian"]),
        ("lasso", &["--regularizer", "lasso", "--strength", "0.05"]),
        ("smooth", &["--regularizer", "ridge", "--strength", "1e-3"]),
    ] {
        let folder = format!("{name}/model.json");
        place.run(&[&["fit", "d.npz", "--out", name, "--quiet"], options].concat()).ended(0);
        let file = format!("{name}.npz");
        place.run(&["export", &folder, "--to", "nemos", &file, "--quiet"]).ended(0);
        let score = |model: &str| place.run(&["score", model, "d.npz", "--json"]).ended(0).json();
        let (own, theirs) = (score(&folder), score(&file));
        for field in SCORES {
            assert_near(&theirs["targets"][0][field], &own["targets"][0][field], field);
        }
    }
}

#[test]
fn a_model_of_a_recording_predicts_from_the_table_of_its_features() {
    let (place, file) = (Place::new(), tutorial());
    let words = ["fit", &file, "--epochs", "Noise 1", "--epoch", "0", "--unit", "0", "--bin", "1ms"];
    place.run(&[&words[..], &["--feature", HISTORY, "--out", "out", "--quiet"]].concat()).ended(0);
    let run = place.run(&["export", "out/model.json", "--to", "nemos", "m.npz"]).ended(0);
    assert!(run.stdout.contains("  0..7: stimulus\n"), "{run:?}");
    // a recording needs a study, which the file has not
    let said =
        ["data: expected arrays of its features", "names no signals, bases or bins", "tables/features.csv"];
    place.refused(&["predict", "m.npz", &file], 2, &said);
    place.refused(&["score", "m.npz", &file, "--epochs", "Ramp"], 2, &said);
    let features = Table::read(&place.path("out/tables/features.csv"));
    let columns: Vec<&str> =
        features.names().into_iter().filter(|name| name.starts_with("stimulus")).collect();
    assert_eq!(columns.len(), 8);
    let x = columns.join(",");
    let words = ["predict", "m.npz", "out/tables/features.csv", "--x", &x, "--out", "r.csv", "--quiet"];
    place.run(&words).ended(0);
    let found = Table::read(&place.path("r.csv")).numbers("expected_count_y");
    let hz = Table::read(&place.path("out/tables/bins.csv")).numbers("rate_hz_0");
    let known = || found.iter().zip(&hz).filter(|(_, hz)| !hz.is_nan());
    assert_eq!(known().count(), 27820);
    assert!(known().all(|(found, hz)| (found / (hz * 1e-3) - 1.0).abs() < 1e-12));
}

#[test]
fn columns_that_a_neuron_does_not_see_are_masked() {
    let place = Place::new();
    crate::recording_file::write_recording(&place.path("r.nwb"));
    let words =
        ["fit", "r.nwb", "--epochs", "run", "--unit", "all", "--bin", "10ms", "--out", "out", "--quiet"];
    place.run(&[&words[..], &["--feature", "current", "--feature", OTHERS]].concat()).ended(0);
    place.run(&["export", "out/model.json", "--to", "nemos", "m.npz", "--quiet"]).ended(0);
    let model = read_nemos(&place.path("m.npz")).unwrap();
    let fit = json(&place.path("out/fit.json"));
    let mask = model.feature_mask.as_ref().unwrap();
    for (k, target) in fit["targets"].as_array().unwrap().iter().enumerate() {
        let coef = numbers(&target["coef"]);
        assert!(mask.column(k).iter().zip(&coef).all(|(mask, coef)| (*mask == 0.0) == (*coef == 0.0)));
        assert_eq!(mask.column(k).iter().filter(|mask| **mask == 0.0).count(), 2, "its own two columns");
    }
}

#[test]
fn a_model_of_nemos_stands_beside_a_fit() {
    let place = exported();
    let words = ["fit", "d.npz", "--compare", "nemos.npz", "--json", "--quiet"];
    let fit = place.run(&words).ended(0).json();
    let compared = &fit["compared"][0]["targets"][0];
    assert_near(&compared["log_likelihood"], &fit["targets"][0]["log_likelihood"], "log_likelihood");
}

#[test]
fn what_cannot_be_exported() {
    let place = exported();
    fs::copy(place.path("out/model.json"), place.path("model.npz")).unwrap();
    let export = |model, out| ["export", model, "--to", "nemos", out];
    let said = "<OUT>: expected a file that ends in .npz, found m.json";
    place.refused(&export("out/model.json", "m.json"), 2, &[said, "end the name in .npz"]);
    let said = "<OUT>: expected the name of a new file, found an input (model.npz)";
    place.refused(&export("model.npz", "model.npz"), 2, &[said, "inputs are never changed"]);
    let said = "<MODEL>: expected a model of rheobase, found nemos.npz, which is a file of NeMoS already";
    place.refused(&export("nemos.npz", "m.npz"), 2, &[said, "copy it"]);
    place.refused(&export("absent.json", "m.npz"), 3, &["absent.json: No such file"]);
    place.refused(&export("d.npz", "m.npz"), 3, &["d.npz: expected a model that NeMoS saved"]);
    place.refused(&export("out/fit.json", "m.npz"), 3, &["found another result, without a study"]);
    fs::create_dir(place.path("folder.npz")).unwrap();
    place.refused(&export("out/model.json", "folder.npz"), 1, &["folder.npz: "]);
}

#[test]
fn files_of_nemos_that_are_refused() {
    let place = exported();
    let mut model = read_nemos(&place.path("nemos.npz")).unwrap();
    model.intercept.push(0.5);
    fs::write(place.path("two.npz"), nemos_bytes(&model).unwrap()).unwrap();
    let said = "two.npz: item::strkey:intercept_: expected numbers of shape [1], one for each neuron";
    place.refused(&["predict", "two.npz", "d.npz"], 3, &[said, "save_params"]);
    model.intercept.pop();
    model.solver_options.push(("tol".into(), Entry::from(1e-8)));
    fs::write(place.path("good.npz"), nemos_bytes(&model).unwrap()).unwrap();
    place.run(&["predict", "good.npz", "d.npz", "--quiet"]).ended(0);
    let whole = fs::read(place.path("good.npz")).unwrap();
    fs::write(place.path("cut.npz"), &whole[..whole.len() / 2]).unwrap();
    place.refused(&["score", "cut.npz", "d.npz"], 3, &["cut.npz: expected an npz file", "lost its list"]);
    let (x, y) = random_data();
    let two: Vec<f64> = x.chunks(3).flat_map(|x| [x[0], x[1]]).collect();
    write_npz(&place.path("narrow.npz"), &[("X", Array::matrix(2, &two)), ("y", Array::vector(&y))]);
    let said = "narrow.npz: features: expected the 3 columns of the model, found 2";
    place.refused(&["score", "good.npz", "narrow.npz"], 3, &[said, "the model has: X[0], X[1], X[2]"]);
    let pair: Vec<f64> = y.iter().flat_map(|&y| [y, y]).collect();
    write_npz(&place.path("pair.npz"), &[("X", Array::matrix(3, &x)), ("y", Array::matrix(2, &pair))]);
    assert_eq!(pair.len(), 2 * N_ROWS);
    let said = "counts: expected as many columns as the model has targets (1), found 2";
    place.refused(&["score", "good.npz", "pair.npz"], 3, &[said]);
    place.refused(
        &["predict", "good.npz", "good.npz", "--out", "good.npz"],
        2,
        &["inputs are never changed"],
    );
}
