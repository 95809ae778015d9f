//! Matrices on the device: rows one after the other, in as many buffers as the limits of the device ask for; or none, where
//! some rows at a time are built or sent when they are needed.
//!
//! A row of a design takes a multiple of 4 numbers, the last of them 0. A response of one target has one number a row; counts of
//! several lie four to a word. Rows of a buffer are a power of two, so that a run of rows that lies in one buffer of the widest
//! matrix lies in one of any other.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::batch::Bound;
use super::convolution::build_features::Features;
use super::device::{Buffer, Device, Use};
use super::sent::Sent;
use crate::backend::Fill;
use crate::backend::cpu::{FILL_ROWS, TILE_ROWS};
use crate::error::DeviceError;
use crate::{Error, Result};

/// Most rows of a buffer, and of one dispatch.
pub(super) const MOST_ROWS: usize = 1 << 23;
/// Bytes of rows that are built together, or sent.
const BUILT_BYTES: usize = 64 << 20;
const SENT_BYTES: usize = 32 << 20;
/// Bytes that are made on the host before they are sent.
pub(super) const STAGED_BYTES: usize = 16 << 20;

/// Numbers kept by [`super::Gpu`].
#[derive(Clone, Debug)]
pub struct Array<'a> {
    kept: Kept<'a>,
    n_columns: usize,
    /// Words of a row.
    stride: usize,
}

/// Columns of a matrix, and words of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Width {
    pub(super) n_columns: usize,
    pub(super) stride: usize,
}

impl Width {
    /// That of a design of so many columns.
    pub(super) fn design(n_columns: usize) -> Self {
        Self { n_columns, stride: n_columns.next_multiple_of(4).max(4) }
    }

    pub(super) fn of(x: &Array) -> Self {
        Self { n_columns: x.n_columns, stride: x.stride }
    }
}

/// Rows that are not on the device.
#[derive(Clone, Copy, Debug)]
pub(super) enum Made<'m, 'a> {
    /// They are built there.
    Features(&'m Features),
    /// The host sends them.
    Sent(&'m Sent<'a>),
}

#[derive(Clone, Debug)]
enum Kept<'a> {
    /// On the host: coefficients go to the device with what they multiply.
    Numbers(Arc<Vec<f64>>),
    /// On the device, in buffers of so many rows each.
    Rows { buffers: Arc<Vec<Arc<Buffer>>>, rows: usize, is_bytes: bool },
    /// Nowhere: columns of channels, so many rows of which are built at a time.
    Features { built: Arc<Features>, rows: usize },
    /// On the host, so many rows of which are sent at a time.
    Sent { sent: Arc<Sent<'a>>, rows: usize },
}

impl<'a> Array<'a> {
    /// Small numbers.
    pub(super) fn numbers(numbers: &[f64]) -> Self {
        Self { kept: Kept::Numbers(Arc::new(numbers.to_vec())), n_columns: 1, stride: 1 }
    }

    /// The small numbers; none of a matrix.
    pub(super) fn as_numbers(&self) -> &[f64] {
        match &self.kept {
            Kept::Numbers(numbers) => numbers,
            Kept::Rows { .. } | Kept::Features { .. } | Kept::Sent { .. } => &[],
        }
    }

    /// Where rows come from that are not there.
    pub(super) fn made(&self) -> Option<Made<'_, 'a>> {
        match &self.kept {
            Kept::Features { built, .. } => Some(Made::Features(built)),
            Kept::Sent { sent, .. } => Some(Made::Sent(sent)),
            Kept::Numbers(_) | Kept::Rows { .. } => None,
        }
    }

    /// Columns of the matrix.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Words of a row.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// Whether it holds counts, four to a word.
    pub(super) fn is_bytes(&self) -> bool {
        matches!(self.kept, Kept::Rows { is_bytes: true, .. })
    }

    /// Whether it is the same matrix.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (&self.kept, &other.kept) {
            (Kept::Rows { buffers, .. }, Kept::Rows { buffers: others, .. }) => Arc::ptr_eq(buffers, others),
            (Kept::Features { built, .. }, Kept::Features { built: other, .. }) => Arc::ptr_eq(built, other),
            (Kept::Sent { sent, .. }, Kept::Sent { sent: other, .. }) => Arc::ptr_eq(sent, other),
            _ => false,
        }
    }

    /// Rows of one buffer.
    pub(super) fn rows_of_buffer(&self) -> usize {
        match &self.kept {
            Kept::Numbers(_) => MOST_ROWS,
            Kept::Rows { rows, .. } | Kept::Features { rows, .. } | Kept::Sent { rows, .. } => *rows,
        }
    }

    /// The rows, which no buffer cuts.
    ///
    /// # Errors
    /// If they are not rows of a matrix on the device: a mistake of ours.
    pub(super) fn window(&self, rows: &Range<usize>) -> Result<Bound> {
        let outside = || {
            let (kernel, message) = ("of a pass".into(), format!("rows {rows:?} are not rows of a matrix"));
            Error::Gpu(DeviceError::ShaderRejected { kernel, message })
        };
        let Kept::Rows { buffers, rows: each, .. } = &self.kept else { return Err(outside()) };
        let word = size_of::<u32>() * self.stride;
        let (first, size) = (rows.start % each * word, rows.len() * word);
        let buffer = Arc::clone(buffers.get(rows.start / each).ok_or_else(outside)?);
        Ok(Bound { buffer, at: first as u64, size: size as u64 })
    }
}

/// Rows from tiles, which `fill` writes.
pub(super) fn turned(rows: Range<usize>, n_columns: usize, stride: usize, fill: &Fill<f32>, out: &mut [f32]) {
    let mut tiles = vec![0.0; rows.len().next_multiple_of(TILE_ROWS) * n_columns];
    if n_columns > 0 {
        fill(rows, &mut tiles);
    }
    let tiles = tiles.chunks(TILE_ROWS * n_columns.max(1));
    for (tile, out) in tiles.zip(out.chunks_mut(TILE_ROWS * stride)) {
        for (column, values) in tile.chunks(TILE_ROWS).enumerate() {
            out.iter_mut().skip(column).step_by(stride).zip(values).for_each(|(to, &x)| *to = x);
        }
    }
}

/// Rows of a buffer of rows of so many words.
fn rows_of_buffer(device: &Device, stride: usize) -> Result<usize> {
    let row = (size_of::<u32>() * stride) as u64;
    let rows = (device.binding_bytes / row).min(MOST_ROWS as u64) as usize;
    if rows < TILE_ROWS {
        let (needed, has) = (row * TILE_ROWS as u64, device.binding_bytes);
        let limit = format!("bytes of a storage binding (for {TILE_ROWS} rows of {stride} numbers)");
        let adapter = device.facts.title();
        return Err(Error::Gpu(DeviceError::AdapterTooSmall { adapter, limit, needed, has }));
    }
    Ok(1 << rows.ilog2())
}

impl Device {
    /// Room for a matrix of words, in the layout of [`Array`].
    pub(super) fn room(&self, n_rows: usize, n_columns: usize, stride: usize) -> Result<Array<'static>> {
        self.room_of(n_rows, n_columns, stride, false)
    }

    /// Room for counts: of several targets four to a word, of one as numbers.
    pub(super) fn room_for_counts(&self, n_rows: usize, n_targets: usize) -> Result<Array<'static>> {
        let is_bytes = n_targets != 1;
        let stride = if is_bytes { n_targets.div_ceil(4).max(1) } else { 1 };
        self.room_of(n_rows, n_targets, stride, is_bytes)
    }

    fn room_of(
        &self,
        n_rows: usize,
        n_columns: usize,
        stride: usize,
        is_bytes: bool,
    ) -> Result<Array<'static>> {
        let rows = rows_of_buffer(self, stride)?;
        let bytes = |n: usize| (n * stride * size_of::<u32>()) as u64;
        let buffers = (0..n_rows.max(1)).step_by(rows).map(|first| {
            // kernels may look at a whole tile
            let n = rows.min(n_rows.max(1) - first);
            Ok(Arc::new(self.buffer(bytes(n), Use::Storage)?))
        });
        let buffers = Arc::new(buffers.collect::<Result<Vec<_>>>()?);
        Ok(Array { kept: Kept::Rows { buffers, rows, is_bytes }, n_columns, stride })
    }

    /// Columns of channels that are built when they are needed.
    pub(super) fn features(&self, built: Features) -> Result<Array<'static>> {
        let n_columns = built.n_columns();
        let rows = self.few_rows(n_columns, BUILT_BYTES)?.min(built.x.rows_of_chunk());
        let stride = Width::design(n_columns).stride;
        Ok(Array { kept: Kept::Features { built: Arc::new(built), rows }, n_columns, stride })
    }

    /// A design that stays on the host.
    pub(super) fn sent<'a>(&self, n_columns: usize, sent: Sent<'a>) -> Result<Array<'a>> {
        let rows = self.few_rows(n_columns, SENT_BYTES)?;
        let stride = Width::design(n_columns).stride;
        Ok(Array { kept: Kept::Sent { sent: Arc::new(sent), rows }, n_columns, stride })
    }

    /// Rows of a design that take about so many bytes, a power of two.
    fn few_rows(&self, n_columns: usize, n_bytes: usize) -> Result<usize> {
        let stride = Width::design(n_columns).stride;
        let few = (n_bytes / (size_of::<f32>() * stride)).max(TILE_ROWS);
        Ok(rows_of_buffer(self, stride)?.min(1 << few.ilog2()))
    }

    /// A design whose numbers are 0.
    pub(super) fn blank(&self, n_rows: usize, n_columns: usize) -> Result<Array<'static>> {
        self.room(n_rows, n_columns, Width::design(n_columns).stride)
    }

    /// A design, written by `fill`.
    pub(super) fn matrix(&self, n_rows: usize, n_columns: usize, fill: &Fill<f32>) -> Result<Array<'static>> {
        self.filled_by(n_rows, n_columns, Width::design(n_columns).stride, fill)
    }

    /// The same, written row by row.
    pub(super) fn matrix_of(&self, n_rows: usize, n_columns: usize, sent: &Sent) -> Result<Array<'static>> {
        let array = self.blank(n_rows, n_columns)?;
        self.write_rows(&array, n_rows, &|rows, out| sent.write(rows, out))?;
        Ok(array)
    }

    /// A response, written by `fill`.
    pub(super) fn response(
        &self,
        n_rows: usize,
        n_targets: usize,
        fill: &Fill<f32>,
    ) -> Result<Array<'static>> {
        self.filled_by(n_rows, n_targets, n_targets.max(1), fill)
    }

    fn filled_by(
        &self,
        n_rows: usize,
        n_columns: usize,
        stride: usize,
        fill: &Fill<f32>,
    ) -> Result<Array<'static>> {
        let array = self.room(n_rows, n_columns, stride)?;
        self.write_rows(&array, n_rows, &|rows: Range<usize>, out: &mut [f32]| {
            turned(rows, n_columns, stride, fill, out);
        })?;
        Ok(array)
    }

    /// Sends the rows that `write` makes, several threads at a time.
    pub(super) fn write_rows<T: bytemuck::Pod + Send>(
        &self,
        array: &Array,
        n_rows: usize,
        write: &(dyn Fn(Range<usize>, &mut [T]) + Sync),
    ) -> Result<()> {
        let Kept::Rows { buffers, rows, .. } = &array.kept else { return Ok(()) };
        let word = size_of::<u32>() * array.stride;
        let staged = (STAGED_BYTES / word / FILL_ROWS).max(1) * FILL_ROWS;
        let mut host: Vec<T> = Vec::new();
        for (k, buffer) in buffers.iter().enumerate() {
            let own = k * rows..n_rows.min((k + 1) * rows);
            for first in own.clone().step_by(staged) {
                let part = first..own.end.min(first + staged);
                host.clear();
                host.resize(part.len() * array.stride, T::zeroed());
                // writers like to begin at multiples of so many rows
                host.par_chunks_mut(FILL_ROWS * array.stride).enumerate().for_each(|(piece, out)| {
                    let first = part.start + piece * FILL_ROWS;
                    write(first..part.end.min(first + FILL_ROWS), out);
                });
                self.write(buffer, ((first - own.start) * word) as u64, bytemuck::cast_slice(&host))?;
            }
        }
        Ok(())
    }
}
