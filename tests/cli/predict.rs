//! Predictions: files and summaries, with and without units, and what is refused.

use std::fs;

use rheobase::read::npz::{npz_names, read_npz};

use crate::array_fit::arrays;
use crate::csv_fit::tables;
use crate::recording_file::{write_recording, write_without_units};
use crate::table::Table;
use crate::{HISTORY, INSTANTANEOUS, Place, number, tutorial};

const WINDOW: &str = "spikes : raised-cosine-log(3, window=100ms)";

/// Fits unit 0 of the tutorial's first `Noise 1` into `out`.
fn fitted(features: &[&str]) -> Place {
    let (place, file) = (Place::new(), tutorial());
    let mut words = vec!["fit", &file, "--epochs", "Noise 1", "--epoch", "0", "--unit", "0", "--bin", "1ms"];
    words.extend(features.iter().flat_map(|feature| ["--feature", feature]));
    words.extend(["--out", "out", "--quiet"]);
    place.run(&words).ended(0);
    place
}

/// Bits of numbers, so that NaN equals NaN.
fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|x| if x.is_nan() { u64::MAX } else { x.to_bits() }).collect()
}

#[test]
fn a_prediction_of_the_fitted_bins_is_that_of_the_fit() {
    let (place, file) = (fitted(&[HISTORY]), tutorial());
    let run = place.run(&["predict", "out/model.json", &file, "--out", "new/rate.csv"]).ended(0);
    let note = "note: predicted on the epochs that were fitted; --epochs TAG chooses others\n";
    assert_eq!(run.stderr, format!("{note}prediction written to new/rate.csv\n"));
    assert!(run.stdout.contains("28020 bins of 1 ms, 27820 used (200 at window edges"), "{run:?}");
    assert!(run.stdout.contains("mean rate (Hz)") && run.stdout.contains(" 28020 ┆ 200 │"), "{run:?}");
    let (rates, bins) =
        (Table::read(&place.path("new/rate.csv")), Table::read(&place.path("out/tables/bins.csv")));
    assert_eq!(rates.names(), ["t_s", "epoch", "rate_hz_0", "expected_count_0"]);
    for column in ["t_s", "epoch", "rate_hz_0"] {
        let (found, expected) = (rates.numbers(column), bins.numbers(column));
        let far = |(a, b): (&f64, &f64)| (a - b).abs() / b.abs().max(f64::MIN_POSITIVE);
        assert!(found.iter().zip(&expected).all(|(a, b)| (a.is_nan() && b.is_nan()) || far((a, b)) < 1e-14));
        assert_eq!(found.iter().filter(|x| x.is_nan()).count(), if column == "rate_hz_0" { 200 } else { 0 });
    }
    let (hz, counts) = (rates.numbers("rate_hz_0"), rates.numbers("expected_count_0"));
    assert_eq!(bits(&hz), bits(&counts.iter().map(|count| count / 1e-3).collect::<Vec<_>>()));
}

#[test]
fn an_npz_file_holds_the_numbers_of_the_table() {
    let (place, file) = (fitted(&[HISTORY]), tutorial());
    let words = ["predict", "out/model.json", &file, "--epochs", "Noise 1", "--quiet", "--out"];
    assert_eq!(place.run(&[&words[..], &["r.csv"]].concat()).ended(0).stderr, "");
    place.run(&[&words[..], &["r.npz"]].concat()).ended(0);
    let (table, path) = (Table::read(&place.path("r.csv")), place.path("r.npz"));
    assert_eq!(npz_names(&path).unwrap(), ["t", "epoch", "rate_hz", "expected_count", "targets"]);
    for (array, column) in
        [("t", "t_s"), ("epoch", "epoch"), ("rate_hz", "rate_hz_0"), ("expected_count", "expected_count_0")]
    {
        let found = read_npz(&path, array, u64::MAX).unwrap();
        assert_eq!(
            bits(&found.values.into_f64().into_raw_vec_and_offset().0),
            bits(&table.numbers(column)),
            "{array}"
        );
    }
    assert_eq!(table.numbers("epoch").iter().filter(|&&epoch| epoch == 2.0).count(), 28020);
    // the same twice, to the byte
    let first = fs::read(&path).unwrap();
    place.run(&[&words[..], &["r.npz"]].concat()).ended(0);
    assert_eq!(fs::read(&path).unwrap(), first);
    let names = b"'descr': '<U1', 'fortran_order': False, 'shape': (1,), }";
    assert!(first.windows(names.len()).any(|bytes| bytes == names));
}

#[test]
fn a_summary_as_json() {
    let (place, file) = (fitted(&[HISTORY]), tutorial());
    let run = place.run(&["predict", "out/model.json", &file, "--epochs", "Ramp", "--json"]).ended(0);
    assert_eq!(run.stderr, "");
    let summary = run.json();
    assert_eq!((summary["n_bins"].as_u64(), summary["n_bins_edge"].as_u64()), (Some(34020), Some(200)));
    let target = &summary["targets"][0];
    assert_eq!((&target["name"], target["n_nan"].as_u64()), (&"0".into(), Some(200)));
    let [mean, lowest, highest] = ["mean", "lowest", "highest"].map(|name| {
        let (hz, count) = (&target[format!("{name}_rate_hz")], &target[format!("{name}_expected_count")]);
        assert!((number(hz) * 1e-3 / number(count) - 1.0).abs() < 1e-12);
        number(hz)
    });
    assert!(lowest > 0.0 && lowest < mean && mean < highest, "{target}");
    let command = summary["command"].as_str().unwrap();
    assert!(command.starts_with("rheobase predict out/model.json ") && command.contains("--epochs Ramp"));
}

#[test]
fn a_stimulus_is_enough_where_no_feature_is_made_of_spikes() {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    write_without_units(&place.path("bare.nwb"));
    let words = ["fit", "r.nwb", "--epochs", "run", "--bin", "10ms", "--feature", "current", "--quiet"];
    place.run(&[&words[..], &["--unit", "3", "--unit", "9", "--out", "out"]].concat()).ended(0);
    let predict = |file: &str, out: &str, more: &[&str]| {
        let words = ["predict", "out/model.json", file, "--epochs", "rest", "--quiet", "--out", out];
        place.run(&[&words[..], more].concat())
    };
    predict("r.nwb", "r.csv", &[]).ended(0);
    predict("bare.nwb", "bare.csv", &[]).ended(0);
    predict("bare.nwb", "all.csv", &["--unit", "all"]).ended(0);
    let text = |name: &str| fs::read_to_string(place.path(name)).unwrap();
    let header = "t_s,epoch,rate_hz_3,expected_count_3,rate_hz_9,expected_count_9\n";
    assert!(text("r.csv").starts_with(header), "{}", text("r.csv"));
    assert!(text("r.csv") == text("bare.csv") && text("r.csv") == text("all.csv"));
    predict("bare.nwb", "nine.csv", &["--unit", "9"]).ended(0);
    let (all, nine) = (Table::read(&place.path("bare.csv")), Table::read(&place.path("nine.csv")));
    assert_eq!(nine.names(), ["t_s", "epoch", "rate_hz_9", "expected_count_9"]);
    assert_eq!(nine.numbers("rate_hz_9"), all.numbers("rate_hz_9"));
    let words = ["predict", "out/model.json", "bare.nwb", "--epochs", "rest", "--unit", "5"];
    place.refused(&words, 2, &["target \"5\" does not exist in the model", "present are: 3, 9"]);
    // a score needs the spikes
    let words = ["score", "out/model.json", "bare.nwb", "--epochs", "rest"];
    place.refused(&words, 2, &["unit: expected a units table, found none in bare.nwb"]);
}

#[test]
fn features_of_spikes_need_them() {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    write_without_units(&place.path("bare.nwb"));
    let words = ["fit", "r.nwb", "--epochs", "run", "--unit", "3", "--bin", "10ms", "--feature", "current"];
    place.run(&[&words[..], &["--feature", WINDOW, "--out", "out", "--quiet"]].concat()).ended(0);
    let rates = |unit: &str| {
        let words = ["predict", "out/model.json", "r.nwb", "--unit", unit, "--out", "r.csv"];
        place.run(&words).ended(0);
        Table::read(&place.path("r.csv")).numbers(&format!("rate_hz_{unit}"))
    };
    assert_ne!(bits(&rates("3")), bits(&rates("5")));
    let words = ["predict", "out/model.json", "bare.nwb"];
    place.refused(
        &words,
        2,
        &["unit: expected a units table, found none in bare.nwb", "--detect-spikes SERIES"],
    );
    let words = ["predict", "out/model.json", "r.nwb", "--unit", "4"];
    place.refused(&words, 2, &["unit \"4\" does not exist in table units", "present are: 3, 5, 9"]);
}

#[test]
fn arrays_have_rows_and_no_time() {
    let place = arrays();
    place.run(&["fit", "d.npz", "--out", "out"]).ended(0);
    let bins = Table::read(&place.path("out/tables/bins.csv"));
    for file in ["d.npz", "X.npy"] {
        let run = place.run(&["predict", "out/model.json", file, "--out", "r.csv"]).ended(0);
        assert!(run.stdout.contains("mean expected count"), "{run:?}");
        let rows = Table::read(&place.path("r.csv"));
        assert_eq!(rows.names(), ["row", "expected_count_y"]);
        assert_eq!(rows.numbers("row"), bins.numbers("bin"));
        assert_eq!(rows.numbers("expected_count_y"), bins.numbers("expected_count_y"));
    }
    place.run(&["predict", "out/model.json", "d.npz", "--out", "r.npz"]).ended(0);
    assert_eq!(npz_names(&place.path("r.npz")).unwrap(), ["expected_count", "targets"]);
}

#[test]
fn columns_of_a_csv_file_are_found_by_name_and_missing_numbers_stay_missing() {
    let place = tables();
    place.run(&["fit", "d.csv", "--y", "count,licks", "--out", "out"]).ended(0);
    fs::write(place.path("x.csv"), "note,c c,\"a,b\",speed\nx,1,2,3\ny,1,NA,3\nz,0,0,0\n").unwrap();
    place.run(&["predict", "out/model.json", "x.csv", "--out", "r.csv"]).ended(0);
    let rows = Table::read(&place.path("r.csv"));
    assert_eq!(rows.names(), ["row", "expected_count_count", "expected_count_licks"]);
    let found = rows.numbers("expected_count_licks");
    let target = &crate::json(&place.path("out/model.json"))["fit"]["targets"][1];
    let (w, b) = (crate::numbers(&target["coef"]), number(&target["intercept"]));
    assert!((found[0] / (b + 3.0 * w[0] + 2.0 * w[1] + w[2]).exp() - 1.0).abs() < 1e-14);
    assert!(found[1].is_nan() && found[2] == b.exp(), "{found:?}");
    let json = place.run(&["predict", "out/model.json", "x.csv", "--json"]).ended(0).json();
    assert_eq!((json["n_bins_dropped"].as_u64(), json["targets"][1]["n_nan"].as_u64()), (Some(1), Some(1)));
    let words = ["predict", "out/model.json", "x.csv", "--nan", "error"];
    place.refused(&words, 3, &["x.csv: row 3, column \"a,b\": expected a finite number, found NaN"]);
    fs::write(place.path("other.csv"), "speed,pace\n1,2\n").unwrap();
    let said =
        ["other.csv: features: expected the columns of the model, found no column \"a,b\"", "speed, pace"];
    place.refused(&["predict", "out/model.json", "other.csv"], 3, &said);
    let said = ["--y: expected no counts, found \"speed\"", "leave it out"];
    place.refused(&["predict", "out/model.json", "x.csv", "--y", "speed"], 2, &said);
    let said = ["--unit: expected an NWB file, found x.csv"];
    place.refused(&["predict", "out/model.json", "x.csv", "--unit", "count"], 2, &said);
}

#[test]
fn files_that_cannot_be_written_are_refused_first() {
    let (place, file) = (fitted(&[INSTANTANEOUS]), tutorial());
    fs::create_dir(place.path("folder.csv")).unwrap();
    for (out, code, said) in [
        (
            "rate.txt",
            2,
            ["--out: expected a file that ends in .csv or .npz, found rate.txt", ".npz for numpy"],
        ),
        ("rate", 2, ["--out: expected a file that ends in .csv or .npz, found rate", "help"]),
        ("out/model.json/rate.csv", 1, ["out/model.json: a file, where a folder is needed", "another path"]),
        ("folder.csv", 1, ["folder.csv: a folder, where a file is to be written", "another path"]),
    ] {
        // the data do not exist: nothing was read before
        place.refused(&["predict", "out/model.json", "absent.nwb", "--out", out], code, &said);
    }
    let said = ["absent.nwb: No such file"];
    place.refused(&["predict", "out/model.json", "absent.nwb", "--out", "new/r.csv"], 3, &said);
    let said = ["data: expected an NWB file, as the model was fitted to, found d.npz"];
    place.refused(&["predict", "out/model.json", "d.npz"], 2, &said);
    let words = ["predict", "out/model.json", &file, "--epochs", "Noise 7"];
    place.refused(&words, 2, &["did you mean Noise 1? present are: Ramp, Noise 1"]);
    place.refused(
        &["predict", "out/model.json", &file, "--threads", "0"],
        2,
        &["threads: expected 1 or more"],
    );
}

#[test]
fn an_input_is_never_overwritten() {
    let place = tables();
    place.run(&["fit", "d.csv", "--y", "count", "--x", "speed", "--out", "out"]).ended(0);
    let before = fs::read(place.path("d.csv")).unwrap();
    let run = place.run(&["predict", "out/model.json", "d.csv", "--out", "./d.csv"]).ended(2);
    assert_eq!(
        run.stderr,
        "error: --out: expected the name of a new file, found an input (./d.csv)\nhelp: give another name: inputs are \
         never changed\n"
    );
    assert_eq!(fs::read(place.path("d.csv")).unwrap(), before);
}
