//! `--memory-limit` is obeyed: the peak that the system measured, of fits of every kind under several limits.

use serde_json::Value;

use crate::tally::tally;
use crate::{Place, alone, contents, number, population};

/// Beside the limit and what the smallest fit takes: partial sums of all threads, and freed memory that the system has not got back.
const SLACK: u64 = 20_000_000;

/// The peak of a fit under a limit.
fn peak(place: &Place, words: &[&str], limit: &str) -> u64 {
    let ended = place.run(&[words, &["--memory-limit", limit, "--json", "--quiet"]].concat()).with(0);
    let document: Value = ended.json();
    number(&document["peak_memory_bytes"]) as u64
}

fn bytes(limit: &str) -> u64 {
    limit.strip_suffix("MB").unwrap().parse::<u64>().unwrap() * 1_000_000
}

/// No limit on any machine.
const NONE: &str = "1000000MB";

/// Fits of one kind: its words, limits that it fits into, and one that is refused.
struct Kind {
    words: Vec<&'static str>,
    limits: &'static [&'static str],
    refused: Option<&'static str>,
}

fn kind(
    file: &'static str,
    words: &[&'static str],
    limits: &'static [&'static str],
    refused: Option<&'static str>,
) -> Kind {
    Kind { words: [&["fit", file], words].concat(), limits, refused }
}

#[test]
fn the_peak_of_a_fit_stays_below_its_limit_and_what_does_not_fit_is_refused_first() {
    let _alone = alone();
    if !std::path::Path::new("/proc/self/status").exists() {
        eprintln!("skipped: this system does not tell a process its peak");
        return;
    }
    let place = Place::new();
    population(&place, "d.npz", [150_000, 40, 2]);
    population(&place, "tiny.npz", [500, 40, 2]);
    for (name, units, duration) in [("c.nwb", "12", "120s"), ("tiny.nwb", "2", "2s")] {
        let words =
            ["simulate", "coupled", "--units", units, "--duration", duration, "--out", name, "--quiet"];
        place.run(&words).with(0);
    }
    let history = "units : raised-cosine-log(8, window=100ms)";
    let recording = ["--epochs", "simulated", "--unit", "all", "--bin", "1ms", "--feature", history];
    let ridge = ["--regularizer", "ridge", "--strength", "1e-4:1:6", "--cv", "blocked", "--folds", "4"];
    let kinds = [
        kind("d.npz", &[], &["150MB", "400MB"], Some("40MB")),
        kind("d.npz", &["--standard-errors", "off", "--solver", "lbfgs"], &["150MB"], Some("40MB")),
        kind("d.npz", &["--solver", "newton"], &["150MB"], Some("40MB")),
        kind("d.npz", &ridge, &["170MB", "400MB"], Some("40MB")),
        kind("d.npz", &["--regularizer", "lasso", "--strength", "0.01"], &["150MB"], Some("40MB")),
        // what does not fit is computed when it is needed
        kind("c.nwb", &recording, &["60MB", "80MB", "300MB"], None),
    ];
    // what a fit takes whatever the limit: the program, its threads, HDF5
    let base_of = |words: &[&str]| peak(&place, words, NONE);
    let small = ["fit", "tiny.nwb", "--regularizer", "ridge", "--strength", "1e-2"];
    let base = base_of(&["fit", "tiny.npz"]).max(base_of(&[&small[..], &recording].concat()));
    let (mut n_fits, mut n_refused, mut most) = (0, 0, 0);
    for Kind { words, limits, refused } in kinds {
        let unlimited = peak(&place, &words, NONE);
        let allowed = |limit: &str| bytes(limit) + base + SLACK;
        let title = words.join(" ");
        eprintln!("{} MB at least, {} MB without a limit: {title}", base / 1_000_000, unlimited / 1_000_000);
        for limit in limits {
            let peak = peak(&place, &words, limit);
            eprintln!("    {limit}: {} MB", peak / 1_000_000);
            assert!(peak <= allowed(limit), "{title}, {limit}: {peak} bytes");
            most = most.max(peak.saturating_sub(bytes(limit)));
            n_fits += 1;
        }
        if let Some(limit) = refused {
            let limited = ["--memory-limit", limit, "--out", "out"];
            let ended = place.run(&[&words[..], &limited].concat()).with(1);
            let is_said =
                ended.stderr.contains("are allowed") && ended.stderr.contains("raise `--memory-limit`");
            assert!(is_said && !place.path("out").exists(), "{title}: {ended:?}");
            n_refused += 1;
        }
        // a limit that changes something: without it the fit takes more
        let changes = limits.iter().chain(&refused).any(|limit| unlimited > allowed(limit));
        assert!(changes, "{title}: {unlimited} bytes without a limit");
    }
    // by a file's own header, before anything is read
    let ended = place.run(&["fit", "d.npz", "--memory-limit", "10MB"]).with(1);
    assert!(ended.stderr.contains("d.npz X needs 48000000 bytes, 10000000 are allowed"), "{ended:?}");
    tally(
        "memory limits",
        &[
            ("fits below their limit and what every fit takes", n_fits),
            ("bytes that every fit takes", base),
            ("bytes that it may take beside them", SLACK),
            ("most bytes above a limit", most),
            ("refused before the work", n_refused + 1),
        ],
    );
}

/// Where the system refuses memory in spite of the limit the process ends where it stands: nothing on the disk has changed.
#[test]
fn memory_that_the_system_refuses_changes_no_file() {
    let _alone = alone();
    let place = Place::new();
    population(&place, "d.npz", [150_000, 40, 1]);
    population(&place, "small.npz", [500, 3, 1]);
    place.run(&["fit", "small.npz", "--out", "out", "--quiet"]).with(0);
    let before = contents(&place.path("out"));
    // address space for the program and its threads, not for the data
    let words = ["fit", "d.npz", "--out", "out", "--threads", "1", "--quiet"];
    let ended = place.start_after("ulimit -v 60000", &words).ended();
    assert!(ended.code.is_none() && ended.stderr.contains("memory allocation of"), "{ended:?}");
    assert!(contents(&place.path("out")) == before, "a file has changed");
    place.run(&words).with(0);
    assert!(place.litter().is_empty());
}
