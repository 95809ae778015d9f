//! Cases about tuning curves, correlograms and events.

use rheobase::time::{IntervalSet, Metadata, TsGroup};
use rheobase::tuning::{
    Correlograms, EventWindow, FeatureBins, IntervalBins, Scale, TuningCurves, TuningPlan, autocorrelograms,
    crosscorrelograms, event_correlograms, event_triggered_average, interval_histogram, mutual_information,
    perievent, perievent_signal, response_of_events, tuning_curves_of_events, tuning_curves_of_signal,
};
use serde_json::Value;

use crate::Case;
use crate::json;
use crate::series_cases::{same_frame, same_group};

pub(crate) fn run(case: &Case) {
    match case.op {
        "tuning_curves" => curves(case),
        "tuning_curves_1d_deprecated" => transposed(case),
        "mutual_information" => information(case),
        "response_per_epoch" => response(case),
        "perievent" | "perievent.continuous" | "event_triggered_average" => around_events(case),
        "autocorrelogram" | "crosscorrelogram" | "eventcorrelogram" => correlogram(case),
        "isi_distribution" => intervals(case),
        other => panic!("unknown operation {other:?}"),
    }
}

/// One number of bins, one per feature, or the edges of a single feature.
fn bins(v: &Value, n_features: usize) -> Vec<FeatureBins> {
    let equal = |v: &Value| FeatureBins::equal(v.as_u64().expect("a number of bins") as usize);
    match v.as_array() {
        None => vec![equal(v)],
        Some(list) if n_features > 1 => list.iter().map(equal).collect(),
        Some(_) => vec![FeatureBins::Edges(json::numbers(v))],
    }
}

fn plan(input: &Value, n_features: usize) -> TuningPlan {
    let mut bins = bins(&input["bins"], n_features);
    if let (Some(given), FeatureBins::Equal { range, .. }) = (input.get("range"), &mut bins[0]) {
        *range = Some((json::number(&given[0]), json::number(&given[1])));
    }
    let epochs = input.get("epochs").map(json::epochs);
    TuningPlan { bins, epochs, fs_hz: input.get("fs").map(json::number), zero_fill: false }
}

fn compute(data: &Value, feature: &Value, plan: &TuningPlan) -> rheobase::Result<TuningCurves> {
    if data.get("units").is_some() {
        tuning_curves_of_events(&json::group(data), &json::frame(feature), plan)
    } else {
        tuning_curves_of_signal(&json::frame(data), &json::frame(feature), plan)
    }
}

fn curves(case: &Case) {
    let input = case.input;
    let feature = json::frame(&input["feature"]);
    let mut plan = plan(input, feature.d().ncols());
    let made = compute(&input["data"], &input["feature"], &plan);
    let Some(found) = case.expect(made) else { return };
    let (title, out) = (case.title(), &case.out);
    let flat = |array: &ndarray::ArrayD<f64>| array.iter().copied().collect::<Vec<f64>>();

    let counts = input.get("return_counts").is_some();
    let values = if counts { &found.counts } else { &found.values };
    json::relative(&format!("{title} values"), &flat(values), &json::flat(&out["values"]), 1e-12);
    json::exact(&format!("{title} occupancy"), &flat(&found.occupancy), &json::flat(&out["occupancy"]));
    json::relative(&format!("{title} fs"), &[found.fs_hz], &[json::number(&out["fs"])], 1e-12);
    let (edges, centres) = (out["bin_edges"].as_array(), out["centres"].as_array());
    for (i, (edges, centres)) in edges.expect("edges").iter().zip(centres.expect("centres")).enumerate() {
        json::exact(&format!("{title} edges"), &found.edges[i], &json::numbers(edges));
        json::exact(&format!("{title} centres"), &found.centres()[i], &json::numbers(centres));
    }
    assert_eq!(found.labels, json::labels(&out["units"]), "{title}");
    if let Some(rates) = out.get("rates") {
        json::relative(&format!("{title} rates"), &found.rates_hz, &json::numbers(rates), 1e-14);
    }
    // zero_fill gives the numbers of the reference, quirks included
    plan.zero_fill = true;
    let filled = compute(&input["data"], &input["feature"], &plan).expect("curves");
    let values = if counts { &filled.counts } else { &filled.values };
    json::relative(&format!("{title} filled"), &flat(values), &json::flat(&case.reference["values"]), 1e-12);
}

fn transposed(case: &Case) {
    let n_bins = case.input["nb_bins"].as_u64().expect("a number") as usize;
    let plan = TuningPlan::new(FeatureBins::equal(n_bins));
    let found = compute(&case.input["data"], &case.input["feature"], &plan).expect("curves");
    json::exact(&case.title(), &found.centres()[0], &json::numbers(&case.out["index"]));
    assert_eq!(found.labels, json::labels(&case.out["columns"]));
    let values: Vec<f64> = found.values.t().iter().copied().collect();
    json::relative(&case.title(), &values, &json::flat(&case.out["values"]), 1e-12);
}

/// Curves as the reference stored them.
fn stored(v: &Value) -> TuningCurves {
    let edges: Vec<Vec<f64>> = v["bin_edges"].as_array().expect("edges").iter().map(json::numbers).collect();
    let n_bins = edges[0].len() - 1;
    let labels = json::labels(&v["units"]);
    let shaped = |shape: &[usize], v: &Value| {
        ndarray::ArrayD::from_shape_vec(ndarray::IxDyn(shape), json::flat(v)).expect("shape")
    };
    TuningCurves {
        values: shaped(&[labels.len(), n_bins], &v["values"]),
        counts: shaped(&[labels.len(), n_bins], &v["values"]),
        occupancy: shaped(&[n_bins], &v["occupancy"]),
        edges,
        fs_hz: json::number(&v["fs"]),
        rates_hz: json::numbers(&v["rates"]),
        labels,
    }
}

fn information(case: &Case) {
    let input = case.input;
    let curves = match input.get("curves") {
        Some(curves) => stored(curves),
        None => compute(&input["data"], &input["feature"], &plan(input, 1)).expect("curves"),
    };
    let rates = input.get("rates").map(json::numbers);
    let found = mutual_information(&curves, rates.as_deref()).expect("information");
    let found: Vec<f64> = found.iter().flat_map(|unit| [unit.bits_per_s, unit.bits_per_event]).collect();
    json::relative(&case.title(), &found, &json::flat(&case.out["values"]), 1e-12);
    assert_eq!(curves.labels, json::labels(&case.out["index"]));
}

fn response(case: &Case) {
    let sets: Vec<IntervalSet> = ["a", "b"].iter().map(|name| json::epochs(&case.input[*name])).collect();
    let found = response_of_events(&json::group(&case.input["data"]), &[("a", &sets[0]), ("b", &sets[1])]);
    let values: Vec<f64> = found.values.iter().copied().collect();
    json::relative(&case.title(), &values, &json::flat(&case.out["values"]), 1e-12);
    assert_eq!(found.sets, json::labels(&case.out["labels"]));
    assert_eq!(found.labels, json::labels(&case.out["units"]));
}

fn around_events(case: &Case) {
    let input = case.input;
    let events = json::ts(&input["events"]);
    // pynapple signs the start of a perievent window and not that of an average
    let reach = |i: usize| json::number(&input["window"][i]).abs();
    let window = EventWindow { before_s: reach(0), after_s: reach(1) };
    match case.op {
        "perievent" => {
            same_group(case, &perievent(&json::ts(&input["data"]), &events, window).expect("lags"));
        }
        "perievent.continuous" => {
            let found = perievent_signal(&json::tsd(&input["data"]), &events, window).expect("lags");
            same_frame(case, &found, 0.0);
        }
        _ => {
            let events = TsGroup::new(vec![(0, events)], None, &Metadata::new()).expect("one unit").0;
            let bin_s = json::number(&input["binsize"]);
            let data = json::tsd(&input["data"]);
            let found = event_triggered_average(&data, &events, bin_s, window, None).expect("an average");
            same_frame(case, &found, 1e-12);
        }
    }
}

fn correlogram(case: &Case) {
    let input = case.input;
    let units = json::group(&input["data"]);
    let (bin_s, window_s) = (json::number(&input["binsize"]), json::number(&input["windowsize"]));
    let scale = if input["norm"] == true { Scale::RelativeToMean } else { Scale::Rate };
    let found: Correlograms = match case.op {
        "autocorrelogram" => autocorrelograms(&units, bin_s, window_s, scale),
        "crosscorrelogram" => crosscorrelograms(&units, bin_s, window_s, scale),
        _ => event_correlograms(&units, &json::ts(&input["events"]), bin_s, window_s, scale),
    }
    .expect("a correlogram");
    json::exact(&case.title(), &found.lags_s, &json::numbers(&case.out["index"]));
    let values: Vec<f64> = found.values.iter().copied().collect();
    json::relative(&case.title(), &values, &json::flat(&case.out["values"]), 1e-12);
    let expected = match case.op {
        "autocorrelogram" => vec![(Some(0), 0), (Some(1), 1)],
        "crosscorrelogram" => vec![(Some(0), 1)],
        _ => vec![(None, 0), (None, 1)],
    };
    assert_eq!(found.pairs, expected, "{}", case.title());
}

fn intervals(case: &Case) {
    let bins = &case.input["bins"];
    let bins = match bins.as_u64() {
        Some(n_bins) => IntervalBins::Equal(n_bins as usize),
        None => IntervalBins::Edges(json::numbers(bins)),
    };
    let found = interval_histogram(&json::group(&case.input["data"]), &bins).expect("a histogram");
    json::exact(&case.title(), &found.centres_s(), &json::numbers(&case.out["index"]));
    let counts: Vec<f64> = found.counts.iter().copied().collect();
    json::exact(&case.title(), &counts, &json::flat(&case.out["values"]));
}
