//! `sums += |X|ᵀ·M` of a population: what its optimality residuals are relative to.
//!
//! In single precision whatever the numbers of X are: a sum of sizes loses nothing there that matters. Numbers so large
//! that a product might overflow are multiplied in `f64`.

use super::simd::{Kernel, Level, run};
use super::target_rows::TargetRowSums;
use super::targets::TargetSums;
use super::vector::Lanes;
use crate::math::real::Real;

/// Largest entry of X and largest magnitude of which 256 products surely have a sum in single precision.
const LARGEST_ENTRY: f64 = 1e10;
const LARGEST_MAGNITUDE: f64 = 1e20;

/// Running sums over tiles.
#[derive(Debug)]
pub(super) struct TargetSizes {
    level: Level,
    n_columns: usize,
    n_targets: usize,
    single: Sums<f32>,
    double: Sums<f64>,
}

/// Sums in one precision; none until there is something to add.
#[derive(Debug)]
struct Sums<T> {
    rows: Option<TargetRowSums<T>>,
    tiles: Option<TargetSums<T>>,
    magnitudes: Vec<T>,
}

/// The numbers of a tile.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tile<'a, X> {
    /// Up to 256 rows, one after the other.
    Rows(&'a [X]),
    /// Columns of 256 rows.
    Columns(&'a [X]),
}

impl TargetSizes {
    /// Nothing summed yet, for p columns and m targets.
    pub(super) fn new(level: Level, n_columns: usize, n_targets: usize) -> TargetSizes {
        TargetSizes { level, n_columns, n_targets, single: Sums::NONE, double: Sums::NONE }
    }

    /// Columns and targets.
    pub(super) fn shape(&self) -> (usize, usize) {
        (self.n_columns, self.n_targets)
    }

    /// Forgets all tiles.
    pub(super) fn reset(&mut self) {
        self.single.reset();
        self.double.reset();
    }

    /// Adds a tile; `m` holds 256 rows of every target, target after target.
    pub(super) fn add<X: Lanes>(&mut self, x: Tile<X>, m: &[X]) {
        let (Tile::Rows(numbers) | Tile::Columns(numbers)) = x;
        let shape = self.shape();
        let is_moderate =
            at_most(self.level, numbers, LARGEST_ENTRY) && at_most(self.level, m, LARGEST_MAGNITUDE);
        if is_moderate {
            self.single.add(self.level, shape, x, m);
        } else {
            self.double.add(self.level, shape, x, m);
        }
    }

    /// The sums, p of every target, target after target.
    pub(super) fn finish(&self) -> Vec<f64> {
        let mut found = vec![0.0; self.n_columns * self.n_targets];
        self.single.add_to(&mut found);
        self.double.add_to(&mut found);
        found
    }
}

impl<T: Lanes> Sums<T> {
    const NONE: Self = Self { rows: None, tiles: None, magnitudes: Vec::new() };

    fn reset(&mut self) {
        self.rows.iter_mut().for_each(TargetRowSums::reset);
        self.tiles.iter_mut().for_each(TargetSums::reset);
    }

    fn add<X: Lanes>(&mut self, level: Level, (p, n_targets): (usize, usize), x: Tile<X>, m: &[X]) {
        self.magnitudes.clear();
        self.magnitudes.extend(m.iter().map(|m| T::from_f64(m.to_f64())));
        match x {
            Tile::Rows(x) => {
                let sums = self.rows.get_or_insert_with(|| TargetRowSums::new(level, p, n_targets));
                sums.magnitudes(x, &self.magnitudes);
            }
            Tile::Columns(x) => {
                let sums = self.tiles.get_or_insert_with(|| TargetSums::new(level, p, n_targets));
                sums.magnitudes(x, &self.magnitudes);
            }
        }
    }

    fn add_to(&self, found: &mut [f64]) {
        let rows = self.rows.iter().map(TargetRowSums::finish);
        for sums in rows.chain(self.tiles.iter().map(TargetSums::finish)) {
            found.iter_mut().zip(sums).for_each(|(found, sum)| *found += sum);
        }
    }
}

/// Whether no number is larger than `most`, or NaN.
fn at_most<T: Lanes>(level: Level, values: &[T], most: f64) -> bool {
    run(level, AtMost { values, most: T::from_f64(most) })
}

struct AtMost<'a, T> {
    values: &'a [T],
    most: T,
}

impl<T: Real> Kernel for AtMost<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> bool {
        self.values.iter().fold(true, |all, x| all & (x.abs() <= self.most))
    }
}

#[cfg(test)]
mod tests {
    use super::super::TILE_ROWS;
    use super::*;

    #[test]
    fn rows_and_columns_add_up_and_what_overflows_does_so_in_double() {
        let rows: Vec<f64> = [-1.0, 0.5].repeat(TILE_ROWS);
        let columns = [[-1.0; TILE_ROWS], [0.5; TILE_ROWS]].concat();
        let m = [[2.0; TILE_ROWS], [3.0; TILE_ROWS]].concat();
        for level in Level::available() {
            let mut sums = TargetSizes::new(level, 2, 2);
            sums.add(Tile::Rows(&rows), &m);
            sums.add(Tile::Columns(&columns), &m);
            assert_eq!(sums.finish(), [1024.0, 512.0, 1536.0, 768.0]);
            sums.reset();
            let huge: Vec<f64> = rows.iter().map(|x| 1e60 * x).collect();
            sums.add(Tile::Rows(&huge), &m);
            for (found, expected) in sums.finish().iter().zip([512e60, 256e60, 768e60, 384e60]) {
                assert!((found / expected - 1.0).abs() < 1e-13, "{level:?} {found} {expected}");
            }
            let mut unknown = m.clone();
            unknown[0] = f64::NAN;
            sums.add(Tile::Rows(&rows), &unknown);
            assert!(sums.finish()[..2].iter().all(|sum| sum.is_nan()));
        }
    }
}
