//! A command that fits the file at hand, ready to paste.
//!
//! The first fit decides whether somebody stays: the epochs with most time in which a unit spikes and a series
//! runs, the unit with most spikes in them, the stimulus as the feature.

use super::inspect::{Facts, Inspection, Object, SeriesReport};
use super::shell::{quote, shell_word};
use crate::features::Signal;
use crate::read::nwb::NwbFile;
use crate::recording::{IntervalTable, UnitsTable};

/// The feature where no series can be one: the unit's own past.
const HISTORY: &str = "spikes : raised-cosine-log(8, window=200ms)";

/// Epochs that a selector names, by start and stop.
struct Choice {
    selector: String,
    rows: Vec<(f64, f64)>,
}

impl Choice {
    fn seconds(&self) -> f64 {
        self.rows.iter().map(|(start, stop)| stop - start).sum()
    }

    fn n_inside(&self, times: &[f64]) -> usize {
        let count = |&(start, stop): &(f64, f64)| {
            times.partition_point(|&time| time <= stop) - times.partition_point(|&time| time < start)
        };
        self.rows.iter().map(count).sum()
    }

    fn meets(&self, series: &SeriesReport) -> bool {
        let (Some(first), Some(last)) = (series.start_s, series.stop_s) else { return false };
        self.rows.iter().any(|&(start, stop)| start <= last && stop >= first)
    }
}

/// The line `rheobase fit ..` for this file.
pub(super) fn fit_line(file: &NwbFile, inspection: &Inspection) -> String {
    let feature = feature(inspection);
    let units = file.units().ok();
    let choice = choose(file, inspection, units.as_ref(), feature.as_ref().map(|(_, series)| *series));
    let mut line = format!("rheobase fit {}", shell_word(&inspection.file));
    if let Some(choice) = &choice {
        line = line + " --epochs " + &quote(&choice.selector);
    }
    match units.as_ref().and_then(|units| busiest(units, choice.as_ref())) {
        Some(id) => line = line + " --unit " + &id.to_string(),
        None => {
            if let Some(voltage) = voltage(inspection) {
                line = line + " --detect-spikes " + &shell_word(&voltage.key);
            }
        }
    }
    let feature = feature.map_or(HISTORY.to_string(), |(object, series)| signal(object, series));
    line + &format!(" --bin 1ms --feature {}", quote(&feature))
}

fn usable(inspection: &Inspection) -> impl Iterator<Item = (&Object, &SeriesReport)> {
    inspection.objects.iter().filter_map(|object| match &object.facts {
        Facts::Series(series) if series.n_samples > 1 && !series.columns.is_empty() => Some((object, series)),
        _ => None,
    })
}

/// The stimulus if there is one, else where the animal is, else any series that is not the recorded voltage.
fn feature(inspection: &Inspection) -> Option<(&Object, &SeriesReport)> {
    let rank = |object: &Object, series: &SeriesReport| {
        let is_stimulus =
            object.path.starts_with("/stimulus/presentation/") || object.type_name.contains("Stimulus");
        if is_stimulus {
            // an injected current before a command voltage
            Some(u8::from(is_voltage(series)))
        } else if object.type_name == "SpatialSeries" {
            Some(2)
        } else if !is_voltage(series) && object.type_name != "ElectricalSeries" {
            Some(3)
        } else {
            None
        }
    };
    let ranked =
        usable(inspection).filter_map(|(object, series)| Some((rank(object, series)?, object, series)));
    ranked.min_by_key(|(rank, _, _)| *rank).map(|(_, object, series)| (object, series))
}

/// The membrane potential: an acquired series in volts.
fn voltage(inspection: &Inspection) -> Option<&Object> {
    let is_candidate = |(object, series): &(&Object, &SeriesReport)| {
        is_voltage(series) && series.columns.len() == 1 && object.path.starts_with("/acquisition/")
    };
    let candidates = usable(inspection).filter(is_candidate);
    candidates.min_by_key(|(object, _)| object.type_name != "CurrentClampSeries").map(|(object, _)| object)
}

fn is_voltage(series: &SeriesReport) -> bool {
    matches!(series.unit.as_str(), "V" | "volt" | "volts" | "mV" | "millivolts")
}

/// A series as a feature: its first column where it has several, in units of ordinary size.
fn signal(object: &Object, series: &SeriesReport) -> String {
    let column = series.columns.first().filter(|_| series.columns.len() > 1).cloned();
    let signal = Signal::Series { name: object.key.clone(), column, resample: None }.name();
    let scale = match series.unit.as_str() {
        "A" | "ampere" | "amperes" => "*1e12",
        _ => "",
    };
    format!("{signal}{scale}")
}

/// The epochs with most time among those with spikes and samples, else with most time.
fn choose(
    file: &NwbFile,
    inspection: &Inspection,
    units: Option<&UnitsTable>,
    series: Option<&SeriesReport>,
) -> Option<Choice> {
    let mut choices = Vec::new();
    for object in &inspection.objects {
        let is_table = matches!(object.facts, Facts::Intervals { .. }) && object.key != "invalid_times";
        if is_table && let Ok(table) = file.intervals(&object.path) {
            choices.extend(choices_of(&table));
        }
    }
    let fits = |choice: &Choice| {
        let has_spikes =
            units.is_none_or(|units| units.spike_times.iter().any(|times| choice.n_inside(times) > 0));
        has_spikes && series.is_none_or(|series| choice.meets(series))
    };
    let rank = |choice: &Choice| (fits(choice), choice.seconds());
    // of equal ones the first
    choices.into_iter().reduce(|best, next| {
        let (a, b) = (rank(&best), rank(&next));
        if b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).is_gt() { next } else { best }
    })
}

/// Tags of the epochs table, or the table as a whole.
fn choices_of(table: &IntervalTable) -> Vec<Choice> {
    let choice = |selector: String, rows: &[usize]| Choice {
        selector,
        rows: rows.iter().map(|&row| (table.start_s[row], table.stop_s[row])).collect(),
    };
    let tags = if table.key == "epochs" { table.tags() } else { Vec::new() };
    if tags.is_empty() {
        let rows: Vec<usize> = (0..table.n_rows()).collect();
        return if rows.is_empty() { Vec::new() } else { vec![choice(table.key.clone(), &rows)] };
    }
    tags.into_iter().map(|tag| choice(tag.clone(), &table.rows_tagged(&tag))).collect()
}

/// The unit with most spikes in the epochs.
fn busiest(units: &UnitsTable, choice: Option<&Choice>) -> Option<i64> {
    let n_spikes = |times: &Vec<f64>| choice.map_or(times.len(), |choice| choice.n_inside(times));
    let counts = units.ids.iter().zip(&units.spike_times).map(|(&id, times)| (n_spikes(times), id));
    // of equal ones the first
    counts.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spikes_are_counted_inside_closed_epochs() {
        let choice = Choice { selector: "x".into(), rows: vec![(1.0, 2.0), (3.0, 4.0)] };
        assert_eq!(choice.n_inside(&[0.5, 1.0, 1.5, 2.0, 2.5, 4.0]), 4);
    }
}
