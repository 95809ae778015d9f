//! What is said of stored numbers that are right, wrong or unknown.

use ndarray::{Array2, array};

use super::super::*;
use super::problem;
use crate::observation::ObservationModel;
use crate::regularizer::Regularizer;
use crate::solver::Status;

fn stored(found: &Found) -> Stored {
    Stored {
        status: Status::Converged,
        tolerance: 1e-16,
        kkt_residual: found.kkt_residual,
        loss_gap: found.loss_gap.unwrap(),
        by_hessian: true,
        gap_scale: Some(found.gap_scale),
        loss: found.loss,
        log_likelihood: found.log_likelihood,
        log_likelihood_sum: found.log_likelihood_sum,
        dof_resid: found.dof_resid.map(|[_, dof]| dof as usize),
        deviance: found.deviance,
        pseudo_r2: found.pseudo_r2,
        scale: found.scale,
        standard_errors: found.standard_errors.clone().unwrap(),
        has_no_errors: false,
        labels: vec!["x".into()],
        aliased: Vec::new(),
        rests: vec![false],
        intercept: 0.0,
        scale_standard_error: f64::NAN,
        n_rows: found.n_rows,
        rank: found.rank,
    }
}

/// What is found of two groups of counts with the right coefficient times a factor.
fn poisson(factor: f64) -> Found {
    let x: Array2<f64> = array![[0.0], [0.0], [1.0], [1.0], [1.0], [0.0]];
    let y = [1.0, 3.0, 4.0, 0.0, 5.0, 2.0];
    let rows = MatrixRows(x.view());
    let moments = Moments::of(&rows, true).unwrap();
    let (intercept, coef) = (2.0_f64.ln(), [factor * (3.0_f64.ln() - 2.0_f64.ln())]);
    let none = Regularizer::None;
    certify(&problem(&rows, &moments, &y, (ObservationModel::Poisson, &none), (&coef, intercept)), true)
        .unwrap()
}

#[test]
fn verdicts_tell_the_truth_from_what_was_changed() {
    let found = poisson(1.0);
    let whole = stored(&found);
    assert!(Verdict::new(&whole, &found).agrees(), "{:?}", Verdict::new(&whole, &found));
    // at the floor digits mean nothing
    let floor = Stored { kkt_residual: 3e-15, loss_gap: 1e-29, ..whole.clone() };
    assert!(Verdict::new(&floor, &found).agrees());
    for (what, changed) in [
        ("KKT residual", Stored { kkt_residual: 1e-10, ..whole.clone() }),
        ("loss gap", Stored { loss_gap: 1e-18, ..whole.clone() }),
        ("loss:", Stored { loss: whole.loss * (1.0 + 1e-8), ..whole.clone() }),
        ("log-likelihood", Stored { log_likelihood: whole.log_likelihood + 1e-8, ..whole.clone() }),
        ("deviance", Stored { deviance: whole.deviance * 1.000_001, ..whole.clone() }),
        ("rows used", Stored { n_rows: 7, ..whole.clone() }),
        (
            "sum of the log-likelihoods",
            Stored { log_likelihood_sum: whole.log_likelihood_sum * (1.0 + 1e-8), ..whole.clone() },
        ),
        ("degrees of freedom", Stored { dof_resid: Some(3), ..whole.clone() }),
        ("aliased columns: stored x, found none", Stored { aliased: vec!["x".into()], ..whole.clone() }),
        ("pseudo-R2 (Cohen)", Stored { pseudo_r2: [whole.pseudo_r2[0], f64::NAN], ..whole.clone() }),
        ("pseudo-R2 (McFadden)", Stored { pseudo_r2: [f64::NAN, whole.pseudo_r2[1]], ..whole.clone() }),
        (
            "standard error of x: stored NaN",
            Stored { standard_errors: vec![f64::NAN, whole.standard_errors[1]], ..whole.clone() },
        ),
        (
            "standard error of the intercept: stored NaN",
            Stored { standard_errors: vec![whole.standard_errors[0], f64::NAN], ..whole.clone() },
        ),
        ("standard error of x: stored NaN", Stored { standard_errors: vec![f64::NAN; 2], ..whole.clone() }),
        ("rank", Stored { rank: Some(0), ..whole.clone() }),
        (
            "standard error",
            Stored { standard_errors: vec![whole.standard_errors[0] * 1.00001, 1.0], ..whole.clone() },
        ),
    ] {
        let verdict = Verdict::new(&changed, &found);
        assert!(
            !verdict.agrees() && verdict.disagreements.iter().any(|own| own.contains(what)),
            "{what}: {verdict:?}"
        );
    }
    let off = poisson(1.0 + 1e-5);
    let verdict = Verdict::new(&whole, &off);
    assert!(
        verdict.disagreements.iter().any(|own| own.starts_with("not at the optimum: KKT")),
        "{verdict:?}"
    );
    assert!(
        verdict.disagreements.iter().any(|own| own.starts_with("not at the optimum: loss gap")),
        "{verdict:?}"
    );
    // an estimate by the flat Gram may be off by a factor that is named, and by no more
    let by_flat_gram = Stored { by_hessian: false, ..whole.clone() };
    let verdict = Verdict::new(&by_flat_gram, &off);
    let said = verdict.disagreements.iter().find(|own| own.starts_with("not at the optimum: loss gap"));
    assert!(said.is_some_and(|own| own.contains("1e3 times the tolerance")), "{verdict:?}");
    let near = Found { loss_gap: Some(500.0 * 1e-16 * found.gap_scale), ..found.clone() };
    assert!(Verdict::new(&by_flat_gram, &near).agrees());
    assert!(!Verdict::new(&Stored { loss_gap: near.loss_gap.unwrap(), ..whole }, &near).agrees());
}

/// One that is held at a kink, or is not determined, has no error.
#[test]
fn what_has_no_error_need_not_have_one() {
    let found = poisson(1.0);
    let whole = stored(&found);
    let without = Stored { standard_errors: vec![f64::NAN, whole.standard_errors[1]], ..whole.clone() };
    assert!(Verdict::new(&Stored { rests: vec![true], ..without.clone() }, &found).agrees());
    let aliased = Found { aliased: Some(vec![0]), ..found.clone() };
    assert!(Verdict::new(&Stored { aliased: vec!["x".into()], ..without }, &aliased).agrees());
    let none =
        Stored { standard_errors: vec![f64::NAN; 2], has_no_errors: true, status: Status::Stalled, ..whole };
    let verdict = Verdict::new(&none, &found);
    assert!(verdict.agrees() && verdict.left_out.iter().any(|own| own.contains("the fit has none")));
}

/// A residual below its rounding says nothing.
#[test]
fn rounding_that_hides_an_optimum_is_no_proof() {
    let found = poisson(1.0);
    let whole = stored(&found);
    assert!(!Verdict::new(&whole, &found).is_hidden);
    for (blurred, said) in [
        (Found { kkt_rounding: 1e-8, ..found.clone() }, "KKT residual: rounding (2.0e-8) hides"),
        (Found { gap_rounding: 1e-16 * found.gap_scale, ..found.clone() }, "loss gap: rounding ("),
    ] {
        let verdict = Verdict::new(&whole, &blurred);
        assert!(verdict.agrees() && verdict.is_hidden, "{verdict:?}");
        assert!(verdict.left_out.iter().any(|own| own.starts_with(said)), "{verdict:?}");
    }
}

#[test]
fn what_is_not_looked_at_is_said() {
    let found = poisson(1.0);
    let whole = stored(&found);
    let without_hessian = Found {
        loss_gap: None,
        standard_errors: None,
        aliased: None,
        rank: None,
        dof_resid: None,
        ..found.clone()
    };
    let own = Stored { rank: Some(1), ..whole.clone() };
    let verdict = Verdict::new(&own, &without_hessian);
    for said in ["loss gap", "standard errors", "which columns are aliased", "degrees of freedom", "rank"] {
        assert!(verdict.left_out.iter().any(|own| own.starts_with(said)), "{said}: {verdict:?}");
    }
    let verdict = Verdict::new(&Stored { status: Status::Separated, ..whole }, &found);
    assert!(verdict.left_out.iter().any(|own| own.starts_with("separated: ")), "{verdict:?}");
}

#[test]
fn a_dispersion_is_compared_with_the_most_likely_one() {
    let own = MostLikely {
        dispersion: 0.5,
        rounding: 1e-12,
        standard_error: 0.1,
        error_rounding: 1e-12,
        total_weight: 6.0,
    };
    let found = Found { scale: 0.5, most_likely: Some(own), ..poisson(1.0) };
    let whole = Stored { scale_standard_error: 0.1, ..stored(&found) };
    let disagrees = |whole: &Stored, found: &Found| {
        let verdict = Verdict::new(whole, found);
        (verdict.disagreements.len(), verdict.left_out.iter().any(|own| own.starts_with("dispersion")))
    };
    assert_eq!(disagrees(&whole, &found), (0, false));
    let farther = Found { most_likely: Some(MostLikely { dispersion: 0.50001, ..own }), ..found.clone() };
    assert_eq!(disagrees(&whole, &farther), (1, false));
    let without_top = MostLikely { dispersion: f64::NAN, standard_error: f64::NAN, ..own };
    assert_eq!(disagrees(&whole, &Found { most_likely: Some(without_top), ..found.clone() }), (2, false));
    // one that was given is what it is
    assert_eq!(disagrees(&Stored { scale_standard_error: f64::NAN, ..whole.clone() }, &farther), (0, false));
    let hidden = MostLikely { rounding: 0.1, ..own };
    assert_eq!(disagrees(&whole, &Found { most_likely: Some(hidden), ..farther.clone() }), (0, true));
    assert_eq!(disagrees(&whole, &Found { most_likely: None, ..farther.clone() }), (0, true));
    let early = Stored { status: Status::MaxIterations, ..whole };
    assert_eq!(disagrees(&early, &farther), (0, true));
}

#[test]
fn without_events_nothing_is_left() {
    let zero = Stored {
        status: Status::NoEvents,
        kkt_residual: 0.0,
        loss_gap: 0.0,
        loss: 0.0,
        log_likelihood: 0.0,
        log_likelihood_sum: 0.0,
        deviance: 0.0,
        intercept: f64::NEG_INFINITY,
        ..stored(&poisson(1.0))
    };
    let verdict = |own: &Stored, is_silent| Verdict::silent(own, 6, (is_silent, f64::NEG_INFINITY));
    assert!(verdict(&zero, true).agrees(), "{:?}", verdict(&zero, true));
    assert!(!verdict(&zero, false).agrees());
    for changed in [
        Stored { intercept: -30.0, ..zero.clone() },
        Stored { intercept: f64::INFINITY, ..zero.clone() },
        Stored { loss: 1e-3, ..zero.clone() },
        Stored { log_likelihood: f64::NAN, ..zero.clone() },
        Stored { n_rows: 5, ..zero.clone() },
    ] {
        assert!(!verdict(&changed, true).agrees(), "{changed:?}");
    }
}

#[test]
fn columns_in_a_relation_are_found() {
    let x: Array2<f64> = Array2::from_shape_fn((40, 5), |(row, j)| {
        let wave = |k: f64| (k * (row as f64 + 0.5)).sin();
        match j {
            3 => wave(1.0) - 2.0 * wave(3.0),
            4 => 7.0,
            j => wave(1.0 + j as f64),
        }
    });
    let y: Vec<f64> = (0..40).map(|row| f64::from(row % 3)).collect();
    let rows = MatrixRows(x.view());
    let moments = Moments::of(&rows, true).unwrap();
    let none = Regularizer::None;
    let own = problem(&rows, &moments, &y, (ObservationModel::Poisson, &none), (&[0.0; 5], 0.0));
    let found = certify(&own, true).unwrap();
    assert_eq!((found.rank, found.aliased), (Some(3), Some(vec![0, 2, 3, 4])));
    assert_eq!(found.dof_resid, Some([36.0; 2]));
    let without = certify(&own, false).unwrap();
    assert_eq!((without.rank, without.aliased, without.dof_resid), (None, None, None));
    // weights may sum to what rounds to either side
    let weights = [0.3; 40];
    let weighted = certify(&Problem { weights: Some(&weights), ..own }, true).unwrap();
    assert_eq!(weighted.dof_resid, Some([7.0, 8.0]));
}
