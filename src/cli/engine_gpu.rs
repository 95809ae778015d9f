//! The GPU of a fit: taken if asked for or worth it, and given up for the CPU where that is allowed; see [`crate::glm::fallback`].

use super::engine::Wish;
use crate::Result;
use crate::backend::cpu::Cpu;
use crate::backend::gpu::{Gpu, costs};
use crate::backend::{Backend, Costs, DeviceEvent};
use crate::glm::Plan;
use crate::glm::fallback::{Fallback, Turn, Watcher, Work};

/// A GPU must be this much faster by the estimates, which are rough.
const SURELY: f64 = 1.5;

/// Where it is in the course of a command.
pub(super) struct Choice {
    wish: Wish,
    /// The device in use.
    on: Option<Fallback<'static>>,
    /// Whether it is settled that no other is taken.
    settled: bool,
    /// Events that are among the notices.
    n_told: usize,
}

impl Choice {
    /// Opens the device that was asked for.
    pub(super) fn new(wish: Wish) -> Result<Self> {
        let on = match &wish {
            Wish::Gpu(name) => {
                let name = name.clone();
                Some(Fallback::new(move |limits| Gpu::open_within(name.as_deref(), limits))?.or_fail())
            }
            Wish::Auto | Wish::Cpu => None,
        };
        Ok(Self { settled: wish == Wish::Cpu, wish, on, n_told: 0 })
    }

    /// The device in use.
    pub(super) fn title(&self) -> Option<String> {
        self.on.as_ref()?.gpu().map(|gpu| gpu.facts().title())
    }

    /// What happened to it.
    pub(super) fn events(&self) -> &[DeviceEvent] {
        self.on.as_ref().map_or(&[], Fallback::events)
    }

    /// Fits on the GPU if that is where to fit.
    pub(super) fn fit<W: Work>(
        &mut self,
        work: W,
        watcher: &mut Watcher,
        notices: &mut Vec<String>,
    ) -> Result<Turn<W>> {
        if self.on.is_none() && !self.settled {
            self.look(&work, notices);
        }
        let Some(on) = &mut self.on else { return Ok(Turn::Cpu(Box::new(work))) };
        let turn = on.turn(work, watcher)?;
        let events = &on.events()[self.n_told..];
        self.n_told += events.len();
        notices.extend(events.iter().map(|DeviceEvent { event, reason }| format!("{event}: {reason}")));
        if let Turn::Fitted(fitted) = &turn {
            self.say(W::plan_of(fitted), notices);
        }
        Ok(turn)
    }

    /// Says where a fit was computed, if that is not what was asked for in so many words; once.
    fn say(&self, plan: &Plan, notices: &mut Vec<String>) {
        let notice = match (plan.backend.as_str(), self.title()) {
            ("gpu", Some(title)) if self.wish == Wish::Auto => format!("computed on {title}"),
            ("cpu", _) => {
                "computed on the CPU in f64: columns are so nearly dependent that f32, which a GPU has, is \
                           not enough"
                    .into()
            }
            _ => return,
        };
        if !notices.contains(&notice) {
            notices.push(notice);
        }
    }

    /// Takes a GPU that is estimated to pay.
    fn look(&mut self, work: &impl Work, notices: &mut Vec<String>) {
        let seconds = |costs: Costs| work.estimated_seconds(costs);
        let on_cpu = seconds(Cpu::<f32>::default().costs());
        let level = Cpu::<f32>::default().level();
        self.settled = true;
        // no device is looked for where the fastest kind would not pay
        if SURELY * seconds(costs::of_kind("discrete", level)) >= on_cpu {
            return;
        }
        match Gpu::open(None) {
            Ok(gpu) if SURELY * seconds(gpu.costs()) < on_cpu => {
                self.on = Some(Fallback::with(gpu, |limits| Gpu::open_within(None, limits)));
            }
            Ok(gpu) => {
                notices.push(format!(
                    "computed on the CPU: {} is not estimated to be faster",
                    gpu.facts().title()
                ));
            }
            Err(error) => notices.push(format!("computed on the CPU: {error}")),
        }
    }
}
