//! What `inspect` says about a file.

use rheobase::cli::inspect::inspect;
use rheobase::read::nwb;
use serde_json::Value;

use crate::{data, fixture};

fn object<'a>(json: &'a Value, key: &str) -> &'a Value {
    json["objects"].as_array().unwrap().iter().find(|object| object["key"] == key).unwrap()
}

#[test]
fn the_small_recording() {
    let path = data("patchclamp_small.nwb");
    let inspection = inspect(&nwb::open(&path).unwrap(), None);
    let json = inspection.json().unwrap();
    let stimulus = object(&json, "stimulus");
    assert_eq!((&stimulus["kind"], &stimulus["type"]), (&"series".into(), &"TimeSeries".into()));
    assert_eq!((&stimulus["n_samples"], &stimulus["unit"]), (&2_962_560.into(), &"amperes".into()));
    assert!((stimulus["rate_hz"].as_f64().unwrap() - 20_000.0).abs() < 0.01);
    let units = object(&json, "units");
    assert_eq!((&units["n_spikes"], &units["units"][0]["n_spikes"]), (&202.into(), &202.into()));
    let noise = &object(&json, "epochs")["columns"][0]["values"][1];
    assert_eq!((&noise["value"], &noise["n_rows"]), (&"Noise 1".into(), &3.into()));
    assert!(json.get("findings").is_none());
    let line = format!(
        "rheobase fit {} --epochs 'Noise 1' --unit 0 --bin 1ms --feature 'stimulus*1e12'",
        path.display()
    );
    assert_eq!(json["suggestion"], line);
    let text = inspection.text();
    assert!(text.ends_with(&format!("  {line}\n")), "{text}");
    for words in [
        "2962560 samples, amperes",
        "0 to 173.12795 s",
        "1 unit, 202 spikes",
        "Noise 1 (3 rows, 84.06 s)",
        "6 rows; tags",
    ] {
        assert!(text.contains(words), "{words:?} is not in:\n{text}");
    }
}

#[test]
fn without_units_it_proposes_to_detect_spikes() {
    let file = fixture("icephys.nwb");
    let suggestion = inspect(&file, None).json().unwrap()["suggestion"].take();
    let line = suggestion.as_str().unwrap();
    assert!(
        line.ends_with("--epochs 'step' --detect-spikes voltage --bin 1ms --feature 'current*1e12'"),
        "{line}"
    );
}

#[test]
fn broken_objects_are_listed_with_their_error() {
    let file = fixture("broken.nwb");
    let inspection = inspect(&file, Some(&file.check()));
    let (json, text) = (inspection.json().unwrap(), inspection.text());
    let broken = object(&json, "rate_zero");
    assert!(broken["error"].as_str().unwrap().contains("rate 0") && broken["help"].is_string());
    assert!(object(&json, "good").get("error").is_none());
    // a bad time is a notice: the other ranges of the series can be used
    assert!(object(&json, "nan_time").get("error").is_none());
    assert!(text.contains("  /acquisition/nan_time/timestamps: expected finite times, found NaN at row 6"));
    assert!(json["findings"].as_array().unwrap().len() > 10);
    for words in [
        "not usable: /acquisition/rate_zero",
        "notices",
        "/acquisition/untyped",
        "check of all data",
        "3 of 5 rows dropped",
    ] {
        assert!(text.contains(words), "{words:?} is not in:\n{text}");
    }
}

#[test]
fn numbers_in_json_are_never_null() {
    for name in ["series.nwb", "columns.nwb", "units.nwb", "intervals.nwb", "broken.nwb", "unit_widths.nwb"] {
        let json = inspect(&fixture(name), None).json().unwrap();
        assert!(!json.to_string().contains("null"), "{name}");
        let is_line = json["suggestion"].as_str().is_some_and(|line| line.starts_with("rheobase fit "));
        assert_ne!(is_line, json["nothing_to_fit"].is_string(), "{name}");
    }
}

#[test]
fn labels_of_tables() {
    let text = inspect(&fixture("intervals.nwb"), None).text();
    for words in [
        "side: right (2 rows, 2 s), left (2 rows, 2 s)",
        "rest (2 rows, 20 s), run (1 row, 10 s)",
        "rows are not in order",
    ] {
        assert!(text.contains(words), "{words:?} is not in:\n{text}");
    }
    let text = inspect(&fixture("units.nwb"), None).text();
    for words in ["id (spikes): 10 (3), 11 (0), 12 (2)", "quality: good (2), mua", "location: CA1 (2), CA3"] {
        assert!(text.contains(words), "{words:?} is not in:\n{text}");
    }
}
