//! The penalty on the parameters of a target: a smooth part, which is quadratic, and one with kinks.
//!
//! Parameters `v` are those of centred and scaled columns, intercept first, `v_j = sd_j w_j`; the penalty is one on `w`.

mod kinks;
mod shifts;

use crate::math::dense::Matrix;
use crate::observation::{ObservationModel, Observe, Recession};
use crate::regularizer::Terms;

pub use kinks::{Group, Kinks};
pub use shifts::{Shift, hold, release};

/// `sum_j c_j v_j² / 2 + sum_r (sum_j a_rj v_j)² / 2`, and [`Kinks`].
#[derive(Clone, Debug, Default)]
pub struct Penalty {
    /// `c`: one number per parameter, 0 for the intercept; empty if there are none.
    curvature: Vec<f64>,
    /// `a`: parameters and factors of each combination.
    combinations: Vec<Vec<(usize, f64)>>,
    /// How many of the combinations, the last ones, are anchors.
    n_anchors: usize,
    kinks: Kinks,
}

impl Penalty {
    /// The terms of a regularizer, for the columns `varying` whose standard deviations are `sd`. Columns that are not among
    /// them have the coefficient 0; differences with them are left out.
    pub fn new(terms: &Terms, varying: &[usize], sd: &[f64]) -> Self {
        let n_columns = sd.len();
        let mut parameter = vec![None; n_columns];
        varying.iter().enumerate().for_each(|(k, &column)| parameter[column] = Some(1 + k));
        let each = |factors: &[f64], unit: fn(f64) -> f64| -> Vec<f64> {
            if factors.is_empty() {
                return Vec::new();
            }
            let own = varying.iter().map(|&column| factors[column] / unit(sd[column]));
            std::iter::once(0.0).chain(own).collect()
        };
        let standing = |&(column, factor): &(usize, f64)| Some((parameter[column]?, factor / sd[column]));
        let combinations =
            terms.combinations.iter().filter_map(|own| own.iter().map(standing).collect::<Option<Vec<_>>>());
        let groups = terms.norms.iter().filter_map(|(columns, strength)| {
            let own = columns.iter().filter_map(|&column| Some((parameter[column]?, 1.0 / sd[column])));
            let members: Vec<(usize, f64)> = own.collect();
            (!members.is_empty()).then_some(Group { members, strength: *strength })
        });
        Self {
            curvature: each(&terms.squares, |sd| sd * sd),
            combinations: combinations.collect(),
            n_anchors: 0,
            kinks: Kinks {
                magnitudes: each(&terms.magnitudes, |sd| sd),
                groups: groups.collect(),
                shifts: Vec::new(),
            },
        }
    }

    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.is_flat() && self.kinks.is_none()
    }

    /// Whether its smooth part is 0.
    pub fn is_flat(&self) -> bool {
        self.curvature.is_empty() && self.combinations.is_empty()
    }

    /// Along which directions the loss with this penalty may fall for ever: none, if it grows along all that move a
    /// coefficient.
    pub fn recession(&self, observation: ObservationModel) -> Recession {
        if self.bounds_all() { Recession::Never } else { observation.recession() }
    }

    /// Whether it grows along every direction that moves a coefficient.
    pub fn bounds_all(&self) -> bool {
        let is_bounded = |j: usize| {
            let positive = |factors: &[f64]| factors.get(j).is_some_and(|factor| *factor > 0.0);
            positive(&self.curvature) || positive(&self.kinks.magnitudes) || self.kinks.has_in_group(j)
        };
        let n = self.curvature.len().max(self.kinks.n_parameters());
        n > 0 && (1..n).all(is_bounded)
    }

    /// Whether it grows in proportion to the magnitude of a parameter, or of a group that this is in.
    pub fn has_kink(&self, parameter: usize) -> bool {
        self.kinks.magnitudes.get(parameter).is_some_and(|own| *own > 0.0)
            || self.kinks.has_in_group(parameter)
    }

    /// The part with kinks.
    pub fn kinks(&self) -> &Kinks {
        &self.kinks
    }

    /// Adds combinations of all parameters, intercept first, whose squares are kept small: of directions that neither
    /// the data nor the penalty determine.
    pub fn anchor(&mut self, directions: impl IntoIterator<Item = Vec<f64>>) {
        let before = self.combinations.len();
        self.combinations.extend(directions.into_iter().map(|own| own.into_iter().enumerate().collect()));
        self.n_anchors += self.combinations.len() - before;
    }

    /// Takes out of a covariance what it has across the anchors: estimates do not move there.
    pub fn confine(&self, covariance: &mut Matrix) {
        let first = self.combinations.len() - self.n_anchors;
        self.combinations[first..].iter().for_each(|anchor| take_out(covariance, anchor));
    }

    /// Notes that the loss sees differences between so many blocks of parameters alone: [`Kinks::shifts`].
    pub fn note_shifts(&mut self, n_blocks: usize, n_parameters: usize) {
        let of = |factors: &[f64], j: usize| factors.get(j).copied().unwrap_or(0.0);
        let shift = |j: usize| Shift {
            members: (0..n_blocks).map(|block| block * n_parameters + j).collect(),
            strength: of(&self.kinks.magnitudes, j),
            curvature: of(&self.curvature, j),
        };
        self.kinks.shifts = (0..n_parameters).map(shift).collect();
    }

    /// Its value.
    pub fn value(&self, v: &[f64]) -> f64 {
        0.5 * self.product(v, v) + self.kinks.value(v)
    }

    /// Of the smooth part: `aᵀ H b` with its Hessian `H`.
    pub fn product(&self, a: &[f64], b: &[f64]) -> f64 {
        let squares: f64 = self.curvature.iter().zip(a).zip(b).map(|((c, a), b)| c * a * b).sum();
        let products = self.combinations.iter().map(|own| along(own, a) * along(own, b));
        squares + products.sum::<f64>()
    }

    /// The gradient of the smooth part; nothing if that is 0.
    pub fn gradient(&self, v: &[f64]) -> Vec<f64> {
        if self.is_flat() {
            return Vec::new();
        }
        let mut gradient = vec![0.0; v.len()];
        gradient.iter_mut().zip(&self.curvature).zip(v).for_each(|((g, c), v)| *g = c * v);
        for own in &self.combinations {
            let value = along(own, v);
            own.iter().for_each(|(j, factor)| gradient[*j] += factor * value);
        }
        gradient
    }

    /// The subgradient of all of it that leaves least of `gradient`, that of the loss; nothing if there is no penalty.
    pub fn subgradient(&self, v: &[f64], gradient: &[f64]) -> Vec<f64> {
        let mut smooth = self.gradient(v);
        if self.kinks.is_none() {
            return smooth;
        }
        smooth.resize(v.len(), 0.0);
        let total: Vec<f64> = smooth.iter().zip(gradient).map(|(own, g)| own + g).collect();
        let kinked = self.kinks.subgradient(v, &total);
        smooth.iter_mut().zip(kinked).for_each(|(own, kinked)| *own += kinked);
        smooth
    }

    /// For each parameter the magnitudes of the terms that this subgradient is the sum of: a difference that nearly vanishes is made
    /// of coefficients that do not, and rounding is of their size.
    pub fn sizes(&self, v: &[f64], subgradient: &[f64]) -> Vec<f64> {
        let mut sizes: Vec<f64> = subgradient.iter().map(|own| own.abs()).collect();
        for own in &self.combinations {
            let value: f64 = own.iter().map(|(j, factor)| (factor * v[*j]).abs()).sum();
            own.iter().for_each(|(j, factor)| sizes[*j] += factor.abs() * value);
        }
        sizes
    }

    /// Adds `part` of the Hessian of the smooth part.
    pub fn add_to(&self, hessian: &mut Matrix, part: f64) {
        hessian.diag_mut().iter_mut().zip(&self.curvature).for_each(|(to, c)| *to += part * c);
        for own in &self.combinations {
            for (i, a) in own {
                own.iter().for_each(|(j, b)| hessian[(*i, *j)] += part * a * b);
            }
        }
    }
}

/// Takes a combination of the parameters out of their covariance.
fn take_out(covariance: &mut Matrix, combination: &[(usize, f64)]) {
    let mut across = vec![0.0; covariance.nrows()];
    for (j, factor) in combination {
        across.iter_mut().zip(covariance.column(*j)).for_each(|(to, value)| *to += factor * value);
    }
    let own = along(combination, &across);
    if own > 0.0 {
        for (mut row, a) in covariance.rows_mut().into_iter().zip(&across) {
            row.iter_mut().zip(&across).for_each(|(to, b)| *to -= a * b / own);
        }
    }
}

fn along(combination: &[(usize, f64)], v: &[f64]) -> f64 {
    combination.iter().map(|(j, factor)| factor * v[*j]).sum()
}
