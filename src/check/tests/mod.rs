//! Certificates of small problems whose answers are known.

mod verdicts;

use ndarray::{Array2, array};

use super::linear::Factor;
use super::pointwise::{deviance, log_likelihood, mean, point};
use super::*;
use crate::inverse_link::InvertLink;
use crate::math::elementary::Standard;
use crate::observation::{Model, NegativeBinomial, ObservationModel, Observe};
use crate::regularizer::Regularizer;

/// Two computations of one number.
#[track_caller]
fn near(found: f64, expected: f64, digits: f64, what: &str) {
    assert!(
        (found - expected).abs() <= digits * expected.abs().max(1e-12),
        "{what}: {found}, not {expected}"
    );
}

fn models() -> Vec<Model> {
    let of = |own: ObservationModel| match own {
        ObservationModel::NegativeBinomial(_) => NegativeBinomial::new(0.7).unwrap().into(),
        own => own,
    };
    let links = |observation| {
        Model::links_of(observation).iter().map(move |&inverse_link| Model { observation, inverse_link })
    };
    ObservationModel::ALL.into_iter().map(of).flat_map(links).collect()
}

#[test]
fn formulas_are_those_of_the_models() {
    for model in models() {
        let ys: &[f64] = match model.observation {
            ObservationModel::Bernoulli => &[0.0, 1.0],
            ObservationModel::Gaussian => &[-1.5, 0.0, 2.0],
            ObservationModel::Gamma => &[0.03, 1.0, 7.5],
            _ => &[0.0, 1.0, 5.0, 40.0],
        };
        for &y in ys {
            for eta in [-6.0, -1.3, 0.2, 1.7, 4.0] {
                let there = model.mean(eta);
                if model.observation == ObservationModel::Gamma && (there.is_nan() || there <= 0.0) {
                    continue;
                }
                let (own, there) = (model.observation, model.inverse_link.mean(eta, Standard));
                let at = mean(model.inverse_link, eta);
                let found = point(own, y, at);
                let what = format!("{model:?} y {y} eta {eta}");
                near(found.loss, own.loss(y, there, Standard), 1e-11, &what);
                near(found.residual, own.residual_along(y, there), 1e-11, &what);
                near(found.magnitude, own.magnitude_along(y, there), 1e-11, &what);
                near(found.curvature, own.factor() * own.curvature_along(there), 1e-11, &what);
                near(deviance(own, y, at), own.deviance(y, there.mu), 1e-9, &what);
                for scale in [0.4, 1e-4] {
                    near(
                        log_likelihood(own, scale, y, at),
                        own.log_likelihood(y, there.mu, scale),
                        1e-9,
                        &what,
                    );
                }
                // residual and curvature are slopes of the loss (Fisher: at y = mu for the second)
                let step = 1e-5;
                let [down, up] = [-step, step].map(|d| point(own, y, mean(model.inverse_link, eta + d)).loss);
                let slope = (up - down) / (2.0 * step);
                assert!((slope - found.residual).abs() <= 1e-6 * (1.0 + found.magnitude), "{what}");
            }
        }
    }
}

fn problem<'a>(
    rows: &'a dyn Rows,
    moments: &'a Moments,
    y: &'a [f64],
    (model, regularizer): (ObservationModel, &'a Regularizer),
    (coef, intercept): (&'a [f64], f64),
) -> Problem<'a> {
    let (weights, offset, features) = (None, None, &[][..]);
    let (model, has_intercept) = (model.into(), true);
    Problem {
        rows,
        moments,
        y,
        weights,
        offset,
        model,
        has_own_dispersion: false,
        has_intercept,
        regularizer,
        features,
        coef,
        intercept,
    }
}

/// A line through points: coefficients, errors, scores and gaps are known.
#[test]
fn a_straight_line_has_the_certificate_of_the_textbook() {
    let x: Array2<f64> = array![[1.0], [2.0], [4.0], [7.0], [11.0]];
    let y = [2.0, 2.5, 5.0, 6.0, 12.0];
    let rows = MatrixRows(x.view());
    let moments = Moments::of(&rows, true).unwrap();
    let n = 5.0;
    let (mx, my) = (5.0, y.iter().sum::<f64>() / n);
    let (mut sxx, mut sxy, mut syy) = (0.0, 0.0, 0.0);
    for (x, y) in x.iter().zip(y) {
        (sxx, sxy, syy) = (sxx + (x - mx).powi(2), sxy + (x - mx) * (y - my), syy + (y - my).powi(2));
    }
    let slope = sxy / sxx;
    let intercept = my - slope * mx;
    let none = Regularizer::None;
    let of = |slope: f64, intercept: f64| {
        let coef = [slope];
        let own = problem(&rows, &moments, &y, (ObservationModel::Gaussian, &none), (&coef, intercept));
        certify(&own, true).unwrap()
    };
    let found = of(slope, intercept);
    assert!(found.kkt_residual <= found.kkt_rounding && found.loss_gap.unwrap() < 1e-28, "{found:?}");
    let left = syy - sxy * sxy / sxx;
    near(found.loss, left / n, 1e-13, "loss");
    near(found.scale, left / (n - 2.0), 1e-13, "scale");
    near(found.pseudo_r2[1], 1.0 - left / syy, 1e-13, "R2");
    let errors = found.standard_errors.as_ref().unwrap();
    near(errors[0], (found.scale / sxx).sqrt(), 1e-13, "error of the slope");
    near(errors[1], (found.scale * (1.0 / n + mx * mx / sxx)).sqrt(), 1e-13, "error of the intercept");
    assert_eq!((found.rank, found.n_rows), (Some(1), 5));
    near(found.gap_scale, (syy / n).max(found.loss), 1e-13, "size");
    // a slope that is off by d around the middle costs d² times the variance
    let d = 1e-5;
    let off = of(slope + d, intercept - d * mx);
    near(off.loss_gap.unwrap(), d * d * sxx / n, 1e-6, "gap");
    let line: Vec<f64> = x.iter().map(|x| intercept - d * mx + (slope + d) * x).collect();
    let sums = x.iter().zip(y).zip(&line).fold([0.0; 2], |[top, below], ((x, y), mu)| {
        [top + (x - mx) * 2.0 * (mu - y), below + (x - mx).abs() * 2.0 * (mu.abs() + y.abs())]
    });
    near(off.kkt_residual, sums[0].abs() / sums[1], 1e-9, "residual");
    assert_eq!(off.worst_column, Some(0));
}

/// Two groups of counts: the rates are their means.
#[test]
fn two_groups_of_counts_have_their_means_and_errors() {
    let x: Array2<f64> = array![[0.0], [0.0], [1.0], [1.0], [1.0], [0.0]];
    let y = [1.0, 3.0, 4.0, 0.0, 5.0, 2.0];
    let rows = MatrixRows(x.view());
    let moments = Moments::of(&rows, true).unwrap();
    let (intercept, coef) = (2.0_f64.ln(), [3.0_f64.ln() - 2.0_f64.ln()]);
    let none = Regularizer::None;
    let own = problem(&rows, &moments, &y, (ObservationModel::Poisson, &none), (&coef, intercept));
    let found = certify(&own, true).unwrap();
    assert!(found.kkt_residual < 1e-15 && found.loss_gap.unwrap() < 1e-30, "{found:?}");
    let errors = found.standard_errors.as_ref().unwrap();
    near(errors[0], (1.0 / 6.0 + 1.0 / 9.0_f64).sqrt(), 1e-13, "error of a difference of logarithms");
    near(errors[1], (1.0 / 6.0_f64).sqrt(), 1e-13, "error of a logarithm");
    let ll = |y: f64, mu: f64| y * mu.ln() - mu - libm::lgamma(y + 1.0);
    let expected: f64 = x.iter().zip(y).map(|(x, y)| ll(y, if *x > 0.0 { 3.0 } else { 2.0 })).sum();
    near(found.log_likelihood, expected / 6.0, 1e-14, "log-likelihood");
    let null: f64 = y.iter().map(|&y| ll(y, 2.5)).sum();
    near(found.pseudo_r2[0], 1.0 - expected / null, 1e-13, "McFadden");
    // weights are repetitions, whatever they are repetitions of
    let weights = [2.0; 6];
    let twice = certify(&Problem { weights: Some(&weights), ..own }, true).unwrap();
    near(twice.standard_errors.unwrap()[0], errors[0] / 2.0_f64.sqrt(), 1e-13, "error of twice as many");
    near(twice.loss, found.loss, 1e-15, "loss of twice as many");
    // so is an intercept that is given
    let offset = [intercept; 6];
    let given = certify(&Problem { offset: Some(&offset), intercept: 0.0, ..own }, true).unwrap();
    assert!(given.kkt_residual < 1e-15);
    near(given.pseudo_r2[0], found.pseudo_r2[0], 1e-12, "McFadden beside an offset");
}

/// Orthogonal columns under a lasso: soft thresholds.
#[test]
fn a_soft_threshold_is_the_optimum_of_a_lasso() {
    let x: Array2<f64> = array![[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]];
    let y = [4.0, 2.5, 1.0, 0.3];
    let rows = MatrixRows(x.view());
    let moments = Moments::of(&rows, true).unwrap();
    let project = |j: usize| x.column(j).iter().zip(y).map(|(x, y)| x * y).sum::<f64>() / 4.0;
    // loss mean (y - mu)²: the threshold is half of the strength
    let strength = 2.0 * (project(1) + 0.1);
    let lasso = Regularizer::Lasso { strength: strength.into() };
    let intercept = y.iter().sum::<f64>() / 4.0;
    let coef = [project(0) - 0.5 * strength, 0.0];
    let own = problem(&rows, &moments, &y, (ObservationModel::Gaussian, &lasso), (&coef, intercept));
    let found = certify(&own, true).unwrap();
    assert!(found.kkt_residual < 1e-15 && found.loss_gap.unwrap() < 1e-30, "{found:?}");
    assert!(found.standard_errors.unwrap()[1].is_nan(), "one that rests at 0 has no error");
    // the same with a coefficient that should rest: pulled by what is not held
    let moved = [coef[0], 1e-3];
    let off = certify(&Problem { coef: &moved, ..own }, true).unwrap();
    assert!(off.kkt_residual > 1e-3 && off.worst_column == Some(1), "{off:?}");
    // ridge: shrunk by 1 + s / 2
    let ridge = Regularizer::Ridge { strength: 0.5.into() };
    let coef = [project(0) / 1.25, project(1) / 1.25];
    let own = problem(&rows, &moments, &y, (ObservationModel::Gaussian, &ridge), (&coef, intercept));
    assert!(certify(&own, true).unwrap().kkt_residual < 1e-15);
    let group = Regularizer::GroupLasso {
        strength: 100.0.into(),
        groups: crate::regularizer::Groups::Columns(vec![vec![0, 1]]),
    };
    let own = problem(&rows, &moments, &y, (ObservationModel::Gaussian, &group), (&[0.0, 0.0], intercept));
    let found = certify(&own, true).unwrap();
    assert!(found.kkt_residual < 1e-15, "a group is held by its strength: {found:?}");
}

/// Two classes are an event and none.
#[test]
fn two_classes_are_an_event_and_none() {
    let x: Array2<f64> = array![[0.0], [0.0], [0.0], [1.0], [1.0], [1.0], [1.0]];
    let class = [0, 1, 1, 0, 0, 0, 1];
    let y: Vec<f64> = class.iter().map(|&class| class as f64).collect();
    let rows = MatrixRows(x.view());
    let moments = Moments::of(&rows, true).unwrap();
    let (intercept, slope) = (2.0_f64.ln(), (1.0 / 3.0_f64).ln() - 2.0_f64.ln());
    let none = Regularizer::None;
    let coef = [slope];
    let own = problem(&rows, &moments, &y, (ObservationModel::Bernoulli, &none), (&coef, intercept));
    let single = certify(&own, true).unwrap();
    let (halves, intercepts) = ([-0.5 * slope, 0.5 * slope], [-0.5 * intercept, 0.5 * intercept]);
    let own = ClassProblem {
        rows: &rows,
        moments: &moments,
        class: &class,
        weights: None,
        offset: None,
        has_intercept: true,
        regularizer: &none,
        features: &[],
        coef: &halves,
        intercept: &intercepts,
    };
    let found = certify_classes(&own, true).unwrap();
    assert!(found.kkt_residual < 1e-15 && found.loss_gap.unwrap() < 1e-30, "{found:?}");
    near(found.loss, single.loss, 1e-14, "loss");
    near(found.pseudo_r2[0], single.pseudo_r2[0], 1e-13, "pseudo-R2");
    let moved = [halves[0] - 1e-3, halves[1] + 1e-3];
    let off = certify_classes(&ClassProblem { coef: &moved, ..own }, true).unwrap();
    let single = Problem {
        coef: &[slope + 2e-3],
        ..problem(&rows, &moments, &y, (ObservationModel::Bernoulli, &none), (&coef, intercept))
    };
    let expected = certify(&single, true).unwrap();
    near(off.kkt_residual, expected.kkt_residual, 1e-9, "residual");
    near(off.loss_gap.unwrap(), expected.loss_gap.unwrap(), 1e-9, "gap");
    // constants of classes beside an offset that says nothing are their frequencies
    let offset = [0.25; 14];
    let beside = certify_classes(&ClassProblem { offset: Some(&offset), ..own }, false).unwrap();
    near(beside.pseudo_r2[0], found.pseudo_r2[0], 1e-12, "pseudo-R2 beside an offset");
}

#[test]
fn a_factor_leaves_out_what_the_others_make_up() {
    let a = array![[4.0, 2.0, 6.0], [2.0, 3.0, 5.0], [6.0, 5.0, 11.0]];
    let factor = Factor::of(&a);
    assert_eq!(factor.kept.len(), 2);
    let b = [1.0, 2.0, 3.0];
    let x = factor.solve(&b);
    for (i, b) in b.iter().enumerate() {
        near((0..3).map(|j| a[(i, j)] * x[j]).sum(), *b, 1e-12, "product");
    }
    let whole = Factor::of(&array![[4.0, 2.0], [2.0, 3.0]]);
    near(whole.form(&[1.0, 0.0]), 3.0 / 8.0, 1e-14, "inverse");
}
