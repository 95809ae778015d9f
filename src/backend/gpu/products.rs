//! Products: several targets with the design, the rate in the tail, and Gram matrices.

use super::array::Array;
use super::batch::{Bound, Dispatch, Params};
use super::device::Device;
use super::shader::{Access, Constants, Kernel, Shared};
use super::spans::Span;
use crate::Result;
use crate::backend::{Cast, Model};

pub(super) const MATMUL: Kernel = Kernel {
    name: "matmul",
    text: include_str!("../../../shaders/kernel/matmul.wgsl"),
    shared: &[Shared::Rows, Shared::Numeric, Shared::Model, Shared::Response],
    bindings: &[
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Write,
        Access::Write,
    ],
};

pub(super) const MATMUL_TRANSPOSED: Kernel = Kernel {
    name: "matmul_transposed",
    text: include_str!("../../../shaders/kernel/matmul_transposed.wgsl"),
    shared: &[Shared::Rows, Shared::Products],
    bindings: &[Access::Read, Access::Read, Access::Write],
};

pub(super) const WEIGHTED_GRAM: Kernel = Kernel {
    name: "weighted_gram",
    text: include_str!("../../../shaders/kernel/weighted_gram.wgsl"),
    shared: &[Shared::Rows, Shared::Products],
    bindings: &[Access::Read, Access::Read, Access::Write],
};

/// Rows whose products are added up before they join the others.
const FLUSH: usize = 256;
/// Numbers of both matrices in the memory of a group.
const IN_MEMORY: usize = 2048;
/// Work groups that keep a large device busy.
const BUSY: usize = 2048;
/// Sets of sums times columns at most.
const MOST_SUMS: usize = 1 << 16;

/// Targets that a work group takes: always as many, so that the sums of one target are formed in the same order however many
/// others there are.
pub(super) const TARGETS: usize = 16;
/// Rows that a work group takes at a time where 256 invocations have 4 x 4 products each.
const ROWS: usize = 64 * 64 / TARGETS;

/// The side of a tile of products of so many columns.
pub(super) fn side(n: usize) -> usize {
    n.next_power_of_two().clamp(8, 64)
}

/// Rows of a work group that sums products of so many tiles of columns: as many groups as keep a large device busy, and each of
/// them at least 1024 rows.
pub(super) fn product_rows(n_rows: usize, n_tiles: usize, span_rows: usize) -> usize {
    let n_groups = (BUSY / n_tiles.max(1)).min(MOST_SUMS / 64 / n_tiles.max(1)).max(1);
    n_rows.div_ceil(n_groups).next_power_of_two().clamp(1024, 1 << 16).min(span_rows)
}

/// Sizes that sums of products are compiled for.
fn product_constants(left: usize, right: usize) -> Constants {
    let step = (IN_MEMORY / (left + right)).max(1);
    [("LEFT", left), ("RIGHT", right), ("STEP", 1 << step.ilog2()), ("FLUSH", FLUSH)]
        .map(|(name, value)| (name, value as u32))
        .to_vec()
}

/// Sizes that products with coefficients are compiled for.
pub(super) fn matmul_constants(n_columns: usize, p4: usize) -> Constants {
    [("P", n_columns), ("P4", p4), ("TARGETS", TARGETS), ("ROWS", ROWS), ("STEP", 8)]
        .map(|(name, value)| (name, value as u32))
        .to_vec()
}

/// Sizes that a product with residuals is compiled for.
pub(super) fn transposed_constants(p4: usize) -> Constants {
    let right = side(4 * p4);
    let mut constants = product_constants(TARGETS, right);
    constants.extend([("P4", p4 as u32), ("N_TILES", (4 * p4).div_ceil(right) as u32)]);
    constants
}

/// Sizes that a Gram matrix is compiled for.
pub(super) fn gram_constants(p4: usize, weighted: bool) -> Constants {
    let side = side(4 * p4);
    let mut constants = product_constants(side, side);
    let tiles = n_gram_tiles(4 * p4);
    constants.extend([("P4", p4 as u32), ("N_TILES", tiles as u32), ("WEIGHTED", weighted.into())]);
    constants
}

/// Tiles of the lower triangle of the Gram of so many columns.
pub(super) fn n_gram_tiles(n_columns: usize) -> usize {
    let n = n_columns.div_ceil(side(n_columns));
    n * (n + 1) / 2
}

/// How responses lie, for kernels that see several targets.
pub(super) fn response_constants(y_stride: usize, is_bytes: bool) -> Constants {
    vec![("Y_STRIDE", y_stride as u32), ("BYTES", is_bytes.into())]
}

/// Responses, the columns of them that take part, and what their rows count for.
#[derive(Clone, Debug)]
pub(super) struct Responses {
    pub(super) y: Bound,
    pub(super) stride: usize,
    pub(super) is_bytes: bool,
    /// Those of the targets, then the columns of their weights.
    pub(super) columns: Bound,
    /// Weights and the words of a row of them.
    pub(super) weights: Option<(Bound, usize)>,
}

/// Columns of responses, then those of weights, of these targets.
pub(super) fn columns(targets: &[usize], cast: Cast) -> Vec<u32> {
    let responses = targets.iter().map(|&target| cast.response(target) as u32);
    responses.chain(targets.iter().map(|&target| cast.part(target) as u32)).collect()
}

/// The weights of a run of rows.
pub(super) fn weighed(weights: &Array, span: &Span) -> Result<(Bound, usize)> {
    Ok((weights.window(&span.rows)?, weights.stride()))
}

/// What a product with coefficients starts from and becomes.
#[derive(Clone, Debug)]
pub(super) struct Product<'a> {
    pub(super) x: Bound,
    pub(super) n_columns: usize,
    pub(super) stride: usize,
    pub(super) coef: &'a Bound,
    pub(super) constants: &'a Bound,
    /// Whether it is added to what `out` holds.
    pub(super) stored: bool,
    pub(super) out: &'a Bound,
    /// The model, responses and sums, if residuals are wanted.
    pub(super) tail: Option<(Model, &'a Responses, &'a Bound)>,
    /// What stands for buffers that are not used.
    pub(super) idle: &'a [Bound; 3],
}

/// `X·B` for one run of rows. `params` says which rows and targets.
pub(super) fn matmul(device: &Device, what: &Product, params: Params) -> Result<Dispatch> {
    let n_targets = params.n_targets as usize;
    let mut constants = matmul_constants(what.n_columns, what.stride / 4);
    let model = what.tail.map_or(Model::default(), |(model, ..)| model);
    constants.extend([("START", what.stored.into()), ("TAIL", what.tail.is_some().into())]);
    let [idle, _, written] = what.idle;
    let (y, columns, sums, layout) = match what.tail {
        Some((_, own, sums)) => {
            (own.y.clone(), own.columns.clone(), sums.clone(), response_constants(own.stride, own.is_bytes))
        }
        None => (idle.clone(), idle.clone(), written.clone(), response_constants(1, false)),
    };
    constants.extend(layout);
    let pipeline = device.pipeline(&MATMUL, constants, Some(model))?;
    let bound =
        vec![what.x.clone(), what.coef.clone(), what.constants.clone(), y, columns, what.out.clone(), sums];
    let groups = [n_targets.div_ceil(TARGETS) as u32, params.n.div_ceil(params.group_rows), 1];
    let flop = f64::from(params.n) * 2.0 * (what.n_columns * n_targets) as f64;
    Ok(Dispatch { pipeline, params, bound, groups, flop })
}

/// `Xᵀ·R` for one run of rows: of each group, the sums of all targets.
pub(super) fn matmul_transposed(
    device: &Device,
    x: Bound,
    stride: usize,
    [residual, sums]: [&Bound; 2],
    adds: bool,
    params: Params,
) -> Result<Dispatch> {
    let p4 = stride / 4;
    let mut constants = transposed_constants(p4);
    constants.push(("ADD", adds.into()));
    let n_tiles = (4 * p4).div_ceil(side(4 * p4)) as u32;
    let pipeline = device.pipeline(&MATMUL_TRANSPOSED, constants, None)?;
    let bound = vec![x, residual.clone(), sums.clone()];
    let n_rows = params.n.div_ceil(params.group_rows);
    let groups = [n_rows, n_tiles, params.width / TARGETS as u32];
    let flop = f64::from(params.n) * 2.0 * stride as f64 * f64::from(params.width);
    Ok(Dispatch { pipeline, params, bound, groups, flop })
}

/// `Xᵀ·diag(w)·X` for one run of rows.
pub(super) fn weighted_gram(
    device: &Device,
    x: Bound,
    stride: usize,
    [weight, sums]: [&Bound; 2],
    (weighted, adds): (bool, bool),
    params: Params,
) -> Result<Dispatch> {
    let (side, tiles) = (side(stride), n_gram_tiles(stride));
    let mut constants = gram_constants(stride / 4, weighted);
    constants.push(("ADD", adds.into()));
    let pipeline = device.pipeline(&WEIGHTED_GRAM, constants, None)?;
    let bound = vec![x, weight.clone(), sums.clone()];
    let groups = [params.n.div_ceil(params.group_rows), tiles as u32, 1];
    let flop = f64::from(params.n) * 2.0 * (tiles * side * side) as f64;
    Ok(Dispatch { pipeline, params, bound, groups, flop })
}
