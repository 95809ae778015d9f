//! `rheobase inspect`.

use std::path::Path;

use serde_json::Value;

use crate::recording_file::{write_recording, write_renamed, write_without_units};
use crate::{Place, Run, data, tutorial};

/// The command that an inspection ends with.
pub(crate) fn last_line(run: &Run) -> String {
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[lines.len() - 2], "fit this file", "{}", run.stdout);
    lines[lines.len() - 1].trim().to_string()
}

/// Pastes a command into a shell that finds this program.
pub(crate) fn pasted(place: &Place, line: &str) -> Run {
    let folder = Path::new(env!("CARGO_BIN_EXE_rheobase")).parent().unwrap();
    let path = std::env::join_paths(
        std::iter::once(folder.to_path_buf())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    let mut shell = place.command("sh");
    Run::of(shell.args(["-c", line]).env("PATH", path.unwrap()))
}

#[test]
fn the_last_line_of_the_tutorial_file_pastes_and_runs() {
    let place = Place::new();
    let run = place.run(&["inspect", &tutorial()]).ended(0);
    assert_eq!(run.stderr, "");
    for said in ["2962560 samples, amperes", "Noise 1 (3 rows, 84.06 s)", "id (spikes): 0 (202)"] {
        assert!(run.stdout.contains(said), "{said:?} is not in {}", run.stdout);
    }
    let line = last_line(&run);
    assert!(line.starts_with("rheobase fit ") && line.contains("--epochs 'Noise 1'"), "{line}");
    let fit = pasted(&place, &line).ended(0);
    assert!(fit.stdout.contains("unit 0: converged, 120 events"), "{fit:?}");
}

#[test]
fn the_last_line_of_other_files_pastes_and_runs() {
    let place = Place::new();
    // a name that a shell would cut, and one that it would expand
    for name in ["my recording.nwb", "it's $HOME.nwb"] {
        write_recording(&place.path(name));
        let line = last_line(&place.run(&["inspect", name]).ended(0));
        let fit = pasted(&place, &line).ended(0);
        assert!(fit.stdout.contains(": converged, "), "{line}: {fit:?}");
    }
    write_without_units(&place.path("none.nwb"));
    let line = last_line(&place.run(&["inspect", "none.nwb"]).ended(0));
    assert!(line.contains("--detect-spikes "), "{line}");
    // a name that is a feature only in quotes, inside quotes of the shell
    write_renamed(&place.path("odd.nwb"), "it's = 2*I");
    let line = last_line(&place.run(&["inspect", "odd.nwb"]).ended(0));
    let fit = pasted(&place, &line).ended(0);
    assert!(fit.stdout.contains("'it''s = 2*I'"), "{line}: {fit:?}");
    // a file without units, with spikes in its voltage
    let line = last_line(&place.run(&["inspect", &data("nwb/icephys.nwb")]).ended(0));
    let fit = pasted(&place, &line);
    assert!(fit.code == 0 || fit.code == 4, "{line}: {fit:?}");
    assert!(fit.stderr.contains("2 spikes detected in voltage"), "{line}: {fit:?}");
}

#[test]
fn every_readable_file_is_inspected() {
    let place = Place::new();
    for name in ["units", "intervals", "series", "columns", "icephys", "broken", "unit_widths"] {
        let file = data(&format!("nwb/{name}.nwb"));
        for more in [&[][..], &["--check"], &["--json"], &["--check", "--json"]] {
            let run = place.run(&[&["inspect", &file], more].concat()).ended(0);
            assert_eq!(run.stderr, "", "{name}");
            let said = ["rheobase fit ", "nothing to fit\n  ", "\"nothing_to_fit\": "];
            assert_eq!(
                said.iter().filter(|said| run.stdout.contains(**said)).count(),
                1,
                "{name}: {}",
                run.stdout
            );
        }
    }
    assert!(crate::files_under(&place.path("")).is_empty());
}

#[test]
fn the_json_of_an_inspection() {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let inspection = place.run(&["inspect", "r.nwb", "--json"]).ended(0).json();
    assert_eq!((&inspection["schema"], &inspection["file"]), (&1.into(), &"r.nwb".into()));
    let objects = inspection["objects"].as_array().unwrap();
    let object = |key: &str| -> &Value { objects.iter().find(|object| object["key"] == key).unwrap() };
    assert_eq!(object("current")["n_samples"], 6400);
    assert_eq!(object("current")["rate_hz"], 100.0);
    assert_eq!(object("position")["columns"].as_array().unwrap().len(), 2);
    assert_eq!(object("units")["n_units"], 3);
    assert_eq!(object("epochs")["n_rows"], 4);
    assert!(inspection.get("findings").is_none());
    let checked = place.run(&["inspect", "r.nwb", "--json", "--check"]).ended(0).json();
    let findings = checked["findings"].as_array().unwrap();
    let of_holes = findings.iter().find(|finding| finding["object"] == "/acquisition/holes").unwrap();
    assert_eq!(of_holes["text"], "3 values are NaN (first at row 17)");
}
