//! `rheobase simulate coupled`, and fits that find its couplings.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::table::Table;
use crate::{Place, json, number, texts};

const UNITS: &str = "units : raised-cosine-log(5, window=50ms)";

/// A recording of coupled units with its truth.
pub(crate) fn recording(more: &[&str]) -> Place {
    let place = Place::new();
    place.run(&[&["simulate", "coupled", "--out", "c.nwb", "--quiet"], more].concat()).ended(0);
    place
}

pub(crate) fn words<'w>(unit: &'w str, feature: &'w str) -> Vec<&'w str> {
    vec![
        "fit",
        "c.nwb",
        "--epochs",
        "simulated",
        "--unit",
        unit,
        "--bin",
        "1ms",
        "--feature",
        feature,
        "--out",
        "out",
    ]
}

/// Areas of a table by receiving and sending unit.
pub(crate) fn areas(place: &Place, name: &str) -> BTreeMap<(String, String), f64> {
    let table = Table::read(&place.path(name));
    let pairs = table.texts("receiving").iter().cloned().zip(table.texts("sending").iter().cloned());
    pairs.zip(table.numbers("area_s")).collect()
}

fn correlation(pairs: &[[f64; 2]]) -> f64 {
    let mean = |side: usize| pairs.iter().map(|pair| pair[side]).sum::<f64>() / pairs.len() as f64;
    let means = [mean(0), mean(1)];
    let moment =
        |a: usize, b: usize| pairs.iter().map(|p| (p[a] - means[a]) * (p[b] - means[b])).sum::<f64>();
    moment(0, 1) / (moment(0, 0) * moment(1, 1)).sqrt()
}

#[test]
fn a_fit_finds_the_couplings_of_twelve_units() {
    let place = recording(&["--units", "12", "--duration", "120s"]);
    let more = ["--true-couplings", "c-couplings.csv", "--backend", "cpu"];
    let run = place.run(&[&words("all", UNITS)[..], &more].concat()).ended(0);
    let (truth, fitted) = (areas(&place, "c-couplings.csv"), areas(&place, "out/tables/couplings.csv"));
    assert_eq!((truth.len(), fitted.len()), (144, 144));
    assert!(truth.keys().eq(fitted.keys()));
    let different =
        |(pair, area): (&(String, String), &f64)| (pair.0 != pair.1).then(|| [*area, truth[pair]]);
    let pairs: Vec<[f64; 2]> = fitted.iter().filter_map(different).collect();
    let found = correlation(&pairs);
    assert!(pairs.len() == 132 && found > 0.9, "{found}");
    let line = format!(
        "couplings of units against c-couplings.csv: correlation {found:.4}, 132 pairs of different units\n"
    );
    assert!(run.stdout.contains(&line), "{line} {}", run.stdout);
    let fit = json(&place.path("out/fit.json"));
    let compared = &fit["couplings"]["features"][0];
    assert!(
        (number(&compared["correlation"]) - found).abs() < 1e-12 && compared["n_pairs"].as_u64() == Some(132)
    );
    assert!(fit["command"].as_str().unwrap().contains("--true-couplings c-couplings.csv"));
    // every area is the sum of its filter, and the errors say how far it may be from the truth
    let filters = Table::read(&place.path("out/tables/filters.csv"));
    let mut sums: BTreeMap<(String, String), f64> = BTreeMap::new();
    for ((target, channel), value) in
        filters.texts("target").iter().zip(filters.texts("channel")).zip(filters.numbers("filter"))
    {
        let sender = channel.trim_start_matches("units[").trim_end_matches(']');
        *sums.entry((target.clone(), sender.to_string())).or_default() += 1e-3 * value;
    }
    assert!(sums.iter().all(|(pair, sum)| (sum - fitted[pair]).abs() < 1e-12));
    let table = Table::read(&place.path("out/tables/couplings.csv"));
    assert_eq!(
        table.names(),
        ["feature", "receiving", "sending", "area_s", "standard_error_s", "true_area_s"]
    );
    let (errors, truths) = (table.numbers("standard_error_s"), table.numbers("true_area_s"));
    let z: Vec<f64> = (table.numbers("area_s").iter().zip(&truths).zip(&errors))
        .zip(table.texts("receiving").iter().zip(table.texts("sending")))
        .filter(|(_, (receiving, sending))| receiving != sending)
        .map(|(((area, truth), error), _)| (area - truth) / error)
        .collect();
    let spread = (z.iter().map(|z| z * z).sum::<f64>() / z.len() as f64).sqrt();
    assert!((0.7..1.4).contains(&spread), "deviations in standard errors: {spread}");
    // the picture, alone and in the report
    let svg = fs::read_to_string(place.path("out/figures/couplings.svg")).unwrap();
    assert_eq!(svg.matches("<rect x=").count(), 2 * (144 + 64), "the fit and the truth, each with its bar");
    assert!(svg.contains("units: truth") && svg.contains("receiving unit") && !svg.contains("no estimate"));
    assert!(place.path("out/figures/couplings.png").exists());
    let report = fs::read_to_string(place.path("out/report.html")).unwrap();
    assert!(report.contains("Couplings between units") && report.contains("tables/couplings.csv"));
}

#[test]
fn what_a_model_leaves_out_is_no_coupling_of_zero() {
    let place = recording(&["--units", "4", "--duration", "40s", "--rate", "30"]);
    let others = "units-others : raised-cosine-log(2, window=20ms)";
    place.run(&[&words("all", others)[..], &["--quiet"]].concat()).ended(0);
    let fitted = areas(&place, "out/tables/couplings.csv");
    assert!(fitted.len() == 16 && fitted.iter().all(|((to, from), area)| area.is_nan() == (to == from)));
    let svg = fs::read_to_string(place.path("out/figures/couplings.svg")).unwrap();
    assert_eq!((svg.matches("<rect x=").count(), svg.matches("no estimate").count()), (16 + 64, 1));
    // a mask leaves out more
    fs::write(place.path("m.csv"), "feature,0,1,2,3\nunits[0],1,0,1,1\nunits[1],1,1,1,1\n").unwrap();
    let units = "units : raised-cosine-log(2, window=20ms)";
    place.run(&[&words("all", units)[..], &["--mask", "m.csv", "--quiet"]].concat()).ended(0);
    let missing: Vec<(String, String)> = areas(&place, "out/tables/couplings.csv")
        .into_iter()
        .filter(|(_, area)| area.is_nan())
        .map(|(pair, _)| pair)
        .collect();
    assert_eq!(missing, [("1".to_string(), "0".to_string())]);
    // one unit has a table and no picture; its own past is no coupling
    place.run(&[&words("2", others)[..], &["--quiet"]].concat()).ended(0);
    assert_eq!(areas(&place, "out/tables/couplings.csv").len(), 3);
    let place = recording(&["--units", "4", "--duration", "40s", "--rate", "30"]);
    place
        .run(&[&words("2", "spikes : raised-cosine-log(2, window=20ms)")[..], &["--quiet"]].concat())
        .ended(0);
    assert!(
        !place.path("out/tables/couplings.csv").exists() && !place.path("out/figures/couplings.svg").exists()
    );
}

#[test]
fn present_bins_of_others_are_couplings_of_one_bin() {
    let place = recording(&["--units", "3", "--duration", "20s"]);
    place.run(&[&words("all", "units-others")[..], &["--quiet"]].concat()).ended(0);
    let (fitted, fit) = (areas(&place, "out/tables/couplings.csv"), json(&place.path("out/fit.json")));
    let labels = texts(&fit["labels"]);
    let place_of = labels.iter().position(|label| *label == "units-others[2]").unwrap();
    let coef = number(&fit["targets"][1]["coef"][place_of]);
    assert!((fitted[&("1".to_string(), "2".to_string())] - 1e-3 * coef).abs() < 1e-15);
}

#[test]
fn a_recording_is_the_same_for_a_seed_and_whole() {
    let place = recording(&["--duration", "20s", "--seed", "4"]);
    let names = ["c.nwb", "c-couplings.csv", "c-filters.csv"];
    let bytes = |place: &Place| names.map(|name| fs::read(place.path(name)).unwrap());
    assert!(bytes(&place) == bytes(&recording(&["--duration", "20s", "--seed", "4"])));
    assert!(bytes(&place)[0] != bytes(&recording(&["--duration", "20s", "--seed", "5"]))[0]);
    assert_eq!(fs::read_dir(place.path(".")).unwrap().count(), 3, "no temporary file is left");
    let check = place.run(&["inspect", "c.nwb", "--check"]).ended(0);
    assert!(check.stdout.contains("12 units") && !check.stdout.contains("error"), "{check:?}");
    // areas are those of the filters
    let (couplings, filters) = (areas(&place, "c-couplings.csv"), Table::read(&place.path("c-filters.csv")));
    let mut sums: BTreeMap<(String, String), f64> =
        couplings.keys().map(|pair| (pair.clone(), 0.0)).collect();
    for ((to, from), value) in
        filters.texts("receiving").iter().zip(filters.texts("sending")).zip(filters.numbers("filter"))
    {
        *sums.get_mut(&(to.clone(), from.clone())).unwrap() += 1e-3 * value;
    }
    assert!(couplings.iter().all(|(pair, area)| (sums[pair] - area).abs() < 1e-15));
    let (first, last) = (&filters.numbers("lag_s")[0], filters.numbers("lag_s")[49]);
    assert!((*first, last) == (0.001, 0.05));
}

#[test]
fn a_summary_says_what_was_simulated() {
    let place = Place::new();
    let words = ["simulate", "coupled", "--units", "5", "--duration", "20s", "--out", "deep/c.nwb"];
    let run = place.run(&words).ended(0);
    assert_eq!(run.stderr, "written: deep/c.nwb, deep/c-couplings.csv, deep/c-filters.csv\n");
    for said in [
        "5 units, 20 s in bins of 1 ms, seed 1: ",
        "pairs of units",
        "(--max-rate): 0 bins",
        "(below 1, small disturbances die out)",
    ] {
        assert!(run.stdout.contains(said), "{said}: {run:?}");
    }
    // the last line is a fit, ready to paste
    let next =
        run.stdout.lines().last().unwrap().strip_prefix("next: rheobase ").unwrap().replace('\'', "\"");
    assert!(
        next.starts_with("fit deep/c.nwb --epochs simulated --unit all --bin 1ms --feature \"units : "),
        "{next}"
    );
    let summary: Value = place.run(&[&words[..], &["--json", "--quiet"]].concat()).ended(0).json();
    assert_eq!((summary["units"].as_u64(), summary["n_held"].as_u64()), (Some(5), Some(0)));
    assert_eq!(summary["n_spikes"].as_array().unwrap().len(), 5);
    assert!(summary["warnings"].as_array().unwrap().is_empty());
    let wild = place.run(&[&words[..], &["--strength", "200ms", "--max-rate", "100"]].concat()).ended(0);
    assert!(
        wild.stderr.contains("warning: a spike leads to ") && wild.stderr.contains("--strength"),
        "{wild:?}"
    );
}

#[test]
fn a_population_that_the_largest_rate_decides_is_never_said_to_rest() {
    let place = Place::new();
    let words =
        ["simulate", "coupled", "--inputs", "6", "--strength", "20ms", "--duration", "20s", "--seed", "2"];
    let run = place.run(&[&words[..], &["--out", "c.nwb"]].concat()).ended(0);
    let summary = place.run(&[&words[..], &["--out", "c.nwb", "--json", "--quiet"]].concat()).ended(0).json();
    let n_held = summary["n_held"].as_u64().unwrap();
    // it stays below 1 at the mean rates, and yet ran away for a while
    assert!(n_held > 0 && number(&summary["growth"]) < 1.0, "{summary}");
    assert!(
        run.stdout.contains("(below 1 at the mean rates, but rates were held: it may run away)"),
        "{run:?}"
    );
    let warning =
        format!("{n_held} bins at 1000 Hz, the largest rate: what follows them is not what the model says");
    assert!(run.stderr.contains(&format!("warning: {warning}")), "{run:?}");
    assert!(texts(&summary["warnings"])[0].contains(&warning), "{summary}");
}

#[test]
fn the_printed_fit_runs_whatever_the_bins_and_units() {
    for (units, bin, duration, window) in [
        ("3", "0.3ms", "30.3s", "50.1ms"),
        ("2", "8ms", "30s", "48ms"),
        ("1", "10ms", "30s", "50ms"),
        ("4", "700us", "70s", "49.7ms"),
    ] {
        let place = Place::new();
        let words =
            ["simulate", "coupled", "--units", units, "--bin", bin, "--duration", duration, "--rate", "20"];
        let run = place.run(&[&words[..], &["--out", "c.nwb"]].concat()).ended(0);
        assert!(
            run.stdout.contains(&format!(", {} s in bins of ", duration.trim_end_matches('s'))),
            "{run:?}"
        );
        let next = run.stdout.lines().last().unwrap().strip_prefix("next: rheobase ").unwrap();
        assert!(next.contains(&format!("window={window})")), "{next}");
        assert_eq!(next.contains("--true-couplings"), units.parse::<usize>().unwrap() > 2, "{next}");
        let parts: Vec<&str> = next.split('\'').collect();
        let mut typed: Vec<&str> = parts[0].split_whitespace().collect();
        typed.push(parts[1]);
        typed.extend(parts[2].split_whitespace());
        place.run(&[&typed[..], &["--quiet"]].concat()).ended(0);
        let file = hdf5::File::open(place.path("c.nwb")).unwrap();
        let stops = file.dataset("intervals/epochs/stop_time").unwrap().read_1d::<f64>().unwrap();
        assert_eq!(
            stops.to_vec(),
            [duration.trim_end_matches('s').parse::<f64>().unwrap()],
            "as it was typed"
        );
    }
}

#[test]
fn wrong_choices_are_refused_before_anything_is_written() {
    let place = Place::new();
    fs::write(place.path("file"), "old").unwrap();
    for (more, code, said) in [
        (&["--out", "c.h5"][..], 2, ["--out: expected a file that ends in .nwb, found c.h5", "coupled.nwb"]),
        (&["--out", "file/c.nwb"], 1, ["file: a file, where a folder is needed", "help: "]),
        (&["--out", "c.nwb", "--units", "0"], 2, ["units: expected 1 or more, found 0", "try 12"]),
        (&["--out", "c.nwb", "--duration", "10"], 2, ["duration with its unit, found `10`", "add the unit"]),
        (
            &["--out", "c.nwb", "--duration", "1.5ms"],
            2,
            ["duration: expected a whole number of bins", "try 600s"],
        ),
        (&["--out", "c.nwb", "--bin", "20ms"], 2, ["bin: expected a time above 0, at most 10 ms", "try 1ms"]),
        (&["--out", "c.nwb", "--rate", "-1"], 2, ["", "help: "]),
        (&["--out", "c.nwb", "--inputs=-1"], 2, ["inputs: expected a number of 0 or more", "try 4"]),
        (
            &["--out", "c.nwb", "--inputs", "12"],
            2,
            ["inputs: expected at most 11, the other units", "try 4, or more"],
        ),
        (
            &["--out", "c.nwb", "--bin", "1us"],
            2,
            ["bin: expected a time above 0, at most 10 ms and at least 0.01 ms", "try 1ms"],
        ),
        (
            &["--out", "c.nwb", "--rate", "100", "--max-rate", "120"],
            2,
            [
                "--max-rate: expected 140 Hz or more: units fire at up to 1.4 times --rate 100, found 120 Hz",
                "lower --rate",
            ],
        ),
        (
            &["--out", "c.nwb", "--max-rate", "1e12"],
            2,
            [
                "--max-rate: expected at most 1e9 Hz, a million events in a bin, found 1000000000000 Hz",
                "--max-rate 1000",
            ],
        ),
        (
            &["--out", "c.nwb", "--units", "60000"],
            1,
            ["a simulation of 60000 coupled units needs ", "use fewer features, units or repeats"],
        ),
        (
            &["--out", "c.nwb", "--memory-limit", "1MB"],
            1,
            ["a simulation of 12 coupled units needs ", "raise `--memory-limit`"],
        ),
        (
            &["--out", "c.nwb", "--folds", "3"],
            2,
            ["\"--folds\" does not exist in `rheobase simulate coupled`", "--inputs"],
        ),
        (&[], 2, ["rheobase simulate coupled: expected --out <FILE.nwb>", "simulate coupled --help"]),
    ] {
        place.refused(&[&["simulate", "coupled"], more].concat(), code, &said);
    }
}

#[test]
fn true_couplings_that_do_not_fit_are_refused() {
    let place = recording(&["--units", "3", "--duration", "5s"]);
    fs::write(place.path("other.csv"), "receiving,sending,weight\n0,1,2\n").unwrap();
    fs::write(place.path("far.csv"), "receiving,sending,area_s\n7,8,0.1\n8,7,0.1\n9,7,0\n").unwrap();
    let units = "units : raised-cosine-log(2, window=20ms)";
    for (feature, table, code, said) in [
        (units, "none.csv", 3, ["none.csv: No such file", "help: "]),
        (
            units,
            "other.csv",
            2,
            ["column \"area_s\" does not exist in other.csv", "receiving, sending, weight"],
        ),
        (
            units,
            "far.csv",
            2,
            [
                "pairs of different units that receive and send in this fit, with finite areas, found 0",
                "by their ids",
            ],
        ),
        (
            "spikes : raised-cosine-log(2, window=20ms)",
            "c-couplings.csv",
            2,
            ["expected a feature of the spikes of several units, found none", "add --unit all --feature"],
        ),
    ] {
        place.refused(&[&words("all", feature)[..], &["--true-couplings", table]].concat(), code, &said);
    }
    let words = ["bench", "serve", "c.nwb", "--true-couplings", "c-couplings.csv"];
    place.refused(&words, 2, &["--true-couplings: expected `bench serve` without it", "rheobase fit"]);
}
