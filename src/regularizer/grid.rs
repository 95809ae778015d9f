use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

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
    /// Coefficients.
    pub fn len(&self) -> usize {
        self.axes.iter().map(|axis| axis.len).product()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its columns.
    pub fn columns(&self) -> Range<usize> {
        self.first..self.first + self.len()
    }

    /// The differences of the given order along every axis: each a list of columns and factors.
    ///
    /// Order 1 is `w[k+1] - w[k]`, order 2 `w[k+2] - 2 w[k+1] + w[k]`, and so on; an axis that is too short has none.
    pub(super) fn differences(&self, order: usize) -> Vec<Vec<(usize, f64)>> {
        let factors = binomial(order);
        let mut differences = Vec::new();
        for (number, axis) in self.axes.iter().enumerate() {
            let step: usize = self.axes[number + 1..].iter().map(|later| later.len).product();
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
        if columns.end <= n_columns {
            return Ok(());
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
    fn a_grid_has_differences_along_both_axes() {
        let axis = |len, is_cyclic| GridAxis { len, is_cyclic };
        let grid = Grid { first: 0, axes: vec![axis(3, false), axis(4, true)] };
        let differences = grid.differences(1);
        assert_eq!(differences.len(), 2 * 4 + 3 * 4);
        assert!(differences.contains(&vec![(1, -1.0), (5, 1.0)]), "the slow axis");
        assert!(differences.contains(&vec![(7, -1.0), (4, 1.0)]), "around the fast one");
    }
}
