//! Disks that are full and places that take no files: an error, and nothing is lost.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::tally::tally;
use crate::{Ended, Place, alone, contents, population};

/// A fit, and what can be written with it; files that commands write by their options.
fn place() -> Place {
    let place = Place::new();
    population(&place, "d.npz", [600, 3, 1]);
    place.run(&["fit", "d.npz", "--out", "out", "--quiet"]).with(0);
    let words = ["simulate", "coupled", "--units", "3", "--duration", "20s", "--out", "c.nwb", "--quiet"];
    place.run(&words).with(0);
    place
}

/// Commands that write: their words, and the smallest size in blocks of `ulimit -f` at which they do not fit.
fn commands() -> Vec<(Vec<&'static str>, &'static str)> {
    let history = "units : raised-cosine-log(3, window=20ms)";
    vec![
        (vec!["fit", "d.npz", "--out", "out", "--quiet"], "8"),
        (vec!["fit", "d.npz", "--out", "out", "--quiet"], "0"),
        (vec!["fit", "d.npz", "--out", "new", "--quiet"], "8"),
        (vec!["predict", "out/model.json", "d.npz", "--out", "rate.csv"], "8"),
        (vec!["predict", "out/model.json", "d.npz", "--out", "rate.npz"], "8"),
        (vec!["simulate", "out/model.json", "d.npz", "--repeats", "50", "--out", "draws.csv"], "8"),
        (vec!["simulate", "out/model.json", "d.npz", "--repeats", "50", "--out", "draws.npz"], "8"),
        (vec!["simulate", "coupled", "--units", "3", "--duration", "20s", "--out", "c.nwb", "--quiet"], "8"),
        (vec!["export", "out/model.json", "--to", "nemos", "nemos.npz"], "0"),
        (
            vec![
                "fit",
                "c.nwb",
                "--epochs",
                "simulated",
                "--unit",
                "all",
                "--bin",
                "1ms",
                "--feature",
                history,
                "--write-nwb",
                "copy.nwb",
                "--quiet",
            ],
            "8",
        ),
    ]
}

/// An error of one line with the help line behind it, nothing on stdout, and all files as they were.
fn refused(place: &Place, ended: &Ended, before: &BTreeMap<String, Vec<u8>>, what: &str) {
    assert_eq!(ended.code, Some(1), "{what}: {ended:?}");
    assert!(ended.stdout.is_empty(), "{what}: {ended:?}");
    let lines: Vec<&str> =
        ended.stderr.lines().filter(|line| !line.starts_with("warning: no checkpoint")).collect();
    assert!(lines.len() >= 2 && lines[0].starts_with("error: "), "{what}: {ended:?}");
    assert!(lines[lines.len() - 1].starts_with("help: "), "{what}: {ended:?}");
    let after = contents(&place.path(""));
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&after), names(before), "{what}");
    assert!(after == *before, "{what}: a file has changed");
    let is_empty = |folder: &str| !place.path(folder).exists();
    assert!(
        ["new", "tables", "figures"].iter().all(|folder| is_empty(folder)),
        "{what}: an empty folder is left"
    );
}

#[test]
fn files_that_become_too_large_are_an_error_and_nothing_is_lost() {
    let _alone = alone();
    let place = place();
    let before = contents(&place.path(""));
    let mut n_refused = 0;
    for (words, blocks) in commands() {
        let ended = place.run_after(&format!("ulimit -f {blocks}"), &words);
        let what = format!("ulimit -f {blocks}: {}", words.join(" "));
        refused(&place, &ended, &before, &what);
        n_refused += 1;
    }
    tally("files larger than a limit", &[("refused", n_refused)]);
}

#[test]
fn a_disk_that_is_full_is_an_error_and_nothing_is_lost() {
    let _alone = alone();
    let place = Place::new();
    let disk = place.path("disk");
    std::fs::create_dir(&disk).unwrap();
    let mounted = |words: &[&str]| {
        let run = Command::new(words[0]).args(&words[1..]).arg(&disk).output();
        run.is_ok_and(|run| run.status.success())
    };
    if !mounted(&["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs"]) {
        eprintln!("skipped: no right to mount a tmpfs; `ulimit -f` is tested all the same");
        return;
    }
    // whatever happens, it is taken off again
    let outcome = std::panic::catch_unwind(|| on_a_full_disk(&place, &disk));
    assert!(mounted(&["umount"]));
    let n_refused = outcome.unwrap();
    tally("full disks", &[("refused", n_refused)]);
}

fn on_a_full_disk(place: &Place, disk: &Path) -> u64 {
    population(place, "d.npz", [600, 3, 1]);
    place.run(&["fit", "d.npz", "--out", "fit", "--quiet"]).with(0);
    std::fs::write(disk.join("model.json"), "the model of somebody else").unwrap();
    let before = contents(disk);
    let commands: [&[&str]; 4] = [
        &["fit", "d.npz", "--out", "disk", "--quiet"],
        &["simulate", "fit/model.json", "d.npz", "--repeats", "200", "--out", "disk/draws.csv"],
        &["simulate", "coupled", "--units", "9", "--duration", "600s", "--out", "disk/c.nwb", "--quiet"],
        &["predict", "fit/model.json", "d.npz", "--out", "disk/x/rate.csv"],
    ];
    let mut n_refused = 0;
    for (k, words) in commands.into_iter().enumerate() {
        if k == 3 {
            // the last one is small: no room at all
            std::fs::write(disk.join("filler"), vec![1; 1 << 20]).unwrap_err();
        }
        let ended = place.run(words).with(1);
        assert!(
            ended.stderr.starts_with("error: disk/") && ended.stderr.contains("\nhelp: "),
            "{words:?}: {ended:?}"
        );
        let mut after = contents(disk);
        after.remove("filler");
        assert_eq!(after, before, "{words:?}");
        n_refused += 1;
    }
    n_refused
}

#[test]
fn places_that_take_no_files_are_an_error_with_a_remedy() {
    let _alone = alone();
    let place = place();
    let before = contents(&place.path(""));
    let mut n_refused = 0;
    let mut places = vec!["/proc/none/out", "/proc/self", "d.npz", "d.npz/out", "out/model.json/x"];
    let folder = place.path("closed");
    std::fs::create_dir(&folder).unwrap();
    let mut permissions = std::fs::metadata(&folder).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&folder, permissions).unwrap();
    if std::fs::write(folder.join("x"), "").is_err() {
        places.push("closed");
        places.push("closed/deep");
    } else {
        std::fs::remove_file(folder.join("x")).unwrap();
        eprintln!("a folder that is closed is open to this user: left out");
    }
    for out in places {
        let file = format!("{out}/r.csv");
        let commands: [&[&str]; 4] = [
            &["fit", "d.npz", "--out", out],
            &["score", "out/model.json", "d.npz", "--out", out],
            &["predict", "out/model.json", "d.npz", "--out", &file],
            &["fit", "d.npz", "--checkpoint", &file],
        ];
        for words in commands {
            let ended = place.run(words);
            refused(&place, &ended, &before, &words.join(" "));
            n_refused += 1;
        }
    }
    tally("places that take no files", &[("refused", n_refused)]);
}

#[test]
fn a_checkpoint_that_cannot_be_written_is_said_once_and_ends_no_fit() {
    let _alone = alone();
    let place = Place::new();
    // long enough that points are noted, five times a second
    population(&place, "d.npz", [100_000, 60, 8]);
    let words = [
        "fit",
        "d.npz",
        "--solver",
        "newton",
        "--checkpoint",
        "c.json",
        "--checkpoint-every",
        "1ms",
        "--json",
    ];
    // a checkpoint is larger than half a kilobyte
    let ended = place.run_after("ulimit -f 1", &words).with(0);
    assert_eq!(ended.stderr.matches("warning: no checkpoint: c.json: ").count(), 1, "{ended:?}");
    assert_eq!(ended.json()["targets"].as_array().unwrap().len(), 8);
    assert!(!place.path("c.json").exists() && place.litter().is_empty());
}
