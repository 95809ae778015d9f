//! `--test-against`.

use serde_json::Value;

use crate::array_fit::arrays;
use crate::{Place, number, tutorial};

fn fit(place: &Place, words: &[&str]) -> Value {
    place.run(&[words, &["--json", "--quiet"]].concat()).ended(0).json()
}

#[test]
fn a_larger_model_is_tested_on_the_bins_that_both_have() {
    let place = Place::new();
    let file = tutorial();
    let study =
        ["fit", &file, "--epochs", "Noise 1", "--unit", "0", "--bin", "1ms", "--feature", "stimulus*1e12"];
    let history = ["--feature", "spikes : raised-cosine-log(3, window=250ms)"];
    fit(&place, &[&study[..], &["--out", "small"]].concat());
    let words = [&study[..], &history, &["--test-against", "small/model.json"]].concat();
    let tested = fit(&place, &words);
    assert!(tested["command"].as_str().unwrap().contains("--test-against small/model.json"));
    let test = &tested["tested"]["targets"][0];
    let smaller = fit(&place, &[&study[..], &["--out", "again"]].concat());
    // the smaller model alone has the bins at the edge of the window, too
    assert!(smaller["targets"][0]["n_bins_used"].as_u64() > tested["targets"][0]["n_bins_used"].as_u64());
    let scores = place
        .run(&["score", "small/model.json", &file, "--epochs", "Noise 1", "--json", "--quiet"])
        .ended(0)
        .json();
    let loose = 2.0
        * (number(&tested["targets"][0]["log_likelihood_sum"])
            - number(&scores["targets"][0]["log_likelihood_sum"]));
    assert!((number(&test["statistic"]) - loose).abs() < 5.0, "{test} {loose}");
    assert_eq!(test["degrees_of_freedom"], 3);
    assert!(number(&test["p_value"]) < 1e-3, "{test}");
    // columns of one name that are other functions
    let other = ["--feature", "spikes : raised-cosine-log(2, window=200ms)", "--out", "other"];
    fit(&place, &[&study[..], &other].concat());
    let words_of_other = [&study[..], &history, &["--test-against", "other/model.json"]].concat();
    let end = place.run(&words_of_other).ended(2);
    assert!(
        end.stderr.contains("raised-cosine-log(2, window=200ms)") && end.stderr.contains("same bins, bases"),
        "{}",
        end.stderr
    );
    let text = place.run(&words).ended(0).stdout;
    assert!(
        text.contains("unit 0 against small/model.json: likelihood ratio ")
            && text.contains("3 degrees of freedom"),
        "{text}"
    );
}

#[test]
fn a_column_of_noise_is_not_significant_and_what_is_not_nested_is_refused() {
    let place = arrays();
    fit(&place, &["fit", "d.npz", "--out", "all"]);
    std::fs::write(place.path("m.csv"), "feature,y\nX[2],0\n").unwrap();
    fit(&place, &["fit", "d.npz", "--mask", "m.csv", "--out", "two"]);
    let tested = fit(&place, &["fit", "d.npz", "--test-against", "two/model.json"]);
    let test = &tested["tested"]["targets"][0];
    assert_eq!(test["degrees_of_freedom"], 1);
    // the square of its z, nearly
    let z = number(&tested["targets"][0]["z"][2]);
    assert!((number(&test["statistic"]) - z * z).abs() < 0.05, "{test} {z}");
    assert!((number(&test["p_value"]) - number(&tested["targets"][0]["p_value"][2])).abs() < 0.02);
    for (words, said) in [
        (&["--test-against", "all/model.json"][..], "test against a model with fewer features"),
        (
            &["--test-against", "two/model.json", "--regularizer", "ridge", "--strength", "1"],
            "leave --regularizer out",
        ),
        (&["--test-against", "none.json"], "none.json"),
    ] {
        let end = place.run(&[&["fit", "d.npz", "--quiet"], words].concat());
        assert!([1, 2, 3].contains(&end.code) && end.stderr.contains(said), "{}", end.stderr);
    }
    // a target that has nothing more is left out, the fit is not lost
    let same = fit(&place, &["fit", "d.npz", "--test-against", "two/model.json", "--mask", "m.csv"]);
    let told = same["tested"]["targets"][0]["left_out"].as_str().unwrap();
    assert!(told.contains("as many parameters"), "{told}");
}
