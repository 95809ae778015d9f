//! What a basis remembers of the samples that it was first evaluated at.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::Range;
use crate::{Error, Result};

/// What takes the samples of one channel to the functions of a basis: the range that is mapped onto [0, 1], and for a
/// basis that is made orthonormal on its data, how its functions are mixed. Taken once from the training data, stored
/// in the model, and used again for new data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Scale {
    range: Option<Range>,
    mixing: Option<Array2<f64>>,
}

/// As it stands in a model file: a range, and the rows of a mixing where there is one.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lo: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hi: Option<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    mixing: Vec<Vec<f64>>,
}

impl TryFrom<Stored> for Scale {
    type Error = Error;

    fn try_from(Stored { lo, hi, mixing }: Stored) -> Result<Self> {
        let range = match (lo, hi) {
            (None, None) => None,
            (lo, hi) => Some(Range::remembered(lo.unwrap_or(f64::NAN), hi.unwrap_or(f64::NAN))?),
        };
        if mixing.is_empty() {
            return Ok(Self { range, mixing: None });
        }
        let n = mixing.len();
        let is_square = mixing.iter().all(|row| row.len() == n && row.iter().all(|x| x.is_finite()));
        match Array2::from_shape_vec((n, n), mixing.concat()) {
            Ok(mixing) if is_square => Ok(Self { range, mixing: Some(mixing) }),
            _ => Err(Error::argument(
                "mixing of a basis",
                "a square table of finite numbers",
                format!("{n} rows of other lengths or numbers"),
                "fit again: the model was changed after it was written",
            )),
        }
    }
}

impl From<Scale> for Stored {
    fn from(scale: Scale) -> Self {
        Self {
            lo: scale.range.map(|range| range.lo()),
            hi: scale.range.map(|range| range.hi()),
            mixing: scale.mixing.iter().flat_map(|table| table.rows()).map(|row| row.to_vec()).collect(),
        }
    }
}

impl From<Range> for Scale {
    fn from(range: Range) -> Self {
        Self { range: Some(range), mixing: None }
    }
}

impl Scale {
    /// Samples as they are, none of them outside.
    pub fn unbounded() -> Self {
        Self::default()
    }

    /// The same with the functions mixed: function i of the data is `sum_j e_j mixing[j, i]`.
    #[must_use]
    pub fn mixed(self, mixing: Array2<f64>) -> Self {
        Self { mixing: Some(mixing), ..self }
    }

    /// The range, if there is one.
    pub fn range(&self) -> Option<Range> {
        self.range
    }

    /// How the functions are mixed, shape (functions, functions), if they are.
    pub fn mixing(&self) -> Option<&Array2<f64>> {
        self.mixing.as_ref()
    }

    /// Whether `x` is a number outside the range. A NaN is not outside: it is unknown.
    pub fn excludes(&self, x: f64) -> bool {
        self.range.is_some_and(|range| range.excludes(x))
    }

    /// The width of the range: 1 without one, or if it is a point.
    pub fn width(&self) -> f64 {
        self.range.map_or(1.0, |range| range.width())
    }

    /// The samples on the scale of the range; as they are without one.
    pub fn rescale(&self, x: &[f64]) -> Vec<f64> {
        self.range.map_or_else(|| x.to_vec(), |range| range.rescale(x))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_scale_reads_back_and_is_checked() {
        let range = Scale::from(Range::new(-1.0, 3.0).unwrap());
        let mixed = range.clone().mixed(Array2::eye(2));
        for scale in [range, mixed, Scale::unbounded()] {
            let stored = serde_json::to_string(&scale).unwrap();
            assert_eq!(serde_json::from_str::<Scale>(&stored).unwrap(), scale, "{stored}");
        }
        // what a range alone looked like in earlier models
        let old: Scale = serde_json::from_str(r#"{"lo": 2.0, "hi": 2.0}"#).unwrap();
        assert_eq!((old.width(), old.excludes(2.0), old.excludes(2.1)), (1.0, false, true));
        for wrong in [
            r#"{"lo": 3, "hi": 2}"#,
            r#"{"lo": 3}"#,
            r#"{"lo": 1, "hi": 2, "mixing": [[1, 2]]}"#,
            r#"{"lo": 1, "hi": 2, "mid": 3}"#,
        ] {
            assert!(serde_json::from_str::<Scale>(wrong).is_err(), "{wrong}");
        }
    }
}
