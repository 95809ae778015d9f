//! `sums += |X|ᵀ·M` of a population: what its optimality residuals are relative to.
//!
//! In single precision whatever the numbers of X are: a sum of sizes loses nothing there that matters. Columns that are
//! centred and scaled have no entry above the root of the number of rows; a target whose magnitudes are so large that a
//! product might overflow, or so small that all might vanish, is added up in `f64`.

use super::TILE_ROWS;
use super::simd::{Kernel, Level, run};
use super::target_rows::TargetRowSums;
use super::targets::TargetSums;
use super::vector::Lanes;
use crate::math::real::Real;

/// What the largest magnitude of a target in a tile may be, and must be at least.
const MODERATE: [f64; 2] = [1e-20, 1e20];
/// Numbers that are looked at together.
const SIDE_BY_SIDE: usize = 32;

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

    /// Adds a tile of centred and scaled columns; `m` holds 256 rows of every target, target after target. Which targets
    /// are added up in `f64` depends on each of them alone.
    pub(super) fn add<X: Lanes>(&mut self, x: Tile<X>, m: &[X]) {
        let shape = self.shape();
        let is_moderate = |m: &[X]| within(self.level, m, MODERATE);
        let single: Vec<bool> = m.chunks_exact(TILE_ROWS).map(is_moderate).collect();
        if single.contains(&true) {
            self.single.add(self.level, shape, x, m, &single);
        }
        if single.contains(&false) {
            let double: Vec<bool> = single.iter().map(|single| !single).collect();
            self.double.add(self.level, shape, x, m, &double);
        }
    }

    /// The sums, p of every target, target after target.
    pub(super) fn finish(&mut self) -> Vec<f64> {
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

    /// Adds a tile of those targets that are `own`.
    fn add<X: Lanes>(
        &mut self,
        level: Level,
        (p, n_targets): (usize, usize),
        x: Tile<X>,
        m: &[X],
        own: &[bool],
    ) {
        self.magnitudes.clear();
        for (m, &is_own) in m.chunks_exact(TILE_ROWS).zip(own) {
            let number = |m: &X| if is_own { T::from_f64(m.to_f64()) } else { T::ZERO };
            self.magnitudes.extend(m.iter().map(number));
        }
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

    fn add_to(&mut self, found: &mut [f64]) {
        let rows = self.rows.iter_mut().map(TargetRowSums::finish);
        for sums in rows.chain(self.tiles.iter().map(TargetSums::finish)) {
            found.iter_mut().zip(sums).for_each(|(found, sum)| *found += sum);
        }
    }
}

/// Whether the largest size lies between two numbers; a NaN does not.
fn within<T: Lanes>(level: Level, values: &[T], [least, most]: [f64; 2]) -> bool {
    let largest = run(level, Largest { values }).to_f64();
    (least..=most).contains(&largest)
}

/// The largest size, or NaN if there is one.
struct Largest<'a, T> {
    values: &'a [T],
}

impl<T: Real> Kernel for Largest<'_, T> {
    type Output = T;

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> T {
        let (mut largest, mut marks) = ([T::ZERO; SIDE_BY_SIDE], [T::ZERO; SIDE_BY_SIDE]);
        for chunk in self.values.chunks(SIDE_BY_SIDE) {
            for ((x, largest), mark) in chunk.iter().zip(&mut largest).zip(&mut marks) {
                *largest = x.abs().max(*largest);
                // stays 0 until a NaN or an infinity is multiplied by 0
                *mark = x.fma::<FUSED>(T::ZERO, *mark);
            }
        }
        let mut all = T::ZERO;
        for (largest, mark) in largest.into_iter().zip(marks) {
            all = largest.max(all) + mark;
        }
        all
    }
}

#[cfg(test)]
mod tests {
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
            let huge: Vec<f64> = m.iter().map(|m| 1e60 * m).collect();
            sums.add(Tile::Rows(&rows), &huge);
            for (found, expected) in sums.finish().iter().zip([512e60, 256e60, 768e60, 384e60]) {
                assert!((found / expected - 1.0).abs() < 1e-13, "{level:?} {found} {expected}");
            }
        }
    }

    #[test]
    fn a_target_is_added_up_the_same_way_whatever_its_companion_is() {
        let rows: Vec<f64> = (0..2 * TILE_ROWS).map(|k| (k as f64).sin()).collect();
        let own: Vec<f64> = (0..TILE_ROWS).map(|k| 1.0 + (k as f64).cos()).collect();
        for level in Level::available() {
            let beside = |companion: f64| {
                let mut sums = TargetSizes::new(level, 2, 2);
                sums.add(Tile::Rows(&rows), &[&own[..], &[companion; TILE_ROWS]].concat());
                sums.finish()
            };
            let expected = beside(1.0);
            for companion in [0.0, 1e-60, 1e25, 1e300, f64::INFINITY, f64::NAN] {
                let found = beside(companion);
                assert_eq!(found[..2], expected[..2], "{level:?} {companion}");
            }
            // neither too large nor too small for digits to be kept
            for companion in [1e-60, 1e25] {
                assert!((beside(companion)[3] / (companion * expected[3]) - 1.0).abs() < 1e-5);
            }
            assert!(beside(f64::NAN)[2].is_nan());
        }
    }
}
