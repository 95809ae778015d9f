//! The products of a population with a matrix that is read in place: targets that share rows of X.
//!
//! Rows stay rows. Forward, a row of X is a stream that meets a panel of the targets' coefficients; back, the residuals
//! of a target are a stream that meets a panel of two vectors of columns, copied from the rows as they lie. So only
//! coefficients and linear predictors are turned, which are few. One target's numbers pass through the same operations in
//! the same order whoever its companions are.

use std::marker::PhantomData;

use pulp::{Simd, WithSimd};

use super::TILE_ROWS;
use super::pack::{copy, transpose};
use super::panel::{Panel, Streams, multiply};
use super::panel_sums::WIDEST;
use super::simd::{Level, dispatch};
use super::targets::Scratch;
use super::vector::Lanes;

/// `eta += X·W` on the rows of one tile: `eta` holds 256 rows of every target, target after target, `x` up to 256 rows of
/// p numbers, `w` the p coefficients of every target, target after target.
pub(super) fn matmul_target_rows<T: Lanes>(
    level: Level,
    scratch: &mut Scratch<T>,
    eta: &mut [T],
    x: &[T],
    w: &[T],
) {
    dispatch(level, Matmul { scratch, eta, x, w });
}

struct Matmul<'a, T> {
    scratch: &'a mut Scratch<T>,
    eta: &'a mut [T],
    x: &'a [T],
    w: &'a [T],
}

impl<T: Lanes> WithSimd for Matmul<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { scratch, eta, x, w } = self;
        let Scratch { panel, products } = scratch;
        let n_targets = eta.len() / TILE_ROWS;
        let p = w.len() / n_targets.max(1);
        if p == 0 {
            return;
        }
        let n_rows = x.len() / p;
        let width = Panel::<T>::width::<S>();
        products.clear();
        products.resize(n_targets.div_ceil(width) * TILE_ROWS * width, T::ZERO);
        let blocks = p.div_ceil(TILE_ROWS);
        let mut j = 0;
        for block in 0..blocks {
            let depth = (p - j).div_ceil(blocks - block);
            let rows = Streams { numbers: x, start: j, stride: p, count: n_rows, depth, last: &[] };
            for (first, products) in (0..).step_by(width).zip(products.chunks_exact_mut(TILE_ROWS * width)) {
                let count = width.min(n_targets - first);
                let coef = Streams { numbers: w, start: first * p + j, stride: p, count, depth, last: &[] };
                transpose(simd, panel, coef, None);
                let vectors = if count > T::count::<S>() { 2 } else { 1 };
                multiply(simd, panel, vectors, rows, (0, n_rows), (products, width));
            }
            j += depth;
        }
        for (eta, products) in eta.chunks_mut(TILE_ROWS * width).zip(products.chunks_exact(TILE_ROWS * width))
        {
            add_turned(simd, panel, eta, products, n_rows);
        }
    }
}

/// Adds the first `n_rows` rows of products, as wide as the panel, to the linear predictors of as many targets.
#[inline(always)]
fn add_turned<S: Simd, T: Lanes>(
    simd: S,
    panel: &mut Panel<T>,
    eta: &mut [T],
    products: &[T],
    n_rows: usize,
) {
    let width = Panel::<T>::width::<S>();
    let depth = eta.len() / TILE_ROWS;
    for row in (0..n_rows).step_by(width) {
        let count = width.min(n_rows - row);
        let rows = Streams { numbers: products, start: row * width, stride: width, count, depth, last: &[] };
        transpose(simd, panel, rows, None);
        let turned = panel.numbers_mut(depth * width).chunks_exact(width);
        for (eta, turned) in eta.chunks_exact_mut(TILE_ROWS).zip(turned) {
            eta[row..row + count].iter_mut().zip(turned).for_each(|(eta, &product)| *eta += product);
        }
    }
}

/// Tiles whose sums are kept in the type of the storage.
const FLUSH_TILES: usize = 16;

/// Running sums of `Xᵀ·R` (or `|X|ᵀ·M`) over the rows of tiles.
#[derive(Debug)]
pub(super) struct TargetRowSums<T> {
    level: Level,
    n_columns: usize,
    n_targets: usize,
    panel: Panel<T>,
    n_tiles: usize,
    /// Those of the last tiles, a row of `pitch` numbers for each target.
    partial: Vec<T>,
    /// From one target to the next: the columns, and room for a panel that reaches beyond them.
    pitch: usize,
    /// Those of the tiles before, p for each target.
    sums: Vec<f64>,
}

impl<T: Lanes> TargetRowSums<T> {
    /// Nothing summed yet, for p columns and m targets.
    pub(super) fn new(level: Level, n_columns: usize, n_targets: usize) -> TargetRowSums<T> {
        let pitch = n_columns.next_multiple_of(WIDEST);
        let (partial, sums) = (vec![T::ZERO; n_targets * pitch], vec![0.0; n_targets * n_columns]);
        TargetRowSums { level, n_columns, n_targets, panel: Panel::new(), n_tiles: 0, partial, pitch, sums }
    }

    /// Columns and targets.
    pub(super) fn shape(&self) -> (usize, usize) {
        (self.n_columns, self.n_targets)
    }

    /// Forgets all tiles; allocates nothing.
    pub(super) fn reset(&mut self) {
        self.n_tiles = 0;
        self.partial.fill(T::ZERO);
        self.sums.fill(0.0);
    }

    /// `sums += Xᵀ·R` of one tile: `x` holds up to 256 rows of p numbers, `r` 256 rows of every target, target
    /// after target.
    pub(super) fn matmul_transposed(&mut self, x: &[T], r: &[T]) {
        dispatch(self.level, Transposed { sums: self, x, r, entry: PhantomData::<Plain> });
        self.count();
    }

    /// `sums += |X|ᵀ·M` of one tile, shapes as in [`TargetRowSums::matmul_transposed`]; the numbers of X may be of another
    /// precision than the sums.
    pub(super) fn magnitudes<X: Lanes>(&mut self, x: &[X], m: &[T]) {
        dispatch(self.level, Transposed { sums: self, x, r: m, entry: PhantomData::<Size> });
        self.count();
    }

    /// Counts a tile.
    fn count(&mut self) {
        self.n_tiles += 1;
        if self.n_tiles == FLUSH_TILES {
            self.flush();
        }
    }

    /// Adds what was summed since the last time to the sums.
    fn flush(&mut self) {
        self.n_tiles = 0;
        let sums = self.sums.chunks_exact_mut(self.n_columns.max(1));
        for (sums, partial) in sums.zip(self.partial.chunks_exact_mut(self.pitch.max(1))) {
            for (sum, partial) in sums.iter_mut().zip(partial) {
                *sum += partial.to_f64();
                *partial = T::ZERO;
            }
        }
    }

    /// The sums, p of every target, target after target.
    pub(super) fn finish(&mut self) -> Vec<f64> {
        self.flush();
        self.sums.clone()
    }
}

/// How numbers of X come into a panel.
trait Entry<X, T> {
    /// The columns from `j` on of rows of p numbers, as many as the panel is wide.
    fn fill<S: Simd>(panel: &mut Panel<T>, x: &[X], p: usize, j: usize);
}

/// As they are.
struct Plain;

impl<T: Lanes> Entry<T, T> for Plain {
    #[inline(always)]
    fn fill<S: Simd>(panel: &mut Panel<T>, x: &[T], p: usize, j: usize) {
        let rows = Streams { numbers: x, start: j, stride: p, count: x.len() / p, depth: p - j, last: &[] };
        copy::<S, T>(panel, rows);
    }
}

/// Their magnitudes, in the precision of the sums.
struct Size;

impl<X: Lanes, T: Lanes> Entry<X, T> for Size {
    #[inline(always)]
    fn fill<S: Simd>(panel: &mut Panel<T>, x: &[X], p: usize, j: usize) {
        let width = Panel::<T>::width::<S>();
        let n = width.min(p - j);
        let panel = panel.numbers_mut(x.len() / p * width);
        for (out, x) in panel.chunks_exact_mut(width).zip(x.chunks_exact(p)) {
            let (sizes, beyond) = out.split_at_mut(n);
            sizes.iter_mut().zip(&x[j..]).for_each(|(size, x)| *size = T::from_f64(x.to_f64()).abs());
            beyond.fill(T::ZERO);
        }
    }
}

struct Transposed<'a, X, T, E> {
    sums: &'a mut TargetRowSums<T>,
    x: &'a [X],
    r: &'a [T],
    entry: PhantomData<E>,
}

impl<X: Lanes, T: Lanes, E: Entry<X, T>> WithSimd for Transposed<'_, X, T, E> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sums, x, r, .. } = self;
        let (p, m) = sums.shape();
        let depth = x.len() / p.max(1);
        let residuals = Streams { numbers: r, start: 0, stride: TILE_ROWS, count: m, depth, last: &[] };
        for j in (0..p).step_by(Panel::<T>::width::<S>()) {
            E::fill::<S>(&mut sums.panel, x, p, j);
            let vectors = if p - j > T::count::<S>() { 2 } else { 1 };
            multiply(simd, &sums.panel, vectors, residuals, (0, m), (&mut sums.partial[j..], sums.pitch));
        }
    }
}
