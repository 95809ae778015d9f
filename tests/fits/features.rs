//! Feature blocks on a grid: epochs, edges, ranges, resampling, and the rows of the tutorial.

use std::path::Path;

use ndarray::Array2;
use rheobase::basis::{Basis, Expand, RaisedCosineLog, Range, Scale};
use rheobase::features::{
    Causality, Channel, Columns, Expansion, FeatureBlock, FeatureSpec, Resample, Signal, Term, binned_signal,
    convolved, evaluated, plain, spike_counts,
};
use rheobase::time::{BinGrid, IntervalSet};
use rheobase::{Error, Result};

const SIDES: [(Causality, bool); 5] = [
    (Causality::Causal, false),
    (Causality::Causal, true),
    (Causality::AntiCausal, false),
    (Causality::AntiCausal, true),
    (Causality::Acausal, true),
];

/// Numbers in [-1, 1) from a linear congruential generator.
/// What suits a series with these sample times.
fn automatic(t: &[f64], bin_s: f64) -> Resample {
    Resample::for_spacing(rheobase::recording::median_spacing(t), bin_s)
}

fn random(seed: u64, n: usize) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

fn grid(epochs: &[(f64, f64)], bin_s: f64) -> BinGrid {
    let (start, end): (Vec<f64>, Vec<f64>) = epochs.iter().copied().unzip();
    BinGrid::new(&IntervalSet::new(&start, &end).unwrap(), bin_s).unwrap()
}

/// Epochs of 30, 4 and 25 bins of one second.
fn three_epochs() -> BinGrid {
    let grid = grid(&[(0.0, 29.75), (40.0, 43.75), (50.0, 74.75)], 1.0);
    assert_eq!(grid.n_bins(), 59);
    grid
}

fn channel(label: &str, values: Vec<f64>) -> Channel {
    Channel { label: label.into(), values }
}

fn assert_same(found: &Array2<f64>, expected: &Array2<f64>, tolerance: f64, what: &str) {
    assert_eq!(found.dim(), expected.dim(), "{what}");
    for ((at, a), b) in found.indexed_iter().zip(expected) {
        let near = if b.is_nan() { a.is_nan() } else { (a - b).abs() <= tolerance };
        assert!(near, "{what} {at:?}: {a} {b}");
    }
}

/// The formula of a row, bin by bin; `reach` is the newest bin of the window minus the row's own.
fn triple_loop(grid: &BinGrid, x: &[Vec<f64>], kernel: &Array2<f64>, reach: isize) -> Array2<f64> {
    let (window, n_functions) = kernel.dim();
    let mut out = Array2::from_elem((grid.n_bins(), x.len() * n_functions), f64::NAN);
    for segment in grid.segments() {
        for row in segment.rows.clone() {
            let newest = row as isize + reach;
            let oldest = newest - window as isize + 1;
            if oldest < segment.rows.start as isize || newest >= segment.rows.end as isize {
                continue;
            }
            for (c, signal) in x.iter().enumerate() {
                for i in 0..n_functions {
                    let sum = (0..window).map(|k| kernel[[k, i]] * signal[newest as usize - k]).sum();
                    out[[row, c * n_functions + i]] = sum;
                }
            }
        }
    }
    out
}

#[test]
fn every_causality_is_the_triple_loop() {
    let grid = three_epochs();
    let x = vec![random(1, 59), random(2, 59)];
    let channels = [channel("a", x[0].clone()), channel("b", x[1].clone())];
    for window in [1, 2, 4, 5, 25] {
        let taps = Array2::from_shape_vec((window, 3), random(3, window * 3)).unwrap();
        let w = window as isize;
        let reach = [-1, 0, w, w - 1, w - 1 - (w - 1) / 2];
        for ((side, include_present), reach) in SIDES.into_iter().zip(reach) {
            let block = convolved(&grid, "f", &channels, &taps, side, include_present).unwrap();
            let what = format!("{side:?} {include_present} {window}");
            let expected = triple_loop(&grid, &x, &taps, reach);
            assert_same(&block.x, &expected, 1e-13, &what);
            let edge: Vec<bool> = expected.rows().into_iter().map(|row| row[0].is_nan()).collect();
            assert_eq!(block.edge, edge, "{what}");
        }
    }
}

#[test]
fn no_epoch_sees_another() {
    let grid = three_epochs();
    let kernel = RaisedCosineLog::new(3).unwrap().kernel(4).unwrap();
    let before = random(4, 59);
    for changed in grid.segments() {
        let mut after = before.clone();
        after[changed.rows.clone()].fill(1e6);
        for (side, include_present) in SIDES {
            let run = |values: &[f64]| {
                let x = [channel("a", values.to_vec())];
                convolved(&grid, "f", &x, &kernel, side, include_present).unwrap().x
            };
            let (a, b) = (run(&before), run(&after));
            for row in (0..59).filter(|row| !changed.rows.contains(row)) {
                assert!(a.row(row).iter().zip(b.row(row)).all(|(a, b)| a.to_bits() == b.to_bits()), "{row}");
            }
        }
    }
}

#[test]
fn the_default_is_strictly_past() {
    let grid = grid(&[(0.0, 59.75)], 1.0);
    let kernel = Array2::from_shape_vec((6, 2), random(5, 12)).unwrap();
    let run = |values: &[f64]| {
        let x = [channel("a", values.to_vec())];
        convolved(&grid, "f", &x, &kernel, Causality::default(), false).unwrap().x
    };
    let before = random(6, 60);
    let a = run(&before);
    for t in 0..60 {
        let mut after = before.clone();
        after[t] += 100.0;
        let b = run(&after);
        for row in 6..60 {
            let same = a.row(row) == b.row(row);
            assert_eq!(same, row <= t || row > t + 6, "bin {t} changed row {row}");
        }
    }
}

#[test]
fn columns_run_channel_by_channel_and_have_labels() {
    let grid = three_epochs();
    let channels = [channel("p[x]", random(1, 59)), channel("p[y]", random(2, 59))];
    let basis = RaisedCosineLog::new(2).unwrap();
    let (block, ranges) = evaluated(&grid, "p", &channels, &basis, None).unwrap();
    assert_eq!((block.name.as_str(), ranges.len()), ("p", 2));
    assert_eq!(block.labels, ["p[x].1", "p[x].2", "p[y].1", "p[y].2"]);
    let mut alone = Array2::zeros((59, 2));
    basis.expand(&ranges[1].rescale(&channels[1].values), &mut alone).unwrap();
    assert_eq!(block.x.column(3), alone.column(1));
    let block = plain(&grid, "p", &channels).unwrap();
    assert_eq!(block.labels, ["p[x]", "p[y]"]);
    assert_eq!(block.x.column(1).to_vec(), channels[1].values);
    assert_eq!(block.n_edge(), 0);
}

#[test]
fn remembered_ranges_expand_new_data_alike() {
    let grid = grid(&[(0.0, 4.75)], 1.0);
    let basis = RaisedCosineLog::new(3).unwrap();
    let train = [channel("x", vec![0.0, 10.0, 4.0, 5.0, 6.0])];
    let (trained, ranges) = evaluated(&grid, "x", &train, &basis, None).unwrap();
    let new = [channel("x", vec![4.0, 5.0, f64::NAN, 10.5, -0.1])];
    let (block, again) = evaluated(&grid, "x", &new, &basis, Some(&ranges)).unwrap();
    assert_eq!(again, ranges);
    assert_eq!(block.x.row(0), trained.x.row(2));
    assert_eq!(block.x.row(1), trained.x.row(3));
    assert!(block.x.rows().into_iter().skip(2).all(|row| row.iter().all(|x| x.is_nan())));
    assert_eq!(block.edge, [false, false, false, true, true]); // a NaN is missing, not outside
    assert_eq!(block.n_edge(), 2);
}

#[test]
fn one_channel_outside_its_range_takes_the_whole_row() {
    // bounds (0, 1), rows [0, .5], [.5, 2], [1, 1], and a NaN in one channel only
    let grid = grid(&[(0.0, 3.75)], 1.0);
    let channels = [channel("a", vec![0.0, 0.5, 1.0, f64::NAN]), channel("b", vec![0.5, 2.0, 1.0, 0.0])];
    let basis = RaisedCosineLog::new(2).unwrap();
    let bounds = vec![Scale::from(Range::new(0.0, 1.0).unwrap()); 2];
    let (block, _) = evaluated(&grid, "x", &channels, &basis, Some(&bounds)).unwrap();
    let n_nan: Vec<usize> =
        block.x.rows().into_iter().map(|row| row.iter().filter(|x| x.is_nan()).count()).collect();
    assert_eq!(n_nan, [0, 4, 0, 2]);
    assert_eq!(block.edge, [false, true, false, false]);
}

#[test]
fn a_nan_sample_spoils_its_windows_and_is_no_edge() {
    let grid = grid(&[(0.0, 9.75)], 1.0);
    let mut values = vec![1.0; 10];
    values[4] = f64::NAN;
    let kernel = Array2::ones((2, 1));
    let block = convolved(&grid, "x", &[channel("x", values)], &kernel, Causality::Causal, false).unwrap();
    let nan: Vec<usize> = (0..10).filter(|&row| block.x[[row, 0]].is_nan()).collect();
    assert_eq!(nan, [0, 1, 5, 6]);
    assert_eq!(block.n_edge(), 2);
}

#[test]
fn channels_that_do_not_fit_are_errors() {
    let grid = three_epochs();
    let basis = RaisedCosineLog::new(2).unwrap();
    let short = [channel("x", vec![0.0; 58])];
    assert!(matches!(plain(&grid, "x", &short), Err(Error::Length { expected: 59, found: 58, .. })));
    assert!(matches!(plain(&grid, "x", &[]), Err(Error::Empty { .. })));
    let x = [channel("x", vec![0.0; 59])];
    assert!(matches!(evaluated(&grid, "x", &x, &basis, Some(&[])), Err(Error::Length { .. })));
    let kernel = Array2::ones((3, 1));
    assert!(convolved(&grid, "x", &x, &kernel, Causality::Acausal, false).is_err());
}

#[test]
fn resampling_stays_inside_its_epoch() {
    let grid = grid(&[(0.0, 2.0), (5.0, 6.0), (8.0, 9.0)], 0.5);
    let t = [0.25, 1.25, 1.75, 3.0, 4.9, 5.25, 9.5];
    let values = [0.0, 10.0, 20.0, 1e9, 1e9, 5.0, 1e9];
    assert_eq!(grid.centres(), [0.25, 0.75, 1.25, 1.75, 5.25, 5.75, 8.25, 8.75]);
    let run = |how| binned_signal(&grid, &t, &values, how).unwrap();
    let linear = run(Resample::Linear);
    assert_eq!(linear[..6], [0.0, 5.0, 10.0, 20.0, 5.0, 5.0]);
    let nearest = run(Resample::Nearest);
    assert_eq!(nearest[..6], [0.0, 10.0, 10.0, 20.0, 5.0, 5.0]); // a tie goes to the later sample
    let average = run(Resample::Average);
    assert_eq!((average[0], average[2], average[3], average[4]), (0.0, 10.0, 20.0, 5.0));
    assert!(average[1].is_nan() && average[5].is_nan());
    for binned in [linear, nearest, average] {
        assert!(binned[6].is_nan() && binned[7].is_nan());
    }
    let holed = binned_signal(&grid, &[0.25, 1.25, 1.75], &[0.0, f64::NAN, 2.0], Resample::Linear).unwrap();
    assert_eq!((holed[0], holed[3]), (0.0, 2.0));
    assert!(holed[1].is_nan() && holed[2].is_nan());
    assert!(binned_signal(&grid, &t, &values[1..], Resample::Linear).is_err());
}

#[test]
fn resampling_is_chosen_by_the_median_spacing() {
    let regular = |step: f64| (0..100).map(|i| f64::from(i) * step).collect::<Vec<_>>();
    assert_eq!(automatic(&regular(5e-5), 1e-3), Resample::Average);
    assert_eq!(automatic(&regular(1e-3), 1e-3), Resample::Average);
    assert_eq!(automatic(&regular(1.0 / 30.0), 1e-3), Resample::Linear);
    let gaps: Vec<f64> = regular(5e-4).into_iter().enumerate().map(|(i, t)| t + (i / 10) as f64).collect();
    assert_eq!(automatic(&gaps, 1e-3), Resample::Average);
    assert_eq!(automatic(&[1.0], 1e-3), Resample::Average);
}

#[test]
fn spikes_are_counted_per_bin() {
    let grid = grid(&[(0.0, 1.0), (2.0, 2.3), (5.0, 5.5)], 0.5);
    assert_eq!(spike_counts(&grid, &[0.1, 1.0, 2.0, 2.1, 5.0, 5.5]), [1.0, 0.0, 2.0, 1.0]);
}

fn stimulus(expansion: Expansion) -> FeatureSpec {
    let signal = Signal::Series { name: "stimulus".into(), column: None, resample: None };
    Term { signal, scale: 1e12, expansion }.into()
}

/// The block of a feature of one term, and what is remembered of its channels.
fn build(
    feature: &FeatureSpec,
    grid: &BinGrid,
    channels: Vec<Channel>,
    remembered: Option<&[Scale]>,
) -> Result<(FeatureBlock<Columns>, Vec<Scale>)> {
    let name = &feature.first.signal.name();
    let built = feature.build(grid, name, vec![channels], &[remembered.map(<[Scale]>::to_vec)])?;
    Ok((built.block, built.scales.concat()))
}

fn windowed(window_s: f64) -> FeatureSpec {
    let basis = Basis::from(RaisedCosineLog::new(8).unwrap());
    let causality = Causality::Causal;
    stimulus(Expansion::Convolved { basis, window_s, causality, include_present: false })
}

#[test]
fn a_window_must_fit_an_epoch_and_the_bins() {
    let grid = three_epochs();
    let built = |feature: FeatureSpec| build(&feature, &grid, vec![channel("x", vec![0.0; 59])], None);
    assert!(built(windowed(29.0)).is_ok());
    let error = built(windowed(30.0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "window: expected at most 29 bins, as the longest epoch has 30, found 30 bins"
    );
    assert!(matches!(built(windowed(2.5)), Err(Error::Argument { .. })));
    assert!(matches!(built(windowed(0.0)), Err(Error::Argument { .. })));
}

#[test]
fn a_typed_range_holds_for_every_channel_and_a_remembered_one_wins() {
    let grid = three_epochs();
    let basis = Basis::from(RaisedCosineLog::new(2).unwrap());
    let range = Range::new(0.0, 1e12).unwrap();
    let feature = stimulus(Expansion::Evaluated { basis, range: Some(range), fill: None });
    let channels = || vec![channel("a", vec![0.5; 59]), channel("b", vec![0.25; 59])];
    let (block, ranges) = build(&feature, &grid, channels(), None).unwrap();
    assert_eq!(ranges, vec![Scale::from(range); 2]);
    assert_eq!(block.n_edge(), 0);
    let remembered = vec![Scale::from(Range::new(0.0, 0.3e12).unwrap()); 2];
    let (block, ranges) = build(&feature, &grid, channels(), Some(&remembered)).unwrap();
    assert_eq!((block.n_edge(), ranges), (59, remembered));
}

/// Above a million values nothing is written, and nothing else changes.
#[test]
fn large_evaluated_features_are_those_of_small_ones() {
    let n_bins = 400_000;
    let grid = grid(&[(0.0, n_bins as f64 - 0.25)], 1.0);
    let basis = RaisedCosineLog::new(3).unwrap();
    let mut values = random(7, n_bins);
    values[1000] = f64::NAN;
    let remembered = [Scale::from(Range::new(-0.9, 0.8).unwrap())];
    let channels = || vec![channel("x", values.clone())];
    let (expected, _) = evaluated(&grid, "x", &channels(), &basis, Some(&remembered)).unwrap();
    let feature = FeatureSpec::from(Term {
        signal: Signal::Series { name: "x".into(), column: None, resample: None },
        scale: 1.0,
        expansion: Expansion::Evaluated { basis: basis.into(), range: None, fill: None },
    });
    let (block, ranges) = build(&feature, &grid, channels(), Some(&remembered)).unwrap();
    assert!(block.x.is_computed());
    assert_eq!((ranges.as_slice(), block.x.dim()), (remembered.as_slice(), expected.x.dim()));
    assert_eq!((&block.edge, &block.labels), (&expected.edge, &expected.labels));
    let n_edge = block.n_edge();
    assert!((50_000..70_000).contains(&n_edge), "{n_edge}");
    let column = block.x.column(1);
    for (bin, (found, expected)) in column.values().iter().zip(expected.x.column(1)).enumerate() {
        assert!(found == expected || (found.is_nan() && expected.is_nan()), "{bin}: {found} {expected}");
    }
    let mut keep = vec![true; n_bins];
    block.x.strike_unknown(&(0..3), &mut keep);
    let known = |bin: usize| expected.x.row(bin).iter().all(|x| x.is_finite());
    assert!((0..n_bins).all(|bin| keep[bin] == known(bin)) && !keep[1000] && !block.edge[1000]);
    // the range of the data, where none is given
    let (block, ranges) = build(&feature, &grid, channels(), None).unwrap();
    assert_eq!((block.n_edge(), ranges[0].range()), (0, Some(Range::of("x", &values).unwrap())));
}

#[test]
fn features_of_one_signal_have_names_of_their_own() {
    let own = FeatureSpec::from(Term { signal: Signal::Spikes, ..windowed(5.0).first });
    assert_eq!(
        FeatureSpec::names(&[windowed(3.0), own.clone(), stimulus(Expansion::Plain), own, windowed(4.0)]),
        ["stimulus", "spikes", "stimulus_2", "spikes_2", "stimulus_3"]
    );
}

fn read_stimulus(epoch: (f64, f64)) -> std::result::Result<(Vec<f64>, Vec<f64>), hdf5::Error> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/patchclamp_small.nwb");
    let series = hdf5::File::open(path)?.group("stimulus/presentation/stimulus")?;
    let t: Vec<f64> = series.dataset("timestamps")?.read_raw()?;
    let values: Vec<f64> = series.dataset("data")?.read_raw()?;
    let inside = |t: &&f64| **t >= epoch.0 && **t <= epoch.1;
    let first = t.iter().position(|t| inside(&t)).unwrap();
    let end = first + t[first..].iter().take_while(inside).count();
    Ok((t[first..end].to_vec(), values[first..end].to_vec()))
}

#[test]
fn feature_rows_of_the_tutorial() -> Result<()> {
    let epoch = (39.02, 67.04);
    let (t, values) = read_stimulus(epoch).unwrap();
    let grid = grid(&[epoch], 0.001);
    assert_eq!(automatic(&t, grid.bin_s()), Resample::Average);
    let binned = binned_signal(&grid, &t, &values, Resample::Average)?;
    let (block, ranges) = build(&windowed(0.2), &grid, vec![channel("stimulus", binned)], None)?;
    assert_eq!(block.x.dim(), (28_020, 8));
    assert_eq!(block.labels[0], "stimulus.1");
    assert!(ranges.is_empty());
    assert_eq!(block.n_edge(), 200);
    assert!((0..200).all(|row| (0..8).all(|i| block.x.get(row, i).is_nan())));

    let tutorial: serde_json::Value =
        serde_json::from_str(include_str!("../data/reference_tutorial.json")).unwrap();
    let kernel = RaisedCosineLog::new(8)?.kernel(200)?;
    let largest = tutorial["bin_average"]["max"].as_f64().unwrap();
    let rows = tutorial["glm_history"]["feature_rows"].as_object().unwrap();
    assert_eq!(rows.len(), 7);
    for (row, expected) in rows {
        let row: usize = row.parse().unwrap();
        for (i, expected) in expected.as_array().unwrap().iter().enumerate() {
            let (found, expected) = (block.x.get(row, i), expected.as_f64().unwrap());
            let bound = 1e-12 * largest * kernel.column(i).sum().max(1.0);
            assert!((found - expected).abs() <= bound, "row {row}, column {i}: {found} {expected}");
        }
    }
    Ok(())
}
