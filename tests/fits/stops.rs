//! Fits that are asked to stop when their solver has just arrived: nothing that was not looked at is claimed.

use crate::classes::labelled;
use crate::common::{Random, poisson_data, source};
use ndarray::{Array2, array};
use rheobase::backend::{Cpu, Model};
use rheobase::design::DesignPlan;
use rheobase::glm::{CategoricalSpec, GlmSpec, Response, SolverChoice, StandardErrors};
use rheobase::inverse_link::InverseLink;
use rheobase::observation::ObservationModel;
use rheobase::regularizer::Regularizer;
use rheobase::solver::Status;
use rheobase::stop::Stop;

const SOLVERS: [SolverChoice; 2] = [SolverChoice::Newton, SolverChoice::Lbfgs];

/// How a fit ends that is asked to stop when no target goes on; how it ends if it is not.
fn ends(spec: &GlmSpec, x: &Array2<f64>, y: &Array2<f64>) -> [Status; 2] {
    [true, false].map(|stops| {
        let stop = Stop::new();
        let spec = GlmSpec { stop: stop.clone(), ..spec.clone() }.check().unwrap();
        let plan = DesignPlan::new(source(x), 0..x.nrows()).unwrap().stopping_at(stop.clone());
        let response = Response { y: y.view().into(), names: vec!["y".into()] };
        let fitted = spec.fit(&Cpu::<f64>::default(), &plan, &response, &mut |progress| {
            if stops && progress.n_active == 0 {
                stop.request();
            }
        });
        fitted.unwrap().targets.remove(0).status
    })
}

#[test]
fn counts_without_rows_that_may_run_away_are_proven() {
    let (x, y) = poisson_data(3, 400, 2, 1);
    for solver in SOLVERS {
        for standard_errors in [StandardErrors::On, StandardErrors::Off] {
            let spec = GlmSpec { solver, standard_errors, ..GlmSpec::default() };
            assert_eq!(ends(&spec, &x, &y), [Status::Converged; 2], "{solver:?}");
        }
    }
    // kinks are Newton's
    let regularizer = Regularizer::Lasso { strength: 0.01.into() };
    let found = ends(&GlmSpec { regularizer, ..GlmSpec::default() }, &x, &y);
    assert_eq!(found, [Status::Stopped, Status::Converged]);
}

#[test]
fn events_may_be_apart_until_somebody_has_looked() {
    let mut random = Random(4);
    let x = Array2::from_shape_simple_fn((300, 2), || random.normal());
    let y = x.column(0).mapv(|x| f64::from(random.uniform() < 1.0 / (1.0 + (-x).exp())));
    let y = y.insert_axis(ndarray::Axis(1));
    for solver in SOLVERS {
        let spec = GlmSpec { model: Model::from(ObservationModel::Bernoulli), solver, ..GlmSpec::default() };
        assert_eq!(ends(&spec, &x, &y), [Status::Stopped, Status::Converged], "{solver:?}");
        let gaussian = GlmSpec { model: Model::from(ObservationModel::Gaussian), ..spec };
        assert_eq!(ends(&gaussian, &x, &y), [Status::Converged; 2], "{solver:?}");
    }
}

#[test]
fn a_separated_probit_whose_gap_vanishes_is_never_converged() {
    let x = array![
        [1.0, 0.0, 1.0],
        [1.0, 2.0, 1.0],
        [1.0, -2.0, 1.0],
        [0.0, 2.0, 0.0],
        [0.0, 0.0, 1.0],
        [1.0, 0.0, 1.0],
        [0.0, -2.0, 1.0],
        [1.0, -1.0, 1.0],
        [0.0, -1.0, 1.0],
        [0.0, -1.0, 1.0]
    ];
    let y = array![[1.0], [1.0], [1.0], [0.0], [1.0], [1.0], [1.0], [1.0], [1.0], [0.0]];
    for solver in SOLVERS {
        for standard_errors in [StandardErrors::On, StandardErrors::Off] {
            let model = Model { observation: ObservationModel::Bernoulli, inverse_link: InverseLink::Probit };
            let spec = GlmSpec { model, solver, standard_errors, ..GlmSpec::default() };
            let [stopped, whole] = ends(&spec, &x, &y);
            assert_eq!(whole, Status::Separated, "{solver:?} {standard_errors:?}");
            assert!(matches!(stopped, Status::Stopped | Status::Separated), "{solver:?} {stopped:?}");
        }
    }
}

#[test]
fn classes_may_be_apart_until_somebody_has_looked() {
    let (x, codes) = crate::classes::data(5, 300, 2, 3);
    for solver in SOLVERS {
        for standard_errors in [StandardErrors::On, StandardErrors::Off] {
            let found = [true, false].map(|stops| {
                let stop = Stop::new();
                let spec = GlmSpec { solver, standard_errors, stop: stop.clone(), ..GlmSpec::default() };
                let plan = DesignPlan::new(source(&x), 0..300).unwrap().stopping_at(stop.clone());
                let spec = CategoricalSpec::new(spec).unwrap();
                let fitted = spec.fit(&Cpu::<f64>::default(), &plan, &[labelled(&codes)], &mut |progress| {
                    if stops && progress.n_active == 0 {
                        stop.request();
                    }
                });
                fitted.unwrap().targets.remove(0).status
            });
            assert_eq!(found, [Status::Stopped, Status::Converged], "{solver:?} {standard_errors:?}");
        }
    }
}
