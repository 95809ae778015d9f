//! What a fit keeps in memory beside its sources: counted and bounded.

mod common;

use common::Random;
use ndarray::Array2;
use rheobase::backend::cpu::convolution::lags::Lags;
use rheobase::backend::cpu::simd::Level;
use rheobase::backend::{Costs, Cpu, Model};
use rheobase::design::{Column, Convolution, Course, DesignPlan, Form, Source};
use rheobase::objective::{GlmObjective, Objective, Packed};

const N_BINS: usize = 150_000;
const WINDOW: usize = 100;

/// Analogue channels seen through six functions.
fn convolution(n_channels: usize, random: &mut Random) -> Convolution {
    let channels =
        (0..n_channels).map(|_| Course::Samples((0..N_BINS).map(|_| random.normal()).collect())).collect();
    let functions = Array2::from_shape_fn((WINDOW, 6), |(lag, i)| {
        let z = (lag as f64 - 15.0 * i as f64) / 10.0;
        (-z * z).exp()
    });
    let lags = Lags { window_bins: WINDOW, shift: -1 };
    Convolution::new(channels, N_BINS, functions, lags, std::slice::from_ref(&(0..N_BINS))).unwrap()
}

fn plan(of: &Convolution, n_sources: usize) -> DesignPlan<'_> {
    let source = |k: usize| {
        let labels = (0..of.n_columns()).map(|j| format!("x{k}.{j}")).collect();
        Source { name: format!("x{k}"), labels, x: of.all().into() }
    };
    DesignPlan::new((0..n_sources).map(source).collect(), WINDOW..N_BINS).unwrap()
}

#[test]
fn spectra_count_against_the_limit() {
    let of = convolution(8, &mut Random(1));
    let (all, costs) = (plan(&of, 2), Costs::of_cpu(Level::best()));
    let forms = |limit: u64| [0, 1].map(|k| all.clone().with_limit(Some(limit)).form(k, 1, &costs));
    assert_eq!([0, 1].map(|k| all.form(k, 1, &costs)), [Form::MatrixFree; 2]);
    let own = all.unwritten(1, &costs);
    // one number for each bin and channel and a little more, not for each function
    let (kept, values) = (own[0].n_bytes_kept, (N_BINS * 8 * 12) as u64);
    assert!(kept > values && 10 * kept < 13 * values, "{kept} {values}");
    assert_eq!(own[0].n_bytes, ((N_BINS - WINDOW) * of.n_columns() * 12) as u64);
    assert_eq!(all.needed_bytes(1, 4, &costs), 2 * kept);
    assert_eq!(all.needed_bytes(1, 8, &costs), 2 * kept / 12 * 8);
    assert_eq!(forms(2 * kept), [Form::MatrixFree; 2]);
    assert_eq!(forms(2 * kept - 1), [Form::MatrixFree, Form::Rewritten]);
    assert_eq!(forms(kept - 1), [Form::Rewritten; 2]);
}

#[test]
fn trial_steps_find_the_same_whether_their_line_is_kept_or_not() {
    let mut random = Random(2);
    let of = convolution(4, &mut random);
    let plan = plan(&of, 1);
    let y = Array2::from_shape_simple_fn((N_BINS, 3), || random.poisson(0.2));
    let columns: Vec<Column> = (0..plan.n_columns()).map(Column::Source).collect();
    let on = Cpu::<f32>::default();
    for n_targets in [1, 3] {
        let y = y.select(ndarray::Axis(1), &(0..n_targets).collect::<Vec<_>>());
        let packed = Packed::new(y.view(), plan.rows());
        let at = Array2::from_shape_simple_fn((1 + columns.len(), n_targets), || 0.1 * random.normal());
        let direction = at.mapv(|x| 0.2 - x);
        let targets: Vec<usize> = (0..n_targets).collect();
        let found = [1 << 25, 0].map(|most_kept| {
            let f = GlmObjective::new(&on, &plan, &columns, &packed, Model::default()).unwrap();
            let mut f = f.with_lines_of(most_kept);
            f.aim(&at, &direction, &targets).unwrap();
            let steps = vec![0.3; n_targets];
            (f.loss_changes(&steps).unwrap(), f.reach().unwrap(), f.passes())
        });
        assert_eq!((&found[0].0, &found[0].1), (&found[1].0, &found[1].1));
        assert!(found[0].0.iter().all(|change| change.abs() > 1e-6) && found[0].1[0].all > 0.0);
        assert_eq!([found[0].2, found[1].2], [1, 2], "a pass for each look at a line that is not kept");
    }
}
