//! How fits to labels are carried out: the memory of their Hessians, plans that are followed again.

use crate::classes::{SOLVERS, data, fit, labelled, ridge};
use crate::common::{Random, source};
use ndarray::Array2;
use rheobase::Error;
use rheobase::backend::Cpu;
use rheobase::design::{Column, DesignPlan};
use rheobase::glm::{CategoricalSpec, GlmSpec, Plan, PlanFrom};
use rheobase::math::contrasts::Contrasts;
use rheobase::objective::{ClassObjective, Objective, Packed, bytes_of_grams};
use rheobase::observation::log_softmax;
use rheobase::regularizer::Regularizer;
use rheobase::solver::Status;

/// Grams that are too many for one pass are summed up in several, and make the same Hessian.
#[test]
fn a_hessian_of_many_pairs_takes_several_passes() {
    let (n, p, k) = (300, 200, 6);
    let (x, codes) = data(73, n, p, k);
    let plan = DesignPlan::new(source(&x), 0..n).unwrap();
    let y = Array2::from_shape_fn((n, 1), |(row, _)| codes[row] as f64);
    let packed = Packed::new(y.view(), plan.rows());
    let columns: Vec<Column> = (0..p).map(Column::Source).collect();
    let on = Cpu::<f64>::default();
    let mut f = ClassObjective::new(&on, &plan, &columns, &packed, Contrasts::none(k)).unwrap();
    let mut random = Random(79);
    let at: Vec<f64> = (0..f.n_parameters()).map(|_| 0.05 * random.normal()).collect();
    let before = f.passes();
    let found = f.quadratic(&at, 0).unwrap();
    assert_eq!(f.passes() - before, 2);
    let scaling = plan.scaling();
    let value = |row: usize, j: usize| {
        if j == 0 { 1.0 } else { (x[(row, j - 1)] - scaling.mean[j - 1]) / scaling.sd[j - 1] }
    };
    let probabilities = |row: usize| -> Vec<f64> {
        let block = |class: usize| (0..=p).map(|j| at[class * (p + 1) + j] * value(row, j)).sum::<f64>();
        log_softmax(&(0..k).map(block).collect::<Vec<_>>()).into_iter().map(f64::exp).collect()
    };
    let all: Vec<Vec<f64>> = (0..n).map(probabilities).collect();
    for _ in 0..300 {
        let [a, b] = [(); 2].map(|()| (random.uniform() * f.n_parameters() as f64) as usize);
        let (class, other) = (a / (p + 1), b / (p + 1));
        let of_row = |row: usize| {
            let weight = all[row][class] * (f64::from(u8::from(class == other)) - all[row][other]);
            weight * value(row, a % (p + 1)) * value(row, b % (p + 1))
        };
        let expected = (0..n).map(of_row).sum::<f64>() / n as f64;
        assert!((found.hessian[(a, b)] - expected).abs() < 1e-13, "{a} {b}");
    }
}

#[test]
fn the_grams_of_all_pairs_count_as_memory() {
    let (n, p, k) = (5000, 40, 8);
    let (x, codes) = data(83, n, p, k);
    let plan = DesignPlan::new(source(&x), 0..n).unwrap();
    for (regularizer, n_free) in [(ridge(0.1), k - 1), (Regularizer::Lasso { strength: 0.01.into() }, k)] {
        let within = |limit: u64| {
            let spec = GlmSpec {
                regularizer: regularizer.clone(),
                memory_limit_bytes: Some(limit),
                ..GlmSpec::default()
            };
            let spec = CategoricalSpec::new(spec).unwrap();
            spec.fit(&Cpu::<f64>::default(), &plan, &[labelled(&codes)], &mut |_| {})
        };
        let Err(Error::Memory { needed_bytes, .. }) = within(1000) else { panic!("expected an error") };
        let of_matrices = 4 * 8 * ((p + 1) * n_free).pow(2) as u64;
        let of_design = (8 * n * p) as u64;
        assert_eq!(needed_bytes - of_matrices - of_design, bytes_of_grams(k, p + 1, n));
        assert!(matches!(within(needed_bytes - 1), Err(Error::Memory { .. })));
        assert_eq!(within(needed_bytes).unwrap().targets[0].status, Status::Converged);
    }
}

#[test]
fn a_plan_is_followed_to_the_bit() {
    let (x, codes) = data(89, 2000, 6, 4);
    let plan = DesignPlan::new(source(&x), 0..2000).unwrap();
    let others: Vec<usize> = codes.iter().map(|code| code / 2).collect();
    let both = [labelled(&codes), labelled(&others)];
    for solver in SOLVERS {
        let fit = |spec: GlmSpec| {
            let spec = CategoricalSpec::new(spec)?;
            spec.fit(&Cpu::<f32>::default(), &plan, &both, &mut |_| {})
        };
        let first = fit(GlmSpec { solver, ..GlmSpec::default() }).unwrap();
        assert_eq!(first.plan.groups.len(), 2);
        let again = |plan: &Plan| {
            fit(GlmSpec { plan_from: PlanFrom::Plan(Box::new(plan.clone())), ..GlmSpec::default() })
        };
        let second = again(&first.plan).unwrap();
        assert_eq!((&second.solver, second.plan.reason.as_str()), (&first.solver, "as an earlier fit"));
        for (a, b) in first.targets.iter().zip(&second.targets) {
            assert_eq!((&a.coef, &a.intercept, a.loss), (&b.coef, &b.intercept, b.loss));
            assert_eq!((a.iterations, a.passes), (b.iterations, b.passes));
        }
        // of one target it is not that of two, nor that of one the other's
        let error = again(&first.plan.groups[0]).unwrap_err().to_string();
        assert!(error.contains("plan.groups"), "{error}");
        let mut turned = first.plan.clone();
        turned.groups.reverse();
        let error = again(&turned).unwrap_err().to_string();
        assert!(error.contains("plan.n_columns: expected 20"), "{error}");
    }
}

/// What was computed in double precision stays so on a backend of single precision, and the other way round it is refused.
#[test]
fn a_plan_says_in_which_numbers() {
    let (x, codes) = data(97, 500, 3, 3);
    let double = fit(GlmSpec::default(), &x, &codes);
    let plan = DesignPlan::new(source(&x), 0..500).unwrap();
    let follow = |of: &Plan, x: &DesignPlan| {
        let plan_from = PlanFrom::Plan(Box::new(of.clone()));
        let spec = CategoricalSpec::new(GlmSpec { plan_from, ..GlmSpec::default() }).unwrap();
        spec.fit(&Cpu::<f32>::default(), x, &[labelled(&codes)], &mut |_| {})
    };
    let again = follow(&double.plan, &plan).unwrap();
    assert_eq!(again.plan.storage, "f64");
    assert_eq!(again.targets[0].coef, double.targets[0].coef);
    // columns that single precision cannot tell apart
    let near = Array2::from_shape_fn((500, 3), |(i, j)| {
        if j == 2 { x[(i, 0)] + 1e-6 * x[(i, 1)] * x[(i, 2)] } else { x[(i, j)] }
    });
    let near = DesignPlan::new(source(&near), 0..500).unwrap();
    let error = follow(&Plan { storage: "f32".into(), ..double.plan }, &near).unwrap_err().to_string();
    assert!(error.contains("plan.storage"), "{error}");
}
