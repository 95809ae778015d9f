//! `eta += X·w` with rows read in place.

use super::{Rows, WIDTH, counted, last};
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
        // eight registers of 256 bits
        if size_of::<A>() == 4 { self.blocks::<FUSED, 8>() } else { self.blocks::<FUSED, 4>() }
    }
}

impl<S: Widen<A>, A: Real> Matmul<'_, S, A> {
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
    let (windows, rest) = w.as_chunks::<WIDTH>();
    let pieces = rows.map(|row| &row.as_chunks::<WIDTH>().0[..windows.len()]);
    for (c, w) in windows.iter().enumerate() {
        for k in 0..N {
            let x = &pieces[k][c];
            for lane in 0..WIDTH {
                lanes[k][lane] = x[lane].widen().fma::<FUSED>(w[lane], lanes[k][lane]);
            }
        }
    }
    if !rest.is_empty() {
        for k in 0..N {
            let x = last(rows[k]);
            for lane in 0..WIDTH {
                lanes[k][lane] = x[lane].widen().fma::<FUSED>(last_w[lane], lanes[k][lane]);
            }
        }
    }
    for (eta, l) in eta.iter_mut().zip(&lanes) {
        *eta += ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7]));
    }
}
