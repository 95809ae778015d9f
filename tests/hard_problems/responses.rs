//! Responses at the ends of what they can be: hardly any events, very many, all the same, none.

use ndarray::{Array2, Axis, concatenate};
use rheobase::backend::Model;
use rheobase::glm::GlmSpec;
use rheobase::inverse_link::{InverseLink, InvertLink};
use rheobase::observation::{NegativeBinomial, ObservationModel};
use rheobase::solver::Status;

use crate::common::{Random, poisson_data};
use crate::reference::{Exact, Family, newton};
use crate::ways::{fit_by, rounded, solve, solved, ways};

#[test]
fn rates_of_a_millionth_per_bin() {
    let n = 900_000;
    let x = Array2::from_shape_fn((n, 1), |(i, _)| f64::from(i % 3 == 0));
    let mut y = Array2::zeros((n, 1));
    // one event in a bin of the condition, one elsewhere: rates of 3.3e-6 and 1.7e-6 per bin
    for row in [17_001, 600_001] {
        y[(row, 0)] = 1.0;
    }
    assert_eq!((x[(17_001, 0)], x[(600_001, 0)]), (1.0, 0.0));
    let [inside, outside] = [1.0 / 300_000.0f64, 1.0 / 600_000.0].map(f64::ln);
    let exact = Exact { coef: vec![inside - outside], middle: outside + (inside - outside) / 3.0 };
    let n_fits = solve("two events", &GlmSpec::default(), &x, &y, &exact);
    solved(1, n_fits);
}

#[test]
fn counts_of_a_million_per_bin() {
    let (x, _) = poisson_data(41, 1000, 3, 1);
    let x = rounded(&x);
    let mut random = Random(42);
    let y = Array2::from_shape_fn((1000, 1), |(i, _)| {
        let mean: f64 = (13.8 + 0.3 * x[(i, 0)] - 0.2 * x[(i, 1)]).exp();
        (mean + mean.sqrt() * random.normal()).round()
    });
    assert!(y.iter().any(|y| *y > 1e6));
    let mut n_fits = solve("counts", &GlmSpec::default(), &x, &y, &newton(Family::Poisson, &x, &y));
    let softplus = Model { observation: ObservationModel::Poisson, inverse_link: InverseLink::Softplus };
    let few = y.mapv(|y| (y / 1e5).round());
    let spec = GlmSpec { model: softplus, ..GlmSpec::default() };
    n_fits += solve("softplus", &spec, &x, &few, &newton(Family::Softplus, &x, &few));
    solved(2, n_fits);
}

#[test]
fn a_response_that_never_changes_has_no_effects() {
    let (x, _) = poisson_data(43, 500, 3, 1);
    let x = rounded(&x);
    let dispersed = ObservationModel::NegativeBinomial(NegativeBinomial::new(0.5).unwrap());
    let mut n_fits = 0;
    let cases: [(ObservationModel, &[f64]); 4] = [
        (ObservationModel::Poisson, &[1.0, 7.0, 1e6]),
        (dispersed, &[1.0, 7.0]),
        (ObservationModel::Gaussian, &[0.0, -2.5, 1e9]),
        (ObservationModel::Gamma, &[1e-6, 3.0, 1e9]),
    ];
    for (observation, values) in cases {
        let model = Model::from(observation);
        for &value in values {
            let y = Array2::from_elem((500, 1), value);
            for way in ways(true) {
                let target = fit_by(way, &GlmSpec { model, ..GlmSpec::default() }, &x, &y).targets.remove(0);
                assert_eq!(target.status, Status::Converged, "{model:?} {value} {way:?} {target:?}");
                let middle = model.inverse_link.link(value);
                let eta: Vec<f64> = x
                    .rows()
                    .into_iter()
                    .map(|row| {
                        target.intercept + row.iter().zip(&target.coef).map(|(x, w)| x * w).sum::<f64>()
                    })
                    .collect();
                let off = eta.iter().map(|eta| (eta - middle).abs()).fold(0.0, f64::max);
                assert!(off <= 1e-9 * middle.abs().max(1.0), "{model:?} {value} {way:?} {off:e}");
                n_fits += 1;
            }
        }
    }
    solved(11, n_fits);
}

#[test]
fn silent_targets_leave_their_companions_alone() {
    let (x, mut y) = poisson_data(44, 800, 3, 4);
    let x = rounded(&x);
    y.column_mut(0).fill(0.0);
    y.column_mut(2).fill(0.0);
    let mut n_fits = 0;
    for way in ways(true) {
        let targets = fit_by(way, &GlmSpec::default(), &x, &y).targets;
        for k in [0, 2] {
            assert_eq!((targets[k].status, targets[k].intercept), (Status::NoEvents, f64::NEG_INFINITY));
            assert!(targets[k].coef.iter().all(|w| *w == 0.0));
        }
        for k in [1, 3] {
            assert_eq!(targets[k].status, Status::Converged, "{way:?} {:?}", targets[k]);
            let exact = newton(Family::Poisson, &x, &y.select(Axis(1), &[k]));
            crate::ways::assert_near(&format!("{way:?} {k}"), &x, &targets[k], &exact);
        }
        n_fits += 1;
    }
    // of a model of an event or none a target with an event in every bin is as silent
    let events = concatenate![
        Axis(1),
        y.mapv(|y| y.min(1.0)).select(Axis(1), &[1]),
        Array2::ones((800, 1)),
        Array2::zeros((800, 1))
    ];
    let model = Model::from(ObservationModel::Bernoulli);
    for way in ways(true) {
        let targets = fit_by(way, &GlmSpec { model, ..GlmSpec::default() }, &x, &events).targets;
        let statuses = [0, 1, 2].map(|k| targets[k].status);
        assert_eq!(statuses, [Status::Converged, Status::NoEvents, Status::NoEvents], "{way:?}");
        n_fits += 1;
    }
    solved(2, n_fits);
}

#[test]
fn counts_that_are_no_whole_numbers_are_fitted_with_a_note() {
    let (x, y) = poisson_data(45, 700, 3, 1);
    let (x, y) = (rounded(&x), y.mapv(|y| 0.37 * y + 0.011));
    let n_fits = solve("fractions", &GlmSpec::default(), &x, &y, &newton(Family::Poisson, &x, &y));
    for way in ways(true) {
        let target = fit_by(way, &GlmSpec::default(), &x, &y).targets.remove(0);
        let notes: Vec<&String> =
            target.warnings.iter().filter(|own| own.contains("not whole numbers")).collect();
        assert_eq!(notes.len(), 1, "{:?}", target.warnings);
        let whole = fit_by(way, &GlmSpec::default(), &x, &y.mapv(f64::round)).targets.remove(0);
        assert!(!whole.warnings.iter().any(|own| own.contains("not whole numbers")), "{:?}", whole.warnings);
    }
    solved(1, n_fits);
}
