//! How the columns of a plan get onto a backend: as they lie, written out, or computed in every pass.

use std::ops::Range;
use std::sync::Arc;

use super::convolved_columns::{ConvolvedColumns, Writer};
use super::evaluation::EvaluatedColumns;
use super::{Block, Column, Dense, Design, DesignPlan, Form, MatrixFree, Values};
use crate::Result;
use crate::backend::cpu::convolution::transforms::Fourier;
use crate::backend::cpu::simd::Level;
use crate::backend::cpu::{TILE_ROWS, grain};
use crate::backend::{Backend, HostSignals};
use crate::math::real::Real;
use crate::math::whitening::Whitening;

/// The terms of a column, in its deviations, up to which single precision leaves digits of their sum.
const MILD: f64 = 1e4;

/// Neighbouring columns of one kind.
pub(super) enum Part<'c, 'p> {
    /// Values that lie somewhere.
    Columns(Vec<Column<'c>>),
    /// Columns of a source of channels.
    Convolved(ConvolvedColumns<'p>),
    /// The same of a basis evaluated at channels.
    Evaluated(EvaluatedColumns<'p>),
}

impl Part<'_, '_> {
    fn n_columns(&self) -> usize {
        match self {
            Self::Columns(columns) => columns.len(),
            Self::Convolved(own) => own.columns.len(),
            Self::Evaluated(own) => own.columns.len(),
        }
    }
}

/// What writes one part of a matrix.
pub(super) enum PartWriter<'c, 'p, T> {
    Columns(Vec<Column<'c>>),
    Convolved(Box<Writer<'p, T>>),
    Evaluated(EvaluatedColumns<'p>),
}

impl DesignPlan<'_> {
    /// The columns as blocks of their forms.
    pub(super) fn design<'p, B: Backend + 'p>(
        &'p self,
        on: &B,
        columns: &[Column],
        n_targets: usize,
    ) -> Result<Design<'p, B>> {
        let mut blocks: Vec<Box<dyn Block<'p, B> + 'p>> = Vec::new();
        let mut written: Vec<Part> = Vec::new();
        let (mut whitening, mut next): (Vec<Whitening>, _) = (Vec::new(), 0);
        for (form, mut part) in self.parts(columns, &self.forms(n_targets, &on.costs()))? {
            if let Part::Convolved(own) = &mut part
                && on.writes_convolved()
                && Self::can_be_free(&own.x)
            {
                own.whiten(on.level(), &self.rows);
                whitening.extend(own.whitening.iter().map(|own| own.moved(1 + next)));
            }
            next += part.n_columns();
            if form == Form::Written {
                written.push(part);
                continue;
            }
            self.end_written(on, &mut written, &mut blocks)?;
            blocks.push(match part {
                Part::Columns(own) => self.resent(on, &own)?,
                Part::Convolved(own) => self.computed(on, form, &own)?,
                Part::Evaluated(own) => self.evaluated(on, own)?,
            });
        }
        self.end_written(on, &mut written, &mut blocks)?;
        if blocks.is_empty() {
            blocks.push(Box::new(Dense::new(on.matrix(self.rows.len(), 0, &|_, _| {})?, 0)));
        }
        Ok(Design {
            blocks,
            n_rows: self.rows.len(),
            whitening,
            stop: self.stop.clone(),
            limit_bytes: self.limit_bytes,
        })
    }

    /// Whether the columns of a backend are those of another precision, rounded: neither built there nor sent again and again.
    pub fn is_rounded<B: Backend>(&self, on: &B, n_targets: usize) -> bool {
        let is_built = |source: &Values| on.writes_convolved() && matches!(source, Values::Convolved(_));
        let are_written = self.forms(n_targets, &on.costs()).iter().all(|form| *form == Form::Written);
        are_written && !self.sources.iter().any(is_built)
    }

    /// A block of columns of matrices that do not stay on the backend.
    fn resent<'p, B: Backend + 'p>(
        &'p self,
        on: &B,
        columns: &[Column],
    ) -> Result<Box<dyn Block<'p, B> + 'p>> {
        let source =
            |column: &Column| if let Column::Source(k) = column { Some(Column::Source(*k)) } else { None };
        let own: Arc<Vec<Column<'static>>> = Arc::new(columns.iter().filter_map(source).collect());
        let (n_columns, rough_own) = (own.len(), Arc::clone(&own));
        let write = move |rows: Range<usize>, columns: Range<usize>, tiles: &mut [B::Scalar]| {
            self.write_columns(&own[columns.clone()], rows, tiles, columns.len(), 0);
        };
        let rough = move |rows: Range<usize>, columns: Range<usize>, tiles: &mut [f32]| {
            self.write_columns(&rough_own[columns.clone()], rows, tiles, columns.len(), 0);
        };
        let rows = on.rewritten(self.rows.len(), n_columns, n_columns, Arc::new(write), Arc::new(rough))?;
        Ok(Box::new(Dense::new(rows, n_columns)))
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
        let (mut writers, mut built, mut next) = (Vec::new(), Vec::new(), 0);
        for part in &parts {
            match part {
                Part::Convolved(own) if on.writes_convolved() && Self::can_be_free(&own.x) => {
                    built.push((next, own));
                }
                _ => writers.push((next, part.writer::<B::Scalar>(on.level(), self, false))),
            }
            next += part.n_columns();
        }
        let x = if writers.is_empty() {
            on.blank(self.rows.len(), n_columns)?
        } else {
            on.matrix(self.rows.len(), n_columns, &|rows, tiles| {
                self.write_with(&writers, &rows, tiles, n_columns);
            })?
        };
        for (first, own) in built {
            if let Some(channels) = own.x.host_channels(&own.offsets) {
                let host = HostSignals { lags: own.x.lags(), runs: self.rows.runs(), channels };
                on.write_convolved(&x, first, host, own.on_host())?;
            }
        }
        blocks.push(Box::new(Dense::new(x, n_columns)));
        Ok(())
    }

    /// What writes neighbouring parts, with the first column of each; without transforms if it is to write single tiles.
    pub(super) fn writers<'c, 'p, T: Fourier>(
        &self,
        parts: &[Part<'c, 'p>],
        level: Level,
        by_tile: bool,
    ) -> Vec<(usize, PartWriter<'c, 'p, T>)> {
        let mut next = 0;
        let writer = |part: &Part<'c, 'p>| {
            let first = next;
            next += part.n_columns();
            (first, part.writer(level, self, by_tile))
        };
        parts.iter().map(writer).collect()
    }

    /// Writes rows of parts into tiles of so many columns.
    pub(super) fn write_with<T: Fourier>(
        &self,
        writers: &[(usize, PartWriter<T>)],
        rows: &Range<usize>,
        tiles: &mut [T],
        n_columns: usize,
    ) {
        for (first, writer) in writers {
            match writer {
                PartWriter::Columns(columns) => {
                    self.write_columns(columns, rows.clone(), tiles, n_columns, *first);
                }
                PartWriter::Convolved(writer) => writer.write(rows.clone(), tiles, n_columns, *first),
                PartWriter::Evaluated(own) => {
                    own.write(&self.rows, rows, 0..own.columns.len(), tiles, n_columns, *first);
                }
            }
        }
    }

    /// A block of convolved columns that is not written out.
    fn computed<'p, B: Backend + 'p>(
        &'p self,
        on: &B,
        form: Form,
        own: &ConvolvedColumns<'p>,
    ) -> Result<Box<dyn Block<'p, B> + 'p>> {
        let n_columns = own.columns.len();
        let writer = Arc::new(own.writer::<B::Scalar>(on.level(), &self.rows, true));
        let together = writer.together();
        let exact = Arc::clone(&writer);
        let is_mild = own.largest_terms < MILD;
        let rough = is_mild.then(|| own.writer::<f32>(on.level(), &self.rows, true));
        let write = move |rows: Range<usize>, columns: Range<usize>, tiles: &mut [B::Scalar]| {
            writer.write_some(rows, &columns, tiles);
        };
        let rough = move |rows: Range<usize>, columns: Range<usize>, tiles: &mut [f32]| {
            if let Some(rough) = &rough {
                rough.write_some(rows, &columns, tiles);
                return;
            }
            let mut all = vec![B::Scalar::ZERO; tiles.len()];
            exact.write_some(rows, &columns, &mut all);
            tiles.iter_mut().zip(all).for_each(|(to, x)| *to = f32::from_f64(x.to_f64()));
        };
        let rewritten =
            |on: &B| on.rewritten(self.rows.len(), n_columns, together, Arc::new(write), Arc::new(rough));
        let is_free = form == Form::MatrixFree;
        match own.x.host_channels(&own.offsets).filter(|_| is_free || on.writes_convolved()) {
            Some(channels) => {
                let grain = grain(own.x.lags(), &channels);
                let host = HostSignals { lags: own.x.lags(), runs: self.rows.runs(), channels };
                let signals = on.signals(host)?;
                let rows = on.convolved(&signals, own.on_host(), rewritten)?;
                if is_free {
                    return Ok(Box::new(MatrixFree::new(own, signals, rows, grain)));
                }
                Ok(Box::new(Dense::new(rows, n_columns)))
            }
            None => Ok(Box::new(Dense::new(rewritten(on)?, n_columns))),
        }
    }

    /// The same of evaluated columns.
    fn evaluated<'p, B: Backend + 'p>(
        &'p self,
        on: &B,
        own: EvaluatedColumns<'p>,
    ) -> Result<Box<dyn Block<'p, B> + 'p>> {
        let (n_columns, together) = (own.columns.len(), own.together());
        let own = Arc::new(own);
        let rough_own = Arc::clone(&own);
        let write = move |rows: Range<usize>, columns: Range<usize>, tiles: &mut [B::Scalar]| {
            own.write(&self.rows, &rows, columns.clone(), tiles, columns.len(), 0);
        };
        let rough = move |rows: Range<usize>, columns: Range<usize>, tiles: &mut [f32]| {
            rough_own.write(&self.rows, &rows, columns.clone(), tiles, columns.len(), 0);
        };
        let rows = on.rewritten(self.rows.len(), n_columns, together, Arc::new(write), Arc::new(rough))?;
        Ok(Box::new(Dense::new(rows, n_columns)))
    }

    /// The columns as runs of one kind and form; `forms` are those of the sources.
    pub(super) fn parts<'c, 'p>(
        &'p self,
        columns: &[Column<'c>],
        forms: &[Form],
    ) -> Result<Vec<(Form, Part<'c, 'p>)>> {
        let mut parts: Vec<(Form, Part<'c, 'p>)> = Vec::new();
        let mut last_source = usize::MAX;
        for &column in columns {
            let Some((index, source, inside)) = self.computed_column(column)? else {
                let form = match column {
                    Column::Source(index) => forms[self.locate(index)?.0],
                    Column::Values(_) => Form::Written,
                };
                match parts.last_mut() {
                    Some((last, Part::Columns(columns))) if *last == form => columns.push(column),
                    _ => parts.push((form, Part::Columns(vec![column]))),
                }
                last_source = usize::MAX;
                continue;
            };
            if source != last_source {
                parts.push((forms[source], self.part(source)));
                last_source = source;
            }
            let (mean, sd) = (self.scaling.mean[index], self.scaling.sd[index]);
            let inverse_sd = if sd > 0.0 { 1.0 / sd } else { 0.0 };
            match parts.last_mut() {
                Some((_, Part::Convolved(own))) => {
                    own.mean.push(mean - own.x.area(inside) * own.offsets[own.x.channel_of(inside)]);
                    own.inverse_sd.push(inverse_sd);
                    own.columns.push(inside);
                }
                Some((_, Part::Evaluated(own))) => {
                    own.scaling.push((mean, inverse_sd));
                    own.columns.push(inside);
                }
                _ => {}
            }
        }
        Ok(parts)
    }

    /// A column that is computed: its number, that of its source, and its place there.
    fn computed_column(&self, column: Column) -> Result<Option<(usize, usize, usize)>> {
        let Column::Source(index) = column else { return Ok(None) };
        let (source, inside) = self.locate(index)?;
        let is_computed = matches!(&self.sources[source], Values::Convolved(_) | Values::Evaluated(_));
        Ok(is_computed.then_some((index, source, inside)))
    }

    /// A part without columns yet.
    fn part<'c>(&self, source: usize) -> Part<'c, '_> {
        match &self.sources[source] {
            Values::Convolved(x) => {
                let offsets = self.scaling.offsets[source].clone();
                let (columns, mean, inverse_sd) = (Vec::new(), Vec::new(), Vec::new());
                let largest_terms = self.scaling.largest_terms[source];
                let whitening = Vec::new();
                let own =
                    ConvolvedColumns { x: *x, columns, offsets, largest_terms, mean, inverse_sd, whitening };
                Part::Convolved(own)
            }
            Values::Evaluated(x) => {
                Part::Evaluated(EvaluatedColumns { x: *x, columns: Vec::new(), scaling: Vec::new() })
            }
            _ => Part::Columns(Vec::new()),
        }
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
    fn writer<T: Fourier>(&self, level: Level, plan: &DesignPlan, by_tile: bool) -> PartWriter<'c, 'p, T> {
        match self {
            Self::Columns(columns) => PartWriter::Columns(columns.clone()),
            Self::Evaluated(own) => PartWriter::Evaluated(own.clone()),
            Self::Convolved(own) => {
                let by_tile = by_tile || plan.is_scattered(&own.x);
                PartWriter::Convolved(Box::new(own.writer(level, &plan.rows, by_tile)))
            }
        }
    }
}
