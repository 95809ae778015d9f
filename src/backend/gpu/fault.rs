//! Faults on purpose: what a device is made to do wrong, and when, so that every way in which one can fail is tried on one that
//! does not.
//!
//! A device counts its allocations, submissions and read-backs; at one of them it fails the way a real one does. What is done
//! about it does not know that it was on purpose. Nothing in the command line leads here.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Gpu;

/// A fault of an open device; see [`Gpu::inject`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// At which operation of its kind, from 0.
    pub at: u64,
    /// Whether it goes wrong at all later ones, too.
    pub lasts: bool,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// There is no room for a buffer.
    NoRoom,
    /// The device is gone once work has been submitted.
    Lost,
    /// Work that was submitted is never done; it is waited for as long as [`super::Limits::patience`] says.
    Hung,
    /// Numbers change on their way back to the host.
    Garbled(Garbling),
    /// Numbers were wrong before they came back, as those of a device that computes wrong: no seal tells.
    Miscomputed(Garbling),
}

/// How numbers are wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Garbling {
    /// One bit of one word: of the words, taken as one long number, bit `seed` modulo their number.
    Bit(u64),
    /// All of them are 0.
    Zeros,
    /// All of them are not a number.
    NotANumber,
    /// They are those that were read before, as far as there are so many.
    Stale,
}

/// Operations of a device so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operations {
    /// Buffers that were asked for.
    pub allocations: u64,
    /// Pieces of work that were handed over.
    pub submissions: u64,
    /// Times that numbers were read back.
    pub reads: u64,
}

/// The operations of a device, and what goes wrong at them.
#[derive(Debug, Default)]
pub(super) struct Faults {
    fault: Mutex<Option<Fault>>,
    allocations: AtomicU64,
    submissions: AtomicU64,
    reads: AtomicU64,
    /// What was read before.
    before: Mutex<Vec<u32>>,
}

impl Faults {
    /// From now on this goes wrong; operations are counted from 0.
    fn inject(&self, fault: Option<Fault>) {
        for counter in [&self.allocations, &self.submissions, &self.reads] {
            counter.store(0, Ordering::Relaxed);
        }
        if let Ok(mut own) = self.fault.lock() {
            *own = fault;
        }
    }

    fn operations(&self) -> Operations {
        let [allocations, submissions, reads] = [&self.allocations, &self.submissions, &self.reads]
            .map(|counter| counter.load(Ordering::Relaxed));
        Operations { allocations, submissions, reads }
    }

    /// What goes wrong at the next operation of a counter, if that is one of its kind.
    fn next(&self, counter: &AtomicU64, is_own: impl Fn(FaultKind) -> bool) -> Option<FaultKind> {
        let number = counter.fetch_add(1, Ordering::Relaxed);
        let fault = self.fault.lock().ok().and_then(|fault| *fault)?;
        let is_now = number == fault.at || (fault.lasts && number > fault.at);
        (is_now && is_own(fault.kind)).then_some(fault.kind)
    }

    /// Whether there is no room for the next buffer.
    pub(super) fn refuses(&self) -> bool {
        self.next(&self.allocations, |kind| kind == FaultKind::NoRoom).is_some()
    }

    /// What becomes of the next submission.
    pub(super) fn of_submission(&self) -> Option<FaultKind> {
        self.next(&self.submissions, |kind| matches!(kind, FaultKind::Lost | FaultKind::Hung))
    }

    /// What becomes of the next numbers that are read back.
    pub(super) fn of_read(&self) -> Option<FaultKind> {
        self.next(&self.reads, |kind| matches!(kind, FaultKind::Garbled(_) | FaultKind::Miscomputed(_)))
    }

    /// Makes words wrong.
    pub(super) fn garble(&self, how: Garbling, words: &mut [u32]) {
        match how {
            Garbling::Zeros => words.fill(0),
            Garbling::NotANumber => words.fill(f32::NAN.to_bits()),
            Garbling::Bit(seed) => {
                let bit = seed % (32 * words.len() as u64).max(1);
                words.iter_mut().skip((bit / 32) as usize).take(1).for_each(|word| *word ^= 1 << (bit % 32));
            }
            Garbling::Stale => {
                if let Ok(before) = self.before.lock() {
                    words.iter_mut().zip(&*before).for_each(|(word, old)| *word = *old);
                }
            }
        }
    }

    /// Keeps what was read, where it is to come back.
    pub(super) fn remember(&self, words: &[u32]) {
        let is_stale = |fault: &Fault| {
            matches!(
                fault.kind,
                FaultKind::Garbled(Garbling::Stale) | FaultKind::Miscomputed(Garbling::Stale)
            )
        };
        if self.fault.lock().is_ok_and(|fault| fault.as_ref().is_some_and(is_stale))
            && let Ok(mut before) = self.before.lock()
        {
            before.clear();
            before.extend_from_slice(words);
        }
    }
}

impl Gpu {
    /// Makes the device fail on purpose, or no longer; its operations are counted from 0 again. For tests of what is done about a
    /// fault: a device that was lost or hung stays so, as a real one does.
    pub fn inject(&self, fault: Option<Fault>) {
        self.device.faults.inject(fault);
    }

    /// What the device did since it was opened or a fault was [injected](Gpu::inject).
    pub fn operations(&self) -> Operations {
        self.device.faults.operations()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_happens_at_its_operation_and_to_its_kind_alone() {
        let faults = Faults::default();
        let no_room = |at, lasts| Some(Fault { kind: FaultKind::NoRoom, at, lasts });
        faults.inject(no_room(1, false));
        assert_eq!([(); 4].map(|()| faults.refuses()), [false, true, false, false]);
        assert_eq!(([(); 3].map(|()| faults.of_submission()), faults.of_read()), ([None; 3], None));
        assert_eq!(faults.operations(), Operations { allocations: 4, submissions: 3, reads: 1 });
        faults.inject(no_room(1, true));
        assert_eq!([(); 4].map(|()| faults.refuses()), [false, true, true, true]);
    }

    #[test]
    fn words_are_wrong_the_way_that_was_asked_for() {
        let faults = Faults::default();
        let garbled = |how| {
            let mut words = [1, 2, 4];
            faults.garble(how, &mut words);
            words
        };
        assert_eq!(garbled(Garbling::Zeros), [0; 3]);
        assert_eq!(garbled(Garbling::NotANumber), [f32::NAN.to_bits(); 3]);
        assert_eq!((garbled(Garbling::Bit(33)), garbled(Garbling::Bit(96 + 33))), ([1, 0, 4], [1, 0, 4]));
        let kind = FaultKind::Garbled(Garbling::Stale);
        faults.remember(&[9; 9]);
        assert_eq!(garbled(Garbling::Stale), [1, 2, 4], "nothing is kept that is not asked for");
        faults.inject(Some(Fault { kind, at: 0, lasts: false }));
        faults.remember(&[7, 8]);
        assert_eq!(garbled(Garbling::Stale), [7, 8, 4]);
    }
}
