//! The linear program: of the directions that a few rows allow, the one along which they move farthest.

use std::collections::BTreeSet;
use std::time::Duration;

use microlp::{
    ComparisonOp, OptimizationDirection, Problem, SolutionStatus, SolveOptions, SolveOutcome,
    TerminationReason,
};

use super::Limits;
use crate::Result;
use crate::math::dense::{Matrix, null_space_of_rows};

/// How exactly the solver keeps the conditions, whose numbers are at most 1.
const FEASIBLE: [f64; 2] = [1e-9, 1e-7];
/// A row that moves by less than this does not move; 100 times what the solver leaves open.
const STILL: f64 = 1e-7;
/// What conditions may be left open in the end, of numbers of at most 1.
const EXACT: f64 = 1e-15;
/// Steps that are tried for that, the largest factor of one, and how far one goes in its own units.
const MOST_REFINEMENTS: usize = 4;
const MOST_FACTOR: f64 = 1e9;
const FARTHEST: f64 = 1e3;
/// How long the solver works the first time before the limits are looked at, which it does every 1000 steps; then twice as long each
/// time, as it takes its factors anew.
const TURN: Duration = Duration::from_millis(50);
/// How long it works at most on one program.
const LONGEST: Duration = Duration::from_secs(600);
/// A singular value, in parts of the largest, that is rounding of the rows.
pub(super) const UNSEEN: f64 = 1e-11;

/// Rows, in coordinates of the directions that are left, as conditions `row · z >= 0`.
#[derive(Clone, Debug)]
pub(super) struct Program {
    n: usize,
    rows: Vec<Vec<f64>>,
    places: BTreeSet<(usize, usize)>,
}

/// A linear program for a step from a point, magnified by a factor: what the solver leaves open is that much smaller of the point
/// that it leads to. (Iterative refinement of linear programs.)
///
/// # Source
/// Gleixner, Steffy and Wolter 2016, Iterative refinement for linear programming.
struct Step<'a> {
    at: &'a [f64],
    factor: f64,
    feasibility: f64,
}

/// The end of a linear program.
#[derive(Clone, Debug)]
pub(super) enum Best {
    /// All that the conditions allow leaves all rows where they are.
    Still,
    /// A direction that moves some of them.
    Moves(Vec<f64>),
    /// Numerical difficulties.
    Unknown,
}

/// The largest magnitude.
fn largest(a: &[f64]) -> f64 {
    a.iter().fold(0.0, |m: f64, a| m.max(a.abs()))
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl Program {
    /// No condition on directions of so many coordinates.
    pub(super) fn new(n: usize) -> Self {
        Self { n, rows: Vec::new(), places: BTreeSet::new() }
    }

    /// Conditions.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds the row at a place unless it is there; whether it was not. One that is 0 moves along no direction: it is left out.
    pub(super) fn add(&mut self, place: (usize, usize), mut row: Vec<f64>) -> bool {
        let size = largest(&row);
        if size == 0.0 || !size.is_finite() || !self.places.insert(place) {
            return false;
        }
        row.iter_mut().for_each(|x| *x /= size);
        self.rows.push(row);
        true
    }

    /// The rows in coordinates of about the same size, each divided by its largest number, and the units of these coordinates.
    fn scaled(&self) -> (Vec<Vec<f64>>, Vec<f64>) {
        let square = |j: usize| self.rows.iter().map(|row| row[j] * row[j]).sum::<f64>();
        let unit = |j: usize| match square(j) / self.rows.len().max(1) as f64 {
            0.0 => 1.0,
            mean => 1.0 / mean.sqrt(),
        };
        let units: Vec<f64> = (0..self.n).map(unit).collect();
        let scaled = |row: &Vec<f64>| -> Vec<f64> {
            let own: Vec<f64> = row.iter().zip(&units).map(|(x, unit)| x * unit).collect();
            let size = largest(&own);
            own.iter().map(|x| x / size).collect()
        };
        (self.rows.iter().map(scaled).collect(), units)
    }

    /// Directions that no row sees, shape (coordinates, dimension).
    pub(super) fn unseen(&self, tolerance: f64) -> Option<Matrix> {
        let (rows, units) = self.scaled();
        let mut basis = null_space_of_rows(&rows, self.n, tolerance)?;
        basis.rows_mut().into_iter().zip(&units).for_each(|(mut row, unit)| row *= *unit);
        Some(basis)
    }

    /// The direction, no coordinate of which is above 1 in its unit, along which the sum of the rows is largest, of those alone that
    /// `moving` moves by no more than the part `rest` of its size.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`] if somebody asked to stop.
    pub(super) fn best(&self, moving: &[f64], rest: f64, limits: &Limits) -> Result<Best> {
        let (rows, units) = self.scaled();
        let own: Vec<f64> = moving.iter().zip(&units).map(|(z, unit)| z / unit).collect();
        let size = largest(&own);
        let resting: Vec<&Vec<f64>> = rows.iter().filter(|row| dot(row, &own).abs() <= rest * size).collect();
        let nowhere = vec![0.0; self.n];
        for feasibility in FEASIBLE {
            let from = Step { at: &nowhere, factor: 1.0, feasibility };
            let Some(mut z) = Self::solve(&rows, &resting, &from, limits)? else { continue };
            if resting.iter().map(|row| dot(row, &z)).fold(0.0, f64::max) <= STILL {
                return Ok(Best::Still);
            }
            for _ in 0..MOST_REFINEMENTS {
                let open = rows.iter().map(|row| -dot(row, &z)).fold(0.0, f64::max);
                if open <= EXACT {
                    break;
                }
                let from = Step { at: &z, factor: MOST_FACTOR.min(1.0 / open), feasibility };
                let Some(better) = Self::solve(&rows, &resting, &from, limits)? else { break };
                z = better;
            }
            return Ok(Best::Moves(z.iter().zip(&units).map(|(z, unit)| z * unit).collect()));
        }
        Ok(Best::Unknown)
    }

    /// The best point that is found from where a step begins.
    fn solve(
        rows: &[Vec<f64>],
        resting: &[&Vec<f64>],
        from: &Step,
        limits: &Limits,
    ) -> Result<Option<Vec<f64>>> {
        limits.stop.check()?;
        if limits.is_late() {
            return Ok(None);
        }
        let sums: Vec<f64> = (0..from.at.len()).map(|j| resting.iter().map(|row| row[j]).sum()).collect();
        let size = largest(&sums).max(f64::MIN_POSITIVE);
        let mut problem = Problem::new(OptimizationDirection::Maximize);
        let bound = |to: f64| (from.factor * to).clamp(-FARTHEST, FARTHEST);
        let variable =
            |(sum, at): (&f64, &f64)| problem.add_var(sum / size, (bound(-1.0 - at), bound(1.0 - at)));
        let variables: Vec<_> = sums.iter().zip(from.at).map(variable).collect();
        for row in rows {
            let least = -from.factor * dot(row, from.at);
            // no step leads there
            if least < -FARTHEST * row.iter().map(|x| x.abs()).sum::<f64>() {
                continue;
            }
            let terms = variables.iter().zip(row).filter(|(_, x)| **x != 0.0).map(|(v, x)| (*v, *x));
            problem.add_constraint(terms, ComparisonOp::Ge, least);
        }
        let mut options = SolveOptions::default();
        options.tolerances.feasibility = from.feasibility;
        let mut turn = TURN;
        options.time_limit = Some(turn);
        let mut outcome = problem.solve_with(options);
        loop {
            match outcome {
                Ok(SolveOutcome::Solution(found)) if found.status() == SolutionStatus::Optimal => {
                    let steps = variables.iter().map(|own| found.var_value(*own) / from.factor);
                    return Ok(Some(steps.zip(from.at).map(|(step, at)| at + step).collect()));
                }
                Ok(own) if own.termination_reason() == TerminationReason::TimeLimit => {
                    limits.stop.check()?;
                    turn *= 2;
                    if limits.is_late() || turn > LONGEST {
                        return Ok(None);
                    }
                    let mut on = own.last_resume_options();
                    on.time_limit = Some(turn);
                    outcome = own.resume_with(on);
                }
                _ => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::stop::Stop;

    fn best(program: &Program, moving: &[f64]) -> Best {
        let limits = Limits { stop: Stop::default(), until: None, bytes: None };
        program.best(moving, 1e-9, &limits).unwrap()
    }

    fn program(rows: &[[f64; 2]]) -> Program {
        let mut program = Program::new(2);
        for (k, row) in rows.iter().enumerate() {
            assert!(program.add((k, 0), row.to_vec()));
        }
        program
    }

    #[test]
    fn a_cone_has_a_direction_and_a_whole_plane_of_rows_has_none() {
        let Best::Moves(z) = best(&program(&[[1.0, 0.0], [1e6, 1e6], [1.0, -0.5]]), &[0.0; 2]) else {
            panic!()
        };
        assert!(z[0] > 0.0 && z[0] + z[1] >= 0.0, "{z:?}");
        assert!(matches!(best(&program(&[[1.0, 0.0], [-1.0, 1.0], [-1.0, -1.0]]), &[0.0; 2]), Best::Still));
        // of a quadrant, what moves the rows that a first direction does not
        let quadrant = program(&[[1.0, 0.0], [0.0, 1.0]]);
        let Best::Moves(z) = best(&quadrant, &[1.0, 0.0]) else { panic!() };
        assert!(z[1] > 0.0 && z[0] >= 0.0, "{z:?}");
        assert!(matches!(best(&quadrant, &[1.0, 1.0]), Best::Still));
        // two rows against one another leave a line, of which one half is allowed
        let halved = program(&[[1.0, 0.0], [-1.0, 0.0], [3.0, 2.0]]);
        let Best::Moves(z) = best(&halved, &[0.0; 2]) else { panic!() };
        assert!(z[0].abs() < 1e-15 && z[1] > 0.0, "{z:?}");
    }

    #[test]
    fn a_search_whose_time_is_up_or_that_is_stopped_says_so() {
        let (program, stop) = (program(&[[1.0, 0.0], [1.0, -0.5]]), Stop::new());
        let best = |limits: &Limits| program.best(&[0.0; 2], 1e-9, limits);
        let late = Limits { stop: stop.clone(), until: Some(Instant::now()), bytes: None };
        assert!(matches!(best(&late), Ok(Best::Unknown)));
        let open = Limits { until: Instant::now().checked_add(Duration::from_secs(3600)), ..late };
        assert!(matches!(best(&open), Ok(Best::Moves(_))));
        stop.request();
        assert!(matches!(best(&open), Err(crate::Error::Interrupted)));
        assert_eq!(open.most_rows(2000), 6710);
        assert_eq!(Limits { bytes: Some(1 << 20), ..open }.most_rows(100), 131);
    }

    #[test]
    fn a_row_is_added_once_and_never_if_it_is_zero() {
        let mut program = program(&[[1.0, 2.0]]);
        assert!(!program.add((0, 0), vec![5.0, 5.0]) && !program.add((7, 0), vec![0.0, 0.0]));
        assert_eq!((program.len(), program.unseen(1e-12).unwrap().ncols()), (1, 1));
    }
}
