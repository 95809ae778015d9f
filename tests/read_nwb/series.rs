//! Time series: times, columns, units, ranges.

use ndarray::arr2;
use rheobase::Error;
use rheobase::features::spike_detection::detect_in;
use rheobase::read::nwb;
use rheobase::recording::{Kind, Timing};

use crate::{data, fixture, said};

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{found} is not {expected}");
}

#[test]
fn start_and_rate_give_the_times() {
    let series = fixture("series.nwb").series("regular").unwrap();
    assert_eq!(series.facts().timing, Timing::Rate { start_s: 2.0, rate_hz: 100.0 });
    assert_eq!(series.span().unwrap(), Some((2.0, 2.0 + 599.0 / 100.0)));
    let piece = series.read_range(2.5, 2.52, None).unwrap();
    assert_eq!(piece.t, [2.0 + 50.0 / 100.0, 2.0 + 51.0 / 100.0, 2.0 + 52.0 / 100.0]);
    close(piece.values[[0, 0]], 1_f64.sin());
    assert_eq!(series.read_spacing(2.0, 3.0).unwrap(), Some(0.01));
    assert_eq!(series.unit(), "m");
}

#[test]
fn conversion_and_offset_are_applied() {
    let series = fixture("series.nwb").series("scaled").unwrap();
    let piece = series.read_rows(0..3, None).unwrap();
    close(piece.values[[0, 0]], -0.05);
    close(piece.values[[2, 0]], 2.0 * 0.001 - 0.05);
    assert_eq!((series.facts().conversion, series.facts().offset, series.unit()), (0.001, -0.05, "volts"));
    assert_eq!(series.facts().stored_type, "int16");
}

#[test]
fn each_channel_has_its_factor_and_its_electrode() {
    let file = fixture("columns.nwb");
    let lfp = file.series("lfp").unwrap();
    assert_eq!(lfp.facts().column_names, ["20", "22", "24"]);
    let piece = lfp.read_rows(0..1, None).unwrap();
    for (column, factor) in [1.0, 2.0, 3.0].into_iter().enumerate() {
        close(piece.values[[0, column]] * 1e6, factor);
    }
    let one = file.signal("lfp[24]").unwrap();
    assert_eq!(one.column, Some(2));
    close(one.series.read_rows(0..1, one.column).unwrap().values[[0, 0]] * 1e6, 3.0);
    assert!(file.signal("lfp[0]").unwrap_err().help().contains("20, 22, 24"));
}

#[test]
fn columns_by_name_and_position() {
    let file = fixture("columns.nwb");
    let signal = file.signal("pos[y]").unwrap();
    assert_eq!(signal.series.facts().column_names, ["x", "y"]);
    assert_eq!(signal.series.read_rows(7..8, signal.column).unwrap().values[[0, 0]], -7.0);
    assert_eq!(file.signal("pos[1]").unwrap().column, Some(1));
    assert_eq!(file.signal("pos").unwrap().column, None);
    assert!(file.signal("pos[z]").unwrap_err().help().contains("x, y"));
    assert_eq!(file.series("/processing/behavior/Position/pos").unwrap().n_columns(), 2);
}

#[test]
fn several_columns_are_read_together_or_alone() {
    let file = fixture("series.nwb");
    let series = file.series("table").unwrap();
    assert_eq!(series.read_rows(2..4, None).unwrap().values, arr2(&[[2.0, 20.0, 200.0], [3.0, 30.0, 300.0]]));
    assert_eq!(series.read_rows(2..4, Some(1)).unwrap().values, arr2(&[[20.0], [30.0]]));
    assert!(series.read_rows(0..1, Some(3)).is_err());
    assert!(series.read_rows(0..601, None).is_err());
}

#[test]
fn ranges_are_closed_and_may_be_empty() {
    let series = fixture("series.nwb").series("sweeps").unwrap();
    assert_eq!(series.n_samples(), 6000);
    assert_eq!(series.rows_between(0.0, 22.999).unwrap(), 0..6000);
    assert_eq!(series.rows_between(1.0, 1.0).unwrap(), 1000..1001);
    assert_eq!(series.rows_between(2.9995, 19.0).unwrap(), 3000..3000);
    assert_eq!(series.rows_between(20.0, 20.0015).unwrap(), 3000..3002);
    assert_eq!(series.rows_between(-5.0, -1.0).unwrap(), 0..0);
    assert_eq!(series.rows_between(30.0, 40.0).unwrap(), 0..0);
    assert_eq!(series.rows_between(2.0, 1.0).unwrap(), 0..0);
    let piece = series.read_range(19.0, 20.001, None).unwrap();
    assert_eq!(piece.values, arr2(&[[3000.0], [3001.0]]));
    assert_eq!(piece.t, [20.0, 20.001]);
}

#[test]
fn every_range_equals_a_search_through_all_times() {
    let series = fixture("series.nwb").series("sweeps").unwrap();
    let all = series.read_rows(0..6000, None).unwrap().t;
    for k in 0..60 {
        let start = -1.0 + 0.43 * f64::from(k);
        let stop = start + 0.017 * f64::from(k * k % 71);
        let from = all.iter().position(|&t| t >= start).unwrap_or(all.len());
        let to = all.iter().position(|&t| t > stop).unwrap_or(all.len());
        let rows = series.rows_between(start, stop).unwrap();
        assert_eq!(rows.len(), to - from, "{start} to {stop}");
        assert!(rows.is_empty() || rows == (from..to), "{start} to {stop}: {rows:?}");
    }
}

#[test]
fn pieces_together_are_the_whole() {
    let series = fixture("series.nwb").series("sweeps").unwrap();
    let whole = series.read_rows(0..6000, None).unwrap();
    for n_rows in [1000, 777, 5999, 6000, 10_000] {
        let (mut t, mut values) = (Vec::new(), Vec::new());
        series
            .for_each_piece(n_rows, None, |start, piece| {
                assert_eq!(start, t.len());
                t.extend_from_slice(&piece.t);
                values.extend(piece.values.iter().copied());
                Ok(())
            })
            .unwrap();
        assert_eq!((t, values), (whole.t.clone(), whole.values.iter().copied().collect()), "{n_rows}");
    }
}

#[test]
fn one_name_in_two_places_is_two_keys() {
    let file = fixture("series.nwb");
    assert_eq!(file.series("acquisition/a").unwrap().read_rows(0..1, None).unwrap().values[[0, 0]], 1.0);
    let stimulus = file.series("stimulus/presentation/a").unwrap();
    assert_eq!(stimulus.read_rows(0..1, None).unwrap().values[[0, 0]], 3.0);
    assert_eq!(file.series("/acquisition/a").unwrap().facts().key, "acquisition/a");
    let help = file.series("a").unwrap_err().help();
    assert!(help.contains("acquisition/a, ") && help.contains("stimulus/presentation/a"), "{help}");
}

#[test]
fn nan_values_are_kept_and_empty_series_are_empty() {
    let file = fixture("series.nwb");
    let values = file.series("with_nan").unwrap().read_rows(0..600, None).unwrap().values;
    assert_eq!(values.iter().filter(|value| value.is_nan()).count(), 2);
    assert!(values[[3, 0]].is_nan() && values[[4, 0]] == 0.4);
    let empty = file.series("empty").unwrap();
    assert_eq!((empty.n_samples(), empty.span().unwrap()), (0, None));
    assert!(empty.read_range(0.0, 1.0, None).unwrap().t.is_empty());
    assert_eq!(file.recording().find("remarks", Kind::Annotations).unwrap().type_name, "AnnotationSeries");
    assert!(said(&file.series("remarks").unwrap_err()).contains("annotations"));
}

#[test]
fn patch_clamp_types_in_their_units() {
    let file = fixture("icephys.nwb");
    let voltage = file.series("voltage").unwrap();
    let piece = voltage.read_rows(99..103, None).unwrap();
    for (found, expected) in piece.values.iter().zip([-0.07, -0.04, 0.0, 0.03]) {
        close(*found, expected);
    }
    assert_eq!((voltage.unit(), voltage.facts().timing), ("volts", Timing::Stamps));
    let current = file.series("current").unwrap();
    close(current.read_rows(3..4, None).unwrap().values[[0, 0]] * 1e9, 3.0);
    assert_eq!(current.unit(), "amperes");
    for (key, unit) in [("rest", "volts"), ("holding", "amperes"), ("command", "volts")] {
        assert_eq!(file.series(key).unwrap().unit(), unit);
    }
    let onsets = detect_in(&file.signal("voltage").unwrap(), 20.0, 1e-3).unwrap();
    assert_eq!(onsets, [99.0 * 5e-5, 299.0 * 5e-5]);
}

#[test]
fn extension_types_are_read_as_their_parents() {
    for name in ["extension_cached.nwb", "extension_uncached.nwb"] {
        let file = fixture(name);
        let fine = file.series("fine").unwrap();
        assert_eq!(fine.read_range(1.0, 2.0, None).unwrap().values, arr2(&[[1.0], [2.0]]));
        assert_eq!(file.epochs("blocks").unwrap().len(), 2);
        assert!(file.recording().entries.iter().all(|entry| entry.key != "blob"));
    }
    assert!(fixture("extension_cached.nwb").recording().notices.is_empty());
    let notices = &fixture("extension_uncached.nwb").recording().notices.clone();
    assert!(notices.iter().any(|notice| notice.contains("LabFineSeries")), "{notices:?}");
}

#[test]
fn reading_more_than_allowed_is_an_error_before_reading() {
    let file = nwb::open_with_limit(&data("nwb/series.nwb"), 4000).unwrap();
    let series = file.series("sweeps").unwrap();
    assert!(series.read_rows(0..499, None).is_ok());
    let error = series.read_rows(0..501, None).unwrap_err();
    assert!(matches!(error, Error::Memory { needed_bytes: 4008, limit_bytes: 4000, .. }), "{error}");
}
