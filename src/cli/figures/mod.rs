//! The figures of a fit.

mod classes;
mod coefficients;
mod couplings;
mod cross_validation;
mod goodness;
mod learned;
mod scope;
mod statistics;
mod surfaces;
mod time;
mod traces;
mod unit;

use super::fit::Fitting;
use super::tuning_curves::SeriesCurves;
use crate::Result;
use crate::figure::Figure;

/// All figures, in the order of the report.
pub(super) fn all(fitting: &Fitting, curves: &[SeriesCurves]) -> Result<Vec<Figure>> {
    let mut figures = time::all(fitting)?;
    figures.extend(statistics::all(fitting, curves)?);
    Ok(figures)
}
