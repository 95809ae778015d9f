//! `rheobase demo`.

use rheobase::write::save::mixed_files;

use crate::{Place, files_under, json, number, without_figures};

#[test]
fn a_demo_certifies_two_models_and_writes_nothing() {
    let place = Place::new();
    let run = place.run(&["demo"]).ended(0);
    assert_eq!(run.stderr, "");
    assert_eq!(run.stdout.matches("unit 0: converged, ").count(), 2, "{}", run.stdout);
    assert_eq!(
        run.stdout.matches("\nat the optimum, with proof: KKT residual ").count(),
        2,
        "{}",
        run.stdout
    );
    assert_eq!(run.stdout.matches("  --epochs 'Noise 1' --epoch 1: ").count(), 2, "{}", run.stdout);
    assert!(run.stdout.contains("\nrecording.nwb: 1 epoch, 28.02 s, 28020 bins of 1 ms"), "{}", run.stdout);
    let temporary = std::env::temp_dir();
    assert!(!run.stdout.contains(&*temporary.to_string_lossy()), "{}", run.stdout);
    assert!(run.stdout.trim_end().ends_with("writes the recording, models and tables."), "{}", run.stdout);
    assert!(files_under(&place.path("")).is_empty());
}

#[test]
fn a_demo_keeps_its_files_where_it_is_told() {
    let place = Place::new();
    let run = place.run(&["demo", "--out", "deep/demo"]).ended(0);
    assert!(run.stdout.contains("Everything is in deep/demo"), "{}", run.stdout);
    let mut expected = vec!["recording.nwb".to_string()];
    for (model, filters) in [("instantaneous", None), ("history", Some("filters"))] {
        let tables = ["bins", "features", "tuning"].into_iter().chain(filters);
        expected.extend(tables.map(|name| format!("{model}/tables/{name}.csv")));
        expected.extend(["fit.json", "model.json", "tables/", ""].map(|name| format!("{model}/{name}")));
        assert!(mixed_files(&place.path("deep/demo").join(model)).unwrap().is_empty());
    }
    let files = without_figures(files_under(&place.path("deep/demo")));
    assert_eq!(files, expected.into_iter().collect());
    // what it leaves behind is an ordinary recording with ordinary results
    let inspection = place.run(&["inspect", "deep/demo/recording.nwb"]).ended(0);
    assert!(inspection.stdout.contains("Noise 1 (3 rows"), "{}", inspection.stdout);
    let fit = json(&place.path("deep/demo/history/fit.json"));
    let words = ["score", "deep/demo/history/model.json", "deep/demo/recording.nwb", "--json"];
    let score = place.run(&words).ended(0).json();
    let bits = |document: &serde_json::Value| number(&document["targets"][0]["log_likelihood"]).to_bits();
    assert_eq!(bits(&score), bits(&fit));
    // the same seed again is the same recording, and the same fit
    place.run(&["demo", "--out", "again", "--seed", "1", "--quiet"]).ended(0);
    let again = json(&place.path("again/history/fit.json"));
    assert_eq!(again["targets"], fit["targets"]);
    assert_eq!(again["input"]["sha256"], fit["input"]["sha256"]);
}

#[test]
fn another_seed_is_another_recording() {
    let place = Place::new();
    let one = place.run(&["demo", "--seed", "2"]).ended(0);
    assert!(one.stdout.starts_with("A simulated recording (seed 2): "), "{}", one.stdout);
    let counts = |text: &str| text.lines().filter(|line| line.contains("log-likelihood")).count();
    assert_eq!(counts(&one.stdout), 2 + 2 * 4);
}
