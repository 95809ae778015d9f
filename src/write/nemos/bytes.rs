//! The arrays of a model file.

use ndarray::Array2;

use crate::Result;
use crate::read::nemos::{NemosClass, NemosModel, NemosObservation, NemosRegularizer};
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
    if model.class == NemosClass::PopulationGlm {
        add_feature_mask(model, &mut add);
    }
    add("item::strkey:inverse_link_function", model.link.name().into());
    add("dict::strkey:observation_model::item::strkey:class", model.observation.name().into());
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
    add("item::strkey:aux_", nothing());
    for own in &model.coef {
        let name = match &own.key {
            None => "item::strkey:coef_".to_string(),
            Some(key) => format!("dict::strkey:coef_::item::strkey:{key}"),
        };
        add(&name, coef(model.class, &own.values));
    }
    add("item::strkey:dof_resid_", dof_resid(model));
    add("item::strkey:intercept_", Entry::numbers_of([model.intercept.len()], model.intercept.clone()));
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
            // a key counts for a target or it does not
            let values = mask.row(rows.start).to_vec();
            let name = format!("dict::strkey:feature_mask::item::strkey:{key}");
            add(&name, Entry::numbers_of([values.len()], values));
        } else {
            let values = mask.iter().copied();
            add("item::strkey:feature_mask", Entry::numbers_of([mask.nrows(), mask.ncols()], values));
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

/// Coefficients of one target have one dimension.
fn coef(class: NemosClass, values: &Array2<f64>) -> Entry {
    let shape = match class {
        NemosClass::Glm => vec![values.nrows()],
        NemosClass::PopulationGlm => vec![values.nrows(), values.ncols()],
    };
    Entry::numbers_of(shape, values.iter().copied())
}

/// Numbers, except where coefficients are counted: then whole numbers, and for one target a single one.
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
