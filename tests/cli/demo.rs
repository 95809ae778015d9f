//! `rheobase demo`.

use rheobase::write::save::mixed_files;

use crate::{Place, assert_near, files_under, json};

#[test]
fn a_demo_certifies_two_models_and_ends_with_its_report() {
    let place = Place::new();
    let run = place.run(&["demo"]).ended(0);
    assert_eq!(run.stderr, "");
    assert_eq!(run.stdout.matches("unit 0: converged, ").count(), 2, "{}", run.stdout);
    let proofs = run.stdout.matches("\nat the optimum, with proof: KKT residual ").count();
    assert_eq!(proofs, 2, "{}", run.stdout);
    assert!(run.stdout.contains("recording.nwb: 1 epoch, 28.02 s, 28020 bins of 1 ms"), "{}", run.stdout);
    // both models on what was fitted and on three held-out sets
    for (set, n) in [("fitted", 2), ("Noise 1", 2), ("Noise 2", 2), ("Ramp", 2)] {
        let rows = run.stdout.lines().filter(|line| line.starts_with(&format!("│ {set} ")));
        assert_eq!(rows.count(), n, "{set}: {}", run.stdout);
    }
    let (_, report) = run.stdout.trim_end().rsplit_once(": ").unwrap();
    assert_eq!(report, "rheobase-demo/history/report.html");
    let html = std::fs::read_to_string(place.path(report)).unwrap();
    let figures = [
        "session",
        "pulses",
        "tuning",
        "basis",
        "onset",
        "filter",
        "prediction",
        "convergence",
        "intervals",
        "goodness",
    ];
    for name in figures {
        let file = place.path("rheobase-demo/history/figures").join(format!("{name}.svg"));
        let svg = std::fs::read_to_string(&file).unwrap();
        // all but its root, which needs no namespace within a page
        let (_, drawn) = svg.split_once('>').unwrap();
        assert!(drawn.len() > 1000 && html.contains(drawn), "{name} is in the report");
        assert!(file.with_extension("png").exists());
    }
}

#[test]
fn a_demo_writes_where_it_is_told() {
    let place = Place::new();
    place.run(&["demo", "--out", "deep/demo", "--quiet"]).ended(0);
    for model in ["instantaneous", "history"] {
        assert!(mixed_files(&place.path("deep/demo").join(model)).unwrap().is_empty());
        assert!(place.path("deep/demo").join(model).join("report.html").exists());
    }
    assert!(files_under(&place.path("")).iter().all(|file| file.starts_with("deep/demo") || file == "deep/"));
    // what it leaves behind is an ordinary recording with ordinary results
    let inspection = place.run(&["inspect", "deep/demo/recording.nwb"]).ended(0);
    assert!(inspection.stdout.contains("Noise 1 (3 rows"), "{}", inspection.stdout);
    let fit = json(&place.path("deep/demo/history/fit.json"));
    let words = ["score", "deep/demo/history/model.json", "deep/demo/recording.nwb", "--json"];
    let score = place.run(&words).ended(0).json();
    assert_near(&score["targets"][0]["log_likelihood"], &fit["targets"][0]["log_likelihood"], "demo");
    // the same seed again is the same recording, and the same fit
    place.run(&["demo", "--out", "again", "--seed", "1", "--quiet"]).ended(0);
    let again = json(&place.path("again/history/fit.json"));
    assert_eq!(again["targets"], fit["targets"]);
    assert_eq!(again["input"]["sha256"], fit["input"]["sha256"]);
}

#[test]
fn another_seed_is_another_recording() {
    let place = Place::new();
    let run = place.run(&["demo", "--seed", "2"]).ended(0);
    assert!(run.stdout.starts_with("A simulated recording (seed 2): "), "{}", run.stdout);
    place.run(&["demo", "--out", "one"]).ended(0);
    let digest = |folder: &str| json(&place.path(folder).join("history/fit.json"))["input"]["sha256"].clone();
    assert_ne!(digest("rheobase-demo"), digest("one"));
}

#[test]
fn an_unwritable_folder_is_told_first() {
    let place = Place::new();
    std::fs::write(place.path("taken"), "a file").unwrap();
    let run = place.run(&["demo", "--out", "taken"]).ended(1);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.starts_with("error: taken: ") && run.stderr.contains("\nhelp: "), "{}", run.stderr);
}
