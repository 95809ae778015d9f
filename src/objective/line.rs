//! Trial steps along a direction.
//!
//! Linear predictor and direction of every row are kept, so that a trial costs no pass over the design. Of very many rows
//! or targets they would take more memory than a design that is not written out: then every trial computes them again,
//! one part of the rows at a time. Sums are formed in the same order either way.

use std::ops::Range;

use super::GlmObjective;
use crate::Result;
use crate::backend::{Backend, Every, Home, Into, LINE_ROWS, Reach};
use crate::math::dense::Matrix;

/// Most numbers of a line that is kept.
pub(super) const MOST_KEPT: usize = 1 << 25;
/// About as many of a part of a line that is computed for one trial.
const PART: usize = 3 << 20;
/// The same on a device, which takes long to start.
const MOST_KEPT_ON_DEVICE: usize = 1 << 26;
const PART_ON_DEVICE: usize = 1 << 24;

/// The part of the memory that a line may take: one in so many bytes.
const PART_OF_MEMORY: u64 = 8;

/// Numbers of lines: of one that is kept, and of a part of one that is not.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineSizes {
    pub(super) most_kept: usize,
    pub(super) part: usize,
}

impl LineSizes {
    /// Those of a backend.
    pub(super) fn of(home: Home) -> Self {
        match home {
            Home::Host => Self { most_kept: MOST_KEPT, part: PART },
            Home::Device { .. } => Self { most_kept: MOST_KEPT_ON_DEVICE, part: PART_ON_DEVICE },
        }
    }

    /// The same where lines may take no more than a part of the memory.
    pub(super) fn within(self, limit_bytes: Option<u64>) -> Self {
        let most = limit_bytes.map(|limit| limit / (PART_OF_MEMORY * size_of::<f64>() as u64));
        let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
        Self { most_kept: self.most_kept.min(most), part: self.part.min(most) }
    }
}

/// A point and a direction on the backend.
pub(super) struct Aimed<B: Backend> {
    targets: Vec<usize>,
    at: (Vec<f64>, Vec<B::Array<'static>>),
    direction: (Vec<f64>, Vec<B::Array<'static>>),
    /// Slope and curvature along the line of the smooth part of each target's penalty.
    penalties: Vec<[f64; 2]>,
    /// Where the penalty has kinks: the point and the direction of each target.
    kinked: Vec<[Vec<f64>; 2]>,
    line: Option<B::Line>,
}

/// The rows of a line that are computed together, of so many rows, targets and rows that blocks like to have together.
pub(super) fn parts(n_rows: usize, n_targets: usize, grain: usize, sizes: LineSizes) -> Vec<Range<usize>> {
    let LineSizes { most_kept, part } = sizes;
    if 2 * n_rows * n_targets <= most_kept {
        return std::iter::once(0..n_rows).collect();
    }
    let unit = grain.max(LINE_ROWS).next_multiple_of(LINE_ROWS);
    let rows = (part.min(most_kept) / (2 * n_targets.max(1)) / unit).max(1) * unit;
    (0..n_rows).step_by(rows).map(|first| first..n_rows.min(first + rows)).collect()
}

impl<B: Backend> GlmObjective<'_, B> {
    /// Takes aim; whether the line is kept, because it is not too long.
    pub(super) fn take_aim(&mut self, at: &Matrix, direction: &Matrix, targets: &[usize]) -> Result<bool> {
        let load = |point: &Matrix| Ok((point.row(0).to_vec(), self.load(point)?));
        let penalty = |k: usize| {
            let [at, direction] = [at, direction].map(|point| point.column(k).to_vec());
            let penalty = self.penalty_of(targets[k]);
            [penalty.product(&at, &direction), penalty.product(&direction, &direction)]
        };
        let penalties = (0..targets.len()).map(penalty).collect();
        let n_kinked = if self.penalties[0].kinks().is_none() { 0 } else { targets.len() };
        let ends = |k: usize| [at, direction].map(|point| point.column(k).to_vec());
        let kinked = (0..n_kinked).map(ends).collect();
        let (at, direction) = (load(at)?, load(direction)?);
        let mut aimed = Aimed { targets: targets.to_vec(), at, direction, penalties, kinked, line: None };
        if let [all] = self.parts(&aimed).as_slice() {
            aimed.line = Some(self.trace(&aimed, all.clone())?);
            self.passes += 1;
        }
        let is_kept = aimed.line.is_some();
        self.aimed = Some(aimed);
        Ok(is_kept)
    }

    /// Change of each loss for its step.
    pub(super) fn changes(&mut self, steps: &[f64]) -> Result<Vec<f64>> {
        let mut changes = vec![0.0; steps.len()];
        self.along(|f, line| f.on.loss_changes(line, f.model, f.observed(), steps, &mut changes))?;
        changes.iter_mut().for_each(|change| *change /= self.design.n_rows as f64);
        if let Some(aimed) = &self.aimed {
            let own = steps.iter().zip(&aimed.penalties);
            let own = own.map(|(step, [slope, curvature])| step * (slope + 0.5 * step * curvature));
            changes.iter_mut().zip(own).for_each(|(change, own)| *change += own);
            let kinked = steps.iter().zip(&aimed.targets).zip(&aimed.kinked);
            for (change, ((step, &target), [at, direction])) in changes.iter_mut().zip(kinked) {
                let kinks = self.penalty_of(target).kinks();
                *change += kinks.change(at, direction, *step, &vec![0.0; at.len()]);
            }
        }
        Ok(changes)
    }

    /// How far the direction moves each linear predictor.
    pub(super) fn reaches(&mut self) -> Result<Vec<Reach>> {
        let n_targets = self.aimed.as_ref().map_or(0, |aimed| aimed.targets.len());
        let mut reach = vec![Reach::NONE; n_targets];
        self.along(|f, line| f.on.reach(line, f.observed(), &mut reach))?;
        Ok(reach)
    }

    /// Shows the line to `look`, part by part.
    fn along(&mut self, mut look: impl FnMut(&Self, &B::Line) -> Result<()>) -> Result<()> {
        let Some(aimed) = &self.aimed else { return Ok(()) };
        if let Some(line) = &aimed.line {
            return look(self, line);
        }
        for rows in self.parts(aimed) {
            look(self, &self.trace(aimed, rows)?)?;
        }
        self.passes += 1;
        Ok(())
    }

    fn parts(&self, aimed: &Aimed<B>) -> Vec<Range<usize>> {
        parts(self.design.n_rows, aimed.targets.len(), self.design.grain(), self.line_sizes)
    }

    fn trace(&self, aimed: &Aimed<B>, rows: Range<usize>) -> Result<B::Line> {
        self.on.trace(self.sweep(Every::ROW, &aimed.targets), rows, &|work, rows| {
            self.design.stop.check()?;
            self.forward(work, &rows, &aimed.at.0, &aimed.at.1, Into::Eta);
            self.forward(work, &rows, &aimed.direction.0, &aimed.direction.1, Into::Direction);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_takes_no_more_than_its_part_of_the_memory() {
        let of = LineSizes::of(Home::Host);
        assert_eq!((of.within(None).most_kept, of.within(Some(u64::MAX)).part), (MOST_KEPT, PART));
        let small = of.within(Some(64_000_000));
        assert_eq!((small.most_kept, small.part), (1_000_000, 1_000_000));
        assert_eq!(parts(400_000, 1, 0, small).len(), 1);
        assert!(parts(800_000, 1, 0, small).len() > 1);
    }

    #[test]
    fn the_memory_of_a_line_is_bounded() {
        for (n_rows, n_targets, grain) in
            [(100_000_000, 1, 15_360), (1_000_000, 300, 0), (20_000_000, 1, 61_440), (1_000, 1, 0)]
        {
            let parts = parts(n_rows, n_targets, grain, LineSizes::of(Home::Host));
            assert_eq!((parts[0].start, parts[parts.len() - 1].end), (0, n_rows));
            assert!(
                parts.windows(2).all(|pair| pair[0].end == pair[1].start && pair[1].start % LINE_ROWS == 0)
            );
            let longest = parts.iter().map(Range::len).max().unwrap();
            assert!(2 * longest * n_targets <= MOST_KEPT, "{n_rows} x {n_targets}: {longest}");
            assert_eq!(parts.len() == 1, 2 * n_rows * n_targets <= MOST_KEPT);
        }
    }
}
