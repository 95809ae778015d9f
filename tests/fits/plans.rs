//! Plans of fits: followed to the bit, refused for other problems, made by other constants.

use crate::common::{Random, poisson_data, source};
use ndarray::Array2;
use rheobase::backend::Cpu;
use rheobase::backend::cpu::convolution::lags::Lags;
use rheobase::backend::cpu::simd::Level;
use rheobase::backend::cpu::speeds::Speeds;
use rheobase::design::{Convolution, Course, DesignPlan, Rows, Source};
use rheobase::glm::{CostConstants, FittedGlm, GlmSpec, Plan, PlanFrom, Response, SolverChoice};
use rheobase::solver::Status;
use rheobase::{Error, Result};

fn fit(design: &DesignPlan, y: &Array2<f64>, spec: GlmSpec) -> Result<FittedGlm> {
    let names = (0..y.ncols()).map(|k| format!("y{k}")).collect();
    let response = Response { y: y.view().into(), names };
    spec.check()?.fit(&Cpu::<f32>::default(), design, &response, &mut |_| {})
}

fn by(plan: &Plan) -> GlmSpec {
    GlmSpec { plan_from: PlanFrom::Plan(Box::new(plan.clone())), ..GlmSpec::default() }
}

fn bits(fitted: &FittedGlm) -> Vec<u64> {
    let of_target = |target: &rheobase::glm::TargetFit| {
        let own: Vec<u64> = target.coef.iter().chain([&target.intercept]).map(|x| x.to_bits()).collect();
        own
    };
    fitted.targets.iter().flat_map(of_target).collect()
}

/// The plan as a file would keep it.
fn kept(plan: &Plan) -> Plan {
    serde_json::from_str(&serde_json::to_string(plan).unwrap()).unwrap()
}

#[test]
fn a_plan_is_followed_to_the_bit() {
    for n_targets in [1, 3] {
        let (x, y) = poisson_data(3, 40_000, 5, n_targets);
        let design = DesignPlan::new(source(&x), 0..x.nrows()).unwrap();
        for (solver, n_sample_stages) in [(SolverChoice::Newton, 0), (SolverChoice::Lbfgs, 1)] {
            let first = fit(&design, &y, GlmSpec { solver, ..GlmSpec::default() }).unwrap();
            assert_eq!(first.plan.sample_every.is_some(), n_sample_stages * usize::from(n_targets == 1) == 1);
            let again = fit(&design, &y, by(&kept(&first.plan))).unwrap();
            assert_eq!((bits(&again), &again.solver), (bits(&first), &first.solver));
            assert_eq!(again.targets[0].iterations, first.targets[0].iterations);
            // and the plan of the second is that of the first
            assert_eq!(again.plan, Plan { reason: "as an earlier fit".into(), ..first.plan });
        }
        let auto = fit(&design, &y, GlmSpec::default()).unwrap();
        let own = if n_targets == 1 { "newton" } else { "lbfgs" };
        assert_eq!(auto.plan.solver, own, "what the plan of the other solver wins over");
    }
}

#[test]
fn a_plan_of_groups_is_what_its_groups_are() {
    let (x, y) = poisson_data(5, 40_000, 5, 1);
    let design = DesignPlan::new(source(&x), 0..x.nrows()).unwrap();
    let first = fit(&design, &y, GlmSpec { solver: SolverChoice::Lbfgs, ..GlmSpec::default() }).unwrap();
    // each group has one target and a stage on part of the rows, all of them together have two targets
    let groups = vec![first.plan.clone(), first.plan.clone()];
    let joined = Plan { n_targets: 2, groups, ..first.plan.clone() };
    assert!(joined.sample_every.is_some() && by(&joined).check().is_ok());
    let again = fit(&design, &y, by(joined.of_group(1, 2).unwrap())).unwrap();
    assert_eq!(bits(&again), bits(&first));
    let broken = Plan { solver: "magic".into(), ..first.plan };
    assert!(by(&Plan { groups: vec![broken], ..joined }).check().is_err());
}

#[test]
fn every_part_of_a_plan_is_followed() {
    let (x, y) = poisson_data(4, 40_000, 5, 1);
    let design = DesignPlan::new(source(&x), 0..x.nrows()).unwrap();
    let spec = GlmSpec { solver: SolverChoice::Lbfgs, ..GlmSpec::default() };
    let first = fit(&design, &y, spec).unwrap();
    let plan = Plan { gram_every: 9, sample_every: Some(11), ..first.plan.clone() };
    let other = fit(&design, &y, by(&plan)).unwrap();
    assert!(other.plan.n_gram_rows < 5000 && other.plan.n_sample_rows.unwrap() < 4000, "{:?}", other.plan);
    assert!(
        bits(&other) != bits(&first)
            && crate::common::relative(&other.targets[0].coef, &first.targets[0].coef) < 1e-8
    );
    // all in double precision, as on the backend that has nothing else
    let plan = Plan { storage: "f64".into(), gram_every: 1, sample_every: None, ..first.plan };
    let double = fit(&design, &y, by(&plan)).unwrap();
    let response = Response { y: y.view().into(), names: vec!["y0".into()] };
    let spec = by(&plan).check().unwrap();
    let referee = spec.fit(&Cpu::<f64>::default(), &design, &response, &mut |_| {}).unwrap();
    assert_eq!(bits(&double), bits(&referee));
    assert_eq!(double.plan.arithmetic(), "f64");
}

#[test]
fn the_form_of_every_feature_is_followed() {
    const N_BINS: usize = 60_000;
    let mut random = Random(5);
    let channels = (0..4).map(|_| {
        let counts: Vec<f64> = (0..N_BINS).map(|_| f64::from(u8::from(random.uniform() < 0.03))).collect();
        Course::of_counts(&counts)
    });
    let functions = Array2::from_shape_fn((40, 6), |(lag, i)| {
        let z = (lag as f64 - 6.0 * i as f64) / 4.0;
        (-z * z).exp() * (1.0 - lag as f64 / 40.0)
    });
    let lags = Lags { window_bins: 40, shift: -1 };
    let of =
        Convolution::new(channels.collect(), N_BINS, functions, lags, std::slice::from_ref(&(0..N_BINS)))
            .unwrap();
    let labels = (0..of.n_columns()).map(|j| format!("x{j}")).collect();
    let rows = Rows::from_ranges(of.complete().iter().cloned());
    let source = Source { name: "x".into(), labels, x: of.all().into() };
    let design = DesignPlan::new(vec![source], rows).unwrap();
    let y = Array2::from_shape_simple_fn((N_BINS, 1), || random.poisson(0.2));
    let first = fit(&design, &y, GlmSpec::default()).unwrap();
    assert_eq!(first.plan.features[0].form, "matrix-free");
    for form in ["matrix-free", "written out", "written again in every pass"] {
        let mut plan = first.plan.clone();
        plan.features[0].form = form.into();
        let other = fit(&design, &y, by(&plan)).unwrap();
        assert_eq!(other.plan.features[0].form, form);
        assert_eq!(bits(&other) == bits(&first), form == "matrix-free");
        assert!(crate::common::relative(&other.targets[0].coef, &first.targets[0].coef) < 1e-8, "{form}");
    }
    // several targets share products with what is written
    let several = Array2::from_shape_simple_fn((N_BINS, 2), || random.poisson(0.2));
    let plan = Plan { n_targets: 2, sample_every: None, ..first.plan };
    let error = fit(&design, &several, by(&plan)).unwrap_err().to_string();
    assert!(
        error.contains("plan.features[0].form: expected one of `written out`, `written again"),
        "{error}"
    );
}

#[test]
fn plans_of_other_problems_are_refused() {
    let (x, y) = poisson_data(6, 3000, 4, 1);
    let design = DesignPlan::new(source(&x), 0..3000).unwrap();
    let plan = fit(&design, &y, GlmSpec::default()).unwrap().plan;
    let missing =
        Level::available().into_iter().fold(vec!["avx2", "avx512", "neon", "sse"], |names, level| {
            names.into_iter().filter(|name| *name != level.name()).collect()
        });
    let but = |change: &dyn Fn(&mut Plan)| {
        let mut plan = plan.clone();
        change(&mut plan);
        plan
    };
    for (plan, said) in [
        (but(&|plan| plan.n_rows = 2999), "plan.n_rows: expected 3000, the rows of these data, found 2999"),
        (but(&|plan| plan.n_columns = 3), "plan.n_columns: expected 4, the columns to fit"),
        (but(&|plan| plan.n_targets = 2), "plan.n_targets: expected 1, the targets with events, found 2"),
        (
            but(&|plan| plan.features[0].feature = "z".into()),
            "plan.features[0].feature: expected `x`, as here",
        ),
        (
            but(&|plan| plan.features[0].n_columns = 5),
            "plan.features[0].n_columns: expected 4, the columns of `x`",
        ),
        (
            but(&|plan| plan.features[0].form = "matrix-free".into()),
            "form: expected one of `written out`, found",
        ),
        (but(&|plan| plan.features.clear()), "plan.features: expected 1, the features"),
        (but(&|plan| plan.solver = "sgd".into()), "plan.solver: expected one of newton, lbfgs, found `sgd`"),
        (but(&|plan| plan.storage = "f16".into()), "plan.storage: expected f32 or f64, found `f16`"),
        (but(&|plan| plan.gram_every = 0), "plan.gram_every: expected 1 or more, found 0"),
        (but(&|plan| plan.sample_every = Some(0)), "plan.sample_every: expected 1 or more, found 0"),
        (
            but(&|plan| plan.sample_every = Some(8)),
            "plan.sample_every: expected nothing, but for one target with lbfgs, found 8",
        ),
        (but(&|plan| plan.level = missing[0].into()), "plan.level: expected one of scalar"),
        (but(&|plan| plan.level = "scalar".into()), "that of the backend, found scalar"),
    ] {
        let error = fit(&design, &y, by(&plan)).unwrap_err();
        let help = if said.contains("scalar") { "make its `level` empty" } else { "leave the plan out" };
        assert!(matches!(error, Error::Argument { .. }) && error.help().contains(help), "{}", error.help());
        assert!(error.to_string().contains(said), "{error}, not {said}");
    }
    let spec = GlmSpec { solver: SolverChoice::Lbfgs, ..by(&plan) };
    let error = fit(&design, &y, spec).unwrap_err().to_string();
    assert!(
        error.contains("plan.solver: expected lbfgs, which is asked for beside it, found newton"),
        "{error}"
    );
    // single precision would not tell these columns apart
    let near = Array2::from_shape_fn((3000, 4), |(i, j)| {
        x[(i, j % 3)] + if j == 3 { 1e-6 * x[(i, 3)] } else { 0.0 }
    });
    let design = DesignPlan::new(source(&near), 0..3000).unwrap();
    let error = fit(&design, &y, by(&plan)).unwrap_err().to_string();
    assert!(error.contains("plan.storage: expected f64, because columns"), "{error}");
    let own = fit(&design, &y, GlmSpec::default()).unwrap();
    assert_eq!(bits(&fit(&design, &y, by(&own.plan)).unwrap()), bits(&own));
}

#[test]
fn newton_takes_over_where_lbfgs_is_slow() {
    let mut random = Random(8);
    // a few rows tell most: the flat Gram is far from every Hessian
    let x = Array2::from_shape_simple_fn((4000, 60), || (1.3 * random.normal()).exp());
    for n_targets in [1, 2] {
        let y = Array2::from_shape_fn((4000, n_targets), |(i, k)| {
            let terms = (0..60).map(|j| if (j + k) % 2 == 0 { x[(i, j)] } else { -x[(i, j)] });
            random.poisson((0.033 * terms.sum::<f64>() - 2.0).clamp(-20.0, 4.0).exp())
        });
        let design = DesignPlan::new(source(&x), 0..4000).unwrap();
        let slow = fit(&design, &y, GlmSpec { solver: SolverChoice::Lbfgs, ..GlmSpec::default() }).unwrap();
        assert!(!slow.plan.newton_if_slow && slow.plan.n_taken_over == 0, "asked for");
        let fast = fit(&design, &y, by(&Plan { newton_if_slow: true, ..slow.plan.clone() })).unwrap();
        assert_eq!(fast.plan.n_taken_over, n_targets);
        for (fast, slow) in fast.targets.iter().zip(&slow.targets) {
            assert_eq!((fast.status, slow.status), (Status::Converged, Status::Converged));
            assert!(crate::common::relative(&fast.coef, &slow.coef) < 1e-8);
            assert!(fast.passes + 10 < slow.passes, "{} {}", fast.passes, slow.passes);
        }
        assert_eq!(bits(&fit(&design, &y, by(&kept(&fast.plan))).unwrap()), bits(&fast));
    }
    // where L-BFGS is chosen Newton's method waits, unless its Hessians would cost more than many passes
    let (x, y) = poisson_data(9, 20_000, 100, 1);
    let design = DesignPlan::new(source(&x), 0..20_000).unwrap();
    for (gram_flop_per_s, waits) in [(100e9, true), (1e6, false)] {
        let speeds = Speeds { gram_flop_per_s, ..Speeds::of(Level::best()) };
        let given = CostConstants { speeds, from: "a made-up machine".into() };
        let spec = GlmSpec { plan_from: PlanFrom::Constants(given), ..GlmSpec::default() };
        let plan = fit(&design, &y, spec).unwrap().plan;
        assert_eq!((plan.solver.as_str(), plan.newton_if_slow, plan.n_taken_over), ("lbfgs", waits, 0));
    }
}

#[test]
fn other_speeds_choose_another_solver() {
    let (x, y) = poisson_data(7, 20_000, 100, 1);
    let design = DesignPlan::new(source(&x), 0..20_000).unwrap();
    let with = |change: &dyn Fn(&mut Speeds)| {
        let mut speeds = Speeds::of(Level::best());
        change(&mut speeds);
        let given = CostConstants { speeds, from: "a made-up machine".into() };
        fit(&design, &y, GlmSpec { plan_from: PlanFrom::Constants(given), ..GlmSpec::default() })
    };
    let slow_gram = with(&|speeds| speeds.gram_flop_per_s = 1e6).unwrap();
    let slow_product =
        with(&|speeds| (speeds.product_flop_per_s, speeds.gram_flop_per_s) = (1e3, 1e15)).unwrap();
    let told = |fitted: &FittedGlm| (fitted.solver.clone(), fitted.plan.constants.clone());
    assert_eq!(told(&slow_gram), ("lbfgs".into(), "a made-up machine".into()));
    assert_eq!(told(&slow_product), ("newton".into(), "a made-up machine".into()));
    let compiled_in = fit(&design, &y, GlmSpec::default()).unwrap();
    assert_eq!(compiled_in.plan.constants, "compiled in");
    // the plan alone takes the same path, without the speeds
    let again = fit(&design, &y, by(&kept(&slow_gram.plan))).unwrap();
    assert_eq!(bits(&again), bits(&slow_gram));
    for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = with(&|speeds| speeds.direct_ns = speed).unwrap_err();
        assert!(error.to_string().starts_with("speeds.direct_ns: expected a number above 0"), "{error}");
    }
}
