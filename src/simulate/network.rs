//! A made-up population with known couplings, for demonstrations and tests of fits that look for them.

use ndarray::{Array2, Array3, Axis, Slice, concatenate};
use rand::RngExt;

use super::coupled::{CoupledFilters, CoupledPopulation, poisson};
use super::{Source, SpikeTrains};
use crate::inverse_link::InverseLink;
use crate::{Error, Result};

/// How far back a spike acts, seconds.
const WINDOW_S: f64 = 0.05;
/// Time from a spike to the peak of what it does to another unit, seconds.
const PEAK_S: f64 = 0.005;
/// How a unit is quiet after its own spikes: the log rate that a spike takes away at once, and the time in which that is
/// forgotten, seconds.
const REFRACTORY: (f64, f64) = (4.0, 0.003);
/// Narrowest bin, seconds: a filter has 5000 lags of it.
const SHORTEST_S: f64 = 1e-5;
/// Bins that are simulated at a time.
const CHUNK: usize = 1 << 16;

/// What a network is made by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NetworkParameters {
    /// Units.
    pub n_units: usize,
    /// Rate about which the units fire, Hz: between 0.6 and 1.4 times this, before noise.
    pub rate_hz: f64,
    /// Other units that act on a unit, on average.
    pub n_inputs: f64,
    /// Size of the couplings as the area of their filters, log rate times seconds: between 0.5 and 1 times this, half of them
    /// negative.
    pub strength_s: f64,
    /// Width of a bin, seconds.
    pub bin_s: f64,
}

/// Units that act on each other: with `y_j` the counts of unit j and an exponential link,
/// `ln mu_i[t] = b_i + sum_j sum_k h_ij[k] y_j[t - 1 - k]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Width of a bin, seconds.
    pub bin_s: f64,
    /// `b`, one per unit.
    pub intercepts: Vec<f64>,
    /// `h`, shape (receiving units, sending units, lags); a unit's own stands on the diagonal.
    pub filters: Array3<f64>,
}

/// What a network did.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatedPopulation {
    /// The seed from which everything else follows.
    pub seed: u64,
    /// Length, seconds.
    pub duration_s: f64,
    /// The units and their true couplings.
    pub network: Network,
    /// Spike times in seconds, one list per unit, increasing: those of a bin evenly inside it.
    pub spike_times_s: SpikeTrains,
    /// Bins and units whose expected count was held at the largest.
    pub n_held: usize,
    /// The growth of excitation from one generation of spikes to the next at these rates, see
    /// [`CoupledPopulation::excitatory_growth`]: above 1 the population may run away.
    pub growth: f64,
}

impl NetworkParameters {
    /// How much faster than [`NetworkParameters::rate_hz`] the fastest unit is asked to be.
    pub const HIGHEST: f64 = 1.4;

    /// Refuses what makes no network.
    ///
    /// # Errors
    /// [`Error::Argument`] for no units, numbers that are not above 0 (couplings may be 0), more inputs than there are other units,
    /// and bins below 0.01 ms or above 10 ms.
    pub fn check(&self) -> Result<()> {
        let Self { n_units, rate_hz, n_inputs, strength_s, bin_s } = *self;
        let fail = |what: &str, expected: &str, found: String, help: &str| {
            Err(Error::argument(what, expected, found, help))
        };
        if n_units == 0 {
            return fail("units", "1 or more", "0".into(), "try 12");
        }
        if !(SHORTEST_S..=2.0 * PEAK_S).contains(&bin_s) {
            let found = format!("{} ms", bin_s * 1e3);
            let expected = "a time above 0, at most 10 ms and at least 0.01 ms: couplings peak after 5 ms";
            return fail("bin", expected, found, "try 1ms");
        }
        if !(rate_hz > 0.0 && rate_hz.is_finite()) {
            return fail("rate", "a number above 0", rate_hz.to_string(), "try 10");
        }
        if !(n_inputs >= 0.0 && n_inputs.is_finite()) {
            return fail("inputs", "a number of 0 or more", n_inputs.to_string(), "try 4");
        }
        let others = (n_units - 1) as f64;
        if n_inputs > others {
            let expected = format!("at most {others}, the other units");
            let help = format!("try {}, or more units", others.min(4.0));
            return fail("inputs", &expected, n_inputs.to_string(), &help);
        }
        if !(strength_s >= 0.0 && strength_s.is_finite()) {
            return fail("strength", "a time of 0 or more", format!("{strength_s}s"), "try 10ms");
        }
        Ok(())
    }

    /// About how many bytes it takes to simulate this long and to write what comes out: the filters twice, what a piece of the
    /// bins needs, the spikes, and the tables of couplings and of filters.
    pub fn needed_bytes(&self, duration_s: f64) -> u64 {
        let (n, n_lags) = (self.n_units as f64, (WINDOW_S / self.bin_s).round());
        let pairs = n * n * (2.0 * 8.0 * n_lags + 150.0);
        let rows = n * (self.n_inputs + 1.0) * n_lags * 150.0;
        let bins = n * (duration_s / self.bin_s).min(CHUNK as f64) * 6.0 * 8.0;
        let spikes = n * self.rate_hz * duration_s * 3.0 * 8.0;
        (pairs + rows + bins + spikes) as u64
    }
}

impl Network {
    /// A random network: every other unit acts on a unit with the same chance. A coupling rises and falls as
    /// `u exp(-u)`, u the lag over 5 ms, and a unit's own spikes keep it quiet for some milliseconds; both end after 50 ms.
    /// The intercepts make the expected rates what they should be where the effects of all spikes are their average.
    ///
    /// # Errors
    /// Those of [`NetworkParameters::check`].
    pub fn random(parameters: &NetworkParameters, seed: u64) -> Result<Self> {
        let NetworkParameters { n_units, rate_hz, n_inputs, strength_s, bin_s } = *parameters;
        parameters.check()?;
        let mut random = Source::Network.stream(seed);
        let n_lags = (WINDOW_S / bin_s).round() as usize;
        let lag = |k: usize| (k as f64 + 0.5) * bin_s;
        let bump: Vec<f64> = (0..n_lags).map(lag).map(|lag| lag / PEAK_S * (-lag / PEAK_S).exp()).collect();
        let area_s = bump.iter().sum::<f64>() * bin_s;
        let chance = (n_inputs / (n_units.max(2) - 1) as f64).min(1.0);
        let mut filters = Array3::zeros((n_units, n_units, n_lags));
        for receiving in 0..n_units {
            for sending in 0..n_units {
                // all numbers are drawn, so that one choice does not change the others
                let [is_there, size, sign] = std::array::from_fn(|_| random.random::<f64>());
                let factor = strength_s * (0.5 + 0.5 * size) * if sign < 0.5 { -1.0 } else { 1.0 } / area_s;
                for k in 0..n_lags {
                    if receiving == sending {
                        filters[(receiving, sending, k)] = -REFRACTORY.0 * (-lag(k) / REFRACTORY.1).exp();
                    } else if is_there < chance {
                        filters[(receiving, sending, k)] = factor * bump[k];
                    }
                }
            }
        }
        let rates: Vec<f64> = (0..n_units).map(|_| rate_hz * (0.6 + 0.8 * random.random::<f64>())).collect();
        let intercept = |receiving: usize| {
            let effects = |sending: usize| rates[sending] * bin_s * sum_of(&filters, receiving, sending);
            (rates[receiving] * bin_s).ln() - (0..n_units).map(effects).sum::<f64>()
        };
        let intercepts = (0..n_units).map(intercept).collect();
        Ok(Self { bin_s, intercepts, filters })
    }

    /// Area of the filter from one unit to another, log rate times seconds.
    ///
    /// # Panics
    /// If there is no such unit.
    pub fn area_s(&self, receiving: usize, sending: usize) -> f64 {
        sum_of(&self.filters, receiving, sending) * self.bin_s
    }

    /// Simulates the network from silence, with Poisson counts.
    ///
    /// # Errors
    /// [`Error::Argument`] for a duration that is not a whole number of bins, and for the largest rate as
    /// [`CoupledPopulation::simulate`] has it.
    pub fn simulate(self, duration_s: f64, most_hz: f64, seed: u64) -> Result<SimulatedPopulation> {
        let (n_bins, n) = (whole_bins(duration_s, self.bin_s)?, self.intercepts.len());
        let n_lags = self.filters.dim().2;
        let (filters, mut random) =
            (CoupledFilters::of_lags(self.filters.view())?, Source::Counts.stream(seed));
        let (mut before, mut n_held, mut growth) = (Array2::zeros((n_lags, n)), 0, 0.0);
        let mut spike_times_s: SpikeTrains = vec![Vec::new(); n];
        let mut first = 0;
        while first < n_bins {
            let drive = Array2::zeros((CHUNK.min(n_bins - first).max(1), n));
            let population = CoupledPopulation {
                filters: &filters,
                intercepts: &self.intercepts,
                drive: drive.view(),
                before: before.view(),
                inverse_link: InverseLink::Exp,
                most_expected: most_hz * self.bin_s,
            };
            let simulated = population.simulate_with(None, |_, mean| poisson(mean, &mut random))?;
            n_held += simulated.n_held;
            for ((bin, unit), &count) in simulated.counts.indexed_iter() {
                let at = |k: f64| ((first + bin) as f64 + (k + 0.5) / count) * self.bin_s;
                spike_times_s[unit].extend((0..count as usize).map(|k| at(k as f64)));
            }
            first += drive.nrows();
            if first == n_bins {
                let rate = |times: &Vec<f64>| times.len() as f64 / n_bins as f64;
                growth =
                    population.excitatory_growth(&spike_times_s.iter().map(rate).collect::<Vec<f64>>())?;
            }
            // the last bins of all so far
            let rows = concatenate![Axis(0), before, simulated.counts];
            before = rows.slice_axis(Axis(0), Slice::from(rows.nrows() - n_lags..)).to_owned();
        }
        // as it was asked for: a product of whole bins may be a rounding away
        Ok(SimulatedPopulation { seed, duration_s, network: self, spike_times_s, n_held, growth })
    }
}

/// Sum over the lags of one filter.
fn sum_of(filters: &Array3<f64>, receiving: usize, sending: usize) -> f64 {
    (0..filters.dim().2).map(|lag| filters[(receiving, sending, lag)]).sum()
}

fn whole_bins(duration_s: f64, bin_s: f64) -> Result<usize> {
    let n_bins = duration_s / bin_s;
    if n_bins.round() >= 1.0 && (n_bins - n_bins.round()).abs() < (1e-12 * n_bins.round()).clamp(1e-6, 1e-2) {
        return Ok(n_bins.round() as usize);
    }
    let expected = format!("a whole number of bins of {} ms, 1 or more", bin_s * 1e3);
    Err(Error::argument("duration", expected, format!("{duration_s} s"), "try 600s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: NetworkParameters =
        NetworkParameters { n_units: 6, rate_hz: 20.0, n_inputs: 2.0, strength_s: 0.01, bin_s: 1e-3 };

    #[test]
    fn areas_are_the_strengths_that_were_asked_for() {
        let network = Network::random(&SMALL, 3).unwrap();
        let pairs = (0..36).map(|k| (k / 6, k % 6));
        let areas: Vec<f64> = pairs.filter(|(i, j)| i != j).map(|(i, j)| network.area_s(i, j)).collect();
        let there: Vec<f64> = areas.into_iter().filter(|area| *area != 0.0).collect();
        assert!(there.iter().all(|area| (0.005..=0.010_001).contains(&area.abs())), "{there:?}");
        assert!(
            (4..=20).contains(&there.len())
                && there.iter().any(|a| *a > 0.0)
                && there.iter().any(|a| *a < 0.0)
        );
        assert!((0..6).all(|i| network.area_s(i, i) < -0.01), "quiet after its own spikes");
        // the same area in other bins
        let wide = Network::random(&NetworkParameters { bin_s: 5e-3, ..SMALL }, 3).unwrap();
        assert!((0..6).all(|i| {
            (0..6).filter(|j| *j != i).all(|j| (wide.area_s(i, j) - network.area_s(i, j)).abs() < 1e-12)
        }));
        assert_ne!(network, Network::random(&SMALL, 4).unwrap());
    }

    #[test]
    fn rates_are_about_those_asked_for_and_chunks_have_no_seam() {
        let run = |seconds: f64| Network::random(&SMALL, 3).unwrap().simulate(seconds, 1e3, 8).unwrap();
        // longer than a chunk
        let long = run(150.0);
        assert!((0.0..1.0).contains(&long.growth) && long.n_held == 0, "{}", long.growth);
        // 0 where no excitation comes back to where it began, which few couplings between six units may well leave out
        let growth = |seed: u64| Network::random(&SMALL, seed).unwrap().simulate(1.0, 1e3, 8).unwrap().growth;
        let others: Vec<f64> = (1..8).map(growth).collect();
        assert!(others.iter().all(|own| (0.0..1.0).contains(own)), "{others:?}");
        assert!(others.iter().any(|own| *own > 0.0), "{others:?}");
        for times in &long.spike_times_s {
            let hz = times.len() as f64 / 150.0;
            assert!((8.0..40.0).contains(&hz), "{hz}");
            assert!(
                times.windows(2).all(|pair| pair[0] < pair[1])
                    && times.iter().all(|t| (0.0..150.0).contains(t))
            );
        }
        // the first seconds of a longer run are a shorter run
        let short = run(20.0);
        for (long, short) in long.spike_times_s.iter().zip(&short.spike_times_s) {
            assert_eq!(&long[..short.len()], &short[..]);
            assert!(long[short.len()] >= 20.0);
        }
        // a seam would show: drawn in one piece the counts are the same
        let network = &long.network;
        let (drive, silence) = (Array2::zeros((150_000, 6)), Array2::zeros((50, 6)));
        let population = CoupledPopulation {
            filters: &CoupledFilters::of_lags(network.filters.view()).unwrap(),
            intercepts: &network.intercepts,
            drive: drive.view(),
            before: silence.view(),
            inverse_link: InverseLink::Exp,
            most_expected: 1.0,
        };
        let whole = population.simulate(&mut Source::Counts.stream(8)).unwrap();
        for (times, counts) in long.spike_times_s.iter().zip(whole.counts.columns()) {
            assert_eq!(times.len() as f64, counts.sum());
        }
    }

    #[test]
    fn wrong_numbers_name_what_to_do() {
        for wrong in [
            NetworkParameters { n_units: 0, ..SMALL },
            NetworkParameters { rate_hz: 0.0, ..SMALL },
            NetworkParameters { n_inputs: f64::NAN, ..SMALL },
            NetworkParameters { strength_s: -1.0, ..SMALL },
            NetworkParameters { n_inputs: 5.5, ..SMALL },
            NetworkParameters { bin_s: 0.02, ..SMALL },
            NetworkParameters { bin_s: 9e-6, ..SMALL },
        ] {
            let error = Network::random(&wrong, 1).unwrap_err();
            assert!(matches!(error, Error::Argument { .. }) && error.help().starts_with("try "), "{error}");
        }
        let network = || Network::random(&SMALL, 1).unwrap();
        for duration_s in [0.0, -1.0, 0.0105, 5000.0005, f64::NAN, f64::INFINITY] {
            assert!(network().simulate(duration_s, 1e3, 1).is_err(), "{duration_s}");
        }
        assert!(network().simulate(1.0, 0.0, 1).is_err());
    }
}
