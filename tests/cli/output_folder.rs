//! The folder of results: complete, tied together, and nothing else in it touched.

use std::fs;
use std::process::Command;

use rheobase::write::save::mixed_files;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::array_fit::arrays;
use crate::recording_file::write_recording;
use crate::{HISTORY, Place, Run, files_under, json, number, numbers, texts, tutorial, without_figures};

const FILES: [&str; 8] = [
    "fit.json",
    "model.json",
    "report.html",
    "tables/",
    "tables/bins.csv",
    "tables/features.csv",
    "tables/filters.csv",
    "tables/tuning.csv",
];

fn fitted(place: &Place) -> Map<String, Value> {
    let file = tutorial();
    let mut words = vec!["fit", &file, "--epochs", "Noise 1", "--epoch", "0", "--unit", "0", "--bin", "1ms"];
    words.extend(["--feature", HISTORY, "--out", "deep/out"]);
    place.run(&words).ended(0);
    json(&place.path("deep/out/fit.json")).as_object().unwrap().clone()
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits: Vec<String> = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

/// Paths of all nulls in a document.
fn nulls(value: &Value, path: &str) -> Vec<String> {
    match value {
        Value::Null => vec![path.to_string()],
        Value::Array(items) => items.iter().flat_map(|item| nulls(item, path)).collect(),
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, field)| nulls(field, &format!("{path}/{name}"))).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn every_field_is_there_and_no_number_is_null() {
    let place = Place::new();
    let fit = fitted(&place);
    let expected = [
        "schema",
        "version",
        "command",
        "input",
        "study_toml",
        "seed",
        "backend",
        "device",
        "device_events",
        "observation",
        "link",
        "regularizer",
        "solver",
        "precision",
        "tolerance",
        "n_bins",
        "n_bins_used",
        "n_bins_edge",
        "n_bins_dropped",
        "left_out",
        "bin_s",
        "features",
        "labels",
        "targets",
        "seconds",
        "peak_memory_bytes",
        "condition",
        "rank",
        "identifiability",
        "plan",
        "notices",
        "goodness",
        "files",
    ];
    assert_eq!(fit.keys().collect::<Vec<_>>(), expected);
    assert_eq!(fit["schema"], 1);
    assert_eq!(fit["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&fit["backend"], &fit["precision"]), (&"cpu".into(), &"f32".into()));
    assert_eq!(number(&fit["bin_s"]), 0.001);
    assert_eq!(number(&fit["tolerance"]), 1e-16);
    assert_eq!(fit["rank"], 8);
    assert!(number(&fit["condition"]) > 1.0 && !fit["device"].as_str().unwrap().is_empty());
    assert_eq!(fit["input"]["path"], tutorial());
    assert_eq!(fit["input"]["sha256"], hexadecimal(&fs::read(tutorial()).unwrap()));
    let target = fit["targets"][0].as_object().unwrap();
    let expected = [
        "name",
        "status",
        "coef",
        "intercept",
        "standard_errors",
        "intercept_standard_error",
        "kkt_residual",
        "loss_gap",
        "gap_from",
        "loss",
        "iterations",
        "passes",
        "n_bins_used",
        "gap_scale",
        "scale",
        "dof_resid",
        "log_likelihood",
        "log_likelihood_sum",
        "deviance",
        "pseudo_r2_mcfadden",
        "pseudo_r2_cohen",
        "aliased",
        "warnings",
        "history",
        "z",
        "p_value",
    ];
    assert_eq!(target.keys().collect::<Vec<_>>(), expected);
    assert_eq!((numbers(&target["coef"]).len(), numbers(&target["standard_errors"]).len()), (8, 8));
    let seconds = fit["seconds"].as_object().unwrap();
    assert_eq!(
        seconds.keys().collect::<Vec<_>>(),
        ["read", "features", "fit", "inference", "history", "total"]
    );
    assert!(seconds.values().all(|seconds| number(seconds) >= 0.0));
    let parts: f64 = ["read", "features", "fit", "inference"].map(|part| number(&seconds[part])).iter().sum();
    assert!(parts <= number(&seconds["total"]), "{seconds:?}");
    let bytes = fit["peak_memory_bytes"].as_u64().unwrap();
    assert!((10_000_000..1_000_000_000).contains(&bytes), "{bytes}");
    assert!(fit["plan"]["reason"].is_string() && fit["plan"]["n_rows"] == 27820);
    // no random numbers were used
    assert_eq!(nulls(&Value::Object(fit), ""), ["/seed"]);
}

#[test]
fn no_number_is_null_where_it_is_not_finite() {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let words =
        ["fit", "r.nwb", "--epochs", "silence", "--unit", "all", "--bin", "10ms", "--feature", "current"];
    place.run(&[&words[..], &["--out", "silent"]].concat()).ended(4);
    let words = ["fit", "r.nwb", "--epochs", "run", "--unit", "3", "--bin", "10ms", "--feature", "current"];
    let more = ["--standard-errors", "off", "--out", "off"];
    place.run(&[&words[..], &more].concat()).ended(0);
    for out in ["silent", "off"] {
        let fit = json(&place.path(&format!("{out}/fit.json")));
        assert_eq!(nulls(&fit, ""), ["/seed"], "{out}");
        assert_eq!(fit["condition"], "NaN");
    }
    let off = json(&place.path("off/fit.json"));
    assert_eq!(off["inference_left_out"], "not asked for");
    assert_eq!(texts(&off["targets"][0]["standard_errors"]), ["NaN"]);
    assert_eq!(off["targets"][0]["gap_from"], "flat_gram");
}

#[test]
fn the_files_are_those_that_are_listed() {
    let place = Place::new();
    let fit = fitted(&place);
    let out = place.path("deep/out");
    assert_eq!(without_figures(files_under(&out)), FILES.map(String::from).into());
    let files = fit["files"].as_object().unwrap();
    assert_eq!(files.len() + 1, files_under(&out).iter().filter(|name| !name.ends_with('/')).count());
    for (name, sha256) in files {
        assert_eq!(*sha256, hexadecimal(&fs::read(out.join(name)).unwrap()), "{name}");
    }
    assert!(mixed_files(&out).unwrap().is_empty());
    fs::write(out.join("tables/bins.csv"), "t\n").unwrap();
    assert_eq!(mixed_files(&out).unwrap(), ["tables/bins.csv"]);
}

#[test]
fn a_second_run_replaces_its_files_and_no_others() {
    let place = arrays();
    place.run(&["fit", "d.npz", "--out", "out"]).ended(0);
    fs::write(place.path("out/notes.txt"), "mine").unwrap();
    fs::write(place.path("out/tables/mine.csv"), "a\n1\n").unwrap();
    let first = json(&place.path("out/fit.json"));
    place.run(&["fit", "d.npz", "--out", "out", "--solver", "lbfgs", "--tolerance", "1e-6"]).ended(0);
    let second = json(&place.path("out/fit.json"));
    assert_ne!(first["targets"], second["targets"]);
    assert_eq!(second["solver"], "lbfgs");
    assert_eq!(fs::read(place.path("out/notes.txt")).unwrap(), b"mine");
    assert_eq!(fs::read(place.path("out/tables/mine.csv")).unwrap(), b"a\n1\n");
    assert_eq!(without_figures(files_under(&place.path("out"))).len(), 8);
    assert!(mixed_files(&place.path("out")).unwrap().is_empty());
    // a run that fails leaves the results of the one before
    place.refused(&["fit", "d.npz", "--out", "out", "--x", "Z"], 2, &["\"Z\""]);
    assert_eq!(json(&place.path("out/fit.json")), second);
}

#[test]
fn without_out_nothing_is_written() {
    let place = arrays();
    let before = files_under(&place.path(""));
    place.run(&["fit", "d.npz"]).ended(0);
    place.run(&["fit", "d.npz", "--json"]).ended(0);
    assert_eq!(files_under(&place.path("")), before);
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_nothing_of_the_run() {
    let place = arrays();
    let limited = |blocks: &str, out: &str| {
        // a limit on the size of files, in blocks of 512 bytes, with its signal ignored: writing fails
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" fit d.npz --out {out}");
        let mut command: Command = place.command("sh");
        Run::of(command.args(["-c", &script, env!("CARGO_BIN_EXE_rheobase")]))
    };
    let run = limited("10", "out").ended(1);
    assert!(run.stderr.starts_with("error: out/") && run.stderr.contains("\nhelp: "), "{run:?}");
    assert!(run.stdout.is_empty() && !place.path("out").exists(), "{run:?}");
    place.run(&["fit", "d.npz", "--out", "out"]).ended(0);
    let (before, files) = (json(&place.path("out/fit.json")), files_under(&place.path("out")));
    limited("10", "out").ended(1);
    assert_eq!((json(&place.path("out/fit.json")), files_under(&place.path("out"))), (before, files));
    assert!(mixed_files(&place.path("out")).unwrap().is_empty());
}
