//! The question as it is put to an objective: of a target of its own loss, or of classes, whose predictors one loss couples.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::{Limits, Rows, Separation, Sides, find};
use crate::Result;
use crate::backend::{Backend, Classes, Every, Observed, POINTWISE_SUMS, Shown, Sweep};
use crate::design::Design;
use crate::math::contrasts::Contrasts;
use crate::objective::glm::is_exact;
use crate::objective::{ClassObjective, GlmObjective, Objective, Penalty};
use crate::observation::Recession;

/// The rows of a design on a backend, with the response of one target.
struct Shows<'f, 'a, B: Backend> {
    on: &'a B,
    design: &'f Design<'a, B>,
    sweep: Sweep<'f>,
    observed: Observed<'f, B::Array<'a>>,
    n_passes: usize,
}

impl<B: Backend> Rows for Shows<'_, '_, B> {
    fn n_rows(&self) -> usize {
        self.design.n_rows
    }

    fn show(&mut self, look: &(dyn Fn(&Shown) + Sync)) -> Result<bool> {
        self.n_passes += 1;
        let (on, design, observed, all) = (self.on, self.design, self.observed, AtomicBool::new(true));
        on.pass(self.sweep, &POINTWISE_SUMS, &|work, rows| {
            design.stop.check()?;
            if design.matrix().is_none() {
                for (first, block) in design.columns() {
                    block.write(on, work, rows.clone(), first);
                }
            }
            if !on.show(work, rows, design.matrix(), observed, look) {
                all.store(false, Ordering::Relaxed);
            }
            Ok(())
        })?;
        Ok(all.into_inner())
    }
}

/// What is asked of a loss.
struct Question<'q> {
    kind: Recession,
    contrasts: Option<Contrasts>,
    /// Parameters of a block.
    of_block: usize,
    roundings: &'q [f64],
    penalty: &'q Penalty,
    has_intercept: bool,
    hints: [&'q [f64]; 2],
    until: Option<Instant>,
}

impl Question<'_> {
    /// The answer, if it was found in time; and the passes that it took.
    fn ask<'a, B: Backend>(
        self,
        on: &'a B,
        design: &Design<'a, B>,
        (sweep, observed): (Sweep, Observed<B::Array<'a>>),
    ) -> Result<(Option<Separation>, usize)> {
        if self.kind == Recession::Never {
            return Ok((Some(Separation::Bounded), 0));
        }
        if !is_exact::<B>() || !design.whitening.is_empty() {
            return Ok((Some(Separation::Undecided), 0));
        }
        let sides = Sides::new(self.kind, self.contrasts, self.of_block, self.roundings);
        let limits = Limits { stop: design.stop.clone(), until: self.until, bytes: design.limit_bytes };
        let mut rows = Shows { on, design, sweep, observed, n_passes: 0 };
        let found = find(&mut rows, &sides, (self.penalty, self.has_intercept), self.hints, &limits)?;
        Ok((found, rows.n_passes))
    }
}

impl<B: Backend> GlmObjective<'_, B> {
    /// See [`Objective::separation`].
    pub(in crate::objective) fn find_recession(
        &mut self,
        target: usize,
        hints: [&[f64]; 2],
        until: Option<Instant>,
    ) -> Result<Separation> {
        if let Some(known) = self.separations.get(&target) {
            return Ok(known.clone());
        }
        let question = Question {
            kind: self.recession(),
            contrasts: None,
            of_block: self.n_parameters(),
            roundings: &self.roundings,
            penalty: self.penalty_of(target),
            has_intercept: self.has_intercept,
            hints,
            until,
        };
        let targets = [target];
        let rows = (self.sweep(Every::ROW, &targets), self.observed());
        let (found, n_passes) = question.ask(self.on, &self.design, rows)?;
        self.passes += n_passes;
        self.separations.extend(found.clone().map(|found| (target, found)));
        Ok(found.unwrap_or(Separation::Undecided))
    }
}

impl<B: Classes> ClassObjective<'_, B> {
    /// See [`Objective::separation`].
    pub(in crate::objective) fn find_recession(
        &mut self,
        hints: [&[f64]; 2],
        until: Option<Instant>,
    ) -> Result<Separation> {
        if let Some(known) = &self.separation {
            return Ok(known.clone());
        }
        let question = Question {
            kind: self.recession(),
            contrasts: Some(self.contrasts.clone()),
            of_block: self.of_block(),
            roundings: &self.roundings,
            penalty: &self.penalty,
            has_intercept: self.has_intercept,
            hints,
            until,
        };
        let rows = (self.sweep(Every::ROW, &[0]), self.observed());
        let (found, n_passes) = question.ask(self.on, &self.design, rows)?;
        self.passes += n_passes;
        self.separation.clone_from(&found);
        Ok(found.unwrap_or(Separation::Undecided))
    }
}
