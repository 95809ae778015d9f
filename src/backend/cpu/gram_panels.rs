//! The weighted Gram matrix of many columns: panels of turned, weighted columns times all later columns.
//!
//! Of a panel's own square only the half below the diagonal is wanted: its first columns take one vector of
//! the panel, all later ones take both.

use pulp::{Simd, WithSimd};

use super::TILE_ROWS;
use super::pack::transpose;
use super::panel::{Panel, Streams};
use super::panel_sums::PanelSums;
use super::vector::Lanes;

/// Adds the products of one tile `x` to row i and column j <= i of `sums`; row p is the intercept's.
pub(super) struct AddGram<'a, T> {
    pub(super) sums: &'a mut PanelSums<T>,
    pub(super) x: &'a [T],
    pub(super) weight: Option<&'a [T; TILE_ROWS]>,
}

impl<T: Lanes> WithSimd for AddGram<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let p = self.x.len() / TILE_ROWS;
        let ones = [T::ONE; TILE_ROWS];
        let streams = Streams { last: &ones, ..Streams::columns(self.x) };
        let lanes = T::count::<S>();
        let width = Panel::<T>::width::<S>();
        for first in (0..p).step_by(width) {
            let columns = Streams::columns(&self.x[first * TILE_ROWS..p.min(first + width) * TILE_ROWS]);
            transpose(simd, &mut self.sums.panel, columns, self.weight);
            let middle = p.min(first + lanes);
            self.sums.add(simd, (0, first), 1, streams, (first, middle));
            let vectors = if middle < p { 2 } else { 1 };
            self.sums.add(simd, (0, first), vectors, streams, (middle, p + 1));
        }
    }
}
