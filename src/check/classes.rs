//! The certificate of a target that is one of several classes.

use super::class_curvature::Curvature;
use super::determined::{Columns, class_errors, degrees};
use super::moments::Moments;
use super::penalty::{At, Penalty};
use super::residual::residual;
use super::rows::{Rows, over_rows};
use super::target::{Found, constant_noise, gram, predictor, standardised, unit};
use crate::math::sum::Sum;
use crate::regularizer::Regularizer;
use crate::{Error, Result};

/// Roundings of the terms of a residual, and of every term of a predictor.
const ROUNDINGS: f64 = 8.0;
/// Steps of iterative scaling for the constants beside an offset.
const MOST_STEPS: usize = 200;

/// A target, and the coefficients that are said to be its optimum.
#[derive(Clone, Copy)]
pub struct ClassProblem<'a> {
    /// The rows that are used.
    pub rows: &'a dyn Rows,
    /// Means and deviations of their columns.
    pub moments: &'a Moments,
    /// The class of every row, from 0.
    pub class: &'a [usize],
    /// What rows count for; 1 without.
    pub weights: Option<&'a [f64]>,
    /// What is given of the linear predictors, row after row, one number for each class.
    pub offset: Option<&'a [f64]>,
    /// Whether intercepts were parameters.
    pub has_intercept: bool,
    /// What was added to the mean loss.
    pub regularizer: &'a Regularizer,
    /// The columns of each feature, `[first, end)`.
    pub features: &'a [[usize; 2]],
    /// Coefficients in the units of the columns, column after column, one for each class.
    pub coef: &'a [f64],
    /// The intercepts.
    pub intercept: &'a [f64],
}

struct Sums {
    loss: Sum,
    gradient: Vec<Sum>,
    magnitudes: Vec<Sum>,
    rounding: Vec<Sum>,
    /// What a change of the constants does to the gradient at most.
    steepness: Vec<Sum>,
}

/// Logarithms of probabilities.
pub(super) fn logarithms(eta: &[f64]) -> Vec<f64> {
    let largest = eta.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let top = eta.iter().position(|e| *e == largest).unwrap_or(0);
    let others = eta.iter().enumerate().filter(|(k, _)| *k != top);
    let rest: f64 = others.map(|(_, e)| (e - largest).exp()).sum();
    eta.iter().map(|e| (e - largest) - rest.ln_1p()).collect()
}

/// `p_k - [k = y]`, which of the label itself is minus the sum of the others.
fn residuals(p: &[f64], label: usize) -> Vec<f64> {
    let others: f64 = p.iter().enumerate().filter(|(k, _)| *k != label).map(|(_, p)| p).sum();
    p.iter().enumerate().map(|(k, p)| if k == label { -others } else { *p }).collect()
}

impl ClassProblem<'_> {
    pub(super) fn n_classes(&self) -> usize {
        self.intercept.len()
    }

    pub(super) fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }

    pub(super) fn total_weight(&self) -> f64 {
        (0..self.class.len()).map(|row| self.weight(row)).collect::<Sum>().value()
    }

    /// The coefficients of each class.
    fn of_classes(&self) -> Vec<Vec<f64>> {
        let n = self.n_classes();
        (0..n).map(|k| self.coef.chunks(n).map(|row| row[k]).collect()).collect()
    }

    fn offset(&self, row: usize, class: usize) -> f64 {
        self.offset.map_or(0.0, |offset| offset[row * self.n_classes() + class])
    }

    pub(super) fn predictors(&self, row: usize, x: &[f64], coef: &[Vec<f64>]) -> Vec<f64> {
        let of_class = |k: usize| predictor([self.intercept[k], self.offset(row, k)], x, &coef[k]);
        (0..self.n_classes()).map(of_class).collect()
    }
}

/// Computes what a certificate says of a target with classes; Hessian and condition only if they are wanted.
///
/// # Errors
/// [`Error::Length`] for classes or coefficients that do not fit the rows, and if a row cannot be computed.
pub fn certify_classes(problem: &ClassProblem, wants_hessian: bool) -> Result<Found> {
    check(problem)?;
    let (moments, n_classes, total) = (problem.moments, problem.n_classes(), problem.total_weight());
    let (varying, coef) = (moments.varying(), problem.of_classes());
    let penalty = Penalty::of_classes(problem.regularizer, problem.features, &moments.sd, n_classes);
    let p = 1 + varying.len();
    let (sum_of_losses, [gradient, magnitudes, rounding, steepness]) = sums(problem, &varying, &coef)?;
    let of_constants = (0..n_classes).map(|k| constant_noise(problem.intercept[k], &moments.mean, &coef[k]));
    let of_constants = of_constants.fold(0.0, f64::max);
    let noise: Vec<f64> = rounding.iter().zip(&steepness).map(|(own, s)| own + of_constants * s).collect();
    let mut of_coef = vec![0.0; problem.coef.len()];
    for (j, &column) in varying.iter().enumerate() {
        for k in 0..n_classes {
            of_coef[column * n_classes + k] = gradient[k * p + 1 + j] * moments.sd[column] / total;
        }
    }
    let at = penalty.at(problem.coef, &of_coef);
    let (mut left, mut kkt_residual, mut worst) = (Vec::new(), 0.0_f64, None);
    let (mut kkt_rounding, mut kkt_noise) = (0.0_f64, 0.0_f64);
    for k in 0..n_classes {
        let block = |all: &[f64]| all[k * p..(k + 1) * p].to_vec();
        let own = residual(
            &[block(&gradient), block(&magnitudes), block(&rounding), block(&noise)],
            &of_class(&at, k, n_classes),
            (moments, &varying),
            total,
        );
        if own.kkt_residual > kkt_residual || own.kkt_residual.is_nan() {
            (kkt_residual, worst) = (own.kkt_residual, own.worst.checked_sub(1).map(|j| varying[j]));
        }
        kkt_rounding = kkt_rounding.max(own.kkt_rounding);
        kkt_noise = kkt_noise.max(own.kkt_noise);
        left.extend(own.gradient);
    }
    let unpenalised = sum_of_losses / total;
    let loss = unpenalised + penalty.value(problem.coef);
    let null = null_loss(problem);
    let of_rows = (problem.rows, moments, problem.has_intercept);
    let flat = if wants_hessian { Some(gram(of_rows, &varying, &|_, _| 1.0)?) } else { None };
    let asked = (problem.regularizer, problem.has_intercept);
    let of_columns = Columns::new(asked, flat.as_ref(), (&varying, problem.rows.n_columns()));
    let n_free = match problem.regularizer {
        Regularizer::None => of_columns.rank.map(|rank| rank * (n_classes - 1)),
        own if own.selects() => Some(problem.coef.iter().filter(|w| **w != 0.0).count()),
        _ => Some(problem.rows.n_columns() * (n_classes - 1)),
    };
    let n_intercepts = if problem.has_intercept { n_classes - 1 } else { 0 };
    let dof_resid = n_free.map(|n| degrees(total, n + n_intercepts, problem.weights.is_some()).1);
    let mut found = Found {
        kkt_residual,
        kkt_rounding,
        kkt_noise,
        worst_column: worst,
        loss_gap: None,
        gap_rounding: 0.0,
        gap_noise: 0.0,
        gap_scale: loss.abs().max(null),
        loss,
        log_likelihood: -unpenalised,
        log_likelihood_sum: -unpenalised * total,
        dof_resid,
        dof_if_whole: f64::NAN,
        is_scale_estimated: false,
        deviance: 2.0 * unpenalised * total,
        pseudo_r2: [1.0 - unpenalised / null; 2],
        scale: 1.0,
        most_likely: None,
        is_exact: false,
        standard_errors: None,
        why_no_errors: "the Hessian was left out",
        aliased: of_columns.aliased,
        why_no_aliased: of_columns.why_no_aliased,
        rank: of_columns.rank,
        condition: f64::NAN,
        is_plain: false,
        n_rows: problem.class.len(),
    };
    if wants_hessian {
        let curvature = Curvature::of(problem, &penalty, &at, (&varying, &coef))?;
        let free = &curvature.free;
        let own: Vec<f64> = free.iter().map(|&k| left[k]).collect();
        found.loss_gap = Some(0.5 * curvature.form(&own));
        let noise: Vec<f64> = free.iter().map(|&k| rounding[k] / total).collect();
        let spread = |(k, noise): (usize, &f64)| noise * noise * curvature.form(&unit(free.len(), k));
        found.gap_rounding = 0.5 * free.len() as f64 * noise.iter().enumerate().map(spread).sum::<f64>();
        found.gap_noise = found.gap_rounding + of_constants * of_constants;
        found.condition = curvature.condition;
        found.is_plain = of_columns.is_plain && curvature.is_whole();
        found.why_no_errors = "some coefficients are not determined, or held at a kink";
        if !problem.regularizer.selects() {
            found.standard_errors = class_errors(problem, &curvature, &varying);
        }
    }
    Ok(found)
}

/// Over the rows: the loss, and of every parameter, class after class and the intercept first, gradient, magnitudes and roundings.
fn sums(problem: &ClassProblem, varying: &[usize], coef: &[Vec<f64>]) -> Result<(f64, [Vec<f64>; 4])> {
    let (moments, n_classes) = (problem.moments, problem.n_classes());
    let centres: Vec<f64> =
        (0..n_classes).map(|k| predictor([problem.intercept[k], 0.0], &moments.mean, &coef[k])).collect();
    let roundings = f64::EPSILON * (ROUNDINGS + (varying.len() as f64).sqrt());
    let p = 1 + varying.len();
    // class after class
    let new = || Sums {
        loss: Sum::default(),
        gradient: vec![Sum::default(); p * n_classes],
        magnitudes: vec![Sum::default(); p * n_classes],
        rounding: vec![Sum::default(); p * n_classes],
        steepness: vec![Sum::default(); p * n_classes],
    };
    let parts = over_rows(problem.rows, &new, &|sums: &mut Sums, row, x| {
        let (weight, label) = (problem.weight(row), problem.class[row]);
        let logs = logarithms(&problem.predictors(row, x, coef));
        sums.loss.add(-weight * logs[label]);
        let probabilities: Vec<f64> = logs.iter().map(|log| log.exp()).collect();
        let own = residuals(&probabilities, label);
        let size = |k: usize| {
            let terms =
                x.iter().zip(&coef[k]).zip(&moments.mean).map(|((x, w), mean)| (w * (x - mean)).abs());
            centres[k].abs() + problem.offset(row, k).abs() + terms.sum::<f64>()
        };
        let largest = (0..n_classes).map(size).fold(0.0, f64::max);
        for (j, z) in standardised(x, moments, varying, problem.has_intercept).into_iter().enumerate() {
            for k in 0..n_classes {
                let place = k * p + j;
                let noise = roundings * (2.0 * own[k].abs() + probabilities[k] * 2.0 * largest);
                sums.gradient[place].add(weight * z * own[k]);
                sums.magnitudes[place].add(weight * z.abs() * 2.0 * own[k].abs());
                sums.rounding[place].add(weight * z.abs() * noise);
                sums.steepness[place].add(weight * z.abs() * 2.0 * probabilities[k]);
            }
        }
    })?;
    let sum = |of: &dyn Fn(&Sums) -> Sum| parts.iter().map(|part| of(part).value()).collect::<Sum>().value();
    let of_parameters = [
        (0..p * n_classes).map(|k| sum(&|part| part.gradient[k])).collect(),
        (0..p * n_classes).map(|k| sum(&|part| part.magnitudes[k])).collect(),
        (0..p * n_classes).map(|k| sum(&|part| part.rounding[k])).collect(),
        (0..p * n_classes).map(|k| sum(&|part| part.steepness[k])).collect(),
    ];
    Ok((sum(&|part| part.loss), of_parameters))
}

fn check(problem: &ClassProblem) -> Result<()> {
    let (n, k) = (problem.rows.n_rows(), problem.n_classes());
    for (what, expected, found) in [
        ("labels", n, problem.class.len()),
        ("coefficients", problem.rows.n_columns() * k, problem.coef.len()),
        ("weights", n, problem.weights.map_or(n, <[f64]>::len)),
        ("numbers of the offset", n * k, problem.offset.map_or(n * k, <[f64]>::len)),
    ] {
        if expected != found {
            return Err(Error::Length { what: what.into(), expected, found });
        }
    }
    Ok(())
}

/// The penalty of one class.
fn of_class(at: &At, class: usize, n_classes: usize) -> At {
    let own = |all: &[f64]| all.chunks(n_classes).map(|row| row[class]).collect();
    At {
        element: own(&at.element),
        sizes: own(&at.sizes),
        is_free: at.is_free.chunks(n_classes).map(|row| row[class]).collect(),
    }
}

/// The mean loss of the frequencies of the classes, or beside an offset of the constants that make the labels most likely.
fn null_loss(problem: &ClassProblem) -> f64 {
    let (n_classes, total) = (problem.n_classes(), problem.total_weight());
    let mut counts = vec![Sum::default(); n_classes];
    (0..problem.class.len()).for_each(|row| counts[problem.class[row]].add(problem.weight(row)));
    let counts: Vec<f64> = counts.into_iter().map(Sum::value).collect();
    if problem.offset.is_none() {
        let of_class = |n: &f64| if *n > 0.0 { -n / total * (n / total).ln() } else { 0.0 };
        return counts.iter().map(of_class).sum();
    }
    // shape of the slope: expected less counted; every step makes the labels more likely
    let look = |constants: &[f64]| {
        let (mut loss, mut expected) = (Sum::default(), vec![Sum::default(); n_classes]);
        for row in 0..problem.class.len() {
            let eta: Vec<f64> = (0..n_classes).map(|k| constants[k] + problem.offset(row, k)).collect();
            let logs = logarithms(&eta);
            loss.add(-problem.weight(row) * logs[problem.class[row]]);
            expected.iter_mut().zip(&logs).for_each(|(sum, log)| sum.add(problem.weight(row) * log.exp()));
        }
        (loss.value() / total, expected.into_iter().map(Sum::value).collect::<Vec<f64>>())
    };
    let mut constants = vec![0.0; n_classes];
    let mut loss = look(&constants).0;
    for _ in 0..MOST_STEPS {
        // iterative scaling, which never raises the loss
        let (_, expected) = look(&constants);
        let steps = counts.iter().zip(&expected);
        let steps: Vec<f64> =
            steps.map(|(n, e)| if *n > 0.0 { (n / e).ln() } else { f64::NEG_INFINITY }).collect();
        constants.iter_mut().zip(&steps).for_each(|(constant, step)| *constant += step);
        let next = look(&constants).0;
        let is_there = (loss - next).abs() <= f64::EPSILON * next.abs();
        loss = next;
        if is_there {
            break;
        }
    }
    loss
}
