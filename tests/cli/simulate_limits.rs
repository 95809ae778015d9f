//! Limits of `rheobase simulate` of a fitted model: the largest rate, and memory.

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
        let words =
            ["simulate", &format!("{out}/model.json"), "c.nwb", "--max-rate", "0.001", "--out", "d.npz"];
        let run = place.run(&words).ended(0);
        assert!(!run.stdout.contains("--max-rate") && !run.stderr.contains("largest rate"), "{run:?}");
        let [_, (_, means)] = drawn(&place, "d.npz");
        assert!(means.iter().any(|mean| *mean > 1e-3), "nothing is held");
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
