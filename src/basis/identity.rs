//! The signal as it is, as a basis.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::{Declare, Domain, Expand, Neighbours, Parameter, Use, Value, check_shape};
use crate::Result;

/// One function, the samples themselves: `b(x) = x`.
///
/// Samples are not rescaled. A range that is given says which of them count.
///
/// # Source
/// `IdentityEval` of `NeMoS`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {}

impl Expand for Identity {
    fn neighbours(&self) -> Neighbours {
        Neighbours::None
    }

    fn n_functions(&self) -> usize {
        1
    }

    fn expand(&self, x: &[f64], out: &mut Array2<f64>) -> Result<()> {
        check_shape(x.len(), 1, out)?;
        out.iter_mut().zip(x).for_each(|(out, &x)| *out = x);
        Ok(())
    }

    fn domain(&self) -> Domain {
        Domain::Samples
    }

    fn usage(&self) -> Use {
        Use::Evaluated
    }
}

impl Declare for Identity {
    const PARAMETERS: &'static [Parameter] = &[];

    fn from_values(values: &[Value]) -> Result<Self> {
        if values.is_empty() { Ok(Self {}) } else { Err(Self::wrong_values(values)) }
    }

    fn values(&self) -> Vec<Value> {
        Vec::new()
    }
}
