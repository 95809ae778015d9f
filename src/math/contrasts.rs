//! Contrasts: numbers of several classes, of which only differences matter, in terms of fewer.

/// A matrix `c`, shape (classes, free numbers), with orthonormal columns: the number of class `k` is `sum_a c_ka z_a`.
#[derive(Clone, Debug, PartialEq)]
pub struct Contrasts {
    n_classes: usize,
    n_free: usize,
    /// Row after row.
    factors: Vec<f64>,
}

impl Contrasts {
    /// Those of `K` numbers whose sum is 0, in terms of `K - 1` (Helmert): column `a` compares class `a + 1` with the mean of
    /// those before it.
    ///
    /// ```
    /// let contrasts = rheobase::math::contrasts::Contrasts::centred(2);
    /// let half = 0.5f64.sqrt();
    /// assert!(contrasts.of_classes(&[2.0]).iter().zip([2.0 * half, -2.0 * half]).all(|(a, b)| (a - b).abs() < 1e-15));
    /// ```
    pub fn centred(n_classes: usize) -> Self {
        let n_free = n_classes.saturating_sub(1);
        let factor = |k: usize, a: usize| {
            let norm = (((a + 1) * (a + 2)) as f64).sqrt();
            match k {
                _ if k <= a => 1.0 / norm,
                _ if k == a + 1 => -((a + 1) as f64) / norm,
                _ => 0.0,
            }
        };
        let factors = (0..n_classes * n_free).map(|i| factor(i / n_free, i % n_free)).collect();
        Self { n_classes, n_free, factors }
    }

    /// Every class has a number of its own.
    pub fn none(n_classes: usize) -> Self {
        let factor = |i: usize| f64::from(u8::from(i / n_classes == i % n_classes));
        Self { n_classes, n_free: n_classes, factors: (0..n_classes * n_classes).map(factor).collect() }
    }

    /// Classes.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// Numbers that they are made of.
    pub fn n_free(&self) -> usize {
        self.n_free
    }

    /// Whether the numbers of all classes sum to 0.
    pub fn are_centred(&self) -> bool {
        self.n_free < self.n_classes
    }

    /// The matrix, row after row.
    pub fn factors(&self) -> &[f64] {
        &self.factors
    }

    /// `c_ka`.
    ///
    /// # Panics
    /// If there is no such class or number.
    pub fn factor(&self, class: usize, free: usize) -> f64 {
        self.factors[class * self.n_free + free]
    }

    /// The numbers of all classes.
    ///
    /// # Panics
    /// If `free` has another length than there are free numbers.
    pub fn of_classes(&self, free: &[f64]) -> Vec<f64> {
        assert_eq!(free.len(), self.n_free);
        let of_class = |class: usize| free.iter().enumerate().map(|(a, z)| self.factor(class, a) * z).sum();
        (0..self.n_classes).map(of_class).collect()
    }

    /// `cᵀ v`: the free numbers nearest to those of all classes, and the gradient with respect to them.
    ///
    /// # Panics
    /// If there are fewer numbers than classes.
    pub fn of_free(&self, classes: &[f64]) -> Vec<f64> {
        let of_one = |a: usize| (0..self.n_classes).map(|class| self.factor(class, a) * classes[class]).sum();
        (0..self.n_free).map(of_one).collect()
    }

    /// Pairs of free numbers, `a <= b`.
    pub fn pairs(&self) -> Vec<(usize, usize)> {
        (0..self.n_free).flat_map(|a| (a..self.n_free).map(move |b| (a, b))).collect()
    }

    /// Pairs of classes, `k < l`.
    pub fn class_pairs(&self) -> Vec<(usize, usize)> {
        (0..self.n_classes).flat_map(|l| (0..l).map(move |k| (k, l))).collect()
    }

    /// `(c_ka - c_la) (c_kb - c_lb)` of the classes `k < l` where that is not 0: of weights `w_kl` of differences the entry
    /// (a, b) of `cᵀ L c`, with the matrix `L` whose quadratic form is `sum_{k<l} w_kl (v_k - v_l)²`, is the sum of their
    /// products with these.
    pub fn differences(&self, (a, b): (usize, usize)) -> Vec<(usize, usize, f64)> {
        let mut found = Vec::new();
        for (k, l) in self.class_pairs() {
            let of = |free: usize| self.factor(k, free) - self.factor(l, free);
            let factor = of(a) * of(b);
            if factor != 0.0 {
                found.push((k, l, factor));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_orthonormal_and_sum_to_0() {
        for n_classes in 2..8 {
            let own = Contrasts::centred(n_classes);
            assert_eq!((own.n_classes(), own.n_free()), (n_classes, n_classes - 1));
            assert!(own.are_centred() && !Contrasts::none(n_classes).are_centred());
            let product = |a: usize, b: usize| -> f64 {
                (0..n_classes).map(|k| own.factor(k, a) * own.factor(k, b)).sum()
            };
            for a in 0..own.n_free() {
                assert!((0..n_classes).map(|k| own.factor(k, a)).sum::<f64>().abs() < 1e-15);
                for b in 0..own.n_free() {
                    assert!((product(a, b) - f64::from(u8::from(a == b))).abs() < 1e-15);
                }
            }
            let free: Vec<f64> = (0..own.n_free()).map(|a| 1.0 + a as f64).collect();
            let back = own.of_free(&own.of_classes(&free));
            assert!(back.iter().zip(&free).all(|(a, b)| (a - b).abs() < 1e-14));
        }
    }

    /// The covariance of a draw with probabilities p, as differences and as it is defined.
    #[test]
    fn differences_make_quadratic_forms() {
        let (own, p) = (Contrasts::centred(4), [0.1, 0.2, 0.3, 0.4]);
        for (a, b) in own.pairs() {
            let found: f64 = own.differences((a, b)).iter().map(|&(k, l, factor)| p[k] * p[l] * factor).sum();
            let mean = |a: usize| (0..4).map(|k| p[k] * own.factor(k, a)).sum::<f64>();
            let product = (0..4).map(|k| p[k] * own.factor(k, a) * own.factor(k, b)).sum::<f64>();
            assert!((found - (product - mean(a) * mean(b))).abs() < 1e-15);
        }
    }
}
