//! Every bin of a window for itself.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::{Declare, Expand, Parameter, Use, Value, lags};
use crate::{Error, Result};

/// One function per lag of a window: the kernel is the identity matrix.
///
/// With the default causality column k of the features is `x[t-1-k]`. The filter is free to take any shape, at the
/// price of a coefficient per bin; it takes no parameters.
///
/// # Source
/// `HistoryConv` of `NeMoS`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {}

impl Expand for History {
    /// One, that of the present lag; over a window there is one per bin ([`Expand::n_functions_over`]).
    fn n_functions(&self) -> usize {
        1
    }

    fn expand(&self, _: &[f64], _: &mut Array2<f64>) -> Result<()> {
        let help = "add a window, as in history(window=20ms)";
        Err(Error::argument("history", "a window of lags", "values", help))
    }

    fn n_functions_over(&self, window_bins: usize) -> usize {
        window_bins
    }

    fn kernel(&self, window_bins: usize) -> Result<Array2<f64>> {
        lags(window_bins).map(|lags| Array2::eye(lags.len()))
    }

    fn usage(&self) -> Use {
        Use::Convolved
    }
}

impl Declare for History {
    const PARAMETERS: &'static [Parameter] = &[];

    fn from_values(values: &[Value]) -> Result<Self> {
        if values.is_empty() { Ok(Self {}) } else { Err(Self::wrong_values(values)) }
    }

    fn values(&self) -> Vec<Value> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lag_is_a_function() {
        let basis = History {};
        assert_eq!(basis.kernel(3).unwrap(), Array2::<f64>::eye(3));
        assert_eq!(basis.n_functions_over(3), 3);
        assert!(basis.kernel(0).is_err() && basis.expand(&[0.5], &mut Array2::zeros((1, 1))).is_err());
    }
}
