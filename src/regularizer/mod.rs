//! Regularizers: what is added to the mean loss so that coefficients stay small, few or smooth.
//!
//! Penalties are on the coefficients `w` in the user's units, never on the intercept, and do not grow with the number of
//! bins.
//!
//! | name | penalty |
//! |---|---|
//! | ridge | `sum_j s_j w_j² / 2` |
//! | lasso | `sum_j s_j abs(w_j)` |
//! | elastic-net, ratio r | `sum_j s_j (r abs(w_j) + (1 - r) w_j² / 2)` |
//! | group-lasso | `sum_g s_g sqrt(p_g) norm(w_g)`, `p_g` the coefficients of group g |
//! | smooth, order d | `s / 2` times the sum of squares of the d-th differences of neighbouring coefficients |
//!
//! # Source
//! Scaling and group weights are those of `NeMoS`; the smoothness penalty is that of P-splines (Eilers and Marx 1996,
//! Statistical Science 11:89).

mod grid;
mod groups;
mod of_columns;
mod strength;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

pub use grid::{Grid, GridAxis};
pub use groups::Groups;
pub use strength::Strength;

/// Largest order of differences.
const MAX_ORDER: usize = 4;

/// The menu of regularizers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Regularizer {
    /// Nothing is added.
    #[default]
    None,
    /// The sum of squares: all coefficients become smaller.
    Ridge {
        /// Its strength, above 0.
        strength: Strength,
    },
    /// The sum of magnitudes: some coefficients become 0.
    Lasso {
        /// Its strength, above 0.
        strength: Strength,
    },
    /// Both.
    ElasticNet {
        /// Its strength, above 0.
        strength: Strength,
        /// The part of the magnitudes, above 0 and at most 1.
        ratio: f64,
    },
    /// The norms of groups: all coefficients of some groups become 0.
    GroupLasso {
        /// Its strength, above 0, or one for each group.
        strength: Strength,
        /// The groups.
        groups: Groups,
    },
    /// Squared differences of neighbours: tuning curves and filters become smooth. Constant coefficients cost nothing, and
    /// from order 2 on straight lines. Coefficients on no grid are not penalised. A column that never changes has the coefficient
    /// 0, and a fit leaves out the differences that it is part of: functions without data are a gap, not a bridge.
    Smooth {
        /// Its strength, above 0.
        strength: f64,
        /// Order of the differences, 1 to 4; 2 is the usual one.
        order: usize,
        /// Which coefficients are neighbours.
        grids: Vec<Grid>,
    },
}

/// What a regularizer adds to the loss, as sums over the coefficients.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms {
    /// Factors of `w_j² / 2`.
    pub squares: Vec<f64>,
    /// Lists of columns and factors: half the square of each combination is added.
    pub combinations: Vec<Vec<(usize, f64)>>,
    /// Factors of `abs(w_j)`.
    pub magnitudes: Vec<f64>,
    /// Columns and factor of each norm.
    pub norms: Vec<(Vec<usize>, f64)>,
}

impl Regularizer {
    /// Its name in options and results.
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Ridge { .. } => "ridge",
            Self::Lasso { .. } => "lasso",
            Self::ElasticNet { .. } => "elastic-net",
            Self::GroupLasso { .. } => "group-lasso",
            Self::Smooth { .. } => "smooth",
        }
    }

    /// Its strength, if it has one; the largest if there are several.
    pub fn strength(&self) -> Option<f64> {
        match self {
            Self::None => None,
            Self::Ridge { strength }
            | Self::Lasso { strength }
            | Self::ElasticNet { strength, .. }
            | Self::GroupLasso { strength, .. } => Some(strength.largest()),
            Self::Smooth { strength, .. } => Some(*strength),
        }
    }

    /// The same with `factor` times its strength.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        let mut other = self.clone();
        match &mut other {
            Self::None => {}
            Self::Ridge { strength }
            | Self::Lasso { strength }
            | Self::ElasticNet { strength, .. }
            | Self::GroupLasso { strength, .. } => *strength = strength.times(factor),
            Self::Smooth { strength, .. } => *strength *= factor,
        }
        other
    }

    /// Whether it has kinks, at which coefficients come to rest at 0.
    pub fn selects(&self) -> bool {
        matches!(self, Self::Lasso { .. } | Self::ElasticNet { .. } | Self::GroupLasso { .. })
    }

    /// Whether single coefficients, not only groups of them, come to rest there.
    pub fn selects_each(&self) -> bool {
        matches!(self, Self::Lasso { .. } | Self::ElasticNet { .. })
    }

    /// Whether, in a model of classes, the coefficients of a column sum to 0 over the classes of a target. Where each of them may
    /// come to rest at 0 they need not.
    pub fn centres_classes(&self) -> bool {
        !self.selects_each()
    }

    /// Checks strength, ratio and order.
    ///
    /// # Errors
    /// [`Error::Argument`] for a strength that is no number above 0, a ratio outside (0, 1], an order outside 1 to 4, and
    /// for a smoothness penalty without coefficients that have neighbours.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::None => Ok(()),
            Self::Ridge { strength } | Self::Lasso { strength } | Self::GroupLasso { strength, .. } => {
                strength.check()
            }
            Self::ElasticNet { ratio, .. } if !(*ratio > 0.0 && *ratio <= 1.0) => Err(Error::argument(
                "ratio",
                "a number above 0, at most 1",
                ratio.to_string(),
                "try 0.5; 1 is the lasso, and ridge is a penalty of its own",
            )),
            Self::ElasticNet { strength, .. } => strength.check(),
            Self::Smooth { order, .. } if !(1..=MAX_ORDER).contains(order) => Err(Error::argument(
                "order of the smoothness penalty",
                format!("1 to {MAX_ORDER}"),
                order.to_string(),
                "use 2, which leaves straight lines as they are",
            )),
            Self::Smooth { grids, order, .. }
                if grids.iter().all(|grid| grid.differences(*order).is_empty()) =>
            {
                Err(Error::argument(
                    "smooth",
                    format!("a feature with a basis of more than {order} functions"),
                    "none",
                    "expand a feature by a basis, as in `position : bspline(10)`, or use ridge",
                ))
            }
            Self::Smooth { strength, .. } => Strength::All(*strength).check(),
        }
    }

    /// Checks that it suits a design of so many columns.
    ///
    /// # Errors
    /// [`Error::Length`] for another number of strengths, [`Error::Argument`] for columns that are not there or in two
    /// groups.
    pub fn check_columns(&self, n_columns: usize, features: &[[usize; 2]]) -> Result<()> {
        match self {
            Self::None => Ok(()),
            Self::Ridge { strength } | Self::Lasso { strength } | Self::ElasticNet { strength, .. } => {
                strength.check_length("column", n_columns)
            }
            Self::GroupLasso { strength, groups } => {
                groups.check(n_columns)?;
                strength.check_length("group", groups.of(features).len())
            }
            Self::Smooth { grids, .. } => grids.iter().try_for_each(|grid| grid.check(n_columns)),
        }
    }

    /// What it adds to the loss of `n_columns` coefficients, of which each feature has those in `features`.
    ///
    /// # Panics
    /// If there are fewer strengths than columns or groups ([`Regularizer::check_columns`]).
    pub fn terms(&self, n_columns: usize, features: &[[usize; 2]]) -> Terms {
        let each = |strength: &Strength, part: f64| -> Vec<f64> {
            (0..n_columns).map(|column| part * strength.of(column)).collect()
        };
        let none = Terms::default();
        match self {
            Self::None => none,
            Self::Ridge { strength } => Terms { squares: each(strength, 1.0), ..none },
            Self::Lasso { strength } => Terms { magnitudes: each(strength, 1.0), ..none },
            Self::ElasticNet { strength, ratio } => {
                let squares = if *ratio < 1.0 { each(strength, 1.0 - ratio) } else { Vec::new() };
                Terms { squares, magnitudes: each(strength, *ratio), ..none }
            }
            Self::GroupLasso { strength, groups } => {
                let own = groups.of(features).into_iter().enumerate();
                let own = own.map(|(k, columns)| {
                    let factor = strength.of(k) * (columns.len() as f64).sqrt();
                    (columns, factor)
                });
                // nothing shrinks what is empty or costs nothing
                let norms = own.filter(|(columns, factor)| !columns.is_empty() && *factor > 0.0).collect();
                Terms { norms, ..none }
            }
            Self::Smooth { strength, order, grids } => {
                let root = strength.sqrt();
                let mut combinations: Vec<_> =
                    grids.iter().flat_map(|grid| grid.differences(*order)).collect();
                combinations.iter_mut().flatten().for_each(|(_, factor)| *factor *= root);
                Terms { combinations, ..none }
            }
        }
    }

    /// The penalty of coefficients, of which each feature has those in `features`.
    ///
    /// # Panics
    /// As [`Regularizer::terms`].
    pub fn value(&self, coef: &[f64], features: &[[usize; 2]]) -> f64 {
        let Terms { squares, combinations, magnitudes, norms } = self.terms(coef.len(), features);
        let square: f64 = squares.iter().zip(coef).map(|(s, w)| 0.5 * s * w * w).sum();
        let combination =
            |own: &Vec<(usize, f64)>| own.iter().map(|(j, factor)| factor * coef[*j]).sum::<f64>();
        let combined: f64 = combinations.iter().map(|own| 0.5 * combination(own).powi(2)).sum();
        let magnitude: f64 = magnitudes.iter().zip(coef).map(|(s, w)| s * w.abs()).sum();
        let norm: f64 = norms.iter().map(|(columns, factor)| factor * norm(coef, columns)).sum();
        square + combined + magnitude + norm
    }

    /// The coefficients `u` where `sum_j (u_j - coef_j)² / (2 step)` plus the penalty is smallest: the proximal operator. An
    /// intercept is left as it is. `None` for the smoothness penalty, which couples all of them.
    ///
    /// # Panics
    /// As [`Regularizer::terms`].
    pub fn prox(&self, coef: &[f64], features: &[[usize; 2]], step: f64) -> Option<Vec<f64>> {
        let Terms { squares, combinations, magnitudes, norms } = self.terms(coef.len(), features);
        if !combinations.is_empty() {
            return None;
        }
        let mut out = coef.to_vec();
        for (w, s) in out.iter_mut().zip(&magnitudes) {
            *w = w.signum() * (w.abs() - step * s).max(0.0);
        }
        for (w, s) in out.iter_mut().zip(&squares) {
            *w /= 1.0 + step * s;
        }
        for (columns, factor) in &norms {
            let norm = norm(coef, columns);
            let left = if norm > 0.0 { (1.0 - step * factor / norm).max(0.0) } else { 0.0 };
            columns.iter().for_each(|&column| out[column] *= left);
        }
        Some(out)
    }
}

fn norm(coef: &[f64], columns: &[usize]) -> f64 {
    columns.iter().map(|&column| coef[column] * coef[column]).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strength_is_a_number_above_0() {
        for strength in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = Regularizer::Ridge { strength: strength.into() }.check().unwrap_err();
            assert!(error.to_string().contains("strength: expected a number above 0"), "{error}");
            let one_of = Regularizer::Lasso { strength: vec![1.0, strength].into() };
            assert_eq!(one_of.check().is_ok(), strength == 0.0);
        }
        assert!(Regularizer::None.check().is_ok());
        assert!(Regularizer::Ridge { strength: 1e-9.into() }.check().is_ok());
    }

    #[test]
    fn ratio_order_and_columns_are_checked() {
        for (ratio, is_good) in [(0.0, false), (1e-3, true), (1.0, true), (1.1, false), (f64::NAN, false)] {
            assert_eq!(Regularizer::ElasticNet { strength: 1.0.into(), ratio }.check().is_ok(), is_good);
        }
        let axes = vec![GridAxis { len: 5, is_cyclic: false }];
        let smooth = |order, first| Regularizer::Smooth {
            strength: 1.0,
            order,
            grids: vec![Grid { first, axes: axes.clone() }],
        };
        assert!(smooth(0, 0).check().is_err() && smooth(5, 0).check().is_err());
        assert!(smooth(2, 0).check().is_ok() && smooth(2, 0).check_columns(5, &[]).is_ok());
        assert!(smooth(2, 1).check_columns(5, &[]).is_err());
        let none = Regularizer::Smooth { strength: 1.0, order: 2, grids: Vec::new() };
        assert!(none.check().unwrap_err().help().contains("bspline(10)"));
        let groups =
            |groups| Regularizer::GroupLasso { strength: 1.0.into(), groups: Groups::Columns(groups) };
        assert!(groups(vec![vec![0, 1], vec![2]]).check_columns(3, &[]).is_ok());
        assert!(groups(vec![vec![0, 1], vec![1]]).check_columns(3, &[]).is_err());
        assert!(groups(vec![vec![3]]).check_columns(3, &[]).is_err());
        let each = Regularizer::Lasso { strength: vec![1.0, 2.0].into() };
        assert!(each.check_columns(3, &[]).is_err() && each.check_columns(2, &[]).is_ok());
    }

    #[test]
    fn what_is_empty_zero_or_free_is_not_shrunk() {
        let groups = Groups::Columns(vec![vec![0, 1], Vec::new(), vec![2]]);
        let own = Regularizer::GroupLasso { strength: vec![1.0, 1.0, 0.0].into(), groups };
        let shrunk = own.prox(&[0.0, 0.0, 0.0, 2.0], &[], 0.5).unwrap();
        assert_eq!(shrunk, [0.0, 0.0, 0.0, 2.0]);
    }

    #[test]
    fn a_stored_regularizer_reads_back() {
        let own = Regularizer::ElasticNet { strength: vec![0.5, 2.0].into(), ratio: 0.3 };
        let stored = serde_json::to_string(&own).unwrap();
        assert_eq!(serde_json::from_str::<Regularizer>(&stored).unwrap(), own);
        let ridge: Regularizer = serde_json::from_str(r#"{"ridge": {"strength": 0.1}}"#).unwrap();
        assert_eq!(ridge, Regularizer::Ridge { strength: 0.1.into() });
    }
}
