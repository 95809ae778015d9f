//! Convolution: direct against transforms, both against `NeMoS` 0.2.8 and a triple loop.

use ndarray::Array2;
use rheobase::Error;
use rheobase::backend::cpu::convolution::build_features::{Channel as Way, FeatureBuilder, Span};
use rheobase::backend::cpu::convolution::filters::Filters;
use rheobase::backend::cpu::convolution::lags::Lags;
use rheobase::backend::cpu::simd::Level;
use rheobase::basis::{Expand, RaisedCosineLog};
use rheobase::features::{Causality, Channel, convolved};
use rheobase::time::{BinGrid, IntervalSet};
use serde_json::Value as Json;

type Kernel = for<'x> fn(&'x [f64], f64) -> Way<'x>;
const DIRECT: Kernel = |x, offset| Way::Direct(x, offset);
const KERNELS: [(&str, Kernel); 2] = [("direct", DIRECT), ("fft", |x, offset| Way::Fft(x, offset))];

/// Numbers in [-1, 1) from a linear congruential generator.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    fn vector(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.next()).collect()
    }

    fn matrix(&mut self, shape: (usize, usize)) -> Array2<f64> {
        Array2::from_shape_vec(shape, self.vector(shape.0 * shape.1)).unwrap()
    }
}

/// Rows of a signal of which no window reaches beyond an end.
fn n_windows(n_samples: usize, window_bins: usize) -> usize {
    (n_samples + 1).saturating_sub(window_bins)
}

/// `out[m, i] = sum_k taps[k, i] signal[m + W - 1 - k]`.
fn run(kernel: Kernel, signal: &[f64], taps: &Array2<f64>) -> Array2<f64> {
    let (window_bins, n_functions) = taps.dim();
    let lags = Lags { window_bins, shift: window_bins as isize - 1 };
    let by_function: Vec<f64> = taps.columns().into_iter().flatten().copied().collect();
    let builder =
        FeatureBuilder::new(Level::best(), vec![kernel(signal, 0.0)], Filters::new(lags, &by_function));
    let rows = lags.complete_rows(&(0..signal.len()));
    let mut out = Array2::from_elem((n_windows(signal.len(), window_bins), n_functions), -7.0);
    builder.write_rows(&[Span { rows, to: 0 }], out.as_slice_mut().unwrap(), n_functions);
    out
}

/// The definition.
fn naive(signal: &[f64], taps: &Array2<f64>) -> Array2<f64> {
    let window = taps.nrows();
    Array2::from_shape_fn((n_windows(signal.len(), window), taps.ncols()), |(m, i)| {
        (0..window).map(|k| taps[[k, i]] * signal[m + window - 1 - k]).sum()
    })
}

/// `1e-12 max|signal| max(1, sum|taps|)` of each function.
fn assert_near(found: &Array2<f64>, expected: &Array2<f64>, signal: &[f64], taps: &Array2<f64>, what: &str) {
    assert_eq!(found.dim(), expected.dim(), "{what}");
    let largest = signal.iter().filter(|x| x.is_finite()).fold(0.0_f64, |largest, x| largest.max(x.abs()));
    for (i, column) in taps.columns().into_iter().enumerate() {
        let bound = 1e-12 * largest * column.iter().map(|tap| tap.abs()).sum::<f64>().max(1.0);
        for (m, (a, b)) in found.column(i).iter().zip(expected.column(i)).enumerate() {
            assert!(a.is_nan() == b.is_nan(), "{what}: row {m}, column {i}: {a} {b}");
            assert!(a.is_nan() || (a - b).abs() <= bound, "{what}: row {m}, column {i}: {a} {b}");
        }
    }
}

fn number(value: &Json) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn matrix(value: &Json) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = value
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row.as_array().unwrap().iter().map(number).collect())
        .collect();
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

fn causality(name: &str) -> Causality {
    Causality::ALL.into_iter().find(|causality| causality.name() == name).unwrap()
}

/// A grid of one-second bins with one epoch per entry.
fn grid(n_bins: &[usize]) -> BinGrid {
    let mut start = Vec::new();
    let mut end = Vec::new();
    let mut at = 0.0;
    for &n in n_bins {
        start.push(at);
        end.push(at + n as f64 - 0.25);
        at += n as f64 + 10.0;
    }
    let grid = BinGrid::new(&IntervalSet::new(&start, &end).unwrap(), 1.0).unwrap();
    assert_eq!(grid.segments().iter().map(|segment| segment.rows.len()).collect::<Vec<_>>(), n_bins);
    grid
}

fn channels(values: &Array2<f64>) -> Vec<Channel> {
    let channel = |(i, column): (usize, ndarray::ArrayView1<'_, f64>)| Channel {
        label: format!("x[{i}]"),
        values: column.to_vec(),
    };
    values.columns().into_iter().enumerate().map(channel).collect()
}

#[test]
fn golden_rows_of_every_causality() {
    let reference: Json = serde_json::from_str(include_str!("../data/reference_nemos.json")).unwrap();
    let cases = reference["conv"].as_array().unwrap();
    assert_eq!(cases.len(), 8);
    for case in cases {
        let taps = matrix(&case["kernel"]);
        let signal: Vec<f64> = case["series"].as_array().unwrap().iter().map(number).collect();
        let side = causality(case["predictor_causality"].as_str().unwrap());
        let include_present = !case["shift"].as_bool().unwrap();
        let x = channels(&Array2::from_shape_vec((signal.len(), 1), signal.clone()).unwrap());
        let block = convolved(&grid(&[signal.len()]), "x", &x, &taps, side, include_present).unwrap();
        assert_near(&block.x, &matrix(&case["features"]), &signal, &taps, &case.to_string());
        // kernels are given finite numbers only
        for (name, kernel) in KERNELS.into_iter().filter(|_| signal.iter().all(|x| x.is_finite())) {
            assert_near(&run(kernel, &signal, &taps), &naive(&signal, &taps), &signal, &taps, name);
        }
    }
}

/// The kernels of the bases that the golden epochs use.
fn golden_kernel(case: &Json) -> Array2<f64> {
    let window_bins = case["kwargs"]["window_size"].as_u64().unwrap() as usize;
    let n_functions = case["kwargs"]["n_basis_funcs"].as_u64().unwrap_or(0) as usize;
    let u = |k: usize| k as f64 / (window_bins - 1) as f64;
    match (case["basis"].as_str().unwrap(), n_functions) {
        ("HistoryConv", _) => Array2::eye(window_bins),
        ("RaisedCosineLogConv", n) => RaisedCosineLog::new(n).unwrap().kernel(window_bins).unwrap(),
        // cubic splines without inner knots are the Bernstein polynomials
        ("BSplineConv", 4) => Array2::from_shape_fn((window_bins, 4), |(k, i)| {
            [1.0, 3.0, 3.0, 1.0][i] * u(k).powi(i as i32) * (1.0 - u(k)).powi(3 - i as i32)
        }),
        ("RaisedCosineLinearConv", 2) => Array2::from_shape_fn((window_bins, 2), |(k, i)| {
            f64::midpoint(1.0, (std::f64::consts::PI * (u(k) - i as f64) / 2.0).cos())
        }),
        other => panic!("no kernel for {other:?}"),
    }
}

#[test]
fn golden_epochs() {
    let reference: Json = serde_json::from_str(include_str!("../data/reference_nemos.json")).unwrap();
    let cases = reference["conv_epochs"].as_array().unwrap();
    assert_eq!(cases.len(), 7);
    for case in cases {
        let taps = golden_kernel(case);
        let series = case["series"].as_array().unwrap();
        let values = if series[0].is_array() {
            matrix(&case["series"])
        } else {
            Array2::from_shape_vec((series.len(), 1), series.iter().map(number).collect()).unwrap()
        };
        let epochs = case["epochs_first_last_index"].as_array().unwrap();
        let n_bins: Vec<usize> =
            epochs.iter().map(|epoch| (number(&epoch[1]) - number(&epoch[0])) as usize + 1).collect();
        let options = &case["kwargs"]["conv_kwargs"];
        let side = options["predictor_causality"].as_str().map_or(Causality::Causal, causality);
        let include_present = options["shift"].as_bool().map_or(side.includes_present(), |shift| !shift);
        let block = convolved(&grid(&n_bins), "x", &channels(&values), &taps, side, include_present).unwrap();
        let expected = matrix(&case["features"]);
        assert_eq!(block.x.dim(), expected.dim());
        let wide =
            Array2::from_shape_fn((taps.nrows(), expected.ncols()), |(k, i)| taps[[k, i % taps.ncols()]]);
        assert_near(&block.x, &expected, values.as_slice().unwrap(), &wide, &case.to_string());
        for (edge, row) in block.edge.iter().zip(expected.rows()) {
            assert_eq!(*edge, row[0].is_nan());
        }
    }
}

#[test]
fn both_ways_agree_with_the_definition() {
    let mut random = Random(1);
    for (n_samples, window_bins, n_functions) in [
        (1, 1, 1),
        (5, 5, 2),
        (17, 3, 1),
        (40, 1, 3),
        (4096 + 4, 5, 2),
        (4096 + 5, 5, 2),
        (9001, 33, 3),
        (5000, 700, 2),
        (2049, 2048, 1),
    ] {
        let signal: Vec<f64> = random.vector(n_samples).iter().map(|x| 1e3 * x).collect();
        let taps = random.matrix((window_bins, n_functions));
        let expected = naive(&signal, &taps);
        for (name, kernel) in KERNELS {
            let what = format!("{name}, {n_samples} samples, {window_bins} taps");
            assert_near(&run(kernel, &signal, &taps), &expected, &signal, &taps, &what);
        }
    }
}

#[test]
fn zeros_around_the_taps_change_nothing() {
    let mut random = Random(2);
    let signal = random.vector(300);
    let mut taps = random.matrix((40, 4));
    taps.column_mut(0).fill(0.0);
    taps.column_mut(1).iter_mut().take(30).for_each(|tap| *tap = 0.0);
    taps.column_mut(2).iter_mut().skip(7).for_each(|tap| *tap = 0.0);
    taps[[20, 3]] = 0.0;
    let expected = naive(&signal, &taps);
    for (name, kernel) in KERNELS {
        assert_near(&run(kernel, &signal, &taps), &expected, &signal, &taps, name);
    }
}

#[test]
fn a_sample_that_is_not_finite_spoils_exactly_its_windows() {
    let mut random = Random(3);
    let clean = random.vector(6000);
    let mut taps = random.matrix((50, 2));
    taps.column_mut(1).iter_mut().take(45).for_each(|tap| *tap = 0.0);
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut signal = clean.clone();
        for at in [0, 1, 2500, 2510, 4095, 5999] {
            signal[at] = bad;
        }
        let windows = naive(&clean, &taps);
        let expected = Array2::from_shape_fn((6000, 2), |(row, i)| {
            let is_known = row >= 50 && signal[row - 50..row].iter().all(|x| x.is_finite());
            if is_known { windows[[row - 50, i]] } else { f64::NAN }
        });
        let x = channels(&Array2::from_shape_vec((6000, 1), signal).unwrap());
        let block = convolved(&grid(&[6000]), "x", &x, &taps, Causality::Causal, false).unwrap();
        assert_near(&block.x, &expected, &clean, &taps, "block");
    }
}

#[test]
fn bits_do_not_depend_on_the_thread_count() {
    let mut random = Random(4);
    let signal = random.vector(50_000);
    let taps = random.matrix((60, 3));
    for (name, kernel) in KERNELS {
        let with = |n| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
            pool.install(|| run(kernel, &signal, &taps))
        };
        assert_eq!(with(1), with(3), "{name}");
    }
}

#[test]
fn a_signal_shorter_than_the_window_has_no_rows() {
    let taps = Array2::ones((5, 2));
    for (_, kernel) in KERNELS {
        assert_eq!(run(kernel, &[1.0; 4], &taps).dim(), (0, 2));
        assert_eq!(run(kernel, &[], &taps).dim(), (0, 2));
    }
}

#[test]
fn a_block_of_long_windows_is_the_direct_sum() {
    let (n_bins, window_bins) = (500_000, 1000);
    let signal = Random(5).vector(n_bins);
    let taps = Random(6).matrix((window_bins, 1));
    let x = channels(&Array2::from_shape_vec((n_bins, 1), signal.clone()).unwrap());
    let epochs = [300_000, 500, 199_500];
    let block = convolved(&grid(&epochs), "x", &x, &taps, Causality::Causal, false).unwrap();
    let mut expected = Array2::from_elem((n_bins, 1), f64::NAN);
    for (start, end) in [(0, 300_000), (300_500, n_bins)] {
        let sums = run(DIRECT, &signal[start..end - 1], &taps);
        for (m, sum) in sums.iter().enumerate() {
            expected[[start + window_bins + m, 0]] = *sum;
        }
    }
    assert_near(&block.x, &expected, &signal, &taps, "block");
}

#[test]
fn wrong_channels_and_taps_are_errors() {
    let grid = grid(&[6]);
    let x = channels(&Array2::ones((6, 1)));
    let call = |x: &[Channel], taps: &Array2<f64>| convolved(&grid, "x", x, taps, Causality::Causal, false);
    assert!(call(&x, &Array2::ones((2, 2))).is_ok());
    let short = channels(&Array2::ones((5, 1)));
    assert!(matches!(call(&short, &Array2::ones((2, 2))), Err(Error::Length { .. })));
    for (n_lags, n_functions) in [(0, 2), (2, 0)] {
        assert!(matches!(call(&x, &Array2::ones((n_lags, n_functions))), Err(Error::Empty { .. })));
    }
    let spoilt = Array2::from_elem((2, 2), f64::NAN);
    assert!(matches!(call(&x, &spoilt), Err(Error::NonFinite { .. })));
}
