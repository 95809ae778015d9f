//! One event on the wrong side, however little, holds the estimate: it is finite, and found.

use ndarray::{Array2, Axis, concatenate};
use rheobase::backend::Model;
use rheobase::glm::GlmSpec;
use rheobase::inverse_link::InverseLink;
use rheobase::observation::ObservationModel;
use rheobase::solver::Status;

use crate::common::Random;
use crate::reference::{Family, newton};
use crate::ways::{fit_by, fits_single, rounded, solve, solved, ways};

/// The model of a family, and the same for the reference.
fn model(family: Family) -> Model {
    let (observation, inverse_link) = match family {
        Family::Poisson => (ObservationModel::Poisson, InverseLink::Exp),
        Family::Softplus => (ObservationModel::Poisson, InverseLink::Softplus),
        Family::Logit => (ObservationModel::Bernoulli, InverseLink::Logistic),
        Family::Probit => (ObservationModel::Bernoulli, InverseLink::Probit),
    };
    Model { observation, inverse_link }
}

fn spec(family: Family) -> GlmSpec {
    GlmSpec { model: model(family), ..GlmSpec::default() }
}

#[test]
fn one_event_in_a_silent_condition_is_enough() {
    let mut random = Random(21);
    let noise = rounded(&Array2::from_shape_simple_fn((2000, 2), || random.normal()));
    let condition = Array2::from_shape_fn((2000, 1), |(i, _)| f64::from(i % 4 == 0));
    let x = concatenate![Axis(1), noise, condition];
    let mut y = Array2::from_shape_fn(
        (2000, 1),
        |(i, _)| if i % 4 == 0 { 0.0 } else { random.poisson(0.6).min(1.0) },
    );
    y[(400, 0)] = 1.0;
    let mut n_fits = 0;
    for family in [Family::Poisson, Family::Softplus, Family::Logit, Family::Probit] {
        n_fits += solve(&format!("{family:?}"), &spec(family), &x, &y, &newton(family, &x, &y));
    }
    solved(4, n_fits);
}

/// All events but one lie where `x0 = x1`, and silent rows beyond; the one lies beyond by a distance.
fn off_the_line(distance: f64) -> (Array2<f64>, Array2<f64>) {
    let mut random = Random(22);
    let mut x = Array2::from_shape_simple_fn((600, 2), || (random.normal() * 64.0).round() / 64.0);
    let y =
        Array2::from_shape_fn((600, 1), |(i, _)| if i % 2 == 0 { 0.0 } else { 1.0 + random.poisson(0.4) });
    for i in 0..600 {
        let beyond = if i % 2 == 0 { (random.uniform() * 8.0).ceil() / 8.0 } else { 0.0 };
        x[(i, 0)] = x[(i, 1)] + beyond;
    }
    x[(301, 0)] = x[(301, 1)] + distance;
    (x, y)
}

#[test]
fn an_event_off_the_line_by_a_little_is_enough() {
    let mut n_fits = 0;
    let distances = [0.5, 2f64.powi(-6), 2f64.powi(-10), 2f64.powi(-14)];
    for distance in distances {
        let (x, y) = off_the_line(distance);
        let exact = newton(Family::Poisson, &x, &y);
        n_fits += solve(&format!("{distance:e} off the line"), &spec(Family::Poisson), &x, &y, &exact);
    }
    // so little that the answer has few digits, but not that there is none
    for distance in [2f64.powi(-20), 2f64.powi(-26)] {
        let (x, y) = off_the_line(distance);
        for way in ways(fits_single(&x)) {
            let target = fit_by(way, &spec(Family::Poisson), &x, &y).targets.remove(0);
            assert_ne!(target.status, Status::Separated, "{distance:e} {way:?} {target:?}");
            n_fits += 1;
        }
    }
    let (x, y) = off_the_line(0.0);
    for way in ways(true) {
        let target = fit_by(way, &spec(Family::Poisson), &x, &y).targets.remove(0);
        assert_eq!(target.status, Status::Separated, "{way:?} {target:?}");
        n_fits += 1;
    }
    solved(distances.len() + 3, n_fits);
}

#[test]
fn one_event_beyond_the_threshold_is_enough() {
    let mut n_fits = 0;
    let mut n_problems = 0;
    for family in [Family::Logit, Family::Probit] {
        for overlap in [2f64.powi(-3), 2f64.powi(-8)] {
            let mut random = Random(23);
            let mut x = rounded(&Array2::from_shape_simple_fn((400, 2), || random.normal()));
            let y = Array2::from_shape_fn((400, 1), |(i, _)| f64::from(x[(i, 0)] > 0.0));
            // one row without an event beyond one with
            let with = (0..400).find(|&i| y[(i, 0)] == 1.0).unwrap();
            let without = (0..400).find(|&i| y[(i, 0)] == 0.0).unwrap();
            (x[(with, 0)], x[(without, 0)]) = (0.25, 0.25 + overlap);
            let exact = newton(family, &x, &y);
            n_fits += solve(&format!("{family:?} {overlap:e}"), &spec(family), &x, &y, &exact);
            n_problems += 1;
        }
    }
    solved(n_problems, n_fits);
}
