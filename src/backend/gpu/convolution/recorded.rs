//! Convolutions and correlations of a pass.

use super::convolve::convolve;
use super::convolve_fft::spectra;
use super::correlate::{correlate, correlate_rows};
use super::{Correlation, Signals, Start};
use crate::Result;
use crate::backend::Every;
use crate::backend::gpu::batch::{Bound, Params};
use crate::backend::gpu::pass::{Pass, Vectors};
use crate::backend::gpu::program::Forward;
use crate::backend::gpu::spans::Span;

impl Pass<'_> {
    /// Brings filters to the device.
    pub(in crate::backend::gpu) fn filters(&self, forward: &Forward) -> Result<Vec<Bound>> {
        let filters = forward.convolutions.iter().map(|(x, numbers)| {
            let taps = &numbers.as_numbers()[..x.n_channels() * x.n_taps()];
            if x.is_transformed() {
                let spectra = spectra(self.device, taps, x.n_taps())?;
                return Ok(Bound::from(&self.device.filled(&spectra)?));
            }
            let taps: Vec<f32> = taps.iter().map(|&tap| tap as f32).collect();
            Ok(Bound::from(&self.device.filled(&taps)?))
        });
        filters.collect()
    }

    /// Adds convolutions to the linear predictors of a run of rows, or begins them; whether there are any.
    pub(in crate::backend::gpu) fn convolutions(
        &mut self,
        span: &Span,
        forward: &Forward,
        filters: &[Bound],
        stored: bool,
        out: &Bound,
    ) -> Result<bool> {
        let mut start = if stored { Start::Stored } else { Start::Constant(forward.constant()) };
        for ((x, _), filters) in forward.convolutions.iter().zip(filters) {
            let params = self.params(span, self.lag_rows(x));
            self.dispatches.push(convolve(self.device, x, span, filters, (start, out), params)?);
            start = Start::Stored;
        }
        Ok(!forward.convolutions.is_empty())
    }

    /// Rows of a group that sums residuals over the lags of channels.
    pub(in crate::backend::gpu) fn lag_rows(&self, x: &Signals) -> usize {
        match self.sweep.every {
            Every(2..) => self.group_rows(0),
            _ => correlate_rows(self.sweep.n_rows, x).min(self.span_rows),
        }
    }

    /// Sums of the residuals over the lags of channels.
    pub(in crate::backend::gpu) fn correlate(
        &mut self,
        span: &Span,
        x: &Signals,
        vectors: &Vectors,
        partial: usize,
    ) -> Result<()> {
        let rows = self.lag_rows(x);
        let place = self.take(partial, span, rows);
        let params = Params { first_partial: place.first, width: place.width, ..self.params(span, rows) };
        let what = Correlation { residual: &vectors.eta, sums: &place.sums, adds: place.adds };
        self.dispatches.push(correlate(self.device, x, span, &what, params)?);
        Ok(())
    }
}
