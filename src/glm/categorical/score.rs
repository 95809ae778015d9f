//! Scores of labels.

use serde::{Deserialize, Serialize};

use super::null::Seen;
use super::response::Labelled;
use crate::design::{Offset, Rows, Weights};
use crate::glm::bins::Bins;
use crate::glm::score::Scores;
use crate::math::contrasts::Contrasts;
use crate::math::dense::Matrix;
use crate::math::sum::Sum;
use crate::number;
use crate::observation::most_probable;

/// How often which class was the most probable one, for bins whose labels are known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confusion {
    /// The part of the bins whose most probable class is their label; NaN without bins.
    #[serde(with = "number")]
    pub accuracy: f64,
    /// Bins, shape (classes, classes): a row for each label, a column for each most probable class.
    pub confusion: Vec<Vec<usize>>,
}

/// Scores of a mean log-likelihood over bins of this total weight; `null` is the mean loss of the null model.
pub(super) fn class_scores(log_likelihood: f64, total_weight: f64, null: f64) -> Scores {
    let pseudo_r2 = 1.0 + log_likelihood / null;
    Scores {
        log_likelihood,
        log_likelihood_sum: log_likelihood * total_weight,
        deviance: -2.0 * log_likelihood * total_weight,
        pseudo_r2_mcfadden: if null == 0.0 { f64::NAN } else { pseudo_r2 },
        pseudo_r2_cohen: if null == 0.0 { f64::NAN } else { pseudo_r2 },
    }
}

/// Scores of logarithms of probabilities, shape (bins, classes), over some bins: the log-likelihood of a bin is that of its
/// class, its deviance minus twice that. The null model has the frequencies of the classes in these bins; of bins that are all
/// of one class there is none, and pseudo-R2 are NaN. Bins without a label are NaN.
///
/// # Panics
/// If there is no such bin, or fewer columns than classes.
///
/// ```
/// use ndarray::array;
/// use rheobase::glm::{Labelled, score_classes};
/// use rheobase::observation::log_softmax;
///
/// let labels = [0, 1, 2, 1].map(|label| Some(label.into()));
/// let eta = [[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.5, 0.5, 1.0], [0.0, 0.0, 0.0]];
/// let rows = eta.map(|row| log_softmax(&row));
/// let log_proba = ndarray::Array2::from_shape_fn((4, 3), |(i, k)| rows[i][k]);
/// let scores = score_classes(&Labelled::learn("y", labels), &log_proba, &[0, 1, 2, 3]);
/// assert!((scores.log_likelihood + 0.6709946345599223).abs() < 1e-12);
/// assert!((scores.pseudo_r2_mcfadden - 0.3546395788381985).abs() < 1e-12);
/// ```
pub fn score_classes(response: &Labelled, log_probabilities: &Matrix, bins: &[usize]) -> Scores {
    score_weighted_classes(response, log_probabilities, bins, [None, None])
}

/// The same with the weights of all bins, and the offset of all bins and classes, bin after bin, where there are some: sums are
/// weighted sums, the log-likelihood is divided by the sum of the weights, and the null model has the weighted frequencies; beside an
/// offset it is the offset and the constants of the classes beside it that make the labels most likely.
///
/// # Panics
/// If there is no such bin, or fewer columns, weights or offsets than there should be.
pub fn score_weighted_classes(
    response: &Labelled,
    log_probabilities: &Matrix,
    bins: &[usize],
    [weights, offset]: [Option<&[f64]>; 2],
) -> Scores {
    let n_classes = response.classes().len();
    let rows: Rows = bins.iter().copied().collect();
    let weights = weights.map(|weights| Weights::new(weights.to_vec(), &rows));
    let offset = offset.map(|offset| Offset::of_classes(offset.to_vec(), n_classes));
    let own = Bins { rows: &rows, weights: weights.as_ref(), offset: offset.as_ref() };
    let mut places = vec![None; n_classes];
    bins.iter().filter_map(|&bin| response.code(bin)).for_each(|code| places[code] = Some(0));
    let mut n_seen = 0;
    for place in places.iter_mut().flatten() {
        *place = n_seen;
        n_seen += 1;
    }
    let terms = bins.iter().map(|&bin| match response.code(bin) {
        Some(code) => own.weight(bin) * log_probabilities[(bin, code)],
        None => f64::NAN,
    });
    let total = terms.collect::<Sum>().value();
    let contrasts = Contrasts::centred(n_seen);
    let seen = Seen { response, bins: own, contrasts: &contrasts, places: &places };
    let null = if n_seen > 1 { seen.most_likely().loss } else { 0.0 };
    class_scores(total / own.total_weight(), own.total_weight(), null)
}

/// Compares labels with the most probable classes (the first of equals) over some bins, from probabilities or their logarithms, shape
/// (bins, classes). Bins without a label or with a probability that is NaN are left out. A bin counts once, whatever its
/// weight.
///
/// # Panics
/// If there is no such bin, or other than one column for each class.
///
/// ```
/// use ndarray::array;
/// use rheobase::glm::{Labelled, confusion};
///
/// let labels = ["a", "b", "b"].map(|label| Some(label.into()));
/// let found = confusion(&Labelled::learn("y", labels), &array![[0.6, 0.4], [0.7, 0.3], [0.2, 0.8]], &[0, 1, 2]);
/// assert_eq!(found.confusion, [[1, 0], [1, 1]]);
/// assert_eq!(found.accuracy, 2.0 / 3.0);
/// ```
pub fn confusion(response: &Labelled, probabilities: &Matrix, bins: &[usize]) -> Confusion {
    let n_classes = response.classes().len();
    let mut counts = vec![vec![0; n_classes]; n_classes];
    for &bin in bins {
        let found = most_probable(&probabilities.row(bin).to_vec());
        if let (Some(label), Some(found)) = (response.code(bin), found) {
            counts[label][found] += 1;
        }
    }
    let n: usize = counts.iter().flatten().sum();
    let n_right: usize = (0..n_classes).map(|class| counts[class][class]).sum();
    Confusion { accuracy: n_right as f64 / n as f64, confusion: counts }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn bins_that_cannot_be_compared_are_left_out() {
        let labels = [Some(0), Some(1), None, Some(1)].map(|label| label.map(Into::into));
        let response = Labelled::learn("y", labels);
        let log_probabilities = array![[-0.1, -2.4], [f64::NAN, f64::NAN], [-0.1, -2.4], [-0.7, -0.7]];
        let found = confusion(&response, &log_probabilities, &[0, 1, 2, 3]);
        // of equals the first
        assert_eq!((found.accuracy, found.confusion), (0.5, vec![vec![1, 0], vec![1, 0]]));
        assert!(confusion(&response, &log_probabilities, &[]).accuracy.is_nan());
    }
}
