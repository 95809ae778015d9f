//! Every observation model and link from data to a certified fit: precisions, populations, edges.

use crate::common::{Random, fit, relative, source};
use ndarray::{Array2, Axis, concatenate};
use rheobase::Error;
use rheobase::backend::{Cpu, Model};
use rheobase::design::DesignPlan;
use rheobase::glm::{GlmSpec, Response, SolverChoice, StandardErrors, score_scaled};
use rheobase::inverse_link::InverseLink;
use rheobase::observation::{NegativeBinomial, ObservationModel};
use rheobase::solver::Status;

const SOLVERS: [SolverChoice; 2] = [SolverChoice::Newton, SolverChoice::Lbfgs];

fn softplus() -> Model {
    Model { observation: ObservationModel::Poisson, inverse_link: InverseLink::Softplus }
}

/// The pairs that are not the default.
fn models() -> Vec<Model> {
    let dispersed = NegativeBinomial::new(0.5).unwrap().into();
    let observations = [
        ObservationModel::Poisson,
        ObservationModel::Gaussian,
        ObservationModel::Bernoulli,
        ObservationModel::Gamma,
        dispersed,
    ];
    let links = |observation: ObservationModel| {
        Model::links_of(observation).iter().map(move |&inverse_link| Model { observation, inverse_link })
    };
    observations.into_iter().flat_map(links).filter(|model| *model != Model::default()).collect()
}

fn spec(model: Model, solver: SolverChoice) -> GlmSpec {
    GlmSpec { model, solver, ..GlmSpec::default() }
}

/// Normal columns and responses of `n_targets` targets that depend on them.
fn data(model: Model, seed: u64, n: usize, p: usize, n_targets: usize) -> (Array2<f64>, Array2<f64>) {
    let mut random = Random(seed);
    let x = Array2::from_shape_simple_fn((n, p), || random.normal());
    let w = Array2::from_shape_simple_fn((p, n_targets), || 0.3 * random.normal());
    let eta = x.dot(&w);
    let y = Array2::from_shape_fn((n, n_targets), |(i, k)| {
        let eta = eta[(i, k)] + 0.2 - 0.3 * k as f64;
        // one over a number above 0
        let is_reciprocal = model.inverse_link == InverseLink::OneOverX;
        let mu = model.mean(if is_reciprocal { (eta + 4.0).max(0.5) } else { eta });
        let mut gamma = |shape: u32| (0..shape).map(|_| -(1.0 - random.uniform()).ln()).sum::<f64>();
        match model.observation {
            ObservationModel::Gamma => mu / 3.0 * gamma(3),
            ObservationModel::NegativeBinomial(_) => {
                let rate = mu / 2.0 * gamma(2);
                random.poisson(rate)
            }
            ObservationModel::Poisson => random.poisson(mu),
            ObservationModel::Gaussian => mu + 0.7 * random.normal(),
            ObservationModel::Bernoulli => f64::from(random.uniform() < mu),
        }
    });
    (x, y)
}

/// Independent values of a Gaussian fit: the normal equations, whose inverse times the scale is the covariance.
#[test]
fn a_gaussian_fit_is_least_squares() {
    let gaussian = Model::from(ObservationModel::Gaussian);
    let (x, y) = data(gaussian, 1, 500, 2, 1);
    // units and offsets of any size
    for (factor, offset) in [(1.0, 0.0), (1e-9, 0.0), (1e6, 0.0), (1.0, 1e4)] {
        let y = y.mapv(|y| factor * y + offset);
        for solver in SOLVERS {
            let target = fit(spec(gaussian, solver), &x, &y).targets.remove(0);
            assert_eq!(target.status, Status::Converged, "{factor} {offset} {target:?}");
            let mean = |a: &dyn Fn(usize) -> f64| (0..500).map(a).sum::<f64>() / 500.0;
            let means = [mean(&|i| x[(i, 0)]), mean(&|i| x[(i, 1)]), mean(&|i| y[(i, 0)])];
            let product = |a: usize, b: usize| {
                let column = |j: usize, i: usize| if j == 2 { y[(i, 0)] } else { x[(i, j)] } - means[j];
                (0..500).map(|i| column(a, i) * column(b, i)).sum::<f64>()
            };
            let determinant = product(0, 0) * product(1, 1) - product(0, 1).powi(2);
            let coef = [
                (product(1, 1) * product(0, 2) - product(0, 1) * product(1, 2)) / determinant,
                (product(0, 0) * product(1, 2) - product(0, 1) * product(0, 2)) / determinant,
            ];
            assert!(relative(&target.coef, &coef) < 1e-10, "{factor} {offset}: {:?} {coef:?}", target.coef);
            let intercept = means[2] - coef[0] * means[0] - coef[1] * means[1];
            assert!((target.intercept - intercept).abs() < 1e-10 * intercept.abs());
            let residual = |i: usize| y[(i, 0)] - intercept - coef[0] * x[(i, 0)] - coef[1] * x[(i, 1)];
            let squares = (0..500).map(|i| residual(i).powi(2)).sum::<f64>();
            assert!((target.scale / (squares / 497.0) - 1.0).abs() < 1e-7);
            assert!((target.scores.deviance / squares - 1.0).abs() < 1e-7);
            let error = (squares / 497.0 * product(1, 1) / determinant).sqrt();
            assert!((target.standard_errors[0] / error - 1.0).abs() < 1e-7);
        }
    }
}

#[test]
fn both_solvers_and_both_precisions_arrive_at_the_same_point() {
    for model in models() {
        let (x, y) = data(model, 2, 6000, 6, 1);
        let plan = DesignPlan::new(source(&x), 0..x.nrows()).unwrap();
        let response = Response { y: y.view().into(), names: vec!["y".into()] };
        let exact = spec(model, SolverChoice::Newton).check().unwrap();
        let exact = exact.fit(&Cpu::<f64>::default(), &plan, &response, &mut |_| {}).unwrap();
        for solver in SOLVERS {
            let target = fit(spec(model, solver), &x, &y).targets.remove(0);
            assert_eq!(target.status, Status::Converged, "{model:?} {target:?}");
            assert!(relative(&target.coef, &exact.targets[0].coef) < 1e-9, "{model:?}");
            assert!(relative(&target.standard_errors, &exact.targets[0].standard_errors) < 1e-7);
            // what single precision alone is good for
            let rough = fit(GlmSpec { tolerance: 1e-10, ..spec(model, solver) }, &x, &y).targets.remove(0);
            assert_eq!(rough.status, Status::Converged);
            assert!(relative(&rough.coef, &exact.targets[0].coef) < 1e-4, "{model:?}");
        }
    }
}

#[test]
fn a_population_is_its_targets_one_by_one() {
    for model in models() {
        let (x, y) = data(model, 3, 3000, 5, 4);
        for solver in SOLVERS {
            let together = fit(spec(model, solver), &x, &y);
            for (k, target) in together.targets.iter().enumerate() {
                let alone = fit(spec(model, solver), &x, &y.select(Axis(1), &[k]));
                assert_eq!(target.status, Status::Converged, "{model:?} {target:?}");
                assert!(relative(&target.coef, &alone.targets[0].coef) < 1e-8, "{model:?}");
                let pair = fit(spec(model, solver), &x, &y.select(Axis(1), &[(k + 1) % 4, k]));
                assert_eq!(target.coef, pair.targets[1].coef, "bits, whatever the company");
            }
            // predictions score like the fit
            let mu = together.predict(x.view()).unwrap();
            for (k, target) in together.targets.iter().enumerate() {
                let (y, mu) = (y.column(k).to_vec(), mu.column(k).to_vec());
                let scores = score_scaled(model, target.scale, &y, &mu);
                let pairs = [
                    (scores.log_likelihood, target.scores.log_likelihood),
                    (scores.deviance, target.scores.deviance),
                    (scores.pseudo_r2_mcfadden, target.scores.pseudo_r2_mcfadden),
                    (scores.pseudo_r2_cohen, target.scores.pseudo_r2_cohen),
                ];
                for (found, expected) in pairs {
                    assert!((found / expected - 1.0).abs() < 1e-10, "{model:?}: {found} {expected}");
                }
            }
        }
    }
}

#[test]
fn aliased_columns_get_the_answer_of_smallest_norm() {
    for model in models() {
        let (x, y) = data(model, 4, 800, 2, 1);
        let twice = x.column(0).mapv(|v| 3.0 * v).insert_axis(Axis(1));
        let alone = fit(spec(model, SolverChoice::Newton), &x, &y);
        let target =
            fit(spec(model, SolverChoice::Auto), &concatenate![Axis(1), x, twice], &y).targets.remove(0);
        assert_eq!((target.status, target.aliased.len()), (Status::Converged, 2));
        let w = alone.targets[0].coef[0];
        assert!(relative(&target.coef, &[0.1 * w, alone.targets[0].coef[1], 0.3 * w]) < 1e-9, "{model:?}");
        assert!((target.scale / alone.targets[0].scale - 1.0).abs() < 1e-12, "a copy takes no freedom");
    }
}

#[test]
fn events_that_a_feature_tells_apart_are_separated() {
    let bernoulli = Model::from(ObservationModel::Bernoulli);
    let mut random = Random(5);
    let noise = Array2::from_shape_simple_fn((400, 2), || random.normal());
    let event = |i: usize| f64::from(noise[(i, 0)] + 0.7 * random_of(i) > 0.0);
    // whole: the sign of x1 is the response; part: a condition in which every bin has an event
    let whole = Array2::from_shape_fn((400, 1), |(i, _)| f64::from(noise[(i, 1)] > 0.1));
    let part = Array2::from_shape_fn((400, 1), |(i, _)| if i % 4 == 0 { 1.0 } else { event(i) });
    let condition = Array2::from_shape_fn((400, 1), |(i, _)| f64::from(i % 4 == 0));
    let with_condition = concatenate![Axis(1), noise, condition];
    for solver in SOLVERS {
        for standard_errors in [StandardErrors::On, StandardErrors::Off] {
            for tolerance in [1e-16, 1e-6] {
                let spec = || GlmSpec { standard_errors, tolerance, ..spec(bernoulli, solver) };
                let target = fit(spec(), &noise, &whole).targets.remove(0);
                assert_eq!(target.status, Status::Separated, "{solver:?} {target:?}");
                assert!(target.warnings[0].contains("x1"), "{:?}", target.warnings);
                let target = fit(spec(), &with_condition, &part).targets.remove(0);
                assert_eq!(
                    target.status,
                    Status::Separated,
                    "{solver:?} {standard_errors:?} {tolerance} {target:?}"
                );
                let warning = &target.warnings[0];
                assert!(warning.contains("x2") && !warning.contains("x0"), "{warning}");
                assert!(warning.contains("tell bins with an event from bins without"), "{warning}");
                // one bin of the condition without an event is enough to hold it
                let mut held = part.clone();
                held[(0, 0)] = 0.0;
                let target = fit(spec(), &with_condition, &held).targets.remove(0);
                assert_eq!(target.status, Status::Converged, "{solver:?} {target:?}");
            }
        }
    }
}

/// Noise of row `i`.
fn random_of(i: usize) -> f64 {
    Random(i as u64).normal()
}

#[test]
fn a_silent_condition_is_separated_with_any_link_of_counts() {
    let mut random = Random(6);
    let x = Array2::from_shape_fn(
        (300, 2),
        |(i, j)| {
            if j == 0 { f64::from(i % 3 == 0) } else { random.normal() }
        },
    );
    let y = Array2::from_shape_fn((300, 1), |(i, _)| if i % 3 == 0 { 0.0 } else { ((i * 7) % 5) as f64 });
    for solver in SOLVERS {
        let target = fit(spec(softplus(), solver), &x, &y).targets.remove(0);
        assert_eq!(target.status, Status::Separated, "{solver:?} {target:?}");
        // numbers that happen to be 0 separate nothing
        let gaussian = fit(spec(ObservationModel::Gaussian.into(), solver), &x, &y).targets.remove(0);
        assert_eq!(gaussian.status, Status::Converged);
        assert!(gaussian.warnings.is_empty(), "{:?}", gaussian.warnings);
    }
}

#[test]
fn responses_without_variation_have_an_answer() {
    let (x, _) = data(softplus(), 7, 300, 2, 1);
    let constant = |value: f64| Array2::from_elem((300, 1), value);
    for solver in SOLVERS {
        let one = |model: Model, y: f64| fit(spec(model, solver), &x, &constant(y)).targets.remove(0);
        for (model, y, intercept, warning) in [
            (softplus(), 0.0, f64::NEG_INFINITY, "the rate is 0"),
            (ObservationModel::Bernoulli.into(), 0.0, f64::NEG_INFINITY, "the probability is 0"),
            (ObservationModel::Bernoulli.into(), 1.0, f64::INFINITY, "the probability is 1"),
        ] {
            let target = one(model, y);
            assert_eq!((target.status, target.intercept), (Status::NoEvents, intercept), "{model:?}");
            assert!(target.warnings[0].contains(warning), "{:?}", target.warnings);
            assert_eq!((target.scores.log_likelihood, target.scores.deviance), (0.0, 0.0));
            assert!(target.scores.pseudo_r2_cohen.is_nan());
        }
        for y in [0.0, 3.7, -1e9] {
            let target = one(ObservationModel::Gaussian.into(), y);
            assert_eq!(target.status, Status::Converged, "{y} {target:?}");
            assert!((target.intercept - y).abs() <= 1e-15 * y.abs());
        }
    }
    let fitted = fit(spec(ObservationModel::Bernoulli.into(), SolverChoice::Auto), &x, &constant(1.0));
    assert!(fitted.predict(x.view()).unwrap().iter().all(|&mu| mu == 1.0));
}

#[test]
fn a_response_outside_its_domain_is_refused_with_its_row() {
    let (x, mut y) = data(ObservationModel::Bernoulli.into(), 8, 50, 1, 2);
    y[(7, 1)] = 2.0;
    let plan = DesignPlan::new(source(&x), 0..50).unwrap();
    let response = Response { y: y.view().into(), names: vec!["a".into(), "b".into()] };
    let fit = |model: Model, response: &Response| {
        let spec = spec(model, SolverChoice::Auto).check().unwrap();
        spec.fit(&Cpu::<f32>::default(), &plan, response, &mut |_| {})
    };
    let error = fit(ObservationModel::Bernoulli.into(), &response).unwrap_err();
    assert!(matches!(error, Error::Domain { row: 7, column: 1, value: 2.0, .. }), "{error:?}");
    assert!(error.to_string().contains("0 or 1"), "{error}");
    let (y, names) = (y.mapv(|y| -y), vec!["a".into(), "b".into()]);
    let negative = Response { y: y.view().into(), names };
    assert!(matches!(fit(softplus(), &negative).unwrap_err(), Error::Domain { .. }));
    assert!(fit(ObservationModel::Gaussian.into(), &negative).is_ok());
}

#[test]
fn a_link_that_does_not_fit_is_refused() {
    let model = Model { observation: ObservationModel::Gaussian, inverse_link: InverseLink::Exp };
    let error = GlmSpec { model, ..GlmSpec::default() }.check().unwrap_err();
    assert!(error.to_string().contains("identity for gaussian responses"), "{error}");
}
