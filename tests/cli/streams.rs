//! What goes to stdout, what to stderr, and what happens where they end.

use std::io::Read;
use std::process::Stdio;

use crate::array_file::{Array, random_data, write_npz};
use crate::array_fit::arrays;
use crate::recording_file::write_recording;
use crate::{Place, Run, data, tutorial};

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_early_ends_the_run_quietly() {
    let place = arrays();
    let (broken, file) = (data("nwb/broken.nwb"), tutorial());
    for words in [&["inspect", &broken][..], &["inspect", &file, "--json"], &["fit", "d.npz"], &["--help"]] {
        let mut command = place.command(env!("CARGO_BIN_EXE_rheobase"));
        let mut child = command.args(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // nobody reads: the first write meets a closed pipe
        drop(child.stdout.take());
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let status = child.wait().unwrap();
        assert_eq!(stderr, "", "{words:?}");
        assert!(status.code().is_some_and(|code| code != 101), "{words:?}: {status}");
    }
    let mut shell = place.command("sh");
    let script = "\"$0\" inspect \"$1\" --json | head -n 1";
    let run = Run::of(shell.args(["-c", script, env!("CARGO_BIN_EXE_rheobase"), &broken])).ended(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("{\n", ""));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_on_stdout_is_an_error() {
    let place = arrays();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = place.command(env!("CARGO_BIN_EXE_rheobase"));
    let output = command.args(["fit", "d.npz"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("error: standard output: ") && stderr.contains("\nhelp: "), "{stderr}");
}

#[cfg(unix)]
#[test]
fn a_closed_stderr_is_nobodys_problem() {
    let place = arrays();
    let mut shell = place.command("sh");
    let script = "exec \"$0\" fit d.npz --out out 2>&-";
    let run = Run::of(shell.args(["-c", script, env!("CARGO_BIN_EXE_rheobase")])).ended(0);
    assert!(run.stdout.contains("y: converged"), "{run:?}");
}

#[test]
fn quiet_silences_notes_and_warnings_but_not_errors() {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let words =
        ["fit", "r.nwb", "--epochs", "run", "--unit", "3", "--bin", "10ms", "--feature", "position[0]"];
    let loud = place.run(&[&words[..], &["--feature", "constant", "--out", "out"]].concat()).ended(0);
    let lines: Vec<&str> = loud.stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{loud:?}");
    assert!(lines[0].starts_with("note: ") && lines[1].starts_with("warning: unit 3: "), "{loud:?}");
    assert!(lines[2].ends_with(" files written to out"), "{loud:?}");
    let quiet = place.run(&[&words[..], &["--feature", "constant", "--out", "out", "--quiet"]].concat());
    assert_eq!(quiet.ended(0).stderr, "");
    let (x, y) = random_data();
    let silent = vec![0.0; y.len()];
    write_npz(&place.path("d.npz"), &[("X", Array::matrix(3, &x)), ("y", Array::vector(&silent))]);
    assert_eq!(place.run(&["fit", "d.npz", "--quiet"]).ended(4).stderr, "");
    let failed = place.run(&["fit", "absent.npz", "--quiet"]).ended(3);
    assert_eq!(failed.stderr.lines().count(), 2);
}

#[test]
fn json_is_one_document_and_notes_stay_on_stderr() {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let words =
        ["fit", "r.nwb", "--epochs", "run", "--unit", "3", "--bin", "10ms", "--feature", "position[0]"];
    let run = place.run(&[&words[..], &["--json", "--explain", "--out", "out"]].concat()).ended(0);
    let document = run.json();
    assert!(run.stdout.starts_with("{\n") && run.stdout.ends_with("}\n"));
    assert_eq!(document["notices"].as_array().unwrap().len(), 1);
    assert!(run.stderr.starts_with("note: position[0] is sampled more sparsely"), "{run:?}");
    // the same document as in the file, but for the list of files
    let mut file = crate::json(&place.path("out/fit.json"));
    file.as_object_mut().unwrap().remove("files");
    assert_eq!(document, file);
    let run = place.run(&["score", "out/model.json", "r.nwb", "--json"]).ended(0);
    assert_eq!(run.json()["targets"][0]["name"], "3");
}

#[test]
fn progress_is_not_written_to_a_file() {
    let place = Place::new();
    let file = tutorial();
    let words =
        ["fit", &file, "--epochs", "Noise 1", "--unit", "0", "--bin", "1ms", "--feature", "stimulus*1e12"];
    let run = place.run(&words).ended(0);
    assert_eq!(run.stderr, "");
    assert!(!run.stdout.contains('\u{1b}') && !run.stdout.contains('\r'), "{}", run.stdout);
}
