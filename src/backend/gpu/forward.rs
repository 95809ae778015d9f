//! Linear predictors of a run of rows: constants, products with matrices, convolutions.

use super::array::Array;
use super::batch::Bound;
use super::fused::{From, Fused, slices};
use super::pass::Pass;
use super::products::{Product, Responses, matmul};
use super::program::{Forward, Pointwise};
use super::spans::Span;
use super::views::View;
use crate::Result;

/// Coefficients and constants on the device.
pub(super) struct Loaded {
    pub(super) constants: Bound,
    pub(super) coefs: Vec<Bound>,
    filters: Vec<Bound>,
}

impl<'p> Pass<'p> {
    /// Brings constants and coefficients to the device.
    pub(super) fn load(&self, forward: &Forward) -> Result<Loaded> {
        let single = |numbers: &[f64]| numbers.iter().map(|&x| x as f32).collect::<Vec<f32>>();
        let constants = Bound::from(&self.device.filled(&single(&forward.constants))?);
        let coef = |(x, coef): &(Array, Array<'static>)| {
            let mut coef = single(coef.as_numbers());
            if self.sweep.alone {
                coef.resize(x.stride(), 0.0);
            }
            Ok(Bound::from(&self.device.filled(&coef)?))
        };
        let coefs = forward.products.iter().map(coef).collect::<Result<_>>()?;
        let filters = self.filters(forward)?;
        Ok(Loaded { constants, coefs, filters })
    }

    /// Linear predictors of a run of rows into `out`.
    pub(super) fn forward(
        &mut self,
        span: &Span,
        forward: &Forward<'p>,
        loaded: &Loaded,
        out: &Bound,
    ) -> Result<()> {
        let mut stored = false;
        for ((x, _), coef) in forward.products.iter().zip(&loaded.coefs) {
            let x = self.view(x, span)?;
            if self.sweep.alone {
                for slice in slices(x.stride) {
                    let from = if stored { From::Stored } else { From::Constant(forward.constant()) };
                    let [idle, beside, sums] = &self.idle.clone();
                    let (coef, keep) = (Some(coef), true);
                    let what = Fused {
                        from,
                        coef,
                        keep,
                        point: None,
                        gradient: false,
                        eta: out,
                        beside,
                        sums,
                        idle,
                    };
                    self.fused(span, &what, &x, slice, 0)?;
                    stored = true;
                }
            } else {
                self.product(span, &x, (coef, &loaded.constants), stored, out, None)?;
                stored = true;
            }
        }
        stored |= self.convolutions(span, forward, &loaded.filters, stored, out)?;
        if !stored {
            self.constants(span, loaded, out)?;
        }
        Ok(())
    }

    /// Linear predictors without any product.
    fn constants(&mut self, span: &Span, loaded: &Loaded, out: &Bound) -> Result<()> {
        let nothing = self.idle[0].clone();
        let params = self.params(span, self.group_rows(0));
        let what = Product {
            x: nothing.clone(),
            n_columns: 0,
            stride: 4,
            coef: &nothing,
            constants: &loaded.constants,
            stored: false,
            out,
            tail: None,
            idle: &self.idle,
        };
        self.dispatches.push(matmul(self.device, &what, params)?);
        Ok(())
    }

    /// A product for several targets.
    pub(super) fn product(
        &mut self,
        span: &Span,
        x: &View,
        (coef, constants): (&Bound, &Bound),
        stored: bool,
        out: &Bound,
        tail: Option<(&Pointwise, &Responses, usize)>,
    ) -> Result<()> {
        let group_rows = self.group_rows(0);
        let mut params = x.own(self.params(span, group_rows));
        let mut sums = None;
        if let Some((_, _, partial)) = tail {
            let place = self.take(partial, span, group_rows);
            params.width = place.width;
            params.first_partial = place.first;
            sums = Some(place.sums);
        }
        let what = Product {
            x: x.rows.clone(),
            n_columns: x.n_columns,
            stride: x.stride,
            coef,
            constants,
            stored,
            out,
            tail: tail.zip(sums.as_ref()).map(|((point, responses, _), sums)| (point.model, responses, sums)),
            idle: &self.idle,
        };
        self.dispatches.push(matmul(self.device, &what, params)?);
        Ok(())
    }
}
