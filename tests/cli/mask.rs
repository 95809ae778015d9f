//! `--mask`, and gaps in the responses of single targets.

use std::fs;

use serde_json::Value;

use crate::array_file::{Array, write_npz};
use crate::recording_file::write_recording;
use crate::{Place, number, numbers, relative, texts};

/// 300 rows of four columns and three targets, with NaN in rows 5 and 6 of the second target if there are `gaps`.
fn arrays(gaps: bool) -> Place {
    let place = Place::new();
    let x: Vec<f64> =
        (0..1200).map(|k| (f64::from(k) * 0.37).sin() + 0.2 * (f64::from(k) * 1.7).cos()).collect();
    let y: Vec<f64> = (0..900)
        .map(|k| {
            let (row, target) = (k / 3, k % 3);
            let gap = gaps && target == 1 && (row == 5 || row == 6);
            if gap { f64::NAN } else { f64::from(u8::try_from((row * (5 + target)) % 11 % 4).unwrap()) }
        })
        .collect();
    write_npz(&place.path("d.npz"), &[("X", Array::matrix(4, &x)), ("y", Array::matrix(3, &y))]);
    place
}

fn fit(place: &Place, more: &[&str]) -> Value {
    place.run(&[&["fit", "d.npz", "--json", "--quiet"], more].concat()).ended(0).json()
}

#[test]
fn a_gap_in_one_response_drops_the_row_for_that_target_alone() {
    let (with, without) = (arrays(true), arrays(false));
    let (fit_with, fit_without) = (fit(&with, &[]), fit(&without, &[]));
    let used = |fit: &Value, k: usize| fit["targets"][k]["n_bins_used"].as_u64().unwrap();
    assert_eq!([0, 1, 2].map(|k| used(&fit_with, k)), [300, 298, 300]);
    assert_eq!(fit_with["n_bins_dropped"], 2);
    for k in [0, 2] {
        let [a, b] = [&fit_with, &fit_without].map(|fit| numbers(&fit["targets"][k]["coef"]));
        assert!(relative(&a, &b) < 1e-9, "{a:?} {b:?}");
    }
    // alone the target is the same
    let error = with.run(&["fit", "d.npz", "--nan", "error"]).ended(3);
    assert!(error.stderr.contains("row 5"), "{}", error.stderr);
    let out = with.run(&["fit", "d.npz", "--out", "o", "--quiet"]).ended(0);
    assert!(out.stdout.contains("converged"));
    let score = with.run(&["score", "o/model.json", "d.npz", "--json", "--quiet"]).ended(0).json();
    for k in 0..3 {
        let [a, b] = [&score, &fit_with].map(|own| number(&own["targets"][k]["log_likelihood"]));
        assert!((a / b - 1.0).abs() < 1e-12, "{a} {b}");
    }
}

#[test]
fn a_target_uses_the_columns_that_it_may() {
    let place = arrays(false);
    fs::write(place.path("m.csv"), "feature,y[0],y[2]\nX[0],0,1\nX[3],0,0\n").unwrap();
    let masked = fit(&place, &["--mask", "m.csv"]);
    assert!(masked["command"].as_str().unwrap().contains("--mask m.csv"));
    let all = fit(&place, &[]);
    // a target that the table does not name
    let [a, b] = [&masked, &all].map(|fit| numbers(&fit["targets"][1]["coef"]));
    assert!(relative(&a, &b) < 1e-9);
    let x: Vec<f64> =
        (0..1200).map(|k| (f64::from(k) * 0.37).sin() + 0.2 * (f64::from(k) * 1.7).cos()).collect();
    let some: Vec<f64> = x.chunks(4).flat_map(|row| [row[1], row[2]]).collect();
    let y: Vec<f64> = (0..300).map(|row| f64::from(u8::try_from((row * 5) % 11 % 4).unwrap())).collect();
    write_npz(&place.path("two.npz"), &[("X", Array::matrix(2, &some)), ("y", Array::vector(&y))]);
    let two = place.run(&["fit", "two.npz", "--json", "--quiet"]).ended(0).json();
    let (own, two) = (&masked["targets"][0], &two["targets"][0]);
    let (coef, errors) = (numbers(&own["coef"]), &own["standard_errors"]);
    assert_eq!((coef[0], coef[3], &errors[0]), (0.0, 0.0, &"NaN".into()));
    assert!(relative(&coef[1..3], &numbers(&two["coef"])) < 1e-9, "{own} {two}");
    assert!((number(&own["intercept"]) - number(&two["intercept"])).abs() < 1e-9);
    assert_eq!(numbers(&masked["targets"][2]["coef"])[3], 0.0);
}

#[test]
fn features_of_a_recording_are_named_whole_or_by_column() {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let feature = "current : raised-cosine-log(3, window=100ms)";
    let words = ["fit", "r.nwb", "--epochs", "run", "--unit", "all", "--bin", "10ms", "--quiet", "--json"];
    let words =
        [&words[..], &["--feature", feature, "--feature", "units : raised-cosine-log(2, window=50ms)"]]
            .concat();
    let all = place.run(&words).ended(0).json();
    let (labels, names) = (texts(&all["labels"]), all["targets"].as_array().unwrap());
    let first = names[0]["name"].as_str().unwrap();
    fs::write(place.path("m.csv"), format!("feature,{first}\ncurrent,0\n")).unwrap();
    let masked = place.run(&[&words[..], &["--mask", "m.csv"]].concat()).ended(0).json();
    let coef = numbers(&masked["targets"][0]["coef"]);
    for (label, w) in labels.iter().zip(&coef) {
        assert_eq!(label.starts_with("current"), *w == 0.0, "{label} {w}");
    }
    for (text, said) in [
        (format!("feature,{first}\nvoltage,0\n"), "voltage"),
        ("feature,nobody\ncurrent,0\n".into(), "nobody"),
        (format!("feature,{first}\ncurrent,0.5\n"), "expected 0 or 1, found \"0.5\""),
        (format!("feature,{first}\ncurrent,0\nunits,0\n"), "at least one column"),
    ] {
        fs::write(place.path("m.csv"), text).unwrap();
        let end = place.run(&[&words[..], &["--mask", "m.csv"]].concat());
        assert!([2, 3].contains(&end.code) && end.stderr.contains(said), "{}", end.stderr);
    }
}

#[test]
fn columns_that_no_target_may_use_are_0_and_the_model_scores() {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let data = ["r.nwb", "--epochs", "run", "--unit", "3", "--quiet"];
    let features = [
        "--feature",
        "current : raised-cosine-log(3, window=100ms)",
        "--feature",
        "units-others : raised-cosine-log(3, window=50ms)",
        "--bin",
        "10ms",
    ];
    let all = place.run(&[&["fit"], &data[..], &features, &["--json"]].concat()).ended(0).json();
    let labels = texts(&all["labels"]);
    let channel = labels.iter().find(|label| label.starts_with("units")).unwrap().trim_end_matches(".1");
    for (masked, text) in
        [("current", "feature,3\ncurrent,0\n".to_string()), (channel, format!("feature,3\n{channel},0\n"))]
    {
        fs::write(place.path("m.csv"), text).unwrap();
        let more = ["--mask", "m.csv", "--out", "o", "--json"];
        let fit = place.run(&[&["fit"], &data[..], &features, &more].concat()).ended(0).json();
        assert_eq!(texts(&fit["labels"]), labels);
        for (label, w) in labels.iter().zip(numbers(&fit["targets"][0]["coef"])) {
            assert_eq!(label.starts_with(&format!("{masked}.")), w == 0.0, "{label} {w}");
        }
        let score = place.run(&[&["score", "o/model.json"], &data[..], &["--json"]].concat()).ended(0).json();
        let [a, b] = [&score, &fit].map(|own| number(&own["targets"][0]["log_likelihood"]));
        assert!((a / b - 1.0).abs() < 1e-12, "{a} {b}");
        let smooth = ["--regularizer", "smooth", "--strength", "1", "--mask", "m.csv"];
        place.run(&[&["fit"], &data[..], &features, &smooth].concat()).ended(0);
    }
    fs::write(place.path("m.csv"), "feature,3\ncurrent.2,0\n").unwrap();
    let end = place.run(&[&["fit"], &data[..], &features, &["--mask", "m.csv"]].concat()).ended(2);
    assert!(end.stderr.contains("whole channels of a basis"), "{}", end.stderr);
}

#[test]
fn a_target_without_what_is_smooth_does_not_speak_for_all() {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let units = crate::recording_file::UNITS.iter().map(ToString::to_string).collect::<Vec<String>>();
    let all = format!("feature,{}\nstimulus,0{}\n", units.join(","), ",1".repeat(units.len() - 1));
    fs::write(place.path("m.csv"), all.replace("stimulus", "current")).unwrap();
    let words = ["fit", "r.nwb", "--epochs", "run", "--bin", "10ms", "--unit", "all", "--mask", "m.csv"];
    let features = ["--feature", "current : raised-cosine-log(5, window=100ms)", "--feature", "current*2"];
    let smooth = ["--regularizer", "smooth", "--strength", "0.1", "--out", "o", "--quiet"];
    let run = place.run(&[&words[..], &features, &smooth].concat());
    assert!(run.stdout.contains("smooth penalty of strength 0.1"), "{}", run.stdout);
    let model = crate::json(&place.path("o/model.json"));
    assert!(model["fit"]["regularizer"].to_string().contains("0.1"), "{}", model["fit"]["regularizer"]);
    // what a target may not use has no filter
    let table = fs::read_to_string(place.path("o/tables/filters.csv")).unwrap();
    let has_filter = |unit: &String| table.lines().any(|line| line.starts_with(&format!("{unit},current,")));
    assert!(!has_filter(&units[0]) && has_filter(&units[1]), "{table}");
}
