//! What goes wrong, or means nothing, is said with the feature, the option or the response that it is about.

use std::fmt::Write as _;
use std::fs;

use crate::array_file::{Array, random_data, write_npz};
use crate::recording_file::write_recording;
use crate::{Place, number, texts};

fn recording() -> Place {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    place
}

fn arrays() -> Place {
    let place = Place::new();
    let (x, y) = random_data();
    write_npz(&place.path("d.npz"), &[("X", Array::matrix(3, &x)), ("y", Array::vector(&y))]);
    place
}

/// A table of one feature and one response.
fn write_table(place: &Place, name: &str, rows: &[(f64, f64)]) {
    let mut text = String::from("x,y\n");
    rows.iter().for_each(|(x, y)| writeln!(text, "{x},{y}").unwrap());
    fs::write(place.path(name), text).unwrap();
}

const RUN: [&str; 8] = ["fit", "r.nwb", "--bin", "50ms", "--epochs", "run", "--unit", "3"];

#[test]
fn a_basis_without_an_order_cannot_be_smooth() {
    let place = recording();
    let feature = "current : fourier(4)";
    let words = ["--feature", feature, "--regularizer", "smooth", "--strength", "1"];
    let said = ["current : fourier(4), whose functions are no neighbours", "cyclic-bspline", "use ridge"];
    place.refused(&[&RUN[..], &words].concat(), 2, &said);
    // beside one that has an order it is left alone
    let more = ["--feature", "position[0] : bspline(5)", "--quiet"];
    place.run(&[&RUN[..], &words, &more].concat()).ended(0);
}

#[test]
fn groups_that_are_no_choice_and_no_file_name_the_choices() {
    let place = arrays();
    let words = ["fit", "d.npz", "--regularizer", "group-lasso", "--strength", "0.1", "--groups", "bogus"];
    place.refused(
        &words,
        2,
        &["--groups: expected feature, channel or FILE.csv, found bogus", "--groups channel"],
    );
    // a file may have any name
    fs::write(place.path("bogus"), "column,group\nX[0],a\nX[1],a\n").unwrap();
    place.run(&[&words[..], &["--quiet"]].concat()).ended(0);
}

#[test]
fn an_array_is_one_group_and_that_is_said() {
    let place = arrays();
    let words = ["fit", "d.npz", "--regularizer", "group-lasso", "--strength", "0.01"];
    for groups in [&[][..], &["--groups", "feature"]] {
        let run = place.run(&[&words[..], groups].concat()).ended(0);
        assert!(run.stderr.contains("the 3 columns of an array are one feature"), "{}", run.stderr);
    }
    for other in [&["--groups", "channel"][..], &["--regularizer", "lasso"]] {
        let words = if other[0] == "--groups" { &words[..] } else { &["fit", "d.npz", "--strength", "0.01"] };
        let run = place.run(&[words, other].concat()).ended(0);
        assert!(!run.stderr.contains("one feature"), "{}", run.stderr);
    }
    // features of a recording are groups
    let place = recording();
    let more = ["--feature", "current", "--regularizer", "group-lasso", "--strength", "0.01"];
    let run = place.run(&[&RUN[..], &more].concat()).ended(0);
    assert!(!run.stderr.contains("one feature"), "{}", run.stderr);
}

#[test]
fn bins_that_all_lie_outside_a_range_name_the_feature() {
    let place = recording();
    let words = ["--feature", "current", "--feature", "position[0]*100 : bspline(5, range=1e6:2e6)"];
    let said =
        ["position[0] lies outside its range (1000000 to 2000000)", "range= is in the units of", "*100"];
    place.refused(&[&RUN[..], &words].concat(), 3, &said);
}

#[test]
fn paths_of_a_study_are_those_of_the_folder_where_the_command_runs() {
    let place = arrays();
    fs::create_dir(place.path("studies")).unwrap();
    fs::write(place.path("studies/s.toml"), "data = \"d.npz\"\nout = \"here\"\n").unwrap();
    place.run(&["fit", "studies/s.toml", "--quiet"]).ended(0);
    assert!(place.path("here/fit.json").exists() && !place.path("studies/here").exists());
    fs::write(place.path("studies/t.toml"), "data = \"../d.npz\"\n").unwrap();
    place.run(&["fit", "studies/t.toml", "--quiet"]).ended(3);
}

#[test]
fn a_mean_that_is_not_defined_is_no_silent_nan() {
    let place = Place::new();
    let rows: Vec<(f64, f64)> = (0..60)
        .map(|k| (f64::from(k) / 10.0, (1.0 + f64::from(k % 5) / 5.0) / (0.5 + f64::from(k) / 10.0)))
        .collect();
    write_table(&place, "a.csv", &rows);
    let words = ["fit", "a.csv", "--y", "y", "--observation", "gamma", "--out", "m", "--quiet"];
    place.run(&words).ended(0);
    // far below the features of the fit one over the mean is negative
    write_table(&place, "b.csv", &[(-10.0, 1.0), (1.0, 2.0), (-20.0, 1.0), (2.0, 1.0)]);
    let run = place.run(&["score", "m/model.json", "b.csv", "--y", "y"]).ended(0);
    assert!(run.stdout.contains("NaN"), "{}", run.stdout);
    let note = "note: y has no scores: in 2 of 4 bins the linear predictor is 0 or less";
    assert!(run.stderr.contains(note) && run.stderr.contains("the exp link"), "{}", run.stderr);
    let json =
        place.run(&["score", "m/model.json", "b.csv", "--y", "y", "--json", "--quiet"]).ended(0).json();
    assert!(texts(&json["notices"])[0].starts_with("y has no scores: in 2 of 4 bins"), "{json}");
    // where it is defined everywhere nothing is said
    let run = place.run(&["score", "m/model.json", "a.csv", "--y", "y"]).ended(0);
    assert_eq!(run.stderr, "");
}

#[test]
fn a_response_without_noise_says_what_its_likelihood_is() {
    let place = Place::new();
    let x = |k: i32| f64::from(k * 7 % 31) / 10.0;
    for (name, y, said) in [
        ("constant.csv", (|_| 3.0) as fn(f64) -> f64, "the response never changes in the used bins"),
        ("nothing.csv", |_| 0.0, "the response never changes in the used bins"),
        ("exact.csv", |x| 0.1 + 0.7 * x, "the model predicts the response to rounding"),
    ] {
        write_table(&place, name, &(0..50).map(|k| (x(k), y(x(k)))).collect::<Vec<_>>());
        let words = ["fit", name, "--y", "y", "--observation", "gaussian", "--json"];
        let run = place.run(&words).ended(0);
        let target = &run.json()["targets"][0];
        assert_eq!(target["status"], "converged", "{name}");
        assert!(number(&target["scale"]) < 1e-27, "{name}");
        assert!(texts(&target["warnings"]).iter().any(|told| told.starts_with(said)), "{name}: {target}");
        assert!(
            run.stderr.contains(said) && run.stderr.contains("log-likelihoods are infinite"),
            "{}",
            run.stderr
        );
    }
    // little noise is noise
    write_table(
        &place,
        "little.csv",
        &(0..50).map(|k| (x(k), x(k) + 1e-9 * f64::from(k % 3))).collect::<Vec<_>>(),
    );
    let words = ["fit", "little.csv", "--y", "y", "--observation", "gaussian", "--json"];
    let fit = place.run(&words).ended(0).json();
    assert!(texts(&fit["targets"][0]["warnings"]).is_empty(), "{fit}");
}
