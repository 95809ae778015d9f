//! Cosines and sines: for periodic signals, such as the phase of a rhythm.

use std::f64::consts::TAU;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::{Declare, Domain, Expand, Neighbours, Parameter, Use, Value, check_shape};
use crate::{Error, Result};

/// Cosines and sines of whole frequencies.
///
/// With J frequencies f, on u in periods:
///
/// ```text
/// cos(2 pi f_0 u), .., cos(2 pi f_{J-1} u), sin(2 pi f_0 u), .., sin(2 pi f_{J-1} u)
/// ```
///
/// The range of the samples is one period (give it, as in `range=0:360`), and samples outside it are as good as those
/// inside. Frequency 0 is left
/// out, as the intercept has it already, unless [`Fourier::with_zero`] keeps its cosine; its sine is 0 and always left
/// out.
///
/// # Source
/// `FourierEval` of `NeMoS` in one dimension; [`super::FourierGrid`] has more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Fourier {
    frequencies: Vec<usize>,
    keep_zero: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    frequencies: Vec<usize>,
    keep_zero: bool,
}

impl TryFrom<Unchecked> for Fourier {
    type Error = Error;

    fn try_from(Unchecked { frequencies, keep_zero }: Unchecked) -> Result<Self> {
        let is_sorted = frequencies.is_sorted_by(|a, b| a < b);
        if is_sorted && frequencies.iter().any(|&f| f > 0 || keep_zero) {
            return Ok(Self { frequencies, keep_zero });
        }
        Err(Error::argument(
            "frequencies of fourier",
            "different whole numbers in increasing order, at least one of them above 0",
            format!("`{}`", Value::Frequencies(frequencies)),
            "write fourier(4) for the frequencies 1 to 3, or fourier(1:5) for 1 to 4",
        ))
    }
}

impl Fourier {
    /// Cosines and sines of these frequencies, in cycles per period; frequency 0 is left out.
    ///
    /// # Errors
    /// [`Error::Argument`] unless they increase and one of them is above 0.
    pub fn new(frequencies: impl IntoIterator<Item = usize>) -> Result<Self> {
        Unchecked { frequencies: frequencies.into_iter().collect(), keep_zero: false }.try_into()
    }

    /// The same with the constant function of frequency 0, if that is among the frequencies.
    #[must_use]
    pub fn with_zero(self) -> Self {
        Self { keep_zero: true, ..self }
    }

    fn cosines(&self) -> impl Iterator<Item = usize> {
        self.frequencies.iter().copied().filter(|&f| f > 0 || self.keep_zero)
    }

    fn sines(&self) -> impl Iterator<Item = usize> {
        self.frequencies.iter().copied().filter(|&f| f > 0)
    }
}

impl Expand for Fourier {
    fn neighbours(&self) -> Neighbours {
        Neighbours::None
    }

    fn n_functions(&self) -> usize {
        self.cosines().count() + self.sines().count()
    }

    fn expand(&self, x: &[f64], out: &mut Array2<f64>) -> Result<()> {
        check_shape(x.len(), self.n_functions(), out)?;
        let n_cosines = self.cosines().count();
        for (&u, mut row) in x.iter().zip(out.rows_mut()) {
            let angle = |f: usize| TAU * f as f64 * u;
            for (value, f) in row.iter_mut().zip(self.cosines()) {
                *value = angle(f).cos();
            }
            for (value, f) in row.iter_mut().skip(n_cosines).zip(self.sines()) {
                *value = angle(f).sin();
            }
        }
        Ok(())
    }

    fn domain(&self) -> Domain {
        Domain::Periodic
    }

    fn usage(&self) -> Use {
        Use::Evaluated
    }
}

impl Declare for Fourier {
    const PARAMETERS: &'static [Parameter] = &[
        Parameter { name: "frequencies", default: Value::Frequencies(Vec::new()), required: true },
        Parameter { name: "keep-zero", default: Value::Flag(false), required: false },
    ];

    fn from_values(values: &[Value]) -> Result<Self> {
        match values {
            [Value::Frequencies(frequencies), Value::Flag(keep_zero)] => {
                Unchecked { frequencies: frequencies.clone(), keep_zero: *keep_zero }.try_into()
            }
            _ => Err(Self::wrong_values(values)),
        }
    }

    fn values(&self) -> Vec<Value> {
        vec![Value::Frequencies(self.frequencies.clone()), Value::Flag(self.keep_zero)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(basis: &Fourier, u: f64) -> Vec<f64> {
        let mut out = Array2::zeros((1, basis.n_functions()));
        basis.expand(&[u], &mut out).unwrap();
        out.into_raw_vec_and_offset().0
    }

    #[test]
    fn cosines_come_before_sines() {
        let found = at(&Fourier::new(0..3).unwrap(), 0.25);
        assert!(found.iter().zip([0.0, -1.0, 1.0, 0.0]).all(|(a, b)| (a - b).abs() < 1e-15), "{found:?}");
        assert_eq!(at(&Fourier::new(0..2).unwrap().with_zero(), 0.0), [1.0, 1.0, 0.0]);
        assert_eq!(at(&Fourier::new([0]).unwrap_or(Fourier::new([0, 1]).unwrap()), 0.0).len(), 2);
    }

    #[test]
    fn a_period_later_everything_is_the_same() {
        let basis = Fourier::new([1, 4, 6]).unwrap();
        for (a, b) in at(&basis, 0.3).iter().zip(at(&basis, -6.7)) {
            assert!((a - b).abs() < 1e-13, "{a} {b}");
        }
    }

    #[test]
    fn frequencies_that_say_nothing_are_refused() {
        for frequencies in [vec![], vec![0], vec![2, 1], vec![1, 1]] {
            assert!(Fourier::new(frequencies).is_err());
        }
        assert!(serde_json::from_str::<Fourier>(r#"{"frequencies": [0], "keep_zero": false}"#).is_err());
        assert!(serde_json::from_str::<Fourier>(r#"{"frequencies": [0], "keep_zero": true}"#).is_ok());
    }
}
