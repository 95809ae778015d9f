//! The time layer against slow and obvious twins on random input, and its promises about bad input.

use rheobase::time::{
    BinGrid, IntervalSet, Lookup, Metadata, MetadataColumn, Smoothing, Ts, TsGroup, Tsd, TsdFrame,
};

/// A small generator of repeatable random numbers.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    /// A time below 6 s, often on a coarse grid so that ties and shared borders occur.
    fn time(&mut self) -> f64 {
        match self.below(3) {
            0 => self.below(24) as f64 / 4.0,
            1 => self.below(600) as f64 / 100.0,
            _ => self.below(6_000_000) as f64 / 1e6,
        }
    }

    fn times(&mut self, n_most: u64) -> Vec<f64> {
        let n = self.below(n_most + 1);
        let mut t: Vec<f64> = (0..n).map(|_| self.time()).collect();
        t.sort_by(f64::total_cmp);
        t
    }

    fn rows(&mut self, n_most: u64) -> (Vec<f64>, Vec<f64>) {
        let n = self.below(n_most + 1);
        (0..n).map(|_| (self.time(), self.time())).unzip()
    }

    fn epochs(&mut self, n_most: u64) -> IntervalSet {
        let (start, end) = self.rows(n_most);
        IntervalSet::new(&start, &end).unwrap()
    }
}

fn round9(x: f64) -> f64 {
    (x * 1e9).round_ties_even() / 1e9
}

/// Bins `(epoch, centre, right edge)` straight from the definition.
fn slow_bins(support: &IntervalSet, b: f64) -> Vec<(usize, f64, f64)> {
    let mut bins = Vec::new();
    for (epoch, (s, e)) in support.iter().enumerate() {
        let most = if e - s > b { ((e + b - s) / b).ceil() as usize } else { 1 };
        let mut left = s;
        for _ in 0..most {
            if left + b / 2.0 <= e {
                bins.push((epoch, left + b / 2.0, round9(left + b)));
            } else {
                break;
            }
            left = round9(left + b);
        }
    }
    bins
}

#[test]
fn bins_counts_and_averages_follow_the_definition() {
    let mut dice = Dice(1);
    for _ in 0..600 {
        let (support, t) = (dice.epochs(5), dice.times(60));
        let values: Vec<f64> = t.iter().map(|_| dice.time() - 3.0).collect();
        let widths = [0.25, 0.1, 0.3, 1.0 / 3.0, 0.017, 1.0, 7.0];
        let b = widths[dice.below(7) as usize];
        let grid = BinGrid::new(&support, b).unwrap();
        let bins = slow_bins(&support, b);
        assert_eq!(grid.centres(), bins.iter().map(|bin| bin.1).collect::<Vec<_>>());
        assert_eq!(grid.right_edges(), bins.iter().map(|bin| bin.2).collect::<Vec<_>>());
        let covered: usize = grid.segments().iter().map(|segment| segment.rows.len()).sum();
        assert_eq!(covered, grid.n_bins());
        for segment in grid.segments() {
            assert!(segment.rows.clone().all(|row| bins[row].0 == segment.epoch));
        }
        let bin_of = |x: f64| {
            bins.iter().position(|&(epoch, _, right)| {
                support.start()[epoch] <= x && x <= support.end()[epoch] && x < right
            })
        };
        let (mut counts, mut sums) = (vec![0_u32; bins.len()], vec![0.0; bins.len()]);
        for (&x, &value) in t.iter().zip(&values) {
            if let Some(bin) = bin_of(x) {
                counts[bin] += 1;
                sums[bin] += value;
            }
        }
        assert_eq!(grid.count(&t), counts);
        assert_eq!(grid.bins_of(&t), t.iter().map(|&x| bin_of(x)).collect::<Vec<_>>());
        for (bin, mean) in grid.average(&t, &values).into_iter().enumerate() {
            let expected = sums[bin] / f64::from(counts[bin]);
            assert!(mean == expected || (mean.is_nan() && counts[bin] == 0));
        }
    }
}

#[test]
fn set_operations_agree_with_membership() {
    let mut dice = Dice(2);
    for _ in 0..600 {
        let (a, b) = (dice.epochs(6), dice.epochs(6));
        let (both, either, first) = (a.intersect(&b), a.union(&b), a.set_diff(&b));
        let mut borders: Vec<f64> = [a.start(), a.end(), b.start(), b.end(), &[-1.0, 7.0]].concat();
        borders.sort_by(f64::total_cmp);
        for pair in borders.windows(2).filter(|pair| pair[1] - pair[0] > 5e-6) {
            let x = pair[0] + (pair[1] - pair[0]) / 2.0;
            let inside = |set: &IntervalSet| set.in_interval(&[x])[0].is_some();
            assert_eq!(inside(&both), inside(&a) && inside(&b), "{a:?} {b:?} at {x}");
            assert_eq!(inside(&either), inside(&a) || inside(&b), "{a:?} {b:?} at {x}");
            assert_eq!(inside(&first), inside(&a) && !inside(&b), "{a:?} {b:?} at {x}");
        }
    }
}

#[test]
fn any_rows_become_sound_epochs() {
    let mut dice = Dice(3);
    for _ in 0..600 {
        let (start, end) = dice.rows(9);
        let mut metadata = Metadata::new();
        let row: Vec<f64> = (0..start.len()).map(|row| row as f64).collect();
        metadata.insert("row", MetadataColumn::Numbers(row)).unwrap();
        let (set, _) = IntervalSet::with_metadata(&start, &end, metadata).unwrap();
        assert!(set.iter().all(|(start, end)| start < end));
        assert!((1..set.len()).all(|i| set.end()[i - 1] < set.start()[i]));
        let Some(MetadataColumn::Numbers(rows)) = set.metadata().get("row") else { panic!("no column") };
        for (i, &row) in rows.iter().enumerate().filter(|(_, row)| !row.is_nan()) {
            // an untouched row keeps its start, its end (or 1 µs less) and its metadata
            assert_eq!(set.start()[i], start[row as usize]);
            assert!((set.end()[i] - end[row as usize]).abs() < 1.1e-6);
        }
    }
}

#[test]
fn lookups_agree_with_a_full_search() {
    let mut dice = Dice(4);
    for _ in 0..400 {
        let (epochs, t) = (dice.epochs(4), dice.times(20));
        let target = dice.times(20);
        let values: Vec<f64> = (0..target.len()).map(|i| i as f64).collect();
        let target = Tsd::new(target, values, Some(epochs.clone())).unwrap();
        let own = Ts::new(t, Some(IntervalSet::new(&[-1.0], &[10.0]).unwrap())).unwrap();
        for lookup in [Lookup::Closest, Lookup::Before, Lookup::After] {
            let found = own.value_from(&target, None, lookup);
            for (&x, &value) in found.t().iter().zip(found.d()) {
                let epoch = epochs.in_interval(&[x])[0];
                let suits = |u: f64| match lookup {
                    Lookup::Closest => true,
                    Lookup::Before => u <= x,
                    Lookup::After => u >= x,
                };
                let here = target.t().iter().zip(target.d());
                let here = here.filter(|(u, _)| epochs.in_interval(&[**u])[0] == epoch && suits(**u));
                let nearest = here.clone().map(|(u, _)| (u - x).abs()).reduce(f64::min);
                let time = here.filter(|(u, _)| Some((*u - x).abs()) == nearest).map(|(u, _)| *u).next_back();
                let found_time = (!value.is_nan())
                    .then(|| target.t()[target.d().iter().position(|d| *d == value).unwrap()]);
                assert_eq!(found_time, time, "{lookup:?} at {x}");
            }
        }
    }
}

#[test]
fn bad_input_is_an_error_that_says_where() {
    let support = IntervalSet::new(&[0.0], &[1.0]).unwrap();
    for bin_s in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-10] {
        assert!(BinGrid::new(&support, bin_s).is_err(), "{bin_s}");
    }
    let endless = IntervalSet::new(&[0.0], &[f64::INFINITY]).unwrap();
    assert!(BinGrid::new(&endless, 0.1).is_err());
    assert!(support.split(0.0).is_err() && support.split(f64::NAN).is_err());
    let error = Ts::new(vec![0.0, 2.0, 1.0], None).unwrap_err();
    assert!(matches!(error, rheobase::Error::Unsorted { row: 2, .. }), "{error}");
    let error = Ts::new(vec![0.0, f64::NAN], None).unwrap_err();
    assert!(matches!(error, rheobase::Error::NonFinite { row: 1, .. }), "{error}");
    assert!(support.select(&[1]).is_err());
    assert!(support.select_where("tag", "x").is_err());
    let lone = Tsd::new(vec![1.0], vec![1.0], None).unwrap();
    assert!(lone.smooth(&Smoothing::new(0.1)).is_err(), "no rate, no kernel");
    let unit = || Ts::new(vec![0.0, 1.0], None).unwrap();
    assert!(TsGroup::new(vec![(1, unit()), (1, unit())], None, &Metadata::new()).is_err());
}

#[test]
fn tags_choose_epochs() {
    let tags = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<String>>();
    let mut metadata = Metadata::new();
    let column = vec![tags(&["Noise 1"]), tags(&["Ramp"]), tags(&["Noise 1", "long"])];
    metadata.insert("tags", MetadataColumn::Tags(column)).unwrap();
    let (epochs, _) = IntervalSet::with_metadata(&[4.0, 0.0, 8.0], &[5.0, 1.0, 9.0], metadata).unwrap();
    assert_eq!(epochs.select_where("tags", "Noise 1").unwrap().start(), [4.0, 8.0]);
    assert_eq!(epochs.select_where("tags", "Ramp").unwrap().start(), [0.0]);
}

#[test]
fn runs_of_samples_do_not_bridge_epochs() {
    let support = IntervalSet::new(&[0.0, 10.0], &[4.0, 14.0]).unwrap();
    let t = vec![0.0, 1.0, 2.0, 11.0, 12.0];
    let series = Tsd::new(t, vec![f64::NAN, 1.0, 1.0, 1.0, 1.0], Some(support)).unwrap();
    assert_eq!(series.dropna().support(), &IntervalSet::new(&[1.0, 11.0], &[2.0, 12.0]).unwrap());
    assert_eq!(series.map(|_| 1.0).dropna().support(), series.support(), "nothing dropped, nothing changed");
}

#[test]
fn a_long_kernel_spreads_a_nan_over_one_length_only() {
    let n = 28_020;
    let t: Vec<f64> = (0..n).map(|i| (f64::from(i) + 0.5) * 0.001).collect();
    let d = (0..n).map(|i| if i == 10_000 { f64::NAN } else { 1.0 }).collect();
    let series = Tsd::new(t, d, Some(IntervalSet::new(&[0.0], &[28.02]).unwrap())).unwrap();
    let (smooth, _) = series.smooth(&Smoothing::new(0.05).size_factor(20.0)).unwrap();
    let bad: Vec<usize> = (0..smooth.len()).filter(|&i| smooth.d()[i].is_nan()).collect();
    assert_eq!(bad, (9_500..=10_500).collect::<Vec<_>>());
    assert!((smooth.d()[20_000] - 1.0).abs() < 1e-12);
}

#[test]
fn nothing_is_an_empty_result() {
    let none = IntervalSet::empty();
    let times = Ts::new(vec![0.0, 1.0], None).unwrap();
    assert_eq!(times.restrict(&none).len(), 0);
    assert_eq!(times.count(0.1, Some(&none)).unwrap().len(), 0);
    let series = Tsd::new(Vec::new(), Vec::new(), None).unwrap();
    assert!(series.is_empty() && series.rate().is_nan());
    assert!(series.derivative(None).is_empty() && series.dropna().is_empty());
    assert_eq!(series.bin_average(0.1, None).unwrap().len(), 0);
    let columns = ndarray::arr2(&[[1.0, 2.0], [f64::NAN, 2.0], [3.0, f64::NAN], [1.0, 2.0]]);
    let frame = TsdFrame::new(vec![0.0, 1.0, 2.0, 3.0], columns, Vec::new(), None).unwrap().dropna();
    assert_eq!((frame.t(), frame.support().end()), (&[0.0, 3.0][..], &[1e-6, 3.000_001][..]));
    let (group, notices) = TsGroup::new(Vec::new(), None, &Metadata::new()).unwrap();
    assert!(group.is_empty() && notices.is_empty());
}
