//! Fits to numpy arrays.

use std::fs;

use serde_json::Value;

use crate::array_file::{Array, N_ROWS, random_data, write_npz};
use crate::table::Table;
use crate::{Place, json, number, numbers, texts};

/// A place with the random data as `d.npz`, and as `X.npy` with `y.npy`.
pub(crate) fn arrays() -> Place {
    let place = Place::new();
    let (x, y) = random_data();
    write_npz(&place.path("d.npz"), &[("X", Array::matrix(3, &x)), ("y", Array::vector(&y))]);
    fs::write(place.path("X.npy"), Array::matrix(3, &x).bytes()).unwrap();
    fs::write(place.path("y.npy"), Array::vector(&y).bytes()).unwrap();
    place
}

/// What does not depend on the file or the clock.
fn result(document: &Value) -> Value {
    crate::without_history(&document["targets"])
}

#[test]
fn an_npz_file_and_npy_files_give_the_same() {
    let place = arrays();
    let npz = place.run(&["fit", "d.npz", "--json"]).ended(0);
    assert_eq!(npz.stderr, "");
    let npz = npz.json();
    assert_eq!(npz["targets"][0]["status"], "converged");
    assert_eq!((npz["n_bins"].as_u64(), npz["n_bins_used"].as_u64()), (Some(400), Some(400)));
    assert_eq!((npz["n_bins_edge"].as_u64(), npz["n_bins_dropped"].as_u64()), (Some(0), Some(0)));
    assert_eq!(npz["bin_s"], "NaN");
    assert_eq!(number(&npz["tolerance"]), 1e-16);
    assert_eq!(texts(&npz["labels"]), ["X[0]", "X[1]", "X[2]"]);
    assert_eq!(npz["targets"][0]["name"], "y");
    let npy = place.run(&["fit", "X.npy", "--y", "y.npy", "--json"]).ended(0).json();
    assert_eq!(result(&npz), result(&npy));
    let (x, y) = random_data();
    write_npz(&place.path("named.npz"), &[("design", Array::matrix(3, &x)), ("n", Array::vector(&y))]);
    let named = place.run(&["fit", "named.npz", "--x", "design", "--y", "n", "--json"]).ended(0).json();
    assert_eq!(texts(&named["labels"]), ["design[0]", "design[1]", "design[2]"]);
    assert_eq!(numbers(&named["targets"][0]["coef"]), numbers(&npz["targets"][0]["coef"]));
}

#[test]
fn the_gradient_is_zero_where_the_fit_ends() {
    let place = arrays();
    let (x, y) = random_data();
    for solver in ["newton", "lbfgs"] {
        let fit = place.run(&["fit", "d.npz", "--solver", solver, "--json"]).ended(0).json();
        assert_eq!(fit["solver"], solver);
        let target = &fit["targets"][0];
        let (coef, intercept) = (numbers(&target["coef"]), number(&target["intercept"]));
        let mut gradient = [0.0; 4];
        for (x, y) in x.chunks(3).zip(&y) {
            let eta = intercept + x.iter().zip(&coef).map(|(x, w)| x * w).sum::<f64>();
            let residual = eta.exp() - y;
            gradient[0] += residual;
            gradient[1..].iter_mut().zip(x).for_each(|(g, x)| *g += x * residual);
        }
        assert!(gradient.iter().all(|g| g.abs() < 1e-11 * N_ROWS as f64), "{solver}: {gradient:?}");
        assert!(number(&target["kkt_residual"]) < 1e-12);
    }
}

#[test]
fn float32_data_have_a_tolerance_of_their_own() {
    let place = Place::new();
    let (x, y) = random_data();
    let y = || ("y", Array::vector(&y));
    write_npz(&place.path("f32.npz"), &[("X", Array::matrix(3, &x).in_f32()), y()]);
    let rounded: Vec<f64> = x.iter().map(|&x| f64::from(x as f32)).collect();
    write_npz(&place.path("f64.npz"), &[("X", Array::matrix(3, &rounded)), y()]);
    let single = place.run(&["fit", "f32.npz", "--json"]).ended(0).json();
    assert_eq!(number(&single["tolerance"]), 1e-10);
    let gap = number(&single["targets"][0]["loss_gap"]);
    assert!(gap <= 1e-10 * number(&single["targets"][0]["loss"]), "{gap}");
    let words = ["fit", "f32.npz", "--tolerance", "1e-16", "--json"];
    let strict = place.run(&words).ended(0).json();
    assert_eq!(number(&strict["tolerance"]), 1e-16);
    let double = place.run(&["fit", "f64.npz", "--json"]).ended(0).json();
    assert_eq!(number(&double["tolerance"]), 1e-16);
    // the same numbers, however they were stored
    assert_eq!(result(&strict), result(&double));
}

#[test]
fn two_columns_of_counts_are_two_targets() {
    let place = arrays();
    let (x, y) = random_data();
    let both: Vec<f64> = (0..N_ROWS).flat_map(|row| [y[row], y[N_ROWS - 1 - row]]).collect();
    let one: Vec<f64> = y.iter().rev().copied().collect();
    write_npz(&place.path("two.npz"), &[("X", Array::matrix(3, &x)), ("y", Array::matrix(2, &both))]);
    write_npz(&place.path("one.npz"), &[("X", Array::matrix(3, &x)), ("y", Array::vector(&one))]);
    let run = place.run(&["fit", "two.npz", "--out", "out", "--json"]).ended(0);
    let two = run.json();
    assert_eq!(two["targets"].as_array().unwrap().len(), 2);
    for (k, file) in ["d.npz", "one.npz"].into_iter().enumerate() {
        let alone = place.run(&["fit", file, "--json"]).ended(0).json();
        let (alone, joined) = (&alone["targets"][0], &two["targets"][k]);
        assert_eq!(joined["name"], format!("y[{k}]"));
        for field in ["coef", "standard_errors"] {
            let far = crate::relative(&numbers(&joined[field]), &numbers(&alone[field]));
            assert!(far < 1e-8, "{field}: {far}");
        }
        let (joined, alone) = (number(&joined["intercept"]), number(&alone["intercept"]));
        assert!((joined / alone - 1.0).abs() < 1e-8);
    }
    let bins = Table::read(&place.path("out/tables/bins.csv"));
    let names = ["bin", "used", "count_y[0]", "expected_count_y[0]", "count_y[1]", "expected_count_y[1]"];
    assert_eq!(bins.names(), names);
    assert_eq!(bins.numbers("count_y[1]"), one);
    let features = Table::read(&place.path("out/tables/features.csv"));
    assert_eq!(features.names(), ["bin", "X[0]", "X[1]", "X[2]"]);
    assert_eq!(features.numbers("X[1]"), x.chunks(3).map(|x| x[1]).collect::<Vec<_>>());
    // arrays have neither windows nor series
    assert!(!place.path("out/tables/filters.csv").exists() && !place.path("out/tables/tuning.csv").exists());
}

#[test]
fn without_columns_there_is_an_intercept() {
    let place = Place::new();
    let (_, y) = random_data();
    write_npz(&place.path("d.npz"), &[("X", Array::hollow(N_ROWS, 0)), ("y", Array::vector(&y))]);
    let fit = place.run(&["fit", "d.npz", "--json"]).ended(0).json();
    let mean = y.iter().sum::<f64>() / N_ROWS as f64;
    assert!((number(&fit["targets"][0]["intercept"]) - mean.ln()).abs() < 1e-14);
    assert!(number(&fit["targets"][0]["pseudo_r2_mcfadden"]).abs() < 1e-12);
}

#[test]
fn what_people_see_of_arrays() {
    let place = arrays();
    let run = place.run(&["fit", "d.npz"]).ended(0);
    assert_eq!(run.stderr, "");
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[0], "d.npz: 400 rows, 400 used (0 with data that are not finite)");
    assert!(
        run.stdout.contains("\ny: converged, ")
            && run.stdout.contains("\nat the optimum, with proof: KKT residual "),
        "{run:?}"
    );
    assert!(run.stdout.contains("X[2]") && !run.stdout.contains("peak lag"), "{}", run.stdout);
    let explained = place.run(&["fit", "d.npz", "--explain"]).ended(0);
    assert!(
        explained
            .stdout
            .contains("\nplan: newton (as for all small fits: it takes the fewest steps) for 400 rows x 3")
    );
}

#[test]
fn the_recorded_command_fits_the_same_again() {
    let place = arrays();
    let words =
        ["fit", "X.npy", "--y", "y.npy", "--solver", "lbfgs", "--max-iterations", "90", "--out", "out"];
    place.run(&words).ended(0);
    let fit = json(&place.path("out/fit.json"));
    let command = fit["command"].as_str().unwrap();
    assert!(command.starts_with("rheobase fit X.npy --y y.npy --nan drop --solver lbfgs"), "{command}");
    let words: Vec<&str> = command.split(' ').skip(1).chain(["--json"]).collect();
    let again = place.run(&words).ended(0).json();
    assert_eq!(result(&again), result(&fit));
    assert_eq!(again["command"], fit["command"]);
}
