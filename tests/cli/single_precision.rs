//! Arrays in single precision, and fits that store them so.

use hdf5::File;
use ndarray::Array2;
use serde_json::Value;

use crate::array_file::{Array, Random, random_data, write_npz};
use crate::table::Table;
use crate::{Place, number, numbers, relative, without_history};

/// Numbers as single precision holds them.
fn rounded(x: &[f64]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x as f32)).collect()
}

/// Writes the same numbers in every format: `c.npz`, `f.npz`, `c.npy`, `f.npy`, `d.h5` in single precision and
/// `double.npz`; counts as `y.npy`.
fn write(place: &Place, n_columns: usize, x: &[f64], y: &[f64]) {
    let (x, y) = (|| Array::matrix(n_columns, x), || ("y", Array::vector(y)));
    write_npz(&place.path("c.npz"), &[("X", x().in_f32()), y()]);
    write_npz(&place.path("f.npz"), &[("X", x().in_f32().by_columns()), y()]);
    write_npz(&place.path("double.npz"), &[("X", x()), y()]);
    std::fs::write(place.path("c.npy"), x().in_f32().bytes()).unwrap();
    std::fs::write(place.path("f.npy"), x().in_f32().by_columns().bytes()).unwrap();
    std::fs::write(place.path("y.npy"), y().1.bytes()).unwrap();
}

fn write_h5(place: &Place, n_columns: usize, x: &[f64], y: &[f64]) {
    // a copy that nobody has written to: a program that another test starts meanwhile would inherit the lock
    let own = place.path("own.h5");
    let file = File::create(&own).unwrap();
    let x: Vec<f32> = x.iter().map(|&x| x as f32).collect();
    let x = Array2::from_shape_vec((y.len(), n_columns), x).unwrap();
    file.new_dataset_builder().with_data(&x).create("x").unwrap();
    file.new_dataset_builder().with_data(y).create("y").unwrap();
    file.close().unwrap();
    std::fs::copy(own, place.path("d.h5")).unwrap();
}

/// The data of a fit or score in every format, in single precision.
const FORMATS: [&[&str]; 5] = [
    &["c.npz"],
    &["f.npz"],
    &["c.npy", "--y", "y.npy"],
    &["f.npy", "--y", "y.npy"],
    &["d.h5", "--x", "/x", "--y", "/y"],
];

fn fit(place: &Place, data: &[&str], more: &[&str]) -> Value {
    place.run(&[&["fit"], data, more, &["--json"]].concat()).ended(0).json()
}

/// Tolerance and precision of a result.
fn storage(fit: &Value) -> (f64, &str) {
    assert_eq!(fit["precision"], fit["plan"]["storage"]);
    (number(&fit["tolerance"]), fit["precision"].as_str().unwrap())
}

/// How far the coefficients of the first target are from others.
fn distance(a: &Value, b: &Value) -> f64 {
    let coef = |fit: &Value| {
        let target = &fit["targets"][0];
        let mut coef = numbers(&target["coef"]);
        coef.push(number(&target["intercept"]));
        coef
    };
    relative(&coef(a), &coef(b))
}

/// Data whose matrix is read where it lies, because it is larger than what is copied: row by row, and counts.
fn large_data() -> (usize, Vec<f64>, Vec<f64>) {
    let (n_rows, n_columns) = (28_000, 40);
    let mut random = Random(5);
    let x: Vec<f64> = (0..n_rows * n_columns).map(|_| 4.0 * random.uniform() - 2.0).collect();
    let eta = |x: &[f64]| x.iter().zip(0..).map(|(x, j)| x * f64::from(j % 5 - 2) * 0.05).sum::<f64>();
    let y = x.chunks(n_columns).map(|x| random.poisson((eta(x) - 0.5).exp())).collect();
    (n_columns, rounded(&x), y)
}

#[test]
fn every_format_gives_the_fit_of_the_same_numbers_in_double_precision() {
    let (x, y) = random_data();
    for (n_columns, x, y) in [(3, rounded(&x), y), large_data()] {
        let place = Place::new();
        write(&place, n_columns, &x, &y);
        write_h5(&place, n_columns, &x, &y);
        let exact = fit(&place, &["double.npz"], &["--precision", "f64"]);
        assert_eq!(storage(&exact), (1e-16, "f64"));
        let first = fit(&place, FORMATS[0], &[]);
        assert_eq!(storage(&first), (1e-10, "f32"));
        assert!(distance(&first, &exact) < 1e-5);
        for data in FORMATS {
            let other = fit(&place, data, &[]);
            assert_eq!(other["targets"], first["targets"], "{data:?}");
            assert_eq!(storage(&other), (1e-10, "f32"));
        }
        let strict = fit(&place, FORMATS[0], &["--tolerance", "1e-16"]);
        let far = distance(&strict, &exact);
        assert!(storage(&strict) == (1e-16, "f32") && far < 1e-8, "{far}");
    }
}

#[test]
fn precision_is_a_choice() {
    let place = Place::new();
    let (n_columns, x, y) = large_data();
    write(&place, n_columns, &x, &y);
    let of = |file: &str, precision: &str| fit(&place, &[file], &["--precision", precision]);
    let double = of("double.npz", "f64");
    let auto = of("double.npz", "auto");
    assert_eq!((storage(&double), storage(&auto)), ((1e-16, "f64"), (1e-16, "f32")));
    assert!(distance(&auto, &double) < 1e-8);
    let single = of("double.npz", "f32");
    assert_eq!(storage(&single), (1e-10, "f32"));
    assert!(distance(&single, &double) < 1e-5);
    let widened = of("c.npz", "f64");
    assert_eq!(storage(&widened), (1e-10, "f64"));
    assert!(distance(&widened, &double) < 1e-5);
    // recorded, because it decides the result
    for (fit, precision) in [(&auto, "auto"), (&single, "f32"), (&double, "f64")] {
        let command = fit["command"].as_str().unwrap();
        assert!(command.contains(&format!(" --precision {precision}")), "{command}");
        let study = fit["study_toml"].as_str().unwrap();
        assert!(study.contains(&format!("precision = \"{precision}\"\n")), "{study}");
    }
}

#[test]
fn what_people_see_of_the_storage() {
    let place = Place::new();
    let (x, y) = random_data();
    write(&place, 3, &rounded(&x), &y);
    let said = |more: &[&str]| {
        let words = [&["fit", "c.npz", "--solver", "lbfgs", "--explain"], more].concat();
        place.run(&words).ended(0).stdout
    };
    let single = said(&[]);
    assert!(single.contains("\nlbfgs on the CPU in f32, finished in f64, "), "{single}");
    assert!(single.contains("\n  columns centred and scaled, in f32, finished in f64; vector "), "{single}");
    assert!(single.contains("\n  preconditioner: the flat Gram of all rows\n"), "{single}");
    assert!(single.contains("\n  lbfgs was expected to take "), "{single}");
    let double = said(&["--precision", "f64"]);
    assert!(double.contains("\nlbfgs on the CPU in f64, "), "{double}");
    assert!(double.contains("\n  columns centred and scaled, in f64; vector instructions: "), "{double}");
}

#[test]
fn a_model_scores_and_predicts_either_precision_alike() {
    let place = Place::new();
    let (x, y) = random_data();
    let x = rounded(&x);
    write(&place, 3, &x, &y);
    write_h5(&place, 3, &x, &y);
    let fit = fit(&place, FORMATS[0], &["--out", "out"]);
    let scores = |data: &[&str]| {
        let run = place.run(&[&["score", "out/model.json"], data, &["--json"]].concat());
        run.ended(0).json()["targets"].clone()
    };
    let expected = scores(&["double.npz"]);
    let found = number(&expected[0]["log_likelihood"]);
    assert!((found / number(&fit["targets"][0]["log_likelihood"]) - 1.0).abs() < 1e-12);
    for data in FORMATS {
        assert_eq!(scores(data), expected, "{data:?}");
    }
    let rates = |file: &str| {
        place.run(&["predict", "out/model.json", file, "--out", "rates.csv", "--quiet"]).ended(0);
        std::fs::read_to_string(place.path("rates.csv")).unwrap()
    };
    assert_eq!(rates("c.npz"), rates("double.npz"));
    assert_eq!(rates("f.npy"), rates("double.npz"));
    // the numbers themselves, not their shortest names in single precision
    let features = Table::read(&place.path("out/tables/features.csv"));
    for column in 0..3 {
        let expected: Vec<f64> = x.chunks(3).map(|x| x[column]).collect();
        assert_eq!(features.numbers(&format!("X[{column}]")), expected);
    }
    assert!(place.path("out/figures/coefficients.svg").exists());
}

#[test]
fn rows_that_are_not_finite_are_dropped_in_single_precision() {
    let place = Place::new();
    let (x, mut y) = random_data();
    let mut x = rounded(&x);
    let bad = [5, 9, 399, 20];
    (x[3 * 5 + 1], x[3 * 9], x[3 * 399 + 2]) = (f64::NAN, f64::INFINITY, f64::NEG_INFINITY);
    y[20] = f64::NAN;
    write(&place, 3, &x, &y);
    let kept: Vec<usize> = (0..y.len()).filter(|row| !bad.contains(row)).collect();
    let rows: Vec<f64> = kept.iter().flat_map(|&row| x[3 * row..3 * row + 3].to_vec()).collect();
    let counts: Vec<f64> = kept.iter().map(|&row| y[row]).collect();
    let arrays = [("X", Array::matrix(3, &rows).in_f32()), ("y", Array::vector(&counts))];
    write_npz(&place.path("kept.npz"), &arrays);
    let expected = fit(&place, &["kept.npz"], &[]);
    for file in ["c.npz", "f.npz"] {
        let found = fit(&place, &[file], &[]);
        let n = |name: &str| found[name].as_u64().unwrap();
        assert_eq!((n("n_bins"), n("n_bins_used"), n("n_bins_dropped")), (400, 396, 4));
        let far = distance(&found, &expected);
        assert!(far < 1e-6, "{file}: {far}");
        let said = [&format!("{file}: X: row 5, column 1 is NaN")[..], "help: "];
        place.refused(&["fit", file, "--nan", "error"], 3, &said);
    }
    let fitted = place.run(&["fit", "c.npz", "--out", "out", "--json"]).ended(0).json();
    let bins = Table::read(&place.path("out/tables/bins.csv"));
    assert!(bins.numbers("expected_count_y")[5].is_nan() && bins.numbers("used")[399] == 0.0);
    let again = fit(&place, &["c.npz"], &[]);
    assert_eq!(without_history(&fitted["targets"]), without_history(&again["targets"]));
}
