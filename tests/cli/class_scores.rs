//! How often the most probable class is the label.

use crate::categorical::{NAMES, Y, table};
use crate::{Place, json, number};

/// Labels and most probable classes of the used bins of a table with a column of labels and three of probabilities.
fn counted(text: &str) -> [[u64; 3]; 3] {
    let mut counts = [[0; 3]; 3];
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let p: Vec<f64> = cells[3..6].iter().map(|cell| cell.parse().unwrap()).collect();
        let most = (0..3).fold(0, |a, b| if p[b] > p[a] { b } else { a });
        if cells[1] == "1" {
            counts[NAMES.iter().position(|name| *name == cells[2]).unwrap()][most] += 1;
        }
    }
    counts
}

#[test]
fn a_fit_and_a_score_say_which_classes_are_taken_for_which() {
    let place = Place::new();
    table(&place, "turns.csv", NAMES, 1);
    let fit = ["fit", "turns.csv", "--y", Y, "--observation", "categorical", "--out", "out"];
    let text = place.run(&fit).ended(0).stdout;
    let document = json(&place.path("out/fit.json"));
    let target = &document["targets"][0];
    let counts = counted(&std::fs::read_to_string(place.path("out/tables/bins.csv")).unwrap());
    assert_eq!(target["confusion"], serde_json::json!(counts));
    let (right, all) = ((0..3).map(|k| counts[k][k]).sum::<u64>(), counts.as_flattened().iter().sum::<u64>());
    assert_eq!(all, target["n_bins_used"].as_u64().unwrap());
    // better than the most frequent label alone
    let most = counts.iter().map(|row| row.iter().sum::<u64>()).max().unwrap();
    assert!(right > most, "{counts:?}");
    let accuracy = right as f64 / all as f64;
    assert!((number(&target["accuracy"]) - accuracy).abs() < 1e-15);
    let said = format!("accuracy {accuracy:.4}");
    assert!(text.contains(&said) && text.contains("taken for left"), "{said}: {text}");
    let row = text.lines().skip_while(|line| !line.contains("taken for left")).nth(2).unwrap();
    let cells: Vec<&str> = row.split(['│', '┆']).map(str::trim).filter(|cell| !cell.is_empty()).collect();
    assert_eq!(cells, [vec!["left".into()], counts[0].map(|n| n.to_string()).to_vec()].concat());
    // other data have others, the same data the same
    let score = ["score", "out/model.json", "turns.csv"];
    let same = place.run(&[&score[..], &["--json"]].concat()).ended(0).json();
    assert_eq!(same["targets"][0]["confusion"], target["confusion"]);
    assert_eq!(same["targets"][0]["accuracy"], target["accuracy"]);
    let text = place.run(&score).ended(0).stdout;
    assert!(text.contains("accuracy") && text.contains("taken for stop"), "{text}");
    table(&place, "others.csv", NAMES, 2);
    let other = place.run(&["score", "out/model.json", "others.csv", "--json"]).ended(0).json();
    assert_ne!(other["targets"][0]["confusion"], target["confusion"]);
}

/// A column of numbers is not taken for labels, whatever is asked how long it would take.
#[test]
fn more_numbers_than_classes_can_be_are_refused_at_once() {
    let place = Place::new();
    let rows: Vec<String> = (0..20_000).map(|k| format!("{},{}.5", k % 13, k)).collect();
    std::fs::write(place.path("speed.csv"), format!("x,speed\n{}\n", rows.join("\n"))).unwrap();
    let fit = ["fit", "speed.csv", "--y", "speed", "--x", "x", "--observation", "categorical"];
    let began = std::time::Instant::now();
    let said = ["at most 256 classes", "20000 (from 0.5 to 19999.5)"];
    place.refused(&[&fit[..], &["--backend", "auto"]].concat(), 2, &said);
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}
