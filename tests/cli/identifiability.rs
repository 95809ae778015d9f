//! What the data do not determine, as text, in `fit.json` and in the report.

use std::fmt::Write as _;

use crate::html::read;
use crate::recording_file::write_recording;
use crate::{Place, json, texts};

const PLACE: &str = "position[0] : bspline(5)";

fn fitted(more: &[&str]) -> (Place, String) {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let words =
        ["fit", "r.nwb", "--bin", "50ms", "--epochs", "run", "--unit", "3", "--out", "out", "--quiet"];
    let run = place.run(&[&words[..], more].concat()).ended(0);
    (place, run.stdout)
}

#[test]
fn a_basis_that_sums_to_one_is_told() {
    let (place, text) = fitted(&["--feature", PLACE]);
    let equation = "position[0].5 = 1 - (the other 4 columns of position[0])";
    assert!(text.contains("1 direction: 4 of 5 columns are independent"), "{text}");
    assert!(text.contains(&format!("\n  {equation}\n")), "{text}");
    let found = &json(&place.path("out/fit.json"))["identifiability"];
    assert_eq!((&found["rank"], &found["n_columns"]), (&4.into(), &5.into()));
    let own = &found["dependences"][0];
    assert_eq!((&own["column"], &own["feature"]), (&"position[0].5".into(), &"position[0]".into()));
    assert_eq!(own["determined_by"], "smallest_norm");
    assert!((own["constant"].as_f64().unwrap() - 1.0).abs() < 1e-12, "{own}");
    let others = own["columns"].as_array().unwrap();
    assert_eq!(others.len(), 4);
    for (k, other) in others.iter().enumerate() {
        assert_eq!(other["column"], format!("position[0].{}", k + 1));
        assert!((other["coefficient"].as_f64().unwrap() + 1.0).abs() < 1e-12, "{own}");
    }
    let page = read(&std::fs::read_to_string(place.path("out/report.html")).unwrap());
    assert!(page.text.contains("What the data do not determine"));
    assert!(page.text.contains(equation));
    // the model remembers it
    let model = json(&place.path("out/model.json"));
    assert_eq!(&model["fit"]["identifiability"], found);
}

#[test]
fn nothing_is_said_where_all_is_determined() {
    let (place, text) = fitted(&["--feature", "position[0]"]);
    assert!(!text.contains("do not determine"), "{text}");
    let found = &json(&place.path("out/fit.json"))["identifiability"];
    assert_eq!(found["dependences"], serde_json::json!([]));
    let page = std::fs::read_to_string(place.path("out/report.html")).unwrap();
    assert!(!page.contains("What the data do not determine"));
}

#[test]
fn a_ridge_decides_alone() {
    let (place, text) = fitted(&["--feature", PLACE, "--regularizer", "ridge", "--strength", "0.1"]);
    assert!(text.contains("; the penalty alone decides there:\n  position[0].5 = 1 - "), "{text}");
    let fit = json(&place.path("out/fit.json"));
    assert_eq!(fit["identifiability"]["dependences"][0]["determined_by"], "penalty");
    assert_eq!(fit["identifiability"]["n_by_penalty"], 1);
    assert!(texts(&fit["targets"][0]["aliased"]).is_empty());
}

/// Targets that see columns of their own: what one of them alone has is told of that one.
#[test]
fn a_dependence_of_some_targets_names_them() {
    let place = Place::new();
    let mut text = String::from("a,b,c,y,z\n");
    for k in 0..60 {
        let (a, b) = (f64::from(k * 7 % 11), f64::from(k * 5 % 13));
        writeln!(text, "{a},{b},{},{},{}", 2.0 * a - b, k % 3, (k + 1) % 4).unwrap();
    }
    std::fs::write(place.path("d.csv"), text).unwrap();
    std::fs::write(place.path("m.csv"), "feature,z\nb,0\n").unwrap();
    let words = ["fit", "d.csv", "--y", "y,z", "--mask", "m.csv", "--quiet"];
    let text = place.run(&words).ended(0).stdout;
    assert!(text.contains("\n  c = 2 a - b (of y)\n"), "{text}");
    let found = place.run(&[&words[..], &["--json"]].concat()).ended(0).json()["identifiability"].clone();
    assert_eq!((&found["rank"], &found["n_columns"]), (&2.into(), &3.into()));
    assert_eq!(found["dependences"][0]["targets"], serde_json::json!(["y"]));
    let all = place.run(&["fit", "d.csv", "--y", "y,z", "--quiet"]).ended(0).stdout;
    assert!(all.contains("\n  c = 2 a - b\n"), "{all}");
}
