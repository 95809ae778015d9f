//! Convolution of channels with functions of a window, and its adjoint.
//!
//! Spike trains are kept as events and pulled by the rows that they reach; analogue signals are summed directly or
//! through transforms of blocks. Each way has a kernel for writing features out and one for evaluating without them.

pub mod build_features;
pub mod convolve;
pub mod convolve_events;
pub mod convolve_fft;
mod copy_rows;
pub mod correlate_events;
pub mod cost;
pub mod events;
pub mod filters;
pub mod lags;
pub mod scale;
pub mod spectra;
pub mod transforms;
pub mod write_events;

#[cfg(test)]
mod test_signals;
