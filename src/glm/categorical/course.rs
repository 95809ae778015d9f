//! A fit to labels: checks, what is known before the first step, and the objectives.

use std::time::Instant;

use super::fitted::{ClassFit, FittedCategorical};
use super::null::{ClassNull, null_hessian, null_models, null_of};
use super::penalty::{ClassPenalty, contrasts};
use super::response::Labelled;
use super::spec::CategoricalSpec;
use super::start::ClassPoint;
use crate::backend::{Backend, Classes, Cpu, Every, Home};
use crate::design::{Column, DesignPlan, Offset};
use crate::glm::certificate::INFERENCE_LIMIT;
use crate::glm::choice::Size;
use crate::glm::fit::CERTAIN;
use crate::glm::fitted::Seconds;
use crate::glm::identifiability::Identifiability;
use crate::glm::plan::{Placed, Plan};
use crate::glm::rank::{Rank, varying};
use crate::glm::spec::StandardErrors;
use crate::math::contrasts::Contrasts;
use crate::math::dense::Matrix;
use crate::objective::{ClassObjective, Packed, Weight, bytes_of_grams};
use crate::solver::{Metric, Progress};
use crate::{Error, Result};

/// A fit in progress: everything but the parameters.
pub(super) struct Course<'a, 'd> {
    pub(super) spec: &'a CategoricalSpec,
    pub(super) plan: &'a DesignPlan<'d>,
    pub(super) response: &'a Labelled,
    pub(super) contrasts: Contrasts,
    pub(super) varying: Vec<usize>,
    pub(super) rank: Rank,
    pub(super) penalty: ClassPenalty,
    pub(super) metric: Metric,
    /// No effect of any feature: the null model, without intercepts classes that are equal.
    pub(super) without_features: ClassNull,
    /// Where to begin, if that is given.
    pub(super) near: Option<&'a ClassPoint>,
    /// Why standard errors are left out, if they are.
    pub(super) left_out: Option<String>,
    /// Whether the numbers before the last steps are those of a device.
    pub(super) is_on_device: bool,
}

/// Objectives of a fit.
pub(super) struct Views<'v, 'f, B: Classes> {
    /// In the numbers of the backend, if these are not `f64`.
    pub(super) fast: Option<ClassObjective<'v, B>>,
    /// Over the members of the basis, in `f64`.
    pub(super) exact: &'f mut ClassObjective<'v, Cpu<f64>>,
    /// Over the columns that vary, if these are not the members.
    pub(super) all: Option<&'f mut ClassObjective<'v, Cpu<f64>>>,
    /// Over the columns that vary, for a history, which a solver asks for while it has the others.
    pub(super) beside: Option<ClassObjective<'v, Cpu<f64>>>,
}

/// One fitted target, and what it took.
pub(super) struct Fitted {
    pub(super) target: ClassFit,
    pub(super) plan: Plan,
    pub(super) condition: f64,
    pub(super) rank: usize,
    pub(super) identifiability: Option<Identifiability>,
    pub(super) left_out: Option<String>,
    pub(super) seconds: Seconds,
}

impl CategoricalSpec {
    /// Fits the labels of every target to the rows of the design that the plan uses, each target on its own.
    ///
    /// # Errors
    /// [`Error::Length`] if response and design have different numbers of bins; [`Error::Empty`] for a used bin without a label,
    /// fewer than two classes, and a class that no used bin has; [`Error::Argument`] for more than 256 classes, for an offset that has
    /// not a number for each class, and for a start of other columns or classes; [`Error::Memory`] if the design is larger than allowed;
    /// [`Error::Gpu`] if a device fails. Not arriving is a status, not an error.
    ///
    /// ```
    /// use ndarray::array;
    /// use rheobase::backend::Cpu;
    /// use rheobase::design::{DesignPlan, Source};
    /// use rheobase::glm::{CategoricalSpec, GlmSpec, Labelled};
    /// use rheobase::observation::Label;
    ///
    /// let x = array![[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]];
    /// let labels = ["left", "right", "left", "stop", "right", "stop"].map(|text| Some(Label::from(text)));
    /// let source = Source { name: "x".into(), labels: vec!["x".into()], x: x.view().into() };
    /// let plan = DesignPlan::new(vec![source], 0..6)?;
    /// let response = [Labelled::learn("turn", labels)];
    /// let spec = CategoricalSpec::new(GlmSpec::default())?;
    /// let fitted = spec.fit(&Cpu::<f64>::default(), &plan, &response, &mut |_| {})?;
    /// assert!(fitted.converged());
    /// assert_eq!(fitted.targets[0].coef.len(), 3);
    /// # Ok::<(), rheobase::Error>(())
    /// ```
    pub fn fit<B: Classes>(
        &self,
        on: &B,
        plan: &DesignPlan,
        response: &[Labelled],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<FittedCategorical> {
        let started = Instant::now();
        let (mut fits, n_targets) = (Vec::with_capacity(response.len()), response.len());
        self.check_start(plan.n_columns(), response)?;
        for (k, target) in response.iter().enumerate() {
            let spec = self.of_target(k, n_targets)?;
            let mut of_all = |at: Progress| {
                progress(Progress { n_active: at.n_active + n_targets - 1 - k, ..at });
            };
            let keeps_history = k < self.get().n_histories;
            let spec = spec.of_part(format!("target {k}"))?;
            let noted = spec.get().journal.points().remove(&0).map(ClassPoint::from);
            let noted = noted.filter(|point| point.check(plan.n_columns(), target.classes().len()).is_ok());
            let near = (target, noted.as_ref().or(self.start().get(k)));
            let own = spec.fit_target(on, plan, near, (started, keeps_history), &mut of_all)?;
            fits.push((self.fitted(plan, own), vec![k]));
        }
        FittedCategorical::of_groups(plan.layout(), fits)
    }

    /// The fit of one target as a result.
    fn fitted(&self, plan: &DesignPlan, own: Fitted) -> FittedCategorical {
        let layout = plan.layout();
        FittedCategorical {
            regularizer: self.get().regularizer.clone(),
            solver: own.plan.solver.clone(),
            tolerance: self.get().tolerance,
            has_intercept: self.get().has_intercept,
            has_offset: plan.offset().is_some(),
            features: layout.features.clone(),
            labels: layout.labels.clone(),
            condition: own.condition,
            rank: own.rank,
            identifiability: own.identifiability,
            inference_left_out: own.left_out,
            seconds: own.seconds,
            plan: own.plan,
            targets: vec![own.target],
        }
    }

    fn fit_target<B: Classes>(
        &self,
        on: &B,
        plan: &DesignPlan,
        (response, near): (&Labelled, Option<&ClassPoint>),
        (started, keeps_history): (Instant, bool),
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Fitted> {
        let not_centred = (!self.get().has_intercept).then(|| plan.without_intercept());
        let plan = not_centred.as_ref().unwrap_or(plan);
        let (n_classes, begun) = (response.classes().len(), Instant::now());
        let guided = self.checked().guided(plan, n_classes, on.costs(), size_of::<B::Scalar>())?;
        let plan = guided.as_ref().unwrap_or(plan);
        self.check_inputs(plan, response)?;
        let contrasts = contrasts(&self.get().regularizer, n_classes);
        self.check_memory(on, plan, &contrasts)?;
        let (totals, null, without_features) = null_models(plan, response, &contrasts)?;
        let varying = varying(plan);
        let mut penalty = ClassPenalty::new(self.checked(), plan, &varying, n_classes);
        let numbers = response.numbers();
        let y = Packed::new(numbers.view(), plan.rows());
        let own: Vec<Column> = varying.iter().map(|&column| Column::Source(column)).collect();
        let mut exact = ClassObjective::new(on.exact(), plan, &own, &y, contrasts.clone())?;
        let mut gram = exact.flat_gram(Every::ROW, Weight::Flat)?;
        let mut rank = if penalty.of_block.is_none() {
            // weights change no relation between columns, but what they leave of them
            let own = plan.weights().map(|_| exact.flat_gram(Every::ROW, Weight::One)).transpose()?;
            Rank::new(plan, &varying, &without_intercept(own.as_ref().unwrap_or(&gram)))
        } else {
            Rank::plain(plan, &varying)
        };
        let found = Identifiability::new(plan, &varying, &rank, &penalty.of_block);
        let identifiability = penalty.of_block.is_none().then_some(found);
        rank.aliased.extend(penalty.anchor(plan, &gram));
        rank.aliased.sort_unstable();
        rank.aliased.dedup();
        let mut members = None;
        if !rank.is_whole(&varying) {
            let objective = ClassObjective::new(on.exact(), plan, &rank.columns(), &y, contrasts.clone())?;
            let mut objective = objective.with_roundings(rank.roundings());
            gram = objective.flat_gram(Every::ROW, Weight::Flat)?;
            members = Some(objective);
        }
        let null = null_of(&totals, null.loss);
        let (on_parameters, recession) = (penalty.blocks(contrasts.n_free()), penalty.recession());
        let of_null = null_hessian(&without_features.curvature, &gram, plan.has_intercept());
        let Some(metric) = Metric::new(of_null, &on_parameters, vec![null]) else {
            return Err(Error::argument(
                "features",
                "columns that can be centred and scaled",
                "values that overflow",
                "divide the largest features by a power of ten",
            ));
        };
        let (is_plain, is_apart) = (rank.is_whole(&varying), metric.smallest_pivot() > CERTAIN);
        let mut fast = None;
        let replayed = self.checked().replayed();
        let may_be_fast =
            size_of::<B::Scalar>() < size_of::<f64>() && replayed.is_none_or(|own| own.storage == "f32");
        if may_be_fast && !(is_plain && is_apart) && replayed.is_some() {
            return Err(Plan::too_coarse());
        }
        if may_be_fast && is_plain && is_apart {
            let mut objective = ClassObjective::new(on, plan, &own, &y, contrasts.clone())?;
            objective.set_penalty(&on_parameters, recession);
            fast = Some(objective);
        }
        let n_parameters = contrasts.n_free() * gram.nrows();
        let costs = if fast.is_some() { on.costs() } else { on.exact().costs() };
        let n_bytes = if fast.is_some() { size_of::<B::Scalar>() } else { size_of::<f64>() };
        let size = Size::of_classes(plan, null, (n_parameters - 1, &contrasts), n_bytes, &costs);
        let mut chosen = Plan { sample_every: None, gram_every: 1, ..self.checked().chosen(size, costs)? };
        chosen.n_gram_rows = plan.n_rows();
        chosen.features = Placed::all(plan, n_classes, &costs);
        if costs.home != Home::Host {
            chosen.finishing = Placed::all(plan, n_classes, &on.exact().costs());
        }
        let left_out = self.inference_left_out(plan, gram.nrows(), n_classes);
        let course = Course {
            spec: self,
            plan,
            response,
            contrasts,
            varying: varying.clone(),
            rank,
            penalty,
            metric,
            without_features,
            near,
            left_out,
            is_on_device: fast.is_some() && costs.home != Home::Host,
        };
        let (exact, all) = match &mut members {
            Some(members) => (members, Some(&mut exact)),
            None => (&mut exact, None),
        };
        exact.set_penalty(&on_parameters, recession);
        let beside = |()| ClassObjective::new(on.exact(), plan, &own, &y, course.contrasts.clone());
        let beside = keeps_history.then_some(()).map(beside).transpose()?;
        let views = Views { fast, exact, all, beside };
        let mut found = course.run(chosen, views, started, progress)?;
        found.seconds.fit = begun.elapsed().as_secs_f64() - found.seconds.inference - found.seconds.history;
        found.identifiability = identifiability;
        Ok(found)
    }

    /// Checks shapes and labels.
    fn check_inputs(&self, plan: &DesignPlan, response: &Labelled) -> Result<()> {
        if let Some(source) = plan.sources().first()
            && source.nrows() != response.n_bins()
        {
            return Err(Error::Length {
                what: "bins of the response, as the features have".into(),
                expected: source.nrows(),
                found: response.n_bins(),
            });
        }
        let n_classes = response.classes().len();
        if let Some(n) = plan.offset().map(Offset::n_numbers).filter(|&n| n != n_classes) {
            let expected = format!("{n_classes} numbers per bin, one for each class");
            let help =
                "give the classes in their order; what is common to all of them changes no probability";
            return Err(Error::argument("offset", expected, format!("{n} per bin"), help));
        }
        self.checked().check_blocks(plan)?;
        let features: Vec<[usize; 2]> = plan.layout().features.iter().map(|own| own.columns).collect();
        self.get().regularizer.check_columns(plan.n_columns(), &features)?;
        response.check(plan.rows())
    }

    /// Whether the design, and what a Hessian takes while it is made, are as small as allowed: the last steps and the certificate
    /// have one whatever the solver is.
    fn check_memory<B: Classes>(&self, on: &B, plan: &DesignPlan, contrasts: &Contrasts) -> Result<()> {
        let (n_classes, p) = (contrasts.n_classes(), 1 + plan.n_columns());
        let n_parameters = (p * contrasts.n_free()) as u64;
        // a Hessian, its factor, the metric and its factor
        let of_matrices =
            n_parameters.saturating_mul(n_parameters).saturating_mul(4 * size_of::<f64>() as u64);
        let needed_bytes = plan
            .needed_bytes(n_classes, size_of::<B::Scalar>(), &on.costs())
            .saturating_add(of_matrices)
            .saturating_add(bytes_of_grams(n_classes, p, plan.n_rows()));
        match self.get().memory_limit_bytes {
            Some(limit_bytes) if needed_bytes > limit_bytes => {
                let what = "the design and the matrices of all classes".into();
                Err(Error::Memory { what, needed_bytes, limit_bytes })
            }
            _ => Ok(()),
        }
    }

    /// Why there are no standard errors, if there are none, from the parameters of a predictor and the number of classes.
    fn inference_left_out(&self, plan: &DesignPlan, p: usize, n_classes: usize) -> Option<String> {
        let pairs = n_classes * (n_classes - 1) / 2;
        // of every pair of classes a Gram, whose weights are one product for each row
        let cost = plan.n_rows() as f64 * (p * (p + 1)) as f64 * pairs as f64;
        match self.get().standard_errors {
            StandardErrors::Off => Some("not asked for".into()),
            StandardErrors::Auto if cost > INFERENCE_LIMIT => Some(format!(
                "rows x columns x (columns + 1) x pairs of classes = {cost:.1e} is above {INFERENCE_LIMIT:.0e}; \
                 `--standard-errors on` computes them all the same"
            )),
            _ => None,
        }
    }
}

/// The Gram of the columns alone.
fn without_intercept(gram: &Matrix) -> Matrix {
    let p = gram.nrows() - 1;
    Matrix::from_shape_fn((p, p), |(i, j)| gram[(1 + i, 1 + j)])
}
