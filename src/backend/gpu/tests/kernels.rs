//! Elementary functions and failures.

use super::{gpu, open};
use crate::Error;
use crate::backend::gpu::batch::{Bound, Dispatch, Params, Wanted};
use crate::backend::gpu::device::Limits;
use crate::backend::gpu::shader::{Access, Kernel, Shared};
use crate::backend::{Backend, Every, Gpu, Sweep};
use crate::error::DeviceError;

/// A kernel that computes one function of every number.
const FUNCTION: &str = "
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < params.n) {
        let v = x[id.x];
        out[id.x] = FUNCTION;
    }
}
";

fn values(gpu: &Gpu, name: &'static str, function: &str, x: &[f32]) -> Vec<f32> {
    let text: &'static str = Box::leak(FUNCTION.replace("FUNCTION", function).into_boxed_str());
    let shared = &[Shared::Rows, Shared::Numeric];
    let kernel = Kernel { name, text, shared, bindings: &[Access::Read, Access::Write] };
    let device = gpu.device();
    let (input, out) = (device.filled(x).unwrap(), device.scratch(4 * x.len() as u64).unwrap());
    let dispatch = Dispatch {
        pipeline: device.pipeline(&kernel, vec![], None).unwrap(),
        params: Params { n: x.len() as u32, ..Params::default() },
        bound: vec![Bound::from(&input), Bound::from(&out)],
        groups: [x.len().div_ceil(256) as u32, 1, 1],
        flop: 0.0,
    };
    device.run(&[dispatch], &[Wanted { buffer: out, n: x.len() }]).unwrap().remove(0)
}

/// The largest error of a function, relative to its value.
fn worst(gpu: &Gpu, name: &'static str, function: &str, x: &[f32], truth: impl Fn(f64) -> f64) -> f64 {
    let found = values(gpu, name, function, x);
    let error = |(x, found): (&f32, &f32)| {
        let truth = truth(f64::from(*x));
        (f64::from(*found) - truth).abs() / truth.abs().max(1e-37)
    };
    x.iter().zip(&found).map(error).fold(0.0, f64::max)
}

fn range(from: f64, to: f64) -> Vec<f32> {
    (0..100_000).map(|k| (from + (to - from) * f64::from(k) / 99_999.0) as f32).collect()
}

#[test]
fn elementary_functions_are_good_to_the_last_digits() {
    let Some((gpu, _turn)) = gpu() else { return };
    let tiny: Vec<f32> = range(-35.0, 0.0).iter().map(|x| x.exp()).collect();
    let both: Vec<f32> = tiny.iter().flat_map(|&x| [x, -0.99 * x]).collect();
    for (from, to) in [(-80.0, -40.0), (-40.0, -5.0), (-5.0, 1.0), (1.0, 80.0)] {
        let x = range(from, to);
        let error = worst(gpu, "exp", "exp_of(v)", &x, f64::exp);
        let built_in = worst(gpu, "built_in", "exp(v)", &x, f64::exp);
        println!("exp [{from}, {to}]: {error:.1e}, built in {built_in:.1e}");
        assert!(error < 1.5e-7, "[{from}, {to}]: {error:e}");
        assert!(worst(gpu, "expm1", "expm1_of(v)", &x, f64::exp_m1) < 3e-7);
        assert!(
            worst(gpu, "softplus", "softplus_of(v)", &x, |x| x.max(0.0) + (-x.abs()).exp().ln_1p()) < 3e-7
        );
    }
    assert!(worst(gpu, "expm1", "expm1_of(v)", &both, f64::exp_m1) < 3e-7);
    assert!(worst(gpu, "log1p", "log1p_of(v)", &both, f64::ln_1p) < 3e-7);
    assert!(worst(gpu, "log1p", "log1p_of(v)", &range(0.0, 1e6), f64::ln_1p) < 3e-7);
    assert!(worst(gpu, "log1p", "log1p_of(v)", &range(-0.9999, 1.0)[1..], f64::ln_1p) < 3e-7);
}

#[test]
fn a_lost_device_is_an_error_and_no_number() {
    let _turn = gpu();
    let Some(gpu) = open(Limits::default()) else { return };
    let x = gpu.matrix(100, 3, &|_, out| out.fill(1.0)).unwrap();
    gpu.device().destroy();
    let sweep = Sweep { n_rows: 100, n_columns: 3, grain: 0, every: Every::ROW, alone: true, targets: &[0] };
    let error = gpu.pass(sweep, &[1, 1, 16], &|work, rows| {
        gpu.weighted_gram(work, rows, Some(&x), true, 2);
        Ok(())
    });
    assert!(matches!(error, Err(Error::Gpu(DeviceError::Lost { .. }))), "{error:?}");
}

#[test]
fn a_row_that_no_buffer_holds_says_what_is_missing() {
    let _turn = gpu();
    let Some(gpu) = open(Limits { binding_bytes: Some(1 << 20), ..Limits::default() }) else { return };
    let error = gpu.matrix(300, 2000, &|_, _| {}).unwrap_err();
    assert!(
        matches!(&error, Error::Gpu(DeviceError::AdapterTooSmall { needed, .. }) if *needed == 2_048_000),
        "{error}"
    );
}

#[test]
fn a_kernel_with_a_mistake_is_refused() {
    let Some((gpu, _turn)) = gpu() else { return };
    let kernel = Kernel { name: "broken", text: "fn main() { let x = ; }", shared: &[], bindings: &[] };
    let error = gpu.device().pipeline(&kernel, vec![], None).unwrap_err();
    assert!(
        matches!(&error, Error::Gpu(DeviceError::ShaderRejected { kernel, .. }) if kernel == "broken"),
        "{error}"
    );
    let missing = Kernel {
        name: "unbound",
        text: "@group(0) @binding(3) var<storage, read> x: array<f32>; @group(0) @binding(4) var<storage, read_write> \
               y: array<f32>; @compute @workgroup_size(1) fn main() { y[0] = x[0]; }",
        shared: &[],
        bindings: &[],
    };
    let error = gpu.device().pipeline(&missing, vec![], None).unwrap_err();
    assert!(matches!(error, Error::Gpu(DeviceError::ShaderRejected { .. })), "{error}");
}
