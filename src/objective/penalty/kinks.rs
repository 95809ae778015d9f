//! The part of a penalty that has kinks: there parameters come to rest at exactly 0.

use super::Shift;
use crate::math::dense::Matrix;

/// A pull that is this part of what holds a parameter at its kink is rounding.
const ROUNDING: f64 = 1e-12;

/// `strength · sqrt(sum_j (f_j v_j)²)` over the members of a group.
#[derive(Clone, Debug)]
pub struct Group {
    /// Parameters and their factors `f`.
    pub members: Vec<(usize, f64)>,
    /// Its strength, above 0.
    pub strength: f64,
}

/// `sum_j s_j |v_j|`, and groups, of which no two share a parameter.
#[derive(Clone, Debug, Default)]
pub struct Kinks {
    /// `s`: one number per parameter, 0 for the intercept; empty if there are none.
    pub magnitudes: Vec<f64>,
    /// The groups.
    pub groups: Vec<Group>,
    /// Parameters of which the loss sees differences alone, if there are some.
    pub shifts: Vec<Shift>,
}

impl Group {
    /// The scaled parameters.
    pub fn scaled(&self, v: &[f64]) -> Vec<f64> {
        self.members.iter().map(|(j, factor)| factor * v[*j]).collect()
    }

    /// Their norm.
    pub fn norm(&self, v: &[f64]) -> f64 {
        norm(&self.scaled(v))
    }
}

fn norm(u: &[f64]) -> f64 {
    u.iter().map(|u| u * u).sum::<f64>().sqrt()
}

impl Kinks {
    /// Whether there are none.
    pub fn is_none(&self) -> bool {
        self.magnitudes.is_empty() && self.groups.is_empty()
    }

    /// One more than the largest parameter that has any.
    pub(super) fn n_parameters(&self) -> usize {
        let members = self.groups.iter().flat_map(|group| &group.members);
        members.map(|(j, _)| 1 + j).max().unwrap_or(0).max(self.magnitudes.len())
    }

    /// Whether a parameter is in a group.
    pub(super) fn has_in_group(&self, parameter: usize) -> bool {
        self.groups.iter().any(|group| group.members.iter().any(|(j, _)| *j == parameter))
    }

    /// The value at `v`.
    pub fn value(&self, v: &[f64]) -> f64 {
        let magnitudes: f64 = self.magnitudes.iter().zip(v).map(|(s, v)| s * v.abs()).sum();
        magnitudes + self.groups.iter().map(|group| group.strength * group.norm(v)).sum::<f64>()
    }

    /// What a step of `length` along `d` adds, and what `gradientᵀ d` adds, accurate relative to the sum of the two: near the
    /// optimum these nearly cancel.
    pub fn change(&self, v: &[f64], d: &[f64], length: f64, gradient: &[f64]) -> f64 {
        let mut change = Vec::with_capacity(d.len());
        change.extend(d.iter().zip(gradient).map(|(d, g)| length * d * g));
        for ((own, s), (v, d)) in change.iter_mut().zip(&self.magnitudes).zip(v.iter().zip(d)) {
            let to = v + length * d;
            if v * to > 0.0 {
                // on one side of the kink it is a straight line
                *own += s * v.signum() * (length * d);
            } else {
                *own += s * (to.abs() - v.abs());
            }
        }
        let groups = self.groups.iter().map(|group| {
            let (from, step) = (group.scaled(v), group.scaled(d));
            let to: Vec<f64> = from.iter().zip(&step).map(|(u, d)| u + length * d).collect();
            let sum = norm(&from) + norm(&to);
            let product: f64 =
                step.iter().zip(from.iter().zip(&to)).map(|(d, (u, to))| length * d * (u + to)).sum();
            if sum > 0.0 { group.strength * product / sum } else { 0.0 }
        });
        change.iter().sum::<f64>() + groups.sum::<f64>()
    }

    /// The slope along `d` just before `v` is reached.
    pub fn slope_before(&self, v: &[f64], d: &[f64]) -> f64 {
        let of_one = |(s, (v, d)): (&f64, (&f64, &f64))| {
            if *v == 0.0 { -s * d.abs() } else { s * v.signum() * d }
        };
        let magnitudes: f64 = self.magnitudes.iter().zip(v.iter().zip(d)).map(of_one).sum();
        let of_group = |group: &Group| {
            let (own, step) = (group.scaled(v), group.scaled(d));
            let size = norm(&own);
            let slope = if size == 0.0 {
                -norm(&step)
            } else {
                own.iter().zip(&step).map(|(u, d)| u * d).sum::<f64>() / size
            };
            group.strength * slope
        };
        magnitudes + self.groups.iter().map(of_group).sum::<f64>()
    }

    /// The subgradient that leaves least of `gradient`, that of everything else.
    pub fn subgradient(&self, v: &[f64], gradient: &[f64]) -> Vec<f64> {
        let mut own = vec![0.0; v.len()];
        for (((to, s), v), g) in own.iter_mut().zip(&self.magnitudes).zip(v).zip(gradient) {
            *to = if *v == 0.0 { (-g).clamp(-s, *s) } else { s * v.signum() };
        }
        for group in &self.groups {
            let size = group.norm(v);
            if size > 0.0 {
                for (j, factor) in &group.members {
                    own[*j] = group.strength * factor * factor * v[*j] / size;
                }
                continue;
            }
            // in the scaled parameters the gradient is divided by the factors
            let along: Vec<f64> = group.members.iter().map(|(j, factor)| gradient[*j] / factor).collect();
            let part = (group.strength / norm(&along)).min(1.0);
            group.members.iter().for_each(|(j, _)| own[*j] = -part * gradient[*j]);
        }
        own
    }

    /// The parameters that are free to move by a little, ascending: those that have no kink, are not at one, or are pulled off
    /// it by what is `left` of the gradient.
    pub fn free(&self, v: &[f64], left: &[f64]) -> Vec<usize> {
        let mut free = vec![true; v.len()];
        for (j, s) in self.magnitudes.iter().enumerate() {
            free[j] = *s == 0.0 || v[j] != 0.0 || left[j].abs() > ROUNDING * s;
        }
        for group in &self.groups {
            let pulled = |(j, factor): &(usize, f64)| left[*j].abs() > ROUNDING * group.strength * factor;
            let moves = group.members.iter().any(|own| v[own.0] != 0.0 || pulled(own));
            group.members.iter().for_each(|(j, _)| free[*j] = moves);
        }
        (0..v.len()).filter(|&j| free[j]).collect()
    }

    /// Adds the Hessian of the norms that are not 0.
    pub fn add_to(&self, hessian: &mut Matrix, v: &[f64]) {
        for group in &self.groups {
            let size = group.norm(v);
            if size == 0.0 {
                continue;
            }
            for (i, a) in &group.members {
                for (j, b) in &group.members {
                    let own = f64::from(u8::from(i == j)) - a * v[*i] * b * v[*j] / (size * size);
                    hessian[(*i, *j)] += group.strength * a * b * own / size;
                }
            }
        }
    }
}
