//! Workload e: what a user waits for, from an NWB file to the scores of two models.
//!
//! Each model is one run of the program itself on the simulated session: start, read, bin, features, fit, certificate,
//! scores, JSON. The time is that of both processes, from starting the first to the end of the second.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::super::children::{ended_well, program};
use super::{Prepared, SEED};
use crate::simulate::simulate;
use crate::write::nwb::write_session;
use crate::{Error, Result};

/// The current now, and its past 200 ms.
const MODELS: [&str; 2] = ["stimulus*1e12", "stimulus*1e12 : raised-cosine-log(8, window=200ms)"];
/// What is fitted, and how it is said.
const WORDS: [&str; 10] =
    ["--epochs", "Noise 1", "--epoch", "0", "--unit", "0", "--bin", "1ms", "--quiet", "--json"];

/// A recording in a folder of its own.
pub(super) struct Tutorial {
    folder: TempDir,
    results: Vec<Value>,
}

impl Tutorial {
    /// Simulates and writes the recording.
    pub(super) fn new() -> Result<Self> {
        let folder = tempfile::tempdir().map_err(|error| Error::io(&std::env::temp_dir(), error))?;
        write_session(&folder.path().join("e.nwb"), &simulate(SEED))?;
        Ok(Self { folder, results: Vec::new() })
    }

    fn recording(&self) -> PathBuf {
        self.folder.path().join("e.nwb")
    }

    /// The largest number that `of` finds in the results.
    fn most(&self, of: impl Fn(&Value) -> Option<f64>) -> Option<f64> {
        self.results.iter().map(of).try_fold(f64::NEG_INFINITY, |most, found| Some(most.max(found?)))
    }
}

impl Prepared for Tutorial {
    fn size(&self) -> Map<String, Value> {
        let fields = [("models", json!(MODELS)), ("precision", json!("f64"))];
        fields.map(|(name, value)| (name.to_string(), value)).into_iter().collect()
    }

    fn time(&mut self) -> Result<f64> {
        let program = program()?;
        let n_threads = rayon::current_num_threads().to_string();
        let mut printed = Vec::new();
        let started = Instant::now();
        for feature in MODELS {
            let mut command = Command::new(&program);
            command.arg("fit").arg(self.recording()).args(WORDS).args(["--feature", feature]);
            command.args(["--threads", &n_threads]);
            printed.push(ended_well(&program, &mut command, "e")?);
        }
        let seconds = started.elapsed().as_secs_f64();
        self.results = printed;
        Ok(seconds)
    }

    fn proof(&mut self) -> Result<Map<String, Value>> {
        let converged = self.results.iter().all(|result| result["targets"][0]["status"] == "converged");
        let gap = self.most(|result| {
            let target = &result["targets"][0];
            Some(target["loss_gap"].as_f64()? / target["loss"].as_f64()?.abs())
        });
        let in_process = self.most(|result| result["seconds"]["total"].as_f64());
        let fields = [
            ("converged", json!(converged)),
            ("longest_in_process_seconds", json!(in_process)),
            ("loss_gap", json!(gap)),
            ("loss_gap_from", json!("certificate")),
            ("peak_memory_bytes", json!(self.most(|result| result["peak_memory_bytes"].as_f64()))),
        ];
        Ok(fields.map(|(name, value)| (name.to_string(), value)).into_iter().collect())
    }

    fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join("e.nwb");
        std::fs::copy(self.recording(), &path).map(drop).map_err(|error| Error::io(&path, error))
    }
}
