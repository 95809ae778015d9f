//! The time layer on the small recording, against the whole tutorial computed with pynapple
//! (`tests/generators/reference_tutorial.py`).

#[path = "common/json.rs"]
mod json;

use std::path::Path;

use rheobase::time::{IntervalSet, Metadata, Smoothing, Trim, Ts, TsGroup, Tsd};
use rheobase::tuning::{
    FeatureBins, TuningPlan, mutual_information, tuning_curves_of_events, tuning_curves_of_signal,
};
use serde_json::Value;

const BIN_S: f64 = 0.001;

/// What one Noise 1 sweep of the recording holds.
struct Sweep {
    epochs: IntervalSet,
    stimulus: Tsd,
    all_spikes: Ts,
    noise: IntervalSet,
    current: Tsd,
    spikes: Ts,
}

fn sweep() -> Sweep {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/patchclamp_small.nwb");
    let file = hdf5::File::open(path).expect("the recording");
    let read = |name: &str| file.dataset(name).and_then(|set| set.read_raw::<f64>()).expect(name);
    let epochs =
        IntervalSet::new(&read("intervals/epochs/start_time"), &read("intervals/epochs/stop_time")).unwrap();
    let stimulus = "stimulus/presentation/stimulus";
    let (t, d) = (read(&format!("{stimulus}/timestamps")), read(&format!("{stimulus}/data")));
    let stimulus = Tsd::new(t, d, None).unwrap();
    let all_spikes = Ts::new(read("units/spike_times"), None).unwrap();
    let noise = epochs.select(&[1]).unwrap();
    let current = stimulus.restrict(&noise).map(|x| x * 1e12);
    let spikes = all_spikes.restrict(&noise);
    Sweep { epochs, stimulus, all_spikes, noise, current, spikes }
}

/// Values at the rows that a `{row: value}` table names, and the values of the table.
fn at(values: &[f64], table: &Value) -> (Vec<f64>, Vec<f64>) {
    let rows = table.as_object().expect("a table");
    rows.iter()
        .map(|(row, value)| (values[row.parse::<usize>().expect("a row")], json::number(value)))
        .unzip()
}

fn largest(values: &[f64]) -> (usize, f64) {
    let mut best = (0, f64::NEG_INFINITY);
    for (i, &x) in values.iter().enumerate().filter(|(_, x)| !x.is_nan()) {
        if x > best.1 {
            best = (i, x);
        }
    }
    best
}

fn only_unit(spikes: &Ts) -> TsGroup {
    let support = spikes.support().clone();
    TsGroup::new(vec![(0, spikes.clone())], Some(support), &Metadata::new()).unwrap().0
}

#[test]
fn the_recording_and_one_sweep() {
    let (reference, sweep) = (json::load("reference_tutorial.json"), sweep());
    let file = &reference["file"];
    json::exact("epoch start", sweep.epochs.start(), &json::numbers(&file["epochs"]["start"]));
    json::exact("epoch end", sweep.epochs.end(), &json::numbers(&file["epochs"]["end"]));
    assert_eq!(sweep.stimulus.len() as u64, file["stimulus"]["n"].as_u64().unwrap());
    let (found, expected) = at(sweep.stimulus.t(), &file["stimulus"]["t"]);
    json::exact("stimulus t", &found, &expected);
    json::exact("rate", &[sweep.stimulus.rate()], &[json::number(&file["stimulus"]["rate"])]);
    assert_eq!(sweep.stimulus.support(), &json::epochs(&file["stimulus"]["time_support"]));
    assert_eq!(sweep.all_spikes.support(), &json::epochs(&file["units"]["time_support"]));
    json::exact("unit rate", &[sweep.all_spikes.rate()], &json::numbers(&file["units"]["rate"]));

    let noise = &reference["noise1"];
    let repeats = IntervalSet::new(&json::numbers(&noise["all_starts"]), &json::numbers(&noise["all_ends"]));
    let per_repeat = sweep.all_spikes.count_epochs(Some(&repeats.unwrap()));
    json::exact("spikes per repeat", per_repeat.d(), &json::numbers(&noise["spikes_per_repeat"]));
    json::exact("epoch", &[sweep.noise.start()[0], sweep.noise.end()[0]], &json::numbers(&noise["epoch"]));
    let (current, expected) = (&sweep.current, &noise["current"]);
    assert_eq!(current.len() as u64, expected["n"].as_u64().unwrap());
    json::exact("current rate", &[current.rate()], &[json::number(&expected["rate"])]);
    for (values, name) in [(current.t(), "t"), (current.d(), "d")] {
        let (found, expected) = at(values, &expected[name]);
        json::exact(name, &found, &expected);
    }
    let sum: f64 = current.d().iter().sum();
    let least = current.d().iter().copied().fold(f64::INFINITY, f64::min);
    let found = [largest(current.d()).1, least, sum];
    let expected: Vec<f64> =
        ["max", "min", "sum"].iter().map(|name| json::number(&expected[*name])).collect();
    json::relative("current", &found, &expected, 1e-12);
    json::exact("spikes", sweep.spikes.t(), &json::numbers(&noise["spike_times"]));
    json::exact("spike rate", &[sweep.spikes.rate()], &[json::number(&noise["spike_rate"])]);
}

#[test]
fn counts_averages_and_the_smoothed_rate() {
    let (reference, sweep) = (json::load("reference_tutorial.json"), sweep());
    let count = sweep.spikes.count(BIN_S, None).unwrap();
    let expected = &reference["count"];
    assert_eq!(count.len() as u64, expected["n"].as_u64().unwrap());
    let nonzero: Vec<f64> = (0..count.len()).filter(|&i| count.d()[i] > 0.0).map(|i| i as f64).collect();
    json::exact("bins with a spike", &nonzero, &json::numbers(&expected["nonzero_bins"]));
    let found = [count.d().iter().sum(), largest(count.d()).1, count.rate()];
    let wanted: Vec<f64> = ["sum", "max", "rate"].iter().map(|name| json::number(&expected[*name])).collect();
    json::exact("count", &found, &wanted);
    let (found, wanted) = at(count.t(), &expected["t"]);
    json::exact("count t", &found, &wanted);

    let expected = &reference["smoothed_rate"];
    let smoothing = Smoothing::new(0.05).size_factor(20.0);
    let kernel = smoothing.kernel(count.rate()).unwrap();
    assert_eq!(kernel.len() as u64, expected["kernel_length"].as_u64().unwrap());
    let (smooth, notices) = count.smooth(&smoothing).unwrap();
    assert!(notices.is_empty(), "{notices:?}");
    let hz = smooth.map(|x| x / BIN_S);
    let (found, wanted) = at(hz.d(), &expected["hz"]);
    json::absolute("smoothed rate", &found, &wanted, 1e-9);
    let (row, most) = largest(hz.d());
    assert_eq!(row as u64, expected["argmax"].as_u64().unwrap());
    json::absolute("maximum", &[most], &[json::number(&expected["max"])], 1e-9);
    let sum: f64 = smooth.d().iter().sum();
    json::relative("sum", &[sum], &[json::number(&expected["sum_of_smoothed_counts"])], 1e-12);

    let expected = &reference["bin_average"];
    let binned = sweep.current.bin_average(BIN_S, None).unwrap();
    assert_eq!(binned.t(), count.t(), "one time axis");
    let (found, wanted) = at(binned.d(), &expected["pA"]);
    json::relative("averages", &found, &wanted, 1e-12);
    let (row, most) = largest(binned.d());
    assert_eq!(row as u64, expected["argmax"].as_u64().unwrap());
    let found = [most, binned.d().iter().sum(), binned.rate()];
    let wanted: Vec<f64> = ["max", "sum", "rate"].iter().map(|name| json::number(&expected[*name])).collect();
    json::relative("averages", &found, &wanted, 1e-12);
    assert!(binned.d().iter().all(|x| !x.is_nan()));
    let stamps = Ts::new(sweep.current.t().to_vec(), Some(sweep.noise.clone())).unwrap();
    let per_bin = stamps.count(BIN_S, None).unwrap();
    let found = [per_bin.d()[0], per_bin.d()[1], per_bin.d()[28_019]];
    json::exact("samples", &found, &json::numbers(&expected["samples_per_bin_first_second_last"]));
}

#[test]
fn the_tuning_curve_of_the_spikes() {
    let (reference, sweep) = (json::load("reference_tutorial.json"), sweep());
    let expected = &reference["tuning_curve"];
    let plan = TuningPlan::new(FeatureBins::equal(15));
    let curves =
        tuning_curves_of_events(&only_unit(&sweep.spikes), &sweep.current.to_frame(), &plan).unwrap();
    let flat = |array: &ndarray::ArrayD<f64>| array.iter().copied().collect::<Vec<f64>>();
    json::exact("edges", &curves.edges[0], &json::numbers(&expected["bin_edges"]));
    json::exact("centres", &curves.centres()[0], &json::numbers(&expected["centres"]));
    json::exact("occupancy", &flat(&curves.occupancy), &json::numbers(&expected["occupancy"]));
    json::exact("spikes", &flat(&curves.counts), &json::numbers(&expected["spike_counts"]));
    json::relative("fs", &[curves.fs_hz], &[json::number(&expected["fs"])], 1e-12);
    json::relative("curve", &flat(&curves.values), &json::numbers(&expected["hz"]), 1e-12);
    let bits = mutual_information(&curves, None).unwrap()[0];
    let wanted = json::numbers(&expected["mutual_information_bits_per_sec_and_per_spike"]);
    json::relative("information", &[bits.bits_per_s, bits.bits_per_event], &wanted, 1e-12);
}

/// Compares the curve of a signal: NaN where the reference has 0 without data, all its numbers with `zero_fill`.
fn same_signal_curve(signal: &Tsd, current: &Tsd, expected: &[f64], tolerance: f64) {
    let mut plan = TuningPlan::new(FeatureBins::equal(15));
    let mut curve = |zero_fill| {
        plan.zero_fill = zero_fill;
        let curves = tuning_curves_of_signal(&signal.to_frame(), &current.to_frame(), &plan).unwrap();
        curves.values.iter().copied().collect::<Vec<f64>>()
    };
    assert_eq!(expected[1], 0.0);
    json::relative("filled curve", &curve(true), expected, tolerance);
    let mut sane = expected.to_vec();
    sane[1] = f64::NAN;
    json::relative("curve", &curve(false), &sane, tolerance);
}

#[test]
fn the_instantaneous_model() {
    let (reference, sweep) = (json::load("reference_tutorial.json"), sweep());
    let expected = &reference["glm_instantaneous"];
    let (intercept, coef) = (json::number(&expected["intercept"]), json::numbers(&expected["coef"])[0]);
    let binned = sweep.current.bin_average(BIN_S, None).unwrap();
    let predicted = binned.map(|x| (intercept + coef * x).exp() / BIN_S);
    let (found, wanted) = at(predicted.d(), &expected["predicted_rate_hz"]);
    json::relative("prediction", &found, &wanted, 1e-12);
    let (smooth, _) = predicted.smooth(&Smoothing::new(0.05).size_factor(20.0)).unwrap();
    let (found, wanted) = at(smooth.d(), &expected["smoothed_predicted_rate_hz"]);
    json::absolute("smoothed prediction", &found, &wanted, 1e-12 * largest(predicted.d()).1);
    let curve = json::numbers(&expected["tuning_curve_of_prediction_hz"]);
    same_signal_curve(&predicted, &sweep.current, &curve, 1e-12);
}

#[test]
fn the_history_model() {
    let (reference, sweep) = (json::load("reference_tutorial.json"), sweep());
    let expected = &reference["glm_history"];
    let (intercept, coef) = (json::number(&expected["intercept"]), json::numbers(&expected["coef"]));
    let kernels = ndarray::Array2::from_shape_vec((200, 8), json::flat(&expected["basis"]["kernels_200x8"]));
    let binned = sweep.current.bin_average(BIN_S, None).unwrap();
    // row i of the features sums samples i-1, i-2 .. i-200
    let causal = binned.convolve_columns(&kernels.unwrap().view(), Trim::Right).unwrap();
    // the kernels of the reference are rounded to 12 decimals: 200 samples of at most 133 pA, half a unit each
    let rounding = 5e-13 * 200.0 * 133.0;
    for (row, wanted) in expected["feature_rows"].as_object().unwrap() {
        let row: usize = row.parse().unwrap();
        json::absolute("features", &causal.d().row(row - 1).to_vec(), &json::numbers(wanted), rounding);
    }
    let eta_error = 2.0 * rounding * coef.iter().map(|w| w.abs()).sum::<f64>();
    let mut past_of = 0;
    let predicted = binned.map(|_| {
        let row = past_of;
        past_of += 1;
        if row < 200 {
            return f64::NAN;
        }
        let drive: f64 = causal.d().row(row - 1).iter().zip(&coef).map(|(x, w)| x * w).sum();
        (intercept + drive).exp() / BIN_S
    });
    let (found, wanted) = at(predicted.d(), &expected["predicted_rate_hz"]);
    json::relative("prediction", &found, &wanted, eta_error);

    let kept = predicted.dropna();
    let dropna = &expected["dropna"];
    assert_eq!(kept.len() as u64, dropna["n"].as_u64().unwrap());
    assert_eq!(kept.support(), &json::epochs(&dropna["time_support"]));
    json::exact("rate", &[kept.rate()], &[json::number(&dropna["rate"])]);
    json::exact("sigma", &[kept.rate() * 0.05], &[json::number(&dropna["kernel_sigma_samples"])]);
    let smoothing = Smoothing::new(0.05).size_factor(20.0);
    assert_eq!(
        smoothing.kernel(kept.rate()).unwrap().len() as u64,
        dropna["kernel_length"].as_u64().unwrap()
    );
    let (smooth, notices) = kept.smooth(&smoothing).unwrap();
    assert!(notices.is_empty(), "{notices:?}");
    let mut by_bin = vec![f64::NAN; 200];
    by_bin.extend(smooth.d());
    let (found, wanted) = at(&by_bin, &expected["smoothed_hz_by_original_bin"]);
    json::relative("smoothed", &found, &wanted, eta_error);
    let mean = smooth.d().iter().sum::<f64>() / smooth.len() as f64;
    json::relative("mean", &[mean], &[json::number(&expected["smoothed_mean_hz"])], eta_error);
    let curve = json::numbers(&expected["tuning_curve_of_smoothed_prediction_hz"]);
    same_signal_curve(&smooth, &sweep.current, &curve, eta_error);
}

#[test]
fn a_gap_aware_support_gives_back_the_sampling_rate() {
    let sweep = sweep();
    let support = sweep.stimulus.support_from_gaps(0.001).unwrap();
    assert_eq!(support.len(), sweep.epochs.len());
    let rate_hz = sweep.stimulus.restrict(&support).rate();
    assert!((rate_hz / 20_000.0 - 1.0).abs() < 1e-4, "{rate_hz}");
}
