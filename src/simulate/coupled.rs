//! Simulated counts of a population whose units drive one another: what a fitted model would do on its own.
//!
//! Bins go one after the other, because each draws on the counts of those before. A unit that fires adds its filters to
//! what the others will see in the bins that follow, so that the work is that of the spikes, not of all pairs in every bin.

use ndarray::{Array2, ArrayView2, ArrayView3};
use rand::Rng;
use rand_distr::{Distribution, Poisson};

use crate::inverse_link::InverseLink;
use crate::inverse_link::InvertLink;
use crate::math::elementary::Standard;
use crate::{Error, Result};

/// Rounds in which the growth is found.
const POWERS: usize = 1000;
/// The largest expected count that may be allowed.
const LARGEST: f64 = 1e6;

/// A population: with `y_j` the counts of unit j,
/// `mu_i[t] = g(b_i + f_i[t] + sum_j sum_k h_ij[k] y_j[t - 1 - k])`, `h_ij[k] = sum_b c_ijb basis[k, b]`.
#[derive(Clone, Debug)]
pub struct CoupledPopulation<'a> {
    /// `c`: shape (receiving units, sending units, functions).
    pub coupling: ArrayView3<'a, f64>,
    /// Shape (lags, functions); row 0 weighs the bin before.
    pub basis: ArrayView2<'a, f64>,
    /// `b`, one per unit.
    pub intercepts: &'a [f64],
    /// `f`: what drives the units from outside, shape (bins, units).
    pub drive: ArrayView2<'a, f64>,
    /// Counts of the bins before the first, the last of them in the last row, shape (lags, units).
    pub before: ArrayView2<'a, f64>,
    /// `g`.
    pub inverse_link: InverseLink,
    /// Largest expected count of a bin: what would be more is this, and is counted.
    pub most_expected: f64,
}

/// What was simulated.
#[derive(Clone, Debug, PartialEq)]
pub struct CoupledCounts {
    /// Counts, shape (bins, units).
    pub counts: Array2<f64>,
    /// Expected counts, shape (bins, units); NaN where the count was given.
    pub expected: Array2<f64>,
    /// Bins and units whose expected count was held at the largest: more than none is a sign that the population does not
    /// come to rest.
    pub n_held: usize,
}

impl CoupledPopulation<'_> {
    /// Simulates all bins with Poisson counts.
    ///
    /// # Errors
    /// [`Error::Length`] for shapes that do not go together, [`Error::NonFinite`] for numbers that are not finite,
    /// [`Error::Argument`] for a largest count that is not above 0.
    ///
    /// # Source
    /// `simulate_recurrent` in `NeMoS`, for what is aligned with what.
    pub fn simulate(&self, random: &mut impl Rng) -> Result<CoupledCounts> {
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
        let window = self.basis.nrows();
        let filters: Vec<Vec<f64>> = (0..n).map(|sender| self.filters_of(sender)).collect();
        // what earlier counts add to the linear predictors, bin after bin
        let mut effects = Array2::<f64>::zeros((n_bins, n));
        for (row, counts) in self.before.rows().into_iter().enumerate() {
            // the last row is one bin before bin 0
            let lead = window - row;
            for (sender, &count) in counts.iter().enumerate() {
                send(&mut effects, &filters[sender], (0, lead - 1), count);
            }
        }
        let (mut counts, mut expected) = (Array2::zeros((n_bins, n)), Array2::zeros((n_bins, n)));
        let mut n_held = 0;
        for bin in 0..n_bins {
            for unit in 0..n {
                let known = given.map_or(f64::NAN, |given| given[(bin, unit)]);
                if !known.is_nan() {
                    (counts[(bin, unit)], expected[(bin, unit)]) = (known, f64::NAN);
                    continue;
                }
                let eta = self.intercepts[unit] + self.drive[(bin, unit)] + effects[(bin, unit)];
                let mean = self.inverse_link.mean(eta, Standard).mu;
                // a NaN is held as well
                let is_held = mean.is_nan() || mean > self.most_expected;
                let mean = if is_held { self.most_expected } else { mean };
                n_held += usize::from(is_held);
                expected[(bin, unit)] = mean;
                counts[(bin, unit)] = draw(unit, mean);
            }
            for unit in 0..n {
                let count: f64 = counts[(bin, unit)];
                send(&mut effects, &filters[unit], (bin + 1, 0), count);
            }
        }
        Ok(CoupledCounts { counts, expected, n_held })
    }

    /// The largest growth of a small disturbance from one generation of spikes to the next, where units expect `expected` counts
    /// per bin: the spectral radius of `|d mu_i / d eta| · sum_k |h_ij[k]|`. Above 1 the population may run away.
    ///
    /// # Errors
    /// As [`CoupledPopulation::simulate`].
    pub fn growth(&self, expected: &[f64]) -> Result<f64> {
        self.radius(expected, f64::abs)
    }

    /// The same of excitation alone: the spectral radius of `sum_k max(d mu_i / d eta · h_ij[k], 0)`. What a spike takes away,
    /// such as the silence after it, lets no population run away; above 1 what it adds may.
    ///
    /// # Errors
    /// As [`CoupledPopulation::simulate`].
    ///
    /// # Source
    /// Costa, Graham, Marsalle and Tran, "Renewal in Hawkes processes with self-excitation and inhibition", Adv. Appl. Probab. 52
    /// (2020): with an integral of the positive part below 1 the process is stable, whatever inhibits it.
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
        let gains = Array2::from_shape_fn((n, n), |(receiver, sender)| {
            let own =
                &self.filters_of(sender)[receiver * self.basis.nrows()..(receiver + 1) * self.basis.nrows()];
            own.iter().map(|h| part(slopes[receiver] * h)).sum::<f64>()
        });
        // powers of a matrix without negative entries grow with its spectral radius; one more on the diagonal keeps them from
        // going back and forth
        let mut vector = vec![1.0; n];
        let mut growth = 0.0;
        for _ in 0..POWERS {
            let grown = |(row, own): (ndarray::ArrayView1<f64>, &f64)| {
                own + row.iter().zip(&vector).map(|(g, v)| g * v).sum::<f64>()
            };
            let next: Vec<f64> = gains.rows().into_iter().zip(&vector).map(grown).collect();
            let largest = next.iter().copied().fold(0.0, f64::max);
            growth = largest - 1.0;
            vector = next.into_iter().map(|v| v / largest).collect();
        }
        Ok(growth)
    }

    /// The filters from one unit to every other: lags of the first receiver, then those of the next.
    fn filters_of(&self, sender: usize) -> Vec<f64> {
        let receivers = 0..self.intercepts.len();
        receivers
            .flat_map(|receiver| {
                self.basis.rows().into_iter().map(move |row| {
                    row.iter()
                        .enumerate()
                        .map(|(b, value)| self.coupling[(receiver, sender, b)] * value)
                        .sum()
                })
            })
            .collect()
    }

    fn check(&self) -> Result<()> {
        let n = self.intercepts.len();
        let lengths = [
            ("receiving units of the coupling", n, self.coupling.dim().0),
            ("sending units of the coupling", n, self.coupling.dim().1),
            ("functions of the coupling", self.basis.ncols(), self.coupling.dim().2),
            ("units of the drive", n, self.drive.ncols()),
            ("units of the counts before", n, self.before.ncols()),
            ("bins of the counts before", self.basis.nrows(), self.before.nrows()),
        ];
        if let Some((what, expected, found)) =
            lengths.into_iter().find(|(_, expected, found)| expected != found)
        {
            return Err(Error::Length { what: what.into(), expected, found });
        }
        if !(f64::MIN_POSITIVE..=LARGEST).contains(&self.most_expected) {
            let found = self.most_expected.to_string();
            return Err(Error::argument(
                "largest expected count",
                "a number above 0, at most 1e6",
                found,
                "try 10",
            ));
        }
        let tables = [("drive", self.drive), ("basis", self.basis), ("counts before", self.before)];
        for (what, table) in tables {
            if let Some(((row, column), &value)) = table.indexed_iter().find(|(_, value)| !value.is_finite())
            {
                return Err(Error::NonFinite { what: what.into(), row, column, value });
            }
        }
        if let Some(((row, column, _), &value)) =
            self.coupling.indexed_iter().find(|(_, value)| !value.is_finite())
        {
            return Err(Error::NonFinite { what: "coupling".into(), row, column, value });
        }
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

/// Adds the filters of a unit that fired to the effects from bin `first` on, their first `skipped` lags left out.
fn send(effects: &mut Array2<f64>, filters: &[f64], (first, skipped): (usize, usize), count: f64) {
    let (n_bins, n) = effects.dim();
    if count == 0.0 || !count.is_finite() || n == 0 {
        return;
    }
    let window = filters.len() / n;
    for lag in skipped..window {
        let bin = first + lag - skipped;
        if bin >= n_bins {
            return;
        }
        for receiver in 0..n {
            effects[(bin, receiver)] += count * filters[receiver * window + lag];
        }
    }
}
