//! Model files of `NeMoS`: the golden file read and written again, fits of ours that come back, trees of features, what numpy
//! may store otherwise, and files that are refused.

mod classes;
#[path = "../common/mod.rs"]
mod common;
mod raw;
mod refused;

use std::path::Path;

use common::{fit, golden, number, numbers, poisson_data};
use ndarray::{Array2, arr2};
use raw::{Raw, stored, written};
use rheobase::backend::Model;
use rheobase::glm::{FittedGlm, GlmSpec};
use rheobase::inverse_link::InverseLink;
use rheobase::observation::{NegativeBinomial, ObservationModel};
use rheobase::read::nemos::{
    NemosClass, NemosLink, NemosModel, NemosObservation, NemosRegularizer, is_nemos, read_nemos,
};
use rheobase::read::npz_entries::{Entry, EntryValues, read_entries};
use rheobase::regularizer::{Grid, GridAxis, Groups, Regularizer, Strength};
use rheobase::write::nemos::{fit_of_nemos, nemos_bytes, nemos_entries, nemos_of};
use serde_json::Value;

/// The arrays of the golden file. JSON has no NaN, so a number without a value is one.
fn golden_arrays() -> Vec<Raw> {
    let golden = golden("reference_nemos.json");
    let flat = |value: &Value| -> Vec<f64> {
        match value {
            Value::Null => vec![f64::NAN],
            Value::Array(rows) if rows[0].is_array() => rows.iter().flat_map(numbers).collect(),
            Value::Array(_) => numbers(value),
            _ => vec![number(value)],
        }
    };
    let of = |entry: &Value| {
        let name = entry["key"].as_str().unwrap();
        let shape: Vec<usize> = numbers(&entry["shape"]).iter().map(|&len| len as usize).collect();
        match entry["dtype"].as_str().unwrap() {
            "float64" => Raw::numbers(name, &shape, &flat(&entry["value"])),
            "int64" => {
                let values: Vec<i64> = flat(&entry["value"]).iter().map(|&n| n as i64).collect();
                Raw::integers(name, &shape, &values)
            }
            text => {
                let raw = Raw::text(name, entry["value"].as_str().unwrap());
                assert_eq!(raw.descriptor, text);
                raw
            }
        }
    };
    golden["npz"][0]["entries"].as_array().unwrap().iter().map(of).collect()
}

/// The golden file with some arrays replaced (an array without a shape and data leaves it out), or added.
pub(crate) fn changed(changes: &[Raw]) -> Vec<Raw> {
    let mut arrays = golden_arrays();
    for change in changes {
        let place = arrays.iter().position(|array| array.name == change.name);
        match place {
            Some(place) if change.descriptor.is_empty() => drop(arrays.remove(place)),
            Some(place) => arrays[place] = change.clone(),
            None => arrays.push(change.clone()),
        }
    }
    arrays
}

/// A change that leaves an array out.
pub(crate) fn without(name: &str) -> Raw {
    Raw::new(name, "", &[], Vec::new())
}

fn read(arrays: &[Raw]) -> NemosModel {
    let (_folder, path) = written(arrays);
    read_nemos(&path).unwrap()
}

/// A model written to a file.
fn saved(model: &NemosModel) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("again.npz");
    std::fs::write(&path, nemos_bytes(model).unwrap()).unwrap();
    (folder, path)
}

/// Arrays with NaN that equals NaN.
fn bits(entries: &[(String, Entry)]) -> Vec<(String, Vec<usize>, String)> {
    let of = |(name, entry): &(String, Entry)| {
        let values = match &entry.values {
            EntryValues::Numbers(values) => {
                format!("{:?}", values.iter().map(|x| x.to_bits()).collect::<Vec<_>>())
            }
            other => format!("{other:?}"),
        };
        (name.clone(), entry.shape.clone(), values)
    };
    entries.iter().map(of).collect()
}

#[test]
fn the_golden_file_is_read_and_written_again_with_the_same_arrays() {
    let (_folder, path) = written(&golden_arrays());
    assert!(is_nemos(&path).unwrap());
    let model = read_nemos(&path).unwrap();
    assert_eq!(model.class, NemosClass::PopulationGlm);
    assert_eq!(model.observation, NemosObservation::NegativeBinomial { scale: 0.3 });
    assert_eq!((model.link, model.n_targets()), (NemosLink::Exp, 2));
    assert_eq!(model.coef[0].values[(0, 0)], 0.277_348_140_129_568_2);
    assert_eq!(model.intercept, [0.526_097_866_733_168_3, 0.569_094_531_889_966_4]);
    assert_eq!((model.scale.as_slice(), model.dof_resid.as_slice()), (&[0.3, 0.3][..], &[56.0, 59.0][..]));
    let NemosRegularizer::ElasticNet { strength, ratio } = &model.regularizer else { panic!("{model:?}") };
    assert_eq!((strength.number(), ratio.number()), (Some(0.1), Some(0.4)));
    assert_eq!(model.solver, "ProximalGradient[optimistix]");
    assert_eq!(model.solver_options.len(), 2);
    assert_eq!(model.versions[4], ("nemos".to_string(), "0.2.8".to_string()));
    assert_eq!(model.labels(), ["X[0]", "X[1]", "X[2]"]);

    assert_eq!(bits(&read_entries(&path).unwrap()), bits(&nemos_entries(&model)));
    // to the byte of every value: types and shapes as numpy says them
    let (_again, again) = saved(&model);
    assert_eq!(stored(&again), stored(&path));
    assert_eq!(nemos_bytes(&model).unwrap(), nemos_bytes(&read_nemos(&again).unwrap()).unwrap());
}

/// A fit through a file of `NeMoS`.
fn through_a_file(fit: &FittedGlm) -> FittedGlm {
    let exported = nemos_of(fit);
    assert_eq!(exported.notices, Vec::<String>::new());
    let (_folder, path) = saved(&exported.model);
    let back = read_nemos(&path).unwrap();
    assert_eq!(bits(&nemos_entries(&back)), bits(&nemos_entries(&exported.model)));
    fit_of_nemos(&path, &back).unwrap()
}

fn texts(model: &NemosModel) -> Vec<String> {
    nemos_entries(model).iter().filter_map(|(_, entry)| Some(entry.text()?.to_string())).collect()
}

#[test]
fn a_fit_comes_back_to_the_bit() {
    let (x, counts) = poisson_data(5, 300, 3, 2);
    let events = counts.mapv(|y| f64::from(y > 0.0));
    let one = |y: &Array2<f64>| y.select(ndarray::Axis(1), &[0]);
    let ridge = || Regularizer::Ridge { strength: 0.1.into() };
    let lasso = || Regularizer::Lasso { strength: 0.02.into() };
    let softplus = Model { inverse_link: InverseLink::Softplus, ..Model::default() };
    let gamma = Model { inverse_link: InverseLink::Exp, observation: ObservationModel::Gamma };
    let probit = Model { inverse_link: InverseLink::Probit, observation: ObservationModel::Bernoulli };
    let of = Model::from;
    for (model, regularizer, y, names) in [
        (
            Model::default(),
            Regularizer::None,
            one(&counts),
            ["jax.numpy.exp", "PoissonObs", "UnReg", "nemos.glm.glm.GLM"],
        ),
        (softplus, ridge(), one(&counts), ["functions.softplus", "PoissonObs", "Ridge", "glm.GLM"]),
        (
            of(ObservationModel::Bernoulli),
            lasso(),
            one(&events),
            ["jax.lax.logistic", "Bernoulli", "Lasso", "glm.GLM"],
        ),
        (
            of(ObservationModel::Gaussian),
            Regularizer::None,
            one(&counts),
            ["identity", "Gaussian", "UnReg", "glm.GLM"],
        ),
        (
            of(NegativeBinomial::new(0.4).unwrap().into()),
            Regularizer::None,
            one(&counts),
            ["jax.numpy.exp", "NegativeBinomial", "UnReg", "glm.GLM"],
        ),
        (
            gamma,
            Regularizer::None,
            one(&counts.mapv(|y| y + 0.5)),
            ["jax.numpy.exp", "Gamma", "UnReg", "glm.GLM"],
        ),
        (probit, Regularizer::None, one(&events), ["norm.cdf", "Bernoulli", "UnReg", "glm.GLM"]),
        (
            Model::default(),
            ridge(),
            counts.clone(),
            ["jax.numpy.exp", "PoissonObs", "Ridge", "glm.PopulationGLM"],
        ),
    ] {
        let own = fit(GlmSpec { model, regularizer, ..GlmSpec::default() }, &x, &y);
        let exported = nemos_of(&own).model;
        let texts = texts(&exported);
        assert!(names.iter().all(|name| texts.iter().any(|text| text.contains(name))), "{names:?} {texts:?}");
        let back = through_a_file(&own);
        assert_eq!(back.model, own.model);
        assert_eq!(back.predict(x.view()).unwrap(), own.predict(x.view()).unwrap(), "{names:?}");
        for (back, own) in back.targets.iter().zip(&own.targets) {
            assert_eq!((&back.coef, back.intercept, back.scale), (&own.coef, own.intercept, own.scale));
        }
    }
}

/// The array of this name of a model that is written.
fn entry(model: &NemosModel, name: &str) -> Entry {
    let entries = nemos_entries(model);
    entries.into_iter().find(|(own, _)| own == name).unwrap_or_else(|| panic!("{name}")).1
}

#[test]
fn shapes_strengths_and_degrees_of_freedom_are_those_of_nemos() {
    const STRENGTH: &str = "item::strkey:regularizer_strength";
    const DOF: &str = "item::strkey:dof_resid_";
    let (x, y) = poisson_data(6, 200, 3, 2);
    let one = y.select(ndarray::Axis(1), &[0]);
    let exported = |regularizer: Regularizer, y: &Array2<f64>| {
        nemos_of(&fit(GlmSpec { regularizer, ..GlmSpec::default() }, &x, y)).model
    };
    let plain = exported(Regularizer::None, &one);
    assert!(entry(&plain, STRENGTH).is_nothing() && entry(&plain, "item::strkey:aux_").is_nothing());
    assert_eq!(entry(&plain, DOF), Entry::numbers_of([1], [196.0]));
    assert_eq!(entry(&plain, "item::strkey:coef_").shape, [3]);
    assert!(nemos_entries(&plain).iter().all(|(name, _)| !name.contains("feature_mask")));
    let several = exported(Regularizer::Ridge { strength: vec![0.1, 0.2, 0.0].into() }, &y);
    assert_eq!(entry(&several, STRENGTH), Entry::numbers_of([3, 2], [0.1, 0.1, 0.2, 0.2, 0.0, 0.0]));
    assert_eq!(entry(&several, "item::strkey:coef_").shape, [3, 2]);
    assert_eq!(entry(&several, "item::strkey:scale_"), Entry::numbers_of([2], [1.0, 1.0]));
    assert!(entry(&several, "item::strkey:feature_mask").is_nothing());
    // penalties that select count coefficients: whole numbers, a single one of a single neuron
    let net = Regularizer::ElasticNet { strength: 0.1.into(), ratio: 0.5 };
    let net = exported(net, &one);
    let n_counted = net.coef[0].values.iter().filter(|w| **w != 0.0).count() as i64;
    assert_eq!(
        entry(&net, DOF),
        Entry { shape: vec![], values: EntryValues::Integers(vec![199 - n_counted]) }
    );
    assert_eq!(entry(&net, "tuple::strkey:regularizer_strength::item::1").number(), Some(0.5));
    assert_eq!(entry(&net, "item::strkey:solver_name").text(), Some("ProximalGradient[optimistix]"));
}

#[test]
fn a_group_lasso_has_a_mask_of_numbers_that_nemos_can_load() {
    const MASK: &str = "dict::strkey:regularizer::dict::strkey:params::item::strkey:mask";
    let (x, y) = poisson_data(7, 200, 3, 2);
    let groups = Groups::Columns(vec![vec![0, 1], vec![2]]);
    let regularizer = Regularizer::GroupLasso { strength: Strength::Each(vec![0.01, 0.02]), groups };
    let spec = GlmSpec { regularizer, ..GlmSpec::default() };
    let own = nemos_of(&fit(spec.clone(), &x, &y.select(ndarray::Axis(1), &[0]))).model;
    assert_eq!(entry(&own, MASK), Entry::numbers_of([2, 3], [1.0, 1.0, 0.0, 0.0, 0.0, 1.0]));
    assert_eq!(entry(&own, "item::strkey:regularizer_strength"), Entry::numbers_of([2], [0.01, 0.02]));
    // neurons share no group: (group, neuron), column, neuron
    let both = nemos_of(&fit(spec, &x, &y)).model;
    let first_of_each = [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0];
    let second_of_each = [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0];
    let mask = Entry::numbers_of([4, 3, 2], [first_of_each, second_of_each].concat());
    assert_eq!(entry(&both, MASK), mask);
    let strength = entry(&both, "item::strkey:regularizer_strength");
    assert_eq!(strength, Entry::numbers_of([4], [0.01, 0.01, 0.02, 0.02]));
}

#[test]
fn what_nemos_does_not_know_is_told() {
    let (x, mut y) = poisson_data(8, 200, 4, 2);
    let grids = vec![Grid { first: 0, axes: vec![GridAxis { len: 4, is_cyclic: false }] }];
    let smooth = Regularizer::Smooth { strength: 0.1, order: 2, grids };
    let told = nemos_of(&fit(GlmSpec { regularizer: smooth, ..GlmSpec::default() }, &x, &y));
    assert_eq!(told.notices.len(), 1);
    assert!(told.notices[0].contains("NeMoS has no smoothness penalty"), "{:?}", told.notices);
    assert!(matches!(told.model.regularizer, NemosRegularizer::UnRegularized));
    y.column_mut(1).fill(0.0);
    let silent = nemos_of(&fit(GlmSpec::default(), &x, &y));
    assert!(silent.notices[0].contains("y1 is not at an optimum (no_events)"), "{:?}", silent.notices);
    assert_eq!(silent.model.intercept[1], f64::NEG_INFINITY);
}

/// The arrays of a population of two neurons that sees a tree of features with the keys `speed` (2 columns) and `a`.
fn tree() -> Vec<Raw> {
    changed(&[
        without("item::strkey:coef_"),
        Raw::numbers("dict::strkey:coef_::item::strkey:speed", &[2, 2], &[1.0, 2.0, 3.0, 4.0]),
        Raw::numbers("dict::strkey:coef_::item::strkey:a", &[1, 2], &[5.0, 6.0]),
    ])
}

#[test]
fn a_tree_of_features_comes_in_the_order_of_its_keys() {
    let model = read(&tree());
    assert_eq!(model.labels(), ["a[0]", "speed[0]", "speed[1]"]);
    assert_eq!((model.coef_of(0), model.coef_of(1)), (vec![5.0, 1.0, 3.0], vec![6.0, 2.0, 4.0]));
    let mut arrays = tree();
    arrays.retain(|array| array.name != "item::strkey:feature_mask");
    arrays.push(Raw::numbers("dict::strkey:feature_mask::item::strkey:speed", &[2], &[1.0, 0.0]));
    arrays.push(Raw::numbers("dict::strkey:feature_mask::item::strkey:a", &[2], &[1.0, 1.0]));
    let masked = read(&arrays);
    assert_eq!((masked.coef_of(0), masked.coef_of(1)), (vec![5.0, 1.0, 3.0], vec![6.0, 0.0, 0.0]));
    let (_folder, path) = saved(&masked);
    let again = read_nemos(&path).unwrap();
    assert_eq!(again.coef, masked.coef);
    assert_eq!(again.feature_mask, masked.feature_mask);
}

#[test]
fn a_mask_leaves_coefficients_out() {
    let mask = Raw::numbers("item::strkey:feature_mask", &[3, 2], &[1.0, 1.0, 0.0, 1.0, 1.0, 0.0]);
    let model = read(&changed(&[mask]));
    assert_eq!(model.feature_mask, Some(arr2(&[[1.0, 1.0], [0.0, 1.0], [1.0, 0.0]])));
    assert_eq!(model.coef_of(0)[1], 0.0);
    assert_ne!(model.coef_of(0)[0], 0.0);
}

#[test]
fn numbers_come_in_every_type_and_order_of_numpy() {
    let by_rows: Vec<f64> = vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let singles = by_rows.iter().flat_map(|&x| (x as f32).to_le_bytes()).collect();
    let columns = [1.0, 3.0, 5.0, 2.0, 4.0, 6.0_f64].iter().flat_map(|x| x.to_be_bytes()).collect();
    let single = Raw::new("item::strkey:coef_", "<f4", &[3, 2], singles);
    let turned = Raw { is_by_columns: true, ..Raw::new("item::strkey:coef_", ">f8", &[3, 2], columns) };
    for coef in [single, turned] {
        let model = read(&changed(&[coef]));
        assert_eq!(model.coef[0].values, arr2(&[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]));
    }
    let big = "jax.nn.softplus".chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
    let link = Raw::new("item::strkey:inverse_link_function", ">U15", &[], big);
    let flag = Raw::new("dict::strkey:solver_kwargs::item::strkey:tol", "|b1", &[], vec![1]);
    let model = read(&changed(&[link, flag]));
    assert_eq!(model.link, NemosLink::Softplus);
    assert_eq!(model.solver_options[0].1.values, EntryValues::Flags(vec![true]));
    let (_folder, path) = saved(&model);
    assert!(stored(&path).iter().any(|(name, kind, ..)| name.ends_with(":tol") && kind == "|b1"));
}

#[test]
fn a_gaussian_file_of_nemos_itself_is_read() {
    // NeMoS 0.2.8 writes these names and cannot load them
    for name in ["nemos.inverse_link_function_utils.identity", "nemos.inverse_link_function_utils.<lambda>"] {
        let class = "dict::strkey:observation_model::item::strkey:class";
        let model = read(&changed(&[
            Raw::text("item::strkey:inverse_link_function", name),
            Raw::text(class, "nemos.observation_models.GaussianObservations"),
        ]));
        let fit = fit_of_nemos(Path::new("m.npz"), &model).unwrap();
        assert_eq!(fit.model, Model::from(ObservationModel::Gaussian));
    }
}
