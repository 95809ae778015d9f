//! Hard problems through the program: its JSON, its exit codes, its words.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Output;

use ndarray::Array2;
use serde_json::Value;

use crate::common::{Random, number, numbers};
use crate::place::command_in;
use crate::reference::{Family, newton};
use crate::ways::solved;

/// Writes columns `x0 ..` and `y` as a table; numbers read back as they are.
fn write(path: &Path, x: &Array2<f64>, y: &Array2<f64>) {
    let mut text = (0..x.ncols()).fold(String::new(), |text, j| text + &format!("x{j},")) + "y\n";
    for (row, y) in x.rows().into_iter().zip(y) {
        row.iter().for_each(|x| write!(text, "{x:e},").unwrap());
        writeln!(text, "{y:e}").unwrap();
    }
    std::fs::write(path, text).unwrap();
}

fn run(folder: &Path, words: &[&str]) -> (Output, Value) {
    let output = command_in(folder, env!("CARGO_BIN_EXE_rheobase")).args(words).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {words:?} {stderr}"));
    (output, json)
}

#[test]
fn a_separated_fit_ends_with_4_and_names_its_features() {
    let place = tempfile::tempdir().unwrap();
    let mut random = Random(61);
    let x = Array2::from_shape_fn(
        (300, 3),
        |(i, j)| if j == 2 { f64::from(i % 5 == 0) } else { random.normal() },
    );
    let y = Array2::from_shape_fn((300, 1), |(i, _)| if i % 5 == 0 { 0.0 } else { random.poisson(1.0) });
    write(&place.path().join("counts.csv"), &x, &y);
    write(
        &place.path().join("events.csv"),
        &x,
        &Array2::from_shape_fn((300, 1), |(i, _)| f64::from(x[(i, 0)] > 0.0)),
    );
    let mut n_fits = 0;
    for (file, model, feature) in [
        ("counts.csv", "poisson", "x2"),
        ("counts.csv", "negative-binomial", "x2"),
        ("events.csv", "bernoulli", "x0"),
        ("events.csv", "categorical", "x0"),
    ] {
        for (solver, precision) in [("newton", "f64"), ("lbfgs", "f32")] {
            let mut words = vec![
                "fit",
                file,
                "--y",
                "y",
                "--observation",
                model,
                "--solver",
                solver,
                "--precision",
                precision,
                "--json",
            ];
            if model == "negative-binomial" {
                words.extend(["--dispersion", "0.5"]);
            }
            let (output, json) = run(place.path(), &words);
            assert_eq!(output.status.code(), Some(4), "{words:?} {json}");
            let target = &json["targets"][0];
            assert_eq!(target["status"], "separated", "{words:?}");
            let warnings: Vec<&str> =
                target["warnings"].as_array().unwrap().iter().map(|own| own.as_str().unwrap()).collect();
            let told = warnings.iter().find(|own| own.starts_with("separated: ")).unwrap();
            assert!(told.contains(feature) && told.contains("--regularizer ridge --strength 1e-3"), "{told}");
            // what is suggested works
            words.extend(["--regularizer", "ridge", "--strength", "1e-3"]);
            let (output, json) = run(place.path(), &words);
            assert_eq!(output.status.code(), Some(0), "{words:?} {json}");
            assert_eq!(json["targets"][0]["status"], "converged");
            n_fits += 2;
        }
    }
    solved(4, n_fits);
}

#[test]
fn hard_numbers_come_out_of_the_json_as_they_should() {
    let place = tempfile::tempdir().unwrap();
    let mut random = Random(62);
    let plain = Array2::from_shape_simple_fn((800, 3), || random.normal());
    let y = Array2::from_shape_fn((800, 1), |(i, _)| {
        random.poisson((0.5 * plain[(i, 0)] - 0.3 * plain[(i, 2)] - 0.5).exp())
    });
    let scales = Array2::from_shape_fn((800, 3), |(i, j)| plain[(i, j)] * [1e-8, 1.0, 1e8][j]);
    let offsets = plain.mapv(|x| x + 1e6);
    let mut outlier = plain.clone();
    outlier[(5, 1)] = 1e3;
    let (problems, mut n_fits) = ([("scales", scales), ("offsets", offsets), ("outlier", outlier)], 0);
    for (name, x) in &problems {
        write(&place.path().join("d.csv"), x, &y);
        let exact = newton(Family::Poisson, x, &y);
        for words in [["--solver", "newton"], ["--solver", "lbfgs"], ["--precision", "f32"]] {
            let all = [&["fit", "d.csv", "--y", "y", "--json"][..], &words].concat();
            let (output, json) = run(place.path(), &all);
            assert_eq!(output.status.code(), Some(0), "{name} {words:?} {json}");
            let target = &json["targets"][0];
            let coef = numbers(&target["coef"]);
            for (j, (a, b)) in coef.iter().zip(&exact.coef).enumerate() {
                let tolerance = if words[0] == "--precision" { 1e-5 } else { 1e-8 };
                let sd = x.column(j).std(0.0);
                let largest =
                    (0..3).map(|j| (exact.coef[j] * x.column(j).std(0.0)).abs()).fold(0.0, f64::max);
                assert!(((a - b) * sd).abs() <= tolerance * largest, "{name} {words:?} x{j} {a:e} {b:e}");
            }
            assert!(number(&target["kkt_residual"]) < 1e-5);
            n_fits += 1;
        }
    }
    solved(problems.len(), n_fits);
}

#[test]
fn aliased_silent_and_fractional_are_said() {
    let place = tempfile::tempdir().unwrap();
    let mut random = Random(63);
    let mut x = Array2::from_shape_simple_fn((200, 3), || random.normal());
    for i in 0..200 {
        x[(i, 2)] = 2.0 * x[(i, 0)];
    }
    let y = Array2::from_shape_simple_fn((200, 1), || random.poisson(1.0));
    write(&place.path().join("aliased.csv"), &x, &y);
    let (output, json) = run(place.path(), &["fit", "aliased.csv", "--y", "y", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(json["targets"][0]["aliased"], serde_json::json!(["x0", "x2"]));
    let coef = numbers(&json["targets"][0]["coef"]);
    assert!((coef[2] / coef[0] - 2.0).abs() < 1e-9, "{coef:?}");
    assert_eq!(json["targets"][0]["standard_errors"][0], "NaN");
    write(&place.path().join("silent.csv"), &x, &Array2::zeros((200, 1)));
    let (output, json) = run(place.path(), &["fit", "silent.csv", "--y", "y", "--json"]);
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(json["targets"][0]["status"], "no_events");
    assert_eq!(json["targets"][0]["intercept"], "-Infinity");
    write(&place.path().join("fractions.csv"), &x, &y.mapv(|y| 0.5 * y + 0.25));
    let (output, json) = run(place.path(), &["fit", "fractions.csv", "--y", "y", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(json["targets"][0]["warnings"].to_string().contains("not whole numbers"), "{json}");
    solved(3, 3);
}
