//! Linear predictors of columns, for any rows, without a matrix of the backend.

use std::ops::Range;
use std::sync::Arc;

use super::Values;
use super::convolution::Convolved;
use super::course::Course;
use crate::backend::cpu::TILE_ROWS;
use crate::backend::cpu::convolution::convolve::convolve;
use crate::backend::cpu::convolution::convolve_events::convolve_events;
use crate::backend::cpu::convolution::events::EventChannels;
use crate::backend::cpu::convolution::filters::Filters;
use crate::backend::cpu::simd::Level;

/// `sum_j x_ij w_j` of some columns.
pub enum Product<'a> {
    /// Values that lie somewhere or are evaluated, and their weights.
    Rows(Values<'a>, Vec<f64>),
    /// Channels with one filter each.
    Convolved(Box<ConvolvedProduct<'a>>),
}

/// Channels with one filter each, in `f64`.
pub struct ConvolvedProduct<'a> {
    x: Convolved<'a>,
    level: Level,
    events: Option<Arc<EventChannels>>,
    /// Of all channels.
    filters: Filters<f64>,
    /// Of each channel of samples.
    samples: Vec<(&'a [f64], Filters<f64>)>,
}

impl<'a> Product<'a> {
    /// The product of these columns with `weights`, one per column.
    pub fn new(x: Values<'a>, weights: &[f64]) -> Self {
        match x {
            Values::Convolved(x) => Self::Convolved(Box::new(ConvolvedProduct::new(x, weights))),
            x => Self::Rows(x, weights.to_vec()),
        }
    }

    /// Adds the product of neighbouring rows to `eta`; NaN where a value is.
    ///
    /// # Panics
    /// If there are no such rows.
    pub fn add(&self, rows: Range<usize>, eta: &mut [f64]) {
        match self {
            Self::Rows(Values::Evaluated(x), weights) => x.add_product(rows, weights, eta),
            Self::Rows(x, weights) => {
                rows.zip(eta).for_each(|(row, eta)| *eta += x.product_of(row, weights));
            }
            Self::Convolved(product) => product.add(&rows, eta),
        }
    }
}

impl<'a> ConvolvedProduct<'a> {
    fn new(x: Convolved<'a>, weights: &[f64]) -> Self {
        let lags = x.lags();
        let taps = x.filters(weights);
        let channels = x.channels().iter().zip(taps.chunks(lags.window_bins));
        let samples = channels.filter_map(|(course, taps)| match course {
            Course::Samples(values) => Some((values.as_slice(), Filters::new(lags, taps))),
            Course::Events(_) => None,
        });
        Self {
            x,
            level: Level::best(),
            events: x.event_channels(),
            samples: samples.collect(),
            filters: Filters::new(lags, &taps),
        }
    }

    fn add(&self, rows: &Range<usize>, eta: &mut [f64]) {
        // what is not complete stays unknown
        let mut known = rows.start;
        for complete in self.x.complete_near(rows) {
            let part = complete.start.max(rows.start)..complete.end.min(rows.end);
            eta[known - rows.start..part.start - rows.start].fill(f64::NAN);
            known = part.end;
            let eta = &mut eta[part.start - rows.start..part.end - rows.start];
            if let Some(events) = &self.events {
                convolve_events(self.level, events, self.filters.padded(), part.start, eta);
            }
            self.add_samples(part.start, eta);
        }
        eta[known - rows.start..].fill(f64::NAN);
        for unknown in self.x.unknown_near(rows) {
            let part = unknown.start.max(rows.start)..unknown.end.min(rows.end);
            eta[part.start - rows.start..part.end - rows.start].fill(f64::NAN);
        }
    }

    /// Adds the channels of samples to the complete rows from `first` on.
    fn add_samples(&self, first: usize, eta: &mut [f64]) {
        let mut column = [0.0; TILE_ROWS];
        for (x, filter) in &self.samples {
            for (tile, eta) in eta.chunks_mut(TILE_ROWS).enumerate() {
                let row = first + tile * TILE_ROWS;
                let x = &x[self.x.lags().bins(&(row..row + eta.len()))];
                convolve(self.level, x, filter, &mut column, 0);
                eta.iter_mut().zip(&column).for_each(|(eta, value)| *eta += value);
            }
        }
    }
}
