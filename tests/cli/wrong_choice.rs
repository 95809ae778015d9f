//! Choices that cannot be carried out: exit code 2, what is there instead, and no output.

use std::fs;

use crate::array_file::{Array, random_data, write_npz};
use crate::recording_file::write_recording;
use crate::{HISTORY, INSTANTANEOUS, Place, tutorial};

/// The tutorial's fit with some of its choices replaced or left out (an empty text).
fn fit<'a>(file: &'a str, changes: &[(&'a str, &'a str)]) -> Vec<&'a str> {
    let mut choices = vec![("--epochs", "Noise 1"), ("--unit", "0"), ("--bin", "1ms")];
    choices.extend([("--feature", INSTANTANEOUS), ("--out", "out")]);
    for &(option, value) in changes {
        match choices.iter_mut().find(|(known, _)| *known == option) {
            Some((_, old)) => *old = value,
            None => choices.push((option, value)),
        }
    }
    let mut words = vec!["fit", file];
    words.extend(choices.iter().filter(|(_, value)| !value.is_empty()).flat_map(|&(o, v)| [o, v]));
    words
}

#[test]
fn names_that_nothing_carries_are_answered_with_those_that_are_there() {
    let place = Place::new();
    let file = tutorial();
    let window = "stimulus : sine(8, window=200ms)";
    for (option, value, said) in [
        ("--epochs", "Noise 7", ["epoch \"Noise 7\"", "present are: Ramp, Noise 1, Noise 2, Test, epochs"]),
        (
            "--epochs",
            "epochs:side=left",
            ["column \"side\" does not exist in table epochs", "present are: tags"],
        ),
        ("--unit", "7", ["unit \"7\" does not exist in table units", "present are: 0"]),
        ("--unit", "cell", ["unit \"cell\"", "present are: 0"]),
        ("--unit", "detected", ["expected a unit of the file, found `detected`", "--detect-spikes SERIES"]),
        (
            "--feature",
            "stimulu",
            ["series \"stimulu\" does not exist in ", "present are: response, stimulus"],
        ),
        ("--feature", "epochs", ["expected the name of a series", "present are: response, stimulus"]),
        ("--feature", "stimulus[3]", ["column \"3\" does not exist in series stimulus", "present are: 0"]),
        ("--feature", window, ["basis \"sine\"", "present are: raised-cosine-log"]),
    ] {
        place.refused(&fit(&file, &[(option, value)]), 2, &said);
    }
}

#[test]
fn choices_that_are_missing() {
    let place = Place::new();
    let file = tutorial();
    for (option, said) in [
        ("--epochs", ["found nothing", "give --epochs one of: Ramp, Noise 1, Noise 2, Test, epochs"]),
        ("--bin", ["bin: expected the width of a bin, found nothing", "add --bin 1ms"]),
        ("--feature", ["feature: expected at least one feature, found nothing", "rheobase inspect "]),
    ] {
        place.refused(&fit(&file, &[(option, "")]), 2, &said);
    }
    write_recording(&place.path("three.nwb"));
    let words = fit("three.nwb", &[("--epochs", "run"), ("--unit", ""), ("--feature", "current")]);
    place.refused(&words, 2, &["unit: expected which unit to fit", "give --unit all, or one of: 3, 5, 9"]);
}

#[test]
fn bins_and_epochs_out_of_range() {
    let place = Place::new();
    let file = tutorial();
    for (option, value, said) in [
        ("--bin", "0ms", ["bin: expected a time above 0, found `0ms`", "write it like --bin 1ms"]),
        ("--bin", "0s", ["bin: expected a time above 0", "write it like --bin 1ms"]),
        ("--bin", "1", ["bin: expected a duration with its unit, found `1`", "add the unit: s, ms"]),
        ("--bin", "1parsec", ["bin: expected a duration with its unit", "the units are s, ms"]),
        ("--bin", "wide", ["bin: expected a duration with its unit", "write a number and a unit"]),
        (
            "--bin",
            "30s",
            ["bin: expected at most the longest epoch, which lasts 28.02 s, found 30 s", "shorter"],
        ),
        ("--bin", "100s", ["bin: expected at most the longest epoch", "choose longer epochs"]),
        ("--bin", "0.1ns", ["bin: expected at least 1 ns", "widen the bins"]),
        (
            "--epoch",
            "99",
            ["epoch: expected a number below 3 (they count from 0), found 99", "leave --epoch out"],
        ),
        ("--epoch", "3", ["epoch: expected a number below 3", "leave --epoch out"]),
        (
            "--epoch",
            "one",
            ["--epoch: expected a whole number, 0 or more, found `one`", "rheobase fit --help"],
        ),
    ] {
        place.refused(&fit(&file, &[(option, value)]), 2, &said);
    }
    for (option, value) in [("--bin", "-1ms"), ("--epoch", "-1"), ("--threads", "-2"), ("--tolerance", "-1")]
    {
        let said = ["an option or nothing more, found `-1`", "no option takes a number below 0"];
        let said = if option == "--threads" { ["found `-2`", said[1]] } else { said };
        place.refused(&fit(&file, &[(option, value)]), 2, &said);
    }
    let words = [&fit(&file, &[("--bin", "")])[..], &["--bin=-1ms"]].concat();
    place.refused(&words, 2, &["bin: expected a duration of 0 or more, found `-1ms`", "minus sign"]);
}

#[test]
fn windows_that_do_not_fit() {
    let place = Place::new();
    let file = tutorial();
    let of_window = |text: &str| format!("stimulus : raised-cosine-log(8, window={text})");
    for (window, said) in [
        (
            "30s",
            [
                "window: expected at most 28019 bins, as the longest epoch has 28020, found 30000 bins",
                "shorten",
            ],
        ),
        ("28.02s", ["window: expected at most 28019 bins", "shorten the window or choose longer epochs"]),
        (
            "200.5ms",
            ["window: expected a whole number of bins of 1ms", "200ms (200 bins) and 201ms (201 bins)"],
        ),
        ("0.3ms", ["window: expected a whole number of bins of 1ms", "the shortest window is 1ms (1 bin)"]),
        ("0ms", ["feature: expected a window above 0", "write it like window=200ms"]),
        ("200", ["window: expected a duration with its unit, found `200`", "add the unit"]),
    ] {
        let feature = of_window(window);
        place.refused(&fit(&file, &[("--feature", &feature)]), 2, &said);
    }
}

#[test]
fn features_by_which_the_present_would_predict_itself() {
    let place = Place::new();
    let file = tutorial();
    for feature in [
        "spikes",
        "spikes*2",
        "units",
        "spikes : raised-cosine-log(8)",
        "units : raised-cosine-log(8)",
        "spikes : raised-cosine-log(8, window=20ms, include-present=true)",
        "spikes : raised-cosine-log(8, window=20ms, causality=acausal)",
    ] {
        let said = ["a window that leaves out the present bin, or the target would predict itself", "window"];
        place.refused(&fit(&file, &[("--feature", feature)]), 2, &said);
    }
    for feature in ["units-others", "units-others : raised-cosine-log(8, window=20ms)"] {
        let said =
            ["another unit in the recording for `units-others`, found unit 0 alone", "use its own past"];
        place.refused(&fit(&file, &[("--feature", feature)]), 2, &said);
    }
}

#[test]
fn features_that_cannot_be_read() {
    let place = Place::new();
    let file = tutorial();
    for (feature, said) in [
        ("stimulus*", "write the scale like stimulus*1e12"),
        ("stimulus*0", "a number other than 0"),
        ("stimulus :", "name a basis after the colon: raised-cosine-log"),
        ("stimulus : raised-cosine-log", "a basis with its n"),
        ("stimulus : raised-cosine-log(x)", "a whole number"),
        ("stimulus : raised-cosine-log(8, window=20ms", "close the parenthesis"),
        ("stimulus : raised-cosine-log(8, widnow=20ms)", "the parameters are n"),
        ("stimulus : raised-cosine-log(8, range=5:2)", "the smaller one first"),
        ("stimulus@best", "use one of: mean, linear, nearest"),
        ("'stimulus", "close the quote"),
        ("stimulus stimulus", "found `stimulus`"),
        (" ", "the name of a signal"),
    ] {
        place.refused(&fit(&file, &[("--feature", feature)]), 2, &[said]);
    }
    let said =
        ["error: feature: expected the name of a parameter, found `widnow=20ms)`", "                    ^"];
    place.refused(&fit(&file, &[("--feature", "x : raised-cosine-log(8, widnow=20ms)")]), 2, &said);
}

#[test]
fn numbers_out_of_their_domain() {
    let place = Place::new();
    let file = tutorial();
    for (option, value, said) in [
        ("--tolerance", "0", "tolerance: expected a number between 0 and 1, found 0"),
        ("--tolerance", "1", "tolerance: expected a number between 0 and 1, found 1"),
        ("--tolerance", "nan", "tolerance: expected a number between 0 and 1, found NaN"),
        ("--tolerance", "small", "--tolerance: expected a number, found `small`"),
        ("--threads", "0", "threads: expected 1 or more, found 0"),
        ("--max-iterations", "0", "max-iterations: expected 1 or more, found 0"),
        ("--time-limit", "0s", "time-limit: expected a positive time, found 0"),
        ("--time-limit", "5", "time: expected a duration with its unit, found `5`"),
        ("--memory-limit", "5", "memory limit: expected a size with its unit, found `5`"),
        ("--memory-limit", "0GB", "memory limit: expected a size of at least one byte"),
        ("--solver", "sgd", "--solver: expected one of auto, lbfgs, newton, found `sgd`"),
        ("--nan", "ignore", "--nan: expected one of drop, error, found `ignore`"),
    ] {
        place.refused(&fit(&file, &[(option, value)]), 2, &[said]);
    }
    let said = ["/units/spike_times needs 1616 bytes, 1000 are allowed", "raise `--memory-limit`"];
    place.refused(&fit(&file, &[("--memory-limit", "1kB")]), 1, &said);
    // one read takes 4.5 MB, 24 columns 10.8 MB with their design
    let words = fit(&file, &[("--epoch", "0"), ("--memory-limit", "5MB"), ("--feature", HISTORY)]);
    let words = [&words[..], &["--feature", HISTORY, "--feature", HISTORY]].concat();
    place.refused(
        &words,
        1,
        &["24 columns of features in 28020 bins needs 10836480 bytes", "raise `--memory-limit`"],
    );
    let with = |n: &str| format!("stimulus : raised-cosine-log({n}, window=200ms)");
    let said = "100000 columns of features in 84060 bins needs ";
    place.refused(&fit(&file, &[("--feature", &with("100000"))]), 1, &[said, "use fewer features"]);
    for n in ["100001", "1000000000", "18446744073709551615"] {
        let said = format!("number of functions of raised-cosine-log: expected at most 100000, found {n}");
        place.refused(&fit(&file, &[("--feature", &with(n))]), 2, &[&said, "give 5 to 10 functions"]);
    }
}

#[test]
fn a_device_that_is_not_there() {
    let place = Place::new();
    let file = tutorial();
    for (option, value) in [("--backend", "gpu"), ("--device", "no such card")] {
        let words = fit(&file, &[(option, value)]);
        let said = if cfg!(feature = "gpu") { "no GPU to use: looked for" } else { "the feature `gpu`" };
        place.refused(&words, 5, &[said, "use `--backend cpu`"]);
        place.refused(&["score", "m.json", &file, option, value], 5, &["--backend cpu"]);
    }
    let words = fit(&file, &[("--backend", "gpu"), ("--precision", "f64")]);
    place.refused(&words, 2, &["--precision: expected f32 or auto", "--backend cpu"]);
    let words = fit(&file, &[("--backend", "cpu"), ("--device", "card")]);
    place.refused(&words, 2, &["--device: expected no device beside --backend cpu"]);
}

#[test]
fn an_output_folder_that_cannot_be_made() {
    let place = Place::new();
    let file = tutorial();
    fs::write(place.path("taken"), "").unwrap();
    for out in ["taken", "taken/out", "taken/a/b"] {
        let said = ["taken: a file, where a folder is needed", "choose another path"];
        place.refused(&fit(&file, &[("--out", out)]), 1, &said);
        place.refused(&["score", "m.json", &file, "--out", out], 1, &said);
        place.refused(&["demo", "--out", out], 1, &said);
    }
    place.refused(&fit(&file, &[("--out", "/proc/out")]), 1, &["/proc/out: cannot be made"]);
}

#[test]
fn spikes_that_are_sorted_already_or_cannot_be_detected() {
    let place = Place::new();
    let file = tutorial();
    let detect = ("--detect-spikes", "response");
    let said =
        ["a file without a units table, or --unit detected, found the table units", "leave --detect-spikes"];
    place.refused(&fit(&file, &[detect, ("--unit", "")]), 2, &said);
    let said = ["expected `detected`, the one unit that --detect-spikes makes, found `0`", "--unit detected"];
    place.refused(&fit(&file, &[detect]), 2, &said);
    let detected = ("--unit", "detected");
    let words = fit(&file, &[("--detect-spikes", "voltage"), detected]);
    place.refused(&words, 2, &["series \"voltage\"", "present are: response, stimulus"]);
    // a current has no spikes to detect: its unit says so
    let run = place.refused(&fit(&file, &[("--detect-spikes", "stimulus"), detected]), 2, &["volt"]);
    assert!(run.stderr.contains("stimulus"), "{}", run.stderr);
}

#[test]
fn options_of_the_other_kind_of_data() {
    let place = Place::new();
    let file = tutorial();
    for (option, value) in [("--x", "X"), ("--y", "y")] {
        let said =
            [&*format!("{option}: expected arrays, found \"{value}\" for an NWB file"), "leave it out"];
        place.refused(&fit(&file, &[(option, value)]), 2, &said);
    }
    let (x, y) = random_data();
    write_npz(&place.path("d.npz"), &[("X", Array::matrix(3, &x)), ("counts", Array::vector(&y))]);
    fs::write(place.path("X.npy"), Array::matrix(3, &x).bytes()).unwrap();
    for (option, value) in [
        ("--epochs", "run"),
        ("--epoch", "0"),
        ("--unit", "0"),
        ("--detect-spikes", "v"),
        ("--bin", "1ms"),
        ("--feature", "X"),
    ] {
        let said = format!("{option}: expected an NWB file, found d.npz");
        place.refused(&["fit", "d.npz", "--y", "counts", option, value], 2, &[&said, "leave it out"]);
    }
    let said =
        "--y: expected the name of an array of d.npz (X, counts), found nothing, and no array is called y";
    place.refused(&["fit", "d.npz"], 2, &[said, "name it: --y NAME"]);
    let words = ["fit", "d.npz", "--x", "Z", "--y", "counts"];
    place.refused(&words, 2, &["array \"Z\" does not exist in d.npz", "present are: X, counts"]);
    place.refused(&["fit", "X.npy"], 2, &["--y: expected the npy file that holds the counts", "--y y.npy"]);
}
