//! `--plan` and `--cost-constants`: files that decide how a fit is carried out.

use std::fs;

use serde_json::{Value, json};

use crate::array_file::{Array, Random, write_npz};
use crate::array_fit::arrays;
use crate::categorical::{NAMES, Y, table};
use crate::recording_file::write_recording;
use crate::{Place, json as read, number};

/// What must be equal to the bit.
fn answer(document: &Value) -> Value {
    crate::without_history(&document["targets"])
}

#[test]
fn a_result_is_a_plan_and_so_is_the_plan_in_it() {
    let place = arrays();
    let first = place.run(&["fit", "d.npz", "--solver", "lbfgs", "--out", "first", "--json"]).ended(0).json();
    assert_eq!(place.run(&["fit", "d.npz", "--json"]).ended(0).json()["solver"], "newton");
    fs::write(place.path("printed.json"), first.to_string()).unwrap();
    fs::write(place.path("alone.json"), first["plan"].to_string()).unwrap();
    for file in ["first/fit.json", "printed.json", "alone.json"] {
        let again = place.run(&["fit", "d.npz", "--plan", file, "--json"]).ended(0).json();
        assert_eq!((&again["solver"], answer(&again)), (&first["solver"], answer(&first)), "{file}");
        assert_eq!(again["plan"]["reason"], "as an earlier fit");
        let command = again["command"].as_str().unwrap();
        assert!(command.contains(&format!("--plan {file}")), "{command}");
    }
    // as a study
    let study = place.run(&["fit", "d.npz", "--plan", "alone.json", "--print-config"]).ended(0).stdout;
    fs::write(place.path("study.toml"), study).unwrap();
    assert_eq!(answer(&place.run(&["fit", "study.toml", "--json"]).ended(0).json()), answer(&first));
    let explained = place.run(&["fit", "study.toml", "--explain"]).ended(0).stdout;
    for said in ["\nplan: lbfgs (as an earlier fit) for 400 rows x 3", "\n  by cost constants: compiled in\n"]
    {
        assert!(explained.contains(said), "{explained}");
    }
    // all numbers in double precision
    let double = place.run(&["fit", "d.npz", "--precision", "f64", "--json"]).ended(0);
    fs::write(place.path("double.json"), &double.stdout).unwrap();
    let again = place.run(&["fit", "d.npz", "--plan", "double.json", "--json"]).ended(0).json();
    assert_eq!((&again["precision"], answer(&again)), (&"f64".into(), answer(&double.json())));
}

#[test]
fn targets_with_columns_of_their_own_have_plans_of_their_own() {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let fit = |more: &[&str]| {
        let words = ["fit", "r.nwb", "--epochs", "run", "--bin", "10ms", "--json", "--feature", "current"];
        let history = ["--feature", "spikes : raised-cosine-log(3, window=50ms)"];
        place.run(&[&words[..], &history, more].concat())
    };
    let units = ["--unit", "5", "--unit", "3"];
    let first = fit(&[&units[..], &["--solver", "lbfgs", "--out", "out"]].concat()).ended(0).json();
    assert_eq!(first["plan"]["groups"].as_array().unwrap().len(), 2, "{}", first["plan"]);
    let again = fit(&[&units[..], &["--plan", "out/fit.json"]].concat()).ended(0).json();
    assert_eq!((&again["solver"], answer(&again)), (&"lbfgs".into(), answer(&first)));
    let other = fit(&["--unit", "5", "--plan", "out/fit.json"]).ended(3);
    let said = "error: out/fit.json: plan.groups: expected 1, the groups of targets that have designs of their own, \
                found 2\nhelp: leave the plan out";
    assert!(other.stderr.starts_with(said), "{other:?}");
}

#[test]
fn fits_to_labels_have_plans() {
    let place = Place::new();
    let mut random = Random(5);
    let x: Vec<f64> = (0..800).map(|_| random.uniform()).collect();
    let classes = |x: &[f64]| {
        let turn = f64::from(x[0] + random.uniform() > 1.2);
        [turn, (1.5 * (x[1] + random.uniform())).floor()]
    };
    let y: Vec<f64> = x.chunks(2).flat_map(classes).collect();
    write_npz(&place.path("d.npz"), &[("X", Array::matrix(2, &x)), ("y", Array::matrix(2, &y))]);
    let words = ["fit", "d.npz", "--observation", "categorical", "--json"];
    let first = place.run(&[&words[..], &["--solver", "lbfgs", "--out", "out"]].concat()).ended(0).json();
    assert_eq!(first["plan"]["groups"].as_array().unwrap().len(), 2, "{}", first["plan"]);
    assert_eq!(place.run(&words).ended(0).json()["solver"], "newton");
    let again = place.run(&[&words[..], &["--plan", "out/fit.json"]].concat()).ended(0).json();
    assert_eq!((&again["solver"], answer(&again)), (&"lbfgs".into(), answer(&first)));
    let one: Vec<f64> = y.chunks(2).map(|own| own[0]).collect();
    write_npz(&place.path("one.npz"), &[("X", Array::matrix(2, &x)), ("y", Array::vector(&one))]);
    let other = [&["fit", "one.npz"], &words[2..], &["--plan", "out/fit.json"]].concat();
    let other = place.run(&other).ended(3);
    assert!(other.stderr.contains("out/fit.json: plan.groups: expected 1"), "{other:?}");
}

#[test]
fn plans_that_cannot_be_followed() {
    let place = arrays();
    let plan = place.run(&["fit", "d.npz", "--json"]).ended(0).json()["plan"].take();
    let of_problem = "leave the plan out, or give that of a fit to these data";
    for (field, value, said) in [
        ("solver", json!("sgd"), "p.json: plan.solver: expected one of newton, lbfgs, found `sgd`"),
        ("level", json!("mmx"), "p.json: plan.level: expected one of scalar"),
        ("n_rows", json!(401), "p.json: plan.n_rows: expected 400, the rows of these data, found 401"),
        ("n_columns", json!(4), "p.json: plan.n_columns: expected 3, the columns to fit"),
        ("n_targets", json!(2), "p.json: plan.n_targets: expected 1, the targets with events, found 2"),
        ("features", json!([]), "p.json: plan.features: expected 1, the features"),
    ] {
        let mut plan = plan.clone();
        plan[field] = value;
        fs::write(place.path("p.json"), json!({ "plan": plan }).to_string()).unwrap();
        let help = if field == "level" { "make its `level` empty" } else { of_problem };
        place.refused(&["fit", "d.npz", "--plan", "p.json"], 3, &[said, help]);
        place.refused(&["fit", "d.npz", "--plan", "p.json", "--out", "out"], 3, &[said]);
    }
    fs::write(place.path("p.json"), plan.to_string()).unwrap();
    let said = "p.json: plan.solver: expected lbfgs, which is asked for beside it, found newton";
    place.refused(&["fit", "d.npz", "--plan", "p.json", "--solver", "lbfgs"], 3, &[said, "no solver beside"]);
    let said = "p.json: plan.storage: expected f64, the precision that is asked for, found f32";
    place.refused(
        &["fit", "d.npz", "--plan", "p.json", "--precision", "f64"],
        3,
        &[said, "no other precision"],
    );
    place.refused(&["fit", "d.npz", "--plan", "none.json"], 3, &["none.json: No such file"]);
    for (text, said) in [("{\"solver\"", "p.json: expected JSON"), ("{\"a\": 1}", "missing field `solver`")] {
        fs::write(place.path("p.json"), text).unwrap();
        place.refused(&["fit", "d.npz", "--plan", "p.json"], 3, &[said]);
    }
    let both = ["fit", "d.npz", "--plan", "p.json", "--cost-constants", "c.json"];
    place.refused(&both, 2, &["--plan: expected it without --cost-constants"]);
}

/// Data of a fit in which the solver is worth a thought.
fn large() -> Place {
    let place = Place::new();
    let mut random = Random(11);
    let x: Vec<f64> = (0..12_000 * 100).map(|_| random.uniform() - 0.5).collect();
    let y: Vec<f64> = (0..12_000).map(|_| random.poisson(0.5)).collect();
    write_npz(&place.path("d.npz"), &[("X", Array::matrix(100, &x)), ("y", Array::vector(&y))]);
    place
}

#[test]
fn measured_speeds_are_taken_and_decide() {
    let place = large();
    let run = place.run(&["bench", "--calibrate", "c.json"]).ended(0);
    assert!(run.stderr.ends_with("speeds written to c.json\n"), "{run:?}");
    let file = read(&place.path("c.json"));
    for (name, compiled_in) in file["compiled_in"].as_object().unwrap() {
        assert!(run.stdout.contains(name), "{name} is not in {}", run.stdout);
        let ratio = number(&file["speeds"][name]) / number(compiled_in);
        assert!((0.01..100.0).contains(&ratio), "{name}: {ratio}");
    }
    let fit = |file: &str| {
        let run = place.run(&["fit", "d.npz", "--cost-constants", file, "--json"]).ended(0);
        run.json()["plan"].take()
    };
    assert!(fit("c.json")["constants"].as_str().unwrap().starts_with("c.json (measured on "));
    for (name, speed, solver) in [("gram_flop_per_s", 1e3, "lbfgs"), ("product_flop_per_s", 1e3, "newton")] {
        let mut file = file.clone();
        file["speeds"][name] = speed.into();
        fs::write(place.path("own.json"), file.to_string()).unwrap();
        assert_eq!(fit("own.json")["solver"], solver, "{name}");
    }
    let explained = place.run(&["fit", "d.npz", "--cost-constants", "own.json", "--explain"]).ended(0);
    assert!(explained.stdout.contains("\n  by cost constants: own.json (measured on "), "{explained:?}");
    // of classes all the same is told
    table(&place, "turns.csv", NAMES, 1);
    let words =
        ["fit", "turns.csv", "--y", Y, "--observation", "categorical", "--solver", "lbfgs", "--explain"];
    let explained = place.run(&[&words[..], &["--cost-constants", "own.json"]].concat()).ended(0).stdout;
    for said in [
        "\nplan: lbfgs (",
        ") for 294 rows x 6 parameters\n",
        "\n  by cost constants: own.json (measured on ",
        "; vector instructions: ",
        "\n  preconditioner: the flat Gram of all rows\n",
    ] {
        assert!(explained.contains(said), "{said:?} is not in {explained}");
    }
    // nothing is read that is not asked for
    assert_eq!(place.run(&["fit", "d.npz", "--json"]).ended(0).json()["plan"]["constants"], "compiled in");
    for (change, said) in [
        (json!({ "schema": 2 }), "own.json: schema: expected 1, found 2"),
        (
            json!({ "machine": { "processor": "p", "threads": 1, "vector_instructions": "mmx", "system": "s" } }),
            "own.json: machine.vector_instructions: expected ",
        ),
        (json!({ "speeds": {} }), "own.json: expected speeds as `rheobase bench --calibrate` writes them"),
        (json!({ "speeds": { "read_bytes_per_s": "fast" } }), "invalid type: string"),
    ] {
        let mut file = file.clone();
        file.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        fs::write(place.path("own.json"), file.to_string()).unwrap();
        let words = ["fit", "d.npz", "--cost-constants", "own.json"];
        place.refused(&words, 3, &[said, "help: measure them here with `rheobase bench --calibrate FILE`"]);
    }
    let mut file = file;
    file["speeds"]["gram_flop_per_s"] = json!(-1.0);
    fs::write(place.path("own.json"), file.to_string()).unwrap();
    let said = "own.json: speeds.gram_flop_per_s: expected a number above 0, found -1";
    place.refused(&["fit", "d.npz", "--cost-constants", "own.json"], 3, &[said, "measure them again"]);
    place.refused(&["fit", "d.npz", "--cost-constants", "none.json"], 3, &["none.json: No such file"]);
}

#[test]
fn speeds_go_nowhere_but_into_a_file() {
    let place = Place::new();
    fs::write(place.path("file"), "").unwrap();
    place.refused(&["bench", "--calibrate", "file/c.json"], 1, &["file"]);
    for other in ["--quick", "--each-line", "--no-roofs"] {
        let said = ["expected it without", "keep one of them"];
        place.refused(&["bench", "--calibrate", "c.json", other], 2, &said);
    }
}
