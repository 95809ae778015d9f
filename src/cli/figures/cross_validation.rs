//! The figure of a cross-validation.

use super::statistics::{MOST_TARGETS, busiest_and, title};
use crate::cli::fit::Fitting;
use crate::figure::Figure;
use crate::figure::cross_validation::{CurvePanel, cross_validation};

/// The figure; `None` without a cross-validation.
pub(super) fn of(fitting: &Fitting) -> Option<Figure> {
    let (data, fit) = (&fitting.data, &fitting.model.fit);
    let (targets, note) = busiest_and(data, MOST_TARGETS, "fit.json has all (cv).");
    let panel = |&target: &usize| {
        let curve = fit.targets[target].cv.as_ref()?;
        Some(CurvePanel {
            target: title(data, target),
            strengths: curve.strengths.clone(),
            scores: curve.scores.clone(),
            standard_errors: curve.standard_errors.clone(),
            best: curve.best,
            one_se: curve.one_se,
        })
    };
    let panels: Vec<CurvePanel> = targets.iter().filter_map(panel).collect();
    cross_validation(&panels, fit.n_folds()?, fit.regularizer.name(), &note)
}
