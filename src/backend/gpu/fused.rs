//! One target: linear predictor, loss, residual and gradient, each row read once.
//!
//! Few columns stay in registers; up to [`SLICE`] go through the memory of the work group in tiles; more of them are taken
//! slice by slice, with the linear predictor kept between, so that the design is read twice.

use super::batch::{Bound, Dispatch, Params};
use super::device::Device;
use super::shader::{Access, Constants, Kernel, Shared};
use crate::Result;
use crate::backend::{Every, Model};

pub(super) const FUSED: Kernel = Kernel {
    name: "fused",
    text: include_str!("../../../shaders/kernel/fused.wgsl"),
    shared: &[Shared::Rows, Shared::Numeric, Shared::Model],
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Write, Access::Write, Access::Write],
};

pub(super) const FUSED_SMALL: Kernel = Kernel {
    name: "fused_small",
    text: include_str!("../../../shaders/kernel/fused_small.wgsl"),
    shared: &[Shared::Rows, Shared::Numeric, Shared::Model],
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Write, Access::Write],
};

/// Columns that are taken together.
pub(super) const SLICE: usize = 1024;
/// Columns that stay in registers.
const IN_REGISTERS: usize = 32;

/// Where the linear predictor begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum From {
    /// At a constant.
    Constant(f64),
    /// At what is stored.
    Stored,
    /// At 1.
    One,
}

/// What is done with a row, and with what.
#[derive(Clone, Debug)]
pub(super) struct Fused<'a> {
    pub(super) from: From,
    /// Coefficients, padded to whole vectors.
    pub(super) coef: Option<&'a Bound>,
    /// Whether the linear predictor is stored.
    pub(super) keep: bool,
    /// The model, responses and whether curvatures are stored, if residuals are wanted.
    pub(super) point: Option<(Model, Bound, bool)>,
    pub(super) gradient: bool,
    pub(super) eta: &'a Bound,
    pub(super) beside: &'a Bound,
    pub(super) sums: &'a Bound,
    /// What stands for buffers that are read and not there.
    pub(super) idle: &'a Bound,
}

impl Device {
    /// Rows of a work group: few enough for short sums.
    pub(super) fn group_rows(&self, n_rows: usize, n_columns: usize, every: Every) -> usize {
        match (every, n_rows > 1 << 20) {
            (Every(2..), _) => 256,
            (_, true) if n_columns <= 256 => self.variant.group_rows.unwrap_or(4096),
            _ => self.variant.group_rows.unwrap_or(1024),
        }
    }
}

/// The columns of a matrix of rows of so many words, slice by slice, in vectors of 4: first and number.
pub(super) fn slices(stride: usize) -> impl Iterator<Item = (usize, usize)> {
    let all = stride / 4;
    (0..all).step_by(SLICE / 4).map(move |first| (first, (all - first).min(SLICE / 4)))
}

/// Sizes that the kernel for tiles of so many bytes is compiled for.
pub(super) fn tile_constants(p4: usize, stride4: usize, tile_bytes: usize) -> Constants {
    let fits = tile_bytes / (16 * p4);
    let tile = (1 << fits.max(1).ilog2()).min(32);
    [("P4", p4), ("STRIDE4", stride4), ("TILE", tile), ("SPACE", (tile * p4).max(256)), ("GROUPS", 256 / p4)]
        .map(|(name, value)| (name, value as u32))
        .to_vec()
}

/// The dispatch for one run of rows and one slice of columns. `params` says which rows.
pub(super) fn fused(
    device: &Device,
    what: &Fused,
    x: Bound,
    stride: usize,
    (first, p4): (usize, usize),
    params: Params,
) -> Result<Dispatch> {
    let groups = [params.n.div_ceil(params.group_rows), 1, 1];
    let flop = f64::from(params.n) * 16.0 * p4 as f64;
    let intercept = if let From::Constant(constant) = what.from { constant } else { 0.0 };
    let params = Params { intercept: intercept as f32, first_column: first as u32, ..params };
    let model = what.point.as_ref().map(|(model, ..)| *model);
    let y = what.point.as_ref().map_or(what.idle, |(_, y, _)| y).clone();
    let coef = what.coef.unwrap_or(what.idle).clone();
    let curvature = u32::from(what.point.as_ref().is_some_and(|(_, _, curvature)| *curvature));
    let is_whole = what.gradient && model.is_some() && what.coef.is_some() && !what.keep && p4 * 4 == stride;
    if is_whole && matches!(what.from, From::Constant(_)) && stride <= IN_REGISTERS {
        let constants = vec![("P4", p4 as u32), ("CURVATURE", curvature)];
        let pipeline = device.pipeline(&FUSED_SMALL, constants, model)?;
        let bound = vec![x, y, coef, what.beside.clone(), what.sums.clone()];
        return Ok(Dispatch { pipeline, params, bound, groups, flop });
    }
    let start = match what.from {
        From::Constant(_) => 0,
        From::Stored => 1,
        From::One => 2,
    };
    let mut constants = tile_constants(p4, stride / 4, device.variant.tile_bytes);
    constants.extend([
        ("START", start),
        ("PREDICT", u32::from(what.coef.is_some())),
        ("KEEP", u32::from(what.keep)),
        ("POINT", u32::from(model.is_some())),
        ("CURVATURE", curvature),
        ("GRADIENT", u32::from(what.gradient)),
    ]);
    let pipeline = device.pipeline(&FUSED, constants, Some(model.unwrap_or_default()))?;
    let bound = vec![x, y, coef, what.eta.clone(), what.beside.clone(), what.sums.clone()];
    Ok(Dispatch { pipeline, params, bound, groups, flop })
}
