//! What choices between solvers, rows and devices go by.

use super::cpu::simd::Level;
use super::cpu::speeds::Speeds;

/// What work costs on a backend. Constants of a kind of device, compiled in: the same input takes the same path.
#[derive(Clone, Copy, Debug)]
pub struct Costs {
    /// The backend in results: `cpu` or `gpu`.
    pub backend: &'static str,
    /// The vector instructions of what runs on the CPU.
    pub level: Level,
    /// Speeds.
    pub speeds: Speeds,
    /// Seconds that a pass takes however small it is.
    pub pass_s: f64,
    /// Bytes per second that a design is made and brought there; infinite where it is read in place.
    pub upload_bytes_per_s: f64,
}
