//! A GPU to fit on, and what is done when it fails.

use std::time::Instant;

use super::attempts::attempts;
use super::work::{Watcher, Work};
use crate::backend::gpu::Limits;
use crate::backend::{Cpu, DeviceEvent, Gpu};
use crate::error::Reached;
use crate::{Error, Result};

/// What opens a device within limits, as often as it is asked.
type Open<'o> = dyn FnMut(Limits) -> Result<Gpu> + Send + 'o;

/// A GPU that is opened again when it fails, and the CPU for what it cannot do.
///
/// ```no_run
/// use ndarray::array;
/// use rheobase::backend::Gpu;
/// use rheobase::design::{DesignPlan, Source};
/// use rheobase::glm::{Fallback, GlmSpec, Response, TargetWork};
///
/// let (x, y) = (array![[0.0], [1.0], [2.0], [3.0]], array![[0.0], [1.0], [1.0], [3.0]]);
/// let source = Source { name: "x".into(), labels: vec!["x".into()], x: x.view().into() };
/// let plan = DesignPlan::new(vec![source], 0..4)?;
/// let response = Response { y: y.view().into(), names: vec!["spikes".into()] };
/// let spec = GlmSpec::default().check()?;
/// let mut on = Fallback::new(|limits| Gpu::open_within(None, limits))?;
/// let work = TargetWork { spec, how: None, plan: &plan, response: &response };
/// let fitted = on.fit(work, &mut |_| {})?;
/// assert!(fitted.converged());
/// on.events().iter().for_each(|event| eprintln!("{}: {}", event.event, event.reason));
/// # Ok::<(), rheobase::Error>(())
/// ```
pub struct Fallback<'o> {
    gpu: Option<Gpu>,
    open: Box<Open<'o>>,
    may_use_cpu: bool,
    events: Vec<DeviceEvent>,
}

/// Whose turn it was.
pub enum Turn<W: Work> {
    /// The GPU's, and this is the fit.
    Fitted(Box<W::Fitted>),
    /// The CPU's: what is left to fit.
    Cpu(Box<W>),
}

impl<'o> Fallback<'o> {
    /// Opens a device; `open` is asked again, within limits, when it fails.
    ///
    /// # Errors
    /// If it does not open.
    pub fn new(mut open: impl FnMut(Limits) -> Result<Gpu> + Send + 'o) -> Result<Self> {
        let gpu = open(Limits::default())?;
        Ok(Self::with(gpu, open))
    }

    /// The same of a device that is open.
    pub fn with(gpu: Gpu, open: impl FnMut(Limits) -> Result<Gpu> + Send + 'o) -> Self {
        Self { gpu: Some(gpu), open: Box::new(open), may_use_cpu: true, events: Vec::new() }
    }

    /// The same without the CPU: where it would take over there is the error of the device.
    #[must_use]
    pub fn or_fail(mut self) -> Self {
        self.may_use_cpu = false;
        self
    }

    /// The device in use; none once it was given up.
    pub fn gpu(&self) -> Option<&Gpu> {
        self.gpu.as_ref()
    }

    /// What happened to the device, in its order.
    pub fn events(&self) -> &[DeviceEvent] {
        &self.events
    }

    /// Fits on the GPU as long as that goes well, else on the CPU, in single precision before the last steps as there.
    ///
    /// # Errors
    /// Those of the fit; without the CPU those of the device.
    pub fn fit<W: Work>(&mut self, work: W, watcher: &mut Watcher) -> Result<W::Fitted> {
        match self.turn(work, watcher)? {
            Turn::Fitted(fitted) => Ok(*fitted),
            Turn::Cpu(work) => rayon::scope(|_| work.fit(&Cpu::<f32>::default(), watcher)),
        }
    }

    /// Fits on the GPU as long as that goes well; else what is left for the CPU.
    ///
    /// # Errors
    /// As [`Fallback::fit`].
    pub fn turn<W: Work>(&mut self, work: W, watcher: &mut Watcher) -> Result<Turn<W>> {
        let gpu = match self.gpu.take() {
            Some(gpu) => gpu,
            None if self.may_use_cpu => return Ok(Turn::Cpu(Box::new(work))),
            None => (self.open)(Limits::default())?,
        };
        let started = Instant::now();
        let fit = |gpu: &Gpu, reached: &[Reached]| {
            let work = work.going_on(reached, started)?;
            rayon::scope(|_| work.fit(gpu, &mut *watcher))
        };
        let (gpu, outcome) = attempts(gpu, !work.follows_plan(), fit, &mut self.open, &mut self.events);
        self.gpu = gpu;
        let reached = match outcome {
            Ok((mut fitted, reached)) => {
                let is_of_gpu = W::plan_of(&fitted).backend == "gpu";
                match work.unproven(&fitted).filter(|_| is_of_gpu && self.may_use_cpu) {
                    None => {
                        work.count(&mut fitted, &reached);
                        return Ok(Turn::Fitted(Box::new(fitted)));
                    }
                    Some((target, status)) => {
                        let reason = format!("{target} came to no proof on the GPU ({})", status.name());
                        self.events.push(DeviceEvent::new("unproven", reason));
                        work.count(&mut fitted, &reached);
                        work.ends(&fitted)
                    }
                }
            }
            Err((Error::Gpu(_), reached)) if self.may_use_cpu => {
                self.gpu = None;
                reached
            }
            Err((error, _)) => return Err(error),
        };
        self.events.push(DeviceEvent::new("cpu", "what was left was fitted on the CPU"));
        Ok(Turn::Cpu(Box::new(work.going_on(&reached, started)?)))
    }
}
