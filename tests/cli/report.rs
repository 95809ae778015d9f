//! The report that a fit leaves behind.

use std::fs;

use crate::array_fit::arrays;
use crate::html::{Page, read};
use crate::recording_file::{UNITS, write_recording};
use crate::table::Table;
use crate::{HISTORY, Place, json, tutorial};

/// The report in a folder, checked for what holds for all of them.
pub(crate) fn report(place: &Place, folder: &str) -> (String, Page) {
    let html = fs::read_to_string(place.path(folder).join("report.html")).unwrap();
    let page = read(&html);
    page.assert_stands_alone(&html);
    page.assert_numbers_are_typeset();
    let fit = json(&place.path(folder).join("fit.json"));
    assert!(page.text.contains(fit["command"].as_str().unwrap()));
    // every other file is listed, and the list is true
    for name in fit["files"].as_object().unwrap().keys().filter(|name| *name != "report.html") {
        let inside = name.starts_with("figures/") && page.addresses.contains(&"figures/".to_string());
        assert!(inside || page.addresses.contains(name), "{name}");
    }
    for address in page.addresses.iter().filter(|address| !address.starts_with('#')) {
        assert!(place.path(folder).join(address).exists(), "{address}");
    }
    (html, page)
}

/// Whether no table of the report has a row of an intercept.
pub(crate) fn report_without_intercept(place: &Place, folder: &str) -> bool {
    let (html, _) = report(place, folder);
    !Page::texts_of(&html, "th").contains(&"intercept".to_string())
}

#[test]
fn the_tutorial_model_is_reported_with_its_proof() {
    let place = Place::new();
    let file = tutorial();
    let mut words = vec!["fit", &file, "--epochs", "Noise 1", "--epoch", "0", "--unit", "0", "--bin", "1ms"];
    words.extend(["--feature", HISTORY, "--out", "out"]);
    place.run(&words).ended(0);
    let (html, page) = report(&place, "out");
    assert_eq!(Page::texts_of(&html, "h1"), ["Encoding model of unit 0"]);
    assert!(html.contains("banner good"));
    for said in [
        "At the optimum, with proof.",
        "Noise 1, epoch 0",
        "1 epoch of 28.0\u{202f}s",
        "27\u{202f}820 of 28\u{202f}020 bins of 1\u{202f}ms, 40 spikes",
        HISTORY,
        "8 of 8 columns",
        "−0.007666815",
        "0.2932",
        "0.3380",
        "One epoch, so no gaps.",
    ] {
        assert!(page.text.contains(said), "{said:?} is not in: {}", page.text);
    }
    // the first of the README's coefficients, with its error
    let cells = Page::texts_of(&html[html.find("id=\"filters\"").unwrap()..], "td");
    assert_eq!(cells[7..9], ["1", "0.007926"]);
    assert!(cells[9].starts_with("0.0235"), "{}", cells[9]);
    // z and p stand behind the error, none of the intercept
    assert_eq!((cells[4].as_str(), &cells[10..12]), ("–", &["0.34".to_string(), "0.74".to_string()][..]));
}

#[test]
fn a_population_is_reported_target_by_target() {
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let words = ["fit", "r.nwb", "--epochs", "run", "--unit", "all", "--bin", "10ms", "--out", "out"];
    let features = ["--feature", "current", "--feature", "spikes : raised-cosine-log(3, window=50ms)"];
    place.run(&[&words[..], &features].concat()).ended(0);
    let (html, page) = report(&place, "out");
    assert_eq!(Page::texts_of(&html, "h1"), ["Encoding models of 3 units"]);
    assert!(page.text.contains("All 3 units: at the optimum, with proof."));
    assert!(page.text.contains("2 epochs, together 39.5\u{202f}s, 3940 of 3950 bins"), "{}", page.text);
    // the epochs' bins and spikes add up to those of the fit
    let table = html.split("aria-label=\"Epochs\"").nth(1).unwrap().split("</table>").next().unwrap();
    let cells = Page::texts_of(table, "td");
    let sum = |column: usize| -> f64 {
        cells.chunks(8).map(|row| row[column].replace('\u{202f}', "").parse::<f64>().unwrap()).sum()
    };
    assert_eq!((cells.len(), sum(3), sum(4)), (16, 3950.0, 3940.0));
    let bins = Table::read(&place.path("out/tables/bins.csv"));
    for (k, unit) in UNITS.iter().enumerate() {
        let counts = bins.numbers(&format!("count_{unit}"));
        let used: f64 = bins.numbers("used").iter().zip(&counts).map(|(used, count)| used * count).sum();
        assert_eq!(sum(5 + k), used, "{unit}");
    }
    for unit in ["unit 3", "unit 5", "unit 9"] {
        assert!(page.text.contains(&format!("spikes of {unit}")), "{unit}");
    }
}

#[test]
fn fits_without_an_optimum_are_reported_with_the_remedy() {
    let place = arrays();
    place.run(&["fit", "d.npz", "--max-iterations", "2", "--out", "early"]).ended(4);
    let (html, page) = report(&place, "early");
    assert!(html.contains("banner bad"));
    assert!(page.text.contains("Not at an optimum.") && page.text.contains("raise --max-iterations."));
    let place = Place::new();
    write_recording(&place.path("r.nwb"));
    let words = ["fit", "r.nwb", "--epochs", "silence", "--unit", "all", "--bin", "10ms", "--feature"];
    place.run(&[&words[..], &["current", "--out", "silent"]].concat()).ended(4);
    let (_, page) = report(&place, "silent");
    assert!(page.text.contains("None of the 3 units is at an optimum."));
    assert!(page.text.contains("(no events): the rate is 0: there is no event to explain."));
}
