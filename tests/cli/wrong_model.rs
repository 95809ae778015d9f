//! Models that cannot be scored, and data that are not theirs.

use std::fs;

use serde_json::{Value, json};

use crate::array_file::{Array, N_ROWS, random_data, write_npz};
use crate::array_fit::arrays;
use crate::recording_file::write_recording;
use crate::{INSTANTANEOUS, Place, tutorial};

/// The arrays with a model of them in `out`.
fn fitted() -> Place {
    let place = arrays();
    place.run(&["fit", "d.npz", "--out", "out"]).ended(0);
    place
}

#[test]
fn files_that_are_no_model() {
    let place = fitted();
    let whole = fs::read(place.path("out/model.json")).unwrap();
    fs::write(place.path("cut.json"), &whole[..whole.len() - 100]).unwrap();
    fs::write(place.path("empty.json"), "").unwrap();
    fs::write(place.path("text.json"), "hello").unwrap();
    fs::write(place.path("list.json"), "[1, 2]").unwrap();
    fs::write(place.path("object.json"), "{}").unwrap();
    let give = "give the model.json that `rheobase fit --out` wrote";
    for (file, said) in [
        ("absent.json", ["absent.json: No such file", "check the path"]),
        ("cut.json", ["cut.json: expected a model file, found one that ends too early", give]),
        ("empty.json", ["empty.json: expected a model file, found one that ends too early", give]),
        ("text.json", ["text.json: expected a model file, found something else", give]),
        ("list.json", ["list.json: expected a model file, found ", give]),
        ("object.json", ["object.json: expected a model file, found JSON without a schema", give]),
        (
            "out/fit.json",
            ["out/fit.json: expected a model file, found another result, without a study", give],
        ),
        ("d.npz", ["d.npz: expected a model that NeMoS saved, found an npz file without", "it holds X, y"]),
    ] {
        place.refused(&["score", file, "d.npz", "--out", "score"], 3, &said);
    }
}

/// The model with one change, as `changed.json`.
fn change(place: &Place, change: impl FnOnce(&mut Value)) {
    let mut model = crate::json(&place.path("out/model.json"));
    change(&mut model);
    fs::write(place.path("changed.json"), model.to_string()).unwrap();
}

#[test]
fn models_of_another_making() {
    let place = fitted();
    let words = ["score", "changed.json", "d.npz"];
    change(&place, |model| model["schema"] = json!(7));
    let version = format!("found schema 7 (written by rheobase {})", env!("CARGO_PKG_VERSION"));
    place.refused(&words, 3, &["changed.json: expected a model file of schema 1", &version, "fit again"]);
    change(&place, |model| model["fit"]["targets"] = json!([]));
    place.refused(
        &words,
        3,
        &["changed.json: expected a model of at least one target, found none", "fit again"],
    );
    change(&place, |model| model["fit"]["features"][0]["columns"] = json!([0, 99]));
    place.refused(&words, 3, &["changed.json: expected columns of X within the ", "[0, 99]", "fit again"]);
    // a later layout need not have the fields of this one
    fs::write(place.path("changed.json"), r#"{"schema": 2, "version": "9.0.0", "what": []}"#).unwrap();
    place.refused(
        &words,
        3,
        &["found schema 2 (written by rheobase 9.0.0)", "use the version that wrote it"],
    );
    change(&place, |model| model["fit"]["targets"][0]["coef"] = json!([1.0, 2.0]));
    place.refused(
        &words,
        3,
        &["expected 3 coefficients and standard errors of y, found 2 and 3", "fit again"],
    );
    change(&place, |model| model["fit"]["targets"][0]["coef"] = json!([1.0, 2.0, "many"]));
    place.refused(&words, 3, &["changed.json: expected a model file", "many"]);
    change(&place, |model| drop(model["fit"].as_object_mut().unwrap().remove("targets")));
    place.refused(&words, 3, &["changed.json: expected a model file", "missing field `targets`"]);
}

/// Penalties that no fit of three columns can have. Whoever reads a model indexes its columns by them.
#[test]
fn penalties_that_do_not_fit_the_columns() {
    let place = fitted();
    let axis = |len: u64| json!({ "len": len, "is_cyclic": false });
    let smooth = |first: u64, axes: Value, order: u64| json!({ "smooth": { "strength": 0.1, "order": order, "grids": [{ "first": first, "axes": axes }] } });
    let grouped =
        |strength: Value, groups: Value| json!({ "group-lasso": { "strength": strength, "groups": groups } });
    let mut n_refused = 0;
    for (regularizer, said) in [
        (json!({ "ridge": { "strength": [0.1] } }), "strengths, one for each column"),
        (json!({ "lasso": { "strength": [0.1, 0.1, 0.1, 0.1] } }), "strengths, one for each column"),
        (json!({ "elastic-net": { "strength": 0.1, "ratio": 7.0 } }), "at most 1"),
        (json!({ "ridge": { "strength": -1.0 } }), "a number above 0"),
        (grouped(json!(0.1), json!({ "columns": [[0], [9]] })), "columns below 3"),
        (grouped(json!(0.1), json!({ "columns": [[0], [u64::MAX]] })), "columns below 3"),
        (grouped(json!(0.1), json!({ "columns": [[0, 1], [1]] })), "each column in one group"),
        (grouped(json!([0.1, 0.1]), json!("features")), "strengths, one for each group"),
        (smooth(0, json!([axis(1_000_000_000_000)]), 2), "columns below 3"),
        (smooth(0, json!([axis(1 << 40), axis(1 << 40)]), 2), "columns below 3"),
        (smooth(u64::MAX, json!([axis(3)]), 2), "columns below 3"),
        (smooth(0, json!([axis(3)]), 1_000_000_000_000), "1 to 4"),
        (smooth(0, json!([]), 2), "smooth"),
    ] {
        for place_of in ["/fit/regularizer", "/fit/targets/0/apart"] {
            change(&place, |model| {
                // a model whose targets have all columns does not name what is their own
                model["fit"]["targets"][0]["apart"] = Value::Null;
                let own = model.pointer_mut(place_of).unwrap();
                *own = if place_of == "/fit/regularizer" {
                    regularizer.clone()
                } else {
                    json!({ "unseen": [], "regularizer": regularizer })
                };
            });
            for words in [
                &["check", "changed.json", "d.npz"][..],
                &["score", "changed.json", "d.npz"],
                &["predict", "changed.json", "d.npz"],
                &["export", "changed.json", "--to", "nemos", "n.npz"],
            ] {
                place.refused(words, 3, &["changed.json: expected a penalty", said, "fit again"]);
                n_refused += 1;
            }
        }
    }
    crate::tally::tally("penalties in models that do not fit", &[("refused", n_refused)]);
}

#[test]
fn data_with_other_columns() {
    let place = fitted();
    let (x, y) = random_data();
    let write = |name: &str, n_columns: usize, x: &[f64]| {
        write_npz(&place.path(name), &[("X", Array::matrix(n_columns, x)), ("y", Array::vector(&y))]);
    };
    let two: Vec<f64> = x.chunks(3).flat_map(|x| [x[0], x[1]]).collect();
    let four: Vec<f64> = x.chunks(3).flat_map(|x| [x[0], x[1], x[2], 0.5]).collect();
    write("two.npz", 2, &two);
    write("four.npz", 4, &four);
    let help = "the model has: X[0], X[1], X[2]";
    let said = "two.npz: features: expected the 3 columns of the model, found 2";
    place.refused(&["score", "out/model.json", "two.npz"], 3, &[said, help]);
    let said = "four.npz: features: expected the 3 columns of the model, found 4";
    place.refused(&["score", "out/model.json", "four.npz"], 3, &[said, help]);

    let three: Vec<f64> = y.iter().flat_map(|&y| [y, y]).collect();
    write_npz(&place.path("y2.npz"), &[("X", Array::matrix(3, &x)), ("y", Array::matrix(2, &three))]);
    place.run(&["fit", "y2.npz", "--out", "pair"]).ended(0);
    let said = ["target \"y\" does not exist in the model", "present are: y[0], y[1]"];
    place.refused(&["score", "pair/model.json", "d.npz"], 2, &said);
}

#[test]
fn data_that_cannot_be_scored() {
    let place = fitted();
    let (x, mut y) = random_data();
    y[3] = -2.0;
    write_npz(&place.path("negative.npz"), &[("X", Array::matrix(3, &x)), ("y", Array::vector(&y))]);
    let said = "negative.npz: y: row 3, target 0: expected a count, 0 or more, found -2";
    place.refused(&["score", "out/model.json", "negative.npz"], 3, &[said]);
    y[3] = f64::NAN;
    write_npz(&place.path("nan.npz"), &[("X", Array::matrix(3, &x)), ("y", Array::vector(&y))]);
    let words = ["score", "out/model.json", "nan.npz", "--nan", "error"];
    place.refused(&words, 3, &["nan.npz: y: row 3, column 0 is NaN"]);
    let score = place.run(&["score", "out/model.json", "nan.npz", "--json"]).ended(0).json();
    assert_eq!(score["n_bins_used"].as_u64(), Some(N_ROWS as u64 - 1));
}

#[test]
fn data_of_the_other_kind() {
    let place = fitted();
    let file = tutorial();
    let said = ["data: expected an npz, npy, csv or HDF5 file, as the model was fitted to", "kind of data"];
    place.refused(&["score", "out/model.json", &file], 2, &said);
    let mut words = vec!["fit", &file, "--epochs", "Noise 1", "--unit", "0", "--bin", "1ms"];
    words.extend(["--feature", INSTANTANEOUS, "--out", "nwb"]);
    place.run(&words).ended(0);
    let said = ["data: expected an NWB file, as the model was fitted to", "kind of data"];
    place.refused(&["score", "nwb/model.json", "d.npz"], 2, &said);
    for (choice, said) in [
        (["--epochs", "Noise 7"], "present are: Ramp, Noise 1, Noise 2, Test, epochs"),
        (["--epoch", "99"], "epoch: expected a number below 3"),
        (["--unit", "4"], "present are: 0"),
    ] {
        place.refused(&[&["score", "nwb/model.json", &file], &choice[..]].concat(), 2, &[said]);
    }
    // another recording: neither its epochs nor its series are those of the model
    write_recording(&place.path("r.nwb"));
    let words = ["score", "nwb/model.json", "r.nwb", "--unit", "3"];
    place.refused(&words, 2, &["epoch \"Noise 1\"", "present are: run, rest, silence, "]);
    let words = [&words[..], &["--epochs", "run"]].concat();
    place.refused(&words, 2, &["series \"stimulus\"", "present are: "]);
}
