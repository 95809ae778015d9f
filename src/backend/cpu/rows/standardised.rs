//! Rows read in place, centred and scaled, one after the other.

use super::Rows;
use crate::backend::cpu::simd::{Kernel, Level, run};
use crate::math::real::{Real, Widen};

/// `out[i·stride + j] = (x_ij - shift[j]) factor[j]`, computed in `f64`, for as many rows as `out` holds; what a row has beyond
/// the columns is left alone.
pub fn standardised_rows<S: Widen<f64>, T: Real>(
    level: Level,
    out: &mut [T],
    stride: usize,
    x: Rows<S>,
    shift: &[f64],
    factor: &[f64],
) {
    run(level, Standardised { out, stride, x, shift, factor });
}

struct Standardised<'a, S, T> {
    out: &'a mut [T],
    stride: usize,
    x: Rows<'a, S>,
    shift: &'a [f64],
    factor: &'a [f64],
}

impl<S: Widen<f64>, T: Real> Kernel for Standardised<'_, S, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self { out, stride, x, shift, factor } = self;
        for (i, out) in out.chunks_exact_mut(stride.max(1)).enumerate() {
            let factors = shift.iter().zip(factor);
            for ((out, x), (&shift, &factor)) in out.iter_mut().zip(x.row(i)).zip(factors) {
                *out = T::from_f64((x.widen() - shift) * factor);
            }
        }
    }
}
