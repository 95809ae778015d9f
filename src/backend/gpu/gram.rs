//! Gram matrices of a pass, and the sums of columns that belong to them.

use super::array::Array;
use super::batch::{Bound, Params, bytes};
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
        let x = match &gram.x {
            Some(x) => View::of(x, span)?,
            None => self.side_by_side(span, gram)?,
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

    /// The rows that a run takes of several matrices, side by side.
    fn side_by_side(&mut self, span: &Span, gram: &Gram) -> Result<View> {
        let stride = gram.width(self.program).stride;
        let design = self.device.scratch(bytes(span.n * stride))?;
        let design = Bound::first(&design, span.n * stride);
        for (x, first) in &self.program.columns {
            let params = Params { first_column: *first as u32, ..self.params(span, self.group_rows(0)) };
            let sizes = (x.n_columns(), x.stride(), stride);
            self.dispatches.push(copy_rows(self.device, x.window(&span.rows)?, sizes, &design, params)?);
        }
        Ok(View { rows: design, stride, is_taken: true })
    }
}
