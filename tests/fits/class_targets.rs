//! Fits to labels of several targets with columns and strengths of their own; starts, and strengths by cross-validation.

use ndarray::{Array2, Axis, array};
use rheobase::backend::Cpu;
use rheobase::design::DesignPlan;
use rheobase::glm::{
    CategoricalSpec, ClassFit, ClassPoint, CrossValidation, FittedCategorical, Fold, Folds, GlmSpec,
    Labelled, PerTarget, Pick, score_weighted_classes,
};
use rheobase::regularizer::Regularizer;
use rheobase::solver::Status;

use crate::classes::{SOLVERS, data, fit, labelled, ridge};
use crate::common::{relative, source};

fn plan(x: &Array2<f64>) -> DesignPlan<'_> {
    DesignPlan::new(source(x), 0..x.nrows()).unwrap()
}

fn spec(spec: GlmSpec) -> CategoricalSpec {
    CategoricalSpec::new(spec).unwrap()
}

/// Each target as if it had been fitted to its own columns alone.
#[test]
fn a_mask_keeps_columns_from_targets() {
    let (x, codes) = data(73, 800, 4, 3);
    let others: Vec<usize> = codes.iter().map(|code| usize::from(*code == 2)).collect();
    let both = [labelled(&codes), labelled(&others)];
    let mask = array![[true, false], [false, true], [true, true], [true, false]];
    for regularizer in [Regularizer::None, ridge(0.1)] {
        let own = PerTarget { mask: Some(mask.clone()), ..PerTarget::default() };
        let spec = spec(GlmSpec { regularizer: regularizer.clone(), ..GlmSpec::default() });
        let found = spec.fit_per_target(&Cpu::<f64>::default(), &plan(&x), &both, &own, &mut |_| {}).unwrap();
        assert_eq!(found.labels, ["x0", "x1", "x2", "x3"]);
        for (target, codes) in [&codes, &others].into_iter().enumerate() {
            let columns: Vec<usize> = (0..4).filter(|&j| mask[(j, target)]).collect();
            let some = x.select(Axis(1), &columns);
            let alone = fit(GlmSpec { regularizer: regularizer.clone(), ..GlmSpec::default() }, &some, codes);
            let (alone, own) = (&alone.targets[0], &found.targets[target]);
            let n = own.n_classes();
            for j in 0..4 {
                let (coef, errors) =
                    (&own.coef[n * j..n * (j + 1)], &own.standard_errors[n * j..n * (j + 1)]);
                match columns.iter().position(|column| *column == j) {
                    None => assert!(coef.iter().all(|w| *w == 0.0) && errors.iter().all(|e| e.is_nan())),
                    Some(k) => {
                        assert_eq!(coef, &alone.coef[n * k..n * (k + 1)]);
                        assert_eq!(errors, &alone.standard_errors[n * k..n * (k + 1)]);
                    }
                }
            }
            assert_eq!((own.dof_resid, own.status), (alone.dof_resid, Status::Converged));
            // columns that it may not use need not be there
            let labels: Vec<String> = columns.iter().map(|j| format!("x{j}")).collect();
            let mut source = source(&some);
            source[0].labels = labels;
            let p = found.probabilities(target, &source).unwrap();
            let all = found.probabilities(target, &crate::common::source(&x)).unwrap();
            assert!((&p - &all).iter().all(|apart| apart.abs() < 1e-14));
        }
    }
    let own = PerTarget { mask: Some(Array2::from_elem((4, 2), false)), ..PerTarget::default() };
    let on = Cpu::<f64>::default();
    let error = spec(GlmSpec::default()).fit_per_target(&on, &plan(&x), &both, &own, &mut |_| {}).map(drop);
    assert!(error.unwrap_err().to_string().contains("at least one column"));
}

#[test]
fn targets_have_strengths_of_their_own() {
    let (x, codes) = data(79, 500, 2, 3);
    let both = [labelled(&codes), labelled(&codes)];
    let own = PerTarget { strengths: Some(array![[0.01, 1.0]]), ..PerTarget::default() };
    let spec = spec(GlmSpec { regularizer: ridge(1.0), ..GlmSpec::default() });
    let found = spec.fit_per_target(&Cpu::<f64>::default(), &plan(&x), &both, &own, &mut |_| {}).unwrap();
    for (target, strength) in [0.01, 1.0].into_iter().enumerate() {
        let alone = fit(GlmSpec { regularizer: ridge(strength), ..GlmSpec::default() }, &x, &codes);
        assert!(relative(&found.targets[target].coef, &alone.targets[0].coef) < 1e-12);
    }
}

#[test]
fn from_its_own_answer_a_fit_looks_once() {
    let (x, codes) = data(83, 4000, 3, 4);
    for solver in SOLVERS {
        let own = GlmSpec { solver, tolerance: 1e-10, ..GlmSpec::default() };
        let cold = fit(own.clone(), &x, &codes).targets.remove(0);
        let warm = |start: ClassPoint, codes: &[usize]| {
            let spec = spec(own.clone()).with_start(vec![start]);
            let fitted = spec.fit(&Cpu::<f64>::default(), &plan(&x), &[labelled(codes)], &mut |_| {});
            fitted.map(|mut fitted| fitted.targets.remove(0))
        };
        let again = warm((&cold).into(), &codes).unwrap();
        assert_eq!(again.status, Status::Converged);
        assert!(again.iterations <= 1 && again.passes < cold.passes, "{} {}", again.passes, cold.passes);
        assert!(relative(&again.coef, &cold.coef) < 1e-7);
        // one that misleads is not followed
        let far = ClassPoint { coef: cold.coef.iter().map(|w| -50.0 * w).collect(), ..(&cold).into() };
        let found = warm(far, &codes).unwrap();
        assert_eq!(found.status, Status::Converged);
        assert!(relative(&found.coef, &cold.coef) < 1e-4, "{found:?}");
        let short = ClassPoint { coef: vec![0.0; 8], intercept: vec![0.0; 4] };
        let error = warm(short, &codes).unwrap_err();
        assert!(error.to_string().contains("12 coefficients and 4 intercepts"), "{error}");
        let nan = ClassPoint { coef: vec![f64::NAN; 12], intercept: vec![0.0; 4] };
        assert!(relative(&warm(nan, &codes).unwrap().coef, &cold.coef) < 1e-4);
    }
}

fn cross_validated(
    own: GlmSpec,
    plan: &DesignPlan,
    response: &[Labelled],
    how: &CrossValidation,
) -> rheobase::Result<FittedCategorical> {
    spec(own).cross_validate(&Cpu::<f64>::default(), plan, response, how, &mut |_| {})
}

/// Every score of a curve is that of a fit to the bins of its fold, and the answer is the fit of the strength that is taken.
#[test]
fn curves_are_scores_of_bins_that_were_not_fitted() {
    let (x, codes) = data(89, 240, 6, 3);
    let weights: Vec<f64> = (0..240).map(|row| 0.5 + f64::from(row % 4)).collect();
    let offset: Vec<f64> = (0..720).map(|k| 0.5 * f64::from(k).sin()).collect();
    let strengths = [1e-3, 0.03, 1.0];
    for (has_intercept, has_terms, pick) in
        [(true, false, Pick::Best), (false, true, Pick::OneStandardError), (true, true, Pick::Best)]
    {
        let mut own = plan(&x);
        if has_terms {
            own = own.with_weights(weights.clone()).unwrap().with_class_offset(offset.clone(), 3).unwrap();
        }
        let folds = Folds::shuffled(own.rows(), 4, 7).unwrap();
        let how = CrossValidation { strengths: strengths.to_vec(), folds: folds.clone(), pick };
        let spec =
            |strength: f64| GlmSpec { regularizer: ridge(strength), has_intercept, ..GlmSpec::default() };
        let found = cross_validated(spec(1.0), &own, &[labelled(&codes)], &how).unwrap();
        let target = &found.targets[0];
        let curve = target.cv.as_ref().unwrap();
        assert_eq!(curve.strengths, strengths);
        let terms = [has_terms.then_some(&weights[..]), has_terms.then_some(&offset[..])];
        for (fold, scores) in folds.iter().zip(&curve.by_fold) {
            for (&strength, &score) in strengths.iter().zip(scores) {
                let train = own.with_rows(fold.train.clone());
                let on = Cpu::<f64>::default();
                let fitted = CategoricalSpec::new(spec(strength)).unwrap();
                let fitted = fitted.fit(&on, &train, &[labelled(&codes)], &mut |_| {}).unwrap();
                let logs = fitted.log_probabilities_beside(0, &source(&x), terms[1]).unwrap();
                let bins: Vec<usize> = fold.test.iter().collect();
                let truth = score_weighted_classes(&labelled(&codes), &logs, &bins, terms);
                assert!((score - truth.log_likelihood).abs() < 1e-4, "{strength}: {score} {truth:?}");
            }
        }
        let chosen = strengths[curve.chosen(pick)];
        assert_eq!(target.strength, Some(chosen));
        let on = Cpu::<f64>::default();
        let alone = CategoricalSpec::new(spec(chosen)).unwrap();
        let alone = alone.fit(&on, &own, &[labelled(&codes)], &mut |_| {}).unwrap();
        let near = |fit: &ClassFit| [fit.coef.clone(), fit.standard_errors.clone()].concat();
        assert!(relative(&near(target), &near(&alone.targets[0])) < 1e-8);
        assert_eq!((target.status, found.n_folds()), (Status::Converged, Some(4)));
    }
}

/// The strength of a lasso is found like any other: the answer is the fit with it.
#[test]
fn a_lasso_is_cross_validated() {
    let (x, codes) = data(103, 300, 5, 4);
    let own = plan(&x);
    let folds = Folds::shuffled(own.rows(), 3, 5).unwrap();
    let how = CrossValidation { strengths: vec![1e-3, 0.01, 0.1, 10.0], folds, pick: Pick::Best };
    let lasso = |strength: f64| GlmSpec {
        regularizer: Regularizer::Lasso { strength: strength.into() },
        ..GlmSpec::default()
    };
    let found = cross_validated(lasso(1.0), &own, &[labelled(&codes)], &how).unwrap();
    let target = &found.targets[0];
    assert_eq!(target.status, Status::Converged, "{target:?}");
    let curve = target.cv.as_ref().unwrap();
    assert!(curve.scores.iter().all(|score| score.is_finite()) && curve.scores[3] < curve.scores[0]);
    let again = fit(lasso(target.strength.unwrap()), &x, &codes).targets.remove(0);
    assert!(
        target.coef.iter().zip(&again.coef).all(|(a, b)| (a - b).abs() < 1e-10 && (*a == 0.0) == (*b == 0.0))
    );
}

/// A class that the bins of a fold lack has no model there: the fold is left out and named.
#[test]
fn folds_that_lack_a_class_are_left_out() {
    let (x, mut codes) = data(97, 300, 2, 3);
    // class 2 in the second of four stretches alone
    codes.iter_mut().enumerate().for_each(|(row, code)| {
        *code = if (75..150).contains(&row) { *code } else { *code % 2 };
    });
    let own = plan(&x);
    let how = |folds: Folds| CrossValidation { strengths: vec![0.01, 0.1], folds, pick: Pick::Best };
    let blocked = how(Folds::blocked(own.rows(), 4, 0).unwrap());
    let spec = || GlmSpec { regularizer: ridge(1.0), ..GlmSpec::default() };
    let found = cross_validated(spec(), &own, &[labelled(&codes)], &blocked).unwrap();
    let target = &found.targets[0];
    let curve = target.cv.as_ref().unwrap();
    let missing: Vec<bool> = curve.by_fold.iter().map(|fold| fold.iter().all(|own| own.is_nan())).collect();
    assert_eq!(missing, [false, true, false, false]);
    assert!(curve.scores.iter().all(|score| score.is_finite()));
    assert!(target.warnings.iter().any(|own| own.contains("fold 2 (class 2)")), "{:?}", target.warnings);
    // and other folds that do not arrive are said, too
    let short = GlmSpec { max_iterations: Some(1), tolerance: 1e-12, ..spec() };
    let found = cross_validated(short, &own, &[labelled(&codes)], &blocked).unwrap();
    let warnings = &found.targets[0].warnings;
    assert!(warnings.iter().any(|own| own.contains("fold 2 (class 2)")), "{warnings:?}");
    assert!(warnings.iter().any(|own| own.contains("of 6 scores are missing")), "{warnings:?}");
    let random = how(Folds::shuffled(own.rows(), 4, 3).unwrap());
    let found = cross_validated(spec(), &own, &[labelled(&codes)], &random).unwrap();
    assert!(found.targets[0].warnings.is_empty());
    // each stretch of another class
    let stretches: Vec<usize> = (0..300).map(|row| row / 75).collect();
    let error = cross_validated(spec(), &own, &[labelled(&stretches)], &blocked).map(drop).unwrap_err();
    assert!(error.to_string().contains("in every fold") && error.help().contains("kfold"), "{error}");
    let without = cross_validated(GlmSpec::default(), &own, &[labelled(&codes)], &blocked).map(drop);
    assert!(without.unwrap_err().to_string().contains("penalty"));
}

/// Targets do not know of one another, and none of what it is scored on.
#[test]
fn targets_have_curves_of_their_own() {
    let (x, codes) = data(101, 200, 3, 3);
    let others: Vec<usize> = codes.iter().map(|code| usize::from(*code == 0)).collect();
    let own = plan(&x);
    let folds = Folds::blocked(own.rows(), 5, 2).unwrap();
    let is_apart = |fold: &Fold| fold.train.iter().all(|row| fold.test.iter().all(|test| test != row));
    assert!(folds.iter().all(is_apart));
    let how = CrossValidation { strengths: vec![0.001, 0.01, 0.1, 1.0], folds, pick: Pick::Best };
    let spec = || GlmSpec { regularizer: ridge(1.0), ..GlmSpec::default() };
    let both = [labelled(&codes), labelled(&others)];
    let found = cross_validated(spec(), &own, &both, &how).unwrap();
    for (k, response) in both.iter().enumerate() {
        let alone = cross_validated(spec(), &own, std::slice::from_ref(response), &how).unwrap();
        assert_eq!(found.targets[k].coef, alone.targets[0].coef);
        assert_eq!(found.targets[k].cv, alone.targets[0].cv);
    }
}

/// A start that is not one for every target, or not of its columns, is no start.
#[test]
fn starts_of_other_shapes_are_refused() {
    let (x, codes) = data(107, 200, 2, 3);
    let both = [labelled(&codes), labelled(&codes)];
    let point = |n_columns: usize| ClassPoint { coef: vec![0.1; 3 * n_columns], intercept: vec![0.0; 3] };
    let mask = array![[true, false], [true, true]];
    let own = PerTarget { mask: Some(mask), ..PerTarget::default() };
    for (start, said) in [
        (vec![point(2)], "2 targets, or none"),
        (vec![point(2), point(3)], "6 coefficients and 3 intercepts"),
        (vec![point(2), point(1)], "6 coefficients and 3 intercepts"),
    ] {
        let (on, spec) = (Cpu::<f64>::default(), spec(GlmSpec::default()).with_start(start));
        let each = spec.fit_per_target(&on, &plan(&x), &both, &own, &mut |_| {}).map(drop).unwrap_err();
        assert!(each.to_string().contains(said), "{said}: {each}");
        let together = spec.fit(&on, &plan(&x), &both, &mut |_| {}).map(drop).unwrap_err();
        assert_eq!(each.to_string(), together.to_string());
    }
}
