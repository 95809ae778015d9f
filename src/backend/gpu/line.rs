//! Linear predictors and a direction of rows, kept for trial steps.

use std::ops::Range;

use super::array::{Array, MOST_ROWS};
use super::batch::{Bound, Dispatch, Params, Wanted};
use super::device::Device;
use super::partials::Partials;
use super::pass::Pass;
use super::products::{Responses, columns, weighed};
use super::program::Program;
use super::rows::{loss_changes, reach};
use super::spans::{Span, cut, span_rows};
use crate::Result;
use crate::backend::{Model, Observed, Reach, Sweep};

/// Rows of a group, of a part of a line as of a whole one.
pub(super) const GROUP_ROWS: usize = 1024;

/// Linear predictors and directions (rows, targets) of some rows.
#[derive(Debug)]
pub struct Line {
    pub(super) eta: Array<'static>,
    pub(super) direction: Array<'static>,
    pub(super) targets: Vec<usize>,
    pub(super) rows: Range<usize>,
    pub(super) alone: bool,
}

/// One run of the rows of a line.
pub(super) struct Stretch {
    pub(super) eta: Bound,
    pub(super) direction: Bound,
    pub(super) responses: Responses,
    pub(super) params: Params,
}

impl Device {
    /// Linear predictors and a direction of rows, as matrices (rows, targets).
    pub(super) fn trace(
        &self,
        program: &Program,
        sweep: Sweep,
        rows: Range<usize>,
    ) -> Result<[Array<'static>; 2]> {
        let mut pass = Pass::new(self, program, sweep)?;
        let n_targets = sweep.targets.len();
        let kept = [(); 2].map(|()| self.room(rows.len(), n_targets, n_targets));
        let [eta, direction] = kept;
        let kept = [eta?, direction?];
        let span_rows = kept.iter().map(Array::rows_of_buffer).fold(pass.span_rows, usize::min);
        let forwards = [&program.eta, &program.direction].into_iter().zip(&kept);
        let forwards = forwards.filter_map(|(forward, kept)| Some((forward.as_ref()?, kept)));
        let forwards = forwards.map(|(forward, kept)| Ok((forward, pass.load(forward)?, kept)));
        let forwards = forwards.collect::<Result<Vec<_>>>()?;
        for span in cut(&rows, span_rows) {
            pass.begin_run();
            let own = span.rows.start - rows.start..span.rows.end - rows.start;
            for (forward, loaded, kept) in &forwards {
                pass.forward(&span, forward, loaded, &kept.window(&own)?)?;
            }
        }
        self.run_with(&pass.dispatches, &pass.sendings, &[])?;
        Ok(kept)
    }
}

impl Line {
    /// The rows, run by run.
    pub(super) fn stretches(
        &self,
        device: &Device,
        observed: Observed<Array>,
        group_rows: usize,
    ) -> Result<Vec<Stretch>> {
        let Observed { y, weights, cast } = observed;
        let columns = Bound::from(&device.filled(&columns(&self.targets, cast))?);
        let arrays = [&self.eta, &self.direction, y].into_iter().chain(weights);
        let rows = span_rows(arrays, self.targets.len(), MOST_ROWS, device.binding_bytes);
        let stretch = |span: Span| {
            // the line begins at its first row
            let own = span.rows.start - self.rows.start..span.rows.end - self.rows.start;
            Ok(Stretch {
                eta: self.eta.window(&own)?,
                direction: self.direction.window(&own)?,
                responses: Responses {
                    y: y.window(&span.rows)?,
                    stride: y.stride(),
                    is_bytes: y.is_bytes(),
                    columns: columns.clone(),
                    weights: weights.map(|own| weighed(own, &span)).transpose()?,
                },
                params: Params {
                    n: span.n as u32,
                    every: 1,
                    group_rows: group_rows as u32,
                    n_targets: self.targets.len() as u32,
                    ..Params::default()
                },
            })
        };
        cut(&self.rows, rows).into_iter().map(stretch).collect()
    }

    /// Adds the change of each target's total loss from step 0 to its step.
    pub(super) fn loss_changes(
        &self,
        device: &Device,
        model: Model,
        observed: Observed<Array>,
        steps: &[f64],
        changes: &mut [f64],
    ) -> Result<()> {
        let steps: Vec<f32> = steps.iter().map(|&step| step as f32).collect();
        let steps = Bound::from(&device.filled(&steps)?);
        let group_rows = GROUP_ROWS;
        let stretches = self.stretches(device, observed, group_rows)?;
        let groups: Vec<usize> =
            stretches.iter().map(|own| (own.params.n as usize).div_ceil(group_rows)).collect();
        let unpack = |total: &[f64], sums: &mut [Vec<f64>]| {
            sums[0].iter_mut().zip(total).for_each(|(sum, own)| *sum += own);
        };
        let mut partials = Partials::new(device, &groups, self.targets.len(), false, Box::new(unpack))?;
        let mut dispatches: Vec<Dispatch> = Vec::new();
        for (own, n) in stretches.iter().zip(&groups) {
            let place = partials.take(*n);
            let params = Params { first_partial: place.first, width: place.width, ..own.params };
            let bound = [&own.eta, &own.direction, &steps, &place.sums];
            dispatches.push(loss_changes(device, model, self.alone, &own.responses, bound, params)?);
        }
        let (reduce, wanted) = partials.reduce(device)?;
        dispatches.extend(reduce);
        let read = device.run(&dispatches, &[wanted])?;
        let mut sums = [vec![0.0; changes.len()]];
        partials.add(&read[0], &mut sums);
        changes.iter_mut().zip(&sums[0]).for_each(|(change, sum)| *change += sum);
        Ok(())
    }

    /// Joins how far the direction moves each target's linear predictor.
    pub(super) fn reach(
        &self,
        device: &Device,
        observed: Observed<Array>,
        joined: &mut [Reach],
    ) -> Result<()> {
        let group_rows = GROUP_ROWS;
        let stretches = self.stretches(device, observed, group_rows)?;
        let mut found = Vec::new();
        let mut dispatches = Vec::new();
        for own in &stretches {
            let n = (own.params.n as usize).div_ceil(group_rows) * self.targets.len() * 4;
            let buffer = device.scratch((n * size_of::<f32>()) as u64)?;
            let out = Bound::from(&buffer);
            dispatches.push(reach(device, self.alone, &own.responses, [&own.direction, &out], own.params)?);
            found.push(Wanted { buffer, n });
        }
        for read in device.run(&dispatches, &found)? {
            for set in read.chunks_exact(4 * self.targets.len()) {
                for (joined, own) in joined.iter_mut().zip(set.chunks_exact(4)) {
                    joined.all = joined.all.max(own[0].into());
                    joined.events = joined.events.max(own[1].into());
                    if own[2] > -1e38 {
                        joined.silent = joined.silent.max(own[2].into());
                    }
                    if own[3] > -1e38 {
                        joined.fall = joined.fall.max(own[3].into());
                    }
                }
            }
        }
        Ok(())
    }
}
