//! The line that `inspect` ends with, on files of all kinds: pasted, it runs.

use hdf5::File;

use crate::inspection::{last_line, pasted};
use crate::recording_file::{kind, put, regular, text, units, write_changed};
use crate::{Place, Run};

/// Two seconds of a voltage with a spike every 100 ms, at 10 kHz.
fn voltage() -> Vec<f64> {
    let at = |sample: usize| if sample % 1000 >= 997 { 0.02 } else { -0.07 };
    (0..20_000).map(at).collect()
}

/// A voltage at 10 kHz under this path.
fn add_voltage(file: &File, path: &str) {
    let series = file.create_group(path).unwrap();
    regular(&series, &voltage(), "volts");
    let rate = series.dataset("starting_time").unwrap();
    rate.attr("rate").unwrap().write_scalar(&10_000.0).unwrap();
}

fn drop_all(file: &File, names: &[&str]) {
    names.iter().for_each(|name| file.unlink(name).unwrap());
}

/// Inspects a changed recording, pastes the last line and returns it with what came of it.
fn tried(change: impl FnOnce(&File)) -> (String, Run) {
    let place = Place::new();
    write_changed(&place.path("r.nwb"), change);
    let line = last_line(&place.run(&["inspect", "r.nwb"]).ended(0));
    let fit = pasted(&place, &line);
    (line, fit)
}

/// As [`tried`], for a fit that arrives.
fn fitted(change: impl FnOnce(&File)) -> String {
    let (line, fit) = tried(change);
    assert!(fit.code == 0 && fit.stdout.contains(": converged, "), "{line}: {fit:?}");
    line
}

#[test]
fn files_without_epochs() {
    let line = fitted(|file| drop_all(file, &["intervals"]));
    assert_eq!(line, "rheobase fit r.nwb --unit 3 --bin 1ms --feature 'current*1e12'");
    // disturbed times are no epochs, and a table without rows has none
    let line = fitted(|file| {
        drop_all(file, &["intervals/epochs"]);
        file.relink("intervals/blocks", "intervals/invalid_times").unwrap();
    });
    assert_eq!(line, "rheobase fit r.nwb --unit 3 --bin 1ms --feature 'current*1e12'");
    let line = fitted(|file| {
        drop_all(file, &["intervals/epochs"]);
        let table = file.group("intervals/blocks").unwrap();
        for (name, empty) in [("start_time", &[0.0; 0]), ("stop_time", &[0.0; 0])] {
            table.unlink(name).unwrap();
            put(&table, name, empty);
        }
        table.unlink("id").unwrap();
        put(&table, "id", &[0_i64; 0]);
    });
    assert_eq!(line, "rheobase fit r.nwb --unit 3 --bin 1ms --feature 'current*1e12'");
}

#[test]
fn files_without_units_that_have_a_voltage() {
    let without = |file: &File| {
        drop_all(file, &["units", "acquisition/nothing", "acquisition/constant", "acquisition/holes"]);
    };
    let line = fitted(|file| {
        without(file);
        add_voltage(file, "acquisition/v m");
    });
    assert_eq!(
        line,
        "rheobase fit r.nwb --epochs 'run' --detect-spikes 'v m' --bin 1ms --feature 'current*1e12'"
    );
    // a table without units is still a table
    let line = fitted(|file| {
        without(file);
        units(&file.create_group("units").unwrap(), &[]);
        add_voltage(file, "acquisition/-v");
    });
    assert!(line.contains(" --detect-spikes=-v --unit detected "), "{line}");
    // several columns: the first
    let line = fitted(|file| {
        without(file);
        let series = file.create_group("acquisition/v").unwrap();
        kind(&series, "TimeSeries");
        let both = ndarray::Array2::from_shape_fn((20_000, 2), |(row, _)| voltage()[row % 1000 + 1000]);
        let data = series.new_dataset_builder().with_data(&both).create("data").unwrap();
        text(&data, "unit", "volts");
        put(&series, "timestamps", &(0..20_000).map(|row| f64::from(row) * 1e-4).collect::<Vec<_>>());
    });
    assert!(line.contains(" --detect-spikes 'v[0]' "), "{line}");
}

#[test]
fn series_of_several_columns_and_odd_names() {
    let position = |file: &File| {
        drop_all(file, &["stimulus", "acquisition/holes", "acquisition/constant", "acquisition/nothing"]);
    };
    let line = fitted(position);
    assert_eq!(line, "rheobase fit r.nwb --epochs 'run' --unit 3 --bin 1ms --feature 'position[0]'");
    for name in ["my position", "it's", "a:b", "x[0]", "-p", "spikes", "2*x", "a@mean", "$HOME `ls` \"q\""] {
        fitted(|file| {
            position(file);
            file.relink("acquisition/position", &format!("acquisition/{name}")).unwrap();
        });
    }
}

#[test]
fn units_and_tags_of_odd_names() {
    for tag in ["-5", "it's", "a:b=c", " ", "epochs", "--help", "$HOME"] {
        let line = fitted(|file| {
            let tags = file.dataset("intervals/epochs/tags").unwrap();
            let tag: hdf5::types::VarLenUnicode = tag.parse().unwrap();
            tags.write(&[tag.clone(), tag.clone(), tag.clone(), tag]).unwrap();
        });
        assert!(line.contains("--epochs"), "{line}");
    }
    let line = fitted(|file| file.dataset("units/id").unwrap().write(&[-3_i64, 5, 9]).unwrap());
    assert!(line.contains(" --unit=-3 "), "{line}");
}

#[test]
fn a_stimulus_outside_the_epochs_is_no_feature() {
    let (line, fit) = tried(|file| {
        let start = file.dataset("stimulus/presentation/current/starting_time").unwrap();
        start.write_scalar(&1e4).unwrap();
    });
    // the spikes of this recording are never less than 10 ms apart, which one column tells at once
    assert!(fit.stdout.contains("unit 3: separated"), "{line}: {fit:?}");
    assert!(line.ends_with("--feature 'spikes : raised-cosine-log(8, window=200ms)'"), "{line}");
}

#[test]
fn files_that_cannot_be_fitted_say_why() {
    let all = ["acquisition/nothing", "acquisition/constant", "acquisition/holes"];
    let no_voltage = "and no series is a voltage in which spikes could be detected";
    let empty = |file: &File| {
        drop_all(file, &["units"]);
        units(&file.create_group("units").unwrap(), &[]);
    };
    let silent = |file: &File| {
        drop_all(file, &["units"]);
        units(&file.create_group("units").unwrap(), &[vec![1e5]]);
    };
    let absent = |file: &File| drop_all(file, &["units"]);
    let changes: [&dyn Fn(&File); 3] = [&absent, &empty, &silent];
    let reasons = ["there is no units table", "the units table is empty", "no unit spikes in the epochs"];
    for (change, reason) in changes.into_iter().zip(reasons) {
        let place = Place::new();
        write_changed(&place.path("r.nwb"), |file| {
            drop_all(file, &all);
            change(file);
        });
        let run = place.run(&["inspect", "r.nwb"]).ended(0);
        assert!(run.stdout.ends_with(&format!("\nnothing to fit\n  {reason}, {no_voltage}\n")), "{run:?}");
        let facts = place.run(&["inspect", "r.nwb", "--json"]).ended(0).json();
        assert_eq!(facts["nothing_to_fit"], format!("{reason}, {no_voltage}"));
        assert!(facts.get("suggestion").is_none());
    }
}
