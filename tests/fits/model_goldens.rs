//! Observation models, links and fits against golden values of the reference.

use crate::common::{fit, golden, matrix, number, numbers, relative, source};
use ndarray::{Array1, Array2, Axis};
use rheobase::backend::{Cpu, Model};
use rheobase::design::DesignPlan;
use rheobase::glm::{GapFrom, GlmSpec, Response, SolverChoice, estimate_scale, score, score_scaled};
use rheobase::inverse_link::{InverseLink, InvertLink, Mean};
use rheobase::math::elementary::Standard;
use rheobase::observation::{NegativeBinomial, ObservationModel, Observe};
use rheobase::regularizer::Regularizer;
use rheobase::solver::Status;
use serde_json::Value;

const SOLVERS: [SolverChoice; 2] = [SolverChoice::Newton, SolverChoice::Lbfgs];

/// The observation model that the reference calls so: `NegativeBinomial(scale=0.7)`.
fn named(name: &str) -> Option<ObservationModel> {
    if let Some(rest) = name.strip_prefix("NegativeBinomial") {
        let scale = rest.trim_start_matches("(scale=").trim_end_matches(')');
        let dispersion = if scale.is_empty() { 1.0 } else { scale.parse().unwrap() };
        return Some(NegativeBinomial::new(dispersion).unwrap().into());
    }
    ObservationModel::ALL.into_iter().find(|model| model.name() == name.to_lowercase())
}

/// The link that the reference calls so.
fn link_named(name: &str) -> Option<InverseLink> {
    match name {
        "norm.cdf" | "norm_cdf" => Some(InverseLink::Probit),
        "one_over_x" => Some(InverseLink::OneOverX),
        _ => InverseLink::ALL.into_iter().find(|link| link.name() == name),
    }
}

fn near(found: f64, expected: f64, bound: f64, what: &str) {
    assert!((found - expected).abs() <= bound * expected.abs().max(1e-3), "{what}: {found}, not {expected}");
}

#[test]
fn observation_models_agree_with_the_reference() {
    let reference = golden("reference_nemos.json");
    let mut n_found = 0;
    for record in reference["observations"].as_array().unwrap() {
        let name = record["model"].as_str().unwrap();
        let Some(observation) = named(name) else { continue };
        n_found += 1;
        let (y, mu) = (numbers(&record["y"]), numbers(&record["mu"]));
        let default_scale = number(&record["loglik_default_scale"]);
        for (field, of) in [
            ("loglik_per_sample", (|m, y, mu| Observe::log_likelihood(&m, y, mu, 1.0)) as fn(_, _, _) -> f64),
            ("deviance_per_sample", |m: ObservationModel, y, mu| m.deviance(y, mu)),
            ("optimised_nll_per_sample", |m: ObservationModel, y, mu| {
                let (rest, log_mu, log_rest) = (1.0 - mu, mu.ln(), (-mu).ln_1p());
                let mean = Mean { mu, rest, slope: 1.0, log_mu, log_rest, rise: 1.0 / mu, fall: 1.0 / rest };
                m.loss(y, mean, Standard)
            }),
        ] {
            for ((&y, &mu), expected) in y.iter().zip(&mu).zip(numbers(&record[field])) {
                let found = of(observation, y, mu);
                // the reference clips, which costs it digits
                assert!(
                    (found - expected).abs() < 1e-13 * expected.abs().max(10.0),
                    "{name} {field}: {found}, not {expected}"
                );
            }
        }
        let at_scale: f64 =
            y.iter().zip(&mu).map(|(&y, &mu)| observation.log_likelihood(y, mu, 0.7)).sum::<f64>()
                / y.len() as f64;
        // a dispersion is no scale, and the reference has none at another one
        if observation.dispersion().is_none() {
            near(at_scale, number(&record["loglik_scale_0p7"]), 1e-12, name);
        }
        let model = Model::from(observation);
        let scale = &record["estimate_scale_dof3"];
        let scale = scale.as_array().map_or_else(|| number(scale), |all| number(&all[0]));
        near(estimate_scale(model, &y, &mu, 3.0), scale, 1e-13, name);
        let scores = score_scaled(model, default_scale, &y, &mu);
        near(scores.log_likelihood, number(&record["loglik"]), 1e-12, name);
        near(scores.pseudo_r2_mcfadden, number(&record["mcfadden"]), 1e-12, name);
        near(scores.pseudo_r2_cohen, number(&record["cohen"]), 1e-11, name);
    }
    assert!(n_found >= 5, "{n_found}");
}

#[test]
fn links_agree_with_the_reference() {
    let reference = golden("reference_nemos.json");
    let mut n_found = 0;
    for record in reference["links"].as_array().unwrap() {
        let name = record["name"].as_str().unwrap();
        let Some(link) = link_named(name.split(' ').next().unwrap()) else { continue };
        n_found += 1;
        if record.get("eta").is_some() {
            for (eta, expected) in numbers(&record["eta"]).into_iter().zip(numbers(&record["value"])) {
                let found = link.mean(eta, Standard).mu;
                // one over a negative number is no mean here
                if link == InverseLink::OneOverX && eta <= 0.0 {
                    assert!(found.is_nan());
                    continue;
                }
                assert!(
                    (found - expected).abs() <= 1e-14 * expected.abs(),
                    "{name}: {found}, not {expected}"
                );
            }
        } else {
            let y = numbers(&record["y"]);
            let mean = y.iter().sum::<f64>() / y.len() as f64;
            near(link.link(mean), numbers(&record["value"])[0], 1e-12, name);
        }
    }
    assert_eq!(n_found, 12);
}

/// What the reference fitted, if it is ours too.
fn fitted(record: &Value) -> Option<(Model, Regularizer)> {
    let text = |field: &str| record[field].as_str().unwrap_or_default();
    let observation = named(text("observation"))?;
    let inverse_link = match text("link") {
        "default" => observation.default_link(),
        name => link_named(name)?,
    };
    let regularizer = match text("regularizer") {
        "UnRegularized" => Regularizer::None,
        "Ridge" => Regularizer::Ridge { strength: number(&record["strength"]).into() },
        _ => return None,
    };
    (text("model") == "GLM").then_some((Model { observation, inverse_link }, regularizer))
}

#[test]
fn fits_agree_with_the_reference() {
    let reference = golden("reference_nemos.json");
    let x = matrix(&reference["fit_data"]["X"]);
    let mut n_found = 0;
    for record in reference["fits"].as_array().unwrap() {
        let Some((model, regularizer)) = fitted(record) else { continue };
        n_found += 1;
        let y = Array1::from(numbers(&reference["fit_data"][record["data_key"].as_str().unwrap()]));
        let y = y.insert_axis(Axis(1));
        for solver in SOLVERS {
            let spec = GlmSpec { model, regularizer: regularizer.clone(), solver, ..GlmSpec::default() };
            let target = fit(spec, &x, &y).targets.remove(0);
            let what = format!("{model:?} {solver:?}: {target:?}");
            assert_eq!((target.status, target.gap_from), (Status::Converged, GapFrom::Hessian), "{what}");
            assert!(relative(&target.coef, &numbers(&record["coef"])) < 1e-8, "{what}");
            let near = |found: f64, expected: f64| near(found, expected, 1e-8, &what);
            near(target.intercept, numbers(&record["intercept"])[0]);
            if regularizer == Regularizer::None {
                near(target.loss, number(&record["loss_unpenalised"]));
            }
            let scale = &record["scale"];
            near(target.scale, scale.as_array().map_or_else(|| number(scale), |all| number(&all[0])));
            near(target.dof_resid as f64, numbers(&record["dof_resid"])[0]);
            let scores = &target.scores;
            near(scores.log_likelihood, number(&record["score_loglik"]));
            near(scores.pseudo_r2_mcfadden, number(&record["score_mcfadden"]));
            near(scores.pseudo_r2_cohen, number(&record["score_cohen"]));
            assert!(target.kkt_residual < 1e-12 && target.loss_gap < 1e-18 * target.loss, "{what}");
        }
    }
    assert_eq!(n_found, 12);
}

/// The reference counts rows that it drops; degrees of freedom are those of the rows that are used.
#[test]
fn rows_that_are_left_out_leave_no_degrees_of_freedom() {
    let reference = golden("reference_nemos.json");
    let x = matrix(&reference["fit_data"]["X"]);
    let y = Array1::from(numbers(&reference["fit_data"]["Gaussian"])).insert_axis(Axis(1));
    let policy = &reference["nan_policy"][0];
    let (mut x, mut y): (Array2<f64>, Array2<f64>) = (x, y);
    (0..4).for_each(|row| x[(row, 1)] = f64::NAN);
    y[(10, 0)] = f64::NAN;
    let used: Vec<usize> = (4..60).filter(|&row| row != 10).collect();
    let plan = DesignPlan::new(source(&x), used).unwrap();
    let response = Response { y: y.view().into(), names: vec!["y".into()] };
    let spec = GlmSpec { model: ObservationModel::Gaussian.into(), ..GlmSpec::default() }.check().unwrap();
    let target = spec.fit(&Cpu::<f32>::default(), &plan, &response, &mut |_| {}).unwrap().targets.remove(0);
    near(target.dof_resid as f64, numbers(&policy["dof_dropped"])[0], 0.0, "dof");
    near(target.scale, numbers(&policy["scale_dropped"])[0], 1e-10, "scale");
}

#[test]
fn the_score_of_a_silent_target_without_means_is_no_nan() {
    // 0 / 0 in the reference: the limit of the deviance is 0
    let scores = score(Model::default(), &[0.0, 1.0], &[0.0, 1.0]);
    assert_eq!((scores.deviance, scores.pseudo_r2_cohen), (0.0, 1.0));
}
