//! Limits of `rheobase simulate` of a fitted model: the largest rate, and memory.

use crate::array_fit::arrays;
use crate::categorical::{NAMES, Y, table};
use crate::simulate::{drawn, population};

#[test]
fn responses_that_are_no_counts_have_no_largest_rate() {
    let place = population();
    for (feature, out) in [
        ("units-others : raised-cosine-log(3, window=20ms)", "others"),
        ("units : raised-cosine-log(3, window=20ms)", "units"),
    ] {
        let words = [
            "fit",
            "c.nwb",
            "--epochs",
            "simulated",
            "--unit",
            "all",
            "--bin",
            "1ms",
            "--out",
            out,
            "--quiet",
        ];
        place.run(&[&words[..], &["--observation", "gaussian", "--feature", feature]].concat()).ended(0);
        let words = ["simulate", &format!("{out}/model.json"), "c.nwb", "--out", "d.npz"];
        let said =
            ["a model of counts or events in a recording, found a gaussian model", "leave it out: gaussian"];
        place.refused(&[&words[..], &["--max-rate", "1000"]].concat(), 2, &said);
        let run = place.run(&words).ended(0);
        let command = place.run(&[&words[..], &["--json"]].concat()).ended(0).json()["command"].to_string();
        assert!(!command.contains("--max-rate"), "{command}");
        assert!(!run.stdout.contains("--max-rate") && !run.stderr.contains("largest rate"), "{run:?}");
        let [_, (_, means)] = drawn(&place, "d.npz");
        assert!(means.iter().any(|mean| *mean > 1e-3), "nothing is held");
    }
}

#[test]
fn arrays_and_labels_have_no_largest_rate() {
    let place = arrays();
    place.run(&["fit", "d.npz", "--out", "out"]).ended(0);
    table(&place, "turns.csv", NAMES, 1);
    place.run(&["fit", "turns.csv", "--y", Y, "--observation", "categorical", "--out", "labels"]).ended(0);
    for (model, file, found, why) in [
        ("out/model.json", "d.npz", "found arrays", "arrays have no time"),
        ("labels/model.json", "turns.csv", "found a categorical model", "labels have no rate"),
    ] {
        let words = ["simulate", model, file, "--out", "d.csv"];
        let said = ["--max-rate: expected ", found, "leave it out: ", why];
        place.refused(&[&words[..], &["--max-rate", "50"]].concat(), 2, &said);
        let run = place.run(&[&words[..], &["--json"]].concat()).ended(0);
        assert!(!run.stdout.contains("--max-rate"), "{run:?}");
    }
}

#[test]
fn copies_for_a_file_count_as_memory() {
    let place = population();
    let words = ["simulate", "out/model.json", "c.nwb", "--repeats", "1000", "--memory-limit", "3GB"];
    for out in ["d.csv", "d.npz"] {
        // the draws alone would take 1.44 GB
        let said = ["1000 repeats of 30000 bins needs ", "raise `--memory-limit`"];
        place.refused(&[&words[..], &["--out", out]].concat(), 1, &said);
    }
}
