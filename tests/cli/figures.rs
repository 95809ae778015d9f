//! The figures over time of fits of all shapes: which there are, and what they show.

use crate::array_file::{Array, random_data, write_npz};
use crate::recording_file::{write_recording, write_trials};
use crate::{HISTORY, Place, files_under, tutorial};

/// The drawings over time of the fit in `out`, and the words of each.
fn over_time(place: &Place) -> Vec<(String, String)> {
    let folder = place.path("out/figures");
    let names =
        files_under(&folder).into_iter().filter_map(|name| name.strip_suffix(".svg").map(String::from));
    let kept = names.filter(|name| ["onset", "prediction", "pulses", "session"].contains(&name.as_str()));
    let read = |name: String| {
        let svg = std::fs::read_to_string(folder.join(format!("{name}.svg"))).unwrap();
        assert!(folder.join(format!("{name}.png")).exists() && !svg.contains("NaN"));
        (name, svg)
    };
    kept.map(read).collect()
}

fn names(figures: &[(String, String)]) -> Vec<&str> {
    figures.iter().map(|(name, _)| name.as_str()).collect()
}

/// How often the axes of a drawing have this label.
fn n_labels(svg: &str, label: &str) -> usize {
    svg.matches(&format!(">{label}</text>")).count()
}

#[test]
fn a_current_with_pulses_and_another_model() {
    let place = Place::new();
    let file = tutorial();
    let common = ["fit", &file, "--epochs", "Noise 1", "--epoch", "0", "--unit", "0", "--bin", "1ms"];
    place.run(&[&common[..], &["--feature", "stimulus*1e12", "--out", "instant"]].concat()).ended(0);
    let more = ["--feature", HISTORY, "--compare", "instant/model.json", "--out", "out"];
    place.run(&[&common[..], &more].concat()).ended(0);
    let figures = over_time(&place);
    assert_eq!(names(&figures), ["onset", "prediction", "pulses", "session"]);
    let [onset, prediction, pulses, session] = &figures[..] else { panic!() };
    assert!(onset.1.contains("Features around the onset of a pulse") && onset.1.contains(">stimulus.8<"));
    assert_eq!([n_labels(&prediction.1, "rate (Hz)"), n_labels(&prediction.1, "instant")], [2, 1]);
    assert_eq!([1, 2, 3, 4].map(|k| n_labels(&pulses.1, &format!("pulse {k}"))), [1, 1, 1, 0]);
    assert!(session.1.contains("39.02 to 67.04 s") && n_labels(&session.1, "stimulus (pA)") == 1);
}

#[test]
fn several_units_in_epochs_of_different_length() {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let features = ["--feature", "position", "--feature", "current : raised-cosine-log(2, window=50ms)"];
    let words = ["fit", "r.nwb", "--epochs", "run", "--bin", "10ms", "--unit", "all", "--out", "out"];
    place.run(&[&words[..], &features].concat());
    let figures = over_time(&place);
    assert_eq!(names(&figures), ["onset", "prediction", "pulses", "session"]);
    let session = &figures[3].1;
    assert!(session.contains("(of 0 to 1)") && n_labels(session, "unit") == 1);
    assert!([3, 5, 9].iter().all(|unit| n_labels(session, &format!("unit {unit} (Hz)")) == 1));
}

#[test]
fn spikes_alone_have_no_row_for_a_signal() {
    let place = Place::new();
    let file = tutorial();
    let words = ["fit", &file, "--epochs", "Ramp", "--unit", "detected", "--detect-spikes", "response"];
    let feature =
        ["--bin", "1ms", "--feature", "spikes : raised-cosine-log(3, window=100ms)", "--out", "out"];
    place.run(&[&words[..], &feature].concat());
    let figures = over_time(&place);
    assert_eq!(names(&figures), ["onset", "prediction", "pulses", "session"]);
    assert!(figures[3].1.contains("Spikes and rates") && figures[0].1.contains("Features around an event"));
    assert_eq!(n_labels(&figures[3].1, "spikes"), 1);
}

#[test]
fn arrays_have_predictions_over_their_rows() {
    let place = Place::new();
    let (x, y) = random_data();
    write_npz(&place.path("d.npz"), &[("X", Array::matrix(3, &x)), ("y", Array::vector(&y))]);
    place.run(&["fit", "d.npz", "--out", "out"]).ended(0);
    let figures = over_time(&place);
    assert_eq!(names(&figures), ["prediction"]);
    assert_eq!(n_labels(&figures[0].1, "row"), 2);
}

#[test]
fn short_trials_are_drawn_together_and_their_rates_are_not_too_low() {
    let place = Place::new();
    write_trials(&place.path("r.nwb"));
    let words = ["fit", "r.nwb", "--epochs", "trial", "--bin", "10ms", "--unit", "3", "--feature", "current"];
    place.run(&[&words[..], &["--out", "out"]].concat()).ended(0);
    let figures = over_time(&place);
    assert_eq!(names(&figures), ["prediction", "pulses", "session"]);
    assert!(figures[2].1.contains("epochs 0 to 99, 0.00 to 49.70 s"));
    assert_eq!([n_labels(&figures[1].1, "part 1"), n_labels(&figures[1].1, "pulse 1")], [1, 0]);
    let table = std::fs::read_to_string(place.path("out/tables/tuning.csv")).unwrap();
    let head: Vec<&str> = table.lines().next().unwrap().split(',').collect();
    let column = |name: &str| head.iter().position(|column| *column == name).unwrap();
    let [occupancy, rate, smoothed] = ["occupancy_samples", "model_hz", "model_smoothed_hz"].map(column);
    let (mut plain_sum, mut smoothed_sum) = (0.0, 0.0);
    for row in table.lines().skip(1) {
        let cell = |k: usize| row.split(',').nth(k).unwrap().parse::<f64>().unwrap_or(f64::NAN);
        if cell(occupancy) > 0.0 && cell(rate).is_finite() {
            plain_sum += cell(occupancy) * cell(rate);
            smoothed_sum += cell(occupancy) * cell(smoothed);
        }
    }
    assert!((smoothed_sum / plain_sum - 1.0).abs() < 0.03, "{smoothed_sum} {plain_sum}");
}

#[test]
fn few_rows_have_no_second_panel() {
    let place = Place::new();
    let x: Vec<f64> = (0..30).map(|row| f64::from(row % 7)).collect();
    let y: Vec<f64> = (0..30).map(|row| f64::from((row * 5) % 4)).collect();
    write_npz(&place.path("d.npz"), &[("X", Array::matrix(1, &x)), ("y", Array::vector(&y))]);
    place.run(&["fit", "d.npz", "--out", "out"]).ended(0);
    assert_eq!(n_labels(&over_time(&place)[0].1, "row"), 1);
}
