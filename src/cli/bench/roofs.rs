//! What this machine can do at most, measured in the same run: the roofs that times are held against.

use serde_json::{Value, json};

use crate::backend::cpu::roofs::{multiply_adds, read_bandwidth, write_bandwidth};
use crate::backend::cpu::simd::Level;

/// Bytes that fit into the caches next to the cores, all together.
const IN_CACHE: usize = 512 << 10;
/// Bytes that fit into no cache.
pub(super) const IN_MEMORY: usize = 512 << 20;

/// Arithmetic in 1e9 operations a second, bandwidths in 1e9 bytes a second, at this number of threads.
pub(super) fn roofs(n_threads: usize) -> Value {
    let level = Level::best();
    json!({
        "threads": n_threads,
        "f32_gflops": multiply_adds::<f32>(level, n_threads),
        "f64_gflops": multiply_adds::<f64>(level, n_threads),
        "cache_read_gb_per_s": read_bandwidth(level, n_threads, IN_CACHE),
        "memory_read_gb_per_s": read_bandwidth(level, n_threads, IN_MEMORY),
        "memory_write_gb_per_s": write_bandwidth(n_threads, IN_MEMORY),
    })
}
