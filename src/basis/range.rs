//! The range of an evaluated feature.
//!
//! A basis lives on [0, 1], a signal anywhere, so its samples are rescaled. If each data set took its own
//! smallest and largest sample as the range, one model would mean different things on training and test data.
//! The range is therefore a value: taken once from the training data (or given), stored in the model, and used
//! again. A sample outside a remembered range has no features.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The closed interval of samples that is mapped onto [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Range {
    lo: f64,
    hi: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    lo: f64,
    hi: f64,
}

impl TryFrom<Unchecked> for Range {
    type Error = Error;

    fn try_from(Unchecked { lo, hi }: Unchecked) -> Result<Self> {
        Self::remembered(lo, hi)
    }
}

impl Range {
    /// The range from `lo` to `hi`.
    ///
    /// # Errors
    /// [`Error::Argument`] unless both are finite and `lo < hi`.
    pub fn new(lo: f64, hi: f64) -> Result<Self> {
        if lo.is_finite() && hi.is_finite() && lo < hi {
            return Ok(Self { lo, hi });
        }
        Err(Error::argument(
            "range",
            "two finite numbers, the smaller one first",
            format!("{lo}:{hi}"),
            "give the smallest and the largest value of the signal, as in range=0:150",
        ))
    }

    /// A range that was taken from data: it may be one point, which a typed one may not.
    pub(super) fn remembered(lo: f64, hi: f64) -> Result<Self> {
        if lo == hi && lo.is_finite() { Ok(Self { lo, hi }) } else { Self::new(lo, hi) }
    }

    /// The range of the samples of `what`, NaN left out; a constant signal gives a range of one point.
    ///
    /// # Errors
    /// [`Error::NonFinite`] for an infinite sample (the finite ones would all collapse to one point),
    /// [`Error::Empty`] if no sample is a number.
    pub fn of(what: &str, samples: &[f64]) -> Result<Self> {
        if let Some(row) = samples.iter().position(|x| x.is_infinite()) {
            return Err(Error::NonFinite { what: what.into(), row, column: 0, value: samples[row] });
        }
        let numbers = || samples.iter().copied().filter(|x| !x.is_nan());
        let lo = numbers().fold(f64::INFINITY, f64::min);
        let hi = numbers().fold(f64::NEG_INFINITY, f64::max);
        if lo > hi {
            return Err(Error::Empty {
                what: what.into(),
                problem: "no bin holds a number, so there is no range to expand".into(),
                help: "check the series and the epochs, or give the range, as in range=0:150".into(),
            });
        }
        Ok(Self { lo, hi })
    }

    /// The smallest sample that is inside.
    pub fn lo(&self) -> f64 {
        self.lo
    }

    /// The largest sample that is inside.
    pub fn hi(&self) -> f64 {
        self.hi
    }

    /// Its width; 1 if it is a point, which leaves its samples at 0.
    pub fn width(&self) -> f64 {
        if self.hi > self.lo { self.hi - self.lo } else { 1.0 }
    }

    /// Whether `x` is a number outside the closed range. A NaN is not outside: it is unknown.
    pub fn excludes(&self, x: f64) -> bool {
        x < self.lo || x > self.hi
    }

    /// The samples on the scale of the range: `u = (x - lo) / (hi - lo)`, the divisor 1 if the range is a point.
    ///
    /// # Source
    /// `NeMoS`, rescaling of its `Eval` bases.
    pub fn rescale(&self, x: &[f64]) -> Vec<f64> {
        let width = self.width();
        x.iter().map(|x| (x - self.lo) / width).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rescales_to_the_unit_interval() {
        let range = Range::of("x", &[3.0, f64::NAN, -1.0, 1.0]).unwrap();
        assert_eq!((range.lo(), range.hi()), (-1.0, 3.0));
        assert_eq!(range.rescale(&[-1.0, 0.0, 3.0]), [0.0, 0.25, 1.0]);
        assert!(range.rescale(&[f64::NAN])[0].is_nan());
    }

    #[test]
    fn a_constant_signal_sits_at_zero() {
        let range = Range::of("x", &[7.0, 7.0]).unwrap();
        assert_eq!(range.rescale(&[7.0]), [0.0]);
        let stored = serde_json::to_string(&range).unwrap();
        assert_eq!(serde_json::from_str::<Range>(&stored).unwrap(), range);
    }

    #[test]
    fn both_ends_are_inside_and_nan_is_not_outside() {
        let range = Range::new(0.0, 2.0).unwrap();
        let outside: Vec<bool> = [-1e-9, 0.0, 2.0, 2.1, f64::NAN].map(|x| range.excludes(x)).to_vec();
        assert_eq!(outside, [true, false, false, true, false]);
    }

    #[test]
    fn impossible_ranges_are_refused() {
        for (lo, hi) in [(1.0, 1.0), (2.0, 1.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
            assert!(matches!(Range::new(lo, hi), Err(Error::Argument { .. })), "{lo}:{hi}");
        }
        assert!(matches!(Range::of("x", &[0.0, f64::INFINITY]), Err(Error::NonFinite { row: 1, .. })));
        assert!(matches!(Range::of("x", &[f64::NAN]), Err(Error::Empty { .. })));
        assert!(matches!(Range::of("x", &[]), Err(Error::Empty { .. })));
        assert!(serde_json::from_str::<Range>(r#"{"lo": 2, "hi": 1}"#).is_err());
    }
}
