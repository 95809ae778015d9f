//! Words that are no command, no option or no value; help and version.

use crate::{Place, tutorial};

#[test]
fn words_that_mean_nothing() {
    let place = Place::new();
    let file = tutorial();
    for (words, said) in [
        (
            &["frobnicate"][..],
            [
                "command \"frobnicate\" does not exist",
                "present are: demo, inspect, fit, score, check, predict, simulate, export, tuning, devices, bench, completions, man",
            ],
        ),
        (&["fit"], ["rheobase fit: expected <DATA>, found nothing", "see `rheobase fit --help`"]),
        (&["score"], ["rheobase score: expected <MODEL> and <DATA>", "see `rheobase score --help`"]),
        (&["score", "m.json"], ["rheobase score: expected <DATA>", "see `rheobase score --help`"]),
        (&["inspect"], ["rheobase inspect: expected <FILE>", "see `rheobase inspect --help`"]),
        (&["predict", "m.json"], ["rheobase predict: expected <DATA>", "see `rheobase predict --help`"]),
        (&["export", "m.json"], ["rheobase export: expected --to <PROGRAM> and <OUT>", "export --help"]),
        (
            &["export", "m.json", "--to", "nemo", "o.npz"],
            ["--to: expected one of nemos, found `nemo`", "did you mean nemos? see"],
        ),
        (&["bench", "tune"], ["command \"tune\" does not exist in rheobase bench", "present are: serve"]),
        (&["bench", "serve"], ["rheobase bench serve: expected <DATA>", "see `rheobase bench serve --help`"]),
        (
            &["bench", "serve", &file, "--fold", "5"],
            ["\"--fold\" does not exist in `rheobase bench serve`", "--solver"],
        ),
        (&["bench", "--workload", "z"], ["--workload: expected one of a, b", "see `rheobase bench --help`"]),
        (
            &["bench", "--workload", "f3"],
            ["--workload: expected one of a, b", "did you mean f30 or f300? see"],
        ),
        (&["bench", "--workload", "c-fot"], ["found `c-fot`", "did you mean c-fit? see"]),
        (
            &["bench", "--threads-sweep", "--threads", "2"],
            ["--threads-sweep: expected it without --threads", "keep one"],
        ),
        (&["bench", "--each-line"], ["--each-line: expected one workload, found 15", "--workload c"]),
        (&["tuning"], ["rheobase tuning: expected <FILE>", "see `rheobase tuning --help`"]),
        (&["tuning", &file, "--device", "x"], ["\"--device\" does not exist in `rheobase tuning`", "--bins"]),
        (&["predict", "m.json", &file, "--solver", "x"], ["\"--solver\" does not exist", "--memory-limit"]),
        (&["fit", &file, "--epoch"], ["--epoch: expected a value, found nothing", "give one after --epoch"]),
        (&["fit", ""], ["<DATA>: expected a value, found nothing", "give the path of a file"]),
        (&["fit", &file, "--fold", "5"], ["option \"--fold\" does not exist in `rheobase fit`", "--feature"]),
        (
            &["inspect", &file, "--unit", "0"],
            ["\"--unit\" does not exist in `rheobase inspect`", "--check, --json"],
        ),
        (&["--quiet"], ["option \"--quiet\" does not exist in `rheobase`", "help: "]),
        (
            &["fit", &file, "more"],
            ["rheobase fit: expected an option or nothing more, found `more`", "in quotes"],
        ),
        (&["fit", &file, "-x"], ["found `-x`", "rheobase fit --help"]),
        (&["fit", &file, "-é"], ["found `-", "rheobase fit --help"]),
        (&["fit", &file, "--bin", "1ms", "--bin", "2ms"], ["--bin: expected it once", "keep one of them"]),
        (&["demo", "--seed", "x"], ["--seed: expected a whole number, 0 or more, found `x`", "demo --help"]),
        (&["demo", "--seed", "99999999999999999999999"], ["--seed: expected a whole number", "demo --help"]),
    ] {
        place.refused(words, 2, &said);
    }
}

#[test]
fn help_and_version_go_to_stdout() {
    let place = Place::new();
    let version = place.run(&["--version"]).ended(0);
    assert_eq!(version.stdout, format!("rheobase {}\n", env!("CARGO_PKG_VERSION")));
    for words in [
        &["--help"][..],
        &["fit", "--help"],
        &["help", "score"],
        &["inspect", "-h"],
        &["demo", "-h"],
        &["predict", "--help"],
        &["export", "-h"],
        &["tuning", "-h"],
        &["devices", "-h"],
        &["bench", "--help"],
        &["bench", "serve", "-h"],
    ] {
        let help = place.run(words).ended(0);
        assert!(help.stdout.contains("Usage: rheobase") && help.stderr.is_empty(), "{help:?}");
    }
    let nothing = place.run(&[]).ended(2);
    assert!(nothing.stderr.contains("Usage: rheobase") && nothing.stdout.is_empty(), "{nothing:?}");
}

#[cfg(unix)]
#[test]
fn words_that_are_no_text() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    let name = OsStr::from_bytes(b"a\xff.nwb");
    let mut command = place.command(env!("CARGO_BIN_EXE_rheobase"));
    let run = crate::Run::of(command.arg("inspect").arg(name)).ended(3);
    assert!(run.stderr.contains("No such file"), "{run:?}");
    let mut command = place.command(env!("CARGO_BIN_EXE_rheobase"));
    let run = crate::Run::of(command.args(["fit", "a.nwb", "--unit"]).arg(name)).ended(2);
    assert_eq!(run.stderr.lines().count(), 2, "{run:?}");
    assert!(run.stderr.starts_with("error: ") && run.stderr.contains("\nhelp: "), "{run:?}");
}
