//! Sums of work groups, added up on the device in a fixed order and then in `f64` on the host.

use std::sync::Arc;

use super::batch::{Bound, Dispatch, Params, Wanted};
use super::device::{Buffer, Device};
use super::shader::{Access, Kernel, Shared};
use crate::Result;

/// Sets of sums that are read back.
const SLOTS: usize = 32;
/// The same of large sets.
const FEW_SLOTS: usize = 8;
/// Numbers of a large set.
const LARGE: usize = 1 << 16;
/// Numbers of all sets at most where they can be shared: 128 MiB.
const MOST_NUMBERS: usize = 1 << 25;

pub(super) const REDUCE: Kernel = Kernel {
    name: "reduce",
    text: include_str!("../../../shaders/kernel/reduce.wgsl"),
    shared: &[Shared::Rows],
    bindings: &[Access::Read, Access::Write],
};

/// Where numbers of a set belong.
pub(super) type Unpack = Box<dyn Fn(&[f64], &mut [Vec<f64>])>;

/// Sets of sums of one kind, one set per work group.
pub(super) struct Partials {
    pub(super) buffer: Arc<Buffer>,
    /// Numbers of a set, a multiple of 4.
    width: usize,
    n_sets: usize,
    /// Sets that have their group.
    taken: usize,
    /// Whether the groups of every run use the same sets, and add to what is there.
    shared: bool,
    unpack: Unpack,
}

/// Where the groups of a run put their sums.
pub(super) struct Place {
    pub(super) sums: Bound,
    /// The set of the first.
    pub(super) first: u32,
    /// Numbers of a set.
    pub(super) width: u32,
    /// Whether they add to what is there.
    pub(super) adds: bool,
}

impl Partials {
    /// Room for the sets of the groups of each run. Where they would take too much memory (`may_add`: and the kernel can),
    /// the runs share sets.
    pub(super) fn new(
        device: &Device,
        groups: &[usize],
        width: usize,
        may_add: bool,
        unpack: Unpack,
    ) -> Result<Self> {
        let width = width.next_multiple_of(4);
        let all: usize = groups.iter().sum();
        let largest = groups.iter().copied().max().unwrap_or(0);
        // the first run must fill every set
        let shared = may_add && all * width > MOST_NUMBERS && groups.first() == Some(&largest);
        let n_sets = if shared { largest } else { all };
        let buffer = device.scratch((n_sets * width * size_of::<f32>()) as u64)?;
        Ok(Self { buffer, width, n_sets, taken: 0, shared, unpack })
    }

    /// The next `n` sets.
    pub(super) fn take(&mut self, n: usize) -> Place {
        let first = if self.shared { 0 } else { self.taken };
        let adds = self.shared && self.taken > 0;
        self.taken += n;
        let sums = Bound::from(&self.buffer);
        Place { sums, first: first as u32, width: self.width as u32, adds }
    }

    /// The dispatch that adds sets up, if there are many, and what is to be read.
    pub(super) fn reduce(&self, device: &Device) -> Result<(Option<Dispatch>, Wanted)> {
        let slots = if self.width < LARGE { SLOTS } else { FEW_SLOTS };
        if self.n_sets <= slots {
            return Ok((None, Wanted { buffer: Arc::clone(&self.buffer), n: self.n_sets * self.width }));
        }
        let out = device.scratch((slots * self.width * size_of::<f32>()) as u64)?;
        let width = self.width / 4;
        let dispatch = Dispatch {
            pipeline: device.pipeline(&REDUCE, vec![("SLOTS", slots as u32)], None)?,
            params: Params { width: width as u32, n_partials: self.n_sets as u32, ..Params::default() },
            bound: vec![Bound::from(&self.buffer), Bound::from(&out)],
            groups: [width.div_ceil(256) as u32, slots as u32, 1],
            flop: (self.n_sets * self.width) as f64,
        };
        Ok((Some(dispatch), Wanted { buffer: out, n: slots * self.width }))
    }

    /// Adds what was read up in `f64`.
    pub(super) fn add(&self, read: &[f32], sums: &mut [Vec<f64>]) {
        let mut total = vec![0.0; self.width];
        for set in read.chunks_exact(self.width) {
            total.iter_mut().zip(set).for_each(|(total, &sum)| *total += f64::from(sum));
        }
        (self.unpack)(&total, sums);
    }
}
