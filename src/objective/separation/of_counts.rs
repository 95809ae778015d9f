//! The question about a target of its own loss.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Rows, Separation, Sides, find};
use crate::Result;
use crate::backend::{Backend, Every, POINTWISE_SUMS, Shown};
use crate::objective::glm::is_exact;
use crate::objective::{GlmObjective, Objective};
use crate::observation::Recession;

/// The rows of a target.
struct OfTarget<'f, 'a, B: Backend> {
    f: &'f mut GlmObjective<'a, B>,
    target: usize,
}

impl<B: Backend> Rows for OfTarget<'_, '_, B> {
    fn n_rows(&self) -> usize {
        self.f.design.n_rows
    }

    fn show(&mut self, look: &(dyn Fn(&Shown) + Sync)) -> Result<bool> {
        self.f.passes += 1;
        let (f, all) = (&*self.f, AtomicBool::new(true));
        f.on.pass(f.sweep(Every::ROW, &[self.target]), &POINTWISE_SUMS, &|work, rows| {
            f.write(work, &rows);
            if !f.on.show(work, rows, f.design.matrix(), f.observed(), look) {
                all.store(false, Ordering::Relaxed);
            }
            Ok(())
        })?;
        Ok(all.into_inner())
    }
}

impl<B: Backend> GlmObjective<'_, B> {
    /// See [`Objective::separation`].
    pub(in crate::objective) fn find_recession(
        &mut self,
        target: usize,
        hints: [&[f64]; 2],
    ) -> Result<Separation> {
        let kind = self.recession();
        if kind == Recession::Never {
            return Ok(Separation::Bounded);
        }
        if !is_exact::<B>() || !self.design.whitening.is_empty() {
            return Ok(Separation::Undecided);
        }
        if let Some(known) = self.separations.get(&target) {
            return Ok(known.clone());
        }
        let sides = Sides::new(kind, None, self.n_parameters(), &self.roundings);
        let (penalty, has_intercept) = (self.penalty_of(target).clone(), self.has_intercept);
        let found = find(&mut OfTarget { f: self, target }, &sides, (&penalty, has_intercept), hints)?;
        self.separations.insert(target, found.clone());
        Ok(found)
    }
}
