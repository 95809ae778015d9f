//! The units of a recording as a study sees them: their spikes, and which of them are to be explained.

use super::dataset::{Request, StudyFeature};
use super::spike_detection::{DEFAULT_DVDT_V_PER_S, DEFAULT_REFRACTORY_S, detect_in_watched};
use super::{Signal, Watcher, spike_counts};
use crate::design::Course;
use crate::read::nwb::NwbFile;
use crate::recording::Kind;
use crate::time::{BinGrid, IntervalSet};
use crate::{Error, Result};

/// Name of the one unit whose spikes were detected.
pub const DETECTED: &str = "detected";

/// Names and spike counts of every unit of the file, and which of them are targets.
pub(super) struct Units {
    pub(super) names: Vec<String>,
    pub(super) times_s: Vec<Vec<f64>>,
    /// Counts per bin of the targets, once counted; empty for other units.
    pub(super) counts: Vec<Vec<f64>>,
    /// The same as events, of every unit that some feature is made of.
    pub(super) events: Vec<Course>,
    pub(super) targets: Vec<usize>,
}

impl Units {
    /// The units of the table, or the one whose spikes are detected; at least one is a target.
    pub(super) fn read(
        file: &NwbFile,
        request: &Request,
        notices: &mut Vec<String>,
        watcher: Watcher,
    ) -> Result<Self> {
        if let Some(signal) = &request.detect_spikes {
            return Self::detect(file, signal, &request.units, notices, watcher);
        }
        refuse_undetected(file, &request.units)?;
        let table = file.units()?;
        notices.extend(table.notices.iter().cloned());
        if table.n_units() == 0 {
            return Err(Error::Empty {
                what: format!("{}: {}", file.recording().path.display(), table.key),
                problem: "the table has no unit".into(),
                help: "detect the spikes of a voltage series: --detect-spikes SERIES --unit detected".into(),
            });
        }
        let names: Vec<String> = table.ids.iter().map(ToString::to_string).collect();
        if request.units.is_empty() && table.n_units() != 1 {
            return Err(Error::argument(
                "unit",
                "which unit to fit",
                "nothing",
                format!("give --unit all, or one of: {}", names.join(", ")),
            ));
        }
        let targets = if request.units.is_empty() { vec![0] } else { table.rows_of(&request.units)? };
        Ok(Self { names, times_s: table.spike_times, counts: Vec::new(), events: Vec::new(), targets })
    }

    /// Counts the spikes in the bins.
    pub(super) fn counted(mut self, grid: &BinGrid, features: &[StudyFeature]) -> Self {
        let signals: Vec<&Signal> = features.iter().filter_map(|feature| feature.spec.units()).collect();
        let all = signals.iter().any(|signal| matches!(signal, Signal::Units | Signal::UnitsOthers));
        let own = signals.contains(&&Signal::Spikes);
        for (k, times) in self.times_s.iter().enumerate() {
            let is_target = self.targets.contains(&k);
            let counts = if all || is_target { spike_counts(grid, times) } else { Vec::new() };
            self.events.push(if all || own { Course::of_counts(&counts) } else { Course::default() });
            self.counts.push(if is_target { counts } else { Vec::new() });
        }
        self
    }

    /// Spike times of each target in these epochs.
    pub(super) fn times_inside(&self, support: &IntervalSet) -> Vec<Vec<f64>> {
        let inside = |&unit: &usize| -> Vec<f64> {
            let times = &self.times_s[unit];
            support.sample_ranges(times).into_iter().flat_map(|rows| times[rows].to_vec()).collect()
        };
        self.targets.iter().map(inside).collect()
    }

    /// Names of the targets.
    pub(super) fn target_names(&self) -> Vec<String> {
        self.targets.iter().map(|&unit| self.names[unit].clone()).collect()
    }

    /// Targets of which only the names are known.
    pub(super) fn unread(names: &[String], grid: &BinGrid) -> Self {
        Self {
            names: names.to_vec(),
            times_s: vec![Vec::new(); names.len()],
            counts: vec![vec![f64::NAN; grid.n_bins()]; names.len()],
            events: Vec::new(),
            targets: (0..names.len()).collect(),
        }
    }

    fn detect(
        file: &NwbFile,
        signal: &str,
        asked: &[String],
        notices: &mut Vec<String>,
        watcher: Watcher,
    ) -> Result<Self> {
        if let Some(other) = asked.iter().find(|unit| *unit != DETECTED) {
            return Err(Error::argument(
                "unit",
                "`detected`, the one unit that --detect-spikes makes",
                format!("`{other}`"),
                "leave --detect-spikes out to use the units of the file, or give --unit detected",
            ));
        }
        let table = file.recording().of_kind(Kind::Units).next();
        if let Some(table) = table.filter(|_| asked.is_empty()) {
            return Err(Error::argument(
                "detect-spikes",
                "a file without a units table, or --unit detected",
                format!("the table {}", table.key),
                "leave --detect-spikes out to use the units of the file, or add --unit detected",
            ));
        }
        let times =
            detect_in_watched(&file.signal(signal)?, DEFAULT_DVDT_V_PER_S, DEFAULT_REFRACTORY_S, watcher)?;
        notices.push(format!(
            "{} spikes detected in {signal} (dV/dt above {DEFAULT_DVDT_V_PER_S} V/s, then {} ms without)",
            times.len(),
            DEFAULT_REFRACTORY_S * 1e3
        ));
        let (names, targets) = (vec![DETECTED.into()], vec![0]);
        Ok(Self { names, times_s: vec![times], counts: Vec::new(), events: Vec::new(), targets })
    }
}

/// Refuses what only a detection could give.
fn refuse_undetected(file: &NwbFile, asked: &[String]) -> Result<()> {
    let path = file.recording().path.display();
    if asked.iter().any(|unit| unit == DETECTED) {
        let help = "say in which voltage series: --detect-spikes SERIES";
        return Err(Error::argument("unit", "a unit of the file", format!("`{DETECTED}`"), help));
    }
    if file.recording().of_kind(Kind::Units).next().is_none() {
        let help = "detect the spikes of a voltage series: --detect-spikes SERIES";
        return Err(Error::argument("unit", "a units table", format!("none in {path}"), help));
    }
    Ok(())
}
