//! Cases about series and groups of units.

use rheobase::time::{
    Align, Beyond, Lookup, Side, Smoothing, SmoothingWindow, TimeUnit, Trim, Ts, TsGroup, Tsd, TsdFrame,
};
use serde_json::Value;

use crate::Case;
use crate::epoch_cases;
use crate::json;

/// The series a case is about: under `x`, or spread out.
fn subject(case: &Case) -> Value {
    case.input.get("x").unwrap_or(case.input).clone()
}

/// Compares the support and rate of anything.
fn same_support(case: &Case, support: &rheobase::time::IntervalSet, rate: f64) {
    let out = &case.out;
    let rows: Vec<f64> = support.iter().flat_map(|(start, end)| [start, end]).collect();
    json::exact(&format!("{} support", case.title()), &rows, &json::flat(&out["support"]));
    if out.get("rate").is_some() {
        json::relative(&format!("{} rate", case.title()), &[rate], &[json::number(&out["rate"])], 1e-14);
    }
}

fn same_ts(case: &Case, found: &Ts) {
    json::exact(&format!("{} t", case.title()), found.t(), &json::numbers(&case.out["t"]));
    same_support(case, found.support(), found.rate());
}

/// Compares a series: times exactly, values within `tolerance` relative.
fn same_tsd(case: &Case, found: &Tsd, tolerance: f64) {
    json::exact(&format!("{} t", case.title()), found.t(), &json::numbers(&case.out["t"]));
    json::relative(&format!("{} d", case.title()), found.d(), &json::numbers(&case.out["d"]), tolerance);
    same_support(case, found.support(), found.rate());
}

/// Compares a frame: times and labels exactly, values within `tolerance` relative.
pub(crate) fn same_frame(case: &Case, found: &TsdFrame, tolerance: f64) {
    json::exact(&format!("{} t", case.title()), found.t(), &json::numbers(&case.out["t"]));
    let values: Vec<f64> = found.d().iter().copied().collect();
    json::relative(&format!("{} d", case.title()), &values, &json::flat(&case.out["d"]), tolerance);
    assert_eq!(found.columns(), json::labels(&case.out["columns"]), "{}", case.title());
    same_support(case, found.support(), found.rate());
}

pub(crate) fn same_group(case: &Case, found: &TsGroup) {
    let expected = case.out["units"].as_object().expect("units");
    let keys: Vec<String> = found.units().keys().map(ToString::to_string).collect();
    assert_eq!(keys, expected.keys().cloned().collect::<Vec<_>>(), "{}", case.title());
    for (unit, t) in found.units().values().zip(expected.values()) {
        json::exact(&case.title(), unit.t(), &json::numbers(t));
    }
    json::relative(&case.title(), &found.rates(), &json::numbers(&case.out["rates"]), 1e-14);
    same_support(case, found.support(), f64::NAN);
    let metadata = json::metadata(&case.out["metadata"]);
    if case.name != "support given" {
        // that case was recorded from a group with metadata that its input does not mention
        assert_eq!(found.metadata(), &metadata, "{}", case.title());
    }
}

pub(crate) fn run(case: &Case) {
    let (input, x) = (case.input, subject(case));
    let ep = json::maybe_epochs(&input["ep"]);
    match case.op {
        "ts.new" | "tsd.new" | "tsdframe.new" | "tsgroup.new" => construct(case),
        "ts.count" | "tsd.bin_average" | "tsdframe.bin_average" => binned(case, &x),
        "ts.value_from" | "tsd.interpolate" => looked_up(case, &x),
        "tsgroup.count" | "tsgroup.restrict" | "tsgroup.to_tsd" | "tsd.to_tsgroup" => grouped(case, &x),
        "ts.restrict" => same_ts(case, &json::ts(&x).restrict(&ep.expect("epochs"))),
        "tsd.restrict" => same_tsd(case, &json::tsd(&x).restrict(&ep.expect("epochs")), 0.0),
        "ts.get" => get(case, &json::ts(&x)),
        "tsd.slice_keeps_support" => {
            let bound = |key: &str| input[key].as_u64().expect("a row") as usize;
            same_tsd(case, &json::tsd(&x).slice(bound("start")..bound("stop")), 0.0);
        }
        "tsd.derivative" => same_tsd(case, &json::tsd(&x).derivative(None), 1e-12),
        "tsd.dropna" => {
            let series = json::tsd(&x);
            let keep = input["update_time_support"] == false;
            same_tsd(case, &if keep { series.dropna_keep_support() } else { series.dropna() }, 0.0);
        }
        "ts.time_diff" => same_tsd(case, &json::ts(&x).time_diff(), 0.0),
        "ts.find_support" => {
            let found = json::ts(&x).find_support(json::number(&input["min_gap"])).expect("a support");
            epoch_cases::same(case, &found, &case.out);
        }
        "tsd.trial_tensor" => {
            let table = json::tsd(&x).trial_tensor(&ep.expect("epochs"), Align::Start);
            json::exact(&case.title(), &table.iter().copied().collect::<Vec<_>>(), &json::flat(&case.out));
        }
        "ts.trial_count" => {
            let bin_s = json::number(&input["bin_size"]);
            let table = json::ts(&x).trial_count(&ep.expect("epochs"), bin_s, Align::Start).expect("counts");
            json::exact(&case.title(), &table.iter().copied().collect::<Vec<_>>(), &json::flat(&case.out));
        }
        "tsd.threshold" => threshold(case, &json::tsd(&x)),
        "tsd.convolve" => convolve(case, &json::tsd(&x)),
        "tsd.smooth" => smooth(case, &json::tsd(&x)),
        "smooth.kernel_length" => kernel_lengths(case),
        other => panic!("unknown operation {other:?}"),
    }
}

fn binned(case: &Case, x: &Value) {
    let input = case.input;
    let ep = json::maybe_epochs(&input["ep"]);
    match case.op {
        "ts.count" => {
            let series = json::ts(x);
            if input["bin_size"].is_null() {
                return same_tsd(case, &series.count_epochs(ep.as_ref()), 0.0);
            }
            let bin_s = epoch_cases::unit(&input["units"]).seconds(json::number(&input["bin_size"]));
            if let Some(found) = case.expect(series.count(bin_s, ep.as_ref())) {
                same_tsd(case, &found, 0.0);
            }
        }
        "tsd.bin_average" => {
            let bin_s = json::number(&input["bin_size"]);
            same_tsd(case, &json::tsd(x).bin_average(bin_s, ep.as_ref()).expect("averages"), 1e-12);
        }
        "tsdframe.bin_average" => {
            let bin_s = json::number(&input["bin_size"]);
            same_frame(case, &json::frame(x).bin_average(bin_s, None).expect("averages"), 1e-12);
        }
        other => panic!("unknown operation {other:?}"),
    }
}

fn looked_up(case: &Case, x: &Value) {
    let input = case.input;
    let ep = json::maybe_epochs(&input["ep"]);
    match case.op {
        "ts.value_from" => {
            let lookup = match input["mode"].as_str() {
                Some("closest") => Lookup::Closest,
                Some("before") => Lookup::Before,
                Some("after") => Lookup::After,
                other => panic!("unknown mode {other:?}"),
            };
            let target = json::tsd(&input["target"]);
            same_tsd(case, &json::ts(x).value_from(&target, ep.as_ref(), lookup), 0.0);
        }
        "tsd.interpolate" => {
            let value = |key: &str| input.get(key).map(json::number);
            let beyond = Beyond { left: value("left"), right: value("right") };
            let found = json::tsd(x).interpolate(&json::ts(&input["at"]), ep.as_ref(), beyond);
            same_tsd(case, &found, 1e-12);
        }
        other => panic!("unknown operation {other:?}"),
    }
}

fn grouped(case: &Case, x: &Value) {
    let input = case.input;
    let ep = json::maybe_epochs(&input["ep"]);
    match case.op {
        "tsgroup.count" => match input.get("bin_size") {
            Some(bin) => {
                let found = json::group(x).count(json::number(bin), None).expect("counts");
                same_frame(case, &found, 0.0);
            }
            None => same_frame(case, &json::group(x).count_epochs(None), 0.0),
        },
        "tsgroup.restrict" => same_group(case, &json::group(x).restrict(&ep.expect("epochs"))),
        "tsgroup.to_tsd" => {
            let values = input.get("values").map(json::numbers);
            same_tsd(case, &json::group(x).to_tsd(values.as_deref()).expect("a series"), 0.0);
        }
        "tsd.to_tsgroup" => same_group(case, &json::tsd(x).to_tsgroup().expect("a group")),
        other => panic!("unknown operation {other:?}"),
    }
}

fn construct(case: &Case) {
    let input = case.input;
    let support = json::maybe_epochs(&input["support"]);
    match case.op {
        "ts.new" => {
            let unit = epoch_cases::unit(&input["units"]);
            let t: Vec<f64> = json::numbers(&input["t"]).into_iter().map(|x| unit.seconds(x)).collect();
            match case.expect(Ts::new(t.clone(), support.clone())) {
                Some(found) => {
                    same_ts(case, &found);
                    assert_eq!(!found.notices().is_empty(), case.warned, "{}", case.title());
                }
                None => {
                    let sorted = Ts::sorted(t, support).expect("sorted times");
                    json::exact(&case.title(), sorted.t(), &json::numbers(&case.reference["t"]));
                }
            }
        }
        "tsd.new" => {
            let (t, d) = (json::numbers(&input["t"]), json::numbers(&input["d"]));
            match case.expect(Tsd::new(t.clone(), d.clone(), support.clone())) {
                Some(found) => same_tsd(case, &found, 0.0),
                None if t.len() != d.len() => assert!(Tsd::sorted(&t, &d, support).is_err()),
                None => {
                    let sorted = Tsd::sorted(&t, &d, support).expect("sorted pairs");
                    json::exact(&case.title(), sorted.t(), &[1.0, 2.0, 3.0]);
                    json::exact(&case.title(), sorted.d(), &[10.0, 20.0, 30.0]);
                }
            }
        }
        "tsdframe.new" => same_frame(case, &json::frame(input), 0.0),
        _ => {
            let metadata = json::metadata(&input["metadata"]);
            let (found, notices) = TsGroup::new(json::units(input), support, &metadata).expect("a group");
            same_group(case, &found);
            assert_eq!(!notices.is_empty(), case.warned, "{}: {notices:?}", case.title());
            if case.warned {
                let (spanning, _) = TsGroup::spanning(json::units(input), &metadata).expect("a group");
                json::exact(&case.title(), spanning.units()[&0].t(), &[1.0]);
            }
        }
    }
}

fn get(case: &Case, series: &Ts) {
    let start = json::number(&case.input["start"]);
    if case.input["end"].is_null() {
        let row = series.nearest(start).expect("a nearest time");
        same_ts(case, &series.slice(row..row + 1));
    } else if let Some(found) = case.expect(series.get(start, json::number(&case.input["end"]))) {
        same_ts(case, &found);
    }
}

fn threshold(case: &Case, series: &Tsd) {
    let side = match case.input["method"].as_str() {
        Some("above") => Side::Above,
        Some("below") => Side::Below,
        Some("aboveequal") => Side::AboveEqual,
        Some("belowequal") => Side::BelowEqual,
        other => panic!("unknown method {other:?}"),
    };
    same_tsd(case, &series.threshold(json::number(&case.input["thr"]), side).expect("a series"), 0.0);
}

/// Times exactly, values to 1e-12 of the largest input times the sum of the kernel's magnitudes.
fn same_filtered(case: &Case, found: (&[f64], &[f64]), scale: f64) {
    json::exact(&case.title(), found.0, &json::numbers(&case.out["t"]));
    json::absolute(&case.title(), found.1, &json::flat(&case.out["d"]), 1e-12 * scale);
}

fn largest(values: &[f64]) -> f64 {
    values.iter().filter(|x| !x.is_nan()).fold(0.0, |most, x| x.abs().max(most))
}

fn convolve(case: &Case, series: &Tsd) {
    let kernel = case.input["kernel"].as_array().expect("kernel");
    let trim = match case.input["trim"].as_str() {
        None | Some("both") => Trim::Both,
        Some("left") => Trim::Left,
        Some("right") => Trim::Right,
        other => panic!("unknown trim {other:?}"),
    };
    let taps = json::flat(&case.input["kernel"]);
    let scale = largest(series.d()) * taps.iter().map(|x| x.abs()).sum::<f64>().max(1.0);
    if kernel.first().is_some_and(Value::is_array) {
        let kernels = ndarray::Array2::from_shape_vec((kernel.len(), taps.len() / kernel.len()), taps);
        let found = series.convolve_columns(&kernels.expect("kernels").view(), trim).expect("columns");
        same_frame(case, &found, 1e-12);
    } else if let Some(found) = case.expect(series.convolve(&taps, trim)) {
        same_filtered(case, (found.t(), found.d()), scale);
        same_support(case, found.support(), found.rate());
    }
}

fn smooth(case: &Case, series: &Tsd) {
    let input = case.input;
    let unit = epoch_cases::unit(&input["time_units"]);
    let window = match (input.get("windowsize"), input.get("size_factor")) {
        (Some(duration), _) => SmoothingWindow::DurationS(unit.seconds(json::number(duration))),
        (None, Some(factor)) => SmoothingWindow::SizeFactor(json::number(factor)),
        (None, None) => SmoothingWindow::SizeFactor(100.0),
    };
    let normalised = input.get("norm").is_none_or(|norm| *norm == true);
    let smoothing = Smoothing { std_s: unit.seconds(json::number(&input["std"])), window, normalised };
    let (found, notices) = series.smooth(&smoothing).expect("a smooth series");
    same_filtered(case, (found.t(), found.d()), largest(series.d()));
    same_support(case, found.support(), found.rate());
    if case.name == "sliced series has the wrong rate" || case.warned {
        assert!(!notices.is_empty(), "{}: no notice", case.title());
    }
    assert_eq!(unit, if case.name == "milliseconds" { TimeUnit::Milliseconds } else { TimeUnit::Seconds });
}

fn kernel_lengths(case: &Case) {
    for row in case.out.as_array().expect("rows") {
        let smoothing =
            Smoothing::new(json::number(&row["std"])).size_factor(json::number(&row["size_factor"]));
        let kernel = smoothing.kernel(json::number(&row["rate"])).expect("a kernel");
        assert_eq!(kernel.len() as u64, row["length"].as_u64().expect("a length"), "{row}");
    }
}
