//! Goodness of fit and the figures of what was found, through the command line.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::array_file::{Array, write_npz};
use crate::recording_file::write_recording;
use crate::table::Table;
use crate::{HISTORY, INSTANTANEOUS, Place, files_under, json, number, tutorial};

fn fit_tutorial(place: &Place, epoch: &[&str], features: &[&str], out: &str) -> Value {
    let file = tutorial();
    let mut words = vec!["fit", &file, "--epochs", "Noise 1", "--unit", "0", "--bin", "1ms", "--out", out];
    words.extend(epoch);
    words.extend(features.iter().flat_map(|feature| ["--feature", feature]));
    place.run(&words).ended(0);
    json(&place.path(out).join("fit.json"))
}

fn fit_population(place: &Place, unit: &str, features: &[&str], out: &str, code: i32) -> Value {
    let mut words = vec!["fit", "r.nwb", "--epochs", "run", "--bin", "10ms", "--unit", unit, "--out", out];
    words.extend(features.iter().flat_map(|feature| ["--feature", feature]));
    place.run(&words).ended(code);
    json(&place.path(out).join("fit.json"))
}

/// The statistical figures in a folder, each of which is an SVG with marks in every panel and a PNG.
fn figures(place: &Place, out: &str) -> BTreeSet<String> {
    const STATISTICAL: [&str; 8] =
        ["intervals", "tuning", "basis", "filter", "coefficients", "epochs", "goodness", "convergence"];
    let folder = place.path(out).join("figures");
    let files = if folder.exists() { files_under(&folder) } else { BTreeSet::new() };
    let names: BTreeSet<String> = STATISTICAL.map(String::from).into();
    let names: BTreeSet<String> =
        names.into_iter().filter(|name| files.contains(&format!("{name}.svg"))).collect();
    for name in &names {
        let svg = std::fs::read_to_string(folder.join(format!("{name}.svg"))).unwrap();
        assert!(svg.starts_with("<svg") && !svg.contains("NaN") && !svg.contains("inf"), "{out} {name}");
        let png = std::fs::read(folder.join(format!("{name}.png"))).unwrap();
        assert!(png.starts_with(b"\x89PNG"), "{out} {name}");
    }
    names
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn the_goodness_of_the_tutorial() {
    let place = Place::new();
    let fit = fit_tutorial(&place, &["--epoch", "0"], &[HISTORY], "history");
    let goodness = &fit["goodness"][0];
    assert_eq!((&goodness["name"], &goodness["n_intervals"]), (&"0".into(), &39.into()));
    assert_eq!(goodness["n_intervals_left_out"], 1);
    // numpy on the table of bins: every interval clipped and averaged at every corner
    assert!((number(&goodness["ks_statistic"]) - 0.196_209_293_964_193_5).abs() < 1e-8);
    assert!((number(&goodness["ks_band"]) - 1.36 / 39f64.sqrt()).abs() < 1e-15);
    let history = fit["targets"][0]["history"].as_array().unwrap();
    assert_eq!(history.len() as u64, fit["targets"][0]["iterations"].as_u64().unwrap() + 1);
    for field in ["kkt_residual", "loss_gap", "loss"] {
        assert_eq!(history[history.len() - 1][field], fit["targets"][0][field]);
    }
    assert_eq!(
        figures(&place, "history"),
        set(&["intervals", "tuning", "basis", "filter", "goodness", "convergence"])
    );
}

#[test]
fn a_fit_that_is_not_written_keeps_no_history() {
    let place = Place::new();
    let file = tutorial();
    let words = ["fit", &file, "--epochs", "Noise 1", "--unit", "0", "--bin", "1ms", "--json"];
    let features = ["--feature", INSTANTANEOUS];
    let plain = place.run(&[&words[..], &features].concat()).ended(0).json();
    assert!(plain["targets"][0].get("history").is_none() && plain.get("goodness").is_none());
    let written = place.run(&[&words[..], &features, &["--out", "out"]].concat()).ended(0).json();
    // bit for bit
    for field in ["coef", "intercept", "standard_errors", "loss_gap", "kkt_residual", "passes", "iterations"]
    {
        assert_eq!(plain["targets"][0][field], written["targets"][0][field], "{field}");
    }
    assert_eq!(figures(&place, "out"), set(&["intervals", "tuning", "epochs", "goodness", "convergence"]));
}

#[test]
fn several_units_and_columns_have_their_figures() {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let own = "spikes : raised-cosine-log(3, window=50ms)";
    let others = "units-others : raised-cosine-log(2, window=50ms)";
    let all = ["intervals", "tuning", "basis", "filter", "coefficients", "epochs", "goodness", "convergence"];
    let fit = fit_population(&place, "all", &["current", own, others], "coupled", 0);
    assert_eq!(figures(&place, "coupled"), set(&all));
    assert_eq!(fit["goodness"].as_array().unwrap().len(), 3);
    // errors where a target sees the channel, none where it does not
    let filters = Table::read(&place.path("coupled/tables/filters.csv"));
    for (row, error) in filters.numbers("standard_error").iter().enumerate() {
        let (target, channel) = (&filters.texts("target")[row], &filters.texts("channel")[row]);
        assert_eq!(error.is_nan(), *channel == format!("units-others[{target}]"), "{target} {channel}");
    }
    fit_population(&place, "3", &["position", "position[1] : raised-cosine-log(4)"], "columns", 0);
    assert_eq!(figures(&place, "columns"), set(&all));
    let tuning = Table::read(&place.path("columns/tables/tuning.csv"));
    let features: BTreeSet<&String> = tuning.texts("feature").iter().collect();
    assert!(features.len() >= 2, "{features:?}");
    // the response curve ends where the range does; beside it nothing has a lag
    let curve = Table::read(&place.path("columns/tables/filters.csv"));
    assert_eq!(curve.n_rows(), 201);
    assert!(curve.numbers("lag_s").iter().all(|lag_s| lag_s.is_nan()));
    assert!(curve.texts("channel").iter().all(|channel| channel == "position[1]"));
    let model = json(&place.path("columns/model.json"));
    let values = curve.numbers("value");
    let range = &model["study"]["features"][1]["ranges"]["position[1]"];
    assert_eq!([values[0], values[200]], [number(&range["lo"]), number(&range["hi"])], "{range}");
    // spikes alone: no series, so no tuning curves
    fit_population(&place, "all", &[own], "past", 0);
    assert_eq!(
        figures(&place, "past"),
        set(&["intervals", "basis", "filter", "epochs", "goodness", "convergence"])
    );
}

#[test]
fn arrays_and_silent_targets_have_the_figures_that_say_something() {
    let place = Place::new();
    let wave = |t: usize, k: usize| ((t * (k + 3)) as f64 * 0.37).sin();
    let x: Vec<f64> = (0..400).flat_map(|t| [wave(t, 0), wave(t, 1), wave(t, 2)]).collect();
    let y: Vec<f64> = (0..400).map(|t| f64::from(u8::from(wave(t, 0) + wave(t, 5) > 0.9))).collect();
    write_npz(&place.path("d.npz"), &[("X", Array::matrix(3, &x)), ("y", Array::vector(&y))]);
    place.run(&["fit", "d.npz", "--out", "arrays"]).ended(0);
    assert_eq!(figures(&place, "arrays"), set(&["coefficients", "goodness", "convergence"]));
    write_npz(&place.path("s.npz"), &[("X", Array::matrix(3, &x)), ("y", Array::vector(&[0.0; 400]))]);
    place.run(&["fit", "s.npz", "--out", "silent"]).ended(4);
    assert_eq!(figures(&place, "silent"), set(&[]));
    let goodness = &json(&place.path("silent/fit.json"))["goodness"][0];
    assert_eq!((&goodness["ks_statistic"], &goodness["n_intervals"]), (&"NaN".into(), &0.into()));
}

#[test]
fn models_of_other_windows_are_tested_on_the_bins_of_both() {
    let place = Place::new();
    // three epochs, at each of whose beginnings the history is unknown
    let history = fit_tutorial(&place, &[], &[HISTORY], "history");
    let against = ["--compare", "history/model.json"];
    let now = fit_tutorial(&place, &against, &[INSTANTANEOUS], "now");
    let rival = &now["goodness"][0]["compared"][0];
    assert_eq!(rival["name"], "history");
    assert_eq!(rival["n_bins"], history["n_bins_used"]);
    assert!(number(&rival["n_bins"]) < number(&now["n_bins_used"]));
    for field in ["ks_statistic", "ks_band", "n_intervals", "n_intervals_left_out"] {
        assert_eq!(rival[field], history["goodness"][0][field], "{field}");
    }
    let [own, tuning] = ["history", "now"].map(|out| Table::read(&place.path(out).join("tables/tuning.csv")));
    assert_eq!(tuning.n_rows(), 30);
    assert!(tuning.texts("model")[..15].iter().all(|name| name == "now"));
    assert!(tuning.texts("model")[15..].iter().all(|name| name == "history"));
    for field in ["from", "hz", "model_hz", "model_smoothed_hz"] {
        let same = field == "from" || field == "hz";
        assert_eq!(same, tuning.texts(field)[..15] == tuning.texts(field)[15..], "{field}");
    }
    assert_eq!(tuning.texts("hz")[15..], *own.texts("hz"));
    let back = ["--compare", "now/model.json"];
    let again = fit_tutorial(&place, &back, &[HISTORY], "again");
    let swapped = &again["goodness"][0]["compared"][0];
    assert_eq!(swapped["ks_statistic"], rival["ks_statistic_of_fit"]);
    assert_eq!(swapped["ks_statistic_of_fit"], rival["ks_statistic"]);
    let report = std::fs::read_to_string(place.path("now/report.html")).unwrap();
    assert!(report.contains("bins that all models drawn have") && report.contains("for history."));
    let svg = std::fs::read_to_string(place.path("now/figures/goodness.svg")).unwrap();
    assert!(svg.contains(">now<") && svg.contains(">history<"));
}
