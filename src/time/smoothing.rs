//! Gaussian smoothing.

use super::convolution::Trim;
use super::epoch_rows;
use super::tsd::Tsd;
use super::tsd_frame::TsdFrame;
use crate::{Error, Result};

/// The longest kernel.
const MOST_TAPS: f64 = 1e8;

/// How far the kernel reaches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SmoothingWindow {
    /// This many standard deviations in all.
    SizeFactor(f64),
    /// This many seconds in all.
    DurationS(f64),
}

/// A Gaussian smoothing: standard deviation, reach and scale of the kernel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smoothing {
    /// Standard deviation, seconds.
    pub std_s: f64,
    /// Length of the kernel.
    pub window: SmoothingWindow,
    /// Whether the taps add up to 1; else the middle one is 1.
    pub normalised: bool,
}

impl Smoothing {
    /// Standard deviation `std_s` seconds, 100 of them long, taps adding up to 1.
    pub fn new(std_s: f64) -> Self {
        Self { std_s, window: SmoothingWindow::SizeFactor(100.0), normalised: true }
    }

    /// The same with a kernel of `size_factor` standard deviations.
    #[must_use]
    pub fn size_factor(self, size_factor: f64) -> Self {
        Self { window: SmoothingWindow::SizeFactor(size_factor), ..self }
    }

    /// The kernel for a series of `rate_hz` samples per second.
    ///
    /// `sigma = rate * std` samples (fractional); `M = trunc(sigma * size_factor)` or `trunc(rate * duration)`,
    /// plus 1 if even; `w_i = exp(-((i - (M - 1)/2) / sigma)^2 / 2)`. The order of these operations decides `M`.
    ///
    /// # Errors
    /// [`Error::Argument`] when the rate, the standard deviation or the window is negative or not finite, or the
    /// kernel would be longer than 10⁸ taps.
    ///
    /// # Source
    /// pynapple 0.11.4, `smooth`.
    pub fn kernel(&self, rate_hz: f64) -> Result<Vec<f64>> {
        let (sigma, n_taps) = self.extent(rate_hz)?;
        let middle = (n_taps - 1) as f64 / 2.0;
        let weight = |i: usize| {
            let distance = i as f64 - middle;
            if distance == 0.0 { 1.0 } else { (-0.5 * (distance / sigma).powi(2)).exp() }
        };
        let mut kernel: Vec<f64> = (0..n_taps).map(weight).collect();
        if self.normalised {
            let sum: f64 = kernel.iter().sum();
            for w in &mut kernel {
                *w /= sum;
            }
        }
        Ok(kernel)
    }

    /// Standard deviation in samples, and number of taps.
    fn extent(&self, rate_hz: f64) -> Result<(f64, usize)> {
        let (name, size) = match self.window {
            SmoothingWindow::SizeFactor(factor) => ("size factor of the kernel", factor),
            SmoothingWindow::DurationS(duration) => ("duration of the kernel", duration),
        };
        let help = "smoothing needs a time support, a standard deviation and a window of finite size";
        for (what, value) in [("rate", rate_hz), ("standard deviation", self.std_s), (name, size)] {
            if !value.is_finite() || value < 0.0 {
                return Err(Error::argument(what, "a finite number of at least 0", value.to_string(), help));
            }
        }
        let sigma = rate_hz * self.std_s;
        let length = match self.window {
            SmoothingWindow::SizeFactor(factor) => (sigma * factor).trunc(),
            SmoothingWindow::DurationS(duration) => (rate_hz * duration).trunc(),
        };
        if length.is_nan() || length >= MOST_TAPS {
            let help = "shorten the standard deviation or the window";
            return Err(Error::argument("kernel", "at most 1e8 taps", format!("{length} taps"), help));
        }
        let length = length as usize;
        Ok((sigma, length + usize::from(length.is_multiple_of(2))))
    }
}

impl Tsd {
    /// The series convolved with a Gaussian of its rate, zeros beyond the ends of every epoch; and what to know.
    ///
    /// The rate is `N / support`, so a slice (whose support stays) is smoothed with the wrong width: a notice
    /// says when the median spacing differs from `1 / rate` by more than 1 %, or the kernel exceeds an epoch.
    ///
    /// ```
    /// use rheobase::time::{IntervalSet, Smoothing, Tsd};
    /// let t = (0..10).map(|i| (f64::from(i) + 0.5) * 0.1).collect();
    /// let impulse = Tsd::new(t, (0..10).map(|i| f64::from(i == 5)).collect(), Some(IntervalSet::new(&[0.0], &[1.0])?))?;
    /// let (smooth, notices) = impulse.smooth(&Smoothing::new(0.1).size_factor(4.0))?;
    /// assert!((smooth.d()[5] - 0.4026199468942474).abs() < 1e-12 && notices.is_empty());
    /// # Ok::<(), rheobase::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Smoothing::kernel`] with the rate of the series.
    pub fn smooth(&self, smoothing: &Smoothing) -> Result<(Self, Vec<String>)> {
        let kernel = smoothing.kernel(self.rate())?;
        let smooth = self.convolve(&kernel, Trim::Both)?;
        let mut notices = self.notices();
        notices.extend(self.spacing_notice());
        let rows = epoch_rows::sample_rows(self.t(), self.support());
        if let Some(shortest) = rows.iter().map(ExactSizeIterator::len).filter(|&n| n > 0).min()
            && kernel.len() > shortest
        {
            let n_taps = kernel.len();
            notices
                .push(format!("the kernel has {n_taps} taps, more than the {shortest} samples of an epoch"));
        }
        Ok((smooth, notices))
    }

    /// A line when the samples are not spaced as the rate says.
    fn spacing_notice(&self) -> Option<String> {
        let mut gaps: Vec<f64> = self.spacings().map(|(gap, _)| gap).collect();
        if gaps.is_empty() {
            return None;
        }
        let middle = gaps.len() / 2;
        let (_, &mut median, _) = gaps.select_nth_unstable_by(middle, f64::total_cmp);
        let (rate, off) = (self.rate(), (median * self.rate() - 1.0).abs() > 0.01);
        off.then(|| {
            format!(
                "samples are {median} s apart, but the rate over the support is {rate} Hz: \
                 the kernel is sized for the rate; restrict the series to its epochs first"
            )
        })
    }
}

impl TsdFrame {
    /// [`Tsd::smooth`] of every column.
    ///
    /// # Errors
    /// Those of [`Tsd::smooth`].
    pub fn smooth(&self, smoothing: &Smoothing) -> Result<(Self, Vec<String>)> {
        let mut notices = Vec::new();
        let frame = self.map_columns(|column| {
            let (smooth, found) = column.smooth(smoothing)?;
            notices = found; // the times decide them: the same for every column
            Ok(smooth)
        })?;
        Ok((frame, notices))
    }
}

#[cfg(test)]
mod tests {
    use super::Smoothing;

    #[test]
    fn no_width_is_the_identity() {
        assert_eq!(Smoothing::new(0.0).kernel(1000.0).unwrap(), [1.0]);
        assert_eq!(Smoothing::new(1e-9).kernel(1000.0).unwrap(), [1.0]);
    }

    #[test]
    fn bad_arguments_are_errors() {
        for (std_s, rate_hz) in
            [(-1.0, 10.0), (f64::NAN, 10.0), (0.1, f64::NAN), (0.1, f64::INFINITY), (1e9, 1e9)]
        {
            assert!(Smoothing::new(std_s).kernel(rate_hz).is_err());
        }
    }
}
