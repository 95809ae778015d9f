//! Columns of a recording's features, bin by bin, with a loop over lags.

use std::ops::Range;

use ndarray::Array2;

use crate::basis::{Basis, Expand, Scale};
use crate::features::{Channel, Expansion, StudyFeature, Window};
use crate::time::BinGrid;
use crate::{Error, Result};

/// One feature: the functions of its terms, and their channels.
#[derive(Clone, Debug)]
pub struct PlainFeature {
    terms: Vec<Term>,
    /// Rows of each epoch.
    epochs: Vec<Range<usize>>,
    n_functions: usize,
    n_channels: usize,
}

#[derive(Clone, Debug)]
struct Term {
    /// Values of each channel, bin by bin, times the factor that was typed.
    channels: Vec<Vec<f64>>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// The values as they are.
    Plain,
    /// A basis at the values; outside its range it is what fills it, or unknown.
    Evaluated { basis: Basis, scales: Vec<Scale>, fill: Option<f64> },
    /// Functions of lags, shape (lags, functions); the window that begins at bin m belongs to row `m + offset`.
    Convolved { kernel: Array2<f64>, offset: isize },
}

impl PlainFeature {
    /// A feature on a grid, from the channels of each of its terms, which are not scaled yet. Ranges are those that the feature
    /// remembers.
    ///
    /// # Errors
    /// [`Error::Length`] for another number of terms or channels; those of [`Window::from_duration`] and of a basis.
    pub fn new(feature: &StudyFeature, grid: &BinGrid, channels: Vec<Vec<Channel>>) -> Result<Self> {
        let n_channels = channels.first().map_or(0, Vec::len);
        let specs: Vec<_> = feature.spec.terms().collect();
        let what = format!("channels of {}", feature.name);
        if specs.len() != channels.len() || channels.iter().any(|own| own.len() != n_channels) {
            return Err(Error::Length { what, expected: specs.len(), found: channels.len() });
        }
        let mut terms = Vec::with_capacity(specs.len());
        for (spec, own) in specs.into_iter().zip(channels) {
            let scale_of = |channel: &Channel| {
                feature.ranges.get(&channel.label).cloned().unwrap_or_else(Scale::unbounded)
            };
            let kind = match &spec.expansion {
                Expansion::Plain => Kind::Plain,
                Expansion::Evaluated { basis, fill, .. } => Kind::Evaluated {
                    basis: basis.clone(),
                    scales: own.iter().map(scale_of).collect(),
                    fill: *fill,
                },
                Expansion::Convolved { basis, window_s, causality, include_present } => {
                    let window = Window::from_duration(*window_s, grid.bin_s())?.n_bins();
                    let offset = causality.offset(*include_present, window)?;
                    Kind::Convolved { kernel: basis.kernel(window)?, offset }
                }
            };
            let scaled = |channel: Channel| channel.values.iter().map(|x| x * spec.scale).collect();
            terms.push(Term { channels: own.into_iter().map(scaled).collect(), kind });
        }
        let epochs = grid.segments().iter().map(|segment| segment.rows.clone()).collect();
        let n_functions = terms.iter().map(Term::n_functions).product();
        Ok(Self { terms, epochs, n_functions, n_channels })
    }

    /// Columns: all functions of the first channel, then those of the second and so on.
    pub fn n_columns(&self) -> usize {
        self.n_channels * self.n_functions
    }

    /// Functions of each channel.
    pub fn n_functions(&self) -> usize {
        self.n_functions
    }

    /// Writes the functions of one channel in a bin, those of the last term running fastest; NaN where they are unknown, or the window
    /// leaves the epoch.
    ///
    /// # Errors
    /// If a basis has no values.
    pub fn write(&self, bin: usize, channel: usize, out: &mut [f64]) -> Result<()> {
        let epoch = self.epochs.partition_point(|rows| rows.end <= bin);
        let epoch = self.epochs.get(epoch).cloned().unwrap_or(0..0);
        let mut products = vec![1.0];
        for term in &self.terms {
            let own = term.functions(bin, channel, &epoch)?;
            products = products.iter().flat_map(|a| own.iter().map(move |b| a * b)).collect();
        }
        out.iter_mut().zip(products).for_each(|(out, value)| *out = value);
        Ok(())
    }
}

impl Term {
    fn n_functions(&self) -> usize {
        match &self.kind {
            Kind::Plain => 1,
            Kind::Evaluated { basis, .. } => basis.n_functions(),
            Kind::Convolved { kernel, .. } => kernel.ncols(),
        }
    }

    fn functions(&self, bin: usize, channel: usize, epoch: &Range<usize>) -> Result<Vec<f64>> {
        match &self.kind {
            Kind::Plain => Ok(vec![self.channels[channel][bin]]),
            Kind::Evaluated { basis, scales, fill } => {
                let x = self.channels[channel][bin];
                let mut channels = self.channels.iter().zip(scales);
                // one channel outside its range takes all of them there
                if channels.any(|(values, scale)| basis.domain().is_outside(scale, values[bin])) {
                    let value = if x.is_nan() { f64::NAN } else { fill.unwrap_or(f64::NAN) };
                    return Ok(vec![value; basis.n_functions()]);
                }
                let mut values = Array2::zeros((1, basis.n_functions()));
                basis.evaluate(&scales[channel], &[x], &mut values)?;
                Ok(values.into_iter().collect())
            }
            Kind::Convolved { kernel, offset } => {
                let (n_lags, n_functions) = kernel.dim();
                let first = bin as isize - offset;
                let is_inside =
                    first >= epoch.start as isize && first + n_lags as isize <= epoch.end as isize;
                if !is_inside {
                    return Ok(vec![f64::NAN; n_functions]);
                }
                let last = first as usize + n_lags - 1;
                let mut out = vec![0.0; n_functions];
                for (i, out) in out.iter_mut().enumerate() {
                    for k in 0..n_lags {
                        *out += kernel[(k, i)] * self.channels[channel][last - k];
                    }
                }
                Ok(out)
            }
        }
    }
}
