//! `--memory-limit` is obeyed: the peak that the system measured, of fits of every kind under several limits.

use serde_json::Value;

use crate::tally::tally;
use crate::{Place, alone, number, population};

/// What a fit takes whatever the limit: the program, HDF5, the partial sums of all threads, and columns too small to be counted.
const BASE: u64 = 160_000_000;

/// The peak of a fit under a limit.
fn peak(place: &Place, words: &[&str], limit: &str) -> u64 {
    let ended = place.run(&[words, &["--memory-limit", limit, "--json", "--quiet"]].concat()).with(0);
    let document: Value = ended.json();
    number(&document["peak_memory_bytes"]) as u64
}

fn bytes(limit: &str) -> u64 {
    limit.strip_suffix("MB").unwrap().parse::<u64>().unwrap() * 1_000_000
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
    let words = ["simulate", "coupled", "--units", "12", "--duration", "120s", "--out", "c.nwb", "--quiet"];
    place.run(&words).with(0);
    let history = "units : raised-cosine-log(8, window=100ms)";
    let dense = ["fit", "d.npz"];
    let recording = ["fit", "c.nwb", "--unit", "0", "--bin", "1ms", "--feature", history];
    let cases: [(&[&str], &[&str]); 7] = [
        (&dense, &["150MB", "400MB"]),
        (&["fit", "d.npz", "--standard-errors", "off", "--solver", "lbfgs"], &["150MB"]),
        (&["fit", "d.npz", "--solver", "newton"], &["150MB"]),
        (
            &[
                "fit",
                "d.npz",
                "--regularizer",
                "ridge",
                "--strength",
                "1e-4:1:6",
                "--cv",
                "blocked",
                "--folds",
                "4",
            ],
            &["170MB", "400MB"],
        ),
        (&["fit", "d.npz", "--regularizer", "lasso", "--strength", "0.01"], &["150MB"]),
        (&recording, &["60MB", "120MB", "400MB"]),
        (&["fit", "c.nwb", "--unit", "all", "--bin", "1ms", "--feature", history], &["80MB", "300MB"]),
    ];
    let (mut n_fits, mut most) = (0, 0);
    for (words, limits) in cases {
        for limit in limits {
            let (peak, allowed) = (peak(&place, words, limit), bytes(limit));
            eprintln!("{limit}: {} MB: {}", peak / 1_000_000, words.join(" "));
            assert!(peak <= allowed + BASE, "{words:?}: {peak} bytes, {allowed} were allowed");
            most = most.max(peak.saturating_sub(allowed));
            n_fits += 1;
        }
    }
    // 48 MB of features alone, with their copies 120 MB
    let refused: [(&[&str], &str, &str); 4] = [
        (&dense, "10MB", "d.npz"),
        (&dense, "50MB", "beside the data needs "),
        (
            &["fit", "d.npz", "--standard-errors", "on", "--solver", "newton"],
            "100MB",
            "beside the data needs ",
        ),
        (&recording, "100kB", " bytes, 100000 are allowed"),
    ];
    let mut n_refused = 0;
    for (words, limit, said) in refused {
        let ended = place.run(&[words, &["--memory-limit", limit, "--out", "out"]].concat()).with(1);
        assert!(
            ended.stderr.contains(said) && ended.stderr.contains("raise `--memory-limit`"),
            "{limit}: {ended:?}"
        );
        assert!(!place.path("out").exists(), "{limit}");
        n_refused += 1;
    }
    tally(
        "memory limits",
        &[
            ("fits below their limit and what every fit takes", n_fits),
            ("bytes that every fit may take", BASE),
            ("most bytes above a limit", most),
            ("refused before the work", n_refused),
        ],
    );
}

#[test]
fn memory_that_the_system_refuses_ends_in_no_half_files() {
    let _alone = alone();
    let place = Place::new();
    population(&place, "d.npz", [100_000, 40, 1]);
    // address space for the program and its threads, not for the data
    let words = ["fit", "d.npz", "--out", "out", "--threads", "1", "--quiet"];
    let ended = place.start_after("ulimit -v 60000", &words).ended();
    assert_ne!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.stderr.is_empty() && !place.path("out/fit.json").exists(), "{ended:?}");
    place.run(&words).with(0);
    assert!(place.litter().is_empty());
}
