//! `kill -9` at any moment of a fit that replaces the results of another: every file is old or new, and a set that is mixed is said
//! to be.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use rheobase::write::digest::digest_bytes;
use rheobase::write::save::mixed_files;
use serde_json::Value;

use crate::array_file::Random;
use crate::tally::tally;
use crate::{Place, alone, contents, is_part, population};

/// Runs that a kill has to hit, the first of them when the first file is renamed; and how many are begun at most.
const N_HIT: u64 = 200;
const N_AT_RENAMING: u64 = 60;
const MOST_RUNS: u64 = 1000;

/// Files that hold times, and differ from run to run.
const TIMED: [&str; 3] = ["fit.json", "model.json", "report.html"];

/// The two fits that take turns: of other counts, so that every table and figure differs.
const FITS: [[&str; 5]; 2] =
    [["fit", "a.npz", "--out", "out", "--quiet"], ["fit", "b.npz", "--out", "out", "--quiet"]];

/// Whether a file is complete, as far as it tells itself.
fn is_complete(name: &str, bytes: &[u8]) -> bool {
    match name {
        "report.html" => String::from_utf8_lossy(bytes).trim_end().ends_with("</html>"),
        _ => serde_json::from_slice::<Value>(bytes).is_ok(),
    }
}

/// The digests that the `fit.json` of a folder lists.
fn listed(files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, String> {
    let fit: Value = serde_json::from_slice(&files["fit.json"]).unwrap();
    let files = fit["files"].as_object().unwrap();
    files.iter().map(|(name, digest)| (name.clone(), digest.as_str().unwrap().to_string())).collect()
}

/// Results without what a killed run may leave: temporary files and a checkpoint.
fn results(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = contents(folder);
    files.retain(|name, _| !is_part(name) && name != "checkpoint.json");
    files
}

/// Whether there was a checkpoint, which is complete, whenever the run was killed; there is none any more.
fn had_checkpoint(folder: &Path) -> bool {
    let path = folder.join("checkpoint.json");
    let Ok(bytes) = std::fs::read(&path) else { return false };
    let checkpoint: Value = serde_json::from_slice(&bytes).unwrap();
    assert!(checkpoint["progress"]["open"].is_object(), "{checkpoint}");
    std::fs::remove_file(path).unwrap();
    true
}

/// Waits until this file is another one.
fn wait_for_change(path: &Path, at_most: Duration) {
    let stamp = || std::fs::metadata(path).and_then(|file| file.modified()).ok();
    let (before, started) = (stamp(), Instant::now());
    while stamp() == before && started.elapsed() < at_most {
        std::hint::spin_loop();
    }
}

#[test]
fn every_file_is_old_or_new_whenever_a_fit_is_killed() {
    let _alone = alone();
    let place = Place::new();
    population(&place, "a.npz", [300, 2, 1]);
    population(&place, "b.npz", [310, 2, 1]);
    let out = place.path("out");
    let mut whole = Duration::ZERO;
    let references: Vec<BTreeMap<String, Vec<u8>>> = FITS
        .iter()
        .map(|words| {
            let started = Instant::now();
            place.run(words).with(0);
            whole = started.elapsed();
            let files = results(&out);
            std::fs::remove_dir_all(&out).unwrap();
            files
        })
        .collect();
    assert!(references[0].len() > 8, "{:?}", references[0].keys());
    place.run(&FITS[0]).with(0);
    let mut random = Random(21);
    let (mut n_hit, mut n_finished, mut n_mixed, mut n_said, mut n_new, mut n_checkpoints) =
        (0, 0, 0, 0, 0, 0);
    for kill in 0..MOST_RUNS {
        if n_hit == N_HIT {
            break;
        }
        let before = results(&out);
        // of some runs checkpoints are written all the time
        let often: &[&str] = if kill % 5 < 2 { &["--checkpoint-every", "1ms"] } else { &[] };
        let mut running = place.start(&[&FITS[(kill % 2) as usize][..], often].concat());
        if kill < N_AT_RENAMING {
            wait_for_change(&out.join("model.json"), 4 * whole);
            std::thread::sleep(Duration::from_micros((600.0 * random.uniform()) as u64));
        } else {
            // anywhere, more often where files are written
            let part = random.uniform();
            let part = if kill % 3 == 0 { part } else { 0.6 + 0.7 * part };
            std::thread::sleep(whole.mul_f64(part));
        }
        let is_hit = running.is_running() && running.kill().code.is_none();
        (n_hit, n_finished) = (n_hit + u64::from(is_hit), n_finished + u64::from(!is_hit));
        n_checkpoints += u64::from(had_checkpoint(&out));
        let after = results(&out);
        let is_new_index = after["fit.json"] != before["fit.json"];
        let of_index = listed(&after);
        for (name, bytes) in &after {
            let is_old = before.get(name) == Some(bytes);
            // the index lists all but itself
            let is_listed = name == "fit.json" || of_index.get(name) == Some(&digest_bytes(bytes));
            let is_known = if TIMED.contains(&name.as_str()) {
                is_complete(name, bytes)
            } else {
                references.iter().any(|files| files.get(name) == Some(bytes))
            };
            assert!(is_known && (is_old || is_listed || !is_new_index), "kill {kill}: {name}");
        }
        assert!(before.keys().all(|name| after.contains_key(name)), "kill {kill}: a file is gone");
        let changed: Vec<&String> =
            of_index.keys().filter(|name| after.get(*name) != before.get(*name)).collect();
        let mixed = mixed_files(&out).unwrap();
        if is_new_index {
            assert!(mixed.is_empty(), "kill {kill}: {mixed:?}");
            n_new += 1;
        } else {
            // a new file under the old index is found out, unless the old set was mixed in the same way
            let found =
                |name: &&&String| mixed.contains(name) || of_index[**name] == digest_bytes(&after[**name]);
            assert_eq!(
                changed.iter().filter(found).count(),
                changed.len(),
                "kill {kill}: {changed:?} {mixed:?}"
            );
        }
        n_mixed += u64::from(!mixed.is_empty());
        if mixed.contains(&"model.json".to_string()) && n_said < 3 {
            let said = place.run(&["score", "out/model.json", "a.npz"]);
            assert!(said.stderr.contains("they are of different runs"), "{said:?}");
            n_said += 1;
        }
    }
    assert_eq!(n_hit, N_HIT, "{n_finished} runs had ended");
    eprintln!(
        "{n_hit} hit, {n_finished} too late, {n_mixed} mixed, {n_new} new, {n_checkpoints} checkpoints"
    );
    assert!(n_mixed > 0 && n_new > 0, "no kill hit the renaming: {n_mixed} mixed, {n_new} after it");
    // what was left behind is removed by the next run
    place.run(&FITS[0]).with(0);
    assert!(place.litter().is_empty(), "{:?}", place.litter());
    assert!(mixed_files(&out).unwrap().is_empty() && !out.join("checkpoint.json").exists());
    tally(
        "kills",
        &[
            ("running fits that were killed", n_hit),
            ("sets that were mixed", n_mixed),
            ("checkpoints that were left", n_checkpoints),
        ],
    );
}
