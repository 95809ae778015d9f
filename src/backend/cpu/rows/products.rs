//! `sums[j] += sum_i f(x_ij) m[i]` with rows read in place: four rows at a time, so that sums are seldom loaded.

use super::{Rows, WIDTH, add_last, last_windows, nth, windows};
use crate::math::real::{Real, Widen};

/// What is multiplied: a function of an entry and of its column.
pub(super) trait Entry<A>: Copy {
    /// Number of column `j`.
    fn column(self, j: usize) -> A;
    /// Numbers of the columns of window `c`.
    fn window(self, c: usize) -> [A; WIDTH];
    /// Numbers of the last eight columns.
    fn last_window(self) -> [A; WIDTH];
    /// The function.
    fn of(x: A, column: A) -> A;
}

/// Adds the products of `m.len()` rows; no sum takes more than four terms one after the other before it is added.
#[inline(always)]
pub(super) fn add_products<S: Widen<A>, A: Real, E: Entry<A>, const FUSED: bool>(
    sums: &mut [A],
    x: Rows<S>,
    m: &[A],
    entry: E,
) {
    if sums.len() < WIDTH {
        for (i, &m) in m.iter().enumerate() {
            for (j, (x, sum)) in x.row(i).iter().zip(sums.iter_mut()).enumerate() {
                *sum = E::of(x.widen(), entry.column(j)).fma::<FUSED>(m, *sum);
            }
        }
        return;
    }
    let mut tail = [A::ZERO; WIDTH];
    let (blocks, rest) = m.as_chunks::<4>();
    let n_whole = blocks.len() * 4;
    for (b, m) in blocks.iter().enumerate() {
        block::<S, A, E, FUSED, 4>(sums, &mut tail, x.block(b * 4), m, entry);
    }
    for (i, m) in rest.iter().enumerate() {
        let m = std::array::from_ref(m);
        block::<S, A, E, FUSED, 1>(sums, &mut tail, x.block(n_whole + i), m, entry);
    }
    add_last(sums, &tail);
}

#[inline(always)]
fn block<S: Widen<A>, A: Real, E: Entry<A>, const FUSED: bool, const N: usize>(
    sums: &mut [A],
    tail: &mut [A; WIDTH],
    rows: [&[S]; N],
    m: &[A; N],
    entry: E,
) {
    let (whole, rest) = sums.as_chunks_mut::<WIDTH>();
    let x = windows(rows, whole.len());
    for (c, sums) in whole.iter_mut().enumerate() {
        let columns = entry.window(c);
        add_window::<S, A, E, FUSED, N>(sums, nth(&x, c), m, &columns);
    }
    if !rest.is_empty() {
        let zeros = [S::ZERO; WIDTH];
        add_window::<S, A, E, FUSED, N>(tail, last_windows(rows, &zeros), m, &entry.last_window());
    }
}

#[inline(always)]
fn add_window<S: Widen<A>, A: Real, E: Entry<A>, const FUSED: bool, const N: usize>(
    sums: &mut [A; WIDTH],
    x: [&[S; WIDTH]; N],
    m: &[A; N],
    columns: &[A; WIDTH],
) {
    let mut new = [A::ZERO; WIDTH];
    for k in 0..N {
        let mut entries = [A::ZERO; WIDTH];
        for lane in 0..WIDTH {
            entries[lane] = E::of(x[k][lane].widen(), columns[lane]);
        }
        for lane in 0..WIDTH {
            new[lane] = entries[lane].fma::<FUSED>(m[k], new[lane]);
        }
    }
    for lane in 0..WIDTH {
        sums[lane] += new[lane];
    }
}
