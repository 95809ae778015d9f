//! Data without a finite estimate: who is told, and which features are named.

use std::collections::BTreeSet;

use ndarray::{Array2, Axis, concatenate};
use rheobase::backend::{Cpu, Model};
use rheobase::design::DesignPlan;
use rheobase::glm::{CategoricalSpec, GlmSpec, Labelled, Response, StandardErrors, TargetFit};
use rheobase::inverse_link::InverseLink;
use rheobase::observation::{Label, NegativeBinomial, ObservationModel};
use rheobase::regularizer::{Grid, GridAxis, Regularizer};
use rheobase::solver::Status;

use crate::common::{Random, source};
use crate::ways::{SOLVERS, fit_by, fits_single, rounded, solved, ways};

fn counts() -> [Model; 4] {
    let dispersed = ObservationModel::NegativeBinomial(NegativeBinomial::new(0.7).unwrap());
    let softplus = |observation| Model { observation, inverse_link: InverseLink::Softplus };
    [
        ObservationModel::Poisson.into(),
        softplus(ObservationModel::Poisson),
        dispersed.into(),
        softplus(dispersed),
    ]
}

fn events() -> [Model; 2] {
    [InverseLink::Logistic, InverseLink::Probit]
        .map(|inverse_link| Model { observation: ObservationModel::Bernoulli, inverse_link })
}

/// The features that the warning names.
pub(crate) fn named(warnings: &[String]) -> BTreeSet<String> {
    let warning = warnings.iter().find(|warning| warning.starts_with("separated: ")).unwrap();
    assert!(warning.contains("--regularizer ridge --strength"), "{warning}");
    let list = warning.split("along a combination of ").nth(1).unwrap();
    let list = list.split(", so the estimate").next().unwrap().split(" for the classes").next().unwrap();
    list.split(", ").map(String::from).collect()
}

fn names(of: &[usize]) -> BTreeSet<String> {
    of.iter().map(|j| format!("x{j}")).collect()
}

/// Fits in all ways, each of which must say that it is separated, along a combination that has `always` and perhaps `perhaps`;
/// with a ridge each converges. How many fits there were.
fn told(
    what: &str,
    model: Model,
    x: &Array2<f64>,
    y: &Array2<f64>,
    always: &[usize],
    perhaps: &[usize],
) -> usize {
    let ways = ways(fits_single(x));
    let mut n_fits = 0;
    for &way in &ways {
        for standard_errors in [StandardErrors::On, StandardErrors::Off] {
            let spec = GlmSpec { model, standard_errors, ..GlmSpec::default() };
            let target = fit_by(way, &spec, x, y).targets.remove(0);
            assert_eq!(target.status, Status::Separated, "{what} {model:?} {way:?} {target:?}");
            let named = named(&target.warnings);
            let all = names(&[always, perhaps].concat());
            assert!(
                named.is_superset(&names(always)) && named.is_subset(&all),
                "{what} {model:?} {way:?} {named:?}"
            );
            assert!(target.standard_errors.iter().all(|error| error.is_nan()));
            n_fits += 1;
        }
        let regularizer = Regularizer::Ridge { strength: 1e-3.into() };
        let bounded =
            fit_by(way, &GlmSpec { model, regularizer, ..GlmSpec::default() }, x, y).targets.remove(0);
        assert_eq!(bounded.status, Status::Converged, "{what} {model:?} {way:?} {bounded:?}");
        n_fits += 1;
    }
    n_fits
}

/// Noise of which single precision holds every number.
fn noise(seed: u64, n: usize, p: usize) -> Array2<f64> {
    let mut random = Random(seed);
    rounded(&Array2::from_shape_simple_fn((n, p), || random.normal()))
}

#[test]
fn a_condition_without_events_is_told() {
    let (mut n_fits, mut random) = (0, Random(1));
    let x = concatenate![
        Axis(1),
        noise(2, 400, 2),
        Array2::from_shape_fn((400, 1), |(i, _)| f64::from(i % 5 == 0)),
        Array2::from_shape_fn((400, 1), |(i, _)| f64::from(i % 7 == 0))
    ];
    let one = Array2::from_shape_fn((400, 1), |(i, _)| if i % 5 == 0 { 0.0 } else { random.poisson(0.8) });
    let two =
        Array2::from_shape_fn(
            (400, 1),
            |(i, _)| if i % 5 == 0 || i % 7 == 0 { 0.0 } else { random.poisson(0.8) },
        );
    for model in counts() {
        n_fits += told("one condition", model, &x, &one, &[2], &[]);
        n_fits += told("two conditions", model, &x, &two, &[2, 3], &[]);
    }
    solved(8, n_fits);
}

#[test]
fn features_that_recede_together_are_named_together() {
    // events lie where x0 = 3 x1, which neither column shows alone
    let (mut n_fits, mut random) = (0, Random(3));
    let mut x = rounded(&Array2::from_shape_simple_fn((500, 3), || (random.normal() * 64.0).round() / 64.0));
    let y = Array2::from_shape_fn((500, 1), |(i, _)| if i % 2 == 0 { 0.0 } else { random.poisson(0.9) });
    for i in 0..500 {
        let beyond = if y[(i, 0)] > 0.0 { 0.0 } else { (random.uniform() * 8.0).floor() / 8.0 };
        x[(i, 0)] = 3.0 * x[(i, 1)] + beyond;
    }
    for model in counts() {
        n_fits += told("two together", model, &x, &y, &[0, 1], &[]);
    }
    solved(4, n_fits);
}

#[test]
fn events_beyond_a_threshold_are_told() {
    let x = noise(4, 300, 3);
    let (mut n_fits, mut random) = (0, Random(5));
    // complete: a combination of two columns tells all rows apart
    let complete = Array2::from_shape_fn((300, 1), |(i, _)| f64::from(x[(i, 0)] + 2.0 * x[(i, 1)] > 0.3));
    // quasi-complete: in one condition all rows have an event, elsewhere they are mixed
    let condition = Array2::from_shape_fn((300, 1), |(i, _)| f64::from(i % 6 == 0));
    let with_condition = concatenate![Axis(1), x, condition];
    let quasi = Array2::from_shape_fn((300, 1), |(i, _)| f64::from(i % 6 == 0 || random.uniform() < 0.4));
    // quasi-complete along a line: rows on it are mixed, those on its sides are not
    let mut on_line = rounded(&x.mapv(|x| (x * 32.0).round() / 32.0));
    let mixed = Array2::from_shape_fn((300, 1), |(i, _)| match i % 3 {
        0 => f64::from(random.uniform() < 0.5),
        1 => 1.0,
        _ => 0.0,
    });
    for i in 0..300 {
        let side = if i % 3 == 0 { 0.0 } else { 2.0 * mixed[(i, 0)] - 1.0 };
        on_line[(i, 0)] = side * (0.25 + (random.uniform() * 8.0).floor() / 8.0) - 2.0 * on_line[(i, 1)];
    }
    for model in events() {
        n_fits += told("complete", model, &x, &complete, &[0, 1], &[2]);
        n_fits += told("quasi-complete", model, &with_condition, &quasi, &[3], &[]);
        n_fits += told("on a line", model, &on_line, &mixed, &[0, 1], &[]);
    }
    solved(6, n_fits);
}

#[test]
fn lags_at_which_a_neuron_never_fires_are_told() {
    // silent for four bins after a spike: columns are counts at lags 1 to 8
    let mut random = Random(6);
    let (n, mut spikes) = (3000, vec![0.0; 3000]);
    for t in 0..n {
        let is_refractory = (1..=4).any(|lag| t >= lag && spikes[t - lag] > 0.0);
        spikes[t] = f64::from(!is_refractory && random.uniform() < 0.15);
    }
    let lag = |t: usize, lag: usize| if t >= lag { spikes[t - lag] } else { 0.0 };
    let x = Array2::from_shape_fn((n, 8), |(t, j)| lag(t, j + 1));
    let y = Array2::from_shape_fn((n, 1), |(t, _)| spikes[t]);
    // smooth filters: the first two lie within the four bins, the third reaches beyond
    let bumps =
        [[1.0, 1.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.5, 1.0, 0.5, 0.0, 0.0], [0.0, 0.0, 0.25, 0.5, 1.0, 0.5]];
    let filtered = Array2::from_shape_fn((n, 3), |(t, j)| (0..6).map(|k| bumps[j][k] * lag(t, k + 1)).sum());
    let mut n_fits = 0;
    for model in [counts()[0], counts()[2], events()[0]] {
        n_fits += told("lags", model, &x, &y, &[0, 1, 2, 3], &[]);
        n_fits += told("filters", model, &filtered, &y, &[0, 1], &[]);
    }
    solved(6, n_fits);
}

#[test]
fn one_member_of_a_population_is_told_and_the_others_are_fitted() {
    let x = concatenate![
        Axis(1),
        noise(7, 600, 2),
        Array2::from_shape_fn((600, 1), |(i, _)| f64::from(i % 4 == 0))
    ];
    let mut random = Random(8);
    let y = Array2::from_shape_fn((600, 4), |(i, k)| {
        let rate = (0.4 * x[(i, 0)] - 0.5 * x[(i, k % 2)] - 0.3).exp();
        match k {
            1 if i % 4 == 0 => 0.0,
            3 => 0.0,
            _ => random.poisson(rate),
        }
    });
    let mut n_fits = 0;
    for way in ways(true) {
        let together = fit_by(way, &GlmSpec::default(), &x, &y).targets;
        let statuses: Vec<Status> = together.iter().map(|target| target.status).collect();
        assert_eq!(statuses, [Status::Converged, Status::Separated, Status::Converged, Status::NoEvents]);
        assert_eq!(named(&together[1].warnings), names(&[2]));
        for k in [0, 2] {
            let alone = fit_by(way, &GlmSpec::default(), &x, &y.select(Axis(1), &[k])).targets.remove(0);
            let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-8;
            assert!(alone.coef.iter().zip(&together[k].coef).all(near), "{way:?}");
        }
        n_fits += 3;
    }
    solved(1, n_fits);
}

#[test]
fn a_penalty_bounds_what_it_costs_and_no_more() {
    let condition = |every: usize| Array2::from_shape_fn((400, 1), |(i, _)| f64::from(i % every == 0));
    let x = concatenate![Axis(1), noise(9, 400, 3), condition(5)];
    let mut random = Random(10);
    let y = Array2::from_shape_fn((400, 1), |(i, _)| if i % 5 == 0 { 0.0 } else { random.poisson(0.8) });
    // squared differences of the first three columns say nothing of the condition; of all four columns they hold it
    let smooth = |len: usize| Regularizer::Smooth {
        strength: 0.1,
        order: 1,
        grids: vec![Grid { first: 0, axes: vec![GridAxis { len, is_cyclic: false }] }],
    };
    let mut n_fits = 0;
    for way in ways(true) {
        for (regularizer, status) in [
            (smooth(3), Status::Separated),
            (smooth(4), Status::Converged),
            (Regularizer::Ridge { strength: 1e-9.into() }, Status::Converged),
        ] {
            let target =
                fit_by(way, &GlmSpec { regularizer, ..GlmSpec::default() }, &x, &y).targets.remove(0);
            assert_eq!(target.status, status, "{way:?} {target:?}");
            n_fits += 1;
        }
    }
    let lasso = GlmSpec { regularizer: Regularizer::Lasso { strength: 1e-3.into() }, ..GlmSpec::default() };
    let target = fit_by(ways(true)[0], &lasso, &x, &y).targets.remove(0);
    assert_eq!(target.status, Status::Converged, "{target:?}");
    solved(4, n_fits + 1);
}

#[test]
fn rows_without_weight_save_nothing() {
    let x = concatenate![
        Axis(1),
        noise(11, 300, 1),
        Array2::from_shape_fn((300, 1), |(i, _)| f64::from(i % 5 == 0))
    ];
    let mut random = Random(12);
    let y = Array2::from_shape_fn((300, 1), |(i, _)| {
        if i == 10 { 2.0 } else { f64::from(i % 5 != 0) * random.poisson(0.8) }
    });
    // a row of weight 0 is none of the used ones
    let fit = |weight: f64, solver| -> TargetFit {
        let weights = (0..300).map(|i| if i == 10 { weight } else { 1.5 }).collect::<Vec<f64>>();
        let rows: Vec<usize> = (0..300).filter(|&row| weights[row] > 0.0).collect();
        let plan = DesignPlan::new(source(&x), rows).unwrap().with_weights(weights).unwrap();
        let response = Response { y: y.view().into(), names: vec!["y".into()] };
        let spec = GlmSpec { solver, ..GlmSpec::default() }.check().unwrap();
        spec.fit(&Cpu::<f64>::default(), &plan, &response, &mut |_| {}).unwrap().targets.remove(0)
    };
    for solver in SOLVERS {
        assert_eq!(fit(0.0, solver).status, Status::Separated, "{solver:?}");
        assert_eq!(fit(1e-3, solver).status, Status::Converged, "{solver:?}");
    }
    solved(2, 4);
}

/// Fits labels in whichever way; every class occurs.
fn classes(x: &Array2<f64>, codes: &[usize], solver: rheobase::glm::SolverChoice) -> rheobase::glm::ClassFit {
    let plan = DesignPlan::new(source(x), 0..x.nrows()).unwrap();
    let labels = codes.iter().map(|class| Some(Label::from(["a", "b", "c", "d"][*class])));
    let spec = CategoricalSpec::new(GlmSpec { solver, ..GlmSpec::default() }).unwrap();
    let response = [Labelled::learn("turn", labels)];
    spec.fit(&Cpu::<f32>::default(), &plan, &response, &mut |_| {}).unwrap().targets.remove(0)
}

#[test]
fn classes_apart_are_told_with_their_features() {
    let x = noise(13, 400, 3);
    let mut random = Random(14);
    // beyond a line of two columns there is only class 3; on the other side the others are mixed
    let beyond = |i: usize| x[(i, 0)] - x[(i, 2)] > 0.8;
    let codes: Vec<usize> =
        (0..400).map(|i| if beyond(i) { 3 } else { (random.uniform() * 3.0) as usize }).collect();
    // a class that one condition never shows, and does elsewhere
    let condition = Array2::from_shape_fn((400, 1), |(i, _)| f64::from(i % 4 == 0));
    let with_condition = concatenate![Axis(1), x, condition];
    let never: Vec<usize> =
        (0..400).map(|i| (random.uniform() * if i % 4 == 0 { 2.0 } else { 3.0 }) as usize).collect();
    let mut saved = never.clone();
    saved[0] = 2;
    for solver in SOLVERS {
        let target = classes(&x, &codes, solver);
        assert_eq!(target.status, Status::Separated, "{target:?}");
        let found = named(&target.warnings);
        assert!(found.is_superset(&names(&[0, 2])), "{found:?}");
        let target = classes(&with_condition, &never, solver);
        assert_eq!(target.status, Status::Separated, "{target:?}");
        assert_eq!(named(&target.warnings), names(&[3]));
        assert!(
            target.warnings[0].contains(" c, so the estimate") || target.warnings[0].contains(", c"),
            "{target:?}"
        );
        assert_eq!(classes(&with_condition, &saved, solver).status, Status::Converged);
    }
    solved(3, 6);
}
