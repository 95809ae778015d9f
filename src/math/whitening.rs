//! Neighbouring columns in terms of others that are hardly correlated.

use std::ops::Range;

use ndarray::{ArrayViewMut1, Axis, Slice};

use super::dense::Matrix;

/// The part of a column's variance that at least is ascribed to itself.
const LEAST_PIVOT: f64 = 1e-9;

/// Columns `x = L z` of others, `z`, with a lower triangular `L`: a change of coordinates, exact whatever `L` is, and a good one
/// if `L Lᵀ` is close to the Gram of `x`, which makes that of `z` close to the identity.
///
/// Coefficients `w` of `x` are `v = Lᵀ w` of `z`, a gradient with respect to `v` is `L` times that much with respect to `w`, and
/// a Gram `G` of `z` is `L G Lᵀ` of `x`.
#[derive(Clone, Debug, PartialEq)]
pub struct Whitening {
    /// The columns.
    pub columns: Range<usize>,
    /// `L`, lower triangular with a positive diagonal.
    factor: Matrix,
}

impl Whitening {
    /// That of columns with this Gram, which may be an estimate.
    pub fn new(columns: Range<usize>, gram: &Matrix) -> Self {
        let k = columns.len();
        let mut factor = Matrix::zeros((k, k));
        for i in 0..k {
            for j in 0..=i {
                let before: f64 = (0..j).map(|m| factor[(i, m)] * factor[(j, m)]).sum();
                let rest = gram[(i, j)] - before;
                factor[(i, j)] = match (i == j, gram[(i, i)] > 0.0) {
                    (true, true) => rest.max(LEAST_PIVOT * gram[(i, i)]).sqrt(),
                    (true, false) => 1.0,
                    (false, _) => rest / factor[(j, j)],
                };
            }
        }
        Self { columns, factor }
    }

    /// The same of columns that lie `n` further on.
    #[must_use]
    pub fn moved(&self, n: usize) -> Self {
        Self { columns: self.columns.start + n..self.columns.end + n, factor: self.factor.clone() }
    }

    /// `Lᵀ w` in place of its columns of `w`.
    pub fn transposed(&self, w: &mut [f64]) {
        let own = &mut w[self.columns.clone()];
        for j in 0..own.len() {
            own[j] = (j..own.len()).map(|i| self.factor[(i, j)] * own[i]).sum();
        }
    }

    /// `L g` in place of its columns of `g`.
    pub fn forward(&self, g: &mut [f64]) {
        let own = &mut g[self.columns.clone()];
        for i in (0..own.len()).rev() {
            own[i] = (0..=i).map(|j| self.factor[(i, j)] * own[j]).sum();
        }
    }

    /// `L⁻¹ g` in place of its columns of `g`.
    pub fn inverse(&self, g: &mut [f64]) {
        let own = &mut g[self.columns.clone()];
        for i in 0..own.len() {
            let before: f64 = (0..i).map(|j| self.factor[(i, j)] * own[j]).sum();
            own[i] = (own[i] - before) / self.factor[(i, i)];
        }
    }

    /// `L⁻¹ x` in place of columns of so many rows each, one column after the other.
    pub fn inverse_of_columns(&self, columns: &mut [f64], n_rows: usize) {
        let own = &mut columns[self.columns.start * n_rows..self.columns.end * n_rows];
        for i in 0..self.columns.len() {
            let (before, rest) = own.split_at_mut(i * n_rows);
            let column = &mut rest[..n_rows];
            for (j, earlier) in before.chunks_exact(n_rows).enumerate() {
                let factor = self.factor[(i, j)];
                column.iter_mut().zip(earlier).for_each(|(x, z)| *x -= factor * z);
            }
            let inverse = 1.0 / self.factor[(i, i)];
            column.iter_mut().for_each(|x| *x *= inverse);
        }
    }

    /// `L⁻ᵀ v` in place of its columns of `v`.
    pub fn inverse_transposed(&self, v: &mut [f64]) {
        let own = &mut v[self.columns.clone()];
        for j in (0..own.len()).rev() {
            let after: f64 = (j + 1..own.len()).map(|i| self.factor[(i, j)] * own[i]).sum();
            own[j] = (own[j] - after) / self.factor[(j, j)];
        }
    }

    /// `L G Lᵀ` in place of a Gram of all columns.
    pub fn around(&self, gram: &mut Matrix) {
        let all = Range { start: 0, end: self.columns.len() };
        let alone = Self { columns: all, factor: self.factor.clone() };
        let mut own = Vec::with_capacity(self.columns.len());
        let mut translate = |line: &mut ArrayViewMut1<f64>| {
            let mut line = line.slice_axis_mut(Axis(0), Slice::from(self.columns.clone()));
            own.clear();
            own.extend(line.iter());
            alone.forward(&mut own);
            line.iter_mut().zip(&own).for_each(|(to, value)| *to = *value);
        };
        gram.columns_mut().into_iter().for_each(|mut line| translate(&mut line));
        gram.rows_mut().into_iter().for_each(|mut line| translate(&mut line));
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn assert_close(found: &[f64], expected: &[f64]) {
        let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-12;
        assert!(
            found.len() == expected.len() && found.iter().zip(expected).all(near),
            "{found:?}, not {expected:?}"
        );
    }

    #[test]
    fn columns_become_uncorrelated_and_the_way_back_is_the_way_there() {
        let gram = array![[2.0, 1.2, 0.3], [1.2, 1.0, 0.4], [0.3, 0.4, 0.5]];
        let whitening = Whitening::new(1..4, &gram);
        let mut all = Matrix::eye(4);
        whitening.around(&mut all);
        for (i, row) in gram.rows().into_iter().enumerate() {
            assert_close(&all.row(1 + i).to_vec()[1..], &row.to_vec());
        }
        assert_eq!((all[(0, 0)], all[(0, 2)]), (1.0, 0.0));
        let (x, w) = ([7.0, 0.3, -2.0, 1.1], [5.0, 1.0, 0.2, -0.7]);
        // products do not depend on coordinates
        let (mut z, mut v) = (x, w);
        whitening.inverse(&mut z);
        whitening.transposed(&mut v);
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        assert_close(&[product(&z, &v)], &[product(&x, &w)]);
        let mut columns: Vec<f64> = x.iter().flat_map(|x| [*x, 2.0 * x]).collect();
        whitening.inverse_of_columns(&mut columns, 2);
        // what is not among the columns stays
        assert_close(&columns[..2], &[7.0, 14.0]);
        assert_close(&columns, &z.iter().flat_map(|z| [*z, 2.0 * z]).collect::<Vec<_>>());
        whitening.forward(&mut z);
        whitening.inverse_transposed(&mut v);
        assert_close(&z, &x);
        assert_close(&v, &w);
        assert_eq!(whitening.moved(3).columns, 4..7);
    }

    #[test]
    fn a_gram_that_is_singular_or_a_bad_estimate_gives_coordinates_all_the_same() {
        for gram in
            [array![[1.0, 1.0], [1.0, 1.0]], array![[0.0, 0.0], [0.0, 4.0]], array![[1.0, 2.0], [2.0, 1.0]]]
        {
            let whitening = Whitening::new(0..2, &gram);
            let mut there = vec![0.5, -3.0];
            whitening.transposed(&mut there);
            whitening.inverse_transposed(&mut there);
            assert!((there[0] - 0.5).abs() < 1e-9 && (there[1] + 3.0).abs() < 1e-9, "{there:?}");
        }
    }
}
