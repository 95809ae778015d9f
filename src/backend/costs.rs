//! What choices between solvers, rows and devices go by.

use super::cpu::simd::Level;
use super::cpu::speeds::Speeds;

/// Lags of a window from which on a device convolves samples by Fourier transforms: a guess, as long as none has been timed.
pub const TRANSFORMED_LAGS: usize = 1024;

/// Where the matrices of a fit stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// In the memory of the host, in both precisions.
    Host,
    /// On a device in single precision, and there in so many bytes at most; what does not fit is built or sent again in
    /// every pass. The last steps are the host's, which keeps its own.
    Device {
        /// The bytes.
        most_bytes: u64,
    },
}

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
    /// Where matrices stay.
    pub home: Home,
}

impl Costs {
    /// Those of the CPU at a level.
    pub fn of_cpu(level: Level) -> Self {
        Self {
            backend: "cpu",
            level,
            speeds: Speeds::of(level),
            pass_s: 0.0,
            upload_bytes_per_s: f64::INFINITY,
            home: Home::Host,
        }
    }
}
