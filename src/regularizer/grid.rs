use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Most axes of a grid: those of a product of so many bases.
const MOST_AXES: usize = 64;

/// Neighbouring coefficients on a line or a grid, the last axis the fastest: those of a basis for one channel, or of a
/// product of bases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grid {
    /// The column of the first.
    pub first: usize,
    /// Its axes, the slowest first.
    pub axes: Vec<GridAxis>,
}

/// One axis of a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GridAxis {
    /// Coefficients along it.
    pub len: usize,
    /// Whether the first follows the last.
    pub is_cyclic: bool,
}

impl Grid {
    /// Coefficients; the largest number there is for axes that multiply to more.
    pub fn len(&self) -> usize {
        product(&self.axes)
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its columns; those that would have numbers too large to count are none that a design has.
    pub fn columns(&self) -> Range<usize> {
        self.first..self.first.saturating_add(self.len())
    }

    /// The differences of the given order along every axis: each a list of columns and factors.
    ///
    /// Order 1 is `w[k+1] - w[k]`, order 2 `w[k+2] - 2 w[k+1] + w[k]`, and so on; an axis that is too short has none.
    pub(super) fn differences(&self, order: usize) -> Vec<Vec<(usize, f64)>> {
        let factors = binomial(order);
        let mut differences = Vec::new();
        for (number, axis) in self.axes.iter().enumerate() {
            let step = product(&self.axes[number + 1..]);
            let starts =
                if axis.is_cyclic && axis.len > order { axis.len } else { axis.len.saturating_sub(order) };
            let lines = (0..self.len()).filter(|at| (at / step).is_multiple_of(axis.len));
            for line in lines {
                for start in 0..starts {
                    let at = |k: usize| self.first + line + (start + k) % axis.len * step;
                    differences
                        .push(factors.iter().enumerate().map(|(k, &factor)| (at(k), factor)).collect());
                }
            }
        }
        differences
    }

    /// Checks that its columns exist.
    ///
    /// # Errors
    /// [`Error::Argument`] for columns that are not there.
    pub(super) fn check(&self, n_columns: usize) -> Result<()> {
        let columns = self.columns();
        // an axis is a basis, and a grid is a product of few
        if columns.end <= n_columns && self.axes.len() <= MOST_AXES {
            return Ok(());
        }
        if columns.end <= n_columns {
            let (expected, found) = (format!("at most {MOST_AXES} axes"), self.axes.len().to_string());
            return Err(Error::argument(
                "grid of coefficients",
                expected,
                found,
                "give an axis to each basis",
            ));
        }
        let expected = format!("columns below {n_columns}");
        Err(Error::argument(
            "grid of coefficients",
            expected,
            format!("{columns:?}"),
            "give columns of the design",
        ))
    }
}

/// Coefficients along all of these axes: a list that was not written here may multiply to anything.
fn product(axes: &[GridAxis]) -> usize {
    let lens = || axes.iter().map(|axis| axis.len);
    if lens().any(|len| len == 0) { 0 } else { lens().fold(1, usize::saturating_mul) }
}

/// Factors of the difference of this order.
fn binomial(order: usize) -> Vec<f64> {
    let mut factors = vec![1.0];
    for _ in 0..order {
        let shifted = std::iter::once(0.0).chain(factors.iter().copied());
        factors = shifted.zip(factors.iter().copied().chain([0.0])).map(|(later, own)| later - own).collect();
    }
    factors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(len: usize, is_cyclic: bool) -> Grid {
        Grid { first: 3, axes: vec![GridAxis { len, is_cyclic }] }
    }

    #[test]
    fn second_differences_of_a_line() {
        let expected = vec![vec![(3, 1.0), (4, -2.0), (5, 1.0)], vec![(4, 1.0), (5, -2.0), (6, 1.0)]];
        assert_eq!(line(4, false).differences(2), expected);
        assert!(line(2, false).differences(2).is_empty());
        let around = line(4, true).differences(1);
        assert_eq!((around.len(), &around[3]), (4, &vec![(6, -1.0), (3, 1.0)]));
    }

    #[test]
    fn axes_may_multiply_to_anything() {
        let axis = |len| GridAxis { len, is_cyclic: false };
        let huge = Grid { first: 3, axes: vec![axis(1_000_000_000_000), axis(1_000_000_000_000)] };
        assert_eq!((huge.len(), huge.columns()), (usize::MAX, 3..usize::MAX));
        assert!(huge.check(5).is_err());
        let none = Grid { first: 3, axes: vec![axis(usize::MAX), axis(usize::MAX), axis(0)] };
        assert!(none.is_empty() && none.check(5).is_ok() && none.differences(1).is_empty());
        let long = Grid { first: 0, axes: vec![axis(1); 65] };
        assert!(long.check(5).unwrap_err().to_string().contains("at most 64 axes"));
    }

    #[test]
    fn a_grid_has_differences_along_both_axes() {
        let axis = |len, is_cyclic| GridAxis { len, is_cyclic };
        let grid = Grid { first: 0, axes: vec![axis(3, false), axis(4, true)] };
        let differences = grid.differences(1);
        assert_eq!(differences.len(), 2 * 4 + 3 * 4);
        assert!(differences.contains(&vec![(1, -1.0), (5, 1.0)]), "the slow axis");
        assert!(differences.contains(&vec![(7, -1.0), (4, 1.0)]), "around the fast one");
    }
}
