//! How long kernels take, by the device's own clock.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::device::{Buffer, Device, Use};
use crate::Result;

/// A clock that runs where it is asked for.
#[derive(Debug, Default)]
pub(super) struct Clock {
    runs: AtomicBool,
    /// Seconds of the runs since they were last asked for; NaN if one of them was not timed.
    spent_s: Mutex<Option<f64>>,
}

/// What one run is timed with.
pub(super) struct Watch {
    queries: wgpu::QuerySet,
    resolved: Buffer,
    staging: Buffer,
}

/// Bytes of two time stamps.
const BYTES: u64 = 16;

impl Device {
    /// Times every run from now on, if the device has a clock.
    pub(super) fn start_clock(&self) {
        self.clock.runs.store(self.facts.has_timestamps, Ordering::Relaxed);
    }

    /// Seconds from the first kernel of a run to its last one, all runs since this was last asked together; none without a
    /// clock, or where it stands still.
    pub(super) fn kernel_seconds(&self) -> Option<f64> {
        let spent = self.clock.spent_s.lock().ok().and_then(|mut spent| spent.take());
        spent.filter(|seconds| !seconds.is_nan())
    }

    /// What a run is timed with, if the clock runs.
    pub(super) fn watch(&self) -> Result<Option<Watch>> {
        if !self.clock.runs.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let queries = self.raw.create_query_set(&wgpu::QuerySetDescriptor {
            label: None,
            ty: wgpu::QueryType::Timestamp,
            count: 2,
        });
        let (resolved, staging) = (self.buffer(BYTES, Use::Stamps)?, self.buffer(BYTES, Use::Staging)?);
        Ok(Some(Watch { queries, resolved, staging }))
    }

    /// Keeps what a run took.
    pub(super) fn stop(&self, watch: &Watch, index: wgpu::SubmissionIndex) -> Result<()> {
        let stamps: Vec<u64> = self.read(&watch.staging, 2, index)?;
        let elapsed = match stamps[..] {
            [start, end] if end > start => (end - start) as f64 * f64::from(self.timestamp_ns()) * 1e-9,
            _ => f64::NAN,
        };
        if let Ok(mut spent) = self.clock.spent_s.lock() {
            *spent = Some(spent.unwrap_or(0.0) + elapsed);
        }
        Ok(())
    }
}

impl Watch {
    /// What is written at the begin and the end of the work of a submission.
    pub(super) fn stamps(&self, is_first: bool) -> wgpu::ComputePassTimestampWrites<'_> {
        wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: is_first.then_some(0),
            end_of_pass_write_index: Some(1),
        }
    }

    /// Brings the stamps to where the host reads them.
    pub(super) fn resolve(&self, encoder: &mut wgpu::CommandEncoder) {
        encoder.resolve_query_set(&self.queries, 0..2, &self.resolved.raw, 0);
        encoder.copy_buffer_to_buffer(&self.resolved.raw, 0, &self.staging.raw, 0, BYTES);
    }
}
