//! Covariances of neighbouring coefficients of each class, from that of the numbers that the classes are made of.

use std::ops::Range;

use super::course::Course;
use super::fitted::ClassCovariance;
use crate::math::dense::Matrix;

impl Course<'_, '_> {
    /// The blocks of the covariance that are asked for, one matrix for each class, from that of the parameters: with
    /// `w_k = sum_a c_ka z_a` the covariance of the coefficients of class `k` is `sum_ab c_ka c_kb Cov(z_a, z_b)`.
    pub(super) fn covariances(&self, of_parameters: &Matrix) -> Vec<ClassCovariance> {
        let blocks = &self.spec.get().covariance_of;
        if blocks.is_empty() {
            return Vec::new();
        }
        let of_classes: Vec<Matrix> =
            (0..self.contrasts.n_classes()).map(|class| self.of_class(of_parameters, class)).collect();
        let block = |columns: &Range<usize>| ClassCovariance {
            columns: columns.clone(),
            of_classes: of_classes.iter().map(|own| self.of_columns(own, columns)).collect(),
        };
        blocks.iter().map(block).collect()
    }

    /// The covariance of the members' coefficients of one class, intercept first: of classes with parameters of their own the block of
    /// these.
    fn of_class(&self, of_parameters: &Matrix, class: usize) -> Matrix {
        let (p, n_free) = (1 + self.rank.n_members(), self.contrasts.n_free());
        if !self.contrasts.are_centred() {
            return Matrix::from_shape_fn((p, p), |(i, j)| of_parameters[(class * p + i, class * p + j)]);
        }
        let factors: Vec<f64> = (0..n_free).map(|a| self.contrasts.factor(class, a)).collect();
        Matrix::from_shape_fn((p, p), |(i, j)| {
            let of_pair =
                |(a, b): (usize, usize)| factors[a] * factors[b] * of_parameters[(a * p + i, b * p + j)];
            (0..n_free).flat_map(|a| (0..n_free).map(move |b| (a, b))).map(of_pair).sum()
        })
    }

    /// That of some columns in the user's units; NaN where a column is aliased.
    fn of_columns(&self, of_members: &Matrix, columns: &Range<usize>) -> Matrix {
        // each scaled first, so that products neither overflow nor vanish
        let rows: Vec<(f64, Vec<f64>)> = columns
            .clone()
            .map(|column| {
                let own: Vec<f64> =
                    std::iter::once(0.0).chain(self.rank.to_user.row(column).iter().copied()).collect();
                let largest = own.iter().fold(f64::MIN_POSITIVE, |m: f64, a| m.max(a.abs()));
                (largest, own.iter().map(|a| a / largest).collect())
            })
            .collect();
        let products: Vec<Vec<f64>> = rows
            .iter()
            .map(|(_, own)| of_members.dot(&ndarray::ArrayView1::from(own.as_slice())).to_vec())
            .collect();
        let known = |k: usize| !self.rank.aliased.contains(&(columns.start + k));
        Matrix::from_shape_fn((columns.len(), columns.len()), |(i, j)| {
            let product: f64 = rows[i].1.iter().zip(&products[j]).map(|(a, b)| a * b).sum();
            if known(i) && known(j) { rows[i].0 * (rows[j].0 * product) } else { f64::NAN }
        })
    }
}
