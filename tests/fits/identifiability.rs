//! What the data do not determine: which columns repeat which, against golden values and by the design itself.

use std::collections::BTreeSet;

use crate::common::{Random, fit, golden, poisson_data};
use ndarray::{Array2, Axis, concatenate};
use rheobase::basis::{BSpline, CyclicBSpline, Expand, Range};
use rheobase::glm::{DeterminedBy, FittedGlm, GlmSpec, Identifiability, StandardErrors};
use rheobase::math::dense::eigenvalues;
use rheobase::regularizer::{Grid, GridAxis, Regularizer};

/// The functions of a basis over the range of these values.
fn functions(basis: &dyn Expand, values: &[f64]) -> Array2<f64> {
    let mut out = Array2::zeros((values.len(), basis.n_functions()));
    basis.expand(&Range::of("x", values).unwrap().rescale(values), &mut out).unwrap();
    out
}

/// The two designs of the golden file, with the columns that the reference keeps beside an intercept.
fn designs() -> Vec<(Array2<f64>, Vec<usize>)> {
    let records = &golden("reference_nemos.json")["identifiability"];
    let kept = |k: usize, field: &str| -> Vec<usize> {
        records[k][field].as_array().unwrap().iter().map(|own| own.as_u64().unwrap() as usize).collect()
    };
    assert_eq!(records[0]["design"], "BSplineEval(5) on linspace(0,1,30)");
    assert_eq!(
        records[1]["design"],
        "BSplineEval(5)+CyclicBSplineEval(4) on linspace(0,1,30), linspace(0,1,30)**2"
    );
    let x: Vec<f64> = (0..30).map(|k| f64::from(k) / 29.0).collect();
    let squares: Vec<f64> = x.iter().map(|x| x * x).collect();
    let first = functions(&BSpline::new(5).unwrap(), &x);
    let second = functions(&CyclicBSpline::new(4).unwrap(), &squares);
    let both = concatenate![Axis(1), first, second];
    vec![(first, kept(0, "kept_with_intercept")), (both, kept(1, "kept_by_component"))]
}

fn fitted(x: &Array2<f64>, spec: GlmSpec) -> FittedGlm {
    let mut random = Random(3);
    let y = Array2::from_shape_simple_fn((x.nrows(), 1), || random.poisson(1.5));
    fit(spec, x, &y)
}

fn found(x: &Array2<f64>) -> Identifiability {
    fitted(x, GlmSpec::default()).identifiability.unwrap()
}

fn number_of(column: &str) -> usize {
    column.trim_start_matches('x').parse().unwrap()
}

/// The columns that are not called dependent.
fn kept(own: &Identifiability) -> Vec<usize> {
    let dependent: BTreeSet<usize> = own.dependences.iter().map(|own| number_of(&own.column)).collect();
    (0..own.n_columns).filter(|column| !dependent.contains(column)).collect()
}

/// Directions (intercept first) that the dependences say leave every prediction as it is.
fn directions(own: &Identifiability) -> Array2<f64> {
    let mut directions = Array2::zeros((own.dependences.len(), 1 + own.n_columns));
    for (mut row, dependence) in directions.rows_mut().into_iter().zip(&own.dependences) {
        row[0] = -dependence.constant;
        row[1 + number_of(&dependence.column)] = 1.0;
        dependence.columns.iter().for_each(|part| row[1 + number_of(&part.column)] = -part.coefficient);
    }
    directions
}

fn with_ones(x: &Array2<f64>) -> Array2<f64> {
    concatenate![Axis(1), Array2::ones((x.nrows(), 1)), *x]
}

/// The reference drops the first column of a basis beside an intercept, here the last is called dependent: as many columns are
/// kept, both choices are bases of the same span, and the null spaces are the same.
#[test]
fn rank_and_null_space_are_those_of_the_reference() {
    for (x, of_reference) in designs() {
        let own = found(&x);
        let ours = kept(&own);
        assert_eq!(
            (own.rank, own.n_columns, ours.len()),
            (of_reference.len(), x.ncols(), of_reference.len())
        );
        assert_ne!(ours, of_reference);
        assert!(
            own.dependences.iter().all(|own| own.is_exact && own.determined_by == DeterminedBy::SmallestNorm)
        );
        // in the null space, which has as many dimensions as there are dependences
        let null = directions(&own);
        let outside = with_ones(&x).dot(&null.t());
        assert!(outside.iter().all(|x| x.abs() < 1e-13), "{outside:?}");
        let own_size = eigenvalues(&null.dot(&null.t())).unwrap();
        assert!(own_size[0] > 0.5, "{own_size:?}");
        let gram = with_ones(&x).t().dot(&with_ones(&x));
        let n_null = eigenvalues(&gram).unwrap().iter().filter(|own| **own < 1e-10).count();
        assert_eq!(n_null, own.dependences.len());
        // what the reference keeps is independent, and so is ours; every other column then depends on it
        for basis in [&of_reference, &ours] {
            let of_basis = x.select(Axis(1), basis);
            assert!(found(&of_basis).is_whole());
            for other in (0..x.ncols()).filter(|column| !basis.contains(column)) {
                let more = concatenate![Axis(1), of_basis, x.select(Axis(1), &[other])];
                let again = found(&more);
                assert_eq!((again.dependences.len(), again.rank), (1, basis.len()));
                let null = directions(&again);
                assert!(with_ones(&more).dot(&null.t()).iter().all(|x| x.abs() < 1e-13));
            }
        }
    }
}

/// Without an intercept nothing else is constant, and the functions of a basis are independent.
#[test]
fn without_an_intercept_a_basis_is_kept_whole() {
    let records = &golden("reference_nemos.json")["identifiability"];
    let of_reference = records[0]["kept_without_intercept"].as_array().unwrap();
    let designs = designs();
    let own = |x: &Array2<f64>| {
        fitted(x, GlmSpec { has_intercept: false, ..GlmSpec::default() }).identifiability.unwrap()
    };
    let first = own(&designs[0].0);
    assert_eq!((kept(&first).len(), of_reference.len(), first.has_intercept), (5, 5, false));
    // of both bases one function makes up for the other basis' constant, without a constant of its own
    let both = own(&designs[1].0);
    assert_eq!((both.rank, both.dependences.len(), both.dependences[0].constant), (8, 1, 0.0));
    let null = directions(&both);
    let outside = with_ones(&designs[1].0).dot(&null.t());
    assert!(null[(0, 0)] == 0.0 && outside.iter().all(|x| x.abs() < 1e-13), "{outside:?}");
    assert!(both.summary().contains("8 of 9 columns are independent of one another; "), "{}", both.summary());
}

#[test]
fn the_equation_of_a_basis_says_that_its_functions_sum_to_one() {
    let (x, _) = designs().remove(0);
    let fitted = fitted(&x, GlmSpec::default());
    let own = fitted.identifiability.as_ref().unwrap();
    assert_eq!(own.dependences[0].equation(&fitted.features), "x4 = 1 - (the other 4 columns of x)");
    assert!((own.dependences[0].constant - 1.0).abs() < 1e-14);
    assert!(own.summary().contains("1 direction: 4 of 5 columns are independent"), "{}", own.summary());
    // stored and read back with its bits
    let text = serde_json::to_string(&own).unwrap();
    assert_eq!(&serde_json::from_str::<Identifiability>(&text).unwrap(), own);
}

#[test]
fn coefficients_are_in_the_units_of_the_columns() {
    let (mut x, _) = poisson_data(4, 200, 5, 1);
    for row in 0..200 {
        x[(row, 3)] = 40.0 - 2.5 * x[(row, 0)] + 1e-3 * x[(row, 2)];
        x[(row, 4)] = 6.0;
    }
    let own = found(&x);
    let [first, second] = &own.dependences[..] else { panic!("{own:?}") };
    assert_eq!((first.column.as_str(), second.column.as_str(), own.rank), ("x3", "x4", 3));
    let near =
        |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 1e-11, "{found} {expected}");
    near(first.constant, 40.0);
    assert_eq!(first.columns.len(), 2);
    near(first.columns[0].coefficient, -2.5);
    near(first.columns[1].coefficient, 1e-3);
    assert!(second.columns.is_empty() && second.constant == 6.0);
    // what differs by less than digits can tell is no equation
    let mut random = Random(8);
    let near = x.select(Axis(1), &[0, 1]);
    let third =
        Array2::from_shape_fn((200, 1), |(row, _)| near[(row, 0)] - near[(row, 1)] + 1e-9 * random.normal());
    let own = found(&concatenate![Axis(1), near, third]);
    assert_eq!(own.dependences[0].determined_by, DeterminedBy::LeavingOut);
    assert!(
        !own.dependences[0].is_exact && own.dependences[0].equation(&[]).starts_with("x2 is nearly x0 - x1")
    );
    // columns that only look alike are told apart
    let (x, _) = poisson_data(4, 200, 5, 1);
    assert!(found(&x).is_whole());
}

#[test]
fn a_penalty_decides_where_the_data_do_not() {
    let (one, _) = designs().remove(0);
    let twice = concatenate![Axis(1), one, one];
    let of = |x: &Array2<f64>, regularizer| {
        let standard_errors = StandardErrors::On;
        fitted(x, GlmSpec { regularizer, standard_errors, ..GlmSpec::default() }).identifiability.unwrap()
    };
    let null = directions(&found(&twice));
    assert_eq!(null.nrows(), 6);
    // ridge: everywhere, and the null space is that of the data
    let ridge = of(&twice, Regularizer::Ridge { strength: 0.1.into() });
    assert_eq!((ridge.rank, ridge.n_by_penalty), (4, 6));
    assert!(ridge.dependences.iter().all(|own| own.determined_by == DeterminedBy::Penalty));
    assert!(directions(&ridge).iter().zip(&null).all(|(a, b)| (a - b).abs() < 1e-12));
    assert!(ridge.summary().ends_with("the penalty alone decides there"), "{}", ridge.summary());
    // second differences say nothing of constants and straight lines: of the six directions along which the two copies trade, and
    // the one to the intercept, three remain
    let line = |first| Grid { first, axes: vec![GridAxis { len: 5, is_cyclic: false }] };
    let smooth = Regularizer::Smooth { strength: 1e-2, order: 2, grids: vec![line(0), line(5)] };
    let smooth = of(&twice, smooth);
    assert_eq!((smooth.rank, smooth.n_by_penalty), (4, 3));
    assert!(smooth.summary().contains("along 3, along the other 3 the answer of smallest norm"));
    // of one basis it is the constant alone, which costs nothing
    let smooth = Regularizer::Smooth { strength: 1e-2, order: 2, grids: vec![line(0)] };
    let smooth = of(&one, smooth);
    assert_eq!((smooth.rank, smooth.n_by_penalty), (4, 0));
    assert_eq!(smooth.dependences[0].determined_by, DeterminedBy::SmallestNorm);
    // kinks say that much
    let lasso = of(&twice, Regularizer::Lasso { strength: 0.01.into() });
    assert!(lasso.dependences.iter().all(|own| own.determined_by == DeterminedBy::Kinks));
    // where the data determine all a penalty leaves nothing open
    let (x, _) = poisson_data(4, 200, 5, 1);
    assert!(of(&x, Regularizer::Ridge { strength: 0.1.into() }).is_whole());
}
