//! Seals: what is read back is believed only if it is what the device had at the end of this run.
//!
//! After a device is lost its queue still takes work and its buffers are still mapped, with whatever is in them. So the last
//! kernel of a run forms sums of the words that are to be read, each with a number that only this run has, and the host forms
//! them again from the words that arrived. Words that are stale, empty or changed on the way do not fit. The price is one more
//! dispatch for every buffer that is read back, a word for every 4096 of it, and a sum on the host; what that takes in seconds has
//! not been measured on a GPU.

use std::sync::Arc;

use super::batch::{Bound, Dispatch, Params, Wanted};
use super::device::{Buffer, Device};
use super::fault::FaultKind;
use super::shader::{Access, Kernel, Shared};
use crate::error::DeviceError;
use crate::{Error, Result};

/// Words with one seal.
const SEALED: usize = 4096;
/// An odd number whose multiples are all different modulo 2^32, and far from 0.
const SPREAD: u32 = 0x9E37_79B9;

pub(super) const SEAL: Kernel = Kernel {
    name: "seal",
    text: include_str!("../../../shaders/kernel/seal.wgsl"),
    shared: &[Shared::Rows],
    bindings: &[Access::Read, Access::Write],
};

/// The seals of one run.
pub(super) struct Seals {
    /// What forms them.
    pub(super) dispatches: Vec<Dispatch>,
    /// Where they are.
    pub(super) buffer: Option<Arc<Buffer>>,
    /// How many there are.
    pub(super) n: usize,
    /// The number of the run.
    run: u32,
}

impl Device {
    /// Seals what a run reads back.
    pub(super) fn seals(&self, wanted: &[Wanted]) -> Result<Seals> {
        let n = wanted.iter().map(|wanted| wanted.n.div_ceil(SEALED)).sum();
        let run = self.next_run().wrapping_mul(SPREAD);
        let mut seals = Seals { dispatches: Vec::with_capacity(wanted.len()), buffer: None, n, run };
        if n == 0 {
            return Ok(seals);
        }
        let buffer = self.scratch((n * size_of::<u32>()) as u64)?;
        let mut first = 0;
        for wanted in wanted.iter().filter(|wanted| wanted.n > 0) {
            let n_groups = wanted.n.div_ceil(SEALED);
            let params = Params {
                n: wanted.n as u32,
                group_rows: SEALED as u32,
                first_partial: first as u32,
                turns: run,
                ..Params::default()
            };
            seals.dispatches.push(Dispatch {
                pipeline: self.pipeline(&SEAL, vec![], None)?,
                params,
                bound: vec![Bound::first(&wanted.buffer, wanted.n), Bound::first(&buffer, n)],
                groups: [n_groups as u32, 1, 1],
                flop: 0.0,
            });
            first += n_groups;
        }
        seals.buffer = Some(buffer);
        Ok(seals)
    }

    /// The words that were wanted, and their seals, from the staging buffer that a submission filled.
    ///
    /// # Errors
    /// [`DeviceError::Garbled`] if the seals do not fit.
    pub(super) fn read_sealed(
        &self,
        staging: &Buffer,
        seals: &Seals,
        wanted: &[Wanted],
        index: wgpu::SubmissionIndex,
    ) -> Result<Vec<u32>> {
        let n_wanted: usize = wanted.iter().map(|wanted| wanted.n).sum();
        let mut words: Vec<u32> = self.read(staging, n_wanted + seals.n, index)?;
        let fault = self.faults.of_read();
        if let Some(FaultKind::Garbled(how)) = fault {
            self.faults.garble(how, &mut words);
        }
        seals.open(&words, wanted)?;
        if let Some(FaultKind::Miscomputed(how)) = fault {
            self.faults.garble(how, &mut words[..n_wanted]);
        }
        self.faults.remember(&words);
        Ok(words)
    }
}

impl Seals {
    /// Looks at all that was read: the words of every buffer that was wanted, then their seals.
    ///
    /// # Errors
    /// [`DeviceError::Garbled`] if some are not those that were sealed.
    pub(super) fn open(&self, read: &[u32], wanted: &[Wanted]) -> Result<()> {
        let (mut words, seals) = read.split_at(read.len() - self.n);
        let mut seals = seals.iter();
        let mut n_broken = 0;
        for wanted in wanted {
            let (own, others) = words.split_at(wanted.n);
            words = others;
            for (k, sealed) in own.chunks(SEALED).enumerate() {
                n_broken += usize::from(seals.next() != Some(&seal(sealed, k * SEALED, self.run)));
            }
        }
        if n_broken == 0 {
            return Ok(());
        }
        Err(Error::Gpu(DeviceError::Garbled { n_broken, n_sealed: self.n }))
    }
}

/// The seal of words, the first of which has this number.
fn seal(words: &[u32], first: usize, run: u32) -> u32 {
    let odd = |k: usize| 2 * (first + k) as u32 + 1;
    let sum =
        words.iter().enumerate().fold(0_u32, |sum, (k, word)| sum.wrapping_add(word.wrapping_mul(odd(k))));
    sum.wrapping_add(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_knows_its_words_and_its_run() {
        let words: Vec<u32> = (0..300).map(|k| k * k * 7919).collect();
        let own = seal(&words, 4096, SPREAD);
        for k in 0..words.len() {
            for bit in [0, 13, 31] {
                let mut changed = words.clone();
                changed[k] ^= 1 << bit;
                assert_ne!(seal(&changed, 4096, SPREAD), own);
            }
        }
        assert_ne!(seal(&words, 4096, 2_u32.wrapping_mul(SPREAD)), own);
        assert_ne!(seal(&words, 0, SPREAD), own);
        assert_ne!(seal(&[0; 300], 0, SPREAD), 0, "nothing but zeros is no answer");
    }
}
