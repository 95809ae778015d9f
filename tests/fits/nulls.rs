//! Null models beside offsets that say more than they know: those of an earlier model that is sure of what it predicts, rightly or not.

use ndarray::{Array2, ArrayView1, Axis};
use rheobase::backend::{Cpu, Model};
use rheobase::design::DesignPlan;
use rheobase::glm::{CategoricalSpec, GlmSpec, Response, score_weighted, score_weighted_classes};
use rheobase::observation::{ObservationModel, log_softmax};
use rheobase::solver::Status;

use crate::classes::labelled;
use crate::common::{Random, source};

const N: usize = 4000;

/// Classes, and what is added to the predictor of the one that an earlier model predicts, which is right in a part of the bins.
struct Known {
    codes: Vec<usize>,
    predicted: Vec<usize>,
    n_classes: usize,
    added: f64,
}

impl Known {
    fn new(n_classes: usize, added: f64, right: f64, share: f64) -> Self {
        let mut random = Random(20);
        let codes: Vec<usize> = (0..N)
            .map(|_| {
                if random.uniform() < share {
                    1 + (random.uniform() * (n_classes - 1) as f64) as usize
                } else {
                    0
                }
            })
            .collect();
        let predicted = codes
            .iter()
            .map(|code| if random.uniform() < right { *code } else { (code + 1) % n_classes })
            .collect();
        Self { codes, predicted, n_classes, added }
    }

    fn offset(&self) -> Vec<f64> {
        let of_bin = |&own: &usize| (0..self.n_classes).map(move |k| if k == own { self.added } else { 0.0 });
        self.predicted.iter().flat_map(of_bin).collect()
    }

    fn logs(&self, constants: &[f64], predicted: usize) -> Vec<f64> {
        let eta = |k: usize| constants[k] + if k == predicted { self.added } else { 0.0 };
        log_softmax(&(0..self.n_classes).map(eta).collect::<Vec<f64>>())
    }

    /// How many bins more than there are of a class are expected.
    fn excess(&self, constants: &[f64], class: usize) -> f64 {
        let count = |of: &[usize], k: usize| of.iter().filter(|own| **own == k).count() as f64;
        let expected = |j: usize| count(&self.predicted, j) * self.logs(constants, j)[class].exp();
        (0..self.n_classes).map(expected).sum::<f64>() - count(&self.codes, class)
    }

    /// The mean loss where no bin is in excess, each constant in turn by bisection.
    fn optimum(&self, n_rounds: usize) -> f64 {
        let mut constants = vec![0.0; self.n_classes];
        for _ in 0..n_rounds {
            for class in 1..self.n_classes {
                let (mut low, mut high) = (-3.0 * self.added - 20.0, 3.0 * self.added + 20.0);
                for _ in 0..200 {
                    constants[class] = 0.5 * (low + high);
                    let is_high = self.excess(&constants, class) > 0.0;
                    *(if is_high { &mut high } else { &mut low }) = constants[class];
                }
            }
        }
        for class in 0..self.n_classes {
            assert!(self.excess(&constants, class).abs() < 1e-7 * N as f64);
        }
        let pairs = self.codes.iter().zip(&self.predicted);
        pairs.map(|(&code, &predicted)| -self.logs(&constants, predicted)[code]).sum::<f64>() / N as f64
    }

    /// The mean loss of the null model of classes, by what it makes of the R2 of predictions that know nothing.
    fn of_classes(&self) -> f64 {
        let even = (self.n_classes as f64).ln();
        let logs = Array2::from_elem((N, self.n_classes), -even);
        let bins: Vec<usize> = (0..N).collect();
        let scores =
            score_weighted_classes(&labelled(&self.codes), &logs, &bins, [None, Some(&self.offset())]);
        even / (1.0 - scores.pseudo_r2_mcfadden)
    }

    fn events(&self) -> Vec<f64> {
        self.codes.iter().map(|&code| code as f64).collect()
    }

    fn odds(&self) -> Vec<f64> {
        self.predicted.iter().map(|&own| if own == 1 { self.added } else { -self.added }).collect()
    }

    fn of_events(&self) -> f64 {
        let even = 2f64.ln();
        let model = Model::from(ObservationModel::Bernoulli);
        let scores = score_weighted(model, 1.0, &self.events(), &vec![0.5; N], [None, Some(&self.odds())]);
        even / (1.0 - scores.pseudo_r2_mcfadden)
    }
}

fn assert_near(found: f64, expected: f64, what: &str) {
    assert!((found / expected - 1.0).abs() < 1e-11, "{what}: {found}, not {expected}");
}

#[test]
fn null_models_are_found_beside_any_offset() {
    let shares = [(0.8, 0.1), (0.5, 0.1), (0.9, 0.02), (0.2, 0.3)];
    for added in [2.0, 6.0, 8.0, 10.0, 16.0, 30.0, 60.0, 300.0, 400.0] {
        for (right, share) in shares {
            let known = Known::new(2, added, right, share);
            let (expected, what) = (known.optimum(1), format!("{added} {right} {share}"));
            assert_near(known.of_classes(), expected, &what);
            // a probability below exp(-745) is 0
            if added <= 300.0 {
                assert_near(known.of_events(), expected, &what);
            }
        }
    }
    for added in [6.0, 8.0] {
        let known = Known::new(3, added, 0.8, 0.3);
        assert_near(known.of_classes(), known.optimum(2000), &format!("three classes, {added}"));
    }
}

/// The solver begins there, and its gap is judged in parts of that loss.
#[test]
fn fits_beside_an_offset_that_is_too_sure_arrive() {
    let mut random = Random(21);
    let x = Array2::from_shape_simple_fn((N, 2), || random.normal());
    for added in [8.0, 30.0] {
        let known = Known::new(2, added, 0.8, 0.1);
        let null = known.optimum(1);
        let plan = || DesignPlan::new(source(&x), 0..N).unwrap();
        let spec = CategoricalSpec::new(GlmSpec::default()).unwrap();
        let own = plan().with_class_offset(known.offset(), 2).unwrap();
        let on = Cpu::<f64>::default();
        let of_classes =
            spec.fit(&on, &own, &[labelled(&known.codes)], &mut |_| {}).unwrap().targets.remove(0);
        let events = known.events();
        let y = ArrayView1::from(&events).insert_axis(Axis(1));
        let response = Response { names: vec!["y".into()], y: y.into() };
        let model = ObservationModel::Bernoulli.into();
        let spec = GlmSpec { model, ..GlmSpec::default() }.check().unwrap();
        let own = plan().with_offset(known.odds()).unwrap();
        let of_events = spec.fit(&on, &own, &response, &mut |_| {}).unwrap().targets.remove(0);
        assert_eq!((of_classes.status, of_events.status), (Status::Converged, Status::Converged), "{added}");
        for (loss, scale, r2) in [
            (of_classes.loss, of_classes.gap_scale, of_classes.scores.pseudo_r2_mcfadden),
            (of_events.loss, of_events.gap_scale, of_events.scores.pseudo_r2_mcfadden),
        ] {
            assert_near(scale.unwrap(), null, "what gaps are compared with");
            assert!((r2 - (1.0 - loss / null)).abs() < 1e-11 && (0.0..0.01).contains(&r2), "{added}: {r2}");
        }
    }
}
