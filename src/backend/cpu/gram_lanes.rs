//! The weighted Gram matrix of few columns: every product keeps a vector of lane sums.
//!
//! With few columns the transposition of a panel would cost more than the products. Here rows fill the lanes,
//! blocks of three weighted columns times up to four columns stay in registers over a tile, and the lane sums
//! wait in memory for at most 16 tiles before they are added up in `f64`.

use pulp::{Simd, WithSimd};

use super::TILE_ROWS;
use super::simd::{Level, dispatch};
use super::vector::Lanes;

/// Tiles between two flushes.
const FLUSH_TILES: usize = 16;
/// Most lanes of a vector.
const MOST_LANES: usize = 16;
/// Weighted columns of a block, and columns they are multiplied with: 12 sums.
const ROWS: usize = 3;
const BLOCK: usize = 4;

/// Sums over tiles; pair (i, j <= i) is number i·(i + 1)/2 + j, the intercept is the last i.
#[derive(Debug)]
pub(super) struct LaneSums<T> {
    n_columns: usize,
    n_tiles: usize,
    lanes: Vec<T>,
    sums: Vec<f64>,
    weighted: Vec<T>,
}

impl<T: Lanes> LaneSums<T> {
    pub(super) fn new(n_columns: usize) -> LaneSums<T> {
        let pairs = pair(n_columns, n_columns);
        LaneSums {
            n_columns,
            n_tiles: 0,
            lanes: vec![T::ZERO; pairs * MOST_LANES],
            sums: vec![0.0; pairs],
            weighted: vec![T::ZERO; n_columns * TILE_ROWS],
        }
    }

    pub(super) fn reset(&mut self) {
        self.n_tiles = 0;
        self.lanes.fill(T::ZERO);
        self.sums.fill(0.0);
    }

    pub(super) fn add(&mut self, level: Level, x: &[T], weight: Option<&[T; TILE_ROWS]>) {
        dispatch(level, Add { sums: self, x, weight });
        self.n_tiles += 1;
        if self.n_tiles == FLUSH_TILES {
            self.flush(level);
        }
    }

    pub(super) fn flush(&mut self, level: Level) {
        self.n_tiles = 0;
        dispatch(level, Flush { sums: self });
    }

    pub(super) fn product(&self, i: usize, j: usize) -> f64 {
        self.sums[pair(i, j)]
    }
}

#[inline(always)]
fn pair(i: usize, j: usize) -> usize {
    i * (i + 1) / 2 + j
}

struct Flush<'a, T> {
    sums: &'a mut LaneSums<T>,
}

impl<T: Lanes> WithSimd for Flush<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let count = T::count::<S>();
        for (lanes, sum) in self.sums.lanes.chunks_exact_mut(count).zip(&mut self.sums.sums) {
            for lane in lanes {
                *sum += lane.to_f64();
                *lane = T::ZERO;
            }
        }
    }
}

struct Add<'a, T> {
    sums: &'a mut LaneSums<T>,
    x: &'a [T],
    weight: Option<&'a [T; TILE_ROWS]>,
}

impl<T: Lanes> WithSimd for Add<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let p = self.sums.n_columns;
        if let Some(weight) = self.weight {
            for (out, x) in self.sums.weighted.chunks_exact_mut(TILE_ROWS).zip(self.x.chunks_exact(TILE_ROWS))
            {
                for ((out, &x), &w) in out.iter_mut().zip(x).zip(weight) {
                    *out = x * w;
                }
            }
        }
        let ones = [T::ONE; TILE_ROWS];
        let left = match self.weight {
            Some(weight) => Left { columns: &self.sums.weighted, intercept: weight },
            None => Left { columns: self.x, intercept: &ones },
        };
        let lanes = T::vectors_mut::<S>(&mut self.sums.lanes);
        let mut end = p + 1;
        while end > 0 {
            let i = end.saturating_sub(ROWS);
            let columns = end.min(p);
            let blocks = columns.div_ceil(BLOCK);
            let mut j = 0;
            for block in 0..blocks {
                let n = (columns - j).div_ceil(blocks - block);
                sized(simd, lanes, left, self.x, (i, j), (end - i, n));
                j += n;
            }
            end = i;
        }
    }
}

/// The columns times the weights, and the weights themselves: the intercept's.
#[derive(Clone, Copy)]
struct Left<'a, T> {
    columns: &'a [T],
    intercept: &'a [T; TILE_ROWS],
}

impl<'a, T> Left<'a, T> {
    #[inline(always)]
    fn column(self, i: usize) -> &'a [T] {
        self.columns.chunks_exact(TILE_ROWS).nth(i).unwrap_or(self.intercept)
    }
}

#[inline(always)]
fn sized<S: Simd, T: Lanes>(
    simd: S,
    lanes: &mut [T::Vector<S>],
    left: Left<'_, T>,
    x: &[T],
    at: (usize, usize),
    size: (usize, usize),
) {
    macro_rules! blocks {
        ($($rows:literal $n:literal),*) => {
            match size {
                $(($rows, $n) => block::<S, T, $rows, $n>(simd, lanes, left, x, at),)*
                _ => {}
            }
        };
    }
    blocks!(1 1, 1 2, 1 3, 1 4, 2 1, 2 2, 2 3, 2 4, 3 1, 3 2, 3 3, 3 4);
}

#[inline(always)]
fn block<S: Simd, T: Lanes, const R: usize, const N: usize>(
    simd: S,
    lanes: &mut [T::Vector<S>],
    left: Left<'_, T>,
    x: &[T],
    at: (usize, usize),
) {
    let (i, j) = at;
    // equal lengths, known before the loop, so that nothing is checked in it
    let length = TILE_ROWS / T::count::<S>();
    let left: [&[T::Vector<S>]; R] = std::array::from_fn(|r| &T::vectors::<S>(left.column(i + r))[..length]);
    let right: [&[T::Vector<S>]; N] =
        std::array::from_fn(|n| &T::vectors::<S>(&x[(j + n) * TILE_ROWS..][..TILE_ROWS])[..length]);
    let mut acc = [[T::splat(simd, T::ZERO); N]; R];
    for t in 0..length {
        let mut a = [acc[0][0]; R];
        for r in 0..R {
            a[r] = left[r][t];
        }
        for n in 0..N {
            let b = right[n][t];
            for r in 0..R {
                acc[r][n] = T::mul_add_lanes(simd, a[r], b, acc[r][n]);
            }
        }
    }
    for r in 0..R {
        for n in 0..N {
            if j + n <= i + r {
                let sum = &mut lanes[pair(i + r, j + n)];
                *sum = T::add_lanes(simd, *sum, acc[r][n]);
            }
        }
    }
}
