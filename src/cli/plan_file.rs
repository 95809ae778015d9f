//! `--plan FILE`: the plan of an earlier fit, from its result or from a file of its own.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::args::FitArgs;
use super::cost_constants;
use crate::error::shortened;
use crate::glm::{Plan, PlanFrom};
use crate::write::json::read_json;
use crate::{Error, Result};

/// What decides how a fit is carried out: a plan, measured speeds, or nothing but sizes.
pub(super) fn plan_from(args: &FitArgs) -> Result<PlanFrom> {
    if let Some(path) = &args.plan {
        return Ok(PlanFrom::Plan(Box::new(read(path)?)));
    }
    match &args.cost_constants {
        Some(path) => Ok(PlanFrom::Constants(cost_constants::read(path)?)),
        None => Ok(PlanFrom::Sizes),
    }
}

/// The same for one of several groups of targets that are fitted one after the other.
pub(super) fn of_group(from: &PlanFrom, group: usize, n_groups: usize) -> Result<PlanFrom> {
    match from {
        PlanFrom::Plan(plan) => Ok(PlanFrom::Plan(Box::new(plan.of_group(group, n_groups)?.clone()))),
        other => Ok(other.clone()),
    }
}

/// An error about a plan or speeds, with the file that they are from.
pub(super) fn in_file(args: &FitArgs, error: Error) -> Error {
    match (error, args.plan.as_ref().or(args.cost_constants.as_ref())) {
        (Error::Argument { what, expected, found, help }, Some(path))
            if what.starts_with("plan.") || what.starts_with("speeds.") =>
        {
            let problem = format!("expected {expected}, found {found}");
            Error::object(path, what, problem, help)
        }
        (other, _) => other,
    }
}

fn read(path: &Path) -> Result<Plan> {
    let mut document: Value = read_json(path)?;
    let plan = match document.get_mut("plan") {
        Some(plan) => plan.take(),
        None => document,
    };
    Plan::deserialize(plan).map_err(|error| Error::Format {
        path: path.to_path_buf(),
        expected: "the result of a fit, or the plan in one".into(),
        found: format!("something else ({})", shortened(error.to_string())),
        help: "give the fit.json that `rheobase fit --out` wrote, or what --json prints".into(),
    })
}
