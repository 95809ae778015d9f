//! `rheobase check` of files that were changed, of other data, and what it says that it has not looked at.

use std::fmt::Write as _;
use std::fs;

use serde_json::{Value, json as value};

use crate::check::{table, uniforms};
use crate::tally::tally;
use crate::{Place, json, number, tutorial};

/// A fit and its model file, to be changed.
fn fitted(place: &Place, options: &[&str]) -> Value {
    table(place, "d.csv", 4);
    let words = [&["fit", "d.csv", "--x", "a,b,c,d", "--quiet", "--out", "m"], options].concat();
    place.run(&words).ended(0);
    json(&place.path("m/model.json"))
}

/// What the check says of a changed model.
fn disagreements(place: &Place, model: &Value) -> String {
    fs::write(place.path("changed.json"), model.to_string()).unwrap();
    let run = place.run(&["check", "changed.json", "d.csv"]).ended(4);
    assert!(run.stdout.contains("DISAGREES"), "{run:?}");
    let document = place.run(&["check", "changed.json", "d.csv", "--json", "--quiet"]).ended(4).json();
    assert_eq!(
        (&document["agrees"], &document["targets"][0]["verdict"]),
        (&false.into(), &"disagrees".into())
    );
    document["targets"][0]["disagreements"].to_string()
}

#[test]
fn changed_models_disagree() {
    let place = Place::new();
    let model = fitted(&place, &["--y", "count"]);
    let mut n_changes = 0;
    for (at, change, said) in [
        ("/fit/targets/0/coef/1", 1.0 + 1e-5, "not at the optimum"),
        ("/fit/targets/0/intercept", 1.0 + 1e-5, "not at the optimum"),
        ("/fit/targets/0/loss", 1.0 + 1e-9, "loss:"),
        ("/fit/targets/0/log_likelihood", 1.0 - 1e-9, "log-likelihood"),
        ("/fit/targets/0/deviance", 1.0 + 1e-8, "deviance"),
        ("/fit/targets/0/log_likelihood_sum", 1.0 - 1e-9, "sum of the log-likelihoods"),
        ("/fit/targets/0/pseudo_r2_mcfadden", 1.0 + 1e-4, "McFadden"),
        ("/fit/condition", 1.01, "condition"),
        ("/fit/targets/0/standard_errors/2", 1.0 + 1e-5, "standard error"),
    ] {
        let mut changed = model.clone();
        let place_of = changed.pointer_mut(at).unwrap();
        *place_of = (number(place_of) * change).into();
        let found = disagreements(&place, &changed);
        assert!(found.contains(said), "{at}: {found}");
        n_changes += 1;
    }
    for (at, to, said) in [
        ("/fit/targets/0/kkt_residual", value!(1e-9), "KKT residual"),
        ("/fit/targets/0/loss_gap", value!(1e-17), "loss gap"),
        ("/fit/targets/0/n_bins_used", value!(299), "rows used"),
        ("/fit/rank", value!(3), "rank"),
        ("/fit/targets/0/dof_resid", value!(200), "degrees of freedom"),
        ("/fit/targets/0/aliased", value!(["b"]), "aliased columns: stored b, found none"),
        ("/fit/targets/0/standard_errors/1", value!("NaN"), "standard error of b: stored NaN"),
        ("/fit/targets/0/intercept_standard_error", value!("NaN"), "standard error of the intercept"),
        ("/fit/targets/0/pseudo_r2_cohen", value!("NaN"), "Cohen"),
        ("/fit/condition", value!("NaN"), "condition"),
        ("/fit/has_intercept", value!(false), "has no intercept"),
        ("/fit/regularizer", value!({ "ridge": { "strength": 1e-3 } }), "not at the optimum"),
        ("/fit/model/inverse_link", value!("softplus"), "not at the optimum"),
    ] {
        let mut changed = model.clone();
        match changed.pointer_mut(at) {
            Some(place_of) => *place_of = to,
            None => changed["fit"]["has_intercept"] = to,
        }
        let found = disagreements(&place, &changed);
        assert!(found.contains(said), "{at}: {found}");
        n_changes += 1;
    }
    let classes = fitted(&place, &["--y", "label", "--observation", "categorical"]);
    for (at, change, said) in [
        ("/fit/targets/0/coef/4", 1.0 + 1e-5, "not at the optimum"),
        ("/fit/targets/0/standard_errors/5", 1.0 + 1e-5, "standard error"),
        ("/fit/targets/0/intercept_standard_error/1", 1.0 + 1e-5, "standard error"),
        ("/fit/condition", 1.01, "condition"),
        ("/fit/rank", 0.75, "rank"),
        ("/fit/targets/0/dof_resid", 0.5, "degrees of freedom"),
    ] {
        let mut changed = classes.clone();
        let place_of = changed.pointer_mut(at).unwrap();
        let new = number(place_of) * change;
        *place_of = if place_of.is_u64() { value!(new as u64) } else { value!(new) };
        let found = disagreements(&place, &changed);
        assert!(found.contains(said), "{at}: {found}");
        n_changes += 1;
    }
    tally(
        "changed models that a second computation rejects",
        &[("changes", n_changes), ("found", n_changes)],
    );
}

#[test]
fn other_data_are_told_from_those_of_the_fit() {
    let place = Place::new();
    fitted(&place, &["--y", "count"]);
    table(&place, "other.csv", 5);
    let run = place.run(&["check", "m/model.json", "other.csv"]).ended(4);
    assert!(run.stderr.contains("other.csv is another file than was fitted"), "{}", run.stderr);
    assert!(
        run.stdout.contains("DISAGREES") && run.stdout.contains("0 of 1 at the optimum"),
        "{}",
        run.stdout
    );
    // the same numbers in another file are the same data
    let text = fs::read_to_string(place.path("d.csv")).unwrap();
    fs::write(place.path("copy.csv"), text.replace('\n', "\r\n")).unwrap();
    let run = place.run(&["check", "m/model.json", "copy.csv", "--json"]).ended(0);
    assert!(run.json()["same_data"] == false && run.stderr.contains("belongs to the data of the fit"));
    // without the Hessian, what needs it is left out and said to be
    let run = place.run(&["check", "m/model.json", "d.csv", "--standard-errors", "off", "--json"]).ended(0);
    let left_out = run.json()["targets"][0]["left_out"].to_string();
    assert!(left_out.contains("loss gap: the Hessian was left out"), "{left_out}");
    // files of the result, and nothing else
    place.run(&["check", "m/model.json", "d.csv", "--out", "c", "--quiet"]).ended(0);
    assert_eq!(json(&place.path("c/check.json"))["agrees"], true);
    // other epochs of a recording
    let tutorial = tutorial();
    let words =
        ["--epochs", "Noise 1", "--epoch", "0", "--unit", "0", "--bin", "1ms", "--feature", "stimulus*1e12"];
    place.run(&[&["fit", &tutorial, "--quiet", "--out", "r"], &words[..]].concat()).ended(0);
    let run =
        place.run(&["check", "r/model.json", &tutorial, "--epochs", "Noise 1", "--epoch", "1"]).ended(4);
    assert!(run.stderr.contains("the epochs are others"), "{}", run.stderr);
}

/// What a check does not look at it names, in the table as in the result.
#[test]
fn what_was_not_checked_is_said() {
    let place = Place::new();
    table(&place, "d.csv", 7);
    let x = ["--x", "a,b,c,d"];
    for (options, flags, said) in [
        (
            &["--y", "count"][..],
            &["--standard-errors", "off"][..],
            &[
                "loss gap: the Hessian was left out",
                "condition: the Hessian was left out",
                "which columns are aliased: the Hessian was left out",
                "degrees of freedom: the rank is not known here",
                "standard errors: the Hessian was left out",
            ][..],
        ),
        (
            &["--y", "count", "--standard-errors", "off"],
            &[],
            &[
                "loss gap: the stored one is an estimate by the flat Gram",
                "standard errors: the fit has none",
                "condition: the fit has none",
            ],
        ),
        (
            &["--y", "label", "--observation", "categorical", "--regularizer", "lasso", "--strength", "0.02"],
            &[],
            &["standard errors: some coefficients are not determined, or held at a kink"],
        ),
    ] {
        place.run(&[&["fit", "d.csv", "--quiet", "--out", "m"], options, &x].concat()).ended(0);
        let words = [&["check", "m/model.json", "d.csv", "--quiet"], flags].concat();
        let text = place.run(&words).ended(0).stdout;
        let left_out = place.run(&[&words[..], &["--json"]].concat()).ended(0).json();
        let left_out = left_out["targets"][0]["left_out"].to_string();
        for said in said {
            assert!(text.contains(&format!("not checked: {said}")), "{options:?}: {text}");
            assert!(left_out.contains(said), "{options:?}: {left_out}");
        }
    }
    // a model that tells two kinds apart by a threshold
    let apart: String = (0..40).fold(String::from("x,y\n"), |text, row| {
        format!("{text}{},{}\n", f64::from(row) - 19.5, u8::from(row > 19))
    });
    fs::write(place.path("apart.csv"), apart).unwrap();
    place
        .run(&["fit", "apart.csv", "--y", "y", "--observation", "bernoulli", "--quiet", "--out", "a"])
        .ended(4);
    let run = place.run(&["check", "a/model.json", "apart.csv"]).ended(4);
    assert!(run.stdout.contains("not checked: separated: that the likelihood rises"), "{}", run.stdout);
}

/// Partial sums of a Hessian are made only within the limit.
#[test]
fn hessians_stay_within_the_limit() {
    let place = Place::new();
    let mut uniform = uniforms(10);
    let n_columns = 1200;
    let header: Vec<String> = (0..n_columns).map(|j| format!("x{j}")).collect();
    let mut wide = format!("{},y\n", header.join(","));
    for _ in 0..20 {
        let x: Vec<String> = (0..n_columns).map(|_| format!("{:.2}", uniform())).collect();
        writeln!(wide, "{},{}", x.join(","), (4.0 * uniform()) as u32).unwrap();
    }
    fs::write(place.path("wide.csv"), wide).unwrap();
    let penalty = ["--regularizer", "lasso", "--strength", "0.5"];
    place.run(&[&["fit", "wide.csv", "--y", "y", "--quiet", "--out", "m"], &penalty[..]].concat()).ended(0);
    let words = ["check", "m/model.json", "wide.csv", "--memory-limit", "150MB", "--standard-errors"];
    let run = place.run(&[&words[..], &["auto"]].concat()).ended(0);
    assert!(run.stdout.contains("not checked: loss gap: the Hessian was left out"), "{}", run.stdout);
    place.refused(&[&words[..], &["on"]].concat(), 1, &["Hessian of 1201 parameters", "--memory-limit"]);
}

#[test]
fn what_is_not_at_its_optimum_is_not_called_so() {
    let place = Place::new();
    table(&place, "d.csv", 6);
    let words =
        ["fit", "d.csv", "--x", "a,b", "--y", "count", "--max-iterations", "1", "--quiet", "--out", "m"];
    place.run(&words).ended(4);
    let run = place.run(&["check", "m/model.json", "d.csv", "--json"]).ended(4);
    assert_eq!((&run.json()["agrees"], &run.json()["at_optimum"]), (&true.into(), &false.into()), "{run:?}");
    // no events: nothing to compute, and nothing wrong
    let silent: String = (0..40).fold(String::from("x,y\n"), |text, row| format!("{text}{row},0\n"));
    fs::write(place.path("silent.csv"), silent).unwrap();
    place.run(&["fit", "silent.csv", "--y", "y", "--quiet", "--out", "s"]).ended(4);
    let run = place.run(&["check", "s/model.json", "silent.csv"]).ended(4);
    assert!(run.stdout.contains("agrees; not at an optimum (no_events)"), "{}", run.stdout);
    let mut model = json(&place.path("s/model.json"));
    model["fit"]["targets"][0]["intercept"] = value!(-30.0);
    fs::write(place.path("changed.json"), model.to_string()).unwrap();
    let run = place.run(&["check", "changed.json", "silent.csv"]).ended(4);
    assert!(run.stdout.contains("intercept: stored -30, found -inf"), "{}", run.stdout);
    // a model without a certificate is refused, with the reason
    place.run(&["export", "m/model.json", "--to", "nemos", "nemos.npz", "--quiet"]).ended(0);
    place.refused(&["check", "nemos.npz", "d.csv"], 2, &["a model with a certificate", "NeMoS"]);
    place.refused(&["check", "m/model.json", "none.csv"], 3, &["none.csv"]);
    place.refused(&["check", "m/model.json", &tutorial()], 2, &["as the model was fitted to"]);
    place.refused(&["check", "m/model.json", "d.csv", "--backend", "gpu"], 5, &["check"]);
}
