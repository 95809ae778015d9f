//! What a pass does to its rows, recorded once: the same for every run of rows.

use super::array::{Array, Made, Width};
use super::convolution::Signals;
use crate::backend::{Beside, Cast, Into, Model, Observed};
use crate::math::contrasts::Contrasts;

/// Products that are added to constants, one per target.
#[derive(Debug, Default)]
pub(super) struct Forward<'a> {
    pub(super) constants: Vec<f64>,
    /// Matrices and coefficients, target after target.
    pub(super) products: Vec<(Array<'a>, Array<'static>)>,
    /// Channels and their filters, followed by a constant that is subtracted.
    pub(super) convolutions: Vec<(Signals, Array<'static>)>,
}

impl Forward<'_> {
    /// Where the linear predictor of a target begins that is alone.
    pub(super) fn constant(&self) -> f64 {
        let shift =
            |(_, filters): &(Signals, Array<'static>)| filters.as_numbers().last().copied().unwrap_or(0.0);
        self.constants[0] - self.convolutions.iter().map(shift).sum::<f64>()
    }
}

/// How linear predictors become residuals.
#[derive(Debug)]
pub(super) struct Pointwise<'a> {
    pub(super) model: Model,
    pub(super) y: Array<'a>,
    pub(super) weights: Option<Array<'a>>,
    pub(super) cast: Cast,
    pub(super) beside: Beside,
}

/// How predictors of classes become residuals.
#[derive(Debug)]
pub(super) struct PointwiseClasses<'a> {
    pub(super) contrasts: Contrasts,
    pub(super) y: Array<'a>,
    pub(super) weights: Option<Array<'a>>,
    pub(super) with_magnitudes: bool,
}

/// A Gram of a matrix, added to sums.
#[derive(Debug)]
pub(super) struct Gram<'a> {
    /// The matrix; none stands for the columns that were put side by side.
    pub(super) x: Option<Array<'a>>,
    pub(super) flat: bool,
    pub(super) sums: usize,
}

impl Gram<'_> {
    /// The columns that are multiplied.
    pub(super) fn width(&self, program: &Program) -> Width {
        let ends = program.columns.iter().map(|(x, first)| first + x.n_columns());
        match &self.x {
            Some(x) => Width::of(x),
            None => Width::design(ends.max().unwrap_or(0)),
        }
    }
}

/// What a pass does, in this order.
#[derive(Debug, Default)]
pub struct Program<'a> {
    pub(super) eta: Option<Forward<'a>>,
    pub(super) direction: Option<Forward<'a>>,
    pub(super) pointwise: Option<Pointwise<'a>>,
    /// Matrices and the sums that their products with the residuals are added to.
    pub(super) backward: Vec<(Array<'a>, usize)>,
    /// Channels and the sums that those of their lags are added to.
    pub(super) correlations: Vec<(Signals, usize)>,
    /// Matrices side by side and the columns where they begin, where a Gram is of several.
    pub(super) columns: Vec<(Array<'a>, usize)>,
    pub(super) gram: Option<Gram<'a>>,
    /// In the place of the pointwise stage.
    pub(super) classes: Option<PointwiseClasses<'a>>,
    /// Weights that no Gram has taken yet.
    pair: Option<(usize, usize)>,
    /// Grams of pairs of classes.
    pub(super) class_grams: Vec<((usize, usize), Gram<'a>)>,
}

impl<'a> Program<'a> {
    pub(super) fn start(&mut self, into: Into, constants: &[f64]) {
        let forward = Forward { constants: constants.to_vec(), ..Forward::default() };
        *self.forward(into) = Some(forward);
    }

    pub(super) fn add_product(&mut self, x: &Array<'a>, coef: &Array<'static>, into: Into) {
        if x.n_columns() > 0 {
            let forward = self.forward(into).get_or_insert_default();
            forward.products.push((x.clone(), coef.clone()));
        }
    }

    pub(super) fn add_backward(&mut self, x: &Array<'a>, sums: usize) {
        if x.n_columns() > 0 {
            self.backward.push((x.clone(), sums));
        }
    }

    pub(super) fn add_convolution(&mut self, x: &Signals, filters: &Array<'static>, into: Into) {
        let forward = self.forward(into).get_or_insert_default();
        forward.convolutions.push((x.clone(), filters.clone()));
    }

    pub(super) fn add_correlation(&mut self, x: &Signals, sums: usize) {
        self.correlations.push((x.clone(), sums));
    }

    pub(super) fn add_pointwise(&mut self, model: Model, observed: Observed<Array<'a>>, beside: Beside) {
        let (y, weights) = (observed.y.clone(), observed.weights.cloned());
        self.pointwise = Some(Pointwise { model, y, weights, cast: observed.cast, beside });
    }

    pub(super) fn add_columns(&mut self, x: &Array<'a>, first: usize) {
        self.columns.push((x.clone(), first));
    }

    pub(super) fn add_gram(&mut self, x: Option<&Array<'a>>, flat: bool, sums: usize) {
        let gram = Gram { x: x.cloned(), flat, sums };
        match self.pair.take() {
            Some(pair) if !flat => self.class_grams.push((pair, gram)),
            _ => self.gram = Some(gram),
        }
    }

    pub(super) fn add_classes(
        &mut self,
        contrasts: &Contrasts,
        observed: Observed<Array<'a>>,
        with_magnitudes: bool,
    ) {
        let (contrasts, y) = (contrasts.clone(), observed.y.clone());
        let weights = observed.weights.cloned();
        self.classes = Some(PointwiseClasses { contrasts, y, weights, with_magnitudes });
    }

    pub(super) fn add_class_weights(&mut self, classes: (usize, usize)) {
        self.pair = Some(classes);
    }

    /// All Grams.
    pub(super) fn grams(&self) -> impl Iterator<Item = &Gram<'a>> {
        self.gram.iter().chain(self.class_grams.iter().map(|(_, gram)| gram))
    }

    fn forward(&mut self, into: Into) -> &mut Option<Forward<'a>> {
        match into {
            Into::Eta => &mut self.eta,
            Into::Direction => &mut self.direction,
        }
    }

    /// All matrices.
    pub(super) fn arrays(&self) -> impl Iterator<Item = &Array<'a>> {
        let products = self.eta.iter().chain(&self.direction).flat_map(|forward| &forward.products);
        let of_classes =
            self.classes.iter().flat_map(|classes| std::iter::once(&classes.y).chain(&classes.weights));
        let y = self.pointwise.iter().flat_map(|point| std::iter::once(&point.y).chain(&point.weights));
        let y = y.chain(of_classes);
        products
            .map(|(x, _)| x)
            .chain(y)
            .chain(self.backward.iter().map(|(x, _)| x))
            .chain(self.columns.iter().map(|(x, _)| x))
            .chain(self.grams().filter_map(|gram| gram.x.as_ref()))
    }

    /// Operations for a row of channels, about.
    pub(super) fn channel_flop(&self) -> f64 {
        let lags = self.signals().map(|x| (x.n_channels() * x.n_taps()) as f64);
        let built = self.arrays().filter_map(Array::made).map(|made| match made {
            Made::Features(built) => built.flop(),
            Made::Sent(_) => 0.0,
        });
        2.0 * lags.sum::<f64>() + built.sum::<f64>()
    }

    /// All channels.
    pub(super) fn signals(&self) -> impl Iterator<Item = &Signals> {
        let convolved = self.eta.iter().chain(&self.direction).flat_map(|forward| &forward.convolutions);
        convolved.map(|(x, _)| x).chain(self.correlations.iter().map(|(x, _)| x))
    }
}
