//! Simulated counts of a population whose units drive one another: what a fitted model would do on its own.
//!
//! Bins go one after the other, because each draws on the counts of those before. A unit that fires adds its filters to
//! what the others will see in the bins that follow, so that the work is that of the spikes, not of all pairs in every bin.

use ndarray::{Array2, Array3, ArrayView2, ArrayView3, Axis};
use rand::Rng;
use rand_distr::{Distribution, Poisson};

use crate::inverse_link::InverseLink;
use crate::inverse_link::InvertLink;
use crate::math::elementary::Standard;
use crate::math::radius::spectral_radius;
use crate::{Error, Result};

/// The filters between units, prepared for any number of simulations.
#[derive(Clone, Debug, PartialEq)]
pub struct CoupledFilters {
    /// `h`: shape (sending units, lags, receiving units), so that what a spike does in a bin lies side by side.
    values: Array3<f64>,
}

impl CoupledFilters {
    /// `h_ij[k] = sum_b c_ijb basis[k, b]`: the coupling `c` has the shape (receiving units, sending units, functions), the basis
    /// (lags, functions); row 0 of it weighs the bin before.
    ///
    /// # Errors
    /// [`Error::Length`] for shapes that do not go together, [`Error::NonFinite`] for numbers that are not finite.
    pub fn new(coupling: ArrayView3<f64>, basis: ArrayView2<f64>) -> Result<Self> {
        let n_functions = coupling.dim().2;
        if basis.ncols() != n_functions {
            let (what, expected) = ("functions of the coupling".into(), basis.ncols());
            return Err(Error::Length { what, expected, found: n_functions });
        }
        finite("basis", basis)?;
        let (receivers, senders, _) = coupling.dim();
        let value = |(sender, lag, receiver): (usize, usize, usize)| -> f64 {
            (0..n_functions).map(|b| coupling[(receiver, sender, b)] * basis[(lag, b)]).sum()
        };
        finite_entries(coupling)?;
        Self::checked(Array3::from_shape_fn((senders, basis.nrows(), receivers), value))
    }

    /// Filters that are given lag by lag: shape (receiving units, sending units, lags), lag 0 the bin before.
    ///
    /// # Errors
    /// As [`CoupledFilters::new`].
    pub fn of_lags(filters: ArrayView3<f64>) -> Result<Self> {
        finite_entries(filters)?;
        Self::checked(filters.permuted_axes([1, 2, 0]).as_standard_layout().into_owned())
    }

    /// How many bins a spike acts on.
    pub fn n_lags(&self) -> usize {
        self.values.dim().1
    }

    fn checked(values: Array3<f64>) -> Result<Self> {
        let (found, _, expected) = values.dim();
        if found != expected {
            return Err(Error::Length { what: "sending units of the coupling".into(), expected, found });
        }
        Ok(Self { values })
    }
}

/// A population: with `y_j` the counts of unit j,
/// `mu_i[t] = g(b_i + f_i[t] + sum_j sum_k h_ij[k] y_j[t - 1 - k])`.
#[derive(Clone, Debug)]
pub struct CoupledPopulation<'a> {
    /// `h`.
    pub filters: &'a CoupledFilters,
    /// `b`, one per unit.
    pub intercepts: &'a [f64],
    /// `f`: what drives the units from outside, shape (bins, units).
    pub drive: ArrayView2<'a, f64>,
    /// Counts of the bins before the first, the last of them in the last row, shape (lags, units).
    pub before: ArrayView2<'a, f64>,
    /// `g`.
    pub inverse_link: InverseLink,
    /// Largest expected count of a bin: what would be more is this, and is counted; infinity for responses that are not counts.
    pub most_expected: f64,
}

/// What was simulated.
#[derive(Clone, Debug, PartialEq)]
pub struct CoupledCounts {
    /// Counts, shape (bins, units).
    pub counts: Array2<f64>,
    /// Expected counts, shape (bins, units); NaN where the count was given, and where the model has none.
    pub expected: Array2<f64>,
    /// Bins and units whose expected count was held at the largest: more than none is a sign that the population does not
    /// come to rest, whatever its growth.
    pub n_held: usize,
    /// Bins and units whose expected count was no number: their count is NaN, and acts on nothing.
    pub n_undrawn: usize,
}

impl CoupledPopulation<'_> {
    /// The largest bound that expected counts may have.
    pub const LARGEST_EXPECTED: f64 = 1e6;

    /// Simulates all bins with Poisson counts.
    ///
    /// # Errors
    /// [`Error::Length`] for shapes that do not go together, [`Error::NonFinite`] for numbers that are not finite,
    /// [`Error::Argument`] for a largest count that is not above 0, or has no bound.
    ///
    /// # Source
    /// `simulate_recurrent` in `NeMoS`, for what is aligned with what.
    pub fn simulate(&self, random: &mut impl Rng) -> Result<CoupledCounts> {
        if self.most_expected == f64::INFINITY {
            let help = "counts need a bound: try 10";
            return Err(Error::argument(
                "largest expected count",
                "a number above 0, at most 1e6",
                "infinity",
                help,
            ));
        }
        self.simulate_with(None, |_, mean| poisson(mean, random))
    }

    /// Simulates all bins, or those in which `given`, shape (bins, units), is NaN: other counts are taken as they are given,
    /// and act on the bins after them as drawn ones do. `draw` makes a count of a unit and its expected count, in the order of
    /// the bins, in a bin in that of the units; a count that is not finite acts on nothing.
    ///
    /// # Errors
    /// As [`CoupledPopulation::simulate`], and [`Error::Length`] for `given` of another shape than the drive.
    pub fn simulate_with(
        &self,
        given: Option<ArrayView2<f64>>,
        mut draw: impl FnMut(usize, f64) -> f64,
    ) -> Result<CoupledCounts> {
        self.check()?;
        let (n_bins, n) = self.drive.dim();
        if let Some(given) = given.filter(|given| given.dim() != (n_bins, n)) {
            let (what, found) = ("bins times units of given counts".into(), given.len());
            return Err(Error::Length { what, expected: n_bins * n, found });
        }
        let (window, filters) = (self.filters.n_lags(), &self.filters.values);
        // what earlier counts add to the linear predictors, bin after bin
        let mut effects = Array2::<f64>::zeros((n_bins, n));
        for (row, counts) in self.before.rows().into_iter().enumerate() {
            // the last row is one bin before bin 0
            let lead = window - row;
            for (sender, &count) in counts.iter().enumerate() {
                send(&mut effects, filters.index_axis(Axis(0), sender), (0, lead - 1), count);
            }
        }
        let (mut counts, mut expected) = (Array2::zeros((n_bins, n)), Array2::zeros((n_bins, n)));
        let (mut n_held, mut n_undrawn) = (0, 0);
        for bin in 0..n_bins {
            for unit in 0..n {
                let known = given.map_or(f64::NAN, |given| given[(bin, unit)]);
                if !known.is_nan() {
                    (counts[(bin, unit)], expected[(bin, unit)]) = (known, f64::NAN);
                    continue;
                }
                let eta = self.intercepts[unit] + self.drive[(bin, unit)] + effects[(bin, unit)];
                let mean = self.inverse_link.mean(eta, Standard).mu;
                // an infinite mean has a bound to be held at, or says nothing
                if mean.is_nan() || mean.min(self.most_expected) == f64::INFINITY {
                    n_undrawn += 1;
                    (counts[(bin, unit)], expected[(bin, unit)]) = (f64::NAN, f64::NAN);
                    continue;
                }
                n_held += usize::from(mean > self.most_expected);
                let mean = mean.min(self.most_expected);
                expected[(bin, unit)] = mean;
                counts[(bin, unit)] = draw(unit, mean);
            }
            for unit in 0..n {
                let count: f64 = counts[(bin, unit)];
                send(&mut effects, filters.index_axis(Axis(0), unit), (bin + 1, 0), count);
            }
        }
        Ok(CoupledCounts { counts, expected, n_held, n_undrawn })
    }

    /// The largest growth of a small disturbance from one generation of spikes to the next, where units expect `expected` counts
    /// per bin: the spectral radius of `|d mu_i / d eta| · sum_k |h_ij[k]|`. Above 1 the population may run away; below 1 small
    /// disturbances of these means die out. A large one may not where the inverse link is steeper further up, as the exponential is.
    ///
    /// # Errors
    /// As [`CoupledPopulation::simulate`].
    pub fn growth(&self, expected: &[f64]) -> Result<f64> {
        self.radius(expected, f64::abs)
    }

    /// The same of excitation alone: the spectral radius of `sum_k max(d mu_i / d eta · h_ij[k], 0)`. What a spike takes away,
    /// such as the silence after it, lets no population run away; above 1 what it adds may. Below 1 small disturbances of the
    /// means die out, see [`CoupledPopulation::growth`].
    ///
    /// # Errors
    /// As [`CoupledPopulation::simulate`].
    ///
    /// # Source
    /// Costa, Graham, Marsalle and Tran, "Renewal in Hawkes processes with self-excitation and inhibition", Adv. Appl. Probab. 52
    /// (2020): with an integral of the positive part below 1 the process is stable, whatever inhibits it. That is of rates that
    /// are linear above 0; of another inverse link it holds near the means at which the slopes were taken.
    pub fn excitatory_growth(&self, expected: &[f64]) -> Result<f64> {
        self.radius(expected, |effect| effect.max(0.0))
    }

    /// The spectral radius of the sums over the lags of what `part` makes of `d mu_i / d eta · h_ij[k]`.
    fn radius(&self, expected: &[f64], part: fn(f64) -> f64) -> Result<f64> {
        self.check()?;
        let n = self.intercepts.len();
        if expected.len() != n {
            return Err(Error::Length { what: "expected counts".into(), expected: n, found: expected.len() });
        }
        let slope = |unit: usize| {
            let eta = self.inverse_link.link(expected[unit]);
            self.inverse_link.mean(eta, Standard).slope
        };
        let slopes: Vec<f64> = (0..n).map(slope).collect();
        let mut gains = Array2::<f64>::zeros((n, n));
        for ((sender, _, receiver), h) in self.filters.values.indexed_iter() {
            gains[(receiver, sender)] += part(slopes[receiver] * h);
        }
        Ok(spectral_radius(&gains))
    }

    fn check(&self) -> Result<()> {
        let n = self.intercepts.len();
        let lengths = [
            ("units of the coupling", n, self.filters.values.dim().0),
            ("units of the drive", n, self.drive.ncols()),
            ("units of the counts before", n, self.before.ncols()),
            ("bins of the counts before", self.filters.n_lags(), self.before.nrows()),
        ];
        if let Some((what, expected, found)) =
            lengths.into_iter().find(|(_, expected, found)| expected != found)
        {
            return Err(Error::Length { what: what.into(), expected, found });
        }
        // no bound at all is what responses have that are no counts
        if !(f64::MIN_POSITIVE..=Self::LARGEST_EXPECTED).contains(&self.most_expected)
            && self.most_expected != f64::INFINITY
        {
            let found = self.most_expected.to_string();
            return Err(Error::argument(
                "largest expected count",
                "a number above 0, at most 1e6, or infinity",
                found,
                "try 10",
            ));
        }
        finite("drive", self.drive)?;
        finite("counts before", self.before)?;
        match self.intercepts.iter().position(|value| !value.is_finite()) {
            Some(row) => {
                let value = self.intercepts[row];
                Err(Error::NonFinite { what: "intercepts".into(), row, column: 0, value })
            }
            None => Ok(()),
        }
    }
}

/// A Poisson count.
pub(super) fn poisson(mean: f64, random: &mut impl Rng) -> f64 {
    if mean > 0.0 { Poisson::new(mean).map_or(0.0, |law| law.sample(random)) } else { 0.0 }
}

/// Adds the filters of a unit that fired, shape (lags, receivers), to the effects from bin `first` on, their first `skipped` lags
/// left out.
fn send(effects: &mut Array2<f64>, filters: ArrayView2<f64>, (first, skipped): (usize, usize), count: f64) {
    if count == 0.0 || !count.is_finite() {
        return;
    }
    let seen = filters.rows().into_iter().skip(skipped);
    for (mut bin, effect) in effects.rows_mut().into_iter().skip(first).zip(seen) {
        bin.scaled_add(count, &effect);
    }
}

fn finite(what: &str, table: ArrayView2<f64>) -> Result<()> {
    match table.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((row, column), &value)) => Err(Error::NonFinite { what: what.into(), row, column, value }),
        None => Ok(()),
    }
}

fn finite_entries(coupling: ArrayView3<f64>) -> Result<()> {
    match coupling.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((row, column, _), &value)) => {
            Err(Error::NonFinite { what: "coupling".into(), row, column, value })
        }
        None => Ok(()),
    }
}
