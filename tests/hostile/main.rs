//! Files that nobody should have written: seeds, what fuzzing has found, and over a thousand mutants.
//!
//! Whatever is in a file, each reader gives what is there or says what is wrong, where, and what to do. None crashes, hangs
//! (longer than 5 s), or takes more memory than is allowed. Targets for a fuzzer that goes on where this ends are in
//! `tests/fuzz`, and use the same readers.
#![cfg(target_os = "linux")]

#[path = "../common/tally.rs"]
mod tally;

mod batch;
mod bytes;
mod crafted;
mod heaps;
mod packed;
mod readers;
mod texts;

use std::path::{Path, PathBuf};

use batch::Tried;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Seeds and findings of a target of `tests/fuzz`.
fn seeds(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds").join(target);
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// Reads these files, and so many mutants of them.
fn try_mutants(
    name: &str,
    files: &[PathBuf],
    n_mutants: usize,
    mutate: impl Fn(&[u8], &mut ChaCha8Rng) -> Vec<u8>,
) {
    let folder = tempfile::tempdir().unwrap();
    let wholes: Vec<Vec<u8>> = files.iter().map(|path| std::fs::read(path).unwrap()).collect();
    let mut random = ChaCha8Rng::seed_from_u64(20_250_801);
    let ending = |path: &Path| path.extension().unwrap().to_str().unwrap().to_string();
    for number in 0..n_mutants {
        let which = number % files.len();
        // a mutant that is the original would be read, and prove nothing
        let mutant = (0..1000).map(|_| mutate(&wholes[which], &mut random)).find(|it| *it != wholes[which]);
        let mutant = mutant.unwrap();
        std::fs::write(folder.path().join(format!("{number:05}.{}", ending(&files[which]))), mutant).unwrap();
    }
    let tried = Tried::all_of(folder.path());
    tried.expect_good();
    assert_eq!(tried.n_files, n_mutants as u64);
    // mutants that are all refused, or all read, try little
    assert!(tried.clear_errors * 20 > tried.n_files && tried.still_read > 0, "{tried:?}");
    tally::tally(
        &format!("mutants of {name}"),
        &[
            ("tried", tried.n_files),
            ("clear errors", tried.clear_errors),
            ("still read", tried.still_read),
            ("crashes", tried.crashes.len() as u64),
            ("hangs", tried.hangs.len() as u64),
            ("most MB above the start", tried.most_kb / 1024),
        ],
    );
}

#[test]
fn mutants_of_recordings() {
    let mut files = seeds("nwb");
    files.retain(|path| path.extension().is_some_and(|ending| ending == "nwb"));
    for name in ["intervals", "units", "columns", "unit_widths", "broken", "extension_cached"] {
        files.push(fixture(&format!("nwb/{name}.nwb")));
    }
    try_mutants("recordings", &files, 600, bytes::of_hdf5);
}

#[test]
fn mutants_of_arrays() {
    let mut files = seeds("arrays");
    files.retain(|path| path.extension().is_some_and(|ending| ending == "npz"));
    files.push(fixture("nemos_classifiers/one.npz"));
    try_mutants("npz files", &files, 240, bytes::of_zip);
    let mut files = seeds("arrays");
    files.retain(|path| path.extension().is_some_and(|ending| ending == "npy"));
    try_mutants("npy files", &files, 160, bytes::of_npy);
}

#[test]
fn mutants_of_texts() {
    try_mutants("csv files", &seeds("csv"), 160, texts::of_text);
    try_mutants("studies", &seeds("study"), 120, texts::of_text);
    try_mutants("features", &seeds("feature"), 240, texts::of_text);
}

#[test]
fn mutants_of_models() {
    try_mutants("model files", &seeds("model"), 240, |whole, random| {
        // what a fuzzer found may be no JSON
        let is_json = serde_json::from_slice::<serde_json::Value>(whole).is_ok();
        if is_json { texts::of_json(whole, random) } else { texts::of_text(whole, random) }
    });
}

#[test]
fn seeds_and_what_fuzzing_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut n_files = 0;
    for target in ["nwb", "arrays", "csv", "model", "study", "feature"] {
        for (number, path) in seeds(target).into_iter().enumerate() {
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            std::fs::copy(&path, folder.path().join(format!("{target}_{number:03}.{ending}"))).unwrap();
            n_files += 1;
        }
    }
    let tried = Tried::all_of(folder.path());
    tried.expect_good();
    assert_eq!(tried.n_files, n_files);
    tally::tally(
        "seeds of fuzzing",
        &[("tried", tried.n_files), ("clear errors", tried.clear_errors), ("still read", tried.still_read)],
    );
}
