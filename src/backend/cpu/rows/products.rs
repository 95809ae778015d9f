//! `sums[j] += sum_i f(x_ij) m[i]` with rows read in place: eight rows at a time, so that sums are seldom loaded.

use super::{Rows, WIDTH, add_last, last};
use crate::math::real::{Real, Widen};

/// What is multiplied: a function of an entry and of its column.
pub(super) trait Entry<A>: Copy {
    /// Numbers of the columns from window `c` on.
    fn window(self, c: usize) -> [A; WIDTH];
    /// Numbers of the last eight columns.
    fn last_window(self) -> [A; WIDTH];
    /// The function.
    fn of(x: A, column: A) -> A;
}

/// Adds the products of `m.len()` rows; no sum takes more than eight terms one after the other before it is added.
#[inline(always)]
pub(super) fn add_products<S: Widen<A>, A: Real, E: Entry<A>, const FUSED: bool>(
    sums: &mut [A],
    x: Rows<S>,
    m: &[A],
    entry: E,
) {
    let mut tail = [A::ZERO; WIDTH];
    let (blocks, rest) = m.as_chunks::<8>();
    let n_whole = blocks.len() * 8;
    for (b, m) in blocks.iter().enumerate() {
        block::<S, A, E, FUSED, 8>(sums, &mut tail, x.block(b * 8), m, entry);
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
    let (windows, rest) = sums.as_chunks_mut::<WIDTH>();
    let n_windows = windows.len();
    let pieces = rows.map(|row| &row.as_chunks::<WIDTH>().0[..n_windows]);
    for (c, sums) in windows.iter_mut().enumerate() {
        let columns = entry.window(c);
        let x: [&[S; WIDTH]; N] = std::array::from_fn(|k| &pieces[k][c]);
        add_window::<S, A, E, FUSED, N>(sums, x, m, &columns);
    }
    if !rest.is_empty() {
        let x = rows.map(last);
        add_window::<S, A, E, FUSED, N>(tail, x.each_ref(), m, &entry.last_window());
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
        for lane in 0..WIDTH {
            new[lane] = E::of(x[k][lane].widen(), columns[lane]).fma::<FUSED>(m[k], new[lane]);
        }
    }
    for lane in 0..WIDTH {
        sums[lane] += new[lane];
    }
}
