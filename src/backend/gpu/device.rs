//! An open device: memory, waiting, and every way in which it can fail.
//!
//! Errors of wgpu arrive in three ways: in a scope around what may be refused, in a callback for what nobody waited for,
//! and in another when the device is gone. All of them end in one place here and are looked at before numbers that were
//! read back are believed.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use super::adapter::{Facts, INVOCATIONS};
use super::batch::Bound;
use super::clock::Clock;
use super::fault::{FaultKind, Faults};
use super::pipeline::Pipelines;
use super::trouble::{Trouble, uncaptured};
pub(super) use super::usage::Use;
use super::variant::Variant;
use crate::error::DeviceError;
use crate::{Error, Result};

/// Bytes of a buffer at most, whatever the device allows.
const LARGEST: u64 = 1 << 30;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Limits that are lower than the device's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Most bytes of a buffer that a kernel sees.
    pub binding_bytes: Option<u64>,
    /// Most bytes of matrices that stay on the device; what does not fit is built or sent again in every pass.
    pub most_bytes: Option<u64>,
    /// Bytes of all buffers together, as on a small device.
    pub room_bytes: Option<u64>,
    /// How long an answer may take: a minute, unless it is said here.
    pub patience: Option<Duration>,
}

/// Memory of the device, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Buffer {
    pub(super) raw: wgpu::Buffer,
    held: Arc<Held>,
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.held.now.fetch_sub(self.raw.size(), Ordering::Relaxed);
    }
}

/// Bytes of all buffers.
#[derive(Debug, Default)]
struct Held {
    now: AtomicU64,
    peak: AtomicU64,
}

/// An open device.
pub(super) struct Device {
    pub(super) raw: wgpu::Device,
    queue: wgpu::Queue,
    pub(super) facts: Facts,
    /// Most bytes of a buffer that a kernel sees.
    pub(super) binding_bytes: u64,
    /// Most bytes of matrices that stay, and of all buffers.
    pub(super) most_bytes: u64,
    room_bytes: u64,
    pub(super) variant: Variant,
    pub(super) pipelines: Pipelines,
    trouble: Arc<Trouble>,
    held: Arc<Held>,
    pub(super) clock: Clock,
    /// Bytes that were written since the last wait.
    on_its_way: AtomicUsize,
    /// Operations of a submission, about: what takes such a device less than 100 ms.
    pub(super) submission_flop: f64,
    /// Buffers of earlier passes, to be used again.
    spare: Mutex<Vec<Arc<Buffer>>>,
    patience: Duration,
    /// Whether it does not answer, on purpose.
    hangs: AtomicBool,
    /// Runs so far.
    runs: AtomicU32,
    pub(super) faults: Faults,
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device").field("facts", &self.facts).finish_non_exhaustive()
    }
}

/// Operations of a submission on a kind of adapter: less than 100 ms at 2 Tflop/s of a discrete one, 0.2 of an integrated one.
/// Not measured on any.
fn submission_flop(kind: &str) -> f64 {
    match kind {
        "discrete" | "virtual" => 2e11,
        "software" => 8e9,
        _ => 2e10,
    }
}

impl Device {
    /// Opens an adapter.
    pub(super) fn open(
        facts: Facts,
        adapter: &wgpu::Adapter,
        limits: Limits,
        variant: Variant,
    ) -> Result<Self> {
        let own = adapter.limits();
        let binding_bytes = own.max_storage_buffer_binding_size.min(own.max_buffer_size).min(LARGEST);
        let binding_bytes = limits.binding_bytes.unwrap_or(binding_bytes).min(binding_bytes);
        let wanted = wgpu::Features::TIMESTAMP_QUERY & adapter.features();
        let required_limits = wgpu::Limits {
            max_storage_buffer_binding_size: binding_bytes,
            max_buffer_size: own.max_buffer_size.clamp(256 << 20, LARGEST),
            max_compute_workgroup_storage_size: variant.workgroup_bytes(),
            max_compute_invocations_per_workgroup: INVOCATIONS,
            ..wgpu::Limits::default()
        };
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("rheobase"),
            required_features: wanted,
            required_limits,
            ..Default::default()
        };
        let unavailable = |error: wgpu::RequestDeviceError| {
            Error::Gpu(DeviceError::Unavailable { adapter: facts.title(), reason: error.to_string() })
        };
        let (raw, queue) = pollster::block_on(adapter.request_device(&descriptor)).map_err(unavailable)?;
        let trouble = Arc::new(Trouble::default());
        let (of_error, of_loss) = (Arc::clone(&trouble), Arc::clone(&trouble));
        raw.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            of_error.set(uncaptured(&error));
        }));
        raw.set_device_lost_callback(move |reason, message| {
            of_loss.set(DeviceError::Lost { reason: format!("{reason:?} {message}").trim().to_string() });
        });
        let [most_bytes, room_bytes] =
            [limits.most_bytes, limits.room_bytes].map(|limit| limit.unwrap_or(u64::MAX));
        let (pipelines, clock) = (Pipelines::default(), Clock::default());
        let (held, spare) = (Arc::default(), Mutex::default());
        let (on_its_way, submission_flop) = (AtomicUsize::new(0), submission_flop(facts.kind));
        let (patience, runs) = (limits.patience.unwrap_or(PATIENCE), AtomicU32::new(0));
        Ok(Self {
            raw,
            queue,
            facts,
            binding_bytes,
            most_bytes,
            room_bytes,
            variant,
            pipelines,
            trouble,
            held,
            clock,
            on_its_way,
            submission_flop,
            spare,
            patience,
            hangs: AtomicBool::new(false),
            runs,
            faults: Faults::default(),
        })
    }

    /// The first thing that went wrong, if anything did.
    pub(super) fn check(&self) -> Result<()> {
        if self.trouble.get().is_none() {
            return Ok(());
        }
        // a loss is told when the device is asked
        drop(self.raw.poll(wgpu::PollType::Poll));
        self.trouble.get().map_or(Ok(()), |error| Err(Error::Gpu(error)))
    }

    /// Largest bytes that all buffers had together so far.
    pub(super) fn peak_bytes(&self) -> u64 {
        self.held.peak.load(Ordering::Relaxed)
    }

    /// Bytes of all buffers, those that wait to be used again given back.
    pub(super) fn held_bytes(&self) -> u64 {
        self.forget_spare();
        self.held.now.load(Ordering::Relaxed)
    }

    /// The number of a run: 1 and more.
    pub(super) fn next_run(&self) -> u32 {
        self.runs.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }

    /// A new buffer of so many bytes, whose content is 0. Where there is no room, spare buffers go first.
    pub(super) fn buffer(&self, n_bytes: u64, purpose: Use) -> Result<Buffer> {
        match self.new_buffer(n_bytes, purpose) {
            Err(Error::Gpu(DeviceError::OutOfMemory { .. })) => {
                self.forget_spare();
                self.settle()?;
                self.new_buffer(n_bytes, purpose)
            }
            other => other,
        }
    }

    /// Gives memory of earlier passes back.
    pub(super) fn forget_spare(&self) {
        if let Ok(mut spare) = self.spare.lock() {
            spare.retain(|buffer| Arc::strong_count(buffer) > 1);
        }
    }

    fn new_buffer(&self, n_bytes: u64, purpose: Use) -> Result<Buffer> {
        self.check()?;
        let n_bytes = n_bytes.next_multiple_of(16).max(16);
        let held_bytes = self.held.now.load(Ordering::Relaxed);
        let full = || Err(Error::Gpu(DeviceError::OutOfMemory { asked_bytes: n_bytes, held_bytes }));
        if self.faults.refuses() || held_bytes + n_bytes > self.room_bytes {
            return full();
        }
        self.held.now.fetch_add(n_bytes, Ordering::Relaxed);
        self.held.peak.fetch_max(held_bytes + n_bytes, Ordering::Relaxed);
        let scope = self.raw.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let descriptor = wgpu::BufferDescriptor {
            label: None,
            size: n_bytes,
            usage: purpose.flags(),
            mapped_at_creation: false,
        };
        let buffer = Buffer { raw: self.raw.create_buffer(&descriptor), held: Arc::clone(&self.held) };
        if pollster::block_on(scope.pop()).is_some() {
            return full();
        }
        Ok(buffer)
    }

    /// A buffer for one pass: one of an earlier pass if it is large enough and not much larger. What is in it is left over.
    pub(super) fn scratch(&self, n_bytes: u64) -> Result<Arc<Buffer>> {
        let n_bytes = n_bytes.next_multiple_of(256).max(256);
        if let Ok(mut spare) = self.spare.lock() {
            let fits = |(_, buffer): &(usize, &Arc<Buffer>)| {
                let size = buffer.raw.size();
                size >= n_bytes && size <= 2 * n_bytes && Arc::strong_count(buffer) == 1
            };
            let best = spare.iter().enumerate().filter(fits).min_by_key(|(_, buffer)| buffer.raw.size());
            if let Some((k, _)) = best {
                let buffer = Arc::clone(&spare[k]);
                let last = spare.len() - 1;
                spare.swap(k, last);
                return Ok(buffer);
            }
            // those that nothing asked for lately make room
            if spare.len() >= 32
                && let Some(old) = spare.iter().position(|buffer| Arc::strong_count(buffer) == 1)
            {
                spare.remove(old);
            }
        }
        let buffer = Arc::new(self.buffer(n_bytes, Use::Storage)?);
        if let Ok(mut spare) = self.spare.lock() {
            spare.push(Arc::clone(&buffer));
        }
        Ok(buffer)
    }

    /// A buffer with these numbers.
    pub(super) fn filled<T: bytemuck::NoUninit>(&self, numbers: &[T]) -> Result<Arc<Buffer>> {
        let buffer = self.scratch(size_of_val(numbers) as u64)?;
        self.write(&buffer, 0, bytemuck::cast_slice(numbers))?;
        Ok(buffer)
    }

    /// Writes bytes, in pieces: memory for a piece is free again once it has arrived.
    pub(super) fn write(&self, buffer: &Buffer, at: u64, bytes: &[u8]) -> Result<()> {
        let piece_bytes = self.variant.piece_bytes;
        for (k, piece) in bytes.chunks(piece_bytes).enumerate() {
            self.check()?;
            self.queue.write_buffer(&buffer.raw, at + (k * piece_bytes) as u64, piece);
            // what is on its way takes memory beside the buffers, however small its pieces are
            let on_its_way = self.on_its_way.fetch_add(piece.len(), Ordering::Relaxed) + piece.len();
            if on_its_way >= piece_bytes {
                self.settle()?;
            }
        }
        self.check()?;
        Ok(())
    }

    /// Puts bytes on their way, in one piece: what is submitted next finds them.
    pub(super) fn write_now(&self, to: &Bound, bytes: &[u8]) -> Result<()> {
        self.queue.write_buffer(&to.buffer.raw, to.at, bytes);
        self.check()
    }

    /// Waits until what was written has arrived.
    pub(super) fn settle(&self) -> Result<()> {
        self.on_its_way.store(0, Ordering::Relaxed);
        let index = self.queue.submit([]);
        self.after_submission();
        self.wait(index)
    }

    /// Nanoseconds of a tick of the device's clock.
    pub(super) fn timestamp_ns(&self) -> f32 {
        self.queue.get_timestamp_period()
    }

    /// Starts what was recorded.
    pub(super) fn submit(&self, commands: wgpu::CommandBuffer) -> wgpu::SubmissionIndex {
        let index = self.queue.submit([commands]);
        self.after_submission();
        index
    }

    /// What was made to go wrong with a submission.
    fn after_submission(&self) {
        match self.faults.of_submission() {
            Some(FaultKind::Lost) => self.raw.destroy(),
            Some(FaultKind::Hung) => self.hangs.store(true, Ordering::Relaxed),
            _ => {}
        }
    }

    /// Waits until a submission is done.
    pub(super) fn wait(&self, index: wgpu::SubmissionIndex) -> Result<()> {
        let timeout = Some(self.patience);
        let waited = if self.hangs.load(Ordering::Relaxed) {
            std::thread::sleep(self.patience);
            Err(wgpu::PollError::Timeout)
        } else {
            self.raw.poll(wgpu::PollType::Wait { submission_index: Some(index), timeout })
        };
        self.check()?;
        match waited {
            Ok(_) => Ok(()),
            Err(wgpu::PollError::Timeout) => {
                let error = DeviceError::Hung { waited_s: self.patience.as_secs_f64() };
                self.trouble.set(error.clone());
                Err(Error::Gpu(error))
            }
            Err(error) => Err(Error::Gpu(DeviceError::Lost { reason: error.to_string() })),
        }
    }

    /// The first `n` numbers of a staging buffer, after the submission that filled it.
    pub(super) fn read<T: bytemuck::Pod>(
        &self,
        staging: &Buffer,
        n: usize,
        index: wgpu::SubmissionIndex,
    ) -> Result<Vec<T>> {
        let (said, heard) = mpsc::channel();
        let slice = staging.raw.slice(..(n * size_of::<T>()) as u64);
        slice.map_async(wgpu::MapMode::Read, move |result| drop(said.send(result)));
        self.wait(index)?;
        let lost = |reason: String| Error::Gpu(DeviceError::Lost { reason });
        heard
            .try_recv()
            .map_err(|error| lost(error.to_string()))?
            .map_err(|error| lost(error.to_string()))?;
        let view = slice.get_mapped_range().map_err(|error| lost(format!("{error:?}")))?;
        let numbers = bytemuck::pod_collect_to_vec(&view);
        drop(view);
        staging.raw.unmap();
        self.check()?;
        Ok(numbers)
    }

    /// Ends the device as if it had been lost.
    #[cfg(test)]
    pub(super) fn destroy(&self) {
        self.raw.destroy();
    }

    /// Fills all spare buffers with a number that must not matter.
    #[cfg(test)]
    pub(super) fn poison(&self, number: f32) {
        let spare: Vec<_> = self.spare.lock().unwrap().clone();
        for buffer in spare {
            let numbers = vec![number; buffer.raw.size() as usize / size_of::<f32>()];
            self.write(&buffer, 0, bytemuck::cast_slice(&numbers)).unwrap();
        }
    }
}
