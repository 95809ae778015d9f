//! Gamma, negative binomial and probit models, and `--dispersion`.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::{Place, data, json, number, numbers, relative};

fn assert_near(found: f64, expected: f64, bound: f64) {
    assert!((found - expected).abs() <= bound * expected.abs(), "{found}, not {expected}");
}

/// The data of the reference as csv files, and the reference.
fn reference() -> (Place, Value) {
    let place = Place::new();
    let reference = json(data("reference_nemos.json").as_ref());
    for kind in ["Gamma", "Bernoulli", "NegativeBinomial"] {
        let mut text = String::from("a,b,c,y\n");
        let y = numbers(&reference["fit_data"][kind]);
        for (x, y) in reference["fit_data"]["X"].as_array().unwrap().iter().zip(y) {
            let x = numbers(x);
            writeln!(text, "{},{},{},{y}", x[0], x[1], x[2]).unwrap();
        }
        fs::write(place.path(&format!("{kind}.csv")), text).unwrap();
    }
    (place, reference)
}

#[test]
fn fits_are_those_of_the_reference_with_scale_freedom_and_tests() {
    let (place, reference) = reference();
    for (kind, observation, link, options) in [
        ("Gamma", "Gamma", "exp", &["--observation", "gamma", "--link", "exp"][..]),
        ("Bernoulli", "Bernoulli", "norm.cdf", &["--observation", "bernoulli", "--link", "probit"]),
        (
            "NegativeBinomial",
            "NegativeBinomial(scale=0.7)",
            "default",
            &["--observation", "negative-binomial", "--dispersion", "0.7"],
        ),
    ] {
        let file = format!("{kind}.csv");
        let words = [&["fit", &file, "--y", "y", "--json", "--out", kind, "--quiet"], options].concat();
        let fit = place.run(&words).ended(0).json();
        let known = reference["fits"].as_array().unwrap().iter().find(|record| {
            record["observation"] == observation
                && record["link"] == link
                && record["regularizer"] == "UnRegularized"
                && record["model"] == "GLM"
        });
        let (known, target) = (known.unwrap(), &fit["targets"][0]);
        assert_eq!(target["status"], "converged");
        assert!(relative(&numbers(&target["coef"]), &numbers(&known["coef"])) < 1e-8, "{kind}");
        let scale = &known["scale"];
        let scale = scale.as_array().map_or_else(|| number(scale), |all| number(&all[0]));
        assert_near(number(&target["scale"]), scale, 1e-8);
        assert_eq!(target["dof_resid"], 56);
        let (errors, z, p) =
            (numbers(&target["standard_errors"]), numbers(&target["z"]), numbers(&target["p_value"]));
        for (k, coef) in numbers(&target["coef"]).into_iter().enumerate() {
            assert_near(z[k], coef / errors[k], 1e-14);
            assert!((0.0..1.0).contains(&p[k]));
        }
        // what was fitted scores as it did, with its scale or dispersion
        let model = format!("{kind}/model.json");
        let score = place.run(&["score", &model, &file, "--json"]).ended(0).json();
        for field in ["log_likelihood", "deviance", "pseudo_r2_mcfadden", "pseudo_r2_cohen"] {
            assert_near(number(&score["targets"][0][field]), number(&target[field]), 1e-9);
        }
        let command = fit["command"].as_str().unwrap().to_string();
        assert!(options.chunks(2).all(|option| command.contains(&option.join(" "))), "{command}");
        place.run(&["predict", &model, &file, "--out", "p.csv"]).ended(0);
        assert!(fs::read_to_string(place.path("p.csv")).unwrap().lines().count() == 61);
        assert!(place.path(&format!("{kind}/report.html")).exists());
    }
}

#[test]
fn a_dispersion_by_maximum_likelihood_is_told() {
    let (place, _) = reference();
    // counts that vary much more than their mean, whatever the feature
    let counts = [0, 0, 1, 0, 12, 0, 3, 0, 0, 7];
    let mut text = String::from("a,y\n");
    for i in 0..60 {
        writeln!(text, "{},{}", (i * 7) % 13, counts[i % 10] + usize::from(i % 4 == 0)).unwrap();
    }
    fs::write(place.path("d.csv"), text).unwrap();
    let words = ["fit", "d.csv", "--y", "y", "--observation", "negative-binomial", "--dispersion"];
    let ml = place.run(&[&words[..], &["ml", "--json"]].concat()).ended(0).json();
    let target = &ml["targets"][0];
    let at = |dispersion: f64| {
        let dispersion = dispersion.to_string();
        let fit = place.run(&[&words[..], &[&dispersion, "--json"]].concat()).ended(0).json();
        number(&fit["targets"][0]["log_likelihood"])
    };
    let (own, found) = (number(&target["log_likelihood"]), number(&target["scale"]));
    assert_near(at(found), own, 1e-12);
    assert!(at(0.9 * found) < own && at(1.1 * found) < own);
    assert!(number(&target["scale_standard_error"]) > 0.0);
    assert!(ml["command"].as_str().unwrap().contains("--dispersion ml"), "{}", ml["command"]);
    let text = place.run(&[&words[..], &["ml"]].concat()).ended(0).stdout;
    assert!(text.contains(", dispersion ") && text.contains("(standard error "), "{text}");
    // the counts of the reference vary as Poisson's do
    let words = [&["fit", "NegativeBinomial.csv"], &words[2..], &["ml"]].concat();
    let plain = place.run(&words).ended(0);
    assert!(format!("{}{}", plain.stdout, plain.stderr).contains("the dispersion is at its limit 0"));
}

#[test]
fn dispersions_that_cannot_be() {
    let (place, _) = reference();
    let dispersed = ["--observation", "negative-binomial", "--dispersion"];
    for (options, said) in [
        (
            &["--observation", "negative-binomial"][..],
            ["dispersion: expected the dispersion of negative binomial counts", "add --dispersion ml"],
        ),
        (&["--dispersion", "0.5"], ["--dispersion: expected negative-binomial responses", "leave it out"]),
        (&[dispersed[0], dispersed[1], dispersed[2], "0"], ["--dispersion", "a number above 0, or ml"]),
        (&[dispersed[0], dispersed[1], dispersed[2], "much"], ["--dispersion", "a number above 0, or ml"]),
    ] {
        let words = [&["fit", "NegativeBinomial.csv", "--y", "y"], options].concat();
        place.refused(&words, 2, &said);
    }
    let said = ["column \"y\"", "expected a number above 0", "numbers above 0 for gamma"];
    place.refused(&["fit", "NegativeBinomial.csv", "--y", "y", "--observation", "gamma"], 3, &said);
    let ml = ["fit", "Gamma.csv", "--y", "y", dispersed[0], dispersed[1], dispersed[2], "ml"];
    place.refused(
        &ml,
        3,
        &["expected whole numbers up to 1e7, of which a dispersion can be estimated", "help"],
    );
}

#[test]
fn a_study_holds_the_dispersion() {
    let (place, _) = reference();
    let head = "data = \"NegativeBinomial.csv\"\ny = \"y\"\nobservation = \"negative-binomial\"\n";
    for (dispersion, printed) in [("0.7", "dispersion = \"0.7\"\n"), ("\"ml\"", "dispersion = \"ml\"\n")] {
        fs::write(place.path("s.toml"), format!("{head}dispersion = {dispersion}\n")).unwrap();
        let config = place.run(&["fit", "s.toml", "--print-config"]).ended(0).stdout;
        assert!(config.contains(printed), "{config}");
        fs::write(place.path("again.toml"), &config).unwrap();
        let [first, again] = ["s.toml", "again.toml"]
            .map(|study| place.run(&["fit", study, "--json"]).ended(0).json()["targets"][0]["coef"].clone());
        assert_eq!(first, again);
    }
}
