//! Rows of several matrices side by side, for products of all columns with one another.

use super::batch::{Bound, Dispatch, Params};
use super::device::Device;
use super::shader::{Access, Constants, Kernel, Shared};
use crate::Result;

pub(super) const COPY_ROWS: Kernel = Kernel {
    name: "copy_rows",
    text: include_str!("../../../shaders/kernel/copy_rows.wgsl"),
    shared: &[Shared::Rows],
    bindings: &[Access::Read, Access::Write],
};

/// Sizes that it is compiled for: columns, and words of a row of both.
pub(super) fn constants(n_columns: usize, x_stride: usize, stride: usize) -> Constants {
    [("P", n_columns), ("X_STRIDE", x_stride), ("STRIDE", stride)]
        .map(|(name, value)| (name, value as u32))
        .to_vec()
}

/// Copies the rows of a run into `design`, from column `params.first_column` on.
pub(super) fn copy_rows(
    device: &Device,
    x: Bound,
    (n_columns, x_stride, stride): (usize, usize, usize),
    design: &Bound,
    params: Params,
) -> Result<Dispatch> {
    let pipeline = device.pipeline(&COPY_ROWS, constants(n_columns, x_stride, stride), None)?;
    let groups = [params.n.div_ceil(params.group_rows), 1, 1];
    let flop = f64::from(params.n) * n_columns as f64;
    Ok(Dispatch { pipeline, params, bound: vec![x, design.clone()], groups, flop })
}
