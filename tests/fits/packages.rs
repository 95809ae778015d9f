//! Fits of real data agree with independent packages (`tests/generators/reference_packages.py`).

use crate::common::{golden, number, numbers, relative, source};
use ndarray::{Array2, Axis};
use rheobase::backend::{Cpu, Model};
use rheobase::design::DesignPlan;
use rheobase::glm::{GlmSpec, Response};
use rheobase::inverse_link::InverseLink;
use rheobase::observation::{NegativeBinomial, ObservationModel};
use rheobase::regularizer::Regularizer;
use rheobase::solver::Status;
use serde_json::Value;

fn model(record: &Value) -> Model {
    let observation = match record["observation"].as_str().unwrap() {
        "poisson" => ObservationModel::Poisson,
        "gaussian" => ObservationModel::Gaussian,
        "bernoulli" => ObservationModel::Bernoulli,
        "gamma" => ObservationModel::Gamma,
        "negative-binomial" => NegativeBinomial::new(number(&record["dispersion"])).unwrap().into(),
        other => panic!("{other}"),
    };
    let all = [
        InverseLink::Exp,
        InverseLink::Identity,
        InverseLink::Logistic,
        InverseLink::Probit,
        InverseLink::OneOverX,
    ];
    let inverse_link = all.into_iter().find(|link| link.name() == record["link"]).unwrap();
    Model { observation, inverse_link }
}

fn regularizer(record: &Value) -> Regularizer {
    let strength = || number(&record["strength"]).into();
    match record["regularizer"].as_str() {
        None => Regularizer::None,
        Some("ridge") => Regularizer::Ridge { strength: strength() },
        Some("lasso") => Regularizer::Lasso { strength: strength() },
        Some("elastic-net") => {
            Regularizer::ElasticNet { strength: strength(), ratio: number(&record["ratio"]) }
        }
        Some(other) => panic!("{other}"),
    }
}

#[test]
fn coefficients_errors_and_likelihoods_are_those_of_the_packages() {
    let reference = golden("reference_packages.json");
    let fits = reference["fits"].as_array().unwrap();
    assert_eq!(fits.len(), 21);
    for record in fits {
        let table = &reference["data"][record["data"].as_str().unwrap()];
        let rows: Vec<Vec<f64>> = table["x"].as_array().unwrap().iter().map(numbers).collect();
        let x = Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j]);
        let y = ndarray::Array1::from(numbers(&table["y"])).insert_axis(Axis(1));
        let spec = GlmSpec { model: model(record), regularizer: regularizer(record), ..GlmSpec::default() };
        let has_intercept = record["has_intercept"].as_bool().unwrap_or(true);
        let spec = GlmSpec { has_intercept, ..spec };
        let repeated = |field: &str| {
            let values = record[field].is_array().then(|| numbers(&record[field]))?;
            Some(values.into_iter().cycle().take(rows.len()).collect::<Vec<f64>>())
        };
        let mut plan = DesignPlan::new(source(&x), 0..rows.len()).unwrap();
        if let Some(weights) = repeated("weights") {
            plan = plan.with_weights(weights).unwrap();
        }
        if let Some(offset) = repeated("offset") {
            plan = plan.with_offset(offset).unwrap();
        }
        let response = Response { y: y.view().into(), names: vec!["y".into()] };
        let fitted = spec.check().unwrap().fit(&Cpu::<f32>::default(), &plan, &response, &mut |_| {});
        let target = fitted.unwrap().targets.remove(0);
        let what = format!(
            "{} of {}, {} {}: {target:?}",
            record["package"], record["data"], record["observation"], record["link"]
        );
        assert_eq!(target.status, Status::Converged, "{what}");
        assert!(relative(&target.coef, &numbers(&record["coef"])) < 1e-6, "{what}");
        let near = |found: f64, field: &str, tolerance: f64| {
            let expected = number(&record[field]);
            assert!((found / expected - 1.0).abs() < tolerance, "{field} {expected}, {what}");
        };
        if has_intercept {
            near(target.intercept, "intercept", 1e-6);
        }
        for (w, expected) in target.coef.iter().zip(numbers(&record["coef"])) {
            assert_eq!(*w == 0.0, expected == 0.0, "{what}");
        }
        if record["standard_errors"].is_null() {
            continue;
        }
        for (error, expected) in target.standard_errors.iter().zip(numbers(&record["standard_errors"])) {
            assert!((error / expected - 1.0).abs() < 1e-5, "{error} {expected} {what}");
        }
        if has_intercept {
            near(target.intercept_standard_error, "intercept_standard_error", 1e-5);
        }
        near(target.scores.log_likelihood_sum, "log_likelihood_sum", 1e-9);
        near(target.scores.deviance, "deviance", 1e-9);
        assert_eq!(target.dof_resid as f64, number(&record["dof_resid"]).floor(), "{what}");
        if has_intercept {
            let null_deviance = target.scores.deviance / (1.0 - target.scores.pseudo_r2_cohen);
            near(null_deviance, "null_deviance", 1e-8);
        }
    }
}
