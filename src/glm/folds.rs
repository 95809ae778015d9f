//! Folds of cross-validation: which bins a model is fitted to, and which it is scored on.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::design::Rows;
use crate::{Error, Result};

/// One fold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// Bins that are fitted.
    pub train: Rows,
    /// Bins that are scored.
    pub test: Rows,
}

/// Folds: every used bin is scored in exactly one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folds {
    folds: Vec<Fold>,
}

impl Folds {
    /// Bins at random. Neighbouring bins of a recording resemble each other, so that a model is scored on what it has
    /// nearly seen: of a time series [`Folds::blocked`] says more.
    ///
    /// # Errors
    /// [`Error::Argument`] for fewer than 2 folds, or more than bins.
    pub fn shuffled(rows: &Rows, n_folds: usize, seed: u64) -> Result<Self> {
        check(rows, n_folds)?;
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let mut fold_of = vec![0; rows.len()];
        for (place, used) in order.into_iter().enumerate() {
            fold_of[used] = place % n_folds;
        }
        let some = |number: usize, is_test: bool| {
            let own = rows.iter().zip(&fold_of).filter(|(_, fold)| (**fold == number) == is_test);
            own.map(|(row, _)| row).collect()
        };
        let fold = |number: usize| Fold { train: some(number, false), test: some(number, true) };
        Ok(Self { folds: (0..n_folds).map(fold).collect() })
    }

    /// Refuses folds of rows that a design does not use.
    pub(super) fn check_within(&self, rows: &Rows) -> Result<()> {
        let outside = |some: &Rows| {
            let mut used = rows.iter().peekable();
            some.iter().find(|row| {
                while used.next_if(|own| own < row).is_some() {}
                used.next_if_eq(row).is_none()
            })
        };
        match self.folds.iter().find_map(|fold| outside(&fold.train).or_else(|| outside(&fold.test))) {
            None => Ok(()),
            Some(row) => {
                let help = "make the folds of the rows of the design: DesignPlan::rows";
                Err(Error::argument("folds", "rows that the design uses", format!("row {row}"), help))
            }
        }
    }

    /// Stretches of neighbours of about the same number of used bins. Bins less than `gap` bins away from a stretch that is
    /// scored are not fitted: they would tell of it through windows and slow changes.
    ///
    /// # Errors
    /// [`Error::Argument`] for fewer than 2 folds, more than bins, and a gap that leaves nothing to fit.
    pub fn blocked(rows: &Rows, n_folds: usize, gap: usize) -> Result<Self> {
        check(rows, n_folds)?;
        let fold = |number: usize| {
            let [start, end] = [number, number + 1].map(|k| k * rows.len() / n_folds);
            let test: Rows = rows.some(start..end).collect();
            let first = rows.some(start..end).next().unwrap_or(0).saturating_sub(gap);
            let last = test.max().unwrap_or(0).saturating_add(gap);
            let train: Rows = rows.iter().filter(|row| *row < first || *row > last).collect();
            Fold { train, test }
        };
        let folds: Vec<Fold> = (0..n_folds).map(fold).collect();
        if folds.iter().any(|fold| fold.train.is_empty()) {
            let (expected, help) = ("a gap that leaves bins to fit", "give a shorter gap or fewer folds");
            return Err(Error::argument("gap", expected, format!("{gap} bins"), help));
        }
        Ok(Self { folds })
    }

    /// The folds.
    pub fn iter(&self) -> impl Iterator<Item = &Fold> {
        self.folds.iter()
    }

    /// How many there are.
    #[allow(clippy::len_without_is_empty, reason = "there are at least two")]
    pub fn len(&self) -> usize {
        self.folds.len()
    }
}

fn check(rows: &Rows, n_folds: usize) -> Result<()> {
    if (2..=rows.len()).contains(&n_folds) {
        return Ok(());
    }
    let expected = format!("2 to {}, the number of bins", rows.len());
    Err(Error::argument("folds", expected, n_folds.to_string(), "use 5 or 10"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Rows {
        Rows::from_ranges([0..40, 60..103])
    }

    fn are_scored_once(folds: &Folds) {
        let mut scored: Vec<usize> =
            folds.iter().flat_map(|fold| fold.test.iter().collect::<Vec<_>>()).collect();
        scored.sort_unstable();
        assert_eq!(scored, rows().iter().collect::<Vec<_>>());
        for fold in folds.iter() {
            assert!(fold.train.iter().all(|row| !fold.test.iter().any(|test| test == row)));
            assert!((83 / folds.len()..=83 / folds.len() + 1).contains(&fold.test.len()));
        }
    }

    #[test]
    fn every_bin_is_scored_once_and_never_by_a_model_that_has_seen_it() {
        for n_folds in [2, 5, 10, 83] {
            for folds in [Folds::shuffled(&rows(), n_folds, 7), Folds::blocked(&rows(), n_folds, 0)] {
                let folds = folds.unwrap();
                assert_eq!(folds.len(), n_folds);
                are_scored_once(&folds);
                assert!(folds.iter().all(|fold| fold.train.len() + fold.test.len() == 83));
            }
        }
        assert_eq!(Folds::shuffled(&rows(), 5, 7).unwrap(), Folds::shuffled(&rows(), 5, 7).unwrap());
        assert_ne!(Folds::shuffled(&rows(), 5, 7).unwrap(), Folds::shuffled(&rows(), 5, 8).unwrap());
    }

    #[test]
    fn a_gap_keeps_neighbours_out() {
        let folds = Folds::blocked(&rows(), 4, 3).unwrap();
        are_scored_once(&folds);
        let fold = folds.iter().nth(1).unwrap();
        // bins 20 to 39 and the first of the second stretch
        assert_eq!((fold.test.iter().next(), fold.test.max()), (Some(20), Some(60)));
        assert_eq!(fold.train.iter().find(|row| *row > 16), Some(64));
        assert!(Folds::blocked(&rows(), 2, 1000).is_err());
        for n_folds in [0, 1, 84] {
            assert!(
                Folds::blocked(&rows(), n_folds, 0).is_err() && Folds::shuffled(&rows(), n_folds, 0).is_err()
            );
        }
    }
}
