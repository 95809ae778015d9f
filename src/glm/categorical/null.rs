//! The null model of labels: what is expected of every bin whatever its features.
//!
//! Without an offset these are the frequencies of the classes, weighted. With one they are the constants `b_k` beside it that make the
//! labels most likely, found by damped Newton steps: one for each class, of which only differences matter. Each step makes them more
//! likely; where digits end before the slope is 0, they are the best that were found, with the loss that is theirs.

use std::ops::Range;

use rayon::prelude::*;

use super::response::Labelled;
use crate::design::{DesignPlan, Offset};
use crate::glm::bins::Bins;
use crate::glm::lowest::{Point, lowest};
use crate::math::contrasts::Contrasts;
use crate::math::dense::Matrix;
use crate::math::sum::Sum;
use crate::observation::Null;
use crate::{Error, Result};

/// Bins that one thread looks at together.
const PIECE: usize = 1 << 14;

/// Constants of the classes beside an offset, and what the loss does there.
#[derive(Clone, Debug)]
pub(super) struct ClassNull {
    /// In terms of contrasts.
    pub(super) free: Vec<f64>,
    /// Mean of `-ln p_y`.
    pub(super) loss: f64,
    /// Its slope by the free numbers.
    slope: Vec<f64>,
    /// Its Hessian, shape (free numbers, free numbers).
    pub(super) curvature: Matrix,
}

/// Labels of some bins, of which each class has some.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) response: &'a Labelled,
    pub(super) bins: Bins<'a>,
    pub(super) contrasts: &'a Contrasts,
    /// The number of each class among those that the contrasts are of; `None` for one that no bin has.
    pub(super) places: &'a [Option<usize>],
}

impl Seen<'_> {
    /// What each class counts for: the sum of the weights of its bins.
    pub(super) fn totals(&self) -> Vec<f64> {
        let mut totals = vec![Sum::default(); self.contrasts.n_classes()];
        for bin in self.bins.rows.iter() {
            if let Some(place) = self.response.code(bin).and_then(|code| self.places[code]) {
                totals[place].add(self.bins.weight(bin));
            }
        }
        totals.into_iter().map(Sum::value).collect()
    }

    /// The null model.
    pub(super) fn most_likely(&self) -> ClassNull {
        let totals = self.totals();
        let logs: Vec<f64> = totals.iter().map(|total| (total / self.bins.total_weight()).ln()).collect();
        let mut free = self.contrasts.of_free(&logs);
        let Some(offset) = self.bins.offset else {
            return self.of_frequencies(free, &totals);
        };
        // where the mean of the offset is taken off
        let mut means = vec![Sum::default(); totals.len()];
        for bin in self.bins.rows.iter() {
            let weight = self.bins.weight(bin);
            self.given(offset, bin).for_each(|(place, value)| means[place].add(weight * value));
        }
        let means: Vec<f64> = means.iter().map(|mean| mean.value() / self.bins.total_weight()).collect();
        free.iter_mut().zip(self.contrasts.of_free(&means)).for_each(|(free, mean)| *free -= mean);
        lowest(self.at(free), |free| self.at(free))
    }

    /// The offset of the classes that some bin has, with their places.
    fn given<'o>(&'o self, offset: &'o Offset, bin: usize) -> impl Iterator<Item = (usize, f64)> + 'o {
        let of_classes = offset.of_bin(bin).iter().zip(self.places);
        of_classes.filter_map(|(value, place)| place.map(|place| (place, *value)))
    }

    /// Without an offset all bins of a class are alike.
    fn of_frequencies(&self, free: Vec<f64>, totals: &[f64]) -> ClassNull {
        let total: f64 = self.bins.total_weight();
        let parts: Vec<f64> = totals.iter().map(|own| own / total).collect();
        let loss = parts.iter().map(|part| -part * part.ln()).sum();
        let pairs: Vec<f64> =
            self.contrasts.class_pairs().into_iter().map(|(k, l)| parts[k] * parts[l]).collect();
        ClassNull { slope: vec![0.0; free.len()], free, loss, curvature: of_pairs(self.contrasts, &pairs) }
    }

    /// Loss, slope and curvature at constants, as free numbers, beside the offset.
    pub(super) fn at(&self, free: Vec<f64>) -> ClassNull {
        let constants = self.contrasts.of_classes(&free);
        let (n, total) = (self.bins.rows.len(), self.bins.total_weight());
        let firsts: Vec<usize> = (0..n).step_by(PIECE).collect();
        let of_piece = |first: usize| self.sums(first..n.min(first + PIECE), &constants);
        let parts: Vec<Sums> = firsts.into_par_iter().map(of_piece).collect();
        let loss: Sum = parts.iter().map(|part| part.loss.value()).collect();
        let added =
            |of_part: &dyn Fn(&Sums) -> f64| parts.iter().map(of_part).collect::<Sum>().value() / total;
        let residuals: Vec<f64> =
            (0..constants.len()).map(|k| added(&|part| part.residuals[k].value())).collect();
        let n_pairs = self.contrasts.class_pairs().len();
        let pairs: Vec<f64> = (0..n_pairs).map(|pair| added(&|part| part.pairs[pair])).collect();
        ClassNull {
            slope: self.contrasts.of_free(&residuals),
            curvature: of_pairs(self.contrasts, &pairs),
            free,
            loss: loss.value() / total,
        }
    }

    /// The sums over some of the bins, by their numbers among the used ones.
    fn sums(&self, used: Range<usize>, constants: &[f64]) -> Sums {
        let n_classes = constants.len();
        let mut sums = Sums {
            loss: Sum::default(),
            residuals: vec![Sum::default(); n_classes],
            pairs: vec![0.0; n_classes * n_classes.saturating_sub(1) / 2],
        };
        let mut eta = vec![0.0; n_classes];
        for bin in self.bins.rows.some(used) {
            let Some(own) = self.response.code(bin).and_then(|code| self.places[code]) else { continue };
            let weight = self.bins.weight(bin);
            eta.copy_from_slice(constants);
            if let Some(offset) = self.bins.offset {
                self.given(offset, bin).for_each(|(place, value)| eta[place] += value);
            }
            let largest = (0..n_classes).fold(0, |a, b| if eta[b] > eta[a] { b } else { a });
            let (top, of_own) = (eta[largest], eta[own]);
            eta.iter_mut().for_each(|eta| *eta = (*eta - top).exp());
            let others = |but: usize| -> f64 {
                eta.iter().enumerate().filter(|(k, _)| *k != but).map(|(_, part)| part).sum()
            };
            let (rest, of_others) = (others(largest), others(own));
            sums.loss.add(weight * ((top - of_own) + rest.ln_1p()));
            let all = 1.0 + rest;
            for l in 0..n_classes {
                let residual = if l == own { -of_others / all } else { eta[l] / all };
                sums.residuals[l].add(weight * residual);
                for k in 0..l {
                    sums.pairs[l * (l - 1) / 2 + k] += weight * (eta[k] / all) * (eta[l] / all);
                }
            }
        }
        sums
    }
}

impl Point for ClassNull {
    fn at(&self) -> &[f64] {
        &self.free
    }

    fn loss(&self) -> f64 {
        self.loss
    }

    fn slope(&self) -> &[f64] {
        &self.slope
    }

    fn curvature(&self) -> &Matrix {
        &self.curvature
    }
}

impl ClassNull {
    /// The same in other numbers than those that sum to 0. Along common shifts of all classes the curvature is 0; where numbers have
    /// them it is given what it has on average elsewhere.
    fn in_terms_of(self, centred: &Contrasts, contrasts: &Contrasts) -> Self {
        if contrasts.are_centred() {
            return self;
        }
        let (n, of_shifts) = (contrasts.n_classes(), 1.0 / (contrasts.n_classes() as f64).powi(2));
        let entry = |(k, l): (usize, usize)| -> f64 {
            let terms = self.curvature.indexed_iter();
            terms.map(|((a, b), own)| centred.factor(k, a) * own * centred.factor(l, b)).sum()
        };
        Self {
            curvature: Matrix::from_shape_fn((n, n), |place| of_shifts + entry(place)),
            free: centred.of_classes(&self.free),
            slope: centred.of_classes(&self.slope),
            loss: self.loss,
        }
    }
}

/// Sums over bins.
struct Sums {
    loss: Sum,
    /// Of the probability of each class less 1 in its own bins.
    residuals: Vec<Sum>,
    /// Of the products of the probabilities of each pair, in the order of [`Contrasts::class_pairs`].
    pairs: Vec<f64>,
}

/// The curvature `cᵀ (diag(p) - p pᵀ) c` from means of products of pairs of probabilities: differences keep small numbers exact
/// beside large ones.
fn of_pairs(contrasts: &Contrasts, pairs: &[f64]) -> Matrix {
    let n_free = contrasts.n_free();
    let mut found = Matrix::zeros((n_free, n_free));
    for (a, b) in contrasts.pairs() {
        let terms = contrasts.differences((a, b)).into_iter();
        // in the order of `Contrasts::class_pairs`
        let value: f64 = terms.map(|(k, l, factor)| pairs[l * (l - 1) / 2 + k] * factor).sum();
        (found[(a, b)], found[(b, a)]) = (value, value);
    }
    found
}

/// What each class counts for, the null model, and what is expected where no feature has an effect: without intercepts that is not
/// the null model, but that of equal classes beside the offset.
pub(super) fn null_models(
    plan: &DesignPlan,
    response: &Labelled,
    contrasts: &Contrasts,
) -> Result<(Vec<f64>, ClassNull, ClassNull)> {
    let places: Vec<Option<usize>> = (0..contrasts.n_classes()).map(Some).collect();
    let centred = Contrasts::centred(contrasts.n_classes());
    let seen = Seen { response, bins: plan.into(), contrasts: &centred, places: &places };
    let null = seen.most_likely();
    let equal = (!plan.has_intercept()).then(|| seen.at(vec![0.0; centred.n_free()]));
    let without_features = equal.unwrap_or_else(|| null.clone());
    if !(null.loss.is_finite() && without_features.loss.is_finite()) {
        let help = "subtract from each class a constant, or divide them";
        let found = "probabilities of 0 for labels that occur";
        return Err(Error::argument("offset", "numbers beside which losses are finite", found, help));
    }
    Ok((seen.totals(), null, without_features.in_terms_of(&centred, contrasts)))
}

/// The null model for solvers. Gaps are judged in parts of its loss.
pub(super) fn null_of(totals: &[f64], loss: f64) -> Null {
    let total: f64 = totals.iter().sum();
    let events = totals.iter().map(|own| own / total).fold(1.0, f64::min);
    // the metric holds the curvature of the classes
    let (mean, eta, curvature, noise) = (events, 0.0, 1.0, 1.0 / loss);
    Null { mean, eta, loss, curvature, size: loss, noise, events, is_silent: false }
}

/// The Hessian where no feature has an effect: that of the classes, times the flat Gram.
pub(super) fn null_hessian(of_classes: &Matrix, gram: &Matrix, has_intercept: bool) -> Matrix {
    let (p, d) = (gram.nrows(), of_classes.nrows());
    let entry = |(i, j): (usize, usize)| match (i % p, j % p) {
        // an intercept that is no parameter stays apart
        (0, 0) if !has_intercept => f64::from(u8::from(i == j)),
        (row, column) => of_classes[(i / p, j / p)] * gram[(row, column)],
    };
    Matrix::from_shape_fn((p * d, p * d), entry)
}
