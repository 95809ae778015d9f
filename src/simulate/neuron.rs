//! A leaky integrate-and-fire neuron that adapts.
//!
//! Between spikes the voltage follows `C dv/dt = g_L (E_L - v) + (w_1 + w_2)(E_K - v) + I + noise`. A spike
//! happens when v exceeds a threshold; it raises the two potassium conductances `w` and the threshold, which all
//! decay exponentially, and it replaces the voltage by a stored action potential for 2 ms. This is the smallest
//! model that has what encoding models look for: a current-frequency curve, a refractory time, adaptation on
//! two time scales and trial-to-trial variability under a frozen stimulus.

use super::RATE_HZ;

/// Rise of the action potential, one value per sample: 0 is the voltage of the crossing, 1 the peak.
const UPSTROKE: [f64; 7] = [0.08, 0.22, 0.50, 0.77, 0.92, 0.985, 1.0];
/// Its fall: 1 is the peak, 0 the reset.
const DOWNSTROKE: [f64; 33] = [
    0.975, 0.92, 0.84, 0.75, 0.66, 0.57, 0.49, 0.42, 0.36, 0.31, 0.268, 0.232, 0.2, 0.173, 0.149, 0.128,
    0.109, 0.093, 0.079, 0.067, 0.056, 0.047, 0.039, 0.032, 0.026, 0.0205, 0.016, 0.012, 0.0085, 0.0055,
    0.003, 0.001, 0.0,
];

/// Something that jumps at each spike and decays to zero in between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adaptation {
    /// Increase at a spike, in the unit of what adapts.
    pub jump: f64,
    /// Time constant of the decay in seconds.
    pub decay_s: f64,
}

impl Adaptation {
    /// What is left after one sample.
    fn kept(self) -> f64 {
        (-1.0 / (RATE_HZ * self.decay_s)).exp()
    }
}

/// Parameters of the neuron.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NeuronParameters {
    /// Capacitance of the membrane in picofarads.
    pub capacitance_pf: f64,
    /// Leak conductance in nanosiemens.
    pub leak_ns: f64,
    /// Voltage at rest in millivolts.
    pub rest_mv: f64,
    /// Voltage after an action potential in millivolts.
    pub reset_mv: f64,
    /// Voltage at the peak of an action potential in millivolts.
    pub peak_mv: f64,
    /// Threshold without adaptation in millivolts.
    pub threshold_mv: f64,
    /// Adaptation of the threshold, in millivolts.
    pub threshold_adaptation: Adaptation,
    /// Spike-triggered conductances, in nanosiemens.
    pub conductances: [Adaptation; 2],
    /// Reversal potential of these conductances in millivolts.
    pub potassium_mv: f64,
    /// Intrinsic noise: standard deviation of the voltage increment over 1 ms, in millivolts.
    pub noise_mv: f64,
}

impl Default for NeuronParameters {
    /// A regularly spiking cell of 450 megaohms whose rheobase is near 66 pA.
    fn default() -> Self {
        Self {
            capacitance_pf: 42.0,
            leak_ns: 2.2,
            rest_mv: -72.0,
            reset_mv: -57.0,
            peak_mv: 34.0,
            threshold_mv: -42.0,
            threshold_adaptation: Adaptation { jump: 5.0, decay_s: 0.05 },
            conductances: [Adaptation { jump: 0.21, decay_s: 0.12 }, Adaptation { jump: 0.06, decay_s: 1.6 }],
            potassium_mv: -88.0,
            noise_mv: 0.45,
        }
    }
}

/// State of the neuron during a sweep.
#[derive(Clone, Debug)]
pub struct Membrane<'a> {
    parameters: &'a NeuronParameters,
    voltage_mv: f64,
    conductances_ns: [f64; 2],
    threshold_rise_mv: f64,
    kept_conductances: [f64; 2],
    kept_threshold_rise: f64,
    /// Voltage of the last crossing and the next sample of the action potential, while there is one.
    action_potential: Option<(f64, usize)>,
}

impl<'a> Membrane<'a> {
    /// A neuron that has not spiked for long.
    pub fn at_rest(parameters: &'a NeuronParameters) -> Self {
        Self {
            parameters,
            voltage_mv: parameters.rest_mv,
            conductances_ns: [0.0; 2],
            threshold_rise_mv: 0.0,
            kept_conductances: parameters.conductances.map(Adaptation::kept),
            kept_threshold_rise: parameters.threshold_adaptation.kept(),
            action_potential: None,
        }
    }

    /// Voltage at the current sample in millivolts.
    pub fn voltage_mv(&self) -> f64 {
        self.voltage_mv
    }

    /// Advances by one sample under a current in picoamperes and a standard normal `noise`.
    ///
    /// Returns where between the sample before (0) and this one (1) the threshold was crossed, if it was.
    pub fn step(&mut self, current_pa: f64, noise: f64) -> Option<f64> {
        let crossing = match self.action_potential {
            Some((from_mv, sample)) => {
                self.follow_action_potential(from_mv, sample);
                None
            }
            None => self.integrate(current_pa, noise),
        };
        for (conductance, kept) in self.conductances_ns.iter_mut().zip(self.kept_conductances) {
            *conductance *= kept;
        }
        self.threshold_rise_mv *= self.kept_threshold_rise;
        crossing
    }

    /// One Euler step of the membrane equation, and the spike if it ends above the threshold.
    fn integrate(&mut self, current_pa: f64, noise: f64) -> Option<f64> {
        let p = self.parameters;
        let step_ms = 1e3 / RATE_HZ;
        let before_mv = self.voltage_mv;
        let potassium_ns = self.conductances_ns[0] + self.conductances_ns[1];
        let total_pa =
            p.leak_ns * (p.rest_mv - before_mv) + potassium_ns * (p.potassium_mv - before_mv) + current_pa;
        self.voltage_mv += step_ms / p.capacitance_pf * total_pa + p.noise_mv * step_ms.sqrt() * noise;
        let threshold_mv = p.threshold_mv + self.threshold_rise_mv;
        if self.voltage_mv <= threshold_mv {
            return None;
        }
        self.action_potential = Some((self.voltage_mv, 0));
        for (conductance, adaptation) in self.conductances_ns.iter_mut().zip(p.conductances) {
            *conductance += adaptation.jump;
        }
        self.threshold_rise_mv += p.threshold_adaptation.jump;
        // the threshold may have sunk below the voltage by itself: then the crossing is the sample before
        let fraction = (threshold_mv - before_mv) / (self.voltage_mv - before_mv);
        Some(if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { 0.0 })
    }

    /// One sample of the stored action potential.
    fn follow_action_potential(&mut self, from_mv: f64, sample: usize) {
        let p = self.parameters;
        self.voltage_mv = match sample.checked_sub(UPSTROKE.len()) {
            None => from_mv + (p.peak_mv - from_mv) * UPSTROKE[sample],
            Some(fall) => p.reset_mv + (p.peak_mv - p.reset_mv) * DOWNSTROKE[fall],
        };
        let next = sample + 1;
        self.action_potential = (next < UPSTROKE.len() + DOWNSTROKE.len()).then_some((from_mv, next));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spikes and voltages under a constant current without noise.
    fn respond(parameters: &NeuronParameters, current_pa: f64, n_samples: usize) -> (Vec<usize>, Vec<f64>) {
        let mut membrane = Membrane::at_rest(parameters);
        let mut spikes = Vec::new();
        let mut voltages = Vec::new();
        for sample in 0..n_samples {
            if membrane.step(current_pa, 0.0).is_some() {
                spikes.push(sample);
            }
            voltages.push(membrane.voltage_mv());
        }
        (spikes, voltages)
    }

    #[test]
    fn below_rheobase_the_voltage_settles_at_ohms_law() {
        let (spikes, voltages) = respond(&NeuronParameters::default(), 60.0, 20_000);
        assert!(spikes.is_empty());
        assert!((voltages[19_999] - (-72.0 + 60.0 / 2.2)).abs() < 1e-9);
    }

    #[test]
    fn above_rheobase_intervals_grow_and_current_raises_the_rate() {
        let neuron = NeuronParameters::default();
        let (spikes, voltages) = respond(&neuron, 100.0, 40_000);
        let intervals: Vec<usize> = spikes.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(intervals.len() > 5);
        assert!(intervals[0] < intervals[intervals.len() - 1]);
        assert!(intervals.iter().all(|&n| n > 40), "refractory for 2 ms");
        assert!(respond(&neuron, 150.0, 40_000).0.len() > spikes.len());
        let highest = voltages.iter().copied().fold(f64::MIN, f64::max);
        assert!((highest - neuron.peak_mv).abs() < 1e-9);
        assert_eq!(voltages[spikes[0] + 40], neuron.reset_mv);
    }

    #[test]
    fn the_upstroke_is_fast_enough_to_be_detected_by_its_slope() {
        let (spikes, voltages) = respond(&NeuronParameters::default(), 100.0, 40_000);
        for spike in spikes {
            // 1 mV per sample is 20 V/s
            assert!(voltages[spike + 1] - voltages[spike] > 2.0);
            assert!(voltages[spike] - voltages[spike - 1] < 1.0);
        }
    }
}
