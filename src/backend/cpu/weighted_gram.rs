//! `sums += [1 X]ᵀ·diag(w)·[1 X]` tile by tile, the Hessian of a generalized linear model.
//!
//! Few columns keep lane sums, many columns are multiplied panel by panel; the number of columns alone
//! decides. The column of ones is never in memory: its products are sums of the weighted columns.

use super::TILE_ROWS;
use super::gram_lanes::LaneSums;
use super::gram_panels::AddGram;
use super::lanes::LANES;
use super::panel_sums::PanelSums;
use super::simd::{Level, dispatch};
use super::vector::Lanes;

/// Columns up to which lane sums are faster than panels.
const MOST_LANE_COLUMNS: usize = 32;

/// Bytes of the running sums of one entry, of so many columns.
pub(super) fn running_bytes(n_columns: usize) -> usize {
    if n_columns <= MOST_LANE_COLUMNS { LANES * size_of::<f64>() } else { size_of::<f64>() }
}

/// Running sums of a weighted Gram matrix.
#[derive(Debug)]
pub(super) struct GramSums<T: Lanes> {
    n_columns: usize,
    level: Level,
    total: f64,
    route: Route<T>,
}

#[derive(Debug)]
enum Route<T: Lanes> {
    Lanes(LaneSums<T>),
    Panels(PanelSums<T>),
}

impl<T: Lanes> GramSums<T> {
    /// Nothing summed yet, for X of `n_columns` columns.
    pub(super) fn new(level: Level, n_columns: usize) -> GramSums<T> {
        let route = if n_columns <= MOST_LANE_COLUMNS {
            Route::Lanes(LaneSums::new(n_columns))
        } else {
            Route::Panels(PanelSums::new(n_columns + 1, n_columns))
        };
        GramSums { n_columns, level, total: 0.0, route }
    }

    /// Columns of X.
    pub(super) fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Forgets all tiles; allocates nothing.
    pub(super) fn reset(&mut self) {
        self.total = 0.0;
        match &mut self.route {
            Route::Lanes(sums) => sums.reset(),
            Route::Panels(sums) => sums.reset(),
        }
    }

    /// Adds a tile: `x` holds p columns of 256 rows, zeros behind the first `n_valid`; `weight` one number a
    /// row, 1 for the first `n_valid` rows if there is none.
    pub(super) fn add(&mut self, x: &[T], weight: Option<&[T; TILE_ROWS]>, n_valid: usize) {
        self.total += match weight {
            Some(weight) => total(&weight[..n_valid]),
            None => n_valid as f64,
        };
        match &mut self.route {
            Route::Lanes(sums) => sums.add(self.level, x, weight),
            Route::Panels(sums) => dispatch(self.level, AddGram { sums, x, weight }),
        }
    }

    /// The lower triangle of the (p + 1, p + 1) matrix by columns, column 0 the intercept, zeros above the
    /// diagonal.
    pub(super) fn finish(&mut self) -> Vec<f64> {
        if let Route::Lanes(sums) = &mut self.route {
            sums.flush(self.level);
        }
        let p = self.n_columns;
        let side = p + 1;
        let product = |i, j| match &self.route {
            Route::Lanes(sums) => sums.product(i, j),
            Route::Panels(sums) => sums.sum(i, j),
        };
        let mut gram = vec![0.0; side * side];
        gram[0] = self.total;
        for j in 0..p {
            gram[j + 1] = product(p, j);
            for i in j..p {
                gram[(j + 1) * side + i + 1] = product(i, j);
            }
        }
        gram
    }
}

/// The sum, as eight sums side by side.
fn total<T: Lanes>(weight: &[T]) -> f64 {
    let (eights, rest) = weight.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for eight in eights {
        for (sum, w) in sums.iter_mut().zip(eight) {
            *sum += w.to_f64();
        }
    }
    sums.into_iter().chain(rest.iter().map(|w| w.to_f64())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers in [-1, 1) that repeat after a long while.
    fn noise<T: Lanes>(n: usize, seed: u64) -> Vec<T> {
        let mut state = seed.wrapping_mul(2) + 1;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            T::from_f64((state >> 11) as f64 / (1u64 << 52) as f64 - 1.0)
        };
        (0..n).map(|_| draw()).collect()
    }

    fn gram_of<T: Lanes>(level: Level, p: usize, n_tiles: usize, weighted: bool, bound: f64) {
        let n_valid = 200;
        let mut sums = GramSums::<T>::new(level, p);
        let mut expected = vec![0.0; (p + 1) * (p + 1)];
        let mut size = expected.clone();
        for round in 0..2 {
            sums.reset();
            expected.fill(0.0);
            size.fill(0.0);
            for tile in 0..n_tiles {
                let valid = if tile + 1 == n_tiles { n_valid } else { TILE_ROWS };
                let mut x = noise::<T>(p * TILE_ROWS, (tile * 7 + round) as u64);
                x.iter_mut()
                    .enumerate()
                    .filter(|(i, _)| i % TILE_ROWS >= valid)
                    .for_each(|(_, x)| *x = T::ZERO);
                let mut weight = [T::ZERO; TILE_ROWS];
                for (w, v) in weight[..valid].iter_mut().zip(noise::<T>(valid, tile as u64)) {
                    *w = v.abs();
                }
                sums.add(&x, weighted.then_some(&weight), valid);
                for t in 0..valid {
                    let w = if weighted { weight[t].to_f64() } else { 1.0 };
                    let at = |i: usize| if i == 0 { 1.0 } else { x[(i - 1) * TILE_ROWS + t].to_f64() };
                    for j in 0..=p {
                        for i in j..=p {
                            expected[j * (p + 1) + i] += w * at(i) * at(j);
                            size[j * (p + 1) + i] += (w * at(i) * at(j)).abs();
                        }
                    }
                }
            }
            for ((found, expected), size) in sums.finish().iter().zip(&expected).zip(&size) {
                assert!((found - expected).abs() <= bound * size, "{level:?} {p}: {found} {expected}");
            }
        }
    }

    #[test]
    fn gram_equals_its_definition_at_every_level_and_size() {
        for level in Level::available() {
            for p in [0, 1, 2, 3, 5, 8, 9, 16, 17, 31, 32, 33, 40, 50, 65, 160] {
                let n_tiles = if p < 40 { 18 } else { 2 };
                gram_of::<f32>(level, p, n_tiles, true, 1e-5);
                gram_of::<f64>(level, p, n_tiles, true, 3e-14);
                gram_of::<f32>(level, p, n_tiles, false, 1e-5);
                gram_of::<f64>(level, p, n_tiles, false, 3e-14);
            }
        }
    }

    #[test]
    fn finishing_twice_changes_nothing() {
        let mut sums = GramSums::<f32>::new(Level::best(), 3);
        sums.add(&noise(3 * TILE_ROWS, 1), None, TILE_ROWS);
        assert_eq!(sums.finish(), sums.finish());
        assert_eq!(sums.finish()[0], 256.0);
    }
}
