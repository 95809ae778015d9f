//! Where used rows and the samples that they see lie on the device.

use std::ops::Range;

use crate::backend::Run;
use crate::backend::cpu::convolution::lags::Lags;

/// What stands at positions without a used row.
const NO_ROW: u32 = u32::MAX;

/// Used rows that lie one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    /// The first, counted from the first of the axis.
    used: usize,
    /// Its position.
    position: usize,
    len: usize,
}

/// Bins that lie one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backend::gpu) struct Piece {
    pub(in crate::backend::gpu) position: usize,
    pub(in crate::backend::gpu) bin: usize,
    pub(in crate::backend::gpu) len: usize,
}

/// Positions of used rows and of bins: a row lies at the position of the newest bin that it sees, and the others that it sees
/// lie before it. Gaps between rows that are longer than the window are left out.
#[derive(Clone, Debug)]
pub(in crate::backend::gpu) struct Axis {
    stretches: Vec<Stretch>,
    pieces: Vec<Piece>,
    n_rows: usize,
}

impl Axis {
    /// The axis of the rows of some runs, the first of them number `first` among the used ones.
    pub(super) fn new(lags: Lags, first: usize, runs: impl Iterator<Item = Run>) -> Self {
        let before = lags.window_bins.saturating_sub(1);
        let (mut stretches, mut pieces): (Vec<Stretch>, Vec<Piece>) = (Vec::new(), Vec::new());
        let mut n_rows = 0;
        // the row and position after the last
        let (mut end_row, mut end) = (0, 0);
        for run in runs {
            let gap = run.row.checked_sub(end_row).filter(|gap| *gap <= before);
            let position = match (gap, pieces.last_mut()) {
                (Some(gap), Some(piece)) => {
                    piece.len += gap + run.len;
                    end + gap
                }
                _ => {
                    let bin = run.row.saturating_add_signed(lags.shift).saturating_sub(before);
                    pieces.push(Piece { position: end, bin, len: before + run.len });
                    end + before
                }
            };
            stretches.push(Stretch { used: run.used - first, position, len: run.len });
            n_rows += run.len;
            (end_row, end) = (run.row + run.len, position + run.len);
        }
        Self { stretches, pieces, n_rows }
    }

    /// Positions.
    pub(super) fn len(&self) -> usize {
        self.pieces.last().map_or(0, |piece| piece.position + piece.len)
    }

    /// The bins.
    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The position of every row.
    pub(super) fn places(&self) -> Vec<u32> {
        let mut places = Vec::with_capacity(self.n_rows);
        for stretch in &self.stretches {
            places.extend((stretch.position..stretch.position + stretch.len).map(|position| position as u32));
        }
        places
    }

    /// The row at every position.
    pub(super) fn rows(&self) -> Vec<u32> {
        let mut rows = vec![NO_ROW; self.len()];
        for stretch in &self.stretches {
            let own = &mut rows[stretch.position..stretch.position + stretch.len];
            own.iter_mut().zip(stretch.used..).for_each(|(to, row)| *to = row as u32);
        }
        rows
    }

    /// Whether the rows lie one after the other.
    pub(super) fn is_one_stretch(&self) -> bool {
        self.stretches.len() == 1
    }

    /// The positions from the first to the last of some rows.
    pub(super) fn positions(&self, rows: &Range<usize>) -> Range<usize> {
        let place = |row: usize| {
            let after = self.stretches.partition_point(|stretch| stretch.used <= row);
            self.stretches[..after].last().map_or(0, |stretch| stretch.position + row - stretch.used)
        };
        if rows.is_empty() { 0..0 } else { place(rows.start)..place(rows.end - 1) + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_finds_its_window_before_it() {
        let runs = [(0, 20, 5), (5, 27, 1), (6, 90, 300), (306, 30, 2), (308, 40, 7)];
        let runs = runs.map(|(used, row, len)| Run { used, row, len });
        for window_bins in [1, 3, 10] {
            for shift in [-1, 0, 2] {
                let lags = Lags { window_bins, shift };
                let axis = Axis::new(lags, 0, runs.into_iter());
                let mut bins = vec![usize::MAX; axis.len()];
                for piece in axis.pieces() {
                    for k in 0..piece.len {
                        assert_eq!(bins[piece.position + k], usize::MAX);
                        bins[piece.position + k] = piece.bin + k;
                    }
                }
                let (places, rows) = (axis.places(), axis.rows());
                assert_eq!(rows.iter().filter(|row| **row != NO_ROW).count(), 315);
                for run in runs {
                    for k in 0..run.len {
                        let position = places[run.used + k] as usize;
                        assert_eq!(rows[position] as usize, run.used + k);
                        assert_eq!(axis.positions(&(run.used + k..run.used + k + 1)), position..position + 1);
                        let seen = lags.bins(&(run.row + k..run.row + k + 1));
                        assert!(bins[position + 1 - window_bins..=position].iter().copied().eq(seen));
                    }
                }
            }
        }
        assert_eq!(Axis::new(Lags { window_bins: 4, shift: -1 }, 0, std::iter::empty()).len(), 0);
    }
}
