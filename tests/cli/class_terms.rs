//! Weights, intercepts and masks of fits to labels beside other models and in files of `NeMoS`.

use std::fmt::Write as _;

use rheobase::read::npz_entries::read_entries;

use crate::{Place, json, number};

/// Two columns, weights and labels that depend on the first a little.
fn rows() -> Place {
    let place = Place::new();
    for (file, n_labels) in [("one.csv", 1), ("two.csv", 2)] {
        let names = ["a", "b"][..n_labels].join(",");
        let mut text = format!("p,q,w,{names}\n");
        for k in 0..240_i32 {
            let (p, q) = (f64::from(k % 13) / 6.0 - 1.0, f64::from(k % 17) / 8.0 - 1.0);
            let class = |bias: i32| (k * 7 + bias + (3.0 * p) as i32).rem_euclid(5) / 2;
            let labels: Vec<String> =
                [0, 3][..n_labels].iter().map(|bias| class(*bias).to_string()).collect();
            writeln!(text, "{p},{q},{},{}", 1 + k % 3, labels.join(",")).unwrap();
        }
        std::fs::write(place.path(file), text).unwrap();
    }
    place
}

#[test]
fn weights_count_in_the_scores_beside_a_fit() {
    let place = rows();
    let fit = ["fit", "one.csv", "--y", "a", "--weights", "w", "--observation", "categorical"];
    place.run(&[&fit[..], &["--x", "p", "--out", "small"]].concat()).ended(0);
    let more = ["--compare", "small/model.json", "--test-against", "small/model.json", "--json"];
    let large = place.run(&[&fit[..], &more].concat()).ended(0).json();
    let small = &json(&place.path("small/fit.json"))["targets"][0];
    let (own, theirs) = (&large["targets"][0], &large["compared"][0]["targets"][0]);
    for name in ["log_likelihood", "log_likelihood_sum", "deviance", "pseudo_r2_mcfadden"] {
        for (found, expected) in [(&theirs[name], &small[name]), (&theirs["scores_of_fit"][name], &own[name])]
        {
            let (found, expected) = (number(found), number(expected));
            assert!((found - expected).abs() < 1e-11 * expected.abs(), "{name}: {found} {expected}");
        }
    }
    let test = &large["tested"]["targets"][0];
    let gain = 2.0 * (number(&own["log_likelihood_sum"]) - number(&small["log_likelihood_sum"]));
    assert!((number(&test["statistic"]) - gain).abs() < 1e-8, "{test} {gain}");
    assert_eq!(test["degrees_of_freedom"], 2);
    // a smaller model must differ by its columns alone
    let words =
        ["fit", "one.csv", "--y", "a", "--x", "p,q", "--observation", "categorical", "--no-intercept"];
    let said = ["a model with no intercept", "found a model with an intercept"];
    place.refused(&[&words[..], &["--test-against", "small/model.json"]].concat(), 2, &said);
}

#[test]
fn masks_become_those_of_nemos() {
    let place = rows();
    std::fs::write(place.path("m.csv"), "feature,a,b\nq,1,0\n").unwrap();
    let words =
        ["fit", "two.csv", "--y", "a,b", "--x", "p,q", "--mask", "m.csv", "--observation", "categorical"];
    place.run(&[&words[..], &["--out", "out", "--quiet"]].concat()).ended(0);
    place.run(&["export", "out/model.json", "--to", "nemos", "m.npz", "--quiet"]).ended(0);
    let entries = read_entries(&place.path("m.npz")).unwrap();
    let mask = &entries.iter().find(|(name, _)| name == "item::strkey:feature_mask").unwrap().1;
    assert_eq!(mask.shape, [2, 2, 3]);
    assert_eq!(mask.numbers().unwrap(), [[1.0; 6], [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]].concat());
    let score = |model: &str| {
        let words = ["score", model, "two.csv", "--x", "p,q", "--y", "a,b", "--json", "--quiet"];
        place.run(&words).ended(0).json()["targets"].clone()
    };
    assert_eq!(score("out/model.json"), score("m.npz"));
}

/// Columns that were typed for the fit are not those of the models beside it, and a target that a mask keeps a column from is not tested
/// against a model that has it.
#[test]
fn nested_models_stand_beside_fits_with_chosen_columns() {
    let place = rows();
    std::fs::write(place.path("m.csv"), "feature,a,b\nq,1,0\n").unwrap();
    let fit = ["fit", "two.csv", "--y", "a,b", "--observation", "categorical", "--quiet"];
    place.run(&[&fit[..], &["--x", "q", "--out", "small"]].concat()).ended(0);
    let beside = ["--compare", "small/model.json", "--test-against", "small/model.json", "--out", "large"];
    let words = [&fit[..], &["--x", "p,q", "--mask", "m.csv"], &beside].concat();
    let text = place.run(&words).ended(0).stdout;
    assert!(text.contains("a against small/model.json: likelihood ratio "), "{text}");
    let reason = "b against small/model.json: not tested: the smaller model has the column q";
    assert!(text.contains(reason), "{text}");
    let found = json(&place.path("large/fit.json"));
    let alone = json(&place.path("small/fit.json"));
    for k in 0..2 {
        let [own, theirs] = [&found["compared"][0]["targets"][k], &alone["targets"][k]]
            .map(|target| number(&target["log_likelihood"]));
        assert!((own - theirs).abs() < 1e-12 * theirs.abs(), "{own} {theirs}");
    }
    assert_eq!(found["tested"]["targets"][0]["degrees_of_freedom"], 2);
    assert!(found["tested"]["targets"][1]["left_out"].as_str().unwrap().contains("does not see"));
    let page = std::fs::read_to_string(place.path("large/report.html")).unwrap();
    assert!(page.contains("Against a smaller model") && page.contains("not tested: the smaller model"));
    // a folder is no model
    let said = ["expected a model file, found a folder", "small/model.json"];
    place.refused(&["score", "small", "two.csv", "--y", "a,b"], 3, &said);
}
