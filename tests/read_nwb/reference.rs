//! The small reference recording against what pynapple read from it.

use rheobase::features::spike_detection::{
    DEFAULT_DVDT_V_PER_S, DEFAULT_REFRACTORY_S, detect_in, detect_spikes,
};
use rheobase::read::nwb;
use rheobase::recording::{ColumnValues, Kind, Timing};
use serde_json::Value;

use crate::data;

fn reference() -> Value {
    let text = std::fs::read_to_string(data("reference_tutorial.json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["file"].take()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn small() -> nwb::NwbFile {
    nwb::open(&data("patchclamp_small.nwb")).unwrap()
}

#[test]
fn keys_and_kinds() {
    let file = small();
    let mut keys: Vec<&str> = file.recording().entries.iter().map(|entry| entry.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["epochs", "response", "stimulus", "units"]);
    assert!(file.recording().find("units", Kind::Units).is_ok());
    assert!(file.recording().find("/acquisition/response", Kind::Series).is_ok());
    assert!(file.recording().entries.iter().all(|entry| entry.defect.is_none()));
}

#[test]
fn epochs_with_tags() {
    let (file, reference) = (small(), reference());
    let table = file.intervals("epochs").unwrap();
    assert_eq!(table.start_s, numbers(&reference["epochs"]["start"]));
    assert_eq!(table.stop_s, numbers(&reference["epochs"]["end"]));
    let tags: Vec<String> =
        (0..table.n_rows()).flat_map(|row| table.column("tags").unwrap().texts(row)).collect();
    assert_eq!(serde_json::json!(tags), reference["epochs"]["tags"]);
    let noise = file.epochs("Noise 1").unwrap();
    assert_eq!(noise.iter().map(|epoch| epoch.start_s).collect::<Vec<_>>(), [39.02, 105.06, 138.08]);
    assert_eq!(file.epoch("Noise 1", 0).unwrap().stop_s, 67.04);
    assert!(file.epoch("Noise 1", 3).unwrap_err().to_string().contains("below 3"));
}

#[test]
fn stimulus_by_range() {
    let (file, reference) = (small(), reference());
    let stimulus = file.series("stimulus").unwrap();
    let facts = stimulus.facts();
    assert_eq!(stimulus.n_samples() as u64, reference["stimulus"]["n"].as_u64().unwrap());
    assert_eq!((facts.unit.as_str(), facts.timing), ("amperes", Timing::Stamps));
    assert_eq!(stimulus.span().unwrap(), Some((0.0, 173.127_949_999_493)));
    for (row, time) in reference["stimulus"]["t"].as_object().unwrap() {
        let row: usize = row.parse().unwrap();
        assert_eq!(stimulus.read_rows(row..row + 1, None).unwrap().t[0], time.as_f64().unwrap());
    }
    let sweep = stimulus.read_range(39.02, 67.04, None).unwrap();
    assert_eq!(sweep.t.len(), 560_400);
    assert!(sweep.t[0] >= 39.02 && sweep.t[sweep.t.len() - 1] <= 67.04);
    let largest = sweep.values.iter().copied().fold(0.0, f64::max);
    assert!(largest > 100e-12 && largest <= reference["stimulus"]["max"].as_f64().unwrap());
    let spacing = stimulus.read_spacing(39.02, 67.04).unwrap().unwrap();
    assert!((spacing - 4.999_999_998_75e-5).abs() < 1e-13);
}

#[test]
fn response_shares_the_times_through_a_link() {
    let (file, reference) = (small(), reference());
    let response = file.series("response").unwrap();
    assert_eq!(response.facts().stored_type, "float32");
    for (row, value) in reference["response"]["d"].as_object().unwrap() {
        let row: usize = row.parse().unwrap();
        let found = response.read_rows(row..row + 1, Some(0)).unwrap();
        assert_eq!(found.values[[0, 0]], value.as_f64().unwrap());
    }
    assert_eq!(response.span().unwrap(), file.series("stimulus").unwrap().span().unwrap());
}

#[test]
fn units_with_metadata() {
    let (file, reference) = (small(), reference());
    let units = file.units().unwrap();
    assert_eq!(units.ids, [0]);
    let times = &units.spike_times[0];
    assert_eq!(times.len() as u64, reference["units"]["n_spikes"].as_u64().unwrap());
    assert_eq!(times[..5], numbers(&reference["units"]["first"])[..]);
    assert_eq!(times[times.len() - 5..], numbers(&reference["units"]["last"])[..]);
    let column = |name: &str| &units.columns.iter().find(|column| column.name == name).unwrap().values;
    assert_eq!(*column("location"), ColumnValues::Text(vec!["v1".into()]));
    assert_eq!(*column("group"), ColumnValues::Number(vec![0.0]));
    assert_eq!(units.rows_of(&["all".into()]).unwrap(), [0]);
    assert!(units.rows_of(&["7".into()]).unwrap_err().help().contains('0'));
    assert!(units.notices.is_empty());
}

#[test]
fn every_spike_is_detected_and_none_added() {
    let file = small();
    let known = &file.units().unwrap().spike_times[0];
    let signal = file.signal("response").unwrap();
    let onsets = detect_in(&signal, DEFAULT_DVDT_V_PER_S, DEFAULT_REFRACTORY_S).unwrap();
    assert_eq!((known.len(), onsets.len()), (202, 202));
    for (onset, spike) in onsets.iter().zip(known) {
        assert!((onset - spike).abs() <= 0.15e-3, "onset {onset}, spike {spike}");
    }
    // the same in memory, over one sweep
    let sweep = signal.series.read_range(39.02, 67.04, None).unwrap();
    let volts = sweep.values.column(0).to_vec();
    let inside: Vec<f64> = onsets.into_iter().filter(|t| (39.02..=67.04).contains(t)).collect();
    assert_eq!(detect_spikes(&sweep.t, &volts, 20.0, 1e-3).unwrap(), inside);
}

#[test]
fn a_long_range_is_read_in_pieces_that_are_told() {
    let series = small().series("stimulus").unwrap();
    let (first, last) = series.span().unwrap().unwrap();
    let mut told = Vec::new();
    let samples = series.read_range_watched(first, last, None, &mut |n_rows| told.push(n_rows)).unwrap();
    assert!(told.len() > 2, "{told:?}");
    assert_eq!(told.iter().sum::<usize>(), series.n_samples());
    let whole = series.read_range(first, last, None).unwrap();
    assert!(samples.t == whole.t && samples.values == whole.values);
    // a short range is one piece
    told.clear();
    let samples = series.read_range_watched(1.0, 1.01, Some(0), &mut |n_rows| told.push(n_rows)).unwrap();
    assert_eq!(told, [samples.t.len()]);
    assert_eq!(samples.values, series.read_range(1.0, 1.01, Some(0)).unwrap().values);
}

#[test]
fn only_a_voltage_can_have_spikes() {
    let error = detect_in(&small().signal("stimulus").unwrap(), 20.0, 1e-3).unwrap_err();
    assert!(error.to_string().contains("volts"), "{error}");
}

#[test]
fn unknown_names_list_those_present() {
    let file = small();
    assert!(file.series("current").unwrap_err().help().contains("response, stimulus"));
    let error = file.series("epochs").unwrap_err();
    assert!(error.to_string().contains("TimeIntervals"), "{error}");
    let help = file.epochs("Noise 3").unwrap_err().help();
    assert!(help.contains("Noise 1") && help.contains("Test") && help.contains("epochs"), "{help}");
    assert!(file.intervals("trials").unwrap_err().help().contains("epochs"));
}
