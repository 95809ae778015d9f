//! `rheobase bench --gpu`: the CPU against a GPU, kernel by kernel, each against its own roofs; `bench --cpu-only`: the same
//! rows without a GPU, which any machine has.
//!
//! Roofs come first, from kernels that only copy, only multiply and add, or only send. Every row is then computed on all
//! processors and compared with `f64` before it is timed; a wrong answer is an error, not a time. `evaluation` is what a solver
//! waits for (coefficients there, sums back, by the host's clock), `kernels` the same by the device's own clock. After 5 runs that
//! do not count there are 30, fewer where they would take more than 20 s; median, 10th and 90th percentile are told. A software
//! adapter is timed too, and every table says that its figures are not those of a GPU.

#[cfg(feature = "gpu")]
mod accelerator;
#[cfg(not(feature = "gpu"))]
#[path = "no_accelerator.rs"]
mod accelerator;
#[cfg(feature = "gpu")]
mod accuracy;
mod contest;
mod convolved;
mod dense;
mod evaluation;
mod fits;
#[cfg(feature = "gpu")]
mod record;
mod sizes;
mod table;
#[cfg(feature = "gpu")]
mod variants;

use serde_json::{Map, Value, json};

use super::super::machine::processor;
use super::super::progress::Progress;
use super::super::run::{Report, in_pool, pretty, settle_threads};
use super::args::{BenchArgs, Part};
use crate::Result;
use crate::backend::cpu::simd::Level;
use accelerator::Accelerator;
use contest::{Contest, Reached, Row};
use convolved::Kind;
use sizes::{
    CONVOLVED, DENSE, FITS, POPULATIONS, QUICK_CONVOLVED, QUICK_DENSE, QUICK_FITS, QUICK_POPULATIONS,
};

/// Times processors against each other.
pub(super) fn device(args: &BenchArgs) -> Result<Report> {
    settle_threads(args.threads)?;
    let progress = Progress::new(false);
    progress.stage("measuring roofs", None);
    let contest = Contest::new(gpu(args)?, args.quick);
    let wants = |part: Part| args.part.is_empty() || args.part.contains(&part);
    let mut document = head(&contest);
    let mut rows = Vec::new();
    let by_quick =
        |quick: &'static [[usize; 3]], all: &'static [[usize; 3]]| if args.quick { quick } else { all };
    for (part, sizes) in [
        (Part::Dense, by_quick(&QUICK_DENSE, &DENSE)),
        (Part::Populations, by_quick(&QUICK_POPULATIONS, &POPULATIONS)),
    ] {
        for own in sizes.iter().filter(|_| wants(part)) {
            progress.stage(format!("timing {}", dense::size(*own).text), None);
            rows.extend(in_pool(|| dense::timed(&contest, *own))?);
        }
    }
    for own in by_quick(&QUICK_CONVOLVED, &CONVOLVED).iter().filter(|_| wants(Part::Convolved)) {
        for kind in [Kind::Samples, Kind::Events] {
            progress.stage(format!("timing {} channels of {} bins, {} lags", own[1], own[0], own[2]), None);
            rows.extend(in_pool(|| convolved::timed(&contest, kind, *own))?);
        }
    }
    document.insert("rows".into(), rows.iter().map(row).collect());
    let mut fits = Vec::new();
    for own in by_quick(&QUICK_FITS, &FITS).iter().filter(|_| wants(Part::Fits)) {
        progress.stage(format!("fitting {}", dense::size(*own).text), None);
        fits.push(fits::timed(&contest, *own)?);
    }
    document.insert("fits".into(), fits.into());
    if let Some(gpu) = &contest.gpu {
        if wants(Part::Variants) {
            progress.stage("timing variants", None);
            document.insert("variants".into(), gpu.variants(args.quick)?);
        }
        if wants(Part::Record) {
            progress.stage("recording the device", None);
            document.insert("record".into(), gpu.record(args.quick)?);
        }
    }
    drop(progress);
    let document = Value::Object(document);
    let text = if args.json { pretty(&document) } else { table::text(&document, &rows) };
    Ok(Report { text, converged: true })
}

/// The GPU that was asked for.
#[cfg(feature = "gpu")]
fn gpu(args: &BenchArgs) -> Result<Option<Accelerator>> {
    args.gpu.then(|| Accelerator::open(args.device.as_deref(), args.quick)).transpose()
}

#[cfg(not(feature = "gpu"))]
#[expect(clippy::unnecessary_wraps, reason = "where there can be a GPU, opening it can fail")]
fn gpu(_: &BenchArgs) -> Result<Option<Accelerator>> {
    Ok(None)
}

/// What is timed, and its roofs.
fn head(contest: &Contest) -> Map<String, Value> {
    let facts = contest.gpu.as_ref().map(Accelerator::facts);
    let is_gpu = facts.as_ref().is_some_and(|facts| facts["kind"] != "software");
    let parts = [
        ("schema", json!(1)),
        ("version", json!(env!("CARGO_PKG_VERSION"))),
        ("quick", json!(contest.quick)),
        ("cpu", json!(processor())),
        ("threads", json!(rayon::current_num_threads())),
        ("vector_instructions", json!(Level::best().name())),
        ("device", json!(facts)),
        ("is_gpu", json!(is_gpu)),
        ("roofs", json!({ "cpu": contest.roof, "gpu": contest.gpu.as_ref().map(Accelerator::roofs) })),
    ];
    parts.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

/// A row as an object.
fn row(own: &Row) -> Value {
    let mut fields = Map::new();
    fields.insert("work".into(), own.work.name().into());
    fields.extend(own.size.fields.clone());
    fields.insert("cpu".into(), reached(&own.on_cpu));
    fields.insert("gpu".into(), own.on_gpu.as_ref().map_or(Value::Null, reached));
    fields.into()
}

fn reached(own: &Reached) -> Value {
    json!({
        "error": own.error,
        "evaluation_s": own.evaluation.json(),
        "kernels_s": own.kernels.map(|times| times.json()),
        "part_of_roof": own.part_of_roof,
    })
}
