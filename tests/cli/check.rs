//! `rheobase check`: the certificate of every kind of fit once more.

use std::fmt::Write as _;
use std::fs;

use serde_json::{Value, json as value};

use crate::array_file::Array;
use crate::tally::tally;
use crate::{HISTORY, Place, json, tutorial};

/// Numbers in [0, 1), the same everywhere.
pub(crate) fn uniforms(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A csv file with columns a to d, responses of every kind, labels, weights and offsets.
pub(crate) fn table(place: &Place, name: &str, seed: u64) {
    let mut uniform = uniforms(seed);
    let mut text = String::from("a,b,c,d,count,other,number,event,positive,label,w,o\n");
    for row in 0..300 {
        let x: Vec<f64> = (0..4).map(|j| uniform() + f64::from(j)).collect();
        let eta = 0.8 * x[0] - 0.5 * x[1] + 0.3 * x[2] - 0.2;
        let rate = eta.exp();
        let (u, v) = (uniform(), uniform());
        let count = (0..12).filter(|_| uniform() < rate / 12.0).count() + if v < 0.05 { 3 } else { 0 };
        let other = (0..5).filter(|_| uniform() < 0.2).count();
        let label = ["left", "right", "up"][((3.0 * u + x[0]) as usize).min(2)];
        let event = u8::from(u < 1.0 / (1.0 + (-eta).exp()));
        let gap = if row % 50 == 7 { "nan".into() } else { format!("{}", eta + 2.0 * (u + v - 1.0)) };
        writeln!(
            text,
            "{},{},{},{},{count},{other},{gap},{event},{},{label},{},{}",
            x[0],
            x[1],
            x[2],
            x[3],
            rate * (0.3 + u + v),
            0.5 + v,
            0.4 * u - 0.2
        )
        .unwrap();
    }
    fs::write(place.path(name), text).unwrap();
}

/// Fits and checks; the result of the check, which agrees on all targets.
fn agrees(place: &Place, file: &str, options: &[&str]) -> Value {
    let fit = place.run(&[&["fit", file, "--quiet", "--out", "m"], options].concat());
    assert_eq!(fit.code, 0, "{options:?}: {}", fit.stderr);
    let run = place.run(&["check", "m/model.json", file, "--quiet", "--json"]);
    assert_eq!(run.code, 0, "{options:?}: {}", run.stdout);
    let document = run.json();
    assert_eq!((&document["agrees"], &document["same_data"]), (&true.into(), &true.into()), "{options:?}");
    for target in document["targets"].as_array().unwrap() {
        let compared = target["comparisons"].as_array().unwrap();
        assert!(compared.len() > 4, "{options:?}: {target}");
    }
    document
}

/// Whether a quantity of the first target was compared.
fn compares(found: &Value, quantity: &str) -> bool {
    found["targets"][0]["comparisons"].as_array().unwrap().iter().any(|own| own["quantity"] == quantity)
}

#[test]
fn every_kind_of_model_agrees() {
    let place = Place::new();
    table(&place, "d.csv", 1);
    let x = ["--x", "a,b,c,d"];
    let mut n_fits = 0;
    for options in [
        &["--y", "count"][..],
        &["--y", "count", "--link", "softplus"],
        &["--y", "count,other"],
        &["--y", "count", "--no-intercept"],
        &["--y", "count", "--weights", "w", "--offset", "o"],
        &["--y", "count", "--solver", "lbfgs", "--standard-errors", "off"],
        &["--y", "count", "--precision", "f32"],
        &["--y", "number", "--observation", "gaussian"],
        &["--y", "number,count", "--observation", "gaussian", "--weights", "w"],
        &["--y", "event", "--observation", "bernoulli"],
        &["--y", "event", "--observation", "bernoulli", "--link", "probit", "--offset", "o"],
        &["--y", "positive", "--observation", "gamma"],
        &["--y", "positive", "--observation", "gamma", "--link", "exp", "--offset", "o", "--weights", "w"],
        &["--y", "positive", "--observation", "gamma", "--link", "softplus"],
        &["--y", "count", "--observation", "negative-binomial", "--dispersion", "0.3"],
        &["--y", "count", "--observation", "negative-binomial", "--dispersion", "ml"],
        &[
            "--y",
            "count",
            "--observation",
            "negative-binomial",
            "--dispersion",
            "ml",
            "--weights",
            "w",
            "--offset",
            "o",
            "--regularizer",
            "ridge",
            "--strength",
            "0.1",
        ],
        &["--y", "count", "--observation", "negative-binomial", "--link", "softplus", "--dispersion", "2"],
        &["--y", "count", "--regularizer", "ridge", "--strength", "0.1"],
        &["--y", "count", "--regularizer", "lasso", "--strength", "0.05"],
        &[
            "--y",
            "count,other",
            "--regularizer",
            "lasso",
            "--strength",
            "1e-3:1:5",
            "--cv",
            "kfold",
            "--folds",
            "3",
        ],
        &["--y", "number", "--observation", "gaussian", "--regularizer", "elastic-net", "--strength", "0.1"],
        &["--y", "event", "--observation", "bernoulli", "--regularizer", "group-lasso", "--strength", "0.02"],
        &["--y", "count", "--regularizer", "group-lasso", "--strength", "0.05", "--groups", "channel"],
        &["--y", "label", "--observation", "categorical"],
        &["--y", "label", "--observation", "categorical", "--weights", "w", "--no-intercept"],
        &["--y", "label", "--observation", "categorical", "--regularizer", "ridge", "--strength", "0.1"],
        &["--y", "label", "--observation", "categorical", "--regularizer", "lasso", "--strength", "0.02"],
        &[
            "--y",
            "label",
            "--observation",
            "categorical",
            "--regularizer",
            "group-lasso",
            "--strength",
            "0.02",
        ],
    ] {
        let found = agrees(&place, "d.csv", &[options, &x].concat());
        n_fits += 1;
        if options.contains(&"ml") {
            assert!(compares(&found, "dispersion"), "{options:?}: {found}");
        }
        if options.contains(&"ridge") {
            assert!(compares(&found, "condition"), "{options:?}: {found}");
        }
    }
    tally("fits that a second computation agrees with", &[("fits of arrays", n_fits)]);
}

#[test]
fn far_features_and_large_counts_are_no_disagreement() {
    let place = Place::new();
    let mut uniform = uniforms(31);
    for offset in ["1e4", "1e6", "1e7"] {
        let mut text = String::from("x,z,y\n");
        for _ in 0..400 {
            let (x, z) = (uniform(), uniform());
            let count = (0..8).filter(|_| uniform() < 0.1 + 0.2 * x).count();
            writeln!(text, "{},{z},{count}", x + offset.parse::<f64>().unwrap()).unwrap();
        }
        fs::write(place.path("far.csv"), text).unwrap();
        agrees(&place, "far.csv", &["--y", "y"]);
    }
    for (size, models) in [
        (
            1e6_f64,
            &[
                &["--observation", "poisson"][..],
                &["--observation", "negative-binomial", "--dispersion", "0.1"],
            ],
        ),
        (1e9, &[&["--observation", "poisson"], &["--observation", "gamma"]]),
    ] {
        let mut text = String::from("x,y\n");
        for _ in 0..300 {
            let x = uniform();
            let noise = (uniform() + uniform() - 1.0) / size.sqrt();
            writeln!(text, "{x},{}", (size * (1.0 + 0.2 * x + noise)).round()).unwrap();
        }
        fs::write(place.path("large.csv"), text).unwrap();
        for model in models {
            agrees(&place, "large.csv", &[&["--y", "y"], *model].concat());
        }
    }
}

#[test]
fn dispersions_small_and_of_large_counts_are_the_most_likely_ones() {
    let place = Place::new();
    let words = ["--y", "y", "--observation", "negative-binomial", "--dispersion", "ml"];
    // counts that vary hardly more than Poisson's
    let mut text = String::from("x,y\n");
    for x in 0..2 {
        for (n, y) in [(4334, 0), (1999, 1), (3000, 2), (667, 3)] {
            (0..n).for_each(|_| writeln!(text, "{x},{y}").unwrap());
        }
    }
    fs::write(place.path("small.csv"), text).unwrap();
    assert!(compares(&agrees(&place, "small.csv", &words), "dispersion"));
    let mut uniform = uniforms(17);
    for (size, spread) in [(3e4, 1e-2), (3e4, 0.5), (1e6, 0.1)] {
        let mut text = String::from("x,y\n");
        for _ in 0..300 {
            let x = uniform();
            let noise = (0..6).map(|_| uniform() - 0.5).sum::<f64>();
            let mean: f64 = size * (0.5 * x + spread * noise).exp();
            writeln!(text, "{x},{}", mean.round()).unwrap();
        }
        fs::write(place.path("large.csv"), text).unwrap();
        assert!(compares(&agrees(&place, "large.csv", &words), "dispersion"), "{size} {spread}");
    }
    // fewer than Poisson's
    let mut text = String::from("x,y\n");
    (0..200).for_each(|row| writeln!(text, "{},{}", row % 7, 2 + row % 2).unwrap());
    fs::write(place.path("even.csv"), text).unwrap();
    let found = agrees(&place, "even.csv", &words);
    assert!(found["targets"][0]["left_out"].to_string().contains("at its limit 0"), "{found}");
    // fits that end early, where the tolerance is loose
    table(&place, "d.csv", 1);
    let loose = ["--x", "a,b,c,d", "--tolerance", "1e-6", "--solver", "lbfgs"];
    let counts = [&["--y", "count"][..], &words[2..], &loose].concat();
    assert!(compares(&agrees(&place, "d.csv", &counts), "dispersion"));
}

#[test]
fn what_is_not_determined_is_no_disagreement() {
    let place = Place::new();
    table(&place, "d.csv", 2);
    // the last column is the sum of two others
    let text = fs::read_to_string(place.path("d.csv")).unwrap();
    let mut doubled = String::new();
    for (row, line) in text.lines().enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        let sum = |a: &str, b: &str| a.parse::<f64>().unwrap() + 2.0 * b.parse::<f64>().unwrap();
        let last = if row == 0 { "s".into() } else { sum(cells[0], cells[1]).to_string() };
        writeln!(doubled, "{line},{last},7").unwrap();
    }
    let doubled = doubled.replacen("s,7\n", "s,k\n", 1);
    fs::write(place.path("s.csv"), doubled).unwrap();
    let found = agrees(&place, "s.csv", &["--y", "count", "--x", "a,b,c,s,k"]);
    assert_eq!(found["targets"][0]["rank"], 3);
    let words = ["--y", "label", "--observation", "categorical", "--x", "a,b,c,s,k"];
    assert_eq!(agrees(&place, "s.csv", &words)["targets"][0]["rank"], 3);
    // the fit of a table with more columns than rows, held by a ridge
    let mut uniform = uniforms(9);
    let header: Vec<String> = (0..40).map(|j| format!("x{j}")).collect();
    let mut wide = format!("{},y\n", header.join(","));
    for _ in 0..30 {
        let x: Vec<String> = (0..40).map(|_| format!("{}", uniform() - 0.5)).collect();
        writeln!(wide, "{},{}", x.join(","), (4.0 * uniform()) as u32).unwrap();
    }
    fs::write(place.path("wide.csv"), wide).unwrap();
    agrees(&place, "wide.csv", &["--y", "y", "--regularizer", "ridge", "--strength", "0.2"]);
}

#[test]
fn recordings_agree_with_histories_couplings_products_and_masks() {
    let place = Place::new();
    let tutorial = tutorial();
    let base = ["--epochs", "Noise 1", "--unit", "0", "--bin", "1ms"];
    let mut n_fits = 0;
    for features in [
        &["--feature", "stimulus*1e12"][..],
        &["--feature", HISTORY],
        &[
            "--feature",
            HISTORY,
            "--feature",
            "spikes : raised-cosine-log(3, window=100ms)",
            "--regularizer",
            "ridge",
            "--strength",
            "1e-4",
        ],
        &["--feature", "stimulus*1e12 : bspline(6)", "--regularizer", "smooth", "--strength", "1e-4"],
        &[
            "--feature",
            "stimulus*1e12 : raised-cosine-linear(4, window=20ms, causality=acausal, include-present=true)",
            "--epoch",
            "0",
        ],
        &[
            "--feature",
            "stimulus*1e12 : bspline(4) x spikes : history(window=3ms)",
            "--epoch",
            "0",
            "--regularizer",
            "ridge",
            "--strength",
            "1e-3",
        ],
        &["--feature", "stimulus*1e12 : raised-cosine-log(3, range=-300:150, fill=0)", "--epoch", "0"],
    ] {
        agrees(&place, &tutorial, &[&base[..], features].concat());
        n_fits += 1;
    }
    let made = ["simulate", "coupled", "--out", "c.nwb", "--quiet", "--units", "3", "--duration", "20s"];
    place.run(&made).ended(0);
    let several = ["--epochs", "simulated", "--unit", "all", "--bin", "2ms"];
    let (units, others) =
        ("units : raised-cosine-log(2, window=20ms)", "units-others : raised-cosine-log(3, window=20ms)");
    let own = "spikes : raised-cosine-log(2, window=20ms)";
    for features in [
        &["--feature", units][..],
        &["--feature", own, "--feature", others],
        &["--feature", others, "--regularizer", "smooth", "--strength", "1e-3"],
        &["--feature", units, "--regularizer", "group-lasso", "--strength", "1e-3", "--groups", "channel"],
    ] {
        agrees(&place, "c.nwb", &[&several[..], features].concat());
        n_fits += 1;
    }
    // numbers of spikes as labels: a common shift of all classes changes neither their probabilities nor what is smooth
    let classes = ["--epochs", "simulated", "--unit", "0", "--bin", "20ms", "--observation", "categorical"];
    let past = "units : raised-cosine-log(3, window=200ms)";
    let smooth = ["--feature", past, "--regularizer", "smooth", "--strength", "1e-2"];
    let found = agrees(&place, "c.nwb", &[&classes[..], &smooth].concat());
    assert!(compares(&found, "standard error (farthest)") && compares(&found, "condition"), "{found}");
    n_fits += 1;
    tally("fits of recordings that a second computation agrees with", &[("fits", n_fits)]);
}

#[test]
fn targets_with_columns_of_their_own_agree() {
    let place = Place::new();
    table(&place, "d.csv", 3);
    fs::write(place.path("mask.csv"), "feature,count,other\na,1,0\nb,1,1\nc,0,1\n").unwrap();
    for penalty in [&[][..], &["--regularizer", "group-lasso", "--strength", "0.02", "--groups", "channel"]] {
        let options = [&["--y", "count,other", "--x", "a,b,c,d", "--mask", "mask.csv"], penalty].concat();
        let found = agrees(&place, "d.csv", &options);
        assert_eq!(found["targets"].as_array().unwrap().len(), 2);
        let apart = &json(&place.path("m/model.json"))["fit"]["targets"][0]["apart"];
        assert_eq!(apart["unseen"], value!(["c"]));
    }
    // a file of its own for the response, and for weights
    let y: Vec<f64> = (0..60).map(|k| f64::from(k % 4)).collect();
    let x: Vec<f64> = (0..120).map(|k| f64::from(k * 37 % 101) / 100.0).collect();
    let weights = |y: &[f64]| Array::vector(&y.iter().map(|y| 1.0 + y).collect::<Vec<f64>>()).bytes();
    fs::write(place.path("X.npy"), Array::matrix(2, &x).bytes()).unwrap();
    fs::write(place.path("y.npy"), Array::vector(&y).bytes()).unwrap();
    fs::write(place.path("w.npy"), weights(&y)).unwrap();
    agrees(&place, "X.npy", &["--y", "y.npy", "--weights", "w.npy"]);
    let other: Vec<f64> = (0..60).map(|k| f64::from(k % 3)).collect();
    fs::write(place.path("w.npy"), weights(&other)).unwrap();
    let run = place.run(&["check", "m/model.json", "X.npy"]).ended(4);
    assert!(run.stdout.contains("DISAGREES") && run.stderr.contains("in other files"), "{run:?}");
}
