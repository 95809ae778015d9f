//! What a pass does to its rows, recorded once: the same for every run of rows.

use super::array::{Array, Width};
use crate::backend::{Beside, Into, Model};

/// Products that are added to constants, one per target.
#[derive(Debug, Default)]
pub(super) struct Forward {
    pub(super) constants: Vec<f64>,
    /// Matrices and coefficients, target after target.
    pub(super) products: Vec<(Array, Array)>,
}

/// How linear predictors become residuals.
#[derive(Debug)]
pub(super) struct Pointwise {
    pub(super) model: Model,
    pub(super) y: Array,
    pub(super) beside: Beside,
}

/// A Gram of a matrix, added to sums.
#[derive(Debug)]
pub(super) struct Gram {
    /// The matrix; none stands for the columns that were put side by side.
    pub(super) x: Option<Array>,
    pub(super) flat: bool,
    pub(super) sums: usize,
}

impl Gram {
    /// The columns that are multiplied.
    pub(super) fn width(&self, program: &Program) -> Width {
        let end = |(x, first): &(Array, usize)| first + x.n_columns();
        match &self.x {
            Some(x) => Width::of(x),
            None => Width::design(program.columns.iter().map(end).max().unwrap_or(0)),
        }
    }
}

/// What a pass does, in this order.
#[derive(Debug, Default)]
pub struct Program {
    pub(super) eta: Option<Forward>,
    pub(super) direction: Option<Forward>,
    pub(super) pointwise: Option<Pointwise>,
    /// Matrices and the sums that their products with the residuals are added to.
    pub(super) backward: Vec<(Array, usize)>,
    /// Matrices side by side and the columns where they begin, where a Gram is of several.
    pub(super) columns: Vec<(Array, usize)>,
    pub(super) gram: Option<Gram>,
}

impl Program {
    pub(super) fn start(&mut self, into: Into, constants: &[f64]) {
        let forward = Forward { constants: constants.to_vec(), products: Vec::new() };
        *self.forward(into) = Some(forward);
    }

    pub(super) fn add_product(&mut self, x: &Array, coef: &Array, into: Into) {
        if x.n_columns() > 0 {
            let forward = self.forward(into).get_or_insert_default();
            forward.products.push((x.clone(), coef.clone()));
        }
    }

    pub(super) fn add_backward(&mut self, x: &Array, sums: usize) {
        if x.n_columns() > 0 {
            self.backward.push((x.clone(), sums));
        }
    }

    pub(super) fn add_pointwise(&mut self, model: Model, y: &Array, beside: Beside) {
        self.pointwise = Some(Pointwise { model, y: y.clone(), beside });
    }

    pub(super) fn add_columns(&mut self, x: &Array, first: usize) {
        self.columns.push((x.clone(), first));
    }

    pub(super) fn add_gram(&mut self, x: Option<&Array>, flat: bool, sums: usize) {
        self.gram = Some(Gram { x: x.cloned(), flat, sums });
    }

    fn forward(&mut self, into: Into) -> &mut Option<Forward> {
        match into {
            Into::Eta => &mut self.eta,
            Into::Direction => &mut self.direction,
        }
    }

    /// All matrices.
    pub(super) fn arrays(&self) -> impl Iterator<Item = &Array> {
        let products = self.eta.iter().chain(&self.direction).flat_map(|forward| &forward.products);
        let y = self.pointwise.iter().map(|pointwise| &pointwise.y);
        products
            .map(|(x, _)| x)
            .chain(y)
            .chain(self.backward.iter().map(|(x, _)| x))
            .chain(self.columns.iter().map(|(x, _)| x))
            .chain(self.gram.iter().filter_map(|gram| gram.x.as_ref()))
    }
}
