//! Tables of intervals and units.

use rheobase::recording::{ColumnValues, Kind};

use crate::{fixture, said};

#[test]
fn touching_epochs_stay_whole() {
    let epochs = fixture("intervals.nwb").intervals("epochs").unwrap();
    assert_eq!((epochs.start_s, epochs.stop_s), (vec![0.0, 10.0, 20.0], vec![10.0, 20.0, 30.0]));
}

#[test]
fn any_tag_of_a_row_selects_it() {
    let file = fixture("intervals.nwb");
    let starts = |selector: &str| -> Vec<f64> {
        file.epochs(selector).unwrap().iter().map(|epoch| epoch.start_s).collect()
    };
    assert_eq!(starts("rest"), [0.0, 20.0]);
    assert_eq!(starts("run"), [10.0]);
    assert_eq!(starts("light"), [10.0]);
    assert_eq!(starts("epochs"), [0.0, 10.0, 20.0]);
}

#[test]
fn trials_are_sorted_with_their_labels() {
    let file = fixture("intervals.nwb");
    let trials = file.intervals("trials").unwrap();
    assert_eq!(trials.start_s, [2.0, 2.5, 5.0, 8.0]);
    assert_eq!(trials.file_rows, [1, 3, 2, 0]);
    assert!(trials.notices[0].contains("sorted"), "{:?}", trials.notices);
    let column = |name: &str| &trials.column(name).unwrap().values;
    let texts = |names: &[&str]| ColumnValues::Text(names.iter().map(ToString::to_string).collect());
    assert_eq!(*column("side"), texts(&["right", "right", "left", "left"]));
    assert_eq!(*column("correct"), ColumnValues::Truth(vec![false, true, false, true]));
    assert_eq!(*column("contrast"), ColumnValues::Number(vec![1.0, 1.0, 0.25, 0.5]));
}

#[test]
fn labels_select_rows_in_order_of_start() {
    let file = fixture("intervals.nwb");
    let starts = |selector: &str| -> Vec<f64> {
        file.epochs(selector).unwrap().iter().map(|epoch| epoch.start_s).collect()
    };
    assert_eq!(starts("trials"), [2.0, 2.5, 5.0, 8.0]);
    assert_eq!(starts("trials:side=left"), [5.0, 8.0]);
    assert_eq!(starts("trials:correct=true"), [2.5, 8.0]);
    assert_eq!(starts("trials:correct=1"), [2.5, 8.0]);
    assert_eq!(starts("trials:contrast=0.250"), [5.0]);
    assert_eq!(starts("ripples"), [1.0, 4.0]);
    assert_eq!(starts("ripples:channels=1"), [1.0]);
    assert_eq!(starts("/intervals/trials:side=right"), [2.0, 2.5]);
    let table = file.intervals("trials").unwrap();
    assert_eq!(table.rows_matching("trials:side=left").unwrap(), [2, 3]);
}

#[test]
fn unknown_labels_list_those_present() {
    let file = fixture("intervals.nwb");
    let says = |selector: &str| said(&file.epochs(selector).unwrap_err());
    assert!(says("trials:side=up").contains("right, left"));
    assert!(says("trials:angle=3").contains("side, correct, contrast"));
    assert!(says("trials:side").contains("column=value"));
    let text = says("walk");
    assert!(text.contains("rest") && text.contains("light") && text.contains("trials"), "{text}");
}

#[test]
fn every_table_of_intervals_is_listed() {
    let file = fixture("intervals.nwb");
    let mut keys: Vec<&str> =
        file.recording().of_kind(Kind::Intervals).map(|entry| entry.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["epochs", "invalid_times", "ripples", "trials"]);
}

#[test]
fn units_of_a_probe() {
    let units = fixture("units.nwb").units().unwrap();
    assert_eq!(units.ids, [10, 11, 12]);
    assert_eq!(units.spike_times, [vec![0.5, 1.5, 2.5], vec![], vec![0.25, 29.0]]);
    assert_eq!(units.obs_intervals.as_ref().unwrap()[1], [[0.0, 10.0], [20.0, 30.0]]);
    let column = |name: &str| &units.columns.iter().find(|column| column.name == name).unwrap().values;
    let texts = |names: &[&str]| ColumnValues::Text(names.iter().map(ToString::to_string).collect());
    assert_eq!(*column("quality"), texts(&["good", "mua", "good"]));
    assert_eq!(*column("depth"), ColumnValues::Number(vec![0.0, 100.0, 200.0]));
    assert_eq!(*column("location"), texts(&["CA1", "CA3", "CA1"]));
    assert_eq!(*column("electrode_group"), texts(&["shank0", "shank1", "shank0"]));
    assert_eq!(*column("x"), ColumnValues::Number(vec![0.0, 1.0, 0.0]));
    assert_eq!(units.rows_of(&["12".into(), "10".into()]).unwrap(), [2, 0]);
}

#[test]
fn an_index_of_any_width_cuts_the_same() {
    let file = fixture("unit_widths.nwb");
    for width in ["u1", "u2", "u4", "u8", "i4", "i8"] {
        let units = file.units_named(&format!("units_{width}")).unwrap();
        assert_eq!(units.spike_times, [vec![1.0, 2.0], vec![], vec![3.0, 4.0, 5.0]], "{width}");
    }
}

#[test]
fn unsorted_spikes_are_sorted_and_said() {
    let units = fixture("unit_widths.nwb").units_named("unsorted").unwrap();
    assert_eq!(units.spike_times, [vec![1.0, 2.0, 3.0], vec![9.0]]);
    assert_eq!(units.notices.len(), 1);
    assert!(
        units.notices[0].contains("unit 0") && units.notices[0].contains("sorted"),
        "{:?}",
        units.notices
    );
}

#[test]
fn spikes_that_are_not_finite_are_dropped_and_counted() {
    let units = fixture("unit_widths.nwb").units_named("with_nan").unwrap();
    assert_eq!(units.spike_times, [vec![1.0, 2.0], vec![7.0]]);
    assert!(units.notices[0].contains("2 of 4"), "{:?}", units.notices);
}

#[test]
fn a_damaged_index_is_an_error_of_that_table_only() {
    let file = fixture("unit_widths.nwb");
    for (key, words) in [
        ("beyond", "up to 5 (the length of the data), found 9 at row 1"),
        ("decreasing", "found 2 at row 1 after 4"),
        ("too_few", "expected 2 entries"),
        ("no_index", "spike_times_index"),
        ("no_times", "spike_times"),
    ] {
        let text = said(&file.units_named(key).unwrap_err());
        assert!(text.contains(words) && text.contains("/processing/sorting/"), "{key}: {text}");
    }
    assert!(file.units_named("units_u1").is_ok());
}
