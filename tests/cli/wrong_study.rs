//! Studies that cannot be carried out: what is said, word for word.

use std::fs;

use crate::Place;

/// The two lines that a study is refused with.
fn refusal(study: &[u8]) -> String {
    let place = Place::new();
    fs::write(place.path("s.toml"), study).unwrap();
    place.refused(&["fit", "s.toml"], 2, &[]).stderr
}

/// Studies of one good line and these, and what is said about them.
fn check(cases: &[(&str, &str, &str)]) {
    for (lines, error, help) in cases {
        let said = refusal(format!("data = \"r.nwb\"\n{lines}\n").as_bytes());
        assert_eq!(said, format!("error: s.toml, line {error}\nhelp: {help}\n"), "{lines}");
    }
}

const SEE: &str = "see `rheobase fit --help`";

#[test]
fn text_that_is_no_toml() {
    let rule = "write every option as `key = value`, texts in quotes; this line is";
    for (study, error, line) in [
        (
            "data = \"é\"\n  bin = 1ms\n",
            "line 2, column 9: expected TOML, found a mistake (string values must be quoted, expected literal string)",
            "bin = 1ms",
        ),
        (
            "data = \"a\"\nbin = \"1ms\"\nbin = \"2ms\"\n",
            "line 3, column 1: expected TOML, found a mistake (duplicate key)",
            "bin = \"2ms\"",
        ),
        (
            "bin = \"1ms",
            "line 1, column 11: expected TOML, found a mistake (invalid basic string, expected `\"`)",
            "bin = \"1ms",
        ),
    ] {
        assert_eq!(refusal(study.as_bytes()), format!("error: s.toml, {error}\nhelp: {rule} `{line}`\n"));
    }
    let said = refusal(b"data = \"\xff\"\n");
    assert_eq!(said, "error: s.toml: expected text in UTF-8, found other bytes\nhelp: save it as UTF-8\n");
}

#[test]
fn keys_that_are_no_options() {
    let place = Place::new();
    let printed = place.run(&["fit", "x", "--print-config"]).ended(0).stdout;
    let key = |line: &str| line.trim_start_matches("# ").split(' ').next().unwrap().to_string();
    let keys = printed.lines().skip(1).map(key).collect::<Vec<_>>().join(", ");
    for (key, meant) in [
        ("binn", "did you mean `bin`? "),
        ("Solver", "did you mean `solver`? "),
        ("detect_spikes", "did you mean `detect-spikes`? "),
        ("features", "did you mean `feature`? "),
        ("help", ""),
        ("study", ""),
        ("\"--bin\"", ""),
    ] {
        let said = refusal(format!("data = \"a\"\n\n{key} = 1\n").as_bytes());
        let bare = key.trim_matches('"');
        assert_eq!(
            said,
            format!(
                "error: s.toml, line 3: expected a key that is an option of `rheobase fit`, found `{bare}`\n\
                 help: {meant}the keys are: {keys}\n"
            )
        );
    }
    check(&[(
        "print-config = true",
        "2: expected a key that is an option of `rheobase fit`, found `print-config`",
        "leave it out and type it: rheobase fit FILE.toml --print-config",
    )]);
}

#[test]
fn values_of_another_type() {
    let sections = "a study has no sections: write every option as `key = value`";
    let quotes = "write it without quotes";
    check(&[
        ("[fit]\nbin = \"1ms\"", "2: fit: expected a value, found a table", sections),
        ("bin = { ms = 1 }", "2: bin: expected a value, found a table", sections),
        ("fit.bin = \"1ms\"", "2: fit: expected a value, found a table", sections),
        ("json = \"yes\"", "2: json: expected true or false, found the text \"yes\"", quotes),
        ("json = 1", "2: json: expected true or false, found `1`", quotes),
        ("epoch = [0]", "2: epoch: expected one value, found a list of 1", "keep one, without brackets"),
        (
            "solver = true",
            "2: solver: expected a text or a number, found `true`",
            "write texts in quotes: solver = \"..\"",
        ),
        (
            "time-limit = 2026-01-01",
            "2: time-limit: expected a text or a number, found `2026-01-01`",
            "write texts in quotes: time-limit = \"..\"",
        ),
        (
            "feature = [\"a\", [\"b\"]]",
            "2: feature: expected a text or a number, found a list of 1",
            "write texts in quotes: feature = \"..\"",
        ),
        ("out = 1", "2: out: expected a path, found `1`", "write it in quotes"),
    ]);
}

#[test]
fn values_that_the_option_does_not_take() {
    check(&[
        (
            "bin = 1",
            "2: bin: expected a duration with its unit, found `1`",
            "add the unit: s, ms, us, ns, min or h, as in 1ms",
        ),
        ("bin = \"0s\"", "2: bin: expected a time above 0, found `0s`", "write it like --bin 1ms"),
        (
            "memory-limit = 4",
            "2: memory-limit: expected a size with its unit, found `4`",
            "add the unit: B, kB, MB, GB, KiB, MiB or GiB, as in 2GB",
        ),
        ("epoch = 0.5", "2: epoch: expected a whole number, 0 or more, found `0.5`", SEE),
        ("epoch = -1", "2: epoch: expected a whole number, 0 or more, found `-1`", SEE),
        ("epoch = \"first\"", "2: epoch: expected a whole number, 0 or more, found `first`", SEE),
        ("tolerance = \"small\"", "2: tolerance: expected a number, found `small`", SEE),
        ("solver = \"fast\"", "2: solver: expected one of auto, lbfgs, newton, found `fast`", SEE),
        ("threads = 0", "2: threads: expected 1 or more, found 0", "leave it out to use all cores"),
    ]);
}

#[test]
fn data_that_are_missing_or_no_data() {
    assert_eq!(
        refusal(b"bin = \"1ms\"\n"),
        "error: s.toml: data: expected the file to fit, found nothing\n\
         help: add a line like data = \"recording.nwb\"\n"
    );
    assert_eq!(
        refusal(b"data = \"other.toml\"\n"),
        "error: s.toml, line 1: data: expected a file of data, found the text \"other.toml\"\n\
         help: a study cannot be the data of a study\n"
    );
    assert_eq!(
        refusal(b"data = [\"a.nwb\"]\n"),
        "error: s.toml, line 1: data: expected one value, found a list of 1\nhelp: keep one, without brackets\n"
    );
    assert_eq!(
        refusal(b"data = \"\"\n"),
        "error: s.toml, line 1: data: expected a value, found nothing\n\
         help: give the path of a file, or see `rheobase fit --help`\n"
    );
    // the first mistake of the file is the one that is told
    assert!(refusal(b"\nzeta = 1\nalpha = 1\n").starts_with("error: s.toml, line 2: "));
}
