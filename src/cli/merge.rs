//! Fits of the parts of the data, put together as one result.

use super::data::Data;
use crate::Result;
use crate::design::Layout;
use crate::glm::{FittedCategorical, FittedGlm};

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
    FittedGlm::of_groups(&layout(data)?, with_targets(data, fits))
}

/// The same of fits to labels.
///
/// # Errors
/// If two columns have the same name, and [`crate::Error::Empty`] without a fit.
pub(super) fn merge_classes(data: &Data, fits: Vec<FittedCategorical>) -> Result<FittedCategorical> {
    FittedCategorical::of_groups(&layout(data)?, with_targets(data, fits))
}

/// The columns of all targets.
fn layout(data: &Data) -> Result<Layout> {
    let mut layout = Layout::default();
    for (block, labels) in data.blocks.iter().zip(&data.labels) {
        layout.push(&block.name, labels.iter().cloned())?;
    }
    Ok(layout)
}

/// Each fit with its targets.
fn with_targets<T>(data: &Data, fits: Vec<T>) -> Vec<(T, Vec<usize>)> {
    let targets = data.parts.iter().map(|part| part.group.targets.clone());
    fits.into_iter().zip(targets).collect()
}
