//! From a program to dispatches: run of rows by run of rows, then sums.

use super::array::Array;
use super::batch::{Bound, Dispatch, Params, bytes};
use super::convolution::Signals;
use super::device::Device;
use super::forward::Loaded;
use super::fused::{From, Fused, fused};
use super::outputs::Outputs;
use super::partials::{Partials, Place};
use super::products::{Responses, TARGETS, columns, matmul_transposed, n_gram_tiles, product_rows, weighed};
use super::program::{Forward, Pointwise, PointwiseClasses, Program};
use super::rows::pointwise;
use super::sent::Sending;
use super::spans::{Span, span_rows, spans, work_rows};
use super::views::{Room, View};
use crate::Result;
use crate::backend::{Beside, Cast, Every, Sweep};

/// A pass in the making.
pub(super) struct Pass<'p> {
    pub(super) device: &'p Device,
    pub(super) program: &'p Program<'p>,
    pub(super) sweep: Sweep<'p>,
    pub(super) dispatches: Vec<Dispatch>,
    /// Rows that are sent on the way.
    pub(super) sendings: Vec<Sending<'p>>,
    /// Room for rows that are built or sent.
    pub(super) rooms: Vec<Room<'p>>,
    pub(super) partials: Vec<Partials>,
    /// What stands for buffers that a kernel does not use.
    pub(super) idle: [Bound; 3],
    /// Rows that take a submission, and those of a run.
    work_rows: usize,
    pub(super) span_rows: usize,
    columns: Bound,
}

/// Row vectors of one run.
#[derive(Clone)]
pub(super) struct Vectors {
    pub(super) eta: Bound,
    pub(super) beside: Bound,
    /// Probabilities of classes, where Grams are weighted with them.
    pub(super) probabilities: Option<Bound>,
    /// Rows that are put together for a Gram.
    pub(super) design: Option<Bound>,
}

impl Device {
    /// The sums of a pass; see [`crate::backend::Backend::pass`].
    pub(super) fn pass(&self, program: &Program, sweep: Sweep, n_sums: &[usize]) -> Result<Vec<Vec<f64>>> {
        let mut pass = Pass::new(self, program, sweep)?;
        pass.record()?;
        let n_targets = sweep.targets.len();
        let mut sums: Vec<Vec<f64>> = n_sums.iter().map(|n| vec![0.0; n * n_targets]).collect();
        pass.finish(&mut sums)?;
        Ok(sums)
    }
}

impl<'p> Pass<'p> {
    pub(super) fn new(device: &'p Device, program: &'p Program<'p>, sweep: Sweep<'p>) -> Result<Self> {
        let n_targets = sweep.targets.len();
        let cast = program.pointwise.as_ref().map_or(Cast::RESPONSES, |point| point.cast);
        let columns = Bound::from(&device.filled(&columns(sweep.targets, cast))?);
        let idle = [(); 3].map(|()| device.scratch(bytes(4)));
        let [a, b, c] = idle;
        let idle = [&a?, &b?, &c?].map(Bound::from);
        let widest = program.arrays().map(Array::stride).max().unwrap_or(1);
        let gram = program.grams().map(|gram| gram.width(program).stride).max().unwrap_or(0);
        let n_grams = program.grams().count().max(1);
        let flop =
            4.0 * (widest * n_targets) as f64 + (n_grams * gram * gram) as f64 + program.channel_flop();
        let (least, most) = (device.group_rows(sweep.n_rows, widest, Every::ROW), device.binding_bytes);
        let of_chunks = program.signals().map(Signals::rows_of_chunk).min().unwrap_or(usize::MAX);
        let work_rows = work_rows(device.submission_flop, flop, least);
        let n_classes = program.classes.as_ref().map_or(0, |classes| classes.contrasts.n_classes());
        let width = n_targets.max(n_classes).max(if program.columns.is_empty() { 0 } else { gram });
        let span_rows = span_rows(program.arrays(), width, work_rows, most).min(of_chunks);
        let (dispatches, partials) = (Vec::new(), Vec::new());
        let (sendings, rooms) = (Vec::new(), Vec::new());
        Ok(Self {
            device,
            program,
            sweep,
            dispatches,
            sendings,
            rooms,
            partials,
            idle,
            work_rows,
            span_rows,
            columns,
        })
    }

    pub(super) fn spans(&self) -> Vec<Span> {
        spans(0..self.sweep.n_rows, self.span_rows, self.sweep.every)
    }

    /// What a kernel over one run of rows is started with.
    pub(super) fn params(&self, span: &Span, group_rows: usize) -> Params {
        Params {
            n: span.n as u32,
            first_row: span.first as u32,
            every: self.sweep.every.0 as u32,
            group_rows: group_rows as u32,
            n_targets: self.sweep.targets.len() as u32,
            ..Params::default()
        }
    }

    /// Rows of a group of kernels that go through rows.
    pub(super) fn group_rows(&self, n_columns: usize) -> usize {
        self.device.group_rows(self.sweep.n_rows, n_columns, self.sweep.every).min(self.span_rows)
    }

    /// Rows of a group that multiplies residuals of several targets.
    pub(super) fn transposed_rows(&self, x: &Array) -> usize {
        product_rows(self.sweep.n_rows.min(self.work_rows), x.stride().div_ceil(64), self.span_rows)
    }

    /// Rows of a group of a Gram of rows of so many words.
    pub(super) fn gram_rows(&self, stride: usize) -> usize {
        let n_rows = (self.sweep.n_rows / self.sweep.every.0).min(self.work_rows);
        product_rows(n_rows, n_gram_tiles(stride), self.span_rows)
    }

    /// Groups of so many rows in each run.
    pub(super) fn groups(&self, group_rows: usize) -> Vec<usize> {
        self.spans().iter().map(|span| span.n.div_ceil(group_rows)).collect()
    }

    fn responses(&self, span: &Span, y: &Array, weights: Option<&Array>) -> Result<Responses> {
        let weights = weights.map(|own| weighed(own, span)).transpose()?;
        Ok(Responses {
            y: y.window(&span.rows)?,
            stride: y.stride(),
            is_bytes: y.is_bytes(),
            columns: self.columns.clone(),
            weights,
        })
    }

    pub(super) fn fused(
        &mut self,
        span: &Span,
        what: &Fused,
        x: &View,
        slice: (usize, usize),
        first_partial: u32,
    ) -> Result<()> {
        let params = Params { first_partial, ..self.params(span, self.group_rows(x.stride)) };
        let params = x.own(params);
        self.dispatches.push(fused(self.device, what, x.rows.clone(), x.stride, slice, params)?);
        Ok(())
    }

    /// Records all dispatches.
    fn record(&mut self) -> Result<()> {
        let loaded = self.program.eta.as_ref().map(|forward| self.load(forward)).transpose()?;
        let n = self.spans().iter().map(|span| span.n).max().unwrap_or(0) * self.sweep.targets.len();
        let vectors = [(); 2].map(|()| self.device.scratch(bytes(n)));
        let [eta, beside] = vectors;
        let (eta, beside) = (eta?, beside?);
        let outputs = Outputs::new(self)?;
        let design = self.room_for_rows()?;
        let most = self.spans().iter().map(|span| span.n).max().unwrap_or(0);
        let of_classes = self.program.classes.as_ref().filter(|_| !self.program.class_grams.is_empty());
        let n_probabilities = of_classes.map(|classes| most * classes.contrasts.n_classes());
        let probabilities = n_probabilities.map(|n| Ok((self.device.scratch(bytes(n))?, n))).transpose()?;
        let probabilities = probabilities.map(|(buffer, n)| Bound::first(&buffer, n));
        for span in self.spans() {
            self.begin_run();
            let n = span.n * self.sweep.targets.len();
            let (eta, beside) = (Bound::first(&eta, n), Bound::first(&beside, n));
            let (design, probabilities) = (design.clone(), probabilities.clone());
            let vectors = Vectors { eta, beside, probabilities, design };
            self.record_span(&span, loaded.as_ref(), &vectors, &outputs)?;
        }
        Ok(())
    }

    fn record_span(
        &mut self,
        span: &Span,
        loaded: Option<&Loaded>,
        vectors: &Vectors,
        outputs: &Outputs,
    ) -> Result<()> {
        let program = self.program;
        if let (Some(point), Some(forward), Some(loaded)) = (&program.pointwise, &program.eta, loaded) {
            let responses = self.responses(span, &point.y, point.weights.as_ref())?;
            let Some(losses) = outputs.losses else {
                return self.record_fused(span, (point, responses.y), (forward, loaded), vectors, outputs);
            };
            match forward.products.as_slice() {
                [(x, _)] if self.rates_in_tail(x, point) => {
                    let with = (&loaded.coefs[0], &loaded.constants);
                    let x = self.view(x, span)?;
                    self.product(span, &x, with, false, &vectors.eta, Some((point, &responses, losses)))?;
                }
                _ => {
                    self.forward(span, forward, loaded, &vectors.eta)?;
                    self.pointwise(span, point, &responses, vectors, losses)?;
                }
            }
            for ((x, _), &partial) in program.backward.iter().zip(&outputs.backward) {
                self.backward(span, x, vectors, partial)?;
            }
            for ((x, _), &partial) in program.correlations.iter().zip(&outputs.correlations) {
                self.correlate(span, x, vectors, partial)?;
            }
        }
        if let (Some(classes), Some(forward), Some(loaded)) = (&program.classes, &program.eta, loaded) {
            self.record_classes(span, classes, (forward, loaded), vectors, outputs)?;
        }
        if let (Some(gram), Some(partials)) = (&program.gram, &outputs.gram) {
            self.gram(span, gram, vectors, partials)?;
        }
        Ok(())
    }

    /// Predictors of classes, what becomes of them, and the Grams of their pairs.
    fn record_classes(
        &mut self,
        span: &Span,
        classes: &PointwiseClasses,
        (forward, loaded): (&Forward<'p>, &Loaded),
        vectors: &Vectors,
        outputs: &Outputs,
    ) -> Result<()> {
        let (program, Some(losses)) = (self.program, outputs.losses) else { return Ok(()) };
        let responses = self.responses(span, &classes.y, classes.weights.as_ref())?;
        self.forward(span, forward, loaded, &vectors.eta)?;
        self.pointwise_classes(span, classes, &responses, vectors, losses)?;
        for ((x, _), &partial) in program.backward.iter().zip(&outputs.backward) {
            self.backward(span, x, vectors, partial)?;
        }
        for ((pair, gram), partials) in program.class_grams.iter().zip(&outputs.class_grams) {
            self.class_weights(span, *pair, &classes.contrasts, &responses, vectors)?;
            self.gram(span, gram, vectors, partials)?;
        }
        Ok(())
    }

    /// One target whose design is one matrix that goes through the memory of a group: all in one kernel.
    fn record_fused(
        &mut self,
        span: &Span,
        (point, y): (&Pointwise, Bound),
        (forward, loaded): (&Forward<'p>, &Loaded),
        vectors: &Vectors,
        outputs: &Outputs,
    ) -> Result<()> {
        let program = self.program;
        let Some(((x, _), &partial)) = program.backward.iter().zip(&outputs.backward).next() else {
            return Ok(());
        };
        let place = self.take(partial, span, self.group_rows(x.stride()));
        let what = Fused {
            from: From::Constant(forward.constants[0]),
            coef: loaded.coefs.first(),
            keep: false,
            point: Some((point.model, y, point.beside == Beside::Curvature)),
            gradient: true,
            eta: &vectors.eta,
            beside: &vectors.beside,
            sums: &place.sums,
            idle: &self.idle[0].clone(),
        };
        let x = self.view(x, span)?;
        self.fused(span, &what, &x, (0, x.stride / 4), place.first)?;
        if let (Some(gram), Some(partials)) = (&program.gram, &outputs.gram) {
            self.gram(span, gram, vectors, partials)?;
        }
        Ok(())
    }

    fn pointwise(
        &mut self,
        span: &Span,
        point: &Pointwise,
        responses: &Responses,
        vectors: &Vectors,
        losses: usize,
    ) -> Result<()> {
        let group_rows = self.group_rows(0);
        let place = self.take(losses, span, group_rows);
        let params =
            Params { width: place.width, first_partial: place.first, ..self.params(span, group_rows) };
        let what = (point.model, point.beside);
        let bound = [&vectors.eta, &vectors.beside, &place.sums];
        self.dispatches.push(pointwise(self.device, what, self.sweep.alone, responses, bound, params)?);
        Ok(())
    }

    /// Products of the residuals, which lie where linear predictors were, with a matrix.
    fn backward(&mut self, span: &Span, x: &Array<'p>, vectors: &Vectors, partial: usize) -> Result<()> {
        let rows = self.transposed_rows(x);
        let x = self.view(x, span)?;
        if self.sweep.alone {
            return self.column_sums(span, &x, From::Stored, &vectors.eta, partial);
        }
        let place = self.take(partial, span, rows);
        let width = self.sweep.targets.len().next_multiple_of(TARGETS) as u32;
        let params = x.own(Params { first_partial: place.first, width, ..self.params(span, rows) });
        let bound = [&vectors.eta, &place.sums];
        self.dispatches.push(matmul_transposed(self.device, x.rows, x.stride, bound, place.adds, params)?);
        Ok(())
    }

    /// Whether the kernel that multiplies by coefficients makes the residuals too.
    fn rates_in_tail(&self, x: &Array, point: &Pointwise) -> bool {
        let is_plain = point.beside == Beside::Nothing && point.weights.is_none();
        !self.sweep.alone && is_plain && self.has_rows_of_y(x)
    }

    /// Whether a kernel that sees rows of this matrix finds those of the response at the same places: rows that are built or
    /// sent are those that are taken, one after the other.
    pub(super) fn has_rows_of_y(&self, x: &Array) -> bool {
        x.made().is_none() || self.sweep.every == Every::ROW
    }

    /// Where the groups of a run put their sums.
    pub(super) fn take(&mut self, partial: usize, span: &Span, group_rows: usize) -> Place {
        self.partials[partial].take(span.n.div_ceil(group_rows))
    }

    /// Runs everything and adds up what comes back.
    fn finish(mut self, sums: &mut [Vec<f64>]) -> Result<()> {
        let mut wanted = Vec::new();
        for partials in &self.partials {
            let (reduce, want) = partials.reduce(self.device)?;
            self.dispatches.extend(reduce);
            wanted.push(want);
        }
        let read = self.device.run_with(&self.dispatches, &self.sendings, &wanted)?;
        for (partials, read) in self.partials.iter().zip(&read) {
            partials.add(read, sums);
        }
        Ok(())
    }
}
