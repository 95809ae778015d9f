//! `rheobase bench --kernels`: each kernel against what this machine can do at most, measured in the same run.
//!
//! A kernel is held against the roof that it meets first, in the numbers that it works with: reading from memory for a pass over
//! a large matrix or line, multiplying and adding for everything that works in cache. Work is counted by its definition, so
//! what a kernel computes beside it (pointwise functions, the other half of a symmetric block, rows that an event does not
//! reach) lowers its part. Transforms are counted by their own operations, not by the direct sum that they stand for; see
//! [`super::operations`].

use serde_json::{Value, json};

use super::super::machine::processor;
use super::super::progress::Progress;
use super::super::run::{Report, pretty, settle_threads};
use super::args::BenchArgs;
use super::kernels::{N_BINS, SPARSITY, Work, convolved, dense, on_one_thread, signal, spikes, written};
use super::operations::{
    evaluated_events, evaluated_rewritten, evaluated_spectra, written_by_transforms, written_directly,
    written_events,
};
use super::roofs::IN_MEMORY;
use crate::Result;
use crate::backend::cpu::Storage;
use crate::backend::cpu::convolution::build_features::Channel;
use crate::backend::cpu::roofs::{multiply_adds, read_bandwidth};
use crate::backend::cpu::simd::Level;
use crate::design::{Course, Form};
use crate::write::table::terminal_table;

/// Values of a matrix or a line that fits into no cache, and rows of a matrix that does.
const LARGE: usize = 1 << 25;
const ROWS: usize = 1 << 14;
/// Channels that are evaluated together.
const CHANNELS: usize = 20;

/// A kernel and what it reached.
struct Reached {
    kernel: String,
    /// The numbers that it works with.
    numbers: &'static str,
    /// In 1e9 operations or bytes per second.
    rate: f64,
    unit: &'static str,
    roof: f64,
    threads: usize,
}

impl Reached {
    /// Multiplications and additions on one thread.
    fn on_one<T: Storage>(kernel: impl Into<String>, operations: f64, seconds: f64, roof: f64) -> Self {
        let (rate, unit) = (operations / seconds / 1e9, "GFLOP/s");
        Self { kernel: kernel.into(), numbers: name::<T>(), rate, unit, roof, threads: 1 }
    }
}

/// What numbers are called.
fn name<T: Storage>() -> &'static str {
    if size_of::<T>() == size_of::<f32>() { "f32" } else { "f64" }
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
    let (pass, residual) = (("loss and gradient", Work::Pass(1)), ("optimality residual", Work::Residual));
    let mut all = from_memory::<f32>(&[pass])?;
    all.extend(from_memory::<f64>(&[pass, residual])?);
    on_one_thread("--kernels", || {
        all.extend(in_cache::<f32>(&[8, 100, 160, 800], &[(160, 20), (800, 100)])?);
        all.extend(in_cache::<f64>(&[], &[(160, 20)])?);
        all.extend(of_convolutions()?);
        Ok(all)
    })
}

/// Passes over matrices, and trial steps along a line, that all threads read from memory; every value once.
fn from_memory<T: Storage>(works: &[(&str, Work)]) -> Result<Vec<Reached>> {
    let (level, threads, numbers) = (Level::best(), rayon::current_num_threads(), name::<T>());
    let mut all = Vec::new();
    let mut add = |kernel: String, n_values: usize, seconds: f64| {
        let rate = (size_of::<T>() * n_values) as f64 / seconds / 1e9;
        let roof = read_bandwidth(level, threads, IN_MEMORY);
        all.push(Reached { kernel, numbers, rate, unit: "GB/s read", roof, threads });
    };
    for &(what, work) in works {
        for p in [8, 100] {
            let n = LARGE / p;
            add(format!("{what}, {n} x {p}"), n * p, dense::<T>(n, p, work)?);
        }
    }
    // linear predictor and direction
    let n = LARGE / 2;
    add(format!("change of the loss along a line of {n} rows"), LARGE, dense::<T>(n, 1, Work::Change)?);
    Ok(all)
}

/// Products in cache: flat Grams of so many columns, Hessians with loss and gradient, and passes of several targets.
fn in_cache<T: Storage>(grams: &[usize], populations: &[(usize, usize)]) -> Result<Vec<Reached>> {
    let roof = multiply_adds::<T>(Level::best(), 1);
    let mut all = Vec::new();
    let mut add = |kernel: String, of_row: usize, seconds: f64| {
        all.push(Reached::on_one::<T>(kernel, (ROWS * of_row) as f64, seconds, roof));
    };
    for &p in grams {
        add(format!("Gram of {p} columns"), p * (p + 1), dense::<T>(ROWS, p, Work::Gram)?);
    }
    for p in [8, 100] {
        // the Gram, and products forward and back
        let of_row = (p + 4) * (p + 1);
        add(format!("loss, gradient and Hessian, {p} columns"), of_row, dense::<T>(ROWS, p, Work::Hessian)?);
    }
    for &(p, m) in populations {
        let kernel = format!("loss and gradient, {p} columns, {m} targets");
        add(kernel, 4 * (p + 1) * m, dense::<T>(ROWS, p, Work::Pass(m))?);
    }
    Ok(all)
}

/// Features of channels, and evaluations of channels in every form.
fn of_convolutions() -> Result<Vec<Reached>> {
    let roof = multiply_adds::<f32>(Level::best(), 1);
    let mut all = Vec::new();
    let mut add = |kernel: String, of_bin: f64, seconds: f64| {
        all.push(Reached::on_one::<f32>(kernel, of_bin, seconds, roof));
    };
    let (trains, x) = (spikes(0, SPARSITY), signal(0));
    add("features of spikes".into(), written_events(), written(Channel::Events(&trains))?);
    let directly = written(Channel::Direct(&x, 0.0))?;
    add("features of a signal, directly".into(), written_directly(), directly);
    let transformed = written(Channel::Fft(&x, 0.0))?;
    add("features of a signal, by transforms".into(), written_by_transforms(), transformed);
    let n = CHANNELS;
    let trains: Vec<Course> = (0..n).map(|k| Course::Events(spikes(k, SPARSITY))).collect();
    let signals: Vec<Course> = (0..n).map(|k| Course::Samples(signal(k))).collect();
    let pass = |of: &str| format!("loss and gradient of {n} {of}");
    let (free, again) = (Form::MatrixFree, Form::Rewritten);
    add(pass("spike trains"), evaluated_events(n), convolved(trains.clone(), free)?);
    let of_bin = evaluated_rewritten(n, written_events());
    add(pass("spike trains, written again"), of_bin, convolved(trains, again)?);
    let of_bin = evaluated_spectra(n, N_BINS);
    add(pass("signals, by transforms"), of_bin, convolved(signals.clone(), free)?);
    let of_bin = evaluated_rewritten(n, written_directly());
    add(pass("signals, written again"), of_bin, convolved(signals, again)?);
    Ok(all)
}

fn document(all: &[Reached]) -> Value {
    let one = |own: &Reached| {
        json!({
            "kernel": own.kernel, "numbers": own.numbers, "threads": own.threads, "rate": own.rate,
            "unit": own.unit, "roof": own.roof, "part_of_roof": own.rate / own.roof,
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
            own.numbers.into(),
            own.threads.to_string(),
            format!("{:.1} {}", own.rate, own.unit),
            format!("{:.1}", own.roof),
            format!("{:.0} %", 100.0 * own.rate / own.roof),
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    let header = ["kernel", "numbers", "threads", "rate", "roof", "of the roof"];
    let table = terminal_table(&header, &rows, None);
    format!("{}, {}\n{}\n", processor(), Level::best().name(), table.trim_end())
}
