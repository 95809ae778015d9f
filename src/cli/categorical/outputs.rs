//! Files of a fit to labels: `fit.json`, `model.json` and the tables.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::super::progress::Progress;
use super::applied::Probabilities;
use super::fit::Fitting;
use crate::Result;
use crate::math::dense::Matrix;
use crate::write::json::json_bytes;
use crate::write::save::Saver;
use crate::write::table::Values;

/// Writes everything into `folder`, `fit.json`, which names all, last.
pub(super) fn write(
    folder: &Path,
    fitting: &Fitting,
    document: Map<String, Value>,
    progress: &Progress,
) -> Result<Vec<PathBuf>> {
    progress.stage("writing tables", None);
    let mut saver = Saver::open(folder)?;
    saver.stage("model.json", &json_bytes(&fitting.model)?)?;
    bins(fitting, &mut saver)?;
    coefficients(fitting, &mut saver)?;
    saver.finish(document)
}

/// One row per bin: time, epoch, whether it was used (of several targets by any, and then by each), and of every target the label,
/// also of bins that were not used, and the probability of each class.
fn bins(fitting: &Fitting, saver: &mut Saver) -> Result<()> {
    let data = &fitting.data;
    let rows: Vec<i64> = (0..data.n_bins() as i64).collect();
    let epochs = data.epoch_of_bins();
    let mut used = vec![0i64; data.n_bins()];
    data.parts.iter().flat_map(|part| &part.used).for_each(|&bin| used[bin] = 1);
    let all = &fitting.probabilities;
    let values: Vec<Matrix> = all.iter().map(Probabilities::values).collect();
    let texts: Vec<Vec<String>> =
        (0..data.names.len()).map(|target| fitting.labels.texts(data, target)).collect();
    let used_names: Vec<String> = data.names.iter().map(|name| format!("used_{name}")).collect();
    let used_by: Vec<Vec<i64>> = (0..data.names.len())
        .map(|target| {
            let mut own = vec![0; data.n_bins()];
            data.used(target).iter().for_each(|&bin| own[bin] = 1);
            own
        })
        .collect();
    let names: Vec<String> = data.names.iter().map(|name| format!("label_{name}")).collect();
    let mut columns: Vec<(&str, Values)> = vec![("bin", Values::Integers(&rows))];
    if !data.centres_s.is_empty() {
        columns.push(("t_s", data.centres_s.as_slice().into()));
        columns.push(("epoch", Values::Integers(&epochs)));
    }
    columns.push(("used", Values::Integers(&used)));
    if data.names.len() > 1 {
        let of_targets = used_names.iter().zip(&used_by);
        columns.extend(of_targets.map(|(name, own)| (name.as_str(), Values::Integers(own))));
    }
    for (((own, values), texts), name) in all.iter().zip(&values).zip(&texts).zip(&names) {
        columns.push((name, Values::Texts(texts)));
        for (name, column) in own.names.iter().zip(values.columns()) {
            columns.push((name, Values::Numbers(column)));
        }
    }
    saver.stage_table("tables/bins.csv", &columns)
}

/// One row per target, feature and class.
fn coefficients(fitting: &Fitting, saver: &mut Saver) -> Result<()> {
    let fit = &fitting.model.fit;
    let mut texts: [Vec<String>; 3] = Default::default();
    let mut numbers: [Vec<f64>; 4] = Default::default();
    for target in &fit.targets {
        let n_classes = target.n_classes();
        let (z, p) = (target.z(), target.p_values());
        for class in 0..n_classes {
            let (value, error) = (target.intercept[class], target.intercept_standard_error[class]);
            let row = [target.name.clone(), "intercept".into(), target.classes[class].to_string()];
            texts.iter_mut().zip(row).for_each(|(column, text)| column.push(text));
            let row = [value, error, f64::NAN, f64::NAN];
            numbers.iter_mut().zip(row).for_each(|(column, number)| column.push(number));
        }
        for k in 0..target.coef.len() {
            let (column, class) = (k / n_classes, k % n_classes);
            let row = [target.name.clone(), fit.labels[column].clone(), target.classes[class].to_string()];
            texts.iter_mut().zip(row).for_each(|(column, text)| column.push(text));
            let row = [target.coef[k], target.standard_errors[k], z[k], p[k]];
            numbers.iter_mut().zip(row).for_each(|(column, number)| column.push(number));
        }
    }
    let names = ["target", "feature", "class"].into_iter().zip(texts.iter().map(|own| Values::Texts(own)));
    let values = ["coefficient", "standard_error", "z", "p_value"].into_iter();
    let columns: Vec<(&str, Values)> =
        names.chain(values.zip(numbers.iter().map(|own| own.as_slice().into()))).collect();
    saver.stage_table("tables/coefficients.csv", &columns)
}
