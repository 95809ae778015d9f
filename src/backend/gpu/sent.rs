//! Rows of a matrix that stay on the host and are sent again whenever they are needed: designs larger than the device.
//!
//! A pass over them is as fast as the way to the device. While the device works on some rows the host makes the next ones, which
//! go into another buffer; no more than these are on the way at any time.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::batch::Bound;
use super::device::Device;
use super::spans::Span;
use crate::Result;
use crate::backend::Every;
use crate::backend::cpu::{FILL_ROWS, TILE_ROWS};

/// Writes rows one after the other, the first a multiple of [`TILE_ROWS`], so many words each; what is beyond the columns is
/// left alone.
type WriteRows<'a> = dyn Fn(Range<usize>, &mut [f32]) + Send + Sync + 'a;

/// A matrix of the host.
#[derive(Clone)]
pub(super) struct Sent<'a> {
    write: Arc<WriteRows<'a>>,
}

impl std::fmt::Debug for Sent<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sent").finish_non_exhaustive()
    }
}

impl<'a> Sent<'a> {
    pub(super) fn new(write: impl Fn(Range<usize>, &mut [f32]) + Send + Sync + 'a) -> Self {
        Self { write: Arc::new(write) }
    }

    /// Writes rows.
    pub(super) fn write(&self, rows: Range<usize>, out: &mut [f32]) {
        (self.write)(rows, out);
    }
}

/// Rows that are sent before a dispatch runs.
pub(super) struct Sending<'a> {
    /// The number of the dispatch.
    pub(super) before: usize,
    pub(super) from: Sent<'a>,
    /// Those of a run that are taken.
    pub(super) span: Span,
    pub(super) every: Every,
    /// Words of a row.
    pub(super) stride: usize,
    pub(super) to: Bound,
}

impl Sending<'_> {
    /// Writes the rows that are taken, one after the other.
    fn rows(&self, out: &mut Vec<f32>) {
        out.clear();
        out.resize(self.span.n * self.stride, 0.0);
        // all rows lie side by side, some are tiles far from each other
        let together = if self.every == Every::ROW { FILL_ROWS } else { TILE_ROWS };
        out.par_chunks_mut(together * self.stride).enumerate().for_each(|(piece, out)| {
            let first = self.span.rows.start + self.span.first + piece * together * self.every.0;
            self.from.write(first..first + out.len() / self.stride, out);
        });
    }
}

impl Device {
    /// Sends rows on their way; they are there when what is submitted next begins.
    pub(super) fn send(&self, sending: &Sending, host: &mut Vec<f32>) -> Result<()> {
        sending.rows(host);
        self.write_now(&sending.to, bytemuck::cast_slice(host))
    }
}
