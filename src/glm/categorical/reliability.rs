//! Whether probabilities are those of what happens: bins of like probability, and how many of them are of the class.

use serde::{Deserialize, Serialize};

/// Groups of bins.
const N_GROUPS: usize = 10;
/// The 97.5 % quantile of the normal distribution.
const QUANTILE: f64 = 1.959_963_984_540_054;

/// Bins of like probability of one class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// Bins.
    pub n_bins: usize,
    /// The mean of their probabilities.
    pub probability: f64,
    /// The part of them that is of the class.
    pub share: f64,
    /// Lower end of the interval of the share, as if bins were independent.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The reliability of the probabilities of one class, from the probability in every bin and whether it is of the class: ten groups of
/// about as many bins, by ascending probability; bins of one probability are not parted. With `n` bins of a share `s` and `z` the
/// 97.5 % quantile of the normal distribution the interval is
/// `(s + z²/2n ± z sqrt(s(1 - s)/n + z²/4n²)) / (1 + z²/n)`. Bins whose probability is NaN are left out.
///
/// # Source
/// Edwin B. Wilson, "Probable inference, the law of succession, and statistical inference", J. Am. Stat. Assoc. 22 (1927).
///
/// ```
/// let found = rheobase::glm::reliability(&[(0.25, false), (0.75, true), (0.25, true), (0.25, false), (0.25, false)]);
/// assert_eq!((found.len(), found[0].n_bins, found[0].share), (2, 4, 0.25));
/// ```
pub fn reliability(bins: &[(f64, bool)]) -> Vec<Reliability> {
    let mut known: Vec<(f64, bool)> = bins.iter().copied().filter(|bin| !bin.0.is_nan()).collect();
    known.sort_by(|a, b| a.0.total_cmp(&b.0));
    let n = known.len();
    let (mut found, mut first) = (Vec::new(), 0);
    for group in 1..=N_GROUPS {
        let mut end = (group * n).div_ceil(N_GROUPS).max(first);
        while end > 0 && end < n && known[end].0 == known[end - 1].0 {
            end += 1;
        }
        if end > first {
            found.push(of_group(&known[first..end]));
        }
        first = end;
    }
    found
}

fn of_group(bins: &[(f64, bool)]) -> Reliability {
    let n = bins.len() as f64;
    let probability = bins.iter().map(|bin| bin.0).sum::<f64>() / n;
    let share = bins.iter().filter(|bin| bin.1).count() as f64 / n;
    let (z2, all) = (QUANTILE * QUANTILE / n, 1.0 + QUANTILE * QUANTILE / n);
    let (centre, half) = (share + z2 / 2.0, (z2 * share * (1.0 - share) + z2 * z2 / 4.0).sqrt());
    let [low, high] = [(centre - half) / all, (centre + half) / all].map(|end| end.clamp(0.0, 1.0));
    Reliability { n_bins: bins.len(), probability, share, low, high }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_hold_every_bin_once_and_part_no_ties() {
        let bins: Vec<(f64, bool)> = (0..1000).map(|k| (f64::from(k % 7) / 10.0, k % 3 == 0)).collect();
        let found = reliability(&bins);
        assert_eq!(found.iter().map(|own| own.n_bins).sum::<usize>(), 1000);
        assert!(found.windows(2).all(|pair| pair[0].probability < pair[1].probability));
        assert!(found.len() <= 7, "{found:?}");
        let different: Vec<(f64, bool)> = (0..95).map(|k| (f64::from(k) / 95.0, k > 40)).collect();
        let found = reliability(&different);
        assert_eq!(found.len(), 10);
        assert!(found.iter().all(|own| (9..=10).contains(&own.n_bins)));
        let mut unknown = different.clone();
        unknown.push((f64::NAN, true));
        assert_eq!(reliability(&unknown), found);
        assert!(reliability(&[]).is_empty());
    }

    /// 3 of 10: the textbook's interval.
    #[test]
    fn intervals_are_wilsons() {
        let bins: Vec<(f64, bool)> = (0..10).map(|k| (0.3, k < 3)).collect();
        let found = reliability(&bins);
        assert_eq!(found.len(), 1);
        assert!((found[0].low - 0.107_791_3).abs() < 1e-6 && (found[0].high - 0.603_221_9).abs() < 1e-6);
        // the ends are where z^2 p (1 - p) / n is (share - p)^2
        for end in [found[0].low, found[0].high] {
            assert!(((0.3 - end).powi(2) - QUANTILE.powi(2) * end * (1.0 - end) / 10.0).abs() < 1e-15);
        }
    }
}
