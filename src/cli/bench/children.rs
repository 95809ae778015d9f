//! The program as a child of itself: a workload whose start, threads and peak memory are its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::args::Workload;
use crate::{Error, Result};

/// The file of this program.
pub(super) fn program() -> Result<PathBuf> {
    std::env::current_exe().map_err(|error| Error::io("rheobase".as_ref(), error))
}

/// Times one workload in a process of its own; the document that it prints.
pub(super) fn run(workload: Workload, quick: bool, n_threads: usize) -> Result<Value> {
    let program = program()?;
    let mut command = Command::new(&program);
    command.args([
        "bench",
        "--json",
        "--no-roofs",
        "--workload",
        workload.name(),
        "--threads",
        &n_threads.to_string(),
    ]);
    if quick {
        command.arg("--quick");
    }
    ended_well(&program, &mut command, workload.name())
}

/// The JSON that a process prints which ends with or without convergence; its words on stderr are passed on.
pub(super) fn ended_well(program: &Path, command: &mut Command, workload: &str) -> Result<Value> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| Error::io(program, error))?;
    let failed = |said: String| {
        let found = format!("workload {workload}: {said}");
        Error::io(program, std::io::Error::other(found))
    };
    match output.status.code() {
        Some(0 | 4) => serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string())),
        _ => Err(failed(output.status.to_string())),
    }
}
