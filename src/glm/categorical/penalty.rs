//! The penalty on the parameters of several predictors: one block (intercept first) after the other.
//!
//! Squares and squared differences are those of every class, which are those of every contrast: these are orthonormal, and
//! classes that sum to 0 have the same norm. A group holds the coefficients of its columns for all classes, and its size counts
//! them all. Magnitudes are those of the coefficients of every class, which contrasts do not have: a fit with such a penalty works
//! with a block for each class, and of the common shifts of these, which change the penalty alone, takes the best.

use crate::design::DesignPlan;
use crate::glm::penalised::anchors;
use crate::glm::spec::CheckedSpec;
use crate::math::contrasts::Contrasts;
use crate::math::dense::Matrix;
use crate::objective::Penalty;
use crate::observation::Recession;
use crate::regularizer::{Regularizer, Terms};

/// What is added to the loss of classes.
pub(super) struct ClassPenalty {
    /// The terms of one class.
    terms: Terms,
    /// Of one block, for the columns that vary.
    pub(super) of_block: Penalty,
    /// Directions of a block that neither data nor penalty determine.
    anchors: Vec<Vec<f64>>,
    varying: Vec<usize>,
    sd: Vec<f64>,
    n_classes: usize,
}

/// What the parameters of a fit are: numbers that sum to 0, or one for each class.
pub(super) fn contrasts(regularizer: &Regularizer, n_classes: usize) -> Contrasts {
    if regularizer.centres_classes() { Contrasts::centred(n_classes) } else { Contrasts::none(n_classes) }
}

impl ClassPenalty {
    /// That of a specification on the columns of a plan.
    pub(super) fn new(spec: &CheckedSpec, plan: &DesignPlan, varying: &[usize], n_classes: usize) -> Self {
        let features: Vec<[usize; 2]> = plan.layout().features.iter().map(|own| own.columns).collect();
        let terms = spec.get().regularizer.terms(plan.n_columns(), &features);
        let (varying, sd) = (varying.to_vec(), plan.scaling().sd.clone());
        let of_block = Penalty::new(&terms, &varying, &sd);
        Self { terms, of_block, anchors: Vec::new(), varying, sd, n_classes }
    }

    /// Keeps the coefficients off directions that are not determined; the columns that take part in one. `gram` is the flat Gram
    /// of a block.
    pub(super) fn anchor(&mut self, plan: &DesignPlan, gram: &Matrix) -> Vec<usize> {
        let (anchors, taking_part) = anchors(plan, &self.varying, gram, &self.of_block);
        self.anchors = anchors;
        taking_part
    }

    /// Along which directions the loss may fall for ever beside it.
    pub(super) fn recession(&self) -> Recession {
        if self.of_block.bounds_all() { Recession::Never } else { Recession::Apart }
    }

    /// On the parameters of so many predictors.
    pub(super) fn blocks(&self, n_blocks: usize) -> Penalty {
        let n_columns = self.sd.len();
        // before every block but the first stands its intercept, which is not penalised
        let place = |block: usize, column: usize| block * (n_columns + 1) + column;
        let n_places = n_blocks * (n_columns + 1) - 1;
        let spread = |own: &[f64]| -> Vec<f64> {
            if own.is_empty() {
                return Vec::new();
            }
            let of_place = |k: usize| own.get(k % (n_columns + 1)).copied().unwrap_or(0.0);
            (0..n_places).map(of_place).collect()
        };
        let combinations = (0..n_blocks).flat_map(|block| {
            let moved = move |own: &Vec<(usize, f64)>| -> Vec<(usize, f64)> {
                own.iter().map(|&(column, factor)| (place(block, column), factor)).collect()
            };
            self.terms.combinations.iter().map(moved)
        });
        let norms = self.terms.norms.iter().map(|(columns, strength)| {
            let places =
                (0..n_blocks).flat_map(|block| columns.iter().map(move |&column| place(block, column)));
            (places.collect(), strength * (self.n_classes as f64).sqrt())
        });
        let terms = Terms {
            squares: spread(&self.terms.squares),
            magnitudes: spread(&self.terms.magnitudes),
            combinations: combinations.collect(),
            norms: norms.collect(),
        };
        let sd: Vec<f64> =
            (0..n_places).map(|k| self.sd.get(k % (n_columns + 1)).copied().unwrap_or(1.0)).collect();
        let varying: Vec<usize> = (0..n_blocks)
            .flat_map(|block| {
                let intercept = (block > 0).then(|| place(block, 0) - 1);
                intercept.into_iter().chain(self.varying.iter().map(move |&column| place(block, column)))
            })
            .collect();
        let mut penalty = Penalty::new(&terms, &varying, &sd);
        let p = 1 + self.varying.len();
        let anchors = (0..n_blocks).flat_map(|block| {
            self.anchors.iter().map(move |own| {
                let mut all = vec![0.0; n_blocks * p];
                all[block * p..(block + 1) * p].copy_from_slice(own);
                all
            })
        });
        penalty.anchor(anchors);
        if !self.terms.magnitudes.is_empty() && n_blocks == self.n_classes {
            penalty.note_shifts(n_blocks, p);
        }
        penalty
    }
}
