//! Models of classes as files of `NeMoS`, and those files put on data.

use crate::categorical::{NAMES, Y, table};
use crate::{Place, json, number, texts};

/// A model of texts in `out`, exported to `nemos.npz`.
fn exported() -> Place {
    let place = Place::new();
    table(&place, "turns.csv", NAMES, 1);
    place.run(&["fit", "turns.csv", "--y", Y, "--observation", "categorical", "--out", "out"]).ended(0);
    let run = place.run(&["export", "out/model.json", "--to", "nemos", "nemos.npz"]).ended(0);
    let said = "ClassifierGLM, CategoricalObservations, jax._src.nn.functions.log_softmax\ncolumns of X, in this order:\n  0..1: X (speed, angle)\n";
    assert!(run.stdout.starts_with(said), "{run:?}");
    assert!(run.stdout.ends_with("classes, in this order: left, right, stop\n"), "{run:?}");
    assert_eq!(run.stderr, "model written to nemos.npz\n");
    place
}

#[test]
fn an_exported_model_predicts_and_scores_as_before() {
    let place = exported();
    for (model, out) in [("out/model.json", "a.csv"), ("nemos.npz", "b.csv")] {
        place.run(&["predict", model, "turns.csv", "--x", "speed,angle", "--out", out]).ended(0);
    }
    let values = |out: &str| -> Vec<String> {
        let text = std::fs::read_to_string(place.path(out)).unwrap();
        text.lines().skip(1).map(String::from).collect()
    };
    assert_eq!(values("a.csv").len(), 300);
    assert!(values("a.csv") == values("b.csv"));
    let score = |model: &str| {
        let words = ["score", model, "turns.csv", "--x", "speed,angle", "--y", Y, "--json"];
        place.run(&words).ended(0)
    };
    let (own, back) = (score("out/model.json").json(), score("nemos.npz"));
    assert!(
        back.stderr.contains("nemos.npz is of NeMoS: it does not say whether it is at an optimum"),
        "{back:?}"
    );
    assert_eq!(own["targets"], back.json()["targets"]);
    let words = ["simulate", "nemos.npz", "turns.csv", "--x", "speed,angle", "--out", "d.csv", "--quiet"];
    place.run(&words).ended(0);
    // beside a fit
    let fit = ["fit", "turns.csv", "--y", Y, "--x", "speed,angle", "--observation", "categorical", "--json"];
    let fit = place.run(&[&fit[..], &["--compare", "nemos.npz"]].concat()).ended(0).json();
    let theirs = &fit["compared"][0];
    assert_eq!((&theirs["name"], &theirs["model"]["path"]), (&"nemos".into(), &"nemos.npz".into()));
    let difference =
        number(&theirs["targets"][0]["log_likelihood"]) - number(&fit["targets"][0]["log_likelihood"]);
    assert!(difference.abs() < 1e-12);
    assert_eq!(theirs["targets"][0]["confusion"], fit["targets"][0]["confusion"]);
    let count = ["fit", "turns.csv", "--y", "speed", "--observation", "gaussian", "--x", "angle"];
    let said = ["nemos.npz", "expected a model of one mean", "ClassifierGLM"];
    place.refused(&[&count[..], &["--compare", "nemos.npz"]].concat(), 3, &said);
}

#[test]
fn several_targets_are_a_population_of_the_same_classes() {
    let place = Place::new();
    let row = |k: usize| format!("{},{},{}", k % 11, [3, 1, 3, 1, 2][k % 5], [2, 1, 3, 1, 3, 1, 2][k % 7]);
    let rows: Vec<String> = (0..200).map(row).collect();
    std::fs::write(place.path("two.csv"), format!("x,a,b\n{}\n", rows.join("\n"))).unwrap();
    let fit = ["fit", "two.csv", "--y", "a,b", "--observation", "categorical", "--out", "out", "--quiet"];
    place.run(&fit).ended(0);
    let run =
        place.run(&["export", "out/model.json", "--to", "nemos", "nemos.npz", "--json"]).ended(0).json();
    assert_eq!(run["model_class"], "nemos.glm.classifier_glm.ClassifierPopulationGLM");
    assert_eq!((&run["classes"], texts(&run["targets"])), (&serde_json::json!([1, 2, 3]), vec!["a", "b"]));
    let score = |model: &str, y: &str| {
        place.run(&["score", model, "two.csv", "--x", "x", "--y", y, "--json", "--quiet"])
    };
    let (own, back) =
        (score("out/model.json", "a,b").ended(0).json(), score("nemos.npz", "a,b").ended(0).json());
    assert_eq!(own["targets"], back["targets"]);
    let one = score("nemos.npz", "b").ended(2);
    assert!(one.stderr.contains("as many columns as the model has targets (2)"), "{one:?}");
    place.refused(&["export", "nemos.npz", "--to", "nemos", "again.npz"], 2, &["a file of NeMoS already"]);
    // other classes are models of their own
    let text = std::fs::read_to_string(place.path("two.csv")).unwrap().replace(",3\n", ",1\n");
    std::fs::write(place.path("other.csv"), text).unwrap();
    let fit = ["fit", "other.csv", "--y", "a,b", "--observation", "categorical", "--out", "other", "--quiet"];
    place.run(&fit).ended(0);
    let said = ["1, 2, 3 of a; 1, 2 of b", "each as a ClassifierGLM"];
    place.refused(&["export", "other/model.json", "--to", "nemos", "other.npz"], 2, &said);
    assert_eq!(json(&place.path("other/fit.json"))["targets"][1]["classes"], serde_json::json!([1, 2]));
}
