//! `rheobase simulate` of a fitted model: draws bin by bin, and draws that act on later ones.

use std::fs;

use ndarray::{Array2, Array3};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use rheobase::basis::{Expand, RaisedCosineLog};
use rheobase::inverse_link::InverseLink;
use rheobase::read::npz_entries::{EntryValues, read_entries};

use rheobase::simulate::{CoupledFilters, CoupledPopulation};
use serde_json::Value;

use crate::array_fit::arrays;
use crate::table::Table;
use crate::{HISTORY, INSTANTANEOUS, Place, json, number, numbers, texts, tutorial};

/// A few coupled units and a model of all of them.
pub(crate) fn population() -> Place {
    let place = Place::new();
    let words =
        ["simulate", "coupled", "--units", "3", "--duration", "30s", "--rate", "20", "--out", "c.nwb"];
    place.run(&[&words[..], &["--inputs", "2", "--quiet"]].concat()).ended(0);
    fit(&place, "all", &["units : raised-cosine-log(3, window=20ms)"], "out");
    place
}

fn fit(place: &Place, unit: &str, features: &[&str], out: &str) {
    let mut words = vec![
        "fit",
        "c.nwb",
        "--epochs",
        "simulated",
        "--unit",
        unit,
        "--bin",
        "1ms",
        "--out",
        out,
        "--quiet",
    ];
    words.extend(features.iter().flat_map(|feature| ["--feature", feature]));
    place.run(&words).ended(0);
}

/// An instantaneous or a history model of the tutorial's neuron.
fn neuron(feature: &str) -> Place {
    let (place, file) = (Place::new(), tutorial());
    let words = ["fit", &file, "--epochs", "Noise 1", "--epoch", "0", "--unit", "0", "--bin", "1ms"];
    place.run(&[&words[..], &["--feature", feature, "--out", "out", "--quiet"]].concat()).ended(0);
    place
}

/// Draws and means of an npz file, each with its shape.
pub(crate) fn drawn(place: &Place, name: &str) -> [(Vec<usize>, Vec<f64>); 2] {
    let entries = read_entries(&place.path(name)).unwrap();
    let of = |start: &[&str]| {
        let (name, entry) = entries.iter().find(|(name, _)| start.contains(&name.as_str())).unwrap();
        let EntryValues::Numbers(values) = &entry.values else { panic!("{name} holds no numbers") };
        (entry.shape.clone(), values.clone())
    };
    [of(&["count", "response"]), of(&["expected_count", "expected"])]
}

#[test]
fn draws_of_a_poisson_model_have_its_mean_and_its_variance() {
    let (place, file) = (neuron(HISTORY), tutorial());
    let words = ["simulate", "out/model.json", &file, "--epochs", "Noise 2", "--repeats", "60"];
    let run = place.run(&[&words[..], &["--seed", "5", "--out", "d.npz"]].concat()).ended(0);
    assert!(run.stdout.contains("60 repeats of poisson responses, seed 5: every bin by itself\n"), "{run:?}");
    assert!(run.stdout.contains("rates held at 1000 Hz at most (--max-rate): 0 draws\n"), "{run:?}");
    assert_eq!(run.stderr, "responses written to d.npz\n");
    let [(shape, counts), (same, means)] = drawn(&place, "d.npz");
    assert_eq!((&shape, &same), (&vec![60, 28020, 1], &vec![60, 28020, 1]));
    place.run(&["predict", "out/model.json", &file, "--epochs", "Noise 2", "--out", "p.csv"]).ended(0);
    let predicted = Table::read(&place.path("p.csv")).numbers("expected_count_0");
    let [mut sum, mut square, mut variance, mut of_square] = [0.0; 4];
    for (k, (&count, &mean)) in counts.iter().zip(&means).enumerate() {
        let expected = predicted[k % 28020];
        assert!(mean == expected || (mean.is_nan() && expected.is_nan() && count.is_nan()), "{k}: {mean}");
        if !mean.is_nan() {
            assert!(count >= 0.0 && count == count.round());
            sum += count - mean;
            variance += mean;
            // of a Poisson count: E (y - mu)^2 = mu, its variance mu + 2 mu^2
            square += (count - mean).powi(2) - mean;
            of_square += mean + 2.0 * mean * mean;
        }
    }
    assert!(variance > 1000.0, "{variance}");
    assert!((sum / variance.sqrt()).abs() < 4.0, "mean: {}", sum / variance.sqrt());
    assert!((square / of_square.sqrt()).abs() < 4.0, "variance: {}", square / of_square.sqrt());
    assert_eq!(counts.iter().filter(|count| count.is_nan()).count(), 60 * 200);
}

#[test]
fn draws_have_the_scale_of_the_fit() {
    let place = arrays();
    place.run(&["fit", "d.npz", "--observation", "gaussian", "--out", "out", "--quiet"]).ended(0);
    let run =
        place.run(&["simulate", "out/model.json", "d.npz", "--repeats", "100", "--out", "g.npz"]).ended(0);
    assert!(run.stdout.contains("gaussian responses") && !run.stdout.contains("--max-rate"), "{run:?}");
    let scale = number(&json(&place.path("out/fit.json"))["targets"][0]["scale"]);
    let [(_, responses), (_, means)] = drawn(&place, "g.npz");
    let n = responses.len() as f64;
    let squares: Vec<f64> = responses.iter().zip(&means).map(|(y, mu)| (y - mu).powi(2) / scale).collect();
    let mean_square = squares.iter().sum::<f64>() / n;
    // the variance of the square of a standard normal number is 2
    assert!((mean_square - 1.0).abs() < 4.0 * (2.0 / n).sqrt(), "{mean_square}");
    let sum = responses.iter().zip(&means).map(|(y, mu)| y - mu).sum::<f64>();
    assert!(sum.abs() < 4.0 * (n * scale).sqrt(), "{sum}");
    assert!(
        place
            .run(&["simulate", "out/model.json", "d.npz", "--out", "g.csv"])
            .ended(0)
            .stderr
            .contains("g.csv")
    );
    assert_eq!(Table::read(&place.path("g.csv")).names(), ["repeat", "row", "response_y", "expected_y"]);
}

#[test]
fn a_seed_gives_the_same_draws_and_repeats_do_not_depend_on_their_number() {
    let place = population();
    let draw = |more: &[&str], out: &str| {
        place
            .run(&[&["simulate", "out/model.json", "c.nwb", "--quiet", "--out", out], more].concat())
            .ended(0);
        fs::read(place.path(out)).unwrap()
    };
    let first = draw(&[], "a.csv");
    assert!(first == draw(&["--seed", "1"], "b.csv") && first != draw(&["--seed", "2"], "c.csv"));
    draw(&["--repeats", "3"], "three.csv");
    let (one, three) = (Table::read(&place.path("a.csv")), Table::read(&place.path("three.csv")));
    let names = ["count_0", "expected_count_0", "count_1", "expected_count_1", "count_2", "expected_count_2"];
    assert_eq!(one.names(), [&["repeat", "t_s", "epoch"][..], &names].concat());
    assert_eq!((one.n_rows(), three.n_rows()), (30_000, 90_000));
    for name in one.names() {
        assert_eq!(one.texts(name), &three.texts(name)[..30_000], "{name}");
    }
    assert_ne!(three.texts("count_0")[30_000..60_000], three.texts("count_0")[60_000..]);
    assert_eq!(three.texts("repeat")[60_000], "2");
}

#[test]
fn draws_of_a_history_model_are_those_of_the_library_to_the_bit() {
    let place = population();
    let run = place.run(&["simulate", "out/model.json", "c.nwb", "--seed", "9", "--out", "d.npz"]).ended(0);
    assert!(run.stdout.contains("bin by bin, fed back through units\n"), "{run:?}");
    let [(_, counts), (_, means)] = drawn(&place, "d.npz");
    let model = json(&place.path("out/model.json"));
    assert_eq!(texts(&model["fit"]["labels"])[3], "units[1].1");
    let coef: Vec<Vec<f64>> = (0..3).map(|k| numbers(&model["fit"]["targets"][k]["coef"])).collect();
    let coupling = Array3::from_shape_fn((3, 3, 3), |(i, j, b)| coef[i][3 * j + b]);
    let intercepts: Vec<f64> = (0..3).map(|k| number(&model["fit"]["targets"][k]["intercept"])).collect();
    let basis = RaisedCosineLog::new(3).unwrap().kernel(20).unwrap();
    // the first bins have no complete past: they are as they were recorded
    let bins = Table::read(&place.path("out/tables/bins.csv"));
    let recorded: Vec<Vec<f64>> = (0..3).map(|k| bins.numbers(&format!("count_{k}"))).collect();
    let before = Array2::from_shape_fn((20, 3), |(bin, unit)| recorded[unit][bin]);
    let drive = Array2::zeros((29_980, 3));
    let population = CoupledPopulation {
        filters: &CoupledFilters::new(coupling.view(), basis.view()).unwrap(),
        intercepts: &intercepts,
        drive: drive.view(),
        before: before.view(),
        inverse_link: InverseLink::Exp,
        most_expected: 1.0,
    };
    // a stream that no recording is simulated with
    let mut random = ChaCha8Rng::seed_from_u64(9);
    random.set_stream(1 << 32);
    let simulated = population.simulate(&mut random).unwrap();
    assert!(simulated.counts.sum() > 500.0 && simulated.n_held == 0);
    for unit in 0..3 {
        for bin in 0..30_000 {
            let (count, mean) = (counts[3 * bin + unit], means[3 * bin + unit]);
            if bin < 20 {
                assert!(count.is_nan() && mean.is_nan());
            } else {
                assert_eq!(count, simulated.counts[(bin - 20, unit)], "bin {bin} of unit {unit}");
                assert_eq!(mean, simulated.expected[(bin - 20, unit)], "bin {bin} of unit {unit}");
            }
        }
    }
    // nothing was taken from what was recorded later
    let same =
        |a: &[f64], unit: usize| (20..30_000).filter(|&bin| a[3 * bin + unit] == recorded[unit][bin]).count();
    assert!((0..3).all(|unit| same(&counts, unit) < 29_980));
}

#[test]
fn rates_above_the_largest_are_held_counted_and_said() {
    let place = population();
    let words = ["simulate", "out/model.json", "c.nwb", "--max-rate", "20", "--out", "d.csv"];
    let run = place.run(&words).ended(0);
    let table = Table::read(&place.path("d.csv"));
    let names = [0, 1, 2].map(|k| format!("expected_count_{k}"));
    let all: Vec<f64> = names.iter().flat_map(|name| table.numbers(name)).collect();
    let n_held = all.iter().filter(|mean| **mean == 0.02).count();
    assert!(n_held > 100 && all.iter().all(|mean| mean.is_nan() || *mean <= 0.02), "{n_held}");
    assert!(
        run.stdout.contains(&format!("rates held at 20 Hz at most (--max-rate): {n_held} draws\n")),
        "{run:?}"
    );
    assert!(run.stderr.contains(&format!("warning: {n_held} draws at 20 Hz, the largest rate")), "{run:?}");
    let summary = place.run(&[&words[..], &["--json", "--quiet"]].concat()).ended(0);
    assert_eq!(summary.stderr, "");
    let summary = summary.json();
    assert_eq!((summary["n_held"].as_u64(), number(&summary["max_rate_hz"])), (Some(n_held as u64), 20.0));
    assert_eq!((texts(&summary["fed_back"]), summary["seed"].as_u64()), (vec!["units"], Some(1)));
    assert!(number(&summary["growth"]) > 0.0 && summary["targets"][2]["n_drawn"].as_u64() == Some(29_980));
}

#[test]
fn a_population_that_runs_away_is_warned_about() {
    let place = population();
    let calm = place.run(&["simulate", "out/model.json", "c.nwb"]).ended(0);
    assert!(
        calm.stdout.contains("(below 1, small disturbances die out)") && !calm.stderr.contains("warning"),
        "{calm:?}"
    );
    let mut model = json(&place.path("out/model.json"));
    // every unit excites every other for 20 ms
    for target in 0..3 {
        let coef = model["fit"]["targets"][target]["coef"].as_array_mut().unwrap();
        coef.iter_mut().for_each(|coef| *coef = 3.0.into());
    }
    fs::create_dir(place.path("wild")).unwrap();
    fs::write(place.path("wild/model.json"), serde_json::to_vec(&model).unwrap()).unwrap();
    let run = place.run(&["simulate", "wild/model.json", "c.nwb", "--max-rate", "200"]).ended(0);
    assert!(run.stdout.contains("(not below 1, may run away)"), "{run:?}");
    let said =
        ["warning: a spike leads to ", "the population may run away", "draws at 200 Hz, the largest rate"];
    assert!(said.iter().all(|said| run.stderr.contains(said)), "{run:?}");
}

#[test]
fn a_unit_without_events_stays_silent_and_a_factor_of_the_signal_counts() {
    let place = population();
    let mut model = json(&place.path("out/model.json"));
    let silent = &mut model["fit"]["targets"][1];
    silent["coef"].as_array_mut().unwrap().iter_mut().for_each(|coef| *coef = 0.0.into());
    (silent["intercept"], silent["status"]) = ("-Infinity".into(), "no_events".into());
    fs::create_dir(place.path("silent")).unwrap();
    fs::write(place.path("silent/model.json"), serde_json::to_vec(&model).unwrap()).unwrap();
    let run = place.run(&["simulate", "silent/model.json", "c.nwb", "--out", "s.csv"]).ended(0);
    assert!(run.stderr.contains("the model of 1 is not at an optimum (no_events)"), "{run:?}");
    let drawn = Table::read(&place.path("s.csv"));
    assert!(drawn.numbers("count_1")[20..].iter().all(|count| *count == 0.0));
    assert!(drawn.numbers("count_0")[20..].iter().sum::<f64>() > 100.0);
    // twice the signal, half the coefficient: the same model
    fit(&place, "all", &["units*2 : raised-cosine-log(3, window=20ms)"], "twice");
    for (model, out) in [("out/model.json", "a.csv"), ("twice/model.json", "b.csv")] {
        place.run(&["simulate", model, "c.nwb", "--quiet", "--out", out]).ended(0);
    }
    let means = |out: &str| Table::read(&place.path(out)).numbers("expected_count_2");
    let near = |(a, b): (&f64, &f64)| (a.is_nan() && b.is_nan()) || (a / b - 1.0).abs() < 1e-6;
    assert!(means("a.csv").iter().zip(&means("b.csv")).all(near));
    let areas =
        |out: &str| Table::read(&place.path(&format!("{out}/tables/couplings.csv"))).numbers("area_s");
    assert!(areas("out").iter().zip(&areas("twice")).all(near));
}

#[test]
fn spikes_of_units_that_are_not_simulated_are_those_that_were_recorded() {
    let place = population();
    fit(&place, "0", &["units-others : raised-cosine-log(3, window=20ms)"], "one");
    let run = place.run(&["simulate", "one/model.json", "c.nwb", "--out", "d.csv"]).ended(0);
    assert!(run.stdout.contains("seed 1: every bin by itself\n"), "{run:?}");
    let bins = Table::read(&place.path("one/tables/bins.csv"));
    let drawn = Table::read(&place.path("d.csv"));
    let near =
        |(mean, hz): (&f64, &f64)| (mean.is_nan() && hz.is_nan()) || (mean / hz / 1e-3 - 1.0).abs() < 1e-12;
    assert!(drawn.numbers("expected_count_0").iter().zip(&bins.numbers("rate_hz_0")).all(near));
    // with its own past the unit acts on itself, and the others drive it
    let features =
        ["units-others : raised-cosine-log(3, window=20ms)", "spikes : raised-cosine-log(3, window=50ms)"];
    fit(&place, "0", &features, "both");
    let run = place.run(&["simulate", "both/model.json", "c.nwb", "--out", "d.csv"]).ended(0);
    assert!(run.stdout.contains("fed back through spikes\n"), "{run:?}");
    let drawn = Table::read(&place.path("d.csv")).numbers("count_0");
    assert!(drawn[..50].iter().all(|count| count.is_nan()) && drawn[50..].iter().all(|count| *count >= 0.0));
    let hz = drawn[50..].iter().sum::<f64>() / 29.95;
    let recorded = bins.numbers("count_0").iter().sum::<f64>() / 30.0;
    assert!((hz / recorded - 1.0).abs() < 0.25, "{hz} {recorded}");
}

#[test]
fn every_epoch_begins_with_what_was_recorded() {
    let (place, file) = (Place::new(), tutorial());
    let words =
        ["fit", &file, "--epochs", "Noise 1", "--epoch", "0", "--unit", "0", "--bin", "1ms", "--out", "out"];
    // a penalty: after so few spikes some lags have none
    let more = [
        "--feature",
        "spikes : raised-cosine-log(4, window=100ms)",
        "--regularizer",
        "ridge",
        "--strength",
        "1e-4",
    ];
    let offset = ["--offset", "stimulus*2e10", "--quiet"];
    place.run(&[&words[..], &more, &offset].concat()).ended(0);
    place.run(&["predict", "out/model.json", &file, "--epochs", "Noise 1", "--out", "p.csv"]).ended(0);
    let predicted = Table::read(&place.path("p.csv")).numbers("expected_count_0");
    let run =
        place.run(&["simulate", "out/model.json", &file, "--epochs", "Noise 1", "--out", "d.csv"]).ended(0);
    assert!(run.stdout.contains("fed back through spikes\n"), "{run:?}");
    let table = Table::read(&place.path("d.csv"));
    let (counts, epochs) = (table.numbers("count_0"), table.numbers("epoch"));
    let means = table.numbers("expected_count_0");
    // up to there the past is that of the recording, and so is the mean, offset included
    for bin in [100, 28_120, 56_140] {
        assert!(predicted[bin] > 0.0 && (means[bin] / predicted[bin] - 1.0).abs() < 1e-12, "{}", means[bin]);
    }
    for epoch in [0.0, 1.0, 2.0] {
        let own: Vec<f64> =
            counts.iter().zip(&epochs).filter(|(_, e)| **e == epoch).map(|(c, _)| *c).collect();
        assert_eq!(own.len(), 28_020);
        assert!(
            own[..100].iter().all(|count| count.is_nan()) && own[100..].iter().all(|count| !count.is_nan())
        );
    }
}

#[test]
fn what_cannot_be_simulated_is_refused_with_a_remedy() {
    let place = population();
    fit(
        &place,
        "all",
        &["units : raised-cosine-log(2, window=20ms) x units : raised-cosine-log(2, window=20ms)"],
        "product",
    );
    let said =
        ["expected a feature of one term", "found a product with spikes of the targets", "a causal window"];
    place.refused(&["simulate", "product/model.json", "c.nwb", "--out", "d.csv"], 2, &said);
    fit(&place, "all", &["units-others"], "present");
    let said = ["feature units-others: expected a window in the past", "found one that sees the present"];
    place.refused(&["simulate", "present/model.json", "c.nwb"], 2, &said);
    for (more, said) in [
        (&["--repeats", "0"][..], ["--repeats: expected 1 or more, found 0", "draw once"]),
        (&["--max-rate", "0"], ["rate: expected a number above 0, found `0`", "write it in Hz"]),
        (
            &["--max-rate", "1e12"],
            [
                "--max-rate: expected at most 1e9 Hz, a million events in a bin",
                "write it like --max-rate 1000",
            ],
        ),
        (&["--out", "d.txt"], ["--out: expected a file that ends in .csv or .npz", ".npz for numpy"]),
        (&["--out", "out/model.json/d.csv"], ["a file, where a folder is needed", "another path"]),
        (&["--out", "./c.nwb"], ["--out: expected a file that ends in .csv or .npz", "help: "]),
        (&["--fold", "5"], ["option \"--fold\" does not exist in `rheobase simulate`", "--max-rate"]),
        (&["--weights", "w"], ["--weights: expected a fit or a score, found w", "leave it out"]),
        (&["--unit", "7"], ["unit \"7\" does not exist", "present are: 0, 1, 2"]),
        (&["--memory-limit", "1MB", "--repeats", "9999"], ["", "memory"]),
    ] {
        let code = if more.contains(&"out/model.json/d.csv") || more.contains(&"1MB") { 1 } else { 2 };
        place.refused(&[&["simulate", "out/model.json", "c.nwb"], more].concat(), code, &said);
    }
    place.refused(&["simulate"], 2, &["rheobase simulate: expected <MODEL> and <DATA>", "simulate --help"]);
    place.refused(
        &["simulate", "out/model.json"],
        2,
        &["rheobase simulate: expected <DATA>", "simulate --help"],
    );
    let run = place.run(&["simulate", "--help"]).ended(0);
    for said in ["--repeats", "--max-rate", "--epochs", "[default: 1000]", "coupled", "Examples:"] {
        assert!(run.stdout.contains(said), "{said}: {}", run.stdout);
    }
    let untouched: Value = json(&neuron(INSTANTANEOUS).path("out/fit.json"));
    assert!(untouched.get("couplings").is_none());
}
