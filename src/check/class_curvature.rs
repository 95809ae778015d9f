//! What the Hessian says of a target that is one of several classes.

use super::classes::{ClassProblem, logarithms};
use super::linear::Factor;
use super::penalty::{At, Penalty};
use super::rows::over_rows;
use super::target::standardised;
use crate::Result;
use crate::math::contrasts::Contrasts;
use crate::math::dense::{Matrix, condition};

/// The Hessian over the parameters that are free.
pub(super) struct Curvature {
    /// Its factor, over the numbers that `contrasts` make the parameters of.
    factor: Factor,
    /// Which of all parameters are free, class after class.
    pub(super) free: Vec<usize>,
    /// Where parameters sum to 0 over the classes, what they are made of: a common shift of all classes is no direction then, which
    /// rounding could take for one.
    contrasts: Contrasts,
    /// The condition of the Hessian over the numbers that the parameters are made of.
    pub(super) condition: f64,
}

impl Curvature {
    pub(super) fn of(
        problem: &ClassProblem,
        penalty: &Penalty,
        at: &At,
        (varying, coef): (&[usize], &[Vec<f64>]),
    ) -> Result<Self> {
        let (n_classes, p) = (problem.n_classes(), 1 + varying.len());
        let hessian = hessian(problem, penalty, (varying, coef))?;
        let is_free = |own: &usize| match (own % p).checked_sub(1) {
            None => problem.has_intercept,
            Some(j) => at.is_free[varying[j] * n_classes + own / p],
        };
        let free: Vec<usize> = (0..p * n_classes).filter(is_free).collect();
        let own = Matrix::from_shape_fn((free.len(), free.len()), |(i, j)| hessian[(free[i], free[j])]);
        let (contrasts, own) = if problem.regularizer.centres_classes() {
            let contrasts = Contrasts::centred(n_classes);
            let own = of_contrasts(&own, &contrasts);
            (contrasts, own)
        } else {
            (Contrasts::none(n_classes), own)
        };
        Ok(Self { factor: Factor::of(&own), free, contrasts, condition: condition(&own) })
    }

    /// `bᵀ H⁻¹ b`, of numbers for the free parameters; where these sum to 0 over the classes, without the common shift of all classes.
    pub(super) fn form(&self, b: &[f64]) -> f64 {
        if !self.contrasts.are_centred() {
            return self.factor.form(b);
        }
        let of_class = b.len() / self.contrasts.n_classes();
        let mut own = vec![0.0; of_class * self.contrasts.n_free()];
        for j in 0..of_class {
            let classes: Vec<f64> = b.iter().skip(j).step_by(of_class).copied().collect();
            let free = self.contrasts.of_free(&classes);
            free.into_iter().enumerate().for_each(|(a, b)| own[a * of_class + j] = b);
        }
        self.factor.form(&own)
    }

    /// Whether the data and the penalty determine every free parameter, where those of all classes are free up to a common shift.
    pub(super) fn is_whole(&self) -> bool {
        let (n, n_classes) = (self.free.len(), self.contrasts.n_classes());
        let up_to_shifts = n - n / n_classes;
        self.factor.kept.len() == up_to_shifts
            || (!self.contrasts.are_centred() && self.factor.kept.len() == n)
    }
}

/// The Hessian over all parameters, class after class.
fn hessian(
    problem: &ClassProblem,
    penalty: &Penalty,
    (varying, coef): (&[usize], &[Vec<f64>]),
) -> Result<Matrix> {
    let (moments, n_classes, total) = (problem.moments, problem.n_classes(), problem.total_weight());
    let p = 1 + varying.len();
    let n = p * n_classes;
    let parts = over_rows(problem.rows, &|| Matrix::zeros((n, n)), &|sums, row, x| {
        let logs = logarithms(&problem.predictors(row, x, coef));
        let probabilities: Vec<f64> = logs.iter().map(|log| log.exp()).collect();
        let z = standardised(x, moments, varying, problem.has_intercept);
        for k in 0..n_classes {
            for l in 0..=k {
                let same = if k == l { 1.0 - probabilities[k] } else { -probabilities[l] };
                let weight = problem.weight(row) * probabilities[k] * same;
                for i in 0..p {
                    for j in 0..p {
                        sums[(k * p + i, l * p + j)] += weight * z[i] * z[j];
                    }
                }
            }
        }
    })?;
    let mut lower = Matrix::zeros((n, n));
    parts.iter().for_each(|part| lower += part);
    let mut hessian =
        Matrix::from_shape_fn((n, n), |(i, j)| lower[if i / p >= j / p { (i, j) } else { (j, i) }] / total);
    let mut place = vec![0; problem.coef.len()];
    let mut units = vec![0.0; problem.coef.len()];
    for (j, &column) in varying.iter().enumerate() {
        for k in 0..n_classes {
            place[column * n_classes + k] = k * p + 1 + j;
            units[column * n_classes + k] = moments.sd[column];
        }
    }
    penalty.add_curvature(&mut hessian, problem.coef, &units, &|own| place[own]);
    Ok(hessian)
}

/// A matrix over the parameters of all classes, class after class, as one over those of contrasts.
fn of_contrasts(of_classes: &Matrix, contrasts: &Contrasts) -> Matrix {
    let p = of_classes.nrows() / contrasts.n_classes();
    let factor = |class: usize, free: usize| contrasts.factor(class, free);
    let entry = |(row, column): (usize, usize)| {
        let pairs = (0..contrasts.n_classes()).flat_map(|k| (0..contrasts.n_classes()).map(move |l| (k, l)));
        let term = |(k, l)| {
            factor(k, row / p) * factor(l, column / p) * of_classes[(k * p + row % p, l * p + column % p)]
        };
        pairs.map(term).sum()
    };
    let n = p * contrasts.n_free();
    Matrix::from_shape_fn((n, n), entry)
}
