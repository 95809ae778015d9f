//! Windows: durations that are a whole number of bins.

use crate::{Error, Result};

/// How far from a whole number of bins a duration may be, for rounding in what was typed.
const SLACK_BINS: f64 = 1e-6;

/// The length of a convolution window in bins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    n_bins: usize,
}

impl Window {
    /// The window of `window_s` seconds on bins of `bin_s` seconds.
    ///
    /// # Errors
    /// [`Error::Argument`] unless the window is within 1e-6 of a whole number of bins, at least one; the help
    /// says the nearest windows that are.
    pub fn from_duration(window_s: f64, bin_s: f64) -> Result<Self> {
        let ratio = window_s / bin_s;
        let whole = ratio.round();
        let fits = (ratio - whole).abs() <= SLACK_BINS;
        if fits && whole >= 1.0 && whole <= f64::from(u32::MAX) && bin_s > 0.0 {
            return Ok(Self { n_bins: whole as usize });
        }
        let help = if ratio.is_finite() && bin_s > 0.0 && ratio < f64::from(u32::MAX) {
            let below = ratio.floor().max(1.0);
            let above = ratio.ceil().max(1.0);
            let text = |n: f64| {
                format!("{}ms ({n} bin{})", milliseconds(n * bin_s), if n == 1.0 { "" } else { "s" })
            };
            if below < above {
                format!("the nearest windows are {} and {}", text(below), text(above))
            } else {
                format!("the shortest window is {}", text(above))
            }
        } else {
            "give a window such as 200ms and a bin such as 1ms".into()
        };
        Err(Error::argument(
            "window",
            format!("a whole number of bins of {}ms, at least one", milliseconds(bin_s)),
            format!("{}ms, which is {} bins", milliseconds(window_s), milliseconds(ratio / 1e3)),
            help,
        ))
    }

    /// Its number of bins.
    pub fn n_bins(self) -> usize {
        self.n_bins
    }
}

/// Seconds as milliseconds for people: at most nine decimals, so that 0.1 + 0.2 does not look odd.
fn milliseconds(seconds: f64) -> f64 {
    (seconds * 1e12).round() / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_of_bins_are_taken() {
        for (window_s, bin_s, n_bins) in
            [(0.2, 0.001, 200), (0.3, 0.1, 3), (0.001, 0.001, 1), (0.2 + 0.9e-9, 0.001, 200)]
        {
            assert_eq!(Window::from_duration(window_s, bin_s).unwrap().n_bins(), n_bins, "{window_s}");
        }
    }

    #[test]
    fn others_name_the_nearest() {
        let error = Window::from_duration(0.0025, 0.001).unwrap_err();
        assert_eq!(
            error.to_string(),
            "window: expected a whole number of bins of 1ms, at least one, found 2.5ms, which is 2.5 bins"
        );
        assert_eq!(error.help(), "the nearest windows are 2ms (2 bins) and 3ms (3 bins)");
        assert_eq!(
            Window::from_duration(0.0004, 0.001).unwrap_err().help(),
            "the shortest window is 1ms (1 bin)"
        );
        for (window_s, bin_s) in
            [(0.0, 0.001), (0.2 + 2e-9, 0.001), (f64::NAN, 0.001), (-0.2, 0.001), (0.2, 0.0)]
        {
            assert!(Window::from_duration(window_s, bin_s).is_err(), "{window_s} {bin_s}");
        }
    }
}
