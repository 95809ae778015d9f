//! `rheobase bench --kernels`: each kernel against what this machine can do at most, measured in the same run.
//!
//! A kernel is held against the roof that it meets first: reading from memory for a pass over a large matrix, multiplying
//! and adding for everything that works in cache. Work is counted by its definition, so what a kernel computes beside it
//! (pointwise functions, the other half of a symmetric block, rows that an event does not reach) lowers its part. Transforms
//! do less than the direct sum that they are counted as, so they have no roof here.

use serde_json::{Value, json};

use super::super::machine::processor;
use super::super::progress::Progress;
use super::super::run::{Report, pretty, settle_threads};
use super::args::BenchArgs;
use super::kernels::{
    N_FUNCTIONS, SPARSITY, WINDOW, Work, dense, free, on_one_thread, signal, spikes, written,
};
use super::roofs::IN_MEMORY;
use crate::Result;
use crate::backend::cpu::convolution::build_features::Channel;
use crate::backend::cpu::roofs::{multiply_adds, read_bandwidth};
use crate::backend::cpu::simd::Level;
use crate::design::Course;
use crate::write::table::terminal_table;

/// Values of a matrix that fits into no cache, and rows of one that does.
const LARGE: usize = 1 << 25;
const ROWS: usize = 1 << 14;
/// Channels that are evaluated together.
const CHANNELS: usize = 20;

/// What the names of kernels say that transform.
const BY_TRANSFORMS: &str = "by transforms";

/// A kernel and what it reached.
struct Reached {
    kernel: String,
    /// In 1e9 operations or bytes per second.
    rate: f64,
    unit: &'static str,
    roof: Option<f64>,
    threads: usize,
}

/// Times the kernels and the roofs.
pub(super) fn against_roofs(args: &BenchArgs) -> Result<Report> {
    settle_threads(args.threads)?;
    let progress = Progress::new(false);
    progress.stage("timing kernels", None);
    let all = reached()?;
    drop(progress);
    let text = if args.json { pretty(&document(&all)) } else { text(&all) };
    Ok(Report { text, converged: true })
}

fn reached() -> Result<Vec<Reached>> {
    let (level, n_threads) = (Level::best(), rayon::current_num_threads());
    let mut all = Vec::new();
    for p in [8, 100] {
        let large = LARGE / p;
        // every value is read once
        let read = read_bandwidth(level, n_threads, IN_MEMORY);
        let rate = (4 * large * p) as f64 / dense(large, p, Work::Pass(1))? / 1e9;
        let kernel = format!("loss and gradient, {large} x {p}");
        all.push(Reached { kernel, rate, unit: "GB/s read", roof: Some(read), threads: n_threads });
    }
    let most = multiply_adds::<f32>(level, 1);
    let mut add = |kernel: String, operations: f64, seconds: f64| {
        let roof = (!kernel.contains(BY_TRANSFORMS)).then_some(most);
        let rate = operations / seconds / 1e9;
        all.push(Reached { kernel, rate, unit: "GFLOP/s", roof, threads: 1 });
    };
    on_one_thread("--kernels", || {
        for p in [8, 100, 160, 800] {
            let operations = (ROWS * p * (p + 1)) as f64;
            add(format!("Gram of {p} columns"), operations, dense(ROWS, p, Work::Gram)?);
        }
        for (p, m) in [(160, 20), (800, 100)] {
            let operations = (4 * ROWS * (p + 1) * m) as f64;
            add(
                format!("loss and gradient, {p} columns, {m} targets"),
                operations,
                dense(ROWS, p, Work::Pass(m))?,
            );
        }
        let (trains, x) = (spikes(0, SPARSITY), signal(0));
        // a multiplication and an addition for every lag of every spike that a bin sees
        let seen = 2.0 * WINDOW as f64 / SPARSITY as f64;
        let functions = N_FUNCTIONS as f64;
        add("features of spikes".into(), seen * functions, written(Channel::Events(&trains))?);
        let direct = 2.0 * WINDOW as f64 * functions;
        add("features of a signal, directly".into(), direct, written(Channel::Direct(&x, 0.0))?);
        add(format!("the same {BY_TRANSFORMS}"), direct, written(Channel::Fft(&x, 0.0))?);
        let channels = |course: &dyn Fn(usize) -> Course| free((0..CHANNELS).map(course).collect());
        let n = CHANNELS as f64;
        let events = channels(&|k| Course::Events(spikes(k, SPARSITY)))?;
        add(format!("loss and gradient of {CHANNELS} spike trains"), 2.0 * n * seen, events);
        let samples = channels(&|k| Course::Samples(signal(k)))?;
        add(
            format!("loss and gradient of {CHANNELS} signals, {BY_TRANSFORMS}"),
            4.0 * n * WINDOW as f64,
            samples,
        );
        Ok(())
    })?;
    Ok(all)
}

fn document(all: &[Reached]) -> Value {
    let one = |own: &Reached| {
        json!({
            "kernel": own.kernel, "threads": own.threads, "rate": own.rate, "unit": own.unit,
            "roof": own.roof, "part_of_roof": own.roof.map(|roof| own.rate / roof),
        })
    };
    json!({
        "schema": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "processor": processor(),
        "vector_instructions": Level::best().name(),
        "kernels": all.iter().map(one).collect::<Vec<Value>>(),
    })
}

fn text(all: &[Reached]) -> String {
    let row = |own: &Reached| {
        vec![
            own.kernel.clone(),
            own.threads.to_string(),
            format!("{:.1} {}", own.rate, own.unit),
            own.roof.map_or_else(String::new, |roof| format!("{roof:.1}")),
            own.roof.map_or_else(String::new, |roof| format!("{:.0} %", 100.0 * own.rate / roof)),
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    let table = terminal_table(&["kernel in f32", "threads", "rate", "roof", "of the roof"], &rows, None);
    format!("{}, {}\n{}\n", processor(), Level::best().name(), table.trim_end())
}
