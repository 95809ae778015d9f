//! `--weights`, `--offset` and `--no-intercept`.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::array_file::{Array, N_ROWS, random_data, write_npz};
use crate::recording_file::write_recording;
use crate::report::report_without_intercept;
use crate::{Place, number, numbers, relative};

/// Weights and offsets of the random data.
fn terms() -> (Vec<f64>, Vec<f64>) {
    let weights = (0..N_ROWS).map(|k| [1.0, 2.0, 0.0, 3.0][k % 4]);
    (weights.collect(), (0..N_ROWS).map(|k| 0.1 * (k % 7) as f64).collect())
}

/// The random data with weights and offsets, in every format.
fn place() -> Place {
    let place = Place::new();
    let ((x, y), (weights, offset)) = (random_data(), terms());
    let mut text = String::from("a,b,c,count,times,exposure\n");
    for (k, x) in x.chunks(3).enumerate() {
        writeln!(text, "{},{},{},{},{},{}", x[0], x[1], x[2], y[k], weights[k], offset[k]).unwrap();
    }
    fs::write(place.path("d.csv"), text).unwrap();
    let arrays = [
        ("X", Array::matrix(3, &x)),
        ("y", Array::vector(&y)),
        ("w", Array::vector(&weights)),
        ("o", Array::vector(&offset)),
    ];
    write_npz(&place.path("d.npz"), &arrays);
    fs::write(place.path("w.npy"), Array::vector(&weights).bytes()).unwrap();
    fs::write(place.path("o.npy"), Array::vector(&offset).bytes()).unwrap();
    // a bin of weight 2 is two bins
    let mut repeated = String::from("a,b,c,count,exposure\n");
    for (k, x) in x.chunks(3).enumerate() {
        for _ in 0..weights[k] as usize {
            writeln!(repeated, "{},{},{},{},{}", x[0], x[1], x[2], y[k], offset[k]).unwrap();
        }
    }
    fs::write(place.path("repeated.csv"), repeated).unwrap();
    place
}

fn fit(place: &Place, words: &[&str]) -> Value {
    place.run(&[&["fit"], words, &["--json", "--quiet"]].concat()).ended(0).json()
}

fn target(fit: &Value) -> Vec<f64> {
    let target = &fit["targets"][0];
    assert_eq!(target["status"], "converged");
    let fields =
        ["intercept", "intercept_standard_error", "log_likelihood_sum", "deviance", "pseudo_r2_mcfadden"];
    let mut all = numbers(&target["coef"]);
    all.extend(numbers(&target["standard_errors"]));
    all.extend(fields.map(|field| number(&target[field])));
    all
}

#[test]
fn every_format_has_weights_and_offsets() {
    let place = place();
    let truth = fit(&place, &["repeated.csv", "--y", "count", "--offset", "exposure"]);
    for words in [
        &["d.csv", "--y", "count", "--weights", "times", "--offset", "exposure"][..],
        &["d.csv", "--y", "count", "--x", "a,b,c", "--weights", "w.npy", "--offset", "exposure"],
        &["d.npz", "--weights", "w", "--offset", "o"],
        &["d.npz", "--weights", "w", "--offset", "o.npy"],
    ] {
        let found = fit(&place, words);
        assert_eq!(found["features"][0]["columns"], serde_json::json!([0, 3]), "{words:?}");
        let weightless = terms().0.iter().filter(|weight| **weight == 0.0).count();
        assert_eq!(found["n_bins_weightless"], weightless);
        assert_eq!(
            found["n_bins_used"],
            N_ROWS - N_ROWS.div_ceil(4) + usize::from(N_ROWS % 4 == 1 || N_ROWS % 4 == 2)
        );
        assert!(relative(&target(&found), &target(&truth)) < 1e-8, "{words:?}");
        assert_eq!(found["targets"][0]["dof_resid"], truth["targets"][0]["dof_resid"]);
        assert_eq!(number(&found["targets"][0]["total_weight"]), terms().0.iter().sum::<f64>());
    }
}

#[test]
fn a_model_takes_its_offset_along() {
    let place = place();
    let words = ["d.csv", "--y", "count", "--weights", "times", "--offset", "exposure", "--out", "named"];
    let fitted = fit(&place, &words);
    let score = place.run(&["score", "named/model.json", "d.csv", "--json", "--quiet"]).ended(0).json();
    for field in ["log_likelihood", "deviance", "pseudo_r2_cohen"] {
        let (found, expected) = (&score["targets"][0][field], &fitted["targets"][0][field]);
        assert!((number(found) / number(expected) - 1.0).abs() < 1e-10, "{field}: {found} {expected}");
    }
    place.run(&["predict", "named/model.json", "d.csv", "--out", "p.csv", "--quiet"]).ended(0);
    let table = fs::read_to_string(place.path("p.csv")).unwrap();
    let row: Vec<f64> =
        table.lines().nth(3).unwrap().split(',').filter_map(|cell| cell.parse().ok()).collect();
    let (x, offset) = (random_data().0, terms().1);
    let own = &fitted["targets"][0];
    let effects: f64 = numbers(&own["coef"]).iter().zip(&x[6..9]).map(|(w, x)| w * x).sum();
    let expected = (number(&own["intercept"]) + effects + offset[2]).exp();
    assert!((row.last().unwrap() / expected - 1.0).abs() < 1e-12, "{row:?} {expected}");
    // an offset in a file of its own is that of the data it was made for
    fit(&place, &["d.npz", "--offset", "o.npy", "--out", "filed"]);
    place.refused(
        &["score", "filed/model.json", "d.npz"],
        2,
        &["--offset", "o.npy", "add --offset FILE.npy"],
    );
    place.run(&["score", "filed/model.json", "d.npz", "--offset", "o.npy"]).ended(0);
    place.refused(
        &["export", "filed/model.json", "--to", "nemos", "m.npz"],
        2,
        &["offset", "NeMoS has none"],
    );
    place.refused(&["predict", "filed/model.json", "d.npz", "--weights", "w"], 2, &["--weights"]);
}

#[test]
fn a_recording_has_signals_for_both() {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let all = [
        "r.nwb",
        "--epochs",
        "run",
        "--bin",
        "10ms",
        "--unit",
        "3",
        "--feature",
        "spikes : raised-cosine-log(3, window=50ms)",
    ];
    let plain = fit(&place, &all);
    let beside = fit(&place, &[&all[..], &["--offset", "current*0.5"]].concat());
    // the offset is a column whose coefficient is given
    assert_eq!(plain["labels"], beside["labels"]);
    assert_eq!(beside["offset"], "current*0.5");
    assert!(relative(&target(&plain), &target(&beside)) > 1e-3);
    let free = fit(&place, &[&all[..], &["--feature", "current"]].concat());
    let n = numbers(&free["targets"][0]["coef"]).len();
    let coef = numbers(&free["targets"][0]["coef"])[n - 1];
    let given = fit(&place, &[&all[..], &["--offset", &format!("current*{coef:?}")]].concat());
    let [given, free] = [&given, &free].map(|fit| number(&fit["targets"][0]["log_likelihood_sum"]));
    assert!((given / free - 1.0).abs() < 1e-9, "{given} {free}");
    place.refused(
        &[&["fit"], &all[..], &["--offset", "current : bspline(5)"]].concat(),
        2,
        &["--offset", "a signal without a basis"],
    );
}

#[test]
fn a_study_has_them_too_and_no_intercept() {
    let place = place();
    let study =
        "data = \"d.csv\"\ny = \"count\"\nweights = \"times\"\noffset = \"exposure\"\nno-intercept = true\n";
    fs::write(place.path("s.toml"), study).unwrap();
    let by_study = fit(&place, &["s.toml"]);
    let options = ["d.csv", "--y", "count", "--weights", "times", "--offset", "exposure", "--no-intercept"];
    let by_options = fit(&place, &options);
    assert_eq!(by_study["targets"], by_options["targets"]);
    let own = &by_options["targets"][0];
    assert_eq!((number(&own["intercept"]), number(&own["intercept_standard_error"])), (0.0, 0.0));
    assert_eq!(by_options["has_intercept"], false);
    let text = place.run(&[&["fit"], &options[..], &["--quiet"]].concat()).ended(0).stdout;
    assert!(text.contains("no intercept, weights times, offset exposure"), "{text}");
    place.run(&[&["fit"], &options[..], &["--out", "without", "--quiet"]].concat()).ended(0);
    place.run(&[&["fit"], &options[..options.len() - 1], &["--out", "with", "--quiet"]].concat()).ended(0);
    assert!(report_without_intercept(&place, "without") && !report_without_intercept(&place, "with"));
}

#[test]
fn what_cannot_be_is_refused() {
    let place = place();
    fs::write(place.path("bad.npy"), Array::vector(&vec![-1.0; N_ROWS]).bytes()).unwrap();
    fs::write(place.path("short.npy"), Array::vector(&[1.0, 2.0]).bytes()).unwrap();
    fs::write(
        place.path("nan.npy"),
        Array::vector(&[&[f64::NAN][..], &vec![1.0; N_ROWS - 1]].concat()).bytes(),
    )
    .unwrap();
    let refused = |words: &[&str], code: i32, said: &[&str]| {
        place.refused(&[&["fit", "d.npz"], words].concat(), code, said);
    };
    refused(&["--weights", "bad.npy"], 3, &["--weights", "row 0", "weights of 0 or more"]);
    refused(&["--offset", "short.npy"], 3, &["--offset", "one number for each", "2 rows"]);
    refused(&["--offset", "nan.npy", "--nan", "error"], 3, &["--offset", "row 0", "NaN"]);
    refused(&["--weights", "nowhere"], 2, &["nowhere"]);
    let both = ["fit", "d.csv", "--y", "count", "--x", "a,times", "--weights", "times"];
    place.refused(&both, 2, &["--x", "times", "one or the other"]);
    let dropped = fit(&place, &["d.npz", "--offset", "nan.npy"]);
    assert_eq!(dropped["n_bins_dropped"], 1);
}

#[test]
fn predictions_need_no_weights_and_other_epochs_no_files() {
    let place = place();
    fit(&place, &["d.csv", "--y", "count", "--weights", "times", "--offset", "exposure", "--out", "m"]);
    let text = fs::read_to_string(place.path("d.csv")).unwrap();
    let without = |column: usize| -> String {
        let row = |line: &str| {
            let cells: Vec<&str> =
                line.split(',').enumerate().filter(|(k, _)| *k != column).map(|(_, c)| c).collect();
            cells.join(",") + "\n"
        };
        text.lines().map(row).collect()
    };
    fs::write(place.path("weightless.csv"), without(4)).unwrap();
    fs::write(place.path("bare.csv"), without(5)).unwrap();
    place.run(&["predict", "m/model.json", "weightless.csv", "--out", "p.csv", "--quiet"]).ended(0);
    place.refused(&["score", "m/model.json", "weightless.csv"], 3, &["times", "--weights none"]);
    let plain =
        place.run(&["score", "m/model.json", "weightless.csv", "--weights", "none", "--json"]).ended(0);
    assert!(plain.json()["weights"].is_null());
    let score = place.run(&["score", "m/model.json", "d.csv", "--json"]).ended(0);
    assert_eq!(score.json()["weights"], "times");
    assert!(score.stderr.contains("with the weights times"), "{}", score.stderr);
    place.refused(&["predict", "m/model.json", "bare.csv"], 3, &["exposure", "--offset"]);
    // another model beside the fit has an offset of its own
    let words = ["d.csv", "--y", "count", "--compare", "m/model.json"];
    let beside = fit(&place, &words);
    assert_eq!(beside["compared"][0]["targets"][0]["n_bins_used"], N_ROWS);
    place.refused(
        &["fit", "d.csv", "--y", "count", "--test-against", "m/model.json"],
        2,
        &["--test-against", "the offset exposure", "same --no-intercept and --offset"],
    );
    write_recording(&place.path("r.nwb"));
    fs::write(place.path("short.npy"), Array::vector(&[1.0, 2.0]).bytes()).unwrap();
    let words = ["fit", "r.nwb", "--epochs", "run", "--test-epochs", "run", "--bin", "10ms", "--unit", "3"];
    let more = ["--feature", "current", "--offset", "short.npy"];
    place.refused(&[&words[..], &more].concat(), 2, &["--offset", "--test-epochs", "rheobase score"]);
}
