//! Bins in which a model has no mean, so that nothing can be scored.

use ndarray::Array1;

use super::data::Data;
use crate::glm::FittedGlm;
use crate::inverse_link::InverseLink;

/// What to say about targets whose mean is not defined in some of the bins that count; `expected` has one entry per target.
pub(super) fn notices(fit: &FittedGlm, data: &Data, expected: &[Array1<f64>]) -> Vec<String> {
    let of = |(target, name): (usize, &String)| {
        let used = data.used(target);
        let n = used.iter().filter(|&&bin| !expected[target][bin].is_finite()).count();
        if n == 0 {
            return None;
        }
        let (why, help) = match fit.model.inverse_link {
            InverseLink::OneOverX => (
                "the linear predictor is 0 or less, and one over it is no mean",
                "the exp link has a mean everywhere",
            ),
            _ => ("the mean overflows", "the features there are far from those of the fit"),
        };
        Some(format!("{name} has no scores: in {n} of {} bins {why}; {help}", used.len()))
    };
    data.names.iter().enumerate().filter_map(of).collect()
}
