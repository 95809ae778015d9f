//! What stands beside the times: the device, how exact it computes, what its compiler does and takes.
//!
//! Compile times are those of every pipeline that this run used, from the text to the pipeline, each once and on a fresh device;
//! a driver that keeps compiled kernels on disk answers faster the second time.

use serde_json::{Value, json};

use super::accelerator::Accelerator;
use super::accuracy::{EXACT, Scale};
use super::contest::wrong;
use super::dense::{Data, size};
use super::evaluation::{Problem, Work};
use super::sizes::{ACCURACY, QUICK_ACCURACY};
use crate::Result;
use crate::backend::Cpu;
use crate::backend::gpu::WGPU_VERSION;
use crate::objective::Packed;

/// Where exponentials are compared.
const RANGES: [[f64; 2]; 3] = [[-5.0, 1.0], [-20.0, -10.0], [-80.0, -40.0]];

/// All of it.
pub(super) fn record(accelerator: &Accelerator, quick: bool) -> Result<Value> {
    let gpu = &accelerator.gpu;
    let limits: serde_json::Map<String, Value> = (gpu.limits().into_iter())
        .map(|(name, adapter, device)| (name.into(), json!({ "adapter": adapter, "device": device })))
        .collect();
    let exponentials = RANGES.iter().map(|[from, to]| gpu.exp_errors(*from, *to));
    let exponentials = exponentials.collect::<Result<Vec<_>>>()?;
    let mut accuracy = Vec::new();
    for own in if quick { &QUICK_ACCURACY[..] } else { &ACCURACY[..] } {
        accuracy.push(ratios(accelerator, *own)?);
    }
    Ok(json!({
        "wgpu": WGPU_VERSION,
        "subgroup_sizes": gpu.facts().subgroup_sizes,
        "limits": limits,
        "exponentials": exponentials,
        "two_sum": gpu.two_sum()?,
        "accuracy": accuracy,
        "compiled": compiled(accelerator),
    }))
}

/// Ratios of the GPU, and of the CPU in the same numbers.
fn ratios(accelerator: &Accelerator, own: [usize; 3]) -> Result<Value> {
    let data = Data::new(own)?;
    let plan = data.plan()?;
    let y = Packed::new(data.y.view(), plan.rows());
    let problem = Problem::new(&plan, &y, vec![Work::Gradient]);
    let scale = Scale::of(&problem, &data)?;
    let on_gpu = scale.ratio(&accelerator.gpu, &problem)?;
    if on_gpu.is_nan() || on_gpu > EXACT {
        return Err(wrong(&format!("the gradient of {} on the GPU", size(own).text), on_gpu));
    }
    let on_cpu = scale.ratio(&Cpu::<f32>::default(), &problem)?;
    let mut row = size(own).fields;
    row.insert("gpu".into(), on_gpu.into());
    row.insert("cpu_f32".into(), on_cpu.into());
    Ok(row.into())
}

/// What compiling took, kernel by kernel.
fn compiled(accelerator: &Accelerator) -> Vec<Value> {
    let mut all: Vec<(&str, f64)> = accelerator.gpu.compiled();
    all.sort_by(|a, b| a.0.cmp(b.0).then(a.1.total_cmp(&b.1)));
    let of_kernel = |own: &[(&str, f64)]| {
        let (median, longest) = (own[(own.len() - 1) / 2].1, own[own.len() - 1].1);
        json!({ "kernel": own[0].0, "n": own.len(), "median_s": median, "longest_s": longest })
    };
    all.chunk_by(|a, b| a.0 == b.0).map(of_kernel).collect()
}
