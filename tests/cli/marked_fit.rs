//! Results that are written all the same, and marked.

use std::path::Path;

use crate::array_file::{Array, N_ROWS, random_data, write_npz};
use crate::array_fit::arrays;
use crate::recording_file::{HOLES, write_recording};
use crate::table::Table;
use crate::{Place, Run, files_under, json, number, numbers, texts, without_figures, without_history};

fn write(path: &Path, n_columns: usize, x: &[f64], y: &[f64]) {
    write_npz(path, &[("X", Array::matrix(n_columns, x)), ("y", Array::vector(y))]);
}

/// Fits `d.npz` into `out` and as JSON; the run that wrote has this exit code.
fn fitted(place: &Place, more: &[&str], code: i32) -> (Run, serde_json::Value) {
    let run = place.run(&[&["fit", "d.npz", "--out", "out"], more].concat()).ended(code);
    let expected =
        ["fit.json", "model.json", "report.html", "tables/", "tables/bins.csv", "tables/features.csv"];
    // a fit that has not arrived leaves what it can go on from
    let checkpoint = run.stderr.contains("checkpoint written").then_some("checkpoint.json");
    let expected: std::collections::BTreeSet<String> =
        expected.into_iter().chain(checkpoint).map(String::from).collect();
    assert_eq!(without_figures(files_under(&place.path("out"))), expected);
    // what the proof says of a target depends on its status
    let of_status = |line: &str| {
        line.starts_with("at the optimum, with proof: KKT residual")
            || line.starts_with("not at an optimum: KKT residual")
            || line.starts_with("the rate is 0")
    };
    assert!(run.stdout.lines().any(of_status), "{run:?}");
    (run, json(&place.path("out/fit.json")))
}

#[test]
fn rows_that_are_not_finite_are_dropped_and_counted() {
    let place = Place::new();
    let (mut x, mut y) = random_data();
    (x[3 * 5 + 1], x[3 * 9], y[20]) = (f64::NAN, f64::INFINITY, f64::NAN);
    write(&place.path("d.npz"), 3, &x, &y);
    let (run, fit) = fitted(&place, &[], 0);
    assert!(
        run.stdout.starts_with("d.npz: 400 rows, 397 used (3 with data that are not finite)\n"),
        "{run:?}"
    );
    assert_eq!((fit["n_bins"].as_u64(), fit["n_bins_used"].as_u64()), (Some(400), Some(397)));
    assert_eq!((fit["n_bins_dropped"].as_u64(), fit["n_bins_edge"].as_u64()), (Some(3), Some(0)));
    assert_eq!(fit["targets"][0]["n_bins_used"].as_u64(), Some(397));
    let bins = Table::read(&place.path("out/tables/bins.csv"));
    let unused: Vec<usize> = (0..N_ROWS).filter(|&row| bins.numbers("used")[row] == 0.0).collect();
    assert_eq!(unused, [5, 9, 20]);
    assert!(bins.numbers("count_y")[20].is_nan() && bins.numbers("expected_count_y")[5].is_nan());
    // the same as without those rows
    let keep = |row: &usize| ![5, 9, 20].contains(row);
    let rows: Vec<usize> = (0..N_ROWS).filter(keep).collect();
    let x: Vec<f64> = rows.iter().flat_map(|&row| x[3 * row..3 * row + 3].to_vec()).collect();
    let y: Vec<f64> = rows.iter().map(|&row| y[row]).collect();
    write(&place.path("kept.npz"), 3, &x, &y);
    let kept = place.run(&["fit", "kept.npz", "--json"]).ended(0).json();
    assert_eq!(kept["targets"], without_history(&fit["targets"]));
}

#[test]
fn holes_in_a_series_are_dropped_and_counted() {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let words = ["fit", "r.nwb", "--epochs", "run", "--unit", "3", "--bin", "10ms", "--json", "--feature"];
    let counts = |feature: &str| {
        let fit = place.run(&[&words[..], &[feature]].concat()).ended(0).json();
        ["n_bins", "n_bins_used", "n_bins_edge", "n_bins_dropped"].map(|name| fit[name].as_u64().unwrap())
    };
    assert_eq!(counts("current"), [3950, 3950, 0, 0]);
    assert_eq!(counts("holes"), [3950, 3947, 0, HOLES.len() as u64]);
    // every window that holds one of the three; ten rows of each epoch have no window
    assert_eq!(counts("holes : raised-cosine-log(3, window=100ms)"), [3950, 3900, 20, 30]);
}

#[test]
fn a_duplicate_and_a_constant_column_get_the_smallest_norm() {
    let place = Place::new();
    let (x, y) = random_data();
    let columns = |x: &[f64]| [x[0], 2.0 * x[0], 5.0, x[1]];
    write(&place.path("d.npz"), 4, &x.chunks(3).flat_map(columns).collect::<Vec<_>>(), &y);
    let (run, fit) = fitted(&place, &[], 0);
    assert!(run.stderr.starts_with("warning: y: X[2] never changes in the used bins"), "{run:?}");
    let said = "warning: y: X[0], X[1] are linear combinations of one another";
    assert!(run.stderr.contains(said) && run.stderr.contains("smallest norm"), "{run:?}");
    let target = &fit["targets"][0];
    assert_eq!(target["status"], "converged");
    assert_eq!(texts(&target["aliased"]), ["X[0]", "X[1]", "X[2]"]);
    assert_eq!(texts(&target["warnings"]).len(), 2);
    assert_eq!(fit["rank"].as_u64(), Some(2));
    let coef = numbers(&target["coef"]);
    // w0 + 2 w1 = w is smallest at (w, 2 w) / 5
    assert!((coef[1] / coef[0] - 2.0).abs() < 1e-12 && coef[2] == 0.0, "{coef:?}");
    let errors = numbers(&target["standard_errors"]);
    assert_eq!(errors.iter().map(|e| e.is_nan()).collect::<Vec<_>>(), [true, true, true, false]);
    let alone: Vec<f64> = x.chunks(3).flat_map(|x| [x[0], x[1]]).collect();
    write(&place.path("alone.npz"), 2, &alone, &y);
    let alone = place.run(&["fit", "alone.npz", "--json"]).ended(0).json();
    let expected = numbers(&alone["targets"][0]["coef"]);
    assert!((coef[0] + 2.0 * coef[1] - expected[0]).abs() < 1e-10 && (coef[3] - expected[1]).abs() < 1e-10);
    for solver in ["newton", "lbfgs"] {
        let other = place.run(&["fit", "d.npz", "--solver", solver, "--json"]).ended(0).json();
        assert!(crate::relative(&numbers(&other["targets"][0]["coef"]), &coef) < 1e-8, "{solver}");
    }
}

#[test]
fn a_constant_series_of_a_recording() {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let mut words = vec!["fit", "r.nwb", "--epochs", "run", "--unit", "3", "--bin", "10ms"];
    words.extend(["--feature", "current", "--feature", "constant", "--json"]);
    let run = place.run(&words).ended(0);
    assert_eq!(
        run.stderr,
        "warning: unit 3: constant never changes in the used bins: its coefficient is 0\n"
    );
    assert_eq!(texts(&run.json()["targets"][0]["aliased"]), ["constant"]);
}

#[test]
fn separated_data_are_marked_and_complete() {
    let place = Place::new();
    let (x, _) = random_data();
    let step = |x: &[f64]| f64::from(u8::from(x[0] > 0.5));
    let x: Vec<f64> = x.chunks(3).flat_map(|x| [step(x), x[1]]).collect();
    let y: Vec<f64> = x.chunks(2).enumerate().map(|(row, x)| x[0] * (row % 2) as f64).collect();
    write(&place.path("d.npz"), 2, &x, &y);
    for solver in ["newton", "lbfgs"] {
        let (run, fit) = fitted(&place, &["--solver", solver], 4);
        assert!(
            run.stderr.contains("warning: y: separated: the likelihood rises for ever along "),
            "{run:?}"
        );
        assert!(run.stderr.contains(" X[0], ") && run.stderr.contains("ridge penalty"), "{run:?}");
        assert!(run.stdout.contains("y: separated, "), "{run:?}");
        assert_eq!(fit["targets"][0]["status"], "separated");
    }
}

#[test]
fn a_silent_target_has_an_intercept_of_minus_infinity() {
    let place = Place::new();
    let (x, y) = random_data();
    let both: Vec<f64> = y.iter().flat_map(|&y| [0.0, y]).collect();
    write_npz(&place.path("d.npz"), &[("X", Array::matrix(3, &x)), ("y", Array::matrix(2, &both))]);
    let (run, fit) = fitted(&place, &[], 4);
    assert!(run.stderr.contains("warning: y[0]: no event in the used bins"), "{run:?}");
    let silent = &fit["targets"][0];
    assert_eq!((&silent["status"], &silent["intercept"]), (&"no_events".into(), &"-Infinity".into()));
    assert_eq!(numbers(&silent["coef"]), [0.0; 3]);
    assert!(texts(&silent["standard_errors"]).iter().all(|error| *error == "NaN"));
    assert_eq!(silent["pseudo_r2_mcfadden"], "NaN");
    assert_eq!(fit["targets"][1]["status"], "converged");
    let alone = arrays().run(&["fit", "d.npz", "--json"]).ended(0).json();
    let far = crate::relative(&numbers(&fit["targets"][1]["coef"]), &numbers(&alone["targets"][0]["coef"]));
    assert!(far < 1e-8, "a silent companion changes nothing: {far}");
    // the model loads, and a rate of 0 scores
    let score = place.run(&["score", "out/model.json", "d.npz", "--json"]).ended(0).json();
    assert_eq!(number(&score["targets"][0]["log_likelihood"]), 0.0);
}

#[test]
fn a_silent_unit_of_a_recording() {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let words =
        ["fit", "r.nwb", "--epochs", "silence", "--unit", "all", "--bin", "10ms", "--feature", "current"];
    let run = place.run(&[&words[..], &["--out", "out"]].concat()).ended(4);
    let fit = json(&place.path("out/fit.json"));
    for (target, unit) in fit["targets"].as_array().unwrap().iter().zip(crate::recording_file::UNITS) {
        assert_eq!((&target["name"], &target["status"]), (&unit.into(), &"no_events".into()));
        assert!(run.stderr.contains(&format!("warning: unit {unit}: no event")), "{run:?}");
    }
    let tuning = Table::read(&place.path("out/tables/tuning.csv"));
    assert!(tuning.numbers("spikes").iter().all(|&n| n == 0.0));
}

#[test]
fn out_of_iterations_or_time() {
    let place = arrays();
    for solver in ["newton", "lbfgs"] {
        let (run, fit) = fitted(&place, &["--max-iterations", "1", "--solver", solver], 4);
        assert!(run.stdout.contains("y: max_iterations, "), "{run:?}");
        let said = "warning: y: not at the optimum (out of iterations after 1 iterations, loss gap ";
        assert!(run.stderr.contains(said) && run.stderr.contains("raise --max-iterations"), "{run:?}");
        assert_eq!(fit["targets"][0]["status"], "max_iterations");
        assert!(number(&fit["targets"][0]["loss_gap"]) > 1e-16);
    }
    let (run, fit) = fitted(&place, &["--time-limit", "1ns"], 4);
    assert_eq!(fit["targets"][0]["status"], "stopped", "{run:?}");
    assert!(run.stderr.contains("raise --time-limit"), "{run:?}");
    // another fit leaves the checkpoint of this one alone
    std::fs::remove_file(place.path("out/checkpoint.json")).unwrap();
    // a limit beyond any clock is none
    fitted(&place, &["--time-limit", "1e300h"], 0);
}

#[test]
fn huge_and_tiny_features_are_only_scaled() {
    let place = Place::new();
    let (x, y) = random_data();
    write(&place.path("d.npz"), 3, &x, &y);
    let coef = |name: &str| {
        let fit = place.run(&["fit", name, "--json"]).ended(0).json();
        numbers(&fit["targets"][0]["coef"])
    };
    let plain = coef("d.npz");
    for scale in [1e200, 1e-200] {
        write(&place.path("scaled.npz"), 3, &x.iter().map(|x| x * scale).collect::<Vec<_>>(), &y);
        let back: Vec<f64> = coef("scaled.npz").iter().map(|w| w * scale).collect();
        assert!(crate::relative(&back, &plain) < 1e-10, "{scale}: {back:?} {plain:?}");
    }
}
