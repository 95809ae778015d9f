//! What is computed: passes over a design, trial steps, and the design itself.

use crate::Result;
use crate::backend::{Backend, Every, Model};
use crate::design::{Column, DesignPlan};
use crate::math::dense::Matrix;
use crate::objective::{GlmObjective, Objective, Packed, Weight};

/// The step along a line.
const STEP: f64 = 0.5;

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Losses and gradients.
    Gradient,
    /// The same where the features have no effect: of several targets, rates and products with residuals alone.
    Backward,
    /// Linear predictors and a direction: products with coefficients alone, two of them.
    Forward,
    /// Losses after a step along that direction.
    Changes,
    /// The Gram of all rows.
    Gram,
    /// Convolved columns, written out.
    Build,
}

impl Work {
    /// Its name in files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gradient => "loss_gradient",
            Self::Backward => "matmul_transposed",
            Self::Forward => "matmul",
            Self::Changes => "loss_changes",
            Self::Gram => "gram",
            Self::Build => "build_features",
        }
    }

    /// Its name for people.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Gradient => "loss and gradient",
            Self::Backward => "rates, products back",
            Self::Forward => "two products forward",
            Self::Changes => "losses after a step",
            Self::Gram => "flat Gram",
            Self::Build => "features built",
        }
    }
}

/// What results, in groups of numbers that are alike.
pub(super) type Numbers = Vec<Vec<f64>>;

/// What is computed with.
pub(super) struct Problem<'p> {
    pub(super) plan: &'p DesignPlan<'p>,
    pub(super) y: &'p Packed<'p>,
    /// Where, shape (1 + columns, targets).
    pub(super) at: Matrix,
    pub(super) works: Vec<Work>,
}

impl<'p> Problem<'p> {
    /// At a point that is not the optimum.
    pub(super) fn new(plan: &'p DesignPlan<'p>, y: &'p Packed<'p>, works: Vec<Work>) -> Self {
        let p = plan.n_columns();
        let at = Matrix::from_shape_fn((1 + p, y.n_targets()), |(j, k)| {
            if j == 0 { -2.3 } else { 0.3 * ((j + k) as f64).sin() / (p as f64).sqrt() }
        });
        Self { plan, y, at, works }
    }

    /// All of its columns.
    pub(super) fn columns(&self) -> Vec<Column<'p>> {
        (0..self.plan.n_columns()).map(Column::Source).collect()
    }
}

/// A problem on a backend.
pub(super) struct Ready<'o, 'p, B: Backend> {
    on: &'o B,
    problem: &'o Problem<'p>,
    f: GlmObjective<'o, B>,
    targets: Vec<usize>,
    /// What the last run left.
    losses: Vec<f64>,
    gradient: Matrix,
}

impl<'o, 'p, B: Backend> Ready<'o, 'p, B> {
    pub(super) fn new(on: &'o B, problem: &'o Problem<'p>) -> Result<Self> {
        let f = GlmObjective::new(on, problem.plan, &problem.columns(), problem.y, Model::default())?;
        let (targets, gradient) = ((0..problem.at.ncols()).collect(), Matrix::zeros(problem.at.dim()));
        Ok(Self { on, problem, f: f.with_lines_of(usize::MAX), targets, losses: Vec::new(), gradient })
    }

    /// What precedes a work and is not timed.
    pub(super) fn prepare(&mut self, work: Work) -> Result<()> {
        if work == Work::Changes { self.aim() } else { Ok(()) }
    }

    fn aim(&mut self) -> Result<()> {
        let direction = self.problem.at.mapv(|w| 0.3 * w + 0.01);
        self.f.aim(&self.problem.at, &direction, &self.targets).map(drop)
    }

    /// What is timed.
    pub(super) fn run(&mut self, work: Work) -> Result<()> {
        match work {
            Work::Gradient => self.evaluate(self.problem.at.clone()),
            Work::Backward => {
                let mut at = self.problem.at.clone();
                at.iter_mut().skip(self.targets.len()).for_each(|w| *w = 0.0);
                self.evaluate(at)
            }
            Work::Forward => self.aim(),
            Work::Changes => {
                self.losses = self.f.loss_changes(&vec![STEP; self.targets.len()])?;
                Ok(())
            }
            Work::Gram => {
                self.gradient = self.f.gram(Every::ROW, Weight::Flat)?;
                Ok(())
            }
            Work::Build => {
                self.problem.plan.place(self.on, &self.problem.columns(), self.targets.len()).map(drop)
            }
        }
    }

    fn evaluate(&mut self, at: Matrix) -> Result<()> {
        if self.gradient.dim() != at.dim() {
            self.gradient = Matrix::zeros(at.dim());
        }
        self.losses = self.f.loss_gradient(&at, &self.targets, Every::ROW, &mut self.gradient)?;
        Ok(())
    }

    /// What the run resulted in.
    pub(super) fn numbers(&mut self, work: Work) -> Result<Numbers> {
        match work {
            Work::Forward => {
                let changes = self.f.loss_changes(&vec![STEP; self.targets.len()])?;
                let reach = self.f.reach()?;
                Ok(vec![changes, reach.iter().map(|own| own.all).collect()])
            }
            Work::Changes => Ok(vec![self.losses.clone()]),
            Work::Gram => Ok(vec![self.gradient.iter().copied().collect()]),
            Work::Build => {
                // of the columns that this objective was made with
                self.evaluate(self.problem.at.clone())?;
                self.numbers(Work::Gradient)
            }
            Work::Gradient | Work::Backward => {
                Ok(vec![self.losses.clone(), self.gradient.iter().copied().collect()])
            }
        }
    }
}

/// The largest difference of all groups, relative to the largest number of its group.
pub(super) fn distance(found: &Numbers, truth: &Numbers) -> f64 {
    let larger = |a: f64, b: f64| if b > a || b.is_nan() { b } else { a };
    let of_group = |(found, truth): (&Vec<f64>, &Vec<f64>)| {
        let largest = truth.iter().fold(f64::MIN_POSITIVE, |a, b| a.max(b.abs()));
        found.iter().zip(truth).map(|(a, b)| (a - b).abs()).fold(0.0, larger) / largest
    };
    if found.iter().map(Vec::len).ne(truth.iter().map(Vec::len)) {
        return f64::INFINITY;
    }
    found.iter().zip(truth).map(of_group).fold(0.0, larger)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_is_relative_within_its_group_and_no_nan_is_lost() {
        let truth = vec![vec![100.0, 1.0], vec![0.01]];
        assert_eq!(distance(&truth, &truth), 0.0);
        assert!((distance(&vec![vec![101.0, 1.0], vec![0.01]], &truth) - 0.01).abs() < 1e-15);
        assert!((distance(&vec![vec![100.0, 1.0], vec![0.02]], &truth) - 1.0).abs() < 1e-15);
        assert!(distance(&vec![vec![f64::NAN, 1.0], vec![0.01]], &truth).is_nan());
        assert_eq!(distance(&vec![vec![100.0], vec![0.01]], &truth), f64::INFINITY);
    }
}
