//! Kernels of responses that are one of several classes.

use super::Gpu;
use super::array::Array;
use super::batch::{Bound, Dispatch, Params, Wanted, bytes};
use super::device::Device;
use super::line::{GROUP_ROWS, Line};
use super::partials::Partials;
use super::pass::{Pass, Vectors};
use super::products::{Responses, response_constants};
use super::program::{PointwiseClasses, Program};
use super::shader::{Access, Constants, Kernel, Shared};
use super::spans::Span;
use crate::Result;
use crate::backend::{Beside, Classes, Observed, Reach};
use crate::math::contrasts::Contrasts;
use std::ops::Range;

pub(super) const POINTWISE_CLASSES: Kernel = Kernel {
    name: "pointwise_classes",
    text: include_str!("../../../shaders/kernel/pointwise_classes.wgsl"),
    shared: &[Shared::Rows, Shared::Numeric, Shared::Response],
    bindings: &[
        Access::Write,
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Write,
        Access::Write,
        Access::Write,
        Access::Read,
    ],
};

pub(super) const CLASS_WEIGHTS: Kernel = Kernel {
    name: "class_weights",
    text: include_str!("../../../shaders/kernel/class_weights.wgsl"),
    shared: &[Shared::Rows],
    bindings: &[Access::Read, Access::Read, Access::Write, Access::Read],
};

pub(super) const CLASS_CHANGES: Kernel = Kernel {
    name: "class_changes",
    text: include_str!("../../../shaders/kernel/class_changes.wgsl"),
    shared: &[Shared::Rows, Shared::Numeric, Shared::Response],
    bindings: &[
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Write,
        Access::Read,
    ],
};

pub(super) const CLASS_REACH: Kernel = Kernel {
    name: "class_reach",
    text: include_str!("../../../shaders/kernel/class_reach.wgsl"),
    shared: &[Shared::Rows, Shared::Response],
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Read, Access::Write],
};

/// Operations of a row and class, about.
const FLOP: f64 = 60.0;

/// What these kernels are compiled for.
pub(super) fn constants(mut of_response: Constants, n_classes: usize, n_free: usize) -> Constants {
    of_response.push(("N_CLASSES", n_classes as u32));
    of_response.push(("N_FREE", n_free as u32));
    of_response.push(("N_SUMS", 1 + n_free as u32));
    of_response
}

fn of(responses: &Responses, contrasts: &Contrasts) -> Constants {
    let of_response = response_constants(responses.stride, responses.is_bytes);
    constants(of_response, contrasts.n_classes(), contrasts.n_free())
}

/// What kernels that weigh rows are compiled for.
fn weighted(responses: &Responses, contrasts: &Contrasts) -> Constants {
    let mut constants = of(responses, contrasts);
    constants.push(("WEIGHTED", responses.weights.is_some().into()));
    constants
}

fn factors(device: &Device, contrasts: &Contrasts) -> Result<Bound> {
    let factors: Vec<f32> = contrasts.factors().iter().map(|&factor| factor as f32).collect();
    Ok(Bound::from(&device.filled(&factors)?))
}

fn dispatch(
    device: &Device,
    kernel: &Kernel,
    constants: Constants,
    bound: Vec<Bound>,
    params: Params,
) -> Result<Dispatch> {
    Ok(Dispatch {
        pipeline: device.pipeline(kernel, constants, None)?,
        params,
        bound,
        groups: [params.n.div_ceil(params.group_rows), 1, 1],
        flop: FLOP * f64::from(params.n) * f64::from(params.n_targets + 1),
    })
}

impl Pass<'_> {
    /// Residuals in place of the predictors of a run of rows, losses and sums of residuals.
    pub(super) fn pointwise_classes(
        &mut self,
        span: &Span,
        point: &PointwiseClasses,
        responses: &Responses,
        vectors: &Vectors,
        losses: usize,
    ) -> Result<()> {
        let group_rows = self.group_rows(0);
        let place = self.take(losses, span, group_rows);
        let params =
            Params { width: place.width, first_partial: place.first, ..self.params(span, group_rows) };
        let mut constants = weighted(responses, &point.contrasts);
        constants.push(("MAGNITUDES", u32::from(point.with_magnitudes)));
        constants.push(("PROBABILITIES", u32::from(vectors.probabilities.is_some())));
        let bound = vec![
            vectors.eta.clone(),
            responses.y.clone(),
            responses.columns.clone(),
            factors(self.device, &point.contrasts)?,
            vectors.beside.clone(),
            vectors.probabilities.clone().unwrap_or_else(|| self.idle[2].clone()),
            place.sums,
            responses.weights(),
        ];
        self.dispatches.push(dispatch(self.device, &POINTWISE_CLASSES, constants, bound, params)?);
        Ok(())
    }

    /// The weights of the Gram of a pair of classes.
    pub(super) fn class_weights(
        &mut self,
        span: &Span,
        classes: (usize, usize),
        contrasts: &Contrasts,
        responses: &Responses,
        vectors: &Vectors,
    ) -> Result<()> {
        let Some(probabilities) = &vectors.probabilities else { return Ok(()) };
        let pair = [classes.0 as f32, classes.1 as f32];
        let params = self.params(span, self.group_rows(0));
        let constants = weighted(responses, contrasts);
        let bound = vec![
            probabilities.clone(),
            Bound::from(&self.device.filled(&pair)?),
            vectors.beside.clone(),
            responses.weights(),
        ];
        self.dispatches.push(dispatch(self.device, &CLASS_WEIGHTS, constants, bound, params)?);
        Ok(())
    }
}

impl Classes for Gpu {
    fn pointwise_classes<'a>(
        &self,
        work: &mut Program<'a>,
        _rows: Range<usize>,
        contrasts: &Contrasts,
        observed: Observed<Array<'a>>,
        beside: Beside,
    ) {
        work.add_classes(contrasts, observed, beside == Beside::Magnitude);
    }

    fn class_weights<'a>(
        &self,
        work: &mut Program<'a>,
        _rows: Range<usize>,
        classes: (usize, usize),
        _weights: Option<&Array<'a>>,
    ) {
        work.add_class_weights(classes);
    }

    fn class_changes(
        &self,
        line: &Line,
        contrasts: &Contrasts,
        observed: Observed<Array<'_>>,
        step: f64,
    ) -> Result<f64> {
        let device = &self.device;
        let steps = Bound::from(&device.filled(&[step as f32])?);
        let factors = factors(device, contrasts)?;
        let stretches = line.stretches(device, observed, GROUP_ROWS)?;
        let groups: Vec<usize> =
            stretches.iter().map(|own| (own.params.n as usize).div_ceil(GROUP_ROWS)).collect();
        let unpack = |total: &[f64], sums: &mut [Vec<f64>]| sums[0][0] += total[0];
        let mut partials = Partials::new(device, &groups, 1, false, Box::new(unpack))?;
        let mut dispatches: Vec<Dispatch> = Vec::new();
        for (own, n) in stretches.iter().zip(&groups) {
            let place = partials.take(*n);
            let params = Params { first_partial: place.first, width: place.width, ..own.params };
            let bound = vec![
                own.eta.clone(),
                own.direction.clone(),
                own.responses.y.clone(),
                own.responses.columns.clone(),
                factors.clone(),
                steps.clone(),
                place.sums,
                own.responses.weights(),
            ];
            let constants = weighted(&own.responses, contrasts);
            dispatches.push(dispatch(device, &CLASS_CHANGES, constants, bound, params)?);
        }
        let (reduce, wanted) = partials.reduce(device)?;
        dispatches.extend(reduce);
        let read = device.run(&dispatches, &[wanted])?;
        let mut sums = [vec![0.0]];
        partials.add(&read[0], &mut sums);
        Ok(sums[0][0])
    }

    fn class_reach(&self, line: &Line, contrasts: &Contrasts, y: &Array<'_>) -> Result<Reach> {
        let device = &self.device;
        let factors = factors(device, contrasts)?;
        let (mut found, mut dispatches) = (Vec::new(), Vec::new());
        for own in line.stretches(device, y.into(), GROUP_ROWS)? {
            let n = (own.params.n as usize).div_ceil(GROUP_ROWS) * 2;
            let buffer = device.scratch(bytes(n))?;
            let bound = vec![
                own.direction.clone(),
                own.responses.y.clone(),
                own.responses.columns.clone(),
                factors.clone(),
                Bound::from(&buffer),
            ];
            let constants = of(&own.responses, contrasts);
            dispatches.push(dispatch(device, &CLASS_REACH, constants, bound, own.params)?);
            found.push(Wanted { buffer, n });
        }
        let mut reach = Reach::NONE;
        for read in device.run(&dispatches, &found)? {
            for &[all, fall] in read.as_chunks().0 {
                reach.all = reach.all.max(all.into());
                reach.fall = reach.fall.max(fall.into());
            }
        }
        Ok(Reach { events: reach.all, ..reach })
    }
}
