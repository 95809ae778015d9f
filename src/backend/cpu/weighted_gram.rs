//! `sums += [1 X]ᵀ·diag(w)·[1 X]` tile by tile.

use super::TILE_ROWS;
use super::gram_lanes::LaneSums;
use super::gram_panels::PanelSums;
use super::vector::Lanes;
use super::simd::Level;

/// Columns up to which lane sums are faster than panels.
const MOST_LANE_COLUMNS: usize = 24;

/// Running sums of a weighted Gram matrix.
#[derive(Debug)]
pub struct GramSums<T: Lanes> {
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
    pub fn new(level: Level, n_columns: usize) -> GramSums<T> {
        let route = if n_columns <= MOST_LANE_COLUMNS {
            Route::Lanes(LaneSums::new(n_columns))
        } else {
            Route::Panels(PanelSums::new(n_columns))
        };
        GramSums { n_columns, level, total: 0.0, route }
    }

    /// Route by hand.
    pub fn with_panels(level: Level, n_columns: usize) -> GramSums<T> {
        GramSums { n_columns, level, total: 0.0, route: Route::Panels(PanelSums::new(n_columns)) }
    }

    /// Route by hand.
    pub fn with_lanes(level: Level, n_columns: usize) -> GramSums<T> {
        GramSums { n_columns, level, total: 0.0, route: Route::Lanes(LaneSums::new(n_columns)) }
    }

    /// Columns of X.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Forgets all tiles; allocates nothing.
    pub fn reset(&mut self) {
        self.total = 0.0;
        match &mut self.route {
            Route::Lanes(sums) => sums.reset(),
            Route::Panels(sums) => sums.reset(),
        }
    }

    /// Adds a tile: `x` (p columns of 256 rows), whose first `n_valid` rows count.
    pub fn add(&mut self, x: &[T], weight: Option<&[T; TILE_ROWS]>, n_valid: usize) {
        self.total += match weight {
            Some(weight) => total(&weight[..n_valid]),
            None => n_valid as f64,
        };
        match &mut self.route {
            Route::Lanes(sums) => sums.add(self.level, x, weight),
            Route::Panels(sums) => sums.add(self.level, x, weight),
        }
    }

    /// The lower triangle by columns of the (p + 1, p + 1) matrix, column 0 the intercept, zeros above.
    pub fn finish(&mut self) -> Vec<f64> {
        if let Route::Lanes(sums) = &mut self.route {
            sums.flush(self.level);
        }
        let p = self.n_columns;
        let side = p + 1;
        let product = |i, j| match &self.route {
            Route::Lanes(sums) => sums.product(i, j),
            Route::Panels(sums) => sums.product(i, j),
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
