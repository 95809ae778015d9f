//! Designs of convolved channels: forms that they can have, and deviations that few rows show.

use ndarray::Array2;
use rheobase::Error;
use rheobase::backend::Cpu;
use rheobase::backend::cpu::convolution::lags::Lags;
use rheobase::design::{Column, Convolution, Course, DesignPlan, Form, Rows, Source};

const WINDOW: usize = 40;

/// Overlapping bumps over the window.
fn functions() -> Array2<f64> {
    Array2::from_shape_fn((WINDOW, 6), |(lag, i)| {
        let z = (lag as f64 - 6.0 * i as f64) / 4.0;
        (-z * z).exp()
    })
}

/// One spike train in one epoch.
fn convolution(counts: &[f64]) -> Convolution {
    let lags = Lags { window_bins: WINDOW, shift: -1 };
    let n_bins = counts.len();
    let epoch = 0..n_bins;
    Convolution::new(vec![Course::of_counts(counts)], n_bins, functions(), lags, &[epoch]).unwrap()
}

fn source(of: &Convolution) -> Source<'_> {
    let labels = (0..of.n_columns()).map(|j| format!("x{j}")).collect();
    Source { name: "x".into(), labels, x: of.all().into() }
}

#[test]
fn forms_that_a_source_cannot_have_are_refused() {
    let counts: Vec<f64> = (0..3000).map(|bin| f64::from(u8::from(bin % 37 == 0))).collect();
    let of = convolution(&counts);
    let rows = || Rows::from_ranges(of.complete().iter().cloned());
    let plan =
        |forms: Vec<Form>| DesignPlan::new(vec![source(&of)], rows()).unwrap().with_forms("cpu", forms);
    let columns: Vec<Column> = (0..of.n_columns()).map(Column::Source).collect();
    let place = |forms: Vec<Form>, n_targets: usize| {
        plan(forms).place(&Cpu::<f64>::default(), &columns, n_targets).map(|design| design.n_rows)
    };
    assert!(place(vec![Form::MatrixFree], 1).is_ok());
    for (forms, n_targets) in [(vec![Form::MatrixFree], 2), (vec![], 1), (vec![Form::Written; 2], 1)] {
        let error = place(forms, n_targets).unwrap_err();
        assert!(
            matches!(error, Error::Argument { .. }) && error.help().contains("possible_forms"),
            "{error}"
        );
    }
}

#[test]
fn a_column_that_few_rows_show_has_its_deviation() {
    let n_bins = 1 << 21;
    // all spikes within one tile, which part of the rows misses
    let mut counts = vec![0.0; n_bins];
    (0..40).for_each(|k| counts[5 * 256 + 50 + 2 * k] = 1.0);
    let of = convolution(&counts);
    let rows = Rows::from_ranges(of.complete().iter().cloned());
    let n = rows.len() as f64;
    let plan = DesignPlan::new(vec![source(&of)], rows).unwrap();
    for (j, taps) in functions().columns().into_iter().enumerate() {
        let value = |row: usize| (0..WINDOW).map(|k| taps[k] * counts[row - 1 - k]).sum::<f64>();
        let (mut sum, mut squares) = (0.0, 0.0);
        for x in (5 * 256..7 * 256).map(value) {
            sum += x;
            squares += x * x;
        }
        let sd = (squares / n - (sum / n).powi(2)).sqrt();
        let found = plan.scaling().sd[j];
        assert!((found - sd).abs() <= 1e-9 * sd, "{j}: {found} {sd}");
    }
}
