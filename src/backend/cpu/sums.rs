//! Running sums of one thread: what kernels add to, in the type of the storage, and what leaves a chunk, in `f64`.

use super::lanes::{LANES, Lanes, flush};
use super::weighted_gram::GramSums;
use super::Storage;

/// One kind of sums of a pass, for all its targets.
#[derive(Debug, Default)]
pub(super) struct Sums<T: Storage> {
    totals: Vec<f64>,
    partial: Partial<T>,
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
}

impl<T: Storage> Sums<T> {
    /// Starts again with `n` sums of 0.
    pub(super) fn reset(&mut self, n: usize) {
        self.totals.clear();
        self.totals.resize(n, 0.0);
        self.clear();
    }

    fn clear(&mut self) {
        match &mut self.partial {
            Partial::None => {}
            Partial::Plain(sums) => sums.fill(T::ZERO),
            Partial::Lanes(lanes) => lanes.fill([T::ZERO; LANES]),
            Partial::Gram(gram) => gram.reset(),
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
        if !matches!(&self.partial, Partial::Plain(sums) if sums.len() == n) {
            self.partial = Partial::Plain(vec![T::ZERO; n]);
        }
        match &mut self.partial {
            Partial::Plain(sums) => sums,
            _ => &mut [],
        }
    }

    /// Lanes for each sum.
    pub(super) fn lanes(&mut self) -> &mut [Lanes<T>] {
        let n = self.totals.len();
        if !matches!(&self.partial, Partial::Lanes(lanes) if lanes.len() == n) {
            self.partial = Partial::Lanes(vec![[T::ZERO; LANES]; n]);
        }
        match &mut self.partial {
            Partial::Lanes(lanes) => lanes,
            _ => &mut [],
        }
    }

    /// The sums of a Gram, made by `new` if there are none for `n_columns` columns.
    pub(super) fn gram(&mut self, n_columns: usize, new: impl Fn() -> GramSums<T>) -> Option<&mut GramSums<T>> {
        if !matches!(&self.partial, Partial::Gram(gram) if gram.n_columns() == n_columns) {
            self.partial = Partial::Gram(new());
        }
        match &mut self.partial {
            Partial::Gram(gram) => Some(gram),
            _ => None,
        }
    }

    /// Adds what was summed since the last time to the totals. A Gram keeps its own until [`Sums::close`].
    pub(super) fn flush(&mut self) {
        match &mut self.partial {
            Partial::None | Partial::Gram(_) => {}
            Partial::Plain(sums) => {
                for (total, sum) in self.totals.iter_mut().zip(sums) {
                    *total += sum.to_f64();
                    *sum = T::ZERO;
                }
            }
            Partial::Lanes(lanes) => flush(lanes, &mut self.totals),
        }
    }

    /// The end of a chunk.
    pub(super) fn close(&mut self) {
        self.flush();
        if let Partial::Gram(gram) = &mut self.partial {
            self.totals.iter_mut().zip(gram.finish()).for_each(|(total, sum)| *total += sum);
        }
    }
}
