//! Spikes in a voltage trace, for recordings without a units table.
//!
//! A spike's time is its onset: the first sample where dV/dt, the rise to the next sample, exceeds a criterion.
//! That is sharp in time and does not depend on the height of the spike. Then nothing is detected for a
//! refractory time. A rise is never taken across a gap of the recording. The detector carries three numbers from piece to
//! piece, so a long trace needs no memory and the answer does not depend on how it is cut.

use super::reading::{Step, Watcher};
use crate::error::{Error, Result};
use crate::read::nwb::{Series, Signal};
use crate::recording::median_spacing;

/// Rise that begins a spike unless another is asked for, volts per second.
pub const DEFAULT_DVDT_V_PER_S: f64 = 20.0;

/// Time after an onset without another unless another is asked for, seconds.
pub const DEFAULT_REFRACTORY_S: f64 = 1e-3;

/// A longer step than this many sample intervals is a gap.
const GAP_STEPS: f64 = 1.5;

/// Samples per piece of a long trace.
const PIECE_ROWS: usize = 1 << 17;

/// Finds onsets in a trace given piece by piece.
#[derive(Clone, Debug)]
pub struct SpikeDetector {
    dvdt_v_per_s: f64,
    refractory_s: f64,
    longest_step_s: f64,
    before: Option<(f64, f64)>,
    onsets: Vec<f64>,
}

impl SpikeDetector {
    /// A detector for samples `spacing_s` apart.
    ///
    /// # Errors
    /// [`Error::Argument`] for a criterion or spacing that is not a number above 0, or a refractory time below 0.
    pub fn new(dvdt_v_per_s: f64, refractory_s: f64, spacing_s: f64) -> Result<Self> {
        for (what, value) in [("dV/dt criterion (V/s)", dvdt_v_per_s), ("sample interval (s)", spacing_s)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(Error::argument(
                    what,
                    "a number above 0",
                    value.to_string(),
                    "the usual criterion is 20 V/s",
                ));
            }
        }
        if !(refractory_s.is_finite() && refractory_s >= 0.0) {
            let help = "the usual value is 1 ms";
            return Err(Error::argument("refractory time (s)", "0 or more", refractory_s.to_string(), help));
        }
        let longest_step_s = GAP_STEPS * spacing_s;
        Ok(Self { dvdt_v_per_s, refractory_s, longest_step_s, before: None, onsets: Vec::new() })
    }

    /// The next samples: times in ascending order, seconds, and voltages, volts.
    ///
    /// # Errors
    /// [`Error::Length`] for times and voltages of different length.
    pub fn push(&mut self, t: &[f64], volts: impl ExactSizeIterator<Item = f64>) -> Result<()> {
        if t.len() != volts.len() {
            let what = "times and voltages of a trace".to_string();
            return Err(Error::Length { what, expected: t.len(), found: volts.len() });
        }
        for (&time, volt) in t.iter().zip(volts) {
            if let Some((time_before, volt_before)) = self.before {
                let step_s = time - time_before;
                let is_next = step_s > 0.0 && step_s <= self.longest_step_s;
                // a NaN is no rise
                if is_next && volt - volt_before > self.dvdt_v_per_s * step_s && self.is_rested(time_before) {
                    self.onsets.push(time_before);
                }
            }
            self.before = Some((time, volt));
        }
        Ok(())
    }

    /// The onsets found, seconds, ascending.
    pub fn finish(self) -> Vec<f64> {
        self.onsets
    }

    fn is_rested(&self, time: f64) -> bool {
        self.onsets.last().is_none_or(|onset| time - onset >= self.refractory_s)
    }
}

/// Onsets of spikes in a trace in memory: times in ascending order, seconds, and voltages, volts.
///
/// # Errors
/// [`Error::Length`] for times and voltages of different length, [`Error::Argument`] as [`SpikeDetector::new`].
pub fn detect_spikes(
    t: &[f64],
    volts: &[f64],
    dvdt_threshold_v_per_s: f64,
    refractory_s: f64,
) -> Result<Vec<f64>> {
    // fewer than two samples have no spacing and no spike
    let spacing_s = median_spacing(t).unwrap_or(1.0);
    let mut detector = SpikeDetector::new(dvdt_threshold_v_per_s, refractory_s, spacing_s)?;
    detector.push(t, volts.iter().copied())?;
    Ok(detector.finish())
}

/// Onsets of spikes in a whole series of a file, read in pieces.
///
/// # Errors
/// [`Error::Argument`] for a series that is not a voltage or a signal without the choice of one of several
/// columns, and whatever reading returns.
pub fn detect_in(signal: &Signal, dvdt_threshold_v_per_s: f64, refractory_s: f64) -> Result<Vec<f64>> {
    detect_in_watched(signal, dvdt_threshold_v_per_s, refractory_s, &mut |_| {})
}

/// As [`detect_in`], with someone who is told about every piece.
///
/// # Errors
/// As [`detect_in`].
pub fn detect_in_watched(
    signal: &Signal,
    dvdt_threshold_v_per_s: f64,
    refractory_s: f64,
    watcher: Watcher,
) -> Result<Vec<f64>> {
    let Signal { series, column } = signal;
    let key = &series.facts().key;
    if column.is_none() && series.n_columns() > 1 {
        return Err(Error::argument(
            format!("spikes of {key}"),
            "one column",
            format!("{} columns", series.n_columns()),
            format!("name one, as in `{key}[{}]`", series.facts().column_names[0]),
        ));
    }
    let volts_per_unit = volts_per_unit(series)?;
    let Some((first, last)) = series.span()? else { return Ok(Vec::new()) };
    let spacing_s = series.read_spacing(first, last)?.unwrap_or(1.0);
    let mut detector = SpikeDetector::new(dvdt_threshold_v_per_s, refractory_s, spacing_s)?;
    let bytes = |n_rows: usize| (n_rows * size_of::<f64>()) as u64;
    let of_bytes = bytes(series.n_samples());
    series.for_each_piece(PIECE_ROWS, *column, |first_row, piece| {
        watcher(Step::Reading { name: key, n_bytes: bytes(first_row + piece.t.len()), of_bytes });
        detector.push(&piece.t, piece.values.column(0).iter().map(|value| value * volts_per_unit))
    })?;
    Ok(detector.finish())
}

/// Factor from a unit to volts; `None` for a unit that is no voltage.
pub fn volts_per(unit: &str) -> Option<f64> {
    match unit {
        "V" | "volt" | "volts" | "Volt" | "Volts" => Some(1.0),
        "mV" | "millivolt" | "millivolts" => Some(1e-3),
        "uV" | "microvolt" | "microvolts" => Some(1e-6),
        _ => None,
    }
}

fn volts_per_unit(series: &Series) -> Result<f64> {
    volts_per(series.unit()).ok_or_else(|| {
        Error::argument(
            format!("spikes of {}", series.facts().key),
            "a series in volts",
            format!("unit {:?}", series.unit()),
            "give the recorded membrane potential; `rheobase inspect` shows the unit of each series",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition word for word, over a list of all samples.
    fn slow_twin(t: &[f64], v: &[f64], criterion: f64, refractory: f64) -> Vec<f64> {
        let spacing = median_spacing(t).unwrap();
        let mut onsets: Vec<f64> = Vec::new();
        for i in 0..t.len() - 1 {
            let is_gap = t[i + 1] - t[i] > 1.5 * spacing;
            let rises = (v[i + 1] - v[i]) / (t[i + 1] - t[i]) > criterion;
            let rested = onsets.iter().all(|onset| t[i] - onset >= refractory);
            if !is_gap && rises && rested {
                onsets.push(t[i]);
            }
        }
        onsets
    }

    /// A trace with pseudo-random steps and gaps.
    fn trace(n: usize) -> (Vec<f64>, Vec<f64>) {
        let mut state = 12345_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / f64::from(1_u32 << 31)
        };
        let (mut t, mut v, mut now) = (Vec::new(), Vec::new(), 0.0);
        for _ in 0..n {
            now += if random() < 0.002 { 0.01 } else { 5e-5 };
            t.push(now);
            v.push(-0.07 + if random() < 0.01 { 0.03 } else { 0.001 * random() });
        }
        (t, v)
    }

    #[test]
    fn equals_the_slow_twin() {
        let (t, v) = trace(20_000);
        let onsets = detect_spikes(&t, &v, 20.0, 1e-3).unwrap();
        assert!(onsets.len() > 50, "the trace has spikes");
        assert_eq!(onsets, slow_twin(&t, &v, 20.0, 1e-3));
    }

    #[test]
    fn pieces_of_any_size_give_the_same_onsets() {
        let (t, v) = trace(5000);
        let whole = detect_spikes(&t, &v, 20.0, 1e-3).unwrap();
        for size in [1, 2, 7, 64, 4999] {
            let mut detector = SpikeDetector::new(20.0, 1e-3, 5e-5).unwrap();
            for (t, v) in t.chunks(size).zip(v.chunks(size)) {
                detector.push(t, v.iter().copied()).unwrap();
            }
            assert_eq!(detector.finish(), whole, "pieces of {size}");
        }
    }

    #[test]
    fn a_step_across_a_gap_is_no_spike() {
        let t = [0.0, 5e-5, 1e-4, 5.0, 5.000_05];
        assert!(detect_spikes(&t, &[0.0, 0.0, 0.0, 200.0, 200.0], 20.0, 1e-3).unwrap().is_empty());
        assert_eq!(detect_spikes(&t, &[0.0, 0.0, 0.0, 0.0, 0.1], 20.0, 1e-3).unwrap(), [5.0]);
    }

    #[test]
    fn nan_and_short_traces_have_no_spikes() {
        assert!(detect_spikes(&[0.0, 1e-4, 2e-4], &[0.0, f64::NAN, 1.0], 20.0, 1e-3).unwrap().is_empty());
        assert!(detect_spikes(&[], &[], 20.0, 1e-3).unwrap().is_empty());
        assert!(detect_spikes(&[0.0], &[], 20.0, 1e-3).is_err());
        assert!(detect_spikes(&[0.0, 1.0], &[0.0, 0.0], 0.0, 1e-3).is_err());
    }
}
