//! Null models of responses: what is expected of every bin whatever its features.
//!
//! Without an offset that is the mean response. With one it is the linear predictor `b + offset` whose `b` makes the responses
//! most likely, which for counts and an exponential inverse link is `ln(sum w y / sum w exp(offset))`.

use std::ops::Range;

use super::bins::Bins;
use super::lowest::{Point, lowest};
use crate::backend::Model;
use crate::inverse_link::InvertLink;
use crate::math::dense::Matrix;
use crate::math::elementary::Standard;
use crate::math::sum::Sum;
use crate::objective::Counts;
use crate::observation::{Null, Observe, Pair, WithPair};

/// The weighted mean of every target over the used bins; `None` if `is_good` says so of a value other than a 0 that is good.
pub(super) fn means(y: Counts, bins: &Bins, is_good: &(dyn Fn(f64) -> bool + Sync)) -> Option<Vec<f64>> {
    let n_targets = y.ncols();
    let is_0_good = is_good(0.0);
    let of_piece = |used: Range<usize>| {
        let (mut sums, mut are_good) = (vec![Sum::default(); n_targets], true);
        let mut add = |target: usize, weight: f64, y: f64| {
            if y != 0.0 || !is_0_good {
                are_good &= is_good(y);
                sums[target].add(weight * y);
            }
        };
        match bins.weights {
            None => y.visit(bins.rows, used, |target, y| add(target, 1.0, y)),
            Some(_) => bins.visit(y, used, |target, _, weight, y| add(target, weight, y)),
        }
        are_good.then_some(sums)
    };
    let parts = y.pieces(bins.rows, of_piece).into_iter().collect::<Option<Vec<_>>>()?;
    let total = |target: usize| parts.iter().map(|part| part[target].value()).collect::<Sum>().value();
    Some((0..n_targets).map(|target| total(target) / bins.total_weight()).collect())
}

/// The null model of every target, from its mean.
pub(super) fn null_models(model: Model, y: Counts, bins: &Bins, means: Vec<f64>) -> Vec<Null> {
    if bins.offset.is_some() {
        let null_model = |(target, mean): (usize, f64)| {
            let known = Null::new(model, mean, 1.0);
            if known.is_silent { known } else { beside_offset(model, y, target, bins, mean) }
        };
        return means.into_iter().enumerate().map(null_model).collect();
    }
    let mut spreads = vec![0.0; means.len()];
    if Null::needs_spread(model.observation) {
        let of_piece = |used: Range<usize>| {
            let mut sums = vec![Sum::default(); means.len()];
            bins.visit(y, used, |target, _, weight, y| {
                sums[target].add(weight * model.observation.deviance(y, means[target]));
            });
            sums
        };
        let parts = y.pieces(bins.rows, of_piece);
        for (target, spread) in spreads.iter_mut().enumerate() {
            let total: Sum = parts.iter().map(|part| part[target].value()).collect();
            *spread = total.value() / bins.total_weight();
        }
    }
    means.into_iter().zip(spreads).map(|(mean, spread)| Null::new(model, mean, spread)).collect()
}

/// Sums over the bins of one target at a linear predictor `at` beside the offset.
struct AtOffset<'a, 'y> {
    y: Counts<'y>,
    target: usize,
    bins: &'a Bins<'a>,
    at: f64,
}

/// Means over the bins.
#[derive(Clone, Copy)]
struct Means {
    loss: f64,
    slope: f64,
    curvature: f64,
    deviance: f64,
}

impl WithPair for AtOffset<'_, '_> {
    type Output = Means;

    fn run<O: Observe, L: InvertLink, const CANONICAL: bool>(self, pair: Pair<O, L, CANONICAL>) -> Means {
        let Self { y, target, bins, at } = self;
        let of_piece = |used: Range<usize>| {
            let mut sums = [Sum::default(); 4];
            for bin in bins.rows.some(used) {
                let (y, weight) = (y.get(bin, target), bins.weight(bin));
                let mean = pair.link.mean(at + bins.offset(bin), Standard);
                let terms = [
                    pair.observation.loss(y, mean, Standard),
                    pair.residual(y, mean),
                    pair.curvature(mean),
                    pair.observation.deviance(y, mean.mu),
                ];
                sums.iter_mut().zip(terms).for_each(|(sum, term)| sum.add(weight * term));
            }
            sums.map(Sum::value)
        };
        let parts = y.pieces(bins.rows, of_piece);
        let mean = |k: usize| parts.iter().map(|part| part[k]).collect::<Sum>().value() / bins.total_weight();
        Means { loss: mean(0), slope: mean(1), curvature: mean(2), deviance: mean(3) }
    }
}

/// A constant beside the offset, and what the loss does there.
struct Constant {
    at: [f64; 1],
    slope: [f64; 1],
    curvature: Matrix,
    means: Means,
}

impl Point for Constant {
    fn at(&self) -> &[f64] {
        &self.at
    }

    fn loss(&self) -> f64 {
        self.means.loss
    }

    fn slope(&self) -> &[f64] {
        &self.slope
    }

    fn curvature(&self) -> &Matrix {
        &self.curvature
    }
}

/// The most likely one of one target: damped steps with the expected curvature. Where digits end before the slope is 0 it is the best
/// that was found, with the loss that is its own.
fn beside_offset(model: Model, y: Counts, target: usize, bins: &Bins, mean: f64) -> Null {
    let look = |at: f64| {
        let means = model.with(AtOffset { y, target, bins, at });
        let curvature = Matrix::from_elem((1, 1), means.curvature);
        Constant { at: [at], slope: [means.slope], curvature, means }
    };
    let offsets: Sum = bins.rows.iter().map(|bin| bins.weight(bin) * bins.offset(bin)).collect();
    let begin = look(model.inverse_link.link(mean) - offsets.value() / bins.total_weight());
    let found = lowest(begin, |at| look(at[0]));
    let Constant { at: [at], means, .. } = found;
    Null::new(model, mean, means.deviance).at(model, at, means.loss, means.curvature)
}
