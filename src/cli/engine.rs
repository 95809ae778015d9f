//! Where a fit is computed: the CPU, or a GPU that is asked for or worth its upload.
//!
//! With `auto` a GPU is looked for only where the estimates say that it pays; one that is missing or fails is a note, and
//! the CPU does the work. A fit whose device is lost goes on on a fresh one, once. With `gpu` a failure is an error.

use super::args::{BackendChoice, Common, Precision};
use super::machine::processor;
use super::run::in_pool;
use crate::backend::cpu::simd::Level;
use crate::backend::{Cpu, DeviceEvent};
use crate::glm::fallback::{Watcher, Work};
use crate::glm::{GlmSpec, PlanFrom};
use crate::{Error, Result};

#[cfg(feature = "gpu")]
use super::engine_gpu as gpu;
#[cfg(feature = "gpu")]
use crate::glm::fallback::Turn;

pub(super) use crate::glm::TargetWork;

/// What computed a fit.
#[derive(Clone, Debug)]
pub(super) struct Device {
    /// What it is called.
    pub(super) title: String,
    /// What happened to it on the way.
    pub(super) events: Vec<DeviceEvent>,
}

/// What fits, with its scratch.
pub(super) struct Engine {
    precision: Precision,
    level: Level,
    #[cfg(feature = "gpu")]
    gpu: gpu::Choice,
    single: Option<Cpu<f32>>,
    double: Option<Cpu<f64>>,
    /// What computed the first fit.
    device: Option<String>,
    notices: Vec<String>,
}

impl Engine {
    /// The engine for what was asked, with the vector instructions of a plan.
    pub(super) fn new(common: &Common, spec: &GlmSpec) -> Result<Self> {
        let plan = if let PlanFrom::Plan(plan) = &spec.plan_from { Some(plan) } else { None };
        let level = plan.map(|plan| plan.level()).transpose()?.flatten().unwrap_or_else(Level::best);
        let wish = Wish::new(common, plan.map(|plan| plan.backend.as_str()))?;
        // a wish that nobody typed is named by its variable
        let named = |error| match Self::variable(common) {
            Some(what) => Error::Within { what, source: Box::new(error) },
            None => error,
        };
        #[cfg(feature = "gpu")]
        let gpu = gpu::Choice::new(wish).map_err(named)?;
        #[cfg(not(feature = "gpu"))]
        if let Wish::Gpu(device) = wish {
            let problem = "this program was built without the feature `gpu`".into();
            return Err(named(Error::Device { device: device.unwrap_or_else(|| "gpu".into()), problem }));
        }
        Ok(Self {
            precision: common.precision,
            level,
            #[cfg(feature = "gpu")]
            gpu,
            single: None,
            double: None,
            device: None,
            notices: Vec::new(),
        })
    }

    /// The variable that asks for a GPU, with its value, if one does.
    pub(super) fn variable(common: &Common) -> Option<String> {
        let said = |option: &str, value: &str| {
            common.environment.variable(option).map(|variable| format!("{variable}={value}"))
        };
        match &common.device {
            Some(device) => said("device", device),
            None if common.backend == BackendChoice::Gpu => said("backend", "gpu"),
            None => None,
        }
    }

    /// Fits on the GPU if that is where to fit, else on the CPU.
    pub(super) fn fit<W: Work>(&mut self, work: W, watcher: &mut Watcher) -> Result<W::Fitted> {
        #[cfg(feature = "gpu")]
        let work = match self.gpu.fit(work, watcher, &mut self.notices)? {
            Turn::Fitted(fitted) => {
                let title = self.gpu.title().filter(|_| W::plan_of(&fitted).backend == "gpu");
                self.device.get_or_insert_with(|| title.unwrap_or_else(processor));
                return Ok(*fitted);
            }
            Turn::Cpu(work) => *work,
        };
        self.device.get_or_insert_with(processor);
        let level = self.level;
        match self.precision {
            Precision::F64 => {
                let on = self.double.get_or_insert_with(|| Cpu::at(level));
                in_pool(|| work.fit(on, watcher))
            }
            Precision::F32 | Precision::Auto => {
                let on = self.single.get_or_insert_with(|| Cpu::at(level));
                in_pool(|| work.fit(on, watcher))
            }
        }
    }

    /// What computed the first fit, which is the one whose plan a result shows, and what happened to it.
    pub(super) fn device(&self) -> Device {
        #[cfg(feature = "gpu")]
        let events = self.gpu.events().to_vec();
        #[cfg(not(feature = "gpu"))]
        let events = Vec::new();
        Device { title: self.device.clone().unwrap_or_else(processor), events }
    }

    /// What there is to say about the device.
    pub(super) fn notices(&self) -> impl Iterator<Item = String> + '_ {
        self.notices.iter().cloned()
    }
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// The CPU.
    Cpu,
    /// What pays.
    Auto,
    /// A GPU, of some name.
    Gpu(Option<String>),
}

impl Wish {
    /// What the options ask for; `planned` is the backend of a plan.
    pub(super) fn new(common: &Common, planned: Option<&str>) -> Result<Self> {
        let device_is_typed = common.environment.variable("device").is_none();
        let wish = match (common.backend, &common.device) {
            // a setting for all commands is no wish of one that names the CPU
            (BackendChoice::Cpu, Some(device))
                if device_is_typed && common.environment.variable("backend").is_some() =>
            {
                // what is typed wins
                Self::Gpu(Some(device.clone()))
            }
            (BackendChoice::Cpu, Some(device)) if device_is_typed => {
                let help = "leave out --device, or use --backend gpu";
                return Err(Error::argument("--device", "no device beside --backend cpu", device, help));
            }
            (BackendChoice::Cpu, _) => Self::Cpu,
            (_, Some(device)) => Self::Gpu(Some(device.clone())),
            (BackendChoice::Gpu, None) => Self::Gpu(None),
            (BackendChoice::Auto, None) => match planned {
                Some("gpu") => Self::Gpu(None),
                Some(_) => Self::Cpu,
                None => Self::Auto,
            },
        };
        match wish {
            Self::Gpu(_) if common.precision == Precision::F64 => {
                let help = "leave out --precision f64: a fit on a GPU ends in f64 all the same, or use --backend cpu";
                Err(Error::argument("--precision", "f32 or auto, which a GPU stores", "f64", help))
            }
            Self::Auto if common.precision == Precision::F64 => Ok(Self::Cpu),
            wish => Ok(wish),
        }
    }
}
