//! What fits to labels say, in the words of other models.

use crate::categorical::{NAMES, Y, table};
use crate::{Place, tutorial};

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
