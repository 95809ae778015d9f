//! Columns of every size, around every offset, with rows that stand out.

use ndarray::{Array2, Axis, concatenate};
use rheobase::backend::Model;
use rheobase::glm::GlmSpec;
use rheobase::observation::ObservationModel;

use crate::common::{Random, poisson_data};
use crate::reference::{Family, newton};
use crate::ways::{rounded, solve, solved};

fn spec(family: Family) -> GlmSpec {
    let observation =
        if family == Family::Logit { ObservationModel::Bernoulli } else { ObservationModel::Poisson };
    GlmSpec { model: Model::from(observation), ..GlmSpec::default() }
}

/// Counts or events whose predictor is a combination of the columns of `x`, after these are scaled.
fn response(family: Family, x: &Array2<f64>, seed: u64) -> Array2<f64> {
    let mut random = Random(seed);
    Array2::from_shape_fn((x.nrows(), 1), |(i, _)| {
        let eta: f64 = (0..x.ncols()).map(|j| 0.4 * (1.0 - 0.7 * j as f64) * x[(i, j)]).sum();
        match family {
            Family::Logit => f64::from(random.uniform() < 1.0 / (1.0 + (-eta).exp())),
            _ => random.poisson((eta.min(4.0) - 1.0).exp()),
        }
    })
}

#[test]
fn column_scales_from_1e_minus_8_to_1e8() {
    let (plain, _) = poisson_data(31, 1500, 5, 1);
    let mut n_fits = 0;
    for family in [Family::Poisson, Family::Logit] {
        let y = response(family, &plain, 32);
        for round in 0..2 {
            let scale = |j: usize| 10f64.powi(if round == 0 { 4 * j as i32 - 8 } else { 8 - 4 * j as i32 });
            let x = Array2::from_shape_fn(plain.dim(), |(i, j)| scale(j) * plain[(i, j)]);
            let x = if round == 0 { rounded(&x) } else { x };
            n_fits += solve(&format!("{family:?} {round}"), &spec(family), &x, &y, &newton(family, &x, &y));
        }
    }
    solved(4, n_fits);
}

#[test]
fn offsets_of_a_million_in_features() {
    let (plain, _) = poisson_data(33, 1500, 3, 1);
    let mut n_fits = 0;
    for family in [Family::Poisson, Family::Logit] {
        let y = response(family, &plain, 34);
        for offset in [1e6, -1e6] {
            let x = Array2::from_shape_fn(plain.dim(), |(i, j)| {
                plain[(i, j)] + if j == 1 { 1.0 } else { offset }
            });
            n_fits += solve(&format!("{family:?} {offset}"), &spec(family), &x, &y, &newton(family, &x, &y));
        }
        // numbers that single precision holds, of which it keeps four digits of what varies
        let coarse = Array2::from_shape_fn(plain.dim(), |(i, j)| (plain[(i, j)] * 8.0).round() / 8.0 + 1e6);
        assert_eq!(rounded(&coarse), coarse);
        n_fits +=
            solve(&format!("{family:?} coarse"), &spec(family), &coarse, &y, &newton(family, &coarse, &y));
    }
    solved(6, n_fits);
}

#[test]
fn nearly_constant_columns() {
    let (plain, _) = poisson_data(35, 1500, 3, 1);
    let y = response(Family::Poisson, &plain, 36);
    let mut n_fits = 0;
    // varies by a millionth of its value; is the same in all rows but five; is 0 but in ten
    let x = Array2::from_shape_fn(plain.dim(), |(i, j)| match j {
        0 => 5.0 + 5e-6 * plain[(i, 0)],
        1 => {
            if i % 300 == 7 {
                3.5
            } else {
                3.25
            }
        }
        _ => f64::from(i % 150 == 11),
    });
    n_fits += solve("nearly constant", &spec(Family::Poisson), &x, &y, &newton(Family::Poisson, &x, &y));
    let few = x.select(Axis(1), &[1, 2]);
    n_fits += solve("few differ", &spec(Family::Poisson), &few, &y, &newton(Family::Poisson, &few, &y));
    solved(2, n_fits);
}

#[test]
fn one_row_that_stands_out_by_a_thousand() {
    let (plain, _) = poisson_data(37, 2000, 3, 1);
    let mut n_fits = 0;
    for family in [Family::Poisson, Family::Logit] {
        let mut y = response(family, &plain, 38);
        let mut x = rounded(&plain);
        x[(777, 1)] = 1e3;
        for count in [0.0, 1.0] {
            y[(777, 0)] = count;
            let exact = newton(family, &x, &y);
            n_fits += solve(&format!("{family:?} {count}"), &spec(family), &x, &y, &exact);
        }
    }
    solved(4, n_fits);
}

#[test]
fn intercepts_that_single_precision_cannot_hold() {
    // the intercept in the units of the data is 1e7 times the effects: the coefficient of a clock that started long ago
    let (plain, _) = poisson_data(39, 2000, 2, 1);
    let clock = Array2::from_shape_fn((2000, 1), |(i, _)| 1.7e9 + i as f64);
    let x = concatenate![Axis(1), rounded(&plain), clock];
    let mut random = Random(40);
    let y = Array2::from_shape_fn((2000, 1), |(i, _)| {
        random.poisson((0.4 * x[(i, 0)] + 1e-3 * i as f64 - 1.5).exp())
    });
    let n_fits = solve("clock", &spec(Family::Poisson), &x, &y, &newton(Family::Poisson, &x, &y));
    // and one of which all predictors are far below 0: rates of e^-20
    let spikes = Array2::from_shape_fn((2000, 1), |(i, _)| f64::from(i % 500 == 13));
    let far = Array2::from_shape_fn((2000, 1), |(i, _)| 4096.0 + f64::from(i as u32 % 7) / 8.0);
    let more = solve("far", &spec(Family::Poisson), &far, &spikes, &newton(Family::Poisson, &far, &spikes));
    solved(2, n_fits + more);
}
