//! Classifiers: files that `NeMoS` saved, fits of ours that come back, and what is refused.

use std::path::{Path, PathBuf};

use ndarray::Array2;
use rheobase::backend::Cpu;
use rheobase::design::{DesignPlan, Layout, Source};
use rheobase::glm::{
    CategoricalSpec, FittedCategorical, GlmSpec, Labelled, PerTarget, confusion, score_classes,
};
use rheobase::observation::Label;
use rheobase::read::nemos::{
    NemosClass, NemosLabels, NemosLink, NemosObservation, NemosRegularizer, is_nemos_classifier, read_nemos,
};
use rheobase::read::npz_entries::{EntryValues, read_entries};
use rheobase::regularizer::{Groups, Regularizer, Strength};
use rheobase::write::categorical::CategoricalFile;
use rheobase::write::model::ModelFile;
use rheobase::write::nemos::{classes_of_nemos, fit_of_nemos, nemos_bytes, nemos_entries, nemos_of_classes};
use serde_json::Value;

use crate::bits;
use crate::common::{Random, number, numbers};
use crate::raw::{Raw, written};

const FILES: [&str; 5] = ["one", "numbers", "fractions", "texts", "several"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/nemos_classifiers")
}

fn predictions() -> Value {
    serde_json::from_slice(&std::fs::read(folder().join("predictions.json")).unwrap()).unwrap()
}

fn label(value: &Value) -> Label {
    serde_json::from_value(value.clone()).unwrap()
}

fn matrix(rows: &[Vec<f64>]) -> Array2<f64> {
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
}

fn source(x: &Array2<f64>) -> [Source<'_>; 1] {
    let labels = (0..x.ncols()).map(|k| format!("X[{k}]")).collect();
    [Source { name: "X".into(), labels, x: x.view().into() }]
}

#[test]
fn classifiers_of_nemos_predict_as_there() {
    let all = predictions();
    for name in FILES {
        let (path, expected) = (folder().join(format!("{name}.npz")), &all[name]);
        assert!(is_nemos_classifier(&path) && CategoricalFile::is_one(&path));
        let fit = CategoricalFile::load(&path).unwrap().fit;
        let classes: Vec<Label> = expected["classes"].as_array().unwrap().iter().map(label).collect();
        let x = matrix(&expected["x"].as_array().unwrap().iter().map(numbers).collect::<Vec<_>>());
        let n = fit.targets.len();
        for (k, target) in fit.targets.iter().enumerate() {
            assert_eq!(target.classes, classes, "{name}");
            let of_target = |row: &Value| if n == 1 { row.clone() } else { row[k].clone() };
            let rows =
                |field: &str| expected[field].as_array().unwrap().iter().map(of_target).collect::<Vec<_>>();
            let p = matrix(&rows("probabilities").iter().map(numbers).collect::<Vec<_>>());
            let found = fit.probabilities(k, &source(&x)).unwrap();
            let far = (&found - &p).iter().fold(0.0f64, |most, far| most.max(far.abs()));
            assert!(far < 1e-14, "{name}: {far}");
            let most: Vec<Label> =
                target.most_probable(&found).into_iter().map(|own| own.unwrap().clone()).collect();
            assert_eq!(most, rows("labels").iter().map(label).collect::<Vec<_>>());
            let y: Vec<Label> = rows("y").iter().map(label).collect();
            let bins: Vec<usize> = (0..y.len()).collect();
            let n_right = y.iter().zip(&most).filter(|(y, most)| y == most).count();
            let response = Labelled::learn("y", y.into_iter().map(Some)).of_classes(&classes, &bins).unwrap();
            let scores = score_classes(&response, &fit.log_probabilities(k, &source(&x)).unwrap(), &bins);
            let expected = number(&expected["log_likelihood"][k]);
            assert!((scores.log_likelihood - expected).abs() < 1e-13, "{name}: {expected}");
            assert_eq!(confusion(&response, &found, &bins).accuracy, n_right as f64 / bins.len() as f64);
        }
    }
    // a feature that a mask keeps from a neuron has no part in its prediction
    let several = read_nemos(&folder().join("several.npz")).unwrap();
    assert_eq!(
        (several.class, several.n_targets(), several.n_outputs()),
        (NemosClass::ClassifierPopulationGlm, 2, 6)
    );
    assert!((0..3).all(|class| several.coef_of(class)[1] == 0.0 && several.coef_of(3 + class)[1] != 0.0));
}

/// What is written is what `NeMoS` writes, but for the numbers of the labels, which it cannot load or leaves out.
#[test]
fn classifiers_are_written_as_nemos_writes_them() {
    for name in FILES {
        let path = folder().join(format!("{name}.npz"));
        let model = read_nemos(&path).unwrap();
        assert_eq!((model.link, model.observation), (NemosLink::LogSoftmax, NemosObservation::Categorical));
        let is_number = |name: &String| name.contains("_class_to_index_");
        let theirs = read_entries(&path).unwrap();
        let (numbers_of_theirs, theirs): (Vec<_>, Vec<_>) =
            theirs.into_iter().partition(|(name, _)| is_number(name));
        let ours = nemos_entries(&model);
        let (numbers_of_ours, ours): (Vec<_>, Vec<_>) =
            ours.into_iter().partition(|(name, _)| is_number(name));
        assert_eq!(bits(&ours), bits(&theirs), "{name}");
        let names: Vec<&str> =
            numbers_of_ours.iter().map(|(name, _)| name.rsplit("::").next().unwrap()).collect();
        let expected: &[&str] = match name {
            "numbers" => &["intkey:-2", "intkey:5", "intkey:7"],
            "fractions" => &["floatkey:0.5", "floatkey:2"],
            "texts" => &["strkey:left", "strkey:right", "strkey:stop"],
            _ => &["intkey:0", "intkey:1", "intkey:2"],
        };
        assert_eq!(names, expected);
        let indices: Vec<f64> = numbers_of_ours.iter().map(|(_, entry)| entry.number().unwrap()).collect();
        assert!(indices.iter().enumerate().all(|(k, index)| *index == k as f64));
        if name == "texts" {
            assert_eq!(bits(&numbers_of_ours), bits(&numbers_of_theirs));
        }
    }
}

/// A fit of labels that depend on two of three columns.
fn fitted(names: &[&str], classes: &[Label], regularizer: Regularizer) -> FittedCategorical {
    let mut random = Random(5);
    let x = Array2::from_shape_simple_fn((200, 3), || random.normal());
    let response: Vec<Labelled> = names
        .iter()
        .map(|name| {
            let of_row = |row: usize| {
                let own = 1.2 * x[(row, 0)] - 0.7 * x[(row, 1)] + random.normal();
                let class = ((own + 1.5).max(0.0) as usize).min(classes.len() - 1);
                Some(classes[class].clone())
            };
            Labelled::learn(*name, (0..200).map(of_row).collect::<Vec<_>>())
        })
        .collect();
    let plan = DesignPlan::new(source(&x).into(), 0..200).unwrap();
    let spec = CategoricalSpec::new(GlmSpec { regularizer, ..GlmSpec::default() }).unwrap();
    let fit = spec.fit(&Cpu::<f64>::default(), &plan, &response, &mut |_| {}).unwrap();
    assert!(fit.converged());
    fit
}

#[test]
fn fits_come_back_to_the_bit() {
    let ridge = || Regularizer::Ridge { strength: Strength::Each(vec![0.1, 0.2, 0.3]) };
    let group = || Regularizer::GroupLasso { strength: 0.02.into(), groups: Groups::Features };
    let texts: Vec<Label> = ["a", "b", "c"].map(Label::from).into();
    let whole: Vec<Label> = [1, 5, 9].map(Label::from).into();
    let halves: Vec<Label> = [0.5, 1.0, 7.5].map(Label::from).into();
    for (names, classes, regularizer, shape) in [
        (&["y"][..], &texts, ridge(), vec![3, 3]),
        (&["y", "z"], &whole, ridge(), vec![3, 2, 3]),
        (&["y", "z"], &halves, group(), vec![2, 3, 2, 3]),
        (&["y"], &whole, group(), vec![1, 3, 3]),
    ] {
        let fit = fitted(names, classes, regularizer);
        let exported = nemos_of_classes(&fit).unwrap();
        assert_eq!(exported.notices, Vec::<String>::new());
        let entry = match &exported.model.regularizer {
            NemosRegularizer::Ridge { strength } => strength.clone(),
            NemosRegularizer::GroupLasso { mask, .. } => mask.clone().unwrap(),
            other => panic!("{other:?}"),
        };
        assert_eq!(entry.shape, shape);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.npz");
        std::fs::write(&path, nemos_bytes(&exported.model).unwrap()).unwrap();
        let back = read_nemos(&path).unwrap();
        assert_eq!(bits(&nemos_entries(&back)), bits(&nemos_entries(&exported.model)));
        let back = classes_of_nemos(&path, &back).unwrap();
        for (own, target) in back.targets.iter().zip(&fit.targets) {
            assert_eq!(
                (&own.classes, &own.coef, &own.intercept),
                (&target.classes, &target.coef, &target.intercept)
            );
            assert_eq!(own.dof_resid, target.dof_resid);
        }
    }
    // strengths of the first column before those of the second
    let fit = fitted(&["y", "z"], &whole, ridge());
    let NemosRegularizer::Ridge { strength } = nemos_of_classes(&fit).unwrap().model.regularizer else {
        panic!()
    };
    assert_eq!(strength.numbers().unwrap(), [[0.1; 6], [0.2; 6], [0.3; 6]].concat());
    // every group is of one neuron and all of its classes
    let fit = fitted(&["y", "z"], &whole, group());
    let NemosRegularizer::GroupLasso { mask, .. } = nemos_of_classes(&fit).unwrap().model.regularizer else {
        panic!()
    };
    let own = [[1.0; 3], [0.0; 3]].concat().repeat(3);
    let other = [[0.0; 3], [1.0; 3]].concat().repeat(3);
    assert_eq!(mask.unwrap().values, EntryValues::Numbers([own, other].concat()));
}

#[test]
fn what_nemos_cannot_have_is_refused() {
    let fit = fitted(&["y"], &["a", "b", "c"].map(Label::from), Regularizer::None);
    let other = fitted(&["z"], &["a", "b"].map(Label::from), Regularizer::None);
    let layout = Layout { features: fit.features.clone(), labels: fit.labels.clone() };
    let both = FittedCategorical::of_groups(&layout, vec![(fit.clone(), vec![0]), (other, vec![1])]).unwrap();
    let error = nemos_of_classes(&both).unwrap_err();
    assert!(
        error.to_string().contains("a, b, c of y; a, b of z")
            && error.help().contains("each as a ClassifierGLM")
    );
    for (classes, said) in [
        (["a", "b", "c::d"].map(Label::from), "found \"c::d\""),
        ([1.into(), 2.into(), "c".into()], "found labels of several kinds"),
    ] {
        let mut changed = fit.clone();
        changed.targets[0].classes = classes.into();
        let error = nemos_of_classes(&changed).unwrap_err().to_string();
        assert!(error.contains("labels that NeMoS can store") && error.contains(said), "{error}");
    }
    // models of one mean are no classifiers, and the other way round
    let path = folder().join("one.npz");
    let error = fit_of_nemos(&path, &read_nemos(&path).unwrap()).unwrap_err().to_string();
    assert!(error.contains("expected a model of one mean") && error.contains("ClassifierGLM"), "{error}");
    assert!(ModelFile::load(&path).is_err());
    let (_folder, path) = written(&crate::golden_arrays());
    assert!(!is_nemos_classifier(&path) && !CategoricalFile::is_one(&path));
    let error = CategoricalFile::load(&path).unwrap_err().to_string();
    assert!(error.contains("expected a classifier") && error.contains("PopulationGLM"), "{error}");
}

#[test]
fn files_of_classifiers_that_do_not_hold_together_are_refused() {
    let arrays = read_entries(&folder().join("one.npz")).unwrap();
    let raw = |name: &str, entry: &rheobase::read::npz_entries::Entry| match &entry.values {
        EntryValues::Numbers(values) => Raw::numbers(name, &entry.shape, values),
        EntryValues::Integers(values) => Raw::integers(name, &entry.shape, values),
        EntryValues::Texts(texts) => Raw::text(name, &texts[0]),
        EntryValues::Flags(_) => panic!("{name}"),
    };
    let whole: Vec<Raw> = arrays.iter().map(|(name, entry)| raw(name, entry)).collect();
    let read = |change: Raw| {
        let mut arrays = whole.clone();
        let place = arrays.iter().position(|array| array.name == change.name).unwrap();
        arrays[place] = change;
        let (_folder, path) = written(&arrays);
        read_nemos(&path).map_err(|error| error.to_string())
    };
    let labels = "item::strkey:_classes_";
    for (change, said) in [
        (
            Raw::integers("item::strkey:n_classes", &[], &[1]),
            "n_classes: expected the number of classes, 2 or more",
        ),
        (
            Raw::integers("item::strkey:n_classes", &[], &[4]),
            "_classes_: expected 4 different labels, ascending",
        ),
        (Raw::integers(labels, &[3], &[0, 2, 1]), "_classes_: expected 3 different labels, ascending"),
        (Raw::integers(labels, &[2], &[0, 1]), "_classes_: expected 3 different labels"),
        (Raw::numbers(labels, &[3], &[0.0, 1.0, f64::NAN]), "_classes_: expected 3 different labels"),
        (
            Raw::numbers("item::strkey:coef_", &[3, 2], &[0.0; 6]),
            "coef_: expected numbers of shape (columns, classes)",
        ),
        (Raw::numbers("item::strkey:coef_", &[], &[f64::NAN]), "the model is not fitted"),
        (Raw::numbers("item::strkey:intercept_", &[1], &[0.0]), "intercept_: expected numbers of shape [3]"),
        (Raw::text("item::strkey:inverse_link_function", "jax.numpy.exp"), "log_softmax"),
    ] {
        let error = read(change).unwrap_err();
        assert!(error.contains(said), "{said}: {error}");
    }
    // nor is a number of classes believed that no coefficient is of
    let mut arrays = whole.clone();
    for array in &mut arrays {
        if array.name == labels {
            *array = Raw::numbers(labels, &[], &[f64::NAN]);
        } else if array.name == "item::strkey:n_classes" {
            *array = Raw::integers(&array.name, &[], &[u32::MAX.into()]);
        }
    }
    let (_folder, path) = written(&arrays);
    let error = read_nemos(&path).unwrap_err().to_string();
    assert!(error.contains("coef_: expected numbers of shape (columns, classes)"), "{error}");
    // a model that was never told its labels has the numbers of its classes
    let unset = read(Raw::numbers(labels, &[], &[f64::NAN])).unwrap();
    assert_eq!(unset.classes, NemosLabels::Integers(vec![0, 1, 2]));
}

/// What a penalty that selects hides is told.
#[test]
fn masks_that_a_penalty_hides_are_told() {
    let mut random = Random(7);
    let x = Array2::from_shape_simple_fn((120, 3), || random.normal());
    let labels: Vec<Option<Label>> =
        (0..120).map(|row| Some(Label::from(i64::from(x[(row, 0)] > random.normal())))).collect();
    let response = ["a", "b"].map(|name| Labelled::learn(name, labels.clone()));
    let plan = DesignPlan::new(source(&x).into(), 0..120).unwrap();
    let notices = |regularizer: Regularizer, unseen: bool| {
        let mask = Array2::from_shape_fn((3, 2), |place| !(unseen && place == (2, 1)));
        let own = PerTarget { mask: Some(mask), ..PerTarget::default() };
        let spec = CategoricalSpec::new(GlmSpec { regularizer, ..GlmSpec::default() }).unwrap();
        let fit = spec.fit_per_target(&Cpu::<f64>::default(), &plan, &response, &own, &mut |_| {}).unwrap();
        let exported = nemos_of_classes(&fit).unwrap();
        (exported.model.feature_mask.is_some(), exported.notices.join(" ").contains("a feature_mask"))
    };
    let lasso = || Regularizer::Lasso { strength: Strength::from(0.02) };
    assert_eq!(notices(lasso(), true), (false, true));
    assert_eq!(notices(lasso(), false), (false, false));
    assert_eq!(notices(Regularizer::None, true), (true, false));
}
