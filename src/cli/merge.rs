//! Fits of the parts of the data, put together as one result.

use super::data::Data;
use crate::Result;
use crate::design::Layout;
use crate::glm::FittedGlm;

/// Joins one fit per part of the data, which are in the order of their targets.
///
/// # Errors
/// If two columns have the same name.
pub(super) fn merge(data: &Data, fits: Vec<FittedGlm>) -> Result<FittedGlm> {
    let mut fits = fits;
    // a mask may leave columns out of all targets
    if fits.len() == 1 && fits[0].labels.iter().eq(data.labels.iter().flatten()) {
        return Ok(fits.remove(0));
    }
    let mut layout = Layout::default();
    for (block, labels) in data.blocks.iter().zip(&data.labels) {
        layout.push(&block.name, labels.iter().cloned())?;
    }
    let targets = data.parts.iter().map(|part| part.group.targets.clone());
    FittedGlm::of_groups(&layout, fits.into_iter().zip(targets).collect())
}
