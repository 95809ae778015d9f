//! What work costs on a kind of device.
//!
//! These are estimates from what such devices have (memory bandwidth, arithmetic, a start and a read-back per pass), not
//! measurements: they decide whether a GPU is worth its upload, and where they are wrong a fit is slower, not worse.

use super::adapter::Facts;
use crate::backend::cpu::simd::Level;
use crate::backend::cpu::speeds::Speeds;
use crate::backend::{Costs, Home};

/// What a fit costs on an adapter beside the CPU that finishes it.
pub fn of(facts: &Facts, level: Level) -> Costs {
    of_kind(facts.kind, level)
}

/// The same of a kind of adapter; see [`Facts::kind`].
pub fn of_kind(kind: &str, level: Level) -> Costs {
    let cpu = Speeds::of(level);
    // bytes and operations per second; seconds per pass; bytes per second of columns made and sent
    let [read, product, gram, pass_s, upload] = match kind {
        "discrete" | "virtual" => [400e9, 4e12, 3e12, 3e-4, 2e9],
        "software" => [2e9, 5e9, 2e9, 2e-3, 4e8],
        _ => [50e9, 4e11, 3e11, 5e-4, 2e9],
    };
    let speeds = Speeds {
        read_bytes_per_s: read,
        product_flop_per_s: product,
        narrow_gram_flop_per_s: gram / 8.0,
        gram_flop_per_s: gram,
        ..cpu
    };
    let home = Home::Device { most_bytes: u64::MAX };
    Costs { backend: "gpu", level, speeds, pass_s, upload_bytes_per_s: upload, home }
}
