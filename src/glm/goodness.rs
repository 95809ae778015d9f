//! Goodness of fit of a Poisson model: do the intervals between events and the residuals look as they should?
//!
//! Both look at runs: used bins that follow one another inside one epoch. Nothing is measured across the end of a run.
//!
//! **Time rescaling.** If the model is right, the expected counts summed up from one event to the next are exponential
//! with mean 1, and `z = 1 - exp(-sum)` is uniform on (0, 1). Bins make that inexact: an event tells its bin, not
//! its place within. What is known of z is an interval: with `S` the expected counts of the bins strictly between two
//! bins with events and `mu` that of the later one,
//!
//! ```text
//! lower = 1 - exp(-S)      upper = 1 - exp(-(S + mu))
//! ```
//!
//! which is exact, as the chance of no event in a bin is `exp(-mu)`. Haslinger et al. draw z at random within its
//! interval; here the interval itself enters the distribution, spread evenly, which is the mean over all such draws
//! (Czado et al.) and needs no random numbers. The band of the random version is then on the safe side. The middle of
//! a bin (the plain form of Brown et al.) would be biased where rates per bin are high.
//!
//! A bin with several events counts as one: an interval lasts to the next bin that has any. The first events of a run
//! end no interval and the last begin none; those intervals are left out and counted.
//!
//! # Source
//! E. N. Brown et al., "The time-rescaling theorem and its application to neural spike train data analysis", Neural
//! Computation 14 (2002); R. Haslinger, G. Pipa, E. Brown, "Discrete time rescaling theorem", Neural Computation 22
//! (2010); C. Czado, T. Gneiting, L. Held, "Predictive model assessment for count data", Biometrics 65 (2009).

use std::ops::Range;

use crate::math::sum::Sum;

/// The band that holds the largest deviation of n uniform numbers in 95 of 100 cases is this over `sqrt(n)` for large n.
const KS_95: f64 = 1.36;
/// Numbers from which that is close enough, and from which there is a band at all.
const KS_LARGE: usize = 30;
const KS_LEAST: usize = 5;
/// The same for one correlation of n pairs.
const NORMAL_95: f64 = 1.96;
/// An interval narrower than this is a point.
const POINT: f64 = 1e-12;

/// Rescaled intervals between events and how far they are from uniform.
#[derive(Clone, Debug, PartialEq)]
pub struct Rescaled {
    /// What is known of each z: from, to; in (0, 1), in the order of time.
    pub intervals: Vec<[f64; 2]>,
    /// Intervals that the end of a run cut off.
    pub n_left_out: usize,
    /// Kolmogorov-Smirnov statistic: largest distance of the distribution of z from the uniform one.
    pub statistic: f64,
    /// What the statistic exceeds in 5 of 100 right models, see [`ks_band`].
    pub band: f64,
}

/// Correlation of the residuals with those some bins later.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Autocorrelation {
    /// Bins between.
    pub lag: usize,
    /// `(sum r_t r_(t+lag) / pairs) / (sum r_t^2 / n)`.
    pub correlation: f64,
    /// It stays between minus and plus this in 95 of 100 right models: `1.96 / sqrt(pairs)`.
    pub band: f64,
}

/// What the Kolmogorov-Smirnov statistic of n uniform numbers exceeds in 5 of 100 cases: `1.36 / sqrt(n)` from n = 30
/// on, `1.358 / (sqrt(n) + 0.12 + 0.11 / sqrt(n))` below (within 0.3 % of the exact values), NaN for less than 5, which
/// decide nothing.
///
/// # Source
/// M. A. Stephens, "EDF statistics for goodness of fit and some comparisons", J. Am. Stat. Assoc. 69 (1974).
///
/// ```
/// assert!((rheobase::glm::goodness::ks_band(10) - 0.40925).abs() < 3e-4);
/// ```
pub fn ks_band(n: usize) -> f64 {
    let root = (n as f64).sqrt();
    match n {
        0..KS_LEAST => f64::NAN,
        KS_LEAST..KS_LARGE => 1.358 / (root + 0.12 + 0.11 / root),
        _ => KS_95 / root,
    }
}

/// The runs of the `used` bins as positions in `used`; epochs begin at the bins `starts`. Both ascend.
///
/// ```
/// let runs = rheobase::glm::goodness::runs(&[1, 2, 4, 5, 6], &[0, 6]);
/// assert_eq!(runs, [0..2, 2..4, 4..5]);
/// ```
pub fn runs(used: &[usize], starts: &[usize]) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut first = 0;
    let mut starts = starts.iter().peekable();
    for position in 1..=used.len() {
        let ends = match used.get(position) {
            Some(bin) => {
                while starts.next_if(|start| *start < bin).is_some() {}
                *bin != used[position - 1] + 1 || starts.peek() == Some(&bin)
            }
            None => true,
        };
        if ends {
            runs.push(first..position);
            first = position;
        }
    }
    runs
}

/// Rescaled intervals of the events in `y` under the expected counts `mu` (one entry per used bin each) within `runs`.
/// `None` if no interval is whole.
///
/// ```
/// // 1 - exp(-0.5) to 1 - exp(-1): one empty bin between, then the bin of the event
/// let rescaled = rheobase::glm::goodness::rescale(&[1.0, 0.0, 1.0], &[0.5; 3], &[0..3]).unwrap();
/// assert!((rescaled.intervals[0][0] - 0.3934693402873666).abs() < 1e-15);
/// assert!((rescaled.intervals[0][1] - 0.6321205588285577).abs() < 1e-15);
/// ```
pub fn rescale(y: &[f64], mu: &[f64], runs: &[Range<usize>]) -> Option<Rescaled> {
    let (mut intervals, mut n_left_out) = (Vec::new(), 0);
    for run in runs {
        let mut between: Option<Sum> = None;
        for bin in run.clone() {
            if y[bin] > 0.0 {
                match between {
                    Some(sum) => {
                        let [before, until] = [sum.value(), sum.value() + mu[bin]];
                        intervals.push([-(-before).exp_m1(), -(-until).exp_m1()]);
                    }
                    None => n_left_out += 1,
                }
                between = Some(Sum::default());
            } else if let Some(sum) = &mut between {
                sum.add(mu[bin]);
            }
        }
    }
    if intervals.is_empty() || intervals.iter().flatten().any(|z| z.is_nan()) {
        return None;
    }
    let band = ks_band(intervals.len());
    let mut rescaled = Rescaled { intervals, n_left_out, statistic: 0.0, band };
    rescaled.statistic = rescaled.distribution().iter().map(|[z, f]| (f - z).abs()).fold(0.0, f64::max);
    Some(rescaled)
}

/// Where the distribution changes: a point, the slope that begins there, and the jump.
struct Change {
    at: f64,
    slope: f64,
    jump: f64,
}

impl Rescaled {
    /// The number of intervals.
    pub fn n(&self) -> usize {
        self.intervals.len()
    }

    /// The cumulative distribution of z, each interval spread evenly: corners (z, fraction) from (0, 0) to (1, 1),
    /// joined by straight lines.
    pub fn distribution(&self) -> Vec<[f64; 2]> {
        let share = 1.0 / self.n() as f64;
        let mut changes: Vec<Change> = Vec::with_capacity(2 * self.n());
        for &[lower, upper] in &self.intervals {
            if upper - lower < POINT {
                changes.push(Change { at: lower, slope: 0.0, jump: share });
            } else {
                let slope = share / (upper - lower);
                changes.push(Change { at: lower, slope, jump: 0.0 });
                changes.push(Change { at: upper, slope: -slope, jump: 0.0 });
            }
        }
        changes.sort_by(|a, b| a.at.total_cmp(&b.at));
        let mut corners = vec![[0.0, 0.0]];
        let (mut slope, mut fraction, mut at) = (Sum::default(), Sum::default(), 0.0);
        for change in changes {
            if change.at > at {
                fraction.add(slope.value() * (change.at - at));
                at = change.at;
                corners.push([at, fraction.value()]);
            }
            slope.add(change.slope);
            if change.jump > 0.0 {
                fraction.add(change.jump);
                corners.push([at, fraction.value()]);
            }
        }
        corners.push([1.0, 1.0]);
        corners
    }
}

/// Autocorrelation of the Pearson residuals `(y - mu) / sqrt(mu)` of the used bins for lags of 1 to `max_lag` bins,
/// over pairs within one run.
///
/// Under the right model these residuals have mean 0 and variance 1 whatever the rate, so that the band is the same
/// for all rates; raw ones would let times of high rates decide. A lag without a pair is left out. Empty if a
/// residual is not finite (an event where none was expected at all).
pub fn residual_autocorrelation(
    y: &[f64],
    mu: &[f64],
    runs: &[Range<usize>],
    max_lag: usize,
) -> Vec<Autocorrelation> {
    let pearson = |(&y, &mu): (&f64, &f64)| if y == mu { 0.0 } else { (y - mu) / mu.sqrt() };
    let residuals: Vec<f64> = y.iter().zip(mu).map(pearson).collect();
    if residuals.iter().any(|residual| !residual.is_finite()) {
        return Vec::new();
    }
    let within = || runs.iter().map(|run| &residuals[run.clone()]);
    let n: usize = within().map(<[f64]>::len).sum();
    let variance = within().flatten().map(|r| r * r).collect::<Sum>().value() / n as f64;
    let at_lag = |lag: usize| {
        let pairs: usize = within().map(|run| run.len().saturating_sub(lag)).sum();
        let products = within().flat_map(|run| run.iter().zip(run.iter().skip(lag)).map(|(a, b)| a * b));
        let mean = products.collect::<Sum>().value() / pairs as f64;
        let known = pairs > 0 && variance > 0.0;
        let band = NORMAL_95 / (pairs as f64).sqrt();
        known.then_some(Autocorrelation { lag, correlation: mean / variance, band })
    };
    (1..=max_lag).filter_map(at_lag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 20 000 bins of a rate that oscillates around 0.08, counts by a linear congruential generator, three runs.
    /// The expected numbers below are those of a direct computation in numpy: every interval clipped and averaged at
    /// every corner, products of slices.
    fn simulated() -> (Vec<f64>, Vec<f64>, [Range<usize>; 3]) {
        let mut state = 12_345u64;
        let mu: Vec<f64> = (0..20_000).map(|t| 0.08 * (1.0 + 0.8 * (f64::from(t) / 7.0).sin())).collect();
        let count = |&mu: &f64| {
            state = (state * 1_103_515_245 + 12_345) % (1 << 31);
            let uniform = (state / 65_536 % 32_768) as f64 / 32_768.0;
            let none = (-mu).exp();
            f64::from(u8::from(uniform >= none) + u8::from(uniform >= none * (1.0 + mu)))
        };
        let y: Vec<f64> = mu.iter().map(count).collect();
        assert_eq!(y.iter().sum::<f64>(), 1571.0);
        (y, mu, [0..6000, 6000..6100, 6150..20_000])
    }

    #[test]
    fn the_right_model_passes_and_a_wrong_rate_fails() {
        let (y, mu, runs) = simulated();
        for (factor, expected) in
            [(1.0, 0.018_527_200_598_735_03), (1.3, 0.114_546_018_729_928_5), (0.7, 0.123_077_462_241_610_98)]
        {
            let mu: Vec<f64> = mu.iter().map(|mu| factor * mu).collect();
            let rescaled = rescale(&y, &mu, &runs).unwrap();
            assert_eq!((rescaled.n(), rescaled.n_left_out), (1475, 3));
            assert!((rescaled.statistic - expected).abs() < 1e-12, "{factor}: {}", rescaled.statistic);
            assert!((rescaled.band - 0.035_411_383_786_784_09).abs() < 1e-15);
            assert_eq!(rescaled.statistic < rescaled.band, factor == 1.0);
        }
    }

    #[test]
    fn an_epoch_ends_a_run_even_where_its_first_bins_are_not_used() {
        assert_eq!(runs(&[0, 1, 3, 4, 5, 9, 10], &[2, 4, 5, 8, 12]), [0..2, 2..3, 3..4, 4..5, 5..7]);
        assert!(runs(&[], &[2]).is_empty());
        // many short epochs take no longer than one long one
        let (used, starts): (Vec<usize>, Vec<usize>) =
            ((0..1_000_000).collect(), (1..100_000).map(|k| 10 * k).collect());
        let found = runs(&used, &starts);
        assert!(
            found.len() == 100_000 && found.iter().enumerate().all(|(k, run)| *run == (10 * k..10 * k + 10))
        );
    }

    #[test]
    fn the_band_of_few_intervals_is_that_of_the_tables() {
        // exact 95 % values: L. H. Miller, "Table of percentage points of Kolmogorov statistics" (1956)
        for (n, exact) in
            [(5, 0.56328), (7, 0.48342), (10, 0.40925), (15, 0.33760), (20, 0.29408), (29, 0.24571)]
        {
            assert!((ks_band(n) / exact - 1.0).abs() < 3e-3, "{n}: {}", ks_band(n));
        }
        assert_eq!(ks_band(30), 1.36 / 30f64.sqrt());
        assert!((0..5).all(|n| ks_band(n).is_nan()));
    }

    #[test]
    fn residuals_of_the_right_model_are_uncorrelated() {
        let (y, mu, runs) = simulated();
        let flat = vec![mu.iter().sum::<f64>() / mu.len() as f64; mu.len()];
        let right = residual_autocorrelation(&y, &mu, &runs, 100);
        let wrong = residual_autocorrelation(&y, &flat, &runs, 100);
        let expected = [
            (1, 0.006_425_345_649_268_39, 0.024_679_013_804_568_6, 0.013_877_693_052_731_58),
            (44, -0.005_330_101_347_879, 0.009_704_836_366_157_63, 0.013_922_786_366_959_81),
            (100, -0.010_407_664_517_689_5, -0.010_640_350_968_139_43, 0.013_982_176_950_125_87),
        ];
        for (lag, of_right, of_wrong, band) in expected {
            let (right, wrong) = (right[lag - 1], wrong[lag - 1]);
            assert_eq!((right.lag, wrong.lag), (lag, lag));
            assert!(
                (right.correlation - of_right).abs() < 1e-13 && (wrong.correlation - of_wrong).abs() < 1e-13
            );
            assert!((right.band - band).abs() < 1e-15);
        }
        let outside =
            |all: &[Autocorrelation]| all.iter().filter(|at| at.correlation.abs() > at.band).count();
        assert_eq!((outside(&right), outside(&wrong)), (4, 62));
    }

    #[test]
    #[allow(clippy::single_range_in_vec_init, reason = "a list of one run")]
    fn nothing_is_measured_across_the_end_of_a_run() {
        let y = [1.0, 0.0, 1.0, 0.0, 2.0, 0.0];
        let whole = rescale(&y, &[0.1; 6], &[0..6]).unwrap();
        assert_eq!((whole.n(), whole.n_left_out), (2, 1));
        let cut = rescale(&y, &[0.1; 6], &[0..3, 3..6]).unwrap();
        assert_eq!((cut.n(), cut.n_left_out), (1, 2));
        assert_eq!(cut.intervals[0], whole.intervals[0]);
        assert_eq!(rescale(&y, &[0.1; 6], &[0..2, 2..4, 4..6]), None);
        assert_eq!(rescale(&[0.0; 6], &[0.1; 6], &[0..6]), None);
        let lags = residual_autocorrelation(&y, &[0.5; 6], &[0..3, 3..6], 5);
        assert_eq!(lags.iter().map(|at| at.lag).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    #[allow(clippy::single_range_in_vec_init, reason = "a list of one run")]
    fn the_distribution_of_one_interval_is_a_ramp_and_a_sure_event_a_step() {
        let ramp = Rescaled { intervals: vec![[0.25, 0.75]], n_left_out: 0, statistic: 0.0, band: 1.0 };
        assert_eq!(ramp.distribution(), [[0.0, 0.0], [0.25, 0.0], [0.75, 1.0], [1.0, 1.0]]);
        let step = Rescaled { intervals: vec![[0.5, 0.5]], ..ramp };
        assert_eq!(step.distribution(), [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [1.0, 1.0]]);
        // an event where none was expected at all: its time is no surprise that a residual could hold
        assert_eq!(rescale(&[1.0, 1.0], &[0.5, 0.0], &[0..2]).unwrap().statistic, 1.0);
        assert_eq!(residual_autocorrelation(&[1.0, 1.0], &[0.5, 0.0], &[0..2], 1), []);
    }
}
