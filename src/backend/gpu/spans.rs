//! Runs of rows that one dispatch takes.

use std::ops::Range;

use super::array::{Array, MOST_ROWS};
use crate::backend::Every;
use crate::backend::cpu::TILE_ROWS;

/// Numbers of a row vector of a run at most, over all targets.
const MOST_NUMBERS: usize = 1 << 25;

/// Rows of one dispatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Where they lie.
    pub(super) rows: Range<usize>,
    /// The first that is taken, counted from there.
    pub(super) first: usize,
    /// How many are taken.
    pub(super) n: usize,
}

/// Rows per run by its work, a power of two: as few as take a submission, and no less than a work group takes.
pub(super) fn work_rows(submission_flop: f64, flop_per_row: f64, group_rows: usize) -> usize {
    let rows = ((submission_flop / flop_per_row.max(1.0)) as usize).max(group_rows).max(TILE_ROWS);
    (1 << rows.ilog2()).min(MOST_ROWS)
}

/// Rows per run, a power of two and at most `work_rows`: those of one buffer in all matrices, and of `width` numbers a row that
/// are made in the pass (vectors of all targets, rows put side by side).
pub(super) fn span_rows<'x, 'a: 'x>(
    arrays: impl Iterator<Item = &'x Array<'a>>,
    width: usize,
    work_rows: usize,
    binding_bytes: u64,
) -> usize {
    let of_buffers = arrays.map(Array::rows_of_buffer).min().unwrap_or(MOST_ROWS);
    let numbers = MOST_NUMBERS.min(binding_bytes as usize / size_of::<f32>());
    let by_vectors = (numbers / width.max(1)).max(TILE_ROWS);
    work_rows.min(of_buffers).min(1 << by_vectors.ilog2())
}

/// The runs of `rows` that no buffer cuts: neither of matrices, nor of vectors whose first entry is that of the first row.
pub(super) fn cut(rows: &Range<usize>, span_rows: usize) -> Vec<Span> {
    let mut cut = Vec::new();
    for span in spans(rows.clone(), span_rows, Every::ROW) {
        let own = span.rows.start - rows.start..span.rows.end - rows.start;
        cut.extend(spans(own, span_rows, Every::ROW).into_iter().map(|part| {
            let rows = part.rows.start + rows.start..part.rows.end + rows.start;
            Span { rows, ..part }
        }));
    }
    cut
}

/// The runs of `rows`, the first a multiple of `span_rows` or any row where all are taken from the first on.
pub(super) fn spans(rows: Range<usize>, span_rows: usize, every: Every) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut first = rows.start;
    while first < rows.end {
        let end = (first / span_rows + 1) * span_rows;
        let own = first..end.min(rows.end);
        let step = every.0 * TILE_ROWS;
        let taken = own.start.next_multiple_of(step);
        if every.0 == 1 {
            spans.push(Span { rows: own.clone(), first: 0, n: own.len() });
        } else if taken < own.end {
            let last = (own.end - 1 - taken) / step;
            let n = last * TILE_ROWS + (own.end - taken - last * step).min(TILE_ROWS);
            spans.push(Span { rows: own.clone(), first: taken - own.start, n });
        }
        first = own.end;
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_take_every_row_once_or_those_of_some_tiles() {
        for (n_rows, span) in [(1, 256), (1000, 256), (70_000, 4096), (4096, 4096)] {
            for every in [1, 2, 3, 16, 1000] {
                let mut taken = Vec::new();
                for own in spans(0..n_rows, span, Every(every)) {
                    assert!(own.rows.start % span == 0 && own.rows.len() <= span);
                    for i in 0..own.n {
                        // as `row_of` of the kernels
                        let row = own.first + (i >> 8) * every * 256 + (i & 255);
                        assert!(row < own.rows.len());
                        taken.push(own.rows.start + row);
                    }
                }
                let expected: Vec<usize> = (0..n_rows).filter(|row| (row / 256) % every == 0).collect();
                assert_eq!(taken, expected, "{n_rows} {span} {every}");
            }
        }
    }
}
