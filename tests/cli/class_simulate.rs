//! `rheobase simulate` with models of classes.

use std::fs;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rheobase::design::Source;
use rheobase::read::npz_entries::{Entry, EntryValues, read_entries};
use rheobase::write::categorical::CategoricalFile;

use crate::categorical::{NAMES, Y, table};
use crate::table::Table;
use crate::{HISTORY, INSTANTANEOUS, Place, number, tutorial};

fn turns() -> Place {
    let place = Place::new();
    table(&place, "turns.csv", NAMES, 1);
    // tables are read back by their commas
    let text = fs::read_to_string(place.path("turns.csv")).unwrap().replace(Y, "turn");
    fs::write(place.path("turns.csv"), text).unwrap();
    place.run(&["fit", "turns.csv", "--y", "turn", "--observation", "categorical", "--out", "out"]).ended(0);
    place
}

/// The random numbers of a repeat.
fn stream(seed: u64, repeat: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream((1 << 32) + repeat);
    random
}

fn entry(entries: &[(String, Entry)], name: &str) -> Entry {
    entries.iter().find(|(own, _)| own == name).unwrap_or_else(|| panic!("no {name}")).1.clone()
}

#[test]
fn labels_are_drawn_at_the_probabilities_of_predict() {
    let place = turns();
    let words = ["simulate", "out/model.json", "turns.csv", "--repeats", "200", "--seed", "5", "--out"];
    let run = place.run(&[&words[..], &["d.csv"]].concat()).ended(0);
    assert!(
        run.stdout.contains("200 repeats of categorical responses, seed 5: every bin by itself\n"),
        "{run:?}"
    );
    assert_eq!(run.stderr, "labels written to d.csv\n");
    place.run(&["predict", "out/model.json", "turns.csv", "--out", "p.csv"]).ended(0);
    let (drawn, predicted) = (Table::read(&place.path("d.csv")), Table::read(&place.path("p.csv")));
    let columns: Vec<String> = NAMES.iter().map(|name| format!("probability_turn_{name}")).collect();
    let names =
        [&["repeat", "row", "label_turn"][..], &columns.iter().map(String::as_str).collect::<Vec<_>>()];
    assert_eq!(drawn.names(), names.concat());
    assert_eq!(drawn.n_rows(), 200 * 300);
    let labels = drawn.texts("label_turn");
    for (class, column) in columns.iter().enumerate() {
        let p = predicted.numbers(column);
        assert_eq!(drawn.numbers(column), p.repeat(200));
        // draws of a bin are Bernoulli numbers: the sum of (hits - p) over the bins has the variance of sum p (1 - p)
        let hits = labels.iter().filter(|label| **label == NAMES[class]).count() as f64;
        let (mean, variance) =
            (200.0 * p.iter().sum::<f64>(), 200.0 * p.iter().map(|p| p * (1.0 - p)).sum::<f64>());
        assert!((hits - mean).abs() < 4.0 * variance.sqrt(), "{column}: {hits} {mean} {variance}");
        // also where the class is likely, by itself
        let likely: Vec<usize> = (0..300).filter(|&bin| p[bin] > 0.5).collect();
        let mean = 200.0 * likely.iter().map(|&bin| p[bin]).sum::<f64>();
        let variance = 200.0 * likely.iter().map(|&bin| p[bin] * (1.0 - p[bin])).sum::<f64>();
        let of_bin = |&bin: &usize| (0..200).filter(|k| labels[k * 300 + bin] == NAMES[class]).count() as f64;
        let hits: f64 = likely.iter().map(of_bin).sum();
        assert!(likely.len() > 10 && (hits - mean).abs() < 4.0 * variance.sqrt(), "{column}: {hits} {mean}");
    }
    let summary = place.run(&[&words[..], &["e.csv", "--json"]].concat()).ended(0).json();
    assert_eq!((&summary["seed"], &summary["repeats"]), (&5.into(), &200.into()));
    let target = &summary["targets"][0];
    assert_eq!((&target["n_drawn"], &target["n_nan"]), (&60_000.into(), &0.into()));
    let of_left = labels.iter().filter(|label| **label == "left").count() as f64 / 60_000.0;
    assert_eq!(
        (&target["classes"][0]["label"], number(&target["classes"][0]["mean_drawn"])),
        (&"left".into(), of_left)
    );
    assert!(summary["command"].as_str().unwrap().ends_with("--seed 5 --repeats 200 --out e.csv"));
}

#[test]
fn a_seed_gives_the_same_labels_and_repeats_do_not_depend_on_their_number() {
    let place = turns();
    let draw = |more: &[&str], out: &str| {
        let words = ["simulate", "out/model.json", "turns.csv", "--quiet", "--out", out];
        place.run(&[&words[..], more].concat()).ended(0);
        fs::read(place.path(out)).unwrap()
    };
    let first = draw(&[], "a.csv");
    assert!(
        first == draw(&["--seed", "1", "--threads", "2"], "b.csv")
            && first != draw(&["--seed", "2"], "c.csv")
    );
    draw(&["--repeats", "3"], "three.csv");
    let (one, three) = (Table::read(&place.path("a.csv")), Table::read(&place.path("three.csv")));
    let (one, three) = (one.texts("label_turn"), three.texts("label_turn"));
    assert_eq!(one, &three[..300]);
    assert_ne!(three[300..600], three[600..]);
    // text labels of an npz file are texts
    draw(&["--repeats", "3"], "three.npz");
    let entries = read_entries(&place.path("three.npz")).unwrap();
    let labels = entry(&entries, "label_turn");
    assert_eq!(labels.shape, [3, 300]);
    let EntryValues::Texts(texts) = labels.values else { panic!("no texts") };
    assert!(texts.iter().eq(three.iter()));
    assert_eq!(entry(&entries, "classes_turn").values, EntryValues::Texts(NAMES.map(String::from).to_vec()));
    place.run(&["predict", "out/model.json", "turns.csv", "--out", "p.npz"]).ended(0);
    let predicted = read_entries(&place.path("p.npz")).unwrap();
    assert_eq!(entry(&predicted, "classes_turn"), entry(&entries, "classes_turn"));
    assert!(matches!(entry(&predicted, "label_turn").values, EntryValues::Texts(_)));
    let limited =
        ["simulate", "out/model.json", "turns.csv", "--repeats", "1000000", "--memory-limit", "1GB"];
    place.refused(&[&limited[..], &["--out", "x.csv"]].concat(), 1, &["1000000 repeats of 300 bins"]);
    place.refused(&[&limited[..3], &["--repeats", "0"]].concat(), 2, &["--repeats"]);
}

#[test]
fn labels_that_are_numbers_are_numbers_and_those_of_the_library() {
    let (place, file) = (Place::new(), tutorial());
    let fit = ["fit", &file, "--epochs", "Noise 1", "--epoch", "0", "--bin", "5ms", "--feature", HISTORY];
    place.run(&[&fit[..], &["--observation", "categorical", "--out", "out", "--quiet"]].concat()).ended(0);
    let words = ["simulate", "out/model.json", &file, "--epochs", "Noise 2", "--repeats", "2", "--seed", "9"];
    let run = place.run(&[&words[..], &["--out", "d.npz", "--json"]].concat()).ended(0);
    let entries = read_entries(&place.path("d.npz")).unwrap();
    let names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["t", "epoch", "label_0", "probability_0", "classes_0", "targets"]);
    let (labels, p) = (entry(&entries, "label_0"), entry(&entries, "probability_0"));
    assert_eq!((&labels.shape, &p.shape), (&vec![2, 5604], &vec![5604, 2]));
    let labels = labels.numbers().unwrap();
    // bins at the edge of the window have no probability, and no label
    assert_eq!(labels.iter().filter(|label| label.is_nan()).count(), 2 * 40);
    assert_eq!(run.json()["targets"][0]["n_nan"], 80);
    let model = CategoricalFile::load(&place.path("out/model.json")).unwrap();
    let p = ndarray::Array2::from_shape_vec((5604, 2), p.numbers().unwrap()).unwrap();
    for repeat in 0..2 {
        let drawn = model.fit.targets[0].sample(&p, &mut stream(9, repeat as u64));
        let own = &labels[repeat * 5604..(repeat + 1) * 5604];
        assert!(own.iter().zip(drawn.column(1)).all(|(a, b)| a == b || (a.is_nan() && b.is_nan())));
    }
    assert!(labels.contains(&1.0));
    // a prediction is of the same kinds
    assert_eq!(entry(&entries, "classes_0").numbers().unwrap(), [0.0, 1.0]);
    let words = ["predict", "out/model.json", &file, "--epochs", "Noise 2", "--out", "p.npz"];
    place.run(&words).ended(0);
    let predicted = read_entries(&place.path("p.npz")).unwrap();
    assert_eq!(entry(&predicted, "classes_0").numbers().unwrap(), [0.0, 1.0]);
    let most = entry(&predicted, "label_0").numbers().unwrap();
    let expected =
        p.rows().into_iter().map(|p| if p[0].is_nan() { f64::NAN } else { f64::from(u8::from(p[1] > p[0])) });
    assert!(most.iter().zip(expected).all(|(a, b)| *a == b || (a.is_nan() && b.is_nan())));
    assert_eq!((most.len(), most.iter().filter(|label| label.is_nan()).count()), (5604, 40));
}

#[test]
fn features_of_the_targets_spikes_are_refused() {
    let (place, file) = (Place::new(), tutorial());
    let fit =
        ["fit", &file, "--epochs", "Noise 1", "--epoch", "0", "--bin", "5ms", "--feature", INSTANTANEOUS];
    let own = ["--feature", "spikes : raised-cosine-log(3, window=250ms)", "--observation", "categorical"];
    place.run(&[&fit[..], &own, &["--out", "out", "--quiet"]].concat()).ended(0);
    let words = ["simulate", "out/model.json", &file, "--epochs", "Noise 2", "--out", "d.csv"];
    let said = ["labels, which cannot act on later bins", "found spikes", "rheobase predict"];
    place.refused(&words, 2, &said);
    place.run(&["predict", "out/model.json", &file, "--epochs", "Noise 2", "--out", "p.csv"]).ended(0);
}

/// The rows of a table of features as the library takes them: what it draws is what the program draws.
#[test]
fn targets_are_drawn_one_after_the_other() {
    let place = Place::new();
    let rows: Vec<String> =
        (0..200).map(|k| format!("{},{},{}", k % 11, k % 5 / 3, ["a", "b"][k % 7 / 4])).collect();
    fs::write(place.path("two.csv"), format!("x,y,z\n{}\n", rows.join("\n"))).unwrap();
    let fit = ["fit", "two.csv", "--y", "y,z", "--observation", "categorical", "--out", "out"];
    place.run(&fit).ended(0);
    place.run(&["simulate", "out/model.json", "two.csv", "--out", "d.npz"]).ended(0);
    let entries = read_entries(&place.path("d.npz")).unwrap();
    let model = CategoricalFile::load(&place.path("out/model.json")).unwrap();
    let x = ndarray::Array2::from_shape_fn((200, 1), |(k, _)| (k % 11) as f64);
    let source = || Source { name: "x".into(), labels: vec!["x".into()], x: x.view().into() };
    let mut random = stream(1, 0);
    let of_target = |target: usize, random: &mut _| {
        let p = model.fit.probabilities(target, &[source()]).unwrap();
        model.fit.targets[target].sample(&p, random).column(1).to_vec()
    };
    let (y, z) = (of_target(0, &mut random), of_target(1, &mut random));
    assert_eq!(entry(&entries, "label_y").numbers().unwrap(), y);
    let texts: Vec<String> = z.iter().map(|one| ["a", "b"][*one as usize].to_string()).collect();
    assert_eq!(entry(&entries, "label_z").values, EntryValues::Texts(texts));
}
