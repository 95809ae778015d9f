//! The table of tuning curves: `tables/tuning.csv`.

use super::fit::Fitting;
use super::tuning_curves::SeriesCurves;
use crate::Result;
use crate::write::table::{Values, csv_bytes};

/// One row per model, the fit first, series, target and bin; `None` without curves.
pub(super) fn bytes(curves: &[SeriesCurves], fitting: &Fitting) -> Result<Option<Vec<u8>>> {
    let [mut features, mut targets, mut models]: [Vec<String>; 3] = Default::default();
    let mut numbers: [Vec<f64>; 8] = Default::default();
    let compared = fitting.compared.iter().map(|compared| &compared.name);
    for (k, model) in std::iter::once(&fitting.name).chain(compared).enumerate() {
        for of_series in curves {
            for (target, name) in fitting.data.names.iter().enumerate() {
                let n = of_series.centres.len();
                features.extend(vec![of_series.label.clone(); n]);
                targets.extend(vec![name.clone(); n]);
                models.extend(vec![model.clone(); n]);
                numbers[0].extend(&of_series.edges[..n]);
                numbers[1].extend(&of_series.edges[1..]);
                numbers[2].extend(&of_series.centres);
                numbers[3].extend(&of_series.occupancy);
                numbers[4].extend(of_series.counts.row(target));
                numbers[5].extend(of_series.hz.row(target));
                numbers[6].extend(of_series.models[k].hz.row(target));
                numbers[7].extend(of_series.models[k].smoothed_hz.row(target));
            }
        }
    }
    if features.is_empty() {
        return Ok(None);
    }
    let titles =
        ["from", "to", "centre", "occupancy_samples", "spikes", "hz", "model_hz", "model_smoothed_hz"];
    let mut columns: Vec<(&str, Values)> =
        vec![("feature", Values::Texts(&features)), ("target", Values::Texts(&targets))];
    columns.extend(titles.into_iter().zip(numbers.iter().map(|column| column.as_slice().into())));
    columns.push(("model", Values::Texts(&models)));
    csv_bytes(&columns).map(Some)
}
