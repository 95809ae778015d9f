//! `rheobase bench --gpu`: the CPU against a GPU, kernel by kernel, each against the roofs of the device.
//!
//! Roofs come first, from kernels that only copy or only multiply and add. Every row is then computed on both and compared with
//! `f64` before it is timed; a wrong answer is an error, not a time. `evaluation` is what a solver waits for (coefficients
//! there, sums back, by the host's clock), `kernels` the same by the device's own clock. A software adapter is timed too, and
//! every table says that its figures are not those of a GPU.

use std::fmt::Write;
use std::time::Instant;

use ndarray::Array2;
use serde_json::{Map, Value, json};

use super::super::machine::processor;
use super::super::progress::Progress;
use super::super::run::{Report, in_pool, pretty, settle_threads};
use super::args::BenchArgs;
use super::timing::Times;
use crate::backend::gpu::Roofs;
use crate::backend::{Backend, Cpu, Every, Gpu, Model};
use crate::design::{Column, DesignPlan, Source};
use crate::math::dense::Matrix;
use crate::objective::{GlmObjective, Objective, Packed, Weight};
use crate::write::table::terminal_table;
use crate::{Error, Result};

/// Rows, columns, targets of what is timed.
const SIZES: [[usize; 3]; 15] = [
    [10_000, 8, 1],
    [100_000, 8, 1],
    [100_000, 64, 1],
    [1_000_000, 1, 1],
    [1_000_000, 8, 1],
    [1_000_000, 32, 1],
    [1_000_000, 33, 1],
    [1_000_000, 64, 1],
    [1_000_000, 200, 1],
    [1_000_000, 512, 1],
    [10_000_000, 8, 1],
    [10_000_000, 64, 1],
    [1_000_000, 64, 10],
    [1_000_000, 200, 100],
    [200_000, 200, 500],
];
/// The same of a trial.
const QUICK: [[usize; 3]; 3] = [[20_000, 8, 1], [10_000, 64, 1], [5_000, 33, 10]];
/// Columns up to which a Gram is timed too.
const MOST_GRAM: usize = 200;
/// Runs that are not counted, and those that are.
const WARM: usize = 5;
const RUNS: usize = 30;
/// Largest error of losses, gradients and products, each relative to the largest of its kind.
const EXACT: f64 = 1e-5;

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Work {
    Gradient,
    Gram,
}

/// One row of the table.
struct Timed {
    work: Work,
    size: [usize; 3],
    error: f64,
    on_cpu: Times,
    evaluation: Times,
    kernels: Option<Times>,
    /// Bytes that must be read, and operations.
    n_bytes: f64,
    flop: f64,
}

impl Timed {
    /// The part of the roof that it meets first.
    fn part_of_roof(&self, roofs: &Roofs) -> f64 {
        let seconds = self.kernels.as_ref().unwrap_or(&self.evaluation).median;
        (self.n_bytes / roofs.copy_bytes_per_s).max(self.flop / roofs.flop_per_s) / seconds
    }
}

/// Times the CPU against a GPU.
pub(super) fn on_gpu(args: &BenchArgs) -> Result<Report> {
    settle_threads(args.threads)?;
    let gpu = Gpu::open(args.device.as_deref())?;
    let progress = Progress::new(false);
    progress.stage("measuring roofs", None);
    let (n_bytes, n_turns) = if args.quick { (16 << 20, 64) } else { (1 << 30, 4096) };
    let roofs = gpu.roofs(n_bytes, n_turns)?;
    gpu.start_clock();
    let mut rows = Vec::new();
    for size in if args.quick { &QUICK[..] } else { &SIZES[..] } {
        progress.stage(format!("timing {} x {} x {}", size[0], size[1], size[2]), None);
        rows.extend(in_pool(|| timed(&gpu, *size, args.quick))?);
    }
    drop(progress);
    let text = if args.json { pretty(&document(&gpu, &roofs, &rows)) } else { text(&gpu, &roofs, &rows) };
    Ok(Report { text, converged: true })
}

/// One problem on all backends.
fn timed(gpu: &Gpu, size: [usize; 3], quick: bool) -> Result<Vec<Timed>> {
    let [n, p, m] = size;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1_u32 << 24) as f32
    };
    let x = Array2::from_shape_fn((n, p), |_| uniform() + uniform() - 1.0);
    let y = Array2::from_shape_fn((n, m), |_| u8::from(uniform() < 0.1));
    let labels = (0..p).map(|j| format!("x{j}")).collect();
    let plan = DesignPlan::new(vec![Source { name: "x".into(), labels, x: x.view().into() }], 0..n)?;
    let y = Packed::new(y.view(), plan.rows());
    let columns: Vec<Column> = (0..p).map(Column::Source).collect();
    let at = Matrix::from_shape_fn((1 + p, m), |(j, k)| {
        if j == 0 { -2.3 } else { 0.3 * ((j + k) as f64).sin() / (p as f64).sqrt() }
    });
    let problem = Problem { plan: &plan, columns: &columns, y: &y, at, quick };
    let works = if m == 1 && p <= MOST_GRAM { &[Work::Gradient, Work::Gram][..] } else { &[Work::Gradient] };
    let truth = problem.results(&Cpu::<f64>::default(), works)?;
    let cpu = problem.times(&Cpu::<f32>::default(), works, &|| None)?;
    let found = problem.results(gpu, works)?;
    let on_gpu = problem.times(gpu, works, &|| gpu.kernel_seconds())?;
    let mut all = Vec::new();
    for (k, &work) in works.iter().enumerate() {
        // losses first, then the gradient; or products alone
        let n_losses = if work == Work::Gradient { m } else { 0 };
        let ((losses, rest), (true_losses, true_rest)) =
            (found[k].split_at(n_losses), truth[k].split_at(n_losses));
        let error = distance(losses, true_losses).max(distance(rest, true_rest));
        if error.is_nan() || error > EXACT {
            let found = format!("an error of {error:.1e}");
            let help =
                "update the driver, or use --backend cpu; please report it with `rheobase devices --json`";
            return Err(Error::argument(
                format!("{work:?} of {n} x {p} x {m} on the GPU"),
                "that of the CPU",
                found,
                help,
            ));
        }
        let (rows, columns, targets) = (n as f64, p as f64, m as f64);
        let padded = p.next_multiple_of(4) as f64;
        let (n_bytes, flop) = match work {
            Work::Gradient if m == 1 => (rows * (4.0 * padded + 4.0), 4.0 * rows * columns),
            Work::Gradient => (rows * (8.0 * padded + 9.0 * targets), 4.0 * rows * columns * targets),
            Work::Gram => (rows * 4.0 * padded, rows * columns * (columns + 1.0)),
        };
        let (evaluation, kernels) = on_gpu[k];
        all.push(Timed { work, size, error, on_cpu: cpu[k].0, evaluation, kernels, n_bytes, flop });
    }
    Ok(all)
}

/// What is computed.
struct Problem<'p> {
    plan: &'p DesignPlan<'p>,
    columns: &'p [Column<'p>],
    y: &'p Packed<'p>,
    at: Matrix,
    quick: bool,
}

impl Problem<'_> {
    fn objective<'o, B: Backend>(&'o self, on: &'o B) -> Result<GlmObjective<'o, B>> {
        GlmObjective::new(on, self.plan, self.columns, self.y, Model::default())
    }

    /// All numbers that the work results in.
    fn once<B: Backend>(&self, f: &mut GlmObjective<B>, work: Work) -> Result<Vec<f64>> {
        match work {
            Work::Gradient => {
                let targets: Vec<usize> = (0..self.at.ncols()).collect();
                let mut gradient = Matrix::zeros(self.at.dim());
                let mut all = f.loss_gradient(&self.at, &targets, Every::ROW, &mut gradient)?;
                all.extend(gradient);
                Ok(all)
            }
            Work::Gram => Ok(f.gram(Every::ROW, Weight::Flat)?.into_iter().collect()),
        }
    }

    fn results<B: Backend>(&self, on: &B, works: &[Work]) -> Result<Vec<Vec<f64>>> {
        let mut f = self.objective(on)?;
        works.iter().map(|&work| self.once(&mut f, work)).collect()
    }

    /// Times by the clock of the host, and by another one.
    fn times<B: Backend>(
        &self,
        on: &B,
        works: &[Work],
        own_clock: &dyn Fn() -> Option<f64>,
    ) -> Result<Vec<(Times, Option<Times>)>> {
        let mut f = self.objective(on)?;
        let (warm, runs) = if self.quick { (1, 3) } else { (WARM, RUNS) };
        let of_work = |&work: &Work| {
            let (mut by_host, mut by_device) = (Vec::new(), Vec::new());
            for run in 0..warm + runs {
                let started = Instant::now();
                self.once(&mut f, work)?;
                if run >= warm {
                    by_host.push(started.elapsed().as_secs_f64());
                    by_device.extend(own_clock());
                }
            }
            let is_timed = by_device.len() == by_host.len();
            Ok((Times::of(&by_host), is_timed.then(|| Times::of(&by_device))))
        };
        works.iter().map(of_work).collect()
    }
}

/// The largest difference, relative to the largest number; 0 of none.
fn distance(found: &[f64], truth: &[f64]) -> f64 {
    if truth.is_empty() {
        return 0.0;
    }
    let largest = truth.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    let differences = found.iter().zip(truth).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, |a: f64, b| if b > a || b.is_nan() { b } else { a }) / largest
}

fn document(gpu: &Gpu, roofs: &Roofs, rows: &[Timed]) -> Value {
    let row = |own: &Timed| {
        let mut row = Map::new();
        let [n, p, m] = own.size;
        row.insert("work".into(), if own.work == Work::Gram { "gram" } else { "loss_gradient" }.into());
        row.insert("rows".into(), n.into());
        row.insert("columns".into(), p.into());
        row.insert("targets".into(), m.into());
        row.insert("error".into(), own.error.into());
        row.insert("cpu_f32_s".into(), own.on_cpu.json());
        row.insert("gpu_evaluation_s".into(), own.evaluation.json());
        row.insert("gpu_kernels_s".into(), own.kernels.map_or(Value::Null, |times| times.json()));
        row.insert("part_of_roof".into(), own.part_of_roof(roofs).into());
        Value::Object(row)
    };
    json!({
        "device": gpu.facts(),
        "is_gpu": !gpu.facts().is_software(),
        "cpu": processor(),
        "threads": rayon::current_num_threads(),
        "roofs": roofs,
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
    })
}

fn text(gpu: &Gpu, roofs: &Roofs, rows: &[Timed]) -> String {
    let facts = gpu.facts();
    let mut text = format!("{}, driver {}\n", facts.title(), facts.driver);
    if facts.is_software() {
        text.push_str("computes in software: these are not the figures of a GPU\n");
    }
    // writing to a string cannot fail
    let _ = writeln!(
        text,
        "roofs: copy {:.1} GB/s, multiply-adds {:.2} TFLOP/s, upload {:.2} GB/s, a submission {:.0} us{}\nagainst {} on {} \
         threads in f32",
        roofs.copy_bytes_per_s / 1e9,
        roofs.flop_per_s / 1e12,
        roofs.upload_bytes_per_s / 1e9,
        roofs.submission_s * 1e6,
        if roofs.by_own_clock { "" } else { " (all by the host's clock)" },
        processor(),
        rayon::current_num_threads(),
    );
    let milliseconds = |seconds: f64| format!("{:.3}", seconds * 1e3);
    let cells = |own: &Timed| {
        let [n, p, m] = own.size;
        vec![
            if own.work == Work::Gram { "flat Gram" } else { "loss and gradient" }.into(),
            n.to_string(),
            p.to_string(),
            m.to_string(),
            milliseconds(own.on_cpu.median),
            milliseconds(own.evaluation.median),
            own.kernels.map_or("-".into(), |times| milliseconds(times.median)),
            format!("{:.1}", own.on_cpu.median / own.evaluation.median),
            format!("{:.0} %", 100.0 * own.part_of_roof(roofs)),
            format!("{:.0e}", own.error),
        ]
    };
    let header = [
        "",
        "rows",
        "columns",
        "targets",
        "CPU ms",
        "GPU ms",
        "kernels ms",
        "CPU / GPU",
        "of the roof",
        "error",
    ];
    text.push_str(&terminal_table(&header, &rows.iter().map(cells).collect::<Vec<_>>(), None));
    text.push('\n');
    text
}
