//! Differences between neighbouring samples of one epoch: spacings and derivatives.

use super::epoch_rows;
use super::interval_set::IntervalSet;
use super::ts::Ts;
use super::tsd::Tsd;

/// Spacing and middle of all neighbours that lie in one epoch.
fn spacings<'a>(t: &'a [f64], support: &IntervalSet) -> impl Iterator<Item = (f64, f64)> + 'a {
    epoch_rows::sample_rows(t, support).into_iter().flat_map(move |rows| {
        t[rows].windows(2).map(|pair| (pair[1] - pair[0], pair[0] + (pair[1] - pair[0]) / 2.0))
    })
}

impl Ts {
    /// Differences between successive times of one epoch, stamped at the middle.
    #[must_use]
    pub fn time_diff(&self) -> Tsd {
        let (d, t) = spacings(self.t(), self.support()).unzip();
        Tsd::from_parts(t, d, self.support().clone())
    }
}

impl Tsd {
    /// Differences between successive times of one epoch, stamped at the middle.
    #[must_use]
    pub fn time_diff(&self) -> Self {
        let (d, t) = self.spacings().unzip();
        Self::from_parts(t, d, self.support().clone())
    }

    /// Spacing and middle of neighbours.
    pub(super) fn spacings(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        spacings(self.t(), self.support())
    }

    /// The derivative by second-order differences for uneven spacing, epoch by epoch (default: of the support).
    ///
    /// With left step `h` and right step `g`: `(h² f₊ + (g² - h²) f - g² f₋) / (h g (h + g))`, one-sided at the
    /// ends; NaN where an epoch has one sample. Samples outside `epochs` are dropped.
    #[must_use]
    pub fn derivative(&self, epochs: Option<&IntervalSet>) -> Self {
        let series = epochs.map(|epochs| self.restrict(epochs));
        let series = series.as_ref().unwrap_or(self);
        let mut out = vec![f64::NAN; series.len()];
        for rows in epoch_rows::sample_rows(series.t(), series.support()) {
            let (t, d) = (&series.t()[rows.clone()], &series.d()[rows.clone()]);
            let out = &mut out[rows];
            let n = t.len();
            if n < 2 {
                continue;
            }
            out[0] = (d[1] - d[0]) / (t[1] - t[0]);
            out[n - 1] = (d[n - 1] - d[n - 2]) / (t[n - 1] - t[n - 2]);
            for i in 1..n - 1 {
                let (h, g) = (t[i] - t[i - 1], t[i + 1] - t[i]);
                out[i] = (h * h * d[i + 1] + (g * g - h * h) * d[i] - g * g * d[i - 1]) / (h * g * (h + g));
            }
        }
        series.with_values(out)
    }
}

/// Mean spacing in seconds of neighbours of the sorted times `t` that lie in one epoch; `None` without neighbours.
///
/// It is the sum of the spans of the epochs over the number of pairs, so gaps between epochs do not count.
pub fn mean_spacing(t: &[f64], support: &IntervalSet) -> Option<f64> {
    let (mut span, mut n_pairs) = (0.0, 0);
    for rows in epoch_rows::sample_rows(t, support) {
        if rows.len() > 1 {
            span += t[rows.end - 1] - t[rows.start];
            n_pairs += rows.len() - 1;
        }
    }
    (n_pairs > 0).then(|| span / n_pairs as f64)
}
