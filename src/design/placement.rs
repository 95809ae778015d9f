//! How the columns of a plan get onto a backend: as they lie, written out, or computed in every pass.

use std::ops::Range;
use std::sync::Arc;

use super::convolved_columns::{ConvolvedColumns, Writer};
use super::{Block, Column, Convolved, Dense, DesignPlan, MatrixFree, Values};
use crate::Result;
use crate::backend::cpu::convolution::transforms::{Fourier, block_rows};
use crate::backend::cpu::simd::Level;
use crate::backend::cpu::speeds::Speeds;
use crate::backend::cpu::{MOST_WRITTEN_OUT, TILE_ROWS, grain};
use crate::backend::{Backend, HostSignals};
use crate::math::real::Real;

/// Bytes of a value that is written out: once in `f32` and once in `f64`.
const BYTES: u64 = 12;
/// Passes in single precision of an ordinary fit.
const PASSES: f64 = 10.0;

/// How the columns of a source are placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Written out, or read where they lie.
    Written,
    /// Computed from their channels in every pass.
    MatrixFree,
    /// Written again, tile by tile, in every pass.
    Rewritten,
}

impl Form {
    /// The words for it in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Written => "written out",
            Self::MatrixFree => "matrix-free",
            Self::Rewritten => "written again in every pass",
        }
    }
}

/// Neighbouring columns of one kind.
enum Part<'c, 'p> {
    /// Values that lie somewhere.
    Columns(Vec<Column<'c>>),
    /// Columns of a source of channels.
    Convolved(ConvolvedColumns<'p>),
}

impl Part<'_, '_> {
    fn n_columns(&self) -> usize {
        match self {
            Self::Columns(columns) => columns.len(),
            Self::Convolved(own) => own.columns.len(),
        }
    }
}

/// What writes one part of a matrix.
enum PartWriter<'w, 'c, 'p, T> {
    Columns(&'w [Column<'c>]),
    Convolved(Box<Writer<'p, T>>),
}

impl DesignPlan<'_> {
    /// How the columns of source number `source` are placed for so many targets.
    ///
    /// Only convolved columns have a choice. What fits into cache is written out. One target: by the estimated time of a
    /// fit. Several share the products with what is written, which is computed again only if it would not fit into memory.
    /// The choice depends on sizes, the limit, the level of vector instructions and the speeds alone; forms that were
    /// given ([`DesignPlan::with_forms`]) are taken as they are.
    pub fn form(&self, source: usize, n_targets: usize, level: Level) -> Form {
        let Values::Convolved(x) = &self.sources[source] else { return Form::Written };
        if let Some(form) = self.forms.as_ref().and_then(|forms| forms.get(source)) {
            return *form;
        }
        let n_values = self.rows.len() * x.n_columns();
        if n_values <= MOST_WRITTEN_OUT {
            return Form::Written;
        }
        let fits =
            self.limit_bytes.is_none_or(|limit| self.written_before(source, n_targets, level) <= limit);
        if n_targets > 1 || !Self::can_be_free(x) || (x.is_of_samples() && self.is_scattered(x)) {
            return if fits { Form::Written } else { Form::Rewritten };
        }
        let speeds = self.speeds.unwrap_or_else(|| Speeds::of(level));
        let cost = x.cost(level, &speeds);
        // both precisions, the second twice as wide; without the matrix its magnitudes need it once
        let written = 3.0 * cost.write + PASSES * speeds.value_ns * x.n_columns() as f64;
        let free = PASSES * cost.evaluate + 2.0 * cost.rewrite;
        if fits && written <= free { Form::Written } else { Form::MatrixFree }
    }

    /// Whether channels are all events or all samples, which is what evaluating without columns takes.
    fn can_be_free(x: &Convolved) -> bool {
        x.is_of_events() || x.is_of_samples()
    }

    /// The forms that a source can have for so many targets.
    pub fn possible_forms(&self, source: usize, n_targets: usize) -> &'static [Form] {
        match &self.sources[source] {
            Values::Convolved(x) if n_targets == 1 && Self::can_be_free(x) => {
                &[Form::Written, Form::MatrixFree, Form::Rewritten]
            }
            Values::Convolved(_) => &[Form::Written, Form::Rewritten],
            _ => &[Form::Written],
        }
    }

    /// Bytes of what is written out, with this source and without those after it.
    fn written_before(&self, source: usize, n_targets: usize, level: Level) -> u64 {
        let written =
            (0..source).filter(|&k| self.form(k, n_targets, level) == Form::Written).chain([source]);
        let n_columns: usize = written.map(|k| self.sources[k].ncols()).sum();
        (self.rows.len() * n_columns) as u64 * BYTES
    }

    /// Whether some columns are computed by transforms of blocks of rows: then a few rows cost as much as many.
    pub fn has_blocks(&self, n_targets: usize, level: Level) -> bool {
        let is_of_samples =
            |source: usize| matches!(&self.sources[source], Values::Convolved(x) if x.is_of_samples());
        (0..self.sources.len())
            .any(|source| is_of_samples(source) && self.form(source, n_targets, level) == Form::MatrixFree)
    }

    /// Whether transforms of blocks of the used rows would transform more gaps than rows.
    fn is_scattered(&self, x: &Convolved) -> bool {
        self.rows.are_scattered(block_rows(x.lags().window_bins))
    }

    /// Bytes that a source takes where it is written out.
    pub fn bytes_of(&self, source: usize) -> u64 {
        (self.rows.len() * self.sources[source].ncols()) as u64 * BYTES
    }

    /// The columns as blocks of their forms.
    pub(super) fn blocks<'p, B: Backend + 'p>(
        &'p self,
        on: &B,
        columns: &[Column],
        n_targets: usize,
    ) -> Result<Vec<Box<dyn Block<'p, B> + 'p>>> {
        let mut blocks: Vec<Box<dyn Block<'p, B> + 'p>> = Vec::new();
        let mut written: Vec<Part> = Vec::new();
        for (form, part) in self.parts(columns, n_targets, on.level())? {
            if let (Form::MatrixFree | Form::Rewritten, Part::Convolved(own)) = (form, &part) {
                self.end_written(on, &mut written, &mut blocks)?;
                blocks.push(self.computed(on, form, own)?);
            } else {
                written.push(part);
            }
        }
        self.end_written(on, &mut written, &mut blocks)?;
        if blocks.is_empty() {
            blocks.push(Box::new(Dense::new(on.matrix(self.rows.len(), 0, &|_, _| {})?, 0)));
        }
        Ok(blocks)
    }

    /// One block of what is to be written, if there is anything.
    fn end_written<'p, B: Backend + 'p>(
        &'p self,
        on: &B,
        parts: &mut Vec<Part>,
        blocks: &mut Vec<Box<dyn Block<'p, B> + 'p>>,
    ) -> Result<()> {
        let parts = std::mem::take(parts);
        let n_columns = parts.iter().map(Part::n_columns).sum();
        if n_columns == 0 {
            return Ok(());
        }
        let writers: Vec<(usize, PartWriter<B::Scalar>)> = parts
            .iter()
            .scan(0, |next, part| {
                let first = *next;
                *next += part.n_columns();
                Some((first, part.writer(on.level(), self)))
            })
            .collect();
        let x = on.matrix(self.rows.len(), n_columns, &|rows, tiles| {
            for (first, writer) in &writers {
                match writer {
                    PartWriter::Columns(columns) => {
                        self.write_columns(columns, rows.clone(), tiles, n_columns, *first);
                    }
                    PartWriter::Convolved(writer) => writer.write(rows.clone(), tiles, n_columns, *first),
                }
            }
        })?;
        blocks.push(Box::new(Dense::new(x, n_columns)));
        Ok(())
    }

    /// A block that is not written out.
    fn computed<'p, B: Backend + 'p>(
        &'p self,
        on: &B,
        form: Form,
        own: &ConvolvedColumns<'p>,
    ) -> Result<Box<dyn Block<'p, B> + 'p>> {
        let n_columns = own.columns.len();
        let writer = own.writer::<B::Scalar>(on.level(), &self.rows, true);
        let rough_writer = own.writer::<f32>(on.level(), &self.rows, true);
        let together = writer.together();
        let write = move |rows: Range<usize>, columns: Range<usize>, tiles: &mut [B::Scalar]| {
            writer.write_some(rows, &columns, tiles);
        };
        let rough = move |rows: Range<usize>, columns: Range<usize>, tiles: &mut [f32]| {
            rough_writer.write_some(rows, &columns, tiles);
        };
        let rows = on.rewritten(self.rows.len(), n_columns, together, Arc::new(write), Arc::new(rough))?;
        match own.x.host_channels(&own.offsets).filter(|_| form == Form::MatrixFree) {
            Some(channels) => {
                let grain = grain(own.x.lags(), &channels);
                let host = HostSignals { lags: own.x.lags(), runs: self.rows.runs(), channels };
                Ok(Box::new(MatrixFree::new(own, on.signals(host)?, rows, grain)))
            }
            None => Ok(Box::new(Dense::new(rows, n_columns))),
        }
    }

    /// The columns as runs of one kind and form.
    fn parts<'c, 'p>(
        &'p self,
        columns: &[Column<'c>],
        n_targets: usize,
        level: Level,
    ) -> Result<Vec<(Form, Part<'c, 'p>)>> {
        let mut parts: Vec<(Form, Part<'c, 'p>)> = Vec::new();
        let mut last_source = usize::MAX;
        for &column in columns {
            let convolved = match column {
                Column::Source(index) => {
                    let (source, inside) = self.locate(index)?;
                    match &self.sources[source] {
                        Values::Convolved(x) => Some((index, source, inside, *x)),
                        _ => None,
                    }
                }
                Column::Values(_) => None,
            };
            let Some((index, source, inside, x)) = convolved else {
                match parts.last_mut() {
                    Some((_, Part::Columns(columns))) => columns.push(column),
                    _ => parts.push((Form::Written, Part::Columns(vec![column]))),
                }
                last_source = usize::MAX;
                continue;
            };
            if source != last_source {
                let offsets = self.scaling.offsets[source].clone();
                let none = (Vec::new(), Vec::new(), Vec::new());
                let own = ConvolvedColumns { x, columns: none.0, offsets, mean: none.1, inverse_sd: none.2 };
                parts.push((self.form(source, n_targets, level), Part::Convolved(own)));
                last_source = source;
            }
            if let Some((_, Part::Convolved(own))) = parts.last_mut() {
                let (mean, sd) = (self.scaling.mean[index], self.scaling.sd[index]);
                own.mean.push(mean - x.area(inside) * own.offsets[x.channel_of(inside)]);
                own.inverse_sd.push(if sd > 0.0 { 1.0 / sd } else { 0.0 });
                own.columns.push(inside);
            }
        }
        Ok(parts)
    }

    /// Writes rows of columns that lie somewhere into tiles of `n_tile_columns` columns, from column `first` on.
    fn write_columns<T: Real>(
        &self,
        columns: &[Column],
        rows: Range<usize>,
        tiles: &mut [T],
        n_tile_columns: usize,
        first: usize,
    ) {
        for (start, tile) in rows.clone().step_by(TILE_ROWS).zip(tiles.chunks_mut(TILE_ROWS * n_tile_columns))
        {
            let span = start..rows.end.min(start + TILE_ROWS);
            for (column, out) in columns.iter().zip(tile.chunks_exact_mut(TILE_ROWS).skip(first)) {
                match column {
                    Column::Values(values) => {
                        let values = &values[span.clone()];
                        out.iter_mut().zip(values).for_each(|(out, &x)| *out = T::from_f64(x));
                    }
                    Column::Source(column) => {
                        if let Some((x, mean, sd)) = self.values(*column) {
                            x.standardise(self.rows.some(span.clone()), mean, 1.0 / sd, out);
                        }
                    }
                }
            }
        }
    }
}

impl<'c, 'p> Part<'c, 'p> {
    fn writer<T: Fourier>(&self, level: Level, plan: &DesignPlan) -> PartWriter<'_, 'c, 'p, T> {
        match self {
            Self::Columns(columns) => PartWriter::Columns(columns),
            Self::Convolved(own) => {
                PartWriter::Convolved(Box::new(own.writer(level, &plan.rows, plan.is_scattered(&own.x))))
            }
        }
    }
}
