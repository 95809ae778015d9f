//! Common shifts: parameters of which the loss sees differences alone.
//!
//! The loss of classes stays the same if a number is added to the coefficients of a column for all classes; a penalty on each of
//! them does not. A step may therefore move all members of a shift to where their penalty is smallest without a look at the rows.

use super::{Kinks, take_out};
use crate::math::dense::Matrix;

/// Parameters of which the loss sees differences alone, with the penalty `sum_j (s |v_j| + c v_j² / 2)` of its members.
#[derive(Clone, Debug)]
pub struct Shift {
    /// The parameters.
    pub members: Vec<usize>,
    /// `s`.
    pub strength: f64,
    /// `c`.
    pub curvature: f64,
}

impl Shift {
    /// The number which, added to every member, makes their penalty smallest, and among several their norm: without curvature what
    /// brings their mean nearest to 0 while 0 stays between the two in the middle, with it the root of the slope.
    pub fn best(&self, v: &[f64]) -> f64 {
        let mut values: Vec<f64> = self.members.iter().map(|&j| v[j]).collect();
        values.sort_by(|a, b| b.total_cmp(a));
        let Some(last) = values.len().checked_sub(1) else { return 0.0 };
        let n = values.len() as f64;
        let mut mean = values.iter().sum::<f64>() / n;
        if self.curvature > 0.0 {
            return self.root(&values, mean);
        }
        let largest = values[0].abs().max(values[last].abs());
        if mean.abs() <= n * f64::EPSILON * largest {
            // what rounding leaves of 0 must not move a member that is 0
            mean = 0.0;
        }
        if self.strength == 0.0 {
            return -mean;
        }
        let [high, low] = [values[last / 2], values[values.len() / 2]];
        (-mean).max(-high).min(-low)
    }

    /// Where the slope of the penalty vanishes, for members in descending order.
    fn root(&self, values: &[f64], mean: f64) -> f64 {
        let n = values.len() as f64;
        let mut n_positive = values.len();
        for value in values {
            let above = values.iter().filter(|own| *own > value).count() as f64;
            let same = values.iter().filter(|own| *own == value).count() as f64;
            let straight = n * self.curvature * (mean - value);
            // on both sides of where this member is 0
            let before = straight + self.strength * (2.0 * above - n);
            if before > 0.0 {
                n_positive = above as usize;
                break;
            }
            if before + 2.0 * self.strength * same >= 0.0 {
                return -value;
            }
        }
        -mean - self.strength * (2.0 * n_positive as f64 - n) / (self.curvature * n)
    }

    /// Adds a number to every member.
    pub fn add(&self, by: f64, v: &mut [f64]) {
        self.members.iter().for_each(|&j| v[j] += by);
    }
}

impl Kinks {
    /// Moves the members of every shift along which nothing is curved to where their penalty is smallest, and of several such
    /// points to that of smallest norm.
    pub fn settle(&self, v: &mut [f64]) {
        for shift in self.shifts.iter().filter(|shift| shift.curvature == 0.0) {
            let by = shift.best(v);
            shift.add(by, v);
        }
    }

    /// The shifts whose members are all among the parameters `free`, ascending, with their places there: along them a Hessian of
    /// these parameters has the curvature of the penalty alone, and answers do not move along them where data do.
    pub fn whole(&self, free: &[usize]) -> Vec<(&Shift, Vec<usize>)> {
        let places = |shift: &Shift| -> Option<Vec<usize>> {
            shift.members.iter().map(|j| free.binary_search(j).ok()).collect()
        };
        self.shifts.iter().filter_map(|shift| Some((shift, places(shift)?))).collect()
    }
}

/// Adds squares of the sum over the places of a shift, of the size of the rest, so that a Hessian is not singular along it; what
/// the square is multiplied with.
pub fn hold(hessian: &mut Matrix, places: &[usize]) -> f64 {
    let n = places.len() as f64;
    let weight = places.iter().map(|&j| hessian[(j, j)]).sum::<f64>() / (n * n);
    for &i in places {
        places.iter().for_each(|&j| hessian[(i, j)] += weight);
    }
    weight
}

/// Takes the sums over these places out of a covariance.
pub fn release(covariance: &mut Matrix, places: &[usize]) {
    let all: Vec<(usize, f64)> = places.iter().map(|&j| (j, 1.0)).collect();
    take_out(covariance, &all);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(strength: f64, curvature: f64, v: &[f64]) -> f64 {
        Shift { members: (0..v.len()).collect(), strength, curvature }.best(v)
    }

    #[test]
    fn without_curvature_the_median_is_0_and_the_mean_as_near_as_may_be() {
        assert_eq!(best(0.5, 0.0, &[3.0, 1.0, 2.0]), -2.0);
        assert_eq!(best(0.5, 0.0, &[3.0, 1.0]), -2.0);
        // between -0.2 and 0 the mean 0.1 becomes 0
        assert!((best(0.5, 0.0, &[0.5, 0.2, 0.0, -0.3]) + 0.1).abs() < 1e-15);
        assert_eq!(best(0.5, 0.0, &[5.0, 0.25, -0.25, -0.5]), -0.25);
        assert_eq!(best(0.5, 0.0, &[1.0, 0.0, 1e-17, -1.0]), 0.0);
        assert_eq!(best(0.0, 0.0, &[3.0, 1.0, 5.0]), -3.0);
        assert_eq!(best(0.1, 0.0, &[]), 0.0);
    }

    /// Against the penalty itself, at steps to both sides.
    #[test]
    fn with_curvature_the_penalty_is_smallest() {
        for v in [vec![3.0, 1.0, 2.0], vec![0.4, 0.1, -0.2, -0.3], vec![1.0, 1.0, -5.0], vec![-2.0, -3.0]] {
            for (strength, curvature) in [(0.5, 0.1), (0.01, 2.0), (0.0, 1.0), (1.0, 1.0)] {
                let value = |t: f64| {
                    v.iter()
                        .map(|v| strength * (v + t).abs() + 0.5 * curvature * (v + t).powi(2))
                        .sum::<f64>()
                };
                let found = best(strength, curvature, &v);
                let least = value(found);
                for by in [1e-3, -1e-3, 0.1, -0.1] {
                    assert!(value(found + by) > least, "{v:?} {strength} {curvature} {found}");
                }
            }
        }
        assert_eq!(best(1.0, 0.1, &[0.5, 0.0, -0.25]), 0.0, "what is 0 stays exactly there");
    }

    #[test]
    fn what_is_held_and_released_is_the_pseudo_inverse() {
        let mut hessian = ndarray::array![[1.0, -1.0], [-1.0, 1.0]];
        hold(&mut hessian, &[0, 1]);
        let mut inverse = crate::math::dense::Cholesky::new(&hessian).unwrap().inverse();
        release(&mut inverse, &[0, 1]);
        for (found, expected) in inverse.iter().zip([0.25, -0.25, -0.25, 0.25]) {
            assert!((found - expected).abs() < 1e-14);
        }
    }
}
