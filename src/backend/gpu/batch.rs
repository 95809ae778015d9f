//! Dispatches in the order in which they run, and their way to the device.
//!
//! Each dispatch sees what those before it wrote. Work is handed over in submissions that a slow device finishes in a
//! fraction of a second, since some systems reset a device that does not answer for two.

use std::sync::Arc;

use super::device::{Buffer, Device, Use};
use super::pipeline::Pipeline;
use super::sent::Sending;
use crate::Result;

/// Bytes between the starting numbers of two dispatches.
const STRIDE: usize = 256;

/// The numbers that a kernel is started with: `Params` of `shaders/shared/rows.wgsl`.
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub(super) struct Params {
    pub(super) n: u32,
    pub(super) first_row: u32,
    pub(super) every: u32,
    pub(super) group_rows: u32,
    pub(super) first_partial: u32,
    pub(super) n_targets: u32,
    pub(super) zero: u32,
    pub(super) first_column: u32,
    pub(super) intercept: f32,
    pub(super) width: u32,
    pub(super) n_partials: u32,
    pub(super) n_samples: u32,
    pub(super) first_position: u32,
    pub(super) end_position: u32,
    pub(super) run_row: u32,
    pub(super) turns: u32,
}

/// Part of a buffer, in bytes.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) buffer: Arc<Buffer>,
    pub(super) at: u64,
    pub(super) size: u64,
}

impl From<&Arc<Buffer>> for Bound {
    fn from(buffer: &Arc<Buffer>) -> Self {
        Self { buffer: Arc::clone(buffer), at: 0, size: buffer.raw.size() }
    }
}

impl Bound {
    /// The first `n` numbers of a buffer.
    pub(super) fn first(buffer: &Arc<Buffer>, n: usize) -> Self {
        Self { buffer: Arc::clone(buffer), at: 0, size: bytes(n) }
    }
}

/// `n` numbers of single precision as bytes.
pub(super) fn bytes(n: usize) -> u64 {
    (n * size_of::<f32>()) as u64
}

/// One kernel and what it works on.
pub(super) struct Dispatch {
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) params: Params,
    pub(super) bound: Vec<Bound>,
    pub(super) groups: [u32; 3],
    /// Operations, about.
    pub(super) flop: f64,
}

/// Numbers to read when all is done: the first of a buffer.
pub(super) struct Wanted {
    pub(super) buffer: Arc<Buffer>,
    pub(super) n: usize,
}

impl Device {
    /// Runs dispatches in their order and reads numbers back.
    pub(super) fn run(&self, dispatches: &[Dispatch], wanted: &[Wanted]) -> Result<Vec<Vec<f32>>> {
        self.run_with(dispatches, &[], wanted)
    }

    /// The same with rows that are sent on the way, in the order of the dispatches that see them.
    pub(super) fn run_with(
        &self,
        dispatches: &[Dispatch],
        sendings: &[Sending],
        wanted: &[Wanted],
    ) -> Result<Vec<Vec<f32>>> {
        let seals = self.seals(wanted)?;
        let uniform = self.params(dispatches.iter().chain(&seals.dispatches))?;
        let n_wanted: usize = wanted.iter().map(|wanted| wanted.n).sum();
        let staging = self.buffer(bytes(n_wanted + seals.n), Use::Staging)?;
        let watch = self.watch()?;
        let mut rest = dispatches;
        let mut done = 0;
        let mut last: Option<wgpu::SubmissionIndex> = None;
        let (mut sendings, mut host) = (sendings.iter().peekable(), Vec::new());
        loop {
            while let Some(sending) = sendings.next_if(|sending| sending.before <= done) {
                self.send(sending, &mut host)?;
            }
            let until = sendings.peek().map_or(rest.len(), |sending| sending.before - done);
            let own = until.min(rest.len()).min(submission(rest, self.submission_flop));
            let (now, later) = rest.split_at(own);
            let mut encoder =
                self.raw.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: None });
            let stamps = watch.as_ref().map(|watch| watch.stamps(done == 0));
            self.encode(&mut encoder, now, done, &uniform, stamps);
            if later.is_empty() {
                if seals.n > 0 {
                    self.encode(&mut encoder, &seals.dispatches, dispatches.len(), &uniform, None);
                }
                let mut at = 0;
                let words = wanted.iter().map(|wanted| (&wanted.buffer, wanted.n));
                for (buffer, n) in words.chain(seals.buffer.iter().map(|buffer| (buffer, seals.n))) {
                    encoder.copy_buffer_to_buffer(&buffer.raw, 0, &staging.raw, at, bytes(n));
                    at += bytes(n);
                }
            }
            if let (true, Some(watch)) = (later.is_empty(), &watch) {
                watch.resolve(&mut encoder);
            }
            let index = self.submit(encoder.finish());
            if later.is_empty() {
                if let Some(watch) = &watch {
                    self.stop(watch, index.clone())?;
                }
                if n_wanted == 0 {
                    self.wait(index)?;
                    return Ok(wanted.iter().map(|_| Vec::new()).collect());
                }
                let read = self.read_sealed(&staging, &seals, wanted, index)?;
                let mut all = read.into_iter().take(n_wanted).map(f32::from_bits);
                return Ok(wanted.iter().map(|wanted| all.by_ref().take(wanted.n).collect()).collect());
            }
            // the device works on one while the next waits: patience is for each of them
            if let Some(before) = last.replace(index) {
                self.wait(before)?;
            }
            done += own;
            rest = later;
        }
    }

    /// The starting numbers of all dispatches.
    fn params<'d>(&self, dispatches: impl Iterator<Item = &'d Dispatch>) -> Result<Buffer> {
        let mut bytes = Vec::new();
        for dispatch in dispatches {
            let end = bytes.len() + STRIDE;
            bytes.extend_from_slice(bytemuck::bytes_of(&dispatch.params));
            bytes.resize(end, 0);
        }
        bytes.resize(bytes.len().max(STRIDE), 0);
        let uniform = self.buffer(bytes.len() as u64, Use::Uniform)?;
        self.write(&uniform, 0, &bytes)?;
        Ok(uniform)
    }

    fn encode(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        now: &[Dispatch],
        done: usize,
        uniform: &Buffer,
        timestamp_writes: Option<wgpu::ComputePassTimestampWrites>,
    ) {
        let mut pass =
            encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes });
        for (k, dispatch) in now.iter().enumerate() {
            let binding = |buffer, offset, size| {
                wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer,
                    offset,
                    size: std::num::NonZeroU64::new(size),
                })
            };
            let params = wgpu::BindGroupEntry {
                binding: 0,
                resource: binding(&uniform.raw, 0, size_of::<Params>() as u64),
            };
            let bound = dispatch.bound.iter().enumerate().map(|(k, bound)| wgpu::BindGroupEntry {
                binding: 1 + k as u32,
                resource: binding(&bound.buffer.raw, bound.at, bound.size),
            });
            let entries: Vec<_> = std::iter::once(params).chain(bound).collect();
            let group = self.raw.create_bind_group(&wgpu::BindGroupDescriptor {
                label: None,
                layout: &dispatch.pipeline.layout,
                entries: &entries,
            });
            pass.set_pipeline(&dispatch.pipeline.raw);
            pass.set_bind_group(0, &group, &[((done + k) * STRIDE) as u32]);
            let [x, y, z] = dispatch.groups;
            pass.dispatch_workgroups(x, y, z);
        }
    }
}

/// How many of the dispatches make one submission.
fn submission(dispatches: &[Dispatch], most: f64) -> usize {
    let mut flop = 0.0;
    let full = dispatches.iter().position(|dispatch| {
        flop += dispatch.flop;
        flop >= most
    });
    full.map_or(dispatches.len(), |last| last + 1)
}
