//! How fast a machine does what fits are made of: the constants of every choice between ways to the same answer.
//!
//! They are compiled in, one set per kind of vector instructions, because speeds measured at the start of a fit would
//! let the same input take another path, and other bits, on the next run. A fit may be given others
//! (`rheobase bench --calibrate` measures them); they then decide instead, and are as fixed as a file is.

use serde::{Deserialize, Serialize};

use super::simd::Level;

/// Speeds of a machine. Those in bytes and operations per second are of all threads together, those in nanoseconds of
/// one thread, for `f32`, with the output in cache.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Speeds {
    /// Bytes per second that a pass reads from memory.
    pub read_bytes_per_s: f64,
    /// Operations per second of the products of a population.
    pub product_flop_per_s: f64,
    /// Operations per second of the weighted Gram of few columns (up to 16).
    pub narrow_gram_flop_per_s: f64,
    /// Operations per second of the weighted Gram of more.
    pub gram_flop_per_s: f64,
    /// Operations per second of the Cholesky factorisation.
    pub cholesky_flop_per_s: f64,
    /// Reading and multiplying one value that lies in memory, forward and back.
    pub value_ns: f64,
    /// Storing one number.
    pub store_ns: f64,
    /// Adding one lag of one event to one sum, written out.
    pub event_ns: f64,
    /// The same, forward and backward together.
    pub event_both_ns: f64,
    /// One multiply-add of direct summation.
    pub direct_ns: f64,
    /// One transform, per row.
    pub transform_ns: f64,
    /// Multiplying spectra forward and backward, per row and channel.
    pub spectra_ns: f64,
}

impl Speeds {
    /// Those that are compiled in: of a machine of two cores with these instructions.
    pub fn of(level: Level) -> Self {
        let [product, narrow_gram, gram] = match level {
            Level::Avx512 => [250e9, 60e9, 190e9],
            Level::Avx2 => [130e9, 50e9, 100e9],
            Level::Neon => [60e9, 20e9, 50e9],
            Level::Scalar => [10e9, 3e9, 8e9],
        };
        let [store, event, event_both, direct, transform, spectra] = match level {
            Level::Avx512 => [0.05, 0.019, 0.038, 0.0091, 1.24, 0.4],
            Level::Avx2 => [0.07, 0.0375, 0.075, 0.021, 1.5, 0.45],
            // like AVX2, with vectors of half the length
            Level::Neon => [0.10, 0.075, 0.15, 0.042, 1.5, 0.55],
            Level::Scalar => [0.10, 0.105, 0.19, 0.069, 1.5, 0.55],
        };
        Self {
            read_bytes_per_s: 25e9,
            product_flop_per_s: product,
            narrow_gram_flop_per_s: narrow_gram,
            gram_flop_per_s: gram,
            cholesky_flop_per_s: 10e9,
            value_ns: 0.35,
            store_ns: store,
            event_ns: event,
            event_both_ns: event_both,
            direct_ns: direct,
            transform_ns: transform,
            spectra_ns: spectra,
        }
    }

    /// Their names and values.
    pub fn all(&self) -> [(&'static str, f64); 12] {
        [
            ("read_bytes_per_s", self.read_bytes_per_s),
            ("product_flop_per_s", self.product_flop_per_s),
            ("narrow_gram_flop_per_s", self.narrow_gram_flop_per_s),
            ("gram_flop_per_s", self.gram_flop_per_s),
            ("cholesky_flop_per_s", self.cholesky_flop_per_s),
            ("value_ns", self.value_ns),
            ("store_ns", self.store_ns),
            ("event_ns", self.event_ns),
            ("event_both_ns", self.event_both_ns),
            ("direct_ns", self.direct_ns),
            ("transform_ns", self.transform_ns),
            ("spectra_ns", self.spectra_ns),
        ]
    }
}
