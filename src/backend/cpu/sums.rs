//! Running sums of one thread: what kernels add to, in the type of the storage, and what leaves a chunk, in `f64`.

use super::Storage;
use super::lanes::{LANES, Lanes, flush};
use super::signals::{Pending, Signals};
use super::simd::Level;
use super::target_rows::TargetRowSums;
use super::target_sizes::TargetSizes;
use super::targets::TargetSums;
use super::weighted_gram::GramSums;

/// One kind of sums of a pass, for all its targets.
#[derive(Debug, Default)]
pub(super) struct Sums<T: Storage> {
    totals: Vec<f64>,
    partial: Partial<T>,
    /// Whether a kernel of this pass adds to the partial sums, which may be left from another.
    in_use: bool,
}

/// Sums that are not in the totals yet.
#[derive(Debug, Default)]
enum Partial<T: Storage> {
    #[default]
    None,
    /// One number each.
    Plain(Vec<T>),
    /// Several side by side each.
    Lanes(Vec<Lanes<T>>),
    /// Those of a Gram.
    Gram(GramSums<T>),
    /// Products of columns with several targets.
    Targets(TargetSums<T>),
    /// Products of rows with several targets.
    TargetRows(TargetRowSums<T>),
    /// Magnitudes of several targets.
    TargetSizes(Box<TargetSizes>),
    /// Residuals that wait to be correlated with channels.
    Residuals(Pending<T>),
}

impl<T: Storage> Sums<T> {
    /// Starts again with `n` sums of 0.
    pub(super) fn reset(&mut self, n: usize) {
        self.totals.clear();
        self.totals.resize(n, 0.0);
        self.in_use = false;
    }

    /// The partial sums of this pass from 0, made anew unless they have the right shape.
    fn open(&mut self, fits: impl Fn(&Partial<T>) -> bool, new: impl FnOnce() -> Partial<T>) {
        if self.in_use {
            return;
        }
        self.in_use = true;
        if !fits(&self.partial) {
            self.partial = new();
            return;
        }
        match &mut self.partial {
            Partial::None => {}
            Partial::Plain(sums) => sums.fill(T::ZERO),
            Partial::Lanes(lanes) => lanes.fill([T::ZERO; LANES]),
            Partial::Gram(gram) => gram.reset(),
            Partial::Targets(sums) => sums.reset(),
            Partial::TargetRows(sums) => sums.reset(),
            Partial::TargetSizes(sums) => sums.reset(),
            Partial::Residuals(pending) => pending.reset(),
        }
    }

    /// The totals, for kernels that add to `f64` themselves.
    pub(super) fn totals_mut(&mut self) -> &mut [f64] {
        &mut self.totals
    }

    /// The totals, after [`Sums::flush`].
    pub(super) fn totals(&self) -> &[f64] {
        &self.totals
    }

    /// Hands the totals out.
    pub(super) fn take(&mut self) -> Vec<f64> {
        std::mem::take(&mut self.totals)
    }

    /// One number for each sum.
    pub(super) fn plain(&mut self) -> &mut [T] {
        let n = self.totals.len();
        let fits = |partial: &Partial<T>| matches!(partial, Partial::Plain(sums) if sums.len() == n);
        self.open(fits, || Partial::Plain(vec![T::ZERO; n]));
        match &mut self.partial {
            Partial::Plain(sums) => sums,
            _ => &mut [],
        }
    }

    /// Lanes for each sum.
    pub(super) fn lanes(&mut self) -> &mut [Lanes<T>] {
        let n = self.totals.len();
        let fits = |partial: &Partial<T>| matches!(partial, Partial::Lanes(lanes) if lanes.len() == n);
        self.open(fits, || Partial::Lanes(vec![[T::ZERO; LANES]; n]));
        match &mut self.partial {
            Partial::Lanes(lanes) => lanes,
            _ => &mut [],
        }
    }

    /// The sums of a Gram of `n_columns` columns.
    pub(super) fn gram(&mut self, level: Level, n_columns: usize) -> Option<&mut GramSums<T>> {
        let fits =
            |partial: &Partial<T>| matches!(partial, Partial::Gram(gram) if gram.n_columns() == n_columns);
        self.open(fits, || Partial::Gram(GramSums::new(level, n_columns)));
        match &mut self.partial {
            Partial::Gram(gram) => Some(gram),
            _ => None,
        }
    }

    /// Products of `n_columns` columns with several targets.
    pub(super) fn targets(
        &mut self,
        level: Level,
        n_columns: usize,
        n_targets: usize,
    ) -> Option<&mut TargetSums<T>> {
        let shape = (n_columns, n_targets);
        let fits = |partial: &Partial<T>| matches!(partial, Partial::Targets(sums) if sums.shape() == shape);
        self.open(fits, || Partial::Targets(TargetSums::new(level, n_columns, n_targets)));
        match &mut self.partial {
            Partial::Targets(sums) => Some(sums),
            _ => None,
        }
    }

    /// Products of rows of `n_columns` columns with several targets.
    pub(super) fn target_rows(
        &mut self,
        level: Level,
        n_columns: usize,
        n_targets: usize,
    ) -> Option<&mut TargetRowSums<T>> {
        let shape = (n_columns, n_targets);
        let fits =
            |partial: &Partial<T>| matches!(partial, Partial::TargetRows(sums) if sums.shape() == shape);
        self.open(fits, || Partial::TargetRows(TargetRowSums::new(level, n_columns, n_targets)));
        match &mut self.partial {
            Partial::TargetRows(sums) => Some(sums),
            _ => None,
        }
    }

    /// Magnitudes of several targets in `n_columns` columns.
    pub(super) fn target_sizes(
        &mut self,
        level: Level,
        n_columns: usize,
        n_targets: usize,
    ) -> Option<&mut TargetSizes> {
        let shape = (n_columns, n_targets);
        let fits =
            |partial: &Partial<T>| matches!(partial, Partial::TargetSizes(sums) if sums.shape() == shape);
        self.open(fits, || Partial::TargetSizes(Box::new(TargetSizes::new(level, n_columns, n_targets))));
        match &mut self.partial {
            Partial::TargetSizes(sums) => Some(sums),
            _ => None,
        }
    }

    /// Residuals that wait to be correlated with these channels.
    pub(super) fn pending(&mut self, level: Level, signals: &Signals<T>) -> Option<&mut Pending<T>> {
        let fits =
            |partial: &Partial<T>| matches!(partial, Partial::Residuals(pending) if pending.is_of(signals));
        self.open(fits, || Partial::Residuals(Pending::new(level, signals)));
        match &mut self.partial {
            Partial::Residuals(pending) => Some(pending),
            _ => None,
        }
    }

    /// Adds what was summed since the last time to the totals. Products of matrices keep their own until [`Sums::close`].
    pub(super) fn flush(&mut self) {
        match &mut self.partial {
            _ if !self.in_use => {}
            Partial::None
            | Partial::Gram(_)
            | Partial::Targets(_)
            | Partial::TargetRows(_)
            | Partial::TargetSizes(_) => {}
            Partial::Plain(sums) => {
                for (total, sum) in self.totals.iter_mut().zip(sums) {
                    *total += sum.to_f64();
                    *sum = T::ZERO;
                }
            }
            Partial::Lanes(lanes) => flush(lanes, &mut self.totals),
            Partial::Residuals(pending) => pending.flush(&mut self.totals),
        }
    }

    /// The end of a chunk.
    pub(super) fn close(&mut self) {
        self.flush();
        let (found, n_targets) = match &mut self.partial {
            Partial::Gram(gram) if self.in_use => (gram.finish(), 1),
            Partial::Targets(sums) if self.in_use => (sums.finish(), sums.shape().1),
            Partial::TargetRows(sums) if self.in_use => (sums.finish(), sums.shape().1),
            Partial::TargetSizes(sums) if self.in_use => (sums.finish(), sums.shape().1),
            Partial::Residuals(pending) if self.in_use => return pending.close(&mut self.totals),
            _ => return,
        };
        // the intercept, which comes first, may be summed apart
        let (n, n_found) = (self.totals.len() / n_targets, found.len() / n_targets);
        for k in 0..n_targets {
            let totals = &mut self.totals[(k + 1) * n - n_found..(k + 1) * n];
            totals.iter_mut().zip(&found[k * n_found..]).for_each(|(total, sum)| *total += sum);
        }
    }
}
