//! Couplings of a fit beside true ones: what is compared, what is left out, and why there may be no correlation.

use std::fs;

use hdf5::types::VarLenUnicode;

use crate::coupled::{areas, recording, words};
use crate::{Place, json};

const UNITS: &str = "units : raised-cosine-log(5, window=50ms)";

#[test]
fn targets_without_an_estimate_are_left_out_and_counted() {
    let place = Place::new();
    // so few spikes that a unit is separated
    let simulate =
        ["simulate", "coupled", "--units", "3", "--bin", "0.3ms", "--duration", "6s", "--rate", "20"];
    place.run(&[&simulate[..], &["--out", "c.nwb", "--quiet"]].concat()).ended(0);
    let feature = "units : raised-cosine-log(5, window=50.1ms)";
    let mut words = words("all", feature);
    words[7] = "0.3ms";
    let run = place.run(&[&words[..], &["--true-couplings", "c-couplings.csv", "--quiet"]].concat()).ended(4);
    assert!(run.stdout.contains("unit 2: separated"), "{run:?}");
    assert!(
        run.stdout.contains(", 4 pairs of different units, 2 left out that have no estimate\n"),
        "{run:?}"
    );
    let fitted = areas(&place, "out/tables/couplings.csv");
    assert!(
        fitted.len() == 9 && fitted.iter().all(|((to, _), area)| area.is_nan() == (to == "2")),
        "{fitted:?}"
    );
    let compared = &json(&place.path("out/fit.json"))["couplings"]["features"][0];
    assert_eq!((compared["n_pairs"].as_u64(), compared["n_left_out"].as_u64()), (Some(4), Some(2)));
    assert!(compared["undefined"].is_null());
}

#[test]
fn a_correlation_that_is_not_defined_says_why() {
    let place = recording(&["--units", "3", "--duration", "20s", "--rate", "30"]);
    fs::write(place.path("same.csv"), "receiving,sending,area_s\n0,1,0\n0,2,0\n1,0,0\n").unwrap();
    let feature = "units-others : raised-cosine-log(2, window=20ms)";
    let more = ["--true-couplings", "same.csv", "--quiet"];
    let run = place.run(&[&words("all", feature)[..], &more].concat()).ended(0);
    let said = "correlation NaN (all true couplings are the same), 3 pairs of different units\n";
    assert!(run.stdout.contains(said), "{run:?}");
    let compared = &json(&place.path("out/fit.json"))["couplings"]["features"][0];
    assert_eq!(compared["undefined"].as_str(), Some("all true couplings are the same"));
}

#[test]
fn pairs_need_a_sender_and_a_finite_area_and_one_row_each() {
    let place = recording(&["--units", "3", "--duration", "5s"]);
    let few =
        "3 or more pairs of different units that receive and send in this fit, with finite areas, found ";
    for (name, rows, said) in [
        ("senders.csv", "0,7,0.1\n1,7,0.1\n2,7,0.1\n0,1,0.1\n", format!("{few}1")),
        ("finite.csv", "0,1,NaN\n0,2,0.1\n1,0,0.1\n", format!("{few}2")),
        (
            "twice.csv",
            "0,1,0.1\n0,2,0.1\n0,1,0.2\n",
            "one row for each pair of units, found two rows of receiving 0, sending 1".into(),
        ),
    ] {
        fs::write(place.path(name), format!("receiving,sending,area_s\n{rows}")).unwrap();
        place.refused(
            &[&words("all", UNITS)[..], &["--true-couplings", name]].concat(),
            2,
            &[&said, "help: "],
        );
    }
}

#[test]
fn filters_that_see_the_future_are_no_couplings() {
    let place = recording(&["--units", "3", "--duration", "20s", "--rate", "30"]);
    for (causality, is_coupling) in [("anti-causal", false), ("acausal", false), ("causal", true)] {
        let feature = format!("units-others : raised-cosine-log(2, window=20ms, causality={causality})");
        let run = place.run(&words("all", &feature)).ended(0);
        let notice = "sees later spikes of the units, which change nothing before them";
        assert_eq!(run.stderr.contains(notice), !is_coupling, "{run:?}");
        assert_eq!(place.path("out/tables/couplings.csv").exists(), is_coupling, "{causality}");
    }
}

#[test]
fn a_population_is_described_without_sweeps() {
    let place = recording(&["--units", "2", "--duration", "1s"]);
    let file = hdf5::File::open(place.path("c.nwb")).unwrap();
    for column in ["start_time", "stop_time", "tags"] {
        let column = file.dataset(&format!("intervals/epochs/{column}")).unwrap();
        let description = column.attr("description").unwrap().read_scalar::<VarLenUnicode>().unwrap();
        assert!(description.contains("epoch") && !description.contains("sweep"), "{description}");
    }
}

#[test]
fn a_report_of_a_penalized_fit_tests_nothing_against_zero() {
    let place = recording(&["--units", "2", "--duration", "20s"]);
    let penalty = ["--regularizer", "ridge", "--strength", "1e-3", "--quiet"];
    for (more, is_tested) in [(&penalty[..], false), (&["--quiet"], true)] {
        place.run(&[&words("1", "units-others")[..], more].concat()).ended(0);
        let report = fs::read_to_string(place.path("out/report.html")).unwrap();
        assert_eq!(report.contains(">z</th>"), is_tested);
        assert_eq!(report.contains("z is the coefficient in standard errors"), is_tested);
    }
}
