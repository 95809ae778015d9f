//! Model files of `NeMoS` 0.2.8: what `save_params` of its GLMs, populations and classifiers writes.
//!
//! Such a file is an npz archive of one small array per leaf of a tree; the name of an array is its path in the tree, pairs of
//! a kind of container and a key joined by `::` (`dict::strkey:regularizer::item::strkey:class`). `None` is stored as a single
//! NaN. It holds the model and its coefficients, in the order of the columns that were fitted, and nothing about them: no
//! names, no bin width, no features. Classes and links are names ([`NemosLink`]) that are looked up, never run, and arrays of
//! Python objects are refused ([`super::npz_entries`]).
//!
//! Coefficients of a tree of features (a `FeaturePytree`) come as one array per key, in the order of the keys.
//!
//! # Source
//! `NeMoS` 0.2.8, as it behaves; the golden file `tests/data/reference_nemos.json`, section `npz`.

mod classes;
mod model;
mod names;
mod source;

pub use classes::NemosLabels;
pub use model::{NemosCoef, NemosModel, NemosRegularizer};
pub use names::{NemosClass, NemosLink, NemosObservation};

use std::path::Path;

use ndarray::Array2;

use self::names::last;
use self::source::Source;
use super::npz::npz_names;
use super::npz_entries::Entry;
use crate::{Error, Result};

/// The array that tells a model from other npz files.
const MODEL_CLASS: &str = "item::strkey:model_class";

/// What to do about a file that another program changed.
const SAVE_AGAIN: &str = "save the fitted model again, with `model.save_params(path)` of NeMoS";

/// Whether an npz file holds a classifier of `NeMoS`; false for what cannot be read, about which whoever reads it says more.
pub fn is_nemos_classifier(path: &Path) -> bool {
    let is_one = || -> Result<bool> { Ok(is_nemos(path)? && class(&Source::read(path)?)?.is_classifier()) };
    is_one().unwrap_or(false)
}

/// Whether an npz file holds a model of `NeMoS`.
///
/// # Errors
/// [`Error::Io`] or [`Error::Format`] for a file that is no npz file.
pub fn is_nemos(path: &Path) -> Result<bool> {
    Ok(npz_names(path)?.iter().any(|name| name == MODEL_CLASS))
}

/// Reads a fitted `GLM`, `PopulationGLM`, `ClassifierGLM` or `ClassifierPopulationGLM`.
///
/// # Errors
/// [`Error::Io`] or [`Error::Format`] for a file that is no npz file or holds no model; [`Error::Object`] with the name of the
/// entry for one that is missing, an array of Python objects, a model that is not fitted or no GLM, shapes that do not belong
/// together, labels that are not as many as the classes or not ascending, and names of observation models and links that are not
/// those of `NeMoS`.
pub fn read_nemos(path: &Path) -> Result<NemosModel> {
    if !is_nemos(path)? {
        let names = npz_names(path)?;
        return Err(Error::Format {
            path: path.into(),
            expected: "a model that NeMoS saved".into(),
            found: format!("an npz file without the array {MODEL_CLASS} (it holds {})", names.join(", ")),
            help:
                "give a model.json that `rheobase fit --out` wrote, or a file of `model.save_params` of NeMoS"
                    .into(),
        });
    }
    let source = Source::read(path)?;
    let class = class(&source)?;
    let n_classes = if class.is_classifier() { classes::n_classes(&source)? } else { 0 };
    let labels = if n_classes > 0 { classes::labels(&source, n_classes)? } else { None };
    let coef = coef(&source, class, n_classes)?;
    // their number is known to be that of coefficients
    let classes = labels.unwrap_or_else(|| NemosLabels::Integers((0..n_classes as i64).collect()));
    let n_outputs = coef[0].values.ncols();
    let n_targets = n_outputs / n_classes.max(1);
    let of_intercept = match class {
        NemosClass::ClassifierPopulationGlm => vec![n_targets, n_classes],
        _ => vec![n_outputs],
    };
    let intercept = per_target(&source, "intercept_", &of_intercept)?;
    let scale = per_target(&source, "scale_", &[n_targets])?;
    let dof_resid = per_target(&source, "dof_resid_", &[n_targets])?;
    let model = NemosModel {
        class,
        observation: if class.is_classifier() {
            NemosObservation::Categorical
        } else {
            observation(&source)?
        },
        link: link(&source, class)?,
        classes,
        regularizer: regularizer(&source)?,
        solver: source.text("item::strkey:solver_name", "the name of a solver")?.into(),
        solver_options: source.below("dict::strkey:solver_kwargs::"),
        feature_mask: feature_mask(&source, &coef, n_classes)?,
        coef,
        intercept,
        scale,
        dof_resid,
        versions: versions(&source),
    };
    Ok(model)
}

fn class(source: &Source) -> Result<NemosClass> {
    let name = source.text(MODEL_CLASS, "the name of a class")?;
    NemosClass::by_name(name).ok_or_else(|| {
        let expected = NemosClass::ALL.map(|class| last(class.name())).join(" or ");
        let help = "classes of your own stay with NeMoS; refit with one of these";
        source.wrong(MODEL_CLASS, &expected, &format!("{name:?}"), help)
    })
}

fn observation(source: &Source) -> Result<NemosObservation> {
    let key = "dict::strkey:observation_model::item::strkey:class";
    let name = source.text(key, "the name of an observation model")?;
    match NemosObservation::by_name(name) {
        Some(NemosObservation::NegativeBinomial { .. }) => {
            let key = "dict::strkey:observation_model::dict::strkey:params::item::strkey:scale";
            let entry = source.need(key, "the dispersion, a number above 0")?;
            match entry.number() {
                Some(scale) if scale > 0.0 && scale.is_finite() => {
                    Ok(NemosObservation::NegativeBinomial { scale })
                }
                _ => {
                    Err(source.wrong(key, "the dispersion, a number above 0", &entry.describe(), SAVE_AGAIN))
                }
            }
        }
        Some(model) => Ok(model),
        None => {
            let known = NemosObservation::ALL.map(|model| last(model.name())).join(", ");
            let help = "a class of your own stays with NeMoS, and one of categories is for its classifiers";
            Err(source.wrong(key, &format!("one of {known}"), &format!("{name:?}"), help))
        }
    }
}

fn link(source: &Source, class: NemosClass) -> Result<NemosLink> {
    let key = "item::strkey:inverse_link_function";
    let name = source.text(key, "the name of an inverse link")?;
    let is_of_class = |link: &NemosLink| class.is_classifier() == (*link == NemosLink::LogSoftmax);
    NemosLink::by_name(name).filter(is_of_class).ok_or_else(|| {
        let known = if class.is_classifier() {
            NemosLink::LogSoftmax.name().to_string()
        } else {
            NemosLink::names().join(", ")
        };
        let help = "functions of your own are never run; refit with one of these links";
        source.wrong(key, &format!("one of {known}"), &format!("{name:?}"), help)
    })
}

fn regularizer(source: &Source) -> Result<NemosRegularizer> {
    let key = "dict::strkey:regularizer::item::strkey:class";
    let name = source.text(key, "the name of a regularizer")?;
    // strengths that are a tree of their own are not kept: they are for fits, not for predictions
    let strength =
        || source.find("item::strkey:regularizer_strength").cloned().unwrap_or(Entry::from(f64::NAN));
    let of_pair = |k: usize| {
        let entry = source.find(&format!("tuple::strkey:regularizer_strength::item::{k}"));
        entry.cloned().unwrap_or(Entry::from(f64::NAN))
    };
    Ok(match last(name) {
        "UnRegularized" => NemosRegularizer::UnRegularized,
        "Ridge" => NemosRegularizer::Ridge { strength: strength() },
        "Lasso" => NemosRegularizer::Lasso { strength: strength() },
        "ElasticNet" => NemosRegularizer::ElasticNet { strength: of_pair(0), ratio: of_pair(1) },
        "GroupLasso" => {
            let mask = source.find("dict::strkey:regularizer::dict::strkey:params::item::strkey:mask");
            let mask = mask.filter(|mask| !mask.is_nothing()).cloned();
            NemosRegularizer::GroupLasso { strength: strength(), mask }
        }
        _ => NemosRegularizer::Own { class: name.into() },
    })
}

/// The coefficients, one array of shape (columns, outputs) or one per key in the order of the keys.
fn coef(source: &Source, class: NemosClass, n_classes: usize) -> Result<Vec<NemosCoef>> {
    const ONE: &str = "item::strkey:coef_";
    const MANY: &str = "dict::strkey:coef_::";
    let matrix = |name: &str, entry: &Entry| -> Result<Array2<f64>> {
        let shape = match (class, &entry.shape[..]) {
            (NemosClass::Glm, &[n_columns]) => (n_columns, 1),
            (NemosClass::PopulationGlm, &[n_columns, n_targets]) => (n_columns, n_targets),
            (NemosClass::ClassifierGlm, &[n_columns, n]) if n == n_classes => (n_columns, n),
            (NemosClass::ClassifierPopulationGlm, &[n_columns, n_targets, n]) if n == n_classes => {
                (n_columns, n_targets * n)
            }
            _ => (0, 0),
        };
        let values = entry.numbers().filter(|values| shape != (0, 0) && !values.is_empty());
        values.and_then(|values| Array2::from_shape_vec(shape, values).ok()).ok_or_else(|| {
            let expected = match class {
                NemosClass::Glm => "numbers of shape (columns)",
                NemosClass::PopulationGlm => "numbers of shape (columns, neurons)",
                NemosClass::ClassifierGlm => "numbers of shape (columns, classes)",
                NemosClass::ClassifierPopulationGlm => "numbers of shape (columns, neurons, classes)",
            };
            source.wrong(name, expected, &entry.describe(), SAVE_AGAIN)
        })
    };
    let mut of_keys = source.below(MANY);
    if of_keys.is_empty() {
        let entry = source.need(ONE, "the coefficients")?;
        if entry.is_nothing() {
            let help = "fit the model before saving it: `model.fit(X, y)`";
            return Err(source.wrong(ONE, "coefficients", "none: the model is not fitted", help));
        }
        return Ok(vec![NemosCoef { key: None, values: matrix(ONE, entry)? }]);
    }
    of_keys.sort_by(|a, b| a.0.cmp(&b.0));
    let mut coef: Vec<NemosCoef> = Vec::with_capacity(of_keys.len());
    for (key, entry) in of_keys {
        let name = format!("{MANY}item::strkey:{key}");
        if key.contains("::") {
            let help = "give NeMoS a FeaturePytree of arrays, without trees in it";
            return Err(source.wrong(&format!("{MANY}{key}"), "an array per key", "a tree", help));
        }
        let values = matrix(&name, &entry)?;
        let n_targets = coef.first().map_or(values.ncols(), |first| first.values.ncols());
        if values.ncols() != n_targets {
            let expected = format!("{n_targets} neurons, as in the key before it");
            return Err(source.wrong(&name, &expected, &values.ncols().to_string(), SAVE_AGAIN));
        }
        coef.push(NemosCoef { key: Some(key), values });
    }
    Ok(coef)
}

/// One number for each target, of a shape of these; a single one is for all of them.
fn per_target(source: &Source, attribute: &str, shape: &[usize]) -> Result<Vec<f64>> {
    let key = format!("item::strkey:{attribute}");
    // an intercept is never shared
    let or_one = if attribute == "intercept_" { "" } else { ", or a single one" };
    let expected = format!("numbers of shape {shape:?}, one for each neuron{or_one}");
    let entry = source.need(&key, &expected)?;
    match entry.numbers() {
        Some(values) if entry.shape == shape => Ok(values),
        Some(values) if entry.shape.is_empty() && !or_one.is_empty() => {
            Ok(vec![values[0]; shape.iter().product()])
        }
        _ => Err(source.wrong(&key, &expected, &entry.describe(), SAVE_AGAIN)),
    }
}

/// Which coefficients of a population count, shape (columns, outputs), 1 or 0; `None` if all do.
fn feature_mask(source: &Source, coef: &[NemosCoef], n_classes: usize) -> Result<Option<Array2<f64>>> {
    const ONE: &str = "item::strkey:feature_mask";
    let n_outputs = coef[0].values.ncols();
    let n_columns = coef.iter().map(|own| own.values.nrows()).sum();
    // of a classifier every class has its own
    let shape = |n_columns: usize| match n_classes {
        0 => vec![n_columns, n_outputs],
        n => vec![n_columns, n_outputs / n, n],
    };
    let binary = |name: &str, entry: &Entry, shape: &[usize]| -> Result<Vec<f64>> {
        let values = entry.numbers().filter(|_| entry.shape == shape);
        values.filter(|values| values.iter().all(|x| [0.0, 1.0].contains(x))).ok_or_else(|| {
            let expected = format!("zeros and ones of shape {shape:?}");
            source.wrong(name, &expected, &entry.describe(), SAVE_AGAIN)
        })
    };
    let mut mask = Array2::ones((n_columns, n_outputs));
    let mut of_keys = source.below("dict::strkey:feature_mask::").into_iter().peekable();
    if of_keys.peek().is_some() {
        for (key, entry) in of_keys {
            let name = format!("dict::strkey:feature_mask::item::strkey:{key}");
            let Some(place) = coef.iter().position(|coef| coef.key.as_ref() == Some(&key)) else {
                return Err(source.wrong(&name, "a key of coef_", &format!("{key:?}"), SAVE_AGAIN));
            };
            let first: usize = coef[..place].iter().map(|own| own.values.nrows()).sum();
            let n_own = coef[place].values.nrows();
            // without classes a key counts for a target or it does not
            let of_key = if n_classes == 0 { vec![n_outputs] } else { shape(n_own) };
            let own = binary(&name, &entry, &of_key)?;
            for (k, column) in (first..first + n_own).enumerate() {
                let row = if n_classes == 0 { 0 } else { k * n_outputs };
                mask.row_mut(column).assign(&ndarray::ArrayView1::from(&own[row..row + n_outputs]));
            }
        }
        return Ok(Some(mask));
    }
    match source.find(ONE) {
        Some(entry) if !entry.is_nothing() => {
            let values = binary(ONE, entry, &shape(n_columns))?;
            mask.iter_mut().zip(values).for_each(|(mask, value)| *mask = value);
            Ok(Some(mask))
        }
        _ => Ok(None),
    }
}

/// Versions of the packages that wrote the file.
fn versions(source: &Source) -> Vec<(String, String)> {
    let entries = source.below("dict::strkey:save_metadata::").into_iter();
    entries.filter_map(|(name, version)| Some((name, version.text()?.to_string()))).collect()
}
