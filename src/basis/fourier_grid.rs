//! Cosines and sines over several signals at once.

use std::f64::consts::TAU;

use ndarray::Array2;

use crate::{Error, Result};

/// Cosines and sines of tuples of whole frequencies, one per signal.
///
/// The tuples are all combinations of the frequencies of each dimension, the first dimension slowest. With J tuples:
///
/// ```text
/// a_j = 2 pi sum_d f_{jd} u_d;   cos a_0, .., cos a_{J-1}, sin a_0, .., sin a_{J-1}
/// ```
///
/// The sine of the tuple of zeros is left out. Only tuples of frequencies from 0 on take part, so in two and more
/// dimensions a wave that travels the other way is not among them.
///
/// # Source
/// `FourierEval` of `NeMoS` with `ndim` above 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FourierGrid {
    tuples: Vec<Vec<usize>>,
}

impl FourierGrid {
    /// All tuples of the frequencies of each dimension but the tuple of zeros.
    ///
    /// # Errors
    /// [`Error::Argument`] without dimensions or tuples, and for frequencies that do not increase.
    pub fn new(frequencies: &[Vec<usize>]) -> Result<Self> {
        Self::masked(frequencies, |tuple| tuple.iter().any(|&f| f > 0))
    }

    /// The tuples that `keep` says; the tuple of zeros may be among them.
    ///
    /// # Errors
    /// Those of [`FourierGrid::new`].
    pub fn masked(frequencies: &[Vec<usize>], keep: impl Fn(&[usize]) -> bool) -> Result<Self> {
        let mut tuples = vec![Vec::new()];
        for own in frequencies {
            let longer = |tuple: &Vec<usize>| {
                let tuple = tuple.clone();
                own.iter().map(move |&f| [tuple.as_slice(), &[f]].concat())
            };
            tuples = tuples.iter().flat_map(longer).collect();
        }
        tuples.retain(|tuple| keep(tuple));
        let is_sorted = frequencies.iter().all(|own| own.is_sorted_by(|a, b| a < b));
        if !frequencies.is_empty() && is_sorted && !tuples.is_empty() {
            return Ok(Self { tuples });
        }
        Err(Error::argument(
            "frequencies of each dimension",
            "one or more dimensions, increasing frequencies, at least one tuple that is kept",
            format!("{frequencies:?}"),
            "give for example the frequencies 0 to 2 of each of two signals",
        ))
    }

    /// The tuples, in the order of the cosines.
    pub fn tuples(&self) -> &[Vec<usize>] {
        &self.tuples
    }

    /// How many functions there are: two per tuple, one for the tuple of zeros.
    pub fn n_functions(&self) -> usize {
        self.tuples.len() + self.sines().count()
    }

    fn sines(&self) -> impl Iterator<Item = &Vec<usize>> {
        self.tuples.iter().filter(|tuple| tuple.iter().any(|&f| f > 0))
    }

    /// Every function at samples of all signals, in periods: shape (samples, functions).
    ///
    /// # Errors
    /// [`Error::Length`] for another number of signals or signals of different lengths.
    pub fn expand(&self, signals: &[&[f64]]) -> Result<Array2<f64>> {
        let n_dimensions = self.tuples.first().map_or(0, Vec::len);
        let n_samples = signals.first().map_or(0, |signal| signal.len());
        let lengths = signals.iter().map(|signal| (n_samples, signal.len()));
        for (expected, found) in [(n_dimensions, signals.len())].into_iter().chain(lengths) {
            if expected != found {
                return Err(Error::Length { what: "signals of a Fourier grid".into(), expected, found });
            }
        }
        let mut out = Array2::zeros((n_samples, self.n_functions()));
        for (t, mut row) in out.rows_mut().into_iter().enumerate() {
            let angle = |tuple: &Vec<usize>| {
                tuple.iter().zip(signals).map(|(&f, signal)| TAU * f as f64 * signal[t]).sum::<f64>()
            };
            let cosines = self.tuples.iter().map(|tuple| angle(tuple).cos());
            let all = cosines.chain(self.sines().map(|tuple| angle(tuple).sin()));
            row.iter_mut().zip(all).for_each(|(value, function)| *value = function);
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_dimension_is_slowest() {
        let grid = FourierGrid::new(&[vec![0, 1], vec![0, 1]]).unwrap();
        assert_eq!(grid.tuples(), [[0, 1], [1, 0], [1, 1]]);
        assert_eq!(grid.n_functions(), 6);
        let out = grid.expand(&[&[0.25], &[0.0]]).unwrap();
        let expected = [1.0, 0.0, 0.0, 0.0, 1.0, 1.0];
        assert!(out.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{out}");
        assert!(grid.expand(&[&[0.25]]).is_err() && grid.expand(&[&[0.25], &[]]).is_err());
    }

    #[test]
    fn a_mask_chooses_tuples() {
        let all = FourierGrid::masked(&[vec![0, 1], vec![0, 2]], |_| true).unwrap();
        assert_eq!((all.tuples().len(), all.n_functions()), (4, 7));
        assert!(FourierGrid::masked(&[vec![0, 1]], |_| false).is_err());
        assert!(FourierGrid::new(&[vec![1, 0]]).is_err() && FourierGrid::new(&[]).is_err());
    }
}
