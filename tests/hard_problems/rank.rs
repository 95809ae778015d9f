//! Designs that repeat themselves, and more columns than rows: the answer of smallest norm, against a pseudo-inverse that is
//! computed here.

use ndarray::{Array2, Axis, concatenate};
use rheobase::backend::Model;
use rheobase::glm::GlmSpec;
use rheobase::observation::ObservationModel;
use rheobase::solver::Status;

use crate::common::{Random, poisson_data, relative};
use crate::reference::{Family, newton, smallest_norm};
use crate::ways::{fit_by, rounded, solved, ways};

/// The answer of smallest norm of a deficient design, from that of columns that span it.
fn of_span(family: Family, all: &Array2<f64>, span: &[usize], y: &Array2<f64>) -> crate::reference::Exact {
    let own = all.select(Axis(1), span);
    let exact = newton(family, &own, y);
    let eta: Vec<f64> = own
        .rows()
        .into_iter()
        .map(|row| row.iter().zip(&exact.coef).map(|(x, w)| x * w).sum::<f64>())
        .collect();
    let found = smallest_norm(all, &eta);
    crate::reference::Exact { middle: exact.middle, ..found }
}

#[test]
fn deficient_designs_have_the_answer_of_smallest_norm() {
    let (plain, y) = poisson_data(51, 60, 3, 1);
    let plain = plain.mapv(|x| (x * 16.0).round() / 16.0);
    let column = |of: &dyn Fn(usize) -> f64| Array2::from_shape_fn((60, 1), |(i, _)| of(i));
    let twice = concatenate![Axis(1), plain, plain.select(Axis(1), &[1])];
    let sum = concatenate![Axis(1), plain, column(&|i| plain[(i, 0)] - 2.0 * plain[(i, 2)] + 3.0)];
    // every condition a column of its own, whose sum is 1, beside a constant
    let dummies = concatenate![
        Axis(1),
        Array2::from_shape_fn((60, 3), |(i, j)| f64::from(i % 3 == j)),
        column(&|_| 2.5),
        plain.select(Axis(1), &[0])
    ];
    let cases = [
        ("a copy", twice, &[0, 1, 2][..], &["x1", "x3"][..]),
        ("a combination", sum, &[0, 1, 2][..], &["x0", "x2", "x3"][..]),
        ("dummies", dummies, &[0, 1, 4][..], &["x0", "x1", "x2", "x3"][..]),
    ];
    let mut n_fits = 0;
    for (name, x, span, aliased) in &cases {
        for (family, observation) in
            [(Family::Poisson, ObservationModel::Poisson), (Family::Logit, ObservationModel::Bernoulli)]
        {
            let y = if family == Family::Logit { y.mapv(|y| y.min(1.0)) } else { y.clone() };
            let exact = of_span(family, x, span, &y);
            let spec = GlmSpec { model: Model::from(observation), ..GlmSpec::default() };
            for way in ways(true) {
                let target = fit_by(way, &spec, x, &y).targets.remove(0);
                assert_eq!(target.status, Status::Converged, "{name} {family:?} {way:?} {target:?}");
                assert_eq!(target.aliased, *aliased, "{name} {family:?} {way:?}");
                assert!(
                    relative(&target.coef, &exact.coef) < 1e-8,
                    "{name} {way:?} {:?} {:?}",
                    target.coef,
                    exact.coef
                );
                let all_nan = target
                    .aliased
                    .iter()
                    .all(|own| target.standard_errors[own[1..].parse::<usize>().unwrap()].is_nan());
                assert!(all_nan, "{name} {way:?}");
                n_fits += 1;
            }
        }
    }
    solved(6, n_fits);
}

#[test]
fn more_columns_than_rows() {
    // as many effects as it takes to predict every bin: of all such answers that of smallest norm
    let mut random = Random(52);
    let (n, p) = (20, 45);
    let x = rounded(&Array2::from_shape_simple_fn((n, p), || random.normal()));
    let y = Array2::from_shape_fn((n, 1), |_| 1.0 + random.poisson(2.0));
    let logs: Vec<f64> = y.iter().map(|y| y.ln()).collect();
    let mut n_fits = 0;
    for (observation, eta) in
        [(ObservationModel::Poisson, logs), (ObservationModel::Gaussian, y.iter().copied().collect())]
    {
        let exact = smallest_norm(&x, &eta);
        for way in ways(true) {
            let spec = GlmSpec { model: Model::from(observation), ..GlmSpec::default() };
            let target = fit_by(way, &spec, &x, &y).targets.remove(0);
            assert_eq!(target.status, Status::Converged, "{observation:?} {way:?} {target:?}");
            let off = relative(&target.coef, &exact.coef);
            assert!(off < 1e-8, "{observation:?} {way:?} {off:e}");
            assert_eq!(target.aliased.len(), p, "{way:?}");
            n_fits += 1;
        }
    }
    // a bin without events can be lowered for ever, and events told apart
    let mut silent = y.clone();
    silent[(3, 0)] = 0.0;
    let events = Array2::from_shape_fn((n, 1), |(i, _)| f64::from(i % 3 == 0));
    for (observation, y) in [(ObservationModel::Poisson, &silent), (ObservationModel::Bernoulli, &events)] {
        for way in ways(true) {
            let spec = GlmSpec { model: Model::from(observation), ..GlmSpec::default() };
            let target = fit_by(way, &spec, &x, y).targets.remove(0);
            assert_eq!(target.status, Status::Separated, "{observation:?} {way:?} {target:?}");
            n_fits += 1;
        }
    }
    solved(4, n_fits);
}

#[test]
fn a_deficient_design_may_be_separated() {
    // all conditions have a column, and the first is silent
    let mut random = Random(53);
    let x = Array2::from_shape_fn((200, 4), |(i, j)| f64::from(i % 4 == j));
    let y = Array2::from_shape_fn((200, 1), |(i, _)| if i % 4 == 0 { 0.0 } else { random.poisson(1.0) });
    let mut n_fits = 0;
    for way in ways(true) {
        let target = fit_by(way, &GlmSpec::default(), &x, &y).targets.remove(0);
        assert_eq!(target.status, Status::Separated, "{way:?} {target:?}");
        assert_eq!(target.aliased, ["x0", "x1", "x2", "x3"]);
        n_fits += 1;
    }
    solved(1, n_fits);
}
