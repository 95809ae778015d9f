//! Products of terms: what their columns are, where they are unknown, and that nothing large is written out.

use crate::common::Random;
use ndarray::{Array2, Axis};
use rheobase::backend::{Backend, Cpu};
use rheobase::basis::{BSpline, Expand, Fourier, RaisedCosineLinear, Range, Scale};
use rheobase::cli::feature::parse;
use rheobase::design::{DesignPlan, Source};
use rheobase::features::{Built, Channel, Columns, FeatureBlock, FeatureSpec, split_by_feature};
use rheobase::glm::{FittedGlm, GlmSpec, Response};
use rheobase::solver::Status;
use rheobase::time::{BinGrid, IntervalSet};

fn grid(n_bins: usize) -> BinGrid {
    BinGrid::new(&IntervalSet::new(&[0.0], &[n_bins as f64 - 0.25]).unwrap(), 1.0).unwrap()
}

fn channel(label: &str, values: &[f64]) -> Channel {
    Channel { label: label.into(), values: values.to_vec() }
}

fn build(text: &str, channels: Vec<Vec<Channel>>, remembered: &[Option<Vec<Scale>>]) -> Built {
    let feature = parse(text).unwrap();
    let n_bins = channels[0][0].values.len();
    let name = FeatureSpec::names(std::slice::from_ref(&feature)).remove(0);
    feature.build(&grid(n_bins), &name, channels, remembered).unwrap()
}

fn values(block: &FeatureBlock<Columns>) -> Array2<f64> {
    Array2::from_shape_fn(block.x.dim(), |(bin, column)| block.x.get(bin, column))
}

/// The functions of a basis at values, by the definition.
fn functions(basis: &dyn Expand, range: Range, values: &[f64]) -> Array2<f64> {
    let mut out = Array2::zeros((values.len(), basis.n_functions()));
    basis.expand(&range.rescale(values), &mut out).unwrap();
    out
}

fn assert_same(found: &Array2<f64>, expected: &Array2<f64>) {
    assert_eq!(found.dim(), expected.dim());
    for ((at, a), b) in found.indexed_iter().zip(expected) {
        assert!((a - b).abs() <= 1e-15 || (a.is_nan() && b.is_nan()), "{at:?}: {a}, expected {b}");
    }
}

#[test]
fn columns_run_channel_by_channel_and_the_second_term_fastest() {
    let mut random = Random(1);
    let mut signal = || (0..50).map(|_| random.uniform()).collect::<Vec<f64>>();
    let (a, b) = ([signal(), signal()], [signal(), signal()]);
    let of = |name: &str, all: &[Vec<f64>; 2]| {
        vec![channel(&format!("{name}[x]"), &all[0]), channel(&format!("{name}[y]"), &all[1])]
    };
    let text = "a : raised-cosine-linear(2, range=0:1) x b : bspline(3, order=2, range=0:1)";
    let built = build(text, vec![of("a", &a), of("b", &b)], &[]);
    assert_eq!(built.block.name, "a x b");
    assert_eq!(built.block.labels.len(), 12);
    assert_eq!(built.block.labels[4], "a[x].2 x b[x].2");
    assert_eq!(built.block.labels[11], "a[y].2 x b[y].3");
    let unit = Range::new(0.0, 1.0).unwrap();
    let found = values(&built.block);
    for c in 0..2 {
        let first = functions(&RaisedCosineLinear::new(2).unwrap(), unit, &a[c]);
        let second = functions(&BSpline::of_order(3, 2).unwrap(), unit, &b[c]);
        for (t, i, j) in (0..50).flat_map(|t| (0..6).map(move |k| (t, k / 3, k % 3))) {
            assert_eq!(found[[t, c * 6 + i * 3 + j]], first[[t, i]] * second[[t, j]]);
        }
    }
    // coefficients by channel and function
    let shape = parse(text).unwrap().shape(12, 1.0).unwrap();
    let parts = split_by_feature(found.t(), &[shape]).unwrap();
    assert_eq!(parts[0].dim(), (2, 6, 50));
    assert_eq!(parts[0][[1, 4, 7]], found[[7, 10]]);
    assert!(parse(text).unwrap().shape(13, 1.0).is_err());
}

#[test]
fn a_bin_is_an_edge_or_unknown_if_it_is_one_of_any_term() {
    let mut a: Vec<f64> = (0..10).map(f64::from).collect();
    a[4] = f64::NAN;
    let mut b = vec![0.5; 10];
    b[6] = 7.0;
    let spikes = [0.0, 1.0, 0.0, 2.0, 0.0, 0.0, 1.0, 0.0, 0.0, 3.0];
    let channels = || vec![vec![channel("a", &a)], vec![channel("b", &b)], vec![channel("spikes", &spikes)]];
    let text = "a : fourier(2) x b : raised-cosine-linear(2, range=0:1) x spikes : history(window=2s)";
    let built = build(text, channels(), &[]);
    // the window reaches before the first two bins, b lies outside in bin 6
    let edges: Vec<usize> = (0..10).filter(|&bin| built.block.edge[bin]).collect();
    assert_eq!((edges, built.n_outside), (vec![0, 1, 6], 1));
    let unknown: Vec<usize> = (0..10).filter(|&bin| built.block.x.is_unknown(bin, 0)).collect();
    assert_eq!(unknown, [0, 1, 4, 6]);
    let found = values(&built.block);
    let range = Range::new(0.0, 9.0).unwrap();
    let cos = functions(&Fourier::new([1]).unwrap(), range, &a);
    // cosine, first function of b at 0.5, the spike two bins ago
    assert!((found[[5, 1]] - cos[[5, 0]] * found_at_half() * spikes[3]).abs() < 1e-15);
    assert_eq!(built.block.labels[1], "a.1 x b.1 x spikes.2");
    // filled instead of left out
    let text = text.replace("range=0:1)", "range=0:1, fill=2)");
    let filled = build(&text, channels(), &[]);
    assert_eq!((filled.block.n_edge(), filled.n_outside), (2, 1));
    let found = values(&filled.block);
    assert!((found[[6, 0]] - cos[[6, 0]] * 2.0 * spikes[5]).abs() < 1e-15);
    assert!(
        (found[[6, 7]] - functions(&Fourier::new([1]).unwrap(), range, &a)[[6, 1]] * 2.0 * spikes[4]).abs()
            < 1e-15
    );
}

fn found_at_half() -> f64 {
    functions(&RaisedCosineLinear::new(2).unwrap(), Range::new(0.0, 1.0).unwrap(), &[0.5])[[0, 0]]
}

#[test]
fn every_term_remembers_its_own_ranges() {
    let train = [0.0, 1.0, 4.0, 3.0];
    let text = "x : raised-cosine-linear(2) x x*-2 : bspline(4)";
    let trained = build(text, vec![vec![channel("x", &train)], vec![channel("x_2", &train)]], &[]);
    let range = |k: usize| trained.scales[k][0].range().unwrap();
    assert_eq!([range(0).lo(), range(0).hi(), range(1).lo(), range(1).hi()], [0.0, 4.0, -8.0, 0.0]);
    let new = [3.0, 5.0];
    let remembered: Vec<Option<Vec<Scale>>> = trained.scales.iter().cloned().map(Some).collect();
    let again = build(text, vec![vec![channel("x", &new)], vec![channel("x_2", &new)]], &remembered);
    assert_eq!(values(&again.block).row(0), values(&trained.block).row(3));
    assert_eq!(again.block.edge, [false, true]);
    let feature = parse(text).unwrap();
    assert_eq!(feature.term_names("x x x"), ["x", "x_2"]);
    assert_eq!(FeatureSpec::names(&[feature.clone(), feature.clone()]), ["x x x", "x x x_2"]);
    assert_eq!(feature.term_names("x x x_2"), ["x", "x_2_2"]);
}

#[test]
fn channels_that_cannot_be_paired_are_refused() {
    let feature = parse("a x b").unwrap();
    let one = || vec![channel("b", &[1.0; 5])];
    let two = vec![channel("a[0]", &[1.0; 5]), channel("a[1]", &[2.0; 5])];
    let error = feature.build(&grid(5), "a x b", vec![two, one()], &[]).unwrap_err();
    assert!(error.to_string().contains("as many channels of b as of a"), "{error}");
    assert!(feature.build(&grid(5), "a x b", vec![one()], &[]).is_err());
    let product = feature.build(&grid(5), "a x b", vec![vec![channel("a", &[3.0; 5])], one()], &[]).unwrap();
    assert_eq!((product.block.labels, product.block.x.get(2, 0)), (vec!["a x b".to_string()], 3.0));
}

/// Model files of earlier versions hold features of one term, without a fill value or further terms.
#[test]
fn stored_features_of_earlier_versions_are_read() {
    let old = r#"{"signal":{"series":{"name":"x","column":null,"resample":"linear"}},"scale":1.0,
        "expansion":{"evaluated":{"basis":{"raised-cosine-log":{"n_functions":4,"width":2.0,
        "time_scaling":50.0,"enforce_decay_to_zero":true}},"range":null}}}"#;
    let feature: FeatureSpec = serde_json::from_str(old).unwrap();
    assert_eq!(feature, parse("x@linear : raised-cosine-log(4)").unwrap());
    let stored: serde_json::Value = serde_json::to_value(&feature).unwrap();
    assert_eq!(stored, serde_json::from_str::<serde_json::Value>(old).unwrap());
    let product = parse("x : history(window=5ms) x y : orth-exponential([1, 3], range=0:1, fill=0)").unwrap();
    let stored = serde_json::to_string(&product).unwrap();
    assert_eq!(serde_json::from_str::<FeatureSpec>(&stored).unwrap(), product);
    assert!(serde_json::from_str::<FeatureSpec>(&stored.replace("[1.0,3.0]", "[1.0,1.0]")).is_err());
    let wrong = stored.replace("times", "time");
    assert!(serde_json::from_str::<FeatureSpec>(&wrong).unwrap_err().to_string().contains("time"));
}

const N_BINS: usize = 30_011;

fn slow(t: usize, period: f64) -> f64 {
    (t as f64 / period).sin() * (t as f64 / 3e3).cos()
}

fn fit<B: Backend + 'static>(
    on: &B,
    x: &FeatureBlock<Columns>,
    y: &Array2<f64>,
    limit_bytes: Option<u64>,
) -> FittedGlm {
    let (_, n_columns) = x.x.dim();
    let source = Source { name: "x".into(), labels: x.labels.clone(), x: x.x.some(&(0..n_columns)).unwrap() };
    let plan = DesignPlan::new(vec![source], 0..N_BINS).unwrap().with_limit(limit_bytes);
    let response = Response { y: y.view().into(), names: vec!["y".into()] };
    let spec = GlmSpec::default().check().unwrap();
    spec.fit(on, &plan, &response, &mut |_| {}).unwrap()
}

/// Above a million values only the signals are kept, and the columns are those that would be written.
#[test]
fn a_large_product_is_computed_and_fits_like_the_one_written_out() {
    let signals: Vec<Vec<f64>> =
        [37.0, 411.0].iter().map(|&period| (0..N_BINS).map(|t| slow(t, period)).collect()).collect();
    let text = "a : raised-cosine-linear(6, width=1.5, range=-1:1) x b : fourier(4, range=-1:1)";
    let built = build(text, vec![vec![channel("a", &signals[0])], vec![channel("b", &signals[1])]], &[]);
    assert!(built.block.x.is_computed() && built.block.x.dim() == (N_BINS, 36));
    let range = Range::new(-1.0, 1.0).unwrap();
    let cosines = RaisedCosineLinear::new(6).unwrap().with_width(1.5).unwrap();
    let a = functions(&cosines, range, &signals[0]);
    let b = functions(&Fourier::new(0..4).unwrap(), range, &signals[1]);
    let written = Array2::from_shape_fn((N_BINS, 36), |(t, k)| a[[t, k / 6]] * b[[t, k % 6]]);
    assert_same(&values(&built.block), &written);
    let mut random = Random(4);
    let y: Vec<f64> =
        (0..N_BINS).map(|t| random.poisson((0.8 * signals[0][t] * signals[1][t] - 1.5).exp())).collect();
    let y = ndarray::Array1::from(y).insert_axis(Axis(1));
    let dense = FeatureBlock { x: Columns::from(written), ..parts_of(&built.block) };
    let cpu = Cpu::<f32>::default();
    let expected = fit(&cpu, &dense, &y, None);
    for limit in [None, Some(1 << 20)] {
        let found = fit(&cpu, &built.block, &y, limit);
        assert_eq!(
            (found.targets[0].status, expected.targets[0].status),
            (Status::Converged, Status::Converged)
        );
        let apart = crate::common::relative(&found.targets[0].coef, &expected.targets[0].coef);
        assert!(apart <= 1e-8, "{limit:?}: {apart:e}");
    }
    let forms: Vec<String> =
        fit(&cpu, &built.block, &y, Some(1 << 20)).plan.features.iter().map(|f| f.form.clone()).collect();
    assert_eq!(forms, ["written again in every pass"]);
    #[cfg(feature = "gpu")]
    if let Some(number) = crate::common::gpu_number() {
        let gpu = rheobase::backend::Gpu::open(Some(&number)).unwrap();
        let found = fit(&gpu, &built.block, &y, None);
        assert_eq!((found.plan.backend.as_str(), found.targets[0].status), ("gpu", Status::Converged));
        let apart = crate::common::relative(&found.targets[0].coef, &expected.targets[0].coef);
        assert!(apart <= 1e-8, "{apart:e}");
    }
}

/// A block without its values.
fn parts_of(block: &FeatureBlock<Columns>) -> FeatureBlock<Columns> {
    FeatureBlock {
        name: block.name.clone(),
        labels: block.labels.clone(),
        x: Columns::from(Array2::<f64>::zeros((0, 0))),
        edge: block.edge.clone(),
    }
}
