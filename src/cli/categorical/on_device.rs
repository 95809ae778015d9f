//! What a device asks about a fit to labels.

use std::time::Instant;

use super::super::engine_gpu::{OnDevice, in_time_left};
use super::work::ClassWork;
use crate::Result;
use crate::backend::Costs;
use crate::error::Reached;
use crate::glm::{CategoricalSpec, FittedCategorical, Plan, PlanFrom};

impl OnDevice for ClassWork<'_, '_> {
    fn estimated_seconds(&self, costs: Costs) -> f64 {
        self.spec.estimated_seconds(self.plan, self.response.classes().len(), costs)
    }

    fn follows_plan(&self) -> bool {
        matches!(self.spec.get().plan_from, PlanFrom::Plan(_))
    }

    /// Begins again: a device that is lost does not say how far the classes had come.
    fn going_on(&self, _: &[Reached], started: Instant) -> Result<Self> {
        Ok(Self { spec: CategoricalSpec::new(in_time_left(self.spec.get(), started))?, ..*self })
    }

    fn count(&self, _: &mut FittedCategorical, _: &[Reached]) {}

    fn plan_of(fitted: &FittedCategorical) -> &Plan {
        &fitted.plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::cpu::simd::Level;
    use crate::backend::gpu::costs;
    use crate::design::{DesignPlan, Source};
    use crate::glm::{GlmSpec, Labelled, SolverChoice};

    /// Seconds of a fit on a CPU and on a GPU.
    fn seconds(n_rows: usize, n_columns: usize, n_classes: usize) -> [f64; 2] {
        let x = ndarray::Array2::from_shape_fn((n_rows, n_columns), |(i, j)| ((i * (j + 2)) as f64).sin());
        let labels = (0..n_columns).map(|j| format!("x{j}")).collect();
        let plan = DesignPlan::new(vec![Source { name: "x".into(), labels, x: x.view().into() }], 0..n_rows);
        let plan = plan.unwrap();
        let response = Labelled::learn("y", (0..n_rows).map(|row| Some(((row % n_classes) as i64).into())));
        let spec = GlmSpec { solver: SolverChoice::Newton, ..GlmSpec::default() };
        let spec = CategoricalSpec::new(spec).unwrap();
        let work = ClassWork { spec, how: None, plan: &plan, response: &response };
        [Costs::of_cpu(Level::best()), costs::of_kind("discrete", Level::best())]
            .map(|costs| work.estimated_seconds(costs))
    }

    #[test]
    fn a_gpu_pays_where_many_pairs_of_classes_have_grams() {
        let [cpu, gpu] = seconds(400, 3, 3);
        assert!(cpu < gpu, "{cpu} {gpu}");
        let [few, _] = seconds(20_000, 40, 2);
        let [cpu, gpu] = seconds(20_000, 40, 20);
        assert!(1.5 * gpu < cpu, "{cpu} {gpu}");
        assert!(cpu > 20.0 * few, "190 Grams for one: {few} {cpu}");
    }
}
