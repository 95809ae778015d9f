//! Sums and products of bases, for one channel of each of their signals.
//!
//! A sum puts the functions of its parts side by side, a product multiplies every function of one part with every
//! function of the other. Both nest: `(a + b) * c` is what it says, channel by channel. A feature is a product of
//! terms; this is what it is computed by.

use std::ops::{Add, Mul};
use std::sync::Arc;

use ndarray::{Array2, ArrayD, Axis, ShapeBuilder, concatenate};

use super::{Expand, Scale};
use crate::{Error, Result};

/// Bases and what was made of them.
///
/// ```
/// use rheobase::basis::{BSpline, Composition, CyclicBSpline, Range, RaisedCosineLinear};
///
/// let within = |lo, hi| Range::new(lo, hi).map(Into::into);
/// let position = Composition::new(BSpline::new(6)?, within(0.0, 2.0)?);
/// let speed = Composition::new(RaisedCosineLinear::new(4)?, within(0.0, 0.5)?);
/// let theta = Composition::new(CyclicBSpline::new(8)?, within(0.0, 360.0)?);
/// let map = (position + speed) * theta;
/// assert_eq!((map.n_inputs(), map.n_functions()), (3, (6 + 4) * 8));
/// let grid = map.evaluate_on_grid(&[21, 11, 37])?;
/// assert_eq!(grid.values.shape(), [21, 11, 37, 80]);
/// # Ok::<(), rheobase::Error>(())
/// ```
#[derive(Clone, Debug)]
pub enum Composition {
    /// One basis of one signal.
    Basis {
        /// The basis.
        basis: Arc<dyn Expand>,
        /// What takes the samples to it.
        scale: Scale,
        /// What its functions are at a sample outside the range; unknown (NaN) without it.
        fill: Option<f64>,
    },
    /// So many columns that are there already: each is an input and a function.
    Columns(usize),
    /// The functions of the parts side by side.
    Sum(Vec<Self>),
    /// Products of functions: of `a * b`, column `i B_b + j` is `a_i b_j`, the second factor running fastest.
    Product(Vec<Self>),
}

/// Values over all combinations of points of several axes.
#[derive(Clone, Debug, PartialEq)]
pub struct GridValues {
    /// The points of each axis.
    pub axes: Vec<Vec<f64>>,
    /// The functions, shape (points of the first axis, of the second, .., functions).
    pub values: ArrayD<f64>,
}

impl Composition {
    /// A basis of one signal, unknown outside its range.
    pub fn new(basis: impl Expand + 'static, scale: Scale) -> Self {
        Self::Basis { basis: Arc::new(basis), scale, fill: None }
    }

    /// The sum of `n` of the same, each of signals of its own.
    ///
    /// # Errors
    /// [`Error::Argument`] if `n` is 0.
    pub fn repeated(&self, n: usize) -> Result<Self> {
        self.copies(n).map(Self::Sum)
    }

    /// The product of `n` of the same, each of signals of its own.
    ///
    /// # Errors
    /// [`Error::Argument`] if `n` is 0.
    pub fn power(&self, n: usize) -> Result<Self> {
        self.copies(n).map(Self::Product)
    }

    fn copies(&self, n: usize) -> Result<Vec<Self>> {
        if n == 0 {
            let help = "repeat a basis at least once; Zero has no functions";
            return Err(Error::argument("copies of a basis", "1 or more", "0", help));
        }
        Ok(vec![self.clone(); n])
    }

    /// Signals that it takes, one for each basis and column.
    pub fn n_inputs(&self) -> usize {
        match self {
            Self::Basis { .. } => 1,
            Self::Columns(n) => *n,
            Self::Sum(parts) | Self::Product(parts) => parts.iter().map(Self::n_inputs).sum(),
        }
    }

    /// How many functions there are.
    pub fn n_functions(&self) -> usize {
        match self {
            Self::Basis { basis, .. } => basis.n_functions(),
            Self::Columns(n) => *n,
            Self::Sum(parts) => parts.iter().map(Self::n_functions).sum(),
            Self::Product(parts) => parts.iter().map(Self::n_functions).product(),
        }
    }

    /// Every function at samples of its signals, which come in the order of the bases: shape (samples, functions).
    ///
    /// A NaN makes the functions of its basis NaN, and so every product with them.
    ///
    /// # Errors
    /// [`Error::Length`] for another number of signals or signals of different lengths, and whatever a basis returns.
    pub fn evaluate(&self, inputs: &[&[f64]]) -> Result<Array2<f64>> {
        let n_samples = inputs.first().map_or(0, |input| input.len());
        let lengths = inputs.iter().map(|input| (n_samples, input.len()));
        for (expected, found) in [(self.n_inputs(), inputs.len())].into_iter().chain(lengths) {
            if expected != found {
                return Err(Error::Length { what: "signals of a composition".into(), expected, found });
            }
        }
        self.functions(n_samples, inputs)
    }

    fn functions(&self, n_samples: usize, inputs: &[&[f64]]) -> Result<Array2<f64>> {
        let mut out = Array2::zeros((n_samples, self.n_functions()).f());
        match self {
            Self::Basis { basis, scale, fill } => {
                basis.evaluate(scale, inputs[0], &mut out)?;
                let is_outside = |x: f64| basis.domain().is_outside(scale, x);
                let outside = out.rows_mut().into_iter().zip(inputs[0]).filter(|(_, x)| is_outside(**x));
                outside.for_each(|(mut row, _)| row.fill(fill.unwrap_or(f64::NAN)));
            }
            Self::Columns(_) => {
                for (mut column, input) in out.columns_mut().into_iter().zip(inputs) {
                    column.iter_mut().zip(*input).for_each(|(out, &x)| *out = x);
                }
            }
            Self::Sum(_) => {
                let parts = self.parts(n_samples, inputs)?;
                let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
                if let Ok(together) = concatenate(Axis(1), &views) {
                    out.assign(&together);
                }
            }
            Self::Product(_) => {
                let parts = self.parts(n_samples, inputs)?;
                out = parts.into_iter().reduce(|a, b| row_products(&a, &b)).unwrap_or(out);
            }
        }
        Ok(out)
    }

    /// The functions of each part of a sum or product.
    fn parts(&self, n_samples: usize, mut inputs: &[&[f64]]) -> Result<Vec<Array2<f64>>> {
        let (Self::Sum(parts) | Self::Product(parts)) = self else { return Ok(Vec::new()) };
        let own = |part: &Self| {
            let (first, rest) = inputs.split_at(part.n_inputs());
            inputs = rest;
            part.functions(n_samples, first)
        };
        parts.iter().map(own).collect()
    }

    /// Whether its functions are known at sample number `t` of its signals.
    pub(crate) fn is_known(&self, t: usize, inputs: &[Vec<f64>]) -> bool {
        match self {
            Self::Basis { basis, scale, fill } => match fill {
                Some(_) if basis.domain().is_outside(scale, inputs[0][t]) => true,
                _ => inputs[0][t].is_finite() && !basis.domain().is_outside(scale, inputs[0][t]),
            },
            Self::Columns(_) => inputs.iter().all(|input| input[t].is_finite()),
            Self::Sum(parts) | Self::Product(parts) => {
                let mut first = 0;
                parts.iter().all(|part| {
                    let own = first..first + part.n_inputs();
                    first = own.end;
                    part.is_known(t, &inputs[own])
                })
            }
        }
    }

    /// Every function at all combinations of `n_points[d]` equally spaced points of signal d, from end to end of its
    /// range, of [0, 1] without one. The last signal runs fastest (matrix order).
    ///
    /// # Errors
    /// [`Error::Length`] unless there is one number per signal, [`Error::Argument`] for no points, and whatever a basis
    /// returns.
    ///
    /// # Source
    /// `evaluate_on_grid` of `NeMoS`.
    pub fn evaluate_on_grid(&self, n_points: &[usize]) -> Result<GridValues> {
        let mut ends = Vec::new();
        self.ends(&mut ends);
        if ends.len() != n_points.len() {
            let what = "numbers of points of a grid".into();
            return Err(Error::Length { what, expected: ends.len(), found: n_points.len() });
        }
        if n_points.is_empty() || n_points.contains(&0) {
            let help = "give at least one point for every signal";
            return Err(Error::argument("points of a grid", "1 or more", format!("{n_points:?}"), help));
        }
        let axis = |(&n, [lo, hi]): (&usize, [f64; 2])| -> Vec<f64> {
            // weighted so that both ends are those of the range, to the bit
            let share = |k: usize| k as f64 / (n - 1).max(1) as f64;
            (0..n).map(|k| (1.0 - share(k)) * lo + share(k) * hi).collect()
        };
        let axes: Vec<Vec<f64>> = n_points.iter().zip(ends).map(axis).collect();
        let n_all: usize = n_points.iter().product();
        let mut every = n_all;
        let mesh: Vec<Vec<f64>> = axes
            .iter()
            .map(|axis| {
                every /= axis.len();
                (0..n_all).map(|point| axis[point / every % axis.len()]).collect()
            })
            .collect();
        let inputs: Vec<&[f64]> = mesh.iter().map(Vec::as_slice).collect();
        let values = self.evaluate(&inputs)?;
        let shape = [n_points, &[self.n_functions()]].concat();
        let in_rows: Vec<f64> = values.iter().copied().collect();
        match ArrayD::from_shape_vec(shape, in_rows) {
            Ok(values) => Ok(GridValues { axes, values }),
            Err(_) => {
                let (expected, found) = (n_all * self.n_functions(), values.len());
                Err(Error::Length { what: "values on a grid".into(), expected, found })
            }
        }
    }

    /// Ends of the axis of every signal.
    fn ends(&self, all: &mut Vec<[f64; 2]>) {
        match self {
            Self::Basis { scale, .. } => {
                all.push(scale.range().map_or([0.0, 1.0], |range| [range.lo(), range.hi()]));
            }
            Self::Columns(n) => all.extend(std::iter::repeat_n([0.0, 1.0], *n)),
            Self::Sum(parts) | Self::Product(parts) => parts.iter().for_each(|part| part.ends(all)),
        }
    }
}

/// Row by row all products of a value of `a` and one of `b`, those of `b` running fastest.
fn row_products(a: &Array2<f64>, b: &Array2<f64>) -> Array2<f64> {
    let mut out = Array2::zeros((a.nrows(), a.ncols() * b.ncols()).f());
    let pairs = a.columns().into_iter().flat_map(|a| b.columns().into_iter().map(move |b| (a, b)));
    for (mut out, (a, b)) in out.columns_mut().into_iter().zip(pairs) {
        out.iter_mut().zip(a.iter().zip(b)).for_each(|(out, (a, b))| *out = a * b);
    }
    out
}

impl Add for Composition {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::Sum(vec![self, other])
    }
}

impl Mul for Composition {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self::Product(vec![self, other])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::basis::{BSpline, Custom, Identity, RaisedCosineLinear, Range, Zero};

    fn identity() -> Composition {
        Composition::new(Identity {}, Scale::unbounded())
    }

    fn powers(n: i32) -> Composition {
        let power = |k: i32| Arc::new(move |x: f64| x.powi(k)) as crate::basis::Function;
        Composition::new(Custom::new((1..=n).map(power).collect()).unwrap(), Scale::unbounded())
    }

    #[test]
    fn the_second_factor_runs_fastest_and_sums_lie_side_by_side() {
        let product = powers(2) * (identity() + powers(2));
        assert_eq!((product.n_inputs(), product.n_functions()), (3, 6));
        let values = product.evaluate(&[&[2.0], &[5.0], &[3.0]]).unwrap();
        assert_eq!(values.row(0).to_vec(), [10.0, 6.0, 18.0, 20.0, 12.0, 36.0]);
        assert!(product.evaluate(&[&[2.0], &[5.0]]).is_err());
        assert!(product.evaluate(&[&[2.0], &[5.0], &[]]).is_err());
    }

    #[test]
    fn copies_have_signals_of_their_own() {
        let (sum, product) = (powers(2).repeated(2).unwrap(), powers(2).power(3).unwrap());
        assert_eq!((sum.n_inputs(), sum.n_functions()), (2, 4));
        assert_eq!((product.n_inputs(), product.n_functions()), (3, 8));
        let sum = sum.evaluate(&[&[2.0], &[3.0]]).unwrap();
        assert_eq!(sum.row(0).to_vec(), [2.0, 4.0, 3.0, 9.0]);
        let product = product.evaluate(&[&[2.0], &[3.0], &[5.0]]).unwrap();
        assert_eq!((product[[0, 1]], product[[0, 6]]), (2.0 * 3.0 * 25.0, 4.0 * 9.0 * 5.0));
        assert!(powers(2).repeated(0).is_err() && powers(2).power(0).is_err());
    }

    #[test]
    fn zero_adds_nothing_and_leaves_nothing_of_a_product() {
        let zero = || Composition::new(Zero, Scale::unbounded());
        let sum = (zero() + powers(2)).evaluate(&[&[1.0], &[3.0]]).unwrap();
        assert_eq!(sum.row(0).to_vec(), [3.0, 9.0]);
        assert_eq!((powers(2) * zero()).evaluate(&[&[1.0], &[3.0]]).unwrap().dim(), (1, 0));
    }

    #[test]
    fn samples_outside_are_unknown_or_filled() {
        let scale = || Scale::from(Range::new(0.0, 1.0).unwrap());
        let unknown = Composition::new(RaisedCosineLinear::new(2).unwrap(), scale());
        let basis = Arc::new(RaisedCosineLinear::new(2).unwrap());
        let filled = Composition::Basis { basis, scale: scale(), fill: Some(-1.0) };
        let x = [2.0, f64::NAN, 0.0];
        let of = |composition: &Composition| composition.evaluate(&[&x]).unwrap().column(0).to_vec();
        assert!(of(&unknown)[0].is_nan() && of(&unknown)[1].is_nan() && of(&unknown)[2] == 1.0);
        assert!(of(&filled)[0] == -1.0 && of(&filled)[1].is_nan() && of(&filled)[2] == 1.0);
        let known = |composition: &Composition| [0, 1, 2].map(|t| composition.is_known(t, &[x.to_vec()]));
        assert_eq!((known(&unknown), known(&filled)), ([false, false, true], [true, false, true]));
    }

    #[test]
    fn a_grid_is_in_matrix_order() {
        let axis = |lo, hi| Composition::new(Identity {}, Range::new(lo, hi).unwrap().into());
        let grid = (axis(2.0, 4.0) + axis(0.0, 3.0)).evaluate_on_grid(&[3, 4]).unwrap();
        assert_eq!(grid.axes, [vec![2.0, 3.0, 4.0], vec![0.0, 1.0, 2.0, 3.0]]);
        assert_eq!(grid.values.shape(), [3, 4, 2]);
        assert_eq!((grid.values[[1, 3, 0]], grid.values[[1, 3, 1]]), (3.0, 3.0));
        let spline = Composition::new(BSpline::new(4).unwrap(), Scale::unbounded());
        assert_eq!(spline.evaluate_on_grid(&[1]).unwrap().axes, [[0.0]]);
        assert!(spline.evaluate_on_grid(&[0]).is_err() && spline.evaluate_on_grid(&[2, 2]).is_err());
    }
}
