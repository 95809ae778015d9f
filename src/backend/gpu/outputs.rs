//! Which sums a pass forms, and where the numbers that come back belong.

use super::array::{Array, Width};
use super::convolution::Signals;
use super::fused::{SLICE, slices};
use super::partials::{Partials, Unpack};
use super::pass::Pass;
use super::products::{TARGETS, n_gram_tiles, side};
use super::program::Gram;
use crate::Result;
use crate::backend::Beside;

/// Where the sums of a pass are formed: places among its partial sums.
pub(super) struct Outputs {
    /// Of losses and residual totals; none where they come with the gradient because one kernel does it all.
    pub(super) losses: Option<usize>,
    /// Of each product with residuals; of several slices of columns the first.
    pub(super) backward: Vec<usize>,
    /// Of each correlation.
    pub(super) correlations: Vec<usize>,
    pub(super) gram: Option<OfGram>,
    /// Of Grams of pairs of predictors.
    pub(super) class_grams: Vec<OfGram>,
}

/// Those of a Gram.
pub(super) struct OfGram {
    /// Sums of weighted columns, the first slice.
    pub(super) columns: usize,
    /// Products of columns with one another.
    pub(super) products: usize,
}

impl Outputs {
    /// Makes room for the sums that a program asks for.
    pub(super) fn new(pass: &mut Pass) -> Result<Self> {
        let program = pass.program;
        let (backward, correlations, class_grams) = (Vec::new(), Vec::new(), Vec::new());
        let mut outputs = Self { losses: None, backward, correlations, gram: None, class_grams };
        if let (Some(point), Some(forward)) = (&program.pointwise, &program.eta) {
            let is_one = match (forward.products.as_slice(), program.backward.as_slice()) {
                ([(x, _)], [(same, _)]) => x.is(same) && x.stride() <= SLICE && pass.has_rows_of_y(x),
                ([], [(x, _)]) => x.stride() <= SLICE && pass.has_rows_of_y(x),
                _ => false,
            };
            let is_plain =
                point.weights.is_none() && matches!(point.beside, Beside::Nothing | Beside::Curvature);
            let is_dense = forward.convolutions.is_empty() && program.correlations.is_empty();
            let is_fused = pass.sweep.alone && is_one && is_plain && is_dense;
            if !is_fused {
                outputs.losses = Some(losses(pass)?);
            }
            for (x, sums) in &program.backward {
                let place = if pass.sweep.alone {
                    columns(pass, Width::of(x), Columns { losses: is_fused, first: 0, sums: *sums })?
                } else {
                    targets(pass, x, *sums)?
                };
                outputs.backward.push(place);
            }
            for (x, sums) in &program.correlations {
                outputs.correlations.push(lags(pass, x, *sums)?);
            }
        }
        if program.classes.is_some() {
            outputs.losses = Some(losses(pass)?);
            for (x, sums) in &program.backward {
                outputs.backward.push(targets(pass, x, *sums)?);
            }
        }
        if let Some(gram) = &program.gram {
            outputs.gram = Some(OfGram::new(pass, gram)?);
        }
        for (_, gram) in &program.class_grams {
            outputs.class_grams.push(OfGram::new(pass, gram)?);
        }
        Ok(outputs)
    }
}

impl OfGram {
    fn new(pass: &mut Pass, gram: &Gram) -> Result<Self> {
        let width = gram.width(pass.program);
        let columns = columns(pass, width, Columns { losses: false, first: 1, sums: gram.sums })?;
        Ok(Self { columns, products: products(pass, width, gram.sums)? })
    }
}

/// Where a Gram of so many rows begins among its sums: at the end, as on the CPU.
fn begin(sums: &[f64], p: usize) -> usize {
    sums.len().saturating_sub(p * p)
}

/// Losses and residual totals of every target; the place of their sums.
fn losses(pass: &mut Pass) -> Result<usize> {
    let n_targets = pass.sweep.targets.len();
    let groups = pass.groups(pass.group_rows(0));
    let unpack = move |total: &[f64], sums: &mut [Vec<f64>]| {
        for (sums, own) in sums.iter_mut().zip(total.chunks(n_targets)).take(2) {
            sums.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
        }
    };
    push(pass, &groups, 2 * n_targets, false, Box::new(unpack))
}

fn push(pass: &mut Pass, groups: &[usize], width: usize, may_add: bool, unpack: Unpack) -> Result<usize> {
    pass.partials.push(Partials::new(pass.device, groups, width, may_add, unpack)?);
    Ok(pass.partials.len() - 1)
}

/// What becomes of sums of columns.
#[derive(Clone, Copy)]
struct Columns {
    /// Whether loss and residual total come with them.
    losses: bool,
    /// The place of the first column; what is before it is the total of the weights.
    first: usize,
    sums: usize,
}

/// Sums of columns times a row vector, slice by slice; the place of the first.
fn columns(pass: &mut Pass, x: Width, what: Columns) -> Result<usize> {
    let first_place = pass.partials.len();
    let n_columns = x.n_columns;
    for (first, n) in slices(x.stride) {
        let groups = pass.groups(pass.group_rows(x.stride));
        let unpack = move |total: &[f64], sums: &mut [Vec<f64>]| {
            if what.losses {
                sums[0][0] += total[0];
                sums[1][0] += total[1];
            }
            let out = &mut sums[what.sums];
            let begin = if what.first == 1 { begin(out, 1 + n_columns) } else { 0 };
            let out = &mut out[begin..];
            if what.first == 1 && first == 0 {
                out[0] += total[1];
            }
            let out = out[what.first..].iter_mut().take(n_columns).skip(4 * first);
            out.zip(&total[4..]).for_each(|(sum, own)| *sum += own);
        };
        push(pass, &groups, 4 + 4 * n, false, Box::new(unpack))?;
    }
    Ok(first_place)
}

/// Products of the columns with the residuals of every target; their place.
fn targets(pass: &mut Pass, x: &Array, sums: usize) -> Result<usize> {
    let (n_targets, n_columns) = (pass.sweep.targets.len(), x.n_columns());
    let row = x.stride().next_multiple_of(side(x.stride()));
    let groups = pass.groups(pass.transposed_rows(x));
    let unpack = move |total: &[f64], all: &mut [Vec<f64>]| {
        for (out, own) in all[sums].chunks_mut(n_columns).zip(total.chunks(row)) {
            out.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
        }
    };
    push(pass, &groups, n_targets.next_multiple_of(TARGETS) * row, true, Box::new(unpack))
}

/// One sum per channel and lag; their place.
fn lags(pass: &mut Pass, x: &Signals, sums: usize) -> Result<usize> {
    let groups = pass.groups(pass.lag_rows(x));
    let unpack = move |total: &[f64], all: &mut [Vec<f64>]| {
        all[sums].iter_mut().zip(total).for_each(|(sum, own)| *sum += own);
    };
    push(pass, &groups, x.n_channels() * x.n_taps(), true, Box::new(unpack))
}

/// Products of the columns with one another: tiles of the lower triangle; their place.
fn products(pass: &mut Pass, x: Width, sums: usize) -> Result<usize> {
    let (p, side) = (1 + x.n_columns, side(x.stride));
    let n_tiles = n_gram_tiles(x.stride);
    let groups = pass.groups(pass.gram_rows(x.stride));
    let unpack = move |total: &[f64], all: &mut [Vec<f64>]| {
        let begin = begin(&all[sums], p);
        let out = &mut all[sums][begin..];
        let (mut row, mut column) = (0, 0);
        for tile in total.chunks(side * side) {
            for (k, own) in tile.iter().enumerate() {
                let (i, j) = (1 + row * side + k / side, 1 + column * side + k % side);
                if i < p && j <= i {
                    out[j * p + i] += own;
                }
            }
            column += 1;
            if column > row {
                (row, column) = (row + 1, 0);
            }
        }
    };
    push(pass, &groups, n_tiles * side * side, true, Box::new(unpack))
}
