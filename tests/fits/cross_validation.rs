//! Cross-validation: curves as by hand, the strengths that are chosen, targets of a population, silent ones, penalties of
//! every kind, single precision.

use crate::common::{Random, fit, poisson_data, relative, source};
use ndarray::{Array2, Axis, concatenate};
use rheobase::backend::{Backend, Cpu, Model};
use rheobase::design::{DesignPlan, Rows};
use rheobase::glm::{
    CrossValidation, FittedGlm, Folds, GlmSpec, Pick, Response, SolverChoice, TargetFit, score_scaled,
};
use rheobase::observation::ObservationModel;
use rheobase::regularizer::{Grid, GridAxis, Groups, Regularizer};
use rheobase::solver::Status;

const STRENGTHS: [f64; 4] = [1e-3, 0.03, 0.3, 3.0];

fn menu() -> [Regularizer; 4] {
    let axes = vec![GridAxis { len: 6, is_cyclic: false }];
    [
        Regularizer::Ridge { strength: 1.0.into() },
        Regularizer::Lasso { strength: 0.1.into() },
        Regularizer::GroupLasso {
            strength: 0.1.into(),
            groups: Groups::Columns(vec![vec![0, 1, 2], vec![3, 4, 5]]),
        },
        Regularizer::Smooth { strength: 1.0, order: 1, grids: vec![Grid { first: 0, axes }] },
    ]
}

fn cross_validate<B: Backend>(
    on: &B,
    spec: &GlmSpec,
    x: &Array2<f64>,
    y: &Array2<f64>,
    how: &CrossValidation,
) -> FittedGlm {
    let plan = DesignPlan::new(source(x), 0..x.nrows()).unwrap();
    let names = (0..y.ncols()).map(|k| format!("y{k}")).collect();
    let response = Response { y: y.view().into(), names };
    spec.clone().check().unwrap().cross_validate(on, &plan, &response, how, &mut |_| {}).unwrap()
}

fn how(n: usize, pick: Pick) -> CrossValidation {
    let folds = Folds::blocked(&Rows::from(0..n), 5, 2).unwrap();
    CrossValidation { strengths: STRENGTHS.to_vec(), folds, pick }
}

#[test]
fn curves_and_choices_are_those_of_fits_by_hand() {
    let (x, y) = poisson_data(51, 300, 6, 2);
    let bernoulli = y.mapv(|y| f64::from(u8::from(y > 0.0)));
    let positive = y.mapv(|y| y + 0.5);
    let models = [
        Model::default(),
        ObservationModel::Gaussian.into(),
        ObservationModel::Bernoulli.into(),
        ObservationModel::Gamma.into(),
    ];
    for (model, regularizer) in models.into_iter().flat_map(|model| menu().map(|own| (model, own))) {
        let y = match model.observation {
            ObservationModel::Bernoulli => &bernoulli,
            ObservationModel::Gamma => &positive,
            _ => &y,
        };
        let how = how(300, Pick::Best);
        let spec = GlmSpec { model, regularizer: regularizer.clone(), ..GlmSpec::default() };
        let found = cross_validate(&Cpu::<f64>::default(), &spec, &x, y, &how);
        for (k, target) in found.targets.iter().enumerate() {
            let curve = target.cv.as_ref().unwrap();
            assert_eq!(curve.strengths, STRENGTHS);
            let mut scores = [0.0; 4];
            for (number, fold) in how.folds.iter().enumerate() {
                let [train, test] = [&fold.train, &fold.test].map(|rows| rows.iter().collect::<Vec<_>>());
                for (s, strength) in STRENGTHS.into_iter().enumerate() {
                    let own = GlmSpec { regularizer: regularizer.times(strength), ..spec.clone() };
                    let (x_train, y_train) = (x.select(Axis(0), &train), y.select(Axis(0), &train));
                    let by_hand = fit(own, &x_train, &y_train.select(Axis(1), &[k])).targets.remove(0);
                    let mu: Vec<f64> = test
                        .iter()
                        .map(|&row| {
                            let eta: f64 = x.row(row).iter().zip(&by_hand.coef).map(|(x, w)| x * w).sum();
                            model.mean(by_hand.intercept + eta)
                        })
                        .collect();
                    let y_test: Vec<f64> = test.iter().map(|&row| y[(row, k)]).collect();
                    let expected = score_scaled(model, by_hand.scale, &y_test, &mu).log_likelihood;
                    let score = curve.by_fold[number][s];
                    assert!((score - expected).abs() < 1e-4 * expected.abs().max(0.1), "{score} {expected}");
                    scores[s] += expected / 5.0;
                }
            }
            let best = (0..4).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap();
            assert_eq!((curve.best, target.strength), (best, Some(STRENGTHS[best])), "{scores:?}");
            assert!(curve.one_se >= curve.best);
            // the fit is that to all bins with this strength
            let own = GlmSpec { regularizer: regularizer.times(STRENGTHS[best]), ..spec.clone() };
            let whole = fit(own, &x, y).targets.swap_remove(k);
            assert_eq!(target.status, Status::Converged, "{target:?}");
            let pairs = target.coef.iter().zip(&whole.coef);
            let size = whole.coef.iter().fold(1e-300, |a: f64, w| a.max(w.abs()));
            assert!(pairs.clone().all(|(a, b)| (a - b).abs() <= 1e-8 * size), "{target:?} {whole:?}");
            let pairs = target.standard_errors.iter().zip(&whole.standard_errors);
            assert!(pairs.clone().all(|(a, b)| (a / b - 1.0).abs() < 1e-6 || (a.is_nan() && b.is_nan())));
        }
    }
}

#[test]
fn one_standard_error_takes_the_simpler_model() {
    let (x, y) = poisson_data(52, 400, 6, 1);
    let noise = Array2::from_shape_fn((400, 20), |(i, j)| ((i * (31 + j)) as f64 * 0.7).sin());
    let x = concatenate![Axis(1), x, noise];
    let spec = GlmSpec { regularizer: Regularizer::Lasso { strength: 0.1.into() }, ..GlmSpec::default() };
    let [best, simpler] = [Pick::Best, Pick::OneStandardError]
        .map(|pick| cross_validate(&Cpu::<f64>::default(), &spec, &x, &y, &how(400, pick)).targets.remove(0));
    let curve = best.cv.as_ref().unwrap();
    assert_eq!((curve, best.strength), (simpler.cv.as_ref().unwrap(), Some(curve.strengths[curve.best])));
    assert_eq!(simpler.strength, Some(curve.strengths[curve.one_se]));
    let enough = curve.scores[curve.best] - curve.standard_errors[curve.best];
    assert!(curve.scores[curve.one_se] >= enough);
    assert!(curve.scores[curve.one_se + 1..].iter().all(|score| *score < enough));
}

#[test]
fn a_target_does_not_depend_on_its_companions_and_a_silent_one_disturbs_nobody() {
    let (x, y) = poisson_data(53, 600, 6, 3);
    let spec = GlmSpec { regularizer: menu()[0].clone(), ..GlmSpec::default() };
    let how = how(600, Pick::Best);
    let mut rare = Array2::zeros((600, 1));
    rare[(17, 0)] = 1.0;
    let all = concatenate![Axis(1), Array2::zeros((600, 1)), y, rare];
    let on = Cpu::<f64>::default();
    let whole = cross_validate(&on, &spec, &x, &all, &how);
    assert_eq!(whole.targets[0].status, Status::NoEvents);
    for k in 0..3 {
        let pair = cross_validate(&on, &spec, &x, &y.select(Axis(1), &[k, (k + 1) % 3]), &how);
        let (own, other) = (&whole.targets[1 + k], &pair.targets[0]);
        assert_eq!((&own.coef, own.strength, &own.cv), (&other.coef, other.strength, &other.cv), "bits");
        let alone = cross_validate(&on, &spec, &x, &y.select(Axis(1), &[k]), &how);
        assert!(relative(&alone.targets[0].coef, &own.coef) < 1e-9);
    }
    // the only event is in one fold: without it there is nothing to fit
    let curve = whole.targets[4].cv.as_ref().unwrap();
    assert!(curve.by_fold[0].iter().all(|score| score.is_nan()));
    assert!(curve.scores.iter().all(|score| score.is_finite()));
    let warnings = &whole.targets[4].warnings;
    assert!(warnings.iter().any(|told| told.contains("4 of 20 scores are missing")), "{warnings:?}");
}

#[test]
fn numbers_in_single_precision_choose_the_same() {
    let (x, y) = poisson_data(54, 5000, 8, 2);
    let mut random = Random(55);
    let x = x.mapv(|x| x + 1e-3 * random.normal());
    for regularizer in [menu()[0].clone(), menu()[1].clone()] {
        let spec = GlmSpec { regularizer, ..GlmSpec::default() };
        let how = how(5000, Pick::Best);
        let exact = cross_validate(&Cpu::<f64>::default(), &spec, &x, &y, &how);
        let single = cross_validate(&Cpu::<f32>::default(), &spec, &x, &y, &how);
        for (a, b) in exact.targets.iter().zip(&single.targets) {
            assert_eq!((a.strength, b.status), (b.strength, Status::Converged));
            assert!(relative(&a.coef, &b.coef) < 1e-8);
        }
    }
}

/// Newton's method takes Hessians of the folds from those of all bins, L-BFGS a metric of each fold.
#[test]
fn both_solvers_choose_the_same() {
    let (x, y) = poisson_data(59, 2000, 7, 2);
    for y in [y.clone(), y.select(Axis(1), &[1])] {
        let [newton, lbfgs] = [SolverChoice::Newton, SolverChoice::Lbfgs].map(|solver| {
            let spec = GlmSpec { regularizer: menu()[0].clone(), solver, ..GlmSpec::default() };
            cross_validate(&Cpu::<f32>::default(), &spec, &x, &y, &how(2000, Pick::Best))
        });
        for (a, b) in newton.targets.iter().zip(&lbfgs.targets) {
            assert_eq!((a.strength, b.status), (b.strength, Status::Converged));
            let scores = |fit: &TargetFit| fit.cv.as_ref().unwrap().by_fold.concat();
            // a gap of 1e-8 leaves 1e-4 of coefficients, to which scores of other bins are not blind
            assert!(relative(&scores(a), &scores(b)) < 1e-4);
        }
    }
}

/// A stimulus that is on in one fold alone: of its effect the others know nothing, and the penalty on differences does not tell.
#[test]
fn what_a_fold_does_not_determine_is_not_learnt_from_what_it_is_scored_on() {
    let mut random = Random(60);
    let x = Array2::from_shape_fn((1200, 6), |(i, j)| match i {
        600.. => f64::from(u8::from(random.uniform() * 6.0 < 1.0 + j as f64)) + 0.1 * random.normal(),
        _ => 0.0,
    });
    let y = Array2::from_shape_fn((1200, 1), |(i, _)| random.poisson((0.4 * x.row(i).sum() - 1.0).exp()));
    let axes = vec![GridAxis { len: 6, is_cyclic: false }];
    let regularizer = Regularizer::Smooth { strength: 1.0, order: 1, grids: vec![Grid { first: 0, axes }] };
    let folds = Folds::blocked(&Rows::from(0..1200), 2, 0).unwrap();
    let how = CrossValidation { strengths: vec![1e-4, 1e-2], folds: folds.clone(), pick: Pick::Best };
    for solver in [SolverChoice::Newton, SolverChoice::Lbfgs] {
        let spec = GlmSpec { regularizer: regularizer.clone(), solver, ..GlmSpec::default() };
        let [exact, single] = [
            cross_validate(&Cpu::<f64>::default(), &spec, &x, &y, &how),
            cross_validate(&Cpu::<f32>::default(), &spec, &x, &y, &how),
        ];
        // the second half alone has an effect: the first says nothing but the mean
        let fold = folds.iter().find(|fold| fold.test.max() == Some(1199)).unwrap();
        let train: Vec<f64> = fold.train.iter().map(|row| y[(row, 0)]).collect();
        let mean = train.iter().sum::<f64>() / train.len() as f64;
        let test: Vec<f64> = fold.test.iter().map(|row| y[(row, 0)]).collect();
        let expected = score_scaled(Model::default(), 1.0, &test, &vec![mean; test.len()]).log_likelihood;
        for fit in [exact, single] {
            let scores = &fit.targets[0].cv.as_ref().unwrap().by_fold[1];
            assert!(
                scores.iter().all(|score| (score / expected - 1.0).abs() < 1e-3),
                "{scores:?} {expected}"
            );
        }
    }
}

#[test]
fn folds_of_other_rows_are_refused() {
    let (x, y) = poisson_data(61, 100, 2, 1);
    let plan = DesignPlan::new(source(&x), 0..80).unwrap();
    let response = Response { y: y.view().into(), names: vec!["y".into()] };
    let spec = GlmSpec { regularizer: menu()[0].clone(), ..GlmSpec::default() }.check().unwrap();
    let found =
        spec.cross_validate(&Cpu::<f64>::default(), &plan, &response, &how(100, Pick::Best), &mut |_| {});
    let error = found.unwrap_err();
    assert!(error.to_string().contains("row 80") && error.help().contains("DesignPlan::rows"), "{error}");
}

#[cfg(feature = "gpu")]
#[test]
fn a_device_chooses_the_same() {
    let Some((gpu, _turn)) = crate::gpu::gpu() else { return };
    let (x, y) = poisson_data(58, 4000, 6, 3);
    for regularizer in [menu()[0].clone(), menu()[1].clone()] {
        let spec = GlmSpec { regularizer, ..GlmSpec::default() };
        let how = how(4000, Pick::Best);
        let exact = cross_validate(&Cpu::<f64>::default(), &spec, &x, &y, &how);
        let on_device = cross_validate(gpu, &spec, &x, &y, &how);
        for (a, b) in exact.targets.iter().zip(&on_device.targets) {
            assert_eq!((a.strength, b.status), (b.strength, Status::Converged));
            assert!(relative(&a.coef, &b.coef) < 1e-7);
            let scores = |fit: &TargetFit| fit.cv.as_ref().unwrap().by_fold.concat();
            assert!(relative(&scores(a), &scores(b)) < 1e-6);
        }
    }
}

#[test]
fn what_cannot_be_chosen_is_refused() {
    let (x, y) = poisson_data(56, 100, 2, 1);
    let plan = DesignPlan::new(source(&x), 0..100).unwrap();
    let response = Response { y: y.view().into(), names: vec!["y".into()] };
    let refused = |regularizer: Regularizer, strengths: Vec<f64>| {
        let how = CrossValidation { strengths, ..how(100, Pick::Best) };
        let spec = GlmSpec { regularizer, ..GlmSpec::default() }.check().unwrap();
        spec.cross_validate(&Cpu::<f64>::default(), &plan, &response, &how, &mut |_| {})
            .unwrap_err()
            .to_string()
    };
    assert!(refused(Regularizer::None, vec![1.0]).contains("a penalty whose strength is chosen"));
    for strengths in [vec![], vec![0.0, 1.0], vec![f64::NAN]] {
        assert!(refused(menu()[0].clone(), strengths).contains("strengths"));
    }
}
