//! The figure of a cross-validation.

use super::statistics::{MOST_TARGETS, busiest_and, response_title};
use crate::cli::certificates::certificates;
use crate::cli::fit::Fitting;
use crate::figure::Figure;
use crate::figure::cross_validation::{CurvePanel, cross_validation};

/// The figure; `None` without a cross-validation.
pub(super) fn of(fitting: &Fitting) -> Option<Figure> {
    let certificates = certificates(fitting);
    let n_folds = certificates.iter().find_map(|own| Some(own.cv?.by_fold.len()))?;
    let others = "fit.json has all (cv).";
    let (shown, note) = match (fitting.data.is_of_classes(), certificates.len()) {
        (false, _) => busiest_and(&fitting.data, MOST_TARGETS, others),
        (true, n) if n > MOST_TARGETS => {
            ((0..MOST_TARGETS).collect(), format!(" The first {MOST_TARGETS} of {n} targets. {others}"))
        }
        (true, n) => ((0..n).collect(), String::new()),
    };
    let panel = |&k: &usize| {
        let curve = certificates[k].cv?;
        Some(CurvePanel {
            target: response_title(certificates[k].name),
            strengths: curve.strengths.clone(),
            scores: curve.scores.clone(),
            standard_errors: curve.standard_errors.clone(),
            best: curve.best,
            one_se: curve.one_se,
        })
    };
    let panels: Vec<CurvePanel> = shown.iter().filter_map(panel).collect();
    cross_validation(&panels, n_folds, fitting.model.fit.regularizer.name(), &note)
}
