//! One workload in this process: its data, its times, its proof.

use std::io::BufRead;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::super::machine::{forget_peak_memory, peak_memory_bytes};
use super::super::progress::{Progress, Total};
use super::args::Workload;
use super::serve::answered;
use super::timing::Times;
use super::workloads::{n_repetitions, prepare};
use crate::{Error, Result};

/// Times a workload; one row of the results.
pub(super) fn measure(workload: Workload, quick: bool) -> Result<Value> {
    let progress = Progress::new(false);
    progress.stage(format!("making the data of workload {}", workload.name()), None);
    let mut prepared = prepare(workload, quick)?;
    forget_peak_memory();
    let n_repetitions = n_repetitions(workload, quick);
    progress.stage(format!("timing workload {}", workload.name()), Some(Total::Items(n_repetitions as u64)));
    let mut seconds = Vec::with_capacity(n_repetitions);
    for _ in 0..n_repetitions {
        seconds.push(prepared.time()?);
        progress.advance(1);
    }
    let mut row = Map::new();
    let mut add = |name: &str, value: Value| {
        row.insert(name.into(), value);
    };
    add("workload", workload.name().into());
    add("quick", quick.into());
    add("threads", rayon::current_num_threads().into());
    add("seconds", Times::of(&seconds).json());
    add("peak_memory_bytes", json!(peak_memory_bytes()));
    row.extend(prepared.size());
    progress.stage(format!("timing evaluations of workload {}", workload.name()), None);
    let n_bins = row.get("rows").and_then(Value::as_f64);
    row.extend(evaluation(&prepared.evaluations(n_repetitions)?, n_bins));
    progress.stage("finding the optimum in float64", None);
    row.extend(prepared.proof()?);
    Ok(row.into())
}

/// What one evaluation takes, if there is any: as a whole, and for each bin.
fn evaluation(seconds: &[f64], n_bins: Option<f64>) -> Map<String, Value> {
    let mut fields = Map::new();
    if let (false, Some(n_bins)) = (seconds.is_empty(), n_bins) {
        let times = Times::of(seconds);
        fields.insert("evaluation_seconds".into(), times.json());
        fields.insert("evaluation_ns_per_bin".into(), json!(times.median / n_bins * 1e9));
    }
    fields
}

/// Times a workload once for each line of stdin; each answer is `{"seconds": .., "peak_memory_bytes": ..}`.
pub(super) fn each_line(workload: Workload, quick: bool) -> Result<()> {
    let mut prepared = prepare(workload, quick)?;
    forget_peak_memory();
    for line in std::io::stdin().lock().lines() {
        line.map_err(|error| Error::io("standard input".as_ref(), error))?;
        let seconds = prepared.time()?;
        if !answered(&json!({ "seconds": seconds, "peak_memory_bytes": peak_memory_bytes() }))? {
            break;
        }
    }
    Ok(())
}

/// Writes the data of a workload into a folder.
pub(super) fn write(workload: Workload, quick: bool, folder: &Path) -> Result<()> {
    prepare(workload, quick)?.write(folder)
}
