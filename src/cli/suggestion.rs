//! A command that fits the file at hand, ready to paste.
//!
//! The first fit decides whether somebody stays: the epochs with most time in which a unit spikes and a series
//! runs, the unit with most spikes in them, the stimulus as the feature.

use super::inspect::{Facts, Inspection, Object, SeriesReport};
use super::shell::{option_words, quote, shell_word};
use crate::features::spike_detection::volts_per;
use crate::features::{DETECTED, INVALID_TIMES, Signal};
use crate::read::nwb::NwbFile;
use crate::recording::{IntervalTable, Kind, UnitsTable};

/// Epochs that a selector names, by start and stop.
struct Choice {
    selector: String,
    rows: Vec<(f64, f64)>,
}

impl Choice {
    fn seconds(&self) -> f64 {
        self.rows.iter().map(|(start, stop)| stop - start).sum()
    }

    fn longest_s(&self) -> f64 {
        self.rows.iter().map(|(start, stop)| stop - start).fold(0.0, f64::max)
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

/// The line `rheobase fit ..` for this file, or why there is nothing to fit.
pub(super) fn fit_line(file: &NwbFile, inspection: &Inspection) -> Result<String, String> {
    let units = file.units();
    let known = units.as_ref().ok();
    let choices = choices(file, inspection)?;
    let stimulus = feature(inspection);
    let reached = best(&choices, known, stimulus.map(|(_, series)| series));
    // a series that runs in no epoch explains nothing there
    let stimulus = stimulus.filter(|(_, series)| reached.is_none_or(|choice| choice.meets(series)));
    let choice = best(&choices, known, stimulus.map(|(_, series)| series));
    let file_name = match inspection.file.strip_prefix('-') {
        Some(_) => format!("./{}", inspection.file),
        None => inspection.file.clone(),
    };
    let mut words = vec!["rheobase".to_string(), "fit".into(), shell_word(&file_name)];
    if let Some(choice) = choice {
        words.extend(quoted_words("--epochs", &choice.selector));
    }
    match known.and_then(|units| busiest(units, choice)) {
        Some(id) => words.extend(option_words("--unit", &id.to_string())),
        None => words.extend(detection(inspection, &units)?),
    }
    let history = || history(choice);
    let feature = stimulus.map_or_else(history, |(object, series)| signal(object, series));
    words.extend(option_words("--bin", "1ms"));
    words.extend(quoted_words("--feature", &feature));
    Ok(words.join(" "))
}

/// An option with its value in quotes, needed or not, for who edits the line.
fn quoted_words(option: &str, value: &str) -> Vec<String> {
    if value.starts_with('-') { option_words(option, value) } else { vec![option.into(), quote(value)] }
}

/// The unit's own past, as much of it as the epochs allow.
fn history(choice: Option<&Choice>) -> String {
    let longest_s = choice.map_or(f64::INFINITY, Choice::longest_s);
    let window = if longest_s >= 0.4 { "200ms" } else { "20ms" };
    format!("spikes : raised-cosine-log({}, window={window})", if longest_s >= 0.4 { 8 } else { 4 })
}

/// The words that detect spikes where the units have none, or why that cannot be done.
fn detection(inspection: &Inspection, units: &crate::Result<UnitsTable>) -> Result<Vec<String>, String> {
    let has_table = inspection.objects.iter().any(|object| object.kind == Kind::Units.word());
    let Some((object, series)) = voltage(inspection) else {
        let units = match units {
            Ok(table) if table.n_units() == 0 => "the units table is empty".into(),
            Ok(_) => "no unit spikes in the epochs".into(),
            Err(error) if has_table => error.to_string(),
            Err(_) => "there is no units table".to_string(),
        };
        return Err(format!("{units}, and no series is a voltage in which spikes could be detected"));
    };
    let name = match series.columns.first() {
        Some(column) if series.columns.len() > 1 => format!("{}[{column}]", object.key),
        _ => object.key.clone(),
    };
    let mut words = option_words("--detect-spikes", &name);
    if has_table {
        words.extend(option_words("--unit", DETECTED));
    }
    Ok(words)
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

/// The membrane potential: an acquired series in volts, with one column before several.
fn voltage(inspection: &Inspection) -> Option<(&Object, &SeriesReport)> {
    let is_candidate = |(object, series): &(&Object, &SeriesReport)| {
        let is_one = series.columns.len() == 1 || object.type_name != "ElectricalSeries";
        is_voltage(series) && is_one && object.path.starts_with("/acquisition/")
    };
    let rank = |(object, series): &(&Object, &SeriesReport)| {
        (object.type_name != "CurrentClampSeries", series.columns.len() > 1)
    };
    usable(inspection).filter(is_candidate).min_by_key(rank)
}

fn is_voltage(series: &SeriesReport) -> bool {
    volts_per(&series.unit).is_some()
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

/// What the interval tables offer as epochs; none where there are no tables, and the whole recording is one.
fn choices(file: &NwbFile, inspection: &Inspection) -> Result<Vec<Choice>, String> {
    let (mut choices, mut broken) = (Vec::new(), None);
    for object in inspection.objects.iter().filter(|object| object.kind == Kind::Intervals.word()) {
        if object.key == INVALID_TIMES {
            continue;
        }
        match file.intervals(&object.path) {
            Ok(table) => choices.extend(choices_of(&table)),
            Err(error) => broken = Some(error),
        }
    }
    match broken {
        Some(error) if choices.is_empty() => Err(format!("the epochs cannot be read: {error}")),
        _ => Ok(choices),
    }
}

/// The epochs with most time among those with spikes and samples, else with most time.
fn best<'c>(
    choices: &'c [Choice],
    units: Option<&UnitsTable>,
    series: Option<&SeriesReport>,
) -> Option<&'c Choice> {
    let fits = |choice: &Choice| {
        let has_spikes =
            units.is_none_or(|units| units.spike_times.iter().any(|times| choice.n_inside(times) > 0));
        has_spikes && series.is_none_or(|series| choice.meets(series))
    };
    let rank = |choice: &Choice| (fits(choice), choice.seconds());
    // of equal ones the first
    choices.iter().reduce(|best, next| {
        let (a, b) = (rank(best), rank(next));
        if b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).is_gt() { next } else { best }
    })
}

/// Tags of the epochs table, or the table as a whole; without rows that are no epochs.
fn choices_of(table: &IntervalTable) -> Vec<Choice> {
    let choice = |selector: String, rows: &[usize]| {
        let epochs = rows.iter().filter_map(|&row| table.epoch(row));
        Choice { selector, rows: epochs.map(|epoch| (epoch.start_s, epoch.stop_s)).collect() }
    };
    let tags = if table.key == "epochs" { table.tags() } else { Vec::new() };
    let all: Vec<usize> = (0..table.n_rows()).collect();
    let choices: Vec<Choice> = match &tags[..] {
        [] => vec![choice(table.key.clone(), &all)],
        tags => tags.iter().map(|tag| choice(tag.clone(), &table.rows_tagged(tag))).collect(),
    };
    choices.into_iter().filter(|choice| !choice.rows.is_empty()).collect()
}

/// The unit with most spikes in the epochs, if it has any.
fn busiest(units: &UnitsTable, choice: Option<&Choice>) -> Option<i64> {
    let n_spikes = |times: &Vec<f64>| choice.map_or(times.len(), |choice| choice.n_inside(times));
    let counts = units.ids.iter().zip(&units.spike_times).map(|(&id, times)| (n_spikes(times), id));
    // of equal ones the first
    let best = counts.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.filter(|(n, _)| *n > 0).map(|(_, id)| id)
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
