//! What a cross-validation notes in a journal, and what it takes from there.

use super::journal::{Journal, Waypoint};
use super::solve::Solved;
use crate::solver::Status;

/// The log-likelihood per held-out bin of every strength and target of a fold.
pub(super) type Scores = Vec<Vec<f64>>;

/// How a fit ended that did not do so by itself.
pub(super) type Cut = Option<Status>;

/// The journal of a cross-validation.
pub(super) struct Noted<'j> {
    pub(super) journal: &'j Journal,
    pub(super) n_strengths: usize,
    pub(super) n_targets: usize,
}

/// What a part of the work came to, if it is done with.
pub(super) fn solved_of(part: &Journal) -> Option<Vec<Solved>> {
    part.done()?.iter().map(Waypoint::solved).collect()
}

/// Whether a fit ended by itself: one that ran out of time or of iterations would have come further, and is nothing to go on from.
pub(super) fn is_final(status: Status) -> bool {
    !matches!(status, Status::Stopped | Status::MaxIterations)
}

/// Says of a target that converged with a strength that was chosen without all scores how the fits ended that could not be scored: with
/// more time or iterations another strength may be better.
pub(super) fn unsettle(status: &mut Status, warnings: &mut Vec<String>, cut: Cut) {
    let Some(cut) = cut else { return };
    let what = if cut == Status::Stopped { "time" } else { "iterations" };
    warnings.push(format!(
        "cross-validation: fits ran out of {what} before they could be scored, so that another strength may be better; give more {what}"
    ));
    if *status == Status::Converged {
        *status = cut;
    }
}

/// Notes that a part of the work is done with, unless some of it ran out of time or of iterations.
pub(super) fn keep_solved(part: &Journal, solved: &[Solved]) {
    if part.is_kept() && solved.iter().all(|own| is_final(own.status)) {
        part.finish(solved.iter().enumerate().map(|(target, own)| Waypoint::of(target, own)).collect());
    }
}

impl Noted<'_> {
    /// Where the fits to all bins came to, one for each strength, if all are done with.
    pub(super) fn path(&self) -> Option<Vec<Vec<Solved>>> {
        let of_strength = |k: usize| {
            let solved = solved_of(&self.journal.within(format!("strength {k}")))?;
            (solved.len() == self.n_targets).then_some(solved)
        };
        (0..self.n_strengths).map(of_strength).collect()
    }

    /// The scores of a fold that is done with.
    pub(super) fn scores(&self, fold: usize) -> Option<Scores> {
        let noted = self.fold(fold).done()?;
        let scores: Scores = noted.into_iter().map(|own| own.coef).collect();
        let fits = scores.len() == self.n_strengths && scores.iter().all(|own| own.len() == self.n_targets);
        fits.then_some(scores)
    }

    /// Notes the scores of a fold.
    pub(super) fn keep_scores(&self, fold: usize, scores: &[Vec<f64>]) {
        if !self.journal.is_kept() {
            return;
        }
        let of_strength = |(target, scores): (usize, &Vec<f64>)| Waypoint {
            target,
            coef: scores.clone(),
            intercept: Vec::new(),
            iterations: 0,
            passes: 0,
            status: Some(Status::Converged),
            scale: 1.0,
        };
        self.fold(fold).finish(scores.iter().enumerate().map(of_strength).collect());
    }

    fn fold(&self, fold: usize) -> Journal {
        self.journal.within(format!("fold {fold}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glm::{Entries, StartPoint};

    fn solved(status: Status) -> Solved {
        Solved { point: StartPoint { coef: vec![0.5, -1.0], intercept: 2.0 }, status, scale: 1.5 }
    }

    #[test]
    fn what_is_done_with_comes_back_and_what_ran_out_of_time_does_not() {
        let journal = Journal::new(Entries::default());
        let noted = Noted { journal: &journal, n_strengths: 2, n_targets: 1 };
        keep_solved(&journal.within("strength 0"), &[solved(Status::Converged)]);
        keep_solved(&journal.within("strength 1"), &[solved(Status::Stopped)]);
        assert!(noted.path().is_none());
        keep_solved(&journal.within("strength 1"), &[solved(Status::MaxIterations)]);
        assert!(noted.path().is_none());
        keep_solved(&journal.within("strength 1"), &[solved(Status::Stalled)]);
        let path = noted.path().unwrap();
        assert_eq!(
            (path[0][0].point.clone(), path[1][0].status),
            (solved(Status::Stalled).point, Status::Stalled)
        );
        let scores = vec![vec![0.25], vec![f64::NAN]];
        noted.keep_scores(3, &scores);
        let back = noted.scores(3).unwrap();
        assert!(back[0] == [0.25] && back[1][0].is_nan() && noted.scores(2).is_none());
        assert!(Noted { n_targets: 2, ..noted }.scores(3).is_none(), "of another number of targets");
    }
}
