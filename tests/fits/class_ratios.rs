//! Likelihood-ratio tests between fits to labels.

use crate::classes::{data, fit, labelled, ridge};
use crate::common;
use ndarray::{Array2, Axis, concatenate};
use rheobase::backend::{Cpu, Model};
use rheobase::design::DesignPlan;
use rheobase::glm::{CategoricalSpec, FittedCategorical, GlmSpec, LikelihoodRatio};
use rheobase::observation::ObservationModel;

fn some(x: &Array2<f64>, columns: &[usize]) -> Array2<f64> {
    x.select(Axis(1), columns)
}

fn ratio(larger: &FittedCategorical, smaller: &FittedCategorical) -> LikelihoodRatio {
    LikelihoodRatio::of_classes((larger, 0), (smaller, 0)).unwrap()
}

/// Of two classes it is the test of logistic regressions.
#[test]
fn two_classes_are_tested_as_events() {
    let (x, codes) = data(5, 400, 3, 2);
    let [larger, smaller] = [&[0, 1, 2][..], &[0]].map(|own| fit(GlmSpec::default(), &some(&x, own), &codes));
    let y = Array2::from_shape_fn((400, 1), |(row, _)| codes[row] as f64);
    let model = Model::from(ObservationModel::Bernoulli);
    let [a, b] = [&[0, 1, 2][..], &[0]]
        .map(|own| common::fit(GlmSpec { model, ..GlmSpec::default() }, &some(&x, own), &y));
    let (found, expected) = (ratio(&larger, &smaller), LikelihoodRatio::new((&a, 0), (&b, 0)).unwrap());
    assert_eq!((found.degrees_of_freedom, expected.degrees_of_freedom), (2, 2));
    assert!((found.statistic / expected.statistic - 1.0).abs() < 1e-10, "{found:?} {expected:?}");
    assert!((found.p_value / expected.p_value - 1.0).abs() < 1e-8, "{found:?} {expected:?}");
}

/// Columns that repeat others are no parameters.
#[test]
fn every_independent_column_counts_for_all_classes_but_one() {
    let (x, codes) = data(7, 500, 4, 5);
    let sum = some(&x, &[0]) + some(&x, &[1]);
    let more = concatenate(Axis(1), &[x.view(), sum.view()]).unwrap();
    let larger = fit(GlmSpec::default(), &more, &codes);
    let smaller = fit(GlmSpec::default(), &some(&x, &[0]), &codes);
    assert_eq!(larger.rank, 4);
    let found = ratio(&larger, &smaller);
    assert_eq!(found.degrees_of_freedom, 4 * 3);
    let sums = [&larger, &smaller].map(|fit| fit.targets[0].scores.log_likelihood_sum);
    assert_eq!(found.statistic, 2.0 * (sums[0] - sums[1]));
    // a column of noise adds a chi-squared number, not a large one
    let noise = Array2::from_shape_fn((500, 1), |(row, _)| ((row * 7919) % 1013) as f64);
    let with_noise = concatenate(Axis(1), &[x.view(), noise.view()]).unwrap();
    let found = ratio(&fit(GlmSpec::default(), &with_noise, &codes), &fit(GlmSpec::default(), &x, &codes));
    assert!(found.degrees_of_freedom == 4 && found.p_value > 1e-3, "{found:?}");
}

#[test]
fn fits_that_do_not_compare_are_refused() {
    let (x, codes) = data(9, 300, 3, 3);
    let default = GlmSpec::default;
    let larger = fit(default(), &x, &codes);
    let refused = |larger: &FittedCategorical, smaller: &FittedCategorical, said: &str| {
        let error = LikelihoodRatio::of_classes((larger, 0), (smaller, 0)).unwrap_err().to_string();
        assert!(error.contains(said), "{said}: {error}");
    };
    let penalised = GlmSpec { regularizer: ridge(0.1), ..default() };
    refused(&larger, &fit(penalised, &some(&x, &[0]), &codes), "fits without a penalty");
    let fewer: Vec<usize> = codes.iter().map(|&code| code.min(1)).collect();
    refused(&larger, &fit(default(), &some(&x, &[0]), &fewer), "3 and 2 classes");
    let rows = x.select(Axis(0), &(0..250).collect::<Vec<_>>());
    refused(&larger, &fit(default(), &some(&rows, &[0]), &codes[..250]), "300 and 250 bins");
    refused(&fit(default(), &some(&x, &[0]), &codes), &larger, "a model within the fit");
    refused(&larger, &larger, "as many parameters");
    let short = GlmSpec { max_iterations: Some(1), ..default() };
    refused(&fit(short, &x, &codes), &fit(default(), &some(&x, &[0]), &codes), "two optima");
}

/// Both sides have what bins have beside their columns, or neither does; parameters are counted, not taken from weights that are fewer.
#[test]
fn fits_with_other_terms_of_rows_are_refused() {
    let (x, codes) = data(11, 600, 30, 3);
    let few = some(&x, &(0..20).collect::<Vec<_>>());
    let offset: Vec<f64> = (0..3 * 600).map(|k| f64::from(k).sin()).collect();
    let with = |x: &Array2<f64>, has_intercept: bool, weight: Option<f64>, has_offset: bool| {
        let mut plan = DesignPlan::new(common::source(x), 0..600).unwrap();
        if let Some(weight) = weight {
            plan = plan.with_weights(vec![weight; 600]).unwrap();
        }
        if has_offset {
            plan = plan.with_class_offset(offset.clone(), 3).unwrap();
        }
        let spec = CategoricalSpec::new(GlmSpec { has_intercept, ..GlmSpec::default() }).unwrap();
        spec.fit(&Cpu::<f64>::default(), &plan, &[labelled(&codes)], &mut |_| {}).unwrap()
    };
    let (larger, smaller) = (with(&x, true, None, false), with(&few, true, None, false));
    assert_eq!((larger.targets[0].n_parameters, smaller.targets[0].n_parameters), (2 * 31, 2 * 21));
    assert_eq!(ratio(&larger, &smaller).degrees_of_freedom, 20);
    let weighted = [&x, &few].map(|x| with(x, true, Some(0.2), false));
    assert_eq!(ratio(&weighted[0], &weighted[1]).degrees_of_freedom, 20);
    let light = [&x, &few].map(|x| with(x, true, Some(0.1), false));
    assert_eq!(light[0].targets[0].n_parameters, 2 * 31);
    assert!(light[0].targets[0].warnings.iter().any(|own| own.contains("no more than there are parameters")));
    assert!(
        !weighted[0].targets[0].warnings.iter().any(|own| own.contains("no more than there are parameters"))
    );
    for (larger, smaller, said) in [
        (&larger, &with(&few, false, None, false), "the same intercept and offset"),
        (&larger, &with(&few, true, None, true), "the same intercept and offset"),
        (&larger, &with(&few, true, Some(1.5), false), "fits with the same weights"),
        (&light[0], &light[1], "more data than parameters"),
    ] {
        let error = LikelihoodRatio::of_classes((larger, 0), (smaller, 0)).unwrap_err().to_string();
        assert!(error.contains(said), "{said}: {error}");
    }
}
