//! `rheobase bench --calibrate FILE`: the speeds of this machine, for `rheobase fit --cost-constants FILE`.
//!
//! Each is measured where it matters, in the kernel that it stands for. A fit never measures, and never looks for a
//! file that it was not given: the same words take the same path.

use std::path::Path;

use super::super::cost_constants::{Calibration, Measured, SCHEMA};
use super::super::machine::processor;
use super::super::progress::Progress;
use super::super::run::{Report, pretty, say, settle_threads};
use super::args::BenchArgs;
use super::kernels::{
    N_FUNCTIONS, SPARSITY, WINDOW, Work, cholesky, convolved, dense, on_one_thread, signal, spikes, written,
};
use super::roofs::IN_MEMORY;
use crate::backend::cpu::convolution::build_features::Channel;
use crate::backend::cpu::roofs::read_bandwidth;
use crate::backend::cpu::simd::Level;
use crate::backend::cpu::speeds::Speeds;
use crate::design::{Course, Form};
use crate::write::save::check_writable_file;
use crate::write::table::terminal_table;
use crate::{Error, Result};

/// Channels of the smaller and the larger design whose difference is the cost of a channel.
const CHANNELS: [usize; 2] = [4, 20];
/// How often speeds are measured until all are known.
const MOST_TRIALS: usize = 3;
/// A spike in one of so many bins: as good as none.
const ALMOST_NONE: u64 = 1 << 15;

/// Measures, writes the file, and shows it beside what is compiled in.
pub(super) fn calibrate(args: &BenchArgs, path: &Path) -> Result<Report> {
    settle_threads(args.threads)?;
    check_writable_file(path)?;
    let threads = rayon::current_num_threads();
    let progress = Progress::new(false);
    progress.stage("measuring the speeds of this machine", None);
    let is_unknown = |(_, speed): &(&str, f64)| !(*speed > 0.0 && speed.is_finite());
    let mut speeds = measured(threads)?;
    // differences of times suffer from whatever else runs
    for _ in 1..MOST_TRIALS {
        if !speeds.all().iter().any(is_unknown) {
            break;
        }
        speeds = measured(threads)?;
    }
    drop(progress);
    if let Some((name, _)) = speeds.all().into_iter().find(is_unknown) {
        let expected = "more work to take more time";
        let help = "measure again while nothing else runs";
        return Err(Error::argument(format!("--calibrate: {name}"), expected, "less", help));
    }
    let level = Level::best();
    let calibration = Calibration {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").into(),
        machine: Measured {
            processor: processor(),
            threads,
            vector_instructions: level.name().into(),
            system: std::env::consts::OS.into(),
        },
        speeds,
        compiled_in: Speeds::of(level),
    };
    calibration.write(path)?;
    say(&format!("speeds written to {}", path.display()));
    let text = if args.json { pretty(&serde_json::json!(calibration)) } else { text(&calibration) };
    Ok(Report { text, converged: true })
}

/// Every speed of this machine.
fn measured(n_threads: usize) -> Result<Speeds> {
    let flop_per_s = |n: usize, of_each: usize, seconds: f64| n as f64 * of_each as f64 / seconds;
    let gram = |n, p| Ok(flop_per_s(n, p * (p + 1), dense::<f32>(n, p, Work::Gram)?));
    let (n, p, m) = (1 << 15, 160, 20);
    let product_flop_per_s = flop_per_s(n, 4 * (p + 1) * m, dense::<f32>(n, p, Work::Pass(m))?);
    let [narrow_gram_flop_per_s, gram_flop_per_s] = [gram(1 << 18, 8)?, gram(1 << 16, 100)?];
    let p = 600;
    let cholesky_flop_per_s = flop_per_s(p, p * p, cholesky(p)?) / 3.0;
    let [value_ns, event_both_ns, spectra_ns] = on_one_thread("--calibrate", evaluated_ns)?;
    let [store_ns, event_ns, direct_ns, transform_ns] = on_one_thread("--calibrate", written_ns)?;
    Ok(Speeds {
        read_bytes_per_s: read_bandwidth(Level::best(), n_threads, IN_MEMORY) * 1e9,
        product_flop_per_s,
        narrow_gram_flop_per_s,
        gram_flop_per_s,
        cholesky_flop_per_s,
        value_ns,
        store_ns,
        event_ns,
        event_both_ns,
        direct_ns,
        transform_ns,
        spectra_ns,
    })
}

/// Lags of spikes that reach a bin, by the estimate, with a spike in one of so many bins.
fn reach(sparsity: u64) -> f64 {
    (WINDOW + 64) as f64 / sparsity as f64
}

/// `value`, `event_both` and `spectra`: passes over a design.
fn evaluated_ns() -> Result<[f64; 3]> {
    let (n, p) = (1 << 18, 64);
    let value = dense::<f32>(n, p, Work::Pass(1))? / (n * p) as f64;
    // the difference of two designs is free of what a bin costs whatever the channels
    let of_channel = |course: &dyn Fn(usize) -> Course| -> Result<f64> {
        let [few, many] = CHANNELS;
        let seconds = |n: usize| convolved((0..n).map(course).collect(), Form::MatrixFree);
        Ok((seconds(many)? - seconds(few)?) / (many - few) as f64)
    };
    let trains = |sparsity| of_channel(&|k| Course::Events(spikes(k, sparsity)));
    let event = (trains(SPARSITY)? - trains(ALMOST_NONE)?) / (reach(SPARSITY) - reach(ALMOST_NONE));
    let spectra = of_channel(&|k| Course::Samples(signal(k)))?;
    Ok([value, event, spectra].map(|seconds| seconds * 1e9))
}

/// `store`, `event`, `direct` and `transform`: writing features.
fn written_ns() -> Result<[f64; 4]> {
    let (some, none, x) = (spikes(0, SPARSITY), spikes(0, ALMOST_NONE), signal(0));
    let column = |channel| Ok(written(channel)? / N_FUNCTIONS as f64);
    let store = column(Channel::Events(&none))?;
    let event = (column(Channel::Events(&some))? - store) / (reach(SPARSITY) - reach(ALMOST_NONE));
    let direct = (column(Channel::Direct(&x, 0.0))? - store) / WINDOW as f64;
    let transform = written(Channel::Fft(&x, 0.0))? / (1 + N_FUNCTIONS) as f64;
    Ok([store, event, direct, transform].map(|seconds| seconds * 1e9))
}

/// What was measured beside what is compiled in.
fn text(calibration: &Calibration) -> String {
    let Calibration { machine, speeds, compiled_in, .. } = calibration;
    let digits = |speed: f64| if speed > 1e3 { format!("{speed:.2e}") } else { format!("{speed:.4}") };
    let rows: Vec<Vec<String>> = (speeds.all().iter().zip(compiled_in.all()))
        .map(|(&(name, own), (_, other))| {
            vec![name.into(), digits(own), digits(other), format!("{:.2}", own / other)]
        })
        .collect();
    let table = terminal_table(&["speed", "measured", "compiled in", "ratio"], &rows, None);
    let (processor, threads) = (&machine.processor, machine.threads);
    format!("{processor}, {threads} threads, {}\n{}\n", machine.vector_instructions, table.trim_end())
}
