//! What fits labels: the CPU, or a GPU that is asked for.
//!
//! Estimates of what a GPU is worth are those of other models, so that one is not taken unasked.

use super::super::args::{Common, Precision};
use super::super::engine::{Engine, Wish};
use super::super::machine::processor;
use super::super::run::in_pool;
#[cfg(feature = "gpu")]
use crate::backend::Gpu;
use crate::backend::{Classes, Cpu};
use crate::design::DesignPlan;
use crate::glm::{CategoricalSpec, CrossValidation, FittedCategorical, Labelled};
use crate::{Error, Result, solver};

/// Where fits are computed.
pub(super) enum Device {
    Single(Cpu<f32>),
    Double(Cpu<f64>),
    #[cfg(feature = "gpu")]
    Gpu(Box<Gpu>),
}

impl Device {
    /// The one that was asked for.
    pub(super) fn new(common: &Common) -> Result<Self> {
        let wish = Wish::new(common, None)?;
        if let Wish::Gpu(name) = wish {
            return Self::gpu(name).map_err(|error| match Engine::variable(common) {
                // a wish that nobody typed is named by its variable
                Some(what) => Error::Within { what, source: Box::new(error) },
                None => error,
            });
        }
        Ok(match common.precision {
            Precision::F64 => Self::Double(Cpu::default()),
            Precision::F32 | Precision::Auto => Self::Single(Cpu::default()),
        })
    }

    #[cfg(feature = "gpu")]
    fn gpu(name: Option<String>) -> Result<Self> {
        Ok(Self::Gpu(Box::new(Gpu::open(name.as_deref())?)))
    }

    #[cfg(not(feature = "gpu"))]
    fn gpu(name: Option<String>) -> Result<Self> {
        let problem = "this program was built without the feature `gpu`".into();
        Err(Error::Device { device: name.unwrap_or_else(|| "gpu".into()), problem })
    }

    /// What it is called in results.
    pub(super) fn title(&self) -> String {
        match self {
            Self::Single(_) | Self::Double(_) => processor(),
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.facts().title(),
        }
    }

    /// One fit, with a strength by cross-validation if that is how.
    pub(super) fn fit(
        &self,
        spec: (&CategoricalSpec, Option<&CrossValidation>),
        plan: &DesignPlan,
        response: &Labelled,
        watcher: &mut (dyn FnMut(solver::Progress) + Send),
    ) -> Result<FittedCategorical> {
        match self {
            Self::Single(on) => fitted(on, spec, plan, response, watcher),
            Self::Double(on) => fitted(on, spec, plan, response, watcher),
            #[cfg(feature = "gpu")]
            Self::Gpu(on) => fitted(on.as_ref(), spec, plan, response, watcher),
        }
    }
}

fn fitted<B: Classes>(
    on: &B,
    (spec, how): (&CategoricalSpec, Option<&CrossValidation>),
    plan: &DesignPlan,
    response: &Labelled,
    watcher: &mut (dyn FnMut(solver::Progress) + Send),
) -> Result<FittedCategorical> {
    let response = std::slice::from_ref(response);
    in_pool(|| match how {
        Some(how) => spec.cross_validate(on, plan, response, how, watcher),
        None => spec.fit(on, plan, response, watcher),
    })
}
