//! Every pair against finite differences and its own definition.

use super::{Model, NegativeBinomial, Null, ObservationModel, Observe, Pair, WithPair};
use crate::inverse_link::{InverseLink, InvertLink, Mean};
use crate::math::elementary::{Standard, Vector};
use crate::math::real::Real;

/// The pairs that are accepted.
fn pairs() -> Vec<Model> {
    let links = |observation| {
        Model::links_of(observation).iter().map(move |&inverse_link| Model { observation, inverse_link })
    };
    observations().into_iter().flat_map(links).collect()
}

/// Counts of a dispersion.
fn dispersed(dispersion: f64) -> ObservationModel {
    Model::from(ObservationModel::from(NegativeBinomial::UNIT)).with_dispersion(dispersion).observation
}

/// Every observation model; dispersions from near that of Poisson counts to many times it.
fn observations() -> Vec<ObservationModel> {
    let dispersed = [1e-3, 0.3, 8.0].map(dispersed);
    ObservationModel::ALL.into_iter().chain(dispersed).collect()
}

/// Responses that the model is for.
fn responses(model: Model) -> Vec<f64> {
    match model.observation {
        ObservationModel::Poisson => vec![0.0, 1.0, 2.0, 7.0],
        ObservationModel::Gaussian => vec![-3.5, 0.0, 0.25, 40.0],
        ObservationModel::Bernoulli => vec![0.0, 1.0],
        ObservationModel::Gamma => vec![0.02, 0.7, 3.5, 40.0],
        ObservationModel::NegativeBinomial(_) => vec![0.0, 1.0, 2.0, 7.0, 60.0],
    }
}

/// Linear predictors that have a mean, from tail to tail.
fn predictors(model: Model) -> Vec<f64> {
    match model.inverse_link {
        InverseLink::OneOverX => vec![1e-3, 0.02, 0.4, 1.0, 2.3, 9.0, 30.0, 50.0],
        InverseLink::Probit => vec![-35.0, -20.0, -3.1, -0.7, 0.0, 0.4, 2.3, 9.0, 30.0, 35.0],
        _ => vec![-50.0, -20.0, -3.1, -0.7, 0.0, 0.4, 2.3, 9.0, 30.0, 50.0],
    }
}

/// A step from a predictor: where a mean needs one above 0 a part of the way there, and a short one in parts of what
/// changes a slope by its own size.
fn from(model: Model, eta: f64, step: f64) -> f64 {
    match model.inverse_link {
        InverseLink::OneOverX => eta.min(1.0) * step.max(-0.999),
        InverseLink::Probit if step.abs() < 0.1 => step / eta.abs().max(1.0),
        _ => step,
    }
}

/// What a pair says at one point, in the arithmetic `T`.
#[derive(Clone, Copy, Debug)]
struct Point {
    loss: f64,
    residual: f64,
    magnitude: f64,
    curvature: f64,
    /// Change of the loss over `delta`.
    change: f64,
}

struct Look<T> {
    y: T,
    eta: T,
    delta: T,
}

impl<T: Real> WithPair for Look<T> {
    type Output = Point;

    fn run<O: Observe, L: InvertLink, const CANONICAL: bool>(self, pair: Pair<O, L, CANONICAL>) -> Point {
        let functions = Vector::<true>;
        let mean: Mean<T> = pair.link.mean(self.eta, functions);
        let change = pair.link.mean_change(self.eta, mean, self.delta, functions);
        Point {
            loss: pair.observation.loss(self.y, mean, functions).to_f64(),
            residual: pair.residual(self.y, mean).to_f64(),
            magnitude: pair.magnitude(self.y, mean).to_f64(),
            curvature: pair.curvature(mean).to_f64(),
            change: pair.observation.loss_change(self.y, mean, change, functions).to_f64(),
        }
    }
}

fn look(model: Model, y: f64, eta: f64, delta: f64) -> Point {
    model.with(Look { y, eta, delta })
}

fn each(mut check: impl FnMut(Model, f64, f64)) {
    for model in pairs() {
        for y in responses(model) {
            for eta in predictors(model) {
                check(model, y, eta);
            }
        }
    }
}

#[test]
fn residuals_are_slopes_of_the_loss() {
    each(|model, y, eta| {
        let point = look(model, y, eta, 0.0);
        // changes keep their digits, so a small step both ways is good to its square
        let step = from(model, eta, 1e-4);
        let [up, down] = [step, -step].map(|delta| look(model, y, eta, delta).change);
        let slope = (up - down) / (2.0 * step);
        assert!(
            (slope - point.residual).abs() <= 1e-7 * point.magnitude,
            "{model:?} {y} {eta}: {slope} {point:?}"
        );
        assert!(point.magnitude >= point.residual.abs() && point.magnitude.is_finite());
    });
}

#[test]
fn curvatures_are_expected_second_derivatives() {
    each(|model, _, eta| {
        // the curvature of the loss is linear in y, so its expectation is that at y = mu, unless y is 0 or 1
        let mu = model.mean(eta);
        let of_response = |y: f64| {
            let step = from(model, eta, 1e-3);
            let [up, down] = [step, -step].map(|delta| look(model, y, eta + delta, 0.0).residual);
            (up - down) / (2.0 * step)
        };
        let expected = match model.observation {
            ObservationModel::Bernoulli => mu * of_response(1.0) + (1.0 - mu) * of_response(0.0),
            _ => of_response(mu),
        };
        let found = look(model, 1.0, eta, 0.0).curvature;
        // residuals near mu = y are differences
        let digits = 1e-12 * mu.abs().max(1.0);
        assert!((found - expected).abs() <= 1e-5 * found + digits, "{model:?} {eta}: {found} {expected}");
    });
}

#[test]
fn changes_are_differences_of_losses_and_keep_their_digits() {
    each(|model, y, eta| {
        let here = look(model, y, eta, 0.0);
        for delta in [60.0, 5.0, 0.9, 1e-2] {
            for delta in [delta, -delta].map(|delta| from(model, eta, delta)) {
                let (change, there) = (look(model, y, eta, delta).change, look(model, y, eta + delta, 0.0));
                let size = here.loss.abs().max(there.loss.abs()) + (y * eta).abs() + (y * delta).abs();
                let error = (change - (there.loss - here.loss)).abs();
                // a normal density is as good as the square of its argument
                let room =
                    if model.inverse_link == InverseLink::Probit { 1.0 + 0.01 * eta * eta } else { 1.0 };
                assert!(error <= 2e-14 * size * room, "{model:?} {y} {eta} {delta}: {change} {error}");
            }
        }
        for delta in [1e-9, -1e-13].map(|delta| from(model, eta, delta)) {
            let change = look(model, y, eta, delta).change;
            let error = (change - here.residual * delta - 0.5 * here.curvature * delta * delta).abs();
            assert!(error <= 1e-8 * here.magnitude * delta.abs(), "{model:?} {y} {eta} {delta}: {change}");
        }
    });
}

#[test]
fn single_precision_agrees_with_double() {
    each(|model, y, eta| {
        let (y, eta) = (y as f32, eta as f32);
        let delta = from(model, eta.into(), 0.25) as f32;
        let single = model.with(Look { y, eta, delta });
        let double = look(model, f64::from(y), f64::from(eta), delta.into());
        let loss = double.loss.abs() + (y * eta).abs().to_f64();
        for (single, double, size) in [
            (single.loss, double.loss, loss),
            (single.residual, double.residual, double.magnitude),
            (single.magnitude, double.magnitude, double.magnitude),
            (single.curvature, double.curvature, double.curvature),
            (single.change, double.change, 2.0 * double.magnitude + double.curvature + loss.min(1.0)),
        ] {
            // what is too small for single precision
            let is_tiny = single.abs() < 1e-30 && double.abs() < 1e-30;
            assert!(
                is_tiny || (single - double).abs() <= 1e-6 * size,
                "{model:?} {y} {eta}: {single} {double}"
            );
        }
    });
}

#[test]
fn a_pair_that_is_not_compiled_is_the_same_looked_up() {
    for model in pairs() {
        let looked_up = Pair::<_, _, false> { observation: model.observation, link: model.inverse_link };
        for y in responses(model) {
            let expected = look(model, y, 0.3, 0.2);
            let found = Look { y, eta: 0.3, delta: 0.2 }.run(looked_up);
            let near = |a: f64, b: f64| (a - b).abs() <= 1e-15 * b.abs();
            assert!(near(found.loss, expected.loss) && near(found.change, expected.change));
            assert!(near(found.residual, expected.residual) && near(found.curvature, expected.curvature));
        }
    }
}

#[test]
fn deviances_are_positive_and_vanish_only_where_the_mean_is_the_response() {
    for model in pairs() {
        let observation = model.observation;
        for y in responses(model) {
            assert_eq!(observation.deviance(y, y), 0.0, "{model:?} {y}");
            for mu in [1e-9, 0.2, 0.6, 0.999_999] {
                let deviance = observation.deviance(y, mu);
                assert!(deviance > 0.0, "{model:?} {y} {mu}");
                let mean = Mean {
                    mu,
                    rest: 1.0 - mu,
                    slope: 1.0,
                    log_mu: mu.ln(),
                    log_rest: (-mu).ln_1p(),
                    rise: mu.recip(),
                    fall: (1.0 - mu).recip(),
                };
                for scale in [1.0, 0.7] {
                    // log-likelihood = what is free of the mean - loss
                    let loss = observation.loss(y, mean, Standard) / observation.factor();
                    let loss = if observation.scale_term(1.0, 1.0).is_some() { loss / scale } else { loss };
                    let expected = observation.free_of_mean(y, scale) - loss;
                    let found = observation.log_likelihood(y, mu, scale);
                    assert!(
                        (found - expected).abs() <= 1e-14 * expected.abs().max(1.0),
                        "{model:?} {y} {mu}"
                    );
                }
                let best = match observation {
                    ObservationModel::Bernoulli => 0.0,
                    _ => observation.log_likelihood(y, y, 1.0),
                };
                let expected = 2.0 * (best - observation.log_likelihood(y, mu, 1.0));
                assert!(y == 0.0 || (deviance - expected).abs() <= 1e-12 * expected.max(1.0));
            }
        }
    }
}

#[test]
fn only_pairs_that_fit_are_accepted() {
    for observation in observations() {
        assert!(Model::from(observation).check().is_ok());
        for inverse_link in InverseLink::ALL {
            let model = Model { observation, inverse_link };
            assert_eq!(model.check().is_ok(), pairs().contains(&model));
        }
    }
    let wrong = Model { observation: ObservationModel::Bernoulli, inverse_link: InverseLink::Exp };
    let error = wrong.check().unwrap_err();
    assert!(error.to_string().contains("logistic or probit for bernoulli responses"), "{error}");
    assert!(error.help().contains("poisson goes with exp or softplus"), "{}", error.help());
}

#[test]
fn the_null_model_is_where_the_mean_loss_is_flat() {
    for model in pairs() {
        let y = responses(model);
        let n = y.len() as f64;
        let mean = y.iter().sum::<f64>() / n;
        let variance = y.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / n;
        let spread = y.iter().map(|&y| model.observation.deviance(y, mean)).sum::<f64>() / n;
        let null = Null::new(model, mean, spread);
        let points: Vec<Point> = y.iter().map(|&y| look(model, y, null.eta, 0.0)).collect();
        let sum = |of: fn(&Point) -> f64| points.iter().map(of).sum::<f64>() / n;
        assert!((sum(|point| point.loss) / null.loss - 1.0).abs() < 1e-14, "{model:?}");
        assert!((sum(|point| point.curvature) / null.curvature - 1.0).abs() < 1e-14, "{model:?}");
        assert!(sum(|point| point.residual).abs() < 1e-14 * n * variance, "{model:?}");
        assert!(!null.is_silent && null.size > 0.0);
    }
    let null = |observation: ObservationModel, mean: f64| Null::new(observation.into(), mean, 0.0);
    assert_eq!(null(ObservationModel::Poisson, 0.0).eta, f64::NEG_INFINITY);
    assert_eq!(null(ObservationModel::Bernoulli, 1.0).eta, f64::INFINITY);
    assert!(
        null(ObservationModel::Bernoulli, 0.0).is_silent && null(ObservationModel::Poisson, 0.0).is_silent
    );
    // a constant response is met exactly, which is no reason to divide by 0
    assert!(
        !null(ObservationModel::Gaussian, 0.0).is_silent && null(ObservationModel::Gaussian, 0.0).size > 0.0
    );
}

#[test]
fn a_dispersion_is_a_number_above_0_and_near_0_counts_are_poisson() {
    for dispersion in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = NegativeBinomial::new(dispersion).unwrap_err();
        assert!(error.to_string().contains("dispersion: expected a number above 0"), "{error}");
    }
    let near = dispersed(1e-9);
    assert_eq!(near.dispersion(), Some(1e-9));
    for (y, mu) in [(0.0, 0.3), (1.0, 0.3), (7.0, 2.5), (300.0, 250.0)] {
        let poisson = ObservationModel::Poisson;
        for (found, expected) in [
            (near.log_likelihood(y, mu, 1.0), poisson.log_likelihood(y, mu, 1.0)),
            (near.deviance(y, mu), poisson.deviance(y, mu)),
        ] {
            assert!(
                (found - expected).abs() < 1e-6 * expected.abs() + 5e-4 * 1e-9 * y * y,
                "{y} {mu}: {found}"
            );
        }
    }
    // the limit of no event where none is expected, of both
    assert_eq!((near.deviance(0.0, 0.0), ObservationModel::Poisson.deviance(0.0, 0.0)), (0.0, 0.0));
    assert_eq!(
        (near.log_likelihood(0.0, 0.0, 1.0), near.log_likelihood(1.0, 0.0, 1.0)),
        (0.0, f64::NEG_INFINITY)
    );
    assert_eq!((near.deviance(1.0, 0.0), near.deviance(1.0, f64::INFINITY)), (f64::INFINITY, f64::INFINITY));
}

#[test]
fn outside_of_its_domain_a_loss_is_no_number() {
    let model = Model::from(ObservationModel::Gamma);
    let pointwise = |eta: f64, delta: f64| look(model, 1.5, eta, delta);
    for eta in [-1.0, 0.0, -1e-300] {
        assert!(!pointwise(eta, 0.0).loss.is_finite() && !pointwise(eta, 0.0).residual.is_finite());
    }
    for delta in [-0.4, -0.400_000_001, -3.0, -1e9] {
        assert!(!pointwise(0.4, delta).change.is_finite(), "{delta}");
    }
    assert!(pointwise(0.4, -0.399).change.is_finite());
}
