//! What a device is and how it computes, for the record beside times.

use super::Gpu;
use super::batch::{Bound, Dispatch, Params, Wanted, bytes};
use super::device::Device;
use super::shader::{Access, Kernel, Shared};
use crate::Result;

/// The version of wgpu that this is built with.
pub const WGPU_VERSION: &str = "30.0.1";

pub(super) const EXPONENTIALS: Kernel = Kernel {
    name: "exponentials",
    text: include_str!("../../../shaders/kernel/exponentials.wgsl"),
    shared: &[Shared::Rows, Shared::Numeric],
    bindings: &[Access::Read, Access::Write],
};

pub(super) const TWO_SUM: Kernel = Kernel {
    name: "two_sum",
    text: include_str!("../../../shaders/kernel/two_sum.wgsl"),
    shared: &[Shared::Rows, Shared::Numeric],
    bindings: &[Access::Read, Access::Write],
};

/// Numbers at which exponentials are compared.
const POINTS: usize = 100_000;
/// Pairs of numbers whose sums leave something out.
const TERMS: [[f32; 2]; 4] = [[1e10, 1e-10], [1.0, 3e-8], [-1e4, 1.234_567e-4], [16_777_216.0, 1.5]];

/// Errors of exponentials over a range, relative to the exponential.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct ExpErrors {
    /// The range.
    pub from: f64,
    /// Its end.
    pub to: f64,
    /// The largest error of ours.
    pub own: f64,
    /// The mean of its errors: what more rows do not average out.
    pub own_bias: f64,
    /// The largest error of the compiler's.
    pub built_in: f64,
    /// The mean of its errors.
    pub built_in_bias: f64,
    /// The largest error of the compiler's in parts of what WGSL allows, `3 + 2 |x|` units in the last place.
    pub built_in_of_bound: f64,
}

/// What is left of the rest of a sum, of pairs whose sum leaves something out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TwoSum {
    /// Pairs.
    pub n: usize,
    /// Whose rest is exact as it is written.
    pub n_plain: usize,
    /// Whose rest is exact with every rounding pinned.
    pub n_pinned: usize,
}

impl Gpu {
    /// Limits that compute kernels meet: name, that of the adapter, that which the device was opened with.
    pub fn limits(&self) -> Vec<(&'static str, u64, u64)> {
        let (adapter, device) = (listed(&self.device.facts.limits), listed(&self.device.raw.limits()));
        adapter.into_iter().zip(device).map(|((name, has), (_, asked))| (name, has, asked)).collect()
    }

    /// Every pipeline that was compiled on this device: its kernel, and the seconds from the text on.
    pub fn compiled(&self) -> Vec<(&'static str, f64)> {
        self.device.pipelines.seconds()
    }

    /// Errors of exponentials between two numbers.
    ///
    /// # Errors
    /// If the device fails.
    pub fn exp_errors(&self, from: f64, to: f64) -> Result<ExpErrors> {
        let step = (to - from) / (POINTS - 1) as f64;
        let x: Vec<f32> = (0..POINTS).map(|k| (from + step * k as f64) as f32).collect();
        let both = pairs(&self.device, &EXPONENTIALS, &x, 256, POINTS)?;
        let mut found = ExpErrors {
            from,
            to,
            own: 0.0,
            own_bias: 0.0,
            built_in: 0.0,
            built_in_bias: 0.0,
            built_in_of_bound: 0.0,
        };
        for (&x, &[own, built_in]) in x.iter().zip(&both) {
            let x = f64::from(x);
            let truth = x.exp();
            let error = |found: f32| (f64::from(found) - truth) / truth;
            let (own, built_in) = (error(own), error(built_in));
            found.own = largest(found.own, own);
            found.built_in = largest(found.built_in, built_in);
            found.own_bias += own / POINTS as f64;
            found.built_in_bias += built_in / POINTS as f64;
            found.built_in_of_bound = largest(found.built_in_of_bound, built_in * truth / wgsl_bound(x));
        }
        Ok(found)
    }

    /// Whether the rest of a sum survives the device's compiler.
    ///
    /// # Errors
    /// If the device fails.
    pub fn two_sum(&self) -> Result<TwoSum> {
        let rests = pairs(&self.device, &TWO_SUM, TERMS.as_flattened(), 64, TERMS.len())?;
        let is_exact = |&[a, b]: &[f32; 2], rest: f32| rest_of(a, b) == f64::from(rest);
        let count =
            |which: usize| TERMS.iter().zip(&rests).filter(|(own, rest)| is_exact(own, rest[which])).count();
        Ok(TwoSum { n: TERMS.len(), n_plain: count(0), n_pinned: count(1) })
    }
}

/// What the sum of two numbers in single precision leaves out.
fn rest_of(a: f32, b: f32) -> f64 {
    (f64::from(a) - f64::from(a + b)) + f64::from(b)
}

/// The larger magnitude; a NaN stays.
fn largest(so_far: f64, error: f64) -> f64 {
    if error.abs() > so_far || error.is_nan() { error.abs() } else { so_far }
}

/// What an exponential of the compiler may be wrong by.
fn wgsl_bound(x: f64) -> f64 {
    let ulp = 2f64.powi(x.exp().log2().floor() as i32 - 23);
    (3.0 + 2.0 * x.abs()) * ulp
}

/// Two numbers for each of `n` invocations of a kernel, `of_group` of which are a group.
fn pairs(
    device: &Device,
    kernel: &Kernel,
    input: &[f32],
    of_group: usize,
    n: usize,
) -> Result<Vec<[f32; 2]>> {
    let (from, out) = (device.filled(input)?, device.scratch(bytes(2 * n))?);
    let dispatch = Dispatch {
        pipeline: device.pipeline(kernel, vec![], None)?,
        params: Params { n: n as u32, ..Params::default() },
        bound: vec![Bound::from(&from), Bound::from(&out)],
        groups: [n.div_ceil(of_group) as u32, 1, 1],
        flop: 0.0,
    };
    let read = device.run(&[dispatch], &[Wanted { buffer: out, n: 2 * n }])?.swap_remove(0);
    Ok(read.as_chunks().0.to_vec())
}

/// Limits by their names in WebGPU.
fn listed(limits: &wgpu::Limits) -> [(&'static str, u64); 16] {
    [
        ("max_buffer_size", limits.max_buffer_size),
        ("max_storage_buffer_binding_size", limits.max_storage_buffer_binding_size),
        ("max_uniform_buffer_binding_size", limits.max_uniform_buffer_binding_size),
        ("max_storage_buffers_per_shader_stage", limits.max_storage_buffers_per_shader_stage.into()),
        ("max_bind_groups", limits.max_bind_groups.into()),
        ("max_bindings_per_bind_group", limits.max_bindings_per_bind_group.into()),
        (
            "max_dynamic_uniform_buffers_per_pipeline_layout",
            limits.max_dynamic_uniform_buffers_per_pipeline_layout.into(),
        ),
        ("min_storage_buffer_offset_alignment", limits.min_storage_buffer_offset_alignment.into()),
        ("min_uniform_buffer_offset_alignment", limits.min_uniform_buffer_offset_alignment.into()),
        ("max_compute_workgroup_storage_size", limits.max_compute_workgroup_storage_size.into()),
        ("max_compute_invocations_per_workgroup", limits.max_compute_invocations_per_workgroup.into()),
        ("max_compute_workgroup_size_x", limits.max_compute_workgroup_size_x.into()),
        ("max_compute_workgroup_size_y", limits.max_compute_workgroup_size_y.into()),
        ("max_compute_workgroup_size_z", limits.max_compute_workgroup_size_z.into()),
        ("max_compute_workgroups_per_dimension", limits.max_compute_workgroups_per_dimension.into()),
        ("max_immediate_size", limits.max_immediate_size.into()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_lock_file() {
        let lock = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock"));
        assert!(lock.contains(&format!("name = \"wgpu\"\nversion = \"{WGPU_VERSION}\"\n")), "{WGPU_VERSION}");
    }

    #[test]
    fn the_bound_is_in_units_of_the_last_place() {
        assert_eq!(wgsl_bound(0.0), 3.0 * f64::from(f32::EPSILON));
        assert_eq!(wgsl_bound(-1.0), 5.0 * f64::from(f32::EPSILON) / 4.0);
    }

    #[test]
    fn every_pair_leaves_something_out() {
        for [a, b] in TERMS {
            assert!(rest_of(a, b) != 0.0, "{a} {b}");
        }
        assert_eq!((rest_of(1e10, 1e-10), rest_of(2.0, 3.0)), (f64::from(1e-10_f32), 0.0));
    }
}
