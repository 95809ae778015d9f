//! Rows read in place, centred and scaled, one after the other.

use super::Rows;
use crate::backend::cpu::simd::{Kernel, Level, run};
use crate::math::real::{Real, Widen};

/// `out[i·p + j] = (x_ij - shift[j]) factor[j]`, computed in `f64`, for as many rows of p columns as `out` holds.
pub fn standardised_rows<S: Widen<f64>, T: Real>(
    level: Level,
    out: &mut [T],
    x: Rows<S>,
    shift: &[f64],
    factor: &[f64],
) {
    run(level, Standardised { out, x, shift, factor });
}

struct Standardised<'a, S, T> {
    out: &'a mut [T],
    x: Rows<'a, S>,
    shift: &'a [f64],
    factor: &'a [f64],
}

impl<S: Widen<f64>, T: Real> Kernel for Standardised<'_, S, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self { out, x, shift, factor } = self;
        for (i, out) in out.chunks_exact_mut(x.n_columns.max(1)).enumerate() {
            let factors = shift.iter().zip(factor);
            for ((out, x), (&shift, &factor)) in out.iter_mut().zip(x.row(i)).zip(factors) {
                *out = T::from_f64((x.widen() - shift) * factor);
            }
        }
    }
}
