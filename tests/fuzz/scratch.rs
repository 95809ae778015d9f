//! Files that hold what the fuzzer made.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

static FOLDER: LazyLock<tempfile::TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("a folder for temporary files"));

/// Does something with a file that holds these bytes. The name says the kind, since some readers ask for it.
pub fn with_file(kind: &str, bytes: &[u8], work: impl FnOnce(&Path)) {
    let ending = match kind {
        "nwb" => "nwb",
        "arrays" => "npz",
        "csv" => "csv",
        "study" => "toml",
        _ => "json",
    };
    let path: PathBuf = FOLDER.path().join(format!("mutant.{ending}"));
    std::fs::write(&path, bytes).expect("room for a small file");
    work(&path);
}
