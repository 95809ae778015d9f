//! `--observation` and `--link`: other models than Poisson counts with the exponential link.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::{Place, assert_near, data, files_under, json, number, numbers, relative, tutorial};

/// A place with the data of the reference as csv files, one for each kind of response, and the reference.
fn reference() -> (Place, Value) {
    let place = Place::new();
    let reference = json(data("reference_nemos.json").as_ref());
    for kind in ["Poisson", "Gaussian", "Bernoulli"] {
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

/// A fit of the reference.
fn expected<'r>(reference: &'r Value, observation: &str, link: &str, regularizer: &str) -> &'r Value {
    let is_meant = |record: &&Value| {
        record["observation"] == observation
            && record["link"] == link
            && record["regularizer"] == regularizer
            && record["model"] == "GLM"
    };
    reference["fits"].as_array().unwrap().iter().find(is_meant).unwrap()
}

#[test]
fn fits_are_those_of_the_reference_and_say_their_model() {
    let (place, reference) = reference();
    for (kind, options, link) in [
        ("Poisson", &["--link", "softplus"][..], "softplus"),
        ("Gaussian", &["--observation", "gaussian"], "identity"),
        ("Bernoulli", &["--observation", "bernoulli", "--link", "logistic"], "logistic"),
    ] {
        let file = format!("{kind}.csv");
        let words = [&["fit", &file, "--y", "y", "--json", "--out", kind], options].concat();
        let fit = place.run(&words).ended(0).json();
        assert_eq!(
            (fit["observation"].as_str().unwrap(), &fit["link"]),
            (&*kind.to_lowercase(), &link.into())
        );
        let command = fit["command"].as_str().unwrap();
        assert!(
            command.contains(&format!("--observation {} --link {link}", kind.to_lowercase())),
            "{command}"
        );
        let target = &fit["targets"][0];
        let of_link = if kind == "Poisson" { "softplus" } else { "default" };
        let known = expected(&reference, kind, of_link, "UnRegularized");
        assert_eq!(target["status"], "converged");
        assert!(relative(&numbers(&target["coef"]), &numbers(&known["coef"])) < 1e-8, "{kind}");
        let near = |found: &Value, expected: f64| (number(found) / expected - 1.0).abs() < 1e-8;
        assert!(near(&target["scale"], numbers(&known["scale"])[0]));
        assert!(near(&target["log_likelihood"], number(&known["score_loglik"])));
        // the model file scores and predicts the same
        let model = format!("{kind}/model.json");
        let score = place.run(&["score", &model, &file, "--json", "--quiet"]).ended(0).json();
        for field in ["log_likelihood", "deviance", "pseudo_r2_mcfadden", "pseudo_r2_cohen"] {
            assert_near(&score["targets"][0][field], &target[field], field);
        }
        place.run(&["predict", &model, &file, "--out", "p.csv", "--quiet"]).ended(0);
        let predicted = fs::read_to_string(place.path("p.csv")).unwrap();
        let name = if kind == "Gaussian" { "row,expected_y" } else { "row,expected_count_y" };
        assert_eq!(predicted.lines().next(), Some(name));
        let x = numbers(&reference["fit_data"]["X"][0]);
        let effects = x.iter().zip(numbers(&target["coef"])).map(|(x, w)| x * w).sum::<f64>();
        let eta = number(&target["intercept"]) + effects;
        let mu = match link {
            "softplus" => eta.exp().ln_1p(),
            "identity" => eta,
            _ => 1.0 / (1.0 + (-eta).exp()),
        };
        let first: f64 = predicted.lines().nth(1).unwrap().split(',').nth(1).unwrap().parse().unwrap();
        assert!((first / mu - 1.0).abs() < 1e-13, "{kind}: {first} {mu}");
    }
}

#[test]
fn what_is_for_counts_is_left_out_of_other_fits() {
    let (place, _) = reference();
    let run = |options: &[&str]| place.run(&[&["fit"], options].concat()).ended(0).stdout;
    let page = |folder: &str| fs::read_to_string(place.path(&format!("{folder}/report.html"))).unwrap();
    let poisson = run(&["Poisson.csv", "--y", "y", "--out", "p"]);
    assert!(poisson.contains("y: converged, 106 events") && !poisson.contains("model:"), "{poisson}");
    assert!(json(&place.path("p/fit.json"))["goodness"].is_array());
    assert!(page("p").contains("ln(rate)") && page("p").contains("Kolmogorov"));

    let gaussian = run(&["Gaussian.csv", "--y", "y", "--observation", "gaussian", "--out", "g", "--explain"]);
    for said in [
        "model: gaussian observations, identity inverse link\n",
        "y: converged\n",
        "variance of the noise 2.811340e-1",
        "(the mean squared residual)",
        "15.0 rows per parameter",
    ] {
        assert!(gaussian.contains(said), "{said}: {gaussian}");
    }
    assert!(!gaussian.contains("event") && !gaussian.contains("rate "), "{gaussian}");
    let bins = fs::read_to_string(place.path("g/tables/bins.csv")).unwrap();
    assert!(bins.starts_with("bin,used,response_y,expected_y\n"), "{bins}");
    let of_gaussian = page("g");
    for said in ["A Gaussian generalized linear model", "expected response", "Rows per parameter"] {
        assert!(of_gaussian.contains(said), "{said}");
    }
    for wrong in ["ln(rate)", "Poisson", "Kolmogorov", "Separated", "bits per", "exp(", "events", "log rate"]
    {
        assert!(!of_gaussian.contains(wrong), "{wrong}");
    }

    let bernoulli = run(&["Bernoulli.csv", "--y", "y", "--observation", "bernoulli", "--out", "b"]);
    assert!(bernoulli.contains("y: converged, 25 events") && bernoulli.contains("minus the log-likelihood"));
    let of_bernoulli = page("b");
    for said in
        ["A Bernoulli generalized linear model", "probability", "logistic( ", "the log odds of an event"]
    {
        assert!(of_bernoulli.contains(said), "{said}");
    }
    for wrong in ["ln(rate)", "Poisson", "Kolmogorov"] {
        assert!(!of_bernoulli.contains(wrong), "{wrong}");
    }
    for folder in ["g", "b"] {
        assert!(json(&place.path(&format!("{folder}/fit.json")))["goodness"].is_null());
        let files = files_under(&place.path(folder));
        assert!(
            files.contains("figures/convergence.svg") && !files.contains("figures/goodness.svg"),
            "{files:?}"
        );
    }
}

#[test]
fn models_of_a_recording() {
    let place = Place::new();
    let file = tutorial();
    let fit = |options: &[&str]| {
        let words = ["fit", &file, "--epochs", "Noise 1", "--epoch", "0", "--unit", "0", "--bin", "1ms"];
        let feature = ["--feature", "stimulus*1e12 : raised-cosine-log(8, window=200ms)", "--json"];
        place.run(&[&words[..], &feature, options].concat()).ended(0).json()
    };
    let exp = fit(&[]);
    for options in [&["--link", "softplus"][..], &["--observation", "bernoulli"]] {
        let other = fit(options);
        let target = &other["targets"][0];
        assert_eq!(target["status"], "converged", "{options:?}");
        assert!(number(&target["kkt_residual"]) < 1e-12, "{options:?}");
        // where a bin hardly ever holds more than one spike all links say nearly the same
        let score = |fit: &Value| number(&fit["targets"][0]["pseudo_r2_cohen"]);
        assert!((score(&other) - score(&exp)).abs() < 0.1, "{options:?}: {} {}", score(&other), score(&exp));
    }
    // counts are counts, whatever they are taken for
    let gaussian = fit(&["--observation", "gaussian", "--out", "out", "--quiet"]);
    assert_eq!(gaussian["targets"][0]["status"], "converged");
    let bins = fs::read_to_string(place.path("out/tables/bins.csv")).unwrap();
    assert!(bins.starts_with("bin,t_s,epoch,used,count_0,rate_hz_0\n"));
}

#[test]
fn models_that_cannot_be() {
    let (place, _) = reference();
    for (options, said) in [
        (
            &["--observation", "bernoulli", "--link", "exp"][..],
            [
                "link: expected logistic or probit for bernoulli responses, found exp",
                "poisson goes with exp or softplus",
            ],
        ),
        (
            &["--observation", "gaussian", "--link", "softplus"],
            ["link: expected identity for gaussian responses, found softplus", "leave the link out"],
        ),
        (
            &["--link", "identity"],
            ["link: expected exp or softplus for poisson responses", "gaussian goes with identity"],
        ),
        (
            &["--observation", "binomial"],
            ["--observation: expected one of poisson, gaussian, bernoulli", "help"],
        ),
        (&["--link", "cauchit"], ["--link: expected one of exp, softplus, identity, logistic", "help"]),
    ] {
        place.refused(&[&["fit", "Poisson.csv", "--y", "y"], options].concat(), 2, &said);
    }
    // responses that the model does not know, with their line
    let said = ["column \"y\"", "row 2", "expected 0 or 1", "0 or 1 for bernoulli, any numbers for gaussian"];
    place.refused(&["fit", "Poisson.csv", "--y", "y", "--observation", "bernoulli"], 3, &said);
    let said = ["expected a count, 0 or more", "any numbers for gaussian"];
    place.refused(&["fit", "Gaussian.csv", "--y", "y", "--link", "softplus"], 3, &said);
}

#[test]
fn a_study_holds_the_model() {
    let (place, _) = reference();
    let study = "data = \"Bernoulli.csv\"\ny = \"y\"\nobservation = \"bernoulli\"\n";
    fs::write(place.path("s.toml"), study).unwrap();
    let fit = place.run(&["fit", "s.toml", "--json"]).ended(0).json();
    assert_eq!((&fit["observation"], &fit["link"]), (&"bernoulli".into(), &"logistic".into()));
    let config = place.run(&["fit", "s.toml", "--print-config"]).ended(0).stdout;
    assert!(config.contains("observation = \"bernoulli\"\n") && config.contains("# link = "), "{config}");
    // what is typed wins
    let typed = place.run(&["fit", "s.toml", "--observation", "poisson", "--link", "softplus", "--json"]);
    assert_eq!(typed.ended(0).json()["link"], "softplus");
    fs::write(place.path("w.toml"), format!("{study}link = \"exp\"\n")).unwrap();
    place.refused(&["fit", "w.toml"], 2, &["link: expected logistic or probit for bernoulli", "help: "]);
}

#[test]
fn a_response_without_variation_says_so() {
    let place = Place::new();
    let rows: Vec<String> = (0..20).map(|k| format!("{},1\n", k % 7)).collect();
    fs::write(place.path("ones.csv"), format!("x,y\n{}", rows.concat())).unwrap();
    let run =
        place.run(&["fit", "ones.csv", "--y", "y", "--observation", "bernoulli", "--out", "o"]).ended(4);
    assert!(run.stdout.contains("the probability is 1: there is an event in every bin"), "{run:?}");
    assert!(run.stderr.contains("warning: y: an event in every used bin"), "{run:?}");
    let fit = json(&place.path("o/fit.json"));
    let target = &fit["targets"][0];
    assert_eq!((&target["status"], &target["intercept"]), (&"no_events".into(), &"Infinity".into()));
    let page = fs::read_to_string(place.path("o/report.html")).unwrap();
    assert!(page.contains("An event everywhere: the intercept is ∞"));
}

#[test]
fn a_ridge_penalty_is_that_of_the_reference() {
    let (place, reference) = reference();
    for kind in ["Poisson", "Gaussian", "Bernoulli"] {
        let (file, observation) = (format!("{kind}.csv"), kind.to_lowercase());
        let words = ["fit", &file, "--y", "y", "--observation", &observation, "--out", kind, "--json"];
        let penalty = ["--regularizer", "ridge", "--strength", "0.1"];
        let fit = place.run(&[&words[..], &penalty].concat()).ended(0).json();
        assert_eq!((&fit["regularizer"], &fit["strength"]), (&"ridge".into(), &0.1.into()));
        assert!(fit["command"].as_str().unwrap().contains("--regularizer ridge --strength 0.1 "));
        let (target, known) = (&fit["targets"][0], expected(&reference, kind, "default", "Ridge"));
        assert_eq!(target["status"], "converged");
        let coef = numbers(&target["coef"]);
        assert!(relative(&coef, &numbers(&known["coef"])) < 1e-8, "{kind}");
        let penalty = 0.05 * coef.iter().map(|w| w * w).sum::<f64>();
        let loss = number(&known["loss_unpenalised"]) + penalty;
        assert!((number(&target["loss"]) / loss - 1.0).abs() < 1e-8, "the penalty is part of the loss");
        assert!((number(&target["log_likelihood"]) / number(&known["score_loglik"]) - 1.0).abs() < 1e-8);
        // the model file knows, and scores without it
        let model = json(&place.path(&format!("{kind}/model.json")));
        assert_eq!(model["fit"]["regularizer"]["ridge"]["strength"], 0.1, "{model}");
        let model = format!("{kind}/model.json");
        let score = place.run(&["score", &model, &file, "--json", "--quiet"]).ended(0).json();
        assert_near(&score["targets"][0]["log_likelihood"], &target["log_likelihood"], kind);
        let page = fs::read_to_string(place.path(&format!("{kind}/report.html"))).unwrap();
        assert!(page.contains("ridge of strength") && page.contains("with its penalty"));
    }
    let words = ["fit", "Poisson.csv", "--y", "y", "--regularizer", "ridge", "--strength=1e-3"];
    let text = place.run(&words).ended(0).stdout;
    assert!(text.contains("model: poisson observations, exp inverse link, ridge penalty of strength 0.001"));
    assert!(text.contains("(terms free of the rate left out, the penalty included)"), "{text}");
    let plain = place.run(&["fit", "Poisson.csv", "--y", "y", "--json"]).ended(0).json();
    assert_eq!((&plain["regularizer"], &plain["strength"]), (&"none".into(), &Value::Null));
}

#[test]
fn a_penalty_bounds_what_is_separated() {
    let place = Place::new();
    let rows: Vec<String> = (0..40).map(|k| format!("{},{}\n", k % 10, u8::from(k % 10 > 4))).collect();
    fs::write(place.path("d.csv"), format!("x,y\n{}", rows.concat())).unwrap();
    let words = ["fit", "d.csv", "--y", "y", "--observation", "bernoulli"];
    let run = place.run(&words).ended(4);
    assert!(run.stderr.contains("separated") && run.stderr.contains("--regularizer ridge"), "{run:?}");
    place.run(&[&words[..], &["--regularizer", "ridge", "--strength", "0.001"]].concat()).ended(0);
}

#[test]
fn penalties_that_cannot_be() {
    let (place, _) = reference();
    for (options, said) in [
        (
            &["--regularizer", "ridge"][..],
            ["strength: expected the strength of the ridge penalty", "--strength 1e-3"],
        ),
        (&["--strength", "0.1"], ["--strength: expected a penalty that it is for", "--regularizer ridge"]),
        (
            &["--regularizer", "ridge", "--strength", "0"],
            ["strength: expected a number above 0, found 0", "1e-3"],
        ),
        (
            &["--regularizer", "l1"],
            ["--regularizer: expected one of none, ridge, lasso, elastic-net", "help"],
        ),
    ] {
        place.refused(&[&["fit", "Poisson.csv", "--y", "y"], options].concat(), 2, &said);
    }
    let study = "data = \"Poisson.csv\"\ny = \"y\"\nregularizer = \"ridge\"\nstrength = 0.1\n";
    fs::write(place.path("s.toml"), study).unwrap();
    let config = place.run(&["fit", "s.toml", "--print-config"]).ended(0).stdout;
    assert!(config.contains("regularizer = \"ridge\"\nstrength = 0.1\n"), "{config}");
    assert_eq!(place.run(&["fit", "s.toml", "--json"]).ended(0).json()["strength"], 0.1);
}
