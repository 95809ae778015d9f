//! What data take of the memory, and what they leave to a fit.

use super::data::{Block, Data};
use crate::objective::OwnedCounts;
use crate::{Error, Result};

impl Data {
    /// Bytes of the values that are held in memory: features that are written out, and the response.
    pub(super) fn held_bytes(&self) -> u64 {
        let of_block = |block: &Block| {
            let (n_bins, n_columns) = block.x.dim();
            let n_bytes = if block.x.is_f32() { size_of::<f32>() } else { size_of::<f64>() };
            if block.x.is_computed() { 0 } else { n_bins * n_columns * n_bytes }
        };
        let n_bytes = if matches!(self.y, OwnedCounts::Bytes(_)) { 1 } else { size_of::<f64>() };
        let of_response = self.y.nrows() * self.y.ncols() * n_bytes;
        (self.blocks.iter().map(of_block).sum::<usize>() + of_response) as u64
    }

    /// What of the memory the data leave to a fit.
    ///
    /// # Errors
    /// [`Error::Memory`] if they take more than there is.
    pub(super) fn left_of(&self, limit_bytes: Option<u64>) -> Result<Option<u64>> {
        let held = self.held_bytes();
        match limit_bytes {
            Some(limit_bytes) if held > limit_bytes => {
                let what = format!("{}: the data in memory", self.input.path.display());
                Err(Error::Memory { what, needed_bytes: held, limit_bytes })
            }
            limit => Ok(limit.map(|limit| limit - held)),
        }
    }

    /// The error of a fit that had what the data leave of the memory, in terms of all of it.
    pub(super) fn with_held(&self, error: Error) -> Error {
        match error {
            Error::Memory { what, needed_bytes, limit_bytes } => {
                let (what, held) = (format!("{what} beside the data"), self.held_bytes());
                let needed_bytes = needed_bytes.saturating_add(held);
                Error::Memory { what, needed_bytes, limit_bytes: limit_bytes.saturating_add(held) }
            }
            other => other,
        }
    }
}
