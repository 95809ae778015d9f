//! The table of tuning curves: `tables/tuning.csv`.

use super::tuning_curves::SeriesCurves;
use crate::Result;
use crate::write::table::{Values, csv_bytes};

/// One row per series, target and bin; `None` without curves.
pub(super) fn bytes(curves: &[SeriesCurves], targets: &[String]) -> Result<Option<Vec<u8>>> {
    let (mut features, mut names): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut numbers: [Vec<f64>; 8] = Default::default();
    for of_series in curves {
        for (target, name) in targets.iter().enumerate() {
            for (bin, &centre) in of_series.centres.iter().enumerate() {
                features.push(of_series.label.clone());
                names.push(name.clone());
                let row = [
                    of_series.edges[bin],
                    of_series.edges[bin + 1],
                    centre,
                    of_series.occupancy[bin],
                    of_series.counts[[target, bin]],
                    of_series.hz[[target, bin]],
                    of_series.models[0].hz[[target, bin]],
                    of_series.models[0].smoothed_hz[[target, bin]],
                ];
                numbers.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
            }
        }
    }
    if features.is_empty() {
        return Ok(None);
    }
    let titles =
        ["from", "to", "centre", "occupancy_samples", "spikes", "hz", "model_hz", "model_smoothed_hz"];
    let mut columns: Vec<(&str, Values)> =
        vec![("feature", Values::Texts(&features)), ("target", Values::Texts(&names))];
    columns.extend(titles.into_iter().zip(numbers.iter().map(|column| column.as_slice().into())));
    csv_bytes(&columns).map(Some)
}
