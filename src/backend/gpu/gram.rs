//! Gram matrices of a pass, and the sums of columns that belong to them.

use super::array::Array;
use super::batch::{Bound, Params, bytes};
use super::convolution::build_features::build_features;
use super::copy_rows::copy_rows;
use super::fused::{From, Fused, slices};
use super::outputs::OfGram;
use super::pass::{Pass, Vectors};
use super::products::weighted_gram;
use super::program::Gram;
use super::spans::Span;
use crate::Result;

/// Rows of a matrix that one dispatch sees.
pub(super) struct View {
    pub(super) rows: Bound,
    pub(super) stride: usize,
    /// Whether it has the rows that are taken and no others.
    is_taken: bool,
}

impl View {
    pub(super) fn of(x: &Array, span: &Span) -> Result<Self> {
        Ok(Self { rows: x.window(&span.rows)?, stride: x.stride(), is_taken: false })
    }

    /// The same with its rows.
    pub(super) fn own(&self, params: Params) -> Params {
        if self.is_taken { Params { first_row: 0, every: 1, ..params } } else { params }
    }
}

impl Pass<'_> {
    /// `Xᵀ·v` for one row vector, slice by slice of the columns: sets of sums follow each other by slices.
    pub(super) fn column_sums(
        &mut self,
        span: &Span,
        x: &View,
        from: From,
        v: &Bound,
        partial: usize,
    ) -> Result<()> {
        for (k, slice) in slices(x.stride).enumerate() {
            let place = self.take(partial + k, span, self.group_rows(x.stride));
            let [idle, beside, _] = &self.idle.clone();
            let what = Fused {
                from,
                coef: None,
                keep: false,
                point: None,
                gradient: true,
                eta: v,
                beside,
                sums: &place.sums,
                idle,
            };
            self.fused(span, &what, x, slice, place.first)?;
        }
        Ok(())
    }

    /// A Gram of a run of rows.
    pub(super) fn gram(&mut self, span: &Span, gram: &Gram, vectors: &Vectors, of: &OfGram) -> Result<()> {
        let x = match (&gram.x, &vectors.design) {
            (Some(x), None) => View::of(x, span)?,
            (_, design) => {
                let design = design.as_ref().unwrap_or(&self.idle[0]).clone();
                self.side_by_side(span, gram, &design)?
            }
        };
        let (from, v) = if gram.flat { (From::One, &vectors.eta) } else { (From::Stored, &vectors.beside) };
        self.column_sums(span, &x, from, v, of.columns)?;
        let rows = self.gram_rows(x.stride);
        let place = self.take(of.products, span, rows);
        let params = x.own(Params { first_partial: place.first, ..self.params(span, rows) });
        let weight = if gram.flat { &self.idle[0] } else { &vectors.beside };
        let bound = [weight, &place.sums];
        let what = (!gram.flat, place.adds);
        self.dispatches.push(weighted_gram(self.device, x.rows.clone(), x.stride, bound, what, params)?);
        Ok(())
    }

    /// Room for the rows of a run, if those that a Gram is of are put together.
    pub(super) fn room_for_rows(&self) -> Result<Option<Bound>> {
        let Some(gram) = &self.program.gram else { return Ok(None) };
        if gram.x.as_ref().is_some_and(|x| x.as_features().is_none()) {
            return Ok(None);
        }
        let most = self.spans().iter().map(|span| span.n).max().unwrap_or(0);
        let n = most * gram.width(self.program).stride;
        Ok(Some(Bound::first(&self.device.scratch(bytes(n))?, n)))
    }

    /// The rows that a run takes of matrices, side by side in `design`.
    fn side_by_side(&mut self, span: &Span, gram: &Gram, design: &Bound) -> Result<View> {
        let stride = gram.width(self.program).stride;
        let design = Bound { size: bytes(span.n * stride), ..design.clone() };
        let only = gram.x.as_ref().map(|x| (x.clone(), 0));
        let columns = only.as_ref().map_or(self.program.columns.as_slice(), std::slice::from_ref);
        for (x, first) in columns {
            let params = Params { first_column: *first as u32, ..self.params(span, self.group_rows(0)) };
            let own = if let Some(built) = x.as_features() {
                build_features(self.device, built, span, (&design, stride), &self.idle[0], params)?
            } else {
                let sizes = (x.n_columns(), x.stride(), stride);
                copy_rows(self.device, x.window(&span.rows)?, sizes, &design, params)?
            };
            self.dispatches.push(own);
        }
        Ok(View { rows: design, stride, is_taken: true })
    }
}
