//! The figure of the goodness of fit.

use std::fmt::Write;

use super::statistics::{busiest_and, title};
use crate::cli::data::Data;
use crate::cli::fit::Fitting;
use crate::cli::goodness::{Goodness, TestedBins, Together};
use crate::figure::Figure;
use crate::figure::goodness::{GoodnessModel, GoodnessRow, goodness};
use crate::glm::goodness::{Rescaled, residual_autocorrelation};

/// Targets with a goodness of fit.
const MOST_GOODNESS: usize = 3;
/// Bins of lag for the residuals.
const MOST_LAGS: usize = 100;

/// The figure; `None` without intervals between events, and where counts are not Poisson.
pub(super) fn of(fitting: &Fitting) -> Option<Figure> {
    let data = &fitting.data;
    let others = "fit.json has the numbers of all (goodness).";
    let (targets, mut note) = busiest_and(data, MOST_GOODNESS, others);
    let tests = Goodness::new(fitting)?;
    let mut n_left_out = 0;
    let row = |&target: &usize| -> Option<GoodnessRow> {
        let used = tests.used(target);
        let together = match tests.together(target) {
            Some(together) => together,
            None => Together { n_bins: used.y.len(), fit: tests.of_fit(target)?, others: Vec::new() },
        };
        n_left_out += together.fit.n_left_out;
        note.push_str(&beside(fitting, target, &together, used.y.len()));
        let (lags, autocorrelation, band, lag_unit) =
            lags_of(data, &used, &used.of(&fitting.expected[target]));
        let ks_band = together.fit.band;
        let compared = fitting.compared.iter().zip(together.others);
        let mut models = vec![model(&fitting.name, Some(together.fit))];
        models.extend(compared.map(|(compared, rescaled)| model(&compared.name, rescaled)));
        Some(GoodnessRow {
            target: title(data, target),
            models,
            ks_band,
            lags,
            autocorrelation,
            band,
            lag_unit,
        })
    };
    let rows: Vec<GoodnessRow> = targets.iter().filter_map(row).collect();
    if n_left_out > rows.len() {
        let _ =
            write!(note, " {n_left_out} intervals that the end of an epoch or a gap cut off are left out.");
    }
    goodness(&rows, &note)
}

/// A model as it is drawn; without a line where it shares no bins with the fit.
fn model(name: &str, rescaled: Option<Rescaled>) -> GoodnessModel {
    GoodnessModel {
        name: name.into(),
        distribution: rescaled.as_ref().map_or(Vec::new(), Rescaled::distribution),
        statistic: rescaled.as_ref().map_or(f64::NAN, |rescaled| rescaled.statistic),
        n: rescaled.as_ref().map_or(0, Rescaled::n),
    }
}

/// Sentences on the other models of a target.
fn beside(fitting: &Fitting, target: usize, together: &Together, n_used: usize) -> String {
    let mut note = String::new();
    let name = title(&fitting.data, target);
    if together.n_bins < n_used {
        let _ = write!(
            note,
            " {name}: the {} of {n_used} bins that all models drawn have, for the fit as well.",
            together.n_bins
        );
    }
    for (compared, rescaled) in fitting.compared.iter().zip(&together.others) {
        let _ = match rescaled {
            Some(rescaled) => write!(note, " {name}: D = {:.3} for {}.", rescaled.statistic, compared.name),
            None => write!(note, " {name}: {} has no interval between events in those bins.", compared.name),
        };
    }
    note
}

/// Lags, autocorrelation of the residuals, half its band, and the unit of the lags.
fn lags_of(data: &Data, used: &TestedBins, mu: &[f64]) -> (Vec<f64>, Vec<f64>, Vec<f64>, String) {
    let (unit, factor) = if data.bin_s.is_finite() { ("ms", 1e3 * data.bin_s) } else { ("rows", 1.0) };
    let found = residual_autocorrelation(&used.y, mu, &used.runs, MOST_LAGS);
    (
        found.iter().map(|at| at.lag as f64 * factor).collect(),
        found.iter().map(|at| at.correlation).collect(),
        found.iter().map(|at| at.band).collect(),
        unit.into(),
    )
}
