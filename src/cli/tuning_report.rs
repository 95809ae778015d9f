//! Tuning curves as text, JSON and CSV.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::tuning::{Tuned, Tuning};
use crate::write::model::SCHEMA;
use crate::write::table::{Values, csv_bytes, terminal_table};
use crate::{Result, number};

/// Units whose curves are printed whole; of more, one line each.
const SHOWN_WHOLE: usize = 4;

impl Tuned {
    fn n_cells(&self) -> usize {
        self.curves.occupancy.len()
    }

    /// Bins of a cell along the features; the last runs fastest.
    fn bins_of(&self, cell: usize) -> Vec<usize> {
        let mut rest = cell;
        let mut bins: Vec<usize> = self
            .curves
            .edges
            .iter()
            .rev()
            .map(|edges| {
                let n_bins = edges.len() - 1;
                let bin = rest % n_bins;
                rest /= n_bins;
                bin
            })
            .collect();
        bins.reverse();
        bins
    }

    fn occupancy(&self) -> Vec<f64> {
        self.curves.occupancy.iter().copied().collect()
    }

    fn occupancy_s(&self) -> Vec<f64> {
        self.curves.occupancy.iter().map(|n| n / self.curves.fs_hz).collect()
    }

    /// Spikes of a unit in every cell.
    fn counts(&self, unit: usize) -> Vec<f64> {
        self.curves
            .counts
            .outer_iter()
            .nth(unit)
            .map_or(Vec::new(), |counts| counts.iter().copied().collect())
    }

    /// Rate of a unit in every cell, Hz.
    fn hz(&self, unit: usize) -> Vec<f64> {
        self.curves
            .values
            .outer_iter()
            .nth(unit)
            .map_or(Vec::new(), |values| values.iter().copied().collect())
    }
}

/// The result as JSON; maps are flat, the second feature running fastest.
pub(super) fn document(tuning: &Tuning) -> Map<String, Value> {
    let mut document = Map::new();
    let mut add = |name: &str, value: Value| drop(document.insert(name.into(), value));
    add("schema", SCHEMA.into());
    add("version", env!("CARGO_PKG_VERSION").into());
    add("command", tuning.command.clone().into());
    add("input", json!(tuning.input));
    let epochs = tuning.selection.support.iter().map(|(start, stop)| json!([start, stop]));
    add("epochs_s", epochs.collect());
    add("curves", tuning.tuned.iter().map(|tuned| curve(tuned, &tuning.selection.names)).collect());
    add("notices", json!(tuning.selection.notices));
    document
}

fn curve(tuned: &Tuned, names: &[String]) -> Value {
    let list = |values: Vec<f64>| -> Value { values.into_iter().map(number::to_value).collect() };
    let feature = |(label, edges): (&String, &Vec<f64>)| json!({"name": label, "edges": edges});
    let unit = |(k, name): (usize, &String)| {
        json!({
            "name": name,
            "spike_counts": list(tuned.counts(k)),
            "hz": list(tuned.hz(k)),
            "bits_per_s": number::to_value(tuned.information[k].bits_per_s),
            "bits_per_spike": number::to_value(tuned.information[k].bits_per_event),
        })
    };
    json!({
        "features": tuned.labels.iter().zip(&tuned.curves.edges).map(feature).collect::<Value>(),
        "n_samples": tuned.n_samples,
        "fs_hz": number::to_value(tuned.curves.fs_hz),
        "occupancy_samples": list(tuned.occupancy()),
        "occupancy_s": list(tuned.occupancy_s()),
        "targets": names.iter().enumerate().map(unit).collect::<Value>(),
    })
}

/// One row per curve, unit and bin; for maps the columns of the second feature end in `_2`.
pub(super) fn csv(tuning: &Tuning) -> Result<Vec<u8>> {
    let n_features = tuning.tuned.first().map_or(0, |tuned| tuned.labels.len());
    let mut features = vec![Vec::new(); n_features];
    let mut places = vec![Vec::new(); 3 * n_features];
    let mut targets = Vec::new();
    let mut numbers = vec![Vec::new(); 4];
    for tuned in &tuning.tuned {
        let (occupancy, occupancy_s) = (tuned.occupancy(), tuned.occupancy_s());
        let centres = tuned.curves.centres();
        for (k, name) in tuning.selection.names.iter().enumerate() {
            let (counts, hz) = (tuned.counts(k), tuned.hz(k));
            for cell in 0..tuned.n_cells() {
                for (side, bin) in tuned.bins_of(cell).into_iter().enumerate() {
                    let edges = &tuned.curves.edges[side];
                    features[side].push(tuned.labels[side].clone());
                    let place = [edges[bin], edges[bin + 1], centres[side][bin]];
                    places[3 * side..].iter_mut().zip(place).for_each(|(column, x)| column.push(x));
                }
                targets.push(name.clone());
                let row = [occupancy[cell], occupancy_s[cell], counts[cell], hz[cell]];
                numbers.iter_mut().zip(row).for_each(|(column, x)| column.push(x));
            }
        }
    }
    let side =
        |name: &str, side: usize| if side == 0 { name.to_string() } else { format!("{name}_{}", side + 1) };
    let feature_names: Vec<String> = (0..n_features).map(|k| side("feature", k)).collect();
    let place_names: Vec<String> =
        (0..n_features).flat_map(|k| ["from", "to", "centre"].map(|name| side(name, k))).collect();
    let mut columns: Vec<(&str, Values)> = Vec::new();
    columns.extend(feature_names.iter().map(String::as_str).zip(features.iter().map(|f| Values::Texts(f))));
    columns.push(("target", Values::Texts(&targets)));
    columns.extend(place_names.iter().map(String::as_str).zip(places.iter().map(|x| x.as_slice().into())));
    let names = ["occupancy_samples", "occupancy_s", "spikes", "hz"];
    columns.extend(names.into_iter().zip(numbers.iter().map(|x| x.as_slice().into())));
    csv_bytes(&columns)
}

/// What people see.
pub(super) fn text(tuning: &Tuning) -> String {
    let support = &tuning.selection.support;
    let epochs = if support.len() == 1 { "1 epoch".into() } else { format!("{} epochs", support.len()) };
    let mut text = format!("{}: {epochs}, {:.2} s\n", tuning.input.path.display(), support.tot_length());
    let names = &tuning.selection.names;
    for tuned in &tuning.tuned {
        // writing to a string cannot fail, here and below
        let _ = writeln!(
            text,
            "\n{}: {} samples, {:.6} per second",
            tuned.labels.join(" x "),
            tuned.n_samples,
            tuned.curves.fs_hz
        );
        if names.len() > SHOWN_WHOLE {
            text.push_str(&overview(tuned, names));
            continue;
        }
        for (k, name) in names.iter().enumerate() {
            text.push_str(&whole(tuned, k, name));
        }
    }
    text
}

/// A value with as many digits as tell it from others of its kind.
fn rounded(x: f64, others: &[f64]) -> String {
    let largest = others.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    if (0.1..1e7).contains(&largest) || largest == 0.0 { format!("{x:.4}") } else { format!("{x:.4e}") }
}

/// The curve of one unit.
fn whole(tuned: &Tuned, unit: usize, name: &str) -> String {
    let (occupancy, occupancy_s) = (tuned.occupancy(), tuned.occupancy_s());
    let (counts, hz) = (tuned.counts(unit), tuned.hz(unit));
    // most cells of a map may be empty
    let is_shown = |cell: &usize| tuned.labels.len() == 1 || occupancy[*cell] > 0.0;
    let row = |cell: usize| {
        let ends = tuned.bins_of(cell).into_iter().zip(&tuned.curves.edges);
        let mut row: Vec<String> =
            ends.flat_map(|(bin, edges)| [edges[bin], edges[bin + 1]].map(|x| rounded(x, edges))).collect();
        row.push(occupancy[cell].to_string());
        row.push(format!("{:.4}", occupancy_s[cell]));
        row.push(counts[cell].to_string());
        row.push(if hz[cell].is_nan() { "-".into() } else { format!("{:.4}", hz[cell]) });
        row
    };
    let shown: Vec<usize> = (0..tuned.n_cells()).filter(is_shown).collect();
    let rows: Vec<Vec<String>> = shown.iter().map(|&cell| row(cell)).collect();
    let sides: Vec<String> =
        tuned.labels.iter().flat_map(|label| [format!("{label} from"), "to".into()]).collect();
    let mut header: Vec<&str> = sides.iter().map(String::as_str).collect();
    header.extend(["samples", "s", "spikes", "Hz"]);
    let mut text = format!("\nunit {name}: {} spikes\n", counts.iter().sum::<f64>());
    let _ = writeln!(text, "{}", terminal_table(&header, &rows, None).trim_end());
    if shown.len() < tuned.n_cells() {
        let _ = writeln!(text, "{} bins without a sample are left out", tuned.n_cells() - shown.len());
    }
    let information = tuned.information[unit];
    let _ = writeln!(
        text,
        "mutual information {:.6} bits/s, {:.6} bits/spike",
        information.bits_per_s, information.bits_per_event
    );
    text
}

/// One line for each unit.
fn overview(tuned: &Tuned, names: &[String]) -> String {
    let centres = tuned.curves.centres();
    let row = |(k, name): (usize, &String)| {
        let hz = tuned.hz(k);
        let known = (0..hz.len()).filter(|&cell| !hz[cell].is_nan());
        let peak = known.reduce(|best, cell| if hz[cell] > hz[best] { cell } else { best });
        let at = peak.map_or(Vec::new(), |cell| tuned.bins_of(cell));
        let at: Vec<String> =
            at.into_iter().zip(&centres).map(|(bin, centres)| rounded(centres[bin], centres)).collect();
        vec![
            name.clone(),
            tuned.counts(k).iter().sum::<f64>().to_string(),
            peak.map_or("-".into(), |cell| format!("{:.4}", hz[cell])),
            at.join(", "),
            format!("{:.6}", tuned.information[k].bits_per_s),
            format!("{:.6}", tuned.information[k].bits_per_event),
        ]
    };
    let rows: Vec<Vec<String>> = names.iter().enumerate().map(row).collect();
    let header = ["unit", "spikes", "peak (Hz)", "at", "bits/s", "bits/spike"];
    format!("{}\n", terminal_table(&header, &rows, None).trim_end())
}
