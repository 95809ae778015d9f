//! `--regularizer` beyond ridge, and `--cv`.

use std::fs;

use serde_json::Value;

use crate::array_file::{Array, write_npz};
use crate::recording_file::write_recording;
use crate::{Place, files_under, number, numbers, texts};

/// Two columns with an effect and four without, 600 rows, two targets.
fn arrays() -> Place {
    let place = Place::new();
    let mut state = 7u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let x: Vec<f64> = (0..600 * 6).map(|_| 2.0 * uniform() - 1.0).collect();
    let y: Vec<f64> = x
        .chunks(6)
        .flat_map(|x| [(0.9 * x[0] - 0.3).exp(), (0.7 * x[1] - 0.9 * x[0]).exp()])
        .map(|mu| {
            // a count by inversion
            let (mut left, mut term, mut n) = (uniform(), (-mu).exp(), 0.0);
            while left > term && n < 50.0 {
                left -= term;
                n += 1.0;
                term *= mu / n;
            }
            n
        })
        .collect();
    write_npz(&place.path("d.npz"), &[("X", Array::matrix(6, &x)), ("y", Array::matrix(2, &y))]);
    place
}

const RIDGE: [&str; 4] = ["--regularizer", "ridge", "--strength", "1e-4:10:6"];

fn fit(place: &Place, more: &[&str]) -> Value {
    place.run(&[&["fit", "d.npz", "--json", "--quiet"], more].concat()).ended(0).json()
}

fn zeros(target: &Value) -> Vec<usize> {
    numbers(&target["coef"]).iter().enumerate().filter(|(_, w)| **w == 0.0).map(|(k, _)| k).collect()
}

#[test]
fn some_coefficients_or_whole_groups_become_0() {
    let place = arrays();
    let lasso = fit(&place, &["--regularizer", "lasso", "--strength", "0.08"]);
    assert_eq!((&lasso["regularizer"], &lasso["strength"]), (&"lasso".into(), &0.08.into()));
    assert_eq!(zeros(&lasso["targets"][0]), [1, 2, 3, 4, 5]);
    assert!(lasso["command"].as_str().unwrap().contains("--regularizer lasso --strength 0.08"));
    let own = &lasso["targets"][0];
    assert_eq!(
        (&own["status"], &own["gap_from"], &own["standard_errors"][1]),
        (&"converged".into(), &"hessian".into(), &"NaN".into())
    );
    // the elastic net with all of it magnitudes is the lasso
    let net = fit(&place, &["--regularizer", "elastic-net", "--strength", "0.08", "--ratio", "1"]);
    assert_eq!(net["targets"][0]["coef"], own["coef"]);
    let half = fit(&place, &["--regularizer", "elastic-net", "--strength", "0.08"]);
    assert!(zeros(&half["targets"][0]).len() < 5);
    fs::write(
        place.path("g.csv"),
        "column,group\nX[0],first\nX[1],first\nX[2],second\nX[3],second\nX[4],third\n",
    )
    .unwrap();
    let group = fit(&place, &["--regularizer", "group-lasso", "--strength", "0.15", "--groups", "g.csv"]);
    // a column in no group is not penalised
    assert_eq!(zeros(&group["targets"][0]), [2, 3, 4]);
    let whole = fit(&place, &["--regularizer", "group-lasso", "--strength", "2"]);
    assert_eq!(zeros(&whole["targets"][0]).len(), 6, "all columns of an array are one feature");
    let channel = fit(&place, &["--regularizer", "group-lasso", "--strength", "0.08", "--groups", "channel"]);
    assert_eq!(zeros(&channel["targets"][0]), [1, 2, 3, 4, 5], "groups of one are the lasso");
}

#[test]
fn filters_become_smooth_and_channels_vanish() {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let words = |feature: &str, more: &[&str]| -> Value {
        let fixed =
            ["fit", "r.nwb", "--epochs", "run", "--unit", "all", "--bin", "10ms", "--json", "--quiet"];
        place.run(&[&fixed[..], &["--feature", feature], more].concat()).ended(0).json()
    };
    let basis = "current : raised-cosine-log(8, window=200ms)";
    let roughness = |fit: &Value| -> f64 {
        let coef = numbers(&fit["targets"][0]["coef"]);
        let size: f64 = coef.iter().map(|w| w * w).sum();
        coef.windows(3).map(|w| (w[0] - 2.0 * w[1] + w[2]).powi(2)).sum::<f64>() / size
    };
    let [rough, smooth] =
        [&[][..], &["--regularizer", "smooth", "--strength", "100"]].map(|more| words(basis, more));
    assert!(roughness(&smooth) < 0.2 * roughness(&rough), "{} {}", roughness(&smooth), roughness(&rough));
    let units = "units : raised-cosine-log(3, window=50ms)";
    let more = ["--regularizer", "group-lasso", "--strength", "0.01", "--groups", "channel"];
    let fit = words(units, &more);
    let labels = texts(&fit["labels"]);
    for target in fit["targets"].as_array().unwrap() {
        let (coef, mut n_silent) = (numbers(&target["coef"]), 0);
        for (k, channel) in coef.chunks(3).enumerate() {
            let n_zeros = channel.iter().filter(|w| **w == 0.0).count();
            assert!(n_zeros == 0 || n_zeros == 3, "{} {channel:?}", labels[3 * k]);
            n_silent += usize::from(n_zeros == 3);
        }
        assert!(n_silent > 0, "{target}");
    }
}

#[test]
fn each_target_has_the_strength_that_predicts_best() {
    let place = arrays();
    let cv = ["--cv", "blocked", "--folds", "5", "--gap", "3"];
    let all = fit(&place, &[&RIDGE[..], &cv, &["--out", "out"]].concat());
    assert_eq!((&all["regularizer"], &all["strength"]), (&"ridge".into(), &Value::Null));
    let command = all["command"].as_str().unwrap();
    assert!(command.contains("--strength 1e-4:10:6 --cv blocked --folds 5 --gap 3"), "{command}");
    for target in all["targets"].as_array().unwrap() {
        let (curve, strength) = (&target["cv"], number(&target["strength"]));
        let (strengths, scores) = (numbers(&curve["strengths"]), numbers(&curve["scores"]));
        assert_eq!((strengths.len(), strengths[0], strengths[5]), (6, 1e-4, 10.0));
        let best = curve["best"].as_u64().unwrap() as usize;
        assert!(strength == strengths[best] && scores.iter().all(|score| *score <= scores[best]));
        assert_eq!(curve["by_fold"].as_array().unwrap().len(), 5);
        assert!(curve["one_se"].as_u64().unwrap() as usize >= best);
        // the fit is that with this strength
        let k = usize::from(target["name"] == "y[1]");
        let typed = strength.to_string();
        let alone = fit(&place, &["--regularizer", "ridge", "--strength", &typed]);
        let (found, expected) = (numbers(&target["coef"]), numbers(&alone["targets"][k]["coef"]));
        assert!(crate::relative(&found, &expected) < 1e-8, "{found:?} {expected:?}");
    }
    let written = files_under(&place.path("out"));
    assert!(written.iter().any(|file| file.ends_with("cross_validation.svg")), "{written:?}");
    let page = fs::read_to_string(place.path("out/report.html")).unwrap();
    assert!(page.contains("5-fold cross-validation"));
    // the model file predicts as it is
    let score = place.run(&["score", "out/model.json", "d.npz", "--json", "--quiet"]).ended(0).json();
    assert!(
        (number(&score["targets"][0]["log_likelihood"]) - number(&all["targets"][0]["log_likelihood"])).abs()
            < 1e-12
    );
    let text =
        place.run(&[&["fit", "d.npz"], &RIDGE[..], &cv, &["--pick", "one-se"]].concat()).ended(0).stdout;
    assert!(
        text.contains("its strength by 5-fold cross-validation") && text.contains("held-out log-likelihood"),
        "{text}"
    );
    let again = fit(&place, &[&RIDGE[..], &["--cv", "kfold"]].concat());
    assert_eq!(again["targets"][0]["cv"]["by_fold"].as_array().unwrap().len(), 10);
    assert_eq!(again["targets"], fit(&place, &[&RIDGE[..], &["--cv", "kfold"]].concat())["targets"]);
    // the study says the same
    let study = "data = \"d.npz\"\nregularizer = \"ridge\"\nstrength = \"1e-4:10:6\"\ncv = \"blocked\"\nfolds = 5\ngap = \"3\"\n";
    fs::write(place.path("s.toml"), study).unwrap();
    let by_study = place.run(&["fit", "s.toml", "--json", "--quiet"]).ended(0).json();
    assert_eq!(by_study["targets"][0]["coef"], all["targets"][0]["coef"]);
    let config = place.run(&["fit", "s.toml", "--print-config"]).ended(0).stdout;
    assert!(config.contains("strength = \"1e-4:10:6\"") && config.contains("cv = \"blocked\""), "{config}");
}

#[test]
fn a_strength_that_was_chosen_without_all_scores_is_said_to_be() {
    let place = arrays();
    let rows: String = (0..120).fold(String::from("x,z,label\n"), |text, row| {
        let (x, z) = ((f64::from(row) * 0.7).sin(), (f64::from(row) * 1.3).cos());
        format!("{text}{x},{z},{}\n", ["a", "b", "c"][((row * row + row / 7) % 3) as usize])
    });
    fs::write(place.path("labels.csv"), rows).unwrap();
    let of_labels = ["fit", "labels.csv", "--y", "label", "--observation", "categorical"];
    for words in [&["fit", "d.npz"][..], &of_labels] {
        for (limit, value, status, said) in [
            ("--time-limit", "1us", "stopped", "fits ran out of time before they could be scored"),
            (
                "--max-iterations",
                "1",
                "max_iterations",
                "fits ran out of iterations before they could be scored",
            ),
        ] {
            let words = [words, &RIDGE, &["--cv", "kfold", "--folds", "4", limit, value]].concat();
            let end = place.run(&words).ended(4);
            assert!(end.stderr.contains(said) && !end.stdout.contains("NaN ±"), "{words:?}: {end:?}");
            let document = place.run(&[&words[..], &["--json", "--quiet"]].concat()).ended(4).json();
            for target in document["targets"].as_array().unwrap() {
                assert_eq!(target["status"], status, "{words:?}");
                assert!(target["warnings"].to_string().contains(said), "{words:?}");
            }
        }
    }
}

#[test]
fn what_does_not_go_together_is_refused_with_the_remedy() {
    let place = arrays();
    let lasso = ["--regularizer", "lasso", "--strength", "0.1"];
    let cases: [(&[&str], &[&str], &str); 14] = [
        (&lasso, &["--solver", "lbfgs"], "leave the solver out"),
        (&lasso, &["--ratio", "0.5"], "--regularizer elastic-net"),
        (&lasso, &["--groups", "channel"], "--regularizer group-lasso"),
        (&["--regularizer", "elastic-net", "--strength", "0.1"], &["--ratio", "0"], "try 0.5"),
        (&["--regularizer", "smooth", "--strength", "0.1"], &[], "position : bspline(10)"),
        (&["--regularizer", "group-lasso", "--strength", "0.1"], &["--groups", "missing.csv"], "missing.csv"),
        (&RIDGE, &[], "add --cv blocked"),
        (&lasso, &["--folds", "5"], "add --cv blocked"),
        (&[], &["--cv", "blocked"], "--strength 1e-4:1:20"),
        (&["--regularizer", "ridge", "--strength", "0.1"], &["--cv", "blocked"], "--strength 1e-4:1:20"),
        (&RIDGE, &["--cv", "blocked", "--folds", "1"], "use 5 or 10"),
        (&RIDGE, &["--cv", "blocked", "--folds", "601"], "use 5 or 10"),
        (&RIDGE, &["--cv", "kfold", "--gap", "3"], "use --cv blocked"),
        (&RIDGE, &["--cv", "blocked", "--gap", "20ms"], "an array has no bin width"),
    ];
    for (first, more, help) in cases {
        let end = place.run(&[&["fit", "d.npz", "--quiet"], first, more].concat());
        assert!([1, 2, 3].contains(&end.code) && end.stderr.contains(help), "{more:?}: {}", end.stderr);
    }
    let end = place.run(&["fit", "d.npz", "--regularizer", "ridge", "--strength", "1:2"]).ended(2);
    assert!(end.stderr.contains("a:b:n"), "{}", end.stderr);
    fs::write(place.path("g.csv"), "column,group\nZ,1\n").unwrap();
    let words = ["fit", "d.npz", "--regularizer", "group-lasso", "--strength", "1", "--groups", "g.csv"];
    let end = place.run(&words).ended(2);
    assert!(end.stderr.contains("g.csv, row 2") && end.stderr.contains("X[0]"), "{}", end.stderr);
}

#[test]
fn more_columns_than_bins_have_a_curve_and_no_scale() {
    let place = Place::new();
    let x: Vec<f64> =
        (0..50 * 60).map(|k| (f64::from(k) * 0.73).sin() + (f64::from(k * k % 97)).cos()).collect();
    let y: Vec<f64> = x.chunks(60).map(|x| x[0] - 0.5 * x[1] + 0.1 * x[2]).collect();
    write_npz(&place.path("w.npz"), &[("X", Array::matrix(60, &x)), ("y", Array::vector(&y))]);
    let words = ["fit", "w.npz", "--observation", "gaussian", "--json", "--quiet"];
    let cv = ["--cv", "kfold", "--folds", "5"];
    let fit = place.run(&[&words[..], &RIDGE, &cv].concat()).ended(0).json();
    let curve = &fit["targets"][0]["cv"];
    assert!(numbers(&curve["scores"]).iter().all(|score| score.is_finite()), "{curve}");
    let warnings = texts(&fit["targets"][0]["warnings"]);
    assert!(
        fit["targets"][0]["scale"] == "NaN" && warnings.iter().any(|told| told.contains("no scale")),
        "{warnings:?}"
    );
}
