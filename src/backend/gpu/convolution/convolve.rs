//! Channels of samples convolved with a filter each, added to the linear predictor of one target.

use super::signals::{Channels, Signals};
use super::{GROUPS_OF_X, Start, convolve_events, convolve_fft, groups};
use crate::Result;
use crate::backend::gpu::batch::{Bound, Dispatch, Params};
use crate::backend::gpu::device::Device;
use crate::backend::gpu::shader::{Access, Constants, Kernel, Shared};
use crate::backend::gpu::spans::Span;

pub(in crate::backend::gpu) const CONVOLVE: Kernel = Kernel {
    name: "convolve",
    text: include_str!("../../../../shaders/kernel/convolve.wgsl"),
    shared: &[Shared::Rows, Shared::Positions, Shared::Samples, Shared::Taps],
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Write],
};

/// Positions of a work group.
const POSITIONS: usize = 1024;

/// Sizes that it is compiled for.
pub(in crate::backend::gpu) fn constants(n_taps: usize, n_channels: usize) -> Constants {
    [("W", n_taps), ("CHANNELS", n_channels), ("GROUPS_OF_X", GROUPS_OF_X)]
        .map(|(name, value)| (name, value as u32))
        .to_vec()
}

/// Adds channels convolved with `filters` (one per channel, tap after tap, or its spectra) to the rows of a run, whatever the
/// channels are.
pub(in crate::backend::gpu) fn convolve(
    device: &Device,
    x: &Signals,
    span: &Span,
    filters: &Bound,
    (start, eta): (Start, &Bound),
    params: Params,
) -> Result<Dispatch> {
    let (chunk, mut params) = x.chunk(span, params)?;
    let samples = match &chunk.channels {
        Channels::Samples(samples) => {
            if let Some(twiddles) = x.twiddles() {
                let own = (chunk, samples, twiddles);
                return convolve_fft::convolve_fft(device, x, own, filters, (start, eta), params);
            }
            samples.clone()
        }
        Channels::Events { merged, before, most_seen, .. } => {
            let bound = [merged, before, filters, &chunk.row_at, eta].map(Bound::clone);
            return convolve_events::convolve_events(device, x, bound, (start, *most_seen), params);
        }
    };
    let mut constants = constants(x.n_taps(), x.n_channels());
    start.set(&mut constants, &mut params);
    let [x_groups, y_groups] = groups(&params, POSITIONS);
    let n = f64::from(params.end_position - params.first_position);
    Ok(Dispatch {
        pipeline: device.pipeline(&CONVOLVE, constants, None)?,
        params,
        bound: vec![samples, filters.clone(), chunk.row_at.clone(), eta.clone()],
        groups: [x_groups, y_groups, 1],
        flop: 2.0 * n * (x.n_channels() * x.n_taps()) as f64,
    })
}
