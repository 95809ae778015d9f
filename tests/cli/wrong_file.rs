//! Files that cannot be used: exit code 3, what is wrong and what to do, and no output.

use std::fs;

use crate::array_file::{Array, N_ROWS, random_data, write_npz};
use crate::recording_file::{write_empty_units, write_recording, write_without_units};
use crate::{INSTANTANEOUS, Place, data, tutorial};

/// Words that fit the file if it is in order.
fn fit(file: &str) -> Vec<&str> {
    let mut words = vec!["fit", file, "--epochs", "Noise 1", "--unit", "0", "--bin", "1ms"];
    words.extend(["--feature", INSTANTANEOUS, "--out", "out"]);
    words
}

#[test]
fn a_recording_that_is_none() {
    let place = Place::new();
    fs::write(place.path("empty.nwb"), "").unwrap();
    let noise: Vec<u8> = (0..5000_u32).map(|i| (i * i % 251) as u8).collect();
    fs::write(place.path("noise.nwb"), noise).unwrap();
    fs::write(place.path("counts.txt"), "a,b\n1,2\n").unwrap();
    for (file, said) in [
        ("absent.nwb", ["absent.nwb: No such file", "help: check the path"]),
        ("absent.txt", ["absent.txt: No such file", "help: check the path"]),
        ("empty.nwb", ["empty.nwb: expected an NWB file (HDF5), found an empty file", "copy or download"]),
        ("noise.nwb", ["noise.nwb: expected an NWB file (HDF5)", "5000 bytes without an HDF5 signature"]),
        ("counts.txt", ["counts.txt: expected an NWB file (HDF5)", "stored as HDF5"]),
        (".", ["found a folder", "give the path of an NWB file"]),
        (&data("nwb/plain.h5"), ["found an HDF5 file without the attribute nwb_version", "export"]),
        (&data("nwb/nwb1.nwb"), ["expected an NWB 2 file, found an NWB 1 file", "export"]),
    ] {
        place.refused(&fit(file), 3, &said);
        place.refused(&["inspect", file], 3, &said);
        place.refused(&["inspect", file, "--check", "--json"], 3, &said);
    }
}

#[test]
fn a_recording_that_was_cut_short() {
    let place = Place::new();
    let whole = fs::read(tutorial()).unwrap();
    let expected = format!("expected {} bytes", whole.len());
    for n in [whole.len() - 1, whole.len() / 2, 1000] {
        fs::write(place.path("cut.nwb"), &whole[..n]).unwrap();
        place.refused(&fit("cut.nwb"), 3, &[&expected, &format!("found {n} bytes"), "truncated", "again"]);
    }
}

#[test]
fn a_recording_without_anything_to_explain() {
    let place = Place::new();
    write_without_units(&place.path("none.nwb"));
    write_empty_units(&place.path("empty.nwb"));
    let words = ["fit", "none.nwb", "--epochs", "run", "--bin", "10ms", "--feature", "current", "--out", "o"];
    place.refused(
        &words,
        2,
        &["unit: expected a units table, found none in none.nwb", "--detect-spikes SERIES"],
    );
    for unit in [&["--unit", "all"][..], &[]] {
        for feature in ["current", "units-others", "spikes : raised-cosine-log(3, window=50ms)"] {
            let mut words =
                vec!["fit", "empty.nwb", "--epochs", "run", "--bin", "10ms", "--feature", feature];
            words.extend(unit);
            place.refused(&words, 3, &["empty.nwb: units: the table has no unit", "--detect-spikes"]);
        }
    }
}

#[test]
fn series_that_are_not_numbers() {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let fit = |feature: &'static str| {
        let words = ["fit", "r.nwb", "--epochs", "run", "--unit", "3", "--bin", "10ms", "--feature"];
        [&words[..], &[feature, "--out", "out"]].concat()
    };
    let all_bad = &[
        "r.nwb: of 3950 bins, 0 lie at window edges or outside a range and 3950 have data that are not finite",
    ];
    place.refused(&fit("nothing"), 3, all_bad);
    place.refused(&[&fit("nothing")[..], &["--nan", "error"]].concat(), 3, &["r.nwb: feature nothing"]);
    let windowed = "nothing : raised-cosine-log(3, window=100ms)";
    let all_bad = &[
        "r.nwb: of 3950 bins, 20 lie at window edges or outside a range and 3930 have data",
        "inspect --check",
    ];
    place.refused(&fit(windowed), 3, all_bad);
    place.refused(&fit("nothing : raised-cosine-log(3)"), 3, &["nothing", "help: "]);
    let words = [&fit("holes")[..], &["--nan", "error"]].concat();
    place.refused(&words, 3, &["r.nwb: feature holes by bins: row 17, column 0 is NaN", "--nan drop"]);
    let words = [&fit("constant")[..], &["--feature", "holes", "--nan", "error"]].concat();
    place.refused(&words, 3, &["feature holes by bins: row 17, column 1 is NaN"]);
}

#[test]
fn arrays_that_are_none() {
    let place = Place::new();
    let (x, y) = random_data();
    write_npz(&place.path("d.npz"), &[("X", Array::matrix(3, &x)), ("y", Array::vector(&y))]);
    let whole = fs::read(place.path("d.npz")).unwrap();
    fs::write(place.path("cut.npz"), &whole[..whole.len() / 2]).unwrap();
    fs::write(place.path("text.npz"), "hello").unwrap();
    fs::write(place.path("text.npy"), "hello").unwrap();
    let x = Array::matrix(3, &x).bytes();
    fs::write(place.path("X.npy"), &x).unwrap();
    fs::write(place.path("cut.npy"), &x[..x.len() / 2]).unwrap();
    fs::write(place.path("y.npy"), Array::vector(&y).bytes()).unwrap();
    let out = |words: &[&'static str]| [&["fit"], words, &["--out", "out"]].concat();
    let npz = "numpy.savez";
    place.refused(&out(&["absent.npz"]), 3, &["absent.npz: No such file", "check the path"]);
    place.refused(&out(&["cut.npz"]), 3, &["cut.npz: expected an npz file", npz]);
    place.refused(&out(&["text.npz"]), 3, &["text.npz: expected an npz file", npz]);
    place.refused(&out(&["text.npy", "--y", "y.npy"]), 3, &["text.npy: expected a numpy array"]);
    place.refused(&out(&["cut.npy", "--y", "y.npy"]), 3, &["cut.npy: expected 9600 bytes", "truncated"]);
    place.refused(&out(&["X.npy", "--y", "cut.npy"]), 3, &["cut.npy", "truncated"]);
    place.refused(&out(&["X.npy", "--y", "absent.npy"]), 3, &["absent.npy: No such file"]);
    place.refused(
        &out(&["d.npz", "--memory-limit", "5kB"]),
        1,
        &["d.npz X needs 9600 bytes, 5000 are allowed"],
    );
}

#[test]
fn arrays_that_do_not_belong_together() {
    let place = Place::new();
    let (x, y) = random_data();
    let write = |name: &str, x: Array, y: Array| write_npz(&place.path(name), &[("X", x), ("y", y)]);
    let refused = |name: &str, said: &[&str]| {
        place.refused(&["fit", name, "--out", "out"], 3, said);
    };
    write("short.npz", Array::matrix(3, &x), Array::vector(&y[1..]));
    refused("short.npz", &["short.npz: y: rows, as the features have: expected length 400, found 399"]);
    write("turned.npz", Array::matrix(400, &x), Array::vector(&y));
    let said = ["turned.npz: X: features: expected 400 rows, as turned.npz: y has, found 3", "transposed"];
    refused("turned.npz", &said);
    fs::write(place.path("X.npy"), Array::matrix(3, &x).bytes()).unwrap();
    fs::write(place.path("y.npy"), Array::vector(&y[2..]).bytes()).unwrap();
    let words = ["fit", "X.npy", "--y", "y.npy", "--out", "out"];
    place.refused(
        &words,
        3,
        &["y.npy: rows, as the features have: expected length 400, found 398", "one entry"],
    );

    let mut negative = y.clone();
    negative[7] = -1.0;
    write("negative.npz", Array::matrix(3, &x), Array::vector(&negative));
    let said = "negative.npz: y: row 7, target 0: expected a count, 0 or more, found -1";
    refused("negative.npz", &[said, "check how the response was made"]);

    let nan = vec![f64::NAN; 3 * N_ROWS];
    write("nan.npz", Array::matrix(3, &nan), Array::vector(&y));
    refused("nan.npz", &["nan.npz: of 400 rows, 400 have data that are not finite, so none is left"]);
    write("zero.npz", Array::hollow(0, 3), Array::vector(&[]));
    refused("zero.npz", &["zero.npz: of 0 rows"]);
    write("nothing.npz", Array::matrix(3, &x), Array::hollow(N_ROWS, 0));
    refused("nothing.npz", &["nothing.npz: y: there is no column, so there is nothing to fit"]);
}

#[test]
fn the_first_value_that_is_not_finite() {
    let place = Place::new();
    let (mut x, mut y) = random_data();
    (x[3 * 5 + 1], y[4]) = (f64::NAN, f64::INFINITY);
    write_npz(&place.path("d.npz"), &[("X", Array::matrix(3, &x)), ("y", Array::vector(&y))]);
    let words = ["fit", "d.npz", "--nan", "error", "--out", "out"];
    place.refused(&words, 3, &["d.npz: y: row 4, column 0 is inf; every value must be finite", "--nan drop"]);
    y[4] = 0.0;
    write_npz(&place.path("d.npz"), &[("X", Array::matrix(3, &x)), ("y", Array::vector(&y))]);
    place.refused(&words, 3, &["d.npz: X: row 5, column 1 is NaN; every value must be finite"]);
}

#[test]
fn numbers_whose_sum_overflows() {
    let place = Place::new();
    let (x, y) = random_data();
    let huge: Vec<f64> = x.iter().map(|x| x * 4e307).collect();
    write_npz(&place.path("d.npz"), &[("X", Array::matrix(3, &huge)), ("y", Array::vector(&y))]);
    place.refused(&["fit", "d.npz", "--out", "out"], 2, &["overflow", "divide the largest features"]);
}

#[cfg(unix)]
#[test]
fn a_recording_that_another_program_is_writing() {
    if std::env::var_os("HDF5_USE_FILE_LOCKING").is_some() {
        return; // without locks nobody can tell
    }
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let writer = hdf5::File::open_rw(place.path("r.nwb")).unwrap();
    let said = ["r.nwb: expected a readable HDF5 file, found one that cannot be locked", "close the program"];
    place.refused(&["inspect", "r.nwb"], 3, &said);
    drop(writer);
}
