//! Kernels over stored row vectors: the pointwise stage, trial steps, how far a direction reaches.

use super::batch::{Bound, Dispatch, Params};
use super::device::Device;
use super::products::{Responses, TARGETS, response_constants};
use super::shader::{Access, Constants, Kernel, Shared};
use crate::Result;
use crate::backend::{Beside, Model};

pub(super) const POINTWISE: Kernel = Kernel {
    name: "pointwise",
    text: include_str!("../../../shaders/kernel/pointwise.wgsl"),
    shared: &[Shared::Rows, Shared::Numeric, Shared::Model, Shared::Response],
    bindings: &[Access::Write, Access::Read, Access::Read, Access::Write, Access::Write, Access::Read],
};

pub(super) const LOSS_CHANGES: Kernel = Kernel {
    name: "loss_changes",
    text: include_str!("../../../shaders/kernel/loss_changes.wgsl"),
    shared: &[Shared::Rows, Shared::Numeric, Shared::Model, Shared::Response],
    bindings: &[
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Write,
        Access::Read,
    ],
};

pub(super) const REACH: Kernel = Kernel {
    name: "reach",
    text: include_str!("../../../shaders/kernel/reach.wgsl"),
    shared: &[Shared::Rows, Shared::Response],
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Write, Access::Read],
};

/// Operations of a row and target in these kernels, about.
const FLOP: f64 = 60.0;

/// Targets side by side in a work group: one, or always as many, so that sums do not depend on companions.
pub(super) fn across(alone: bool) -> usize {
    if alone { 1 } else { TARGETS }
}

/// What these kernels are compiled for.
fn constants(alone: bool, responses: &Responses) -> Constants {
    let mut constants = response_constants(responses.stride, responses.is_bytes);
    constants.push(("ACROSS", across(alone) as u32));
    constants.push(("WEIGHTED", responses.weights.is_some().into()));
    constants.push(("W_STRIDE", responses.weights.as_ref().map_or(1, |(_, stride)| *stride as u32)));
    constants
}

impl Responses {
    /// The weights, or something to bind where there are none.
    pub(super) fn weights(&self) -> Bound {
        self.weights.as_ref().map_or(&self.columns, |(weights, _)| weights).clone()
    }
}

fn groups(alone: bool, params: &Params) -> [u32; 3] {
    [params.n.div_ceil(params.group_rows), params.n_targets.div_ceil(across(alone) as u32), 1]
}

fn flop(params: &Params) -> f64 {
    FLOP * f64::from(params.n) * f64::from(params.n_targets)
}

/// Residuals in place of linear predictors, losses and sums of residuals.
pub(super) fn pointwise(
    device: &Device,
    (model, beside): (Model, Beside),
    alone: bool,
    responses: &Responses,
    [eta, out, sums]: [&Bound; 3],
    params: Params,
) -> Result<Dispatch> {
    let mut constants = constants(alone, responses);
    let beside = match beside {
        Beside::Nothing => 0,
        Beside::Curvature => 1,
        Beside::Magnitude => 2,
        Beside::One => 3,
    };
    constants.push(("BESIDE", beside));
    let pipeline = device.pipeline(&POINTWISE, constants, Some(model))?;
    let (y, columns) = (responses.y.clone(), responses.columns.clone());
    let bound = vec![eta.clone(), y, columns, out.clone(), sums.clone(), responses.weights()];
    Ok(Dispatch { pipeline, params, bound, groups: groups(alone, &params), flop: flop(&params) })
}

/// Changes of the losses for a step of each target.
pub(super) fn loss_changes(
    device: &Device,
    model: Model,
    alone: bool,
    responses: &Responses,
    [eta, direction, steps, sums]: [&Bound; 4],
    params: Params,
) -> Result<Dispatch> {
    let pipeline = device.pipeline(&LOSS_CHANGES, constants(alone, responses), Some(model))?;
    let (y, columns) = (responses.y.clone(), responses.columns.clone());
    let (steps, sums) = (steps.clone(), sums.clone());
    let bound = vec![eta.clone(), direction.clone(), y, columns, steps, sums, responses.weights()];
    Ok(Dispatch { pipeline, params, bound, groups: groups(alone, &params), flop: flop(&params) })
}

/// How far a direction moves linear predictors: four numbers per group and target.
pub(super) fn reach(
    device: &Device,
    alone: bool,
    responses: &Responses,
    [direction, found]: [&Bound; 2],
    params: Params,
) -> Result<Dispatch> {
    let pipeline = device.pipeline(&REACH, constants(alone, responses), None)?;
    let (y, columns) = (responses.y.clone(), responses.columns.clone());
    let bound = vec![direction.clone(), y, columns, found.clone(), responses.weights()];
    Ok(Dispatch { pipeline, params, bound, groups: groups(alone, &params), flop: flop(&params) })
}
