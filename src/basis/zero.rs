//! No function at all.

use ndarray::Array2;

use super::{Expand, check_shape};
use crate::Result;

/// No functions: added to a composition it changes nothing, multiplied with one it leaves nothing.
///
/// It is what a composition that grows term by term starts from; a feature without columns says nothing, so the
/// feature language does not know it.
///
/// # Source
/// `Zero` of `NeMoS`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Zero;

impl Expand for Zero {
    fn n_functions(&self) -> usize {
        0
    }

    fn expand(&self, x: &[f64], out: &mut Array2<f64>) -> Result<()> {
        check_shape(x.len(), 0, out)
    }
}
