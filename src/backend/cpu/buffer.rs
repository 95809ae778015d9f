//! Memory for numbers that is used again: fresh pages cost more than what is computed in them.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex};

use super::Storage;

/// Bytes of a line of cache.
const LINE: usize = 64;
/// Numbers up to which memory is kept.
const MOST_KEPT: usize = 1 << 22;
/// How many pieces of memory are kept.
const MOST_PIECES: usize = 8;

/// Memory that waits to be used again.
#[derive(Clone, Debug, Default)]
pub(super) struct Spare<T>(Arc<Mutex<Vec<Vec<T>>>>);

/// Numbers from the beginning of a line of cache on, in memory that goes back to where it came from.
#[derive(Debug)]
pub(super) struct Buffer<T> {
    memory: Vec<T>,
    start: usize,
    n: usize,
    spare: Spare<T>,
}

impl<T: Storage> Spare<T> {
    /// Memory for `n` numbers: 0 if it is fresh.
    pub(super) fn buffer(&self, n: usize) -> Buffer<T> {
        let room = LINE / size_of::<T>();
        let fits = |memory: &Vec<T>| memory.len() >= n + room && memory.len() <= 2 * (n + room);
        let kept =
            self.0.lock().ok().and_then(|mut kept| kept.iter().position(fits).map(|k| kept.swap_remove(k)));
        let memory = kept.unwrap_or_else(|| vec![T::ZERO; n + room]);
        let start = memory.as_ptr().align_offset(LINE).min(room);
        Buffer { memory, start, n, spare: self.clone() }
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.memory[self.start..self.start + self.n]
    }
}

impl<T> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.memory[self.start..self.start + self.n]
    }
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        if let Ok(mut kept) = self.spare.0.lock()
            && kept.len() < MOST_PIECES
            && self.memory.len() <= MOST_KEPT
        {
            kept.push(std::mem::take(&mut self.memory));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_and_begins_a_line() {
        let spare = Spare::<f32>::default();
        let mut first = spare.buffer(1000);
        assert!(first.iter().all(|&x| x == 0.0));
        assert!(first.as_ptr().addr().is_multiple_of(LINE));
        first.fill(1.0);
        drop(first);
        let other = spare.buffer(100);
        assert!(other.iter().all(|&x| x == 0.0), "the other is far too large for this");
        let again = spare.buffer(900);
        assert!(again.len() == 900 && again.iter().all(|&x| x == 1.0));
    }
}
