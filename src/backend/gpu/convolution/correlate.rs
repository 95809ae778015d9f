//! The adjoint of the convolution of samples: one sum per channel and lag.

use super::convolve_fft::n_pieces;
use super::signals::{Channels, Signals};
use super::{Correlation, LAGS, TURN, convolve_fft, correlate_events};
use crate::Result;
use crate::backend::gpu::batch::{Bound, Dispatch, Params};
use crate::backend::gpu::device::Device;
use crate::backend::gpu::shader::{Access, Constants, Kernel, Shared};
use crate::backend::gpu::spans::Span;

pub(in crate::backend::gpu) const CORRELATE: Kernel = Kernel {
    name: "correlate",
    text: include_str!("../../../../shaders/kernel/correlate.wgsl"),
    shared: &[Shared::Rows, Shared::Positions, Shared::Samples],
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Read, Access::Write],
};

/// Groups that keep a device busy.
const BUSY: usize = 512;

/// Sizes that it is compiled for.
pub(in crate::backend::gpu) fn constants(n_taps: usize, adds: bool) -> Constants {
    vec![("W", n_taps as u32), ("ADD", adds.into())]
}

/// Rows of a group: many where there are channels and lags enough to keep the device busy.
pub(in crate::backend::gpu) fn correlate_rows(n_rows: usize, x: &Signals) -> usize {
    let pieces = if x.is_transformed() { n_pieces(x.n_taps()) } else { x.n_taps().div_ceil(LAGS) };
    let others = x.n_channels() * pieces;
    let n_groups = BUSY.div_ceil(others.max(1));
    n_rows.div_ceil(n_groups).next_power_of_two().clamp(1024, 8192)
}

/// Groups over the rows of a run, channels and lags.
pub(super) fn groups(params: &Params, x: &Signals) -> [u32; 3] {
    let rows = params.n.div_ceil(params.group_rows);
    [rows, x.n_channels() as u32, x.n_taps().div_ceil(LAGS) as u32]
}

/// Sums over the rows of a run, whatever the channels are; a set of sums has one per channel and lag, lags of a channel
/// together.
pub(in crate::backend::gpu) fn correlate(
    device: &Device,
    x: &Signals,
    span: &Span,
    what: &Correlation,
    params: Params,
) -> Result<Dispatch> {
    let (chunk, mut params) = x.chunk(span, params)?;
    params.turns = chunk.turns(&params, TURN);
    let samples = match &chunk.channels {
        Channels::Samples(samples) => {
            if let Some(twiddles) = x.twiddles() {
                let (own, constants) = ((chunk, samples, twiddles), constants(x.n_taps(), what.adds));
                return convolve_fft::correlate_fft(device, x, own, what, constants, params);
            }
            samples
        }
        Channels::Events { single, single_before, .. } => {
            let bound = [single, single_before, &chunk.place, &chunk.row_at, what.residual, what.sums];
            return correlate_events::correlate_events(device, x, bound.map(Bound::clone), what.adds, params);
        }
    };
    let bound = [samples, &chunk.place, &chunk.row_at, what.residual, what.sums];
    let n = f64::from(params.end_position - params.first_position);
    Ok(Dispatch {
        pipeline: device.pipeline(&CORRELATE, constants(x.n_taps(), what.adds), None)?,
        params,
        bound: bound.map(Bound::clone).to_vec(),
        groups: groups(&params, x),
        flop: 2.0 * n * (x.n_channels() * x.n_taps()) as f64,
    })
}
