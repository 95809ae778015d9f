//! Tuning curves through the command line.

use serde_json::Value;

use crate::recording_file::write_recording;
use crate::table::Table;
use crate::{INSTANTANEOUS, Place, data, json, number, numbers, relative, texts, tutorial};

/// The reference's own curve: current of the first `Noise 1` in picoamperes, 15 bins.
fn golden() -> Value {
    json(data("reference_tutorial.json").as_ref())["tuning_curve"].clone()
}

fn tuning(place: &Place, more: &[&str]) -> crate::Run {
    let file = tutorial();
    place.run(&[&["tuning", &file, "--epochs", "Noise 1"], more].concat())
}

#[test]
fn the_curve_of_the_tutorial() {
    let (place, golden) = (Place::new(), golden());
    let words = ["--epoch", "0", "--unit", "0", "--feature", INSTANTANEOUS, "--bins", "15"];
    let run = tuning(&place, &[&words[..], &["--json", "--out", "out"]].concat()).ended(0);
    assert_eq!(run.stderr, "tuning.csv and tuning.json written to out\n");
    let found = run.json();
    let curve = &found["curves"][0];
    let target = &curve["targets"][0];
    let edges = numbers(&golden["bin_edges"]);
    assert_eq!((&curve["features"][0]["name"], &target["name"]), (&"stimulus".into(), &"0".into()));
    assert!(relative(&numbers(&curve["features"][0]["edges"]), &edges) < 1e-12);
    assert_eq!(numbers(&curve["occupancy_samples"]), numbers(&golden["occupancy"]));
    assert_eq!(numbers(&target["spike_counts"]), numbers(&golden["spike_counts"]));
    assert!(relative(&numbers(&target["hz"]), &numbers(&golden["hz"])) < 1e-12);
    let fs_hz = number(&golden["fs"]);
    assert!((number(&curve["fs_hz"]) / fs_hz - 1.0).abs() < 1e-12);
    let seconds: Vec<f64> = numbers(&golden["occupancy"]).iter().map(|n| n / fs_hz).collect();
    assert!(relative(&numbers(&curve["occupancy_s"]), &seconds) < 1e-12);
    let information = numbers(&golden["mutual_information_bits_per_sec_and_per_spike"]);
    let bits = [&target["bits_per_s"], &target["bits_per_spike"]].map(number);
    assert!(bits.iter().zip(&information).all(|(a, b)| (a / b - 1.0).abs() < 1e-12), "{bits:?}");

    assert_eq!(json(&place.path("out/tuning.json")), found);
    let table = Table::read(&place.path("out/tuning.csv"));
    let names =
        ["feature", "target", "from", "to", "centre", "occupancy_samples", "occupancy_s", "spikes", "hz"];
    assert_eq!(table.names(), names);
    assert!(relative(&table.numbers("from"), &edges[..15]) < 1e-12);
    assert!(relative(&table.numbers("to"), &edges[1..]) < 1e-12);
    assert!(relative(&table.numbers("centre"), &numbers(&golden["centres"])) < 1e-12);
    assert!(relative(&table.numbers("hz"), &numbers(&golden["hz"])) < 1e-12);

    // 15 bins are the default, and the one unit needs no name
    let text = tuning(&place, &["--epoch", "0", "--feature", INSTANTANEOUS]).ended(0).stdout;
    assert!(
        text.contains(": 1 epoch, 28.02 s\n\nstimulus: 560400 samples, 20000.000005 per second\n"),
        "{text}"
    );
    assert!(
        text.contains("\nunit 0: 40 spikes\n") && text.contains("│      110.8000 ┆ 120.0333 ┆    8158 ┆")
    );
    assert!(text.ends_with("mutual information 4.455085 bits/s, 3.120787 bits/spike\n"), "{text}");
}

#[test]
fn the_table_of_a_fit_has_the_same_curve() {
    let (place, file) = (Place::new(), tutorial());
    let words =
        ["fit", &file, "--epochs", "Noise 1", "--unit", "0", "--bin", "1ms", "--feature", INSTANTANEOUS];
    place.run(&[&words[..], &["--out", "fit"]].concat()).ended(0);
    tuning(&place, &["--feature", INSTANTANEOUS, "--out", "own"]).ended(0);
    let (fit, own) =
        (Table::read(&place.path("fit/tables/tuning.csv")), Table::read(&place.path("own/tuning.csv")));
    for column in ["feature", "target", "from", "to", "centre", "occupancy_samples", "spikes", "hz"] {
        assert_eq!(fit.texts(column), own.texts(column), "{column}");
    }
}

#[test]
fn two_features_are_a_map() {
    let place = Place::new();
    let words =
        ["--feature", INSTANTANEOUS, "--feature", "response*1e3", "--bins", "4", "--bins", "3", "--json"];
    let run =
        tuning(&place, &[&words[..], &["--range", "0:140", "--range", "-90:60", "--out", "out"]].concat());
    let map = run.ended(0).json()["curves"][0].clone();
    assert_eq!(map["features"][0]["edges"], serde_json::json!([0.0, 35.0, 70.0, 105.0, 140.0]));
    assert_eq!(map["features"][1]["edges"], serde_json::json!([-90.0, -40.0, 10.0, 60.0]));
    let (occupancy, spikes) =
        (numbers(&map["occupancy_samples"]), numbers(&map["targets"][0]["spike_counts"]));
    assert_eq!((occupancy.len(), spikes.len()), (12, 12));
    // summed over the second feature it is the curve of the first
    let words = ["--feature", INSTANTANEOUS, "--bins", "4", "--range", "0:140", "--json"];
    let curve = tuning(&place, &words).ended(0).json()["curves"][0].clone();
    let sums = |values: &[f64]| values.chunks(3).map(|chunk| chunk.iter().sum()).collect::<Vec<f64>>();
    assert_eq!(sums(&occupancy), numbers(&curve["occupancy_samples"]));
    assert_eq!(sums(&spikes), numbers(&curve["targets"][0]["spike_counts"]));
    let table = Table::read(&place.path("out/tuning.csv"));
    let names = ["feature", "feature_2", "target", "from", "to", "centre", "from_2", "to_2", "centre_2"];
    assert_eq!(table.names()[..9], names);
    assert_eq!(table.n_rows(), 12);
    assert_eq!(table.numbers("from_2")[..4], [-90.0, -40.0, 10.0, -90.0]);
    assert_eq!(table.numbers("from")[..4], [0.0, 0.0, 0.0, 35.0]);
    assert_eq!(table.numbers("spikes"), spikes);
}

#[test]
fn units_columns_and_detected_spikes() {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let words = ["tuning", "r.nwb", "--epochs", "run", "--unit", "all", "--bins", "5", "--json", "--feature"];
    let both = place.run(&[&words[..], &["position"]].concat()).ended(0).json();
    let curves = both["curves"].as_array().unwrap();
    let labels: Vec<&str> = curves.iter().map(|c| c["features"][0]["name"].as_str().unwrap()).collect();
    assert_eq!(labels, ["position[0]", "position[1]"]);
    let names: Vec<&str> =
        curves[1]["targets"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["3", "5", "9"]);
    let alone = place.run(&[&words[..], &["position[1]"]].concat()).ended(0).json();
    assert_eq!(alone["curves"][0]["targets"], curves[1]["targets"]);
    // samples that are no number belong to no bin
    let holes = place.run(&[&words[..], &["holes"]].concat()).ended(0).json();
    let current = place.run(&[&words[..], &["current"]].concat()).ended(0).json();
    let n = |found: &Value| found["curves"][0]["n_samples"].as_u64().unwrap();
    assert_eq!(n(&current) - n(&holes), 3);
    let words = ["tuning", "r.nwb", "--epochs", "run", "--feature", "position", "--feature", "current"];
    let said =
        ["feature: expected one column for each side of a map, found 2 columns", "position[0], position[1]"];
    place.refused(&[&words[..], &["--unit", "3"]].concat(), 2, &said);

    let words = ["--epoch", "0", "--feature", INSTANTANEOUS, "--json"];
    let detected = ["--detect-spikes", "response", "--unit", "detected"];
    let run = tuning(&place, &[&words[..], &detected].concat()).ended(0);
    assert!(run.stderr.starts_with("note: 202 spikes detected in response"), "{run:?}");
    let detected = run.json();
    assert_eq!(detected["curves"][0]["targets"][0]["name"], "detected");
    let total = |target: &Value| numbers(&target["spike_counts"]).iter().sum::<f64>();
    assert_eq!(total(&detected["curves"][0]["targets"][0]), 40.0);
    assert_eq!(texts(&detected["notices"]).len(), 1);
}

#[test]
fn choices_that_cannot_be_carried_out() {
    let (place, file) = (Place::new(), tutorial());
    let feature = ["--feature", INSTANTANEOUS];
    for (choices, said) in [
        (&["--bins", "0"][..], ["bins: expected 1 or more, found 0", "--bins 15"]),
        (&["--bins", "3", "--bins", "4"], ["bins: expected one for each of 1 features, found 2", "help"]),
        (
            &["--range", "5:1"],
            ["range: expected two numbers a:b, the smaller one first, found `5:1`", "0:150"],
        ),
        (&["--range", "-5"], ["range: expected two numbers a:b", "help"]),
        (
            &["--range", "0:1", "--range", "0:2"],
            ["range: expected one for each of 1 features, found 2", "help"],
        ),
        (&["--unit", "7"], ["unit \"7\" does not exist in table units", "present are: 0"]),
        (&["--epoch", "3"], ["epoch: expected a number below 3", "help"]),
        (&["--epochs", "Noise 7"], ["epoch \"Noise 7\" does not exist", "did you mean Noise 1? present are"]),
        (
            &["--feature", "stimulu"],
            ["series \"stimulu\" does not exist", "did you mean stimulus? present are"],
        ),
        (
            &["--feature", "response", "--feature", "stimulus"],
            ["one feature, or two for a map, found 3", "help"],
        ),
        (
            &["--feature", "stimulus : raised-cosine-log(3)"],
            ["expected a series, `signal [*scale]`", "the basis"],
        ),
        (&["--feature", "stimulus@nearest"], ["expected a series", "what follows the @"]),
        (&["--detect-spikes", "response"], ["detect-spikes: expected a file without a units table", "help"]),
        (&["--bins", "100000000"], ["bins: expected 1 to 2^26, found 100000000", "help"]),
    ] {
        let words =
            [&["tuning", &file, "--epochs", "Noise 1"], &feature[..], choices, &["--out", "out"]].concat();
        place.refused(&words, 2, &said);
    }
    let words = ["tuning", &file, "--epochs", "Noise 1"];
    place.refused(&words, 2, &["feature: expected one feature, or two for a map, found nothing"]);
    let words = ["tuning", &file, "--feature", "stimulus"];
    place.refused(&words, 2, &["epochs: expected which epochs to use, found nothing"]);
    let words = ["tuning", &file, "--epochs", "Ramp", "--feature", "stimulus", "--bins", "1000000"];
    let said = ["a curve or map of 1000000 bins for each unit needs 32000000 bytes, 1000000 are allowed"];
    place.refused(&[&words[..], &["--memory-limit", "1MB"]].concat(), 1, &said);
    place.refused(&["tuning", "absent.nwb", "--feature", "x"], 3, &["absent.nwb: No such file"]);
    std::fs::write(place.path("d.csv"), "a,b\n1,2\n").unwrap();
    place.refused(&["tuning", "d.csv", "--feature", "a"], 3, &["d.csv: expected an NWB file (HDF5)"]);
    let words = ["tuning", &file, "--epochs", "Ramp", "--feature", "stimulus", "--out", "d.csv"];
    place.refused(&words, 1, &["d.csv: a file, where a folder is needed"]);
}
