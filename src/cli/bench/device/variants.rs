//! What it is worth to do the same work in another way: rows of a work group, memory of its rows, whose exponential, and pieces
//! of an upload.
//!
//! Every variant is a device of its own with pipelines of its own. The compiler's exponential may be as wrong as WGSL allows;
//! everything else must be as exact as what fits use. The bounds that are put into loops cannot be taken out without `unsafe`,
//! which this crate forbids, and no kernel reduces within subgroups: neither is a variant.

use serde_json::{Map, Value, json};

use super::accelerator::Accelerator;
use super::accuracy::{EXACT, Scale};
use super::contest::{repeated, wrong};
use super::dense::{Data, size};
use super::evaluation::{Problem, Ready, Work};
use super::sizes::{QUICK_VARIED, VARIED};
use crate::Result;
use crate::backend::Gpu;
use crate::backend::gpu::{Limits, Variant};
use crate::objective::Packed;

/// Bytes of rows in the memory of a group that has 32 KiB.
const LARGE_TILE: usize = 24 << 10;
/// Bytes of memory of a group that they need.
const LARGE_GROUP: u32 = 32 << 10;
/// MiB that are sent in one go.
const PIECES: [usize; 4] = [1, 4, 16, 64];
/// Bytes of an upload.
const UPLOADED: usize = 512 << 20;
/// The same of a trial.
const QUICK_UPLOADED: usize = 8 << 20;

/// Variants by name; none where the device cannot do it.
fn variants_of(gpu: &Gpu) -> Vec<(&'static str, Option<Variant>)> {
    let plain = Variant::default();
    let rows = |n: usize| Some(Variant { group_rows: Some(n), ..plain });
    let has_room = gpu.facts().max_workgroup_bytes >= LARGE_GROUP;
    vec![
        ("as fits do it", Some(plain)),
        ("1024 rows of a group", rows(1024)),
        ("4096 rows of a group", rows(4096)),
        ("8192 rows of a group", rows(8192)),
        ("24 KiB of rows in a group", has_room.then_some(Variant { tile_bytes: LARGE_TILE, ..plain })),
        ("the compiler's exponential", Some(Variant { built_in_exp: true, ..plain })),
    ]
}

/// Gradients in all ways, and uploads in pieces of all sizes.
pub(super) fn variants(accelerator: &Accelerator, quick: bool) -> Result<Value> {
    let mut gradients = Vec::new();
    for own in if quick { &QUICK_VARIED[..] } else { &VARIED[..] } {
        gradients.extend(of_size(accelerator, *own, quick)?);
    }
    let mut uploads = Vec::new();
    for mib in PIECES {
        let variant = Variant { piece_bytes: mib << 20, ..Variant::default() };
        let gpu = opened(accelerator, variant)?;
        let rate = gpu.upload_bytes_per_s(if quick { QUICK_UPLOADED } else { UPLOADED })?;
        uploads.push(json!({ "piece_mib": mib, "bytes_per_s": rate }));
    }
    Ok(json!({ "gradients": gradients, "uploads": uploads }))
}

fn opened(accelerator: &Accelerator, variant: Variant) -> Result<Gpu> {
    Gpu::open_with(accelerator.name.as_deref(), Limits::default(), variant)
}

fn of_size(accelerator: &Accelerator, own: [usize; 3], quick: bool) -> Result<Vec<Value>> {
    let data = Data::new(own)?;
    let plan = data.plan()?;
    let y = Packed::new(data.y.view(), plan.rows());
    let problem = Problem::new(&plan, &y, vec![Work::Gradient]);
    let scale = Scale::of(&problem, &data)?;
    let mut all = Vec::new();
    for (name, variant) in variants_of(&accelerator.gpu) {
        let mut row = Map::new();
        row.insert("variant".into(), name.into());
        row.extend(size(own).fields);
        if let Some(variant) = variant {
            let gpu = opened(accelerator, variant)?;
            let ratio = scale.ratio(&gpu, &problem)?;
            let most = if variant.built_in_exp { EXACT + allowed(scale.farthest) } else { EXACT };
            if ratio.is_nan() || ratio > most {
                return Err(wrong(&format!("loss and gradient of {}, {name}", size(own).text), ratio));
            }
            gpu.start_clock();
            let mut ready = Ready::new(&gpu, &problem)?;
            let clock = || gpu.kernel_seconds();
            let (evaluation, kernels) = repeated(quick, &clock, || ready.run(Work::Gradient))?;
            row.insert("accuracy_ratio".into(), ratio.into());
            row.insert("evaluation_s".into(), evaluation.json());
            row.insert("kernels_s".into(), kernels.map_or(Value::Null, |times| times.json()));
        } else {
            row.insert("left_out".into(), "its work groups have less than 32 KiB of memory".into());
        }
        all.push(row.into());
    }
    Ok(all)
}

/// The part of a mean that a compiler's exponential may be wrong by, up to this magnitude of the linear predictor.
fn allowed(farthest: f64) -> f64 {
    (3.0 + 2.0 * farthest) * f64::from(f32::EPSILON)
}
