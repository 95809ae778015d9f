//! Tuning curves over pieces of a feature are those over the whole of it, wherever it is cut.

use ndarray::{Array2, aview1};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rheobase::Error;
use rheobase::time::{IntervalSet, Metadata, Ts, TsGroup, TsdFrame};
use rheobase::tuning::{
    FeatureBins, FeatureRange, TuningCurves, TuningPlan, tuning_curves_of_events, tuning_curves_of_signal,
};

/// A feature with its events and signals. Times are multiples of 1/64, so that ties are exact.
struct Recording {
    epochs: IntervalSet,
    t: Vec<f64>,
    values: Vec<f64>,
    units: TsGroup,
    signals: Vec<TsdFrame>,
}

/// Sorted multiples of `1/64` below 64, some of them equal.
fn times(random: &mut ChaCha8Rng, n: usize) -> Vec<f64> {
    let mut t: Vec<f64> = (0..n).map(|_| f64::from(random.random_range(0..4096)) / 64.0).collect();
    t.sort_by(f64::total_cmp);
    t
}

impl Recording {
    /// Epochs that touch, one of a single sample, one without samples, one of NaN only; units and signals reach
    /// beyond all of them, and one unit is silent.
    fn new(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let epochs =
            IntervalSet::new(&[2.0, 11.5, 20.0, 24.0, 30.0, 40.0], &[11.5, 18.0, 23.0, 28.0, 34.0, 60.0])
                .unwrap();
        let keep = |t: &f64| !(19.0..29.0).contains(t);
        let mut t: Vec<f64> = times(&mut random, 1500).into_iter().filter(keep).collect();
        t.push(25.0);
        t.sort_by(f64::total_cmp);
        let value = |t: &f64| match random.random_range(0..10) {
            _ if (29.5..35.0).contains(t) => f64::NAN,
            0 => f64::NAN,
            1 if seed.is_multiple_of(2) => f64::INFINITY,
            _ => random.random_range(-40.0..90.0),
        };
        let values = t.iter().map(value).collect();
        let everything = IntervalSet::new(&[-1.0], &[65.0]).unwrap();
        let unit = |key: i64, t: Vec<f64>| (key, Ts::new(t, Some(everything.clone())).unwrap());
        let units = vec![
            unit(3, times(&mut random, 400)),
            unit(5, Vec::new()),
            unit(9, times(&mut random, 3000)),
            unit(11, vec![0.5, 19.0, 61.0]),
        ];
        let units = TsGroup::new(units, Some(everything.clone()), &Metadata::new()).unwrap().0;
        let mut signal = |n: usize, n_columns: usize| {
            let d = Array2::from_shape_fn((n, n_columns), |_| match random.random_range(0..6) {
                0 => f64::NAN,
                _ => random.random_range(0.0..50.0),
            });
            TsdFrame::new(times(&mut random, n), d, Vec::new(), Some(everything.clone())).unwrap()
        };
        let signals = vec![signal(700, 2), signal(90, 1), signal(0, 3)];
        Self { epochs, t, values, units, signals }
    }

    fn streamed(&self, bins: &FeatureBins, n_rows: usize) -> (TuningCurves, Vec<TuningCurves>, usize) {
        let mut range = FeatureRange::new(&self.epochs);
        let pieces = || self.t.chunks(n_rows).zip(self.values.chunks(n_rows));
        for (t, values) in pieces() {
            range.add(t, aview1(values)).unwrap();
        }
        let n_samples = range.n_samples();
        let signals: Vec<&TsdFrame> = self.signals.iter().collect();
        let mut curves = range.curves(bins, &self.units, &signals).unwrap();
        for (t, values) in pieces() {
            curves.add(t, aview1(values)).unwrap();
        }
        let (of_events, of_signals) = curves.finish().unwrap();
        (of_events, of_signals, n_samples)
    }

    /// The finite samples in the epochs as a whole.
    fn whole(&self) -> TsdFrame {
        let rows: Vec<usize> = (0..self.t.len()).filter(|&row| self.values[row].is_finite()).collect();
        let d = Array2::from_shape_fn((rows.len(), 1), |(i, _)| self.values[rows[i]]);
        let t = rows.iter().map(|&row| self.t[row]).collect();
        TsdFrame::new(t, d, Vec::new(), Some(self.epochs.clone())).unwrap()
    }
}

/// Counts and edges agree exactly, values and rates to 1e-13.
fn agree(found: &TuningCurves, expected: &TuningCurves, case: &str) {
    assert_eq!(found.labels, expected.labels, "{case}");
    assert_eq!(found.counts, expected.counts, "{case}");
    assert_eq!(found.occupancy, expected.occupancy, "{case}");
    assert_eq!(found.edges, expected.edges, "{case}");
    assert_eq!(found.rates_hz, expected.rates_hz, "{case}");
    assert!((found.fs_hz / expected.fs_hz - 1.0).abs() < 1e-13, "{case}");
    assert_eq!(found.values.shape(), expected.values.shape(), "{case}");
    for (a, b) in found.values.iter().zip(&expected.values) {
        let close = (a - b).abs() <= 1e-13 * b.abs() || (a.is_nan() && b.is_nan());
        assert!(close, "{case}: {a} for {b}");
    }
}

#[test]
fn pieces_of_any_length_give_the_curves_of_the_whole() {
    let all_bins = [
        FeatureBins::equal(7),
        FeatureBins::Equal { n_bins: 4, range: Some((-10.0, 30.0)) },
        FeatureBins::Edges(vec![-40.0, 0.0, 1.0, 75.0, 200.0, 300.0]),
    ];
    for seed in 0..6 {
        let recording = Recording::new(seed);
        let whole = recording.whole();
        for bins in &all_bins {
            let plan = TuningPlan::new(bins.clone());
            let of_events = tuning_curves_of_events(&recording.units, &whole, &plan).unwrap();
            let counts = of_events.counts.outer_iter().map(|counts| counts.sum()).collect::<Vec<f64>>();
            assert!(counts[0] > 50.0 && counts[1] == 0.0 && counts[2] > 500.0 && counts[3] == 0.0);
            let of_signals: Vec<TuningCurves> = recording
                .signals
                .iter()
                .map(|signal| tuning_curves_of_signal(signal, &whole, &plan).unwrap())
                .collect();
            for n_rows in [1, 2, 3, 7, 100, 1000, 100_000] {
                let case = format!("seed {seed}, {bins:?}, pieces of {n_rows}");
                let (events, signals, n_samples) = recording.streamed(bins, n_rows);
                assert_eq!(n_samples, whole.len(), "{case}");
                agree(&events, &of_events, &case);
                assert_eq!(signals.len(), of_signals.len());
                signals.iter().zip(&of_signals).for_each(|(found, expected)| agree(found, expected, &case));
            }
        }
    }
}

#[test]
fn an_event_takes_the_closest_sample_on_either_side_of_a_cut() {
    let epochs = IntervalSet::new(&[0.0, 10.0], &[4.0, 13.0]).unwrap();
    // outside; in a tie the later; nearer to the earlier; past the last sample of an epoch; before the first
    let events = vec![-1.0, 0.5, 1.25, 2.0, 3.75, 5.0, 10.0, 12.5, 13.5];
    let events = Ts::new(events, Some(IntervalSet::new(&[-2.0], &[20.0]).unwrap())).unwrap();
    let units = TsGroup::new(vec![(0, events)], None, &Metadata::new()).unwrap().0;
    let pieces: [(&[f64], &[f64]); 4] = [
        (&[-3.0, 0.0], &[9.0, 0.0]),
        (&[1.0], &[1.0]),
        (&[2.0, 3.0, 6.0, 9.0], &[f64::NAN, 2.0, 9.0, 9.0]),
        (&[11.0, 12.0, 13.0], &[3.0, 4.0, f64::NAN]),
    ];
    let mut range = FeatureRange::new(&epochs);
    pieces.iter().for_each(|(t, x)| range.add(t, aview1(x)).unwrap());
    assert_eq!(range.n_samples(), 5);
    let bins = FeatureBins::Edges(vec![-0.5, 0.5, 1.5, 2.5, 3.5, 4.5]);
    let mut curves = range.curves(&bins, &units, &[]).unwrap();
    pieces.iter().for_each(|(t, x)| curves.add(t, aview1(x)).unwrap());
    let curve = curves.finish().unwrap().0;
    assert_eq!(curve.occupancy.as_slice().unwrap(), [1.0; 5]);
    // 0.5 and 1.25 take 1; 2.0 is a tie of 1 and 3, as the sample there is no number
    assert_eq!(curve.counts.as_slice().unwrap(), [0.0, 2.0, 2.0, 1.0, 1.0]);
    // spans of 3 s and 1 s over three pairs
    assert_eq!(curve.fs_hz, 0.75);
    assert_eq!(curve.values.as_slice().unwrap(), [0.0, 1.5, 1.5, 0.75, 0.75]);
}

#[test]
fn pieces_that_make_no_curve_are_refused() {
    let epochs = IntervalSet::new(&[0.0], &[4.0]).unwrap();
    let (bins, units) = (FeatureBins::equal(2), TsGroup::new(Vec::new(), None, &Metadata::new()).unwrap().0);
    let range = |t: &[f64], values: &[f64]| {
        let mut range = FeatureRange::new(&epochs);
        range.add(t, aview1(values)).map(|()| range)
    };
    let refused = |t: &[f64], values: &[f64]| range(t, values).unwrap().curves(&bins, &units, &[]).err();
    assert!(matches!(refused(&[5.0, 6.0], &[1.0, 2.0]), Some(Error::Empty { .. })));
    assert!(matches!(refused(&[1.0, 2.0], &[f64::NAN; 2]), Some(Error::Empty { .. })));
    // one sample has no rate
    assert!(matches!(refused(&[1.0, 2.0], &[1.0, f64::NAN]), Some(Error::Argument { .. })));
    let no_bins = range(&[1.0, 2.0], &[1.0, 2.0]).unwrap().curves(&FeatureBins::equal(0), &units, &[]).err();
    assert!(matches!(no_bins, Some(Error::Argument { .. })));
    assert!(matches!(range(&[1.0], &[1.0, 2.0]), Err(Error::Length { expected: 1, found: 2, .. })));
    assert!(matches!(range(&[1.0, f64::NAN], &[1.0, 2.0]), Err(Error::NonFinite { row: 1, .. })));
    // also from one piece to the next
    let mut range = range(&[1.0, 2.0], &[1.0, 2.0]).unwrap();
    let back = range.add(&[1.5], aview1(&[1.0]));
    assert!(matches!(back, Err(Error::Unsorted { row: 0, previous: 2.0, value: 1.5, .. })));
}
