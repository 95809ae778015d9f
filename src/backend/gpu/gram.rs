//! Gram matrices of a pass, and the sums of columns that belong to them.

use super::batch::{Bound, Params, bytes};
use super::fused::{From, Fused, slices};
use super::outputs::OfGram;
use super::pass::{Pass, Vectors};
use super::products::weighted_gram;
use super::program::Gram;
use super::spans::Span;
use super::views::View;
use crate::Result;

impl<'p> Pass<'p> {
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
    pub(super) fn gram(
        &mut self,
        span: &Span,
        gram: &Gram<'p>,
        vectors: &Vectors,
        of: &OfGram,
    ) -> Result<()> {
        let x = match (&gram.x, &vectors.design) {
            (Some(x), _) => self.view(x, span)?,
            (None, design) => {
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
        let Some(gram) = self.program.grams().find(|gram| gram.x.is_none()) else { return Ok(None) };
        let most = self.spans().iter().map(|span| span.n).max().unwrap_or(0);
        let n = most * gram.width(self.program).stride;
        Ok(Some(Bound::first(&self.device.scratch(bytes(n))?, n)))
    }
}
