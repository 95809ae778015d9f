//! `fit study.toml`: the options of `fit` as a file.

use std::fs;

use serde_json::Value;

use crate::array_file::{Array, random_data, write_npz};
use crate::array_fit::arrays;
use crate::{Place, number, tutorial};

/// A study of the tutorial's first model, with more lines behind it.
fn write_study(place: &Place, more: &str) {
    let file = tutorial();
    let study = format!(
        "data = {file:?}\nepochs = [\"Noise 1\"]\nepoch = 0\nunit = [0]\nbin = \"1ms\"\n\
         feature = [\"stimulus*1e12\"] # per picoampere\n{more}\n"
    );
    fs::write(place.path("study.toml"), study).unwrap();
}

/// What a fit found, to the last bit, and the command that says it.
fn found(document: &Value) -> (Value, Value) {
    (document["command"].clone(), document["targets"].clone())
}

/// The options of a fit that can be compared with those of another.
fn typed(more: &[&str]) -> Vec<String> {
    let file = tutorial();
    let words = [
        "fit",
        &file,
        "--epochs",
        "Noise 1",
        "--epoch",
        "0",
        "--unit",
        "0",
        "--bin",
        "1ms",
        "--feature",
        "stimulus*1e12",
    ];
    words.iter().chain(more).map(ToString::to_string).collect()
}

fn run(place: &Place, words: &[String]) -> crate::Run {
    place.run(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn a_study_is_what_was_typed() {
    let place = Place::new();
    write_study(&place, "json = true");
    let study = place.run(&["fit", "study.toml"]).ended(0);
    assert_eq!(study.stderr, "");
    let same = run(&place, &typed(&["--json"])).ended(0).json();
    assert_eq!(found(&study.json()), found(&same));
    assert_eq!(study.json()["study_toml"], same["study_toml"]);
}

#[test]
fn single_values_and_lists_are_both_taken() {
    let place = Place::new();
    let file = tutorial();
    let study = format!(
        "data = {file:?}\nepochs = 'Noise 1'\nepoch = 0x0\nunit = \"all\"\nbin = '1ms'\nfeature = 'stimulus*1e12'\n\
         max-iterations = 1_00\ntolerance = 1e-1_4\ntime-limit = '1min'\njson = true\nexplain = false\n"
    );
    fs::write(place.path("study.toml"), study).unwrap();
    let document = place.run(&["fit", "study.toml"]).ended(0).json();
    assert_eq!(number(&document["tolerance"]), 1e-14);
    let command = document["command"].as_str().unwrap();
    assert!(command.contains("--unit all") && command.contains("--epoch 0 "), "{command}");
    assert!(
        command.ends_with("--tolerance 0.00000000000001 --max-iterations 100 --time-limit 60s"),
        "{command}"
    );
}

#[test]
fn what_is_typed_wins_and_replaces_lists() {
    let place = Place::new();
    write_study(&place, "solver = \"lbfgs\"\nquiet = true");
    let more =
        ["--solver", "newton", "--epoch", "2", "--feature", "spikes : raised-cosine-log(2, window=20ms)"];
    let text = place.run(&[&["fit", "study.toml", "--print-config"], &more[..]].concat()).ended(0).stdout;
    for line in [
        "solver = \"newton\"\n",
        "epoch = 2\n",
        "feature = [\"spikes : raised-cosine-log(2, window=20ms)\"]\n",
        "unit = [\"0\"]\n",
        "quiet = true\n",
    ] {
        assert!(text.contains(line), "{line:?} is not in {text}");
    }
    // options before the study as well
    let before = place.run(&[&["fit"], &more[..], &["--print-config", "study.toml"]].concat()).ended(0);
    assert_eq!(before.stdout, text);
}

#[test]
fn a_printed_study_reads_back_to_the_same_fit() {
    let place = Place::new();
    let more = [
        "--feature",
        "spikes : raised-cosine-log(3, window=250ms)",
        "--tolerance",
        "1e-14",
        "--solver",
        "lbfgs",
    ];
    let printed = run(&place, &typed(&[&more[..], &["--print-config"]].concat())).ended(0);
    assert_eq!(printed.stderr, "");
    fs::write(place.path("s.toml"), &printed.stdout).unwrap();
    let document = run(&place, &typed(&[&more[..], &["--json"]].concat())).ended(0).json();
    let again = place.run(&["fit", "s.toml", "--json"]).ended(0).json();
    assert_eq!(found(&document), found(&again));
    let [a, b] = [&document, &again].map(|document| document["study_toml"].as_str().unwrap().to_string());
    assert_eq!(a, b);
    // printed again it is the same text, and what a result holds differs by the switch that was typed
    let twice = place.run(&["fit", "s.toml", "--print-config"]).ended(0);
    assert_eq!(twice.stdout, printed.stdout);
    let set: Vec<&str> = printed.stdout.lines().filter(|line| !line.starts_with('#')).collect();
    let set = set.join("\n") + "\n";
    assert_eq!(a, set.replace("json = false", "json = true"));
}

#[test]
fn every_option_is_printed_in_the_order_of_the_help() {
    let place = Place::new();
    let printed = place.run(&["fit", "recording.nwb", "--print-config"]).ended(0);
    let key = |line: &str| line.trim_start_matches("# ").split(' ').next().unwrap().to_string();
    let keys: Vec<String> = printed.stdout.lines().skip(1).map(key).collect();
    let help = place.run(&["fit", "--help"]).ended(0).stdout;
    let option = |line: &str| Some(line.trim().strip_prefix("--")?.split(' ').next()?.to_string());
    let options: Vec<String> = help
        .lines()
        .take_while(|line| !line.starts_with("Features:"))
        .filter(|line| line.starts_with("      --"))
        .filter_map(option)
        .collect();
    let expected: Vec<&str> = std::iter::once("data")
        .chain(options.iter().map(String::as_str))
        // what is of one run, not of a study
        .filter(|o| !["print-config", "resume"].contains(o))
        .collect();
    assert_eq!(keys, expected);
    assert!(keys.len() > 20);
    for line in [
        "data = \"recording.nwb\"\n",
        "nan = \"drop\"\n",
        "solver = \"auto\"\n",
        "json = false\n",
        "# bin = TIME  #",
    ] {
        assert!(printed.stdout.contains(line), "{line:?} is not in {}", printed.stdout);
    }
    assert!(crate::files_under(&place.path("")).is_empty());
}

#[test]
fn awkward_texts_survive() {
    let place = Place::new();
    let awkward = "it's \"2*I\" \\ é\n\t#[x] = 1";
    for option in ["--epochs", "--detect-spikes", "--out", "--unit", "--x"] {
        for value in [awkward, "-5", "--json", "7", "true", "[]", "'''", "\"\"\""] {
            let word = format!("{option}={value}");
            let printed = place.run(&["fit", "odd.npz", &word, "--print-config"]).ended(0);
            fs::write(place.path("s.toml"), &printed.stdout).unwrap();
            let again = place.run(&["fit", "s.toml", "--print-config"]).ended(0);
            assert_eq!(again.stdout, printed.stdout, "{word}");
        }
    }
    // a path that looks like an option
    let printed = place.run(&["fit", "--print-config", "--", "-odd.npz"]).ended(0).stdout;
    assert!(printed.contains("data = \"-odd.npz\"\n"), "{printed}");
    fs::write(place.path("s.toml"), &printed).unwrap();
    assert_eq!(place.run(&["fit", "s.toml", "--print-config"]).ended(0).stdout, printed);
}

#[test]
fn paths_are_those_of_the_command_line() {
    let place = arrays();
    fs::create_dir(place.path("sub")).unwrap();
    fs::write(place.path("sub/s.toml"), "data = \"d.npz\"\nout = \"results\"\nquiet = true\n").unwrap();
    place.run(&["fit", "sub/s.toml"]).ended(0);
    assert!(place.path("results/fit.json").exists() && !place.path("sub/results").exists());
    // the same file beside the study is not found, but seen
    fs::rename(place.path("d.npz"), place.path("sub/d.npz")).unwrap();
    let run = place.refused(&["fit", "sub/s.toml"], 3, &[]);
    assert_eq!(
        run.stderr,
        "error: sub/s.toml: data: d.npz does not exist in the folder where the command runs\n\
         help: run it in sub, or write data = \"sub/d.npz\"\n"
    );
    // printing needs no data
    place.run(&["fit", "sub/s.toml", "--print-config"]).ended(0);
    let run = place.refused(&["fit", "absent.toml"], 3, &[]);
    assert_eq!(
        run.stderr,
        "error: absent.toml: No such file or directory (os error 2)\nhelp: check the path\n"
    );
}

#[test]
fn a_study_of_arrays_fits_them() {
    let place = Place::new();
    let (x, y) = random_data();
    write_npz(&place.path("d.npz"), &[("design", Array::matrix(3, &x)), ("n", Array::vector(&y))]);
    fs::write(place.path("s.toml"), "data = \"d.npz\"\nx = \"design\"\ny = \"n\"\n").unwrap();
    let study = place.run(&["fit", "s.toml", "--json"]).ended(0).json();
    let same = place.run(&["fit", "d.npz", "--x", "design", "--y", "n", "--json"]).ended(0).json();
    assert_eq!(found(&study), found(&same));
}
