//! The same work on every processor: checked, then timed.

use std::time::Instant;

use serde_json::{Map, Value};

use super::super::roofs::IN_MEMORY;
use super::super::timing::Times;
use super::accelerator::Accelerator;
use super::evaluation::{Numbers, Problem, Ready, Work, distance};
use crate::backend::cpu::roofs::{multiply_adds, read_bandwidth};
use crate::backend::cpu::simd::Level;
use crate::backend::{Backend, Cpu};
use crate::{Error, Result};

/// Runs that are not counted, and those that are.
const WARM: usize = 5;
const RUNS: usize = 30;
/// Seconds after which warm-ups end, and those after which the runs do; and how many runs there are at least.
const MOST_WARM_S: f64 = 5.0;
const MOST_S: f64 = 20.0;
const LEAST_RUNS: usize = 5;
/// The same of a trial.
const QUICK_RUNS: usize = 3;
/// Largest error of numbers of one kind, relative to the largest of them.
const EXACT: f64 = 1e-5;
/// Bytes that a trial reads to learn how fast memory is.
const QUICK_BYTES: usize = 32 << 20;

/// What a processor can do at most.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(super) struct Roof {
    pub(super) bytes_per_s: f64,
    pub(super) flop_per_s: f64,
}

/// What must be moved and computed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    pub(super) n_bytes: f64,
    pub(super) flop: f64,
}

impl Roof {
    /// The part of the roof that is met first.
    fn part(&self, need: Need, seconds: f64) -> f64 {
        (need.n_bytes / self.bytes_per_s).max(need.flop / self.flop_per_s) / seconds
    }
}

/// Where something is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Processor {
    Cpu,
    Gpu,
}

/// What a processor reached.
#[derive(Clone, Debug)]
pub(super) struct Reached {
    /// The largest, relative to the largest number of its kind.
    pub(super) error: f64,
    /// What a solver waits for, by the clock of the host.
    pub(super) evaluation: Times,
    /// Kernels alone, by the device's own clock.
    pub(super) kernels: Option<Times>,
    /// Of what is met first; none where the work is not that of its definition.
    pub(super) part_of_roof: Option<f64>,
}

/// One row of the table.
pub(super) struct Row {
    pub(super) work: Work,
    pub(super) size: Size,
    pub(super) on_cpu: Reached,
    pub(super) on_gpu: Option<Reached>,
}

/// How large a problem is: the names of its sizes, and a line for people.
#[derive(Clone, Debug)]
pub(super) struct Size {
    pub(super) fields: Map<String, Value>,
    pub(super) text: String,
}

/// Processors that are timed, and the one that results are compared with.
pub(super) struct Contest {
    pub(super) quick: bool,
    pub(super) cpu: Cpu<f32>,
    pub(super) referee: Cpu<f64>,
    pub(super) roof: Roof,
    pub(super) gpu: Option<Accelerator>,
}

impl Contest {
    /// Measures roofs.
    pub(super) fn new(gpu: Option<Accelerator>, quick: bool) -> Self {
        let (level, threads) = (Level::best(), rayon::current_num_threads());
        let n_bytes = if quick { QUICK_BYTES } else { IN_MEMORY };
        let roof = Roof {
            bytes_per_s: 1e9 * read_bandwidth(level, threads, n_bytes),
            flop_per_s: 1e9 * multiply_adds::<f32>(level, threads),
        };
        Self { quick, cpu: Cpu::default(), referee: Cpu::default(), roof, gpu }
    }

    /// All works of a problem.
    pub(super) fn rows(
        &self,
        problem: &Problem,
        size: &Size,
        need: &dyn Fn(Work, Processor) -> Option<Need>,
    ) -> Result<Vec<Row>> {
        let truth = numbers(&self.referee, problem)?;
        let with_roof = |reached: Vec<Reached>, roof: Roof, on: Processor| -> Vec<Reached> {
            let part = |(own, &work): (Reached, &Work)| {
                let seconds = own.kernels.unwrap_or(own.evaluation).median;
                Reached { part_of_roof: need(work, on).map(|need| roof.part(need, seconds)), ..own }
            };
            reached.into_iter().zip(&problem.works).map(part).collect()
        };
        let on_cpu = timed(&self.cpu, problem, (&truth, size), &|| None, self.quick)?;
        let on_cpu = with_roof(on_cpu, self.roof, Processor::Cpu);
        let on_gpu: Vec<Option<Reached>> = match &self.gpu {
            Some(gpu) => {
                let reached = gpu.timed(problem, (&truth, size), self.quick)?;
                with_roof(reached, gpu.roof(), Processor::Gpu).into_iter().map(Some).collect()
            }
            None => vec![None; on_cpu.len()],
        };
        let row = |((&work, on_cpu), on_gpu)| Row { work, size: size.clone(), on_cpu, on_gpu };
        Ok(problem.works.iter().zip(on_cpu).zip(on_gpu).map(row).collect())
    }
}

/// What every work results in.
fn numbers<B: Backend>(on: &B, problem: &Problem) -> Result<Vec<Numbers>> {
    let mut ready = Ready::new(on, problem)?;
    let of_work = |&work: &Work| {
        ready.prepare(work)?;
        ready.run(work)?;
        ready.numbers(work)
    };
    problem.works.iter().map(of_work).collect()
}

/// Times every work of a problem after its results were compared.
pub(super) fn timed<B: Backend>(
    on: &B,
    problem: &Problem,
    (truth, size): (&[Numbers], &Size),
    own_clock: &dyn Fn() -> Option<f64>,
    quick: bool,
) -> Result<Vec<Reached>> {
    let mut ready = Ready::new(on, problem)?;
    let mut all = Vec::new();
    for (&work, truth) in problem.works.iter().zip(truth) {
        ready.prepare(work)?;
        ready.run(work)?;
        let error = distance(&ready.numbers(work)?, truth);
        if error.is_nan() || error > EXACT {
            return Err(wrong(&format!("{} of {}", work.title(), size.text), error));
        }
        let (evaluation, kernels) = repeated(quick, own_clock, || ready.run(work))?;
        all.push(Reached { error, evaluation, kernels, part_of_roof: None });
    }
    Ok(all)
}

/// Times of work by the clock of the host, and by another one.
pub(super) fn repeated(
    quick: bool,
    own_clock: &dyn Fn() -> Option<f64>,
    mut work: impl FnMut() -> Result<()>,
) -> Result<(Times, Option<Times>)> {
    let (warm, runs, least) = if quick { (1, QUICK_RUNS, QUICK_RUNS) } else { (WARM, RUNS, LEAST_RUNS) };
    let started = Instant::now();
    for k in 0..warm {
        if k == 0 || started.elapsed().as_secs_f64() < MOST_WARM_S {
            work()?;
        }
    }
    own_clock();
    let (mut by_host, mut by_device) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    while by_host.len() < runs && (by_host.len() < least || begun.elapsed().as_secs_f64() < MOST_S) {
        let started = Instant::now();
        work()?;
        by_host.push(started.elapsed().as_secs_f64());
        by_device.extend(own_clock());
    }
    let is_timed = by_device.len() == by_host.len();
    Ok((Times::of(&by_host), is_timed.then(|| Times::of(&by_device))))
}

/// A result that must not be timed.
pub(super) fn wrong(what: &str, error: f64) -> Error {
    let problem = format!(
        "an error of {error:.1e} against the CPU in float64: update the driver, and please report it with `rheobase devices --json`"
    );
    Error::Device { device: what.into(), problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roof_is_the_one_that_is_met_first() {
        let roof = Roof { bytes_per_s: 100.0, flop_per_s: 1000.0 };
        assert_eq!(roof.part(Need { n_bytes: 50.0, flop: 100.0 }, 1.0), 0.5);
        assert_eq!(roof.part(Need { n_bytes: 50.0, flop: 900.0 }, 2.0), 0.45);
    }

    #[test]
    fn every_run_is_timed_by_both_clocks_or_by_one() {
        let mut n = 0;
        let mut work = || {
            n += 1;
            Ok(())
        };
        let (by_host, by_device) = repeated(true, &|| Some(0.25), &mut work).unwrap();
        assert_eq!((by_host.n, by_device.unwrap().median), (QUICK_RUNS, 0.25));
        assert!(repeated(true, &|| None, &mut work).unwrap().1.is_none());
        assert_eq!(n, 2 * (1 + QUICK_RUNS));
    }
}
