//! Blocks of the covariance of the coefficients of each class, and the way to the optimum.

use ndarray::Array2;
use rheobase::design::DesignPlan;
use rheobase::glm::{CategoricalSpec, GlmSpec};

use crate::classes::{SOLVERS, data, fit, labelled, ridge};
use crate::common::source;

/// Blocks are symmetric, and agree with the standard errors and with one another.
#[test]
fn blocks_have_the_standard_errors_on_their_diagonals() {
    let (x, codes) = data(3, 500, 4, 3);
    for strength in [None, Some(0.05)] {
        let regularizer = strength.map(ridge).unwrap_or_default();
        let spec = GlmSpec { covariance_of: vec![0..2, 1..4], regularizer, ..GlmSpec::default() };
        let found = fit(spec, &x, &codes);
        let target = &found.targets[0];
        assert_eq!(target.covariances.len(), 2);
        for block in &target.covariances {
            assert_eq!(block.of_classes.len(), 3);
            for (class, own) in block.of_classes.iter().enumerate() {
                assert_eq!(own.dim(), (block.columns.len(), block.columns.len()));
                for (i, column) in block.columns.clone().enumerate() {
                    let error = target.standard_errors[column * 3 + class];
                    assert!((own[(i, i)].sqrt() / error - 1.0).abs() < 1e-12, "{column} {class}");
                    for j in 0..i {
                        assert!((own[(i, j)] - own[(j, i)]).abs() < 1e-12 * own[(i, i)]);
                        assert!(own[(i, j)].powi(2) < own[(i, i)] * own[(j, j)]);
                    }
                }
            }
        }
        // both blocks hold the variance of column 1
        for class in 0..3 {
            let [a, b] = [0, 1].map(|block| &target.covariances[block].of_classes[class]);
            assert!((a[(1, 1)] / b[(0, 0)] - 1.0).abs() < 1e-12);
        }
    }
}

#[test]
fn columns_that_are_not_determined_have_no_covariance() {
    let (x, codes) = data(5, 300, 3, 3);
    let x = Array2::from_shape_fn((300, 4), |(i, j)| if j == 3 { 2.0 * x[(i, 0)] } else { x[(i, j)] });
    let found =
        fit(GlmSpec { covariance_of: std::iter::once(0..4).collect(), ..GlmSpec::default() }, &x, &codes);
    for own in &found.targets[0].covariances[0].of_classes {
        for (i, j) in (0..4).flat_map(|i| (0..4).map(move |j| (i, j))) {
            let is_aliased = [0, 3].contains(&i) || [0, 3].contains(&j);
            assert_eq!(own[(i, j)].is_nan(), is_aliased, "{i} {j}");
        }
    }
    let told = found.identifiability.unwrap();
    assert_eq!((told.rank, told.dependences.len()), (3, 1));
    let plan = DesignPlan::new(source(&x), 0..300).unwrap();
    let spec = CategoricalSpec::new(GlmSpec {
        covariance_of: std::iter::once(2..5).collect(),
        ..GlmSpec::default()
    })
    .unwrap();
    let cpu = rheobase::backend::Cpu::<f64>::default();
    let error = spec.fit(&cpu, &plan, &[labelled(&codes)], &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("columns below 4"), "{error}");
}

#[test]
fn a_history_ends_with_the_certificate_and_changes_nothing() {
    let (x, codes) = data(7, 400, 3, 4);
    for solver in SOLVERS {
        let plain = fit(GlmSpec { solver, ..GlmSpec::default() }, &x, &codes);
        let kept = fit(GlmSpec { solver, n_histories: 1, ..GlmSpec::default() }, &x, &codes);
        let (plain, kept) = (&plain.targets[0], &kept.targets[0]);
        assert!(plain.history.is_empty());
        assert_eq!((&plain.coef, plain.passes), (&kept.coef, kept.passes));
        assert_eq!(kept.history.len(), kept.iterations + 1);
        let last = kept.history.last().unwrap();
        assert_eq!(
            (last.loss, last.loss_gap, last.kkt_residual),
            (kept.loss, kept.loss_gap, kept.kkt_residual)
        );
        assert!(kept.history.windows(2).all(|pair| pair[1].iteration > pair[0].iteration));
        assert!(kept.history[0].loss > kept.loss && kept.history[0].kkt_residual > 1e-3);
        assert!(kept.loss_gap <= 1e-16 * kept.gap_scale.unwrap());
    }
}
