//! Which solver, on which rows and in which numbers: by estimated cost, from constants that are compiled in or given, so
//! that the same input takes the same path.

use super::plan::{Estimate, Plan};
use super::spec::{CheckedSpec, GlmSpec, PlanFrom, SolverChoice, TOLERANCE_F64};
use crate::backend::cpu::TILE_ROWS;
use crate::backend::cpu::speeds::Speeds;
use crate::backend::{Costs, Every};
use crate::design::{DesignPlan, DeviceWork};
use crate::math::contrasts::Contrasts;
use crate::observation::Null;
use crate::{Error, Result};

/// Iterations of Newton's method on ordinary data.
const NEWTON_ITERATIONS: f64 = 8.0;
/// Passes of L-BFGS on ordinary data, and where the last digit is wanted.
const LBFGS_PASSES: f64 = 8.0;
const LBFGS_PASSES_TO_THE_END: f64 = 14.0;
/// Passes that L-BFGS is expected to need where it is slow: Newton's method takes over if it costs less than these.
const SLOW_PASSES: f64 = 100.0;
/// Below this many operations in one round of Hessians nothing is gained by avoiding them; of one target whose last digit
/// is wanted below so many, as the last steps of Newton's method bring eight digits each.
const TINY_GRAMS: f64 = 1e6;
const SMALL_GRAM: f64 = 1e8;
/// Rows per column of the flat Gram of one target; a thinner one costs more passes than it saves.
const GRAM_ROWS_PER_COLUMN: usize = 312;
/// The same where a pass costs little because nothing is written out, and rows that cost nothing to speak of.
const FREE_GRAM_ROWS_PER_COLUMN: usize = 156;
const FREE_GRAM_ROWS: usize = 1 << 17;
/// Every how many tiles a first stage on part of the rows takes: at least and at most.
const SAMPLE: [usize; 2] = [8, 16];
/// Events per parameter that such a sample must hold.
const SAMPLE_EVENTS: f64 = 60.0;
/// Rows per parameter that it must hold.
const SAMPLE_ROWS: usize = 4;

/// Speeds that replace those that are compiled in.
#[derive(Clone, Debug, PartialEq)]
pub struct CostConstants {
    /// The speeds.
    pub speeds: Speeds,
    /// Where they are from, for [`Plan::constants`].
    pub from: String,
}

impl CostConstants {
    /// Checks every speed.
    pub(super) fn check(&self) -> Result<()> {
        match self.speeds.all().into_iter().find(|(_, speed)| !(*speed > 0.0 && speed.is_finite())) {
            None => Ok(()),
            Some((name, speed)) => Err(Error::argument(
                format!("speeds.{name}"),
                "a number above 0",
                speed.to_string(),
                "measure them again with `rheobase bench --calibrate FILE`",
            )),
        }
    }
}

/// What is to be fitted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) n_rows: usize,
    pub(super) n_columns: usize,
    /// Predictors of a target, which share the columns and of which each has an intercept: 1 but for classes.
    pub(super) n_predictors: usize,
    /// Grams that a Hessian of a target is made of.
    pub(super) n_grams: usize,
    pub(super) n_targets: usize,
    /// Whether it is the only target of the response, silent ones included.
    pub(super) alone: bool,
    /// Events of the target with the fewest; see [`Null::events`].
    pub(super) fewest_events: f64,
    /// Bytes of a stored number.
    pub(super) n_bytes: usize,
    /// Columns that are not written out.
    pub(super) n_free: usize,
    /// Whether part of the rows costs less than all.
    pub(super) may_sample: bool,
    /// What a pass costs on a device.
    pub(super) on_device: Option<DeviceWork>,
}

impl Size {
    /// That of a design with so many columns to fit, in numbers of so many bytes.
    pub(super) fn new(
        plan: &DesignPlan,
        nulls: &[Null],
        n_columns: usize,
        n_bytes: usize,
        costs: &Costs,
    ) -> Self {
        let n_rows = plan.n_rows();
        let live = nulls.iter().filter(|null| !null.is_silent);
        let n_free = plan.n_unwritten(nulls.len(), costs);
        let may_sample = !plan.has_blocks(nulls.len(), costs);
        let on_device = plan.device_work(nulls.len(), costs);
        let fewest_events =
            live.clone().map(|null| null.events * n_rows as f64).min_by(f64::total_cmp).unwrap_or(0.0);
        Self {
            n_rows,
            n_columns,
            n_predictors: 1,
            n_grams: 1,
            n_targets: live.count(),
            alone: nulls.len() == 1,
            fewest_events,
            n_bytes,
            n_free,
            may_sample,
            on_device,
        }
    }

    /// That of labels with a null model: so many parameters less one of one target, and a Gram for each pair of classes.
    pub(super) fn of_classes(
        plan: &DesignPlan,
        null: Null,
        (n_columns, contrasts): (usize, &Contrasts),
        n_bytes: usize,
        costs: &Costs,
    ) -> Self {
        let n_classes = contrasts.n_classes();
        Self {
            n_predictors: contrasts.n_free(),
            n_grams: n_classes * (n_classes - 1) / 2,
            n_targets: 1,
            alone: true,
            // the design is placed for all classes
            ..Self::new(plan, &vec![null; n_classes], n_columns, n_bytes, costs)
        }
    }

    /// Columns of one predictor.
    fn columns(self) -> f64 {
        (self.n_columns + 1) as f64 / self.n_predictors as f64 - 1.0
    }

    fn gram_flop(self) -> f64 {
        let columns = self.columns();
        self.n_rows as f64 * columns * (columns + 1.0) * self.n_grams as f64
    }

    /// Whether most columns are not written out.
    fn is_free(self) -> bool {
        2.0 * self.n_free as f64 > self.columns()
    }

    pub(super) fn events_per_parameter(self) -> f64 {
        self.fewest_events / (1.0 + self.n_columns as f64)
    }

    /// Which rows the flat Gram is of: enough for one target, all for several, which share it.
    pub(super) fn gram_rows(self) -> Every {
        if !self.alone || (self.gram_flop() <= SMALL_GRAM && !self.is_free()) {
            return Every::ROW;
        }
        let n_tiles = self.n_rows.div_ceil(TILE_ROWS);
        let parameters = 1 + self.n_columns;
        let rows = if self.is_free() {
            (FREE_GRAM_ROWS_PER_COLUMN * parameters).max(FREE_GRAM_ROWS)
        } else {
            GRAM_ROWS_PER_COLUMN * parameters
        };
        Every((n_tiles / rows.div_ceil(TILE_ROWS)).max(1))
    }

    /// Which rows to begin with, if the answer on part of them is worth having: no more than hold the events it takes.
    pub(super) fn sample(self, solver: &str) -> Option<Every> {
        let [densest, sparsest] = SAMPLE;
        let parameters = 1 + self.n_columns;
        let by_events = self.fewest_events / (SAMPLE_EVENTS * parameters as f64);
        let by_rows = self.n_rows / (SAMPLE_ROWS * parameters);
        let every = (by_events as usize).min(by_rows).min(sparsest);
        (solver == "lbfgs" && self.alone && self.may_sample && every >= densest).then_some(Every(every))
    }
}

impl CheckedSpec {
    /// The plan that was given.
    pub(super) fn replayed(&self) -> Option<&Plan> {
        match &self.get().plan_from {
            PlanFrom::Plan(plan) => Some(plan),
            PlanFrom::Sizes | PlanFrom::Constants(_) => None,
        }
    }

    /// The design placed by constants or a plan, if there are some.
    pub(super) fn guided<'d>(
        &self,
        design: &DesignPlan<'d>,
        n_targets: usize,
        costs: Costs,
        n_bytes: usize,
    ) -> Result<Option<DesignPlan<'d>>> {
        let guided = match &self.get().plan_from {
            PlanFrom::Sizes => None,
            PlanFrom::Constants(given) => Some(design.clone().with_speeds(given.speeds)),
            PlanFrom::Plan(plan) => {
                // what fell back to `f64` is the CPU's
                let costs = if plan.storage == "f64" { Costs::of_cpu(costs.level) } else { costs };
                let (own, finishing) = plan.forms(design, n_targets, costs, n_bytes)?;
                let mut placed = design.clone().with_forms(costs.backend, own);
                if let Some(forms) = finishing {
                    placed = placed.with_forms(Costs::of_cpu(costs.level).backend, forms);
                }
                Some(placed)
            }
        };
        let stop = &self.get().stop;
        if !stop.is_possible() {
            return Ok(guided);
        }
        Ok(Some(guided.unwrap_or_else(|| design.clone()).stopping_at(stop.clone())))
    }

    /// The plan for a problem of this size.
    pub(super) fn chosen(&self, size: Size, costs: Costs) -> Result<Plan> {
        match &self.get().plan_from {
            PlanFrom::Sizes => Ok(choose(self.get(), size, costs, None)),
            PlanFrom::Constants(given) => Ok(choose(self.get(), size, costs, Some(given))),
            PlanFrom::Plan(plan) => plan.again(size),
        }
    }
}

/// Chooses the solver and the rows.
fn choose(spec: &GlmSpec, size: Size, costs: Costs, given: Option<&CostConstants>) -> Plan {
    // those of a file are the CPU's
    let given = given.filter(|_| costs.backend == "cpu");
    let (asked, to_the_end) = (spec.solver, spec.tolerance <= TOLERANCE_F64);
    let speeds = given.map_or(costs.speeds, |given| given.speeds);
    let (rows, columns, targets) = (size.n_rows as f64, size.columns(), size.n_targets as f64);
    let values = rows * (columns + 1.0);
    let read = match size.on_device {
        None => values * size.n_bytes as f64 / speeds.read_bytes_per_s,
        Some(own) => {
            own.read_bytes / speeds.read_bytes_per_s
                + own.flop / speeds.product_flop_per_s
                + own.resent_bytes / costs.upload_bytes_per_s
        }
    };
    let products = 4.0 * values * size.n_predictors as f64 / speeds.product_flop_per_s;
    let pass = costs.pass_s + read.max(products * targets);
    let gram_flop_per_s =
        if columns <= 16.0 { speeds.narrow_gram_flop_per_s } else { speeds.gram_flop_per_s };
    let gram = size.gram_flop() / gram_flop_per_s;
    let cholesky = (size.n_columns as f64).powi(3) / (3.0 * speeds.cholesky_flop_per_s);
    let taking_over = NEWTON_ITERATIONS * (costs.pass_s + read + gram + cholesky);
    let newton = targets * taking_over;
    // however many companions a target has
    let pass_of_one = costs.pass_s + read.max(products);
    let passes = if to_the_end { LBFGS_PASSES_TO_THE_END } else { LBFGS_PASSES };
    let lbfgs = gram / size.gram_rows().0 as f64 + cholesky + passes * pass;
    let few = if to_the_end && size.n_targets == 1 { SMALL_GRAM } else { TINY_GRAMS };
    let small = size.gram_flop() * targets <= few && !size.is_free();
    let (solver, reason) = match asked {
        _ if spec.regularizer.selects() => ("newton", "the one for penalties with kinks"),
        SolverChoice::Newton => ("newton", "asked for"),
        SolverChoice::Lbfgs => ("lbfgs", "asked for"),
        SolverChoice::Auto if small => ("newton", "as for all small fits: it takes the fewest steps"),
        SolverChoice::Auto if newton < lbfgs => ("newton", "the lower estimate"),
        SolverChoice::Auto => ("lbfgs", "the lower estimate"),
    };
    let is_single = size.n_bytes == size_of::<f32>();
    Plan {
        solver: solver.into(),
        reason: reason.into(),
        n_rows: size.n_rows,
        n_columns: size.n_columns,
        n_targets: size.n_targets,
        events_per_parameter: size.events_per_parameter(),
        estimates: vec![
            Estimate { solver: "newton".into(), seconds: newton },
            Estimate { solver: "lbfgs".into(), seconds: lbfgs },
        ],
        constants: given.map_or("compiled in", |given| &given.from).into(),
        storage: if is_single { "f32" } else { "f64" }.into(),
        whitened: false,
        gram_every: if is_single { size.gram_rows().0 } else { 1 },
        n_gram_rows: 0,
        newton_if_slow: asked == SolverChoice::Auto
            && solver == "lbfgs"
            && taking_over < SLOW_PASSES * pass_of_one,
        n_taken_over: 0,
        sample_every: size.sample(solver).map(|every| every.0),
        n_sample_rows: None,
        features: Vec::new(),
        finishing: Vec::new(),
        level: costs.level.name().into(),
        backend: costs.backend.into(),
        groups: Vec::new(),
    }
}

/// Seconds that a fit of so many targets is estimated to take with these costs, the way to the device included: the
/// better of both solvers, in numbers of single precision where they may be.
pub fn estimated_seconds(spec: &GlmSpec, plan: &DesignPlan, n_targets: usize, costs: Costs) -> f64 {
    // before the counts are looked at: targets with events in half of the bins
    let nulls = vec![Null::new(spec.model, 0.5, 1.0); n_targets];
    let size = Size::new(plan, &nulls, plan.n_columns(), size_of::<f32>(), &costs);
    seconds_of(spec, size, costs)
}

/// The same of labels with these parameters of their classes.
pub(super) fn estimated_seconds_of_classes(
    spec: &GlmSpec,
    plan: &DesignPlan,
    contrasts: &Contrasts,
    costs: Costs,
) -> f64 {
    let null = Null::new(spec.model, 1.0 / contrasts.n_classes() as f64, 1.0);
    let n_columns = contrasts.n_free() * (1 + plan.n_columns()) - 1;
    let size = Size::of_classes(plan, null, (n_columns, contrasts), size_of::<f32>(), &costs);
    seconds_of(spec, size, costs)
}

fn seconds_of(spec: &GlmSpec, size: Size, costs: Costs) -> f64 {
    let chosen = choose(spec, size, costs, None);
    let seconds = chosen.estimates.iter().map(|own| own.seconds).fold(f64::INFINITY, f64::min);
    let there = size.on_device.unwrap_or_default();
    there.sent_bytes / costs.upload_bytes_per_s + there.made_flop / costs.speeds.product_flop_per_s + seconds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Backend, Cpu};

    fn solver_of(n_rows: usize, n_columns: usize, n_targets: usize, tolerance: f64) -> String {
        let size = Size {
            n_rows,
            n_columns,
            n_predictors: 1,
            n_grams: 1,
            n_targets,
            alone: n_targets == 1,
            fewest_events: 0.1 * n_rows as f64,
            n_bytes: 4,
            n_free: 0,
            may_sample: true,
            on_device: None,
        };
        choose(&GlmSpec { tolerance, ..GlmSpec::default() }, size, Cpu::<f32>::default().costs(), None).solver
    }

    #[test]
    fn hessians_are_for_tiny_fits_and_the_last_digits_of_one_target() {
        assert_eq!(solver_of(2_000, 10, 3, 1e-10), "newton", "tiny");
        for (n_rows, n_columns, n_targets) in [(20_000, 8, 1), (50_000, 40, 1), (5_000, 16, 50)] {
            assert_eq!(solver_of(n_rows, n_columns, n_targets, 1e-10), "lbfgs");
        }
        assert_eq!(solver_of(27_820, 8, 1, 1e-16), "newton");
        assert_eq!(solver_of(50_000, 40, 1, 1e-16), "newton");
        assert_eq!(solver_of(500_000, 100, 1, 1e-16), "lbfgs");
        assert_eq!(solver_of(5_000, 16, 50, 1e-16), "lbfgs", "one Gram for all of them");
    }

    #[test]
    fn a_sample_is_no_larger_than_its_events_ask_for() {
        let sample = |n_rows: usize, fewest_events: f64, alone: bool| {
            let size = Size {
                n_rows,
                n_columns: 99,
                n_predictors: 1,
                n_grams: 1,
                n_targets: 1,
                alone,
                fewest_events,
                n_bytes: 4,
                n_free: 0,
                may_sample: true,
                on_device: None,
            };
            size.sample("lbfgs").map(|every| every.0)
        };
        assert_eq!(sample(500_000, 1e6, true), Some(16));
        assert_eq!(sample(500_000, 75_000.0, true), Some(12));
        assert_eq!(sample(500_000, 47_000.0, true), None, "more than an eighth of the rows");
        assert_eq!(sample(4_000, 1e6, true), Some(10), "by its rows");
        assert_eq!(sample(500_000, 1e6, false), None);
    }
}
