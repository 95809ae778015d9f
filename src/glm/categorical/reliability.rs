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
    /// The mean of their probabilities, weighted if they are.
    pub probability: f64,
    /// The part of them that is of the class, of their weight if they have weights.
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
    reliability_of_bins(bins.iter().map(|&(probability, is_of_class)| Bin {
        probability,
        is_of_class,
        weight: 1.0,
    }))
}

/// The same with the weight of every bin: groups are of about as much weight, shares and means are weighted, so that a bin of weight 2
/// is two bins. Not so in the intervals, whose `n` is the effective number of bins, `(Σ weight)² / Σ weight²`: weights, of which
/// only the relation matters there, make a share less certain and never more.
///
/// # Panics
/// If there are fewer weights than bins.
///
/// # Source
/// Leslie Kish, "Survey Sampling", Wiley (1965), of the effective number.
///
/// ```
/// use rheobase::glm::reliability_of_weighted;
///
/// let found = reliability_of_weighted(&[(0.25, false), (0.25, true)], &[3.0, 1.0]);
/// assert_eq!((found[0].n_bins, found[0].probability, found[0].share), (2, 0.25, 0.25));
/// ```
pub fn reliability_of_weighted(bins: &[(f64, bool)], weights: &[f64]) -> Vec<Reliability> {
    let bin = |(k, &(probability, is_of_class))| Bin { probability, is_of_class, weight: weights[k] };
    reliability_of_bins(bins.iter().enumerate().map(bin))
}

/// What is known of one bin.
#[derive(Clone, Copy)]
struct Bin {
    probability: f64,
    is_of_class: bool,
    weight: f64,
}

fn reliability_of_bins(bins: impl Iterator<Item = Bin>) -> Vec<Reliability> {
    let mut known: Vec<Bin> = bins.filter(|bin| !bin.probability.is_nan()).collect();
    known.sort_by(|a, b| a.probability.total_cmp(&b.probability));
    let total: f64 = known.iter().map(|bin| bin.weight).sum();
    let (mut found, mut first, mut end, mut so_far) = (Vec::new(), 0, 0, 0.0);
    for group in 1..=N_GROUPS {
        let is_last = group == N_GROUPS;
        while end < known.len()
            && (is_last
                || so_far * (N_GROUPS as f64) < total * group as f64
                || (end > 0 && known[end].probability == known[end - 1].probability))
        {
            so_far += known[end].weight;
            end += 1;
        }
        if end > first {
            found.push(of_group(&known[first..end]));
        }
        first = end;
    }
    found
}

fn of_group(bins: &[Bin]) -> Reliability {
    let total = |of: fn(&Bin) -> f64| bins.iter().map(of).sum::<f64>();
    let weight = total(|bin| bin.weight);
    let probability = total(|bin| bin.weight * bin.probability) / weight;
    let share = total(|bin| if bin.is_of_class { bin.weight } else { 0.0 }) / weight;
    // the effective number of bins
    let n = weight * weight / total(|bin| bin.weight * bin.weight);
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

    #[test]
    fn a_bin_of_weight_2_is_two_bins() {
        let bins: Vec<(f64, bool)> =
            (0..203).map(|k| (f64::from(k * 37 % 101) / 101.0, k % 3 == 0)).collect();
        let weights: Vec<f64> = (0..203).map(|k| f64::from(1 + k % 3)).collect();
        let times = |k: usize| weights[k] as usize;
        let repeated: Vec<(f64, bool)> =
            bins.iter().enumerate().flat_map(|(k, &bin)| vec![bin; times(k)]).collect();
        let (found, truth) = (reliability_of_weighted(&bins, &weights), reliability(&repeated));
        assert_eq!((found.len(), truth.len()), (10, 10));
        for (own, truth) in found.iter().zip(&truth) {
            assert!(own.n_bins < truth.n_bins);
            assert!((own.probability - truth.probability).abs() < 1e-14, "{own:?} {truth:?}");
            assert!((own.share - truth.share).abs() < 1e-14, "{own:?} {truth:?}");
            // fewer bins are less certain
            assert!(own.high - own.low > truth.high - truth.low);
        }
        // the unit of weights says nothing
        let quarters: Vec<f64> = weights.iter().map(|weight| weight / 4.0).collect();
        assert_eq!(reliability_of_weighted(&bins, &quarters), found);
        assert_eq!(reliability_of_weighted(&bins, &[1.0; 203]), reliability(&bins));
    }

    /// Weights 3 and 1 are `(3 + 1)² / (9 + 1)` bins.
    #[test]
    fn intervals_have_the_effective_number_of_bins() {
        let found = reliability_of_weighted(&[(0.5, true), (0.5, false)], &[3.0, 1.0])[0];
        assert_eq!(found.share, 0.75);
        for end in [found.low, found.high] {
            assert!(((0.75 - end).powi(2) - QUANTILE.powi(2) * end * (1.0 - end) / 1.6).abs() < 1e-15);
        }
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
