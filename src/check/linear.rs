//! A Cholesky factorisation with pivots, by plain loops.

use crate::math::dense::Matrix;

/// A pivot of a matrix with unit diagonal that is rounding, for each of its rows.
const ROUNDING: f64 = 8.0 * f64::EPSILON;

/// The factor of a symmetric matrix that is scaled to unit diagonal, over the rows that are independent of those before them, taken
/// by the size of what is left of them.
#[derive(Clone, Debug)]
pub(super) struct Factor {
    /// The rows that were taken, in this order.
    pub(super) kept: Vec<usize>,
    /// Rows of the factor, `kept.len()` of them, each as long as its number and one.
    rows: Vec<Vec<f64>>,
    /// `1 / sqrt(diagonal)`.
    scale: Vec<f64>,
    /// The smallest pivot that was taken.
    pub(super) least: f64,
}

impl Factor {
    /// That of a symmetric, positive semidefinite matrix; rows with a diagonal that is not positive are left out.
    pub(super) fn of(a: &Matrix) -> Self {
        let p = a.nrows();
        let scale: Vec<f64> =
            a.diag().iter().map(|&d| if d > 0.0 { d.sqrt().recip() } else { 0.0 }).collect();
        let entry = |i: usize, j: usize| a[(i, j)] * scale[i] * scale[j];
        let mut left: Vec<f64> = scale.iter().map(|s| f64::from(u8::from(*s > 0.0))).collect();
        // columns of the factor over all rows
        let mut columns: Vec<Vec<f64>> = Vec::new();
        let (mut kept, mut is_kept) = (Vec::new(), vec![false; p]);
        let mut least = 1.0_f64;
        loop {
            let open = (0..p).filter(|&i| !is_kept[i]);
            let Some(next) = open.max_by(|&i, &j| left[i].total_cmp(&left[j])) else { break };
            if !left[next].is_finite() || left[next] <= ROUNDING * p as f64 {
                break;
            }
            let pivot = left[next].sqrt();
            least = least.min(left[next]);
            let mut column = vec![0.0; p];
            for i in (0..p).filter(|&i| !is_kept[i] && i != next) {
                let known: f64 = columns.iter().map(|c| c[i] * c[next]).sum();
                column[i] = (entry(i, next) - known) / pivot;
                left[i] -= column[i] * column[i];
            }
            column[next] = pivot;
            is_kept[next] = true;
            kept.push(next);
            columns.push(column);
        }
        let rows = kept
            .iter()
            .enumerate()
            .map(|(k, &i)| columns[..=k].iter().map(|column| column[i]).collect())
            .collect();
        Self { kept, rows, scale, least }
    }

    /// `a⁻¹ b` over the rows that were taken, 0 for the others.
    pub(super) fn solve(&self, b: &[f64]) -> Vec<f64> {
        let n = self.kept.len();
        let mut x: Vec<f64> = self.kept.iter().map(|&i| b[i] * self.scale[i]).collect();
        for k in 0..n {
            let known: f64 = self.rows[k][..k].iter().zip(&x).map(|(l, x)| l * x).sum();
            x[k] = (x[k] - known) / self.rows[k][k];
        }
        for k in (0..n).rev() {
            let known: f64 = (k + 1..n).map(|later| self.rows[later][k] * x[later]).sum();
            x[k] = (x[k] - known) / self.rows[k][k];
        }
        let mut out = vec![0.0; b.len()];
        self.kept.iter().zip(x).for_each(|(&i, x)| out[i] = x * self.scale[i]);
        out
    }

    /// `bᵀ a⁻¹ b`.
    pub(super) fn form(&self, b: &[f64]) -> f64 {
        self.solve(b).iter().zip(b).map(|(x, b)| x * b).sum()
    }
}
