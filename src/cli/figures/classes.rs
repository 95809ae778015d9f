//! Figures of classes: whether their probabilities are those of what happens, and which is taken for which.

use super::statistics::{MOST_TARGETS, busiest_and, response_title, title};
use crate::cli::categorical::reliability_of;
use crate::cli::fit::Fitting;
use crate::figure::Figure;
use crate::figure::calibration::{CalibrationPanel, calibration};
use crate::figure::confusion::{ConfusionPanel, confusion};
use crate::glm::{ClassFit, Confusion, Reliability};

/// Targets with a heat map.
const MOST_MAPS: usize = 4;

/// The figure; `None` unless targets are classes.
pub(super) fn calibration_of(fitting: &Fitting) -> Option<Figure> {
    fitting.of_classes.as_ref()?;
    let is_weighted = fitting.data.row_terms.weights.is_some();
    let (targets, note) = busiest_and(&fitting.data, MOST_TARGETS, "tables/calibration.csv has all.");
    let panel = |&class: &usize| {
        let found = reliability_of(fitting, class);
        let of = |value: fn(&Reliability) -> f64| found.iter().map(value).collect();
        CalibrationPanel {
            title: title(&fitting.data, class),
            probabilities: of(|own| own.probability),
            shares: of(|own| own.share),
            low: of(|own| own.low),
            high: of(|own| own.high),
        }
    };
    calibration(&targets.iter().map(panel).collect::<Vec<CalibrationPanel>>(), is_weighted, &note)
}

/// The figure; `None` unless targets are classes.
pub(super) fn confusion_of(fitting: &Fitting) -> Option<Figure> {
    let of_classes = fitting.of_classes.as_ref()?;
    let (targets, confusions) = (&of_classes.model.fit.targets, &of_classes.confusions);
    let panel = |(own, found): (&ClassFit, &Confusion)| ConfusionPanel {
        title: format!("{}: accuracy {:.3}", response_title(&own.name), found.accuracy),
        classes: own.classes.iter().map(ToString::to_string).collect(),
        counts: found.confusion.concat(),
    };
    let panels: Vec<ConfusionPanel> = targets.iter().zip(confusions).take(MOST_MAPS).map(panel).collect();
    let note = match targets.len() {
        n if n > MOST_MAPS => format!(" The first {MOST_MAPS} of {n} targets."),
        _ => String::new(),
    };
    confusion(&panels, fitting.data.row_terms.weights.is_some(), &note)
}
