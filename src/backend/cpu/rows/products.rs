//! `sums[j] += sum_i f(x_ij) m[i]` with rows read in place: a strip of columns at a time, whose sums stay in registers
//! over all rows. It follows a kernel that has read the rows in order, so that they are in cache.

use super::{Rows, STRIP, WIDTH, counted};
use crate::math::real::{Real, Widen};

/// What is multiplied: a function of an entry and of its column.
pub(super) trait Entry<A>: Copy {
    /// Number of column `j`.
    fn column(self, j: usize) -> A;
    /// The function.
    fn of(x: A, column: A) -> A;
}

/// Adds the products of `m.len()` rows.
#[inline(always)]
pub(super) fn add_products<S: Widen<A>, A: Real, E: Entry<A>, const FUSED: bool>(
    sums: &mut [A],
    x: Rows<S>,
    m: &[A],
    entry: E,
) {
    let p = sums.len();
    if p < WIDTH {
        for (i, &m) in m.iter().enumerate() {
            for (j, (x, sum)) in x.row(i).iter().zip(sums.iter_mut()).enumerate() {
                *sum = E::of(x.widen(), entry.column(j)).fma::<FUSED>(m, *sum);
            }
        }
        return;
    }
    let (strips, rest) = sums.as_chunks_mut::<STRIP>();
    for (k, sums) in strips.iter_mut().enumerate() {
        add::<A, STRIP>(sums, strip::<S, A, E, FUSED, STRIP>(x, k * STRIP, m, entry), 0);
    }
    let (windows, rest) = rest.as_chunks_mut::<WIDTH>();
    let first = p / STRIP * STRIP;
    if let [sums] = windows {
        add::<A, WIDTH>(sums, strip::<S, A, E, FUSED, WIDTH>(x, first, m, entry), 0);
    }
    if !rest.is_empty() {
        let found = strip::<S, A, E, FUSED, WIDTH>(x, p - WIDTH, m, entry);
        add::<A, WIDTH>(rest, found, counted(p));
    }
}

/// Adds all but the first numbers found.
#[inline(always)]
fn add<A: Real, const W: usize>(sums: &mut [A], found: [A; W], first: usize) {
    sums.iter_mut().zip(&found[first..]).for_each(|(sum, found)| *sum += *found);
}

/// The sums of the `W` columns from `first` on, over even and odd rows side by side.
#[inline(always)]
fn strip<S: Widen<A>, A: Real, E: Entry<A>, const FUSED: bool, const W: usize>(
    x: Rows<S>,
    first: usize,
    m: &[A],
    entry: E,
) -> [A; W] {
    let mut columns = [A::ZERO; W];
    for (lane, column) in columns.iter_mut().enumerate() {
        *column = entry.column(first + lane);
    }
    let (mut even, mut odd) = ([A::ZERO; W], [A::ZERO; W]);
    let (pairs, rest) = m.as_chunks::<2>();
    for (pair, m) in pairs.iter().enumerate() {
        add_row::<S, A, E, FUSED, W>(&mut even, x.window(2 * pair, first), m[0], &columns);
        add_row::<S, A, E, FUSED, W>(&mut odd, x.window(2 * pair + 1, first), m[1], &columns);
    }
    if let [m_last] = rest {
        add_row::<S, A, E, FUSED, W>(&mut even, x.window(m.len() - 1, first), *m_last, &columns);
    }
    for lane in 0..W {
        even[lane] += odd[lane];
    }
    even
}

#[inline(always)]
fn add_row<S: Widen<A>, A: Real, E: Entry<A>, const FUSED: bool, const W: usize>(
    sums: &mut [A; W],
    x: [S; W],
    m: A,
    columns: &[A; W],
) {
    for lane in 0..W {
        sums[lane] = E::of(x[lane].widen(), columns[lane]).fma::<FUSED>(m, sums[lane]);
    }
}
