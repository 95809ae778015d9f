//! Counts that own their numbers, as bytes where that loses nothing.
//!
//! A program that holds its data through a fit should not hold 8 bytes for a count that takes one: beside the features
//! of a large population, its counts in float64 are the second largest thing in memory. Making them takes both at once.

use ndarray::{Array1, Array2};

use super::Counts;
use super::counts::byte;
use crate::math::numbers::Numbers;
use crate::math::real::Real;

/// Counts of targets, shape (bins, targets).
#[derive(Clone, Debug, PartialEq)]
pub enum OwnedCounts {
    /// Any numbers.
    F64(Array2<f64>),
    /// Whole numbers from 0 to 255.
    Bytes(Array2<u8>),
}

impl From<Array2<f64>> for OwnedCounts {
    fn from(y: Array2<f64>) -> Self {
        bytes(&y).map_or(Self::F64(y), Self::Bytes)
    }
}

impl From<Numbers> for OwnedCounts {
    fn from(y: Numbers) -> Self {
        match y {
            Numbers::F64(y) => y.into(),
            Numbers::F32(y) => bytes(&y).map_or_else(|| Self::F64(y.mapv(f64::from)), Self::Bytes),
        }
    }
}

impl OwnedCounts {
    /// The same counts, borrowed.
    pub fn view(&self) -> Counts<'_> {
        match self {
            Self::F64(y) => y.view().into(),
            Self::Bytes(y) => y.view().into(),
        }
    }

    /// Bins.
    pub fn nrows(&self) -> usize {
        self.view().nrows()
    }

    /// Targets.
    pub fn ncols(&self) -> usize {
        self.view().ncols()
    }

    /// The count of one bin and target.
    ///
    /// # Panics
    /// If there is no such bin or target.
    pub fn get(&self, bin: usize, target: usize) -> f64 {
        self.view().get(bin, target)
    }

    /// The counts of one target, one per bin.
    ///
    /// # Panics
    /// If there is no such target.
    pub fn column(&self, target: usize) -> Array1<f64> {
        match self {
            Self::F64(y) => y.column(target).to_owned(),
            Self::Bytes(y) => y.column(target).mapv(f64::from),
        }
    }

    /// The counts of some targets.
    ///
    /// # Panics
    /// If there is no such target.
    #[must_use]
    pub fn select(&self, targets: &[usize]) -> Self {
        self.view().select(targets)
    }

    /// All counts in double precision; a copy.
    pub fn to_f64(&self) -> Array2<f64> {
        match self {
            Self::F64(y) => y.clone(),
            Self::Bytes(y) => y.mapv(f64::from),
        }
    }
}

/// All values as bytes; `None` if some are none.
fn bytes<T: Real>(y: &Array2<T>) -> Option<Array2<u8>> {
    let whole: Option<Vec<u8>> = y.iter().map(|y| byte(y.to_f64())).collect();
    Array2::from_shape_vec(y.dim(), whole?).ok()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn small_whole_numbers_are_bytes_and_others_stay() {
        let counts = array![[0.0, 255.0], [1.0, 7.0]];
        let held = OwnedCounts::from(counts.clone());
        assert_eq!(held, OwnedCounts::Bytes(array![[0, 255], [1, 7]]));
        assert_eq!((held.nrows(), held.ncols(), held.get(0, 1)), (2, 2, 255.0));
        assert_eq!((held.column(1), held.to_f64()), (array![255.0, 7.0], counts.clone()));
        assert_eq!(held.select(&[1]), OwnedCounts::Bytes(array![[255], [7]]));
        assert_eq!(OwnedCounts::from(Numbers::F32(counts.mapv(|y| y as f32))), held);
        for other in [256.0, -1.0, 0.5, f64::NAN, f64::INFINITY] {
            let counts = array![[0.0], [other]];
            let held = OwnedCounts::from(counts.clone());
            assert!(matches!(&held, OwnedCounts::F64(y) if y[(1, 0)].to_bits() == other.to_bits()));
            assert_eq!(held.get(1, 0).to_bits(), other.to_bits());
            let single = OwnedCounts::from(Numbers::F32(counts.mapv(|y| y as f32)));
            assert_eq!(single.get(1, 0).to_bits(), other.to_bits());
        }
    }

    #[test]
    fn columns_that_lie_one_after_the_other_keep_their_places() {
        let counts = Array2::from_shape_fn((3, 2), |(bin, target)| (10 * target + bin) as f64);
        let turned = counts.t().as_standard_layout().into_owned().reversed_axes();
        assert!(!turned.is_standard_layout());
        assert_eq!(OwnedCounts::from(turned).to_f64(), counts);
    }
}
