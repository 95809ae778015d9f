//! Files of a fit to labels that other fits do not have, or not so: the model, tables of bins, coefficients, confusion and calibration.

use super::super::fit::Fitting;
use super::OfClasses;
use crate::Result;
use crate::glm::{Reliability, reliability, reliability_of_weighted};
use crate::write::json::json_bytes;
use crate::write::save::Saver;
use crate::write::table::Values;

/// Stages them; the rest is that of all models.
pub(in super::super) fn stage(fitting: &Fitting, of_classes: &OfClasses, saver: &mut Saver) -> Result<()> {
    saver.stage("model.json", &json_bytes(&of_classes.model)?)?;
    bins(fitting, of_classes, saver)?;
    coefficients(of_classes, saver)?;
    confusions(of_classes, saver)?;
    calibration(fitting, of_classes, saver)
}

/// The reliability of the probabilities of a class in its used bins, with their weights.
pub(in super::super) fn reliability_of(fitting: &Fitting, class: usize) -> Vec<Reliability> {
    let data = &fitting.data;
    let bin = |&bin: &usize| (fitting.expected[class][bin], data.y.get(bin, class) > 0.0);
    let (used, weights) = (data.used(class), &data.row_terms.weights);
    let bins: Vec<(f64, bool)> = used.iter().map(bin).collect();
    match weights {
        Some(weights) => {
            reliability_of_weighted(&bins, &used.iter().map(|&bin| weights[bin]).collect::<Vec<f64>>())
        }
        None => reliability(&bins),
    }
}

/// One row per bin: time, epoch, whether it was used (of several targets by any, and then by each), and of every target the label,
/// also of bins that were not used, and the probability of each class.
fn bins(fitting: &Fitting, of_classes: &OfClasses, saver: &mut Saver) -> Result<()> {
    let data = &fitting.data;
    let rows: Vec<i64> = (0..data.n_bins() as i64).collect();
    let epochs = data.epoch_of_bins();
    let mut used = vec![0i64; data.n_bins()];
    data.parts.iter().flat_map(|part| &part.used).for_each(|&bin| used[bin] = 1);
    let used_names: Vec<String> = data.classes.iter().map(|own| format!("used_{}", own.name)).collect();
    let used_by = |first: usize| {
        let mut own = vec![0i64; data.n_bins()];
        data.used(first).iter().for_each(|&bin| own[bin] = 1);
        own
    };
    let used_by: Vec<Vec<i64>> = data.classes.iter().map(|own| used_by(own.targets.start)).collect();
    let names: Vec<String> = data.classes.iter().map(|own| format!("label_{}", own.name)).collect();
    let mut columns: Vec<(&str, Values)> = vec![("bin", Values::Integers(&rows))];
    if !data.centres_s.is_empty() {
        columns.push(("t_s", data.centres_s.as_slice().into()));
        columns.push(("epoch", Values::Integers(&epochs)));
    }
    columns.push(("used", Values::Integers(&used)));
    if data.classes.len() > 1 {
        let of_targets = used_names.iter().zip(&used_by);
        columns.extend(of_targets.map(|(name, own)| (name.as_str(), Values::Integers(own))));
    }
    for (((own, texts), name), of_probabilities) in
        data.classes.iter().zip(&of_classes.labels).zip(&names).zip(&of_classes.probability_names)
    {
        columns.push((name, Values::Texts(texts)));
        let values = fitting.expected[own.targets.clone()].iter().map(|own| own.view());
        columns.extend(of_probabilities.iter().map(String::as_str).zip(values.map(Values::Numbers)));
    }
    saver.stage_table("tables/bins.csv", &columns)
}

/// One row per target, feature and class, and of fits with an intercept one for that of each class.
fn coefficients(of_classes: &OfClasses, saver: &mut Saver) -> Result<()> {
    let fit = &of_classes.model.fit;
    let mut texts: [Vec<String>; 3] = Default::default();
    let mut numbers: [Vec<f64>; 4] = Default::default();
    for target in &fit.targets {
        let n_classes = target.n_classes();
        let (z, p) = (target.z(), target.p_values());
        for class in 0..if fit.has_intercept { n_classes } else { 0 } {
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

/// One row per target, label and most probable class.
fn confusions(of_classes: &OfClasses, saver: &mut Saver) -> Result<()> {
    let mut texts: [Vec<String>; 3] = Default::default();
    let mut counts: Vec<i64> = Vec::new();
    for (own, found) in of_classes.model.fit.targets.iter().zip(&of_classes.confusions) {
        for (label, row) in own.classes.iter().zip(&found.confusion) {
            for (class, &n_bins) in own.classes.iter().zip(row) {
                let row = [own.name.clone(), label.to_string(), class.to_string()];
                texts.iter_mut().zip(row).for_each(|(column, text)| column.push(text));
                counts.push(n_bins as i64);
            }
        }
    }
    let names = ["target", "label", "most_probable"].into_iter();
    let mut columns: Vec<(&str, Values)> = names.zip(texts.iter().map(|own| Values::Texts(own))).collect();
    columns.push(("n_bins", Values::Integers(&counts)));
    saver.stage_table("tables/confusion.csv", &columns)
}

/// One row per target, class and group of bins of like probability.
fn calibration(fitting: &Fitting, of_classes: &OfClasses, saver: &mut Saver) -> Result<()> {
    let mut texts: [Vec<String>; 2] = Default::default();
    let mut counts: Vec<i64> = Vec::new();
    let mut numbers: [Vec<f64>; 4] = Default::default();
    for (own, place) in of_classes.model.fit.targets.iter().zip(&fitting.data.classes) {
        for (label, class) in own.classes.iter().zip(place.targets.clone()) {
            for group in reliability_of(fitting, class) {
                let row = [own.name.clone(), label.to_string()];
                texts.iter_mut().zip(row).for_each(|(column, text)| column.push(text));
                counts.push(group.n_bins as i64);
                let row = [group.probability, group.share, group.low, group.high];
                numbers.iter_mut().zip(row).for_each(|(column, number)| column.push(number));
            }
        }
    }
    let names = ["target", "class"].into_iter();
    let mut columns: Vec<(&str, Values)> = names.zip(texts.iter().map(|own| Values::Texts(own))).collect();
    columns.push(("n_bins", Values::Integers(&counts)));
    let names = ["probability", "share", "low", "high"].into_iter();
    columns.extend(names.zip(numbers.iter().map(|own| own.as_slice().into())));
    saver.stage_table("tables/calibration.csv", &columns)
}
