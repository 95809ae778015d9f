//! Channels of events convolved with a filter each, added to the linear predictor of one target.

use super::signals::Signals;
use super::{GROUPS_OF_X, Start, groups};
use crate::Result;
use crate::backend::gpu::batch::{Bound, Dispatch, Params};
use crate::backend::gpu::device::Device;
use crate::backend::gpu::shader::{Access, Constants, Kernel, Shared};

pub(in crate::backend::gpu) const CONVOLVE_EVENTS: Kernel = Kernel {
    name: "convolve_events",
    text: include_str!("../../../../shaders/kernel/convolve_events.wgsl"),
    shared: &[Shared::Rows, Shared::Positions],
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Read, Access::Write],
};

/// Positions of a work group.
const POSITIONS: usize = 256;
/// Events that it takes a turn.
const EVENTS: usize = 256;

/// Sizes that it is compiled for.
pub(in crate::backend::gpu) fn constants(n_taps: usize) -> Constants {
    vec![("W", n_taps as u32), ("GROUPS_OF_X", GROUPS_OF_X as u32)]
}

/// The dispatch for the rows of a run; `bound` in the order of the kernel. `params` says which positions; no group of them sees
/// more than `most_seen` events.
pub(super) fn convolve_events(
    device: &Device,
    x: &Signals,
    bound: [Bound; 5],
    (start, most_seen): (Start, usize),
    mut params: Params,
) -> Result<Dispatch> {
    let mut constants = constants(x.n_taps());
    start.set(&mut constants, &mut params);
    params.turns = most_seen.div_ceil(EVENTS) as u32;
    let [x_groups, y_groups] = groups(&params, POSITIONS);
    let n = f64::from(params.end_position - params.first_position);
    // one bin of eight has an event, at most
    let flop = n * (x.n_channels() * x.n_taps()) as f64 / 4.0;
    let pipeline = device.pipeline(&CONVOLVE_EVENTS, constants, None)?;
    Ok(Dispatch { pipeline, params, bound: bound.to_vec(), groups: [x_groups, y_groups, 1], flop })
}
