//! Columns: their order, units and zeros.

use ndarray::Axis;
use proptest::prelude::Strategy;
use rheobase::glm::TargetFit;
use rheobase::regularizer::{Groups, Regularizer, Strength};

use crate::case::{Case, cases, holds};
use crate::compare::{Expected, PLANS, is_same};

/// Columns without an order of their own.
fn unordered() -> impl Strategy<Value = Case> {
    cases().prop_map(|case| if case.penalty == 5 { Case { penalty: 1, ..case } } else { case })
}

#[test]
fn the_order_of_columns_means_nothing() {
    holds("column permutation", 120, unordered(), |case| {
        let mut problem = case.problem();
        let p = problem.x.ncols();
        let order: Vec<usize> = (0..p).rev().collect();
        let (fit, sd) = (problem.fit(), problem.deviations());
        let expected = &fit.targets[0];
        problem.x = problem.x.select(Axis(1), &order);
        if let Regularizer::GroupLasso { groups: Groups::Columns(groups), .. } = &mut problem.spec.regularizer
        {
            groups.iter_mut().flatten().for_each(|column| *column = p - 1 - *column);
        }
        let pick = |values: &[f64]| order.iter().map(|&j| values[j]).collect::<Vec<f64>>();
        let sd = pick(&sd);
        let expected = Expected { coef: pick(&expected.coef), ..Expected::of(expected, &sd) };
        is_same(&problem.fit().targets[0], &expected, PLANS)
    });
}

/// A column times `a` has a coefficient over `a`; a penalty on coefficients is one on `w a` with another strength.
#[test]
fn the_units_of_columns_mean_nothing() {
    holds("column scaling (1e-8 to 1e8)", 160, cases(), |case| {
        let mut problem = case.problem();
        let (p, sd) = (problem.x.ncols(), problem.deviations());
        let fit = problem.fit();
        let expected = &fit.targets[0];
        // a group, neighbours, and what has one ratio for all have one unit
        let is_coupled = matches!(case.penalty, 3..=5);
        let farthest = if case.penalty == 3 { 3 } else { 8 };
        let unit = |j: usize| {
            let k = if is_coupled { case.seed as usize } else { case.seed as usize % 1000 + 5 * j };
            10_f64.powi((k % (2 * farthest + 1)) as i32 - farthest as i32)
        };
        for (j, mut column) in problem.x.columns_mut().into_iter().enumerate() {
            column.iter_mut().for_each(|x| *x *= unit(j));
        }
        let each = |strength: &Strength, power: i32| -> Strength {
            (0..p).map(|j| strength.of(j) * unit(j).powi(power)).collect::<Vec<f64>>().into()
        };
        problem.spec.regularizer = match problem.spec.regularizer {
            Regularizer::Ridge { strength } => Regularizer::Ridge { strength: each(&strength, 2) },
            Regularizer::Lasso { strength } => Regularizer::Lasso { strength: each(&strength, 1) },
            // its two parts scale differently, so that another ratio is the same penalty; digits of one near 1 limit the units
            Regularizer::ElasticNet { strength, ratio } => {
                let [magnitudes, squares] = [ratio * unit(0), (1.0 - ratio) * unit(0) * unit(0)];
                let both = magnitudes + squares;
                Regularizer::ElasticNet { strength: strength.times(both), ratio: magnitudes / both }
            }
            Regularizer::GroupLasso { strength, groups } => {
                Regularizer::GroupLasso { strength: strength.times(unit(0)), groups }
            }
            Regularizer::Smooth { strength, order, grids } => {
                Regularizer::Smooth { strength: strength * unit(0) * unit(0), order, grids }
            }
            Regularizer::None => Regularizer::None,
        };
        let coef = expected.coef.iter().enumerate().map(|(j, w)| w / unit(j)).collect();
        let scaled: Vec<f64> = sd.iter().enumerate().map(|(j, sd)| sd * unit(j)).collect();
        let expected = Expected { coef, ..Expected::of(expected, &scaled) };
        is_same(&problem.fit().targets[0], &expected, PLANS)
    });
}

/// What is added to a column is taken from the intercept. The intercept is a difference of such terms then, and keeps their digits:
/// 1e-8 of the effects times the shift in deviations.
#[test]
fn the_zero_of_a_column_is_the_intercepts_business() {
    let centred = cases().prop_map(|case| Case { has_intercept: true, ..case });
    holds("column shift", 120, centred, |case| {
        let mut problem = case.problem();
        let (fit, sd) = (problem.fit(), problem.deviations());
        let own = &fit.targets[0];
        let shift = |j: usize| 10_f64.powi(((case.seed as usize % 1000 + 3 * j) % 5) as i32) - 3.0;
        for (j, mut column) in problem.x.columns_mut().into_iter().enumerate() {
            column.iter_mut().for_each(|x| *x += shift(j));
        }
        let moved: f64 = own.coef.iter().enumerate().map(|(j, w)| w * shift(j)).sum();
        let largest = own.coef.iter().zip(&sd).fold(1e-3, |a: f64, (w, sd)| a.max((w * sd).abs()));
        let farthest: f64 = sd.iter().enumerate().map(|(j, sd)| shift(j).abs() / sd).sum();
        let expected = Expected {
            intercept: own.intercept - moved,
            intercept_rounding: PLANS * largest * farthest,
            ..Expected::of(own, &sd)
        };
        is_same(&problem.fit().targets[0], &expected, PLANS)
    });
}

/// A constant offset is an intercept that is given.
#[test]
fn a_constant_offset_is_the_intercepts_business() {
    let centred = cases().prop_map(|case| Case { has_intercept: true, ..case });
    holds("constant offset", 120, centred, |case| {
        let mut problem = case.problem();
        let (fit, sd) = (problem.fit(), problem.deviations());
        let own: &TargetFit = &fit.targets[0];
        let n = problem.x.nrows();
        let offset = problem.offset.take().unwrap_or_else(|| vec![0.0; n]);
        problem.offset = Some(offset.iter().map(|offset| offset + 0.75).collect());
        let expected = Expected { intercept: own.intercept - 0.75, ..Expected::of(own, &sd) };
        is_same(&problem.fit().targets[0], &expected, PLANS)
    });
}
