//! Functions of the caller's own.

use std::fmt;
use std::sync::Arc;

use ndarray::Array2;

use super::{Domain, Expand, check_shape};
use crate::{Error, Result};

/// A function of one number.
pub type Function = Arc<dyn Fn(f64) -> f64 + Send + Sync>;

/// Functions that the caller wrote, of the samples as they are: `b_i(x) = f_i(x)`.
///
/// Code cannot be stored, so this is no member of the menu [`super::Basis`]: a feature that goes into a model file
/// cannot be made of it, which the compiler checks. [`crate::features::evaluated`] and [`super::Composition`] take it.
///
/// ```
/// use rheobase::basis::{Custom, Expand};
///
/// let powers = Custom::new(vec![std::sync::Arc::new(|x| x), std::sync::Arc::new(|x| x * x)]).unwrap();
/// let mut out = ndarray::Array2::zeros((1, 2));
/// powers.expand(&[3.0], &mut out).unwrap();
/// assert_eq!(out, ndarray::array![[3.0, 9.0]]);
/// ```
///
/// # Source
/// `CustomBasis` of `NeMoS`, for functions of one number.
#[derive(Clone)]
pub struct Custom {
    functions: Vec<Function>,
}

impl Custom {
    /// These functions, in this order. Samples are not rescaled.
    ///
    /// # Errors
    /// [`Error::Argument`] without functions.
    pub fn new(functions: Vec<Function>) -> Result<Self> {
        if functions.is_empty() {
            let help = "give a closure, or use Zero for no functions";
            return Err(Error::argument("custom basis", "one or more functions", "none", help));
        }
        Ok(Self { functions })
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Custom({} functions)", self.functions.len())
    }
}

impl Expand for Custom {
    fn n_functions(&self) -> usize {
        self.functions.len()
    }

    fn expand(&self, x: &[f64], out: &mut Array2<f64>) -> Result<()> {
        check_shape(x.len(), self.functions.len(), out)?;
        for (&x, mut row) in x.iter().zip(out.rows_mut()) {
            for (value, function) in row.iter_mut().zip(&self.functions) {
                *value = if x.is_nan() { f64::NAN } else { function(x) };
            }
        }
        Ok(())
    }

    fn domain(&self) -> Domain {
        Domain::Samples
    }
}
