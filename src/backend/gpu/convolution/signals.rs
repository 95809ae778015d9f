//! Channels on the device.

use std::ops::Range;
use std::sync::Arc;

use super::axis::Axis;
use super::convolve_fft::{is_long, twiddles};
use crate::backend::cpu::TILE_ROWS;
use crate::backend::cpu::convolution::events::{EventChannels, Events};
use crate::backend::cpu::convolution::lags::Lags;
use crate::backend::gpu::array::MOST_ROWS;
use crate::backend::gpu::batch::{Bound, Params};
use crate::backend::gpu::device::{Buffer, Device, Use};
use crate::backend::gpu::spans::Span;
use crate::backend::{HostChannels, HostSignals, Run, runs_within};
use crate::error::DeviceError;
use crate::{Error, Result};

/// Positions that share an entry of the index of events.
const INDEX_POSITIONS: usize = 256;

/// Bytes of channels that are sent before their arrival is waited for.
const MOST_ON_THE_WAY: usize = 16 << 20;

/// Channels that are convolved as they are: samples or events, in pieces of some used rows each.
#[derive(Clone, Debug)]
pub struct Signals(Arc<Held>);

#[derive(Debug)]
struct Held {
    n_taps: usize,
    n_channels: usize,
    /// Used rows of a piece.
    rows: usize,
    chunks: Vec<Chunk>,
    /// Angles of transforms, if samples are transformed.
    twiddles: Option<Bound>,
}

/// The channels as some used rows see them.
#[derive(Debug)]
pub(in crate::backend::gpu) struct Chunk {
    axis: Axis,
    /// The position of every row.
    pub(super) place: Bound,
    /// The row at every position.
    pub(super) row_at: Bound,
    pub(super) channels: Channels,
}

/// Values of channels at positions.
#[derive(Debug)]
pub(in crate::backend::gpu) enum Channels {
    /// All of one channel after those of the other.
    Samples(Bound),
    Events {
        /// Of all channels, by position, and how many are before every 256th.
        merged: Bound,
        before: Bound,
        /// The same channel by channel.
        single: Bound,
        single_before: Bound,
        /// Events of all channels that a work group of positions sees, at most.
        most_seen: usize,
    },
}

impl Chunk {
    /// Turns that the group of rows with most positions takes, so many of them a turn.
    pub(super) fn turns(&self, params: &Params, each: usize) -> u32 {
        let row_of = |i: u32| params.first_row + (i >> 8) * params.every * 256 + (i & 255);
        let row = |i: u32| (params.run_row + row_of(i)) as usize;
        // where the rows lie one after the other, no group has more than the first
        let n_groups =
            if self.axis.is_one_stretch() { 1 } else { params.n.div_ceil(params.group_rows.max(1)) };
        let n_positions = (0..n_groups).map(|group| {
            let begin = group * params.group_rows;
            let end = params.n.min(begin + params.group_rows);
            self.axis.positions(&(row(begin)..row(end - 1) + 1)).len()
        });
        n_positions.max().unwrap_or(0).div_ceil(each) as u32
    }
}

impl Signals {
    /// Lags of the window.
    pub(in crate::backend::gpu) fn n_taps(&self) -> usize {
        self.0.n_taps
    }

    pub(in crate::backend::gpu) fn n_channels(&self) -> usize {
        self.0.n_channels
    }

    /// Used rows of a piece.
    pub(in crate::backend::gpu) fn rows_of_chunk(&self) -> usize {
        self.0.rows
    }

    /// Whether products with filters are formed by Fourier transforms.
    pub(super) fn is_transformed(&self) -> bool {
        self.0.twiddles.is_some()
    }

    /// The angles of transforms, if there are any.
    pub(super) fn twiddles(&self) -> Option<&Bound> {
        self.0.twiddles.as_ref()
    }

    /// The piece in which the rows of a run lie, and what kernels over them are started with.
    pub(in crate::backend::gpu) fn chunk(&self, span: &Span, params: Params) -> Result<(&Chunk, Params)> {
        let cut = || {
            let message = "rows outside of the channels".into();
            Error::Gpu(DeviceError::ShaderRejected { kernel: "convolve".into(), message })
        };
        let chunk = self.0.chunks.get(span.rows.start / self.0.rows).ok_or_else(cut)?;
        let run_row = span.rows.start % self.0.rows;
        let positions = chunk.axis.positions(&(run_row + span.first..run_row + span.rows.len()));
        let params = Params {
            n_samples: chunk.axis.len() as u32,
            first_position: positions.start as u32,
            end_position: positions.end as u32,
            run_row: run_row as u32,
            ..params
        };
        Ok((chunk, params))
    }
}

impl Device {
    /// Brings channels to the device.
    pub(in crate::backend::gpu) fn signals(&self, host: &HostSignals) -> Result<Signals> {
        let n_channels = match &host.channels {
            HostChannels::Events(events) => events.channels().len(),
            HostChannels::Samples(channels) => channels.len(),
        };
        let (rows, axes) = self.axes(host, n_channels)?;
        let chunk = |axis: Axis| {
            let [place, row_at] = [axis.places(), axis.rows()].map(|numbers| self.kept(&numbers));
            let channels = match &host.channels {
                HostChannels::Samples(channels) => self.samples(&axis, channels)?,
                HostChannels::Events(events) => self.events(&axis, events, host.lags.window_bins)?,
            };
            Ok(Chunk { axis, place: place?, row_at: row_at?, channels })
        };
        let chunks = axes.into_iter().map(chunk).collect::<Result<_>>()?;
        let n_taps = host.lags.window_bins;
        let is_long = is_long(n_taps) && matches!(host.channels, HostChannels::Samples(_));
        let twiddles = is_long.then(|| self.kept(&twiddles())).transpose()?;
        Ok(Signals(Arc::new(Held { n_taps, n_channels, rows, chunks, twiddles })))
    }

    /// The axes of as many rows each as the limits of the device allow.
    fn axes(&self, host: &HostSignals, n_channels: usize) -> Result<(usize, Vec<Axis>)> {
        let n_rows = host.runs.last().map_or(0, |run| run.used + run.len);
        let mut rows = MOST_ROWS.min(n_rows.next_power_of_two().max(TILE_ROWS));
        loop {
            let axes = axes_of(host.lags, host.runs, n_rows, rows);
            let largest = axes.iter().map(|axis| largest_bytes(axis, &host.channels, n_channels)).max();
            if largest.unwrap_or(0) <= self.binding_bytes {
                return Ok((rows, axes));
            }
            if rows == TILE_ROWS {
                let limit =
                    format!("bytes of a storage binding (for {TILE_ROWS} rows of {n_channels} channels)");
                let (needed, has) = (largest.unwrap_or(0), self.binding_bytes);
                let adapter = self.facts.title();
                return Err(Error::Gpu(DeviceError::AdapterTooSmall { adapter, limit, needed, has }));
            }
            rows /= 2;
        }
    }

    /// A buffer of its own with these numbers.
    pub(super) fn kept<T: bytemuck::NoUninit>(&self, numbers: &[T]) -> Result<Bound> {
        let buffer = self.buffer(size_of_val(numbers) as u64, Use::Storage)?;
        self.write(&buffer, 0, bytemuck::cast_slice(numbers))?;
        Ok(Bound::from(&Arc::new(buffer)))
    }

    fn samples(&self, axis: &Axis, channels: &[(&[f64], f64)]) -> Result<Channels> {
        let own_bytes = axis.len() * size_of::<f32>();
        let buffer: Buffer = self.buffer((channels.len() * own_bytes) as u64, Use::Storage)?;
        let (mut own, mut on_the_way) = (vec![0.0_f32; axis.len()], 0);
        for (k, (x, offset)) in channels.iter().enumerate() {
            for piece in axis.pieces() {
                let values = &x[piece.bin..piece.bin + piece.len];
                for (to, &x) in own[piece.position..].iter_mut().zip(values) {
                    // what is not finite is seen by no row
                    *to = if x.is_finite() { (x - offset) as f32 } else { 0.0 };
                }
            }
            self.write(&buffer, (k * own_bytes) as u64, bytemuck::cast_slice(&own))?;
            on_the_way += own_bytes;
            if on_the_way >= MOST_ON_THE_WAY {
                self.settle()?;
                on_the_way = 0;
            }
        }
        Ok(Channels::Samples(Bound::from(&Arc::new(buffer))))
    }

    fn events(&self, axis: &Axis, events: &EventChannels, n_taps: usize) -> Result<Channels> {
        let (mut merged, mut single, mut single_before) = (Vec::new(), Vec::new(), Vec::new());
        for (channel, events) in events.channels().iter().enumerate() {
            let own = placed(axis, events);
            let first = single.len();
            single_before.extend(index(axis, own.iter().map(|[position, _]| *position), first));
            merged.extend(own.iter().map(|&[position, count]| [position, (channel * n_taps) as u32, count]));
            single.extend(own);
        }
        // channels keep their order
        merged.sort_by_key(|[position, ..]: &[u32; 3]| *position);
        let before = index(axis, merged.iter().map(|[position, ..]| *position), 0);
        let most_seen = most_seen(&before, n_taps);
        Ok(Channels::Events {
            most_seen,
            merged: self.kept(&merged)?,
            before: self.kept(&before)?,
            single: self.kept(&single)?,
            single_before: self.kept(&single_before)?,
        })
    }
}

/// The axes of `rows` used rows each.
fn axes_of(lags: Lags, runs: &[Run], n_rows: usize, rows: usize) -> Vec<Axis> {
    let own = |first: usize| first..n_rows.min(first + rows);
    let all = (0..n_rows).step_by(rows).map(own);
    all.map(|used: Range<usize>| Axis::new(lags, used.start, runs_within(runs, used.clone()))).collect()
}

/// Bytes of the largest buffer that the channels take.
fn largest_bytes(axis: &Axis, channels: &HostChannels, n_channels: usize) -> u64 {
    let n_numbers = match channels {
        HostChannels::Samples(_) => n_channels * axis.len(),
        HostChannels::Events(events) => {
            let within = |events: &Events| {
                let own = axis.pieces().iter();
                own.map(|piece| events.within(&(piece.bin..piece.bin + piece.len)).len()).sum::<usize>()
            };
            let n_events: usize = events.channels().iter().map(within).sum();
            (3 * n_events).max(n_channels * (axis.len() / INDEX_POSITIONS + 2)).max(axis.len())
        }
    };
    (n_numbers * size_of::<f32>()) as u64
}

/// Position and count of every event of a channel.
fn placed(axis: &Axis, events: &Events) -> Vec<[u32; 2]> {
    let of_piece = axis.pieces().iter().flat_map(|piece| {
        let own = events.within(&(piece.bin..piece.bin + piece.len)).iter();
        own.map(|event| [(piece.position + event.bin as usize - piece.bin) as u32, event.count.to_bits()])
    });
    of_piece.collect()
}

/// Events that a work group of [`INDEX_POSITIONS`] positions sees at most, wherever it begins, to whole entries of the index.
fn most_seen(before: &[u32], n_taps: usize) -> usize {
    let n_blocks = (n_taps + INDEX_POSITIONS - 2).div_ceil(INDEX_POSITIONS) + 1;
    let last = before.len().saturating_sub(1);
    let seen = |(block, first): (usize, &u32)| before[(block + n_blocks).min(last)] - first;
    before.iter().enumerate().map(seen).max().unwrap_or(0) as usize
}

/// How many events are before every 256th position, counted from `first`.
fn index(axis: &Axis, positions: impl Iterator<Item = u32>, first: usize) -> Vec<u32> {
    let n_blocks = axis.len().div_ceil(INDEX_POSITIONS);
    let mut before = vec![0; n_blocks + 1];
    for position in positions {
        before[position as usize / INDEX_POSITIONS + 1] += 1;
    }
    before[0] = first as u32;
    for block in 0..n_blocks {
        before[block + 1] += before[block];
    }
    before
}
