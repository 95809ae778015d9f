//! Sums of single precision over very many rows: each kind of design is as exact as written columns.

use crate::common::Random;
use ndarray::Array2;
use rheobase::backend::cpu::convolution::lags::Lags;
use rheobase::backend::cpu::simd::Level;
use rheobase::backend::{Backend, Costs, Cpu, Every, Model};
use rheobase::design::{Column, Convolution, Course, DesignPlan, Form, Source, Values};
use rheobase::objective::{GlmObjective, Objective, Packed};

const N_BINS: usize = 1_000_000;
const WINDOW: usize = 50;

fn gradient<B: Backend>(on: &B, plan: &DesignPlan, y: &Array2<f64>, at: &Array2<f64>) -> Array2<f64> {
    let columns: Vec<Column> = (0..plan.n_columns()).map(Column::Source).collect();
    let packed = Packed::new(y.view(), plan.rows());
    let mut f = GlmObjective::new(on, plan, &columns, &packed, Model::default()).unwrap();
    let mut gradient = Array2::zeros(at.dim());
    f.loss_gradient(at, &[0], Every::ROW, &mut gradient).unwrap();
    gradient
}

fn plan(x: Values<'_>) -> DesignPlan<'_> {
    let labels = (0..x.ncols()).map(|j| format!("x{j}")).collect();
    DesignPlan::new(vec![Source { name: "x".into(), labels, x }], WINDOW..N_BINS).unwrap()
}

#[test]
fn blocks_of_transforms_lose_no_more_digits_than_tiles() {
    let mut random = Random(1);
    // slow and far from 0, so that all rows pull the same way
    let slow = |period: f64, random: &mut Random| -> Vec<f64> {
        (0..N_BINS).map(|t| 3.0 + (t as f64 / period).sin() + 0.3 * random.normal()).collect()
    };
    let channels = [3e5, 1e5].map(|period| Course::Samples(slow(period, &mut random))).to_vec();
    let functions = Array2::from_shape_fn((WINDOW, 4), |(lag, i)| {
        let z = (lag as f64 - 12.0 * i as f64) / 8.0;
        (-z * z).exp()
    });
    let lags = Lags { window_bins: WINDOW, shift: -1 };
    let of = Convolution::new(channels, N_BINS, functions, lags, std::slice::from_ref(&(0..N_BINS))).unwrap();
    let mut x = Array2::<f64>::zeros((N_BINS, of.n_columns()));
    of.write(x.view_mut()).unwrap();
    let (free, dense) = (plan(of.all().into()), plan(x.view().into()));
    let free = free.with_limit(Some(60_000_000));
    assert_eq!(free.form(0, 1, &Costs::of_cpu(Level::best())), Form::MatrixFree);
    let y = Array2::from_shape_simple_fn((N_BINS, 1), || random.poisson(0.1));
    // far from the optimum: residuals have one sign
    let at = Array2::from_shape_fn((1 + x.ncols(), 1), |(j, _)| if j == 0 { 1.0 } else { 0.1 });
    let exact = gradient(&Cpu::<f64>::default(), &dense, &y, &at);
    let apart = |plan: &DesignPlan| {
        let found = gradient(&Cpu::<f32>::default(), plan, &y, &at);
        // of the columns: the intercept's is no sum of blocks
        crate::common::relative(&found.as_slice().unwrap()[1..], &exact.as_slice().unwrap()[1..])
    };
    let (of_spectra, of_tiles) = (apart(&free), apart(&dense));
    assert!(of_spectra <= 2.0 * of_tiles.max(1e-7), "spectra {of_spectra:e}, tiles {of_tiles:e}");
}
