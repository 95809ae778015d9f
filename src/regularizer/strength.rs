use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How strong a penalty is: one number for all coefficients, or one for each (of a group penalty, for each group).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Strength {
    /// The same for all.
    All(f64),
    /// One for each; 0 is no penalty.
    Each(Vec<f64>),
}

impl From<f64> for Strength {
    fn from(strength: f64) -> Self {
        Self::All(strength)
    }
}

impl From<Vec<f64>> for Strength {
    fn from(strengths: Vec<f64>) -> Self {
        Self::Each(strengths)
    }
}

impl Strength {
    /// The strength of number `k`.
    ///
    /// # Panics
    /// If there is one for each, and none for `k`.
    pub fn of(&self, k: usize) -> f64 {
        match self {
            Self::All(strength) => *strength,
            Self::Each(strengths) => strengths[k],
        }
    }

    /// The largest.
    pub fn largest(&self) -> f64 {
        match self {
            Self::All(strength) => *strength,
            Self::Each(strengths) => strengths.iter().copied().fold(0.0, f64::max),
        }
    }

    /// The same times `factor`.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        match self {
            Self::All(strength) => Self::All(strength * factor),
            Self::Each(strengths) => Self::Each(strengths.iter().map(|own| own * factor).collect()),
        }
    }

    /// Checks that it is a number above 0, or such numbers and zeros.
    ///
    /// # Errors
    /// [`Error::Argument`] for anything else.
    pub(super) fn check(&self) -> Result<()> {
        let wrong = |what: String, expected: &str, found: f64| {
            let help = "try 1e-3, or leave the penalty out";
            Err(Error::argument(what, expected, found.to_string(), help))
        };
        match self {
            Self::All(strength) if !(*strength > 0.0 && strength.is_finite()) => {
                wrong("strength".into(), "a number above 0", *strength)
            }
            Self::All(_) => Ok(()),
            Self::Each(strengths) => {
                match strengths.iter().position(|own| !(*own >= 0.0 && own.is_finite())) {
                    Some(k) => wrong(format!("strength number {k}"), "a number, 0 or more", strengths[k]),
                    None => Ok(()),
                }
            }
        }
    }

    /// Checks that there are `n`, if there is one for each.
    ///
    /// # Errors
    /// [`Error::Length`] for another number.
    pub(super) fn check_length(&self, what: &str, n: usize) -> Result<()> {
        match self {
            Self::Each(strengths) if strengths.len() != n => Err(Error::Length {
                what: format!("strengths, one for each {what}"),
                expected: n,
                found: strengths.len(),
            }),
            _ => Ok(()),
        }
    }
}
