//! Signals: every command ends within a second, a fit with its best coefficients.

use std::fmt::Write;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::array_file::Random;
use crate::tally::tally;
use crate::{Ended, Place, Running, alone, contents, number, population};

/// What the end of a command may take after a signal.
const A_SECOND: Duration = Duration::from_secs(1);

/// A fit of many targets, one after the other, that takes many seconds.
const LONG: [&str; 9] = [
    "fit",
    "d.npz",
    "--solver",
    "newton",
    "--standard-errors",
    "on",
    "--checkpoint-every",
    "100ms",
    "--quiet",
];

fn with<'w>(words: &[&'w str], more: &[&'w str]) -> Vec<&'w str> {
    [words, more].concat()
}

/// A place with data for [`LONG`].
fn place() -> Place {
    let place = Place::new();
    population(&place, "d.npz", [60_000, 64, 30]);
    place
}

/// Sends signals and waits for the end, which comes within a second.
fn stopped(running: Running, signals: &[&str]) -> Ended {
    let sent = running.signal(signals);
    let ended = running.ended();
    let taken = sent.elapsed();
    assert!(taken < A_SECOND, "{signals:?}: {taken:?}: {ended:?}");
    ended
}

fn statuses(fit: &Value) -> Vec<&str> {
    fit["targets"].as_array().unwrap().iter().map(|target| target["status"].as_str().unwrap()).collect()
}

#[test]
fn a_fit_that_is_stopped_writes_its_best_coefficients_and_how_to_go_on() {
    let _alone = alone();
    let place = place();
    let mut n_stopped = 0;
    for (signal, name) in [("INT", "Ctrl-C (SIGINT)"), ("TERM", "(SIGTERM)"), ("HUP", "(SIGHUP)")] {
        let mut running = place.start(&with(&LONG, &["--out", "out"]));
        assert!(running.has_points("out/checkpoint.json"), "{:?}", running.ended());
        let ended = stopped(running, &[signal]).with(4);
        assert!(ended.stderr.contains(name) && ended.stdout.contains("stopped"), "{ended:?}");
        let lines: Vec<&str> = ended.stderr.lines().collect();
        let resume = lines[lines.len() - 1];
        assert!(resume.contains(" fit d.npz ") && resume.ends_with(" --resume"), "{ended:?}");
        assert!(ended.stderr.contains("checkpoint written to out/checkpoint.json"), "{ended:?}");
        let fit = place.json("out/fit.json");
        assert_eq!((&fit["stopped"]["resume"], statuses(&fit).len()), (&resume.into(), 30));
        assert!(statuses(&fit).contains(&"stopped"), "{:?}", statuses(&fit));
        let written: Vec<String> = contents(&place.path("out")).into_keys().collect();
        assert_eq!(written, ["checkpoint.json", "fit.json", "model.json"]);
        assert!(rheobase::write::save::mixed_files(&place.path("out")).unwrap().is_empty());
        // the model is marked, and says so
        let score = place.run(&["score", "out/model.json", "d.npz"]);
        assert!(score.stderr.contains("is not at an optimum (stopped)"), "{score:?}");
        std::fs::remove_dir_all(place.path("out")).unwrap();
        n_stopped += 1;
    }
    tally("signals", &[("sent", n_stopped), ("ended within a second", n_stopped)]);
}

#[test]
fn without_a_place_for_a_checkpoint_the_coefficients_are_printed_and_that_is_said() {
    let _alone = alone();
    let place = place();
    // how long it takes to the first point
    let started = Instant::now();
    let mut measured = place.start(&with(&LONG, &["--checkpoint", "c.json"]));
    assert!(measured.has_points("c.json"));
    let to_begin = started.elapsed();
    measured.kill();
    std::fs::remove_file(place.path("c.json")).unwrap();
    let running = place.start(&with(&LONG[..6], &["--json", "--quiet"]));
    std::thread::sleep(to_begin.mul_f64(1.3));
    let ended = stopped(running, &["INT"]).with(4);
    assert!(ended.stderr.contains("no checkpoint: give --out DIR or --checkpoint FILE"), "{ended:?}");
    let document = ended.json();
    assert_eq!(document["stopped"]["by"], "Ctrl-C (SIGINT)");
    assert!(document["stopped"].get("resume").is_none());
    let targets = document["targets"].as_array().unwrap();
    assert!(targets.iter().any(|target| number(&target["coef"][0]) != 0.0));
    assert_eq!(contents(&place.path("")).len(), 1, "nothing but the data");
}

#[test]
fn a_second_signal_ends_at_once_and_ignored_ones_stay_ignored() {
    let _alone = alone();
    let place = place();
    let mut running = place.start(&with(&LONG, &["--out", "out"]));
    assert!(running.has_points("out/checkpoint.json"));
    // both are there before the program goes on
    let ended = stopped(running, &["STOP", "INT", "TERM", "CONT"]);
    assert!(matches!(ended.code, Some(130 | 143)), "{ended:?}");
    assert!(!place.path("out/fit.json").exists() && place.path("out/checkpoint.json").exists());
    // nohup
    let mut running = place.start_after("trap '' HUP", &with(&LONG, &["--out", "other"]));
    assert!(running.has_points("other/checkpoint.json"));
    running.signal(&["HUP"]);
    std::thread::sleep(Duration::from_millis(300));
    assert!(running.is_running());
    stopped(running, &["TERM"]).with(4);
}

#[test]
fn what_a_stopped_fit_leaves_of_an_earlier_one_is_listed() {
    let _alone = alone();
    let place = place();
    population(&place, "small.npz", [500, 3, 1]);
    place.run(&["fit", "small.npz", "--out", "out", "--quiet"]).with(0);
    let mut earlier: Vec<String> = contents(&place.path("out")).into_keys().collect();
    earlier.retain(|name| !["model.json", "fit.json"].contains(&name.as_str()));
    let mut running = place.start(&with(&LONG, &["--out", "out"]));
    assert!(running.has_points("out/checkpoint.json"), "{:?}", running.ended());
    let ended = stopped(running, &["INT"]).with(4);
    let said = format!("{} files of an earlier fit", earlier.len());
    assert!(ended.stderr.contains(&said), "{ended:?}");
    let fit = place.json("out/fit.json");
    assert_eq!(fit["stale"], Value::from(earlier.clone()));
    assert_eq!(rheobase::write::save::mixed_files(&place.path("out")).unwrap(), earlier);
}

/// Rows of three columns and counts, in csv.
fn table(place: &Place, name: &str, n: usize) {
    let mut random = Random(3);
    let mut text = String::from("a,b,c,count\n");
    for row in 0..n {
        let x = [(); 3].map(|()| random.normal());
        writeln!(text, "{},{},{},{}", x[0], x[1], x[2], row % 3).unwrap();
    }
    std::fs::write(place.path(name), text).unwrap();
}

#[test]
fn whatever_is_not_a_fit_is_given_up_and_leaves_nothing() {
    let _alone = alone();
    let place = Place::new();
    population(&place, "d.npz", [2000, 3, 1]);
    population(&place, "big.npz", [1_000_000, 3, 1]);
    table(&place, "big.csv", 400_000);
    place.run(&["fit", "d.npz", "--out", "out", "--quiet"]).with(0);
    let before = contents(&place.path("out"));
    let coupled = ["simulate", "coupled", "--units", "20", "--duration", "200s", "--out", "coupled.nwb"];
    let draws = ["simulate", "out/model.json", "d.npz", "--repeats", "2000", "--out", "draws.csv"];
    // what is signalled when a part of the time has passed: reading, computing, writing
    let commands: [(&[&str], f64); 6] = [
        (&["fit", "big.csv", "--y", "count", "--json"], 0.2),
        (&["fit", "big.csv", "--y", "count", "--out", "new"], 0.8),
        (&["score", "out/model.json", "big.npz"], 0.5),
        (&["predict", "out/model.json", "big.npz", "--out", "rate.csv"], 0.6),
        (&draws, 0.5),
        (&coupled, 0.5),
    ];
    let made = ["new", "rate.csv", "draws.csv", "coupled.nwb"];
    let mut n_given_up = 0;
    for (words, mut part) in commands {
        let started = Instant::now();
        place.run(words).with(0);
        let whole = started.elapsed();
        let ended = loop {
            for name in made {
                let _ = std::fs::remove_file(place.path(name));
                let _ = std::fs::remove_dir_all(place.path(name));
            }
            let mut running = place.start(words);
            std::thread::sleep(whole.mul_f64(part));
            if running.is_running() {
                let ended = stopped(running, &["INT"]);
                if ended.code == Some(1) {
                    break ended;
                }
            }
            // faster than before
            part *= 0.8;
            assert!(part > 0.05, "{words:?}: {whole:?}");
        };
        assert!(
            ended.stdout.is_empty() && ended.stderr.contains("stopped by Ctrl-C (SIGINT)"),
            "{words:?}: {ended:?}"
        );
        assert_eq!(contents(&place.path("out")), before, "{words:?}");
        for name in &made[1..] {
            assert!(!place.path(name).exists(), "{words:?}: {name}");
        }
        let new: Vec<String> = contents(&place.path("new")).into_keys().collect();
        assert!(new.is_empty() || new == ["checkpoint.json"], "{words:?}: {new:?}");
        assert!(place.litter().is_empty(), "{words:?}: {:?}", place.litter());
        n_given_up += 1;
    }
    tally("commands that are no fits", &[("stopped", n_given_up), ("with nothing left behind", n_given_up)]);
}

#[test]
fn a_server_ends_between_its_lines() {
    let _alone = alone();
    let place = Place::new();
    population(&place, "d.npz", [20_000, 30, 2]);
    let mut command = place.command("sh");
    // lines for ever
    command.args([
        "-c",
        "yes '' | \"$0\" bench serve d.npz & echo $! > id; wait",
        env!("CARGO_BIN_EXE_rheobase"),
    ]);
    let mut running = place.start_command(command);
    assert!(running.has_printed(2));
    let id = std::fs::read_to_string(place.path("id")).unwrap();
    let sent = Instant::now();
    assert!(place.command("kill").args(["-TERM", id.trim()]).status().unwrap().success());
    let ended = running.ended();
    assert!(sent.elapsed() < A_SECOND, "{:?}", sent.elapsed());
    assert!(ended.stdout.lines().count() > 1 && ended.stdout.ends_with("}\n"), "{}", ended.stdout.len());
    for line in ended.stdout.lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
}

#[test]
fn a_fit_whose_time_is_up_is_complete_and_can_go_on() {
    let _alone = alone();
    let place = Place::new();
    population(&place, "d.npz", [30_000, 40, 12]);
    let words = ["fit", "d.npz", "--solver", "newton", "--out", "out"];
    place.run(&words).with(0);
    let limit =
        format!("{}ms", (1000.0 * number(&place.json("out/fit.json")["seconds"]["fit"]) / 3.0) as u64);
    std::fs::remove_dir_all(place.path("out")).unwrap();
    let ended = place.run(&with(&words, &["--time-limit", &limit])).with(4);
    assert!(ended.stderr.contains("checkpoint written to out/checkpoint.json; to go on:"), "{ended:?}");
    let fit = place.json("out/fit.json");
    assert!(statuses(&fit).contains(&"stopped") && fit["stopped"]["by"] == "--time-limit");
    for name in ["model.json", "report.html", "tables/bins.csv"] {
        assert!(place.path("out").join(name).exists(), "{name}");
    }
    place.run(&with(&words, &["--resume"])).with(0);
    assert!(!place.path("out/checkpoint.json").exists());
    let fit = place.json("out/fit.json");
    assert!(statuses(&fit).iter().all(|status| *status == "converged") && fit.get("stopped").is_none());
}
