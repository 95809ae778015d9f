//! Counts of a response: sent as they lie on the device, or as a list of those that are not 0 where that is less to send.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::array::{Array, STAGED_BYTES};
use super::batch::{Bound, Dispatch, Params};
use super::device::{Buffer, Device, Use};
use super::shader::{Access, Constants, Kernel, Shared};
use crate::Result;
use crate::backend::cpu::TILE_ROWS;

pub(super) const BIN_SPIKES: Kernel = Kernel {
    name: "bin_spikes",
    text: include_str!("../../../shaders/kernel/bin_spikes.wgsl"),
    shared: &[Shared::Rows],
    bindings: &[Access::Read, Access::Write],
};

/// A count that is not 0: its row in a buffer, and 256 times its target plus the count.
type Entry = [u32; 2];

/// Entries of a work group, and groups of a dispatch at most.
const GROUP: usize = 256;
const MOST_GROUPS: usize = 65_535;
/// Targets whose number fits an entry.
const MOST_TARGETS: usize = 1 << 24;

/// What it is compiled for.
pub(super) fn constants(is_bytes: bool) -> Constants {
    vec![("BYTES", is_bytes.into())]
}

impl Device {
    /// Counts of several targets, from tiles of 256 rows in which one target follows the other; of one, as numbers.
    pub(super) fn counts(&self, n_targets: usize, tiles: &[u8]) -> Result<Array<'static>> {
        let n_rows = tiles.len() / n_targets.max(1);
        let array = self.room_for_counts(n_rows, n_targets)?;
        let n_entries: usize =
            tiles.par_chunks(STAGED_BYTES).map(|some| some.iter().filter(|count| **count != 0).count()).sum();
        if is_less(n_entries, n_rows, array.stride()) && n_targets <= MOST_TARGETS {
            self.bin_spikes(&array, n_targets, tiles, n_entries)?;
        } else {
            self.write_counts(&array, n_targets, tiles)?;
        }
        Ok(array)
    }

    /// Writes all counts.
    pub(super) fn write_counts(&self, array: &Array, n_targets: usize, tiles: &[u8]) -> Result<()> {
        let n_rows = tiles.len() / n_targets.max(1);
        let count = |row: usize, target: usize| {
            tiles[(row / TILE_ROWS * n_targets + target) * TILE_ROWS + row % TILE_ROWS]
        };
        if !array.is_bytes() {
            return self.write_rows(array, n_rows, &|rows: Range<usize>, out: &mut [f32]| {
                out.iter_mut().zip(rows).for_each(|(to, row)| *to = f32::from(count(row, 0)));
            });
        }
        self.write_rows(array, n_rows, &|rows: Range<usize>, out: &mut [u32]| {
            for (row, out) in rows.zip(out.chunks_mut(array.stride())) {
                for (word, out) in out.iter_mut().enumerate() {
                    let byte = |k: usize| if 4 * word + k < n_targets { count(row, 4 * word + k) } else { 0 };
                    *out = u32::from_le_bytes(std::array::from_fn(byte));
                }
            }
        })
    }

    /// Writes the counts that are not 0, so many of them, into a new array.
    pub(super) fn bin_spikes(
        &self,
        array: &Array,
        n_targets: usize,
        tiles: &[u8],
        n_entries: usize,
    ) -> Result<()> {
        if n_entries == 0 {
            return Ok(());
        }
        let most = (STAGED_BYTES.min(self.binding_bytes as usize) / size_of::<Entry>())
            .min(MOST_GROUPS * GROUP)
            .min(n_entries);
        let sent = Arc::new(self.buffer((most * size_of::<Entry>()) as u64, Use::Storage)?);
        let tile = TILE_ROWS * n_targets;
        // as many as make no more entries than are staged, were all of them
        let together = (STAGED_BYTES / size_of::<Entry>() / tile).max(1);
        for (k, own) in tiles.chunks(array.rows_of_buffer() * n_targets).enumerate() {
            let first = k * array.rows_of_buffer();
            let counts = array.window(&(first..first + own.len() / n_targets))?;
            let mut entries: Vec<Entry> = Vec::new();
            for (k, some) in own.chunks(together * tile).enumerate() {
                let parts = some.par_chunks(tile).enumerate();
                entries.par_extend(
                    parts.flat_map_iter(|(j, counts)| entries_of((k * together + j) * TILE_ROWS, counts)),
                );
                let n_whole = entries.len() / most * most;
                for piece in entries[..n_whole].chunks(most) {
                    self.add_entries(array, &counts, &sent, piece)?;
                }
                entries.drain(..n_whole);
            }
            if !entries.is_empty() {
                self.add_entries(array, &counts, &sent, &entries)?;
            }
        }
        Ok(())
    }

    fn add_entries(
        &self,
        array: &Array,
        counts: &Bound,
        sent: &Arc<Buffer>,
        entries: &[Entry],
    ) -> Result<()> {
        self.write(sent, 0, bytemuck::cast_slice(entries))?;
        let n = entries.len() as u32;
        let dispatch = Dispatch {
            pipeline: self.pipeline(&BIN_SPIKES, constants(array.is_bytes()), None)?,
            params: Params { n, width: array.stride() as u32, ..Params::default() },
            bound: vec![Bound::first(sent, 2 * entries.len()), counts.clone()],
            groups: [n.div_ceil(GROUP as u32), 1, 1],
            flop: f64::from(n),
        };
        self.run(&[dispatch], &[]).map(drop)
    }
}

/// Whether a list of so many counts is less to send than rows of so many words.
pub(super) fn is_less(n_entries: usize, n_rows: usize, stride: usize) -> bool {
    n_entries * size_of::<Entry>() < n_rows * stride * size_of::<u32>()
}

/// The entries of a tile whose first row is number `first` of the buffer.
fn entries_of(first: usize, tile: &[u8]) -> impl Iterator<Item = Entry> + '_ {
    let is_any = tile.iter().enumerate().filter(|(_, count)| **count != 0);
    is_any.map(move |(place, &count)| {
        let (target, row) = (place / TILE_ROWS, first + place % TILE_ROWS);
        [row as u32, (target as u32) << 8 | u32::from(count)]
    })
}
