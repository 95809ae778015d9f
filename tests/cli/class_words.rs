//! What fits to labels say, in the words of other models.

use std::fmt::Write as _;

use crate::categorical::{NAMES, Y, table};
use crate::{Place, number, tutorial};

const FIT: [&str; 6] = ["fit", "turns.csv", "--y", Y, "--observation", "categorical"];

fn turns() -> Place {
    let place = Place::new();
    table(&place, "turns.csv", NAMES, 1);
    place
}

#[test]
fn epochs_that_were_not_chosen_are_those_of_the_fit() {
    let (place, file) = (Place::new(), tutorial());
    let fit = ["fit", &file, "--epochs", "Noise 1", "--epoch", "0", "--bin", "5ms", "--feature", "stimulus"];
    place.run(&[&fit[..], &["--observation", "categorical", "--out", "out", "--quiet"]].concat()).ended(0);
    for (command, done) in [("score", "scored"), ("predict", "predicted"), ("simulate", "drawn")] {
        let words = [command, "out/model.json", &file];
        let run = place.run(&words).ended(0);
        let said = format!("note: {done} on the epochs that were fitted; --epochs TAG chooses others\n");
        assert!(run.stderr.contains(&said), "{run:?}");
        let run = place.run(&[&words[..], &["--epochs", "Noise 2"]].concat()).ended(0);
        assert!(!run.stderr.contains("chooses others"), "{run:?}");
    }
}

#[test]
fn an_array_is_one_group_of_classes_too() {
    let place = turns();
    let words = [&FIT[..], &["--regularizer", "group-lasso", "--strength", "0.01"]].concat();
    let run = place.run(&words).ended(0);
    assert!(run.stderr.contains("note: the 2 columns of an array are one feature"), "{run:?}");
    let run = place.run(&[&words[..], &["--groups", "channel"]].concat()).ended(0);
    assert!(!run.stderr.contains("one feature"), "{run:?}");
}

#[test]
fn columns_that_repeat_one_another_are_told_as_equations() {
    let place = turns();
    let text = std::fs::read_to_string(place.path("turns.csv")).unwrap();
    let double = |line: &str| {
        let [speed, angle, label]: [&str; 3] = line.splitn(3, ',').collect::<Vec<_>>().try_into().unwrap();
        let sum = speed
            .parse::<f64>()
            .map_or("sum".into(), |speed| (speed + angle.parse::<f64>().unwrap()).to_string());
        format!("{speed},{angle},{sum},{label}\n")
    };
    std::fs::write(place.path("turns.csv"), text.lines().map(double).collect::<String>()).unwrap();
    let run = place.run(&FIT).ended(0);
    assert!(run.stdout.contains("1 direction: 2 of 3 columns are independent"), "{run:?}");
    assert!(run.stdout.contains("\n  sum = speed + angle\n"), "{run:?}");
}

#[test]
fn many_targets_have_a_row_each() {
    let place = Place::new();
    let names = ["a", "b", "c", "d", "e"];
    let mut text = format!("x,{}\n", names.join(","));
    for row in 0..200_usize {
        // target k has two classes, or three where k is odd
        let labels: Vec<String> =
            (0..5).map(|k| ((row * 7 + k + row % 11 / 3) % 5 % (2 + k % 2)).to_string()).collect();
        writeln!(text, "{},{}", row % 11, labels.join(",")).unwrap();
    }
    std::fs::write(place.path("many.csv"), text).unwrap();
    let words = ["fit", "many.csv", "--y", "a,b,c,d,e", "--x", "x", "--observation", "categorical"];
    let said = place.run(&words).ended(0).stdout;
    let found = place.run(&[&words[..], &["--json"]].concat()).ended(0).json();
    let rows: Vec<Vec<&str>> = said
        .lines()
        .filter(|line| line.starts_with('│'))
        .map(|line| line.trim_matches('│').split('┆').map(str::trim).collect())
        .collect();
    let header = [
        "target",
        "status",
        "classes",
        "log-likelihood",
        "pseudo-R2",
        "accuracy",
        "KKT residual",
        "loss gap",
    ];
    assert_eq!(rows[0], header);
    assert_eq!(rows.len(), 6, "{said}");
    for ((row, name), target) in rows[1..].iter().zip(names).zip(found["targets"].as_array().unwrap()) {
        let n_classes = target["classes"].as_array().unwrap().len().to_string();
        assert_eq!(row[..3], [name, "converged", &n_classes]);
        for (cell, field) in [(3, "log_likelihood"), (4, "pseudo_r2_mcfadden"), (5, "accuracy")] {
            let digits = if cell == 3 { 9 } else { 4 };
            assert_eq!(row[cell], format!("{:.digits$}", number(&target[field])), "{name} {field}");
        }
    }
    let n_classes: Vec<&str> = rows[1..].iter().map(|row| row[2]).collect();
    assert_eq!(n_classes, ["2", "3", "2", "3", "2"]);
    assert!(said.contains("\n5 of 5 at the optimum, with proof: KKT residuals up to "), "{said}");
    assert!(said.contains("standard errors of every target: --json, or --out DIR\n"), "{said}");
    assert!(!said.contains("taken for"), "{said}");
    // three are shown whole
    let few = ["fit", "many.csv", "--y", "a,b,c", "--x", "x", "--observation", "categorical"];
    let said = place.run(&few).ended(0).stdout;
    assert_eq!(said.matches("taken for 0").count(), 3, "{said}");
}

#[test]
fn rows_without_a_label_are_told_as_such() {
    let place = turns();
    let said = "300 rows, 294 used (6 with data that are not finite or without a label)\n";
    let run = place.run(&[&FIT[..], &["--out", "out"]].concat()).ended(0);
    assert!(run.stdout.contains(said), "{run:?}");
    let run = place.run(&["score", "out/model.json", "turns.csv"]).ended(0);
    assert!(run.stdout.contains(said), "{run:?}");
    // a prediction needs none
    let run = place.run(&["predict", "out/model.json", "turns.csv"]).ended(0);
    assert!(run.stdout.contains("300 rows, 300 used (0 with data that are not finite)\n"), "{run:?}");
}
