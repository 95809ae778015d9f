//! `eta += X·w` with rows read in place.
//!
//! One row after the other, from front to back: this is the first kernel of a pass to touch the matrix, and memory is
//! fastest when it is read in order. Rows side by side would be turned by the compiler into vectors of rows.

use super::{Rows, WIDTH, counted, last};
use crate::backend::cpu::simd::{Kernel, Level, run};
use crate::math::real::{Real, Widen};

/// Windows whose sums run side by side.
const SIDE_BY_SIDE: usize = 2;

/// `eta[i] += sum_j x_ij w[j]` in the arithmetic `A`, for `eta.len()` rows of `w.len()` columns.
pub fn matmul_rows<S: Widen<A>, A: Real>(level: Level, eta: &mut [A], x: Rows<S>, w: &[A]) {
    run(level, Matmul { eta, x, w });
}

struct Matmul<'a, S, A> {
    eta: &'a mut [A],
    x: Rows<'a, S>,
    w: &'a [A],
}

impl<S: Widen<A>, A: Real> Kernel for Matmul<'_, S, A> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self { eta, x, w } = self;
        if w.len() < WIDTH {
            for (i, eta) in eta.iter_mut().enumerate() {
                for (x, &w) in x.row(i).iter().zip(w) {
                    *eta = x.widen().fma::<FUSED>(w, *eta);
                }
            }
            return;
        }
        // weights of the columns that no whole window holds, 0 for those that one does
        let mut last_w = last(w);
        last_w[..counted(w.len())].fill(A::ZERO);
        let (windows, beyond) = w.as_chunks::<WIDTH>();
        for (i, eta) in eta.iter_mut().enumerate() {
            let row = x.row(i);
            let mut lanes = whole_windows::<S, A, FUSED>(&row.as_chunks().0[..windows.len()], windows);
            if let (false, Some(x)) = (beyond.is_empty(), row.last_chunk()) {
                add::<S, A, FUSED>(&mut lanes, x, &last_w);
            }
            let [a, b, c, d, e, f, g, h] = lanes;
            *eta += ((a + e) + (c + g)) + ((b + f) + (d + h));
        }
    }
}

/// The products of one row in eight lanes.
#[inline(always)]
fn whole_windows<S: Widen<A>, A: Real, const FUSED: bool>(x: &[[S; WIDTH]], w: &[[A; WIDTH]]) -> [A; WIDTH] {
    let mut lanes = [[A::ZERO; WIDTH]; SIDE_BY_SIDE];
    let (together, x_rest) = x.as_chunks::<SIDE_BY_SIDE>();
    let (w_together, w_rest) = w.as_chunks::<SIDE_BY_SIDE>();
    for (x, w) in together.iter().zip(w_together) {
        for k in 0..SIDE_BY_SIDE {
            add::<S, A, FUSED>(&mut lanes[k], &x[k], &w[k]);
        }
    }
    let [mut sums, others] = lanes;
    for lane in 0..WIDTH {
        sums[lane] += others[lane];
    }
    for (x, w) in x_rest.iter().zip(w_rest) {
        add::<S, A, FUSED>(&mut sums, x, w);
    }
    sums
}

#[inline(always)]
fn add<S: Widen<A>, A: Real, const FUSED: bool>(lanes: &mut [A; WIDTH], x: &[S; WIDTH], w: &[A; WIDTH]) {
    for lane in 0..WIDTH {
        lanes[lane] = x[lane].widen().fma::<FUSED>(w[lane], lanes[lane]);
    }
}
