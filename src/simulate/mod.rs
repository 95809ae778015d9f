//! Recordings that never happened, for demonstrations and tests: one neuron under current clamp, and a population whose units
//! act on each other ([`Network`], [`CoupledPopulation`]).
//!
//! The session of the one neuron has the shape of a whole patch-clamp session as the field's tutorials use it: sweeps of 20 kHz
//! current and voltage, each sweep one protocol, holes without samples between them. It exists so that the tool
//! can show every step (reading, binning, fitting, scoring) on a machine without data, and so that the truth
//! behind the spikes is known.
//!
//! Three decisions:
//!
//! - **Everything follows from the seed.** Each source of randomness (stimulus of a protocol, membrane of a
//!   sweep, amplifier of a sweep, repeat of draws from a fit) reads its own stream of one `ChaCha` generator, so that leaving out a sweep
//!   changes no other. The same build gives the same bits; the frozen noise of `Noise 1` is frozen because its
//!   stream belongs to the protocol, not to the sweep.
//! - **Samples sit on one clock.** Sample k of the session is at k / 20 000 s, correctly rounded, also across
//!   the holes: no drift of summed steps.
//! - **What is written is what happened.** The neuron is driven by the current after the stimulator's lag and
//!   digital resolution, which is also the current that is recorded.

mod coupled;
mod gammas;
mod network;
mod neuron;
mod protocol;

pub use coupled::{CoupledCounts, CoupledFilters, CoupledPopulation};
pub use gammas::difference_of_gammas;
pub use network::{Network, NetworkParameters, SimulatedPopulation};
pub use neuron::{Adaptation, Membrane, NeuronParameters};
pub use protocol::{Protocol, RATE_HZ, Sweep, TUTORIAL_PLAN, lay_out};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Standard deviation of the amplifier's noise in millivolts.
const AMPLIFIER_NOISE_MV: f64 = 0.02;
/// Steps of the analogue-to-digital converter per millivolt.
const CONVERTER_STEPS_PER_MV: f64 = 32.0;
/// Grid of the spike times in seconds.
pub const SPIKE_RESOLUTION_S: f64 = 5e-6;
/// The same in steps per second, a whole number, so that times on the grid are correctly rounded.
const SPIKE_STEPS_PER_S: f64 = 200_000.0;

/// Spike times in seconds, one list per unit.
pub type SpikeTrains = Vec<Vec<f64>>;

/// Whose random numbers a stream holds.
#[derive(Clone, Copy)]
pub(crate) enum Source {
    /// Frozen noise of a protocol.
    Stimulus(Protocol),
    /// Intrinsic noise of the neuron in the sweep with this number.
    Membrane(usize),
    /// Noise of the amplifier in the sweep with this number.
    Amplifier(usize),
    /// Couplings and rates of a population.
    Network,
    /// Counts of a population.
    Counts,
    /// Responses drawn from a fitted model, in the repeat with this number.
    Draws(usize),
}

impl Source {
    /// Random numbers of this source under `seed`.
    pub(crate) fn stream(self, seed: u64) -> ChaCha8Rng {
        let number = match self {
            Self::Stimulus(protocol) => protocol as u64,
            Self::Network => 900,
            Self::Counts => 901,
            // far above the sweeps of any session
            Self::Draws(repeat) => (1 << 32) + repeat as u64,
            Self::Membrane(sweep) => 1_000 + 2 * sweep as u64,
            Self::Amplifier(sweep) => 1_001 + 2 * sweep as u64,
        };
        let mut stream = ChaCha8Rng::seed_from_u64(seed);
        stream.set_stream(number);
        stream
    }
}

/// One simulated session: samples of all sweeps one after the other, spikes and sweeps on the same clock.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatedSession {
    /// The seed from which everything else follows.
    pub seed: u64,
    /// Time of each sample in seconds, increasing, with a hole between sweeps.
    pub stamps: Vec<f64>,
    /// Injected current in amperes, at 32-bit precision; one value per stamp.
    pub stimulus_a: Vec<f64>,
    /// Membrane voltage in volts; one value per stamp.
    pub response_v: Vec<f32>,
    /// Spike times in seconds, increasing.
    pub spike_times_s: Vec<f64>,
    /// Start and stop in seconds and protocol name of each sweep.
    pub epochs: Vec<(f64, f64, String)>,
}

/// Simulates [`TUTORIAL_PLAN`] with the default neuron.
///
/// ```
/// use rheobase::simulate::{NeuronParameters, Protocol, simulate_plan};
///
/// let session = simulate_plan(&[Protocol::Test], &NeuronParameters::default(), 1);
/// assert_eq!(session.epochs, [(0.0, 2.028, "Test".to_string())]);
/// assert_eq!(session.stamps.len(), session.stimulus_a.len());
/// ```
pub fn simulate(seed: u64) -> SimulatedSession {
    simulate_plan(&TUTORIAL_PLAN, &NeuronParameters::default(), seed)
}

/// Simulates one sweep per entry of `plan`, in this order, of the neuron described by `parameters`.
pub fn simulate_plan(plan: &[Protocol], parameters: &NeuronParameters, seed: u64) -> SimulatedSession {
    let n_samples = plan.iter().map(|protocol| protocol.n_samples()).sum();
    let mut session = SimulatedSession {
        seed,
        stamps: Vec::with_capacity(n_samples),
        stimulus_a: Vec::with_capacity(n_samples),
        response_v: Vec::with_capacity(n_samples),
        spike_times_s: Vec::new(),
        epochs: Vec::with_capacity(plan.len()),
    };
    for (number, sweep) in lay_out(plan).iter().enumerate() {
        session.record(sweep, number, parameters);
    }
    session
}

impl SimulatedSession {
    /// Runs one sweep and appends what the instruments saw.
    fn record(&mut self, sweep: &Sweep, number: usize, parameters: &NeuronParameters) {
        let current_pa = sweep.protocol.current_pa(&mut Source::Stimulus(sweep.protocol).stream(self.seed));
        let mut membrane = Membrane::at_rest(parameters);
        let mut intrinsic = Source::Membrane(number).stream(self.seed);
        let mut amplifier = Source::Amplifier(number).stream(self.seed);
        for (sample, &current) in current_pa.iter().enumerate() {
            let noise: f64 = StandardNormal.sample(&mut intrinsic);
            if let Some(fraction) = membrane.step(current, noise) {
                // the threshold was crossed between the sample before and this one
                let time_s = sweep.time_s(sample) - (1.0 - fraction) / RATE_HZ;
                let on_grid = (time_s * SPIKE_STEPS_PER_S).round() / SPIKE_STEPS_PER_S;
                self.spike_times_s.push(on_grid.max(sweep.start_s()));
            }
            let noise: f64 = StandardNormal.sample(&mut amplifier);
            let measured_mv = membrane.voltage_mv() + AMPLIFIER_NOISE_MV * noise;
            let steps = (measured_mv * CONVERTER_STEPS_PER_MV).round();
            self.stamps.push(sweep.time_s(sample));
            self.stimulus_a.push(f64::from((current * 1e-12) as f32));
            self.response_v.push((steps / CONVERTER_STEPS_PER_MV * 1e-3) as f32);
        }
        self.epochs.push((sweep.start_s(), sweep.stop_s(), sweep.protocol.tag().to_string()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_does_not_depend_on_the_sweeps_after_it() {
        let neuron = NeuronParameters::default();
        let alone = simulate_plan(&[Protocol::Ramp], &neuron, 5);
        let followed = simulate_plan(&[Protocol::Ramp, Protocol::Test], &neuron, 5);
        assert_eq!(alone.response_v[..], followed.response_v[..alone.response_v.len()]);
        assert!(!alone.spike_times_s.is_empty());
        assert!(followed.spike_times_s.starts_with(&alone.spike_times_s));
    }

    #[test]
    fn streams_of_different_sources_differ() {
        let first = |source: Source| -> f64 { StandardNormal.sample(&mut source.stream(3)) };
        let drawn = [
            first(Source::Stimulus(Protocol::Noise1)),
            first(Source::Stimulus(Protocol::Noise2)),
            first(Source::Membrane(0)),
            first(Source::Membrane(1)),
            first(Source::Amplifier(0)),
            first(Source::Network),
            first(Source::Counts),
            first(Source::Draws(0)),
            first(Source::Draws(1)),
            first(Source::Draws(901)),
            first(Source::Draws(1_000)),
        ];
        for (i, a) in drawn.iter().enumerate() {
            assert!(drawn[i + 1..].iter().all(|b| a != b), "{drawn:?}");
        }
    }

    #[test]
    fn an_empty_plan_is_an_empty_session() {
        let session = simulate_plan(&[], &NeuronParameters::default(), 0);
        assert!(session.stamps.is_empty() && session.epochs.is_empty() && session.spike_times_s.is_empty());
    }
}
