//! What is injected in a sweep and when the sweep happens.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Samples per second of stimulus and response.
pub const RATE_HZ: f64 = 20_000.0;

/// Samples that would fit into the 5 s between two sweeps, where nothing is recorded.
const N_GAP: usize = 100_000;
/// Time constant of the stimulator's output stage in seconds.
const LAG_S: f64 = 0.15e-3;
/// Correlation time of the noise current in seconds.
const CORRELATION_S: f64 = 3e-3;
/// Standard deviation of the noise current as a part of the pulse's mean.
const NOISE_FRACTION: f64 = 0.1;
/// Depth of the slow sinusoid as a part of the pulse's mean.
const SINUSOID_FRACTION: f64 = 0.2;
/// Onset in seconds and mean in picoamperes of the three pulses of a noise sweep.
const PULSES: [(f64, f64); 3] = [(2.02, 48.0), (10.02, 68.0), (18.02, 92.0)];
/// Duration of each of these pulses in seconds.
const PULSE_S: f64 = 3.0;
/// Steps of the digital-to-analogue converter per picoampere.
const CONVERTER_STEPS_PER_PA: f64 = 8.0;

/// The sweeps of a demonstration session: a ramp, repeats of one frozen noise around another, a test pulse.
pub const TUTORIAL_PLAN: [Protocol; 6] =
    [Protocol::Ramp, Protocol::Noise1, Protocol::Noise2, Protocol::Noise1, Protocol::Noise1, Protocol::Test];

/// A stimulus protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Current that rises for 6 s.
    Ramp,
    /// Three noisy, sinusoid-modulated pulses; the noise is frozen.
    Noise1,
    /// The same with another frozen noise and another sinusoid.
    Noise2,
    /// A small hyperpolarising pulse.
    Test,
}

impl Protocol {
    /// Name in the `tags` of the epochs table.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Ramp => "Ramp",
            Self::Noise1 => "Noise 1",
            Self::Noise2 => "Noise 2",
            Self::Test => "Test",
        }
    }

    /// Samples of one sweep: 34.02 s, 28.02 s or 2.028 s.
    pub fn n_samples(self) -> usize {
        match self {
            Self::Ramp => 680_400,
            Self::Noise1 | Self::Noise2 => 560_400,
            Self::Test => 40_560,
        }
    }

    /// Current of one sweep in picoamperes, one value per sample, after lag and resolution of the stimulator.
    ///
    /// Only the noise protocols draw from `random`, always the same number of values.
    pub fn current_pa(self, random: &mut ChaCha8Rng) -> Vec<f64> {
        let mut command = vec![0.0; self.n_samples()];
        match self {
            Self::Ramp => {
                for (k, value) in command[span(1.02, 6.0)].iter_mut().enumerate() {
                    *value = 20.0 * k as f64 / RATE_HZ;
                }
            }
            Self::Noise1 => add_noise_pulses(&mut command, 1.1, 0.0, random),
            Self::Noise2 => add_noise_pulses(&mut command, 0.85, 0.9, random),
            Self::Test => command[span(0.1, 0.5)].fill(-10.0),
        }
        pass_through_stimulator(&mut command);
        command
    }
}

/// One sweep of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// What is injected.
    pub protocol: Protocol,
    /// First sample on the clock of the session, which also counts the holes.
    pub first_sample: usize,
}

impl Sweep {
    /// Time of a sample of this sweep in seconds.
    pub fn time_s(&self, sample: usize) -> f64 {
        (self.first_sample + sample) as f64 / RATE_HZ
    }

    /// Start in seconds: the time of the first sample.
    pub fn start_s(&self) -> f64 {
        self.time_s(0)
    }

    /// Stop in seconds: one sampling interval after the last sample.
    pub fn stop_s(&self) -> f64 {
        self.time_s(self.protocol.n_samples())
    }
}

/// Puts the protocols on the clock of a session, 5 s without samples between one and the next.
pub fn lay_out(plan: &[Protocol]) -> Vec<Sweep> {
    let mut first_sample = 0;
    plan.iter()
        .map(|&protocol| {
            let sweep = Sweep { protocol, first_sample };
            first_sample += protocol.n_samples() + N_GAP;
            sweep
        })
        .collect()
}

/// Samples of a pulse.
fn span(onset_s: f64, duration_s: f64) -> std::ops::Range<usize> {
    let onset = (onset_s * RATE_HZ).round() as usize;
    onset..onset + (duration_s * RATE_HZ).round() as usize
}

/// Adds the three pulses: mean · (1 + depth · sin + noise), never below zero.
///
/// The noise is an Ornstein-Uhlenbeck process of unit variance, advanced exactly:
/// `x' = a·x + sqrt(1 - a²)·z` with `a = exp(-dt/tau)`.
fn add_noise_pulses(command: &mut [f64], sinusoid_hz: f64, phase: f64, random: &mut ChaCha8Rng) {
    let keep = (-1.0 / (RATE_HZ * CORRELATION_S)).exp();
    let renew = (1.0 - keep * keep).sqrt();
    for (onset_s, mean_pa) in PULSES {
        let mut noise: f64 = StandardNormal.sample(random);
        for (k, value) in command[span(onset_s, PULSE_S)].iter_mut().enumerate() {
            let angle = std::f64::consts::TAU * sinusoid_hz * k as f64 / RATE_HZ + phase;
            let shape = 1.0 + SINUSOID_FRACTION * angle.sin() + NOISE_FRACTION * noise;
            *value = (mean_pa * shape).max(0.0);
            let fresh: f64 = StandardNormal.sample(random);
            noise = keep * noise + renew * fresh;
        }
    }
}

/// First-order lag, which visits every level between off and on, then the steps of the converter.
fn pass_through_stimulator(command: &mut [f64]) {
    let follow = 1.0 - (-1.0 / (RATE_HZ * LAG_S)).exp();
    let mut output = 0.0;
    for value in command {
        output += follow * (*value - output);
        *value = (output * CONVERTER_STEPS_PER_PA).round() / CONVERTER_STEPS_PER_PA;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    #[test]
    fn noise_pulses_have_their_means_and_zero_between() {
        for protocol in [Protocol::Noise1, Protocol::Noise2] {
            let current = protocol.current_pa(&mut ChaCha8Rng::seed_from_u64(4));
            assert_eq!(current.len(), 560_400);
            assert!(current.iter().all(|&x| (0.0..200.0).contains(&x)));
            for (onset_s, mean_pa) in PULSES {
                let pulse = &current[span(onset_s, PULSE_S)];
                assert!((mean(pulse) / mean_pa - 1.0).abs() < 0.1, "{protocol:?} {}", mean(pulse));
                // 2 ms after the end the lag has died away
                let after = span(onset_s + PULSE_S + 2e-3, 1.0);
                assert!(current[after].iter().all(|&x| x == 0.0));
            }
        }
    }

    #[test]
    fn noise_has_its_correlation_time_and_variance() {
        // the difference of two noises leaves out the sinusoid
        let a = Protocol::Noise1.current_pa(&mut ChaCha8Rng::seed_from_u64(1));
        let b = Protocol::Noise1.current_pa(&mut ChaCha8Rng::seed_from_u64(2));
        let (onset_s, mean_pa) = PULSES[2];
        let pulse = span(onset_s + 0.01, PULSE_S - 0.01);
        let x: Vec<f64> = pulse.map(|i| (a[i] - b[i]) / (mean_pa * NOISE_FRACTION)).collect();
        let lagged = |lag: usize| mean(&x[lag..].iter().zip(&x).map(|(p, q)| p * q).collect::<Vec<_>>());
        assert!((lagged(0) - 2.0).abs() < 0.3, "{}", lagged(0));
        let at_tau = lagged((CORRELATION_S * RATE_HZ) as usize) / lagged(0);
        assert!((at_tau - (-1.0f64).exp()).abs() < 0.1, "{at_tau}");
    }

    #[test]
    fn ramp_and_test_pulse_have_their_levels() {
        let ramp = Protocol::Ramp.current_pa(&mut ChaCha8Rng::seed_from_u64(0));
        assert_eq!(ramp[span(0.0, 1.0)], vec![0.0; 20_000]);
        assert_eq!(ramp.iter().copied().fold(0.0, f64::max), 120.0);
        assert!((ramp[span(4.02, 0.0).start] - 60.0).abs() <= 0.125);
        let test = Protocol::Test.current_pa(&mut ChaCha8Rng::seed_from_u64(0));
        assert_eq!(test[5_000], -10.0);
        assert_eq!((test[0], test[20_000]), (0.0, 0.0));
    }

    #[test]
    fn sweeps_are_five_seconds_apart() {
        let sweeps = lay_out(&TUTORIAL_PLAN);
        assert_eq!(sweeps.len(), 6);
        for pair in sweeps.windows(2) {
            assert!((pair[1].start_s() - pair[0].stop_s() - 5.0).abs() < 1e-9);
        }
        assert_eq!((sweeps[1].start_s(), sweeps[1].stop_s()), (39.02, 67.04));
    }
}
