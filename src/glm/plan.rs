//! Plans: how a fit is carried out, as part of its result, and the same way once more.
//!
//! A fit makes its plan from sizes and constants ([`super::GlmSpec::plan_from`]) and keeps it. Given to another fit of
//! the same problem (rows, columns, targets, features by their names) a plan decides everything that was chosen: solver,
//! rows of the Gram and of the first steps, numbers, vector instructions, and which features are written out. On one machine
//! two fits by one plan have the same bits. What is only told (reason, estimates, bytes) decides nothing.

use serde::{Deserialize, Serialize};

use super::choice::Size;
use super::spec::SolverChoice;
use crate::backend::cpu::simd::Level;
use crate::backend::{Costs, Home};
use crate::design::{DesignPlan, Form, Placement};
use crate::solver::{Lbfgs, Minimize, Newton};
use crate::{Error, Result};

/// What to do about a plan that cannot be followed.
const HELP: &str = "leave the plan out, or give that of a fit to these data with these features";

/// What to do about a plan from another kind of machine.
const OTHER_LEVEL: &str = "make its `level` empty, which takes the best of this machine";

/// Estimated cost of one solver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The solver.
    pub solver: String,
    /// Estimated seconds.
    pub seconds: f64,
}

/// How a fit was carried out, and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The solver that ran: `newton` or `lbfgs`.
    pub solver: String,
    /// Why.
    pub reason: String,
    /// Rows of the design.
    pub n_rows: usize,
    /// Columns that were fitted (constant and aliased ones left out).
    pub n_columns: usize,
    /// Targets that were fitted.
    pub n_targets: usize,
    /// Events per parameter of the target with the fewest: bins without where these are rarer, all bins where a response is
    /// any number.
    pub events_per_parameter: f64,
    /// What each solver was expected to cost.
    pub estimates: Vec<Estimate>,
    /// Where the speeds of the estimates are from: `compiled in`, or what [`super::CostConstants`] were called.
    #[serde(default)]
    pub constants: String,
    /// Numbers of the passes before the last ones in `f64`: `f32`, or `f64`.
    #[serde(default)]
    pub storage: String,
    /// Whether all columns stand in terms of uncorrelated ones where the steps before the last were computed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whitened: bool,
    /// Every how many tiles of rows the flat Gram takes that the solver starts from; 1 is all of them.
    #[serde(default)]
    pub gram_every: usize,
    /// The rows that these are.
    #[serde(default)]
    pub n_gram_rows: usize,
    /// Every how many tiles a first stage on part of the rows takes, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_every: Option<usize>,
    /// The rows that these are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_sample_rows: Option<usize>,
    /// Whether Newton's method takes over a target with which L-BFGS is slow.
    #[serde(default)]
    pub newton_if_slow: bool,
    /// The targets that it took over.
    #[serde(default)]
    pub n_taken_over: usize,
    /// The features, or the pieces that they come in, in the order of their columns.
    #[serde(default)]
    pub features: Vec<Placed>,
    /// The same for the last steps and the certificate, where those before them were computed elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub finishing: Vec<Placed>,
    /// Where the steps before the last ones were computed: `cpu` or `gpu`; empty stands for the CPU.
    #[serde(default)]
    pub backend: String,
    /// Vector instructions; empty stands for the best of the machine.
    #[serde(default)]
    pub level: String,
    /// The plans of groups of targets with designs of their own, where one result holds several: this is that of the
    /// first group with events then, for all targets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Plan>,
}

/// How neighbouring columns of a feature are placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// The feature.
    pub feature: String,
    /// Its columns.
    pub n_columns: usize,
    /// How their products are computed: `written out`, `matrix-free`, or `written again in every pass` (built or sent, of a
    /// device).
    pub form: String,
    /// Bytes that they take where they are written out, in both precisions, or on the device.
    pub n_bytes: u64,
    /// Bytes that stay for the fit: theirs, or those of signals, their spectra, or events in the order of products.
    #[serde(default)]
    pub n_bytes_kept: u64,
}

impl Placed {
    /// Whether the columns are written out, or read where they lie.
    pub fn is_written(&self) -> bool {
        self.form == Form::Written.name()
    }

    /// The sources of a design.
    pub(super) fn all(plan: &DesignPlan, n_targets: usize, costs: &Costs) -> Vec<Self> {
        let named = |own: Placement| Self {
            feature: plan.name_of(own.source).into(),
            n_columns: own.n_columns,
            form: own.form.name().into(),
            n_bytes: own.n_bytes,
            n_bytes_kept: own.n_bytes_kept,
        };
        plan.placements(n_targets, costs).into_iter().map(named).collect()
    }

    /// The forms of the sources of a design, if these are them; `list` is the field of the plan.
    fn forms(
        all: &[Self],
        list: &str,
        design: &DesignPlan,
        n_targets: usize,
        home: Home,
    ) -> Result<Vec<Form>> {
        let n_sources = design.sources().len();
        same(list, "features (or pieces of them) of these data", all.len(), n_sources)?;
        let form = |(source, placed): (usize, &Self)| {
            let field = |name: &str| format!("{list}[{source}].{name}");
            let name = design.name_of(source);
            if placed.feature != name {
                let found = format!("`{}`", placed.feature);
                return Err(wrong(&field("feature"), format!("`{name}`, as here"), found));
            }
            let what = format!("columns of `{name}`");
            same(&field("n_columns"), &what, placed.n_columns, design.sources()[source].ncols())?;
            let possible = design.possible_forms(source, n_targets, home);
            possible.iter().find(|form| form.name() == placed.form).copied().ok_or_else(|| {
                let names: Vec<String> = possible.iter().map(|form| format!("`{}`", form.name())).collect();
                let expected = format!("one of {}", names.join(", "));
                wrong(&field("form"), expected, format!("`{}`", placed.form))
            })
        };
        all.iter().enumerate().map(form).collect()
    }
}

/// An error about a field of a plan.
fn wrong(field: &str, expected: impl Into<String>, found: impl ToString) -> Error {
    refused(field, expected, found, HELP)
}

/// The same with what to do about it.
fn refused(field: &str, expected: impl Into<String>, found: impl ToString, help: &str) -> Error {
    Error::argument(format!("plan.{field}"), expected, found.to_string(), help)
}

/// A number of a plan against that of the problem.
fn same(field: &str, what: &str, own: usize, present: usize) -> Result<()> {
    if own == present { Ok(()) } else { Err(wrong(field, format!("{present}, the {what}"), own)) }
}

impl Plan {
    /// The numbers that the fit was computed in, in words.
    pub fn arithmetic(&self) -> &'static str {
        if self.storage == "f32" { "f32, finished in f64" } else { "f64" }
    }

    /// The plan of group number `group` of `n_groups` that are fitted one after the other.
    ///
    /// # Errors
    /// [`Error::Argument`] if it is one of a fit with another number of groups.
    pub fn of_group(&self, group: usize, n_groups: usize) -> Result<&Self> {
        match self.groups.len().max(1) {
            own if own != n_groups => {
                let what = format!("{n_groups}, the groups of targets that have designs of their own");
                Err(wrong("groups", what, own))
            }
            1 => Ok(self),
            _ => Ok(&self.groups[group]),
        }
    }

    /// The plans of all groups, its own if there is one.
    pub(super) fn each(&self) -> Vec<Self> {
        if self.groups.is_empty() { vec![self.clone()] } else { self.groups.clone() }
    }

    /// The vector instructions, if the plan names some.
    ///
    /// # Errors
    /// [`Error::Argument`] if this machine does not have them.
    pub fn level(&self) -> Result<Option<Level>> {
        let available = Level::available();
        match available.iter().find(|level| level.name() == self.level) {
            None if self.level.is_empty() => Ok(None),
            None => {
                let names: Vec<&str> = available.iter().map(|level| level.name()).collect();
                let what = format!("one of {}, which this machine has", names.join(", "));
                Err(refused("level", what, format!("`{}`", self.level), OTHER_LEVEL))
            }
            found => Ok(found.copied()),
        }
    }

    /// Checks what needs no problem to be checked; `asked` is the solver that was asked for beside the plan.
    pub(super) fn check(&self, asked: SolverChoice) -> Result<()> {
        if !self.groups.is_empty() {
            // what stands beside them is told, not followed
            return self.groups.iter().try_for_each(|group| group.check(asked));
        }
        let quoted = |text: &str| format!("`{text}`");
        let solvers = [Newton.name(), Lbfgs::default().name()];
        if !solvers.contains(&self.solver.as_str()) {
            return Err(wrong("solver", format!("one of {}", solvers.join(", ")), quoted(&self.solver)));
        }
        let asked = match asked {
            SolverChoice::Auto => &self.solver,
            SolverChoice::Newton => Newton.name(),
            SolverChoice::Lbfgs => Lbfgs::default().name(),
        };
        if asked != self.solver {
            let what = format!("{asked}, which is asked for beside it");
            return Err(refused("solver", what, &self.solver, "ask for no solver beside a plan"));
        }
        if !["f32", "f64"].contains(&self.storage.as_str()) {
            return Err(wrong("storage", "f32 or f64", quoted(&self.storage)));
        }
        if !["", "cpu", "gpu"].contains(&self.backend.as_str()) {
            return Err(wrong("backend", "cpu or gpu", quoted(&self.backend)));
        }
        if self.gram_every == 0 || (self.gram_every > 1 && self.storage == "f64") {
            let expected = if self.storage == "f64" { "1, as always in f64" } else { "1 or more" };
            return Err(wrong("gram_every", expected, self.gram_every));
        }
        let may_sample = self.solver == Lbfgs::default().name() && self.n_targets <= 1;
        match self.sample_every {
            Some(0) => return Err(wrong("sample_every", "1 or more", 0)),
            Some(every) if !may_sample => {
                return Err(wrong("sample_every", "nothing, but for one target with lbfgs", every));
            }
            _ => {}
        }
        self.level().map(drop)
    }

    /// The forms of the sources of a design, if it is the one that the plan was made for: `n_targets` columns of a
    /// response, at a level, by a backend whose numbers have so many bytes. On the backend first, then those of the last steps if
    /// they are others.
    pub(super) fn forms(
        &self,
        design: &DesignPlan,
        n_targets: usize,
        costs: Costs,
        n_bytes: usize,
    ) -> Result<(Vec<Form>, Option<Vec<Form>>)> {
        let level = costs.level;
        let own_backend = if self.backend.is_empty() { "cpu" } else { &self.backend };
        if self.storage == "f32" && own_backend != costs.backend {
            let help = format!("ask for --backend {own_backend}, or for none, beside this plan");
            return Err(refused("backend", costs.backend, own_backend, &help));
        }
        same("n_rows", "rows of these data", self.n_rows, design.n_rows())?;
        if self.level()?.is_some_and(|own| own != level) {
            let what = format!("{}, that of the backend", level.name());
            return Err(refused("level", what, &self.level, OTHER_LEVEL));
        }
        if self.storage == "f32" && n_bytes == size_of::<f64>() {
            let help = "ask for no other precision beside a plan";
            return Err(refused("storage", "f64, the precision that is asked for", &self.storage, help));
        }
        let forms =
            |all: &[Placed], list: &str, home: Home| Placed::forms(all, list, design, n_targets, home);
        let finishing = (!self.finishing.is_empty()).then(|| forms(&self.finishing, "finishing", Home::Host));
        Ok((forms(&self.features, "features", costs.home)?, finishing.transpose()?))
    }

    /// The same plan for a problem of the same size.
    pub(super) fn again(&self, size: Size) -> Result<Self> {
        same("n_rows", "rows of these data", self.n_rows, size.n_rows)?;
        same("n_columns", "columns to fit, neither constant nor aliased", self.n_columns, size.n_columns)?;
        same("n_targets", "targets with events", self.n_targets, size.n_targets)?;
        let (reason, events_per_parameter) = ("as an earlier fit".into(), size.events_per_parameter());
        Ok(Self { reason, events_per_parameter, ..self.clone() })
    }

    /// The error of columns that single precision cannot tell apart, as the plan asks for.
    pub(super) fn too_coarse() -> Error {
        wrong("storage", "f64, because columns of these data are nearly dependent", "f32")
    }
}
