//! Files that are refused: what is wrong, where, and what to do.

use std::path::Path;

use rheobase::Error;
use rheobase::error::Blame;
use rheobase::read::nemos::read_nemos;
use rheobase::read::npz_entries::read_entries;
use rheobase::write::nemos::fit_of_nemos;

use crate::raw::{Raw, written};
use crate::{changed, read, without};

/// The two lines of an error.
fn said(error: &Error) -> String {
    format!("{error}\nhelp: {}", error.help())
}

#[track_caller]
fn refused(arrays: &[Raw], expected: &[&str]) {
    let (_folder, path) = written(arrays);
    let error = read_nemos(&path).unwrap_err();
    assert_eq!(error.blame(), Blame::Data);
    let said = said(&error);
    for part in expected {
        assert!(said.contains(part), "{part:?} is not in: {said}");
    }
}

#[test]
fn objects_are_never_loaded() {
    // what pickle would run if it were asked to
    let pickle = b"cos\nsystem\n(S'true'\ntR.".to_vec();
    let mask = "dict::strkey:regularizer::dict::strkey:params::item::strkey:mask";
    refused(
        &changed(&[Raw::new(mask, "|O", &[], pickle.clone())]),
        &[
            mask,
            "expected numbers or text, found Python objects (|O)",
            "never loaded",
            ".item().coef, float)",
        ],
    );
    refused(
        &changed(&[Raw::new("item::strkey:coef_", "|O", &[], pickle)]),
        &["item::strkey:coef_: expected numbers or text, found Python objects", "numpy.asarray(d["],
    );
    let complex = Raw::new("item::strkey:coef_", "<c16", &[1], vec![0; 16]);
    refused(&changed(&[complex]), &["found complex numbers", "save numbers or text under this name"]);
}

#[test]
fn every_array_that_is_needed_is_named_where_it_is_missing() {
    for (name, expected) in [
        ("item::strkey:coef_", "the coefficients"),
        ("item::strkey:intercept_", "numbers of shape [2], one for each neuron"),
        ("item::strkey:scale_", "numbers of shape [2], one for each neuron, or a single one"),
        ("item::strkey:dof_resid_", "numbers of shape [2], one for each neuron, or a single one"),
        ("item::strkey:inverse_link_function", "the name of an inverse link"),
        ("item::strkey:solver_name", "the name of a solver"),
        ("dict::strkey:observation_model::item::strkey:class", "the name of an observation model"),
        ("dict::strkey:regularizer::item::strkey:class", "the name of a regularizer"),
        (
            "dict::strkey:observation_model::dict::strkey:params::item::strkey:scale",
            "the dispersion, a number above 0",
        ),
    ] {
        let missing = format!("{name}: expected {expected}");
        let said = ["found no such array in the file", "save_params", missing.as_str()];
        refused(&changed(&[without(name)]), &said);
    }
    let class = [without("item::strkey:model_class")];
    let said =
        ["expected a model that NeMoS saved", "without the array item::strkey:model_class", "model.json"];
    refused(&changed(&class), &said);
}

#[test]
fn shapes_that_do_not_belong_together() {
    let numbers = |name: &str, shape: &[usize], n: usize| Raw::numbers(name, shape, &vec![1.0; n]);
    refused(
        &changed(&[numbers("item::strkey:coef_", &[6], 6)]),
        &["item::strkey:coef_: expected numbers of shape (columns, neurons), found numbers of shape [6]"],
    );
    refused(
        &changed(&[numbers("item::strkey:coef_", &[0, 2], 0)]),
        &["expected numbers of shape (columns, neurons), found numbers of shape [0, 2]"],
    );
    refused(
        &changed(&[numbers("item::strkey:intercept_", &[3], 3)]),
        &[
            "item::strkey:intercept_: expected numbers of shape [2], one for each neuron, found numbers of shape [3]",
        ],
    );
    // an intercept is never shared
    refused(&changed(&[numbers("item::strkey:intercept_", &[], 1)]), &["found the number 1"]);
    refused(
        &changed(&[numbers("item::strkey:feature_mask", &[2, 3], 6)]),
        &["item::strkey:feature_mask: expected zeros and ones of shape [3, 2]"],
    );
    let twos = Raw::numbers("item::strkey:feature_mask", &[3, 2], &[2.0; 6]);
    refused(&changed(&[twos]), &["expected zeros and ones"]);
    refused(
        &changed(&[Raw::text("item::strkey:model_class", "nemos.glm.glm.GLM")]),
        &["item::strkey:coef_: expected numbers of shape (columns), found numbers of shape [3, 2]"],
    );
    refused(
        &changed(&[
            without("item::strkey:coef_"),
            numbers("dict::strkey:coef_::item::strkey:a", &[1, 2], 2),
            numbers("dict::strkey:coef_::item::strkey:b", &[1, 3], 3),
        ]),
        &["item::strkey:b: expected 2 neurons, as in the key before it, found 3"],
    );
    refused(
        &changed(&[
            without("item::strkey:coef_"),
            numbers("dict::strkey:coef_::dict::strkey:a::item::strkey:b", &[1, 2], 2),
        ]),
        &["expected an array per key, found a tree", "without trees in it"],
    );
}

#[test]
fn names_that_mean_nothing_here() {
    refused(
        &changed(&[Raw::text("item::strkey:inverse_link_function", "__main__.<lambda>")]),
        &[
            "inverse_link_function: expected one of jax.numpy.exp, ",
            "found \"__main__.<lambda>\"",
            "never run",
        ],
    );
    refused(
        &changed(&[Raw::text("item::strkey:model_class", "mine.OwnGLM")]),
        &[
            "expected GLM or PopulationGLM or ClassifierGLM or ClassifierPopulationGLM, found \"mine.OwnGLM\"",
            "stay with NeMoS",
        ],
    );
    let class = "dict::strkey:observation_model::item::strkey:class";
    refused(
        &changed(&[Raw::text(class, "__main__.MyObservations")]),
        &["expected one of PoissonObservations, ", "found \"__main__.MyObservations\""],
    );
    refused(
        &changed(&[Raw::integers("item::strkey:inverse_link_function", &[], &[3])]),
        &["expected the name of an inverse link, found the number 3"],
    );
    // a regularizer of one's own is for fits, not for predictions
    let own = Raw::text("dict::strkey:regularizer::item::strkey:class", "__main__.Mine");
    read(&changed(&[own]));
}

#[test]
fn a_model_that_is_not_fitted_says_so() {
    refused(
        &changed(&[Raw::numbers("item::strkey:coef_", &[], &[f64::NAN])]),
        &[
            "item::strkey:coef_: expected coefficients, found none: the model is not fitted",
            "model.fit(X, y)",
        ],
    );
}

#[test]
fn models_that_we_do_not_have() {
    let class = "dict::strkey:observation_model::item::strkey:class";
    let converted = |changes: &[Raw]| {
        let model = read(&changed(changes));
        said(&fit_of_nemos(Path::new("m.npz"), &model).unwrap_err())
    };
    let poisson = Raw::text(class, "nemos.observation_models.PoissonObservations");
    let logistic = Raw::text("item::strkey:inverse_link_function", "jax.lax.logistic");
    let wrong = converted(&[poisson, logistic]);
    assert!(wrong.contains("m.npz: inverse_link_function: expected exp or softplus with poisson"), "{wrong}");
    assert!(wrong.contains("found jax.lax.logistic\nhelp: predict with NeMoS"), "{wrong}");
}

#[test]
fn files_that_are_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.npz");
    std::fs::write(&path, "PK\x03\x04 and nothing more").unwrap();
    let error = read_nemos(&path).unwrap_err();
    assert!(said(&error).contains("expected an npz file (a zip archive of npy arrays)"), "{error}");
    let absent = read_nemos(&folder.path().join("absent.npz")).unwrap_err();
    assert!(said(&absent).contains("No such file"), "{absent}");
    // a header that promises more than the file holds allocates nothing
    let huge = Raw::new("item::strkey:coef_", "<f8", &[1 << 40, 2], vec![0; 16]);
    let (_folder, path) = written(&changed(&[huge]));
    let error = read_entries(&path).unwrap_err();
    assert!(
        said(&error).contains(
            "item::strkey:coef_: expected 17592186044416 bytes of values, found 144 with the header"
        ),
        "{error}"
    );
    let (_folder, path) =
        written(&changed(&[Raw::new("item::strkey:coef_", "<f8", &[1 << 30], vec![0; 16])]));
    assert!(said(&read_entries(&path).unwrap_err()).contains("expected 8589934592 bytes of values"));
    let wide = Raw::new("item::strkey:solver_name", "<U4611686018427387904", &[8], vec![0; 16]);
    let (_folder, path) = written(&changed(&[wide]));
    assert!(said(&read_entries(&path).unwrap_err()).contains("bytes of values"));
    let short = Raw::new("item::strkey:coef_", "<f8", &[100, 2], vec![0; 16]);
    let (_folder, path) = written(&changed(&[short]));
    assert!(
        said(&read_entries(&path).unwrap_err()).contains("expected 1600 bytes of values, found 144 with")
    );
    let letters = Raw::new("item::strkey:solver_name", "<U1", &[], vec![0, 0, 0, 0xff]);
    let (_folder, path) = written(&changed(&[letters]));
    assert!(said(&read_entries(&path).unwrap_err()).contains("expected text, found bytes that are none"));
}
