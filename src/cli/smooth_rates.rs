//! Rates smoothed inside the pieces in which they are known: no zeros are taken from beyond their ends.

use std::ops::Range;

use crate::Result;
use crate::time::{Smoothing, convolve_full};

/// The smoothing of observed and predicted rates: a Gaussian of 50 ms, 1 s long.
pub(super) fn smoothing() -> Smoothing {
    Smoothing::new(0.05).size_factor(20.0)
}

/// Runs of neighbouring bins of one epoch at which a rate is known.
///
/// `t` are the times of the bins, `bin` apart; `epochs` start and stop of each epoch (none: all is one).
pub(super) fn runs(
    t: &[f64],
    is_known: impl Fn(usize) -> bool,
    epochs: &[Vec<f64>],
    bin: f64,
) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut epoch = 0;
    for i in (0..t.len()).filter(|&i| is_known(i)) {
        let before = epoch;
        while epochs.get(epoch).is_some_and(|bounds| bounds[1] < t[i]) {
            epoch += 1;
        }
        match runs.last_mut() {
            Some(run) if run.end == i && epoch == before && t[i] - t[i - 1] < 1.5 * bin => run.end = i + 1,
            _ => runs.push(i..i + 1),
        }
    }
    runs
}

/// The values smoothed run by run, divided by the part of the kernel that lies in the run; NaN outside of the runs.
///
/// `out[i] = sum_j w[i - j] x[j] / sum_j w[i - j]`, `j` over the run that holds `i`: what is constant stays so. The
/// kernel has an odd number of taps.
///
/// # Errors
/// Those of [`Smoothing::kernel`] for bins `bin` apart.
pub(super) fn smooth_within(
    values: &[f64],
    runs: &[Range<usize>],
    smoothing: &Smoothing,
    bin: f64,
) -> Result<Vec<f64>> {
    let kernel = smoothing.kernel(1.0 / bin)?;
    let half = kernel.len() / 2;
    let mut out = vec![f64::NAN; values.len()];
    for run in runs {
        let n = run.len();
        let reach = half.min(n - 1);
        let taps = &kernel[half - reach..=half + reach];
        // sums[k]: the first k taps
        let sums: Vec<f64> = std::iter::once(0.0)
            .chain(taps.iter().scan(0.0, |sum, tap| {
                *sum += tap;
                Some(*sum)
            }))
            .collect();
        let full = convolve_full(&values[run.clone()], taps);
        for i in 0..n {
            // the taps that meet a bin of the run
            let (first, last) = ((i + reach).saturating_sub(n - 1), (i + reach).min(2 * reach));
            out[run.start + i] = full[i + reach] / (sums[last + 1] - sums[first]);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::{runs, smooth_within, smoothing};

    /// Bins of 1 ms in trials of `length` bins, 0.3 s from start to start; start and stop of each trial.
    fn trials(n_trials: usize, length: usize) -> (Vec<f64>, Vec<Vec<f64>>) {
        let start = |trial: usize| 0.3 * trial as f64;
        let t = (0..n_trials * length).map(|i| start(i / length) + ((i % length) as f64 + 0.5) * 1e-3);
        let epochs = (0..n_trials).map(|trial| vec![start(trial), start(trial) + length as f64 * 1e-3]);
        (t.collect(), epochs.collect())
    }

    #[test]
    fn a_constant_rate_stays_what_it_is_in_short_trials() {
        for (n_trials, length) in [(200, 200), (2000, 18), (50, 1)] {
            let (t, epochs) = trials(n_trials, length);
            let runs = runs(&t, |_| true, &epochs, 1e-3);
            assert_eq!(runs.len(), n_trials);
            let smooth = smooth_within(&vec![10.0; t.len()], &runs, &smoothing(), 1e-3).unwrap();
            assert!(smooth.iter().all(|rate| (rate - 10.0).abs() < 1e-9), "{n_trials} {length}");
        }
    }

    #[test]
    fn inside_of_a_long_run_it_is_the_plain_convolution() {
        let values: Vec<f64> = (0..3000).map(|i| f64::from((i * 7919) % 101)).collect();
        let kernel = smoothing().kernel(1000.0).unwrap();
        let run = 0..values.len();
        let smooth = smooth_within(&values, std::slice::from_ref(&run), &smoothing(), 1e-3).unwrap();
        let plain: f64 = kernel.iter().zip(&values[1500 - 500..]).map(|(w, x)| w * x).sum();
        assert!((smooth[1500] - plain).abs() < 1e-9);
        // at the end only the taps that meet samples count
        let (taps, seen) = (&kernel[..=500], &values[3000 - 501..]);
        let end: f64 = taps.iter().zip(seen).map(|(w, x)| w * x).sum::<f64>() / taps.iter().sum::<f64>();
        assert!((smooth[2999] - end).abs() < 1e-9);
    }

    #[test]
    fn runs_end_at_unknown_bins_gaps_and_epochs() {
        let t = [0.5, 1.5, 2.5, 3.5, 4.5, 7.5, 8.5];
        let epochs = [vec![0.0, 2.0], vec![2.0, 9.0]];
        assert_eq!(runs(&t, |i| i != 3, &epochs, 1.0), [0..2, 2..3, 4..5, 5..7]);
        assert_eq!(runs(&t, |_| true, &[], 1.0), [0..5, 5..7]);
        let smooth = smooth_within(&[1.0, f64::NAN, 3.0], &[0..1, 2..3], &smoothing(), 0.01).unwrap();
        assert!(smooth[0] == 1.0 && smooth[1].is_nan() && smooth[2] == 3.0);
    }
}
