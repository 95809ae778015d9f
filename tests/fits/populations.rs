//! Populations: golden values of the reference, targets with columns and strengths of their own.

use crate::common::{Random, fit, golden, matrix, number, numbers, poisson_data, relative, source};
use ndarray::{Array1, Array2, Axis, array};
use rheobase::backend::Cpu;
use rheobase::design::{DesignPlan, Source};
use rheobase::glm::{FittedGlm, GlmSpec, PerTarget, Response, SolverChoice};
use rheobase::regularizer::{Grid, GridAxis, Groups, Regularizer};
use rheobase::solver::Status;
use serde_json::Value;

const SOLVERS: [SolverChoice; 2] = [SolverChoice::Newton, SolverChoice::Lbfgs];

fn fit_per_target(spec: &GlmSpec, x: &Array2<f64>, y: &Array2<f64>, own: &PerTarget) -> FittedGlm {
    let plan = DesignPlan::new(source(x), 0..x.nrows()).unwrap();
    let response = Response { y: y.view().into(), names: (0..y.ncols()).map(|k| format!("y{k}")).collect() };
    let spec = spec.clone().check().unwrap();
    spec.fit_per_target(&Cpu::<f32>::default(), &plan, &response, own, &mut |_| {}).unwrap()
}

/// The design and the two targets of the reference's populations.
fn data() -> (Value, Array2<f64>, Array2<f64>) {
    let reference = golden("reference_nemos.json");
    let x = matrix(&reference["fit_data"]["X"]);
    let first = Array1::from(numbers(&reference["fit_data"]["Poisson"]));
    let second: Array1<f64> = first.iter().rev().copied().collect();
    let y = ndarray::stack![Axis(1), first, second];
    (reference, x, y)
}

fn record<'r>(reference: &'r Value, key: &str) -> &'r Value {
    let all = reference["fits"].as_array().unwrap();
    all.iter().find(|own| own["model"] == "PopulationGLM" && own["data_key"] == key).unwrap()
}

fn near(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() <= 1e-8 * expected.abs(), "{what}: {found}, not {expected}");
}

/// Coefficients, intercepts and the scores of the population, which the reference takes over all bins of all targets.
fn assert_is(fit: &FittedGlm, record: &Value, what: &str) {
    let coef = matrix(&record["coef"]);
    for (k, target) in fit.targets.iter().enumerate() {
        assert_eq!(target.status, Status::Converged, "{what}");
        assert!(relative(&target.coef, &coef.column(k).to_vec()) < 1e-8, "{what}: {target:?} {coef}");
        near(target.intercept, numbers(&record["intercept"])[k], what);
        assert_eq!(target.scale, numbers(&record["scale"])[k]);
        assert!(target.kkt_residual < 1e-12, "{what}");
    }
    let sum = |of: &dyn Fn(&rheobase::glm::Scores) -> f64| {
        fit.targets.iter().map(|own| of(&own.scores)).sum::<f64>()
    };
    let log_likelihood = sum(&|own| own.log_likelihood);
    near(log_likelihood / 2.0, number(&record["score_loglik"]), what);
    let null = sum(&|own| own.log_likelihood / (1.0 - own.pseudo_r2_mcfadden));
    near(1.0 - log_likelihood / null, number(&record["score_mcfadden"]), what);
    let null = sum(&|own| own.deviance / (1.0 - own.pseudo_r2_cohen));
    near(1.0 - sum(&|own| own.deviance) / null, number(&record["score_cohen"]), what);
}

#[test]
fn a_ridge_population_is_that_of_the_reference() {
    let (reference, x, y) = data();
    let record = record(&reference, "Poisson & reversed");
    assert_eq!((&record["regularizer"], number(&record["strength"])), (&"Ridge".into(), 0.1));
    for solver in SOLVERS {
        let regularizer = Regularizer::Ridge { strength: 0.1.into() };
        let spec = GlmSpec { solver, regularizer, ..GlmSpec::default() };
        let population = fit(spec.clone(), &x, &y);
        assert_is(&population, record, "ridge");
        // the loss of a target has its penalty, that of the reference has none
        let unpenalised = |k: usize| {
            let own = &population.targets[k];
            own.loss - 0.05 * own.coef.iter().map(|w| w * w).sum::<f64>()
        };
        near(unpenalised(0) + unpenalised(1), number(&record["loss_unpenalised"]), "loss");
        let dof: Vec<f64> = population.targets.iter().map(|own| own.dof_resid as f64).collect();
        assert_eq!(dof, numbers(&record["dof_resid"]));
        // objectives separate: a target of a population is the target alone, and that is in the golden file, too
        let alone = fit(spec, &x, &y.select(Axis(1), &[0]));
        assert!(relative(&population.targets[0].coef, &alone.targets[0].coef) < 1e-9);
        let single = reference["fits"].as_array().unwrap().iter().find(|own| {
            own["model"] == "GLM" && own["observation"] == "Poisson" && own["regularizer"] == "Ridge"
        });
        assert!(relative(&population.targets[0].coef, &numbers(&single.unwrap()["coef"])) < 1e-8);
    }
}

/// A masked coefficient is no parameter: it counts for no degree of freedom, where the reference counts it.
#[test]
fn a_feature_mask_is_that_of_the_reference() {
    let (reference, x, y) = data();
    let record = record(&reference, "Poisson & reversed, mask [[1,0],[1,1],[1,1]]");
    let mask = array![[true, false], [true, true], [true, true]];
    let own = PerTarget { mask: Some(mask), ..PerTarget::default() };
    for solver in SOLVERS {
        let masked = fit_per_target(&GlmSpec { solver, ..GlmSpec::default() }, &x, &y, &own);
        assert_is(&masked, record, "mask");
        near(masked.targets[0].loss + masked.targets[1].loss, number(&record["loss_unpenalised"]), "loss");
        assert_eq!(masked.targets[1].coef[0], 0.0);
        assert!(masked.targets[1].standard_errors[0].is_nan() && masked.targets[1].standard_errors[1] > 0.0);
        assert_eq!(numbers(&record["dof_resid"]), [56.0, 56.0]);
        assert_eq!((masked.targets[0].dof_resid, masked.targets[1].dof_resid), (56, 57));
        assert_eq!((masked.labels.len(), masked.plan.groups.len()), (3, 2));
        // predictions are those of the columns that it may use
        let two = x.select(Axis(1), &[1, 2]);
        let alone = fit(GlmSpec { solver, ..GlmSpec::default() }, &two, &y.select(Axis(1), &[1]));
        let (some, all) = (alone.predict(two.view()).unwrap(), masked.predict(x.view()).unwrap());
        assert!(relative(&all.column(1).to_vec(), &some.column(0).to_vec()) < 1e-10);
    }
}

#[test]
fn targets_that_share_columns_are_fitted_together_and_names_stay() {
    let (x, y) = poisson_data(7, 400, 6, 4);
    let mask = Array2::from_shape_fn((6, 4), |(column, target)| target % 2 == 0 || ![1, 4].contains(&column));
    let own = PerTarget { mask: Some(mask), ..PerTarget::default() };
    let spec = GlmSpec { covariance_of: vec![0..2, 2..4], ..GlmSpec::default() };
    let masked = fit_per_target(&spec, &x, &y, &own);
    assert_eq!(masked.plan.groups.len(), 2);
    let names: Vec<&str> = masked.targets.iter().map(|own| own.name.as_str()).collect();
    assert_eq!(names, ["y0", "y1", "y2", "y3"]);
    let all = fit(GlmSpec::default(), &x, &y);
    for k in [0, 2] {
        assert!(relative(&masked.targets[k].coef, &all.targets[k].coef) < 1e-9);
        assert_eq!(masked.targets[k].covariances.len(), 2);
    }
    // a block that is whole stands where its columns do
    assert_eq!(masked.targets[1].covariances.len(), 1);
    let block = &masked.targets[1].covariances[0];
    assert_eq!(block.columns, 2..4);
    assert!((block.values[(0, 0)].sqrt() / masked.targets[1].standard_errors[2] - 1.0).abs() < 1e-12);
}

/// Each coefficient of each target has a strength of its own: the gradient of the loss balances it.
#[test]
fn strengths_of_each_coefficient_and_target_are_balanced_by_the_gradient() {
    let (x, y) = poisson_data(11, 500, 4, 3);
    let mut random = Random(5);
    let mut strengths = Array2::from_shape_simple_fn((4, 3), || 0.02 + random.uniform());
    strengths[(2, 1)] = 0.0;
    let own = PerTarget { strengths: Some(strengths.clone()), ..PerTarget::default() };
    let with = |regularizer| GlmSpec { regularizer, ..GlmSpec::default() };
    let ridge = fit_per_target(&with(Regularizer::Ridge { strength: 1.0.into() }), &x, &y, &own);
    let lasso = fit_per_target(&with(Regularizer::Lasso { strength: 1.0.into() }), &x, &y, &own);
    let mut n_held = 0;
    for (is_lasso, fit) in [(false, &ridge), (true, &lasso)] {
        let mu = fit.predict(x.view()).unwrap();
        for (k, target) in fit.targets.iter().enumerate() {
            assert_eq!(target.status, Status::Converged);
            for (j, (&w, &strength)) in target.coef.iter().zip(strengths.column(k)).enumerate() {
                let gradient =
                    (0..500).map(|row| x[(row, j)] * (mu[(row, k)] - y[(row, k)])).sum::<f64>() / 500.0;
                if !is_lasso {
                    assert!((gradient + strength * w).abs() < 1e-10, "{k} {j}: {gradient} {w}");
                } else if w == 0.0 {
                    n_held += 1;
                    assert!(gradient.abs() < strength, "{k} {j}: {gradient}");
                } else {
                    assert!((gradient + strength * w.signum()).abs() < 1e-9, "{k} {j}: {gradient} {w}");
                }
            }
        }
    }
    assert!(n_held > 0 && n_held < 12, "{n_held}");
}

#[test]
fn one_strength_of_each_target_is_that_of_a_fit_with_it() {
    let (x, y) = poisson_data(13, 300, 5, 2);
    let line = vec![Grid { first: 0, axes: vec![GridAxis { len: 5, is_cyclic: false }] }];
    for regularizer in [
        Regularizer::Ridge { strength: 1.0.into() },
        Regularizer::Smooth { strength: 1.0, order: 2, grids: line },
        Regularizer::GroupLasso {
            strength: 1.0.into(),
            groups: Groups::Columns(vec![vec![0, 1], vec![2, 3]]),
        },
    ] {
        let own = PerTarget { strengths: Some(array![[0.03, 0.2]]), ..PerTarget::default() };
        let spec = GlmSpec { regularizer, ..GlmSpec::default() };
        let both = fit_per_target(&spec, &x, &y, &own);
        for (k, strength) in [0.03, 0.2].into_iter().enumerate() {
            let regularizer = spec.regularizer.times(strength);
            let alone = fit(GlmSpec { regularizer, ..spec.clone() }, &x, &y.select(Axis(1), &[k]));
            assert!(relative(&both.targets[k].coef, &alone.targets[0].coef) < 1e-8, "{:?}", spec.regularizer);
        }
    }
}

#[test]
fn masks_and_strengths_that_do_not_fit_are_refused() {
    let (x, y) = poisson_data(7, 60, 2, 2);
    let plan = DesignPlan::new(source(&x), 0..60).unwrap();
    let response = Response { y: y.view().into(), names: vec!["a".into(), "b".into()] };
    let refused = |regularizer: Regularizer, own: PerTarget| {
        let spec = GlmSpec { regularizer, ..GlmSpec::default() }.check().unwrap();
        let error = spec.fit_per_target(&Cpu::<f32>::default(), &plan, &response, &own, &mut |_| {});
        error.unwrap_err().to_string()
    };
    let mask = |mask| PerTarget { mask: Some(mask), ..PerTarget::default() };
    let strengths = |own| PerTarget { strengths: Some(own), ..PerTarget::default() };
    let ridge = || Regularizer::Ridge { strength: 1.0.into() };
    let said = refused(Regularizer::None, mask(array![[true, true]]));
    assert!(said.contains("rows of the mask"), "{said}");
    let said = refused(Regularizer::None, mask(array![[true, false], [true, false]]));
    assert!(said.contains("at least one column") && said.contains("number 1"), "{said}");
    let said = refused(ridge(), strengths(array![[1.0], [1.0]]));
    assert!(said.contains("columns of the strengths"), "{said}");
    let said = refused(ridge(), strengths(array![[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]));
    assert!(said.contains("one for each column"), "{said}");
    let said = refused(ridge(), strengths(array![[1.0, -1.0], [1.0, 1.0]]));
    assert!(said.contains("0 or more"), "{said}");
    let said = refused(Regularizer::None, strengths(array![[1.0, 1.0]]));
    assert!(said.contains("a penalty that they are for"), "{said}");
    // a name too few is told as by a fit
    let response = Response { y: y.view().into(), names: vec!["a".into()] };
    let spec = GlmSpec::default().check().unwrap();
    let error =
        spec.fit_per_target(&Cpu::<f32>::default(), &plan, &response, &PerTarget::default(), &mut |_| {});
    assert!(error.unwrap_err().to_string().contains("names of the targets"));
}

/// Columns of two matrices, of which a mask leaves pieces.
#[test]
fn a_mask_reaches_across_features() {
    let (x, y) = poisson_data(17, 300, 5, 2);
    let (a, b) = x.view().split_at(Axis(1), 2);
    let names = |prefix: &str, n: usize| (0..n).map(|k| format!("{prefix}{k}")).collect();
    let sources = vec![
        Source { name: "a".into(), labels: names("a", 2), x: a.into() },
        Source { name: "b".into(), labels: names("b", 3), x: b.into() },
    ];
    let plan = DesignPlan::new(sources, 0..300).unwrap();
    let response = Response { y: y.view().into(), names: vec!["y0".into(), "y1".into()] };
    let mask = Array2::from_shape_fn((5, 2), |(column, target)| target == 0 || [1, 2, 4].contains(&column));
    let own = PerTarget { mask: Some(mask), ..PerTarget::default() };
    let spec = GlmSpec::default().check().unwrap();
    let masked = spec.fit_per_target(&Cpu::<f32>::default(), &plan, &response, &own, &mut |_| {}).unwrap();
    let alone = fit(GlmSpec::default(), &x.select(Axis(1), &[1, 2, 4]), &y.select(Axis(1), &[1]));
    let [w0, w1, w2] = alone.targets[0].coef[..] else { panic!("{alone:?}") };
    assert!(relative(&masked.targets[1].coef, &[0.0, w0, w1, 0.0, w2]) < 1e-9);
    assert_eq!(masked.features[1].columns, [2, 5]);
}
