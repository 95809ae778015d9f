//! What a device can do at most, measured by kernels that do nothing else.

use std::sync::Arc;
use std::time::Instant;

use super::Gpu;
use super::batch::{Bound, Dispatch, Params, Wanted};
use super::device::Device;
use super::shader::{Access, Kernel, Shared};
use crate::Result;

pub(super) const COPY_WORDS: Kernel = Kernel {
    name: "copy_words",
    text: include_str!("../../../shaders/kernel/copy_words.wgsl"),
    shared: &[Shared::Rows],
    bindings: &[Access::Read, Access::Write],
};

pub(super) const MULTIPLY_ADDS: Kernel = Kernel {
    name: "multiply_adds",
    text: include_str!("../../../shaders/kernel/multiply_adds.wgsl"),
    shared: &[Shared::Rows],
    bindings: &[Access::Write],
};

/// Vectors of 4 that a work group copies.
const COPIED: usize = 4096;
/// Work groups of the arithmetic, and operations of an invocation and turn.
const GROUPS: usize = 4096;
const OPERATIONS: f64 = 64.0;
/// Turns that no device needs long for, and a time that is long beside a start.
const FIRST_TURNS: u32 = 16;
const LONG_S: f64 = 0.02;
/// Runs, of which the fastest counts.
const RUNS: usize = 8;
/// The same of transfers.
const TRANSFERS: usize = 3;
/// Bytes that are read back at most.
const MOST_READ: usize = 256 << 20;

/// Rates at most.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Roofs {
    /// Bytes per second that a copy reads and writes together.
    pub copy_bytes_per_s: f64,
    /// Multiplications and additions per second.
    pub flop_per_s: f64,
    /// Bytes per second from the host to the device.
    pub upload_bytes_per_s: f64,
    /// Bytes per second back to the host, as sums come back: through memory that is asked for each time.
    pub read_back_bytes_per_s: f64,
    /// Seconds of a submission without work, with the wait.
    pub submission_s: f64,
    /// Whether the first two are by the device's own clock.
    pub by_own_clock: bool,
}

impl Gpu {
    /// Measures what the device can do at most: copies of about `n_bytes`, and turns of arithmetic, as many as take 20 ms and
    /// no more than `n_turns`.
    ///
    /// # Errors
    /// If the device fails.
    pub fn roofs(&self, n_bytes: usize, n_turns: u32) -> Result<Roofs> {
        let device = &self.device;
        device.start_clock();
        let n_bytes = n_bytes.min(device.binding_bytes as usize) / 16 / COPIED * COPIED * 16;
        let copy = [copy(device, n_bytes)?];
        device.run(&copy, &[])?;
        device.kernel_seconds();
        device.run(&copy, &[])?;
        let by_own_clock = device.kernel_seconds().is_some();
        let copy_s = fastest(device, &copy)?;
        drop(copy);
        let mut turns = FIRST_TURNS.min(n_turns);
        while turns < n_turns && fastest(device, &[multiply_adds(device, turns)?])? < LONG_S {
            turns = (2 * turns).min(n_turns);
        }
        let flop = GROUPS as f64 * 256.0 * OPERATIONS * f64::from(turns);
        let arithmetic_s = fastest(device, &[multiply_adds(device, turns)?])?;
        let submission_s = (0..RUNS).map(|_| wall(|| device.run(&[], &[]).map(drop)));
        let submission_s = least(submission_s)?;
        let upload_bytes_per_s = self.upload_bytes_per_s(n_bytes)?;
        let read_back_bytes_per_s = read_back(device, n_bytes.min(MOST_READ))?;
        device.forget_spare();
        Ok(Roofs {
            copy_bytes_per_s: 2.0 * n_bytes as f64 / copy_s,
            flop_per_s: flop / arithmetic_s,
            upload_bytes_per_s,
            read_back_bytes_per_s,
            submission_s,
            by_own_clock,
        })
    }

    /// Bytes per second from the host to the device, of so many bytes, in pieces as large as the device has them.
    ///
    /// # Errors
    /// If the device fails.
    pub fn upload_bytes_per_s(&self, n_bytes: usize) -> Result<f64> {
        let device = &self.device;
        let host = vec![1.0f32; n_bytes / size_of::<f32>()];
        let room = device.scratch(n_bytes as u64)?;
        let upload_s = least((0..TRANSFERS).map(|_| {
            wall(|| {
                device.write(&room, 0, bytemuck::cast_slice(&host))?;
                device.run(&[], &[]).map(drop)
            })
        }))?;
        drop(room);
        device.forget_spare();
        Ok(n_bytes as f64 / upload_s)
    }

    /// Times every pass from now on by the device's own clock, if it has one.
    pub fn start_clock(&self) {
        self.device.start_clock();
    }

    /// Seconds that kernels took since this was last asked; none without a clock, or where it stands still.
    pub fn kernel_seconds(&self) -> Option<f64> {
        self.device.kernel_seconds()
    }
}

/// Bytes per second from the device to the host.
fn read_back(device: &Device, n_bytes: usize) -> Result<f64> {
    let buffer = device.scratch(n_bytes as u64)?;
    let n = n_bytes / size_of::<f32>();
    let read_s = least((0..TRANSFERS).map(|_| {
        let wanted = Wanted { buffer: Arc::clone(&buffer), n };
        wall(|| device.run(&[], &[wanted]).map(drop))
    }))?;
    Ok(n_bytes as f64 / read_s)
}

fn wall(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed().as_secs_f64())
}

fn least(times: impl Iterator<Item = Result<f64>>) -> Result<f64> {
    times.reduce(|a, b| Ok(a?.min(b?))).unwrap_or(Ok(f64::NAN))
}

/// The shortest of several runs: by the clock of the device, or by that of the host.
fn fastest(device: &Device, dispatches: &[Dispatch]) -> Result<f64> {
    device.kernel_seconds();
    least((0..RUNS).map(|_| {
        let by_host = wall(|| device.run(dispatches, &[]).map(drop))?;
        Ok(device.kernel_seconds().unwrap_or(by_host))
    }))
}

fn copy(device: &Device, n_bytes: usize) -> Result<Dispatch> {
    let (from, to) = (device.scratch(n_bytes as u64)?, device.scratch(n_bytes as u64)?);
    let n = n_bytes / 16;
    Ok(Dispatch {
        pipeline: device.pipeline(&COPY_WORDS, vec![], None)?,
        params: Params { n: n as u32, group_rows: COPIED as u32, ..Params::default() },
        bound: vec![Bound::from(&from), Bound::from(&to)],
        groups: [n.div_ceil(COPIED) as u32, 1, 1],
        flop: n as f64,
    })
}

fn multiply_adds(device: &Device, n_turns: u32) -> Result<Dispatch> {
    let out = device.scratch((GROUPS * 256 * 16) as u64)?;
    Ok(Dispatch {
        pipeline: device.pipeline(&MULTIPLY_ADDS, vec![], None)?,
        params: Params { n: n_turns, ..Params::default() },
        bound: vec![Bound::from(&out)],
        groups: [GROUPS as u32, 1, 1],
        flop: 0.0,
    })
}
