//! The penalty at a point: its value, the element of its subdifferential that leaves least of a gradient, its curvature.

use crate::math::dense::Matrix;
use crate::regularizer::{Regularizer, Terms};

/// A pull that is this part of what holds a coefficient at its kink is rounding.
const PULL: f64 = 1e-12;

/// What is added to the loss of coefficients that vary; the others are 0 and have no part in it.
#[derive(Clone, Debug)]
pub(super) struct Penalty {
    terms: Terms,
    varies: Vec<bool>,
}

/// At a point.
#[derive(Clone, Debug)]
pub(super) struct At {
    /// The element of the subdifferential, one number per coefficient, in its units.
    pub(super) element: Vec<f64>,
    /// The magnitudes of the terms that it is the sum of.
    pub(super) sizes: Vec<f64>,
    /// Whether a coefficient may move by a little: it has no kink, is not at one, or is pulled off it.
    pub(super) is_free: Vec<bool>,
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

impl Penalty {
    /// That of a regularizer on the columns of features; `sd` is 0 for those that do not vary.
    pub(super) fn new(regularizer: &Regularizer, features: &[[usize; 2]], sd: &[f64]) -> Self {
        Self::of_terms(regularizer.terms(sd.len(), features), sd)
    }

    /// The same on `n_classes` coefficients of every column, column after column. Groups hold those of all classes and count them.
    pub(super) fn of_classes(
        regularizer: &Regularizer,
        features: &[[usize; 2]],
        sd: &[f64],
        n_classes: usize,
    ) -> Self {
        let Terms { squares, combinations, magnitudes, norms } = regularizer.terms(sd.len(), features);
        let repeat = |own: &[f64]| -> Vec<f64> { own.iter().flat_map(|s| vec![*s; n_classes]).collect() };
        let of_class = |class: usize, own: &[(usize, f64)]| -> Vec<(usize, f64)> {
            own.iter().map(|&(j, factor)| (j * n_classes + class, factor)).collect()
        };
        let terms = Terms {
            squares: repeat(&squares),
            magnitudes: repeat(&magnitudes),
            combinations: (combinations.iter())
                .flat_map(|own| (0..n_classes).map(move |class| of_class(class, own)))
                .collect(),
            norms: (norms.into_iter())
                .map(|(columns, factor)| {
                    let all = columns.into_iter().flat_map(|j| j * n_classes..(j + 1) * n_classes);
                    (all.collect(), factor * (n_classes as f64).sqrt())
                })
                .collect(),
        };
        Self::of_terms(terms, &repeat(sd))
    }

    fn of_terms(mut terms: Terms, sd: &[f64]) -> Self {
        let varies: Vec<bool> = sd.iter().map(|sd| *sd > 0.0).collect();
        terms.combinations.retain(|own| own.iter().all(|(j, _)| varies[*j]));
        terms.norms.iter_mut().for_each(|(columns, _)| columns.retain(|&j| varies[j]));
        terms.norms.retain(|(columns, _)| !columns.is_empty());
        Self { terms, varies }
    }

    /// Its value at coefficients.
    pub(super) fn value(&self, w: &[f64]) -> f64 {
        let Terms { squares, combinations, magnitudes, norms } = &self.terms;
        let along = |own: &Vec<(usize, f64)>| own.iter().map(|(j, factor)| factor * w[*j]).sum::<f64>();
        squares.iter().zip(w).map(|(s, w)| 0.5 * s * w * w).sum::<f64>()
            + combinations.iter().map(|own| 0.5 * along(own).powi(2)).sum::<f64>()
            + magnitudes.iter().zip(w).map(|(s, w)| s * w.abs()).sum::<f64>()
            + norms.iter().map(|(own, s)| s * norm(own.iter().map(|&j| w[j]))).sum::<f64>()
    }

    /// The element that leaves least of `gradient`, that of the mean loss with respect to the coefficients.
    pub(super) fn at(&self, w: &[f64], gradient: &[f64]) -> At {
        let Terms { squares, combinations, magnitudes, norms } = &self.terms;
        let mut element = vec![0.0; w.len()];
        squares.iter().zip(w).zip(&mut element).for_each(|((s, w), own)| *own += s * w);
        let mut more = vec![0.0; w.len()];
        for own in combinations {
            let along: f64 = own.iter().map(|(j, factor)| factor * w[*j]).sum();
            let size: f64 = own.iter().map(|(j, factor)| (factor * w[*j]).abs()).sum();
            for (j, factor) in own {
                element[*j] += factor * along;
                more[*j] += factor.abs() * size;
            }
        }
        let mut is_free = self.varies.clone();
        let left: Vec<f64> = element.iter().zip(gradient).map(|(own, g)| own + g).collect();
        for (j, s) in magnitudes.iter().enumerate() {
            let kink = if w[j] == 0.0 { (-left[j]).clamp(-s, *s) } else { s * w[j].signum() };
            element[j] += kink;
            is_free[j] &= *s == 0.0 || w[j] != 0.0 || (left[j] + kink).abs() > PULL * s;
        }
        for (own, s) in norms {
            let size = norm(own.iter().map(|&j| w[j]));
            let pull = norm(own.iter().map(|&j| left[j]));
            let part = if pull > *s { s / pull } else { 1.0 };
            for &j in own {
                element[j] += if size > 0.0 { s * w[j] / size } else { -part * left[j] };
                is_free[j] &= size > 0.0 || (1.0 - part) * pull > PULL * s;
            }
        }
        let sizes = element.iter().zip(more).map(|(own, more)| own.abs() + more).collect();
        At { element, sizes, is_free }
    }

    /// Adds its curvature to a Hessian with respect to `w_j · unit_j`, coefficient j being row `place(j)`.
    pub(super) fn add_curvature(
        &self,
        hessian: &mut Matrix,
        w: &[f64],
        unit: &[f64],
        place: &dyn Fn(usize) -> usize,
    ) {
        let Terms { squares, combinations, norms, .. } = &self.terms;
        for (j, s) in squares.iter().enumerate().filter(|(j, _)| self.varies[*j]) {
            hessian[(place(j), place(j))] += s / (unit[j] * unit[j]);
        }
        for own in combinations {
            for (i, a) in own {
                for (j, b) in own {
                    hessian[(place(*i), place(*j))] += a * b / (unit[*i] * unit[*j]);
                }
            }
        }
        for (own, s) in norms {
            let size = norm(own.iter().map(|&j| w[j]));
            for &i in own.iter().filter(|_| size > 0.0) {
                for &j in own {
                    let same = f64::from(u8::from(i == j));
                    let value = s / size * (same - w[i] / size * (w[j] / size));
                    hessian[(place(i), place(j))] += value / (unit[i] * unit[j]);
                }
            }
        }
    }
}
