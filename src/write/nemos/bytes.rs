//! The arrays of a model file.

use crate::Result;
use crate::read::nemos::{
    NemosClass, NemosCoef, NemosLabels, NemosModel, NemosObservation, NemosRegularizer,
};
use crate::read::npz_entries::{Entry, EntryValues};
use crate::write::npz::{Array, npz_bytes};

/// The bytes of the npz file, the same for the same model.
///
/// # Errors
/// [`crate::Error::Argument`] if two keys of a tree of features are the same.
pub fn nemos_bytes(model: &NemosModel) -> Result<Vec<u8>> {
    let entries = nemos_entries(model);
    let arrays: Vec<(&str, Array)> =
        entries.iter().map(|(name, entry)| (name.as_str(), Array::Entry(entry))).collect();
    npz_bytes(&arrays)
}

/// All arrays with their names, in the order of `NeMoS`: settings by name, what was fitted, versions, class.
pub fn nemos_entries(model: &NemosModel) -> Vec<(String, Entry)> {
    let mut entries: Vec<(String, Entry)> = Vec::new();
    let mut add = |name: &str, entry: Entry| entries.push((name.into(), entry));
    if model.class.is_population() {
        add_feature_mask(model, &mut add);
    }
    add("item::strkey:inverse_link_function", model.link.name().into());
    if model.class.is_classifier() {
        add("item::strkey:n_classes", integers(Vec::new(), vec![model.classes.n() as i64]));
    } else {
        add("dict::strkey:observation_model::item::strkey:class", model.observation.name().into());
    }
    if let NemosObservation::NegativeBinomial { scale } = model.observation {
        let name = "dict::strkey:observation_model::dict::strkey:params::item::strkey:scale";
        add(name, scale.into());
    }
    add_regularizer(&model.regularizer, &mut add);
    if model.solver_options.is_empty() {
        add("item::strkey:solver_kwargs", nothing());
    }
    for (name, option) in &model.solver_options {
        add(&format!("dict::strkey:solver_kwargs::item::strkey:{name}"), option.clone());
    }
    add("item::strkey:solver_name", model.solver.as_str().into());
    if model.class.is_classifier() {
        add_classes(&model.classes, &mut add);
    }
    add("item::strkey:aux_", nothing());
    for own in &model.coef {
        let name = match &own.key {
            None => "item::strkey:coef_".to_string(),
            Some(key) => format!("dict::strkey:coef_::item::strkey:{key}"),
        };
        add(&name, Entry::numbers_of(coef_shape(model, own), own.values.iter().copied()));
    }
    add("item::strkey:dof_resid_", dof_resid(model));
    let of_intercept = match model.class {
        NemosClass::ClassifierPopulationGlm => vec![model.n_targets(), model.classes.n()],
        _ => vec![model.n_outputs()],
    };
    add("item::strkey:intercept_", Entry::numbers_of(of_intercept, model.intercept.clone()));
    add("item::strkey:scale_", scale(model));
    for (package, version) in &model.versions {
        add(&format!("dict::strkey:save_metadata::item::strkey:{package}"), version.as_str().into());
    }
    add("item::strkey:model_class", model.class.name().into());
    entries
}

/// What `None` is stored as.
fn nothing() -> Entry {
    f64::NAN.into()
}

fn add_feature_mask(model: &NemosModel, add: &mut impl FnMut(&str, Entry)) {
    let mut first = 0;
    for own in &model.coef {
        let rows = first..first + own.values.nrows();
        first = rows.end;
        let Some(mask) = &model.feature_mask else { continue };
        if let Some(key) = &own.key {
            let name = format!("dict::strkey:feature_mask::item::strkey:{key}");
            if model.class.is_classifier() {
                let values = rows.flat_map(|row| mask.row(row).to_vec());
                add(&name, Entry::numbers_of(coef_shape(model, own), values));
            } else {
                // a key counts for a target or it does not
                let values = mask.row(rows.start).to_vec();
                add(&name, Entry::numbers_of([values.len()], values));
            }
        } else {
            let values = mask.iter().copied();
            add("item::strkey:feature_mask", Entry::numbers_of(coef_shape(model, own), values));
        }
    }
    if model.feature_mask.is_none() {
        add("item::strkey:feature_mask", nothing());
    }
}

fn add_regularizer(regularizer: &NemosRegularizer, add: &mut impl FnMut(&str, Entry)) {
    let class = match regularizer {
        NemosRegularizer::UnRegularized => "nemos.regularizer.UnRegularized",
        NemosRegularizer::Ridge { .. } => "nemos.regularizer.Ridge",
        NemosRegularizer::Lasso { .. } => "nemos.regularizer.Lasso",
        NemosRegularizer::ElasticNet { .. } => "nemos.regularizer.ElasticNet",
        NemosRegularizer::GroupLasso { .. } => "nemos.regularizer.GroupLasso",
        NemosRegularizer::Own { class } => class,
    };
    add("dict::strkey:regularizer::item::strkey:class", class.into());
    if let NemosRegularizer::GroupLasso { mask, .. } = regularizer {
        let name = "dict::strkey:regularizer::dict::strkey:params::item::strkey:mask";
        add(name, mask.clone().unwrap_or_else(nothing));
    }
    match regularizer {
        NemosRegularizer::ElasticNet { strength, ratio } => {
            add("tuple::strkey:regularizer_strength::item::0", strength.clone());
            add("tuple::strkey:regularizer_strength::item::1", ratio.clone());
        }
        NemosRegularizer::Ridge { strength }
        | NemosRegularizer::Lasso { strength }
        | NemosRegularizer::GroupLasso { strength, .. } => {
            add("item::strkey:regularizer_strength", strength.clone());
        }
        NemosRegularizer::UnRegularized | NemosRegularizer::Own { .. } => {
            add("item::strkey:regularizer_strength", nothing());
        }
    }
}

/// Coefficients of one target have one dimension less, those of classes one more.
fn coef_shape(model: &NemosModel, own: &NemosCoef) -> Vec<usize> {
    let (n_columns, n_outputs) = own.values.dim();
    match model.class {
        NemosClass::Glm => vec![n_columns],
        NemosClass::PopulationGlm | NemosClass::ClassifierGlm => vec![n_columns, n_outputs],
        NemosClass::ClassifierPopulationGlm => vec![n_columns, model.n_targets(), model.classes.n()],
    }
}

fn integers(shape: Vec<usize>, values: Vec<i64>) -> Entry {
    Entry { shape, values: EntryValues::Integers(values) }
}

/// The labels, and the number of each. `NeMoS` leaves the numbers out where labels are 0, 1, .., and cannot score what it loads
/// then; other whole numbers it writes as keys that it cannot load. As plain integers they are loaded and scored.
fn add_classes(classes: &NemosLabels, add: &mut impl FnMut(&str, Entry)) {
    let (keys, values): (Vec<String>, EntryValues) = match classes {
        NemosLabels::Integers(own) => {
            (own.iter().map(|n| format!("intkey:{n}")).collect(), EntryValues::Integers(own.clone()))
        }
        NemosLabels::Numbers(own) => {
            (own.iter().map(|x| format!("floatkey:{x}")).collect(), EntryValues::Numbers(own.clone()))
        }
        NemosLabels::Texts(own) => {
            (own.iter().map(|text| format!("strkey:{text}")).collect(), EntryValues::Texts(own.clone()))
        }
    };
    for (number, key) in keys.iter().enumerate() {
        let name = format!("dict::strkey:_class_to_index_::item::{key}");
        add(&name, integers(Vec::new(), vec![number as i64]));
    }
    add("item::strkey:_classes_", Entry { shape: vec![keys.len()], values });
}

/// Numbers, except where coefficients are counted: then whole numbers, and for one target of numbers a single one.
fn dof_resid(model: &NemosModel) -> Entry {
    let shape = vec![model.dof_resid.len()];
    match (&model.regularizer, model.class) {
        (
            NemosRegularizer::Lasso { .. }
            | NemosRegularizer::ElasticNet { .. }
            | NemosRegularizer::GroupLasso { .. },
            class,
        ) => Entry {
            shape: if class == NemosClass::Glm { Vec::new() } else { shape },
            values: EntryValues::Integers(model.dof_resid.iter().map(|&dof| dof as i64).collect()),
        },
        _ => Entry::numbers_of(shape, model.dof_resid.clone()),
    }
}

/// One for each target, but for the dispersion, which is one for all.
fn scale(model: &NemosModel) -> Entry {
    match model.observation {
        NemosObservation::NegativeBinomial { .. } => Entry::from(model.scale[0]),
        _ => Entry::numbers_of([model.scale.len()], model.scale.clone()),
    }
}
