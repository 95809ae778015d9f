//! Sums in `f64` of the products of panels with columns, tile after tile.
//!
//! A product runs over the 256 rows of one tile in the storage type and is then added to its `f64` sum, so
//! rounding does not grow with the number of tiles and nothing waits to be flushed.

use pulp::Simd;

use super::panel::{Panel, Streams, multiply};
use super::vector::Lanes;

/// Streams whose products wait together in cache: a multiple of the register blocks.
pub(super) const GROUP: usize = 24;
/// Numbers of the widest panel.
pub(super) const WIDEST: usize = 32;

/// A (streams, columns) matrix of sums by rows, the panel that is multiplied, and scratch.
#[derive(Debug)]
pub(super) struct PanelSums<T> {
    pitch: usize,
    sums: Vec<f64>,
    pub(super) panel: Panel<T>,
    products: Box<[T; GROUP * WIDEST]>,
}

impl<T: Lanes> PanelSums<T> {
    /// Zeros.
    pub(super) fn new(n_streams: usize, n_columns: usize) -> PanelSums<T> {
        let pitch = n_columns.next_multiple_of(WIDEST);
        PanelSums {
            pitch,
            sums: vec![0.0; n_streams * pitch],
            panel: Panel::new(),
            products: Box::new([T::ZERO; GROUP * WIDEST]),
        }
    }

    /// Back to zeros.
    pub(super) fn reset(&mut self) {
        self.sums.fill(0.0);
    }

    /// The sum of stream `i` and column `j`.
    pub(super) fn sum(&self, i: usize, j: usize) -> f64 {
        self.sums[i * self.pitch + j]
    }

    /// Adds the products of the streams `range` with the first `vectors` vectors of the panel to the sums
    /// from (row, column) `at` on: stream 0 to that row, the first number of the panel to that column.
    #[inline(always)]
    pub(super) fn add<S: Simd>(
        &mut self,
        simd: S,
        at: (usize, usize),
        vectors: usize,
        streams: Streams<'_, T>,
        range: (usize, usize),
    ) {
        let width = vectors * T::count::<S>();
        for i in (range.0..range.1).step_by(GROUP) {
            let end = range.1.min(i + GROUP);
            let products = &mut self.products[..(end - i) * width];
            products.fill(T::ZERO);
            multiply(simd, &self.panel, vectors, streams, (i, end), (products, width));
            for (row, products) in products.chunks_exact(width).enumerate() {
                let sums = &mut self.sums[(at.0 + i + row) * self.pitch + at.1..][..width];
                for (sum, &product) in sums.iter_mut().zip(products) {
                    *sum += product.to_f64();
                }
            }
        }
    }
}
