//! Gamma, negative binomial and probit models beyond what every model is tested for: domains, dispersions, tests of coefficients.

use crate::common::{Random, fit, relative, source};
use ndarray::{Array2, Axis};
use rheobase::Error;
use rheobase::backend::{Cpu, Model};
use rheobase::design::DesignPlan;
use rheobase::glm::{Dispersion, FittedGlm, GlmSpec, Response, SolverChoice, StandardErrors, score};
use rheobase::inverse_link::InverseLink;
use rheobase::observation::{NegativeBinomial, ObservationModel};
use rheobase::regularizer::Regularizer;
use rheobase::solver::Status;

const SOLVERS: [SolverChoice; 2] = [SolverChoice::Newton, SolverChoice::Lbfgs];

fn spec(model: Model, solver: SolverChoice) -> GlmSpec {
    GlmSpec { model, solver, ..GlmSpec::default() }
}

/// A Gamma variable of whole shape and mean 1.
fn gamma(random: &mut Random, shape: u32) -> f64 {
    (0..shape).map(|_| -(1.0 - random.uniform()).ln()).sum::<f64>() / f64::from(shape)
}

fn dispersed(dispersion: f64) -> Model {
    ObservationModel::from(NegativeBinomial::new(dispersion).unwrap()).into()
}

/// Counts of dispersion `1 / shape`, or Poisson counts of shape 0, for each target, and normal columns.
fn counts(seed: u64, n: usize, shapes: &[u32]) -> (Array2<f64>, Array2<f64>) {
    let mut random = Random(seed);
    let x = Array2::from_shape_simple_fn((n, 3), || random.normal());
    let y = Array2::from_shape_fn((n, shapes.len()), |(i, k)| {
        let mu = (0.6 + 0.5 * x[(i, 0)] - 0.3 * x[(i, 1)]).exp();
        let rate = if shapes[k] == 0 { mu } else { mu * gamma(&mut random, shapes[k]) };
        random.poisson(rate)
    });
    (x, y)
}

/// Full steps of Newton's method leave the domain: linear predictors of some bins are nearly 0 at the optimum, far from
/// where the fit begins.
#[test]
fn steps_out_of_the_domain_are_refused() {
    let model = Model::from(ObservationModel::Gamma);
    let mut random = Random(11);
    let n = 2000;
    let x =
        Array2::from_shape_fn((n, 2), |(i, j)| if j == 0 { i as f64 / n as f64 } else { random.normal() });
    // means from 1 to 1000
    let y = Array2::from_shape_fn((n, 1), |(i, _)| gamma(&mut random, 3) / (1.001 - x[(i, 0)]));
    for regularizer in [Regularizer::None, Regularizer::Ridge { strength: 1e-6.into() }] {
        let fits: Vec<FittedGlm> = SOLVERS
            .map(|solver| fit(GlmSpec { regularizer: regularizer.clone(), ..spec(model, solver) }, &x, &y))
            .into();
        for fitted in &fits {
            let target = &fitted.targets[0];
            assert_eq!(target.status, Status::Converged, "{target:?}");
            let mu = fitted.predict(x.view()).unwrap();
            assert!(mu.iter().all(|&mu| mu > 0.0 && mu.is_finite()), "a mean that is none");
            assert!(mu.iter().fold(0.0, |a: f64, &b| a.max(b)) > 300.0);
        }
        assert!(relative(&fits[0].targets[0].coef, &fits[1].targets[0].coef) < 1e-8);
    }
    // a start without a mean is not followed
    let near = rheobase::glm::StartPoint { coef: vec![-100.0, 3.0], intercept: -1.0 };
    for solver in SOLVERS {
        let target =
            fit(GlmSpec { start: vec![near.clone()], ..spec(model, solver) }, &x, &y).targets.remove(0);
        assert_eq!(target.status, Status::Converged, "{target:?}");
    }
    // a prediction outside of the domain is no number
    let fitted = fit(spec(model, SolverChoice::Newton), &x, &y);
    assert!(fitted.predict(ndarray::arr2(&[[50.0, 0.0]]).view()).unwrap()[(0, 0)].is_nan());
}

/// `d log-likelihood / d eta` of a bin, from response, mean and linear predictor.
type Slope<'a> = &'a dyn Fn(f64, f64, f64) -> f64;

/// The normal equations of each model at the reported coefficients, summed up bin by bin.
#[test]
fn scores_of_the_likelihood_vanish_at_the_fit() {
    let mut random = Random(12);
    let (x, counted) = counts(13, 3000, &[2]);
    let positive = Array2::from_shape_fn((3000, 1), |(i, _)| {
        gamma(&mut random, 2) / (2.0 + 0.2 * x[(i, 0)].clamp(-3.0, 3.0))
    });
    let event = counted.mapv(|y| f64::from(y > 1.0));
    let normal = |z: f64| (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let cases: [(Model, &Array2<f64>, Slope); 4] = [
        (dispersed(0.5), &counted, &|y, mu, _| (y - mu) / (1.0 + 0.5 * mu)),
        (ObservationModel::Gamma.into(), &positive, &|y, mu, _| mu - y),
        (
            Model { observation: ObservationModel::Gamma, inverse_link: InverseLink::Exp },
            &positive,
            &|y, mu, _| y / mu - 1.0,
        ),
        (
            Model { observation: ObservationModel::Bernoulli, inverse_link: InverseLink::Probit },
            &event,
            &|y, mu, eta| (y - mu) * normal(eta) / (mu * (1.0 - mu)),
        ),
    ];
    for (model, y, slope) in cases {
        for solver in SOLVERS {
            let fitted = fit(spec(model, solver), &x, y);
            let target = &fitted.targets[0];
            assert_eq!(target.status, Status::Converged, "{target:?}");
            let mu = fitted.predict(x.view()).unwrap();
            let of_row = |i: usize| {
                let eta = target.intercept + (0..3).map(|j| target.coef[j] * x[(i, j)]).sum::<f64>();
                slope(y[(i, 0)], mu[(i, 0)], eta)
            };
            for j in 0..4 {
                let column = |i: usize| if j == 3 { 1.0 } else { x[(i, j)] };
                let total: f64 = (0..3000).map(|i| of_row(i) * column(i)).sum();
                let size: f64 = (0..3000).map(|i| (of_row(i) * column(i)).abs()).sum();
                assert!(total.abs() < 1e-11 * size, "{model:?} {j}: {total} of {size}");
            }
        }
    }
}

/// So many rows that first steps see a part of them, whose steps may leave the domain of the others.
#[test]
fn many_rows_end_where_few_would() {
    let n = 60_000;
    let (x, counted) = counts(14, n, &[2]);
    let mut random = Random(15);
    let positive = Array2::from_shape_fn((n, 1), |(i, _)| {
        gamma(&mut random, 2) / (0.9 + 0.25 * x[(i, 0)].clamp(-3.0, 3.0) + 0.05 * x[(i, 1)].clamp(-2.0, 2.0))
    });
    let event = counted.mapv(|y| f64::from(y > 1.0));
    for (observation, y) in [
        (ObservationModel::Gamma, &positive),
        (ObservationModel::Bernoulli, &event),
        (dispersed(0.5).observation, &counted),
    ] {
        for &inverse_link in Model::links_of(observation) {
            let model = Model { observation, inverse_link };
            let [newton, lbfgs] = SOLVERS.map(|solver| fit(spec(model, solver), &x, y).targets.remove(0));
            assert_eq!([newton.status, lbfgs.status], [Status::Converged; 2], "{model:?} {lbfgs:?}");
            assert!(relative(&lbfgs.coef, &newton.coef) < 1e-8, "{model:?} {newton:?} {lbfgs:?}");
            assert!(newton.iterations < 25 && lbfgs.iterations < 100, "{model:?} {newton:?} {lbfgs:?}");
        }
    }
}

#[test]
fn a_dispersion_is_estimated_by_maximum_likelihood() {
    let (x, y) = counts(21, 4000, &[2, 0, 5]);
    let ml = |solver| GlmSpec { dispersion: Dispersion::MaximumLikelihood, ..spec(dispersed(1.0), solver) };
    for solver in SOLVERS {
        let fitted = fit(ml(solver), &x, &y);
        assert!(fitted.converged(), "{:?}", fitted.targets);
        assert_eq!(fitted.plan.n_targets, 3);
        for (k, target) in fitted.targets.iter().enumerate() {
            let own = y.select(Axis(1), &[k]);
            let at = |dispersion: f64| fit(spec(dispersed(dispersion), solver), &x, &own).targets.remove(0);
            let best = at(target.scale);
            assert!(relative(&target.coef, &best.coef) < 1e-9);
            assert!((target.scores.log_likelihood / best.scores.log_likelihood - 1.0).abs() < 1e-12);
            assert!(target.iterations > best.iterations);
            if k == 1 {
                // no more varied than Poisson's, or hardly so
                assert!(target.scale < 0.05, "{}", target.scale);
                continue;
            }
            let error = target.scale_standard_error;
            assert!((target.scale - [0.5, 0.0, 0.2][k]).abs() < 4.0 * error && error < 0.1, "{target:?}");
            // neither more nor less is as likely, coefficients refitted; by the curvature two errors cost 2
            for sign in [-1.0, 1.0] {
                let other = at(target.scale + 2.0 * sign * error).scores.log_likelihood_sum;
                let cost = target.scores.log_likelihood_sum - other;
                assert!((1.3..3.0).contains(&cost), "{sign}: {cost}");
                let near = at(target.scale * (1.0 + 1e-3 * sign)).scores.log_likelihood_sum;
                assert!(near < target.scores.log_likelihood_sum);
            }
        }
    }
}

#[test]
fn counts_no_more_varied_than_poissons_have_no_dispersion() {
    let (x, _) = counts(22, 500, &[0]);
    // whole numbers near the means
    let y = Array2::from_shape_fn((500, 1), |(i, _)| (1.2 + 0.4 * x[(i, 0)]).exp().round());
    let spec_ml =
        GlmSpec { dispersion: Dispersion::MaximumLikelihood, ..spec(dispersed(1.0), SolverChoice::Newton) };
    let target = fit(spec_ml.clone(), &x, &y).targets.remove(0);
    let poisson = fit(spec(Model::default(), SolverChoice::Newton), &x, &y).targets.remove(0);
    assert_eq!((target.status, poisson.status), (Status::Converged, Status::Converged));
    assert!(target.warnings.iter().any(|warning| warning.contains("limit 0")), "{:?}", target.warnings);
    assert!(target.scale <= 1e-8 && target.scale_standard_error.is_nan());
    assert!(relative(&target.coef, &poisson.coef) < 1e-6);
    assert!((target.scores.log_likelihood / poisson.scores.log_likelihood - 1.0).abs() < 1e-6);
    // a silent target, and what cannot be counted
    let target = fit(spec_ml.clone(), &x, &Array2::zeros((500, 1))).targets.remove(0);
    assert_eq!(target.status, Status::NoEvents);
    let plan = DesignPlan::new(source(&x), 0..500).unwrap();
    let half = y.mapv(|y| y + 0.5);
    let response = Response { y: half.view().into(), names: vec!["y".into()] };
    let error =
        spec_ml.check().unwrap().fit(&Cpu::<f32>::default(), &plan, &response, &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("whole numbers"), "{error}");
    let other = GlmSpec { dispersion: Dispersion::MaximumLikelihood, ..GlmSpec::default() };
    assert!(other.check().unwrap_err().to_string().contains("dispersion"));
}

#[test]
fn a_response_of_0_is_none_of_a_gamma_model() {
    let x = Array2::from_shape_fn((20, 1), |(i, _)| i as f64);
    let mut y = Array2::from_shape_fn((20, 2), |(i, _)| 1.0 + i as f64);
    y[(7, 1)] = 0.0;
    let plan = DesignPlan::new(source(&x), 0..20).unwrap();
    let response = Response { y: y.view().into(), names: vec!["a".into(), "b".into()] };
    let spec = spec(ObservationModel::Gamma.into(), SolverChoice::Auto).check().unwrap();
    let error = spec.fit(&Cpu::<f32>::default(), &plan, &response, &mut |_| {}).unwrap_err();
    assert!(matches!(error, Error::Domain { row: 7, column: 1, value: 0.0, .. }), "{error:?}");
}

/// Of two groups everything is known in closed form: the means, their errors, and so z and p.
#[test]
fn tests_of_coefficients_are_those_of_wald() {
    let x = Array2::from_shape_fn((200, 1), |(i, _)| f64::from(i % 2 == 0));
    let y = Array2::from_shape_fn((200, 1), |(i, _)| f64::from(i % 10 < if i % 2 == 0 { 5 } else { 4 }));
    let model = Model { observation: ObservationModel::Bernoulli, inverse_link: InverseLink::Logistic };
    let target = fit(spec(model, SolverChoice::Newton), &x, &y).targets.remove(0);
    let rate = |parity: usize| (0..200).filter(|i| i % 2 == parity).map(|i| y[(i, 0)]).sum::<f64>() / 100.0;
    let (p, q) = (rate(0), rate(1));
    let coef = (p / (1.0 - p)).ln() - (q / (1.0 - q)).ln();
    let error = (1.0 / (100.0 * p * (1.0 - p)) + 1.0 / (100.0 * q * (1.0 - q))).sqrt();
    let z = coef / error;
    assert!((target.z()[0] / z - 1.0).abs() < 1e-9, "{:?} {z}", target.z());
    let p_value = libm_erfc(z.abs() / 2f64.sqrt());
    assert!((target.p_values()[0] - p_value).abs() < 1e-7, "{:?} {p_value}", target.p_values());
    // without errors there is no test
    let off = GlmSpec { standard_errors: StandardErrors::Off, ..spec(model, SolverChoice::Newton) };
    let target = fit(off, &x, &y).targets.remove(0);
    assert!(target.z()[0].is_nan() && target.p_values()[0].is_nan());
}

/// The complementary error function as an integral by Simpson's rule.
fn libm_erfc(x: f64) -> f64 {
    let (n, width) = (20_000, 8.0 / 20_000.0);
    let f = |k: usize| (-(x + k as f64 * width).powi(2)).exp();
    let inner: f64 = (1..n).map(|k| if k % 2 == 1 { 4.0 } else { 2.0 } * f(k)).sum();
    2.0 / std::f64::consts::PI.sqrt() * width / 3.0 * (f(0) + inner + f(n))
}

#[test]
fn a_saved_fit_scores_with_its_own_dispersion() {
    let (x, y) = counts(23, 1000, &[1, 4]);
    let spec =
        GlmSpec { dispersion: Dispersion::MaximumLikelihood, ..spec(dispersed(1.0), SolverChoice::Auto) };
    let fitted = fit(spec, &x, &y);
    let text = serde_json::to_string(&fitted).unwrap();
    let read: FittedGlm = serde_json::from_str(&text).unwrap();
    let mu = read.predict(x.view()).unwrap();
    for (k, target) in read.targets.iter().enumerate() {
        let model = read.model_of(target);
        assert_eq!(model, fitted.model_of(&fitted.targets[k]));
        let scores = score(model, &y.column(k).to_vec(), &mu.column(k).to_vec());
        assert!((scores.log_likelihood / target.scores.log_likelihood - 1.0).abs() < 1e-12);
        assert!((scores.pseudo_r2_cohen / target.scores.pseudo_r2_cohen - 1.0).abs() < 1e-9);
    }
    assert!(serde_json::from_str::<NegativeBinomial>("-1.0").is_err());
}

#[test]
fn infinite_estimates_are_told() {
    let mut random = Random(31);
    let noise = Array2::from_shape_simple_fn((400, 2), || random.normal());
    // the sign of x1 is the response; a third of the bins, which x0 marks, has no event
    let event = Array2::from_shape_fn((400, 1), |(i, _)| f64::from(noise[(i, 1)] > 0.1));
    let marked =
        Array2::from_shape_fn((400, 2), |(i, j)| if j == 0 { f64::from(i % 3 == 0) } else { noise[(i, 0)] });
    let silent =
        Array2::from_shape_fn((400, 1), |(i, _)| if i % 3 == 0 { 0.0 } else { ((i * 7) % 5) as f64 });
    let probit = Model { observation: ObservationModel::Bernoulli, inverse_link: InverseLink::Probit };
    let softplus = Model { inverse_link: InverseLink::Softplus, ..dispersed(0.5) };
    for (model, x, y, named) in [
        (probit, &noise, &event, "x1"),
        (dispersed(0.5), &marked, &silent, "x0"),
        (softplus, &marked, &silent, "x0"),
    ] {
        for solver in SOLVERS {
            for standard_errors in [StandardErrors::On, StandardErrors::Off] {
                for tolerance in [1e-16, 1e-6] {
                    let spec = GlmSpec { standard_errors, tolerance, ..spec(model, solver) };
                    let target = fit(spec, x, y).targets.remove(0);
                    assert_eq!(
                        target.status,
                        Status::Separated,
                        "{model:?} {solver:?} {tolerance} {target:?}"
                    );
                    assert!(target.warnings[0].contains(named), "{:?}", target.warnings);
                }
            }
        }
    }
    // one bin on the wrong side holds it
    let mut held = event.clone();
    let farthest = (0..400).max_by(|&i, &j| noise[(i, 1)].total_cmp(&noise[(j, 1)])).unwrap();
    held[(farthest, 0)] = 0.0;
    for solver in SOLVERS {
        let target = fit(spec(probit, solver), &noise, &held).targets.remove(0);
        assert_eq!(target.status, Status::Converged, "{solver:?} {target:?}");
    }
}

#[test]
fn a_gamma_response_without_variation_has_an_answer() {
    let mut random = Random(41);
    let x = Array2::from_shape_simple_fn((300, 2), || random.normal());
    for y in [3.7, 1e-6, 1e9] {
        for &inverse_link in Model::links_of(ObservationModel::Gamma) {
            let model = Model { observation: ObservationModel::Gamma, inverse_link };
            let target =
                fit(spec(model, SolverChoice::Auto), &x, &Array2::from_elem((300, 1), y)).targets.remove(0);
            assert_eq!(target.status, Status::Converged, "{y} {target:?}");
            assert!((model.mean(target.intercept) / y - 1.0).abs() < 1e-12, "{y} {target:?}");
            assert!(target.scale < 1e-20 && target.scores.log_likelihood > 10.0 - y.ln(), "{target:?}");
        }
    }
}
