//! `eta += X·w` with rows read in place.

use super::{Rows, WIDTH, counted, last, last_windows, windows};
use crate::backend::cpu::simd::{Kernel, Level, run};
use crate::math::real::{Real, Widen};

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
        if self.w.len() < WIDTH { self.single_columns::<FUSED>() } else { self.blocks::<FUSED, 4>() }
    }
}

impl<S: Widen<A>, A: Real> Matmul<'_, S, A> {
    #[inline(always)]
    fn single_columns<const FUSED: bool>(self) {
        for (i, eta) in self.eta.iter_mut().enumerate() {
            for (x, &w) in self.x.row(i).iter().zip(self.w) {
                *eta = x.widen().fma::<FUSED>(w, *eta);
            }
        }
    }

    #[inline(always)]
    fn blocks<const FUSED: bool, const N: usize>(self) {
        let mut last_w = last(self.w);
        last_w[..counted(self.w.len())].fill(A::ZERO);
        let (blocks, rest) = self.eta.as_chunks_mut::<N>();
        let n_whole = blocks.len() * N;
        for (b, eta) in blocks.iter_mut().enumerate() {
            products::<S, A, FUSED, N>(eta, self.x.block(b * N), self.w, &last_w);
        }
        for (i, eta) in rest.iter_mut().enumerate() {
            products::<S, A, FUSED, 1>(std::array::from_mut(eta), self.x.block(n_whole + i), self.w, &last_w);
        }
    }
}

/// Products of `N` rows, in eight lanes a row.
#[inline(always)]
fn products<S: Widen<A>, A: Real, const FUSED: bool, const N: usize>(
    eta: &mut [A; N],
    rows: [&[S]; N],
    w: &[A],
    last_w: &[A; WIDTH],
) {
    let mut lanes = [[A::ZERO; WIDTH]; N];
    let (whole, rest) = w.as_chunks::<WIDTH>();
    let x = windows(rows, whole.len());
    for (c, w) in whole.iter().enumerate() {
        for k in 0..N {
            let mut entries = [A::ZERO; WIDTH];
            for lane in 0..WIDTH {
                entries[lane] = x[k][c][lane].widen();
            }
            for lane in 0..WIDTH {
                lanes[k][lane] = entries[lane].fma::<FUSED>(w[lane], lanes[k][lane]);
            }
        }
    }
    if !rest.is_empty() {
        for (k, x) in last_windows(rows, &[S::ZERO; WIDTH]).into_iter().enumerate() {
            for lane in 0..WIDTH {
                lanes[k][lane] = x[lane].widen().fma::<FUSED>(last_w[lane], lanes[k][lane]);
            }
        }
    }
    for (eta, l) in eta.iter_mut().zip(&lanes) {
        *eta += ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7]));
    }
}
