//! Where a fit to labels begins: no effect of any feature and the null model, or coefficients that are near.

use super::course::Course;
use super::fitted::ClassFit;
use super::response::Labelled;
use super::spec::CategoricalSpec;
use crate::design::Scaling;
use crate::glm::certificate::{Reported, read_back};
use crate::math::contrasts::Contrasts;
use crate::math::dense::Matrix;
use crate::solver::Start;
use crate::{Error, Result};

/// Coefficients of all classes of one target to begin with, in the user's units: those of an earlier fit to similar data.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassPoint {
    /// Shape (columns, classes), row after row.
    pub coef: Vec<f64>,
    /// One for each class.
    pub intercept: Vec<f64>,
}

impl From<&ClassFit> for ClassPoint {
    fn from(fit: &ClassFit) -> Self {
        Self { coef: fit.coef.clone(), intercept: fit.intercept.clone() }
    }
}

impl ClassPoint {
    /// Refuses one of other columns or classes.
    pub(super) fn check(&self, n_columns: usize, n_classes: usize) -> Result<()> {
        let (expected, found) = ((n_columns * n_classes, n_classes), (self.coef.len(), self.intercept.len()));
        if expected == found {
            return Ok(());
        }
        let said =
            |(coef, intercepts): (usize, usize)| format!("{coef} coefficients and {intercepts} intercepts");
        let help = "take it from a fit to the same columns and classes";
        Err(Error::argument("start", said(expected), said(found), help))
    }

    /// Moves it by what one point differs from another.
    pub(super) fn move_by(&mut self, own: &Self, other: &Self) {
        let pairs = [
            (&mut self.coef, &own.coef, &other.coef),
            (&mut self.intercept, &own.intercept, &other.intercept),
        ];
        for (to, own, other) in pairs {
            to.iter_mut().zip(own.iter().zip(other)).for_each(|(to, (own, other))| *to += own - other);
        }
    }

    /// Coefficients and intercept of every class.
    fn of_classes(&self) -> Vec<Reported> {
        let n_classes = self.intercept.len();
        let of_class = |class: usize| Reported {
            coef: self.coef.chunks(n_classes).map(|row| row[class]).collect(),
            intercept: self.intercept[class],
        };
        (0..n_classes).map(of_class).collect()
    }
}

impl CategoricalSpec {
    /// Refuses points of other targets, columns or classes.
    pub(super) fn check_start(&self, n_columns: usize, response: &[Labelled]) -> Result<()> {
        let (start, n_targets) = (self.start(), response.len());
        if !start.is_empty() && start.len() != n_targets {
            let expected = format!("{n_targets} targets, or none");
            let help = "give one point for each target";
            return Err(Error::argument("start", expected, start.len().to_string(), help));
        }
        let mut pairs = start.iter().zip(response);
        pairs.try_for_each(|(point, own)| point.check(n_columns, own.classes().len()))
    }
}

impl Course<'_, '_> {
    /// Where the solver begins: no effect of any feature, unless it is given a point, which may mislead it.
    pub(super) fn start(&self) -> Start {
        let p = 1 + self.rank.n_members();
        let value = |(k, _): (usize, usize)| if k % p == 0 { self.without_features.free[k / p] } else { 0.0 };
        let at = Matrix::from_shape_fn((p * self.contrasts.n_free(), 1), value);
        match self.near.and_then(|point| self.parameters(point)) {
            None => at.into(),
            Some(near) => Start { at: near, known: Some((at, vec![self.without_features.loss])) },
        }
    }

    /// A point as parameters, if these are numbers and of the columns themselves: members that are no columns would have to be
    /// found by a regression.
    fn parameters(&self, point: &ClassPoint) -> Option<Matrix> {
        if !self.rank.is_whole(&self.varying) {
            return None;
        }
        let at = parameters(self.plan.scaling(), point, &self.varying, &self.contrasts);
        at.iter().all(|value| value.is_finite()).then_some(at)
    }
}

/// A point as parameters of these columns, centred and scaled, in terms of contrasts: shape (parameters, 1).
pub(super) fn parameters(
    scaling: &Scaling,
    point: &ClassPoint,
    varying: &[usize],
    contrasts: &Contrasts,
) -> Matrix {
    let of_classes: Vec<Vec<f64>> =
        point.of_classes().iter().map(|own| read_back(scaling, own, varying)).collect();
    let p = 1 + varying.len();
    let mut at = Matrix::zeros((p * contrasts.n_free(), 1));
    for j in 0..p {
        let row: Vec<f64> = of_classes.iter().map(|own| own[j]).collect();
        for (a, value) in contrasts.of_free(&row).into_iter().enumerate() {
            at[(a * p + j, 0)] = value;
        }
    }
    at
}
