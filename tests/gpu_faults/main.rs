//! A GPU that fails: whatever goes wrong on it, and whenever, a fit ends with the right answer or with an error.
//!
//! Faults are injected into a device that works: at every allocation, submission and read-back of small fits of every kind, or at
//! a spread of them. A fit on the device itself may return an error, or a status that claims nothing; a [`Fallback`] must return
//! the answer of the CPU. Software adapters count; without any adapter these tests say so and pass, unless the variable
//! `RHEOBASE_REQUIRE_GPU` asks for one.
#![cfg(feature = "gpu")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/tally.rs"]
mod tally;

mod cases;
mod going_on;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cases::{Answer, Case, On, cases};
use common::gpu_number;
use rheobase::Error;
use rheobase::backend::Gpu;
use rheobase::backend::gpu::{Fault, FaultKind, Garbling, Limits, Operations};
use rheobase::error::DeviceError;
use rheobase::glm::Fallback;

/// Operations of a kind at which a fault is tried, at most; small fits have no more.
const MOST: u64 = 6;
/// The same of faults that need a device of their own.
const FEW: u64 = 2;
/// Cases that are tried at the same time.
const N_LANES: usize = 2;
const GARBLINGS: [Garbling; 4] = [Garbling::Bit(0), Garbling::Zeros, Garbling::NotANumber, Garbling::Stale];

/// The number of the adapter, for one test at a time.
fn adapter() -> Option<(String, MutexGuard<'static, ()>)> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    Some((gpu_number()?, turn))
}

fn open(number: &str) -> Gpu {
    Gpu::open_within(Some(number), Limits::default()).unwrap()
}

/// One for this fault: what never answers is not waited for long, and all others as long as a user's.
fn open_for(number: &str, fault: FaultKind) -> Gpu {
    let patience = (fault == FaultKind::Hung).then_some(Duration::from_millis(20));
    Gpu::open_within(Some(number), Limits { patience, ..Limits::default() }).unwrap()
}

/// What came of faults.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    injected: u64,
    right: u64,
    errors: u64,
    unproven: u64,
    wrong: u64,
}

/// Places from 0 to `n`, not more than `most`, the last one among them.
fn spread(n: u64, most: u64) -> impl Iterator<Item = u64> {
    let n_places = n.min(most);
    (0..n_places).map(move |k| if n_places == 1 { 0 } else { k * (n - 1) / (n_places - 1) })
}

/// A case with the answer of the CPU, and what a device does during its fit.
struct Trial<'c> {
    case: &'c Case,
    truth: Answer,
    operations: Operations,
    complaints: Vec<String>,
    counts: Counts,
}

impl Trial<'_> {
    /// A device that fails by itself: an error, a right answer, or one that claims nothing.
    fn direct(&mut self, gpu: &Gpu, fault: Fault) {
        gpu.inject(Some(fault));
        let outcome = self.case.run(On::Gpu(gpu));
        gpu.inject(None);
        self.counts.injected += 1;
        let what = format!("{}, {fault:?}", self.case.name);
        match outcome {
            Ok(answer) if answer.is(&self.truth, self.case.digits) => self.counts.right += 1,
            Ok(answer) if !answer.is_wrong(&self.truth, self.case.digits) => self.counts.unproven += 1,
            Ok(answer) => {
                self.counts.wrong += 1;
                self.complaints.push(format!("{what}: {answer:?}, not {:?}", self.truth));
            }
            Err(Error::Gpu(error) | Error::Unfinished { source: error, .. }) => {
                self.counts.errors += 1;
                if !is_of(fault.kind, &error) {
                    self.complaints.push(format!("{what}: {error}"));
                }
            }
            Err(error) => self.complaints.push(format!("{what}: {error}")),
        }
        let held = gpu.held_bytes();
        if held != 0 {
            self.complaints.push(format!("{what}: {held} bytes are still held"));
        }
    }

    /// One that may fall back must come to the right answer, and say what happened.
    fn with_fallback(
        &mut self,
        gpu: Gpu,
        next: impl FnMut(Limits) -> rheobase::Result<Gpu> + Send,
        fault: Fault,
    ) {
        gpu.inject(Some(fault));
        let mut on = Fallback::with(gpu.clone(), next);
        let outcome = self.case.run(On::Fallback(&mut on));
        let n_events = on.events().len();
        drop(on);
        gpu.inject(None);
        self.counts.injected += 1;
        let what = format!("{}, {fault:?}, {n_events} events", self.case.name);
        match outcome {
            Ok(answer) if answer.is(&self.truth, self.case.digits) => {
                self.counts.right += 1;
                // a read-back that was wrong is the device's last answer, or it was told
                let must_tell =
                    matches!(fault.kind, FaultKind::Garbled(_) | FaultKind::Lost | FaultKind::Hung);
                let is_first_stale = fault.kind == FaultKind::Garbled(Garbling::Stale) && fault.at == 0;
                if must_tell && n_events == 0 && !is_first_stale {
                    self.complaints.push(format!("{what}: nobody heard of it"));
                }
                let is_useless = matches!(fault.kind, FaultKind::Garbled(_) | FaultKind::NoRoom);
                if n_events > 0 && fault.lasts && is_useless && answer.backend != "cpu" {
                    self.complaints.push(format!("{what}: on {}", answer.backend));
                }
            }
            Ok(answer) => {
                self.counts.wrong += 1;
                self.complaints.push(format!("{what}: {answer:?}, not {:?}", self.truth));
            }
            Err(error) => self.complaints.push(format!("{what}: {error}")),
        }
    }
}

/// Whether a device that fails in this way says so.
fn is_of(kind: FaultKind, error: &DeviceError) -> bool {
    match kind {
        FaultKind::NoRoom => matches!(error, DeviceError::OutOfMemory { .. }),
        FaultKind::Lost => matches!(error, DeviceError::Lost { .. }),
        FaultKind::Hung => matches!(error, DeviceError::Hung { .. }),
        FaultKind::Garbled(_) => matches!(error, DeviceError::Garbled { .. }),
        FaultKind::Miscomputed(_) => matches!(error, DeviceError::Wrong { .. }),
    }
}

/// Faults of a device that works again afterwards.
fn passing(trial: &mut Trial, gpu: &Gpu, healthy: &Gpu) {
    let Operations { allocations, reads, .. } = trial.operations;
    for at in spread(allocations, MOST) {
        for lasts in [false, true] {
            let fault = Fault { kind: FaultKind::NoRoom, at, lasts };
            trial.direct(gpu, fault);
            trial.with_fallback(gpu.clone(), |_| Ok(gpu.clone()), fault);
        }
    }
    for at in spread(reads, MOST) {
        for how in GARBLINGS {
            // another bit every time: of signs, exponents and digits
            let how = if let Garbling::Bit(_) = how { Garbling::Bit(7919 * (1 + at) + 29) } else { how };
            let garbled = Fault { kind: FaultKind::Garbled(how), at, lasts: false };
            trial.direct(gpu, garbled);
            trial.with_fallback(gpu.clone(), |_| Ok(healthy.clone()), garbled);
            let miscomputed = Fault { kind: FaultKind::Miscomputed(how), ..garbled };
            trial.direct(gpu, miscomputed);
            trial.with_fallback(gpu.clone(), |_| Ok(healthy.clone()), miscomputed);
            trial.with_fallback(gpu.clone(), |_| Ok(gpu.clone()), Fault { lasts: true, ..miscomputed });
        }
    }
    for how in GARBLINGS {
        let fault = Fault { kind: FaultKind::Garbled(how), at: 0, lasts: true };
        trial.direct(gpu, fault);
        trial.with_fallback(gpu.clone(), |_| Ok(gpu.clone()), fault);
    }
}

/// Faults after which a device is of no use.
fn lasting(trial: &mut Trial, number: &str, healthy: &Gpu) {
    for at in spread(trial.operations.submissions, FEW) {
        for kind in [FaultKind::Lost, FaultKind::Hung] {
            let fault = Fault { kind, at, lasts: false };
            trial.direct(&open_for(number, kind), fault);
            trial.with_fallback(open_for(number, kind), |_| Ok(healthy.clone()), fault);
        }
    }
}

/// All faults of a case, with two devices that work: what came of them, and what is wrong with that.
fn campaign(case: &Case, number: &str, [gpu, healthy]: &[Gpu; 2]) -> (Counts, Vec<String>) {
    let truth = case.run(On::Cpu).unwrap();
    gpu.inject(None);
    let found = case.run(On::Gpu(gpu)).unwrap();
    assert!(found.is(&truth, case.digits), "{}: {found:?}, not {truth:?}", case.name);
    assert_eq!((found.backend.as_str(), gpu.held_bytes()), ("gpu", 0), "{}", case.name);
    gpu.inject(None);
    case.run(On::Gpu(gpu)).unwrap();
    let operations = gpu.operations();
    let started = std::time::Instant::now();
    let mut trial = Trial { case, truth, operations, complaints: Vec::new(), counts: Counts::default() };
    passing(&mut trial, gpu, healthy);
    lasting(&mut trial, number, healthy);
    let Trial { counts, complaints, .. } = trial;
    println!("{}: {operations:?}, {counts:?}, {:.1} s", case.name, started.elapsed().as_secs_f64());
    (counts, complaints)
}

#[test]
fn every_fault_ends_with_the_right_answer_or_an_error() {
    let Some((number, _turn)) = adapter() else { return };
    let cases = cases();
    let (next, came_of) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    // much of a fit so small is done by one thread
    std::thread::scope(|scope| {
        for _ in 0..N_LANES {
            scope.spawn(|| {
                let devices = [open(&number), open(&number)];
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let came = campaign(case, &number, &devices);
                    came_of.lock().unwrap().push(came);
                }
            });
        }
    });
    let (mut all, mut complaints) = (Counts::default(), Vec::new());
    for (counts, own) in came_of.into_inner().unwrap() {
        complaints.extend(own);
        all.injected += counts.injected;
        all.right += counts.right;
        all.errors += counts.errors;
        all.unproven += counts.unproven;
        all.wrong += counts.wrong;
    }
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
    assert!(all.injected >= 300 && all.right + all.errors + all.unproven == all.injected, "{all:?}");
    tally::tally(
        "GPU faults",
        &[
            ("injected", all.injected),
            ("right answers", all.right),
            ("errors", all.errors),
            ("marked as not converged", all.unproven),
            ("wrong", all.wrong),
        ],
    );
}

#[test]
fn faults_are_tried_from_the_first_operation_to_the_last() {
    let places = |n, most| spread(n, most).collect::<Vec<_>>();
    assert_eq!((places(0, 6), places(1, 6), places(3, 6)), (vec![], vec![0], vec![0, 1, 2]));
    assert_eq!(places(101, 6), [0, 20, 40, 60, 80, 100]);
}
