//! Whether two fits are the same answer.

use proptest::prop_assert;
use proptest::test_runner::TestCaseError;
use rheobase::glm::TargetFit;
use rheobase::solver::Status;

/// Coefficients at the default tolerance, in the effects that they have: `max |Δ w_j sd_j| / max |w_j sd_j|`. What the contract says of
/// fits under different plans and of targets alone.
pub(crate) const PLANS: f64 = 1e-8;
/// Losses, relative to themselves or to 1: at the optimum an error of the coefficients enters by its square.
const LOSSES: f64 = 1e-11;
/// Effects below it are as good as none.
const NO_EFFECT: f64 = 1e-3;

/// What is expected of a fit.
pub(crate) struct Expected<'a> {
    pub(crate) status: Status,
    pub(crate) coef: Vec<f64>,
    pub(crate) intercept: f64,
    pub(crate) loss: f64,
    /// Deviations of the columns.
    pub(crate) sd: &'a [f64],
    /// What is added to the tolerance of the intercept, where it is a difference of large numbers.
    pub(crate) intercept_rounding: f64,
}

impl<'a> Expected<'a> {
    /// The answer of another fit.
    pub(crate) fn of(fit: &TargetFit, sd: &'a [f64]) -> Self {
        let (coef, intercept, loss) = (fit.coef.clone(), fit.intercept, fit.loss);
        Self { status: fit.status, coef, intercept, loss, sd, intercept_rounding: 0.0 }
    }
}

/// Compares; whether there was an optimum to compare.
pub(crate) fn is_same(found: &TargetFit, expected: &Expected, tolerance: f64) -> Result<bool, TestCaseError> {
    prop_assert!(found.status == expected.status, "{:?} {:?}", found.status, expected.status);
    if found.status != Status::Converged {
        return Ok(false);
    }
    let effects: Vec<f64> = expected.coef.iter().zip(expected.sd).map(|(w, sd)| w * sd).collect();
    let largest = effects.iter().fold(NO_EFFECT, |a: f64, b| a.max(b.abs()));
    for (j, (w, sd)) in found.coef.iter().zip(expected.sd).enumerate() {
        let apart = (w * sd - effects[j]).abs() / largest;
        prop_assert!(apart <= tolerance, "column {j}: {w}, not {}: {apart:e}", expected.coef[j]);
    }
    let size = expected.intercept.abs().max(largest).max(1.0);
    let apart = (found.intercept - expected.intercept).abs();
    let allowed = tolerance * size + expected.intercept_rounding;
    prop_assert!(apart <= allowed, "intercept {}, not {}", found.intercept, expected.intercept);
    let apart = (found.loss - expected.loss).abs() / expected.loss.abs().max(1.0);
    prop_assert!(apart <= LOSSES, "loss {}, not {}: {apart:e}", found.loss, expected.loss);
    Ok(true)
}

/// Whether two answers have the same bits.
pub(crate) fn has_same_bits(found: &TargetFit, other: &TargetFit) -> Result<bool, TestCaseError> {
    let bits = |fit: &TargetFit| -> Vec<u64> {
        let beside = [fit.intercept, fit.loss, fit.kkt_residual, fit.loss_gap];
        fit.coef.iter().chain(&fit.standard_errors).chain(&beside).map(|value| value.to_bits()).collect()
    };
    prop_assert!(found.status == other.status && bits(found) == bits(other), "{found:?} {other:?}");
    Ok(found.status == Status::Converged)
}
