//! Numbers that tests count while they prove something, kept for the table of `docs/promises.md`.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(unreachable_pub, reason = "a module of several binaries, none of which exports it")]

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where numbers are kept: one file per name, overwritten by the next run.
pub fn folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from);
    target.join("promises")
}

/// Keeps the numbers of one proof: `tally("mutants of npz files", &[("tried", 400), ("crashes", 0)])`. It is called when the test
/// has passed, with what it has counted, and never with a number that was typed.
pub fn tally(name: &str, counts: &[(&str, u64)]) {
    let counts: BTreeMap<&str, u64> = counts.iter().copied().collect();
    let file = format!("{}.json", name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
    let document = serde_json::json!({ "name": name, "counts": counts });
    std::fs::create_dir_all(folder()).unwrap();
    std::fs::write(folder().join(file), document.to_string()).unwrap();
}
