//! The GPU backend: WGSL kernels through wgpu on any Vulkan, Metal or DX12 device.
//!
//! Numbers on the device are `f32`; sums are short, in a fixed order and finished in `f64` on the host, so that the same
//! input gives the same bits however the device's limits cut the rows. What a pass does to its rows is recorded once, as a
//! [`program::Program`]; one target whose design is one matrix then needs one kernel that reads each row once, and the others
//! a few. `shaders/kernel` holds one kernel a file, `shaders/observation` and `shaders/inverse_link` a snippet for every
//! member of these families. The certificate, and the last steps, are those of [`Cpu<f64>`].
//!
//! A matrix lies on the device as far as it has room for it. Rows that do not stay are built there from channels, or sent from
//! the host, run by run (`views`): kernels see no difference, and of one run the sums are the same bits.

pub mod adapter;

mod array;
mod batch;
mod bin_spikes;
mod classes;
mod clock;
mod convolution;
mod copy_rows;
pub mod costs;
mod device;
mod fault;
mod forward;
mod fused;
mod gram;
mod line;
mod model;
mod outputs;
mod partials;
mod pass;
mod pipeline;
mod products;
mod program;
mod record;
mod roofs;
mod rows;
mod seal;
mod sent;
mod shader;
mod spans;
mod trouble;
mod usage;
mod variant;
mod views;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::cpu::simd::Level;
use super::cpu::{Cpu, standardise_span};
use super::{
    Backend, Beside, Body, Costs, Every, Fill, Home, HostColumns, HostRows, HostSignals, Into, Model,
    Observed, Reach, Rewrite, Sweep,
};
use crate::Result;
use adapter::Facts;
use array::{Width, turned};
use convolution::build_features::Features;
use device::Device;
use sent::Sent;

pub use array::Array;
pub use convolution::Signals;
pub use device::Limits;
pub use fault::{Fault, FaultKind, Garbling, Operations};
pub use line::Line;
pub use program::Program;
pub use record::{ExpErrors, TwoSum, WGPU_VERSION};
pub use roofs::Roofs;
pub use variant::Variant;

/// A GPU.
#[derive(Debug)]
pub struct Gpu {
    device: Arc<Device>,
    level: Level,
    exact: OnceLock<Box<Cpu<f64>>>,
}

/// The same device.
impl Clone for Gpu {
    fn clone(&self) -> Self {
        Self { device: Arc::clone(&self.device), level: self.level, exact: OnceLock::new() }
    }
}

impl Gpu {
    /// Opens the adapter whose name contains `name` (or has that number), or the best that is not software.
    ///
    /// # Errors
    /// [`crate::error::DeviceError`] if there is none, or it cannot be used.
    pub fn open(name: Option<&str>) -> Result<Self> {
        Self::open_within(name, Limits::default())
    }

    /// The same with limits below those of the device.
    ///
    /// # Errors
    /// As [`Gpu::open`].
    pub fn open_within(name: Option<&str>, limits: Limits) -> Result<Self> {
        Self::open_with(name, limits, Variant::default())
    }

    /// The same for measuring what it is worth to do something in another way.
    ///
    /// # Errors
    /// As [`Gpu::open`]; [`crate::error::DeviceError::AdapterTooSmall`] where the variant needs more than there is.
    pub fn open_with(name: Option<&str>, limits: Limits, variant: Variant) -> Result<Self> {
        let (facts, adapter) = adapter::find(name)?;
        facts.check_workgroup_bytes(variant.workgroup_bytes())?;
        let device = Arc::new(Device::open(facts, &adapter, limits, variant)?);
        Ok(Self { device, level: Level::best(), exact: OnceLock::new() })
    }

    /// What the adapter is.
    pub fn facts(&self) -> &Facts {
        &self.device.facts
    }

    /// Largest bytes that all buffers had together so far.
    pub fn peak_bytes(&self) -> u64 {
        self.device.peak_bytes()
    }

    /// Bytes of all buffers now: 0 where no fit has a design here.
    pub fn held_bytes(&self) -> u64 {
        self.device.held_bytes()
    }
}

impl Backend for Gpu {
    type Scalar = f32;
    type Array<'a> = Array<'a>;
    type Signals = Signals;
    type Worker<'a> = Program<'a>;
    type Line = Line;

    fn exact(&self) -> &Cpu<f64> {
        self.exact.get_or_init(|| Box::new(Cpu::at(self.level)))
    }

    fn costs(&self) -> Costs {
        let home = Home::Device { most_bytes: self.device.most_bytes };
        Costs { home, ..costs::of(&self.device.facts, self.level) }
    }

    fn upload(&self, host: &[f64]) -> Result<Array<'static>> {
        Ok(Array::numbers(host))
    }

    fn matrix<'a>(&self, n_rows: usize, n_columns: usize, fill: &Fill<f32>) -> Result<Self::Array<'a>> {
        self.device.matrix(n_rows, n_columns, fill)
    }

    fn response<'a>(&self, n_rows: usize, n_targets: usize, fill: &Fill<f32>) -> Result<Self::Array<'a>> {
        self.device.response(n_rows, n_targets, fill)
    }

    fn bytes<'a>(&self, n_targets: usize, tiles: Arc<Vec<u8>>) -> Result<Self::Array<'a>> {
        self.device.counts(n_targets, &tiles)
    }

    fn in_place<'a>(&self, rows: HostRows<'a>, stays: bool) -> Result<Self::Array<'a>> {
        let n_rows = rows.runs.last().map_or(0, |run| run.used + run.len);
        let (level, n_columns) = (self.level, rows.shift.len());
        let stride = Width::design(n_columns).stride;
        let sent = Sent::new(move |span, out| standardise_span(level, &rows, &span, stride, out));
        if stays {
            self.device.matrix_of(n_rows, n_columns, &sent)
        } else {
            self.device.sent(n_columns, sent)
        }
    }

    fn rewritten<'a>(
        &self,
        _n_rows: usize,
        n_columns: usize,
        _together: usize,
        write: Arc<Rewrite<'a, f32>>,
        _rough: Arc<Rewrite<'a, f32>>,
    ) -> Result<Self::Array<'a>> {
        let stride = Width::design(n_columns).stride;
        let tiles = move |rows: Range<usize>, out: &mut [f32]| write(rows, 0..n_columns, out);
        self.device.sent(n_columns, Sent::new(move |rows, out| turned(rows, n_columns, stride, &tiles, out)))
    }

    fn writes_convolved(&self) -> bool {
        true
    }

    fn blank<'a>(&self, n_rows: usize, n_columns: usize) -> Result<Self::Array<'a>> {
        self.device.blank(n_rows, n_columns)
    }

    fn write_convolved(
        &self,
        x: &Array<'_>,
        first: usize,
        channels: HostSignals,
        columns: HostColumns,
    ) -> Result<()> {
        let n_rows = channels.runs.last().map_or(0, |run| run.used + run.len);
        let own = Features::new(&self.device, &self.device.signals(&channels)?, &columns)?;
        self.device.write_features(x, n_rows, first, &own)
    }

    fn convolved<'a>(
        &self,
        x: &Signals,
        columns: HostColumns,
        _rewritten: impl FnOnce(&Self) -> Result<Self::Array<'a>>,
    ) -> Result<Self::Array<'a>> {
        self.device.features(Features::new(&self.device, x, &columns)?)
    }

    fn signals(&self, host: HostSignals) -> Result<Signals> {
        self.device.signals(&host)
    }

    fn filters(&self, _x: &Signals, taps: &[f64], shift: f64) -> Result<Array<'static>> {
        Ok(Array::numbers(&[taps, &[shift]].concat()))
    }

    fn n_rows_of(&self, n_rows: usize, every: Every) -> usize {
        super::cpu::n_rows_of(n_rows, every)
    }

    fn pass(&self, sweep: Sweep, n_sums: &[usize], body: &Body<Program<'_>>) -> Result<Vec<Vec<f64>>> {
        let program = recorded(0..sweep.n_rows, body)?;
        self.device.pass(&program, sweep, n_sums)
    }

    fn trace(&self, sweep: Sweep, rows: Range<usize>, body: &Body<Program<'_>>) -> Result<Line> {
        let program = recorded(rows.clone(), body)?;
        let [eta, direction] = self.device.trace(&program, sweep, rows.clone())?;
        Ok(Line { eta, direction, targets: sweep.targets.to_vec(), rows, alone: sweep.alone })
    }

    fn start(&self, work: &mut Program<'_>, into: Into, constants: &[f64]) {
        work.start(into, constants);
    }

    fn matmul<'a>(
        &self,
        work: &mut Program<'a>,
        _rows: Range<usize>,
        x: &Array<'a>,
        coef: &Array<'static>,
        into: Into,
    ) {
        work.add_product(x, coef, into);
    }

    fn matmul_transposed<'a>(&self, work: &mut Program<'a>, _rows: Range<usize>, x: &Array<'a>, sums: usize) {
        work.add_backward(x, sums);
    }

    fn convolve(
        &self,
        work: &mut Program<'_>,
        _rows: Range<usize>,
        x: &Signals,
        filters: &Array<'static>,
        into: Into,
    ) {
        work.add_convolution(x, filters, into);
    }

    fn correlate(&self, work: &mut Program<'_>, _rows: Range<usize>, x: &Signals, sums: usize) {
        work.add_correlation(x, sums);
    }

    fn pointwise<'a>(
        &self,
        work: &mut Program<'a>,
        _rows: Range<usize>,
        model: Model,
        observed: Observed<Array<'a>>,
        beside: Beside,
    ) {
        work.add_pointwise(model, observed, beside);
    }

    fn copy_rows<'a>(&self, work: &mut Program<'a>, _rows: Range<usize>, x: &Array<'a>, first: usize) {
        work.add_columns(x, first);
    }

    fn weighted_gram<'a>(
        &self,
        work: &mut Program<'a>,
        _rows: Range<usize>,
        x: Option<&Array<'a>>,
        flat: bool,
        sums: usize,
    ) {
        work.add_gram(x, flat, sums);
    }

    fn loss_changes(
        &self,
        line: &Line,
        model: Model,
        observed: Observed<Array<'_>>,
        steps: &[f64],
        changes: &mut [f64],
    ) -> Result<()> {
        line.loss_changes(&self.device, model, observed, steps, changes)
    }

    fn reach(&self, line: &Line, observed: Observed<Array<'_>>, reach: &mut [Reach]) -> Result<()> {
        line.reach(&self.device, observed, reach)
    }
}

/// What a pass does, asked once for all rows.
fn recorded<'a>(rows: Range<usize>, body: &Body<Program<'a>>) -> Result<Program<'a>> {
    let mut program = Program::default();
    body(&mut program, rows)?;
    Ok(program)
}
