//! The question about classes, whose predictors one loss couples.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Rows, Separation, Sides, find};
use crate::Result;
use crate::backend::{Classes, Every, POINTWISE_SUMS, Shown};
use crate::objective::glm::is_exact;
use crate::objective::{ClassObjective, Objective};
use crate::observation::Recession;

/// The rows of all classes.
struct OfClasses<'f, 'a, B: Classes>(&'f mut ClassObjective<'a, B>);

impl<B: Classes> Rows for OfClasses<'_, '_, B> {
    fn n_rows(&self) -> usize {
        self.0.design.n_rows
    }

    fn show(&mut self, look: &(dyn Fn(&Shown) + Sync)) -> Result<bool> {
        self.0.passes += 1;
        let (f, all) = (&*self.0, AtomicBool::new(true));
        f.on.pass(f.sweep(Every::ROW, &[0]), &POINTWISE_SUMS, &|work, rows| {
            f.write(work, &rows);
            if !f.on.show(work, rows, f.design.matrix(), f.observed(), look) {
                all.store(false, Ordering::Relaxed);
            }
            Ok(())
        })?;
        Ok(all.into_inner())
    }
}

impl<B: Classes> ClassObjective<'_, B> {
    /// See [`Objective::separation`].
    pub(in crate::objective) fn find_recession(&mut self, hints: [&[f64]; 2]) -> Result<Separation> {
        let kind = self.recession();
        if kind == Recession::Never {
            return Ok(Separation::Bounded);
        }
        if !is_exact::<B>() || !self.design.whitening.is_empty() {
            return Ok(Separation::Undecided);
        }
        if let Some(known) = &self.separation {
            return Ok(known.clone());
        }
        let sides = Sides::new(kind, Some(self.contrasts.clone()), self.of_block(), &self.roundings);
        let (penalty, has_intercept) = (self.penalty.clone(), self.has_intercept);
        let found = find(&mut OfClasses(self), &sides, (&penalty, has_intercept), hints)?;
        self.separation = Some(found.clone());
        Ok(found)
    }
}
