//! The weighted Gram matrix of many columns: panels of transposed columns times all later columns.

use pulp::{Simd, WithSimd};

use super::TILE_ROWS;
use super::vector::Lanes;
use super::pack::transpose;
use super::panel::{Panel, Streams, multiply};
use super::simd::{Level, dispatch};

/// Most numbers that one call of the register kernel writes: a group of streams times the widest panel.
const GROUP: usize = 24;
const WIDEST: usize = 32;

/// Sums over tiles: row j (the j-th column of X, the intercept last) of the lower triangle, `pitch` numbers a row.
#[derive(Debug)]
pub(super) struct PanelSums<T> {
    n_columns: usize,
    pitch: usize,
    sums: Vec<f64>,
    panel: Box<Panel<T>>,
    products: Box<[T; GROUP * WIDEST]>,
}

impl<T: Lanes> PanelSums<T> {
    pub(super) fn new(n_columns: usize) -> PanelSums<T> {
        let pitch = n_columns.next_multiple_of(WIDEST);
        PanelSums {
            n_columns,
            pitch,
            sums: vec![0.0; (n_columns + 1) * pitch],
            panel: Panel::new(),
            products: Box::new([T::ZERO; GROUP * WIDEST]),
        }
    }

    pub(super) fn reset(&mut self) {
        self.sums.fill(0.0);
    }

    pub(super) fn add(&mut self, level: Level, x: &[T], weight: Option<&[T; TILE_ROWS]>) {
        dispatch(level, Add { sums: self, x, weight });
    }

    /// The sum of the products of the columns `i >= j`, `i = n_columns` the intercept.
    pub(super) fn product(&self, i: usize, j: usize) -> f64 {
        self.sums[i * self.pitch + j]
    }
}

struct Add<'a, T> {
    sums: &'a mut PanelSums<T>,
    x: &'a [T],
    weight: Option<&'a [T; TILE_ROWS]>,
}

impl<T: Lanes> WithSimd for Add<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let p = self.sums.n_columns;
        let ones = [T::ONE; TILE_ROWS];
        let streams =
            Streams { numbers: self.x, start: 0, stride: TILE_ROWS, count: p, depth: TILE_ROWS, last: &ones };
        let lanes = T::count::<S>();
        let width = Panel::<T>::width::<S>();
        for first in (0..p).step_by(width) {
            let columns = &self.x[first * TILE_ROWS..p.min(first + width) * TILE_ROWS];
            transpose(simd, self.sums.panel.numbers_mut(TILE_ROWS * width), width, columns, self.weight);
            let middle = (first + lanes).min(p + 1);
            groups(simd, self.sums, 1, streams, (first, first, middle));
            let vectors = if first + lanes < p { 2 } else { 1 };
            groups(simd, self.sums, vectors, streams, (first, middle, p + 1));
        }
    }
}

/// Adds the products of the panel of the columns from `first` with the streams `from..end`.
#[inline(always)]
fn groups<S: Simd, T: Lanes>(
    simd: S,
    into: &mut PanelSums<T>,
    vectors: usize,
    streams: Streams<'_, T>,
    range: (usize, usize, usize),
) {
    let (first, from, end) = range;
    let width = vectors * T::count::<S>();
    for i in (from..end).step_by(GROUP) {
        let last = end.min(i + GROUP);
        let products = &mut into.products[..(last - i) * width];
        products.fill(T::ZERO);
        multiply(simd, &into.panel, vectors, streams, (i, last), (products, width));
        for (row, products) in products.chunks_exact(width).enumerate() {
            let sums = &mut into.sums[(i + row) * into.pitch + first..][..width];
            for (sum, &product) in sums.iter_mut().zip(products) {
                *sum += product.to_f64();
            }
        }
    }
}
