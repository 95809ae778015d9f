//! Regularizers: what is added to the mean loss so that coefficients stay small.
//!
//! Penalties are on the coefficients in the user's units, never on the intercept, and do not grow with the number of bins.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The menu of regularizers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Regularizer {
    /// Nothing is added.
    #[default]
    None,
    /// `strength / 2 · sum of coef²`.
    Ridge {
        /// Its strength, above 0.
        strength: f64,
    },
}

impl Regularizer {
    /// Its name in options and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Ridge { .. } => "ridge",
        }
    }

    /// Its strength, if it has one.
    pub fn strength(self) -> Option<f64> {
        match self {
            Self::None => None,
            Self::Ridge { strength } => Some(strength),
        }
    }

    /// Checks the strength.
    ///
    /// # Errors
    /// [`Error::Argument`] for one that is no number above 0.
    pub fn check(self) -> Result<Self> {
        match self.strength() {
            Some(strength) if !(strength > 0.0 && strength.is_finite()) => Err(Error::argument(
                "strength",
                "a number above 0",
                strength.to_string(),
                "try 1e-3, or leave the penalty out",
            )),
            _ => Ok(self),
        }
    }

    /// The second derivative of the penalty by each coefficient, the same at every point.
    pub fn curvature(self) -> f64 {
        self.strength().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strength_is_a_number_above_0() {
        for strength in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = Regularizer::Ridge { strength }.check().unwrap_err();
            assert!(error.to_string().contains("strength: expected a number above 0"), "{error}");
        }
        assert!(Regularizer::None.check().is_ok() && Regularizer::Ridge { strength: 1e-9 }.check().is_ok());
    }
}
