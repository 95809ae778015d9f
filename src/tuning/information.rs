//! Mutual information between events and a feature.

use super::curve::TuningCurves;
use crate::{Error, Result};

/// What the events of one unit say about the feature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Information {
    /// Bits per second.
    pub bits_per_s: f64,
    /// Bits per event; NaN for a silent unit.
    pub bits_per_event: f64,
}

/// Skaggs' information of every curve: `I = sum_bins p * rate * log2(rate / r)` bits/s, and `I / r` bits per event.
///
/// `p` is the share of the occupancy, `r` the unit's rate over the epochs unless `rates_hz` gives others; bins that
/// were never visited and terms with `rate = 0` count 0.
///
/// # Errors
/// [`Error::Length`] when there is not one rate per curve.
///
/// # Source
/// Skaggs et al., "An information-theoretic approach to deciphering the hippocampal code", NIPS 1993, as in pynapple's `compute_mutual_information`.
pub fn mutual_information(curves: &TuningCurves, rates_hz: Option<&[f64]>) -> Result<Vec<Information>> {
    let rates = rates_hz.unwrap_or(&curves.rates_hz);
    if rates.len() != curves.labels.len() {
        let what = "rates, one per tuning curve".to_string();
        return Err(Error::Length { what, expected: curves.labels.len(), found: rates.len() });
    }
    let total: f64 = curves.occupancy.iter().sum();
    let of_curve = |(curve, &r): (ndarray::ArrayViewD<f64>, &f64)| {
        let terms = curve.iter().zip(&curves.occupancy).map(|(&rate, &occupancy)| {
            let term = occupancy / total * rate * (rate / r).log2();
            if term.is_finite() { term } else { 0.0 }
        });
        let bits_per_s: f64 = terms.sum();
        Information { bits_per_s, bits_per_event: bits_per_s / r }
    };
    Ok(curves.values.outer_iter().zip(rates).map(of_curve).collect())
}
