//! The products of a population: targets that share a tile of X.
//!
//! Both directions are products of a panel with streams: the rows of a tile times the targets' coefficients,
//! and the turned residuals times the columns of X. One target's numbers pass through the same operations in
//! the same order whatever the number, order or values of its companions, in every block of registers.

use pulp::{Simd, WithSimd};

use super::TILE_ROWS;
use super::pack::{copy, transpose};
use super::panel::{Panel, Streams, multiply};
use super::panel_sums::{GROUP, PanelSums};
use super::simd::{Level, dispatch};
use super::vector::Lanes;

/// Kept between tiles, so that nothing is allocated for one.
#[derive(Debug)]
pub(super) struct Scratch<T> {
    /// The panel that is multiplied.
    pub(super) panel: Panel<T>,
    /// Products of rows, before they are turned.
    pub(super) products: Vec<T>,
}

impl<T: Lanes> Default for Scratch<T> {
    fn default() -> Scratch<T> {
        Scratch { panel: Panel::new(), products: Vec::new() }
    }
}

/// `eta += X·W` on one tile: `eta` holds 256 rows of every target, target after target, `x` the columns of a
/// tile, 256 numbers each, `w` the p coefficients of every target, target after target.
pub(super) fn matmul_targets<T: Lanes>(
    level: Level,
    scratch: &mut Scratch<T>,
    eta: &mut [T],
    x: &[T],
    w: &[T],
) {
    dispatch(level, Matmul { panel: &mut scratch.panel, eta, x, w });
}

/// Adds the products of the rows with the coefficients to `eta`.
pub(super) struct Matmul<'a, T> {
    pub(super) panel: &'a mut Panel<T>,
    pub(super) eta: &'a mut [T],
    pub(super) x: &'a [T],
    pub(super) w: &'a [T],
}

impl<T: Lanes> WithSimd for Matmul<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let n_targets = self.eta.len() / TILE_ROWS;
        let p = self.w.len() / n_targets.max(1);
        let blocks = p.div_ceil(TILE_ROWS);
        let mut j = 0;
        for block in 0..blocks {
            let depth = (p - j).div_ceil(blocks - block);
            let w = Streams { numbers: self.w, start: j, stride: p, count: n_targets, depth, last: &[] };
            for t in (0..TILE_ROWS).step_by(Panel::<T>::width::<S>()) {
                let rows = Streams { numbers: self.x, start: j * TILE_ROWS + t, stride: TILE_ROWS, ..w };
                copy::<S, T>(self.panel, Streams { count: depth, depth: TILE_ROWS - t, ..rows });
                multiply(simd, self.panel, 2, w, (0, n_targets), (&mut self.eta[t..], TILE_ROWS));
            }
            j += depth;
        }
    }
}

/// Running sums of `Xᵀ·R` (or `|X|ᵀ·R`) over tiles.
#[derive(Debug)]
pub(super) struct TargetSums<T> {
    level: Level,
    n_columns: usize,
    n_targets: usize,
    sums: PanelSums<T>,
    magnitudes: Vec<T>,
}

impl<T: Lanes> TargetSums<T> {
    /// Nothing summed yet, for p columns and m targets.
    pub(super) fn new(level: Level, n_columns: usize, n_targets: usize) -> TargetSums<T> {
        let sums = PanelSums::new(n_columns, n_targets);
        TargetSums { level, n_columns, n_targets, sums, magnitudes: vec![T::ZERO; GROUP * TILE_ROWS] }
    }

    /// Columns and targets.
    pub(super) fn shape(&self) -> (usize, usize) {
        (self.n_columns, self.n_targets)
    }

    /// Forgets all tiles; allocates nothing.
    pub(super) fn reset(&mut self) {
        self.sums.reset();
    }

    /// `sums += Xᵀ·R` of one tile: `x` holds p columns of 256 rows, `r` 256 rows of every target, target
    /// after target.
    pub(super) fn matmul_transposed(&mut self, x: &[T], r: &[T]) {
        dispatch(self.level, Transposed { sums: self, x, r });
    }

    /// `sums += |X|ᵀ·M` of one tile, shapes as in [`TargetSums::matmul_transposed`]; the numbers of X may be of another
    /// precision than the sums.
    pub(super) fn magnitudes<X: Lanes>(&mut self, x: &[X], m: &[T]) {
        dispatch(self.level, Magnitudes { sums: self, x, m });
    }

    /// The sums, p of every target, target after target.
    pub(super) fn finish(&self) -> Vec<f64> {
        let sum = |k: usize| (0..self.n_columns).map(move |j| self.sums.sum(j, k));
        (0..self.n_targets).flat_map(sum).collect()
    }
}

struct Transposed<'a, T> {
    sums: &'a mut TargetSums<T>,
    x: &'a [T],
    r: &'a [T],
}

impl<T: Lanes> WithSimd for Transposed<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let columns = Streams::columns(self.x);
        self.sums.each_panel::<S>(simd, self.r, |sums, first, vectors| {
            sums.sums.add(simd, (0, first), vectors, columns, (0, columns.count));
        });
    }
}

struct Magnitudes<'a, X, T> {
    sums: &'a mut TargetSums<T>,
    x: &'a [X],
    m: &'a [T],
}

impl<X: Lanes, T: Lanes> WithSimd for Magnitudes<'_, X, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sums, x, m } = self;
        sums.each_panel::<S>(simd, m, |TargetSums { sums, magnitudes, .. }, first, vectors| {
            for (group, x) in x.chunks(GROUP * TILE_ROWS).enumerate() {
                for (out, x) in magnitudes.iter_mut().zip(x) {
                    *out = T::from_f64(x.to_f64()).abs();
                }
                let columns = Streams::columns(&magnitudes[..x.len()]);
                sums.add(simd, (group * GROUP, first), vectors, columns, (0, columns.count));
            }
        });
    }
}

impl<T: Lanes> TargetSums<T> {
    /// Turns as many targets at a time as a panel is wide and hands them over with the number of the first and the vectors
    /// they fill.
    #[inline(always)]
    fn each_panel<S: Simd>(&mut self, simd: S, r: &[T], mut add: impl FnMut(&mut Self, usize, usize)) {
        let width = Panel::<T>::width::<S>();
        for first in (0..self.n_targets).step_by(width) {
            let end = self.n_targets.min(first + width);
            let targets = Streams::columns(&r[first * TILE_ROWS..end * TILE_ROWS]);
            transpose(simd, &mut self.sums.panel, targets, None);
            add(self, first, if end - first > T::count::<S>() { 2 } else { 1 });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::cpu::target_rows::{TargetRowSums, matmul_target_rows};
    use crate::backend::cpu::target_sizes::{TargetSizes, Tile};

    const SIZES: [usize; 8] = [0, 1, 3, 8, 65, 160, 257, 600];
    const TARGETS: [usize; 13] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 20, 33, 100];

    fn noise<T: Lanes>(n: usize, seed: u64) -> Vec<T> {
        let mut state = seed.wrapping_mul(2) + 1;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            T::from_f64((state >> 11) as f64 / (1u64 << 52) as f64 - 1.0)
        };
        (0..n).map(|_| draw()).collect()
    }

    /// A tile of columns as rows.
    fn turned<T: Lanes>(x: &[T], p: usize, n_rows: usize) -> Vec<T> {
        (0..n_rows).flat_map(|t| (0..p).map(move |j| x[j * TILE_ROWS + t])).collect()
    }

    /// The linear predictor of the targets `which` and their gradient and magnitude sums over two tiles, from columns or
    /// from rows.
    fn products<T: Lanes>(level: Level, p: usize, which: &[usize], by_rows: bool) -> [Vec<Vec<f64>>; 3] {
        let mut eta = Vec::new();
        let mut w = Vec::new();
        let mut r = [Vec::new(), Vec::new()];
        for &k in which {
            eta.extend(noise::<T>(TILE_ROWS, 1000 + k as u64));
            w.extend(noise::<T>(p, 2000 + k as u64));
            r[0].extend(noise::<T>(TILE_ROWS, 3000 + k as u64));
            r[1].extend(noise::<T>(TILE_ROWS, 4000 + k as u64));
        }
        let x = [noise::<T>(p * TILE_ROWS, 1), noise::<T>(p * TILE_ROWS, 2)];
        let rows = [turned(&x[0], p, TILE_ROWS), turned(&x[1], p, TILE_ROWS)];
        if by_rows {
            matmul_target_rows(level, &mut Scratch::default(), &mut eta, &rows[0], &w);
        } else {
            matmul_targets(level, &mut Scratch::default(), &mut eta, &x[0], &w);
        }
        let eta = eta.chunks_exact(TILE_ROWS).map(|rows| rows.iter().map(|v| v.to_f64()).collect());
        let mut of_columns = TargetSums::<T>::new(level, p, which.len());
        let mut of_rows = TargetRowSums::<T>::new(level, p, which.len());
        let mut sizes = TargetSizes::new(level, p, which.len());
        let mut both = [false, true].map(|magnitudes| {
            of_columns.reset();
            of_rows.reset();
            sizes.reset();
            for ((x, rows), r) in x.iter().zip(&rows).zip(&r) {
                match (magnitudes, by_rows) {
                    (true, true) => sizes.add(Tile::Rows(rows), r),
                    (true, false) => sizes.add(Tile::Columns(x), r),
                    (false, true) => of_rows.matmul_transposed(rows, r),
                    (false, false) => of_columns.matmul_transposed(x, r),
                }
            }
            let found = match (magnitudes, by_rows) {
                (true, _) => sizes.finish(),
                (_, true) => of_rows.finish(),
                (_, false) => of_columns.finish(),
            };
            found.chunks(p.max(1)).map(<[f64]>::to_vec).collect::<Vec<_>>()
        });
        [eta.collect(), std::mem::take(&mut both[0]), std::mem::take(&mut both[1])]
    }

    fn companions_change_nothing<T: Lanes>() {
        for level in Level::available() {
            for p in SIZES {
                let all: Vec<usize> = (0..100).collect();
                let alone = [false, true].map(|by_rows| products::<T>(level, p, &all, by_rows));
                for m in TARGETS {
                    // m of the hundred in another order, one of them twice
                    let mut which: Vec<usize> = (0..m).map(|i| (i * 37 + m * 11) % 100).collect();
                    which[m - 1] = which[0];
                    for (alone, by_rows) in alone.iter().zip([false, true]) {
                        let found = products::<T>(level, p, &which, by_rows);
                        for (found, alone) in found.iter().zip(alone) {
                            for (values, &k) in found.iter().zip(&which) {
                                assert_eq!(values, &alone[k], "{level:?} {p} {m} {k} {by_rows}");
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn companions_change_no_bit_in_f32() {
        companions_change_nothing::<f32>();
    }

    #[test]
    fn companions_change_no_bit_in_f64() {
        companions_change_nothing::<f64>();
    }

    fn near_definition<T: Lanes>(bound: f64) {
        for level in Level::available() {
            for (p, by_rows) in SIZES.into_iter().flat_map(|p| [(p, false), (p, true)]) {
                for m in [1, 2, 5, 17] {
                    let which: Vec<usize> = (0..m).collect();
                    let [eta, gradient, magnitude] = products::<T>(level, p, &which, by_rows);
                    let x = [noise::<T>(p * TILE_ROWS, 1), noise::<T>(p * TILE_ROWS, 2)];
                    for k in 0..m {
                        let w = noise::<T>(p, 2000 + k as u64);
                        let start = noise::<T>(TILE_ROWS, 1000 + k as u64);
                        for t in 0..TILE_ROWS {
                            let product = |j: usize| x[0][j * TILE_ROWS + t].to_f64() * w[j].to_f64();
                            let expected = start[t].to_f64() + (0..p).map(product).sum::<f64>();
                            assert!((eta[k][t] - expected).abs() < bound * (1.0 + p as f64));
                        }
                        let r =
                            [noise::<T>(TILE_ROWS, 3000 + k as u64), noise::<T>(TILE_ROWS, 4000 + k as u64)];
                        for j in 0..p {
                            let rows = (0..2 * TILE_ROWS).map(|t| (t / TILE_ROWS, t % TILE_ROWS));
                            let terms = rows
                                .map(|(tile, t)| (x[tile][j * TILE_ROWS + t].to_f64(), r[tile][t].to_f64()));
                            let expected: f64 = terms.clone().map(|(x, r)| x * r).sum();
                            assert!((gradient[k][j] - expected).abs() < 300.0 * bound);
                            let expected: f64 = terms.map(|(x, r)| x.abs() * r).sum();
                            // of single precision whatever the numbers
                            assert!((magnitude[k][j] - expected).abs() < 300.0 * 2e-7);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn products_equal_their_definition() {
        near_definition::<f32>(2e-7);
        near_definition::<f64>(4e-16);
    }

    #[test]
    fn values_of_companions_change_no_bit() {
        let (p, level) = (40, Level::best());
        let x = noise::<f32>(p * TILE_ROWS, 1);
        let rows = turned(&x, p, TILE_ROWS);
        let with = |companion: f32| {
            let mut w = noise::<f32>(2 * p, 5);
            w[p..].fill(companion);
            let mut r = noise::<f32>(2 * TILE_ROWS, 6);
            r[TILE_ROWS..].fill(companion);
            let (mut eta, mut by_rows) = (vec![0.0; 2 * TILE_ROWS], vec![0.0; 2 * TILE_ROWS]);
            matmul_targets(level, &mut Scratch::default(), &mut eta, &x, &w);
            matmul_target_rows(level, &mut Scratch::default(), &mut by_rows, &rows, &w);
            let mut sums = TargetSums::new(level, p, 2);
            sums.matmul_transposed(&x, &r);
            let mut row_sums = TargetRowSums::new(level, p, 2);
            row_sums.matmul_transposed(&rows, &r);
            let etas = [eta, by_rows].map(|eta| eta[..TILE_ROWS].to_vec());
            (etas, [sums.finish(), row_sums.finish()].map(|sums| sums[..p].to_vec()))
        };
        assert_eq!(with(0.5), with(f32::NAN));
        assert_eq!(with(0.5), with(f32::INFINITY));
    }
}
