//! Fits to HDF5 files that are no recordings.

use hdf5::File;
use ndarray::Array2;

use crate::array_file::{Array, N_ROWS, random_data, write_npz};
use crate::recording_file::write_recording;
use crate::{Place, assert_near, number, texts};

/// Writes the random data as datasets of several types.
fn write_h5(place: &Place, name: &str) {
    let (x, y) = random_data();
    let x = Array2::from_shape_vec((N_ROWS, 3), x).unwrap();
    // a copy that nobody has written to: a program that another test starts meanwhile would inherit the lock
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own.h5");
    let file = File::create(&own).unwrap();
    let group = file.create_group("session").unwrap();
    group.new_dataset_builder().with_data(&x).create("design").unwrap();
    group.new_dataset_builder().deflate(4).with_data(&x).create("packed").unwrap();
    group.new_dataset_builder().with_data(&x.mapv(|x| x as f32)).create("single").unwrap();
    let counts: Vec<i16> = y.iter().map(|&y| y as i16).collect();
    file.new_dataset_builder().with_data(&counts).create("counts").unwrap();
    let both =
        Array2::from_shape_fn((N_ROWS, 2), |(row, k)| if k == 0 { y[row] } else { y[N_ROWS - 1 - row] });
    file.new_dataset_builder().with_data(&both).create("both").unwrap();
    let any: Vec<bool> = y.iter().map(|&y| y > 0.0).collect();
    file.new_dataset_builder().with_data(&any).create("any").unwrap();
    file.new_dataset_builder().with_data(&counts[..7]).create("short").unwrap();
    file.new_dataset_builder().with_data(&ndarray::Array3::<f64>::zeros((2, 2, 2))).create("cube").unwrap();
    file.new_dataset_builder().with_data(&[hdf5::types::VarLenUnicode::new()]).create("words").unwrap();
    // a group that is open keeps its file open
    drop(group);
    file.close().unwrap();
    std::fs::copy(own, place.path(name)).unwrap();
}

#[test]
fn an_hdf5_file_gives_the_bits_of_an_npz_file() {
    let place = Place::new();
    write_h5(&place, "d.h5");
    std::fs::copy(place.path("d.h5"), place.path("d.hdf5")).unwrap();
    let (x, y) = random_data();
    write_npz(&place.path("d.npz"), &[("X", Array::matrix(3, &x)), ("y", Array::vector(&y))]);
    let npz = place.run(&["fit", "d.npz", "--json"]).ended(0).json();
    for (file, x) in [("d.h5", "/session/design"), ("d.hdf5", "session/design"), ("d.h5", "/session/packed")]
    {
        let run = place.run(&["fit", file, "--x", x, "--y", "/counts", "--json"]).ended(0);
        assert_eq!(run.stderr, "");
        let h5 = run.json();
        assert_eq!(h5["targets"], npz["targets"], "{x}");
        assert_eq!(texts(&h5["labels"])[2], format!("{x}[2]"));
    }
    let both =
        place.run(&["fit", "d.h5", "--x", "/session/design", "--y", "/both", "--json"]).ended(0).json();
    assert_eq!([&both["targets"][0]["name"], &both["targets"][1]["name"]], ["y[0]", "y[1]"]);
    let any = place.run(&["fit", "d.h5", "--x", "/session/design", "--y", "/any", "--json"]).ended(0).json();
    assert_eq!(any["n_bins_used"].as_u64(), Some(N_ROWS as u64));
}

#[test]
fn float32_datasets_keep_their_tolerance() {
    let place = Place::new();
    write_h5(&place, "d.h5");
    let (x, y) = random_data();
    let arrays = [("X", Array::matrix(3, &x).in_f32()), ("y", Array::vector(&y))];
    write_npz(&place.path("f32.npz"), &arrays);
    let h5 =
        place.run(&["fit", "d.h5", "--x", "/session/single", "--y", "/counts", "--json"]).ended(0).json();
    assert_eq!(number(&h5["tolerance"]), 1e-10);
    let npz = place.run(&["fit", "f32.npz", "--json"]).ended(0).json();
    assert_eq!(h5["targets"], npz["targets"]);
}

#[test]
fn a_model_of_datasets_scores_them_and_others() {
    let place = Place::new();
    write_h5(&place, "d.h5");
    let words = ["fit", "d.h5", "--x", "/session/design", "--y", "/counts", "--out", "out", "--json"];
    let fit = place.run(&words).ended(0).json();
    let score = |words: &[&str]| place.run(&[&["score", "out/model.json"], words, &["--json"]].concat());
    let own = score(&["d.h5"]).ended(0).json();
    assert_near(&own["targets"][0]["deviance"], &fit["targets"][0]["deviance"], "own");
    let other = score(&["d.h5", "--x", "/session/packed"]).ended(0).json();
    assert_eq!(other["targets"][0]["deviance"], own["targets"][0]["deviance"]);
    let said =
        ["features: expected the 3 columns of the model, found 2", "the model has: /session/design[0]"];
    place.refused(&["score", "out/model.json", "d.h5", "--x", "/both"], 3, &said);
}

#[test]
fn datasets_that_cannot_be_used() {
    let place = Place::new();
    write_h5(&place, "d.h5");
    std::fs::write(place.path("text.h5"), "x,y\n").unwrap();
    std::fs::write(place.path("empty.h5"), "").unwrap();
    let whole = std::fs::read(place.path("d.h5")).unwrap();
    std::fs::write(place.path("cut.h5"), &whole[..whole.len() - 100]).unwrap();
    let x = "/session/design";
    let present =
        "present are: /any, /both, /counts, /cube, /session/design, /session/packed, /session/single";
    for (file, x, y, code, said) in [
        (
            "d.h5",
            "/session/desing",
            "/counts",
            2,
            ["dataset \"/session/desing\" does not exist in d.h5", present],
        ),
        ("d.h5", "/session", "/counts", 2, ["dataset \"/session\" does not exist", present]),
        (
            "d.h5",
            x,
            "/short",
            3,
            ["d.h5: /short: rows, as the features have: expected length 400, found 7", "help"],
        ),
        (
            "d.h5",
            "/cube",
            "/counts",
            3,
            ["d.h5: /cube: expected one or two dimensions, found 3", "(rows, columns)"],
        ),
        ("d.h5", x, "/words", 3, ["d.h5: /words: expected numbers, found text", "help"]),
        (
            "text.h5",
            x,
            "/counts",
            3,
            ["text.h5: expected an HDF5 file, found another format (4 bytes", "help"],
        ),
        ("empty.h5", x, "/counts", 3, ["empty.h5: expected an HDF5 file, found an empty file", "help"]),
        ("cut.h5", x, "/counts", 3, ["cut.h5: expected ", "truncated"]),
        ("absent.h5", x, "/counts", 3, ["absent.h5: No such file", "check the path"]),
    ] {
        place.refused(&["fit", file, "--x", x, "--y", y, "--out", "out"], code, &said);
    }
    let said = ["--y: expected a dataset of the HDF5 file, found nothing", "--y /path/of/counts"];
    place.refused(&["fit", "d.h5", "--x", x], 2, &said);
    let words = ["fit", "d.h5", "--x", x, "--y", "/counts", "--memory-limit", "1kB"];
    place.refused(&words, 1, &["d.h5: /session/design needs 9600 bytes, 1000 are allowed"]);
}

#[test]
fn a_recording_may_be_called_h5() {
    let place = Place::new();
    write_recording(&place.path("r.h5"));
    let words = ["--epochs", "run", "--unit", "3", "--bin", "10ms", "--feature", "current"];
    place.run(&[&["fit", "r.h5", "--out", "out"], &words[..]].concat()).ended(0);
    place.run(&["score", "out/model.json", "r.h5"]).ended(0);
}
