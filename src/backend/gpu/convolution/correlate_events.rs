//! The adjoint of the convolution of events: one sum per channel and lag.

use super::correlate::{constants, groups};
use super::signals::Signals;
use crate::Result;
use crate::backend::gpu::batch::{Bound, Dispatch, Params};
use crate::backend::gpu::device::Device;
use crate::backend::gpu::shader::{Access, Kernel, Shared};

pub(in crate::backend::gpu) const CORRELATE_EVENTS: Kernel = Kernel {
    name: "correlate_events",
    text: include_str!("../../../../shaders/kernel/correlate_events.wgsl"),
    shared: &[Shared::Rows, Shared::Positions],
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Read, Access::Read, Access::Write],
};

/// The dispatch for the rows of a run; `bound` in the order of the kernel. `params` says which positions.
pub(super) fn correlate_events(
    device: &Device,
    x: &Signals,
    bound: [Bound; 6],
    adds: bool,
    params: Params,
) -> Result<Dispatch> {
    let n = f64::from(params.end_position - params.first_position);
    Ok(Dispatch {
        pipeline: device.pipeline(&CORRELATE_EVENTS, constants(x.n_taps(), adds), None)?,
        params,
        bound: bound.to_vec(),
        groups: groups(&params, x),
        // one bin of eight has an event, at most
        flop: n * (x.n_channels() * x.n_taps()) as f64 / 4.0,
    })
}
